"""Circuits around samples with a field of their own (pearl, maxwell): order, stability, energy, inductance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import iv

from fempslip.contract import Array
from fempslip.physics import pearl
from fempslip.run.circuits import circuit_energy
from fempslip.run.running import resume, solve
from fempslip.solver.linear import poisson_solver
from fempslip.store import open_run
from tests.laboratory import Experiment, case_from, experiment, problem_of, same

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")

# A film of 12 by 2 xi with a weak spot, kappa = 2, Lambda = 4 xi: 20 nm thick, or infinitely long along z.
FILM = """
geometry:
  dimension: 2
  parameters: {length: 12 xi, width: 2 xi}
  regions: {film: {rectangle: {size: [length, width], center: [0, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
material:
  {xi: 20 nm, lambda: 40 nm, sigma: 2e6 S/m, u: 5.79, gamma: 1, thickness: 20 nm,
   epsilon: {gaussian: {depth: 0.6, width: 1 xi, center: [0, 0]}}}
model: {screening: pearl}
contacts: {source: free, drain: free}
drive:
  circuit:
    elements:
      bias: {current: {ramp: {to: 0.8, over: 20 tau}}, from: ground, to: a}
      shunt: {resistor: 4, from: a, to: ground}
      l: {inductor: 3, from: a, to: in}
      c: {capacitor: 0.5, from: in, to: ground}
    terminals: {source: in, drain: ground}
mesh: {size: 0.6 xi}
time: {until: 160 tau}
measure: {from: 60 tau, between: [source, drain]}
record: {fields: every 20 tau}
"""
OWN: dict[str, dict[str, object]] = {
    "pearl": {},
    "maxwell": {"model.screening": "maxwell", "material.thickness": None},
}
ELEMENTS = "drive.circuit.elements"


def of_run(done: Experiment, folder: Path) -> object:
    class Kept:
        tables = done.memory.tables
        table = staticmethod(done.table)

    Kept.folder = folder  # type: ignore[attr-defined]
    return Kept()


@pytest.mark.parametrize("screening", OWN)
def test_energy_of_sources_is_heat_and_store(screening: str, tmp_path: Path) -> None:
    """Source = resistors + sample + stored within 1e-3 over whole slips, tolerance 1e-4; the inductance of the film
    is in the sample.  Power at the terminals is V I of the circuit, and its own sum in the sample."""
    done = experiment(case_from(FILM, tmp_path, {**OWN[screening], "time.tolerance": 1e-4, "time.until": 130}))
    assert done.table("voltage")["source|drain slips"][-1] >= 5
    found = circuit_energy(done.case, of_run(done, tmp_path))  # type: ignore[arg-type]
    assert found["resistors"] > 0.1 * found["supplied"] > 0
    assert found["others"] == 0.0
    assert abs(found["residual"]) < 1e-3, found
    circuit = done.table("circuit")
    assert np.abs(circuit["I into source"] + circuit["I into drain"]).max() < 1e-12


@pytest.mark.parametrize("screening", OWN)
def test_the_coupled_step_is_second_order_in_dt(screening: str, tmp_path: Path) -> None:
    """State of the circuit at t = 12, fixed dt of 0.2 to 0.025 tau, below the first slip."""
    ends: list[Array] = []
    for dt in (0.2, 0.1, 0.05, 0.025):
        also = {"time.until": 12, "measure.from": 0, "time.fixed": dt, "record.fields": 12}
        problem = problem_of(case_from(FILM, tmp_path, {**OWN[screening], **also}))
        problem = replace(problem, clock=replace(problem.clock, dt_start=dt))
        ends.append(experiment(case_from(FILM, tmp_path, {**OWN[screening], **also}), problem=problem).state["circuit"])
    gaps = [np.abs(a - b).max() for a, b in zip(ends, ends[1:], strict=False)]
    orders = np.log2(np.array(gaps[:-1]) / gaps[1:])
    assert (np.abs(orders - 2) < 0.25).all(), (gaps, orders)


STIFF = [("c", 1.0), ("c", 1e-3), ("c", 1e-6), ("c", 0.0), ("l", 10.0), ("l", 0.1), ("l", 1e-4), ("l", 0.0)]


@pytest.mark.slow
@pytest.mark.parametrize("screening", OWN)
def test_any_c_and_any_l_is_stable_at_the_solvers_own_step(screening: str, tmp_path: Path) -> None:
    """C from 1 to 0 and L from 10 to 0, the other one 0: mean current as without both, in about as many steps."""
    found = {}
    for kind, value in STIFF:
        both = {f"{ELEMENTS}.l.inductor": 0.0, f"{ELEMENTS}.c.capacitor": 0.0}
        element = f"{ELEMENTS}.{kind}.{'inductor' if kind == 'l' else 'capacitor'}"
        done = experiment(case_from(FILM, tmp_path, {**OWN[screening], **both, element: value}))
        series, circuit = done.table("series"), done.table("circuit")
        assert np.abs(circuit["I into source"]).max() < 1.6
        late = circuit["t"] > 60
        mean = circuit["I into source"][late] @ series["dt"][late] / series["dt"][late].sum()
        found[kind, value] = float(mean), circuit["t"].size, float(series["rejected"][-1])
    plain, steps, _ = found["l", 0.0]
    for key, (mean, count, rejected) in found.items():
        assert count < 2.0 * steps and rejected < 0.02 * count, (key, count, rejected)
        if key[1] <= 1e-3:
            assert abs(mean / plain - 1) < 5e-3, (key, mean, plain)


QUIET = {
    "material.epsilon": 1,
    "material.gamma": 0,
    "drive.circuit": {
        "elements": {"bias": {"voltage": {"ramp": {"to": 1e-3, "over": "1 tau"}}, "from": "ground", "to": "in"}},
        "terminals": {"source": "in", "drain": "ground"},
    },
    "geometry.parameters.width": 6,
    "mesh.size": 0.5,
    "time.until": 24,
    "measure.from": 0,
    "record.fields": 24,
}


def inductance(done: Experiment) -> float:
    """L of int V dt = L I + R int I dt + const, in V0 tau0/I0; R is that of the contacts, where the current turns
    from normal to super."""
    circuit, late = done.table("circuit"), done.table("circuit")["t"] > 6
    t, current = circuit["t"][late], circuit["I into source"][late]
    charge = np.concatenate([[0.0], np.cumsum(np.diff(t) * 0.5 * (current[1:] + current[:-1]))])
    scale = current.max()
    columns = np.stack([current / scale, charge / scale, np.ones_like(t)], axis=1)
    (found, resistance, _), *_ = np.linalg.lstsq(columns, 1e-3 * (t - t[0]) / scale, rcond=None)
    assert resistance > 0
    return float(found)


def test_a_film_answers_with_its_kinetic_and_geometric_inductance(tmp_path: Path) -> None:
    """L I^2 = the energy in F of the static London state with that current (Lambda = 4), within 0.5 %: what 12 xi have
    more than 8, since next to the contacts, where the current is normal, it has no kinetic inductance."""
    found, wanted = [], []
    for length in (8, 12):
        done = experiment(case_from(FILM, tmp_path, {**QUIET, "geometry.parameters.length": length}))
        p = done.problem
        fed = np.zeros(p.operators.nodes)
        for contact, sign in zip(p.contacts, (1.0, -1.0), strict=True):
            fed[contact.nodes] = sign * contact.weights
        none = np.zeros(p.operators.edges.shape[1])
        state = pearl.static(p, none, none, fed, lambda k: poisson_solver(k, 2))
        assert float(state.current @ state.a_ind) > 0.1 * pearl.energy(state)  # a good part of it is that of the field
        found.append(inductance(done))
        wanted.append(pearl.energy(state))
    assert found[1] - found[0] == pytest.approx(wanted[1] - wanted[0], rel=5e-3)


def test_a_long_slab_answers_with_its_inductance(tmp_path: Path) -> None:
    """dI/dt = V/L, L per length of a slab of width w with a current along it: b = (I/2 kappa^2) sinh(y/kappa)/
    sinh(w/2 kappa), so F = int kappa^2 b^2 + j^2 = I^2 coth(w/2 kappa)/(2 kappa): w = 6, kappa = 2, within 0.5 %."""
    found = []
    for length in (12, 24):
        change = {**OWN["maxwell"], **QUIET, "geometry.parameters.length": length}
        found.append(inductance(experiment(case_from(FILM, tmp_path, change))))
    assert (found[1] - found[0]) / 12 == pytest.approx(1 / np.tanh(1.5) / 4, rel=5e-3)


@pytest.mark.parametrize("screening", OWN)
def test_a_normal_film_is_a_resistor(screening: str, tmp_path: Path) -> None:
    """12 by 2 xi in its normal state is 6 V0/I0: a divider of 1 V0 with 3 V0/I0 ends at 2/3 V0 across the film."""
    circuit = {
        "elements": {
            "bias": {"voltage": {"ramp": {"to": 1, "over": "1 tau"}}, "from": "ground", "to": "a"},
            "series": {"resistor": 3, "from": "a", "to": "in"},
        },
        "terminals": {"source": "in", "drain": "ground"},
    }
    also = {"material.epsilon": -1, "drive.circuit": circuit, "time.until": 20, "measure.from": 0}
    done = experiment(case_from(FILM, tmp_path, {**OWN[screening], **also}))
    assert done.table("circuit")["V in"][-1] == pytest.approx(2 / 3, rel=1e-4)
    assert done.table("voltage")["source|drain"][-1] == pytest.approx(2 / 3, rel=1e-3)


@pytest.mark.parametrize("screening", OWN)
def test_a_stopped_run_goes_on_bit_for_bit(screening: str, tmp_path: Path) -> None:
    case = case_from(FILM, tmp_path, {**OWN[screening], "time.until": 30, "measure.from": 0, "record.fields": 2})
    whole = solve(case, tmp_path / "whole", pictures=False)

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(case, tmp_path / "cut", stop, pictures=False)
    assert open_run(tmp_path / "cut").summary["status"] == "stopped"  # type: ignore[index]
    same(whole, resume(tmp_path / "cut", pictures=False))


# ------------------------------------------------------------------------------------------- a body between walls

COAXIAL = """
geometry:
  dimension: 3
  regions: {wire: {cylinder: {radius: 1.5 xi, height: 4 xi, center: [0, 0, 0]}}}
  boundaries: {source: {face: bottom, of: wire}, drain: {face: top, of: wire}}
  probes: {a: [0, 0, -1.5], b: [0, 0, 1.5]}
material: {u: 5.79, gamma: 0, lambda: 1}
model: {screening: maxwell}
contacts: {source: bank, drain: bank}
drive:
  circuit:
    elements:
      bias: {voltage: {ramp: {to: 0.02, over: 1 tau}}, from: ground, to: a}
      leads: {inductor: 1.5, from: a, to: in}
    terminals: {source: in, drain: ground}
mesh: {size: 0.5 xi}
time: {until: 8 tau}
measure: {from: 4 tau, between: [a, b]}
record: {fields: every 2 tau}
"""


def test_a_body_answers_with_the_inductance_of_a_coaxial_line(tmp_path: Path) -> None:
    """V = (L + L_leads) dI/dt, L/mu0 = ln(R/a)/2 pi + (lambda/2 pi a) I0(a/lambda)/I1(a/lambda) a length, of a wire of
    a = 1.5 lambda that returns in a cylinder of R; cells of a third of a, between the radius and that of equal section
    within 1.5 %.  Source = store + heat within 1e-3."""
    done = experiment(case_from(COAXIAL, tmp_path))
    circuit, late = done.table("circuit"), done.table("circuit")["t"] > 4
    slope = np.polyfit(circuit["t"][late], circuit["I into source"][late], 1)[0]
    found, p = 0.02 / slope - 1.5, done.problem
    radii = np.array([1.5, np.sqrt(p.operators.m.sum() / (4 * np.pi))])
    line = np.log(p.surroundings.radius / radii) / (2 * np.pi) + iv(0, radii) / iv(1, radii) / (2 * np.pi * radii)
    assert 4 * line.min() * 0.985 < found < 4 * line.max() * 1.015, (found, 4 * line)
    balance = circuit_energy(done.case, of_run(done, tmp_path))  # type: ignore[arg-type]
    assert abs(balance["residual"]) < 1e-3, balance
