"""Numbers that people quote, read off runs: J1's viscosity, the power of a map, the law of a resistive transition."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from laboratory import WIRE_W, case_from

from fempslip.case import load
from fempslip.run.batch import batch
from fempslip.run.families import conclude
from fempslip.run.running import resume, solve
from fempslip.store.maps import maps_of

SHORT = {"time.until": 30, "measure.from": 10, "postprocess": ["dissipation_map", "density_map", "power"]}


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_J1_viscosity_and_maps_of_a_moving_vortex(tmp_path: Path) -> None:
    """v/j = 0.6603 over the middle 3 xi of a strip of 24 xi (J1: independent solution by finite differences), 5 % at
    j = 0.06; h = 0.6 xi.  eta is 2 pi over that; the map's sum is the dissipated power to rounding; in km/s it is
    v xi/tau0 with tau0 of oracle U1.
    """
    run = solve(load("vortex_viscosity").vary({"mesh.size": 0.6, "expect": None}), tmp_path / "run", pictures=False)
    assert run.summary is not None
    found = run.summary["results"]
    motion = found["vortex_motion"]
    assert motion["drift_over_current"] == pytest.approx(0.6603, rel=0.05)
    assert motion["eta"] == pytest.approx(2 * np.pi / 0.6603, rel=0.05)
    assert motion["si"]["mean_km_s"] == pytest.approx(motion["mean"] * 1e-8 / 1.005310e-13 / 1e3, rel=1e-5)
    # eta is in units of j0 Phi0 tau0/(2 pi xi): U1 has j0 = 6.547355e11 A/m2
    unit = 6.547355e11 * 2.067833848e-15 / (2 * np.pi) * 1.005310e-13 / 1e-8
    assert motion["si"]["eta_Ns_m2"] == pytest.approx(motion["eta"] * unit, rel=1e-5)
    assert found["dissipation_map"]["over_series"] == pytest.approx(1, abs=1e-12)
    assert found["dissipation_map"]["power"] == pytest.approx(found["power"]["dissipated"], rel=1e-12)
    assert found["density_map"]["least"] == 0 and 0.8 < found["density_map"]["mean"] < 1


@pytest.mark.parametrize("gamma", [0, 10])
def test_a_map_of_a_wire_is_its_power_and_goes_on_after_a_resume(gamma: float, tmp_path: Path) -> None:
    """A slipping wire W, solved to 20 tau0 and extended to 30: the map is that of the whole measured time, once."""
    case = case_from(WIRE_W, tmp_path, {**SHORT, "material.gamma": gamma, "drive.current.density": "0.34 j0"})
    solve(case.vary({"time.until": 20}), tmp_path / "run", pictures=False)
    run = resume(tmp_path / "run", until="30 tau", pictures=False)
    assert run.summary is not None
    found = run.summary["results"]["dissipation_map"]
    assert found["over_series"] == pytest.approx(1, abs=1e-12)
    assert found["power"] == pytest.approx(run.summary["results"]["power"]["dissipated"], rel=1e-12)
    assert maps_of(run)["density"].size == run.mesh.nodes


def test_a_transition_is_compared_with_the_law(tmp_path: Path) -> None:
    """What the family says of R(T) is what each run says of itself, whose law is that of Langer, Ambegaokar, McCumber
    and Halperin; runs too short for any statistics.
    """
    changes = {"time.until": 200, "measure.from": 20, "record.fields": 100, "expect": None}
    case = load("rt_transition").vary({**changes, "sweep": {"material.temperature": ["3.9 K", "3.8 K"]}})
    table = batch(case, into=tmp_path)
    found = conclude(case, table, tmp_path)["results"]["resistance_temperature"]
    assert [found[k]["temperature"] for k in ("1", "2")] == [3.8, 3.9]
    law = dict(zip(table["material.temperature"], table["thermal_slips.lamh.resistance"], strict=True))
    normal = dict(zip(table["material.temperature"], table["thermal_slips.lamh.normal"], strict=True))
    with (tmp_path / "resistance_temperature.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row, t in zip(rows, ("3.8 K", "3.9 K"), strict=True):
        assert float(row["R/Rn of LAMH"]) == pytest.approx(law[t] / normal[t], rel=1e-12)
