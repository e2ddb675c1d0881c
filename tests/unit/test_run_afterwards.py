"""What can be read off a stored run afterwards: ledgers of any two places, tracks over frames, shapes of lines."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from laboratory import WIRE_W, case_from

import fempslip as fs
from fempslip.cli import main, place
from fempslip.contract import Refusal
from fempslip.run.afterwards import SampledTracks, followed
from fempslip.run.recipes import post
from fempslip.run.running import resume, solve
from fempslip.store.zeros import contraction_of
from fempslip.topology.curves import curvature, described

FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [12 xi, 8 xi], center: [0, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
  probes: {a: [-3, 0], b: [3, 0]}
material: {u: 5.79, gamma: 1}
contacts: {source: normal, drain: normal}
drive: {field: {ramp: {from: 0.3, to: 0.4, over: 5 tau}}, current: {from: source, to: drain, density: 0.25}}
mesh: {size: 0.5 xi}
time: {until: 40 tau}
measure: {between: [a, b]}
"""
PLAIN = ["voltage"]
WATCHED = ["voltage", "vortex_tracks", "voltage_ledger"]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """A film whose zeros were watched, frames 0.5 tau0 apart."""
    folder = tmp_path_factory.mktemp("film")
    changes = {"record.fields": "every 0.5 tau", "postprocess": WATCHED, "time.until": "40 tau"}
    return solve(case_from(FILM, folder, changes), folder / "run", pictures=False)


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unwatched")
    changes = {"record.fields": "every 0.5 tau", "postprocess": PLAIN, "time.until": "40 tau"}
    return solve(case_from(FILM, folder, changes), folder / "run", pictures=False)


# ------------------------------------------------------------------------------------------- ledgers


def test_the_ledger_of_the_measured_pair_is_made_again_from_frames(film):
    """Paths, crossings and phases of the frames equal those that the loop booked; residual below 1e-9."""
    found = fs.ledger(film, "a", "b")
    voltage = film.table("voltage")
    at = np.searchsorted(voltage["t"], film.times[1:] * (1 - 1e-12))
    assert set(found) == {"direct", "detour", "spread"}
    for table in found.values():
        assert np.abs(table["residual"]).max() < 1e-9
        assert table["t"].size == film.times.size == 81
    assert found["direct"]["impulse"][1:] == pytest.approx(voltage["a|b impulse"][at], abs=1e-9)
    assert np.abs(found["direct"]["crossings"]).max() >= 2


def test_any_two_places_have_a_ledger(film):
    """Points, boundaries and probes, none of them measured: it closes, and paths differ by what they enclose."""
    for first, second in (((-2.2, 1.1), (2.9, -0.7)), ("source", "drain"), ("a", (0.0, 2.0))):
        found = fs.ledger(film, first, second)
        assert all(np.abs(table["residual"]).max() < 1e-9 for table in found.values())
        direct, detour = found["direct"], found["detour"]
        apart, flux = (direct[c] - detour[c] for c in ("crossings", "impulse"))
        phase = sum(direct[c] - detour[c] for c in ("phase", "nodes", "contact"))
        assert np.ptp(flux[film.times >= 5]) < 1e-9 < np.ptp(flux)  # the field between the paths rises until t = 5
        assert flux == pytest.approx(2 * np.pi * apart + phase, abs=1e-8)
    back = fs.ledger(film, (2.9, -0.7), (-2.2, 1.1))
    assert back["spread"]["impulse"][-1] == pytest.approx(
        -fs.ledger(film, (-2.2, 1.1), (2.9, -0.7))["spread"]["impulse"][-1]
    )


def test_the_command_line_gives_the_ledger_of_two_places(film, capsys):
    assert main(["post", str(film.folder), "--between", "a", "(2.9,-0.7)", "--quiet"]) == 0
    words = dict(line.split(" = ") for line in capsys.readouterr().out.splitlines())
    assert float(words["voltage_ledger.residual"]) < 1e-9
    assert float(words["voltage_ledger.direct.impulse"]) == pytest.approx(
        fs.ledger(film, "a", (2.9, -0.7))["direct"]["impulse"][-1]
    )
    assert place("(-5,0)") == [-5.0, 0.0] and place("upstream") == "upstream"


def test_places_that_are_not_there_are_refused(film, unwatched):
    with pytest.raises(Refusal, match="no probe or boundary 'c'; there are a, b"):
        fs.ledger(film, "a", "c")
    with pytest.raises(Refusal, match="outside the body"):
        fs.ledger(film, "a", (50.0, 0.0))
    with pytest.raises(Refusal, match="were not watched"):
        fs.ledger(unwatched, "a", "b")


