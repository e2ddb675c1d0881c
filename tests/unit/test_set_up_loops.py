"""The loops of the set-up are their readable forms in numpy."""

from __future__ import annotations

from itertools import combinations
from math import factorial

import numpy as np
import pytest

from fempslip.mesh import operators, places, simple
from fempslip.mesh.simplices import corner_sums, gradients, volumes
from fempslip.physics.graph import graph, unsigned
from fempslip.topology import lines
from fempslip.topology.subcomplex import _rows


@pytest.mark.parametrize(("dim", "space"), [(1, 1), (1, 3), (2, 2), (2, 3), (3, 3)])
def test_volumes_and_gradients_from_gram_matrices(dim: int, space: int) -> None:
    rng = np.random.default_rng(dim + space)
    points, cells = rng.standard_normal((space, 60)), np.array([rng.permutation(60)[: dim + 1] for _ in range(50)]).T
    corners = points[:, cells]
    s = np.moveaxis(corners[:, 1:] - corners[:, :1], -1, 0)  # (cells, space, dim)
    gram = np.swapaxes(s, 1, 2) @ s
    assert np.allclose(volumes(points, cells), np.sqrt(np.linalg.det(gram)) / factorial(dim), rtol=1e-9)
    inner = np.linalg.solve(gram, np.swapaxes(s, 1, 2))
    found = gradients(points, cells)
    assert np.allclose(found[:, 1:], inner, rtol=1e-7) and np.abs(found.sum(axis=1)).max() < 1e-9 * np.abs(found).max()


def test_sums_at_corners() -> None:
    rng = np.random.default_rng(1)
    nodes, values = rng.integers(0, 30, (4, 200)), rng.standard_normal(200)
    assert np.array_equal(corner_sums(nodes, values, 33), np.bincount(nodes.ravel(), np.tile(values, 4), minlength=33))


def test_rows_of_the_graph() -> None:
    op = operators(simple.box(5, 4, 3, (2.0, 1.5, 1.0), shake=0.2))
    g, (i, j), count = graph(op), op.edges, op.edges.shape[1]
    row, column = np.concatenate([i, j]), np.concatenate([j, i])
    order = np.lexsort((column, row))
    place = np.empty(2 * count, dtype=int)
    place[order] = np.arange(2 * count)
    assert np.array_equal(g.neighbour, column[order]) and np.array_equal(np.append(g.up, g.down), place)
    assert np.array_equal(g.start, np.searchsorted(row[order], np.arange(op.nodes + 1)))
    assert graph(op) is g and np.shares_memory(unsigned(op.edges), op.edges)


def test_cells_of_faces_and_faces_of_edges() -> None:
    op = operators(simple.box(4, 4, 3, (2.0, 1.5, 1.0), shake=0.2))
    rng, faces = np.random.default_rng(2), op.faces.shape[1]
    mesh = simple.box(4, 4, 3, (2.0, 1.5, 1.0), shake=0.2)
    number = {tuple(face): k for k, face in enumerate(op.face_nodes.T.tolist())}
    cells = np.array([[number[face] for face in combinations(sorted(cell), 3)] for cell in mesh.cells.T.tolist()]).T
    beside = lines.face_cells(cells.astype(np.uint32), faces)
    for face in range(faces):
        wanted = np.flatnonzero((cells == face).any(axis=0))
        assert sorted(beside[:, face][beside[:, face] >= 0]) == wanted.tolist()
    live, sense = rng.random(faces) < 0.7, rng.choice([-1.0, 1.0], faces)
    start, face_of, sign = _rows(op.faces, sense, live, op.edges.shape[1])
    chosen = np.flatnonzero(live)
    edge, face = op.faces[:, chosen].ravel(), np.tile(chosen, 3)
    signs, order = (np.array([[1], [1], [-1]]) * sense[chosen]).ravel(), np.lexsort((face, edge))
    assert np.array_equal(face_of, face[order]) and np.array_equal(sign, signs[order])
    assert np.array_equal(start, np.searchsorted(edge[order], np.arange(op.edges.shape[1] + 1)))
    assert sign.dtype == np.int8 and start.dtype == np.uint32


@pytest.mark.parametrize("kind", ["film", "body"])
def test_a_point_is_found_in_the_cell_that_all_cells_say(kind: str) -> None:
    film = kind == "film"
    mesh = simple.rectangle(9, 7, (3.0, 2.0), shake=0.25) if film else simple.box(5, 4, 4, (3.0, 2.0, 2.0), shake=0.2)
    extent = np.ptp(mesh.points, axis=1)
    for share in np.random.default_rng(3).random((40, mesh.dim)):
        x = mesh.points.min(axis=1) + share * extent
        weights = places._barycentric(mesh, x, np.arange(mesh.cells.shape[1]))
        best = int(np.argmax(weights.min(axis=0)))
        assert places.cell_of(mesh, x) == best or weights[:, best].min() < -1e-9
    corner = mesh.points[:, mesh.cells[0, 3]]
    assert places.distance_to(mesh, corner) == 0.0


def test_the_cells_behind_the_facets_of_a_region() -> None:
    mesh = simple.box(4, 3, 3, (2.0, 1.5, 1.0), shake=0.2)
    local = np.array([[i for i in range(4) if i != k] for k in range(4)])
    facets = np.concatenate([mesh.cells[row] for row in local], axis=1)
    facets = facets[:, np.random.default_rng(4).permutation(facets.shape[1])[:30]]
    owner = {tuple(sorted(mesh.cells[row, c])): c for row in local for c in range(mesh.cells.shape[1])}
    found = places.cells_behind(mesh, facets)
    for facet, cell in zip(facets.T, found, strict=True):
        assert set(facet) <= set(mesh.cells[:, cell])
    outer = [k for k, f in enumerate(facets.T) if sum(set(f) <= set(c) for c in mesh.cells.T.tolist()) == 1]
    assert all(found[k] == owner[tuple(sorted(facets[:, k]))] for k in outer)


def test_the_mean_of_a_constant_is_the_constant() -> None:
    mesh = simple.rectangle(4, 3, (2.0, 1.5), shake=0.2)
    assert np.array_equal(places.dual_mean(mesh, dict.fromkeys(mesh.regions, 0.3)), np.full(mesh.nodes, 0.3))
    assert np.allclose(places.dual_mean(mesh, lambda x: 0.3 + 0 * x[0]), 0.3, rtol=1e-14)
