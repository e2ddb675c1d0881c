"""Recipes over a batch: numbers and pictures from the table of all its runs.

A recipe in postprocess/ with `family: [name]` names one of FAMILIES, which takes the case, the table and the folder,
draws into the folder, writes its numbers beside the picture as CSV, and returns results for expectations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.case import Case
from fempslip.case.sweep import number_of
from fempslip.contract import Array, Refusal
from fempslip.run import currents, pictures
from fempslip.run.batch import Table
from fempslip.run.branches import branches, column, is_result, settings, unit_of, write_csv
from fempslip.run.expectations import judged
from fempslip.run.recipes import recipe

# ------------------------------------------------------------------------------------------- I-V curves


def iv_curve(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """Mean voltage against current: where slips begin on the way up (switching), where they end on the way down
    (retrapping), each with half the distance of the points around it.
    """
    from fempslip.view.families import iv_plot

    path = current_path(table)
    if "voltage.mean" not in table:
        raise Refusal("the recipe iv_curve needs the recipe voltage beside it: postprocess: [voltage, iv_curve]")
    found: dict[str, Any] = {}
    curves = []
    for branch in branches(table, path):
        v, error = (column(table, f"voltage.{name}", branch.rows) for name in ("mean", "error"))
        slips = column(table, "voltage.slips", branch.rows)
        curves.append((branch.label, branch.up, branch.x, v, error, slope_of(branch.x, v, slips)))
        word = "switching" if branch.up > 0 else "retrapping"
        edge = edge_of(branch.x, slips, branch.up)
        if edge is not None:
            part = found.setdefault(branch.label, {}) if branch.label else found
            part[word], part[f"{word}_error"] = edge
    unit = unit_of(table[path][0]) or "j0"
    write_csv(folder / "iv_curve.csv", _iv_rows(curves), ("branch", "way", f"current ({unit})", "V", "error", "dV/dI"))
    iv_plot(curves, unit, folder / "iv_curve.png")
    return found


def current_path(table: Table) -> str:
    """The swept path of a current."""
    found = [name for name in table if "current" in name.split(".") and not is_result(table, name)]
    if not found:
        raise Refusal("the recipe iv_curve needs a current that is swept, such as drive.current.density: [...]")
    return found[0]


def edge_of(x: Array, slips: Array, up: int) -> tuple[float, float] | None:
    """(x, half width) between the last point without slips and the next with them, in the direction of the branch
    (up: 0 -> some, down: some -> 0); None where the branch does not pass from one to the other.
    """
    on = np.abs(np.nan_to_num(slips)) > 0
    known = np.isfinite(slips)
    for k in range(1, x.size):
        if known[k] and known[k - 1] and on[k] != on[k - 1] and on[k] == (up > 0):
            return float((x[k] + x[k - 1]) / 2), float(abs(x[k] - x[k - 1]) / 2)
    return None


def slope_of(x: Array, v: Array, slips: Array) -> Array:
    """dV/dI along a branch, among neighbours that are all in one state (with slips or without): no jump counts."""
    on = np.abs(np.nan_to_num(slips)) > 0
    slope = np.full(x.size, np.nan)
    edges = [0, *(np.flatnonzero(on[1:] != on[:-1]) + 1), x.size]
    for begin, end in zip(edges[:-1], edges[1:], strict=True):
        if end - begin > 1:
            slope[begin:end] = np.gradient(v[begin:end], x[begin:end])
    return slope


def _iv_rows(curves: Sequence[tuple[str, int, Array, Array, Array, Array]]) -> Iterator[tuple[Any, ...]]:
    for label, up, *columns in curves:
        yield from ((label, "up" if up > 0 else "down", *row) for row in zip(*columns, strict=True))


# ------------------------------------------------------------------------------------------- small waves


def dispersion(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """omega(k) of a neutral and of charged condensates beside  omega^2 = wp^2 + 2 k^2 + k^4.

    For each branch: points;  worst : largest |omega/formula - 1|;  lowest : omega at the least k, the gap or a sound
    """
    from fempslip.view.families import dispersion_plot

    if "linear_response.omega" not in table:
        words = "the recipe dispersion needs the recipe linear_response beside it"
        raise Refusal(f"{words}: postprocess: [linear_response, dispersion]")
    every = np.arange(len(table["status"]))
    k, omega, gap, ratio = (column(table, f"linear_response.{n}", every) for n in ("k", "omega", "gap", "ratio"))
    found, shown = {}, []
    gaps = np.unique(gap[np.isfinite(ratio)])
    for value in gaps:
        rows = np.flatnonzero(gap == value)[np.argsort(k[gap == value])]
        name = "neutral" if value == 0 else "charged" if len(gaps[gaps > 0]) == 1 else f"charged {value:g}"
        found[name.replace(".", "_").replace(" ", "_")] = {
            "points": int(rows.size),
            "worst": float(np.abs(ratio[rows] - 1).max()),
            "lowest": float(omega[rows[0]]),
        }
        shown.append((name, float(value), k[rows], omega[rows]))
    write_csv(folder / "dispersion.csv", zip(gap, k, omega, ratio, strict=True), ("wp", "k", "omega", "over formula"))
    if shown:
        dispersion_plot(shown, folder / "dispersion.png")
    return found


# ------------------------------------------------------------------------------------------- any result


def phase_diagram(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """The first result of the runs as a map over the first two swept values."""
    from fempslip.view.families import map_plot

    swept = [name for name in settings(table) if all(number_of(value) is not None for value in table[name])]
    if len(swept) < 2:
        raise Refusal("the recipe phase_diagram needs two swept values that are numbers")
    x, y = (np.array([number_of(value) for value in table[name]]) for name in swept[:2])
    shown = next(name for name in table if is_result(table, name))
    z = column(table, shown, np.arange(x.size))
    write_csv(folder / "phase_diagram.csv", zip(x, y, z, strict=True), (*swept[:2], shown))
    map_plot(x, y, z, (swept[0], swept[1], shown), folder / "phase_diagram.png")
    return {"least": float(np.nanmin(z)), "largest": float(np.nanmax(z))}


FAMILIES: Mapping[str, Callable[[Case, Table, Path], dict[str, Any]]] = {
    "critical_current": currents.critical_current,
    "dispersion": dispersion,
    "iv_curve": iv_curve,
    "magnetization_loops": pictures.magnetization_loops,
    "overlay": pictures.overlay,
    "panels": pictures.panels,
    "phase_diagram": phase_diagram,
    "resistance_temperature": pictures.resistance_temperature,
}


# ------------------------------------------------------------------------------------------- all of them


def conclude(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """Answer the recipes over the batch and judge what the case expects; the summary, also in summary.json."""
    results = {name: FAMILIES[step](case, table, folder) for name in case.postprocess for step in recipe(name).family}
    states = [str(state) for state in table["status"]]
    summary = {
        "status": "finished" if all(state == "finished" for state in states) else "incomplete",
        "runs": len(states),
        "failed": states.count("failed"),
        "results": results,
        "expect": judged(case, results),
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    return summary
