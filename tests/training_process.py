"""One `sparring train` in a process of its own, with a mishap planned for it; `tests/test_recovery.py` starts it."""

import contextlib
import errno
import functools
import os
import signal
import time

# Imported before the fork server forks, so that each process begins at once. Threads do not survive a fork: none of
# these starts one.
with contextlib.suppress(ImportError):  # Keras opens TensorFlow for a seed, on JAX too.
    import tensorflow  # noqa: F401

import keras
import matplotlib.figure  # noqa: F401

import conftest  # noqa: F401 (Numbers are those of the other processes to the bit: the same backend, set up alike.)
import sparring.applications.train
import sparring.cli.main
import sparring.cli.progress
import sparring.recipes.images.classic
from sparring.training.callbacks import StopWhenAsked
from sparring.training.game import Game


def run(arguments, output, mishap, at):
    """Runs the command line on `arguments`, what it prints going to the file `output`.

    Args:
        arguments: As typed.
        output: Path of a file.
        mishap: Name of a function below, or None.
        at: Its argument: of which step or which write it is.
    """
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    Game.most_at_once = 1  # What happens before a step must not wait for others.
    signal.signal(signal.SIGINT, signal.default_int_handler)  # A shell's background job would ignore it.
    if mishap is not None:
        globals()[mishap](at)
    sparring.cli.main.run(arguments)


def _at_write(number, action):
    """Calls `action(file descriptor)` in place of the `number`-th flush to the disk, counted from 1.

    `replace_file` flushes twice: the whole temporary before it takes its place, and then the folder.
    """
    flush, count = os.fsync, iter(range(1, 1_000_000))
    os.fsync = lambda file: action(file) if next(count) == number else flush(file)


def _at_step(number, action):
    """Calls `action()` before the `number`-th step of this process, counted from 1."""
    begin, count = StopWhenAsked.on_train_batch_begin, iter(range(1, 1_000_000))

    def begin_step(self, batch, logs=None):
        if next(count) == number:
            action()
        begin(self, batch, logs)

    StopWhenAsked.on_train_batch_begin = begin_step


def _kill(_file=None):
    os.kill(os.getpid(), signal.SIGKILL)


def _kill_with_half_of_it_written(file):
    with contextlib.suppress(OSError):  # A folder cannot be cut.
        os.ftruncate(file, os.fstat(file).st_size // 2)
    _kill()


def _no_space(_file):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def kill_at_write(number):
    _at_write(number, _kill)


def kill_inside_write(number):
    _at_write(number, _kill_with_half_of_it_written)


def full_disk_at_write(number):
    _at_write(number, _no_space)


def limit_file_size(size):
    """From the eighth step on no file can be larger."""
    import resource

    _at_step(8, functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (size, size)))


def interrupt_at_step(number):
    _at_step(number, functools.partial(os.kill, os.getpid(), signal.SIGINT))


def terminate_at_step(number):
    _at_step(number, functools.partial(os.kill, os.getpid(), signal.SIGTERM))


def interrupt_twice_at_step(number):
    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    _at_step(number, twice)


def compile_anew(_):
    """Makes JAX compile what it runs itself, so that a test need not trust what another process has compiled."""
    if keras.config.backend() == "jax":
        import jax

        jax.config.update("jax_enable_compilation_cache", False)


def wait_at_step(number):
    _at_step(number, functools.partial(time.sleep, 60))
