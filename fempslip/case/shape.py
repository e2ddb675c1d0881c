"""What every shape is: its kind, its sides, what lies inside it, how far it reaches."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo

from fempslip.case.curves import Piece
from fempslip.case.parts import Length, Part, Point, Positive, reading

Array = np.ndarray
ORIGIN: Any = Field(default=0, validate_default=True)


def _origin(written: Any, info: ValidationInfo) -> Any:
    return [0] * reading(info).space if written == 0 else written


Center = Annotated[Point, BeforeValidator(_origin)]


class End(NamedTuple):
    """A flat end: its middle and the direction it faces, (space,) each, and how far it reaches from the middle."""

    middle: Array
    facing: Array
    reach: float


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

    def bounds(self) -> tuple[Array, Array]:
        """Lowest and highest coordinates of a box that holds the shape, (space,) each."""
        raise NotImplementedError

    def ends(self) -> dict[str, End]:
        """Sides that are flat ends wherever they point: first and last."""
        return {}

    def path(self) -> list[Piece]:
        """A wire's shape as straight pieces and bends, in order."""
        raise NotImplementedError


class Block(Shape):
    """Rectangles and boxes.  size : its extent along each axis"""

    size: tuple[Annotated[Length, Positive], ...]
    center: Center = ORIGIN

    def contains(self, x: Array) -> Array:
        return in_box(x, self.center, self.size)

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, np.array(self.size) / 2)


class Ball(Shape):
    """Disks and spheres."""

    radius: Annotated[Length, Positive]
    center: Center = ORIGIN

    def contains(self, x: Array) -> Array:
        return distance(x, self.center) <= self.radius

    def bounds(self) -> tuple[Array, Array]:
        return around(self.center, self.radius)


def around(center: Any, half: Any) -> tuple[Array, Array]:
    """Bounds of what reaches `half` to all sides of a center."""
    middle = np.array(center, dtype=float)
    return middle - half, middle + half


def distance(x: Array, center: tuple[float, ...]) -> Array:
    return np.sqrt(((x - np.array(center)[:, None]) ** 2).sum(axis=0))


def in_box(x: Array, center: tuple[float, ...], size: tuple[float, ...]) -> Array:
    return (np.abs(x - np.array(center)[:, None]) <= np.array(size)[:, None] / 2).all(axis=0)


def of_path(pieces: list[Piece], width: float) -> tuple[Array, Array]:
    """Bounds of what reaches `width` to all sides of a path."""
    x = np.concatenate([piece.sampled() for piece in pieces], axis=1)
    return x.min(axis=1) - 1.1 * width, x.max(axis=1) + 1.1 * width


def path_ends(pieces: list[Piece], reach: float) -> dict[str, End]:
    first, last = pieces[0], pieces[-1]
    return {"first": End(first.start, -first.directions[0], reach), "last": End(last.end, last.directions[1], reach)}
