"""A case and its mesh become a problem: frozen dimensionless arrays.  The only code that sees both."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from fempslip import mesh as parts
from fempslip.case import Evolve, MeshedCase
from fempslip.case.scales import DEPAIRING
from fempslip.contract import (
    Array,
    Begun,
    Circuit,
    Clock,
    Contact,
    Drive,
    Landscape,
    Mesh,
    Noise,
    Operators,
    Probe,
    Problem,
    Refusal,
    Surroundings,
    Waveform,
)
from fempslip.mesh.coaxial import coaxial
from fempslip.mesh.simplices import graph
from fempslip.mesh.sources import densities
from fempslip.mesh.vacuum import Made, surrounded
from fempslip.physics import fluctuations
from fempslip.physics.maxwell import Screening
from fempslip.run import fluids
from fempslip.run.gauge import at_rest_on_banks
from fempslip.run.outside import pattern_of
from fempslip.solver.london import London
from fempslip.store import Run, open_run
from fempslip.tasks import seeds
from fempslip.tasks.watchers import tracked_nodes

WELL_ABOVE = 1.2  # times Idep: thresholds of slips and of the normal state lie below it


class AboveDepairing(UserWarning):
    """A current that leaves nothing superconducting in the narrowest section."""


WHOLE = 1e-3  # Phi0 by which the flux through a closed cell may miss a whole number
HOTTEST_NODE = 100.0  # k T over (Bc^2/mu0) times the volume of a node
MOST_RENORMALISED = 20_000  # nodes
UNFELT = 1e-6  # a change of epsilon at a bank that does not count


def compile(  # noqa: A001 - the word that says it
    case: MeshedCase, mesh: Mesh, psi: Array | None = None, space: Made | None = None
) -> Problem:
    """The problem of a case on its mesh; psi : (nodes,) another start state than the case's own.

    space : vertices and cells around a body with its own field where they have been made before

    Raises Refusal, with the place in the case file, for what only the mesh can know: a probe outside the body,
    terminals that touch each other or lie on two bodies, fields that the mesh does not resolve.
    """
    material = {name: case.material[name] for name in mesh.regions}
    section, kinetic, sigma = (per_cell(mesh, material, key) for key in ("thickness", "kinetic", "sigma"))
    op = parts.operators(mesh, section, kinetic, sigma, curls=case.model.reactive)
    contacts, probes = contacts_of(case, mesh, section), probes_of(case, mesh, section)
    refuse_parted(case, op, contacts, probes)
    epsilons = {name: m.epsilon for name, m in material.items()}
    landscape = landscape_of(case, mesh, epsilons, section, lambda region: material_path(case, region))
    problem = Problem(
        mesh=mesh,
        operators=op,
        epsilon=at_start(landscape),
        beta=nodal(mesh, material, "beta", section),
        u=nodal(mesh, material, "u", section),
        gamma=nodal(mesh, material, "gamma", section),
        sigma=nodal(mesh, material, "sigma", section),
        kinetic=nodal(mesh, material, "kinetic", section),
        model=case.model.model_dump(),
        contacts=contacts,
        drive=drive_of(case, mesh, op, contacts, section),
        probes=probes,
        clock=clock_of(case),
        psi=np.zeros(op.nodes, dtype=complex),
        pairs=case.measure.between,
        landscape=landscape if landscape.factors else None,
        kappa=case.scales.kappa or float("nan"),
        cell_kinetic=kinetic,
        Lambda=case.scales.Lambda or float("nan"),
    )
    if case.model.screening == "maxwell":
        refuse_unscreenable(case, problem, section)
        problem = in_space(case, problem, space)
        problem = screened_start(case, problem) if psi is None else problem
    if case.model.reactive:
        pushed = dict.fromkeys(material, 0.0 if case.drive.potential is None else case.drive.potential)
        external = landscape_of(case, mesh, pushed, section, lambda region: "drive.potential")
        problem = replace(problem, fluid=fluids.fluid_of(case, problem, material, section, external))
    problem = with_noise(case, problem, section * sigma)
    refuse_unresolved(case, problem)
    refuse_changing_banks(case, problem)
    problem = start_of(case, problem) if psi is None else replace(problem, psi=psi)
    return replace(problem, clock=fluids.clock_of(case, problem)) if case.model.reactive else problem


def refuse_unscreenable(case: MeshedCase, problem: Problem, section: Array) -> None:
    """What a sample with a field of its own in all of space cannot be."""
    mesh = problem.mesh
    if mesh.dim == 1:
        words = "screening: maxwell is for films and bodies; a wire that is a line has no field of its own"
        raise case.refuse("model.screening", words)
    if mesh.dim == 2 and case.drive.sources:
        words = "a film under screening: maxwell is infinitely long along z; its field is uniform"
        raise case.refuse("drive.field", words)
    if mesh.dim == 3 and len(problem.contacts) not in (0, 2):
        words = "a body under screening: maxwell carries a current from one contact to another: give it two, or none"
        raise case.refuse("contacts", words)
    if not problem.kappa > 0:
        words = "screening: maxwell needs lambda beside xi (kappa = lambda/xi): add lambda to the material"
        raise case.refuse("model.screening", words)
    if mesh.points.shape[1] != mesh.nodes:
        raise case.refuse("model.screening", "a geometry that closes on itself has no space around it for a field")
    if np.abs(section - 1).max() > 1e-9:
        words = "a film under screening: maxwell is infinitely long along z and has one thickness: remove thickness"
        raise case.refuse("model.screening", words)
    try:
        if mesh.dim == 2:
            Screening.of(problem)
    except Refusal as refusal:
        raise case.refuse("model.screening", str(refusal)) from None


def in_space(case: MeshedCase, problem: Problem, made: Made | None) -> Problem:
    """A body with the vacuum around it; a film, which needs none, as it is."""
    if problem.mesh.dim < 3:
        return problem
    try:
        space = space_around(problem, made)
    except Refusal as refusal:
        words = f"a body that carries a current under screening: maxwell ends in walls: {refusal}"
        where = "contacts" if problem.contacts else "model.screening"
        raise case.refuse(where, words if problem.contacts else str(refusal)) from None
    patterns = [parts.uniform_field(space.mesh, space.operators, vector) for vector, _ in case.drive.field]
    try:
        patterns += [pattern_of(case, space.mesh, space.operators, source) for source, _ in case.drive.sources]
    except Refusal:
        words = f"under screening: maxwell sources stand outside the ball of vacuum, {space.radius:.3g} xi around"
        raise case.refuse("drive.field", words) from None
    patterns += [parts.threading(space.mesh, space.operators, hole) / (2 * np.pi) for hole, _ in case.drive.flux]
    found = np.array(patterns).reshape(len(patterns), space.operators.edges.shape[1])
    return replace(problem, surroundings=replace(space, patterns=found))


def space_around(problem: Problem, made: Made | None) -> Surroundings:
    """A ball of vacuum, or between two contacts a cylinder that the current comes back in."""
    mesh, op = problem.mesh, problem.operators
    if not problem.contacts:
        return surrounded(mesh, op, made)
    first, second = (mesh.boundaries[contact.name] for contact in problem.contacts)
    return coaxial(mesh, op, first, second, made)


def screened_start(case: MeshedCase, problem: Problem) -> Problem:
    """With the London state of the start as its potential: the field as if raised slowly, or, where psi starts normal,
    the applied one.  So phases of edges stay small however large the sample."""
    if case.start.kind not in ("uniform", "vortices"):
        return problem
    if case.task == "london":  # finds a itself; of psi it takes the size
        space = problem.operators if problem.surroundings is None else problem.surroundings.operators
        return replace(problem, potential=np.zeros(space.edges.shape[1]))
    density = np.where(tracked_nodes(problem), np.maximum(problem.epsilon, 0.0) / problem.beta, 0.0)
    turns = np.zeros(problem.operators.edges.shape[1])
    for line in (vortex_line(case, problem.mesh, v) for v in case.start.vortices):
        turns += line.winding * parts.around(problem.mesh, problem.operators, line.point, line.direction)
    return replace(problem, potential=London.of(problem, density).state(turns).a)


def potential_of(problem: Problem) -> Array:
    """a on the edges of the sample at t = 0, (edges,)."""
    from fempslip.physics.applied import potential

    if problem.potential is None:
        return potential(problem.drive, 0.0)
    return problem.potential if problem.surroundings is None else problem.potential[problem.surroundings.edges]


def per_cell(mesh: Mesh, material: Mapping[str, Any], key: str) -> Array:
    return parts.cell_values(mesh, {name: getattr(m, key) for name, m in material.items()})


def nodal(mesh: Mesh, material: Mapping[str, Any], key: str, section: Array) -> Array:
    return parts.dual_mean(mesh, {name: float(getattr(m, key)) for name, m in material.items()}, section)


def landscape_of(
    case: MeshedCase, mesh: Mesh, profiles: Mapping[str, Any], section: Array, path_of: Callable[[str], str]
) -> Landscape:
    """Numbers or Profiles of all regions: what is constant, and a pattern for every waveform that multiplies a part.

    path_of : region -> where its profile is written
    """
    constant: dict[str, Any] = {}
    changing: dict[Waveform, dict[str, list[Any]]] = {}
    for region, profile in profiles.items():
        if isinstance(profile, int | float):
            constant[region] = float(profile)
            continue
        constant[region] = total([term for term in profile.terms() if term.times is None])
        for term in (term for term in profile.terms() if term.times is not None):
            wave = term.times.waveform()
            refuse_jumps(case, wave, path_of(region), "which no step in time can follow")
            changing.setdefault(wave, {}).setdefault(region, []).append(term)
    patterns = np.zeros((len(changing), mesh.nodes))
    for row, by_region in zip(patterns, changing.values(), strict=True):
        row[:] = parts.dual_mean(mesh, {name: total(by_region.get(name, [])) for name in profiles}, section)
    return Landscape(parts.dual_mean(mesh, constant, section), patterns, tuple(changing))


def total(terms: Sequence[Any]) -> Any:
    """Profiles added up, a function of place (space, ...) -> (...)."""
    return lambda x: sum((term.value(x.reshape(x.shape[0], -1)).reshape(x.shape[1:]) for term in terms), np.zeros(()))


def at_start(landscape: Landscape) -> Array:
    return landscape.constant + np.array([f.value(0.0) for f in landscape.factors]) @ landscape.patterns


def material_path(case: MeshedCase, region: str) -> str:
    """Where the epsilon of a region is written."""
    own = case.materials.regions.get(region)
    if own is not None and own.epsilon is not None:
        return f"material.{region}.epsilon"
    return "material.everywhere.epsilon" if case.materials.regions else "material.epsilon"


def refuse_changing_banks(case: MeshedCase, problem: Problem) -> None:
    """A bank is held at the |psi| it begins with."""
    land = problem.landscape
    for contact in problem.contacts:
        if contact.kind == "bank" and land is not None and np.abs(land.patterns[:, contact.nodes]).max() > UNFELT:
            words = f"epsilon changes in time at {contact.name!r}, a bank, whose |psi| is held: make it normal or free"
            raise case.refuse(f"contacts.{contact.name}", words)


def contacts_of(case: MeshedCase, mesh: Mesh, section: Array) -> tuple[Contact, ...]:
    found = []
    for name, kind in case.contacts.items():
        nodes, weights, area = parts.facet_weights(mesh, name, section)
        found.append(Contact(name, kind, nodes, weights, area))
    taken: dict[int, str] = {}
    for contact in found:
        for node in contact.nodes:
            other = taken.setdefault(int(node), contact.name)
            if other != contact.name:
                words = f"the contacts {other!r} and {contact.name!r} touch each other: move them apart"
                raise case.refuse(f"geometry.boundaries.{contact.name}", words)
    return tuple(found)


# ------------------------------------------------------------------------------------------- drive


def drive_of(case: MeshedCase, mesh: Mesh, op: Operators, contacts: tuple[Contact, ...], section: Array) -> Drive:
    patterns, waves, density = [], [], 0.0
    hidden = np.zeros(op.faces.shape[1])
    for vector, wave in case.drive.field:
        refuse_jumps(case, wave, "drive.field")
        patterns.append(parts.uniform_field(mesh, op, vector))
        waves.append(wave)
        if mesh.periods:
            hidden += hidden_quanta(case, wave, parts.hidden_flux(mesh, op, np.asarray(vector), patterns[-1]))
        density += float(np.linalg.norm(vector)) * largest(wave, case.until)
    for source, wave in case.drive.sources:
        refuse_jumps(case, wave, "drive.field")
        patterns.append(pattern_of(case, mesh, op, source))
        waves.append(wave)
        density += float(densities(mesh, op, patterns[-1]).max(initial=0.0)) * largest(wave, case.until)
    for hole, wave in case.drive.flux:
        refuse_jumps(case, wave, "drive.flux")
        patterns.append(parts.threading(mesh, op, hole) / (2 * np.pi))
        waves.append(wave)
    patterns = [at_rest_on_banks(op, contacts, pattern) for pattern in patterns]
    pattern = np.array(patterns) if patterns else np.zeros((0, op.edges.shape[1]))
    currents = currents_of(case, mesh, op, contacts, section)
    circuit = circuit_of(case, mesh, op, contacts, section)
    return Drive(pattern, tuple(waves), currents, density, whole_quanta(case, hidden), circuit)


def hidden_quanta(case: MeshedCase, wave: Waveform, hidden: Array) -> Array:
    """Quanta that faces hide (faces,), which do not change in time.  hidden : their flux in a field of 1 Bc2"""
    values = [wave.value(t) for t in instants(wave, case.until)] if np.abs(hidden).any() else [0.0]
    if max(values) - min(values) > 1e-9 * max(map(abs, values)):
        words = "the flux through a cell that is closed in two directions is a whole number of Phi0 and cannot change"
        raise case.refuse("drive.field", words)
    return values[0] * hidden / (2 * np.pi)


def whole_quanta(case: MeshedCase, hidden: Array) -> Array | None:
    """The same as integers, None if all are 0; a cell with a broken number of quanta is refused."""
    whole = np.rint(hidden).astype(np.int64)
    if np.abs(hidden - whole).max(initial=0.0) > WHOLE:
        total = hidden.sum()
        field = float(np.linalg.norm(sum(np.asarray(v) * w.value(0.0) for v, w in case.drive.field)))
        near = " or ".join(
            f"{field * n / abs(total):.8g} Bc2 ({n} Phi0)" for n in (int(abs(total)), int(abs(total)) + 1)
        )
        words = f"{abs(total):.6g} Phi0 pass through the closed cell, which takes a whole number: set {near}"
        raise case.refuse("drive.field", words)
    return whole if whole.any() else None


def circuit_of(
    case: MeshedCase, mesh: Mesh, op: Operators, contacts: tuple[Contact, ...], section: Array
) -> Circuit | None:
    """The circuit with currents in plain numbers.  Raises Refusal where it has no solution."""
    circuit = case.drive.circuit
    if circuit is None:
        return None
    idep = depairing_current(mesh, op, contacts, section, set(circuit.terminals))
    known = [replace(e, value=e.value.at(idep)) if e.kind == "current" else e for e in circuit.elements]
    return replace(circuit, elements=tuple(known))


def currents_of(
    case: MeshedCase, mesh: Mesh, op: Operators, contacts: tuple[Contact, ...], section: Array
) -> Mapping[str, tuple[Waveform, ...]]:
    """Waveforms of the total current into each contact."""
    idep = depairing_current(mesh, op, contacts, section, {c.terminal for c in case.drive.currents})
    found: dict[str, tuple[Waveform, ...]] = {}
    areas = {c.name: c.section for c in contacts}
    for current in case.drive.currents:
        wave = current.waveform.at(idep)
        scale = current.sign * (areas[current.across] if current.is_density else 1.0)
        found[current.terminal] = (*found.get(current.terminal, ()), wave.mapped(lambda height, by=scale: by * height))
    warn_above_depairing(found, idep, case.until)
    return found


def warn_above_depairing(currents: Mapping[str, tuple[Waveform, ...]], idep: float, until: float) -> None:
    """Say so when a current goes beyond what any superconducting state of the narrowest section can carry."""
    for name, waves in currents.items():
        top = sum(largest(wave, until) for wave in waves)
        if top > WELL_ABOVE * idep:
            words = f"the current into {name!r} reaches {top / idep:.3g} Idep: the narrowest section turns normal"
            warnings.warn(words, AboveDepairing, stacklevel=2)


def depairing_current(
    mesh: Mesh, op: Operators, contacts: tuple[Contact, ...], section: Array, driven: set[str]
) -> float:
    """Idep = 2/(3 sqrt 3) j0 times the narrowest section between the driven contacts; nan without two of them."""
    used = [c for c in contacts if c.name in driven]
    if len(used) < 2:
        return float("nan")
    narrowest = min(
        parts.narrowest_section(mesh, op, a.nodes, b.nodes, section) for k, a in enumerate(used) for b in used[k + 1 :]
    )
    return DEPAIRING * narrowest


def largest(wave: Waveform, until: float) -> float:
    """Largest |value| in the time of the run."""
    return max(abs(wave.value(t)) for t in instants(wave, until))


def instants(wave: Waveform, until: float) -> Array:
    """Times at which a waveform is looked at: its kinks, both ends and a raster between them."""
    return np.unique([0.0, until, *wave.kinks(until), *np.linspace(0, until, 201)])


def refuse_jumps(case: MeshedCase, wave: Waveform, path: str, why: str = "which is an infinite voltage") -> None:
    for t in wave.kinks(case.until):
        if abs(wave.value(t) - wave.value(t * (1 - 1e-12) - 1e-12)) > 1e-6 and t > 0:
            words = f"{path} jumps at t = {t:g} tau, {why}: give it a rise or a ramp"
            raise case.refuse(path, words)


def refuse_unresolved(case: MeshedCase, problem: Problem) -> None:
    """A field whose vortices lie closer than the mesh can tell apart (in a straight wire a field does nothing).

    The London equation is linear in A and knows no phase of an edge.
    """
    if case.task == "london":
        return
    try:
        parts.check_flux(problem.mesh, problem.drive.flux_density)
    except Refusal as refusal:
        raise case.refuse("drive.field", str(refusal)) from None


# ------------------------------------------------------------------------------------------- probes, start, clock


def probes_of(case: MeshedCase, mesh: Mesh, section: Array) -> dict[str, Probe]:
    """Probes, and boundaries as probes: there the mean potential over their area."""
    found = {name: Probe(name, *parts.facet_weights(mesh, name, section)[:2]) for name in mesh.boundaries}
    for name, point in mesh.probes.items():
        try:
            nodes, weights = parts.locate(mesh, point, f"the probe {name!r}")
        except Refusal as refusal:
            raise case.refuse(f"geometry.probes.{name}", str(refusal)) from None
        found[name] = Probe(name, nodes, weights)
    return found


def refuse_parted(case: MeshedCase, op: Operators, contacts: tuple[Contact, ...], probes: Mapping[str, Probe]) -> None:
    """Currents and voltages between two bodies that do not touch: they have no way from one to the other."""
    import scipy.sparse.csgraph as csgraph

    _, piece = csgraph.connected_components(graph(op.nodes, op.edges), directed=False)
    driven = [c for c in contacts if c.name in case.drive.terminals]
    for first, second in ((driven[0], other) for other in driven[1:]):
        if piece[first.nodes[0]] != piece[second.nodes[0]]:
            words = f"the contacts {first.name!r} and {second.name!r} are on two bodies that do not touch"
            raise case.refuse("drive.current", words)
    for a, b in case.measure.between:
        if piece[probes[a].nodes[0]] != piece[probes[b].nodes[0]]:
            raise case.refuse("measure.between", f"{a!r} and {b!r} are on two bodies that do not touch")


def clock_of(case: MeshedCase) -> Clock:
    if not isinstance(case, Evolve):
        return Clock(until=0.0)
    t = case.time
    return Clock(t.until, t.tolerance, t.dt_start, t.dt_min, t.dt_max, case.fixed_step)


# ------------------------------------------------------------------------------------------- noise


def with_noise(case: MeshedCase, problem: Problem, conductance: Array) -> Problem:
    """The problem with the case's thermal noise.  Raises Refusal where a node is hotter than a step can follow."""
    noise = case.noise if isinstance(case, Evolve) else None
    if noise is None:
        return problem
    charged = noise.johnson and case.model.charge != "off"
    problem = replace(problem, noise=Noise(noise.temperature, noise.seed, conductance if charged else None))
    hottest = noise.temperature / float(problem.operators.m.min())
    if hottest > HOTTEST_NODE:
        words = (
            f"k T is {hottest:.3g} times the energy unit of the smallest cell: raise mesh.size or lower the temperature"
        )
        raise case.refuse("noise.temperature", words)
    fluctuations.warn_untested(problem)
    if noise.renormalise:
        if problem.operators.nodes > MOST_RENORMALISED:
            words = f"renormalise wants at most {MOST_RENORMALISED} nodes; this mesh has {problem.operators.nodes}"
            raise case.refuse("noise.renormalise", words)
        shift = 2 * fluctuations.gaussian_density(problem)
        land = problem.landscape
        problem = replace(
            problem,
            epsilon=problem.epsilon + shift,
            landscape=None if land is None else replace(land, constant=land.constant + shift),
        )
    return problem


