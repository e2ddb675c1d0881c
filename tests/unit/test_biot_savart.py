"""The law of Biot and Savart in a sheet against dense sums, exact integrals and symmetry."""

import numpy as np
import pytest
from films import disk

from fempslip.physics import sheet_kernels as kernels
from fempslip.physics.biot_savart import BiotSavart


@pytest.fixture(scope="module")
def law():
    return BiotSavart.of(*disk(0.12))


def dense(law):
    """W with every pair exact, as a matrix."""
    s, n = law.sheet, law.sheet.m.size
    count = np.bincount(s.cells.ravel(), minlength=n)
    first = np.concatenate([[0], np.cumsum(count)])
    cells_of = np.argsort(s.cells.ravel(), kind="stable") % s.area.size
    w, rows = np.zeros(n * n), (np.arange(n + 1) * n, np.tile(np.arange(n), n))
    kernels.exact_pairs(s.points, s.cells.astype(np.int64), s.area, s.side, first, cells_of, *rows, w)
    w = w.reshape(n, n)
    return 0.5 * (w + w.T) / np.outer(s.m, s.m)


def test_smooth_currents_and_noise_agree_with_the_dense_matrix(law):
    s, w, rng = law.sheet, dense(law), np.random.default_rng(1)
    swirl = 1j * (s.points[0] + 1j * s.points[1])
    noise = rng.normal(size=s.m.size) + 1j * rng.normal(size=s.m.size)
    for k, worst in ((swirl, 1e-3), (noise, 3e-3)):
        exact = w @ (k * s.m)
        assert np.linalg.norm(law.at_nodes(k) - exact) < worst * np.linalg.norm(exact)


def test_it_is_symmetric_and_positive(law):
    rng = np.random.default_rng(2)
    for _ in range(5):
        a, b = rng.normal(size=(2, law.span.size))
        assert a @ law.circulations(b) == pytest.approx(b @ law.circulations(a), abs=1e-12)
        assert a @ law.circulations(a) > 0


def test_smoothing_is_symmetric_and_below_one():
    mesh, op = disk(0.12)
    law, rng = BiotSavart.of(mesh, op), np.random.default_rng(3)
    smooth = law.smoothing(5.0, 1.0)
    for _ in range(5):
        a, b = rng.normal(size=(2, law.span.size))
        assert a @ smooth(b) == pytest.approx(b @ smooth(a), abs=1e-12)
        flow = op.M1 @ a
        assert 0 < flow @ smooth(flow) < a @ flow


@pytest.mark.parametrize("z", [0.0, 0.3])
def test_integrals_over_a_triangle(z):
    """Against a fine sum over sub-triangles; the barycentric coordinates add up to the integral of 1/R."""
    x, y = np.array([0.0, 1.0, 0.2]), np.array([0.0, 0.1, 0.9])
    area = 0.5 * ((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0]))
    n = 400
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    up = (i + j < n)[..., None] * np.array([1 / 3, 1 / 3]) + np.stack([i, j], axis=-1)
    down = np.stack([i, j], axis=-1) + np.array([2 / 3, 2 / 3])
    spots = np.concatenate([up[i + j < n], down[i + j < n - 1]]) / n
    bary = np.column_stack([1 - spots.sum(axis=1), spots])
    for px, py in ((0.4, 0.3), (1.5, -0.2), (0.6, 0.06)):
        r = np.sqrt((bary @ x - px) ** 2 + (bary @ y - py) ** 2 + z * z)
        expected = (bary / r[:, None]).sum(axis=0) * area / n**2
        found, coarse = np.empty(3), np.empty(3)
        kernels.over_triangle(px, py, z, x, y, found)
        np.testing.assert_allclose(found, expected, rtol=6e-3)
        if px > 1:
            kernels.by_quadrature(px, py, z, x, y, area, coarse)
            np.testing.assert_allclose(coarse, found, rtol=2e-3)


def test_field_on_the_axis_of_a_rotating_disk(law):
    """k = r round the centre: B_z = 1/2 int_0^1 r^3 dr/(r^2 + z^2)^(3/2) = ((2 z^2 + 1)/sqrt(1 + z^2) - 2 z)/2."""
    mesh, op = disk(0.12)
    i, j = op.edges
    x, y = mesh.points
    swirl = np.array([-y, x])
    step = mesh.points[:, j] - mesh.points[:, i]
    current = op.w * np.einsum("xe,xe->e", 0.5 * (swirl[:, i] + swirl[:, j]), step)
    for z in (0.3, 1.0):
        b = law.field(current, np.array([[0.0], [0.0], [z]]))[:, 0]
        expected = 0.5 * ((2 * z * z + 1) / np.sqrt(1 + z * z) - 2 * z)
        assert b[2] == pytest.approx(expected, rel=0.015)  # the area of the polygon is 1 % short
        assert np.hypot(b[0], b[1]) < 0.01 * expected
