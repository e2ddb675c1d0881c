"""The order of points in a plane: structure factor and bonds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array

RING = (0.75, 1.35)  # of the triangular lattice's q: where the first ring is looked for (square: 0.93)
ANGLES = 360  # of half a ring; S(-q) = S(q)
HALF = 0.5  # of the highest peak, that another is to reach to be counted


@dataclass(frozen=True)
class Structure:
    """count : points;  q : of the highest peak;  triangular : 4 pi/(sqrt3 a), a^2 = 2/(sqrt3 n), of their density n
    height : S/N at q;  angle : of q;  peaks : on the ring;  hexatic : |psi_6|
    """

    count: int
    q: float
    triangular: float
    height: float
    angle: float
    peaks: int
    hexatic: float


def structure_factor(x: Array, q: Array) -> Array:
    """S(q) = |sum_k exp(i q x_k)|^2 / N.  x : (2, N);  q : (2, ...) -> (...)."""
    phase = np.exp(1j * np.tensordot(q, x, axes=(0, 0)))
    return np.asarray(np.abs(phase.sum(axis=-1)) ** 2 / x.shape[1])


def triangular_q(count: int, area: float) -> float:
    """First ring of the triangular lattice with as many points in the area: 4 pi/(sqrt3 a), a^2 = 2 area/(sqrt3 N)."""
    return float(4 * np.pi / (np.sqrt(3) * np.sqrt(2 * area / (np.sqrt(3) * count))))


def structure(x: Array, area: float) -> Structure:
    """The first ring of S(q) and the bonds of points.  x : (2, N);  area : that they fill."""
    wanted = triangular_q(x.shape[1], area)
    q = np.linspace(RING[0], RING[1], 61) * wanted
    angle = np.pi * np.arange(ANGLES) / ANGLES
    way = np.stack([np.cos(angle), np.sin(angle)])
    s = structure_factor(x, way[:, None, :] * q[None, :, None])
    k, best = np.unravel_index(int(s.argmax()), s.shape)
    ring = s[max(0, k - 3) : k + 4].max(axis=0)  # a strained lattice has its peaks at slightly different q
    return Structure(
        x.shape[1], float(q[k]), wanted, float(s.max() / x.shape[1]), float(angle[best]), 2 * peaks_of(ring), hexatic(x)
    )


def peaks_of(ring: Array) -> int:
    """Separate stretches of half a ring (which closes) that reach HALF of the highest."""
    on = ring >= HALF * ring.max()
    return int(np.count_nonzero(on & ~np.roll(on, 1)))


def hexatic(x: Array) -> float:
    """|psi_6|: the mean over inner points of the mean of exp(6 i theta) over their Delaunay bonds."""
    from scipy.spatial import ConvexHull, Delaunay

    mesh = Delaunay(x.T)
    start, neighbour = mesh.vertex_neighbor_vertices
    outer = set(ConvexHull(x.T).vertices.tolist())
    outer |= {int(n) for k in tuple(outer) for n in neighbour[start[k] : start[k + 1]]}
    hull = set(ConvexHull(x.T).vertices.tolist())
    inner = sorted(set(range(x.shape[1])) - outer) or sorted(set(range(x.shape[1])) - hull)
    if not inner:
        return float("nan")
    bonds = [x[:, neighbour[start[k] : start[k + 1]]] - x[:, [k]] for k in inner]
    return float(abs(np.mean([np.exp(6j * np.arctan2(b[1], b[0])).mean() for b in bonds])))
