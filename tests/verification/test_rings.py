"""Oracles C1 to C5: closed rings of wire, threaded by flux phi (in flux quanta), with winding number n.

The gauge-invariant phase gradient is q = (n - phi)/R everywhere.  A state of winding n is lowest in energy for phi
within 1/2 of n, but it gives way only where it loses stability, much further away.
"""

import numpy as np
import pytest
from laboratory import case_from, experiment, problem_of
from numpy import pi, sqrt
from scipy.linalg import eigh
from scipy.optimize import brentq

from fempslip.physics.energy import LinkEnergy

RING = """
geometry:
  dimension: 1
  parameters: {radius: 5 xi}
  regions: {ring: {ring: {radius: radius, center: [0, 0]}}}
  holes: {hole: {point: [0, 0]}}
  contours: {loop: hole}
material: {u: 5.79, gamma: 0}
drive: {flux: {through: hole, value: 1 Phi0}}
mesh: {size: 0.1 xi}
time: {until: 100 tau, dt_max: 0.5 tau}
postprocess: [winding]
"""
slow = pytest.mark.slow


def changes_of(radius, phi, **others):
    return {"geometry.parameters.radius": radius, "drive.flux.value": f"{phi} Phi0"} | others


def place(problem):
    """(nodes, 2) place of each node."""
    xy = np.empty((problem.operators.nodes, 2))
    xy[problem.mesh.node_of_vertex] = problem.mesh.points[:2].T
    return xy


def winding_steps(run):
    """The steps of the winding number, the times and the fluxes at which they happen."""
    table = run.table("winding")
    n = np.rint(table["loop"]).astype(int)
    assert table["loop"] == pytest.approx(n, abs=1e-9)
    k = np.flatnonzero(np.diff(n)) + 1
    return np.diff(n)[k - 1], table["t"][k], table["loop flux"][k]


# ------------------------------------------------------------------------------------------- C1


def free_energy(folder, n, phi, radius=5.0):
    """Energy and supercurrent (mean of the nodes) of the relaxed state of winding n at flux phi."""
    changes = changes_of(radius, phi, start={"vortices": [{"at": "hole", "winding": n}]})
    run = experiment(case_from(RING, folder, changes | {"time.until": 60.0, "record.fields": 60.0}))
    assert run.table("winding")["loop"][-1] == pytest.approx(n, abs=1e-9)
    xy = place(run.problem) / radius
    tangent = np.column_stack([-xy[:, 1], xy[:, 0], np.zeros(len(xy))])
    current = np.sum(run.memory.frames[-1][1]["supercurrent"] * tangent, axis=1)
    return run.table("series")["energy"][-1], current


@pytest.mark.parametrize(("n", "phi"), [(0, 0.5), (1, 0.5), (0, 1.5), (1, 1.5), (2, 0.5), (-1, 1.0), (3, 2.7)])
def test_C1_energy_and_current_of_a_winding_number(tmp_path, n, phi):
    """F_n = -(L/2)(1 - q^2)^2, the parabolas' exact form, and I = q (1 - q^2)."""
    radius = 5.0
    energy, current = free_energy(tmp_path, n, phi, radius)
    q = (n - phi) / radius
    assert energy == pytest.approx(-pi * radius * (1 - q * q) ** 2, rel=1e-3)
    assert current == pytest.approx(q * (1 - q * q), rel=1e-3)


def test_C1_neighbours_cross_at_half_a_flux_quantum(tmp_path):
    """F_1 - F_0 passes zero at phi = 1/2, found from flux 0.4 and 0.6."""
    gap = [free_energy(tmp_path, 1, phi)[0] - free_energy(tmp_path, 0, phi)[0] for phi in (0.4, 0.6)]
    assert gap[0] > 0 > gap[1]
    assert 0.4 + 0.2 * gap[0] / (gap[0] - gap[1]) == pytest.approx(0.5, rel=1e-3)


# ------------------------------------------------------------------------------------------- C2


def softest(energy, a):
    """Lowest curvature (per length) of the energy at the uniform state with potential a, global phase apart."""
    op = energy.op
    stiffness, one = energy.stiffness(a), np.ones(op.nodes)
    density = (op.m @ energy.epsilon - one @ (stiffness @ one).real) / op.m.sum()
    psi = sqrt(density) * one
    assert np.abs(energy.force(psi, a)).max() < 1e-10 * op.m.max() / op.m.min()

    def columns(direction):
        """Curvature along changes of Re psi (direction 1) or Im psi (1j), in each node in turn."""
        curved = [energy.hessian(psi, a, direction * unit) for unit in np.eye(op.nodes, dtype=complex)]
        return np.hstack([np.real(curved), np.imag(curved)])

    root = sqrt(np.r_[op.m, op.m])
    matrix = np.vstack([columns(1), columns(1j)]) / root[:, None] / root[None, :]
    turn = np.r_[np.zeros(op.nodes), sqrt(op.m)] / sqrt(op.m.sum())  # of the global phase, which costs nothing
    assert np.abs(matrix @ turn).max() < 1e-9
    return eigh(matrix + np.outer(turn, turn), eigvals_only=True, subset_by_index=[0, 0])[0]


