"""Curves and kymographs, drawn by Matplotlib: wires along x and t, voltages, potentials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from . import scales
from .looks import LOOKS, values, vectors
from .sheets import COLUMN, figure, save, style, title
from .wires import Way, along

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREY, INK = "#1f5fa8", "#c1440e", "#8a8a8a", "#1a1a1a"
AROUND = 20.0  # xi to each side of a slip centre
DARK = 1e-3  # |psi| below which a phase means nothing


def kymograph(run: Run, path: str | Path) -> Path:
    """|psi|(x, t) of a wire or ring above its V(t), on one axis of time.

    A network of wires is shown along the longest way through it.
    Raises Refusal for films, bodies and runs with fewer than two frames.
    """
    way = along(run.mesh)
    if len(run.times) < 2:
        raise Refusal(f"{run.folder} holds {len(run.times)} frames; a kymograph needs two or more")
    psi = np.stack([values(run.frame(k), "psi_abs")[way.nodes] for k in range(len(run.times))], axis=1)
    pairs = voltage_pairs(run)
    with style():
        made = figure(COLUMN, 3.1 if pairs else 2.0)
        grid = made.add_gridspec(
            2 if pairs else 1, 2, width_ratios=(1, 0.035), height_ratios=(1.7, 1) if pairs else None,
            left=0.14, right=0.87, top=0.965, bottom=0.105 if pairs else 0.16, hspace=0.2, wspace=0.04,
        )  # fmt: skip
        top = made.add_subplot(grid[0, 0])
        _map(made, top, made.add_subplot(grid[0, 1]), run, way, psi)
        _slips(top, run, way)
        last = top
        if pairs:
            last = made.add_subplot(grid[1, 0], sharex=top)
            top.tick_params(labelbottom=False)
            _voltages(last, run, pairs[:1])
            _key(made, last, curves=False)
            made.align_ylabels([top, last])
        last.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        last.set_xlim(_start(run.times), run.times[-1])
        return save(made, Path(path))


def _start(times: Array) -> float:
    """Where an axis of time begins: at 0 where the first record is of the first steps."""
    return 0.0 if 0 <= times[0] < 0.02 * times[-1] else float(times[0])


def _map(made: Figure, axes: Axes, bar: Axes, run: Run, way: Way, psi: Array) -> None:
    high = max(1.0, float(psi.max())) if psi.max() > 1.02 else 1.0
    t, x = _mesh_lines(run.times), _mesh_lines(way.x)
    t[0] = _start(run.times)
    shown = axes.pcolormesh(t, x, psi, cmap=LOOKS["psi_abs"].cmap, vmin=0, vmax=high, rasterized=True)
    made.colorbar(shown, cax=bar).set_label("|ψ|", labelpad=2)
    axes.set_ylabel(scales.label(run.header, "s" if way.closed else "x", "xi"), labelpad=1)
    axes.tick_params(length=2.5, pad=2)


def _slips(axes: Axes, run: Run, way: Way) -> None:
    """Phase slips as dots, filled for + and open for -, where they were followed."""
    if "slips" not in run.tables:
        return
    table = run.table("slips")
    place = np.zeros((3, run.mesh.nodes))
    place[: run.mesh.points.shape[0], run.mesh.node_of_vertex] = run.mesh.points
    at = np.array([table["x"], table["y"], table["z"]])
    if np.ptp(place[1:], axis=1).max() < 1e-9 and not way.closed:
        x = table["x"]
    else:
        apart = np.linalg.norm(place[:, way.nodes, None] - at[:, None], axis=0)
        x = way.x[apart.argmin(axis=0)]
    for sign, face in ((1, RED), (-1, "none")):
        chosen = np.sign(table["winding"]) == sign
        axes.scatter(table["t"][chosen], x[chosen], s=2, facecolors=face, edgecolors=RED, linewidths=0.4, zorder=3)


def _mesh_lines(middle: Array) -> Array:
    """Borders of cells around points."""
    between = (middle[1:] + middle[:-1]) / 2
    return np.concatenate([middle[:1], between, middle[-1:]])


# ------------------------------------------------------------------------------------------------- voltages


def voltage_pairs(run: Run) -> list[str]:
    """Names of the voltages of a run: columns of the table ``voltage`` that have an impulse beside them."""
    if "voltage" not in run.tables:
        return []
    columns = run.table("voltage")
    return [name for name in columns if f"{name} impulse" in columns or name.count("|") == 1 and " " not in name]


def voltage_plot(run: Run, path: str | Path) -> Path:
    """V(t) between the probes, with the mean over the measured time.  Raises Refusal when no voltage was recorded."""
    pairs = voltage_pairs(run)
    if not pairs:
        raise Refusal(f"{run.folder} has no table of voltages; name a pair of probes under measure: between")
    with style():
        made = figure(COLUMN, 2.1)
        axes = made.add_axes((0.15, 0.17, 0.81, 0.72))
        _voltages(axes, run, pairs)
        axes.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        t = run.table("voltage")["t"]
        axes.set_xlim(_start(t), t[-1])
        high = 1.95 + _key(made, axes)  # inches: a long legend takes nothing from the curves
        made.set_figheight(high)
        axes.set_position((0.15, 0.36 / high, 0.81, 1.51 / high))
        return save(made, Path(path))


def _key(made: Figure, axes: Axes, curves: bool = True) -> float:
    """A legend above axes, in one column where two are too wide; returns its height in inches."""
    named = (line for line in axes.get_lines() if not str(line.get_label()).startswith("_"))
    lines = [line for line in named if curves or line.get_linestyle() != "-"]
    for columns in (2, 1) if lines else ():
        key = axes.legend(
            handles=lines, frameon=False, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1,
            borderpad=0.1, handlelength=1.6, columnspacing=1.4, labelspacing=0.2,
        )  # fmt: skip
        box = key.get_window_extent()
        if box.x1 <= made.bbox.x1:
            break
    return box.height / made.dpi if lines else 0.0


def _voltages(axes: Axes, run: Run, pairs: list[str]) -> None:
    """Curves of V(t); the surge at the very start does not set the range."""
    table = run.table("voltage")
    colours = (BLUE, RED, "#3f7f3f", "#7a4f9a", GREY)
    means = _means(run, pairs)
    for k, name in enumerate(pairs):
        text = name.replace("|", " – ")
        axes.plot(table["t"], table[name], color=colours[k % 5], lw=0.9, label=text, rasterized=len(table["t"]) > 20000)
        if name in means:
            label = f"mean {scales.quantity(run.header, means[name], 'V0', 3)}"
            axes.axhline(
                means[name], color=INK if len(pairs) == 1 else colours[k % 5], lw=0.8, ls=(0, (4, 2)), label=label
            )
    later = table["t"] >= table["t"][0] + 0.03 * np.ptp(table["t"])
    shown = np.concatenate([table[name][later] for name in pairs])
    if len(shown):
        low, high = min(shown.min(), 0.0), max(shown.max(), 0.0)
        edge = 0.08 * (high - low) or 1.0
        axes.set_ylim(low - edge, high + edge)
    axes.axhline(0, color=GREY, lw=0.4, zorder=0)
    axes.set_ylabel(scales.label(run.header, "V", "V0"), labelpad=2)
    axes.tick_params(length=2.5, pad=2)


def _means(run: Run, pairs: list[str]) -> dict[str, float]:
    """Mean voltages that the run's summary gives: of each pair, or of the first one."""
    found = ((run.summary or {}).get("results") or {}).get("voltage") or {}
    several = found.get("pairs") or {pairs[0]: found}
    means = {name: (several.get(name) or {}).get("mean") for name in pairs}
    return {name: float(value) for name, value in means.items() if value is not None}


