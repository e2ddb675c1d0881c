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
    "svg.fonttype": "none",
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
NARROW = 1.7  # inches of a picture that leave no place for the time beside the scale bar
MARGINS = ((0.47, 0.62, 0.37, 0.24, 0.14, 0.08), (0.22, 1.08, 0.34, 0.24, 0.16, 0.54))


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
    second = 0.16 if wide < NARROW else 0.0  # the scale bar has a line of its own below the time
    top += second
    height = low + top + len(looks) * tall + (len(looks) - 1) * gap
    width = left + wide + right
    made = figure(width, height)
    images, bars = [], []
    for k, look in enumerate(looks):
        base = low + (len(looks) - 1 - k) * (tall + gap)
        box = (left / width, base / height, wide / width, tall / height)
        axes = made.add_axes(box)
        bar = made.add_axes(((left + wide + space) / width, base / height, 0.09 / width, tall / height))
        images.append(_empty(axes, view))
        bars.append(_bar(made, bar, look, tall))
        lowest = k == len(looks) - 1
        if body is None:
            _plane(axes, view, lowest)
        else:
            _space(axes, view, body if lowest else None, 2 * view.half[0] / wide)
    width += _align(made, bars)
    _ruler(made, header, view, left / width, (left + wide) / width, 0.125 + second)
    title = made.text(0.06 / width, 1 - 0.125 / height, "", ha="left", va="center")
    return Sheet(made, tuple(images), title)


def _empty(axes: Axes, view: View) -> Any:
    x0, x1, y0, y1 = view.extent
    axes.set(xlim=(x0, x1), ylim=(y0, y1))
    blank = np.full((2, 2, 3), 255, np.uint8)
    return axes.imshow(blank, extent=view.extent, aspect="auto", interpolation="antialiased")


def _bar(made: Figure, axes: Axes, look: Look, tall: float) -> Axes:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar = made.colorbar(ScalarMappable(Normalize(look.low, look.high), look.cmap), cax=axes)
    bar.set_label(look.label)
    bar.outline.set_linewidth(0.6)
    if look.cyclic:
        bar.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    else:
        bar.locator = _few(tall)
        bar.update_ticks()
    return axes


def _align(made: Figure, bars: list[Axes]) -> float:
    """Put the labels of colour bars on one line, beside the widest number; returns by how many inches the figure became
    wider to hold them."""
    made.draw_without_rendering()  # type: ignore[no-untyped-call]
    right = max(words.get_window_extent().x1 for bar in bars for words in bar.get_yticklabels()) + 0.04 * made.dpi
    for bar in bars:
        bar.yaxis.set_label_coords((right - bar.bbox.x0) / bar.bbox.width, 0.5)
    width = made.get_figwidth()
    more = max(bar.yaxis.label.get_window_extent().x1 for bar in bars) / made.dpi + 0.03 - width
    if more <= 0:
        return 0.0
    made.set_figwidth(width + more)
    for axes in made.axes:
        x, y, wide, tall = axes.get_position().bounds
        share = width / (width + more)
        axes.set_position((x * share, y, wide * share, tall))
    return float(more)


def _few(tall: float) -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=max(2, min(5, int(tall / 0.2))), steps=[1, 2, 5, 10])


def _plane(axes: Axes, view: View, lowest: bool) -> None:
    axes.set_ylabel("y (ξ)", labelpad=1)
    axes.tick_params(length=2.5, pad=2, labelbottom=lowest)
    axes.xaxis.set_major_locator(_few(3))
    axes.yaxis.set_major_locator(_few(3 * view.half[1] / view.half[0]))
    if lowest:
        axes.set_xlabel("x (ξ)", labelpad=1)


def draw_outline(made: Sheet, lines: list[Array]) -> None:
    """Edges of a film, (n, 2) places each, as sharp lines over the pixels."""
    from matplotlib.collections import LineCollection

    for image in made.images:
        image.axes.add_collection(LineCollection(lines, colors="#1a1a1a", linewidths=0.8, capstyle="round"))


