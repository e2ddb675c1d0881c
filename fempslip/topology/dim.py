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
        least = neighbourhood(psi, c.edges[0], c.edges[1], c.edge_live, self.rounds, b, work)
        if least >= BELOW**2 and not self.any:
            return np.zeros(0, dtype=np.int64)
        corners, live = (c.edges, c.edge_live) if c.dim == 1 else (c.face_nodes, c.face_live)
        brightest = b[corners].max(axis=0)
        before = self.cells
        self.cells = live & (brightest < np.where(before, ABOVE**2, BELOW**2))
        return np.flatnonzero(before != self.cells)


@njit(cache=True, error_model="numpy")
def neighbourhood(psi: Array, first: Array, second: Array, live: Array, rounds: int, b: Array, work: Array) -> float:
    """b : (nodes,) largest |psi|^2 within `rounds` edges of a node.  Returns the least of live edges."""
    for i in range(psi.size):
        b[i] = psi[i].real ** 2 + psi[i].imag ** 2
    for _ in range(rounds):
        work[:] = b
        for e in range(first.size):
            if live[e]:
                i, j = first[e], second[e]
                if work[j] > b[i]:
                    b[i] = work[j]
                if work[i] > b[j]:
                    b[j] = work[i]
    least = np.inf
    for e in range(first.size):
        if live[e]:
            least = min(least, max(b[first[e]], b[second[e]]))
    return least
