"""Pictures of lumped systems: phase and voltage in time, current-voltage curves, Shapiro maps, levels, sounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from . import scales
from .plots import BLUE, GREY, INK, RED
from .sheets import COLUMN, figure, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = (BLUE, RED, "#3f7f3f", "#7a4f9a", "#b8860b", GREY)
MOST = 12.0  # turns that a waveform shows, the last ones
# kind of junction -> (its phase, what answers, its unit, what drives, its unit)
NAMES = {
    "adler": ("ψ", "dψ/dt", "1/τ₀", "detuning", "1/τ₀"),
    "dual": ("2πq/2e", "I", "Vc/R", "V", "Vc"),
    "josephson": ("φ", "V", "Ic R", "I", "Ic"),
}


def lumped_plot(run: Run, path: str | Path) -> Path:
    """Whatever a lumped run holds.  Raises Refusal where there is nothing to draw."""
    for table, draw in DRAWN.items():
        if table in run.tables:
            with style():
                return draw(run, Path(path))
    raise Refusal(f"{run.folder} holds nothing of a lumped system")


def names(run: Run) -> tuple[str, str, str, str, str]:
    return NAMES.get(str(run.header.get("junction")), NAMES["josephson"])


def tidy(axes: Axes, across: str, up: str) -> None:
    axes.set_xlabel(across, labelpad=1)
    axes.set_ylabel(up, labelpad=2)
    axes.tick_params(length=2.5, pad=2)


def waveform_plot(run: Run, path: Path) -> Path:
    """The phase in turns above its rate, over the last turns, with the mean rate."""
    table = run.table("waveform")
    found = ((run.summary or {}).get("results") or {}).get("lumped") or {}
    if "answer" in found:
        return answer_plot(run, path, table)
    phase, answer, unit, _, _ = names(run)
    t = table["t"]
    mean = found.get("mean")
    start = max(0.0, t[-1] - MOST * 2 * np.pi / abs(mean)) if mean else 0.0
    late = t >= start
    made = figure(COLUMN, 3.0)
    grid = made.add_gridspec(2, 1, left=0.14, right=0.96, top=0.93, bottom=0.12, hspace=0.12)
    top, low = (made.add_subplot(grid[k]) for k in range(2))
    top.plot(t[late], (table["phase"][late] - table["phase"][late][0]) / (2 * np.pi), color=BLUE)
    low.plot(t[late], table["rate"][late], color=BLUE, lw=0.8)
    if mean is not None:
        low.axhline(mean, color=INK, lw=0.8, ls=(0, (4, 2)))
        top.text(1, 1.02, f"mean rate {mean:.6g}", transform=top.transAxes, ha="right", va="bottom", fontsize=7)
    top.set_xlim(start, t[-1])
    low.set_xlim(start, t[-1])
    tidy(top, "", f"{phase} / 2π")
    top.tick_params(labelbottom=False)
    tidy(low, scales.label(run.header, "t", "tau0"), f"{answer} ({unit})")
    return save(made, path)


def answer_plot(run: Run, path: Path, table: Mapping[str, Array]) -> Path:
    """What a junction answers whose phase is prescribed: it oscillates."""
    _, answer, unit, drive, drive_unit = names(run)
    made = figure(COLUMN, 2.2)
    axes = made.add_axes((0.15, 0.17, 0.81, 0.7))
    axes.plot(table["t"], table["bias"], color=BLUE, lw=0.8, label=drive)
    axes.plot(table["t"], table["rate"], color=RED, lw=0.8, ls=(0, (4, 2)), label=f"{answer} ({unit}), given")
    axes.set_xlim(table["t"][0], table["t"][-1])
    axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)
    tidy(axes, scales.label(run.header, "t", "tau0"), f"{drive} ({drive_unit})")
    return save(made, path)


def curve_plot(run: Run, path: Path) -> Path:
    """Mean rate over the bias, up and down."""
    table = run.table("curve")
    _, answer, unit, drive, drive_unit = names(run)
    made = figure(COLUMN, 2.5)
    axes = made.add_axes((0.14, 0.15, 0.82, 0.81))
    for sign, colour, label in ((1, BLUE, "up"), (-1, RED, "down")):
        part = table["direction"] == sign
        if part.any():
            axes.plot(table["bias"][part], table["mean"][part], color=colour, label=label)
    if (table["direction"] < 0).any():
        axes.legend(frameon=False)
    tidy(axes, f"{drive} ({drive_unit})", f"⟨{answer}⟩ ({unit})")
    return save(made, path)


def map_plot(run: Run, path: Path) -> Path:
    """Mean rate over the drive's frequency, for bias and amplitude; plateaus have one colour each, slopes are pale."""
    from matplotlib.colors import BoundaryNorm, ListedColormap

    table = run.table("map")
    _, answer, _, drive, drive_unit = names(run)
    amplitude, bias = np.unique(table["amplitude"]), np.unique(table["bias"])
    n = table["n"].reshape(amplitude.size, bias.size)
    step = np.rint(n)
    shown = np.ma.masked_where(np.abs(n - step) > 0.01, step)
    top = int(step.max())
    made = figure(COLUMN, 2.6)
    axes, bar = made.add_axes((0.13, 0.15, 0.7, 0.81)), made.add_axes((0.86, 0.15, 0.03, 0.81))
    axes.pcolormesh(
        bias, amplitude, np.ma.masked_invalid(n), cmap="Greys", vmin=-2 * top, vmax=3 * top, rasterized=True
    )
    import matplotlib

    colours = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, 0.95, top + 1)))
    drawn = axes.pcolormesh(
        bias, amplitude, shown, cmap=colours, norm=BoundaryNorm(np.arange(-0.5, top + 1), top + 1), rasterized=True
    )
    made.colorbar(drawn, cax=bar, ticks=range(top + 1)).set_label(f"⟨{answer}⟩ / Ω", labelpad=2)
    tidy(axes, f"{drive} ({drive_unit})", f"amplitude ({drive_unit})")
    return save(made, path)


