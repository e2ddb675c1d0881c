"""The discrete operators of a mesh: lumped masses, link weights, incidences, edge and face masses.

Films are assembled by scikit-fem, bulk pieces by the same formulas in closed form; wires by hand, for scikit-fem
accepts lines in space and assembles wrong numbers for them.  Everything is assembled on the vertices of the mesh and
then folded onto its nodes, which are the same unless vertices are identified.

Matrices between edges are long, 16 entries an edge in a bulk piece, and few runs need them: they are made when they
are asked for.  The Poisson matrix needs none of them: gradients of P1 are in the lowest Nedelec space, so G^T M1 G is
the stiffness weighted by the conductivity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh import kernels
from fempslip.mesh.simplices import (
    cell_edges,
    column_numbers,
    compressed,
    corner_sums,
    gradients,
    in_space,
    laplacian,
    pairs,
    plain,
    sides,
    sorted_columns,
    sparse,
    unique_columns,
    volumes,
)


def operators(
    mesh: Mesh,
    section: Array | None = None,
    kinetic: Array | None = None,
    sigma: Array | None = None,
    curls: bool = True,
) -> Operators:
    """Operators of `mesh` with cell weights: section d, kinetic weight q and conductivity sigma, (cells,), 1 if None.

    m has the weight d, w (and K) d q, M1 d sigma; S and M2 have none.  See `contract.Operators` for the shapes.
    curls : False leaves out S of a bulk piece, which only a field of its own needs
    """
    d, dq, ds = _weights(mesh, section, kinetic, sigma)
    fold = _fold(mesh)
    w = fold.links(_link_weights(mesh, fold, dq))
    faces, face_nodes, face_sign = _faces(mesh, fold)
    return Operators(
        nodes=mesh.nodes,
        edges=fold.edges,
        faces=faces,
        face_nodes=face_nodes,
        face_sign=face_sign,
        m=_lumped(mesh, d),
        w=w,
        matrices=_Matrices(mesh, fold, faces, face_sign, ds, mesh.dim == 2 or (mesh.dim == 3 and curls)),
    )


def _weights(mesh: Mesh, *given: Array | None) -> tuple[Array, Array, Array]:
    count = mesh.cells.shape[1]
    d, q, s = (np.ones(count) if g is None else np.broadcast_to(np.asarray(g, float), (count,)) for g in given)
    return d, d * q, d * s


@dataclass(frozen=True, eq=False)
class _Matrices:
    """contract.Matrices: made from the mesh when they are asked for.  sigma : (cells,) weight of M1"""

    mesh: Mesh
    fold: _Fold
    faces: Array
    face_sign: Array
    sigma: Array
    curls: bool

    def gradient(self) -> sp.csr_array:
        return _gradient(self.mesh.nodes, self.fold.edges)

    def curl(self) -> sp.csr_array:
        return _curl(self.fold.edges.shape[1], self.faces, self.face_sign)

    def edge_mass(self) -> sp.csr_array:
        return _fold_matrix(_EDGE_MASS[self.mesh.dim](self.mesh, self.fold, self.sigma), self.fold)

    def curl_curl(self) -> sp.csr_array | None:
        return _fold_matrix(_CURL_CURL[self.mesh.dim](self.mesh, self.fold), self.fold) if self.curls else None

    def face_mass(self) -> sp.csr_array | None:
        """1 / area of each cell of a film: the field is a circulation over its area."""
        mesh = self.mesh
        return sp.csr_array(sp.diags_array(1.0 / volumes(mesh.points, mesh.cells))) if mesh.dim == 2 else None

    def conductances(self) -> Array:
        return self.fold.links(_link_weights(self.mesh, self.fold, self.sigma))

    def poisson(self) -> sp.csr_array:
        return laplacian(self.mesh.nodes, self.fold.edges, self.conductances())

    def node_vector(self) -> sp.csr_array:
        return _node_vector(self.mesh, self.fold)

    def vectors(self, circulations: Array) -> Array:
        """`node_vector` applied, without it."""
        mesh, out = self.mesh, np.zeros((circulations.shape[0], self.mesh.nodes, 3))
        cells, nodes, total = self.corners
        along = np.array([self.fold.unfolded(one) for one in circulations], dtype=float)
        kernels.corner_vectors(_points(mesh), cells, nodes, self.fold.of_cell, along, out)
        out /= total[:, None]
        return out[:, :, : mesh.points.shape[0]]

    @cached_property
    def corners(self) -> tuple[Array, Array, Array]:
        """Sorted vertices of the cells and their nodes, (dim + 1, cells), and the volume of the cells of each node."""
        mesh, cells = self.mesh, sorted_columns(self.mesh.cells)
        same = np.array_equal(mesh.node_of_vertex, np.arange(mesh.points.shape[1]))
        nodes = cells if same else plain(mesh.node_of_vertex)[cells]
        return cells, nodes, corner_sums(nodes, volumes(mesh.points, cells), mesh.nodes)


# ------------------------------------------------------------------------------------------- vertices to nodes


@dataclass(frozen=True, eq=False)
class _Fold:
    """How edges between vertices become edges between nodes.

    vertex_edges : (2, vertex edges);  of_cell : (pairs, cells) their numbers, in the order of `pairs` of the sorted
    vertices of a cell;  edges : (2, edges) between nodes
    number, sign : (vertex edges,) edge that each becomes, and -1 where its direction turns; None where they stay
    """

    vertex_edges: Array
    of_cell: Array
    edges: Array
    number: Array | None = None
    sign: Array | None = None

    def links(self, values: Array) -> Array:
        """Numbers on vertex edges summed on edges, whatever their direction."""
        return values if self.number is None else np.bincount(self.number, values, minlength=self.edges.shape[1])

    def unfolded(self, circulation: Array) -> Array:
        """Circulations of edges on vertex edges."""
        return circulation if self.number is None else self.sign * circulation[self.number]

    def matrix(self, values: Array) -> sp.csr_array:
        """(edges, vertex edges), each vertex edge once with its value."""
        assert self.number is not None
        shape = (self.edges.shape[1], self.number.size)
        return sparse(values, self.number, np.arange(self.number.size), shape)


def _fold(mesh: Mesh) -> _Fold:
    vertex_edges, of_cell = unique_columns(cell_edges(sorted_columns(mesh.cells)), mesh.points.shape[1])
    if np.array_equal(mesh.node_of_vertex, np.arange(mesh.points.shape[1])):
        return _Fold(vertex_edges, of_cell, vertex_edges)
    ends = plain(mesh.node_of_vertex)[vertex_edges]
    if np.any(ends[0] == ends[1]):
        raise ValueError("an edge joins two vertices that are one node: more cells are needed across the period")
    edges, number = unique_columns(np.sort(ends, axis=0), mesh.nodes)
    return _Fold(vertex_edges, of_cell, edges, number, np.where(ends[0] < ends[1], 1.0, -1.0))


def _fold_matrix(matrix: sp.csr_array, fold: _Fold) -> sp.csr_array:
    if fold.sign is None:
        return matrix
    signed = fold.matrix(fold.sign)
    return sp.csr_array(signed @ matrix @ signed.T)


# ------------------------------------------------------------------------------------------- assembly


def _link_weights(mesh: Mesh, fold: _Fold, weight: Array) -> Array:
    """w_ij = -K_ij of the P1 stiffness int weight grad u . grad v, (vertex edges,)."""
    return _LINK_WEIGHTS[mesh.dim](mesh, fold, weight)


def _wire_weights(mesh: Mesh, fold: _Fold, weight: Array) -> Array:
    """Lines: K = weight / h on an edge."""
    return np.bincount(fold.of_cell[0], weight / volumes(mesh.points, mesh.cells), minlength=fold.vertex_edges.shape[1])


def _film_weights(mesh: Mesh, fold: _Fold, weight: Array) -> Array:
    """Cotangents."""
    from skfem import Basis, BilinearForm, ElementTriP1
    from skfem.helpers import dot, grad

    form = BilinearForm(lambda u, v, c: c["weight"] * dot(grad(u), grad(v)))
    basis, edges = Basis(skfem_mesh(mesh), ElementTriP1(), intorder=1), fold.vertex_edges
    stiffness = sp.csr_array(form.assemble(basis, weight=_on_quadrature(basis, weight)))
    return -np.asarray(stiffness[edges[0], edges[1]]).ravel()


def _bulk_weights(mesh: Mesh, fold: _Fold, weight: Array) -> Array:
    """w_ij = -sum weight V g_i.g_j over the tetrahedra of an edge; g_i the gradient of a barycentric coordinate."""
    w = np.zeros(fold.vertex_edges.shape[1])
    kernels.link_weights(_points(mesh), sorted_columns(mesh.cells), fold.of_cell, np.ascontiguousarray(weight), w)
    return w


def _wire_mass(mesh: Mesh, fold: _Fold, sigma: Array) -> sp.csr_array:
    """d sigma / h : the interpolant of a circulation c is c / h along the line."""
    return sp.csr_array(sp.diags_array(_wire_weights(mesh, fold, sigma)))


def _film_mass(mesh: Mesh, fold: _Fold, sigma: Array) -> sp.csr_array:
    """int sigma u . v"""
    from skfem.helpers import dot

    return _nedelec(mesh, fold, lambda u, v, c: c["weight"] * dot(u, v), sigma)


def _film_curls(mesh: Mesh, fold: _Fold) -> sp.csr_array:
    """int curl u . curl v"""
    from skfem.helpers import curl

    return _nedelec(mesh, fold, lambda u, v, c: curl(u) * curl(v))


def _nedelec(mesh: Mesh, fold: _Fold, form: Any, weight: Array | None = None) -> sp.csr_array:
    """A bilinear form of the lowest Nedelec elements of a film, renumbered from scikit-fem's edges to ours.

    The degree of freedom of ElementTriN1 is minus the circulation; two signs cancel in a bilinear form.
    """
    from skfem import Basis, BilinearForm, ElementTriN1

    m, edges = skfem_mesh(mesh), fold.vertex_edges
    basis = Basis(m, ElementTriN1(), intorder=2)
    to_ours = np.empty(basis.facet_dofs.shape[1], dtype=np.int64)
    to_ours[basis.facet_dofs[0]] = column_numbers(edges, m.facets, mesh.points.shape[1])
    given = {} if weight is None else {"weight": _on_quadrature(basis, weight)}
    return _renumber(sp.coo_array(BilinearForm(form).assemble(basis, **given)), to_ours)


def _bulk_mass(mesh: Mesh, fold: _Fold, sigma: Array) -> sp.csr_array:
    """int sigma u . v in closed form, (vertex edges, vertex edges): equal to scikit-fem's numbers (tested)."""
    return _bulk_matrix(mesh, fold, np.ascontiguousarray(sigma), False)


