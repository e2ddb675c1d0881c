"""The static London state: |psi| frozen, the field of smallest energy (F. London and H. London, Proc. R. Soc. A 149, 71
(1935); with windings, F. London, Superfluids I (1950)).

    (M + kappa^2 S) a = M c + kappa^2 S a_applied,     M = int |psi|^2 u . v,     I = -M (a - c)

c is a closed cochain of the sample: 2 pi times the windings round its holes and its vortices.  Energy in F

    E = (a - c)^T M (a - c) + kappa^2 (a - a_applied)^T S (a - a_applied)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Problem
from fempslip.mesh.operators import operators
from fempslip.physics.maxwell import Screening, moment
from fempslip.solver.linear import factored
from fempslip.solver.self_field import spread

TINY = 1e-9  # of M1, where psi vanishes: a is then fixed up to a gradient


@dataclass(frozen=True, eq=False)
class LondonState:
    """a : on all edges of the space;  current : I on edges of the sample;  kinetic, magnetic : parts of the energy."""

    a: Array
    current: Array
    kinetic: float
    magnetic: float


@dataclass(frozen=True, eq=False)
class London:
    """A sample whose |psi| is frozen: one factorisation, then a state for any windings and field."""

    problem: Problem
    screening: Screening
    M: sp.csr_array  # on edges of the sample
    solve: Callable[[Array], Array]
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
        free = np.flatnonzero(~space.gauge)
        matrix = sp.csr_array(screening.kS + spread(M, space.inner, space.gauge.size))
        return cls(problem, screening, M, factored(sp.csr_array(matrix[free][:, free])), free)

    def state(self, turns: Array, t: float = 0.0, applied: bool = True) -> LondonState:
        """turns : (edges of the sample,) c;  the field of the drive at t, or none."""
        s, inner = self.screening, self.screening.space.inner
        base = s.potential(t) if applied else np.zeros(s.space.gauge.size)
        pull = np.zeros(base.size)
        pull[inner] = self.M @ (turns - base[inner])
        a = base.copy()
        a[self.free] += self.solve(pull[self.free])
        current = -(self.M @ (a[inner] - turns))
        off = a - base
        kinetic = float(-current @ (a[inner] - turns))
        return LondonState(a, current, kinetic, float(off @ (s.kS @ off)))

    def moment(self, state: LondonState) -> Array:
        return moment(self.problem.mesh, self.problem.operators, state.current, self.problem.kappa)

    def inductance(self, turns: list[Array]) -> Array:
        """L of holes in mu0 xi (bodies) or mu0 xi^2 (films, times their length), (holes, holes).

        Phi = L I: the fluxoids of the holes and the currents round them, geometric and kinetic parts together.
        turns : c of one quantum in each hole
        """
        currents = [self.state(c, applied=False).current for c in turns]
        round_holes = np.array([[c @ current / (2 * np.pi) for c in turns] for current in currents])
        return 2 * np.pi * self.problem.kappa**2 * np.linalg.inv(round_holes)
