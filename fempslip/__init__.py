"""fempslip: a finite-element solver for vortices and phase slips.

The rooms of the package, lowest first; a room uses those before it, never those after it:

    contract    what plugs into what: protocols and frozen dataclasses
    case        what a person writes: reading, quantities, shapes, material, drive, schema
    mesh        where it happens: meshing, operators, cochains, paths
    physics     the equations: energy, relaxation, contacts and their kernels
    solver      how they are solved: linear algebra, time steps, self-field, circuits, descent, saddles, march
    topology    zeros of psi: windings, slips, lines, ledger, tracks
    store       a run on disk
    view        what people look at
    tasks       what can be asked
    run         a case becomes results: compile, recipes, running, batches, the words of a notebook
    cli         the words

From a notebook:

    import fempslip as fs

    case = fs.load("film_vortex_flow").vary({"drive.field": "60 mT"})
    run = fs.solve(case, into="runs/film")
    t, V = fs.voltage(run, "upstream", "downstream", unit="uV")

Importing the package loads nothing else: each name below is fetched from its room when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fempslip.case import load as load
    from fempslip.run.api import batch as batch
    from fempslip.run.api import check as check
    from fempslip.run.api import ledger as ledger
    from fempslip.run.api import render as render
    from fempslip.run.api import solve as solve
    from fempslip.run.api import track as track
    from fempslip.run.api import voltage as voltage
    from fempslip.store import open_run as open_run

__version__ = "0.1.0"

_ROOM_OF = {
    "load": "fempslip.case",
    "check": "fempslip.run.api",
    "solve": "fempslip.run.api",
    "voltage": "fempslip.run.api",
    "render": "fempslip.run.api",
    "track": "fempslip.run.api",
    "ledger": "fempslip.run.api",
    "batch": "fempslip.run.api",
    "open_run": "fempslip.store",
}

__all__ = ["__version__", "batch", "check", "ledger", "load", "open_run", "render", "solve", "track", "voltage"]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'fempslip' has no attribute {name!r}")
    value = getattr(import_module(_ROOM_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
