"""Rows of CTGAN and TVAE, made by the package `ctgan`, for `benchmarks/tables.py`."""

import time

import numpy as np
import pandas as pd
import torch
from ctgan import CTGAN, TVAE

TRIAL_EPOCHS = 2  # After which an epoch's seconds are known.
MODELS = {"ctgan": CTGAN, "tvae": TVAE}


def draw(
    model: str, train: pd.DataFrame, numbers: list[str], seed: int, epochs: int, seconds: float | None
) -> tuple[pd.DataFrame, dict[str, float]]:
    """As many rows as `train` has, and the epochs and seconds of processor they took.

    Args:
        model: One of `MODELS`, with its own defaults.
        train: Its missing numbers become medians, which the package needs.
        numbers: Columns of numbers; all others are levels.
        seed: Of PyTorch and NumPy.
        epochs: Passes over the rows.
        seconds: Of processor that take the place of `epochs`, where they are given.
    """
    frame = train.copy()
    frame[numbers] = frame[numbers].fillna(frame[numbers].median())
    levels = [name for name in frame if name not in numbers]
    frame[levels] = frame[levels].astype(object).where(frame[levels].notna(), "missing")
    if seconds is not None:
        epochs = _epochs_in(seconds, model, frame, levels)
    began = time.process_time()
    made = _fitted(model, frame, levels, seed, epochs).sample(len(train))
    return made, {"epochs": epochs, "seconds": time.process_time() - began}


def _fitted(model: str, frame: pd.DataFrame, levels: list[str], seed: int, epochs: int):
    torch.manual_seed(seed)
    np.random.seed(seed)
    found = MODELS[model](epochs=epochs)
    found.fit(frame, discrete_columns=levels)
    return found


def _epochs_in(seconds: float, model: str, frame: pd.DataFrame, levels: list[str]) -> int:
    """Passes for which so many seconds of processor suffice, what comes before them included."""
    spent = []
    for epochs in (TRIAL_EPOCHS, 2 * TRIAL_EPOCHS):
        began = time.process_time()
        _fitted(model, frame, levels, 0, epochs)
        spent.append(time.process_time() - began)
    epoch = max(1e-3, (spent[1] - spent[0]) / TRIAL_EPOCHS)
    return max(1, round((seconds - (spent[0] - TRIAL_EPOCHS * epoch)) / epoch))
