"""Run every line that `docs/article.md` says fails, print what happens, and exit 1 if the page is wrong.

    python docs/article_check.py                      # Keras' default backend, TensorFlow
    KERAS_BACKEND=jax python docs/article_check.py

Takes about 20 seconds and needs no network: the images are scikit-learn's 8x8 digits, enlarged to 28x28.
"""

import importlib
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

BATCH = 100
BACKEND = keras.backend.backend()
# Line breaks and table borders must not decide whether a quotation is found.
PAGE = " ".join(Path(__file__).with_name("article.md").read_text(encoding="utf-8").split())
broken: list[str] = []


def claim(name: str, what: str, holds: bool, quotes: tuple[str, ...] = ()) -> None:
    """Print one line; remember the claim if it does not hold or if the page no longer quotes what was seen."""
    missing = [quote for quote in quotes if quote not in PAGE]
    if not holds or missing:
        broken.append(name)
    verdict = "ok  " if holds and not missing else "FAIL"
    print(f"{verdict} {name:3} {what}" + (f" [not quoted in article.md: {missing}]" if missing else ""), flush=True)


def raises(name: str, what: str, kind: type[Exception], words: str, call: Callable[[], object]) -> None:
    """Claim that `call` raises exactly `kind`, with `words` in its message."""
    try:
        result = call()
    except Exception as error:
        seen = f"{type(error).__name__}: {words}" if words in str(error) else f"{type(error).__name__}: {error}"
        claim(name, f"{what}: {seen}", type(error) is kind and words in str(error), (kind.__name__, words))
    else:
        claim(name, f"{what}: no error, result {result!r}", False)


# The five steps, as such tutorials give them. `layers.Input` instead of `input_dim=` only avoids a warning.


def digits() -> np.ndarray:
    """Return 1797 uint8 images of shape (28, 28), in place of MNIST."""
    small = load_digits().images / 16.0
    large = np.pad(np.kron(small, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2)))
    return np.round(255 * large).astype("uint8")


def build_generator() -> keras.Model:
    return keras.Sequential(
        [layers.Input((100,)), layers.Dense(256, activation="relu"), layers.Dense(784, activation="tanh")]
    )


def build_discriminator() -> keras.Model:
    return keras.Sequential(
        [layers.Input((784,)), layers.Dense(256, activation="relu"), layers.Dense(1, activation="sigmoid")]
    )


def compiled(model: keras.Model, metrics: list[str] | None = None) -> keras.Model:
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=metrics)
    return model


rng = np.random.default_rng(0)
ones, zeros = np.ones((BATCH, 1)), np.zeros((BATCH, 1))
images = digits().astype("float32") / 255.0  # step 2: "normalise", to [0, 1]
flat = images.reshape(-1, 784)


def noise(num: int = BATCH) -> np.ndarray:
    return rng.standard_normal((num, 100)).astype("float32")


