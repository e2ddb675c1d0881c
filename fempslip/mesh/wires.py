"""Wires, rings and networks of them, divided without a mesher.

Straight pieces are cut where other pieces end on them or cross them, so that these are joined there; where pieces
overlap, the later region has the place.  A ring is a regular polygon with exactly the perimeter of its circle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fempslip.case.curves import Bend
from fempslip.contract import Array, Refusal
from fempslip.mesh.simplices import Vector

MOST_CELLS = 1e6  # of a network
SLOPE = 0.3  # growth of the edge length with the distance from a refined place
Sizes = Callable[[Array, str], Array]  # (points (3, n), region) -> edge lengths wanted there (n,)


@dataclass(frozen=True, eq=False)
class Line:
    start: Array  # (3,)
    end: Array
    region: str


@dataclass(frozen=True, eq=False)
class Bow:
    """A bend of wire; one with a full turn is a closed ring."""

    bend: Bend
    region: str

    @property
    def closed(self) -> bool:
        return self.bend.sweep >= 2 * np.pi * (1 - 1e-9)

    @property
    def start(self) -> Array:
        return self.bend.start

    @property
    def end(self) -> Array:
        return self.bend.end


Part = Line | Bow


@dataclass(frozen=True, eq=False)
class Network:
    """points : (3, vertices);  cells : (2, cells);  region : (cells,) name of each."""

    points: Array
    cells: Array
    region: Array


def divide(parts: Sequence[Part], sizes: Sizes) -> Network:
    """Divide lines and bends into cells of the wanted sizes; parts in the order of their regions."""
    corners = _Corners(1e-7 * _extent(parts))
    cells: list[tuple[Array, str]] = []
    bows = [(_vertices(bow, sizes), bow) for bow in parts if isinstance(bow, Bow)]
    for points, bow in bows:
        numbers = np.array([corners.number(p) for p in points.T])
        following = np.roll(numbers, -1)
        keep = slice(None) if bow.closed else slice(-1)
        cells.append((np.array([numbers[keep], following[keep]]), bow.region))
    lines = [_moved(line, [points for points, _ in bows]) for line in parts if isinstance(line, Line)]
    for (a, b), region in _pieces(lines, corners).items():
        start, end = corners.places[a], corners.places[b]
        inner = start[:, None] + (end - start)[:, None] * _graded(start, end, region, sizes)[1:-1]
        first = corners.add(inner)
        whole(len(corners.places))
        numbers = np.r_[a, np.arange(first, first + inner.shape[1]), b]
        cells.append((np.array([numbers[:-1], numbers[1:]]), region))
    names = np.concatenate([np.full(part.shape[1], region, dtype=object) for part, region in cells])
    return _in_order(np.array(corners.places).T, np.concatenate([part for part, _ in cells], axis=1), names)


def nearest_vertex(points: Array, place: Vector) -> tuple[int, float]:
    """Number of the vertex next to a place, and its distance."""
    distance = np.linalg.norm(points - np.asarray(place, dtype=float)[:, None], axis=0)
    number = int(np.argmin(distance))
    return number, float(distance[number])


def whole(count: float) -> int:
    """A number of cells, rounded up.  Raises Refusal, before the memory is filled, for more than are handled."""
    if not count <= MOST_CELLS:
        raise Refusal(f"the wire would have about {count:.2g} cells (at most {MOST_CELLS:.2g}): raise mesh.size")
    return int(np.ceil(count - 1e-6))


# ------------------------------------------------------------------------------------------- parts of these


class _Corners:
    """Points met so far; one met again keeps its number."""

    def __init__(self, tolerance: float):
        self.tolerance = tolerance
        self.places: list[Array] = []

    def number(self, place: Array) -> int:
        if self.places:
            distance = np.abs(np.array(self.places) - place).max(axis=1)
            if distance.min() <= self.tolerance:
                return int(np.argmin(distance))
        self.places.append(np.asarray(place, dtype=float))
        return len(self.places) - 1

    def add(self, points: Array) -> int:
        """New points (3, n), known to be new; the number of the first."""
        self.places.extend(points.T)
        return len(self.places) - points.shape[1]


def _extent(parts: Sequence[Part]) -> float:
    ends = [
        np.abs([p.start, p.end]).max() if isinstance(p, Line) else np.abs(p.bend.center).max() + p.bend.radius
        for p in parts
    ]
    return float(max(ends, default=1.0))


def _vertices(bow: Bow, sizes: Sizes) -> Array:
    """Vertices along a bend, (3, n).  A ring is a polygon of exactly its length, and has its first vertex once.

    An open bend keeps its ends: n chords are shorter than it by the factor sin(x)/x, x = sweep/2n, 1 - h^2/24 R^2.
    """
    bend = bow.bend
    s = np.linspace(0, bend.sweep, 721)
    n = max(3, whole(bend.length / sizes(bend.at(s), bow.region).min()))
    if not bow.closed:
        return bend.at(np.linspace(0, bend.sweep, n + 1))
    polygon = replace(bend, radius=bend.length / (2 * n * np.sin(np.pi / n)))
    return polygon.at(2 * np.pi * np.arange(n) / n)


def _moved(line: Line, bows: Sequence[Array]) -> Line:
    """The line with ends that lie on a bend moved to the nearest vertex of its polygon."""
    ends = [line.start, line.end]
    for points in bows:
        reach = 0.6 * np.linalg.norm(points[:, 1] - points[:, 0])  # half an edge, and the polygon is off the circle
        for k, end in enumerate(ends):
            number, distance = nearest_vertex(points, end)
            if distance <= reach:
                ends[k] = points[:, number]
    return Line(ends[0], ends[1], line.region)


def _pieces(lines: Sequence[Line], corners: _Corners) -> dict[tuple[int, int], str]:
    """Pieces between corners, their numbers from start to end, with their region; later lines own what they share."""
    pieces: dict[tuple[int, int], str] = {}
    for line in lines:
        t = _cuts(line, lines, corners.tolerance)
        places = line.start + t[:, None] * (line.end - line.start)
        numbers = [corners.number(p) for p in places]
        for a, b in zip(numbers[:-1], numbers[1:], strict=True):
            if a != b:
                pieces[(b, a) if (b, a) in pieces else (a, b)] = line.region
    return pieces


def _cuts(line: Line, lines: Sequence[Line], tolerance: float) -> Array:
    """Parameters in [0, 1] at which other lines end on this one or cross it, with both ends."""
    u = line.end - line.start
    length = np.linalg.norm(u)
    found = [0.0, 1.0]
    for other in lines:
        v = other.end - other.start
        for end in (other.start, other.end):
            t = (end - line.start) @ u / length**2
            if np.linalg.norm(line.start + t * u - end) <= tolerance:
                found.append(t)
        found += _crossing(line.start, u, other.start, v, tolerance)
    t = np.sort([x for x in found if -1e-12 <= x <= 1 + 1e-12])
    keep = np.r_[True, np.diff(t) * length > tolerance]
    t = t[keep]
    t[-1] = 1.0  # an end that others share keeps its exact place
    return t


def _crossing(p: Array, u: Array, q: Array, v: Array, tolerance: float) -> list[float]:
    """Parameter on p + t u of the point where the segments p, p + u and q, q + v meet, if they do."""
    normal = np.cross(u, v)
    size = normal @ normal
    if size <= 1e-16 * (u @ u) * (v @ v):
        return []
    t, s = np.cross(q - p, v) @ normal / size, np.cross(q - p, u) @ normal / size
    apart = abs((q - p) @ normal) / np.sqrt(size)
    return [float(t)] if apart <= tolerance and 0 <= s <= 1 and 0 <= t <= 1 else []


def _graded(start: Array, end: Array, region: str, sizes: Sizes) -> Array:
    """Parameters of the vertices of a piece, from 0 to 1: equal steps where the wanted size is constant."""
    length = float(np.linalg.norm(end - start))
    s = np.linspace(0, 1, 2001)
    density = length / sizes(start[:, None] + (end - start)[:, None] * s, region)
    count = np.r_[0, np.cumsum((density[1:] + density[:-1]) / 2) * (s[1] - s[0])]
    n = max(1, whole(count[-1]))
    if np.ptp(density) <= 1e-12 * density.max():
        return np.linspace(0, 1, n + 1)
    t = np.interp(np.linspace(0, count[-1], n + 1), count, s)
    t[0], t[-1] = 0.0, 1.0
    return t


def _in_order(points: Array, cells: Array, region: Array) -> Network:
    """Vertices numbered as the cells, one after another, meet them: along a wire they follow each other."""
    first = {int(v): 0 for v in cells.T.ravel()}
    order = np.array(list(first))
    number = np.empty(points.shape[1], dtype=np.int64)
    number[order] = np.arange(order.size)
    return Network(points[:, order], number[cells], region)
