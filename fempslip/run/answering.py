"""A task that is not a march in time becomes a run folder: its states as frames, its lists as tables, its numbers.

A new task adds a line to ASKED: from its case and problem to a contract.Task.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.case import Case, Lumped, MeshedCase
from fempslip.case.scales import MU0
from fempslip.contract import Continuing, Failure, Mesh, Problem, Refusal, Task
from fempslip.mesh.meshing import make_mesh
from fempslip.physics import pearl
from fempslip.physics.biot_savart import Sheet
from fempslip.run import recipes, statics
from fempslip.run.compiling import compile, vortex_line
from fempslip.run.expectations import judged
from fempslip.run.references import bibliography
from fempslip.run.running import Note, drawn, header_of
from fempslip.store import Run, RunWriter, open_run
from fempslip.tasks.london import LondonTask
from fempslip.tasks.lumped import LumpedTask


def london_task(case: MeshedCase, problem: Problem) -> Task:
    """Raises Refusal for films with their own field that are not flat, or whose holes have no rim."""
    mesh = problem.mesh
    if case.model.screening == "pearl":
        try:
            Sheet.of(mesh)
            for name in mesh.holes:
                pearl.rim(mesh, problem.operators, name)
        except Refusal as refusal:
            raise case.refuse("model.screening", str(refusal)) from None
    return LondonTask(problem, tuple(vortex_line(case, mesh, v) for v in case.start.vortices), london_units(case))


def london_units(case: MeshedCase) -> dict[str, float]:
    """SI values of a London state's units; none where the material does not say them, or of films without end."""
    si, endless = case.scales, case.model.screening == "maxwell" and case.geometry.dimension == 2
    xi, current, energy = (si.si(kind) for kind in ("length", "current", "energy"))
    if endless or not (xi and current and energy):
        return {}
    return {"energy": energy, "moment": current * xi**2, "current": current, "inductance": MU0 * xi}


# task -> the contract.Task of a case and its problem
ASKED: Mapping[str, Callable[[Any, Problem], Task]] = {"london": london_task, **statics.ASKED}


def answered(case: Case, into: str | Path, progress: Note, pictures: bool, started: Callable[[], None]) -> Run:
    """Answer the question of a case in a new folder.

    Raises Refusal before anything is written; Failure and KeyboardInterrupt leave the folder with what was found.
    """
    if isinstance(case, Lumped):
        mesh, header = nowhere(), lumped_header(case)
        task: Task = LumpedTask(case)
    else:
        assert isinstance(case, MeshedCase)
        progress(0.0, "meshing")
        mesh = make_mesh(case)
        task = ASKED[case.task](case, compile(case, mesh))
        header = header_of(case, mesh)
    with RunWriter.create(into, mesh, case.document(), header, bibliography(case), frames=8) as writer:
        started()
        answer_into(case, task, mesh, writer, progress)
    run = open_run(into)
    return drawn(case, run, progress) if pictures else run


class Again(UserWarning):
    """A task that was cut short and begins from its beginning."""


def resumed(case: Case, run: Run, progress: Note, pictures: bool) -> Run:
    """Answer the question of a run that was cut short, in its folder: what its last checkpoint holds is not looked for
    again, the rest is; tables and frames are written anew.

    Raises Refusal for a run that is finished.
    """
    if run.status == "finished":
        words = f"{run.folder} holds a finished run of task {case.task}, which has no time to go on in"
        raise Refusal(f"{words}: run its case anew")
    if isinstance(case, Lumped):
        task: Task = LumpedTask(case)
    else:
        assert isinstance(case, MeshedCase)
        task = ASKED[case.task](case, compile(case, run.mesh))
    arrays = run.checkpoint() if run.committed else {}
    if arrays and isinstance(task, Continuing):
        task = task.after(arrays)
    else:
        warnings.warn(
            f"{run.folder}: nothing to go on with is kept; task {case.task} begins again", Again, stacklevel=2
        )
    with RunWriter.resume(run.folder, anew=True) as writer:
        answer_into(case, task, run.mesh, writer, progress)
    again = open_run(run.folder)
    return drawn(case, again, progress) if pictures else again


def nowhere() -> Mesh:
    """The mesh of a system without extent: no points."""
    none = np.zeros(0, dtype=np.int64)
    return Mesh(np.zeros((1, 0)), np.zeros((2, 0), dtype=np.int64), none, {}, {})


def count(mesh: Mesh) -> int:
    return mesh.nodes if mesh.node_of_vertex.size else 0


def lumped_header(case: Lumped) -> dict[str, Any]:
    si = {name: case.scales.si(kind) for name, kind in (("tau0", "time"), ("V0", "voltage"), ("I0", "current"))}
    junction = None if case.junction is None else case.junction.kind
    return {
        "name": case.name,
        "title": case.title,
        "task": case.task,
        "scales": {name: value for name, value in si.items() if value is not None},
        "junction": junction,
    }


def answer_into(case: Case, task: Task, mesh: Mesh, writer: RunWriter, progress: Note) -> None:
    """Let the task answer, and finish the folder with its summary, whatever ends it."""
    begun = time.monotonic()
    outcome: dict[str, Any] = {"status": "failed"}
    try:
        found = task.run(writer, progress)
        writer.checkpoint({})  # all rows and frames count
        results = {case.task: dict(found), **recipes.results(case, open_run(writer.folder), case.postprocess)}
        outcome = {"status": "finished", "results": results, "expect": judged(case, results)}
    except KeyboardInterrupt:
        outcome = {"status": "stopped"}
        raise
    except Failure as failure:
        outcome = {"status": "failed", "failure": str(failure)}
        raise
    finally:
        writer.finish({**outcome, "nodes": count(mesh), "wall_seconds": time.monotonic() - begun})
