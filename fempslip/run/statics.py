"""Cases of the tasks that ask for states become tasks: relax, nucleation, barrier, instanton; and their words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from fempslip import mesh as parts
from fempslip.case.quantities import Amount
from fempslip.case.scales import DEPAIRING
from fempslip.case.schema import Barrier as BarrierCase
from fempslip.case.schema import Instanton as InstantonCase
from fempslip.case.schema import MeshedCase
from fempslip.case.schema import Nucleation as NucleationCase
from fempslip.case.schema import Relax as RelaxCase
from fempslip.case.static_settings import Bias
from fempslip.contract import Array, Problem, Refusal, Task
from fempslip.physics.applied import PrescribedCurrents, potential
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.stationary import Loop, Stationary
from fempslip.run.compiling import from_frame
from fempslip.tasks import seeds
from fempslip.tasks.barrier import Barrier
from fempslip.tasks.instanton import Instanton
from fempslip.tasks.nucleation import Nucleation
from fempslip.tasks.relax import Relax, Start, Sweep, spread_points
from fempslip.tasks.watchers import tracked_nodes

RANDOM = 0.1  # |psi| of noise that states are looked for from
Z = (0.0, 0.0, 1.0)


# ------------------------------------------------------------------------------------------- what is given


def refuse_terminals(case: MeshedCase) -> None:
    """States carry their current round a loop; terminals with a voltage between them have no energy of their own."""
    if case.driven.current:
        words = f"task {case.task}: a current is given round a closed loop (bias: or follow:), not between terminals"
        raise case.refuse("drive.current", words)


def loop_along(problem: Problem, through: str) -> Array:
    """(edges,) closed cochain with circulation 1 round a hole or along a period."""
    return parts.threading(problem.mesh, problem.operators, through) / (2 * np.pi)


def section_of(problem: Problem, along: Array) -> float:
    """Mean section of the loop, exact where it is uniform: volume V = L S and sum w e^2 = S/L."""
    op = problem.operators
    return float(np.sqrt(op.m.sum() * (op.w @ along**2)))


def current_of(problem: Problem, bias: Bias, along: Array) -> float:
    """The given current round the loop; Idep is that of the mean section."""
    section = section_of(problem, along)
    if bias.density is not None:
        return bias.density * section
    current = bias.current
    assert current is not None
    return current.at(DEPAIRING * section) if isinstance(current, Amount) else float(current)


def biased(case: Any, problem: Problem) -> tuple[Stationary, Array]:
    """The body at the case's drive, with its loop."""
    if case.driven.current:
        return between_banks(case, problem)
    refuse_terminals(case)
    energy = LinkEnergy(problem.operators, problem.epsilon, problem.beta)
    a, free = potential(problem.drive, 0.0), np.ones(problem.operators.nodes, bool)
    if case.bias is None:
        ways = (*problem.mesh.holes, *problem.mesh.periods)
        edges = problem.operators.edges.shape[1]
        return Stationary(energy, a, free), loop_along(problem, ways[0]) if len(ways) == 1 else np.zeros(edges)
    along = loop_along(problem, case.bias.through)
    loop = None
    if case.bias.given:
        current = current_of(problem, case.bias, along)
        most = DEPAIRING * section_of(problem, along)
        if abs(current) >= most:
            words = f"the current is {abs(current) / most:.4g} Idep: no superconducting state carries it"
            raise case.refuse("bias", f"{words}; stay below Idep = {most:.4g}")
        loop = Loop(along, current)
    return Stationary(energy, a, free, loop), along


