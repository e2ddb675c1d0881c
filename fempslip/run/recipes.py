"""Recipes: one question each, declared in postprocess/*.yaml.

    title:     the question
    watch:     what must be seen of every accepted step (names of WATCHERS)
    results:   numbers for summary.json (names of results.RESULTS)
    pictures:  what is drawn (names of PICTURES)
    family:    what is read off the table of a batch (names of families.FAMILIES)

The same recipe runs in the loop or, where it watches nothing of its own, over a stored run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from fempslip.case import Case, Evolve
from fempslip.case.drawers import delivered
from fempslip.contract import Array, Problem, Refusal, Watcher
from fempslip.run import circuits, magnetic, quoted, slips, superflow, tracking
from fempslip.run.afterwards import Place, watched, with_pair
from fempslip.run.results import RESULTS as PLAIN_RESULTS
from fempslip.run.steadiness import Steadiness
from fempslip.solver.netlist import load_of, netlist_of
from fempslip.store import Run
from fempslip.tasks import watchers as seen
from fempslip.tasks.conserved import Conserved
from fempslip.tasks.magnetic import HoleFlux, Moment
from fempslip.tasks.maps import Maps
from fempslip.tasks.tracking import Ledger, Topology

RESULTS = {
    **PLAIN_RESULTS,
    **superflow.RESULTS,
    **tracking.RESULTS,
    **circuits.RESULTS,
    **slips.RESULTS,
    **magnetic.RESULTS,
    **quoted.RESULTS,
}

Note = Callable[[float, str], None]


@dataclass(frozen=True)
class Recipe:
    name: str
    title: str
    watch: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    family: tuple[str, ...] = ()


@cache
def recipe(name: str) -> Recipe:
    """A delivered recipe by name.  Raises Refusal with the known names."""
    drawer = delivered("postprocess")
    if name not in drawer:
        raise Refusal(f"there is no recipe {name!r}; delivered are: {', '.join(sorted(drawer))}")
    text = yaml.safe_load(Path(drawer[name]).read_text(encoding="utf-8"))
    lists = {key: tuple(text.get(key) or ()) for key in ("watch", "results", "pictures", "family")}
    return Recipe(name, text["title"], **lists)


def watches(names: Iterable[str]) -> set[str]:
    """What recipes ask to be watched."""
    return {name for r in names for name in recipe(r).watch}


# ------------------------------------------------------------------------------------------- in the loop


def watchers_for(case: Evolve, problem: Problem, contours: Mapping[str, Array]) -> dict[str, Watcher]:
    """The watchers of a run by name: series, voltages and frames always, others as its recipes ask."""
    asked = watches(case.postprocess)
    tracked, phase = "tracks" in asked, None
    found: dict[str, Watcher] = {
        "series": seen.Series.of(problem),
        "voltages": seen.Voltages.of(problem),
    }
    if problem.drive.circuit is not None:
        found["circuit"] = seen.CircuitTable(netlist_of(problem))
    if "currents" in asked:
        found["currents"] = seen.Currents(load_of(problem))
    if case.model.reactive:
        found["conserved"] = Conserved.of(problem)
    if case.time.steady is not None:
        found["steady"] = Steadiness.of(case, problem)
    if "moment" in asked:
        found["moment"] = Moment.of(problem)
    if "hole_flux" in asked:
        found["hole_flux"] = HoleFlux.of(problem, case.record.fields)
    if "josephson" in asked:
        found["josephson"] = seen.JosephsonResidual()
    if "magnetization" in asked:
        found["magnetization"] = seen.Magnetization.of(problem)
    if "maps" in asked:
        start = case.measure.from_
        found["maps"] = Maps.of(problem, 0.5 * case.time.until if start is None else start)
    if "windings" in asked or ("net_winding" in asked and contours):
        found["windings"] = seen.ContourWindings(contours)
    if "tracks" in asked or "ledger" in asked:
        topology = Topology.of(problem, follow=tracked)
        found["topology"] = topology  # before those that read it
        if "ledger" in asked:
            found["ledger"] = Ledger.of(problem, topology)
        phase = lambda: topology.now.phase  # noqa: E731
    zeros = "zeros" in asked and not (tracked and problem.mesh.dim == 2)
    return found | {"frames": seen.Frames(case.record.fields, zeros, phase)}


# ------------------------------------------------------------------------------------------- over a run


def results(case: Case, run: Run, names: Iterable[str]) -> dict[str, Any]:
    """Recipe name -> its numbers."""
    found: dict[str, Any] = {}
    for name in names:
        for function in recipe(name).results:
            found.setdefault(name, {}).update(RESULTS[function](case, run))
    return found


def draw(case: Case, run: Run, names: Iterable[str], progress: Note) -> list[Path]:
    """Draw the pictures of recipes into the run folder; each picture once."""
    return [path for picture in pictures_of(names) for path in draw_picture(run, picture, progress)]


def pictures_of(names: Iterable[str]) -> tuple[str, ...]:
    """The pictures that recipes ask for, each once."""
    return tuple(dict.fromkeys(picture for name in names for picture in recipe(name).pictures))


def draw_picture(run: Run, picture: str, progress: Note) -> list[Path]:
    """Draw one of view.PICTURES into the run folder; its files."""
    from fempslip import view

    words = f"drawing {picture.replace('_', ' ')}"
    progress(0.0, words)
    drawn = view.PICTURES[picture](run, lambda done, total: progress(done / total, words))
    progress(1.0, words)
    return drawn


def post(
    folder: str | Path,
    names: Iterable[str] = (),
    progress: Note = lambda fraction, text: None,
    between: tuple[Place, Place] | None = None,
) -> dict[str, Any]:
    """Answer recipes over a stored run: its numbers, and its pictures drawn into the folder.

    between : two places, whose voltage ledger is made from the stored crossings and frames instead
    Zeros that nobody watched are followed over the frames, with a warning where these are too far apart.
    Raises Refusal where a recipe needs what was not watched when the run was made, and frames do not tell.
    """
    from fempslip.run.running import case_of
    from fempslip.store import open_run

    run = open_run(folder)
    case = case_of(run)
    if between is not None:
        pair = with_pair(run, *between)
        residual = float(np.abs(pair.table("ledger")["residual"]).max())
        return {"voltage_ledger": {"residual": residual, **tracking.sides(pair)}}
    chosen = tuple(names) or case.postprocess
    run = watched(run, watches(chosen), watches(case.postprocess))
    found = results(case, run, chosen)
    draw(case, run, chosen, progress)
    return found
