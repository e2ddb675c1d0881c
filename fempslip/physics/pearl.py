"""Thin films with their own field (`screening: pearl`): the current and the potential it induces, solved together.

    a_ind = L I / Lambda,   Lambda = lambda^2/d in xi,
    E = -d_t(a_app + a_ind) - G mu,   I = I_s + M1 E,   G^T I = -s

(the Pearl length of most papers is 2 Lambda: J. Pearl, Appl. Phys. Lett. 5, 65 (1964)).  L is physics.biot_savart, s
the current fed in at nodes.  In one step of BDF2 with leading coefficient 1/q:

    (1 + L M1/(Lambda q)) E + G mu = -d_t a_app + H/q - L I_s/(Lambda q),    G^T M1 E = -s - G^T I_s

H the history of a_ind.  The static London state has the same form, with the superfluid velocity v for E:

    (1 + L M_s/Lambda) v + G chi = theta - a_app,    I = M_s v,   G^T I = -s

theta the phases of edges, which hold vortices and fluxoids.  Both are solved by CG in the scalar product of the metric
M, among the fields with G^T M x given: symmetric because L is.  Currents that circulate round holes are in the kernel
of G^T and need no unknown of their own.

A bank is an equipotential superconductor at the film's edge: no E along it, a there stays what it was, and its own
currents carry what enters the film from where it enters to the lead.  With Q = 1 - G T, T the gauge that takes a off
its edges, Q L Q^T stands for L (still symmetric), and one unknown for the mu of its nodes, G R for G.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.polynomial.legendre import leggauss

from fempslip.contract import Array, Failure, Mesh, Operators, Problem, Refusal, State
from fempslip.mesh.boundaries import exterior, loops
from fempslip.mesh.cochains import around
from fempslip.mesh.places import cells_behind
from fempslip.mesh.simplices import column_numbers
from fempslip.physics import kernels
from fempslip.physics.applied import PrescribedCurrents, advanced, equipotentials, framed, injection, potential
from fempslip.physics.biot_savart import BiotSavart
from fempslip.physics.graph import Graph

LIMIT = 200  # iterations
POSITIVE = 1e-6  # of the mean link weight: links of obtuse and right triangles are no less in a static state
FAINT = 0.02  # of the mean |psi|^2, likewise

Poisson = Callable[[Array], Array]  # solution of G^T M G y = b, b of sum zero
MakeSolver = Callable[[sp.csr_array], Callable[[Array, Array], Array]]


@dataclass(frozen=True, eq=False)
class Flow:
    """Solution of (1 + c L M) x + G y = b - c L base with G^T(base + M x) = -s.

    current : base + M x;  induced : L current (without c)
    """

    x: Array
    y: Array
    current: Array
    induced: Array
    iterations: int

    def plus(self, share: float, other: Flow) -> Flow:
        """With `share` of another flow, whose base is 0."""
        x, y = self.x + share * other.x, self.y + share * other.y
        current, induced = self.current + share * other.current, self.induced + share * other.induced
        return Flow(x, y, current, induced, self.iterations)


@dataclass(frozen=True, eq=False)
class Sheath:
    """What the solve needs of a film: L, the metric M, G and the Poisson solver of G^T M G; Q where it has banks."""

    law: BiotSavart
    metric: sp.csr_array
    G: sp.csr_array
    poisson: Poisson
    Q: sp.csr_array | None = None

    def circulations(self, current: Array) -> Array:
        """Of A, along edges (Lambda = 1)."""
        if self.Q is None:
            return self.law.circulations(current)
        return self.Q @ self.law.circulations(self.Q.T @ current)

    def project(self, x: Array, target: Array) -> tuple[Array, Array]:
        """(x + G y, y) with G^T M (x + G y) = target."""
        y = self.poisson(target - self.G.T @ (self.metric @ x))
        return x + self.G @ y, y

    def solve(
        self, c: float, b: Array, base: Array, s: Array, start: Array, tolerance: float, floor: float = 0.0,
        smoother: Callable[[Array], Array] | None = None,
    ) -> Flow:  # fmt: skip
        """CG from `start`, until the residual's norm is below tolerance times that of the current, or floor.

        smoother : self-adjoint in the metric, close to the inverse of 1 + c L M
        """
        law, m, g = self.law, self.metric, self.G
        x, _ = self.project(start, -s - g.T @ base)
        current = base + m @ x
        induced = self.circulations(current)
        residual = b - x - c * induced
        nothing = np.zeros(g.shape[1])
        z, y = self.project(residual, nothing)

        def enough(rest: Array) -> bool:
            scale = float(law.sheet.m @ np.abs(law.density(current)) ** 2)
            return float(rest @ (m @ rest)) <= tolerance**2 * scale + floor**2 * float(law.sheet.m.sum())

        if enough(z):
            return Flow(x, -y, current, induced, 0)
        rest, p, last = z, np.zeros_like(z), 1.0
        for count in range(1, LIMIT + 1):
            z = rest if smoother is None else self.project(smoother(rest), nothing)[0]
            rho = float(rest @ (m @ z))
            p = z + (rho / last if count > 1 else 0.0) * p
            last = rho
            flow = m @ p
            a = self.circulations(flow)
            image = p + c * a
            alpha = rho / float(image @ flow)
            x, current, induced = x + alpha * p, current + alpha * flow, induced + alpha * a
            residual = residual - alpha * image
            rest, y = self.project(residual, nothing)
            if enough(rest):
                return Flow(x, -y, current, induced, count)
        raise Failure("the film's own field did not converge: check the mesh for degenerate cells")


@dataclass(frozen=True, eq=False)
class London:
    """A static state.  current : (edges,);  a_ind : (edges,);  chi : (nodes,);  velocity v : (edges,)."""

    current: Array
    a_ind: Array
    chi: Array
    velocity: Array
    iterations: int


def london(sheath: Sheath, Lambda: float, phases: Array, a_app: Array, s: Array | None = None,
           tolerance: float = 1e-8) -> London:  # fmt: skip
    """The currents of a film with |psi| frozen; sheath.metric is M_s, the edge mass weighted by d q |psi|^2.

    phases : (edges,) theta, closed but for the vortices and fluxoids that they hold;  s : (nodes,) current fed in
    """
    nodes = sheath.G.shape[1]
    none = np.zeros(phases.size)
    s = np.zeros(nodes) if s is None else s
    found = sheath.solve(1 / Lambda, phases - a_app, none, s, none, tolerance)
    return London(found.current, found.induced / Lambda, found.y, found.x, found.iterations)


def energy(state: London) -> float:
    """Kinetic and magnetic energy in units of F: sum of I_e v_e + I_e a_ind,e."""
    return float(state.current @ (state.velocity + state.a_ind))


def static(
    problem: Problem, phases: Array, a_app: Array, s: Array, make_solver: MakeSolver, law: BiotSavart | None = None
) -> London:
    """The London state of a problem's film with |psi| that of its start; the other arguments as of `london`."""
    i, j = problem.operators.edges
    law = BiotSavart.of(problem.mesh, problem.operators) if law is None else law
    metric = superfluid(problem.operators.w, np.abs(problem.psi[i] * problem.psi[j]))
    return london(sheath_of(law, metric, problem.operators.G, make_solver), problem.Lambda, phases, a_app, s)


