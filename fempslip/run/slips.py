"""Thermal phase slips read off a run: the diffusion of the net winding N(t), not single crossings.

Noise makes zeros that go back at once, many for each slip that lasts.  What lasts is in the net winding N(t) of a
stretch, whose spread grows as

    <(N(t + w) - N(t) - v w)^2> = D w (1 - w/t_run)        D = slips in both directions per tau0,  v = <dN/dt>

for windows w well above the relaxation time; the factor is that of the v measured in the same run.  The relative error
of D is sqrt(2 w/t_run).  D is to be read where it does not depend on w.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array, Refusal
from fempslip.mesh.cochains import edge_lengths
from fempslip.mesh.operators import operators
from fempslip.mesh.paths import chain
from fempslip.physics import activation
from fempslip.run.compiling import probes_of
from fempslip.run.results import block_error, times, window
from fempslip.store import Run

WINDOWS = (50.0, 100.0, 200.0, 500.0, 1000.0)  # tau0
PREFERRED = 200.0  # tau0
SHARE = 8  # a run is at least so many windows long
SAMPLES = 4000  # of N(t) in a run, at least as many as 50 a window


@dataclass(frozen=True)
class Diffusion:
    """Net slips counted over windows: D of each with its standard error, and the drift."""

    windows: Array
    values: Array
    errors: Array
    drift: float

    @property
    def best(self) -> int:
        """The window to quote: the one nearest to PREFERRED."""
        return int(np.argmin(np.abs(np.log(self.windows / PREFERRED))))

    @property
    def plateau(self) -> bool | None:
        """Whether D of all windows from the quoted one on agree within twice their errors; None with one window."""
        k = self.best
        if self.windows.size < k + 2:
            return None
        apart = np.abs(self.values[k:] - self.values[k])
        return bool(np.all(apart <= 2 * np.hypot(self.errors[k:], self.errors[k])))


def diffusion(t: Array, n: Array, windows: Array) -> Diffusion:
    """t : (samples,) equally spaced;  n : (samples,) net winding;  windows in tau0, each rounded to whole samples."""
    step, run = float(t[1] - t[0]), float(t[-1] - t[0])
    drift = float((n[-1] - n[0]) / run)
    counts = np.unique(np.clip(np.rint(windows / step).astype(int), 1, max(1, t.size // 2)))
    length = counts * step
    spread = np.array([np.mean((n[c:] - n[:-c] - drift * step * c) ** 2) for c in counts])
    values = spread / (length * (1 - length / run))
    least = 1.0 / run  # of a run without any slip: one would have been seen
    return Diffusion(length, values, np.maximum(values, least) * np.sqrt(2 * length / run), drift)


def net_winding(case: Evolve, run: Run) -> tuple[Array, Array]:
    """(t, N) of every step in the measured time: zeros across the first pair's path, or the winding of a contour."""
    if case.measure.between:
        table, name = run.table("voltage"), f"{'|'.join(case.measure.between[0])} slips"
    elif "winding" in run.tables:
        table = run.table("winding")
        name = next(n for n in table if n != "t" and not n.endswith(" flux"))
    else:
        raise Refusal("net slips are counted between a measured pair, or around a contour: name one before the run")
    part = window(case, table["t"])
    return table["t"][part], table[name][part]


def sampled(t: Array, n: Array, shortest: float) -> tuple[Array, Array]:
    """N at equal times: the steps of a run but for those that land on a frame are equal already."""
    count = int(max(SAMPLES, 50 * (t[-1] - t[0]) / shortest))
    at = np.linspace(t[0], t[-1], min(count, t.size))
    return at, n[np.searchsorted(t, at * (1 - 1e-12))]


def windows_of(case: Evolve, run: float) -> Array:
    """As the case says, or WINDOWS as far as the run is long enough for them."""
    asked = case.noise.windows if case.noise is not None else ()
    fitting = [w for w in WINDOWS if w <= run / SHARE] or [run / SHARE]
    return np.array(sorted(asked) if asked else fitting)


