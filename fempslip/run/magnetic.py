"""Numbers of a sample's own field: moment and magnetization, flux and fluxoid of holes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fempslip.case import Evolve
from fempslip.contract import Array
from fempslip.mesh.simplices import volumes
from fempslip.run.compiling import per_cell
from fempslip.run.results import passages, times, window
from fempslip.store import Run


def magnetic_moment(case: Evolve, run: Run) -> dict[str, Any]:
    """`moment`: at the end and where it is largest, along z (films) or as a vector, in units of current times xi^2."""
    table = run.table("moment")
    names = [name for name in table if name.startswith("m")]
    size = np.sqrt(sum(table[name] ** 2 for name in names))
    top = int(size.argmax())
    unit = _moment_unit(case)
    final = {name[1:]: float(table[name][-1]) for name in names}
    found: dict[str, Any] = {"final": final["z"] if len(final) == 1 else final, "size": float(size[-1])}
    largest = {"value": float(size[top]), "t": float(table["t"][top])}
    if "field" in table:
        largest["field"] = float(table["field"][top])
    found["largest"] = largest
    return found | {"si": {"size_Am2": times(found["size"], unit), "largest_Am2": times(largest["value"], unit)}}


def _moment_unit(case: Evolve) -> float | None:
    current, xi = case.scales.si("current"), case.scales.si("length")
    return current * xi**2 if current and xi else None


def magnetization_loop(case: Evolve, run: Run) -> dict[str, Any]:
    """`magnetization_loop` of a film: mu0 M along z at the end, the least and largest, and the loss of the loop.

    mu0 M = m/(kappa^2 volume) in Bc2;  loss : - the integral of M dB, the energy of a closed loop that became heat, in
    Bc2^2/mu0 times the volume;  remanent : mu0 M where the field last passes zero
    asymmetry : of the largest and the least, over the larger; 0 where the field went as far to both sides
    """
    table = run.table("moment")
    kappa = case.scales.kappa or float("nan")
    m, b = table["mz"] / (kappa**2 * _volume(case, run)), table["field"]
    loss = float(np.sum(0.5 * (m[1:] + m[:-1]) * np.diff(b)))
    zero = np.flatnonzero((b[1:] * b[:-1] <= 0) & (b[:-1] != b[1:]))
    field = case.scales.si("field")
    return {
        "final": float(m[-1]),
        "least": float(m.min()),
        "largest": float(m.max()),
        "asymmetry": float((m.max() + m.min()) / max(m.max(), -m.min(), 1e-300)),
        "loss": -loss,
        "remanent": float(m[zero[-1]]) if zero.size else None,
        "si": {"least_T": times(float(m.min()), field), "largest_T": times(float(m.max()), field)},
    }


def _volume(case: Evolve, run: Run) -> float:
    """Of the film, in units of xi^2 times the reference thickness."""
    thickness: Array = per_cell(run.mesh, case.material, "thickness")
    return float(thickness @ volumes(run.mesh.points, run.mesh.cells))


def hole_flux(case: Evolve, run: Run) -> dict[str, Any]:
    """`flux` of each hole at the last frame: total and applied flux and the fluxoid, in Phi0; largest of all times."""
    table = run.table("hole_flux")
    found: dict[str, Any] = {}
    for name in (n for n in table if n != "t" and not n.endswith((" applied", " fluxoid"))):
        fluxoid = table[f"{name} fluxoid"]
        found[name] = {
            "total": float(table[name][-1]),
            "applied": float(table[f"{name} applied"][-1]),
            "fluxoid": float(fluxoid[-1]) if np.isfinite(fluxoid[-1]) else None,
            "largest": float(np.abs(table[name]).max()),
        }
    main = next(iter(found.values()))
    return main if len(found) == 1 else {**main, "holes": found}


def flux_jump(case: Evolve, run: Run) -> dict[str, Any]:
    """`flux_jump` of each hole: flux at the begin and the end of the measured time, their difference, and the same from
    the emf round the hole, -int emf dt, in Phi0; the largest emf in V0.

    At a fixed applied field a slip changes the flux by Phi0 L_g/(L_g + L_k), the geometric part of the inductance.
    """
    table = run.table("magnetization")
    part = window(case, table["t"])
    t, volt = table["t"][part], case.scales.si("voltage")
    found: dict[str, Any] = {}
    for name in run.mesh.holes:
        flux, emf = table[f"flux {name}"][part], table[f"emf {name}"][part]
        largest = float(np.abs(emf).max())
        found[name] = {
            "before": float(flux[0]),
            "after": float(flux[-1]),
            "jump": float(flux[-1] - flux[0]),
            "pulse": -float(np.sum(0.5 * (emf[1:] + emf[:-1]) * np.diff(t))) / (2 * np.pi),
            "largest_emf": largest,
            "si": {"largest_emf_V": times(largest, volt)},
        }
    main = next(iter(found.values()))
    return main if len(found) == 1 else {**main, "holes": found}


PERIODS = 400  # tried


def modulation(case: Evolve, run: Run) -> dict[str, Any]:
    """`modulation`: period of V in the field applied (Bc2) and its depth (V0), from V = c + s B + A cos(2 pi B/P + p).

    The period is that of the best fit among those that fit into the measured stretch.
    """
    b, v = voltage_of_field(case, run)
    stretch, weight = float(np.ptp(b)), 1 / np.sqrt(np.maximum(np.abs(v), 1e-12))  # each period counts as it lasts
    tried = stretch / np.linspace(1.0, max(2.0, b.size / 6), PERIODS)

    def fit(period: float) -> tuple[float, float]:
        turn = 2 * np.pi * b / period
        base = np.stack([np.ones_like(b), b, np.cos(turn), np.sin(turn)], axis=1)
        c = np.linalg.lstsq(base * weight[:, None], v * weight, rcond=None)[0]
        return float(np.sum((weight * (base @ c - v)) ** 2)), float(np.hypot(c[2], c[3]))

    period = float(min(tried, key=lambda p: fit(p)[0]))
    return {
        "period": period,
        "depth": 2 * fit(period)[1],
        "lowest": float(v.min()),
        "highest": float(v.max()),
        "explained": 1 - fit(period)[0] / float(np.sum(weight**2 * (v - np.average(v, weights=weight**2)) ** 2)),
        "si": {
            "period_T": times(period, case.scales.si("field")),
            "depth_V": times(2 * fit(period)[1], case.scales.si("voltage")),
        },
    }


def voltage_of_field(case: Evolve, run: Run) -> tuple[Array, Array]:
    """(field, voltage) of each period of the first pair, from one passage of int V dt through a multiple of 2 pi to
    the next; parts of equal length where there are fewer than 20 of them.
    """
    voltage, moment = run.table("voltage"), run.table("moment")
    name = "|".join(case.measure.between[0])
    late = window(case, voltage["t"])
    t, impulse = voltage["t"][late], voltage[f"{name} impulse"][late]
    edges = passages(t, np.sign(impulse[-1] - impulse[0]) * (impulse - impulse[0]), np.pi)
    if edges.size < 20:
        edges = np.linspace(t[0], t[-1], 61)
    v = np.diff(np.interp(edges, t, impulse)) / np.diff(edges)
    return np.interp(0.5 * (edges[1:] + edges[:-1]), moment["t"], moment["field"]), v


RESULTS: Mapping[str, Any] = {
    "magnetic_moment": magnetic_moment,
    "magnetization_loop": magnetization_loop,
    "hole_flux": hole_flux,
    "flux_jump": flux_jump,
    "modulation": modulation,
}
