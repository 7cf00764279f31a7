"""What a look at data says in a line, and which examples a contact sheet shows."""

import collections
from collections.abc import Mapping, Sequence

from sparring.data.images.pixels import Size
from sparring.errors import few

SHEET = "contact_sheet.png"
SHEET_SIDE = 96  # Pixels of the longer side of a thumbnail.


def most_common(items: Sequence) -> dict:
    """How many there are of each, most common first."""
    return dict(collections.Counter(items).most_common())


def counts(numbers: Mapping[str, int]) -> str:
    """`cat (12), dog (3)`."""
    return few([f"{name} ({count:,})" for name, count in numbers.items()])


def groups(named: Sequence[Sequence[str]]) -> str:
    """How many of groups of alike examples could go, and the first group."""
    if not named:
        return ""
    extra = sum(len(group) - 1 for group in named)
    place = f"{len(named):,} {'group' if len(named) == 1 else 'groups'}"
    return f"{extra:,} more than needed, in {place}, such as {' = '.join(named[0][:3])}"


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def thumbnail_size(height: int, width: int) -> Size:
    """No larger than needed to recognise it."""
    scale = min(1, SHEET_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def spread(classes: Sequence[str], count: int) -> list[int]:
    """At most `count` rows: as many of every class, evenly spaced within it, one class after the other."""
    members: dict[str, list[int]] = {}
    for row, name in enumerate(classes):
        members.setdefault(name, []).append(row)
    chosen = _evenly([members[name] for name in sorted(members)], count)
    return [row for group in chosen for row in _evenly(group, count // len(chosen))]


def _evenly(items: list, count: int) -> list:
    """At most `count` of the items, evenly spaced."""
    number = min(count, len(items))
    return [items[index * len(items) // number] for index in range(number)]
