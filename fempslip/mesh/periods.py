"""Vertices that are one place: rings, cylinders, strips and lattice cells, by pairs of boundaries that are joined.

A period s maps the first boundary of a pair onto the second.  With A = B x r / 2, along s only the gauge changes (r is
taken from the middle of the body: there the field sends no flux through a period, wherever the body is drawn):

    A(r + s) = A(r) + grad chi_s,   psi(r + s) = psi(r) exp(i chi_s(r)),   chi_s(r) = (B x s) . r / 2

so a link between two vertices carries a_e = int A . dl - (chi_j - chi_i), and every copy of an edge the same number,
but for whole turns.  A vertex lies at r + n_1 s_1 + n_2 s_2, r being the first vertex of its node; its chi adds up in
the order of the periods.  A cell closed in two directions has a whole flux 2 pi N through it, and the sum of a round
all its faces is 0: some faces hide whole quanta, which `hidden_flux` gives.

The name of a period stands beside the names of holes: a flux threads it, a contour runs along it, psi winds along it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

from fempslip.contract import Array, Mesh, Operators, Refusal
from fempslip.mesh.copies import edge_vertices, face_vertices
from fempslip.mesh.simplices import cell_edges, column_numbers, graph, in_space, padded, sides, unique_columns

CLOSE = 1e-6  # of the extent: vertices of two boundaries that are the same


def shift(mesh: Mesh, first: str, second: str) -> Array:
    """The vector from one boundary to another, (space,).  Raises Refusal where a translation does not join them."""
    one, two = (mesh.points[:, np.unique(mesh.boundaries[name])] for name in (first, second))
    low, high = two.min(axis=1) - one.min(axis=1), two.max(axis=1) - one.max(axis=1)
    tolerance = CLOSE * max(float(np.ptp(mesh.points, axis=1).max()), 1e-6)
    if np.abs(high - low).max() > tolerance:
        raise Refusal(f"no translation takes {first!r} onto {second!r}: they differ in size or direction")
    if np.abs(low).max() <= tolerance:
        raise Refusal(f"{first!r} and {second!r} lie at the same place")
    return low


def joined(mesh: Mesh, pairs: Mapping[str, tuple[str, str]]) -> Mesh:
    """The mesh with the vertices of pairs of boundaries identified; pairs : name of the period -> (first, second).

    Raises Refusal where vertices do not match, periods depend on each other, or fewer than 3 cells lie across one.
    """
    count, links, periods = mesh.points.shape[1], [], {}
    for name, (first, second) in pairs.items():
        periods[name] = shift(mesh, first, second)
        links.append(_matched(mesh, first, second, periods[name]))
    vectors = np.array(list(periods.values()))
    if np.linalg.matrix_rank(vectors, tol=1e-6 * np.abs(vectors).max()) < len(periods):
        raise Refusal("the periods depend on each other: two of them have the same direction")
    _, piece = connected_components(graph(count, np.concatenate(links, axis=1)), directed=False)
    _, first_of, piece = np.unique(piece, return_index=True, return_inverse=True)
    number = np.empty(first_of.size, dtype=np.int32)
    number[np.argsort(first_of)] = np.arange(first_of.size)
    whole = replace(mesh, node_of_vertex=number[piece], periods=periods)
    _refuse_narrow(whole)
    return whole


def _matched(mesh: Mesh, first: str, second: str, along: Array) -> Array:
    """(2, pairs) vertices of two boundaries that are one node."""
    one, two = (np.unique(mesh.boundaries[name]) for name in (first, second))
    away, number = cKDTree(mesh.points[:, two].T).query((mesh.points[:, one] + along[:, None]).T)
    tolerance = CLOSE * max(float(np.ptp(mesh.points, axis=1).max()), 1e-6)
    if one.size != two.size or away.max() > tolerance or np.unique(number).size != two.size:
        raise Refusal(
            f"the vertices of {first!r} and {second!r} do not match: {one.size} and {two.size}, "
            f"up to {away.max():.2g} xi apart"
        )
    return np.array([one, two[number]])


def _refuse_narrow(mesh: Mesh) -> None:
    """With one or two cells across a period, two different edges would join the same two nodes."""
    edges, _ = unique_columns(cell_edges(mesh.cells), mesh.points.shape[1])
    ends = mesh.node_of_vertex[edges]
    turned = ends[0] > ends[1]
    ends, edges = np.where(turned, ends[::-1], ends), np.where(turned, edges[::-1], edges)
    step = mesh.points[:, edges[1]] - mesh.points[:, edges[0]]
    _, number = unique_columns(ends, mesh.nodes)
    one = np.zeros((step.shape[0], number.max() + 1))
    one[:, number] = step
    if np.any(ends[0] == ends[1]) or np.abs(step - one[:, number]).max() > CLOSE * np.ptp(mesh.points, axis=1).max():
        raise Refusal("fewer than three cells lie across a period: set a smaller mesh.size or make the cell larger")


def shortest(change: Array, periods: Array) -> Array:
    """Displacements (3, moves) without the whole periods (n, 3) in them."""
    for period in periods:
        change = change - np.outer(period, np.rint(period @ change / (period @ period)))
    return change


# ------------------------------------------------------------------------------------------- the gauge


def lattice(mesh: Mesh) -> Array:
    """(periods, vertices) whole numbers n of each vertex: it is the first vertex of its node, moved by sum n s."""
    vectors = np.array([*mesh.periods.values()]).T.reshape(mesh.points.shape[0], len(mesh.periods))
    moved = mesh.points - mesh.node_points[:, mesh.node_of_vertex]
    return np.rint(np.linalg.pinv(vectors) @ moved)


def middle(mesh: Mesh) -> Array:
    """The middle of the body, half-way between its ends along every axis, (3,)."""
    return padded((mesh.points.min(axis=1) + mesh.points.max(axis=1)) / 2)


def vertex_phase(mesh: Mesh, field: Array) -> Array:
    """chi of every vertex in a uniform field (3,), (vertices,): psi there = psi of the node times exp(i chi)."""
    if not mesh.periods:
        return np.zeros(mesh.points.shape[1])
    n, s = lattice(mesh), np.array([padded(v) for v in mesh.periods.values()])
    place = in_space(mesh.node_points)[:, mesh.node_of_vertex] - middle(mesh)[:, None]
    chi = 0.5 * np.einsum("xv,xv->v", np.cross(field, (s.T @ n).T).T, place)
    for k in range(len(s)):
        for m in range(k + 1, len(s)):
            chi += 0.5 * n[k] * n[m] * float(np.cross(field, s[m]) @ s[k])
    return chi


def hidden_flux(mesh: Mesh, operators: Operators, field: Array, a: Array) -> Array:
    """Flux of a uniform field (3,) through each face less the sum of its a round the face, (faces,); 2 pi times a whole
    number, and 0 but for a few faces of cells closed in two directions.
    """
    corners = face_vertices(mesh, operators)
    if not corners.size:
        return np.zeros(0)
    u, v = np.moveaxis(sides(in_space(mesh.points), corners), -1, 0)
    flux = 0.5 * np.cross(u, v) @ field
    hidden = flux * operators.face_sign - operators.C @ a
    return np.where(np.abs(hidden) < 1e-9 * (1 + np.abs(flux).max()), 0.0, hidden)


# ------------------------------------------------------------------------------------------- along a period


def reciprocal(mesh: Mesh, name: str) -> Array:
    """The vector g (space,) with g . s = 1 for this period and 0 for the others."""
    names = list(mesh.periods)
    vectors = np.array([mesh.periods[n] for n in names])
    return np.linalg.pinv(vectors)[:, names.index(name)]


def angle_along(mesh: Mesh, name: str) -> Array:
    """2 pi g . r of the nodes, (nodes,): grows by one turn along the period."""
    return 2 * np.pi * reciprocal(mesh, name) @ mesh.node_points


def along(mesh: Mesh, operators: Operators, name: str) -> Array:
    """Circulations (edges,) of a constant potential with 2 pi round the period and nothing along the others."""
    i, j = edge_vertices(mesh, operators)
    return 2 * np.pi * reciprocal(mesh, name) @ (mesh.points[:, j] - mesh.points[:, i])


def path_along(mesh: Mesh, operators: Operators, name: str) -> Array:
    """Chain of entries 0, +1, -1, (edges,), once along the period: the straightest way between two equal vertices."""
    edges, _ = unique_columns(cell_edges(mesh.cells), mesh.points.shape[1])
    lengths = np.linalg.norm(mesh.points[:, edges[1]] - mesh.points[:, edges[0]], axis=0)
    start, end = _middle_pair(mesh, name)
    _, before = dijkstra(graph(mesh.points.shape[1], edges, lengths), indices=start, return_predecessors=True)
    if before[end] < 0:
        raise Refusal(f"no path through the body leads once along the period {name!r}")
    way = [end]
    while way[-1] != start:
        way.append(int(before[way[-1]]))
    nodes = mesh.node_of_vertex[np.array(way[::-1])]
    return _chain(operators, np.array([nodes[:-1], nodes[1:]]))


def _middle_pair(mesh: Mesh, name: str) -> tuple[int, int]:
    """Two vertices that differ by the period, near the middle of the boundary that it leaves."""
    k, n = list(mesh.periods).index(name), lattice(mesh).astype(np.int64)
    n -= n.min(axis=1, keepdims=True)
    weight = mesh.nodes * np.r_[1, np.cumprod(n.max(axis=1) + 2)[:-1]]
    key = mesh.node_of_vertex + weight @ n
    _, start, end = np.intersect1d(key + weight[k], key, return_indices=True)
    places = mesh.points[:, start]
    away = np.linalg.norm(places - places.mean(axis=1, keepdims=True), axis=0)
    return int(start[away.argmin()]), int(end[away.argmin()])


def _chain(operators: Operators, steps: Array) -> Array:
    p = np.zeros(operators.edges.shape[1])
    number = column_numbers(operators.edges, np.sort(steps, axis=0), operators.nodes)
    np.add.at(p, number, np.where(steps[0] < steps[1], 1.0, -1.0))
    return p
