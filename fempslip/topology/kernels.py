"""The loops of the windings, fused.  Each is tested equal to its readable form in topology.windings.

Phases of nodes are kept unwrapped, alpha + 2 pi K, made anew from alpha and the integer K at every sample: nothing
drifts.  With them k is another integer than in topology.windings, by K_j - K_i, and W = k - k' alone; n is the same.
Bytes read and written: unwrap 60 a node, cross 20 an edge and its two phases.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fempslip.contract import Array
from fempslip.physics.angles import angle, largest
from fempslip.physics.compiled import apart

TURN = 2 * np.pi
BLOCK = 256  # edges


@njit(cache=True, error_model="numpy")
def branches(phase: Array, a: Array, edges: Array, k: Array) -> None:
    """k of every edge."""
    for e in range(a.size):
        k[e] = -np.int32(np.rint((phase[edges[1, e]] - phase[edges[0, e]] - a[e]) * (1 / TURN)))


@apart()
def unwrap(old: Array, psi: Array, bright2: float, alpha: Array, phase: Array, turns: Array) -> float:
    """alpha, phase and turns of the next sample: the turns for which a phase moves by less than half a turn.

    Returns the largest turn of a node that is bright before and after (|psi|^2 > bright2).
    """
    theta = np.empty(psi.size)
    for i in range(psi.size):
        p, q = old[i], psi[i]
        arg = angle(q.real, q.imag)
        number = np.rint((phase[i] - arg) * (1 / TURN))
        new = arg + TURN * number
        bright = (q.real * q.real + q.imag * q.imag > bright2) & (p.real * p.real + p.imag * p.imag > bright2)
        theta[i] = abs(new - phase[i]) if bright else 0.0
        alpha[i] = arg
        phase[i] = new
        turns[i] = np.int32(number)
    return largest(theta)


@apart()
def cross(
    phase: Array, a: Array, first: Array, second: Array, live: Array, k: Array, crossed: Array, amount: Array
) -> int:
    """k of the next sample; the live edges with W = k - k' not 0, and their W.  Returns their number.

    Edges are looked at in blocks, several at once; in most blocks no k has changed.
    """
    count, new = 0, np.empty(BLOCK, dtype=np.int32)
    for begin in range(0, a.size, BLOCK):
        end = begin + BLOCK
        i, j, flux, last = first[begin:end], second[begin:end], a[begin:end], k[begin:end]
        changed = np.int32(0)
        for e in range(flux.size):
            number = -np.int32(np.rint((phase[j[e]] - phase[i[e]] - flux[e]) * (1 / TURN)))
            changed |= number ^ last[e]
            new[e] = number
        if changed == 0:
            continue
        for e in range(flux.size):
            if new[e] != last[e]:
                if live[begin + e]:
                    crossed[count] = begin + e
                    amount[count] = last[e] - new[e]
                    count += 1
                last[e] = new[e]
    return count


@njit(cache=True, error_model="numpy")
def crossing(p: complex, q: complex, a: float, p_new: complex, q_new: complex, a_new: float) -> float:
    """W of topology.windings.crossings on one edge with psi = p, q at its ends."""
    before_i, before_j = np.angle(p), np.angle(q)
    after_i, after_j = np.angle(p_new), np.angle(q_new)
    k = -np.rint((before_j - before_i - a) / TURN) + np.rint((after_j - after_i - a_new) / TURN)
    return k - np.rint((after_j - before_j) / TURN) + np.rint((after_i - before_i) / TURN)


@njit(cache=True, error_model="numpy")
def crossings(old: Array, a_old: Array, new: Array, a_new: Array, edges: Array, out: Array) -> None:
    """W_e of topology.windings.crossings on the given edges (2, n), whose a these are: for short paths of long runs."""
    for e in range(a_old.size):
        i, j = edges[0, e], edges[1, e]
        out[e] = crossing(old[i], old[j], a_old[e], new[i], new[j], a_new[e])


@njit(cache=True, error_model="numpy")
def along(
    edges: Array, ends: Array, share: Array, live: Array, old: Array, new: Array, a_old: Array, a_new: Array
) -> tuple[float, float, float]:
    """Along a chain of a few edges with shares p: sum p W over its live edges, sum p a before and after.

    edges : (n,) their numbers;  ends : (2, n) their nodes
    """
    crossed, before, after = 0.0, 0.0, 0.0
    for c in range(edges.size):
        e, i, j, p = edges[c], ends[0, c], ends[1, c], share[c]
        before += p * a_old[e]
        after += p * a_new[e]
        if live[c]:
            crossed += p * crossing(old[i], old[j], a_old[e], new[i], new[j], a_new[e])
    return crossed, before, after


@njit(cache=True, error_model="numpy")
def drop(ends: Array, share: Array, mu: Array) -> float:
    """sum p (mu_i - mu_j) along a chain."""
    total = 0.0
    for c in range(share.size):
        total += share[c] * (mu[ends[0, c]] - mu[ends[1, c]])
    return total


@njit(cache=True, error_model="numpy")
def recount(k: Array, faces: Array, sense: Array, hidden: Array, live: Array, n: Array) -> None:
    """n_f = k_01 + k_12 - k_02 + hidden quanta of every live face, 0 elsewhere."""
    for f in range(n.size):
        n[f] = np.int8(0)
        if live[f]:
            n[f] = np.int8((k[faces[0, f]] + k[faces[1, f]] - k[faces[2, f]]) * sense[f] + hidden[f])


@njit(cache=True, error_model="numpy")
def touch(
    crossed: Array, amount: Array, start: Array, face_of: Array, sign: Array, mark: Array, touched: Array, change: Array
) -> int:
    """Live faces of the crossed edges, in order of their first edge, and the change of their n; returns their number.

    mark : (faces,) becomes the place of a face in `touched`; -1 elsewhere, and reset by the caller
    """
    count = 0
    for c in range(crossed.size):
        e = crossed[c]
        for r in range(start[e], start[e + np.uint32(1)]):
            f = face_of[r]
            if mark[f] < 0:
                mark[f] = count
                touched[count] = f
                change[count] = 0
                count += 1
            change[mark[f]] -= sign[r] * amount[c]
    return count


@njit(cache=True, error_model="numpy")
def settle(touched: Array, change: Array, n: Array, mark: Array) -> None:
    """The touched faces get their new windings, and lose their mark."""
    for m in range(touched.size):
        f = touched[m]
        n[f] = np.int8(n[f] + change[m])
        mark[f] = -1


@njit(cache=True, error_model="numpy")
def charged(before: Array, touched: Array, change: Array, n: Array, mark: Array) -> Array:
    """Faces that hold a zero after a step, sorted;  before : those that did, sorted;  others : of `touch`."""
    out, count = np.empty(before.size + touched.size, dtype=before.dtype), 0
    for f in before:
        if mark[f] < 0:
            out[count] = f
            count += 1
    for m in range(touched.size):
        if n[touched[m]] + change[m] != 0:
            out[count] = touched[m]
            count += 1
    return np.sort(out[:count])


@njit(cache=True, error_model="numpy")
def find(parent: Array, i: int) -> int:
    """Root of i, halving the way there."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, error_model="numpy")
