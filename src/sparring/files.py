"""Writing a file so that it is either the old one or the new one, never half of one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def replace_file(path: str | os.PathLike, data: bytes) -> None:
    """Put `data` at `path` in one step, as `replacing` does."""
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file to write to that takes its place at `path` in one step that survives a crash, a kill and a full disk.

    What is written goes to a temporary name beside `path`, is flushed to the disk, and takes the place of the old file
    by one rename; then the folder is flushed. If anything fails the temporary is removed and the old file is as it was.

    Raises:
        OSError: The file cannot be written: no such folder, no permission, no space left.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _naming(path):
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):  # The first error is the one to tell.
                temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)


def append_line(path: str | os.PathLike, line: str) -> None:
    """Add `line` at the end of the file at `path`, flushed to the disk; if that fails a part of it may be there.

    Raises:
        OSError: The file cannot be written.
    """
    with _naming(path), Path(path).open("ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _naming(path: str | os.PathLike) -> Iterator[None]:
    """Lets an OSError name `path`: that of a full disk names no file, and a temporary means nothing to a reader."""
    try:
        yield
    except OSError as error:
        error.filename = os.fspath(path)
        raise


def _sync_folder(folder: Path) -> None:
    """Flush the names in `folder`, without which a rename may be undone by a power cut."""
    if os.name == "nt":  # Windows cannot open a folder, and keeps its names safe by itself.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
