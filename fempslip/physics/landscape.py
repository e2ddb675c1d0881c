"""epsilon in time: where the material heats and cools.

    epsilon(r, t) = sum of profiles times waveforms,   dF/dt gains - sum_i m_i (d epsilon_i/dt) |psi_i|^2

the power that whatever sets the temperature puts into the condensate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fempslip.contract import Array, Problem, State


@dataclass(frozen=True, eq=False)
class Epsilon:
    """epsilon of a problem at any time, made anew only when it has changed."""

    problem: Problem
    kept: dict[str, Any] = field(default_factory=dict)

    def at(self, t: float) -> Array:
        """(nodes,)."""
        land = self.problem.landscape
        if land is None:
            return self.problem.epsilon
        values = tuple(f.value(t) for f in land.factors)
        if self.kept.get("values") != values:
            self.kept.update(values=values, epsilon=land.constant + np.array(values) @ land.patterns)
        return self.kept["epsilon"]

    def supplied(self, old: State, new: State) -> float:
        """Mean power put in by the change of epsilon during a step."""
        if self.problem.landscape is None:
            return 0.0
        before = self.at(old.t)
        change = self.at(new.t) - before
        density = 0.5 * (np.abs(old["psi"]) ** 2 + np.abs(new["psi"]) ** 2)
        return -float((self.problem.operators.m * change) @ density) / (new.t - old.t)
