"""Zeros in pictures: where they went in a film, and what became of each of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract import Array, Refusal
from ..store import Run
from ..store.zeros import contraction_of, events_of, fitted_impulse, lead_field, moved_impulse, tracked, tracks_of
from . import canvas, scales, sheets, stage
from .looks import look_for

if TYPE_CHECKING:
    import pyvista as pv
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAIL = 4.0  # xi: the way of a trail at the mean speed
SHORTEST, LONGEST = 20.0, 0.25  # tau0 of a trail, and part of the run
JUMP = 3.0  # xi: a longer step of a track is a hop, not drawn as a line
MARKS = {
    "entry": ("^", "entered"),
    "exit": ("s", "left"),
    "creation": ("P", "pair made"),
    "annihilation": ("X", "annihilated"),
    "slip": ("*", "slipped through"),
    "split": ("P", "split"),
    "merge": ("X", "merged"),
    "reconnection": ("D", "reconnected"),
    "nucleation": ("o", "ring made"),
    "collapse": ("h", "ring vanished"),
    "swallowed": ("v", "into a normal part"),
    "emerged": ("d", "out of a normal part"),
}
POSITIVE, NEGATIVE, GREY, INK = "#c1440e", "#1f5fa8", "#8a8a8a", "#1a1a1a"


def colours(ids: Array) -> Array:
    """(ids, 3): neighbours in number differ in colour."""
    import matplotlib

    return matplotlib.colormaps["hsv"]((0.13 + ids * 0.618034) % 1.0)[:, :3] * 0.85


def trails(run: Run, path: str | Path, frame: int = -1) -> Path:
    """|psi| of a frame in grey, its zeros (filled +, open -), the way of each in the last while, and event marks.

    Raises Refusal for other runs than films whose zeros were followed.
    """
    refuse_without_tracks(run)
    with sheets.style(), Trails(run) as pictures:
        return sheets.save(pictures.drawn(frame), Path(path))


def refuse_without_tracks(run: Run) -> None:
    if run.mesh.dim != 2 or not tracked(run):
        raise Refusal(f"{run.folder} holds no tracks of a film: solve a film with the recipe vortex_tracks")


class Trails:
    """Pictures of the zeros of a film, one frame after another."""

    def __init__(self, run: Run) -> None:
        self.run, self.scene = run, stage.scene(run.mesh)
        self.table = bright(tracks_of(run))
        self.events = [event for event in events_of(run) if not event["dim"]]
        self.plotter: pv.Plotter | None = None

    def __enter__(self) -> Trails:
        return self

    def __exit__(self, *error: object) -> None:
        if self.plotter is not None:
            self.plotter.close()

    def drawn(self, frame: int) -> Figure:
        """The figure of one frame."""
        run, scene, table, t = self.run, self.scene, self.table, float(self.run.times[frame])
        fields = run.frame(frame)
        look = replace(look_for("psi_abs", [fields]), cmap="gray")
        made = sheets.sheet(scene.view, [look], run.header)
        edges = scene.outline.points[scene.outline.lines.reshape(-1, 3)[:, 1:]]
        sheets.draw_outline(made, [scene.view.project(edge) for edge in edges])
        axes = made.images[0].axes
        if self.plotter is None:
            width = round(axes.get_position().width * made.figure.get_figwidth() * 450)
            self.plotter = canvas.plotter(scene.view, width)
        stage.draw(self.plotter, scene, fields, look, False, False, None)
        made.images[0].set_data(canvas.shoot(self.plotter, scene.view))
        since = t - memory(table, t)
        recent = (table["t"] > since) & (table["t"] <= t * (1 + 1e-12))
        _ways(axes, {name: values[recent] for name, values in table.items()}, since, t)
        marks(axes, [e for e in self.events if since < e["t1"] <= t], scene.view.project)
        made.title.set_text(sheets.title(run.header, t))
        return made.figure


def bright(table: Mapping[str, Array]) -> dict[str, Array]:
    """The rows of tracks where psi is not nearly normal: what is shown unless one asks for all."""
    return {name: values[table["dim"] == 0] for name, values in table.items()}


def memory(table: Mapping[str, Array], t: float) -> float:
    """How long a trail is, in tau0: the time for some coherence lengths at the mean speed."""
    speed = np.hypot(table["vx"], table["vy"])
    mean = float(np.nanmean(speed)) if np.isfinite(speed).any() else 0.0
    return max(SHORTEST, min(TRAIL / max(mean, 1e-9), LONGEST * t))


def _ways(axes: Axes, table: Mapping[str, Array], since: float, t: float) -> None:
    """Trails that fade with age, and the zeros themselves."""
    from matplotlib.collections import LineCollection

    place = np.stack([table["x"], table["y"]], axis=1)
    same = np.flatnonzero(np.diff(table["id"]) == 0)
    same = same[np.hypot(*(place[same + 1] - place[same]).T) < JUMP]
    shade = np.ones((same.size, 4))
    shade[:, :3] = colours(table["id"][same])
    shade[:, 3] = np.clip((table["t"][same + 1] - since) / (t - since), 0, 1)
    axes.add_collection(
        LineCollection(list(np.stack([place[same], place[same + 1]], axis=1)), colors=shade, linewidths=1.3)
    )
    now = np.abs(table["t"] - t) <= 1e-9 * max(1.0, t)
    for sign in (1, -1):
        chosen = now & (np.sign(table["winding"]) == sign)
        own = colours(table["id"][chosen])
        face, edge, width = (own, "white", 0.5) if sign > 0 else ("white", own, 1.2)
        x, y = place[chosen].T
        axes.scatter(x, y, s=14, c=face, edgecolors=edge, linewidths=width, zorder=4)


def marks(axes: Axes, events: Iterable[Mapping[str, Any]], project: Callable[[Array], Array]) -> None:
    """Open symbols where something happened; project : places (n, 3) -> (n, 2) in the picture."""
    style: dict[str, Any] = {"facecolors": "white", "edgecolors": INK, "linewidths": 0.7, "zorder": 5, "clip_on": False}
    for event in events:
        if event["kind"] in MARKS and np.isfinite(event["place"]).all():
            x, y = project(np.array([event["place"]]))[0]
            axes.scatter([x], [y], s=16, marker=MARKS[event["kind"]][0], **style)


# ------------------------------------------------------------------------------------------- the event diagram


def event_diagram(run: Run, path: str | Path) -> Path:
    """The life of each identity as a bar over time, and the marks of what began and ended it; hops are contracted.

    Raises Refusal for runs whose zeros were not followed.
    """
    if not tracked(run):
        raise Refusal(f"{run.folder}: zeros were not followed; solve with the recipe vortex_tracks")
    table, events = _lives(run), [e for e in events_of(run) if not e["dim"]]
    ids, row = np.unique(table["id"], return_inverse=True)
    with sheets.style():
        made = sheets.figure(sheets.COLUMN, float(np.clip(1.1 + 0.035 * ids.size, 1.9, 4.5)))
        tall = made.get_figheight()
        above = 0.14 + 0.16 * -(-len({e["kind"] for e in events} & set(MARKS)) // 3)  # inches, for the legend
        axes = made.add_axes((0.13, 0.42 / tall, 0.84, 1 - (0.42 + above) / tall))
        for k in range(ids.size):
            mine = row == k
            colour = NEGATIVE if table["winding"][mine][0] < 0 else POSITIVE
            axes.plot(
                [table["t"][mine].min(), table["t"][mine].max()], [k, k], color=colour, lw=1.0, solid_capstyle="butt"
            )
        _event_marks(axes, events, {int(number): k for k, number in enumerate(ids)})
        axes.set(xlim=(run.times[0], max(table["t"].max(initial=0.0), run.times[-1])), ylim=(-1, max(ids.size, 1)))
        axes.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        axes.set_ylabel("identities, by age" if run.mesh.dim == 2 else "lines, by age", labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        return sheets.save(made, Path(path))


def _lives(run: Run) -> Mapping[str, Array]:
    if run.mesh.dim == 2:
        return bright(tracks_of(run))
    table = run.table("lines")
    person = contraction_of(run).person_at(table["id"], table["t"])
    return {"t": table["t"][person > 0], "id": person[person > 0], "winding": np.ones(np.count_nonzero(person))}


def _event_marks(axes: Axes, events: Iterable[Mapping[str, Any]], row: Mapping[int, int]) -> None:
    """One style a kind, named in the legend; an event of several ids is joined by a thin line."""
    named: dict[str, list[tuple[float, int]]] = {}
    for event in events:
        met = [row[k] for k in (*event["before"], *event["after"]) if k in row]
        if len(met) > 1:
            axes.plot([event["t1"]] * 2, [min(met), max(met)], color=GREY, lw=0.5, zorder=1)
        named.setdefault(event["kind"], []).extend((event["t1"], k) for k in met)
    for kind, places in named.items():
        if places and kind in MARKS:
            marker, words = MARKS[kind]
            t, k = np.transpose(places)
            axes.scatter(t, k, s=9, marker=marker, facecolors="white", edgecolors=INK, linewidths=0.6, zorder=3,
                         label=words)  # fmt: skip
    if any(places for kind, places in named.items() if kind in MARKS):
        axes.legend(frameon=False, ncols=3, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2,
                    handletextpad=0.2, columnspacing=1.0)  # fmt: skip


# ------------------------------------------------------------------------------------------- E = -v x B


def flux_flow(run: Run, path: str | Path) -> Path:
    """int V dt between the first pair of places in flux quanta, beside that of all zeros that moved across.

    Raises Refusal for runs that are no films, were not followed, or have no pair.
    """
    if run.mesh.dim != 2 or not tracked(run) or not run.header.get("pairs"):
        raise Refusal(f"{run.folder}: a film with vortex_tracks and a pair in measure.between is needed")
    first, second = run.header["pairs"][0]
    voltage = run.table("voltage")
    t, impulse = voltage["t"], voltage[f"{first}|{second} impulse"] / (2 * np.pi)
    lead = lead_field(run, first, second)
    moved, fitted = (of(run, lead, t) / (2 * np.pi) for of in (moved_impulse, fitted_impulse))
    with sheets.style():
        made = sheets.figure(sheets.COLUMN, 2.2)
        axes = made.add_axes((0.13, 0.18, 0.83, 0.79))
        axes.plot(t, impulse, color=NEGATIVE, lw=1.0, label=f"∫V dt, {first} – {second}")
        axes.plot(t, moved - moved[0], color=POSITIVE, lw=0.9, ls=(0, (4, 2)), label="zeros moved across")
        axes.plot(t, fitted - fitted[0], color=GREY, lw=0.8, ls=":", label="by their fitted velocities")
        axes.set(xlim=(0, t[-1]))
        axes.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        axes.set_ylabel("flux quanta", labelpad=2)
        axes.tick_params(length=2.5, pad=2)
        axes.legend(frameon=False, loc="upper left" if impulse[-1] >= 0 else "lower left")
        return sheets.save(made, Path(path))
