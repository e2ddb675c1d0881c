"""Few of what `python -m benchmarks.reliability` tries in full, and the defects that it has found."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from laboratory import FILM, case_from

from benchmarks.reliability import hostile, judges, kills, numbers, rooms
from benchmarks.reliability.workers import FINE
from fempslip.case import load_text
from fempslip.contract import Failure, Mesh, Refusal
from fempslip.mesh import cache
from fempslip.run.running import solve
from fempslip.store import RunWriter, examined, open_run
from fempslip.tasks.evolve import stepper_of


class NoGuard:
    watching = False
    seen: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    """What a hostile file makes this process ask for is refused by the system before it harms others."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


# ---------------------------------------------------------------------------------------------- hostile content


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a small film."""
    folder = tmp_path_factory.mktemp("small")
    solve(load_text(hostile.FILM), folder / "whole", pictures=False)
    return folder / "whole"


@pytest.mark.parametrize("name", hostile.TEXTS)
def test_hostile_text_is_refused(name: str, tmp_path: Path) -> None:
    hostile.set_up(tmp_path)
    assert hostile.refused(tmp_path, name) == ""


@pytest.mark.parametrize("name", hostile.FILES)
def test_a_hostile_run_is_refused(name: str, small: Path, tmp_path: Path) -> None:
    assert hostile.refused_run(tmp_path, small, name) == ""


# ---------------------------------------------------------------------------------------------- spoilt files


@pytest.mark.parametrize("name", judges.JUDGES)
def test_spoilt_files_are_accepted_or_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    judge = judges.JUDGES[name](NoGuard())
    outcomes = [judge(seed) for seed in range(1, 60 if name == "runs" else 250)]
    assert [(seed + 1, o) for seed, o in enumerate(outcomes) if o[0] not in FINE] == []
    assert {outcome for outcome, _ in outcomes} == set(FINE)


def test_a_run_of_this_process_is_not_examined_and_a_copy_is_once(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(examined, "ask", lambda question: asked.append(question["folder"]))
    open_run(small)
    assert asked == []
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", small, copy], check=True)
    open_run(copy)
    open_run(copy)
    assert asked == [str(copy)]
    (copy / "summary.json").write_text("{}")
    open_run(copy)
    assert asked == [str(copy)] * 2


@pytest.mark.parametrize("act", ["import time; time.sleep(60)", "import os; os.abort()"])
def test_a_file_that_hangs_or_crashes_its_reader_is_refused(
    act: str, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", small, copy], check=True)
    examined._end()
    monkeypatch.setenv("FEMPSLIP_FILE_SECONDS", "0.5")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    monkeypatch.setattr(examined, "_started", lambda: subprocess.Popen([sys.executable, "-c", act], **pipes))
    with pytest.raises(Refusal, match="too long to read" if "sleep" in act else "reading it crashes"):
        open_run(copy)
    monkeypatch.undo()
    assert open_run(copy).status == "finished"


def test_a_mesh_that_was_changed_is_noticed(small: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", small, copy], check=True)
    with h5py.File(copy / "fields.vtkhdf", "r+") as file:
        file["fempslip/mesh/points"][0, 3] += 1e-3
    with pytest.raises(Refusal, match="not those that were written"):
        open_run(copy)


def test_times_that_do_not_follow_each_other_are_noticed(small: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", small, copy], check=True)
    with h5py.File(copy / "fields.vtkhdf", "r+") as file:
        file["VTKHDF/Steps/Values"][1] = np.inf
    with pytest.raises(Refusal, match="times of frames"):
        open_run(copy)


def test_a_grid_that_is_not_whole_is_noticed(small: Path, tmp_path: Path) -> None:
    """It opened, and a resume failed on the way."""
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", small, copy], check=True)
    with h5py.File(copy / "fields.vtkhdf", "r+") as file:
        del file["VTKHDF/NumberOfPoints"]
    with pytest.raises(Refusal, match="damaged"):
        open_run(copy)


def test_a_recipe_without_an_answer_does_not_undo_the_run(tmp_path: Path) -> None:
    """One frame in the measured time: no mean over whole crossings; the run was left without a summary."""
    changes = {"time.until": 3, "record.fields": 1, "measure.from": 2.9, "postprocess": ["flux_flow_field", "voltage"]}
    case = case_from(FILM, tmp_path, changes)
    with pytest.warns(UserWarning, match="no answer to 'flux_flow_field'"):
        run = solve(case, tmp_path / "run", pictures=False)
    assert run.status == "finished" and run.summary is not None
    assert "voltage" in run.summary["results"] and "needs two" in run.summary["unanswered"]["flux_flow_field"]


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    assert cache.digest("/dev/zero") == "/dev/zero"
    os.mkfifo(tmp_path / "pipe")
    assert cache.digest(str(tmp_path / "pipe")) == str(tmp_path / "pipe")


# ---------------------------------------------------------------------------------------------- NaN in the state


@pytest.mark.parametrize("kind", ["no screening", "circuit", "thermal noise, wire", "charged"])
def test_a_state_that_is_not_finite_is_noticed_by_the_next_step(kind: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        case = numbers.small(*numbers.STEPS[kind])
        problem = numbers.problem_of(case)
        whole = numbers.solved(case, problem, tmp_path / "whole", lambda stepper: stepper)
        found = {
            (name, age): numbers.tried(case, problem, tmp_path / "spoilt", name, age, whole)
            for name, age in numbers.arrays(stepper_of(problem))
        }
    assert {key: wrong for key, (_, wrong) in found.items() if wrong} == {}
    assert found["psi", 0][0] == "caught"


def test_a_phase_of_a_junction_that_is_not_finite_is_noticed(tmp_path: Path) -> None:
    assert numbers.lumped(tmp_path / "run") == ""


# ---------------------------------------------------------------------------------------------- room on the disk


def test_a_limit_of_the_size_of_a_file_is_a_plain_failure(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """HDF5 printed tracebacks of its own when the file could not be closed."""
    case = case_from(FILM, tmp_path, {"time.until": 4, "record.fields": 0.05, "measure.from": 1, "postprocess": []})
    whole = solve(case, tmp_path / "whole", pictures=False)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (whole.folder / "fields.vtkhdf").stat().st_size
    for share, kind in ((0.05, Refusal), (0.8, Failure)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(share * size), before[1]))
        try:
            with pytest.raises(kind, match="File too large|the disk is full"):
                solve(case, tmp_path / "run", pictures=False)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert not list((tmp_path / "run").glob("*.new"))
    assert "Traceback" not in capfd.readouterr().err
    assert open_run(tmp_path / "run").status in ("failed", "interrupted")


def test_what_a_killed_start_left_behind_is_no_run(tmp_path: Path) -> None:
    """Killed while the first file was written: the same command begins anew."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.lock").write_text("")
    (tmp_path / "run" / "fields.vtkhdf.new").write_bytes(b"\x89HDF")
    with RunWriter.create(tmp_path / "run", wire_mesh()) as writer:
        writer.finish({})
    assert open_run(tmp_path / "run").status == "finished" and not list((tmp_path / "run").glob("*.new"))


def wire_mesh() -> Mesh:
    x, cells = np.arange(3.0), np.array([[0, 1], [1, 2]])
    return Mesh(np.array([x, 0 * x, 0 * x]), cells, np.arange(3), {"wire": np.arange(2)}, {})


# ---------------------------------------------------------------------------------------------- kills, and others


def test_killed_at_a_write_and_gone_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the end it is the undisturbed run, bit for bit."""
    monkeypatch.setattr(kills, "PER_SERIES", 1)
    monkeypatch.setattr(kills, "RUNS", {"wire": kills.RUNS["wire"]})
    kills.ready_runs(tmp_path)
    assert list(kills.run_series(tmp_path, 1)) == ["at a write"]


@pytest.mark.slow
@pytest.mark.parametrize("trial", [rooms.second_process, rooms.same_moment, rooms.second_batch])
def test_two_at_one_place(trial: rooms.Trial, tmp_path: Path) -> None:
    import random

    (tmp_path / "runs").mkdir()
    kills.ready_runs(tmp_path / "runs")
    (tmp_path / "trial").mkdir()
    assert "refused" in trial(tmp_path / "trial", random.Random(1))
