"""Thermal noise by fluctuation and dissipation, in temporal gauge.

    M d_t y = -g + f,   <f f^T> = T M delta(t),   y = (Re psi, Im psi, chi),   M = blockdiag(m R(psi), G^T M1 G)

g is the half gradient of F, so that exp(-F/T) is the equilibrium; T is k T in units of F, (Bc^2/mu0) xi^dim.
In a step, with s = sqrt(1 + gamma^2 |psi|^2) and xi normal numbers:

    order parameter   f_i = sqrt(T m_i u/dt) (xi_1 sqrt(s) along psi_i, xi_2 / sqrt(s) across)
    normal current    dJ of each cell, variance T sigma/(V dt) a component;  into node i  sum_c V_c grad phi_i . dJ_c

The covariance of the second is exactly T K_sigma/dt, whatever the signs of the weights (tests/unit/test_fluctuations).
Where gamma > 0 the noise of psi is multiplicative; taken at the start of a step it needs Ito's drift, as a force

    -1/2 T gamma^2 (1 + 1/s^2) psi_i   of each node, not times m_i

In films and bodies there is no continuum limit: <|psi|^2> grows as (T/2 pi) ln(1/h) and as T/h; the mesh is a cutoff.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numba import njit

from fempslip.contract import Array, Mesh, Problem
from fempslip.mesh.simplices import gradients, sides, volumes

STRONGEST = 25.0  # T gamma^2/m of a node
CHARGED_STEP = 0.1  # tau0
HOTTEST_SHEET = 0.05  # T in films and bodies


@dataclass(frozen=True, eq=False)
class Draws:
    """Normal numbers of a step: (key, counter) = (seed, step number), so that no generator has a state to keep."""

    seed: int
    count: int
    philox: np.random.Philox = field(default_factory=np.random.Philox)

    def at(self, step: int) -> Array:
        """(count,) of step `step`: real parts of the nodes, imaginary parts, components of the cells."""
        counter, key = (np.array(words, dtype=np.uint64) for words in ([0, 0, 0, step], [self.seed, 0]))
        empty: Any = {"buffer": np.zeros(4, np.uint64), "buffer_pos": 4, "has_uint32": 0, "uinteger": 0}
        fresh: Any = {"bit_generator": "Philox", "state": {"counter": counter, "key": key}, **empty}
        self.philox.state = fresh  # half the time of a new generator
        return np.random.Generator(self.philox).standard_normal(self.count)


def johnson(mesh: Mesh, weight: Array) -> sp.csr_array:
    """B : (nodes, dim cells) with B B^T = K_sigma; B xi is the current that white noise xi brings into each node.

    weight : (cells,) conductivity times section.  The components of a cell are along its own tangents.
    """
    grads = gradients(mesh.points, mesh.cells)
    frame, _ = np.linalg.qr(sides(mesh.points, mesh.cells))  # (cells, space, dim) orthonormal tangents
    root = np.sqrt(weight * volumes(mesh.points, mesh.cells))
    values = root[:, None, None] * (grads @ frame)  # (cells, dim + 1, dim)
    cells, corners, dim = values.shape
    rows = np.broadcast_to(mesh.node_of_vertex[mesh.cells].T[:, :, None], values.shape)
    columns = np.broadcast_to(np.arange(cells * dim).reshape(cells, 1, dim), values.shape)
    return sp.csr_array((values.ravel(), (rows.ravel(), columns.ravel())), shape=(mesh.nodes, cells * dim))


class Doubtful(UserWarning):
    """Noise outside of what was tested."""


def warn_untested(problem: Problem) -> None:
    """Say so where gamma, the step or the temperature is beyond what the step was tested for."""
    noise, op, dt = problem.noise, problem.operators, problem.clock.fixed or 0.0
    if noise is None:
        return
    strength = float(np.max(noise.temperature * problem.gamma**2 / op.m))
    if strength > STRONGEST:
        words = (
            f"the noise is multiplicative (gamma > 0) and strong: k T gamma^2 over the smallest cell is {strength:.3g}"
            f", and averages are trustworthy below {STRONGEST:g}; use gamma = 0, larger cells or a lower temperature"
        )
        warnings.warn(words, Doubtful, stacklevel=2)
    if noise.conductance is not None and dt > CHARGED_STEP * (1 + 1e-9):
        words = f"time.fixed = {dt:g} tau is long with Johnson noise: take {CHARGED_STEP:g} tau, and halve it to check"
        warnings.warn(words, Doubtful, stacklevel=2)
    if problem.mesh.dim > 1 and noise.temperature > HOTTEST_SHEET:
        words = (
            f"k T = {noise.temperature:.3g} in units of F: in films and bodies the mesh is the cutoff of fluctuations, "
            f"and above {HOTTEST_SHEET:g} they are no correction"
        )
        warnings.warn(words, Doubtful, stacklevel=2)


def force(psi: Array, xi: Array, scale: Array, gamma: Array) -> Array:
    """f : (nodes,) complex;  xi : (2, nodes) normal numbers;  scale : sqrt(T m u/dt)."""
    s = np.sqrt(1 + gamma**2 * np.abs(psi) ** 2)
    along = np.where(gamma > 0, np.exp(1j * np.angle(psi)), 1.0)
    return scale * along * (np.sqrt(s) * xi[0] + 1j * xi[1] / np.sqrt(s))


def drift(psi: Array, temperature: float, gamma: Array) -> Array:
    """Ito's drift as a force, (nodes,) complex."""
    return -0.5 * temperature * gamma**2 * (1 + 1 / (1 + gamma**2 * np.abs(psi) ** 2)) * psi


