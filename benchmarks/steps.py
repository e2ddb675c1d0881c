"""Cost of a step and error of the adaptive step, one thread: `python benchmarks/steps.py [--quick]`."""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np

from fempslip.case import Case, load
from fempslip.case.loading import load_text
from fempslip.contract import Array, Problem, Sink, Step
from fempslip.mesh.meshing import make_mesh
from fempslip.physics.energy import LinkEnergy
from fempslip.run.compiling import compile
from fempslip.run.results import mean_of
from fempslip.tasks.evolve import evolve
from fempslip.tasks.watchers import Plain, Voltages

SLAB = """
geometry:
  dimension: 3
  parameters: {length: 40 xi, width: 20 xi, height: 5 xi}
  regions: {slab: {box: {size: [length, width, height], center: [0, 0, 0]}}}
  boundaries: {source: {face: left, of: slab}, drain: {face: right, of: slab}}
  probes: {upstream: [-10, 0, 0], downstream: [10, 0, 0]}
material: {u: 5.79, gamma: 10}
drive:
  field: [0, 0, 0.3]
  current: {from: source, to: drain, density: 0.1}
mesh: {size: 0.5}
time: {until: 120}
measure: {between: [upstream, downstream]}
"""


class Nowhere:
    """A sink that keeps the voltage rows and nothing else."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def row(self, table: str, values: dict[str, float]) -> None:
        self.rows.append(dict(values))

    def rows(self, table: str, columns: object) -> None: ...
    def frame(self, *frame: object) -> None: ...
    def due(self) -> bool:
        return False

    def checkpoint(self, arrays: object) -> None: ...


@dataclass
class Counter(Plain):
    """Steps, iterations and CPU time from t = start on."""

    start: float
    iterations: int = 0
    steps: int = 0
    begun: float = 0.0

    def see(self, step: Step, sink: Sink) -> None:
        if step.old.t < self.start:
            self.begun = time.process_time()
            return
        self.steps += 1
        self.iterations += step.trial.iterations


@dataclass(frozen=True)
class Timing:
    cpu: float  # s per tau0, from the start of counting on
    whole: float  # s per tau0 of the whole run
    steps: int
    iterations: float  # a step
    t: Array
    impulse: Array
    v: Array
    slips: Array

    def mean(self, start: float) -> tuple[float | None, float | None]:
        late = self.t >= start
        m = mean_of(self.t[late], self.impulse[late], self.v[late], self.slips[late])
        return m.mean, m.period

    def plain_mean(self, start: float) -> float:
        k = int(np.searchsorted(self.t, start))
        return float((self.impulse[-1] - self.impulse[k]) / (self.t[-1] - self.t[k]))


def timed(problem: Problem, start: float = 0.0) -> Timing:
    """Solve to the end; cost from t = start on."""
    begun = time.process_time()
    counter, sink = Counter(start, begun=begun), Nowhere()
    watchers = {"counter": counter, "voltages": Voltages.of(problem)}
    evolve(problem, watchers, sink, every=problem.clock.until)
    ended, until = time.process_time(), problem.clock.until
    cpu, whole = (ended - counter.begun) / (until - start), (ended - begun) / until
    names = [n for n in sink.rows[0] if n != "t"]
    t, v, impulse, slips = (np.array([row[n] for row in sink.rows]) for n in ("t", *names[:3]))
    return Timing(cpu, whole, counter.steps, counter.iterations / counter.steps, t, impulse, v, slips)


def product_time(problem: Problem) -> float:
    """CPU seconds of one complex product with K_A."""
    i, j = problem.operators.edges
    matrix = LinkEnergy(problem.operators, problem.epsilon).stiffness(problem.drive.patterns.sum(axis=0))
    begun, count = time.process_time(), 200
    for _ in range(count):
        matrix @ problem.psi
    return (time.process_time() - begun) / count


def problem_of(case: Case, tolerance: float) -> Problem:
    problem = compile(case, make_mesh(case))
    return replace(problem, clock=replace(problem.clock, tolerance=tolerance))


def films(quick: bool) -> None:
    print("film 40 x 20 xi, h = 0.5 xi, b = 0.3, j = 0.1: V between x = -10 and 10 xi")
    print("  gamma  until  tolerance  steps  mean dt  CG/step  CPU ms/tau0  K_A products  V, against the tightest")
    ladder = (3e-4, 1e-3, 1e-4) if quick else (3e-4, 1e-3, 1e-4, 1e-5)
    for gamma, until, start in ((10, 100, 50), (1, 600, 200)):
        changes = {"material.gamma": gamma, "time.until": until, "measure.from": start}
        case = load("film_vortex_flow", changes)
        runs = {tolerance: timed(problem_of(case, tolerance)) for tolerance in ladder}
        tightest = runs[min(ladder)].plain_mean(start)
        unit = product_time(problem_of(case, 1e-3))
        for tolerance in sorted(ladder, reverse=True):
            r = runs[tolerance]
            v = r.plain_mean(start)
            off = 100 * (v / tightest - 1)
            print(
                f"  {gamma:5}  {until:5}  {tolerance:9.0e}  {r.steps:5}  {until / r.steps:7.3f}"
                f"  {r.iterations:7.1f}  {1e3 * r.cpu:11.2f}  {r.cpu / unit:12.0f}  {v:.4f} {off:+.2f} %",
                flush=True,
            )


def wires(quick: bool) -> None:
    print("wire W, h = 0.1 xi: period of the slips")
    print("  gamma  tolerance  steps  mean dt  period   period/period(tightest)-1")
    ladder = (1e-3, 3e-4, 1e-4, 1e-5)
    for gamma, pulse, start in ((0, 0.30, 150), (1, 0.30, 150), (10, 0.34, 400)):
        current = {"points": [[0, pulse], [40, pulse], [41, 0.30]]}
        changes = {"material.gamma": gamma, "time.until": start + 200, "measure.from": start}
        case = load("wire_weak_spot", {**changes, "drive.current.density": current})
        runs = {tolerance: timed(problem_of(case, tolerance)) for tolerance in ladder}
        best = runs[min(ladder)].mean(start)[1]
        for tolerance, r in runs.items():
            period = r.mean(start)[1]
            assert period is not None and best is not None
            dt = case.time.until / r.steps
            off = 100 * (period / best - 1)
            print(f"  {gamma:5}  {tolerance:9.0e}  {r.steps:5}  {dt:7.3f}  {period:.4f}  {off:+.3f} %", flush=True)


def slab() -> None:
    case = load_text(SLAB, "slab")
    begun = time.process_time()
    problem = problem_of(case, 3e-4)
    ready = time.process_time() - begun
    r = timed(problem, start=80.0)
    unit = product_time(problem)
    print(f"slab 40 x 20 x 5 xi, h = 0.5 xi, gamma = 10: {problem.operators.nodes} nodes, ready in {ready:.1f} CPU s")
    print(
        f"  from 80 to 120 tau0, the vortices settled: {r.steps} steps (mean dt {40 / r.steps:.3f}),"
        f" {r.iterations:.1f} CG iterations a step, {r.cpu:.3f} CPU s per tau0 = {r.cpu / unit:.0f} products with K_A"
    )
    print(f"  {r.whole:.3f} CPU s per tau0 over all 120 tau0, the entry of vortices into the sudden field included")


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--quick", action="store_true", help="no slab, no tightest tolerance")
    quick = words.parse_args().quick
    timed(problem_of(load("film_vortex_flow", {"time.until": 2, "measure.from": 1}), 1e-3))  # compiles the kernels
    films(quick)
    wires(quick)
    if not quick:
        slab()


if __name__ == "__main__":
    main()
