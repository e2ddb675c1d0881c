"""Stationary states: the free energy as a function of its unknowns, with forces, curvature and an exact line.

The unknowns are psi at the nodes where it is free and, where a current I is given round a closed body, the flux D
that threads it:

    a = a_0 - D e,   G(psi, D) = F(psi, a) - 2 I D,   1/2 dG/dD = sum_e I_e e_e - I

e_e is a closed cochain with circulation 1 round the loop.  One flux quantum, D -> D + 2 pi, is a winding less, and
lowers G by 4 pi I: the work of the source in one phase slip (physics/energy.py for F; halves of derivatives as there).
A tangent vector is real: Re and Im of psi node by node, then D.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array
from fempslip.physics.energy import LinkEnergy, summed


@dataclass(frozen=True, eq=False)
class Loop:
    """A current given round a closed body.  along : e, (edges,)."""

    along: Array
    current: float


@dataclass(frozen=True, eq=False)
class Point:
    """A state.  psi : (nodes,) complex;  flux : D, 0 where no current is given."""

    psi: Array
    flux: float = 0.0


@dataclass(frozen=True, eq=False)
class Stationary:
    """G of a body.  a : (edges,) links at D = 0;  free : (nodes,) False where psi is held."""

    energy: LinkEnergy
    a: Array
    free: Array
    loop: Loop | None = None

    # ------------------------------------------------------------------------------------------- at a point

    def links(self, flux: float) -> Array:
        return self.a if self.loop is None else self.a - flux * self.loop.along

    def value(self, point: Point) -> float:
        source = 0.0 if self.loop is None else 2 * self.loop.current * point.flux
        return self.energy.value(point.psi, self.links(point.flux)) - source

    def force(self, point: Point) -> Array:
        """Half gradient of G, a tangent vector; 0 where psi is held."""
        a = self.links(point.flux)
        g = np.where(self.free, self.energy.force(point.psi, a), 0.0)
        if self.loop is None:
            return real(g)
        excess = self.energy.current(point.psi, a) @ self.loop.along - self.loop.current
        return np.append(real(g), excess)

    def residual(self, force: Array) -> float:
        """max |g_i|/m_i, and the current that is missing over the section."""
        nodes = self.energy.op.nodes
        g = np.abs(force[: 2 * nodes].view(complex)) / self.energy.op.m
        worst = float(g.max())
        return worst if self.loop is None else max(worst, float(abs(force[-1]) / self.flux_weight))

    @cached_property
    def flux_weight(self) -> float:
        """sum w e^2, the stiffness of D: (section)/(length)."""
        assert self.loop is not None
        return float(self.energy.op.w @ self.loop.along**2)

    def moved(self, point: Point, step: Array) -> Point:
        psi = point.psi + step[: 2 * point.psi.size].view(complex)
        return Point(psi, point.flux if self.loop is None else point.flux + float(step[-1]))

    # ------------------------------------------------------------------------------------------- curvature

    @cached_property
    def mass(self) -> sp.csr_array:
        """Weights of a tangent vector: m twice a node, sum w e^2 for D."""
        m = np.repeat(self.energy.op.m, 2)
        return sp.csr_array(sp.diags_array(m if self.loop is None else np.append(m, self.flux_weight)))

    def hessian(self, point: Point) -> sp.csr_array:
        """Half second derivative of G, real and symmetric.  Rows of held nodes are those of m."""
        op, a, psi = self.energy.op, self.links(point.flux), point.psi
        rho, square = np.abs(psi) ** 2, self.energy.beta * psi**2
        i, j = op.edges
        link = -op.w * np.exp(-1j * a)
        node = np.arange(op.nodes)
        even = self.energy.diagonal + op.m * (2 * self.energy.beta * rho - self.energy.epsilon)
        odd = op.m * square
        parts = [
            block(i, j, link.real, -link.imag, link.imag, link.real),
            block(j, i, link.real, link.imag, -link.imag, link.real),
            block(node, node, even + odd.real, odd.imag, odd.imag, even - odd.real),
        ]
        rows, columns, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        if self.loop is not None:
            column, corner = self._flux_terms(point)
            last = np.full(2 * op.nodes, 2 * op.nodes)
            rows = np.concatenate([rows, np.arange(2 * op.nodes), last, [2 * op.nodes]])
            columns = np.concatenate([columns, last, np.arange(2 * op.nodes), [2 * op.nodes]])
            values = np.concatenate([values, column, column, [corner]])
        if not self.free.all():
            held = np.append(np.repeat(~self.free, 2), False)
            values = np.where(held[rows] | held[columns], 0.0, values)
            inside = np.flatnonzero(held)
            rows, columns = np.concatenate([rows, inside]), np.concatenate([columns, inside])
            values = np.concatenate([values, np.repeat(op.m, 2)[inside]])
        size = self.mass.shape[0]
        return sp.csr_array(sp.coo_array((values, (rows, columns)), shape=(size, size)))

    def _flux_terms(self, point: Point) -> tuple[Array, float]:
        """(d force/dD, (2 nodes,) real), and sum_e w Re(psi_i* exp(-i a) psi_j) e^2."""
        assert self.loop is not None
        op, e, psi = self.energy.op, self.loop.along, point.psi
        i, j = op.edges
        link = op.w * np.exp(-1j * self.links(point.flux)) * e
        # d/dD of -w exp(-i a) psi_j at i, a = a_0 - D e:  -i w e exp(-i a) psi_j; the conjugate link at j
        column = summed(i, -1j * link * psi[j], op.nodes) + summed(j, 1j * link.conj() * psi[i], op.nodes)
        return real(np.where(self.free, column, 0.0)), float(np.real(psi[i].conj() * link * psi[j]) @ e)

    def turn(self, point: Point) -> Array:
        """The direction of the global phase, i psi: it costs nothing where nothing is held."""
        return self.tangent(1j * point.psi)

    def shift(self, point: Point, along: Array) -> Array:
        """The direction of a shift along a closed cochain: the covariant derivative of psi, averaged over edges.

        Where psi is held somewhere, less the turn of phase that a shifted wave makes far away.
        """
        op, psi, a = self.energy.op, point.psi, self.links(point.flux)
        i, j = op.edges
        step = op.w * along
        ahead, behind = step * (np.exp(-1j * a) * psi[j] - psi[i]), step * (psi[j] - np.exp(1j * a) * psi[i])
        d = summed(i, ahead, op.nodes) + summed(j, behind, op.nodes)
        d = 0.5 * d / op.m
        if not self.turns:
            d = d - 1j * psi * (op.m @ (psi.conj() * d).imag) / (op.m @ np.abs(psi) ** 2)
        return self.tangent(d)

    def tangent(self, change: Array) -> Array:
        """A change of psi as a tangent vector, (nodes,) complex -> real."""
        flat = real(np.where(self.free, change, 0.0))
        return flat if self.loop is None else np.append(flat, 0.0)

    @property
    def turns(self) -> bool:
        """True where the global phase is free."""
        return bool(self.free.all())

    def at(self, a: Array) -> Stationary:
        """The same body at other links."""
        return replace(self, a=a)


def block(row: Array, column: Array, rr: Array, ri: Array, ir: Array, ii: Array) -> tuple[Array, Array, Array]:
    """Entries of 2 x 2 blocks (Re, Im) x (Re, Im) at the given nodes."""
    rows = np.concatenate([2 * row, 2 * row, 2 * row + 1, 2 * row + 1])
    columns = np.concatenate([2 * column, 2 * column + 1, 2 * column, 2 * column + 1])
    return rows, columns, np.concatenate([rr, ri, ir, ii])


def real(psi: Array) -> Array:
    """Complex numbers as Re, Im, Re, Im, ..."""
    return np.ascontiguousarray(psi, dtype=complex).view(float)


# ------------------------------------------------------------------------------------------- along a line


@dataclass(frozen=True, eq=False)
class Line:
    """F along psi + s d at fixed links is a quartic in s: its lowest stationary s > 0 is known exactly.

    1/2 dF/ds = c0 + c1 s + c2 s^2 + c3 s^3;  stiffness : K_A, made once
    """

    energy: LinkEnergy
    stiffness: sp.csr_array
    free: Array

    def start(self, psi: Array) -> tuple[Array, Array]:
        """(K_A psi, force)."""
        k = self.stiffness @ psi
        return k, self._force(psi, k)

    def _force(self, psi: Array, k: Array) -> Array:
        op, beta = self.energy.op, self.energy.beta
        g = k + op.m * (beta * (psi.real**2 + psi.imag**2) - self.energy.epsilon) * psi
        return g if self.free.all() else np.where(self.free, g, 0.0)

    def descend(self, psi: Array, k: Array, force: Array, d: Array) -> tuple[float, Array, Array, Array]:
        """(s, psi, K_A psi, force) at the first minimum along d, a direction of descent."""
        m, beta = self.energy.op.m, self.energy.beta
        kd = self.stiffness @ d
        r0 = psi.real**2 + psi.imag**2
        r1 = psi.real * d.real + psi.imag * d.imag
        r2 = d.real**2 + d.imag**2
        mb = m * beta
        c0 = np.vdot(d, force).real
        c1 = np.vdot(d, kd).real + m @ ((beta * r0 - self.energy.epsilon) * r2) + 2 * (mb @ r1**2)
        c2 = 3 * float(mb @ (r1 * r2))
        c3 = float(mb @ r2**2)
        s = first_root(c0, float(c1), c2, c3)
        psi, k = psi + s * d, k + s * kd
        return s, psi, k, self._force(psi, k)


def first_root(c0: float, c1: float, c2: float, c3: float) -> float:
    """Smallest s > 0 with c0 + c1 s + c2 s^2 + c3 s^3 = 0, for c0 < 0 and c3 >= 0."""
    roots = np.roots([c3, c2, c1, c0])
    good = roots.real[(np.abs(roots.imag) <= 1e-9 * np.abs(roots)) & (roots.real > 0)]
    s = float(good.min()) if good.size else 1.0
    for _ in range(2):  # polish: companion matrices lose digits where the coefficients differ much
        slope = c1 + s * (2 * c2 + 3 * s * c3)
        s -= (c0 + s * (c1 + s * (c2 + s * c3))) / slope if slope else 0.0
    return s