def superfluid(w: Array, size: Array) -> sp.csr_array:
    """The metric w |psi_i psi_j|, clipped from below: links of obtuse triangles, and where nothing superconducts."""
    w = np.maximum(w, POSITIVE * float(np.mean(np.abs(w))))
    return sp.csr_array(sp.diags_array(w * np.maximum(size, FAINT * float(size.mean()))))


def sheath_of(
    law: BiotSavart, metric: sp.csr_array, G: sp.csr_array, make_solver: MakeSolver, Q: sp.csr_array | None = None
) -> Sheath:
    poisson = make_solver(sp.csr_array(G.T @ metric @ G))
    return Sheath(law, metric, G, lambda b: poisson(b, np.zeros(b.size)), Q)


def along_banks(problem: Problem) -> sp.csr_array | None:
    """Q : (edges, edges), which takes the circulation off the edges of banks by a gauge of their nodes; None without.

    The gauge's mean over a bank is 0 with the weights by which its lead is spread.
    """
    op, whole = problem.operators, problem.operators.edges.shape[1]
    T = sp.lil_array((op.nodes, whole))
    for bank in (c for c in problem.contacts if c.kind == "bank" and c.nodes.size > 1):
        inside = np.isin(op.edges, bank.nodes).all(axis=0)
        edges = np.flatnonzero(inside)
        gauge = np.linalg.pinv(op.G[edges][:, bank.nodes].toarray())
        T[np.ix_(bank.nodes, edges)] = gauge - bank.weights @ gauge
    if not T.nnz:
        return None
    return sp.csr_array(sp.eye_array(whole) - op.G @ sp.csr_array(T))


