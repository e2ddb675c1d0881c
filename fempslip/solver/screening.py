"""Which field a problem steps with, by `model.screening`: what the sample's own currents do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fempslip.contract import Field, Problem
from fempslip.physics.applied import AppliedField
from fempslip.physics.graph import Graph
from fempslip.physics.pearl import PearlField
from fempslip.solver import linear
from fempslip.solver.bdf import bdf, weights
from fempslip.solver.self_field import MaxwellField


def unscreened(problem: Problem, graph: Graph) -> AppliedField:
    """The applied field alone."""
    return AppliedField.of(problem, graph, lambda k: linear.poisson_solver(k, problem.mesh.dim))


def thin_film(problem: Problem, graph: Graph) -> Field:
    """A film with the field of its own sheet current."""
    return PearlField.of(problem, graph, lambda k: linear.poisson_solver(k, problem.mesh.dim), bdf, weights)


FIELDS: Mapping[str, Callable[[Problem, Graph], Field]] = {
    "none": unscreened,
    "maxwell": MaxwellField.of,
    "pearl": thin_film,
}
