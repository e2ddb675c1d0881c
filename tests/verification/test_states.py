"""Oracles A1, C1, C2, C5 and I1 by the task relax and its parts: states, and where they give way."""

import numpy as np
import pytest
from laboratory import Memory, case_from, problem_of
from numpy import pi, sqrt

from fempslip.contract import Failure, Refusal
from fempslip.mesh import operators, simple, uniform_field
from fempslip.mesh.checks import CoarseMesh
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.stationary import Line, Point, Stationary, first_root
from fempslip.run.statics import ASKED
from fempslip.solver.stationary import Search
from fempslip.solver.symmetric import factor, lowest
from fempslip.tasks.relax import Unfinished
from fempslip.tasks.seeds import VortexLine, uniform
from fempslip.topology.windings import face_windings

slow = pytest.mark.slow

RING = """
task: relax
geometry: {use: ring, radius: 5 xi}
search: {winding: [0, 2]}
follow: {parameter: flux, from: -3.5 Phi0, to: 5.5 Phi0, step: 0.25 Phi0}
mesh: {size: 0.1 xi}
"""


def asked(text, folder, changes=None):
    """(results, memory) of a task, in memory."""
    case = case_from(text, folder, changes)
    memory = Memory()
    results = ASKED[case.task](case, problem_of(case)).run(memory, lambda share, words: None)
    return results, memory


# ------------------------------------------------------------------------------------------- rings


@pytest.fixture(scope="module")
def ring(tmp_path_factory):
    return asked(RING, tmp_path_factory.mktemp("ring"))


def test_C1_energies_of_all_winding_numbers_while_the_flux_changes(ring):
    """F_n = -pi R (1 - q^2)^2 and dF/dphi = -2 I 2 pi, q = (n - phi)/R, within 0.1 % of the largest."""
    _, memory = ring
    table = memory.table("branches")
    q = (table["branch"] - table["value"]) / 5.0
    assert table["energy"] == pytest.approx(-5 * pi * (1 - q**2) ** 2, abs=1e-3 * 5 * pi)
    assert table["slope"] == pytest.approx(-4 * pi * q * (1 - q**2), abs=1e-3 * 4 * pi)
    assert table["mean_density"] == pytest.approx(1 - q**2, abs=1e-3)
    for n in (0, 1, 2):
        assert np.ptp(table["value"][table["branch"] == n]) > 5.5


def test_C2_limits_of_stability(ring):
    """R sqrt((1 + 1/(2 R^2))/3) = 2.915476 quanta from its own number, both ways, within 0.5 %."""
    results, memory = ring
    table = memory.table("limits")
    assert np.abs(table["limit"] - table["branch"]) == pytest.approx(2.915476, rel=5e-3)
    assert list(np.sign(table["limit"] - table["branch"])) == list(table["sense"])
    assert results["states"] == 3
    assert results["upper_limit"] == pytest.approx(2.915476, rel=5e-3)


@pytest.mark.parametrize(("radius", "wanted"), [(20 / (2 * pi), 1.882562), pytest.param(10, 5.787918, marks=slow)])
def test_C2_other_radii(radius, wanted, tmp_path):
    changes = {"geometry.radius": radius, "search": {"winding": [0, 0]}, "follow.from": "0 Phi0", "follow.to": "8 Phi0"}
    results, _ = asked(RING, tmp_path, changes)
    assert results["upper_limit"] == pytest.approx(wanted, rel=5e-3)


def test_C5_a_ring_that_turns_normal(tmp_path):
    """R = 0.4: f^2 = 1 - phi^2/R^2 down to nothing at 0.4 quanta, where the state ends in the normal one."""
    changes = {"geometry.radius": 0.4, "mesh.size": 0.02, "search": {"winding": [0, 0]}}
    changes |= {"follow": {"parameter": "flux", "from": "0 Phi0", "to": "0.6 Phi0", "step": "0.05 Phi0"}}
    results, memory = asked(RING, tmp_path, changes)
    table = memory.table("branches")
    assert table["mean_density"] == pytest.approx(1 - (table["value"] / 0.4) ** 2, abs=5e-3)
    assert results["upper_limit"] == pytest.approx(0.4, rel=5e-3)