GROUP = 4  # slips over which a rate is drawn


def frequency_plot(run: Run, path: str | Path) -> Path:
    """Rate of phase slips of the first pair beside dmu/2 pi (V/2 pi), over GROUP slips.  Raises Refusal with fewer."""
    name = next(iter(voltage_pairs(run)), None)
    if name is None:
        raise Refusal(f"{run.folder} has no table of voltages; name a pair of probes under measure: between")
    table = run.table("voltage")
    t, count = table["t"], np.maximum.accumulate(np.rint(np.abs(table[f"{name} slips"])))
    at = np.flatnonzero(np.diff(count) > 0) + 1
    if at.size <= GROUP:
        words = f"the phase slipped {at.size} times between {name.replace('|', ' and ')}; a rate wants {GROUP + 1}"
        raise Refusal(f"{run.folder}: {words}")
    impulse = np.abs(table[f"{name} impulse"]) / (2 * np.pi)
    dt = t[at[GROUP:]] - t[at[:-GROUP]]
    rate, wanted = ((y[at[GROUP:]] - y[at[:-GROUP]]) / dt for y in (count, impulse))
    middle = (t[at[GROUP:]] + t[at[:-GROUP]]) / 2
    unit = scales.symbols(run.header, "tau0")[1]
    with style():
        made = figure(COLUMN, 2.3)
        axes = made.add_axes((0.16, 0.17, 0.80, 0.72))
        axes.plot(middle, wanted, color=BLUE, label="Δμ/2π" if run.header.get("symbols") else "V/2π")
        axes.plot(middle, rate, "o", ms=2.5, color=RED, label=f"phase slips, over {GROUP} of them")
        axes.set_ylim(0, 1.35 * float(max(rate.max(), wanted.max())))
        axes.set_xlim(0, t[-1])
        axes.set_ylabel("f (μ₀/ħ)" if "/" in unit else f"f (1/{unit})", labelpad=2)
        axes.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        axes.tick_params(length=2.5, pad=2)
        axes.legend(frameon=False, loc="lower left", fontsize=7)
        return save(made, Path(path))


