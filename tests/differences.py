"""A hot wire by finite differences: a second program for E4 and E5, which shares nothing with the first.

    u dpsi/dt = (1 - |psi|^2) psi + D^2 psi + zeta,      da/dt = h (J_s - j) + noise in every cell

Uniform grid, open ends; explicit Heun with the same noise in both stages.  In an open wire the total current is j in
every cell, so no equation for the potential is left: the normal current of the cell moves its link.
"""

from __future__ import annotations

from math import atan2, cos, pi, sin, sqrt

import numpy as np
from numba import njit


def net_winding(length, h, temperature, u, dt, time, seed, current=0.0, inside=5.0, every=2.0):
    """(t, N): net number of slips of the stretch `inside` the ends, an integer every 2 tau0."""
    low, high = round(inside / h), round((length - inside) / h)
    steps, pace = round(time / dt), round(every / dt)
    turns = _march(round(length / h) + 1, h, temperature, u, dt, current, steps, pace, low, high, seed)
    n = np.rint(turns - turns[0])
    assert np.abs(turns - turns[0] - n).max() < 1e-6  # it is an integer by itself
    return every * np.arange(n.size), n


@njit(cache=True)
def _march(n, h, temperature, u, dt, j, steps, every, low, high, seed):
    np.random.seed(seed)
    psi, a = np.ones(n, dtype=np.complex128), np.zeros(n - 1)
    now, links = psi.copy(), a.copy()
    f, fa = np.zeros((2, n), dtype=np.complex128), np.zeros((2, n - 1))
    z, za = np.zeros(n, dtype=np.complex128), np.zeros(n - 1)
    side, cell = sqrt(temperature * dt / (h * u)), sqrt(temperature * dt * h)
    c = 1 / (h * h * u)
    turn = np.zeros(2)
    found = np.zeros(steps // every)
    for k in range(steps):
        for i in range(n):
            half = sqrt(2.0) if i == 0 or i == n - 1 else 1.0  # half a cell
            z[i] = half * side * complex(np.random.normal(), np.random.normal())
        for i in range(n - 1):
            za[i] = cell * np.random.normal()
        for stage in range(2):
            for i in range(n):
                f[stage, i] = (1 - now[i].real ** 2 - now[i].imag ** 2) / u * now[i]
            for i in range(n - 1):
                link = complex(cos(links[i]), sin(links[i]))
                ahead = link.conjugate() * now[i + 1]
                d = c * (ahead - now[i])
                f[stage, i] += 2 * d if i == 0 else d
                f[stage, i + 1] -= link * (2 * d if i == n - 2 else d)
                fa[stage, i] = (now[i].conjugate() * ahead).imag - h * j
            if stage == 0:
                now[:] = psi + dt * f[0] + z
                links[:] = a + dt * fa[0] + za
        now[:] = psi + 0.5 * dt * (f[0] + f[1]) + z
        for q in range(2):
            i = low if q == 0 else high
            step = psi[i].conjugate() * now[i]
            turn[q] += atan2(step.imag, step.real)
        psi[:] = now
        a += 0.5 * dt * (fa[0] + fa[1]) + za
        links[:] = a
        if k % every == 0:
            total = turn[1] - turn[0]
            for i in range(low, high):
                d = psi[i].conjugate() * complex(cos(a[i]), -sin(a[i])) * psi[i + 1]
                total -= a[i] + atan2(d.imag, d.real)
            found[k // every] = total / (2 * pi)
    return found
