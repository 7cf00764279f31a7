"""As much augmentation as keeps the discriminator from being too sure of the images it learns from."""

import keras
from keras import ops

from sparring.augmentation.diffaugment import POLICY, Tensor, by_frame, read_policy
from sparring.ops.noise import uniform

BATCHES = 4  # The paper looks at so many batches; here their running mean, so that no batch is a special one.


class AdaptiveAugment(keras.layers.Layer):
    """Each change with a probability that follows the discriminator (Karras et al. 2020, arXiv:2006.06676, section 3).

    A discriminator that learns its images by heart is sure of them: the mean of sign(D(real)), the paper's r_t in
    equation 1, nears 1. Where it is above `target` the probability `p` rises by a fixed amount in every move, below
    it falls. Section 2.2 of the paper tells why `p` stays below 1: what always happens to an image the generator may
    come to draw.

    Args:
        policy: As of `DiffAugment`; every change of it is made or not by itself.
        batch_size: Images in one move of the discriminator, over all devices.
        target: Of the mean sign.
        rise_images: After so many images `p` can have come from 0 to 1.
        limit: The largest `p`.

    Attributes:
        num_draws: Standard normal numbers that an image needs.
        logs: Names of what `follow` reports.
        p: The probability, a variable that begins at 0.
    """

    logs = ("augment_p",)

    def __init__(
        self,
        policy: str = POLICY,
        *,
        batch_size: int,
        target: float = 0.6,
        rise_images: float = 500_000,
        limit: float = 0.8,
    ):
        super().__init__(name="augment", trainable=False)
        self.changes = read_policy(policy)
        self.num_draws = sum(1 + change.num_draws for change in self.changes)
        self.target, self.step, self.limit = target, batch_size / rise_images, limit
        self.sureness, self.p = (
            self.add_weight(name=name, shape=(), initializer="zeros", trainable=False, aggregation="mean")
            for name in ("sureness", "p")
        )
        self.built = True

    def call(self, images: Tensor, noise: Tensor) -> Tensor:
        """Images `(N, H, W, C)` in [-1, 1], changed as standard normal `noise` `(N, num_draws)` says.

        Of clips `(N, T, H, W, C)` every frame is changed as the others of its clip are.
        """
        shape, (images, noise) = images.shape, by_frame(images, noise)
        uniforms, place = uniform(noise), 0
        for change in self.changes:
            chosen = uniforms[:, place, None, None, None] < self.p
            changed = change.apply(images, uniforms[:, place + 1 : place + 1 + change.num_draws])
            images = ops.where(chosen, changed, images)
            place += 1 + change.num_draws
        return ops.reshape(images, (-1, *shape[1:]))

    def follow(self, margin: Tensor) -> dict[str, Tensor]:
        """Moves `p` by the sign of `margin` `(N, 1)`: D(real), or D(real) - D(fake) where only that has a meaning."""
        before = ops.convert_to_tensor(self.sureness)
        self.sureness.assign(before + (ops.mean(ops.sign(margin)) - before) / BATCHES)
        # Read again: only now it is the mean over all devices, and `p` meets its limits on all of them or on none.
        sureness = ops.convert_to_tensor(self.sureness)
        self.p.assign(ops.clip(self.p + self.step * ops.sign(sureness - self.target), 0.0, self.limit))
        return {"augment_p": ops.convert_to_tensor(self.p)}
