"""Pictures of circuits and ac drives: node potentials and currents, the spectrum, Shapiro steps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from . import scales
from .plots import BLUE, GREY, INK, RED
from .sheets import COLUMN, figure, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, RED, "#3f7f3f", "#7a4f9a", "#b8860b", GREY)
LOWEST = 1e-5  # of the strongest line that is shown


def circuit_plot(run: Run, path: str | Path) -> Path:
    """Potentials of the nodes above the currents of elements and terminals.  Raises Refusal without a circuit."""
    if "circuit" not in run.tables:
        raise Refusal(f"{run.folder} has no circuit")
    table = run.table("circuit")
    with style():
        made = figure(COLUMN, 3.4)
        grid = made.add_gridspec(2, 1, left=0.16, right=0.97, top=0.93, bottom=0.105, hspace=0.28)
        top, low = (made.add_subplot(grid[k]) for k in range(2))
        curves(top, table, "V ")
        curves(low, table, "I ")
        top.set_ylabel(scales.label(run.header, "V", "V0"), labelpad=2)
        low.set_ylabel(scales.label(run.header, "I", "I0"), labelpad=2)
        low.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        top.tick_params(labelbottom=False)
        return save(made, Path(path))


def curves(axes: Axes, table: dict[str, Array], kind: str) -> None:
    """The columns of a kind, without those that are another one again, or its negative."""
    shown: list[Array] = []
    names = [name for name in table if name.startswith(kind)]
    for name in names:
        if any(np.allclose(np.abs(table[name]), np.abs(other), rtol=1e-9, atol=1e-12) for other in shown):
            continue
        axes.plot(
            table["t"], table[name], color=COLOURS[len(shown) % 6], lw=0.9, label=name.removeprefix(kind),
            rasterized=len(table["t"]) > 20000,
        )  # fmt: skip
        shown.append(table[name])
    later = np.searchsorted(table["t"], 0.01 * table["t"][-1])
    values = np.concatenate([np.zeros(1), *(curve[later:] for curve in shown)])
    edge = 0.08 * np.ptp(values) or 1.0
    axes.set_ylim(values.min() - edge, values.max() + edge)
    axes.set_xlim(0, table["t"][-1])
    axes.axhline(0, color=GREY, lw=0.4, zorder=0)
    axes.tick_params(length=2.5, pad=2)
    axes.legend(
        frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1, handlelength=1.2,
        columnspacing=1.0,
    )  # fmt: skip


def answer(run: Run, recipe: str) -> dict[str, Any]:
    found = ((run.summary or {}).get("results") or {}).get(recipe)
    if not found:
        raise Refusal(f"{run.folder} holds no answer to the recipe {recipe!r}: it is drawn when the run has finished")
    return dict(found)


def spectrum_plot(run: Run, path: str | Path) -> Path:
    """Amplitudes of the signal over frequency in units of V/2 pi, with the fitted line and its harmonics."""
    found = answer(run, "spectrum")
    if found["frequency"] is None:
        raise Refusal(f"{run.folder}: nothing oscillates in the measured time")
    t, signal = signal_of(run, found["signal"])
    late = t >= 0.5 * t[-1]
    even = np.linspace(t[late][0], t[-1], 4 * int(late.sum()))
    wave = np.interp(even, t, signal) - signal[late].mean()
    taper = np.hanning(even.size)
    height = 2 * np.abs(np.fft.rfft(wave * taper)) / taper.sum()
    nu = np.fft.rfftfreq(even.size, even[1] - even[0])
    unit = found["josephson"] or 1.0
    with style():
        made = figure(COLUMN, 2.2)
        axes = made.add_axes((0.16, 0.17, 0.81, 0.72))
        axes.semilogy(nu / unit, np.maximum(height, 1e-300), color=BLUE, lw=0.8)
        k = np.arange(1, len(found["harmonics"]) + 1)
        axes.plot(k * found["frequency"] / unit, found["harmonics"], "o", color=RED, ms=3, label="fitted")
        axes.set_xlim(0, min(6.5, nu[-1] / unit))
        axes.set_ylim(LOWEST * height.max(), 3 * height.max())
        axes.set_xlabel("frequency / (V/2π)" if found["josephson"] else "frequency (1/τ₀)", labelpad=1)
        axes.set_ylabel(f"amplitude of {found['signal'].split()[0]}", labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        axes.legend(frameon=False)
        if found["ratio"]:
            made.text(0.16, 0.985, f"main line at {found['ratio']:.6f} V/2π", ha="left", va="top")
        return save(made, Path(path))


def signal_of(run: Run, name: str) -> tuple[Array, Array]:
    """The signal that the recipe `spectrum` looked at: a voltage, or a column of the circuit."""
    if name.startswith("V "):
        table = run.table("voltage")
        return table["t"], table[name[2:].replace(" – ", "|")]
    table = run.table("circuit")
    return table["t"], table[name]


def shapiro_plot(run: Run, path: str | Path) -> Path:
    """<V>/Omega against the current, with its plateaus."""
    found = answer(run, "shapiro")
    if not found["bias"]:
        raise Refusal(f"{run.folder}: no constant bias lasts long enough for a mean; hold each for ten drive periods")
    order = np.argsort(found["bias"])
    bias, n = np.array(found["bias"])[order], np.array(found["n"])[order]
    with style():
        made = figure(COLUMN, 2.4)
        axes = made.add_axes((0.14, 0.16, 0.82, 0.8))
        for title, step in found["steps"].items():
            level = step["mean"]
            axes.axhline(round(2 * level) / 2, color=GREY, lw=0.5, ls=(0, (3, 2)), zorder=0)
            axes.plot([step["from"], step["to"]], [level, level], color=RED, lw=3, alpha=0.5, solid_capstyle="butt")
            axes.annotate(title, (step["to"], level), (3, 3), textcoords="offset points", fontsize=7, color=INK)
        axes.plot(bias, n, "o-", color=BLUE, ms=2.5, lw=0.7)
        axes.set_xlabel(scales.label(run.header, "⟨I⟩", "I0"), labelpad=1)
        axes.set_ylabel("⟨V⟩ / Ω", labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        return save(made, Path(path))
