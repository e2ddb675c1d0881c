"""task: instanton.  A quantum slip is a vortex in (x, y = c tau): the bounce at a constant current is a pair of them.

    S/hbar = K/(2 pi) F,   F = int |D psi|^2 - |psi|^2 + |psi|^4/2   over (x, y), in units of xi

K, the stiffness, is that of the phase action K/(2 pi) int (grad theta)^2 dx dy of a mode with velocity c; then a pair
at a distance r has 2 K ln r, and slips of a long wire proliferate for K < 2.  The string goes from no pair through
pairs of growing distance, over the pass where the current, which pulls them apart, wins.  The rate is proportional to
exp(-S/hbar), and by the envelope theorem a power of the current:

    d ln rate / d ln j = - j dS/dj / hbar = (K/2 pi) 2 I (D_pass - D_start) = 2 K j r

with the area that the pair spans, in quanta of flux: r = w (D_pass - D_start)/2 pi.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fempslip.contract import Array, Failure, Problem, Sink
from fempslip.physics.stationary import Point, Stationary
from fempslip.solver import string
from fempslip.solver.stationary import Search
from fempslip.tasks import slips
from fempslip.tasks.barrier import Told, anatomy, begun, keep_saddle, keep_string, start_state, written


@dataclass(frozen=True, eq=False)
class Instanton:
    """contract.Continuing.

    middle, axis : (2,) of the pair;  apart : the largest distance that the string begins with
    stiffness : K;  velocity : c in xi/tau0, None if not given;  width : of the strip across the current
    before : the string of an earlier run, as in its checkpoint
    """

    problem: Problem
    body: Stationary
    middle: Array
    axis: Array
    apart: float
    stiffness: float
    width: float
    velocity: float | None = None
    images: int = 21
    tolerance: float = 1e-7
    before: Mapping[str, Array] = field(default_factory=dict)

    def after(self, arrays: Mapping[str, Array]) -> Instanton:
        return replace(self, before=arrays)

    def run(self, sink: Sink, told: Told) -> Mapping[str, Any]:
        body, loop = self.body, self.body.loop
        assert loop is not None
        search = Search(body)
        told(0.0, "the state without a slip")
        start = start_state(self.problem, search, self.problem.psi, self.tolerance)
        found, base = self.pass_over(search, start, sink, told), body.value(start)
        keep_string(sink, self.problem, body, found)
        point = found.point(found.top)
        keep_saddle(sink, self.problem, body, point, self.images)
        energy = found.height() - base
        spanned = abs(top_flux(found) - start.flux) / (2 * np.pi) * self.width
        action = self.stiffness / (2 * np.pi) * energy
        answer: dict[str, Any] = {
            "energy": energy,
            "action": action,
            "exponent": 2 * self.stiffness * abs(loop.current) / self.width * spanned,
            "spanned": spanned,
            "weight": float(np.exp(-action)),
            "rounds": found.rounds,
            **anatomy(self.problem, body, point),
        }
        if self.velocity is not None:
            answer["duration"] = spanned / self.velocity
        return answer

    def pass_over(self, search: Search, start: Point, sink: Sink, told: Told) -> string.String:
        """The string over the pass."""
        base = search.body.value(start)
        psi, flux, cut = begun(self.before) if self.before else (*self.way(search, start), False)

        def note(now: string.String) -> None:
            told(min(0.05 + now.rounds / 60, 0.95), f"string {now.rounds}: F = {now.height() - base:.6g}")
            if sink.due():
                sink.checkpoint(written(now))

        found = string.relaxed(search, psi, flux, open_end=True, told=note, cut=cut)
        if found.top >= len(found.value) - 2:
            raise Failure(
                f"the pair is still climbing at a distance of {self.apart:g} xi: raise pair.apart, or the current"
            )
        return found

    def way(self, search: Search, start: Point) -> tuple[Array, Array]:
        """The images that the string begins with.  The current opens a pair of one sense and closes the other."""
        direction = np.array([0, 0, 1.0])
        apart = np.linspace(0, self.apart, self.images)[1:]
        best: tuple[float, tuple[Array, Array]] | None = None
        for sense in (1, -1):
            way = slips.pairs(
                search.body, self.problem.mesh, start, self.middle, self.axis, apart, sense, direction
            )  # fmt: skip
            last = search.body.value(Point(way[0][-1], float(way[1][-1])))
            if best is None or last < best[0]:
                best = (last, way)
        assert best is not None
        return best[1]


def top_flux(found: string.String) -> float:
    """D at the vertex of the parabola through the top three images."""
    k = found.top
    x, y = found.arc[k - 1 : k + 2] - found.arc[k], found.value[k - 1 : k + 2]
    c2, c1, _ = np.polyfit(x, y, 2)
    at = float(np.clip(-c1 / (2 * c2), x[0], x[2])) if c2 < 0 else 0.0
    return float(np.interp(at, x, found.flux[k - 1 : k + 2]))
