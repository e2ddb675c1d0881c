"""The static London state of a thin film in its own field, with the words of solver.london.London.

    (1 + L M/Lambda) v + G chi = c - a_applied,    I = M v,    G^T I = 0         (physics.pearl)

Energy in F: I . v, the kinetic part, and I . a_ind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Problem
from fempslip.mesh.cochains import uniform_field
from fempslip.physics import pearl
from fempslip.physics.applied import potential
from fempslip.physics.biot_savart import BiotSavart
from fempslip.solver.linear import poisson_solver
from fempslip.solver.london import Inductance, LondonState, inductance


@dataclass(frozen=True, eq=False)
class FilmLondon:
    """A film whose |psi| is frozen: one factorisation, then a state for any windings and field."""

    problem: Problem
    sheath: pearl.Sheath

    @classmethod
    def of(cls, problem: Problem, density: Array) -> FilmLondon:
        """density : (nodes,) |psi|^2."""
        op = problem.operators
        i, j = op.edges
        metric = pearl.superfluid(op.w, np.sqrt(density[i] * density[j]))
        law = BiotSavart.of(problem.mesh, op)
        return cls(problem, pearl.sheath_of(law, metric, op.G, lambda k: poisson_solver(sp.csr_array(k), 2)))

    def state(self, turns: Array, t: float = 0.0, applied: bool = True) -> LondonState:
        """turns : (edges,) c;  the field of the drive at t, or none."""
        base = potential(self.problem.drive, t) if applied else np.zeros(turns.size)
        found = pearl.london(self.sheath, self.problem.Lambda, turns, base)
        kinetic, magnetic = (float(found.current @ part) for part in (found.velocity, found.a_ind))
        return LondonState(base + found.a_ind, found.current, found.velocity, kinetic, magnetic)

    def applied(self) -> Array:
        """a of the drive at t = 0, (edges,)."""
        return potential(self.problem.drive, 0.0)

    def inner(self, state: LondonState) -> Array:
        return state.a

    def moment(self, state: LondonState) -> Array:
        """(3,) in I0 xi^2, I0 = j0 xi d."""
        unit = uniform_field(self.problem.mesh, self.problem.operators, 1.0)
        return np.array([0.0, 0.0, float(state.current @ unit)])

    def flux(self, state: LondonState, name: str) -> float:
        """Through a hole, 2 pi a quantum, from A on its rim."""
        p = self.problem
        chain = pearl.rim(p.mesh, p.operators, name)
        return pearl.flux(self.sheath.law, p.mesh, chain, self.applied(), state.current, p.Lambda)

    def inductance(self, turns: list[Array]) -> Inductance:
        """In mu0 xi."""
        return inductance(turns, [self.state(c, applied=False) for c in turns], self.problem.Lambda)
