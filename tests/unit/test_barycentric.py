"""Barycentric links: gauge invariance, the derivative of the energy, M1 at |psi| = 1, positive cells."""

from __future__ import annotations

import numpy as np
import pytest

from fempslip.mesh.operators import operators
from fempslip.mesh.simple import box
from fempslip.physics.barycentric import Barycentric
from fempslip.physics.graph import graph


@pytest.fixture
def body():
    mesh = box(3, 3, 2, (2.0, 1.7, 1.1), shake=0.2, seed=4)
    op = operators(mesh)
    rng = np.random.default_rng(1)
    psi = rng.normal(size=op.nodes) + 1j * rng.normal(size=op.nodes)
    return op, Barycentric.of(mesh, op, graph(op)), psi, rng.normal(size=op.edges.shape[1])


def test_energy_and_currents_are_gauge_invariant(body):
    op, law, psi, a = body
    chi = np.random.default_rng(2).normal(0, 3, op.nodes)
    assert law.energy(psi * np.exp(1j * chi), a + op.G @ chi) == pytest.approx(law.energy(psi, a), rel=1e-12)
    assert np.abs(law.currents(psi * np.exp(1j * chi), a + op.G @ chi) - law.currents(psi, a)).max() < 1e-12


def test_currents_are_the_derivative_of_the_energy(body):
    op, law, psi, a = body
    step = 1e-5
    for e in range(0, a.size, 7):
        d = np.zeros(a.size)
        d[e] = step
        slope = (law.energy(psi, a + d) - law.energy(psi, a - d)) / (2 * step)
        assert law.currents(psi, a)[e] == pytest.approx(-0.5 * slope, abs=1e-7)


def test_at_constant_psi_the_current_is_that_of_the_edge_mass(body):
    """|psi| = 1: F = a^T M1 a to second order, I = -M1 a, exactly for the quadratic part."""
    op, law, _, a = body
    small = 1e-4 * a
    assert np.abs(law.currents(np.ones(op.nodes, complex), small) + op.M1 @ small).max() < 1e-10


def test_the_matrix_is_the_derivative_by_psi(body):
    """psi^H (K_A + weight) psi is the energy, and its lowest eigenvalue is not negative."""
    op, law, psi, a = body
    g = graph(op)
    link, weight = np.empty(g.neighbour.size, complex), np.empty(op.nodes)
    law.links(a, link, weight)
    matrix = np.diag(g.diagonal + weight).astype(complex)
    rows = np.repeat(np.arange(op.nodes), np.diff(g.start))
    matrix[rows, g.neighbour] -= link
    assert (psi.conj() @ matrix @ psi).real == pytest.approx(law.energy(psi, a), rel=1e-12)
    assert np.abs(matrix - matrix.conj().T).max() < 1e-12
    assert np.linalg.eigvalsh(matrix)[0] > 0
