"""The step with thermal noise: one step, fixed dt, the trapezoid with an explicit predictor; second order in dt.

    (m R/dt + K*/2) psi*    = (m R/dt - K/2) psi + N(psi) + f                     chi*    = chi + dt mu
    (m R/dt + K'/2) psi_new = (m R/dt - K/2) psi + (N(psi) + N(psi*))/2 + f       chi_new = chi + dt (mu + mu*)/2

K = K_A + m eps^-,  N = m (eps^+ - beta |psi|^2) psi;  R at the start of the step; f and the Johnson noise in mu and mu*
are the same in both stages (physics.fluctuations).  A circuit takes the midpoint rule (solver.netlist), with V_s of the
start in the first stage and its mean in the second.  The trapezoid keeps the variance T/lambda of every linear mode at
whatever dt; BDF2 and implicit Euler freeze the short waves.  The state's mu is the mean of the step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as csgraph

from fempslip.contract import Array, Noise, Problem, State, Trial
from fempslip.physics import fluctuations, kernels
from fempslip.physics.applied import AppliedField, PrescribedCurrents, framed
from fempslip.physics.graph import Graph, graph
from fempslip.physics.landscape import Epsilon
from fempslip.solver import cg, hot_wire, linear
from fempslip.solver.bdf2 import BRIGHT, CG_LIMIT, held
from fempslip.solver.netlist import Netlist, netlist_of

CG_TOLERANCE = 1e-10
FACTORS = 4  # kept: a step that lands on a frame may differ
SAME = 1e-9  # relative: sums of steps are off by rounding

Answer = tuple[Array, Array, Array]  # of contract.Field.response


@dataclass(frozen=True, eq=False)
class Trapezoid:
    """contract.Stepper for tdgl dynamics with noise, no self-field.

    johnson : (nodes, dim cells) of fluctuations.johnson, or None;  direct : the matrix of psi is factored
    poisson : factors of the Poisson matrix without its first node, for the compiled step of a wire, or None
    """

    problem: Problem
    noise: Noise
    graph: Graph
    field: AppliedField
    load: PrescribedCurrents
    circuit: Netlist | None
    held: Array  # (nodes,) True where psi is held (normal contacts and banks)
    rows: cg.Rows
    epsilon: Epsilon
    draws: fluctuations.Draws
    johnson: Any
    direct: bool
    poisson: linear.Factor | None
    factors: dict[float, linear.Factor] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> Trapezoid:
        noise, op, g = problem.noise or Noise(0.0), problem.operators, graph(problem.operators)
        applied = AppliedField.of(problem, g, lambda k: linear.poisson_solver(k, problem.mesh.dim))
        cells = None
        if noise.conductance is not None and applied.conserved:
            cells = fluctuations.johnson(problem.mesh, noise.conductance)
        draws = fluctuations.Draws(noise.seed, 2 * op.nodes + (0 if cells is None else cells.shape[1]))
        load, at, direct = PrescribedCurrents(problem), Epsilon(problem), constant(problem)
        poisson = None
        if direct and not applied.banks and csgraph.connected_components(op.G.T @ op.G, directed=False)[0] == 1:
            poisson = linear.factored(sp.csr_array((op.G.T @ op.M1 @ op.G)[1:][:, 1:]))
        circuit = None if problem.drive.circuit is None else netlist_of(problem)
        poisson = None if circuit is not None else poisson
        fixed = held(problem)
        rows = cg.Rows.of(g.start, g.neighbour, ~fixed)
        return cls(problem, noise, g, applied, load, circuit, fixed, rows, at, draws, cells, direct, poisson)

    ladder = False

    def declare(self) -> Mapping[str, int]:
        return {"psi": 1, "mu": 1, "chi": 1, "a": 1, **(self.circuit.declare() if self.circuit else {})}

    def begin(self, chi: Array | None = None, t: float = 0.0) -> State:
        n = self.problem.operators.nodes
        arrays = {"psi": self.problem.psi, **self.field.begin(self.problem.psi, np.zeros(n) if chi is None else chi, t)}
        arrays |= self.circuit.begin() if self.circuit else {}
        return self.restart(State(0, t, self.step(), (), {name: (value,) for name, value in arrays.items()}))

    def step(self) -> float:
        return self.problem.clock.fixed or self.problem.clock.dt_max

    def restart(self, state: State) -> State:
        """A one-step scheme has no history to forget."""
        return replace(state, next_dt=self.step())

    def factor(self, dt: float, half: Array) -> linear.Factor:
        """Solver of m u/dt + K/2 with held nodes taken out, (nodes,) right side -> psi."""
        if dt not in self.factors:
            p, g, n = self.problem, self.graph, self.held.size
            links = sp.csr_array((-half, g.neighbour.astype(np.int32), g.start.astype(np.int32)), shape=(n, n))
            free = sp.diags_array(np.where(self.held, 0.0, 1.0))
            inside = p.operators.m * (p.u / dt + 0.5 * np.maximum(-p.epsilon, 0.0)) + 0.5 * g.diagonal
            diagonal = np.where(self.held, 1.0, inside)
            while len(self.factors) >= FACTORS:
                del self.factors[next(iter(self.factors))]
            self.factors[dt] = linear.factored(sp.csr_array(free @ links @ free + sp.diags_array(diagonal)))
        return self.factors[dt]

    def attempt(self, state: State, dt: float) -> Trial:
        usual = self.step()
        like = usual if abs(dt - usual) < SAME * usual else dt
        trial = (self.tried if self.poisson is None else self.compiled)(state, like)
        return trial if dt == like else replace(trial, dt=dt)

    def compiled(self, state: State, dt: float) -> Trial:
        """`tried`, for a wire."""
        p, g, n, later = self.problem, self.graph, self.held.size, state.t + dt
        xi = self.draws.at(state.step)
        inflow = self.heat(xi, dt)
        a_later, link = self.field.applied.at(later)
        given = [self.load.at(t) @ self.field.unit if p.contacts else np.zeros(n) for t in (state.t, later)]
        f, k = self.factor(dt, 0.5 * link) if dt not in self.factors else self.factors[dt], self.poisson
        assert k is not None
        psi, mu, chi, a, theta, finite = hot_wire.step(
            dt, self.noise.temperature, self.field.conserved, BRIGHT**2, state["psi"], state["chi"],
            xi[: 2 * n].reshape(2, n), np.zeros(n) if inflow is None else inflow, *given, a_later, self.held, link,
            g.start, g.neighbour, g.up, g.edges, g.diagonal, p.operators.m, p.epsilon, p.beta, p.u, p.gamma,
            f.order, f.start, f.row, f.value, f.inverse, k.order, k.start, k.row, k.value, k.inverse,
        )  # fmt: skip
        if not finite:
            return Trial(dt, {}, {"psi": np.inf}, 0.0, 2)
        return Trial(dt, {"psi": psi, "mu": mu, "chi": chi, "a": a}, {"psi": 0.0}, theta, 2)

    def heat(self, xi: Array, dt: float) -> Array | None:
        """Johnson noise into each node during a step, (nodes,)."""
        if self.johnson is None:
            return None
        return np.sqrt(self.noise.temperature / dt) * (self.johnson @ xi[2 * self.held.size :])

    def tried(self, state: State, dt: float) -> Trial:
        p, noise, g, n = self.problem, self.noise, self.graph, self.problem.operators.nodes
        t, later = state.t, state.t + dt
        psi, chi = state["psi"], state["chi"]
        xi = self.draws.at(state.step)
        inflow = self.heat(xi, dt)
        link, turn = self.field.applied.at(t)[1], framed(chi)
        start, kept, now, big_b = np.empty((4, n), dtype=complex)
        big_a = np.empty(n)
        medium = (p.operators.m, self.epsilon.at(t), p.beta, p.u, p.gamma)
        scale = np.sqrt(noise.temperature * p.operators.m * p.u / dt)
        fluctuations.explicit(
            dt, noise.temperature, psi, turn, xi[: 2 * n].reshape(2, n), scale, g.start, g.neighbour, link, g.diagonal,
            *medium, start, kept, now, big_a, big_b,
        )  # fmt: skip
        first = self.field.response(start, link, state, t, inflow)
        mu, _ = self.potential(first, first, state, dt)
        stage = Stage(self, dt, later, psi, kept, big_a, big_b)
        guess, turn, count = stage.solve(chi + dt * mu, now, now, psi)
        if count < 0:
            return Trial(dt, {}, {"psi": np.inf}, 0.0, CG_LIMIT)
        predicted = guess * turn.conj()
        second = self.field.response(guess, stage.link, state, later, inflow)
        mu, wired = self.potential(first, second, state, dt)
        other = np.empty(n, dtype=complex)
        fluctuations.reaction(
            noise.temperature, predicted, p.operators.m, self.epsilon.at(later), p.beta, p.gamma, other
        )
        chi = chi + dt * mu
        found, turn, more = stage.solve(chi, now, other, predicted)
        new = np.empty(n, dtype=complex)
        theta, change = kernels.accept(psi, turn, found, found, BRIGHT**2, new)
        if more < 0 or not np.isfinite(change):
            return Trial(dt, {}, {"psi": np.inf}, 0.0, CG_LIMIT)
        a = np.empty(g.w.size)
        kernels.with_potential(self.field.applied.at(later)[0], chi, g.edges, a)
        return Trial(dt, {"psi": new, "mu": mu, "chi": chi, "a": a, **wired}, {"psi": 0.0}, theta, count + more)

    def potential(self, first: Answer, second: Answer, state: State, dt: float) -> tuple[Array, Mapping[str, Array]]:
        """Mean mu of a step whose ends answer V = V_s + R I, with mu_s at zero current, and the circuit's new arrays.

        The predictor has the start for both.
        """
        (v_s, r, mu_s), (v_late, _, mu_late) = first, second
        mean = mu_s if first is second else 0.5 * (mu_s + mu_late)
        if self.circuit is None:
            later = state.t if first is second else state.t + dt
            return self.field.close(mean, 0.5 * (self.load.at(state.t) + self.load.at(later)))["mu"], {}
        closed = self.circuit.close(0.5 * (v_s + v_late), r, state, state.t + dt)
        return self.field.close(mean, closed.currents)["mu"], closed.arrays


@dataclass(frozen=True, eq=False)
class Stage:
    """One of the two solves of a step, in the frame of the applied field at its end."""

    of: Trapezoid
    dt: float
    t: float
    psi: Array
    kept: Array
    big_a: Array
    big_b: Array

    @property
    def link(self) -> Array:
        return self.of.field.applied.at(self.t)[1]

    def solve(self, chi: Array, now: Array, other: Array, near: Array) -> tuple[Array, Array, int]:
        """(psi turn, turn, iterations) for the links of chi; near : (nodes,) psi to start from."""
        of, g = self.of, self.of.graph
        turn, half = framed(chi), 0.5 * self.link
        rhs = np.empty(chi.size, dtype=complex)
        fluctuations.right_side(self.kept, now, other, turn, of.held, self.psi, g.start, g.neighbour, half, rhs)
        if of.direct:
            return of.factor(self.dt, half)(rhs), turn, 1
        x = np.where(of.held, self.psi, near) * turn
        m, epsilon = of.problem.operators.m, of.epsilon.at(self.t)
        alpha = self.big_a + 0.5 * (g.diagonal + m * np.maximum(-epsilon, 0.0))
        beta = self.big_b * turn**2
        count = cg.solve(of.rows, half, alpha, beta, rhs, x, CG_TOLERANCE, CG_LIMIT)
        return x, turn, count


def constant(problem: Problem) -> bool:
    """Whether the matrix of psi never changes and its factors are thin: wires, gamma = 0, a constant applied field."""
    until = problem.clock.until
    times = (0.0, until / 3, until)
    steady = all(not f.kinks(until) and len({f.value(t) for t in times}) == 1 for f in problem.drive.fields)
    return steady and problem.landscape is None and problem.mesh.dim == 1 and not np.any(problem.gamma > 0)
