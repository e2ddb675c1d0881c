"""A stopped run goes on to the same numbers, bit for bit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from laboratory import FILM, case_from, same

from fempslip.case import Case
from fempslip.contract import Abandoned, Refusal
from fempslip.run.running import resume, solve
from fempslip.store import Run, open_run


class Stop:
    """A progress that interrupts once the march has come so far, as Ctrl-C would."""

    def __init__(self, at: float, cut: type[BaseException] = KeyboardInterrupt) -> None:
        self.at, self.cut = at, cut

    def __call__(self, fraction: float, text: str) -> None:
        if fraction > self.at:
            raise self.cut


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_from(FILM, tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def whole(film: Case, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return solve(film, tmp_path_factory.mktemp("runs") / "whole", pictures=False)


def test_stopped_and_resumed_equals_uninterrupted(film: Case, whole: Run, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    for at in (0.3, 0.7):
        with pytest.raises(KeyboardInterrupt):
            solve(film, folder, Stop(at), pictures=False) if at == 0.3 else resume(
                folder, progress=Stop(at), pictures=False
            )
        cut = open_run(folder)
        assert cut.summary is not None and cut.summary["status"] == "stopped"
        assert 0.2 * 30 < cut.table("series")["t"][-1] < 30
    same(whole, resume(folder, pictures=False))


def test_an_abandoned_step_is_computed_anew(film: Case, whole: Run, tmp_path: Path) -> None:
    """A second Ctrl-C comes anywhere, also in the midst of the watchers: what it tore is cut off by a resume."""
    with pytest.raises(Abandoned):
        solve(film, tmp_path / "torn", Stop(0.5, Abandoned), pictures=False)
    torn = open_run(tmp_path / "torn")
    assert torn.summary is not None and torn.summary["status"] == "stopped"
    assert "expect" not in torn.summary
    same(whole, resume(tmp_path / "torn", pictures=False))


def test_the_start_of_another_run_is_not_needed_again(film: Case, whole: Run, tmp_path: Path) -> None:
    shutil.copytree(whole.folder, tmp_path / "first")
    later = film.vary({"start": {"run": str(tmp_path / "first")}, "time.until": 2, "measure.from": 1})
    solve(later, tmp_path / "second", pictures=False)
    shutil.rmtree(tmp_path / "first")
    longer = resume(tmp_path / "second", until="3 tau", pictures=False)
    assert longer.summary is not None and longer.summary["status"] == "finished"


def test_a_finished_run_can_be_extended(film: Case, whole: Run, tmp_path: Path) -> None:
    short = film.vary({"time.until": 20, "record.fields": "every 1 tau"})
    solve(short, tmp_path / "short", pictures=False)
    longer = resume(tmp_path / "short", until="30 tau", pictures=False)
    assert longer.summary is not None and longer.summary["end_time_tau"] == 30.0
    # The clock landed on t = 20, a frame's time in both, so the steps are the same.
    same(whole, longer)


def test_an_earlier_end_is_refused(whole: Run) -> None:
    with pytest.raises(Refusal, match="already"):
        resume(whole.folder, until="15 tau", pictures=False)


def test_summary_holds_what_it_promises(whole: Run) -> None:
    summary = json.loads((whole.folder / "summary.json").read_text())
    assert {"status", "steps", "rejected_steps", "wall_seconds", "end_time_tau", "nodes", "expect", "results"} <= set(
        summary
    )
    assert {"mean", "error", "period", "slips", "si"} <= set(summary["results"]["voltage"])
    assert summary["steps"] == len(whole.table("series")["t"])


def test_a_run_folder_is_not_overwritten(film: Case, whole: Run) -> None:
    before = (whole.folder / "summary.json").read_bytes()
    with pytest.raises(Refusal):
        solve(film, whole.folder, pictures=False)
    assert (whole.folder / "summary.json").read_bytes() == before
