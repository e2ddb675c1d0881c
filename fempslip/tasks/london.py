"""task: london.  The static field and currents of a sample whose |psi| is that of its start, with its windings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fempslip.contract import Array, Problem, Sink
from fempslip.mesh.cochains import around
from fempslip.mesh.paths import closed_path, threading
from fempslip.physics.fields import induction, vectors
from fempslip.solver.london import London, LondonState
from fempslip.solver.thin_film import FilmLondon
from fempslip.tasks.seeds import VortexLine

# model.screening -> the static states of a sample in that space
STATES: Mapping[str, Callable[[Problem, Array], London | FilmLondon]] = {"maxwell": London.of, "pearl": FilmLondon.of}


@dataclass(frozen=True, eq=False)
class LondonTask:
    """contract.Task.

    lines : windings round holes and vortices at places
    si : SI values of units: energy, moment (a current times xi^2), current, inductance
    """

    problem: Problem
    lines: tuple[VortexLine, ...]
    si: Mapping[str, float] = field(default_factory=dict)

    def run(self, sink: Sink, told: Callable[[float, str], None]) -> Mapping[str, Any]:
        """energy (total, kinetic, magnetic, in F), moment in units of current times xi^2, magnetization mu0 M in Bc2,
        holes, inductance."""
        p = self.problem
        told(0.1, "solving the London equation")
        london = STATES[p.model["screening"]](p, np.abs(p.psi) ** 2)
        state = london.state(self.turns())
        told(0.5, "currents, moment, holes")
        sink.frame(0.0, self.shown(state, london.inner(state)))
        moment = london.moment(state)
        magnetized = moment / (p.kappa**2 * p.operators.m.sum())  # mu0 M: j0 xi is Bc2/(mu0 kappa^2)
        energy = state.kinetic + state.magnetic
        found: dict[str, Any] = {
            "energy": energy,
            "kinetic": state.kinetic,
            "magnetic": state.magnetic,
            "field": self.mean_field(london),
            "moment": [float(m) for m in moment],
            "moment_z": float(moment[2]),
            "magnetization": [float(m) for m in magnetized],
            "magnetization_z": float(magnetized[2]),
        }
        if self.si:
            sizes = {"energy_J": energy * self.si["energy"], "moment_z_Am2": float(moment[2]) * self.si["moment"]}
            found["si"] = sizes
        return found | self.of_holes(london, state, sink)

    def turns(self) -> Array:
        mesh, op = self.problem.mesh, self.problem.operators
        total = np.zeros(op.edges.shape[1])
        for line in self.lines:
            total += line.winding * around(mesh, op, line.point, line.direction)
        return total

    def mean_field(self, london: London | FilmLondon) -> list[float]:
        """Mean applied field, [x, y, z]."""
        p = self.problem
        return [float(b) for b in p.operators.m @ induction(p, london.applied()) / p.operators.m.sum()]

    def of_holes(self, london: London | FilmLondon, state: LondonState, sink: Sink) -> dict[str, Any]:
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
            of_hole = {
                "flux": london.flux(state, name) / (2 * np.pi),
                "fluxoid": float(path @ whole) / (2 * np.pi),
                "current": current,
                "inductance": float(matrix.total[k, k]),
                "geometric": float(matrix.geometric[k, k]),
                "kinetic": float(matrix.kinetic[k, k]),
            }
            found[name] = of_hole | self.in_si(of_hole)
            for column, value in enumerate(matrix.total[k]):
                parts = {"kinetic": float(matrix.kinetic[k, column])}
                sink.row("inductance", {"row": k, "column": column, "value": float(value), **parts})
        return {"holes": found}

    def in_si(self, of_hole: Mapping[str, float]) -> dict[str, Any]:
        if not self.si:
            return {}
        henry = {f"{name}_H": of_hole[name] * self.si["inductance"] for name in ("inductance", "geometric", "kinetic")}
        return {"si": {"current_A": of_hole["current"] * self.si["current"], **henry}}

    def shown(self, state: LondonState, inner: Array) -> Mapping[str, Array]:
        """inner : a on edges of the sample."""
        p = self.problem
        psi = p.psi
        weight = np.abs(psi) ** 2
        return {
            "psi_re": psi.real.copy(),
            "psi_im": psi.imag.copy(),
            "psi_abs": np.abs(psi),
            "supercurrent": (p.kinetic * weight)[:, None] * vectors(p, state.velocity),
            "induction": induction(p, inner),
        }
