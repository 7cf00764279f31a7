"""The checks for people who add their own: ours pass, planted faults are told, and the page about them runs."""

import re
import runpy
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops

from conftest import ONCE
from sparring.augmentation.adaptive import AdaptiveAugment
from sparring.augmentation.diffaugment import CHANGES, DiffAugment
from sparring.cli import main
from sparring.data.spec import ImageSpec
from sparring.networks.dcgan import dcgan_discriminator
from sparring.networks.mlp import mlp_discriminator, mlp_generator
from sparring.objectives.losses import LOSSES, Loss, non_saturating
from sparring.objectives.penalties import R1, Consistency, GradientPenalty, LeCam
from sparring.testing import CheckError, check_augmentation, check_network, check_objective, check_recipe

GENERATOR, DISCRIMINATOR = partial(mlp_generator, latent_dim=4, width=6), partial(mlp_discriminator, width=6)
SPEC = ImageSpec(shape=(8, 8, 1), num_examples=10, squared_distance=1.0)
LARGER = SPEC.model_copy(
    update={"shape": (16, 16, 1), "classes": ("a", "b", "c")}
)  # Its dcgan has batch normalisation on the way.
PAGE = (Path(__file__).parents[1] / "docs" / "add-your-own.md").read_text()


def test_our_networks_pass():
    assert check_network(GENERATOR, DISCRIMINATOR) == []


@ONCE
def test_that_a_score_depends_on_its_batch_is_noted():
    classifier = partial(dcgan_discriminator, width=2, synchronized=False, head="classifier")
    (note,) = check_network(GENERATOR, classifier, LARGER)
    assert "batch normalisation" in note


