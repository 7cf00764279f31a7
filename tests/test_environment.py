"""What is settled for a whole process."""

import os
import platform
import subprocess
import sys

import pytest

from conftest import ONCE
from sparring.environment import choose_kernels

# Takes, fills and frees 48 MiB in a thread, again and again, and prints the pages that the last three times were new.
PROGRAM = """
import ctypes, resource, sys, threading
from sparring.environment import keep_freed_memory

library, faults = ctypes.CDLL(None), []
library.malloc.restype, library.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]

def step():
    blocks = [library.malloc(ctypes.c_size_t(2 << 20)) for _ in range(24)]
    for block in blocks:
        ctypes.memset(block, 1, 2 << 20)
    for block in blocks:
        library.free(block)
    faults.append(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt)

if sys.argv[1] == "keep":
    keep_freed_memory()
thread = threading.Thread(target=lambda: [step() for _ in range(6)])
thread.start()
thread.join()
print(faults[5] - faults[2])
"""


def new_pages(way):
    words = [sys.executable, "-c", PROGRAM, way]
    return int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


@ONCE
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives heaps back")
def test_memory_that_a_thread_frees_is_there_for_its_next_step(monkeypatch):
    monkeypatch.delenv("MALLOC_TOP_PAD_", raising=False)
    assert new_pages("keep") < 100 < new_pages("leave")
    monkeypatch.setenv("MALLOC_TOP_PAD_", "0")  # A user's own word.
    assert new_pages("keep") > 100


@ONCE
@pytest.mark.parametrize(
    ("machine", "before", "after"),
    [("x86_64", None, "1"), ("AMD64", None, "1"), ("x86_64", "0", "0"), ("aarch64", None, None)],
)
def test_onednn_is_asked_for_on_x86_where_nobody_has_said_otherwise(machine, before, after, monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    if before is not None:
        monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", before)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    choose_kernels()
    assert os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None) == after
