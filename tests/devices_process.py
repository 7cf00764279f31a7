"""One of several processes that train together on this machine, as on several machines; `test_devices.py` starts them.

`python devices_process.py STARTS RESULTS`: STARTS is a folder with a checkpoint of every recipe, RESULTS one where the
outcome is written. The environment says which process this is: TF_CONFIG, or KERAS_DISTRIBUTION_... for JAX.
"""

import functools
import json
import os
import pathlib
import signal
import sys

import keras
import numpy as np

from equal_process import BATCH_SIZE, OPTIONS, build, run_in, source_for, take_steps
from sparring.backend import devices_scope
from sparring.bundle.record import Record
from sparring.errors import RunError
from sparring.training.run import Run

# JAX compiles one program for all devices, whichever process they belong to; `test_equal.py` has r3gan over two.
RECIPES = ("article", "dcgan", "r3gan") if keras.config.backend() == "tensorflow" else ("article",)


def number_of_process():
    if keras.config.backend() == "tensorflow":
        return json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    return int(os.environ["KERAS_DISTRIBUTION_PROCESS_ID"])


def record_of(data, seed=0):
    return Record(
        recipe="article",
        options=OPTIONS,
        spec=data.spec,
        seed=seed,
        source=data.name,
        fingerprint=data.fingerprint,
        version="0",
    )


def refusal(folder, seed):
    """What a run says whose record differs from that of the other process."""
    game, data = build("article"), source_for("article")
    try:
        Run(folder, record_of(data, seed)).train(game, data.batches(BATCH_SIZE, seed), say=lambda text: None)
    except RunError as error:
        return str(error)
    return ""


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in the first tick."""

    def on_train_batch_end(self, batch, logs=None):
        if batch == 2:
            signal.raise_signal(signal.SIGINT)


def interrupted(folder, here):
    """Where a run ended, and why, that Ctrl-C came to in one process."""
    game, data = build("article"), source_for("article")
    run = Run(folder, record_of(data))
    run.train(game, data.batches(BATCH_SIZE), [Interrupt()] if here else [], lambda text: None)
    return game.steps_done, run.stopped_by


def wait_longer():
    """Counts a process as lost after two minutes of silence: TensorFlow's 10 seconds are short on a crowded machine."""
    from tensorflow.python.eager.context import Context

    configure = functools.partialmethod(Context.configure_coordination_service, heartbeat_timeout_in_ms=120_000)
    Context.configure_coordination_service = configure


def main(starts, results):
    number = number_of_process()
    place = results / str(number)
    place.mkdir()
    if keras.config.backend() == "tensorflow":
        wait_longer()
    with devices_scope(None):
        for name in RECIPES:
            game, found = take_steps(name, starts)
            np.savez(place / f"{name}.npz", **found)
        np.savez(place / "run.npz", **run_in(results / "run", "article"))
        about = {
            "chief": game.is_chief,
            "gathered": sorted(game.gather(number)),
            "interrupted": interrupted(results / "interrupted", here=number == 1),
            "refused": refusal(place / "alone", seed=number),
        }
    (place / "about.json").write_text(json.dumps(about))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
