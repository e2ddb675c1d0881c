"""Pictures of a batch: curves with their direction, maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import Array
from ..store.response import expected_frequency
from .sheets import COLUMN, figure, printed, style

GREY = "#8a8a8a"
COLOURS = ("#1f5fa8", "#c1440e", "#3a7d44", "#7b4b94", "#8a6d1d", "#4a4a4a")
Look = dict[str, Any]  # of a line
Curve = tuple[str, int, Array, Array, Array, Array]  # label, +1 up or -1 down, x, y, error of y, dy/dx


def iv_plot(curves: Sequence[Curve], unit: str, path: Path) -> Path:
    """V against current over dV/dI where it slips: one colour for each family, filled points and a line on the way up,
    open ones and dashes on the way down, arrows where the voltage jumps.
    """
    from matplotlib.lines import Line2D

    labels = list(dict.fromkeys(label for label, *_ in curves))
    with style():
        made = figure(COLUMN, 3.6)
        grid = made.add_gridspec(2, 1, height_ratios=(2, 1), left=0.15, right=0.96, top=0.98, bottom=0.105, hspace=0.07)
        axes, slopes = made.add_subplot(grid[0]), made.add_subplot(grid[1])
        slopes.sharex(axes)
        for label, up, x, v, error, slope in curves:
            colour = COLOURS[labels.index(label) % len(COLOURS)]
            look: Look = {"color": colour, "marker": "o", "ms": 2.2, "mfc": colour if up > 0 else "white", "mew": 0.5}
            look |= {"lw": 0.7, "ls": "-" if up > 0 else "--"}
            axes.errorbar(x, v, np.nan_to_num(error), elinewidth=0.6, capsize=1.2, capthick=0.5, **look)
            slopes.plot(x, slope, **look)
            _arrow(axes, x, v, colour)
        keys = [Line2D([], [], color=COLOURS[k % len(COLOURS)], lw=1.2, label=n) for k, n in enumerate(labels) if n]
        ways = {way for _, way, *_ in curves}
        for way, face, line, name in ((1, GREY, "-", "up"), (-1, "white", "--", "down")):
            if way in ways:
                key: Look = {"color": GREY, "marker": "o", "ms": 2.5, "mfc": face, "mew": 0.5, "lw": 0.7, "ls": line}
                keys.append(Line2D([], [], label=name, **key))
        axes.legend(handles=keys, frameon=False, handlelength=1.8, loc="upper left")
        axes.set_ylabel("mean voltage (V₀)", labelpad=2)
        axes.tick_params(labelbottom=False)
        slopes.set_ylabel("dV/dI (ξ/σ)" if unit == "j0" else f"dV/dI (V₀/{unit})", labelpad=2)
        slopes.set_xlabel(current_label("current", unit), labelpad=1)
        slopes.set_ylim(0, None)
        for part in (axes, slopes):
            part.tick_params(length=2.5, pad=2)
        made.align_ylabels([axes, slopes])
        return printed(made, path)


def current_label(path: str, unit: str) -> str:
    """ "drive.current.density", "j0" -> "current density (j₀)"; of other paths the last word."""
    words = [word for word in path.split(".") if word in ("current", "density", "field", "temperature", "flux")]
    name = " ".join(words) or path.split(".")[-1]
    return f"{name} ({SYMBOLS.get(unit, unit)})" if unit else name


SYMBOLS = {"j0": "j₀", "Bc2": "$B_{c2}$", "Idep": "$I_{dep}$", "Phi0": "Φ₀", "xi": "ξ", "tau": "τ₀", "V0": "V₀"}


def _arrow(axes: object, x: Array, v: Array, colour: str) -> None:
    """An arrow where a curve is steepest, in its direction."""
    jumps = np.abs(np.diff(np.nan_to_num(v)))
    if not jumps.size or jumps.max() < 0.1 * np.nanmax(np.abs(np.nan_to_num(v)) + 1e-300):
        return
    k = int(np.argmax(jumps / np.maximum(np.abs(np.diff(x)), 1e-300)))
    ends = [(float(x[n]), float(np.nan_to_num(v[n]))) for n in (k, k + 1)]
    begin = tuple(0.6 * a + 0.4 * b for a, b in zip(*ends, strict=True))
    end = tuple(0.4 * a + 0.6 * b for a, b in zip(*ends, strict=True))
    look = {"arrowstyle": "-|>", "color": colour, "lw": 0.7, "mutation_scale": 7}
    axes.annotate("", xy=end, xytext=begin, arrowprops=look)  # type: ignore[attr-defined]


def critical_plot(
    curves: Sequence[tuple[str, Array, Array, Array]], across: tuple[str, str], up: tuple[str, str], folder: Path
) -> Path:
    """Critical currents against a swept value; bars are brackets.  across, up : (path, unit)"""
    with style():
        made = figure(COLUMN, 2.4)
        axes = made.add_axes((0.16, 0.17, 0.8, 0.79))
        for k, (label, x, value, error) in enumerate(curves):
            colour = COLOURS[k % len(COLOURS)]
            axes.errorbar(
                x, value, error, color=colour, marker="o", ms=3, lw=0.7, elinewidth=0.7, capsize=1.5, label=label
            )
        axes.set_xlabel(current_label(*across), labelpad=1)
        axes.set_ylabel(f"critical {current_label(*up)}", labelpad=2)
        axes.set_ylim(0, None)
        axes.tick_params(length=2.5, pad=2)
        if len(curves) > 1:
            axes.legend(frameon=False)
        return printed(made, folder / "critical_current.png")


def loops_plot(loops: Sequence[tuple[str, Array, Array]], path: Path) -> Path:
    """mu0 M against the applied field of several runs."""
    with style():
        made = figure(COLUMN, 2.5)
        axes = made.add_axes((0.19, 0.17, 0.77, 0.79))
        for k, (label, b, m) in enumerate(loops):
            axes.plot(b, m, color=COLOURS[k % len(COLOURS)], lw=0.8, label=label)
        for draw in (axes.axhline, axes.axvline):
            draw(0, color=GREY, lw=0.4, zorder=0)
        axes.set_xlabel("field applied ($B_{c2}$)", labelpad=1)
        axes.set_ylabel("$μ_0 M$ ($B_{c2}$)", labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        axes.legend(frameon=False)
        return printed(made, path)


def dispersion_plot(branches: Sequence[tuple[str, float, Array, Array]], path: Path) -> Path:
    """omega(k) of branches (name, plasma frequency, k, omega), points on the curves of the formula."""
    highest = max(float(k.max()) for _, _, k, _ in branches)
    line = np.linspace(0, 1.05 * highest, 300)
    with style():
        made = figure(COLUMN, 2.6)
        axes = made.add_axes((0.13, 0.15, 0.83, 0.81))
        for colour, (name, gap, k, omega) in zip(COLOURS, branches, strict=False):
            formula = "√(2k² + k⁴)" if gap == 0 else "√(ωₚ² + 2k² + k⁴)"
            axes.plot(line, expected_frequency(line, gap), color=colour, lw=0.8, label=f"{name}, ω = {formula}")
            axes.plot(k, omega, "o", ms=3, color=colour)
            if gap:
                axes.annotate(f"ωₚ = {gap:g}", (0, gap), (4, 4), textcoords="offset points", fontsize=7, color=colour)
        axes.plot(line, np.sqrt(2) * line, color="#8a8a8a", lw=0.6, ls="--", label="sound, ω = ck")
        axes.set(xlim=(0, line[-1]), ylim=(0, None))
        axes.set_xlabel("k (1/ξ)", labelpad=1)
        axes.set_ylabel("ω (μ₀/ħ)", labelpad=2)
        axes.legend(frameon=False, loc="upper left")
        return printed(made, path)


def map_plot(x: Array, y: Array, z: Array, names: tuple[str, str, str], path: Path) -> Path:
    """A result over two swept values; equal cells, whatever the steps; a point that has none is white."""
    across, up = np.unique(x), np.unique(y)
    grid = np.full((up.size, across.size), np.nan)
    grid[np.searchsorted(up, y), np.searchsorted(across, x)] = z
    with style():
        made = figure(COLUMN, 2.6)
        axes = made.add_axes((0.15, 0.16, 0.64, 0.8))
        shown = axes.pcolormesh(np.arange(across.size), np.arange(up.size), grid, cmap="viridis", shading="nearest")
        axes.set_xticks(range(across.size), [f"{value:.4g}" for value in across])
        axes.set_yticks(range(up.size), [f"{value:.4g}" for value in up])
        made.colorbar(shown, cax=made.add_axes((0.82, 0.16, 0.03, 0.8))).set_label(names[2], labelpad=2)
        axes.set_xlabel(names[0], labelpad=1)
        axes.set_ylabel(names[1], labelpad=2)
        return printed(made, path)
