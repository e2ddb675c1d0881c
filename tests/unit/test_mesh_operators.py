"""The discrete operators: five identities on perturbed meshes, scales by weights, identified vertices."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from fempslip.mesh import edge_lengths, operators, uniform_field
from fempslip.mesh.simple import box, closed_ring, interval, rectangle
from fempslip.mesh.simplices import (
    column_numbers,
    gradients,
    laplacian,
    sorted_columns,
    unique_columns,
    volumes,
)

assembling = import_module("fempslip.mesh.operators")  # the room has a function of this name

MESHES = {
    "wire": lambda seed: interval(np.cumsum(np.random.default_rng(seed).uniform(0.2, 1.0, 12))),
    "ring": lambda seed: closed_ring(7 + seed % 5, 9.0),
    "film": lambda seed: rectangle(5, 4, (3.0, 2.0), shake=0.28, seed=seed),
    "body": lambda seed: box(3, 3, 2, (2.0, 1.5, 1.0), shake=0.2, seed=seed),
}
everywhere = pytest.mark.parametrize("kind", MESHES)
seeds = given(seed=st.integers(0, 10_000))
few = settings(max_examples=8, deadline=None)


def constant_field(mesh, ops, vector):
    """Circulations of a constant vector along the edges."""
    i, j = ops.edges
    return vector[: mesh.points.shape[0]] @ (mesh.points[:, j] - mesh.points[:, i])


def cell_weight(mesh, seed):
    return np.random.default_rng(seed).uniform(0.3, 3.0, mesh.cells.shape[1])


@everywhere
@few
@seeds
def test_curl_of_gradient_is_exactly_zero(kind, seed):
    ops = operators(MESHES[kind](seed))
    assert abs(ops.C @ ops.G).sum() == 0


@everywhere
@few
@seeds
def test_edge_mass_between_gradients_is_the_stiffness(kind, seed):
    """G^T M1 G = G^T diag(w) G when conductivity and kinetic weight agree."""
    mesh = MESHES[kind](seed)
    weight = cell_weight(mesh, seed)
    ops = operators(mesh, kinetic=weight, sigma=weight)
    stiffness = ops.G.T @ sp.diags_array(ops.w) @ ops.G
    assert abs(ops.G.T @ ops.M1 @ ops.G - stiffness).max() < 1e-12 * abs(stiffness).max()


@few
@seeds
def test_a_body_has_scikit_fems_masses_and_curls(seed):
    """Closed forms against quadrature: M1 and S of lowest-order Nedelec elements, K of P1, on a perturbed mesh."""
    from skfem import Basis, BilinearForm, ElementTetN0, ElementTetP1, MeshTet
    from skfem.helpers import curl, dot, grad

    mesh = MESHES["body"](seed)
    q, s = cell_weight(mesh, seed), cell_weight(mesh, seed + 1)
    ops = operators(mesh, kinetic=q, sigma=s)
    m = MeshTet(np.ascontiguousarray(mesh.points), mesh.cells.astype(np.int64))
    basis = Basis(m, ElementTetN0(), intorder=2)
    weighted = BilinearForm(lambda u, v, c: c["weight"] * dot(u, v))
    swirl = BilinearForm(lambda u, v, c: dot(curl(u), curl(v)))
    key = ops.edges[0].astype(int) * ops.nodes + ops.edges[1]
    ours = np.empty(ops.edges.shape[1], dtype=int)  # of their degrees of freedom
    ours[basis.edge_dofs[0]] = np.searchsorted(key, m.edges[0] * ops.nodes + m.edges[1])
    back = np.argsort(ours)
    for found, form in ((ops.M1, weighted.assemble(basis, weight=np.broadcast_to(s[:, None], basis.dx.shape))),
                        (ops.S, swirl.assemble(basis))):  # fmt: skip
        reference = form.toarray()[np.ix_(back, back)]
        assert np.abs(found.toarray() - reference).max() < 1e-12 * np.abs(reference).max()
    plain = Basis(m, ElementTetP1(), intorder=1)
    stiffness = BilinearForm(lambda u, v, c: c["weight"] * dot(grad(u), grad(v))).assemble(
        plain, weight=np.broadcast_to(q[:, None], plain.dx.shape)
    )
    assert np.abs(ops.w + np.asarray(stiffness.toarray()[ops.edges[0], ops.edges[1]])).max() < 1e-12 * ops.w.max()


@few
@seeds
def test_curl_curl_of_a_film_from_its_faces(seed):
    """C^T M2 C = S, where S is assembled by itself."""
    ops = operators(MESHES["film"](seed))
    assert abs(ops.C.T @ ops.M2 @ ops.C - ops.S).max() < 1e-12 * abs(ops.S).max()


@few
@seeds
def test_uniform_field_has_its_flux_through_every_face(seed):
    """C a = area B in films, the flux through the oriented triangle in bulk."""
    b = np.array([0.3, -0.2, 0.7])
    film, body = MESHES["film"](seed), MESHES["body"](seed)
    for mesh, ops in ((film, operators(film)), (body, operators(body))):
        flux = ops.C @ uniform_field(mesh, ops, b)
        if mesh.dim == 2:
            wanted = volumes(mesh.points, mesh.cells) * b[2]
        else:
            p, q, r = (mesh.points[:, n] for n in ops.face_nodes)
            wanted = b @ np.cross(q - p, r - p, axis=0) / 2
        assert np.allclose(flux, wanted, atol=1e-13)


@few
@seeds
def test_curl_curl_energy_of_a_uniform_field_in_bulk(seed):
    """a^T S a = V |B|^2: an edge numbered or signed wrongly breaks it."""
    mesh = MESHES["body"](seed)
    ops = operators(mesh)
    b = np.array([0.5, 1.1, -0.4])
    a = uniform_field(mesh, ops, b)
    assert a @ ops.S @ a == pytest.approx(volumes(mesh.points, mesh.cells).sum() * b @ b, rel=1e-12)


@few
@seeds
def test_curl_curl_energy_in_bulk_is_that_of_the_fluxes(seed):
    """a^T S a = sum_cells V |b|^2 for any a, b the constant field with the fluxes C a through the faces of a cell: this
    is C^T M2 C = S, with the mass of the lowest Raviart-Thomas elements."""
    mesh = MESHES["body"](seed)
    ops = operators(mesh)
    a = np.random.default_rng(seed).normal(size=ops.edges.shape[1])
    flux = ops.C @ a
    number = {tuple(face): k for k, face in enumerate(ops.face_nodes.T.tolist())}
    energy = 0.0
    for cell, volume in zip(mesh.cells.T, volumes(mesh.points, mesh.cells), strict=True):
        nodes = np.sort(mesh.node_of_vertex[cell])
        faces = [nodes[[0, 1, 2]], nodes[[0, 1, 3]], nodes[[0, 2, 3]], nodes[[1, 2, 3]]]
        p = [mesh.points[:, face] for face in faces]
        areas = np.array([np.cross(x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]) / 2 for x in p])
        wanted = flux[[number[tuple(face.tolist())] for face in faces]]
        b, rest, *_ = np.linalg.lstsq(areas, wanted, rcond=None)
        assert np.allclose(areas @ b, wanted)
        energy += volume * b @ b
    assert a @ ops.S @ a == pytest.approx(energy, rel=1e-10)


@everywhere
@few
@seeds
def test_constant_potential_has_its_energy(kind, seed):
    """a^T diag(w) a = a^T M1 a = int |A|^2 with the thickness in it (tangential part in wires)."""
    mesh = MESHES[kind](seed)
    d = cell_weight(mesh, seed + 1)
    ops = operators(mesh, section=d)
    vector = np.array([0.4, -0.9, 0.6])
    a = constant_field(mesh, ops, vector)
    height = np.einsum("x,xkc->kc", vector[: mesh.points.shape[0]], mesh.points[:, mesh.cells])
    tangential = np.einsum("ckx,kc->cx", gradients(mesh.points, mesh.cells), height)
    wanted = d * volumes(mesh.points, mesh.cells) @ (tangential**2).sum(axis=1)
    assert a @ (ops.w * a) == pytest.approx(wanted, rel=1e-12)
    assert a @ ops.M1 @ a == pytest.approx(wanted, rel=1e-12)


@everywhere
def test_node_vectors_of_a_constant_field(kind):
    mesh = MESHES[kind](3)
    ops = operators(mesh)
    vector = np.array([0.4, -0.9, 0.6])
    found = (ops.node_vector @ constant_field(mesh, ops, vector)).reshape(-1, ops.nodes)
    assert found.shape[0] == mesh.points.shape[0]
    if kind == "wire":
        vector = vector * [1, 0, 0]
    if kind == "ring":  # at a corner, the mean of the tangential parts along the two equal edges
        x = mesh.points
        t = np.roll(x, -1, axis=1) - x
        t = t / np.linalg.norm(t, axis=0)
        along = t * (vector @ t)
        assert np.allclose(found, (along + np.roll(along, 1, axis=1)) / 2)
        return
    assert np.allclose(found, vector[: mesh.points.shape[0], None])


@everywhere
def test_weights_scale_what_they_should(kind):
    """Twice the section: m, w, M1 double. Kinetic: w only. Conductivity: M1 only. S never."""
    mesh = MESHES[kind](1)
    two = np.full(mesh.cells.shape[1], 2.0)
    plain = operators(mesh)
    factors = {"section": (2, 2, 2), "kinetic": (1, 2, 1), "sigma": (1, 1, 2)}
    for name, (m, w, m1) in factors.items():
        ops = operators(mesh, **{name: two})
        assert np.allclose(ops.m, m * plain.m) and np.allclose(ops.w, w * plain.w)
        assert abs(ops.M1 - m1 * plain.M1).max() < 1e-14
        assert plain.S is None or abs(ops.S - plain.S).max() == 0


@everywhere
def test_shapes_and_order(kind):
    mesh = MESHES[kind](2)
    ops = operators(mesh)
    i, j = ops.edges
    assert np.all(i < j) and np.all(np.diff(i.astype(int) * ops.nodes + j) > 0)
    assert ops.edges.dtype == np.int32 and ops.G.indices.dtype == np.int32 and ops.M1.indices.dtype == np.int32
    if mesh.dim == 1:
        assert ops.faces.shape == (3, 0) and ops.C.shape == (0, i.size) and ops.S is None and ops.M2 is None
        return
    n0, n1, n2 = ops.face_nodes
    for row, (first, second) in zip(ops.faces, ((n0, n1), (n1, n2), (n0, n2)), strict=True):
        assert np.array_equal(ops.edges[:, row], [first, second])
    if mesh.dim == 3:  # Euler: V - E + F - T = 1 for a ball
        assert ops.nodes - i.size + n0.size - mesh.cells.shape[1] == 1 and np.all(ops.face_sign == 1)


def test_face_sign_tells_the_sense_of_rotation():
    mesh = rectangle(3, 3, (1.0, 1.0), shake=0.2)
    ops = operators(mesh)
    p, q, r = (mesh.points[:, n] for n in ops.face_nodes)
    area = (q - p)[0] * (r - p)[1] - (q - p)[1] * (r - p)[0]
    assert np.array_equal(np.sign(area), ops.face_sign) and {-1.0, 1.0} == set(ops.face_sign)


def test_wire_operators_by_hand():
    mesh = interval(np.array([0.0, 0.5, 2.0]))
    ops = operators(mesh, section=np.array([2.0, 3.0]), kinetic=np.array([1.0, 0.5]), sigma=np.array([4.0, 1.0]))
    assert ops.w == pytest.approx([2 / 0.5, 3 * 0.5 / 1.5])
    assert ops.M1.diagonal() == pytest.approx([8 / 0.5, 3 / 1.5])
    assert ops.m == pytest.approx([0.5, 0.5 + 2.25, 2.25])


def identified(mesh):
    """A film whose left and right edges are one: a tube."""
    x, y = mesh.points
    node, right = np.arange(x.size), np.isclose(x, x.max())
    left = np.flatnonzero(np.isclose(x, x.min()))
    node[right] = left[[int(np.argmin(abs(y[left] - v))) for v in y[right]]]
    _, node = np.unique(node, return_inverse=True)
    return replace(mesh, node_of_vertex=node.astype(np.int32))


def test_identified_vertices_make_a_tube():
    mesh = identified(rectangle(6, 4, (3.0, 2.0), shake=0.2))
    ops = operators(mesh)
    assert ops.nodes == 6 * 5 and ops.nodes - ops.edges.shape[1] + mesh.cells.shape[1] == 0  # Euler number of a tube
    assert abs(ops.C @ ops.G).sum() == 0
    stiffness = ops.G.T @ sp.diags_array(ops.w) @ ops.G
    assert abs(ops.G.T @ ops.M1 @ ops.G - stiffness).max() < 1e-12
    assert abs(ops.C.T @ ops.M2 @ ops.C - ops.S).max() < 1e-11
    assert edge_lengths(mesh, ops).max() < 1.2  # no edge runs across the film


def test_a_period_of_one_cell_is_refused():
    with pytest.raises(ValueError, match="more cells"):
        operators(identified(rectangle(1, 3, (1.0, 1.0))))


@pytest.mark.parametrize("kind", [*MESHES, "tube"])
@few
@seeds
def test_vectors_at_nodes_need_no_matrix(kind, seed):
    """The loop over cells and its readable form, the sparse matrix of the same interpolant and means."""
    mesh = identified(MESHES["film"](seed)) if kind == "tube" else MESHES[kind](seed)
    ops = operators(mesh)
    given = np.random.default_rng(seed).normal(size=(2, ops.edges.shape[1]))
    found = ops.matrices.vectors(given)
    for one, circulation in zip(found, given, strict=True):
        assert np.allclose(one.T, (ops.node_vector @ circulation).reshape(-1, ops.nodes), rtol=1e-12, atol=1e-12)


@everywhere
@few
@seeds
def test_the_poisson_matrix_is_that_of_the_edge_mass(kind, seed):
    """K_sigma, assembled as a stiffness, is G^T M1 G; `laplacian` is G^T diag(w) G."""
    mesh = MESHES[kind](seed)
    ops = operators(mesh, section=cell_weight(mesh, seed), sigma=cell_weight(mesh, seed + 1))
    for found, long in (
        (ops.K_sigma, ops.G.T @ ops.M1 @ ops.G),
        (laplacian(ops.nodes, ops.edges, ops.w), ops.G.T @ sp.diags_array(ops.w) @ ops.G),
    ):
        assert abs(found - long).max() < 1e-12 * abs(found).max()


def test_long_matrices_are_made_when_they_are_asked_for():
    ops = operators(MESHES["body"](0))
    assert not {"G", "C", "M1", "S", "K_sigma", "node_vector"} & set(vars(ops))
    assert ops.M1 is ops.M1 and ops.K_sigma is ops.K_sigma


@given(st.integers(1, 3), st.integers(1, 40), st.integers(0, 200), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_numbering_of_columns(rows, size, count, seed):
    """Against numpy's unique of the columns as digits."""
    columns = np.random.default_rng(seed).integers(0, size, (rows, count, 2))
    found, number = unique_columns(columns, size)
    wanted = np.unique(columns.reshape(rows, -1), axis=1)
    assert np.array_equal(found, wanted) and np.array_equal(found[:, number], columns)
    assert np.array_equal(column_numbers(found, columns[:, ::-1], size), number[::-1])
    assert np.array_equal(sorted_columns(columns), np.sort(columns, axis=0))
    missing = np.full((rows, 1), size)
    with pytest.raises(ValueError, match="not in the table"):
        column_numbers(found, missing, size + 1)


@few
@seeds
def test_faces_of_a_body_are_found_by_its_edges(seed):
    """The short way without identified vertices, against the long one."""
    mesh = MESHES["body"](seed)
    fold = assembling._fold(mesh)
    folded = replace(fold, number=np.arange(fold.edges.shape[1]), sign=np.ones(fold.edges.shape[1]))
    for short, long in zip(assembling._faces(mesh, fold), assembling._faces(mesh, folded), strict=True):
        assert np.array_equal(short, long) and short.dtype == long.dtype
