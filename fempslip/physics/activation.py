"""Thermally activated phase slips of a long uniform wire: Langer and Ambegaokar (1967), McCumber and Halperin (1970).

    rate of slips in each direction   Omega = (L/u) sqrt3/(2 pi^(3/2)) sqrt(dF/T) exp(-dF/T)   pure relaxation of psi
                                            times 2 u s where the charge is conserved,  dF = 4 sqrt2/3
    s : growth rate of the saddle,    (1 + sqrt(1 + 8 u))/(4 u)   at gamma = 0
    resistance                        R = 8 pi^2 Omega/T,   V = 4 pi Omega sinh(2 pi j/T)

T is k T in units of (Bc^2/mu0) xi A.  A material of another epsilon is one of its own xi, tau0 and energy:
L sqrt(eps), rates times eps, dF eps^(3/2).
"""

from __future__ import annotations

import numpy as np

BARRIER = 4 * np.sqrt(2) / 3


def barrier(epsilon: float = 1.0) -> float:
    """Energy of the saddle of a wire without current, in units of F."""
    return float(BARRIER * epsilon**1.5)


def rate(length: float, temperature: float, u: float, epsilon: float = 1.0, conserved: bool = True) -> float:
    """Slips per tau0 in each direction, gamma = 0."""
    x = barrier(epsilon) / temperature
    growth = 2 * u * (1 + np.sqrt(1 + 8 * u)) / (4 * u) if conserved else 1.0
    length, time = length * np.sqrt(epsilon), u / epsilon
    return float(length / time * np.sqrt(3) / (2 * np.pi**1.5) * np.sqrt(x) * np.exp(-x) * growth)


def resistance(rate: float, temperature: float) -> float:
    """In V0 over the unit of current, of slips at a rate in each direction."""
    return 8 * np.pi**2 * rate / temperature
