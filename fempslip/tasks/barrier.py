"""task: barrier.  What a phase slip costs: the pass between two states, and how often it is crossed.

String (solver/string.py), then Newton to the saddle, which must have exactly one direction that curves down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from fempslip.contract import Array, Failure, Problem, Sink
from fempslip.physics.stationary import Loop, Point, Stationary
from fempslip.solver import string
from fempslip.solver.growth import attempt, growth_rate
from fempslip.solver.stationary import Found, Search
from fempslip.tasks import slips
from fempslip.tasks.relax import state_fields
from fempslip.topology.windings import face_windings, zero_positions

STEPS = 6  # from no current to the given one
CLOSE = 1e-5  # residual of a saddle; soft vortices converge slowly, and its energy is then known to 1e-10
Told = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Barrier:
    """contract.Continuing.

    body : with a Loop where a current is given;  along : closed cochain, 1 once round the loop or from bank to bank
    by : turns of phase of the slip;  node : where a wire slips;  path : (space, corners) of a vortex
    to : (nodes,) psi of the state at the other end, where it is not the start with one more turn
    before : the string of an earlier run, as in its checkpoint
    """

    problem: Problem
    body: Stationary
    along: Array
    by: int = 1
    node: int = 0
    path: Array | None = None
    direction: Array | None = None
    images: int = 21
    newton: bool = True
    growth: bool = True
    tolerance: float = 1e-7
    to: Array | None = None
    before: Mapping[str, Array] = field(default_factory=dict)

    def after(self, arrays: Mapping[str, Array]) -> Barrier:
        return replace(self, before=arrays)

    def run(self, sink: Sink, told: Told) -> Mapping[str, Any]:
        search = Search(self.body)
        told(0.0, "the state it starts from")
        start = start_state(self.problem, search, self.problem.psi, self.tolerance)
        end = self.end(search, start)
        psi, flux, cut = begun(self.before) if self.before else (*self.way(search, start, end), False)
        base, tilt = self.body.value(start), self.body.value(end) - self.body.value(start)

        def note(now: string.String) -> None:
            told(min(0.05 + now.rounds / 60, 0.8), f"string {now.rounds}: barrier {now.height() - base:.6g}")
            if sink.due():
                sink.checkpoint(written(now))

        found = string.relaxed(search, psi, flux, told=note, cut=cut)
        keep_string(sink, self.problem, self.body, found)
        answer: dict[str, Any] = {"string": found.height() - base, "rounds": found.rounds, "start_energy": base}
        top = found.height() - base
        point = found.point(found.top)
        if self.newton:
            told(0.8, "Newton to the saddle")
            enough = 1e-8 if self.problem.mesh.dim == 1 else CLOSE
            saddle = search.newton(point, enough, 80, symmetric=lambda p: self.symmetric(search, p))
            answer |= {"saddle_residual": saddle.residual, "index": saddle.index, "newton_steps": saddle.iterations}
            if saddle.residual > CLOSE or saddle.index != 1:
                raise Failure(
                    f"Newton from the top of the string ended with residual {saddle.residual:.1e} and {saddle.index} "
                    f"directions that curve down; the string's own barrier is {top:.6g}. Let the vortex cross where it "
                    "is not drawn aside, ask for more images, or write newton: false to keep the string alone"
                )
            point, top = saddle.point, self.body.value(saddle.point) - base
            if self.growth:
                told(0.9, "growth rate")
                answer |= self.rates(search, start, saddle)
        keep_saddle(sink, self.problem, self.body, point, self.images)
        answer |= {"forward": top, "backward": top - tilt, **anatomy(self.problem, self.body, point)}
        return answer

    def symmetric(self, search: Search, point: Point) -> tuple[Array, ...]:
        """A slip of a uniform wire can stand anywhere along it."""
        return (self.body.shift(point, self.along),) if self.movable else ()

    @property
    def movable(self) -> bool:
        return bool(self.along.any()) and uniform_wire(self.problem, self.body.free)

    def end(self, search: Search, start: Point) -> Point:
        """The start with one more turn, or the other state; relaxed where the flux is given."""
        if self.to is not None:
            return self.other(search, start, self.to)
        biased = self.body.loop is not None
        by = self.by
        if self.body.loop is not None:
            by = -1 if self.body.loop.current >= 0 else 1
        still = int(np.argmin(self.body.free))  # on a bank, if there is one
        end = slips.slipped(self.problem.operators, start, self.along, by, biased, still)
        if biased:
            return end
        found = search.minimum(end.psi, self.tolerance)
        if not found.converged:
            raise Failure("there is no stable state on the other side of this slip: the slip goes by itself")
        return found.point

    def other(self, search: Search, start: Point, psi: Array) -> Point:
        """A given state, relaxed; it must not be the start."""
        found = search.minimum(psi, self.tolerance)
        if not found.converged:
            raise Failure("the state slip.to does not relax to a stable one at the case's drive")
        m, (one, two) = self.problem.operators.m, (start.psi, found.point.psi)
        if abs(np.vdot(one, m * two)) ** 2 > (1 - 1e-6) * (m @ np.abs(one) ** 2) * (m @ np.abs(two) ** 2):
            raise Failure("start and slip.to relax to the same state: there is no barrier between them")
        return found.point

    def way(self, search: Search, start: Point, end: Point) -> tuple[Array, Array]:
        """The images that the string begins with; of the two ways along a path the lower."""
        if self.to is not None:
            return self.led(start, end)
        if self.path is None:
            at = self.node if self.body.turns else None
            return slips.straight(start, end, self.images, at)
        by = round((start.flux - end.flux) / (2 * np.pi)) if self.body.loop is not None else self.by
        direction = np.array([0, 0, 1.0]) if self.direction is None else self.direction
        ways = [
            slips.crossing(self.body, self.problem.mesh, start, end, path, self.images, by, direction)
            for path in (self.path, self.path[:, ::-1])
        ]
        return min(ways, key=lambda way: max(self.body.value(Point(p, float(d))) for p, d in zip(*way, strict=True)))

    def led(self, start: Point, end: Point) -> tuple[Array, Array]:
        """From one given state to another, in films with a vortex or an antivortex on the path."""
        if self.path is None:
            at = self.node if self.problem.mesh.dim == 1 and self.body.turns else None
            return slips.straight(start, end, self.images, at)
        direction = np.array([0, 0, 1.0]) if self.direction is None else self.direction
        ways = [
            slips.exchanged(self.body, self.problem.mesh, start, end, self.path, self.images, sign, direction)
            for sign in (1, -1)
        ]
        top, way = min(((max(self.body.value(Point(p)) for p in psi), (psi, flux)) for psi, flux in ways),
                       key=lambda pair: pair[0])  # fmt: skip
        return way

    def rates(self, search: Search, start: Point, saddle: Found) -> dict[str, float]:
        """Growth rate of the saddle, and the attempt frequency Omega exp(dF/T) T^power."""
        charge = self.problem.model.get("charge", "conserved") == "conserved"
        s = growth_rate(self.problem, search, saddle.point, charge)
        found: dict[str, float] = {"growth_rate": s}
        if self.problem.mesh.dim == 1:
            op = self.problem.operators
            length = float(np.sqrt(op.m.sum() / (op.w @ self.along**2))) if self.movable else 0.0
            shift = length * self.body.shift(saddle.point, self.along) if self.movable else None
            rate = attempt(search, start, saddle.point, s, shift, length)
            found |= {"attempt": rate.factor, "attempt_power": rate.power}
        return found


def uniform_wire(problem: Problem, free: Array) -> bool:
    """A wire that is the same everywhere but at its banks, so that a slip can be anywhere in it."""
    if problem.mesh.dim != 1:
        return False
    kinds = (problem.epsilon[free], problem.beta[free], problem.operators.m[free])
    return all(np.ptp(values) <= 1e-9 * np.abs(values).max() for values in kinds)


def start_state(problem: Problem, search: Search, psi: Array, tolerance: float) -> Point:
    """The stable state nearest to psi; a given current is raised from nothing in steps."""
    body = search.body
    if body.loop is None:
        found = search.minimum(psi, tolerance)
        if not found.converged:
            raise Failure("the start does not relax to a stable state: start elsewhere")
        return found.point
    still = Stationary(body.energy, body.a, body.free)
    found = search.on(still).minimum(psi, tolerance)
    if not found.converged:
        raise Failure("without current the start does not relax to a stable state: start elsewhere")
    point = found.point
    for share in np.linspace(0, 1, STEPS + 1):
        at = Stationary(body.energy, body.a, body.free, Loop(body.loop.along, share * body.loop.current))
        reached = search.on(at).newton(point)
        if not reached.converged or reached.index:
            raise Failure(
                f"no stable state carries {share * body.loop.current:.4g} round the loop (the given current is "
                f"{body.loop.current:.4g}): lower the current"
            )
        point = reached.point
    return point


def keep_string(sink: Sink, problem: Problem, body: Stationary, found: string.String) -> None:
    for k in range(len(found.psi)):
        row = {"image": k, "arc": found.arc[k], "energy": found.value[k] - found.value[0]}
        sink.row("string", row | {"flux": found.flux[k] / (2 * np.pi), "least": float(np.abs(found.psi[k]).min())})
        sink.frame(float(k), state_fields(problem, found.psi[k], body.links(float(found.flux[k]))))
    sink.checkpoint(written(found))


def written(found: string.String) -> dict[str, Array]:
    """A string for a checkpoint."""
    return {"string.psi": found.psi, "string.flux": found.flux, "string.cut": np.array([found.cut])}


def begun(arrays: Mapping[str, Array]) -> tuple[Array, Array, bool]:
    """psi, flux and cut of `written`."""
    return arrays["string.psi"], arrays["string.flux"], bool(arrays["string.cut"][0])


def keep_saddle(sink: Sink, problem: Problem, body: Stationary, point: Point, images: int) -> None:
    """The last frame, after the images."""
    last = state_fields(problem, point.psi, body.links(point.flux))
    sink.frame(float(images), last)


def anatomy(problem: Problem, body: Stationary, point: Point) -> dict[str, Any]:
    """The least density of the pass, and where psi vanishes in a film."""
    least = int(np.argmin(np.abs(point.psi)))
    found: dict[str, Any] = {"least_density": float(np.abs(point.psi[least]) ** 2)}
    place = problem.mesh.node_points[:, least]
    if problem.mesh.dim == 2:
        a = body.links(point.flux)
        (pierced,) = np.nonzero(face_windings(point.psi, a, problem.operators, hidden=problem.drive.hidden))
        if pierced.size:
            places = zero_positions(point.psi, a, problem.operators, problem.mesh, pierced, problem.drive.hidden)
            place = places[:, 0]
            found["zeros"] = int(pierced.size)
            if pierced.size == 2:
                found["separation"] = float(np.linalg.norm(places[:, 1] - places[:, 0]))
    names = ("x", "y", "z")[: place.size]
    return found | {name: float(value) for name, value in zip(names, place, strict=True)}