def start_of(case: MeshedCase, problem: Problem) -> Problem:
    """The problem with psi at t = 0 by the case's `start`, and with its potential if that is known."""
    start, mesh, op = case.start, problem.mesh, problem.operators
    dead = ~tracked_nodes(problem)
    begun = None
    if start.kind == "run":
        psi, begun = from_frame(case, problem)
    elif start.kind == "normal":
        psi = seeds.noise(op, problem.epsilon, start.amplitude, start.seed)
    else:
        lines: list[Any] = [vortex_line(case, mesh, v) for v in start.vortices]
        lines += [seeds.VortexRing(np.array(r.center), np.array(r.direction), r.radius, r.winding) for r in start.rings]
        hidden = problem.drive.hidden
        rest = fluids.at_rest(case, problem) if problem.fluid else problem.epsilon / problem.beta
        try:
            psi = seeds.uniform(mesh, op, rest, potential_of(problem), lines, dead, hidden)
        except Refusal as refusal:
            raise case.refuse("start", str(refusal)) from None
    if problem.fluid is not None:
        psi = fluids.imprinted(case, problem, psi)
    return replace(problem, psi=on_banks(problem, np.where(dead, 0.0, psi)), begun=begun)


def given_state(problem: Problem, psi: Array | Callable[[Array], Array]) -> Array:
    """A start state from outside, (nodes,) complex: values at nodes, or a function of their positions (space, nodes).

    Raises Refusal for another shape and for numbers that are not finite.  psi = 0 at normal contacts, as ever.
    """
    mesh = problem.mesh
    if callable(psi):
        psi = psi(mesh.node_points)
    values = np.asarray(psi, dtype=complex)
    if values.shape != (mesh.nodes,):
        raise Refusal(
            f"the start state has the shape {values.shape}; this mesh wants ({mesh.nodes},), one number a node"
        )
    if not np.all(np.isfinite(values)):
        raise Refusal("the start state holds numbers that are not finite")
    return on_banks(problem, np.where(tracked_nodes(problem), values, 0.0))


