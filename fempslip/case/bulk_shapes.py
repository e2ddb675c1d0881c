"""Shapes of bulk pieces: points have three coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import AfterValidator, ValidationInfo, WrapValidator, model_validator

from fempslip.case.curves import Bend
from fempslip.case.parts import Direction, FileName, Length, Listed, NotNegative, Positive, Z, reading, wrong
from fempslip.case.shape import (
    ORIGIN,
    Array,
    Ball,
    Block,
    Center,
    End,
    Shape,
    around,
    of_path,
    path_ends,
)
from fempslip.case.wire_shapes import Polyline

if TYPE_CHECKING:
    from fempslip.case.shapes import AnyShape

SIX = ("left", "right", "front", "back", "bottom", "top")


class Box(Block):
    kind = "box"
    dim = 3
    sides = SIX
    size: Annotated[
        tuple[Annotated[Length, Positive], Annotated[Length, Positive], Annotated[Length, Positive]], Listed
    ]


class _Turned(Shape):
    """Shapes with an axis (default z) through their center."""

    dim = 3
    center: Center = ORIGIN
    axis: Direction = Z

    def cylindrical(self, x: Array) -> tuple[Array, Array]:
        """Distance of points from the axis, and their height over the center along it."""
        r = x - np.array(self.center)[:, None]
        along = np.array(self.axis) @ r
        return np.sqrt(np.maximum((r * r).sum(axis=0) - along**2, 0.0)), along


class Cylinder(_Turned):
    """Its axis (default z) goes through its center; height along the axis."""

    kind = "cylinder"
    sides = (*SIX, "side")
    radius: Annotated[Length, Positive]
    height: Annotated[Length, Positive]

    def contains(self, x: Array) -> Array:
        across, along = self.cylindrical(x)
        return (across <= self.radius) & (np.abs(along) <= self.height / 2)

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, np.hypot(self.radius, self.height / 2))


class Tube(_Turned):
    """A hollow cylinder, open at both ends: first and last, the latter where the axis points."""

    kind = "tube"
    sides = ("first", "last", *SIX, "side")
    inner: Annotated[Length, Positive]
    outer: Annotated[Length, Positive]
    height: Annotated[Length, Positive]

    @model_validator(mode="after")
    def _has_width(self) -> Tube:
        if self.inner >= self.outer:
            raise wrong(f"{{here}}: inner ({self.inner:g} xi) must be smaller than outer ({self.outer:g} xi)")
        return self

    def contains(self, x: Array) -> Array:
        across, along = self.cylindrical(x)
        return (self.inner <= across) & (across <= self.outer) & (np.abs(along) <= self.height / 2)

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, np.hypot(self.outer, self.height / 2))

    def ends(self) -> dict[str, End]:
        along, middle = np.array(self.axis), np.array(self.center)
        half = self.height / 2
        return {
            "first": End(middle - half * along, -along, self.outer),
            "last": End(middle + half * along, along, self.outer),
        }


class Sphere(Ball):
    kind = "sphere"
    dim = 3
    sides = ("outer",)


class Torus(_Turned):
    """A ring of round cross-section: radius of its middle line, and of the cross-section (tube)."""

    kind = "torus"
    sides = ("outer",)
    radius: Annotated[Length, Positive]
    tube: Annotated[Length, Positive]

    @model_validator(mode="after")
    def _has_a_hole(self) -> Torus:
        if self.tube >= self.radius:
            raise wrong(f"{{here}}: tube ({self.tube:g} xi) must be smaller than radius ({self.radius:g} xi)")
        return self

    def contains(self, x: Array) -> Array:
        across, along = self.cylindrical(x)
        return np.hypot(across - self.radius, along) <= self.tube

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, self.radius + self.tube)


def _open_path(shape: Shape) -> Shape:
    try:
        open_ended = shape.dimension == 1 and "first" in shape.sides and bool(shape.path())
    except NotImplementedError:
        open_ended = False
    if not open_ended:
        raise wrong(f"{{here}}: a pipe goes along a segment, polyline or arc; {shape.kind} is none")
    return shape


class Pipe(Shape):
    """A round rod along a segment, polyline or arc; with `inner` it is hollow.  bend : radius of corners."""

    kind = "pipe"
    dim = 3
    sides = ("first", "last", *SIX, "side")
    along: Annotated[AnyShape, AfterValidator(_open_path)]
    radius: Annotated[Length, Positive]
    inner: Annotated[Length, NotNegative] = 0.0

    @model_validator(mode="after")
    def _can_be_swept(self) -> Pipe:
        if self.inner >= self.radius:
            raise wrong(f"{{here}}: inner ({self.inner:g} xi) must be smaller than radius ({self.radius:g} xi)")
        if isinstance(self.along, Polyline) and not self.along.bend and len(self.along.points) > 2:
            raise wrong(f"{{here}}.along.polyline: in a pipe corners need a bend, above its radius {self.radius:g} xi")
        tight = [piece.radius for piece in self.along.path() if isinstance(piece, Bend) and piece.radius <= self.radius]
        if tight:
            raise wrong(f"{{here}}: the path bends with a radius of {tight[0]:g} xi, not above that of the pipe")
        return self

    def contains(self, x: Array) -> Array:
        away = np.min([piece.foot(x)[0] for piece in self.along.path()], axis=0)
        return (self.inner <= away) & (away <= self.radius)

    def bounds(self) -> tuple[Array, Array]:
        return of_path(self.along.path(), self.radius)

    def ends(self) -> dict[str, End]:
        return path_ends(self.along.path(), self.radius)


def _in_plane(data: Any, read: Any, info: ValidationInfo) -> Any:
    """A shape of the plane inside a bulk piece: its points have two coordinates."""
    with reading(info).plane():
        shape = read(data)
    if shape.dimension != 2:
        raise wrong(f"{{here}}: extrude wants a shape of dimension 2; {shape.kind} has {shape.dimension}")
    return shape


class Extrude(Shape):
    """A shape of the plane, drawn out along z to a height, from -height/2 to height/2."""

    kind = "extrude"
    dim = 3
    sides = (*SIX, "side", "first", "last")
    shape: Annotated[AnyShape, WrapValidator(_in_plane)]
    height: Annotated[Length, Positive]

    def contains(self, x: Array) -> Array:
        return self.shape.contains(x[:2]) & (np.abs(x[2]) <= self.height / 2)

    def bounds(self) -> tuple[Array, Array]:
        low, high = self.shape.bounds()
        return np.append(low, -self.height / 2), np.append(high, self.height / 2)

    def ends(self) -> dict[str, End]:
        found = self.shape.ends()
        return {
            name: End(
                np.append(end.middle, 0.0), np.append(end.facing, 0.0), float(np.hypot(end.reach, self.height / 2))
            )
            for name, end in found.items()
        }


class Step(Shape):
    """Solids of a STEP file.  unit : length of one unit of the file, which gmsh reads in millimetres."""

    kind = "step"
    dim = 3
    sides = (*SIX, "outer", "inner")
    file: FileName
    unit: Annotated[Length, Positive]
