"""The zeros of psi of a stored run: raw tables, identities, tracks and what happened."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..contract import Array, Refusal
from ..mesh import facet_weights, locate, operators
from ..mesh.simplices import padded
from ..topology.contraction import REACH, Contraction, contract
from ..topology.curves import described
from ..topology.lead import LeadField
from ..topology.linking import KINDS
from ..topology.tracks import moves, tracks
from .reader import Run

COLUMNS = {
    "zeros": ("t", "id", "x", "y", "z", "winding", "cell", "quality", "dim"),
    "events": ("number", "t0", "t1", "kind", "x", "y", "z", "part", "dim"),
    "event_ids": ("number", "id", "side", "winding"),
    "slips": ("t", "x", "y", "z", "edge", "winding", "dim"),
    "lines": ("t", "id", "closed", "first", "count", "length"),
    "line_points": ("id", "x", "y", "z", "face", "dim", "vx", "vy", "vz"),
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
    return contract(rows(run, "events"), rows(run, "event_ids"), tau_z, l_z or hops.get("l_z", REACH), periods_of(run))


def tracks_of(run: Run, tau_z: float | None = None, l_z: float | None = None) -> dict[str, Array]:
    """Columns t, id, x, y, z, winding, vx, vy, vz, error of a film, by id and time."""
    return tracks(rows(run, "zeros"), contraction_of(run, tau_z, l_z), run.mesh.size)


def last_places(run: Run) -> Array:
    """(2, vortices) of one sign, the one that is more frequent, at the last time at which zeros were recorded."""
    if "zeros" not in run.tables:
        return np.zeros((2, 0))
    table = run.table("zeros")
    last = table["t"] == table["t"].max()
    sign = np.sign(table["winding"][last])
    mine = sign == (1 if sign.sum() >= 0 else -1)
    return np.stack([table["x"], table["y"]])[:, last][:, mine]


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
    """What happened, hops contracted: kind, t0, t1, place, the ids before and after, the part of the boundary.

    dim : whether all of it happened where psi is nearly normal
    """
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
            "dim": node.dim,
        }
        for node in found.events
    ]


# ------------------------------------------------------------------------------------------- E = -v x B


def lead_field(run: Run, first: str, second: str) -> LeadField:
    """What zeros of a film move across on their way, for two probes or boundaries."""
    op = operators(run.mesh)
    b = np.zeros(op.nodes)
    for name, sign in ((first, -1.0), (second, 1.0)):
        nodes, weights = weights_of(run, name)
        np.add.at(b, nodes, sign * weights)
    return LeadField.of(run.mesh, op, b)


def periods_of(run: Run) -> Array:
    """(n, 3) vectors that join vertices of the mesh."""
    return np.array([padded(vector) for vector in run.mesh.periods.values()]).reshape(-1, 3)


def weights_of(run: Run, name: str) -> tuple[Array, Array]:
    """Nodes and weights of a probe or of a boundary."""
    if name in run.mesh.probes:
        return locate(run.mesh, run.mesh.probes[name])
    nodes, weights, _ = facet_weights(run.mesh, name)
    return nodes, weights


def moved_impulse(run: Run, lead: LeadField, clock: Array) -> Array:
    """int V dt, (times,), of all displacements of a film's zeros, hops and the ways to the edges included."""
    moved = moves(rows(run, "zeros"), rows(run, "events"), rows(run, "event_ids"), periods_of(run))
    return lead.impulse(moved["t"], moved["start"], moved["change"], clock, moved["winding"])


def fitted_impulse(run: Run, lead: LeadField, clock: Array) -> Array:
    """The same of the fitted velocities of tracks alone: the last hop through an edge takes no time."""
    table = tracks_of(run)
    dt = np.diff(clock, prepend=0.0)[np.minimum(np.searchsorted(clock, table["t"] * (1 - 1e-12)), clock.size - 1)]
    change = dt * np.nan_to_num([table["vx"], table["vy"]])
    return lead.impulse(table["t"], np.array([table["x"], table["y"]]) - 0.5 * change, change, clock, table["winding"])
