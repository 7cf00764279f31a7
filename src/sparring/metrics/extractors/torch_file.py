"""Plain arrays from a PyTorch file, without PyTorch and without the code that a pickle may carry."""

import os
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from sparring.errors import DataError

MAX_BYTES = 400_000_000  # Of the file; four times the weights of Inception.
MAX_PICKLE = 2_000_000  # Of the pickle in it, which holds names and shapes only.
DTYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8"}
ZIP_START = b"PK\x03\x04"
# What files older than PyTorch 1.6 start with: a pickled number, the version of the protocol, a note on the machine.
OLD_MAGIC, OLD_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


def read_tensors(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The tensors of a state dictionary that `torch.save` wrote, by name; of either of its two formats.

    A pickle is a program. This one may name nothing but the storages of numbers, the function that makes a tensor of
    one, and OrderedDict, and all it gets for the first two is a description of what was asked for: any other name ends
    the reading before anything runs.

    Raises:
        DataError: The file is missing, damaged, too large, or holds anything else.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} is larger than {MAX_BYTES:,} bytes.")
        # By how it starts: what `is_zipfile` looks for lies at the end, which a download that broke off lacks.
        found, storages = _read_zip(path) if _starts_as_zip(path) else _read_old(path)
        if not isinstance(found, dict):
            raise DataError(f"{path} holds no state dictionary but a {type(found).__name__}.")
        return {str(name): tensor.of(storages) for name, tensor in dict.items(found) if isinstance(tensor, _Tensor)}
    except DataError:
        raise
    except Exception as error:  # Whatever a damaged pickle or archive runs into.
        raise DataError(f"{path} cannot be read as a file of PyTorch: {error}.") from error


class _Storage(NamedTuple):
    """Numbers in the file: what they are called there, their type, how many."""

    key: str
    dtype: str
    size: int


class _Tensor(NamedTuple):
    """A view of a storage; offset and strides in numbers, not bytes."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        whole = storages[self.storage.key]
        last = self.offset + sum((side - 1) * stride for side, stride in zip(self.shape, self.strides, strict=True))
        if min((*self.shape, *self.strides, self.offset), default=0) < 0 or last >= len(whole):
            raise DataError(f"a tensor of shape {self.shape} lies outside its storage of {len(whole)} numbers")
        if np.prod(self.shape, dtype=float) > len(whole):
            raise DataError(f"a tensor of shape {self.shape} repeats its storage of {len(whole)} numbers")
        strides = tuple(stride * whole.itemsize for stride in self.strides)
        return np.ndarray(self.shape, whole.dtype, whole, self.offset * whole.itemsize, strides).copy()


class _Rebuild:
    """Stands for PyTorch's function. Not a function: a pickle could set attributes of one."""

    __slots__ = ()

    def __call__(self, storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
        if not isinstance(storage, _Storage):
            raise DataError("a tensor without a storage")
        return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


class _Unpickler(pickle.Unpickler):
    """Knows these names alone; those of before PyTorch 0.4 and of tensors on a GPU mean the same."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return _Rebuild()
        if module in ("torch", "torch.cuda") and name in DTYPES:
            return name
        raise DataError(f"it asks for {module}.{name}, which no file of weights needs; nothing of it was run")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, count, *view = pid
        if kind != "storage" or any(view):
            raise DataError(f"it holds a {kind!r} that is no plain storage")
        return _Storage(str(key), DTYPES[dtype], int(count))


def _starts_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP_START)) == ZIP_START


def _read_zip(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    with zipfile.ZipFile(path) as archive:
        # Stored, not compressed, so that the size of the file is a limit to all that is in it.
        names = {info.filename: info for info in archive.infolist() if info.compress_type == zipfile.ZIP_STORED}
        pickled = next(name for name in names if name.endswith("/data.pkl"))
        if names[pickled].file_size > MAX_PICKLE:
            raise DataError(f"the names in it take {names[pickled].file_size:,} bytes, more than {MAX_PICKLE:,}")
        root = pickled.removesuffix("data.pkl")
        order = archive.read(f"{root}byteorder") if f"{root}byteorder" in names else b"little"
        if order != b"little":
            raise DataError("its numbers are big-endian")
        with archive.open(pickled) as file:
            found = _Unpickler(file).load()
        wanted = {tensor.storage for tensor in _tensors(found)}
        storages = {s.key: np.frombuffer(archive.read(names[f"{root}data/{s.key}"]), s.dtype) for s in wanted}
    return found, storages


def _read_old(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    with path.open("rb") as file:
        if (_Unpickler(file).load(), _Unpickler(file).load()) != (OLD_MAGIC, OLD_PROTOCOL):
            raise DataError("it does not start as one")
        _Unpickler(file).load()  # The machine it was written on.
        found = _Unpickler(file).load()
        keys = _Unpickler(file).load()
        dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in _tensors(found)}
        storages = {str(key): _old_storage(file, dtypes[str(key)]) for key in keys}
    return found, storages


def _old_storage(file: BinaryIO, dtype: str) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    size = count * np.dtype(dtype).itemsize
    data = file.read(min(size, MAX_BYTES))
    if len(data) != size:
        raise DataError("it ends early")
    return np.frombuffer(data, dtype)


def _tensors(found: Any) -> list[_Tensor]:
    return [value for value in dict.values(found) if isinstance(value, _Tensor)] if isinstance(found, dict) else []
