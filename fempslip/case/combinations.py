"""Shapes made of other shapes: several together, moved, or repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, StrictInt, ValidationInfo, model_validator

from fempslip.case.curves import Piece, moved
from fempslip.case.parts import QUANTITY, Angle, Length, Listed, Number, Or, Part, Point, Positive, Z, reading, wrong
from fempslip.case.shape import Array, End, Shape

if TYPE_CHECKING:
    from fempslip.case.shapes import AnyShape

SIDES = ("left", "right", "front", "back", "bottom", "top", "outer", "side")
MOST_COPIES = 2000


class Combination(Shape):
    """parts : at least two shapes of one dimension."""

    dim = 0
    parts: Annotated[tuple[AnyShape, ...], Listed]

    @model_validator(mode="after")
    def _one_dimension(self) -> Combination:
        if len(self.parts) < 2:
            raise wrong(f"{{here}}: {self.kind} wants at least two shapes")
        if len({part.dimension for part in self.parts}) > 1:
            raise wrong(f"{{here}}: the shapes of {self.kind} must have one dimension")
        return self

    @property
    def dimension(self) -> int:
        return self.parts[0].dimension


class Plus(Combination):
    """All parts together."""

    kind = "plus"
    sides = SIDES

    def contains(self, x: Array) -> Array:
        return np.logical_or.reduce([part.contains(x) for part in self.parts])

    def bounds(self) -> tuple[Array, Array]:
        return _around_all(self.parts)


class Minus(Combination):
    """The first part without the others."""

    kind = "minus"
    sides = (*SIDES, "inner", "first", "last")

    def contains(self, x: Array) -> Array:
        return self.parts[0].contains(x) & ~np.logical_or.reduce([part.contains(x) for part in self.parts[1:]])

    def bounds(self) -> tuple[Array, Array]:
        return self.parts[0].bounds()

    def ends(self) -> dict[str, End]:
        return self.parts[0].ends()


class Common(Combination):
    """What all parts have in common."""

    kind = "common"
    sides = SIDES

    def contains(self, x: Array) -> Array:
        return np.logical_and.reduce([part.contains(x) for part in self.parts])

    def bounds(self) -> tuple[Array, Array]:
        every = [part.bounds() for part in self.parts]
        return np.max([low for low, _ in every], axis=0), np.min([high for _, high in every], axis=0)


def _around_all(parts: tuple[Shape, ...]) -> tuple[Array, Array]:
    every = [part.bounds() for part in parts]
    return np.min([low for low, _ in every], axis=0), np.max([high for _, high in every], axis=0)


# ---------------------------------------------------------------------------------------------- moved


class Moved(Shape):
    """The image of a shape under x -> matrix x + offset, an isometry of space."""

    dim = 0
    sides = (*SIDES, "inner", "first", "last")
    shape: AnyShape

    @property
    def dimension(self) -> int:
        return self.shape.dimension

    @property
    def isometry(self) -> tuple[Array, Array]:
        """(matrix, offset)."""
        raise NotImplementedError

    def contains(self, x: Array) -> Array:
        matrix, offset = self.isometry
        return self.shape.contains(matrix.T @ (x - offset[:, None]))

    def bounds(self) -> tuple[Array, Array]:
        (low, high), (matrix, offset) = self.shape.bounds(), self.isometry
        middle, half = matrix @ (low + high) / 2 + offset, np.abs(matrix) @ (high - low) / 2
        return middle - half, middle + half

    def ends(self) -> dict[str, End]:
        matrix, offset = self.isometry
        return {
            name: End(matrix @ end.middle + offset, matrix @ end.facing, end.reach)
            for name, end in self.shape.ends().items()
        }

    def path(self) -> list[Piece]:
        return [moved(piece, *self.isometry) for piece in self.shape.path()]


class Translate(Moved):
    kind = "translate"
    by: Point

    @property
    def isometry(self) -> tuple[Array, Array]:
        return np.eye(len(self.by)), np.array(self.by)


def _here(written: Any, info: ValidationInfo) -> Any:
    return [0] * reading(info).space if written == 0 else written


Fixed = Annotated[Point, BeforeValidator(_here)]


class Rotate(Moved):
    """Counter-clockwise by an angle about a point; in space about the axis (default z) through it."""

    kind = "rotate"
    angle: Angle
    about: Fixed = Field(default=0, validate_default=True)  # type: ignore[assignment]
    axis: Annotated[tuple[Number, Number, Number], Listed] = Z

    @model_validator(mode="after")
    def _has_axis(self) -> Rotate:
        if not any(self.axis):
            raise wrong("{here}.axis is a direction and must not be zero")
        if len(self.about) == 2 and any(self.axis[:2]):
            raise wrong("{here}.axis: a film is rotated in its plane; leave axis out")
        return self

    @property
    def isometry(self) -> tuple[Array, Array]:
        k = np.array(self.axis) / np.linalg.norm(self.axis)
        cross = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
        matrix = np.eye(3) + np.sin(self.angle) * cross + (1 - np.cos(self.angle)) * cross @ cross
        n = len(self.about)
        matrix, about = matrix[:n, :n], np.array(self.about)
        return matrix, about - matrix @ about


class Mirror(Moved):
    """Mirrored at the line (in space: the plane) through a point, at right angles to a direction."""

    kind = "mirror"
    normal: Annotated[tuple[Number, ...], Listed]
    about: Fixed = Field(default=0, validate_default=True)  # type: ignore[assignment]

    @model_validator(mode="after")
    def _has_normal(self) -> Mirror:
        if len(self.normal) != len(self.about):
            raise wrong(f"{{here}}.normal wants {len(self.about)} components; this has {len(self.normal)}")
        if not any(self.normal):
            raise wrong("{here}.normal is a direction and must not be zero")
        return self

    @property
    def isometry(self) -> tuple[Array, Array]:
        n = np.array(self.normal) / np.linalg.norm(self.normal)
        return np.eye(n.size) - 2 * np.outer(n, n), 2 * n * (n @ np.array(self.about))


# ---------------------------------------------------------------------------------------------- repeated

Count = Annotated[StrictInt, Field(ge=1, le=MOST_COPIES)]


def _pair(written: Any) -> Any:
    return written if isinstance(written, list | tuple) else [written, written]


class Square(Part):
    """Rows and columns.  spacing : between the middles, one length or [along x, along y]."""

    counts: Annotated[tuple[Count, Count], Listed]
    spacing: Annotated[
        tuple[Annotated[Length, Positive], Annotated[Length, Positive]], BeforeValidator(_pair), Or(QUANTITY)
    ]

    def places(self) -> Array:
        (nx, ny), (a, b) = self.counts, self.spacing
        x, y = np.meshgrid(a * (np.arange(nx) - (nx - 1) / 2), b * (np.arange(ny) - (ny - 1) / 2))
        return np.array([x.ravel(), y.ravel()])


class Triangular(Part):
    """Rows sqrt(3)/2 spacing apart, every other one moved by half a spacing.  counts : [in a row, rows]."""

    counts: Annotated[tuple[Count, Count], Listed]
    spacing: Annotated[Length, Positive]

    def places(self) -> Array:
        nx, ny = self.counts
        column, row = np.meshgrid(np.arange(nx) - (nx - 1) / 2, np.arange(ny))
        shift = (row % 2) / 2 - (0.25 if ny > 1 else 0.0)
        return self.spacing * np.array([(column + shift).ravel(), np.sqrt(0.75) * (row - (ny - 1) / 2).ravel()])


class Scattered(Part):
    """At random in a rectangle (in space a box) around the origin.  apart : least distance between two middles."""

    count: Count
    size: Annotated[tuple[Annotated[Length, Positive], ...], Listed]
    apart: Annotated[Length, Positive]
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 0

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> Scattered:
        if len(self.size) != reading(info).space:
            raise wrong(f"{{here}}.size wants {reading(info).space} lengths; this has {len(self.size)}")
        if self.places().shape[1] < self.count:
            found = self.places().shape[1]
            raise wrong(f"{{here}}: only {found} of {self.count} copies fit {self.apart:g} xi apart into this place")
        return self

    def places(self) -> Array:
        """Places thrown one by one, those too near to earlier ones given up; the same for the same seed."""
        dice = np.random.default_rng(self.seed)
        half = np.array(self.size) / 2
        found = np.zeros((0, half.size))
        for _ in range(200 * self.count):
            place = dice.uniform(-half, half)
            if not len(found) or np.linalg.norm(found - place, axis=1).min() >= self.apart:
                found = np.vstack([found, place])
            if len(found) == self.count:
                break
        return found.T


class Repeat(Shape):
    """Copies of a shape, in a pattern around the place where it stands: square, triangular or random."""

    kind = "repeat"
    dim = 0
    sides = (*SIDES, "inner")
    shape: AnyShape
    square: Square | None = None
    triangular: Triangular | None = None
    random: Scattered | None = None

    @model_validator(mode="after")
    def _one_pattern(self) -> Repeat:
        given = [part for part in (self.square, self.triangular, self.random) if part is not None]
        if len(given) != 1:
            raise wrong("{here} wants one of square, triangular, random")
        counts = self.square.counts if self.square else self.triangular.counts if self.triangular else (1, 1)
        if counts[0] * counts[1] > MOST_COPIES:
            raise wrong(f"{{here}}: {counts[0] * counts[1]} copies are too many (at most {MOST_COPIES})")
        return self

    @property
    def dimension(self) -> int:
        return self.shape.dimension

    @property
    def places(self) -> Array:
        """How far each copy is moved, (2 or space, copies)."""
        pattern = self.square or self.triangular or self.random
        return pattern.places() if pattern is not None else np.zeros((2, 0))

    def shifts(self, space: int) -> Array:
        """(copies, space)."""
        places = self.places
        found = np.zeros((places.shape[1], space))
        found[:, : places.shape[0]] = places.T
        return found

    def contains(self, x: Array) -> Array:
        inside = np.zeros(x.shape[1], dtype=bool)
        for shift in self.shifts(x.shape[0]):
            inside |= self.shape.contains(x - shift[:, None])
        return inside

    def bounds(self) -> tuple[Array, Array]:
        low, high = self.shape.bounds()
        shifts = self.shifts(low.size)
        return low + shifts.min(axis=0), high + shifts.max(axis=0)


class Group(Shape):
    """A named group of an imported mesh: {group: name}."""

    kind = "group"
    dim = 0
    sides = (*SIDES, "inner")
    name: str
    of: Literal[1, 2, 3]

    @property
    def dimension(self) -> int:
        return self.of
