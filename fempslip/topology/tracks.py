"""Tracks: the zeros of one identity in order of time, with velocities from local fits, and all their displacements."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numba import njit

from fempslip.contract import Array
from fempslip.mesh.periods import shortest
from fempslip.topology.contraction import Contraction

WINDOW = 1.5  # xi of path in a fit
MOST = 64  # samples in a fit
TURN = 2 * np.pi
Table = Mapping[str, Array]


def tracks(zeros: Table, contraction: Contraction, size: float) -> dict[str, Array]:
    """Columns t, id, x, y, z, winding, vx, vy, vz, error, dim, by id and time; parts of hops are left out.

    size : edge length of the mesh, over which errors of positions are correlated
    Where a zero hops, the piece behind counts until it is gone.
    """
    person = contraction.person_of(zeros["id"])
    kept = np.flatnonzero(person)
    order = kept[np.lexsort((zeros["id"][kept], zeros["t"][kept], person[kept]))]
    same = (np.diff(person[order]) == 0) & (np.diff(zeros["t"][order]) == 0)
    order = order[np.concatenate([[True], ~same])] if order.size else order
    found = {name: zeros[name][order] for name in ("t", "x", "y", "z", "winding")}
    dim = zeros["dim"][order] if "dim" in zeros else np.zeros(order.size)
    place = np.array([found["x"], found["y"], found["z"]])
    v = velocities(found["t"], place, person[order], WINDOW, size)
    columns = {"t": found["t"], "id": person[order], "x": place[0], "y": place[1], "z": place[2]}
    return columns | {"winding": found["winding"], "vx": v[0], "vy": v[1], "vz": v[2], "error": v[3], "dim": dim}


def velocities(t: Array, place: Array, ident: Array, window: float, size: float) -> Array:
    """(4, samples): velocity by quadratic fits over `window` of path around each sample, and its stated error.

    place : (3, samples), sorted by id and time.  The error is that of a slope through residuals that are correlated
    over the length `size`; nan where a track has fewer than four samples.
    """
    out = np.full((4, t.size), np.nan)
    if t.size:
        _fit(t, np.ascontiguousarray(place), ident.astype(np.int64), window, size, out)
    return out


@njit(cache=True, error_model="numpy")
def _fit(t: Array, place: Array, ident: Array, window: float, size: float, out: Array) -> None:
    first = 0
    for i in range(t.size):
        if ident[i] != ident[first]:
            first = i
        low, high = _reach(i, first, place, ident, window)
        if high - low < 3:
            continue
        stride = max(1, (high - low) // MOST)
        span = t[high] - t[low]
        moments = np.zeros((3, 3))
        right = np.zeros((3, 3))
        count = 0
        for j in range(low, high + 1, stride):
            s = (t[j] - t[i]) / span
            count += 1
            for r in range(3):
                for c in range(3):
                    moments[r, c] += s ** (r + c)
                    right[r, c] += s**r * place[c, j]
        if count < 4:
            continue
        fitted = np.linalg.solve(moments, right)
        scatter = 0.0
        for j in range(low, high + 1, stride):
            s = (t[j] - t[i]) / span
            for c in range(3):
                scatter += (place[c, j] - fitted[0, c] - s * fitted[1, c] - s * s * fitted[2, c]) ** 2
        for c in range(3):
            out[c, i] = fitted[1, c] / span
        length = np.sqrt(np.sum((place[:, high] - place[:, low]) ** 2))
        independent = max(1.0, min(float(count), length / size))
        out[3, i] = np.sqrt(12 * scatter / (count - 3) / independent) / span


@njit(cache=True, error_model="numpy")
def _reach(i: int, first: int, place: Array, ident: Array, window: float) -> tuple[int, int]:
    """First and last sample of the same track within half a window of sample i, on both sides of it in time."""
    low, high, half2 = i, i, 0.25 * window * window
    while low > first and np.sum((place[:, low - 1] - place[:, i]) ** 2) <= half2:
        low -= 1
    while high + 1 < ident.size and ident[high + 1] == ident[i]:
        if np.sum((place[:, high + 1] - place[:, i]) ** 2) > half2:
            break
        high += 1
    return low, high


# ------------------------------------------------------------------------------------------- E = -v x B


def moves(zeros: Table, events: Table, event_ids: Table, periods: Array) -> dict[str, Array]:
    """Every displacement of a zero: columns t, start (3, moves), change (3, moves), winding.

    From sample to sample, and from the place of an event to the first sample of an id, or to it from the last one.
    """
    ends = _ends(events, event_ids)
    samples = {**zeros, "rank": np.zeros(zeros["t"].size)}
    every = {name: np.concatenate([samples[name], ends[name]]) for name in ends}
    order = np.lexsort((every["rank"], every["t"], every["id"]))
    ident = every["id"][order]
    place = np.array([every[axis][order] for axis in "xyz"])
    step = np.flatnonzero(np.diff(ident) == 0)
    return {
        "t": every["t"][order][step + 1],
        "start": place[:, step],
        "change": shortest(place[:, step + 1] - place[:, step], periods),
        "winding": every["winding"][order][step],
    }


def _ends(events: Table, event_ids: Table) -> dict[str, Array]:
    """The places at which ids begin and end, as rows of `zeros`; rank sorts them before or after a sample."""
    row = {int(number): k for k, number in enumerate(events["number"])}
    at = np.array([row[int(number)] for number in event_ids["number"]], dtype=int)
    found = {"t": events["t1"][at], "id": event_ids["id"], "winding": event_ids["winding"], "rank": -event_ids["side"]}
    return found | {axis: events[axis][at] for axis in "xyz"}


def rate(clock: Array, impulse: Array) -> float:
    """Mean voltage as the slope of int V dt: a crossing that the end cuts counts less than in a plain mean."""
    return float(np.polyfit(clock, impulse, 1)[0]) if clock.size > 1 else float("nan")
