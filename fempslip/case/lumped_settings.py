"""The task `lumped`: a system without extent, and so without geometry and mesh.  One of

junction     beta phi'' + phi' + sin phi = bias: Adler, RSJ, RCSJ, and the dual junction of quantum phase slips
slip_ring    levels of a ring in which the phase slips by tunnelling
normal_ring  the equilibrium current of free electrons on a ring, beside that of a superconducting ring
two_fluid    first, second and fourth sound, and a pulse of each
"""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, StrictInt, ValidationInfo, WithJsonSchema, model_validator

from fempslip.case import quantities
from fempslip.case.parts import (
    QUANTITY,
    NotNegative,
    Number,
    Or,
    Part,
    PlainCurrent,
    Positive,
    Time,
    one_of,
    reading,
    wrong,
)
from fempslip.case.quantities import Mistake
from fempslip.case.scales import PHI0, E, Scales
from fempslip.case.waveforms import Constant, Sine, Sum
from fempslip.case.waves import SUMMED, VoltageWave, Wave, scalar_is_value
from fempslip.contract import Waveform

AsWritten = Annotated[str | float | int | None, WithJsonSchema({"type": ["number", "string", "null"]})]
PlainWave = Annotated[Wave[PlainCurrent], BeforeValidator(scalar_is_value), Or(SUMMED)]
NumberWave = Annotated[Wave[Number], BeforeValidator(scalar_is_value), Or(SUMMED)]
SCALES = {  # kind -> (key of its critical value, unit kind, key of what stores, unit kind)
    "josephson": ("critical_current", "current", "capacitance", "capacitance"),
    "dual": ("critical_voltage", "voltage", "inductance", "inductance"),
}


def scales_of(data: Mapping[str, Any]) -> tuple[Scales, list[tuple[str, Mistake]]]:
    """SI values of the units of a junction: Ic, Ic R and hbar/2e Ic R, or Vc, Vc/R and 2e R/2 pi Vc of a dual one."""
    mistakes: list[tuple[str, Mistake]] = []

    def si(key: str, kind: str) -> float | None:
        if data.get(key) is None:
            return None
        try:
            value = quantities.in_si(data[key], kind, "{here}")
            if not 1e-60 < value < 1e60:
                raise Mistake("{here} must be larger than 0")
            return float(value)
        except Mistake as mistake:
            mistakes.append((key, mistake))
            return None

    dual = data.get("kind") == "dual"
    critical, unit = SCALES["dual" if dual else "josephson"][:2]
    size, ohm = si(critical, unit), si("resistance", "resistance")
    current, volt = (
        (size / ohm if ohm else None, size) if dual and size else (size, size * ohm if size and ohm else None)
    )
    tau = None
    if size and ohm:
        tau = 2 * E * ohm / (2 * pi * size) if dual else PHI0 / (2 * pi * size * ohm)
    needs = f"junction.{critical} and junction.resistance"
    return Scales(1, tau0=tau, V0=volt, current=current, needs=needs), mistakes


class JunctionSpec(Part):
    """What the junction is.  With critical_current, resistance and capacitance (or those of the dual) beta follows."""

    kind: Annotated[str, one_of("adler", "rsj", "rcsj", "dual")] = "rsj"
    beta: Annotated[Number, NotNegative] | None = None
    coupling: Annotated[Number, Positive] = 1.0
    temperature: Annotated[Number, NotNegative] = 0.0
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 0
    critical_current: AsWritten = None
    critical_voltage: AsWritten = None
    resistance: AsWritten = None
    capacitance: AsWritten = None
    inductance: AsWritten = None
    _beta: float | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _fits_its_kind(self, info: ValidationInfo) -> JunctionSpec:
        dual = self.kind == "dual"
        for key in ("critical_current", "capacitance") if dual else ("critical_voltage", "inductance"):
            if getattr(self, key) is not None:
                raise wrong(f"{{here}}: {key} is not of the kind {self.kind}")
        if self.coupling != 1 and self.kind != "adler":
            raise wrong("{here}: coupling is of the kind adler; else the critical value is the unit")
        storing = self.inductance if dual else self.capacitance
        if self.kind in ("adler", "rsj") and (self.beta or storing is not None):
            raise wrong(f"{{here}}: {self.kind} has no inertia; a junction with a capacitor is of the kind rcsj")
        if storing is not None and self.beta is not None:
            raise wrong("{here}: give beta or what makes it, not both")
        if self.kind == "rcsj" and self.beta is None and storing is None:
            raise wrong("{here}: rcsj wants beta, or critical_current, resistance and capacitance")
        self._inertia(info)
        return self

    def _inertia(self, info: ValidationInfo) -> None:
        key, kind = SCALES["dual" if self.kind == "dual" else "josephson"][2:]
        written = getattr(self, key)
        if written is None or reading(info).quantities.broken:
            return
        unit = reading(info).scales.si(kind)
        if unit is None:
            raise wrong(f"{{here}}: {key} needs {reading(info).scales.needs} beside it")
        try:
            self._beta = quantities.in_si(written, kind, "{here}") / unit
        except Mistake as mistake:
            raise wrong(str(mistake), mistake.known, mistake.wrote) from None

    @property
    def inertia(self) -> float:
        """beta, as written or by the SI values."""
        return self._beta if self._beta is not None else self.beta or 0.0


