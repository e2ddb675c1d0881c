"""Shapes as what they are meshed from: entities of gmsh's OCC kernel, or lines and loops of wire.

A new shape is registered here, three short functions at most.  gmsh is imported by the caller.
"""

from __future__ import annotations

from functools import singledispatch
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.case.curves import Bend, Piece, Straight, moved
from fempslip.case.geometry import PointHole
from fempslip.case.quantities import Mistake
from fempslip.case.shapes import (
    Annulus,
    Arc,
    Box,
    Common,
    Cylinder,
    Disk,
    Ellipse,
    Extrude,
    Layout,
    Minus,
    Mirror,
    Moved,
    Pipe,
    Plus,
    Polygon,
    Polyline,
    Rectangle,
    Repeat,
    Ring,
    Rotate,
    Sector,
    Segment,
    Shape,
    Sphere,
    Step,
    Strip,
    Torus,
    Translate,
    Tube,
)
from fempslip.contract import Array, Refusal
from fempslip.mesh.cochains import padded
from fempslip.mesh.wires import Bow, Line, Part

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
def _(shape: Ellipse, occ: Any) -> Tags:
    long, short = max(shape.radii), min(shape.radii)
    axis = [1, 0, 0] if shape.radii[0] >= shape.radii[1] else [0, 1, 0]
    return [(2, occ.addDisk(*shape.center, 0, long, short, zAxis=[0, 0, 1], xAxis=axis))]


@draw.register
def _(shape: Sector, occ: Any) -> Tags:
    """Turned out of its straight first edge, in parts of less than half a turn."""
    center, sweep = padded(shape.center), shape.to - shape.from_
    u = np.array([np.cos(shape.from_), np.sin(shape.from_), 0.0])
    ends = [occ.addPoint(*(center + r * u)) for r in (shape.inner, shape.radius)]
    edge = [(1, occ.addLine(*ends))]
    swept = occ.revolve(edge, *center, 0, 0, 1, sweep)
    return [tag for tag in swept if tag[0] == 2]


@draw.register
def _(shape: Strip, occ: Any) -> Tags:
    return [(2, occ.addPlaneSurface([occ.addCurveLoop(_closed(shape.outline(), occ))]))]


def _closed(pieces: list[Piece], occ: Any) -> list[int]:
    """Curves of a closed outline in the plane."""
    corners = [occ.addPoint(*padded(piece.start)) for piece in pieces]
    curves = []
    for piece, a, b in zip(pieces, corners, corners[1:] + corners[:1], strict=True):
        if isinstance(piece, Bend):
            curves.append(occ.addCircleArc(a, occ.addPoint(*padded(piece.center)), b))
        else:
            curves.append(occ.addLine(a, b))
    return curves


@draw.register
def _(shape: Polygon, occ: Any) -> Tags:
    return [(2, occ.addPlaneSurface([_loop(np.array(shape.points), occ)]))]


@draw.register
def _(shape: Layout, occ: Any) -> Tags:
    try:
        polygons = shape.polygons()
    except Mistake as mistake:
        raise Refusal(str(mistake).removeprefix("{here}: ")) from None
    return [(2, occ.addPlaneSurface([_loop(corners, occ) for corners in polygon])) for polygon in polygons]


def _loop(corners: Array, occ: Any) -> int:
    points = [occ.addPoint(x, y, 0) for x, y in corners]
    return int(occ.addCurveLoop([occ.addLine(a, b) for a, b in zip(points, points[1:] + points[:1], strict=True)]))


@draw.register
def _(shape: Box, occ: Any) -> Tags:
    size, low = np.array(shape.size), np.array(shape.center) - np.array(shape.size) / 2
    return [(3, occ.addBox(*low, *size))]


@draw.register
def _(shape: Cylinder, occ: Any) -> Tags:
    along = np.array(shape.axis) * shape.height
    return [(3, occ.addCylinder(*(np.array(shape.center) - along / 2), *along, shape.radius))]


@draw.register
def _(shape: Tube, occ: Any) -> Tags:
    along = np.array(shape.axis) * shape.height
    low = np.array(shape.center) - along / 2
    outer, inner = ([(3, occ.addCylinder(*low, *along, r))] for r in (shape.outer, shape.inner))
    return occ.cut(outer, inner)[0]


@draw.register
def _(shape: Sphere, occ: Any) -> Tags:
    return [(3, occ.addSphere(*shape.center, shape.radius))]


@draw.register
def _(shape: Torus, occ: Any) -> Tags:
    return [(3, occ.addTorus(*shape.center, shape.radius, shape.tube, zAxis=list(shape.axis)))]


@draw.register
def _(shape: Pipe, occ: Any) -> Tags:
    """Cylinders and parts of tori, joined where their flat ends meet."""
    outer, *inner = [_rod(shape.along.path(), r, occ) for r in (shape.radius, shape.inner) if r > 0]
    return occ.cut(outer, inner[0])[0] if inner else outer


def _rod(pieces: list[Piece], radius: float, occ: Any) -> Tags:
    first, *others = [_rod_piece(piece, radius, occ) for piece in pieces]
    return occ.fuse(first, [tag for part in others for tag in part])[0] if others else first


def _rod_piece(piece: Piece, radius: float, occ: Any) -> Tags:
    if isinstance(piece, Straight):
        return [(3, occ.addCylinder(*piece.start, *(piece.end - piece.start), radius))]
    disk = [(2, occ.addDisk(*piece.start, radius, radius, zAxis=list(piece.v), xAxis=list(piece.u)))]
    swept = occ.revolve(disk, *piece.center, *np.cross(piece.u, piece.v), piece.sweep)
    return [tag for tag in swept if tag[0] == 3]


