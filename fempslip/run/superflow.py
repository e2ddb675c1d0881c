"""What is read off runs of a superfluid, beside what theory says: units xi, hbar/mu0, mu0."""

from __future__ import annotations

import cmath
from collections.abc import Mapping
from typing import Any

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array, Refusal
from fempslip.run.fluids import kicked_wave
from fempslip.run.results import TURN, window
from fempslip.store import Run, response
from fempslip.store.zeros import rows, tracks_of

CORE = 0.38088  # of the energy of a vortex, 2 pi (ln R + 0.38088) up to R: oracle I2
WINDOWS = 5  # parts of a run in which a frequency is compared
GROUP = 10  # slips over which dmu is averaged to see it fall
ENOUGH = 4  # slips in each of them, at least
ROWS = 12  # rows of images of vortices in a box


def conservation(case: Evolve, run: Run) -> dict[str, Any]:
    """`conservation`: largest change of mass (of the mass) and of energy (of that of the condensate at rest)."""
    table = run.table("conserved")
    return {"mass": float(np.abs(table["mass"]).max()), "energy": float(np.abs(table["energy"]).max())}


# ---------------------------------------------------------------------------------------------- f = dmu / h


def josephson_frequency(case: Evolve, run: Run) -> dict[str, Any]:
    """`josephson_frequency`: rate of phase slips between the first pair beside dmu/2 pi, and their ratio.

    Over the measured time from slip to slip, and in up to five parts of it, for a dmu that changes in time.
    first, last : mean dmu in the first and last part;  worst : the ratio furthest from 1
    halving : from the first slip until dmu has fallen to half, where it does (see `halved`)
    """
    t, slips, impulse = passages(case, run)
    if t.size <= ENOUGH:
        words = "the phase slipped {} times in the measured time: too few for a frequency; make time.until longer"
        return {"slips": int(t.size), "ratio": None, "note": words.format(t.size)}
    whole = ratio(t, slips, impulse)
    cuts = np.linspace(0, t.size - 1, min(WINDOWS, (t.size - 1) // ENOUGH) + 1).astype(int)
    parts = [ratio(t[a : b + 1], slips[a : b + 1], impulse[a : b + 1]) for a, b in zip(cuts, cuts[1:], strict=False)]
    worst = max(parts, key=lambda part: abs(part["ratio"] - 1))
    answer: dict[str, Any] = {"slips": int(t.size), **whole, "worst": worst["ratio"]}
    answer |= {"first": parts[0]["dmu"], "last": parts[-1]["dmu"], "parts": parts}
    half = halved(t, slips, impulse)
    return answer | ({} if half is None else {"halving": half}) | in_si(case, whole)


def halved(t: Array, slips: Array, impulse: Array) -> dict[str, float] | None:
    """Slips over int dmu dt/2 pi from the first slip until dmu, its mean over GROUP slips, is half of what it was.

    Plain sums over whole slips, no fit: they differ by the phase along the path at its two ends alone.
    None where dmu does not fall so far.
    """
    if t.size <= GROUP:
        return None
    dmu = (impulse[GROUP:] - impulse[:-GROUP]) / (t[GROUP:] - t[:-GROUP])
    low = np.flatnonzero(dmu <= 0.5 * dmu[0])
    if not low.size:
        return None
    end = int(low[0]) + GROUP
    count, turns = float(slips[end] - slips[0]), float(impulse[end] - impulse[0]) / TURN
    seen = {"t": float(t[end]), "slips": count, "first": float(dmu[0]), "last": float(dmu[low[0]])}
    return seen | {"ratio": count / turns}


def passages(case: Evolve, run: Run) -> tuple[Array, Array, Array]:
    """(t, slips so far, int dmu dt so far) at each phase slip of the measured time, signs made positive."""
    first, second = case.measure.between[0]
    table, name = run.table("voltage"), f"{first}|{second}"
    late = window(case, table["t"])
    t, slips, impulse = (table[key][late] for key in ("t", f"{name} slips", f"{name} impulse"))
    sign = np.sign(impulse[-1] - impulse[0]) or 1.0
    count = np.maximum.accumulate(np.rint(sign * slips))
    at = np.flatnonzero(np.diff(count) > 0) + 1
    return t[at], count[at], sign * impulse[at]


def ratio(t: Array, slips: Array, impulse: Array) -> dict[str, float]:
    """Frequency and dmu by straight lines through the slips: many slips average the moment of each."""
    weights = (t - t.mean()) / np.sum((t - t.mean()) ** 2)
    f, dmu = float(weights @ slips), float(weights @ impulse)
    return {"t": float(t.mean()), "f": f, "dmu": dmu, "ratio": f / (dmu / TURN)}


def in_si(case: Evolve, whole: Mapping[str, float]) -> dict[str, Any]:
    hertz, pascal = case.scales.si("frequency"), case.scales.si("pressure")
    known: dict[str, Any] = {"f_Hz": whole["f"] * hertz} if hertz else {}
    return {"si": known | ({"pressure_Pa": whole["dmu"] * pascal} if pascal else {})}


# ---------------------------------------------------------------------------------------------- vortices


def pair_motion(case: Evolve, run: Run) -> dict[str, Any]:
    """`pair_motion`: speed of a vortex pair in a rectangle beside that of point vortices, its images counted.

    speed : mean over the measured time;  images : of point vortices at the measured places, v = 2/d and all images
    """
    table = tracks_of(run)
    late = table["t"] >= start_of(case)
    ids = np.unique(table["id"][late])
    if len(ids) != 2:
        raise Refusal(f"pair_motion wants two vortices all the time; there are {len(ids)} in {run.folder}")
    one, other = (late & (table["id"] == i) for i in ids)
    t = np.intersect1d(table["t"][one], table["t"][other])
    places = [np.array([np.interp(t, table["t"][who], table[axis][who]) for axis in "xy"]) for who in (one, other)]
    signs = [float(table["winding"][who][0]) for who in (one, other)]
    moved = [np.array([np.polyfit(t, x, 1)[0] for x in place]) for place in places]
    low, high = run.mesh.points.min(axis=1), run.mesh.points.max(axis=1)
    wanted = [
        np.mean([images(places[k][:, n], signs[k], [p[:, n] for p in places], signs, low, high)
                 for n in np.linspace(0, t.size - 1, 9).astype(int)], axis=0)
        for k in (0, 1)
    ]  # fmt: skip
    d = float(np.mean(np.linalg.norm(places[0] - places[1], axis=0)))
    speed, expected = (float(np.mean([np.linalg.norm(v) for v in vs])) for vs in (moved, wanted))
    return {
        "distance": d,
        "speed": speed,
        "images": expected,
        "ratio": speed / expected,
        "alone": 2 / d,
    }


def images(at: Array, sign: float, places: list[Array], signs: list[float], low: Array, high: Array) -> Array:
    """(2,) velocity of a point vortex in a rectangle, v = 2 sum of s z x r/r^2 over all others and all images.

    Walls are mirrors that turn the sign: a lattice with the periods 2a and 2b.  A row with the period 2a has the
    complex velocity  u - iv = 2 s/i (pi/2a) cot(pi (z - z_k)/2a),  and the sum over rows converges fast.
    """
    a, b = high - low
    x, y = at - low
    total: complex = 0j
    for place, s in zip(places, signs, strict=True):
        px, py = place - low
        for mx, my, turn in ((px, py, 1), (-px, py, -1), (px, -py, -1), (-px, -py, 1)):
            for row in range(-ROWS, ROWS + 1):
                z = complex(x - mx, y - my - 2 * b * row)
                if abs(z) < 1e-9:
                    continue  # the vortex itself; the others of its row cancel
                total += turn * s * 2 / 1j * np.pi / (2 * a) / cmath.tan(np.pi * z / (2 * a))
    return np.array([total.real, -total.imag])


def ring_motion(case: Evolve, run: Run) -> dict[str, Any]:
    """`ring_motion`: radius and speed of a vortex ring beside v = (ln 8R - 1 + 0.38088)/R in an endless superfluid.

    Walls slow it: compare boxes, and draw the ratio on against 1/width^3.
    """
    ring = case.start.rings[0]
    lines, points = rows(run, "lines"), rows(run, "line_points")
    n, centre = np.asarray(ring.direction, dtype=float), np.asarray(ring.center, dtype=float)
    chosen = np.flatnonzero(lines["t"] >= start_of(case))
    radius, along = [], []
    for k in chosen:
        part = slice(int(lines["first"][k]), int(lines["first"][k] + lines["count"][k]))
        r = np.array([points[axis][part] for axis in "xyz"]) - centre[:, None]
        z = n @ r
        radius.append(float(np.linalg.norm(r - np.outer(n, z), axis=0).mean()))
        along.append(float(z.mean()))
    if len(chosen) < 3:
        raise Refusal(f"ring_motion wants a ring to the end of the run; there is none in {run.folder}")
    size, speed = float(np.mean(radius)), float(np.polyfit(lines["t"][chosen], along, 1)[0])
    wanted = (np.log(8 * size) - 1 + CORE) / size
    return {"radius": size, "speed": speed, "endless": float(wanted), "ratio": speed / float(wanted)}


def soliton_motion(case: Evolve, run: Run) -> dict[str, Any]:
    """`soliton_motion` of a wire: speed of the density's minimum in c, beside the speed that its depth demands.

    A grey soliton with the least density n moves at v = c sqrt(n); its energy is (4 sqrt 2/3)(1 - v^2/c^2)^1.5.
    """
    x = np.empty(run.mesh.nodes)
    x[run.mesh.node_of_vertex] = run.mesh.points[0]
    middle, least, times = [], [], []
    for k in np.flatnonzero(run.times >= start_of(case)):
        density = run.frame(int(k))["psi_abs"] ** 2
        hole = 1 - density
        near = hole > 0.5 * hole.max()
        middle.append(float((hole[near] @ x[near]) / hole[near].sum()))
        low = np.argsort(density)[:5]
        fit = np.polyfit(x[low] - middle[-1], density[low], 2)
        least.append(float(fit[2] - fit[1] ** 2 / (4 * fit[0])))
        times.append(float(run.times[k]))
    speed = float(np.polyfit(times, middle, 1)[0] / np.sqrt(2))
    from_depth = max(float(np.mean(least)), 0.0) ** 0.5
    return {"speed": speed, "from_depth": from_depth, "density": float(np.mean(least))}


# ---------------------------------------------------------------------------------------------- small waves


def linear_response(case: Evolve, run: Run) -> dict[str, Any]:
    """`linear_response`: frequency of the kicked wave beside  omega^2 = n wp^2 + 2 n k^2 + k^4.

    misfit : what a single sine leaves of it, near 0 where the wave is a mode of the body and the kick is small
    """
    k, wave = kicked_wave(case, run.mesh)
    gap = case.materials.everywhere.plasma_frequency if case.model.dynamics == "charged" else None
    try:
        found = response.of_run(run, k, wave, gap or 0.0, float(case.measure.from_ or 0.0))
    except Refusal as refusal:
        return {"ratio": None, "note": str(refusal)}
    answer = {"k": found.k, "omega": found.omega, "gap": found.gap, "density": found.density}
    answer |= {"expected": found.expected, "ratio": found.omega / found.expected, "misfit": found.misfit}
    hertz = case.scales.si("frequency")
    return answer | ({"si": {"f_Hz": found.omega * hertz / TURN}} if hertz else {})


def start_of(case: Evolve) -> float:
    return 0.5 * case.time.until if case.measure.from_ is None else float(case.measure.from_)


RESULTS: Mapping[str, Any] = {
    "conservation": conservation,
    "josephson_frequency": josephson_frequency,
    "linear_response": linear_response,
    "pair_motion": pair_motion,
    "ring_motion": ring_motion,
    "soliton_motion": soliton_motion,
}
