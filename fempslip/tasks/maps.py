"""Where the condensate is and where power turns to heat: means over the measured time, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array, Problem, Sink, Step
from fempslip.physics.relaxation import dissipation
from fempslip.tasks.watchers import Plain

COLUMNS = ("density", "relaxation", "ohmic", "share")


@dataclass
class Maps(Plain):
    """Table `maps`, written at the end (t): a row for each node, in their order.

    density : <|psi|^2>;  relaxation, ohmic : mean power of the node, in units of F per tau0, by the relaxation of psi
    and by the normal current;  share : the part of the body (its volume, weighted as in m) that is the node's

    The power of an edge's normal current, e (M1 e)_e, is shared by its ends, so that the sum over all nodes is that of
    physics.power at every step.  start : of the measured time;  sums : (3, nodes), times dt;  span : so far
    """

    start: float
    sums: Array
    span: Array
    share: Array
    last: Array

    @classmethod
    def of(cls, problem: Problem, start: float) -> Maps:
        m = problem.operators.m
        return cls(start, np.zeros((3, m.size)), np.zeros(1), m, np.zeros(1))

    def see(self, step: Step, sink: Sink) -> None:
        old, new = step.old, step.new
        if new.t < self.start * (1 - 1e-12):
            return
        p, dt, self.last = step.problem, new.t - old.t, np.array([new.t])
        middle, rate = 0.5 * (old["psi"] + new["psi"]), (new["psi"] - old["psi"]) / dt
        self.sums[0] += dt * 0.5 * (np.abs(old["psi"]) ** 2 + np.abs(new["psi"]) ** 2)
        self.sums[1] += dt * self.share * dissipation(middle, rate, p.u, p.gamma)
        if p.model.get("charge") != "off":
            e = (new["a"] - old["a"]) / dt
            half = e * (p.operators.M1 @ e)  # half of 2 e M1 e
            i, j = p.operators.edges
            self.sums[2] += dt * (np.bincount(i, half, self.share.size) + np.bincount(j, half, self.share.size))
        self.span += dt

    def save(self) -> Mapping[str, Array]:
        return {"sums": self.sums, "span": self.span, "last": self.last}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.sums, self.span, self.last = (arrays[name].copy() for name in ("sums", "span", "last"))

    def finish(self, sink: Sink) -> None:
        means = self.sums / max(self.span[0], 1e-300)
        t = np.full(self.share.size, self.last[0])
        sink.rows("maps", {"t": t, **dict(zip(COLUMNS, (*means, self.share), strict=True))})
