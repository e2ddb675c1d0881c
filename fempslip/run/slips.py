"""Thermal phase slips read off a run: how often, which resistance, and the law of a uniform wire beside it."""

from __future__ import annotations

from collections.abc import Mapping
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
from fempslip.topology.net_winding import diffusion, lasting, sampled

WINDOWS = (50.0, 100.0, 200.0, 500.0, 1000.0)  # tau0
FEWEST = 100  # steps from which net slips are counted at all
SHARE = 8  # a run is at least so many windows long


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
    density = run.table("series")
    part = window(case, density["t"])
    ohm = unit_of_resistance(case)
    answer: dict[str, Any] = {
        "temperature": case.noise.temperature,
        "net": round(float(n[-1] - n[0])) if n.size else 0,
        "mean_density": float(density["mean_density"][part].mean()) if part.any() else None,
        "density_error": block_error(density["mean_density"][part]),
        **counted(case, t, n),
        "si": {"temperature_K": run.header.get("noise", {}).get("kelvin"), "resistance_ohm": None},
    }
    answer["si"]["resistance_ohm"] = times(answer["resistance"], ohm)
    if not case.measure.between:
        return answer | ring(case, run)
    law = lamh(case, run, ohm)
    if law is None:
        return answer
    over = answer["rate"] / law["rate"] if answer["rate"] is not None and law["rate"] else None
    return answer | {"lamh": law, "over_lamh": over}


def counted(case: Evolve, t: Array, n: Array) -> dict[str, Any]:
    """diffusion of the quoted window with its error, rate, drift, plateau, resistance, and all windows.

    None everywhere in a run of fewer than FEWEST steps.
    """
    names = (
        "window",
        "diffusion",
        "error",
        "rate",
        "drift",
        "drift_error",
        "plateau",
        "resistance",
        "resistance_error",
    )
    if t.size < FEWEST or case.noise is None:
        return dict.fromkeys(names) | {"windows": {}}
    run = float(t[-1] - t[0])
    windows = windows_of(case, run)
    found = diffusion(*sampled(t, n, float(windows.min())), windows)
    k, temperature = found.best, case.noise.temperature
    d, error = float(found.values[k]), float(found.errors[k])
    least = max(d, 1 / run)
    heat = temperature > 0
    each = zip(found.windows, found.values, found.errors, strict=True)
    return {
        "window": float(found.windows[k]),
        "diffusion": d,
        "error": error,
        "rate": d / 2,
        "drift": found.drift,
        "drift_error": float(np.sqrt(least / run)),
        "plateau": found.plateau,
        "resistance": activation.resistance(d / 2, temperature) if heat else None,
        "resistance_error": activation.resistance(error / 2, temperature) if heat else None,
        "windows": {f"{w:.4g}": {"diffusion": float(v), "error": float(e)} for w, v, e in each},
    }


def unit_of_resistance(case: Evolve) -> float | None:
    """V0 over the unit of current, in ohms."""
    volt, ampere = case.scales.si("voltage"), case.scales.si("current")
    return volt / ampere if volt and ampere else None


def lamh(case: Evolve, run: Run, ohm: float | None) -> Mapping[str, Any] | None:
    """What Langer, Ambegaokar, McCumber and Halperin expect of the stretch, for a uniform wire at gamma = 0; else None.

    With the resistance of the stretch in the normal state beside it.  The law is that of low T; `zeros_over_gauss` is
    what it leaves out of the weight of a zero.
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
        "zeros_over_gauss": activation.zeros_over_gauss(temperature, m.epsilon),
        "resistance": r,
        "normal": normal,
        "si": {"resistance_ohm": times(r, ohm), "normal_ohm": times(normal, ohm)},
    }


def ring(case: Evolve, run: Run) -> dict[str, Any]:
    """Of a contour: `slip_flux`, the mean of flux - n (in Phi0) at which a slip n -> n + 1 lasted, and `limit`, where
    a uniform ring of this circumference without noise loses its stability (oracle C2).
    """
    table = run.table("winding")
    name = next(n for n in table if n != "t" and not n.endswith(" flux"))
    n = lasting(table["t"], table[name])
    part = window(case, table["t"])[1:]
    up, down = (np.flatnonzero((sign * np.diff(n) > 0) & part) for sign in (1, -1))
    away = np.concatenate([table[f"{name} flux"][up + 1] - n[up], table[f"{name} flux"][down + 1] - n[down + 1]])
    found = {"lasting": int(up.size + down.size), "slip_flux": float(away.mean()) if away.size else None}
    if run.mesh.dim > 1:
        return found
    radius = float(edge_lengths(run.mesh, operators(run.mesh)).sum() / (2 * np.pi))
    return found | {"limit": radius * float(np.sqrt((1 + 1 / (2 * radius**2)) / 3))}


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
