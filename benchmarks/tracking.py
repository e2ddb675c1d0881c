"""Cost of following zeros, beside the cost of a step, one thread: `python benchmarks/tracking.py [--quick]`."""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fempslip.case.loading import load_text
from fempslip.contract import Array, Problem, Step
from fempslip.mesh.meshing import make_mesh
from fempslip.run.compiling import compile
from fempslip.tasks.evolve import evolve
from fempslip.tasks.tracking import Ledger, Topology
from fempslip.tasks.watchers import Plain

TEXT = """
geometry:
  dimension: {dimension}
  regions: {{sample: {shape}}}
  boundaries: {{source: {{{side}: left, of: sample}}, drain: {{{side}: right, of: sample}}}}
  probes: {{a: {a}, b: {b}}}
material: {{u: 5.79, gamma: 1}}
contacts: {{source: normal, drain: normal}}
drive: {{field: {field}, current: {{from: source, to: drain, density: {density}}}}}
mesh: {{size: {size}}}
time: {{until: {until}, fixed: 0.1}}
measure: {{between: [a, b]}}
"""
WARM_UP = 0.5  # of the run, in which vortices enter and loops are compiled


@dataclass(frozen=True)
class Sample:
    name: str
    size: tuple[float, ...]
    h: float
    field: object
    density: float
    until: float

    def problem(self) -> Problem:
        film = len(self.size) == 2
        half = [self.size[0] / 4, *([0.0] * (len(self.size) - 1))]
        text = TEXT.format(
            dimension=len(self.size),
            shape=f"{{{'rectangle' if film else 'box'}: {{size: {list(self.size)}, center: {[0] * len(self.size)}}}}}",
            side="edge" if film else "face",
            a=[-x for x in half],
            b=half,
            field=self.field,
            density=self.density,
            size=self.h,
            until=self.until,
        )
        case = load_text(text, "sample")
        return compile(case, make_mesh(case))


SAMPLES = (
    Sample("film, 4k nodes", (40.0, 20.0), 0.5, 0.3, 0.1, 60),
    Sample("film, 15k nodes", (80.0, 40.0), 0.5, 0.3, 0.1, 40),
    Sample("film, storm", (40.0, 20.0), 0.5, 0.3, 0.6, 60),
    Sample("slab, 10k nodes", (24.0, 14.0, 6.0), 0.65, [0.15, 0, 0.25], 0.2, 40),
    Sample("slab, 30k nodes", (36.0, 20.0, 6.0), 0.55, [0.15, 0, 0.25], 0.2, 20),
    Sample("slab, storm", (24.0, 14.0, 6.0), 0.65, [0.15, 0, 0.25], 0.6, 40),
)


class Nowhere:
    """A sink that counts what it is handed."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def row(self, table: str, values: Mapping[str, float]) -> None:
        self.counts[table] = self.counts.get(table, 0) + 1

    def rows(self, table: str, columns: Mapping[str, Array]) -> None:
        self.counts[table] = self.counts.get(table, 0) + len(next(iter(columns.values())))

    def frame(self, *frame: object) -> None: ...
    def due(self) -> bool:
        return False

    def checkpoint(self, arrays: object) -> None: ...


@dataclass
class Watch(Plain):
    """CPU time of what is watched, and of all between its calls, after the warm-up."""

    watched: tuple[Topology, Ledger]
    after: float
    steps: int = 0
    spent: list[float] = field(default_factory=lambda: [0.0, 0.0])
    whole: float = 0.0
    last: float = 0.0

    def see(self, step: Step, sink: Nowhere) -> None:
        if step.old.t > self.after:
            self.steps += 1
            self.whole += time.process_time() - self.last
        for k, watcher in enumerate(self.watched):
            begun = time.process_time()
            watcher.see(step, sink)
            if step.old.t > self.after:
                self.spent[k] += time.process_time() - begun
        self.last = time.process_time()


def measured(sample: Sample) -> str:
    """One row of the table."""
    problem = sample.problem()
    topology = Topology.of(problem)
    watch, sink = Watch((topology, Ledger.of(problem, topology)), WARM_UP * sample.until), Nowhere()
    evolve(problem, {"watch": watch}, sink, every=sample.until)
    solver, tracker, ledger = (1e3 * t / watch.steps for t in (watch.whole, *watch.spent))
    nodes, edges = problem.operators.nodes, problem.operators.edges.shape[1]
    events = sink.counts.get("events", 0) / (sample.until / 0.1)
    return (
        f"| {sample.name} | {nodes} / {edges} | {np.count_nonzero(topology.now.n)} | {events:.2f} | {solver:.2f} "
        f"| {tracker:.3f} | {1e6 * tracker / nodes:.0f} | {100 * tracker / solver:.0f} % | {ledger:.3f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the two smallest samples only")
    chosen = (SAMPLES[0], SAMPLES[3]) if parser.parse_args().quick else SAMPLES
    warnings.simplefilter("ignore")
    print(
        "| sample | nodes / edges | pierced | events a step | step, ms | tracker, ms | ns a node | share | ledger, ms |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for sample in chosen:
        print(measured(sample), flush=True)


if __name__ == "__main__":
    main()
