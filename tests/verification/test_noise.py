"""Oracles E1 to E5: thermal noise by fluctuation and dissipation, fixed seeds.

T is k T in units of F; a run of n correlated samples has a standard error, measured from ten blocks of it.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from, problem_of

from fempslip.contract import Array, Noise, Problem
from fempslip.run.results import block_error
from fempslip.solver.bdf2 import advance
from fempslip.solver.trapezoid import Trapezoid

slow = pytest.mark.slow
pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")

WIRE = """
geometry:
  dimension: 1
  parameters: {length: 60 xi}
  regions: {wire: {segment: {from: [0], to: [length]}}}
material: {u: 5.79, gamma: 0}
mesh: {size: 0.25 xi}
time: {until: 1000 tau}
"""
RING = """
geometry:
  dimension: 1
  parameters: {radius: "38.1971863 xi"}
  regions: {ring: {ring: {radius: radius, center: [0, 0]}}}
  holes: {hole: {point: [0, 0]}}
  contours: {loop: hole}
material: {u: 5.79, gamma: 0}
model: {charge: "off"}
mesh: {size: 0.25 xi}
time: {until: 1000 tau}
"""


def hot(problem: Problem, temperature: float, dt: float, seed: int = 1, johnson: bool = False) -> Trapezoid:
    """A stepper at constant dt."""
    cells = np.ones(problem.mesh.cells.shape[1]) if johnson else None
    clock = replace(problem.clock, fixed=dt)
    return Trapezoid.of(replace(problem, clock=clock, noise=Noise(temperature, seed, cells)))


def averaged(stepper: Trapezoid, steps: int, settle: int, every: int, see: object) -> Array:
    """see(state) at every `every`-th step after `settle` of them."""
    state, depth, dt, found = stepper.begin(), stepper.declare(), stepper.step(), []
    for k in range(steps):
        trial = stepper.attempt(state, dt)
        state = advance(state, trial, dt, depth)
        if k >= settle and k % every == 0:
            found.append(see(state))
    return np.array(found)


def density(problem: Problem):
    share = problem.operators.m / problem.operators.m.sum()
    return lambda state: share @ np.abs(state["psi"]) ** 2


# ------------------------------------------------------------------------------------------- linear modes


@pytest.mark.parametrize(
    ("height", "pace"), [(40.0, 0.05), (40.0, 0.2), (40.0, 1.0), (40.0, 5.0), (40.0, 50.0), (0.5, 0.05), (0.5, 1.0)]
)
def test_the_variance_of_linear_modes_is_T_over_lambda_whatever_the_step(tmp_path: Path, height: float, pace: float):
    """<|c|^2> lambda/T = 1 within 2 %, mean of the modes of K + height m at pace = lambda dt/u of the slowest one.

    240 nodes at h = 1: lambda from height to height + 4.  The standard error of the mean is below 0.6 %.
    """
    changes = {
        "geometry.parameters.length": 239.0,
        "mesh.size": 1.0,
        "model.charge": "off",
        "material.epsilon": -height,
    }
    problem = problem_of(case_from(WIRE, tmp_path, changes))
    op, temperature = problem.operators, 1e-9
    k = (op.G.T @ (op.w[:, None] * op.G.toarray())) + np.diag(height * op.m)
    root = np.sqrt(op.m)
    values, vectors = np.linalg.eigh(k / root[:, None] / root[None, :])
    stepper = hot(replace(problem, psi=np.zeros_like(problem.psi)), temperature, pace * problem.u[0] / values[0])
    modes = (vectors * root[:, None]).T
    ratio = averaged(stepper, 4000, 200, 4, lambda s: np.mean(np.abs(modes @ s["psi"]) ** 2 * values) / temperature)
    assert block_error(ratio) < 0.007
    assert ratio.mean() == pytest.approx(1.0, abs=0.02)


# ------------------------------------------------------------------------------------------- E1, E2, E3


@pytest.mark.parametrize("charge", ["off", "conserved"])
def test_E1_above_Tc(tmp_path: Path, charge: str):
    """eps = -0.5, T = 0.02, L = 60, h = 0.25, dt = 0.1: <|psi|^2> of the linear modes times 0.974, within 3 %.

    0.974: the quartic to first order, which for a complex field is eps -> eps - 2 <|psi|^2> in T mean (K - eps m)^-1.
    """
    temperature, a = 0.02, 0.5
    problem = problem_of(case_from(WIRE, tmp_path, {"material.epsilon": -a, "model.charge": charge}))
    op = problem.operators

    def gaussian(mass: float) -> float:
        k = (op.G.T @ (op.w[:, None] * op.G.toarray())) + np.diag(mass * op.m)
        return temperature * float(op.m @ np.diag(np.linalg.inv(k))) / op.m.sum()

    first_order = gaussian(a + 2 * gaussian(a))
    assert first_order / gaussian(a) == pytest.approx(0.974, abs=0.003)
    stepper = hot(replace(problem, psi=0 * problem.psi), temperature, 0.1, johnson=charge == "conserved")
    found = averaged(stepper, 25_000, 1000, 10, density(problem))
    assert block_error(found) < 0.01 * found.mean()
    assert found.mean() == pytest.approx(first_order, rel=0.03)


EXACT = {1: 1.287600, 2: 1.112636, 4: 1.027624, 10: 1.000851}


def points(folder: Path, volume: float, gamma: float) -> Problem:
    """4000 points without links, each of the given volume: zero dimensions, as often as there are nodes."""
    problem = problem_of(case_from(RING, folder, {"material.gamma": gamma, "mesh.size": 0.06}))
    op = problem.operators
    alone = replace(op, w=np.zeros_like(op.w), m=np.full(op.nodes, volume))
    return replace(problem, operators=alone)


@pytest.mark.parametrize(("ratio", "gamma", "tolerance"), [
    (1, 0, 0.004), (2, 0, 0.004), (4, 0, 0.004), (10, 0, 0.004), (1, 1, 0.012), (4, 1, 0.01), (10, 1, 0.01),
])  # fmt: skip
def test_E2_a_point(tmp_path: Path, ratio: int, gamma: float, tolerance: float):
    """<|psi|^2> at volume over T = 1, 2, 4, 10, dt = 0.1; exact, by quadrature of exp(-F/T)."""
    problem = points(tmp_path, 1.0, gamma)
    found = averaged(hot(problem, 1.0 / ratio, 0.1), 4000, 800, 10, density(problem))
    assert block_error(found) < tolerance / 3 * found.mean()
    assert found.mean() == pytest.approx(EXACT[ratio], rel=tolerance)
