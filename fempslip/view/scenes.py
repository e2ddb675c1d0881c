"""Pictures of films, bodies and networks: one frame, a movie, a window."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract import Array, Failure, Refusal
from ..store import Run
from . import canvas, plots, sheets, stage
from .looks import Look, look_for
from .wires import along

if TYPE_CHECKING:
    import pyvista as pv

DPI = 300  # of a printed picture
LONGEST = 150  # frames of a movie
WIDTH = 1280  # pixels of a movie
Progress = Callable[[int, int], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Studio:
    """All that stays the same from frame to frame."""

    run: Run
    scene: stage.Scene
    plotter: pv.Plotter
    looks: tuple[Look, ...]
    sheet: sheets.Sheet
    contours: bool
    arrows: bool


def snapshot(
    run: Run,
    path: str | Path,
    frame: int = -1,
    field: str | Sequence[str] = "psi_abs",
    contours: bool = True,
    arrows: bool = False,
) -> Path:
    """Draw one frame.  Films and bodies: maps of the fields named; wires: |psi|, the phase and mu along them.

    field : psi_abs, phase, current, supercurrent, normal_current, mu ... or several, one above the other
    contours : lines of equal |psi| (films);  arrows : the current
    Raises Refusal for a frame or field that the run does not have, Failure when nothing could be drawn.
    """
    _need_frames(run)
    if run.mesh.dim == 1 and along(run.mesh).whole:
        return plots.wire_snapshot(run, path, frame)
    names = [field] if isinstance(field, str) else list(field)
    with _studio(run, names, [frame], contours, arrows) as studio:
        for look, image in zip(studio.looks, studio.sheet.images, strict=True):
            image.set_data(_shot(studio, look, frame))
        studio.sheet.title.set_text(sheets.title(run.header, run.times[frame]))
        return sheets.save(studio.sheet.figure, Path(path), DPI)


def movie(
    run: Run,
    path: str | Path,
    field: str = "psi_abs",
    progress: Progress = lambda done, total: None,
    arrows: bool = False,
    frames: int = LONGEST,
) -> Path:
    """Draw the frames of a run, evenly chosen when there are more than ``frames``, into an mp4 file (h264).

    progress(done, total) is called after each frame.  Raises Refusal and Failure as snapshot does.
    """
    _need_frames(run)
    chosen = np.unique(np.linspace(0, len(run.times) - 1, min(frames, len(run.times))).round().astype(int))
    with sheets.style():
        pictures = _wire_frames(run, chosen) if run.mesh.dim == 1 and along(run.mesh).whole else None
        pictures = pictures or _frames(run, field, chosen, arrows)
        return film(pictures, Path(path), len(chosen), progress)


def show(run: Run, path: str | Path | None = None, frame: int = -1, field: str = "psi_abs") -> list[str]:
    """Open a window where there is a screen and no path is given, else write pictures; says in words what it did.

    Without a screen: a PNG (wires: also the kymograph), and for films and bodies an HTML page to turn the body in.
    """
    _need_frames(run)
    if path is None and not canvas.without_screen() and run.mesh.dim > 1:
        _window(run, field)
        return [f"{run.folder}: the window was closed"]
    target = Path(path) if path is not None else run.folder / "view.png"
    if target.suffix == ".html":
        _page(run, target, frame, field)
        return [f"wrote {target}"]
    done = [snapshot(run, target, frame, field)]
    if run.mesh.dim == 1:
        done.append(plots.kymograph(run, target.with_name(target.stem + "_kymograph.png")))
    elif path is None:
        try:
            done.append(_page(run, target.with_suffix(".html"), frame, field))
        except Refusal as reason:
            log.info("%s", reason)
    why = "no screen here: " if path is None and canvas.without_screen() else ""
    return [f"{why}wrote {' and '.join(map(str, done))}"]


# -------------------------------------------------------------------------------------------------- one frame


class _studio:
    """A Studio that is closed again; the colours are fitted to frames ks."""

    def __init__(
        self,
        run: Run,
        names: Sequence[str],
        ks: Sequence[int] | Array,
        contours: bool,
        arrows: bool,
        moving: bool = False,
    ) -> None:
        frames = [run.frame(int(k)) for k in ks]
        looks = tuple(look_for(name, frames, run.header) for name in names)
        scene = stage.scene(run.mesh)
        body = np.array([scene.grid.bounds[::2], scene.grid.bounds[1::2]]) if scene.plane else None
        with sheets.style():
            made = sheets.sheet(scene.view, list(looks), run.header, body)
            if run.mesh.dim == 2:
                edges = scene.outline.points[scene.outline.lines.reshape(-1, 3)[:, 1:]]
                sheets.draw_outline(made, [scene.view.project(edge) for edge in edges])
        made.figure.set_dpi(WIDTH / made.figure.get_figwidth() if moving else DPI)
        width = made.images[0].axes.bbox.width
        # Smooth pixels are dear without a graphics card: a movie takes the means of four plain ones.
        plotter = canvas.plotter(scene.view, 2 * round(width) if moving else round(1.5 * width), smooth=not moving)
        self.studio = Studio(run, scene, plotter, looks, made, contours, arrows)

    def __enter__(self) -> Studio:
        return self.studio

    def __exit__(self, *error: object) -> None:
        self.studio.plotter.close()


def _shot(studio: Studio, look: Look, k: int) -> Array:
    fields, zeros = studio.run.frame(k), zeros_of(studio.run, k)
    flow = studio.arrows or look.cmap == "magma"
    stage.draw(studio.plotter, studio.scene, fields, look, studio.contours, flow, zeros)
    return canvas.shoot(studio.plotter, studio.scene.view)


def zeros_of(run: Run, k: int) -> Array | None:
    """(n, 4): x, y, z, winding of the zeros recorded at the time of frame k of a film; None where none were sought."""
    if "zeros" not in run.tables or run.mesh.dim != 2:
        return None
    table = run.table("zeros")
    t = run.times[k]
    now = np.abs(table["t"] - t) <= 1e-9 * max(1.0, abs(t))
    return np.stack([table[name][now] for name in ("x", "y", "z", "winding")], axis=1)


def _need_frames(run: Run) -> None:
    if not len(run.times):
        raise Refusal(f"{run.folder} holds no frames yet, so there is nothing to draw")


# -------------------------------------------------------------------------------------------------- movies


def _frames(run: Run, field: str, chosen: Array, arrows: bool) -> Iterator[Array]:
    """Pixels of one frame after another: the sheet is drawn once, then only the picture and the time in it."""
    probe = chosen[:: max(1, len(chosen) // 8)]
    with _studio(run, [field], probe, False, arrows, moving=True) as studio:
        made = studio.sheet
        made.images[0].remove()
        frame, axes = made.figure.bbox, made.figure.axes[0].bbox
        paint = _painter(made.figure, [made.title])
        for k in chosen:
            picture = canvas.halved(_shot(studio, studio.looks[0], int(k)))
            made.title.set_text(sheets.title(run.header, run.times[k]))
            yield _lay(picture, paint(), round(frame.height - axes.y1), round(axes.x0))


def _lay(picture: Array, sheet: Array, top: int, left: int) -> Array:
    """Put a picture under the dark lines and words of a sheet."""
    place = sheet[top : top + picture.shape[0], left : left + picture.shape[1], :3]
    np.minimum(place, picture[: place.shape[0], : place.shape[1]], out=place)
    return sheet


def _painter(figure: Any, moving: Sequence[Any]) -> Callable[[], Array]:
    """A function that draws the moving parts onto the standing ones and returns the pixels, red green blue alpha."""
    for artist in moving:
        artist.set_animated(True)
    sheet = figure.canvas
    sheet.draw()
    standing = sheet.copy_from_bbox(figure.bbox)

    def paint() -> Array:
        sheet.restore_region(standing)
        for artist in moving:
            (artist.axes or figure).draw_artist(artist)
        return np.asarray(sheet.buffer_rgba())

    return paint


def _wire_frames(run: Run, chosen: Array) -> Iterator[Array]:
    figure, update, moving = plots.wire_film(run, chosen)
    figure.set_dpi(WIDTH / figure.get_figwidth())
    paint = _painter(figure, moving)
    for k in chosen:
        update(int(k))
        yield paint()


def film(pictures: Iterator[Array], path: Path, total: int, progress: Progress) -> Path:
    """Encode pictures; their sides are cut to even numbers, as h264 wants them."""
    import imageio_ffmpeg  # type: ignore[import-untyped]

    path.parent.mkdir(parents=True, exist_ok=True)
    fps, writer = min(25, max(5, round(total / 8))), None
    try:
        for done, pixels in enumerate(pictures, start=1):
            height, width = (side // 2 * 2 for side in pixels.shape[:2])
            if writer is None:
                writer = imageio_ffmpeg.write_frames(
                    str(path), (width, height), fps=fps, codec="libx264", quality=None, macro_block_size=2,
                    pix_fmt_in="rgba", output_params=["-crf", "20", "-preset", "fast"], ffmpeg_log_level="error",
                )  # fmt: skip
                writer.send(None)
            writer.send(np.ascontiguousarray(pixels[:height, :width]))
            progress(done, total)
    except OSError as error:
        raise Failure(f"{path}: the movie cannot be written ({str(error).splitlines()[0]})") from error
    finally:
        if writer is not None:
            writer.close()
    if not path.is_file() or path.stat().st_size == 0:
        raise Failure(f"{path}: the movie was not written")
    return path


# -------------------------------------------------------------------------------------------------- windows


def _window(run: Run, field: str) -> None:
    """A PyVista window with a slider over the frames."""
    import pyvista as pv

    scene, look = stage.scene(run.mesh), look_for(field, [run.frame(0), run.frame(-1)], run.header)
    plotter = pv.Plotter(title=str(run.header.get("title", run.folder.name)))
    plotter.set_background("white")

    def turn(value: float) -> None:
        k = int(round(value))
        stage.draw(plotter, scene, run.frame(k), look, zeros=zeros_of(run, k))
        plotter.add_text(sheets.title(run.header, run.times[k]), font_size=10, color="black", name="time")

    if len(run.times) > 1:
        plotter.add_slider_widget(turn, (0, len(run.times) - 1), len(run.times) - 1, title="frame", fmt="%.0f")
    turn(len(run.times) - 1)
    canvas.aim(plotter, scene.view)
    plotter.show()


def _page(run: Run, path: Path, frame: int, field: str) -> Path:
    """A self-contained HTML page.  Raises Refusal where the package for it is not installed."""
    scene, look = stage.scene(run.mesh), look_for(field, [run.frame(frame)], run.header)
    plotter = canvas.plotter(scene.view, 800)
    try:
        stage.draw(plotter, scene, run.frame(frame), look, zeros=zeros_of(run, frame))
        canvas.aim(plotter, scene.view)
        return page(plotter, path)
    finally:
        plotter.close()


def page(plotter: pv.Plotter, path: Path, words: str = "") -> Path:
    """Write what a plotter shows as a self-contained page, with words above it.

    Raises Refusal where the package for it is missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        plotter.trame.export_html(str(path))
    except (ImportError, AttributeError) as error:
        needed = "an HTML page needs two more packages: pip install trame-pyvista nest-asyncio2"
        raise Refusal(needed) from error
    if words:  # the page makes its own body: only its head can hold them
        content = words.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ")
        place = "position: fixed; top: 8px; left: 12px; z-index: 9; font: 15px sans-serif"
        rule = f'html::before {{content: "{content}"; {place}}}'
        text = path.read_text(encoding="utf-8")
        text = re.sub("<title>.*?</title>", lambda _: f"<title>{escape(words)}</title>", text, count=1, flags=re.S)
        path.write_text(text.replace("<style>", f"<style>\n{rule}", 1), encoding="utf-8")
    return path
