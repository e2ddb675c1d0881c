"""Shapes of wires: points have three coordinates (those left out are 0).  Wires that touch are joined."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from fempslip.case.curves import Bend, Piece, Straight, rounded, through
from fempslip.case.parts import Angle, Length, Listed, NotNegative, Point, Positive, wrong
from fempslip.case.shape import ORIGIN, Center, Shape


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

    def path(self) -> list[Piece]:
        return [Straight(np.array(self.from_), np.array(self.to))]


class Polyline(Shape):
    """Straight pieces from point to point; with a bend, corners are arcs of that radius."""

    kind = "polyline"
    dim = 1
    sides = ("first", "last")
    points: Annotated[tuple[Point, ...], Listed]
    bend: Annotated[Length, NotNegative] = 0.0

    @model_validator(mode="after")
    def _can_be_drawn(self) -> Polyline:
        if not 2 <= len(self.points) <= 2000:
            raise wrong(f"{{here}}: a polyline wants 2 to 2000 points; this has {len(self.points)}")
        try:
            self.path()
        except ValueError as error:
            raise wrong(f"{{here}}: {error}") from None
        return self

    def path(self) -> list[Piece]:
        return rounded(self.points, self.bend)


class Arc(Shape):
    """Part of a circle: through three points, or counter-clockwise in the plane of its center (z constant)."""

    kind = "arc"
    dim = 1
    sides = ("first", "last")
    through: Annotated[tuple[Point, Point, Point], Listed] | None = None
    radius: Annotated[Length, Positive] | None = None
    from_: Angle | None = Field(default=None, alias="from")
    to: Angle | None = None
    center: Center = ORIGIN

    @model_validator(mode="after")
    def _one_way(self) -> Arc:
        angles = [self.radius, self.from_, self.to]
        if (self.through is None) == (None in angles) and self.through is None:
            raise wrong("{here}: an arc wants through: [point, point, point], or radius, from and to (angles)")
        if self.through is not None and any(part is not None for part in angles):
            raise wrong("{here}: an arc wants through, or radius, from and to, not both")
        if self.through is None and not 0 < (self.to or 0.0) - (self.from_ or 0.0) < 2 * np.pi * (1 - 1e-9):
            raise wrong("{here}: the angle `to` must be above `from` by less than a full turn (a full turn is a ring)")
        try:
            self.path()
        except ValueError as error:
            raise wrong(f"{{here}}: {error}") from None
        return self

    def path(self) -> list[Piece]:
        if self.through is not None:
            return [through(*np.array(self.through))]
        start, sweep = self.from_ or 0.0, (self.to or 0.0) - (self.from_ or 0.0)
        u = np.array([np.cos(start), np.sin(start), 0.0])
        return [Bend(np.array(self.center), u, np.array([-u[1], u[0], 0.0]), self.radius or 0.0, sweep)]


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

    def path(self) -> list[Piece]:
        u, v = np.eye(3)[:2]
        return [Bend(np.array(self.center), u, v, self.radius, 2 * np.pi)]
