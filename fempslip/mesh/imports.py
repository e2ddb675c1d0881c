"""Meshes that others made, with their named groups: .msh of gmsh, .vtu, and what else meshio reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.contract import Array, Refusal

_KIND = {1: "line", 2: "triangle", 3: "tetra"}
_VERTEX = "vertex"


@dataclass(frozen=True, eq=False)
class Groups:
    """points : (3, vertices);  cells, facets : group -> (corners, n) vertices."""

    points: Array
    cells: Mapping[str, Array]
    facets: Mapping[str, Array]


def read_groups(path: str, dimension: int) -> Groups:
    """The groups of a mesh file: physical groups of gmsh; in other files `array:value` of integer cell data.

    Raises Refusal for what is no mesh file or has no cells of the dimension.
    """
    import meshio

    if not Path(path).is_file():
        raise Refusal(f"there is no file {path}")
    try:
        mesh = meshio.read(path)
    except (Exception, SystemExit) as error:  # readers raise errors of many kinds
        raise Refusal(
            f"{Path(path).name} cannot be read as a mesh: {str(error)[:200] or type(error).__name__}"
        ) from None
    kinds = (_KIND[dimension], _KIND[dimension - 1] if dimension > 1 else _VERTEX)
    points = np.zeros((3, len(mesh.points)))
    points[: mesh.points.shape[1]] = mesh.points.T
    found = Groups(points, _of_kind(mesh, kinds[0]), _of_kind(mesh, kinds[1]))
    if not any(part.shape[1] for part in found.cells.values()):
        raise Refusal(f"{Path(path).name} has no named group of straight {kinds[0]} cells for a {dimension}D geometry")
    if (
        not np.isfinite(points).all()
        or max(int(part.max(initial=0)) for part in found.cells.values()) >= points.shape[1]
    ):
        raise Refusal(f"{Path(path).name}: the mesh is damaged (vertices that are not there, or no numbers)")
    return found


def _of_kind(mesh: Any, kind: str) -> dict[str, Array]:
    """group -> (corners, n) vertices of its cells of a kind."""
    blocks = [k for k, block in enumerate(mesh.cells) if block.type == kind]
    found: dict[str, list[Array]] = {}
    for name, parts in mesh.cell_sets.items():
        if name.startswith("gmsh:"):
            continue
        for k in blocks:
            if parts[k] is not None and len(parts[k]):
                found.setdefault(name, []).append(mesh.cells[k].data[np.asarray(parts[k], dtype=int)])
    for name, parts in mesh.cell_data.items():
        for k in blocks:
            values = np.asarray(parts[k])
            if name.startswith("gmsh:") or values.ndim != 1 or not np.issubdtype(values.dtype, np.integer):
                continue
            for value in np.unique(values)[:1000]:
                found.setdefault(f"{name}:{value}", []).append(mesh.cells[k].data[values == value])
    return {name: np.concatenate(parts).T.astype(np.int64) for name, parts in found.items()}


def vertices_at(points: Array, places: Array, tolerance: float) -> Array:
    """Numbers of the vertices of a mesh at given places (space, ...), -1 where there is none."""
    from scipy.spatial import cKDTree

    distance, number = cKDTree(points.T).query(places.reshape(places.shape[0], -1).T)
    return np.where(distance <= tolerance, number, -1).reshape(places.shape[1:])
