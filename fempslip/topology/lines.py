"""Vortex lines of a body: pierced faces joined through tetrahedra, and lines from one sample to the next.

In a tetrahedron as many faces are pierced inwards as outwards, so a pierced face inside has one neighbour in each of
its two cells; a line closes, or ends on the outer faces of the tracked part.  From sample to sample a line is where
faces stay pierced, and where clusters of touched faces hold both.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fempslip.contract import Array
from fempslip.mesh.kernels import cross, dot
from fempslip.mesh.kernels import side as between
from fempslip.topology.kernels import find, roots, unite

OUTWARD = np.array([-1, 1, -1, 1], dtype=np.int8)  # of the faces 012, 013, 023, 123 of sorted nodes


def face_cells(cells: Array, faces: int) -> Array:
    """(2, faces) live cells on both sides of each face, -1 for none; cells : (4, cells) their faces."""
    found = np.full((2, faces), -1, dtype=np.int32)
    both_sides(cells, found)
    return found


@njit(cache=True, error_model="numpy")
def both_sides(cells: Array, found: Array) -> None:
    """found : (2, faces), first -1."""
    for k in range(cells.shape[0]):
        for c in range(cells.shape[1]):
            f = cells[k, c]
            found[0 if found[0, f] < 0 else 1, f] = c


@njit(cache=True, error_model="numpy")
def pierced_now(pierced: Array, touched: Array, change: Array, mark: Array, n: Array, slot: Array, out: Array) -> int:
    """out : (pierced + touched,) first the faces pierced after a step, in no order; returns their number.

    pierced, n : of before;  mark, change : of kernels.touch;  n becomes that of after, slot -1 where it was set
    """
    count = 0
    for f in pierced:
        slot[f] = -1
        if mark[f] < 0:
            out[count] = f
            count += 1
    for m in range(touched.size):
        f = touched[m]
        n[f] += change[m]
        if n[f] != 0:
            out[count] = f
            count += 1
    return count


@njit(cache=True, error_model="numpy")
def neighbours(pierced: Array, n: Array, cells: Array, beside: Array, slot: Array, out: Array) -> tuple[int, int]:
    """out : (2, pierced) place in `pierced` of the next face through each of a face's two cells, -1 on the surface.

    slot : (faces,) place of a face in `pierced`, -1 elsewhere.  Of four pierced faces of a cell, the first inward one
    goes with the first outward one.  Returns how often there were four, and how often a line ended in a cell: never.
    """
    double, broken = 0, 0
    for p in range(pierced.size):
        f = pierced[p]
        for side in range(2):
            out[side, p] = -1
            c = beside[side, f]
            if c < 0:
                continue
            mine, rank = 0, 0
            for local in range(4):
                if cells[local, c] == f:
                    mine = n[f] * OUTWARD[local]
                    break
            for local in range(4):
                g = cells[local, c]
                if g == f:
                    break
                if n[g] * OUTWARD[local] == mine:
                    rank += 1
            others = 0
            for local in range(4):
                g = cells[local, c]
                if n[g] * OUTWARD[local] == -mine:
                    if others == rank:
                        out[side, p] = slot[g]
                    others += 1
            double += others > 1
            broken += out[side, p] < 0
    return double, broken


@njit(cache=True, error_model="numpy")
def labels(beside: Array, pierced: Array, out: Array, line: Array, ends: Array) -> int:
    """line : (pierced,) number of the line of each pierced face;  ends : how often each line meets the surface.

    out : of `neighbours`.  Returns the number of lines.
    """
    parent = np.arange(pierced.size).astype(np.int32)
    for p in range(pierced.size):
        for side in range(2):
            if out[side, p] > p:  # every neighbour has p for its own
                unite(parent, p, out[side, p])
    count = 0
    for p in range(pierced.size):
        root = find(parent, p)
        if root == p:
            line[p] = count
            ends[count] = 0
            count += 1
        else:
            line[p] = line[root]
        for side in range(2):
            if beside[side, pierced[p]] < 0:
                ends[line[p]] += 1
    return count


@njit(cache=True, error_model="numpy")
def overlaps(
    pierced: Array, line: Array, n: Array, before: Array, rank: Array, touched: Array, change: Array, parent: Array,
    slot: Array, weight: Array, old: Array, new: Array,
) -> tuple[int, int]:  # fmt: skip
    """weight : (ids, lines) faces that stay pierced, and clusters, that an old id and a new line share.

    n, before : of the old sample, before : (faces,) number of a face's line, rank : place of its id among the sorted
    parent : forest of the touched faces
    old, new : (2, touched) root of a cluster and the place of an old id, or of a new line, that it holds, each once;
    returns how many of both
    """
    for p in range(pierced.size):
        f = pierced[p]
        if n[f] != 0:
            weight[rank[before[f]], line[p]] += 1
    first, member = members(parent)
    seen_old, seen_new = np.full(weight.shape[0], -1, dtype=np.int32), np.full(weight.shape[1], -1, dtype=np.int32)
    olds, news = 0, 0
    for root in range(touched.size):
        if parent[root] != root:
            continue
        here_old, here_new = olds, news
        for k in range(first[root], first[root + 1]):
            m = member[k]
            f = touched[m]
            if n[f] != 0:
                i = rank[before[f]]
                if seen_old[i] != root:
                    seen_old[i] = root
                    old[0, olds], old[1, olds] = root, i
                    olds += 1
            if n[f] + change[m] != 0:
                j = line[slot[f]]
                if seen_new[j] != root:
                    seen_new[j] = root
                    new[0, news], new[1, news] = root, j
                    news += 1
        for p in range(here_old, olds):
            for q in range(here_new, news):
                weight[old[1, p], new[1, q]] += 1
    return olds, news


@njit(cache=True, error_model="numpy")
def members(parent: Array) -> tuple[Array, Array]:
    """Members of the set of root r in a forest: member[first[r] : first[r + 1]], in order."""
    root = roots(parent)
    first = np.zeros(parent.size + 1, dtype=np.int32)
    for m in range(parent.size):
        first[root[m] + 1] += 1
    for m in range(parent.size):
        first[m + 1] += first[m]
    place, member = first[:-1].copy(), np.empty(parent.size, dtype=np.int32)
    for m in range(parent.size):
        member[place[root[m]]] = m
        place[root[m]] += 1
    return first, member


@njit(cache=True, error_model="numpy")
def one_to_one(weight: Array, old_ends: Array, ends: Array, heir: Array) -> bool:
    """Whether every old id goes on as one new line and the lines' numbers of ends stay; heir : (lines,) then filled."""
    if weight.shape[0] != weight.shape[1]:
        return False
    for j in range(weight.shape[1]):
        heir[j] = -1
        for i in range(weight.shape[0]):
            if weight[i, j] > 0:
                if heir[j] >= 0:
                    return False
                heir[j] = i
        if heir[j] < 0 or old_ends[heir[j]] != ends[j]:
            return False
    for i in range(weight.shape[0]):
        shared = 0
        for j in range(weight.shape[1]):
            shared += weight[i, j] > 0
        if shared != 1:
            return False
    return True


