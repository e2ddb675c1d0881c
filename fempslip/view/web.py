"""A run in a browser: a slider over its frames, a choice of field, vortex lines, and a picture to take away.

The machine that holds the run draws; the browser shows.  ``application`` makes the page, ``serve`` keeps it open.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract import Refusal
from ..store import Run, open_run
from ..store.zeros import tracked
from . import canvas, scenes, sheets, stage
from .lines import Lines
from .looks import Look, known, look_for

if TYPE_CHECKING:
    import pyvista as pv

PIXELS = 900  # width of the first picture; the browser asks for its own size then
FITTED = 5  # frames to which the colours are fitted
PACE = 0.15  # s between frames while it plays
NEEDED = "a run in a browser needs one more package: pip install 'fempslip[web]'"


@dataclass(eq=False)
class Theatre:
    """A run and the camera before it; ``show`` puts another frame on the stage."""

    run: Run
    scene: stage.Scene
    plotter: pv.Plotter

    @cached_property
    def lines(self) -> Lines | None:
        """The vortex lines of a body that were followed, whose colours and events are those of the whole run."""
        return Lines(self.run) if self.run.mesh.dim == 3 and tracked(self.run) else None

    @property
    def fields(self) -> list[str]:
        return known(self.run.fields)

    @property
    def last(self) -> int:
        return len(self.run.times) - 1

    def look(self, field: str) -> Look:
        some = np.unique(np.linspace(0, self.last, FITTED).round().astype(int))
        return look_for(field, [self.run.frame(int(k)) for k in some], self.run.header)

    def show(self, frame: int, look: Look, vortices: bool) -> None:
        """Draw a frame.  vortices : with the zeros of a film; in a body its lines, or the surface |psi| = 0.4."""
        zeros = scenes.zeros_of(self.run, frame) if vortices else None
        cores = vortices and self.lines is None
        stage.draw(self.plotter, self.scene, self.run.frame(frame), look, zeros=zeros, cores=cores)
        if vortices and self.lines is not None:
            self.lines.tubes(self.plotter, float(self.run.times[frame]), colour=stage.CORE)

    def again(self) -> None:
        """Open the run again: one that is still going on has more frames now."""
        self.run = open_run(self.run.folder)
        self.__dict__.pop("lines", None)  # they are those of the frames there were

    def words(self, frame: int) -> str:
        return sheets.title(self.run.header, float(self.run.times[frame]))

    def picture(self, frame: int, field: str) -> bytes:
        """The printed picture of a frame, a PNG, as the recipe snapshot draws it."""
        with TemporaryDirectory() as folder:
            return scenes.snapshot(self.run, Path(folder) / "frame.png", frame, field).read_bytes()


def theatre(run: Run) -> Theatre:
    """Raises Refusal for a run without frames."""
    if not len(run.times):
        raise Refusal(f"{run.folder} holds no frames yet, so there is nothing to show")
    scene = stage.scene(run.mesh)
    plotter = canvas.plotter(scene.view, PIXELS)
    canvas.aim(plotter, scene.view)
    return Theatre(run, scene, plotter)


def application(run: Run, name: str = "fempslip") -> Any:
    """The page of a run as a trame server that is not started yet; its state has frame, field and vortices.

    Raises Refusal where trame is not installed, and for a run without frames.
    """
    try:
        from trame.app import get_server
    except ImportError as error:
        raise Refusal(NEEDED) from error
    house = theatre(run)
    server = get_server(name, client_type="vue3")
    state, ctrl = server.state, server.controller
    state.trame__title = f"fempslip: {run.header.get('title', run.folder.name)}"
    state.update({"frame": house.last, "last": house.last, "playing": False, "vortices": True, "field": "psi_abs"})
    if "psi_abs" not in house.fields:
        state.field = house.fields[0]
    looks: dict[str, Look] = {}

    @state.change("frame", "field", "vortices")  # type: ignore[untyped-decorator]
    def show(**_: Any) -> None:
        field, frame = str(state.field), min(int(state.frame), house.last)
        look = looks[field] if field in looks else looks.setdefault(field, house.look(field))
        house.show(frame, look, bool(state.vortices))
        state.time, state.colours = house.words(frame), scale(look)
        ctrl.view_update()

    @state.change("playing")  # type: ignore[untyped-decorator]
    def play(**_: Any) -> None:
        if state.playing:
            asyncio.ensure_future(roll())

    async def roll() -> None:
        if state.frame >= house.last:
            state.frame = -1
        while state.playing and state.frame < house.last:
            with state:
                state.frame += 1
            await asyncio.sleep(PACE)
        with state:
            state.playing = False

    @ctrl.set("again")  # type: ignore[untyped-decorator]
    def again() -> None:
        house.again()
        looks.clear()
        state.last = state.frame = house.last

    @ctrl.trigger("picture")  # type: ignore[untyped-decorator]
    def picture() -> Any:
        return server.protocol.addAttachment(house.picture(int(state.frame), str(state.field)))

    _page(server, house)
    show()
    return server


def scale(look: Look) -> dict[str, str]:
    """What the page writes and paints beside a picture: label, ends, and colours from low to high."""
    import matplotlib

    stops = matplotlib.colormaps[look.cmap](np.linspace(0, 1, 17))[:, :3]
    paint = ", ".join(f"rgb({r:.0f} {g:.0f} {b:.0f})" for r, g, b in 255 * np.asarray(stops))
    ends = ("−π", "π") if look.cyclic else (f"{look.low:.3g}", f"{look.high:.3g}")
    return {
        "label": look.label,
        "low": ends[0],
        "high": ends[1],
        "bar": f"width: 140px; height: 12px; margin: 0 6px; background: linear-gradient(to right, {paint})",
    }


def _page(server: Any, house: Theatre) -> None:
    from trame.ui.vuetify3 import SinglePageLayout
    from trame.widgets import html, vtk
    from trame.widgets import vuetify3 as v

    ctrl, name = server.controller, house.run.folder.name
    with SinglePageLayout(server) as page:
        page.icon.hide()
        page.title.set_text(str(house.run.header.get("title", name)))
        page.title.style = "flex: 1 1 auto; font-size: 16px"
        with page.toolbar:
            with html.Div(style="display: flex; align-items: center; font-size: 13px", id="scale"):
                html.Span("{{ colours.label }}", style="margin-right: 10px")
                html.Span("{{ colours.low }}")
                html.Div(style=("colours.bar",))
                html.Span("{{ colours.high }}")
            chosen = {"v_model": ("field",), "items": ("fields", house.fields), "id": "field"}
            v.VSelect(**chosen, density="compact", hide_details=True, style="max-width: 190px; margin-left: 16px")
            v.VCheckbox(v_model=("vortices",), label="vortices", hide_details=True, density="compact", id="vortices")
            _button(v, "mdi-refresh", ctrl.again, "again", "frames that were added since")
            save = f"utils.download('{name}_' + frame + '.png', trigger('picture'), 'image/png')"
            _button(v, "mdi-image-outline", save, "picture", "picture of this frame, for print")
        with page.content, v.VContainer(fluid=True, classes="pa-0 fill-height"):
            seen = vtk.VtkRemoteView(house.plotter.render_window, interactive_ratio=1, still_quality=95)
            ctrl.view_update = seen.update
        page.footer.clear()
        with page.footer:
            _button(v, ("playing ? 'mdi-pause' : 'mdi-play'",), "playing = !playing", "play", "play")
            slider = {"v_model": ("frame",), "min": 0, "max": ("last",), "step": 1, "id": "frame"}
            v.VSlider(**slider, hide_details=True, density="compact")
            html.Span("{{ time }}", style="width: 190px; text-align: right; font-size: 13px", id="time")


def _button(v: Any, icon: Any, click: Any, ident: str, words: str) -> None:
    with v.VBtn(icon=True, click=click, id=ident, title=words, density="comfortable", variant="text"):
        v.VIcon(icon=icon)


def serve(run: Run, port: int = 0, look_at_it: bool = True) -> None:
    """Keep the page of a run open until Ctrl-C.  port : 0 takes a free one;  look_at_it : open the browser here."""
    server = application(run)
    server.start(port=port, open_browser=look_at_it and not canvas.without_screen(), show_connection_info=True)
