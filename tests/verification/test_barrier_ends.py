"""Barriers whose ends are given otherwise: D2 of a wire between banks, D4 and a vortex between two stored states."""

import numpy as np
import pytest
from laboratory import Memory, case_from, problem_of
from numpy import pi, sqrt

from fempslip.contract import Failure, Refusal
from fempslip.run.running import solve
from fempslip.run.statics import ASKED

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")

JC = 2 / (3 * sqrt(3))
WIRE = """
task: barrier
geometry:
  dimension: 1
  parameters: {length: 40 xi}
  regions: {wire: {segment: {from: [0], to: [length]}}}
  boundaries: {source: {end: first, of: wire}, drain: {end: last, of: wire}}
material: {u: 5.79, gamma: 0}
contacts: {source: bank, drain: bank}
drive: {current: {from: source, to: drain, value: 0.3 Idep}}
mesh: {size: 0.1 xi}
"""
RING = """
task: barrier
geometry: {use: ring, radius: 6.3661977 xi}
material: {u: 5.79, gamma: 0}
bias: {current: 0.3 Idep}
mesh: {size: 0.1 xi}
"""


def asked(text, folder, changes=None):
    case = case_from(text, folder, changes)
    return ASKED[case.task](case, problem_of(case)).run(Memory(), lambda share, words: None)


def test_D2_from_bank_to_bank(tmp_path):
    """j/jc = 0.3: 1.198287 within 0.5 %, on the way back 4 pi j more; and all rates are those of a ring as long.

    Two ways to the same growth rate and attempt frequency: a free phase of the far bank, a free flux through a loop.
    """
    wire, ring = asked(WIRE, tmp_path), asked(RING, tmp_path)
    assert wire["forward"] == pytest.approx(1.198287, rel=5e-3)
    assert wire["backward"] - wire["forward"] == pytest.approx(4 * pi * 0.3 * JC, abs=1e-8)
    assert wire["index"] == 1
    assert wire["growth_rate"] == pytest.approx(ring["growth_rate"], rel=1e-5)
    assert wire["attempt"] == pytest.approx(ring["attempt"], rel=1e-3)
    assert wire["attempt_power"] == ring["attempt_power"] == 0.5


def test_a_weak_spot_between_banks(tmp_path):
    """Not in the middle: the slip is there, with the rates of the same spot in a ring."""
    spot = {"gaussian": {"depth": 0.3, "width": "1 xi", "center": [12]}}
    wire = asked(WIRE, tmp_path, {"material.epsilon": spot})
    ring = asked(RING, tmp_path, {"material.epsilon": {"gaussian": spot["gaussian"] | {"center": [6.3661977, 0]}}})
    assert wire["x"] == pytest.approx(12, abs=0.1)
    assert wire["forward"] == pytest.approx(ring["forward"], rel=1e-3)  # the ring is bent: distances are chords
    assert wire["growth_rate"] == pytest.approx(ring["growth_rate"], rel=1e-3)
    assert wire["attempt"] == pytest.approx(ring["attempt"], rel=1e-3)
    assert wire["attempt_power"] == 0


def test_D4_between_two_stored_states(tmp_path):
    """L = 20, flux 1, winding 0 to 1: 0.575536 within 0.5 %; and back."""
    ring = "geometry: {use: ring, radius: 3.1830989 xi}\nmesh: {size: 0.1 xi}\nmaterial: {u: 5.79, gamma: 0}\n"
    ring += "drive: {flux: {through: hole, value: 1 Phi0}}\n"
    run = solve(
        case_from("task: relax\nsearch: {winding: [0, 1]}\n" + ring, tmp_path), tmp_path / "states", pictures=False
    )
    table = run.table("states")
    zero, one = (int(np.flatnonzero(table["loop"] == n)[0]) for n in (0, 1))
    text = f"task: barrier\nstart: {{run: {run.folder}, frame: {zero}}}\n"
    text += f"slip: {{to: {{run: {run.folder}, frame: {one}}}}}\n"
    found = asked(text + ring, tmp_path)
    assert found["forward"] == pytest.approx(0.575536, rel=5e-3)
    assert found["index"] == 1
    assert found["backward"] - found["forward"] == pytest.approx(table["energy"][zero] - table["energy"][one], abs=1e-8)
    with pytest.raises(Failure, match="relax to the same state"):
        asked(text + ring, tmp_path, {"slip.to.frame": zero})
    with pytest.raises(Refusal, match="at given fields, without a current"):
        asked(text + ring, tmp_path, {"bias": {"current": 0.1}})
    with pytest.raises(Refusal, match="another mesh"):
        asked(text + ring, tmp_path, {"mesh.size": 0.2})


def test_a_vortex_enters_and_leaves_a_disk(tmp_path):
    """R = 5, B = 0.25: from 0 to 1 vortex and from 1 to 0, over one and the same pass, with the vortex on the path."""
    disk = "geometry: {use: disk, radius: 5 xi}\nmesh: {size: 0.4 xi}\nmaterial: {gamma: 0}\ndrive: {field: 0.25 Bc2}\n"
    run = solve(
        case_from("task: relax\nsearch: {vorticity: [0, 1]}\n" + disk, tmp_path), tmp_path / "states", pictures=False
    )
    table = run.table("states")
    frame = {n: int(np.flatnonzero(table["vortices"] == n)[0]) for n in (0, 1)}
    ends = {}
    for a, b, path in ((0, 1, "[[5, 0], [0, 0]]"), (1, 0, "[[0, 0], [5, 0]]")):
        text = f"task: barrier\ngrowth: false\nstart: {{run: {run.folder}, frame: {frame[a]}}}\n"
        text += f"slip: {{to: {{run: {run.folder}, frame: {frame[b]}}}, vortex: {path}}}\n"
        ends[a] = asked(text + disk, tmp_path)
        assert ends[a]["index"] == 1 and ends[a]["zeros"] == 1
        assert ends[a]["forward"] > 0.1
        assert 2 < np.hypot(ends[a]["x"], ends[a]["y"]) < 5
    assert ends[0]["forward"] == pytest.approx(ends[1]["backward"], rel=1e-6)
    gain = table["energy"][frame[0]] - table["energy"][frame[1]]
    assert ends[1]["forward"] - ends[0]["forward"] == pytest.approx(gain, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"contacts.drain": "normal"}, "two contacts of kind bank"),
        ({"drive.current.value": "1.2 Idep"}, "1.2 Idep: no superconducting state"),
        ({"drive": None}, "name the hole or period"),
    ],
)
def test_what_a_wire_between_banks_refuses(changes, words, tmp_path):
    with pytest.raises(Refusal, match=words):
        asked(WIRE, tmp_path, changes)