@njit(cache=True, error_model="numpy")
def blocks(weight: Array, old_ends: Array, ends: Array, label: Array) -> tuple[int, int]:
    """label : (ids + lines,) number of the connected part of the graph that the overlaps make.

    Parts in which something happened come first, in order of their first member.  Returns (number of these, of all).
    """
    olds, news = weight.shape
    parent = np.arange(olds + news).astype(np.int32)
    for i in range(olds):
        for j in range(news):
            if weight[i, j] > 0:
                unite(parent, i, olds + j)
    count = np.zeros((2, olds + news), dtype=np.int32)
    last = np.zeros((2, olds + news), dtype=np.int32)
    for k in range(olds + news):
        root, side = find(parent, k), int(k >= olds)
        count[side, root] += 1
        last[side, root] = ends[k - olds] if side else old_ends[k]
    number = np.full(olds + news, -1, dtype=np.int64)
    found = 0
    eventful = 0
    for quiet in range(2):
        for k in range(olds + news):
            if parent[k] == k:
                goes_on = count[0, k] == 1 and count[1, k] == 1 and last[0, k] == last[1, k]
                if goes_on == bool(quiet):
                    number[k] = found
                    found += 1
        if not quiet:
            eventful = found
    for k in range(olds + news):
        label[k] = number[find(parent, k)]
    return eventful, found


