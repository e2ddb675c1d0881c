"""The sample's own magnetic field: a is an unknown, in the sample and around it.

    sigma M1 da/dt + kappa^2 C^T M2 (C a - Phi_applied) - I_s(psi, a) = I_external

the variation of F + kappa^2 int (B - B_applied)^2 (Ampere's law, kappa^2 curl curl A = J_s + J_n).  The applied field
enters as a cochain a_applied with C a_applied = Phi_applied, in kappa^2 S (a - a_applied), S = C^T M2 C.  Charge is
conserved by itself: G^T of the equation is the sum of currents at each node, since C G = 0.

Films are infinitely long along z: outside B is the applied field, the natural boundary condition, and no mesh of the
vacuum is needed; a hole is one polygonal cell (mesh.loops).  A transport current raises the field from one side of the
sample to the other by I/kappa^2.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numba import njit

from fempslip.contract import Array, Contact, Mesh, Operators, Problem, Refusal, State
from fempslip.mesh import cochains
from fempslip.mesh.loops import holes, in_order, loops
from fempslip.physics import kernels
from fempslip.physics.graph import Graph, graph
from fempslip.physics.landscape import Epsilon


@dataclass(frozen=True, eq=False)
class Space:
    """Where the field lives: the cells of the sample, and what is around it.

    C : (faces, edges) and area : (faces,) of the sample's triangles, then of its holes (films);  S : C^T M2 C
    """

    C: sp.csr_array
    area: Array
    S: sp.csr_array


def film_space(mesh: Mesh, op: Operators) -> Space:
    """The space of a film that is infinitely long along z.  Raises Refusal where boundaries touch."""
    hole = holes(mesh, op)
    C = sp.csr_array(sp.vstack([op.C, hole.C]))
    assert op.M2 is not None
    area = np.r_[1.0 / op.M2.diagonal(), hole.area]
    return Space(C, area, sp.csr_array(C.T @ sp.diags_array(1.0 / area) @ C))


def current_patterns(mesh: Mesh, op: Operators, contacts: tuple[Contact, ...], driven: Collection[str]) -> Array:
    """I_external of a unit current into each contact, (contacts, edges): kappa^2 times boundary values of b.

    Walking round the outline counter-clockwise b falls by I/kappa^2 where a current I enters, in proportion to the
    share of each node; its mean over the outline is that of the applied field.  Only currents that sum to zero mean
    anything.  driven : contacts that ever carry a current.  Raises Refusal for these on a hole, and on two bodies.
    """
    found = np.zeros((len(contacts), op.edges.shape[1]))
    carriers = [(row, c) for row, c in zip(found, contacts, strict=True) if c.name in driven]
    if not carriers:
        return found
    lengths, node_of = cochains.edge_lengths(mesh, op), [set(c.nodes.tolist()) for _, c in carriers]
    outlines = [in_order(loop, op) for loop in loops(mesh, op) if loop.outline]
    carrying = [(n, e) for n, e in outlines if any(set(n.tolist()) & own for own in node_of)]
    if len(carrying) != 1 or not all(own <= set(carrying[0][0].tolist()) for own in node_of):
        raise Refusal("with its own field, a film carries its current between terminals on the outline of one body")
    nodes, edges = carrying[0]
    rim = np.asarray(op.C.T @ np.ones(op.C.shape[0]))[edges]
    for row, contact in carriers:
        share = np.zeros(op.nodes)
        share[contact.nodes] = contact.weights
        b = -np.cumsum(share[nodes])
        b -= b @ lengths[edges] / lengths[edges].sum()
        row[edges] = rim * b
    return found


# ------------------------------------------------------------------------------------------- currents and energy


def supercurrents(psi: Array, a: Array, w: Array, edges: Array) -> Array:
    """I_e = w_e Im[psi_i* exp(-i a_e) psi_j] : (edges,)."""
    out = np.empty(a.size)
    link_currents(psi, a, w, edges, out)
    return out


@njit(cache=True, error_model="numpy")
def link_currents(psi: Array, a: Array, w: Array, edges: Array, out: Array) -> None:
    for e in range(a.size):
        z = psi[edges[0, e]].conjugate() * psi[edges[1, e]]
        out[e] = w[e] * (z.imag * np.cos(a[e]) - z.real * np.sin(a[e]))


@dataclass(frozen=True, eq=False)
class Screening:
    """The constant parts of a screened problem.

    kS : kappa^2 S;  source : (fields, edges) kappa^2 S a_applied of each pattern;  injected : (contacts, edges)
    """

    problem: Problem
    space: Space
    kS: sp.csr_array
    source: Array
    injected: Array

    @classmethod
    def of(cls, problem: Problem) -> Screening:
        mesh, op = problem.mesh, problem.operators
        space = film_space(mesh, op)
        kS = sp.csr_array(problem.kappa**2 * space.S)
        source = np.array([kS @ pattern for pattern in problem.drive.patterns]).reshape(problem.drive.patterns.shape)
        return cls(problem, space, kS, source, current_patterns(mesh, op, problem.contacts, problem.drive.currents))

    def factors(self, t: float) -> Array:
        return np.array([f.value(t) for f in self.problem.drive.fields])

    def applied(self, t: float) -> Array:
        """kappa^2 S a_applied at t : (edges,)."""
        return self.factors(t) @ self.source

    def field_energy(self, a: Array, t: float) -> float:
        """kappa^2 int (B - B_applied)^2."""
        off = a - self.factors(t) @ self.problem.drive.patterns
        return float(off @ (self.kS @ off))

    def induction(self, a: Array) -> Array:
        """B of each triangle and, after them, of each hole: (faces,)."""
        return (self.space.C @ a) / self.space.area


@dataclass(frozen=True, eq=False)
class MaxwellMeter:
    """physics.power.Meter with the energy of the field.

    dF/dt = 2 I_external . da/dt - 2 kappa^2 (a - a_applied)^T S da_applied/dt - losses
    """

    screening: Screening
    graph: Graph
    epsilon: Epsilon

    @classmethod
    def of(cls, problem: Problem) -> MaxwellMeter:
        return cls(Screening.of(problem), graph(problem.operators), Epsilon(problem))

    def stored(self, state: State) -> tuple[float, float]:
        p, g, m = self.screening.problem, self.graph, self.screening.problem.operators.m
        link = np.empty(g.neighbour.size, dtype=complex)
        kernels.links(state["a"], g.w, g.up, g.down, link)
        eps = self.epsilon.at(state.t)
        value, mass = kernels.energy(state["psi"], link, g.up, g.edges, g.w, m, eps, p.beta)
        return value + self.screening.field_energy(state["a"], state.t), mass / float(m.sum())

    def dissipated(self, old: State, new: State) -> float:
        p, dt = self.screening.problem, new.t - old.t
        loss = kernels.relaxation_loss(old["psi"], new["psi"], dt, p.operators.m, p.u, p.gamma)
        rate = (new["a"] - old["a"]) / dt
        return loss + 2 * float(rate @ (p.operators.M1 @ rate))

    def supplied(self, old: State, new: State, currents: Array) -> float:
        s, dt = self.screening, new.t - old.t
        given = 2 * float((currents @ s.injected) @ (new["a"] - old["a"])) / dt if currents.any() else 0.0
        before, after = s.factors(old.t), s.factors(new.t)
        if np.any(before != after):
            off = 0.5 * (old["a"] + new["a"] - (before + after) @ s.problem.drive.patterns)
            given -= 2 * float(off @ ((after - before) @ s.source)) / dt
        return given + self.epsilon.supplied(old, new)
