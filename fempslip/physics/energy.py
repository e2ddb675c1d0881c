"""The discrete gauge-invariant free energy, written once, and its derivatives.

    F = sum_i m_i (-eps_i |psi_i|^2 + 1/2 beta_i |psi_i|^4) + sum_e w_e |psi_j - exp(i a_e) psi_i|^2

in units of Bc^2/mu0 xi^dim.  The link phase makes F exactly invariant under psi_i -> psi_i exp(i f_i),
a_e -> a_e + f_j - f_i on any mesh (S. H. Christiansen and T. G. Halvorsen, A simplicial gauge theory, J. Math. Phys.
53, 033501 (2012)); on Delaunay triangles it is the link-variable finite-volume scheme of W. D. Gropp et al.,
J. Comput. Phys. 123, 254 (1996).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Operators


@dataclass(frozen=True, eq=False)
class LinkEnergy:
    """contract.DiscreteEnergy with link phases; slow and readable, the kernels are tested equal to it."""

    op: Operators
    epsilon: Array
    beta: Array | float = 1.0

    def value(self, psi: Array, a: Array) -> float:
        """F of psi : (nodes,) complex and a : (edges,)."""
        i, j = self.op.edges
        rho = np.abs(psi) ** 2
        bulk = np.sum(self.op.m * (-self.epsilon * rho + 0.5 * self.beta * rho**2))
        return float(bulk + np.sum(self.op.w * np.abs(psi[j] - np.exp(1j * a) * psi[i]) ** 2))

    def stiffness(self, a: Array) -> sp.csr_array:
        """K_A, the matrix of -(grad - iA)^2: (K_A psi)_i = sum_j w_ij (psi_i - exp(-i a_ij) psi_j)."""
        i, j = self.op.edges
        n, w = self.op.nodes, self.op.w
        link = w * np.exp(-1j * a)
        off = sp.coo_array((np.concatenate([-link, -link.conj()]), (np.r_[i, j], np.r_[j, i])), shape=(n, n))
        return sp.csr_array(off + sp.dia_array((self.diagonal[None, :], [0]), shape=(n, n)))

    def curved(self, psi: Array, a: Array) -> Array:
        """K_A psi, edge by edge: for one product the matrix is not worth making."""
        i, j = self.op.edges
        link = self.op.w * np.exp(-1j * a)
        return self.diagonal * psi - summed(i, link * psi[j], self.op.nodes) - summed(j, link.conj() * psi[i], psi.size)

    @cached_property
    def diagonal(self) -> Array:
        """K_ii, the sum of the w of a node's edges."""
        i, j = self.op.edges
        return np.bincount(i, self.op.w, self.op.nodes) + np.bincount(j, self.op.w, self.op.nodes)

    def force(self, psi: Array, a: Array) -> Array:
        """Half gradient, 1/2 dF/d(Re psi, Im psi) as a complex number a node: K_A psi + m (beta |psi|^2 - eps) psi."""
        return self.curved(psi, a) + self.op.m * (self.beta * np.abs(psi) ** 2 - self.epsilon) * psi

    def current(self, psi: Array, a: Array) -> Array:
        """Supercurrent of each edge, I_e = w_e Im[psi_i* exp(-i a_e) psi_j] = -1/2 dF/da_e."""
        i, j = self.op.edges
        return self.op.w * np.imag(psi[i].conj() * np.exp(-1j * a) * psi[j])

    def hessian(self, psi: Array, a: Array, v: Array) -> Array:
        """Half second derivative along v: K_A v + m (2 beta |psi|^2 - eps) v + m beta psi^2 v*."""
        m, beta = self.op.m, self.beta
        diagonal = m * (2 * beta * np.abs(psi) ** 2 - self.epsilon) * v
        return self.curved(v, a) + diagonal + m * beta * psi**2 * v.conj()


def summed(where: Array, values: Array, size: int) -> Array:
    """Complex values of edges added up at nodes, (size,)."""
    return np.bincount(where, values.real, size) + 1j * np.bincount(where, values.imag, size)


def divergence(op: Operators, current: Array) -> Array:
    """Net outflow of each node, -(G^T I)."""
    return -(op.G.T @ current)
