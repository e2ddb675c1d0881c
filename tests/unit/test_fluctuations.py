"""Thermal noise: its covariance, its kernels against their readable form, its draws, its runs and its refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from, experiment, problem_of, same

from fempslip import view
from fempslip.case import load
from fempslip.case.scales import PHI0
from fempslip.contract import Failure, Noise, Refusal
from fempslip.physics import activation, fluctuations, relaxation
from fempslip.physics.graph import graph
from fempslip.run.batch import batch
from fempslip.run.check import explain
from fempslip.run.compiling import per_cell
from fempslip.run.running import report, resume, solve
from fempslip.solver.bdf2 import advance
from fempslip.solver.trapezoid import Trapezoid
from fempslip.store import open_run
from fempslip.topology.net_winding import diffusion, lasting

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")

WIRE = """
geometry:
  dimension: 1
  parameters: {length: 16 xi}
  regions: {wire: {segment: {from: [0], to: [length]}}}
  boundaries: {source: {end: first, of: wire}, drain: {end: last, of: wire}}
  probes: {a: [4], b: [12]}
material: {xi: 10 nm, lambda: 200 nm, sigma: 2e6 S/m, width: 10 nm, thickness: 10 nm, u: 5.79, gamma: 0}
mesh: {size: 0.25 xi}
noise: {temperature: 0.25, seed: 3}
time: {until: 8 tau}
measure: {from: 1 tau, between: [a, b]}
record: {fields: 1 tau}
postprocess: [thermal_slips, phase_slips, voltage_ledger]
"""
FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [8 xi, 5 xi], center: [0, 0]}}, patch: {disk: {radius: 1.2 xi, center: [1, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
  probes: {a: [-2, 0], b: [2, 0]}
material:
  everywhere: {xi: 10 nm, lambda: 200 nm, sigma: 2e6 S/m, thickness: 10 nm, gamma: 0}
  patch: {sigma: 3, thickness: 2}
mesh: {size: 0.6 xi}
noise: {temperature: 0.05, seed: 3}
time: {until: 6 tau}
measure: {from: 1 tau, between: [a, b]}
record: {fields: 1 tau}
postprocess: [thermal_slips, vortex_tracks, voltage_ledger]
"""
BODY = """
geometry:
  dimension: 3
  regions: {bar: {box: {size: [4, 2, 2], center: [0, 0, 0]}}}
  probes: {a: [-1, 0, 0], b: [1, 0, 0]}
material: {gamma: 0}
mesh: {size: 0.9 xi}
noise: {temperature: 0.01}
time: {until: 2 tau}
measure: {from: 0.2 tau, between: [a, b]}
record: {fields: 0.5 tau}
postprocess: [vortex_tracks, voltage_ledger]
"""
OFF = {"model.charge": "off"}
CURRENT = {"drive.current": {"from": "source", "to": "drain", "density": 0.1}}


# ------------------------------------------------------------------------------------------- forces


@pytest.mark.parametrize("text", [WIRE, FILM, BODY], ids=["wire", "film", "body"])
def test_johnson_noise_has_the_covariance_of_the_poisson_matrix(tmp_path, text):
    """B B^T = K_sigma = G^T M1 G, with sections and conductivities, and on tetrahedra with negative weights too."""
    case = case_from(text, tmp_path)
    problem = problem_of(case)
    op = problem.operators
    assert problem.mesh.dim < 3 or (op.w < 0).any()
    weight = per_cell(problem.mesh, case.material, "sigma") * per_cell(problem.mesh, case.material, "thickness")
    b = fluctuations.johnson(problem.mesh, weight)
    k = (op.G.T @ op.M1 @ op.G).toarray()
    assert np.abs((b @ b.T).toarray() - k).max() < 1e-12 * np.abs(k).max()
    assert np.abs(b.sum(axis=0)).max() < 1e-12  # a current between nodes: nothing comes from nowhere


