"""A look at images of several domains before a translation is learnt: how many, of which sizes, and what leaks."""

import collections
import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sparring.applications.inspecting.plan import plan_recipe
from sparring.data.files import open_files
from sparring.data.images.arrangement import arrange_anyhow, is_lettered
from sparring.data.images.domains import HALVES, check_halves, describe_domains
from sparring.data.images.survey import Survey, survey_arrays, survey_files
from sparring.data.source import find_arrays, folder_or_zip, is_several, name_sources, open_source
from sparring.errors import DataError

FEW, VERY_FEW = 1000, 100  # Images of a domain; below the first pairs are far better, if there are any.
SHOWN = 3  # Names and sizes in one line.


@dataclasses.dataclass(frozen=True)
class DomainsInspection:
    """What `inspect` found in domains.

    Attributes:
        name: Short name of the whole.
        domains: What there is of each, in words, by its name.
        notes: How domains, pairs and held-out images were found.
        training: What `train` would do with them, or why it would not, a sentence each.
        warnings: What makes training fail or turn out badly, and what to do, a sentence each.
    """

    name: str
    domains: Mapping[str, str]
    notes: tuple[str, ...]
    training: tuple[str, ...]
    warnings: tuple[str, ...]
    sheet: Path | None = None

    def facts(self) -> dict[str, str]:
        """What is there, in words, by what it is about."""
        return {"domains": f"{len(self.domains)}"} | {f"  {name}": text for name, text in self.domains.items()}

    def lines(self) -> list[str]:
        """All of it as plain text, a line for each fact, note, step and warning."""
        lines = [f"{name}: {text}" for name, text in self.facts().items()]
        return [*lines, *self.notes, *self.training, *(f"Warning: {warning}" for warning in self.warnings)]


@dataclasses.dataclass(frozen=True)
class _Seen:
    """One image: its name, whether it is held out, its size and what its pixels come to."""

    name: str
    held_out: bool
    size: tuple[int, int]
    digest: bytes


def are_domains(source: Any) -> bool:
    """Whether `train` would take a source for domains whatever the recipe is."""
    if is_several(source):
        return True
    return (path := folder_or_zip(source)) is not None and is_lettered(open_files(path))


def inspect_domains(
    source: Any, size: Any = None, data_dir: str | os.PathLike[str] | None = None, recipe: str | None = None
) -> DomainsInspection:
    """Looks at domains: also at such as `train` would refuse, and says why it would.

    Args:
        source: Several sources in a list or by name, or a folder or zip of `trainA` and `trainB`, of a sub-folder for
            each domain, or of images that show pairs side by side.
        size: What the images would be trained at.
        data_dir: As in `open_source`.
        recipe: As in `inspect`.

    Raises:
        DataError: There is nothing that could be domains.
    """
    seen, unreadable = _look(source, data_dir)
    training, notes = _try(source, size, data_dir, bool(unreadable), recipe)
    return DomainsInspection(
        name=" and ".join(seen),
        domains={domain: _describe(images) for domain, images in seen.items()},
        notes=notes,
        training=training,
        warnings=tuple(_warn(seen, unreadable, size is not None)),
    )


def _look(source: Any, data_dir) -> tuple[dict[str, list[_Seen]], list[str]]:
    """What there is of each domain, and the names of files that cannot be read."""
    if not is_several(source):
        path = folder_or_zip(source)
        if path is None:
            raise DataError(f"Translation needs two sources, one for each domain. Received: {source!s:.200} alone")
        if arrange_anyhow(open_files(path)).names is None:
            check_halves(path)
            halves = {half: survey_files(path, half) for half in HALVES}
            return {half: list(_images(one)) for half, one in halves.items()}, list(halves["left"].unreadable)
        survey, found = survey_files(path), dict[str, list[_Seen]]()
        for domain, image in zip(survey.classes or [], _images(survey), strict=True):
            found.setdefault(domain, []).append(image)
        return dict(sorted(found.items())), list(survey.unreadable)
    found, unreadable = {}, []
    for domain, one in name_sources(source).items():
        path = folder_or_zip(one)
        survey = survey_arrays(find_arrays(one, None, data_dir)[1]) if path is None else survey_files(path)
        found[domain] = list(_images(survey))
        unreadable += [f"{domain}/{name}" for name in survey.unreadable]
    return found, unreadable


def _images(survey: Survey) -> Iterator[_Seen]:
    for name, held_out, size, digest in zip(survey.names, survey.held_out, survey.sizes, survey.digests, strict=True):
        yield _Seen(name, held_out, size, digest)


def _describe(images: Sequence[_Seen]) -> str:
    held = sum(image.held_out for image in images)
    sizes = collections.Counter(image.size for image in images).most_common()
    shown = ", ".join(f"{height}x{width}" for (height, width), _ in sizes[:SHOWN])
    more = f", and {len(sizes) - SHOWN:,} more sizes" if len(sizes) > SHOWN else ""
    return f"{len(images):,} images of {shown}{more}" + (f", of which {held:,} are held out" if held else "")


def _try(source, size, data_dir, damaged: bool, recipe: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What `train` would do, with flags that may help where it would do nothing, and notes on the data."""
    refusal: tuple[str, ...] = ()
    for wanted, skip in dict.fromkeys([(size, False), (size, damaged), (size or 64, damaged)]):
        try:
            opened = open_source(source, size=wanted, data_dir=data_dir, skip_unreadable=skip, domains=True)
        except DataError as error:
            refusal = refusal or (f"train would refuse it: {error}",)
            continue
        flags = ["--size 64"] * (wanted != size) + ["--skip-unreadable"] * skip
        how = f" with {' '.join(flags)}" if flags else ""
        plan = f"train{how} would take {describe_domains(opened)}, and {plan_recipe(opened, recipe)}."
        return (*refusal, plan), opened.notes
    return refusal, ()


def _warn(seen: Mapping[str, list[_Seen]], unreadable: Sequence[str], sized: bool) -> Iterator[str]:
    if unreadable:
        yield (
            f"{len(unreadable)} files cannot be read, such as {unreadable[0]}. Repair or remove them, or pass "
            "--skip-unreadable."
        )
    for domain, images in seen.items():
        count = sum(not image.held_out for image in images)
        if count < VERY_FEW:
            yield f"{count} images of {domain} to train on: under {VERY_FEW} little can be learnt but these."
        elif count < FEW:
            yield (
                f"{count} images of {domain} to train on: without pairs, under {FEW:,} the discriminator soon knows "
                "them by heart. Collect more, or pass --set augment=diffaugment."
            )
    sizes = {image.size for images in seen.values() for image in images}
    if len(sizes) > 1 and not sized:
        yield f"The images have {len(sizes):,} sizes. Pass --size 64, say, to crop and resize them to one."
    trained = {
        image.digest: f"{d}/{image.name}" for d, images in seen.items() for image in images if not image.held_out
    }
    for domain, images in seen.items():
        leaks = [image.name for image in images if image.held_out and image.digest in trained]
        if leaks:
            yield (
                f"{len(leaks)} held-out images of {domain} are also trained on, such as {leaks[0]}: figures of quality "
                "will flatter. Remove them from one part."
            )
    places: dict[bytes, set[str]] = {}
    for domain, images in seen.items():
        for image in images:
            places.setdefault(image.digest, set()).add(domain)
    if shared := sum(len(domains) > 1 for domains in places.values()):
        yield f"{shared} images are in more than one domain: nothing is to be translated there. Remove them from one."
