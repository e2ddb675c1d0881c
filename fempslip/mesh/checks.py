"""Is a mesh fine enough: the core of a vortex, or the depth of screening, against the edge length; the flux through the
largest face.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from fempslip.contract import Array, Mesh, Refusal
from fempslip.mesh.simplices import volumes

DEFAULT_SIZE = {1: 0.1, 2: 0.5, 3: 0.5}  # a slip period of a wire is 7 % off at 0.5 xi
_LARGEST_SIZE = 1.0
_WARN, _REFUSE = 0.1, 0.5  # flux quanta through a face: windings are ambiguous from half a quantum on


class CoarseMesh(UserWarning):
    """The mesh is coarser than the sizes for which the accuracy is known."""


def check_size(case: Any) -> None:
    """Warn (CoarseMesh) where a size of `case.mesh` is above the good one; refuse one above the largest.

    The core wants cells of xi at most.  task: london has no core: what its cells resolve is how deep currents flow.
    """
    sizes = {"mesh.size": case.mesh.size} | {f"mesh.regions.{k}": v for k, v in case.mesh.regions.items()}
    for path, size in sizes.items():
        if not (np.isfinite(size) and size > 0):
            raise case.refuse(path, f"mesh size {size:g} xi is not a positive length")
    if case.task == "london":
        return _check_depth(case, sizes)
    good = DEFAULT_SIZE[case.geometry.dimension]
    for path, size in sizes.items():
        if size > _LARGEST_SIZE * (1 + 1e-9):
            raise case.refuse(path, f"mesh size {size:.3g} xi does not resolve the core: set {path} <= {good:g} xi")
        if size > good * (1 + 1e-9):
            warnings.warn(f"mesh size {size:.3g} xi ({path}) is coarser than {good:g} xi", CoarseMesh, stacklevel=4)


def _check_depth(case: Any, sizes: Mapping[str, float]) -> None:
    """Cells against lambda (Lambda of thin films): refused above it, warned of above half.  Deep inside nothing flows,
    so where the mesh is refined near boundaries, it is the refined size that counts.
    """
    thin = case.model.screening == "pearl"
    depth = case.scales.Lambda if thin else case.scales.kappa
    if not depth:
        return  # refused for that later on
    name, worst = ("Lambda = lambda^2/thickness", 2.0) if thin else ("lambda", 1.0)  # thin films: 0.1 % at h = Lambda
    finest = min((r.size for r in case.mesh.refine), default=np.inf)
    for path, size in sizes.items():
        size = min(size, finest)
        words = f"cells of {_said(case, size)} ({path}) against {name} = {_said(case, depth)}"
        if size > worst * depth * (1 + 1e-9):
            wanted = f"set {path} <= {_said(case, 0.5 * worst * depth)}, or refine near the surface (mesh.refine)"
            raise case.refuse(path, f"{words} do not resolve how deep its currents flow: {wanted}")
        if size > 0.5 * worst * depth * (1 + 1e-9):
            warnings.warn(f"{words}: moments are off by some per cent", CoarseMesh, stacklevel=4)


def _said(case: Any, length: float) -> str:
    """A length as a reader of the case knows it: in nm where xi is known, else in xi."""
    xi = case.scales.si("length")
    return f"{length:.3g} xi" if xi is None else f"{length * xi * 1e9:.4g} nm"


def face_areas(mesh: Mesh) -> Array:
    """Areas of all triangles of the mesh, (faces of cells,); empty for wires."""
    if mesh.dim == 1:
        return np.zeros(0)
    return np.concatenate([volumes(mesh.points, mesh.cells[list(t)]) for t in combinations(range(mesh.dim + 1), 3)])


def check_flux(mesh: Mesh, flux_density: float) -> float:
    """Flux quanta through the largest face at the largest |B|, in Bc2; above 0.1 warns, above 0.5 raises Refusal."""
    areas = face_areas(mesh)
    quanta = float(areas.max(initial=0.0) * abs(flux_density) / (2 * np.pi))
    if quanta > _REFUSE:
        finer = mesh.size * np.sqrt(_WARN / quanta)
        raise Refusal(
            f"a field of {abs(flux_density):.3g} Bc2 puts {quanta:.2g} flux quanta through one face of the mesh, which "
            f"does not resolve it (at most {_REFUSE:g}): set mesh.size <= {finer:.2g} xi or lower the field"
        )
    if quanta > _WARN:
        warnings.warn(f"{quanta:.2g} flux quanta pass through the largest face of the mesh", CoarseMesh, stacklevel=2)
    return quanta
