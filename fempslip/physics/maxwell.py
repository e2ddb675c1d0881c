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
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
import scipy.sparse.csgraph as csgraph
from numba import njit

from fempslip.contract import Array, Contact, Mesh, Operators, Problem, Refusal, State, Surroundings
from fempslip.mesh import cochains
from fempslip.mesh.loops import holes, in_order, loops
from fempslip.mesh.paths import closed_path
from fempslip.mesh.simplices import column_numbers, volumes
from fempslip.mesh.simplices import graph as graph_of
from fempslip.physics import kernels
from fempslip.physics.barycentric import Barycentric
from fempslip.physics.graph import Graph, graph
from fempslip.physics.landscape import Epsilon


@dataclass(frozen=True, eq=False)
class Space:
    """Where the field lives: the sample and what is around it.

    S : (edges, edges) of everything;  inner : (edges of the sample,) their numbers in everything
    gauge : (edges,) True where a may be kept as applied, a choice of gauge in the vacuum
    walls : (edges,) True where a is kept as applied: the surface of perfect conductors
    patterns : (fields, edges) of the applied potential
    C, area : films: faces of the triangles and, after them, of the holes
    """

    S: sp.csr_array
    inner: Array
    gauge: Array
    walls: Array
    patterns: Array
    C: sp.csr_array | None = None
    area: Array | None = None


def space_of(problem: Problem) -> Space:
    """Raises Refusal where boundaries of a film touch."""
    if problem.surroundings is None:
        return film_space(problem.mesh, problem.operators, problem.drive.patterns)
    return ball_space(problem.surroundings, problem.operators.nodes)


def film_space(mesh: Mesh, op: Operators, patterns: Array) -> Space:
    """A film that is infinitely long along z."""
    hole = holes(mesh, op)
    C = sp.csr_array(sp.vstack([op.C, hole.C]))
    assert op.M2 is not None
    area = np.r_[1.0 / op.M2.diagonal(), hole.area]
    edges = op.edges.shape[1]
    S = sp.csr_array(C.T @ sp.diags_array(1.0 / area) @ C)
    nowhere = np.zeros(edges, dtype=bool)
    return Space(S, np.arange(edges), nowhere, nowhere, patterns, C, area)


def ball_space(ball: Surroundings, nodes: int) -> Space:
    """A body in a ball: outside the ball the field is that of a dipole, whose energy is

        kappa^2 (R/2) sum_f (b_f - b_applied,f)^2 A_f     over the triangles of the sphere

    In the vacuum a is free up to a gradient: it is kept as applied on a tree of edges that reaches every vertex from
    the body (the tree gauge).  The equations left out there hold by themselves.  Between walls there is no sphere, and
    a is as applied on these; on the cylinder's wall the field has its natural condition and the sheet of the current.
    """
    op = ball.operators
    count = op.edges.shape[1]
    face = column_numbers(op.face_nodes, ball.sphere, op.nodes)
    area = volumes(ball.mesh.points, ball.sphere)
    rim = sp.csr_array(op.C[face])
    assert op.S is not None
    S = sp.csr_array(op.S + rim.T @ sp.diags_array(0.5 * ball.radius / area) @ rim)
    walls = np.zeros(count, dtype=bool) if ball.walls is None else ball.walls
    rooted = np.arange(op.nodes) < nodes
    rooted[op.edges[:, walls]] = True
    tree = np.zeros(count, dtype=bool)
    tree[vacuum_tree(op, rooted)] = True
    return Space(S, ball.edges, tree, walls, ball.patterns)


def vacuum_tree(op: Operators, rooted: Array) -> Array:
    """Edges of a tree that joins every other vertex to the rooted ones, (nodes,) True, taken as one."""
    label = np.where(rooted, 0, np.cumsum(~rooted))
    short = np.sort(label[op.edges], axis=0)
    vacuum = np.flatnonzero(short[1] > 0)
    size = int(label.max()) + 1
    _, before = csgraph.breadth_first_order(graph_of(size, short[:, vacuum]), 0, directed=False)
    child = np.flatnonzero(before >= 0)
    key = short[0, vacuum].astype(np.int64) * size + short[1, vacuum]
    wanted = np.minimum(before[child], child).astype(np.int64) * size + np.maximum(before[child], child)
    order = np.argsort(key, kind="stable")
    return vacuum[order[np.searchsorted(key[order], wanted)]]


def injections(problem: Problem) -> Array:
    """I_external of a unit current into each contact, (contacts, edges of the space)."""
    space, contacts = problem.surroundings, problem.contacts
    if space is None:
        return current_patterns(problem.mesh, problem.operators, contacts, problem.drive.driven)
    if space.sheet is None:
        return np.zeros((len(contacts), space.operators.edges.shape[1]))
    return np.array([0.5 * space.sheet, -0.5 * space.sheet])


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


def hole_flux(problem: Problem, screening: Screening, a: Array, name: str) -> float:
    """Flux through a hole, 2 pi a quantum.  a : on all edges of the space.

    Films: of the hole itself.  Bodies: of the closed path nearest to the axis, whose edges run along the rim.
    """
    rows = screening.rims
    if name not in rows:
        rows[name] = rim_of(problem, screening.space, name)
    return float(rows[name] @ a)


def rim_of(problem: Problem, space: Space, name: str) -> Array:
    """The path round a hole, (edges of the space,)."""
    mesh, op = problem.mesh, problem.operators
    if mesh.dim == 2 and space.C is not None:
        number = op.faces.shape[1] + holes(mesh, op).around(mesh, op, mesh.holes[name][0])
        return np.asarray(space.C[[number]].toarray())[0]
    path = np.zeros(space.gauge.size)
    path[space.inner] = closed_path(mesh, op, name)
    return path


