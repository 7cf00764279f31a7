"""The same three steps of every recipe in a process of its own: on the other backend, or over two devices.

`python equal_process.py DEVICES STARTS RESULTS NAME...`: DEVICES is 1 or 2, STARTS a folder with a checkpoint of every
recipe, RESULTS where the outcome and a checkpoint of each that is named are written; KERAS_BACKEND says on what.
`test_equal.py` starts it, and takes the same steps with the same functions in the process of pytest.
"""

import contextlib
import os
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
from keras import ops

from conftest import make_clips, make_domains, make_rows, make_stripes
from sparring.bundle.record import Record
from sparring.data.spec import DomainsSpec, VideoSpec
from sparring.recipes.catalog import find_recipe
from sparring.training.checkpoint import Checkpoints
from sparring.training.run import Run

BATCH_SIZE, STEPS = 8, 3
OPTIONS = {"width": 4, "latent_dim": 6, "batch_size": BATCH_SIZE, "images": 96, "clips": 96}
SHAPES = {
    "article": (7, 5, 3),
    # Two doublings, so that both networks have batch normalisation; cropped and padded, on one axis by an odd number;
    # and by itself it augments, at that size.
    "dcgan": (18, 17, 3),
    "r3gan": (10, 9, 3),
    "sngan": (9, 8, 3),
    "stylegan2": (8, 8, 3),
    "tabular": (),  # Rows have none.
    "pix2pix": (8, 8, 3),
    "cyclegan": (8, 8, 3),
    "fastcut": (8, 8, 3),
    "mocogan": (4, 8, 8, 3),  # Of four frames.
    "stargan_v2": (8, 8, 3),
}
DOMAINS = {"pix2pix": True, "cyclegan": False, "fastcut": False, "stargan_v2": False}  # Whether they are paired.
MORE = {
    "r3gan": {"augment": "adaptive"},
    "sngan": {"batch_size": BATCH_SIZE // 2, "critic_updates": 2},
    "stylegan2": {"width": 2, "mapping_layers": 1, "penalty_every": 2},
    "tabular": {"penalty_every": 2, "mask_share": 0.5, "group_size": 2},
    "pix2pix": {"width": 2, "discriminator_width": 2, "augment": "diffaugment"},
    "cyclegan": {"width": 2, "discriminator_width": 2, "blocks": 1},
    "fastcut": {"width": 2, "discriminator_width": 2, "blocks": 1, "num_patches": 4},
    "mocogan": {"motion_dim": 2, "motion_units": 4, "augment": "diffaugment"},
    "stargan_v2": {"width": 2, "most_width": 4, "blocks": 1, "style_dim": 4, "mapping_width": 8},
}


def source_for(name):
    if name in DOMAINS:
        return make_domains(*SHAPES[name], paired=DOMAINS[name])
    if len(SHAPES[name]) == 4:
        return make_clips(*SHAPES[name])
    return make_stripes(*SHAPES[name]) if SHAPES[name] else make_rows(48)


def build(name):
    keras.utils.set_random_seed(0)
    recipe = find_recipe(name)
    options = {key: value for key, value in OPTIONS.items() if key in recipe.options}
    return recipe.build(source_for(name).spec, **(options | MORE.get(name, {})))


def save_starts(folder, names):
    """A checkpoint of each recipe at step 0, made by the backend of this process; returns `folder`."""
    for name in names:
        game = build(name)
        game.compile()
        Checkpoints(folder / name).save(game)
    return folder


def start_script(script, arguments, output, environment):
    """Starts a script in a process of its own on the CPU; what it prints goes to the file `output`."""
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"} | environment
    words = [sys.executable, script, *map(str, arguments)]
    with output.open("w") as file:
        return subprocess.Popen(words, env=environment, stdout=file, stderr=subprocess.STDOUT)


def state_of(game):
    """Every variable by its place and name; Keras' numbers of layers depend on what was built before."""
    return {
        f"{place:03d}.{re.sub(r'_[0-9]+', '', v.path)}": np.array(ops.convert_to_numpy(v))
        for place, v in enumerate(game.state)
    }


def generate(game):
    """What the averaged networks make of fixed images, or of fixed latents and conditions."""
    if isinstance(game.spec, DomainsSpec):
        images = np.random.default_rng(1).standard_normal((4, *game.spec.shape), np.float32)
        made = [network(_inputs(network, images), training=False) for network in game.average.copies.values()]
        return np.concatenate([np.ravel(ops.convert_to_numpy(x)) for x in made])
    if isinstance(game.spec, VideoSpec):
        random, labels = np.random.default_rng(1), np.eye(2, dtype=np.float32)[[0, 1, 1, 0]]
        motion, generator = (game.average.copies[name] for name in ("motion", "generator"))
        noise = random.standard_normal((4, 5, motion.inputs[0].shape[-1]), np.float32)
        contents = random.standard_normal((4, generator.inputs[0].shape[-1]), np.float32)
        angles = ops.convert_to_numpy(motion([noise, labels], training=False))[:, -1]
        frames = generator([contents, angles, labels], training=False)
        return np.array(ops.convert_to_numpy(frames))
    generator = game.average.copies["generator"]
    latents, condition = (x.shape[-1] for x in generator.inputs)
    latents = np.random.default_rng(1).standard_normal((4, latents), np.float32)
    images = generator([latents, np.eye(condition, dtype=np.float32)[[0, 1, 1, 0]]], training=False)
    return np.array(ops.convert_to_numpy(images))


def _inputs(network, images):
    """The images where a network takes any, and fixed numbers for all else."""
    random = np.random.default_rng(2)
    return [
        images if len(x.shape) == 4 else random.standard_normal((len(images), x.shape[-1]), np.float32)
        for x in network.inputs
    ]


class Watch(keras.callbacks.Callback):
    """Keeps what `fit` reports after each step, and what each device works on.

    `seen[step][device]` is the part of the batch.
    """

    def __init__(self, game):
        super().__init__()
        self.logs, self.seen = [], []
        if keras.config.backend() == "tensorflow":
            self._watch_replicas(game)

    def on_train_begin(self, logs=None):
        if keras.config.backend() == "jax":
            self._watch_shards(self.model)

    def on_train_batch_end(self, batch, logs=None):
        self.logs.append({name: float(value) for name, value in logs.items()})

    def _watch_replicas(self, game):
        """From inside the step of every replica."""
        import tensorflow as tf

        prepare, names = game.prepare, []

        def keep(step, replica, *arrays):
            self.seen += [{} for _ in range(int(step) - len(self.seen))]
            self.seen[int(step) - 1][int(replica)] = dict(zip(names, map(np.array, arrays), strict=True))
            return np.int32(0)

        def prepare_and_keep(batch):
            names[:] = batch
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            tf.numpy_function(keep, [ops.convert_to_tensor(game.steps), replica, *batch.values()], tf.int32)
            return prepare(batch)

        game.prepare = prepare_and_keep

    def _watch_shards(self, game):
        """From the arrays that the step, which JAX compiles for all devices together, is called with."""
        train_function = game.train_function

        def train_and_keep(state, iterator):
            batch = next(iterator)
            self.seen.append({})
            for name, array in batch.items():
                for shard in getattr(array, "addressable_shards", ()):
                    self.seen[-1].setdefault(shard.device.id, {})[name] = np.array(shard.data)
            if not self.seen[-1]:  # One device: the array is NumPy's until the step is called.
                self.seen[-1][0] = dict(batch)
            return train_function(state, iter([batch]))

        game.train_function = train_and_keep


def take_steps(name, starts, scope=contextlib.nullcontext, batches=None, harm=None):
    """Restores a recipe from `starts` and trains it.

    Args:
        name: Of the recipe.
        starts: Holds a folder of checkpoints for each recipe.
        scope: The game is built inside of it, all else is done outside.
        batches: In place of the recipe's usual ones.
        harm: `harm(game)` is called before the steps.

    Returns:
        The game, and arrays by name: `images` before the steps, `start/...` and `state/...` every variable before and
        after them, `logs/STEP/...` what was reported, `seen/STEP/DEVICE/...` what each device worked on.
    """
    with scope():
        game = build(name)
    game.compile()
    Checkpoints(starts / name).restore(game)
    if harm is not None:
        harm(game)
    found = {"images": generate(game), **{f"start/{key}": value for key, value in state_of(game).items()}}
    watch = Watch(game)
    batches = batches or source_for(name).batches(BATCH_SIZE)
    game.most_at_once = 1  # Else Keras reports several steps at once.
    game.fit(batches, epochs=1, steps_per_epoch=STEPS, callbacks=[watch], verbose=0)
    found |= {f"state/{key}": value for key, value in state_of(game).items()}
    for step in range(STEPS):
        found |= {f"logs/{step}/{key}": np.array(value) for key, value in watch.logs[step].items()}
        for device, part in watch.seen[step].items():
            found |= {f"seen/{step}/{device}/{key}": value for key, value in part.items()}
    return game, found


class Stop(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


def run_in(folder, name):
    """A run of two ticks in one piece, and one that is stopped after the first tick and goes on."""
    data = source_for(name)
    record = Record(
        recipe=name,
        options=OPTIONS,
        spec=data.spec,
        seed=0,
        source=data.name,
        fingerprint=data.fingerprint,
        version="0",
    )
    found = {}
    for place, pieces in {"whole": [()], "pieces": [(Stop(),), ()]}.items():
        for callbacks in pieces:
            game = build(name)
            run = Run(folder / place, record)
            run.train(game, data.batches(BATCH_SIZE), callbacks, lambda text: None)
        found |= {f"{place}/{key}": value for key, value in state_of(game).items()}
        bundle = run.snapshot(game)
        found |= {f"{place}/finished": np.array(game.finished), f"{place}/samples": bundle.sample(4)}
    return found


def two_devices():
    """Sets them up as a user does; returns the scope to build a game in.

    JAX counts its devices when it starts: XLA_FLAGS has told it to make two of one CPU.
    """
    if keras.config.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel(devices=keras.distribution.list_devices()))
        return contextlib.nullcontext
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope


def main(devices, starts, results, names):
    scope = two_devices() if devices == 2 else contextlib.nullcontext
    for name in names:
        game, found = take_steps(name, starts, scope)
        Checkpoints(results / name).save(game)
        np.savez(results / f"{name}.npz", **found)
    if devices == 2:
        with scope():
            np.savez(results / "run.npz", **run_in(results / "run", "article"))


if __name__ == "__main__":
    main(int(sys.argv[1]), pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4:])
