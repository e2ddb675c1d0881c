"""The plain geometry of simplices: volumes, gradients, edges.  Any dimension, wires in space included."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import factorial

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array

Vector = Sequence[float] | Array


def sides(points: Array, cells: Array) -> Array:
    """Vectors from the first vertex of each cell to its others, (cells, space, dim)."""
    corners = points[:, cells]  # (space, dim + 1, cells)
    return np.moveaxis(corners[:, 1:] - corners[:, :1], -1, 0)


def volumes(points: Array, cells: Array) -> Array:
    """Length, area or volume of each cell, (cells,); from Gram's determinant, so surfaces in space are welcome."""
    if cells.shape[0] == 1:
        return np.ones(cells.shape[1])
    s = sides(points, cells)
    gram = np.swapaxes(s, 1, 2) @ s
    return np.sqrt(np.maximum(np.linalg.det(gram), 0.0)) / factorial(cells.shape[0] - 1)


def gradients(points: Array, cells: Array) -> Array:
    """Gradients of the barycentric coordinates, (cells, dim + 1, space), tangential to the cell."""
    s = sides(points, cells)
    transposed = np.swapaxes(s, 1, 2)
    inner = np.linalg.solve(transposed @ s, transposed)
    return np.concatenate([-inner.sum(axis=1, keepdims=True), inner], axis=1)


def pairs(dim: int) -> list[tuple[int, int]]:
    """Local vertex numbers of the edges of a simplex."""
    return list(combinations(range(dim + 1), 2))


def cell_edges(cells: Array) -> Array:
    """Vertex pairs of every cell's edges in the order of `pairs`, smaller vertex first, (2, pairs, cells)."""
    local = np.array(pairs(cells.shape[0] - 1)).T
    return np.sort(cells[local], axis=0)


def unique_columns(columns: Array, size: int) -> tuple[Array, Array]:
    """Different columns in lexicographic order and, for each given one, its number there.

    columns : (rows, ...) of integers below `size`, e.g. (2, pairs, cells); the numbers have the shape (...).
    """
    flat = columns.reshape(columns.shape[0], -1)
    _, first, number = np.unique(_key(flat, size), return_index=True, return_inverse=True)
    return np.ascontiguousarray(flat[:, first]), number.reshape(columns.shape[1:])


def column_numbers(columns: Array, wanted: Array, size: int) -> Array:
    """Numbers in `columns` (lexicographically sorted, as from `unique_columns`) of the `wanted` columns."""
    keys, sought = _key(columns, size), _key(wanted, size)
    number = np.minimum(np.searchsorted(keys, sought), keys.size - 1)
    if keys.size == 0 or np.any(keys[number] != sought):
        raise ValueError("a column that is not in the table was asked for")
    return number


def _key(columns: Array, size: int) -> Array:
    """One integer a column: its rows as digits.  Three rows fit up to two million vertices."""
    if size ** columns.shape[0] > 2**63:
        raise ValueError(f"{size} vertices are too many to number their simplices")
    key = np.zeros(columns.shape[1:], dtype=np.int64)
    for row in columns:
        key = key * size + row
    return key


def sparse(values: Array, rows: Array, columns: Array, shape: tuple[int, int]) -> sp.csr_array:
    """Matrix with these entries, repeated ones added up; its indices sorted and of 32 bits, whatever the given ones."""
    where = (rows.ravel().astype(np.int32), columns.ravel().astype(np.int32))
    matrix = sp.csr_array((values.ravel(), where), shape=shape)
    matrix.sort_indices()
    return matrix


def graph(count: int, edges: Array, lengths: Array | None = None) -> sp.csr_array:
    """Symmetric adjacency matrix of edges (2, edges) over `count` nodes, weighted by their lengths."""
    weight = np.ones(edges.shape[1]) if lengths is None else lengths
    i, j = edges
    return sparse(np.r_[weight, weight], np.r_[i, j], np.r_[j, i], (count, count))


def in_space(points: Array) -> Array:
    """Points with a third component, (3, vertices); the plane of a film is z = 0."""
    if points.shape[0] == 3:
        return points
    return np.concatenate([points, np.zeros((3 - points.shape[0], points.shape[1]))])


def padded(vector: Vector) -> Array:
    """Three components; the missing ones are zero."""
    v = np.zeros(3)
    v[: len(vector)] = vector
    return v
