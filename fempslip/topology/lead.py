"""E = -v x B between any two places of a film, with lead fields.

    int V dt  =  2 pi sum over zeros of  int (g_y dx - g_x dy)  +  bounded terms

g is the current density that would flow if a unit current were sent from the first place to the second: what a zero
moves across it.  A zero that goes from one edge of a film to the other, between the places, adds 2 pi; one that passes
close to a probe that is a point is felt more there, and one that does not pass between the places adds nothing.
It is the spread path of topology.ledger written for places instead of edges.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.simplices import gradients
from fempslip.topology.ledger import resistors

NEAR = 12  # cells with the nearest centres, among which that of a point is looked for
TURN = 2 * np.pi


@dataclass(frozen=True, eq=False)
class LeadField:
    """flow : (2, cells) g in each triangle, a unit current from the first place to the second."""

    mesh: Mesh
    flow: Array
    tree: cKDTree
    slopes: Array

    @classmethod
    def of(cls, mesh: Mesh, op: Operators, b: Array) -> LeadField:
        """b : (nodes,) weights of the second place minus those of the first."""
        phi = resistors(op, b, np.maximum(op.w, 0.0))[mesh.node_of_vertex[mesh.cells]]
        slopes = gradients(mesh.points, mesh.cells)
        flow = np.einsum("ckx,kc->xc", slopes, phi)
        return cls(mesh, flow, cKDTree(mesh.points[:, mesh.cells].mean(axis=1).T), slopes)

    def at(self, place: Array) -> Array:
        """(2, places) g in the triangle that holds each place, or comes nearest to it."""
        if not place.shape[1]:
            return np.zeros((2, 0))
        _, near = self.tree.query(place.T, k=min(NEAR, self.flow.shape[1]))
        near = near.reshape(place.shape[1], -1)
        rel = place.T[:, None] - self.mesh.points[:, self.mesh.cells[0, near]].transpose(1, 2, 0)
        inner = np.einsum("pnkx,pnx->pnk", self.slopes[near][:, :, 1:], rel)
        depth = np.minimum(inner.min(axis=2), 1 - inner.sum(axis=2))
        return self.flow[:, near[np.arange(place.shape[1]), depth.argmax(axis=1)]]

    def flux(self, start: Array, change: Array) -> Array:
        """(moves,) flux of g across each displacement, from its left to its right.  start, change : (2, moves)."""
        step = 0.25 * self.mesh.size if self.mesh.size > 0 else 0.1
        pieces = np.maximum(1, np.ceil(np.hypot(*change) / step).astype(int))
        which = np.repeat(np.arange(pieces.size), pieces)
        rank = np.arange(which.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        middle = start[:, which] + change[:, which] * ((rank + 0.5) / pieces[which])
        g, part = self.at(middle), change[:, which] / pieces[which]
        return np.bincount(which, g[1] * part[0] - g[0] * part[1], minlength=pieces.size)

    def impulse(self, t: Array, start: Array, change: Array, clock: Array, winding: Array) -> Array:
        """int V dt, (times,), of displacements of zeros with these windings up to the times of `clock`."""
        chosen = t <= clock[-1] * (1 + 1e-12)
        steps = np.searchsorted(clock, t[chosen] * (1 - 1e-12))
        flux = TURN * winding[chosen] * self.flux(start[:2, chosen], change[:2, chosen])
        return np.cumsum(np.bincount(steps, flux, minlength=clock.size))
