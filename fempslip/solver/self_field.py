"""The step of the vector potential with self-field: variable-step BDF2, one linear solve with a constant matrix.

    [(a1/dt) sigma M1 + kappa^2 S + D0] a_new
        = sigma M1 (h0 a_now + h1 a_before)/dt + I_s(psi*, a*) + D0 a* + kappa^2 S a_applied(t + dt) + I_external

psi*, a* extrapolated; curl curl implicit.  D0 stabilises the extrapolated supercurrent: with L its largest slope,
-dI_s/da <= L, the root of the scheme at z = -1 stays inside for every dt when D0 >= 3/4 L (4/dt + 4 D0 - 3 L >= 0).
It costs an error of order dt^2, like that of the scheme itself.  D0 = |w| on links, |I_s| <= |w||psi|^2.

The matrix depends on a1/dt alone; steps keep to a ladder of powers of two and factors are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Problem, State
from fempslip.physics import kernels
from fempslip.physics.applied import PrescribedCurrents, potential
from fempslip.physics.graph import Graph
from fempslip.physics.maxwell import Screening, supercurrents
from fempslip.solver.bdf import bdf, weights
from fempslip.solver.linear import factored

KEPT = 8  # factors at most


@dataclass(frozen=True, eq=False)
class MaxwellField:
    """contract.Field for `screening: maxwell`.  State: a (three deep) and e, the circulation of E = -da/dt.

    free : (edges,) numbers of the edges that are solved for: edges of a bank carry no electric field and keep their a
    """

    problem: Problem
    graph: Graph
    screening: Screening
    load: PrescribedCurrents
    mass: sp.csr_array  # sigma M1
    damping: Array  # (edges,) D0
    free: Array
    factors: dict[float, Callable[[Array], Array]] = field(default_factory=dict)

    ladder = True

    @classmethod
    def of(cls, problem: Problem, graph: Graph) -> MaxwellField:
        op = problem.operators
        free = np.flatnonzero(~on_banks(problem))
        return cls(
            problem, graph, Screening.of(problem), PrescribedCurrents(problem), op.M1, np.abs(op.w), free
        )  # fmt: skip

    def declare(self) -> Mapping[str, int]:
        return {"a": 3, "e": 1}

    def begin(self, psi: Array, chi: Array, t: float) -> Mapping[str, Array]:
        """a that belongs to psi at rest: the field of smallest energy with psi as it is.

        kappa^2 S (a - a_applied) = w |psi_i||psi_j| (phi - (a - a_applied)), phi the gauge-invariant phase of an edge
        without self-field.
        """
        op = self.problem.operators
        i, j = op.edges
        at_rest = potential(self.problem.drive, t) + (chi[j] - chi[i])
        stiff = op.w * np.abs(psi[i]) * np.abs(psi[j])
        phi = np.angle(psi[i].conj() * np.exp(-1j * at_rest) * psi[j])
        phi[(psi[i] == 0) | (psi[j] == 0)] = 0.0
        matrix = self.screening.kS + sp.diags_array(np.maximum(stiff, 0.0)) + 1e-8 * self.mass
        a = at_rest.copy()
        a[self.free] += factored(sp.csr_array(matrix[self.free][:, self.free]))((stiff * phi)[self.free])
        return {"a": a, "e": np.zeros(a.size)}

    def links(self, past: State, t: float, dt: float) -> Mapping[str, Array]:
        """a and e at t + dt."""
        psi, a = past.past("psi"), past.past("a")
        last = past.steps[0] if past.steps and len(a) > 1 else None
        a1, h0, h1 = bdf(dt, last)
        x0, x1 = weights(dt, past.steps[: len(a) - 1], 2)
        back = min(1, len(a) - 1)
        pace = float(f"{a1 / dt:.10e}")  # exact in the factor and in the equation; a resumed run makes the same one
        before = (h0 * a[0] + h1 * a[back]) / a1
        guess = x0 * a[0] + x1 * a[back]
        pull = supercurrents(x0 * psi[0] + x1 * psi[back], guess, self.graph.w, self.graph.edges)
        currents = self.load.close(np.zeros(0), np.zeros(0), past, t + dt).currents
        right = self.mass @ (pace * before) + pull + self.damping * guess + self.screening.applied(t + dt)
        if currents.any():
            right += currents @ self.screening.injected
        new = self.solve(pace, right, a[0])
        return {"a": new, "e": pace * (before - new)}

    def solve(self, pace: float, right: Array, held: Array) -> Array:
        """[pace sigma M1 + kappa^2 S + D0] a = right, a as `held` on banks."""
        free, everywhere = self.free, self.free.size == held.size
        if pace not in self.factors:
            matrix = sp.csr_array(pace * self.mass + self.screening.kS + sp.diags_array(self.damping))
            while len(self.factors) >= KEPT:
                self.factors.pop(next(iter(self.factors)))
            self.factors[pace] = factored(matrix if everywhere else sp.csr_array(matrix[free][:, free]))
        if everywhere:
            return self.factors[pace](right)
        a = held.copy()
        fixed = np.where(np.isin(np.arange(held.size), free), 0.0, held)
        moved = pace * (self.mass @ fixed) + self.screening.kS @ fixed
        a[free] = self.factors[pace]((right - moved)[free])
        return a

    def frame(self, new: Mapping[str, Array], t: float) -> tuple[Array, Array]:
        g = self.graph
        link = np.empty(g.neighbour.size, dtype=complex)
        kernels.links(new["a"], g.w, g.up, g.down, link)
        return link, np.ones(self.problem.operators.nodes, dtype=complex)

    def weight(self, new: Mapping[str, Array]) -> Array | None:
        return None

    def errors(self, past: State, new: Mapping[str, Array], dt: float) -> Mapping[str, float]:
        """max |a - quadratic extrapolation|, a phase like that of psi."""
        a = past.past("a")
        q = weights(dt, past.steps[: len(a) - 1], len(a))
        return {"a": float(np.max(np.abs(new["a"] - sum(w * x for w, x in zip(q, a, strict=True)))))}

    def response(self, framed: Array, link: Array, past: State, t: float) -> tuple[Array, Array, Array]:
        none = np.zeros(len(self.problem.contacts))
        return none, np.zeros((none.size, none.size)), np.zeros(0)

    def close(self, partial: Any, currents: Array) -> Mapping[str, Array]:
        return {}


def on_banks(problem: Problem) -> Array:
    """(edges,) True on edges that lie in a bank: there E is 0 and psi is held."""
    held = np.zeros(problem.operators.edges.shape[1], dtype=bool)
    for contact in problem.contacts:
        if contact.kind == "bank":
            inside = np.zeros(problem.operators.nodes, dtype=bool)
            inside[contact.nodes] = True
            held |= inside[problem.operators.edges].all(axis=0)
    return held
