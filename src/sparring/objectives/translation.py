"""What players of a translation want: that images look like those of a domain, and show what the others show.

A batch holds images of each domain, `0/real`, `1/real` and so on, float32 `(N, H, W, C)` in [-1, 1].
"""

from collections.abc import Sequence

import keras
from keras import ops

from sparring.objectives.adversarial import Adversarial, part_of
from sparring.objectives.content import distance, patch_loss
from sparring.objectives.history import History
from sparring.ops.noise import uniform

HISTORY = "history"  # Name of its noise in a batch.


def real_key(place: int) -> str:
    """Name of the images of a domain, counted from 0, in a prepared batch."""
    return f"{place}/real"


class Paired(Adversarial):
    """pix2pix (Isola et al. 2016, arXiv:1611.07004, equation 4): what is made is judged beside what it was made of.

    The discriminator sees input and output side by side in the channels, augmented alike. The generator has no noise:
    the paper's, by dropout, changed little (section 3.1 there), and would be another one in use.

    Args:
        ends: Numbers of the domain that is translated and of the other.
        closeness: lambda, the weight of the mean absolute difference to the truth.
        **sides: As of `Adversarial`.
    """

    def __init__(self, *sides, ends: tuple[int, int], closeness: float, **options):
        super().__init__(*sides, **options)
        self.source, self.target = map(real_key, ends)
        self.closeness = closeness
        self.generator_logs = ("difference",)

    def act(self, game, batch):
        """`made`, and as `fake` what the discriminator sees of it."""
        made = ops.cast(self.generator([batch[self.source]], training=True), "float32")
        return {"made": made, "fake": ops.concatenate([batch[self.source], made], axis=-1)}

    def generator_loss(self, game, batch):
        loss, found = super().generator_loss(game, self._seen(batch))
        difference = distance(batch["made"], batch[self.target])
        return loss + self.closeness * difference, found | {"difference": difference}

    def discriminator_loss(self, game, batch):
        return super().discriminator_loss(game, self._seen(batch))

    def _seen(self, batch):
        return batch | {"real": ops.concatenate([batch[self.source], batch[self.target]], axis=-1)}


class Cycle:
    """CycleGAN (Zhu et al. 2017, arXiv:1703.10593, equation 3): two ways, each undone by the other.

    Args:
        ways: The generators from domain 0 to 1 and back.
        sides: For domain 0 and 1 who judges its images.
        cycle: lambda, the weight of what a way and back changes, as mean absolute difference.
        identity: Weight, as a share of `cycle`, of what a generator changes of images that are of its target already
            (section 5.2 there).
        histories: For each domain what keeps generated images, or None.

    Attributes:
        draws: Name and shape of the noise that an image of the batch needs.
        extra_state: The layers beside the networks whose variables are part of the state.
    """

    def __init__(
        self,
        ways: tuple[keras.Model, keras.Model],
        sides: tuple[Adversarial, Adversarial],
        cycle: float,
        identity: float,
        histories: Sequence[History] = (),
    ):
        self.ways, self.sides, self.cycle, self.identity, self.histories = ways, sides, cycle, identity, histories
        self.draws = {f"{place}/{name}": shape for place in (0, 1) for name, shape in sides[place].draws.items()}
        self.draws |= {f"{place}/{HISTORY}": (one.num_draws,) for place, one in enumerate(histories)}
        self.extra_state = [*sides[0].extra_state, *sides[1].extra_state, *histories]
        self.generator_logs = ("cycle", "identity") if identity else ("cycle",)
        self.discriminator_logs = sides[0].discriminator_logs

    def act(self, game, batch):
        """What is made in either domain of the images of the other."""
        there, back = (way([batch[real_key(place)]], training=True) for place, way in enumerate(self.ways))
        return {"0/fake": ops.cast(back, "float32"), "1/fake": ops.cast(there, "float32")}

    def generator_loss(self, game, batch):
        """How well both ways pass, and how far they can be undone."""
        real, fake = ([batch[f"{place}/{name}"] for place in (0, 1)] for name in ("real", "fake"))
        there, back = self.ways
        total = sum(side.generator_loss(game, part_of(batch, place))[0] for place, side in enumerate(self.sides))
        undone = distance(back([fake[1]], training=True), real[0]) + distance(there([fake[0]], training=True), real[1])
        found = {"cycle": undone}
        if self.identity:
            found["identity"] = distance(there([real[1]], training=True), real[1])
            found["identity"] += distance(back([real[0]], training=True), real[0])
        return total + self.cycle * (undone + self.identity * found.get("identity", 0.0)), found

    def discriminator_loss(self, game, batch):
        """How well real and made are told apart in either domain; its logs are means over both."""
        total, logs = 0.0, []
        for place, side in enumerate(self.sides):
            part = part_of(batch, place)
            if self.histories:
                part["fake"] = self.histories[place](ops.stop_gradient(part["fake"]), part[HISTORY])
            loss, found = side.discriminator_loss(game, part)
            total += loss
            logs.append(found)
        return total, {name: (logs[0][name] + logs[1][name]) / 2 for name in logs[0]}