def moment(mesh: Mesh, op: Operators, current: Array) -> Array:
    """Magnetic moment 1/2 int r x J of edge currents, (3,), in their unit times xi^2; films: the z part, per length.

    m_k = sum_e I_e a_e of the potential of a unit field along k: no integral over space is needed.
    """
    units = np.eye(3)[2:] if mesh.dim == 2 else np.eye(3)
    found = np.zeros(3)
    found[3 - len(units) :] = [current @ cochains.uniform_field(mesh, op, unit) for unit in units]
    return found


@dataclass(frozen=True, eq=False)
class Screening:
    """The constant parts of a screened problem.

    kS : kappa^2 S;  source : (fields, edges) kappa^2 S a_applied of each pattern, on all edges of the space
    injected : (contacts, edges of the space)
    """

    problem: Problem
    space: Space
    kS: sp.csr_array
    source: Array
    injected: Array
    rims: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> Screening:
        space = space_of(problem)
        kS = sp.csr_array(problem.kappa**2 * space.S)
        source = np.array([kS @ pattern for pattern in space.patterns]).reshape(space.patterns.shape)
        return cls(problem, space, kS, source, injections(problem))

    def factors(self, t: float) -> Array:
        return np.array([f.value(t) for f in self.problem.drive.fields])

    def applied(self, t: float) -> Array:
        """kappa^2 S a_applied at t : (edges,)."""
        return self.factors(t) @ self.source

    def potential(self, t: float) -> Array:
        """a_applied at t : (edges,)."""
        return self.factors(t) @ self.space.patterns

    def field_energy(self, a: Array, t: float) -> float:
        """kappa^2 int (B - B_applied)^2 of a everywhere."""
        off = a - self.potential(t)
        return float(off @ (self.kS @ off))

    def induction(self, a: Array) -> Array:
        """Films: B of each triangle and, after them, of each hole: (faces,)."""
        assert self.space.C is not None and self.space.area is not None
        return (self.space.C @ a) / self.space.area


@dataclass(frozen=True, eq=False)
class Kinetics:
    """Supercurrents and kinetic energy: link phases in films, every cell in its own gauge in bodies."""

    problem: Problem
    graph: Graph
    cells: Barycentric | None

    @classmethod
    def of(cls, problem: Problem, graph: Graph) -> Kinetics:
        if problem.mesh.dim < 3:
            return cls(problem, graph, None)
        return cls(problem, graph, Barycentric.of(problem.mesh, problem.operators, graph, problem.cell_kinetic))

    def currents(self, psi: Array, a: Array) -> Array:
        """I_e = -1/2 dF/da_e : (edges,)."""
        if self.cells is not None:
            return self.cells.currents(psi, a)
        return supercurrents(psi, a, self.graph.w, self.graph.edges)

    def links(self, a: Array) -> tuple[Array, Array | None]:
        """Off-diagonal of the matrix of psi in the rows of physics.graph, and what is added to its diagonal."""
        g = self.graph
        link = np.empty(g.neighbour.size, dtype=complex)
        if self.cells is None:
            kernels.links(a, g.w, g.up, g.down, link)
            return link, None
        weight = np.empty(g.diagonal.size)
        self.cells.links(a, link, weight)
        return link, weight

    def energy(self, psi: Array, a: Array, epsilon: Array) -> tuple[float, float]:
        """(F without the field, sum m |psi|^2)."""
        p, g = self.problem, self.graph
        link, weight = self.links(a)
        value, mass = kernels.energy(psi, link, g.up, g.edges, g.w, p.operators.m, epsilon, p.beta)
        return value + (0.0 if weight is None else float(weight @ np.abs(psi) ** 2)), mass


@dataclass(frozen=True, eq=False)
class MaxwellMeter:
    """physics.power.Meter with the energy of the field.

    dF/dt = 2 I_external . da/dt - 2 kappa^2 (a - a_applied)^T S da_applied/dt - losses
    """

    screening: Screening
    kinetics: Kinetics
    epsilon: Epsilon

    @classmethod
    def of(cls, problem: Problem) -> MaxwellMeter:
        return cls(Screening.of(problem), Kinetics.of(problem, graph(problem.operators)), Epsilon(problem))

    def stored(self, state: State) -> tuple[float, float]:
        value, mass = self.kinetics.energy(state["psi"], state["a"], self.epsilon.at(state.t))
        whole = float(self.screening.problem.operators.m.sum())
        return value + self.screening.field_energy(everywhere(state), state.t), mass / whole

    def dissipated(self, old: State, new: State) -> float:
        p, dt = self.screening.problem, new.t - old.t
        loss = kernels.relaxation_loss(old["psi"], new["psi"], dt, p.operators.m, p.u, p.gamma)
        rate = (new["a"] - old["a"]) / dt
        return loss + 2 * float(rate @ (p.operators.M1 @ rate))

    def supplied(self, old: State, new: State, currents: Array) -> float:
        s, dt = self.screening, new.t - old.t
        change = everywhere(new) - everywhere(old)
        given = 2 * float((currents @ s.injected) @ change) / dt if currents.any() else 0.0
        before, after = s.factors(old.t), s.factors(new.t)
        if np.any(before != after):
            off = 0.5 * (everywhere(old) + everywhere(new) - (before + after) @ s.space.patterns)
            given -= 2 * float(off @ ((after - before) @ s.source)) / dt
        return given + self.epsilon.supplied(old, new)


def everywhere(state: State) -> Array:
    """a on all edges of the space: of the sample, and of the vacuum where there is some."""
    return state["space"] if "space" in state.history else state["a"]
