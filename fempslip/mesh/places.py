"""Points and parts of a mesh as weights on its nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from fempslip.contract import Array, Mesh, Refusal
from fempslip.mesh.simplices import Vector, column_numbers, corner_sums, sides, sorted_columns, unique_columns, volumes

Field = Callable[[Array], Array] | Array | float


def locate(mesh: Mesh, point: Vector, what: str = "the point") -> tuple[Array, Array]:
    """Nodes and barycentric weights, (dim + 1,) each, of the cell that holds a point.

    A point outside by less than a tenth of an edge (a curved edge that the mesh cuts short) goes to the nearest
    point of the body; one further out raises Refusal, with the distance and the nearest point.
    """
    x = _place(mesh, point)
    cell, weights, distance = _nearest(mesh, x)
    corners = mesh.points[:, mesh.cells[:, cell]]
    longest = max(np.linalg.norm(corners[:, i] - corners[:, 0]) for i in range(1, mesh.dim + 1))
    if distance > 0.1 * longest:
        nearest = ", ".join(f"{v:.4g}" for v in np.round(corners @ weights, 6) + 0.0)
        at = ", ".join(f"{v:.4g}" for v in x)
        raise Refusal(
            f"{what} at ({at}) xi is outside the body, {distance:.4g} xi away from it; the nearest point is ({nearest})"
        )
    return mesh.node_of_vertex[mesh.cells[:, cell]].astype(np.int64), weights


def cell_of(mesh: Mesh, point: Vector) -> int:
    """Number of the cell that holds a point or comes nearest to it."""
    return _nearest(mesh, _place(mesh, point))[0]


def distance_to(mesh: Mesh, point: Vector) -> float:
    """Distance of a point from the body; 0 inside."""
    return _nearest(mesh, _place(mesh, point))[2]


def facet_weights(mesh: Mesh, boundary: str, section: Array | None = None) -> tuple[Array, Array, float]:
    """Nodes of a boundary, their shares of its area (sum 1), and the area: times the thickness, if given.

    section : (cells,) thickness of a film or cross-section of a wire, 1 if None.
    """
    facets = mesh.boundaries[boundary]
    area = volumes(mesh.points, facets)
    if section is not None:
        area = area * np.asarray(section)[cells_behind(mesh, facets)]
    nodes, number = np.unique(mesh.node_of_vertex[facets], return_inverse=True)
    shares = np.bincount(number.ravel(), np.tile(area, mesh.dim) / mesh.dim, minlength=nodes.size)
    return nodes.astype(np.int64), shares / area.sum(), float(area.sum())


def cells_behind(mesh: Mesh, facets: Array) -> Array:
    """The cell behind each boundary facet, (facets,); facets : (dim, facets) vertices."""
    count = mesh.points.shape[1]
    beside = np.zeros(count, dtype=bool)
    beside[facets] = True
    near = np.flatnonzero(sum(beside[row].astype(np.int8) for row in mesh.cells) >= mesh.dim)
    local = np.array([[i for i in range(mesh.dim + 1) if i != k] for k in range(mesh.dim + 1)]).T
    columns, number = unique_columns(sorted_columns(mesh.cells[:, near])[local], count)  # of (dim, dim + 1, near)
    owner = np.empty(columns.shape[1], dtype=np.int64)
    owner[number] = near
    return owner[column_numbers(columns, sorted_columns(facets), count)]


def dual_mean(mesh: Mesh, f: Field | Mapping[str, Field], weight: Array | None = None) -> Array:
    """int f phi_i / int phi_i, (nodes,), integrated element by element.

    f : function of x (space, ...) with values (...), an array (cells,), a number, or one of these for every region.
    weight : (cells,) thickness or the like in both integrals.  A quartic f is integrated exactly against no weight.
    """
    constant = _everywhere(mesh, f)
    if constant is not None:
        return np.full(mesh.nodes, constant)
    from skfem.quadrature import get_quadrature
    from skfem.refdom import RefLine, RefTet, RefTri

    reference, parts = get_quadrature((RefLine, RefTri, RefTet)[mesh.dim - 1], 4)
    shape = np.concatenate([1.0 - reference.sum(axis=0, keepdims=True), reference])  # (dim + 1, quadrature points)
    x = np.einsum("xkc,kq->xcq", mesh.points[:, mesh.cells], shape)
    values = _values(mesh, f, x)
    volume = volumes(mesh.points, mesh.cells) * (1.0 if weight is None else weight)
    moments = np.einsum("cq,kq,q->kc", values, shape, parts / parts.sum()) * volume
    nodes = mesh.node_of_vertex[mesh.cells]
    total = np.bincount(nodes.ravel(), moments.ravel(), minlength=mesh.nodes)
    return total / corner_sums(nodes, volume / (mesh.dim + 1), mesh.nodes)


def _everywhere(mesh: Mesh, f: Field | Mapping[str, Field]) -> float | None:
    """The number that f is in every region, or None if it is not one."""
    found = [f[name] for name in mesh.regions] if isinstance(f, Mapping) else [f]
    if not found or any(callable(part) or np.ndim(part) for part in found):
        return None
    first = float(np.asarray(found[0]))
    return first if all(float(np.asarray(part)) == first for part in found) else None


def cell_values(mesh: Mesh, by_region: Mapping[str, float]) -> Array:
    """A number for every region as an array, (cells,)."""
    values = np.full(mesh.cells.shape[1], np.nan)
    for name, cells in mesh.regions.items():
        values[cells] = by_region[name]
    return values


# ------------------------------------------------------------------------------------------- parts of these


def _place(mesh: Mesh, point: Vector) -> Array:
    x = np.zeros(mesh.points.shape[0])
    x[: min(len(point), x.size)] = np.asarray(point, dtype=float)[: x.size]
    return x


def _values(mesh: Mesh, f: Field | Mapping[str, Field], x: Array) -> Array:
    if not isinstance(f, Mapping):
        return _field(f, x)
    values = np.empty(x.shape[1:])
    for name, cells in mesh.regions.items():
        part = f[name]
        values[cells] = _field(part[cells] if isinstance(part, np.ndarray) and part.ndim else part, x[:, cells])
    return values


def _field(f: Field, x: Array) -> Array:
    if callable(f):
        return np.broadcast_to(f(x), x.shape[1:])
    f = np.asarray(f, dtype=float)
    return np.broadcast_to(f[:, None] if f.ndim else f, x.shape[1:])


def _nearest(mesh: Mesh, x: Array) -> tuple[int, Array, float]:
    """Cell that holds x or comes nearest to it, weights there, and the distance."""
    if mesh.dim == 1:
        return _on_wires(mesh, x)
    near = _around(mesh, x)
    weights = _barycentric(mesh, x, near)
    best = int(np.argmax(weights.min(axis=0))) if near.size else 0
    if near.size and weights[:, best].min() >= -1e-9:
        inside = np.maximum(weights[:, best], 0.0)
        return int(near[best]), inside / inside.sum(), 0.0
    return _projection(mesh, x)


def _around(mesh: Mesh, x: Array) -> Array:
    """Numbers of the cells whose boxes hold x: all that can hold it, and few others."""
    near, margin = np.arange(mesh.cells.shape[1]), 1e-6 * float(np.ptp(mesh.points, axis=1).max())
    for row, here in zip(mesh.points, x, strict=True):
        low = row - margin <= here
        high = row + margin >= here
        cells = mesh.cells[:, near]
        near = near[low[cells].any(axis=0) & high[cells].any(axis=0)]
    return near


def _on_wires(mesh: Mesh, x: Array) -> tuple[int, Array, float]:
    """Foot of the perpendicular from x on each line, kept between its ends; the nearest one."""
    start, along = mesh.points[:, mesh.cells[0]], mesh.points[:, mesh.cells[1]] - mesh.points[:, mesh.cells[0]]
    t = np.clip(((x[:, None] - start) * along).sum(axis=0) / (along**2).sum(axis=0), 0.0, 1.0)
    distance = np.linalg.norm(start + t * along - x[:, None], axis=0)
    cell = int(np.argmin(distance))
    return cell, np.array([1.0 - t[cell], t[cell]]), float(distance[cell])


def _barycentric(mesh: Mesh, x: Array, near: Array) -> Array:
    """Weights of x in some cells, (dim + 1, cells)."""
    cells = mesh.cells[:, near]
    right = (x[:, None] - mesh.points[:, cells[0]]).T[:, :, None]
    inner = np.linalg.solve(sides(mesh.points, cells), right)[:, :, 0].T
    return np.concatenate([1.0 - inner.sum(axis=0, keepdims=True), inner])


def _projection(mesh: Mesh, x: Array, candidates: int = 64) -> tuple[int, Array, float]:
    """Nearest point of the body, among the cells whose centre and size say that they can hold it."""
    from scipy.optimize import nnls

    corners = mesh.points[:, mesh.cells]
    centre = corners.mean(axis=1)
    reach = np.linalg.norm(corners - centre[:, None], axis=0).max(axis=0)
    least = np.linalg.norm(centre - x[:, None], axis=0) - reach
    best: tuple[int, Array, float] = (0, np.zeros(mesh.dim + 1), np.inf)
    for cell in np.argsort(least)[: candidates * 16]:
        if least[cell] > best[2]:
            break
        big = 1e4 * (1.0 + np.abs(corners[:, :, cell] - x[:, None]).max())
        system = np.vstack([corners[:, :, cell] - x[:, None], np.full(mesh.dim + 1, big)])
        weights = nnls(system, np.r_[np.zeros(x.size), big])[0]
        weights = weights / weights.sum()
        distance = float(np.linalg.norm(corners[:, :, cell] @ weights - x))
        if distance < best[2]:
            best = (int(cell), weights, distance)
    return best


def plane_wave(mesh: Mesh, direction: Array, waves: float) -> tuple[float, Array]:
    """(k, cos(k s) at nodes): so many waves over the extent of a body along a unit vector, s from where it begins.

    Raises Refusal where the wave does not fit: a part of one round a period, or a wire that is not straight along it.
    """
    s = direction[: mesh.points.shape[0]] @ mesh.points
    extent = float(np.ptp(s))
    if mesh.dim == 1:
        length = float(np.linalg.norm(np.diff(mesh.points[:, mesh.cells], axis=1)[:, 0], axis=0).sum())
        if abs(length - extent) > 1e-6 * length:
            raise Refusal("a plane wave wants a straight wire, along its direction")
    if mesh.periods and waves % 1:
        raise Refusal(f"{waves:g} waves do not close round a period: give a whole number")
    k = 2 * np.pi * waves / extent
    wave = np.empty(mesh.nodes)
    wave[mesh.node_of_vertex] = np.cos(k * (s - s.min()))
    return k, wave
