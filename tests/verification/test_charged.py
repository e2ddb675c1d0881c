"""Charged condensates against the oracle K2: the plasma gap, light, Gauss's law, energy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_superfluid import frequency, problem_on

from fempslip.contract import Array, Mesh, Problem, State
from fempslip.mesh import simple
from fempslip.physics.power import meter_of
from fempslip.solver.bdf2 import advance
from fempslip.solver.charged import Charged, gauss
from fempslip.tasks.seeds import VortexLine, uniform


def charged(mesh: Mesh, psi: Array, dt: float, wp: float, kappa: float = 0.0) -> Problem:
    problem = problem_on(mesh, psi, dt)
    fluid = replace(problem.fluid, permittivity=wp**-2, kappa=kappa)
    return replace(problem, model={"dynamics": "charged"}, fluid=fluid)


def marched(problem: Problem, steps: int, start: State | None = None) -> list[State]:
    stepper, dt = Charged.of(problem), problem.clock.fixed or 0.0
    states = [start or stepper.begin()]
    for _ in range(steps):
        states.append(advance(states[-1], stepper.attempt(states[-1], dt), dt, stepper.declare()))
    return states


@pytest.mark.parametrize("wp", [0.5, 1.7])
@pytest.mark.parametrize("k", [0.5, 1.0])
def test_sound_has_the_plasma_gap(wp: float, k: float) -> None:
    """K2, longitudinal: omega^2 = wp^2 + 2 k^2 + k^4 within 0.3 %; ring, h = 0.1, dt = 0.025."""
    h, dt, waves = 0.1, 0.025, max(1, round(2 * k))
    n = round(2 * np.pi * waves / k / h)
    k, x = 2 * np.pi * waves / (n * h), h * np.arange(n)
    omega = np.sqrt(wp**2 + 2 * k**2 + k**4)
    problem = charged(simple.closed_ring(n, n * h), np.exp(1e-4j * np.cos(k * x)), dt, wp)
    states = marched(problem, int(6 * 2 * np.pi / omega / dt))
    c = np.array([np.sum((np.abs(s["psi"]) ** 2 - 1) * np.cos(k * x)) for s in states[1:]])
    assert frequency(np.array([s.t for s in states[1:]]), c) == pytest.approx(omega, rel=3e-3)
    assert np.abs(gauss(problem, states[-1]) - gauss(problem, states[0])).max() <= 1e-9


def plasma_in_a_film(n: int) -> float:
    """Relative error of the longitudinal frequency at k = 1, wp = 1.7 on a film of 2 pi by 2 with n cells along k."""
    wp, k, dt = 1.7, 1.0, 0.025
    mesh = simple.rectangle(n, max(2, n // 3), (2 * np.pi, 2.0))
    x = mesh.points[0] + np.pi
    omega = np.sqrt(wp**2 + 2 * k**2 + k**4)
    problem = charged(mesh, np.exp(1e-4j * np.cos(k * x)), dt, wp, kappa=2.0)
    states = marched(problem, int(4 * 2 * np.pi / omega / dt))
    m = problem.operators.m
    c = np.array([np.sum(m * (np.abs(s["psi"]) ** 2 - 1) * np.cos(k * x)) for s in states[1:]])
    return frequency(np.array([s.t for s in states[1:]]), c) / omega - 1


def test_the_gap_in_a_film_by_its_order() -> None:
    """K2 in 2D: the error falls as h^2, and what is left when it is drawn on to h = 0 is below 0.3 %."""
    coarse, fine = plasma_in_a_film(12), plasma_in_a_film(24)
    assert 1.6 < np.log2(coarse / fine) < 2.4
    assert abs(fine + (fine - coarse) / 3) < 3e-3


@pytest.mark.parametrize("wp", [0.5, 1.7])
def test_light_in_the_condensate(wp: float) -> None:
    """K2, transverse: omega^2 = wp^2 + c^2 k^2, c = kappa wp; cavity mode a ~ curl of sin x/2 sin y/2, k^2 = 1/2."""
    kappa, dt, side, n = 2.0, 0.02, 2 * np.pi, 16
    mesh = simple.rectangle(n, n, (side, side))
    problem = charged(mesh, np.ones((n + 1) ** 2, dtype=complex), dt, wp, kappa)
    op = problem.operators
    x, y = (mesh.points + 0.5 * side) / 2
    start = Charged.of(problem).begin()
    i, j = op.edges
    mx, my = 0.5 * (x[i] + x[j]), 0.5 * (y[i] + y[j])
    ax, ay = np.sin(mx) * np.cos(my), -np.cos(mx) * np.sin(my)  # free of divergence, along the walls at each wall
    along = mesh.points[:, j] - mesh.points[:, i]
    shape = 1e-4 * (ax * along[0] + ay * along[1])
    start = replace(start, history={**start.history, "a": (shape,)})
    omega = np.sqrt(wp**2 * (1 + kappa**2 * 0.5))
    states = marched(problem, int(6 * 2 * np.pi / omega / dt), start)
    c = np.array([shape @ (op.M1 @ s["a"]) for s in states])
    assert frequency(np.array([s.t for s in states]), c) == pytest.approx(omega, rel=5e-3)


def test_gauss_and_energy_with_strong_flow() -> None:
    """A vortex pair, t = 10, dt = 0.02: Gauss's law to 1e-9, energy to 2e-3 of that of the condensate at rest."""
    mesh = simple.rectangle(20, 16, (10.0, 8.0))
    problem = charged(mesh, np.ones(mesh.nodes, dtype=complex), 0.02, 1.0, kappa=2.0)
    op, none = problem.operators, np.zeros(problem.operators.edges.shape[1])
    z = np.array([0.0, 0.0, 1.0])
    lines = [VortexLine(np.array([0.0, 1.8]), z, 1), VortexLine(np.array([0.0, -1.8]), z, -1)]
    problem = replace(problem, psi=uniform(mesh, op, np.ones(op.nodes), none, lines))
    states, meter = marched(problem, 500), meter_of(problem)
    law = gauss(problem, states[0])
    assert max(np.abs(gauss(problem, s) - law).max() for s in states[::25]) <= 1e-9
    energy = np.array([meter.stored(s)[0] for s in states[::25]])
    assert np.abs(energy - energy[0]).max() <= 2e-3 * 0.5 * op.m.sum()
    mass = np.array([op.m @ np.abs(s["psi"]) ** 2 for s in states[::25]])
    assert np.abs(mass / mass[0] - 1).max() < 1e-9
