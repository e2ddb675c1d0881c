"""Pictures of thermal slips: the net winding against time, and resistance against temperature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from ..topology.net_winding import lasting
from . import scales
from .plots import BLUE, GREY, INK, RED
from .sheets import COLUMN, figure, printed, save, style


def thermal_slips(run: Run, path: str | Path) -> Path:
    """Net winding N(t) with the slips that last, above its diffusion against the window.

    Raises Refusal where neither a pair was measured nor a contour followed.
    """
    t, n = winding_of(run)
    results = ((run.summary or {}).get("results") or {}).get("thermal_slips") or {}
    found = results if results.get("windows") and "lasting" not in results else {}
    from matplotlib.ticker import MaxNLocator

    with style():
        made = figure(COLUMN, 3.3 if found else 1.9)
        grid = made.add_gridspec(
            2 if found else 1, 1, height_ratios=(1.25, 1) if found else None,
            left=0.16, right=0.95, top=0.975, bottom=0.12 if found else 0.2, hspace=0.42,
        )  # fmt: skip
        top = made.add_subplot(grid[0])
        steps = lasting(t, n)
        top.plot(t, n, color=GREY, lw=0.4, alpha=0.6, drawstyle="steps-post", rasterized=True)
        _flux(top, run, t, results.get("limit"))
        top.plot(t, steps, color=BLUE, lw=1.0, drawstyle="steps-post")
        at = np.flatnonzero(np.diff(steps)) + 1
        if 0 < at.size <= 40:
            up = np.diff(steps)[at - 1] > 0
            top.scatter(t[at[up]], steps[at[up]], s=8, color=RED, zorder=3, label="slip +", linewidths=0.6)
            top.scatter(
                t[at[~up]],
                steps[at[~up]],
                s=8,
                facecolors="white",
                edgecolors=RED,
                zorder=3,
                label="slip −",
                linewidths=0.6,
            )
        if top.get_legend_handles_labels()[0]:
            top.legend(frameon=False, ncols=2, loc="best", handletextpad=0.3, columnspacing=0.8, handlelength=1.5)
        top.yaxis.set_major_locator(MaxNLocator(integer=True))
        top.xaxis.set_major_locator(MaxNLocator(nbins=6))
        top.set(ylabel="net winding N", xlim=(0 if t[0] < 0.02 * t[-1] else t[0], t[-1]))
        top.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        if found:
            _diffusion(made.add_subplot(grid[1]), run, found)
        for axes in made.axes:
            axes.tick_params(length=2.5, pad=2)
        made.align_ylabels(made.axes)
        return save(made, Path(path))


def _flux(axes: Any, run: Run, t: Array, limit: float | None) -> None:
    """Of a contour: the flux through it, and the winding that would still be stable without noise."""
    table = run.table("winding") if "winding" in run.tables and "voltage" not in run.tables else {}
    name = next((name for name in table if name.endswith(" flux")), None)
    if name is None:
        return
    axes.plot(t, table[name], color=INK, lw=0.7, ls=":", label="applied Φ/Φ₀")
    if limit is not None:
        axes.plot(t, table[name] - limit, color=INK, lw=0.8, ls=(0, (4, 2)), label="stable without noise")


def _diffusion(axes: Any, run: Run, found: Mapping[str, Any]) -> None:
    """D of each window with its error, and twice the rate of a uniform wire."""
    windows = found["windows"]
    w = np.array([float(name) for name in windows])
    d = np.array([part["diffusion"] for part in windows.values()])
    error = np.array([part["error"] for part in windows.values()])
    axes.errorbar(w, d, error, fmt="o", ms=3, color=BLUE, lw=0.8, capsize=2, label="slips counted")
    if "lamh" in found:
        axes.axhline(2 * found["lamh"]["rate"], color=RED, lw=0.9, ls=(0, (4, 2)), label="2 Ω, LAMH")
    axes.set(xscale="log", ylim=(0, None), ylabel="D (1/τ₀)", xticks=w, xticklabels=[f"{round(x)}" for x in w])
    axes.minorticks_off()
    axes.set_xlabel("window w (τ₀)", labelpad=1)
    axes.legend(frameon=False, loc="best")


def winding_of(run: Run) -> tuple[Array, Array]:
    """(t, N) of a run, from its first measured pair or its first contour."""
    if "voltage" in run.tables:
        table = run.table("voltage")
        name = next(name for name in table if name.endswith(" slips"))
    elif "winding" in run.tables:
        table = run.table("winding")
        name = next(name for name in table if name != "t" and not name.endswith(" flux"))
    else:
        raise Refusal(f"{run.folder} counts no slips: ask for thermal_slips, with a pair or a contour, before the run")
    return table["t"], table[name]


def resistance_temperature(runs: Sequence[Run], path: str | Path) -> Path:
    """Resistance of a wire against temperature from thermal slips, runs of a batch, with the law of a uniform wire.

    Over that of the normal state; the temperature in K where the material gives it, else in units of the energy.
    Raises Refusal where a run holds no thermal slips.
    """
    rows = sorted(resistance_rows(runs))
    with style():
        made = figure(COLUMN, 2.5)
        axes = made.add_axes((0.17, 0.16, 0.79, 0.8))
        t, r, error, law = np.array(rows).T
        axes.errorbar(t, r, error, fmt="o", ms=3.5, color=BLUE, lw=0.8, capsize=2, label="slips counted")
        if np.isfinite(law).any():
            axes.plot(t, law, color=RED, lw=0.9, ls=(0, (4, 2)), label="LAMH")
        axes.axhline(1, color=GREY, lw=0.6)
        kelvin = all("kelvin" in run.header["noise"] for run in runs)
        axes.set_xlabel("T (K)" if kelvin else "k T / (Bc²/µ₀) ξA", labelpad=1)
        axes.set(yscale="log", ylabel="R / Rₙ")
        seen = r[r > 0]
        if seen.size:
            axes.set_ylim(0.3 * seen.min(), 3)
        axes.tick_params(length=2.5, pad=2, color=INK)
        axes.legend(frameon=False, loc="lower right")
        return printed(made, Path(path))


def resistance_rows(runs: Sequence[Run]) -> list[tuple[float, float, float, float]]:
    """(temperature, R/Rn, its error, R/Rn of the law) of each run; nan where it is not known."""
    rows = []
    for run in runs:
        found = ((run.summary or {}).get("results") or {}).get("thermal_slips")
        if not found or "lamh" not in found:
            raise Refusal(
                f"{run.folder} holds no thermal slips of a uniform wire: solve it with the recipe thermal_slips"
            )
        law = found["lamh"]
        values = (found["resistance"], found["resistance_error"] or np.nan, law["resistance"])
        temperature = run.header["noise"].get("kelvin", found["temperature"])
        rows.append((temperature, *(value / law["normal"] for value in values)))
    return rows
