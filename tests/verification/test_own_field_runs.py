"""Stored runs with a field of their own: resumed, watched, searched afterwards, and gone on from their frames."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from laboratory import FILM, case_from, same

import fempslip as fs
from fempslip.case import Case
from fempslip.contract import Refusal
from fempslip.mesh.operators import operators
from fempslip.run import compiling
from fempslip.run.afterwards import followed
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


# ------------------------------------------------------------------------------------------- what frames hold


def test_another_ledger_is_made_of_frames(watched: tuple[Case, Run]) -> None:
    """Any two places: both sides agree to 1e-9 at every frame; for the measured pair the impulse is the loop's."""
    _, run = watched
    for second in ("b", (0.0, 2.0)):
        found = fs.ledger(run, "a", second)
        assert max(np.abs(table["residual"]).max() for table in found.values()) < 1e-9
    voltage = run.table("voltage")
    at = np.searchsorted(voltage["t"], run.times[1:] * (1 - 1e-12))
    made = fs.ledger(run, "a", "b")["direct"]["impulse"][1:]
    np.testing.assert_allclose(made, voltage["a|b impulse"][at], atol=1e-9)


@pytest.mark.filterwarnings("ignore::fempslip.run.afterwards.SampledTracks")
def test_zeros_over_frames_are_those_of_the_loop(watched: tuple[Case, Run]) -> None:
    """Count, winding and place to rounding at every frame, under maxwell and pearl; recipes that read them answer."""
    _, run = watched
    seen, made = run.table("zeros"), followed(run).table("zeros")
    met = 0
    for t in run.times[1:]:
        one, other = ({c: table[c][table["t"] == t] for c in ("x", "y", "winding")} for table in (seen, made))
        met += one["x"].size
        for column, values in one.items():
            np.testing.assert_allclose(np.sort(values), np.sort(other[column]), atol=1e-9)
    assert met > 10
    answer = post(run.folder, ["flux_flow_field", "body_slips"])
    assert abs(answer["body_slips"]["ledger"]) >= 1 and np.isfinite(answer["flux_flow_field"]["pairs"])


# ------------------------------------------------------------------------------------------- starts from frames

# A disk in which two vortices settle.
SETTLING = """
geometry: {dimension: 2, regions: {film: {disk: {radius: 4}}}}
material: {lambda: 1, gamma: 1}
drive: {field: 0.6}
start: {vortices: [{at: [1.5, 0]}, {at: [-1, 0.5]}]}
mesh: {size: 0.6}
time: {until: 40 tau}
record: {fields: every 10 tau}
postprocess: [zeros]
"""
MODELS: dict[str, dict[str, object]] = {
    "none": {"material.lambda": None},
    "maxwell": {"material.lambda": 5, "model.screening": "maxwell"},
    "pearl": {"material.thickness": 1, "model.screening": "pearl"},
}
coarse = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")


