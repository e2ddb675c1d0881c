"""`fempslip check`: a case explained without solving it.

Each section of the text is a function that gives its lines; the first of them has the section's name in the margin.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Iterable, Sequence

from fempslip.case import Case, Evolve, Lumped, MeshedCase
from fempslip.case.lumped_settings import SYSTEMS
from fempslip.case.noise_settings import BOLTZMANN
from fempslip.case.scales import DEPAIRING, KB, H
from fempslip.case.sweep import Sweep
from fempslip.case.waveforms import Sum
from fempslip.contract import Failure, Mesh, Problem, Step, Waveform
from fempslip.mesh.meshing import make_mesh
from fempslip.mesh.sources import circulations, densities, potential_of
from fempslip.physics.graph import graph
from fempslip.run import statics
from fempslip.run.compiling import compile, depairing_current, instants, per_cell
from fempslip.run.fluids import limit_of
from fempslip.run.recipes import recipe
from fempslip.run.running import watchers_of
from fempslip.run.support import refuse_unanswerable, refuse_unsupported
from fempslip.solver.bdf2 import advance
from fempslip.solver.screening import unscreened
from fempslip.tasks.evolve import stepper_of

TYPICAL_STEP = 0.25  # tau0, mean step of driven runs at the default tolerance
TRIED = 10  # steps from which the cost of one is judged
FRAME = 56  # bytes a node: psi in double precision; |psi|, phase, potentials and two vectors in single
MARGIN, WIDTH = 13, 110
SI = {"length": "m", "time": "s", "field": "T", "density": "A/m^2", "voltage": "V", "current": "A"}
SI |= {"resistance": "ohm", "inductance": "H", "capacitance": "F"}
SI |= {"energy": "J", "pressure": "Pa", "frequency": "Hz"}
PREFIXES = {9: "G", 6: "M", 3: "k", 0: "", -3: "m", -6: "u", -9: "n", -12: "p", -15: "f"}


def explain(case: Case) -> str:
    """Scales in SI, named parts, mesh, drive, support and estimated cost.  Raises Refusal where the case is wrong."""
    refuse_unsupported(case)
    refuse_unanswerable(case)
    if isinstance(case, Lumped):
        return explain_lumped(case)
    assert isinstance(case, MeshedCase)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mesh = make_mesh(case)
        problem = compile(case, mesh)
        marched = {}
        if isinstance(case, Evolve):
            marched = {
                "time": [*duration(case, problem), *step(problem)],
                "cost": [cost(problem, seconds_a_step(case, problem))],
            }
    sections = {
        "sweep": [] if case.sweep is None else swept(case.sweep),
        "scales": scales(case),
        "geometry": geometry(case, mesh),
        "material": material(case),
        "contacts": contacts(problem),
        "drive": drive(case, problem),
        "mesh": meshing(mesh, problem),
        "noise": noise(case, problem),
        "time": marched.get("time", []),
        "asked": statics.words(case, problem),
        "recipes": [f"{name}: {recipe(name).title}" for name in case.postprocess],
        "expected": [f"{name}: {wanted.value:g} +- {wanted.tolerance:.3g}" for name, wanted in case.expect.items()],
        "support": [support(case)],
        "cost": marched.get("cost", []),
        "warning": [str(warning.message) for warning in caught],
    }
    texts = [text for name, lines in sections.items() for text in section(name, lines)]
    return "\n".join([f"{case.name}: {case.title}".removesuffix(": "), *texts])


def swept(sweep: Sweep) -> list[str]:
    """How many runs a batch takes, and what it looks for."""
    rest = "what follows is the case as it stands"
    if sweep.search is None:
        return [f"{sweep.count} runs by fempslip batch; {rest}"]
    s = sweep.search
    low, high, within = (s.written(value) for value in (s.low, s.high, s.within))
    edge = f"from which on {s.result} exceeds {s.above:g}; {rest}"
    return [
        f"at most {sweep.count} runs by fempslip batch, which close in to {within} on {s.path}",
        f"({low} to {high}), {edge}",
    ]


def explain_lumped(case: Lumped) -> str:
    """The scales of a junction, what is asked of it, and what is expected."""
    units = {"current": "I0", "voltage": "V0", "time": "tau"}
    known = {kind: case.scales.si(kind) for kind in units}
    words = [f"1 {units[kind]} = {quantity(value, kind)}" for kind, value in known.items() if value is not None]
    system = next(name for name in SYSTEMS if getattr(case, name) is not None)
    about = [f"{key} = {value}" for key, value in getattr(case, system).model_dump().items() if value is not None]
    if case.junction is not None and case.junction.inertia:
        about.append(f"so beta = {case.junction.inertia:.6g}")
    asked = [f"{key}: {value}" for key in ("time", "curve", "amplitudes") if (value := getattr(case, key)) is not None]
    expected = [f"{name}: {wanted.value:g} +- {wanted.tolerance:.3g}" for name, wanted in case.expect.items()]
    sections = {
        "scales": wrapped(words) or ["dimensionless"],
        system: wrapped(about),
        "bias": [] if case.bias is None else [f"{case.bias.kind}, in units of the critical value"],
        "asked": asked,
        "recipes": [f"{name}: {recipe(name).title}" for name in case.postprocess],
        "expected": expected,
    }
    texts = [text for name, lines in sections.items() for text in section(name, lines)]
    return "\n".join([f"{case.name}: {case.title}".removesuffix(": "), *texts])


def section(name: str, lines: Iterable[str]) -> list[str]:
    """Lines behind a margin that names the section at the first of them."""
    return [f"{'' if k else name:<{MARGIN}}{line}" for k, line in enumerate(lines)]


def wrapped(words: Sequence[str]) -> list[str]:
    """Words with commas between them, in lines of a readable length."""
    lines: list[str] = []
    for word in words:
        if lines and MARGIN + len(lines[-1]) + len(word) < WIDTH:
            lines[-1] += f", {word}"
        else:
            lines.append(word)
    return [*(f"{line}," for line in lines[:-1]), *lines[-1:]]


# ---------------------------------------------------------------------------------------------- numbers


def quantity(value: float, kind: str) -> str:
    """A value in SI with its unit: 2.46e-5, "voltage" -> "24.6 uV"."""
    if kind == "density" or value == 0:
        return f"{value:.4g} {SI[kind]}"
    highest = 9 if kind in ("frequency", "pressure") else 0
    power = max(-15, min(highest, 3 * math.floor(math.log10(abs(value)) / 3)))
    return f"{value / 10.0**power:.4g} {PREFIXES[power]}{SI[kind]}"


def both(case: Case, value: float, kind: str, unit: str) -> str:
    """A value in its dimensionless unit and, where the material says enough, in SI."""
    scale = case.scales.si(kind)
    return f"{value:.4g} {unit}" + (f" = {quantity(value * scale, kind)}" if scale else "")


def strongest(wave: Waveform, until: float) -> tuple[str, float]:
    """("up to " where the value changes, the value that is furthest from zero)."""
    values = [wave.value(t) for t in instants(wave, until)]
    return "up to " if max(values) > min(values) else "", max(values, key=abs)


def readable(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 7200 else f"{seconds / 3600:.2g} h"


# ---------------------------------------------------------------------------------------------- sections


def scales(case: MeshedCase) -> list[str]:
    if case.model.reactive:
        return fluid_scales(case)
    units = {"length": "xi", "time": "tau", "field": "Bc2", "density": "j0", "voltage": "V0"}
    units["current"] = case.scales.label("current")
    known = {kind: case.scales.si(kind) for kind in units}
    words = [f"1 {units[kind]} = {quantity(value, kind)}" for kind, value in known.items() if value is not None]
    if case.scales.Tc is not None:
        words.append(f"at T = {case.scales.temperature:g} K (Tc = {case.scales.Tc:g} K)")
    return wrapped(words) or ["dimensionless; for values in SI give material.xi, lambda and sigma"]


def fluid_scales(case: MeshedCase) -> list[str]:
    """xi = hbar/sqrt(2 m mu0), tau = hbar/mu0; the speed of sound sqrt 2 xi/tau and the quantum of circulation h/m."""
    s = case.scales
    if not (s.xi and s.tau0 and s.mass and s.mu0):
        return ["dimensionless; for values in SI give material.mass and xi (or chemical_potential), and density"]
    words = [f"1 xi = {quantity(s.xi, 'length')}", f"1 tau = hbar/mu0 = {quantity(s.tau0, 'time')}"]
    words += [f"mu0 = {s.mu0:.4g} J = kB {s.mu0 / KB:.4g} K = h {quantity(s.mu0 / H, 'frequency')}"]
    if s.number:
        words.append(f"n mu0 = {quantity(s.number * s.mu0, 'pressure')}")
    words += [f"sound {math.sqrt(2) * s.xi / s.tau0:.4g} m/s", f"circulation h/m = {H / s.mass:.4g} m^2/s"]
    return wrapped(words)


def geometry(case: MeshedCase, mesh: Mesh) -> list[str]:
    low, high = mesh.points.min(axis=1), mesh.points.max(axis=1)
    lines = [f"{case.geometry.name}, {mesh.dim}D, {' x '.join(f'{d:.4g}' for d in (high - low) if d > 0)} xi"]
    for kind in ("regions", "holes", "boundaries", "periodic", "probes", "contours"):
        names = list(getattr(case.geometry, kind))
        if names:
            lines += wrapped([f"{kind}: {names[0]}", *names[1:]])
    return lines


def material(case: MeshedCase) -> list[str]:
    """u, gamma and epsilon of every region, and where it differs from the reference material."""
    lines = []
    for name, m in case.material.items():
        epsilon = f"{m.epsilon:g}" if isinstance(m.epsilon, int | float) else m.epsilon.words
        relaxing = [f"u = {m.u:g}", f"gamma = {m.gamma:g}"]
        words = [*([f"damping = {m.damping:g}"] if case.model.reactive else relaxing), f"epsilon = {epsilon}"]
        ratios = {"sigma": m.sigma, "thickness": m.thickness, "kinetic": m.kinetic, "beta": m.beta}
        words += [f"{key} = {ratio:g} of the reference" for key, ratio in ratios.items() if ratio != 1]
        lines += wrapped([f"{name}: {words[0]}", *words[1:]])
    return lines


def contacts(problem: Problem) -> list[str]:
    kinds = {"normal": "psi = 0", "bank": "superconducting, one equipotential", "free": "no condition on psi",
             "reservoir": "held at its head", "outlet": "sound leaves"}  # fmt: skip
    unit = {1: " A", 2: " xi d", 3: " xi^2"}[problem.mesh.dim]
    found = [f"{c.name}: {c.kind} ({kinds[c.kind]}), section {c.section:.4g}{unit}" for c in problem.contacts]
    return found or ["none"]


def drive(case: MeshedCase, problem: Problem) -> list[str]:
    """Field, flux and currents, each where it is strongest, and the depairing current."""
    until, lines = case.until, []
    for direction, wave in case.drive.field:
        change, value = strongest(wave, until)
        size = math.hypot(*direction) if problem.mesh.dim != 2 else direction[2]
        along = "" if problem.mesh.dim == 2 else f" along ({', '.join(f'{d / size:.3g}' for d in direction)})"
        lines.append(f"field{along}: {change}{both(case, value * size, 'field', 'Bc2')}")
    for source, wave in case.drive.sources:
        change, value = strongest(wave, until)
        pattern = circulations(problem.mesh, problem.operators, potential_of(source))
        most = abs(value) * float(densities(problem.mesh, problem.operators, pattern).max(initial=0.0))
        kind = type(source).__name__.lower()
        lines.append(f"field of a {kind}: {change}{both(case, most, 'field', 'Bc2')} where it is strongest")
    for hole, wave in case.drive.flux:
        change, value = strongest(wave, until)
        lines.append(f"flux through {hole}: {change}{value / (2 * math.pi):.4g} Phi0")
    return [*lines, *currents(case, problem), *circuit(case, problem), *heads(case)] or ["none"]


UNITS = {"resistor": "resistance", "inductor": "inductance", "capacitor": "capacitance"}


def circuit(case: MeshedCase, problem: Problem) -> list[str]:
    """Elements and terminals of a circuit, and the sample's normal resistance between the first two."""
    found = problem.drive.circuit
    if found is None:
        return []
    lines = []
    for e in found.elements:
        kind = UNITS.get(e.kind, e.kind)
        change, value = strongest(e.value, case.until) if e.kind not in UNITS else ("", e.value)
        lines.append(
            f"{e.name}: {e.kind} {change}{both(case, value, kind, case.scales.label(kind))}, {e.begin} -> {e.end}"
        )
    lines.append("terminals: " + ", ".join(f"{name} at {node}" for name, node in found.terminals.items()))
    normal = normal_resistance(problem)
    words = both(case, normal, "resistance", case.scales.label("resistance"))
    lines.append(f"the sample in its normal state between {' and '.join(list(found.terminals)[:2])}: {words}")
    if found.temperature:
        lines.append(f"Johnson noise of the resistors at kT = {found.temperature:.3g} F, seed {found.seed}")
    return lines


