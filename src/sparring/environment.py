"""Which backend Keras will use: settled before Keras is imported, because afterwards it is too late."""

import importlib.util
import json
import os
import sys
from pathlib import Path

from sparring.errors import SparringError

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
