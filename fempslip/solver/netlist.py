"""The circuit's step: variable-step BDF2, implicit, linear, without iteration, stable at any C and L, zero included.

    (E a1/dt + A) x_new = b(t + dt) + E (h0 x_now + h1 x_before)/dt

At the start and at a kink of a source the same with one backward Euler step so short that charges and fluxes stay what
they are: everything else then belongs to the sources from there on.

Johnson noise of a resistor is a voltage in series, <dV dV'> = T R delta(t - t'), T = k T in units of F (one j0 V0 tau0
is two of these, so it is T R and not 2 T R).  With it steps are fixed, and BDF2 takes the increments of the last two,
(a1 W_new - (a1 - 1) W_before)/dt (Buckwar and Winkler, SIAM J. Numer. Anal. 44, 779 (2006)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array, Closed, Failure, Load, Problem, State
from fempslip.physics.applied import PrescribedCurrents
from fempslip.physics.circuit import Equations
from fempslip.solver.bdf import bdf, weights

INSTANT = 1e-6  # of dt_start: the step that makes potentials consistent with a source that has just jumped
NO_SOLUTION = Failure("the circuit has no solution: a loop of voltages or a node that floats")
CHARGES = 1.0  # V0: errors of capacitor voltages count against this, or against the voltage itself if it is larger


def load_of(problem: Problem) -> Load:
    return PrescribedCurrents(problem) if problem.drive.circuit is None else netlist_of(problem)


def netlist_of(problem: Problem) -> Netlist:
    """By whether the sample has noise of its own."""
    return Netlist.of(problem) if problem.noise is None else Midpoint.of(problem)


@dataclass(frozen=True, eq=False)
class Netlist:
    """contract.Load: a circuit decides the currents.  Its state is `circuit`, the unknowns x."""

    problem: Problem
    equations: Equations
    section: float  # of the narrowest terminal: errors of inductor currents count against j0 times this

    @classmethod
    def of(cls, problem: Problem) -> Netlist:
        circuit = problem.drive.circuit
        assert circuit is not None
        equations = Equations.of(circuit, problem.contacts)
        return cls(problem, equations, min(problem.contacts[k].section for k in equations.attached))

    def declare(self) -> Mapping[str, int]:
        return {"circuit": 3}

    def begin(self) -> Mapping[str, Array]:
        """At rest: no current in any inductor, no charge on any capacitor."""
        return {"circuit": np.zeros(self.equations.size)}

    def close(self, v_s: Array, r: Array, past: State, t: float) -> Closed:
        eq, dt = self.equations, t - past.t
        known = past.past("circuit")
        last = past.steps[0] if past.steps and len(known) > 1 and dt > 0 else None
        step = dt if dt > 0 else INSTANT * self.problem.clock.dt_start
        a1, h0, h1 = bdf(step, last)
        history = h0 * known[0] + (h1 * known[1] if last is not None else 0.0)
        b = eq.driven(t, v_s) + eq.E @ history / step
        if dt > 0:
            self.add_noise(b, past.step, step, a1)
        try:
            x = np.linalg.solve(eq.E * (a1 / step) + eq.with_sample(r), b)
        except np.linalg.LinAlgError:
            raise NO_SOLUTION from None
        errors = self.errors(x, known, dt, past.steps) if dt > 0 and len(known) > 1 else {}
        return Closed(eq.currents(x, len(self.problem.contacts)), {"circuit": x}, errors)

    def during(self, old: State, new: State) -> Array:
        count = len(self.problem.contacts)
        return 0.5 * (self.equations.currents(old["circuit"], count) + self.equations.currents(new["circuit"], count))

    def instants(self, old: State, new: State) -> list[tuple[Array, float]]:
        """(x, t) whose mean stands for a step."""
        return [(old["circuit"], old.t), (new["circuit"], new.t)]

    def stored(self, state: State) -> float:
        """Energy of inductors and capacitors, in J0 V0 tau0."""
        return self.equations.energy(state["circuit"])

    def errors(self, x: Array, known: tuple[Array, ...], dt: float, steps: tuple[float, ...]) -> Mapping[str, float]:
        """Largest distance of inductor currents and capacitor voltages from their quadratic extrapolation."""
        eq = self.equations
        if eq.circuit.temperature or not (eq.kept.size or len(eq.across)):
            return {}
        w = weights(dt, steps, len(known))
        off = x - sum(weight * before for weight, before in zip(w, known, strict=True))
        size = np.concatenate([self.section + np.abs(x[eq.kept]), CHARGES + np.abs(eq.across @ x)])
        return {"circuit": float(np.max(np.abs(np.concatenate([off[eq.kept], eq.across @ off])) / size))}

    def add_noise(self, b: Array, number: int, dt: float, a1: float) -> None:
        """Johnson voltages of the step after step `number`, from a counter: a resumed run draws the same."""
        eq = self.equations
        resistors = eq.resistors
        if not eq.circuit.temperature or not resistors:
            return
        now, before = (draws(eq.circuit.seed, k, len(resistors)) for k in (number, number - 1))
        for e, new, old in zip(resistors, now, before, strict=True):
            size = np.sqrt(eq.circuit.temperature * e.value / dt)
            b[eq.branch[e.name]] += size * (a1 * new - (a1 - 1) * old)


@dataclass(frozen=True, eq=False)
class Midpoint(Netlist):
    """The circuit's step beside a sample with noise: the midpoint rule, with which charges and fluxes have the variance
    of equilibrium at whatever step, as the waves of psi have with the trapezoid.

        E (x_new - x_now)/dt + A x = b(t + dt/2),    E x_new = 2 E x - E x_now

    Its state is `circuit`, the means x of the step, and `kept`, E x_new: charges and fluxes at the end.
    """

    def declare(self) -> Mapping[str, int]:
        return {"circuit": 1, "kept": 1}

    def begin(self) -> Mapping[str, Array]:
        return {"circuit": np.zeros(self.equations.size), "kept": np.zeros(self.equations.size)}

    def close(self, v_s: Array, r: Array, past: State, t: float) -> Closed:
        """v_s : mean of the step that ends at t."""
        eq, dt, kept = self.equations, t - past.t, past["kept"]
        b = eq.driven(past.t + 0.5 * dt, v_s) + 2 * kept / dt
        self.add_noise(b, past.step, dt, 1.0)
        try:
            x = np.linalg.solve(eq.E * (2 / dt) + eq.with_sample(r), b)
        except np.linalg.LinAlgError:
            raise NO_SOLUTION from None
        arrays = {"circuit": x, "kept": 2 * eq.E @ x - kept}
        return Closed(eq.currents(x, len(self.problem.contacts)), arrays)

    def during(self, old: State, new: State) -> Array:
        return self.equations.currents(new["circuit"], len(self.problem.contacts))

    def instants(self, old: State, new: State) -> list[tuple[Array, float]]:
        return [(new["circuit"], 0.5 * (old.t + new.t))]

    def stored(self, state: State) -> float:
        return self.equations.energy_of(state["kept"])


def draws(seed: int, number: int, count: int) -> Array:
    """(count,) standard normal numbers of a step, others than those of the sample (physics.fluctuations.Draws)."""
    if number < 0:
        return np.zeros(count)
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, number])).standard_normal(count)
