"""Small waves by the case language: a kick, its frequency fitted to the recorded frames, oracles K1 and K2."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from

from fempslip.contract import Refusal
from fempslip.mesh.meshing import make_mesh
from fempslip.run.fluids import kicked_wave
from fempslip.run.recipes import results
from fempslip.run.running import solve
from fempslip.store.response import fitted_frequency
from fempslip.view import looks

WIRE = """
geometry: {use: wire, length: 20 xi}
model: {dynamics: superfluid}
start: {kick: {waves: 3}}
mesh: {size: 0.1 xi}
time: {until: 30 tau}
record: {fields: every 0.25 tau}
postprocess: [linear_response]
"""


@pytest.mark.parametrize("gap", [0.0, 0.5, 1.7])
def test_a_kick_rings_at_the_frequency_of_theory(gap: float, tmp_path: Path) -> None:
    """K1 and K2: omega^2 = wp^2 + 2 k^2 + k^4 at k = 0.94 within 0.1 %; wire of 20 xi between walls, h = 0.1."""
    changes = {"model.dynamics": "charged", "material.plasma_frequency": gap} if gap else {}
    run = solve(case_from(WIRE, tmp_path, changes), tmp_path / "run", pictures=False)
    assert run.summary is not None
    found = run.summary["results"]["linear_response"]
    k = 0.3 * np.pi
    assert found["k"] == pytest.approx(k, rel=1e-12) and found["gap"] == gap
    assert found["expected"] == pytest.approx(np.sqrt(gap**2 + 2 * k**2 + k**4), rel=1e-6)
    assert found["omega"] == pytest.approx(found["expected"], rel=1e-3)
    assert found["misfit"] < 1e-3


def test_the_frequency_of_a_sine_is_found() -> None:
    """Whatever the phase, the offset and the noise: the bound is that of noise of 1 % on 200 points."""
    t, rng = np.linspace(0, 30, 200), np.random.default_rng(1)
    for omega in (0.5, 1.234, 7.0, 15.0):
        c = 2 * np.cos(omega * t + rng.uniform(0, 2 * np.pi)) + 0.3 + 0.02 * rng.standard_normal(t.size)
        assert abs(fitted_frequency(t, c)[0] - omega) < 1e-3


def test_frames_too_far_apart_give_no_frequency(tmp_path: Path) -> None:
    run = solve(case_from(WIRE, tmp_path, {"record.fields": 2.0}), tmp_path / "run", pictures=False)
    assert run.summary is not None
    found = run.summary["results"]["linear_response"]
    assert found["ratio"] is None and "at most 0.94 tau apart" in found["note"]


def test_two_waves_are_no_single_sine(tmp_path: Path) -> None:
    """A wave beside a soliton: the misfit tells that the number means nothing."""
    case = case_from(WIRE, tmp_path, {"start.solitons": [{"at": 10}]})
    run = solve(case, tmp_path / "run", pictures=False)
    assert results(case, run, ["linear_response"])["linear_response"]["misfit"] > 0.1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"start.kick.waves": 1.2}, "a half one between walls"),
        ({"start.kick.amplitude": 0.5}, "0.1 at most"),
        ({"model.dynamics": "tdgl", "postprocess": []}, "start.kick is for superfluids"),
        ({"material.damping": 0.1}, "a superfluid without damping"),
        ({"start.kick": None}, "starts with a small wave"),
    ],
)
def test_kicks_that_are_refused(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=words):
        solve(case_from(WIRE, tmp_path, changes), tmp_path / "run", pictures=False)


def test_waves_that_do_not_fit_the_mesh_are_refused(tmp_path: Path) -> None:
    cylinder = {
        "dimension": 2, "regions": {"film": {"rectangle": {"size": [8, 2]}}},
        "boundaries": {"left": {"edge": "left"}, "right": {"edge": "right"}}, "periodic": {"x": ["left", "right"]},
    }  # fmt: skip
    half = {"start.kick.waves": 1.5, "mesh.size": 0.5}
    for geometry, words in ((cylinder, "do not close round"), ({"use": "ring", "radius": 5}, "straight wire")):
        case = case_from(WIRE, tmp_path, {"geometry": geometry, **half})
        with pytest.raises(Refusal, match=words):
            kicked_wave(case, make_mesh(case))


def test_the_current_of_a_superfluid_has_its_own_unit(tmp_path: Path) -> None:
    run = solve(case_from(WIRE, tmp_path, {"time.until": 1}), tmp_path / "run", pictures=False)
    frame = {"supercurrent": np.ones((3, 3))}
    assert looks.look_for("supercurrent", [frame], run.header).label == "|jₛ| (n₀ħ/mξ)"
    assert looks.look_for("supercurrent", [frame]).label == "|jₛ| (j₀)"
