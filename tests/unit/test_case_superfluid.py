"""Superfluids as a person writes them: what is wrong is refused at its place, and a run that was stopped goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fempslip.contract import Refusal
from fempslip.run.check import explain
from fempslip.run.running import resume, solve
from fempslip.store import open_run
from tests.laboratory import case_from, problem_of, same

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")

TANK = """
geometry:
  dimension: 2
  regions: {tank: {rectangle: {size: [10 xi, 8 xi], center: [0, 0]}}}
  boundaries: {left: {edge: left, of: tank}, right: {edge: right, of: tank}}
  probes: {a: [-4, 0], b: [4, 0]}
material: {mass: 4.0026 u, density: 145 kg/m^3, xi: 0.1 nm}
model: {dynamics: superfluid}
mesh: {size: 0.8 xi}
time: {until: 10 tau}
measure: {between: [a, b]}
"""
TDGL = {"model.dynamics": "tdgl", "material.mass": None, "material.density": None}
LIGHT = {"model.dynamics": "charged", "material.plasma_frequency": 1.0}
HELD = {"contacts.left": "reservoir"}

# what is changed, the word that the caret points at or its line, what the message says
WRONG: list[tuple[dict[str, object], str, str]] = [
    ({"model.dynamics": "superfluids"}, "model.dynamics", "nearest: superfluid"),
    ({"contacts.left": "reservor"}, "contacts.left", "nearest: reservoir"),
    ({"contacts.left": "normal"}, "case.yaml:8", "reservoir or outlet"),
    ({"model.screening": "maxwell"}, "case.yaml:8", "dynamics: charged"),
    ({"noise.temperature": 0.1}, "case.yaml:8", "no noise"),
    ({"drive.head.left": 0.1}, "drive.head.left", "a head needs a reservoir: contacts: {left: reservoir}"),
    ({"drive.head.lft": 0.1, **HELD}, "drive.head.lft", "nearest: left"),
    ({"model.layers.left": 3}, "model.layers.left", "belongs to a reservoir or an outlet"),
    ({**HELD, "model.layers.left": 30}, "contacts.left", "30 xi deep and fills the whole body"),
    ({"drive.field": 0.1}, "drive.field", "feels no magnetic field"),
    ({"drive.current": {"from": "left", "to": "right", "density": 0.1}, **HELD}, "drive.current", "no terminals"),
    ({"material.u": 3}, "material.u", "a superfluid has material.damping"),
    ({"material.damping": -1}, "material.damping", "must not be negative"),
    ({"material.conductivity": 0.1}, "material.conductivity", "dynamics: charged"),
    ({**TDGL, "material.damping": 0.1}, "material.damping", "is for superfluids"),
    ({**TDGL, "material.conductivity": 0.1}, "material.conductivity", "is for superfluids"),
    ({**TDGL, "start.kick": {"waves": 2}}, "start.kick", "is for superfluids"),
    ({**TDGL, "start.solitons": [{"at": [0, 0]}]}, "start.solitons", "is for superfluids"),
    ({**TDGL, "drive.head.left": 0.1, **HELD}, "drive.head", "is for superfluids"),
    ({"start.solitons": [{"at": [0, 0], "speed": 1.2}]}, "start.solitons", "between -1 and 1"),
    ({"start.rings": [{"center": [0, 0], "radius": 3}]}, "start.rings", "dimension: 3"),
    ({"start.kick": {"waves": 2, "amplitude": 0.5}}, "start.kick", "0.1 at most"),
    ({"start.heads.tnk": 0.1}, "start.heads.tnk", "nearest: tank"),
    ({"start.heal": -1}, "start.heal", "must not be negative"),
    ({"time.fixed": 0.5}, "time.fixed", "in resonance with the density grow above 0.3"),
    ({"model.dynamics": "charged", "material.lambda": "0.2 nm"}, "case.yaml:7", "wants its plasma frequency"),
    (LIGHT, "case.yaml:7", "wants material.lambda"),
    ({**LIGHT, "material.lambda": "0.2 nm", "material.damping": 0.1}, "material.damping", "material.conductivity"),
    ({**LIGHT, "material.lambda": "0.2 nm", **HELD}, "case.yaml:8", "a lead with dynamics of its own"),
    ({**LIGHT, "material.lambda": "0.2 nm", "time.fixed": 0.9}, "time.fixed", "grow above"),
    ({"model.charge": "off"}, "model.charge", "dynamics says whether"),
    ({"drive.head.left": "3 V", **HELD}, "drive.head.left", "a chemical potential"),
    ({"drive.head.left": "3 Pa", **HELD, "material.density": None}, "drive.head.left", "give material.density"),
    ({"material.chemical_potential": "1 K"}, "case.yaml:7", "give xi or chemical_potential, not both"),
    ({"material.mass": "4 kg/m"}, "material.mass", "wants a mass"),
    ({"postprocess": ["ring_motion"]}, "postprocess", "starts with one vortex ring"),
    ({"postprocess": ["pair_motion"]}, "postprocess", "starts with two vortices"),
    ({"postprocess": ["soliton_motion"]}, "postprocess", "starts with one soliton"),
    ({"postprocess": ["power"]}, "postprocess", "a superfluid keeps its energy"),
]


@pytest.mark.parametrize(("changes", "place", "words"), WRONG, ids=lambda x: "-".join(x) if isinstance(x, dict) else "")
def test_what_is_wrong_is_refused_at_its_place(
    changes: dict[str, object], place: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(Refusal) as refused:
        explain(case_from(TANK, tmp_path, changes))
    message = str(refused.value)
    assert words in message, message
    assert place in message and "^" in message, message


def test_the_numbers_of_helium_come_in_and_go_out(tmp_path: Path) -> None:
    """U2: f = m dP/(rho h) = 69.18 kHz/Pa at rho = 145 kg/m^3: 100 kPa is 6.918 GHz times h in mu0 of xi = 0.1 nm,
    mu0 = hbar^2/(2 m xi^2) = 8.366e-23 J = 6.06 K."""
    case = case_from(TANK, tmp_path, {**HELD, "model.layers.left": 2, "drive.head.left": "100 kPa"})
    mu0 = 1.054571817e-34**2 / (2 * 4.0026 * 1.66053907e-27 * 1e-20)
    head = problem_of(case).fluid.reservoirs[0].head.value(1.0)
    assert head * mu0 / 6.62607015e-34 == pytest.approx(69.18e3 * 1e5, rel=1e-3)
    assert case.scales.si("frequency") == pytest.approx(mu0 / 1.054571817e-34, rel=1e-6)


# ------------------------------------------------------------------------------------------- stopped and resumed

RUNNING: dict[str, dict[str, object]] = {
    "superfluid": {
        "contacts": {"left": "reservoir", "right": "outlet"},
        "model.layers": {"left": 3, "right": 3},
        "drive.head.left": {"ramp": {"to": 0.1, "over": "5 tau"}},
        "start.vortices": [{"at": [0, 1.5]}, {"at": [0, -1.5], "winding": -1}],
        "material.damping": 0.02,
    },
    "charged": {
        **LIGHT,
        "material.lambda": "0.2 nm",
        "start.vortices": [{"at": [0, 1.5]}, {"at": [0, -1.5], "winding": -1}],
        "drive.field": {"ramp": {"from": 0, "to": 0.05, "over": "4 tau"}},
        "time.until": 4,
        "measure": {},
    },
}


@pytest.mark.parametrize("kind", RUNNING)
def test_a_stopped_run_goes_on_bit_for_bit(kind: str, tmp_path: Path) -> None:
    changes = {"record.fields": 0.5, "postprocess": ["vortex_tracks", "conservation"], **RUNNING[kind]}
    case = case_from(TANK, tmp_path, changes)
    whole = solve(case, tmp_path / "whole", pictures=False)

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(case, tmp_path / "cut", stop, pictures=False)
    cut = open_run(tmp_path / "cut")
    assert cut.summary is not None and cut.summary["status"] == "stopped" and 0 < cut.times[-1] < whole.times[-1]
    same(whole, resume(tmp_path / "cut", pictures=False))


@pytest.mark.slow
def test_a_killed_superfluid_goes_on_with_the_same_numbers(tmp_path: Path) -> None:
    """kill -9 in the middle of a run with a vortex pair, a reservoir and an outlet; tables and frames are then the
    same, bit for bit, as of a run that nobody killed."""
    changes = {"record.fields": 0.5, "time.until": 400, "postprocess": ["conservation"], **RUNNING["superfluid"]}
    case = case_from(TANK, tmp_path, changes)
    (tmp_path / "whole.yaml").write_text(case.document(), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "fempslip.cli",
        "run",
        str(tmp_path / "whole.yaml"),
        "--into",
        str(tmp_path / "cut"),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "cut" / "checkpoint.npz").exists():
        time.sleep(0.005)
    time.sleep(0.3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    cut = open_run(tmp_path / "cut")
    assert cut.status == "interrupted" and 0 < cut.times[-1] < 400
    resumed = resume(tmp_path / "cut", pictures=False)
    whole = solve(case, tmp_path / "whole", pictures=False)
    assert np.isclose(resumed.times[-1], 400)
    same(whole, resumed)
