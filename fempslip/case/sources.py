"""Applied fields that are not uniform, as written: dipole, loop, straight wire, table; each times a waveform."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema, model_validator

from fempslip.case import quantities
from fempslip.case.parts import (
    QUANTITY,
    Direction,
    FieldStrength,
    Length,
    Listed,
    Or,
    Part,
    Positive,
    Z,
    one_of,
    reading,
    wrong,
)
from fempslip.case.profiles import Factor
from fempslip.case.quantities import Mistake
from fempslip.case.scales import MU0

KINDS = ("uniform", "dipole", "loop", "wire", "table")


def _outside(kind: str, power: int) -> Any:
    """A current or moment of something outside the sample: with a unit, or in Bc2 xi^power / mu0."""

    def read(written: Any, info: ValidationInfo) -> float:
        here = reading(info)
        try:
            if not quantities.has_unit(written):
                return quantities.number(written, "number", here.quantities, "{here}")
            value = quantities.in_si(written, kind, "{here}")
        except Mistake as mistake:
            raise wrong(str(mistake), mistake.known, mistake.wrote) from None
        xi, field = here.scales.xi, here.scales.Bc2
        if xi is None or field is None:
            if here.quantities.broken:
                return 1.0
            raise wrong(f"{{here}}: {written!r:.60} has an SI unit, so give material.xi too (or write a bare number)")
        return value * MU0 / (field * xi**power)

    return BeforeValidator(read)


_JSON = WithJsonSchema(QUANTITY)
OutsideCurrent = Annotated[float, _outside("current", 1), _JSON]
Moment = Annotated[float, _outside("moment", 3), _JSON]
Place = Annotated[tuple[Length, Length, Length], Listed]


class Dipole(Part):
    """A magnetic moment at a place."""

    at: Place
    moment: Annotated[tuple[Moment, Moment, Moment], Listed]


class Loop(Part):
    """A circular turn of wire; the current is positive counter-clockwise seen against the normal."""

    center: Place
    radius: Annotated[Length, Positive]
    normal: Direction = Z
    current: OutsideCurrent


class StraightWire(Part):
    """An endless straight wire."""

    through: Place
    direction: Direction
    current: OutsideCurrent


class FieldTable(Part):
    """Values at points from a CSV file; linear between them, nearest beyond.

    gives: bz wants rows of x, y, B_z (films only), a wants x, y, A_x, A_y or x, y, z, A_x, A_y, A_z
    unit : what a coordinate of 1 means, 1 xi if left out;  field : what a value of 1 means, as a field (A: times unit)
    """

    rows: Annotated[tuple[tuple[float, ...], ...], Listed]
    gives: Annotated[str, one_of("bz", "a")] = "bz"
    unit: Annotated[Length, Positive] = 1.0
    field: Annotated[FieldStrength, Positive] = 1.0

    @model_validator(mode="after")
    def _columns(self, info: ValidationInfo) -> FieldTable:
        import numpy as np

        dimension, columns = reading(info).dimension, {len(row) for row in self.rows}
        wanted = {"bz": (3,), "a": (6,) if dimension != 2 else (4, 6)}[self.gives]
        if self.gives == "bz" and dimension != 2:
            raise wrong("{here}: a table of B_z is for films; give A (gives: a) with rows of x, y, z, A_x, A_y, A_z")
        if len(columns) != 1 or not columns <= set(wanted):
            named = " or ".join(str(n) for n in wanted)
            raise wrong(f"{{here}}: every row of the table wants {named} numbers (gives: {self.gives})")
        space = 2 if columns <= {3, 4} else 3
        points = np.array(self.rows)[:, :space]
        spread = np.linalg.matrix_rank(points - points.mean(axis=0), tol=1e-9 * max(1.0, float(np.abs(points).max())))
        if len(self.rows) <= space or spread < space:
            raise wrong("{here}: the points of the table must not all lie in one place, on one line or in one plane")
        return self


def _vector(written: Any, info: ValidationInfo) -> Any:
    """In 2D one number, the field along z; else [Bx, By, Bz]."""
    if reading(info).dimension == 2 and not isinstance(written, list):
        return [0, 0, written]
    return written


def _perpendicular(value: tuple[float, float, float], info: ValidationInfo) -> tuple[float, float, float]:
    if reading(info).dimension == 2 and (value[0] or value[1]):
        raise wrong("{here}: a film takes a field along z only")
    return value


Uniform = Annotated[
    tuple[FieldStrength, FieldStrength, FieldStrength],
    Listed,
    BeforeValidator(_vector),  # the last of these is the first to see what is written
    AfterValidator(_perpendicular),
    Or(QUANTITY),
]


class FieldSource(Part):
    """One of uniform, dipole, loop, wire, table; `times` a waveform, if it changes in time."""

    uniform: Uniform | None = None
    dipole: Dipole | None = None
    loop: Loop | None = None
    wire: StraightWire | None = None
    table: FieldTable | None = None
    times: Factor = Field(default=1, validate_default=True)

    @model_validator(mode="after")
    def _exactly_one(self) -> FieldSource:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise wrong(f"{{here}} wants one of {', '.join(KINDS)}, not {' and '.join(given) or 'nothing'}", KINDS)
        return self

    @property
    def shape(self) -> Dipole | Loop | StraightWire | FieldTable | None:
        """What is not uniform."""
        return self.dipole or self.loop or self.wire or self.table

    @property
    def words(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


def is_source(data: Any) -> bool:
    return isinstance(data, FieldSource) or (isinstance(data, dict) and any(kind in data for kind in KINDS))
