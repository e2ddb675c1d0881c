"""Cost of a step with self-field beside one without: a film of about 14 000 nodes in a gently rising field, and a
body with about 60 000 edges, by a factor and by multigrid.

python benchmarks/self_field.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from fempslip.case import load
from fempslip.mesh.meshing import make_mesh
from fempslip.run.compiling import compile
from fempslip.solver import self_field
from fempslip.solver.bdf2 import Bdf2, advance

CASE = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [54 xi, 54 xi], center: [0, 0]}}}
material: {u: 5.79, gamma: 1, lambda: 2}
drive: {field: {ramp: {from: 0, to: 0.05, over: 500 tau}}}
mesh: {size: 0.5 xi}
time: {until: 500 tau}
"""
STEPS, FIRST, DT = 60, 20, 0.2


def cost(screening: str) -> tuple[int, float]:
    """(nodes, CPU milliseconds a step) after the first steps, which factor and compile."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.yaml"
        path.write_text(CASE, encoding="utf-8")
        case = load(path, {"model.screening": screening})
        problem = compile(case, make_mesh(case))
    stepper = Bdf2.of(problem)
    state, depth = stepper.begin(), stepper.declare()
    begun = 0.0
    for k in range(STEPS):
        if k == FIRST:
            begun = time.process_time()
        state = advance(state, stepper.attempt(state, DT), DT, depth)
    return problem.operators.nodes, 1e3 * (time.process_time() - begun) / (STEPS - FIRST)


BODY = """
geometry:
  dimension: 3
  regions: {body: {sphere: {radius: 6.6 xi, center: [0, 0, 0]}}}
material: {u: 5.79, gamma: 1, lambda: 2}
model: {screening: maxwell}
drive: {field: {direction: [0, 0, 1], ramp: {from: 0, to: 0.05, over: 500 tau}}}
mesh: {size: 0.6 xi}
time: {until: 500 tau}
"""


def body_costs() -> None:
    """Print CPU milliseconds of a step and of its solution for a, and seconds of the set-up, either way."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.yaml"
        path.write_text(BODY, encoding="utf-8")
        case = load(path)
        problem = compile(case, make_mesh(case))
    assert problem.surroundings is not None
    print(f"{problem.surroundings.operators.edges.shape[1]} edges, {problem.operators.edges.shape[1]} of the body")
    for way, limit, steps in (("factor", 10**9, 30), ("multigrid", 0, 12)):
        self_field.OFTEN = limit
        stepper, spent = Bdf2.of(problem), [0.0]
        solve = self_field.MaxwellField.solve

        def timed(*given: Any, solve: Any = solve, spent: list[float] = spent) -> Any:
            begun = time.process_time()
            found = solve(*given)
            spent[0] += time.process_time() - begun
            return found

        self_field.MaxwellField.solve = timed  # type: ignore[method-assign]
        state, depth = stepper.begin(), stepper.declare()
        for k in range(steps):
            if k == 3:
                setup, spent[0], begun = spent[0], 0.0, time.process_time()
            state = advance(state, stepper.attempt(state, DT), DT, depth)
        self_field.MaxwellField.solve = solve  # type: ignore[method-assign]
        step, a = (1e3 * x / (steps - 3) for x in (time.process_time() - begun, spent[0]))
        print(f"{way}: {step:.1f} ms a step, {a:.1f} ms of it for a; first three solutions with set-up {setup:.1f} s")


if __name__ == "__main__":
    body_costs()
    nodes, plain = cost("none")
    _, own = cost("maxwell")
    print(f"{nodes} nodes: none {plain:.2f} ms a step, maxwell {own:.2f} ms, ratio {own / plain:.2f}")
