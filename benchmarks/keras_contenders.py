"""Two contenders on Keras: `game.fit`, and the loop of the usual tutorial."""

import time

import sparring
from sparring.data.images.domains import domain_source
from sparring.data.source import Source

import keras
import numpy as np
from operations import step_operations
from workload import PEAK_PRODUCTS, PEAK_SIDE, TRANSLATIONS, factors, load_domains, load_images, now, since

STILL = {"jitter": 0.0, "mirror": False}  # Images as they are.


def matrix_peak() -> float:
    """GFLOP for each processor second of a product of matrices in the backend of Keras."""
    a, b = (keras.ops.convert_to_tensor(factor) for factor in factors())
    keras.ops.convert_to_numpy(keras.ops.matmul(a, b))
    began = time.process_time()
    products = [keras.ops.matmul(a, b) for _ in range(PEAK_PRODUCTS)]
    for product in products:  # JAX returns before it has multiplied.
        keras.ops.convert_to_numpy(product)[0, 0]
    return PEAK_PRODUCTS * 2 * PEAK_SIDE**3 / (time.process_time() - began) / 1e9


def random_domains(*, paired: bool) -> Source:
    """Images of two domains."""
    return domain_source("random", dict(zip("ab", load_domains(), strict=True)), paired=paired)


class Clock(keras.callbacks.Callback):
    """Stops `fit` after `seconds`; times all its calls of the step but the first, by the wall and by the processor.

    It takes the beginnings of steps, for Keras waits for the results of every step where a callback takes their ends.
    At the end of a tick all steps are done, on JAX too.
    """

    def __init__(self, seconds: float):
        super().__init__()
        self.limit, self.calls, self.began, self.spent = seconds, -1, now(), (0.0, 0.0)

    def on_train_batch_begin(self, batch, logs=None):
        self.calls += 1
        if self.calls == 1:
            self.began = now()
        elif self.calls and time.perf_counter() - self.began[0] > self.limit:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        self.spent = since(self.began)


class Ours:
    """`game.fit` as a run calls it."""

    def __init__(self, recipe: str):
        keras.utils.set_random_seed(0)
        if recipe in TRANSLATIONS:
            source, options = random_domains(paired=recipe == "pix2pix"), STILL
        else:
            source, options = sparring.open_source(load_images()), {}  # Without labels: no network reads any.
        self.game = sparring.find_recipe(recipe).build(source.spec, **options)
        self.batch_size = self.game.pace.batch_size
        self.batches = source.batches(self.batch_size)
        self.networks = {player.name: player.networks for player in self.game.players}
        self.note = f"Keras {keras.__version__} on {keras.backend.backend()}"

    def run(self, seconds: float) -> tuple[int, float, float]:
        """Trains for so long; returns images, seconds and processor seconds."""
        clock = Clock(seconds)
        self.game.fit(self.batches, epochs=1_000_000, callbacks=[clock], verbose=0)
        return clock.calls * self.game.steps_per_execution * self.batch_size, *clock.spent


class KerasLoop:
    """The loop of countless tutorials: `predict`, two `train_on_batch` of the discriminator, one of the two stacked.

    As it is usually written, with the discriminator frozen before the stacked model is compiled, Keras 3 trains no
    discriminator (docs/article.md, f); so it is thawed before its own steps and frozen before the other's, and the
    first step checks that it moved. No average is kept.
    """

    def __init__(self, recipe: str):
        game = Ours(recipe)
        self.networks, self.batch_size = game.networks, game.batch_size
        (self.generator,), (self.discriminator,) = (self.networks[name] for name in ("generator", "discriminator"))
        player = game.game.players[0]
        self.images = load_images().astype(np.float32) / 127.5 - 1
        self.real, self.fake = np.ones((self.batch_size, 1)), np.zeros((self.batch_size, 1))
        self.random = np.random.default_rng(0)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        self.discriminator.compile(optimizer=player.make_optimizer(), loss=loss)
        latents = keras.Input(self.generator.inputs[0].shape[1:])
        self.stacked = keras.Model(latents, self.discriminator([self.generator([latents])]))
        self.stacked.compile(optimizer=player.make_optimizer(), loss=loss)
        self.note = game.note
        before = self.discriminator.get_weights()[0]
        self._step()
        if np.array_equal(before, self.discriminator.get_weights()[0]):
            raise RuntimeError("The discriminator did not learn: this loop would be no contender.")

    def run(self, seconds: float) -> tuple[int, float, float]:
        """Trains for so long; returns images, seconds and processor seconds."""
        steps, began = 0, now()
        while time.perf_counter() - began[0] < seconds:
            self._step()
            steps += 1
        return steps * self.batch_size, *since(began)

    def _step(self):
        rows = self.random.integers(0, len(self.images), self.batch_size)
        fakes = self.generator.predict([self._latents()], verbose=0)
        self.discriminator.trainable = True
        self.discriminator.train_on_batch([self.images[rows]], self.real)
        self.discriminator.train_on_batch([fakes], self.fake)
        self.discriminator.trainable = False
        self.stacked.train_on_batch(self._latents(), self.real)

    def _latents(self):
        return self.random.standard_normal((self.batch_size, *self.generator.inputs[0].shape[1:]), dtype=np.float32)


def introduce(contender, recipe: str) -> dict:
    """What the parent wants to know of it: learnt parameters of each side, and the arithmetic of a step."""
    sides = [contender.networks[name] for name in ("generator", "discriminator")]
    for network in sides[1]:
        network.trainable = True
    found = {"parameters": [sum(int(np.prod(v.shape)) for n in side for v in n.trainable_variables) for side in sides]}
    if recipe not in TRANSLATIONS:
        r3gan = recipe == "r3gan"
        (generator,), (discriminator,) = sides
        found["operations_per_image"] = step_operations(generator, discriminator, paired=r3gan, penalised=r3gan)
    return found | {"note": contender.note}
