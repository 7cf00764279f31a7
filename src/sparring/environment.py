"""What is settled before Keras is imported: which backend it will use; and the words for devices."""

import ctypes
import importlib.util
import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from sparring.errors import SparringError, UsageError

# Parameters of glibc's mallopt, and bytes. The thresholds are the highest that glibc comes to by itself on a 64-bit
# machine; naming the padding ends that growth, so they are named too. Padding of a whole heap is what keeps heaps.
KEPT = {-2: 64 << 20, -3: 32 << 20, -1: 64 << 20}  # M_TOP_PAD, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD

X86 = ("x86_64", "amd64")  # As `platform.machine` names it on Linux and on Windows.

SUPPORTED = {"tensorflow": "TensorFlow", "jax": "JAX"}  # In order of preference.
INSTALL = "pip install 'sparring[cpu]' (or 'sparring[gpu]', 'sparring[jax]')"


def choose_backend() -> None:
    """Set `KERAS_BACKEND` to an installed backend, unless Keras is loaded or the user has chosen one.

    Keras' own default is TensorFlow whether it is there or not, and it writes that default into `keras.json` by
    itself: so a `keras.json` that names a backend which is not installed does not count as a choice.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow tells the terminal about oneDNN, CUDA, ... else.
    if os.environ.get("KERAS_BACKEND") or "keras" in sys.modules or _is_usable(_configured()):
        return
    found = next(filter(_is_usable, SUPPORTED), None)
    if found is not None:
        os.environ["KERAS_BACKEND"] = found


def choose_kernels() -> None:
    """Let TensorFlow compute by oneDNN on every x86 processor; before TensorFlow is imported.

    By itself it does so only where the processor has instructions made for neural networks (AVX-512 VNNI and such). On
    others its own kernels make a step with convolutions 1.3 to 1.7 times as long (`benchmarks/settled.py onednn`). What
    a user has set in the environment stands.
    """
    if platform.machine().lower() in X86:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def keep_freed_memory() -> None:
    """Let a process keep memory that a step frees, for the next step to take; before the first step.

    TensorFlow on a processor allocates by the system's `malloc`, and glibc gives a thread's heap, of 64 MiB, back when
    it runs empty: every page is mapped and zeroed anew, thousands in a step, which can take as long as the step itself
    (`benchmarks/settled.py freed_memory`). Of that glibc is asked to keep heaps, and TensorFlow to hold its tensors in
    a pool of its own, which helps where they are large. What a user has set in the environment stands.
    """
    os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "1")
    if platform.libc_ver()[0] == "glibc" and "MALLOC_TOP_PAD_" not in os.environ:
        library = ctypes.CDLL(None)
        for parameter, size in KEPT.items():
            library.mallopt(parameter, size)


def require_backend() -> None:
    """Raise SparringError unless Keras has, or will get, a backend that sparring runs on."""
    choose_backend()
    configured = _configured()
    name = _loaded() or os.environ.get("KERAS_BACKEND") or (configured if _is_usable(configured) else None)
    if name is None:
        raise SparringError(f"No backend is installed: sparring needs TensorFlow or JAX. Install one with: {INSTALL}.")
    if name not in SUPPORTED:
        raise SparringError(
            f"sparring runs on the Keras backends {' and '.join(SUPPORTED)}. Received: KERAS_BACKEND={name}. "
            "Set KERAS_BACKEND to one of them, or unset it, before Keras is imported."
        )
    if not _is_installed(name):
        raise SparringError(
            f"KERAS_BACKEND={name} asks for {SUPPORTED[name]}, which is not installed. "
            f"Unset it, or install a backend with: {INSTALL}."
        )


def parse_devices(devices: int | str | None) -> int | str | None:
    """A number of devices, at least 1; "all"; or None.

    Raises:
        UsageError: It is something else.
    """
    if devices is None or devices == "all":
        return devices
    if not str(devices).isdecimal() or int(devices) < 1:
        raise UsageError(f"`devices` must be a number from 1 on, or all. Received: devices={devices}")
    return int(devices)


def count_devices(devices: int | str | None, there: Sequence[str], several_processes: bool) -> int:
    """How many of the devices that are `there` to use for what `parse_devices` takes; of several processes, all.

    Raises:
        UsageError: There are fewer, or a number was given for several processes.
    """
    wanted = parse_devices(devices)
    if several_processes:
        if isinstance(wanted, int):
            raise UsageError(
                "Several processes train on all of their devices: leave `devices` out, and hide with "
                f"CUDA_VISIBLE_DEVICES those that shall not take part. Received: devices={wanted}"
            )
        return len(there)
    if not isinstance(wanted, int):
        return 1 if wanted is None else len(there)
    if wanted > len(there):
        raise UsageError(
            f"`devices` must be at most {len(there)}, as many as there are here ({', '.join(there)}). "
            f"Received: devices={wanted}"
        )
    return wanted


def _loaded() -> str | None:
    """The backend of a Keras that is already imported."""
    keras = sys.modules.get("keras")
    return keras.config.backend() if keras is not None else None


def _configured() -> str | None:
    """The backend that `keras.json` names."""
    home = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
    try:
        return json.loads((Path(home).expanduser() / "keras.json").read_text()).get("backend")
    except (OSError, ValueError, AttributeError):
        return None


def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _is_usable(name: str | None) -> bool:
    return name in SUPPORTED and _is_installed(name)
