"""What a film's own field costs: applications of L a step, time of L a node, and of a step beside one without field.

    python benchmarks/pearl.py [--radius 31] [--steps 60] [--law 16 31 84]

A disk of 62 xi (14 232 nodes) in a field ramped by 1e-3 Bc2 a tau (a gentle drive), gamma 1, default tolerance with
steps up to their limit; the first 15 tau are not timed.  Times are CPU times: on a busy machine trust the ratios.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from fempslip.case.loading import load_text
from fempslip.mesh.meshing import make_mesh
from fempslip.physics.biot_savart import BiotSavart
from fempslip.run.compiling import compile
from fempslip.solver.bdf2 import Bdf2, advance
from fempslip.solver.control import judge

CASE = """
geometry: {{dimension: 2, regions: {{film: {{disk: {{radius: {radius}}}}}}}}}
material: {{lambda: {kappa}, thickness: 1, gamma: 1}}
model: {{screening: {screening}}}
drive: {{field: {{ramp: {{from: 0, to: 1, over: 1000 tau}}}}}}
mesh: {{size: 0.5}}
time: {{until: 1000 tau}}
"""


class Counter:
    """Counts applications of L."""

    def __init__(self) -> None:
        self.count, self.plain = 0, BiotSavart.circulations
        counter = self

        def counted(law: BiotSavart, current: np.ndarray) -> np.ndarray:
            counter.count += 1
            return counter.plain(law, current)

        BiotSavart.circulations = counted  # type: ignore[method-assign]


def march(screening: str, Lambda: float, radius: float, steps: int, counter: Counter, limit: float) -> dict[str, float]:
    """Mean applications of L, CPU seconds and size of a step, after 15 tau."""
    text = CASE.format(radius=radius, kappa=Lambda**0.5, screening=screening)
    case = load_text(text, "pearl.yaml")
    problem = compile(case, make_mesh(case))
    clock = replace(problem.clock, dt_max=limit)
    begun = time.process_time()
    stepper = Bdf2.of(problem)
    made = time.process_time() - begun
    state, depth = stepper.begin(), stepper.declare()
    counted, spent, size, done, rejected = 0, 0.0, 0.0, 0, 0
    while done < steps:
        count, begun = counter.count, time.process_time()
        trial = stepper.attempt(state, state.next_dt)
        verdict = judge(trial, clock)
        used = time.process_time() - begun
        if not verdict.accepted:
            rejected += 1
            state = replace(state, next_dt=verdict.next_dt)
            continue
        state = advance(state, trial, verdict.next_dt, depth)
        if state.t > 15:
            counted, spent = counted + counter.count - count, spent + used
            size, done = size + trial.dt, done + 1
    return {"nodes": problem.operators.nodes, "L": counted / done, "ms": 1e3 * spent / done, "dt": size / done,
            "set-up": made, "rejected": rejected}  # fmt: skip


def law_alone(radius: float) -> tuple[int, float]:
    case = load_text(CASE.format(radius=radius, kappa=1, screening="pearl"), "pearl.yaml")
    mesh = make_mesh(case)
    problem = compile(case, mesh)
    law = BiotSavart.of(mesh, problem.operators)
    current = np.random.default_rng(0).normal(size=law.span.size)
    law.circulations(current)
    times = []
    for _ in range(20):
        begun = time.process_time()
        law.circulations(current)
        times.append(time.process_time() - begun)
    return problem.operators.nodes, min(times)


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--radius", type=float, default=31.0)
    words.add_argument("--steps", type=int, default=60)
    words.add_argument("--lambdas", type=float, nargs="*", default=[100.0, 10.0, 2.0, 0.5])
    words.add_argument("--limit", type=float, default=0.8, help="largest step, tau0")
    words.add_argument("--law", type=float, nargs="*", default=[], help="radii of disks for the time of L alone")
    given = words.parse_args()
    for radius in given.law:
        nodes, seconds = law_alone(radius)
        print(f"L: {nodes} nodes, {1e3 * seconds:.2f} ms, {1e6 * seconds / nodes:.3f} us a node")
    counter = Counter()
    none = march("none", 1.0, given.radius, given.steps, counter, given.limit)
    print(f"none: {none['nodes']} nodes, {none['ms']:.2f} ms a step, dt {none['dt']:.2f}")
    for Lambda in given.lambdas:
        found = march("pearl", Lambda, given.radius, given.steps, counter, given.limit)
        print(
            f"Lambda {Lambda:g}: {found['L']:.2f} applications of L a step, {found['ms']:.2f} ms, "
            f"ratio {found['ms'] / none['ms']:.1f}, dt {found['dt']:.2f}, {found['rejected']} rejected, "
            f"set-up {found['set-up']:.1f} s"
        )


if __name__ == "__main__":
    main()
