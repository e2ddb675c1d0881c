"""Circuits around the sample: order of the step, stability at any C and L, conservation, the ac Josephson effect."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from fempslip.case.waveforms import Constant, Points, Ramp, Sine
from fempslip.contract import Circuit, Contact, Element, Problem, State
from fempslip.physics.circuit import Equations
from fempslip.run.circuits import line_of
from fempslip.run.compiling import given_state
from fempslip.solver.netlist import Netlist
from tests.laboratory import WIRE_W, Experiment, case_from, experiment, problem_of

TERMINALS = {"source": "in", "drain": "ground"}


def wired(problem: Problem, *elements: Element, **also: object) -> Problem:
    circuit = Circuit(elements, TERMINALS, **also)
    return replace(problem, drive=replace(problem.drive, currents={}, circuit=circuit))


def contacts() -> tuple[Contact, ...]:
    none = np.zeros(1, dtype=int)
    return tuple(Contact(name, "normal", none, np.ones(1), 1.0) for name in ("source", "drain"))


def march(
    netlist: Netlist, r: float, dt: float, until: float, emf=lambda t: 0.0
) -> tuple[np.ndarray, list[np.ndarray]]:
    """The circuit around an ohmic sample of resistance r (with an emf of its own), at a fixed step."""
    resistance = np.array([[r, 0.0], [0.0, 0.0]])
    state = State(0, 0.0, dt, (), {"circuit": (netlist.begin()["circuit"],)})
    first = netlist.close(np.array([emf(0.0), 0.0]), resistance, state, 0.0)
    state = replace(state, history={"circuit": (first.arrays["circuit"],)})
    found = [state["circuit"]]
    for k in range(round(until / dt)):
        closed = netlist.close(np.array([emf(state.t + dt), 0.0]), resistance, state, (k + 1) * dt)
        past = (closed.arrays["circuit"], *state.past("circuit"))[:3]
        state = State(k + 1, (k + 1) * dt, dt, (dt, *state.steps)[:2], {"circuit": past})
        found.append(closed.arrays["circuit"])
    return np.arange(len(found)) * dt, found


STEP = Constant(1.0)


def rlc(problem: Problem, v=STEP) -> Netlist:
    return Netlist.of(
        wired(
            problem,
            Element("v", "voltage", "ground", "a", v),
            Element("r", "resistor", "a", "b", 0.5),
            Element("l", "inductor", "b", "in", 2.0),
            Element("c", "capacitor", "in", "ground", 1.5),
        )
    )


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    return problem_of(case_from(WIRE_W, tmp_path_factory.mktemp("w"), {"mesh.size": 0.2}))


def test_the_circuit_is_second_order_in_dt(wire: Problem) -> None:
    """Step of voltage on R, L and C in series with an ohmic sample of 3 V0/I0 across C, against the exact exponential.

    L di/dt = 1 - R i - v,  C dv/dt = i - v/3
    """
    matrix = np.array([[-0.5 / 2.0, -1 / 2.0], [1 / 1.5, -1 / (3 * 1.5)]])
    rest = -np.linalg.solve(matrix, [1 / 2.0, 0.0])
    netlist = rlc(wire)
    place = netlist.equations.branch["l"], netlist.equations.node["in"]
    errors = []
    for dt in (0.05, 0.025, 0.0125):
        t, x = march(netlist, 3.0, dt, 10.0)
        exact = np.array([rest + expm(matrix * s) @ -rest for s in t])
        errors.append(np.abs(np.array(x)[:, place] - exact).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert (np.abs(orders - 2) < 0.15).all(), (errors, orders)
    assert errors[-1] < 5e-5


def test_kirchhoff_and_tellegen_hold_in_every_step(wire: Problem) -> None:
    """Currents at every node sum to zero; the powers of all elements and of the sample do too."""
    netlist = rlc(wire, Sine(1.0, 0.3))
    eq = netlist.equations
    t, found = march(netlist, 3.0, 0.1, 5.0, emf=lambda t: 0.2 * np.sin(t))
    for time, x in zip(t[1:], found[1:], strict=True):
        kinds = ("voltage", "current", "resistor", "inductor", "capacitor")
        inside = eq.power(x, time, kinds)
        sample = float(x[eq.terminals[0]] * x[eq.node["in"]])
        assert abs(inside + sample) < 1e-12
        assert abs(x[eq.branch["l"]] - x[eq.branch["c"]] - x[eq.terminals[0]]) < 1e-12


@pytest.mark.parametrize("kind", ["capacitor", "inductor"])
def test_a_source_that_jumps_leaves_charge_and_flux_as_they_are(wire: Problem, kind: str) -> None:
    """At a kink the circuit is made consistent with the source from then on: what C and L hold does not move."""
    jump = Points((0.0, 1.0, 1.0, 2.0), (1.0, 1.0, 3.0, 3.0))
    netlist = rlc(wire, jump)
    eq, resistance = netlist.equations, np.diag([3.0, 0.0])
    t, found = march(netlist, 3.0, 0.1, 0.9)
    state = State(9, 1.0, 0.1, (), {"circuit": (found[-1],)})
    after = netlist.close(np.zeros(2), resistance, state, 1.0).arrays["circuit"]
    held = {"inductor": lambda x: x[eq.branch["l"]], "capacitor": lambda x: x[eq.node["in"]]}[kind]
    assert abs(held(after) - held(found[-1])) < 1e-8
    assert abs(after[eq.node["a"]] - 3.0) < 1e-12


def test_equations_name_every_unknown_once(wire: Problem) -> None:
    eq = Equations.of(rlc(wire).equations.circuit, contacts())
    places = [*eq.node.values(), *eq.branch.values(), *eq.terminals, eq.v0]
    assert sorted(places) == list(range(eq.size))
    assert np.linalg.matrix_rank(eq.E * 10 + eq.with_sample(np.diag([3.0, 1.0]))) == eq.size


# ------------------------------------------------------------------------------------------- with the sample


def run(problem: Problem, folder: Path, **changes: object) -> Experiment:
    case = case_from(WIRE_W, folder, changes)
    return experiment(case, problem=replace(problem, clock=replace(problem.clock, until=case.time.until)))


@pytest.mark.parametrize("gamma", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_constant_voltage_gives_the_josephson_frequency(gamma: float, tmp_path: Path) -> None:
    """f = V/2 pi within 1e-4: wire W, h = 0.1 xi, tolerance 3e-4, V = 0.5, ideal source, fitted from 300 to 700."""
    changes = {"material.gamma": gamma, "time.until": 700, "measure.from": 300}
    problem = wired(
        problem_of(case_from(WIRE_W, tmp_path, changes)),
        Element("bias", "voltage", "ground", "in", Ramp(0.0, 0.5, 0.0, 20.0)),
    )
    done = run(problem, tmp_path, **changes)
    voltage, circuit = done.table("voltage"), done.table("circuit")
    assert np.abs(voltage["source|drain"][voltage["t"] > 21] - 0.5).max() < 1e-12
    late = circuit["t"] > 300
    line = line_of(circuit["t"][late], circuit["I into source"][late])
    assert line is not None and abs(line.frequency / (0.5 / (2 * np.pi)) - 1) < 1e-4


STIFF = [("capacitor", 1.0), ("capacitor", 1e-3), ("capacitor", 1e-6), ("capacitor", 0.0)]
STIFF += [("inductor", 10.0), ("inductor", 0.1), ("inductor", 1e-4), ("inductor", 0.0)]


def mean_current(problem: Problem, folder: Path, kind: str, value: float) -> tuple[float, int, int]:
    """(mean current, steps, rejected) of wire W at V = 0.5 behind 1 V0/I0, with C across it or L in series."""
    elements = [
        Element("bias", "voltage", "ground", "a", Ramp(0.0, 0.8, 0.0, 20.0)),
        Element("series", "resistor", "a", "b", 1.0),
    ]
    if kind == "inductor":
        elements.append(Element("l", "inductor", "b", "in", value))
    else:
        elements += [Element("wire", "resistor", "b", "in", 0.0), Element("c", "capacitor", "in", "ground", value)]
    done = run(wired(problem, *elements), folder, **{"time.until": 200})
    series, circuit = done.table("series"), done.table("circuit")
    late = circuit["t"] > 100
    assert np.abs(circuit["I into source"]).max() < 1.0
    mean = float(circuit["I into source"][late] @ series["dt"][late] / series["dt"][late].sum())
    return mean, series["t"].size, int(series["rejected"][-1])


@pytest.mark.slow
def test_any_c_and_any_l_is_stable_at_the_solvers_own_step(wire: Problem, tmp_path: Path) -> None:
    """C from 1 to 0 and L from 10 to 0: the mean current goes to that without C and L, in as many steps."""
    found = {(kind, value): mean_current(wire, tmp_path, kind, value) for kind, value in STIFF}
    plain, steps, _ = found["inductor", 0.0]
    for key, (mean, count, rejected) in found.items():
        assert count < 2.0 * steps and rejected < 0.02 * count, (key, count, rejected)
        if key[1] <= 1e-3:
            assert abs(mean / plain - 1) < 5e-3, (key, mean, plain)


@pytest.mark.slow
def test_the_coupled_step_is_second_order_in_dt(wire: Problem, tmp_path: Path) -> None:
    """Wire W with L and C, fixed dt: state of the circuit at t = 60, after two slips, at order 2."""
    problem = wired(
        wire,
        Element("bias", "voltage", "ground", "a", Ramp(0.0, 0.8, 0.0, 20.0)),
        Element("series", "resistor", "a", "b", 1.0),
        Element("l", "inductor", "b", "in", 2.0),
        Element("c", "capacitor", "in", "ground", 0.5),
    )
    ends = []
    for dt in (0.1, 0.05, 0.025, 0.0125):
        fixed = replace(problem, clock=replace(problem.clock, fixed=dt, dt_start=dt))
        done = run(fixed, tmp_path, **{"time.until": 60, "measure.from": 0, "time.fixed": dt})
        ends.append(done.state["circuit"])
    gaps = [np.abs(a - b).max() for a, b in zip(ends, ends[1:], strict=False)]
    orders = np.log2(np.array(gaps[:-1]) / gaps[1:])
    assert (np.abs(orders - 2) < 0.15).all(), (gaps, orders)


def test_energy_of_sources_is_heat_and_store(tmp_path: Path) -> None:
    """Source = resistors + sample + stored within 1e-3 over whole slips: wire W behind R and L, C across it."""
    from fempslip.run.circuits import circuit_energy

    text = WIRE_W.replace("drive: {current: {from: source, to: drain, density: 0.3 j0}}", CIRCUIT)
    done = experiment(case_from(text, tmp_path, {"time.until": 250, "measure.from": 100, "time.tolerance": 1e-4}))

    class Kept:
        tables, folder = done.memory.tables, tmp_path
        table = staticmethod(done.table)

    found = circuit_energy(done.case, Kept())  # type: ignore[arg-type]
    assert found["resistors"] > 0.1 * found["supplied"] > 0
    assert abs(found["residual"]) < 1e-3, found


CIRCUIT = """
drive:
  circuit:
    elements:
      bias: {current: {ramp: {to: 0.45, over: 20 tau}}, from: ground, to: a}
      shunt: {resistor: 4, from: a, to: ground}
      l: {inductor: 5, from: a, to: in}
      c: {capacitor: 0.5, from: in, to: ground}
    terminals: {source: in, drain: ground}
