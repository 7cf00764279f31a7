"""Weights of a classifier in a safetensors file that tells when it is damaged."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sparring.errors import DataError
from sparring.files import replace_file

MAX_BYTES = 16_000_000  # A hundred times the embedded one.


def digest_of(weights: Mapping[str, np.ndarray]) -> str:
    """SHA-256 of names, types, shapes and values, in 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, array in sorted(weights.items()):
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write_weights(path: Path, weights: Mapping[str, np.ndarray], facts: Mapping[str, str]) -> None:
    """Put `weights` and short texts about them at `path`, in one step, with their digest.

    Raises:
        OSError: The file cannot be written; one that was there is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, save(dict(weights), {**facts, "sha256": digest_of(weights)}))


def read_weights(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """What `write_weights` put there.

    Raises:
        DataError: The file is missing, damaged, or another's.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is no classifier of sparring: it is larger than {MAX_BYTES:,} bytes.")
        with safe_open(str(path), framework="np") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
            facts = dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} cannot be read: {error}. Remove it, and it is made anew.") from error
    if facts.pop("sha256", None) != digest_of(weights):
        raise DataError(f"{path} is damaged: its weights do not match their digest. Remove it, and it is made anew.")
    return weights, facts
