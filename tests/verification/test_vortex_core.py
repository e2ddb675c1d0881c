"""Oracle I1: the core of a vortex without self-field."""

import numpy as np
import pytest
from laboratory import Experiment, case_from, experiment
from scipy.integrate import solve_bvp

from fempslip.topology.windings import face_windings, zero_positions

SLOPE = 0.583189496
PROFILE = {0.5: 0.282822, 1.0: 0.520052, 1.5: 0.692088, 2.0: 0.804957, 3.0: 0.917481, 5.0: 0.976623}
RADIUS = 8.0

# One vortex at the centre of a disk, at rest by symmetry, on a mesh that is fine at its core.
DISK = f"""
geometry:
  dimension: 2
  regions:
    core: {{disk: {{radius: 2 xi, center: [0, 0]}}}}
    film: {{annulus: {{inner: 2 xi, outer: {RADIUS} xi, center: [0, 0]}}}}
material: {{u: 5.79, gamma: 0}}
model: {{charge: off}}
start: {{vortices: [{{at: [0, 0]}}]}}
mesh: {{size: 0.35 xi, regions: {{core: 0.1 xi}}}}
time: {{until: 60 tau}}
record: {{fields: every 60 tau}}
"""


def axisymmetric(outer: float) -> tuple[float, np.ndarray]:
    """Slope at the centre and f at the radii of PROFILE of f'' + f'/r - f/r^2 + f - f^3 = 0, f(0) = 0, f'(outer) = 0.

    Solved for g = f/r, which is regular: g'' + 3 g'/r + g - r^2 g^3 = 0.
    """
    r = np.linspace(0, outer, 400)

    def rates(r, y):
        return [y[1], -y[0] + r**2 * y[0] ** 3]

    def ends(inner, outside):
        return [inner[1], outside[0] + outer * outside[1]]

    start = np.array([1 / np.sqrt(r**2 + 2), -r / (r**2 + 2) ** 1.5])
    found = solve_bvp(rates, ends, r, start, S=np.array([[0, 0], [0, -3.0]]), tol=1e-9, max_nodes=20000)
    assert found.success
    radii = np.array(list(PROFILE))
    return float(found.sol(0)[0]), radii * found.sol(radii)[0]


def test_I1_the_disk_is_large_enough():
    """The rim at 8 xi changes the profile by 100 times less than the tolerance; the oracle is met far from any rim."""
    slope, profile = axisymmetric(RADIUS)
    far_slope, far = axisymmetric(40.0)
    assert far_slope == pytest.approx(SLOPE, rel=1e-6)
    assert far == pytest.approx(list(PROFILE.values()), abs=1e-6)
    assert slope == pytest.approx(SLOPE, rel=5e-5)
    assert profile == pytest.approx(list(PROFILE.values()), rel=5e-5)


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Experiment:
    return experiment(case_from(DISK, tmp_path_factory.mktemp("disk")))


@pytest.fixture(scope="module")
def around_zero(disk) -> tuple[np.ndarray, np.ndarray]:
    """Distance of the nodes from the zero of psi, and |psi| there."""
    op, mesh, psi, a = disk.problem.operators, disk.problem.mesh, disk.state["psi"], disk.state["a"]
    pierced = np.flatnonzero(face_windings(psi, a, op))
    assert pierced.size == 1
    zero = zero_positions(psi, a, op, mesh, pierced)
    assert np.linalg.norm(zero) < 0.05
    return np.linalg.norm(mesh.points - zero, axis=0), np.abs(psi)


@pytest.mark.parametrize("radius", PROFILE)
def test_I1_profile(around_zero, radius):
    """f(r) within 0.5 %: a parabola through |psi| at the nodes near that radius."""
    r, f = around_zero
    near = np.abs(r - radius) < (0.2 if radius < 1.8 else 0.5)
    found = np.polynomial.Polynomial.fit(r[near], f[near], 2)(radius)
    assert found == pytest.approx(PROFILE[radius], rel=5e-3)


def test_I1_slope(around_zero):
    """f = s r (1 - r^2/8 + ...) near the zero; s within 0.5 %."""
    r, f = around_zero
    near = r < 0.8
    powers = np.array([r[near], r[near] ** 3, r[near] ** 5]).T
    slope = np.linalg.lstsq(powers, f[near], rcond=None)[0][0]
    assert slope == pytest.approx(SLOPE, rel=5e-3)