def test_A1_the_largest_current_of_a_ring(tmp_path):
    """Followed in current: 2/(3 sqrt 3) = 0.3849 within 0.5 % in a long ring, where the longest wave gives way last."""
    changes = {"geometry.radius": 10, "search": {"winding": [0, 0]}}
    changes |= {"follow": {"parameter": "current", "from": 0, "to": 0.4, "step": 0.05}}
    results, memory = asked(RING, tmp_path, changes)
    assert results["upper_limit"] == pytest.approx(2 / (3 * sqrt(3)), rel=5e-3)
    table = memory.table("branches")
    q = 2 * pi * table["flux"] / (20 * pi)
    assert q * (1 - q**2) == pytest.approx(table["value"], abs=1e-3)


# ------------------------------------------------------------------------------------------- I1


def test_I1_core_by_newton():
    """R = 8, |psi| and phase held at the rim; h = 0.2: f(0.5) within 0.5 %, f(1), f(2) too; few steps of Newton."""
    mesh = simple.rectangle(80, 80, (16, 16))
    op = operators(mesh)
    x, y = mesh.points
    r = np.hypot(x, y)
    free = r < 8 - 1e-9
    rim = sqrt(1 - 1 / np.maximum(r, 1) ** 2 - 0 * r)
    start = np.where(free, r / sqrt(r**2 + 2), rim) * np.exp(1j * np.arctan2(y, x))
    search = Search(Stationary(LinkEnergy(op, np.ones(op.nodes)), np.zeros(op.edges.shape[1]), free))
    found = search.newton(Point(start))
    assert found.converged and found.index == 0 and found.iterations <= 6
    f = np.abs(found.point.psi)
    for radius, wanted in ((1.0, 0.520052), (2.0, 0.804957), (3.0, 0.917481)):
        near = np.abs(r - radius) < 0.3
        fit = np.polynomial.Polynomial.fit(r[near], f[near], 2)
        assert fit(radius) == pytest.approx(wanted, rel=5e-3)


# ------------------------------------------------------------------------------------------- disks


DISK = """
task: relax
geometry: disk
drive: {field: 0.5 Bc2}
search: {vorticity: [8, 11]}
mesh: {size: 0.4 xi}
"""


def test_a_disk_has_several_minima(tmp_path):
    """R = 8, B = 0.5: 8, 10 and 11 vortices are stable, F = -31.46, -36.87, -37.38 (h = 0.4) within 0.3 %."""
    results, memory = asked(DISK, tmp_path)
    table = memory.table("states")
    lowest_of = {n: table["energy"][table["vortices"] == n].min() for n in np.unique(table["vortices"])}
    for n, energy in ((8, -31.461), (10, -36.871), (11, -37.376)):
        assert lowest_of[n] == pytest.approx(energy, rel=3e-3)
    assert not table["antivortices"].any() and not table["negative"].any()
    assert table["residual"].max() <= 1e-7
    assert table["curvature 1"].min() > 0
    assert results["energy"] == table["energy"].min()
    assert results["starts"] == 4 and results["unfinished"] == 0


def test_starts_without_a_state_are_told(tmp_path):
    """A tolerance below rounding is never reached."""
    changes = {"tolerance": 1e-30, "mesh.size": 1.0, "search": {"vorticity": [0, 0]}, "kicks": 0, "geometry.radius": 1}
    with pytest.raises(Failure, match="no start led"), pytest.warns(Unfinished, match="1 of 1 starts did not"):
        asked(DISK, tmp_path, changes)


def test_a_field_beyond_the_mesh_is_refused(tmp_path):
    changes = {"search": None, "follow": {"parameter": "field", "from": 0, "to": 40, "step": 1}}
    with pytest.raises(Refusal, match="mesh"):
        asked(DISK, tmp_path, changes)


