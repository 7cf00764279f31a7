"""A look at data before it is trained on: what is there, what `train` would make of it, and what would go wrong."""

import dataclasses
import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sparring.applications.inspecting.advice import Facts, warn
from sparring.applications.inspecting.attempt import attempt
from sparring.applications.inspecting.clips import ClipsInspection, inspect_clips
from sparring.applications.inspecting.domains import DomainsInspection, are_domains, inspect_domains
from sparring.applications.inspecting.plan import plan_recipe
from sparring.applications.inspecting.tables import TableInspection, inspect_table
from sparring.applications.inspecting.words import (
    SHEET,
    SHEET_SIDE,
    counts,
    groups,
    most_common,
    spread,
    thumbnail_size,
)
from sparring.bundle.pictures import save_grid
from sparring.data.clips.opening import are_clips, refuse_frames
from sparring.data.files import slug
from sparring.data.images.pixels import Size, parse_size
from sparring.data.images.survey import Survey, array_pixels, file_pixels, survey_arrays, survey_files
from sparring.data.images.twins import nearly_same, same
from sparring.data.source import Source, find_arrays, folder_or_zip
from sparring.data.tables.reading import is_table
from sparring.errors import few
from sparring.recipes.choice import wants_domains

SHEET_IMAGES, SHEET_COLUMNS = 100, 10

