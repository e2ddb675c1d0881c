"""The static London state: |psi| frozen, the field of smallest energy (F. London and H. London, Proc. R. Soc. A 149, 71
(1935); with windings, F. London, Superfluids I (1950)).

    (M + kappa^2 S) a = M c + kappa^2 S a_applied,     M = int |psi|^2 u . v,     I = -M (a - c)

c is a closed cochain of the sample: 2 pi times the windings round its holes and its vortices.  Energy in F

    E = (a - c)^T M (a - c) + kappa^2 (a - a_applied)^T S (a - a_applied)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Problem
from fempslip.mesh.operators import operators
from fempslip.physics.maxwell import Screening, hole_flux, moment
from fempslip.solver.edges import ONCE, Solver
from fempslip.solver.self_field import PRECISE, space_solver, spread, unknown

TINY = 1e-9  # of M1, where psi vanishes: a is then fixed up to a gradient


@dataclass(frozen=True, eq=False)
class LondonState:
    """a : on all edges of the space;  current : I on edges of the sample;  velocity : c - a there, I = M v;
    kinetic, magnetic : parts of the energy."""

    a: Array
    current: Array
    velocity: Array
    kinetic: float
    magnetic: float


@dataclass(frozen=True, eq=False)
class Inductance:
    """L of holes, (holes, holes):  Phi = L I of the fluxoids of the holes and the currents round them."""

    total: Array
    kinetic: Array

    @property
    def geometric(self) -> Array:
        return self.total - self.kinetic


def inductance(turns: list[Array], states: list[LondonState], unit: float) -> Inductance:
    """unit : kappa^2, or Lambda of thin films.  turns : c of one quantum a hole;  states : of these, without field

    With R_ik = c_k . I_i/(2 pi), the current round hole k of state i: L = 2 pi R^-1; with V_ij = I_i . v_j the kinetic
    part is R^-1 V R^-T, twice the kinetic energy of currents of 1 round the holes.
    """
    currents, velocities = (np.array([getattr(s, name) for s in states]) for name in ("current", "velocity"))
    back = np.linalg.inv(currents @ np.array(turns).T / (2 * np.pi))
    return Inductance(2 * np.pi * unit * back, unit * back @ (currents @ velocities.T) @ back.T)


@dataclass(frozen=True, eq=False)
class London:
    """A sample whose |psi| is frozen: one solver, then a state for any windings and field."""

    problem: Problem
    screening: Screening
    M: sp.csr_array  # on edges of the sample
    solve: Solver
    free: Array

    @classmethod
    def of(cls, problem: Problem, density: Array) -> London:
        """density : (nodes,) |psi|^2."""
        screening = Screening.of(problem)
        space, mesh = screening.space, problem.mesh
        rho = density[mesh.node_of_vertex[mesh.cells]].mean(axis=0)
        if problem.cell_kinetic is not None:
            rho = rho * problem.cell_kinetic
        M = sp.csr_array(operators(mesh, None, None, rho).M1 + TINY * problem.operators.M1)
        free = unknown(space, space.walls, ONCE)
        matrix = sp.csr_array(screening.kS + spread(M, space.inner, space.gauge.size))
        return cls(problem, screening, M, space_solver(problem, matrix, free, PRECISE, ONCE), free)

    def state(self, turns: Array, t: float = 0.0, applied: bool = True) -> LondonState:
        """turns : (edges of the sample,) c;  the field of the drive at t, or none."""
        s, inner = self.screening, self.screening.space.inner
        base = s.potential(t) if applied else np.zeros(s.space.gauge.size)
        pull = np.zeros(base.size)
        pull[inner] = self.M @ (turns - base[inner])
        a = base.copy()
        a[self.free] += self.solve(pull[self.free], np.zeros(self.free.size))
        velocity = turns - a[inner]
        current = self.M @ velocity
        off = a - base
        return LondonState(a, current, velocity, float(current @ velocity), float(off @ (s.kS @ off)))

    def applied(self) -> Array:
        """a of the drive at t = 0 on edges of the sample."""
        return self.screening.potential(0.0)[self.screening.space.inner]

    def inner(self, state: LondonState) -> Array:
        """a on edges of the sample."""
        return state.a[self.screening.space.inner]

    def moment(self, state: LondonState) -> Array:
        """(3,) in I0 xi^2, I0 = j0 xi^2; films, per length xi: I0 = j0 xi."""
        return moment(self.problem.mesh, self.problem.operators, state.current)

    def flux(self, state: LondonState, name: str) -> float:
        """Through a hole, 2 pi a quantum."""
        return hole_flux(self.problem, self.screening, state.a, name)

    def inductance(self, turns: list[Array]) -> Inductance:
        """In mu0 xi (bodies) or mu0 xi^2 (films, times their length)."""
        return inductance(turns, [self.state(c, applied=False) for c in turns], self.problem.kappa**2)
