"""What lies in a source, file by file: looked at without demanding that it could be trained on."""

import collections
import dataclasses
import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from sparring.data.files import open_files
from sparring.data.images.arrangement import arrange_anyhow
from sparring.data.images.arrays import Arrays
from sparring.data.images.folder import why_unreadable
from sparring.data.images.pixels import FORMATS, Half, Size, decode, decoding, resize_images
from sparring.data.images.twins import HASH_SHAPE, THUMB_SHAPE


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """What was seen of each readable image, a row or an item each, in the order they are trained on.

    Attributes:
        names: Name of the file, or the row of an array.
        held_out: Whether the image is held out.
        classes: Name of the class, or None where there are none.
        sizes: Height and width, turned as the EXIF tag says.
        channels: 1 for a grey image, 3 for any other.
        kinds: What decoder and colour mode a file needs, such as "PNG RGBA"; "array" for an array.
        digests: 16 bytes that are alike for images of the same pixels, grey or not.
        steps: uint8 (N, 8, 9) grey, small, for the difference hash.
        thumbs: uint8 (N, 16, 16) grey.
        unreadable: Why each file that could not be read could not, by its name.
        notes: What was found of classes and held-out parts.
    """

    names: list[str]
    held_out: list[bool]
    classes: list[str] | None
    sizes: list[Size]
    channels: list[int]
    kinds: list[str]
    digests: list[bytes]
    steps: np.ndarray
    thumbs: np.ndarray
    unreadable: dict[str, str]
    notes: tuple[str, ...] = ()

    def class_counts(self) -> dict[str, int]:
        """How many images of each class are trained on, in the order of the names of the classes."""
        if self.classes is None:
            return {}
        counts = collections.Counter(dict.fromkeys(sorted(set(self.classes)), 0))
        counts.update(name for name, held in zip(self.classes, self.held_out, strict=True) if not held)
        return dict(counts)


class _Looks:
    """Collects what is seen of one image after the other."""

    def __init__(self):
        self.sizes: list[Size] = []
        self.channels: list[int] = []
        self.digests: list[bytes] = []
        self.steps: list[np.ndarray] = []
        self.thumbs: list[np.ndarray] = []

    def add(self, pixels: np.ndarray):
        """Looks at uint8 `pixels` (height, width, 1 or 3)."""
        grey = Image.fromarray(pixels[..., 0]) if pixels.shape[2] == 1 else Image.fromarray(pixels).convert("L")
        self.sizes.append(pixels.shape[:2])
        self.channels.append(pixels.shape[2])
        # Grey images count as the same whether they are stored with one channel or with three.
        alike = pixels.shape[2] == 3 and (pixels == pixels[..., :1]).all()
        content = np.ascontiguousarray(pixels[..., :1] if alike else pixels)
        digest = hashlib.blake2b(content.data, digest_size=16)
        digest.update(str(content.shape).encode())
        self.digests.append(digest.digest())
        for kept, (height, width) in ((self.steps, HASH_SHAPE), (self.thumbs, THUMB_SHAPE)):
            kept.append(np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR)))

    def survey(self, names, held_out, classes, kinds, unreadable, notes) -> Survey:
        return Survey(
            names=names,
            held_out=held_out,
            classes=classes,
            sizes=self.sizes,
            channels=self.channels,
            kinds=kinds,
            digests=self.digests,
            steps=np.array(self.steps, np.uint8).reshape(-1, *HASH_SHAPE),
            thumbs=np.array(self.thumbs, np.uint8).reshape(-1, *THUMB_SHAPE),
            unreadable=unreadable,
            notes=notes,
        )


def survey_files(path: Path, half: Half | None = None) -> Survey:
    """Look at every image file below a folder or in a zip, or at one half of each.

    Raises:
        DataError: The folder or the zip itself cannot be opened, or holds no image files.
    """
    looks, kinds, unreadable, rows = _Looks(), [], {}, []
    files = open_files(path)
    arrangement = arrange_anyhow(files)
    with decoding():
        for row, parts in enumerate(arrangement.files):
            try:
                data = files.read(parts)
                pixels, _ = decode(data, half=half)
            except Exception as error:  # Decoders raise whatever a damaged file leads them to.
                unreadable["/".join(parts)] = why_unreadable(error)
                continue
            looks.add(pixels)
            kinds.append(_kind(data))
            rows.append(row)
    return looks.survey(
        ["/".join(arrangement.files[row]) for row in rows],
        [row >= arrangement.num_training for row in rows],
        None if arrangement.names is None else [arrangement.names[row] for row in rows],
        kinds,
        unreadable,
        tuple(arrangement.notes),
    )


def survey_arrays(found: Arrays) -> Survey:
    """Look at every image of arrays, those held out after the others."""
    looks = _Looks()
    held_out = found.held_out.get("image", found.images[:0])
    for images in (found.images, held_out):
        for row in range(len(images)):
            looks.add(images[row])
    classes = None
    if found.labels is not None:
        labels = np.concatenate([found.labels, found.held_out.get("label", found.labels[:0])])
        classes = [found.classes[label] for label in labels]
    names = [f"image {row}" for row in range(len(found.images))]
    names += [f"held-out image {row}" for row in range(len(held_out))]
    held = [False] * len(found.images) + [True] * len(held_out)
    return looks.survey(names, held, classes, ["array"] * len(names), {}, found.notes)


def file_pixels(path: Path, names: list[str], size: Size) -> np.ndarray:
    """The files `names` below a folder or in a zip, cropped and resized: uint8 (n, *size, 3)."""
    files = open_files(path)
    with decoding():
        pixels = [decode(files.read(tuple(name.split("/"))), size)[0] for name in names]
    return np.stack([np.broadcast_to(image, (*size, 3)) for image in pixels])


def array_pixels(found: Arrays, rows: list[int], size: Size) -> np.ndarray:
    """The rows of the images and, after them, the held-out images, cropped and resized: uint8 (n, *size, 3)."""
    held_out = found.held_out.get("image", found.images[:0])
    count = len(found.images)
    pixels = np.stack([found.images[row] if row < count else held_out[row - count] for row in rows])
    return np.broadcast_to(resize_images(pixels, size), (len(rows), *size, 3))


def _kind(data: bytes) -> str:
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        return f"{image.format} {image.mode}"
