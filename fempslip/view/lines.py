"""Vortex lines of a body as tubes, coloured by their speed, in the outlined body over one cut of |psi|."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from ..store.zeros import tracked
from ..topology.curves import smoothed
from . import canvas, sheets, stage
from .looks import Look, values

WIDTH = 0.6  # xi of smoothing for display
RADIUS = 0.2  # xi of a tube
FAST = 95  # percentile of the speeds at which the colours end


def lines_at(run: Run, t: float) -> list[tuple[int, bool, Array, Array]]:
    """(id, closed, points (3, n), velocity (3, n)) of the lines in the last sample up to t."""
    table, points = run.table("lines"), run.table("line_points")
    before = table["t"][table["t"] <= t * (1 + 1e-12)]
    found = []
    for k in np.flatnonzero(table["t"] == before[-1]) if before.size else ():
        part = slice(int(table["first"][k]), int(table["first"][k] + table["count"][k]))
        place, v = (np.array([points[c][part] for c in names]) for names in (("x", "y", "z"), ("vx", "vy", "vz")))
        found.append((int(table["id"][k]), bool(table["closed"][k]), place, v))
    return found


def tubes(run: Run, path: str | Path, frame: int = -1) -> Path:
    """The vortex lines at the time of a frame.  Raises Refusal for runs in which no lines were followed."""
    if run.mesh.dim != 3 or not tracked(run):
        raise Refusal(f"{run.folder} holds no vortex lines: solve a body with the recipe vortex_tracks")
    t = float(run.times[frame])
    lines = lines_at(run, t)
    shown = [(*smoothed(p, closed, np.linalg.norm(v, axis=0), WIDTH), closed) for _, closed, p, v in lines]
    speeds = np.concatenate([speed for _, speed, _ in shown]) if shown else np.zeros(1)
    high = float(np.nanpercentile(speeds, FAST)) if np.isfinite(speeds).any() else 1.0
    look = Look("speed", "v (ξ/τ₀)", "viridis", 0.0, max(high, 1e-6))
    scene = stage.scene(run.mesh)
    body = np.array([scene.grid.bounds[::2], scene.grid.bounds[1::2]])
    with sheets.style():
        made = sheets.sheet(scene.view, [look], run.header, body)
        axes = made.images[0].axes
        width = round(axes.get_position().width * made.figure.get_figwidth() * 450)
        made.images[0].set_data(_shot(run, scene, look, shown, frame, width))
        made.title.set_text(sheets.title(run.header, t))
        return sheets.save(made.figure, Path(path))


def _shot(
    run: Run, scene: stage.Scene, look: Look, shown: list[tuple[Array, Array, bool]], frame: int, width: int
) -> Array:
    import pyvista as pv

    plotter = canvas.plotter(scene.view, width)
    try:
        grid = scene.grid.copy(deep=False)
        grid.point_data["shown"] = values(run.frame(frame), "psi_abs")[run.mesh.node_of_vertex].astype(float)
        assert scene.plane is not None
        cut = grid.slice(normal=scene.plane[1], origin=scene.plane[0])
        plotter.add_mesh(cut, scalars="shown", cmap="gray", clim=(-0.3, 1.1), lighting=False, show_scalar_bar=False)
        plotter.add_mesh(scene.outline, color=stage.INK, line_width=width / 260, lighting=False)
        for points, speed, _ in shown:
            if len(points) < 2:
                continue
            line = pv.lines_from_points(points)
            line.point_data["speed"] = np.nan_to_num(speed)
            tube = line.tube(radius=RADIUS, n_sides=16)
            plotter.add_mesh(
                tube, scalars="speed", cmap=look.cmap, clim=(look.low, look.high), smooth_shading=True,
                show_scalar_bar=False,
            )  # fmt: skip
        return canvas.shoot(plotter, scene.view)
    finally:
        plotter.close()
