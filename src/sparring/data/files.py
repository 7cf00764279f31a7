"""The files below a folder or in a zip, found and read where they lie."""

import dataclasses
import io
import os
import re
import threading
import unicodedata
import zipfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NoReturn

from sparring.data.images.pixels import EXTENSIONS
from sparring.errors import DataError

MEMBER_LIMIT = 256 * 2**20  # Bytes; no image that Pillow agrees to decode needs a larger file.
FILMS = (".mp4", ".webm", ".avi", ".mov", ".mkv")  # Files that can be nothing but clips.

Parts = tuple[str, ...]
Entries = dict[Parts, bool]  # Whether it is a file, which can be read, or a folder.


@dataclasses.dataclass(frozen=True)
class Files:
    """What is visible below a folder or in a zip; hidden files and `__MACOSX` are passed over.

    Attributes:
        path: The folder or the zip.
        entries: Whether each is a file or a folder, by the parts of its name.
        content: What reads a file.
        depth: How many leading folders count as part of the path: in a zip those that all images have in common.
        plural: What examples are called.
        listed: Names of the examples where they are not the image files: clips.
        root: Where a folder is, whatever the working folder becomes; None of a zip.
    """

    path: Path
    entries: Entries
    content: Callable[[Parts], bytes]
    depth: int = 0
    plural: str = "images"
    listed: tuple[Parts, ...] = ()
    root: Path | None = None

    @cached_property
    def images(self) -> list[Parts]:
        """All image files, or else what is `listed`, in the order of their names; there is at least one."""
        if self.listed:
            return sorted(self.listed)
        found = sorted(parts for parts, is_file in self.entries.items() if is_file and is_image(parts))
        if not found:
            raise DataError(f"{self.path} holds no images. Understood are {' '.join(EXTENSIONS)}")
        return found

    @cached_property
    def tables(self) -> list[Parts]:
        """All .csv files in the order of their names."""
        return sorted(parts for parts, is_file in self.entries.items() if is_file and _is_table(parts))

    def read(self, parts: Parts) -> bytes:
        """The content of a file; threads may read at the same time."""
        return self.content(parts)

    def open(self, parts: Parts) -> BinaryIO:
        """A file to read from and seek in: one of a folder is not read into memory."""
        if self.root is not None:
            return self.root.joinpath(*parts).open("rb")
        return io.BytesIO(self.content(parts))


def open_files(path: Path) -> Files:
    """The files of a folder or of a zip, which stays open as long as anything can read it; nothing is extracted.

    Raises:
        DataError: A folder cannot be listed, or the zip is damaged, encrypted, or declares a file that is too large.
    """
    if path.is_dir():
        root = path.absolute()  # Whoever reads later may have changed the working folder.
        return Files(path, _walk(path), lambda parts: root.joinpath(*parts).read_bytes(), root=root)
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} could not be opened as a zip ({error}). Copy or download it again.") from error
    members, folders = _members(path, archive)
    lock = threading.Lock()  # Older Pythons mix up the positions of threads that open members at the same time.

    def read(parts: Parts) -> bytes:
        with lock:
            return archive.read(members[parts])

    entries = dict.fromkeys(folders, False) | dict.fromkeys(members, True)
    return Files(path, entries, read, common_depth([name for name in members if is_image(name)]))


def _visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def is_image(parts: Parts) -> bool:
    """Whether a file ends as images do."""
    return parts[-1].lower().endswith(EXTENSIONS)


def is_film(parts: Parts) -> bool:
    """Whether a file can be nothing but a clip."""
    return parts[-1].lower().endswith(FILMS)


def _is_table(parts: Parts) -> bool:
    return parts[-1].lower().endswith(".csv")


def _walk(root: Path) -> Entries:
    """Everything visible below a folder; links are followed unless they lead back up."""

    def fail(error: OSError) -> NoReturn:
        raise DataError(f"{error.filename} could not be opened ({error.strerror}).") from error

    entries: Entries = {}
    for name, folders, files in os.walk(root, onerror=fail, followlinks=True):
        here = Path(name)
        parts = here.relative_to(root).parts
        folders[:] = [f for f in folders if _visible(f) and not here.resolve().is_relative_to((here / f).resolve())]
        entries.update({(*parts, folder): False for folder in folders})
        entries.update({(*parts, file): True for file in files if _visible(file)})
    return entries


def _members(path: Path, archive: zipfile.ZipFile) -> tuple[dict[Parts, zipfile.ZipInfo], set[Parts]]:
    """The visible files and folders in a zip, after a look at what the files to be read declare."""
    members: dict[Parts, zipfile.ZipInfo] = {}
    folders: set[Parts] = set()
    for info in archive.infolist():
        # Some Windows programs write backslashes.
        parts = PurePosixPath(info.filename.replace("\\", "/")).parts
        if not parts or not all(_visible(part) for part in parts):
            continue
        folders.update(parts[:depth] for depth in range(1, len(parts)))
        if info.is_dir():
            folders.add(parts)
            continue
        members[parts] = info
        if not (is_image(parts) or _is_table(parts) or is_film(parts)):
            continue
        if info.flag_bits & 1:
            raise DataError(f"{path} is encrypted ({info.filename}). Pack it again without a password.")
        if info.file_size > MEMBER_LIMIT:
            raise DataError(
                f"{info.filename} in {path} says it unpacks to {info.file_size / 2**20:,.0f} MB; "
                f"at most {MEMBER_LIMIT // 2**20} MB are read. Remove it from the zip."
            )
    return members, folders


def common_depth(files: list[Parts]) -> int:
    """How many leading folders all of these files share."""
    depth = 0
    while files and len(files[0]) > depth + 1 and len({parts[depth] for parts in files}) == 1:
        depth += 1
    return depth


def slug(path: Path) -> str:
    """A name of plain letters, digits, `-` and `_` after the last part of `path`."""
    place = path.resolve()
    words = unicodedata.normalize("NFKD", place.name if path.is_dir() else place.stem)
    words = words.encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", words).strip("-_")[:60] or "images"
