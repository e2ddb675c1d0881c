"""Paths made of straight pieces and circular bends, and what can be said of polygons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Straight:
    """From start to end, (space,) each."""

    start: Array
    end: Array

    @property
    def length(self) -> float:
        return float(np.linalg.norm(self.end - self.start))

    @property
    def directions(self) -> tuple[Array, Array]:
        """Unit vectors along the path at both ends."""
        along = (self.end - self.start) / self.length
        return along, along

    def foot(self, x: Array) -> tuple[Array, Array]:
        """Distance from the piece of points whose foot is on it, inf for others.  x : (space, n) -> (n,), (n,) bool."""
        along, _ = self.directions
        r = x - self.start[:, None]
        t = along @ r
        away = np.linalg.norm(r - along[:, None] * t, axis=0)
        on = (t >= -1e-9) & (t <= self.length + 1e-9)
        return np.where(on, away, np.inf), on

    def sampled(self) -> Array:
        return np.array([self.start, self.end]).T


@dataclass(frozen=True, eq=False)
class Bend:
    """center + radius (u cos s + v sin s), s from 0 to sweep (at most 2 pi); u, v : unit vectors at right angles."""

    center: Array
    u: Array
    v: Array
    radius: float
    sweep: float

    def at(self, s: Array | float) -> Array:
        """Points at angles s: (space,) for a number, else (space, n)."""
        turn = np.multiply.outer(self.u, np.cos(s)) + np.multiply.outer(self.v, np.sin(s))
        return (self.center[:, None] if np.ndim(s) else self.center) + self.radius * turn

    @property
    def start(self) -> Array:
        return self.at(0.0)

    @property
    def end(self) -> Array:
        return self.at(self.sweep)

    @property
    def length(self) -> float:
        return self.radius * self.sweep

    @property
    def directions(self) -> tuple[Array, Array]:
        return self.v, self.v * np.cos(self.sweep) - self.u * np.sin(self.sweep)

    def foot(self, x: Array) -> tuple[Array, Array]:
        """As Straight.foot."""
        r = x - self.center[:, None]
        a, b = self.u @ r, self.v @ r
        out = r - np.outer(self.u, a) - np.outer(self.v, b)
        away = np.hypot(np.hypot(a, b) - self.radius, np.linalg.norm(out, axis=0))
        on = np.mod(np.arctan2(b, a) + 1e-9, 2 * np.pi) <= self.sweep + 2e-9
        return np.where(on, away, np.inf), on

    def sampled(self) -> Array:
        return self.at(np.linspace(0.0, self.sweep, max(3, int(np.ceil(self.sweep / 0.1)))))


Piece = Straight | Bend


def rounded(points: Sequence[Sequence[float]], radius: float) -> list[Piece]:
    """A path through points (any dimension) whose corners are bends of a radius; 0 leaves them sharp.

    Raises ValueError where a piece is too short for the bends at its ends, or the path folds back on itself.
    """
    p = np.array(points, dtype=float)
    steps = np.diff(p, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    if not lengths.all():
        raise ValueError("two points that follow each other are the same")
    along = steps / lengths[:, None]
    turns = [_angle(a, b) for a, b in zip(along, along[1:], strict=False)]
    if any(turn > np.pi - 1e-6 for turn in turns):
        raise ValueError("the path folds back on itself")
    cut = np.array([0.0, *(radius * np.tan(turn / 2) for turn in turns), 0.0])
    if np.any(cut[:-1] + cut[1:] > lengths * (1 + 1e-9)):
        k = int(np.argmax(cut[:-1] + cut[1:] - lengths))
        raise ValueError(f"piece {k + 1} of the path ({lengths[k]:.4g} xi) is too short for the bends at its ends")
    pieces: list[Piece] = []
    for k in range(len(along)):
        start, end = p[k] + cut[k] * along[k], p[k + 1] - cut[k + 1] * along[k]
        if np.linalg.norm(end - start) > 1e-9 * lengths[k]:
            pieces.append(Straight(start, end))
        if k < len(turns) and radius > 0 and turns[k] > 1e-9:
            pieces.append(_bend(end, along[k], along[k + 1], radius, turns[k]))
    return pieces


def _angle(a: Array, b: Array) -> float:
    """Angle between unit vectors, accurate near 0 and pi."""
    return float(2 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def _bend(start: Array, before: Array, after: Array, radius: float, turn: float) -> Bend:
    inward = after - (after @ before) * before
    inward = inward / np.linalg.norm(inward)
    return Bend(start + radius * inward, -inward, before, radius, turn)


def moved(piece: Piece, matrix: Array, offset: Array) -> Piece:
    """The image of a piece under x -> matrix x + offset, an isometry."""
    if isinstance(piece, Straight):
        return Straight(matrix @ piece.start + offset, matrix @ piece.end + offset)
    return Bend(matrix @ piece.center + offset, matrix @ piece.u, matrix @ piece.v, piece.radius, piece.sweep)


def through(p: Array, q: Array, r: Array) -> Bend:
    """The arc from p through q to r, (3,) each.  Raises ValueError if they lie on a line."""
    a, b = q - p, r - p
    normal = np.cross(a, b)
    size = float(normal @ normal)
    if size <= 1e-12 * float((a @ a) * (b @ b)):
        raise ValueError("the three points of an arc must not lie on a line")
    center = p + np.cross((a @ a) * b - (b @ b) * a, normal) / (2 * size)
    radius = float(np.linalg.norm(p - center))
    u = (p - center) / radius
    v = np.cross(normal / np.sqrt(size), u)
    sweep = float(np.mod(np.arctan2((r - center) @ v, (r - center) @ u), 2 * np.pi))
    return Bend(center, u, v, radius, sweep)


# ---------------------------------------------------------------------------------------------- polygons


def crosses_itself(p: Array) -> bool:
    """Whether two sides that are not neighbours meet, or neighbours fold back.  p : (corners, 2)."""
    q = np.roll(p, -1, axis=0)
    n = len(p)
    if (p == q).all(axis=1).any():
        return True
    for i in range(n):
        others = np.array([j for j in range(i + 1, n) if (j + 1) % n != i and j != (i + 1) % n], dtype=int)
        if len(others) and _meet(p[i], q[i], p[others], q[others]).any():
            return True
    turn = _cross(q - p, np.roll(q - p, -1, axis=0))
    fold = ((q - p) * np.roll(q - p, -1, axis=0)).sum(axis=1) < 0
    return bool(((turn == 0) & fold).any())


def in_polygon(p: Array, x: Array) -> Array:
    """By the number of sides above a point, odd inside.  p : (corners, 2);  x : (2, n) -> (n,) bool."""
    inside = np.zeros(x.shape[1], dtype=bool)
    for (x0, y0), (x1, y1) in zip(p, np.roll(p, -1, axis=0), strict=True):
        spans = (y0 > x[1]) != (y1 > x[1])
        if spans.any():
            inside[spans] ^= x[0, spans] < x0 + (x[1, spans] - y0) * (x1 - x0) / (y1 - y0)
    return inside


def _cross(u: Array, v: Array) -> Array:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _meet(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Whether the segment ab meets the segments cd (touching counts)."""
    o1, o2 = np.sign(_cross(b - a, c - a)), np.sign(_cross(b - a, d - a))
    o3, o4 = np.sign(_cross(d - c, a - c)), np.sign(_cross(d - c, b - c))
    boxes = ((np.minimum(c, d) <= np.maximum(a, b)) & (np.minimum(a, b) <= np.maximum(c, d))).all(axis=-1)
    return (o1 * o2 <= 0) & (o3 * o4 <= 0) & boxes