def normal_resistance(problem: Problem) -> float:
    """R of the normal current between the first two terminals of the circuit."""
    circuit = problem.drive.circuit
    assert circuit is not None
    field = unscreened(problem, graph(problem.operators))
    names = [contact.name for contact in problem.contacts]
    a, b = (names.index(name) for name in list(circuit.terminals)[:2])
    r = field.shares @ field.unit.T
    return float(r[a, a] + r[b, b] - r[a, b] - r[b, a])


def heads(case: MeshedCase) -> list[str]:
    """Chemical potentials of a superfluid's reservoirs, and from outside."""
    lines = []
    for name, wave in case.drive.heads.items():
        change, value = strongest(wave, case.until)
        frequency = case.scales.si("frequency")
        rate = f", turns at {quantity(value / (2 * math.pi) * frequency, 'frequency')}" if frequency else ""
        lines.append(f"head of {name}: {change}{pressure(case, value)}{rate}")
    outside = case.drive.potential
    if outside is not None:
        words = f"{outside:g} mu0" if isinstance(outside, int | float) else f"{outside.words} (mu0)"
        lines.append(f"chemical potential from outside: {words}")
    return lines


def pressure(case: MeshedCase, value: float) -> str:
    """A chemical potential in mu0 and, where the material says enough, as the pressure n mu."""
    return both(case, value, "pressure" if case.scales.si("pressure") else "energy", "mu0")


