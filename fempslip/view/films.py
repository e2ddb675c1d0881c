"""Pictures of a film's currents and what they do outside: the field above it, streamlines, moment and magnetization.

B_z at the height z of a sheet current k, in Fourier space: i (q_x k_y - q_y k_x)/(2 q) exp(-q z), over Lambda.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from ..contract import Array, Refusal
from ..mesh.places import cell_values
from ..mesh.simplices import volumes
from ..physics.biot_savart import Sheet
from ..store import Run
from . import scales
from .looks import vectors
from .plots import BLUE, RED, voltage_pairs
from .sheets import COLUMN, figure, save, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ACROSS = 160  # points along the longer side of the plane above
MARGIN = 0.25  # of the longer side of the film, shown round it
HEIGHT = 1.0  # xi, of the plane above
FAINT = 0.04  # of the largest current, below which no streamline is drawn: in the middle of a swirl they would crowd


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane above a film.  x, y : its raster;  b : (x, y) B_z there in Bc2, that of the currents and all together."""

    x: Array
    y: Array
    own: Array
    total: Array


def case_of(run: Run) -> Any:
    from ..case import load_text

    return load_text(run.case_text)


def sheet_current(run: Run, case: Any, frame: int) -> Array:
    """k : (nodes,) complex, x + i y, super- and normal current of a frame, in j0 d."""
    j = vectors(run.frame(frame), "current")
    share = cell_values(run.mesh, {name: case.material[name].thickness for name in run.mesh.regions})
    area, cells = volumes(run.mesh.points, run.mesh.cells), run.mesh.cells
    weight = np.bincount(cells.ravel(), np.tile(area * share, 3)) / np.bincount(cells.ravel(), np.tile(area, 3))
    return weight * (j[:, 0] + 1j * j[:, 1])


def plane_above(run: Run, height: float = HEIGHT, frame: int = -1) -> Plane:
    """B_z of a frame's currents and of the drive in a plane, by FFT of the currents spread on its raster.

    Raises Refusal for a run that is no film, or whose Lambda is not known.
    """
    case = case_of(run)
    if run.mesh.dim != 2 or case.scales.Lambda is None:
        raise Refusal(f"{run.folder}: the field above needs a film whose lambda and thickness are given")
    sheet = Sheet.of(run.mesh)
    low, high = sheet.points.min(axis=1), sheet.points.max(axis=1)
    edge = MARGIN * float((high - low).max())
    pitch = float((high - low).max() + 2 * edge) / ACROSS
    nx, ny = (int(n) for n in np.ceil((high - low + 2 * edge) / pitch))
    x, y = (low[k] - edge + pitch * np.arange(n) for k, n in enumerate((nx, ny)))
    k = np.zeros((nx, ny), dtype=complex)
    points, current = spread_out(sheet, sheet_current(run, case, frame))
    place = np.rint((points - np.array([x[0], y[0]])[:, None]) / pitch).astype(int)
    np.add.at(k, (place[0], place[1]), current / pitch**2)
    wide = (2 * nx, 2 * ny)
    qx, qy = (2 * np.pi * scipy.fft.fftfreq(n, pitch) for n in wide)
    q = np.hypot(qx[:, None], qy[None, :])
    q[0, 0] = 1.0
    kx, ky = scipy.fft.fft2(k.real, wide), scipy.fft.fft2(k.imag, wide)
    b = 1j * (qx[:, None] * ky - qy[None, :] * kx) / (2 * q) * np.exp(-q * height)
    own = scipy.fft.ifft2(b).real[:nx, :ny] / case.scales.Lambda
    return Plane(x, y, own, own + applied(case, run.times[frame], x, y, height))


def spread_out(sheet: Sheet, density: Array) -> tuple[Array, Array]:
    """Many points (2, count) with the current of their share: each cell cut into 36, the density linear in it."""
    n = 6
    ways = [(a + s, b + s) for a in range(n) for b in range(n - a) for s in (1 / 3, 2 / 3) if s < 0.5 or a + b < n - 1]
    weights = np.array([[1 - (a + b) / n, a / n, b / n] for a, b in ways])
    corner, k = sheet.points[:, sheet.cells], density[sheet.cells]
    points = np.einsum("wk,xkc->xwc", weights, corner).reshape(2, -1)
    return points, ((weights @ k) * sheet.area / len(ways)).ravel()


