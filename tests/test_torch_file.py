"""Tensors of PyTorch files without PyTorch: both formats as PyTorch lays them out, and pickles that want more."""

import io
import os
import pickle
import subprocess
import zipfile

import numpy as np
import pytest

from sparring.errors import DataError
from sparring.metrics.extractors.torch_file import OLD_MAGIC, OLD_PROTOCOL, read_tensors

NUMBERS = np.arange(12, dtype="<f4")


class Pickled(pickle._Pickler):
    """Writes `Global` and `Persistent` as the opcodes they stand for."""

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())
        elif isinstance(obj, Call):
            self.save(obj.what)
            self.save(obj.arguments)
            self.write(pickle.REDUCE)
        elif isinstance(obj, Persistent):
            self.save(obj.pid)
            self.write(pickle.BINPERSID)
        else:
            super().save(obj, save_persistent_id)


class Global:
    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    def __init__(self, what, *arguments):
        self.what, self.arguments = what, arguments


class Persistent:
    def __init__(self, *pid):
        self.pid = pid


def pickled(obj):
    file = io.BytesIO()
    Pickled(file, protocol=2).dump(obj)
    return file.getvalue()


def tensor(offset, shape, strides, *view):
    storage = Persistent("storage", Global("torch", "FloatStorage"), "0", "cpu", len(NUMBERS), *view)
    return Call(Global("torch._utils", "_rebuild_tensor_v2"), storage, offset, shape, strides, False, {})


def tensor_of_a_gpu(offset, shape, strides):
    """As PyTorch wrote it before version 0.4."""
    storage = Persistent("storage", Global("torch.cuda", "FloatStorage"), "0", "cuda:0", len(NUMBERS), None)
    return Call(Global("torch._utils", "_rebuild_tensor"), storage, offset, shape, strides)


def zipped(path, obj, numbers=NUMBERS):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled(obj))
        archive.writestr("archive/data/0", numbers.tobytes())
    return path


def old(path, obj, numbers=NUMBERS):
    head = b"".join(pickled(part) for part in (OLD_MAGIC, OLD_PROTOCOL, {"little_endian": True}))
    path.write_bytes(head + pickled(obj) + pickled(["0"]) + len(NUMBERS).to_bytes(8, "little") + numbers.tobytes())
    return path


@pytest.fixture(params=[(zipped, ()), (old, (None,))], ids=["zip", "old"])
def write(request, tmp_path):
    function, view = request.param
    return lambda make, **more: function(tmp_path / "weights.pth", make(view), **more)


def test_tensors_are_views_of_storages(write):
    path = write(lambda view: {"rows": tensor(0, (3, 4), (4, 1), *view), "turned": tensor(2, (2, 3), (1, 4), *view)})
    found = read_tensors(path)
    np.testing.assert_array_equal(found["rows"], NUMBERS.reshape(3, 4))
    np.testing.assert_array_equal(found["turned"], NUMBERS.reshape(3, 4)[:, 2:].T)


def test_tensors_of_a_gpu_from_before_version_0_4_are_read(tmp_path):
    found = read_tensors(old(tmp_path / "weights.pt", {"x": tensor_of_a_gpu(4, (2, 2), (2, 1))}))
    np.testing.assert_array_equal(found["x"], NUMBERS[4:8].reshape(2, 2))


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [(0, (4, 4), (4, 1)), (11, (2,), (1,)), (-1, (2,), (1,)), (0, (10**9,), (0,))],
    ids=["too-large", "beyond", "before", "repeated"],
)
def test_a_tensor_beyond_its_storage_is_refused(write, offset, shape, strides):
    with pytest.raises(DataError, match="storage of 12 numbers"):
        read_tensors(write(lambda view: {"x": tensor(offset, shape, strides, *view)}))


@pytest.mark.parametrize(
    ("module", "name"),
    [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("collections", "OrderedDict.update")],
)
def test_a_pickle_that_asks_for_anything_else_runs_nothing(write, tmp_path, module, name):
    trace = tmp_path / "trace"
    path = write(lambda view: {"x": Call(Global(module, name), f"touch {trace}")})
    with pytest.raises(DataError, match=f"asks for {module}.{name}"):
        read_tensors(path)
    assert not trace.exists()


class Evil:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return subprocess.check_call, (self.command,)


def test_an_ordinary_pickle_bomb_does_not_go_off(tmp_path):
    path, trace = tmp_path / "evil.pth", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Evil(["touch", os.fspath(trace)])))
    with pytest.raises(DataError, match=r"asks for subprocess\.check_call"):
        read_tensors(path)
    assert not trace.exists()


def test_what_stands_for_pytorch_s_function_cannot_be_changed(tmp_path):
    function = pickled(Global("torch._utils", "_rebuild_tensor_v2")).removesuffix(pickle.STOP)
    state = pickled((None, {"__call__": 1})).removeprefix(pickled(None)[:2]).removesuffix(pickle.STOP)
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", function + state + pickle.BUILD + pickle.STOP)
    with pytest.raises(DataError, match="read-only"):
        read_tensors(path)


def test_damage_is_a_sentence(write):
    path = write(lambda view: {"x": tensor(0, (12,), (1,), *view)})
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"cannot be read|ends early"):
        read_tensors(path)
    with pytest.raises(DataError, match="No such file"):
        read_tensors(path.with_name("absent.pth"))


def test_half_an_archive_is_not_taken_for_the_older_format(tmp_path):
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:  # At a time of day that reads as the end of a line.
        archive.writestr(zipfile.ZipInfo("archive/data.pkl", (2026, 11, 22, 1, 16, 20)), bytes(100))
    assert b"\n" in path.read_bytes()[:14]
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"cannot be read as a file of PyTorch: .*zip"):
        read_tensors(path)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old"])
def test_files_of_pytorch_itself(tmp_path, zipped):
    torch = pytest.importorskip("torch", exc_type=ImportError)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    torch.save(model.state_dict(), tmp_path / "weights.pth", _use_new_zipfile_serialization=zipped)
    found = read_tensors(tmp_path / "weights.pth")
    assert found.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(found[name], value.numpy())
