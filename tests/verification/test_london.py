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

from fempslip.mesh.checks import CoarseMesh
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


def answer(text: str, folder: Path, changes: Mapping[str, object] | None = None) -> tuple[Any, Mapping[str, Any]]:
    """The run and results.london of a case."""
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
