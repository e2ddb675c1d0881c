"""Sounds of the two-fluid model (Landau, J. Phys. USSR 5, 71 (1941)), without thermal expansion and dissipation.

    first sound    c1              pressure and density; both fluids move as one (the phonon, the Goldstone mode)
    second sound   c2^2 = (rho_s/rho_n) T s^2/c      temperature and entropy; rho_s v_s + rho_n v_n = 0
    fourth sound   c4^2 = (rho_s/rho) c1^2 + (rho_n/rho) c2^2      the normal fluid is held by a porous medium

with v = (rho_s v_s + rho_n v_n)/rho, w = v_n - v_s, and d = delta rho/rho, h = delta T/T:

    d d/dt = -dv/dx       dv/dt = -c1^2 dd/dx
    dh/dt = -(rho_s/rho) (s/c) dw/dx       dw/dt = -(rho/rho_n) s T dh/dx
    v_n = 0:   dd/dt = -(rho_s/rho) dv_s/dx       dv_s/dt = -(c1^2 + T s^2/c) dd/dx

The phase of the condensate turns by its potential in all of them: dv_s/dt = -d(p/rho - s delta T)/dx.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array

CELLS = 2000
COURANT = 0.9
SHOWN = 6  # profiles kept of every wave


@dataclass(frozen=True)
class TwoFluid:
    """share : rho_s/rho;  first_sound : m/s;  temperature : K;  entropy, heat : J/(kg K)."""

    share: float
    first_sound: float
    temperature: float
    entropy: float
    heat: float

    @property
    def second_sound(self) -> float:
        return float(np.sqrt(self.share / (1 - self.share) * self.temperature * self.entropy**2 / self.heat))

    @property
    def fourth_sound(self) -> float:
        return float(np.sqrt(self.share * self.first_sound**2 + (1 - self.share) * self.second_sound**2))

    def couplings(self, kind: str) -> tuple[float, float]:
        """(a, b) of d(field)/dt = -a d(flow)/dx, d(flow)/dt = -b d(field)/dx."""
        s, t, c = self.entropy, self.temperature, self.heat
        return {
            "first": (1.0, self.first_sound**2),
            "second": (self.share * s / c, s * t / (1 - self.share)),
            "fourth": (self.share, self.first_sound**2 + t * s**2 / c),
        }[kind]

    def fields(self, kind: str, field: Array, flow: Array) -> Mapping[str, Array]:
        """density, temperature (relative), superfluid and normal velocity of a wave of one kind."""
        none, share = np.zeros_like(field), self.share
        if kind == "first":
            return {"density": field, "temperature": none, "superfluid": flow, "normal": flow}
        if kind == "second":
            return {"density": none, "temperature": field, "superfluid": (share - 1) * flow, "normal": share * flow}
        cold = -self.entropy / self.heat * field
        return {"density": field, "temperature": cold, "superfluid": flow, "normal": none}


@dataclass(frozen=True, eq=False)
class Pulse:
    """A pulse on its way.  x : (cells,);  t : (profiles,);  field, flow : (profiles, cells)

    speed : from the times at which its crest passes two places
    """

    x: Array
    t: Array
    field: Array
    flow: Array
    speed: float


def pulse(fluid: TwoFluid, kind: str, length: float, width: float, cells: int = CELLS) -> Pulse:
    """A pulse that starts at a wall and runs to the other: field and flow on a staggered grid, leapfrog in time."""
    a, b = fluid.couplings(kind)
    h = length / cells
    x = (np.arange(cells) + 0.5) * h
    dt = COURANT * h / np.sqrt(a * b)
    steps = int(0.85 * length / np.sqrt(a * b) / dt)
    field, flow = np.exp(-((x / width) ** 2)), np.zeros(cells + 1)
    places = (int(0.35 * cells), int(0.75 * cells))
    passing = np.zeros((2, steps))
    kept, times = [], []
    flow[1:-1] -= 0.5 * dt * b * np.diff(field) / h  # flow lives half a step later
    for n in range(steps):
        if n % (steps // SHOWN) == 0:
            kept.append((field.copy(), 0.5 * (flow[1:] + flow[:-1])))
            times.append(n * dt)
        field -= dt * a * np.diff(flow) / h
        flow[1:-1] -= dt * b * np.diff(field) / h
        passing[:, n] = field[list(places)]
    crests = [crest(trace) * dt for trace in passing]
    speed = (x[places[1]] - x[places[0]]) / (crests[1] - crests[0])
    return Pulse(x, np.array(times), np.array([f for f, _ in kept]), np.array([v for _, v in kept]), float(speed))


def crest(trace: Array) -> float:
    """Where a trace is highest, between its samples, by a parabola."""
    k = int(np.argmax(trace))
    low, top, high = trace[k - 1 : k + 2]
    return k + 0.5 * (low - high) / (low - 2 * top + high)
