"""Fields of dipoles, loops, wires and tables: against B in closed form, by the flux through faces."""

import numpy as np
import pytest
from laboratory import case_from, experiment, problem_of

from fempslip.contract import Refusal
from fempslip.mesh.sources import densities

FILM = """
geometry: {{dimension: 2, regions: {{film: {{rectangle: {{size: [6, 4], center: [0, 0]}}}}}}}}
material: {{xi: 10 nm, lambda: 100 nm, thickness: 20 nm, sigma: 2e6 S/m}}
drive: {{field: {field}}}
mesh: {{size: 0.25}}
time: {{until: 4 tau}}
"""
BODY = FILM.replace("dimension: 2", "dimension: 3").replace(
    "{{rectangle: {{size: [6, 4], center: [0, 0]}}}}", "{{box: {{size: [4, 3, 2], center: [0, 0, 0]}}}}"
).replace(", thickness: 20 nm", "").replace("0.25", "0.5")  # fmt: skip


def flux_densities(text, field, tmp_path):
    """(middles (3, faces), C a/area) of the only pattern, and its problem."""
    problem = problem_of(case_from(text.format(field=field), tmp_path))
    op, points = problem.operators, problem.mesh.points
    corner = np.concatenate([points, np.zeros((3 - points.shape[0], points.shape[1]))])[:, op.face_nodes]
    normal = 0.5 * np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], axis=0) * op.face_sign
    return corner.mean(axis=1), normal, op.C @ problem.drive.patterns[0], problem


def dipole_field(x, moment):
    r = np.linalg.norm(x, axis=0)
    n = x / r
    return (3 * n * (moment @ n) - moment[:, None]) / (4 * np.pi * r**3)


@pytest.mark.parametrize("text", [FILM, BODY], ids=["film", "body"])
def test_dipole(text, tmp_path):
    at, moment = np.array([0.5, -0.5, 6.0]), np.array([2.0, 1.0, 30.0])
    x, normal, flux, _ = flux_densities(text, "[{dipole: {at: [0.5, -0.5, 6], moment: [2, 1, 30]}}]", tmp_path)
    exact = np.sum(dipole_field(x - at[:, None], moment) * normal, axis=0)
    scale = np.abs(exact).max()
    np.testing.assert_allclose(flux, exact, atol=5e-3 * scale)  # a face is not a point


@pytest.mark.parametrize("text", [FILM, BODY], ids=["film", "body"])
def test_loop_on_and_off_its_axis(text, tmp_path):
    """On the axis B = I R^2/(2 (R^2 + z^2)^(3/2)); far away that of a dipole."""
    x, normal, flux, _ = flux_densities(text, "[{loop: {center: [0, 0, 3], radius: 4, current: 5}}]", tmp_path)
    near = (np.hypot(x[0], x[1]) < 0.4) & (np.abs(normal[2]) > 0.9 * np.linalg.norm(normal, axis=0))
    z = x[2, near] - 3
    exact = 5 * 16 / (2 * (16 + z**2) ** 1.5) * normal[2, near]
    np.testing.assert_allclose(flux[near], exact, rtol=0.03)  # faces beside the axis
    field = "[{loop: {center: [0, 0, 40], radius: 1, normal: [0, 1, 1], current: 5}}]"
    x, normal, flux, _ = flux_densities(text, field, tmp_path)
    moment = 5 * np.pi * np.array([0, 1, 1]) / np.sqrt(2)
    exact = np.sum(dipole_field(x - np.array([[0], [0], [40.0]]), moment) * normal, axis=0)
    np.testing.assert_allclose(flux, exact, atol=5e-3 * np.abs(exact).max())


@pytest.mark.parametrize("text", [FILM, BODY], ids=["film", "body"])
def test_straight_wire(text, tmp_path):
    """B = I/(2 pi rho), round the current by the right hand."""
    field = "[{wire: {through: [0, 5, 1], direction: [1, 0, 0], current: 3}}]"
    x, normal, flux, _ = flux_densities(text, field, tmp_path)
    y, z = x[1] - 5, x[2] - 1
    exact = 3 / (2 * np.pi * (y**2 + z**2)) * (-z * normal[1] + y * normal[2])
    np.testing.assert_allclose(flux, exact, atol=3e-3 * np.abs(exact).max())