def winding_plot(run: Run, path: str | Path) -> Path:
    """Winding numbers of the contours against time.  Raises Refusal when none were recorded."""
    if "winding" not in run.tables:
        raise Refusal(f"{run.folder} has no table of windings; ask for the recipe 'windings' before the run")
    from matplotlib.ticker import MaxNLocator

    table = run.table("winding")
    with style():
        made = figure(COLUMN, 2.0)
        axes = made.add_axes((0.13, 0.2, 0.84, 0.74))
        for k, name in enumerate(column for column in table if column != "t" and not column.endswith(" flux")):
            colour = (BLUE, RED, "#3f7f3f", "#7a4f9a")[k % 4]
            axes.step(table["t"], table[name], where="post", color=colour, label=name)
            if f"{name} flux" in table:
                axes.plot(
                    table["t"], table[f"{name} flux"], color=colour, lw=0.7, ls=":", label=f"{name}: applied Φ/Φ₀"
                )
        axes.set_ylabel("winding number", labelpad=2)
        axes.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(length=2.5, pad=2)
        axes.legend(frameon=False)
        return save(made, Path(path))


# ------------------------------------------------------------------------------------------------- wires


def potentials(run: Run, first: float | None = None) -> tuple[Way, dict[str, Array]]:
    """Potentials along a wire, averaged over the frames from time ``first`` on (default: the second half).

    Returns the way and mu (quasiparticles), pairs (mu_p, minus the mean turning rate of the phase where the frames
    hold no mu_pair), psi_mean and psi_min, each (n,).
    """
    way = along(run.mesh)
    start = (run.times[0] + run.times[-1]) / 2 if first is None else first
    chosen = np.flatnonzero(run.times >= start)
    if len(chosen) < 2:
        raise Refusal(f"{run.folder} holds {len(chosen)} frames after t = {start:.6g}; potentials need two or more")
    frames = [run.frame(int(k)) for k in chosen]
    psi = np.stack([values(frame, "psi_abs")[way.nodes] for frame in frames])

    def mean(name: str) -> Array:
        return np.mean([frame[name][way.nodes] for frame in frames], axis=0)

    pairs = mean("mu_pair") if "mu_pair" in frames[0] else _turning(frames, run.times[chosen])[way.nodes]
    pairs = np.where(psi.mean(axis=0) > DARK, pairs, np.nan)
    return way, {"mu": mean("mu"), "pairs": pairs, "psi_mean": psi.mean(axis=0), "psi_min": psi.min(axis=0)}


