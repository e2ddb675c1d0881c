"""task: london.  Static fields, moments and inductances; meshes and faceting stated at each."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from laboratory import case_from
from scipy.special import iv

from fempslip.contract import Refusal
from fempslip.mesh.checks import CoarseMesh, check_size
from fempslip.mesh.simplices import volumes
from fempslip.run.running import solve

FILM = """
task: london
geometry:
  dimension: 2
  regions: {film: {disk: {radius: 6 xi, center: [0, 0]}}}
material: {lambda: 3}
model: {screening: maxwell}
drive: {field: 0.1}
mesh: {size: 0.25 xi}
"""
RING = """
task: london
geometry:
  dimension: 3
  regions: {ring: {torus: {radius: 10 xi, tube: 1 xi, center: [0, 0, 0]}}}
  holes: {hole: {point: [0, 0, 0]}}
material: {lambda: 1}
model: {screening: maxwell}
start: {vortices: [{at: hole, winding: 1}]}
mesh: {size: 0.4 xi}
"""

SPHERE = """
task: london
geometry:
  dimension: 3
  parameters: {radius: 5}
  regions: {ball: {sphere: {radius: radius, center: [0, 0, 0]}}}
  boundaries: {surface: {face: outer, of: ball}}
material: {lambda: 1}
model: {screening: maxwell}
drive: {field: [0, 0, 1]}
mesh: {size: 1.5, refine: [{near: surface, size: 0.25, within: 0.3}]}
"""


def answer(text: str, folder: Path, changes: Mapping[str, object] | None = None) -> tuple[Any, Mapping[str, Any]]:
    """The run and results.london of a case."""
    folder.mkdir(exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoarseMesh)
        run = solve(case_from(text, folder, changes), folder / "run", pictures=False)
    return run, json.loads((run.folder / "summary.json").read_text())["results"]["london"]


def test_G2_cylinder_from_a_case(tmp_path):
    """R = 2 lambda, h = lambda/12: M/H within 0.3 %; faceting: the polygon's area is less by (pi h/R)^2/6... 0.03 %."""
    run, found = answer(FILM, tmp_path)
    assert found["magnetization_z"] / 0.1 == pytest.approx(-0.302225, rel=3e-3)
    frame = run.frame(-1)
    middle = np.argmin(np.hypot(*run.mesh.points[:2]))
    assert frame["induction"][middle, 2] / 0.1 == pytest.approx(1 / iv(0, 2), rel=5e-3)


@pytest.mark.slow
@pytest.mark.parametrize("lam", [1.0, 3.0])
def test_C6_inductance_of_a_torus(tmp_path, lam):
    """L/mu0 = R (ln 8R/a - 2) + R (lambda/a) I0(a/lambda)/I1(a/lambda), R = 10, a = 1: geometric with the current on
    the surface, and kinetic with the field inside.  h = 0.4 xi; 2 % beyond what lies between a = 1 and the a of a tube
    with the volume of the mesh, for facets take 5 % of it; the sum leaves out terms of (a/R)^2."""
    run, found = answer(RING, tmp_path, {"material.lambda": lam})
    R = 10.0
    volume = volumes(run.mesh.points, run.mesh.cells).sum()
    tubes = np.array([1.0, np.sqrt(volume / (2 * np.pi**2 * R))])
    kinetic = R * lam / tubes * iv(0, tubes / lam) / iv(1, tubes / lam)
    low, high = np.sort(R * (np.log(8 * R / tubes) - 2) + kinetic)
    hole = found["holes"]["hole"]
    assert 0.98 * low < hole["inductance"] < 1.02 * high
    assert hole["fluxoid"] == pytest.approx(1.0)
    # fluxoid = L I, and the energy is 2 pi I
    assert hole["current"] * hole["inductance"] == pytest.approx(2 * np.pi * lam**2, rel=1e-6)
    assert found["energy"] == pytest.approx(2 * np.pi * hole["current"], rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ratio", "wanted", "surface", "inside"), [(5, -0.519946, 0.25, 1.5), (10, -0.730000, 0.3, 2.5)]
)
def test_G3_sphere_of_many_lambda(tmp_path, ratio, wanted, surface, inside):
    """m/(2 pi R^3 H) to 0.5 %.  Cells of 0.25 (0.3) lambda at the surface, growing inwards to 1.5 (2.5) lambda:
    170 000 (430 000) edges with the vacuum.  The polyhedron is inscribed, which takes 0.09 % (0.03 %) of the volume:
    the moment is compared for the radius of the sphere, with the magnetization as a bound for the polyhedron's.
    """
    refine = [{"near": "surface", "size": surface, "within": 0.3}]
    changes = {"geometry.parameters.radius": ratio, "mesh.size": inside, "mesh.refine": refine}
    run, found = answer(SPHERE, tmp_path, changes)
    volume = volumes(run.mesh.points, run.mesh.cells).sum()
    missing = 1 - volume / (4 / 3 * np.pi * ratio**3)
    assert 0 < missing < 1e-3
    assert found["moment_z"] / (2 * np.pi * ratio**3) == pytest.approx(wanted, rel=5e-3)
    assert found["magnetization_z"] == pytest.approx(1.5 * wanted, rel=5e-3 + missing)