def on_banks(problem: Problem, psi: Array) -> Array:
    """A bank is held at |psi| = sqrt(eps), whatever the start."""
    psi = psi.copy()
    for contact in problem.contacts:
        if contact.kind == "bank":
            size = np.sqrt(np.maximum(problem.epsilon[contact.nodes] / problem.beta[contact.nodes], 0.0))
            psi[contact.nodes] = size * np.exp(1j * np.angle(psi[contact.nodes]))
    return psi


def vortex_line(case: MeshedCase, mesh: Mesh, vortex: Any) -> seeds.VortexLine:
    if isinstance(vortex.at, str) and vortex.at in mesh.periods:
        return seeds.VortexLine(np.zeros(3), np.zeros(3), vortex.winding, core=False, period=vortex.at)
    if isinstance(vortex.at, str):
        point, direction = mesh.holes[vortex.at]
        return seeds.VortexLine(point, direction, vortex.winding, core=False)
    at = np.asarray(vortex.at, dtype=float)
    if mesh.dim == 2 and parts.distance_to(mesh, at) > mesh.size:
        words = "lies outside the body; a winding round a hole is written with the hole's name"
        raise case.refuse("start.vortices", f"the vortex at ({at[0]:g}, {at[1]:g}) xi {words}")
    return seeds.VortexLine(at, np.asarray(vortex.direction, dtype=float), vortex.winding)


