"""The zeros of psi of a stored run: raw tables, identities, tracks and what happened."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import Array, Refusal
from ..mesh.simplices import volumes
from ..topology.contraction import REACH, Contraction, contract
from ..topology.curves import described
from ..topology.linking import KINDS
from ..topology.tracks import impulse_of_moves, moves, tracks
from .reader import Run

COLUMNS = {
    "zeros": ("t", "id", "x", "y", "z", "winding", "cell", "quality"),
    "events": ("number", "t0", "t1", "kind", "x", "y", "z", "part"),
    "event_ids": ("number", "id", "side", "winding"),
    "slips": ("t", "x", "y", "z", "edge", "winding"),
    "lines": ("t", "id", "closed", "first", "count", "length"),
    "line_points": ("id", "x", "y", "z", "face", "vx", "vy", "vz"),
}


def rows(run: Run, name: str) -> dict[str, Array]:
    """A table of the tracker; without rows where nothing happened."""
    return run.table(name) if name in run.tables else {column: np.zeros(0) for column in COLUMNS[name]}


def tracked(run: Run) -> bool:
    """Whether zeros were followed in the run: their identities cannot be made afterwards."""
    return "lines" in run.tables or ("zeros" in run.tables and "id" in run.table("zeros"))


def contraction_of(run: Run, tau_z: float | None = None, l_z: float | None = None) -> Contraction:
    """The identities of a run's zeros; tau_z (tau0) and l_z (xi) as declared in the run, or others.

    Raises Refusal for a run in which zeros were seen, but not followed.
    """
    if "zeros" in run.tables and not tracked(run):
        raise Refusal(f"{run.folder}: zeros were not followed in this run; ask for vortex_tracks before it is made")
    hops = run.header.get("hops", {})
    tau_z = hops["tau_z"] if tau_z is None else tau_z
    return contract(rows(run, "events"), rows(run, "event_ids"), tau_z, l_z or hops.get("l_z", REACH))


def tracks_of(run: Run, tau_z: float | None = None, l_z: float | None = None) -> dict[str, Array]:
    """Columns t, id, x, y, z, winding, vx, vy, vz, error of a film, by id and time."""
    return tracks(rows(run, "zeros"), contraction_of(run, tau_z, l_z), run.mesh.size)


def lines_of(run: Run, tau_z: float | None = None, l_z: float | None = None) -> dict[str, Array]:
    """Vortex lines of a body, by id and time: columns t, id, closed, length, curvature, sharpest, speed, and its ends.

    length : of the raw line;  curvature, sharpest : mean and largest, smoothed over 1 xi;  speed : mean along the line
    x0 ... z1 : where an open line meets the surface.  Parts of hops are left out.
    """
    table = rows(run, "lines")
    person = contraction_of(run, tau_z, l_z).person_at(table["id"], table["t"])
    found = {"t": table["t"], "id": person, "closed": table["closed"], "length": table["length"]}
    found |= described(table, rows(run, "line_points"))
    order = np.lexsort((table["t"], person))
    order = order[person[order] > 0]
    return {name: values[order] for name, values in found.items()}


def events_of(run: Run, tau_z: float | None = None, l_z: float | None = None) -> list[dict[str, Any]]:
    """What happened, hops contracted: kind, t0, t1, place, the ids before and after, the part of the boundary."""
    found = contraction_of(run, tau_z, l_z)
    names = (*run.mesh.boundaries, "")
    return [
        {
            "kind": KINDS[node.kind],
            "t0": node.t0,
            "t1": node.t1,
            "place": tuple(float(x) for x in node.place),
            "before": sorted({found.persons[k] for k in node.ins} - {0}),
            "after": sorted({found.persons[k] for k in node.outs} - {0}),
            "part": names[node.part],
        }
        for node in found.events
    ]


# ------------------------------------------------------------------------------------------- E = -v x B


def moved_impulse(run: Run, first: str, second: str, clock: Array) -> Array:
    """int V dt, (times,), of the zeros of a film that moved across between two probes or boundaries."""
    ends = place_of(run, first), place_of(run, second)
    moved = moves(rows(run, "zeros"), rows(run, "events"), rows(run, "event_ids"))
    return impulse_of_moves(moved, *ends, width_between(run, *ends), clock)


def place_of(run: Run, name: str) -> Array:
    """A probe's place, or the middle of a boundary, (space,)."""
    if name in run.mesh.probes:
        return run.mesh.probes[name]
    return run.mesh.points[:, np.unique(run.mesh.boundaries[name])].mean(axis=1)


def width_between(run: Run, first: Array, second: Array) -> float:
    """Area of a film between the planes through two places, over their distance; holes do not count."""
    along = second - first
    length = float(np.linalg.norm(along))
    corners = run.mesh.points[:, run.mesh.cells]
    place = along @ (corners.mean(axis=1) - first[:, None]) / length
    area = volumes(run.mesh.points, run.mesh.cells)
    return float(area[(place >= 0) & (place <= length)].sum()) / length
