"""Structure factor and bond order of points whose lattice is known."""

from __future__ import annotations

import numpy as np
import pytest

from fempslip.contract import Array
from fempslip.physics.lattice import hexatic, structure, structure_factor, triangular_q

A = 2.3  # of the triangular lattices


def lattice(second: tuple[float, float], size: float, turned: float = 0.0) -> Array:
    """Points n a1 + m a2 within a disk, a1 = (A, 0), a2 = A second, turned by an angle."""
    n, m = np.meshgrid(np.arange(-60, 61), np.arange(-60, 61))
    x = A * np.stack([n + second[0] * m, second[1] * m]).reshape(2, -1)
    turn = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    return turn @ x[:, np.hypot(*x) <= size]


TRIANGLE, SQUARE = (0.5, np.sqrt(3) / 2), (0.0, 1.0)


@pytest.mark.parametrize("turned", [0.0, 0.1, 0.4])
def test_a_triangular_lattice_has_six_peaks_where_they_belong(turned: float) -> None:
    """|q| = 4 pi/(sqrt3 a); S = N there; psi_6 = 1.  The area is that of so many cells, sqrt3/2 a^2 each."""
    x = lattice(TRIANGLE, 20.0, turned)
    found = structure(x, x.shape[1] * np.sqrt(3) / 2 * A**2)
    wanted = 4 * np.pi / (np.sqrt(3) * A)
    assert found.triangular == pytest.approx(wanted, rel=1e-12)
    assert found.q == pytest.approx(wanted, rel=0.006) and found.peaks == 6
    assert found.height > 0.97 and found.hexatic == pytest.approx(1, abs=1e-12)
    # reciprocal vectors stand at right angles to lattice vectors: 30 degrees and every 60 from there
    apart = (found.angle - turned - np.pi / 6) / (np.pi / 3)
    assert abs(apart - round(apart)) < 0.01


def test_the_structure_factor_at_a_reciprocal_vector_is_n() -> None:
    x = lattice(TRIANGLE, 12.0)
    q = 4 * np.pi / (np.sqrt(3) * A) * np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    assert float(structure_factor(x, q)) == pytest.approx(x.shape[1], rel=1e-9)
    assert float(structure_factor(x, np.zeros(2))) == pytest.approx(x.shape[1], rel=1e-12)


def test_a_square_lattice_has_four_peaks() -> None:
    """|q| = 2 pi/a, which is 0.9306 of the triangular lattice of the same density."""
    x = lattice(SQUARE, 20.0, 0.2)
    found = structure(x, x.shape[1] * A**2)
    assert found.q == pytest.approx(2 * np.pi / A, rel=0.006) and found.peaks == 4
    assert found.q / found.triangular == pytest.approx((3**0.25 / np.sqrt(2)), rel=0.006)


def test_points_without_order_have_no_peaks_of_a_crystal() -> None:
    x = np.random.default_rng(5).uniform(-15, 15, (2, 400))
    found = structure(x, 900.0)
    assert found.height < 0.05 and found.hexatic < 0.1


def test_two_crystals_side_by_side_have_twelve_peaks_and_less_order() -> None:
    left, right = lattice(TRIANGLE, 20.0), lattice(TRIANGLE, 20.0, np.pi / 6)
    x = np.concatenate([left[:, left[0] < -0.5], right[:, right[0] > 0.5]], axis=1)
    found = structure(x, x.shape[1] * np.sqrt(3) / 2 * A**2)
    assert found.peaks == 12 and found.height < 0.35
    assert hexatic(x) < 0.3


def test_the_first_ring_of_a_density() -> None:
    """N points in the area N sqrt3/2 a^2."""
    assert triangular_q(100, 100 * np.sqrt(3) / 2 * A**2) == pytest.approx(4 * np.pi / (np.sqrt(3) * A), rel=1e-12)