def from_frame(case: MeshedCase, problem: Problem) -> tuple[Array, Begun | None]:
    """psi of a frame of another run on the same mesh, (nodes,), and its potential.

    Between models with a field of their own that are the same, psi, a and E go on as they are, and under maxwell any
    psi finds its field near the potential that it has.  Else psi comes into this case's gauge: what the two potentials
    differ by is taken up by its phase as far as a phase can.
    """
    from fempslip.physics.applied import potential

    run, mesh, op = open_run(str(case.start.run)), problem.mesh, problem.operators
    if run.mesh.points.shape != mesh.points.shape or not np.allclose(run.mesh.points, mesh.points):
        raise case.refuse(
            "start.run", f"{case.start.run} was solved on another mesh: use the same geometry and mesh.size"
        )
    source = source_of(case, run)
    psi, theirs = state_of(run, source, op, case.start.frame)
    alike = own_potential(source) == own_potential(case) and theirs.e is not None
    if alike or case.model.screening == "maxwell":
        return psi, theirs if alike else replace(theirs, e=None)
    moved = potential(problem.drive, 0.0) - theirs.a
    turn = seeds.phase(mesh, op, op.w, moved, np.zeros_like(moved)) if moved.any() else 0.0
    return psi * np.exp(1j * turn), None


