"""Vortex lines of a body as tubes, coloured by their speed, in the outlined body over one cut of |psi|.

Thin lines show where each was in the last while, marks what happened, arrows the applied field and the current.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..case import Case, MeshedCase, load_text
from ..contract import Array, Refusal
from ..store import Run
from ..store.zeros import contraction_of, events_of, tracked
from ..topology.curves import smoothed
from . import canvas, sheets, stage, trails
from .looks import Look, values, vectors

if TYPE_CHECKING:
    import pyvista as pv
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 0.6  # xi of smoothing for display
RADIUS = 0.2  # xi of a tube
FAST = 95  # percentile of the speeds at which the colours end
MEMORY, RECENT = 6.0, 20.0  # tau0 of trails, and of the marks of events
TRACE, FIELD, FLOW = "#e07b00", "#1f5fa8", "#c1440e"


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
    """The vortex lines at the time of a frame, where they were in the last while, and marks of what happened to them.

    Raises Refusal for runs in which no lines were followed.
    """
    refuse_without_lines(run)
    with sheets.style(), Lines(run) as lines:
        return sheets.save(lines.drawn(frame), Path(path))


def refuse_without_lines(run: Run) -> None:
    if run.mesh.dim != 3 or not tracked(run):
        raise Refusal(f"{run.folder} holds no vortex lines: solve a body with the recipe vortex_tracks")


class Lines:
    """Pictures of the lines of a run, one frame after another; the colours are those of all its frames."""

    def __init__(self, run: Run) -> None:
        self.run, self.scene, self.case = run, stage.scene(run.mesh), load_text(run.case_text, str(run.folder))
        self.events = [event for event in events_of(run) if not event["dim"]]
        table, points = run.table("lines"), run.table("line_points")
        person = contraction_of(run).person_at(table["id"], table["t"])
        self.table = {**table, "person": person}
        self.points = points
        speed = np.linalg.norm([points[c] for c in ("vx", "vy", "vz")], axis=0)
        speed = speed[np.isfinite(speed)]
        high = float(np.percentile(speed, FAST)) if speed.size else 1.0
        self.look = Look("speed", "v (ξ/τ₀)", "viridis", 0.0, max(high, 1e-6))
        self.plotter: pv.Plotter | None = None

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        if self.plotter is not None:
            self.plotter.close()

    def drawn(self, frame: int) -> Figure:
        """The figure of one frame."""
        t, grid = float(self.run.times[frame]), self.scene.grid
        body = np.array([grid.bounds[::2], grid.bounds[1::2]])
        made = sheets.sheet(self.scene.view, [self.look], self.run.header, body)
        axes = made.images[0].axes
        if self.plotter is None:
            width = round(axes.get_position().width * made.figure.get_figwidth() * 450)
            self.plotter = canvas.plotter(self.scene.view, width)
        self.plotter.clear_actors()
        self.stage(self.plotter, frame)
        made.images[0].set_data(canvas.shoot(self.plotter, self.scene.view))
        made.title.set_text(sheets.title(self.run.header, t))
        recent = [event for event in self.events if t - RECENT < event["t1"] <= t]
        trails.marks(axes, recent, self.scene.view.project)
        self._compass(axes, frame)
        return made.figure

    def stage(self, plotter: pv.Plotter, frame: int, bar: bool = False) -> None:
        """Put the lines of a frame, their trails, the body and |psi| on one cut of it before the camera."""
        plotter.suppress_rendering = True  # else every part added is drawn at once
        run, scene, t = self.run, self.scene, float(self.run.times[frame])
        grid = scene.grid.copy(deep=False)
        grid.point_data["shown"] = values(run.frame(frame), "psi_abs")[run.mesh.node_of_vertex].astype(float)
        assert scene.plane is not None
        cut = grid.slice(normal=scene.plane[1], origin=scene.plane[0])
        plotter.add_mesh(cut, scalars="shown", cmap="gray", clim=(-0.3, 1.1), lighting=False, show_scalar_bar=False)
        plotter.add_mesh(scene.outline, color=stage.INK, line_width=plotter.window_size[0] / 260, lighting=False)
        for trace, age in self._traces(t):
            plotter.add_mesh(
                trace, color=TRACE, line_width=plotter.window_size[0] / 330, opacity=0.75 * (1 - age), lighting=False
            )
        self.tubes(plotter, t, bar)
        plotter.suppress_rendering = False

    def tubes(self, plotter: pv.Plotter, t: float, bar: bool = False, colour: str | None = None) -> None:
        """Put the lines at the time t before the camera, coloured by their speed or in one colour."""
        import pyvista as pv

        look = self.look
        for _, closed, place, v in lines_at(self.run, t):
            points, speed = smoothed(place, closed, np.linalg.norm(v, axis=0), WIDTH)
            if len(points) < 2:
                continue
            line = pv.lines_from_points(points)
            line.point_data[look.label] = np.nan_to_num(speed)
            tube = line.tube(radius=RADIUS, n_sides=16)
            if colour is not None:
                plotter.add_mesh(tube, color=colour, smooth_shading=True, ambient=0.25)
                continue
            plotter.add_mesh(
                tube, scalars=look.label, cmap=look.cmap, clim=(look.low, look.high), smooth_shading=True,
                show_scalar_bar=bar, scalar_bar_args={"title": look.label, "color": "black"} if bar else None,
            )  # fmt: skip

    def _traces(self, t: float) -> Iterator[tuple[pv.PolyData, float]]:
        """Earlier places of the lines that are there now, and their age as a part of MEMORY."""
        import pyvista as pv

        table = self.table
        now = table["t"] == table["t"][table["t"] <= t * (1 + 1e-12)].max(initial=-1.0)
        there = set(table["person"][now]) - {0}
        for k in np.flatnonzero((table["t"] > t - MEMORY) & (table["t"] <= t) & ~now):
            if table["person"][k] in there:
                part = slice(int(table["first"][k]), int(table["first"][k] + table["count"][k]))
                place = np.array([self.points[c][part] for c in "xyz"])
                points, _ = smoothed(place, bool(table["closed"][k]), np.zeros(place.shape[1]), WIDTH)
                if len(points) > 1:
                    yield pv.lines_from_points(points), (t - float(table["t"][k])) / MEMORY

    def _compass(self, axes: Axes, frame: int) -> None:
        """Arrows along the applied field and the mean current, in the corner that the body leaves free."""
        view, directions = self.scene.view, compass(self.run, frame, self.case)
        x0, x1, y0, y1 = view.extent
        size = 0.09 * (x1 - x0)
        root = np.array([x0 + 0.04 * (x1 - x0), y1 - 0.06 * (y1 - y0) - size])
        for name, (vector, colour) in directions.items():
            way = view.project(vector)[0] - view.project(np.zeros(3))[0]
            tip = root + size * way
            axes.annotate(
                "", tuple(tip), tuple(root), annotation_clip=False,
                arrowprops={"arrowstyle": "-|>,head_width=0.16,head_length=0.32", "color": colour, "lw": 1.1},
            )  # fmt: skip
            x, y = tip + 0.22 * size * way / max(float(np.linalg.norm(way)), 1e-9)
            axes.text(x, y, name, color=colour, ha="center", va="center", fontsize=7, fontweight="bold")


def compass(run: Run, frame: int, case: Case) -> dict[str, tuple[Array, str]]:
    """Directions of the applied field and of the mean current, unit vectors (3,), with their colours."""
    fields = run.frame(frame)
    found = {}
    b = applied_field(case, float(run.times[frame]))
    if np.linalg.norm(b) > 0:
        found["B"] = (b / np.linalg.norm(b), FIELD)
    if {"supercurrent", "normal_current"} & set(fields):
        j = vectors(fields, "current")
        mean = j.mean(axis=0)
        if np.linalg.norm(mean) > 0.1 * np.linalg.norm(j, axis=1).mean():
            found["J"] = (mean / np.linalg.norm(mean), FLOW)
    return found


def applied_field(case: Case, t: float) -> Array:
    """The applied field of a case at a time, (3,), in Bc2."""
    fields = case.drive.field if isinstance(case, MeshedCase) else ()
    return sum((np.asarray(vector, dtype=float) * wave.value(t) for vector, wave in fields), np.zeros(3))
