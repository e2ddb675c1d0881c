"""What every model of a case is made of: quantities, names, points; checked while pydantic validates.

The context of a validation is a `Reading`: what has to be known before the rest can be understood (scales, parameters,
names of parts).  Validators raise through `wrong`; "{here}" in a message becomes the path of the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError, core_schema

from fempslip.case import quantities
from fempslip.case.quantities import Amount, Mistake, Names
from fempslip.case.scales import Scales

_NAME = re.compile(r"[^\W\d]\w*(-\w+)*\Z")


@dataclass(frozen=True)
class Reading:
    """What is known of a case before its models are built.

    names : kind of part ("region", "boundary", "hole", "probe", "recipe") -> names that exist
    thickness, area : of the reference material in xi and xi^2, if given;  until : end of the run in tau0, if readable
    keys : id of a mapping that was validated -> the keys its model knows
    """

    dimension: int
    quantities: Names
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    thickness: float | None = None
    area: float | None = None
    until: float | None = None
    keys: dict[int, tuple[str, ...]] = field(default_factory=dict)
    planes: list[int] = field(default_factory=list)  # not empty while a shape of the plane in a bulk piece is read

    @property
    def scales(self) -> Scales:
        return self.quantities.scales

    @property
    def space(self) -> int:
        """Coordinates of a point: wires may live in space."""
        return self.planes[-1] if self.planes else 3 if self.dimension == 1 else self.dimension

    @property
    def fewest(self) -> int:
        """Coordinates of a point that must be written; those left out are 0."""
        return 1 if self.dimension == 1 and not self.planes else self.space

    @contextmanager
    def plane(self) -> Iterator[None]:
        """While it lasts, points are those of a plane."""
        self.planes.append(2)
        try:
            yield
        finally:
            self.planes.pop()


def reading(info: ValidationInfo) -> Reading:
    if not isinstance(info.context, Reading):
        raise TypeError("models of a case are validated with a Reading as context: use fempslip.load")
    return info.context


def wrong(message: str, known: tuple[str, ...] = (), wrote: str | None = None) -> PydanticCustomError:
    """The error that validators raise."""
    return PydanticCustomError("fempslip", "{text}", {"text": message, "known": known, "wrote": wrote})


class Part(BaseModel):
    """A frozen model that knows no other keys than its own."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=False, allow_inf_nan=False, defer_build=True
    )

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys as a person writes them."""
        return tuple(f.alias or name for name, f in cls.model_fields.items())

    @model_validator(mode="before")
    @classmethod
    def _remember_keys(cls, data: Any, info: ValidationInfo) -> Any:
        if isinstance(data, dict):
            reading(info).keys[id(data)] = cls.keys()
            return data
        if isinstance(data, BaseModel):
            return data
        shown = "a list" if isinstance(data, list) else "empty" if data is None else repr(data)[:60]
        raise wrong(f"{{here}} wants a mapping with {', '.join(cls.keys())}; this is {shown}")


# ---------------------------------------------------------------------------------------------- quantities

QUANTITY: dict[str, Any] = {"type": ["number", "string"]}  # as an editor sees it
_JSON = WithJsonSchema(QUANTITY)


@dataclass(frozen=True, eq=False)
class Or:
    """Another form in which a file may write something, for the JSON Schema.  None: one part of a list, alone."""

    other: Mapping[str, Any] | None = None

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        schema = handler(core)
        return {"anyOf": [schema, schema["items"] if self.other is None else dict(self.other)]}


def _number(kind: str) -> Callable[[Any, ValidationInfo], Any]:
    def read(written: Any, info: ValidationInfo) -> float:
        try:
            found = quantities.amount(written, kind, reading(info).quantities, "{here}")
        except Mistake as mistake:
            raise wrong(str(mistake), mistake.known, mistake.wrote) from None
        if found.idep:
            raise wrong("{here}: Idep can be used for a current only, where the cut between terminals is known")
        return found.plain

    return read


def _current(written: Any, info: ValidationInfo) -> float | Amount:
    try:
        found = quantities.amount(written, "current", reading(info).quantities, "{here}")
    except Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None
    return found if found.idep else found.plain


def _positive(value: float) -> float:
    if not value > 0:
        raise wrong("{here} must be larger than 0")
    return value


def _not_negative(value: float) -> float:
    if value < 0:
        raise wrong("{here} must not be negative")
    return value


Positive = AfterValidator(_positive)
NotNegative = AfterValidator(_not_negative)
Number = Annotated[float, BeforeValidator(_number("number")), _JSON]
Length = Annotated[float, BeforeValidator(_number("length")), _JSON]
Time = Annotated[float, BeforeValidator(_number("time")), _JSON]
FieldStrength = Annotated[float, BeforeValidator(_number("field")), _JSON]
Angle = Annotated[float, BeforeValidator(_number("angle")), _JSON]
Flux = Annotated[float, BeforeValidator(_number("flux")), _JSON]
Density = Annotated[float, BeforeValidator(_number("density")), _JSON]
Frequency = Annotated[float, BeforeValidator(_number("frequency")), _JSON]
Speed = Annotated[float, BeforeValidator(_number("speed")), _JSON]
PlainCurrent = Annotated[float, BeforeValidator(_number("current")), _JSON]
Voltage = Annotated[float, BeforeValidator(_number("voltage")), _JSON]
Resistance = Annotated[float, BeforeValidator(_number("resistance")), _JSON]
Inductance = Annotated[float, BeforeValidator(_number("inductance")), _JSON]
Capacitance = Annotated[float, BeforeValidator(_number("capacitance")), _JSON]
Head = Annotated[float, BeforeValidator(_number("head")), _JSON]
Current = Annotated[float | Amount, BeforeValidator(_current), _JSON]


# ---------------------------------------------------------------------------------------------- points and directions


def _point(written: Any, info: ValidationInfo) -> Any:
    """Coordinates, filled up with zeros to the dimension of space; a wire's point may be one number."""
    here = reading(info)
    values = written if isinstance(written, list) else [written]
    if not here.fewest <= len(values) <= here.space:
        wanted = str(here.space) if here.fewest == here.space else f"{here.fewest} to {here.space}"
        where = "a plane" if here.planes else f"{here.dimension}D"
        raise wrong(f"{{here}} wants a point with {wanted} coordinates in {where}; this has {len(values)}")
    return values + [0] * (here.space - len(values))


