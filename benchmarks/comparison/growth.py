"""How time and memory grow with the number of nodes: a film of 40 x 20 xi, gamma = 1, in the same stretch of its flow.

Bodies have their own growth in `bodies`, where that is there.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from comparison.film import CASE, Rows
from comparison.report import Asked, Table
from fempslip.case.loading import load_text
from fempslip.contract import Sink, Step
from fempslip.mesh.meshing import make_mesh
from fempslip.run.compiling import compile
from fempslip.solver.bdf2 import Bdf2
from fempslip.tasks.evolve import evolve
from fempslip.tasks.watchers import Plain

SIZES = (0.31, 0.18, 0.098, 0.0565)  # xi: about 10, 30, 100 and 300 thousand nodes
SPAN = (2.0, 4.0)  # tau0, counted
DOMAIN = "regions: {film: {rectangle: {size: [40, 20], center: [0, 0]}}}"


class Count(Plain):
    """CPU seconds, steps and iterations in the span."""

    def __init__(self) -> None:
        self.begun, self.steps, self.iterations = 0.0, 0, 0

    def see(self, step: Step, sink: Sink) -> None:
        if step.old.t < SPAN[0]:
            self.begun = time.process_time()
            return
        self.steps += 1
        self.iterations += step.trial.iterations


def films(asked: Asked) -> Table:
    rows: list[list[object]] = []
    last: tuple[int, float] | None = None
    for size in SIZES[:2] if asked.quick else SIZES:
        text = (
            CASE.format(mesh=DOMAIN, gamma=1, until=SPAN[1], probes=[[-10, 0], [10, 0]]) + f"mesh: {{size: {size}}}\n"
        )
        case = load_text(text, "film")
        with tempfile.TemporaryDirectory() as folder:
            meshing = made_anew(case, folder)
        mesh = make_mesh(case)
        compiling, problem = spent(lambda: compile(case, mesh))  # noqa: B023
        factoring, _ = spent(lambda: Bdf2.of(problem).begin())  # noqa: B023
        count = Count()
        evolve(replace(problem, pairs=()), {"count": count}, Rows(), every=SPAN[1])
        cpu = time.process_time() - count.begun
        nodes, each = problem.operators.nodes, cpu / (SPAN[1] - SPAN[0])
        power = "" if last is None else f"{np.log(each / last[1]) / np.log(nodes / last[0]):.2f}"
        last = nodes, each
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row: list[object] = [
            nodes,
            f"{meshing:.1f}",
            f"{compiling:.1f}",
            f"{factoring:.1f}",
            f"{1e3 * each:.0f}",
            power,
        ]
        row += [f"{count.steps / (SPAN[1] - SPAN[0]):.1f}", f"{count.iterations / count.steps:.1f}"]
        rows.append([*row, f"{1e3 * cpu / count.steps:.1f}", f"{memory:.0f}"])
        print("|", *rows[-1], flush=True)
    columns = ("nodes", "meshing, s", "operators, CPU s", "factor, CPU s", "CPU ms per tau0", "power of N")
    columns += ("steps per tau0", "CG a step", "CPU ms a step", "most memory so far, MB")
    note = (
        "Film of 40 x 20 xi, gamma = 1, b = 0.3, j = 0.1, from 2 to 4 tau0; one thread; meshing in wall-clock seconds."
    )
    return Table("films", "Growth with the number of nodes: films", columns, rows, note)


def spent(act: Callable[[], Any]) -> tuple[float, Any]:
    """(CPU seconds, result)."""
    begun = time.process_time()
    found = act()
    return time.process_time() - begun, found


def made_anew(case: object, folder: str) -> float:
    """Seconds of making a mesh that no cache holds."""
    kept, os.environ["FEMPSLIP_CACHE"] = os.environ.get("FEMPSLIP_CACHE"), folder
    begun = time.perf_counter()
    make_mesh(case)
    taken = time.perf_counter() - begun
    del os.environ["FEMPSLIP_CACHE"]
    if kept is not None:
        os.environ["FEMPSLIP_CACHE"] = kept
    return taken


def measure(asked: Asked) -> Iterator[Table]:
    yield films(asked)
    if find_spec("comparison.bodies") is not None:
        bodies = import_module("comparison.bodies")
        if hasattr(bodies, "growth"):
            yield from bodies.growth(asked)
