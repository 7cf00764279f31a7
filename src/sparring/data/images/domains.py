"""Images of several domains, paired or not: what translation from one to another learns from."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pydantic

from sparring.data.examples import Source
from sparring.data.files import open_files
from sparring.data.images.arrangement import arrange
from sparring.data.images.arrays import Arrays
from sparring.data.images.folder import read_images
from sparring.data.images.pixels import NARROWEST, Half, Size, read_header
from sparring.data.lazy import Examples, ImageFiles, Rows, pick
from sparring.data.spec import DomainsSpec, squared_distance
from sparring.errors import DataError, few

HALVES: tuple[Half, Half] = ("left", "right")
# One pair of so many is set aside to judge by, at most and of at least so many pairs: of fewer each is worth more to
# train on.
ASIDE, MOST_ASIDE, FEWEST_PAIRS = 10, 100, 200


def image_key(place: int) -> str:
    """Name of the images of a domain, counted from 0, in a batch and in `Source.examples`."""
    return f"{place}/image"


def domain_source(
    name: str,
    domains: Mapping[str, Rows],
    held_out: Mapping[str, Rows] | None = None,
    *,
    paired: bool = False,
    notes: tuple[str, ...] = (),
) -> Source[DomainsSpec]:
    """A source of uint8 images (N, H, W, C) of two or more domains, by their names and in their order.

    Args:
        name: Short name of the whole.
        domains: Images to train on; grey ones beside coloured ones get three channels.
        held_out: The same of images that are never trained on.
        paired: Whether image k of every domain shows the same.
        notes: What was done to the data.

    Raises:
        DataError: There are fewer than two domains or two images of one, the images of one are identical, sizes or
            channels differ, or pairs are not equally many.
    """
    if len(domains) < 2:
        raise DataError(f"Translation needs at least 2 domains. Received: {', '.join(domains) or 'none'} in {name}")
    held_out = {domain: rows for domain, rows in (held_out or {}).items() if len(rows)}
    everything = [*domains.values(), *held_out.values()]
    shapes = {domain: rows.shape[1:3] for domain, rows in domains.items()}
    if len({rows.shape[1:3] for rows in everything}) > 1:
        found = ", ".join(f"{domain} {height}x{width}" for domain, (height, width) in shapes.items())
        raise DataError(f"All domains must have images of one size. Received: {found}. Pass `--size 64`, say.")
    channels = {rows.shape[3] for rows in everything}
    if len(channels) > 1:
        if channels != {1, 3}:
            raise DataError(
                f"All domains must have images of as many channels, or of 1 and 3. Received: {sorted(channels)}"
            )
        domains, held_out = ({d: _coloured(rows) for d, rows in part.items()} for part in (domains, held_out))
        notes = (*notes, "Grey images stand beside coloured ones, so all have three channels.")
    counts = {domain: len(rows) for domain, rows in domains.items()}
    if paired and len(set(counts.values())) > 1:
        raise DataError(f"Pairs need as many images of every domain. Received: {_counted(counts)}")
    for domain, count in counts.items():
        if count < 2:
            raise DataError(f"Training needs at least 2 images of each domain. Received: {count} of {domain}")
    distances = {domain: squared_distance(rows) for domain, rows in domains.items()}
    if same := [domain for domain, distance in distances.items() if distance == 0]:
        raise DataError(f"Training needs images that differ. Received: identical ones of {same[0]}")
    _, height, width, depth = next(iter(domains.values())).shape
    try:
        spec = DomainsSpec(
            shape=(height, width, depth),
            domains=tuple(domains),
            paired=paired,
            num_examples=max(counts.values()),
            squared_distance=float(np.mean(list(distances.values()))),
        )
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"{name} cannot be used: {first['loc'][0]}: {first['msg']}") from error
    keys = {domain: image_key(place) for place, domain in enumerate(domains)}
    examples = {keys[domain]: rows for domain, rows in domains.items()}
    apart = {keys[domain]: rows for domain, rows in held_out.items() if domain in keys}
    return Source(name, spec, examples, apart, notes, aligned=paired)


def read_domains(name: str, path: Path, size: Size | None, skip_unreadable: bool) -> Source[DomainsSpec]:
    """The domains in one folder or zip: its classes, see `arrange`, or else the halves of images side by side.

    Raises:
        DataError: It is neither, or its images cannot be read.
    """
    if arrange(open_files(path)).names is not None:
        return join_domains(name, _by_class(read_images(path, size, skip_unreadable)))
    check_halves(path)
    return join_domains(name, {half: read_images(path, size, skip_unreadable, half) for half in HALVES})


def join_domains(name: str, found: Mapping[str, Arrays]) -> Source[DomainsSpec]:
    """A source of domains of what was found for each; paired where the keys of all files are equal."""
    notes = tuple(dict.fromkeys(note for arrays in found.values() for note in arrays.notes))
    trained = {domain: _Part(arrays.keys[: len(arrays.images)], arrays.images) for domain, arrays in found.items()}
    held_out = {
        domain: _Part(arrays.keys[len(arrays.images) :], arrays.held_out["image"])
        for domain, arrays in found.items()
        if "image" in arrays.held_out
    }
    paired, note = _pairs(trained)
    if paired:
        trained = {domain: part.of(sorted(part.keys)) for domain, part in trained.items()}
        common = set.intersection(*(set(part.keys) for part in held_out.values())) if held_out else set()
        whole = len(held_out) == len(found)
        held_out = {domain: part.of(sorted(common)) for domain, part in held_out.items()} if whole else {}
    rows, apart = ({domain: part.rows for domain, part in parts.items()} for parts in (trained, held_out))
    return domain_source(name, rows, apart, paired=paired, notes=(*notes, *note))


class _Part:
    """Images of one domain that are all trained on or all held out, with the keys of their files."""

    def __init__(self, keys: tuple[str, ...], rows: Rows):
        self.keys, self.rows = keys, rows

    def of(self, keys: list[str]) -> "_Part":
        """The images of these keys, in this order."""
        places = {key: row for row, key in enumerate(self.keys)}
        return _Part(tuple(keys), pick(self.rows, np.array([places[key] for key in keys], np.int64)))


def _pairs(parts: Mapping[str, _Part]) -> tuple[bool, tuple[str, ...]]:
    """Whether the files of all domains are pairs, and a note on it."""
    keys = {domain: set(part.keys) for domain, part in parts.items()}
    if any(len(keys[domain]) < len(part.rows) for domain, part in parts.items()):  # Arrays, or a name twice.
        return False, ()
    common, every = set.intersection(*keys.values()), set.union(*keys.values())
    if common == every:
        return True, ("Files of equal names are pairs.",)
    if not common:
        return False, ()
    alone = [f"{key} of {next(d for d in keys if key in keys[d])}" for key in sorted(every - common)]
    note = (
        f"These are no pairs: {len(common):,} names are in every domain, {len(alone):,} are not "
        f"({few(alone, 3)}). Pairs need equal names, and each of them in every domain."
    )
    return False, (note,)


def _by_class(found: Arrays) -> dict[str, Arrays]:
    """What was found, class by class."""
    if found.labels is None:
        raise DataError("Translation needs at least 2 domains. Received: one sub-folder with images")
    middle, result = len(found.images), {}
    held_labels = np.asarray(found.held_out["label"]) if found.held_out else np.empty(0, np.int32)
    for label, domain in enumerate(found.classes):
        rows, apart = np.flatnonzero(found.labels == label), np.flatnonzero(held_labels == label)
        keys = tuple(found.keys[row] for row in (*rows, *(middle + apart)))
        held_out = {"image": pick(found.held_out["image"], apart)} if len(apart) else {}
        notes = tuple(note.replace("are the classes", "are the domains") for note in found.notes)
        result[domain] = Arrays(pick(found.images, rows), held_out=held_out, notes=notes, keys=keys)
    return result


def check_halves(path: Path) -> None:
    """Raises DataError where the first image that opens does not show two pictures side by side."""
    files = open_files(path)
    for parts in files.images:
        try:
            height, width = read_header(files.read(parts)).size
        except Exception:  # A damaged file is reported where all are read.
            continue
        if width < 2 * NARROWEST * height:
            raise DataError(
                f"{path} holds no domains: expected one sub-folder for each, folders such as trainA and trainB, or "
                f"images that show a pair side by side. Received: {'/'.join(parts)} of {height}x{width} (height x "
                "width). Give two folders, one for each domain."
            )
        return


def _coloured(rows: Rows) -> Rows:
    if rows.shape[3] == 3:
        return rows
    if isinstance(rows, ImageFiles):
        return rows.pick(np.arange(len(rows)), channels=3)
    return np.repeat(np.asarray(rows), 3, axis=3)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} of {domain}" for domain, count in counts.items())


def set_aside(source: Source[DomainsSpec]) -> tuple[Source[DomainsSpec], Examples]:
    """The source without some evenly spaced training pairs, and these pairs: what a look at every tick translates.

    Pairs that are trained on would show a translator that knows them by heart as ever better, and held-out ones are
    what the result is judged by. Nothing is set aside without pairs, where there is no truth to know, or of few pairs.
    """
    count = source.spec.num_examples
    if not source.spec.paired or count < FEWEST_PAIRS:
        return source, {}
    chosen = min(MOST_ASIDE, count // ASIDE)
    rows = np.arange(chosen) * count // chosen
    others = np.setdiff1d(np.arange(count), rows)
    apart, rest = ({key: pick(part, places) for key, part in source.examples.items()} for places in (rows, others))
    return dataclasses.replace(source, examples=rest), apart


def describe_domains(source: Source[DomainsSpec]) -> str:
    """`400 pairs of left and right, 64x64x3`, or how many images there are of each."""
    spec = source.spec
    shape = "x".join(map(str, spec.shape))
    if spec.paired:
        return f"{spec.num_examples:,} pairs of {' and '.join(spec.domains)}, images of {shape}"
    counts = {domain: len(source.examples[image_key(place)]) for place, domain in enumerate(spec.domains)}
    return f"unpaired images of {shape}, {_counted(counts)}"
