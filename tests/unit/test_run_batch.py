"""A batch runs each point of a grid into its own folder; zeros are found again in stored frames."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from laboratory import WIRE_W, case_from

import fempslip as fs
from fempslip.case import Case
from fempslip.contract import Refusal
from fempslip.run.afterwards import followed

POINTS = {"drive.current.density": ["0.10 j0", "0.12 j0"], "material.gamma": [0, 1]}


@pytest.fixture
def wire(tmp_path: Path) -> Case:
    short = {"time.until": 60, "measure.from": 50, "postprocess": ["voltage"], "mesh.size": 0.2}
    return case_from(WIRE_W, tmp_path, short)


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_a_table_of_settings_and_results(wire: Case, tmp_path: Path) -> None:
    table = fs.batch(wire, POINTS, tmp_path / "family")
    assert table["material.gamma"] == [0, 1, 0, 1]
    assert table["status"] == ["finished"] * 4
    # Below the critical current nothing slips and the banks are at one potential.
    assert np.allclose(table["voltage.mean"], 0.0, atol=1e-3)
    assert all(Path(folder, "summary.json").is_file() for folder in table["folder"])


@pytest.mark.slow
def test_a_pool_gives_the_same_table(wire: Case, tmp_path: Path) -> None:
    alone = fs.batch(wire, POINTS, tmp_path / "alone")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        together = fs.batch(wire, POINTS, tmp_path / "together", pool)
    assert alone["voltage.mean"] == together["voltage.mean"]


def test_a_wrong_point_is_refused_before_anything_runs(wire: Case, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="nm"):
        fs.batch(wire, {"drive.current.density": ["0.1 j0", "3 nm"]}, tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()


def test_zeros_of_stored_frames_are_those_seen_in_the_march(tmp_path: Path) -> None:
    changes = {"time.until": 60, "field": None, "record.fields": "every 20 tau", "mesh.size": 0.5}
    changes = {k: v for k, v in changes.items() if v is not None}
    disk = fs.load("disk_in_field").vary({**changes, "drive.field": 0.5, "start": "normal", "postprocess": ["zeros"]})
    run = fs.solve(disk, tmp_path / "disk", pictures=False)
    seen = run.table("zeros")
    assert seen["winding"].sum() > 0
    again = followed(run).table("zeros")
    for name in ("t", "winding"):
        np.testing.assert_array_equal(again[name], seen[name])
    np.testing.assert_allclose([again["x"], again["y"]], [seen["x"], seen["y"]], atol=1e-9)
