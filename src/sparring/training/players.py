"""One side of a game."""

import dataclasses
from collections.abc import Callable, Sequence

import keras


@dataclasses.dataclass
class Player:
    """The networks one side owns, how they learn, and what they want.

    Attributes:
        name: Names its loss in the logs: `generator` logs `generator_loss`.
        networks: What it trains; no network belongs to two players.
        make_optimizer: Makes its own optimizer, `partial(keras.optimizers.Adam, 2e-4)`: a finished generator that is
            built again has no use for one, so it is made when the game is compiled.
        loss: `loss(game, batch) -> (scalar, {name: scalar})`, the dictionary holding exactly the names in `logs`.
        logs: Names of what `loss` reports beside its value.
        repeats: Updates in one step, each on its own part of the batch.
        act: `act(game, batch) -> {name: array}`, what its networks make of a batch for all to judge: done once a step,
            before anyone moves, and added to the batch. It moves once.
    """

    name: str
    networks: Sequence[keras.Model]
    make_optimizer: Callable[[], keras.optimizers.Optimizer]
    loss: Callable
    logs: tuple[str, ...] = ()
    repeats: int = 1
    act: Callable | None = None
    optimizer: keras.optimizers.Optimizer = dataclasses.field(default=None, init=False)

    def __post_init__(self):
        if self.act and self.repeats > 1:
            raise ValueError(f"A player that acts must move once in a step. Received: repeats={self.repeats}")

    @property
    def variables(self) -> list:
        """Every trainable variable of its networks."""
        return [v for network in self.networks for v in network.trainable_variables]

    def compile(self):
        """Makes the optimizer and its slots, so that they are there for a checkpoint to fill."""
        self.optimizer = self.make_optimizer()
        self.optimizer.build(self.variables)


class Optimizers:
    """All players' optimizers in the one slot that `keras.Model` has: Keras' JAX trainer reads these two names."""

    built = True

    def __init__(self, players: Sequence[Player]):
        self.players = players

    @property
    def variables(self) -> list:
        return [v for player in self.players for v in player.optimizer.variables]
