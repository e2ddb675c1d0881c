"""Which steps are accepted, and how long the next one is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from fempslip.contract import Array, Clock, Failure, Problem, Trial

THETA_LIMIT = 0.8  # largest turn of a bright node's phase in a step: above it identities of zeros are not certain


@dataclass(frozen=True)
class Verdict:
    accepted: bool
    next_dt: float


def judge(trial: Trial, clock: Clock) -> Verdict:
    """Accept when the largest error is <= 1.5 tolerance and no bright node turned by more than 0.8.

    next dt = dt clip(0.85 (tolerance/error)^(1/3), 0.3, clock.growth): the estimate is of third order.
    """
    error = max(trial.errors.values()) if all(map(isfinite, trial.errors.values())) else inf
    if clock.fixed is not None:
        if not isfinite(error):
            raise Failure(f"numbers are no longer finite at the fixed step {clock.fixed:g} tau: set time.fixed smaller")
        return Verdict(True, clock.fixed)
    if not isfinite(error):
        return Verdict(False, 0.25 * trial.dt)
    factor = min(max(0.85 * (clock.tolerance / max(error, 1e-300)) ** (1 / 3), 0.3), clock.growth)
    if trial.max_theta > THETA_LIMIT:
        factor = min(factor, 0.6 * THETA_LIMIT / trial.max_theta)
        return Verdict(False, factor * trial.dt)
    accepted = error <= 1.5 * clock.tolerance
    if trial.max_theta > 0.75 * THETA_LIMIT:
        factor = min(factor, 1.0)
    return Verdict(accepted, min(factor * trial.dt, clock.dt_max))


def finite(x: Array) -> bool:
    """Whether all numbers are finite (and their squares: others are none of a dimensionless state)."""
    return isfinite(np.vdot(x, x).real)


def not_finite(problem: Problem, name: str, x: Array, t: float) -> str:
    """ "psi is not finite at t = 1.2 tau, first at node 7, (2, -1) xi, and at 3 more": what, when and where."""
    bad = np.flatnonzero(~np.isfinite(x))
    if not bad.size:
        return f"{name} is too large at t = {t:g} tau: {np.abs(x).max():.2g}"
    op, first = problem.operators, int(bad[0])
    more = f", and at {bad.size - 1} more" if bad.size > 1 else ""
    if x.size == op.nodes:
        where = f"node {first}, {_place(problem.mesh.node_points[:, first])}"
    elif x.size == op.edges.shape[1]:
        where = f"edge {first}, {_place(problem.mesh.node_points[:, op.edges[:, first]].mean(axis=1))}"
    else:
        where = f"number {first} of {x.size}"
    return f"{name} is not finite at t = {t:g} tau, first at {where}{more}"


def _place(x: Array) -> str:
    return f"({', '.join(f'{c:.3g}' for c in x)}) xi"


def landing(t: float, dt: float, target: float) -> tuple[float, bool]:
    """The step that lands exactly on `target` without a tiny last step, and whether it lands now."""
    left = target - t
    if dt >= left * (1 - 1e-9):
        return left, True
    if dt > 0.5 * left:
        return 0.5 * left, False
    return dt, False


def ladder(base: float) -> Callable[[float, float], float]:
    """rung(dt, left): the largest step base 2^k, k an integer, not above dt, of which `left` is a multiple.

    Steps of this kind meet every multiple of `base` without a step of their own.  Where no rung fits (a kink of the
    drive between two), the largest not above dt is taken.
    """

    def rung(dt: float, left: float) -> float:
        step = base * 2.0 ** np.floor(np.log2(dt / base) + 1e-9)
        for halved in (step * 0.5**k for k in range(5)):
            if abs(left / halved - round(left / halved)) < 1e-6:
                return float(halved)
        return float(step)

    return rung
