"""task: relax.  Stationary states of a body: as many different ones as the starts lead to, never 'the' ground state.

Every start is relaxed by L-BFGS (solver/descent.py), kicked off the saddles it meets, and called a state once its
curvature has no negative eigenvalue.  A sweep then follows each state both ways, to where it gives way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from fempslip.contract import Array, Failure, Problem, Sink
from fempslip.mesh.paths import closed_path
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.fields import vectors
from fempslip.physics.stationary import Point, Stationary
from fempslip.solver.continuation import Branch, follow
from fempslip.solver.stationary import Found, Search, normal
from fempslip.topology.windings import face_windings, path_winding

SAME = 1e-5  # relative difference of energy below which two states of equal windings are one

Told = Callable[[float, str], None]


class Unfinished(UserWarning):
    """Starts of which no state came."""


@dataclass(frozen=True, eq=False)
class Start:
    """A state to begin from.  make : problem and links of the start -> psi (nodes,);  a : (edges,) links there."""

    words: str
    psi: Array
    a: Array
    value: float = 0.0  # of the swept parameter


@dataclass(frozen=True, eq=False)
class Sweep:
    """What changes.  body_at : value -> the body;  unit : of one value in what is shown (2 pi for a flux)."""

    parameter: str
    values: Array
    body_at: Callable[[float], Stationary]
    limit: bool = True
    unit: float = 1.0


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Integers that tell states apart: windings of the contours, vortices and antivortices of a film."""

    problem: Problem

    @cached_property
    def loops(self) -> dict[str, Array]:
        """Closed chains of edges of the contours, or else of all holes and periods."""
        mesh = self.problem.mesh
        names = dict(mesh.contours) or {name: name for name in (*mesh.holes, *mesh.periods)}
        return {name: closed_path(mesh, self.problem.operators, hole) for name, hole in names.items()}

    def windings(self, psi: Array, a: Array) -> dict[str, int]:
        edges, found = self.problem.operators.edges, {}
        for name, chain in self.loops.items():
            path = np.flatnonzero(chain)
            found[name] = path_winding(psi, a, edges, path, np.rint(chain[path]).astype(int))
        return found

    def vortices(self, psi: Array, a: Array) -> dict[str, int]:
        """Of films; where psi is held at zero there are none."""
        if self.problem.mesh.dim != 2:
            return {}
        n = face_windings(psi, a, self.problem.operators, hidden=self.problem.drive.hidden)
        return {"vortices": int(n[n > 0].sum()), "antivortices": int(-n[n < 0].sum())}

    def of(self, body: Stationary, point: Point) -> dict[str, int]:
        """All of them; nothing winds in the normal state."""
        if normal(point.psi):
            return {}
        a = body.links(point.flux)
        return self.windings(point.psi, a) | self.vortices(point.psi, a)


@dataclass(frozen=True, eq=False)
class State:
    """A minimum, and the start that led to it.  number : of the start."""

    number: int
    start: Start
    body: Stationary
    found: Found

    @cached_property
    def energy(self) -> float:
        return self.body.value(self.found.point)


@dataclass(frozen=True, eq=False)
class Harvest:
    """The different minima of the first `done` starts;  unfinished : starts that led to none."""

    states: tuple[State, ...] = ()
    done: int = 0
    unfinished: int = 0

    def arrays(self) -> dict[str, Array]:
        """For a checkpoint."""
        counts = {"starts": np.array([self.done, self.unfinished])}
        if not self.states:
            return counts
        found = [state.found for state in self.states]
        return counts | {
            "states.number": np.array([state.number for state in self.states]),
            "states.psi": np.array([f.point.psi for f in found]),
            "states.residual": np.array([f.residual for f in found]),
            "states.iterations": np.array([f.iterations for f in found]),
        }


