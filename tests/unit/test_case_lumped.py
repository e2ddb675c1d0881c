"""Lumped cases: SI units of junctions, what does not fit refused at its place, run folders without a mesh."""

from pathlib import Path

import numpy as np
import pytest

from fempslip.case import load, load_text
from fempslip.case.drawers import delivered
from fempslip.case.scales import E, H
from fempslip.case.schema import Lumped
from fempslip.contract import Refusal
from fempslip.run.check import explain
from fempslip.run.recipes import post
from fempslip.run.running import solve

TEXT = """
task: lumped
junction: {kind: rcsj, critical_current: 10 uA, resistance: 10 ohm, capacitance: 1 pF}
bias: {current: 12 uA}
time: {until: 400 ps, every: 1 ps}
postprocess: [lumped]
"""


def test_si_values_of_a_junction() -> None:
    """tau = hbar/(2e Ic R), beta = 2e Ic R^2 C/hbar."""
    case = load_text(TEXT)
    assert isinstance(case, Lumped) and case.junction is not None
    assert case.scales.tau0 == pytest.approx(H / (2 * np.pi) / (2 * E * 1e-5 * 10), rel=1e-12)
    assert case.junction.inertia == pytest.approx(2 * E * 1e-5 * 100 * 1e-12 * 2 * np.pi / H, rel=1e-12)
    assert case.bias is not None and case.bias.waveform.value(0.0) == pytest.approx(1.2)
    again = load_text(case.document())
    assert again == case and again.junction.inertia == case.junction.inertia


WRONG = {
    "junction.kind": ("sis", "is none of adler, rsj, rcsj, dual"),
    "junction.beta": (2, "give beta or what makes it"),
    "junction.coupling": (2, "coupling is of the kind adler"),
    "junction.inductance": ("1 nH", "inductance is not of the kind rcsj"),
    "junction.resistance": ("10 V", "junction.resistance wants a resistance; '10 V' is a voltage"),
    "junction.critical_current": (None, "capacitance needs junction.critical_current and junction.resistance"),
    "bias": ({"detuning": 1}, "bias.detuning is not for the kind rcsj; it takes current or voltage"),
    "bias.current": ("1 mV", "bias.current wants a current; '1 mV' is a voltage"),
    "time": (None, "a junction wants its bias, and time"),
    "amplitudes": ({"from": 0, "to": 1, "points": 3}, "amplitudes wants a curve beside it"),
    "geometry": ("wire", "unknown key 'geometry'"),
    "slip_ring": ({"slip_energy": 1}, "a lumped case is about one of"),
    "postprocess": (["voltage"], "the recipe 'voltage' needs"),
}


@pytest.mark.parametrize("path", WRONG)
def test_what_does_not_fit_is_refused(path: str) -> None:
    value, words = WRONG[path]
    with pytest.raises(Refusal) as refused:
        explain(load_text(TEXT, overrides={path: value}))
    assert words in str(refused.value) and "^" in str(refused.value)


def test_a_body_cannot_be_asked_for_a_lumped_picture() -> None:
    text = "geometry: wire\ntime: {until: 1 tau}\npostprocess: [lumped]\n"
    with pytest.raises(Refusal, match="the recipe 'lumped' needs a system without extent"):
        explain(load_text(text))


def test_a_lumped_run_is_a_folder_like_any_other(tmp_path: Path) -> None:
    run = solve(load_text(TEXT), tmp_path / "run")
    assert run.status == "finished" and run.tables == ("waveform",) and len(run.times) == 0
    assert run.mesh.points.shape == (1, 0) and run.summary is not None and run.summary["nodes"] == 0
    found = run.summary["results"]["lumped"]
    t, phi = run.table("waveform")["t"], run.table("waveform")["phase"]
    assert t[-1] == pytest.approx(400e-12 / run.header["scales"]["tau0"]) and phi[-1] > 10
    assert found["mean"] == pytest.approx((phi[-1] - phi[len(t) // 4]) / (t[-1] - t[len(t) // 4]), rel=0.1)
    assert (run.folder / "lumped.png").stat().st_size > 5000
    post(run.folder)
    assert "stewart1968" in run.references


@pytest.mark.parametrize("name", [n for n in delivered("cases") if "task: lumped" in delivered("cases")[n].read_text()])
def test_delivered_lumped_cases_explain_themselves(name: str) -> None:
    words = explain(load(name))
    assert "expected" in words and "None" not in words


def test_noise_gives_the_rate_of_ambegaokar_and_halperin(tmp_path: Path) -> None:
    """E6: i = 0.9, T = 0.1: 0.2101098."""
    text = "task: lumped\njunction: {temperature: 0.1}\nbias: {current: 0.9}\ntime: {until: 200}\n"
    run = solve(load_text(text), tmp_path / "run", pictures=False)
    assert run.summary is not None
    found = run.summary["results"]["lumped"]
    assert found["noisy"] == pytest.approx(0.2101098, abs=1e-6)
    assert abs(found["paths"] - found["noisy"]) < 4 * found["paths_error"]


def test_a_curve_with_an_ac_drive_names_its_steps(tmp_path: Path) -> None:
    """F3: iac = 1, Omega = 1: step 1 from 1.00000 to 1.65372."""
    text = """
        task: lumped
        junction: {kind: rsj}
        bias: {current: {sine: {amplitude: 1, frequency: 0.15915494309}}}
        curve: {from: 0, to: 1.8, points: 37, settle: 20, count: 100}
    """
    run = solve(load_text(text), tmp_path / "run", pictures=False)
    assert run.summary is not None
    found = run.summary["results"]["lumped"]
    assert found["edges"]["1"]["from"] == pytest.approx(1.0, abs=1e-5)
    assert found["edges"]["1"]["to"] == pytest.approx(1.65372, abs=2e-5)
    assert found["steps"]["1"]["from"] in (pytest.approx(1.0), pytest.approx(1.05))
    assert found["steps"]["1"]["to"] == pytest.approx(1.65)
