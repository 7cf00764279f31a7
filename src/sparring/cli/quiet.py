"""Importing Keras without what TensorFlow's C++ writes to the terminal while it loads."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

# TF_CPP_MIN_LOG_LEVEL does not reach these (TensorFlow 2.21): they are written before its logging is set up.
_NOISE = re.compile(rb"WARNING: All log messages before absl::InitializeLog|[IW]\d{4} [\d:.]+ +\d+ \w+\.cc:")


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Hold back what is written to stderr, and pass on afterwards whatever is not TensorFlow's start-up chatter."""
    with contextlib.ExitStack() as stack:
        try:
            held = stack.enter_context(tempfile.TemporaryFile())
            stderr = os.dup(2)
        except OSError:  # Nowhere to hold it, or no stderr: noise is better than no command.
            yield
            return
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(stderr, 2)
            os.close(stderr)
            held.seek(0)
            os.write(2, b"".join(line for line in held if not _NOISE.match(line)))