def between_banks(case: Any, problem: Problem) -> tuple[Stationary, Array]:
    """A wire at a given current from bank to bank: D is the difference of phase that they hold, spread along the wire.

    A wire that is not uniform slips where it is weakest: half of D lies on either side of there.
    """
    op, banks = problem.operators, [contact for contact in problem.contacts if contact.kind == "bank"]
    if problem.mesh.dim != 1 or len(banks) != 2 or len(problem.contacts) != 2:
        words = f"task {case.task} takes a current from bank to bank in a wire with two contacts of kind bank"
        raise case.refuse("drive.current", f"{words}; in films and bodies close it by a period and give bias:")
    current = float(PrescribedCurrents(problem).at(0.0)[[c.name for c in problem.contacts].index(banks[0].name)])
    free = np.ones(op.nodes, bool)
    h = np.zeros(op.nodes)
    for value, bank in enumerate(banks):
        free[bank.nodes], h[bank.nodes] = False, float(value)
    k = sp.csr_array(op.G.T @ sp.diags_array(op.w) @ op.G)
    h[free] = spl.spsolve(sp.csc_array(k[free][:, free]), -(k[free][:, ~free] @ h[~free]))
    most = DEPAIRING * section_of(problem, op.G @ h)
    if np.ptp(problem.epsilon[free]) > 1e-9:
        middle = h[int(np.flatnonzero(free)[np.argmin(problem.epsilon[free])])]
        h = np.where(h <= middle, 0.5 * h / middle, 0.5 + 0.5 * (h - middle) / (1 - middle))
    if abs(current) >= most:
        words = f"the current is {abs(current) / most:.4g} Idep: no superconducting state carries it"
        raise case.refuse("drive.current", f"{words}; stay below Idep = {most:.4g}")
    along = op.G @ h
    energy = LinkEnergy(op, problem.epsilon, problem.beta)
    return Stationary(energy, potential(problem.drive, 0.0), free, Loop(along, current)), along


# ------------------------------------------------------------------------------------------- relax


def relax(case: RelaxCase, problem: Problem) -> Task:
    refuse_terminals(case)
    free = tracked_nodes(problem)
    sweep = None if case.follow is None else sweep_of(case, problem, free)
    return Relax(problem, starts_of(case, problem, free, sweep), free, case.tolerance, case.kicks, sweep)


def starts_of(case: RelaxCase, problem: Problem, free: Array, sweep: Sweep | None) -> list[Callable[[], Start]]:
    """Where states are looked for: the case's own start, or those of its search."""
    search, op, mesh = case.search, problem.operators, problem.mesh
    value = begin_of(case, sweep)
    a = potential(problem.drive, 0.0) if sweep is None else sweep.body_at(value).a
    if not search.any:
        return [lambda: Start(case.start.kind, problem.psi, a, value)]
    size = problem.epsilon / problem.beta

    def drawn(k: int) -> Start:
        seed = case.start.seed + k
        return Start(f"noise, seed {seed}", np.where(free, seeds.noise(op, size, RANDOM, seed), 0.0), a, value)

    def vortices(n: int) -> Start:
        places = spread_points(problem, abs(n))
        lines = [seeds.VortexLine(place, np.array(Z), 1 if n > 0 else -1) for place in places.T]
        psi = seeds.uniform(mesh, op, size, a, lines, ~free, problem.drive.hidden)
        return Start(f"{n} vortices", psi, a, value)

    def turns(n: int) -> Start:
        through = search.through or next(iter((*mesh.holes, *mesh.periods)))
        at, links = value, a
        if sweep is not None and sweep.parameter == "flux" and threaded(case) == through:
            at = float(np.clip(2 * np.pi * n, sweep.values.min(), sweep.values.max()))
            links = sweep.body_at(at).a
        psi = seeds.uniform(mesh, op, size, links, [winding_line(problem, through, n)], ~free, problem.drive.hidden)
        return Start(f"winding {n} of {through}", psi, links, at)

    made: list[Callable[[], Start]] = [lambda k=k: drawn(k) for k in range(search.random)]  # type: ignore[misc]
    for pair, make in ((search.vorticity, vortices), (search.winding, turns)):
        if pair is not None:
            made += [lambda n=n, make=make: make(n) for n in range(pair[0], pair[1] + 1)]  # type: ignore[misc]
    return made


def winding_line(problem: Problem, through: str, n: int) -> seeds.VortexLine:
    if through in problem.mesh.periods:
        return seeds.VortexLine(np.zeros(3), np.zeros(3), n, core=False, period=through)
    return seeds.VortexLine(*problem.mesh.holes[through], n, core=False)


def threaded(case: RelaxCase) -> str:
    """The hole or period of a sweep."""
    assert case.follow is not None
    return case.follow.through or next(iter((*case.geometry.holes, *case.geometry.periodic)))


