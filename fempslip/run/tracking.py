"""What is read off the tables of zeros: identities, tracks, slips, and both sides of the voltage ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array, Refusal
from fempslip.store import Run
from fempslip.store.zeros import contraction_of, moved_impulse, place_of, rows, tracks_of, width_between
from fempslip.topology.ledger import PATHS
from fempslip.topology.linking import KINDS
from fempslip.topology.tracks import impulse_of_moves, rate, tracks

# ------------------------------------------------------------------------------------------- results


def vortex_tracks(case: Evolve, run: Run) -> dict[str, Any]:
    """`vortex_tracks` of a film or a body."""
    return film_tracks(case, run) if run.mesh.dim == 2 else body_lines(run)


def how_followed(run: Run) -> dict[str, Any]:
    """Whether zeros were seen at every step or in frames only, and the largest turn of a bright node in between."""
    table = run.table("checks") if "checks" in run.tables else {"max_theta": run.table("series")["max_theta"]}
    largest = getattr(run, "largest", float(table["max_theta"].max(initial=0.0)))
    return {"followed": "frames" if hasattr(run, "largest") else "every step", "max_theta": largest}


def body_lines(run: Run) -> dict[str, Any]:
    """How many vortex lines there are at the end, their mean length, and what happened to lines; hops contracted."""
    found, table = contraction_of(run), run.table("lines") if "lines" in run.tables else {}
    last = table["t"] == table["t"][-1] if table else np.zeros(0, dtype=bool)
    lengths = table["length"][last] if table else np.zeros(0)
    return {
        "lines": int(last.sum()),
        "rings": int(table["closed"][last].sum()) if table else 0,
        **how_followed(run),
        "mean_length": float(lengths.mean()) if lengths.size else None,
        "events": {kind: found.count(kind) for kind in KINDS if found.count(kind)},
        "raw_events": int(rows(run, "events")["kind"].size),
        "tau_z": found.tau_z,
        "l_z": found.l_z,
    }


def film_tracks(case: Evolve, run: Run) -> dict[str, Any]:
    """How many zeros came and went, how many are there at the end, and their mean speed."""
    found, zeros = contraction_of(run), rows(run, "zeros")
    table = tracks(zeros, found, run.mesh.size)
    last = zeros["t"] == (run.times if hasattr(run, "largest") else run.table("series")["t"])[-1]
    late = table["t"] >= measured_from(case)
    speed = np.hypot(table["vx"], table["vy"])[late]
    counts = {kind: found.count(kind) for kind in KINDS if found.count(kind)}
    return {
        "entries": found.count("entry"),
        "exits": found.count("exit"),
        "alive": int(np.count_nonzero(last)),
        "antivortices": int(np.count_nonzero(zeros["winding"][last] < 0)),
        **how_followed(run),
        "identities": int(np.unique(table["id"]).size),
        "events": counts,
        "raw_events": int(rows(run, "events")["kind"].size),
        "tau_z": found.tau_z,
        "l_z": found.l_z,
        "mean_speed": float(np.nanmean(speed)) if np.isfinite(speed).any() else None,
    }


def flux_flow_field(case: Evolve, run: Run) -> dict[str, Any]:
    """`flux_flow_field` of a film: E = -v x B between the first pair, in V0, beside the voltage of the probes.

    From displacements (hops through the edges included) and from fitted velocities; all are slopes of int V dt over the
    measured time.

    The zeros between the two places count alike, as is right for a straight film whose whole width lies between them;
    probes that are points feel those close to them more.
    """
    first, second = case.measure.between[0]
    ends = (place_of(run, first), place_of(run, second))
    table, voltage = tracks_of(run), run.table("voltage")
    t, late = voltage["t"], voltage["t"] >= measured_from(case)
    width = width_between(run, *ends)
    dt = np.diff(t, prepend=0.0)[np.minimum(np.searchsorted(t, table["t"] * (1 - 1e-12)), t.size - 1)]
    place = np.array([table["x"], table["y"], table["z"]])
    change = table["winding"] * dt * np.nan_to_num([table["vx"], table["vy"], table["vz"]])
    smooth = {"t": table["t"], "middle": place, "change": change}
    return {
        "probes": rate(t[late], voltage[f"{first}|{second} impulse"][late]),
        "displacements": rate(t[late], moved_impulse(run, first, second, t)[late]),
        "velocities": rate(t[late], impulse_of_moves(smooth, *ends, width, t)[late]),
        "width": width,
    }


def phase_slips(case: Evolve, run: Run) -> dict[str, Any]:
    """`phase_slips` of a wire: how many, where, their period, and the pulse of voltage that belongs to each."""
    table = rows(run, "slips")
    late = table["t"] >= measured_from(case)
    t, winding = table["t"][late], table["winding"][late]
    answer: dict[str, Any] = {
        "positive": int(winding[winding > 0].sum()),
        "negative": int(-winding[winding < 0].sum()),
        "period": float(np.diff(t).mean()) if t.size > 1 else None,
        **how_followed(run),
        "place": [float(np.mean(table[axis][late])) for axis in "xyz"] if t.size else None,
    }
    return answer | pulses(case, run, t)


def pulses(case: Evolve, run: Run, t: Array) -> dict[str, Any]:
    """Area of the voltage pulse of each slip, int V dt from half-way after the one before to half-way to the next.

    2 pi each where slips repeat; None with fewer than three slips, or without a pair to measure between.
    """
    if not case.measure.between or t.size < 3:
        return {"pulse_area": None, "pulse_deviation": None}
    voltage = run.table("voltage")
    name = "|".join(case.measure.between[0])
    area = np.diff(np.interp(0.5 * (t[1:] + t[:-1]), voltage["t"], voltage[f"{name} impulse"]))
    return {"pulse_area": float(area.mean()), "pulse_deviation": float(np.abs(np.abs(area) - 2 * np.pi).max())}


def voltage_ledger(case: Evolve, run: Run) -> dict[str, Any]:
    """`voltage_ledger`: for every pair and path both sides of int V dt = 2 pi crossings + phase - nodes, and the rest.

    residual : the largest difference of the two sides at any time of the run, over all pairs and paths
    """
    if "ledger" not in run.tables:
        raise Refusal(f"{run.folder} holds no ledger: ask for the recipe voltage_ledger before the run")
    answer: dict[str, Any] = {"residual": float(np.abs(run.table("ledger")["residual"]).max())}
    return answer | {"|".join(pair): sides(run, number) for number, pair in enumerate(case.measure.between)}


def sides(run: Run, pair: int = 0) -> dict[str, Any]:
    """Both sides of a pair's ledger at the end of the run, for each of its paths, and the largest residual."""
    table, found = run.table("ledger"), {}
    for path, name in enumerate(PATHS):
        mine = np.flatnonzero((table["pair"] == pair) & (table["path"] == path))
        if mine.size:
            last = {column: float(table[column][mine[-1]]) for column in table}
            found[name] = {key: last[key] for key in ("t", "impulse", "crossings", "phase", "nodes", "contact")}
            found[name]["residual"] = float(np.abs(table["residual"][mine]).max())
    return found


def measured_from(case: Evolve) -> float:
    start = case.measure.from_
    return 0.5 * case.time.until if start is None else float(start)


RESULTS: Mapping[str, Any] = {
    "vortex_tracks": vortex_tracks,
    "flux_flow_field": flux_flow_field,
    "phase_slips": phase_slips,
    "voltage_ledger": voltage_ledger,
}
