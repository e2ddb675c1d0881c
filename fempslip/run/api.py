"""The words of a notebook: solve, check, voltage, track, render, batch.

import fempslip as fs
case = fs.load("film_vortex_flow").vary({"drive.field": "60 mT"})
run = fs.solve(case, into="runs/film")
t, V = fs.voltage(run, "upstream", "downstream", unit="uV")
zeros = fs.track(run)
fs.render(run, "movie")
table = fs.batch(case, {"drive.current.density": ["0.1 j0", "0.2 j0"]}, into="runs/family")
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np

from fempslip.case import Case, MeshedCase, load
from fempslip.contract import Array, Refusal
from fempslip.physics.applied import potential
from fempslip.run.batch import batch
from fempslip.run.check import explain
from fempslip.run.compiling import compile
from fempslip.run.recipes import draw
from fempslip.run.running import case_of, quiet, solve
from fempslip.store import Run
from fempslip.store.zeros import tracks_of
from fempslip.tasks.watchers import tracked_nodes, zeros

__all__ = ["batch", "check", "render", "solve", "track", "voltage"]

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "nV": 1e-9}


def check(case: Case | str | Path) -> str:
    """The case explained without solving it.  Raises Refusal where it is wrong."""
    return explain(case if isinstance(case, Case) else load(case))


def voltage(run: Run, first: str, second: str, unit: str = "V0") -> tuple[Array, Array]:
    """(t, V) of a measured pair: (steps,) times in tau0 and voltages in V0, V, mV, uV or nV.

    Raises Refusal for a pair that was not measured, a unit that is not known, or volts of a dimensionless material.
    """
    if "voltage" not in run.tables:
        raise Refusal(f"{run.folder} holds no voltages: name pairs of probes in measure.between before the run")
    table = run.table("voltage")
    sign = 1.0
    if f"{first}|{second}" not in table:
        first, second, sign = second, first, -1.0
    if f"{first}|{second}" not in table:
        measured = sorted(name for name in table if name.count("|") and not name.endswith(("impulse", "slips")))
        raise Refusal(
            f"the voltage between {second!r} and {first!r} was not measured; measured are: {', '.join(measured)}"
        )
    return table["t"], sign * table[f"{first}|{second}"] * unit_factor(run, unit)


def unit_factor(run: Run, unit: str) -> float:
    """Multiplies a voltage in V0 to give it in `unit`."""
    if unit == "V0":
        return 1.0
    if unit not in VOLTS:
        raise Refusal(f"voltages are given in V0, {', '.join(VOLTS)}, not in {unit!r}")
    if "V0" not in run.header["scales"]:
        raise Refusal("this material is dimensionless: give material.xi, lambda and sigma, or ask for unit='V0'")
    return run.header["scales"]["V0"] / VOLTS[unit]


def track(run: Run) -> dict[str, Array]:
    """Zeros of psi.  Films that were solved with the recipe vortex_tracks: columns t, id, x, y, z, winding, vx, vy, vz,
    error, by id and time; hops are contracted, velocities fitted.  Wires with phase_slips: t, x, y, z, edge, winding.

    Other films and bodies: columns t, x, y, z, winding of the stored frames (vortices; faces pierced by lines), found
    exactly in each; which zero of one frame is which of the next is not in it.
    Raises Refusal for wires without: slips are instants that a frame does not catch.
    """
    if run.mesh.dim == 1:
        if "slips" in run.tables:
            return run.table("slips")
        raise Refusal("the zeros of a wire are phase slips, instants between frames: solve with the recipe phase_slips")
    if "zeros" not in run.tables:
        return zeros_of_frames(run)
    table = run.table("zeros")
    return tracks_of(run) if run.mesh.dim == 2 and "id" in table else table


def zeros_of_frames(run: Run) -> dict[str, Array]:
    problem = compile(cast(MeshedCase, case_of(run)), run.mesh)
    tracked = tracked_nodes(problem)
    rows = []
    for k, t in enumerate(run.times):
        frame = run.frame(k)
        psi = frame["psi_re"] + 1j * frame["psi_im"]
        rows += [(t, *row) for row in zeros(problem, psi, potential(problem.drive, t), tracked)]
    columns = np.array(rows).reshape(-1, 5).T
    return dict(zip(("t", "x", "y", "z", "winding"), columns, strict=True))


def render(run: Run, recipe: str) -> list[Path]:
    """Draw the pictures of a recipe into the run folder; returns their paths."""
    return draw(case_of(run), run, [recipe], quiet)