def fakes(generator: keras.Model, latents: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(generator(latents))


def change(model: keras.Model, before: list[np.ndarray]) -> float:
    """Return the largest absolute change of any weight of `model` since `before = model.get_weights()`."""
    return max(float(np.abs(a - b).max()) for a, b in zip(model.get_weights(), before, strict=True))


def a_not_flattened() -> None:
    raises(
        "a1",
        "D.train_on_batch(images of (100, 28, 28), ones), D with an input size",
        ValueError,
        "Expected shape (None, 784), but input has incompatible shape (100, 28, 28)",
        lambda: compiled(build_discriminator()).train_on_batch(images[:BATCH], ones),
    )
    no_size = keras.Sequential([layers.Dense(256, activation="relu"), layers.Dense(1, activation="sigmoid")])
    raises(
        "a2",
        "the same, D without an input size",
        ValueError,
        "target.shape=(100, 1), output.shape=(100, 28)",
        lambda: compiled(no_size).train_on_batch(images[:BATCH], ones),
    )
    loss = compiled(build_discriminator()).train_on_batch(flat[:BATCH], ones)
    claim("a3", f"mended, images.reshape(-1, 784): loss {loss:.3f}", bool(np.isfinite(loss)))


def b_targets_of_the_generator() -> None:
    raises(
        "b",
        "G.train_on_batch(noise, ones of (100, 1))",
        ValueError,
        "must have the same shape. Received: target.shape=(100, 1), output.shape=(100, 784)",
        lambda: compiled(build_generator()).train_on_batch(noise(), ones),
    )


def c_generator_alone() -> None:
    generator, held_out = compiled(build_generator()), noise(1000)
    means = {}
    for step in range(301):
        if step in (0, 30, 100, 300):
            means[step] = round(float(fakes(generator, held_out).mean()), 2) + 0.0  # no -0.00
        generator.train_on_batch(noise(), np.ones((BATCH, 784)))
    shown = ", ".join(f"{mean:.2f} after {step}" for step, mean in means.items())
    claim(
        "c1",
        f"G trained on targets of ones (100, 784), mean output: {shown} steps",
        abs(means[0]) < 0.05 and means[30] > 0.75 and means[100] > 0.9 and means[300] >= 0.97,
    )

    latents, start, ends = [noise() for _ in range(10)], build_generator().get_weights(), []
    for right, wrong in ((ones, zeros), (zeros, ones)):  # an honest discriminator, then one taught the opposite
        generator, discriminator = compiled(build_generator()), compiled(build_discriminator())
        generator.set_weights(start)
        for z in latents:
            discriminator.train_on_batch(flat[:BATCH], right)
            discriminator.train_on_batch(fakes(generator, z), wrong)
            generator.train_on_batch(z, np.ones((BATCH, 784)))
        ends.append(generator.get_weights())
    moved = change(generator, start)
    apart = max(float(np.abs(a - b).max()) for a, b in zip(*ends, strict=True))
    claim(
        "c2",
        f"weights of G after 10 steps beside a D taught rightly, and one taught the opposite: "
        f"G moved {moved:.4f}, the two G differ by {apart:.1e}",
        moved > 1e-3 and apart < 1e-6,
    )


def d_loss_of_one() -> None:
    discriminator = compiled(build_discriminator())
    real = discriminator.train_on_batch(flat[:BATCH], ones)
    fake = discriminator.train_on_batch(fakes(build_generator(), noise()), zeros)
    not_a_list = "'float' object is not subscriptable"
    raises("d1", "d_loss_real[1]", TypeError, not_a_list, lambda: real[1])
    raises("d2", "(0.5 * (real + fake))[1]", TypeError, not_a_list, lambda: (0.5 * (real + fake))[1])
    raises(
        "d3",
        "(0.5 * np.add(real, fake))[1]",
        IndexError,
        "invalid index to scalar variable",
        lambda: (0.5 * np.add(real, fake))[1],
    )
    discriminator = compiled(build_discriminator(), metrics=["accuracy"])
    real = discriminator.train_on_batch(flat[:BATCH], ones)
    fake = discriminator.train_on_batch(fakes(build_generator(), noise()), zeros)
    raises(
        "d4",
        'compiled with metrics=["accuracy"], 0.5 * (real + fake)',
        TypeError,
        "can't multiply sequence by non-int of type 'float'",
        lambda: 0.5 * (real + fake),
    )
    half = 0.5 * np.add(real, fake)
    accuracy = 0.5 * (real[1] + fake[1])
    claim(
        "d5",
        f"the same, 0.5 * np.add(real, fake): [loss {half[0]:.3f}, accuracy {half[1]:.3f}]",
        half.shape == (2,) and bool(np.isclose(half[1], accuracy)) and 0.0 <= accuracy <= 1.0,
    )


def e_ranges() -> None:
    fake = fakes(build_generator(), noise(1000))
    shares = [float((x < 0).mean()) for x in (fake, flat, 2 * flat - 1)]

    def told_apart(real: np.ndarray) -> float:
        """Return the balanced accuracy of the rule 'a pixel below 0 somewhere, so it is a fake'."""
        return 0.5 * float((fake < 0).any(axis=1).mean() + (real >= 0).all(axis=1).mean())

    claim(
        "e1",
        f"untrained G against data in [0, 1]: pixels below 0: fake {shares[0]:.2f}, real {shares[1]:.2f}; "
        f"the sign alone tells {told_apart(flat):.0%} apart",
        abs(shares[0] - 0.5) < 0.03 and shares[1] == 0.0 and told_apart(flat) == 1.0,
    )
    claim(
        "e2",
        f"mended, data in [-1, 1]: pixels below 0: real {shares[2]:.2f}; "
        f"the same rule {told_apart(2 * flat - 1):.0%} (chance is 50%)",
        shares[2] > 0.3 and told_apart(2 * flat - 1) == 0.5,
    )


class Stack:
    """The stacked model of the tutorials, with the largest weight changes that its steps make."""

    def __init__(self) -> None:
        self.generator, self.discriminator = build_generator(), compiled(build_discriminator())
        self.by_d = self.by_gan = self.of_g = 0.0
        self.messages: set[str] = set()

    def freeze(self) -> None:
        self.discriminator.trainable = False
        self.gan = compiled(keras.Sequential([self.generator, self.discriminator]))

    def step_d(self) -> None:
        before = self.discriminator.get_weights()
        self.discriminator.train_on_batch(flat[:BATCH], ones)
        self.discriminator.train_on_batch(fakes(self.generator, noise()), zeros)
        self.by_d = max(self.by_d, change(self.discriminator, before))

    def step_gan(self) -> None:
        of_d, of_g = self.discriminator.get_weights(), self.generator.get_weights()
        self.gan.train_on_batch(noise(), ones)
        self.by_gan = max(self.by_gan, change(self.discriminator, of_d))
        self.of_g = max(self.of_g, change(self.generator, of_g))

    def train(self, toggle: bool = False, steps: int = 5) -> "Stack":
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(steps):
                if toggle:
                    self.discriminator.trainable = True
                self.step_d()
                if toggle:
                    self.discriminator.trainable = False
                self.step_gan()
        self.messages = {str(w.message) for w in caught if "trainable" in str(w.message)}
        return self

    def __str__(self) -> str:
        by_d, by_gan, of_g = (f"{x:.4f}" if x else "0.0" for x in (self.by_d, self.by_gan, self.of_g))
        return f"largest weight change in a step: D by its own {by_d}, D by gan {by_gan}, G by gan {of_g}"


def f_frozen_discriminator() -> None:
    usual = Stack()
    usual.freeze()
    usual.train()
    expected = {"The model does not have any trainable weights."} if BACKEND == "tensorflow" else set()
    claim(
        "f1",
        f"D compiled, frozen, stacked, trained: {usual}; warnings: {sorted(usual.messages) or 'none'}",
        usual.by_d == 0.0 and usual.by_gan == 0.0 and usual.of_g > 0 and usual.messages == expected,
        tuple(expected),
    )

    made = Stack()
    made.discriminator.make_train_function()
    made.freeze()
    made.train()
    claim("f2", f"D.make_train_function() before freezing: {made}", made.by_d == 0.0 and made.of_g > 0)

    first = Stack()
    first.step_d()
    first.by_d = 0.0
    first.freeze()
    if BACKEND == "tensorflow":
        first.train()
        claim("f3", f"D trained once before freezing: {first}", first.by_d > 0 and first.by_gan == 0.0)
        before = first.discriminator.get_weights()
        first.discriminator.train_on_batch(flat[:60], ones[:60])
        by_60 = change(first.discriminator, before)
        claim("f4", f"the same, then a batch of 60: largest weight change: D by its own {by_60}", by_60 == 0.0)
    else:
        raises(
            "f3",
            "D trained once before freezing",
            ValueError,
            "len(trainable_variables) == 0 whereas the optimizer was built with 4 variables",
            first.train,
        )

    unfrozen = Stack()
    unfrozen.freeze()
    unfrozen.discriminator.trainable = True
    compiled(unfrozen.discriminator)
    unfrozen.train()
    claim(
        "f5",
        f"frozen while gan is compiled, then set trainable and compiled: {unfrozen}",
        unfrozen.by_d > 0 and unfrozen.by_gan > 0,
    )

    toggled = Stack()
    toggled.freeze()
    toggled.train(toggle=True)
    claim(
        "f6",
        f"mended, `trainable` set before every step: {toggled}",
        toggled.by_d > 0 and toggled.by_gan == 0.0 and toggled.of_g > 0,
    )


def main() -> int:
    if BACKEND not in ("tensorflow", "jax"):
        print(f"The page was measured on `tensorflow` and `jax`. Received: KERAS_BACKEND={BACKEND}", file=sys.stderr)
        return 2
    engine = importlib.import_module(BACKEND)
    print(f"Keras {keras.__version__}, {BACKEND} {engine.__version__}, NumPy {np.__version__}")
    keras.utils.set_random_seed(0)
    a_not_flattened()
    b_targets_of_the_generator()
    c_generator_alone()
    d_loss_of_one()
    e_ranges()
    f_frozen_discriminator()
    if broken:
        print(f"docs/article.md is wrong about: {', '.join(broken)}", file=sys.stderr)
        return 1
    print("Every claim of docs/article.md holds.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
