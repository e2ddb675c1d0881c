"""Kinetic energy of bodies whose own field is solved for: every tetrahedron in the gauge of its barycentre.

    alpha_i = 1/4 sum_j a_ij            the line integral of Whitney's interpolant from vertex i to the barycentre
    psi~_i = psi_i exp(i alpha_i)
    F = sum_T  psi~^H K_T psi~ + rho_T a^T Q_T a,     a^T Q_T a = 1/4 int |b x (x - x_T)|^2,  rho_T = mean |psi|^2

with b the constant curl of the interpolant.  Exactly gauge invariant; each term is positive, whatever the shape of the
cell; at |psi| = 1 it is a^T M1 a.  Link phases with P1 weights, which have other dual faces than Whitney's curl curl,
screen too strongly in three dimensions, by 0.4 (h/xi)^2/kappa^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.simplices import column_numbers, gradients, pairs, volumes
from fempslip.physics.graph import Graph


@dataclass(frozen=True, eq=False)
class Barycentric:
    """nodes : (4, cells);  edges : (6, cells) numbers and sign : (6, cells) of the edges 01, 02, 03, 12, 13, 23

    K : (cells, 4, 4);  Q : (cells, 6, 6) on the signed edges;  up, down : (edges,) places of physics.graph
    """

    nodes: Array
    edges: Array
    sign: Array
    K: Array
    Q: Array
    up: Array
    down: Array
    count: int

    @classmethod
    def of(cls, mesh: Mesh, op: Operators, graph: Graph, kinetic: Array | None = None) -> Barycentric:
        """kinetic : (cells,) weight q, 1 if None."""
        volume = volumes(mesh.points, mesh.cells) * (1.0 if kinetic is None else kinetic)
        grad = gradients(mesh.points, mesh.cells)  # (cells, 4, 3)
        local = pairs(3)
        nodes = mesh.node_of_vertex[mesh.cells]
        ends = np.stack([nodes[list(pair)] for pair in local], axis=1)  # (2, 6, cells)
        edges = column_numbers(op.edges, np.sort(ends, axis=0), op.nodes)
        sign = np.where(ends[0] < ends[1], 1.0, -1.0)
        swirl = np.stack([2 * np.cross(grad[:, i], grad[:, j]) for i, j in local], axis=2)  # (cells, 3, 6)
        corner = mesh.points[:, mesh.cells]
        off = np.moveaxis(corner - corner.mean(axis=1, keepdims=True), -1, 0)  # (cells, 3, 4)
        second = volume[:, None, None] / 20 * (off @ np.swapaxes(off, 1, 2))
        trace = np.trace(second, axis1=1, axis2=2)
        inertia = trace[:, None, None] * np.eye(3) - second
        Q = 0.25 * np.swapaxes(swirl, 1, 2) @ inertia @ swirl
        K = volume[:, None, None] * (grad @ np.swapaxes(grad, 1, 2))
        integers = (np.ascontiguousarray(x, dtype=np.uint32) for x in (nodes.T, edges.T))
        n, e = integers
        return cls(n, e, np.ascontiguousarray(sign.T), K, Q, graph.up, graph.down, op.edges.shape[1])

    def links(self, a: Array, link: Array, weight: Array) -> None:
        """Entries of the matrix of psi, minus its off-diagonal in the rows of physics.graph, and a^T Q a/4 of nodes."""
        _entries(self.nodes, self.edges, self.sign, self.K, self.Q, self.up, self.down, a, link, weight)

    def currents(self, psi: Array, a: Array) -> Array:
        """-1/2 dF/da_e : (edges,)."""
        out = np.zeros(self.count)
        _currents(self.nodes, self.edges, self.sign, self.K, self.Q, psi, a, out)
        return out

    def energy(self, psi: Array, a: Array) -> float:
        """The kinetic part of F."""
        return float(_energy(self.nodes, self.edges, self.sign, self.K, self.Q, psi, a))


@njit(cache=True, error_model="numpy", inline="always")
def _angles(c: Array, alpha: Array) -> None:
    """alpha of the four vertices from the six signed circulations."""
    alpha[0] = 0.25 * (c[0] + c[1] + c[2])
    alpha[1] = 0.25 * (-c[0] + c[3] + c[4])
    alpha[2] = 0.25 * (-c[1] - c[3] + c[5])
    alpha[3] = 0.25 * (-c[2] - c[4] - c[5])


@njit(cache=True, error_model="numpy")
def _entries(
    nodes: Array, edges: Array, sign: Array, K: Array, Q: Array,
    up: Array, down: Array, a: Array, link: Array, weight: Array,
) -> None:  # fmt: skip
    first, second = (0, 0, 0, 1, 1, 2), (1, 2, 3, 2, 3, 3)
    link[:] = 0.0
    weight[:] = 0.0
    c, alpha = np.empty(6), np.empty(4)
    for t in range(nodes.shape[0]):
        for k in range(6):
            c[k] = sign[t, k] * a[edges[t, k]]
        _angles(c, alpha)
        square = 0.0
        for k in range(6):
            for m in range(6):
                square += c[k] * Q[t, k, m] * c[m]
        for i in range(4):
            weight[nodes[t, i]] += 0.25 * square
        for k in range(6):
            i, j = first[k], second[k]
            turn = sign[t, k] * (alpha[j] - alpha[i])
            z = -K[t, i, j] * complex(np.cos(turn), np.sin(turn))
            link[up[edges[t, k]]] += z
            link[down[edges[t, k]]] += z.conjugate()


@njit(cache=True, error_model="numpy")
def _currents(nodes: Array, edges: Array, sign: Array, K: Array, Q: Array, psi: Array, a: Array, out: Array) -> None:
    first, second = (0, 0, 0, 1, 1, 2), (1, 2, 3, 2, 3, 3)
    c, alpha, g, p = np.empty(6), np.empty(4), np.empty(4), np.empty(4, dtype=np.complex128)
    for t in range(nodes.shape[0]):
        for k in range(6):
            c[k] = sign[t, k] * a[edges[t, k]]
        _angles(c, alpha)
        rho = 0.0
        for i in range(4):
            z = psi[nodes[t, i]]
            rho += 0.25 * (z.real * z.real + z.imag * z.imag)
            p[i] = z * complex(np.cos(alpha[i]), np.sin(alpha[i]))
        for i in range(4):
            s = 0.0j
            for j in range(4):
                s += K[t, i, j] * p[j]
            g[i] = (p[i].conjugate() * s).imag
        for k in range(6):
            q = 0.0
            for m in range(6):
                q += Q[t, k, m] * c[m]
            out[edges[t, k]] += sign[t, k] * (0.25 * (g[second[k]] - g[first[k]]) - rho * q)


@njit(cache=True, error_model="numpy")
def _energy(nodes: Array, edges: Array, sign: Array, K: Array, Q: Array, psi: Array, a: Array) -> float:
    c, alpha, p = np.empty(6), np.empty(4), np.empty(4, dtype=np.complex128)
    total = 0.0
    for t in range(nodes.shape[0]):
        for k in range(6):
            c[k] = sign[t, k] * a[edges[t, k]]
        _angles(c, alpha)
        rho = 0.0
        for i in range(4):
            z = psi[nodes[t, i]]
            rho += 0.25 * (z.real * z.real + z.imag * z.imag)
            p[i] = z * complex(np.cos(alpha[i]), np.sin(alpha[i]))
        for i in range(4):
            for j in range(4):
                total += K[t, i, j] * (p[i].conjugate() * p[j]).real
        for k in range(6):
            for m in range(6):
                total += rho * c[k] * Q[t, k, m] * c[m]
    return total
