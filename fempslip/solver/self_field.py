"""The step of the vector potential with self-field: variable-step BDF2, one linear solve with a constant matrix.

    [(a1/dt) sigma M1 + kappa^2 S + D0] a_new
        = sigma M1 (h0 a_now + h1 a_before)/dt + I_s(psi*, a*) + D0 a* + kappa^2 S a_applied(t + dt) + I_external

psi*, a* extrapolated; curl curl implicit.  D0 stabilises the extrapolated supercurrent: with L its largest slope,
-dI_s/da <= L, the root of the scheme at z = -1 stays inside for every dt when D0 >= 3/4 L (4/dt + 4 D0 - 3 L >= 0).
It costs an error of order dt^2, like that of the scheme itself.  D0 = |w| for links (films), M1 for barycentric
currents (bodies).

The matrix depends on a1/dt alone; steps keep to a ladder of powers of two and factors are kept.  Bodies of very many
edges go by conjugate gradients (solver.edges), with a free up to a gradient in the vacuum.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Load, Problem, State
from fempslip.mesh.operators import operators
from fempslip.physics.graph import Graph
from fempslip.physics.maxwell import Kinetics, Screening, Space
from fempslip.solver.bdf import bdf, weights
from fempslip.solver.edges import OFTEN, ONCE, Solver, direct, edge_solver
from fempslip.solver.netlist import load_of

KEPT = 8  # factors at most
PRECISE = 1e-9  # of conjugate gradients at the start, relative in the energy norm
TIGHT = 1e-7  # in a step


@dataclass(frozen=True, eq=False)
class MaxwellField:
    """contract.Field for `screening: maxwell`.  State: a (three deep) and e, the circulation of E = -da/dt; in bodies
    also `space`, a on all edges of the space.

    mass, damping : sigma M1 and D0 on the edges of the space
    held : (edges,) True on those of a bank, which carry no electric field and keep their a, and on walls
    banks : (edges of the sample,) numbers of the former
    free : numbers of the edges that are solved for
    """

    problem: Problem
    graph: Graph
    screening: Screening
    kinetics: Kinetics
    load: Load
    mass: sp.csr_array
    damping: sp.csr_array
    held: Array
    banks: Array
    free: Array
    factors: dict[float, tuple[Solver, sp.csr_array]] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)

    ladder = True

    @classmethod
    def of(cls, problem: Problem, graph: Graph) -> MaxwellField:
        op, screening = problem.operators, Screening.of(problem)
        space = screening.space
        banks = np.flatnonzero(on_banks(problem))
        held = space.walls.copy()
        held[space.inner[banks]] = True
        stiff = sp.csr_array(sp.diags_array(np.abs(op.w))) if problem.surroundings is None else kinetic_mass(problem)
        mass, damping = (spread(matrix, space.inner, held.size) for matrix in (op.M1, stiff))
        kinetics = Kinetics.of(problem, graph)
        load = load_of(problem)
        return cls(problem, graph, screening, kinetics, load, mass, damping, held, banks, unknown(space, held, OFTEN))

    @cached_property
    def fixed(self) -> Array:
        """Numbers of the edges that are not solved for."""
        return np.setdiff1d(np.arange(self.held.size), self.free)

    @property
    def inner(self) -> Array:
        return self.screening.space.inner

    def declare(self) -> Mapping[str, int]:
        if self.problem.surroundings is None:
            return {"a": 3, "e": 1}
        wired = self.problem.drive.circuit is not None
        return {"a": 3, "e": 1, "space": 2 if wired or self.free.size > OFTEN else 1}

    def begin(self, psi: Array, chi: Array, t: float) -> Mapping[str, Array]:
        """a that belongs to psi at rest: the field of smallest energy with psi as it is.

        kappa^2 S (a - a_applied) = w |psi_i||psi_j| (phi - (a - a')), phi the gauge-invariant phase of an edge with a'
        (problem.begun, problem.potential, or a_applied);  in bodies the weights are those of M1.  A state
        that comes with its E goes on as it is.
        """
        begun = self.problem.begun
        if begun is not None and begun.e is not None:
            return self.arrays(self.around(begun.a, t), begun.e)
        op, ball = self.problem.operators, self.problem.surroundings
        free = unknown(self.screening.space, self.held, ONCE)
        i, j = op.edges
        applied = self.screening.potential(t)
        near = applied if self.problem.potential is None else self.problem.potential
        a = near.copy() if begun is None else self.around(begun.a, t)
        a += op.G @ chi if ball is None else ball.operators.G @ np.r_[chi, np.zeros(ball.operators.nodes - chi.size)]
        phi = np.angle(psi[i].conj() * np.exp(-1j * a[self.inner]) * psi[j])
        size = np.sqrt(np.abs(psi[i]) * np.abs(psi[j]))
        phi[size == 0] = 0.0
        stiff = sp.diags_array(np.maximum(op.w, 0.0)) if ball is None else kinetic_mass(self.problem)
        by_size = sp.diags_array(size)
        london = spread(sp.csr_array(by_size @ stiff @ by_size), self.inner, applied.size)
        matrix = sp.csr_array(self.screening.kS + london + 1e-8 * self.mass)
        whole = np.zeros(applied.size)
        whole[self.inner] = phi
        right = london @ whole - self.screening.kS @ (a - applied)
        a[free] += space_solver(self.problem, matrix, free, PRECISE, ONCE)(right[free], np.zeros(free.size))
        return self.arrays(a, np.zeros(op.edges.shape[1]))

    def around(self, inner: Array, t: float) -> Array:
        """a on all edges of the space, of a on those of the sample: the vacuum's has the least energy."""
        a = self.screening.potential(t)
        applied = a.copy()
        a[self.inner] = inner
        if self.problem.surroundings is None:
            return a
        known = self.held.copy()
        known[self.inner] = True
        free, kS = unknown(self.screening.space, known, ONCE), self.screening.kS
        off = space_solver(self.problem, kS, free, PRECISE, ONCE)((kS @ (a - applied))[free], np.zeros(free.size))
        a[free] -= off
        return a

    def arrays(self, a: Array, e: Array) -> Mapping[str, Array]:
        return {"a": a, "e": e} if self.problem.surroundings is None else {"a": a[self.inner], "e": e, "space": a}

    def links(self, past: State, t: float, dt: float) -> Mapping[str, Array]:
        """a and e at t + dt."""
        pace, before, right = self.step(past, t, dt)
        if self.problem.drive.circuit is not None:
            v_s, r, new = self.answer(pace, right, past, t + dt)
            self.last.update(time=t + dt, answer=(v_s, r))
            new = new + self.load.close(v_s, r, past, t + dt).currents @ self.units(pace)
            return self.arrays(new, pace * (before - new[self.inner]))
        currents = self.load.close(np.zeros(0), np.zeros(0), past, t + dt).currents
        if currents.any():
            right += currents @ self.screening.injected
        new = self.solve(pace, right, self.kept(past, t + dt), self.ahead(past, dt))
        return self.arrays(new, pace * (before - new[self.inner]))

    def step(self, past: State, t: float, dt: float) -> tuple[float, Array, Array]:
        """(a1/dt, (h0 a_now + h1 a_before)/a1, right side without the current of the terminals) of a step."""
        psi, a = past.past("psi"), past.past("a")
        last = past.steps[0] if past.steps and len(a) > 1 else None
        a1, h0, h1 = bdf(dt, last)
        x0, x1 = weights(dt, past.steps[: len(a) - 1], 2)
        back = min(1, len(a) - 1)
        pace = float(f"{a1 / dt:.10e}")  # exact in the factor and in the equation; a resumed run makes the same one
        before = (h0 * a[0] + h1 * a[back]) / a1
        guess = x0 * a[0] + x1 * a[back]
        right = self.screening.applied(t + dt)
        right += self.mass @ self.widened(pace * before) + self.damping @ self.widened(guess)
        right[self.inner] += self.kinetics.currents(x0 * psi[0] + x1 * psi[back], guess)
        return pace, before, right

    def answer(self, pace: float, right: Array, past: State, t: float) -> tuple[Array, Array, Array]:
        """V_s, R of the sample in a circuit and a without current: a is linear in the currents of the terminals.

        V_c = I_c^external . da/dt = V_s + R I: its product with I_c is the power taken up through c.
        """
        dt, injected = t - past.t, self.screening.injected
        known = past.past("a" if self.problem.surroundings is None else "space")
        a1, h0, h1 = bdf(dt, past.steps[0] if past.steps and len(known) > 1 else None)
        before = (h0 * known[0] + h1 * known[min(1, len(known) - 1)]) / a1
        rest = self.solve(pace, right, self.kept(past, t), self.ahead(past, dt))
        return pace * (injected @ (rest - before)), pace * (injected @ self.units(pace).T), rest

    def units(self, pace: float) -> Array:
        """(contacts, edges of the space) what a unit current into each contact adds to a in a step."""
        kept: dict[float, Array] = self.last.setdefault("units", {})
        if pace not in kept:
            none = np.zeros(self.screening.space.gauge.size)
            while len(kept) >= KEPT:
                kept.pop(next(iter(kept)))
            kept[pace] = np.array([self.solve(pace, row, none) for row in self.screening.injected])
        return kept[pace]

    def widened(self, a: Array) -> Array:
        """A cochain of the sample on the edges of the space."""
        if self.problem.surroundings is None:
            return a
        out = np.zeros(self.screening.space.gauge.size)
        out[self.inner] = a
        return out

    def ahead(self, past: State, dt: float) -> Array | None:
        """a on all edges of the space where conjugate gradients start, extrapolated; None where they are not used."""
        if self.free.size <= OFTEN or self.problem.surroundings is None:
            return None
        space = past.past("space")
        x0, x1 = weights(dt, past.steps[: len(space) - 1], 2)
        return x0 * space[0] + x1 * space[min(1, len(space) - 1)]

    def kept(self, past: State, t: float) -> Array:
        """a where it is not solved for: as applied on walls and on the tree of the vacuum, as it was on banks."""
        if self.problem.surroundings is None:
            return past["a"]
        a = self.screening.potential(t)
        a[self.inner[self.banks]] = past["a"][self.banks]
        return a

    def solve(self, pace: float, right: Array, held: Array, guess: Array | None = None) -> Array:
        """[pace sigma M1 + kappa^2 S + D0] a = right, a as `held` where it is not free.  guess : near a"""
        free, whole = self.free, self.free.size == held.size
        if pace not in self.factors:
            matrix = sp.csr_array(pace * self.mass + self.screening.kS + self.damping)
            while len(self.factors) >= KEPT:
                self.factors.pop(next(iter(self.factors)))
            fixed = sp.csr_array(matrix[free][:, self.fixed])
            self.factors[pace] = space_solver(self.problem, matrix, free, TIGHT, OFTEN), fixed
        solver, fixed = self.factors[pace]
        if whole:
            return solver(right, right)
        a = held.copy()
        start = np.zeros(free.size) if guess is None else guess[free]
        a[free] = solver(right[free] - fixed @ a[self.fixed], start)
        return a

    def frame(self, new: Mapping[str, Array], t: float) -> tuple[Array, Array]:
        return self.linked(new["a"])[0], np.ones(self.problem.operators.nodes, dtype=complex)

    def weight(self, new: Mapping[str, Array]) -> Array | None:
        return self.linked(new["a"])[1]

    def linked(self, a: Array) -> tuple[Array, Array | None]:
        """Links and weights of a, made once."""
        if self.last.get("a") is not a:
            self.last.update(a=a, found=self.kinetics.links(a))
        return self.last["found"]

    def errors(self, past: State, new: Mapping[str, Array], dt: float) -> Mapping[str, float]:
        """max |a - quadratic extrapolation|, a phase like that of psi."""
        a = past.past("a")
        q = weights(dt, past.steps[: len(a) - 1], len(a))
        return {"a": float(np.max(np.abs(new["a"] - sum(w * x for w, x in zip(q, a, strict=True)))))}

    def response(self, framed: Array, link: Array, past: State, t: float) -> tuple[Array, Array, Array]:
        """V_s and R of the step that `links` has made; at the time of `past` itself those of a first short step."""
        if self.problem.drive.circuit is None:
            none = np.zeros(len(self.problem.contacts))
            return none, np.zeros((none.size, none.size)), np.zeros(0)
        if t > past.t and self.last.get("time") == t:
            return *self.last["answer"], np.zeros(0)
        dt = t - past.t if t > past.t else self.problem.clock.dt_start
        pace, _, right = self.step(past, past.t, dt)
        v_s, r, _ = self.answer(pace, right, past, past.t + dt)
        return v_s, r, np.zeros(0)

    def close(self, partial: Any, currents: Array) -> Mapping[str, Array]:
        return {}


def unknown(space: Space, held: Array, limit: int) -> Array:
    """Numbers of the edges that are solved for: not those held, nor, where a factor does it, those of the gauge."""
    fixed = held | space.gauge
    return np.flatnonzero(~(fixed if np.count_nonzero(~fixed) <= limit else held))


def space_solver(problem: Problem, matrix: sp.csr_array, free: Array, tolerance: float, limit: int) -> Solver:
    """Solver on the free edges of a matrix of the edges of the space.  Films: by a factor, always."""
    inner = sp.csr_array(matrix[free][:, free]) if free.size < matrix.shape[0] else matrix
    if problem.surroundings is None:
        return direct(inner)
    op, still = problem.surroundings.operators, np.zeros(problem.surroundings.operators.nodes, dtype=bool)
    still[np.delete(op.edges, free, axis=1)] = True
    return edge_solver(inner, sp.csr_array(op.G[free]), problem.surroundings.mesh.points, still, tolerance, limit)


def kinetic_mass(problem: Problem) -> sp.csr_array:
    """M1 with the kinetic weight instead of the conductivity: slope of the currents at |psi| = 1."""
    return operators(problem.mesh, None, problem.cell_kinetic, problem.cell_kinetic).M1


def spread(matrix: sp.csr_array, inner: Array, size: int) -> sp.csr_array:
    """A matrix of the sample's edges on the edges of the space."""
    entries = sp.coo_array(matrix)
    i, j = entries.coords
    return sp.csr_array((entries.data, (inner[i], inner[j])), shape=(size, size))


def on_banks(problem: Problem) -> Array:
    """(edges,) True on edges that lie in a bank: there E is 0 and psi is held."""
    held = np.zeros(problem.operators.edges.shape[1], dtype=bool)
    for contact in problem.contacts:
        if contact.kind == "bank":
            inside = np.zeros(problem.operators.nodes, dtype=bool)
            inside[contact.nodes] = True
            held |= inside[problem.operators.edges].all(axis=0)
    return held