"""


def test_johnson_noise_gives_equipartition(wire: Problem) -> None:
    """C <v^2> = k T, in I0 V0 tau0 (two units of F): R = 1, C = 2 at T = 0.4 F units, so <v^2> = 0.1; dt = 0.1.

    The error of 60 000 steps with a correlation time of 2 tau0 is sqrt(2 * 2 tau0 / 6000 tau0) = 2.6 %; seeded.
    """
    circuit = (Element("r", "resistor", "in", "ground", 1.0), Element("c", "capacitor", "in", "ground", 2.0))
    netlist = Netlist.of(wired(wire, *circuit, temperature=0.4, seed=3))
    _, found = march(netlist, 1e9, 0.1, 6000.0)
    v = np.array(found)[100:, netlist.equations.node["in"]]
    assert abs(np.mean(v**2) / 0.1 - 1) < 0.06


# ------------------------------------------------------------------------------------------- films, bodies, SNS

FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [8 xi, 6 xi], center: [0, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
material: {u: 5.79, gamma: 1}
contacts: {source: normal, drain: normal}
drive:
  field: 0.1
  circuit:
    elements:
      bias: {current: {ramp: {to: 2.5, over: 5 tau}}, from: ground, to: a}
      load: {resistor: 3, from: a, to: ground}
      l: {inductor: 2, from: a, to: in}
      tap: {resistor: 1, from: out, to: ground}
    terminals: {source: in, drain: out}
mesh: {size: 0.7 xi}
time: {until: 20 tau}
measure: {between: [source, drain]}
record: {fields: every 10 tau}
"""


