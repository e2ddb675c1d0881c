"""Points, boundaries and functions as weights on nodes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fempslip.contract import Refusal
from fempslip.mesh import cell_values, distance_to, dual_mean, facet_weights, locate, operators
from fempslip.mesh.simple import box, closed_ring, interval, rectangle
from fempslip.mesh.simplices import volumes

FILM = rectangle(7, 5, (4.0, 2.0), shake=0.25)
BODY = box(4, 3, 3, (2.0, 1.5, 1.0), shake=0.2)
WIRE = interval(np.array([0.0, 0.3, 1.0, 2.5]))


@settings(max_examples=40, deadline=None)
@given(x=st.floats(-2, 2), y=st.floats(-1, 1))
def test_a_point_is_the_mean_of_its_corners(x, y):
    nodes, weights = locate(FILM, (x, y))
    assert weights.min() >= 0 and weights.sum() == pytest.approx(1)
    assert FILM.points[:, nodes] @ weights == pytest.approx([x, y], abs=1e-9)


@pytest.mark.parametrize("mesh, point", [(BODY, (0.3, -0.7, 0.2)), (WIRE, (1.7, 0.0, 0.0)), (WIRE, (0.3,))])
def test_points_in_bodies_and_wires(mesh, point):
    nodes, weights = locate(mesh, point)
    wanted = np.r_[point, np.zeros(3 - len(point))]
    assert mesh.points[:, nodes] @ weights == pytest.approx(wanted, abs=1e-9) and weights.sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "mesh, point, distance",
    [(FILM, (5.0, 0.5), 3.0), (FILM, (5.0, 5.0), 5.0), (BODY, (0, 0, 2.5), 2.0), (WIRE, (1, 0.4, 0.3), 0.5)],
)
def test_a_point_outside_is_refused_with_its_distance(mesh, point, distance):
    assert distance_to(mesh, point) == pytest.approx(distance, rel=1e-9)
    with pytest.raises(Refusal, match=rf"probe 'far' .* {distance:.4g} xi away .* nearest point is"):
        locate(mesh, point, "probe 'far'")


def test_a_point_on_the_circle_of_a_ring_goes_to_its_polygon():
    mesh = closed_ring(40, 2 * np.pi * 3)
    for angle in np.linspace(0, 6, 11):
        place = 3 * np.array([np.cos(angle), np.sin(angle), 0])
        nodes, weights = locate(mesh, place)
        assert np.linalg.norm(mesh.points[:, nodes] @ weights - place) < 0.015


def test_shares_of_a_boundary_follow_its_lengths():
    mesh = rectangle(3, 5, (1.0, 2.0))
    nodes, weights, section = facet_weights(mesh, "left")
    y = mesh.points[1, nodes]
    assert section == pytest.approx(2.0) and weights.sum() == pytest.approx(1)
    assert np.allclose(weights[np.abs(y) < 0.9], 0.2) and np.allclose(weights[np.abs(y) > 0.9], 0.1)
    assert weights @ y == pytest.approx(0)


def test_shares_of_a_boundary_count_the_thickness():
    """A left edge with thickness 3 above and 1 below the middle."""
    mesh = rectangle(3, 6, (1.0, 2.0))
    d = np.where(mesh.points[1][mesh.cells].mean(axis=0) > 0, 3.0, 1.0)
    nodes, weights, section = facet_weights(mesh, "left", d)
    assert section == pytest.approx(4.0)
    assert weights @ (mesh.points[1, nodes] > 0.01) == pytest.approx(0.75 - 0.75 / 3 / 2)  # half a step is shared below


def test_boundaries_of_wires_and_bodies():
    nodes, weights, section = facet_weights(WIRE, "last", np.array([1.0, 2.0, 5.0]))
    assert (nodes.tolist(), weights.tolist(), section) == ([3], [1.0], 5.0)
    nodes, weights, section = facet_weights(BODY, "top")
    assert section == pytest.approx(3.0) and np.all(BODY.points[2, nodes] == 0.5)
    assert weights @ BODY.points[0, nodes] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("mesh", [WIRE, FILM, BODY], ids=["wire", "film", "body"])
def test_means_over_dual_cells_keep_the_integral(mesh):
    """sum m_i f_i = int f for a cubic f, times the thickness; a constant stays itself."""
    d = np.random.default_rng(0).uniform(0.5, 2, mesh.cells.shape[1])
    m = operators(mesh, section=d).m

    def f(x):
        return 1 + x[0] - 2 * x[1] + x[0] ** 2 * x[1] + 0.5 * x[0] ** 3

    # Gauss points of a cube folded onto the simplex (Duffy's map), exact far beyond cubics
    u, w = np.polynomial.legendre.leggauss(4)
    u, w = (u + 1) / 2, w / 2
    grid = np.array(np.meshgrid(*[u] * mesh.dim, indexing="ij")).reshape(mesh.dim, -1)
    weight = np.prod(np.array(np.meshgrid(*[w] * mesh.dim, indexing="ij")).reshape(mesh.dim, -1), axis=0)
    shape, rest = [], np.ones(grid.shape[1])
    for k in range(mesh.dim):
        shape.append(rest * grid[k])
        weight = weight * (1 - grid[k]) ** (mesh.dim - 1 - k)
        rest = rest * (1 - grid[k])
    shape.append(rest)
    x = np.einsum("xkc,kq->xcq", mesh.points[:, mesh.cells], np.array(shape))
    integral = (f(x) @ weight / weight.sum()) @ (d * volumes(mesh.points, mesh.cells))
    assert m @ dual_mean(mesh, f, d) == pytest.approx(integral, rel=1e-12)
    assert np.allclose(dual_mean(mesh, 3.0), 3.0) and np.allclose(dual_mean(mesh, 3.0 + 0 * d, d), 3.0)


def test_means_by_region():
    """Between two regions of equal weight a node has the mean of both."""
    mesh = replace(interval(np.arange(5.0)), regions={"a": np.array([0, 1]), "b": np.array([2, 3])})
    assert dual_mean(mesh, {"a": 1.0, "b": lambda x: 3.0 + 0 * x[0]}) == pytest.approx([1, 1, 2, 3, 3])
    assert cell_values(mesh, {"a": 1.0, "b": 3.0}).tolist() == [1, 1, 3, 3]
