"""Training tick by tick to the end of the pace."""

import contextlib
import warnings
from collections.abc import Iterator

from sparring.data.batches import Batches
from sparring.errors import RunError
from sparring.training.game import Game

OUT_OF_DATA = "Your input ran out of data"  # As Keras begins that warning.


def fit_to_the_end(game: Game, batches: Batches, callbacks: list):
    """Fits tick by tick to the end of the pace; first what is left of a tick that was cut short."""
    game.stop_training = False  # Still set where a game was stopped and is trained again.
    tick, inside = divmod(game.steps_done, game.pace.steps_per_tick)
    with _data_to_the_end(game):
        if inside:
            rest = game.pace.steps_per_tick - inside
            game.fit(batches, initial_epoch=tick, epochs=tick + 1, steps_per_epoch=rest, callbacks=callbacks, verbose=0)
            tick += 1
        if tick < game.pace.num_ticks and not game.stop_training:
            game.fit(batches, initial_epoch=tick, callbacks=callbacks, verbose=0)
    if not (game.finished or game.stop_training):
        raise RunError(f"Keras ended the training after {game.steps_done:,} steps, before its time.")


@contextlib.contextmanager
def _data_to_the_end(game: Game) -> Iterator[None]:
    """Makes an error of what Keras takes for the end of the data: a StopIteration, of a callback too.

    It would warn, cut the tick short, and begin the stream again with the batch this `fit` began with.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("error", OUT_OF_DATA, UserWarning)
        try:
            yield
        except UserWarning as error:
            if OUT_OF_DATA not in str(error):
                raise
            raise RunError(
                f"A callback or the data raised StopIteration after {game.steps_done:,} steps, which Keras takes for "
                "the end of the data. The last checkpoint is kept."
            ) from error
