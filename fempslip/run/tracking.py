"""What is read off the tables of zeros: identities, tracks, slips, and both sides of the voltage ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array, Refusal
from fempslip.run.afterwards import ledger_between, slips_between
from fempslip.store import Run
from fempslip.store.zeros import contraction_of, fitted_impulse, lead_field, moved_impulse, rows
from fempslip.topology.ledger import PATHS
from fempslip.topology.linking import KINDS
from fempslip.topology.tracks import tracks

LONG = 0.75  # of the measured time, that a mean over whole crossings takes at least

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

    From displacements (hops and the ways through the edges included) and from fitted velocities; both weighted with the
    lead field of the pair (topology.lead).  Means over whole crossings: between two instants of the measured time at
    which the phase along the spread path is the same, so that nothing stands half crossed; `quanta` flux quanta in all.

    pairs : voltage of the pairs, by what their phase turned: `probes` without what charge imbalance adds at the probes.
    Where zeros pass within a few lambda_Q of a probe that is a point, always on the same side of it, that does not
    average out (tracking of a 40 x 20 xi film: up to 6 %, of either sign); between banks the two are the same.
    """
    first, second = case.measure.between[0]
    lead, voltage = lead_field(run, first, second), run.table("voltage")
    t = voltage["t"]
    sides = {
        "probes": voltage[f"{first}|{second} impulse"],
        "displacements": moved_impulse(run, lead, t),
        "velocities": fitted_impulse(run, lead, t),
    }
    start, end, imbalance = whole_crossings(run, first, second, measured_from(case))
    means = {name: float(np.diff(np.interp([start, end], t, y))[0] / (end - start)) for name, y in sides.items()}
    means["pairs"] = means["probes"] - imbalance / (end - start)
    return {**means, "from": start, "to": end, "quanta": means["pairs"] * (end - start) / (2 * np.pi)}


def whole_crossings(run: Run, first: str, second: str, start: float) -> tuple[float, float, float]:
    """Two times of frames, from `start` on, between which the phase of the ledger's spread path changes least, and what
    its ends turned meanwhile.

    They lie at least LONG of the measured time apart.  Nothing that the tracks say is used.
    """
    found = ledger_between(run, first, second)
    table = found.get("spread", found["direct"])
    late = table["t"] >= start * (1 - 1e-12)
    t, bounded, ends = (table[name][late] for name in ("t", "phase", "nodes"))
    if t.size < 2:
        raise Refusal(f"{run.folder} holds {t.size} frames in the measured time; a mean over whole crossings needs two")
    apart = np.subtract.outer(t, t)
    change = np.where(apart >= LONG * (t[-1] - t[0]), np.abs(np.subtract.outer(bounded, bounded)), np.inf)
    last, begin = np.unravel_index(change.argmin(), change.shape)
    return float(t[begin]), float(t[last]), float(ends[last] - ends[begin])


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


def body_slips(case: Evolve, run: Run) -> dict[str, Any]:
    """`body_slips` of a film or a body: the same for what swept the section between the first pair of places.

    ledger : sum p W of the direct path to the end of the run, which all slips since the start add up to, but for those
    that are not through
    """
    first, second = case.measure.between[0]
    table = slips_between(run, first, second)
    late = (table["t"] >= measured_from(case)) & (table["winding"] != 0)
    winding, t = table["winding"][late], np.repeat(table["t"][late], np.abs(table["winding"][late]).astype(int))
    direct = ledger_between(run, first, second)["direct"]
    return {
        "positive": int(winding[winding > 0].sum()),
        "negative": int(-winding[winding < 0].sum()),
        "whole_run": int(table["winding"].sum()),
        "ledger": float(direct["crossings"][-1]),
        "period": float(np.diff(t).mean()) if t.size > 1 else None,
        "place": [float(np.mean(table[axis][late])) for axis in "xyz"] if t.size else None,
        **how_followed(run),
        **pulses(case, run, t if np.all(np.abs(winding) == 1) else np.zeros(0)),
    }


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
    "body_slips": body_slips,
    "voltage_ledger": voltage_ledger,
}
