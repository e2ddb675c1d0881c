"""What a superfluid's case and mesh become: complex rates, reservoirs and outlets, its start state and its step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from fempslip import mesh as parts
from fempslip.case import MeshedCase
from fempslip.case.waveforms import Constant
from fempslip.contract import Array, Clock, Fluid, Landscape, Mesh, Problem, Refusal, Reservoir
from fempslip.physics import superfluid
from fempslip.solver.linear import FACTOR_LIMIT
from fempslip.tasks.evolve import waveforms
from fempslip.tasks.healing import healed
from fempslip.tasks.seeds import on_nodes

RESERVOIR_DEPTH = 18.0  # xi
RESERVOIR_RATE = 1.0
OUTLET_DAMPING = 0.1  # gamma at the outer end of an outlet's layer: of 0.05 to 0.4 what reflects least at any k
HEALED = 1.5  # tau
CHARGED_STEP = 0.02  # keeps the energy of a charged condensate with strong flow within 2e-3


# ---------------------------------------------------------------------------------------------- the medium


def fluid_of(
    case: MeshedCase, problem: Problem, material: Mapping[str, Any], section: Array, external: Landscape
) -> Fluid:
    mesh, op = problem.mesh, problem.operators
    damping = parts.dual_mean(mesh, {name: float(m.damping) for name, m in material.items()}, section)
    reservoirs, outlet = [], np.zeros(op.nodes)
    for contact in problem.contacts:
        if contact.kind == "reservoir":
            s = layer(case, problem, contact.name, case.model.layers.get(contact.name, RESERVOIR_DEPTH))
            wave = case.drive.heads.get(contact.name, Constant(0.0))
            reservoirs.append(Reservoir(contact.name, RESERVOIR_RATE * s**2, wave))
        elif contact.kind == "outlet":
            outlet[contact.nodes] += contact.weights * contact.section / op.m[contact.nodes]
            depth = case.model.layers.get(contact.name)
            if depth is not None:
                damping = damping + OUTLET_DAMPING * layer(case, problem, contact.name, depth) ** 2
    if damping.any() and op.nodes > FACTOR_LIMIT[mesh.dim] // 2:
        words = f"damping wants a factorisation, too large for {op.nodes} nodes: leave it out or make mesh.size larger"
        raise case.refuse("mesh.size", words)
    frequency = case.materials.everywhere.plasma_frequency
    return Fluid(
        rate=damping - 1j,
        external=external,
        reservoirs=tuple(reservoirs),
        outlet=outlet,
        permittivity=0.0 if frequency is None else frequency**-2,
        conductivity=case.materials.everywhere.conductivity,
        kappa=case.scales.kappa or 0.0,
    )


def layer(case: MeshedCase, problem: Problem, name: str, depth: float) -> Array:
    """(nodes,) rising from 0 at a depth below a boundary to 1 at it.  Raises Refusal where nothing lies deeper."""
    mesh = problem.mesh
    near, _ = cKDTree(mesh.points[:, np.unique(mesh.boundaries[name])].T).query(mesh.points.T)
    s = on_nodes(mesh, np.clip(1 - near / depth, 0.0, 1.0))
    if s.min() > 0:
        words = f"the layer of {name!r} is {depth:g} xi deep and fills the whole body: set model.layers.{name} smaller"
        raise case.refuse(f"contacts.{name}", words)
    return s


# ---------------------------------------------------------------------------------------------- the start


def at_rest(case: MeshedCase, problem: Problem) -> Array:
    """(nodes,) density of fluid at rest, each region at the head that `start.heads` gives it."""
    fluid = superfluid.fluid_of(problem)
    heads = {name: float(case.start.heads.get(name, 0.0)) for name in problem.mesh.regions}
    head = parts.dual_mean(problem.mesh, heads)
    return np.maximum(problem.epsilon + head - superfluid.External(fluid.external).at(0.0), 0.0) / problem.beta


def imprinted(case: MeshedCase, problem: Problem, psi: Array) -> Array:
    """psi with vortices healed, and then with solitons and a kick."""
    start, mesh = case.start, problem.mesh
    wanted = start.heal if start.heal is not None else HEALED if start.kind == "vortices" else 0.0
    psi = healed(problem, psi, wanted)
    for soliton in start.solitons:
        at, normal = np.zeros(3), np.asarray(soliton.direction, dtype=float)
        at[: len(soliton.at)] = soliton.at
        place = np.zeros((3, mesh.points.shape[1]))
        place[: mesh.points.shape[0]] = mesh.points
        s, slow = on_nodes(mesh, normal @ (place - at[:, None])), np.sqrt(1 - soliton.speed**2)
        psi = psi * (1j * soliton.speed + slow * np.tanh(slow * s / np.sqrt(2)))
    if start.kick is not None:
        psi = psi * np.exp(1j * start.kick.amplitude * kicked_wave(case, mesh)[1])
    return psi


def kicked_wave(case: MeshedCase, mesh: Mesh) -> tuple[float, Array]:
    """(k, cos(k s) at nodes) of the case's kick.  Raises Refusal where the wave does not fit."""
    kick = case.start.kick
    if kick is None:
        raise ValueError("no kick in this case")
    try:
        return parts.plane_wave(mesh, np.asarray(kick.direction, dtype=float), kick.waves)
    except Refusal as refusal:
        raise case.refuse("start.kick", str(refusal)) from None


# ---------------------------------------------------------------------------------------------- the step


def clock_of(case: MeshedCase, problem: Problem) -> Clock:
    """The clock with its fixed step: time.fixed, or the longest that is stable and accurate and meets every frame.

    Raises Refusal, with the number, for a time.fixed at which grid waves would grow.
    """
    limit, why = step_limit(problem, highest_density(case, problem))
    clock = problem.clock
    if clock.fixed is not None:
        if clock.fixed > limit:
            raise case.refuse("time.fixed", f"time.fixed is {clock.fixed:g} tau; {why} {limit:.3g} tau")
        return clock
    accurate = CHARGED_STEP if problem.model["dynamics"] == "charged" else superfluid.ACCURATE
    longest = min(superfluid.SAFETY * limit, accurate, *(w.period / 20 for w in waveforms(problem) if w.period))
    every = case.record.fields if hasattr(case, "record") else clock.until
    return replace(clock, fixed=every / np.ceil(every / longest * (1 - 1e-12)))


def limit_of(problem: Problem) -> float:
    """The longest stable step, judged by the start state."""
    return step_limit(problem, max(1e-12, float((np.abs(problem.psi) ** 2).max())))[0]


def step_limit(problem: Problem, density: float) -> tuple[float, str]:
    """The step above which numbers grow, and words for it."""
    limit = superfluid.longest_step(problem.operators, density)
    why = "grid waves in resonance with the density grow above"
    fluid = superfluid.fluid_of(problem)
    if fluid.permittivity and np.sqrt(fluid.permittivity) < limit:
        return float(np.sqrt(fluid.permittivity)), "the plasma oscillation wants less than"
    return limit, why


def highest_density(case: MeshedCase, problem: Problem) -> float:
    """Of fluid at rest at any time; by the case alone, so that a resumed run has the same step."""
    fluid = superfluid.fluid_of(problem)
    times = np.linspace(0, problem.clock.until, 201)
    head = max([0.0, *(reservoir.head.value(t) for reservoir in fluid.reservoirs for t in times)])
    rest = max(
        float(superfluid.density_at_rest(fluid, problem.epsilon, problem.beta, t, head).max()) for t in times[::20]
    )
    return max(rest, float(at_rest(case, problem).max()), 1e-12)