def applied(case: Any, t: float, x: Array, y: Array, height: float) -> Array:
    """B_z of the drive on a raster."""
    from ..mesh.sources import curl, potential_of

    total = np.full((x.size, y.size), sum(vector[2] * wave.value(t) for vector, wave in case.drive.field))
    place = np.array([*(v.ravel() for v in np.meshgrid(x, y, indexing="ij")), np.full(x.size * y.size, height)])
    for source, wave in case.drive.sources:
        total += wave.value(t) * curl(potential_of(source), place)[2].reshape(total.shape)
    return total


def field_above(run: Run, path: str | Path, height: float = HEIGHT) -> Path:
    """B_z in a plane above a film, with the outline of the film."""
    found = plane_above(run, height)
    with style():
        made, axes, beside = map_and_bar(np.array([found.x[0], found.y[0]]), np.array([found.x[-1], found.y[-1]]))
        shown = axes.pcolormesh(found.x, found.y, found.total.T, cmap="viridis", shading="gouraud", rasterized=True)
        outline(axes, run, "white")
        made.colorbar(shown, cax=beside).set_label("$B_z$ ($B_{c2}$)", labelpad=2)
        lengths(axes, run)
        axes.set_title(f"{height:g} ξ above the film, t = {run.times[-1]:.4g} τ₀", pad=3)
        return save(made, Path(path))


# inches: left of a map, right of it with its colour bar, below, above
LEFT, RIGHT, BELOW, ABOVE = 0.5, 0.75, 0.38, 0.22


def map_and_bar(low: Array, high: Array) -> tuple[Any, Any, Any]:
    """A figure a column wide with axes for a map between two corners, and axes for its colour bar."""
    wide = COLUMN - LEFT - RIGHT
    tall = wide * (high[1] - low[1]) / (high[0] - low[0])
    height = BELOW + tall + ABOVE
    made = figure(COLUMN, height)
    axes = made.add_axes((LEFT / COLUMN, BELOW / height, wide / COLUMN, tall / height))
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), autoscale_on=False)
    bar = made.add_axes(((LEFT + wide + 0.06) / COLUMN, BELOW / height, 0.08 / COLUMN, tall / height))
    return made, axes, bar


def outline(axes: Axes, run: Run, color: str) -> None:
    from matplotlib.collections import LineCollection

    from ..mesh.boundaries import exterior

    lines = run.mesh.points[:, exterior(run.mesh)].transpose(2, 1, 0)
    axes.add_collection(LineCollection(list(lines), colors=color, linewidths=0.7, capstyle="round", clip_on=False))


def lengths(axes: Axes, run: Run) -> None:
    axes.set_aspect("equal")
    axes.set_xlabel(scales.label(run.header, "x", "xi"), labelpad=1)
    axes.set_ylabel(scales.label(run.header, "y", "xi"), labelpad=1)
    axes.tick_params(length=2.5, pad=2)


