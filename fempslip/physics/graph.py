"""The node graph of a mesh in the form that the kernels read: one row a node, two entries an edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def graph(op: Operators) -> Graph:
    i, j = op.edges
    count = op.edges.shape[1]
    rows = np.concatenate([i, j])
    columns = np.concatenate([j, i])
    order = np.lexsort((columns, rows))
    place = np.empty(2 * count, dtype=np.int64)
    place[order] = np.arange(2 * count)
    start = np.zeros(op.nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=op.nodes), out=start[1:])
    diagonal = np.bincount(i, op.w, op.nodes) + np.bincount(j, op.w, op.nodes)
    return Graph(
        start=start.astype(np.uint32),
        neighbour=columns[order].astype(np.uint32),
        up=place[:count].astype(np.uint32),
        down=place[count:].astype(np.uint32),
        edges=np.ascontiguousarray(op.edges, dtype=np.uint32),
        w=np.ascontiguousarray(op.w, dtype=float),
        diagonal=diagonal,
    )
