"""What a check says when something does not hold."""

import contextlib
from collections.abc import Iterator

from sparring.errors import SparringError


class CheckError(SparringError, AssertionError):
    """Something of one's own breaks a rule of the house: what was expected, what came, what to do."""


def expect(holds, sentence: str):
    """Raises a CheckError with this sentence unless `holds`."""
    if not holds:
        raise CheckError(sentence)


@contextlib.contextmanager
def trying(sentence: str) -> Iterator[None]:
    """Any error inside becomes a CheckError: the sentence, and the error's own words."""
    try:
        yield
    except CheckError:
        raise
    except Exception as error:  # It is somebody else's code that runs.
        words = " ".join(str(error).split())[:300]
        raise CheckError(f"{sentence} Received: {type(error).__name__}: {words}") from error
