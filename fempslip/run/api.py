"""The words of a notebook: solve, check, voltage, track, ledger, render, batch.

import fempslip as fs
case = fs.load("film_vortex_flow").vary({"drive.field": "60 mT"})
run = fs.solve(case, into="runs/film")
t, V = fs.voltage(run, "upstream", "downstream", unit="uV")
zeros = fs.track(run)
sides = fs.ledger(run, "upstream", (5.0, 0.0))
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
from fempslip.run.afterwards import Place, ledger_between, watched
from fempslip.run.batch import batch
from fempslip.run.check import explain
from fempslip.run.compiling import compile
from fempslip.run.recipes import draw, watches
from fempslip.run.running import case_of, quiet, solve, space_of
from fempslip.store import Run
from fempslip.store.zeros import lines_of, rows, tracks_of
from fempslip.tasks.watchers import tracked_nodes, zeros

__all__ = ["batch", "check", "ledger", "render", "solve", "track", "voltage"]

VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "nV": 1e-9}


def check(case: Case | str | Path) -> str:
    """The case explained without solving it.  Raises Refusal where it is wrong.

    >>> import fempslip as fs
    >>> print(fs.check("wire_weak_spot").splitlines()[0])
    wire_weak_spot: Phase slips at a weak spot of a wire
    """
    return explain(case if isinstance(case, Case) else load(case))


def voltage(run: Run, first: str, second: str, unit: str = "V0") -> tuple[Array, Array]:
    """(t, V) of a measured pair: (steps,) times in tau0 and voltages in V0, V, mV, uV or nV.

    Raises Refusal for a pair that was not measured, a unit that is not known, or volts of a dimensionless material.

    >>> import fempslip as fs
    >>> short = {"time.until": "20 tau", "measure.from": "10 tau", "expect": None, "postprocess": None}
    >>> run = fs.solve(fs.load("wire_weak_spot").vary(short), into="runs/wire", pictures=False)
    >>> t, V = fs.voltage(run, "begin", "end", unit="uV")
    >>> t.shape == V.shape and bool(t[-1] == 20)
    True
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
    """Zeros of psi, by id and time; hops are contracted.

    Films: columns t, id, x, y, z, winding, vx, vy, vz, error; velocities are fitted, with their standard error.
    Bodies, a row for each line and time: t, id, closed, length, curvature, sharpest, speed, and the ends x0 ... z1.
    Wires: the phase slips t, x, y, z, edge, winding.
    A run whose zeros were not watched is followed over its frames; a warning says where these are too far apart.
    States of a task that does not march in time: t, x, y, z, winding of each (films: vortices; bodies: pierced faces).

    >>> import fempslip as fs
    >>> changes = {"material.gamma": 0, "drive.current.density": "0.34 j0", "postprocess": ["phase_slips"]}
    >>> changes |= {"time.until": "60 tau", "measure.from": "20 tau", "expect": None}
    >>> run = fs.solve(fs.load("wire_weak_spot").vary(changes), into="runs/slips", pictures=False)
    >>> slips = fs.track(run)
    >>> bool(len(slips["t"]) > 3 and abs(slips["x"] - slips["x"][0]).max() < 0.2)  # all at the weak spot
    True
    """
    case = case_of(run)
    if case.task != "evolve":
        return zeros_of_frames(run)
    seen = watched(run, ["tracks"], watches(case.postprocess))
    if run.mesh.dim == 1:
        return rows(seen, "slips")
    return tracks_of(seen) if run.mesh.dim == 2 else lines_of(seen)


def ledger(run: Run, first: Place, second: Place) -> dict[str, dict[str, Array]]:
    """Both sides of int V dt = 2 pi crossings + phase + nodes between any two places of a run whose zeros were watched.

    first, second : names of probes or boundaries, or points in xi
    Returns path (direct, detour, spread) -> columns t, impulse, crossings, phase, nodes, contact, residual, by frame.

    >>> import fempslip as fs
    >>> changes = {"material.gamma": 0, "drive.current.density": "0.34 j0", "postprocess": ["phase_slips"]}
    >>> changes |= {"time.until": "60 tau", "measure.from": "20 tau", "expect": None}
    >>> run = fs.solve(fs.load("wire_weak_spot").vary(changes), into="runs/ledger", pictures=False)
    >>> sides = fs.ledger(run, "begin", (14.0, 0.0))["direct"]
    >>> bool(abs(sides["residual"]).max() < 1e-9)
    True
    """
    return ledger_between(run, first, second)


def zeros_of_frames(run: Run) -> dict[str, Array]:
    """Zeros of states that do not follow each other in time; their potential is the applied one.

    Raises Refusal for those with a field of their own, which frames do not hold.
    """
    case = case_of(run)
    if isinstance(case, MeshedCase) and case.model.screening != "none":
        words = f"its states have a field of their own (screening: {case.model.screening}), which frames do not hold"
        raise Refusal(f"{run.folder}: {words}; the vortices of a London state are those of its start.vortices")
    problem = compile(cast(MeshedCase, case_of(run)), run.mesh, space=space_of(run))
    tracked = tracked_nodes(problem)
    found = []
    for k, t in enumerate(run.times):
        frame = run.frame(k)
        psi = frame["psi_re"] + 1j * frame["psi_im"]
        found += [(t, *row) for row in zeros(problem, psi, potential(problem.drive, t), tracked)]
    columns = np.array(found).reshape(-1, 5).T
    return dict(zip(("t", "x", "y", "z", "winding"), columns, strict=True))


def render(run: Run, recipe: str) -> list[Path]:
    """Draw the pictures of a recipe into the run folder; returns their paths.

    >>> import fempslip as fs
    >>> short = {"time.until": "20 tau", "measure.from": "10 tau", "expect": None, "postprocess": None}
    >>> run = fs.solve(fs.load("wire_weak_spot").vary(short), into="runs/drawn", pictures=False)
    >>> [path.name for path in fs.render(run, "kymograph")]
    ['kymograph.png']
    """
    return draw(case_of(run), run, [recipe], quiet)
