"""Thermally activated phase slips of a long uniform wire: Langer and Ambegaokar (1967), McCumber and Halperin (1970).

    rate of slips in each direction   Omega = (L/u) sqrt3/(2 pi^(3/2)) sqrt(dF/T) exp(-dF/T)   pure relaxation of psi
                                            times 2 u s where the charge is conserved,  dF = 4 sqrt2/3
    s : growth rate of the saddle,    (1 + sqrt(1 + 8 u))/(4 u)   at gamma = 0
    resistance                        R = 8 pi^2 Omega/T,   V = 4 pi Omega sinh(2 pi j/T)

The law is the limit of low T: it takes the fluctuations about the state and about the saddle for Gaussian.  How far the
weight of a zero is from that is known exactly, `zeros_over_gauss`: 0.96 at T = 0.05, 0.83 at 0.2, 0.77 at 0.25.  Rates
follow it to a tenth or better.

T is k T in units of (Bc^2/mu0) xi A.  A material of another epsilon is one of its own xi, tau0 and energy:
L sqrt(eps), rates times eps, dF eps^(3/2).
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import eigh_tridiagonal

from fempslip.contract import Array

BARRIER = 4 * np.sqrt(2) / 3
COLDEST = 0.04  # T below which what the law leaves out is taken as proportional to T
POINTS = 4000


def barrier(epsilon: float = 1.0) -> float:
    """Energy of the saddle of a wire without current, in units of F."""
    return float(BARRIER * epsilon**1.5)


def rate(length: float, temperature: float, u: float, epsilon: float = 1.0, conserved: bool = True) -> float:
    """Slips per tau0 in each direction, gamma = 0."""
    x = barrier(epsilon) / temperature
    growth = 2 * u * (1 + np.sqrt(1 + 8 * u)) / (4 * u) if conserved else 1.0
    length, time = length * np.sqrt(epsilon), u / epsilon
    return float(length / time * np.sqrt(3) / (2 * np.pi**1.5) * np.sqrt(x) * np.exp(-x) * growth)


def zeros_over_gauss(temperature: float, epsilon: float = 1.0) -> float:
    """Density of psi = 0 at a point of a long wire in equilibrium, over its value for Gaussian fluctuations.

    exact         phi(0)^2 of the ground state of  -(T/4) lap + U/T,  U = -r^2 + r^4/2, in the plane of psi
    Gaussian      4 sqrt2 (2 sqrt2/pi)^(1/2) T^(-3/2) exp(-dF/T),  its WKB value with the radial mode at rest
    """
    t = temperature / epsilon**1.5
    if t < COLDEST:
        return 1 - (1 - zeros_over_gauss(COLDEST)) * t / COLDEST
    _, density = equilibrium(t)
    return float(density[0] * t**1.5 * np.exp(BARRIER / t) / (4 * np.sqrt(2) * np.sqrt(2 * np.sqrt(2) / np.pi)))


def equilibrium(temperature: float, points: int = POINTS) -> tuple[Array, Array]:
    """(r, density of psi over the plane at |psi| = r), (points,) each, of a long wire: the transfer operator
    (Scalapino, Sears and Ferrell 1972), on the midpoints of a uniform grid.
    """
    t = temperature
    h = (2 + 1.8 * t ** (1 / 3)) / points
    r, between = (np.arange(points) + 0.5) * h, np.arange(points + 1) * h
    u = -(r**2) + 0.5 * r**4 + 0.5
    diagonal = u / t + t / 4 * (between[1:] + between[:-1]) / (r * h**2)
    beside = -t / 4 * between[1:-1] / (h**2 * np.sqrt(r[1:] * r[:-1]))
    _, vectors = eigh_tridiagonal(diagonal, beside, select="i", select_range=(0, 0))
    square = vectors[:, 0] ** 2 / r
    return r, square / (2 * np.pi * h * (square @ r))


def resistance(rate: float, temperature: float) -> float:
    """In V0 over the unit of current, of slips at a rate in each direction."""
    return 8 * np.pi**2 * rate / temperature
