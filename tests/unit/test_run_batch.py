"""A batch runs each point of a grid into its own folder; zeros are found again in stored frames."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import warnings
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
from fempslip.run.branches import runs_of
from fempslip.run.families import edge_of, phase_diagram
from fempslip.run.pool import cluster, processes

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


@pytest.fixture
def chained(wire: Case) -> Case:
    sweep = {"drive.current.density": ["0.10 j0", "0.12 j0", "0.14 j0"], "material.gamma": [0, 1]}
    return wire.vary({"sweep": {**sweep, "chain": "drive.current.density"}, "expect": None})


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_points_of_a_chain_start_from_the_one_before(chained: Case, tmp_path: Path) -> None:
    table = fs.batch(chained, into=tmp_path / "family")
    assert table["status"] == ["finished"] * 6
    first, second = (fs.open_run(folder) for folder in table["folder"][:2])
    np.testing.assert_allclose(second.frame(0)["psi_re"], first.frame(-1)["psi_re"], rtol=1e-13)
    assert table["after"][:2] == [None, Path(table["folder"][0]).name]


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_the_same_call_goes_on_and_solves_only_what_is_missing(chained: Case, tmp_path: Path) -> None:
    table = fs.batch(chained, into=tmp_path / "family")
    written = {folder: (Path(folder) / "fields.vtkhdf").stat().st_mtime_ns for folder in table["folder"]}
    shutil.rmtree(table["folder"][2])  # the last of the first chain
    assert fs.batch(chained, into=tmp_path / "family") == table
    again = {folder: (Path(folder) / "fields.vtkhdf").stat().st_mtime_ns for folder in table["folder"]}
    assert [folder for folder in written if written[folder] != again[folder]] == [table["folder"][2]]


def test_a_changed_case_is_not_mixed_in(wire: Case, tmp_path: Path) -> None:
    points = {"material.gamma": [0]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fs.batch(wire, points, tmp_path / "family")
        other = wire.vary({"time.until": 61})
        with pytest.raises(Refusal, match="changed since"):
            fs.batch(other, points, tmp_path / "family")
        assert fs.batch(other, points, tmp_path / "family", replace=True)["status"] == ["finished"]


def test_a_folder_of_something_else_is_left_alone(wire: Case, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter 1")
    with pytest.raises(Refusal, match="holds no batch"):
        fs.batch(wire, {"material.gamma": [0]}, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".txt"] == ["thesis.txt"]


def test_a_case_with_a_sweep_is_not_one_run(chained: Case, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="fempslip batch"):
        fs.solve(chained, tmp_path / "run")


def test_a_point_that_fails_keeps_its_message_and_the_others_run(wire: Case, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blunt = wire.vary({"time.dt_min": 1e-4})
        table = fs.batch(blunt, {"time.tolerance": [1e-15, 3e-4]}, tmp_path / "family")
    assert table["status"] == ["failed", "finished"] and "dt_min" in str(table["failure"][0])


def test_a_map_shows_the_first_result_over_two_swept_values(wire: Case, tmp_path: Path) -> None:
    table = {
        "drive.current.density": ["0.3 j0", "0.3 j0", "0.4 j0", "0.4 j0"],
        "material.gamma": [0, 1, 0, 1],
        "folder": ["a", "b", "c", "d"],
        "status": ["finished"] * 4,
        "voltage.mean": [0.5, 0.6, 0.7, 0.8],
    }
    assert phase_diagram(wire, table, tmp_path) == {"least": 0.5, "largest": 0.8}
    assert (
        (tmp_path / "phase_diagram.csv").read_text("utf-8").startswith("drive.current.density,material.gamma,voltage")
    )


def test_edges_of_a_curve() -> None:
    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert edge_of(x, np.array([0, 0, 5, 9]), 1) == (2.5, 0.5)
    assert edge_of(x[::-1], np.array([9, 5, 0, 0]), -1) == (2.5, 0.5)
    assert edge_of(x, np.zeros(4), 1) is None
    up_and_down = np.array([1, 2, 3, 2, 1.0])
    assert [(part.start, part.stop, up) for part, up in runs_of(up_and_down)] == [(0, 3, 1), (2, 5, -1)]


@pytest.mark.slow
def test_killed_twice_and_begun_again_gives_the_same_table(chained: Case, tmp_path: Path) -> None:
    """SIGKILL of the whole batch, parent first: its workers leave with it, and the same command goes on."""
    case = tmp_path / "case.yaml"
    case.write_text(chained.vary({"time.until": 2000, "measure.from": 1000}).document(), encoding="utf-8")
    command = [sys.executable, "-m", "fempslip.cli", "batch", str(case), "--workers", "2", "--quiet", "--into"]
    subprocess.run([*command, str(tmp_path / "calm")], check=True, capture_output=True)
    for wait in (4.0, 6.0):
        batch = subprocess.Popen([*command, str(tmp_path / "killed")], stderr=subprocess.DEVNULL)
        time.sleep(wait)
        batch.kill()
        batch.wait()
        time.sleep(1.5)
    subprocess.run([*command, str(tmp_path / "killed")], check=True, capture_output=True)
    calm, killed = (
        (tmp_path / name / "table.csv").read_text().replace(f"/{name}/", "/") for name in ("calm", "killed")
    )
    assert calm == killed


@pytest.mark.slow
def test_a_cluster_gives_the_same_table_as_a_pool(chained: Case, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="pip install 'fempslip[cluster]' to test batches on dask")
    with processes(2) as (pool, stop):
        together = fs.batch(chained, None, tmp_path / "pool", pool, stop=stop)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as local,
        cluster(local.scheduler_address) as (executor, stop),
    ):
        spread = fs.batch(chained, None, tmp_path / "dask", executor, stop=stop)
    assert together.pop("folder") != spread.pop("folder")
    assert together == spread
