"""The step of a charged condensate in temporal gauge, with displacement current: one more factor in Strang's product.

  i d_t psi = (|psi|^2 - eps) psi - (grad - iA)^2 psi,   eps0 M1 d_t^2 a + sigma M1 d_t a + kappa^2 S (a - a_app) = I_s

eps0 = 1/wp^2 is the permittivity, kappa^2/eps0 the square of the speed of light, E = -d_t a.  A step is

    point(dt/2) maxwell(dt/2) kinetic(dt) maxwell(dt/2) point(dt/2)

maxwell: the implicit midpoint rule of the empty field.  kinetic: psi to the new time at the links of the middle, and
the kick of E by the supercurrent I_s of the *midpoint* of psi: then m (|psi_new|^2 - |psi|^2)/2 = dt G^T I_s holds
exactly, and with G^T S = 0 Gauss's law  eps0 G^T M1 d_t a = m (|psi|^2 - eps)/2  is kept to rounding (sigma = 0).
In bodies the energy is that of physics.barycentric, whose cells are positive: with link phases an a that is free grows
out of rounding where weights are negative.  At the surface b is the applied field: there is no vacuum around.
(P. W. Anderson, Phys. Rev. 130, 439 (1963): the sound of the condensate becomes the plasma oscillation.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Problem, Refusal, State, Trial
from fempslip.physics import superfluid
from fempslip.physics.applied import potential
from fempslip.physics.graph import Graph, graph
from fempslip.physics.landscape import Epsilon
from fempslip.physics.maxwell import Kinetics
from fempslip.solver.linear import factored
from fempslip.solver.reactive import Iterated, not_converged, rounded
from fempslip.solver.strang import largest_turn

TOLERANCE = 1e-12  # of the kinetic step: Gauss's law is kept as well as this is solved


@dataclass(frozen=True, eq=False)
class Charged:
    """contract.Stepper for charged condensates.  e in the state is E along edges, -d_t a."""

    problem: Problem
    graph: Graph
    epsilon: Epsilon
    external: superfluid.External
    kinetic: Iterated
    kinetics: Kinetics
    mass: Callable[[Array], Array]  # solver of eps0 M1
    kept: dict[float, Callable[[Array], Array]] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> Charged:
        fluid, op, g = superfluid.fluid_of(problem), problem.operators, graph(problem.operators)
        if problem.clock.fixed is None or np.any(fluid.rate != -1j):
            raise Refusal("a charged condensate is marched at a fixed step and without damping")
        mass = factored(sp.csr_array(fluid.permittivity * op.M1))
        external = superfluid.External(fluid.external)
        return cls(problem, g, Epsilon(problem), external, Iterated(g, op.m, TOLERANCE), Kinetics.of(problem, g), mass)

    @property
    def ladder(self) -> bool:
        return False

    def declare(self) -> Mapping[str, int]:
        return {"psi": 1, "a": 1, "e": 1}

    def begin(self) -> State:
        """Gauss's law holds: eps0 K phi = -m (|psi|^2 - eps - its mean)/2, E = -grad phi; or a and E are given."""
        p, op, fluid = self.problem, self.problem.operators, superfluid.fluid_of(self.problem)
        if p.begun is not None and p.begun.e is not None:
            history = {"psi": (p.psi,), "a": (p.begun.a,), "e": (p.begun.e,)}
            return State(0, 0.0, float(p.clock.fixed or 0.0), (), history)
        charge = 0.5 * op.m * (np.abs(p.psi) ** 2 - p.epsilon)
        charge -= op.m * charge.sum() / op.m.sum()
        k = sp.csr_array(fluid.permittivity * (op.G.T @ op.M1 @ op.G))
        phi = np.zeros(op.nodes)
        phi[1:] = factored(sp.csr_array(k[1:][:, 1:]))(charge[1:])
        history = {"psi": (p.psi,), "a": (potential(p.drive, 0.0),), "e": (-(op.G @ phi),)}
        return State(0, 0.0, float(p.clock.fixed or 0.0), (), history)

    def restart(self, state: State) -> State:
        return replace(state, next_dt=float(self.problem.clock.fixed or state.next_dt))

    def attempt(self, state: State, dt: float) -> Trial:
        t, old = state.t, state["psi"]
        psi, rate = old.copy(), -state["e"]
        self.pointwise(psi, 0.5 * dt, t + 0.25 * dt)
        a, rate = self.maxwell(state["a"], rate, 0.5 * dt, t + 0.25 * dt)
        link, weight = self.kinetics.links(a)
        middle, count = self.kinetic.middle(psi, link, dt, weight)
        if count < 0:
            raise not_converged(t)
        psi = 2 * middle - psi
        rate = rate + dt * self.mass(self.kinetics.currents(middle, a))
        a, rate = self.maxwell(a, rate, 0.5 * dt, t + 0.75 * dt)
        self.pointwise(psi, 0.5 * dt, t + 0.75 * dt)
        error = 0.0 if np.isfinite(psi.sum()) and np.isfinite(rate.sum()) else np.nan
        return Trial(dt, {"psi": psi, "a": a, "e": -rate}, {"psi": error}, largest_turn(old, psi), count)

    def pointwise(self, psi: Array, h: float, t: float) -> None:
        p = self.problem
        fluid = superfluid.fluid_of(p)
        superfluid.point(psi, h, fluid.rate, self.epsilon.at(t), p.beta, self.external.at(t), fluid.outlet)

    def maxwell(self, a: Array, rate: Array, h: float, t: float) -> tuple[Array, Array]:
        """Implicit midpoint of d_t a = rate, eps0 M1 d_t rate = -sigma M1 rate - kappa^2 S (a - a_app)."""
        op, fluid = self.problem.operators, superfluid.fluid_of(self.problem)
        if op.S is None and not fluid.conductivity:
            return a + h * rate, rate
        right = fluid.permittivity * (op.M1 @ rate)
        if op.S is not None:
            right -= 0.5 * h * fluid.kappa**2 * (op.S @ (a - potential(self.problem.drive, t)))
        middle = self.solver(h)(right)
        return a + h * middle, 2 * middle - rate

    def solver(self, h: float) -> Callable[[Array], Array]:
        h = rounded(h)
        if h in self.kept:
            return self.kept[h]
        op, fluid = self.problem.operators, superfluid.fluid_of(self.problem)
        matrix = (fluid.permittivity + 0.5 * fluid.conductivity * h) * op.M1
        if op.S is not None:
            matrix = matrix + (0.5 * h * fluid.kappa) ** 2 * op.S
        if len(self.kept) > 2:
            del self.kept[next(iter(self.kept))]
        self.kept[h] = factored(sp.csr_array(matrix))
        return self.kept[h]


def gauss(problem: Problem, state: State) -> Array:
    """eps0 G^T M1 d_t a - m (|psi|^2 - eps)/2, (nodes,): constant in time."""
    op, fluid = problem.operators, superfluid.fluid_of(problem)
    charge = 0.5 * op.m * (np.abs(state["psi"]) ** 2 - problem.epsilon)
    return -fluid.permittivity * (op.G.T @ (op.M1 @ state["e"])) - charge
