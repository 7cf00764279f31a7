"""Whether a pair of networks keeps the contract that `sparring.networks` tells."""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import ops

from sparring.backend import at_once, value_and_grad
from sparring.data.spec import ImageSpec
from sparring.testing.failure import expect, trying
from sparring.testing.trial import arrays, finite, normal, one_hot, same

Make = Callable[[tuple[int, int, int], int], keras.Model]
CASES: list[tuple[tuple[int, int, int], int]] = [((8, 8, 1), 2), ((11, 9, 3), 0)]
COUNT = 8
COPIED = "give every layer of yours a `get_config` with all that it is made with."
LARGEST = 20.0  # Root of the mean square of untrained images: in [-1, 1] it is 1 at most, of 0 to 255 about 150.


def check_network(generator: Make, discriminator: Make, spec: ImageSpec | None = None) -> list[str]:
    """Whether a generator and a discriminator can be trained, averaged, stored and built again.

    Both are built as a bundle does it, at the shape they should have, with `[latents]` or `[images]` and labels exactly
    where there are classes; what they answer is finite and follows every input; a gradient reaches every weight, the
    generator's through the discriminator; a copy by `keras.models.clone_model` answers the same; nothing is
    random; `training=False` leaves no trace.

    Args:
        generator: `generator(shape, num_classes)` makes one, as `partial(my_generator, latent_dim=8, width=4)`.
        discriminator: Likewise; one logit, or with classes also `[logit, class logits]` of images alone.
        spec: Data to make them for; by default 8x8 grey with two classes, then 11x9 in colour without.

    Returns:
        What is allowed, but good to know, one sentence each.

    Raises:
        CheckError: At the first thing that does not hold.

    Example:
        >>> check_network(partial(mlp_generator, latent_dim=8, width=16), partial(mlp_discriminator, width=16))
    """
    notes: list[str] = []
    for shape, num_classes in CASES if spec is None else [(spec.shape, spec.num_classes)]:
        where = f"for images of {shape} and {num_classes} classes"
        maker = _made(generator, shape, num_classes, f"The generator {where}")
        judge = _made(discriminator, shape, num_classes, f"The discriminator {where}")
        latents = _inputs(maker, "The generator", num_classes, first="latents", shape=None)
        images = _inputs(judge, "The discriminator", num_classes, first="images", shape=shape)
        _check_answer(maker, latents, "The generator", [(COUNT, *shape)])
        several = len(judge.outputs) > 1
        _check_answer(judge, images, "The discriminator", [(COUNT, 1), (COUNT, num_classes)][: 1 + several])
        _check_range(maker, latents)
        for network, rows, name in ((maker, latents, "The generator"), (judge, images, "The discriminator")):
            _move_weights(network)
            _check_repeats(network, rows, name)
            _check_inputs_matter(network, rows, name, num_classes)
            _check_copy(network, rows, name)
        expect(
            (_answers(maker, latents)[0] < 0).any(),
            "Images are in [-1, 1], and this generator never makes a pixel below 0: end it in tanh, not sigmoid.",
        )
        _check_gradients(maker, judge, latents, images)
        notes += _neighbours(judge, images)
    return list(dict.fromkeys(notes))


def _made(make: Make, shape, num_classes: int, name: str) -> keras.Model:
    with (
        trying(f"{name} must be buildable in a `keras.StatelessScope`, where a bundle counts its weights."),
        keras.StatelessScope(initialize_variables=False),
    ):
        planned = make(shape, num_classes)
        expect(isinstance(planned, keras.Model), f"{name} must be a keras.Model. Received: {type(planned).__name__}")
        with trying(f"{name} must be copied by `keras.models.clone_model`: {COPIED}"):
            keras.models.clone_model(planned)  # The average takes a copy, in the scope as well.
    with trying(f"{name} must be buildable."):
        return make(shape, num_classes)


def _inputs(network: keras.Model, name: str, num_classes: int, first: str, shape) -> list[np.ndarray]:
    """Rows of random numbers for its inputs, which are as announced."""
    found = [tuple(x.shape[1:]) for x in network.inputs]
    labelled = num_classes and len(network.outputs) == 1  # A classifier is told no label.
    wanted = [found[0] if shape is None else tuple(shape), *([(num_classes,)] if labelled else [])]
    words = f"[{first}, labels], for there are classes" if labelled else f"[{first}] alone"
    expect(
        found == wanted and (shape is not None or len(found[0]) == 1),
        f"{name} must read {words}, each row of the shape {wanted}. Received: inputs of {found}",
    )
    first_rows = normal(COUNT, *found[0]) / (1 if shape is None else 2)
    return [first_rows, *([one_hot(COUNT, num_classes)] if labelled else [])]


