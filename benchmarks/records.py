"""What a benchmark leaves as JSON: its figures, and when, where and with what they came about."""

import datetime
import json
import os
import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import keras

HERE = Path(__file__).resolve().parent
PACKAGES = ("keras", "tensorflow-cpu", "tensorflow", "jax", "torch", "numpy")


def made() -> dict[str, Any]:
    """Day, commit, processor, cores and versions; a commit that ends in + had changes on top."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "day": datetime.date.today().isoformat(),
        "commit": COMMIT,
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "backend": keras.backend.backend(),
        "python": platform.python_version(),
        "versions": versions,
    }


def write_record(path: Path, benchmark: str, settings: dict[str, Any], results: Any) -> None:
    """Puts results at `path`; `settings` is what they were asked for with."""
    record = {"benchmark": benchmark, "made": made(), "settings": settings, "results": results}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_short_lists(json.dumps(record, indent=1)) + "\n")


def earlier_results(path: Path | None, settings: dict[str, Any]) -> Any:
    """Results that an earlier call left at `path`, for this one to go on with, or None.

    Its `settings` must have been the same, but that there may be more `seeds` now, behind the earlier ones.
    """
    if path is None or not path.exists():
        return None
    record = json.loads(path.read_text())
    earlier = record["settings"]
    seeds = {"seeds": settings["seeds"][: len(earlier["seeds"])]} if "seeds" in earlier else {}
    if earlier != settings | seeds:
        raise SystemExit(f"{path} holds results with {earlier}, not {settings}. Give another file as --out.")
    return record["results"]


def _short_lists(text: str) -> str:
    """Lists and objects of plain values on one line each: a curve is a column to read."""
    return re.sub(r"[\[{][^\[\]{}]*[\]}]", lambda found: re.sub(r"\s*\n\s*", " ", found[0]), text)


def _git(*words: str) -> str:
    try:
        found = subprocess.run(["git", *words], cwd=HERE, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


# Of what was imported: a benchmark may run for hours, and the working tree go on meanwhile.
COMMIT = _git("rev-parse", "--short=10", "HEAD") + ("+" if _git("status", "--porcelain", "-uno") else "")


def _processor() -> str:
    """Its name where Linux tells it."""
    about = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", about.read_text(), re.MULTILINE) if about.exists() else []
    return names[0] if names else platform.processor() or platform.machine()
