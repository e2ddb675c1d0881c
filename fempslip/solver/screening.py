"""Which field a problem steps with, by `model.screening`: what the sample's own currents do to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fempslip.contract import Field, Problem
from fempslip.physics.applied import AppliedField
from fempslip.physics.graph import Graph
from fempslip.solver import linear


def unscreened(problem: Problem, graph: Graph) -> Field:
    """The applied field alone."""
    return AppliedField.of(problem, graph, lambda k: linear.poisson_solver(k, problem.mesh.dim))


FIELDS: Mapping[str, Callable[[Problem, Graph], Field]] = {"none": unscreened}
