"""A state followed while a parameter changes, and the limit of its stability.

Newton from the last state at every value; inertia says whether it is still a minimum.  Where it is not, or where
Newton ends in another state, the step is halved: the limit lies between the last good value and the first bad one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array
from fempslip.physics.stationary import Point, Stationary
from fempslip.solver.stationary import Found, Search, normal

HALVINGS = 14  # of a step, for a limit
FAR = 0.5  # change of |psi| of a node in one step beyond which it is another state

UNSTABLE, NORMAL, FOLD = "unstable", "normal", "fold"


@dataclass(frozen=True, eq=False)
class Branch:
    """values : (points,) of the parameter, in the order they were reached;  limit : where it ends, None if it goes on

    why : unstable (a direction curves down), normal (psi has vanished), fold (no state is near any more)
    """

    values: tuple[float, ...]
    points: tuple[Found, ...]
    limit: float | None = None
    why: str = ""


def follow(
    search: Search,
    body_at: Callable[[float], Stationary],
    start: Point,
    values: Array,
    signature: Callable[[Stationary, Point], object],
    limit: bool = True,
    told: Callable[[float], None] = lambda value: None,
) -> Branch:
    """Follow a stable state from values[0], where it is `start`, through the values.

    signature(body, point) : what must not change along a branch (its windings)
    """
    kept: list[float] = [float(values[0])]
    first = search.on(body_at(float(values[0]))).newton(start)
    points = [first]
    if not first.converged or first.index:
        return Branch((), (), float(values[0]), UNSTABLE if first.converged else FOLD)
    mark = signature(body_at(kept[0]), first.point)

    def reached(value: float, last: Found) -> tuple[Found | None, str]:
        body = body_at(value)
        new = search.on(body).newton(last.point)
        moved = float(np.max(np.abs(np.abs(new.point.psi) - np.abs(last.point.psi))))
        if normal(new.point.psi):
            return None, NORMAL
        if not new.converged or moved > FAR or signature(body, new.point) != mark:
            return None, FOLD
        return (None, UNSTABLE) if new.index else (new, "")

    for value in map(float, values[1:]):
        told(value)
        new, why = reached(value, points[-1])
        if new is not None:
            kept.append(value)
            points.append(new)
            continue
        low, high, last = kept[-1], value, points[-1]
        for _ in range(HALVINGS if limit else 4):
            middle = 0.5 * (low + high)
            new, reason = reached(middle, last)
            if new is None:
                high, why = middle, reason
            else:
                low, last = middle, new
        if low != kept[-1]:
            kept.append(low)
            points.append(last)
        return Branch(tuple(kept), tuple(points), 0.5 * (low + high), why)
    return Branch(tuple(kept), tuple(points))
