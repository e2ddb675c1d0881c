"""Linear systems on edges: the same solution by a factor with a gauge and by multigrid without."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from laboratory import case_from, problem_of

from fempslip.contract import Failure, Problem
from fempslip.mesh.checks import CoarseMesh
from fempslip.physics.graph import graph
from fempslip.physics.maxwell import moment
from fempslip.solver import edges, self_field
from fempslip.solver.bdf2 import Bdf2, advance
from fempslip.solver.london import London
from fempslip.solver.self_field import MaxwellField

BALL = """
geometry:
  dimension: 3
  regions: {body: {sphere: {radius: 2 xi, center: [0, 0, 0]}}}
material: {u: 5.79, gamma: 0, lambda: 1.5}
model: {screening: maxwell}
drive: {field: {direction: [0, 0, 1], ramp: {from: 0, to: 0.3, over: 0.5 tau}}}
mesh: {size: 0.8 xi}
time: {until: 10 tau}
"""


@pytest.fixture(scope="module")
def ball(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CoarseMesh)
        return problem_of(case_from(BALL, tmp_path_factory.mktemp("ball")))


def test_both_ways_give_one_state(ball, monkeypatch):
    """The London state in 0.2 Bc2: currents and B to 1e-7; the field converges in at most 20 iterations."""
    monkeypatch.setattr(edges, "MOST", 20)
    op = ball.surroundings.operators
    applied = np.zeros(ball.operators.edges.shape[1])
    found = []
    for limit in (10**6, 0):
        monkeypatch.setattr("fempslip.solver.london.ONCE", limit)
        london = London.of(ball, np.ones(ball.operators.nodes))
        state = london.state(applied, t=5.0)
        found.append((state.current, op.C @ state.a))
    assert London.of(ball, np.ones(ball.operators.nodes)).free.size == op.edges.shape[1]
    for one, other in zip(*found, strict=True):
        assert np.abs(one - other).max() < 1e-7 * np.abs(one).max()


def test_both_ways_march_alike(ball, monkeypatch):
    """20 steps through a ramp of the field: currents and B to 1e-6, though by multigrid a begins with a random gradient
    in the vacuum."""
    op, found = ball.surroundings.operators, []
    for limit in (10**6, 0):
        monkeypatch.setattr(self_field, "OFTEN", limit)
        stepper = Bdf2.of(ball)
        assert (stepper.field.free.size == op.edges.shape[1]) == (limit == 0)
        state = stepper.begin()
        if limit == 0:
            chi = np.random.default_rng(2).normal(size=op.nodes) * (np.arange(op.nodes) >= ball.operators.nodes)
            state = replace(state, history={**state.history, "space": (state["space"] + op.G @ chi,)})
        for _ in range(20):
            state = advance(state, stepper.attempt(state, 0.05), 0.05, stepper.declare())
        field = stepper.field
        found.append((field.kinetics.currents(state["psi"], state["a"]), op.C @ state["space"], np.abs(state["psi"])))
    for one, other in zip(*found, strict=True):
        assert np.abs(one - other).max() < 1e-6 * np.abs(one).max()
    assert np.abs(moment(ball.mesh, ball.operators, found[0][0])[2]) > 0.1


def test_held_edges_are_left_out(ball, monkeypatch):
    """A matrix without the edges of a cap of the ball, in whose vacuum it is singular: solved in 25 iterations."""
    monkeypatch.setattr(edges, "MOST", 25)
    field = MaxwellField.of(ball, graph(ball.operators))
    op = ball.surroundings.operators
    held = (ball.surroundings.mesh.points[2][op.edges] > 1.5).all(axis=0)
    free = np.flatnonzero(~held)
    matrix = (field.screening.kS + field.mass).tocsr()
    right = np.asarray(field.mass @ np.random.default_rng(1).normal(size=held.size))[free]
    found = self_field.space_solver(ball, matrix, free, 1e-10, 0)(right, np.zeros(free.size))
    assert np.abs(matrix[free][:, free] @ found - right).max() < 1e-8 * np.abs(right).max()


def test_a_solver_that_does_not_converge_says_so(ball, monkeypatch):
    monkeypatch.setattr(edges, "MOST", 2)
    monkeypatch.setattr("fempslip.solver.london.ONCE", 0)
    with pytest.raises(Failure, match="did not converge in 2 iterations"):
        London.of(ball, np.ones(ball.operators.nodes)).state(np.zeros(ball.operators.edges.shape[1]), t=5.0)
