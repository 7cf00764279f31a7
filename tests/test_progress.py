"""The progress of a training: the line of every tick, and an honest bar on a terminal."""

import io
import types

import pytest
from rich.console import Console

from sparring.cli.progress import Progress, RecentRate, _duration


class Game:
    """As much of a game as the callback looks at: 3 ticks of 10 steps of 4 images."""

    def __init__(self, steps_done=0):
        self.steps_done = steps_done
        self.spec = types.SimpleNamespace(plural="images")
        self.pace = types.SimpleNamespace(images=120, batch_size=4, tick_images=40, steps_per_tick=10, num_ticks=3)

    def report_line(self, tick, logs):
        return f"Epoch {tick}, [Loss]: {logs['loss']:.4f}"


def train(game, console, stop_after=30):
    """What Keras' `fit` calls, and a clock that shows one second more at every look."""
    seconds = iter(range(100_000))
    with Progress(console, clock=lambda: float(next(seconds))) as progress:
        progress.set_model(game)
        while game.steps_done < min(30, stop_after):
            tick, inside = divmod(game.steps_done, 10)
            progress.on_epoch_begin(tick)
            for batch in range(10 - inside):
                progress.on_train_batch_end(batch)
                game.steps_done += 1
                if game.steps_done == stop_after:
                    break
            progress.on_epoch_end(tick, {"loss": tick + 0.5})
    return console.file.getvalue()


def test_without_a_terminal_there_is_one_line_per_tick():
    text = train(Game(), Console(file=io.StringIO()))
    assert text == "Epoch 1, [Loss]: 0.5000\nEpoch 2, [Loss]: 1.5000\nEpoch 3, [Loss]: 2.5000\n"


def test_going_on_in_the_middle_of_a_tick():
    assert train(Game(steps_done=14), Console(file=io.StringIO())).splitlines() == [
        "Epoch 2, [Loss]: 1.5000",
        "Epoch 3, [Loss]: 2.5000",
    ]


def test_a_tick_that_is_cut_short_has_no_line():
    assert train(Game(), Console(file=io.StringIO()), stop_after=14) == "Epoch 1, [Loss]: 0.5000\n"


def test_on_a_terminal_there_is_a_bar_that_goes_away():
    game = Game(steps_done=14)
    text = train(game, Console(file=io.StringIO(), force_terminal=True, width=80))
    assert "Epoch 2, [Loss]: 1.5000" in text
    assert "of 120 images" in text
    assert "left" in text
    assert text.rstrip().endswith("\x1b[2K")  # The line of the bar is erased last.


def test_batches_may_come_in_any_order():
    progress = Progress(Console(file=io.StringIO(), force_terminal=True), clock=iter(range(0, 1000, 7)).__next__)
    progress.set_model(Game())
    with progress:
        progress.on_epoch_begin(0)
        for batch in (1, 0, 3, 2):
            progress.on_train_batch_end(batch)
        assert progress._step == 4


def test_the_rate_is_recent_and_counts_in_the_end_of_a_tick():
    rate = RecentRate(tick_images=1000)
    assert rate.add(0.0, 10) is None  # After the first step, however long it took.
    found = None
    for second in range(1, 101):  # 100 images/s, and 10 s for samples after every 1000 images.
        found = rate.add(second + 10 * (second // 10), 10 + 100 * second)
    assert found == pytest.approx(50, rel=0.15)
    for second in range(201, 301):
        found = rate.add(second, 10010 + 400 * (second - 200))
    assert found == pytest.approx(400, rel=0.01)


def test_ticks_may_be_shorter_than_the_time_between_two_looks():
    rate = RecentRate(tick_images=40)
    rates = [rate.add(0.2 * look, 200 * look) for look in range(100)]
    assert rates[1:] == pytest.approx([1000] * 99)


@pytest.mark.parametrize(
    ("images", "text"), [(40, "40 s"), (0, "0 s"), (720, "12 min"), (11_100, "3 h 05 min"), (3590, "1 h 00 min")]
)
def test_durations(images, text):
    assert _duration(images, 1.0) == text
