"""How far a verb is that takes its time, on the terminal: what is being done, a bar, and the time left."""

from typing import Self

from rich import progress as rich_progress
from rich.console import Console


class Stages:
    """Draws one bar for the stage that is under way; a context manager that is called with news.

    Args:
        console: Where to draw; nothing is drawn if it is not a terminal.
    """

    def __init__(self, console: Console):
        self._bar = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}"),
            rich_progress.BarColumn(complete_style="cyan"),
            rich_progress.TextColumn("{task.fields[count]}"),
            rich_progress.TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._what = ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Print a sentence above the bar."""
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __call__(self, what: str, done: int, total: int) -> None:
        """`done` of `total` of `what` is done; where the total is 1 nobody knows how far it is."""
        if what != self._what:
            for task in self._bar.task_ids:
                self._bar.remove_task(task)
            self._bar.add_task(what, total=total if total > 1 else None, count="")
            self._what = what
        count = f"{done:,} of {total:,}" if total > 1 else ""
        self._bar.update(self._bar.task_ids[0], completed=done, count=count)
