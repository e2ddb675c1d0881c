"""Matplotlib around the pixels: axes in xi, one colour bar, a scale bar, a title with the time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract import Array, Failure
from . import scales
from .canvas import View
from .looks import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN = 3.4  # inches: one column of a journal
STYLE = {
    "font.size": 8.0,
    "axes.titlesize": 8.0,
    "axes.labelsize": 8.0,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "legend.fontsize": 7.0,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "lines.linewidth": 1.0,
    "font.family": "DejaVu Sans",
    "figure.facecolor": "white",
    "pdf.fonttype": 42,
}


@contextmanager
def style() -> Iterator[None]:
    import matplotlib

    with matplotlib.rc_context(STYLE):
        yield


def figure(width: float, height: float) -> Figure:
    """A figure of its own canvas: nothing is registered, no window opens."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    made = Figure(figsize=(width, height))
    FigureCanvasAgg(made)
    return made


# inches: left, right, below, above, between pictures, before the colour bar; of films and of bodies
MARGINS = ((0.47, 0.62, 0.37, 0.24, 0.14, 0.08), (0.22, 1.08, 0.32, 0.24, 0.1, 0.52))


@dataclass(frozen=True, eq=False)
class Sheet:
    """A figure with one picture per look; images : to be filled with pixels;  title : to be filled with the time."""

    figure: Figure
    images: tuple[Any, ...]
    title: Any


def sheet(view: View, looks: list[Look], header: Mapping[str, Any], body: Array | None = None) -> Sheet:
    """Axes for pictures of a view, one above the other.  body : (2, 3) corners of a body in space, or None for films.

    Every picture keeps the proportions of the view; the figure is a column wide.
    """
    left, right, low, top, gap, space = MARGINS[body is not None]
    wide = COLUMN - left - right
    tall = wide * view.half[1] / view.half[0]
    if tall > 3.2:
        wide, tall = wide * 3.2 / tall, 3.2
    height = low + top + len(looks) * tall + (len(looks) - 1) * gap
    width = left + wide + right
    made = figure(width, height)
    images = []
    for k, look in enumerate(looks):
        base = low + (len(looks) - 1 - k) * (tall + gap)
        box = (left / width, base / height, wide / width, tall / height)
        axes = made.add_axes(box)
        bar = made.add_axes(((left + wide + space) / width, base / height, 0.09 / width, tall / height))
        images.append(_empty(axes, view))
        _bar(made, bar, look, tall)
        lowest = k == len(looks) - 1
        if body is None:
            _plane(axes, view, lowest)
        else:
            _space(axes, view, body if lowest else None, 2 * view.half[0] / wide)
    _ruler(made, header, view, left / width, (left + wide) / width)
    title = made.text(0.06 / width, 1 - 0.125 / height, "", ha="left", va="center")
    return Sheet(made, tuple(images), title)


def _empty(axes: Axes, view: View) -> Any:
    x0, x1, y0, y1 = view.extent
    axes.set(xlim=(x0, x1), ylim=(y0, y1))
    blank = np.full((2, 2, 3), 255, np.uint8)
    return axes.imshow(blank, extent=view.extent, aspect="auto", interpolation="antialiased")


def _bar(made: Figure, axes: Axes, look: Look, tall: float) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = made.colorbar(ScalarMappable(Normalize(look.low, look.high), look.cmap), cax=axes)
    bar.set_label(look.label, labelpad=1)
    bar.outline.set_linewidth(0.6)
    if look.cyclic:
        bar.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    else:
        bar.locator = _few(tall)
        bar.update_ticks()


def _few(tall: float) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=max(2, min(5, int(tall / 0.25))), steps=[1, 2, 2.5, 5, 10])


