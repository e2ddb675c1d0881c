"""The space around a body: tetrahedra from its skin to a sphere, whatever the body.

The mesh of the body stays as it is; the vacuum is grown onto its skin, finest there and coarser outwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from fempslip.contract import Array, Mesh, Operators, Refusal, Surroundings
from fempslip.mesh.bodies import Trouble
from fempslip.mesh.child import apart
from fempslip.mesh.operators import operators
from fempslip.mesh.simple import simple_mesh
from fempslip.mesh.simplices import column_numbers

REACH = 3.0  # radius of the ball over that of the body: with the dipole outside, moments are right to 0.2 %
GROWTH = 0.3  # of the size of cells with the distance from the body
OUTER = 0.25  # size of the cells at the sphere over its radius


Made = tuple[Array, Array]  # vertices and cells of body and space, as made before


def surrounded(mesh: Mesh, op: Operators, made: Made | None = None, reach: float = REACH) -> Surroundings:
    """The body in a ball `reach` times as large, without patterns.

    Raises Refusal where no mesh of the space around it was found.
    """
    facets = skin(mesh.cells)
    corners = mesh.points[:, np.unique(facets)]
    center = 0.5 * (corners.min(axis=1) + corners.max(axis=1))
    radius = reach * float(np.linalg.norm(corners - center[:, None], axis=0).max())
    points, cells = made or joined(mesh, grown, facets, center, radius)
    whole, all_op, edges = everything(mesh, op, points, cells)
    none = np.zeros((0, all_op.edges.shape[1]))
    return Surroundings(whole, all_op, edges, radius, center, np.sort(skin(cells), axis=0), none)


def joined(mesh: Mesh, fill: Callable[..., Made], *given: object) -> Made:
    """The body and the space that `fill` makes of its vertices and the rest, in a process of its own."""
    try:
        points, cells = apart(fill, mesh.points, *given)
    except Trouble as trouble:
        raise Refusal(f"the space around the body cannot be meshed: {trouble}") from None
    return points, oriented(points, np.concatenate([mesh.cells, cells], axis=1))


def everything(mesh: Mesh, op: Operators, points: Array, cells: Array) -> tuple[Mesh, Operators, Array]:
    """Mesh and operators of body and space, and the numbers of the body's edges there."""
    whole = replace(simple_mesh(points, cells, "space", {}, mesh.size), holes=mesh.holes)
    all_op = operators(whole)
    return whole, all_op, column_numbers(all_op.edges, op.edges, all_op.nodes)


def skin(cells: Array) -> Array:
    """(3, facets) vertices of the facets that only one tetrahedron has."""
    local = np.array(list(combinations(range(4), 3))).T
    facets = cells[local].reshape(3, -1)
    key, first, count = np.unique(np.sort(facets, axis=0), axis=1, return_index=True, return_counts=True)
    return facets[:, first[count == 1]]


def oriented(points: Array, cells: Array) -> Array:
    p = points[:, cells]
    negative = np.einsum("ic,ic->c", np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0], axis=0), p[:, 3] - p[:, 0]) < 0
    cells = cells.copy()
    cells[2:, negative] = cells[2:, negative][::-1]
    return cells


def globe(radius: float, size: float) -> tuple[Array, Array]:
    """Vertices (3, n) and triangles (3, m) of a sphere with edges of about `size`; the polyhedron has its volume."""
    from scipy.spatial import ConvexHull

    count = max(60, int(4 * np.pi * radius**2 / (0.5 * np.sqrt(3) * size**2)))
    k = np.arange(count) + 0.5
    z, angle = 1 - 2 * k / count, np.pi * (1 + np.sqrt(5)) * k
    points = np.array([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z])
    hull = ConvexHull(points.T)
    return radius * np.cbrt(4 / 3 * np.pi / hull.volume) * points, hull.simplices.T


def size_of(points: Array, facets: Array, largest: float) -> Callable[[Array], float]:
    """Size of cells at a place: that of the nearest triangle of the skin, and GROWTH of the distance to it."""
    from scipy.spatial import cKDTree

    corner = points[:, facets]
    tree = cKDTree(corner.mean(axis=1).T)
    edge = np.linalg.norm(corner - np.roll(corner, 1, axis=1), axis=0).mean(axis=0)

    def size(place: Array) -> float:
        distance, nearest = tree.query(place)
        return float(min(edge[nearest] + GROWTH * distance, largest))

    return size


def grown(points: Array, facets: Array, center: Array, radius: float) -> tuple[Array, Array]:
    """All vertices (those of the body first) and the tetrahedra of the space between its skin and the sphere."""
    ball, triangles = globe(radius, OUTER * radius)
    places = np.concatenate([points, ball + center[:, None]], axis=1)
    return filled(places, [facets, points.shape[1] + triangles], size_of(points, facets, OUTER * radius))


def filled(points: Array, shells: Sequence[Array], size: Callable[[Array], float]) -> tuple[Array, Array]:
    """All vertices, those given first, and the tetrahedra within the last of closed shells but outside the others.

    shells : (3, triangles) each, without vertices in common;  size : of cells at a place
    """
    import gmsh

    used = np.unique(np.concatenate([shell.ravel() for shell in shells]))
    gmsh.initialize([], interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.option.setNumber("Mesh.Optimize", 1)
        gmsh.option.setNumber("Mesh.MeshSizeExtendFromBoundary", 0)
        gmsh.model.add("space")
        for tag, shell in enumerate(shells, 1):
            gmsh.model.addDiscreteEntity(2, tag)
            own = np.unique(shell)
            gmsh.model.mesh.addNodes(2, tag, 1 + np.searchsorted(used, own), points[:, own].T.ravel())
            gmsh.model.mesh.addElementsByType(tag, 2, [], (1 + np.searchsorted(used, shell)).T.ravel())
        loops = [gmsh.model.geo.addSurfaceLoop([tag]) for tag in range(len(shells), 0, -1)]
        volume = gmsh.model.geo.addVolume(loops)
        gmsh.model.geo.synchronize()
        gmsh.model.mesh.setSizeCallback(lambda dim, tag, x, y, z, given: size(np.array([x, y, z])))
        gmsh.model.mesh.generate(3)
        tags, places, _ = gmsh.model.mesh.getNodes()
        _, found = gmsh.model.mesh.getElementsByType(4, volume)
    finally:
        gmsh.finalize()
    if not len(found):
        raise Trouble("the mesher found no cells")
    order = np.argsort(tags)
    places, tags = places.reshape(-1, 3)[order].T, tags[order]
    own = tags <= used.size
    new = np.empty(tags.size, dtype=np.int64)
    new[own] = used[tags[own].astype(np.int64) - 1]
    new[~own] = points.shape[1] + np.arange(np.count_nonzero(~own))
    return np.concatenate([points, places[:, ~own]], axis=1), new[np.searchsorted(tags, found).reshape(-1, 4).T]