class BiasSpec(Part):
    """What drives the junction.  Voltage, or the current of a dual one, prescribes the phase."""

    current: PlainWave | None = None
    voltage: VoltageWave | None = None
    detuning: NumberWave | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> BiasSpec:
        given = [kind for kind in type(self).model_fields if getattr(self, kind) is not None]
        if len(given) != 1:
            raise wrong(f"{{here}} wants one of current, voltage, detuning, not {' and '.join(given) or 'nothing'}")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in type(self).model_fields if getattr(self, kind) is not None)

    @property
    def waveform(self) -> Waveform:
        return getattr(self, self.kind).waveform()


class Range(Part):
    """Evenly spaced values."""

    from_: Number = Field(alias="from")
    to: Number
    points: Annotated[StrictInt, Field(ge=2, le=20000)]


class CurveSpec(Range):
    """The bias in steps, in units of the critical value; `back`: down again, the junction carried on."""

    back: bool = False
    settle: Annotated[StrictInt, Field(ge=0, le=10000)] = 5
    count: Annotated[StrictInt, Field(ge=1, le=10000)] = 30


class DurationSpec(Part):
    until: Annotated[Time, Positive]
    every: Annotated[Time, Positive] = 0.05


class SlipRing(Part):
    """slip_energy : E_S/E_L;  flux from `from` to `to` in Phi0."""

    slip_energy: Annotated[Number, Positive]
    flux: Range = Field(default={"from": -1, "to": 1, "points": 201}, validate_default=True)


class NormalRing(Part):
    """Free electrons without spin; temperature in units of the level distance at the Fermi energy; flux in h/e."""

    electrons: Annotated[StrictInt, Field(ge=1, le=1000)] = 7
    temperature: Annotated[Number, NotNegative] = 0.0
    flux: Range = Field(default={"from": 0, "to": 2, "points": 401}, validate_default=True)


def _in(kind: str) -> BeforeValidator:
    def read(written: Any, info: ValidationInfo) -> float:
        try:
            return quantities.in_si(written, kind, "{here}")
        except Mistake as mistake:
            raise wrong(str(mistake), mistake.known, mistake.wrote) from None

    return BeforeValidator(read)


_JSON = WithJsonSchema(QUANTITY)


class TwoFluidSpec(Part):
    """A superfluid with a normal part; entropy and heat capacity for a mass."""

    superfluid_share: Annotated[float, Field(gt=0, lt=1)]
    first_sound: Annotated[float, _in("speed"), Positive, _JSON]
    temperature: Annotated[float, _in("temperature"), Positive, _JSON]
    entropy: Annotated[float, _in("specific heat"), Positive, _JSON]
    heat_capacity: Annotated[float, _in("specific heat"), Positive, _JSON]
    length: Annotated[float, _in("length"), Positive, _JSON]
    pulse_width: Annotated[float, _in("length"), Positive, _JSON] | None = None


SYSTEMS = ("junction", "slip_ring", "normal_ring", "two_fluid")
BIASES = {"adler": ("detuning",), "dual": ("voltage", "current"), "rsj": ("current", "voltage")}


class System(Part):
    """What a lumped case holds: one system, and for a junction its bias and what is asked of it.

    curve, amplitudes : a current-voltage curve, and with amplitudes of the sine in the bias a map of Shapiro steps
    """

    junction: JunctionSpec | None = None
    slip_ring: SlipRing | None = None
    normal_ring: NormalRing | None = None
    two_fluid: TwoFluidSpec | None = None
    bias: BiasSpec | None = None
    curve: CurveSpec | None = None
    amplitudes: Range | None = None
    time: DurationSpec | None = None

    @model_validator(mode="after")
    def _one_system(self) -> System:
        given = [name for name in SYSTEMS if getattr(self, name) is not None]
        if len(given) != 1:
            raise wrong(f"a lumped case is about one of {', '.join(SYSTEMS)}, not {' and '.join(given) or 'nothing'}")
        if self.junction is not None:
            self._asked(self.junction.kind)
            return self
        for name in ("bias", "curve", "amplitudes", "time"):
            if getattr(self, name) is not None:
                raise wrong(f"{name} belongs to a junction")
        return self

    def _asked(self, kind: str) -> None:
        if self.bias is None or (self.time is None and self.curve is None):
            raise wrong("a junction wants its bias, and time (followed in time) or curve (a current-voltage curve)")
        known = BIASES.get(kind, BIASES["rsj"])
        if self.bias.kind not in known:
            raise wrong(f"bias.{self.bias.kind} is not for the kind {kind}; it takes {' or '.join(known)}")
        if self.curve is not None and self.prescribed:
            raise wrong("a curve is over the bias that the phase answers to, and this bias prescribes the phase")
        if self.curve is None and self.amplitudes is not None:
            raise wrong("amplitudes wants a curve beside it: together they make a map of Shapiro steps")
        if self.curve is not None:
            self.alternating()

    @property
    def prescribed(self) -> bool:
        """Whether the bias gives the phase itself."""
        if self.bias is None or self.junction is None:
            return False
        return self.bias.kind == ("current" if self.junction.kind == "dual" else "voltage")

    def alternating(self) -> tuple[float, float]:
        """(amplitude, angular frequency) of the bias along a curve, which is a constant with a sine or without."""
        assert self.bias is not None
        wave = self.bias.waveform
        parts = wave.parts if isinstance(wave, Sum) else (wave,)
        sines = [part for part in parts if isinstance(part, Sine)]
        odd = [part for part in parts if not isinstance(part, Sine | Constant)] + [s for s in sines if s.phase]
        if len(sines) > 1 or odd:
            raise wrong("along a curve the bias is a constant, or a constant and one sine without a phase")
        if self.amplitudes is not None and not sines:
            raise wrong("amplitudes are those of the sine in the bias, and there is none")
        return (sines[0].amplitude, 2 * pi * sines[0].frequency) if sines else (0.0, 0.0)
