"""Zeros of psi as integers (docs/equations.md, 'Topology').

    alpha_i = arg psi_i
    k_e = -round((alpha_j - alpha_i - a_e)/2 pi)      phi_e = alpha_j - alpha_i - a_e + 2 pi k_e
    kappa_i = -round((alpha_i' - alpha_i)/2 pi)       theta_i = alpha_i' - alpha_i + 2 pi kappa_i
    W_e = k_e - k_e' + kappa_j - kappa_i     signed zeros that crossed edge e in the step (prime: new)
    n_f = k_01 + k_12 - k_02                 winding of a face with sorted nodes 0 < 1 < 2
                                             (on closed cells + the quanta that it hides, contract.Drive)

phi_e is gauge invariant.  W_e = +1: a positive zero went from the left of i -> j to its right.
"""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.copies import face_vertices

TURN = 2 * np.pi


def branch(alpha: Array, a: Array, edges: Array) -> Array:
    """k_e : (edges,) integers."""
    i, j = edges
    return -np.rint((alpha[j] - alpha[i] - a) / TURN).astype(np.int64)


def link_phase(psi: Array, a: Array, edges: Array) -> Array:
    """phi_e = arg(psi_i* exp(-i a_e) psi_j) in (-pi, pi] : (edges,)."""
    alpha = np.angle(psi)
    i, j = edges
    return alpha[j] - alpha[i] - a + TURN * branch(alpha, a, edges)


def crossings(old: Array, a_old: Array, new: Array, a_new: Array, edges: Array) -> Array:
    """W_e : (edges,) integers, for psi old -> new and a_old -> a_new on the given edges."""
    alpha, beta = np.angle(old), np.angle(new)
    kappa = -np.rint((beta - alpha) / TURN).astype(np.int64)
    i, j = edges
    return branch(alpha, a_old, edges) - branch(beta, a_new, edges) + kappa[j] - kappa[i]


def face_windings(
    psi: Array, a: Array, op: Operators, tracked: Array | None = None, hidden: Array | None = None
) -> Array:
    """n_f : (faces,) integers; in 2D positive is counter-clockwise.  A face with an untracked node gives 0.

    tracked : (nodes,) bool;  hidden : (faces,) integers of contract.Drive
    """
    k = branch(np.angle(psi), a, op.edges)
    e01, e12, e02 = op.faces
    n = (k[e01] + k[e12] - k[e02]) * op.face_sign.astype(np.int64)
    if hidden is not None:
        n = n + hidden
    if tracked is not None:
        n = np.where(tracked[op.face_nodes].all(axis=0), n, 0)
    return n


def zero_positions(psi: Array, a: Array, op: Operators, mesh: Mesh, faces: Array, hidden: Array | None = None) -> Array:
    """(space, faces) position of the zero of the interpolated psi in each of the given faces.

    psi is transported to the face's first node with the flux shared equally, a gauge that is regular on the face.
    """
    e01, e12, e02 = op.faces[:, faces]
    n0, n1, n2 = op.face_nodes[:, faces]
    flux = a[e01] + a[e12] - a[e02]
    if hidden is not None:
        flux = flux + 2 * np.pi * hidden[faces] * op.face_sign[faces]
    p0 = psi[n0]
    p1 = psi[n1] * np.exp(-1j * (a[e01] - flux / 3))
    p2 = psi[n2] * np.exp(-1j * (a[e01] + a[e12] - 2 * flux / 3))
    share = np.array([np.imag(p1.conj() * p2), np.imag(p2.conj() * p0), np.imag(p0.conj() * p1)])
    total = share.sum(axis=0)
    share = np.where(total == 0.0, 1.0, share / np.where(total == 0.0, 1.0, total))  # no zero of its own: the middle
    share = np.clip(share, 0, None)
    share /= share.sum(axis=0)
    return np.einsum("kf,skf->sf", share, mesh.points[:, face_vertices(mesh, op)[:, faces]])


def path_winding(psi: Array, a: Array, edges: Array, path: Array, around: Array) -> int:
    """Winding number of a closed chain of edges, (sum phi_e + sum a_e)/2 pi = sum k_e; `path` indexes edges.

    around : (len(path),) +1 or -1, the sense of each edge along the chain
    """
    return round(float(around @ branch(np.angle(psi), a[path], edges[:, path])))
