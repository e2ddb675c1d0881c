"""task: nucleation.  The largest field in which superconductivity can begin, and how it begins.

    K_A v = E m v - m (eps_max - eps) v,   nucleation where the lowest E(B) = eps_max

with the lumped mass m (a consistent one is up to 40 times worse).  Newton in B by Hellmann and Feynman, with v of
unit mass and a linear in B:  dE/dB = -2 sum_e I_e(v) da_e/dB.  Where the winding of v changes, E(B) has a kink: the
root is bracketed, and looked for from above.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize_scalar

from fempslip.contract import Array, Failure, Operators, Problem, Sink
from fempslip.mesh.checks import CoarseMesh
from fempslip.physics.energy import LinkEnergy
from fempslip.solver.linear import nested_dissection
from fempslip.solver.symmetric import lowest
from fempslip.tasks.relax import state_fields
from fempslip.topology.windings import face_windings

CLOSE = 1e-10  # relative change of B at which it is found
ROUNDS = 40
SCANNED = 4  # fluxes through a loop at which the least is looked for first


@dataclass(frozen=True, eq=False)
class Modes:
    """Lowest states of the linear equation.  values : (modes,) E;  vectors : (nodes, modes) complex, of unit mass."""

    field: float
    values: Array
    vectors: Array
    slope: float
    flux: float = 0.0


@dataclass(frozen=True, eq=False)
class Nucleus:
    """The linear equation of a body in a field of changing size.

    at_rest : (edges,) links without it;  pattern : (edges,) links of a field of 1
    loop : (edges,) circulation 1 along a period through which the flux is free: E is the least for any.  Along a
    surface the state then has the wave number that it likes best, whatever the length of the strip.
    """

    op: Operators
    epsilon: Array
    at_rest: Array
    pattern: Array
    order: Array
    loop: Array | None = None

    @classmethod
    def of(cls, op: Operators, epsilon: Array, at_rest: Array, pattern: Array, loop: Array | None = None) -> Nucleus:
        return cls(op, epsilon, at_rest, pattern, nested_dissection(sp.csr_array(op.G.T @ op.G)), loop)

    @property
    def target(self) -> float:
        return float(self.epsilon.max())

    def modes(self, field: float, count: int = 2) -> Modes:
        """The lowest states at a field."""
        if self.loop is None:
            return self._modes(field, count, 0.0)
        starts = np.linspace(0, 2 * np.pi, SCANNED, endpoint=False)
        best = starts[np.argmin([self._modes(field, 1, flux).values[0] for flux in starts])]
        near = (best - 2 * np.pi / SCANNED, best + 2 * np.pi / SCANNED)
        found = minimize_scalar(
            lambda flux: self._modes(field, 1, flux).values[0], bounds=near, method="bounded", options={"xatol": 1e-5}
        )
        return self._modes(field, count, float(found.x))

    def links(self, modes: Modes) -> Array:
        """(edges,) links in which they live."""
        a = self.at_rest + modes.field * self.pattern
        return a if self.loop is None else a + modes.flux * self.loop

    def _modes(self, field: float, count: int, flux: float) -> Modes:
        op = self.op
        energy = LinkEnergy(op, self.epsilon)
        a = self.at_rest + field * self.pattern
        if self.loop is not None:
            a = a + flux * self.loop
        k = sp.csr_array(energy.stiffness(a) + sp.diags_array(op.m * (self.target - self.epsilon)))
        mass = sp.csr_array(sp.diags_array(op.m.astype(complex)))
        values, vectors = lowest(k, mass, self.order, count, below=-1e-6)
        v = vectors[:, 0]
        norm = float(op.m @ np.abs(v) ** 2)
        slope = -2 * float(energy.current(v, a) @ self.pattern) / norm
        return Modes(field, values.real, vectors, slope, flux)

    def upper(self, guess: float | None) -> float:
        """A field above the nucleation field."""
        field = 1.1 * guess if guess else 1.0
        for _ in range(60):
            if self.modes(field, 1).values[0] > self.target:
                return field
            field *= 1.5
        raise Failure("no field makes this body normal: epsilon is nowhere positive, or the mesh is one line of cells")

    def field(self, guess: float | None = None, told: Callable[[float, str], None] = lambda part, words: None) -> Modes:
        """The largest root of E(B) = eps_max below `upper`.

        Steps of Newton inside a bracket (below, above) of E - eps_max; E is convex between its kinks, so a step from
        above that passes one comes back from below.
        """
        if self.target <= 0:
            raise Failure("epsilon is nowhere positive: nothing here becomes superconducting in any field")
        high, low = self.upper(guess), 0.0
        field = high
        for k in range(ROUNDS):
            found = self.modes(field)
            excess = float(found.values[0]) - self.target
            told(min(k / 12, 0.99), f"B = {field:.8g} Bc2")
            if excess > 0:
                high = min(high, field)
            else:
                low = max(low, field)
            wanted = field - excess / found.slope if found.slope > 0 else 0.5 * (low + high)
            if not low <= wanted <= high:
                wanted = 0.5 * (low + high)
            if abs(wanted - field) <= CLOSE * field:
                return found
            field = wanted
        raise Failure(f"the nucleation field was not found in {ROUNDS} solutions; it lies between {low:g} and {high:g}")


def warn_coarse(size: float, field: float) -> None:
    """Say so where the mesh is worth more than half a per cent: the error is about 4 % of x (1 + 2 x), x = h^2 B
    (disks of 3 and 5 xi, h from 0.1 to 0.5 xi).
    """
    share = 0.04 * size**2 * field * (1 + 2 * size**2 * field)
    if share > 0.005:
        words = f"mesh.size {size:g} xi puts the nucleation field off by some {100 * share:.1g} %"
        warnings.warn(f"{words}: set {0.15 / field**0.5:.2g} xi for 0.1 %", CoarseMesh, stacklevel=3)


def vorticity(problem: Problem, psi: Array, a: Array) -> int | None:
    """Quanta that psi holds, all faces of a film together; None elsewhere."""
    if problem.mesh.dim != 2:
        return None
    return int(face_windings(psi, a, problem.operators, hidden=problem.drive.hidden).sum())


@dataclass(frozen=True, eq=False)
class Nucleation:
    """contract.Task.  pattern : (edges,) links of the field that changes;  at_rest : (edges,) of all that stays."""

    problem: Problem
    pattern: Array
    at_rest: Array
    loop: Array | None = None
    guess: float | None = None
    modes: int = 3

    def run(self, sink: Sink, told: Callable[[float, str], None]) -> Mapping[str, Any]:
        p = self.problem
        nucleus = Nucleus.of(p.operators, p.epsilon, self.at_rest, self.pattern, self.loop)
        root = nucleus.field(self.guess, told)
        warn_coarse(p.mesh.size, root.field)
        found = nucleus.modes(root.field, self.modes)
        a = nucleus.links(found)
        windings = []
        for k in range(self.modes):
            psi = found.vectors[:, k] / np.abs(found.vectors[:, k]).max()
            windings.append(vorticity(p, psi, a))
            row = {"mode": k, "energy": float(found.values[k]), "vorticity": windings[k]}
            sink.row("modes", {key: float(value) for key, value in row.items() if value is not None})
            sink.frame(float(k), state_fields(p, psi, a))
        answer = {
            "field": root.field,
            "slope": root.slope,
            "gap": float(found.values[1] - found.values[0]) if self.modes > 1 else None,
            "vorticity": windings[0],
        }
        return {key: value for key, value in answer.items() if value is not None}
