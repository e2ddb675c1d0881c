"""The shapes that regions and holes are made of: one small frozen class each.

A new shape is a class below and a line in SHAPES; the mesh room registers how gmsh draws it (singledispatch).
Lengths in xi; points have 3 coordinates in wires and bulk pieces, 2 in films.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Union

import numpy as np
from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator

from fempslip.case.parts import Direction, Length, Listed, Part, Point, Positive, Z, reading, wrong

Array = np.ndarray
ORIGIN: Any = Field(default=0, validate_default=True)


def _origin(written: Any, info: ValidationInfo) -> Any:
    return [0] * reading(info).space if written == 0 else written


Center = Annotated[Point, BeforeValidator(_origin)]


class Shape(Part):
    """kind : its word in a file;  dim : of the body;  sides : names of its boundaries that a file can use."""

    kind: ClassVar[str]
    dim: ClassVar[int]
    sides: ClassVar[tuple[str, ...]] = ()

    @property
    def dimension(self) -> int:
        return self.dim

    def contains(self, x: Array) -> Array:
        """Which points lie inside or on the border.  x : (space, points) in xi -> (points,) bool."""
        raise NotImplementedError


# ---------------------------------------------------------------------------------------------- wires


class Segment(Shape):
    """A straight piece of wire between two points."""

    kind = "segment"
    dim = 1
    sides = ("first", "last")
    from_: Point = Field(alias="from")
    to: Point

    @model_validator(mode="after")
    def _has_length(self) -> Segment:
        if self.from_ == self.to:
            raise wrong("{here}: the segment has no length")
        return self


class Ring(Shape):
    """A closed circle of wire in the plane z = constant: its radius, or its length (2 pi radius)."""

    kind = "ring"
    dim = 1
    given_radius: Annotated[Length, Positive] | None = Field(default=None, alias="radius")
    length: Annotated[Length, Positive] | None = None
    center: Center = ORIGIN

    @model_validator(mode="after")
    def _one_size(self) -> Ring:
        if (self.given_radius is None) == (self.length is None):
            raise wrong("{here}: a ring wants its radius or its length, one of them")
        return self

    @property
    def radius(self) -> float:
        return self.given_radius if self.given_radius is not None else (self.length or 0.0) / (2 * np.pi)


# ---------------------------------------------------------------------------------------------- films


class Rectangle(Shape):
    kind = "rectangle"
    dim = 2
    sides = ("left", "right", "bottom", "top", "outer")
    size: Annotated[tuple[Annotated[Length, Positive], Annotated[Length, Positive]], Listed]
    center: Center = ORIGIN

    def contains(self, x: Array) -> Array:
        return _in_box(x, self.center, self.size)


class Disk(Shape):
    kind = "disk"
    dim = 2
    sides = ("outer",)
    radius: Annotated[Length, Positive]
    center: Center = ORIGIN

    def contains(self, x: Array) -> Array:
        return _distance(x, self.center) <= self.radius


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
        r = _distance(x, self.center)
        return (self.inner <= r) & (r <= self.outer)


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
        if _crosses_itself(np.array(self.points)):
            raise wrong("{here}: the sides of the polygon cross or touch each other")
        return self

    def contains(self, x: Array) -> Array:
        """By the number of sides above a point, odd inside."""
        inside = np.zeros(x.shape[1], dtype=bool)
        p = np.array(self.points)
        for (x0, y0), (x1, y1) in zip(p, np.roll(p, -1, axis=0), strict=True):
            spans = (y0 > x[1]) != (y1 > x[1])
            if spans.any():
                inside[spans] ^= x[0, spans] < x0 + (x[1, spans] - y0) * (x1 - x0) / (y1 - y0)
        return inside


# ---------------------------------------------------------------------------------------------- bulk


class Box(Shape):
    kind = "box"
    dim = 3
    sides = ("left", "right", "front", "back", "bottom", "top")
    size: Annotated[
        tuple[Annotated[Length, Positive], Annotated[Length, Positive], Annotated[Length, Positive]], Listed
    ]
    center: Center = ORIGIN

    def contains(self, x: Array) -> Array:
        return _in_box(x, self.center, self.size)


class Cylinder(Shape):
    """Its axis (default z) goes through its center; height along the axis."""

    kind = "cylinder"
    dim = 3
    sides = ("left", "right", "front", "back", "bottom", "top", "side")
    radius: Annotated[Length, Positive]
    height: Annotated[Length, Positive]
    center: Center = ORIGIN
    axis: Direction = Z

    def contains(self, x: Array) -> Array:
        r = x - np.array(self.center)[:, None]
        along = np.array(self.axis) @ r
        across = np.sqrt(np.maximum((r * r).sum(axis=0) - along**2, 0.0))
        return (across <= self.radius) & (np.abs(along) <= self.height / 2)


# ---------------------------------------------------------------------------------------------- combinations


class _Combination(Shape):
    """parts : at least two shapes of one dimension."""

    parts: Annotated[tuple[AnyShape, ...], Listed]

    @model_validator(mode="after")
    def _one_dimension(self) -> _Combination:
        if len(self.parts) < 2:
            raise wrong(f"{{here}}: {self.kind} wants at least two shapes")
        if len({part.dimension for part in self.parts}) > 1:
            raise wrong(f"{{here}}: the shapes of {self.kind} must have one dimension")
        return self

    @property
    def dimension(self) -> int:
        return self.parts[0].dimension


class Plus(_Combination):
    """All parts together."""

    kind = "plus"
    dim = 0
    sides = ("left", "right", "front", "back", "bottom", "top", "outer", "side")

    def contains(self, x: Array) -> Array:
        return np.logical_or.reduce([part.contains(x) for part in self.parts])


class Minus(_Combination):
    """The first part without the others."""

    kind = "minus"
    dim = 0
    sides = (*Plus.sides, "inner")

    def contains(self, x: Array) -> Array:
        return self.parts[0].contains(x) & ~np.logical_or.reduce([part.contains(x) for part in self.parts[1:]])


SHAPES: tuple[type[Shape], ...] = (Segment, Ring, Rectangle, Disk, Annulus, Polygon, Box, Cylinder, Plus, Minus)
KINDS = {shape.kind: shape for shape in SHAPES}


def _kind(data: Any) -> str | None:
    return data.kind if isinstance(data, Shape) else next(iter(data))


def _one_known_kind(data: Any) -> Any:
    """`{disk: {...}}`: a mapping with the kind as its only key."""
    if isinstance(data, Shape):
        return data
    if not isinstance(data, dict):
        raise wrong("{here} wants a shape, such as {disk: {radius: 5 xi}}", tuple(KINDS), str(data))
    if len(data) != 1:
        raise wrong("{here} wants one shape; write plus or minus to combine several", tuple(KINDS))
    if next(iter(data)) not in KINDS:
        raise wrong(f"{{here}}: {next(iter(data))!r} is no shape", tuple(KINDS), str(next(iter(data))))
    return data


def _unwrapped(kind: str) -> BeforeValidator:
    def body(data: Any) -> Any:
        if isinstance(data, Shape):
            return data
        return {"parts": data[kind]} if issubclass(KINDS[kind], _Combination) else data[kind]

    return BeforeValidator(body)


if TYPE_CHECKING:
    AnyShape = Shape
else:
    _TYPES = tuple(Annotated[shape, _unwrapped(shape.kind), Tag(shape.kind)] for shape in SHAPES)
    AnyShape = Annotated[Union[_TYPES], Discriminator(_kind), BeforeValidator(_one_known_kind)]  # noqa: UP007

for _shape in (_Combination, Plus, Minus):
    _shape.model_rebuild()


# ---------------------------------------------------------------------------------------------- small geometry


def _distance(x: Array, center: tuple[float, ...]) -> Array:
    return np.sqrt(((x - np.array(center)[:, None]) ** 2).sum(axis=0))


def _in_box(x: Array, center: tuple[float, ...], size: tuple[float, ...]) -> Array:
    return (np.abs(x - np.array(center)[:, None]) <= np.array(size)[:, None] / 2).all(axis=0)


def _crosses_itself(p: Array) -> bool:
    """Whether two sides that are not neighbours meet, or neighbours fold back.  p : (corners, 2)."""
    q = np.roll(p, -1, axis=0)
    n = len(p)
    if (p == q).all(axis=1).any():
        return True
    for i in range(n):
        others = np.array([j for j in range(i + 1, n) if (j + 1) % n != i and j != (i + 1) % n], dtype=int)
        if len(others) and _meet(p[i], q[i], p[others], q[others]).any():
            return True
    turn = _cross(q - p, np.roll(q - p, -1, axis=0))
    fold = ((q - p) * np.roll(q - p, -1, axis=0)).sum(axis=1) < 0
    return bool(((turn == 0) & fold).any())


def _cross(u: Array, v: Array) -> Array:
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def _meet(a: Array, b: Array, c: Array, d: Array) -> Array:
    """Whether the segment ab meets the segments cd (touching counts)."""
    o1, o2 = np.sign(_cross(b - a, c - a)), np.sign(_cross(b - a, d - a))
    o3, o4 = np.sign(_cross(d - c, a - c)), np.sign(_cross(d - c, b - c))
    boxes = ((np.minimum(c, d) <= np.maximum(a, b)) & (np.minimum(a, b) <= np.maximum(c, d))).all(axis=-1)
    return (o1 * o2 <= 0) & (o3 * o4 <= 0) & boxes
