"""Minimisation by L-BFGS with a preconditioner and an exact line.

D. C. Liu and J. Nocedal, Math. Program. 45, 503 (1989).

Generic: the line is given as a function that goes to the first minimum along a direction.  There is nothing to tune.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array

MEMORY = 12
REFRESH = 200  # iterations after which what a line carries along is computed afresh


@dataclass(frozen=True, eq=False)
class Descent:
    """Where a descent ended."""

    psi: Array
    residual: float
    iterations: int
    converged: bool


def lbfgs(
    psi: Array,
    start: Callable[[Array], tuple[Array, Array]],
    line: Callable[[Array, Array, Array, Array], tuple[float, Array, Array, Array]],
    precondition: Callable[[Array], Array],
    residual: Callable[[Array], float],
    tolerance: float,
    most: int = 20000,
    told: Callable[[int, float], None] = lambda iteration, residual: None,
) -> Descent:
    """Descend from psi : (nodes,) complex until residual(force) <= tolerance.

    start(psi) -> (carried, force);  line(psi, carried, force, direction) -> (s, psi, carried, force)
    """
    carried, force = start(psi)
    steps: list[Array] = []
    changes: list[Array] = []
    products: list[float] = []
    now, iteration = residual(force), 0
    while now > tolerance and iteration < most:
        d = -_inverse(force, steps, changes, products, precondition)
        if np.vdot(d, force).real >= 0:
            steps, changes, products = [], [], []
            d = -precondition(force)
        s, new, carried, new_force = line(psi, carried, force, d)
        step, change = new - psi, new_force - force
        product = np.vdot(step, change).real
        if product > 0:
            steps, changes, products = (
                [*kept[-MEMORY + 1 :], value] for kept, value in ((steps, step), (changes, change), (products, product))
            )
        psi, force = new, new_force
        iteration += 1
        if iteration % REFRESH == 0:
            carried, force = start(psi)
        now = residual(force)
        told(iteration, now)
    return Descent(psi, now, iteration, now <= tolerance)


def _inverse(
    force: Array,
    steps: list[Array],
    changes: list[Array],
    products: list[float],
    precondition: Callable[[Array], Array],
) -> Array:
    """The approximate inverse curvature times the force: two loops over the last steps."""
    q = force.copy()
    shares = []
    for s, y, sy in zip(reversed(steps), reversed(changes), reversed(products), strict=True):
        share = np.vdot(s, q).real / sy
        q -= share * y
        shares.append(share)
    z = precondition(q)
    for s, y, sy, share in zip(steps, changes, products, reversed(shares), strict=True):
        z += (share - np.vdot(y, z).real / sy) * s
    return z
