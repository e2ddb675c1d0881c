"""Oracles E1 to E5: thermal noise by fluctuation and dissipation, fixed seeds.

T is k T in units of F; a run of n correlated samples has a standard error, measured from ten blocks of it.
"""

import cmath
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import differences
import numpy as np
import pytest
from laboratory import case_from, problem_of

from fempslip.contract import Array, Noise, Problem
from fempslip.physics import activation, fluctuations
from fempslip.run.results import block_error
from fempslip.solver.bdf2 import Bdf2, advance
from fempslip.solver.trapezoid import Trapezoid
from fempslip.topology.net_winding import Diffusion, diffusion
from fempslip.topology.windings import branch, crossings

slow = pytest.mark.slow
pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")

WIRE = """
geometry:
  dimension: 1
  parameters: {length: 60 xi}
  regions: {wire: {segment: {from: [0], to: [length]}}}
material: {u: 5.79, gamma: 0}
mesh: {size: 0.25 xi}
time: {until: 1000 tau}
"""
RING = """
geometry:
  dimension: 1
  parameters: {radius: "38.1971863 xi"}
  regions: {ring: {ring: {radius: radius, center: [0, 0]}}}
  holes: {hole: {point: [0, 0]}}
  contours: {loop: hole}
material: {u: 5.79, gamma: 0}
model: {charge: "off"}
mesh: {size: 0.25 xi}
time: {until: 1000 tau}
"""


def hot(problem: Problem, temperature: float, dt: float, seed: int = 1, johnson: bool = False) -> Trapezoid:
    """A stepper at constant dt."""
    cells = np.ones(problem.mesh.cells.shape[1]) if johnson else None
    clock = replace(problem.clock, fixed=dt)
    return Trapezoid.of(replace(problem, clock=clock, noise=Noise(temperature, seed, cells)))


def averaged(stepper: Trapezoid, steps: int, settle: int, every: int, see: object) -> Array:
    """see(state) at every `every`-th step after `settle` of them."""
    state, depth, dt, found = stepper.begin(), stepper.declare(), stepper.step(), []
    for k in range(steps):
        trial = stepper.attempt(state, dt)
        state = advance(state, trial, dt, depth)
        if k >= settle and k % every == 0:
            found.append(see(state))
    return np.array(found)


def density(problem: Problem):
    share = problem.operators.m / problem.operators.m.sum()
    return lambda state: share @ np.abs(state["psi"]) ** 2


# ------------------------------------------------------------------------------------------- linear modes


@pytest.mark.parametrize(
    ("height", "pace"), [(40.0, 0.05), (40.0, 0.2), (40.0, 1.0), (40.0, 5.0), (40.0, 50.0), (0.5, 0.05), (0.5, 1.0)]
)
def test_the_variance_of_linear_modes_is_T_over_lambda_whatever_the_step(tmp_path: Path, height: float, pace: float):
    """<|c|^2> lambda/T = 1 within 2 %, mean of the modes of K + height m at pace = lambda dt/u of the slowest one.

    240 nodes at h = 1: lambda from height to height + 4.  The standard error of the mean is below 0.6 %.
    """
    changes = {
        "geometry.parameters.length": 239.0,
        "mesh.size": 1.0,
        "model.charge": "off",
        "material.epsilon": -height,
    }
    problem = problem_of(case_from(WIRE, tmp_path, changes))
    op, temperature = problem.operators, 1e-9
    k = (op.G.T @ (op.w[:, None] * op.G.toarray())) + np.diag(height * op.m)
    root = np.sqrt(op.m)
    values, vectors = np.linalg.eigh(k / root[:, None] / root[None, :])
    stepper = hot(replace(problem, psi=np.zeros_like(problem.psi)), temperature, pace * problem.u[0] / values[0])
    modes = (vectors * root[:, None]).T
    ratio = averaged(stepper, 4000, 200, 4, lambda s: np.mean(np.abs(modes @ s["psi"]) ** 2 * values) / temperature)
    assert block_error(ratio) < 0.007
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)


BODY = """
geometry: {dimension: 3, regions: {bar: {box: {size: [6, 3, 3], center: [0, 0, 0]}}}}
material: {u: 5.79, gamma: 0, epsilon: -4}
mesh: {size: 0.8 xi}
time: {until: 1000 tau}
"""


