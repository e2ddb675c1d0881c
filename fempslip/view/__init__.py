"""What people look at.  Reads runs, never makes them; PyVista and Matplotlib are loaded when something is drawn.

PICTURES : name -> function that draws a picture into the folder of a run and returns its paths (for recipes)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..store import Run
from .circuits import circuit_plot, shapiro_plot, spectrum_plot
from .films import field_above, loop_plot, modulation_plot, moment_plot, streamlines
from .lines import tubes
from .lumped import lumped_plot
from .magnetic import field_lines, flux_jump_plot, induction_map, magnetization_plot
from .maps import density_picture, dissipation_picture, structure_plot, vortex_speeds
from .plots import frequency_plot, kymograph, potentials, profile, voltage_pairs, voltage_plot, winding_plot
from .reels import tracks_movie, tracks_page
from .responses import response_plot
from .scenes import movie, show, snapshot
from .stills import barrier, free_energies, little_parks, nucleation_mode, saddle, states
from .thermal import resistance_temperature, thermal_slips
from .trails import event_diagram, flux_flow, trails

__all__ = [
    "PICTURES",
    "barrier",
    "density_picture",
    "dissipation_picture",
    "event_diagram",
    "field_above",
    "field_lines",
    "flux_flow",
    "flux_jump_plot",
    "free_energies",
    "frequency_plot",
    "induction_map",
    "kymograph",
    "loop_plot",
    "modulation_plot",
    "moment_plot",
    "little_parks",
    "magnetization_plot",
    "movie",
    "nucleation_mode",
    "potentials",
    "profile",
    "resistance_temperature",
    "response_plot",
    "saddle",
    "show",
    "snapshot",
    "streamlines",
    "states",
    "structure_plot",
    "tracks_movie",
    "tracks_page",
    "thermal_slips",
    "trails",
    "tubes",
    "voltage_pairs",
    "voltage_plot",
    "vortex_speeds",
    "winding_plot",
]


Progress = Callable[[int, int], None]  # (drawn, to draw)


def _snapshots(run: Run, progress: Progress) -> list[Path]:
    """|psi|, phase and current of the last frame in one picture."""
    names = [name for name in ("psi_abs", "phase", "supercurrent") if name in (*run.fields, "psi_abs")]
    return [snapshot(run, run.folder / "snapshot.png", field=names)]


def _movie(run: Run, progress: Progress) -> list[Path]:
    return [movie(run, run.folder / "movie.mp4", progress=progress)]


def _trails(run: Run, progress: Progress) -> list[Path]:
    """The trails of a film, the lines of a body."""
    return [(trails if run.mesh.dim == 2 else tubes)(run, run.folder / "tracks.png")]


def _into(name: str, draw: Callable[[Run, Path], Path]) -> Callable[[Run, Progress], list[Path]]:
    return lambda run, progress: [draw(run, run.folder / name)]


def _tracks_movie(run: Run, progress: Progress) -> list[Path]:
    return [tracks_movie(run, run.folder / "tracks.mp4", progress)]


PICTURES: dict[str, Callable[[Run, Progress], list[Path]]] = {
    "snapshots": _snapshots,
    "movie": _movie,
    "kymograph": _into("kymograph.png", kymograph),
    "voltage_plot": _into("voltage.png", voltage_plot),
    "profile": _into("profile.png", profile),
    "thermal_slips": _into("thermal_slips.png", thermal_slips),
    "trails": _trails,
    "tracks_movie": _tracks_movie,
    "tracks_page": _into("tracks.html", tracks_page),
    "flux_flow": _into("flux_flow.png", flux_flow),
    "event_diagram": _into("events.png", event_diagram),
    "response_plot": _into("response.png", response_plot),
    "frequency_plot": _into("frequency.png", frequency_plot),
    "lumped_plot": _into("lumped.png", lumped_plot),
    "circuit_plot": _into("circuit.png", circuit_plot),
    "spectrum_plot": _into("spectrum.png", spectrum_plot),
    "shapiro_plot": _into("shapiro.png", shapiro_plot),
    "winding_plot": _into("winding.png", winding_plot),
    "modulation_plot": _into("modulation.png", modulation_plot),
    "moment_plot": _into("moment.png", moment_plot),
    "loop_plot": _into("magnetization_loop.png", loop_plot),
    "field_above": _into("field_above.png", field_above),
    "density_picture": _into("density.png", density_picture),
    "dissipation_picture": _into("dissipation.png", dissipation_picture),
    "structure_plot": _into("structure_factor.png", structure_plot),
    "vortex_speeds": _into("vortex_speeds.png", vortex_speeds),
    "streamlines": _into("streamlines.png", streamlines),
    "magnetization_plot": _into("magnetization.png", magnetization_plot),
    "induction_map": _into("induction.png", induction_map),
    "flux_jump_plot": _into("flux_jump.png", flux_jump_plot),
    "field_lines": _into("field_lines.png", field_lines),
    "states": _into("states.png", states),
    "free_energies": _into("free_energies.png", free_energies),
    "little_parks": _into("little_parks.png", little_parks),
    "barrier": _into("barrier.png", barrier),
    "saddle": _into("saddle.png", saddle),
    "nucleation_mode": _into("nucleation.png", nucleation_mode),
}
