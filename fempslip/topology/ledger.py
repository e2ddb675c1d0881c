"""Both sides of the Josephson-Anderson relation on the mesh, for any real 1-chain p with boundary b = G^T p.

    -change of sum p a  =  2 pi sum p W  +  change of sum p phi  -  change of sum b (alpha + 2 pi K)
     int V dt               crossings       phase of the path       phase of the nodes

A chain may follow one path of edges (p = +1, -1) or spread over the body like the current of a network of resistors
between the probes; with such lead fields the crossings are E = -v x B.  Edges outside the tracked part have no phase:
they add -change of sum p a, the part of the contacts, on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numba import njit
from scipy.sparse.linalg import spsolve
from scipy.spatial import cKDTree

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.cochains import edge_lengths
from fempslip.mesh.paths import MOST_FILM_ENTRIES, chain
from fempslip.mesh.simplices import laplacian
from fempslip.physics.compiled import apart
from fempslip.topology.state import TURN, Windings

PATHS = ("direct", "detour", "spread")
AWAY = 3.0  # xi: how far a detour keeps off the direct path
DIRECT_SOLVE = 20_000  # nodes of a film up to which the resistors are solved by factors; bulk pieces fill too much
BULK_SOLVE = 1_000


def paths(mesh: Mesh, op: Operators, b: Array) -> dict[str, Array]:
    """Chains p, (edges,), with the boundary b: the shortest, another one round it if there is one, and a spread one.

    b : (nodes,) weights of the second probe minus those of the first
    """
    lengths = edge_lengths(mesh, op)
    direct = chain(op, lengths, b)
    detour = chain(op, lengths * (1 + 20 * _near(mesh, op, direct)), b)
    found = {"direct": direct, "detour": detour, "spread": spread(op, b)}
    if np.allclose(detour, direct):
        del found["detour"]
    if np.allclose(found["spread"], direct):
        del found["spread"]
    return found


def _near(mesh: Mesh, op: Operators, p: Array) -> Array:
    """(edges,) 1 beside the chain p, falling to 0 over AWAY."""
    place = np.zeros((mesh.points.shape[0], op.nodes))
    place[:, mesh.node_of_vertex] = mesh.points
    middle = place[:, op.edges].mean(axis=1)
    distance, _ = cKDTree(middle[:, p != 0].T).query(middle.T)
    return np.exp(-((distance / AWAY) ** 2))


def spread(op: Operators, b: Array) -> Array:
    """The currents c G phi of a network of resistors, G^T c G phi = b, (edges,); c : link weights of the mesh."""
    c = np.maximum(op.w, 1e-3 * float(np.median(op.w)))
    return c * (op.G @ resistors(op, b, c))


def resistors(op: Operators, b: Array, c: Array) -> Array:
    """phi, (nodes,), of a network with conductances c, (edges,), into which the currents -b flow."""
    k = laplacian(op.nodes, op.edges, c)
    ground = int(np.argmin(b))
    free = np.delete(np.arange(op.nodes), ground)
    phi = np.zeros(op.nodes)
    matrix = sp.csc_array(k[free][:, free])
    matrix = matrix + sp.diags_array(np.full(free.size, 1e-14 * float(c.max())))  # pieces without a probe
    if op.nodes <= (DIRECT_SOLVE if matrix.nnz < MOST_FILM_ENTRIES * op.nodes else BULK_SOLVE):
        phi[free] = spsolve(matrix, b[free], permc_spec="MMD_AT_PLUS_A")
    else:
        scale = sp.diags_array(1.0 / matrix.diagonal())
        phi[free], _ = sp.linalg.cg(matrix, b[free], rtol=1e-8, maxiter=5000, M=scale)
    return phi


@dataclass(frozen=True, eq=False)
class Chains:
    """Several chains. p : (chains, edges) on tracked edges;  rest : the same elsewhere;  b : (chains, nodes) of p."""

    p: Array
    rest: Array
    b: Array

    @classmethod
    def of(cls, op: Operators, edge_live: Array, chains: list[Array]) -> Chains:
        p = np.array(chains).reshape(len(chains), op.edges.shape[1])
        inside = np.where(edge_live, p, 0.0)
        return cls(inside, p - inside, np.array([op.G.T @ row for row in inside]).reshape(len(chains), op.nodes))

    def crossed(self, state: Windings) -> Array:
        """sum p W of the last step, (chains,)."""
        out = np.empty(len(self.p))
        weighed(self.p, state.crossed, state.amount, out)
        return out

    def terms(self, state: Windings, a: Array) -> Array:
        """(4, chains): sum p a, sum p phi, sum b (alpha + 2 pi K), and sum p a elsewhere."""
        out = np.empty((4, len(self.p)))
        summed(self.p, self.rest, self.b, state.phase, a, state.k, state.complex.edges, out)
        return out


@njit(cache=True, error_model="numpy")
def weighed(p: Array, crossed: Array, amount: Array, out: Array) -> None:
    for number in range(out.size):
        total = 0.0
        for c in range(crossed.size):
            total += p[number, crossed[c]] * amount[c]
        out[number] = total


@apart(sums=True)
def summed(p: Array, rest: Array, b: Array, phase: Array, a: Array, k: Array, edges: Array, out: Array) -> None:
    """`Chains.terms`; phi = phase_j - phase_i - a + 2 pi k is made once for all chains."""
    phi = np.empty(a.size)
    for e in range(a.size):
        phi[e] = phase[edges[1, e]] - phase[edges[0, e]] - a[e] + TURN * k[e]
    for number in range(out.shape[1]):
        links, along, ends, elsewhere = 0.0, 0.0, 0.0, 0.0
        for e in range(a.size):
            links += p[number, e] * a[e]
            along += p[number, e] * phi[e]
            elsewhere += rest[number, e] * a[e]
        for i in range(phase.size):
            ends += b[number, i] * phase[i]
        out[0, number], out[1, number], out[2, number], out[3, number] = links, along, ends, elsewhere
