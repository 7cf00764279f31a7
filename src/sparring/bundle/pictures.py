"""How samples leave the house: sheets, folders, arrays and animations."""

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.errors import UsageError
from sparring.files import replace_file

GAP = 2  # Pixels of white between the cells of a grid.
STILLS = {".png": ("PNG", {}), ".webp": ("WEBP", {"lossless": True})}
GREYS = 32  # Of a gray GIF.
PALETTE_FRAMES = 16  # Frames that the palette of a GIF is made from: enough to meet every color, quick to quantize.


def grid(images: np.ndarray, columns: int | None = None, min_side: int = 48) -> Image.Image:
    """One picture of many: rows of cells on white.

    Args:
        images: uint8, (n, height, width, channels), with 1 to 4 channels.
        columns: Cells in a row; by default as many as make the grid about square.
        min_side: Images whose longer side has fewer pixels are enlarged by a whole factor, without blurring.
    """
    columns = columns or int(np.ceil(np.sqrt(len(images))))
    factor = max(1, -(-min_side // max(images.shape[1:3])))
    cells = images.repeat(factor, axis=1).repeat(factor, axis=2)
    _, height, width, channels = cells.shape
    rows = -(-len(cells) // columns)
    size = (rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels)
    sheet = np.full(size, 255, np.uint8)
    for index, cell in enumerate(cells):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = cell
    return picture(sheet)


def save_grid(images: np.ndarray, path: str | os.PathLike, columns: int | None = None) -> None:
    """Write `grid(images, columns)` to `path`, a .png or .webp file, both without loss.

    Raises:
        UsageError: `path` ends in something else.
    """
    kind, options = _by_suffix(path, STILLS)
    buffer = io.BytesIO()
    grid(images, columns).save(buffer, kind, **options)
    replace_file(path, buffer.getvalue())


def save_folder(images: np.ndarray, folder: str | os.PathLike, names: Sequence[str] | None = None) -> list[str]:
    """Write each of the images as a PNG: `000.png`, or `000_cat.png` where `names` are given.

    Args:
        images: uint8, (n, height, width, channels).
        folder: Made if it is not there; files of the same names are replaced.
        names: A name for each image, usually its class; what is unsafe in a file name becomes `_`.

    Returns:
        The names of the files, in the order of the images.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    digits, written = len(str(len(images) - 1)), []
    for index, image in enumerate(images):
        buffer = io.BytesIO()
        picture(image).save(buffer, "PNG")
        tail = f"_{safe_name(names[index])}" if names is not None else ""
        written.append(f"{index:0{digits}d}{tail}.png")
        replace_file(folder / written[-1], buffer.getvalue())
    return written


def save_npz(images: np.ndarray, labels: np.ndarray | None, path: str | os.PathLike, name: str = "images") -> None:
    """Write the array `name` and, where there are any, `labels` to a compressed .npz file."""
    arrays = {name: images} if labels is None else {name: images, "labels": labels}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    replace_file(path, buffer.getvalue())


def save_animation(
    frames: Sequence[Image.Image], path: str | os.PathLike, milliseconds: int, hold_milliseconds: int = 1500
) -> None:
    """Write `frames` as an endless animation, a .gif or .webp file.

    In a GIF gray frames are rounded to 32 grays, which in motion look like 256 and take far fewer bytes;
    color frames share one palette of 256, so that it does not flicker.

    Args:
        frames: Pictures of one size and mode.
        path: Where to.
        milliseconds: Each frame is shown this long (GIF counts in tens of milliseconds).
        hold_milliseconds: The last one is shown so much longer; 0 for a walk that closes.

    Raises:
        UsageError: `path` ends in something else.
    """
    kind, options = _by_suffix(path, {".gif": ("GIF", {}), ".webp": ("WEBP", {"quality": 90})})
    if kind == "GIF":
        frames = [few_greys(frame) for frame in frames] if frames[0].mode == "L" else _with_one_palette(frames)
    durations = [milliseconds] * (len(frames) - 1) + [milliseconds + hold_milliseconds]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=durations, loop=0, **options)
    replace_file(path, buffer.getvalue())


def few_greys(frame: Image.Image) -> Image.Image:
    """A gray frame rounded to `GREYS` grays."""
    step = 255 / (GREYS - 1)
    return frame.point([round(round(value / step) * step) for value in range(256)])


def one_palette(frames: Sequence[Image.Image]) -> Image.Image:
    """The 256 colors that suit these RGB frames, as `in_palette` takes them."""
    return Image.fromarray(np.concatenate([np.asarray(frame) for frame in frames])).quantize(
        256, method=Image.Quantize.MEDIANCUT
    )


def in_palette(frame: Image.Image, palette: Image.Image) -> Image.Image:
    """An RGB frame in the colors of `one_palette`."""
    return frame.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _with_one_palette(frames: Sequence[Image.Image]) -> list[Image.Image]:
    frames = [frame.convert("RGB") for frame in frames]
    palette = one_palette(frames[:: -(-len(frames) // PALETTE_FRAMES)])
    return [in_palette(frame, palette) for frame in frames]


def picture(image: np.ndarray) -> Image.Image:
    """A uint8 (height, width, channels) array as L, LA, RGB or RGBA."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _by_suffix(path: str | os.PathLike, known: dict[str, tuple[str, dict]]) -> tuple[str, dict]:
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise UsageError(f"`path` must end in {' or '.join(known)}. Received: {str(path)!r}")
    return known[suffix]


def safe_name(name: str) -> str:
    """`name` as a part of a file name on every system: letters, digits, `-` and `_`, at most 50 of them."""
    return re.sub(r"[^\w-]+", "_", name)[:50]


def safe_names(names: Sequence[str]) -> list[str]:
    """Each as by `safe_name`; all with their numbers before them where two would be one on some system."""
    found = [safe_name(name) for name in names]
    if len({name.lower() for name in found}) == len(found):
        return found
    return [f"{number}_{name}" for number, name in enumerate(found)]