def test_a_mesh_too_coarse_for_a_nucleus_is_told(tmp_path):
    text = "task: nucleation\ngeometry: {use: disk, radius: 3 xi}\nmesh: {size: 0.5 xi}\n"
    with pytest.warns(CoarseMesh, match="puts the nucleation field off by some 4 %"):
        results, _ = asked(text, tmp_path)
    assert results["field"] == pytest.approx(1.897590, rel=0.06)


def test_a_saddle_is_left_by_a_kick():
    """One vortex exactly at the centre of a square without field is a saddle; kicked, it leaves."""
    mesh = simple.rectangle(20, 20, (8, 8))
    op = operators(mesh)
    a, ones = np.zeros(op.edges.shape[1]), np.ones(op.nodes)
    body = Stationary(LinkEnergy(op, ones), a, np.ones(op.nodes, dtype=bool))
    psi = uniform(mesh, op, ones, a, [VortexLine(np.zeros(2), np.array([0, 0, 1.0]), 1)])
    search = Search(body)
    still = search.newton(Point(psi))
    assert still.converged and still.index == 2  # it may leave in two directions
    values, _ = search.lowest(still.point, 3)
    assert np.sum(values < 0) == 2
    found = search.minimum(still.point.psi)
    assert found.converged and found.index == 0
    assert not face_windings(found.point.psi, a, op).any()
    assert body.value(found.point) == pytest.approx(-0.5 * 64, rel=1e-9)


def test_descent_from_noise_ends_in_a_minimum():
    """1600 nodes in a field: residual 1e-7 and index 0, and the energy never rises along the way."""
    mesh = simple.rectangle(40, 40, (14, 14), shake=0.2)
    op = operators(mesh)
    body = Stationary(LinkEnergy(op, np.ones(op.nodes)), uniform_field(mesh, op, 0.4), np.ones(op.nodes, dtype=bool))
    rng = np.random.default_rng(0)
    found = Search(body).minimum(0.1 * (rng.standard_normal(op.nodes) + 1j * rng.standard_normal(op.nodes)))
    assert found.converged and found.residual <= 1e-7 and found.index == 0
    assert np.abs(body.energy.force(found.point.psi, body.a) / op.m).max() <= 1.001e-7


# ------------------------------------------------------------------------------------------- the parts


def test_the_first_minimum_along_a_line_is_exact():
    rng = np.random.default_rng(3)
    mesh = simple.rectangle(5, 4, (3, 2))
    op = operators(mesh)
    energy = LinkEnergy(op, rng.uniform(-1, 1, op.nodes), rng.uniform(0.5, 2, op.nodes))
    a = rng.standard_normal(op.edges.shape[1])
    line = Line(energy, energy.stiffness(a), np.ones(op.nodes, dtype=bool))
    psi = rng.standard_normal(op.nodes) + 1j * rng.standard_normal(op.nodes)
    k, force = line.start(psi)
    s, new, kept, after = line.descend(psi, k, force, -force)
    assert s > 0
    assert abs(np.vdot(force, after).real) < 1e-10 * np.vdot(force, force).real
    assert after == pytest.approx(energy.force(new, a), abs=1e-12) and kept == pytest.approx(line.stiffness @ new)
    shares = np.linspace(0, s, 50)
    assert np.all(np.diff([energy.value(psi - t * force, a) for t in shares]) < 0)


def test_roots_of_a_cubic():
    assert first_root(-6.0, 11.0, -6.0, 1.0) == pytest.approx(1.0)  # of (s - 1)(s - 2)(s - 3)
    assert first_root(-1.0, 2.0, 0.0, 0.0) == pytest.approx(0.5)


