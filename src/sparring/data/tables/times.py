"""Dates and times as numbers, and back."""

import re
from typing import Any

import numpy as np
import pandas as pd

FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y/%m/%d",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
)
LIKE_A_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{2}:\d{2}.*)?")
MICROSECONDS = {"D": 86_400_000_000, "s": 1_000_000, "us": 1}


def read_times(texts: pd.Series) -> tuple[pd.Series, str] | None:
    """The times that all of the texts are, and their format; None where they are none."""
    if not texts.head(20).map(lambda text: bool(LIKE_A_DATE.fullmatch(text))).all():
        return None
    for form in FORMATS:
        times = pd.to_datetime(texts, format=form, errors="coerce")
        if times.notna().all() and (times.dt.strftime(form) == texts).all():
            return times, form
    return None


def as_times(times: pd.Series) -> tuple[np.ndarray, Any]:
    """Whole units since 1970, float64, and the largest unit of which all are whole; under a microsecond is cut off."""
    if getattr(times.dt, "tz", None) is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    micros = times.to_numpy("datetime64[us]").astype(np.int64)
    unit = next(unit for unit, length in MICROSECONDS.items() if (micros % length == 0).all())
    return in_units(times, unit), unit


def in_units(times: pd.Series, unit: str) -> np.ndarray:
    """Units since 1970 as float64."""
    if getattr(times.dt, "tz", None) is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return times.to_numpy("datetime64[us]").astype(np.int64) / MICROSECONDS[unit]


def from_units(values: np.ndarray, unit: str, form: str | None, dtype: str) -> pd.Series:
    """Times of whole units since 1970: as texts in a format, else of a pandas dtype."""
    times = pd.Series((np.rint(values) * MICROSECONDS[unit]).astype("int64").astype("datetime64[us]"))
    if form is not None:
        return times.dt.strftime(form)
    if "," in dtype:  # datetime64[ns, UTC]
        return times.dt.tz_localize("UTC").astype(dtype)
    return times.astype(dtype) if dtype.startswith("datetime64") else times.astype("object")
