"""Zeros on closed cells, cylinders and periodic bodies: nothing is lost at a seam; places and ways are those there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from laboratory import Memory

from fempslip import mesh as parts
from fempslip.contract import Drive, Probe, State, Step
from fempslip.mesh.periods import joined, shortest
from fempslip.mesh.simple import box, rectangle
from fempslip.tasks import seeds
from fempslip.tasks.tracking import Ledger, Topology
from fempslip.topology.contraction import contract
from fempslip.topology.linking import LOOP
from fempslip.topology.tracks import moves
from fempslip.topology.windings import face_windings, zero_positions

ACROSS, UP = ("left", "right"), ("bottom", "top")
NONE = {name: np.zeros(0) for name in ("number", "t0", "t1", "kind", "x", "y", "z", "part", "id", "side", "winding")}


def cell(pairs, quanta: int, size=(4.0, 3.0), shape=(8, 6)):
    """A film of 4 xi by 3 xi, some of its edges joined; `quanta` flux quanta through it.  (problem, a)"""
    mesh = joined(rectangle(*shape, size, shake=0.2, seed=1), pairs)
    return problem_on(mesh, 2 * np.pi * quanta / (size[0] * size[1]) * np.array([0, 0, 1.0]))


def problem_on(mesh, b):
    op = parts.operators(mesh)
    a = parts.uniform_field(mesh, op, b)
    hidden = np.rint(parts.hidden_flux(mesh, op, b, a) / (2 * np.pi)).astype(np.int64)
    drive = Drive(np.zeros((0, op.edges.shape[1])), (), {}, 0.0, hidden if hidden.any() else None)
    return SimpleNamespace(mesh=mesh, operators=op, contacts=(), drive=drive, probes={}, pairs=()), a


def followed(problem, samples):
    topology, memory, old = Topology.of(problem), Memory(), None
    for number, (psi, a) in enumerate(samples):
        new = State(number, float(number), 1.0, (), {"psi": (psi,), "a": (a,)})
        if old is not None:
            topology.see(Step(problem, old, new, None, 0), memory)
            topology.check(new.t, memory)
        old = new
    return topology, memory


def noise(problem, a, count, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield (
            rng.standard_normal(a.size and problem.operators.nodes) + 1j * rng.standard_normal(problem.operators.nodes),
            a,
        )


@pytest.mark.parametrize("quanta", [-1, 0, 3])
def test_a_closed_cell_always_holds_its_quanta(quanta):
    """60 samples of noise: the windings add up to the quanta at every one, faces carried are faces recounted."""
    problem, a = cell({"x": ACROSS, "y": UP}, quanta)
    samples = list(noise(problem, a, 60))
    topology, memory = followed(problem, samples)
    checks, zeros = memory.table("checks"), memory.table("zeros")
    assert not checks["defect"].any() and not checks["charge_defect"].any()
    for t in np.unique(zeros["t"]):
        assert zeros["winding"][zeros["t"] == t].sum() == quanta
    op, hidden = problem.operators, problem.drive.hidden
    assert np.array_equal(topology.now.n, face_windings(samples[-1][0], a, op, None, hidden))
    last = zeros["t"] == 59
    place = zero_positions(samples[-1][0], a, op, problem.mesh, zeros["cell"][last].astype(int), hidden)
    assert np.array([zeros["x"][last], zeros["y"][last]]) == pytest.approx(place, abs=1e-9)
    kinds = set(memory.table("events")["kind"].astype(int))
    assert not kinds & {0, 1, 4}  # no entry, exit or graze: there is no edge to cross


def test_a_cylinder_has_two_rims_and_a_seam():
    problem, a = cell({"round": ACROSS}, 2)
    topology, memory = followed(problem, noise(problem, a, 40))
    assert not memory.table("checks")["charge_defect"].any()
    outer = topology.complex.outer
    y = topology.complex.places[1, topology.complex.ends[:, outer]]
    assert outer.sum() == 16 and np.abs(np.abs(y) - 1.5).max() < 1e-12


def test_a_vortex_goes_round_a_closed_cell_with_one_id():
    """It crosses the seam twice on 1.5 periods: no event, one id, and its displacements add up to the way."""
    problem, a = cell({"x": ACROSS, "y": UP}, 1, (8.0, 6.0), (16, 12))
    op, mesh = problem.operators, problem.mesh
    way = np.linspace(0, 12.0, 121)
    places = [np.array([(x + 4.0 - 1.0) % 8.0 - 4.0, 0.3]) for x in way]
    line = [[seeds.VortexLine(place, np.array([0, 0, 1.0]), 1)] for place in places]
    samples = [(seeds.uniform(mesh, op, np.ones(op.nodes), a, one, None, problem.drive.hidden), a) for one in line]
    _, memory = followed(problem, samples)
    zeros = memory.table("zeros")
    assert set(memory.table("events")["kind"]) == {LOOP}  # the one node whose phase is held may turn by half a turn
    assert set(zeros["id"]) == {1} and zeros["t"].size == 121
    moved = moves(zeros, NONE, NONE, np.array([[8.0, 0, 0], [0, 6.0, 0]]))
    assert moved["change"].sum(axis=1) == pytest.approx([12.0, 0, 0], abs=0.6)
    assert np.abs(moved["change"]).max() < 1.0


def test_the_ledger_closes_across_a_seam():
    problem, a = cell({"x": ACROSS, "y": UP}, 2)
    problem.probes = {name: Probe(name, np.array([node]), np.ones(1)) for name, node in (("p", 3), ("q", 20))}
    problem.pairs = (("p", "q"),)
    topology, memory, old = Topology.of(problem), Memory(), None
    book = Ledger.of(problem, topology, every=1)
    rng = np.random.default_rng(1)
    for number, (psi, _) in enumerate(noise(problem, a, 30)):
        turned = a + problem.operators.G @ rng.uniform(-3, 3, problem.operators.nodes)
        new = State(number, float(number), 1.0, (), {"psi": (psi,), "a": (turned,)})
        if old is not None:
            step = Step(problem, old, new, None, 0)
            topology.see(step, memory)
            book.see(step, memory)
        old = new
    table = memory.table("ledger")
    assert np.abs(table["residual"]).max() < 1e-9 and np.ptp(table["crossings"]) > 1


def test_a_periodic_slab_has_lines_that_close_round_it():
    """x and y joined, noise and a field along z of one quantum: lines end on the two faces, none inside; recount 0."""
    mesh = joined(box(5, 4, 3, (2.5, 2.0, 1.5), shake=0.2), {"x": ACROSS, "y": ("front", "back")})
    problem, a = problem_on(mesh, 2 * np.pi / 5.0 * np.array([0, 0, 1.0]))
    assert problem.drive.hidden is not None
    topology, memory = followed(problem, noise(problem, a, 20))
    assert not memory.table("checks")["defect"].any()
    now, c = topology.follower.now, topology.complex
    assert set(now.ends) <= {0, 2}
    z = c.places[2, c.corners[:, now.pierced]]
    top = np.abs(z - 0.75).max(axis=0) < 1e-12
    normal = np.cross(*(np.diff(c.places[:, c.corners[:, now.pierced[top]]], axis=1).transpose(1, 0, 2)), axis=0)
    assert np.sum(np.sign(normal[2]) * topology.now.n[now.pierced[top]]) == 1  # one quantum through every plane


def test_a_straight_line_that_moves_across_a_seam():
    """A line along z and its opposite drift through the joined sides: they keep ids, lengths and velocities."""
    mesh = joined(box(12, 16, 3, (6.0, 4.0, 1.5), shake=0.1), {"y": ("front", "back")})
    problem, a = problem_on(mesh, np.zeros(3))
    x, y, _ = mesh.node_points
    samples = [(x - 0.1 + 1j * (2 / np.pi) * np.sin(np.pi * (y - 0.05 * k) / 2), a) for k in range(81)]
    _, memory = followed(problem, samples)
    table, points = memory.table("lines"), memory.table("line_points")
    assert "events" not in memory.tables and set(table["id"]) == {1, 2}
    assert table["length"] == pytest.approx(1.5, abs=0.1)
    assert np.ptp(points["y"]) > 3.9
    for k in np.flatnonzero(table["t"] > 0):
        v = points["vy"][int(table["first"][k]) : int(table["first"][k] + table["count"][k])]
        assert np.median(v) == pytest.approx(0.05, rel=0.15)


def test_the_shortest_way():
    change = np.array([[3.6, -0.2], [0.1, 2.9], [0, 0]])
    found = shortest(change, np.array([[4.0, 0, 0], [0, 3.0, 0]]))
    assert found == pytest.approx(np.array([[-0.4, -0.2], [0.1, -0.1], [0, 0]]))
    pair = {"number": [1, 2], "t0": [1, 2], "t1": [1, 2], "kind": [2, 3], "x": [1.9, -1.9], "y": [0, 0], "z": [0, 0]}
    ids = {"number": [1, 1, 2, 2], "id": [1, 2, 1, 2], "side": [1, 1, -1, -1], "winding": [1, -1, 1, -1]}
    events, ids = ({name: np.array(v) for name, v in table.items()} for table in ({**pair, "part": [-1, -1]}, ids))
    assert contract(events, ids, 2.9, 1.0).count("creation") == 1
    assert contract(events, ids, 2.9, 1.0, np.array([[4.0, 0, 0]])).count("flicker") == 1