def currents(case: MeshedCase, problem: Problem) -> list[str]:
    op, given = problem.operators, problem.drive.currents
    section = per_cell(problem.mesh, case.material, "thickness")
    idep = depairing_current(problem.mesh, op, problem.contacts, section, set(given))
    unit, lines = case.scales.label("current"), []
    for name, waves in given.items():
        change, value = strongest(Sum(waves), case.until)
        share = f" = {value / idep:.3g} Idep" if math.isfinite(idep) else ""
        lines.append(f"current into {name}: {change}{both(case, value, 'current', unit)}{share}")
    if math.isfinite(idep):
        words = f"2/(3 sqrt 3) j0 times the narrowest section, {idep / DEPAIRING:.4g}"
        lines.append(f"Idep = {both(case, idep, 'current', unit)}, {words}")
    return lines


def meshing(mesh: Mesh, problem: Problem) -> list[str]:
    op = problem.operators
    lines = [f"size {mesh.size:g} xi: {op.nodes} nodes, {op.edges.shape[1]} edges, {mesh.cells.shape[1]} cells"]
    space = problem.surroundings
    if space is not None:
        shape = "ball of vacuum" if space.walls is None else "cylinder of vacuum between walls"
        edges = space.operators.edges.shape[1]
        lines.append(f"in a {shape}, radius {space.radius:.3g} xi, {edges} edges in all")
    return lines


