"""task: london of thin films (screening: pearl), from case files: moments, currents, fluxes and inductances."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import loops_of_ring
from laboratory import case_from

from fempslip.contract import Refusal
from fempslip.run.running import solve

DISK = """
task: london
geometry: {dimension: 2, regions: {film: {disk: {radius: 10 xi, center: [0, 0]}}}}
material: {lambda: 2, thickness: 1}
model: {screening: pearl}
drive: {field: 0.01}
mesh: {size: 0.5 xi}
"""
RING = """
task: london
geometry:
  dimension: 2
  regions: {film: {annulus: {inner: 10 xi, outer: 20 xi, center: [0, 0]}}}
  holes: {hole: {point: [0, 0]}}
material: {lambda: 1, thickness: 1}
model: {screening: pearl}
start: {vortices: [{at: hole, winding: 2}]}
mesh: {size: 0.5 xi}
"""
TWO_HOLES = """
task: london
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [20 xi, 12 xi], center: [0, 0]}}}
  holes:
    left: {rectangle: {size: [4 xi, 4 xi], center: [-5, 0]}}
    right: {disk: {radius: 2 xi, center: [4, 1]}}
material: {xi: 100 nm, lambda: 200 nm, sigma: 2e6 S/m, thickness: 200 nm}
model: {screening: pearl}
drive: {field: 0.002 Bc2}
start: {vortices: [{at: left, winding: 1}]}
mesh: {size: 0.5 xi}
"""


def answer(text: str, folder: Path, **changes: object) -> tuple[Any, dict[str, Any]]:
    """The run and results.london of a case."""
    run = solve(
        case_from(text, folder, {k.replace("__", "."): v for k, v in changes.items()}), folder / "run", pictures=False
    )
    assert run.summary is not None
    return run, run.summary["results"]["london"]


@pytest.mark.parametrize(("ratio", "expected"), [(0.5, -0.588164), (1.0, -0.336029)])
def test_G6_disk_from_a_case(tmp_path, ratio, expected):
    """m/(R^3 H) of Lambda/R to 0.3 %: R = 10 xi in cells of 0.5 xi, 1 500 nodes.  I0 xi^2 is Bc2 xi^3/(mu0 Lambda)."""
    _, found = answer(DISK, tmp_path, material__lambda=np.sqrt(10 * ratio))
    m = found["moment_z"] / (10 * ratio)
    assert m / (1e3 * 0.01) == pytest.approx(expected, rel=3e-3)
    volume = np.pi * 100  # the thickness is 1 xi
    assert found["magnetization_z"] == pytest.approx(m / volume, rel=2e-3)


@pytest.mark.parametrize("Lambda", [1.0, 10.0])
@pytest.mark.parametrize("field", [0.0, 0.01])
def test_ring_from_a_case_against_an_integral_equation(tmp_path, Lambda, field):
    """Two quanta in a ring of 10 to 20 xi: current and moment to 0.3 %, flux through the hole to 1 %; cells of 0.5 xi.

    The flux of the reference is 2 pi a A(a) = 2 pi (n - a k(a)), k extrapolated to the rim a from the nearest loops.
    """
    _, found = answer(RING, tmp_path, material__lambda=np.sqrt(Lambda), drive__field=field)
    h, r, k = loops_of_ring(10.0, 20.0, Lambda, field, 2)
    hole = found["holes"]["hole"]
    assert hole["fluxoid"] == pytest.approx(2.0)
    assert hole["current"] == pytest.approx(h * k.sum(), rel=3e-3)
    assert found["moment_z"] == pytest.approx(np.pi * h * np.sum(k * r**2), rel=3e-3)
    assert hole["flux"] == pytest.approx(2 - 10.0 * (1.5 * k[0] - 0.5 * k[1]), rel=1e-2)


@pytest.mark.parametrize("Lambda", [1.0, 10.0])
def test_inductance_of_a_ring(tmp_path, Lambda):
    """L = 2 pi Lambda n/I, kinetic part 2 pi Lambda int k^2 r dr/I^2 (twice the energy), 0.3 %; cells of 0.5 xi."""
    _, found = answer(RING, tmp_path, material__lambda=np.sqrt(Lambda))
    h, r, k = loops_of_ring(10.0, 20.0, Lambda, 0.0, 1, 1500)
    hole = found["holes"]["hole"]
    assert hole["inductance"] == pytest.approx(2 * np.pi * Lambda / (h * k.sum()), rel=3e-3)
    assert hole["kinetic"] == pytest.approx(2 * np.pi * Lambda * np.sum(k**2 * r) / (h * k.sum() ** 2), rel=3e-3)
    assert hole["geometric"] + hole["kinetic"] == pytest.approx(hole["inductance"])


def test_two_holes(tmp_path):
    """L is symmetric to what the iteration leaves, 1e-6; energy, currents and fluxoids agree; units in SI."""
    run, found = answer(TWO_HOLES, tmp_path, drive__field=0)
    table = run.table("inductance")
    matrix, kinetic = (table[name].reshape(2, 2) for name in ("value", "kinetic"))
    assert np.allclose(matrix, matrix.T, rtol=1e-6, atol=0) and np.allclose(kinetic, kinetic.T, rtol=1e-6, atol=0)
    assert np.all(np.linalg.eigvalsh(matrix) > np.linalg.eigvalsh(kinetic)) and matrix[0, 1] < 0
    holes = found["holes"]
    assert [holes[name]["fluxoid"] for name in ("left", "right")] == pytest.approx([1, 0], abs=1e-9)
    currents = np.array([holes[name]["current"] for name in ("left", "right")])
    Lambda = 2.0  # 200 nm in units of xi
    assert matrix @ currents / (2 * np.pi * Lambda) == pytest.approx([1, 0], abs=1e-5)
    assert found["energy"] == pytest.approx(2 * np.pi * currents[0], rel=1e-5)
    # Phi0 = L I in SI: no unit is off
    henry, ampere = np.array([[h["si"]["inductance_H"], h["si"]["current_A"]] for h in holes.values()]).T
    mutual = matrix[0, 1] / matrix[0, 0] * henry[0]
    assert henry[0] * ampere[0] + mutual * ampere[1] == pytest.approx(2.067833848e-15, rel=1e-5)
    assert found["si"]["energy_J"] == pytest.approx(0.5 * 2.067833848e-15 * ampere[0], rel=1e-5)
    assert henry[0] == pytest.approx(4e-7 * np.pi * 1e-7 * matrix[0, 0], rel=1e-6)


def test_moment_in_si_is_that_of_a_disk(tmp_path):
    """m = -0.336029 R^3 B/mu0 at Lambda = R = 2 um, B = 0.5 mT; cells of 0.5 xi, 0.3 %."""
    material = {"xi": "200 nm", "lambda": "400 nm", "sigma": "2e6 S/m", "thickness": "80 nm"}
    _, found = answer(DISK, tmp_path, material=material, drive__field="0.5 mT")
    assert found["si"]["moment_z_Am2"] == pytest.approx(-0.336029 * 8e-18 * 5e-4 / (4e-7 * np.pi), rel=3e-3)


def test_fields_of_its_frame(tmp_path):
    """The current goes round the disk against the field, and B in its middle is less than applied."""
    run, _ = answer(DISK, tmp_path)
    frame, (x, y) = run.frame(-1), run.mesh.points
    right = np.argmin(np.hypot(x - 9, y))
    middle = np.argmin(np.hypot(x, y))
    assert frame["supercurrent"][right, 1] < 0
    assert 0 < frame["induction"][middle, 2] < 0.01


def test_a_hole_without_a_rim_is_refused(tmp_path):
    """A named hole outside the film has no flux to tell; a film needs its thickness."""
    with pytest.raises(Refusal):
        answer(DISK, tmp_path, geometry__holes={"out": {"point": [30, 0]}})
    assert not (tmp_path / "run").exists()
    with pytest.raises(Refusal, match="thickness"):
        answer(DISK, tmp_path, material__thickness=None)
