"""Batches that choose their points: bisection of a result, which goes on where it was cut short."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from

import fempslip as fs
from fempslip.case import Case, load_text
from fempslip.case.sweep import Search
from fempslip.contract import Refusal
from fempslip.run.batch import batch
from fempslip.run.families import conclude
from fempslip.run.pool import processes

# V = sqrt(i^2 - 1) of an overdamped junction exceeds 0.2 from i = sqrt(1.04) = 1.0198 on.
JUNCTION = """
task: lumped
junction: {kind: rsj}
bias: {current: 1}
time: {until: 1000}
sweep:
  junction.temperature: [0, 0]
  search: {path: bias.current, from: 0.8, to: 1.2, within: 0.01, result: lumped.mean, above: 0.2}
postprocess: [lumped, critical_current]
"""
EDGE = np.sqrt(1.04)


@pytest.fixture
def junction(tmp_path: Path) -> Case:
    return case_from(JUNCTION.replace("  junction.temperature: [0, 0]\n", ""), tmp_path)


def solved(search: Search, edge: float) -> tuple[int, tuple[float, float]]:
    """How many points a search takes, and what it finds."""
    answers: dict[float, bool] = {}
    while (value := search.next(answers)) is not None:
        answers[value] = value > edge
    return len(answers), search.bracket(answers)


@pytest.mark.parametrize("edge", [0.8, 0.81, 1.0198, 1.1993])
def test_a_search_takes_no_more_points_than_it_says(edge: float) -> None:
    search = Search("bias.current", 0.8, 1.2, 0.01, "", "lumped.mean", 0.2)
    points, (low, high) = solved(search, edge)
    assert points <= search.most == 7
    assert low <= edge <= high and high - low <= 0.01 * (1 + 1e-9)


@pytest.mark.parametrize("edge, side", [(0.5, 0.8), (1.5, 1.2)])
def test_an_edge_outside_is_noticed_by_solving_the_end(edge: float, side: float) -> None:
    """Both sides of the last bracket have been solved, or one is an end whose answer is that of the inside."""
    answers: dict[float, bool] = {}
    search = Search("x", 0.8, 1.2, 0.01, "", "lumped.mean", 0.2)
    while (value := search.next(answers)) is not None:
        answers[value] = value > edge
    assert side in answers and len(set(answers.values())) == 1


def test_a_voltage_is_bracketed(junction: Case, tmp_path: Path) -> None:
    table = batch(junction, into=tmp_path / "batch")
    found = conclude(junction, table, tmp_path / "batch")["results"]["critical_current"]
    assert abs(found["value"] - EDGE) <= found["error"] <= 0.005 * (1 + 1e-9)
    assert len(table["status"]) <= 7 and set(table["status"]) == {"finished"}
    assert (tmp_path / "batch" / "critical_current.csv").read_text().splitlines()[1].startswith("1.02")


def test_it_goes_on_where_it_was_cut_short(junction: Case, tmp_path: Path) -> None:
    """Without its last two points the same call solves these again and no other, and gives the same table."""
    table = batch(junction, into=tmp_path / "batch")
    written = {folder: (Path(folder) / "summary.json").stat().st_mtime_ns for folder in table["folder"]}
    for folder in table["folder"][-2:]:
        shutil.rmtree(folder)
    assert batch(junction, into=tmp_path / "batch") == table
    again = {folder: (Path(folder) / "summary.json").stat().st_mtime_ns for folder in table["folder"]}
    assert [folder for folder in written if written[folder] != again[folder]] == table["folder"][-2:]


def test_another_case_is_not_mixed_in(junction: Case, tmp_path: Path) -> None:
    batch(junction, into=tmp_path / "batch")
    with pytest.raises(Refusal, match="changed since"):
        batch(junction.vary({"time.until": 1100}), into=tmp_path / "batch")


@pytest.mark.slow
def test_a_pool_searches_at_every_other_value(junction: Case, tmp_path: Path) -> None:
    """Two searches side by side give what they give one after the other, whatever the time that is measured."""
    sweep = {"time.until": [1000, 1200], "search": {**search_of(junction), "within": 0.02}}
    case = junction.vary({"sweep": sweep})
    with processes(2) as (pool, stop):
        together = batch(case, into=tmp_path / "pool", executor=pool, stop=stop)
    alone = fs.batch(case, into=tmp_path / "alone")
    assert {**together, "folder": None} == {**alone, "folder": None}
    found = conclude(case, alone, tmp_path / "alone")["results"]["critical_current"]
    assert all(abs(part["value"] - EDGE) <= part["error"] for part in (found["1"], found["2"]))


def search_of(case: Case) -> dict[str, object]:
    assert case.sweep is not None and case.sweep.search is not None
    s = case.sweep.search
    return {"path": s.path, "from": s.low, "to": s.high, "within": s.within, "result": s.result, "above": s.above}


def test_a_point_that_fails_ends_its_search(tmp_path: Path) -> None:
    text = """
geometry: wire
time: {until: 20 tau, tolerance: 1e-15, dt_min: 1e-4}
measure: {between: [begin, end]}
contacts: {source: bank, drain: bank}
drive: {current: {from: source, to: drain, density: 0.1}}
mesh: {size: 0.2}
sweep: {search: {path: drive.current.density, from: 0.1, to: 0.4, within: 0.01}}
postprocess: [voltage]
"""
    with pytest.warns(UserWarning):
        table = batch(case_from(text, tmp_path), into=tmp_path / "batch")
    assert table["status"] == ["failed"] and "dt_min" in str(table["failure"][0])


@pytest.mark.parametrize(
    "search, words",
    [
        ("{path: bias.current, from: 1, to: 2}", "path, from, to and within"),
        ("{path: bias.current, from: 2, to: 1, within: 0.1}", "from (2) must be below to (1)"),
        ("{path: bias.current, from: 1, to: 2, within: 0}", "within must be positive"),
        ("{path: bias.current, from: 1, to: 2, within: 3}", "no more than 1"),
        ("{path: bias.current, from: 1, to: 2, within: 1 uA}", "the same unit"),
        ("{path: bias.current, from: 1, to: 2, within: 0.1, above: -1}", "above"),
        ("{path: bias.current, from: 1, to: 2, within: 0.1, result: mean}", "recipe.result"),
        ("{path: time.until, from: 1, to: 2, within: 0.1}", "not swept otherwise"),
    ],
)
def test_a_search_that_cannot_be(search: str, words: str) -> None:
    text = JUNCTION.split("sweep:")[0] + f"sweep:\n  time.until: [1, 2]\n  search: {search}\n"
    with pytest.raises(Refusal) as refused:
        load_text(text)
    assert words in str(refused.value) and "^" in str(refused.value)


def test_a_result_that_no_recipe_gives(junction: Case, tmp_path: Path) -> None:
    case = junction.vary({"sweep": {"search": {**search_of(junction), "result": "voltage.mean"}}})
    with pytest.raises(Refusal, match="postprocess must have the recipe 'voltage'"):
        batch(case, into=tmp_path / "batch")
