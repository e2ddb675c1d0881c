"""Watchers of what a sample's currents do outside: its moment at every step, the flux through its holes at frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array, Problem, Sink, State, Step
from fempslip.mesh.cochains import uniform_field
from fempslip.mesh.paths import closed_path
from fempslip.physics.applied import potential
from fempslip.physics.biot_savart import BiotSavart
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.fields import electric
from fempslip.physics.graph import graph
from fempslip.physics.maxwell import Kinetics
from fempslip.physics.pearl import flux, rim
from fempslip.tasks.watchers import Plain, tracked_nodes
from fempslip.topology.windings import path_winding


def total_current(problem: Problem, state: State, kinetics: Kinetics | None = None) -> Array:
    """I_s + I_n of each edge, whatever the field.  kinetics : of bodies with their own field"""
    if "current" in state.history:
        return state["current"]
    law = kinetics or LinkEnergy(problem.operators, problem.epsilon)
    psi, a = state["psi"], state["a"]
    super_ = law.current(psi, a) if isinstance(law, LinkEnergy) else law.currents(psi, a)
    return super_ + problem.operators.M1 @ electric(problem, state)


@dataclass
class Moment(Plain):
    """Table `moment`: 1/2 int r x J along x, y, z (films: z) in units of current times xi^2, and the mean B applied.

    m_k = sum_e I_e a_e of the potential of a unit field along k.  field : of films, in Bc2
    """

    units: Mapping[str, Array]
    area: Array  # (edges,) so that area @ a_app is the mean field; empty but in films
    kinetics: Kinetics | None = None

    @classmethod
    def of(cls, problem: Problem) -> Moment:
        mesh, op = problem.mesh, problem.operators
        axes = {"z": (0, 0, 1)} if mesh.dim == 2 else {"x": (1, 0, 0), "y": (0, 1, 0), "z": (0, 0, 1)}
        area = np.zeros(0)
        if mesh.dim == 2:
            corner = mesh.points[:, op.face_nodes]
            a, b = corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]
            area = op.C.T @ np.ones(op.faces.shape[1]) / (0.5 * np.abs(a[0] * b[1] - a[1] * b[0])).sum()
        kinetics = None if problem.surroundings is None else Kinetics.of(problem, graph(op))
        return cls({f"m{axis}": uniform_field(mesh, op, unit) for axis, unit in axes.items()}, area, kinetics)

    def see(self, step: Step, sink: Sink) -> None:
        new = step.new
        current = total_current(step.problem, new, self.kinetics)
        row = {"t": new.t} | {name: float(unit @ current) for name, unit in self.units.items()}
        if self.area.size:
            row["field"] = float(self.area @ potential(step.problem.drive, new.t))
        sink.row("moment", row)


@dataclass
class HoleFlux(Plain):
    """Table `hole_flux`: at every frame, for each hole the flux, the flux applied, and the fluxoid, in Phi0.

    Films with their own field: through the rim of the hole, A point by point.  Else along the closed path of edges.
    The fluxoid, flux and kinetic part (1/2 pi) sum of gauge-invariant phases together, is the winding number.
    """

    every: float
    paths: Mapping[str, Array]
    through: Callable[[State, Array], float]

    @classmethod
    def of(cls, problem: Problem, every: float) -> HoleFlux:
        mesh, op = problem.mesh, problem.operators
        if problem.model.get("screening") != "pearl":
            paths = {name: closed_path(mesh, op, name) for name in mesh.holes}
            return cls(every, paths, lambda state, path: float(path @ state["a"]))
        law = BiotSavart.of(mesh, op)

        def through(state: State, path: Array) -> float:
            return flux(law, mesh, path, potential(problem.drive, state.t), state["current"], problem.Lambda)

        return cls(every, {name: rim(mesh, op, name) for name in mesh.holes}, through)

    def see(self, step: Step, sink: Sink) -> None:
        problem, new = step.problem, step.new
        number = new.t / self.every
        if abs(number - round(number)) > 1e-9 * max(1.0, number):
            return
        row, bright = {"t": new.t}, tracked_nodes(problem)
        applied = potential(problem.drive, new.t)
        for name, path in self.paths.items():
            edges = np.flatnonzero(path)
            row[name] = self.through(new, path) / (2 * np.pi)
            row[f"{name} applied"] = float(path @ applied) / (2 * np.pi)
            whole = bright[problem.operators.edges[:, edges]].all()
            n = path_winding(new["psi"], new["a"], problem.operators.edges, edges, path[edges]) if whole else np.nan
            row[f"{name} fluxoid"] = float(n)
        sink.row("hole_flux", row)
