"""Coefficients of variable-step BDF2 and of polynomial extrapolation."""

from __future__ import annotations

import numpy as np


def bdf(dt: float, last: float | None) -> tuple[float, float, float]:
    """(a1, h0, h1) of dx/dt = (a1 x_new - h0 x_now - h1 x_before)/dt at the new time; first order without `last`."""
    if last is None:
        return 1.0, 1.0, 0.0
    r = dt / last
    return (1 + 2 * r) / (1 + r), 1 + r, -r * r / (1 + r)


def weights(dt: float, steps: tuple[float, ...], count: int) -> tuple[float, ...]:
    """Weights of the last `count` states (2 or 3, newest first) in the polynomial through them, one step ahead.

    With fewer steps behind it the polynomial is of lower degree and the last weights are zero.
    """
    known = min(count, len(steps) + 1)
    times = -np.concatenate([[0.0], np.cumsum(steps[: known - 1])])
    found = [float(np.prod([(dt - s) / (t - s) for s in np.delete(times, k)])) for k, t in enumerate(times)]
    return (*found, *[0.0] * (count - known))
