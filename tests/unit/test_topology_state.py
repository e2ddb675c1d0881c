"""Windings carried from step to step equal those counted anew, for any psi and a."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fempslip import mesh as parts
from fempslip.contract import Contact
from fempslip.mesh import simple
from fempslip.physics.angles import arguments
from fempslip.topology import kernels, windings
from fempslip.topology.dim import ABOVE, neighbourhood
from fempslip.topology.state import Windings
from fempslip.topology.subcomplex import Subcomplex, subcomplex

TURN = 2 * np.pi
anything = st.integers(0, 2**32 - 1)


def meshes():
    yield simple.interval(np.arange(20.0))
    yield simple.rectangle(8, 5, (4.0, 2.5), 0.25, 1)
    yield simple.box(4, 3, 3, (2.0, 1.5, 1.5), 0.2, 1)


def problem_on(mesh, dead=()):
    """What `subcomplex` looks at; psi is held at 0 on the named boundaries."""
    op = parts.operators(mesh)
    contacts = [
        Contact(name, "normal", np.unique(mesh.boundaries[name]), np.ones(1), 1.0) for name in dead if mesh.dim > 1
    ]
    return SimpleNamespace(mesh=mesh, operators=op, contacts=tuple(contacts))


def noise(rng, op):
    psi = rng.standard_normal(op.nodes) + 1j * rng.standard_normal(op.nodes)
    return psi, rng.uniform(-0.3, 0.3, op.edges.shape[1])


@settings(max_examples=10)
@given(seed=anything)
def test_carried_windings_are_those_counted_anew(seed):
    """alpha, k, K, W and n of ten random samples; part of the mesh is not tracked."""
    rng = np.random.default_rng(seed)
    for mesh in meshes():
        problem = problem_on(mesh, ["left"])
        op, c = problem.operators, subcomplex(problem)
        psi, a = noise(rng, op)
        state, turned = Windings.at(c, psi, a), np.angle(psi)
        for _ in range(10):
            new, a_new = noise(rng, op)
            state.step(psi, new, a_new)
            w = np.where(c.edge_live, windings.crossings(psi, a, new, a_new, op.edges), 0)
            assert np.array_equal(state.crossed, np.flatnonzero(w))
            assert np.array_equal(state.amount, w[state.crossed])
            turned += np.angle(psi.conj() * new)
            assert state.largest == pytest.approx(top_turn(psi, new))
            psi, a = new, a_new
            state.settle()
            assert state.check() == 0
        assert np.allclose(state.phase, turned)
        assert np.allclose(state.alpha + TURN * state.turns, turned)
        if mesh.dim > 1:
            whole = windings.face_windings(psi, a, op)
            assert np.array_equal(state.n, np.where(c.face_live, whole, 0))
        assert np.all(state.mark == -1)


def top_turn(old, new):
    bright = (np.abs(old) > 0.3) & (np.abs(new) > 0.3)
    return np.abs(np.angle(old.conj() * new))[bright].max()


def test_cells_with_a_dead_node_are_not_tracked():
    mesh = simple.rectangle(8, 5, (4.0, 2.5))
    c: Subcomplex = subcomplex(problem_on(mesh, ["left"]))
    assert c.face_live.sum() == 80 - 10
    x = mesh.points[0, problem_on(mesh).operators.edges]
    assert np.all(x[:, c.edge_live].min(axis=0) >= -1.5 - 1e-12)
    fringe = c.outer & (np.abs(x + 1.5).max(axis=0) < 1e-12)
    assert fringe.sum() == 5
    assert {c.parts[k] for k in c.part[fringe]} == {"left"}


@settings(max_examples=30)
@given(seed=anything)
def test_a_zero_crossing_an_edge_is_placed_in_any_gauge(seed):
    """psi = (x - x0) + i (t - t0) on the edge from 0 to 1, in the gauge of random a and phases."""
    rng = np.random.default_rng(seed)
    x0, t0 = rng.uniform(0.05, 0.95, 2)
    chi, chi_new = rng.uniform(-9, 9, (2, 2))
    psi = [(x - x0 - 1j * t0) * np.exp(1j * turn) for x, turn in zip((0, 1), chi, strict=True)]
    new = [(x - x0 + 1j * (1 - t0)) * np.exp(1j * turn) for x, turn in zip((0, 1), chi, strict=True)]
    a = chi[1] - chi[0]
    s, tau = kernels.zero_on_edge(*psi, *new, a, a)
    assert (s, tau) == pytest.approx((x0, t0), abs=1e-9)


def test_arguments_are_those_of_the_library():
    rng = np.random.default_rng(0)
    z = np.exp(1j * rng.uniform(-np.pi, np.pi, 20001)) * 10.0 ** rng.uniform(-12, 2, 20001)
    z = np.concatenate([z, [0, 1, -1, 1j, -1j, 1 + 1j, -1 - 1j]])
    out = np.empty(z.size)
    arguments(z, out)
    assert np.abs(out - np.angle(z)).max() < 1e-15


def test_crossings_of_a_path_are_the_readable_ones():
    mesh = simple.rectangle(8, 5, (4.0, 2.5), 0.25, 1)
    op, rng = parts.operators(mesh), np.random.default_rng(4)
    (old, a_old), (new, a_new) = noise(rng, op), noise(rng, op)
    path = rng.choice(op.edges.shape[1], 40, replace=False)
    found = np.empty(path.size)
    kernels.crossings(old, a_old[path], new, a_new[path], op.edges[:, path], found)
    wanted = windings.crossings(old, a_old[path], new, a_new[path], op.edges[:, path])
    assert np.array_equal(found, wanted) and wanted.any()
    share, live = rng.choice([-1.0, 1.0, 0.5], path.size), rng.random(path.size) < 0.8
    sums = kernels.along(path, op.edges[:, path], share, live, old, new, a_old, a_new)
    assert sums == pytest.approx((share[live] @ wanted[live], share @ a_old[path], share @ a_new[path]))
    mu = rng.standard_normal(op.nodes)
    assert kernels.drop(op.edges[:, path], share, mu) == pytest.approx(-share @ (op.G @ mu)[path])


def test_what_is_dim_is_found_from_the_nodes_that_are_not_bright():
    """The largest |psi|^2 within some edges, exact where it is below ABOVE^2, and above it elsewhere."""
    rng = np.random.default_rng(11)
    op = parts.operators(simple.rectangle(12, 9, (4.0, 2.5), 0.25, 1))
    b = rng.choice([0.0, 0.004, 0.009, 0.02, 0.5], op.nodes, p=[0.4, 0.3, 0.2, 0.05, 0.05])
    live = rng.random(op.edges.shape[1]) < 0.9
    for rounds in range(4):
        wanted = b.copy()
        for _ in range(rounds):
            last = wanted.copy()
            for i, j in op.edges[:, live].T:
                wanted[i], wanted[j] = max(wanted[i], last[j]), max(wanted[j], last[i])
        found = b.copy()
        neighbourhood(found, op.edges[0], op.edges[1], live, rounds, np.empty(op.nodes))
        exact = wanted < ABOVE**2
        assert np.array_equal(found[exact], wanted[exact]) and np.all(found[~exact] >= ABOVE**2)
    assert exact.any() and not exact.all()
