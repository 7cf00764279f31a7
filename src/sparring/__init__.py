"""Generative adversarial networks that work: train, judge and use them, in Keras 3 on TensorFlow or JAX.

    import sparring

    run = sparring.train("photos/", recipe="r3gan")
    images = sparring.load(run.folder).sample(64)

`import sparring` is light: Keras is imported when a name that needs it is first used.
"""

import importlib
from typing import Any

from sparring.environment import choose_backend, choose_kernels, require_backend
from sparring.errors import nearest

__version__ = "0.1.0"

choose_backend()
choose_kernels()

_NAMES = {  # Name -> where it lives; the names in _LIGHT do without Keras.
    "inspect": "sparring.applications.inspecting.inspect:inspect",
    "train": "sparring.applications.train:train",
    "TableSynthesizer": "sparring.applications.synthesizer:TableSynthesizer",
    "evaluate": "sparring.applications.evaluating.evaluate:evaluate",
    "augment": "sparring.applications.augmenting.augment:augment",
    "load": "sparring.applications.sample:load",
    "translate": "sparring.applications.translate:translate",
    "stylize": "sparring.applications.stylize:stylize",
    "open_source": "sparring.data.source:open_source",
    "Source": "sparring.data.source:Source",
    "DataSpec": "sparring.data.spec:DataSpec",
    "ImageSpec": "sparring.data.spec:ImageSpec",
    "DomainsSpec": "sparring.data.spec:DomainsSpec",
    "VideoSpec": "sparring.data.spec:VideoSpec",
    "TableSpec": "sparring.data.spec:TableSpec",
    "Batches": "sparring.data.batches:Batches",
    "Game": "sparring.training.game:Game",
    "Player": "sparring.training.players:Player",
    "Run": "sparring.training.run:Run",
    "Bundle": "sparring.bundle.bundle:Bundle",
    "find_recipe": "sparring.recipes.catalog:find_recipe",
    "SparringError": "sparring.errors:SparringError",
}
_LIGHT = {"DataSpec", "ImageSpec", "DomainsSpec", "VideoSpec", "TableSpec", "find_recipe", "SparringError"}

__all__ = ["__version__", *_NAMES]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'sparring' has no attribute {name!r}.{nearest(name, _NAMES)}")
    if name not in _LIGHT:
        require_backend()
    module, _, attribute = _NAMES[name].partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