def _listed(written: Any) -> Any:
    if not isinstance(written, list):
        raise wrong("{here} wants a list")
    return written


def _direction(value: tuple[float, float, float]) -> tuple[float, float, float]:
    size = sum(x * x for x in value) ** 0.5
    if not size > 0:
        raise wrong("{here} is a direction and must not be zero")
    return (value[0] / size, value[1] / size, value[2] / size)


Point = Annotated[tuple[Length, ...], BeforeValidator(_point), Or(QUANTITY)]
Listed = BeforeValidator(_listed)
Direction = Annotated[tuple[Number, Number, Number], AfterValidator(_direction), Listed]
Z = (0.0, 0.0, 1.0)


# ---------------------------------------------------------------------------------------------- names


def _file_name(written: Any) -> Any:
    if not isinstance(written, str) or not written.strip() or "\0" in written or len(written) > 1000:
        raise wrong("{here} wants the name of a file")
    return written


FileName = Annotated[str, BeforeValidator(_file_name)]


@dataclass(frozen=True)
class OneOf:
    """A word out of a few."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"enum": list(self.words)}

    def _check(self, written: Any) -> Any:
        if written not in self.words:
            raise wrong(f"{{here}}: {written!r:.60} is none of {', '.join(self.words)}", self.words, str(written))
        return written


def one_of(*words: str) -> OneOf:
    return OneOf(words)


def _new_name(written: Any) -> Any:
    if not isinstance(written, str) or not _NAME.match(written) or len(written) > 60:
        raise wrong(f"{written!r:.60} is no name: letters, digits and _, beginning with a letter")
    return written


def _existing(kind: str, plural: str) -> BeforeValidator:
    def check(written: Any, info: ValidationInfo) -> Any:
        known = reading(info).names.get(kind, ())
        if written in known:
            return written
        if not known:
            raise wrong(f"{{here}}: there is no {kind} {written!r:.60}; the geometry names no {plural}")
        raise wrong(f"{{here}}: there is no {kind} {written!r:.60}", known, str(written))

    return BeforeValidator(check)


NewName = Annotated[str, BeforeValidator(_new_name)]
RegionName = Annotated[str, _existing("region", "regions")]
BoundaryName = Annotated[str, _existing("boundary", "boundaries")]
HoleName = Annotated[str, _existing("hole", "holes")]
PlaceName = Annotated[str, _existing("place", "probes or boundaries")]
