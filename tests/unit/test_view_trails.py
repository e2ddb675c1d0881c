"""Pictures of zeros that were followed: trails in a film, the event diagram, slips over a kymograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from laboratory import WIRE_W, case_from

from fempslip import view
from fempslip.contract import Refusal
from fempslip.run.running import solve
from fempslip.store import Run
from fempslip.store.zeros import events_of, tracked, tracks_of
from fempslip.topology.curves import smoothed
from fempslip.view import lines
from fempslip.view.trails import LONGEST, NEGATIVE, POSITIVE, SHORTEST, memory

FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [12 xi, 8 xi], center: [0, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
  probes: {a: [-3, 0], b: [3, 0]}
material: {u: 5.79, gamma: 1}
contacts: {source: normal, drain: normal}
drive: {field: 0.4, current: {from: source, to: drain, density: 0.25}}
mesh: {size: 0.5 xi}
time: {until: 40 tau}
measure: {between: [a, b]}
record: {fields: every 1 tau}
postprocess: [vortex_tracks, flux_flow_field, voltage_ledger]
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("film")
    return solve(case_from(FILM, folder), folder / "run", pictures=False)


@pytest.fixture(scope="module")
def wire(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("wire")
    changes = {"time.until": "160 tau", "record.fields": "every 0.5 tau", "postprocess": ["voltage", "phase_slips"]}
    changes |= {"drive.current.density": 0.32, "measure.from": "100 tau"}
    return solve(case_from(WIRE_W, folder, changes), folder / "run", pictures=False)


def near(path: Path, colour: str) -> float:
    """Part of a picture that has about this colour."""
    from matplotlib.colors import to_rgb
    from matplotlib.image import imread

    return float((np.abs(imread(path)[..., :3] - to_rgb(colour)).max(axis=-1) < 0.05).mean())


def test_trails_show_every_zero_of_the_frame(film, tmp_path):
    table = tracks_of(film)
    assert tracked(film) and np.count_nonzero(table["t"] == film.times[-1]) >= 2
    assert SHORTEST <= memory(table, 40.0) <= max(SHORTEST, LONGEST * 40.0)
    path = view.trails(film, tmp_path / "tracks.png")
    assert path.stat().st_size > 10_000
    assert near(path, "#ffffff") < 0.9


def test_event_diagram_has_a_bar_for_each_identity(film, tmp_path):
    ids = np.unique(tracks_of(film)["id"])
    named = {k for event in events_of(film) for k in (*event["before"], *event["after"])}
    assert set(ids) <= named  # all of them entered
    path = view.event_diagram(film, tmp_path / "events.png")
    assert near(path, POSITIVE) > 0.005
    assert near(path, NEGATIVE) < near(path, POSITIVE)


def test_results_of_a_film_and_a_wire(film, wire):
    found = film.summary["results"]["vortex_tracks"]
    assert found["entries"] - found["exits"] == found["alive"] > 0
    assert found["identities"] >= found["alive"] and found["tau_z"] == pytest.approx(5.79 / 2)
    field = film.summary["results"]["flux_flow_field"]
    assert field["displacements"] == pytest.approx(field["pairs"], rel=0.2)  # three quanta only
    assert film.summary["results"]["voltage_ledger"]["residual"] < 1e-9
    slips = wire.summary["results"]["phase_slips"]
    assert slips["positive"] > 2 and slips["negative"] == 0
    assert slips["place"][0] == pytest.approx(10.0, abs=0.1)
    assert slips["pulse_area"] == pytest.approx(2 * np.pi, rel=0.1)


def test_voltage_beside_what_moved(film, tmp_path):
    path = view.flux_flow(film, tmp_path / "flux_flow.png")
    assert near(path, POSITIVE) > 1e-3 and near(path, NEGATIVE) > 1e-3


def test_kymograph_marks_slips(wire, tmp_path):
    path = view.kymograph(wire, tmp_path / "kymograph.png")
    assert near(path, "#c1440e") > 3e-5  # dots of a colour that no |psi| has


def test_a_run_without_tracks_is_refused(wire, tmp_path):
    for draw in (view.trails, view.event_diagram):
        with pytest.raises(Refusal, match="followed|tracks"):
            draw(wire, tmp_path / "x.png")


# ------------------------------------------------------------------------------------------- bodies

SLAB = """
geometry:
  dimension: 3
  regions: {slab: {box: {size: [10 xi, 8 xi, 3 xi], center: [0, 0, 0]}}}
  boundaries: {source: {face: left, of: slab}, drain: {face: right, of: slab}}
material: {u: 5.79, gamma: 1}
contacts: {source: normal, drain: normal}
drive: {field: [0.1, 0, 0.4], current: {from: source, to: drain, density: 0.2}}
mesh: {size: 0.8 xi}
time: {until: 40 tau}
record: {fields: every 10 tau}
postprocess: [vortex_tracks]
"""


@pytest.fixture(scope="module")
def slab(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("slab")
    return solve(case_from(SLAB, folder), folder / "run", pictures=False)


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_tubes_follow_the_lines(slab, tmp_path):
    """A tube keeps the ends of its line; the picture has the colours of the speeds."""
    found = lines.lines_at(slab, 40.0)
    assert len(found) == slab.summary["results"]["vortex_tracks"]["lines"] > 0
    for _, closed, points, v in found:
        shown, speed = smoothed(points, closed, np.linalg.norm(v, axis=0), lines.WIDTH)
        assert shown[0] == pytest.approx(points[:, 0], abs=1e-3) and np.isfinite(speed).all()
    assert view.tubes(slab, tmp_path / "lines.png").stat().st_size > 10_000
    assert view.event_diagram(slab, tmp_path / "events.png").stat().st_size > 5_000


def test_smoothing_does_not_shrink_a_ring():
    """A ring of 3.7 xi with vertices 0.05 xi off: its mean radius stays within 0.5 %, what is off it goes down."""
    rng = np.random.default_rng(0)
    angle = np.sort(rng.uniform(0, 2 * np.pi, 80))
    ring = np.array([np.cos(angle), np.sin(angle), 0 * angle]) * (3.7 + 0.05 * rng.standard_normal(80))
    shown, _ = smoothed(ring, True, np.zeros(80), lines.WIDTH)
    radius = np.linalg.norm(shown, axis=1)
    assert radius.mean() == pytest.approx(3.7, rel=5e-3) and radius.std() < 0.03
    assert shown[0] == pytest.approx(shown[-1])
