"""Loops over the cells of a mesh, compiled: numbering, geometry, sums at corners, matrices.  Cells and numbers are
int32, points have three components.  The readable words for them are in mesh.simplices and mesh.operators.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fempslip.contract import Array

Vector = tuple[float, float, float]


# ------------------------------------------------------------------------------------------- numbering


@njit(cache=True, error_model="numpy")
def sort_columns(columns: Array) -> None:
    """Each column ascending, in place; a few rows."""
    for c in range(columns.shape[1]):
        for k in range(1, columns.shape[0]):
            value = columns[k, c]
            m = k
            while m > 0 and columns[m - 1, c] > value:
                columns[m, c] = columns[m - 1, c]
                m -= 1
            columns[m, c] = value


@njit(cache=True, error_model="numpy")
def begins(first: Array, size: int) -> Array:
    """(size + 1,) where the entries of each number begin when `first` is sorted."""
    start = np.zeros(size + 1, dtype=np.int64)
    for f in first:
        start[f + 1] += 1
    for k in range(size):
        start[k + 1] += start[k]
    return start


@njit(cache=True, error_model="numpy")
def place_of(keys: Array, low: int, high: int, key: int) -> int:
    """First place in [low, high) of ascending keys that holds `key` or more."""
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def distinct(first: Array, second: Array, firsts: int, seconds: int, number: Array) -> Array:
    """Places of different pairs, ascending by first and then second;  number : (pairs,) of each one among these.

    first, second : int32 below `firsts` and `seconds`.  Few pairs share their first number.
    """
    start = begins(first, firsts)
    order = np.empty(first.size, dtype=np.int32)
    fill = start[:-1].copy()
    for c in range(first.size):
        order[fill[first[c]]] = c
        fill[first[c]] += 1
    known = np.full(seconds, -1, dtype=np.int32)  # number of a second one, if it is one of the present first one
    chosen = np.empty(first.size, dtype=np.int32)
    count = 0
    for f in range(firsts):
        end = count
        for p in range(start[f], start[f + 1]):
            c = order[p]
            if known[second[c]] < count:
                known[second[c]] = end
                chosen[end] = c
                end += 1
        for k in range(count + 1, end):
            c = chosen[k]
            m = k
            while m > count and second[chosen[m - 1]] > second[c]:
                chosen[m] = chosen[m - 1]
                m -= 1
            chosen[m] = c
        for k in range(count, end):
            known[second[chosen[k]]] = k
        for p in range(start[f], start[f + 1]):
            number[order[p]] = known[second[order[p]]]
        count = end
    return chosen[:count].copy()


@njit(cache=True, error_model="numpy")
def find_columns(first: Array, rest: Array, sought: Array, sought_rest: Array, size: int, number: Array) -> bool:
    """number : (sought,) place of each sought column in a table as `distinct` orders it; False if one is not there."""
    start = begins(first, size)
    for c in range(sought.size):
        f = sought[c]
        if f < 0 or f >= size:
            return False
        k = place_of(rest, start[f], start[f + 1], sought_rest[c])
        if k == start[f + 1] or rest[k] != sought_rest[c]:
            return False
        number[c] = k
    return True


# ------------------------------------------------------------------------------------------- geometry


@njit(cache=True, error_model="numpy", inline="always")
def cross(a: Vector, b: Vector) -> Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@njit(cache=True, error_model="numpy", inline="always")
def dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True, error_model="numpy", inline="always")
def over(a: Vector, by: float) -> Vector:
    return a[0] / by, a[1] / by, a[2] / by


@njit(cache=True, error_model="numpy", inline="always")
def less(a: Vector, b: Vector, c: Vector) -> Vector:
    """-(a + b + c)."""
    return -(a[0] + b[0] + c[0]), -(a[1] + b[1] + c[1]), -(a[2] + b[2] + c[2])


@njit(cache=True, error_model="numpy", inline="always")
def side(points: Array, i: int, j: int) -> Vector:
    return points[0, j] - points[0, i], points[1, j] - points[1, i], points[2, j] - points[2, i]


@njit(cache=True, error_model="numpy")
def simplex(points: Array, cells: Array, c: int) -> tuple[float, Vector, Vector, Vector, Vector]:
    """Volume of a cell and the gradients of its barycentric coordinates, tangential to it; those it lacks are 0."""
    zero = (0.0, 0.0, 0.0)
    a = side(points, cells[0, c], cells[1, c])
    if cells.shape[0] == 2:
        g1 = over(a, dot(a, a))
        return np.sqrt(dot(a, a)), less(g1, zero, zero), g1, zero, zero
    b = side(points, cells[0, c], cells[2, c])
    if cells.shape[0] == 3:
        n = cross(a, b)
        g1, g2 = over(cross(b, n), dot(n, n)), over(cross(n, a), dot(n, n))
        return np.sqrt(dot(n, n)) / 2, less(g1, g2, zero), g1, g2, zero
    d = side(points, cells[0, c], cells[3, c])
    bd, da, ab = cross(b, d), cross(d, a), cross(a, b)
    six = dot(a, bd)
    g1, g2, g3 = over(bd, six), over(da, six), over(ab, six)
    return abs(six) / 6, less(g1, g2, g3), g1, g2, g3


@njit(cache=True, error_model="numpy")
def volumes(points: Array, cells: Array, out: Array) -> None:
    for c in range(cells.shape[1]):
        a = side(points, cells[0, c], cells[1, c])
        if cells.shape[0] == 2:
            out[c] = np.sqrt(dot(a, a))
            continue
        n = cross(a, side(points, cells[0, c], cells[2, c]))
        if cells.shape[0] == 3:
            out[c] = np.sqrt(dot(n, n)) / 2
        else:
            out[c] = abs(dot(n, side(points, cells[0, c], cells[3, c]))) / 6


@njit(cache=True, error_model="numpy")
def gradients(points: Array, cells: Array, out: Array) -> None:
    """out : (cells, dim + 1, space)."""
    for c in range(cells.shape[1]):
        g = simplex(points, cells, c)[1:]
        for k in range(cells.shape[0]):
            for x in range(out.shape[2]):
                out[c, k, x] = g[k][x]


@njit(cache=True, error_model="numpy")
def corner_sums(nodes: Array, values: Array, out: Array) -> None:
    """out[n] += the value of every cell at each of its corners;  nodes : (corners, cells)."""
    for k in range(nodes.shape[0]):
        for c in range(values.size):
            out[nodes[k, c]] += values[c]


@njit(cache=True, error_model="numpy")
def towards(of_cell: Array, corners: int, c: int, circulation: Array) -> tuple[float, float, float, float]:
    """Sums of the circulations towards each corner of a cell; 0 for those it lacks."""
    if corners == 4:
        c01, c02, c03 = circulation[of_cell[0, c]], circulation[of_cell[1, c]], circulation[of_cell[2, c]]
        c12, c13, c23 = circulation[of_cell[3, c]], circulation[of_cell[4, c]], circulation[of_cell[5, c]]
        return -c01 - c02 - c03, c01 - c12 - c13, c02 + c12 - c23, c03 + c13 + c23
    if corners == 3:
        c01, c02, c12 = circulation[of_cell[0, c]], circulation[of_cell[1, c]], circulation[of_cell[2, c]]
        return -c01 - c02, c01 - c12, c02 + c12, 0.0
    c01 = circulation[of_cell[0, c]]
    return -c01, c01, 0.0, 0.0


@njit(cache=True, error_model="numpy")
def corner_vectors(points: Array, cells: Array, nodes: Array, of_cell: Array, circulations: Array, out: Array) -> None:
    """out : (fields, nodes, 3) += volume times the mean of Whitney's interpolant over each cell, at its corners.

    The mean is sum_e c_e (g_j - g_i) / (dim + 1) over the edges i -> j: the gradient of each corner times the sum of
    the circulations towards it.  cells : (dim + 1, cells) sorted vertices, nodes : theirs;  of_cell : (pairs, cells)
    edges between vertices, circulations : (fields, edges) along these
    """
    corners = cells.shape[0]
    for c in range(cells.shape[1]):
        if corners == 4:  # V/4 g_k are three cross products and a number, without a division
            a, b = side(points, cells[0, c], cells[1, c]), side(points, cells[0, c], cells[2, c])
            d = side(points, cells[0, c], cells[3, c])
            g1, g2, g3 = cross(b, d), cross(d, a), cross(a, b)
            share = 1 / 24 if dot(a, g1) > 0 else -1 / 24
        else:
            volume, _, g1, g2, g3 = simplex(points, cells, c)
            share = volume / corners
        for f in range(circulations.shape[0]):
            t0, t1, t2, t3 = towards(of_cell, corners, c, circulations[f])  # their sum is 0, and that of the g
            t1, t2, t3 = share * (t1 - t0), share * (t2 - t0), share * (t3 - t0)
            x = t1 * g1[0] + t2 * g2[0] + t3 * g3[0]
            y = t1 * g1[1] + t2 * g2[1] + t3 * g3[1]
            z = t1 * g1[2] + t2 * g2[2] + t3 * g3[2]
            for k in range(corners):
                n = nodes[k, c]
                out[f, n, 0] += x
                out[f, n, 1] += y
                out[f, n, 2] += z


# ------------------------------------------------------------------------------------------- matrices


@njit(cache=True, error_model="numpy")
def link_weights(points: Array, cells: Array, of_cell: Array, weight: Array, out: Array) -> None:
    """out[e] -= weight V g_i.g_j of every cell of an edge;  cells sorted, of_cell : (6, cells), tetrahedra."""
    for c in range(cells.shape[1]):
        volume, g0, g1, g2, g3 = simplex(points, cells, c)
        scale = weight[c] * volume
        out[of_cell[0, c]] -= scale * dot(g0, g1)
        out[of_cell[1, c]] -= scale * dot(g0, g2)
        out[of_cell[2, c]] -= scale * dot(g0, g3)
        out[of_cell[3, c]] -= scale * dot(g1, g2)
        out[of_cell[4, c]] -= scale * dot(g1, g3)
        out[of_cell[5, c]] -= scale * dot(g2, g3)


@njit(cache=True, error_model="numpy")
def cells_of_edges(of_cell: Array, edges: int) -> tuple[Array, Array]:
    """(start, member) : the cells of each edge as 8 times their number plus the edge's place in them."""
    start = begins(of_cell.ravel(), edges)
    fill = start[:-1].copy()
    member = np.empty(of_cell.size, dtype=np.int64)
    for c in range(of_cell.shape[1]):
        for k in range(of_cell.shape[0]):
            e = of_cell[k, c]
            member[fill[e]] = 8 * c + k
            fill[e] += 1
    return start, member


