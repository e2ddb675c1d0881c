"""Waveforms as a person writes them: a quantity, or one of value, points, ramp, sine, pulse, or a sum of these."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from fempslip.case.parts import (
    QUANTITY,
    Current,
    Density,
    FieldStrength,
    Frequency,
    Head,
    Listed,
    NotNegative,
    Number,
    Or,
    Part,
    Positive,
    Time,
    Voltage,
    wrong,
)
from fempslip.case.waveforms import Constant, Points, Pulse, Ramp, Sine, Sum

H = TypeVar("H")
SUMMED = {"type": ["number", "string", "array"]}  # as an editor sees it: a quantity, or a list to be added up


class RampSpec(Part, Generic[H]):
    from_: H = Field(default=0, alias="from", validate_default=True)
    to: H
    start: Time = 0.0
    over: Annotated[Time, NotNegative]

    def waveform(self) -> Any:
        return Ramp(self.from_, self.to, self.start, self.over)


class SineSpec(Part, Generic[H]):
    amplitude: H
    frequency: Annotated[Frequency, Positive] | None = None
    period: Annotated[Time, Positive] | None = None
    offset: H = Field(default=0, validate_default=True)
    phase: Number = 0.0

    @model_validator(mode="after")
    def _one_rhythm(self) -> SineSpec[H]:
        if (self.frequency is None) == (self.period is None):
            raise wrong("{here}: a sine wants its frequency or its period, one of them")
        return self

    def waveform(self) -> Any:
        return Sine(self.amplitude, self.frequency or 1 / (self.period or 1.0), self.offset, self.phase)


class PulseSpec(Part, Generic[H]):
    height: H
    start: Time = 0.0
    length: Annotated[Time, Positive]
    rise: Annotated[Time, NotNegative] = 0.0

    @model_validator(mode="after")
    def _edges_fit(self) -> PulseSpec[H]:
        if 2 * self.rise > self.length:
            raise wrong("{here}: both edges (2 rise) must fit into the length of the pulse")
        return self

    def waveform(self) -> Any:
        return Pulse(self.height, self.start, self.length, self.rise)


def scalar_is_value(data: Any) -> Any:
    """A quantity is a constant; a list is a sum."""
    if isinstance(data, list):
        return {"sum": data}
    return {"value": data} if isinstance(data, int | float | str) and not isinstance(data, bool) else data


def _number_is_value(data: Any) -> Any:
    return data if isinstance(data, list) else scalar_is_value(data)


class OneWave(Part, Generic[H]):
    """One of value, points, ramp, sine, pulse."""

    value: H | None = None
    points: Annotated[tuple[Annotated[tuple[Time, H], Listed], ...], Listed] | None = None
    ramp: RampSpec[H] | None = None
    sine: SineSpec[H] | None = None
    pulse: PulseSpec[H] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> OneWave[H]:
        kinds = ("value", "points", "ramp", "sine", "pulse", "sum")
        given = [kind for kind in kinds if getattr(self, kind, None) is not None]
        if len(given) != 1:
            raise wrong(f"{{here}} wants one of {', '.join(kinds)}, not {' and '.join(given) or 'nothing'}")
        times = [t for t, _ in self.points] if self.points is not None else [0.0]
        if not times or any(b < a for a, b in zip(times, times[1:], strict=False)):
            raise wrong("{here}: points wants [time, value] pairs whose times never decrease")
        return self

    def waveform(self) -> Any:
        if self.points is not None:
            return Points(tuple(t for t, _ in self.points), tuple(h for _, h in self.points))
        shape = self.ramp or self.sine or self.pulse
        return shape.waveform() if shape is not None else Constant(self.value)


class Wave(OneWave[H], Generic[H]):
    """As OneWave, or a sum of such (at every time)."""

    sum: (
        Annotated[tuple[Annotated[OneWave[H], BeforeValidator(_number_is_value), Or(QUANTITY)], ...], Listed] | None
    ) = None

    def waveform(self) -> Any:
        return Sum(tuple(part.waveform() for part in self.sum)) if self.sum is not None else super().waveform()


CurrentWave = Annotated[Wave[Current], BeforeValidator(scalar_is_value), Or(SUMMED)]
VoltageWave = Annotated[Wave[Voltage], BeforeValidator(scalar_is_value), Or(SUMMED)]
DensityWave = Annotated[Wave[Density], BeforeValidator(scalar_is_value), Or(SUMMED)]
HeadWave = Annotated[Wave[Head], BeforeValidator(scalar_is_value), Or(SUMMED)]
Component = Annotated[Wave[FieldStrength], BeforeValidator(scalar_is_value), Or(SUMMED)]