@dataclass(frozen=True, eq=False)
class Relax:
    """contract.Continuing.  starts : made lazily, one after the other;  before : Harvest.arrays of an earlier run."""

    problem: Problem
    starts: Sequence[Callable[[], Start]]
    free: Array
    tolerance: float = 1e-7
    kicks: int = 6
    sweep: Sweep | None = None
    before: Mapping[str, Array] = field(default_factory=dict)

    def after(self, arrays: Mapping[str, Array]) -> Relax:
        return replace(self, before=arrays)

    def run(self, sink: Sink, told: Told) -> Mapping[str, Any]:
        anatomy = Anatomy(self.problem)
        harvest = self.distinct(anatomy, sink, told)
        states, unfinished = harvest.states, harvest.unfinished
        if unfinished:
            words = f"{unfinished} of {len(self.starts)} starts did not come to rest in a stable state and are left out"
            warnings.warn(f"{words}: raise kicks, or tolerance (now {self.tolerance:g})", Unfinished, stacklevel=2)
        if not states:
            raise Failure(
                "no start led to a stable state: raise kicks, lower tolerance, or start elsewhere (start, search)"
            )
        for number, state in enumerate(states):
            self.keep(sink, anatomy, number, state)
        sink.checkpoint(harvest.arrays())
        answer = self.answer(anatomy, states) | {"starts": len(self.starts), "unfinished": unfinished}
        if self.sweep is not None:
            branches = list(self.branches(anatomy, harvest, sink, told))
            answer |= limits(branches, self.sweep) | self.weakest(branches)
        return answer

    # ------------------------------------------------------------------------------------------- states

    def body(self, a: Array) -> Stationary:
        p = self.problem
        return Stationary(LinkEnergy(p.operators, p.epsilon, p.beta), a, self.free)

    def distinct(self, anatomy: Anatomy, sink: Sink, told: Told) -> Harvest:
        """The different minima that the starts lead to, by value of the sweep and energy."""
        harvest = self.earlier()
        search: Search | None = None
        for number in range(harvest.done, len(self.starts)):
            told(number / len(self.starts), f"start {number + 1} of {len(self.starts)}")
            start = self.starts[number]()
            body = self.body(start.a)
            search = Search(body) if search is None else search.on(body)
            note = noted(told, number, len(self.starts))
            found = search.minimum(start.psi, self.tolerance, self.kicks, told=note)
            states, unfinished = harvest.states, harvest.unfinished + (not found.converged)
            new = State(number, start, body, found)
            if found.converged and not any(same(anatomy, new, other) for other in states):
                states = (*states, new)
            harvest = Harvest(states, number + 1, unfinished)
            if sink.due():
                sink.checkpoint(harvest.arrays())
        return replace(harvest, states=tuple(sorted(harvest.states, key=lambda s: (s.start.value, s.energy))))

    def earlier(self) -> Harvest:
        """What an earlier run had found."""
        if "starts" not in self.before:
            return Harvest()
        states = []
        for number, psi, residual, iterations in zip(
            *(self.before.get(f"states.{name}", ()) for name in ("number", "psi", "residual", "iterations")),
            strict=True,
        ):
            start = self.starts[int(number)]()
            found = Found(Point(psi), float(residual), int(iterations), True, 0)
            states.append(State(int(number), start, self.body(start.a), found))
        done, unfinished = self.before["starts"]
        return Harvest(tuple(states), int(done), int(unfinished))

    def keep(self, sink: Sink, anatomy: Anatomy, number: int, state: State) -> None:
        start, body, found = state.start, state.body, state.found
        p, psi = self.problem, found.point.psi
        values = np.full(3, np.nan)
        soft = Search(body).lowest(found.point, 3)[0]
        values[: soft.size] = soft
        row = {"state": number, "energy": state.energy, "mean_density": density(p, psi)}
        row |= {"residual": found.residual, "negative": found.index, "iterations": found.iterations}
        row |= {f"curvature {k + 1}": float(value) for k, value in enumerate(values)}
        if self.sweep is not None:
            row["value"] = start.value / self.sweep.unit
        blank = {name: 0 for name in (*anatomy.loops, *(("vortices", "antivortices") if p.mesh.dim == 2 else ()))}
        sink.row("states", row | blank | anatomy.of(body, found.point))
        sink.frame(float(number), state_fields(p, psi, body.a))

    def answer(self, anatomy: Anatomy, states: Sequence[State]) -> dict[str, Any]:
        """Of the state of least energy that was found, and how many there are."""
        best = min(states, key=lambda state: state.energy)
        return {
            "states": len(states),
            "energy": best.energy,
            "highest_energy": max(state.energy for state in states),
            "mean_density": density(self.problem, best.found.point.psi),
            "residual": max(state.found.residual for state in states),
            "negative": max(state.found.index for state in states),
            "from": best.start.words,
            **anatomy.of(best.body, best.found.point),
        }

    # ------------------------------------------------------------------------------------------- branches

    def branches(self, anatomy: Anatomy, harvest: Harvest, sink: Sink, told: Told) -> Iterator[tuple[int, Branch]]:
        """Every state followed to both ends of the sweep."""
        sweep, states = self.sweep, harvest.states
        assert sweep is not None
        for number, state in enumerate(states):
            start, found, search = state.start, state.found, Search(state.body)
            for sense in (1, -1):
                ahead = sweep.values[(sweep.values - start.value) * sense > 1e-12]
                values = np.concatenate([[start.value], np.sort(ahead)[::sense]])
                share, words = (2 * number + (sense < 0)) / (2 * len(states)), f"state {number + 1} of {len(states)}"
                branch = follow(
                    search,
                    sweep.body_at,
                    found.point,
                    values,
                    lambda at, point: tuple(anatomy.of(at, point).items()),
                    sweep.limit,
                    swept(told, share, f"{words}: {sweep.parameter}", sweep.unit),
                )
                for value, point in zip(branch.values, branch.points, strict=True):
                    if sense > 0 or value != start.value:
                        self.point_row(sink, number, sense, value, point)
                yield number, branch
                sink.row(
                    "limits",
                    {
                        "branch": number,
                        "sense": sense,
                        "limit": np.nan if branch.limit is None else branch.limit / sweep.unit,
                        "normal": float(branch.why == "normal"),
                    },
                )
                sink.checkpoint(harvest.arrays())

    def weakest(self, branches: Sequence[tuple[int, Branch]]) -> dict[str, float]:
        """The least density that the state of least energy has in the sweep, and where."""
        sweep = self.sweep
        assert sweep is not None
        best: dict[float, tuple[float, float]] = {}
        for _, branch in branches:
            for value, found in zip(branch.values, branch.points, strict=True):
                key = round(value, 9)
                now = (sweep.body_at(value).value(found.point), density(self.problem, found.point.psi))
                best[key] = min(best.get(key, now), now)
        common = [key for key in best if np.any(np.abs(sweep.values - key) < 1e-8)]
        if not common:
            return {}
        at = min(common, key=lambda key: best[key][1])
        return {"weakest_density": best[at][1], "weakest_at": at / sweep.unit}

    def point_row(self, sink: Sink, number: int, sense: int, value: float, found: Found) -> None:
        sweep = self.sweep
        assert sweep is not None
        body = sweep.body_at(value)
        psi = found.point.psi
        row = {"branch": number, "sense": sense, "value": value / sweep.unit, "energy": body.value(found.point)}
        row |= {"mean_density": density(self.problem, psi), "flux": found.point.flux / (2 * np.pi)}
        sink.row("branches", row | {"slope": slope(body, found.point, sweep, value)})