def test_the_voltage_of_the_terminals_is_that_of_the_probes_in_a_film(tmp_path: Path) -> None:
    """Node potentials of the circuit against the mean potentials over the contacts, which are probes too."""

    done = experiment(case_from(FILM, tmp_path))
    circuit, voltage = done.table("circuit"), done.table("voltage")
    assert np.abs(circuit["V in"] - circuit["V out"] - voltage["source|drain"]).max() < 1e-9
    assert np.abs(circuit["V out"] - 1.0 * circuit["I tap"]).max() < 1e-12
    assert np.abs(circuit["I into source"] + circuit["I into drain"]).max() < 1e-12
    assert circuit["V in"][-1] > 0.1


THREE = """
geometry:
  dimension: 1
  regions:
    left: {segment: {from: [-6], to: [0]}}
    right: {segment: {from: [0], to: [6]}}
    down: {segment: {from: [0], to: [0, -4]}}
  boundaries: {source: {end: first, of: left}, drain: {end: last, of: right}, tap: {end: last, of: down}}
material: {u: 5.79, gamma: 0, epsilon: -1}
contacts: {source: normal, drain: normal, tap: normal}
drive:
  circuit:
    elements:
      bias: {voltage: 1, from: ground, to: top}
      series: {resistor: 2, from: top, to: in}
      meter: {resistor: 5, from: out, to: ground}
    terminals: {source: in, drain: out, tap: ground}
mesh: {size: 0.1 xi}
time: {until: 5 tau}
measure: {between: [[source, tap], [drain, tap]]}
"""


