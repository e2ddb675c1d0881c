"""A coordinate along a wire, a ring, or the longest way through a network of wires."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra

from ..contract import Array, Mesh, Refusal


@dataclass(frozen=True, eq=False)
class Way:
    """nodes : (n,) in order;  x : (n,) coordinate along them in xi;  whole : whether every node is on the way."""

    nodes: Array
    x: Array
    whole: bool
    closed: bool


def along(mesh: Mesh) -> Way:
    """The way along a 1D mesh.  A straight wire along x keeps its coordinate x, any other is measured from its start.

    Raises Refusal for films and bodies.
    """
    if mesh.dim != 1:
        raise Refusal("this picture is of wires and rings; the run is not one of them")
    ends = mesh.node_of_vertex[mesh.cells]
    steps = np.linalg.norm(mesh.points[:, mesh.cells[1]] - mesh.points[:, mesh.cells[0]], axis=0)
    graph = sp.coo_array((steps, (ends[0], ends[1])), shape=(mesh.nodes, mesh.nodes)).tocsr()
    degree = np.bincount(ends.ravel(), minlength=mesh.nodes)
    closed = bool((degree == 2).all())
    nodes, x = _round(graph, ends, steps) if closed else _longest(graph, degree)
    straight = _straight(mesh, nodes)
    if straight is not None and not closed:
        x = straight
    order = np.argsort(x, kind="stable")
    return Way(nodes[order], x[order], len(np.unique(nodes)) == mesh.nodes, closed)


def _longest(graph: sp.csr_array, degree: Array) -> tuple[Array, Array]:
    """The longest of the shortest ways between ends."""
    ends = np.flatnonzero(degree == 1)
    ends = ends if len(ends) else np.array([0])
    length, before = dijkstra(graph, directed=False, indices=ends, return_predecessors=True)
    length = np.where(np.isfinite(length), length, -1.0)
    row, last = np.unravel_index(np.argmax(length), length.shape)
    way = [int(last)]
    while way[-1] != ends[row]:
        way.append(int(before[row, way[-1]]))
    nodes = np.array(way[::-1])
    return nodes, length[row, nodes]


def _round(graph: sp.csr_array, ends: Array, steps: Array) -> tuple[Array, Array]:
    """Once around a ring from node 0; its first node is repeated at the end."""
    neighbours = (graph + graph.T).tolil().rows
    way = [0, int(neighbours[0][0])]
    while way[-1] != 0:
        one, other = (int(k) for k in neighbours[way[-1]])
        way.append(other if one == way[-2] else one)
    both = (graph + graph.T).tocsr()
    lengths = [both[i, j] for i, j in zip(way[:-1], way[1:], strict=True)]
    return np.array(way), np.concatenate([[0.0], np.cumsum(lengths)])


def _straight(mesh: Mesh, nodes: Array) -> Array | None:
    """The coordinate x of the nodes, if that is all that changes along them."""
    place = np.zeros((mesh.points.shape[0], mesh.nodes))
    place[:, mesh.node_of_vertex] = mesh.points
    place = place[:, nodes]
    return place[0] if np.ptp(place[1:], axis=1).max(initial=0.0) < 1e-9 else None
