"""Chains, contours, angles round holes, the narrowest section."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fempslip.contract import Mesh, Refusal
from fempslip.mesh import around, chain, contour, edge_lengths, narrowest_section, operators
from fempslip.mesh.simple import box, closed_ring, interval, rectangle, simple_mesh


def punched(mesh: Mesh, inside) -> Mesh:
    """The mesh without the cells whose centre is `inside`, and without the vertices left over."""
    centre = mesh.points[:, mesh.cells].mean(axis=1)
    cells = mesh.cells[:, ~inside(centre)]
    used, number = np.unique(cells, return_inverse=True)
    return simple_mesh(mesh.points[:, used], number.reshape(cells.shape), "part", {}, mesh.size)


def film_with_hole(seed: int) -> Mesh:
    return punched(rectangle(14, 12, (7.0, 6.0), shake=0.25, seed=seed), lambda x: np.hypot(x[0] - 1, x[1]) < 1.2)


def tube(seed: int) -> Mesh:
    return punched(box(8, 8, 3, (4.0, 4.0, 1.5), shake=0.2, seed=seed), lambda x: np.hypot(x[0], x[1]) < 0.9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_chain_has_the_boundary_asked_for(seed):
    mesh = film_with_hole(seed)
    ops = operators(mesh)
    rng = np.random.default_rng(seed)
    b = np.zeros(ops.nodes)
    starts, ends = np.split(rng.choice(ops.nodes, 12, replace=False), [5])
    b[starts], b[ends] = -rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(7))
    p = chain(ops, edge_lengths(mesh, ops), b)
    assert np.abs(ops.G.T @ p - b).max() < 1e-14


def test_chain_between_two_nodes_is_the_shortest_path():
    mesh = film_with_hole(1)
    ops = operators(mesh)
    lengths = edge_lengths(mesh, ops)
    left, right = int(np.argmin(mesh.points[0])), int(np.argmax(mesh.points[0]))
    b = np.zeros(ops.nodes)
    b[left], b[right] = -1, 1
    p = chain(ops, lengths, b)
    assert set(np.unique(p)) <= {-1.0, 0.0, 1.0}
    distance = np.full(ops.nodes, np.inf)  # Bellman and Ford, to compare
    distance[left] = 0
    i, j = ops.edges
    for _ in range(ops.nodes):
        np.minimum.at(distance, j, distance[i] + lengths)
        np.minimum.at(distance, i, distance[j] + lengths)
    assert np.abs(p) @ lengths == pytest.approx(distance[right], rel=1e-12)


def test_chain_in_a_wire_runs_from_start_to_end():
    mesh = interval(np.linspace(0, 1, 6))
    ops = operators(mesh)
    b = np.array([0, -1.0, 0, 0, 1, 0])
    assert np.array_equal(chain(ops, edge_lengths(mesh, ops), b), [0, 1, 1, 1, 0])
    assert np.array_equal(chain(ops, edge_lengths(mesh, ops), -b), [0, -1, -1, -1, 0])


def test_chain_between_separate_pieces_is_refused():
    mesh = punched(rectangle(9, 2, (9.0, 2.0)), lambda x: np.abs(x[0]) < 0.5)
    ops = operators(mesh)
    b = np.zeros(ops.nodes)
    b[np.argmin(mesh.points[0])], b[np.argmax(mesh.points[0])] = -1, 1
    with pytest.raises(Refusal, match="no path"):
        chain(ops, edge_lengths(mesh, ops), b)


@pytest.mark.parametrize("sense", [1, -1])
@pytest.mark.parametrize(
    "make, point",
    [(film_with_hole, (1.0, 0.05)), (tube, (0.03, 0.02, 0.0)), (lambda seed: closed_ring(11 + seed, 7.0), (0.1, 0.2))],
)
def test_contour_goes_round_once(make, point, sense):
    for seed in range(3):
        mesh = make(seed)
        ops = operators(mesh)
        direction = (0.0, 0.0, float(sense))
        p = contour(mesh, ops, point, direction)
        assert np.abs(ops.G.T @ p).max() == 0 and set(np.unique(p)) <= {-1.0, 0.0, 1.0}
        turn = around(mesh, ops, point, direction)
        assert p @ turn == pytest.approx(2 * np.pi, rel=1e-12)
        used = np.bincount(ops.edges[:, p != 0].ravel())
        assert set(used) <= {0, 2}  # it meets no node twice
        if mesh.dim == 3:
            assert p @ around(mesh, ops, (10.0, 0.0, 0.0), direction) == pytest.approx(0, abs=1e-12)


def test_contour_is_short():
    """Round a hole of radius 1.2 in a film no longer than the jagged rim of the hole."""
    mesh = film_with_hole(0)
    ops = operators(mesh)
    length = np.abs(contour(mesh, ops, (1, 0), (0, 0, 1))) @ edge_lengths(mesh, ops)
    assert 2 * np.pi * 1.0 < length < 2 * np.pi * 1.2 * 1.4


def test_contour_finds_its_own_mesh_of_a_network():
    """Two squares of wire side by side: each hole has its own four sides; nothing surrounds a point outside."""
    x = np.array([[0, 1, 1, 0, 2, 2.0], [0, 0, 1, 1, 0, 1], [0] * 6])
    cells = np.array([[0, 1, 2, 3, 1, 4, 5], [1, 2, 3, 0, 4, 5, 2]])
    mesh = simple_mesh(x, cells, "net", {}, 1.0)
    ops = operators(mesh)
    left, right = (contour(mesh, ops, (u, 0.5), (0, 0, 1)) for u in (0.5, 1.5))
    assert np.abs(left).sum() == 4 and np.abs(right).sum() == 4
    shared = int(np.flatnonzero((ops.edges[0] == 1) & (ops.edges[1] == 2))[0])
    assert left[shared] * right[shared] == -1
    with pytest.raises(Refusal, match="surrounds"):
        contour(mesh, ops, (3.0, 0.5), (0, 0, 1))


def test_angles_close_on_every_face_of_a_body_with_a_hole():
    mesh = film_with_hole(4)
    ops = operators(mesh)
    assert np.abs(ops.C @ around(mesh, ops, (1, 0), (0, 0, 1))).max() < 1e-12
    full = rectangle(6, 6, (2.0, 2.0), shake=0.2)
    ops = operators(full)
    round_trips = ops.C @ around(full, ops, (0.07, 0.03), (0, 0, 1)) / (2 * np.pi)
    assert np.sort(np.rint(round_trips))[-2:].tolist() == [0, 1] and round_trips.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "mesh, wanted",
    [
        (interval(np.linspace(0, 4, 9)), 1.0),
        (rectangle(12, 6, (6.0, 2.5), shake=0.25), 2.5),
        (box(6, 4, 3, (3.0, 2.0, 1.5), shake=0.2), 3.0),
    ],
)
def test_section_of_straight_pieces_is_exact(mesh, wanted):
    """The potential is linear there, so that every level is a plane cut."""
    ops = operators(mesh)
    ends = [np.unique(mesh.boundaries[name]) for name in list(mesh.boundaries)[:2]]
    assert narrowest_section(mesh, ops, *ends) == pytest.approx(wanted, rel=1e-9)
    thick = np.full(mesh.cells.shape[1], 1.7)
    assert narrowest_section(mesh, operators(mesh, section=thick), *ends, section=thick) == pytest.approx(1.7 * wanted)


def test_section_of_a_wire_with_a_thin_part():
    mesh = interval(np.linspace(0, 4, 9))
    d = np.ones(8)
    d[5] = 0.3
    ops = operators(mesh, section=d)
    assert narrowest_section(mesh, ops, np.array([0]), np.array([8]), d) == pytest.approx(0.3)


@pytest.mark.parametrize("middle", [0.0, 1.25])
def test_section_of_a_film_with_a_notch(middle):
    """A V-shaped notch that leaves 2 of 4: found within 2 % at edges of a quarter of it."""
    straight = rectangle(40, 16, (10.0, 4.0))
    x, y = straight.points
    y = y * (1 - 0.5 * np.maximum(0, 1 - np.abs(x - middle) / 1.5))
    mesh = replace(straight, points=np.array([x, y]))
    ends = [np.unique(mesh.boundaries[name]) for name in ("left", "right")]
    assert narrowest_section(mesh, operators(mesh), *ends) == pytest.approx(2.0, rel=0.02)


def test_section_between_parts_that_are_not_joined_or_touch():
    mesh = punched(rectangle(9, 2, (9.0, 2.0)), lambda x: np.abs(x[0]) < 0.5)
    ops = operators(mesh)
    x = mesh.points[0]
    with pytest.raises(Refusal, match="no path"):
        narrowest_section(mesh, ops, np.flatnonzero(x < -4.4), np.flatnonzero(x > 4.4))
    with pytest.raises(Refusal, match="touch"):
        narrowest_section(mesh, ops, np.array([0, 1]), np.array([1, 2]))
