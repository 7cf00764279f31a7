"""Arrays with names in one file that checks itself: safetensors with a digest, for weights and for checkpoints."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from sparring.errors import BundleError
from sparring.files import replace_file

MAX_HEADER = 10_000_000  # Bytes; about 100,000 tensors. The safetensors package alone would take ten times that.
DTYPES = {
    np.dtype(np.float32): "F32",
    np.dtype(np.float64): "F64",
    np.dtype(np.int32): "I32",
    np.dtype(np.int64): "I64",
    np.dtype(np.uint32): "U32",
    np.dtype(np.uint8): "U8",
    np.dtype(np.bool_): "BOOL",
}
# First bytes of what is sometimes renamed to safetensors; only the wording of the error depends on them.
FOREIGN = {
    (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"): "a pickle",
    (b"\x89HDF",): "an HDF5 file",
    (b"PK\x03\x04",): "a zip archive (.keras, .pt or .npz)",
}


def write_tensors(path: str | os.PathLike, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write `tensors` and `metadata` to `path` in one step, with a SHA-256 digest of both.

    Args:
        path: The file; an older one is replaced.
        tensors: Arrays of any shape, 0-d included, of one of the dtypes in `DTYPES`.
        metadata: Short texts by name. The name "sha256" is taken.

    Raises:
        BundleError: A tensor has a dtype that `read_tensors` would refuse.
        OSError: The file cannot be written; the older one is as it was.
    """
    # Not `ascontiguousarray`, which turns a 0-d array into a 1-d one.
    arrays = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    for name, array in arrays.items():
        if array.dtype not in DTYPES:
            raise BundleError(f"`{name}` cannot be written: expected {_names()}, received {array.dtype}.")
    digest = _digest(arrays, metadata)
    replace_file(path, save(arrays, {**metadata, "sha256": digest}))


def read_tensors(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Tensors and metadata that `write_tensors` put at `path`, the digest checked and left out.

    Raises:
        BundleError: The file is missing, damaged, too large in its header, or not ours.
    """
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
        metadata = dict(file.metadata() or {})
    digest = metadata.pop("sha256", None)
    if digest is None:
        raise BundleError(f"`{path}` carries no sha256 digest: it was not written by sparring, or was changed since.")
    if digest != _digest(tensors, metadata):
        raise BundleError(f"`{path}` is damaged: its content does not match its sha256 digest.")
    return tensors, metadata


def read_shapes(path: str | os.PathLike) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors at `path`, from the header alone; the digest is not checked.

    Raises:
        BundleError: The file is missing, not as long as its header says, too large in its header, or not ours.
    """
    with _opened(path) as file:
        return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118


@contextmanager
def _opened(path: str | os.PathLike) -> Iterator[safe_open]:
    """The file at `path`, once its header is known to be small, whole, and of known dtypes only."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise BundleError(f"`{path}` cannot be read: {error.strerror}.") from error
    # A safetensors file begins with the length of its header, eight bytes, little endian.
    if len(start) == 8 and int.from_bytes(start, "little") > MAX_HEADER:
        foreign = next((kind for magics, kind in FOREIGN.items() if start.startswith(magics)), None)
        reason = f"it looks like {foreign}" if foreign else f"its header claims more than {MAX_HEADER:,} bytes"
        raise BundleError(f"`{path}` is not a safetensors file of sparring: {reason}.")
    try:
        with safe_open(str(path), framework="np") as file:
            for name in file.keys():  # noqa: SIM118
                if file.get_slice(name).get_dtype() not in DTYPES.values():
                    received = file.get_slice(name).get_dtype()
                    raise BundleError(f"`{path}`: tensor {name!r} has dtype {received}, expected {_names()}.")
            yield file
    except SafetensorError as error:
        raise BundleError(f"`{path}` is truncated, damaged, or no safetensors file: {error}.") from error


def _digest(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> str:
    """SHA-256 over metadata, names, dtypes, shapes and bytes, in sorted order.

    The metadata is in it because a checkpoint keeps its place in the data there.
    """
    digest = hashlib.sha256(json.dumps(sorted(metadata.items())).encode())
    for name, array in sorted(tensors.items()):
        digest.update(json.dumps([name, DTYPES[array.dtype], array.shape]).encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _names() -> str:
    return ", ".join(str(dtype) for dtype in DTYPES)