def _turning(frames: list[dict[str, Array]], times: Array) -> Array:
    """- d theta / dt between the first and the last frame; each step may turn by less than half a turn."""
    psi = np.stack([frame["psi_re"] + 1j * frame["psi_im"] for frame in frames])
    return -np.angle(psi[1:] * psi[:-1].conj()).sum(axis=0) / (times[-1] - times[0])


def profile(run: Run, path: str | Path) -> Path:
    """Potentials of quasiparticles and of pairs around the slip centre of a wire, time-averaged, under |psi| there.

    The slip centre is where |psi| comes lowest, away from the ends.
    Raises Refusal for films and bodies, and where there are too few frames.
    """
    way, found = potentials(run)
    centre = slip_centre(way, found["psi_min"])
    near = np.abs(way.x - centre) <= AROUND
    with style():
        made = figure(COLUMN, 3.0)
        grid = made.add_gridspec(
            2, 1, height_ratios=(1, 1.9), left=0.15, right=0.97, top=0.97, bottom=0.125, hspace=0.1
        )
        top, low = made.add_subplot(grid[0]), None
        low = made.add_subplot(grid[1], sharex=top)
        top.fill_between(way.x[near], found["psi_min"][near], found["psi_mean"][near], color=BLUE, alpha=0.15, lw=0)
        top.plot(way.x[near], found["psi_mean"][near], color=BLUE, label="mean")
        top.plot(way.x[near], found["psi_min"][near], color=BLUE, lw=0.8, ls=":", label="least")
        top.set(ylabel="|ψ|", ylim=(0, 1.12 * found["psi_mean"][near].max()))
        top.tick_params(labelbottom=False)
        low.plot(way.x[near], found["mu"][near], color=RED, label="quasiparticles, ⟨μ⟩")
        low.plot(way.x[near], found["pairs"][near], color=BLUE, label="pairs, ⟨μₚ⟩ = −⟨∂ₜθ⟩")
        low.set_ylabel(scales.label(run.header, "μ", "V0"), labelpad=2)
        low.set_xlabel(scales.label(run.header, "s" if way.closed else "x", "xi"), labelpad=1)
        low.set_xlim(way.x[near][0], way.x[near][-1])
        for axes in (top, low):
            axes.axvline(centre, color=GREY, lw=0.6, ls=(0, (3, 2)), zorder=0)
            axes.tick_params(length=2.5, pad=2)
            axes.legend(frameon=False, loc="best", handlelength=1.5, borderaxespad=0.3)
        return save(made, Path(path))


def slip_centre(way: Way, psi_min: Array) -> float:
    """Coordinate of the lowest |psi|, not counting an eighth of the wire at each end (normal contacts)."""
    inner = np.ones(len(way.x), bool)
    if not way.closed:
        edge = np.ptp(way.x) / 8
        inner = (way.x >= way.x[0] + edge) & (way.x <= way.x[-1] - edge)
    return float(way.x[inner][np.argmin(psi_min[inner])])


def wire_snapshot(run: Run, path: str | Path, frame: int = -1) -> Path:
    """One frame of a wire or ring: |psi| and phase, currents and potentials along it."""
    way, fields = along(run.mesh), run.frame(frame)
    with style():
        made, panels = _wire_panels(run, way, fields)
        for axes, curves in panels:
            for label, (colour, get) in curves.items():
                axes.plot(way.x, get(fields), color=colour, label=label)
            if len(curves) > 1:
                axes.legend(frameon=False, ncols=2, loc="best", handlelength=1.5, borderaxespad=0.3)
        made.text(0.16, 0.992, title(run.header, run.times[frame]), ha="left", va="top")
        return save(made, Path(path))


OfFrame = Callable[[Mapping[str, Array]], Array]  # of a frame
Curve = tuple[str, OfFrame]  # with its colour