def unite(parent: Array, i: int, j: int) -> None:
    """Join two sets; the smaller root stays."""
    i, j = find(parent, i), find(parent, j)
    if i < j:
        parent[j] = i
    else:
        parent[i] = j


@njit(cache=True, error_model="numpy")
def roots(parent: Array) -> Array:
    """(members,) root of each."""
    out = np.empty(parent.size, dtype=np.int64)
    for m in range(parent.size):
        out[m] = find(parent, m)
    return out


@njit(cache=True, error_model="numpy")
def zero_in_face(
    f: int, psi: Array, a: Array, faces: Array, face_nodes: Array, corners: Array, hidden: Array, places: Array
) -> tuple[float, float, float, float]:
    """(x, y, z, quality) of the zero of the interpolated psi in a face.

    psi is transported to the first node with the flux shared equally, a gauge that is regular on the face.
    corners : (3, faces) vertices of its nodes in `places`;  hidden : (faces,) quanta times the face's sense
    quality : |sum of the weights| / sum |psi|^2, small where the place is uncertain
    """
    e01, e12, e02 = faces[0, f], faces[1, f], faces[2, f]
    n0, n1, n2 = face_nodes[0, f], face_nodes[1, f], face_nodes[2, f]
    flux = a[e01] + a[e12] - a[e02] + TURN * hidden[f]
    first = a[e01] - flux / 3
    second = first + a[e12] - flux / 3
    p0 = psi[n0]
    p1 = psi[n1] * complex(np.cos(first), -np.sin(first))
    p2 = psi[n2] * complex(np.cos(second), -np.sin(second))
    w0 = (p1.conjugate() * p2).imag
    w1 = (p2.conjugate() * p0).imag
    w2 = (p0.conjugate() * p1).imag
    total = w0 + w1 + w2
    norm = (p0 * p0.conjugate()).real + (p1 * p1.conjugate()).real + (p2 * p2.conjugate()).real
    if total == 0.0:
        w0 = w1 = w2 = total = 1.0
    w0, w1, w2 = max(w0 / total, 0.0), max(w1 / total, 0.0), max(w2 / total, 0.0)
    share = w0 + w1 + w2
    n0, n1, n2 = corners[0, f], corners[1, f], corners[2, f]
    x = (w0 * places[0, n0] + w1 * places[0, n1] + w2 * places[0, n2]) / share
    y = (w0 * places[1, n0] + w1 * places[1, n1] + w2 * places[1, n2]) / share
    z = (w0 * places[2, n0] + w1 * places[2, n1] + w2 * places[2, n2]) / share
    return x, y, z, abs(total) / norm


