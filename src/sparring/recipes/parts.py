"""What recipes for images are put together from: options made into objects."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras

from sparring.augmentation.adaptive import AdaptiveAugment
from sparring.augmentation.diffaugment import DiffAugment
from sparring.backend import num_replicas
from sparring.data.spec import DataSpec, DomainsSpec, ImageSpec, VideoSpec
from sparring.errors import UsageError, nearest
from sparring.networks.packed import packed_discriminator
from sparring.objectives.adversarial import Adversarial
from sparring.objectives.losses import LOSSES
from sparring.objectives.penalties import R1, R2, Consistency, GradientPenalty, LeCam
from sparring.recipes.choice import FEW_IMAGES
from sparring.training.game import Game
from sparring.training.pace import Pace
from sparring.training.players import Player
from sparring.training.schedules import cosine

MakeNetwork = Callable[[tuple[int, int, int], int], keras.Model]
SMALLEST_AUGMENTED = 16  # Pixels a side: in fewer, half a side hidden leaves too little of the image.

SLOPES = {"r1": R1, "r2": R2, "wgan_gp": GradientPenalty}
# Where a penalty is named without a strength. wgan_gp: arXiv:1704.00028, algorithm 1; consistency: arXiv:2002.04724,
# table 1; lecam weighs squares of scores of about 1 against a hinge loss of about 1.
STRENGTHS = {"wgan_gp": 10.0, "consistency": 10.0, "lecam": 0.1}
CONSISTENT = "translation"  # The change that must not change a score.


def read_penalties(text: str, gamma: Any, every: int = 1, finite: bool = False) -> list[Any]:
    """The penalties that `text` names, as `r1,r2` or `wgan_gp:5,lecam`; `none` names none.

    Args:
        text: Names with or without a strength.
        gamma: Of r1 and r2 where none is given: a number or a schedule.
        every: Of those that read slopes, how many steps apart.
        finite: Whether slopes are finite differences.

    Raises:
        UsageError: There is no such penalty, or a strength is no number.
    """
    if text.strip().lower() == "none":
        return []
    known, found = (*SLOPES, "consistency", "lecam", "none"), []
    for part in text.split(","):
        name, colon, number = (word.strip() for word in part.partition(":"))
        if name not in known[:-1]:
            raise UsageError(
                f"There is no penalty `{name}`.{nearest(name, known)} Expected some of {', '.join(known)}, separated "
                f"by commas. Received: penalties={text!r}"
            )
        strength = _strength(text, number) if colon else STRENGTHS.get(name, gamma)
        if callable(strength) or strength > 0:
            found.append(_penalty(name, strength, every, finite))
    return found


def _strength(text: str, number: str) -> float:
    try:
        strength = float(number)
    except ValueError:
        strength = -1.0
    if not 0 <= strength < float("inf"):
        raise UsageError(f"The strength of a penalty must be a number from 0 on. Received: penalties={text!r}")
    return strength


def _penalty(name: str, strength: Any, every: int, finite: bool):
    if name in SLOPES:
        return SLOPES[name](strength, every, finite)
    return LeCam(strength) if name == "lecam" else Consistency(strength, DiffAugment(CONSISTENT))


def gamma_from(spec: DataSpec, gamma: float | None, penalties: str) -> tuple[float, list[str]]:
    """The strength of R1 and R2, and a note where it comes from the data and is used."""
    if gamma is not None:
        return gamma, []
    gamma = 1e-2 * spec.squared_distance
    used = {part.strip() for part in penalties.split(",")} & {"r1", "r2"}
    return gamma, [f"gamma is {gamma:.3g}, 0.01 times the mean squared distance of two examples."] if used else []


def choose_augmentation(
    spec: ImageSpec | DomainsSpec | VideoSpec, augment: str, policy: str, batch_size: int
) -> tuple[Any, list[str]]:
    """What changes the images the discriminator sees, and a note where it was for the recipe to choose."""
    steady = DiffAugment(policy)  # Made in any case: a name that is wrong is told even where none is used.
    if augment == "adaptive":
        return AdaptiveAugment(policy, batch_size=batch_size), []
    if augment != "auto":
        return steady if augment == "diffaugment" else None, []
    height, width = spec.shape[-3:-1]
    made = spec.plural if isinstance(spec, VideoSpec) else "images"
    if spec.num_examples >= FEW_IMAGES:
        return None, [f"No augmentation: {spec.num_examples:,} {made} are too many to be learnt by heart."]
    if min(height, width) < SMALLEST_AUGMENTED:
        return None, [f"No augmentation: of {height}x{width} pixels none can be spared."]
    names = " and ".join(name.strip() for name in policy.split(","))
    return steady, [
        f"The discriminator sees {made} changed by {names}, or it would learn {spec.num_examples:,} by heart."
    ]


def side_from(
    spec: ImageSpec | DomainsSpec | VideoSpec,
    strength: Any,
    *,
    loss: str,
    penalties: str,
    penalty_every: int,
    augment: str,
    augment_policy: str,
    batch_size: int,
    finite_differences: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """What `Adversarial` is made with beside its networks, and notes on it; r1 and r2 are of this strength."""
    augmentation, notes = choose_augmentation(spec, augment, augment_policy, batch_size)
    held_back = read_penalties(penalties, strength, penalty_every, finite_differences)
    return {"loss": LOSSES[loss], "penalties": held_back, "augmentation": augmentation}, notes


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Layers made inside compute in this precision; their weights are float32 in any case."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == "bfloat16" else precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def accumulating(batches: int) -> dict[str, Any]:
    """What tells a Keras optimizer to make one update of the gradients of so many batches."""
    return {"gradient_accumulation_steps": batches} if batches > 1 else {}


def check_packing(packing: int, batch_size: int, head: str):
    """Raises UsageError where packs cannot be made of a batch, or be classified."""
    if batch_size % (packing * num_replicas()):
        raise UsageError(
            f"`batch_size` must be a multiple of `packing` on each device. Received: batch_size={batch_size}, "
            f"packing={packing}, {num_replicas()} devices"
        )
    if packing > 1 and head == "classifier":
        raise UsageError(
            "`packing` goes with head=projection: several images have no one class. Received: head='classifier', "
            f"packing={packing}"
        )


def image_game(
    spec: ImageSpec,
    make_generator: MakeNetwork,
    make_discriminator: MakeNetwork,
    make_optimizers: Any,
    *,
    images: int,
    batch_size: int,
    latent_dim: int,
    loss: str,
    penalties: str,
    packing: int,
    head: str,
    augment: str,
    augment_policy: str,
    ema_halflife_images: float,
    tick_images: int | None,
    precision: str,
    gamma: float | None = None,
    final_gamma: float | None = None,
    penalty_every: int = 1,
    finite_differences: bool = False,
    critic_updates: int = 1,
) -> Game:
    """A game of two networks for images from options that mean the same in every recipe, see `option_types`.

    `make_generator` and `make_discriminator` are called as `make(shape, num_classes)`; for `make_optimizers` see
    `two_players`. Gamma is at its end after all steps.

    Raises:
        UsageError: The options do not go together.
    """
    check_packing(packing, batch_size, head)
    shown = batch_size * critic_updates
    gamma, more = gamma_from(spec, gamma, penalties)
    options, notes = side_from(
        spec,
        cosine(gamma, final_gamma, images // shown),
        loss=loss,
        penalties=penalties,
        penalty_every=penalty_every,
        augment=augment,
        augment_policy=augment_policy,
        batch_size=batch_size,
        finite_differences=finite_differences,
    )
    with computing_in(precision):
        generator = make_generator(spec.shape, spec.num_classes)
        discriminator = packed_discriminator(make_discriminator, spec.shape, spec.num_classes, packing)
    return two_players(
        spec,
        Adversarial(generator, discriminator, **options),
        make_optimizers,
        critic_updates=critic_updates,
        pace=Pace.over(spec.num_examples, images, shown, tick_images),
        latent_dim=latent_dim,
        halflife_images=ema_halflife_images,
        notes=notes + more,
    )


def two_players(
    spec: DataSpec,
    sides: Adversarial,
    make_optimizers,
    *,
    latent_dim: int,
    critic_updates: int = 1,
    draws: Mapping[str, tuple[int, ...]] | None = None,
    **game,
) -> Game:
    """A game of one generator and one discriminator, the discriminator moving first.

    `make_optimizers` makes the discriminator's and the generator's, or is one function for both; `draws` is noise
    beside the latents and what the sides need.
    """
    both = make_optimizers if isinstance(make_optimizers, tuple) else (make_optimizers, make_optimizers)
    for_discriminator, for_generator = both
    discriminator = Player(
        "discriminator",
        [sides.discriminator],
        for_discriminator,
        sides.discriminator_loss,
        sides.discriminator_logs,
        repeats=critic_updates,
    )
    generator = Player(
        "generator", [sides.generator], for_generator, sides.generator_loss, sides.generator_logs, act=sides.act
    )
    return Game(
        spec,
        [discriminator, generator],
        averaged={"generator": sides.generator},
        draws={"latents": (latent_dim,), **sides.draws, **(draws or {})},
        extra_state=sides.extra_state,
        **game,
    )
