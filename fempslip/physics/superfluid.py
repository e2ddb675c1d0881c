"""The reactive condensate: a superfluid, from pure Gross-Pitaevskii flow to damped flow.

    u (d_t + i mu_ext) psi = (eps - beta |psi|^2) psi + (grad - iA)^2 psi,    u complex at each node

u = -i is the equation of Gross and Pitaevskii, i d_t psi = -lap psi + (|psi|^2 - 1 + mu_ext) psi, with lengths in
xi = hbar/sqrt(2 m mu0), times in hbar/mu0 and chemical potentials in mu0: sound has c = sqrt 2 and a flow v = 2 grad
theta.  u = gamma - i is damped flow (L. P. Pitaevskii, Sov. Phys. JETP 8, 282 (1959)).  The energy

    E = sum_i m_i ((mu_ext - eps_i) |psi_i|^2 + 1/2 beta_i |psi_i|^4) + sum_e w_e |psi_j - exp(i a_e) psi_i|^2

is that of physics.energy; without damping it and the mass sum m |psi|^2 are conserved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numba import njit

from fempslip.contract import Array, Fluid, Landscape, Operators, Problem
from fempslip.physics.applied import potential
from fempslip.physics.energy import LinkEnergy

SOUND = np.sqrt(2.0)  # speed of sound in xi mu0/hbar
SAFETY = 0.7  # of the limit of the resonance
ACCURATE = 0.1  # longest step for accuracy
TINY = 1e-10


@njit(cache=True, error_model="numpy")
def point(psi: Array, h: float, u: Array, epsilon: Array, beta: Array, external: Array, outlet: Array) -> None:
    """The part of the equation without gradients, exactly, over a time h, in place.

    rho = |psi|^2, 1/u = G + iB:  rho' = 2 G rho (eps - beta rho), so with E = exp(-2 G eps h)
        f = rho(h)/rho(0) = 1/(E + beta rho (1 - E)/eps),   S = integral of (eps - beta rho) dt = ln f/(2 G)
        psi <- psi sqrt f exp(i B S - i mu_ext h)
    At an outlet sound leaves through its impedance, J.n = (rho - n)/sqrt 2:  rho' = -sqrt 2 (s/m) rho (rho - n)/n with
    n the density at rest, the same law with other letters.
    """
    for i in range(psi.size):
        rho = psi[i].real * psi[i].real + psi[i].imag * psi[i].imag
        inverse = 1.0 / u[i]
        g = inverse.real
        f, s = logistic(rho, g, epsilon[i], beta[i], h)
        angle = inverse.imag * s - external[i] * h
        n = (epsilon[i] - external[i]) / beta[i]
        if outlet[i] > 0.0 and n > 0.0:
            f = f * logistic(rho * f, outlet[i] / np.sqrt(2.0), 1.0, 1.0 / n, h)[0]
        psi[i] = psi[i] * np.sqrt(f) * complex(np.cos(angle), np.sin(angle))


@njit(cache=True, error_model="numpy")
def logistic(rho: float, g: float, epsilon: float, beta: float, h: float) -> tuple[float, float]:
    """(f, S) of rho' = 2 g rho (eps - beta rho) over h."""
    x = 2.0 * g * h
    if abs(x) < TINY:
        s = (epsilon - beta * rho) * h
        return 1.0 + 2.0 * g * s, s
    e = np.exp(-x * epsilon)
    share = x if abs(x * epsilon) < TINY else (1.0 - e) / epsilon
    f = 1.0 / (e + beta * rho * share)
    return f, np.log(f) / (2.0 * g)


@njit(cache=True, error_model="numpy")
def hold(psi: Array, rate: Array, h: float, n: Array, angle: float) -> None:
    """A reservoir draws |psi| to sqrt n and the phase to `angle`, each by exp(-rate h), in place.

    Each by itself: drawing psi as a complex number would take mass out wherever the fluid is out of phase.
    """
    for i in range(psi.size):
        if rate[i] > 0.0:
            left = np.exp(-rate[i] * h)
            size = np.sqrt(n[i]) + (abs(psi[i]) - np.sqrt(n[i])) * left
            away = psi[i] * complex(np.cos(angle), -np.sin(angle))
            turn = angle + np.arctan2(away.imag, away.real) * left
            psi[i] = size * complex(np.cos(turn), np.sin(turn))


