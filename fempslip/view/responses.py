"""A small wave of a condensate in time, with the sine fitted to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..case import Evolve
from ..contract import Refusal
from ..mesh import plane_wave
from ..store import Run, response
from . import scales
from .films import case_of
from .plots import BLUE, RED
from .sheets import COLUMN, figure, save, style


def response_plot(run: Run, path: str | Path) -> Path:
    """The kicked component of the density against time, over its largest value, and the fitted sine."""
    case: Evolve = case_of(run)
    kick, charged = case.start.kick, case.model.dynamics == "charged"
    if kick is None:
        raise Refusal(f"{run.folder} did not start with a kick")
    gap = case.materials.everywhere.plasma_frequency if charged else None
    k, wave = plane_wave(run.mesh, np.asarray(kick.direction, dtype=float), kick.waves)
    found = response.of_run(run, k, wave, gap or 0.0, float(case.measure.from_ or 0.0))
    t, largest = np.linspace(found.t[0], found.t[-1], 2000), np.abs(found.c).max()
    basis = [np.array([np.cos(found.omega * x), np.sin(found.omega * x), np.ones_like(x)]).T for x in (found.t, t)]
    curve = basis[1] @ np.linalg.lstsq(basis[0], found.fit, rcond=None)[0]
    with style():
        made = figure(COLUMN, 2.1)
        axes = made.add_axes((0.15, 0.19, 0.81, 0.69))
        axes.plot(t, curve / largest, color=BLUE, lw=0.7, label=f"ω = {found.omega:.5g}")
        axes.plot(found.t, found.c / largest, ".", ms=2, color=RED, label="run")
        axes.set_xlim(t[0], t[-1])
        axes.set_ylim(-1.15, 1.6)
        axes.set_xlabel(scales.label(run.header, "t", "tau0"), labelpad=1)
        axes.set_ylabel("δn / largest", labelpad=2)
        axes.legend(frameon=False, ncols=2, loc="upper right", borderaxespad=0.2)
        made.text(0.15, 0.985, f"k = {found.k:.4g}/ξ, formula ω = {found.expected:.5g} μ₀/ħ", ha="left", va="top")
        return save(made, Path(path))
