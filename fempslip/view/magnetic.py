"""The magnetic field of a run: magnetization curves, maps of B, and lines of B around and through a body."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from ..contract import Array, Mesh, Refusal
from ..mesh.simplices import volumes
from ..store import Run
from . import canvas, scales, sheets, stage
from .films import case_of
from .looks import Look, vectors
from .plots import BLUE, GREY, RED
from .scenes import snapshot

ROOM = 1.0  # of the body's largest extent, what is shown around it
GRID = 48  # points of the box along its longest side
IMAGES = 2  # of a body in the walls that it ends in, to each side
SIDEWAYS = 3.0  # times the width of a body between walls, what is shown
RINGS = 7  # heights at which lines go round it
ACROSS = 9  # lines along each side of the sheet in which they begin


def magnetization_plot(run: Run, path: str | Path) -> Path:
    """M_z over the applied field, or over time where that does not change."""
    if "magnetization" not in run.tables:
        raise Refusal(f"{run.folder} has no table of magnetization; ask for the recipe 'magnetization' before the run")
    table = run.table("magnetization")
    with sheets.style():
        made = sheets.figure(sheets.COLUMN, 2.2)
        axes = made.add_axes((0.19, 0.18, 0.77, 0.76))
        moving = np.ptp(table["field_z"]) > 1e-9
        x = table["field_z"] if moving else table["t"]
        axes.axhline(0.0, color=GREY, lw=0.5)
        axes.plot(x, table["magnetization_z"], color=BLUE)
        axes.set_ylabel("M (Bc₂)", labelpad=2)
        axes.set_xlabel("H (Bc₂)" if moving else scales.label(run.header, "t", "tau0"), labelpad=1)
        axes.tick_params(length=2.5, pad=2)
        return sheets.save(made, Path(path))


def flux_jump_plot(run: Run, path: str | Path) -> Path:
    """Flux through each hole over time, and below it the emf round it."""
    if not run.mesh.holes or "magnetization" not in run.tables:
        raise Refusal(f"{run.folder} watched no flux through a hole; ask for the recipe 'flux_jump' before the run")
    table = run.table("magnetization")
    with sheets.style():
        made = sheets.figure(sheets.COLUMN, 2.7)
        above, below = made.add_axes((0.17, 0.53, 0.79, 0.43)), made.add_axes((0.17, 0.14, 0.79, 0.35))
        for name, colour in zip(run.mesh.holes, cycle((BLUE, RED, GREY)), strict=False):
            above.plot(table["t"], table[f"flux {name}"], color=colour, label=name)
            below.plot(table["t"], table[f"emf {name}"], color=colour)
        below.axhline(0.0, color=GREY, lw=0.5, zorder=0)
        above.set_ylabel("flux (Φ₀)", labelpad=2)
        below.set_ylabel(scales.label(run.header, "emf", "V0"), labelpad=2)
        below.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        above.tick_params(labelbottom=False)
        if len(run.mesh.holes) > 1:
            above.legend(frameon=False)
        for axes in (above, below):
            axes.tick_params(length=2.5, pad=2)
            axes.set_xlim(0, table["t"][-1])
        made.align_ylabels([above, below])
        return sheets.save(made, Path(path))


def induction_map(run: Run, path: str | Path) -> Path:
    """|psi| above |B| in the last frame."""
    return snapshot(run, path, field=["psi_abs", "induction"])


# ------------------------------------------------------------------------------------------- lines of B


@dataclass(frozen=True, eq=False)
class Walls:
    """Two walls that conduct perfectly, between which a body carries its current: heights along an axis (3,)."""

    axis: Array
    low: float
    high: float

    def mirrored(self, place: Array, flow: Array) -> tuple[Array, Array]:
        """Places and currents, (n, 3), with their images, IMAGES cells of them to each side; what flows along the axis
        goes on through a wall, what flows across it turns round."""
        height, along = place @ self.axis, flow @ self.axis
        across, turned = flow - np.outer(along, self.axis), place - np.outer(height, self.axis)
        places, flows = [], []
        for k in range(-IMAGES, IMAGES + 1):
            odd = k % 2 == 1
            level = k * (self.high - self.low) + (self.low + self.high - height if odd else height)
            places.append(turned + np.outer(level, self.axis))
            flows.append(np.outer(along, self.axis) + (-across if odd else across))
        return np.concatenate(places), np.concatenate(flows)


def walls_of(run: Run) -> Walls | None:
    """The walls in which the terminals of a body lie that carries its current with its own field."""
    case = case_of(run)
    if case.model.screening != "maxwell" or len(case.contacts) != 2:
        return None
    first, second = (run.mesh.points[:, np.unique(run.mesh.boundaries[name])] for name in case.contacts)
    centred = first - first.mean(axis=1, keepdims=True)
    axis = np.linalg.svd(centred)[0][:, 2]  # the way in which a flat terminal does not extend
    axis = axis * np.sign(axis @ (second.mean(axis=1) - first.mean(axis=1)))
    return Walls(axis, float((axis @ first).mean()), float((axis @ second).mean()))


def induced(mesh: Mesh, current: Array, kappa: float, places: Array, walls: Walls | None = None) -> Array:
    """B of the sample's own currents at places (n, 3): (1/4 pi kappa^2) sum_cells V J x r/r^3, (n, 3) in Bc2.

    current : (nodes, 3) in j0.  Within a cell's size of its middle the cell counts as a ball of uniform current.
    """
    volume = volumes(mesh.points, mesh.cells)
    nodes = mesh.node_of_vertex[mesh.cells]
    strength = current[nodes].mean(axis=0) * volume[:, None] / (4 * np.pi * kappa**2)
    middle = np.ascontiguousarray(mesh.points[:, mesh.cells].mean(axis=1).T)
    radius = np.cbrt(3 * volume / (4 * np.pi))
    if walls is not None:
        middle, strength = (np.ascontiguousarray(x) for x in walls.mirrored(middle, strength))
        radius = np.tile(radius, 2 * IMAGES + 1)
    out = np.zeros(places.shape)
    _biot_savart(np.ascontiguousarray(places), middle, np.ascontiguousarray(strength), radius, out)
    return out


@njit(cache=True, error_model="numpy")
def _biot_savart(places: Array, middle: Array, strength: Array, radius: Array, out: Array) -> None:
    for n in range(places.shape[0]):
        bx, by, bz = 0.0, 0.0, 0.0
        for c in range(middle.shape[0]):
            x, y, z = places[n, 0] - middle[c, 0], places[n, 1] - middle[c, 1], places[n, 2] - middle[c, 2]
            r = max(np.sqrt(x * x + y * y + z * z), radius[c])
            f = 1.0 / (r * r * r)
            bx += f * (strength[c, 1] * z - strength[c, 2] * y)
            by += f * (strength[c, 2] * x - strength[c, 0] * z)
            bz += f * (strength[c, 0] * y - strength[c, 1] * x)
        out[n, 0] += bx
        out[n, 1] += by
        out[n, 2] += bz


def field_lines(run: Run, path: str | Path, frame: int = -1) -> Path:
    """Lines of B, coloured by its strength, around and through the outlined body, in the plane of the applied field.
    Of a body between walls, which carries a current: round its axis.

    Raises Refusal for wires and films, and for runs whose material or frames do not say the field.
    """
    header, fields = run.header, run.frame(frame)
    if run.mesh.dim != 3 or not header.get("kappa"):
        raise Refusal(f"{run.folder}: lines of B are drawn around bodies whose material has lambda")
    import pyvista as pv

    points, walls = run.mesh.points, walls_of(run)
    low, high = points.min(axis=1), points.max(axis=1)
    room = ROOM * float((high - low).max()) / 2
    low, high = (low - room, high + room) if walls is None else beside(low, high, walls)
    spacing = float((high - low).max()) / GRID
    counts = np.ceil((high - low) / spacing).astype(int) + 1
    box = pv.ImageData(dimensions=counts, spacing=(spacing,) * 3, origin=low)
    applied = np.asarray(applied_at(run, float(run.times[frame])))
    b = applied + induced(run.mesh, vectors(fields, "current"), float(header["kappa"]), np.asarray(box.points), walls)
    box.point_data["B"] = b
    box.point_data["strength"] = np.linalg.norm(b, axis=1)
    unit = float(np.linalg.norm(applied)) or 1.0
    box.point_data["strength"] /= unit
    top = float(np.percentile(box.point_data["strength"], 99.5))
    look = Look("strength", "|B|/H" if np.any(applied) else "|B| (Bc₂)", "cividis", 0.0, max(top, 1e-12))
    way = applied if np.any(applied) else np.array([0.0, 0.0, 1.0])
    if walls is None:
        lines = traced(box, seeds(low, high, way), 20 * room, "both")
    else:
        lines = pv.merge([traced(box, begin, length, "forward") for begin, length in rings(points, low, high, walls)])
    scene = stage.scene(run.mesh)
    view = canvas.from_a_corner(np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1])
                                          for z in (low[2], high[2])]))  # fmt: skip
    with sheets.style():
        made = sheets.sheet(view, [look], header, np.array([low, high]))
        axes = made.images[0].axes
        width = round(axes.get_position().width * made.figure.get_figwidth() * 450)
        plotter = canvas.plotter(view, width)
        try:
            skin = scene.grid.extract_surface(algorithm="dataset_surface")
            plotter.add_mesh(skin, color="#c9ced6", opacity=0.35, smooth_shading=True)
            if scene.outline.n_points:
                plotter.add_mesh(scene.outline, color=stage.INK, line_width=width / 300, lighting=False)
            if lines.n_points:
                plotter.add_mesh(
                    lines.tube(radius=0.006 * float((high - low).max())), scalars="strength", cmap=look.cmap,
                    clim=(look.low, look.high), show_scalar_bar=False,
                )  # fmt: skip
            made.images[0].set_data(canvas.shoot(plotter, view))
        finally:
            plotter.close()
        made.title.set_text(sheets.title(header, float(run.times[frame])))
        return sheets.save(made.figure, Path(path))


def applied_at(run: Run, t: float) -> Array:
    """Mean applied field at t, (3,): of the table of magnetization, or of a static answer."""
    if "magnetization" in run.tables:
        table = run.table("magnetization")
        return np.array([np.interp(t, table["t"], table[f"field_{axis}"]) for axis in "xyz"])
    if not case_of(run).drive.field and not case_of(run).drive.sources:
        return np.zeros(3)
    found = ((run.summary or {}).get("results") or {}).get(run.header.get("task", ""), {})
    if "field" not in found:
        raise Refusal(f"{run.folder}: lines of B need the recipe 'magnetization', which records the applied field")
    return np.array(found["field"])


def beside(low: Array, high: Array, walls: Walls) -> tuple[Array, Array]:
    """Corners of a box from wall to wall, SIDEWAYS as wide as the body."""
    across = np.abs(walls.axis) < 0.5
    room = 0.5 * (SIDEWAYS - 1) * float((high - low)[across].max())
    return low - room * across, high + room * across


def traced(box: Any, begin: Array, length: float, way: str) -> Any:
    import pyvista as pv

    return box.streamlines_from_source(pv.PolyData(begin), vectors="B", integration_direction=way, max_length=length)


def rings(points: Array, low: Array, high: Array, walls: Walls) -> list[tuple[Array, float]]:
    """(places (n, 3), a way round) at several distances from the axis, in the body and out of it, at RINGS heights."""
    across = np.cross(walls.axis, np.eye(3)[np.abs(walls.axis).argmin()])
    across = across / np.linalg.norm(across)
    middle = 0.5 * (points.min(axis=1) + points.max(axis=1))
    reach = 0.49 * float(np.abs(across) @ (high - low))
    heights = ((np.arange(RINGS) + 0.5) / RINGS - 0.5) * (walls.high - walls.low)
    column = middle + heights[:, None] * walls.axis
    # the tracer stops some cells short of the length it is given: a little more than once round
    return [(column + r * reach * across, (2.2 * np.pi * r + 1.0) * reach) for r in (0.15, 0.3, 0.5, 0.75, 1.0)]


def seeds(low: Array, high: Array, way: Array) -> Array:
    """Places in the plane through the middle, along the field and across it to the right, at its lower end."""
    along = way / np.linalg.norm(way)
    across = np.cross(along, [0.0, 1.0, 0.0])
    if np.linalg.norm(across) < 0.1:
        across = np.array([1.0, 0.0, 0.0])
    across = across / np.linalg.norm(across)
    other = np.cross(across, along)
    half, middle = (high - low) / 2 * 0.98, (high + low) / 2
    start = middle - along * float(np.abs(along) @ half)
    steps = np.linspace(-1, 1, 2 * ACROSS + 1)
    sheet = [start + s * across * float(np.abs(across) @ half) for s in steps]
    sheet += [start + s * other * float(np.abs(other) @ half) for s in steps if s]
    return np.array(sheet)
