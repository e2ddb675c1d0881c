"""Start states.  They are gauge-invariant statements: 'psi = 1' would be another state in every gauge of A.

The phase minimises  sum_e w_e (phi_j - phi_i + s_e - a_e)^2,  one Poisson solve K phi = G^T w (a - s), so that the
start current has no divergence; s_e are the turns of prescribed vortices along each edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order

from fempslip.contract import Array, Mesh, Operators, Refusal
from fempslip.mesh.cochains import around, edge_vertices, in_space, padded, wrap
from fempslip.mesh.periods import along, angle_along
from fempslip.mesh.places import cell_of
from fempslip.mesh.simplices import laplacian
from fempslip.solver.linear import poisson_solver


@dataclass(frozen=True, eq=False)
class VortexLine:
    """A vortex of `winding` turns on the line through `point` along `direction`; `core` False inside a hole.

    period : name of a period along which psi turns instead
    """

    point: Array
    direction: Array
    winding: int
    core: bool = True
    period: str | None = None

    def turns(self, mesh: Mesh, op: Operators) -> Array:
        """Angle that each edge turns round it, (edges,)."""
        return around(mesh, op, self.point, self.direction)

    def angle(self, mesh: Mesh) -> Array:
        return node_angle(mesh, self)

    def distance2(self, mesh: Mesh) -> Array:
        return node_distance2(mesh, self)


@dataclass(frozen=True, eq=False)
class VortexRing:
    """A vortex ring round `direction`, along which it moves if winding > 0.

    Its phase here is that of a pair in each plane through the axis; `phase` makes it that of least current.
    """

    center: Array
    direction: Array
    radius: float
    winding: int
    core: bool = True
    period: None = None

    def turns(self, mesh: Mesh, op: Operators) -> Array:
        angle = self.at_vertices(mesh)[0]
        i, j = edge_vertices(mesh, op)
        return wrap(angle[j] - angle[i])

    def angle(self, mesh: Mesh) -> Array:
        return on_nodes(mesh, self.at_vertices(mesh)[0])

    def distance2(self, mesh: Mesh) -> Array:
        return on_nodes(mesh, self.at_vertices(mesh)[1])

    def at_vertices(self, mesh: Mesh) -> tuple[Array, Array]:
        """(angle, squared distance) of each vertex, (vertices,)."""
        n = padded(self.direction) / np.linalg.norm(self.direction)
        r = in_space(mesh.points) - padded(self.center)[:, None]
        z = n @ r
        out = np.linalg.norm(r - np.outer(n, z), axis=0)
        angle = np.arctan2(z, out + self.radius) - np.arctan2(z, out - self.radius)
        return angle, (out - self.radius) ** 2 + z**2


def phase(mesh: Mesh, op: Operators, w: Array, a: Array, turns: Array) -> Array:
    """phi : (nodes,) that minimises sum w (phi_j - phi_i + s - a)^2; w = 0 where there is no superconductor."""
    k = laplacian(op.nodes, op.edges, w)
    return poisson_solver(k, mesh.dim, once=True)(op.G.T @ (w * (a - turns)), np.zeros(op.nodes))


def uniform(
    mesh: Mesh,
    op: Operators,
    epsilon: Array,
    a: Array,
    vortices: Iterable[VortexLine | VortexRing] = (),
    dead: Array | None = None,
    hidden: Array | None = None,
) -> Array:
    """|psi| = sqrt(eps+), suppressed at vortex cores as d/sqrt(d^2 + 2), and the phase of least current; (nodes,).

    dead : (nodes,) True where psi is held at 0 (normal contacts);  hidden : of contract.Drive
    Raises Refusal for a closed cell with other vortices than its flux wants.
    """
    vortices = tuple(vortices)
    size = np.sqrt(np.maximum(epsilon, 0.0)).astype(float)
    if dead is not None:
        size = np.where(dead, 0.0, size)
    angle = np.zeros(op.nodes)
    turns = np.zeros(op.edges.shape[1])
    for vortex in vortices:
        if vortex.period is not None:
            turns += vortex.winding * along(mesh, op, vortex.period)
            angle += vortex.winding * angle_along(mesh, vortex.period)
        elif not mesh.periods:
            turns += vortex.winding * vortex.turns(mesh, op)
            angle += vortex.winding * vortex.angle(mesh)
        if vortex.core:
            d2 = vortex.distance2(mesh)
            size = size * (d2 / (d2 + 2.0)) ** (0.5 * abs(vortex.winding))
    if mesh.periods:
        turns += cuts(mesh, op, vortices, hidden)
    phi = phase(mesh, op, op.w, a, turns)
    if not any(vortex.period for vortex in vortices):
        for name in mesh.periods:  # turns along the periods: those of the least current
            step = along(mesh, op, name)
            number = np.rint(op.w * step @ (a - turns - op.G @ phi) / (op.w * step @ step))
            turns += number * step
            angle += number * angle_along(mesh, name)
        phi = phase(mesh, op, op.w, a, turns) if mesh.periods else phi
    return size * np.exp(1j * (phi + angle))


def cuts(mesh: Mesh, op: Operators, vortices: Sequence[VortexLine | VortexRing], hidden: Array | None) -> Array:
    """Turns of the phase, (edges,), of vortices in a periodic film: 2 pi across cuts from each to an edge of the film.

    On a closed cell a cut ends where the potential hides a flux quantum, so that C turns = 2 pi (n - hidden).
    """
    points = [vortex for vortex in vortices if vortex.period is None]
    if mesh.dim != 2:
        if points or (hidden is not None and hidden.any()):
            raise Refusal("vortices are placed in periodic films only; in a periodic body write start: normal")
        return np.zeros(op.edges.shape[1])
    want = np.zeros(op.faces.shape[1], dtype=np.int64) if hidden is None else -hidden
    for vortex in points:
        if isinstance(vortex, VortexLine):
            want[cell_of(mesh, vortex.point)] += vortex.winding
    return 2 * np.pi * _dual_flow(op, want)


def _dual_flow(op: Operators, want: Array) -> Array:
    """Whole numbers s, (edges,), with C s = want, carried along a tree of faces that are joined by edges."""
    faces = op.faces.shape[1]
    rows = sp.csc_array(op.C)
    edge_count = np.diff(rows.indptr)
    inner = np.flatnonzero(edge_count == 2)
    pair = rows.indices[rows.indptr[inner][:, None] + np.arange(2)]
    rim = np.flatnonzero(edge_count == 1)
    links = np.concatenate([pair.T, [rows.indices[rows.indptr[rim]], np.full(rim.size, faces)]], axis=1)
    number = np.concatenate([inner, rim])
    tree = sp.csr_array((number + 1.0, (links[0], links[1])), shape=(faces + 1, faces + 1))
    root = faces if rim.size else 0
    order, before = breadth_first_order(tree + tree.T, root, directed=False)
    load, s = np.append(want, 0).astype(np.int64), np.zeros(op.edges.shape[1], dtype=np.int64)
    through = {}
    for one, two, edge in zip(*links, number, strict=True):
        through[int(one), int(two)] = through[int(two), int(one)] = int(edge)
    for face in order[:0:-1]:
        if load[face]:
            edge = through[int(face), int(before[face])]
            s[edge] += load[face] * int(op.C[int(face), edge])
            load[before[face]] += load[face]
    if root == 0 and load[0]:
        n = int(-want[want < 0].sum())
        raise Refusal(
            f"a closed cell has as many vortices as flux quanta, {n:+d} here: place them (start: vortices), or "
            "write start: normal"
        )
    return s


def noise(op: Operators, epsilon: Array, amplitude: float, seed: int) -> Array:
    """A normal state with small random psi, (nodes,); the same seed gives the same state."""
    draw = np.random.default_rng(seed).standard_normal((2, op.nodes))
    return amplitude * (draw[0] + 1j * draw[1]) / np.sqrt(2.0)


def node_angle(mesh: Mesh, vortex: VortexLine) -> Array:
    from fempslip.mesh.cochains import angles

    return on_nodes(mesh, angles(mesh.points, vortex.point, vortex.direction))


def node_distance2(mesh: Mesh, vortex: VortexLine) -> Array:
    """Squared distance of each node from the vortex line, or from the nearest of its periodic images, (nodes,)."""
    n = padded(vortex.direction)
    n = n / np.linalg.norm(n)
    images = [padded(vortex.point)]
    for period in mesh.periods.values():
        images = [place + k * padded(period) for place in images for k in (-1, 0, 1)]
    d2 = np.full(mesh.nodes, np.inf)
    for place in images:
        r = in_space(mesh.node_points) - place[:, None]
        d2 = np.minimum(d2, np.sum((r - np.outer(n, n @ r)) ** 2, axis=0))
    return d2


def on_nodes(mesh: Mesh, values: Array) -> Array:
    out = np.empty(mesh.nodes)
    out[mesh.node_of_vertex] = values
    return out