def gaussian_density(problem: Problem, mass: float = 1.0) -> Array:
    """<|psi_i|^2> : (nodes,) of the Gaussian model T (K + mass m)^-1 on this mesh, what its cutoff contributes."""
    op, noise = problem.operators, problem.noise
    if noise is None:
        return np.zeros(op.nodes)
    k = sp.csc_array(op.G.T @ sp.diags_array(op.w) @ op.G + sp.diags_array(mass * op.m))
    factor = spl.splu(k)
    found = np.empty(op.nodes)
    for begin in range(0, op.nodes, 256):
        block = np.arange(begin, min(begin + 256, op.nodes))
        units = np.zeros((op.nodes, block.size))
        units[block, block - begin] = 1.0
        found[block] = factor.solve(units)[block, block - begin]
    return noise.temperature * found


# ------------------------------------------------------------------------------------------- kernels


@njit(cache=True, error_model="numpy")
def explicit(
    dt: float,
    temperature: float,
    psi: Array,
    turn: Array,
    xi: Array,
    scale: Array,
    start: Array,
    neighbour: Array,
    link: Array,
    diagonal: Array,
    m: Array,
    epsilon: Array,
    quartic: Array,
    u: Array,
    gamma: Array,
    framed: Array,
    kept: Array,
    now: Array,
    big_a: Array,
    big_b: Array,
) -> None:
    """What a step takes from its start, in temporal gauge: kept = (m R/dt - K/2) psi + f, now = N(psi) + drift.

    K = K_A + m eps^-: a negative epsilon belongs to the implicit part, where it may be as large as it likes.

    framed = psi turn;  big_a, big_b = m A/dt, m B/dt of physics.relaxation.  Reads 20 bytes a link, 180 a node.
    """
    for i in range(psi.size):
        framed[i] = psi[i] * turn[i]
    for i in range(psi.size):
        p = psi[i]
        rho = p.real * p.real + p.imag * p.imag
        flow = (diagonal[i] + m[i] * max(-epsilon[i], 0.0)) * framed[i]
        for k in range(start[i], start[i + 1]):
            flow -= link[k] * framed[neighbour[k]]
        a = m[i] * u[i] / dt
        b = 0.0j
        now[i] = m[i] * (max(epsilon[i], 0.0) - quartic[i] * rho) * p
        if gamma[i] > 0.0:
            g2 = gamma[i] * gamma[i]
            s = np.sqrt(1.0 + g2 * rho)
            a /= s
            b = a * 0.5 * g2 * p * p
            a *= 1.0 + 0.5 * g2 * rho
            size = np.sqrt(rho)
            along = p / size if size > 0.0 else 1.0 + 0.0j
            root = np.sqrt(s)
            f = along * complex(root * xi[0, i], xi[1, i] / root)
            now[i] -= 0.5 * temperature * g2 * (1.0 + 1.0 / (s * s)) * p
        else:
            f = complex(xi[0, i], xi[1, i])
        big_a[i] = a
        big_b[i] = b
        kept[i] = a * p + b * p.conjugate() - 0.5 * flow * turn[i].conjugate() + scale[i] * f


@njit(cache=True, error_model="numpy")
def reaction(
    temperature: float, psi: Array, m: Array, epsilon: Array, quartic: Array, gamma: Array, out: Array
) -> None:
    """N(psi) = m (eps^+ - beta |psi|^2) psi, with Ito's drift."""
    for i in range(psi.size):
        p = psi[i]
        rho = p.real * p.real + p.imag * p.imag
        out[i] = m[i] * (max(epsilon[i], 0.0) - quartic[i] * rho) * p
        if gamma[i] > 0.0:
            g2 = gamma[i] * gamma[i]
            out[i] -= 0.5 * temperature * g2 * (1.0 + 1.0 / (1.0 + g2 * rho)) * p


@njit(cache=True, error_model="numpy")
def right_side(
    kept: Array,
    now: Array,
    other: Array,
    turn: Array,
    held: Array,
    psi: Array,
    start: Array,
    neighbour: Array,
    half: Array,
    out: Array,
) -> None:
    """(kept + (now + other)/2) turn on free nodes, with what held neighbours bring; held nodes: psi turn.

    half : half the links
    """
    for i in range(kept.size):
        if held[i]:
            out[i] = psi[i] * turn[i]
        else:
            out[i] = (kept[i] + 0.5 * (now[i] + other[i])) * turn[i]
            for k in range(start[i], start[i + 1]):
                j = neighbour[k]
                if held[j]:
                    out[i] += half[k] * psi[j] * turn[j]
