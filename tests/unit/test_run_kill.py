"""A run killed with SIGKILL at any moment opens, shows every committed step, and goes on to the same numbers."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from laboratory import FILM, case_from, same

from fempslip import cli
from fempslip.contract import Refusal
from fempslip.run.running import resume, solve
from fempslip.store import Run, open_run

LONG = {"time.until": 600, "time.tolerance": 1e-5, "measure.from": 100, "mesh.size": 0.35}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run that nobody disturbs; its folder holds the case too."""
    folder = tmp_path_factory.mktemp("whole")
    return solve(case_from(FILM, folder, LONG), folder / "run", pictures=False)


def started(whole: Run, folder: Path, *more: str) -> subprocess.Popen[bytes]:
    """A process that solves the same case into folder, or goes on with what is there;  more : words of the command."""
    words = ["--resume", folder] if folder.exists() else [whole.folder / "case.yaml", "--into", folder]
    command = [sys.executable, "-m", "fempslip.cli", "run", *map(str, words), "--quiet", "--no-pictures", *more]
    return subprocess.Popen(command)


def marching(folder: Path, child: subprocess.Popen[bytes], before: bytes = b"") -> None:
    """Wait until the process has written a checkpoint that was not there before, or has ended."""
    marker = folder / "checkpoint.npz"
    while child.poll() is None and not (marker.exists() and marker.read_bytes() != before):
        time.sleep(0.005)


def killed(whole: Run, folder: Path, pause: float, early: bool) -> int:
    """Solve for a moment and kill; returns the exit code (0: it had come to its end)."""
    child = started(whole, folder)
    if early:  # anywhere from the first file of the run on
        while child.poll() is None and not (folder / "fields.vtkhdf").exists():
            time.sleep(0.002)
    else:
        marker = folder / "checkpoint.npz"
        marching(folder, child, marker.read_bytes() if marker.exists() else b"")
    time.sleep(pause)
    child.kill()
    return child.wait()


def opened(folder: Path) -> Run:
    run = open_run(folder)
    assert run.status == "interrupted" and run.summary is None
    return run


def shows_what_was_committed(run: Run, whole: Run) -> int:
    """Every row and frame that the killed run shows is one of the undisturbed run; returns the number of steps."""
    if not run.committed:
        return 0
    step = int(run.checkpoint()["counts"][0])
    assert len(run.table("series")["t"]) == step
    for name in run.tables:
        for column, values in run.table(name).items():
            np.testing.assert_array_equal(values, whole.table(name)[column][: len(values)], err_msg=f"{name}.{column}")
    np.testing.assert_array_equal(run.times, whole.times[: len(run.times)])
    if len(run.times):
        last = len(run.times) - 1
        np.testing.assert_array_equal(run.frame(last)["psi_re"], whole.frame(last)["psi_re"])
    return step


def disturbed(whole: Run, folder: Path, kills: int, seed: int) -> list[int]:
    """Kill the run again and again and let it end; returns the steps that each kill left."""
    chance, left = random.Random(seed), []
    for k in range(kills):
        if killed(whole, folder, chance.uniform(0.0, 0.5), early=k == 0) == 0:
            break
        left.append(shows_what_was_committed(opened(folder), whole))
    same(whole, resume(folder, pictures=False))
    return left


def test_killed_and_resumed_equals_undisturbed(whole: Run, tmp_path: Path) -> None:
    left = disturbed(whole, tmp_path / "run", kills=4, seed=11)
    assert left == sorted(left) and left[-1] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_killed_many_times(whole: Run, tmp_path: Path, seed: int) -> None:
    assert disturbed(whole, tmp_path / "run", kills=12, seed=seed)


def test_a_run_in_use_is_left_alone(whole: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    child = started(whole, folder, "--until", "60000 tau")  # it does not end by itself
    marching(folder, child)
    try:
        assert open_run(folder).status == "running"
        for words in (["--resume", str(folder)], [str(whole.folder / "case.yaml"), "--into", str(folder)]):
            assert cli.main(["run", *words, "--quiet", "--no-pictures"]) == 2
            assert f"is being written by another process (pid {child.pid})" in capsys.readouterr().err
        with pytest.raises(Refusal, match="another process"):
            resume(folder, pictures=False)
    finally:
        child.send_signal(signal.SIGINT)
        assert child.wait() == 130
    assert open_run(folder).status == "stopped"  # it went on undisturbed until it was asked to stop


def test_killed_before_anything_was_computed(whole: Run, tmp_path: Path) -> None:
    """As after a kill between the first files: there is a mesh and no checkpoint, and the case is in the fields."""
    folder = tmp_path / "run"
    child = started(whole, folder)
    while child.poll() is None and not (folder / "fields.vtkhdf").exists():
        time.sleep(0.001)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    for name in ("case.yaml", "checkpoint.npz"):
        (folder / name).unlink(missing_ok=True)
    run = resume(folder, until="600 tau", pictures=False)
    same(whole, run)
    assert (folder / "case.yaml").is_file()
