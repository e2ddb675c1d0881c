"""Tracks in motion, and a page to turn them in: mp4 of trails and lines, self-contained HTML."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..contract import Array
from ..store import Run
from . import canvas, scenes, sheets
from .lines import Lines, compass, refuse_without_lines
from .looks import values
from .trails import NEGATIVE, POSITIVE, Trails, colours, memory, refuse_without_tracks

if TYPE_CHECKING:
    import pyvista as pv

FRAMES = 75  # of a movie of tracks
PAGE = 900  # pixels of a page's picture


def tracks_movie(
    run: Run, path: str | Path, progress: scenes.Progress = lambda done, total: None, frames: int = FRAMES
) -> Path:
    """The trails of a film or the lines of a body from frame to frame, as an mp4 file (h264).

    Raises Refusal for runs whose zeros were not followed.
    """
    (refuse_without_tracks if run.mesh.dim == 2 else refuse_without_lines)(run)
    chosen = np.unique(np.linspace(0, len(run.times) - 1, min(frames, len(run.times))).round().astype(int))
    with sheets.style(), Trails(run) if run.mesh.dim == 2 else Lines(run) as pictures:
        return scenes.film(_pixels(pictures, chosen), Path(path), chosen.size, progress)


def _pixels(pictures: Trails | Lines, chosen: Array) -> Iterator[Array]:
    for k in chosen:
        figure = pictures.drawn(int(k))
        figure.set_dpi(scenes.WIDTH / figure.get_figwidth())
        figure.canvas.draw()
        yield np.asarray(figure.canvas.buffer_rgba())  # type: ignore[attr-defined]


def tracks_page(run: Run, path: str | Path, frame: int = -1) -> Path:
    """A page that any browser shows without a server: lines in their body, or trails over |psi| of a film.

    Raises Refusal for runs whose zeros were not followed, and where the package for pages is not installed.
    """
    (refuse_without_tracks if run.mesh.dim == 2 else refuse_without_lines)(run)
    with Trails(run) if run.mesh.dim == 2 else Lines(run) as pictures:
        plotter = canvas.plotter(pictures.scene.view, PAGE)
        try:
            if isinstance(pictures, Lines):
                pictures.stage(plotter, frame, bar=True)
                _arrows(plotter, pictures, frame)
            else:
                _film(plotter, pictures, frame)
            canvas.aim(plotter, pictures.scene.view, perspective=True)
            words = f"{run.header.get('title', run.folder.name)}, {sheets.title(run.header, float(run.times[frame]))}"
            return scenes.page(plotter, Path(path), words)
        finally:
            plotter.close()


def _arrows(plotter: pv.Plotter, pictures: Lines, frame: int) -> None:
    """The applied field and the current as arrows outside the body, with their letters."""
    import pyvista as pv

    view = pictures.scene.view
    low, high = (np.array(pictures.scene.grid.bounds[k::2]) for k in (0, 1))
    size = 0.15 * float(np.linalg.norm(high - low))
    root = np.array([low[0], high[1], high[2]]) + 0.6 * size * np.array([-1, 1, 0.3])
    for name, (way, colour) in compass(pictures.run, frame, pictures.case).items():
        plotter.add_mesh(pv.Arrow(start=root, direction=way, scale=size), color=colour, lighting=False)
        letter = pv.Text3D(name, depth=0.01 * size, height=0.3 * size, center=(0, 0, 0))  # pages show no other text
        turn = np.eye(4)
        turn[:3, :3] = np.column_stack([view.right, view.up, np.cross(view.right, view.up)])
        turn[:3, 3] = root + 1.25 * size * way
        plotter.add_mesh(letter.transform(turn, inplace=False), color=colour, lighting=False)


def _film(plotter: pv.Plotter, pictures: Trails, frame: int) -> None:
    """|psi| with the zeros and their ways as thin tubes just above it."""
    import pyvista as pv

    run, table, t = pictures.run, pictures.table, float(pictures.run.times[frame])
    fields = run.frame(frame)
    grid = pictures.scene.grid.copy(deep=False)
    grid.point_data["|ψ|"] = values(fields, "psi_abs")[run.mesh.node_of_vertex].astype(float)
    bar = {"title": "|ψ|", "color": "black"}
    plotter.add_mesh(grid, scalars="|ψ|", cmap="gray", clim=(0, 1), lighting=False, scalar_bar_args=bar)
    lift, since = np.array([0, 0, 2e-3 * grid.length]), t - memory(table, t)
    for ident in np.unique(table["id"]):
        mine = (table["id"] == ident) & (table["t"] > since) & (table["t"] <= t * (1 + 1e-12))
        place = np.array([table[c][mine] for c in "xyz"]).T + lift
        if not len(place):
            continue
        if len(place) > 1:
            r, g, b = colours(np.array([ident]))[0]
            plotter.add_mesh(pv.lines_from_points(place), color=(r, g, b), line_width=3, lighting=False)
        if table["t"][mine][-1] >= t * (1 - 1e-9):
            sign = float(np.sign(table["winding"][mine][-1]))
            ball = pv.Sphere(radius=0.006 * grid.length, center=place[-1])
            plotter.add_mesh(ball, color=POSITIVE if sign > 0 else NEGATIVE, lighting=False)
