"""Shapes of films: points have two coordinates."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from fempslip.case.curves import Bend, Piece, Straight, crosses_itself, in_polygon, rounded
from fempslip.case.layout_files import Outline, outlines
from fempslip.case.parts import Angle, FileName, Length, Listed, NotNegative, Point, Positive, wrong
from fempslip.case.shape import (
    ORIGIN,
    Array,
    Ball,
    Block,
    Center,
    End,
    Shape,
    around,
    distance,
    of_path,
    path_ends,
)


class Rectangle(Block):
    kind = "rectangle"
    dim = 2
    sides = ("left", "right", "bottom", "top", "outer")
    size: Annotated[tuple[Annotated[Length, Positive], Annotated[Length, Positive]], Listed]


class Disk(Ball):
    kind = "disk"
    dim = 2
    sides = ("outer",)


class Ellipse(Shape):
    """radii : half its extent along x and y."""

    kind = "ellipse"
    dim = 2
    sides = ("outer",)
    radii: Annotated[tuple[Annotated[Length, Positive], Annotated[Length, Positive]], Listed]
    center: Center = ORIGIN

    def contains(self, x: Array) -> Array:
        r = (x - np.array(self.center)[:, None]) / np.array(self.radii)[:, None]
        return (r**2).sum(axis=0) <= 1

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, np.array(self.radii))


class Annulus(Shape):
    kind = "annulus"
    dim = 2
    sides = ("outer", "inner")
    inner: Annotated[Length, Positive]
    outer: Annotated[Length, Positive]
    center: Center = ORIGIN

    @model_validator(mode="after")
    def _has_width(self) -> Annulus:
        if self.inner >= self.outer:
            raise wrong(f"{{here}}: inner ({self.inner:g} xi) must be smaller than outer ({self.outer:g} xi)")
        return self

    def contains(self, x: Array) -> Array:
        r = distance(x, self.center)
        return (self.inner <= r) & (r <= self.outer)

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, self.outer)


class Sector(Shape):
    """Part of a disk, or of an annulus, counter-clockwise between two angles; its straight edges: first and last."""

    kind = "sector"
    dim = 2
    sides = ("first", "last", "left", "right", "bottom", "top", "outer")
    radius: Annotated[Length, Positive]
    inner: Annotated[Length, NotNegative] = 0.0
    from_: Angle = Field(alias="from")
    to: Angle
    center: Center = ORIGIN

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Sector:
        if self.inner >= self.radius:
            raise wrong(f"{{here}}: inner ({self.inner:g} xi) must be smaller than radius ({self.radius:g} xi)")
        if not 0 < self.to - self.from_ < 2 * np.pi * (1 - 1e-9):
            raise wrong("{here}: the angle `to` must be above `from` by less than a full turn")
        return self

    def contains(self, x: Array) -> Array:
        r = x - np.array(self.center)[:, None]
        angle = np.mod(np.arctan2(r[1], r[0]) - self.from_, 2 * np.pi)
        size = np.hypot(*r)
        return (self.inner <= size) & (size <= self.radius) & (angle <= self.to - self.from_)

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, self.radius)

    def ends(self) -> dict[str, End]:
        found = {}
        for name, angle, sign in (("first", self.from_, -1.0), ("last", self.to, 1.0)):
            u = np.array([np.cos(angle), np.sin(angle)])
            middle = np.array(self.center) + u * (self.inner + self.radius) / 2
            found[name] = End(middle, sign * np.array([-u[1], u[0]]), (self.radius - self.inner) / 2)
        return found


class Polygon(Shape):
    """Corners in either sense of rotation; its sides must not cross."""

    kind = "polygon"
    dim = 2
    sides = ("left", "right", "bottom", "top", "outer")
    points: Annotated[tuple[Point, ...], Listed]

    @model_validator(mode="after")
    def _simple(self) -> Polygon:
        if not 3 <= len(self.points) <= 2000:
            raise wrong(f"{{here}}: a polygon wants 3 to 2000 points; this has {len(self.points)}")
        if crosses_itself(np.array(self.points)):
            raise wrong("{here}: the sides of the polygon cross or touch each other")
        return self

    def contains(self, x: Array) -> Array:
        return in_polygon(np.array(self.points), x)

    def bounds(self) -> tuple[Array, Array]:
        return np.min(self.points, axis=0), np.max(self.points, axis=0)


class Strip(Shape):
    """A band of a width along a line of points; its ends: first and last.

    corner : radius of the inner edge where the strip turns; the outer edge has the same center.  0: both edges sharp
    """

    kind = "strip"
    dim = 2
    sides = ("first", "last", "left", "right", "bottom", "top", "outer")
    points: Annotated[tuple[Point, ...], Listed]
    width: Annotated[Length, Positive]
    corner: Annotated[Length, NotNegative] = 0.0

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Strip:
        if not 2 <= len(self.points) <= 500:
            raise wrong(f"{{here}}: a strip wants 2 to 500 points; this has {len(self.points)}")
        try:
            rounded(self.points, self._bend)  # sharp corners need as much room as an inner radius of zero
        except ValueError as error:
            raise wrong(f"{{here}}: {error}") from None
        if crosses_itself(self.polygon()):
            raise wrong("{here}: the strip overlaps itself")
        return self

    @property
    def _bend(self) -> float:
        """Radius of the middle line where the strip turns."""
        return self.corner + self.width / 2

    def middle(self) -> list[Piece]:
        return rounded(self.points, self._bend if self.corner > 0 else 0.0)

    def outline(self) -> list[Piece]:
        """Its edge, counter-clockwise: along the right side, over the last end, back along the left side, closed."""
        right = _edge(self.middle(), -self.width / 2)
        left = [_reversed(piece) for piece in _edge(self.middle(), self.width / 2)[::-1]]
        return [*right, Straight(right[-1].end, left[0].start), *left, Straight(left[-1].end, right[0].start)]

    def polygon(self) -> Array:
        """The outline with bends as chords, (corners, 2)."""
        return np.concatenate([piece.sampled()[:, :-1] for piece in self.outline()], axis=1).T

    def contains(self, x: Array) -> Array:
        if self.corner > 0 or len(self.points) == 2:
            return np.min([piece.foot(x)[0] for piece in self.middle()], axis=0) <= self.width / 2
        return in_polygon(self.polygon(), x)

    def bounds(self) -> tuple[Array, Array]:
        return of_path([piece for piece in self.outline()], 0.0)

    def ends(self) -> dict[str, End]:
        return path_ends(self.middle(), self.width / 2)


def _layer(written: Any) -> Any:
    """Layers of GDSII are numbers."""
    if isinstance(written, bool) or not isinstance(written, str | int | None) or len(str(written)) > 200:
        raise wrong("{here} wants the name of a layer, or its numbers, such as 1/0")
    return written if written is None else str(written)


LayerName = Annotated[str | None, BeforeValidator(_layer), WithJsonSchema({"type": ["string", "integer"]})]
CellName = Annotated[str | None, Field(max_length=200)]


class Layout(Shape):
    """What is drawn on a layer of a GDSII or DXF file.  unit : length of one unit of the file

    Overlapping polygons of GDSII are one; of DXF, a closed line within another is a hole.
    """

    kind = "layout"
    dim = 2
    sides = ("left", "right", "bottom", "top", "outer", "inner")
    file: FileName
    unit: Annotated[Length, Positive]
    layer: LayerName = None
    cell: CellName = None

    def polygons(self) -> tuple[Outline, ...]:
        """Its polygons in xi, each an outer loop and those of its holes.  Raises Mistake."""
        found = outlines(self.file, self.layer, self.cell)
        return tuple(tuple(loop * self.unit for loop in polygon) for polygon in found)

    def contains(self, x: Array) -> Array:
        inside = [[in_polygon(loop, x) for loop in polygon] for polygon in self.polygons()]
        return np.logical_or.reduce([outer & ~np.any([*holes, ~outer], axis=0) for outer, *holes in inside])

    def bounds(self) -> tuple[Array, Array]:
        corners = np.concatenate([polygon[0] for polygon in self.polygons()])
        return corners.min(axis=0), corners.max(axis=0)


def _edge(middle: list[Piece], away: float) -> list[Piece]:
    """The line at a distance from another, to its left if positive; sharp corners stay sharp."""
    moved: list[Piece] = []
    for piece in middle:
        if isinstance(piece, Bend):
            left = float(np.sign(piece.u[0] * piece.v[1] - piece.u[1] * piece.v[0]))  # +1 where the path turns left
            moved.append(Bend(piece.center, piece.u, piece.v, piece.radius - left * away, piece.sweep))
        else:
            along = piece.directions[0]
            shift = away * np.array([-along[1], along[0]])
            moved.append(Straight(piece.start + shift, piece.end + shift))
    for k in range(len(moved) - 1):
        one, two = moved[k], moved[k + 1]
        if isinstance(one, Straight) and isinstance(two, Straight):
            corner = _corner(middle[k].end, one.directions[0], two.directions[0], away)
            moved[k], moved[k + 1] = Straight(one.start, corner), Straight(corner, two.end)
    return moved


def _corner(at: Array, before: Array, after: Array, away: float) -> Array:
    """Where the two lines at a distance from the sides of a corner meet."""
    normals = [np.array([-d[1], d[0]]) for d in (before, after)]
    return at + away * (normals[0] + normals[1]) / (1 + normals[0] @ normals[1])


def _reversed(piece: Piece) -> Piece:
    if isinstance(piece, Straight):
        return Straight(piece.end, piece.start)
    u = piece.u * np.cos(piece.sweep) + piece.v * np.sin(piece.sweep)
    return Bend(
        piece.center, u, piece.u * np.sin(piece.sweep) - piece.v * np.cos(piece.sweep), piece.radius, piece.sweep
    )
