"""Coefficients of variable-step BDF2 and of polynomial extrapolation."""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array


def bdf(dt: float, last: float | None) -> tuple[float, float, float]:
    """(a1, h0, h1) of dx/dt = (a1 x_new - h0 x_now - h1 x_before)/dt at the new time; first order without a last step."""
    if last is None:
        return 1.0, 1.0, 0.0
    r = dt / last
    return (1 + 2 * r) / (1 + r), 1 + r, -r * r / (1 + r)


def extrapolate(dt: float, steps: tuple[float, ...], past: tuple[Array, ...], order: int) -> Array:
    """Value one step ahead of the polynomial of degree <= order through the last states (newest first)."""
    count = min(order + 1, len(past), len(steps) + 1)
    times = -np.concatenate([[0.0], np.cumsum(steps[: count - 1])])
    value: Array = np.zeros(())
    for k in range(count):
        others = np.delete(times, k)
        value = value + np.prod((dt - others) / (times[k] - others)) * past[k]
    return value
