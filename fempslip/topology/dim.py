"""Where psi is nearly normal: a label of cells, never a part of the bookkeeping.

A cell is dim where |psi| stays below 0.1 within 1.5 xi of all its nodes (until it comes above 0.15 again).  The core of
a vortex never is: |psi| is 0.69 at 1.5 xi from it.  The balance of the bright part is exact: zeros come into it through
its edges, or because a cell that holds one is labelled anew, which is told as `swallowed` and `emerged`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numba import njit

from fempslip.contract import Array
from fempslip.physics.compiled import apart
from fempslip.topology.subcomplex import Subcomplex

BELOW, ABOVE = 0.1, 0.15  # of |psi|: dim below, bright above, as before in between
REACH = 1.5  # xi
EVERY = 10  # steps between two looks


@dataclass
class Dim:
    """cells : (cells,) True where dim; cells are edges of wires and faces of films and bodies.

    rounds : how many edges it takes to go REACH
    """

    complex: Subcomplex
    rounds: int
    cells: Array
    room: tuple[Array, Array] = field(repr=False)

    @classmethod
    def of(cls, complex: Subcomplex, nodes: int) -> Dim:
        """With no cell dim."""
        i, j = complex.ends[:, complex.edge_live]
        size = float(np.linalg.norm(complex.places[:, j] - complex.places[:, i], axis=0).mean()) if i.size else 1.0
        corners = complex.edges if complex.dim == 1 else complex.face_nodes
        return cls(
            complex, ceil(REACH / size), np.zeros(corners.shape[1], dtype=bool), (np.empty(nodes), np.empty(nodes))
        )

    @property
    def any(self) -> bool:
        return bool(self.cells.any())

    def look(self, psi: Array) -> Array:
        """Label the cells anew by psi; the numbers of those whose label changed."""
        c = self.complex
        b, work = self.room
        corners, live = (c.edges, c.edge_live) if c.dim == 1 else (c.face_nodes, c.face_live)
        before = self.cells.copy() if self.any else np.zeros(0, dtype=bool)
        if density(psi, b) and dark(b, corners, live):  # no cell is dim whose own nodes are not
            neighbourhood(b, c.edges[0], c.edges[1], c.edge_live, self.rounds, work)
            label(b, corners, live, self.cells)
        else:
            self.cells[:] = False
        return np.flatnonzero(self.cells != before) if before.size else np.flatnonzero(self.cells)


@apart()
def density(psi: Array, b: Array) -> int:
    """b : (nodes,) |psi|^2; returns the number of nodes below ABOVE."""
    count = 0
    for i in range(psi.size):
        b[i] = psi[i].real * psi[i].real + psi[i].imag * psi[i].imag
        count += b[i] < ABOVE * ABOVE
    return count


@njit(cache=True, error_model="numpy")
def dark(b: Array, corners: Array, live: Array) -> bool:
    """Whether any live cell has only nodes below ABOVE."""
    for f in range(live.size):
        if live[f]:
            k = 0
            while k < corners.shape[0] and b[corners[k, f]] < ABOVE * ABOVE:
                k += 1
            if k == corners.shape[0]:
                return True
    return False


@njit(cache=True, error_model="numpy")
def label(b: Array, corners: Array, live: Array, cells: Array) -> None:
    """cells : whether the brightest corner is below BELOW, or below ABOVE where it was dim before."""
    for f in range(live.size):
        brightest = 0.0
        for k in range(corners.shape[0]):
            brightest = max(brightest, b[corners[k, f]])
        bound = ABOVE if cells[f] else BELOW
        cells[f] = live[f] and brightest < bound * bound


@njit(cache=True, error_model="numpy")
def neighbourhood(b: Array, first: Array, second: Array, live: Array, rounds: int, work: Array) -> None:
    """b : (nodes,) becomes the largest b within `rounds` edges of a node where that is below ABOVE, else any above.

    So bright nodes stay as they are, and only edges with an end that is not bright are looked at.
    """
    near, count = np.empty(first.size, dtype=np.uint32), 0
    for e in range(first.size):
        near[count] = e
        count += live[e] & ((b[first[e]] < ABOVE * ABOVE) | (b[second[e]] < ABOVE * ABOVE))
    for _ in range(rounds):
        for e in near[:count]:
            work[first[e]] = b[first[e]]
            work[second[e]] = b[second[e]]
        for e in near[:count]:
            i, j = first[e], second[e]
            b[i] = max(b[i], work[j])
            b[j] = max(b[j], work[i])
