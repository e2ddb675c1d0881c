"""What is done to a sample: applied field, flux through holes, currents; to a superfluid, chemical potentials."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator

from fempslip.case.circuits import CircuitSpec
from fempslip.case.material import Profile
from fempslip.case.parts import (
    BoundaryName,
    Direction,
    FieldStrength,
    Flux,
    HoleName,
    Or,
    Part,
    Z,
    reading,
    wrong,
)
from fempslip.case.sources import FieldSource, is_source
from fempslip.case.waveforms import Constant, Sum
from fempslip.case.waves import Component, CurrentWave, DensityWave, HeadWave, Wave, scalar_is_value
from fempslip.contract import Circuit

Vector = tuple[float, float, float]


# ---------------------------------------------------------------------------------------------- drive as written


class FieldWave(Wave[FieldStrength]):
    """A uniform field along a direction; in 2D that is z."""

    direction: Direction | None = None

    @model_validator(mode="after")
    def _has_direction(self, info: ValidationInfo) -> FieldWave:
        dimension = reading(info).dimension
        if dimension == 3 and self.direction is None and self.value is not None:
            raise wrong("{here}: in 3D a field is a vector [Bx, By, Bz]")
        if dimension == 3 and self.direction is None:
            raise wrong("{here}: in 3D a field needs its direction: [x, y, z]")
        if dimension == 2 and self.direction not in (None, Z):
            raise wrong("{here}: a film takes a field along z only; leave direction out")
        return self


class FluxWave(Wave[Flux]):
    """Flux that threads a hole without a field in the material."""

    through: HoleName


class CurrentPath(Part):
    """A current from one terminal to another: its value, or its density at the terminals."""

    from_: BoundaryName = Field(alias="from")
    to: BoundaryName
    value: CurrentWave | None = None
    density: DensityWave | None = None

    @model_validator(mode="after")
    def _one_amount(self) -> CurrentPath:
        if (self.value is None) == (self.density is None):
            raise wrong("{here} wants value or density, one of them")
        if self.from_ == self.to:
            raise wrong(f"{{here}}: the current goes from {self.from_!r} to itself")
        return self


class CurrentsInto(Part):
    """The current into each of several terminals; at every time their sum must be zero, or `balance` takes the rest."""

    into: dict[BoundaryName, CurrentWave]
    balance: BoundaryName | None = None

    @model_validator(mode="after")
    def _balanced(self, info: ValidationInfo) -> CurrentsInto:
        if self.balance in self.into:
            raise wrong(f"{{here}}: {self.balance!r} takes what is left over, so it has no current of its own in into")
        if self.balance is not None:
            return self
        until = reading(info).until or 1.0
        waves = [wave.waveform() for wave in self.into.values()]
        for idep, unit in ((0.0, ""), (1.0, " for Idep = 1")):
            total = Sum(tuple(wave.at(idep) for wave in waves))
            t, excess, size = _largest_excess(total, until)
            if abs(excess) > 1e-9 * size:
                raise wrong(
                    f"{{here}}: the currents do not sum to zero: {excess:+.4g}{unit} is left over at t = {t:g} tau; "
                    "write balance: TERMINAL for the one that takes it"
                )
        return self


def _largest_excess(total: Sum, until: float) -> tuple[float, float, float]:
    """(time, excess, size of the parts) where currents miss zero most: at kinks, between them, and in a raster."""
    kinks = [0.0, *total.kinks(until), until]
    between = [(a + b) / 2 for a, b in zip(kinks, kinks[1:], strict=False)]
    times = [*kinks, *between, *(until * k * 0.618033988749895 % until for k in range(1, 60))]
    worst = max(times, key=lambda t: abs(total.value(t)))
    size = max((abs(part.value(t)) for part in total.parts for t in times), default=0.0)
    return worst, total.value(worst), size


def _field(data: Any, info: ValidationInfo) -> Any:
    """A scalar or waveform is one entry; a list has one per component, or one per source of the field."""
    if data is None or isinstance(data, FieldSpec):
        return data
    if not isinstance(data, list):
        return {"sources": [data]} if is_source(data) else {"along": scalar_is_value(data)}
    if data and all(is_source(part) for part in data):
        return {"sources": data}
    if reading(info).dimension == 2:
        raise wrong(
            "{here}: a film takes one number, the field along z, or a list of sources, each one of uniform, dipole, "
            "loop, wire, table; this is another list"
        )
    if len(data) != 3:
        raise wrong(f"{{here}} wants three components [Bx, By, Bz]; this has {len(data)}")
    return {"components": data}


class FieldSpec(Part):
    along: FieldWave | None = None
    components: tuple[Component, Component, Component] | None = None
    sources: tuple[FieldSource, ...] = ()


def _as_list(data: Any) -> Any:
    return data if isinstance(data, list) or data is None else [data]


def _current_kind(data: Any) -> str:
    return "into" if isinstance(data, CurrentsInto) or (isinstance(data, dict) and "into" in data) else "path"


AnyCurrent = Annotated[
    Annotated[CurrentPath, Tag("path")] | Annotated[CurrentsInto, Tag("into")], Discriminator(_current_kind)
]


class DriveSpec(Part):
    """Field, flux and currents as written, or a circuit instead of currents.

    head, potential : of superfluids, the chemical potentials of reservoirs and what acts from outside
    """

    field: Annotated[FieldSpec | None, BeforeValidator(_field)] = None
    flux: Annotated[tuple[FluxWave, ...], BeforeValidator(_as_list), Or()] = ()
    current: Annotated[tuple[AnyCurrent, ...], BeforeValidator(_as_list), Or()] = ()
    head: dict[BoundaryName, HeadWave] = Field(default_factory=dict)
    potential: Profile | None = None
    circuit: CircuitSpec | None = None

    @model_validator(mode="after")
    def _one_load(self) -> DriveSpec:
        if self.current and self.circuit is not None:
            raise wrong("{here}: give current or circuit; a current beside a circuit is a current source in it")
        return self

    def compiled(self) -> Drive:
        return Drive(
            _compiled_field(self.field) if self.field else (),
            tuple((wave.through, wave.waveform()) for wave in self.flux),
            tuple(drive for current in self.current for drive in _compiled_current(current)),
            self.circuit.compiled() if self.circuit is not None else None,
            heads={name: wave.waveform() for name, wave in self.head.items()},
            potential=self.potential,
            sources=_compiled_sources(self.field.sources) if self.field else (),
        )


def _compiled_field(spec: FieldSpec) -> tuple[tuple[Vector, Any], ...]:
    """(direction, waveform) of every component that is not always zero."""
    if spec.sources:
        entries: list[tuple[Vector, Any]] = [
            ((bx, by, bz), part.times.waveform())
            for part in spec.sources
            if part.uniform is not None
            for bx, by, bz in [part.uniform]
        ]
    elif spec.along is not None:
        entries = [(spec.along.direction or Z, spec.along.waveform())]
    else:
        axes: tuple[Vector, ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), Z)
        entries = [(axis, wave.waveform()) for axis, wave in zip(axes, spec.components or (), strict=False)]
    return tuple((axis, wave) for axis, wave in entries if wave != Constant(0.0))


def _compiled_sources(parts: tuple[FieldSource, ...]) -> tuple[tuple[Any, Any], ...]:
    """(what is not uniform, factor) of every source."""
    return tuple((part.shape, part.times.waveform()) for part in parts if part.shape is not None)


def _compiled_current(spec: CurrentPath | CurrentsInto) -> tuple[CurrentDrive, ...]:
    if isinstance(spec, CurrentsInto):
        given = {terminal: wave.waveform() for terminal, wave in spec.into.items()}
        rest = {spec.balance: Sum(tuple(given.values())).negative()} if spec.balance is not None else {}
        return tuple(CurrentDrive(terminal, 1.0, wave) for terminal, wave in {**given, **rest}.items())
    wave: Any = spec.value if spec.value is not None else spec.density
    dense = spec.density is not None
    return tuple(
        CurrentDrive(name, sign, wave.waveform(), dense, spec.from_)
        for name, sign in ((spec.from_, 1.0), (spec.to, -1.0))
    )


# ---------------------------------------------------------------------------------------------- drive, compiled


@dataclass(frozen=True)
class CurrentDrive:
    """A current (or, with is_density, a density times the section of terminal `across`) into a terminal, times sign.

    waveform : call `at(idep)` with the depairing current to get a `contract.Waveform`
    """

    terminal: str
    sign: float
    waveform: Any
    is_density: bool = False
    across: str = ""


@dataclass(frozen=True)
class Drive:
    """All that is applied.

    field : (vector, waveform) added up;  flux : (hole, waveform), 2 pi per quantum
    sources : (case.sources Dipole, Loop, StraightWire or FieldTable, factor)
    heads : reservoir -> its chemical potential;  potential : on a superfluid from outside, a number or Profiles
    """

    field: tuple[tuple[Vector, Any], ...] = ()
    flux: tuple[tuple[str, Any], ...] = ()
    currents: tuple[CurrentDrive, ...] = ()
    circuit: Circuit | None = None
    sources: tuple[tuple[Any, Any], ...] = ()
    heads: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    potential: Any = None

    @property
    def terminals(self) -> tuple[str, ...]:
        """Boundaries that carry a current, each once, in the order written."""
        wired = tuple(self.circuit.terminals) if self.circuit is not None else ()
        return (*dict.fromkeys(current.terminal for current in self.currents), *wired)