@draw.register
def _(shape: Extrude, occ: Any) -> Tags:
    flat = draw(shape.shape, occ)
    occ.translate(flat, 0, 0, -shape.height / 2)
    return [tag for tag in occ.extrude(flat, 0, 0, shape.height) if tag[0] == 3]


@draw.register
def _(shape: Step, occ: Any) -> Tags:
    if not Path(shape.file).is_file():
        raise Refusal(f"there is no file {shape.file}")
    found = [tag for tag in occ.importShapes(shape.file, format="step") if tag[0] == 3]
    if not found:
        raise Refusal(f"{Path(shape.file).name} has no solid in it")
    occ.dilate(found, 0, 0, 0, shape.unit, shape.unit, shape.unit)
    return found


@draw.register
def _(shape: Translate, occ: Any) -> Tags:
    tags = draw(shape.shape, occ)
    occ.translate(tags, *padded(shape.by))
    return tags


@draw.register
def _(shape: Rotate, occ: Any) -> Tags:
    tags = draw(shape.shape, occ)
    occ.rotate(tags, *padded(shape.about), *shape.axis, shape.angle)
    return tags


@draw.register
def _(shape: Mirror, occ: Any) -> Tags:
    tags = draw(shape.shape, occ)
    n = padded(shape.normal)
    occ.mirror(tags, *n, -float(n @ padded(shape.about)))
    return tags


@draw.register
def _(shape: Repeat, occ: Any) -> Tags:
    found: Tags = []
    model = draw(shape.shape, occ)
    for shift in shape.shifts(3):
        copies = occ.copy(model)
        occ.translate(copies, *shift)
        found += copies
    occ.remove(model, recursive=True)
    return found


@draw.register
def _(shape: Common, occ: Any) -> Tags:
    found, *others = [draw(part, occ) for part in shape.parts]
    for other in others:
        found = occ.intersect(found, other)[0]
    return found


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
def wire(shape: Shape, region: str) -> list[Part]:
    """A wire's shape as lines and bends."""
    raise Refusal(f"a {shape.kind} cannot be divided as a wire")


@wire.register(Segment)
@wire.register(Polyline)
@wire.register(Arc)
@wire.register(Ring)
def _(shape: Shape, region: str) -> list[Part]:
    return [_part(piece, region) for piece in shape.path()]


def _part(piece: Piece, region: str) -> Part:
    return Line(piece.start, piece.end, region) if isinstance(piece, Straight) else Bow(piece, region)


@wire.register
def _(shape: Plus, region: str) -> list[Part]:
    return [part for each in shape.parts for part in wire(each, region)]


@wire.register
def _(shape: Moved, region: str) -> list[Part]:
    return [_shifted(part, *shape.isometry) for part in wire(shape.shape, region)]


@wire.register
def _(shape: Repeat, region: str) -> list[Part]:
    parts = wire(shape.shape, region)
    return [_shifted(part, np.eye(3), shift) for shift in shape.shifts(3) for part in parts]


def _shifted(part: Part, matrix: Array, offset: Array) -> Part:
    piece = Straight(part.start, part.end) if isinstance(part, Line) else part.bend
    return _part(moved(piece, matrix, offset), part.region)


# ---------------------------------------------------------------------------------------------- holes


@singledispatch
def axis(hole: Shape | PointHole) -> tuple[Array, Array]:
    """A point inside a hole and the direction of the line that passes through it, (3,) each."""
    return padded(hole.center), np.array([0.0, 0.0, 1.0])  # type: ignore[union-attr]


@axis.register
def _(hole: PointHole) -> tuple[Array, Array]:
    return padded(hole.point), np.array(hole.direction, dtype=float)


@axis.register
def _(hole: Step) -> tuple[Array, Array]:
    raise Refusal("a hole out of a STEP file is named by a point: {point: [x, y, z], direction: [..]}")


@axis.register
def _(hole: Cylinder) -> tuple[Array, Array]:
    return padded(hole.center), np.array(hole.axis, dtype=float)


@axis.register
def _(hole: Plus) -> tuple[Array, Array]:
    return axis(hole.parts[0])


@axis.register
def _(hole: Repeat) -> tuple[Array, Array]:
    """The first copy's."""
    point, direction = axis(hole.shape)
    return point + hole.shifts(3)[0], direction


@axis.register
def _(hole: Extrude) -> tuple[Array, Array]:
    return axis(hole.shape)


@axis.register
def _(hole: Moved) -> tuple[Array, Array]:
    (point, direction), (matrix, offset) = axis(hole.shape), hole.isometry
    whole, shift = np.eye(3), np.zeros(3)
    whole[: offset.size, : offset.size], shift[: offset.size] = matrix, offset
    return whole @ point + shift, whole @ direction


@axis.register(Polygon)
@axis.register(Sector)
@axis.register(Layout)
@axis.register(Strip)
@axis.register(Minus)
@axis.register(Common)
@axis.register(Annulus)
@axis.register(Tube)
@axis.register(Torus)
@axis.register(Pipe)
def _(hole: Shape) -> tuple[Array, Array]:
    """Shapes that need not hold their middle: the point of a grid that is inside and furthest from the outside."""
    low, high = hole.bounds()
    grids = [np.linspace(a, b, 42)[1:-1] for a, b in zip(low, high, strict=True)]
    x = np.array(np.meshgrid(*grids, indexing="ij"))
    inside = hole.contains(x.reshape(len(grids), -1)).reshape(x.shape[1:])
    if not inside.any():
        raise Refusal("the hole is too thin for a point in it to be found: name it by a point")
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(inside, 1))[(slice(1, -1),) * len(grids)]
    return padded(x.reshape(len(grids), -1)[:, int(np.argmax(depth))]), np.array([0.0, 0.0, 1.0])
