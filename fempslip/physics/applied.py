"""The applied field without self-field, in temporal gauge.

    a = a_applied(t) + G chi,   d chi/dt = mu,   E_e = -da_e/dt
    K_sigma mu = source + G^T I_s - G^T M1 (d a_applied/dt),   K_sigma = G^T M1 G

the discrete div(J_s + J_n) = 0 with J_n = sigma E.  The scalar potential never enters the equation of psi: it is
accumulated in the links.  chi is advanced by the second-order Adams-Bashforth rule, so that psi, a and mu of a step
belong together and charge is conserved by the stored numbers to the accuracy of the Poisson solve.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Closed, Contact, Drive, Problem, State
from fempslip.physics import kernels
from fempslip.physics.graph import Graph

SAFETY = 0.8  # of the stability limit of the potential's step


class Solve(Protocol):
    """(right side, start) -> solution of the reduced Poisson problem.  iterates : whether the start matters."""

    @property
    def iterates(self) -> bool: ...
    def __call__(self, b: Array, start: Array) -> Array: ...


def potential(drive: Drive, t: float) -> Array:
    """a_applied(t) : (edges,)."""
    return np.array([f.value(t) for f in drive.fields]) @ drive.patterns


def potential_rate(drive: Drive, t: float) -> Array | None:
    """d a_applied/dt : (edges,), or None where nothing changes."""
    rates = [f.rate(t) for f in drive.fields]
    return np.array(rates) @ drive.patterns if any(rates) else None


def stable_step(problem: Problem) -> float:
    """Longest stable dt, in tau0.  Long waves of a supercurrent relax as d chi/dt = -(q |psi|^2/sigma) chi, and the
    Adams-Bashforth rule is stable below dt times that rate = 1; beyond it quiet states fill with noise of the size of
    the tolerance.  |psi|^2 is at most eps/beta.  Without charge there is no limit.
    """
    if problem.model.get("charge") == "off" or problem.model.get("screening") == "maxwell":
        return np.inf  # there a is implicit, stable at any step
    rate = np.max(problem.kinetic * np.maximum(problem.epsilon, 0.0) / (problem.beta * problem.sigma))
    return SAFETY / float(rate) if rate > 0 else np.inf


def equipotentials(nodes: int, contacts: tuple[Contact, ...]) -> sp.csr_array:
    """(nodes, unknowns) map: a bank is one equipotential and has one unknown."""
    unknown = np.arange(nodes)
    for contact in contacts:
        if contact.kind == "bank":
            unknown[contact.nodes] = contact.nodes.min()
    kept, column = np.unique(unknown, return_inverse=True)
    return sp.csr_array((np.ones(nodes), (np.arange(nodes), column)), shape=(nodes, kept.size))


def injection(problem: Problem) -> Array:
    """(contacts, nodes) unit current into the sample, spread over each contact by its own area weights."""
    shares = np.zeros((len(problem.contacts), problem.operators.nodes))
    for row, contact in zip(shares, problem.contacts, strict=True):
        row[contact.nodes] = contact.weights
    return shares


@dataclass(frozen=True, eq=False)
class AppliedLinks:
    """a_applied and its links, made anew only when the field has changed."""

    drive: Drive
    graph: Graph
    kept: dict[str, Any] = field(default_factory=dict)

    def at(self, t: float) -> tuple[Array, Array]:
        """(a_applied, links) : (edges,) and the rows of physics.graph."""
        values = tuple(f.value(t) for f in self.drive.fields)
        if self.kept.get("values") != values:
            a, g = potential(self.drive, t), self.graph
            link = np.empty(g.neighbour.size, dtype=complex)
            kernels.links(a, g.w, g.up, g.down, link)
            self.kept.update(values=values, a=a, link=link)
        return self.kept["a"], self.kept["link"]


def advanced(past: State, dt: float) -> Array:
    """chi at t + dt by the rule of Adams and Bashforth, d chi/dt = mu."""
    mu, chi = past.past("mu"), past["chi"]
    half = 0.5 * dt / past.steps[0] if past.steps and len(mu) > 1 else 0.0
    out = np.empty(chi.size)
    kernels.advance(chi, mu[0], mu[-1], dt * (1 + half), -dt * half, out)
    return out


def framed(chi: Array) -> Array:
    """exp(-i chi): psi times it stands in the gauge of a_applied, whose links change with the field only."""
    turn = np.empty(chi.size, dtype=complex)
    kernels.frame(chi, turn)
    return turn


@dataclass(frozen=True, eq=False)
class AppliedField:
    """contract.Field for `screening: none`.  `conserved` False leaves mu = 0 (pure relaxation, no charge)."""

    problem: Problem
    graph: Graph
    applied: AppliedLinks
    poisson: Solve | None  # on the unknowns of `equipotentials`;  None without charge
    k: sp.csr_array | None  # its matrix
    spread: sp.csr_array  # equipotentials
    shares: Array  # injection
    unit: Array  # (contacts, nodes) mu of a unit current into each contact, taken out evenly everywhere
    resistance: Array  # (contacts, contacts) their potentials then
    banks: bool = False  # some unknowns of the Poisson problem are whole banks
    conserved: bool = True
    given: dict[str, Any] = field(default_factory=dict)  # the last currents, and mu of them

    @classmethod
    def of(cls, problem: Problem, graph: Graph, make_solver: Callable[[sp.csr_array], Solve]) -> AppliedField:
        op = problem.operators
        applied = AppliedLinks(problem.drive, graph)
        spread = equipotentials(op.nodes, problem.contacts)
        shares = injection(problem)
        if problem.model.get("charge", "conserved") == "off":
            nothing, none = np.zeros_like(shares), np.zeros((shares.shape[0],) * 2)
            return cls(problem, graph, applied, None, None, spread, shares, nothing, none, conserved=False)
        k = sp.csr_array(spread.T @ op.K_sigma @ spread)
        poisson = make_solver(k)
        volume = op.m / op.m.sum()
        balanced = shares - volume  # neutral: the uniform part cancels in any set of currents that sums to zero
        unit = np.array([spread @ poisson(spread.T @ row, np.zeros(k.shape[0])) for row in balanced])
        unit = unit.reshape(shares.shape)
        banks = k.shape[0] < op.nodes
        return cls(problem, graph, applied, poisson, k, spread, shares, unit, shares @ unit.T, banks)

    ladder = False

    def declare(self) -> Mapping[str, int]:
        return {"mu": 2, "chi": 1, "a": 1}

    def begin(self, psi: Array, chi: Array, t: float) -> Mapping[str, Array]:
        i, j = self.graph.edges
        a = potential(self.problem.drive, t) + (chi[j] - chi[i])
        return {"mu": np.zeros(psi.size), "chi": chi, "a": a}

    def weight(self, new: Mapping[str, Array]) -> Array | None:
        return None

    def errors(self, past: State, new: Mapping[str, Array], dt: float) -> Mapping[str, float]:
        return {}

    def links(self, past: State, t: float, dt: float) -> Mapping[str, Array]:
        """chi and a at t + dt."""
        chi = advanced(past, dt)
        a = np.empty(self.graph.w.size)
        kernels.with_potential(self.applied.at(t + dt)[0], chi, self.graph.edges, a)
        return {"chi": chi, "a": a}

    def frame(self, new: Mapping[str, Array], t: float) -> tuple[Array, Array]:
        return self.applied.at(t)[1], framed(new["chi"])

    def response(
        self, psi: Array, link: Array, past: State, t: float, also: Array | None = None
    ) -> tuple[Array, Array, Array]:
        """(V_s, R, mu_s) of psi in the frame: contact potentials at zero current, their change by it, and mu then.

        also : (nodes,) another current into each node
        """
        op = self.problem.operators
        if self.poisson is None:
            return np.zeros(len(self.problem.contacts)), self.resistance, np.zeros(op.nodes)
        current = np.empty(op.edges.shape[1])
        inflow = np.empty(op.nodes)
        kernels.divergence(psi, link, self.graph.up, self.graph.edges, current, inflow)
        rate = potential_rate(self.problem.drive, t)
        if rate is not None:
            inflow -= op.G.T @ (op.M1 @ rate)
        if self.problem.sources is not None:
            inflow += self.problem.sources.charge(t)
        if also is not None:
            inflow += also
        start = self.start(inflow, past, t) if self.poisson.iterates else past["mu"]
        if self.banks:
            mu_s = self.spread @ self.poisson(self.spread.T @ inflow, self.spread.T @ start / self.spread.sum(axis=0))
        else:
            mu_s = self.poisson(inflow, start)
        v_s = np.array([contact.weights @ mu_s[contact.nodes] for contact in self.problem.contacts])
        return v_s, self.resistance, mu_s

    def start(self, inflow: Array, past: State, t: float) -> Array:
        """Where an iteration for mu_s starts: mu extrapolated to t, less what currents into the contacts made of it.

        Their share is the combination of `unit` that leaves the least residual; K unit is known without a product.
        """
        mu = past.past("mu")
        found = mu[0] + (t - past.t) / past.steps[0] * (mu[0] - mu[1]) if past.steps and len(mu) > 1 else mu[0]
        if not self.unit.size:
            return found
        assert self.k is not None
        if self.banks:
            residual = self.spread.T @ inflow - self.k @ (self.spread.T @ found / self.spread.sum(axis=0))
        else:
            residual = inflow - self.k @ found
        return found + (self.fit @ residual) @ self.unit

    @cached_property
    def fit(self) -> Array:
        """(contacts, unknowns) the combination of K `unit` that is nearest to a residual."""
        balanced = (self.shares - self.problem.operators.m / self.problem.operators.m.sum()) @ self.spread
        found: Array = np.linalg.pinv(balanced @ balanced.T, rcond=1e-12) @ balanced
        return found

    def close(self, mu_s: Array, currents: Array) -> Mapping[str, Array]:
        """mu with the currents that the load decided; what they do is kept, for they seldom change."""
        if not currents.any():
            return {"mu": mu_s}
        if self.given.get("currents") != (known := currents.tolist()):
            self.given.update(currents=known, mu=currents @ self.unit)
        return {"mu": mu_s + self.given["mu"]}


@dataclass(frozen=True, eq=False)
class PrescribedCurrents:
    """contract.Load: each contact's current is a declared function of time."""

    problem: Problem

    def declare(self) -> Mapping[str, int]:
        return {}

    def begin(self) -> Mapping[str, Array]:
        return {}

    def close(self, v_s: Array, r: Array, past: State, t: float) -> Closed:
        return Closed(self.at(t))

    def during(self, old: State, new: State) -> Array:
        return self.at(0.5 * (old.t + new.t))

    def at(self, t: float) -> Array:
        """(contacts,) currents into the sample at time t."""
        drive = self.problem.drive.currents
        return np.array([sum(f.value(t) for f in drive.get(c.name, ())) for c in self.problem.contacts], dtype=float)
