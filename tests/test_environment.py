"""What is settled for a whole process."""

import ctypes
import platform
import threading

import pytest

from conftest import ONCE
from sparring import backend

resource = pytest.importorskip("resource")  # Windows has none.
BLOCKS, SIZE, PAGE = 40, 2 << 20, 4096


@ONCE
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives heaps back")
def test_memory_that_a_thread_frees_is_there_for_its_next_step():
    assert backend.name == "tensorflow"
    library, faults = ctypes.CDLL(None), []
    library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

    def step():
        blocks = [library.malloc(ctypes.c_size_t(SIZE)) for _ in range(BLOCKS)]
        for block in blocks:
            ctypes.memset(block, 1, SIZE)
        for block in blocks:
            library.free(block)
        faults.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt)

    thread = threading.Thread(target=lambda: [step() for _ in range(6)])
    thread.start()
    thread.join()
    assert faults[0] > 0
    assert faults[5] - faults[2] < BLOCKS * SIZE / PAGE / 10
