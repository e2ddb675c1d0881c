"""Small meshes without a mesher: for tests and for the verification of orders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from fempslip.contract import Array, Mesh


def interval(points: Array, region: str = "wire") -> Mesh:
    """A straight wire along x with vertices at `points`, (vertices,) increasing; ends named first and last."""
    x = np.asarray(points, dtype=float)
    if x.ndim != 1 or x.size < 2 or np.any(np.diff(x) <= 0):
        raise ValueError("an interval needs two or more increasing points")
    place = np.zeros((3, x.size))
    place[0] = x
    number = np.arange(x.size)
    ends = {"first": number[:1, None].T, "last": number[-1:, None].T}
    return simple_mesh(place, np.array([number[:-1], number[1:]]), region, ends, float(np.diff(x).max()))


def closed_ring(n: int, length: float, region: str = "ring") -> Mesh:
    """A regular polygon of n edges with the perimeter `length`, round the origin of the xy plane; hole named hole."""
    if n < 3:
        raise ValueError("a ring needs three or more edges")
    angle = 2 * np.pi * np.arange(n) / n
    radius = length / (2 * n * np.sin(np.pi / n))
    place = radius * np.array([np.cos(angle), np.sin(angle), 0 * angle])
    cells = np.array([np.arange(n), np.r_[np.arange(1, n), 0]])
    mesh = simple_mesh(place, cells, region, {}, length / n)
    return _with_holes(mesh, {"hole": (np.zeros(3), np.array([0.0, 0.0, 1.0]))})


def rectangle(nx: int, ny: int, size: tuple[float, float], shake: float = 0.0, seed: int = 0) -> Mesh:
    """A film of nx by ny squares, two triangles each, centred at the origin; edges left, right, bottom, top.

    shake : inner vertices are moved at random by up to this part of a square's side (keep it below 0.3).
    """
    from skfem import MeshTri

    axes = [np.linspace(-s / 2, s / 2, n + 1) for s, n in zip(size, (nx, ny), strict=True)]
    m = MeshTri.init_tensor(*axes)
    return _tensor(m, axes, ("left", "right", "bottom", "top"), "film", shake, seed)


def box(nx: int, ny: int, nz: int, size: tuple[float, float, float], shake: float = 0.0, seed: int = 0) -> Mesh:
    """A body of nx by ny by nz bricks, tetrahedra in each, centred; faces left, right, front, back, bottom, top."""
    from skfem import MeshTet

    axes = [np.linspace(-s / 2, s / 2, n + 1) for s, n in zip(size, (nx, ny, nz), strict=True)]
    m = MeshTet.init_tensor(*axes)
    return _tensor(m, axes, ("left", "right", "front", "back", "bottom", "top"), "body", shake, seed)


def simple_mesh(points: Array, cells: Array, region: str, boundaries: Mapping[str, Array], size: float) -> Mesh:
    """A mesh of one region, nothing identified."""
    return Mesh(
        points=points,
        cells=cells.astype(np.int32),
        node_of_vertex=np.arange(points.shape[1], dtype=np.int32),
        regions={region: np.arange(cells.shape[1], dtype=np.int32)},
        boundaries={name: part.astype(np.int32) for name, part in boundaries.items()},
        size=size,
    )


def _with_holes(mesh: Mesh, holes: Mapping[str, tuple[Array, Array]]) -> Mesh:
    return replace(mesh, holes=holes)


def _tensor(m: Any, axes: list[Array], names: tuple[str, ...], region: str, shake: float, seed: int) -> Mesh:
    points, cells, facets = m.p.copy(), m.t, m.facets[:, m.boundary_facets()]
    boundaries = {}
    for k, axis in enumerate(axes):
        for side in (0, 1):
            on = np.all(points[k, facets] == axis[-side], axis=0)
            boundaries[names[2 * k + side]] = facets[:, on]
    step = np.array([axis[1] - axis[0] for axis in axes])
    inner = np.ones(points.shape[1], dtype=bool)
    inner[facets.ravel()] = False
    moves = np.random.default_rng(seed).uniform(-shake, shake, points.shape) * step[:, None]
    return simple_mesh(points + moves * inner, cells, region, boundaries, float(step.max()))
