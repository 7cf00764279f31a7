"""Opening a stranger's bundle without running a stranger's code."""

import itertools
import math
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import pydantic

from sparring.bundle.bundle import CARD, MAX_SHEET, SHEET, WEIGHTS, Bundle, Sheet, Snapshot, check_finite, named_weights
from sparring.bundle.kinds import make_bundle
from sparring.bundle.record import Record, first_fault
from sparring.bundle.tensors import read_shapes, read_tensors
from sparring.errors import BundleError

MAX_FILES = 1000  # In a bundle's folder.

Build = Callable[[Record, bool], Mapping[str, keras.Model]]
"""From a record, and whether to trust it, the networks by name; BundleError for a recipe unknown or not trusted."""


def load_bundle(
    path: str | os.PathLike, build: Build, *, trust: bool = False, max_parameters: int = 250_000_000
) -> Bundle:
    """The bundle at `path`, built by our own code and filled with its numbers; nothing in it is ever executed.

    Args:
        path: The bundle's folder, or a run's folder: of its snapshots the best, where one was judged.
        build: From the record to the networks: the one door to the recipes.
        trust: Passed on to `build`: also take recipes that are not our own.
        max_parameters: Refuse more variables than this, counted before anything large is allocated.

    Raises:
        BundleError: It is not a bundle, is damaged, too large, or asks for something a bundle may not ask for.
    """
    folder = _find(Path(path))
    sheet = _read_sheet(folder)
    weights = _own(folder, WEIGHTS)
    found = read_shapes(weights)
    # Keras keeps its state per thread: in a new one the variables, deferred by the scope and so without memory,
    # vanish with the thread and leave no trace in this one.
    with ThreadPoolExecutor(max_workers=1) as thread:
        expected = thread.submit(_planned, build, sheet, trust, max_parameters).result()
    _compare(expected, found, weights)
    networks = _built(build, sheet, trust)
    tensors, _ = read_tensors(weights)
    check_finite(tensors, weights)
    for name, variable in named_weights(networks):
        if str(tensors[name].dtype) != variable.dtype:
            raise BundleError(f"`{weights}`: {name!r} is {tensors[name].dtype}, expected {variable.dtype}.")
        variable.assign(tensors[name])
    return make_bundle(sheet.record, networks, sheet.images_seen, sheet.snapshot)


def read_snapshot(folder: Path) -> Snapshot | None:
    """Which of its run's snapshots the bundle in `folder` is; None where there is none, or it does not say."""
    return _read_sheet(folder).snapshot if (folder / SHEET).is_file() else None


def _find(path: Path) -> Path:
    """The folder of the bundle that `path` means."""
    if path.is_file():
        raise BundleError(
            f"`{path}` is a file. Expected the folder of a bundle or of a run: "
            "model files of other kinds can carry code and are not opened."
        )
    if not path.is_dir():
        raise BundleError(f"`{path}` does not exist. Expected the folder of a bundle or of a run.")
    if os.path.lexists(path / SHEET):
        return path
    if os.path.lexists(path / "bundle" / SHEET):
        return _own(path, "bundle")
    if (path / "recipe.json").is_file():
        raise BundleError(f"`{path}` is a run without a finished bundle. Train on until its first snapshot.")
    raise BundleError(f"`{path}` has neither {SHEET} nor bundle/{SHEET}: it is no bundle, or its writing was stopped.")


def _own(folder: Path, name: str) -> Path:
    """The path of `name`, a plain file or folder that really lies in `folder`."""
    path = folder / name
    if Path(os.path.realpath(path)) != Path(os.path.realpath(folder)) / name:
        raise BundleError(f"`{path}` is a link. A bundle holds plain files only: what a link leads to is not opened.")
    return path


def _read_sheet(folder: Path) -> Sheet:
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, MAX_FILES + 1)]
        if len(names) > MAX_FILES:
            raise BundleError(f"`{folder}` has more than {MAX_FILES} entries. Expected {SHEET}, {WEIGHTS} and {CARD}.")
        for name in names:
            _own(folder, name)
        for name in (SHEET, WEIGHTS):
            if not (folder / name).is_file():  # A named pipe, too: reading it would never end.
                raise BundleError(f"`{folder / name}` is missing or no plain file. Get the bundle anew.")
        with (folder / SHEET).open("rb") as file:
            text = file.read(MAX_SHEET + 1)
    except OSError as error:
        raise BundleError(f"`{folder}` cannot be read: {error.strerror}.") from error
    if len(text) > MAX_SHEET:
        raise BundleError(f"`{folder / SHEET}` has more than {MAX_SHEET:,} bytes: that is no bundle of sparring.")
    try:
        return Sheet.model_validate_json(text)
    except pydantic.ValidationError as error:
        raise BundleError(f"`{folder / SHEET}` cannot be used: {first_fault(error)}.") from error


def _built(build: Build, sheet: Sheet, trust: bool) -> dict[str, keras.Model]:
    recipe = sheet.record.recipe
    try:
        networks = dict(build(sheet.record, trust))
    except BundleError:
        raise
    except Exception as error:  # Options of a stranger may fail anywhere in a recipe or in Keras.
        raise BundleError(f"Recipe {recipe!r} cannot be built from the bundle's options: {str(error)[:300]}") from error
    if set(networks) != set(sheet.networks):
        received = ", ".join(sheet.networks)[:200]
        raise BundleError(f"Recipe {recipe!r} has the networks {', '.join(networks)}; the bundle has {received}.")
    return networks


def _planned(build: Build, sheet: Sheet, trust: bool, max_parameters: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the weights that the record asks for, without allocating any."""
    with keras.StatelessScope(initialize_variables=False):
        networks = _built(build, sheet, trust)
    count = sum(math.prod(variable.shape) for network in networks.values() for variable in network.variables)
    if count > max_parameters:
        raise BundleError(
            f"Recipe {sheet.record.recipe!r} with the bundle's options has {count:,} parameters, more than "
            f"`max_parameters`={max_parameters:,}. Raise that limit if you expected as many."
        )
    return {name: tuple(variable.shape) for name, variable in named_weights(networks)}


def _compare(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]], path: Path) -> None:
    for name, shape in expected.items():
        if name not in found:
            raise BundleError(f"`{path}` does not fit its recipe: tensor {name!r} is missing.")
        if found[name] != shape:
            raise BundleError(f"`{path}` does not fit its recipe: {name!r} is {found[name]}, expected {shape}.")
    if extra := sorted(set(found) - set(expected)):
        raise BundleError(f"`{path}` does not fit its recipe: tensor {extra[0]!r} is not known there.")