def _bulk_curls(mesh: Mesh, fold: _Fold) -> sp.csr_array:
    """int curl u . curl v, likewise."""
    return _bulk_matrix(mesh, fold, np.ones(mesh.cells.shape[1]), True)


def _bulk_matrix(mesh: Mesh, fold: _Fold, weight: Array, curls: bool) -> sp.csr_array:
    count = fold.vertex_edges.shape[1]
    start, member = kernels.cells_of_edges(fold.of_cell, count)
    first = np.zeros(count + 1, dtype=np.int64)
    column = kernels.edge_pattern(fold.of_cell, start, member, first)
    value = np.zeros(column.size)
    cells = sorted_columns(mesh.cells)
    kernels.edge_matrix(_points(mesh), cells, fold.of_cell, weight, curls, start, member, first, column, value)
    return compressed(first, column, value, (count, count))


_LINK_WEIGHTS = {1: _wire_weights, 2: _film_weights, 3: _bulk_weights}
_EDGE_MASS = {1: _wire_mass, 2: _film_mass, 3: _bulk_mass}
_CURL_CURL = {2: _film_curls, 3: _bulk_curls}


def _points(mesh: Mesh) -> Array:
    return np.ascontiguousarray(in_space(mesh.points), dtype=float)


def skfem_mesh(mesh: Mesh) -> Any:
    """The same vertices and cells as a scikit-fem mesh (films and bulk pieces only)."""
    from skfem import MeshTet, MeshTri

    if mesh.dim == 1:
        raise ValueError("scikit-fem assembles lines in space wrongly: wires are assembled by hand")
    return {2: MeshTri, 3: MeshTet}[mesh.dim](np.ascontiguousarray(mesh.points), mesh.cells.astype(np.int64))


