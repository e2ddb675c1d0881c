"""Coefficients of variable-step BDF2 and of polynomial extrapolation."""

from __future__ import annotations


def bdf(dt: float, last: float | None) -> tuple[float, float, float]:
    """(a1, h0, h1) of dx/dt = (a1 x_new - h0 x_now - h1 x_before)/dt at the new time; first order without `last`."""
    if last is None:
        return 1.0, 1.0, 0.0
    r = dt / last
    return (1 + 2 * r) / (1 + r), 1 + r, -r * r / (1 + r)


def weights(dt: float, steps: tuple[float, ...], count: int) -> tuple[float, ...]:
    """Weights of the last `count` states (2 to 4, newest first) in the polynomial through them, one step ahead.

    With fewer steps behind it the polynomial is of lower degree and the last weights are zero.
    """
    known = min(count, len(steps) + 1)
    ago = [0.0]  # how long before now each state was
    for step in steps[: known - 1]:
        ago.append(ago[-1] + step)
    found = []
    for mine in ago:  # numpy's functions cost more than all of this at so few numbers
        weight = 1.0
        for other in ago:
            if other != mine:
                weight *= (dt + other) / (other - mine)
        found.append(weight)
    return (*found, *[0.0] * (count - known))
