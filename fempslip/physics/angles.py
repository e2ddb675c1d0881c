"""Arguments of complex numbers without a branch, so that several are done at once: a third of the library's time;
and the largest of many turns.

The rational function is that of Cephes (S. L. Moshier), good to 2e-16 up to 0.66; beyond, atan q = pi/4 +
atan (q - 1)/(q + 1).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fempslip.contract import Array


@njit(cache=True, error_model="numpy")
def angle(x: float, y: float) -> float:
    """arg(x + iy), 0 at 0; inside a loop it becomes part of it."""
    small, large = min(abs(x), abs(y)), max(abs(x), abs(y))
    far = small > 0.66 * large
    r = (small - large if far else small) / ((small + large if far else large) + 1e-300)
    z = r * r
    p = -0.8750608600031904 * z - 16.157537187333651
    p = ((p * z - 75.00855792314705) * z - 122.88666844901361) * z - 64.85021904942025
    q = ((z + 24.858464901423063) * z + 165.02700983169885) * z + 432.8810604912903
    q = (q * z + 485.3903996359137) * z + 194.5506571482614
    found = r + r * z * p / q + (0.25 * np.pi if far else 0.0)
    found = 0.5 * np.pi - found if abs(y) > abs(x) else found
    found = np.pi - found if x < 0.0 else found
    return -found if y < 0.0 else found


@njit(cache=True, error_model="numpy")
def arguments(psi: Array, out: Array) -> None:
    """arg psi of every node; 0 where psi is 0."""
    for i in range(psi.size):
        out[i] = angle(psi[i].real, psi[i].imag)


@njit(cache=True, error_model="numpy")
def largest(turns: Array) -> float:
    """The largest of these numbers, 0 if all are negative.

    Positive numbers have the order of their bits read as integers, whose largest is found for several at once.
    """
    bits, top = turns.view(np.int64), np.zeros(1, dtype=np.int64)
    most = np.int64(0)
    for i in range(bits.size):
        most = max(most, bits[i])
    top[0] = most
    return top.view(np.float64)[0]
