"""Shapes as what they are meshed from: entities of gmsh's OCC kernel, or lines and loops of wire.

A new shape is registered here, three short functions at most.  gmsh is imported by the caller.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np

from fempslip.case.geometry import PointHole
from fempslip.case.shapes import (
    Annulus,
    Box,
    Cylinder,
    Disk,
    Minus,
    Plus,
    Polygon,
    Rectangle,
    Ring,
    Segment,
    Shape,
)
from fempslip.contract import Array, Refusal
from fempslip.mesh.cochains import padded
from fempslip.mesh.wires import Line, Loop

Tags = list[tuple[int, int]]  # (dimension, tag) of gmsh entities


# ---------------------------------------------------------------------------------------------- gmsh


@singledispatch
def draw(shape: Shape, occ: Any) -> Tags:
    """Add a film's or bulk piece's shape to gmsh's OCC kernel; its entities."""
    raise Refusal(f"a {shape.kind} cannot be meshed as a film or a bulk piece")


@draw.register
def _(shape: Rectangle, occ: Any) -> Tags:
    (w, h), (x, y) = shape.size, shape.center
    return [(2, occ.addRectangle(x - w / 2, y - h / 2, 0, w, h))]


@draw.register
def _(shape: Disk, occ: Any) -> Tags:
    return [(2, occ.addDisk(*shape.center, 0, shape.radius, shape.radius))]


@draw.register
def _(shape: Annulus, occ: Any) -> Tags:
    outer, inner = ([(2, occ.addDisk(*shape.center, 0, r, r))] for r in (shape.outer, shape.inner))
    return occ.cut(outer, inner)[0]


@draw.register
def _(shape: Polygon, occ: Any) -> Tags:
    corners = [occ.addPoint(x, y, 0) for x, y in shape.points]
    sides = [occ.addLine(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)]
    return [(2, occ.addPlaneSurface([occ.addCurveLoop(sides)]))]


@draw.register
def _(shape: Box, occ: Any) -> Tags:
    size, low = np.array(shape.size), np.array(shape.center) - np.array(shape.size) / 2
    return [(3, occ.addBox(*low, *size))]


@draw.register
def _(shape: Cylinder, occ: Any) -> Tags:
    along = np.array(shape.axis) * shape.height
    return [(3, occ.addCylinder(*(np.array(shape.center) - along / 2), *along, shape.radius))]


@draw.register
def _(shape: Plus, occ: Any) -> Tags:
    first, *others = [draw(part, occ) for part in shape.parts]
    return occ.fuse(first, [tag for part in others for tag in part])[0]


@draw.register
def _(shape: Minus, occ: Any) -> Tags:
    first, *others = [draw(part, occ) for part in shape.parts]
    return occ.cut(first, [tag for part in others for tag in part])[0]


# ---------------------------------------------------------------------------------------------- wires


@singledispatch
def wire(shape: Shape, region: str) -> list[Line | Loop]:
    """A wire's shape as lines and loops."""
    raise Refusal(f"a {shape.kind} cannot be divided as a wire")


@wire.register
def _(shape: Segment, region: str) -> list[Line | Loop]:
    return [Line(padded(shape.from_), padded(shape.to), region)]


@wire.register
def _(shape: Ring, region: str) -> list[Line | Loop]:
    return [Loop(padded(shape.center), shape.radius, region)]


@wire.register
def _(shape: Plus, region: str) -> list[Line | Loop]:
    return [part for each in shape.parts for part in wire(each, region)]


# ---------------------------------------------------------------------------------------------- holes


@singledispatch
def axis(hole: Shape | PointHole) -> tuple[Array, Array]:
    """A point inside a hole and the direction of the line that passes through it, (3,) each."""
    return padded(hole.center), np.array([0.0, 0.0, 1.0])  # type: ignore[union-attr]


@axis.register
def _(hole: PointHole) -> tuple[Array, Array]:
    return padded(hole.point), np.array(hole.direction, dtype=float)


@axis.register
def _(hole: Cylinder) -> tuple[Array, Array]:
    return padded(hole.center), np.array(hole.axis, dtype=float)


@axis.register
def _(hole: Plus) -> tuple[Array, Array]:
    return axis(hole.parts[0])


@axis.register(Polygon)
@axis.register(Minus)
@axis.register(Annulus)
def _(hole: Shape) -> tuple[Array, Array]:
    """Shapes that need not hold their middle: the point of a grid that is inside and furthest from the outside."""
    low, high = _bounds(hole)
    grids = [np.linspace(a, b, 42)[1:-1] for a, b in zip(low, high, strict=True)]
    x = np.array(np.meshgrid(*grids, indexing="ij"))
    inside = hole.contains(x.reshape(len(grids), -1)).reshape(x.shape[1:])
    if not inside.any():
        raise Refusal("the hole is too thin for a point in it to be found: name it by a point")
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(inside, 1))[(slice(1, -1),) * len(grids)]
    return padded(x.reshape(len(grids), -1)[:, int(np.argmax(depth))]), np.array([0.0, 0.0, 1.0])


def _bounds(shape: Any) -> tuple[Array, Array]:
    if isinstance(shape, Polygon):
        return np.min(shape.points, axis=0), np.max(shape.points, axis=0)
    if isinstance(shape, Minus):
        return _bounds(shape.parts[0])
    if isinstance(shape, Plus):
        every = [_bounds(part) for part in shape.parts]
        return np.min([b[0] for b in every], axis=0), np.max([b[1] for b in every], axis=0)
    if isinstance(shape, Annulus | Disk):
        half = np.full(2, getattr(shape, "outer", getattr(shape, "radius", 0.0)))
    elif isinstance(shape, Cylinder):
        half = np.full(3, np.hypot(shape.radius, shape.height / 2))
    else:
        half = np.array(shape.size) / 2
    return np.array(shape.center) - half, np.array(shape.center) + half