@pytest.fixture(scope="module")
def settling(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder, found = tmp_path_factory.mktemp("settling"), {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, changes in MODELS.items():
            found[name] = solve(case_from(SETTLING, folder, changes), folder / name, pictures=False)
    return found


def went_on(run: Run, screening: str, folder: Path, **changes: object) -> Run:
    start = {"start": {"run": str(run.folder), "frame": 2}, "time.until": 20} | changes
    return solve(case_from(SETTLING, folder, MODELS[screening] | start), folder / "on", pictures=False)


@coarse
@pytest.mark.parametrize("screening", OWN)
def test_a_frame_is_gone_on_from_as_it_was(settling: dict[str, Run], tmp_path: Path, screening: str) -> None:
    """The first frame is the frame of t = 20 tau (psi, a, E: to rounding; what is shown: to that of single precision),
    and the course afterwards that without a break: |psi| to 1e-3 in 20 tau, energies to 1e-4."""
    whole = settling[screening]
    again = went_on(whole, screening, tmp_path)
    one, other = whole.frame(2), again.frame(0)
    for name in ("psi_abs", "supercurrent", *(["induction"] if screening == "maxwell" else [])):
        assert np.abs(one[name] - other[name]).max() < 1e-6, name
    i, j = operators(whole.mesh).edges
    phase = [
        whole.frame(2).get("chi", np.zeros(whole.mesh.nodes)),
        again.frame(0).get("chi", np.zeros(whole.mesh.nodes)),
    ]
    a = [run.on_edges(k)["a"] - (chi[j] - chi[i]) for run, k, chi in zip((whole, again), (2, 0), phase, strict=True)]
    assert np.abs(a[0] - a[1]).max() < 1e-12
    e = [run.on_edges(k)["e"] for run, k in ((whole, 2), (again, 0))]
    assert np.abs(e[0] - e[1]).max() < (1e-15 if screening == "maxwell" else 2e-2 * np.abs(e[0]).max())
    moved = np.abs(whole.frame(2)["psi_abs"] - whole.frame(4)["psi_abs"]).max()
    end = np.abs(again.frame(-1)["psi_abs"] - whole.frame(4)["psi_abs"]).max()
    assert end < 1e-3 and moved > 10 * end
    for t in (0.5, 10.0, 20.0):
        energy = [
            np.interp(t + at, *(run.table("series")[c] for c in ("t", "energy")))
            for run, at in ((whole, 20), (again, 0))
        ]
        assert energy[1] == pytest.approx(energy[0], rel=1e-4)


@coarse
@pytest.mark.parametrize("source, target", [(a, b) for a in MODELS for b in MODELS if a != b])
def test_a_frame_of_another_screening_keeps_its_vortices(
    settling: dict[str, Run], tmp_path: Path, source: str, target: str
) -> None:
    """|psi| is that of the frame, and the zeros are where they were; F then only falls, in a constant field."""
    run = settling[source]
    again = went_on(run, target, tmp_path, **{"time.until": 10})
    assert np.abs(run.frame(2)["psi_abs"] - again.frame(0)["psi_abs"]).max() < 1e-6
    seen, later = run.table("zeros"), again.table("zeros")
    at = seen["t"] == 20
    assert at.sum() >= 2
    for column in ("x", "y", "winding"):
        np.testing.assert_allclose(np.sort(seen[column][at]), np.sort(later[column][later["t"] == 0]), atol=0.3)
    energy = again.table("series")["energy"]
    assert np.diff(energy)[1:].max() < 1e-5 * abs(energy).max()


@coarse
def test_a_chain_under_maxwell_goes_on_from_point_to_point(tmp_path: Path) -> None:
    """The field is raised in steps: B inside stays what it was at the moment of a step."""
    sweep = {"sweep": {"drive.field": [0.2, 0.3], "chain": "drive.field"}, "time.until": 20, "postprocess": []}
    table = fs.batch(case_from(SETTLING, tmp_path, MODELS["maxwell"] | sweep), into=tmp_path / "family")
    assert table["status"] == ["finished"] * 2
    first, second = (open_run(folder) for folder in table["folder"])
    np.testing.assert_array_equal(first.on_edges(-1)["a"], second.on_edges(0)["a"])
    assert second.frame(-1)["induction"][:, 2].mean() > 1.2 * first.frame(-1)["induction"][:, 2].mean()


def test_a_frame_without_its_potential_starts_nothing(
    settling: dict[str, Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "open_run", lambda folder: replace(open_run(folder), edges=()))
    with pytest.raises(Refusal, match=r"vector potential of its own .screening: maxwell.*do not hold"):
        went_on(settling["maxwell"], "maxwell", tmp_path)
    with pytest.raises(Refusal, match="do not hold the links.*screening: maxwell.*before the run"):
        fs.track(replace(settling["maxwell"], edges=()))
    assert not (tmp_path / "on").exists()


def test_a_charged_condensate_goes_on_to_rounding(tmp_path: Path) -> None:
    """Its step has no memory: 1 + 1 tau are 2 tau, to 1e-12."""
    text = """
    geometry:
      dimension: 2
      regions: {film: {rectangle: {size: [10 xi, 6 xi], center: [0, 0]}}}
    model: {dynamics: charged}
    material: {plasma_frequency: 1, lambda: 2}
    start: {kick: {waves: 2}}
    mesh: {size: 0.5 xi}
    time: {until: 2 tau}
    record: {fields: every 1 tau}
    """
    case = case_from(text, tmp_path)
    whole = solve(case, tmp_path / "whole", pictures=False)
    start = {"start": {"run": str(whole.folder), "frame": 1}, "time.until": 1}
    again = solve(case.vary(start), tmp_path / "again", pictures=False)
    assert np.abs(whole.frame(0)["psi_im"] - whole.frame(2)["psi_im"]).max() > 1e-5
    for name in ("psi_re", "psi_im"):
        np.testing.assert_allclose(again.frame(-1)[name], whole.frame(-1)[name], rtol=0, atol=1e-12)
    for name in ("a", "e"):
        np.testing.assert_allclose(again.on_edges(-1)[name], whole.on_edges(-1)[name], rtol=0, atol=1e-12)


@coarse
def test_a_body_goes_on_with_the_vacuum_around_it(tmp_path: Path) -> None:
    """Frames hold a of the body; the vacuum's follows from it, so that the energy begins as it ended, to 1e-6."""
    text = """
    geometry: {dimension: 3, regions: {body: {box: {size: [4 xi, 4 xi, 2 xi], center: [0, 0, 0]}}}}
    material: {gamma: 0, lambda: 2}
    model: {screening: maxwell}
    drive: {field: [0, 0, {ramp: {from: 0.2, to: 0.4, over: 2 tau}}]}
    mesh: {size: 0.8 xi}
    time: {until: 3 tau}
    record: {fields: every 1 tau}
    """
    case = case_from(text, tmp_path)
    whole = solve(case, tmp_path / "whole", pictures=False)
    still = {"drive.field": [0, 0, 0.4], "start": {"run": str(whole.folder), "frame": 2}, "time.until": 1}
    again = solve(case.vary(still), tmp_path / "again", pictures=False)
    for name in ("a", "e"):
        np.testing.assert_array_equal(whole.on_edges(2)[name], again.on_edges(0)[name])
    before, after = (np.stack([run.table("series")[c] for c in ("t", "energy")]) for run in (whole, again))
    assert after[1][0] == pytest.approx(np.interp(2.0 + after[0][0], *before), rel=1e-6)
    assert after[1][-1] == pytest.approx(before[1][-1], rel=1e-4)
    assert before[1][-1] != pytest.approx(np.interp(2.0, *before), rel=1e-3)


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
