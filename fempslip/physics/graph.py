"""The node graph of a mesh in the form that the kernels read: one row a node, two entries an edge."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numba import njit

from fempslip.contract import Array, Operators


@dataclass(frozen=True, eq=False)
class Graph:
    """Compressed rows of the neighbours of each node.

    start : (nodes + 1,);  neighbour : (2 edges,);  up, down : (edges,) places of an edge's entries (i, j), (j, i)
    Unsigned numbers: numba then leaves out the test for negative indices, which halves the time of a product.
    edges : (2, edges);  w : (edges,);  diagonal : (nodes,) K_ii = sum of the w of a node's edges
    """

    start: Array
    neighbour: Array
    up: Array
    down: Array
    edges: Array
    w: Array
    diagonal: Array


_MADE: WeakKeyDictionary[Operators, Graph] = WeakKeyDictionary()


def graph(op: Operators) -> Graph:
    """The same one for every asker: stepper, meters and watchers of a run."""
    if op not in _MADE:
        _MADE[op] = made(op.nodes, unsigned(op.edges), np.ascontiguousarray(op.w, dtype=float))
    return _MADE[op]


def made(nodes: int, edges: Array, w: Array) -> Graph:
    i, j = edges
    start = np.zeros(nodes + 1, dtype=np.uint32)
    start[1:] = np.cumsum(np.bincount(i, minlength=nodes) + np.bincount(j, minlength=nodes))
    neighbour, (up, down) = np.empty(2 * w.size, dtype=np.uint32), np.empty((2, w.size), dtype=np.uint32)
    rows(i, j, start[:-1].copy(), neighbour, up, down)
    diagonal = np.bincount(i, w, nodes) + np.bincount(j, w, nodes)
    return Graph(start, neighbour, up, down, edges, w, diagonal)


@njit(cache=True, error_model="numpy")
def rows(i: Array, j: Array, free: Array, neighbour: Array, up: Array, down: Array) -> None:
    """Neighbours of each node, ascending: the smaller ones first.  free : (nodes,) start of each row, used up"""
    for e in range(i.size):
        down[e] = free[j[e]]
        neighbour[down[e]] = i[e]
        free[j[e]] += np.uint32(1)
    for e in range(i.size):
        up[e] = free[i[e]]
        neighbour[up[e]] = j[e]
        free[i[e]] += np.uint32(1)


def unsigned(numbers: Array) -> Array:
    """The same numbers as uint32, C-ordered; of int32 without a copy."""
    plain = np.ascontiguousarray(numbers)
    return plain.view(np.uint32) if plain.dtype == np.int32 else plain.astype(np.uint32)
