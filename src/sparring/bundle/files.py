"""Writing a file so that it is either the old one or the new one, never half of one."""

import os
from pathlib import Path


def replace_file(path: str | os.PathLike, data: bytes) -> None:
    """Put `data` at `path` in one step that survives a crash, a kill and a full disk.

    The bytes go to a temporary name beside `path`, are flushed to the disk, and take the place of the old file by one
    rename; then the folder is flushed. If anything fails the temporary is removed and the old file is as it was.

    Raises:
        OSError: The file cannot be written: no such folder, no permission, no space left.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Flush the names in `folder`, without which a rename may be undone by a power cut."""
    if os.name == "nt":  # Windows cannot open a folder, and keeps its names safe by itself.
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
