"""The plain geometry of simplices: volumes, gradients, edges.  Any dimension, wires in space included."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import prod

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array
from fempslip.mesh import kernels

Vector = Sequence[float] | Array


def sides(points: Array, cells: Array) -> Array:
    """Vectors from the first vertex of each cell to its others, (cells, space, dim)."""
    corners = points[:, cells]  # (space, dim + 1, cells)
    return np.moveaxis(corners[:, 1:] - corners[:, :1], -1, 0)


def volumes(points: Array, cells: Array) -> Array:
    """Length, area or volume of each cell, (cells,); surfaces in space are welcome."""
    out = np.ones(cells.shape[1])
    if cells.shape[0] > 1:
        kernels.volumes(_placed(points), plain(cells), out)
    return out


def gradients(points: Array, cells: Array) -> Array:
    """Gradients of the barycentric coordinates, (cells, dim + 1, space), tangential to the cell."""
    out = np.empty((cells.shape[1], cells.shape[0], points.shape[0]))
    kernels.gradients(_placed(points), plain(cells), out)
    return out


def corner_sums(nodes: Array, values: Array, count: int) -> Array:
    """(count,) sums of the values (cells,) of the cells that meet at each node;  nodes : (corners, cells)."""
    out = np.zeros(count)
    kernels.corner_sums(plain(nodes), np.ascontiguousarray(values, dtype=float), out)
    return out


def plain(numbers: Array) -> Array:
    """As the compiled loops want them."""
    return np.ascontiguousarray(numbers, dtype=np.int32)


def _placed(points: Array) -> Array:
    return np.ascontiguousarray(in_space(points), dtype=float)


def sorted_columns(columns: Array) -> Array:
    """The same columns, the numbers of each ascending, (rows, ...) int32."""
    out = np.array(columns, dtype=np.int32, order="C")
    kernels.sort_columns(out.reshape(out.shape[0], prod(out.shape[1:])))
    return out


def pairs(dim: int) -> list[tuple[int, int]]:
    """Local vertex numbers of the edges of a simplex."""
    return list(combinations(range(dim + 1), 2))


def cell_edges(cells: Array) -> Array:
    """Vertex pairs of every cell's edges in the order of `pairs`, smaller vertex first, (2, pairs, cells)."""
    i, j = (cells[list(ends)] for ends in zip(*pairs(cells.shape[0] - 1), strict=True))
    return np.stack([np.minimum(i, j), np.maximum(i, j)])


def unique_columns(columns: Array, size: int) -> tuple[Array, Array]:
    """Different columns in lexicographic order and, for each given one, its number there.

    columns : (rows, ...) of integers below `size`, e.g. (2, pairs, cells); the numbers have the shape (...).
    """
    flat = columns.reshape(columns.shape[0], prod(columns.shape[1:]))
    number, chosen, seen = plain(flat[0]), np.zeros(0, dtype=np.int32), size
    for row in (
        flat[1:] if len(flat) > 1 else [np.zeros(number.size)]
    ):  # the columns so far, by number, and one row more
        pair = number
        number = np.empty(pair.size, dtype=np.int32)
        chosen = kernels.distinct(pair, plain(row), seen, size, number)
        seen = chosen.size
    return np.ascontiguousarray(flat[:, chosen]), number.reshape(columns.shape[1:])


def column_numbers(columns: Array, wanted: Array, size: int) -> Array:
    """Numbers in `columns` (lexicographically sorted, as from `unique_columns`) of the `wanted` columns."""
    sought = wanted.reshape(wanted.shape[0], -1)
    number = np.empty(sought.shape[1], dtype=np.int32)
    table, rest = plain(columns[0]), _rest(columns, size)
    if not kernels.find_columns(table, rest, plain(sought[0]), _rest(sought, size), size, number):
        raise ValueError("a column that is not in the table was asked for")
    return number.reshape(wanted.shape[1:])


def _rest(columns: Array, size: int) -> Array:
    """One integer a column, (columns,): its rows after the first as digits."""
    if size ** (columns.shape[0] - 1) > 2**63:
        raise ValueError(f"{size} vertices are too many to number their simplices")
    key = np.zeros(columns.shape[1], dtype=np.int64)
    for row in columns[1:]:
        key *= size
        key += row
    return key


def sparse(values: Array, rows: Array, columns: Array, shape: tuple[int, int]) -> sp.csr_array:
    """Matrix with these entries, repeated ones added up; its indices sorted and of 32 bits, whatever the given ones."""
    where = (rows.ravel().astype(np.int32), columns.ravel().astype(np.int32))
    matrix = sp.csr_array((values.ravel(), where), shape=shape)
    matrix.sort_indices()
    return matrix


def laplacian(count: int, edges: Array, weight: Array) -> sp.csr_array:
    """G^T diag(weight) G : (count, count), of sorted edges (2, edges) between so many nodes."""
    degree = np.bincount(edges.ravel(), minlength=count) + 1
    start = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(degree, out=start[1:])
    column, value = np.empty(start[-1], dtype=np.int32), np.empty(start[-1])
    kernels.laplacian(plain(edges), np.ascontiguousarray(weight, dtype=float), start, column, value)
    return compressed(start, column, value, (count, count))


def compressed(start: Array, column: Array, value: Array, shape: tuple[int, int]) -> sp.csr_array:
    """Matrix of rows that are sorted and hold each column once; indices of 32 bits where they fit."""
    narrow = start.astype(np.int32 if start[-1] < 2**31 else np.int64)
    matrix = sp.csr_array((value, column, narrow), shape=shape)
    matrix.has_sorted_indices = matrix.has_canonical_format = True
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
