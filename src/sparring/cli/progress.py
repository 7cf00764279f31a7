"""Progress of a training on the terminal: a line for every tick and, on a terminal, a bar below them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self

import keras
from rich import progress as rich_progress
from rich.console import Console

from sparring.applications.inspecting.words import duration

_REFRESH = 0.2  # Seconds between two updates of the bar.
_WINDOW = 30.0  # Seconds that the shown rate is taken over, at least.


class Progress(keras.callbacks.Callback):
    """Keras callback that prints `game.report_line` after every tick and draws a bar over all of them.

    A context manager, because an interrupted `fit` never calls `on_train_end`: leaving it takes the bar away.

    Args:
        console: Where to print; there is no bar if it is not a terminal.
        clock: Seconds that only grow.
    """

    # Keras then calls `on_train_batch_end` from other threads, in any order, when the device is done with a step:
    # training does not wait for the terminal, and the bar does not run ahead of the device.
    async_safe = True

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic):
        super().__init__()
        self.console = console or Console()
        self._clock = clock
        self._rate = RecentRate()
        self._lock = threading.Lock()
        self._bar: rich_progress.Progress | None = None
        self._first_step = self._step = 0  # Steps done when this tick began, and now.
        self._next_update = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away; the lines of the ticks stay."""
        with self._lock:
            bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._first_step = self._step = self.model.steps_done
        self._rate.tick_images = self.model.pace.tick_images
        if self._bar is None and self.console.is_terminal:
            self._start_bar()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self._bar is None or self._clock() < self._next_update:
            return
        with self._lock:
            self._step = max(self._step, self._first_step + batch + 1)
            self._update()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.model.steps_done % self.model.pace.steps_per_tick:
            return  # An interruption cut this tick short: its line comes when the run goes on.
        line = self.model.report_line(epoch + 1, logs or {})
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        self.console.file.flush()  # Into a pipe or a file the line would else wait for thousands of others.

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def _start_bar(self) -> None:
        pace = self.model.pace
        self._bar = rich_progress.Progress(
            rich_progress.BarColumn(bar_width=None, complete_style="cyan"),
            rich_progress.TextColumn("{task.completed:,.0f} of {task.total:,.0f} {task.fields[plural]}"),
            rich_progress.TextColumn("{task.fields[pace]}"),
            console=self.console,
            transient=True,
            expand=True,
        )
        total = pace.num_ticks * pace.steps_per_tick * pace.batch_size
        self._bar.add_task(
            "", total=total, completed=self._step * pace.batch_size, pace="preparing", plural=self.model.spec.plural
        )
        self._bar.start()

    def _update(self) -> None:
        now, bar = self._clock(), self._bar
        if bar is None:
            return
        self._next_update = now + _REFRESH
        (task,) = bar.tasks
        images = self._step * self.model.pace.batch_size
        rate = self._rate.add(now, images)
        shown = (
            ""
            if rate is None
            else f"{_round(rate)} {self.model.spec.plural}/s, {_duration((task.total or 0) - images, rate)} left"
        )
        bar.update(task.id, completed=images, pace=shown)


class RecentRate:
    """Images per second over the last whole ticks within half a minute; over the last one if that takes longer.

    A whole tick holds what happens only at its end (samples, figures, a checkpoint), so the time left counts it in.
    The first mark is set after the first step, so compiling it does not count.
    """

    def __init__(self, tick_images: int = 0):
        self.tick_images = tick_images
        self._marks: deque[tuple[float, int]] = deque()

    def add(self, now: float, images: int) -> float | None:
        """Note that `images` are done at `now`; return the rate, or None where there is nothing to tell it from."""
        marks = self._marks
        if not marks or now - marks[-1][0] >= 1:
            marks.append((now, images))
        while len(marks) > 2 and marks[1][0] <= now - _WINDOW and marks[1][1] <= images - self.tick_images:
            marks.popleft()
        ticks = (images - marks[0][1]) // self.tick_images if self.tick_images else 0
        whole = ticks * self.tick_images or images - marks[0][1]
        then, before = next((mark for mark in reversed(marks) if mark[1] <= images - whole), marks[0])
        return (images - before) / (now - then) if now > then and images > before else None


def _round(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}"


def _duration(images: float, rate: float) -> str:
    """Time that `images` take."""
    return duration(max(0, images) / rate)