@pytest.mark.slow
def test_thin_disk_by_both_screenings(tmp_path):
    """Lambda = R: the moment of disks of thickness 0.1 R and 0.05 R in space, extrapolated to 0, beside the sheet's
    (pearl), 2 %; and beside the integral equation of rings, -0.336029 R^3 H (G6).

    R = 10 xi, lambda^2 = Lambda d.  Cells as wide as the disk is thick; the polygon's missing area is put back by its
    share in R^3.  The sheet in cells of 0.5 xi.
    """
    R, Lambda, text = 10.0, 10.0, SPHERE.replace("radius: 5", "radius: 10")
    found = {}
    for d in (1.0, 0.5):
        body = {"cylinder": {"radius": "radius", "height": d, "center": [0, 0, 0]}}
        changes = {"material.lambda": np.sqrt(Lambda * d), "mesh": {"size": d}, "geometry.regions.ball": body}
        changes["geometry.boundaries"] = {}
        run, state = answer(text, tmp_path / f"{d}", changes)
        area = volumes(run.mesh.points, run.mesh.cells).sum() / d
        found[d] = state["moment_z"] / (Lambda * d) * (np.pi * R**2 / area) ** 1.5 / R**3
    limit = 2 * found[0.5] - found[1.0]
    sheet = """
    task: london
    geometry: {dimension: 2, regions: {film: {disk: {radius: 10, center: [0, 0]}}}}
    material: {lambda: 3.1622776601683795, thickness: 1}
    model: {screening: pearl}
    drive: {field: 1}
    mesh: {size: 0.5}
    """
    _, state = answer(sheet, tmp_path)
    thin = state["moment_z"] / Lambda / R**3
    assert thin == pytest.approx(-0.336029, rel=3e-3)
    assert limit == pytest.approx(thin, rel=2e-2)
    assert abs(found[0.5] / thin - 1) < abs(found[1.0] / thin - 1)


@pytest.mark.parametrize("screening, depth", [("maxwell", "lambda = 600 nm"), ("pearl", "thickness = 3600 nm")])
def test_cells_resolve_how_deep_currents_flow(tmp_path, screening, depth):
    """xi = 100 nm, lambda = 6 xi, Lambda = 36 xi at a thickness of 1 xi: cells of 2 xi are fine, 80 xi are not; where
    they are refined near a boundary, it is these that count."""
    text = """
    task: london
    geometry:
      dimension: 2
      regions: {film: {disk: {radius: 300 xi, center: [0, 0]}}}
      boundaries: {rim: {edge: outer, of: film}}
    material: {xi: 100 nm, lambda: 600 nm, thickness: 100 nm}
    drive: {field: 1 mT}
    """

    def check(size: float, refine: list[dict[str, object]]) -> None:
        changes = {"model": {"screening": screening}, "mesh": {"size": size, "refine": refine}}
        check_size(case_from(text, tmp_path, changes))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(2, [])
        check(50, [{"near": "rim", "size": 2, "within": 3}])
    with pytest.raises(Refusal, match=rf"cells of 8000 nm .mesh.size. against .*{depth} do not resolve"):
        check(80, [])
    with pytest.warns(CoarseMesh, match=f"cells of .* against .*{depth}"):
        check(5 if screening == "maxwell" else 50, [])
