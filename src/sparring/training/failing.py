"""Numbers that are not finite: which and where, back to the last good state, and no second time the same."""

import math
import pathlib
from collections.abc import Iterator

import keras
import numpy as np
import pydantic
from keras import ops

from sparring.errors import Diverged
from sparring.files import replace_file
from sparring.training.callbacks import TickCallback
from sparring.training.game import Game

MOST_TIMES = 2  # A second time shows that it was no accident of the machine; a third would waste a tick.


class StopOnNonFinite(TickCallback):
    """Raises `Diverged` when a loss or a weight is not finite, before anything of that tick is stored."""

    def on_tick(self, tick, logs):
        # A weight can be infinite while the losses are not: hinge losses, say, do not see by how much they are won.
        variables = [name for name, variable in named_variables(self.model) if not _is_finite(variable)]
        found = [f"{name} became {value}" for name, value in logs.items() if not math.isfinite(value)]
        if not variables and not found:
            return
        where = f"in {self.model.pace.unit.lower()} {tick}"
        if not variables:
            raise Diverged(f"{found[0]} {where}, all variables being finite.")
        others = f", nor are {len(variables) - 1:,} others" if len(variables) > 1 else ""
        begin = f"{found[0]} {where}: the" if found else "The"
        raise Diverged(f"{begin} variable {variables[0]} is not finite any more{'' if found else f' {where}'}{others}.")


def named_variables(game: Game) -> Iterator[tuple[str, keras.Variable]]:
    """Every variable of the state once, those that learn first, with a name that says whose it is."""
    named = [(f"`{v.path}` of the {p.name}", v) for p in game.players for n in p.networks for v in n.weights]
    named += [(f"`{v.path}` of the average", v) for copy in game.average.copies.values() for v in copy.weights]
    named += [(f"`{v.path}` of the {p.name}'s optimizer", v) for p in game.players for v in p.optimizer.variables]
    named += [(f"`{v.path}`", v) for v in game.state]
    seen: set[int] = set()
    for name, variable in named:
        if id(variable) not in seen:
            seen.add(id(variable))
            yield name, variable


def _is_finite(variable: keras.Variable) -> bool:
    value = ops.convert_to_numpy(variable)
    return not np.issubdtype(value.dtype, np.floating) or bool(np.isfinite(value).all())


class Failure(pydantic.BaseModel, frozen=True):
    """How a run ended, in a file of its folder.

    Attributes:
        words: What was not finite, and where.
        steps: Of the last good state.
        times: How often it has ended so.
    """

    words: str
    steps: int
    times: int = 1

    @classmethod
    def read(cls, path: pathlib.Path) -> "Failure | None":
        """The one in a file; None where there is none, or none that can be read."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, pydantic.ValidationError):
            return None

    def after(self, before: "Failure | None") -> "Failure":
        """The same, counted with one before it that went back to the same state."""
        times = before.times + 1 if before is not None and before.steps == self.steps else 1
        return self.model_copy(update={"times": times})

    def write(self, path: pathlib.Path):
        replace_file(path, self.model_dump_json(indent=2).encode() + b"\n")
