"""Circuits as a person writes them: units, and every circuit that has no solution refused at its place."""

from pathlib import Path

import numpy as np
import pytest

from fempslip.case import Case, load_text
from fempslip.case.circuits import BOLTZMANN
from fempslip.contract import Refusal
from fempslip.run.check import explain
from fempslip.run.running import resume, solve
from fempslip.store import open_run
from tests.laboratory import case_from, same

TEXT = """
geometry: wire
material: {xi: 10 nm, lambda: 200 nm, sigma: 2e6 S/m, width: 10 nm, thickness: 10 nm}
contacts: {source: bank, drain: bank}
drive:
  circuit:
    elements:
      bias: {current: {ramp: {to: 20 uA, over: 20 tau}}, from: ground, to: top}
      load: {resistor: 50 ohm, from: top, to: ground}
      kinetic: {inductor: 1 nH, from: top, to: in}
      stray: {capacitor: 1 fF, from: top, to: ground}
      source: {voltage: 1 mV, from: ground, to: far}
      far: {resistor: 1 kohm, from: far, to: top}
    terminals: {source: in, drain: ground}
time: {until: 20 tau}
measure: {between: [source, drain]}
postprocess: [voltage, iv_point, circuit]
"""


def case(**changes: object) -> Case:
    return load_text(TEXT, overrides={f"drive.circuit.{path.replace('__', '.')}": new for path, new in changes.items()})


def test_si_values_become_units_of_the_sample() -> None:
    """U1: V0 = 3.273678 mV, tau0 = 0.1005310 ps, and I0 = j0 A = 6.547355e11 A/m^2 (10 nm)^2 = 65.47355 uA."""
    v0, tau0, i0 = 3.273678e-3, 1.005310e-13, 6.547355e-5
    found = {e.name: e for e in case().drive.circuit.elements}
    assert found["load"].value == pytest.approx(50 / (v0 / i0), rel=1e-6)
    assert found["kinetic"].value == pytest.approx(1e-9 / (v0 * tau0 / i0), rel=1e-6)
    assert found["stray"].value == pytest.approx(1e-15 / (i0 * tau0 / v0), rel=1e-6)
    assert found["source"].value.value(0.0) == pytest.approx(1e-3 / v0, rel=1e-6)
    assert found["bias"].value.at(1.0).value(20.0) == pytest.approx(2e-5 / i0, rel=1e-6)


def test_a_temperature_is_counted_in_units_of_f() -> None:
    """k T over (Bc^2/mu0) xi A = I0 V0 tau0 / 2 (U1: 1.077387e4 J/m^3 times 10 nm (10 nm)^2)."""
    text = TEXT.replace("time: {until: 20 tau}", "time: {until: 20 tau, fixed: 0.05 tau}")
    noisy = load_text(text, overrides={"drive.circuit.noise": {"temperature": "4.2 K", "seed": 1}})
    assert noisy.drive.circuit.temperature == pytest.approx(BOLTZMANN * 4.2 / (1.077387e4 * 1e-24), rel=1e-6)


def test_a_cross_section_must_be_known_for_ohms() -> None:
    with pytest.raises(Refusal, match=r"load.resistor.*cross_section \(or width and thickness\)"):
        load_text(TEXT, overrides={"material.width": None})


WRONG = {
    "elements.load.to": ("nowhere", "a dangling resistor is harmless", None),
    "elements.bias.to": ("x", "b", "the node 'x' floats: only current sources tie it to 'ground'"),
    "ground": ("earth", "b", "no element and no terminal is at 'earth'"),
    "elements.far": ({"voltage": 1, "from": "far", "to": "ground"}, "b", "'far' closes a loop of voltage sources"),
    "elements.load": (
        {"resistor": 1, "from": "top", "to": "top"},
        "b",
        "'load' begins and ends at the same node 'top'",
    ),
    "elements.stray": (
        {"from": "top", "to": "in"},
        "b",
        "wants one of resistor, inductor, capacitor, voltage, current",
    ),
    "elements.kinetic.inductor": ("1 pF", "b", "kinetic.inductor wants an inductance; '1 pF' is a capacitance"),
    "elements.load.resistor": (-1, "b", "load.resistor must not be negative"),
    "terminals": ({"source": "in"}, "b", "a circuit needs two terminals of the sample or more"),
    "terminals.sink": ("in", "b", "there is no boundary 'sink'"),
    "noise": ({"temperature": 0.1}, "b", "noise needs a fixed step"),
}