def test_currents_in_ampere(tmp_path):
    """At a distance r of a wire B = mu0 I/(2 pi r), whatever the material: 10 mA at 50 nm are 40 mT."""
    field = "[{wire: {through: [0, 5, 0], direction: [1, 0, 0], current: 10 mA}}]"
    x, normal, flux, problem = flux_densities(FILM, field, tmp_path)
    middle = np.argmin(np.hypot(x[0], x[1]))
    tesla = flux[middle] / normal[2, middle] * 2.067833848e-15 / (2 * np.pi * 1e-16)
    assert tesla == pytest.approx(-0.2e-6 * 0.01 / (50e-9 - 1e-8 * x[1, middle]), rel=2e-3)


def test_tables_of_b_and_of_a(tmp_path):
    """B_z = 0.1 + 0.02 x - 0.01 y^2 given on a grid of 0.5 xi, and the same as A; the flux of every face."""
    x, y = (v.ravel() for v in np.meshgrid(np.linspace(-4, 4, 17), np.linspace(-3, 3, 13)))
    b = 0.1 + 0.02 * x - 0.01 * y**2
    a = np.array([0.1 * -y / 2 + 0.01 * y**3 / 3, 0.1 * x / 2 + 0.01 * x**2])
    np.savetxt(tmp_path / "b.csv", np.array([x, y, b]).T, delimiter=",")
    np.savetxt(tmp_path / "a.csv", np.array([x, y, *a]).T, delimiter=",")
    for field, worst in (("[{table: {file: b.csv}}]", 0.02), ("[{table: {file: a.csv, gives: a}}]", 0.05)):
        at, normal, flux, problem = flux_densities(FILM, field, tmp_path)
        exact = 0.1 + 0.02 * at[0] - 0.01 * at[1] ** 2
        assert np.abs(flux / normal[2] - exact).mean() < worst * 0.1
        assert densities(problem.mesh, problem.operators, problem.drive.patterns[0]).max() < 0.25


def test_sources_add_up_with_waveforms(tmp_path):
    """A uniform field and a dipole, one constant and one ramped."""
    field = "[{uniform: 0.05}, {dipole: {at: [0, 0, 4], moment: [0, 0, 20]}, times: {ramp: {from: 0, to: 2, over: 2}}}]"
    found = experiment(case_from(FILM.format(field=field), tmp_path))
    drive = found.problem.drive
    assert [wave.value(1.0) for wave in drive.fields] == [1.0, 1.0]
    assert [wave.value(3.0) for wave in drive.fields] == [1.0, 2.0]
    assert drive.flux_density == pytest.approx(0.05 + 2 * 20 / (2 * np.pi * 64), rel=0.02)
    assert np.isfinite(found.table("series")["energy"]).all()


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("[{dipole: {at: [0, 0, 0.01], moment: [0, 0, 1]}}]", "stands in the sample"),
        ("[{loop: {center: [0, 0, 0], radius: 1, current: 1}}]", "stands in the sample"),
        ("[{dipol: {at: [0, 0, 1]}}]", "list of sources"),
        ("[{dipole: {at: [0, 0, 3], moment: [0, 0, 1]}, loop: {center: [0, 0, 3], radius: 1, current: 1}}]", "one of"),
        ("[{wire: {through: [0, 0, 3], direction: [0, 0, 0], current: 1}}]", "must not be zero"),
        ("[{uniform: [0.1, 0, 0]}]", "along z only"),
        ("[{table: {rows: [[0, 0, 1]]}}]", "must not all lie"),
    ],
)
def test_wrong_sources_are_refused(field, words, tmp_path):
    with pytest.raises(Refusal, match=words):
        problem_of(case_from(FILM.format(field=field), tmp_path))
