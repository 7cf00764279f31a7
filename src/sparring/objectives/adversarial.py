"""A generator against a discriminator, with or without labels."""

import keras
from keras import ops

from sparring.backend import scores_and_gradient
from sparring.objectives.losses import Loss
from sparring.objectives.penalties import squared_norm


class Adversarial:
    """The losses of the two players of an image game, as `Player` takes them.

    A batch holds `image` `(N, H, W, C)` in [-1, 1], `latents` `(N, latent_dim)` and, where the networks take labels,
    one-hot `label` `(N, classes)`; the fake beside a real image carries its label.

    Args:
        generator: Maps `[latents]` or `[latents, labels]` to images.
        discriminator: Maps `[images]` or `[images, labels]` to one logit.
        loss: The pair of functions of logits.
        gamma: Strength of R1 and R2, gamma / 2 times the squared norm of the discriminator's gradient on real and
            on fake images; 0 takes no gradient.
    """

    generator_logs = ()
    discriminator_logs = ("real_score", "fake_score")

    def __init__(self, generator: keras.Model, discriminator: keras.Model, loss: Loss, gamma: float = 0.0):
        self.generator, self.discriminator, self.loss, self.gamma = generator, discriminator, loss, gamma
        self.conditional = len(generator.inputs) > 1

    def fake(self, batch):
        """One generated image for each row of the batch."""
        return self.generator([batch["latents"], *self._labels(batch)], training=True)

    def score(self, images, batch):
        """The discriminator's logits on `images` under the labels of the batch."""
        return self.discriminator([images, *self._labels(batch)], training=True)

    def generator_loss(self, game, batch):
        """How well the fakes pass; `(scalar, {})`."""
        real_scores = self.score(batch["image"], batch) if self.loss.paired else None
        return self.loss.generator(real_scores, self.score(self.fake(batch), batch)), {}

    def discriminator_loss(self, game, batch):
        """How well real and fake are told apart; `(scalar, {"real_score", "fake_score"})`."""
        real_scores, real_penalty = self._judge(game, batch["image"], batch)
        fake_scores, fake_penalty = self._judge(game, ops.stop_gradient(self.fake(batch)), batch)
        loss = self.loss.discriminator(real_scores, fake_scores) + self.gamma / 2 * (real_penalty + fake_penalty)
        return loss, {"real_score": ops.mean(real_scores), "fake_score": ops.mean(fake_scores)}

    def _judge(self, game, images, batch):
        if not self.gamma:
            return self.score(images, batch), 0.0
        scores, gradient = scores_and_gradient(lambda x: self.score(x, batch), images, game.state)
        return scores, squared_norm(gradient)

    def _labels(self, batch):
        return [batch["label"]] if self.conditional else []
