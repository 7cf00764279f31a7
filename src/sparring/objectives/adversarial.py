"""A generator against a discriminator, with or without labels."""

from typing import Any

import keras
from keras import ops

from sparring.backend import scores_and_gradient
from sparring.objectives.losses import Loss
from sparring.objectives.penalties import squared_norm

REAL, FAKE = "augment_real", "augment_fake"  # Names of the augmentation's noise in a batch.


class Adversarial:
    """The losses of the two players of an image game, as `Player` takes them.

    A batch holds `image` `(N, H, W, C)` in [-1, 1], `latents` `(N, latent_dim)` and, where the networks take labels,
    one-hot `label` `(N, classes)`; the fake beside a real image carries its label. With an augmentation it holds the
    noise of `draws` too: the generator's fakes are changed as the discriminator's are.

    Args:
        generator: Maps `[latents]` or `[latents, labels]` to images.
        discriminator: Maps `[images]` or `[images, labels]` to one logit.
        loss: The pair of functions of logits.
        gamma: Strength of R1 and R2, gamma / 2 times the squared norm of the discriminator's gradient on real and
            on fake images as they are before any augmentation; 0 takes no gradient.
        augmentation: Changes all that the discriminator sees, in both players' losses: `augmentation(images, noise)`
            with `num_draws` standard normal numbers for each image, and `follow(margin)`, which returns what is
            named in `logs`. None shows images as they are.

    Attributes:
        draws: Name and shape of the noise that an image of the batch needs for its augmentation.
        generator_logs: Names of what the generator's loss reports.
        discriminator_logs: Names of what the discriminator's loss reports.
    """

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        loss: Loss,
        gamma: float = 0.0,
        augmentation: Any = None,
    ):
        self.generator, self.discriminator, self.loss, self.gamma = generator, discriminator, loss, gamma
        self.augmentation = augmentation
        self.conditional = len(generator.inputs) > 1
        self.draws = dict.fromkeys((REAL, FAKE), (augmentation.num_draws,)) if augmentation else {}
        self.generator_logs = ()
        self.discriminator_logs = ("real_score", "fake_score", *(augmentation.logs if augmentation else ()))

    def fake(self, batch):
        """One generated image for each row of the batch."""
        return self.generator([batch["latents"], *self._labels(batch)], training=True)

    def score(self, images, batch, noise: str | None = None):
        """The discriminator's logits on `images` under the labels of the batch.

        `noise` is REAL or FAKE and names what the augmentation goes by; None shows the images as they are.
        """
        if self.augmentation and noise:
            images = self.augmentation(images, batch[noise])
        return self.discriminator([images, *self._labels(batch)], training=True)

    def generator_loss(self, game, batch):
        """How well the fakes pass; `(scalar, {})`."""
        real_scores = self.score(batch["image"], batch, REAL) if self.loss.paired else None
        return self.loss.generator(real_scores, self.score(self.fake(batch), batch, FAKE)), {}

    def discriminator_loss(self, game, batch):
        """How well real and fake are told apart; `(scalar, logs)`, as `discriminator_logs` names them."""
        real_scores, real_penalty = self._judge(game, batch["image"], batch, REAL)
        fake_scores, fake_penalty = self._judge(game, ops.stop_gradient(self.fake(batch)), batch, FAKE)
        loss = self.loss.discriminator(real_scores, fake_scores) + self.gamma / 2 * (real_penalty + fake_penalty)
        found = {"real_score": ops.mean(real_scores), "fake_score": ops.mean(fake_scores)}
        if self.augmentation:
            # A relativistic discriminator learns differences of logits: the sign of one alone has no meaning.
            found |= self.augmentation.follow(real_scores - fake_scores if self.loss.paired else real_scores)
        return loss, found

    def _judge(self, game, images, batch, noise: str):
        if not self.gamma:
            return self.score(images, batch, noise), 0.0
        scores, gradient = scores_and_gradient(lambda x: self.score(x, batch, noise), images, game.state)
        return scores, squared_norm(gradient)

    def _labels(self, batch):
        return [batch["label"]] if self.conditional else []