def begin_of(case: RelaxCase, sweep: Sweep | None) -> float:
    """The value of the sweep at which states are looked for: that of the drive, or the end next to it."""
    if sweep is None:
        return 0.0
    given = 0.0
    if sweep.parameter == "flux":
        given = sum(wave.value(0.0) for name, wave in case.drive.flux if name == threaded(case))
    elif sweep.parameter == "field":
        given = sum(wave.value(0.0) for _, wave in case.drive.field)
    return float(np.clip(given, sweep.values.min(), sweep.values.max()))


def sweep_of(case: RelaxCase, problem: Problem, free: Array) -> Sweep:
    spec = case.follow
    assert spec is not None
    energy, a0 = LinkEnergy(problem.operators, problem.epsilon, problem.beta), potential(problem.drive, 0.0)
    if spec.parameter == "field":
        pattern, rest = field_pattern(case, problem, "follow")
        try:
            parts.check_flux(problem.mesh, float(np.abs(values_of(case, 1.0)).max()))
        except Refusal as refusal:
            raise case.refuse("follow", str(refusal)) from None
        return Sweep("field", values_of(case, 1.0), lambda b: Stationary(energy, rest + b * pattern, free), spec.limit)
    along = loop_along(problem, threaded(case))
    if spec.parameter == "current":
        values = values_of(case, DEPAIRING * section_of(problem, along))
        return Sweep("current", values, lambda i: Stationary(energy, a0, free, Loop(along, i)), spec.limit)
    given = sum(wave.value(0.0) for name, wave in case.drive.flux if name == threaded(case))
    rest = a0 - given * along
    return Sweep(
        "flux", values_of(case, 1.0), lambda f: Stationary(energy, rest + f * along, free), spec.limit, 2 * np.pi
    )


def values_of(case: RelaxCase, idep: float) -> Array:
    """Values of the sweep, both ends included."""
    spec = case.follow
    assert spec is not None
    low, high, step = (v.at(idep) if isinstance(v, Amount) else float(v) for v in (spec.from_, spec.to, spec.step))
    if not (high > low and step > 0):
        raise case.refuse(
            "follow", f"the parameter goes up from {low:g} to {high:g} by {step:g}: want from < to and step > 0"
        )
    count = int(np.floor((high - low) / step + 1e-9)) + 1
    if count > 10_000:
        raise case.refuse("follow.step", f"{count} values are more than 10000: take a larger step")
    return np.unique(np.append(low + step * np.arange(count), high))


def field_pattern(case: MeshedCase, problem: Problem, path: str) -> tuple[Array, Array]:
    """(links of a field of 1 along the drive's direction, links of all else that is applied)."""
    if len(case.drive.field) > 1:
        raise case.refuse("drive.field", f"{path}: the field that changes has one direction; write one component")
    vector, wave = case.drive.field[0] if case.drive.field else (Z, None)
    pattern = parts.uniform_field(problem.mesh, problem.operators, vector)
    if problem.mesh.periods:
        hidden = parts.hidden_flux(problem.mesh, problem.operators, np.asarray(vector), pattern)
        if np.abs(hidden).max(initial=0.0) > 0:
            raise case.refuse(path, "the field through a cell that is closed in two directions cannot change")
    if not np.abs(pattern).max(initial=0.0) > 0:
        raise case.refuse(path, "a field does nothing in this body (a wire along it)")
    rest = potential(problem.drive, 0.0) - (0.0 if wave is None else wave.value(0.0)) * pattern
    return pattern, rest


# ------------------------------------------------------------------------------------------- the others


def nucleation(case: NucleationCase, problem: Problem) -> Task:
    refuse_terminals(case)
    pattern, rest = field_pattern(case, problem, "task")
    loop = None if case.free is None else loop_along(problem, case.free)
    given = sum(wave.value(0.0) for _, wave in case.drive.field)
    return Nucleation(problem, pattern, rest, loop, case.guess or abs(given) or None, case.modes)


