"""`fempslip check`: a case explained without solving it."""

from __future__ import annotations

import math
import time
import warnings

from fempslip.case import Case
from fempslip.case.scales import DEPAIRING
from fempslip.contract import Mesh, Problem
from fempslip.mesh.meshing import make_mesh
from fempslip.run.compiling import compile, depairing_current, per_cell
from fempslip.run.support import refuse_unsupported
from fempslip.solver.bdf2 import Bdf2
from fempslip.solver.control import judge

TYPICAL_STEP = 0.25  # tau0, mean step of driven runs at the default tolerance
UNITS = {"length": "xi", "time": "tau", "field": "Bc2", "density": "j0", "voltage": "V0", "current": "current"}


def explain(case: Case) -> str:
    """Scales in SI, named parts, mesh, drive, support and estimated cost.  Raises Refusal where the case is wrong."""
    refuse_unsupported(case)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mesh = make_mesh(case)
        problem = compile(case, mesh)
    parts = [
        f"{case.name}: {case.title}",
        scales(case),
        geometry(case, mesh),
        meshing(mesh, problem),
        drive(case, mesh, problem),
        f"support      task {case.task}, dynamics {case.model.dynamics}, screening {case.model.screening}: yes",
        cost(problem),
        *(f"warning      {w.message}" for w in caught),
    ]
    return "\n".join(part for part in parts if part)


def scales(case: Case) -> str:
    lines = []
    for kind, unit in UNITS.items():
        value = case.scales.si(kind)
        if value is not None:
            lines.append(f"1 {unit} = {quantity(value, kind)}")
    return "scales       " + (
        ", ".join(lines) if lines else "dimensionless (give material.xi, lambda and sigma for SI)"
    )


def quantity(value: float, kind: str) -> str:
    unit = {"length": "m", "time": "s", "field": "T", "density": "A/m^2", "voltage": "V", "current": "A"}[kind]
    if kind == "density":
        return f"{value:.4g} {unit}"
    power = max(-15, min(0, 3 * math.floor(math.log10(abs(value)) / 3)))
    prefix = {0: "", -3: "m", -6: "u", -9: "n", -12: "p", -15: "f"}[power]
    return f"{value / 10.0**power:.4g} {prefix}{unit}"


def geometry(case: Case, mesh: Mesh) -> str:
    named = {
        "regions": mesh.regions,
        "boundaries": mesh.boundaries,
        "holes": mesh.holes,
        "probes": mesh.probes,
        "contours": mesh.contours,
    }
    words = [f"{kind} {', '.join(names)}" for kind, names in named.items() if names]
    low, high = mesh.points.min(axis=1), mesh.points.max(axis=1)
    size = " x ".join(f"{d:.4g}" for d in (high - low) if d > 0)
    return f"geometry     {case.geometry.name}: {mesh.dim}D, {size} xi; " + "; ".join(words)


def meshing(mesh: Mesh, problem: Problem) -> str:
    op = problem.operators
    return (
        f"mesh         size {mesh.size:g} xi: {op.nodes} nodes, {op.edges.shape[1]} edges, {mesh.cells.shape[1]} cells"
    )


def drive(case: Case, mesh: Mesh, problem: Problem) -> str:
    words = [f"{c.name} ({c.kind}, section {c.section:.4g})" for c in problem.contacts]
    lines = ["contacts     " + (", ".join(words) or "none")]
    driven = {c.terminal for c in case.drive.currents}
    idep = depairing_current(
        mesh, problem.operators, problem.contacts, per_cell(mesh, case.material, "thickness"), driven
    )
    if math.isfinite(idep):
        unit = case.scales.si("current")
        si = f" = {quantity(idep * unit, 'current')}" if unit else ""
        narrow = idep / DEPAIRING
        lines.append(f"depairing    Idep = {idep:.5g}{si} (2/(3 sqrt 3) j0 times the narrowest section, {narrow:.4g})")
    return "\n".join(lines)


def cost(problem: Problem) -> str:
    """Time of a run, from a few steps of it."""
    stepper = Bdf2.of(problem)
    state = stepper.begin()
    judge(stepper.attempt(state, problem.clock.dt_start), problem.clock)  # compiles the kernels
    begun = time.perf_counter()
    for _ in range(5):
        stepper.attempt(state, TYPICAL_STEP / 10)
    each = (time.perf_counter() - begun) / 5
    step = problem.clock.fixed or TYPICAL_STEP
    steps = problem.clock.until / step
    return f"cost         about {steps:.0f} steps of {1e3 * each:.2g} ms: {readable(steps * each)} without pictures"


def readable(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.2g} min" if seconds < 7200 else f"{seconds / 3600:.2g} h"