def noise(case: MeshedCase, problem: Problem) -> list[str]:
    """How hot, what fluctuates, in which steps; in films and bodies, what the mesh has to do with it."""
    given = case.noise if isinstance(case, Evolve) else None
    if given is None:
        return []
    charged = problem.noise is not None and problem.noise.conductance is not None
    kinds = "order parameter and normal current" if charged else "order parameter"
    hot = thermal_energy(case, given.temperature)
    head = f"of {kinds} at {hot}; seed {given.seed}; steps of {problem.clock.fixed:g} tau"
    return [head, *cutoff(problem.mesh)]


def thermal_energy(case: MeshedCase, temperature: float) -> str:
    """k T in units of the energy, and in kelvin where the material says enough."""
    unit, dim = case.scales.si("energy"), case.geometry.dimension
    energy = "(Bc^2/mu0) " + {1: "xi A", 2: "xi^2 d", 3: "xi^3"}[dim]
    kelvin = f", T = {temperature * unit / BOLTZMANN:.4g} K" if unit else ""
    return f"k T = {temperature:.4g} {energy}{kelvin}"


def cutoff(mesh: Mesh) -> list[str]:
    """Films and bodies have no continuum limit of their fluctuations."""
    if mesh.dim == 1:
        return []
    law = {2: "(k T/2 pi) ln(1/h)", 3: "k T/h"}[mesh.dim]
    return [
        f"the mesh is their cutoff: <|psi|^2> changes with the size h of the cells as {law}; h = {mesh.size:g} xi here"
    ]


