"""Runs of a batch in one picture: curves laid over each other, panels for print, loops, resistances."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.case import Case
from fempslip.case.sweep import number_of
from fempslip.contract import Array, Refusal
from fempslip.mesh.places import cell_values
from fempslip.mesh.simplices import volumes
from fempslip.run.batch import Table
from fempslip.run.branches import column, settings, unit_of, varied, word_of, write_csv
from fempslip.store import Run, open_run


def finished(table: Table) -> list[tuple[str, Run]]:
    """(label, run) of all points that are done; the label says what varies."""
    names = varied(table)
    rows = [row for row, state in enumerate(table["status"]) if state == "finished"]
    if not rows:
        raise Refusal("no run of the batch is finished")
    return [(label_of(table, names, row), open_run(table["folder"][row])) for row in rows]


def label_of(table: Table, names: list[str], row: int) -> str:
    return ", ".join(f"{word_of(name)} = {table[name][row]}" for name in names)


def short_label(table: Table, names: list[str], row: int) -> str:
    """The number alone where one setting varies: its name is the legend's title."""
    value = table[names[0]][row] if len(names) == 1 else ""
    return str(value).split()[0] if number_of(value) is not None else label_of(table, names, row)


# ------------------------------------------------------------------------------------------- laid over each other


def overlay(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """`overlay`: V(t) of all runs, and |psi| along each at its last frame, in one picture with a CSV of either.

    runs : how many there are
    """
    from fempslip.view.overlays import line_of, overlay_plot, voltage_of

    runs = finished(table)
    voltages = [(label, *voltage_of(run)) for label, run in runs]
    lines = [(label, *line_of(run)) for label, run in runs]
    write_csv(folder / "overlay_voltage.csv", _long(voltages), ("run", "t", "V"))
    write_csv(folder / "overlay_profile.csv", _long(lines), ("run", "x", "psi"))
    overlay_plot(voltages, lines, runs[0][1].header, folder / "overlay.png")
    return {"runs": len(runs)}


def _long(curves: list[tuple[str, Array, Array]]) -> Iterator[tuple[Any, ...]]:
    for label, x, y in curves:
        yield from ((label, *row) for row in zip(x, y, strict=True))


def panels(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """`panels`: the last frame, V(t) of that run and the mean voltage of all, one above the other, with a CSV of each.

    The run is the one of the largest mean voltage.  shown : its mean voltage
    """
    from fempslip.view.families import current_label
    from fempslip.view.overlays import panel_map, panels_plot, voltage_of

    if "voltage.mean" not in table:
        raise Refusal("the recipe panels needs the recipe voltage beside it: postprocess: [voltage, panels]")
    path = next((name for name in settings(table) if "current" in name.split(".")), settings(table)[0])
    rows = [row for row, state in enumerate(table["status"]) if state == "finished"]
    every = np.array(rows, dtype=int)
    v, error = (column(table, f"voltage.{name}", every) for name in ("mean", "error"))
    shown = int(np.nanargmax(np.abs(v)))
    run = open_run(table["folder"][rows[shown]])
    write_csv(folder / "panels_map.csv", zip(*panel_map(run), strict=True), ("x", "y", "psi"))
    write_csv(folder / "panels_voltage.csv", zip(*voltage_of(run), strict=True), ("t", "V"))
    others = varied(table, path)
    names = {row: short_label(table, others, row) for row in rows}
    curves = []
    for label in dict.fromkeys(names.values()):
        mine = [k for k, row in enumerate(rows) if names[row] == label]
        x = np.array([number_of(table[path][rows[k]]) for k in mine], dtype=float)
        order = np.argsort(x, kind="stable")
        curves.append((label, x[order], v[mine][order], error[mine][order]))
    csv_rows = ((label, *row) for label, *columns in curves for row in zip(*columns, strict=True))
    unit = unit_of(table[path][0])
    write_csv(folder / "panels_iv.csv", csv_rows, ("curve", f"{path} ({unit})" if unit else path, "V", "error"))
    legend = current_label(others[0], unit_of(table[others[0]][0])) if len(others) == 1 else ""
    panels_plot(run, curves, (path, unit), legend, folder / "panels.png")
    return {"shown": float(v[shown])}


# ------------------------------------------------------------------------------------------- loops and resistances


def magnetization_loops(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """`magnetization_loops` of films: mu0 M(B) of all runs, and of each (1, 2, ..) what follows.

    loss : what the loop turned to heat, - int M dB;  slope : d(mu0 M)/dB of the first rise, from |B| below a tenth
    """
    from fempslip.view.families import loops_plot

    loops = [(label, *loop_of(run)) for label, run in finished(table)]
    write_csv(folder / "magnetization_loops.csv", _long(loops), ("run", "B (Bc2)", "mu0 M (Bc2)"))
    loops_plot(loops, folder / "magnetization_loops.png")
    found = {}
    for k, (_, b, m) in enumerate(loops):
        first = slice(0, max(2, int(np.argmax(np.abs(b) > 0.1 * np.abs(b).max()))))
        slope = float(b[first] @ m[first] / (b[first] @ b[first])) if np.any(b[first]) else None
        found[str(k + 1)] = {"loss": -float(np.sum(0.5 * (m[1:] + m[:-1]) * np.diff(b))), "slope": slope}
    return found


def loop_of(run: Run) -> tuple[Array, Array]:
    """(B, mu0 M) of every step, in Bc2."""
    from fempslip.run.running import case_of

    if "moment" not in run.tables:
        raise Refusal(f"{run.folder} holds no moment: ask for the recipe magnetization_loop beside it")
    case: Any = case_of(run)
    share = cell_values(run.mesh, {name: case.material[name].thickness for name in run.mesh.regions})
    volume = float(share @ volumes(run.mesh.points, run.mesh.cells))
    table = run.table("moment")
    return table["field"], table["mz"] / (case.scales.kappa**2 * volume)


def resistance_temperature(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """`resistance_temperature` of wires with thermal slips: R/Rn against T beside the law of a uniform wire (LAMH).

    1, 2, .. : by rising temperature, each with temperature, over_normal and over_law;  slope : d ln R over d ln of the
    law, a straight line through all points (1: they follow the law over the decades that they span);  decades : these
    """
    from fempslip.view.thermal import resistance_rows
    from fempslip.view.thermal import resistance_temperature as draw

    runs = [run for _, run in finished(table)]
    rows = np.array(sorted(resistance_rows(runs)))
    write_csv(folder / "resistance_temperature.csv", rows, ("T", "R/Rn", "error", "R/Rn of LAMH"))
    draw(runs, folder / "resistance_temperature.png")
    t, r, error, law = rows.T
    found: dict[str, Any] = {
        str(k + 1): {"temperature": float(t[k]), "over_normal": float(r[k]), "over_law": float(r[k] / law[k])}
        for k in range(t.size)
    }
    seen = (r > 0) & (law > 0)
    if np.count_nonzero(seen) > 1:
        weight = r[seen] / np.maximum(error[seen], 1e-12 * r[seen])
        weight[~np.isfinite(weight)] = 1.0
        found["slope"] = float(np.polyfit(np.log(law[seen]), np.log(r[seen]), 1, w=weight)[0])
        found["decades"] = float(np.ptp(np.log10(law[seen])))
    return found