def state_of(run: Run, source: MeshedCase, op: Operators, frame: int) -> tuple[Array, Begun]:
    """psi of a frame, and a and E in the gauge that it is stored in."""
    from fempslip.physics.applied import potential

    fields, known = run.frame(frame), run.on_edges(frame)
    psi = fields["psi_re"] + 1j * fields["psi_im"]
    if not known:
        drive = compile(source, run.mesh, psi=psi).drive
        return psi, Begun(potential(drive, float(run.times[frame])))
    i, j = op.edges
    chi = fields.get("chi", np.zeros(psi.size))
    return psi, Begun(known["a"] - (chi[j] - chi[i]), known["e"])


def source_of(case: MeshedCase, run: Run) -> MeshedCase:
    """The case of the run that this one starts from.

    Raises Refusal where psi of a frame tells nothing without a potential that frames of earlier versions do not hold.
    """
    from fempslip.case import load

    source = cast(MeshedCase, load(run.folder / "case.yaml"))
    if own_potential(source) is not None and not run.edges:
        words = f"was solved with a vector potential of its own ({own_potential(source)}), which its frames do not hold"
        raise case.refuse("start.run", f"{case.start.run} {words}: solve it anew, or start with vortices")
    return source


def own_potential(case: MeshedCase) -> str | None:
    """The setting under which A is unknown beside psi, so that phases mean nothing without it."""
    if case.model.screening != "none":
        return f"screening: {case.model.screening}"
    return "dynamics: charged" if case.model.dynamics == "charged" else None
