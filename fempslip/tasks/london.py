"""task: london.  The static field and currents of a sample whose |psi| is that of its start, with its windings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fempslip.contract import Array, Problem, Sink
from fempslip.mesh.cochains import around
from fempslip.mesh.paths import closed_path, threading
from fempslip.physics.fields import induction, vectors
from fempslip.physics.maxwell import hole_flux
from fempslip.solver.london import London, LondonState
from fempslip.tasks.seeds import VortexLine


@dataclass(frozen=True, eq=False)
class LondonTask:
    """contract.Task.  lines : windings round holes and vortices at places."""

    problem: Problem
    lines: tuple[VortexLine, ...]

    def run(self, sink: Sink, told: Callable[[float, str], None]) -> Mapping[str, Any]:
        """energy (total, kinetic, magnetic, in F), moment, magnetization, holes, inductance."""
        p = self.problem
        told(0.1, "solving the London equation")
        london = London.of(p, np.abs(p.psi) ** 2)
        state = london.state(self.turns())
        told(0.7, "currents, moment, holes")
        sink.frame(0.0, self.shown(state))
        moment, volume = london.moment(state), float(p.operators.m.sum())
        found: dict[str, Any] = {
            "energy": state.kinetic + state.magnetic,
            "kinetic": state.kinetic,
            "magnetic": state.magnetic,
            "field": self.field(london),
            "moment": [float(m) for m in moment],
            "magnetization": [float(m / volume) for m in moment],
            "magnetization_z": float(moment[2] / volume),
        }
        return found | self.of_holes(london, state, sink)

    def turns(self) -> Array:
        mesh, op = self.problem.mesh, self.problem.operators
        total = np.zeros(op.edges.shape[1])
        for line in self.lines:
            total += line.winding * around(mesh, op, line.point, line.direction)
        return total

    def field(self, london: London) -> list[float]:
        """Mean applied field, [x, y, z]."""
        p = self.problem
        a = london.screening.potential(0.0)[london.screening.space.inner]
        return [float(b) for b in p.operators.m @ induction(p, a) / p.operators.m.sum()]

    def of_holes(self, london: London, state: LondonState, sink: Sink) -> dict[str, Any]:
        """flux and fluxoid of each hole in Phi0, the current round it in j0 xi^(dim-1), and the matrix of L."""
        mesh, op, names = self.problem.mesh, self.problem.operators, list(self.problem.mesh.holes)
        if not names:
            return {}
        turns = [threading(mesh, op, name) for name in names]
        matrix = london.inductance(turns)
        whole = self.turns()
        found: dict[str, Any] = {}
        for k, name in enumerate(names):
            path = closed_path(mesh, op, name)
            current = float(turns[k] @ state.current) / (2 * np.pi)
            found[name] = {
                "flux": hole_flux(self.problem, london.screening, state.a, name) / (2 * np.pi),
                "fluxoid": float(path @ whole) / (2 * np.pi),
                "current": current,
                "inductance": float(matrix[k, k]),
            }
            for other, value in zip(names, matrix[k], strict=True):
                sink.row("inductance", {"row": k, "column": names.index(other), "value": float(value)})
        return {"holes": found}

    def shown(self, state: LondonState) -> Mapping[str, Array]:
        p = self.problem
        psi = p.psi
        weight = np.abs(psi) ** 2
        inner = state.a[: p.operators.edges.shape[1]] if p.surroundings is None else state.a[p.surroundings.edges]
        velocity = self.turns() - inner
        return {
            "psi_re": psi.real.copy(),
            "psi_im": psi.imag.copy(),
            "psi_abs": np.abs(psi),
            "supercurrent": (p.kinetic * weight)[:, None] * vectors(p, velocity),
            "induction": induction(p, inner),
        }
