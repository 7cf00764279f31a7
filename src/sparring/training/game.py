"""The game: a `keras.Model` that holds the players and is trained by Keras' own `fit`."""

import functools
from collections.abc import Callable, Mapping, Sequence

import keras
from keras import ops

from sparring.backend import Stepper, jit_compile, num_devices
from sparring.data.batches import Batches, Chances
from sparring.data.spec import DataSpec
from sparring.errors import UsageError
from sparring.ops.color import from_uint8
from sparring.training.average import Average
from sparring.training.pace import Pace
from sparring.training.players import Optimizers, Player
from sparring.training.step import adversarial_step
from sparring.training.tally import Tally

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.DepthwiseConv2D)


class Game(Stepper, keras.Model):
    """Players that learn against each other.

    Args:
        spec: What an example looks like.
        players: In the order of their moves.
        averaged: The networks that make up the finished model, by name; their moving averages are what is kept.
        draws: Name and shape of the standard normal noise that comes with every example of a batch.
        pace: How long to train, and in which portions.
        halflife_images: Half-life of the moving averages.
        extra_state: Layers beside the networks whose variables are part of the state, such as what adapts itself.
        prepare: Makes of a batch of the stream, on the device, what the players see: `real` and, where there is one,
            `condition`. By default uint8 images become [-1, 1] and labels one-hot.
        chances: Of the examples, how likely each is to be shown again, see `Batches`; by default none is.
        notes: What a user should know of how the recipe was set up, one sentence each.

    Example:
        >>> game = sparring.find_recipe("dcgan").build(source.spec)
        >>> game.fit(source.batches(game.pace.batch_size))
    """

    most_at_once = 32  # Steps in one call: Keras' share of each is small by then, and the wait for Ctrl-C still is.
    steps_per_execution: int  # Of Keras, which does not say so.

    def __init__(
        self,
        spec: DataSpec,
        players: Sequence[Player],
        *,
        averaged: Mapping[str, keras.Model],
        draws: Mapping[str, tuple[int, ...]],
        pace: Pace,
        halflife_images: float = 10_000,
        extra_state: Sequence[keras.layers.Layer] = (),
        prepare: Callable[[dict], dict] | None = None,
        chances: Chances | None = None,
        notes: Sequence[str] = (),
    ):
        super().__init__(name="game")
        self.spec, self.players, self.pace, self.notes = spec, list(players), pace, tuple(notes)
        self.draws = {name: tuple(shape) for name, shape in draws.items()}
        self.networks = [network for player in players for network in player.networks]
        self.steps = self.add_weight(
            name="steps",
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
        )
        self.average = Average(averaged, self.steps, pace.batch_size, halflife_images)
        names = [name for player in players for name in (f"{player.name}_loss", *player.logs)]
        self.tally = Tally(names, pace.steps_per_tick)
        self.extra_state, self.chances = list(extra_state), chances
        self.prepare = prepare or functools.partial(prepare_images, num_classes=getattr(spec, "num_classes", 0))
        self.built = True

    def compile(self):
        """Builds the players' optimizers; `fit` does it by itself.

        Raises:
            UsageError: The devices cannot share a batch equally.
        """
        with self.scope():
            super().compile(optimizer="sgd", jit_compile=jit_compile())
            batch_size = self.pace.batch_size // self.turns
            if batch_size % num_devices():  # The mean of two means is not the mean of unequal parts.
                raise UsageError(
                    f"`batch_size` must be a multiple of the number of devices, {num_devices()}. "
                    f"Received: batch_size={batch_size}"
                )
            for player in self.players:
                player.compile()
        self.optimizer = Optimizers(self.players)

    def fit(self, batches: Batches, *, epochs: int | None = None, steps_per_epoch: int | None = None, **kwargs):
        """Keras' `fit` over ticks, going on in the stream at the step the game has reached.

        Args:
            batches: The endless stream of examples.
            epochs: Number of the tick to stop after; as long as `pace` says by default.
            steps_per_epoch: Steps in a tick; by default as `pace` says.
            **kwargs: As in `keras.Model.fit`: `initial_epoch`, `callbacks`, `verbose`.
        """
        if not self.compiled:
            self.compile()
        steps_per_epoch = steps_per_epoch or self.pace.steps_per_tick
        self._execute_at_once(steps_per_epoch)
        return super().fit(
            self.feed(self.stream(batches, self.steps_done)),
            epochs=self.pace.num_ticks if epochs is None else epochs,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,
            **kwargs,
        )

    def stream(self, batches: Batches, step: int = 0) -> Batches:
        """What of `batches` it trains on, from `step` on: with its noise, and rows shown again by its chances."""
        return batches.starting_at(step, self.draws, self.chances)

    def _execute_at_once(self, steps_per_epoch: int):
        """Sets how many steps Keras' loop makes of one call, in equal portions of a tick.

        A step of dense networks takes a few milliseconds, and Keras' loop one or two more around every call. Where
        there are convolutions that is little beside a step, and the answer to Ctrl-C should not wait for many.
        """
        with self.scope():
            alone = num_devices() == 1  # In a loop of steps TensorFlow fails to read the rows of several replicas.
        most = self.most_at_once if alone and not self.convolves else 1
        steps: int = max(count for count in range(1, most + 1) if steps_per_epoch % count == 0)
        if self.steps_per_execution != steps:
            self.steps_per_execution, self.train_function = steps, None

    def move(self, batch):
        """One step on a batch as it comes from `Batches`; returns the means of the tick so far."""
        self.steps.assign(self.steps + 1)
        logs = adversarial_step(self, self.prepare(batch))
        return self.tally.update(ops.convert_to_tensor(self.steps), logs)

    @property
    def turns(self) -> int:
        """Parts of a batch: as many as the moves of who moves most often."""
        return max(player.repeats for player in self.players)

    @property
    def convolves(self) -> bool:
        """Whether there is a convolution in any network."""
        layers = (layer for network in self.networks for layer in network._flatten_layers())
        return any(isinstance(layer, CONVOLUTIONS) for layer in layers)

    @property
    def metrics(self) -> list:
        """None of Keras' own: the tally is part of the state."""
        return []

    @property
    def state_groups(self) -> tuple[list, list, list, list]:
        """All variables in the four groups that Keras' JAX trainer carries."""
        return self.trainable_variables, self.non_trainable_variables, self.optimizer.variables, self.metrics_variables

    @property
    def state(self) -> list:
        """Every variable there is: weights, averages, optimizer slots, counters. A checkpoint is this list."""
        return [v for group in self.state_groups for v in group]

    @property
    def steps_done(self) -> int:
        """Steps taken so far, in this run and before."""
        return int(ops.convert_to_numpy(self.steps))

    @property
    def finished(self) -> bool:
        """Whether the pace has come to its end."""
        return self.steps_done >= self.pace.num_ticks * self.pace.steps_per_tick

    def report_line(self, tick: int, logs: Mapping[str, float]) -> str:
        """The line of a tick, counted from 1: `Epoch 1, Discriminator Loss: 1.2345, Generator Loss: 0.9876`.

        Figures that name their protocol, as `fd[sketch-v1, n=1000]`, follow.
        """
        losses = [f"{player.name.title()} Loss: {logs[f'{player.name}_loss']:.4f}" for player in self.players]
        figures = [f"{name}: {value:.4g}" for name, value in logs.items() if name.endswith("]")]
        return f"{self.pace.unit} {tick}, " + ", ".join(losses + figures)


def prepare_images(batch: dict, num_classes: int) -> dict:
    """uint8 images to [-1, 1] and labels to one-hot, on the device: a quarter of the bytes to move."""
    batch = batch | {"real": from_uint8(batch["image"])}
    if "label" in batch:
        batch["condition"] = ops.one_hot(batch["label"], num_classes)
    return batch