def _on_quadrature(basis: Any, weight: Array) -> Array:
    return np.broadcast_to(weight[:, None], basis.dx.shape)


def _renumber(matrix: sp.coo_array, to: Array) -> sp.csr_array:
    i, j = matrix.coords
    return sparse(matrix.data, to[i], to[j], matrix.shape)


def _lumped(mesh: Mesh, d: Array) -> Array:
    """m_i = int d phi_i, the share of every node in its cells."""
    share = d * volumes(mesh.points, mesh.cells) / (mesh.dim + 1)
    return corner_sums(mesh.node_of_vertex[mesh.cells], share, mesh.nodes)


# ------------------------------------------------------------------------------------------- incidences


def _gradient(nodes: int, edges: Array) -> sp.csr_array:
    """(G f)_e = f_j - f_i."""
    count = edges.shape[1]
    start = np.arange(0, 2 * count + 1, 2)
    return compressed(start, edges.T.ravel(), np.tile([-1.0, 1.0], count), (count, nodes))


def _faces(mesh: Mesh, fold: _Fold) -> tuple[Array, Array, Array]:
    """Edges 01, 12, 02 of every face, its sorted nodes, and in films the sense of rotation of these."""
    if mesh.dim == 1:
        empty = np.zeros((3, 0), dtype=np.int32)
        return empty, empty, np.zeros(0)
    if mesh.dim == 3 and fold.number is None:
        return _plain_faces(mesh, fold)
    edges, nodes = fold.edges, plain(mesh.node_of_vertex)[mesh.cells]
    if mesh.dim == 2:
        order = np.argsort(nodes, axis=0)
        face_nodes = np.take_along_axis(nodes, order, axis=0)
        sign = np.sign(np.linalg.det(sides(mesh.points, np.take_along_axis(mesh.cells, order, axis=0))))
    else:
        triples = sorted_columns(nodes)[np.array([[0, 0, 0, 1], [1, 1, 2, 2], [2, 3, 3, 3]])]
        face_nodes, _ = unique_columns(triples, mesh.nodes)
        sign = np.ones(face_nodes.shape[1])
    faces = [column_numbers(edges, face_nodes[ends], mesh.nodes) for ends in ([0, 1], [1, 2], [0, 2])]
    return np.stack(faces), face_nodes, sign