class Counting(layers.Layer):
    """State that moves in any call."""

    def build(self, input_shape):
        self.count = self.add_weight(name="count", shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign(self.count + 1.0)
        return x


class Noisy(layers.Layer):
    def call(self, x):
        return x + np.random.default_rng().normal(size=x.shape[1:]).astype(np.float32)


class Rare(layers.Layer):
    """No `get_config` for what it is made with."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor


class Dead(layers.Layer):
    """A weight that nothing reads."""

    def build(self, input_shape):
        self.unused = self.add_weight(name="unused", shape=(3,), initializer="zeros")

    def call(self, x):
        return x


def generator_with(layer, last="tanh"):
    def build(shape, num_classes):
        inputs = keras.Input((4,))
        x = layers.Dense(int(np.prod(shape)))(layer(inputs))
        return keras.Model(inputs, layers.Reshape(shape)(layers.Activation(last)(x)))

    return build


def discriminator_with(layer):
    def build(shape, num_classes):
        inputs = keras.Input(shape)
        return keras.Model(inputs, layers.Dense(1)(layer(layers.Flatten()(inputs))))

    return build


def deaf(x):
    return layers.Rescaling(0.0)(x)


FAULTY_GENERATORS = {
    "must follow its input": generator_with(deaf),
    "end it in tanh, not sigmoid": generator_with(lambda x: x, "sigmoid"),
    "values of about": generator_with(layers.Rescaling(1e3), "linear"),
    r"none at .*unused; use it in `call`": generator_with(lambda x: Dead()(x)),
    "noise must come with the batch": generator_with(lambda x: Noisy()(x)),
    "count; assign it with training=True alone": generator_with(lambda x: Counting()(x)),
    "give every layer of yours a `get_config`": generator_with(lambda x: Rare(2.0)(x)),
    r"buildable in a `keras\.StatelessScope`": lambda shape, num_classes: mlp_generator(
        shape, 0, latent_dim=4, width=-1
    ),
    r"must answer \[\(8, 8, 8, 1\)\]": lambda shape, num_classes: GENERATOR((*shape[:2], 3), 0),
    r"must read \[latents\] alone": lambda shape, num_classes: GENERATOR(shape, 2),
}


@ONCE
@pytest.mark.parametrize("sentence", FAULTY_GENERATORS)
def test_what_a_generator_does_wrong_is_told(sentence):
    with pytest.raises(CheckError, match=sentence):
        check_network(FAULTY_GENERATORS[sentence], DISCRIMINATOR, SPEC)


@ONCE
@pytest.mark.parametrize(
    ("sentence", "layer"),
    {"must follow its input": deaf, r"The discriminator: .*none at .*unused": lambda x: Dead()(x)}.items(),
)
def test_what_a_discriminator_does_wrong_is_told(sentence, layer):
    with pytest.raises(CheckError, match=sentence):
        check_network(GENERATOR, discriminator_with(layer), SPEC)


def test_labels_that_are_not_heard_are_told():
    def build(shape, num_classes):
        inputs = [keras.Input((4,), name="latents"), keras.Input((num_classes,), name="labels")]
        return keras.Model(inputs, GENERATOR(shape, 0)(inputs[0]))

    with pytest.raises(CheckError, match="follow its input `labels`"):
        check_network(build, DISCRIMINATOR, SPEC.model_copy(update={"classes": ("a", "b")}))


def test_our_objectives_pass():
    for name in ("least_squares", "wasserstein", "relativistic"):
        check_objective(LOSSES[name])
    change = DiffAugment("translation")
    for penalty in (R1(1.0, every=2), GradientPenalty(1.0, finite=True), Consistency(1.0, change), LeCam(1.0)):
        check_objective(penalty)


def mean_softplus(x):
    return ops.mean(ops.softplus(x))


right, paired = non_saturating.discriminator, LOSSES["relativistic"]
FAULTY_LOSSES = {
    r"say so: Loss\(\.\.\., paired=True\)": Loss(right, lambda real, fake: mean_softplus(real - fake)),
    "does not read the real logits": Loss(right, non_saturating.generator, paired=True),
    r"Say so: Loss\(\.\.\., differences=True\)": Loss(paired.discriminator, paired.generator, paired=True),
    "Leave out differences=True": Loss(right, non_saturating.generator, differences=True),
    "discriminator's side must fall when real scores rise": Loss(lambda real, fake: right(fake, real), right),
    "discriminator's side must fall when fake scores fall": Loss(lambda real, fake: mean_softplus(-real), right),
    "generator's side must fall when fake scores rise": Loss(right, lambda real, fake: mean_softplus(fake)),
    "must be finite, also of logits near 1000": Loss(right, lambda real, fake: -ops.mean(ops.log(ops.sigmoid(fake)))),
    "must be a scalar": Loss(right, lambda real, fake: ops.softplus(-fake)),
}


@ONCE
@pytest.mark.parametrize("sentence", FAULTY_LOSSES)
def test_what_a_loss_does_wrong_is_told(sentence):
    with pytest.raises(CheckError, match=sentence):
        check_objective(FAULTY_LOSSES[sentence])


class Square:
    """A penalty that is right until a test changes something."""

    slopes = False

    def __init__(self, of=lambda real, batch: ops.mean(ops.square(real.scores)), draws=None):
        self.of, self.noise = of, draws or {}

    def draws(self, shape):
        return self.noise

    def value(self, game, real, fake, batch):
        return self.of(real, batch)


class Remembering(Square):
    """Holds a variable and is no layer: a checkpoint would not know of it."""

    def __init__(self):
        super().__init__(self.grow)
        self.count = keras.Variable(0.0, trainable=False)

    def grow(self, real, batch):
        self.count.assign(self.count + 1.0)
        return ops.mean(ops.square(real.scores)) * ops.convert_to_tensor(self.count)


FAULTY_PENALTIES = {
    "without stop_gradient": lambda: Square(lambda real, batch: ops.mean(ops.square(ops.stop_gradient(real.scores)))),
    "value must be a scalar": lambda: Square(lambda real, batch: ops.square(real.scores)),
    r"`draws` as its only noise, none\. Received: KeyError": lambda: Square(
        lambda real, batch: ops.mean(real.score(real.examples + batch["mine"]))
    ),
    "announces the noise `mine` and does not read it": lambda: Square(draws={"mine": (2,)}),
    "What Remembering remembers must be its weights": Remembering,
    "the same twice from the same noise and state": lambda: Square(
        lambda real, batch: ops.mean(ops.square(real.scores)) * float(np.random.default_rng().uniform())
    ),
    "must be finite": lambda: Square(lambda real, batch: ops.mean(ops.log(ops.square(real.scores) * 0.0))),
    "Received: function without `value`": lambda: mean_softplus,
}


@ONCE
@pytest.mark.parametrize("sentence", FAULTY_PENALTIES)
def test_what_a_penalty_does_wrong_is_told(sentence):
    check_objective(Square())
    with pytest.raises(CheckError, match=sentence):
        check_objective(FAULTY_PENALTIES[sentence]())


def test_our_augmentations_pass():
    check_augmentation(DiffAugment(",".join(CHANGES)))
    adaptive = AdaptiveAugment("color", batch_size=8)
    with pytest.raises(CheckError, match="in a state in which it changes images"):
        check_augmentation(adaptive)
    adaptive.p.assign(0.5)
    check_augmentation(adaptive)


class Shade:
    """An augmentation that is right until a test changes something."""

    logs = ()

    def __init__(self, shade=lambda images, noise: images + noise[:, 0, None, None, None], num_draws=1, **logs):
        self.shade, self.num_draws, self.found = shade, num_draws, logs

    def __call__(self, images, noise):
        return self.shade(images, noise)

    def follow(self, margin):
        return self.found


FAULTY_AUGMENTATIONS = {
    r"take noise\[:, i\], not noise\[0\]": Shade(lambda images, noise: images + noise[0, 0]),
    "all that is random must come": Shade(lambda images, noise: images + float(np.random.default_rng().normal())),
    "Received: column 1 changes nothing": Shade(num_draws=2),
    "Received: later ones matter": Shade(lambda images, noise: images + ops.sum(noise, axis=1)[:, None, None, None]),
    "Received: none; is there a rounding": Shade(lambda images, noise: ops.round(images) + noise[:, :1, None, None]),
    "must not depend on the other images": Shade(
        lambda images, noise: images - ops.mean(images, axis=0) + noise[:, :1, None, None]
    ),
    "must be float32 of": Shade(lambda images, noise: images[:, 1:] + noise[:, :1, None, None]),
    r"`logs` announces, \[\]. Received: \['p'\]": Shade(p=0.0),
}


@ONCE
@pytest.mark.parametrize("sentence", FAULTY_AUGMENTATIONS)
def test_what_an_augmentation_does_wrong_is_told(sentence):
    check_augmentation(Shade())
    with pytest.raises(CheckError, match=sentence):
        check_augmentation(FAULTY_AUGMENTATIONS[sentence])


def test_our_recipes_pass():
    check_recipe("article", {"width": 8, "latent_dim": 4})


RECIPE = '''
from functools import partial

import keras
import numpy as np
from keras import ops

from sparring import DataSpec, Game, Player
from sparring.networks.mlp import mlp_discriminator, mlp_generator
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import non_saturating
from sparring.training.pace import Pace


class Growing:
    """A penalty that remembers something, as no layer."""

    slopes = False

    def __init__(self):
        self.strength = keras.Variable(1.0, trainable=False)

    def draws(self, shape):
        return {}

    def value(self, game, real, fake, batch):
        self.strength.assign(self.strength * 1.5)
        return ops.convert_to_tensor(self.strength) * ops.mean(ops.square(real.scores))


def mine(spec: DataSpec, *, batch_size: int = 8, fault: str = "none"UNTYPED) -> Game:
    """One that is right, unless told otherwise.

    Args:
        batch_size: Images in a step.
        fault: What to do wrong.
    """
    if fault == "size" and spec.shape[0] % 2:
        raise ValueError("odd")
    width = np.random.default_rng().integers(6, 1000) if fault == "random" else 6
    generator = mlp_generator(spec.shape, spec.num_classes, latent_dim=4, width=int(width))
    discriminator = mlp_discriminator(spec.shape, spec.num_classes, width=6)
    idle = mlp_discriminator(spec.shape, spec.num_classes, width=6)
    sides = Adversarial(generator, discriminator, non_saturating, [Growing()] if fault == "outside" else [])
    sgd = partial(keras.optimizers.Adam, 1e-3)
    networks = [discriminator, *([idle] if fault == "idle" else [])]
    logs = () if fault == "logs" else sides.discriminator_logs
    loss = sides.discriminator_loss
    if fault == "name":
        logs = (*logs, "copies")

        def loss(game, batch):
            value, found = sides.discriminator_loss(game, batch)
            return value, found | {"copies": value}

    return Game(
        spec,
        [
            Player("discriminator", networks, sgd, loss, logs),
            Player("generator", [generator], sgd, sides.generator_loss, act=sides.act),
        ],
        averaged={"generator": generator},
        draws={"latents": (4,)},
        pace=Pace(96, batch_size, 48),
    )
'''
FAULTY_RECIPES = {
    "size": r"must be buildable for images of \(11, 9, 3\).* ValueError: odd",
    "idle": "must move every trainable weight in 3 steps",
    "logs": "must take a step of training.*announced the logs",
    "name": r"names that the diagnosis does not know. Received: \['copies'\]",
    "outside": r"in `game\.state`",
    "random": "must have the same variables whenever it is built",
}


@ONCE
@pytest.mark.parametrize("fault", FAULTY_RECIPES)
def test_what_a_recipe_does_wrong_is_told(fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(RECIPE.replace("UNTYPED", ""))
    with pytest.raises(CheckError, match=FAULTY_RECIPES[fault]):
        check_recipe("mine.py:mine", {"fault": fault})


def test_options_without_a_type_or_words_are_told(tmp_path):
    file = tmp_path / "mine.py"
    for code, sentence in ((", depth=1", "`depth` without a type"), (", depth: int = 1", "without a description")):
        file.write_text(RECIPE.replace("UNTYPED", code))
        with pytest.raises(CheckError, match=sentence):
            check_recipe(f"{file}:mine")


@ONCE
def test_the_page_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    checks = [block for block in blocks if block.startswith("# check_mine.py")]
    Path("mine.py").write_text("\n\n".join(block for block in blocks if block not in checks))
    assert len(blocks) == 6
    for block in checks:
        Path("check_mine.py").write_text(block)
        runpy.run_path("check_mine.py")
    (commands,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    for line in commands.splitlines():
        words = line.removeprefix("sparring ").replace("images=20000", "images=2000 --batch-size 500").split()
        with pytest.raises(SystemExit) as ended:
            main.run(words)
        assert not ended.value.code, capsys.readouterr()
    assert "Smoothed cross-entropy" in capsys.readouterr().out
    assert Path("runs/mine/bundle/bundle.json").exists()
