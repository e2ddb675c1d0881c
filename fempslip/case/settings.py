"""The rest of a case: model, start, mesh, time, measure, record, expect."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    StrictInt,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from fempslip.case import quantities
from fempslip.case.parts import (
    QUANTITY,
    BoundaryName,
    Direction,
    Head,
    Length,
    NotNegative,
    Number,
    Or,
    Part,
    PlaceName,
    Point,
    Positive,
    RegionName,
    Time,
    Z,
    one_of,
    reading,
    wrong,
)

# ---------------------------------------------------------------------------------------------- model and start


class Model(Part):
    """Which equations.

    screening: none is the applied field alone; maxwell adds the sample's own field in all of space (films are then
    infinitely long along z); pearl is a thin film with the field of its own sheet current
    charge: conserved solves for the electric potential; off is pure relaxation without one
    layers: depth of a superfluid's reservoirs and outlets
    """

    dynamics: Annotated[str, one_of("tdgl", "superfluid", "charged")] = "tdgl"
    screening: Annotated[str, one_of("none", "maxwell", "pearl")] = "none"
    charge: Annotated[str, one_of("conserved", "off")] = "conserved"
    layers: dict[BoundaryName, Annotated[Length, Positive]] = Field(default_factory=dict)

    @property
    def reactive(self) -> bool:
        """A superfluid, charged or not: frequencies instead of relaxation."""
        return self.dynamics != "tdgl"


def _place(written: Any, info: ValidationInfo) -> Any:
    """A point, or the name of a hole."""
    here = reading(info)
    holes = here.names.get("hole", ())
    if not isinstance(written, str) or written in holes:
        return written
    if here.dimension > 1:
        raise wrong(f"{{here}} wants a point or a hole; there is no hole {written!r:.60}", holes, written)
    return [written]


class Vortex(Part):
    """A vortex at a point, or the winding around a hole.  direction: along its line, in 3D."""

    at: Annotated[str | Point, BeforeValidator(_place)]
    winding: StrictInt = 1
    direction: Direction = Z


class VortexRing(Part):
    """A vortex ring round a direction, along which it moves if winding is 1."""

    center: Point
    radius: Annotated[Length, Positive]
    direction: Direction = Z
    winding: StrictInt = 1


def _x_axis(written: Any) -> Any:
    return [1, 0, 0] if written is None else written


class Soliton(Part):
    """A dark soliton on the plane through a point, moving along its normal at a share of the speed of sound."""

    at: Point
    direction: Annotated[Direction, BeforeValidator(_x_axis)] = Field(default=None, validate_default=True)
    speed: Number = 0.0

    @model_validator(mode="after")
    def _slower_than_sound(self) -> Soliton:
        if not -1 < self.speed < 1:
            raise wrong("{here}: speed is a share of the speed of sound, between -1 and 1")
        return self


SMALL = 0.1  # a kick above it is no linear response


class Kick(Part):
    """A plane wave of the phase, psi exp(i amplitude cos(k x)): so many waves over the extent of the body."""

    waves: Annotated[Number, Positive]
    amplitude: Annotated[Number, Positive] = 1e-4
    direction: Annotated[Direction, BeforeValidator(_x_axis)] = Field(default=None, validate_default=True)

    @model_validator(mode="after")
    def _fits_and_is_small(self) -> Kick:
        if (2 * self.waves) % 1:
            raise wrong(
                "{here}: waves is a whole number, or a half one between walls (1, 1.5, 2 ..): others do not fit"
            )
        if self.amplitude > SMALL:
            raise wrong(f"{{here}}: amplitude is a small angle, {SMALL:g} at most, for a response in proportion to it")
        return self


def _start(data: Any) -> Any:
    """A word alone is the kind."""
    return {"kind": data} if isinstance(data, str) else data


def _kind(written: Any, info: ValidationInfo) -> Any:
    """`vortices` and `run` say the kind by themselves."""
    if written is not None:
        return written
    vortices = info.data.get("vortices") or info.data.get("rings")
    return "vortices" if vortices else "run" if info.data.get("run") is not None else "uniform"


class Start(Part):
    """How the run begins.

    uniform: |psi| = sqrt(epsilon) without divergence of current; normal: noise of an amplitude, seeded;
    vortices: given ones in the uniform state, rings among them; run: frame of another run

    Superfluids: solitons; kick, a small wave of the phase; heads, the chemical potentials that regions are at rest
    with; heal, how long what was imprinted relaxes before t = 0 (by default 1.5 tau where there are vortices)
    """

    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 0
    amplitude: Annotated[Number, Positive] = 0.01
    vortices: tuple[Vortex, ...] = ()
    rings: tuple[VortexRing, ...] = ()
    solitons: tuple[Soliton, ...] = ()
    kick: Kick | None = None
    heads: dict[RegionName, Head] = Field(default_factory=dict)
    heal: Annotated[Time, NotNegative] | None = None
    run: str | None = None
    frame: StrictInt = -1
    kind: Annotated[str, one_of("uniform", "normal", "vortices", "run"), BeforeValidator(_kind)] = Field(
        default=None, validate_default=True
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Start:
        if (self.kind == "vortices") != bool(self.vortices or self.rings):
            raise wrong("{here}: kind vortices and a list of vortices (or rings) belong together")
        if (self.kind == "run") != (self.run is not None):
            raise wrong("{here}: kind run and run (the folder of another run) belong together")
        return self


# ---------------------------------------------------------------------------------------------- mesh


class Refine(Part):
    """Cells of a size within a distance of a boundary."""

    near: BoundaryName
    size: Annotated[Length, Positive]
    within: Annotated[Length, Positive]


def _default_size(written: Any, info: ValidationInfo) -> Any:
    return (0.1 if reading(info).dimension == 1 else 0.5) if written is None else written


class MeshSpec(Part):
    """Size of cells, 0.1 xi in wires and 0.5 xi else; by region; finer near boundaries."""

    size: Annotated[Length, Positive, BeforeValidator(_default_size)] = Field(default=None, validate_default=True)
    regions: dict[RegionName, Annotated[Length, Positive]] = Field(default_factory=dict)
    refine: tuple[Refine, ...] = ()


# ---------------------------------------------------------------------------------------------- time, measure, record


_PERCENT = re.compile(r"\s*(?P<number>[^%\s]+)\s*%\s*\Z")


def _share(written: Any, info: ValidationInfo) -> Any:
    """ "1 %" or 0.01."""
    match = _PERCENT.match(written) if isinstance(written, str) and len(written) < 50 else None
    try:
        value = quantities.number(match["number"] if match else written, "number", reading(info).quantities, "{here}")
    except quantities.Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None
    return value / 100 if match else value


class Steady(Part):
    """The run ends when the mean voltage between the first measured pair has stopped changing, or at the latest."""

    steady: Annotated[str, one_of("voltage")]
    within: Annotated[float, BeforeValidator(_share), Positive, WithJsonSchema(QUANTITY)] = 0.01
    at_most: Annotated[Time, Positive]


def _end_kind(data: Any) -> str:
    return "steady" if isinstance(data, dict | Steady) else "time"


class TimeSpec(Part):
    """until, and the control of the step: tolerance on psi, first, smallest and largest step, or a fixed one."""

    end: Annotated[
        Annotated[Time, Positive, Tag("time")] | Annotated[Steady, Tag("steady")], Discriminator(_end_kind)
    ] = Field(alias="until")
    tolerance: Annotated[Number, Positive] = 3e-4
    dt_start: Annotated[Time, Positive] = 1e-3
    dt_min: Annotated[Time, Positive] = 1e-9
    dt_max: Annotated[Time, Positive] = 10.0
    fixed: Annotated[Time, Positive] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> TimeSpec:
        if not self.dt_min <= self.dt_start <= self.dt_max:
            steps = f"{self.dt_min:g}, {self.dt_start:g}, {self.dt_max:g}"
            raise wrong(f"{{here}} wants dt_min <= dt_start <= dt_max; these are {steps}")
        return self

    @property
    def until(self) -> float:
        """The end, at the latest."""
        return self.end.at_most if isinstance(self.end, Steady) else self.end

    @property
    def steady(self) -> Steady | None:
        return self.end if isinstance(self.end, Steady) else None


def _pairs(data: Any) -> Any:
    """One pair of probes, or a list of pairs."""
    if not isinstance(data, list) or not all(isinstance(item, list) for item in data):
        data = [data]
    for pair in data:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or pair[0] == pair[1]:
            raise wrong("{here} wants two different probes [a, b], or a list of such pairs")
    return data


class Measure(Part):
    """When averages begin (default: the second half) and between which probes voltages are taken."""

    from_: Time | None = Field(default=None, alias="from")
    between: Annotated[
        tuple[tuple[PlaceName, PlaceName], ...],
        BeforeValidator(_pairs),
        Or({"type": "array", "items": {"type": "string"}}),
    ] = ()


def _interval(written: Any, info: ValidationInfo) -> Any:
    """ "every 2 tau" or "2 tau"; by default a two-hundredth of the run."""
    if written is None:
        return (reading(info).until or 200.0) / 200
    return re.sub(r"^\s*every\s+", "", written) if isinstance(written, str) else written


class Record(Part):
    """How often the fields are kept."""

    fields: Annotated[Time, Positive, BeforeValidator(_interval)] = Field(default=None, validate_default=True)


# ---------------------------------------------------------------------------------------------- expect and recipes


class Expected(NamedTuple):
    """What a result should be: |found - value| <= tolerance."""

    value: float
    tolerance: float


_EXPECTED = re.compile(r"(?P<value>[^±%]+?)\s*(?:\+-|\+/-|±)\s*(?P<tolerance>[^±%]+?)\s*(?P<percent>%)?\Z")


def _expected(written: Any, info: ValidationInfo) -> Any:
    """ "0.245 +- 0.012" or "0.245 +- 5 %"."""
    match = _EXPECTED.match(written.strip()) if isinstance(written, str) and len(written) < 100 else None
    if not match:
        raise wrong(
            f"{{here}} wants a value and how far off it may be, such as '0.245 +- 0.012'; this is {written!r:.60}"
        )
    try:
        value, tolerance = (
            quantities.number(match[part], "number", reading(info).quantities, "{here}")
            for part in ("value", "tolerance")
        )
    except quantities.Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None
    if tolerance < 0:
        raise wrong("{here}: the tolerance must not be negative")
    return (value, abs(value) * tolerance / 100 if match["percent"] else tolerance)


def _result_name(written: Any, info: ValidationInfo) -> Any:
    recipe, dot, result = written.partition(".")
    if not (recipe and dot and result):
        raise wrong(f"{written!r:.60} is no result: write recipe.result, such as voltage.mean")
    return written


def _recipe(written: Any, info: ValidationInfo) -> Any:
    known = reading(info).names.get("recipe", ())
    if written not in known:
        raise wrong(f"{{here}}: there is no recipe {written!r:.60} in postprocess/", known, str(written))
    return written


Expectation = Annotated[Expected, BeforeValidator(_expected), WithJsonSchema({"type": "string"})]
ResultName = Annotated[str, BeforeValidator(_result_name)]
RecipeName = Annotated[str, BeforeValidator(_recipe)]
