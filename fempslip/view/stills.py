"""States, barriers and nuclei: energies against what they depend on, with small frames of |psi|."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from . import scales
from .looks import LOOKS, values
from .plots import BLUE, GREY, INK, RED
from .sheets import COLUMN, figure, save, style
from .wires import along

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# what a sweep can change -> label of its axis
SWEPT = {"flux": "flux / Φ₀", "field": "B / Bc2", "current": "current"}
MOST_FRAMES = 12


# ------------------------------------------------------------------------------------------- small frames


def small(axes: Axes, run: Run, k: int, name: str = "psi_abs") -> None:
    """One frame in little: a map of a film, a curve of a wire, the line through the least |psi| of a body."""
    frame = run.frame(k)
    shown = values(frame, name)
    axes.set(xticks=[], yticks=[])
    if run.mesh.dim == 1:
        way = along(run.mesh)
        axes.fill_between(way.x, shown[way.nodes], color=BLUE, alpha=0.25, lw=0)
        axes.plot(way.x, shown[way.nodes], color=BLUE, lw=0.7)
        axes.set(xlim=(way.x[0], way.x[-1]), ylim=(0, 1.1))
        return
    points, cells = run.mesh.points, run.mesh.cells
    at = shown[run.mesh.node_of_vertex]
    if run.mesh.dim == 3:
        cells, points, at = surface(run, at)
    look = LOOKS[name]
    if name == "phase" and run.mesh.periods:  # across a period the gauge may change, and the phase with it
        first = np.zeros(points.shape[1], dtype=bool)
        first[np.unique(run.mesh.node_of_vertex, return_index=True)[1]] = True
        cells = cells[:, first[cells].all(axis=0)]
    axes.tripcolor(points[0], points[1], cells.T, at, cmap=look.cmap, vmin=look.low, vmax=look.high, shading="gouraud",
                   rasterized=True)  # fmt: skip
    axes.set_aspect("equal")
    axes.set(xlim=(points[0].min(), points[0].max()), ylim=(points[1].min(), points[1].max()))


def surface(run: Run, at: Array) -> tuple[Array, Array, Array]:
    """Triangles of a body's surface that look up, seen from above: (cells, points, values)."""
    faces = np.concatenate([run.mesh.cells[list(f)] for f in ((0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3))], axis=1)
    _, first, count = np.unique(np.sort(faces, axis=0), axis=1, return_index=True, return_counts=True)
    faces = faces[:, first[count == 1]]
    p = run.mesh.points[:, faces]
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0], axis=0)
    high = p[2].mean(axis=0) > np.median(run.mesh.points[2])
    up = (np.abs(normal[2]) > 0.9 * np.linalg.norm(normal, axis=0)) & high
    return faces[:, up], run.mesh.points, at


def proportion(run: Run) -> float:
    """Height over width of a small frame."""
    if run.mesh.dim == 1:
        return 0.45
    extent = np.ptp(run.mesh.points[:2], axis=1)
    return float(np.clip(extent[1] / extent[0], 0.2, 2.0))


# ------------------------------------------------------------------------------------------- states