class Contrastive(Adversarial):
    """CUT and FastCUT (Park et al. 2020, arXiv:2007.15651, equation 6): a patch is to be known again by its place.

    Args:
        encoder: The first half of the generator, to a list of features `(N, H, W, C)`.
        projector: From a list of `(N, patches, C)` to vectors that are compared.
        ends: Numbers of the domain that is translated and of the other.
        closeness: lambda_X, the weight of what the patches of an image and of its translation have in common.
        identity: lambda_Y, the same of images that are of the target already; 0 leaves that out.
        num_patches: Places of each image that are compared, at each size.
        temperature: tau.
        equivariant: Whether every second image is turned left to right before it is translated, which must make no
            difference but that (appendix C.1 there).
        **sides: As of `Adversarial`.
    """

    def __init__(
        self,
        *sides,
        encoder: keras.Model,
        projector: keras.Model,
        ends: tuple[int, int],
        closeness: float,
        identity: float,
        num_patches: int,
        temperature: float,
        equivariant: bool,
        **options,
    ):
        super().__init__(*sides, **options)
        self.encoder, self.projector = encoder, projector
        self.source, self.target = map(real_key, ends)
        self.closeness, self.identity, self.temperature = closeness, identity, temperature
        self.equivariant = equivariant
        self.draws |= {"patches": (num_patches,)} | ({"turned": (1,)} if equivariant else {})
        self.generator_logs = ("contrast", "identity") if identity else ("contrast",)

    def act(self, game, batch):
        """`fake`, and as `kept` what is made of images of the target, where that is asked for."""
        shown = self._turned(batch[self.source], batch)
        if not self.identity:
            return {"fake": ops.cast(self.generator([shown], training=True), "float32")}
        both = self.generator([ops.concatenate([shown, batch[self.target]])], training=True)
        fake, kept = ops.split(ops.cast(both, "float32"), 2)
        return {"fake": fake, "kept": kept}

    def generator_loss(self, game, batch):
        loss, found = super().generator_loss(game, self._seen(batch))
        # Turned back after it was encoded, not before: what a mirror does to the encoder would else be hidden.
        contrast = self._contrast(batch, batch[self.source], batch["fake"], lambda x: self._turned(x, batch))
        loss, found = loss + self.closeness * contrast, found | {"contrast": contrast}
        if self.identity:
            kept = self._contrast(batch, batch[self.target], batch["kept"], lambda x: x)
            loss, found = loss + self.identity * kept, found | {"identity": kept}
        return loss, found

    def discriminator_loss(self, game, batch):
        return super().discriminator_loss(game, self._seen(batch))

    def _seen(self, batch):
        return batch | {"real": batch[self.target]}

    def _turned(self, images, batch):
        if not self.equivariant:
            return images
        turned = uniform(batch["turned"])[:, :, None, None] > 0.5
        return ops.where(turned, ops.flip(images, axis=2), images)

    def _contrast(self, batch, images, made, turn):
        share = uniform(batch["patches"])
        keys = self.projector(_patches(self.encoder([images], training=True), share))
        queries = self.projector(_patches([turn(x) for x in self.encoder([made], training=True)], share))
        losses = [patch_loss(q, ops.stop_gradient(k), self.temperature) for q, k in zip(queries, keys, strict=True)]
        return sum(losses) / len(losses)


def _patches(features: Sequence, share):
    """`(N, H, W, C)` to `(N, patches, C)` at the places that `share` `(N, patches)` in [0, 1] says.

    Each place is drawn in a part of the image of its own, so that hardly one is taken twice.
    """
    found = []
    for x in features:
        _, height, width, channels = x.shape
        count, parts = height * width, share.shape[1]
        place = ops.cast(ops.floor((ops.arange(parts, dtype="float32") + share) * (count / parts)), "int32")
        # Rows of the whole batch: `take_along_axis` counts in int64, of which TensorFlow tells the terminal.
        first = count * ops.arange(ops.shape(x)[0], dtype="int32")[:, None]
        found.append(ops.take(ops.reshape(x, (-1, channels)), first + ops.minimum(place, count - 1), axis=0))
    return found
