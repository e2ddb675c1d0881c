"""The Case: everything a person says about one experiment, dimensionless and frozen.

`load` builds it.  Quantities are in xi, tau0, Bc2, j0, V0; `case.scales` has the SI values of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from pydantic import BeforeValidator, Field, PrivateAttr, StrictInt, ValidationInfo

from fempslip.case.drive import Drive, DriveSpec
from fempslip.case.geometry import Geometry
from fempslip.case.lumped_settings import System
from fempslip.case.material import Material, Materials, arranged
from fempslip.case.noise_settings import STEP, NoiseSpec
from fempslip.case.parts import (
    BoundaryName,
    FieldStrength,
    HoleName,
    NewName,
    Number,
    Or,
    Part,
    Positive,
    Speed,
    one_of,
    reading,
)
from fempslip.case.scales import Scales
from fempslip.case.settings import (
    Expectation,
    Measure,
    MeshSpec,
    Model,
    RecipeName,
    Record,
    ResultName,
    Start,
    TimeSpec,
    _start,
)
from fempslip.case.static_settings import Bias, Follow, Images, LoopBias, PairPath, SlipPath, StateSearch
from fempslip.case.sweep import SweepSpec
from fempslip.contract import Refusal

ContactKind = Annotated[str, one_of("normal", "bank", "free", "reservoir", "outlet")]


def _arranged(data: Any, info: ValidationInfo) -> Any:
    return data if isinstance(data, Materials) else arranged(data, reading(info).names.get("region", ()))


class Case(Part):
    """What all tasks share.  Derived, and not written: scales, path."""

    name: NewName
    title: str = ""
    task: str = "evolve"
    sweep: SweepSpec = None
    postprocess: tuple[RecipeName, ...] = ()
    expect: dict[ResultName, Expectation] = Field(default_factory=dict)

    _origin: Any = PrivateAttr(default=None)

    @classmethod
    def keys(cls) -> tuple[str, ...]:
        """The keys as a person writes them: what is asked of the results comes last."""
        last = ("sweep", "postprocess", "expect")
        return (*(key for key in super().keys() if key not in last), *last)

    def __eq__(self, other: object) -> bool:
        """Equal in everything that decides a run; where it was read from does not count."""
        if not isinstance(other, Case):
            return NotImplemented
        return type(self) is type(other) and all(getattr(self, n) == getattr(other, n) for n in type(self).model_fields)

    __hash__ = None  # type: ignore[assignment]

    @property
    def scales(self) -> Scales:
        """SI values of the units."""
        return self._origin.scales

    @property
    def path(self) -> Path | None:
        """The file it was read from."""
        return self._origin.path

    def vary(self, overrides: Mapping[str, object]) -> Case:
        """A case with other values at dotted paths.  Raises Refusal.

        >>> import fempslip as fs
        >>> fs.load("film_vortex_flow").vary({"drive.field": "60 mT", "mesh.size": "0.4 xi"}).title
        'Vortex flow in a film driven by a current'
        """
        from fempslip.case.loading import vary

        return vary(self, overrides)

    def document(self) -> str:
        """Complete YAML: geometry and all defaults included; loading it gives an equal case."""
        from fempslip.case.document import document

        return document(self)

    def refuse(self, path: str, message: str, known: Iterable[str] = (), wrote: str | None = None) -> Refusal:
        """The Refusal (to be raised) for something wrong at a dotted path, found after loading."""
        return self._origin.refuse(path, message, tuple(known), wrote)


class MeshedCase(Case):
    """A case about a body.  Derived, and not written: material (by region), drive (compiled), until."""

    geometry: Geometry
    materials: Annotated[Materials, BeforeValidator(_arranged)] = Field(
        default={}, alias="material", validate_default=True
    )
    model: Model = Field(default={}, validate_default=True)
    contacts: dict[BoundaryName, ContactKind] = Field(default_factory=dict)
    driven: DriveSpec = Field(default={}, alias="drive", validate_default=True)
    start: Annotated[Start, BeforeValidator(_start), Or({"type": "string"})] = Field(default={}, validate_default=True)
    mesh: MeshSpec = Field(default={}, validate_default=True)
    measure: Measure = Field(default={}, validate_default=True)

    @cached_property
    def material(self) -> Mapping[str, Material]:
        """region -> what it is made of."""
        return {region: self.materials.of(region, self.scales) for region in self.geometry.regions}

    @cached_property
    def drive(self) -> Drive:
        """All that is applied, as waveforms."""
        return self.driven.compiled()

    @property
    def until(self) -> float:
        """How long it is followed; 0 where nothing moves, and the drive is that of t = 0."""
        return 0.0


class Evolve(MeshedCase):
    """The task `evolve`: follow the equations in time."""

    task: Literal["evolve"] = "evolve"
    time: TimeSpec
    record: Record = Field(default={}, validate_default=True)
    noise: NoiseSpec | None = None

    @property
    def fixed_step(self) -> float | None:
        """A constant step: as written, and with noise always."""
        return self.time.fixed if self.noise is None else self.time.fixed or STEP

    @property
    def until(self) -> float:
        return self.time.until


class Relax(MeshedCase):
    """The task `relax`: the stationary states of a body, and how far they can be followed."""

    task: Literal["relax"] = "relax"
    search: StateSearch = Field(default={}, validate_default=True)
    tolerance: Annotated[Number, Positive] = 1e-7
    kicks: Annotated[StrictInt, Field(ge=0, le=100)] = 6
    follow: Follow | None = None


class Nucleation(MeshedCase):
    """The task `nucleation`: the largest field in which superconductivity begins.

    guess : a field near it;  free : the period through which the flux is free, so that a surface state has the wave
    number it likes best;  modes : so many states are kept
    """

    task: Literal["nucleation"] = "nucleation"
    guess: Annotated[FieldStrength, Positive] | None = None
    free: HoleName | None = None
    modes: Annotated[StrictInt, Field(ge=1, le=20)] = 3


class Barrier(MeshedCase):
    """The task `barrier`: what a phase slip costs.  newton : go on to the saddle;  growth : how fast it is left.

    bias : left out, `drive.current` flows through a wire from bank to bank
    """

    task: Literal["barrier"] = "barrier"
    slip: SlipPath = Field(default={}, validate_default=True)
    bias: LoopBias = Field(default={}, validate_default=True)
    images: Images = 21
    newton: bool = True
    growth: bool = True


class Instanton(MeshedCase):
    """The task `instanton`: a quantum slip as a pair of vortices in (x, y = velocity times imaginary time).

    stiffness : K of the phase action S/hbar = K/(2 pi) int (grad theta)^2 dx dy;  velocity : of the phase mode
    """

    task: Literal["instanton"] = "instanton"
    bias: Bias = Field(default={}, validate_default=True)
    pair: PairPath
    stiffness: Annotated[Number, Positive]
    velocity: Annotated[Speed, Positive] | None = None
    images: Images = 21


class London(MeshedCase):
    """The task `london`: fields and currents at rest with |psi| as it starts, windings and vortices of `start`.

    The drive is that of t = 0; model.screening says in what space.
    """

    task: Literal["london"] = "london"


class Lumped(Case, System):
    """The task `lumped`: a system without extent, so without geometry and mesh."""

    task: Literal["lumped"] = "lumped"


# task -> its case; a new task adds its class here
TASKS: dict[str, type[Case]] = {
    "evolve": Evolve,
    "london": London,
    "lumped": Lumped,
    "relax": Relax,
    "nucleation": Nucleation,
    "barrier": Barrier,
    "instanton": Instanton,
}


def json_schema() -> dict[str, Any]:
    """JSON Schema of a case file: a union discriminated by `task`."""
    from pydantic import TypeAdapter

    from fempslip.case.editors import as_written

    cases = tuple(TASKS.values())
    kind: Any = cases[0] if len(cases) == 1 else Annotated[Union[cases], Field(discriminator="task")]  # noqa: UP007
    schema = as_written(TypeAdapter(kind).json_schema(by_alias=True))
    for case in cases:  # a case without the word is one of evolve
        if case is not Evolve and case.__name__ in schema["$defs"]:
            part = schema["$defs"][case.__name__]
            part["required"] = sorted({*part.get("required", ()), "task"})
    return schema
