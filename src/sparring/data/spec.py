"""What one example looks like: small, immutable, and JSON."""

import collections
import math
from typing import Annotated, ClassVar, Literal

import numpy as np
import pydantic

from sparring.data.lazy import Rows
from sparring.data.tables.columns import AnyColumn, Category, Name
from sparring.data.tables.constraints import AnyConstraint
from sparring.errors import UsageError, nearest

CHUNK = 2**22  # Values summed up at once: their sums are whole numbers, so the result does not depend on it.
Side = Annotated[int, pydantic.Field(ge=1, le=4096)]
Channels = Annotated[int, pydantic.Field(ge=1, le=4)]
Frames = Annotated[int, pydantic.Field(ge=2, le=1024)]
MOST_COLUMNS = 1_000
MOST_WIDTH = 20_000  # Numbers that an encoded row may have: a matrix of this by the columns is still small.


class DataSpec(pydantic.BaseModel):
    """What a recipe needs to know of the data; `ImageSpec`, `DomainsSpec`, `VideoSpec` and `TableSpec` say what
    an example is.

    Attributes:
        kind: What an example is.
        num_examples: Number of examples to train on.
        squared_distance: Mean squared Euclidean distance of two examples as networks see them, the scale of the data
            that the strength of a gradient penalty is measured by.
        plural: What examples are called.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    plural: ClassVar[str] = "examples"
    kind: str
    num_examples: Annotated[int, pydantic.Field(ge=1)]
    squared_distance: Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]


class ImageSpec(DataSpec):
    """The shape and the classes of an image.

    Images are float32 in [-1, 1] inside the house and uint8 at its doors, so the value range is not a field.

    Attributes:
        shape: Height, width, channels.
        classes: Names of the classes in the order of their labels; empty where there are none.
    """

    plural: ClassVar[str] = "images"
    kind: Literal["image"] = "image"
    shape: tuple[Side, Side, Channels]
    classes: tuple[Annotated[str, pydantic.Field(max_length=200)], ...] = pydantic.Field((), max_length=20_000)

    @property
    def num_classes(self) -> int:
        return len(self.classes)


class DomainsSpec(DataSpec):
    """Images of several domains, such as summer and winter, between which a generator translates.

    Attributes:
        shape: Height, width, channels of every image.
        domains: Their names; what one recipe makes of the first and another of the second goes by this order.
        paired: Whether there is an image of every domain that shows the same.
    """

    kind: Literal["domains"] = "domains"
    shape: tuple[Side, Side, Channels]
    domains: Annotated[tuple[Name, ...], pydantic.Field(min_length=2, max_length=1_000)]
    paired: bool

    @pydantic.field_validator("domains")
    @classmethod
    def _check(cls, domains):
        if len(set(domains)) < len(domains):
            raise ValueError("expected different names of domains")
        return domains

    def place(self, domain: str) -> int:
        """The number of a domain.

        Raises:
            UsageError: There is none of that name.
        """
        if domain not in self.domains:
            raise UsageError(
                f"There is no domain `{domain}`.{nearest(domain, self.domains)} Domains: {', '.join(self.domains)}."
            )
        return self.domains.index(domain)


class VideoSpec(DataSpec):
    """The shape, the pace and the classes of a clip.

    Clips are float32 in [-1, 1] inside the house and uint8 at its doors, as images are.

    Attributes:
        shape: Frames, height, width, channels of every clip that is trained on.
        classes: Names of the classes in the order of their labels; empty where there are none.
        frame_rate: Frames per second when a clip is shown at its own pace.
    """

    plural: ClassVar[str] = "clips"
    kind: Literal["video"] = "video"
    shape: tuple[Frames, Side, Side, Channels]
    classes: tuple[Annotated[str, pydantic.Field(max_length=200)], ...] = pydantic.Field((), max_length=20_000)
    frame_rate: Annotated[float, pydantic.Field(gt=0, le=1_000, allow_inf_nan=False)] = 10.0

    @property
    def num_classes(self) -> int:
        return len(self.classes)


class TableSpec(DataSpec):
    """The columns of a row, which is all that it takes to make a table of what a generator says.

    Attributes:
        columns: In the order of the table.
        target: Name of the column that models are to predict; None where none was named.
        constraints: What holds in every row.
    """

    plural: ClassVar[str] = "rows"
    kind: Literal["table"] = "table"
    columns: Annotated[tuple[AnyColumn, ...], pydantic.Field(min_length=2, max_length=MOST_COLUMNS)]
    target: Name | None = None
    constraints: Annotated[tuple[AnyConstraint, ...], pydantic.Field(max_length=100)] = ()

    @pydantic.model_validator(mode="after")
    def _check(self):
        names = [column.name for column in self.columns]
        if twice := [name for name, count in collections.Counter(names).items() if count > 1]:
            raise ValueError(f"expected different names of columns; twice there: {twice[0]}")
        if self.target is not None and self.target not in names:
            raise ValueError("expected the target to be one of the columns")
        for constraint in self.constraints:
            if unknown := set(constraint.names) - set(names):
                raise ValueError(f"expected constraints of columns that are there, not {min(unknown)}")
        if (width := sum(column.num_slots + column.has_position for column in self.columns)) > MOST_WIDTH:
            raise ValueError(f"expected rows of at most {MOST_WIDTH:,} encoded numbers, not {width:,}")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def conditions(self) -> tuple[Category, ...]:
        """The columns whose values one can ask for: those of levels, with more than one."""
        return tuple(column for column in self.columns if isinstance(column, Category) and column.num_slots)

    def column(self, name: str):
        """The column of that name, which must be there."""
        return next(column for column in self.columns if column.name == name)


AnySpec = Annotated[ImageSpec | DomainsSpec | VideoSpec | TableSpec, pydantic.Field(discriminator="kind")]


def squared_distance(images: Rows, limit: int = 10_000) -> float:
    """Mean squared distance of two of the uint8 `images` on the scale [-1, 1]: twice their total variance.

    At most `limit` images, evenly spaced, are read, a few at a time.
    """
    chosen = np.arange(0, len(images), max(1, len(images) // limit))
    at_once = max(1, CHUNK // math.prod(images.shape[1:]))
    total, squares = np.zeros(images.shape[1:], np.int64), np.zeros(images.shape[1:], np.int64)
    for start in range(0, len(chosen), at_once):
        part = images[chosen[start : start + at_once]].astype(np.int64)
        total += part.sum(axis=0)
        squares += np.square(part).sum(axis=0)
    variance = squares / len(chosen) - np.square(total / len(chosen))
    return float(2 * variance.sum() / 127.5**2)
