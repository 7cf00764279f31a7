"""What went wrong, in one sentence a user can act on: expected, received, what to do."""


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
