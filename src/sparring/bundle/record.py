"""What a generator was made by: recipe, options and data, as plain JSON."""

import math
import reprlib
from typing import Annotated, Literal

import pydantic

from sparring.data.spec import AnySpec

MAX_TEXT = 1000  # Characters of one option.


def _checked_option(value: object) -> object:
    short = isinstance(value, str) and len(value) <= MAX_TEXT
    number = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    if value is None or short or number:
        return value
    raise ValueError(f"expected a finite number, a text of at most {MAX_TEXT} characters, true, false or null")


# One function in place of pydantic's own union, whose errors name every branch and which would take NaN.
Option = Annotated[bool | int | float | str | None, pydantic.PlainValidator(_checked_option)]
OptionName = Annotated[str, pydantic.Field(min_length=1, max_length=100)]


class Record(pydantic.BaseModel, frozen=True, extra="forbid"):
    """Everything needed to build a generator again, and where it came from.

    It is `recipe.json` in a run folder and a part of `bundle.json` in a bundle.

    Attributes:
        format: Version of this layout.
        recipe: Name of the recipe, or `module:function` of somebody else's.
        options: The recipe's keyword arguments.
        spec: What one example looks like.
        seed: Chose the initial weights, the order of the data and the noise.
        source: Short name of the training data; never a path, which would tell about the machine.
        fingerprint: Hash of the training data.
        version: Of sparring.
    """

    format: Literal[1] = 1
    recipe: Annotated[str, pydantic.Field(min_length=1, max_length=200)]
    options: Annotated[dict[OptionName, Option], pydantic.Field(max_length=200)]
    spec: AnySpec
    seed: Annotated[int, pydantic.Field(ge=0)]
    source: Annotated[str, pydantic.Field(max_length=200, pattern=r"^[^/\\\x00-\x1f]+$")]
    fingerprint: Annotated[str, pydantic.Field(max_length=200)]
    version: Annotated[str, pydantic.Field(max_length=100)]

    def differences(self, other: "Record") -> list[str]:
        """How `other` ("there") differs from this record ("here"), a phrase for each; empty if the same run is meant.

        The version is left out, and so is the scale of the data: it follows from the data, whose fingerprint is
        compared, and its last digits depend on the machine.
        """
        here, there = self._compared(), other._compared()
        found = []
        for name in {**there, **here}:
            if name not in here or name not in there or here[name] != there[name]:
                found.append(f"{_phrase(name, there)} there, {_phrase(name, here)} here")
        if self.fingerprint != other.fingerprint:
            found.append("the data has changed")
        return found

    def _compared(self) -> dict[str, object]:
        spec = {name: getattr(self.spec, name) for name in type(self.spec).model_fields if name != "squared_distance"}
        return {"recipe": self.recipe, **self.options, "seed": self.seed, "source": self.source, **spec}


def first_fault(error: pydantic.ValidationError) -> str:
    """Where JSON is not what was expected, and how: `'options.width': expected a finite number`."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:200] or "the whole"
    return f"{where!r}: {first['msg'][:200]}"


def _phrase(name: str, values: dict[str, object]) -> str:
    if name not in values:
        return f"{name} not set"
    value = values[name]
    # A long list of classes is shortened, an option is not: the difference could be in what is left out.
    return f"{name}={reprlib.repr(value) if isinstance(value, tuple) else value}"
