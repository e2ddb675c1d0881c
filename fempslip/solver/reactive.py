"""The kinetic half of a reactive step: the midpoint of u d_t psi = -m^-1 K psi by Crank and Nicolson's rule.

    (m i u + (i dt/2) K) middle = m i u psi,    psi_new = 2 middle - psi

the rows multiplied by i u, so that the matrix stays complex symmetric where u varies.  Factored once where the links
rest; else, for u = -i, by the iteration of Concus, Golub and Widlund for (I + i S) y = b with S Hermitian.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numba import njit

from fempslip.contract import Array, Failure
from fempslip.physics.graph import Graph
from fempslip.solver.linear import FACTOR_LIMIT, nested_dissection

CGW_LIMIT = 1000
KEPT = 3  # factorisations that are remembered: the usual step, and those around a kink


@dataclass(frozen=True, eq=False)
class Factored:
    """Middle by a factorisation for each length of step."""

    k: sp.csr_array
    m: Array
    u: Array
    kept: dict[float, Callable[[Array], Array]] = field(default_factory=dict)

    def middle(self, psi: Array, dt: float) -> tuple[Array, int]:
        return self.solver(dt)(self.m * 1j * self.u * psi), 1

    def solver(self, dt: float) -> Callable[[Array], Array]:
        dt = rounded(dt)
        if dt in self.kept:
            return self.kept[dt]
        if len(self.kept) >= KEPT:
            del self.kept[next(iter(self.kept))]
        matrix = sp.csr_array(sp.diags_array(self.m * 1j * self.u) + 0.5j * dt * self.k)
        self.kept[dt] = with_links(matrix) if np.any(self.k.data.imag) else symmetric(matrix)
        return self.kept[dt]


def rounded(dt: float) -> float:
    """A step without the rounding of the clock: a resumed run, which begins elsewhere, factors the same matrix."""
    return float(f"{dt:.9e}")


def without_pivots(matrix: sp.csr_array) -> tuple[Array, spl.SuperLU]:
    order = nested_dissection(matrix)
    permuted = sp.csc_matrix(sp.csr_array(matrix)[order][:, order])
    return order, spl.splu(permuted, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def symmetric(matrix: sp.csr_array) -> Callable[[Array], Array]:
    """Solver of a complex symmetric matrix whose real and imaginary parts are positive definite, P A P^T = L D L^T."""
    order, lu = without_pivots(matrix)
    lower = sp.csc_array(lu.L)
    lower.sort_indices()
    start, row, inverse = lower.indptr.astype(np.uint32), lower.indices.astype(np.uint32), 1.0 / lu.U.diagonal()

    def solve(b: Array) -> Array:
        y = b[order]
        substitute(start, row, lower.data, inverse, y)
        x = np.empty_like(y)
        x[order] = y
        return x

    return solve


@njit(cache=True, error_model="numpy")
def substitute(start: Array, row: Array, value: Array, inverse: Array, x: Array) -> None:
    """Solve L D L^T x = x in place; as linear.substitute, which is for Hermitian matrices."""
    n = x.size
    for j in range(n):
        s = x[j]
        for k in range(start[j] + 1, start[j + 1]):
            x[row[k]] -= value[k] * s
    for i in range(n):
        j = n - 1 - i
        s = x[j] * inverse[j]
        for k in range(start[j] + 1, start[j + 1]):
            s -= value[k] * x[row[k]]
        x[j] = s


def with_links(matrix: sp.csr_array) -> Callable[[Array], Array]:
    """Solver where the links of a field make the matrix neither symmetric nor Hermitian."""
    order, lu = without_pivots(matrix)

    def solve(b: Array) -> Array:
        x = np.empty_like(b)
        x[order] = lu.solve(b[order])
        return x

    return solve


@dataclass(frozen=True, eq=False)
class Iterated:
    """Middle by CGW.  link : entries of the graph, w exp(-i a), which may change from step to step."""

    graph: Graph
    m: Array
    tolerance: float

    def middle(self, psi: Array, link: Array, dt: float, weight: Array | None = None) -> tuple[Array, int]:
        """weight : (nodes,) added to the diagonal of K."""
        g, root = self.graph, np.sqrt(self.m)
        y = root * psi
        b = y.copy()
        diagonal = g.diagonal if weight is None else g.diagonal + weight
        count = cgw(g.start, g.neighbour, link, diagonal, 1.0 / root, 0.5 * dt, b, y, self.tolerance, CGW_LIMIT)
        return y / root, count


@njit(cache=True, error_model="numpy")
def cgw(
    start: Array,
    neighbour: Array,
    link: Array,
    diagonal: Array,
    scale: Array,
    half: float,
    b: Array,
    y: Array,
    tolerance: float,
    limit: int,
) -> int:
    """Solve (I + i S) y = b in place, S = half scale K scale; the number of iterations, -1 where they do not end.

    r_k = b - (I + iS) y_k,   y_{k+1} = y_{k-1} + w_{k+1} (r_k + y_k - y_{k-1}),
    w_1 = 1,   w_{k+1} = 1/(1 + |r_k|^2/(|r_{k-1}|^2 w_k))     (P. Concus and G. H. Golub, 1976; O. Widlund, 1978)
    """
    n = y.size
    before = y.copy()
    r = np.empty_like(y)
    whole = 0.0
    for i in range(n):
        whole += b[i].real * b[i].real + b[i].imag * b[i].imag
    last = 0.0
    omega = 1.0
    for count in range(limit):
        norm = 0.0
        for i in range(n):
            s = diagonal[i] * scale[i] * y[i]
            for k in range(start[i], start[i + 1]):
                j = neighbour[k]
                s -= link[k] * (scale[j] * y[j])
            r[i] = b[i] - y[i] - 1j * (half * scale[i] * s)
            norm += r[i].real * r[i].real + r[i].imag * r[i].imag
        if not norm < 1e300:
            return -1
        if norm <= tolerance * tolerance * whole and count > 0:
            return count
        omega = 1.0 if count == 0 else 1.0 / (1.0 + norm / (last * omega))
        last = norm
        for i in range(n):
            new = before[i] + omega * (r[i] + y[i] - before[i])
            before[i] = y[i]
            y[i] = new
        if norm == 0.0:
            return count
    return -1


def fits(nodes: int, dim: int) -> bool:
    """Whether a complex factorisation is worth while."""
    return nodes <= {1: FACTOR_LIMIT[1], 2: FACTOR_LIMIT[2] // 2, 3: 4_000}[dim]


def not_converged(t: float) -> Failure:
    return Failure(
        f"at t = {t:g} tau the kinetic step did not converge in {CGW_LIMIT} iterations: set time.fixed smaller"
    )