def levels_plot(run: Run, path: Path) -> Path:
    table = run.table("levels")
    made = figure(COLUMN, 2.4)
    axes = made.add_axes((0.13, 0.16, 0.83, 0.8))
    for k, name in enumerate(name for name in table if name != "flux"):
        axes.plot(table["flux"], table[name], color=COLOURS[k % 6])
    tidy(axes, "Φ / Φ₀", "E / E_L")
    axes.set_xlim(table["flux"][0], table["flux"][-1])
    return save(made, path)


def ring_plot(run: Run, path: Path) -> Path:
    """Equilibrium currents of a normal and of a superconducting ring, each in units of its own."""
    table = run.table("ring")
    made = figure(COLUMN, 2.4)
    axes = made.add_axes((0.14, 0.16, 0.82, 0.72))
    axes.plot(table["flux"], table["normal"], color=RED, label="normal, period h/e")
    axes.plot(table["flux"], table["superconducting"], color=BLUE, lw=0.8, label="superconducting, h/2e")
    axes.axhline(0, color=GREY, lw=0.4, zorder=0)
    axes.legend(frameon=False, ncols=2, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)
    axes.set_xlim(table["flux"][0], table["flux"][-1])
    tidy(axes, "Φ / (h/e)", "current (e v_F/L; largest)")
    return save(made, path)


def sound_plot(run: Run, path: Path) -> Path:
    """Pulses of first, second and fourth sound: density, temperature and both velocities, at a few times."""
    kinds = [kind for kind in ("first", "second", "fourth") if f"{kind}_sound" in run.tables]
    made = figure(COLUMN, 1.2 * len(kinds) + 0.5)
    tall = made.get_figheight()
    grid = made.add_gridspec(len(kinds), 1, left=0.11, right=0.97, top=1 - 0.3 / tall, bottom=0.36 / tall, hspace=0.16)
    looks = {
        "density": ("δρ/ρ", BLUE),
        "temperature": ("δT/T", RED),
        "superfluid": ("v_s", INK),
        "normal": ("v_n", GREY),
    }
    answers = ((run.summary or {}).get("results") or {}).get("lumped") or {}
    for k, kind in enumerate(kinds):
        axes, table = made.add_subplot(grid[k]), run.table(f"{kind}_sound")
        times = np.unique(table["t"])
        part = table["t"] == times[len(times) // 2]
        x = table["x"][part]
        quickest = max(np.abs(table["superfluid"]).max(), np.abs(table["normal"]).max())
        for name, (label, colour) in looks.items():
            dashes = (0, (3, 2)) if name in ("superfluid", "normal") else "-"
            scale = quickest if name in ("superfluid", "normal") else 1.0
            axes.plot(x, table[name][part] / scale, color=colour, ls=dashes, lw=0.9, label=label)
        speed = answers.get(kind)
        axes.text(
            0.02, 0.9, f"{kind} sound" + (f", {speed:.3g} m/s" if speed else ""), transform=axes.transAxes, va="top"
        )
        axes.set_ylim(-1.15, 1.15)
        axes.set_xlim(0, x[-1])
        axes.tick_params(length=2.5, pad=2, labelbottom=k == len(kinds) - 1)
        if k == 0:
            axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)
    axes.set_xlabel("x (m)", labelpad=1)
    return save(made, path)


DRAWN = {
    "map": map_plot,
    "curve": curve_plot,
    "waveform": waveform_plot,
    "levels": levels_plot,
    "ring": ring_plot,
    "first_sound": sound_plot,
}
