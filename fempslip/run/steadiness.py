"""`time: {until: {steady: voltage, ..}}`: a run ends when its mean voltage no longer changes.

Two windows of equal length that follow each other, the later one ending now, have means over whole periods that differ
by less than a share of the later one.  The windows take the time since measure.from, or the second half of the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array, Problem, Sink, State, Step
from fempslip.run.results import mean_of
from fempslip.tasks.watchers import Plain, Voltages

SMALLEST = 1e-4  # V0: voltages below it count as equal
EARLIEST = 0.05  # of the longest time: not before


class Caught:
    """A contract.Sink that keeps the last row."""

    def __init__(self) -> None:
        self.last: Mapping[str, float] = {}

    def row(self, table: str, values: Mapping[str, float]) -> None:
        self.last = values

    def rows(self, table: str, columns: Mapping[str, Array]) -> None: ...
    def frame(self, *frame: object) -> None: ...
    def checkpoint(self, *arrays: object) -> None: ...
    def due(self) -> bool:
        return False


@dataclass
class Steadiness(Plain):
    """Watches the voltage of the first measured pair.  rows : (t, V, impulse, slips) of every step."""

    voltages: Voltages
    within: float
    begin: float | None
    earliest: float
    every: float
    rows: list[tuple[float, ...]] = field(default_factory=list)
    kept: Caught = field(default_factory=Caught)

    @classmethod
    def of(cls, case: Evolve, problem: Problem) -> Steadiness:
        steady = case.time.steady
        if steady is None:
            raise ValueError("the case does not end by being steady")
        earliest = max(EARLIEST * case.time.until, 1.5 * (case.measure.from_ or 0.0))
        return cls(Voltages.of(problem), steady.within, case.measure.from_, earliest, case.record.fields)

    def see(self, step: Step, sink: Sink) -> None:
        self.voltages.see(step, self.kept)
        name = self.voltages.paths[0].name
        row = self.kept.last
        self.rows.append((row["t"], row[name], row[f"{name} impulse"], row[f"{name} slips"]))

    def enough(self, state: State) -> bool:
        """Whether the run may end here; asked on the times of frames only, so that the last frame is the end."""
        number = state.t / self.every
        if state.t < self.earliest or abs(number - round(number)) > 1e-9 * max(1.0, number):
            return False
        return self.steady()

    def steady(self) -> bool:
        t, v, impulse, slips = np.array(self.rows).T
        begin = 0.5 * t[-1] if self.begin is None else self.begin
        middle = 0.5 * (begin + t[-1])
        means = [
            mean_of(t[part], impulse[part], v[part], slips[part])
            for part in ((t >= begin) & (t <= middle), t >= middle)
        ]
        first, second = (mean.mean for mean in means)
        if first is None or second is None or (means[0].slips == 0) != (means[1].slips == 0):
            return False
        return abs(first - second) <= max(self.within * abs(second), SMALLEST)

    def save(self) -> Mapping[str, Array]:
        return {**self.voltages.save(), "rows": np.array(self.rows).reshape(-1, 4)}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.voltages.load(arrays)
        self.rows = [tuple(row) for row in arrays["rows"]]