def test_the_force_of_a_step_is_its_readable_form(tmp_path):
    """Covariance T m R/dt of the noise, and the explicit part of a step, at gamma = 0 and 7."""
    problem = problem_of(case_from(WIRE, tmp_path))
    n, t, dt = problem.operators.nodes, 0.3, 0.1
    random = np.random.default_rng(5)
    gamma = np.where(np.arange(n) < n // 2, 0.0, 7.0)
    psi = random.standard_normal(n) + 1j * random.standard_normal(n)
    turn = np.exp(1j * random.standard_normal(n))
    xi = random.standard_normal((2, n))
    op, g = problem.operators, graph(problem.operators)
    scale = np.sqrt(t * op.m * problem.u / dt)
    epsilon = random.uniform(-1, 1, n)
    link = np.exp(1j * random.standard_normal(g.neighbour.size))
    framed, kept, now, b = np.empty((4, n), dtype=complex)
    a = np.empty(n)
    fluctuations.explicit(
        dt, t, psi, turn, xi, scale, g.start, g.neighbour, link, g.diagonal, op.m, epsilon, problem.beta, problem.u,
        gamma, framed, kept, now, a, b,
    )  # fmt: skip
    flow = (g.diagonal + op.m * np.maximum(-epsilon, 0)) * psi * turn
    for i in range(n):
        for k in range(g.start[i], g.start[i + 1]):
            flow[i] -= link[k] * psi[g.neighbour[k]] * turn[g.neighbour[k]]
    big_a, big_b = (op.m * x / dt for x in relaxation.relaxation(psi, problem.u, gamma))
    inertia = big_a * psi + big_b * psi.conj()
    force = fluctuations.force(psi, xi, scale, gamma)
    assert np.allclose(kept, inertia - 0.5 * flow * turn.conj() + force, rtol=1e-12)
    assert np.allclose(a, big_a) and np.allclose(b, big_b)
    reaction = op.m * (np.maximum(epsilon, 0) - np.abs(psi) ** 2) * psi
    assert np.allclose(now, reaction + fluctuations.drift(psi, t, gamma), rtol=1e-12)


@pytest.mark.parametrize("gamma", [0.0, 3.0])
def test_the_noise_of_psi_has_the_covariance_of_its_friction(gamma):
    """<f f^T> = T m R/dt : the 2 x 2 matrix of physics.relaxation, from the two unit draws."""
    psi, g, u = np.array([0.4 - 0.9j]), np.array([gamma]), np.array([5.79])
    columns = [
        fluctuations.force(psi, np.array([[x], [y]]), np.array([1.0]), g)[0] for x, y in ((1.0, 0.0), (0.0, 1.0))
    ]
    spread = np.array([[c.real, c.imag] for c in columns])
    covariance = 5.79 * spread.T @ spread
    a, b = relaxation.relaxation(psi, u, g)
    on = [a[0] * v + b[0] * np.conj(v) for v in (1.0, 1j)]
    assert np.allclose(covariance, [[on[0].real, on[1].real], [on[0].imag, on[1].imag]])


def test_draws_are_a_function_of_seed_and_step():
    draws = fluctuations.Draws(7, 100_000)
    assert np.array_equal(draws.at(3), fluctuations.Draws(7, 100_000).at(3))
    fresh = np.random.Generator(np.random.Philox(key=7, counter=[0, 0, 0, 3])).standard_normal(100_000)
    assert np.array_equal(draws.at(3), fresh)
    one, other = draws.at(3), draws.at(4)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.015 and not np.array_equal(one, fluctuations.Draws(8, 100_000).at(3))
    assert abs(one.mean()) < 0.015 and one.var() == pytest.approx(1, abs=0.02)


def test_without_heat_the_step_is_that_of_the_equations(tmp_path):
    """T = 0: second order in dt against BDF2 at a much smaller step, from a state far from rest, charge included."""
    text = WIRE.replace("postprocess: [thermal_slips, phase_slips, voltage_ledger]", "")
    text = text.replace("measure: {from: 1 tau, between: [a, b]}", "")
    changes = CURRENT | {"time.until": 2.0}
    case = case_from(text, tmp_path, changes | {"noise": None, "time.fixed": 0.0005})
    x = problem_of(case).mesh.points[0]
    start = (1 - 0.7 * np.exp(-((x - 8) ** 2))) * np.exp(0.2j * x)
    start[[0, -1]] = 0.0
    wanted = experiment(case, start).state
    errors = []
    for dt in (0.1, 0.05):
        cold = case_from(text, tmp_path, changes | {"noise.temperature": 0.0, "time.fixed": dt})
        found = experiment(cold, start).state
        invariant = [s["psi"] * np.exp(-1j * s["chi"]) for s in (found, wanted)]
        errors.append(np.abs(np.abs(invariant[0]) - np.abs(invariant[1])).max())
    assert errors[1] < 5e-4
    assert errors[0] / errors[1] > 3


# ------------------------------------------------------------------------------------------- runs


@pytest.mark.parametrize(
    ("text", "gamma"),
    [(WIRE, 0), (WIRE, 1), (FILM, 0), (FILM, 1), (BODY, 0)],
    ids=["wire", "wire with gamma", "film", "film with gamma", "body"],
)
def test_a_noisy_run_goes_on_bit_for_bit_and_its_ledger_closes(tmp_path, text, gamma):
    """Stopped at half its time and resumed: every table, frame and array of the unbroken run; both sides to 1e-9."""
    material = "material.everywhere.gamma" if text is FILM else "material.gamma"
    case = case_from(text, tmp_path, {material: gamma})
    whole = solve(case, tmp_path / "whole", pictures=False)
    until = case.time.until
    solve(case.vary({"time.until": until / 2}), tmp_path / "half", pictures=False)
    same(whole, resume(tmp_path / "half", until=str(until), pictures=False))
    assert whole.summary["results"]["voltage_ledger"]["residual"] < 1e-9
    impulse = next(v for name, v in whole.table("voltage").items() if name.endswith("impulse"))
    assert np.ptp(impulse) > 1e-3  # there is something to close
    assert np.unique(np.round(np.diff(whole.table("series")["t"]), 9)).size == 1
    assert "With thermal noise, k T =" in report(whole)


@pytest.mark.parametrize("contacts", ["normal", "bank", "free"])
def test_a_current_through_contacts(tmp_path, contacts):
    case = case_from(WIRE, tmp_path, CURRENT | {"contacts": {"source": contacts, "drain": contacts}})
    run = solve(case, tmp_path / "run", pictures=False)
    assert run.status == "finished"
    # the normal current that is missing from the supercurrent is made by the potential: charge is conserved
    assert run.summary["results"]["voltage_ledger"]["residual"] < 1e-9


def test_changing_fields_and_heat_leave_the_fast_path(tmp_path):
    ramp = {"drive.field": {"ramp": {"from": 0, "to": 0.2, "over": "2 tau"}}}
    for changes in ({}, {"material.gamma": 1.0}, ramp):
        problem = problem_of(case_from(WIRE, tmp_path, changes))
        assert Trapezoid.of(problem).direct == (not changes)


@pytest.mark.parametrize("changes", [{}, CURRENT, CURRENT | {"contacts": {"source": "normal", "drain": "free"}}, OFF])
def test_the_compiled_the_factored_and_the_iterated_step_agree(tmp_path, changes):
    problem = problem_of(case_from(WIRE, tmp_path, changes))
    compiled = Trapezoid.of(problem)
    assert compiled.poisson is not None
    others = [replace(compiled, poisson=None), replace(compiled, poisson=None, direct=False)]
    state, depth = compiled.begin(), compiled.declare()
    for _ in range(20):
        one = compiled.attempt(state, 0.1)
        for other in (stepper.attempt(state, 0.1) for stepper in others):
            for name in ("psi", "mu", "chi", "a"):
                assert np.abs(one.arrays[name] - other.arrays[name]).max() < 1e-8
            assert one.max_theta == pytest.approx(other.max_theta, abs=1e-8)
        state = advance(state, one, 0.1, depth)


def test_numbers_that_are_no_longer_finite_stop_a_run(tmp_path):
    problem = problem_of(case_from(WIRE, tmp_path))
    problem = replace(problem, noise=Noise(1e6, 1), clock=replace(problem.clock, fixed=0.5))
    with pytest.raises(Failure, match="set time.fixed smaller"):
        experiment(case_from(WIRE, tmp_path), problem=problem)


# ------------------------------------------------------------------------------------------- counting


def test_the_diffusion_of_a_random_walk_is_found():
    """0.04 slips per tau0 one way, 0.03 the other: D = 0.07 and v = 0.01 within their errors."""
    random = np.random.default_rng(2)
    steps = random.poisson(0.04, 40_000) - random.poisson(0.03, 40_000)
    found = diffusion(np.arange(40_001.0), np.concatenate([[0], np.cumsum(steps)]), np.array([50.0, 200.0, 800.0]))
    assert np.all(np.abs(found.values - 0.07) < 3 * found.errors)
    assert np.all(found.errors < [0.005, 0.008, 0.016])
    assert found.drift == pytest.approx(0.01, abs=0.004)
    assert found.plateau


def test_what_goes_to_and_fro_does_not_diffuse():
    """A random walk with flicker on it is that walk; flicker alone has no rate."""
    random = np.random.default_rng(3)
    flicker = random.integers(-1, 2, 40_001)
    walk = np.concatenate([[0], np.cumsum(random.poisson(0.01, 40_000) - random.poisson(0.01, 40_000))])
    windows = np.array([100.0, 200.0, 400.0])
    alone, both = (diffusion(np.arange(40_001.0), n, windows) for n in (flicker, walk + flicker))
    assert np.all(np.abs(alone.values) < 2.5e-4)  # the spread over w is 1.3/w, up to 0.013
    assert np.all(np.abs(both.values - 0.02) < 2.5 * both.errors) and both.plateau


def test_a_walk_that_does_not_get_far_has_no_plateau():
    """Slips that are taken back after some 300 tau0: a rate over short windows, none over long ones."""
    random = np.random.default_rng(5)
    n = np.zeros(40_001)
    for k in range(40_000):
        n[k + 1] = n[k] + random.choice([-1, 0, 1], p=[0.02 + 0.002 * max(n[k], 0), 0.96 - 0.002 * abs(n[k]),
                                                       0.02 + 0.002 * max(-n[k], 0)])  # fmt: skip
    found = diffusion(np.arange(40_001.0), n, np.array([200.0, 800.0, 1600.0, 3000.0]))
    assert found.plateau is False


def test_what_goes_back_at_once_is_no_slip():
    n = np.zeros(4000)
    n[1000:1100] = 1  # 10 tau0
    n[2000:] = 1
    found = lasting(0.1 * np.arange(4000), n)
    assert list(np.flatnonzero(np.diff(found))) == [1999]


def test_the_law_of_a_uniform_wire():
    """E4: per xi at T = 0.2 and 0.25 without charge; 2 u s = 3.939 with it; eps rescales lengths, times and energy."""
    assert activation.rate(1, 0.2, 5.79, conserved=False) == pytest.approx(6.634e-6, rel=1e-3)
    assert activation.rate(1, 0.25, 5.79, conserved=False) == pytest.approx(3.910e-5, rel=1e-3)
    assert activation.rate(1, 0.2, 5.79) / activation.rate(1, 0.2, 5.79, conserved=False) == pytest.approx(
        3.939, rel=1e-3
    )
    weak = activation.rate(10, 0.05, 5.79, epsilon=0.25)
    assert weak == pytest.approx(0.25 * activation.rate(5, 0.05 / 0.125, 5.79), rel=1e-12)


# ------------------------------------------------------------------------------------------- words


def test_kelvin_through_the_material(tmp_path):
    """k T over (Bc^2/mu0) xi A; oracle U1: Bc^2/mu0 = 1.077387e4 J/m^3 at xi = 10 nm, lambda = 200 nm."""
    case = case_from(WIRE, tmp_path, {"noise.temperature": "4 K"})
    assert case.noise.temperature == pytest.approx(1.380649e-23 * 4 / (1.077387e4 * 10e-9 * 1e-16), rel=1e-6)
    film = case_from(FILM, tmp_path, {"noise.temperature": "4 K"})
    assert film.noise.temperature == pytest.approx(1.380649e-23 * 4 / (1.077387e4 * 1e-16 * 10e-9), rel=1e-6)
    assert case.scales.si("energy") == pytest.approx(case.scales.current * PHI0 / (4 * np.pi))
    assert case_from(WIRE, tmp_path, {"noise.temperature": "4000 mK"}) == case


def test_the_material_gives_the_temperature(tmp_path):
    own = {"material.Tc": "4 K", "material.temperature": "3.6 K"}
    by_material = case_from(WIRE, tmp_path, own | {"noise": {"seed": 3}})
    said = case_from(WIRE, tmp_path, own | {"noise": {"temperature": "3.6 K", "seed": 3}})
    assert by_material == said
    # k T grows towards Tc as (1 - T/Tc)^(-3/2): xi(T)/lambda(T)^2 over ...
    nearer = case_from(WIRE, tmp_path, {"material.Tc": "4 K", "material.temperature": "3.9 K", "noise": {}})
    assert nearer.noise.temperature > 5 * by_material.noise.temperature


REFUSED = [
    ({"material.width": None}, "material.cross_section (or width and thickness)"),
    ({"noise.temperature": -0.1}, "must lie between 0 and 100"),
    ({"noise.temperature": 200}, "must lie between 0 and 100"),
    ({"noise.temperature": "nan"}, "finite number"),
    ({"noise.temperature": "5 T"}, "wants a temperature"),
    ({"noise.temperature": None}, "give noise.temperature"),
    ({"noise.temprature": 0.1}, "(nearest: temperature)"),
    ({"noise.seed": -1}, "greater than or equal to 0"),
    ({"noise.windows": ["5 tau"]}, "at least four times as long"),
    ({"noise.renormalise": True}, "a wire has a continuum limit"),
    ({"time.tolerance": 1e-4}, "write time.fixed instead"),
    ({"time.dt_max": 1.0}, "write time.fixed instead"),
    ({"time.fixed": 0.8}, "too long with noise"),
    ({"time.until": {"steady": "voltage", "at_most": 100}}, "no voltage becomes steady"),
]


@pytest.mark.parametrize(("changes", "words"), REFUSED)
def test_what_cannot_be_is_refused_where_it_is_written(tmp_path, changes, words):
    base = {"noise.temperature": "4 K"} if "material.width" in changes else {}
    with pytest.raises(Refusal) as refused:
        case_from(WIRE, tmp_path, base | changes)
    assert words in str(refused.value)
    assert "case.yaml:" in str(refused.value) or "override" in str(refused.value)


def test_a_node_too_hot_is_refused_with_the_mesh_in_mind(tmp_path):
    with pytest.raises(Refusal, match="raise mesh.size or lower the temperature"):
        problem_of(case_from(WIRE, tmp_path, {"noise.temperature": 50}))


def test_the_power_balance_is_not_for_noise(tmp_path):
    with pytest.raises(Refusal, match="without noise"):
        explain(case_from(WIRE, tmp_path, {"postprocess": ["power"]}))


@pytest.mark.parametrize(
    ("text", "changes", "words"),
    [
        (WIRE, {"material.gamma": 10}, "the noise is multiplicative"),
        (WIRE, {"time.fixed": 0.2}, "long with Johnson noise"),
        (FILM, {"noise.temperature": 0.2}, "they are no correction"),
    ],
)
def test_what_was_not_tested_is_warned_of(tmp_path, text, changes, words):
    with pytest.warns(fluctuations.Doubtful, match=words):
        problem_of(case_from(text, tmp_path, changes))
    assert f"warning      {words.split()[0]}" in explain(case_from(text, tmp_path, changes)) or words in explain(
        case_from(text, tmp_path, changes)
    )


def test_check_tells_the_heat_and_the_cutoff(tmp_path):
    wire = explain(case_from(WIRE, tmp_path, {"noise.temperature": "4 K"}))
    assert (
        "noise        of order parameter and normal current at k T = " in wire
        and "T = 4 K; seed 3; steps of 0.1 tau" in wire
    )
    assert "cutoff" not in wire
    film = explain(case_from(FILM, tmp_path))
    assert "the mesh is their cutoff" in film and "h = 0.6 xi here" in film
    assert case_from(FILM, tmp_path) == load(written(tmp_path, case_from(FILM, tmp_path).document()))


def written(folder: Path, text: str) -> Path:
    path = folder / "again.yaml"
    path.write_text(text, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------- pictures


def test_pictures_of_net_slips_and_of_resistance(tmp_path):
    """A wire with its law, a ring with its flux, and R(T) of a batch, each drawn."""
    changes = {"material.Tc": "4 K", "noise": {"seed": 1}, "time.until": "30 tau", "postprocess": ["thermal_slips"]}
    wire = case_from(WIRE, tmp_path, changes | {"material.temperature": "3.8 K"})
    table = batch(wire, {"material.temperature": ["3.7 K", "3.8 K"]}, into=tmp_path / "batch")
    assert table["status"] == ["finished", "finished"]
    cold, hot = table["thermal_slips.lamh.barrier_over_T"]
    assert cold / hot == pytest.approx((0.3 / 0.2) ** 1.5 * 3.8 / 3.7)  # falls towards Tc
    wider = batch(wire, {"material.width": ["10 nm", "20 nm"]}, into=tmp_path / "wider")
    thin, thick = wider["thermal_slips.lamh.barrier_over_T"]
    assert thick == pytest.approx(2 * thin)  # grows with the cross-section
    runs = [open_run(folder) for folder in table["folder"]]
    ring = solve(load("thermal_ring").vary({"time.until": 60, "record.fields": 20}), tmp_path / "ring", pictures=False)
    drawn = [view.thermal_slips(run, tmp_path / f"{k}.png") for k, run in enumerate((runs[0], ring))]
    drawn.append(view.resistance_temperature(runs, tmp_path / "rt.png"))
    assert all(path.stat().st_size > 10_000 for path in drawn)
    with pytest.raises(Refusal, match="holds no thermal slips"):
        view.resistance_temperature([ring], tmp_path / "no.png")
