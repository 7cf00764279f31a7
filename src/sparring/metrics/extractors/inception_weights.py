"""The weights of `inception-2015`: where they are kept, and how they are fetched once."""

import hashlib
import http
import http.client
import os
import urllib.request
from collections.abc import Callable
from pathlib import Path

from sparring.errors import DataError

# TensorFlow's own weights (Apache-2.0) as a file of PyTorch; pytorch-fid and torch-fidelity publish the same bytes.
URL = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
NUM_BYTES = 95_628_359
TIMEOUT = 30  # Seconds without a byte.
AT_ONCE = 2**20  # Bytes.
INSTEAD = "Pass `--inception-weights PATH` with a copy of that file, or take the extractor `digits`, `own` or `random`"


def find_weights(
    path: str | os.PathLike | None,
    folder: Path,
    say: Callable[[str], None],
    *,
    url: str = URL,
    sha256: str = SHA256,
    num_bytes: int = NUM_BYTES,
) -> Path:
    """The file of weights at `path`; without one that in `folder`, where it is fetched into if it is not there.

    What is fetched or lies in `folder` must have the SHA-256 digest; what breaks off is continued at the next call. A
    `path` is taken as it is: `InceptionExtractor` checks every shape in it.

    Raises:
        DataError: There is no such file, it cannot be fetched, or it is not the one of that digest.
    """
    if path is not None:
        if not Path(path).expanduser().is_file():
            raise DataError(
                f"`--inception-weights` must be a file. Received: {os.fspath(path)}. It can be had at {url}"
            )
        return Path(path).expanduser()
    place = folder / url.rsplit("/", 1)[-1]
    if place.is_file():
        _check(place, sha256, url)
        return place
    part = place.with_name(f".{place.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not part.is_file() or part.stat().st_size < num_bytes:
            say(f"Fetching the weights of inception-2015, {num_bytes / 1e6:.0f} MB, once, into {folder}.")
            _fetch(part, url, num_bytes)
    except (OSError, http.client.HTTPException) as error:  # URLError and timeouts are OSErrors.
        reason = getattr(error, "reason", error)  # A URLError says in brackets only that it is one.
        raise DataError(f"The weights of inception-2015 cannot be fetched from {url} ({reason}). {INSTEAD}.") from error
    _check(part, sha256, url)
    part.replace(place)
    return place


def _fetch(part: Path, url: str, num_bytes: int) -> None:
    """Get what is missing of `part`."""
    start = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        # 206 is the rest of the file; a server that knows no ranges answers with 200 and the whole.
        mode = "ab" if answer.status == http.HTTPStatus.PARTIAL_CONTENT else "wb"
        with part.open(mode) as file:
            # Never more than is known to come; the digest finds what is not the file.
            while data := answer.read(min(AT_ONCE, num_bytes - file.tell())):
                file.write(data)
            file.flush()
            os.fsync(file.fileno())
    if part.stat().st_size < num_bytes:
        raise OSError(f"{part.stat().st_size:,} of {num_bytes:,} bytes came; the next call goes on from there")


def _check(file: Path, sha256: str, url: str) -> None:
    """Remove `file` and say so unless it has the digest."""
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        file.unlink()
        raise DataError(
            f"{file.name} was damaged or another file, and was removed: its SHA-256 is {found}, not {sha256}. "
            f"Try again. {INSTEAD}. It comes from {url}"
        )