def field_energy(problem: Problem, a: Array, electric: Array | None, t: float) -> float:
    """epsilon E^T M1 E + kappa^2 (a - a_app)^T S (a - a_app) of a charged condensate, 0 of a neutral one."""
    fluid, op = fluid_of(problem), problem.operators
    if electric is None:
        return 0.0
    value = fluid.permittivity * float(electric @ (op.M1 @ electric))
    if op.S is None:
        return value
    own = a - potential(problem.drive, t)
    return value + fluid.kappa**2 * float(own @ (op.S @ own))


@njit(cache=True, error_model="numpy")
def local_potential(
    psi: Array,
    link: Array,
    start: Array,
    neighbour: Array,
    diagonal: Array,
    m: Array,
    epsilon: Array,
    beta: Array,
    external: Array,
    out: Array,
) -> None:
    """Re psi* (H psi) of each node: m rho times the chemical potential there, H = m^-1 K + beta rho - eps + mu_ext."""
    for i in range(psi.size):
        p = psi[i]
        rho = p.real * p.real + p.imag * p.imag
        s = diagonal[i] * rho + m[i] * rho * (beta[i] * rho - epsilon[i] + external[i])
        for k in range(start[i], start[i + 1]):
            s -= (p.conjugate() * link[k] * psi[neighbour[k]]).real
        out[i] = s


def energy(problem: Problem, psi: Array, a: Array, epsilon: Array, external: Array) -> float:
    """E of psi in the links a."""
    rho = np.abs(psi) ** 2
    own = LinkEnergy(problem.operators, epsilon, problem.beta).value(psi, a)
    return own + float((problem.operators.m * external) @ rho)


def largest_wave(op: Operators) -> float:
    """The largest eigenvalue of m^-1 K, by Lanczos from a fixed start; about 4/h^2 in wires, 9.5/h^2 in films,
    20/h^2 in bodies.  Links only turn phases: they lower it, if anything.
    """
    n = op.nodes
    scale = sp.diags_array(1.0 / np.sqrt(op.m))
    k = sp.csr_array(scale @ (op.G.T @ sp.diags_array(op.w) @ op.G) @ scale)
    if n < 40:
        return float(np.linalg.eigvalsh(k.toarray())[-1])
    start = np.random.default_rng(0).standard_normal(n)
    found = spl.eigsh(k, k=1, which="LA", v0=start, tol=1e-3, return_eigenvectors=False)
    return float(found[0])


def longest_step(op: Operators, density: float) -> float:
    """The step below which no grid wave grows, sqrt(2 / (lambda density)).

    Above it the Crank-Nicolson phase of a grid wave and twice the phase of the density reach pi together; the wave
    then grows slowly out of rounding, without a change of mass.
    """
    return float(np.sqrt(2.0 / (largest_wave(op) * density)))


@dataclass(frozen=True, eq=False)
class External:
    """The external chemical potential at any time, made anew only when it has changed."""

    landscape: Landscape
    kept: dict[str, Any] = field(default_factory=dict)

    def at(self, t: float) -> Array:
        """(nodes,)."""
        land = self.landscape
        if not land.factors:
            return land.constant
        values = tuple(f.value(t) for f in land.factors)
        if self.kept.get("values") != values:
            self.kept.update(values=values, external=land.constant + np.array(values) @ land.patterns)
        return self.kept["external"]


def density_at_rest(fluid: Fluid, epsilon: Array, beta: Array, t: float, head: float = 0.0) -> Array:
    """(eps + head - mu_ext)/beta, not below 0: the density of fluid at rest with the chemical potential `head`."""
    return np.maximum(epsilon + head - External(fluid.external).at(t), 0.0) / beta


def fluid_of(problem: Problem) -> Fluid:
    if problem.fluid is None:
        raise ValueError("reactive dynamics wants Problem.fluid")
    return problem.fluid
