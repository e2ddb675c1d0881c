"""Cost of a step with self-field beside one without: a film of about 14 000 nodes in a gently rising field.

python benchmarks/self_field.py
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from fempslip.case import load
from fempslip.mesh.meshing import make_mesh
from fempslip.run.compiling import compile
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


if __name__ == "__main__":
    nodes, plain = cost("none")
    _, own = cost("maxwell")
    print(f"{nodes} nodes: none {plain:.2f} ms a step, maxwell {own:.2f} ms, ratio {own / plain:.2f}")
