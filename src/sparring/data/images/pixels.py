"""One image file or array made into uint8 pixels of the wanted size."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from sparring.errors import UsageError

# Only these decoders run on a file, whatever its name says: Pillow's EPS reader, for one, would start another program.
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
SMALLEST, LARGEST = 4, 4096  # Sides one can ask for; the larger one is the limit of a DataSpec.
ORIENTATION = 0x0112  # The EXIF tag; its values 5 to 8 turn the image by a quarter.

NARROWEST = 0.75  # Width over height of a picture of a pair, at least; most are square.

# How a file of the format ends that was not cut off.
ENDINGS = {"PNG": b"IEND\xaeB`\x82", "JPEG": b"\xff\xd9"}
MARGIN = 32  # Bytes that some programs leave behind the ending.

Size = tuple[int, int]
Half = Literal["left", "right"]
"""Of an image that shows two pictures side by side, the one that is meant."""


class Header(NamedTuple):
    """What an image file says of itself before it is decoded.

    Attributes:
        size: Height and width, turned as the EXIF tag says.
        channels: 1 of a grey file, 3 of any other.
        transparent: Whether it may have transparent parts.
        complete: Whether it ends as it should; only of formats that tell.
    """

    size: Size
    channels: int
    transparent: bool
    complete: bool


def parse_size(size: str | int | tuple[int, int] | None) -> Size | None:
    """Height and width from `64`, `"64"`, `"48x64"` (height x width) or `(48, 64)`; None stays None.

    Raises:
        UsageError: `size` is none of these, or a side is not within 4 to 4096.
    """
    if size is None:
        return None
    words = re.split(r"\s*[x,]\s*", str(size).strip("()[] ").lower())
    sides = [int(word) for word in words if re.fullmatch(r"-?\d{1,9}", word)]
    if len(sides) != len(words) or len(sides) > 2:
        raise UsageError(f"`size` must be a number such as 64, or height x width such as 48x64. Received: size={size}")
    if min(sides) < SMALLEST:
        raise UsageError(f"`size` must be at least {SMALLEST}. Received: size={size}")
    if max(sides) > LARGEST:
        raise UsageError(f"`size` must be at most {LARGEST}. Received: size={size}")
    return sides[0], sides[-1]


def size_note(size: Size, plural: str = "Images") -> str:
    """The sentence that tells of the cropping and resizing."""
    return f"{plural} were cropped at the centre and resized to {size[0]}x{size[1]} (height x width)."


@contextlib.contextmanager
def decoding() -> Iterator[None]:
    """Silences what decoders say of odd metadata, and refuses images that unpack to far too much.

    Warnings are filtered for the whole process: this goes around a loop or a pool of threads, never into a thread.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Odd metadata is no concern of the person who trains.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def decode(data: bytes, size: Size | None = None, half: Half | None = None) -> tuple[np.ndarray, bool]:
    """Decode the first frame of an image file, turned as its EXIF tag says.

    Args:
        data: The content of the file.
        size: Height and width to crop and resize to; None keeps the size.
        half: Which half of the image is wanted; None takes all of it.

    Returns:
        uint8 pixels (height, width, 1) of a grey file or (height, width, 3) of any other, and whether
        transparent parts were laid on white.

    Raises:
        Exception: Whatever Pillow's decoders run into; the caller knows the name of the file and says it.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        if size is not None:
            # A JPEG decodes several times faster at 1/2, 1/4 or 1/8; twice the wanted side keeps the resize clean.
            image.draft(None, (2 * max(size), 2 * max(size)))
        ImageOps.exif_transpose(image, in_place=True)
        flat, transparent = flatten(image if half is None else _cut(image, half))
        if size is not None:
            flat = _fit(flat, size)
        pixels = np.asarray(flat)
    return pixels.reshape(*pixels.shape[:2], -1), transparent


def read_header(data: bytes, half: Half | None = None) -> Header:
    """The header of an image file, or of one half of it.

    Raises:
        Exception: As in `decode`.
    """
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        # A PNG keeps EXIF before its pixels or, rarely, behind them, where looking for it would decode all of them.
        turned = (image.format != "PNG" or "exif" in image.info) and image.getexif().get(ORIENTATION, 1) >= 5
        height, width = (image.width, image.height) if turned else (image.height, image.width)
        if half is not None:
            _check_pair(height, width)
        return Header(
            size=(height, width if half is None else width // 2),
            channels=_channels(image.mode),
            transparent=image.has_transparency_data,
            complete=ENDINGS.get(image.format or "", b"") in data[-MARGIN:],
        )


def resize_images(images: np.ndarray, size: Size | None) -> np.ndarray:
    """Crop uint8 `images` (N, H, W, 1, 3 or 4) at the centre to the aspect of `size`, and resize them."""
    if size is None or images.shape[1:3] == size:
        return images
    grey = images.shape[-1] == 1
    result = np.empty((len(images), *size, images.shape[-1]), np.uint8)
    for row, pixels in enumerate(images):
        image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if grey else pixels))
        result[row] = np.asarray(_fit(image, size)).reshape(*size, -1)
    return result


def _channels(mode: str) -> int:
    """Channels of what `flatten` makes of an image of `mode`."""
    if mode == "F":
        raise ValueError("its pixels are floating point numbers; 8 or 16 bits are expected")
    return 1 if mode.startswith("I") or mode in ("1", "L", "LA", "La") else 3


def flatten(image: Image.Image) -> tuple[Image.Image, bool]:
    """`image` as 8-bit grey ("L") or RGB without transparency, and whether any was there."""
    mode = "L" if _channels(image.mode) == 1 else "RGB"
    if image.mode.startswith("I"):
        return _eight_bits(image), False
    if not image.has_transparency_data:
        return (image if image.mode == mode else image.convert(mode)), False
    rgba = image.convert("RGBA")
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert(mode), False
    white = Image.new("RGBA", rgba.size, "white")
    white.alpha_composite(rgba)
    return white.convert(mode), True


def _eight_bits(image: Image.Image) -> Image.Image:
    """Sixteen-bit grey, scaled; Pillow's own conversion would clip everything above 255 to white."""
    values = np.asarray(image)
    if values.min() < 0 or values.max() > 65535:
        raise ValueError("its pixels have 32 bits; 8 or 16 are expected")
    return Image.fromarray(((values.astype(np.uint32) + 128) // 257).astype(np.uint8))


def half_of(pixels: np.ndarray, half: Half) -> np.ndarray:
    """One half of uint8 pixels (height, width, 1 or 3), as `decode` takes it; raises ValueError of no pair."""
    height, width = pixels.shape[:2]
    _check_pair(height, width)
    return pixels[:, : width // 2] if half == "left" else pixels[:, width - width // 2 :]


def _cut(image: Image.Image, half: Half) -> Image.Image:
    """One half of an image; the middle column of an odd width belongs to neither."""
    side = image.width // 2
    _check_pair(image.height, image.width)
    left = 0 if half == "left" else image.width - side
    return image.crop((left, 0, left + side, image.height))


def _check_pair(height: int, width: int):
    if width < 2 * NARROWEST * height:
        raise ValueError(
            f"it shows no two pictures side by side: expected at least {2 * NARROWEST:g} times as wide as high, "
            f"received {height}x{width} (height x width)"
        )


def _fit(image: Image.Image, size: Size) -> Image.Image:
    """The largest centred part of `image` that has the aspect of `size`, resized without aliasing."""
    height, width = size
    scale = min(image.width / width, image.height / height)
    left, top = (image.width - width * scale) / 2, (image.height - height * scale) / 2
    # Rounding may put the far edge a hair outside, which Pillow refuses.
    right, bottom = min(left + width * scale, image.width), min(top + height * scale, image.height)
    box = (max(left, 0.0), max(top, 0.0), right, bottom)
    return image.resize((width, height), Image.Resampling.LANCZOS, box=box)