@pytest.mark.parametrize(("charge", "dt"), [("off", 0.1), ("off", 2.0), ("conserved", 0.1)])
def test_the_variance_of_linear_modes_of_a_body(tmp_path: Path, charge: str, dt: float):
    """The same on tetrahedra with weights below 0, and with the Johnson noise of their cells."""
    problem = problem_of(case_from(BODY, tmp_path, {"model.charge": charge}))
    op, temperature = problem.operators, 1e-9
    assert np.mean(op.w < 0) > 0.05
    k = (op.G.T @ (op.w[:, None] * op.G.toarray())) + np.diag(4 * op.m)
    root = np.sqrt(op.m)
    values, vectors = np.linalg.eigh(k / root[:, None] / root[None, :])
    start = replace(problem, psi=np.zeros_like(problem.psi))
    stepper = hot(start, temperature, dt, johnson=charge == "conserved")
    modes = (vectors * root[:, None]).T
    ratio = averaged(stepper, 2000, 200, 4, lambda s: np.mean(np.abs(modes @ s["psi"]) ** 2 * values) / temperature)
    assert block_error(ratio) < 0.007
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)


# ------------------------------------------------------------------------------------------- E1, E2, E3


@pytest.mark.parametrize("charge", ["off", "conserved"])
def test_E1_above_Tc(tmp_path: Path, charge: str):
    """eps = -0.5, T = 0.02, L = 60, h = 0.25, dt = 0.1: <|psi|^2> of the linear modes times 0.974, within 3 %.

    0.974: the quartic to first order, which for a complex field is eps -> eps - 2 <|psi|^2> in T mean (K - eps m)^-1.
    """
    temperature, a = 0.02, 0.5
    problem = problem_of(case_from(WIRE, tmp_path, {"material.epsilon": -a, "model.charge": charge}))
    op = problem.operators

    def gaussian(mass: float) -> float:
        k = (op.G.T @ (op.w[:, None] * op.G.toarray())) + np.diag(mass * op.m)
        return temperature * float(op.m @ np.diag(np.linalg.inv(k))) / op.m.sum()

    first_order = gaussian(a + 2 * gaussian(a))
    assert first_order / gaussian(a) == pytest.approx(0.974, abs=0.003)
    stepper = hot(replace(problem, psi=0 * problem.psi), temperature, 0.1, johnson=charge == "conserved")
    found = averaged(stepper, 25_000, 1000, 10, density(problem))
    assert block_error(found) < 0.01 * found.mean()
    assert found.mean() == pytest.approx(first_order, rel=0.03)


EXACT = {1: 1.287600, 2: 1.112636, 4: 1.027624, 10: 1.000851}


def points(folder: Path, volume: float, gamma: float) -> Problem:
    """4000 points without links, each of the given volume: zero dimensions, as often as there are nodes."""
    problem = problem_of(case_from(RING, folder, {"material.gamma": gamma, "mesh.size": 0.06}))
    op = problem.operators
    alone = replace(op, w=np.zeros_like(op.w), m=np.full(op.nodes, volume))
    return replace(problem, operators=alone)


@pytest.mark.parametrize(("ratio", "gamma", "tolerance"), [
    (1, 0, 0.004), (2, 0, 0.004), (4, 0, 0.004), (10, 0, 0.004), (1, 1, 0.012), (4, 1, 0.01), (10, 1, 0.01),
])  # fmt: skip
def test_E2_a_point(tmp_path: Path, ratio: int, gamma: float, tolerance: float):
    """<|psi|^2> at volume over T = 1, 2, 4, 10, dt = 0.1; exact, by quadrature of exp(-F/T)."""
    problem = points(tmp_path, 1.0, gamma)
    found = averaged(hot(problem, 1.0 / ratio, 0.1), 4000, 800, 10, density(problem))
    assert block_error(found) < tolerance / 3 * found.mean()
    assert found.mean() == pytest.approx(EXACT[ratio], rel=tolerance)


EXACT_WIRE = {0.05: 0.98181, 0.1: 0.96239, 0.2: 0.91687, 0.5: 0.79607, 1.0: 0.84924}