def _wire_panels(run: Run, way: Way, fields: Mapping[str, Array]) -> tuple[Figure, list[tuple[Axes, dict[str, Curve]]]]:
    """The panels of a wire with what goes into each: label -> colour and a function of the frame."""
    tangent = _tangent(run, way)

    def on(name: str) -> OfFrame:
        return lambda f: values(f, name)[way.nodes]

    def flow(name: str) -> OfFrame:
        return lambda f: np.einsum("ij,ij->i", vectors(f, name)[way.nodes], tangent)

    wanted: list[tuple[str, dict[str, Curve]]] = [("|ψ|", {"psi": (BLUE, on("psi_abs"))})]
    if "psi_re" in fields:
        wanted.append(("arg ψ", {"phase": (BLUE, lambda f: _phase(f, way))}))
    currents = {"pairs": ("supercurrent", BLUE), "quasiparticles": ("normal_current", RED)}
    shown: dict[str, Curve] = {k: (colour, flow(name)) for k, (name, colour) in currents.items() if name in fields}
    amount, height = (scales.symbols(run.header, name)[1] for name in ("j0", "V0"))
    wanted += [(f"j ({amount})", shown)] if shown else []
    if "mu" in fields:
        wanted.append((f"μ ({height})", {"mu": (RED, on("mu"))}))
    made = figure(COLUMN, 0.62 + 0.78 * len(wanted))
    tall = made.get_figheight()
    grid = made.add_gridspec(len(wanted), 1, left=0.16, right=0.97, top=1 - 0.2 / tall, bottom=0.36 / tall, hspace=0.16)
    axes = [made.add_subplot(grid[k]) for k in range(len(wanted))]
    for part, (label, _) in zip(axes, wanted, strict=True):
        part.set_ylabel(label, labelpad=2)
        part.set_xlim(way.x[0], way.x[-1])
        part.tick_params(length=2.5, pad=2, labelbottom=part is axes[-1])
    axes[0].set_ylim(0, 1.08)
    axes[-1].set_xlabel(scales.label(run.header, "s" if way.closed else "x", "xi"), labelpad=1)
    made.align_ylabels(axes)
    volt = scales.scale(run.header, "V0")
    if volt is not None and "mu" in fields:
        made.text(0.97, 0.992, scales.quantity(run.header, 1, "V0"), ha="right", va="top", fontsize=7)
    return made, [(part, curves) for part, (_, curves) in zip(axes, wanted, strict=True)]


def _phase(fields: Mapping[str, Array], way: Way) -> Array:
    """The phase along a wire without jumps of 2 pi, from zero; nothing where |psi| vanishes."""
    bright = values(fields, "psi_abs")[way.nodes] > DARK
    phase = np.full(len(way.x), np.nan)
    phase[bright] = np.unwrap(values(fields, "phase")[way.nodes][bright])
    return phase - phase[bright][0] if bright.any() else phase


def _tangent(run: Run, way: Way) -> Array:
    place = np.zeros((run.mesh.nodes, 3))
    place[run.mesh.node_of_vertex] = run.mesh.points.T
    along_way = np.gradient(place[way.nodes], axis=0)
    if way.closed:  # both ends are one node
        along_way[0] = along_way[-1] = along_way[0] + along_way[-1]
    return along_way / np.linalg.norm(along_way, axis=1, keepdims=True)


def wire_film(run: Run, chosen: Array) -> tuple[Figure, Callable[[int], None], list[Any]]:
    """The moving snapshot of a wire: its figure, a function that sets frame k, and what moves in it."""
    way = along(run.mesh)
    probe = [run.frame(int(k)) for k in chosen[:: max(1, len(chosen) // 20)]]
    made, panels = _wire_panels(run, way, probe[0])
    curves = []
    for axes, parts in panels:
        for label, (colour, get) in parts.items():
            curves.append((axes.plot(way.x, get(probe[0]), color=colour, label=label)[0], get))
        if axes is not panels[0][0]:
            axes.set_ylim(*_range([get(frame) for frame in probe for _, get in parts.values()]))
        if len(parts) > 1:
            axes.legend(frameon=False, ncols=2, loc="center", handlelength=1.5, borderaxespad=0.3)
    words = made.text(0.16, 0.992, "", ha="left", va="top")

    def update(k: int) -> None:
        fields = run.frame(k)
        for line, get in curves:
            line.set_ydata(get(fields))
        words.set_text(title(run.header, run.times[k]))

    return made, update, [*(line for line, _ in curves), words]


def _range(curves: list[Array]) -> tuple[float, float]:
    low, high = float(np.nanmin(curves)), float(np.nanmax(curves))
    edge = 0.08 * (high - low) or 1.0
    return low - edge, high + edge
