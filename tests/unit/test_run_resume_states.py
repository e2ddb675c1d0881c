"""A task that asks for states, cut short: what it had found is kept and not looked for again; else it says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from

from fempslip.case import Case
from fempslip.contract import Refusal
from fempslip.run.answering import Again
from fempslip.run.running import resume, solve
from fempslip.store import Run, RunWriter, open_run
from fempslip.tasks import barrier, relax

DISK = """
task: relax
geometry: {use: disk, radius: 3 xi}
drive: {field: 0.8 Bc2}
search: {vorticity: [0, 4]}
follow: {parameter: field, from: 0.7, to: 0.9, step: 0.1, limit: false}
mesh: {size: 0.6 xi}
"""
WIRE = """
task: barrier
geometry: {use: ring, radius: 5 xi}
bias: {current: 0.1}
mesh: {size: 0.25 xi}
"""
NUCLEUS = """
task: nucleation
geometry: {use: disk, radius: 1 xi}
mesh: {size: 0.1 xi}
"""


class Stop:
    """A progress that interrupts at the first word of so many, as Ctrl-C would."""

    def __init__(self, word: str, at: int = 1) -> None:
        self.word, self.at, self.seen = word, at, []

    def __call__(self, fraction: float, text: str) -> None:
        if text.startswith(self.word):
            self.seen.append(text)
            if len(self.seen) >= self.at:
                raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checkpoints wherever a task may write one; runs of this size are over before one is due."""
    monkeypatch.setattr(RunWriter, "due", lambda self: True)


def cut(case: Case, folder: Path, stop: Stop) -> Run:
    with pytest.raises(KeyboardInterrupt):
        solve(case, folder, stop, pictures=False)
    run = open_run(folder)
    assert run.status == "stopped"
    return run


def alike(one: Run, other: Run) -> None:
    """Equal in every number."""
    assert one.summary["results"] == other.summary["results"]
    assert set(one.tables) == set(other.tables)
    for name in one.tables:
        for column, values in one.table(name).items():
            np.testing.assert_array_equal(values, other.table(name)[column], err_msg=f"{name}.{column}")
    np.testing.assert_array_equal(one.times, other.times)
    for k in range(len(one.times)):
        for name, values in one.frame(k).items():
            np.testing.assert_array_equal(values, other.frame(k)[name], err_msg=name)


@pytest.mark.parametrize(("stop", "kept", "rest"), [(Stop("start 4 of 5"), 3, 2), (Stop("state 2"), 5, 0)])
def test_relax_goes_on_with_the_starts_that_are_left(tmp_path, monkeypatch, stop, kept, rest):
    """Cut in the search and in the sweep: the states of the checkpoint, and then every number of the unbroken run."""
    case = case_from(DISK, tmp_path)
    whole = solve(case, tmp_path / "whole", pictures=False)
    arrays = cut(case, tmp_path / "cut", stop).checkpoint()
    assert arrays["starts"][0] == kept
    assert arrays["states.psi"].shape[1] == whole.mesh.nodes
    looked, search = [], relax.Search.minimum
    monkeypatch.setattr(relax.Search, "minimum", lambda self, *a, **k: looked.append(1) or search(self, *a, **k))
    again = resume(tmp_path / "cut", pictures=False)
    assert len(looked) == rest
    alike(whole, again)


def test_barrier_goes_on_with_its_string(tmp_path, monkeypatch):
    """Cut after 12 rounds: few more are needed, to the same saddle."""
    case = case_from(WIRE, tmp_path)
    whole = solve(case, tmp_path / "whole", pictures=False)
    arrays = cut(case, tmp_path / "cut", Stop("string", 12)).checkpoint()
    assert arrays["string.psi"].shape == (21, whole.mesh.nodes) and arrays["string.cut"][0]
    monkeypatch.setattr(barrier.Barrier, "way", lambda *_: pytest.fail("the first path is made again"))
    again = resume(tmp_path / "cut", pictures=False)
    ours, theirs = again.summary["results"]["barrier"], whole.summary["results"]["barrier"]
    assert ours["forward"] == pytest.approx(theirs["forward"], rel=1e-8)
    assert ours["rounds"] < theirs["rounds"] - 6
    assert len(again.times) == len(whole.times) and again.table("string")["image"].size == 21


def test_a_task_that_keeps_nothing_says_that_it_begins_again(tmp_path):
    case = case_from(NUCLEUS, tmp_path)
    cut(case, tmp_path / "cut", Stop("B =", 3))
    with pytest.warns(Again, match="task nucleation begins again"):
        again = resume(tmp_path / "cut", pictures=False)
    assert again.status == "finished"
    whole = solve(case, tmp_path / "whole", pictures=False)
    alike(whole, again)


def test_a_finished_one_has_nothing_to_go_on_in(tmp_path):
    solve(case_from(NUCLEUS, tmp_path), tmp_path / "run", pictures=False)
    for until in (None, "3 tau"):
        with pytest.raises(Refusal, match="task nucleation, which has no time to go on in"):
            resume(tmp_path / "run", until=until, pictures=False)
    assert open_run(tmp_path / "run").status == "finished"
