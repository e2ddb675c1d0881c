"""Start states.  They are gauge-invariant statements: 'psi = 1' would be another state in every gauge of A.

The phase minimises  sum_e w_e (phi_j - phi_i + s_e - a_e)^2,  one Poisson solve K phi = G^T w (a - s), so that the
start current has no divergence; s_e are the turns of prescribed vortices along each edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.cochains import around, edge_vertices, in_space, padded, wrap
from fempslip.solver.linear import poisson_solver


@dataclass(frozen=True, eq=False)
class VortexLine:
    """A vortex of `winding` turns on the line through `point` along `direction`; `core` False inside a hole."""

    point: Array
    direction: Array
    winding: int
    core: bool = True

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
    k = sp.csr_array(op.G.T @ sp.diags_array(w) @ op.G)
    return poisson_solver(k, mesh.dim)(op.G.T @ (w * (a - turns)), np.zeros(op.nodes))


def uniform(
    mesh: Mesh,
    op: Operators,
    epsilon: Array,
    a: Array,
    vortices: Iterable[VortexLine | VortexRing] = (),
    dead: Array | None = None,
) -> Array:
    """|psi| = sqrt(eps+), suppressed at vortex cores as d/sqrt(d^2 + 2), and the phase of least current; (nodes,).

    dead : (nodes,) True where psi is held at 0 (normal contacts)
    """
    vortices = tuple(vortices)
    size = np.sqrt(np.maximum(epsilon, 0.0)).astype(float)
    if dead is not None:
        size = np.where(dead, 0.0, size)
    angle = np.zeros(op.nodes)
    turns = np.zeros(op.edges.shape[1])
    for vortex in vortices:
        turns += vortex.winding * vortex.turns(mesh, op)
        angle += vortex.winding * vortex.angle(mesh)
        if vortex.core:
            d2 = vortex.distance2(mesh)
            size = size * (d2 / (d2 + 2.0)) ** (0.5 * abs(vortex.winding))
    phi = phase(mesh, op, op.w, a, turns)
    return size * np.exp(1j * (phi + angle))


def noise(op: Operators, epsilon: Array, amplitude: float, seed: int) -> Array:
    """A normal state with small random psi, (nodes,); the same seed gives the same state."""
    draw = np.random.default_rng(seed).standard_normal((2, op.nodes))
    return amplitude * (draw[0] + 1j * draw[1]) / np.sqrt(2.0)


def node_angle(mesh: Mesh, vortex: VortexLine) -> Array:
    from fempslip.mesh.cochains import angles

    return on_nodes(mesh, angles(mesh.points, vortex.point, vortex.direction))


def node_distance2(mesh: Mesh, vortex: VortexLine) -> Array:
    """Squared distance of each node from the vortex line, (nodes,)."""
    r = in_space(mesh.points) - padded(vortex.point)[:, None]
    n = padded(vortex.direction)
    n = n / np.linalg.norm(n)
    return on_nodes(mesh, np.sum((r - np.outer(n, n @ r)) ** 2, axis=0))


def on_nodes(mesh: Mesh, values: Array) -> Array:
    out = np.empty(mesh.nodes)
    out[mesh.node_of_vertex] = values
    return out
