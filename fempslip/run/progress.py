"""How far a run is, and how long it will still take.

Whoever works calls ``progress(fraction, text)`` as often as it likes, with the fraction of the work done (0 to 1)
and a few words on its state; calls in quick succession cost a clock reading and nothing more.  On a terminal the
words stand in one live line; in a log file a line is written every ten seconds.  A fraction that falls begins a new
piece of work (pictures after the march), whose time left is judged anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TextIO

Progress = Callable[[float, str], None]
NOTHING = 0.01  # of the work: as the first that is done it says less of the pace than of what came before


def silent(fraction: float, text: str) -> None:
    """A progress that says nothing."""


@contextmanager
def progress_line(quiet: bool = False, stream: TextIO | None = None) -> Iterator[Progress]:
    """A ``progress(fraction, text)`` for ``stream`` (default: standard error, so that results can be piped).

    quiet : say nothing;   a terminal gets a live line, anything else a plain line every ten seconds.
    """
    stream = stream or sys.stderr
    if quiet:
        yield silent
    elif stream.isatty():
        with _bar(stream) as bar:
            yield live_line(bar, bar.add_task("starting", total=1.0, left="?"))
    else:
        yield plain_lines(stream)


@dataclass(frozen=True)
class Pace:
    """Time left from the work done since it began: a resumed run does not start at zero.

    start : fraction done at the first call;   began : clock then, in seconds
    preparing : nothing has been done yet.  Where the first that is done is next to nothing, the work begins there: the
    time before it went into meshing and compiling
    """

    start: float
    began: float
    reached: float = 0.0
    preparing: bool = True

    def left(self, fraction: float, now: float) -> float | None:
        """Seconds still to go, or None as long as nothing was done to judge by."""
        done = fraction - self.start
        return (1.0 - fraction) * (now - self.began) / done if done > 0 else None


def at_work(pace: Pace | None, fraction: float, now: float) -> Pace:
    """The pace after a call: the same work further on, or a new one when there was none or the fraction fell."""
    if pace is None or fraction < pace.reached:
        return Pace(fraction, now, fraction)
    done = fraction - pace.start
    if pace.preparing and 0 < done < NOTHING:
        return Pace(fraction, now, fraction, preparing=False)
    return replace(pace, reached=fraction, preparing=pace.preparing and done == 0)


@dataclass
class Line:
    """Tells how far the work is, no more often than every so many seconds.

    show : fraction, text, seconds left -> to the person who waits
    """

    show: Callable[[float, str, float | None], None]
    every: float
    clock: Callable[[], float] = time.monotonic
    pace: Pace | None = None
    told: float = field(default=float("-inf"))

    def __call__(self, fraction: float, text: str) -> None:
        now = self.clock()
        if now - self.told < self.every and fraction < 1.0:
            return
        self.pace = at_work(self.pace, fraction, now)
        self.told = now
        self.show(fraction, text, self.pace.left(fraction, now))


def plain_lines(stream: TextIO, every: float = 10.0, clock: Callable[[], float] = time.monotonic) -> Line:
    """A line now and then: for log files and pipes."""

    def show(fraction: float, text: str, left: float | None) -> None:
        print(plain_line(fraction, text, left), file=stream, flush=True)

    return Line(show, every, clock)


def live_line(bar: Any, task: Any, every: float = 0.1, clock: Callable[[], float] = time.monotonic) -> Line:
    """One line of a terminal (bar : rich.progress.Progress), written anew ten times a second at most."""

    def show(fraction: float, text: str, left: float | None) -> None:
        bar.update(task, completed=fraction, description=text, left=duration(left), refresh=True)

    return Line(show, every, clock)


def plain_line(fraction: float, text: str, left: float | None) -> str:
    """`` 34 %   t = 204 of 600 tau0   1 min 20 s left``"""
    tail = f"   {duration(left)} left" if left is not None and fraction < 1.0 else ""
    return f"{100 * fraction:3.0f} %   {text}{tail}"


def duration(seconds: float | None) -> str:
    """``42 s``, ``3 min 20 s``, ``2 h 05 min``; ``?`` when not known."""
    if seconds is None:
        return "?"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _bar(stream: TextIO) -> Any:
    # Refreshed by the calls themselves: a thread of its own would compete with the solver for the interpreter.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:3.0f} %  {task.description}  {task.fields[left]} left"),
        console=Console(file=stream),
        auto_refresh=False,
    )
