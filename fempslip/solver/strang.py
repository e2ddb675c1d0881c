"""The step of a superfluid: half a pointwise step, a kinetic step, half a pointwise step (Strang), at a fixed dt.

The equation is physics.superfluid; it is solved in the gauge of the applied links.  States are kept in a temporal gauge
of their own, psi exp(i chi) with the links a_applied + G chi, where chi counts the chemical potential at the measured
places (and at reservoirs),

    d chi/dt = mu_P = Re sum psi* H psi / sum m |psi|^2 over the place P (a reservoir: its head),  harmonic between,

so that a voltage between two places is the difference of chemical potential that is there, and zeros, tracks and the
ledger  int dmu dt = 2 pi crossings + phase  are what they are for films.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Operators, Problem, Refusal, State, Trial, Waveform
from fempslip.physics import kernels, superfluid
from fempslip.physics.applied import AppliedLinks, framed, potential
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.graph import Graph, graph
from fempslip.physics.landscape import Epsilon
from fempslip.solver.linear import factored
from fempslip.solver.reactive import Factored, Iterated, fits, not_converged

TOLERANCE = 1e-10  # of the kinetic step where it is iterated
BRIGHT = 0.3  # |psi| above which a node's phase counts in max theta


@dataclass(frozen=True, eq=False)
class Places:
    """Where the chemical potential is counted.

    weights : (places, nodes) share of each node;  patterns : (places, nodes) harmonic, 1 at its own place, 0 at others
    heads : place -> head of the reservoir that it is
    """

    weights: Array
    patterns: Array
    heads: Mapping[int, Waveform]

    @classmethod
    def of(cls, problem: Problem) -> Places:
        n = problem.operators.nodes
        names = list(dict.fromkeys(name for pair in problem.pairs for name in pair))
        weights = np.zeros((len(names), n))
        for row, name in zip(weights, names, strict=True):
            np.add.at(row, problem.probes[name].nodes, problem.probes[name].weights)
        reservoirs = superfluid.fluid_of(problem).reservoirs
        heads = {names.index(r.name): r.head for r in reservoirs if r.name in names}
        return cls(weights, harmonic(problem.operators, weights > 0), heads)


def harmonic(op: Operators, where: Array) -> Array:
    """(places, nodes) functions that are 1 where the row of `where` is True, 0 where another is, harmonic between."""
    laplace = sp.csr_array(op.G.T @ op.G)
    fixed = where.any(axis=0)
    free = np.flatnonzero(~fixed)
    values = where.astype(float) / np.maximum(where.sum(axis=0), 1)
    if free.size:
        solve = factored(sp.csr_array(laplace[free][:, free]))
        for row in values:
            row[free] = solve(-(laplace[free] @ row))
    return values


@dataclass(frozen=True, eq=False)
class Strang:
    """contract.Stepper for superfluids."""

    problem: Problem
    graph: Graph
    applied: AppliedLinks
    epsilon: Epsilon
    external: superfluid.External
    places: Places
    direct: Factored | None  # links at rest
    iterated: Iterated | None  # links that change, large bodies

    @classmethod
    def of(cls, problem: Problem) -> Strang:
        fluid, op, g = superfluid.fluid_of(problem), problem.operators, graph(problem.operators)
        if problem.clock.fixed is None:
            raise Refusal("a superfluid is marched at a fixed step: set time.fixed")
        resting = all(not wave.kinks(problem.clock.until) and wave.period is None for wave in problem.drive.fields)
        direct = iterated = None
        undamped = bool(np.all(fluid.rate == -1j))
        if resting and (fits(op.nodes, problem.mesh.dim) or not undamped):
            k = LinkEnergy(op, problem.epsilon).stiffness(potential(problem.drive, 0.0))
            direct = Factored(k, op.m, fluid.rate)
        elif undamped:
            iterated = Iterated(g, op.m, TOLERANCE)
        else:
            raise Refusal("damping (material.damping) wants an applied field that rests")
        return cls(
            problem, g, AppliedLinks(problem.drive, g), Epsilon(problem), superfluid.External(fluid.external),
            Places.of(problem), direct, iterated,
        )  # fmt: skip

    @property
    def ladder(self) -> bool:
        return False

    def declare(self) -> Mapping[str, int]:
        return {"psi": 1, "mu": 1, "chi": 1, "a": 1, "turned": 1}

    def begin(self) -> State:
        """The start state with its chemical potentials; `turned`: the phase of each reservoir."""
        p, n = self.problem, self.problem.operators.nodes
        fluid = superfluid.fluid_of(p)
        turned = np.array([np.angle(np.sum(r.rate * p.psi)) if r.rate.any() else 0.0 for r in fluid.reservoirs])
        history = {"psi": (p.psi,), "chi": (np.zeros(n),), "a": (potential(p.drive, 0.0),), "turned": (turned,)}
        mu = self.potentials(p.psi, self.applied.at(0.0)[1], 0.0) @ self.places.patterns
        return State(0, 0.0, float(p.clock.fixed or 0.0), (), {**history, "mu": (mu,)})

    def restart(self, state: State) -> State:
        """A kink of the drive needs no new start: the step has no history."""
        return replace(state, next_dt=float(self.problem.clock.fixed or state.next_dt))

    def attempt(self, state: State, dt: float) -> Trial:
        p, t, chi = self.problem, state.t, state["chi"]
        fluid = superfluid.fluid_of(p)
        psi = state["psi"] * framed(chi)
        self.pointwise(psi, 0.5 * dt, t + 0.25 * dt)
        middle, count = self.middle(psi, dt, t)
        if count < 0:
            raise not_converged(t)
        psi = 2 * middle - psi
        self.pointwise(psi, 0.5 * dt, t + 0.75 * dt)
        turned = state["turned"].copy()
        for k, reservoir in enumerate(fluid.reservoirs):
            head = reservoir.head
            turned[k] -= dt * (head.value(t) + 4 * head.value(t + 0.5 * dt) + head.value(t + dt)) / 6
            n = superfluid.density_at_rest(fluid, self.epsilon.at(t + dt), p.beta, t + dt, head.value(t + dt))
            superfluid.hold(psi, reservoir.rate, dt, n, float(turned[k]))
        new = self.finish(psi, state, dt)
        theta = largest_turn(state["psi"], new["psi"])
        error = 0.0 if np.isfinite(theta) and np.isfinite(psi.sum()) else np.nan
        return Trial(dt, {**new, "turned": turned}, {"psi": error}, theta, count)

    def finish(self, psi: Array, state: State, dt: float) -> dict[str, Array]:
        """psi, chi, a and mu at t + dt, psi given in the gauge of the applied links."""
        t, patterns = state.t + dt, self.places.patterns
        a, link = self.applied.at(t)
        if not len(patterns):
            return {"psi": psi, "chi": state["chi"], "a": a.copy(), "mu": np.zeros(psi.size)}
        mu = self.potentials(psi, link, t) @ patterns
        chi = state["chi"] + 0.5 * dt * (state["mu"] + mu)
        with_chi = np.empty(a.size)
        kernels.with_potential(a, chi, self.graph.edges, with_chi)
        return {"psi": psi * framed(chi).conj(), "chi": chi, "a": with_chi, "mu": mu}

    def pointwise(self, psi: Array, h: float, t: float) -> None:
        p = self.problem
        fluid = superfluid.fluid_of(p)
        superfluid.point(psi, h, fluid.rate, self.epsilon.at(t), p.beta, self.external.at(t), fluid.outlet)

    def middle(self, psi: Array, dt: float, t: float) -> tuple[Array, int]:
        if self.direct is not None:
            return self.direct.middle(psi, dt)
        assert self.iterated is not None
        return self.iterated.middle(psi, self.applied.at(t + 0.5 * dt)[1], dt)

    def potentials(self, psi: Array, link: Array, t: float) -> Array:
        """(places,) chemical potentials of psi in the gauge of the applied links."""
        p, g = self.problem, self.graph
        local = np.empty(psi.size)
        external = self.external.at(t)
        superfluid.local_potential(
            psi, link, g.start, g.neighbour, g.diagonal, p.operators.m, self.epsilon.at(t), p.beta, external, local
        )
        share = self.places.weights / p.operators.m
        mass = share @ (p.operators.m * np.abs(psi) ** 2)
        mu = (share @ local) / np.maximum(mass, 1e-300)
        for place, head in self.places.heads.items():
            mu[place] = head.value(t)
        return mu


def largest_turn(old: Array, new: Array) -> float:
    """Largest turn of the phase of a node that is bright before and after."""
    bright = (np.abs(old) > BRIGHT) & (np.abs(new) > BRIGHT)
    return float(np.abs(np.angle(old[bright].conj() * new[bright])).max()) if bright.any() else 0.0
