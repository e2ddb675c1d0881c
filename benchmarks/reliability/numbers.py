"""NaN put into every array of the state of every kind of step: the next step says where, and the run stays readable."""

from __future__ import annotations

import re
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability.figures import Figures

AFTER = 4  # steps before the state is spoilt
PLACE = 3  # which number of an array
Changes = Mapping[str, object]
STEPS: Mapping[str, tuple[str, Changes]] = {
    "no screening": ("film_vortex_flow", {"geometry.length": "8 xi", "geometry.width": "5 xi", "mesh.size": 0.5}),
    "own field (maxwell)": ("square_flux_entry", {"mesh.size": 0.7}),
    "own field of a body (maxwell)": (
        "sphere_meissner",
        {"task": None, "time.until": 2, "record.fields": 0.25, "geometry.regions.ball.sphere.radius": "2 xi",
         "mesh.size": 0.6, "postprocess": []},
    ),
    "thin film (pearl)": ("film_disk_pearl", {"mesh.size": 0.9}),
    "circuit": ("snspd_wire_with_shunt", {}),
    "thermal noise, wire": ("thermal_ring", {}),
    "thermal noise, film": (
        "film_vortex_flow",
        {"geometry.length": "8 xi", "geometry.width": "5 xi", "noise.temperature": 1e-3, "time.fixed": 0.02},
    ),
    "superfluid": ("superfluid_slot_pressure", {}),
    "sound": ("sound_and_plasmon", {"sweep": None}),
    "charged": (
        "sound_and_plasmon", {"sweep": None, "model.dynamics": "charged", "material.plasma_frequency": 1},
    ),
}  # fmt: skip
LUMPED = "adler_slip"
MESSAGE = re.compile(r"is not finite at t = [-+.\de]+ tau(, first at (node|edge|number) \d+|: nothing)")


def small(case: str, changes: Changes) -> Any:
    """A case cut to a few steps and no recipes."""
    from fempslip.case import load

    made = load(case).vary({**changes, "expect": None})
    short = {"time.until": min(2.0, made.time.until), "measure.from": None, "record.fields": 0.25, "postprocess": []}
    return made.vary({**short, "time.steady": None, **changes, "expect": None})


def problem_of(case: Any) -> Any:
    from fempslip.mesh.meshing import make_mesh
    from fempslip.run.compiling import compile

    return compile(case, make_mesh(case))


def spoiling(stepper: Any, name: str, age: int) -> Any:
    """The stepper, whose state has a NaN in one of its arrays when a step begins."""

    class Spoilt:
        def __getattr__(self, attribute: str) -> Any:
            return getattr(stepper, attribute)

        def attempt(self, state: Any, dt: float) -> Any:
            if state.step == AFTER:
                past = [x.copy() for x in state.history[name]]
                spoilt = past[min(age, len(past) - 1)].reshape(-1)
                spoilt[min(PLACE, spoilt.size - 1)] = np.nan
                state.history[name] = tuple(past)  # in place: what a stray write would do
            return stepper.attempt(state, dt)

    return Spoilt()


def arrays(stepper: Any) -> Iterator[tuple[str, int]]:
    """(name, age) of every array that the state is made of."""
    for name, past in stepper.begin().history.items():
        if past[0].size:
            yield from ((name, age) for age in range(stepper.declare()[name]))


def tried(case: Any, problem: Any, folder: Path, name: str, age: int, whole: Any) -> tuple[str, str]:
    """A run with a spoilt state: (caught, "") or (without effect, ""), or (missed, what is wrong)."""
    from fempslip.contract import Failure
    from fempslip.store import open_run

    shutil.rmtree(folder, ignore_errors=True)
    try:
        run = solved(case, problem, folder, lambda stepper: spoiling(stepper, name, age))
    except Failure as failure:
        message = str(failure)
    else:  # the step makes the array anew without looking at it: then nothing may be different
        wrong = unlike(run, whole)
        return ("missed", f"it went on, and {wrong} is different") if wrong else ("without effect", "")
    run = open_run(folder)
    rows = len(run.table("series")["t"]) if "series" in run.tables else 0
    if not MESSAGE.search(message):
        return "missed", f"no place and time: {message}"
    if run.status != "failed" or rows > AFTER or not recorded_is_finite(run):
        return "missed", f"{run.status} with {rows} steps instead of {AFTER}, or NaN is recorded"
    return "caught", ""


def solved(case: Any, problem: Any, folder: Path, around: Callable[[Any], Any]) -> Any:
    """The run of a case that is meshed and compiled, with something around its stepper."""
    from unittest.mock import patch

    from fempslip.run import running
    from fempslip.tasks import evolve

    made = evolve.stepper_of
    with (
        patch.object(running, "make_mesh", lambda case: problem.mesh),
        patch.object(running, "compile", lambda case, mesh, psi=None: problem),
        patch.object(evolve, "stepper_of", lambda problem: around(made(problem))),
    ):
        return running.solve(case, folder, pictures=False)


def unlike(run: Any, whole: Any) -> str:
    """The table that is not that of the undisturbed run, bit for bit."""
    for table in whole.tables:
        for column, values in run.table(table).items():
            if not np.array_equal(values, whole.table(table)[column], equal_nan=True):
                return f"{table}.{column}"
    return ""


def recorded_is_finite(run: Any) -> bool:
    series = [values for table in run.tables if table == "series" for values in run.table(table).values()]
    frames = [run.frame(k)["psi_re"] for k in range(len(run.times))]
    state = [x for key, x in run.checkpoint().items() if key.startswith("state.")] if run.committed else []
    return all(np.isfinite(x).all() for x in [*series, *frames, *state])


def lumped(folder: Path) -> str:
    """The phase of a junction, which is integrated in one call."""
    from unittest.mock import patch

    from fempslip.case import load
    from fempslip.contract import Failure
    from fempslip.physics import lumped as ph
    from fempslip.run.running import solve
    from fempslip.store import open_run

    waveform = ph.waveform

    def spoilt(*args: Any) -> Any:
        t, phi, rate = waveform(*args)
        phi = phi.copy()
        phi[AFTER] = np.nan
        return t, phi, rate

    try:
        with patch.object(ph, "waveform", spoilt):
            solve(load(LUMPED).vary({"expect": None}), folder, pictures=False)
    except Failure as failure:
        run = open_run(folder)
        said = re.search(r"not finite at t = ", str(failure))
        return "" if said and run.status == "failed" else f"{run.status}: {failure}"
    return "it went on"


def work(found: Figures, kept: Path, workers: int, progress: Any) -> None:
    from fempslip.tasks.evolve import stepper_of

    warnings.simplefilter("ignore")
    folder = kept.parent / "spoilt state"
    for kind in list(STEPS)[found.tried : found.wanted]:
        case = small(*STEPS[kind])
        problem = problem_of(case)
        shutil.rmtree(folder, ignore_errors=True)
        whole = solved(case, problem, folder / "whole", lambda stepper: stepper)
        for name, age in arrays(stepper_of(problem)):
            outcome, wrong = tried(case, problem, folder / "spoilt", name, age, whole)
            found.counts[outcome] += 1
            if wrong:
                found.losses.append(f"{kind}, {name} {age} steps ago: {wrong}")
        found.tried += 1
        found.tell(kept)
        progress(found.tried / found.wanted, kind)
    shutil.rmtree(folder, ignore_errors=True)
    if found.tried < found.wanted:
        wrong = lumped(folder)
        found.counts["missed" if wrong else "caught"] += 1
        found.losses += [f"lumped: {wrong}"] if wrong else []
        found.tried += 1