def test_inertia_counts_negative_eigenvalues():
    rng = np.random.default_rng(5)
    mesh = simple.rectangle(7, 6, (4, 3), shake=0.2)
    op = operators(mesh)
    body = Stationary(LinkEnergy(op, np.ones(op.nodes)), uniform_field(mesh, op, 0.7), np.ones(op.nodes, dtype=bool))
    point = Point(0.4 * (rng.standard_normal(op.nodes) + 1j * rng.standard_normal(op.nodes)))
    search, hessian = Search(body), body.hessian(point)
    dense = np.linalg.eigvalsh(hessian.toarray())
    found = factor(hessian, search.order)
    assert found.negative == np.sum(dense < 0) > 0
    assert found.log_determinant == pytest.approx(np.log(np.abs(dense)).sum(), rel=1e-9)
    b = rng.standard_normal(dense.size)
    assert hessian @ found.solve(b) == pytest.approx(b, abs=1e-9)
    root = sqrt(body.mass.diagonal())
    values, vectors = lowest(hessian, body.mass, search.order, 3)
    assert values == pytest.approx(np.linalg.eigvalsh(hessian.toarray() / root / root[:, None])[:3], rel=1e-8)
    assert hessian @ vectors == pytest.approx((body.mass @ vectors) * values, abs=1e-8)


# ------------------------------------------------------------------------------------------- instantons


INSTANTON = """
task: instanton
geometry:
  dimension: 2
  parameters: {length: 30 xi}
  regions: {sheet: {rectangle: {size: [length, length]}}}
  boundaries: {left: {edge: left}, right: {edge: right}}
  periodic: {x: [left, right]}
bias: {density: 0.15 j0}
pair: {at: [0, 0], apart: 16 xi}
stiffness: 3
velocity: 2
mesh: {size: 0.8 xi}
"""


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_L1_action_and_exponent_of_a_quantum_slip(tmp_path):
    """S/hbar = K F/(2 pi), and the exponent of the rate is the derivative of S by the current, measured by two more.

    h = 0.8; d ln rate/d ln j = -j dS/dj against the area that the pair spans: within 2 %, and 2 K j r = 2 K in an
    infinite sheet.
    """
    found = {j: asked(INSTANTON, tmp_path, {"bias.density": j})[0] for j in (0.14, 0.15, 0.16)}
    middle = found[0.15]
    assert middle["action"] == pytest.approx(3 / (2 * pi) * middle["energy"], rel=1e-12)
    assert middle["weight"] == pytest.approx(np.exp(-middle["action"]), rel=1e-12)
    measured = -0.15 * (found[0.16]["action"] - found[0.14]["action"]) / 0.02
    assert middle["exponent"] == pytest.approx(measured, rel=0.02)
    assert middle["exponent"] == pytest.approx(2 * 3 * 0.15 * middle["spanned"], rel=1e-9)
    assert middle["duration"] == pytest.approx(middle["spanned"] / 2, rel=1e-12)


# ------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"search": {"winding": [2, 0]}}, "the first number is larger"),
        ({"search": {"vorticity": [0, 3]}}, "places vortices in a film"),
        ({"search": {"winding": [0, 900]}}, "200 are the most"),
        ({"follow.parameter": "flx"}, "none of flux, field, current"),
        ({"follow.from": "9 Phi0"}, "from must be less than to|want from < to"),
        ({"follow.step": "1 mT"}, "wants a magnetic flux"),
        ({"follow.through": "hoel"}, "no hole 'hoel'"),
        ({"follow.step": "1e-4 Phi0"}, "more than 10000"),
        ({"task": "barrier", "search": None, "follow": None, "bias": {"current": "1.2 Idep"}}, "1.2 Idep: no"),
        ({"task": "barrier", "search": None, "follow": None, "slip": {"by": 2}}, "one turn of phase"),
        ({"task": "barrier", "search": None, "follow": None, "slip": {"vortex": [[0, 0], [1, 1]]}}, "a wire slips"),
        (
            {"task": "barrier", "search": None, "follow": None, "bias": {"current": 0.1, "density": 0.1}},
            "current or density",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(changes, words, tmp_path):
    with pytest.raises(Refusal, match=words):
        case = case_from(RING, tmp_path, changes)
        ASKED[case.task](case, problem_of(case))
