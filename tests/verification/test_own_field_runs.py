"""Stored runs with a field of their own: resumed, watched, and what their frames do not hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from laboratory import FILM, case_from, same

import fempslip as fs
from fempslip.case import Case
from fempslip.contract import Array, Refusal
from fempslip.run.recipes import post
from fempslip.run.running import resume, solve
from fempslip.store import Run, open_run

# FILM with a field of its own, kappa = 2 and Lambda = 4 xi, that vortices enter, driven across by the current.
STRONG: dict[str, object] = {
    "material.lambda": "40 nm",
    "material.gamma": 1,
    "drive.field": {"ramp": {"from": 0, "to": 0.7, "over": "5 tau"}},
    "drive.current.density": 0.3,
}
OWN: dict[str, dict[str, object]] = {
    "maxwell": STRONG | {"model.screening": "maxwell", "material.thickness": None},
    "pearl": STRONG | {"model.screening": "pearl"},
}
SHORT: dict[str, object] = {"time.until": 4, "measure.from": 2, "drive.field": 0.2, "postprocess": ["voltage"]}


@pytest.fixture(scope="module", params=OWN)
def watched(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Case, Run]:
    folder = tmp_path_factory.mktemp(request.param)
    case = case_from(FILM, folder, OWN[request.param])
    return case, solve(case, folder / "run", pictures=False)


def test_both_sides_of_the_voltage_agree(watched: tuple[Case, Run]) -> None:
    """int V dt = 2 pi crossings + phase + nodes along every path at every step, while vortices cross: 1e-9."""
    _, run = watched
    ledger = run.table("ledger")
    assert np.abs(ledger["residual"]).max() < 1e-9
    assert np.abs(ledger["crossings"]).max() >= 1
    assert run.summary is not None
    assert run.summary["results"]["vortex_tracks"]["entries"] > 2
    assert set(fs.track(run)) >= {"t", "id", "x", "y", "winding", "vx"}


def test_a_stopped_run_goes_on_bit_for_bit(watched: tuple[Case, Run], tmp_path: Path) -> None:
    case, whole = watched

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(case, tmp_path / "cut", stop, pictures=False)
    cut = open_run(tmp_path / "cut")
    assert cut.summary is not None and cut.summary["status"] == "stopped"
    same(whole, resume(tmp_path / "cut", pictures=False))


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs that nobody watched."""
    folder, found = tmp_path_factory.mktemp("short"), {}
    for name in ("none", *OWN):
        case = case_from(FILM, folder, OWN.get(name, {}) | SHORT)
        found[name] = solve(case, folder / name, pictures=False)
    return found


@pytest.mark.parametrize("screening", OWN)
def test_zeros_are_not_searched_in_frames(short: dict[str, Run], screening: str) -> None:
    words = rf"do not hold the links.*screening: {screening}.*before the run.*vortex_tracks"
    with pytest.raises(Refusal, match=words):
        fs.track(short[screening])
    with pytest.raises(Refusal, match=words):
        post(short[screening].folder, ["vortex_tracks"])
    with pytest.raises(Refusal, match="were not watched"):
        fs.ledger(short[screening], "a", "b")


def test_another_ledger_is_not_made_of_frames(watched: tuple[Case, Run]) -> None:
    with pytest.raises(Refusal, match="do not hold the links.*before the run"):
        fs.ledger(watched[1], "a", (0.0, 2.0))