@pytest.mark.parametrize(
    ("temperature", "tolerance"), [(0.05, 0.01), (0.2, 0.015), (0.5, 0.02), pytest.param(1.0, 0.02, marks=slow)]
)
def test_E3_density_of_a_wire(tmp_path: Path, temperature: float, tolerance: float):
    """<|psi|^2> of the classical transfer operator; closed wire of 240 xi, h = 0.25, dt = 0.1, pure relaxation.

    Fixed seed; the standard error, from blocks, is below half the tolerance.
    """
    problem = problem_of(case_from(RING, tmp_path))
    assert problem.operators.m.sum() == pytest.approx(240, rel=1e-4)
    found = averaged(hot(problem, temperature, 0.1), 20_000, 3000, 20, density(problem))
    assert block_error(found) < tolerance / 2
    assert found.mean() == pytest.approx(EXACT_WIRE[temperature], rel=tolerance)


@slow
@pytest.mark.parametrize(("temperature", "wanted"), [(0.5, 3.5953), (1.0, 1.7676)])
def test_E3_correlation_length(tmp_path: Path, temperature: float, wanted: float):
    """<psi*(x) psi(0)> falls as exp(-x/l): l from its logarithm between one and two l, within 5 %."""
    problem = problem_of(case_from(RING, tmp_path))
    n = problem.operators.nodes

    def correlation(state) -> Array:
        return np.fft.ifft(np.abs(np.fft.fft(around(problem, state["psi"]))) ** 2).real / n

    mean = averaged(hot(problem, temperature, 0.1), 60_000, 3000, 20, correlation).mean(axis=0)
    h = problem.operators.m.sum() / n
    x = h * np.arange(n)
    part = (x > 0.7 * wanted) & (x < 2 * wanted)
    assert -1 / np.polyfit(x[part], np.log(mean[part]), 1)[0] == pytest.approx(wanted, rel=0.05)


def around(problem: Problem, values: Array) -> Array:
    """Node values in order along the ring."""
    place = np.empty((2, problem.operators.nodes))
    place[:, problem.mesh.node_of_vertex] = problem.mesh.points[:2]
    return values[np.argsort(np.arctan2(place[1], place[0]))]


# ------------------------------------------------------------------------------------------- films

FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [10 xi, 10 xi], center: [0, 0]}}}
material: {gamma: 0}
model: {charge: "off"}
noise: {temperature: 0.04}
time: {until: 1000 tau}
"""


def test_the_mesh_is_the_cutoff_of_a_film_and_what_renormalising_does(tmp_path: Path):
    """T = 0.04: what fluctuates grows as (T/2 pi) ln(1/h), from h = 1 to 0.5 by 0.0044, and lowers <|psi|^2> by as much
    again and more; with epsilon raised by twice of it, <|psi|^2> less the fluctuations is 1 on both meshes.

    Standard errors 0.003, and the same in all (their longest waves are the same).
    """
    bare, mended, cloud = {}, {}, {}
    for size in (1.0, 0.5):
        for found, changes in ((bare, {}), (mended, {"noise.renormalise": True})):
            problem = problem_of(case_from(FILM, tmp_path, {"mesh.size": size} | changes))
            share = problem.operators.m / problem.operators.m.sum()
            cloud[size] = share @ fluctuations.gaussian_density(problem)
            seen = averaged(Trapezoid.of(problem), 4000, 600, 5, density(problem))
            assert block_error(seen) < 0.0035
            found[size] = seen.mean() - cloud[size]
    assert cloud[0.5] - cloud[1.0] == pytest.approx(0.04 * np.log(2) / (2 * np.pi), rel=0.15)
    assert bare[0.5] < bare[1.0] - 0.004
    assert bare[1.0] < 0.985
    assert list(mended.values()) == pytest.approx([1.0, 1.0], abs=0.008)


# ------------------------------------------------------------------------------------------- E4, E5


class NetWinding:
    """Zeros that crossed the stretch from x = 5 to 55 since the start: by k of its edges and turns of its ends."""

    def __init__(self, problem: Problem) -> None:
        x = problem.mesh.points[0]
        self.edges = problem.operators.edges
        middle = x[self.edges].mean(axis=0)
        self.path = np.flatnonzero((middle > 5) & (middle < 55))
        self.sense = np.sign(np.diff(x[self.edges[:, self.path]], axis=0)[0])
        self.ends = [int(np.argmin(np.abs(x - end))) for end in (5.0, 55.0)]
        self.turns = [0.0, 0.0]
        self.start: float | None = None

    def see(self, old: Array, new: Array) -> None:
        for k, end in enumerate(self.ends):
            turn = cmath.phase(new[end]) - cmath.phase(old[end])
            self.turns[k] -= round(turn / (2 * np.pi))

    def count(self, state) -> float:
        k = self.sense @ branch(np.angle(state["psi"]), state["a"][self.path], self.edges[:, self.path])
        if self.start is None:
            self.start = k
        return self.start - k + self.turns[1] - self.turns[0]


def net_winding(folder: Path, dt: float, time: float, seed: int, current: float = 0.0, temperature: float = 0.25):
    """(t, N) every 2 tau0 after 200 tau0 of settling."""
    changes: dict[str, object] = {"time.until": time}
    if current:
        ends = {"source": {"end": "first", "of": "wire"}, "drain": {"end": "last", "of": "wire"}}
        changes |= {"geometry.boundaries": ends, "contacts": {"source": "free", "drain": "free"}}
        changes |= {"drive.current": {"from": "source", "to": "drain", "density": current}}
    problem = problem_of(case_from(WIRE, folder, changes))
    stepper = hot(problem, temperature, dt, seed, johnson=True)
    net, state, depth, found = NetWinding(problem), stepper.begin(), stepper.declare(), []
    net.count(state)
    for k in range(round(time / dt)):
        old, trial = state, stepper.attempt(state, dt)
        state = advance(state, trial, dt, depth)
        net.see(old["psi"], state["psi"])
        if k % round(2 / dt) == 0 and k * dt > 200:
            found.append(net.count(state))
    return 2.0 * np.arange(len(found)), np.array(found)


def test_net_windings_are_the_sum_of_all_crossings(tmp_path: Path):
    problem = problem_of(case_from(WIRE, tmp_path))
    stepper, net, total = hot(problem, 0.4, 0.1, johnson=True), NetWinding(problem), 0.0
    state, depth = stepper.begin(), stepper.declare()
    net.count(state)
    for _ in range(2000):
        old, trial = state, stepper.attempt(state, 0.1)
        state = advance(state, trial, 0.1, depth)
        net.see(old["psi"], state["psi"])
        where = net.path
        w = crossings(old["psi"], old["a"][where], state["psi"], state["a"][where], net.edges[:, where])
        total += net.sense @ w
    assert net.count(state) == total and total != 0


def test_the_law_of_slips_is_that_of_low_temperatures():
    """E3 by the transfer operator; from the same state the density of psi = 0 at a point over its Gaussian value: 1 at
    T -> 0, and 0.77 at T = 0.25, where E4 and E5 are run.
    """
    for temperature, wanted in EXACT_WIRE.items():
        r, p = activation.equilibrium(temperature)
        assert 2 * np.pi * (r[1] - r[0]) * (r**3 @ p) == pytest.approx(wanted, rel=1e-4)
    share = {t: activation.zeros_over_gauss(t) for t in (0.04, 0.08, 0.2, 0.25)}
    assert 2 * share[0.04] - share[0.08] == pytest.approx(1, abs=3e-3)  # what is linear in T taken off
    assert share[0.25] == pytest.approx(0.773, abs=1e-3) and share[0.2] == pytest.approx(0.834, abs=1e-3)
    assert activation.zeros_over_gauss(0.02) == pytest.approx(1 - 0.5 * (1 - share[0.04]), rel=1e-12)
    assert activation.zeros_over_gauss(0.25 * 0.5**1.5, 0.5) == pytest.approx(share[0.25], rel=1e-9)


def pace(n: Array, temperature: float, window: float = 200.0) -> tuple[float, float]:
    """(rate over the law of E4 with the exact weight of a zero, standard error) by the spread of N over a window."""
    law = activation.rate(50, temperature, 5.79) * activation.zeros_over_gauss(temperature)
    w = round(window / 2)
    ratio = float(np.mean((n[w:] - n[:-w]) ** 2)) / window / 2 / law
    return ratio, ratio * float(np.sqrt(2 * window / (2 * n.size)))


@slow
def test_E4_by_another_program():
    """Finite differences (tests/differences.py), h = 0.5: within a factor 1.3 by three standard errors, T -> 0 with the
    exact weight of a zero taken out; the bare law is missed by a third at T = 0.3 and by a sixth at 0.2.
    """
    found = {}
    for temperature, time in ((0.2, 2e5), (0.25, 1e5), (0.3, 0.5e5)):
        _, n = differences.net_winding(60, 0.5, temperature, 5.79, 0.1, time, seed=1)
        found[temperature] = pace(n[100:], temperature)
    print("E4 by differences, over law times weight:", found)
    ratio, error = np.array(list(found.values())).T
    mean, slack = np.average(ratio, weights=error**-2), 3 / np.sqrt(np.sum(error**-2))
    assert mean - slack > 1 / 1.3 and mean + slack < 1.3


@slow
@pytest.mark.parametrize(("temperature", "dt", "seeds"), [(0.25, 0.1, (1, 2)), (0.25, 0.05, (3,)), (0.2, 0.1, (7, 8))])
def test_E4_rate_of_thermal_slips(tmp_path: Path, temperature: float, dt: float, seeds: tuple[int, ...]):
    """Charge conserved, interior 50 xi of 60, 60000 tau0 a seed: Omega within a factor 1.3 of the law, which is taken
    with the exact weight of a zero at this T.  From the spread of N(t) over 200 tau0; dt halved once.
    """
    runs, rest = [], []
    for seed in seeds:
        t, n = net_winding(tmp_path, dt, 60_000, seed, temperature=temperature)
        runs.append(pace(n, temperature)[0])
        rest.append(diffusion(t, n, np.array([200.0, 500.0, 1000.0])).values)
    ratio = np.mean(runs)
    error = ratio * np.sqrt(2 * 200 / 60_000 / len(seeds))
    share = activation.zeros_over_gauss(temperature)
    plateau = np.mean(rest, axis=0) / 2 / activation.rate(50, temperature, 5.79)
    print(
        f"E4, T = {temperature}, dt = {dt}: {ratio:.3f} +- {error:.3f}, of the bare law {share * ratio:.3f}; ", plateau
    )
    assert 1 / 1.3 < ratio < 1.3


@cache
def driven(dt: float, seed: int) -> tuple[float, float, Diffusion]:
    """(V over the law of E5, its standard error, spread) at j = 0.03, T = 0.25, interior 50 xi, 60000 tau0."""
    with TemporaryDirectory() as folder:
        t, n = net_winding(Path(folder), dt, 60_000, seed, current=0.03)
    found = diffusion(t, n, np.array([200.0]))
    law = 2 * activation.rate(50, 0.25, 5.79) * np.sinh(2 * np.pi * 0.03 / 0.25)
    return abs(found.drift) / law, float(np.sqrt(found.values[0] / t[-1])) / law, found


DRIVEN = pytest.mark.parametrize(("dt", "seed"), [(0.1, 5), (0.05, 6)])


@slow
@DRIVEN
def test_E5_slips_with_and_against_the_current(dt: float, seed: int):
    """They go as exp(4 pi j/T), so that drift over diffusion is tanh(2 pi j/T); within three standard errors."""
    _, _, found = driven(dt, seed)
    d, error, run = found.values[0], found.errors[0], 60_000 - 200
    wanted = np.tanh(2 * np.pi * 0.03 / 0.25)
    slack = 3 * wanted * np.hypot(error / d, 1 / np.sqrt(d * run) / wanted)
    assert abs(found.drift) / d == pytest.approx(wanted, abs=slack)


@slow
def test_E5_voltage_of_thermal_slips():
    """V = 4 pi Omega sinh(2 pi j/T) at j = 0.03, T = 0.25, Omega as in E4: within a factor 1.3, mean of two runs at
    each of two steps, which agree; and as much as the other program finds, all within three standard errors.

    At 0.78 +- 0.03 the mean lies close to the factor's end, so its own error is allowed for once.
    """
    runs = np.array([[driven(dt, seed)[:2] for seed in seeds] for dt, seeds in ((0.1, (5, 15)), (0.05, (6, 16)))])
    (first, second), errors = runs[..., 0].mean(axis=1), np.sqrt((runs[..., 1] ** 2).sum(axis=1)) / 2
    mean, error = (first + second) / 2, np.hypot(*errors) / 2
    t, n = differences.net_winding(60, 0.5, 0.25, 5.79, 0.1, 1e5, seed=2, current=0.03)
    t, n = t[100:], n[100:]
    law = 2 * activation.rate(50, 0.25, 5.79) * np.sinh(2 * np.pi * 0.03 / 0.25)
    duration = t[-1] - t[0]
    spread = np.sqrt(diffusion(t - t[0], n, np.array([200.0])).values[0] / duration)
    theirs, doubt = abs(n[-1] - n[0]) / duration / law, spread / law
    weight = activation.zeros_over_gauss(0.25)
    print(f"E5: V over the bare law {first}, {second} +- {errors}; by differences {theirs} +- {doubt}")
    print(f"E5: mean with the weight {mean / weight} +- {error / weight}")
    assert abs(first - second) < 3 * np.hypot(*errors)
    assert abs(mean - theirs) < 3 * np.hypot(error, doubt)
    assert 1.3 * (mean + error) / weight > 1
    assert (mean - error) / weight < 1.3


# ------------------------------------------------------------------------------------------- in a circuit

SHUNTED = """
geometry:
  dimension: 1
  regions: {wire: {segment: {from: [0], to: [4]}}}
  boundaries: {source: {end: first, of: wire}, drain: {end: last, of: wire}}