def test_three_terminals_of_a_normal_star(tmp_path: Path) -> None:
    """A star of wires of 6, 6 and 4 V0/I0 in its normal state, as Ohm has it."""
    done = experiment(case_from(THREE, tmp_path))
    circuit, voltage = done.table("circuit"), done.table("voltage")
    parallel = 1 / (1 / (6 + 5) + 1 / 4)
    current = 1 / (2 + 6 + parallel)
    middle = current * parallel
    for name, wanted in {"source": current, "drain": -middle / (6 + 5), "tap": -middle / 4}.items():
        assert circuit[f"I into {name}"][-1] == pytest.approx(wanted, rel=1e-9)
    assert circuit["V out"][-1] == pytest.approx(5 * middle / 11, rel=1e-9)
    assert voltage["source|tap"][-1] == pytest.approx(1 - 2 * current, rel=1e-9)


BAR = """
geometry:
  dimension: 3
  regions: {bar: {box: {size: [6, 2, 2]}}}
  boundaries: {source: {face: left, of: bar}, drain: {face: right, of: bar}}
material: {u: 5.79, gamma: 1}
contacts: {source: normal, drain: normal}
drive:
  circuit:
    elements: {bias: {voltage: {ramp: {to: 0.5, over: 2 tau}}, from: ground, to: in}}
    terminals: {source: in, drain: ground}
mesh: {size: 1 xi}
time: {until: 4 tau}
measure: {between: [source, drain]}
"""


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_ideal_voltage_in_three_dimensions(tmp_path: Path) -> None:
    done = experiment(case_from(BAR, tmp_path))
    voltage = done.table("voltage")
    late = voltage["t"] > 2.5
    assert np.abs(voltage["source|drain"][late] - 0.5).max() < 1e-6  # of the iterative Poisson solver


SNS = """
geometry:
  dimension: 1
  regions:
    left: {segment: {from: [-15], to: [-W]}}
    layer: {segment: {from: [-W], to: [W]}}
    right: {segment: {from: [W], to: [15]}}
  boundaries: {source: {end: first, of: left}, drain: {end: last, of: right}}
material: {everywhere: {u: 5.79, gamma: 0}, layer: {epsilon: -1}}
contacts: {source: bank, drain: bank}
drive:
  circuit:
    elements: {closed: {resistor: 0, from: in, to: ground}}
    terminals: {source: in, drain: ground}
mesh: {size: 0.1 xi}
time: {until: 400 tau}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("width", "phase", "current"),
    [
        (2, 1.0, 0.0231434),
        (2, np.pi / 2, 0.0358207),
        (2, 2.0, 0.0448184),
        (4, 1.0, 0.0063819),
        (4, np.pi / 2, 0.0084109),
    ],
)
def test_f6_current_and_phase_of_a_normal_layer(width: float, phase: float, current: float, tmp_path: Path) -> None:
    """F6: eps = -1 over d = 2 and 4 in a wire of 30 xi, phases +-phi/2 at its banks, shorted: I(phi) within 1 %."""
    case = case_from(SNS.replace("W", f"{width / 2}"), tmp_path)
    problem = problem_of(case)
    x = problem.mesh.points[0][np.argsort(problem.mesh.node_of_vertex)]
    psi = given_state(problem, np.tanh(np.abs(x) / 2 + 0.2) * np.exp(0.5j * phase * x / 15))
    done = experiment(case, psi)
    assert done.table("circuit")["I into source"][-1] == pytest.approx(current, rel=0.01)
