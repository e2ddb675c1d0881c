"""Where an edge or face between nodes lies: vertices of one copy of it, its nodes unless some are joined."""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.simplices import cell_edges, unique_columns


def edge_vertices(mesh: Mesh, operators: Operators) -> Array:
    """Vertices (2, edges) of one copy of every edge, from its first node to its second."""
    if mesh.points.shape[1] == operators.nodes and np.array_equal(mesh.node_of_vertex, np.arange(operators.nodes)):
        return operators.edges
    vertex_edges, _ = unique_columns(cell_edges(mesh.cells), mesh.points.shape[1])
    ends = mesh.node_of_vertex[vertex_edges]
    oriented = np.where(ends[0] < ends[1], vertex_edges, vertex_edges[::-1])
    _, number = unique_columns(np.sort(ends, axis=0), mesh.nodes)
    _, first = np.unique(number, return_index=True)
    return oriented[:, first]


def face_vertices(mesh: Mesh, operators: Operators) -> Array:
    """Vertices (3, faces) of one copy of every face, in the order of its sorted nodes: places in a face must come from
    these, for those of its nodes may lie across a period.
    """
    if mesh.dim == 1:
        return np.zeros((3, 0), dtype=int)
    if not mesh.periods:
        return operators.face_nodes
    local = np.array([[0, 1, 2]] if mesh.dim == 2 else [[0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]]).T
    faces = mesh.cells[local].reshape(3, -1)
    order = np.argsort(mesh.node_of_vertex[faces], axis=0, kind="stable")
    faces = np.take_along_axis(faces, order, axis=0)
    if mesh.dim == 2:
        return faces
    _, number = unique_columns(mesh.node_of_vertex[faces], mesh.nodes)
    _, first = np.unique(number, return_index=True)
    return faces[:, first]
