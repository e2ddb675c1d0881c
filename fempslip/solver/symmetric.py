"""Sparse symmetric matrices that need not be positive: solved, and their negative eigenvalues counted.

One factorisation P A P^T = L D L^H without pivoting: by Sylvester's law of inertia D has as many negative entries as A
has negative eigenvalues.  That is how a minimum (0) is told from a saddle (1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from fempslip.contract import Array


class Singular(ArithmeticError):
    """A matrix without an inverse, or one whose factorisation met a zero pivot."""


@dataclass(frozen=True, eq=False)
class Factor:
    """A factored matrix.  solve : (unknowns,) or (unknowns, columns) -> the same;  negative : eigenvalues below 0.

    log_determinant : of |det A|
    """

    solve: Callable[[Array], Array]
    negative: int
    log_determinant: float


def factor(matrix: sp.sparray, order: Array) -> Factor:
    """Factor a real symmetric or complex Hermitian matrix in the given order of its unknowns.  Raises Singular."""
    permuted = sp.csc_matrix(sp.csr_array(matrix)[order][:, order])
    try:
        lu = spl.splu(permuted, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError as error:
        raise Singular(str(error)) from None
    if not np.array_equal(lu.perm_r, lu.perm_c):
        raise Singular("the factorisation had to exchange rows, so the signs of its pivots mean nothing")
    pivots = lu.U.diagonal().real
    if not np.all(np.isfinite(pivots)) or np.any(pivots == 0.0):
        raise Singular("a pivot is zero")

    def solve(b: Array) -> Array:
        x = np.empty_like(b, dtype=permuted.dtype)
        x[order] = lu.solve(np.ascontiguousarray(b[order], dtype=permuted.dtype))
        return x

    return Factor(solve, int(np.sum(pivots < 0)), float(np.sum(np.log(np.abs(pivots)))))


def bordered(matrix: sp.sparray, columns: Array) -> sp.csr_array:
    """[A Z; Z^T 0] : the matrix on the vectors orthogonal to the columns Z, (unknowns, columns)."""
    z = sp.csr_array(columns)
    return sp.csr_array(sp.block_array([[matrix, z], [z.T, None]], format="csr"))


def before_last(order: Array, extra: int, last: int) -> Array:
    """The order with `extra` more unknowns put before its last few: a border must not meet a zero mode's pivot."""
    count = order.size
    return np.concatenate([order[: count - last], count + np.arange(extra), order[count - last :]])


def lowest(matrix: sp.sparray, mass: sp.sparray, order: Array, count: int, below: float = -1e-3) -> tuple[Array, Array]:
    """The `count` lowest eigenvalues of A y = lambda M y and their vectors (unknowns, count), by shift and inversion.

    The shift is lowered until nothing lies below it, which inertia tells.
    """
    shift = below
    while True:
        found = factor(matrix - shift * mass, order)
        if found.negative == 0:
            break
        shift *= 4
    inverse = spl.LinearOperator(matrix.shape, found.solve, dtype=matrix.dtype)
    start = np.random.default_rng(0).standard_normal(matrix.shape[0]).astype(matrix.dtype)
    count = min(count, matrix.shape[0] - 2)
    values, vectors = spl.eigsh(
        sp.csc_array(matrix), k=count, M=sp.csc_array(mass), sigma=shift, OPinv=inverse, v0=start
    )
    by_size = np.argsort(values)
    return values[by_size], vectors[:, by_size]
