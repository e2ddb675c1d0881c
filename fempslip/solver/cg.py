"""Conjugate gradients for alpha x + beta x* - (links x) = b: real-symmetric positive definite on (Re x, Im x).

Preconditioned by the 2x2 blocks of the diagonal: alpha z + beta z* = r gives
z = (alpha r - beta r*)/(alpha^2 - |beta|^2).
Fixed nodes (normal contacts, banks) keep their x.  At least one iteration is made: from a good start CG would return
unchanged at a loose tolerance and psi would coast.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fempslip.contract import Array

NOTHING = 1e-280  # of r^T P r: |psi| of some 1e-140, a normal sample; its squares would soon be 0, and 0/0 no number


@njit(cache=True, error_model="numpy", inline="always")
def row(i: int, start: Array, neighbour: Array, link: Array, alpha: Array, beta: Array, x: Array) -> complex:
    """alpha x + beta x* - (links x) at node i, in real numbers: twice as fast as complex products."""
    real = alpha[i] * x[i].real + beta[i].real * x[i].real + beta[i].imag * x[i].imag
    imag = alpha[i] * x[i].imag + beta[i].imag * x[i].real - beta[i].real * x[i].imag
    for k in range(start[i], start[i + 1]):
        y = x[neighbour[k]]
        real -= link[k].real * y.real - link[k].imag * y.imag
        imag -= link[k].real * y.imag + link[k].imag * y.real
    return complex(real, imag)


@njit(cache=True, error_model="numpy")
def begin(
    start: Array,
    neighbour: Array,
    link: Array,
    alpha: Array,
    beta: Array,
    free: Array,
    b: Array,
    x: Array,
    r: Array,
    p: Array,
    weight: Array,
) -> tuple[float, float]:
    """Residual r, direction p and weights of the preconditioner; (b^T P b, r^T P r)."""
    norm = 0.0
    rz = 0.0
    for i in range(x.size):
        weight[i] = 1.0 / (alpha[i] * alpha[i] - beta[i].real * beta[i].real - beta[i].imag * beta[i].imag)
        r[i] = 0.0
        p[i] = 0.0
        if free[i]:
            s = b[i] - row(i, start, neighbour, link, alpha, beta, x)
            z = (alpha[i] * s - beta[i] * s.conjugate()) * weight[i]
            bz = (alpha[i] * b[i] - beta[i] * b[i].conjugate()) * weight[i]
            norm += bz.real * b[i].real + bz.imag * b[i].imag
            rz += z.real * s.real + z.imag * s.imag
            r[i] = s
            p[i] = z
    return norm, rz


@njit(cache=True, error_model="numpy")
def product(
    start: Array, neighbour: Array, link: Array, alpha: Array, beta: Array, free: Array, p: Array, q: Array
) -> float:
    """q = A p on free nodes; p^T A p."""
    pq = 0.0
    for i in range(p.size):
        if free[i]:
            s = row(i, start, neighbour, link, alpha, beta, p)
            q[i] = s
            pq += s.real * p[i].real + s.imag * p[i].imag
    return pq


@njit(cache=True, error_model="numpy")
def correct(step: float, alpha: Array, beta: Array, weight: Array, p: Array, q: Array, x: Array, r: Array) -> float:
    """x += step p, r -= step q, q = P r; the new r^T P r.  At fixed nodes q was 0 and stays so."""
    new = 0.0
    for i in range(x.size):
        x[i] += step * p[i]
        s = r[i] - step * q[i]
        r[i] = s
        z = (alpha[i] * s - beta[i] * s.conjugate()) * weight[i]
        q[i] = z
        new += z.real * s.real + z.imag * s.imag
    return new


@njit(cache=True, error_model="numpy")
def solve(
    start: Array,
    neighbour: Array,
    link: Array,
    alpha: Array,
    beta: Array,
    free: Array,
    b: Array,
    x: Array,
    tolerance: float,
    most: int,
    reduction: float = 0.0,
    room: Array | None = None,
) -> int:
    """Solve in place for x : (nodes,) complex, to a residual <= tolerance |b| or <= reduction times the first one.

    An iteration reads the links once (16 + 4 bytes an entry) and about 200 bytes a node.
    room : (4, nodes) complex to work in, which need hold nothing: fresh memory is dear at every step
    Returns the iterations made, or -1 if `most` were not enough (or the numbers are not finite).
    """
    space = np.empty((4, x.size), dtype=x.dtype) if room is None else room
    r, p, q, weight = space[0], space[1], space[2], space[3].view(np.float64)[: x.size]
    q[:] = 0.0
    norm, rz = begin(start, neighbour, link, alpha, beta, free, b, x, r, p, weight)
    enough = max(tolerance * tolerance * norm, reduction * reduction * rz)
    for iteration in range(most):
        if rz < NOTHING:
            return iteration
        step = rz / product(start, neighbour, link, alpha, beta, free, p, q)
        new = correct(step, alpha, beta, weight, p, q, x, r)
        if not np.isfinite(new):
            return -1
        if new <= enough:
            return iteration + 1
        turn = new / rz
        rz = new
        for i in range(p.size):
            p[i] = q[i] + turn * p[i]
    return -1
