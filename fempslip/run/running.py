"""Solve a case into a run folder, resume it, and say what happened."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from fempslip.case import Case, Evolve, MeshedCase, load, load_text
from fempslip.case.noise_settings import BOLTZMANN, NoiseSpec
from fempslip.case.scales import H
from fempslip.contract import Array, Failure, Mesh, Operators, Problem, Refusal, State, Watcher
from fempslip.mesh import closed_path
from fempslip.mesh.meshing import make_mesh
from fempslip.mesh.vacuum import Made
from fempslip.run import recipes
from fempslip.run.compiling import compile, given_state
from fempslip.run.expectations import judged
from fempslip.run.interruption import Interruption
from fempslip.run.references import bibliography
from fempslip.run.steadiness import Steadiness
from fempslip.run.support import refuse_unanswerable, refuse_unsupported
from fempslip.store import Run, RunWriter, open_run, refuse_taken
from fempslip.tasks.evolve import evolve
from fempslip.topology.contraction import REACH

Note = Callable[[float, str], None]
Start = Array | Callable[[Array], Array]


def quiet(fraction: float, text: str) -> None:
    """A progress that says nothing."""


def solve(
    case: Case,
    into: str | Path,
    progress: Note = quiet,
    pictures: bool = True,
    started: Callable[[], None] = lambda: None,
    psi: Start | None = None,
) -> Run:
    """Solve a case into a new folder and return the run; `started` is called when the folder is there.

    psi : start state instead of the case's: (nodes,) complex, or a function of the nodes' positions (space, nodes), in
    the gauge of the applied potential at t = 0

    Raises Refusal (the case is wrong, the folder is taken) before anything is written, Failure when the run cannot go
    on, KeyboardInterrupt; in these two the folder holds everything up to there.

    >>> import fempslip as fs
    >>> short = {"time.until": "20 tau", "measure.from": "10 tau", "expect": None, "postprocess": ["voltage"]}
    >>> run = fs.solve(fs.load("wire_weak_spot").vary(short), into="runs/short", pictures=False)
    >>> run.status, float(run.times[-1]), sorted(run.summary["results"])
    ('finished', 20.0, ['voltage'])
    """
    refuse_unsupported(case)
    refuse_unanswerable(case)
    if case.sweep is not None:
        raise case.refuse("sweep", f"a sweep of {case.sweep.count} runs is solved by: fempslip batch {case.name}")
    refuse_taken(into)
    if not isinstance(case, Evolve):
        from fempslip.run.answering import answered

        return answered(case, into, progress, pictures, started)
    progress(0.0, "meshing")
    mesh = make_mesh(case)
    problem = compile(case, mesh)
    if psi is not None:
        problem = replace(problem, psi=given_state(problem, psi))
    watchers = watchers_of(case, problem)
    frames = int(case.time.until / case.record.fields) + 1
    header = header_of(case, mesh)
    with RunWriter.create(into, mesh, case.document(), header, bibliography(case), frames=frames) as writer:
        keep_space(writer, problem)
        started()
        march_into(case, problem, watchers, writer, None, progress, earlier=0.0, keep_start=psi is not None)
    return drawn(case, open_run(into), progress) if pictures else open_run(into)


def resume(folder: str | Path, until: str | None = None, progress: Note = quiet, pictures: bool = True) -> Run:
    """Go on with a stopped, killed or finished run, to `until` if given, on the stored mesh and node order.

    A run that was killed before its first checkpoint begins anew.  A task that does not march goes on with what its
    checkpoint holds (run/answering.py).
    """
    run = open_run(folder)
    case = case_of(run)
    if not isinstance(case, Evolve):
        from fempslip.run.answering import resumed

        if until is not None:
            raise Refusal(f"{run.folder} holds a run of task {case.task}, which has no time to go on in (--until)")
        return resumed(case, run, progress, pictures)
    if until is not None:
        case = cast(Evolve, case.vary({"time.until": until}))
    checkpoint = run.checkpoint() if run.committed else None
    refuse_earlier_end(case, run, checkpoint)
    problem = compile(
        case, run.mesh, psi=None if checkpoint is None else checkpoint["state.psi.0"], space=space_of(run)
    )
    watchers = watchers_of(case, problem)
    earlier = (run.summary or {}).get("wall_seconds", 0.0)
    with RunWriter.resume(folder, case_text=case.document()) as writer:
        march_into(case, problem, watchers, writer, checkpoint, progress, earlier)
    return drawn(case, open_run(folder), progress) if pictures else open_run(folder)


def keep_space(writer: RunWriter, problem: Problem) -> None:
    """The mesh around a body, which a resumed run takes as it is."""
    if problem.surroundings is not None:
        whole = problem.surroundings.mesh
        writer.keep("space", {"points": whole.points, "cells": whole.cells})


def space_of(run: Run) -> Made | None:
    """Vertices and cells around the body of a run."""
    kept = run.kept("space")
    return (kept["points"], kept["cells"]) if kept else None


def drawn(case: Case, run: Run, progress: Note) -> Run:
    """The run with its pictures; a picture that cannot be drawn here is a warning, the numbers are there."""
    for picture in recipes.pictures_of(case.postprocess):
        try:
            recipes.draw_picture(run, picture, progress)
        except (Failure, Refusal) as reason:
            warnings.warn(f"no picture {picture.replace('_', ' ')!r}: {reason}", stacklevel=2)
    return run


def refuse_earlier_end(case: Evolve, run: Run, checkpoint: Mapping[str, Array] | None) -> None:
    reached = 0.0 if checkpoint is None else float(checkpoint["clock"][0])
    if case.time.until < reached:
        raise Refusal(f"{run.folder} is already at t = {reached:g} tau: give --until a later time")


def march_into(
    case: Evolve,
    problem: Problem,
    watchers: Mapping[str, Watcher],
    writer: RunWriter,
    checkpoint: Mapping[str, Array] | None,
    progress: Note,
    earlier: float,
    keep_start: bool = False,
) -> None:
    """March, watched, and finish the folder with its summary, whatever ends the march."""
    interrupted = Interruption()
    begun = time.monotonic()
    outcome: dict[str, Any] = {"status": "failed"}
    try:
        with interrupted.deferred():
            told, enough = pace(case, progress, interrupted), end_of(watchers)
            evolve(problem, watchers, writer, case.record.fields, checkpoint, told, enough, keep_start)
        outcome = {"status": "finished"}
    except KeyboardInterrupt:
        outcome = {"status": "stopped"}
        raise
    except Failure as failure:
        outcome = {"status": "failed", "failure": str(failure)}
        raise
    finally:
        conclude(case, problem, writer, outcome | {"wall_seconds": earlier + time.monotonic() - begun})


def conclude(case: Evolve, problem: Problem, writer: RunWriter, outcome: Mapping[str, Any]) -> None:
    """Write the summary; where the march came to its end, with results and expectations.

    A recipe that finds no answer is a warning and a line of the summary: the run is finished all the same.
    """
    run = open_run(writer.folder)
    summary = {**outcome, **facts(problem, run)}
    if case.time.steady is not None and outcome["status"] == "finished":
        summary["steady"] = summary["end_time_tau"] < case.time.until * (1 - 1e-9)
    if outcome["status"] == "finished":
        summary["results"], unanswered = answers(case, run)
        if unanswered:
            summary["unanswered"] = unanswered
        summary["expect"] = judged(case, summary["results"])
    writer.finish(summary)


def answers(case: Evolve, run: Run) -> tuple[dict[str, Any], dict[str, str]]:
    """(recipe -> its numbers, recipe -> why it has none)."""
    found: dict[str, Any] = {}
    unanswered: dict[str, str] = {}
    for name in case.postprocess:
        try:
            found |= recipes.results(case, run, [name])
        except (Failure, Refusal) as reason:
            unanswered[name] = str(reason)
            warnings.warn(f"no answer to {name!r}: {reason}", stacklevel=2)
    return found, unanswered


def facts(problem: Problem, run: Run) -> dict[str, Any]:
    """steps, rejected_steps, end_time_tau, nodes."""
    series = run.table("series") if "series" in run.tables else {"t": np.zeros(0), "rejected": np.zeros(0)}
    steps = len(series["t"])
    return {
        "steps": steps,
        "rejected_steps": int(series["rejected"][-1]) if steps else 0,
        "end_time_tau": float(series["t"][-1]) if steps else 0.0,
        "nodes": problem.operators.nodes,
    }


def end_of(watchers: Mapping[str, Watcher]) -> Callable[[State], bool]:
    """Whether a march may end before its latest time."""
    watcher = watchers.get("steady")
    return watcher.enough if isinstance(watcher, Steadiness) else lambda state: False


def pace(case: Evolve, progress: Note, interrupted: Interruption) -> Callable[[State, int], None]:
    until = case.time.until

    def tell(state: State, rejected: int) -> None:
        interrupted.obey()
        progress(state.t / until, f"t = {state.t:.4g} of {until:.4g} tau, step {state.step}")

    return tell


def watchers_of(case: Evolve, problem: Problem) -> dict[str, Watcher]:
    """The watchers of a run.  Raises Refusal for a contour that no closed path of the body follows."""
    try:
        contours = contours_of(problem.mesh, problem.operators)
    except Refusal as refusal:
        raise case.refuse("geometry.contours", str(refusal)) from None
    return recipes.watchers_for(case, problem, contours)


def contours_of(mesh: Mesh, op: Operators) -> dict[str, Array]:
    """Closed chains of the named contours, name -> (edges,)."""
    return {name: closed_path(mesh, op, hole) for name, hole in mesh.contours.items()}


# name, symbol, SI unit and letter of a scale, where they are not those of a superconductor: what is a voltage there is
# a difference of chemical potential here, told by its frequency; a current is one of particles, n v with v = ħ∇θ/m
FLUID_SYMBOLS = {
    "V0": ["mu0", "μ₀", "Hz·h", "Δμ"],
    "tau0": ["tau0", "ħ/μ₀", "s", ""],
    "j0": ["j0", "n₀ħ/mξ", "", ""],
}


def header_of(case: MeshedCase, mesh: Mesh) -> dict[str, Any]:
    kinds = {"xi": "length", "tau0": "time", "V0": "voltage", "Bc2": "field", "j0": "density", "I0": "current"}
    si = {name: case.scales.si(kind) for name, kind in kinds.items()}
    known = {name: value for name, value in si.items() if value is not None}
    if case.model.reactive and case.scales.mu0:
        known = {name: known[name] for name in ("xi", "tau0")} | {"mu0": case.scales.mu0 / H}
    pairs = [list(pair) for pair in case.measure.between]
    slow = 1.0 if case.model.reactive else max(m.u for m in case.material.values())
    hops = {"tau_z": 0.5 * slow, "l_z": REACH}
    noise = case.noise if isinstance(case, Evolve) else None
    return {
        "name": case.name,
        "title": case.title,
        "task": case.task,
        **({} if noise is None else {"noise": noise_of(case, noise, mesh)}),
        "scales": known,
        "kappa": case.scales.kappa,
        "symbols": FLUID_SYMBOLS if case.model.reactive else {},
        "dimension": mesh.dim,
        "pairs": pairs,
        "hops": hops,
    }


def noise_of(case: MeshedCase, noise: NoiseSpec, mesh: Mesh) -> dict[str, Any]:
    """temperature (k T in units of F), kelvin, seed, and cutoff: the size of cells where the mesh decides (2D, 3D)."""
    unit = case.scales.si("energy")
    known = {} if unit is None else {"kelvin": noise.temperature * unit / BOLTZMANN}
    cutoff = {} if mesh.dim == 1 else {"cutoff": mesh.size}
    return {"temperature": noise.temperature, "seed": noise.seed, **known, **cutoff}


def case_of(run: Run) -> Case:
    """The case that a stored run was made from; a killed run may hold it in its fields only."""
    path = run.folder / "case.yaml"
    return load(path) if path.is_file() else load_text(run.case_text, str(path))


# ------------------------------------------------------------------------------------------- in words


def report(run: Run) -> str:
    """One paragraph: what happened."""
    s = run.summary or {}
    words = [f"{run.header.get('title') or run.header.get('name', run.folder.name)}: {s.get('status', run.status)}"]
    if "end_time_tau" in s:
        words.append(f"at t = {s['end_time_tau']:.6g} tau")
        words.append(f"after {s['steps']} steps ({s['rejected_steps']} rejected) on {s['nodes']} nodes")
    words.append(f"in {s.get('wall_seconds', 0):.1f} s.")
    words += noise_in_words(run.header.get("noise"))
    answer = s.get("results", {}).get(run.header.get("task", "evolve"), {})
    words += [f"{name} = {value:.6g}." for name, value in answer.items() if isinstance(value, int | float)]
    if s.get("steady") is not None:
        words.append("The mean voltage is steady." if s["steady"] else "The mean voltage is not steady yet.")
    results = s.get("results", {})
    if "voltage" in results:
        said = voltage_in_words(results["voltage"])
        if run.header.get("symbols"):  # a superfluid
            said = said.replace("ean voltage", "ean difference of chemical potential").replace("V0", "mu0")
        words.append(said)
    expected = s.get("expect", [])
    if expected:
        met = sum(e["ok"] for e in expected)
        words.append(f"Expectations met: {met} of {len(expected)}.")
        words += [
            f"Not met: {e['name']} = {e['value']}, wanted {e['wanted']} +- {e['tolerance']}."
            for e in expected
            if not e["ok"]
        ]
    words.append(f"Everything is in {run.folder}.")
    return " ".join(words)


def noise_in_words(noise: Mapping[str, Any] | None) -> list[str]:
    if not noise:
        return []
    kelvin = f" ({noise['kelvin']:.4g} K)" if "kelvin" in noise else ""
    words = [f"With thermal noise, k T = {noise['temperature']:.4g}{kelvin}, seed {noise['seed']}."]
    if "cutoff" in noise:
        words.append(f"The mesh is the cutoff of the fluctuations: h = {noise['cutoff']:g} xi.")
    return words


def voltage_in_words(v: Mapping[str, Any]) -> str:
    if v["mean"] is None:
        return "No mean voltage: fewer than three whole periods fell in the measured time (make time.until longer)."
    si = v["si"]
    volts = f" = {engineering(si['mean_V'], 'V')}" if si["mean_V"] is not None else ""
    period = f", period {v['period']:.5g} tau" if v["period"] else ""
    slips = f"{v['slips']} phase slips between the probes."
    return f"Mean voltage {v['mean']:.5g} +- {v['error']:.1g} V0{volts}{period}, {slips}"


def engineering(value: float, unit: str) -> str:
    """0.0000123, 'V' -> '12.3 uV'."""
    for power, prefix in ((0, ""), (-3, "m"), (-6, "u"), (-9, "n"), (-12, "p")):
        if abs(value) >= 10.0**power:
            return f"{value / 10.0**power:.4g} {prefix}{unit}"
    return f"{value:.4g} {unit}"
