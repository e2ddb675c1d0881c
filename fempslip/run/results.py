"""Numbers read off a run, for summary.json and for expectations.  Each function answers one question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array, Refusal
from fempslip.store import Run

TURN = 2 * np.pi
ENOUGH = 3  # periods from which a mean over whole periods is quoted
STARTS = 16  # places in a period from which periods are counted


def window(case: Evolve, t: Array) -> Array:
    """True in the time that is measured: from measure.from, by default the second half of the run."""
    end = case.time.until if case.time.steady is None or not t.size else float(t[-1])
    start = case.measure.from_ if case.measure.from_ is not None else 0.5 * end
    return t >= start * (1 - 1e-12)


# ------------------------------------------------------------------------------------------- voltage


@dataclass(frozen=True)
class Mean:
    """A mean over whole periods and its standard error; None where there were slips, but fewer than three periods.

    Without any slip it is the plain mean, and its error the spread of V.
    """

    mean: float | None
    error: float | None
    period: float | None
    slips: int


def mean_voltage(case: Evolve, run: Run) -> dict[str, Any]:
    """`voltage`: mean, error, period and slips of every measured pair, in V0 and tau0, with SI beside them."""
    if "voltage" not in run.tables:
        raise Refusal("the recipe `voltage` needs measure.between: [probe, probe]")
    table = run.table("voltage")
    found = {}
    for first, second in case.measure.between:
        name = f"{first}|{second}"
        part = window(case, table["t"])
        part &= np.isfinite(table[name])
        slips = table[f"{name} slips"][part]
        mean = noisy_mean if case.noise is not None else mean_of
        found[name] = as_result(case, mean(table["t"][part], table[f"{name} impulse"][part], table[name][part], slips))
    main = next(iter(found.values()))
    return main if len(found) == 1 else {**main, "pairs": found}


def mean_of(t: Array, impulse: Array, v: Array, slips: Array) -> Mean:
    """Mean voltage from the exact integral of V dt.

    Whole periods: between times at which the integral passes values 2 pi apart, averaged over where the counting starts
    (all the same for a periodic voltage).  The error is the scatter of block means.
    """
    if t.size < 3:
        return Mean(None, None, None, 0)
    crossed = round(float(slips[-1] - slips[0]))
    total = impulse - impulse[0]
    if abs(crossed) >= 1 and abs(total[-1]) >= (ENOUGH + 1) * TURN:
        sign = np.sign(total[-1])
        periods = [np.diff(passages(t, sign * total, offset)) for offset in TURN * np.arange(STARTS) / STARTS]
        period = float(np.mean([p.mean() for p in periods]))
        error = float(np.mean([scatter(p) for p in periods]))
        mean = float(sign * TURN / period)
        return Mean(mean, abs(mean) * error, period, crossed)
    if crossed:
        return Mean(None, None, None, crossed)
    return Mean(float(total[-1] / (t[-1] - t[0])), float(np.ptp(v)), None, 0)


def noisy_mean(t: Array, impulse: Array, v: Array, slips: Array) -> Mean:
    """With noise a voltage has no periods: the plain mean, its error from the means of blocks."""
    if t.size < 3:
        return Mean(None, None, None, 0)
    mean = float((impulse[-1] - impulse[0]) / (t[-1] - t[0]))
    return Mean(mean, block_error(v), None, round(float(slips[-1] - slips[0])))


def block_error(values: Array, blocks: int = 10) -> float | None:
    """Standard error of a mean of correlated values, from the means of blocks; None with fewer values than blocks."""
    if values.size < blocks:
        return None
    means = np.array([block.mean() for block in np.array_split(values, blocks)])
    return float(means.std(ddof=1) / np.sqrt(blocks))


def passages(t: Array, rising: Array, offset: float) -> Array:
    """Times at which a (mostly) rising integral first passes offset, offset + 2 pi, ..."""
    highest = np.maximum.accumulate(rising)
    return np.interp(np.arange(offset, highest[-1], TURN), highest, t)


def scatter(periods: Array) -> float:
    """Relative standard error of the mean period, from block means (periods that follow each other are correlated)."""
    blocks = np.array_split(periods, min(8, periods.size))
    means = np.array([block.mean() for block in blocks])
    return float(means.std(ddof=1) / np.sqrt(means.size) / periods.mean()) if means.size > 1 else float("nan")


def as_result(case: Evolve, mean: Mean) -> dict[str, Any]:
    volt, second = case.scales.si("voltage"), case.scales.si("time")
    found: dict[str, Any] = {"mean": mean.mean, "error": mean.error, "period": mean.period, "slips": mean.slips}
    found["si"] = {
        "mean_V": times(mean.mean, volt),
        "error_V": times(mean.error, volt),
        "period_s": times(mean.period, second),
    }
    return found


def times(value: float | None, unit: float | None) -> float | None:
    return None if value is None or unit is None else value * unit


# ------------------------------------------------------------------------------------------- the rest


def power_balance(case: Evolve, run: Run) -> dict[str, Any]:
    """`power`: mean power supplied, dissipated and stored (F per tau0), and the part that does not balance."""
    series = run.table("series")
    part = window(case, series["t"])
    dt = series["dt"][part]
    supplied, dissipated, stored = (
        float(series[n][part] @ dt / dt.sum()) for n in ("supplied", "dissipated", "stored")
    )
    scale = max(abs(supplied), abs(dissipated), 1e-300)
    residual = (supplied - dissipated - stored) / scale
    return {"supplied": supplied, "dissipated": dissipated, "stored": stored, "residual": residual}


def condensate(case: Evolve, run: Run) -> dict[str, Any]:
    """`condensate`: mean |psi|^2 at the end, and the largest mean of the measured time."""
    series = run.table("series")
    part = window(case, series["t"])
    return {"mean_density": float(series["mean_density"][-1]), "largest": float(series["mean_density"][part].max())}


def josephson(case: Evolve, run: Run) -> dict[str, Any]:
    """`josephson_residual`: |d theta/dt + mu| over the bright nodes (|psi| > 0.5), mean rms, and largest."""
    table = run.table("josephson")
    part = window(case, table["t"])
    return {"rms": float(table["rms"][part].mean()), "largest": float(table["largest"][part].max())}


def zero_count(case: Evolve, run: Run) -> dict[str, Any]:
    """`zeros`: zeros of each sign in the last frame (2D: vortices; 3D: faces pierced by vortex lines)."""
    if "zeros" not in run.tables or not len(run.times):
        return {"positive": 0, "negative": 0}
    table = run.table("zeros")
    last = table["winding"][table["t"] == run.times[-1]]
    return {"positive": int(last[last > 0].sum()), "negative": int(-last[last < 0].sum())}


def winding_steps(case: Evolve, run: Run) -> dict[str, Any]:
    """`winding`: final winding number of each contour, and every change of it with its time and applied flux.

    loop : flux by which a change comes later on the way up than its reverse on the way down, in Phi0 (their mean)
    """
    if "winding" not in run.tables:
        raise Refusal("the recipe `winding` needs a contour in the geometry: contours: {loop: hole}")
    table = run.table("winding")
    found: dict[str, Any] = {}
    for name in (n for n in table if n != "t" and not n.endswith(" flux")):
        n = np.rint(table[name]).astype(int)
        jumps = np.flatnonzero(np.diff(n)) + 1
        steps = [
            {"t": float(table["t"][k]), "flux": float(table[f"{name} flux"][k]), "from": int(n[k - 1]), "to": int(n[k])}
            for k in jumps
        ]
        found[name] = {"final": int(n[-1]), "steps": steps, "changes": len(steps)}
        if steps:
            found[name]["first_flux"] = steps[0]["flux"]
        ups = {(s["from"], s["to"]): s["flux"] for s in steps if s["to"] > s["from"]}
        widths = [ups[s["to"], s["from"]] - s["flux"] for s in steps if (s["to"], s["from"]) in ups]
        if widths:
            found[name]["loop"] = float(np.mean(widths))
    main = next(iter(found.values()))
    return main if len(found) == 1 else {**main, "contours": found}


def magnetization(case: Evolve, run: Run) -> dict[str, Any]:
    """`magnetization`: at the end moment (Bc2 xi^dim) and magnetization (Bc2), along z and as vectors, over the applied
    field (susceptibility), flux through holes (Phi0); and the strongest diamagnetic magnetization of the run."""
    table = run.table("magnetization")
    last = {name: float(values[-1]) for name, values in table.items()}
    field_z, m_z = last["field_z"], last["magnetization_z"]
    found: dict[str, Any] = {
        name: [last[f"{name}_{axis}"] for axis in "xyz"] for name in ("field", "moment", "magnetization")
    }
    found |= {"moment_z": last["moment_z"], "magnetization_z": m_z, "strongest": float(table["magnetization_z"].min())}
    found["susceptibility"] = m_z / field_z if field_z else None
    tesla = case.scales.si("field")
    found["si"] = {"magnetization_z_T": times(m_z, tesla), "field_z_T": times(field_z, tesla)}
    found |= {name.replace(" ", "_"): value for name, value in last.items() if name.startswith("flux ")}
    return found


RESULTS: Mapping[str, Any] = {
    "mean_voltage": mean_voltage,
    "power_balance": power_balance,
    "condensate": condensate,
    "josephson": josephson,
    "zero_count": zero_count,
    "winding_steps": winding_steps,
    "magnetization": magnetization,
}
