"""Linear algebra that knows no physics: factor once, or multigrid above a size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as csgraph
import scipy.sparse.linalg as spl
from numba import njit

from fempslip.contract import Array, Failure

FACTOR_LIMIT = {1: 10**7, 2: 400_000, 3: 150_000}  # unknowns; above it the factor's memory and time lose to multigrid


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

    def __call__(self, b: Array) -> Array:
        y = b[self.order]
        substitute(self.start, self.row, self.value, self.inverse, y)
        x = np.empty_like(y)
        x[self.order] = y
        return x


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


def poisson_solver(k: sp.csr_array, dim: int) -> Callable[[Array, Array], Array]:
    """Solver of a singular Poisson matrix (constants in its kernel, one for each connected piece).

    Right sides sum to zero on each piece; the solution's mean is zero there.  (right side, start) -> solution.
    """
    pieces, piece = csgraph.connected_components(k, directed=False)
    size = np.bincount(piece, minlength=pieces)

    def centred(x: Array) -> Array:
        return x - x.mean() if pieces == 1 else x - (np.bincount(piece, x, pieces) / size)[piece]

    if k.shape[0] <= FACTOR_LIMIT[dim]:
        pinned = np.unique(piece, return_index=True)[1]
        kept = np.setdiff1d(np.arange(k.shape[0]), pinned)
        if kept.size == 0:
            return lambda b, start: np.zeros_like(b)
        inner = factored(sp.csr_array(k[kept][:, kept]))

        def direct(b: Array, start: Array) -> Array:
            x = np.zeros(b.size)
            x[kept] = inner(centred(b)[kept])
            return centred(x)

        return direct
    return multigrid(k, centred)


def multigrid(k: sp.csr_array, centred: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    """Smoothed-aggregation multigrid with CG, started from the last solution."""
    import pyamg

    state = np.random.get_state()
    np.random.seed(0)  # pyamg's set-up draws from numpy's global generator; a resumed run must draw the same
    levels = pyamg.smoothed_aggregation_solver(sp.csr_matrix(k), B=np.ones((k.shape[0], 1)))
    np.random.set_state(state)
    cycle = levels.aspreconditioner()
    # free of constants: a coarsest level of one unknown holds only rounding errors and would scale them at will
    preconditioner = spl.LinearOperator(k.shape, lambda r: centred(cycle @ centred(r)), dtype=float)

    def iterate(b: Array, start: Array) -> Array:
        b = centred(b)
        x, failed = spl.cg(k, b, x0=start, rtol=1e-10, atol=1e-14, maxiter=300, M=preconditioner)
        if failed:
            raise Failure(
                "the potential's solver did not converge in 300 iterations: check the mesh for degenerate cells"
            )
        return centred(x)

    return iterate
