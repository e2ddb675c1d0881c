"""Several runs in one picture, and several questions of one run in panels: for a column of a journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from . import scales
from .families import COLOURS, current_label
from .looks import LOOKS, values
from .plots import voltage_pairs
from .sheets import COLUMN, figure, printed, style
from .wires import along

Curve = tuple[str, Array, Array]  # label, x, y
SAMPLES = 400  # of a line across a film
NAMED = 8  # curves that a legend names; of more, some at equal steps


def voltage_of(run: Run) -> tuple[Array, Array]:
    """(t, V) of the first measured pair.  Raises Refusal without one."""
    pairs = voltage_pairs(run)
    if not pairs:
        raise Refusal(f"{run.folder} has no table of voltages; name a pair of probes under measure: between")
    table = run.table("voltage")
    return table["t"], table[pairs[0]]


def line_of(run: Run, frame: int = -1) -> tuple[Array, Array]:
    """(x, |psi|) along a wire, or along the middle line of a film from left to right (nan outside)."""
    psi = values(run.frame(frame), "psi_abs")
    if run.mesh.dim == 1:
        way = along(run.mesh)
        return way.x, psi[way.nodes]
    if run.mesh.dim != 2:
        raise Refusal(f"{run.folder}: a line is drawn along wires and films")
    from matplotlib.tri import LinearTriInterpolator

    low, high = run.mesh.points.min(axis=1), run.mesh.points.max(axis=1)
    x = np.linspace(low[0], high[0], SAMPLES)
    inside = LinearTriInterpolator(_triangles(run), psi[run.mesh.node_of_vertex])
    return x, np.asarray(inside(x, np.full(SAMPLES, 0.5 * (low[1] + high[1]))).filled(np.nan))


def _triangles(run: Run) -> Any:
    from matplotlib.tri import Triangulation

    return Triangulation(run.mesh.points[0], run.mesh.points[1], run.mesh.cells.T)


def overlay_plot(voltages: Sequence[Curve], lines: Sequence[Curve], header: Mapping[str, Any], path: Path) -> Path:
    """V(t) of all runs over |psi|(x) of all runs; one colour for each run, the same in both."""
    low, high = _range([v[len(v) // 20 :] for _, _, v in voltages])
    named = set(np.unique(np.linspace(0, len(voltages) - 1, min(NAMED, len(voltages))).round()).astype(int))
    columns = 2 if max(len(label) for label, *_ in voltages) < 26 else 1
    rows = -(-len(named) // columns)
    height = 3.3 + 0.14 * rows
    with style():
        made = figure(COLUMN, height)
        top = 1 - (0.08 + 0.14 * rows) / height
        grid = made.add_gridspec(2, 1, left=0.15, right=0.97, top=top, bottom=0.37 / height, hspace=0.36)
        upper, lower = made.add_subplot(grid[0]), made.add_subplot(grid[1])
        for k, ((label, t, v), (_, x, psi)) in enumerate(zip(voltages, lines, strict=True)):
            colour = shade(k, len(voltages))
            upper.plot(t, v, color=colour, lw=0.7, label=label if k in named else None, rasterized=len(t) > 20000)
            lower.plot(x, psi, color=colour, lw=0.8)
        upper.set(ylim=(low, high), xlim=(0, max(t[-1] for _, t, _ in voltages)))
        upper.set_xlabel(scales.label(header, "t", "tau0"), labelpad=1)
        upper.set_ylabel(scales.label(header, "V", "V0"), labelpad=2)
        lower.set(ylim=(0, None), xlim=(np.nanmin(lines[0][1]), np.nanmax(lines[0][1])), ylabel="|ψ|")
        lower.set_xlabel(scales.label(header, "x", "xi"), labelpad=1)
        for axes in (upper, lower):
            axes.tick_params(length=2.5, pad=2)
        made.align_ylabels([upper, lower])
        made.legend(
            loc="upper left", bbox_to_anchor=(0.13, 1.0), ncols=columns, frameon=False, fontsize=6.5, handlelength=1.4,
            labelspacing=0.15, columnspacing=1.2, borderaxespad=0.2,
        )  # fmt: skip
        return printed(made, path)


def shade(k: int, count: int) -> Any:
    """The colour of curve k: distinct ones for a few, a scale for many."""
    if count <= len(COLOURS):
        return COLOURS[k]
    from matplotlib import colormaps

    return colormaps["viridis"](0.92 * k / (count - 1))


def _range(curves: Sequence[Array]) -> tuple[float, float]:
    parts = [np.asarray(part)[np.isfinite(part)] for part in curves]
    least = min((float(part.min()) for part in parts if part.size), default=0.0)
    most = max((float(part.max()) for part in parts if part.size), default=1.0)
    edge = 0.08 * (most - least) or 1.0
    return least - edge, most + edge


# ------------------------------------------------------------------------------------------- panels


def panel_map(run: Run) -> tuple[Array, Array, Array]:
    """(x, y, |psi|) of the vertices at the last frame; of a wire y = 0."""
    psi = values(run.frame(-1), "psi_abs")[run.mesh.node_of_vertex]
    points = run.mesh.points
    return points[0], points[1] if run.mesh.dim == 2 else np.zeros(points.shape[1]), psi


def panels_plot(
    run: Run, curves: Sequence[tuple[str, Array, Array, Array]], name: tuple[str, str], legend: str, path: Path
) -> Path:
    """(a) |psi| of the last frame, (b) V(t) of the same run, (c) mean voltage of all runs, with errors."""
    low, high = run.mesh.points.min(axis=1), run.mesh.points.max(axis=1)
    wide = 0.66 * COLUMN
    tall = min(2.2, wide * (high[1] - low[1]) / (high[0] - low[0])) if run.mesh.dim == 2 else 1.0
    lower, gap, edge = 1.15, 0.46, 0.4
    height = tall + 2 * lower + 2 * gap + edge + 0.12

    def box(base: float, size: float) -> tuple[float, float, float, float]:
        return (0.17, base / height, wide / COLUMN, size / height)

    with style():
        made = figure(COLUMN, height)
        iv = made.add_axes(box(edge, lower))
        volts = made.add_axes(box(edge + lower + gap, lower))
        picture = made.add_axes(box(edge + 2 * (lower + gap), tall))
        _picture(made, picture, run)
        t, v = voltage_of(run)
        volts.plot(t, v, color=COLOURS[0], lw=0.7, rasterized=len(t) > 20000)
        volts.set(xlim=(0, t[-1]), ylim=_range([v[len(v) // 20 :], np.zeros(1)]))
        volts.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        volts.set_ylabel("V (V₀)", labelpad=2)
        for k, (label, x, mean, error) in enumerate(curves):
            known = np.isfinite(mean)
            x, mean, error = x[known], mean[known], np.nan_to_num(error[known])
            colour = shade(k, len(curves))
            iv.errorbar(x, mean, error, color=colour, marker="o", ms=2.2, lw=0.7, elinewidth=0.5, label=label or None)
        iv.set_xlabel(current_label(*name), labelpad=1)
        iv.set_ylabel("⟨V⟩ (V₀)", labelpad=2)
        if len(curves) > 1:
            iv.legend(
                title=legend, frameon=False, fontsize=6, title_fontsize=6, handlelength=0.8, labelspacing=0.15,
                loc="upper left", bbox_to_anchor=(1.0, 1.04), borderaxespad=0.2, handletextpad=0.4, alignment="left",
            )  # fmt: skip
        for letter, axes in zip("abc", (picture, volts, iv), strict=True):
            axes.tick_params(length=2.5, pad=2)
            made.text(0.01, axes.get_position().y1, f"({letter})", va="top", ha="left", fontweight="bold")
        made.align_ylabels([picture, volts, iv])
        return printed(made, path)


def _picture(made: Any, axes: Any, run: Run) -> None:
    if run.mesh.dim == 1:
        x, psi = line_of(run)
        axes.plot(x, psi, color=COLOURS[0])
        axes.set(ylim=(0, 1.08), ylabel="|ψ|", xlim=(x[0], x[-1]))
        axes.set_xlabel(scales.label(run.header, "x", "xi"), labelpad=1)
        return
    look = LOOKS["psi_abs"]
    psi = panel_map(run)[2]
    shown = axes.tripcolor(_triangles(run), psi, cmap=look.cmap, shading="gouraud", vmin=0, vmax=1, rasterized=True)
    low, high = run.mesh.points.min(axis=1), run.mesh.points.max(axis=1)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    axes.set_aspect("equal")
    axes.set_xlabel(scales.label(run.header, "x", "xi"), labelpad=1)
    axes.set_ylabel("y (ξ)", labelpad=2)
    at = axes.get_position()
    bar = made.add_axes((at.x1 + 0.02, at.y0, 0.025, at.height))
    made.colorbar(shown, cax=bar).set_label("|ψ|", labelpad=2)