@njit(cache=True, error_model="numpy")
def walk(line: Array, out: Array, count: int, order: Array, first: Array, closed: Array) -> None:
    """order : (pierced,) the faces of each line one after another;  first : (count + 1,);  closed : (count,) rings."""
    begin = np.full(count, -1, dtype=np.int64)
    for p in range(line.size):
        is_end = out[0, p] < 0 or out[1, p] < 0
        if begin[line[p]] < 0:
            begin[line[p]] = p
            closed[line[p]] = not is_end
        elif is_end and closed[line[p]]:
            begin[line[p]] = p
            closed[line[p]] = False
    place = 0
    seen = np.zeros(line.size, dtype=np.bool_)
    for k in range(count):
        first[k] = place
        p = begin[k]
        while p >= 0 and not seen[p]:
            seen[p] = True
            order[place] = p
            place += 1
            q = out[0, p]
            p = q if q >= 0 and not seen[q] else out[1, p]
    first[count] = place


@njit(cache=True, error_model="numpy")
def line_velocity(
    chosen: Array, cells: Array, beside: Array, faces: Array, face_nodes: Array, corners: Array, tets: Array,
    places: Array, psi: Array, a: Array, rate: Array, points: Array, out: Array,
) -> None:  # fmt: skip
    """out : (3, chosen) instantaneous velocity of a line where it pierces each face, across itself.

    v = [-R_t (I x w) + I_t (R x w)] / |w|^2, R and I the gradients of Re psi and Im psi in a cell beside the face, psi
    transported to the cell's first node, w = R x I;  rate : (nodes,) d psi/dt in temporal gauge
    """
    for p in range(chosen.size):
        c = beside[0, chosen[p]]
        f0, f1 = cells[0, c], cells[1, c]
        nodes = (face_nodes[0, f0], face_nodes[1, f0], face_nodes[2, f0], face_nodes[2, f1])
        turn = (a[faces[0, f0]], a[faces[2, f0]], a[faces[2, f1]])
        here = (tets[0, c], tets[1, c], tets[2, c], tets[3, c])
        e0, e1 = between(places, here[0], here[1]), between(places, here[0], here[2])
        e2 = between(places, here[0], here[3])
        g0, g1, g2 = cross(e1, e2), cross(e2, e0), cross(e0, e1)  # gradients of barycentric coordinates, times volume
        volume = dot(e0, g0)
        lag = (0.0, 0.0, 0.0)  # from the copy of the face that has the point to that of this cell
        for k in range(4):
            if nodes[k] == face_nodes[0, chosen[p]]:
                lag = between(places, corners[0, chosen[p]], here[k])
        x, y, z = points[0, p] + lag[0], points[1, p] + lag[1], points[2, p] + lag[2]
        way = (x - places[0, here[0]], y - places[1, here[0]], z - places[2, here[0]])
        value, drift = psi[nodes[0]], rate[nodes[0]]
        rx = ry = rz = ix = iy = iz = 0.0
        for k in range(3):
            g = g0 if k == 0 else (g1 if k == 1 else g2)
            back = complex(np.cos(turn[k]), -np.sin(turn[k]))
            step = psi[nodes[k + 1]] * back - value
            rx, ry, rz = rx + step.real * g[0], ry + step.real * g[1], rz + step.real * g[2]
            ix, iy, iz = ix + step.imag * g[0], iy + step.imag * g[1], iz + step.imag * g[2]
            drift += dot(g, way) / volume * (rate[nodes[k + 1]] * back - rate[nodes[0]])
        real, imag = (rx / volume, ry / volume, rz / volume), (ix / volume, iy / volume, iz / volume)
        w = cross(real, imag)
        across_imag, across_real = cross(imag, w), cross(real, w)
        size = dot(w, w)
        for d in range(3):
            out[d, p] = (-drift.real * across_imag[d] + drift.imag * across_real[d]) / size
