"""Energy and power of a step: supplied = stored + dissipated.

In units of F per tau0 (one j0 V0 tau0 is two units of F):

    dF/dt = 2 sum I_c V_c - 2 sum_e (I_s + I_n)_e d a_applied,e/dt  -  2 sum m (d_t psi)^T R (d_t psi)  -  2 E^T M1 E

supplied by the contacts and by the source of a changing field; dissipated by the relaxation of psi and by the normal
current.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from fempslip.contract import Array, Problem, State
from fempslip.physics import kernels, superfluid
from fempslip.physics.applied import AppliedLinks, framed, injection, potential
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.graph import Graph, graph
from fempslip.physics.landscape import Epsilon
from fempslip.physics.maxwell import Kinetics, MaxwellMeter


class Meter(Protocol):
    """Both sides of the balance of a step, whatever the field."""

    def stored(self, state: State) -> tuple[float, float]:
        """(F, mean |psi|^2)."""
        ...

    def dissipated(self, old: State, new: State) -> float: ...
    def supplied(self, old: State, new: State, currents: Array) -> float: ...


def meter_of(problem: Problem) -> Meter:
    if problem.fluid is not None:
        return FluidMeter.of(problem)
    return METERS[problem.model.get("screening", "none")](problem)


@dataclass(frozen=True, eq=False)
class PowerMeter:
    """The meter without self-field."""

    problem: Problem
    graph: Graph
    applied: AppliedLinks
    shares: Array
    epsilon: Epsilon
    kept: dict[str, Array] = field(default_factory=dict)

    @classmethod
    def of(cls, problem: Problem) -> PowerMeter:
        g = graph(problem.operators)
        return cls(problem, g, AppliedLinks(problem.drive, g), injection(problem), Epsilon(problem))

    def stored(self, state: State) -> tuple[float, float]:
        """(F, mean |psi|^2)."""
        g, m, epsilon, beta = self.graph, self.problem.operators.m, self.epsilon.at(state.t), self.problem.beta
        psi, chi, link = state["psi"], state["chi"], self.links(state.t)
        value, mass = kernels.framed_energy(psi, chi, link, g.edges, g.diagonal, m, epsilon, beta)
        return value, mass / self.volume

    def links(self, t: float) -> Array:
        """Those of the applied field from the first to the second node of each edge, (edges,)."""
        both = self.applied.at(t)[1]
        if self.kept.get("both") is not both:
            self.kept.update(both=both, up=both[self.graph.up])
        return self.kept["up"]

    def dissipated(self, old: State, new: State) -> float:
        """Mean power turned to heat in the step: relaxation of psi and normal current."""
        p, dt = self.problem, new.t - old.t
        loss = kernels.relaxation_loss(old["psi"], new["psi"], dt, p.operators.m, p.u, p.gamma)
        if self.uncharged:
            return loss
        return loss + self.ohmic(old, new)

    def ohmic(self, old: State, new: State) -> float:
        """2 E^T M1 E; where the applied field stands still E = -G d chi/dt, and G^T M1 G is a sum over edges."""
        dt = new.t - old.t
        if self.gradient and self.still(old, new):
            return kernels.gradient_loss(
                old["chi"], new["chi"], dt, self.problem.operators.conductances, self.graph.edges
            )
        rate = (new["a"] - old["a"]) / dt
        return 2 * float(rate @ (self.problem.operators.M1 @ rate))

    def still(self, old: State, new: State) -> bool:
        return all(wave.value(new.t) == wave.value(old.t) for wave in self.problem.drive.fields)

    gradient = True  # a changes by the applied potential and G chi alone

    def supplied(self, old: State, new: State, currents: Array) -> float:
        """Mean power put in during the step; currents : (contacts,) at its middle."""
        dt = new.t - old.t
        given = 0.0
        if not self.uncharged:
            nodes, shares = self.ends
            given = 2 * kernels.fed(currents, shares, nodes, old["chi"], new["chi"]) / dt
        drive = self.problem.drive
        if not self.still(old, new):  # a constant field costs nothing
            step = potential(drive, new.t) - potential(drive, old.t)
            given -= 2 * float(self.total_current(old, new) @ step) / dt
        return given + self.epsilon.supplied(old, new)

    def total_current(self, old: State, new: State) -> Array:
        """I_s + I_n of each edge at the middle of the step."""
        op, dt = self.problem.operators, new.t - old.t
        energy = LinkEnergy(op, self.problem.epsilon)
        super_ = 0.5 * (energy.current(old["psi"], old["a"]) + energy.current(new["psi"], new["a"]))
        if self.uncharged:
            return super_
        return super_ - op.M1 @ ((new["a"] - old["a"]) / dt)

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """Nodes of contacts, and `shares` of these alone."""
        nodes = np.flatnonzero(self.shares.any(axis=0))
        return nodes, np.ascontiguousarray(self.shares[:, nodes])

    @cached_property
    def volume(self) -> float:
        return float(self.problem.operators.m.sum())

    @property
    def uncharged(self) -> bool:
        return self.problem.model.get("charge") == "off"


@dataclass(frozen=True, eq=False)
class FluidMeter:
    """The meter of a superfluid: E of physics.superfluid, with that of the electric and magnetic field if charged.

    What reservoirs and outlets take or give is not counted.
    """

    problem: Problem
    external: superfluid.External
    epsilon: Epsilon
    kinetics: Kinetics | None  # charged

    @classmethod
    def of(cls, problem: Problem) -> FluidMeter:
        fluid = superfluid.fluid_of(problem)
        kinetics = Kinetics.of(problem, graph(problem.operators)) if fluid.permittivity else None
        return cls(problem, superfluid.External(fluid.external), Epsilon(problem), kinetics)

    def stored(self, state: State) -> tuple[float, float]:
        p, m = self.problem, self.problem.operators.m
        epsilon, external = self.epsilon.at(state.t), self.external.at(state.t)
        if self.kinetics is None:
            value = superfluid.energy(p, state["psi"], state["a"], epsilon, external)
        else:
            value = self.kinetics.energy(state["psi"], state["a"], epsilon)[0]
            value += float((m * external) @ np.abs(state["psi"]) ** 2)
        density = float(m @ np.abs(state["psi"]) ** 2 / m.sum())
        return value + superfluid.field_energy(
            p, state["a"], state.history["e"][0] if "e" in state.history else None, state.t
        ), density

    def dissipated(self, old: State, new: State) -> float:
        """2 sum m Re u |(d_t + i mu_ext) psi|^2."""
        p, dt = self.problem, new.t - old.t
        damping = superfluid.fluid_of(p).rate.real
        if not damping.any():
            return 0.0
        before, after = (s["psi"] * framed(s["chi"]) for s in (old, new))
        rate = (after - before) / dt + 0.5j * self.external.at(0.5 * (old.t + new.t)) * (before + after)
        return 2 * float((p.operators.m * damping) @ np.abs(rate) ** 2)

    def supplied(self, old: State, new: State, currents: Array) -> float:
        """By what changes the external potential and epsilon."""
        change = self.external.at(new.t) - self.external.at(old.t)
        density = 0.5 * (np.abs(old["psi"]) ** 2 + np.abs(new["psi"]) ** 2)
        given = float((self.problem.operators.m * change) @ density) / (new.t - old.t)
        return given + self.epsilon.supplied(old, new)


@dataclass(frozen=True, eq=False)
class FilmMeter(PowerMeter):
    """The meter of a film with its own field, whose energy sum_e I_e a_ind,e = Lambda int b_ind^2 dV is stored too."""

    def stored(self, state: State) -> tuple[float, float]:
        p, g, m = self.problem, self.graph, self.problem.operators.m
        link = np.empty(g.neighbour.size, dtype=complex)
        kernels.links(state["a"], g.w, g.up, g.down, link)
        value, mass = kernels.energy(state["psi"], link, g.up, g.edges, g.w, m, self.epsilon.at(state.t), p.beta)
        return value + float(state["current"] @ state["a_ind"]), mass / self.volume

    gradient = False

    def total_current(self, old: State, new: State) -> Array:
        return 0.5 * (old["current"] + new["current"])


METERS: Mapping[str, Callable[[Problem], Meter]] = {
    "none": PowerMeter.of,
    "maxwell": MaxwellMeter.of,
    "pearl": FilmMeter.of,
}