def moment(law: BiotSavart, current: Array) -> float:
    """1/2 int r x k, in j0 d xi^3: about the origin, on which it does not depend where no current is fed in."""
    sheet = law.sheet
    r = sheet.points[0] + 1j * sheet.points[1]
    i, j = law.edges
    return float(0.5 * current @ np.imag(np.conj(r[i]) * r[j]))


# ------------------------------------------------------------------------------------------- in time

TOLERANCE = 1e-4  # of the induced potential, a step
UNIT = 1e-6  # of that of a unit current
KEPT = 8  # lengths of step whose unit currents are remembered
QUIET = 1e-7  # j0: normal currents below it are none
NORMAL = 0.02  # mean |psi|^2 of a start state below which it counts as normal

UNBORN = State(0, 0.0, 0.0, (), {})

Bdf = Callable[[float, float | None], tuple[float, float, float]]
Weights = Callable[[float, tuple[float, ...], int], tuple[float, ...]]


@dataclass(frozen=True, eq=False)
class Open:
    """A step before the currents of the terminals are known.

    units : with a circuit, the flow of a unit current into each contact, and `flow` that of the currents `fed`
    """

    past: State
    t: float
    q: float
    b: Array
    base: Array
    guess: Array
    units: tuple[Flow, ...] = ()
    flow: Flow | None = None
    fed: Array | None = None