def _answers(network: keras.Model, rows, training: bool = False) -> list[np.ndarray]:
    return arrays(at_once(lambda: keras.tree.flatten(network(rows, training=training)), network.variables)[0])


def _check_answer(network, rows, name: str, wanted: Sequence[tuple[int, ...]]):
    with trying(f"{name} must answer a batch of {COUNT}."):
        found = _answers(network, rows)
    shapes = [x.shape for x in found]
    expect(shapes == list(wanted), f"{name} must answer {wanted} to a batch of {COUNT}. Received: {shapes}")
    expect(finite(found), f"{name} must answer finite numbers with its first weights. Received: some that are not.")


def _check_range(generator, latents):
    size = float(np.sqrt(np.square(_answers(generator, latents)[0]).mean()))
    expect(
        size < LARGEST,
        f"Images are in [-1, 1], and those of this untrained generator have values of about {size:.0f}: end it in "
        "tanh, or start its last layer with smaller weights.",
    )


def _move_weights(network):
    """Away from zeros that a last layer may start with, which would hide what lies before it."""
    for place, variable in enumerate(network.trainable_variables):
        size = 0.5 / math.sqrt(max(1, math.prod(variable.shape[:-1])))
        variable.assign(arrays(variable) + size * normal(*variable.shape, seed=place))


def _check_repeats(network, rows, name: str):
    before = arrays(network.variables)
    found, after = at_once(lambda: keras.tree.flatten(network(rows, training=False)), network.variables)
    expect(
        same(arrays(found), _answers(network, rows)),
        f"{name} must answer the same twice with training=False, and does not: noise must come with the batch.",
    )
    for variable, old, new in zip(network.variables, before, arrays(after), strict=True):
        expect(
            np.array_equal(old, new),
            f"{name} must leave its variables as they are with training=False. Received: another {variable.path}; "
            "assign it with training=True alone.",
        )
    expect(
        same(_answers(network, rows, training=True), _answers(network, rows, training=True)),
        f"{name} must answer the same from the same variables with training=True, and does not: noise must come "
        "with the batch, and what it remembers must be its weights.",
    )


def _check_inputs_matter(network, rows, name: str, num_classes: int):
    before = _answers(network, rows)
    others = [np.roll(rows[0], 1, axis=0), *(one_hot(COUNT, num_classes, first=1) for _ in rows[1:])]
    for place, tensor in enumerate(network.inputs):
        if place and num_classes == 1:
            continue
        changed = _answers(network, [*rows[:place], others[place], *rows[place + 1 :]])
        for old, new in zip(before, changed, strict=True):
            expect(
                np.abs(old - new).max() > 1e-5 * np.abs(old).max(),
                f"{name} must follow its input `{tensor.name}`, and answers the same whatever that is.",
            )


def _check_copy(network, rows, name: str):
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    found = _answers(copy, rows)
    expect(
        same(found, _answers(network, rows)),
        f"{name} must answer as its copy by `keras.models.clone_model` with the same weights does: what a layer is "
        "made with must be in its `get_config`, and what it learns must be its weights.",
    )


def _check_gradients(generator, discriminator, latents, images):
    state, labels = [*generator.variables, *discriminator.variables], [ops.convert_to_tensor(x) for x in images[1:]]

    def loss(shown):
        found = discriminator([shown, *labels], training=True)
        # Of a plain mean, batch normalisation would hand back no gradient.
        return sum(ops.mean(ops.square(y - 0.5)) for y in keras.tree.flatten(found)), {}

    for network, name, shown in (
        (generator, "The generator", lambda: generator(latents, training=True)),
        (discriminator, "The discriminator", lambda: ops.convert_to_tensor(images[0])),
    ):
        expect(network.trainable_variables, f"{name} must have trainable weights. Received: none")
        learned = network.trainable_variables
        gradients, _ = at_once(lambda s=shown, v=learned: value_and_grad(lambda: loss(s()), v, state)[1], state)
        for variable, gradient in zip(learned, arrays(gradients), strict=True):
            expect(
                np.isfinite(gradient).all() and gradient.any(),
                f"{name}: a finite gradient must reach every trainable weight. Received: none at {variable.path}; use "
                "it in `call` (or make it trainable=False).",
            )


def _neighbours(discriminator, rows) -> list[str]:
    """A note where the score of an image depends on the others of its batch."""
    half = COUNT // 2
    first = _answers(discriminator, rows, training=True)
    other = np.concatenate([rows[0][:half], normal(half, *rows[0].shape[1:], seed=1)])
    second = _answers(discriminator, [other, *rows[1:]], training=True)
    if same([x[:half] for x in first], [x[:half] for x in second]):
        return []
    sentence = (
        "The discriminator's score of an image depends on the others of its batch, as with batch normalisation: "
        "the slopes that r1, r2 and wgan_gp read are then not those of single images."
    )
    return [sentence]
