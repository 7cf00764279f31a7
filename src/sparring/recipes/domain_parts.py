"""What recipes for translation are put together from: options made into objects."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import keras

from sparring.augmentation.jitter import Jitter
from sparring.data.images.domains import image_key
from sparring.data.spec import DomainsSpec
from sparring.errors import UsageError
from sparring.objectives.translation import real_key
from sparring.ops.color import from_uint8
from sparring.recipes.parts import gamma_from, side_from
from sparring.training.game import Game
from sparring.training.pace import Pace
from sparring.training.players import Player
from sparring.training.schedules import Adam, constant_then_linear

FORWARD, BACKWARD = "forward", "backward"  # What a bundle calls the ways from the first domain to the second, and back.


def find_ends(spec: DomainsSpec, to: str | None) -> tuple[int, int]:
    """Numbers of the domain that is translated and of the other, which `to` names.

    Raises:
        UsageError: There are more than two domains, or none of that name.
    """
    if len(spec.domains) != 2:
        raise UsageError(
            f"This recipe translates between 2 domains. Received: {len(spec.domains)}, "
            f"{', '.join(spec.domains)[:200]}. Give the folders of two of them."
        )
    target = 1 if to is None else spec.place(to)
    return 1 - target, target


def way(ends: tuple[int, int]) -> str:
    """Name of the network that leads from one of two domains to the other."""
    return FORWARD if ends == (0, 1) else BACKWARD


class PreparedDomains:
    """Batches of uint8 images of domains made into floats in [-1, 1], jittered; pairs are moved alike.

    Args:
        spec: Of the data.
        jitter: See `Jitter`.
        mirror: See `Jitter`.
    """

    def __init__(self, spec: DomainsSpec, jitter: float, mirror: bool):
        self.places = range(len(spec.domains))
        self.change = Jitter(jitter, mirror) if jitter or mirror else None
        self.noise = ["jitter" if spec.paired else f"{place}/jitter" for place in self.places]

    @property
    def draws(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of the noise that comes with each image."""
        return dict.fromkeys(self.noise, (self.change.num_draws,)) if self.change else {}

    def __call__(self, batch):
        found = {}
        for place, noise in zip(self.places, self.noise, strict=True):
            images = from_uint8(batch[image_key(place)])
            found[real_key(place)] = self.change(images, batch[noise]) if self.change else images
        return batch | found


def sides_from(
    spec: DomainsSpec, *, penalties: str, gamma: float | None, **options
) -> tuple[dict[str, Any], list[str]]:
    """What `Adversarial` is made with beside its networks, and notes on it; other options as of `side_from`."""
    strength, more = gamma_from(spec, gamma, penalties)
    found, notes = side_from(spec, strength, penalties=penalties, **options)
    return found, notes + more


def translation_game(
    spec: DomainsSpec,
    aims: Any,
    generators: Sequence[keras.Model],
    discriminators: Sequence[keras.Model],
    averaged: Mapping[str, keras.Model],
    *,
    images: int,
    batch_size: int,
    learning_rate: float,
    constant_share: float,
    beta_1: float,
    jitter: float,
    mirror: bool,
    ema_halflife_images: float,
    tick_images: int | None,
    notes: Sequence[str],
) -> Game:
    """A game of generators against discriminators, who move first; `aims` has the act, losses, logs and draws."""
    prepared = PreparedDomains(spec, jitter, mirror)
    pace = Pace.over(spec.num_examples, images, batch_size, tick_images)
    steps = pace.num_ticks * pace.steps_per_tick
    adam = partial(Adam, constant_then_linear(learning_rate, constant_share, steps), beta_1, 0.999)
    return Game(
        spec,
        [
            Player("discriminator", discriminators, adam, aims.discriminator_loss, aims.discriminator_logs),
            Player("generator", generators, adam, aims.generator_loss, aims.generator_logs, act=aims.act),
        ],
        averaged=averaged,
        draws={**aims.draws, **prepared.draws},
        pace=pace,
        halflife_images=ema_halflife_images,
        extra_state=aims.extra_state,
        prepare=prepared,
        notes=notes,
    )
