"""Pictures of a batch: curves with their direction, maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..contract import Array
from ..store.response import expected_frequency
from .sheets import COLUMN, figure, save, style

COLOURS = ("#1f5fa8", "#c1440e", "#3a7d44", "#7b4b94", "#8a6d1d", "#4a4a4a")
Curve = tuple[str, int, Array, Array, Array]  # label, +1 up or -1 down, x, y, error of y


def iv_plot(curves: Sequence[Curve], unit: str, path: Path) -> Path:
    """V against current, one colour for each family, filled points on the way up, open ones on the way down, arrows
    where the voltage jumps.
    """
    labels = list(dict.fromkeys(label for label, *_ in curves))
    with style():
        made = figure(COLUMN, 2.5)
        axes = made.add_axes((0.15, 0.16, 0.81, 0.8))
        for label, up, x, v, error in curves:
            colour = COLOURS[labels.index(label) % len(COLOURS)]
            face = colour if up > 0 else "white"
            name = f"{label} {'up' if up > 0 else 'down'}".strip()
            axes.errorbar(
                x, v, np.nan_to_num(error), color=colour, marker="o", ms=2.2, mfc=face, mew=0.5, lw=0.7,
                elinewidth=0.5, label=name, ls="-" if up > 0 else "--",
            )  # fmt: skip
            _arrow(axes, x, v, colour)
        axes.set_xlabel(f"current ({'j₀' if unit == 'j0' else unit})", labelpad=1)
        axes.set_ylabel("mean voltage (V₀)", labelpad=2)
        axes.legend(frameon=False, ncols=1 + (len(curves) > 4), handlelength=1.6)
        return save(made, path)


def _arrow(axes: object, x: Array, v: Array, colour: str) -> None:
    """An arrow at the largest jump of a curve, in its direction."""
    jumps = np.abs(np.diff(np.nan_to_num(v)))
    if not jumps.size or jumps.max() < 0.2 * np.nanmax(np.abs(np.nan_to_num(v)) + 1e-300):
        return
    k = int(jumps.argmax())
    ends = [(float(x[n]), float(np.nan_to_num(v[n]))) for n in (k, k + 1)]
    begin = tuple(0.6 * a + 0.4 * b for a, b in zip(*ends, strict=True))
    end = tuple(0.4 * a + 0.6 * b for a, b in zip(*ends, strict=True))
    look = {"arrowstyle": "-|>", "color": colour, "lw": 0.7, "mutation_scale": 7}
    axes.annotate("", xy=end, xytext=begin, arrowprops=look)  # type: ignore[attr-defined]


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
        return save(made, path)


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
        return save(made, path)
