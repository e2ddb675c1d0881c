"""Paths of edges: between parts, round holes, along periods; and the narrowest section between two parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from scipy.sparse.csgraph import connected_components, dijkstra

from fempslip.contract import Array, Failure, Mesh, Operators, Refusal
from fempslip.mesh.cochains import across, angles, around, edge_lengths, in_space, padded, wrap
from fempslip.mesh.copies import edge_vertices
from fempslip.mesh.periods import along, path_along
from fempslip.mesh.simplices import Vector, column_numbers, gradients, graph, laplacian, volumes

MOST_FILM_ENTRIES = 9  # a row of the matrix of a film or wire, 7 in the mean; bulk pieces have 12 to 15


def chain(operators: Operators, lengths: Array, b: Array) -> Array:
    """Real 1-chain p, (edges,), with the boundary G^T p = b, along a tree of shortest paths.

    lengths : (edges,) positive;  b : (nodes,) weights at the end minus weights at the start, sum 0.  The tree grows
    from the node with the smallest b, so that for two nodes p is the shortest path between them.
    Raises Refusal where no path of edges joins the nodes of b.
    """
    b = np.asarray(b, dtype=float)
    root = int(np.argmin(b))
    distance, before = _tree(operators.nodes, operators.edges, lengths, root)
    if np.any(np.isinf(distance) & (b != 0)):
        raise Refusal("no path through the body joins the two places")
    load = _subtree_sums(distance, before, b)
    child = np.flatnonzero((load != 0) & (before >= 0))
    ends = np.sort([before[child], child], axis=0)
    p = np.zeros(operators.edges.shape[1])
    p[column_numbers(operators.edges, ends, operators.nodes)] = np.where(before[child] < child, 1.0, -1.0) * load[child]
    return p


def threading(mesh: Mesh, operators: Operators, name: str) -> Array:
    """Circulations (edges,) of a potential whose field is nil in the body: 2 pi round the hole or along the period."""
    if name in mesh.periods:
        return along(mesh, operators, name)
    return around(mesh, operators, *mesh.holes[name])


def closed_path(mesh: Mesh, operators: Operators, name: str) -> Array:
    """Closed chain of entries 0, +1, -1, (edges,), once round the hole or along the period of this name."""
    if name in mesh.periods:
        return path_along(mesh, operators, name)
    return contour(mesh, operators, *mesh.holes[name])


def contour(mesh: Mesh, operators: Operators, point: Vector, direction: Vector) -> Array:
    """Closed chain of entries 0, +1, -1, (edges,), that encircles the axis once, counter-clockwise.

    The body is cut along the half plane where the azimuth jumps; one edge across the cut, near the axis, is closed
    by the shortest path that does not cross it, nor a period.  Raises Refusal where nothing surrounds the axis.
    """
    i, j = edge_vertices(mesh, operators)
    angle = angles(mesh.points, point, direction)
    naive = angle[j] - angle[i]
    turns = np.rint((wrap(naive) - naive) / (2 * np.pi)).astype(int)  # +1: crosses the cut counter-clockwise
    lengths = edge_lengths(mesh, operators)
    kept = (turns == 0) & ~(_shared(mesh)[operators.edges].any(axis=0))
    rest = graph(operators.nodes, operators.edges[:, kept], lengths[kept])
    across_cut = np.flatnonzero(turns * ~_shared(mesh)[operators.edges].any(axis=0))
    near = across_cut[np.argsort(_axis_distance(mesh.points, point, direction)[[i, j]].max(axis=0)[across_cut])]
    loops = _closings(operators, rest, lengths, near, turns)
    if not loops:
        raise Refusal("no closed path of the body surrounds the hole")
    return min(loops, key=lambda loop: float(np.abs(loop) @ lengths))


def narrowest_section(
    mesh: Mesh, operators: Operators, nodes_a: Array, nodes_b: Array, section: Array | None = None, levels: int = 51
) -> float:
    """Smallest area of the level sets of the Laplace potential between two sets of nodes.

    section : (cells,) thickness or cross-section, 1 if None.  The result is a cross-section in wires, a length times
    a thickness in films, an area in bulk pieces.  Raises Refusal where the sets are not joined or share a node.
    """
    phi = _laplace(operators, nodes_a, nodes_b)
    values = phi[mesh.node_of_vertex[mesh.cells]]
    slope = np.einsum("ckx,kc->cx", gradients(mesh.points, mesh.cells), values)
    weight = np.linalg.norm(slope, axis=1) * volumes(mesh.points, mesh.cells)
    if section is not None:
        weight = weight * section
    values = np.sort(values, axis=0)
    return _least(lambda c: _level_area(c, values, weight), levels)


# ------------------------------------------------------------------------------------------- parts of these


def _tree(nodes: int, edges: Array, lengths: Array, root: int) -> tuple[Array, Array]:
    return dijkstra(graph(nodes, edges, lengths), indices=root, return_predecessors=True)


def _subtree_sums(distance: Array, before: Array, b: Array) -> Array:
    """Sum of b over the part of the tree behind each node; only nodes that lead to some b are visited."""
    load = b.copy()
    visited = np.zeros(b.size, dtype=bool)
    for leaf in np.flatnonzero(b):
        node = leaf
        while node >= 0 and not visited[node]:
            visited[node] = True
            node = before[node]
    order = np.flatnonzero(visited)
    for node in order[np.argsort(-distance[order], kind="stable")]:
        if before[node] >= 0:
            load[before[node]] += load[node]
    return load


def _shared(mesh: Mesh) -> Array:
    """(nodes,) True where several vertices are one node."""
    return np.bincount(mesh.node_of_vertex, minlength=mesh.nodes) > 1


def _axis_distance(points: Array, point: Vector, direction: Vector) -> Array:
    r = in_space(points) - padded(point)[:, None]
    e1, e2 = across(direction)
    return np.hypot(e1 @ r, e2 @ r)


def _closings(
    operators: Operators, rest: sp.csr_array, lengths: Array, near: Array, turns: Array, enough: int = 8
) -> list[Array]:
    """Loops through the first edges across the cut that can be closed without crossing it again."""
    loops: list[Array] = []
    for edge in near:
        i, j = operators.edges[:, edge]
        start, end = (j, i) if turns[edge] > 0 else (i, j)  # the way back from where the edge leads
        distance, before = dijkstra(rest, indices=int(start), return_predecessors=True)
        if np.isinf(distance[end]):
            continue
        loop = _walk(operators, before, int(start), int(end))
        loop[edge] += turns[edge]
        loops.append(loop)
        if len(loops) == enough:
            break
    return loops


def _walk(operators: Operators, before: Array, start: int, end: int) -> Array:
    nodes = [end]
    while nodes[-1] != start:
        nodes.append(int(before[nodes[-1]]))
    way = np.array(nodes[::-1])
    steps = np.array([way[:-1], way[1:]])
    p = np.zeros(operators.edges.shape[1])
    if steps.size:
        number = column_numbers(operators.edges, np.sort(steps, axis=0), operators.nodes)
        p[number] = np.where(steps[0] < steps[1], 1.0, -1.0)
    return p


def _laplace(operators: Operators, nodes_a: Array, nodes_b: Array) -> Array:
    """Potential 0 on a and 1 on b, K phi = 0 elsewhere; parts that are not joined to either keep 0."""
    if np.intersect1d(nodes_a, nodes_b).size:
        raise Refusal("the two parts touch each other: no section lies between them")
    _, piece = connected_components(graph(operators.nodes, operators.edges), directed=False)
    joined = np.isin(piece, piece[nodes_a])
    if not joined[nodes_b].any():
        raise Refusal("no path through the body joins the two parts")
    stiffness = laplacian(operators.nodes, operators.edges, operators.w)
    phi = np.zeros(operators.nodes)
    phi[nodes_b] = 1.0
    free = joined.copy()
    free[np.r_[nodes_a, nodes_b]] = False
    inner = np.flatnonzero(free)
    if inner.size:
        phi[inner] = _solve(sp.csr_array(stiffness[inner][:, inner]), -(stiffness[inner] @ phi))
    return phi


def _solve(matrix: sp.csr_array, right: Array) -> Array:
    """A symmetric positive system, once; factors fill too much in bulk pieces and large films: these are iterated."""
    bulk = matrix.nnz > MOST_FILM_ENTRIES * matrix.shape[0]
    if matrix.shape[0] < (1_000 if bulk else 20_000):
        return spla.spsolve(sp.csc_array(matrix), right, permc_spec="MMD_AT_PLUS_A")
    scale = sp.diags_array(1.0 / matrix.diagonal())
    found, failed = spla.cg(matrix, right, rtol=1e-8, maxiter=5000, M=scale)
    if failed:
        raise Failure("the potential between two parts was not found in 5000 iterations: the mesh is too irregular")
    return found


def _least(area: Callable[[float], float], levels: int) -> float:
    """Smallest area over levels in (0, 1), looked for again twice between the neighbours of the best."""
    low, high, best = 0.0, 1.0, np.inf
    for _ in range(3):
        step = (high - low) / levels
        # kept off the potentials of symmetric meshes' vertices, where a level set may run along edges
        wanted = low + (np.arange(levels) + 0.5 + 1e-7) * step
        found = [area(c) for c in wanted]
        best = min(best, *found)
        middle = wanted[int(np.argmin(found))]
        low, high = max(middle - step, 0.0), min(middle + step, 1.0)
    return float(best)


def _level_area(c: float, values: Array, weight: Array) -> float:
    """Area of the level c: |grad phi| V times the B-spline of the sorted corner values, summed over its cells."""
    met = (values[0] < c) & (values[-1] > c)
    return float(weight[met] @ _spline(c, values[:, met]))


def _spline(c: float, knots: Array) -> Array:
    """Density at c of a linear function with these corner values over a simplex (a B-spline of integral 1)."""
    width = knots[-1] - knots[0]
    inside = (knots[0] <= c) & (c < knots[-1])
    safe = np.where(width > 0, width, 1.0)
    degree = knots.shape[0] - 1
    if degree == 1:
        return np.where(inside, 1.0 / safe, 0.0)
    blend = (c - knots[0]) * _spline(c, knots[:-1]) + (knots[-1] - c) * _spline(c, knots[1:])
    return np.where(inside, degree / (degree - 1) * blend / safe, 0.0)