def _ruler(made: Figure, header: Mapping[str, Any], view: View, left: float, right: float, down: float) -> None:
    """A scale bar above the right end of the picture, so many inches below the upper edge."""
    from matplotlib.lines import Line2D

    length = scales.round_length(2 * view.half[0])
    share, place = length / (2 * view.half[0]) * (right - left), 1 - down / made.get_figheight()
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
    corner, step = np.array([low, low, [high[0], *low[1:]]]), np.diag(high - low)
    outward = view.project(-np.eye(3)[[1, 0, 0]]) - view.project(np.zeros(3))  # along the edge that meets this one
    outward *= np.array([[1], [1], [-1]]) / np.linalg.norm(outward, axis=1, keepdims=True)
    for axis, name in enumerate("xyz"):
        ends = view.project(np.stack([corner[axis], corner[axis] + step[axis]]))
        _edge(axes, name, ends, (low[axis], high[axis]), outward[axis], per_inch)


def _edge(axes: Axes, name: str, ends: Array, span: tuple[float, float], out: Array, per_inch: float) -> None:
    """Ticks along one edge, or its length where it is too short for them.  ends : (2, 2) places;  out : their way."""
    middle, along = ends.mean(axis=0), ends[1] - ends[0]
    inches = float(np.linalg.norm(along)) / per_inch
    pitch = 0.17 if name == "z" else 0.3
    if inches < 2 * pitch:
        _beside(axes, middle, out, f"{span[1] - span[0]:g} ξ", 0.04, per_inch, 7)
        return
    normal = np.array([along[1], -along[0]]) / np.linalg.norm(along)
    normal *= np.sign(normal @ out)
    reach = 0.0
    for value in _ticks(*span, int(inches / pitch)):
        spot = ends[0] + along * (value - span[0]) / (span[1] - span[0])
        axes.plot(*zip(spot, spot + out * 0.04 * per_inch, strict=True), color="black", lw=0.6, clip_on=False)
        words = f"{value + 0.0:g}".replace("-", "−")  # a zero has no sign
        reach = max(reach, _beside(axes, spot, out, words, 0.06, per_inch, 7) @ normal)
    _beside(axes, middle, normal, f"{name} (ξ)", reach, per_inch, 8)


def _beside(axes: Axes, spot: Array, out: Array, words: str, gap: float, per_inch: float, size: float) -> Array:
    """Words next to a place, gap inches off on the way out; returns how far they reach from it, in inches."""
    text = axes.text(spot[0], spot[1], words, ha="center", va="center", fontsize=size)
    box = text.get_window_extent()
    half = np.array([box.width, box.height]) / 2 / axes.figure.dpi
    offset = out * (gap + np.abs(out) @ half)
    text.set_position(tuple(spot + offset * per_inch))
    return offset + np.sign(out) * half


def _ticks(low: float, high: float, most: int) -> Array:
    """Round numbers, at most ``most`` steps; with both ends among them where a step like that is at hand."""
    power = 10.0 ** np.floor(np.log10((high - low) / most))
    steps = [k * power for k in (1, 2, 4, 5, 10, 20) if (high - low) / (k * power) <= most + 1e-9]
    whole = [step for step in steps[:3] if np.allclose([low / step % 1, high / step % 1], 0, atol=1e-6)]
    step = (whole or steps)[0]
    return np.arange(np.ceil(low / step - 1e-6), np.floor(high / step + 1e-6) + 1) * step


def title(header: Mapping[str, Any], t: float) -> str:
    return "t = " + scales.quantity(header, t, "tau0")


def printed(made: Figure, path: Path) -> Path:
    """As `save`, with the same as PDF and SVG beside it, ready for print: letters stay letters, lines stay lines."""
    for suffix in (".pdf", ".svg"):
        save(made, path.with_suffix(suffix))
    return save(made, path)


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
