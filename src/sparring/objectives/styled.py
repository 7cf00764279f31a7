"""What players of a style transfer want: an image of a domain, in the style of a reference, of what the content shows.

StarGAN v2 (Choi et al. 2019, arXiv:1912.01865, section 2.2).
"""

from collections.abc import Callable

import keras
from keras import ops

from sparring.objectives.adversarial import REAL, Adversarial
from sparring.objectives.content import distance
from sparring.ops.noise import uniform

GROUP = 4  # Neighbours in a batch that are each other's references: on one device, so that any number sees the same.


def choose(stack, batch):
    """Which of the domains each row of a batch is of, what it becomes, and by which references.

    A row is the same place in every domain. Its references are those of other rows of its group, so that no image is
    its own, and where domains are aligned none shows the content.

    Args:
        stack: Images of all domains, (N, domains, H, W, C), N a multiple of `GROUP`.
        batch: With standard normal `from` and `to`, (N, 1).

    Returns:
        `real` (N, H, W, C) and `condition`, its domain one-hot (N, domains); `target`, likewise, and of that domain
        `reference` and `other_reference`.
    """
    _, count, *shape = stack.shape
    groups = ops.reshape(stack, (-1, GROUP, count, *shape))
    chosen = {}
    for name, noise in (("condition", "from"), ("target", "to")):
        place = ops.floor(uniform(batch[noise])[:, 0] * count)
        chosen[name] = ops.one_hot(ops.cast(ops.minimum(place, count - 1), "int32"), count)
    for name, shift in (("reference", 1), ("other_reference", 2)):
        neighbours = ops.concatenate([groups[:, shift:], groups[:, :shift]], axis=1)
        chosen[name] = _pick(ops.reshape(neighbours, (-1, count, *shape)), chosen["target"])
    return chosen | {"real": _pick(stack, chosen["condition"])}


def _pick(stack, labels):
    return ops.sum(stack * labels[:, :, None, None, None], axis=1)


class Styled(Adversarial):
    """Equation 5: adversarial, style reconstruction, diversity and cycle.

    The style of half of the rows, chosen by chance, is that of a reference, and of the others drawn by the mapping
    network; the paper takes a step with each instead.

    A batch holds what `choose` returns, and the noise in `draws`.

    Args:
        encoder: `[images, labels]` to styles.
        mapping: `[latents, labels]` to styles.
        style: Weight of how far the style of what is made is from the one it was made with (equation 2).
        diversity: Weight of how far two styles lead apart (equation 3), a number or a schedule of the number of steps.
        cycle: Weight of what is lost on the way there and back (equation 4).
        **sides: As of `Adversarial`; both players' networks are told the domain.
    """

    def __init__(
        self,
        *sides,
        encoder: keras.Model,
        mapping: keras.Model,
        style: float,
        diversity: float | Callable,
        cycle: float,
        **options,
    ):
        super().__init__(*sides, **options)
        self.encoder, self.mapping = encoder, mapping
        self.style, self.diversity, self.cycle = style, diversity, cycle
        latents = mapping.inputs[0].shape[1:]
        self.draws |= {"from": (1,), "to": (1,), "guided": (1,), "latents": latents, "other_latents": latents}
        self.generator_logs = ("style", "styles_apart", "cycle")

    def act(self, game, batch):
        """`fake` with `style`, and `other`, the same content in another style of the same domain."""
        target, real = batch["target"], batch["real"]
        latents, references = (
            ops.concatenate([batch[name], batch[f"other_{name}"]]) for name in ("latents", "reference")
        )
        twice = ops.concatenate([target, target])
        guided = ops.concatenate([batch["guided"]] * 2) > 0
        encoded = self.encoder([references, twice], training=True)
        styles = ops.where(guided, encoded, self.mapping([latents, twice], training=True))
        made = self.generator([ops.concatenate([real, real]), styles], training=True)
        fake, other = ops.split(ops.cast(made, "float32"), 2)
        return {"fake": fake, "other": other, "style": ops.split(ops.cast(styles, "float32"), 2)[0]}

    def judged(self, game, examples, batch, noise):
        """A real image is judged as one of its domain, a generated one as one of its target."""
        shown = batch if noise == REAL else batch | {"condition": batch["target"]}
        return super().judged(game, examples, shown, noise)

    def generator_loss(self, game, batch):
        loss, found = super().generator_loss(game, batch)
        real, fake = batch["real"], batch["fake"]
        codes = self.encoder(
            [ops.concatenate([fake, real]), ops.concatenate([batch["target"], batch["condition"]])], training=True
        )
        again, own = ops.split(codes, 2)
        style = distance(again, batch["style"])
        apart = distance(fake, batch["other"])
        cycle = distance(self.generator([fake, own], training=True), real)
        weight = self.diversity(game.steps) if callable(self.diversity) else self.diversity
        loss = loss + self.style * style - weight * apart + self.cycle * cycle
        return loss, found | {"style": style, "styles_apart": apart, "cycle": cycle}
