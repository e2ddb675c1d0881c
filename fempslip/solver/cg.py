"""Conjugate gradients for alpha x + beta x* - (links x) = b: real-symmetric positive definite on (Re x, Im x).

Residuals are taken in double precision, corrections in single: A d = b - A x is solved to what the caller asks, but
never beyond 1e-4 of its right side, far above what single precision spoils (1e-6); where x needs more it is done again
(iterative refinement: N. J. Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapter 12).  Half the
bytes, and twice as many numbers at once.

Preconditioned by the 2x2 blocks of the diagonal: alpha z + beta z* = r gives
z = (alpha r - beta r*)/(alpha^2 - |beta|^2).
Fixed nodes (normal contacts, banks) keep their x.  At least one iteration is made: from a good start CG would return
unchanged at a loose tolerance and psi would coast.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numba import prange

from fempslip.contract import Array
from fempslip.physics.compiled import apart

NOTHING = 1e-280  # of r^T P r: |psi| of some 1e-140, a normal sample; its squares would soon be 0, and 0/0 no number
WINDOW = 512  # rows: their part of q stays in the nearest cache while the diagonals pass
THIN = 2e-5  # of alpha^2: where alpha^2 - |beta|^2 is less, single precision does not see it well
BROKEN = -2  # what is found there, and where rounding makes the matrix indefinite or the iteration endless
ROUND = 1e-4  # reduction of the residual after which single precision is not trusted further


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of free nodes: by node for residuals, and as jagged diagonals for products (Y. Saad, Iterative Methods
    for Sparse Linear Systems, 2nd ed., section 3.4), where many rows are done at once.

    start, neighbour : as in physics.graph
    node : (rows,) free nodes, in windows, in each those with most free neighbours first
    window : (windows + 1,) first row of each;  first : (windows + 1,) first diagonal of each
    begin : (diagonals + 1,) first entry of each: the k-th free neighbours of the window's first rows
    source : (entries,) the entry's place in the rows of physics.graph;  column : (entries,) row of the neighbour
    link : (2, entries) single, Re and Im of the links last solved with
    room, residual : (12, rows) single and (2, rows) double, to work in: fresh memory is dear at every step
    """

    start: Array
    neighbour: Array
    node: Array
    window: Array
    first: Array
    begin: Array
    source: Array
    column: Array
    link: Array
    room: Array
    residual: Array
    last: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, start: Array, neighbour: Array, free: Array) -> Rows:
        """free : (nodes,) False where x is held."""
        begins = start.astype(np.int64)
        owner = np.repeat(np.arange(free.size), np.diff(begins))
        inside = np.flatnonzero(free[owner] & free[neighbour])
        degree = np.bincount(owner[inside], minlength=free.size)
        node = np.flatnonzero(free)
        node = node[np.lexsort((-degree[node], np.arange(node.size) // WINDOW))]
        row = np.zeros(free.size, dtype=np.int64)
        row[node] = np.arange(node.size)
        mine = row[owner[inside]]
        count = np.concatenate([[0], np.cumsum(degree)])
        turn = np.arange(inside.size) - count[owner[inside]]  # the how manieth of its row
        order = np.lexsort((mine, turn, mine // WINDOW))
        window, turn = mine[order] // WINDOW, turn[order]
        new = np.flatnonzero(np.diff(window, prepend=-1) | np.diff(turn, prepend=-1))
        windows = -(-node.size // WINDOW)
        return cls(
            start=start,
            neighbour=neighbour,
            node=node.astype(np.uint32),
            window=np.minimum(np.arange(windows + 1) * WINDOW, node.size).astype(np.uint32),
            first=np.searchsorted(window[new], np.arange(windows + 1)).astype(np.uint32),
            begin=np.append(new, inside.size).astype(np.uint32),
            source=inside[order].astype(np.uint32),
            column=row[neighbour[inside[order]]].astype(np.uint32),
            link=np.empty((2, inside.size), dtype=np.float32),
            room=np.empty((12, node.size), dtype=np.float32),
            residual=np.empty((2, node.size)),
        )

    def wide(self) -> Rows:
        """The same, with corrections in double precision too."""
        if "wide" not in self.last:
            link, room = np.empty(self.link.shape), np.empty(self.room.shape)
            self.last["wide"] = replace(self, link=link, room=room, last={})
        found: Rows = self.last["wide"]
        return found

    def solve(
        self, link: Array, alpha: Array, beta: Array, b: Array, x: Array, tolerance: float, most: int, reduction: float
    ) -> int:
        """See `solve`; BROKEN where single precision does not do."""
        if self.last.get("link") is not link:  # those of a constant field stay what they are
            fill(link, self.source, *self.link)
            self.last["link"] = link
        return int(
            refined(
                self.start, self.neighbour, link, alpha, beta, self.node, b, x, self.window, self.first, self.begin,
                self.column, self.link, self.residual, self.room, tolerance, most, reduction,
            )
        )  # fmt: skip


def solve(
    rows: Rows, link: Array, alpha: Array, beta: Array, b: Array, x: Array, tolerance: float, most: int,
    reduction: float = 0.0,
) -> int:  # fmt: skip
    """Solve in place for x : (nodes,) complex, to a residual <= tolerance |b| or <= reduction times the first one.

    Returns the iterations made, or -1 if `most` were not enough (or the numbers are not finite).  Where alpha - |beta|
    is below 1e-5 of alpha (gamma of some 1000) single precision sees too little of it, and corrections turn double.
    """
    system = (link, alpha, beta, b, x, tolerance, most, reduction)
    found = rows.solve(*system)  # asked anew at every step: what a run does must not depend on where it was resumed
    return found if found != BROKEN else max(rows.wide().solve(*system), -1)


@apart()
def fill(link: Array, source: Array, real: Array, imag: Array) -> None:
    """Re and Im of the links in the order of the diagonals."""
    for k in range(source.size):
        z = link[source[k]]
        real[k] = z.real
        imag[k] = z.imag


@apart(sums=True)
def residual(
    start: Array, neighbour: Array, link: Array, alpha: Array, beta: Array, node: Array, b: Array, x: Array,
    rr: Array, ri: Array, al: Array, br: Array, bi: Array, weight: Array,
) -> tuple[float, float, float]:  # fmt: skip
    """r = b - alpha x - beta x* + (links x) and the preconditioner by rows; (b^T P b, r^T P r, number of THIN rows).

    Reads the links once, 16 + 4 bytes an entry, and 120 bytes a node.
    """
    for k in range(node.size):
        i = node[k]
        real = b[i].real - (alpha[i] + beta[i].real) * x[i].real - beta[i].imag * x[i].imag
        imag = b[i].imag - (alpha[i] - beta[i].real) * x[i].imag - beta[i].imag * x[i].real
        for j in range(start[i], start[i + 1]):
            y = x[neighbour[j]]
            real += link[j].real * y.real - link[j].imag * y.imag
            imag += link[j].real * y.imag + link[j].imag * y.real
        rr[k] = real
        ri[k] = imag
    norm = 0.0
    rz = 0.0
    thin = 0.0
    for k in range(node.size):
        i = node[k]
        a, c, d, real, imag = alpha[i], beta[i].real, beta[i].imag, b[i].real, b[i].imag
        det = a * a - c * c - d * d
        w = 1.0 / det
        thin += 1.0 if det < THIN * a * a else 0.0
        norm += w * ((a - c) * real * real + (a + c) * imag * imag - 2.0 * d * real * imag)
        rz += w * ((a - c) * rr[k] * rr[k] + (a + c) * ri[k] * ri[k] - 2.0 * d * rr[k] * ri[k])
        al[k] = a
        br[k] = c
        bi[k] = d
        weight[k] = w
    return norm, rz, thin


@apart(sums=True)
def correction(
    size: float, window: Array, first: Array, begin: Array, column: Array, lr: Array, li: Array, rr: Array, ri: Array,
    al: Array, br: Array, bi: Array, weight: Array, xr: Array, xi: Array, pr: Array, pi: Array, qr: Array, qi: Array,
    sr: Array, si: Array, enough: float, most: int,
) -> tuple[int, float]:  # fmt: skip
    """x of A x = r/size from x = 0 in single precision, until r^T P r, 1 at first, is `enough`: (iterations, r^T P r).

    An iteration reads the links once, 8 + 4 bytes an entry, and moves 120 bytes a node.
    """
    for i in range(xr.size):
        sr[i] = rr[i] / size
        si[i] = ri[i] / size
        xr[i] = 0.0
        xi[i] = 0.0
        pr[i] = weight[i] * ((al[i] - br[i]) * sr[i] - bi[i] * si[i])
        pi[i] = weight[i] * ((al[i] + br[i]) * si[i] - bi[i] * sr[i])
    number = xr.dtype.type
    rz = 1.0
    for iteration in range(most):
        curvature = product(window, first, begin, column, lr, li, al, br, bi, pr, pi, qr, qi)
        if not curvature > 0.0:
            return iteration + 1, np.inf
        new = correct(number(rz / curvature), window, al, br, bi, weight, pr, pi, qr, qi, xr, xi, sr, si)
        if not new > enough:
            return iteration + 1, new if new >= 0.0 else np.inf
        turn(number(new / rz), pr, pi, qr, qi)
        rz = new
    return most, rz


@apart(sums=True)
def product(
    window: Array, first: Array, begin: Array, column: Array, lr: Array, li: Array, al: Array, br: Array, bi: Array,
    pr: Array, pi: Array, qr: Array, qi: Array,
) -> float:  # fmt: skip
    """q = A p;  p^T A p.  prange: a plain range, but for a benchmark that compiles this loop for several threads."""
    pq = 0.0
    for w in prange(window.size - 1):
        low, high = window[w], window[w + 1]
        for i in range(low, high):
            qr[i] = (al[i] + br[i]) * pr[i] + bi[i] * pi[i]
            qi[i] = (al[i] - br[i]) * pi[i] + bi[i] * pr[i]
        for d in range(first[w], first[w + 1]):
            place = begin[d]
            for k in range(begin[d + 1] - place):
                j = column[place + k]
                real, imag = lr[place + k], li[place + k]
                qr[low + k] -= real * pr[j] - imag * pi[j]
                qi[low + k] -= real * pi[j] + imag * pr[j]
        part = pr.dtype.type(0.0)
        for i in range(low, high):
            part += qr[i] * pr[i] + qi[i] * pi[i]
        pq += part
    return pq


@apart(sums=True)
def correct(
    step: float, window: Array, al: Array, br: Array, bi: Array, weight: Array, pr: Array, pi: Array, qr: Array,
    qi: Array, xr: Array, xi: Array, sr: Array, si: Array,
) -> float:  # fmt: skip
    """x += step p, r -= step q, q = P r; the new r^T P r."""
    new = 0.0
    for w in range(window.size - 1):
        part = pr.dtype.type(0.0)
        for i in range(window[w], window[w + 1]):
            xr[i] += step * pr[i]
            xi[i] += step * pi[i]
            a = sr[i] - step * qr[i]
            b = si[i] - step * qi[i]
            sr[i] = a
            si[i] = b
            zr = weight[i] * ((al[i] - br[i]) * a - bi[i] * b)
            zi = weight[i] * ((al[i] + br[i]) * b - bi[i] * a)
            qr[i] = zr
            qi[i] = zi
            part += zr * a + zi * b
        new += part
    return new


@apart()
def turn(by: float, pr: Array, pi: Array, qr: Array, qi: Array) -> None:
    """p = q + by p."""
    for i in range(pr.size):
        pr[i] = qr[i] + by * pr[i]
        pi[i] = qi[i] + by * pi[i]


@apart()
def add(size: float, node: Array, xr: Array, xi: Array, x: Array) -> None:
    """x += size times the correction."""
    for k in range(node.size):
        x[node[k]] += size * complex(xr[k], xi[k])


@apart()
def refined(
    start: Array, neighbour: Array, link: Array, alpha: Array, beta: Array, node: Array, b: Array, x: Array,
    window: Array, first: Array, begin: Array, column: Array, single: Array, residuals: Array, room: Array,
    tolerance: float, most: int, reduction: float,
) -> int:  # fmt: skip
    """Corrections until the residual is small enough."""
    lr, li, rr, ri = single[0], single[1], residuals[0], residuals[1]
    al, br, bi, weight, xr, xi = room[0], room[1], room[2], room[3], room[4], room[5]
    made, enough = 0, -1.0
    while made < most:
        norm, rz, thin = residual(start, neighbour, link, alpha, beta, node, b, x, rr, ri, al, br, bi, weight)
        if enough < 0.0:
            enough = max(tolerance * tolerance * norm, reduction * reduction * rz)
        if (made > 0 and rz <= enough) or rz < NOTHING:
            return made
        if not np.isfinite(rz):
            return -1
        if thin > 0.0 and room.itemsize == 4:
            return BROKEN
        size = np.sqrt(rz)
        count, left = correction(
            size, window, first, begin, column, lr, li, rr, ri, al, br, bi, weight, xr, xi, room[6], room[7], room[8],
            room[9], room[10], room[11], max(enough / rz, ROUND * ROUND), most - made,
        )  # fmt: skip
        made += count
        if not np.isfinite(left):
            return BROKEN
        add(size, node, xr, xi, x)
        if left * rz <= enough:
            return made
    return BROKEN
