"""Numbers that people quote: speeds of vortices, viscosity, structure factor, where the condensate and the heat are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array, Refusal
from fempslip.mesh.operators import operators
from fempslip.mesh.simplices import volumes
from fempslip.physics.lattice import Structure, structure
from fempslip.run.results import times, window
from fempslip.run.tracking import measured_from
from fempslip.store import Run
from fempslip.store.maps import maps_of
from fempslip.store.zeros import last_places, tracks_of

PHI0 = 2.067833848e-15  # Wb


def vortex_motion(case: Evolve, run: Run) -> dict[str, Any]:
    """`vortex_motion` of a film: speeds of the measured time (xi/tau0), their drift, and the viscosity that it means.

        eta v = 2 pi n J x z        (force of the mean current J on a vortex of winding n; Bardeen and Stephen 1965)

    eta : 2 pi (J_y D_x - J_x D_y)/D^2 with the drift D = <n v>, in j0 Phi0 tau0/(2 pi xi), for vortices far apart and
    from edges;  flux_flow : rho_f/rho_n over B/Bc2 = 2 pi/eta
    """
    table = tracks_of(run)
    late = (table["t"] >= measured_from(case)) & np.isfinite(table["vx"]) & np.isfinite(table["vy"])
    v = np.stack([table["vx"], table["vy"]])[:, late]
    km = times(1e-3, case.scales.si("speed"))
    if not v.size:
        return dict.fromkeys(("mean", "largest", "drift", "drift_over_current", "eta", "flux_flow")) | {"samples": 0}
    speed, drift = np.hypot(*v), (table["winding"][late] * v).mean(axis=1)
    current = mean_current(case, run)
    force = 2 * np.pi * (current[1] * drift[0] - current[0] * drift[1])
    eta = float(force / (drift @ drift)) if drift.any() and force else None
    unit = ratio(times(PHI0 / (2 * np.pi), case.scales.si("density")), case.scales.si("speed"))
    return {
        "mean": float(speed.mean()),
        "largest": float(speed.max()),
        "drift": drift.tolist(),
        "samples": int(speed.size),
        "current": current.tolist(),
        "drift_over_current": float(np.linalg.norm(drift) / np.linalg.norm(current)) if current.any() else None,
        "eta": eta,
        "flux_flow": 2 * np.pi / eta if eta else None,
        "si": {
            "mean_km_s": times(float(speed.mean()), km),
            "largest_km_s": times(float(speed.max()), km),
            "eta_Ns_m2": times(eta, unit),
        },
    }


def ratio(a: float | None, b: float | None) -> float | None:
    return None if a is None or not b else a / b


def mean_current(case: Evolve, run: Run) -> Array:
    """Mean of J over the film and over the frames of the measured time, (2,)."""
    m = operators(run.mesh).m
    chosen = np.flatnonzero(run.times >= measured_from(case) * (1 - 1e-12))
    if not chosen.size:
        raise Refusal(f"{run.folder} holds no frame of the measured time")
    each = [m @ (frame["supercurrent"] + frame["normal_current"]) for frame in map(run.frame, map(int, chosen))]
    mean: Array = np.mean(each, axis=0)[:2] / m.sum()
    return mean


# ------------------------------------------------------------------------------------------- order of vortices


def order_of(run: Run) -> Structure | None:
    """The structure of the vortices at the end; None for fewer than seven."""
    x = last_places(run)
    area = float(volumes(run.mesh.points, run.mesh.cells).sum())
    return structure(x, area) if x.shape[1] >= 7 else None


def structure_factor(case: Evolve, run: Run) -> dict[str, Any]:
    """`structure_factor` of a film's vortices at the end: S(q) = |sum exp(i q r)|^2/N, its first ring, and psi_6.

    q : of the highest peak of the first ring, in 1/xi;  over_triangular : q over 4 pi/(sqrt3 a) of the triangular
    lattice of their density;  height : S/N there, 1 for a perfect lattice;  peaks : on this ring, over half the highest
    hexatic : |<exp(6 i theta)>| of the bonds to the neighbours of those that lie inside
    """
    found = order_of(run)
    if found is None:
        names = ("q", "over_triangular", "height", "peaks", "hexatic")
        return {"vortices": int(last_places(run).shape[1]), **dict.fromkeys(names)}
    return {
        "vortices": found.count,
        "q": found.q,
        "over_triangular": found.q / found.triangular,
        "height": found.height,
        "peaks": found.peaks,
        "hexatic": found.hexatic,
        "si": {"spacing_m": times(4 * np.pi / (np.sqrt(3) * found.q), case.scales.si("length"))},
    }


# ------------------------------------------------------------------------------------------- maps


def density_map(case: Evolve, run: Run) -> dict[str, Any]:
    """`density_map`: <|psi|^2> over the measured time: its mean over the body, least and largest."""
    table = maps_of(run)
    share, density = table["share"], table["density"]
    return {
        "mean": float(share @ density / share.sum()),
        "least": float(density.min()),
        "largest": float(density.max()),
    }


def dissipation_map(case: Evolve, run: Run) -> dict[str, Any]:
    """`dissipation_map`: the mean power of the measured time, summed over the map, in units of F per tau0.

    relaxation, ohmic : its parts;  over_series : over that of the recipe power, 1;  densest : the largest power of a
    node per volume, over the mean
    """
    table, series = maps_of(run), run.table("series")
    part = window(case, series["t"])
    wanted = float(series["dissipated"][part] @ series["dt"][part] / series["dt"][part].sum())
    heat = table["relaxation"] + table["ohmic"]
    total, mean = float(heat.sum()), float(heat.sum() / table["share"].sum())
    return {
        "power": total,
        "relaxation": float(table["relaxation"].sum()),
        "ohmic": float(table["ohmic"].sum()),
        "over_series": total / wanted if wanted else None,
        "densest": float((heat / table["share"]).max() / mean) if mean > 0 else None,
    }


RESULTS: Mapping[str, Any] = {
    "vortex_motion": vortex_motion,
    "structure_factor": structure_factor,
    "density_map": density_map,
    "dissipation_map": dissipation_map,
}