@pytest.mark.parametrize(
    ("radius", "wanted"),
    [(5.0, 2.915476), (20 / (2 * pi), 1.882562), pytest.param(10.0, 5.787918, marks=slow)],
)
def test_C2_flux_at_which_a_winding_number_loses_stability(tmp_path, radius, wanted):
    """(phi - n)_c = R sqrt((1 + 1/(2 R^2))/3), the zero of the second variation (Eckhaus; Tarlie and Elder)."""
    assert radius * sqrt((1 + 1 / (2 * radius**2)) / 3) == pytest.approx(wanted, rel=1e-6)
    problem = problem_of(case_from(RING, tmp_path, changes_of(radius, 1.0)))
    energy, one = LinkEnergy(problem.operators, problem.epsilon), 2 * pi * problem.drive.patterns[0]
    found = brentq(lambda phi: softest(energy, phi * one), 0.9 * wanted, 1.05 * wanted, xtol=1e-3)
    assert found == pytest.approx(wanted, rel=0.005)


# ------------------------------------------------------------------------------------------- C3 and C4


@pytest.mark.parametrize(
    ("radius", "phi", "gamma", "final"),
    [
        (5, 3.5, 0, 3),
        (5, 3.5, 1, 3),
        (5, 3.5, 10, 3),
        (10, 6.5, 0, 6),
        (10, 6.5, 10, 5),
        (10, 8.0, 0, 8),
        (10, 8.0, 10, 7),
    ],
)
def test_C3_final_winding_after_sudden_flux(tmp_path, radius, phi, gamma, final):
    """The flux is there from the start, the winding is 0, and a ripple of one wavelength breaks the symmetry.

    psi = sqrt(1 - A^2) [1 + 1e-3 exp(i angle)].  With slow relaxation (gamma = 10) the last slip does not come.
    """
    case = case_from(RING, tmp_path, changes_of(radius, phi, **{"material.gamma": gamma, "time.until": 700.0}))
    problem = problem_of(case)
    x, y = place(problem).T
    psi = sqrt(1 - (phi / radius) ** 2) * (1 + 1e-3 * (x + 1j * y) / radius)
    run = experiment(case, psi, problem)
    steps, times, _ = winding_steps(run)
    assert steps.sum() == final
    assert times[-1] < 500  # nothing more happens
    if radius == 5:
        assert list(steps) == [1, 1, 1]  # one by one
        assert np.diff(times).min() > 1


@pytest.mark.parametrize(
    ("gamma", "fluxes"),
    [(0, [2.785, 3.785, 4.785]), pytest.param(10, [2.987, 2.998, 4.987, 4.998], marks=slow)],
)
def test_C4_slips_in_a_slow_sweep_of_the_flux(tmp_path, gamma, fluxes):
    """1e-3 flux quanta per tau0; a small defect makes the start of a slip definite.

    gamma = 0: one slip each flux quantum; gamma = 10: two at once, every second quantum.
    """
    text = RING.replace("value: 1 Phi0", "points: [[0 tau, 0 Phi0], [5200 tau, 5.2 Phi0]]")
    defect = {"gaussian": {"depth": 0.05, "width": "1 xi", "center": ["radius", 0]}}
    changes = {"material.gamma": gamma, "material.epsilon": defect, "time.until": 5200.0, "time.dt_max": 1.0}
    steps, _, found = winding_steps(experiment(case_from(text, tmp_path, changes)))
    assert list(steps) == [1] * len(fluxes)
    assert found == pytest.approx(fluxes, rel=0.01)


# ------------------------------------------------------------------------------------------- C5


def density(folder, phi, radius, **changes):
    """Mean |psi|^2 and winding of a small ring, grown from noise or weakened from |psi| = 1."""
    case = case_from(RING, folder, changes_of(radius, phi, **{"mesh.size": 0.02, "time.until": 300.0}, **changes))
    run = experiment(case)
    return run.table("series")["mean_density"][-1], round(run.table("winding")["loop"][-1])


@pytest.mark.parametrize("charge", ["conserved", "off"])
@pytest.mark.parametrize(("start", "phi", "n"), [("uniform", 0.5, 0), ("normal", 0.45, 0), ("normal", 1.3, 1)])
def test_C5_little_parks_density(tmp_path, start, phi, n, charge):
    """f^2 = 1 - (n - phi)^2/R^2 with the nearest n; R = 0.6, phi = 0.5: 0.305556."""
    wanted = 1 - ((n - phi) / 0.6) ** 2
    if phi == 0.5:
        assert wanted == pytest.approx(0.305556, rel=1e-5)
    found, winding = density(tmp_path, phi, 0.6, start=start, **{"model.charge": charge})
    assert found == pytest.approx(wanted, rel=0.005)
    assert winding == n


@pytest.mark.parametrize("phi", [0.45, 0.5, 0.55, 1.5])
def test_C5_a_ring_smaller_than_half_a_coherence_length_turns_normal(tmp_path, phi):
    """R = 0.4: the density is 1 - (n - phi)^2/R^2 if positive; normal for more than 0.4 from an integer."""
    found, _ = density(tmp_path, phi, 0.4)
    assert found < 1e-4


@pytest.mark.parametrize("phi", [0.30, 0.35])
def test_C5_the_same_ring_below_that_flux_is_superconducting(tmp_path, phi):
    found, _ = density(tmp_path, phi, 0.4)
    assert found == pytest.approx(1 - (phi / 0.4) ** 2, rel=0.005)


def test_C5_density_vanishes_at_a_flux_of_one_radius(tmp_path):
    """R = 0.4: f^2 = 1 - phi^2/R^2 continued to zero, from two fluxes, is at |phi| = 0.4."""
    near, far = 0.37**2, 0.30**2
    low, high = density(tmp_path, 0.37, 0.4)[0], density(tmp_path, 0.30, 0.4)[0]
    assert sqrt(near + low * (near - far) / (high - low)) == pytest.approx(0.4, rel=0.005)
