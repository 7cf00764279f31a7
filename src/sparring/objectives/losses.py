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
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    paired: bool = False


def _mean_softplus(x):
    return ops.mean(ops.softplus(x))


# Binary cross-entropy on logits; the generator maximises log D instead of minimising log(1 - D)
# (Goodfellow et al. 2014, arXiv:1406.2661, equation 1 and the end of section 3).
non_saturating = Loss(
    discriminator=lambda real, fake: _mean_softplus(-real) + _mean_softplus(fake),
    generator=lambda real, fake: _mean_softplus(-fake),
)

# Each fake is judged against the real example beside it
# (Jolicoeur-Martineau 2018, arXiv:1807.00734; Huang et al. 2024, arXiv:2501.05441, equation 2).
relativistic = Loss(
    discriminator=lambda real, fake: _mean_softplus(fake - real),
    generator=lambda real, fake: _mean_softplus(real - fake),
    paired=True,
)
