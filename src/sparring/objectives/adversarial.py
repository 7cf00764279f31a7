"""A generator against a discriminator, with or without labels."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from sparring.errors import UsageError
from sparring.objectives.judged import Judged
from sparring.objectives.losses import Loss

REAL, FAKE = "augment_real", "augment_fake"  # Names of the augmentation's noise in a batch.


def part_of(batch, name: int | str):
    """What of a batch belongs to one of several sides, `name/real` and so on, by the names `Adversarial` knows."""
    prefix = f"{name}/"
    return {key.removeprefix(prefix): value for key, value in batch.items() if key.startswith(prefix)}


class Adversarial:
    """What the two players of a game do, as `Player` takes it: the generator's act and both losses.

    A batch holds `real`, examples of whatever kind, images `(N, H, W, C)` in [-1, 1] or encoded rows `(N, width)`,
    `latents` `(N, latent_dim)` and, where the networks take one, `condition`, such as one-hot labels `(N, classes)`;
    the fake beside a real example is under its condition. `act` adds `fake` of the shape of `real`. The batch holds
    the noise of `draws` too: the generator's fakes are augmented as the discriminator's are.

    Args:
        generator: Maps `[latents]` or `[latents, condition]` to examples.
        discriminator: Maps `[examples]` or `[examples, condition]` to one logit, or `[images]` to a logit and those of
            an auxiliary classifier, which both players then want to be right (Odena et al. 2016, arXiv:1610.09585,
            equations 2 and 3).
        loss: The pair of functions of logits.
        penalties: Each has `value(game, real, fake, batch)` of both `Judged`, `draws(shape)`, and
            `slopes` where it reads how steep the discriminator is.
        augmentation: Changes all that the discriminator sees, in both players' losses: `augmentation(images, noise)`
            with `num_draws` standard normal numbers for each image, and `follow(margin)`, which returns what is
            named in `logs`. None shows images as they are. Slopes are those of images before it.
        class_strength: Weight of the auxiliary classifier.

    Attributes:
        draws: Name and shape of the noise that an image of the batch needs.
        extra_state: The layers beside the networks whose variables are part of the state.
        generator_logs: Names of what the generator's loss reports.
        discriminator_logs: Names of what the discriminator's loss reports.

    Raises:
        UsageError: A penalty reads slopes, and the discriminator has batch normalisation.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        loss: Loss,
        penalties: Sequence[Any] = (),
        augmentation: Any = None,
        class_strength: float = 1.0,
    ):
        _check_slopes(discriminator, penalties)
        self.generator, self.discriminator, self.loss, self.penalties = generator, discriminator, loss, penalties
        self.augmentation, self.class_strength = augmentation, class_strength
        shape = tuple(discriminator.inputs[0].shape[1:])
        self.draws = dict.fromkeys((REAL, FAKE), (augmentation.num_draws,)) if augmentation else {}
        for penalty in penalties:
            self.draws |= penalty.draws(shape)
        self.extra_state = [x for x in (augmentation, *penalties) if isinstance(x, keras.layers.Layer)]
        self.classifies = len(discriminator.outputs) > 1
        self.generator_logs: tuple[str, ...] = ("class_loss",) if self.classifies else ()
        self.discriminator_logs = ("real_score", "fake_score", *(augmentation.logs if augmentation else ()))

    def act(self, game, batch):
        """One generated example for each real one: `{"fake": examples}`."""
        fake = self.generator([batch["latents"], *_condition(self.generator, batch)], training=True)
        return {"fake": ops.cast(fake, "float32")}

    def judged(self, game, examples, batch, noise: str) -> Judged:
        """The discriminator's view of `examples` under the condition of the batch; `noise` is REAL or FAKE."""

        def judge(examples, training):
            if self.augmentation:
                examples = self.augmentation(examples, batch[noise])
            found = self.discriminator([examples, *_condition(self.discriminator, batch)], training=training)
            scores, class_logits = found if self.classifies else (found, None)
            return ops.cast(scores, "float32"), class_logits

        return Judged(examples, judge, game.state)

    def generator_loss(self, game, batch):
        """How well the fakes pass; `(scalar, logs)`, as `generator_logs` names them."""
        real_scores = self.judged(game, batch["real"], batch, REAL).scores if self.loss.paired else None
        fake = self.judged(game, batch["fake"], batch, FAKE)
        loss = self.loss.generator(real_scores, fake.scores)
        if not self.classifies:
            return loss, {}
        class_loss = _cross_entropy(batch, fake)
        return loss + self.class_strength * class_loss, {"class_loss": class_loss}

    def discriminator_loss(self, game, batch):
        """How well real and fake are told apart; `(scalar, logs)`, as `discriminator_logs` names them."""
        real = self.judged(game, batch["real"], batch, REAL)
        fake = self.judged(game, ops.stop_gradient(batch["fake"]), batch, FAKE)
        # First, for what reads a gradient gets the scores with it.
        penalty = sum((penalty.value(game, real, fake, batch) for penalty in self.penalties), 0.0)
        loss = self.loss.discriminator(real.scores, fake.scores) + penalty
        if self.classifies:
            loss += self.class_strength * _cross_entropy(batch, real)
        found = {"real_score": ops.mean(real.scores), "fake_score": ops.mean(fake.scores)}
        if self.augmentation:
            margin = real.scores - fake.scores if self.loss.differences else real.scores
            found |= self.augmentation.follow(margin)
        return loss, found


def _condition(network: keras.Model, batch) -> list:
    return [batch["condition"]] if len(network.inputs) > 1 else []


def _cross_entropy(batch, judged: Judged):
    """How far the auxiliary classifier is from the labels of the batch."""
    return ops.mean(
        ops.categorical_crossentropy(batch["condition"], ops.cast(judged.class_logits, "float32"), from_logits=True)
    )


def _check_slopes(discriminator: keras.Model, penalties: Sequence[Any]):
    normalised = [x for x in discriminator._flatten_layers() if isinstance(x, keras.layers.BatchNormalization)]
    for penalty in penalties:
        if penalty.slopes and normalised:
            raise UsageError(
                f"{type(penalty).__name__} cannot be used on a discriminator with batch normalisation, whose score of "
                "an image depends on the whole batch, so that it has no slope of its own. Take a recipe without it, "
                "such as r3gan, wgan_gp or sngan."
            )
