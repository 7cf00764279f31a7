"""Words of the form NAME=VALUE."""

from collections.abc import Sequence

from sparring.errors import UsageError


def parse_pairs(flag: str, texts: Sequence[str] | None) -> dict[str, str] | None:
    """Names and values, which may be empty; None where there are no texts.

    Raises:
        UsageError: A text has no name or no equals sign.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"`{flag}` is written NAME=VALUE. Received: {text!r}")
        found[name.strip()] = value.strip()
    return found or None