def thermal_slips(case: Evolve, run: Run) -> dict[str, Any]:
    """`thermal_slips`: net slips per tau0, their drift, the resistance they make, and the law of a uniform wire."""
    if case.noise is None:
        raise Refusal("thermal slips need noise: {temperature: ..}")
    t, n = net_winding(case, run)
    if t.size < 100:
        raise Refusal("too few steps to count net slips: make time.until longer")
    windows = windows_of(case, float(t[-1] - t[0]))
    at, sample = sampled(t, n, float(windows.min()))
    found = diffusion(at, sample, windows)
    k, temperature = found.best, case.noise.temperature
    d, error = float(found.values[k]), float(found.errors[k])
    density = run.table("series")
    part = window(case, density["t"])
    ohm = unit_of_resistance(case)
    answer: dict[str, Any] = {
        "temperature": temperature,
        "window": float(found.windows[k]),
        "diffusion": d,
        "error": error,
        "rate": d / 2,
        "drift": found.drift,
        "drift_error": float(np.sqrt(max(d, 1 / (at[-1] - at[0])) / (at[-1] - at[0]))),
        "net": int(round(float(n[-1] - n[0]))),
        "plateau": found.plateau,
        "mean_density": float(density["mean_density"][part].mean()),
        "density_error": block_error(density["mean_density"][part]),
        "windows": {
            f"{w:g}": {"diffusion": float(v), "error": float(e)}
            for w, v, e in zip(found.windows, found.values, found.errors, strict=True)
        },
    }
    if temperature > 0:
        r = activation.resistance(d / 2, temperature)
        answer |= {"resistance": r, "resistance_error": r * error / d if d else None}
        answer["si"] = {"resistance_ohm": times(r, ohm), "temperature_K": run.header.get("noise", {}).get("kelvin")}
    law = lamh(case, run, ohm)
    return answer if law is None else answer | {"lamh": law, "over_lamh": d / 2 / law["rate"] if law["rate"] else None}


def unit_of_resistance(case: Evolve) -> float | None:
    """V0 over the unit of current, in ohms."""
    volt, ampere = case.scales.si("voltage"), case.scales.si("current")
    return volt / ampere if volt and ampere else None


def lamh(case: Evolve, run: Run, ohm: float | None) -> Mapping[str, Any] | None:
    """What Langer, Ambegaokar, McCumber and Halperin expect of the stretch, for a uniform wire at gamma = 0; else None.

    With the resistance of the stretch in the normal state beside it.
    """
    uniform = list(set(case.material.values()))
    if run.mesh.dim > 1 or len(uniform) != 1 or not case.measure.between or case.noise is None:
        return None
    m, temperature = uniform[0], case.noise.temperature
    if not isinstance(m.epsilon, int | float) or m.epsilon <= 0 or m.gamma > 0 or temperature <= 0:
        return None
    length = stretch(case, run)
    conserved = case.model.charge == "conserved"
    rate = activation.rate(length, temperature, m.u, m.epsilon, conserved)
    r = activation.resistance(rate, temperature)
    normal = length / (m.sigma * m.thickness)
    return {
        "length": length,
        "barrier_over_T": activation.barrier(m.epsilon) / temperature,
        "rate": rate,
        "resistance": r,
        "normal": normal,
        "si": {"resistance_ohm": times(r, ohm), "normal_ohm": times(normal, ohm)},
    }


def stretch(case: Evolve, run: Run) -> float:
    """Length of the path between the first measured pair, in xi."""
    first, second = case.measure.between[0]
    op = operators(run.mesh)
    probes = probes_of(case, run.mesh, np.ones(run.mesh.cells.shape[1]))
    b = np.zeros(op.nodes)
    np.add.at(b, probes[second].nodes, probes[second].weights)
    np.add.at(b, probes[first].nodes, -probes[first].weights)
    lengths = edge_lengths(run.mesh, op)
    return float(np.abs(chain(op, lengths, b)) @ lengths)


RESULTS: Mapping[str, Any] = {"thermal_slips": thermal_slips}
