"""Vortex lines of a body as tubes, coloured by their speed, in the outlined body over one cut of |psi|."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..contract import Array, Refusal
from ..store import Run
from ..store.zeros import tracked
from . import canvas, sheets, stage
from .looks import Look, values

SPACING = 0.25  # xi between points of a line that is shown
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


def smoothed(points: Array, closed: bool, along: Array, width: float = WIDTH) -> tuple[Array, Array]:
    """A line at even spacing, (n, 3), and numbers along it, (n,), both smoothed by 2 G - G^2, which shrinks little.

    points : (3, m);  along : (m,).  Open lines are reflected at their ends, so that these stay where they are.
    """
    if closed:
        points, along = np.concatenate([points, points[:, :1]], axis=1), np.append(along, along[0])
    s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=1), axis=0))])
    if s[-1] < 3 * SPACING:
        return points.T, along
    even = np.linspace(0, s[-1], max(4, round(s[-1] / SPACING)) + 1)
    columns = np.array([np.interp(even, s, row) for row in (*points, along)])
    sigma = width / (even[1] - even[0])
    if closed:
        columns = _twice(columns[:, :-1], sigma, "wrap")
        columns = np.concatenate([columns, columns[:, :1]], axis=1)
    else:
        n = columns.shape[1] - 1
        ends = columns[:, :1], columns[:, -1:]
        odd = np.concatenate([2 * ends[0] - columns[:, :0:-1], columns, 2 * ends[1] - columns[:, -2::-1]], axis=1)
        columns = _twice(odd, sigma, "nearest")[:, n : 2 * n + 1]
    return columns[:3].T, columns[3]


def _twice(columns: Array, sigma: float, mode: str) -> Array:
    once = gaussian_filter1d(columns, sigma, axis=1, mode=mode)
    return 2 * once - gaussian_filter1d(once, sigma, axis=1, mode=mode)


def tubes(run: Run, path: str | Path, frame: int = -1) -> Path:
    """The vortex lines at the time of a frame.  Raises Refusal for runs in which no lines were followed."""
    if run.mesh.dim != 3 or not tracked(run):
        raise Refusal(f"{run.folder} holds no vortex lines: solve a body with the recipe vortex_tracks")
    t = float(run.times[frame])
    lines = lines_at(run, t)
    shown = [(*smoothed(p, closed, np.linalg.norm(v, axis=0)), closed) for _, closed, p, v in lines]
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
