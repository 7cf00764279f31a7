"""What `train` would do with a source, tried."""

from collections.abc import Callable
from typing import Any

from sparring.data.examples import Source
from sparring.data.images.pixels import Size
from sparring.data.source import open_source
from sparring.errors import DataError


def attempt(
    source: Any, wanted: Size | None, fitting: Size | None, damaged: bool, plan: Callable[[Source, str], str], **given
) -> tuple[Source | None, tuple[str, ...]]:
    """Open a source as `train` would, or else with the flags that may help; the source, if any, and what happened.

    Args:
        source: As of `open_source`.
        wanted: Size that is asked for.
        fitting: Size to try where none is; None where sizes are no obstacle.
        damaged: Whether files cannot be read.
        plan: From what was opened and ` with` the flags to a sentence.
        **given: Other arguments of `open_source`.
    """
    try:
        opened = open_source(source, size=wanted, **given)
        return opened, (plan(opened, ""),)
    except DataError as error:
        refusal = f"train would refuse it: {error}"
    size = wanted or fitting
    flags = [f"--size {size[0]}x{size[1]}"] if size else []
    flags += ["--skip-unreadable"] if damaged else []
    try:
        opened = open_source(source, size=size, skip_unreadable=damaged, **given)
        return opened, (refusal, plan(opened, f" with {' '.join(flags)}"))
    except DataError:
        return None, (refusal,)