@pytest.mark.parametrize("screening", OWN)
def test_a_recipe_that_reads_links_of_frames_is_refused_before_the_run(tmp_path: Path, screening: str) -> None:
    for recipe in ("flux_flow_field", "body_slips"):
        case = case_from(FILM, tmp_path, OWN[screening] | {"postprocess": [recipe]})
        with pytest.raises(Refusal, match=f"'{recipe}' needs .*screening: none"):
            solve(case, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "source, screening, words",
    [
        ("maxwell", "maxwell", "was solved with a vector potential of its own"),
        ("maxwell", "none", "was solved with a vector potential of its own"),
        ("none", "maxwell", "to be solved with a vector potential of its own"),
        ("pearl", "maxwell", "to be solved with a vector potential of its own"),
        ("pearl", "none", "solved under screening: pearl"),
    ],
)
def test_a_frame_without_its_potential_starts_nothing(
    short: dict[str, Run], tmp_path: Path, source: str, screening: str, words: str
) -> None:
    start = {"start": {"run": str(short[source].folder)}}
    with pytest.raises(Refusal, match=f"{words}(?s:.*)start="):
        solve(case_from(FILM, tmp_path, OWN.get(screening, {}) | SHORT | start), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_charged_condensate_does_not_start_from_frames(tmp_path: Path) -> None:
    text = """
    geometry:
      dimension: 2
      regions: {film: {rectangle: {size: [10 xi, 6 xi], center: [0, 0]}}}
    model: {dynamics: charged}
    material: {plasma_frequency: 1, lambda: 2}
    mesh: {size: 0.5 xi}
    time: {until: 1 tau}
    """
    case = case_from(text, tmp_path)
    first = solve(case, tmp_path / "first", pictures=False)
    with pytest.raises(Refusal, match="vector potential of its own .dynamics: charged"):
        solve(case.vary({"start": {"run": str(first.folder)}}), tmp_path / "second")


def test_a_chain_needs_frames_that_can_be_started_from(tmp_path: Path) -> None:
    sweep = {"sweep": {"drive.current.density": [0.1, 0.2], "chain": "drive.current.density"}}
    with pytest.raises(Refusal, match="chain.*screening: maxwell"):
        case_from(FILM, tmp_path, OWN["maxwell"] | sweep)


def test_zeros_of_a_london_state_are_refused(tmp_path: Path) -> None:
    text = """
    task: london
    geometry: {dimension: 2, regions: {film: {rectangle: {size: [10 xi, 6 xi], center: [0, 0]}}}}
    material: {lambda: 2}
    model: {screening: maxwell}
    drive: {field: 0.1}
    mesh: {size: 0.5 xi}
    """
    run = solve(case_from(text, tmp_path), tmp_path / "run", pictures=False)
    with pytest.raises(Refusal, match="field of their own.*start.vortices"):
        fs.track(run)


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_a_pearl_film_starts_where_another_was(tmp_path: Path) -> None:
    """Frames hold psi in the gauge of the whole field and not the field, which psi's links tell again.

    A Meissner state at rest (Lambda = 1, radius 4) started from its last frame, or from one without screening, ends
    with the same energy and moment, to 1e-4; from its own frame it begins with them, to 1e-3, the currents of the start
    being linear in the phases of links.  With vortices that still settle,
    started from the frame of t = 150: the same zeros, to 0.05 xi within their cells (0.6 xi), energies as without a
    break, to 1e-3; normal currents begin at zero, so the moment, which changes by 2 %, comes to 2e-3 in 10 tau.
    """
    text = """
    geometry: {dimension: 2, regions: {film: {disk: {radius: 4}}}}
    material: {lambda: 1, thickness: 1, gamma: 1}
    model: {screening: pearl}
    drive: {field: 0.7}
    mesh: {size: 0.6}
    time: {until: 170 tau}
    record: {fields: every 10 tau}
    postprocess: [moment, zeros]
    """
    case = case_from(text, tmp_path)
    whole = solve(case, tmp_path / "whole", pictures=False)
    start = {"start": {"run": str(whole.folder), "frame": 15}, "time.until": 20}
    again = solve(case.vary(start), tmp_path / "again", pictures=False)
    count, later = whole.table("zeros"), again.table("zeros")
    for place in ("x", "y", "winding"):
        one, other = count[place][count["t"] == 150], later[place][later["t"] == 0]
        assert one.size >= 2 and one == pytest.approx(other, abs=0.05)
    apart = {name: np.abs(course(again, name, 0.0) / course(whole, name, 150.0) - 1) for name in ("energy", "mz")}
    assert apart["energy"].max() < 1e-3
    assert apart["mz"][1:].max() < 2e-3

    weak = case.vary({"drive.field": 0.1, "time.until": 40, "postprocess": ["moment"]})
    bare = solve(weak.vary({"model.screening": "none"}), tmp_path / "bare", pictures=False)
    wanted = solve(weak, tmp_path / "weak", pictures=False)
    for source in (wanted, bare):
        start = {"start": {"run": str(source.folder)}}
        found = solve(weak.vary(start), tmp_path / f"from_{source.folder.name}", pictures=False)
        for name in ("energy", "mz"):
            end = column(wanted, name)[-1]
            assert column(found, name)[-1] == pytest.approx(end, rel=1e-4)
            assert source is bare or column(found, name)[0] == pytest.approx(end, rel=1e-3)


def column(run: Run, name: str) -> Array:
    return run.table("series" if name == "energy" else "moment")[name]


def course(run: Run, name: str, start: float) -> Array:
    """Values 0.5, 10 and 20 tau after `start`."""
    return np.interp(start + np.array([0.5, 10, 20]), run.table("series")["t"], column(run, name))
