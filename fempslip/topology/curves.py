"""The shape of a vortex line: smoothed without shrinking, its curvature, its ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import gaussian_filter1d

from fempslip.contract import Array

SPACING = 0.25  # xi between points of a smoothed line
BEND = 1.0  # xi of smoothing for curvatures: with less, the mesh adds its own (20 % at 0.25)
Table = Mapping[str, Array]


def smoothed(points: Array, closed: bool, along: Array, width: float) -> tuple[Array, Array]:
    """A line at even spacing, (n, 3), and numbers along it, (n,), both smoothed by 2 G - G^2, which shrinks little.

    points : (3, m);  along : (m,).  Open lines are reflected at their ends, so that these stay where they are; a closed
    line ends with its first point again.
    """
    if closed:
        points, along = np.concatenate([points, points[:, :1]], axis=1), np.append(along, along[0])
    s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=1), axis=0))])
    if s[-1] < 3 * SPACING:
        return points.T, along
    even = np.linspace(0, s[-1], max(4, round(s[-1] / SPACING)) + 1)
    columns = np.array([np.interp(even, s, row) for row in (*points, along)])
    sigma = width / (even[1] - even[0])
    if closed:
        columns = _twice(columns[:, :-1], sigma, "wrap")
        columns = np.concatenate([columns, columns[:, :1]], axis=1)
    else:
        n = columns.shape[1] - 1
        ends = columns[:, :1], columns[:, -1:]
        odd = np.concatenate([2 * ends[0] - columns[:, :0:-1], columns, 2 * ends[1] - columns[:, -2::-1]], axis=1)
        columns = _twice(odd, sigma, "nearest")[:, n : 2 * n + 1]
    return columns[:3].T, columns[3]


def _twice(columns: Array, sigma: float, mode: str) -> Array:
    once = gaussian_filter1d(columns, sigma, axis=1, mode=mode)
    return 2 * once - gaussian_filter1d(once, sigma, axis=1, mode=mode)


def curvature(points: Array, closed: bool) -> Array:
    """|r' x r''| / |r'|^3 along a line smoothed over BEND, (n,); none for one too short.  points : (3, m)."""
    line, _ = smoothed(points, closed, np.zeros(points.shape[1]), BEND)
    if len(line) < 5:
        return np.zeros(0)
    if closed:
        ring = line[:-1]
        ahead, behind = np.roll(ring, -1, axis=0), np.roll(ring, 1, axis=0)
    else:
        ring, ahead, behind = line[1:-1], line[2:], line[:-2]
    first, second = 0.5 * (ahead - behind), ahead - 2 * ring + behind
    return np.linalg.norm(np.cross(first, second), axis=1) / np.linalg.norm(first, axis=1) ** 3


def described(lines: Table, points: Table) -> dict[str, Array]:
    """What each row of `lines` looks like: its mean and largest curvature, mean speed, and both ends.

    speed : instantaneous, averaged along the line;  ends of rings are nan
    """
    names = ("curvature", "sharpest", "speed", "x0", "y0", "z0", "x1", "y1", "z1")
    out = {name: np.full(lines["id"].size, np.nan) for name in names}
    place, v = (np.array([points[c] for c in columns]) for columns in (("x", "y", "z"), ("vx", "vy", "vz")))
    for k, (first, count) in enumerate(zip(lines["first"].astype(int), lines["count"].astype(int), strict=True)):
        mine, closed = place[:, first : first + count], bool(lines["closed"][k])
        bend = curvature(mine, closed)
        if bend.size:
            out["curvature"][k], out["sharpest"][k] = bend.mean(), bend.max()
        speed = np.linalg.norm(v[:, first : first + count], axis=0)
        out["speed"][k] = speed @ shares(mine, closed) if np.isfinite(speed).all() else np.nan
        if not closed:
            for axis, row in zip("xyz", mine, strict=True):
                out[f"{axis}0"][k], out[f"{axis}1"][k] = row[0], row[-1]
    return out


def shares(points: Array, closed: bool) -> Array:
    """(m,) part of a line's length that belongs to each of its points; points : (3, m)."""
    steps = np.linalg.norm(np.diff(points, axis=1, append=points[:, :1]), axis=0)
    if not closed:
        steps[-1] = 0.0
    half = 0.5 * (steps + np.roll(steps, 1))
    total = half.sum()
    return half / total if total > 0 else np.full(half.size, 1.0 / half.size)