def test_a_resumed_run_has_the_same_ledger(film, tmp_path):
    changes = {"record.fields": "every 0.5 tau", "postprocess": WATCHED, "time.until": "20 tau"}
    solve(case_from(FILM, tmp_path, changes), tmp_path / "run", pictures=False)
    again = resume(tmp_path / "run", until="40 tau", pictures=False)
    for path, table in fs.ledger(again, "a", (0.0, 2.0)).items():
        assert np.abs(table["residual"]).max() < 1e-9
        assert table["crossings"] == pytest.approx(fs.ledger(film, "a", (0.0, 2.0))[path]["crossings"], abs=1e-9)


# ------------------------------------------------------------------------------------------- tracks over frames


def test_tracks_over_frames_are_those_of_the_loop(film, unwatched):
    """Frames 0.5 tau0 apart: as many came, left and are there; no warning; the answer says what it is made of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SampledTracks)
        seen = followed(unwatched)
        answer = post(unwatched.folder, ["vortex_tracks", "voltage_ledger"])
    assert 0 < seen.largest < 0.8
    in_loop, by_frames = contraction_of(film), contraction_of(seen)
    for kind in ("entry", "exit"):
        assert in_loop.count(kind) == by_frames.count(kind) > 0
    assert answer["vortex_tracks"]["followed"] == "frames"
    assert film.summary["results"]["vortex_tracks"]["followed"] == "every step"
    assert answer["voltage_ledger"]["residual"] < 1e-9
    impulse = film.table("voltage")["a|b impulse"][-1]
    assert answer["voltage_ledger"]["a|b"]["direct"]["impulse"] == pytest.approx(impulse, abs=1e-9)


def test_frames_too_far_apart_are_told(tmp_path):
    changes = {"record.fields": "every 10 tau", "postprocess": PLAIN}
    run = solve(case_from(FILM, tmp_path, changes), tmp_path / "run", pictures=False)
    with pytest.warns(SampledTracks, match=r"frames 10 tau apart.*trusted up to 0.8.*record fields every"):
        assert set(fs.track(run)) >= {"t", "id", "x", "y", "winding", "vx"}


def test_slips_over_frames(tmp_path):
    """A wire recorded every 0.5 tau0: as many slips as the voltage counts, in its middle."""
    changes = {"record.fields": "every 0.5 tau", "time.until": "100 tau", "postprocess": ["voltage"]}
    run = solve(
        case_from(WIRE_W, tmp_path, {**changes, "drive.current.density": 0.32, "measure.from": "50 tau"}),
        tmp_path / "run",
        pictures=False,
    )
    slips = fs.track(run)
    assert slips["winding"].sum() == run.table("voltage")["source|drain slips"][-1] > 5
    assert slips["x"] == pytest.approx(10.0, abs=0.1)


def test_a_run_of_one_frame_is_refused(unwatched):
    with pytest.raises(Refusal, match="1 frames"):
        followed(replace(unwatched, times=unwatched.times[:1]))


# ------------------------------------------------------------------------------------------- shapes of lines


@pytest.mark.parametrize(("noise", "off"), [(0.0, 0.005), (0.03, 0.02)])
def test_the_curvature_of_a_ring(noise, off):
    """R = 3.7 with vertices 0.15 xi apart, `noise` off: mean curvature times R is 1 within `off` (tracking.md, 6)."""
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 155))
    ring = np.array([np.cos(angle), np.sin(angle), 0 * angle]) * (3.7 + noise * rng.standard_normal(155))
    bend = 3.7 * curvature(ring, True)
    assert bend.mean() == pytest.approx(1.0, abs=off) and bend.std() < 0.1


def test_lines_are_described():
    """A straight line of length 3 that moves with 0.4, and a ring."""
    z = np.linspace(0, 3, 31)
    angle = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    columns = {"x": [0 * z, 3 * np.cos(angle)], "y": [0 * z, 3 * np.sin(angle)], "z": [z, 0 * angle]}
    columns |= {"vx": [0 * z + 0.4, 0 * angle], "vy": [0 * z, 0 * angle], "vz": [0 * z, 0 * angle - 0.2]}
    points = {name: np.concatenate(parts) for name, parts in columns.items()}
    lines = {
        "id": np.array([1, 2]),
        "first": np.array([0, 31]),
        "count": np.array([31, 120]),
        "closed": np.array([0, 1]),
    }
    found = described(lines, points)
    assert found["curvature"] == pytest.approx([0, 1 / 3], abs=2e-3)
    assert found["speed"] == pytest.approx([0.4, 0.2])
    assert [found[c][0] for c in ("x0", "y0", "z0", "x1", "y1", "z1")] == pytest.approx([0, 0, 0, 0, 0, 3])
    assert np.isnan(found["x0"][1])