@dataclass(frozen=True, eq=False)
class PearlField:
    """contract.Field for `screening: pearl`.

    a = a_app + a_ind + G chi,  d chi/dt = mu.  psi is solved with a_ind extrapolated; then current and a_ind of the new
    time are solved together.  State: mu, chi, a, a_ind, the current of edges, e the circulation of E.
    """

    problem: Problem
    graph: Graph
    sheath: Sheath
    shares: Array  # (contacts, unknowns of mu)
    spread: sp.csr_array  # (nodes, unknowns of mu)
    most: float  # largest conductance of the sheet, sigma d
    make_solver: MakeSolver
    bdf: Bdf
    weights: Weights
    answers: dict[float, tuple[Flow, ...]] = field(default_factory=dict)

    @property
    def ladder(self) -> bool:
        """With a circuit: what the film answers to a current depends on the step."""
        return self.problem.drive.circuit is not None

    @classmethod
    def of(cls, problem: Problem, graph: Graph, make_solver: MakeSolver, bdf: Bdf, weights: Weights) -> PearlField:
        op, law = problem.operators, BiotSavart.of(problem.mesh, problem.operators)
        spread = equipotentials(op.nodes, problem.contacts)
        sheath = sheath_of(law, op.M1, sp.csr_array(op.G @ spread), make_solver, along_banks(problem))
        most = float(np.max(problem.sigma * op.m / law.sheet.m))
        return cls(problem, graph, sheath, injection(problem) @ spread, spread, most, make_solver, bdf, weights)

    def declare(self) -> Mapping[str, int]:
        return {"mu": 2, "chi": 1, "a": 1, "a_ind": 3, "current": 1, "e": 3}

    def begin(self, psi: Array, chi: Array, t: float) -> Mapping[str, Array]:
        """The currents of psi in equilibrium with the whole field, and Ohm's flow of what the terminals feed in.

        psi takes the phase of least energy, |psi| stays as it is.  A state that comes with its E goes on as it is.
        """
        i, j = self.graph.edges
        begun = self.problem.begun
        if begun is not None and begun.e is not None:
            a = begun.a + (chi[j] - chi[i])
            turn = np.imag(psi[i].conj() * np.exp(-1j * a) * psi[j])
            current = self.graph.w * turn + self.sheath.metric @ begun.e
            a_ind = begun.a - potential(self.problem.drive, t)
            return {"mu": np.zeros(psi.size), "e": begun.e, "chi": chi, "a": a, "a_ind": a_ind, "current": current}
        turned = psi * np.exp(-1j * chi)
        a_app = potential(self.problem.drive, t)
        pair = turned[i].conj() * np.exp(-1j * a_app) * turned[j]
        s = self.shares.T @ PrescribedCurrents(self.problem).at(t)
        e, y = self.sheath.project(np.zeros(pair.size), -s)
        flow = self.sheath.metric @ e
        a_flow = self.sheath.circulations(flow) / self.problem.Lambda if s.any() else np.zeros(pair.size)
        own = self.settled(pair, a_flow)
        chi = chi + self.spread @ own.chi
        a = a_app + a_flow + own.a_ind + (chi[j] - chi[i])
        arrays = {"chi": chi, "a": a, "a_ind": a_flow + own.a_ind, "current": self.everywhere(flow + own.current)}
        return {"mu": -(self.spread @ y), "e": e, **arrays}

    def everywhere(self, current: Array) -> Array:
        """With what banks carry along themselves."""
        return current if self.sheath.Q is None else self.sheath.Q.T @ current

    def settled(self, pair: Array, a_flow: Array) -> London:
        """The London state of links psi_i* exp(-i a) psi_j, of which a normal film has next to nothing."""
        size = np.abs(pair)
        if size.mean() < NORMAL:
            none = np.zeros(pair.size)
            return London(none, none, np.zeros(self.shares.shape[1]), none, 0)
        old = self.sheath
        sheath = sheath_of(old.law, superfluid(self.graph.w, size), old.G, self.make_solver, old.Q)
        return london(sheath, self.problem.Lambda, np.angle(pair), a_flow)

    def weight(self, new: Mapping[str, Array]) -> Array | None:
        return None

    def links(self, past: State, t: float, dt: float) -> Mapping[str, Array]:
        """chi, a_ind extrapolated, and a with them, at t + dt."""
        chi = advanced(past, dt)
        a_ind = self.ahead(past, "a_ind", dt, 2)
        a = np.empty(a_ind.size)
        kernels.with_potential(potential(self.problem.drive, t + dt) + a_ind, chi, self.graph.edges, a)
        return {"chi": chi, "a": a, "a_ind": a_ind}

    def ahead(self, past: State, name: str, dt: float, count: int) -> Array:
        """An array of the state extrapolated by dt, through its last `count` values."""
        known = past.past(name)
        parts = zip(self.weights(dt, past.steps, count), (*known, *(count - len(known)) * known[-1:]), strict=False)
        return sum((weight * value for weight, value in parts if weight), np.zeros(known[0].size))

    def frame(self, new: Mapping[str, Array], t: float) -> tuple[Array, Array]:
        g = self.graph
        link = np.empty(g.neighbour.size, dtype=complex)
        kernels.links(potential(self.problem.drive, t) + new["a_ind"], g.w, g.up, g.down, link)
        return link, framed(new["chi"])

    def errors(self, past: State, new: Mapping[str, Array], dt: float) -> Mapping[str, float]:
        """The induced potential against its quadratic extrapolation, as a phase along an edge."""
        return {"a_ind": float(np.abs(new["a_ind"] - self.ahead(past, "a_ind", dt, 3)).max())}

    def response(self, psi: Array, link: Array, past: State, t: float) -> tuple[Array, Array, Any]:
        """V_s, R and what the solve needs beside the currents; without a circuit nobody asks for V_s and R.

        Where t is the time of `past` itself: a first short step from there, which tells mu behind a kink of the drive.
        """
        current, inflow = np.empty(self.graph.w.size), np.empty(psi.size)
        kernels.divergence(psi, link, self.graph.up, self.graph.edges, current, inflow)
        dt, drive = t - past.t, self.problem.drive
        short = dt <= 0
        dt = self.problem.clock.dt_start if short else dt
        last = past.steps[0] if past.steps and not short else None
        a1, h0, h1 = self.bdf(dt, last)
        before = h0 * (potential(drive, past.t) + past["a_ind"])
        if last is not None:
            before += h1 * (potential(drive, past.t - last) + past.past("a_ind")[1])
        b = (before - a1 * potential(drive, past.t + dt)) / dt
        guess = past["e"] if short else self.ahead(past, "e", dt, 3)
        step = Open(past, t, dt / a1, b, current, guess)
        if drive.circuit is not None:
            return self.answer(step)
        none = np.full(len(self.problem.contacts), np.nan)
        return none, np.full((none.size, none.size), np.nan), step

    def answer(self, step: Open) -> tuple[Array, Array, Open]:
        """V_s, R and the step of a film in a circuit: its flow is linear in the currents of the terminals.

        V = V_s + R I are mu over the contacts, the voltages whose product with I is the power taken up; the inductance
        of the film is in R, which grows as the step shrinks.  The flow is solved with the currents of the last step.
        """
        units = self.units(step.q)
        r = np.array([self.shares @ unit.y for unit in units]).T
        inflow = self.problem.operators.G.T @ step.past["current"]
        fed = -np.array([inflow[c.nodes].sum() for c in self.problem.contacts])
        flow = self.flow(step, self.shares.T @ fed)
        return self.shares @ flow.y - r @ fed, r, replace(step, units=units, flow=flow, fed=fed)

    def units(self, q: float) -> tuple[Flow, ...]:
        """Flow of a unit current into each contact, taken out evenly everywhere: that cancels in any set of currents
        that sums to zero."""
        q = float(f"{q:.10e}")  # a resumed run finds the same ones
        if q not in self.answers:
            m, none = self.problem.operators.m, np.zeros(self.graph.w.size)
            while len(self.answers) >= KEPT:
                self.answers.pop(next(iter(self.answers)))
            rows = self.shares - m @ self.spread / m.sum()
            self.answers[q] = tuple(self.flow(Open(UNBORN, 0.0, q, none, none, none), row, UNIT) for row in rows)
        return self.answers[q]

    def flow(self, step: Open, s: Array, tolerance: float = TOLERANCE) -> Flow:
        """Fields and currents of a step with the current s fed in at nodes."""
        c, m = 1 / (self.problem.Lambda * step.q), self.sheath.metric
        smooth = self.sheath.law.smoothing(c, self.most)
        return self.sheath.solve(
            c, step.b, step.base, s, step.guess, tolerance, QUIET, lambda x: x - smooth(m @ x)
        )  # fmt: skip

    def close(self, step: Any, currents: Array) -> Mapping[str, Array]:
        """mu, a_ind, current, e and a of the new time."""
        lam, flow = self.problem.Lambda, step.flow
        if flow is None:
            flow = self.flow(step, self.shares.T @ currents)
        for more, unit in zip(currents - step.fed if step.units else (), step.units, strict=True):
            flow = flow.plus(more, unit)
        if step.t <= step.past.t:
            return {"mu": self.spread @ flow.y, "e": flow.x}
        a_ind = flow.induced / lam
        chi, a = advanced(step.past, step.t - step.past.t), np.empty(a_ind.size)
        kernels.with_potential(potential(self.problem.drive, step.t) + a_ind, chi, self.graph.edges, a)
        arrays = {"a_ind": a_ind, "current": self.everywhere(flow.current), "e": flow.x, "a": a}
        return {"mu": self.spread @ flow.y, **arrays}


