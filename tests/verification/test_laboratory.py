"""What the families of the laboratory compare with: laws derived here, on what pictures and tables hold."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.special import j0

from fempslip.case import load
from fempslip.run.batch import batch
from fempslip.run.families import conclude


def narrow_junction(b: float, width: float, gap: float) -> float:
    """I_c(B)/I_c(0) of a junction across a strip without field of its own, with long leads.

    Lead x > 0, gauge A = (-B y, 0): laplace theta = 0, d_y theta = 0 at the edges, j_x = d_x theta + B y = 0 at the
    bridge and at infinity.  y = sum c_n sin(k_n y), c_n = 4 (-1)^n/(w k_n^2): theta(0, y) = sum B c_n/k_n sin(k_n y),
    and the other lead gives the same with the other sign, the gap B y d.
    """
    n = np.arange(60)
    k = (2 * n + 1) * np.pi / width
    y = ((np.arange(600) + 0.5) / 600 - 0.5) * width
    phi = (8 * b * (-1.0) ** n / (width * k**3)) @ np.sin(np.outer(k, y)) + b * y * gap
    return float(abs(np.cos(phi).mean()))


def test_the_formula_of_the_bridge_has_the_period_of_clem() -> None:
    """Its zeros come 2 pi / (14 zeta(3) / pi^3 w^2) = 1.842 Phi0/w^2 apart (Clem, Phys. Rev. B 81, 144515, 2010); the
    first zero of a sine-shaped phase is that of J0.
    """
    width = 12.0
    b = np.linspace(0.0, 8 * 1.842 * 2 * np.pi / width**2, 4001)
    ratio = np.array([narrow_junction(x, width, 0.0) for x in b[::10]])
    least = np.flatnonzero((ratio[1:-1] < ratio[:-2]) & (ratio[1:-1] < ratio[2:])) + 1
    spacing = np.diff(b[::10][least])[-3:].mean()
    assert abs(spacing / (1.842 * 2 * np.pi / width**2) - 1) < 0.03
    amplitude = 8 * b[::10] * width**2 / np.pi**3
    small = amplitude < 2
    assert np.abs(ratio[small] - np.abs(j0(amplitude[small]))).max() < 0.03


def test_the_case_of_the_bridge_expects_the_formula() -> None:
    case = load("bridge_fraunhofer")
    fields = [float(str(point["drive.field"]).split()[0]) for [point] in case.sweep.chains()]  # type: ignore[union-attr]
    sizes = case.geometry.parameters  # type: ignore[attr-defined]
    for k, b in enumerate(fields[1:], start=2):
        wanted = narrow_junction(b, sizes["width"], sizes["bridge"])
        assert abs(case.expect[f"critical_current.{k}.over_first"].value - wanted) < 0.001


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_pictures_of_a_family_have_their_numbers_beside_them(tmp_path: Path) -> None:
    """A short, coarse search: PNG, PDF and SVG of each picture, and the same points in CSV."""
    sweep = {
        "drive.field": ["0 Bc2", "0.02 Bc2"],
        "search": {
            "path": "drive.current.density.ramp.to", "from": "0.01 j0", "to": "0.2 j0", "within": "0.1 j0",
        },
    }  # fmt: skip
    changes = {"mesh.size": 1, "time.until": 60, "measure.from": 20, "record.fields": 30, "expect": None}
    case = load("bridge_fraunhofer").vary({**changes, "sweep": sweep})
    table = batch(case, into=tmp_path)
    conclude(case, table, tmp_path)
    for name in ("critical_current", "overlay", "panels"):
        assert all((tmp_path / f"{name}.{kind}").stat().st_size > 2000 for kind in ("png", "pdf", "svg"))
    with (tmp_path / "panels_iv.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(table["status"])
    assert {"overlay_voltage.csv", "overlay_profile.csv", "panels_map.csv", "panels_voltage.csv"} <= {
        path.name for path in tmp_path.iterdir()
    }


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_the_loop_of_a_small_disk_begins_as_derived(tmp_path: Path) -> None:
    """mu0 M = -B R^2/(8 kappa^2) where |psi| = 1, from the moment of j = -B r/2; a ramp of 2e-4 Bc2/tau0 adds 1 % of
    normal current, |psi| and the polygon of the rim (cells of 0.5 xi) take less than 2 %.
    """
    points = [["0 tau", "0 Bc2"], ["100 tau", "0.02 Bc2"]]
    case = load("loops_of_disks").vary({
        "drive.field": {"points": points}, "time.until": 100, "record.fields": 50, "mesh.size": 0.5, "expect": None,
        "sweep": {"geometry.parameters.radius": ["3 xi", "4 xi"]}, "time.dt_max": 2,
    })  # fmt: skip
    found = conclude(case, batch(case, into=tmp_path), tmp_path)["results"]["magnetization_loops"]
    with (tmp_path / "magnetization_loops.csv").open() as file:
        last = [row for row in csv.DictReader(file)][-1]
    assert abs(float(last["mu0 M (Bc2)"]) / (-0.02 * 16 / 800) - 1) < 0.03
    assert set(found) == {"1", "2"}
