"""Pairs of functions of logits: what the discriminator minimises and what the generator does."""

import dataclasses
from collections.abc import Callable
from typing import Any

from keras import ops

Tensor = Any  # Of whichever backend.


@dataclasses.dataclass(frozen=True)
class Loss:
    """The two sides of one adversarial loss; both take logits `(N, 1)` on real and on fake and return a scalar.

    `paired` says that the generator's side reads the logits on real examples too; otherwise it is handed None.
    `differences` says that the discriminator's reads differences of logits alone: a constant in all of them, and so the
    sign of one, has no meaning.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False
    differences: bool = False


def _mean_softplus(x):
    return ops.mean(ops.softplus(x))


def _cross_entropy(real, fake):
    """Binary cross-entropy on logits, real against 1 and fake against 0, added up."""
    return _mean_softplus(-real) + _mean_softplus(fake)


# The value function of Goodfellow et al. 2014 (arXiv:1406.2661, equation 1), which the generator minimises as it is.
minimax = Loss(discriminator=_cross_entropy, generator=lambda real, fake: -_mean_softplus(fake))

# The same for the discriminator; the generator maximises log D instead, whose gradient does not vanish where the
# discriminator is sure (the end of section 3 there).
non_saturating = Loss(discriminator=_cross_entropy, generator=lambda real, fake: _mean_softplus(-fake))

# Real should score 1 and fake 0, the generator's own 1 (Mao et al. 2016, arXiv:1611.04076, equation 9).
least_squares = Loss(
    discriminator=lambda real, fake: (ops.mean(ops.square(real - 1)) + ops.mean(ops.square(fake))) / 2,
    generator=lambda real, fake: ops.mean(ops.square(fake - 1)) / 2,
)

# What is told apart by a margin of 1 teaches nothing more (Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018,
# arXiv:1802.05957, equations 16 and 17).
hinge = Loss(
    discriminator=lambda real, fake: ops.mean(ops.relu(1 - real)) + ops.mean(ops.relu(1 + fake)),
    generator=lambda real, fake: -ops.mean(fake),
)

# The difference of means; it bounds a distance only under a penalty or a limit on the discriminator's slope
# (Arjovsky et al. 2017, arXiv:1701.07875, equation 2).
wasserstein = Loss(
    discriminator=lambda real, fake: ops.mean(fake) - ops.mean(real),
    generator=lambda real, fake: -ops.mean(fake),
    differences=True,
)

# Each fake is judged against the real example beside it
# (Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441, equation 2).
relativistic = Loss(
    discriminator=lambda real, fake: _mean_softplus(fake - real),
    generator=lambda real, fake: _mean_softplus(real - fake),
    paired=True,
    differences=True,
)

LOSSES = {
    "minimax": minimax,
    "non_saturating": non_saturating,
    "least_squares": least_squares,
    "hinge": hinge,
    "wasserstein": wasserstein,
    "relativistic": relativistic,
}