Thumbnails = Callable[[list[int], Size], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What `inspect` found.

    Attributes:
        name: Short name of the source.
        num_images: Images or image files, readable or not, held out or not.
        num_held_out: Readable ones that would not be trained on.
        unreadable: Why each file that cannot be read cannot, by its name.
        kinds: How many images there are of each format and colour mode, such as "PNG RGBA"; most common first.
        sizes: How many there are of each (height, width); most common first.
        channels: 1 if every image is grey, else 3.
        classes: How many images of each class would be trained on; empty where there are no classes.
        duplicates: Groups of names of images with the same pixels.
        near_duplicates: Groups of names of images that look alike; of the same ones only the first is named.
        notes: How classes and held-out images were found.
        training: What `train` would do with it, or why it would not, a sentence each.
        warnings: What makes training fail or turn out badly, and what to do, a paragraph each.
        sheet: The picture of thumbnails, if one was asked for.
    """

    name: str
    num_images: int
    num_held_out: int
    unreadable: Mapping[str, str]
    kinds: Mapping[str, int]
    sizes: Mapping[Size, int]
    channels: int
    classes: Mapping[str, int]
    duplicates: tuple[tuple[str, ...], ...]
    near_duplicates: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    training: tuple[str, ...]
    warnings: tuple[str, ...]
    sheet: Path | None = None

    def facts(self) -> dict[str, str]:
        """What is there, in words, by what it is about."""
        held = f", of which {self.num_held_out:,} are held out" if self.num_held_out else ""
        sizes = {f"{height}x{width}": count for (height, width), count in self.sizes.items()}
        facts = {
            "images": f"{self.num_images:,}{held}",
            "unreadable": few([f"{name} ({reason})" for name, reason in self.unreadable.items()]),
            "formats": counts(self.kinds),
            "sizes": f"{len(sizes):,} (height x width): {counts(sizes)}" if len(sizes) > 1 else "".join(sizes),
            "channels": f"{self.channels} ({'grey' if self.channels == 1 else 'colour'})",
            "classes": f"{len(self.classes)}: {counts(self.classes)}" if self.classes else "none",
            "same pixels": groups(self.duplicates),
            "near-duplicates": groups(self.near_duplicates),
        }
        return {name: text or "none" for name, text in facts.items()}

    def lines(self) -> list[str]:
        """All of it as plain text, a line for each fact, note, step and warning."""
        lines = [f"{name}: {text}" for name, text in self.facts().items()]
        lines += [*self.notes, *self.training, *(f"Warning: {warning}" for warning in self.warnings)]
        return lines + ([f"Wrote {self.sheet}"] if self.sheet else [])


def inspect(
    source: Any,
    *,
    size: str | int | tuple[int, int] | None = None,
    frames: int | None = None,
    stride: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    target: str | None = None,
    columns: Mapping[str, str] | None = None,
    recipe: str | None = None,
) -> Inspection | ClipsInspection | DomainsInspection | TableInspection:
    """Looks at images, clips, domains or a table: also at such as `train` would refuse, and says why it would.

    Args:
        source: As in `open_source`.
        size: As in `open_source`: what the images would be trained at.
        frames: As in `open_source`.
        stride: As in `open_source`.
        data_dir: As in `open_source`.
        out: Folder for a picture of up to 100 thumbnails, spread evenly over the classes, or of ten frames of
            each of up to ten clips; not of domains.
        target: As in `open_source`.
        columns: As in `open_source`.
        recipe: As in `train`: a folder is looked at as domains where the recipe is one of translation. It is tried for
            some seconds, to say how long it would take.

    Returns:
        What was found; `lines()` is all of it as text.

    Raises:
        DataError: There is nothing there that holds images, clips or a table.
        UsageError: `size` is not a size, `frames` or `stride` are given for what are no clips, or `recipe` is not
            known or is for another kind of data.

    Example:
        >>> sparring.inspect("photos/", size=64).warnings
    """
    if are_clips(source, frames) and not is_table(source):
        return inspect_clips(source, frames=frames, stride=stride, size=size, data_dir=data_dir, out=out, recipe=recipe)
    refuse_frames(source, frames, stride)
    if is_table(source):
        return inspect_table(source, target, columns, recipe)
    if are_domains(source) or wants_domains(recipe):
        return inspect_domains(source, size, data_dir, recipe)
    return _inspect_images(source, parse_size(size), data_dir, out, recipe)


def _inspect_images(source, wanted: Size | None, data_dir, out, recipe: str | None) -> Inspection:
    name, survey, thumbnails = _look(source, data_dir)
    sizes = most_common(survey.sizes)
    fitting = None if len(sizes) == 1 else _fitting(sizes)
    plan = functools.partial(_plan, recipe)
    opened, training = attempt(source, wanted, fitting, bool(survey.unreadable), plan, data_dir=data_dir)
    twins, near = same(survey.digests), nearly_same(survey.steps, survey.thumbs, survey.digests)
    classes = survey.class_counts()
    facts = Facts(
        num_training=len(survey.names) - sum(survey.held_out),
        sizes=sizes,
        wanted=wanted,
        classes=classes,
        num_copies=sum(len(group) - 1 for group in twins),
        num_near=sum(len(group) - 1 for group in near),
        num_leaked=_leaked(twins, survey.held_out),
        num_unreadable=len(survey.unreadable),
    )
    return Inspection(
        name=name,
        num_images=len(survey.names) + len(survey.unreadable),
        num_held_out=sum(survey.held_out),
        unreadable=survey.unreadable,
        kinds=most_common(survey.kinds),
        sizes=sizes,
        channels=max(survey.channels, default=1),
        classes=classes,
        duplicates=_named(twins, survey.names),
        near_duplicates=_named(near, survey.names),
        notes=survey.notes,
        training=training,
        warnings=tuple(warn(facts)),
        sheet=None if out is None else _draw(survey, thumbnails, _sheet_size(opened, wanted), Path(out)),
    )


def _look(source, data_dir) -> tuple[str, Survey, Thumbnails]:
    """The name, what was seen, and what fetches thumbnails of rows."""
    if (path := folder_or_zip(source)) is not None:
        seen = survey_files(path)
        return slug(path), seen, lambda rows, size: file_pixels(path, [seen.names[row] for row in rows], size)
    name, found = find_arrays(source, None, data_dir)
    return name, survey_arrays(found), lambda rows, size: array_pixels(found, rows, size)


def _plan(recipe: str | None, opened: Source, how: str) -> str:
    height, width, channels = opened.spec.shape
    classes = f" in {opened.spec.num_classes} classes" if opened.spec.num_classes else ""
    return (
        f"train{how} would take {opened.spec.num_examples:,} images of {height}x{width}x{channels}{classes} "
        f"and {plan_recipe(opened, recipe)}."
    )


def _fitting(sizes: Mapping[Size, int]) -> Size | None:
    """A square for images of many sizes: 16, 32, 64 or 128, the largest that half of them fill."""
    sides = sorted(min(size) for size, count in sizes.items() for _ in range(count))
    if not sides:
        return None
    side = next((side for side in (128, 64, 32) if sides[len(sides) // 2] >= side), 16)
    return side, side


def _leaked(twins: list[list[int]], held_out: list[bool]) -> int:
    """How many held-out images are also trained on."""
    shared = [group for group in twins if not all(held_out[row] for row in group)]
    return sum(held_out[row] for group in shared for row in group)


def _sheet_size(opened: Source | None, wanted: Size | None) -> Size:
    """Of one thumbnail: the shape that is trained on, no larger than needed to recognise it."""
    return thumbnail_size(*(opened.spec.shape[:2] if opened else wanted or (SHEET_SIDE, SHEET_SIDE)))


def _draw(survey: Survey, thumbnails: Thumbnails, size: Size, folder: Path) -> Path | None:
    rows = spread(survey.classes or [""] * len(survey.names), SHEET_IMAGES)
    if not rows:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    save_grid(thumbnails(rows, size), folder / SHEET, SHEET_COLUMNS)
    return folder / SHEET


def _named(groups: list[list[int]], names: list[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(names[row] for row in group) for group in groups)
