"""Conjugate gradients with smoothed-aggregation multigrid, for a Poisson matrix that stays and many right sides.

pyamg makes the levels.  The cycle is our own, a tenth of the time of its: one forward sweep of Gauss and Seidel from
zero before the coarser level, one backward sweep after it, which makes it symmetric, in single precision.  It only
preconditions: residual and solution are double, and the tolerance is of the double residual.

Unknowns are ordered by colours: none has a neighbour of its own colour, so that a sweep does all of a colour at once.
Rows lie in slices of up to SLICE alike, entry by entry, not row by row: the compiler then takes several rows at a time.
Within a colour they keep to the order of the mesh, so that what is gathered is near.  Everything stays in this order
from the right side to the solution.

Bytes of an iteration: about 3.2 times the entries of the matrix at 8 (two sweeps, the ways to the coarser level and
back, that level), once at 12.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numba import njit

from fempslip.contract import Array, Failure
from fempslip.physics.compiled import apart

MOST = 300  # iterations
COARSEST = 50  # unknowns
SLICE = 32  # rows
TILE = 1024  # unknowns of a colour that are sorted among themselves: more, and the gathers leave the second cache
SMOOTH = ("energy", {"krylov": "cg", "maxiter": 3, "degree": 1})  # of the prolongation; 11 cycles where jacobi needs 18


@dataclass(frozen=True, eq=False)
class Slices:
    """Rows of a matrix in slices, each filled up with zeros to its longest row.

    row : (slices + 1,) first row of each;  begin : (slices + 1,) its first entry, of which entry k of all its rows
    come first for k = 0, then for k = 1, and so on
    """

    row: Array
    begin: Array
    column: Array
    value: Array

    @classmethod
    def of(cls, matrix: sp.csr_array, row: Array, kind: type = float) -> Slices:
        a = sp.csr_array(matrix)
        a.sort_indices()
        length, size = np.diff(a.indptr), np.diff(row)
        width = np.maximum.reduceat(length, row[:-1])
        begin = np.concatenate([[0], np.cumsum(width * size)])
        own = np.repeat(np.arange(length.size), length)  # row of each entry
        there = np.repeat(np.arange(size.size), size)[own]
        place = begin[there] + (np.arange(own.size) - a.indptr[own]) * size[there] + own - row[there]
        column, value = np.zeros(begin[-1], dtype=np.uint32), np.zeros(begin[-1], dtype=kind)
        column[place], value[place] = a.indices, a.data
        return cls(row.astype(np.uint32), begin.astype(np.uint32), column, value)

    def entries(self) -> tuple[Array, Array]:
        return self.begin, self.column


@dataclass(frozen=True, eq=False)
class Level:
    """A matrix A = L + D + U and the ways to the next coarser one, ordered by colours.

    lower, upper : L and U, low, up : their values in single precision;  inverse : 1/D
    out : prolongation;  back : restriction, (start, column, value) by rows
    b, x, r : (unknowns,) room, work : (SLICE,)
    """

    lower: Slices
    upper: Slices
    low: Array
    up: Array
    inverse: Array
    out: Slices
    back: tuple[Array, Array, Array]
    b: Array
    x: Array
    r: Array
    work: Array


@dataclass(frozen=True, eq=False)
class Multigrid:
    """x of K x = b, (right side, start) -> solution, on the complement of the kernel that `centred` takes off.

    order : unknown that stands at each place of the finest level;  diagonal : of K in this order
    """

    centred: Callable[[Array], Array]
    order: Array
    diagonal: Array
    levels: tuple[Level, ...]
    coarsest: Array  # pseudo-inverse
    tolerance: float

    iterates = True

    @classmethod
    def of(cls, k: sp.csr_array, centred: Callable[[Array], Array], tolerance: float) -> Multigrid:
        import pyamg

        state = np.random.get_state()
        np.random.seed(0)  # pyamg's set-up draws from numpy's global generator; a resumed run must draw the same
        narrow = sp.csr_matrix((k.data, k.indices.astype(np.int32), k.indptr.astype(np.int32)), shape=k.shape)
        ones = np.ones((k.shape[0], 1))
        made = pyamg.smoothed_aggregation_solver(narrow, B=ones, smooth=SMOOTH, max_coarse=COARSEST)
        np.random.set_state(state)
        *fine, last = made.levels
        # a coarsest level of one unknown holds only rounding errors: what is small beside the finest is the kernel
        value, vector = np.linalg.eigh(last.A.toarray())
        kept = value > 1e-10 * k.diagonal().max()
        coarsest = (vector[:, kept] / value[kept]) @ vector[:, kept].T
        orders = [ordered(sp.csr_array(level.A)) for level in fine]
        after = [*(order for order, _ in orders[1:]), np.arange(last.A.shape[0])][: len(fine)]
        levels = tuple(
            level_of(sp.csr_array(level.A), sp.csr_array(level.P), *own, following)
            for level, own, following in zip(fine, orders, after, strict=True)
        )
        order = orders[0][0] if fine else np.arange(k.shape[0])
        diagonal = np.ascontiguousarray(k.diagonal()[order])
        return cls(centred, order, diagonal, levels, coarsest.astype(np.float32 if fine else float), tolerance)

    def __call__(self, b: Array, start: Array) -> Array:
        if not self.levels:
            return self.centred(self.coarsest @ self.centred(b))
        b = self.centred(b)[self.order]
        x = self.centred(start)[self.order]
        p, q = np.empty((2, b.size))
        self.product(x, q)
        r = b - q
        goal = max(self.tolerance * float(np.linalg.norm(b)), 1e-14)
        rr, rz = float(r @ r), 0.0
        for _ in range(MOST):
            if np.sqrt(rr) <= goal:
                found = np.empty_like(x)
                found[self.order] = x
                return self.centred(found)
            z = self.cycle(r)
            new = dot(r, z)
            turn(z, new / rz if rz else 0.0, p)
            rz = new
            rr = correct(rz / self.product(p, q), p, q, x, r)
        raise Failure(
            f"the potential's solver did not converge in {MOST} iterations: check the mesh for degenerate cells"
        )

    def product(self, p: Array, q: Array) -> float:
        """q = K p; p^T K p."""
        fine = self.levels[0]
        return product(
            fine.lower.row, *fine.lower.entries(), fine.lower.value, *fine.upper.entries(), fine.upper.value,
            self.diagonal, p, q, np.empty(SLICE),
        )  # fmt: skip

    def cycle(self, r: Array) -> Array:
        """About K^-1 r, by one V-cycle: (unknowns,) single precision, in room that the next cycle takes.

        It may hold a constant, of which K knows nothing and the solution is freed at the end.
        """
        self.levels[0].b[:] = r
        for number, level in enumerate(self.levels):
            lower, upper = level.lower, level.upper
            forward(lower.row, *lower.entries(), level.low, level.inverse, level.b, level.x, level.work)
            residual(upper.row, *upper.entries(), level.up, level.x, level.r, level.work)
            last = number + 1 == len(self.levels)
            coarse = np.empty(self.coarsest.shape[0], dtype=np.float32) if last else self.levels[number + 1].b
            restrict(*level.back, level.r, coarse)
        found = self.coarsest @ coarse
        for level in reversed(self.levels):
            lower, upper = level.lower, level.upper
            add(level.out.row, *level.out.entries(), level.out.value, found, level.x)
            backward(
                lower.row, *lower.entries(), level.low, *upper.entries(), level.up, level.inverse, level.b, level.x,
                level.work,
            )  # fmt: skip
            found = level.x
        return found


def ordered(matrix: sp.csr_array) -> tuple[Array, Array]:
    """(order, row) : unknowns by colours, within a tile of one by the lengths of their rows in L and U; the slices."""
    count = matrix.shape[0]
    colour = np.empty(count, dtype=np.int32)
    colours(matrix.indptr.astype(np.uint32), matrix.indices.astype(np.uint32), colour)
    own = np.repeat(np.arange(count), np.diff(matrix.indptr))
    before = colour[matrix.indices] < colour[own]
    low, whole = np.bincount(own[before], minlength=count), np.bincount(own, minlength=count)
    ends = np.cumsum(np.bincount(colour))
    rank = np.empty(count, dtype=np.int64)  # among all, by colours
    rank[np.argsort(colour, kind="stable")] = np.arange(count)
    tile = (rank - (ends - np.bincount(colour))[colour]) // TILE
    order = np.lexsort((whole, low, tile, colour))
    firsts = [np.arange(a, b, SLICE) for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    return order, np.concatenate([*firsts, [count]])


@njit(cache=True, error_model="numpy")
def colours(start: Array, column: Array, colour: Array) -> None:
    """colour : (unknowns,) the smallest number that no earlier neighbour has."""
    colour[:] = -1
    met = np.full(start.size, -1, dtype=np.int64)  # (colours,) last unknown beside which each was met
    for i in range(colour.size):
        for k in range(start[i], start[i + 1]):
            other = colour[column[k]]
            if other >= 0:
                met[other] = i
        mine = 0
        while met[mine] == i:
            mine += 1
        colour[i] = mine


def level_of(matrix: sp.csr_array, out: sp.csr_array, order: Array, row: Array, after: Array) -> Level:
    """after : order of the next coarser level."""
    a = sp.csr_array(matrix[order][:, order])
    p = sp.csr_array(out[order][:, after])
    diagonal = a.diagonal()
    inverse = np.where(diagonal > 0, 1.0 / np.where(diagonal > 0, diagonal, 1.0), 0.0).astype(np.float32)
    b, x, r = np.zeros((3, order.size), dtype=np.float32)
    lower, upper = Slices.of(sp.tril(a, -1), row), Slices.of(sp.triu(a, 1), row)
    q = sp.csr_array(p.T)
    q.sort_indices()
    back = q.indptr.astype(np.uint32), q.indices.astype(np.uint32), q.data.astype(np.float32)
    low, up = lower.value.astype(np.float32), upper.value.astype(np.float32)
    work = np.zeros(SLICE, dtype=np.float32)
    return Level(lower, upper, low, up, inverse, Slices.of(p, row, np.float32), back, b, x, r, work)


# --------------------------------------------------------------------------------------- loops over slices


@apart()
def less(begin: int, end: int, size: int, column: Array, value: Array, x: Array, work: Array) -> None:
    """work -= the entries of a slice of so many rows times x."""
    k = begin
    while k < end:
        for i in range(size):
            work[i] -= value[k + i] * x[column[k + i]]
        k += size


@apart()
def forward(
    row: Array, begin: Array, column: Array, value: Array, inverse: Array, b: Array, x: Array, work: Array
) -> None:
    """x by one forward sweep from zero; entries of L."""
    for s in range(row.size - 1):
        first = row[s]
        size = row[s + 1] - first
        for i in range(size):
            work[i] = b[first + i]
        less(begin[s], begin[s + 1], size, column, value, x, work)
        for i in range(size):
            x[first + i] = work[i] * inverse[first + i]


@apart()
def residual(row: Array, begin: Array, column: Array, value: Array, x: Array, r: Array, work: Array) -> None:
    """r = b - A x after `forward`, of which only U x is left; entries of U."""
    for s in range(row.size - 1):
        first = row[s]
        size = row[s + 1] - first
        for i in range(size):
            work[i] = np.float32(0.0)
        less(begin[s], begin[s + 1], size, column, value, x, work)
        for i in range(size):
            r[first + i] = work[i]


@apart()
def backward(
    row: Array, begin: Array, column: Array, value: Array, begin_up: Array, column_up: Array, value_up: Array,
    inverse: Array, b: Array, x: Array, work: Array,
) -> None:  # fmt: skip
    """One backward sweep; entries of L, then of U."""
    slices = row.size - 1
    for back in range(slices):
        s = slices - 1 - back
        first = row[s]
        size = row[s + 1] - first
        for i in range(size):
            work[i] = b[first + i]
        less(begin[s], begin[s + 1], size, column, value, x, work)
        less(begin_up[s], begin_up[s + 1], size, column_up, value_up, x, work)
        for i in range(size):
            x[first + i] = work[i] * inverse[first + i]


@apart()
def add(row: Array, begin: Array, column: Array, value: Array, x: Array, y: Array) -> None:
    """y += A x."""
    for s in range(row.size - 1):
        first = row[s]
        size = row[s + 1] - first
        k = begin[s]
        while k < begin[s + 1]:
            for i in range(size):
                y[first + i] += value[k + i] * x[column[k + i]]
            k += size


@apart(sums=True)
def restrict(start: Array, column: Array, value: Array, x: Array, y: Array) -> None:
    """y = A x of a matrix by rows, which are long here."""
    for i in range(y.size):
        s = np.float32(0.0)
        for k in range(start[i], start[i + 1]):
            s += value[k] * x[column[k]]
        y[i] = s


@apart(sums=True)
def product(
    row: Array, begin: Array, column: Array, value: Array, begin_up: Array, column_up: Array, value_up: Array,
    diagonal: Array, p: Array, q: Array, work: Array,
) -> float:  # fmt: skip
    """q = (L + D + U) p; p^T q."""
    total = 0.0
    for s in range(row.size - 1):
        first = row[s]
        size = row[s + 1] - first
        for i in range(size):
            work[i] = -diagonal[first + i] * p[first + i]
        less(begin[s], begin[s + 1], size, column, value, p, work)
        less(begin_up[s], begin_up[s + 1], size, column_up, value_up, p, work)
        for i in range(size):
            q[first + i] = -work[i]
            total -= work[i] * p[first + i]
    return total


@apart(sums=True)
def dot(r: Array, z: Array) -> float:
    total = 0.0
    for i in range(r.size):
        total += r[i] * z[i]
    return total


@apart()
def turn(z: Array, by: float, p: Array) -> None:
    """p = z + by p."""
    if by == 0.0:
        for i in range(p.size):
            p[i] = z[i]
    else:
        for i in range(p.size):
            p[i] = z[i] + by * p[i]


@apart(sums=True)
def correct(step: float, p: Array, q: Array, x: Array, r: Array) -> float:
    """x += step p, r -= step q; r^T r."""
    total = 0.0
    for i in range(x.size):
        x[i] += step * p[i]
        r[i] -= step * q[i]
        total += r[i] * r[i]
    return total