def _plane(axes: Axes, view: View, lowest: bool) -> None:
    axes.set_ylabel("y (ξ)", labelpad=1)
    axes.tick_params(length=2.5, pad=2, labelbottom=lowest)
    axes.yaxis.set_major_locator(_few(3 * view.half[1] / view.half[0]))
    if lowest:
        axes.set_xlabel("x (ξ)", labelpad=1)


def draw_outline(made: Sheet, lines: list[Array]) -> None:
    """Edges of a film, (n, 2) places each, as sharp lines over the pixels."""
    from matplotlib.collections import LineCollection

    for image in made.images:
        image.axes.add_collection(LineCollection(lines, colors="#1a1a1a", linewidths=0.8, capstyle="round"))


def _ruler(made: Figure, header: Mapping[str, Any], view: View, left: float, right: float) -> None:
    """A scale bar in the line of the title, above the right end of the picture."""
    from matplotlib.lines import Line2D

    length = scales.round_length(2 * view.half[0])
    share, place = length / (2 * view.half[0]) * (right - left), 1 - 0.125 / made.get_figheight()
    bar = Line2D([right - share, right], [place, place], color="black", lw=1.8, solid_capstyle="butt")
    made.add_artist(bar)
    words = scales.quantity(header, length, "xi")
    made.text(right - share - 0.012, place, words, ha="right", va="center", fontsize=7)


def _space(axes: Axes, view: View, body: Array | None, per_inch: float) -> None:
    """Ticks along three edges of a body, projected; they replace the axes of the page."""
    axes.set_axis_off()
    if body is None:
        return
    low, high = body
    for axis, name in enumerate("xyz"):
        start = np.array([high[0] if name == "z" else low[0], low[1], low[2]])
        end = start.copy()
        end[axis] = high[axis]
        _edge(axes, view, name, start, end, axis, per_inch)


def _edge(axes: Axes, view: View, name: str, start: Array, end: Array, axis: int, per_inch: float) -> None:
    from matplotlib.ticker import MaxNLocator

    ends = view.project(np.stack([start, end]))
    along = ends[1] - ends[0]
    out = np.array([along[1], -along[0]]) / max(np.linalg.norm(along), 1e-12)
    out *= np.sign(out @ (ends.mean(axis=0) - view.origin)) or 1.0
    inches = float(np.linalg.norm(along)) / per_inch
    if inches < 0.45:  # too short for ticks: its length instead
        spot = ends.mean(axis=0) + out * (0.1 + 0.12 * abs(out[0])) * per_inch
        axes.text(spot[0], spot[1], f"{end[axis] - start[axis]:g} ξ", ha="center", va="center", fontsize=7)
        return
    ticks = MaxNLocator(max(1, min(5, int(inches / 0.3))), steps=[1, 2, 5, 10]).tick_values(start[axis], end[axis])
    for t in (t for t in ticks if start[axis] - 1e-9 <= t <= end[axis] + 1e-9):
        place = start.copy()
        place[axis] = t
        spot = view.project(place)[0]
        tip, (x, y) = spot + out * 0.05 * per_inch, spot + out * 0.12 * per_inch
        axes.plot(*zip(spot, tip, strict=True), color="black", lw=0.6, clip_on=False)
        axes.text(x, y, f"{t:g}".replace("-", "−"), ha="center", va="center", fontsize=7)
    middle = ends.mean(axis=0) + out * (0.27 + 0.1 * abs(out[0])) * per_inch
    axes.text(middle[0], middle[1], f"{name} (ξ)", ha="center", va="center")


def title(header: Mapping[str, Any], t: float) -> str:
    return "t = " + scales.quantity(header, t, "tau0")


def save(made: Figure, path: Path, dpi: int = 300) -> Path:
    """Write a figure and make sure that it is there.  Raises Failure when it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        made.savefig(path, dpi=dpi)
    except (OSError, ValueError) as error:
        raise Failure(f"{path}: the picture cannot be written ({error})") from error
    if not path.is_file() or path.stat().st_size == 0:
        raise Failure(f"{path}: the picture was not written")
    return path
