"""Superfluids against the oracles K: sound, solitons, vortices, the Josephson relation under pressure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from, experiment, problem_of
from scipy.integrate import solve_ivp

from fempslip.case import load
from fempslip.contract import Array, Clock, Drive, Failure, Fluid, Landscape, Mesh, Problem, Refusal, State
from fempslip.mesh import simple
from fempslip.mesh.operators import operators
from fempslip.physics import superfluid
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.graph import graph
from fempslip.run import fluids
from fempslip.run.afterwards import ledger_between
from fempslip.run.running import solve
from fempslip.run.superflow import halved
from fempslip.solver.bdf2 import advance
from fempslip.solver.reactive import Factored, Iterated
from fempslip.tasks.evolve import stepper_of

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")

BOX = """
geometry:
  dimension: 2
  regions: {tank: {rectangle: {size: [20 xi, 16 xi], center: [0, 0]}}}
  probes: {a: [-8, 0], b: [8, 0]}
model: {dynamics: superfluid}
start: {vortices: [{at: [0, 3]}, {at: [0, -3], winding: -1}]}
mesh: {size: 0.5 xi}
time: {until: 400 tau}
measure: {between: [a, b]}
record: {fields: every 20 tau}
"""


def problem_on(mesh: Mesh, psi: Array, dt: float, rate: complex = -1j) -> Problem:
    """A superfluid with eps = 1 on a mesh, in memory."""
    op = operators(mesh)
    one, nothing = np.ones(op.nodes), np.zeros(op.nodes)
    still = Landscape(nothing, np.zeros((0, op.nodes)), ())
    fluid = Fluid(np.full(op.nodes, rate), still, (), nothing)
    drive = Drive(np.zeros((0, op.edges.shape[1])), (), {})
    model, clock = {"dynamics": "superfluid"}, Clock(1e9, fixed=dt)
    return Problem(mesh, op, one, one, one, one, one, one, model, (), drive, {}, clock, psi, fluid=fluid)


def marched(problem: Problem, steps: int) -> list[State]:
    stepper = stepper_of(problem)
    state, depth, dt = stepper.begin(), stepper.declare(), problem.clock.fixed or 0.0
    states = [state]
    for _ in range(steps):
        state = advance(state, stepper.attempt(state, dt), dt, depth)
        states.append(state)
    return states


# ---------------------------------------------------------------------------------------------- the parts of a step


@pytest.mark.parametrize("u", [-1j, 0.2 - 1j, 1.0 + 0j, 3.0 - 1j])
@pytest.mark.parametrize(("epsilon", "beta"), [(1.0, 1.0), (-0.7, 1.3), (0.0, 1.0)])
def test_the_pointwise_part_is_exact(u: complex, epsilon: float, beta: float) -> None:
    """Against the ordinary differential equation u (d_t + i mu) psi = (eps - beta |psi|^2) psi solved to 1e-11."""
    mu, h, start = 0.3, 1.7, 0.6 + 0.5j

    def rate(t: float, y: Array) -> Array:
        return (epsilon - beta * np.abs(y) ** 2) * y / u - 1j * mu * y

    exact = solve_ivp(rate, (0, h), [start], rtol=1e-11, atol=1e-13).y[0, -1]
    psi = np.array([start])
    full = [np.array([value]) for value in (u, epsilon, beta, mu, 0.0)]
    superfluid.point(psi, h, *full)
    assert abs(psi[0] - exact) < 1e-8


def test_both_kinetic_solvers_and_a_dense_one_agree() -> None:
    """With links of a field, on a shaken film; LU against (m + dt/2u K)^-1 in full, CGW against LU."""
    mesh = simple.rectangle(8, 6, (4.0, 3.0), shake=0.2)
    op, dice = operators(mesh), np.random.default_rng(3)
    psi = dice.normal(size=op.nodes) + 1j * dice.normal(size=op.nodes)
    a = dice.normal(0, 0.3, op.edges.shape[1])
    k, dt = LinkEnergy(op, np.ones(op.nodes)).stiffness(a), 0.1
    dense = np.linalg.solve(np.diag(op.m) + 0.5 * dt / -1j * k.toarray(), op.m * psi)
    assert np.abs(Factored(k, op.m, np.full(op.nodes, -1j)).middle(psi, dt)[0] - dense).max() < 1e-12
    g = graph(op)
    link = np.empty(g.neighbour.size, dtype=complex)
    link[g.up], link[g.down] = op.w * np.exp(-1j * a), op.w * np.exp(1j * a)
    middle, count = Iterated(g, op.m, 1e-12).middle(psi, link, dt)
    assert 0 < count < 200 and np.abs(middle - dense).max() < 1e-10


# ---------------------------------------------------------------------------------------------- sound


def frequency(t: Array, c: Array) -> float:
    """Angular frequency of c(t) from its zeros."""
    z = np.flatnonzero(np.diff(np.sign(c)))
    passed = t[z] - c[z] * (t[z + 1] - t[z]) / (c[z + 1] - c[z])
    return float(np.pi / np.polyfit(np.arange(passed.size), passed, 1)[0])


def sound_on_a_ring(k: float, h: float, dt: float = 0.01) -> tuple[float, float]:
    """(omega measured, omega of oracle K1) of a standing wave; a kick of the phase, 1e-4."""
    waves = max(1, round(8 * k / np.pi))
    n = round(2 * np.pi * waves / k / h)
    mesh, x = simple.closed_ring(n, n * h), h * np.arange(n)
    k = 2 * np.pi * waves / (n * h)
    omega = k * np.sqrt(k**2 + 2)
    states = marched(problem_on(mesh, np.exp(1e-4j * np.cos(k * x)), dt), int(6 * 2 * np.pi / omega / dt))
    c = np.array([np.sum((np.abs(s["psi"]) ** 2 - 1) * np.cos(k * x)) for s in states[1:]])
    return frequency(np.array([s.t for s in states[1:]]), c), omega


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0])
def test_bogoliubov_sound(k: float) -> None:
    """K1: omega = k sqrt(k^2 + 2) within 0.3 % at h = 0.1 (the mesh's own error is -(kh)^2/24 (1 + k^2/(k^2 + 2)))."""
    found, wanted = sound_on_a_ring(k, 0.1)
    assert found == pytest.approx(wanted, rel=3e-3)
    assert found / wanted - 1 == pytest.approx(-((k * 0.1) ** 2) / 24 * (1 + k**2 / (k**2 + 2)), rel=0.05, abs=2e-5)


def sound_along(mesh: Mesh) -> float:
    """Relative error of omega at k = 1 on a film or body of 2 pi along x, dt = 0.05."""
    x = mesh.points[0] + np.pi
    problem = problem_on(mesh, np.exp(1e-4j * np.cos(x)), 0.05)
    states, m = marched(problem, int(8 * np.pi / np.sqrt(3) / 0.05)), problem.operators.m
    c = np.array([np.sum(m * (np.abs(s["psi"]) ** 2 - 1) * np.cos(x)) for s in states[1:]])
    return frequency(np.array([s.t for s in states[1:]]), c) / np.sqrt(3) - 1


@pytest.mark.parametrize("dim", [2, 3])
def test_bogoliubov_sound_in_films_and_bodies_by_its_order(dim: int) -> None:
    """K1 in 2D and 3D: 12 and 24 cells along k = 1; the error falls as h^2, drawn on to h = 0 it is below 0.3 %."""
    side = np.pi / 3
    make = {2: lambda n: simple.rectangle(n, n // 3, (2 * np.pi, 2 * side)),
            3: lambda n: simple.box(n, n // 6, n // 6, (2 * np.pi, side, side))}[dim]  # fmt: skip
    coarse, fine = (sound_along(make(n)) for n in (12, 24))
    assert 1.6 < np.log2(coarse / fine) < 2.4
    assert abs(fine + (fine - coarse) / 3) < 3e-3


def test_damped_sound() -> None:
    """u = gamma - i: both eigenvalues of gamma a' + b' = -(k^2 + 2) a, gamma b' - a' = -k^2 b; k = 1, gamma = 0.1."""
    gamma, k, h, dt = 0.1, 1.0, 0.1, 0.02
    n = round(2 * np.pi * 2 / k / h)
    mesh, x = simple.closed_ring(n, n * h), h * np.arange(n)
    k = 4 * np.pi / (n * h)
    left = np.array([[gamma, 1.0], [-1.0, gamma]])
    rate = np.linalg.eigvals(np.linalg.solve(left, -np.diag([k**2 + 2, k**2])))[0]
    states = marched(problem_on(mesh, np.exp(1e-4j * np.cos(k * x)), dt, gamma - 1j), 600)
    b = np.array([np.sum(s["psi"].imag * np.cos(k * x)) for s in states])
    t = np.array([s.t for s in states])
    wave = np.exp(rate.real * t)
    basis = np.stack([wave * np.cos(rate.imag * t), wave * np.sin(rate.imag * t)], axis=1)
    rest = b - basis @ np.linalg.lstsq(basis, b, rcond=None)[0]
    assert np.abs(rest).max() < 5e-3 * np.abs(b).max()


# ---------------------------------------------------------------------------------------------- solitons and force

WIRE = """
geometry:
  dimension: 1
  regions: {wire: {segment: {from: [-30], to: [30]}}}
model: {dynamics: superfluid}
mesh: {size: 0.1 xi}
time: {until: 10 tau}
record: {fields: 1 tau}
"""


@pytest.mark.parametrize(("speed", "energy"), [(0.0, 1.885618), (0.5, 1.224745)])
def test_dark_soliton(speed: float, energy: float, tmp_path: Path) -> None:
    """K4: E = (4 sqrt2/3)(1 - v^2/c^2)^1.5 above the uniform state, and it moves at v; h = 0.1, 0.5 %."""
    soliton = {"at": [-5], "speed": speed}
    problem = problem_of(case_from(WIRE, tmp_path, {"start.solitons": [soliton]}))
    m, x = problem.operators.m, problem.mesh.points[0]
    found = LinkEnergy(problem.operators, problem.epsilon).value(problem.psi, np.zeros(m.size - 1)) + 0.5 * m.sum()
    assert found == pytest.approx(energy, rel=5e-3)
    end = marched(problem, round(10 / (problem.clock.fixed or 1)))[-1]
    hole = 1 - np.abs(end["psi"]) ** 2
    near = hole > 0.5 * hole.max()
    middle = float((hole[near] @ x[near]) / hole[near].sum())
    assert middle + 5 == pytest.approx(speed * np.sqrt(2) * 10, rel=5e-3, abs=0.02)


def test_a_force_accelerates_the_flow(tmp_path: Path) -> None:
    """K6: d(grad theta)/dt = -grad mu along a uniform flow, 0.5 %; slope 0.01 along a wire, before sound comes back."""
    slope = {"linear": {"from": -0.2, "to": 0.2, "start": [-20], "end": [20]}}
    changes = {"drive.potential": slope, "time.until": 8}
    problem = replace(problem_of(case_from(WIRE, tmp_path, changes)), psi=np.ones(601, dtype=complex))
    states = marched(problem, 60)
    end, x = states[-1], problem.mesh.points[0]
    middle = np.abs(x) < 3
    q = np.polyfit(x[middle], np.unwrap(np.angle(end["psi"][middle])), 1)[0]
    assert q / end.t == pytest.approx(-0.01, rel=5e-3)


# ---------------------------------------------------------------------------------------------- what is kept


def test_mass_and_energy_are_kept(tmp_path: Path) -> None:
    """Vortex pair, 400 tau at the default step: mass to 1e-10 (factors), energy to 1e-3 of the condensate's."""
    kept = experiment(case_from(BOX, tmp_path)).table("conserved")
    assert kept["t"][-1] == pytest.approx(400, abs=2)
    assert np.abs(kept["mass"]).max() <= 1e-10
    assert np.abs(kept["energy"]).max() <= 1e-3


def test_a_step_above_the_resonance_is_refused_with_the_number(tmp_path: Path) -> None:
    problem = problem_of(case_from(BOX, tmp_path))
    limit = superfluid.longest_step(problem.operators, 1.0)
    assert 0.8 < limit / np.sqrt(2 * 0.5**2 / 9.5) < 1.3  # lambda = 9.5/h^2 on gmsh's triangles
    with pytest.raises(Refusal, match=f"grow above {limit:.3g} tau"):
        problem_of(case_from(BOX, tmp_path, {"time.fixed": 1.05 * limit}))
    assert problem_of(case_from(BOX, tmp_path, {"time.fixed": 0.95 * limit})).clock.fixed == 0.95 * limit


def test_the_limit_is_that_of_the_resonance() -> None:
    """Noise of 1e-6 on a uniform state, lambda = 4/h^2 = 64: stays at dt = 0.1, grows at 0.2; the limit is 0.177."""
    n = 160
    noise = 1e-6 * np.random.default_rng(1).standard_normal((2, n))
    mesh, psi = simple.closed_ring(n, 0.25 * n), 1 + noise[0] + 1j * noise[1]
    assert superfluid.longest_step(operators(mesh), 1.0) == pytest.approx(0.17678, rel=1e-3)
    for dt, stays in ((0.1, True), (0.2, False)):
        end = marched(problem_on(mesh, psi, dt), round(400 / dt))[-1]
        assert (np.ptp(np.abs(end["psi"])) < 1e-4) == stays


def test_the_watch_stops_a_run_that_grows(tmp_path: Path) -> None:
    """The same instability, the limit not enforced: the run ends with a Failure that names the energy."""
    case = case_from(BOX, tmp_path)
    problem = problem_of(case)
    limit = superfluid.longest_step(problem.operators, 1.0)
    with pytest.raises(Failure, match="the energy of the condensate has changed"):
        experiment(case, problem=replace(problem, clock=replace(problem.clock, fixed=1.5 * limit)))


def test_no_ledger_between_places_of_a_superfluid_that_were_not_measured(tmp_path: Path) -> None:
    """Its chemical potential is counted at measured places alone; between others frames do not hold it."""
    changes = {"time.until": 4, "record.fields": 1, "postprocess": ["voltage_ledger"]}
    run = solve(case_from(BOX, tmp_path, changes), tmp_path / "run", pictures=False)
    for places in (("a", [4.0, 0.0]), ([-4.0, 0.0], "b")):
        with pytest.raises(Refusal, match=r"only at measured places \(here: a, b\)"):
            ledger_between(run, *places)
    again, seen = ledger_between(run, "a", "b")["direct"], run.table("ledger")
    assert np.abs(again["residual"]).max() < 1e-9
    direct = seen["path"] == 0
    impulse = np.interp(again["t"][1:], seen["t"][direct], seen["impulse"][direct])
    assert again["impulse"][1:] == pytest.approx(impulse, abs=1e-9)


def test_the_halving_of_a_falling_difference_is_found() -> None:
    """dmu = exp(-t/T)/2: int dmu dt/2 pi is whole at each slip, so the ratio is 1, and dmu halves at T ln 2.

    T = 5e4: ten slips, over which dmu is averaged, last 130 to 250 tau, within 1 % of T ln 2 = 3.5e4.
    """
    turns, end = np.arange(1.0, 3000.0), 5e4
    t = -end * np.log(1 - 2 * np.pi * turns / (0.5 * end))
    found = halved(t, turns, 2 * np.pi * turns)
    assert found is not None and found["ratio"] == pytest.approx(1, abs=1e-12)
    assert found["t"] == pytest.approx(end * np.log(2), rel=0.01)
    assert found["last"] / found["first"] == pytest.approx(0.5, abs=1e-3)
    assert halved(t[:1500], turns[:1500], 2 * np.pi * turns[:1500]) is None


@pytest.mark.slow
def test_a_vortex_ring_moves_at_the_speed_of_an_endless_superfluid(tmp_path: Path) -> None:
    """K5: v = (ln 8R - 1 + 0.38088)/R at the measured R within 3 %, drawn on in box and mesh: v + A/width^3 + B h^2.

    Raw: 0.963, 0.964 (16 xi; h = 0.8, 0.5) and 0.974, 0.983 (20 xi); both drawn on 1.000.  With h = 0.65, which gives
    0.964 and 0.981, six runs are drawn on to 1.001.  R is 4.5 to 4.7 xi.
    """
    rows, ratios = [], []
    for width in (16.0, 20.0):
        for size in (0.8, 0.5):
            changes = {"geometry.parameters.width": width, "mesh.size": size, "postprocess": ["ring_motion"]}
            case = load("vortex_ring_superfluid").vary(changes | {"expect": None})
            run = solve(case, tmp_path / f"{width:g}-{size:g}", pictures=False)
            assert run.summary is not None
            rows.append([1.0, width**-3, size**2])
            ratios.append(run.summary["results"]["ring_motion"]["ratio"])
    assert all(0.9 < ratio < 1.03 for ratio in ratios)
    endless, walls, mesh = np.linalg.lstsq(np.array(rows), np.array(ratios), rcond=None)[0]
    assert walls < 0 and mesh < 0
    assert endless == pytest.approx(1, abs=0.03)


# ---------------------------------------------------------------------------------------------- outlets


def reflected(k: float, depth: float = 0.0, impedance: float = 1.0) -> float:
    """Share of the energy of a short wave train of k that an outlet sends back; layer of `depth`, h = 0.25
    (0.5 for long waves), dt = 0.1.

    The train 1 + a cos(kx - wt) + i a (w/k^2) sin(kx - wt) under a Gaussian runs to the outlet and back to its start.
    """
    h, dt, width = 0.25 if k > 0.2 else 0.5, 0.1, max(2.5 * np.pi / k, 20.0)
    centre, length = 4 * width, 8 * width + depth
    x = np.arange(round(length / h) + 1) * h
    omega, group = k * np.sqrt(k**2 + 2), (2 * k**2 + 2) / np.sqrt(k**2 + 2)
    shape = 1e-3 * np.exp(-0.5 * ((x - centre) / width) ** 2)
    psi = 1 + shape * (np.cos(k * (x - centre)) + 1j * omega / k**2 * np.sin(k * (x - centre)))
    problem = problem_on(simple.interval(x), psi, dt)
    m, s = problem.operators.m, np.clip(1 - (x[-1] - x) / depth, 0, 1) if depth else 0 * x
    outlet = np.where(x == x[-1], impedance / m[-1], 0.0)
    fluid = replace(problem.fluid, rate=fluids.OUTLET_DAMPING * s**2 - 1j, outlet=outlet)
    problem = replace(problem, fluid=fluid)
    last = marched(problem, int(2 * (length - centre) / group / dt))[-1]
    none = np.zeros(x.size)

    def energy(psi: Array) -> float:
        return superfluid.energy(problem, psi, none[1:], problem.epsilon, none) + 0.5 * float(m.sum())

    return energy(last["psi"]) / energy(psi)


REFLECTED = {0.15: (0.01, 0.03, 0.005), 0.3: (0.02, 0.011, 0.004), 1.0: (0.12, 0.015, 0.002)}  # no layer, 20, 40 xi


@pytest.mark.parametrize("k", REFLECTED)
def test_what_an_outlet_sends_back_is_what_the_documentation_says(k: float) -> None:
    for depth, at_most in zip((0.0, 20.0, 40.0), REFLECTED[k], strict=True):
        assert 0 <= reflected(k, depth) < at_most, depth


def test_another_impedance_than_that_of_sound_sends_back_more() -> None:
    """Half of it: ((1 - 1/2)/(1 + 1/2))^2 = 1/9 of the energy of long waves, here at least a tenth; a wall: all."""
    assert reflected(0.15, impedance=0.5) > 0.1
    assert reflected(0.15, impedance=0.0) == pytest.approx(1, abs=1e-3)