# ------------------------------------------------------------------------------------------- read off a state


def rim(mesh: Mesh, operators: Operators, name: str) -> Array:
    """Closed chain (edges,) along the rim of a hole, counter-clockwise round it.

    Raises Refusal where no rim of the film encloses the hole's point.
    """
    facets = exterior(mesh)
    number, area = loops(mesh, facets)
    behind = mesh.points[:, mesh.cells[:, cells_behind(mesh, facets)]].mean(axis=1)
    i, j = facets
    span, inward = mesh.points[:, j] - mesh.points[:, i], behind - mesh.points[:, i]
    left = np.sign(span[0] * inward[1] - span[1] * inward[0])  # +1: the film lies to the left
    turn = around(mesh, operators, *mesh.holes[name])
    ends = np.sort(mesh.node_of_vertex[facets], axis=0)
    edge = column_numbers(operators.edges, ends, operators.nodes)
    forward = np.where(mesh.node_of_vertex[i] == ends[0], 1.0, -1.0)
    for one in np.argsort(np.abs(area)):
        chain = np.zeros(operators.edges.shape[1])
        here = number == one
        chain[edge[here]] = (-left * forward)[here]
        if area[one] < 0 and abs(chain @ turn - 2 * np.pi) < 1e-6:
            return chain
    raise Refusal(f"no rim of the film encloses the hole {name!r}")


def flux(law: BiotSavart, mesh: Mesh, chain: Array, a_app: Array, current: Array, Lambda: float) -> float:
    """Flux through a closed chain, 2 pi a quantum: the induced potential point by point, not hat by hat.

    The mean of A over hats on a rim lies inside the film; its circulation is only first order.
    """
    path = np.flatnonzero(chain)
    i, j = law.edges[:, path]
    x = law.sheet.points
    total = float(chain @ a_app)
    for s, weight in zip(*leggauss(3), strict=True):
        a = law.potential(current, x[:, i] + 0.5 * (s + 1) * (x[:, j] - x[:, i]))
        total += 0.5 * weight * float(chain[path] @ np.real(np.conj(a) * law.span[path])) / Lambda
    return total
