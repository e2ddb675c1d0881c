"""Thin films with their own field (`screening: pearl`): the current and the potential that it induces, solved together.

    a_ind = L I / Lambda,   Lambda = lambda^2/d in xi (the Pearl length of most papers is 2 Lambda: J. Pearl, Appl. Phys.
    Lett. 5, 65 (1964));   E = -d_t(a_app + a_ind) - G mu,   I = I_s + M1 E,   G^T I = -s

L is physics.biot_savart; s the current fed in at nodes.  In one step of BDF2 with leading coefficient 1/q:

    (1 + L M1/(Lambda q)) E + G mu = -d_t a_app + H/q - L I_s/(Lambda q),    G^T M1 E = -s - G^T I_s

H the history of a_ind.  The static London state has the same form, with the superfluid velocity v for E:

    (1 + L M_s/Lambda) v + G chi = theta - a_app,    I = M_s v,   G^T I = -s

theta the phases of edges, which hold vortices and fluxoids.  Both are solved by CG in the scalar product of the metric M
among the fields with G^T M x given: symmetric because L is.  Circulating currents round holes are in the kernel of G^T
and need no unknown of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Failure
from fempslip.physics.biot_savart import BiotSavart

LIMIT = 200  # iterations

Poisson = Callable[[Array], Array]  # solution of G^T M G y = b, b of sum zero


@dataclass(frozen=True, eq=False)
class Flow:
    """Solution of (1 + c L M) x + G y = b - c L base with G^T(base + M x) = -s.

    current : base + M x;  induced : L current (without c)
    """

    x: Array
    y: Array
    current: Array
    induced: Array
    iterations: int


@dataclass(frozen=True, eq=False)
class Sheath:
    """What the solve needs of a film: L, the metric M, G and the Poisson solver of G^T M G."""

    law: BiotSavart
    metric: sp.csr_array
    G: sp.csr_array
    poisson: Poisson

    def project(self, x: Array, target: Array) -> tuple[Array, Array]:
        """(x + G y, y) with G^T M (x + G y) = target."""
        y = self.poisson(target - self.G.T @ (self.metric @ x))
        return x + self.G @ y, y

    def solve(
        self, c: float, b: Array, base: Array, s: Array, start: Array, tolerance: float, floor: float = 0.0,
        smoother: Callable[[Array], Array] | None = None,
    ) -> Flow:  # fmt: skip
        """CG from `start`, until the residual's norm is below tolerance times that of the current, or floor.

        smoother : self-adjoint in the metric, close to the inverse of 1 + c L M
        """
        law, m, g = self.law, self.metric, self.G
        x, _ = self.project(start, -s - g.T @ base)
        current = base + m @ x
        induced = law.circulations(current)
        residual = b - x - c * induced
        nothing = np.zeros(g.shape[1])
        z, y = self.project(residual, nothing)

        def enough(rest: Array) -> bool:
            scale = float(law.sheet.m @ np.abs(law.density(current)) ** 2)
            return float(rest @ (m @ rest)) <= tolerance**2 * scale + floor**2 * float(law.sheet.m.sum())

        if enough(z):
            return Flow(x, -y, current, induced, 0)
        rest, p, last = z, np.zeros_like(z), 1.0
        for count in range(1, LIMIT + 1):
            z = rest if smoother is None else self.project(smoother(rest), nothing)[0]
            rho = float(rest @ (m @ z))
            p = z + (rho / last if count > 1 else 0.0) * p
            last = rho
            flow = m @ p
            a = law.circulations(flow)
            image = p + c * a
            alpha = rho / float(image @ flow)
            x, current, induced = x + alpha * p, current + alpha * flow, induced + alpha * a
            residual = residual - alpha * image
            rest, y = self.project(residual, nothing)
            if enough(rest):
                return Flow(x, -y, current, induced, count)
        raise Failure("the film's own field did not converge: check the mesh for degenerate cells")


@dataclass(frozen=True, eq=False)
class London:
    """A static state.  current : (edges,);  a_ind : (edges,);  chi : (nodes,);  velocity v : (edges,)."""

    current: Array
    a_ind: Array
    chi: Array
    velocity: Array
    iterations: int


def london(sheath: Sheath, Lambda: float, phases: Array, a_app: Array, s: Array | None = None,
           tolerance: float = 1e-8) -> London:  # fmt: skip
    """The currents of a film with |psi| frozen; sheath.metric is M_s, the edge mass weighted by d q |psi|^2.

    phases : (edges,) theta, closed but for the vortices and fluxoids that they hold;  s : (nodes,) current fed in
    """
    nodes = sheath.G.shape[1]
    none = np.zeros(phases.size)
    s = np.zeros(nodes) if s is None else s
    found = sheath.solve(1 / Lambda, phases - a_app, none, s, none, tolerance)
    return London(found.current, found.induced / Lambda, found.y, found.x, found.iterations)


def energy(state: London) -> float:
    """Kinetic and magnetic energy in units of F: sum of I_e v_e + I_e a_ind,e."""
    return float(state.current @ (state.velocity + state.a_ind))


def moment(law: BiotSavart, current: Array) -> float:
    """1/2 int r x k, perpendicular, in j0 d xi^3: about the centre, on which it does not depend without terminals."""
    sheet = law.sheet
    j = law.density(current) * sheet.m
    r = sheet.centre[0] + 1j * sheet.centre[1]
    return float(0.5 * np.imag(np.conj(r - r.mean()) * j).sum())