material: {u: 5.79, gamma: 0, epsilon: -1}
contacts: {source: free, drain: free}
drive:
  circuit:
    elements: {c: {capacitor: 2, from: in, to: ground}}
    terminals: {source: in, drain: ground}
noise: {temperature: 0.2, seed: 5}
mesh: {size: 0.5 xi}
time: {until: 1000 tau, fixed: 0.1}
"""


@pytest.mark.parametrize(("capacitor", "within"), [(0.5, 0.18), (0.005, 0.06)])
def test_a_wire_charges_a_capacitor_to_kT(capacitor: float, within: float, tmp_path: Path):
    """C <v^2> = k T, in I0 V0 tau0 (two units of F): a normal wire of 4 V0/I0 across C, T = 0.2 F units, dt = 0.1 tau0,
    also where R C = 0.02 tau0 is shorter than the step.  Three standard errors of 10 000 steps, seeded."""
    case = case_from(SHUNTED, tmp_path, {"drive.circuit.elements.c.capacitor": capacitor})
    stepper = Trapezoid.of(problem_of(case))
    place = stepper.circuit.equations.branch["c"]
    charge = averaged(stepper, 10_000, 200, 1, lambda state: state["kept"][place])
    assert np.mean(charge**2) / capacitor == pytest.approx(0.1, rel=within)


def test_without_heat_it_is_the_circuit_of_a_quiet_wire(tmp_path: Path):
    """kT = 1e-20: currents of the noisy step and of BDF2 in the same circuit (ramp of a source, R, L, C) go together as
    dt^2: within 1e-3 at dt = 0.4 and a quarter of it at 0.2."""
    elements = {
        "bias": {"current": {"ramp": {"to": 0.2, "over": "4 tau"}}, "from": "ground", "to": "a"},
        "r": {"resistor": 2, "from": "a", "to": "ground"},
        "l": {"inductor": 1, "from": "a", "to": "in"},
        "c": {"capacitor": 0.5, "from": "in", "to": "ground"},
    }
    change = {"material.epsilon": 1, "drive.circuit.elements": elements}
    change |= {"noise.temperature": 1e-20, "time.until": 8}
    problem = problem_of(case_from(SHUNTED, tmp_path, change))
    quiet = Bdf2.of(replace(problem, noise=None, clock=replace(problem.clock, fixed=0.0125, dt_start=0.0125)))
    place = quiet.load.equations.branch["l"]
    state = quiet.begin()
    for _ in range(640):
        state = advance(state, quiet.attempt(state, 0.0125), 0.0125, quiet.declare())
    wanted, off = state["circuit"][place], []
    for dt in (0.4, 0.2):
        stepper = Trapezoid.of(replace(problem, clock=replace(problem.clock, fixed=dt)))
        state = stepper.begin()
        for _ in range(round(8 / dt)):
            state = advance(state, stepper.attempt(state, dt), dt, stepper.declare())
        off.append(abs(state["kept"][place] / 1.0 - wanted))
    assert off[0] < 1e-3 * abs(wanted) and 3 < off[0] / off[1] < 5.5, (off, wanted)
