"""Linear algebra that knows no physics: factor once, or multigrid above a size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as csgraph
import scipy.sparse.linalg as spl
from numba import njit

from fempslip.contract import Array, Failure
from fempslip.physics.compiled import apart
from fempslip.solver.multigrid import Multigrid

# unknowns; above it multigrid takes over.  In bulk pieces a solve by the factor takes 5.4 ms at 30 000 unknowns where
# multigrid takes 13.4, 28 and 30 ms at 64 000, 82 and 72 ms at 135 000; but the factor takes 2.3, 7.6 and 33 s to make,
# and 0.36, 1.0 and 2.9 GiB
FACTOR_LIMIT = {1: 10**7, 2: 400_000, 3: 40_000}
ONCE_LIMIT = 5_000  # the same in bulk pieces for a single right side


def nested_dissection(matrix: sp.csr_array) -> Array:
    """Fill-reducing order by METIS, (unknowns,)."""
    import pymetis

    graph = sp.csr_array(abs(matrix) + abs(matrix).T)  # rounding leaves an entry on one side only, which METIS dies of
    graph.setdiag(0)
    graph.eliminate_zeros()
    if graph.nnz == 0:
        return np.arange(matrix.shape[0])
    adjacency = pymetis.CSRAdjacency(graph.indptr.astype(np.int32), graph.indices.astype(np.int32))
    return np.asarray(pymetis.nested_dissection(adjacency)[0])


@dataclass(frozen=True, eq=False)
class Factor:
    """P A P^T = L D L^H.  order : P;  start, row, value : L by columns, its unit diagonal first;  inverse : 1/D."""

    order: Array
    start: Array
    row: Array
    value: Array
    inverse: Array

    @cached_property
    def blocks(self) -> Blocks | None:
        """L in blocks, if it is real."""
        return None if np.iscomplexobj(self.value) else blocks(self.start, self.row, self.value)

    def __call__(self, b: Array) -> Array:
        y = b[self.order]
        if self.blocks is None or np.iscomplexobj(y):
            substitute(self.start, self.row, self.value, self.inverse, y)
        else:
            y = y.astype(float, copy=False)
            self.ordered(y)
        x = np.empty_like(y)
        x[self.order] = y
        return x

    def ordered(self, y: Array) -> None:
        """Solve in place, real numbers in the order P."""
        found = self.blocks
        assert found is not None
        by_blocks(found.first, found.begin, found.row, found.place, found.value, self.inverse, y, found.work)


def factored(matrix: sp.csr_array) -> Factor:
    """Solver of a symmetric (or Hermitian) positive definite matrix by one sparse factorisation without pivoting:
    P A P^T = L D L^H.
    """
    order = nested_dissection(matrix)
    permuted = sp.csc_matrix(sp.csr_array(matrix)[order][:, order])
    lu = spl.splu(permuted, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    unmoved = np.arange(order.size)
    if not (np.array_equal(lu.perm_r, unmoved) and np.array_equal(lu.perm_c, unmoved)):
        raise Failure("a matrix needs pivoting: check the mesh for degenerate cells")
    lower = sp.csc_array(lu.L)
    lower.sort_indices()
    start, row = lower.indptr.astype(np.uint32), lower.indices.astype(np.uint32)
    return Factor(order, start, row, lower.data, 1.0 / lu.U.diagonal().real)


@njit(cache=True, error_model="numpy")
def substitute(start: Array, row: Array, value: Array, inverse: Array, x: Array) -> None:
    """Solve L D L^H x = x in place; L by columns, its unit diagonal first, inverse = 1/D.

    Reads L twice, 12 bytes an entry; half the time of SuperLU, which does not know the symmetry.
    """
    n = x.size
    for j in range(n):
        s = x[j]
        for k in range(start[j] + 1, start[j + 1]):
            x[row[k]] -= value[k] * s
    for i in range(n):
        j = n - 1 - i
        s = x[j] * inverse[j]
        for k in range(start[j] + 1, start[j + 1]):
            s -= np.conj(value[k]) * x[row[k]]
        x[j] = s


@dataclass(frozen=True, eq=False)
class Blocks:
    """The columns of L in groups that have the same rows below them, so that each row's number is read once a group.

    first : (groups + 1,) first column of each;  row : rows below, those of group g from begin[g] on
    value : from place[g] on the columns of the triangle, each below its diagonal, then the columns below the triangle
    work : (most rows below,) room to work in
    """

    first: Array
    begin: Array
    row: Array
    place: Array
    value: Array
    work: Array


def blocks(start: Array, row: Array, value: Array) -> Blocks:
    """L by columns (its unit diagonal first, rows sorted) in blocks."""
    first = same_rows(start, row)
    width, last = np.diff(first), first[1:] - 1
    below = np.diff(start.astype(np.int64))[last] - 1
    begin = np.concatenate([[0], np.cumsum(below)])
    place = np.concatenate([[0], np.cumsum(width * (width - 1) // 2 + width * below)])
    rows, packed = np.empty(begin[-1], dtype=np.uint32), np.empty(place[-1])
    pack(start, row, value, first, begin, place, rows, packed)
    kind = np.uint32 if place[-1] < 2**32 else np.uint64
    small = (part.astype(kind) for part in (first, begin, place))
    first, begin, place = small
    return Blocks(first, begin, rows, place, packed, np.empty(int(below.max(initial=0)) + 1))


@njit(cache=True, error_model="numpy")
def same_rows(start: Array, row: Array) -> Array:
    """First column of each group of columns, and the number of columns."""
    first, count = np.zeros(start.size, dtype=np.int64), 0
    for j in range(1, start.size - 1):
        a, b, c = int(start[j - 1]), int(start[j]), int(start[j + 1])
        same = b - a == c - b + 1
        for k in range(c - b):
            same = same and row[a + 1 + k] == row[b + k]
        if not same:
            count += 1
            first[count] = j
    first[count + 1] = start.size - 1
    return first[: count + 2]


@njit(cache=True, error_model="numpy")
def pack(
    start: Array, row: Array, value: Array, first: Array, begin: Array, place: Array, rows: Array, packed: Array
) -> None:
    """Fill rows and packed as Blocks says."""
    for g in range(first.size - 1):
        a, b = first[g], first[g + 1]
        last = int(start[b - 1]) + 1
        for k in range(begin[g + 1] - begin[g]):
            rows[begin[g] + k] = row[last + k]
        p = place[g]
        for below in range(2):
            for j in range(a, b):
                middle = int(start[j]) + (b - j)
                for k in range(middle, int(start[j + 1])) if below else range(int(start[j]) + 1, middle):
                    packed[p] = value[k]
                    p += 1


@apart(sums=True)
def by_blocks(
    first: Array, begin: Array, row: Array, place: Array, value: Array, inverse: Array, x: Array, work: Array
) -> None:
    """Solve L D L^T x = x in place.

    Reads L twice, 8 bytes an entry: its columns are read on end, so that several entries are done at once.
    Unsigned numbers as in physics.graph.
    """
    one, two = np.uint32(1), np.uint32(2)
    groups = first.size - 1
    for g in range(groups):
        a, b = first[g], first[g + 1]
        low, below, p = begin[g], begin[g + 1] - begin[g], place[g]
        if b - a == one:
            y = x[a]
            for r in range(below):
                x[row[low + r]] -= value[p + r] * y
            continue
        for j in range(a, b):
            y = x[j]
            for i in range(j + one, b):
                x[i] -= value[p] * y
                p += one
        for r in range(below):
            work[r] = 0.0
        j = a
        while j + one < b:
            y, z, q = x[j], x[j + one], p + below
            for r in range(below):
                work[r] += value[p + r] * y + value[q + r] * z
            p = q + below
            j += two
        if j < b:
            y = x[j]
            for r in range(below):
                work[r] += value[p + r] * y
        for r in range(below):
            x[row[low + r]] -= work[r]
    for back in range(groups):
        g = groups - 1 - back
        a, b = first[g], first[g + 1]
        low, below, p = begin[g], begin[g + 1] - begin[g], place[g]
        if b - a == one:
            y = 0.0
            for r in range(below):
                y += value[p + r] * x[row[low + r]]
            x[a] = x[a] * inverse[a] - y
            continue
        for r in range(below):
            work[r] = x[row[low + r]]
        p += (b - a) * (b - a - one) // two
        q = p
        for j in range(a, b):
            y = 0.0
            for r in range(below):
                y += value[q + r] * work[r]
            x[j] = x[j] * inverse[j] - y
            q += below
        for c in range(b - a):
            j = b - one - c
            p -= c
            y = x[j]
            for i in range(c):
                y -= value[p + i] * x[j + one + i]
            x[j] = y


@dataclass(frozen=True, eq=False)
class Direct:
    """x of a singular K x = b by the factor of K on some unknowns, the others pinned; the start does not matter.

    place : (unknowns of the factor,) in its order, their places in x
    centred : takes off the mean of each connected piece, where there are several
    """

    inner: Factor | None
    place: Array
    centred: Callable[[Array], Array] | None

    iterates = False

    def __call__(self, b: Array, start: Array) -> Array:
        if self.inner is None:
            return np.zeros(b.size)
        x, y = np.empty(b.size), np.empty(self.place.size)
        gather(b if self.centred is None else self.centred(b), self.place, y)
        self.inner.ordered(y)
        scatter(y, self.place, x)
        return x if self.centred is None else self.centred(x)


@apart(sums=True)
def gather(b: Array, place: Array, y: Array) -> None:
    """y = b at the places, less the mean of b."""
    total = 0.0
    for i in range(b.size):
        total += b[i]
    mean = total / b.size
    for k in range(place.size):
        y[k] = b[place[k]] - mean


@apart(sums=True)
def scatter(y: Array, place: Array, x: Array) -> None:
    """x = y at the places and 0 elsewhere, less the mean of all."""
    total = 0.0
    for k in range(place.size):
        total += y[k]
    mean = total / x.size
    for i in range(x.size):
        x[i] = -mean
    for k in range(place.size):
        x[place[k]] = y[k] - mean


def poisson_solver(k: sp.csr_array, dim: int, once: bool = False) -> Direct | Multigrid:
    """Solver of a singular Poisson matrix (constants in its kernel, one for each connected piece).

    Right sides sum to zero on each piece; the solution's mean is zero there.  (right side, start) -> solution.
    once : for a single right side, which is not worth a factor in a bulk piece
    """
    pieces, piece = csgraph.connected_components(k, directed=False)
    size = np.bincount(piece, minlength=pieces)

    def centred(x: Array) -> Array:
        return x - x.sum() / x.size if pieces == 1 else x - (np.bincount(piece, x, pieces) / size)[piece]

    if k.shape[0] > (ONCE_LIMIT if once and dim == 3 and pieces == 1 else FACTOR_LIMIT[dim]):
        return Multigrid.of(k, centred, 1e-12 if once else 1e-10)
    pinned = np.unique(piece, return_index=True)[1]
    kept = np.setdiff1d(np.arange(k.shape[0]), pinned)
    inner = factored(sp.csr_array(k[kept][:, kept])) if kept.size else None
    place = kept if inner is None else kept[inner.order]
    return Direct(inner, place.astype(np.uint32), None if pieces == 1 else centred)