def _plain_faces(mesh: Mesh, fold: _Fold) -> tuple[Array, Array, Array]:
    """The same of a body without identified vertices: a face is its edge 01 and a vertex, and a cell knows its edges.

    Faces 012, 013, 023, 123 of a cell, whose edges are 01, 02, 03, 12, 13, 23.
    """
    first = fold.of_cell[[0, 0, 1, 3]].ravel()
    number = np.empty(first.size, dtype=np.int32)
    third = sorted_columns(mesh.cells)[[2, 3, 3, 3]].ravel()
    chosen = kernels.distinct(first, third, fold.edges.shape[1], mesh.nodes, number)
    face, cell = np.divmod(chosen, mesh.cells.shape[1])
    last, long = fold.of_cell[np.array([3, 4, 5, 5])[face], cell], fold.of_cell[np.array([1, 2, 2, 4])[face], cell]
    edge = first[chosen]
    face_nodes = np.stack([fold.edges[0, edge], fold.edges[1, edge], third[chosen]])
    return np.stack([edge, last, long]), face_nodes, np.ones(chosen.size)


def _curl(edges: int, faces: Array, sign: Array) -> sp.csr_array:
    """(C a)_f = circulation round the face, a_01 + a_12 - a_02, counter-clockwise in films."""
    count = faces.shape[1]
    values = np.array([[1.0], [1.0], [-1.0]]) * sign
    rows = np.tile(np.arange(count), (3, 1))
    return sparse(values, rows, faces, (count, edges))


def _node_vector(mesh: Mesh, fold: _Fold) -> sp.csr_array:
    """Circulations to vectors at nodes: Whitney's interpolant at the barycentres, averaged by cell volume.

    There it is sum_e c_e (grad l_j - grad l_i) / (dim + 1) over the edges i -> j of the cell.  The readable form of
    `_vectors`, which needs no matrix: that is long in a bulk piece and a picture asks for it once a frame.
    """
    cells = np.sort(mesh.cells, axis=0)
    grads = gradients(mesh.points, cells)
    volume = volumes(mesh.points, cells)
    nodes = mesh.node_of_vertex[cells]
    total = np.bincount(nodes.ravel(), np.tile(volume, mesh.dim + 1), minlength=mesh.nodes)
    number, sign = fold.of_cell, np.ones(fold.of_cell.shape)
    if fold.number is not None and fold.sign is not None:
        number, sign = fold.number[number], fold.sign[number]
    columns = number.T  # (cells, pairs)
    step = np.stack([grads[:, j] - grads[:, i] for i, j in pairs(mesh.dim)], axis=1)  # (cells, pairs, space)
    values = step * sign.T[:, :, None] / (mesh.dim + 1)
    space, count = mesh.points.shape[0], cells.shape[1]
    rows = np.broadcast_to(np.arange(count)[:, None], columns.shape)
    at_cells = [sparse(values[:, :, k], rows, columns, (count, fold.edges.shape[1])) for k in range(space)]
    cell = np.tile(np.arange(count), (mesh.dim + 1, 1))
    mean = sparse(volume[cell] / total[nodes], nodes, cell, (mesh.nodes, count))
    return sp.csr_array(sp.vstack([mean @ part for part in at_cells]))
