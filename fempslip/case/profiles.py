"""Profiles: how epsilon varies over a region and, times waveforms, in time.

{gaussian: {depth, width, center, base}}      {linear: {from, to, start, end}}      {constant: 0.8}
{random: {mean, deviation, correlation, clip, seed}}      {table: {file, unit}}
{sum: [0.9, {random: ..}, {gaussian: .., times: {pulse: ..}}]}
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, StrictInt, model_validator

from fempslip.case.parts import QUANTITY, Length, Listed, NotNegative, Number, Or, Part, Point, Positive, wrong
from fempslip.case.shape import ORIGIN, Array, Center
from fempslip.case.waves import SUMMED, Wave, scalar_is_value

WAVES = 400  # plane waves that make up a random profile
CHUNK = 20_000  # points at which they are summed at once


class Gaussian(Part):
    """base - depth exp(-(r / width)^2), r the distance from center."""

    depth: Number
    width: Annotated[Length, Positive]
    center: Center = ORIGIN
    base: Number = 1.0

    def value(self, x: Array) -> Array:
        """x : (space, points) in xi -> (points,)."""
        r2 = ((x - np.array(self.center)[:, None]) ** 2).sum(axis=0)
        return self.base - self.depth * np.exp(-r2 / self.width**2)


class Linear(Part):
    """From one value at a start point to another at an end point, the same across this line and constant beyond it."""

    from_: Number = Field(alias="from")
    to: Number
    start: Point
    end: Point

    @model_validator(mode="after")
    def _has_length(self) -> Linear:
        if self.start == self.end:
            raise wrong("{here}: start and end are one point")
        return self

    def value(self, x: Array) -> Array:
        along = np.array(self.end) - np.array(self.start)
        share = along @ (x - np.array(self.start)[:, None]) / (along @ along)
        return self.from_ + (self.to - self.from_) * np.clip(share, 0.0, 1.0)


class Random(Part):
    """A smooth random profile: mean, standard deviation, and correlation exp(-(r / correlation)^2); its seed.

    A sum of plane waves with random directions and phases, so that it does not depend on the mesh.
    clip : [lowest, highest] value
    """

    mean: Number = 1.0
    deviation: Annotated[Number, NotNegative]
    correlation: Annotated[Length, Positive]
    clip: Annotated[tuple[Number, Number], Listed] | None = None
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 0

    @model_validator(mode="after")
    def _clips(self) -> Random:
        if self.clip is not None and self.clip[0] > self.clip[1]:
            raise wrong("{here}.clip wants [lowest, highest]")
        return self

    def value(self, x: Array) -> Array:
        dice = np.random.default_rng(self.seed)
        k = dice.normal(0.0, np.sqrt(2.0) / self.correlation, (WAVES, 3))[:, : x.shape[0]]
        phase = dice.uniform(0.0, 2 * np.pi, WAVES)
        parts = [
            np.cos(k @ x[:, i : i + CHUNK] + phase[:, None]).sum(axis=0) for i in range(0, max(x.shape[1], 1), CHUNK)
        ]
        value = self.mean + self.deviation * np.sqrt(2 / WAVES) * np.concatenate(parts)
        return value if self.clip is None else np.clip(value, *self.clip)


class Table(Part):
    """Values at points, from a CSV file of x[, y[, z]], value in each row; linear between them, nearest beyond.

    unit : what a coordinate of 1 means, 1 xi if left out.  (The rows take the file's place when a case is loaded.)
    """

    rows: Annotated[tuple[tuple[float, ...], ...], Listed]
    unit: Annotated[Length, Positive] = 1.0

    @model_validator(mode="after")
    def _same_columns(self) -> Table:
        columns = {len(row) for row in self.rows}
        if len(columns) != 1 or not columns <= {2, 3, 4}:
            raise wrong("{here}: every row of the table wants x, value or x, y, value or x, y, z, value")
        points = np.array(self.rows)[:, :-1]
        spread = np.linalg.matrix_rank(points - points.mean(axis=0), tol=1e-9 * max(1.0, float(np.abs(points).max())))
        if len(self.rows) < 2 or spread < points.shape[1]:
            raise wrong("{here}: the points of the table must not all lie in one place, on one line or in one plane")
        return self

    @cached_property
    def _interpolants(self) -> tuple[Any, Any]:
        from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

        rows = np.array(self.rows)
        points = rows[:, :-1] * self.unit
        return LinearNDInterpolator(points, rows[:, -1]), NearestNDInterpolator(points, rows[:, -1])

    def value(self, x: Array) -> Array:
        columns = len(self.rows[0]) - 1
        if columns == 1:
            rows = np.array(sorted(self.rows))
            return np.interp(x[0], rows[:, 0] * self.unit, rows[:, 1])
        linear, nearest = self._interpolants
        found = linear(x[:columns].T)
        outside = np.isnan(found)
        found[outside] = nearest(x[:columns, outside].T)
        return np.asarray(found)


KINDS = ("constant", "gaussian", "linear", "random", "table")
Factor = Annotated[Wave[Number], BeforeValidator(scalar_is_value), Or(SUMMED)]


class OneProfile(Part):
    """One of constant, gaussian, linear, random, table; `times` a waveform, if it changes in time."""

    constant: Number | None = None
    gaussian: Gaussian | None = None
    linear: Linear | None = None
    random: Random | None = None
    table: Table | None = None
    times: Factor | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> OneProfile:
        known = (*KINDS, "sum") if isinstance(self, Profiles) else KINDS
        given = [kind for kind in known if getattr(self, kind) is not None]
        if len(given) != 1:
            raise wrong(f"{{here}} wants one of {', '.join(known)}, not {' and '.join(given) or 'nothing'}", known)
        return self

    @property
    def words(self) -> str:
        kind = next(kind for kind in KINDS if getattr(self, kind) is not None)
        value = f"{self.constant:g}" if kind == "constant" else f"{kind} profile"
        return value if self.times is None else f"{value} changing in time"

    def terms(self) -> tuple[OneProfile, ...]:
        """What is added up."""
        return (self,)

    def value(self, x: Array) -> Array:
        """Without its factor.  x : (space, points) -> (points,)."""
        shape = self.gaussian or self.linear or self.random or self.table
        return np.full(x.shape[1], self.constant) if shape is None else shape.value(x)


def _number_is_constant(data: Any) -> Any:
    return {"constant": data} if isinstance(data, int | float | str) and not isinstance(data, bool) else data


class Profiles(OneProfile):
    """A profile, or a sum of several."""

    sum: (
        Annotated[tuple[Annotated[OneProfile, BeforeValidator(_number_is_constant), Or(QUANTITY)], ...], Listed] | None
    ) = None

    @property
    def words(self) -> str:
        return " + ".join(part.words for part in self.sum) if self.sum is not None else super().words

    def terms(self) -> tuple[OneProfile, ...]:
        return self.sum if self.sum is not None else (self,)

    @model_validator(mode="after")
    def _not_empty(self) -> Profiles:
        if self.sum == () or (self.sum is not None and self.times is not None):
            raise wrong("{here}: a sum wants at least one part, and `times` belongs to its parts")
        return self