def streamlines(run: Run, path: str | Path) -> Path:
    """Streamlines of the current of the last frame on its strength.  Raises Refusal for wires and bodies."""
    if run.mesh.dim != 2:
        raise Refusal(f"{run.folder}: streamlines are for films")
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap
    from matplotlib.tri import LinearTriInterpolator, Triangulation

    mesh, j = run.mesh, vectors(run.frame(-1), "current")
    tri = Triangulation(mesh.points[0], mesh.points[1], mesh.cells.T)
    at = j[mesh.node_of_vertex]
    size = np.linalg.norm(at, axis=1)
    low, high = mesh.points.min(axis=1), mesh.points.max(axis=1)
    count = 200
    x = np.linspace(low[0], high[0], count)
    y = np.linspace(low[1], high[1], max(20, round(count * (high[1] - low[1]) / (high[0] - low[0]))))
    jx, jy = (LinearTriInterpolator(tri, at[:, k])(*np.meshgrid(x, y)) for k in range(2))
    strong = np.hypot(jx, jy) > FAINT * size.max()
    dark = ListedColormap(colormaps["magma"](np.linspace(0, 0.8, 256)))  # white lines are seen on it
    with style():
        made, axes, beside = map_and_bar(low, high)
        shown = axes.tripcolor(tri, size, cmap=dark, shading="gouraud", vmin=0, rasterized=True)
        if size.max() > 1e-9:
            jx, jy = (np.ma.masked_where(~strong, part) for part in (jx, jy))
            axes.streamplot(x, y, jx, jy, density=1.1, color="white", linewidth=0.5, arrowsize=0.5)
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        outline(axes, run, "#1a1a1a")
        made.colorbar(shown, cax=beside).set_label("|J| ($j_0$)", labelpad=2)
        lengths(axes, run)
        axes.set_title(f"current, t = {run.times[-1]:.4g} τ₀", pad=3)
        return save(made, Path(path))


# ------------------------------------------------------------------------------------------- against time and field


def moment_plot(run: Run, path: str | Path) -> Path:
    """The moment against time."""
    table = _moments(run)
    with style():
        made = figure(COLUMN, 2.0)
        axes = made.add_axes((0.17, 0.2, 0.8, 0.74))
        names = [name for name in table if name.startswith("m")]
        for name, colour in zip(names, (BLUE, RED, "#3f7f3f"), strict=False):
            axes.plot(table["t"], table[name], color=colour, label=f"$m_{name[1:]}$")
        axes.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        axes.set_ylabel("moment ($I_0 ξ^2$)", labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        axes.legend(frameon=False)
        return save(made, Path(path))


def loop_plot(run: Run, path: str | Path) -> Path:
    """mu0 M against the field applied."""
    table, case = _moments(run), case_of(run)
    share = cell_values(run.mesh, {name: case.material[name].thickness for name in run.mesh.regions})
    volume = float(share @ volumes(run.mesh.points, run.mesh.cells))
    with style():
        made = figure(COLUMN, 2.3)
        axes = made.add_axes((0.19, 0.18, 0.78, 0.78))
        axes.plot(table["field"], table["mz"] / (case.scales.kappa**2 * volume), color=BLUE, lw=0.9)
        for draw in (axes.axhline, axes.axvline):
            draw(0, color="#8a8a8a", lw=0.4, zorder=0)
        axes.set_xlabel("field applied ($B_{c2}$)", labelpad=1)
        axes.set_ylabel("$μ_0 M$ ($B_{c2}$)", labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        return save(made, Path(path))


def modulation_plot(run: Run, path: str | Path) -> Path:
    """Mean voltage of each of its periods against the field applied."""
    table, voltage, pairs = _moments(run), run.table("voltage"), voltage_pairs(run)
    t, impulse = voltage["t"], voltage[f"{pairs[0]} impulse"]
    highest = np.maximum.accumulate(np.sign(impulse[-1]) * impulse)
    parts = np.interp(np.arange(2 * np.pi, highest[-1], 2 * np.pi), highest, t)
    if parts.size < 3:
        raise Refusal(f"{run.folder} holds too few periods of the voltage to draw them against the field")
    field = np.interp(0.5 * (parts[1:] + parts[:-1]), table["t"], table["field"])
    with style():
        made = figure(COLUMN, 2.1)
        axes = made.add_axes((0.17, 0.2, 0.8, 0.76))
        axes.plot(field, 2 * np.pi / np.diff(parts), color=BLUE, marker=".", ms=3, lw=0.8)
        axes.set_xlabel("field applied ($B_{c2}$)", labelpad=1)
        axes.set_ylabel(scales.label(run.header, "mean V", "V0"), labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        return save(made, Path(path))


def _moments(run: Run) -> dict[str, Array]:
    if "moment" not in run.tables:
        raise Refusal(f"{run.folder} has no table of moments; ask for the recipe 'moment' before the run")
    return run.table("moment")