@pytest.mark.parametrize("path", WRONG)
def test_what_has_no_solution_is_refused_at_its_place(path: str) -> None:
    value, _, words = WRONG[path]
    if words is None:
        case(**{path.replace(".", "__"): value})
        return
    with pytest.raises(Refusal) as refused:
        case(**{path.replace(".", "__"): value})
    assert words in str(refused.value) and "^" in str(refused.value)


def test_a_capacitor_alone_holds_a_node() -> None:
    """Its voltage follows from the charge: no fault."""
    case(elements__load={"capacitor": 1, "from": "top", "to": "ground"}, elements__far=None, elements__source=None)


def test_a_current_beside_a_circuit_is_refused() -> None:
    current = {"from": "source", "to": "drain", "value": 0.1}
    with pytest.raises(Refusal, match="give current or circuit"):
        load_text(TEXT, overrides={"drive.current": current})


def test_check_names_every_element_with_its_si_value(tmp_path: Path) -> None:
    words = explain(case_from(TEXT, tmp_path))
    for part in ("load: resistor", "50 ohm", "1 nH", "1 fF", "source at in, drain at ground", "in its normal state"):
        assert part in words
    assert "20 V0 / (j0 A) = 1000 ohm" in words  # 20 xi of 50 ohm each


def test_a_resumed_circuit_gives_the_same_bits(tmp_path: Path) -> None:
    whole = case_from(TEXT, tmp_path)
    solve(whole, tmp_path / "whole", pictures=False)
    solve(whole.vary({"time.until": "7 tau", "record.fields": "0.1 tau"}), tmp_path / "part", pictures=False)
    resume(tmp_path / "part", until="20 tau", pictures=False)
    solve(whole.vary({"record.fields": "0.1 tau"}), tmp_path / "again", pictures=False)
    tables = open_run(tmp_path / "again").tables
    assert "circuit" in tables and "currents" in tables
    assert open_run(tmp_path / "part").checkpoint()["state.circuit.0"].size == 11  # 3 nodes, 5 elements, 2 terminals, 1
    same(open_run(tmp_path / "part"), open_run(tmp_path / "again"))


def test_the_clock_lands_on_kinks_of_sources_and_follows_their_period(tmp_path: Path) -> None:
    """A pulse of current from 3 to 8 tau: rows at its four corners, and the current is off again at once behind it."""
    text = TEXT.replace("{ramp: {to: 20 uA, over: 20 tau}}", "{pulse: {height: 20 uA, start: 3 tau, length: 5 tau}}")
    run = solve(case_from(text, tmp_path), tmp_path / "run", pictures=False)
    table = run.table("circuit")
    for corner in (3.0, 8.0):
        assert np.abs(table["t"] - corner).min() < 1e-12
    current = table["I bias"]
    assert set(np.round(current[(table["t"] > 3) & (table["t"] < 8 - 1e-9)], 6)) == {round(20 / 65.47355, 6)}
    assert not current[table["t"] >= 8].any()
    sine = TEXT.replace("{ramp: {to: 20 uA, over: 20 tau}}", "{sine: {amplitude: 5 uA, period: 2 tau}}")
    run = solve(case_from(sine, tmp_path), tmp_path / "sine", pictures=False)
    assert run.table("series")["dt"].max() <= 0.1 + 1e-12


def test_noise_is_drawn_from_the_number_of_the_step(tmp_path: Path) -> None:
    """A resumed noisy run gives the same bits; another seed other currents."""
    text = TEXT.replace("time: {until: 20 tau}", "time: {until: 6 tau, fixed: 0.05 tau}")
    noisy = case_from(text, tmp_path, {"drive.circuit.noise": {"temperature": 0.1, "seed": 3}})
    noisy = noisy.vary({"record.fields": "1 tau"})
    solve(noisy, tmp_path / "whole", pictures=False)
    solve(noisy.vary({"time.until": "3 tau"}), tmp_path / "part", pictures=False)
    resume(tmp_path / "part", until="6 tau", pictures=False)
    same(open_run(tmp_path / "whole"), open_run(tmp_path / "part"))
    solve(noisy.vary({"drive.circuit.noise.seed": 4}), tmp_path / "other", pictures=False)
    one, other = (open_run(tmp_path / name).table("circuit")["I load"] for name in ("whole", "other"))
    assert np.abs(one - other).max() > 1e-3
