"""Means over time on the sample, speeds and order of vortices; the numbers lie beside each picture as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import Array, Refusal
from ..mesh.simplices import volumes
from ..physics.lattice import structure_factor, triangular_q
from ..store import Run
from ..store.maps import maps_of
from ..store.zeros import last_places, tracks_of
from . import scales
from .films import case_of, lengths
from .plots import BLUE, GREY, RED
from .sheets import COLUMN, figure, printed, style
from .wires import along

GRID = 241  # points of S(q) each way
REACH = 2.4  # of the first ring of the triangular lattice


def beside(path: Path, names: Sequence[str], columns: Iterable[Any]) -> None:
    """The numbers of a picture, with its name."""
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(zip(*columns, strict=True))


def density_picture(run: Run, path: str | Path) -> Path:
    """<|psi|^2> over the measured time."""
    return _on_the_sample(run, Path(path), maps_of(run)["density"], "⟨|ψ|²⟩", "viridis", 1.0)


def dissipation_picture(run: Run, path: str | Path) -> Path:
    """Mean power per volume, of relaxation and normal current together."""
    table = maps_of(run)
    heat = (table["relaxation"] + table["ohmic"]) / table["share"]
    return _on_the_sample(run, Path(path), heat, "power ($B_c^2/μ_0τ_0$)", "inferno", None)


def _on_the_sample(run: Run, path: Path, values: Array, label: str, cmap: str, high: float | None) -> Path:
    """Of nodes: a map of a film, a curve along a wire.  Raises Refusal for bodies."""
    if run.mesh.dim == 3:
        raise Refusal(f"{run.folder}: a map is drawn of wires and films")
    name = label.split(" (")[0].replace("⟨|ψ|²⟩", "density")
    if run.mesh.dim == 1:
        way = along(run.mesh)
        beside(path, ("x", name), (way.x, values[way.nodes]))
        with style():
            made = figure(COLUMN, 2.0)
            axes = made.add_axes((0.17, 0.19, 0.79, 0.77))
            axes.plot(way.x, values[way.nodes], color=BLUE)
            axes.set(ylim=(0, None), xlim=(way.x[0], way.x[-1]), ylabel=label)
            axes.set_xlabel(scales.label(run.header, "x", "xi"), labelpad=1)
            axes.tick_params(length=2.5, pad=2)
            return printed(made, path)
    from matplotlib.tri import Triangulation

    points, shown_values = run.mesh.points, values[run.mesh.node_of_vertex]
    beside(path, ("x", "y", name), (points[0], points[1], shown_values))
    low, top = points.min(axis=1), points.max(axis=1)
    wide = COLUMN - 1.2
    tall = min(3.2, wide * (top[1] - low[1]) / (top[0] - low[0]))
    height = tall + 0.55
    with style():
        made = figure(COLUMN, height)
        axes = made.add_axes((0.45 / COLUMN, 0.38 / height, wide / COLUMN, tall / height))
        tri = Triangulation(points[0], points[1], run.mesh.cells.T)
        shown = axes.tripcolor(tri, shown_values, cmap=cmap, shading="gouraud", vmin=0, vmax=high, rasterized=True)
        axes.set(xlim=(low[0], top[0]), ylim=(low[1], top[1]))
        lengths(axes, run)
        bar = made.add_axes(((0.45 + wide + 0.06) / COLUMN, 0.38 / height, 0.08 / COLUMN, tall / height))
        made.colorbar(shown, cax=bar).set_label(label, labelpad=2)
        return printed(made, path)


# ------------------------------------------------------------------------------------------- vortices


def vortex_speeds(run: Run, path: str | Path) -> Path:
    """Speed of every vortex against its place across the film, in the measured time; in km/s where scales are known."""
    path, table = Path(path), tracks_of(run)
    case = case_of(run)
    start = 0.5 * case.time.until if case.measure.from_ is None else case.measure.from_
    known = np.isfinite(table["vx"]) & np.isfinite(table["vy"]) & (table["t"] >= start)
    speed = np.hypot(table["vx"], table["vy"])[known]
    t, number, y = (table[name][known] for name in ("t", "id", "y"))
    metre, second = (scales.scale(run.header, name) for name in ("xi", "tau0"))
    unit, label = (1.0, "speed (ξ/τ₀)") if not metre or not second else (1e-3 * metre / second, "speed (km/s)")
    beside(path, ("t", "id", "y", "speed in xi/tau0", label), (t, number, y, speed, speed * unit))
    with style():
        made = figure(COLUMN, 2.3)
        axes = made.add_axes((0.17, 0.17, 0.79, 0.79))
        axes.plot(y, speed * unit, ".", ms=2, color=BLUE, rasterized=speed.size > 5000)
        if speed.size:
            axes.axhline(
                speed.mean() * unit, color=RED, lw=0.8, ls=(0, (4, 2)), label=f"mean {speed.mean() * unit:.3g}"
            )
            axes.legend(frameon=False)
        axes.set(ylim=(0, None), ylabel=label)
        axes.set_xlabel(scales.label(run.header, "y", "xi"), labelpad=1)
        axes.tick_params(length=2.5, pad=2)
        return printed(made, path)


def structure_plot(run: Run, path: str | Path) -> Path:
    """Where the vortices are at the end, and S(q)/N of these places, with the ring of the triangular lattice."""
    path, x = Path(path), last_places(run)
    if x.shape[1] < 3:
        raise Refusal(f"{run.folder} has {x.shape[1]} vortices at the end; a structure factor wants more")
    ring = triangular_q(x.shape[1], float(volumes(run.mesh.points, run.mesh.cells).sum()))
    axis = np.linspace(-REACH, REACH, GRID) * ring
    s = structure_factor(x, np.stack(np.meshgrid(axis, axis))) / x.shape[1]
    size = np.linspace(0.3, REACH, 200) * ring
    angle = np.pi * np.arange(360) / 360
    rays = np.stack([np.cos(angle), np.sin(angle)])[:, None, :] * size[None, :, None]
    beside(path, ("q", "S/N, mean over angles", "largest"), (size, *_of_rings(structure_factor(x, rays) / x.shape[1])))
    with style():
        made = figure(COLUMN, 1.95)
        left, right = made.add_axes((0.13, 0.22, 0.35, 0.68)), made.add_axes((0.61, 0.22, 0.35, 0.68))
        left.plot(*x, "o", ms=2, color=BLUE)
        left.set_aspect("equal")
        lengths(left, run)
        right.imshow(
            s, extent=(axis[0], axis[-1], axis[0], axis[-1]), origin="lower", cmap="magma", vmin=0,
            vmax=max(0.2, float(np.sort(s[np.hypot(*np.meshgrid(axis, axis)) > 0.6 * ring])[-1])),
        )  # fmt: skip
        turn = np.linspace(0, 2 * np.pi, 200)
        right.plot(ring * np.cos(turn), ring * np.sin(turn), color=GREY, lw=0.5, ls=":")
        right.set_xlabel("$q_x$ (1/ξ)", labelpad=1)
        right.set_ylabel("$q_y$ (1/ξ)", labelpad=0)
        right.set_title("S(q)/N", pad=3)
        left.set_title(f"{x.shape[1]} vortices", pad=3)
        right.tick_params(length=2.5, pad=2)
        return printed(made, path)


def _of_rings(s: Array) -> tuple[Array, Array]:
    return s.mean(axis=-1), s.max(axis=-1)
