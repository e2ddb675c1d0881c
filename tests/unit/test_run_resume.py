"""A stopped run goes on to the same numbers, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fempslip.case import Case, load
from fempslip.contract import Refusal
from fempslip.run.running import resume, solve
from fempslip.store import Run, open_run

FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [10 xi, 6 xi], center: [0, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
  probes: {a: [-3, 0], b: [3, 0]}
material: {u: 5.79, gamma: 10}
drive:
  field: {ramp: {from: 0, to: 0.4, over: 5 tau}}
  current: {from: source, to: drain, density: 0.2}
mesh: {size: 0.6 xi}
time: {until: 30 tau}
measure: {from: 10 tau, between: [a, b]}
record: {fields: every 1 tau}
postprocess: [voltage, zeros, josephson_residual, vortex_tracks, voltage_ledger]
"""


class Stop:
    """A progress that interrupts once the march has come so far, as Ctrl-C would."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self, fraction: float, text: str) -> None:
        if fraction > self.at:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Case:
    path = tmp_path_factory.mktemp("film") / "film.yaml"
    path.write_text(FILM, encoding="utf-8")
    return load(path)


@pytest.fixture(scope="module")
def whole(film: Case, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return solve(film, tmp_path_factory.mktemp("runs") / "whole", pictures=False)


def same(one: Run, other: Run) -> None:
    """Equal in every table, frame and array of the last checkpoint."""
    assert one.tables == other.tables
    for name in one.tables:
        for column, values in one.table(name).items():
            np.testing.assert_array_equal(values, other.table(name)[column], err_msg=f"{name}.{column}")
    np.testing.assert_array_equal(one.times, other.times)
    for name, values in one.frame(-1).items():
        np.testing.assert_array_equal(values, other.frame(-1)[name], err_msg=name)
    last, other_last = one.checkpoint(), other.checkpoint()
    for name, values in last.items():
        np.testing.assert_array_equal(values, other_last[name], err_msg=name)


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
