"""Mass and energy of a superfluid through the run: table `conserved`, and the watch that stops a run that grows.

Mass and the momentum of charge do not notice the instability of a step that is too long; the energy does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fempslip.contract import Array, Failure, Problem, Sink, Step
from fempslip.physics import superfluid
from fempslip.physics.power import Meter, meter_of
from fempslip.tasks.watchers import Plain

EVERY = 10  # steps
JUMP = {True: 1e-2, False: 1e-1}  # relative change of energy that stops a run: closed, since the start; else in a look


@dataclass
class Conserved(Plain):
    """Table `conserved`: t, mass and energy relative to the start.

    The energy is relative to that of the condensate at rest, sum m eps^2/2 beta.
    start : mass and energy at the start, and the last energy
    """

    meter: Meter
    scale: float
    closed: bool
    start: Array = field(default_factory=lambda: np.full(3, np.nan))

    @classmethod
    def of(cls, problem: Problem) -> Conserved:
        fluid, m = superfluid.fluid_of(problem), problem.operators.m
        driven = bool(fluid.external.factors or problem.landscape is not None or problem.drive.fields)
        open_ = bool(fluid.reservoirs or fluid.outlet.any() or fluid.rate.real.any())
        scale = float(m @ (np.maximum(problem.epsilon, 0.0) ** 2 / (2 * problem.beta)))
        return cls(meter_of(problem), max(scale, 1e-300), not (driven or open_))

    def see(self, step: Step, sink: Sink) -> None:
        if np.isnan(self.start[0]):
            energy, mass = self.meter.stored(step.old)
            self.start = np.array([mass, energy, energy])
        if step.new.step % EVERY:
            return
        energy, mass = self.meter.stored(step.new)
        before = self.start[1] if self.closed else self.start[2]
        row = {"t": step.new.t, "mass": mass / self.start[0] - 1, "energy": (energy - self.start[1]) / self.scale}
        sink.row("conserved", row)
        self.start[2] = energy
        if not abs(energy - before) <= JUMP[self.closed] * self.scale:
            raise Failure(
                f"at t = {step.new.t:g} tau the energy of the condensate has changed by "
                f"{(energy - before) / self.scale:.2g} of that of the condensate at rest "
                f"{'since the start' if self.closed else f'within {EVERY} steps'}: the step is too long for the mesh "
                "or the drive too sudden; set time.fixed smaller, or ramp the drive"
            )

    def save(self) -> Mapping[str, Array]:
        return {"start": self.start}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.start = arrays["start"].copy()