def barrier(case: BarrierCase, problem: Problem) -> Task:
    body, along = biased(case, problem)
    slip = case.slip
    places = problem.mesh.node_points
    if slip.at is not None:
        at = np.zeros(places.shape[0])
        at[: len(slip.at)] = slip.at
        node = int(np.argmin(np.linalg.norm(places - at[:, None], axis=0)))
    else:
        node = int(np.argmin(problem.epsilon)) if np.ptp(problem.epsilon) > 1e-9 else problem.operators.nodes // 2
    path = None if slip.vortex is None else np.array(slip.vortex, dtype=float).T
    direction = np.array(slip.direction)
    to = None if slip.to is None else stored_state(case, problem)
    return Barrier(
        problem,
        body,
        along,
        slip.by,
        node,
        path,
        direction,
        case.images,
        case.newton,
        case.newton and case.growth,
        to=to,
    )


def stored_state(case: BarrierCase, problem: Problem) -> Array:
    """psi of slip.to in this case's gauge, (nodes,)."""
    to = case.slip.to
    assert to is not None
    if problem.drive.currents or (case.bias is not None and case.bias.given):
        raise case.refuse("slip.to", "a barrier between two stored states is one at given fields, without a current")
    return from_frame(cast(MeshedCase, case.vary({"start": {"run": to.run, "frame": to.frame}})), problem)[0]


def instanton(case: InstantonCase, problem: Problem) -> Task:
    body, along = biased(case, problem)
    if problem.mesh.dim != 2 or body.loop is None:
        words = "an instanton lives in a film (x, imaginary time) that is periodic along x, at a given current"
        raise case.refuse("bias", f"{words}: write bias: {{through: PERIOD, density: ..}}")
    axis = np.array(case.pair.axis) / np.linalg.norm(case.pair.axis)
    return Instanton(
        problem, body, np.array(case.pair.at, dtype=float), axis, case.pair.apart, case.stiffness,
        section_of(problem, along), case.velocity, case.images,
    )  # fmt: skip


ASKED: Mapping[str, Callable[[Any, Problem], Task]] = {
    "relax": relax,
    "nucleation": nucleation,
    "barrier": barrier,
    "instanton": instanton,
}


# ------------------------------------------------------------------------------------------- fempslip check


def words(case: MeshedCase, problem: Problem) -> list[str]:
    """What will be asked, for `fempslip check`; refuses what the run would refuse."""
    if case.task not in ASKED:
        return []
    return WORDS[case.task](case, problem, ASKED[case.task](case, problem))


def relax_words(case: RelaxCase, problem: Problem, task: Any) -> list[str]:
    lines = [f"stable states from {len(task.starts)} start(s), residual {case.tolerance:g}"]
    if task.sweep is not None:
        s = task.sweep
        shown = s.values / s.unit
        unit = {"flux": "Phi0", "field": "Bc2", "current": case.scales.label("current")}[s.parameter]
        lines.append(f"followed in {s.parameter} from {shown[0]:.4g} to {shown[-1]:.4g} {unit}, {shown.size} values")
    return lines


def nucleation_words(case: NucleationCase, problem: Problem, task: Any) -> list[str]:
    scanned = f", the flux along {case.free} free" if case.free else ""
    return [f"the largest field with a superconducting state{scanned}; {case.modes} states kept"]


def bias_words(task: Any) -> str:
    loop = task.body.loop
    if loop is None:
        return "at the given flux"
    idep = DEPAIRING * section_of(task.problem, loop.along)
    return f"at a current of {loop.current:.4g} = {loop.current / idep:.3g} Idep round the loop"


def barrier_words(case: BarrierCase, problem: Problem, task: Any) -> list[str]:
    what = (
        "of one slip" if case.slip.to is None else f"between start and frame {case.slip.to.frame} of {case.slip.to.run}"
    )
    return [f"the pass {what} {bias_words(task)}, {case.images} images"]


def instanton_words(case: InstantonCase, problem: Problem, task: Any) -> list[str]:
    return [f"the pass of a vortex pair {bias_words(task)}, {case.images} images, stiffness {case.stiffness:g}"]


WORDS: Mapping[str, Callable[[Any, Problem, Any], list[str]]] = {
    "relax": relax_words,
    "nucleation": nucleation_words,
    "barrier": barrier_words,
    "instanton": instanton_words,
}
