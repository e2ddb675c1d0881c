"""Named parts of a body's surface, found on the facets of its mesh by where they lie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse.csgraph import connected_components

from fempslip.contract import Array, Mesh
from fempslip.mesh.places import cells_behind
from fempslip.mesh.simplices import graph, sides, sorted_columns, unique_columns

EDGES = {"left": (0, 0), "right": (0, 1), "bottom": (1, 0), "top": (1, 1)}
FACES = {"left": (0, 0), "right": (0, 1), "front": (1, 0), "back": (1, 1), "bottom": (2, 0), "top": (2, 1)}


def exterior(mesh: Mesh) -> Array:
    """Facets that belong to one cell only, (dim, facets) vertices."""
    local = np.array([[i for i in range(mesh.dim + 1) if i != k] for k in range(mesh.dim + 1)]).T
    columns, number = unique_columns(sorted_columns(mesh.cells)[local], mesh.points.shape[1])
    return columns[:, np.bincount(number.ravel()) == 1]


def facets_of(mesh: Mesh, region: str, facets: Array) -> Array:
    """Those facets whose cell is in the region."""
    own = np.zeros(mesh.cells.shape[1], dtype=bool)
    own[mesh.regions[region]] = True
    return facets[:, own[cells_behind(mesh, facets)]]


def at_extreme(mesh: Mesh, region: str, facets: Array, axis: int, side: int) -> Array:
    """Facets that lie wholly at the region's smallest (side 0) or largest (side 1) coordinate along an axis."""
    return facets[:, _on_extreme(mesh, region, facets, axis, side)]


def lateral(mesh: Mesh, region: str, facets: Array, axis: int) -> Array:
    """Facets of a bulk piece that lie at neither end along the axis."""
    for side in (0, 1):
        facets = facets[:, ~_on_extreme(mesh, region, facets, axis, side)]
    return facets


def on_end(mesh: Mesh, facets: Array, middle: Array, facing: Array, reach: float) -> Array:
    """(facets,) True for those on a flat end: wholly in its plane, and no further from its middle than it reaches."""
    x = mesh.points[:, facets] - middle[:, None, None]
    flat = np.abs(np.einsum("x,xkf->kf", facing, x)).max(axis=0) <= 1e-6 * max(reach, 1.0)
    near = np.linalg.norm(x, axis=0).max(axis=0) <= reach * (1 + 1e-6)
    return np.asarray(flat & near)


def surface(mesh: Mesh, region: str) -> Array:
    """All facets of a region, those between it and other regions too."""
    return exterior(replace(mesh, cells=mesh.cells[:, mesh.regions[region]]))


def without(facets: Array, others: Array) -> Array:
    """The facets that are not among the others."""
    gone = {tuple(facet) for facet in others.T}
    return facets[:, [tuple(facet) not in gone for facet in facets.T]]


def among(facets: Array, others: Array) -> Array:
    """The facets that are among the others; vertices of each in the same order."""
    known = {tuple(facet) for facet in others.T}
    return facets[:, [tuple(facet) in known for facet in facets.T]]


def loops(mesh: Mesh, facets: Array) -> tuple[Array, Array]:
    """Number of the closed surface that each exterior facet belongs to, and the volume that each surface encloses.

    Volumes are signed by the outward normals: positive for an outer surface, negative for one round a hole.
    """
    count = mesh.points.shape[1]
    links = np.concatenate([facets[[k, k + 1]] for k in range(facets.shape[0] - 1)], axis=1)
    _, component = connected_components(graph(count, links), directed=False)
    _, number = np.unique(component[facets[0]], return_inverse=True)
    return number, np.bincount(number, _flux(mesh, facets))


def outer_facets(mesh: Mesh, facets: Array) -> Array:
    """(facets,) True on surfaces that enclose the body, False on those round holes and cavities."""
    number, volume = loops(mesh, facets)
    return volume[number] > 0


def _flux(mesh: Mesh, facets: Array) -> Array:
    """Outward flux of x / dim through each facet."""
    behind = cells_behind(mesh, facets)
    corner = mesh.points[:, facets[0]]
    spans = sides(mesh.points, facets)  # (facets, space, dim - 1)
    if mesh.dim == 2:
        normal = np.array([spans[:, 1, 0], -spans[:, 0, 0]])
    else:
        normal = np.cross(spans[:, :, 0], spans[:, :, 1]).T / 2
    centre = mesh.points[:, mesh.cells[:, behind]].mean(axis=1)
    outward = np.sign(((corner - centre) * normal).sum(axis=0))
    middle = mesh.points[:, facets].mean(axis=1)
    return outward * (middle * normal).sum(axis=0) / mesh.dim


def _on_extreme(mesh: Mesh, region: str, facets: Array, axis: int, side: int) -> Array:
    corners = mesh.points[:, mesh.cells[:, mesh.regions[region]]].reshape(mesh.points.shape[0], -1)
    low, high = corners[axis].min(), corners[axis].max()
    tolerance = 1e-6 * np.ptp(corners, axis=1).max()
    return np.all(np.abs(mesh.points[axis, facets] - (high if side else low)) < tolerance, axis=0)
