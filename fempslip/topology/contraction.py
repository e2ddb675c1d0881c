"""The identities that a person means, made of the raw record of zeros.

A fast zero hops: the discrete field makes a pair ahead of it and annihilates the antiparticle with the zero behind.  So
the raw events are a graph, its nodes the events and its edges the lives of ids between them, with many short edges.
Every life with both ends known that is no longer than tau_z and reaches no further than l_z is contracted, the shortest
first.  A merged event with one life in and one out disappears: they are one zero.  Where nothing comes in and nothing
goes out it was a slip if it touched the surface (a zero that crossed a narrow piece), a flicker if not.

The record itself stays exact; this is a function of it, and gives the same for a run that was stopped and resumed.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from fempslip.contract import Array
from fempslip.mesh.periods import shortest
from fempslip.topology import linking
from fempslip.topology.linking import KINDS

REACH = 6.0  # xi: l_z
Table = Mapping[str, Array]

INSIDE = {(0, 0): linking.FLICKER, (0, 1): linking.NUCLEATION, (1, 0): linking.COLLAPSE}
NAMES = {
    (0, 0): linking.SLIP,
    (0, 1): linking.ENTRY,
    (1, 0): linking.EXIT,
    (0, 2): linking.CREATION,
    (2, 0): linking.ANNIHILATION,
    (1, 2): linking.SPLIT,
    (2, 1): linking.MERGE,
    (2, 2): linking.RECONNECTION,
}
SURFACE = (linking.ENTRY, linking.EXIT, linking.GRAZE, linking.SLIP)
UNLINKED = (linking.GRAZE, linking.MET, linking.LOOP, linking.STORM, linking.OPENING, linking.CLOSING)  # no nodes
LABELS = (linking.SWALLOWED, linking.EMERGED)  # of one id, which goes on


@dataclass
class Node:
    """An event, or several merged.  ins, outs : lives that end and begin here;  kinds : of its raw events.

    dim : whether all of it happened where psi is nearly normal
    """

    t0: float
    t1: float
    place: Array
    kinds: list[int]
    part: int
    dim: bool = False
    ins: set[int] = field(default_factory=set)
    outs: set[int] = field(default_factory=set)

    def swallow(self, other: Node) -> None:
        weight, more = len(self.kinds), len(other.kinds)
        self.place = (weight * self.place + more * other.place) / (weight + more)
        self.t0, self.t1 = min(self.t0, other.t0), max(self.t1, other.t1)
        self.kinds = self.kinds + other.kinds
        self.part = self.part if self.part >= 0 else other.part
        self.dim = self.dim and other.dim
        self.ins, self.outs = self.ins | other.ins, self.outs | other.outs

    @property
    def kind(self) -> int:
        if len(self.kinds) == 1:
            return self.kinds[0]
        counts = (len(self.ins), len(self.outs))
        surface = any(k in SURFACE for k in self.kinds)
        return (NAMES if surface else NAMES | INSIDE).get(counts, linking.COMPOUND)


@dataclass(frozen=True, eq=False)
class Contraction:
    """persons : raw id -> the id that is meant (the oldest of its zero), 0 for a part of a hop; negative numbers are
    later lives of a line
    lives : raw id -> when each of its lives began, and the number of that
    events : contracted events, in order of time;  tau_z, l_z : what was declared short
    """

    persons: Mapping[int, int]
    lives: Mapping[int, tuple[tuple[float, int], ...]]
    events: tuple[Node, ...]
    tau_z: float
    l_z: float

    def count(self, kind: str) -> int:
        return sum(KINDS[event.kind] == kind for event in self.events)

    def person_at(self, ids: Array, t: Array) -> Array:
        """The same for raw ids at given times: a line may keep its id through an event, and yet be part of a hop."""
        return np.array([self._person(int(k), float(now)) for k, now in zip(ids, t, strict=True)], dtype=int)

    def _person(self, ident: int, t: float) -> int:
        life = ident
        for start, number in self.lives.get(ident, ()):
            if start <= t:
                life = number
        return self.persons.get(life, ident)

    def person_of(self, ids: Array) -> Array:
        """The same for an array of raw ids; those without any event keep theirs."""
        raw = np.unique(ids.astype(int))
        person = np.array([self.persons.get(int(k), int(k)) for k in raw], dtype=int)
        return person[np.searchsorted(raw, ids.astype(int))] if raw.size else ids.astype(int)


def contract(
    events: Table, event_ids: Table, tau_z: float, l_z: float = REACH, periods: Array | None = None
) -> Contraction:
    """Contract the event graph of tables `events` and `event_ids`.  tau_z : u/2 as a rule;  periods : (n, 3)"""
    return _Graph(events, event_ids, tau_z, l_z, np.zeros((0, 3)) if periods is None else periods).contracted()


class _Graph:
    """nodes by number, lives by number, both ends of a life; merged nodes lead to the one that stands for them.

    A life has the number of its raw id; a later life of the same id (lines only) has a negative one.
    """

    def __init__(self, events: Table, event_ids: Table, tau_z: float, l_z: float, periods: Array) -> None:
        self.tau_z, self.l_z, self.periods = tau_z, l_z, periods
        self.nodes = dict(_nodes(events, UNLINKED + LABELS, False))
        self.labels = dict(_nodes(events, LABELS, True))
        self.stands_for: dict[int, int] = {}
        self.birth: dict[int, int] = {}
        self.death: dict[int, int] = {}
        self.older: dict[int, int] = {}  # raw id -> the life that it continues
        self.within: set[int] = set()  # raw ids inside a merged event
        self.gone: set[int] = set()  # events that a zero just went through
        self.winding: dict[int, int] = {}
        self.current: dict[int, int] = {}
        self.began: dict[int, list[tuple[float, int]]] = {}
        time = dict(zip(events["number"].astype(int).tolist(), events["t1"].tolist(), strict=True))
        self.name: dict[int, int] = {}  # life -> its raw id
        columns = (event_ids[c].astype(int).tolist() for c in ("number", "id", "side", "winding"))
        for number, ident, side, winding in zip(*columns, strict=True):
            life = self.life_of(ident, begins=side > 0)
            self.winding[life] = winding
            if side > 0:
                self.began.setdefault(ident, []).append((time[number], life))
            if number in self.labels:
                self.labels[number].ins.add(life)
            elif number in self.nodes:
                node = self.nodes[number]
                (self.death if side < 0 else self.birth)[life] = number
                (node.ins if side < 0 else node.outs).add(life)

    def life_of(self, ident: int, begins: bool) -> int:
        """The life that an id lives now.  A line may keep its id through an event: then another life begins there."""
        if begins and ident in self.current:
            self.current[ident] = -1 - len(self.name)
        life = self.current.setdefault(ident, ident)
        self.name[life] = ident
        return life

    def root(self, number: int) -> int:
        while number in self.stands_for:
            number = self.stands_for[number]
        return number

    def life(self, ident: int) -> tuple[float, float]:
        """Duration and reach; infinite where an end is not known."""
        if ident not in self.birth or ident not in self.death:
            return np.inf, np.inf
        first, last = (self.nodes[self.root(end[ident])] for end in (self.birth, self.death))
        way = shortest((last.place - first.place)[:, None], self.periods)
        return max(last.t1 - first.t1, 0.0), float(np.linalg.norm(way))

    def contracted(self) -> Contraction:
        waiting = [(self.life(ident)[0], ident) for ident in sorted({*self.birth, *self.death})]
        heapq.heapify(waiting)
        while waiting:
            _, ident = heapq.heappop(waiting)
            duration, reach = self.life(ident)
            if ident in self.within or ident in self.older or duration > self.tau_z or reach > self.l_z:
                continue
            joined = self.merge(ident)
            if joined is not None:
                heapq.heappush(waiting, (self.life(joined)[0], joined))
        kept = [self.nodes[k] for k in self.nodes if k not in self.stands_for and k not in self.gone]
        left = sorted([*kept, *self.labels.values()], key=lambda node: node.t1)
        persons = {life: self.person(life) for life in sorted(self.name)}
        lives = {ident: tuple(began) for ident, began in self.began.items()}
        return Contraction(persons, lives, tuple(left), self.tau_z, self.l_z)

    def person(self, ident: int) -> int:
        while ident in self.older:
            ident = self.older[ident]
        return 0 if ident in self.within else self.name[ident]

    def merge(self, ident: int) -> int | None:
        """Contract a life; where its event is left with one in and one out, the life that they make together."""
        first, last = self.root(self.birth[ident]), self.root(self.death[ident])
        self.within.add(ident)
        if first != last:
            self.nodes[first].swallow(self.nodes[last])
            self.stands_for[last] = first
        node = self.nodes[first]
        node.ins.discard(ident)
        node.outs.discard(ident)
        if len(node.ins) != 1 or len(node.outs) != 1 or node.ins == node.outs:
            return None
        (before,), (after,) = node.ins, node.outs
        if self.winding[before] != self.winding[after]:
            return None  # one went out and its opposite came in
        self.older[after] = before
        self.gone.add(first)
        if after in self.death:
            self.death[before] = self.death[after]
            end = self.nodes[self.root(self.death[after])]
            end.ins.discard(after)
            end.ins.add(before)
        else:
            del self.death[before]
        return before


def _nodes(events: Table, kinds: tuple[int, ...], wanted: bool) -> Iterator[tuple[int, Node]]:
    """Number and node of the events whose kind is among `kinds`, or is not."""
    for k, kind in enumerate(events["kind"].astype(int)):
        if (kind in kinds) != wanted:
            continue
        place = np.array([events[axis][k] for axis in "xyz"])
        dim = bool(events["dim"][k]) if "dim" in events else False
        node = Node(float(events["t0"][k]), float(events["t1"][k]), place, [int(kind)], int(events["part"][k]), dim)
        yield int(events["number"][k]), node
