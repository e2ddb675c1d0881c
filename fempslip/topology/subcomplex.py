"""The part of a mesh in which zeros are followed: all cells without a node where psi is held at 0, and their faces.

Cells outside count as outside, so a zero that passes into a terminal leaves through one of the outer edges or faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from fempslip.contract import Array, Mesh, Problem
from fempslip.mesh.copies import edge_vertices, face_vertices
from fempslip.mesh.simplices import column_numbers, in_space, padded, sorted_columns
from fempslip.physics.graph import unsigned
from fempslip.topology import kernels

SURFACE = -1  # number of the part of boundary that has no name


@dataclass(frozen=True, eq=False)
class Subcomplex:
    """Static arrays of the kernels.  Unsigned numbers: numba then leaves out the test for negative indices.

    edges : (2, edges) uint32;  faces, face_nodes : (3, faces) uint32, of contract.Operators
    places : (3, vertices);  ends : (2, edges), corners : (3, faces), tets : (4, live cells) vertices of one copy, in
    the order of the nodes: where vertices are identified, the nodes of a face may lie across a period
    hidden : (faces,) int8, whole quanta that the sum of a round a face leaves out (contract.Drive);  periods : (n, 3)
    edge_live, face_live : True in the tracked part;  sense : (faces,) int8, -1 where sorted nodes run clockwise (films)
    start, face_of, sign : rows of the live faces of each edge, and s(f, e) times sense: n_f' = n_f - sum sign W
    outer : (edges,) films: live edges with one live face only
    part : (edges,) films, (faces,) bodies: number of the named boundary there, SURFACE where it has no name
    cells : (4, live cells) uint32, bodies: the faces of each tetrahedron
    """

    dim: int
    places: Array
    ends: Array
    corners: Array
    tets: Array
    hidden: Array
    periods: Array
    edges: Array
    faces: Array
    face_nodes: Array
    edge_live: Array
    face_live: Array
    sense: Array
    start: Array
    face_of: Array
    sign: Array
    outer: Array
    part: Array
    cells: Array
    parts: tuple[str, ...]

    @cached_property
    def turned(self) -> Array:
        """(faces,) hidden quanta as the sum of a round sorted nodes lacks them."""
        return self.hidden * self.sense


def subcomplex(problem: Problem) -> Subcomplex:
    """The tracked part of a problem's mesh."""
    op, mesh = problem.operators, problem.mesh
    dead = np.zeros(op.nodes, dtype=bool)
    for contact in problem.contacts:
        if contact.kind == "normal":
            dead[contact.nodes] = True
    cells = mesh.node_of_vertex[mesh.cells]
    live = ~dead[cells].any(axis=0)
    tetrahedra, face_live = np.zeros((4, 0), np.uint32), live
    if mesh.dim == 3:
        tetrahedra, face_live = _tets(op.face_nodes, cells[:, live], op.nodes), np.zeros(op.faces.shape[1], dtype=bool)
        face_live[tetrahedra] = True
    if mesh.dim == 1:
        face_live = np.zeros(0, dtype=bool)
        edge_live = _members(op.edges, cells[:, live], op.nodes)
    else:
        edge_live = np.zeros(op.edges.shape[1], dtype=bool)
        edge_live[op.faces[:, face_live]] = True
    start, face_of, sign = _rows(op.faces, op.face_sign, face_live, op.edges.shape[1])
    drive = getattr(problem, "drive", None)
    hidden = None if drive is None else drive.hidden
    tets = mesh.cells[:, live][: 4 if mesh.dim == 3 else 0]
    return Subcomplex(
        dim=mesh.dim,
        places=np.ascontiguousarray(in_space(mesh.points), dtype=float),
        ends=unsigned(edge_vertices(mesh, op)),
        corners=unsigned(face_vertices(mesh, op)),
        tets=_ordered(mesh, tets),
        hidden=np.zeros(face_live.size, np.int8) if hidden is None else hidden.astype(np.int8),
        periods=np.array([padded(v) for v in mesh.periods.values()]).reshape(-1, 3),
        edges=unsigned(op.edges),
        faces=unsigned(op.faces),
        face_nodes=unsigned(op.face_nodes),
        edge_live=edge_live,
        face_live=face_live,
        sense=op.face_sign.astype(np.int8),
        start=start,
        face_of=face_of,
        sign=sign,
        outer=edge_live & (np.diff(start) == 1),
        part=_parts(problem, cells),
        cells=tetrahedra,
        parts=tuple(mesh.boundaries),
    )


def _sub(cells: Array, count: int) -> Array:
    """(count, all sub-simplices with so many nodes) sorted nodes."""
    local = np.array(list(combinations(range(cells.shape[0]), count))).T
    return sorted_columns(cells)[local].reshape(count, -1)


def _members(table: Array, cells: Array, nodes: int) -> Array:
    """Which columns of a sorted table are sub-simplices of the given cells."""
    found = np.zeros(table.shape[1], dtype=bool)
    if cells.shape[1]:
        found[column_numbers(table, _sub(cells, table.shape[0]), nodes)] = True
    return found


def _tets(face_nodes: Array, cells: Array, nodes: int) -> Array:
    """Faces 012, 013, 023, 123 of each tetrahedron, (4, cells)."""
    if not cells.shape[1]:
        return np.zeros((4, 0), np.uint32)
    corners = sorted_columns(cells)
    return unsigned(np.stack([column_numbers(face_nodes, corners[list(t)], nodes) for t in combinations(range(4), 3)]))


def _ordered(mesh: Mesh, tets: Array) -> Array:
    """Vertices of tetrahedra in the order of their nodes."""
    if np.array_equal(mesh.node_of_vertex, np.arange(mesh.points.shape[1])):
        return unsigned(sorted_columns(tets))
    return np.take_along_axis(tets, np.argsort(mesh.node_of_vertex[tets], axis=0), axis=0).astype(np.uint32)


def _rows(faces: Array, sense: Array, live: Array, edges: int) -> tuple[Array, Array, Array]:
    start = np.zeros(edges + 1, dtype=np.uint32)
    np.cumsum(np.bincount(faces[:, live].ravel(), minlength=edges), out=start[1:])
    face_of, sign = np.empty(start[-1], dtype=np.uint32), np.empty(start[-1], dtype=np.int8)
    kernels.edge_rows(faces, sense.astype(np.int8), live, start[:-1].copy(), face_of, sign)
    return start, face_of, sign


def _parts(problem: Problem, cells: Array) -> Array:
    """Edges (films) or faces (bodies) -> number of their named boundary; those beside dead cells get the contact's."""
    op, mesh = problem.operators, problem.mesh
    table = {1: np.zeros((2, 0), int), 2: op.edges, 3: op.face_nodes}[mesh.dim]
    found = np.full(table.shape[1], SURFACE, dtype=np.int16)
    if mesh.dim == 1:
        return found
    names = list(mesh.boundaries)
    for contact in problem.contacts:
        if contact.kind == "normal" and contact.name in names:
            touched = np.zeros(op.nodes, dtype=bool)
            touched[contact.nodes] = True
            beside = cells[:, touched[cells].any(axis=0)]
            found[column_numbers(table, _sub(beside, table.shape[0]), op.nodes)] = names.index(contact.name)
    for number, facets in enumerate(mesh.boundaries.values()):
        nodes = np.sort(mesh.node_of_vertex[facets], axis=0)
        found[column_numbers(table, nodes, op.nodes)] = number
    return found