@njit(cache=True, error_model="numpy")
def edge_pattern(of_cell: Array, start: Array, member: Array, first: Array) -> Array:
    """Columns of a matrix between edges of the same cell, ascending in each row;  first : (edges + 1,) its rows."""
    edges = start.size - 1
    room = np.empty(0, dtype=np.int32)
    count = 0
    for filling in range(2):
        if filling:
            room = np.empty(count, dtype=np.int32)
        row = np.empty(0, dtype=np.int64)
        count = 0
        for e in range(edges):
            most = of_cell.shape[0] * (start[e + 1] - start[e])
            if row.size < most:
                row = np.empty(2 * most, dtype=np.int64)
            many = 0
            for p in range(start[e], start[e + 1]):
                c = member[p] >> 3
                for k in range(of_cell.shape[0]):
                    other = of_cell[k, c]
                    place = place_of(row, 0, many, other)
                    if place < many and row[place] == other:
                        continue
                    for m in range(many, place, -1):
                        row[m] = row[m - 1]
                    row[place] = other
                    many += 1
            if filling:
                for m in range(many):
                    room[count + m] = row[m]
            count += many
            first[e + 1] = count
    return room


@njit(cache=True, error_model="numpy")
def edge_matrix(
    points: Array, cells: Array, of_cell: Array, weight: Array, curls: bool, start: Array, member: Array, first: Array,
    column: Array, value: Array,
) -> None:  # fmt: skip
    """value += int weight W_e . W_f, with curls int weight curl W_e . curl W_f, of sorted tetrahedra, in closed form:

    W_ij = l_i g_j - l_j g_i        int l_i l_k = V (1 + delta_ik)/20
    curl W_ij . curl W_kl = 4 [(g_i.g_k)(g_j.g_l) - (g_i.g_l)(g_j.g_k)]
    """
    tail, head = (0, 0, 0, 1, 1, 2), (1, 2, 3, 2, 3, 3)
    gram = np.empty((4, 4))
    for e in range(start.size - 1):
        for p in range(start[e], start[e + 1]):
            c, own = member[p] >> 3, member[p] & 7
            volume, g0, g1, g2, g3 = simplex(points, cells, c)
            i, j = tail[own], head[own]
            g = (g0, g1, g2, g3)
            for k in range(4):
                gram[i, k], gram[j, k] = dot(g[i], g[k]), dot(g[j], g[k])
            scale = weight[c] * volume * (4.0 if curls else 0.05)
            for other in range(6):
                k, m = tail[other], head[other]
                if curls:
                    found = gram[i, k] * gram[j, m] - gram[i, m] * gram[j, k]
                else:
                    found = (1.0 + (i == k)) * gram[j, m] - (1.0 + (i == m)) * gram[j, k]
                    found += (1.0 + (j == m)) * gram[i, k] - (1.0 + (j == k)) * gram[i, m]
                place = place_of(column, first[e], first[e + 1], of_cell[other, c])
                value[place] += scale * found


@njit(cache=True, error_model="numpy")
def laplacian(edges: Array, weight: Array, start: Array, column: Array, value: Array) -> None:
    """Rows of G^T diag(weight) G, columns ascending;  edges : (2, edges) sorted, start : (nodes + 1,)."""
    nodes = start.size - 1
    fill = start[:-1].copy()
    for e in range(weight.size):  # below the diagonal, ascending because edges are
        i, j = edges[0, e], edges[1, e]
        column[fill[j]], value[fill[j]] = i, -weight[e]
        fill[j] += 1
    middle = fill.copy()
    for n in range(nodes):
        column[middle[n]], value[middle[n]] = n, 0.0
        fill[n] += 1
    for e in range(weight.size):
        i, j = edges[0, e], edges[1, e]
        column[fill[i]], value[fill[i]] = j, -weight[e]
        fill[i] += 1
        value[middle[i]] += weight[e]
        value[middle[j]] += weight[e]
