"""`noise:` of a case: thermal fluctuations at a temperature, in kelvin or in the energy unit of the case."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, ValidationInfo, WithJsonSchema, model_validator

from fempslip.case import quantities
from fempslip.case.parts import QUANTITY, Part, Positive, Time, reading, wrong

STEP = 0.1  # tau0: with Johnson noise the weak error of longer steps is felt
LONGEST_STEP = 0.5
HOTTEST = 100.0  # in units of F: above it nothing of a condensate is left, whatever the mesh
BOLTZMANN = 1.380649e-23  # J/K, exact


def _temperature(written: Any, info: ValidationInfo) -> float:
    """k T over (Bc^2/mu0) xi^dim and the section; left out: the temperature of the material."""
    here = reading(info)
    scales = here.scales
    if written is None:
        if scales.temperature is None:
            raise wrong("{here}: give noise.temperature, such as 3.6 K or 0.05, or material.Tc and temperature")
        written = f"{scales.temperature!r} K"
    try:
        if not quantities.has_unit(written):
            return quantities.number(written, "number", here.quantities, "{here}")
        kelvin = quantities.in_si(written, "temperature", "{here}")
        return BOLTZMANN * kelvin / quantities.unit_of("energy", here.quantities, "{here}", str(written))
    except quantities.Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None


def _bounded(value: float) -> float:
    if not 0 <= value <= HOTTEST:
        raise wrong(
            f"{{here}} is {value:.3g} in units of (Bc^2/mu0) xi^dim times the section; it must lie between 0 and "
            f"{HOTTEST:g} (the condensation energy of a piece of one xi is 1/2)"
        )
    return value


class NoiseSpec(Part):
    """Thermal noise.  temperature: in K where the material gives xi, lambda and the section, a bare number is k T over
    (Bc^2/mu0) xi^dim; by default that of the material.  seed: the draws of a step are a function of it and of the
    step's number.  johnson: noise of the normal current too.  renormalise: films and bodies, epsilon raised by
    what the mesh's cutoff takes off.  windows: times over which net slips are counted for their rate
    """

    temperature: Annotated[float, BeforeValidator(_temperature), WithJsonSchema(QUANTITY)] = Field(
        default=None, validate_default=True
    )
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 0
    johnson: StrictBool = True
    renormalise: StrictBool = False
    windows: tuple[Annotated[Time, Positive], ...] = ()

    @model_validator(mode="after")
    def _possible(self) -> NoiseSpec:
        _bounded(self.temperature)
        return self
