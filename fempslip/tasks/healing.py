"""Imprinted states relax before a run: a short time with u = 1, in which sound dies out and cores find their form."""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array, Problem
from fempslip.physics import superfluid
from fempslip.physics.applied import potential
from fempslip.physics.energy import LinkEnergy
from fempslip.solver.reactive import Factored

STEP = 0.1


def healed(problem: Problem, psi: Array, duration: float) -> Array:
    """psi after relaxing for `duration` by d_t psi = (eps - beta rho - mu_ext) psi + lap psi, in the drive of t = 0."""
    if duration == 0.0:
        return psi
    fluid, op = superfluid.fluid_of(problem), problem.operators
    count = int(np.ceil(duration / STEP))
    dt, one = duration / count, np.ones(op.nodes, dtype=complex)
    rest = problem.epsilon - superfluid.External(fluid.external).at(0.0)
    kinetic = Factored(LinkEnergy(op, rest).stiffness(potential(problem.drive, 0.0)), op.m, one)
    none, psi = np.zeros(op.nodes), psi.copy()
    for _ in range(count):
        superfluid.point(psi, 0.5 * dt, one, rest, problem.beta, none, none)
        psi = 2 * kinetic.middle(psi, dt)[0] - psi
        superfluid.point(psi, 0.5 * dt, one, rest, problem.beta, none, none)
    return psi
