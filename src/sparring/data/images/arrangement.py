"""Which image files are trained on or held out, and which class each belongs to."""

import dataclasses
import re
from collections.abc import Callable, Iterable

from sparring.data.files import Files, Parts
from sparring.data.images.labels import read_labels
from sparring.errors import DataError

TRAINING = {"train", "training"}
HELD_OUT = {"test", "testing", "val", "valid", "validation"}
# As the folders of CycleGAN's data sets are named: a part of a split and the letter of a domain in one.
LETTERED = re.compile(rf"({'|'.join(sorted(TRAINING | HELD_OUT))})[-_ ]?([A-Z])", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Arrangement:
    """Which files are examples, in which order, and what they are.

    Attributes:
        files: First those to train on, then those held out, each in the order of their names.
        num_training: How many are trained on.
        names: The class of each file, or None where there are no classes.
        notes: What was found, one plain sentence each.
        keys: The name of each file without its class and its ending: files of two classes whose keys are equal are
            a pair.
    """

    files: list[Parts]
    num_training: int
    names: list[str] | None
    notes: list[str]
    keys: list[str]


def arrange(files: Files) -> Arrangement:
    """Sort the images of `files` and find out their classes and which of them are held out.

    Folders `train` and `test` (or `val`), on top or inside every class, are a split and no classes. Classes are what
    a table of labels says, or else two or more sub-folders that hold images, with no image beside them. Folders
    `trainA`, `trainB`, `testA` and `testB` are both at once: their letters are the classes.

    Raises:
        DataError: There are no images, the table of labels does not fit them, or only one part of a split has classes.
    """
    if is_lettered(files):
        return _by_letters(files)
    level = _split_level(files)
    notes = []

    def is_held_out(parts: Parts) -> bool:
        return level is not None and parts[level].lower() in HELD_OUT

    def without_split(parts: Parts) -> Parts:
        return parts if level is None or len(parts) <= level else parts[:level] + parts[level + 1 :]

    ordered = sorted(files.images, key=lambda parts: (is_held_out(parts), parts))
    num_training = sum(not is_held_out(parts) for parts in ordered)
    if level is not None:
        parts_held = sorted({parts[level] for parts in ordered[num_training:]})
        trained = ordered[0][level]
        notes.append(
            f"The {num_training:,} {files.plural} in {trained} are trained on; the {len(ordered) - num_training:,} "
            f"in {' and '.join(parts_held)} are held out."
        )
        _check_alike(files, [without_split(parts) for parts in ordered], num_training)
    labels, label_notes = read_labels(files)
    names: list[str] | None
    if labels is not None:
        names, folder_notes, of_class = [labels[parts] for parts in ordered], list[str](), None
    else:
        names, folder_notes = _by_folders(files, ordered, without_split)
        of_class = None if names is None else files.depth + (level == files.depth)
    keys = [_key(part for place, part in enumerate(parts) if place != of_class) for parts in ordered]
    return Arrangement(ordered, num_training, names, notes + label_notes + folder_notes, keys)


def arrange_anyhow(files: Files) -> Arrangement:
    """`arrange`, or where that fails all images without classes: to be looked at, not to be trained on."""
    try:
        return arrange(files)
    except DataError:  # It is said where training is tried; here the examples count.
        return Arrangement(files.images, len(files.images), None, [], ["/".join(parts) for parts in files.images])


def _key(parts: Iterable[str]) -> str:
    return "/".join(parts).rpartition(".")[0]


def is_lettered(files: Files) -> bool:
    """Whether all images lie in folders such as `trainA` and `testB`, and two letters are trained on."""
    trained = set()
    for parts in files.images:  # Of other folders the first image tells already, and there may be 200,000.
        if (found := _letter(parts, files.depth)) is None:
            return False
        held_out, letter = found
        trained |= set() if held_out else {letter}
    return len(trained) > 1


def _letter(parts: Parts, depth: int) -> tuple[bool, str] | None:
    """Whether a file is held out and the letter of its domain; None where its folder does not say so."""
    match = LETTERED.fullmatch(parts[depth]) if len(parts) > depth + 1 else None
    return None if match is None else (match[1].lower() in HELD_OUT, match[2].upper())


def _by_letters(files: Files) -> Arrangement:
    """What folders such as `trainA` and `testB` say."""
    depth, letters, held = files.depth, dict[Parts, str](), dict[Parts, bool]()
    for parts in files.images:
        if (found := _letter(parts, depth)) is not None:
            held[parts], letters[parts] = found
    trained = {letters[parts] for parts in letters if not held[parts]}
    ordered = sorted((parts for parts in letters if letters[parts] in trained), key=lambda parts: (held[parts], parts))
    num_training = sum(not held[parts] for parts in ordered)
    notes = [f"The letters {' and '.join(sorted(trained))} of the folders are the classes."]
    if num_training < len(ordered):
        notes.append(f"{num_training:,} {files.plural} are trained on; {len(ordered) - num_training:,} are held out.")
    keys = ["test/" * held[parts] + _key(parts[depth + 1 :]) for parts in ordered]
    return Arrangement(ordered, num_training, [letters[parts] for parts in ordered], notes, keys)


def _split_level(files: Files) -> int | None:
    """Where in their names the files say `train` or `test`: seen from `files.depth`, on top or one folder down."""
    for level in (files.depth, files.depth + 1):
        if not all(len(parts) > level + 1 and parts[level].lower() in TRAINING | HELD_OUT for parts in files.images):
            continue
        groups: dict[Parts, set[bool]] = {}
        for parts in files.images:
            groups.setdefault(parts[:level], set()).add(parts[level].lower() in TRAINING)
        # A class that is only tested, or a train folder alone, is no split.
        if all(True in group for group in groups.values()) and any(False in group for group in groups.values()):
            return level
    return None


def _check_alike(files: Files, ordered: list[Parts], num_training: int):
    """Both parts of a split hold sub-folders, or both hold only images."""
    flat = [len(parts) == files.depth + 1 for parts in ordered]
    if any(flat[:num_training]) != any(flat[num_training:]):
        with_folders = "the held-out one" if any(flat[:num_training]) else "the one to train on"
        raise DataError(
            f"Both parts of {files.path}, to train on and held out, must hold the same class sub-folders or only "
            f"{files.plural}. Received: sub-folders in {with_folders} alone. Move them or remove one part."
        )


def _by_folders(
    files: Files, ordered: list[Parts], without_split: Callable[[Parts], Parts]
) -> tuple[list[str] | None, list[str]]:
    """The class of each file by its sub-folder, and notes on it."""
    depth, top = files.depth, ordered[0][: files.depth]
    images = [without_split(parts)[depth:] for parts in ordered]
    below = {
        without_split(parts)[depth:]: not is_file for parts, is_file in files.entries.items() if parts[:depth] == top
    }
    folders = {parts[0] for parts, is_folder in below.items() if len(parts) > 1 or (parts and is_folder)}
    holding = {parts[0] for parts in images if len(parts) > 1}
    at_top = sum(len(parts) == 1 for parts in images)
    empty = sorted(folders - holding)
    notes = [f"The sub-folder {name} holds no {files.plural} and was passed over." for name in empty]
    if at_top or len(holding) < 2:
        if at_top and holding:
            notes.append(f"{at_top} {files.plural} lie beside the sub-folders, so the sub-folders are not classes.")
        return None, notes
    notes.append(f"The {len(holding)} sub-folders are the classes.")
    return [parts[0] for parts in images], notes
