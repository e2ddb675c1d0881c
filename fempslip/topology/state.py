"""The windings of a run, carried from one sample to the next in integers.

Faces are never counted again: only those beside crossed edges change.  A recount now and then asserts it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array, Failure
from fempslip.physics.angles import arguments
from fempslip.topology import kernels
from fempslip.topology.subcomplex import Subcomplex

TURN = 2 * np.pi
BRIGHT = 0.3  # |psi| above which the turn of a node counts in max theta


@dataclass
class Windings:
    """Phases, K, k and n of the last sample, and what crossed since the one before.

    phase : (nodes,) unwrapped, alpha + 2 pi K;  turns : (nodes,) K;  k : (edges,) of these phases
    n : (faces,) int8, 0 outside the tracked part;  alpha : (nodes,) arg psi
    crossed, amount : (crossings,) live edges and their W;  largest : max theta of bright nodes
    touched, change : (touched,) live faces of the crossed edges, and the change of their n
    mark : (faces,) -1, for the kernels;  widest : most faces that share an edge
    """

    complex: Subcomplex
    phase: Array
    turns: Array
    k: Array
    n: Array
    alpha: Array
    mark: Array
    room: tuple[Array, Array]
    widest: int
    crossed: Array
    amount: Array
    touched: Array
    change: Array
    largest: float = 0.0

    @classmethod
    def at(cls, complex: Subcomplex, psi: Array, a: Array, turns: Array | None = None) -> Windings:
        """The windings of a first sample."""
        nodes, edges, faces = psi.size, a.size, complex.face_live.size
        none = np.zeros(0, dtype=np.uint32)
        state = cls(
            complex,
            phase=np.empty(nodes),
            turns=np.zeros(nodes, dtype=np.int32) if turns is None else turns.astype(np.int32),
            k=np.empty(edges, dtype=np.int32),
            n=np.zeros(faces, dtype=np.int8),
            alpha=np.empty(nodes),
            mark=np.full(faces, -1, dtype=np.int32),
            room=(np.empty(edges, dtype=np.uint32), np.empty(edges, dtype=np.int32)),
            widest=int(np.diff(complex.start.astype(np.int64)).max(initial=0)),
            crossed=none,
            amount=np.zeros(0, dtype=np.int32),
            touched=none,
            change=np.zeros(0, dtype=np.int32),
        )
        arguments(psi, state.alpha)
        state.phase[:] = state.alpha + TURN * state.turns
        kernels.branches(state.phase, a, complex.edges, state.k)
        state.n[:] = state.counted()
        return state

    def step(self, old: Array, psi: Array, a: Array) -> None:
        """Go on to the next sample; old : psi of the last one.  Face windings n stay until `settle`."""
        c = self.complex
        self.largest = kernels.unwrap(old, psi, BRIGHT**2, self.alpha, self.phase, self.turns)
        count = kernels.cross(self.phase, a, c.edges[0], c.edges[1], c.edge_live, self.k, *self.room)
        self.crossed, self.amount = self.room[0][:count].copy(), self.room[1][:count].copy()
        if not count:
            self.touched, self.change = self.touched[:0], self.change[:0]
            return
        most = min(count * self.widest, c.face_live.size)
        touched, change = np.empty(most, dtype=np.uint32), np.empty(most, dtype=np.int32)
        number = kernels.touch(self.crossed, self.amount, c.start, c.face_of, c.sign, self.mark, touched, change)
        self.touched, self.change = touched[:number], change[:number]

    def settle(self) -> None:
        """Give the touched faces their new windings."""
        if self.touched.size:
            kernels.settle(self.touched, self.change, self.n, self.mark)

    def counted(self) -> Array:
        """n_f of all faces from k alone, (faces,) int8."""
        c = self.complex
        n = np.empty(c.face_live.size, dtype=np.int8)
        kernels.recount(self.k, c.faces, c.sense, c.hidden, c.face_live, n)
        return n

    def check(self) -> int:
        """Number of faces whose carried winding is not the recounted one; never other than 0.

        Raises Failure where a face is wound more than once: the mesh does not resolve the field.
        """
        n = self.counted()
        if n.size and np.abs(n).max() > 1:
            raise Failure("a face of the mesh holds more than one zero: reduce mesh.size or the field")
        return int(np.count_nonzero(n != self.n))
