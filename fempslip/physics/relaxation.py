"""Relaxation of the order parameter (generalized time-dependent Ginzburg-Landau equation).

    u / sqrt(1 + gamma^2 |psi|^2) (d_t + i mu + gamma^2/2 d_t|psi|^2) psi = (eps - beta |psi|^2) psi + (grad - iA)^2 psi

(L. Kramer and R. J. Watts-Tobin, Phys. Rev. Lett. 40, 1041 (1978)).  In temporal gauge mu is part of A, and
the left side is a real, symmetric, positive 2x2 matrix R acting on (Re, Im) d_t psi:

    R v = u/s (v + gamma^2 psi Re(psi* v)),   s = sqrt(1 + gamma^2 |psi|^2)

u/s along the phase, u s along the amplitude.  Written with complex numbers R v = A v + B v*.
"""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array


def relaxation(psi: Array, u: Array, gamma: Array) -> tuple[Array, Array]:
    """(A, B) of R v = A v + B v*:  A = u/s (1 + gamma^2 |psi|^2 / 2), B = u/s gamma^2/2 psi^2; each (nodes,)."""
    rho = np.abs(psi) ** 2
    s = np.sqrt(1 + gamma**2 * rho)
    return u / s * (1 + 0.5 * gamma**2 * rho), u / s * 0.5 * gamma**2 * psi**2


def rate_of(force: Array, psi: Array, u: Array, gamma: Array) -> Array:
    """d_t psi = -R^-1 force/m written out: -(s/u) (force - gamma^2/s^2 psi Re(psi* force)); force per unit volume."""
    s2 = 1 + gamma**2 * np.abs(psi) ** 2
    return -np.sqrt(s2) / u * (force - gamma**2 / s2 * psi * np.real(psi.conj() * force))


def dissipation(psi: Array, rate: Array, u: Array, gamma: Array) -> Array:
    """2 (d_t psi)^T R (d_t psi) of each node per unit volume, in units of energy (F) per tau0; (nodes,)."""
    a, b = relaxation(psi, u, gamma)
    return 2 * np.real(rate.conj() * (a * rate + b * rate.conj()))