def duration(case: Evolve, problem: Problem) -> list[str]:
    """How long it is followed, what is measured, what is kept."""
    until, every = case.time.until, case.record.fields
    begin = case.measure.from_ if case.measure.from_ is not None else until / 2
    frames = math.floor(until / every + 1e-9)
    size = max(1.0, frames * problem.operators.nodes * FRAME / 1e6)
    pairs = ", ".join(" and ".join(pair) for pair in case.measure.between)
    if case.time.steady is not None:
        share = f"{100 * case.time.steady.within:g} %"
        head = f"until the mean voltage is steady within {share}, at most {both(case, until, 'time', 'tau')}"
        begun = "measured from the middle of the run" if case.measure.from_ is None else f"measured from {begin:g} tau"
        return [head, f"{begun} between {pairs}", f"a frame every {every:g} tau, {frames} at most"]
    return [
        f"until {both(case, until, 'time', 'tau')}; measured from {begin:g} tau"
        + (f" between {pairs}" if pairs else ""),
        f"a frame every {every:g} tau: {frames} frames, about {size:.2g} MB",
    ]


def support(case: MeshedCase) -> str:
    m = case.model
    return f"yes: task {case.task}, dynamics {m.dynamics}, screening {m.screening}, charge {m.charge}"


def step(problem: Problem) -> list[str]:
    """The fixed step of a superfluid and the limit that it keeps."""
    if problem.fluid is None:
        return []
    return [f"step {problem.clock.fixed:.4g} tau (grid waves grow above {limit_of(problem):.3g} tau)"]


def cost(problem: Problem, spent: float) -> str:
    steps = problem.clock.until / (problem.clock.fixed or TYPICAL_STEP)
    return f"some {steps:.0f} steps of {1e3 * spent:.2g} ms: about {readable(steps * spent)}, pictures not counted"


class Nowhere:
    """A contract.Sink that keeps nothing."""

    def row(self, *row: object) -> None: ...
    def rows(self, *rows: object) -> None: ...
    def frame(self, *frame: object) -> None: ...
    def checkpoint(self, *arrays: object) -> None: ...
    def due(self) -> bool:
        return False


def seconds_a_step(case: Evolve, problem: Problem) -> float:
    """Wall time of one step with its watchers, from a few short ones."""
    stepper, watchers = stepper_of(problem), watchers_of(case, problem)
    state, depth = stepper.begin(), stepper.declare()
    begun = 0.0
    for k in range(TRIED + 1):
        trial = stepper.attempt(state, min(problem.clock.fixed or TYPICAL_STEP / 10, problem.clock.until))
        if not trial.arrays:
            break
        old, state = state, advance(state, trial, trial.dt, depth)
        try:
            for watcher in watchers.values():
                watcher.see(Step(problem, old, state, trial, 0), Nowhere())
        except Failure:  # a step too long for the case, whose numbers grew beyond all bounds
            break
        if k == 0:  # the first step loads the compiled kernels
            begun = time.perf_counter()
    return (time.perf_counter() - begun) / TRIED if begun else math.nan
