"""Zeros of a film from one sample to the next, linked through the edges that they crossed.

The faces beside crossed edges fall into components.  In each, the world lines of zeros have ports: zeros before, zeros
after, and crossings of outer edges.  With positive charge flowing up in time a port leads in (a + before, a - after) or
out (a + after, a - before), a crossing by its sign; as many lead in as out.  A pair of an in and an out is a line, and
the kinds of its two ports name what happened.  Only a component with several pairs needs a distance.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fempslip.contract import Array
from fempslip.topology.kernels import find, unite, zero_in_face, zero_on_edge

# what can happen, in films and in bodies; the number of a kind is what tables hold
KINDS = (
    "entry",
    "exit",
    "creation",
    "annihilation",
    "graze",
    "met",
    "loop",
    "storm",
    "split",
    "merge",
    "reconnection",
    "opening",
    "closing",
    "compound",
    "slip",
    "flicker",
    "nucleation",
    "collapse",
    "swallowed",
    "emerged",
)
ENTRY, EXIT, CREATION, ANNIHILATION, GRAZE, MET, LOOP, STORM = range(8)
SPLIT, MERGE, RECONNECTION, OPENING, CLOSING, COMPOUND, SLIP, FLICKER = range(8, 16)
NUCLEATION, COLLAPSE, SWALLOWED, EMERGED = range(16, 20)
BEFORE, AFTER, CROSSING = range(3)
CAP = 32  # pairs of ports in a component, above which it is a storm: fresh ids, one row
BROKEN = -1  # returned where as many ports do not lead in as out


@njit(cache=True, error_model="numpy")
def components(crossed: Array, start: Array, face_of: Array, mark: Array, parent: Array) -> None:
    """Union of the touched faces through crossed edges; parent : (touched,) becomes the forest."""
    for m in range(parent.size):
        parent[m] = m
    for c in range(crossed.size):
        first = start[crossed[c]]
        for r in range(first + np.uint32(1), start[crossed[c] + np.uint32(1)]):
            unite(parent, mark[face_of[first]], mark[face_of[r]])


@njit(cache=True, error_model="numpy")
def ports(
    crossed: Array, amount: Array, touched: Array, change: Array, start: Array, face_of: Array, sign: Array,
    outer: Array, mark: Array, parent: Array, n: Array, ident: Array, place: Array, old: Array, a_old: Array,
    psi: Array, a: Array, edges: Array, ends: Array, faces: Array, face_nodes: Array, corners: Array, hidden: Array,
    places: Array, tags: Array, where: Array,
) -> int:  # fmt: skip
    """All ports: tags : (5, ports) component, kind, charge into the slab, face or edge, id; where : (2, ports).

    Returns their number.  A positive charge leads in.
    """
    count = 0
    for m in range(touched.size):
        f = touched[m]
        root = find(parent, m)
        if n[f] != 0:
            tags[0, count], tags[1, count], tags[2, count] = root, BEFORE, n[f]
            tags[3, count], tags[4, count] = f, ident[f]
            where[0, count], where[1, count] = place[0, f], place[1, f]
            count += 1
        after = n[f] + change[m]
        if after != 0:
            x, y, z, quality = zero_in_face(f, psi, a, faces, face_nodes, corners, hidden, places)
            tags[0, count], tags[1, count], tags[2, count] = root, AFTER, -after
            tags[3, count], tags[4, count] = f, 0
            where[0, count], where[1, count] = x, y
            count += 1
    for c in range(crossed.size):
        e = crossed[c]
        if outer[e]:
            i, j = edges[0, e], edges[1, e]
            s, tau = zero_on_edge(old[i], old[j], psi[i], psi[j], a_old[e], a[e])
            out = sign[start[e]] * amount[c]
            for _ in range(abs(out)):
                tags[0, count], tags[1, count], tags[2, count] = find(parent, mark[face_of[start[e]]]), CROSSING, 0
                tags[2, count] = -1 if out > 0 else 1
                tags[3, count], tags[4, count] = e, 0
                i, j = ends[0, e], ends[1, e]
                where[0, count] = (1 - s) * places[0, i] + s * places[0, j]
                where[1, count] = (1 - s) * places[1, i] + s * places[1, j]
                count += 1
    return count


@njit(cache=True, error_model="numpy")
def across(where: Array, p: int, q: int, periods: Array) -> tuple[float, float]:
    """The way from port p to port q, by the shortest period."""
    dx, dy = where[0, q] - where[0, p], where[1, q] - where[1, p]
    for k in range(periods.shape[0]):
        sx, sy = periods[k, 0], periods[k, 1]
        turns = np.rint((dx * sx + dy * sy) / (sx * sx + sy * sy))
        dx -= turns * sx
        dy -= turns * sy
    return dx, dy


@njit(cache=True, error_model="numpy")
def closest(tags: Array, where: Array, periods: Array, chosen: Array, paired: Array) -> tuple[int, int]:
    """The in and the out port, among the chosen ones that are not paired yet, that are closest to each other."""
    best, first, second = np.inf, -1, -1
    for p in chosen:
        if paired[p] or tags[2, p] < 0:
            continue
        for q in chosen:
            if paired[q] or tags[2, q] > 0:
                continue
            dx, dy = across(where, p, q, periods)
            d = dx * dx + dy * dy
            if d < best:
                best, first, second = d, p, q
    return first, second


@njit(cache=True, error_model="numpy")
def join(p: int, q: int, tags: Array, ident: Array, next_id: int, event: Array) -> int:
    """Carry the id along the line from port p (in) to port q (out); returns the next free id.

    event : (7,) kind (-1 if the line just goes on), ids before (+, -), ids after (+, -), edge where it met the outside,
    and the component, as a place in `touched`
    """
    event[:] = 0
    event[0], event[5] = -1, -1
    a, b = tags[1, p], tags[1, q]
    if a == BEFORE and b == AFTER:
        ident[tags[3, q]] = tags[4, p]
    elif a == AFTER and b == BEFORE:
        ident[tags[3, p]] = tags[4, q]
    elif a == AFTER and b == AFTER:
        ident[tags[3, q]], ident[tags[3, p]] = next_id, next_id + 1
        event[0], event[3], event[4] = CREATION, next_id, next_id + 1
        next_id += 2
    elif a == BEFORE and b == BEFORE:
        event[0], event[1], event[2] = ANNIHILATION, tags[4, p], tags[4, q]
    elif a == CROSSING and b == CROSSING:
        event[0], event[5] = GRAZE, tags[3, p]
    elif a == CROSSING and b == AFTER:
        ident[tags[3, q]] = next_id
        event[0], event[3], event[5] = ENTRY, next_id, tags[3, p]
        next_id += 1
    elif a == AFTER and b == CROSSING:
        ident[tags[3, p]] = next_id
        event[0], event[4], event[5] = ENTRY, next_id, tags[3, q]
        next_id += 1
    elif b == CROSSING:
        event[0], event[1], event[5] = EXIT, tags[4, p], tags[3, q]
    else:
        event[0], event[2], event[5] = EXIT, tags[4, q], tags[3, p]
    return next_id


@njit(cache=True, error_model="numpy")
def place_of(event: Array, p: int, q: int, tags: Array, where: Array, periods: Array, out: Array) -> None:
    """Where it happened: at the outer edge that was crossed, else half-way between the two zeros."""
    way = across(where, p, q, periods)
    for d in range(2):
        if tags[1, p] == CROSSING:
            out[d] = where[d, p]
        elif tags[1, q] == CROSSING:
            out[d] = where[d, q]
        else:
            out[d] = where[d, p] + 0.5 * way[d]


@njit(cache=True, error_model="numpy")
def link(
    tags: Array, where: Array, periods: Array, parent: Array, touched: Array, ident: Array, next_id: int, events: Array,
    spots: Array, line: Array,
) -> tuple[int, int]:  # fmt: skip
    """Pair the ports of every component and pass the ids on.

    ident : (faces,) new ids of the faces that hold a zero (others: 0);  events : (7, room), spots : (2, room)
    line : (touched,) at the root of a component the id of its only line, else 0
    Returns (next free id, number of events), or (BROKEN, component).
    """
    total = tags.shape[1]
    order = np.argsort(tags[0], kind="mergesort")
    paired = np.zeros(total, dtype=np.bool_)
    has_port = np.zeros(touched.size, dtype=np.bool_)
    for m in range(touched.size):
        ident[touched[m]] = 0
    count, begin = 0, 0
    while begin < total:
        root = tags[0, order[begin]]
        end = begin
        balance = 0
        while end < total and tags[0, order[end]] == root:
            balance += tags[2, order[end]]
            end += 1
        has_port[root] = True
        chosen = order[begin:end]
        begin = end
        if balance != 0:
            return BROKEN, root
        pairs = chosen.size // 2
        if pairs > CAP:
            began = count
            next_id, count = storm(chosen, tags, where, ident, next_id, events, spots, count)
            events[6, began:count] = root
            continue
        if pairs > 1:
            events[:, count] = 0
            events[0, count], events[5, count], events[6, count] = MET, -1, root
            sx, sy = 0.0, 0.0
            for q in chosen:
                dx, dy = across(where, chosen[0], q, periods)
                sx += dx / chosen.size
                sy += dy / chosen.size
            spots[0, count], spots[1, count] = where[0, chosen[0]] + sx, where[1, chosen[0]] + sy
            count += 1
        for _ in range(pairs):
            p, q = closest(tags, where, periods, chosen, paired)
            paired[p] = paired[q] = True
            next_id = join(p, q, tags, ident, next_id, events[:, count])
            events[6, count] = root
            if pairs == 1:
                line[root] = only_id(events[:, count], tags[4, p], tags[4, q])
            if events[0, count] >= 0:
                place_of(events[:, count], p, q, tags, where, periods, spots[:, count])
                count += 1
    for m in range(touched.size):
        if parent[m] == m and not has_port[m]:
            events[:, count] = 0
            events[0, count], events[5, count], events[6, count] = LOOP, -1, m
            spots[:, count] = np.nan
            count += 1
    return next_id, count


@njit(cache=True, error_model="numpy")
def linked(
    crossed: Array, amount: Array, touched: Array, change: Array, start: Array, face_of: Array, sign: Array,
    outer: Array, mark: Array, n: Array, ident: Array, place: Array, old: Array, a_old: Array, psi: Array, a: Array,
    edges: Array, ends: Array, faces: Array, face_nodes: Array, corners: Array, hidden: Array, places: Array,
    periods: Array, next_id: int,
) -> tuple[int, int, Array, Array, Array]:  # fmt: skip
    """A step of a film: ids of the faces by `components`, `ports` and `link`.

    Returns the next free id (BROKEN: a zero ended inside), the number of events, `events` and `spots` of `link`, and
    of each crossing the id of the zero that made it, 0 where several may have.
    """
    parent = np.empty(touched.size, dtype=np.int32)
    components(crossed, start, face_of, mark, parent)
    most = 2 * touched.size + np.sum(np.abs(amount))
    tags, where = np.empty((5, most), dtype=np.int64), np.empty((2, most))
    count = ports(
        crossed, amount, touched, change, start, face_of, sign, outer, mark, parent, n, ident, place, old, a_old, psi,
        a, edges, ends, faces, face_nodes, corners, hidden, places, tags, where,
    )  # fmt: skip
    room = count + 2 * touched.size + 1
    events, spots = np.empty((7, room), dtype=np.int64), np.empty((2, room))
    line, ids = np.zeros(touched.size, dtype=np.int64), np.zeros(crossed.size, dtype=np.int64)
    next_id, number = link(
        tags[:, :count], where[:, :count], periods, parent, touched, ident, next_id, events, spots, line
    )
    if next_id != BROKEN:
        lines_of(crossed, start, face_of, mark, parent, line, ids)
    return next_id, number, events, spots, ids


@njit(cache=True, error_model="numpy")
def only_id(event: Array, first: int, second: int) -> int:
    """The id whose zero made the crossings of a component with one line; 0 where there are two."""
    if event[0] < 0:
        return max(first, second)
    if event[0] == ENTRY:
        return max(event[3], event[4])
    if event[0] == EXIT:
        return max(event[1], event[2])
    return 0


@njit(cache=True, error_model="numpy")
def storm(
    chosen: Array, tags: Array, where: Array, ident: Array, next_id: int, events: Array, spots: Array, count: int
) -> tuple[int, int]:
    """A component too large to pair: every zero after it gets a fresh id, in a row of its own."""
    for p in chosen:
        if tags[1, p] == CROSSING:
            continue
        events[:, count] = 0
        events[0, count], events[5, count] = STORM, -1
        spots[0, count], spots[1, count] = where[0, p], where[1, p]
        positive = (tags[2, p] > 0) == (tags[1, p] == BEFORE)
        if tags[1, p] == BEFORE:
            events[1 if positive else 2, count] = tags[4, p]
        else:
            events[3 if positive else 4, count] = next_id
            ident[tags[3, p]] = next_id
            next_id += 1
        count += 1
    return next_id, count


@njit(cache=True, error_model="numpy")
def lines_of(crossed: Array, start: Array, face_of: Array, mark: Array, parent: Array, line: Array, out: Array) -> None:
    """out : (crossings,) the id of the zero that crossed each edge, 0 where several may have."""
    for c in range(crossed.size):
        out[c] = line[find(parent, mark[face_of[start[crossed[c]]]])]
