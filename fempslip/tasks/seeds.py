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
from fempslip.mesh.cochains import around, in_space, padded
from fempslip.solver.linear import poisson_solver


@dataclass(frozen=True, eq=False)
class VortexLine:
    """A vortex of `winding` turns on the line through `point` along `direction`; `core` False inside a hole."""

    point: Array
    direction: Array
    winding: int
    core: bool = True


def phase(mesh: Mesh, op: Operators, w: Array, a: Array, turns: Array) -> Array:
    """phi : (nodes,) that minimises sum w (phi_j - phi_i + s - a)^2; w = 0 where there is no superconductor."""
    k = sp.csr_array(op.G.T @ sp.diags_array(w) @ op.G)
    return poisson_solver(k, mesh.dim)(op.G.T @ (w * (a - turns)), np.zeros(op.nodes))


def uniform(
    mesh: Mesh, op: Operators, epsilon: Array, a: Array, vortices: Iterable[VortexLine] = (), dead: Array | None = None
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
        s = vortex.winding * around(mesh, op, vortex.point, vortex.direction)
        turns += s
        angle += vortex.winding * node_angle(mesh, vortex)
        if vortex.core:
            d2 = node_distance2(mesh, vortex)
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