def slope(body: Stationary, point: Point, sweep: Sweep, value: float) -> float:
    """dG/d(value) at fixed psi, exact at a stationary state: a current (flux), a moment (field) or -2 D (current)."""
    if sweep.parameter == "current":
        return -2 * point.flux * sweep.unit
    pattern = sweep.body_at(value + 1.0).a - body.a
    return -2 * float(body.energy.current(point.psi, body.links(point.flux)) @ pattern) * sweep.unit


def limits(branches: Sequence[tuple[int, Branch]], sweep: Sweep) -> dict[str, Any]:
    """Where states give way.  upper, lower : of the first state;  widest : of all."""
    above = [b.limit / sweep.unit for _, b in branches[0::2] if b.limit is not None]
    below = [b.limit / sweep.unit for _, b in branches[1::2] if b.limit is not None]
    found: dict[str, Any] = {}
    if branches and branches[0][1].limit is not None:
        found["upper_limit"] = branches[0][1].limit / sweep.unit
    if len(branches) > 1 and branches[1][1].limit is not None:
        found["lower_limit"] = branches[1][1].limit / sweep.unit
    if above:
        found["last_limit"] = max(above)
    if below:
        found["first_limit"] = min(below)
    return found


def swept(told: Told, share: float, words: str, unit: float) -> Callable[[float], None]:
    """Progress of one branch."""
    return lambda value: told(share, f"{words} {value / unit:.4g}")


def noted(told: Told, number: int, count: int) -> Callable[[int, float], None]:
    """Progress of one start."""

    def note(k: int, residual: float) -> None:
        if k % 50 == 0:
            told(number / count, f"start {number + 1} of {count}: residual {residual:.1e} after {k} steps")

    return note


def same(anatomy: Anatomy, one: State, other: State) -> bool:
    """Equal windings and energy at the same links."""
    if not np.array_equal(one.body.a, other.body.a):
        return False
    if abs(one.energy - other.energy) > SAME * max(1.0, abs(one.energy)):
        return False
    return anatomy.of(one.body, one.found.point) == anatomy.of(other.body, other.found.point)


def density(problem: Problem, psi: Array) -> float:
    m = problem.operators.m
    return float(m @ np.abs(psi) ** 2 / m.sum())


def state_fields(problem: Problem, psi: Array, a: Array) -> dict[str, Array]:
    """What a frame of a stationary state shows."""
    i, j = problem.operators.edges
    circulation = np.imag(psi[i].conj() * np.exp(-1j * a) * psi[j])
    return {
        "psi_re": psi.real.copy(),
        "psi_im": psi.imag.copy(),
        "psi_abs": np.abs(psi),
        "phase": np.angle(psi),
        "supercurrent": problem.kinetic[:, None] * vectors(problem, circulation),
    }


def spread_points(problem: Problem, count: int, seed: int = 0) -> Array:
    """(space, count) places spread evenly over a film, away from its edges: centres of its Voronoi cells."""
    from scipy.cluster.vq import kmeans2

    places = problem.mesh.node_points.T
    m = problem.operators.m
    rng = np.random.default_rng(seed)
    sample = places[rng.choice(len(places), size=min(4000, 20 * len(places)), p=m / m.sum())]
    return kmeans2(sample, count, iter=30, minit="++", seed=rng)[0].T if count else np.zeros((places.shape[1], 0))