@njit(cache=True, error_model="numpy")
def zeros_in_faces(
    chosen: Array, psi: Array, a: Array, faces: Array, face_nodes: Array, corners: Array, hidden: Array, places: Array,
    out: Array,
) -> None:  # fmt: skip
    """out : (4, chosen) x, y, z and quality of each."""
    for c in range(chosen.size):
        x, y, z, quality = zero_in_face(chosen[c], psi, a, faces, face_nodes, corners, hidden, places)
        out[0, c] = x
        out[1, c] = y
        out[2, c] = z
        out[3, c] = quality


@njit(cache=True, error_model="numpy")
def held(
    t: float, chosen: Array, n: Array, mark: Array, change: Array, ident: Array, dim: Array, psi: Array, a: Array,
    faces: Array, face_nodes: Array, corners: Array, hidden: Array, places: Array, place: Array, out: Array,
) -> None:  # fmt: skip
    """Zeros of a film after a step: out : (9, chosen) t, id, x, y, z, winding, face, quality, dim.

    place : (4, faces) too;  mark, change : of `touch`; n is that of before
    """
    for c in range(chosen.size):
        f = chosen[c]
        x, y, z, quality = zero_in_face(f, psi, a, faces, face_nodes, corners, hidden, places)
        place[0, f], place[1, f], place[2, f], place[3, f] = x, y, z, quality
        winding = n[f] + change[mark[f]] if mark[f] >= 0 else n[f]
        out[0, c], out[1, c], out[2, c], out[3, c], out[4, c] = t, ident[f], x, y, z
        out[5, c], out[6, c], out[7, c], out[8, c] = winding, f, quality, dim[f]


@njit(cache=True, error_model="numpy")
def inflow(
    crossed: Array, amount: Array, start: Array, face_of: Array, sign: Array, outer: Array, dim: Array
) -> tuple[int, int]:
    """Net winding that came into a film, and into its part that is not dim, through crossed edges.

    The border of the bright part: edges of which one face is bright, or their only one.
    """
    came, bright = 0, 0
    for c in range(crossed.size):
        e = crossed[c]
        first, last = start[e], start[e + np.uint32(1)] - np.uint32(1)
        one = not dim[face_of[first]]
        other = last != first and not dim[face_of[last]]
        if outer[e]:
            came -= sign[first] * amount[c]
        if one and not other:
            bright -= sign[first] * amount[c]
        elif other and not one:
            bright -= sign[last] * amount[c]
    return came, bright


@njit(cache=True, error_model="numpy")
def zero_on_edge(p: complex, q: complex, p_new: complex, q_new: complex, a: float, a_new: float) -> tuple[float, float]:
    """(s, tau) in [0, 1]: where along an edge, and when in a step, the bilinear interpolant of psi vanishes.

    p, q : psi at the two ends.  The flux a - a_new through the rectangle edge x step is shared by its four sides, a
    gauge that is regular on it.  A root outside is moved to the nearest side.
    """
    quarter = 0.25 * (a - a_new)
    right, top, left = a - quarter, a - 2 * quarter, quarter
    f10 = q * complex(np.cos(right), -np.sin(right))
    f11 = q_new * complex(np.cos(top), -np.sin(top))
    f01 = p_new * complex(np.cos(left), -np.sin(left))
    b, c, d = f10 - p, f01 - p, f11 - f10 - f01 + p
    c0 = (p * b.conjugate()).imag
    c1 = (p * d.conjugate()).imag + (c * b.conjugate()).imag
    c2 = (c * d.conjugate()).imag
    root = np.sqrt(max(c1 * c1 - 4 * c2 * c0, 0.0))
    half = -0.5 * (c1 + root if c1 > 0 else c1 - root)
    best, best_s, best_tau = np.inf, 0.5, 0.5
    for choice in range(2):
        below = c2 if choice == 0 else half
        above = half if choice == 0 else c0
        if below == 0.0:
            continue
        tau = above / below
        slope = b + d * tau
        size = (slope * slope.conjugate()).real
        s = -((p + c * tau) * slope.conjugate()).real / size if size > 0 else 0.5
        inside_s, inside_tau = min(max(s, 0.0), 1.0), min(max(tau, 0.0), 1.0)
        away = abs(s - inside_s) + abs(tau - inside_tau)
        if away < best:
            best, best_s, best_tau = away, inside_s, inside_tau
    return best_s, best_tau


@njit(cache=True, error_model="numpy")
def edge_rows(faces: Array, sense: Array, live: Array, free: Array, face_of: Array, sign: Array) -> None:
    """Live faces of each edge, ascending, and their senses round it;  free : (edges,) start of each row, used up."""
    for f in range(live.size):
        if live[f]:
            for k in range(3):
                e = faces[k, f]
                face_of[free[e]] = f
                sign[free[e]] = -sense[f] if k == 2 else sense[f]
                free[e] += np.uint32(1)
