"""Vortex lines of a body followed through every accepted step: tables `lines`, `line_points`, `events`, `event_ids`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fempslip.contract import Array, Failure, Sink, State, Step
from fempslip.mesh.periods import shortest
from fempslip.tasks.events import EventLog
from fempslip.topology import kernels, lines, linking
from fempslip.topology.dim import Dim
from fempslip.topology.state import Windings
from fempslip.topology.subcomplex import SURFACE, Subcomplex

EVERY = 0.5  # tau0 between two samples of the lines' points
CAP = 16  # events in a step, above which it is a storm


@dataclass(frozen=True, eq=False)
class Sample:
    """The lines at one instant.

    pierced : faces, sorted;  line : (pierced,) number of each one's line;  next : (2, pierced), of lines.neighbours
    ends : (lines,) times that each meets the surface;  ids : (lines,)
    """

    pierced: Array
    line: Array
    next: Array
    ends: Array
    ids: Array


@dataclass(frozen=True, eq=False)
class Clusters:
    """What touched faces have to do with old ids and new lines.

    parent : forest of the touched faces;  weight : (ids, lines)
    old, new : (2, ...) root of a cluster and the place of an old id, or of a new line, that it holds
    """

    parent: Array
    old: Array
    new: Array
    weight: Array


@dataclass
class BodyLines:
    """line : (faces,) number of the line that pierces a face, where one does;  slot : its place among these, -1."""

    complex: Subcomplex
    dim: Dim
    every: float = EVERY
    next_id: int = 1
    points: int = 0
    log: EventLog = field(default_factory=EventLog)

    def begin(self, state: Windings, psi: Array, a: Array, saved: Mapping[str, Array]) -> None:
        c = self.complex
        self.beside = lines.face_cells(c.cells, c.face_live.size)
        self.slot = np.full(c.face_live.size, -1, dtype=np.int32)
        self.line = np.zeros(c.face_live.size, dtype=np.int32)
        pierced, line, after, ends = self.joined(np.flatnonzero(state.n).astype(np.uint32), state.n)
        self.line[pierced] = line
        ids = np.zeros(ends.size, dtype=np.int64)
        ids[line] = saved.get("ids", 1 + line)
        self.now = Sample(pierced, line, after, ends, ids)
        self.next_id = int(saved.get("next_id", 1 + ends.size))
        self.log.number, self.points = int(saved.get("events", 0)), int(saved.get("points", 0))

    def save(self) -> Mapping[str, Array]:
        counts = {"next_id": self.next_id, "events": self.log.number, "points": self.points}
        return {"ids": self.now.ids[self.now.line], **{name: np.array(value) for name, value in counts.items()}}

    def joined(self, pierced: Array, n: Array) -> tuple[Array, Array, Array, Array]:
        """(pierced, line, next, ends) of a Sample."""
        after, line = np.empty((2, pierced.size), dtype=np.int32), np.empty(pierced.size, dtype=np.int32)
        ends = np.empty(pierced.size, dtype=np.int32)
        self.slot[pierced] = np.arange(pierced.size)
        _, broken = lines.neighbours(pierced, n, self.complex.cells, self.beside, self.slot, after)
        if broken:
            raise Failure("a vortex line ended inside the body: an error of fempslip")
        count = lines.labels(self.beside, pierced, after, line, ends)
        return pierced, line, after, ends[:count]

    def see(self, state: Windings, step: Step, sink: Sink) -> Array:
        if step.old.step == 0:
            self.record(step.old, None, sink)
        ids = self.link(state, step, sink) if state.crossed.size else np.zeros(0)
        if np.floor(step.new.t / self.every + 1e-9) > np.floor(step.old.t / self.every + 1e-9):
            self.record(step.new, step.old, sink)
        return ids

    # --------------------------------------------------------------------------------------- identities

    def link(self, state: Windings, step: Step, sink: Sink) -> Array:
        """Ids of the new sample, rows of events; returns the id of each crossing, 0 where several lines may have."""
        old, touched = self.now, state.touched
        n, room = state.n.copy(), np.empty(old.pierced.size + touched.size, dtype=np.uint32)
        count = lines.pierced_now(old.pierced, touched, state.change, state.mark, n, self.slot, room)
        pierced, line, after, ends = self.joined(np.sort(room[:count]), n)
        order = np.argsort(old.ids)
        known = old.ids[order]
        rank = np.empty(order.size, dtype=np.int32)
        rank[order] = np.arange(order.size)
        clusters = self.clusters(state, pierced, line, rank, ends.size)
        heir = np.empty(ends.size, dtype=np.int64)
        if lines.one_to_one(clusters.weight, old.ends[order], ends, heir):
            ids = known[heir]
        else:
            ids = self.passed_on(state, step, sink, clusters, known, old.ends[order], ends)
        self.line[pierced] = line
        self.now = Sample(pierced, line, after, ends, ids)
        return self.of_crossings(state, clusters, ids)

    def clusters(self, state: Windings, pierced: Array, line: Array, rank: Array, count: int) -> Clusters:
        c, size = self.complex, state.touched.size
        parent = np.empty(size, dtype=np.int32)
        linking.components(state.crossed, c.start, c.face_of, state.mark, parent)
        weight = np.zeros((rank.size, count), dtype=np.int32)
        old, new = np.empty((2, size), dtype=np.int32), np.empty((2, size), dtype=np.int32)
        olds, news = lines.overlaps(
            pierced, line, state.n, self.line, rank, state.touched, state.change, parent, self.slot, weight, old, new
        )
        return Clusters(parent, old[:, :olds], new[:, :news], weight)

    def of_crossings(self, state: Windings, clusters: Clusters, ids: Array) -> Array:
        """The new id of each crossing's cluster where it holds a single line."""
        root, line = clusters.new
        only = np.bincount(root, minlength=state.touched.size)[root] == 1
        of_root, found = np.zeros(state.touched.size, dtype=np.int64), np.zeros(state.crossed.size, dtype=np.int64)
        of_root[root[only]] = ids[line[only]]
        c = self.complex
        linking.lines_of(state.crossed, c.start, c.face_of, state.mark, clusters.parent, of_root, found)
        return found

    def passed_on(
        self, state: Windings, step: Step, sink: Sink, clusters: Clusters, known: Array, old_ends: Array, ends: Array
    ) -> Array:
        """Ids of the new lines where something happened, with a row for each event.

        Old ids and new lines that overlap make a block.  Ids pass by the largest overlap, ties to the smaller id.
        """
        label = np.empty(known.size + ends.size, dtype=np.int64)
        eventful, total = lines.blocks(clusters.weight, old_ends, ends, label)
        of_old, of_new = label[: known.size], label[known.size :]
        ids = np.zeros(ends.size, dtype=np.int64)
        heir = np.full(total, 0, dtype=np.int64)
        heir[of_old] = known
        quiet = of_new >= eventful
        ids[quiet] = heir[of_new[quiet]]
        if eventful > CAP:
            return self.storm(step, sink, known[of_old < eventful], ids)
        for block in range(eventful):
            self.event(state, step, sink, clusters, known, old_ends, ends, of_old == block, of_new == block, ids)
        return ids

    def storm(self, step: Step, sink: Sink, before: Array, ids: Array) -> Array:
        """More happened in a step than can be told apart: fresh ids, one row."""
        fresh = np.flatnonzero(ids == 0)
        ids[fresh] = self.next_id + np.arange(fresh.size)
        self.next_id += fresh.size
        nowhere = (np.nan, np.nan, np.nan)
        self.log.row(sink, step.old.t, step.new.t, linking.STORM, nowhere, SURFACE, before, ids[fresh])
        return ids

    def event(
        self, state: Windings, step: Step, sink: Sink, clusters: Clusters, known: Array, old_ends: Array, ends: Array,
        is_old: Array, is_new: Array, ids: Array,
    ) -> None:  # fmt: skip
        """Pass the ids on in one block, and write its row."""
        olds, news = np.flatnonzero(is_old), np.flatnonzero(is_new)
        part = clusters.weight[np.ix_(olds, news)]
        for k in np.argsort(-part, axis=None, kind="stable"):
            i, j = olds[k // part.shape[1]], news[k % part.shape[1]]
            if clusters.weight[i, j] and not ids[j] and known[i] not in ids[news]:
                ids[j] = known[i]
        fresh = news[ids[news] == 0]
        ids[fresh] = self.next_id + np.arange(fresh.size)
        self.next_id += fresh.size
        kind = named(old_ends[olds], ends[news])
        place, boundary = self.whereabouts(state, clusters, is_old, is_new)
        through = kind in (linking.OPENING, linking.CLOSING)
        before, after = (known[:0], ids[:0]) if through else (known[olds], ids[news])
        dim = bool(self.dim.cells[state.touched].all())
        self.log.row(sink, step.old.t, step.new.t, kind, place, boundary, before, after, dim)

    def whereabouts(
        self, state: Windings, clusters: Clusters, is_old: Array, is_new: Array
    ) -> tuple[tuple[float, ...], int]:
        """Mean place of the crossed edges, in clusters that hold several lines if there are any; part of boundary."""
        c = self.complex
        members = (clusters.old[0, is_old[clusters.old[1]]], clusters.new[0, is_new[clusters.new[1]]])
        holds = np.bincount(np.concatenate(members), minlength=state.touched.size)
        decided = holds > 2 if np.any(holds > 2) else holds > 0
        here = decided[kernels.roots(clusters.parent)]
        edges = state.crossed[here[state.mark[c.face_of[c.start[state.crossed]]]]]
        middle = c.places[:, c.ends[:, edges]].mean(axis=1)
        x, y, z = middle[:, 0] + shortest(middle - middle[:, :1], c.periods).mean(axis=1)
        faces = state.touched[here]
        outer = faces[self.beside[1, faces] < 0]
        return (float(x), float(y), float(z)), int(c.part[outer[0]]) if outer.size else SURFACE

    # --------------------------------------------------------------------------------------- the lines' points

    def record(self, new: State, old: State | None, sink: Sink) -> None:
        """Rows of `lines` (t, id, closed, first, count, length) and `line_points`, in order along each line.

        first, count : rows of `line_points`;  velocities are instantaneous, for pictures: nan in the first sample
        """
        c, now = self.complex, self.now
        count = now.ids.size
        order, first = np.empty(now.pierced.size, dtype=np.int64), np.empty(count + 1, dtype=np.int64)
        closed = np.zeros(count, dtype=bool)
        lines.walk(now.line, now.next, count, order, first, closed)
        faces = now.pierced[order]
        place, v = np.empty((4, faces.size)), np.full((3, faces.size), np.nan)
        kernels.zeros_in_faces(faces, new["psi"], new["a"], c.faces, c.face_nodes, c.corners, c.turned, c.places, place)
        if old is not None:
            rate = (new["psi"] - old["psi"]) / (new.t - old.t)
            lines.line_velocity(
                faces, c.cells, self.beside, c.faces, c.face_nodes, c.corners, c.tets, c.places, new["psi"], new["a"],
                rate, place, v,
            )  # fmt: skip
        table = {"id": now.ids[now.line[order]], "x": place[0], "y": place[1], "z": place[2], "face": faces}
        table["dim"] = self.dim.cells[faces]
        sink.rows("line_points", {**table, "vx": v[0], "vy": v[1], "vz": v[2]})
        counts = np.diff(first)
        table = {"t": np.full(count, new.t), "id": now.ids, "closed": closed, "first": self.points + first[:-1]}
        sink.rows("lines", {**table, "count": counts, "length": lengths(place[:3], first, closed)})
        self.points += faces.size


def named(before: Array, after: Array) -> int:
    """The kind of an event from the numbers of ends of the lines before and after."""
    surface = bool(before.any() or after.any())
    if (before.size, after.size) == (1, 1):
        return linking.OPENING if after[0] > before[0] else linking.CLOSING
    names = {
        (0, 1): linking.ENTRY if surface else linking.NUCLEATION,
        (1, 0): linking.EXIT if surface else linking.COLLAPSE,
        (1, 2): linking.SPLIT,
        (2, 1): linking.MERGE,
        (2, 2): linking.RECONNECTION,
    }
    return names.get((before.size, after.size), linking.COMPOUND)


def lengths(points: Array, first: Array, closed: Array) -> Array:
    """(lines,) length of each line; points : (3, points) one line after another, first : (lines + 1,)."""
    if not points.shape[1]:
        return np.zeros(0)
    steps = np.linalg.norm(np.diff(points, axis=1, append=points[:, :1]), axis=0)
    last = first[1:] - 1
    steps[last] = closed * np.linalg.norm(points[:, last] - points[:, first[:-1]], axis=0)
    return np.add.reduceat(steps, first[:-1])
