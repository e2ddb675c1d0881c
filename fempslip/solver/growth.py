"""How fast a saddle is left, and how often it is reached: the growth rate and the attempt frequency.

In temporal gauge the linearised dynamics at a stationary state is a symmetric-definite eigenproblem,

    -1/2 Hess F(psi, a + G chi - D e) y = s blockdiag(m R, T^T M1 T) y
    y = (Re d psi, Im d psi, d chi, dD),   T = [G, -e]

with R of physics/relaxation.py: the mobility is definite and F is gauge invariant, so the one s > 0 is the growth rate.
One chi is grounded; the gauge freedom left makes as many zeros as there are nodes, so only one eigenvalue is asked for.

The rate of escape over a saddle with one unstable direction is (J. S. Langer, Ann. Phys. 54, 258 (1969))

    Omega = s/(2 pi)  sqrt(det H_0 / |det H_s|)  Z  exp(-dF/T)

H half curvatures against m without the directions that cost nothing; these give Z: the ratio of the lengths of the
global phase's orbit, |psi_s|/|psi_0|, and where the saddle can stand anywhere along a uniform wire of length L,
L |d psi_s/dx| / sqrt(pi T).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from fempslip.contract import Array, Problem
from fempslip.physics.relaxation import relaxation
from fempslip.physics.stationary import Point, block
from fempslip.solver.stationary import Search
from fempslip.solver.symmetric import before_last, bordered, factor

MOST = 1e6  # 1/tau0, beyond which no growth rate is looked for


def growth_rate(problem: Problem, search: Search, point: Point, charge: bool = True) -> float:
    """s, in 1/tau0, of a saddle with one unstable direction.  charge : False where no potential is solved for"""
    force, mobility = linearised(problem, search, point, charge)
    order = _with_potential(search, force.shape[0]) if charge else search.order[: force.shape[0]]
    shift = 1.0
    while factor(force + shift * mobility, order).negative:
        shift *= 2
        if shift > MOST:
            raise ArithmeticError("no upper bound of the growth rate")
    shift *= 1.5
    found = factor(-(force + shift * mobility), order)
    inverse = spl.LinearOperator(force.shape, found.solve, dtype=float)
    start = np.random.default_rng(0).standard_normal(force.shape[0])
    a, m = sp.csc_array(-force), sp.csc_array(mobility)
    values = spl.eigsh(a, k=1, M=m, sigma=shift, OPinv=inverse, v0=start, return_eigenvectors=False)
    return float(values[0])


def linearised(problem: Problem, search: Search, point: Point, charge: bool) -> tuple[sp.csr_array, sp.csr_array]:
    """(half Hessian, mobility matrix) of (Re psi, Im psi by node; chi but the first; D)."""
    body, op, psi = search.body, problem.operators, point.psi
    even, odd = relaxation(psi, problem.u, problem.gamma)
    node = np.arange(op.nodes)
    m = op.m
    entries = block(node, node, m * (even + odd.real), m * odd.imag, m * odd.imag, m * (even - odd.real))
    drag = sp.csr_array(sp.coo_array((entries[2], entries[:2]), shape=(2 * op.nodes, 2 * op.nodes)))
    hessian = sp.csr_array(body.hessian(point)[: 2 * op.nodes][:, : 2 * op.nodes])
    if not charge:
        return hessian, drag
    a = body.links(point.flux)
    i, j = op.edges
    link = op.w * np.exp(-1j * a)
    e = np.arange(i.size)
    at_i, at_j = 1j * link * psi[j], -1j * link.conj() * psi[i]  # d force / d a_e
    rows = np.concatenate([2 * i, 2 * i + 1, 2 * j, 2 * j + 1])
    values = np.concatenate([at_i.real, at_i.imag, at_j.real, at_j.imag])
    mixed = sp.csr_array(sp.coo_array((values, (rows, np.tile(e, 4))), shape=(2 * op.nodes, i.size)))
    t = sp.csr_array(op.G[:, 1:])
    if body.loop is not None and body.turns:  # from bank to bank D is the chi of a bank
        t = sp.csr_array(sp.hstack([t, sp.csr_array(-body.loop.along[:, None])]))
    stiff = t.T @ sp.diags_array(np.real(psi[i].conj() * link * psi[j])) @ t
    cross = sp.diags_array(np.repeat(body.free.astype(float), 2)) @ mixed @ t  # held nodes stay
    force = sp.block_array([[hessian, cross], [cross.T, stiff]], format="csr")
    return sp.csr_array(force), sp.csr_array(sp.block_diag([drag, t.T @ op.M1 @ t], format="csr"))


def _with_potential(search: Search, size: int) -> Array:
    """Order of elimination with chi of a node beside its psi, D last."""
    nodes = search.node_order.size
    trio = np.column_stack([2 * search.node_order, 2 * search.node_order + 1, 2 * nodes - 1 + search.node_order])
    kept = np.ones((nodes, 3), dtype=bool)
    kept[search.node_order == 0, 2] = False  # grounded
    order = trio[kept]
    return np.concatenate([order, np.arange(order.size, size)])


@dataclass(frozen=True, eq=False)
class Attempt:
    """Omega = factor T^(-power) exp(-dF/T), in 1/tau0, T in units of F."""

    factor: float
    power: float


def attempt(search: Search, start: Point, saddle: Point, growth: float, shift: Array | None, length: float) -> Attempt:
    """The prefactor of the rate.  shift : the direction in which the saddle can move freely, or None

    length : how far it can stand from where it is
    """
    m = search.body.mass.diagonal()
    free = _log_determinant(search, start, ())
    zero = _log_determinant(search, saddle, () if shift is None else (shift,))
    turns = [search.body.turn(p) for p in (start, saddle)]
    norms = [0.5 * np.log(t @ (m * t)) for t in turns] if search.body.turns else [0.0, 0.0]
    logarithm = 0.5 * (free - zero) + norms[1] - norms[0] + np.log(growth / (2 * np.pi))
    if shift is None:
        return Attempt(float(np.exp(logarithm)), 0.0)
    across = shift - (turns[1] @ (m * shift) / (turns[1] @ (m * turns[1])) if search.body.turns else 0.0) * turns[1]
    size = np.sqrt(across @ (m * across))  # a wave that is shifted turns its phase as well, which is counted already
    return Attempt(float(np.exp(logarithm) * length * size / np.sqrt(np.pi)), 0.5)


def _log_determinant(search: Search, point: Point, also: tuple[Array, ...]) -> float:
    """log |det| of the half curvature against m, on the complement (in m) of the free directions."""
    m = search.body.mass.diagonal()
    free = (search.body.turn(point),) if search.body.turns else ()
    columns = [np.sqrt(m) * v for v in (*free, *also)]
    scale = sp.diags_array(1 / np.sqrt(m))
    matrix = sp.csr_array(scale @ search.body.hessian(point) @ scale)
    if not columns:
        return factor(matrix, search.order).log_determinant
    z = np.linalg.qr(np.array(columns).T)[0]
    last = 2 if search.body.loop is None else 3
    return factor(bordered(matrix, z), before_last(search.order, z.shape[1], last)).log_determinant
