"""The closed boundary lines of a film: its outlines, and its holes as single polygonal cells.

In a body that is infinitely long along z, the field in a hole is uniform, so a hole needs no mesh: it is one more face,
its circulation the sum over its rim, its area the polygon's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as csgraph

from fempslip.contract import Array, Mesh, Operators, Refusal
from fempslip.mesh.cochains import wrap
from fempslip.mesh.simplices import sparse


@dataclass(frozen=True, eq=False)
class Loop:
    """A closed line of boundary edges.  sign : (edges,) +1 where an edge runs counter-clockwise round the loop.

    outline : the body lies inside;  else it is the rim of a hole
    """

    edges: Array
    sign: Array
    area: float
    outline: bool


def loops(mesh: Mesh, op: Operators) -> list[Loop]:
    """All boundary loops of a film.  Raises Refusal where two of them touch at a point."""
    rim = np.asarray(op.C.T @ np.ones(op.C.shape[0]))  # +1 where the body lies to the left of the edge
    edges = np.flatnonzero(np.rint(rim))
    i, j = op.edges[:, edges]
    if np.any(np.bincount(np.r_[i, j], minlength=op.nodes) > 2):
        raise Refusal("two boundaries of the film touch at a point: move them apart, or let them overlap")
    _, part = csgraph.connected_components(sp.coo_array((np.ones(i.size), (i, j)), shape=(op.nodes,) * 2), False)
    found = []
    for number in np.unique(part[i]):
        own = part[i] == number
        sign = rim[edges[own]]
        p, q = mesh.points[:2, i[own]], mesh.points[:2, j[own]]
        area = 0.5 * float(sign @ (p[0] * q[1] - p[1] * q[0]))
        found.append(Loop(edges[own], sign if area > 0 else -sign, abs(area), area > 0))
    return found


def surrounds(loop: Loop, mesh: Mesh, op: Operators, point: Array) -> bool:
    """True when a loop winds once round a point (2,)."""
    r = mesh.points[:2] - np.asarray(point)[:2, None]
    angle = np.arctan2(r[1], r[0])
    i, j = op.edges[:, loop.edges]
    return bool(abs(loop.sign @ wrap(angle[j] - angle[i])) > np.pi)


@dataclass(frozen=True, eq=False)
class Holes:
    """The holes of a film as faces.  C : (holes, edges) circulation, counter-clockwise;  area : (holes,).

    A body that stands in a hole is left out of both.  rims : the loop of each
    """

    C: sp.csr_array
    area: Array
    rims: tuple[Loop, ...]

    def around(self, mesh: Mesh, op: Operators, point: Array) -> int:
        """Number of the hole at a point.  Raises Refusal where there is none."""
        found = [k for k, rim in enumerate(self.rims) if surrounds(rim, mesh, op, point)]
        if not found:
            raise Refusal("no hole of the mesh lies at the point of the hole")
        return min(found, key=lambda k: self.rims[k].area)


def holes(mesh: Mesh, op: Operators) -> Holes:
    closed = loops(mesh, op) if mesh.points.shape[1] == op.nodes else []  # a strip that closes on itself has none
    rims = [loop for loop in closed if not loop.outline]
    area = np.array([rim.area for rim in rims])
    rows = [[(rim.edges, rim.sign)] for rim in rims]
    for island in (loop for loop in closed if loop.outline):
        place = mesh.points[:, op.edges[0, island.edges[0]]]
        around = [k for k, rim in enumerate(rims) if surrounds(rim, mesh, op, place)]
        if around:
            nearest = min(around, key=lambda k: rims[k].area)
            rows[nearest].append((island.edges, -island.sign))
            area[nearest] -= island.area
    count = [sum(len(edges) for edges, _ in row) for row in rows]
    flat = [part for row in rows for part in row]
    none = np.zeros(0)
    values = np.concatenate([sign for _, sign in flat] or [none])
    columns = np.concatenate([edges for edges, _ in flat] or [none.astype(int)])
    C = sparse(values, np.repeat(np.arange(len(rows)), count), columns, (len(rows), op.edges.shape[1]))
    return Holes(C, area, tuple(rims))


def in_order(loop: Loop, op: Operators) -> tuple[Array, Array]:
    """(nodes, edges) of a loop counter-clockwise; edge k leads from node k to the next."""
    i, j = op.edges[:, loop.edges]
    start, end = np.where(loop.sign > 0, i, j), np.where(loop.sign > 0, j, i)
    leaving = dict(zip(start.tolist(), range(start.size), strict=True))
    order = [0]
    while len(order) < start.size:
        order.append(leaving[int(end[order[-1]])])
    return start[order], loop.edges[order]
