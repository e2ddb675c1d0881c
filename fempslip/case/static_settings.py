"""Settings of the tasks that ask for states instead of following them: relax, nucleation, barrier, instanton."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictInt, ValidationInfo, WithJsonSchema, model_validator

from fempslip.case import quantities
from fempslip.case.parts import (
    QUANTITY,
    Current,
    Density,
    Direction,
    HoleName,
    Length,
    Listed,
    Number,
    Part,
    Point,
    Positive,
    Z,
    one_of,
    reading,
    wrong,
)
from fempslip.case.quantities import Amount, Mistake

MOST_STATES = 200  # starts of one search
MOST_IMAGES = 201


def _through(written: Any, info: ValidationInfo) -> Any:
    """The hole or period, which need not be named where there is only one."""
    known = reading(info).names.get("hole", ())
    if written is None and len(known) == 1:
        return known[0]
    if written is None:
        raise wrong("{here}: name the hole or period (through: NAME)", known)
    return written


Through = Annotated[HoleName, BeforeValidator(_through)]


class Bias(Part):
    """What is given round a closed body: a current along its loop, or without one the flux of the drive.

    through : the hole that the loop surrounds, or the period that it runs along
    """

    through: Through = Field(default=None, validate_default=True)
    current: Current | None = None
    density: Density | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> Bias:
        if self.current is not None and self.density is not None:
            raise wrong("{here} wants current or density, one of them")
        return self

    @property
    def given(self) -> bool:
        return self.current is not None or self.density is not None


# ---------------------------------------------------------------------------------------------- relax


def _range(written: Any) -> Any:
    if not isinstance(written, list) or len(written) != 2:
        raise wrong("{here} wants the first and the last number, such as [-1, 3]")
    return written


Range = Annotated[tuple[StrictInt, StrictInt], BeforeValidator(_range)]


class StateSearch(Part):
    """From where states are looked for; without any of these, from the case's start alone.

    random : so many starts from noise (start.seed, start.seed + 1 ..);  vorticity : so many vortices, spread evenly
    winding : so many turns of phase along the loop `through` a hole or period
    """

    random: Annotated[StrictInt, Field(ge=0, le=MOST_STATES)] = 0
    vorticity: Range | None = None
    winding: Range | None = None
    through: HoleName | None = None

    @model_validator(mode="after")
    def _ordered(self, info: ValidationInfo) -> StateSearch:
        count = self.random
        for name in ("vorticity", "winding"):
            pair = getattr(self, name)
            if pair is not None and pair[0] > pair[1]:
                raise wrong(f"{{here}}.{name}: the first number is larger than the last")
            count += pair[1] - pair[0] + 1 if pair else 0
        if count > MOST_STATES:
            raise wrong(f"{{here}} asks for {count} starts; {MOST_STATES} are the most")
        if self.vorticity is not None and reading(info).dimension != 2:
            raise wrong("{here}.vorticity places vortices in a film (dimension: 2)")
        if self.winding is not None and self.through is None:
            known = reading(info).names.get("hole", ())
            if len(known) != 1:
                raise wrong("{here}.winding: name the hole or period (through: NAME)", known)
        return self

    @property
    def any(self) -> bool:
        return bool(self.random or self.vorticity or self.winding)


KINDS = {"flux": "flux", "field": "field", "current": "current"}


def _swept(written: Any, info: ValidationInfo) -> Any:
    """A value of the parameter that changes."""
    kind = KINDS.get(info.data.get("parameter", ""), "number")
    try:
        found = quantities.amount(written, kind, reading(info).quantities, "{here}")
    except Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None
    if found.idep and kind != "current":
        raise wrong("{here}: Idep can be used for a current only")
    return found if found.idep else found.plain


Swept = Annotated[float | Amount, BeforeValidator(_swept), WithJsonSchema(QUANTITY)]


class Follow(Part):
    """States followed while a parameter changes, as far as they are stable.

    flux: through a hole or period;  field: along the drive's direction (z);  current: round the loop `through`
    limit : find where each state gives way, by bisection on the inertia of its curvature
    """

    parameter: Annotated[str, one_of("flux", "field", "current")]
    through: HoleName | None = None
    from_: Swept = Field(alias="from")
    to: Swept
    step: Swept
    limit: bool = True

    @model_validator(mode="after")
    def _named(self, info: ValidationInfo) -> Follow:
        known = reading(info).names.get("hole", ())
        if self.parameter != "field" and self.through is None and len(known) != 1:
            raise wrong(
                f"{{here}}: name the hole or period that the {self.parameter} belongs to (through: NAME)", known
            )
        return self


# ---------------------------------------------------------------------------------------------- barrier


def _corners(data: Any) -> Any:
    if not isinstance(data, list) or len(data) < 2 or not all(isinstance(corner, list) for corner in data):
        raise wrong("{here} wants two points or more: [[x, y], [x, y]]")
    return data


class StoredState(Part):
    """A frame of a run on the same mesh.  run: its folder;  frame: its number, counted from the end where negative"""

    run: str
    frame: StrictInt = -1


class SlipPath(Part):
    """One slip of phase along the loop, and where it happens.

    by : +1 or -1 turns (at a given current always the slip that the current drives)
    to : the state at the other end, instead of a turn more;  in films a vortex may be led along `vortex` on the way
    at : in a wire, the place;  vortex : in films and bodies, the path of a vortex from edge to edge, and in bodies the
    direction of its line
    """

    by: StrictInt = 1
    at: Point | None = None
    vortex: Annotated[tuple[Point, ...], BeforeValidator(_corners)] | None = None
    direction: Direction = Z
    to: StoredState | None = None

    @model_validator(mode="after")
    def _fits(self, info: ValidationInfo) -> SlipPath:
        if self.by not in (1, -1):
            raise wrong("{here}.by is one turn of phase: 1 or -1")
        if reading(info).dimension == 1 and self.vortex is not None:
            raise wrong("{here}: a wire slips at a place (at: ..); a vortex needs a film or a body")
        if reading(info).dimension > 1 and self.vortex is None and self.to is None:
            raise wrong("{here}: say how the vortex crosses (vortex: [[x, y], [x, y]], from edge to edge)")
        return self


def _needed(written: Any, info: ValidationInfo) -> Any:
    """A barrier between two stored states, or from bank to bank, has no loop."""
    slip, drive = info.data.get("slip"), info.data.get("driven")
    alone = (slip is not None and slip.to is not None) or (drive is not None and drive.current)
    return None if alone and written in (None, {}) else written


LoopBias = Annotated[Bias | None, BeforeValidator(_needed)]


class PairPath(Part):
    """A vortex and an antivortex that part: middle, the axis that joins them, and how far they go apart."""

    at: Point
    axis: Annotated[tuple[Number, Number], Listed] = (0.0, 1.0)
    apart: Annotated[Length, Positive]

    @model_validator(mode="after")
    def _points(self) -> PairPath:
        if not any(self.axis):
            raise wrong("{here}.axis is a direction and must not be zero")
        return self


Images = Annotated[StrictInt, Field(ge=5, le=MOST_IMAGES)]
