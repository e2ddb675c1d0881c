"""Declared functions of time: Constant, Points, Ramp, Sine, Pulse and sums of them.

Times in tau0; heights in the unit of what they drive.  In a current a height may be an `Amount`, with a part in units
of the depairing current: `at(idep)` turns it into plain numbers, and only then is it a `contract.Waveform`.
Values and rates are those from the right where they jump.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import cos, pi, sin
from typing import Any, Protocol, TypeVar

from fempslip.case.quantities import Amount

Height = Any  # float, or Amount before `at`
W = TypeVar("W", bound="Waveform")


class Waveform(Protocol):
    """A `contract.Waveform` whose heights can be mapped."""

    def value(self, t: float) -> float: ...
    def rate(self, t: float) -> float: ...
    def kinks(self, until: float) -> tuple[float, ...]: ...
    @property
    def period(self) -> float | None: ...
    def mapped(self: W, change: Callable[[Height], Height]) -> W: ...
    def at(self: W, idep: float) -> W: ...


class _Heights:
    """What all waveforms share: heights in units of the depairing current become numbers."""

    @property
    def period(self) -> float | None:
        return None

    def at(self, idep: float) -> Any:
        """The waveform in plain numbers, once the depairing current is known."""
        return self.mapped(lambda height: height.at(idep) if isinstance(height, Amount) else height)

    def negative(self) -> Any:
        """The same upside down."""
        return self.mapped(
            lambda height: Amount(-height.plain, -height.idep) if isinstance(height, Amount) else -height
        )

    def mapped(self, change: Callable[[Height], Height]) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Constant(_Heights):
    height: Height

    def value(self, t: float) -> float:
        return self.height

    def rate(self, t: float) -> float:
        return 0.0

    def kinks(self, until: float) -> tuple[float, ...]:
        return ()

    def mapped(self, change: Callable[[Height], Height]) -> Constant:
        return Constant(change(self.height))


@dataclass(frozen=True)
class Points(_Heights):
    """Straight lines between (time, height); constant before the first and after the last.

    Times never decrease; two equal times are a jump.
    """

    times: tuple[float, ...]
    heights: tuple[Height, ...]

    def value(self, t: float) -> float:
        i = bisect_right(self.times, t)
        if i == 0 or i == len(self.times):
            return self.heights[max(i - 1, 0)]
        return self.heights[i - 1] + self.rate(t) * (t - self.times[i - 1])

    def rate(self, t: float) -> float:
        i = bisect_right(self.times, t)
        if i == 0 or i == len(self.times):
            return 0.0
        return (self.heights[i] - self.heights[i - 1]) / (self.times[i] - self.times[i - 1])

    def kinks(self, until: float) -> tuple[float, ...]:
        return tuple(t for t in sorted(set(self.times)) if 0 < t <= until)

    def mapped(self, change: Callable[[Height], Height]) -> Points:
        return replace(self, heights=tuple(change(h) for h in self.heights))


@dataclass(frozen=True)
class Ramp(_Heights):
    """From one height to another, beginning at `start` and lasting `over`; a jump if that is 0."""

    begin: Height
    end: Height
    start: float = 0.0
    over: float = 0.0

    def _points(self) -> Points:
        return Points((self.start, self.start + self.over), (self.begin, self.end))

    def value(self, t: float) -> float:
        return self._points().value(t)

    def rate(self, t: float) -> float:
        return self._points().rate(t)

    def kinks(self, until: float) -> tuple[float, ...]:
        return self._points().kinks(until)

    def mapped(self, change: Callable[[Height], Height]) -> Ramp:
        return replace(self, begin=change(self.begin), end=change(self.end))


@dataclass(frozen=True)
class Sine(_Heights):
    """offset + amplitude sin(2 pi frequency t + phase); frequency in cycles per tau0, phase in radians."""

    amplitude: Height
    frequency: float
    offset: Height = 0.0
    phase: float = 0.0

    @property
    def period(self) -> float | None:
        return 1.0 / self.frequency

    def value(self, t: float) -> float:
        return self.offset + self.amplitude * sin(2 * pi * self.frequency * t + self.phase)

    def rate(self, t: float) -> float:
        omega = 2 * pi * self.frequency
        return self.amplitude * omega * cos(omega * t + self.phase)

    def kinks(self, until: float) -> tuple[float, ...]:
        return ()

    def mapped(self, change: Callable[[Height], Height]) -> Sine:
        return replace(self, amplitude=change(self.amplitude), offset=change(self.offset))


@dataclass(frozen=True)
class Pulse(_Heights):
    """0, then `height` from `start` for `length`, with edges that take `rise` each (inside the length), then 0."""

    height: Height
    start: float
    length: float
    rise: float = 0.0

    def _points(self) -> Points:
        end = self.start + self.length
        return Points((self.start, self.start + self.rise, end - self.rise, end), (0.0, self.height, self.height, 0.0))

    def value(self, t: float) -> float:
        return self._points().value(t)

    def rate(self, t: float) -> float:
        return self._points().rate(t)

    def kinks(self, until: float) -> tuple[float, ...]:
        return self._points().kinks(until)

    def mapped(self, change: Callable[[Height], Height]) -> Pulse:
        return replace(self, height=change(self.height))


@dataclass(frozen=True)
class Sum(_Heights):
    """All parts added."""

    parts: tuple[Any, ...]

    @property
    def period(self) -> float | None:
        return min((part.period for part in self.parts if part.period), default=None)

    def value(self, t: float) -> float:
        return sum(part.value(t) for part in self.parts)

    def rate(self, t: float) -> float:
        return sum(part.rate(t) for part in self.parts)

    def kinks(self, until: float) -> tuple[float, ...]:
        return tuple(sorted({t for part in self.parts for t in part.kinks(until)}))

    def mapped(self, change: Callable[[Height], Height]) -> Sum:
        return Sum(tuple(part.mapped(change) for part in self.parts))
