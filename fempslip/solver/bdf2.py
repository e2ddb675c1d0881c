"""The step of the order parameter: variable-step BDF2, nonlinear coefficients extrapolated, one linear solve.

    (a1/dt m R* + m beta |psi*|^2 + K_A) psi_new = m R* (h0 psi_now + h1 psi_before)/dt + m eps psi*

with R* the relaxation matrix (physics.relaxation) at psi*, the linear extrapolation, and K_A with the links of the new
time.  It is solved in the frame of the field (contract.Field.frame): psi turned at each node by a phase, so that the
links of a constant applied field stay what they are.  Then the potential mu of the new state.  The error estimate is
max|psi_new - quadratic extrapolation|.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fempslip.contract import Array, Field, Load, Problem, State, Trial
from fempslip.physics import kernels
from fempslip.physics.graph import Graph, graph
from fempslip.physics.landscape import Epsilon
from fempslip.solver import cg
from fempslip.solver.bdf import bdf, weights
from fempslip.solver.netlist import load_of
from fempslip.solver.screening import FIELDS

CG_TOLERANCE = 1e-8  # of the linear solve, relative to its right side
# or of the residual it began with.  In the flux flow of benchmarks/comparison/film.py 1e-3, 1e-2 and 3e-2 give the same
# mean voltage to 2e-5 (at the tolerance 3e-3: to 5e-4) and the same steps; at 0.3 the steps get many times shorter
CG_REDUCTION = 3e-2
CG_LIMIT = 2000
BRIGHT = 0.3  # |psi| above which a node's phase counts in max theta
DEPTH = {"psi": 4}


@dataclass(frozen=True, eq=False)
class Bdf2:
    """contract.Stepper for tdgl dynamics without noise."""

    problem: Problem
    graph: Graph
    field: Field
    load: Load
    free: Array  # (nodes,) False where psi is held (normal contacts and banks)
    epsilon: Epsilon
    rows: cg.Rows  # of the linear solve
    room: Array  # (9, nodes) to work in: fresh memory is dear at every step

    @classmethod
    def of(cls, problem: Problem) -> Bdf2:
        g = graph(problem.operators)
        field = FIELDS[problem.model.get("screening", "none")](problem, g)
        free = ~held(problem)
        rows = cg.Rows.of(g.start, g.neighbour, free)
        room = np.empty((9, problem.operators.nodes))
        return cls(problem, g, field, load_of(problem), free, Epsilon(problem), rows, room)

    @property
    def ladder(self) -> bool:
        return self.field.ladder

    def declare(self) -> Mapping[str, int]:
        return {**DEPTH, **self.field.declare(), **self.load.declare()}

    def begin(self, chi: Array | None = None, t: float = 0.0) -> State:
        """The start state, with the potential that belongs to it."""
        n = self.problem.operators.nodes
        chi = np.zeros(n) if chi is None else chi
        arrays = {"psi": self.problem.psi, **self.field.begin(self.problem.psi, chi, t), **self.load.begin()}
        history = {name: (value,) for name, value in arrays.items()}
        return self.restart(State(0, t, self.problem.clock.dt_start, (), history))

    def restart(self, state: State) -> State:
        """Forget the history after a jump or kink of the drive; mu and the load's arrays are made anew from now on."""
        history = {name: past[:1] for name, past in state.history.items()}
        state = replace(state, steps=(), next_dt=min(state.next_dt, self.problem.clock.dt_start), history=history)
        link, turn = self.field.frame({name: past[0] for name, past in history.items()}, state.t)
        made, _ = self.potentials(state["psi"] * turn, link, state, state.t)
        return replace(state, history=history | {name: (value,) for name, value in made.items()})

    def attempt(self, state: State, dt: float) -> Trial:
        new = self.field.links(state, state.t, dt)
        link, turn = self.field.frame(new, state.t + dt)
        framed, guess, iterations = self.order_parameter(state, dt, link, turn, self.field.weight(new))
        psi = np.empty_like(framed)
        theta, error = kernels.accept(state["psi"], turn, framed, guess, BRIGHT**2, psi)
        if iterations < 0 or not np.isfinite(error):
            return Trial(dt, {}, {"psi": np.inf}, 0.0, CG_LIMIT)
        made, errors = self.potentials(framed, link, state, state.t + dt)
        errors = {"psi": error, **self.field.errors(state, {**new, **made}, dt), **errors}
        return Trial(dt, {"psi": psi, **new, **made}, errors, theta, iterations)

    def order_parameter(
        self, state: State, dt: float, link: Array, turn: Array, weight: Array | None
    ) -> tuple[Array, Array, int]:
        """psi and its extrapolation at t + dt, times turn, and the iterations of the linear solve (-1: it failed)."""
        p, g, past, steps = self.problem, self.graph, state.past("psi"), state.steps
        last = steps[0] if steps and len(past) > 1 else None
        now, before, older, oldest = (past[min(k, len(past) - 1)] for k in range(4))
        line, parabola, cubic = (weights(dt, steps, count) for count in (2, 3, 4))
        alpha, (beta, rhs, guess, psi) = self.room[0], self.room[1:].reshape(4, -1).view(complex)
        medium = (p.operators.m, self.epsilon.at(state.t + dt), p.beta, p.u, p.gamma, g.diagonal)
        kernels.terms(
            dt, bdf(dt, last), line, parabola, cubic, now, before, older, oldest, turn, self.free, *medium,
            alpha, beta, rhs, guess, psi,
        )  # fmt: skip
        if weight is not None:
            alpha += weight
        if p.sources is not None:
            rhs += p.sources.order_parameter(state.t + dt)
        count = cg.solve(self.rows, link, alpha, beta, rhs, psi, CG_TOLERANCE, CG_LIMIT, CG_REDUCTION)
        return psi, guess, count

    def potentials(
        self, psi: Array, link: Array, state: State, t: float
    ) -> tuple[Mapping[str, Array], Mapping[str, float]]:
        """mu and the arrays of the load at t, and the load's errors."""
        v_s, r, mu_s = self.field.response(psi, link, state, t)
        closed = self.load.close(v_s, r, state, t)
        return {**self.field.close(mu_s, closed.currents), **closed.arrays}, closed.errors


def held(problem: Problem) -> Array:
    """(nodes,) True where psi does not evolve: psi = 0 at normal contacts, frozen in temporal gauge at banks."""
    mask = np.zeros(problem.operators.nodes, dtype=bool)
    for contact in problem.contacts:
        if contact.kind in ("normal", "bank"):
            mask[contact.nodes] = True
    return mask


def advance(state: State, trial: Trial, next_dt: float, depth: Mapping[str, int]) -> State:
    """The state after an accepted step: histories shifted, no deeper than declared."""
    history = {name: (new, *state.history[name])[: depth[name]] for name, new in trial.arrays.items()}
    steps = (trial.dt, *state.steps)[:3]
    return State(state.step + 1, state.t + trial.dt, next_dt, steps, history)
