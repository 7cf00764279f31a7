"""What went wrong, in one sentence a user can act on: expected, received, what to do."""

import difflib
from collections.abc import Iterable


class SparringError(Exception):
    """Base of every error meant for the user; the command line prints its message and exits with 1."""


class UsageError(SparringError, ValueError):
    """The words of the request are wrong (an unknown recipe, an option of another type); exits with 2."""


class DataError(SparringError, ValueError):
    """The data cannot be used: unreadable, empty, of the wrong shape, or not finite."""


class BundleError(SparringError):
    """A bundle is damaged, too large, or asks for something a bundle may not ask for."""


class RunError(SparringError):
    """A run cannot start, go on, or be stored."""


class Diverged(RunError):
    """Numbers of a training are not finite any more."""


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean ...?` with the known word most like this one, empty where none is."""
    found = difflib.get_close_matches(word, list(known), n=1)
    return f" Did you mean `{found[0]}`?" if found else ""


def few(items: Iterable[object], most: int = 5) -> str:
    """`a, b, c, and 4 more`: the first of them, and how many more there are."""
    words = [str(item) for item in items]
    more = f", and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
