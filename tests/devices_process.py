"""One of several processes that train together on this machine, as on several machines; `test_devices.py` starts them.

`python devices_process.py STARTS RESULTS`: STARTS is a folder with a checkpoint of every recipe, RESULTS one where the
outcome is written. The environment says which process this is: TF_CONFIG, or KERAS_DISTRIBUTION_... for JAX.
"""

import json
import os
import pathlib
import sys

import keras
import numpy as np

from equal_process import build, run_in, take_steps
from sparring.backend import devices_scope

RECIPES = ("article", "dcgan", "r3gan")


def number_of_process():
    if keras.config.backend() == "tensorflow":
        return json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    return int(os.environ["KERAS_DISTRIBUTION_PROCESS_ID"])


def main(starts, results):
    place = results / str(number_of_process())
    place.mkdir()
    with devices_scope(None):
        for name in RECIPES:
            _, found = take_steps(name, starts)
            np.savez(place / f"{name}.npz", **found)
        np.savez(place / "run.npz", **run_in(results / "run", "article"))
        game = build("article")
        numbers = sorted(game.gather(game.num_processes * 10 + number_of_process()))
    about = {"chief": game.is_chief, "gathered": numbers}
    (place / "about.json").write_text(json.dumps(about))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
