"""Zeros of psi followed through every accepted step: tables `zeros`, `events`, `crossings`, `slips` and `checks`.

`Topology` carries the integer windings; a follower (films, wires) turns what crossed into ids, events and slips.  What
is recorded is exact and raw: topology.contraction makes of it the identities that a person means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from fempslip.contract import Array, Failure, Problem, Sink, State, Step
from fempslip.tasks.events import EventLog
from fempslip.tasks.line_tracking import BodyLines
from fempslip.tasks.watchers import Plain
from fempslip.topology import kernels, ledger, linking
from fempslip.topology.dim import EVERY, Dim
from fempslip.topology.state import TURN, Windings
from fempslip.topology.subcomplex import SURFACE, Subcomplex, subcomplex

RECOUNT = 256  # steps between two recounts of all faces
BOOKED = 10  # steps between two rows of the ledger
HELD = ("t", "id", "x", "y", "z", "winding", "cell", "quality", "dim")  # columns of `zeros`


class Follower(Protocol):
    """Turns the crossings of a step into rows of tables."""

    def begin(self, state: Windings, psi: Array, a: Array, saved: Mapping[str, Array]) -> None:
        """At the first step seen; saved : what `save` gave, empty in a new run."""
        ...

    def see(self, state: Windings, step: Step, sink: Sink) -> Array:
        """Between Windings.step and Windings.settle; returns the id of each crossing, 0 where it has none."""
        ...

    def save(self) -> Mapping[str, Array]: ...


@dataclass
class Topology(Plain):
    """The windings of a run; tables `crossings` (every edge that a zero crossed) and `checks`.

    Other watchers read `state` after this one has seen the step.
    charge, bright : zeros that should be there, and in the part that is not dim (films)
    """

    complex: Subcomplex
    dim: Dim
    follower: Follower | None = None
    state: Windings | None = None
    saved: Mapping[str, Array] = field(default_factory=dict)
    charge: int = 0
    bright: int = 0
    largest: float = 0.0

    @classmethod
    def of(cls, problem: Problem, follow: bool = True) -> Topology:
        """follow : also give ids to zeros (films), place slips (wires)."""
        complex = subcomplex(problem)
        dim = Dim.of(complex, problem.operators.nodes)
        return cls(complex, dim, FOLLOWERS[complex.dim](complex, dim) if follow else None)

    def see(self, step: Step, sink: Sink) -> None:
        if self.state is None:
            self.begin(step)
        state = self.now
        state.step(step.old["psi"], step.new["psi"], step.new["a"])
        self.largest = max(self.largest, state.largest)
        ids = self.follower.see(state, step, sink) if self.follower else np.zeros(state.crossed.size)
        if self.complex.dim == 2 and state.crossed.size:
            c = self.complex
            came, bright = kernels.inflow(
                state.crossed, state.amount, c.start, c.face_of, c.sign, c.outer, self.dim.cells
            )
            self.charge, self.bright = self.charge + came, self.bright + bright
        state.settle()
        if step.new.step % EVERY == 0:
            self.relabel(step, sink)
        if state.crossed.size:
            t = np.full(state.crossed.size, step.new.t)
            sink.rows("crossings", {"t": t, "edge": state.crossed, "winding": state.amount, "id": ids})
        if step.new.step % RECOUNT == 0:
            self.check(step.new.t, sink)

    def relabel(self, step: Step, sink: Sink) -> None:
        """Look where psi is dim; zeros in cells that change their label are swallowed by the dim part, or emerge."""
        cells = self.dim.look(step.new["psi"])
        if self.complex.dim != 2 or not cells.size:
            return
        held = cells[self.now.n[cells] != 0]
        gone = self.dim.cells[held]
        self.bright += int(np.sum(np.where(gone, -1, 1) * self.now.n[held].astype(np.int64)))
        if isinstance(self.follower, FilmZeros) and held.size:
            self.follower.relabelled(held, gone, self.now.n[held], step, sink)

    @property
    def now(self) -> Windings:
        """The windings after the last step."""
        assert self.state is not None
        return self.state

    def begin(self, step: Step) -> None:
        psi, a = step.old["psi"], step.old["a"]
        self.state = Windings.at(self.complex, psi, a, self.saved.get("turns"))
        if "dim" in self.saved:
            self.dim.cells[self.saved["dim"].astype(int)] = True
        else:
            self.dim.look(psi)
        self.charge = int(self.saved.get("charge", self.state.n.sum()))
        self.bright = int(self.saved.get("bright", self.bright_now()))
        self.largest = float(self.saved.get("largest", 0.0))
        if self.follower:
            self.follower.begin(self.state, psi, a, self.saved)

    def bright_now(self) -> int:
        """Net winding of the faces that are not dim (films)."""
        return int(self.now.n[~self.dim.cells].sum()) if self.complex.dim == 2 else 0

    def check(self, t: float, sink: Sink) -> None:
        """Recount all faces.  Raises Failure if a count was lost, which is an error of the program."""
        defect = self.now.check()
        charge = int(self.now.n.sum()) - self.charge if self.complex.dim == 2 else 0
        bright = self.bright_now() - self.bright if self.complex.dim == 2 else 0
        row = {"t": t, "max_theta": self.largest, "defect": defect, "charge_defect": charge, "bright_defect": bright}
        sink.row("checks", row | {"zeros": int(np.count_nonzero(self.now.n)), "dim_cells": int(self.dim.cells.sum())})
        self.largest = 0.0
        if defect or charge or bright:
            raise Failure(f"at t = {t:g} tau zeros of psi were lost in the count: an error of fempslip")

    def save(self) -> Mapping[str, Array]:
        if self.state is None:
            return dict(self.saved)
        own = {"turns": self.state.turns, "charge": np.array(self.charge), "largest": np.array(self.largest)}
        own |= {"bright": np.array(self.bright), "dim": np.flatnonzero(self.dim.cells)}
        return {**own, **(self.follower.save() if self.follower else {})}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.state, self.saved = None, dict(arrays)
        self.dim.cells[:] = False


# ------------------------------------------------------------------------------------------- wires


@dataclass
class WireSlips:
    """Table `slips`: time, place, edge and winding of every phase slip;  dim : where the wire is nearly normal."""

    complex: Subcomplex
    dim: Dim

    def begin(self, state: Windings, psi: Array, a: Array, saved: Mapping[str, Array]) -> None:
        pass

    def see(self, state: Windings, step: Step, sink: Sink) -> Array:
        old, new, c = step.old, step.new, self.complex
        for e, w in zip(state.crossed, state.amount, strict=True):
            i, j = c.edges[:, e]
            s, tau = kernels.zero_on_edge(
                old["psi"][i], old["psi"][j], new["psi"][i], new["psi"][j], old["a"][e], new["a"][e]
            )
            x, y, z = (1 - s) * c.places[:, c.ends[0, e]] + s * c.places[:, c.ends[1, e]]
            t = old.t + tau * (new.t - old.t)
            sink.row("slips", {"t": t, "x": x, "y": y, "z": z, "edge": e, "winding": w, "dim": self.dim.cells[e]})
        return np.zeros(state.crossed.size)

    def save(self) -> Mapping[str, Array]:
        return {}


# ------------------------------------------------------------------------------------------- films


@dataclass
class FilmZeros:
    """Tables `zeros` (every zero at every step) and `events`, `event_ids` (what begins or ends an id).

    ident : (faces,) id of the zero in a face, 0 without one;  place : (4, faces) x, y, z, quality where there is one
    charged : (zeros,) faces that hold one, sorted
    """

    complex: Subcomplex
    dim: Dim
    ident: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    place: Array = field(default_factory=lambda: np.zeros((4, 0)))
    charged: Array = field(default_factory=lambda: np.zeros(0, np.uint32))
    next_id: int = 1
    log: EventLog = field(default_factory=EventLog)

    def begin(self, state: Windings, psi: Array, a: Array, saved: Mapping[str, Array]) -> None:
        faces = self.complex.face_live.size
        self.ident, self.place = np.zeros(faces, dtype=np.int64), np.zeros((4, faces))
        self.charged = np.flatnonzero(state.n).astype(np.uint32)
        self.ident[self.charged] = saved.get("ids", 1 + np.arange(self.charged.size))
        self.next_id = int(saved.get("next_id", 1 + self.charged.size))
        self.log.number = int(saved.get("events", 0))
        self.locate(psi, a)

    def save(self) -> Mapping[str, Array]:
        ids = self.ident[self.charged]
        return {"ids": ids, "next_id": np.array(self.next_id), "events": np.array(self.log.number)}

    def see(self, state: Windings, step: Step, sink: Sink) -> Array:
        nothing = np.zeros(0, dtype=np.int32)
        if step.old.step == 0:
            self.record(step.old, state.n, np.full_like(state.mark, -1), nothing, sink)
        ids = self.link(state, step, sink) if state.crossed.size else np.zeros(0)
        self.record(step.new, state.n, state.mark, state.change, sink)
        return ids

    def locate(self, psi: Array, a: Array) -> None:
        c, out = self.complex, np.empty((4, self.charged.size))
        kernels.zeros_in_faces(self.charged, psi, a, c.faces, c.face_nodes, c.corners, c.turned, c.places, out)
        self.place[:, self.charged] = out

    def record(self, state: State, n: Array, mark: Array, change: Array, sink: Sink) -> None:
        """One row of `zeros` for each zero, and their places;  n, mark, change : of kernels.touch."""
        c, out = self.complex, np.empty((len(HELD), self.charged.size))
        kernels.held(
            state.t, self.charged, n, mark, change, self.ident, self.dim.cells, state["psi"], state["a"], c.faces,
            c.face_nodes, c.corners, c.turned, c.places, self.place, out,
        )  # fmt: skip
        sink.rows("zeros", dict(zip(HELD, out, strict=True)))

    def relabelled(self, faces: Array, gone: Array, n: Array, step: Step, sink: Sink) -> None:
        """Rows for zeros in faces whose label changed; they keep their ids."""
        kinds = np.where(gone, linking.SWALLOWED, linking.EMERGED)
        one, other = (np.where(sign * n > 0, self.ident[faces], 0) for sign in (1, -1))
        parts = np.full(faces.size, SURFACE)
        none = np.zeros_like(one)  # no life ends or begins: the ids stand on one side only
        ids = np.array([one, other, none, none])
        self.log.rows(sink, step.old.t, step.new.t, kinds, self.place[:2, faces], parts, none, ids)

    def link(self, state: Windings, step: Step, sink: Sink) -> Array:
        """Ids of the touched faces, rows of events; returns the id of each crossing."""
        c, old, new = self.complex, step.old, step.new
        touched, change = state.touched, state.change
        next_id, number, events, spots, ids = linking.linked(
            state.crossed, state.amount, touched, change, c.start, c.face_of, c.sign, c.outer, state.mark, state.n,
            self.ident, self.place, old["psi"], old["a"], new["psi"], new["a"], c.edges, c.ends, c.faces, c.face_nodes,
            c.corners, c.turned, c.places, c.periods, self.next_id,
        )  # fmt: skip
        if next_id == linking.BROKEN:
            raise Failure(f"at t = {new.t:g} tau a zero of psi ended inside the film: an error of fempslip")
        self.next_id = next_id
        if number:
            edge = events[5, :number]
            parts = np.where(edge >= 0, c.part[edge], SURFACE)
            dim = self.dim.cells[touched[events[6, :number]]]
            self.log.rows(sink, old.t, new.t, events[0, :number], spots[:, :number], parts, dim, events[1:5, :number])
        self.charged = kernels.charged(self.charged, touched, change, state.n, state.mark)
        return ids


# ------------------------------------------------------------------------------------------- the ledger


@dataclass
class Ledger(Plain):
    """Table `ledger`: both sides of the relation of topology.ledger, from the start on, for every measured pair.

    Columns t, pair (place in Problem.pairs), path (place in ledger.PATHS), impulse = int V dt, crossings = sum p W,
    phase, nodes (the terms of the relation), contact, and residual, the difference of the two sides.
    names : (pair, path) of each chain;  crossings : (chains,) so far;  start : (4, chains) terms at the start
    every : steps between two rows
    """

    topology: Topology
    chains: ledger.Chains
    names: tuple[tuple[int, int], ...]
    crossings: Array
    start: Array | None = None
    every: int = BOOKED

    @classmethod
    def of(cls, problem: Problem, topology: Topology, every: int = BOOKED) -> Ledger:
        op, names, chains = problem.operators, [], []
        for number, (first, second) in enumerate(problem.pairs):
            b = np.zeros(op.nodes)
            np.add.at(b, problem.probes[second].nodes, problem.probes[second].weights)
            np.add.at(b, problem.probes[first].nodes, -problem.probes[first].weights)
            for path, p in ledger.paths(problem.mesh, op, b).items():
                names.append((number, ledger.PATHS.index(path)))
                chains.append(p)
        found = ledger.Chains.of(op, topology.complex.edge_live, chains)
        return cls(topology, found, tuple(names), np.zeros(len(names)), every=every)

    def see(self, step: Step, sink: Sink) -> None:
        state = self.topology.now
        if self.start is None:
            before = Windings.at(self.topology.complex, step.old["psi"], step.old["a"])
            self.start = self.chains.terms(before, step.old["a"])
        if state.crossed.size:
            self.crossings = self.crossings + self.chains.crossed(state)
        if step.new.step % self.every == 0:
            self.record(state, step, sink)

    def record(self, state: Windings, step: Step, sink: Sink) -> None:
        links, phase, nodes, rest = self.chains.terms(state, step.new["a"]) - self.start
        other_side = TURN * self.crossings + phase - nodes
        for k, (pair, path) in enumerate(self.names):
            row = {"t": step.new.t, "pair": pair, "path": path, "impulse": -links[k] - rest[k]}
            row |= {"crossings": self.crossings[k], "phase": phase[k], "nodes": -nodes[k], "contact": -rest[k]}
            sink.row("ledger", row | {"residual": -links[k] - other_side[k]})

    def save(self) -> Mapping[str, Array]:
        return {} if self.start is None else {"crossings": self.crossings, "start": self.start}

    def load(self, arrays: Mapping[str, Array]) -> None:
        if "start" in arrays:
            self.crossings, self.start = arrays["crossings"].copy(), arrays["start"].copy()


FOLLOWERS: Mapping[int, Callable[[Subcomplex, Dim], Follower]] = {1: WireSlips, 2: FilmZeros, 3: BodyLines}