def states(run: Run, path: str | Path) -> Path:
    """|psi| of the states that were found, from low energy to high, with their energies."""
    table = run.table("states")
    count = min(len(table["energy"]), MOST_FRAMES)
    order = np.argsort(table["energy"], kind="stable")[:count]
    columns = min(count, 4)
    rows = -(-count // columns)
    wide = COLUMN / columns
    tall = wide * 0.92 * proportion(run) + 0.3
    with style():
        made = figure(COLUMN, rows * tall + 0.05)
        for place, k in enumerate(order):
            row, column = divmod(place, columns)
            base = 1 - ((row + 1) * tall - 0.02) / (rows * tall + 0.05)
            box = ((column + 0.04) / columns, base, 0.92 / columns, (tall - 0.3) / (rows * tall + 0.05))
            axes = made.add_axes(box)
            small(axes, run, int(k))
            axes.set_title(f"{label(table, int(k))}\nF = {table['energy'][k]:.4f}", fontsize=6, pad=2, linespacing=1.1)
        return save(made, Path(path))


def label(table: dict[str, Array], k: int) -> str:
    """What tells a state: its vortices, or its windings."""
    plain = {"state", "energy", "mean_density", "residual", "negative", "iterations", "value"}
    names = [n for n in table if n not in plain and not n.startswith("curvature")]
    if "vortices" in names and (table["vortices"].any() or table["antivortices"].any()):
        other = int(table["antivortices"][k])
        return f"{int(table['vortices'][k])} vortices" + (f", {other} anti" if other else "")
    words = [f"{name} {int(table[name][k])}" for name in names if name not in ("vortices", "antivortices")]
    return ", ".join(words) or f"state {int(table['state'][k])}"


def branches(run: Run) -> tuple[list[tuple[Array, dict[str, Array]]], dict[str, Array]]:
    """(rows of each branch in the order of the parameter, the columns) of a sweep.  Raises Refusal without one."""
    if "branches" not in run.tables:
        raise Refusal(f"{run.folder} holds no sweep: the task relax with follow: makes one")
    table = run.table("branches")
    found = []
    for number in np.unique(table["branch"]):
        rows = np.flatnonzero(table["branch"] == number)
        found.append(rows[np.argsort(table["value"][rows])])
    return [(rows, table) for rows in found], table


def swept_label(run: Run) -> str:
    for name, words in SWEPT.items():
        if f"parameter: {name}" in run.case_text:
            return words
    return "parameter"


def free_energies(run: Run, path: str | Path) -> Path:
    """Energy of every state against what was swept; dots where it gives way."""
    parts, table = branches(run)
    limits = run.table("limits")
    with style():
        made = figure(COLUMN, 2.5)
        axes = made.add_axes((0.16, 0.155, 0.815, 0.81))
        colours = [BLUE, RED, "#3a7d44", "#7b4fa3", "#b8860b", "#2a9d9d"]
        for k, (rows, _) in enumerate(parts):
            x, y = table["value"][rows], table["energy"][rows]
            axes.plot(x, y, color=colours[k % len(colours)], lw=1.0)
            ends = limits["limit"][limits["branch"] == table["branch"][rows[0]]]
            for end in ends[np.isfinite(ends)]:
                at = int(np.argmin(np.abs(x - end)))
                axes.plot(x[at], y[at], "o", ms=3.2, color=colours[k % len(colours)], mec=INK, mew=0.4, clip_on=False)
        lowest = lower_envelope(parts, table)
        axes.plot(*lowest, color=INK, lw=2.2, alpha=0.25, solid_capstyle="butt", zorder=0)
        axes.set_xlabel(swept_label(run), labelpad=1)
        axes.set_ylabel(f"free energy F  ({unit_of_energy(run)})", labelpad=2)
        axes.margins(x=0.02)
        axes.tick_params(length=2.5, pad=2)
        note = "dots: where a state gives way; grey: lowest of those found"
        axes.text(0.5, 0.985, note, transform=axes.transAxes, ha="center", va="top", fontsize=6, color=INK)
        axes.set_ylim(top=axes.get_ylim()[1] + 0.09 * np.ptp(axes.get_ylim()))
        return save(made, Path(path))


def unit_of_energy(run: Run) -> str:
    """With the section A of a wire, the thickness d of a film."""
    return "Bc² " + ("ξA", "ξ²d", "ξ³")[run.mesh.dim - 1] + " / µ₀"


def lower_envelope(parts: list[tuple[Array, dict[str, Array]]], table: dict[str, Array]) -> tuple[Array, Array]:
    x = np.unique(np.round(table["value"], 9))
    y = [np.interp(x, table["value"][r], table["energy"][r], left=np.inf, right=np.inf) for r, _ in parts]
    return x, np.min(y, axis=0)


def little_parks(run: Run, path: str | Path) -> Path:
    """Mean |psi|^2 against what was swept: each winding number has its arch, the lowest energy runs along the tops."""
    parts, table = branches(run)
    with style():
        made = figure(COLUMN, 2.2)
        axes = made.add_axes((0.14, 0.17, 0.83, 0.795))
        for rows, _ in parts:
            axes.plot(table["value"][rows], table["mean_density"][rows], color=BLUE, lw=0.8, alpha=0.55)
        x = np.linspace(table["value"].min(), table["value"].max(), 2001)
        energy = np.array([np.interp(x, table["value"][r], table["energy"][r], np.inf, np.inf) for r, _ in parts])
        density = np.array([np.interp(x, table["value"][r], table["mean_density"][r], 0.0, 0.0) for r, _ in parts])
        best = np.take_along_axis(density, energy.argmin(axis=0)[None], axis=0)[0]
        axes.plot(x, np.where(np.isfinite(energy.min(axis=0)), best, 0.0), color=RED, lw=1.4)
        axes.set(xlabel=swept_label(run), ylabel="⟨|ψ|²⟩", ylim=(0, 1.16), xlim=(x[0], x[-1]))
        note = "red: least energy; blue: the others, while stable"
        axes.text(0.5, 0.985, note, transform=axes.transAxes, ha="center", va="top", fontsize=6, color=INK)
        axes.xaxis.labelpad, axes.yaxis.labelpad = 1, 2
        axes.tick_params(length=2.5, pad=2)
        return save(made, Path(path))


# ------------------------------------------------------------------------------------------- barriers


def barrier(run: Run, path: str | Path) -> Path:
    """Energy along the string, images in little above it, and the saddle."""
    table = run.table("string")
    count = len(table["arc"])
    result = (run.summary or {}).get("results", {})
    found = result.get("barrier") or result.get("instanton") or {}
    shown = np.unique(np.linspace(0, count - 1, 5).round().astype(int))
    shown = np.unique(np.append(shown, int(np.argmax(table["energy"]))))
    across = 0.83 / len(shown)
    high = COLUMN * across * 0.92 * proportion(run)
    with style():
        made = figure(COLUMN, 2.1 + high)
        whole = made.get_figheight()
        axes = made.add_axes((0.14, 0.36 / whole, 0.83, 1.55 / whole))
        axes.set_zorder(1)  # over the lines to the frames
        axes.patch.set_visible(False)
        axes.plot(table["arc"], table["energy"], "-o", color=BLUE, ms=2.4, lw=1.0)
        top = found.get("forward", found.get("energy"))
        if top is not None:
            axes.axhline(top, color=RED, lw=0.7, ls=(0, (4, 2)))
            words = f"{'saddle' if 'index' in found else 'top'}: {top:.4f}"
            axes.annotate(words, (0.02, top), xycoords=("axes fraction", "data"), xytext=(0, 2),
                          textcoords="offset points", ha="left", va="bottom", fontsize=7, color=RED,
                          bbox={"fc": "white", "ec": "none", "pad": 0.6})  # fmt: skip
        axes.axhline(0, color=GREY, lw=0.5)
        axes.set(xlabel="arc length along the string", ylabel=f"G − G(start)  ({unit_of_energy(run)})")
        axes.xaxis.labelpad, axes.yaxis.labelpad = 1, 2
        axes.set_ylim(top=1.15 * float(table["energy"].max()))
        axes.tick_params(length=2.5, pad=2)
        for place, k in enumerate(shown):
            box = (0.14 + across * (place + 0.04), 1 - (0.06 + high) / whole, across * 0.92, high / whole)
            part = made.add_axes(box)
            small(part, run, int(k))
            axes.plot(table["arc"][k], table["energy"][k], "o", ms=5, mfc="none", mec=INK, mew=0.7)
            x = table["arc"][k]
            line = part.annotate(
                "", (x, table["energy"][k]), xycoords=axes.transData, xytext=(0.5, -0.02),
                textcoords=part.transAxes, arrowprops={"arrowstyle": "-", "lw": 0.4, "color": GREY, "shrinkB": 3},
            )  # fmt: skip
            line.set_annotation_clip(False)
        return save(made, Path(path))


def saddle(run: Run, path: str | Path) -> Path:
    """|psi| and phase of the pass, the last frame; a cross where psi vanishes."""
    result = (run.summary or {}).get("results", {})
    found = result.get("barrier") or result.get("instanton") or {}
    if run.mesh.dim == 1:
        return _wire_state(run, path, -1, "the pass")
    return _maps(run, path, [-1], mark=int(found.get("zeros", 0)))


def _wire_state(run: Run, path: str | Path, k: int, words: str) -> Path:
    way, frame = along(run.mesh), run.frame(k)
    with style():
        made = figure(COLUMN, 2.3)
        top, low = made.add_axes((0.17, 0.56, 0.8, 0.38)), made.add_axes((0.17, 0.155, 0.8, 0.36))
        psi = frame["psi_re"] + 1j * frame["psi_im"]
        top.plot(way.x, np.abs(psi[way.nodes]), color=BLUE)
        least = int(np.argmin(np.abs(psi[way.nodes])))
        top.plot(way.x[least], np.abs(psi[way.nodes])[least], "o", ms=3.5, mfc="white", mec=RED, zorder=3)
        words = f"{words}: least |ψ| = {np.abs(psi).min():.3f}"
        top.text(0.02, 0.06, words, transform=top.transAxes, fontsize=7)
        low.plot(way.x, np.unwrap(np.angle(psi[way.nodes])) / np.pi, color=BLUE)
        top.set(ylabel="|ψ|", ylim=(0, 1.08), xlim=(way.x[0], way.x[-1]))
        low.set(ylabel="arg ψ / π", xlim=(way.x[0], way.x[-1]))
        low.set_xlabel(scales.label(run.header, "s" if way.closed else "x", "xi"), labelpad=1)
        top.tick_params(length=2.5, pad=2, labelbottom=False)
        low.tick_params(length=2.5, pad=2)
        made.align_ylabels([top, low])
        return save(made, Path(path))


def _maps(run: Run, path: str | Path, frames: list[int], mark: int = 0, titles: list[str] | None = None) -> Path:
    """Maps of |psi| and phase side by side or one above the other, whichever suits the shape."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    flat = proportion(run) < 0.6
    tiles = [(k, name) for k in frames for name in ("psi_abs", "phase")]
    columns = 1 if flat else 2
    rows = -(-len(tiles) // columns)
    wide = 2.6 if flat else 1.08
    tall = wide * proportion(run)
    width, height = COLUMN, rows * (tall + 0.22) + 0.36
    with style():
        made = figure(width, height)
        for place, (k, name) in enumerate(tiles):
            row, column = divmod(place, columns)
            left = 0.42 + column * (wide + 0.42)
            base = height - 0.2 - (row + 1) * tall - row * 0.22
            axes = made.add_axes((left / width, base / height, wide / width, tall / height))
            small(axes, run, k, name)
            low, high = run.mesh.points[:2].min(axis=1), run.mesh.points[:2].max(axis=1)
            axes.set_xticks(np.round([low[0], (low + high)[0] / 2, high[0]], 1))
            axes.set_yticks(np.round([low[1], (low + high)[1] / 2, high[1]], 1))
            axes.tick_params(length=2, pad=1.5, labelsize=6, labelbottom=row == rows - 1, labelleft=column == 0)
            axes.set_xlabel("x (ξ)" if row == rows - 1 else "", labelpad=1)
            axes.set_ylabel("y (ξ)" if column == 0 else "", labelpad=1)
            for place_of_zero in darkest(run, k, mark):
                axes.plot(*place_of_zero, "+", color="white" if name == "psi_abs" else INK, ms=6, mew=1)
            look = LOOKS[name]
            bar = made.add_axes(((left + wide + 0.04) / width, base / height, 0.06 / width, tall / height))
            shown = made.colorbar(ScalarMappable(Normalize(look.low, look.high), look.cmap), cax=bar)
            shown.outline.set_linewidth(0.5)
            bar.tick_params(length=1.5, pad=1, labelsize=6)
            if look.cyclic:
                shown.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
            else:
                shown.set_ticks([0, 0.5, 1])
            words = titles[place // 2] if titles and name == "psi_abs" else ""
            axes.set_title(f"{look.label}{words}", fontsize=7, pad=2)
        return save(made, Path(path))


def darkest(run: Run, k: int, count: int) -> list[Array]:
    """Places of the `count` darkest nodes that are more than 2 xi apart."""
    psi = values(run.frame(k), "psi_abs")
    found: list[Array] = []
    for node in np.argsort(psi, kind="stable")[: psi.size // 2]:
        place = run.mesh.node_points[:2, node]
        if len(found) < count and all(np.linalg.norm(place - other) > 2 for other in found):
            found.append(place)
    return found


def nucleation_mode(run: Run, path: str | Path) -> Path:
    """|psi| (its largest value 1) and phase of the state that nucleates."""
    result = (run.summary or {}).get("results", {}).get("nucleation", {})
    words = f" at B = {result['field']:.4f} Bc2" if "field" in result else ""
    if run.mesh.dim == 1:
        return _wire_state(run, path, 0, f"nucleus{words}")
    return _maps(run, path, [0], titles=[words])
