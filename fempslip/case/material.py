"""Materials: the reference material that sets the units, and how regions differ from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, WithJsonSchema, model_validator

from fempslip.case import quantities
from fempslip.case.parts import NotNegative, Number, Part, Positive, reading, wrong
from fempslip.case.profiles import Profiles
from fempslip.case.quantities import Mistake, Names
from fempslip.case.scales import HBAR, Scales, scales

REFERENCE = ("xi", "lambda", "sigma", "tau", "thickness", "width", "cross_section", "Tc", "temperature",
             "mass", "density", "chemical_potential")  # fmt: skip


def _profile_kind(data: Any) -> str:
    return "profile" if isinstance(data, dict | Profiles) else "constant"


Profile = Annotated[
    Annotated[Number, Tag("constant")] | Annotated[Profiles, Tag("profile")], Discriminator(_profile_kind)
]


# ---------------------------------------------------------------------------------------------- ratios to the reference


def _ratio(written: Any, info: ValidationInfo, kind: str, reference: float | None, word: str) -> float:
    """A value over that of the reference material; a bare number is the ratio where the reference has none."""
    here = reading(info)
    if reference is None and quantities.has_unit(written) and not here.quantities.broken:
        raise wrong(f"{{here}}: {written!r:.60} needs a reference: give {word} of the reference material too")
    try:
        value = quantities.number(written, kind, here.quantities, "{here}")
    except Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None
    return value / (reference or 1.0)


def _sigma(written: Any, info: ValidationInfo) -> float:
    """With a unit: over the reference's; a bare number is the ratio itself."""
    return _ratio(written, info, "conductivity" if quantities.has_unit(written) else "number", 1.0, "sigma")


def _thickness(written: Any, info: ValidationInfo) -> float:
    return _ratio(written, info, "length", reading(info).thickness, "thickness")


def _cross_section(written: Any, info: ValidationInfo) -> float:
    return _ratio(written, info, "area", reading(info).area, "cross_section")


def _kelvin(written: Any, info: ValidationInfo) -> float:
    try:
        return quantities.in_si(written, "temperature", "{here}")
    except Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None


_JSON = WithJsonSchema({"type": ["number", "string"]})
SigmaRatio = Annotated[float, BeforeValidator(_sigma), Positive, _JSON]
ThicknessRatio = Annotated[float, BeforeValidator(_thickness), Positive, _JSON]
AreaRatio = Annotated[float, BeforeValidator(_cross_section), Positive, _JSON]
Kelvin = Annotated[float, BeforeValidator(_kelvin), NotNegative, _JSON]
AsWritten = Annotated[str | float | int | None, _JSON]


# ---------------------------------------------------------------------------------------------- models


@dataclass(frozen=True)
class Material:
    """What a region is made of; sigma, thickness, kinetic and beta are ratios to the reference material.

    epsilon : (Tc(r) - T) / (Tc - T), a number or Profiles;  thickness : ratio of thickness (films) or cross-section
    (wires), d/d0
    """

    epsilon: float | Profiles = 1.0
    u: float = 5.79
    gamma: float = 10.0
    sigma: float = 1.0
    thickness: float = 1.0
    kinetic: float = 1.0
    beta: float = 1.0
    damping: float = 0.0


class Everywhere(Part):
    """The reference material, and what holds wherever a region says nothing else.

    Superfluids: mass of a particle, density, chemical_potential instead of xi, damping (u = damping - i), and of a
    charged one the plasma_frequency w_p in mu0/hbar and the conductivity sigma of what is normal in it, which damps the
    plasma oscillation at the rate sigma w_p^2/2.
    """

    xi: AsWritten = None
    lambda_: AsWritten = Field(default=None, alias="lambda")
    sigma: SigmaRatio = 1.0
    tau: AsWritten = None
    thickness: ThicknessRatio | None = None
    width: AsWritten = None
    cross_section: AsWritten = None
    Tc: AsWritten = None
    temperature: AsWritten = None
    epsilon: Profile = 1.0
    u: Annotated[Number, Positive] = 5.79
    gamma: Annotated[Number, NotNegative] = 10.0
    kinetic: Annotated[Number, Positive] = 1.0
    beta: Annotated[Number, Positive] = 1.0
    mass: AsWritten = None
    density: AsWritten = None
    chemical_potential: AsWritten = None
    damping: Annotated[Number, NotNegative] = 0.0
    plasma_frequency: Annotated[Number, Positive] | None = None
    conductivity: Annotated[Number, NotNegative] = 0.0


class Region(Part):
    """What a region has of its own.  Its Tc or temperature gives epsilon = (Tc - T) / (reference Tc - T)."""

    epsilon: Profile | None = None
    tc: Kelvin | None = Field(default=None, alias="Tc")
    temperature: Kelvin | None = None
    u: Annotated[Number, Positive] | None = None
    gamma: Annotated[Number, NotNegative] | None = None
    sigma: SigmaRatio | None = None
    thickness: ThicknessRatio | None = None
    cross_section: AreaRatio | None = None
    kinetic: Annotated[Number, Positive] | None = None
    beta: Annotated[Number, Positive] | None = None
    damping: Annotated[Number, NotNegative] | None = None

    @model_validator(mode="after")
    def _one_epsilon(self, info: ValidationInfo) -> Region:
        scales = reading(info).scales
        if self.tc is None and self.temperature is None:
            return self
        if self.epsilon is not None:
            raise wrong("{here}: give epsilon, or Tc and temperature, which say the same")
        if scales.Tc is None and not reading(info).quantities.broken:
            raise wrong("{here}: a region with its own Tc or temperature needs those of the reference: material.Tc ...")
        return self

    def warmth(self, scales: Scales) -> float | None:
        """epsilon by the temperatures, None where the region has none of its own."""
        if (self.tc is None and self.temperature is None) or scales.Tc is None or scales.temperature is None:
            return None
        tc = scales.Tc if self.tc is None else self.tc
        t = scales.temperature if self.temperature is None else self.temperature
        return (tc - t) / (scales.Tc - scales.temperature)


def _region(written: Any, info: ValidationInfo) -> Any:
    known = reading(info).names.get("region", ())
    if written not in known and written in Everywhere.keys():
        raise wrong(f"in a material with regions, {written} belongs under everywhere or under a region")
    if written not in known:
        raise wrong(f"there is no region {written!r:.60}", ("everywhere", *known), str(written))
    return written


class Materials(Part):
    """The material as written: flat, or `everywhere` with regions beside it."""

    everywhere: Everywhere
    regions: dict[Annotated[str, BeforeValidator(_region)], Region] = Field(default_factory=dict)

    def of(self, region: str, scales: Scales) -> Material:
        """The material of a region; scales : those of the reference material."""
        base = self.everywhere
        own = self.regions.get(region, Region.model_construct())

        def either(name: str) -> Any:
            value = getattr(own, name)
            return getattr(base, name) if value is None else value

        names = ("epsilon", "u", "gamma", "sigma", "kinetic", "beta", "damping")
        section = (either("thickness") or 1.0) * (own.cross_section or 1.0)
        found = Material(**{name: either(name) for name in names}, thickness=section)
        warmth = own.warmth(scales)
        return found if warmth is None else replace(found, epsilon=warmth)


def arranged(data: Any, regions: tuple[str, ...]) -> Any:
    """A written material as {everywhere, regions}: a flat one is all `everywhere`."""
    if not isinstance(data, dict):
        return {"everywhere": data if data is not None else {}}
    if "everywhere" not in data and not any(name in regions for name in data):
        return {"everywhere": data}
    own = {name: value for name, value in data.items() if name != "everywhere"}
    return {"everywhere": data["everywhere"] if data.get("everywhere") is not None else {}, "regions": own}


# ---------------------------------------------------------------------------------------------- reference


@dataclass(frozen=True)
class Reference:
    """The reference material: its scales, its thickness (xi) and cross-section (xi^2), and what is wrong with it."""

    scales: Scales
    thickness: float | None = None
    area: float | None = None
    mistakes: tuple[tuple[str, Mistake], ...] = ()


def read_reference(data: Mapping[str, Any], dimension: int) -> Reference:
    """Reads xi, lambda, sigma or tau, thickness, width and cross_section of a written material."""
    mistakes: list[tuple[str, Mistake]] = []

    def si(key: str, kind: str) -> float | None:
        return attempt(key, lambda: quantities.in_si(data[key], kind, "{here}"))

    def attempt(key: str, read: Any) -> float | None:
        if data.get(key) is None:
            return None
        try:
            value = read()
            if not value > 0:
                raise Mistake("{here} must be larger than 0")
            if not 1e-40 < value < 1e40:
                raise Mistake("{here} is beyond any material")
            return float(value)
        except Mistake as mistake:
            mistakes.append((key, mistake))
            return None

    def in_xi(key: str, kind: str, names: Names) -> float | None:
        return attempt(key, lambda: quantities.number(data[key], kind, names, "{here}"))

    _refuse_misplaced(data, dimension, mistakes)
    xi, mass, number = _particles(data, si, attempt, mistakes)
    names = Names(Scales(dimension, xi=xi), broken=frozenset({"xi"} if mistakes else ()))
    kappa = in_xi("lambda", "length", names) if xi or not quantities.has_unit(data.get("lambda")) else None
    lambda_ = xi * kappa if xi and kappa else None
    if kappa is None and data.get("lambda") is not None:
        lambda_ = si("lambda", "length")
    sigma = si("sigma", "conductivity") if quantities.has_unit(data.get("sigma")) else None
    tau = 2 * mass * xi**2 / HBAR if mass and xi else si("tau", "time")
    if sigma and tau:
        mistakes.append(("tau", Mistake("material: give sigma or tau, not both (tau = mu0 sigma lambda^2)")))
    tc, temperature = _temperatures(data, si, mistakes)
    warm = (1 - temperature / tc) ** -0.5 if tc is not None and temperature is not None else 1.0
    xi, lambda_, tau = xi and xi * warm, lambda_ and lambda_ * warm, tau and tau * warm**2
    names = Names(Scales(dimension, xi=xi, kappa=kappa), broken=names.broken)
    thickness, width = in_xi("thickness", "length", names), in_xi("width", "length", names)
    area = in_xi("cross_section", "area", names)
    area = width * thickness if area is None and width and thickness else area
    m, m2 = (xi, xi**2) if xi else (None, None)
    found = scales(
        dimension, xi, lambda_, sigma, tau,
        m * thickness if m and thickness else None, m2 * area if m2 and area else None, kappa,
    )  # fmt: skip
    found = replace(found, Tc=tc, temperature=temperature, film=thickness, mass=mass, number=number)
    return Reference(found, thickness, area, tuple(mistakes))


def _particles(
    data: Mapping[str, Any], si: Any, attempt: Any, mistakes: list[tuple[str, Mistake]]
) -> tuple[float | None, float | None, float | None]:
    """xi (m), mass (kg) and number density (m^-3): of a superfluid xi = hbar / sqrt(2 m mu0), tau0 = hbar / mu0."""
    xi, mass = si("xi", "length"), si("mass", "mass")
    mu0 = attempt("chemical_potential", lambda: quantities.in_joules(data["chemical_potential"], "{here}"))
    if mu0 and data.get("xi") is not None:
        mistakes.append(
            ("xi", Mistake("material: give xi or chemical_potential, not both (mu0 = hbar^2 / (2 m xi^2))"))
        )
    if mass is None and (mu0 or data.get("density") is not None):
        key = "chemical_potential" if mu0 else "density"
        mistakes.append((key, Mistake(f"material: {key} wants the mass of a particle beside it: mass: 4.0026 u")))
    for key in ("tau", "sigma", "Tc"):
        if mass and data.get(key) is not None and quantities.has_unit(data[key]):
            mistakes.append((key, Mistake(f"material: {key} is not for superfluids; mass and xi say the unit of time")))
    if mu0 and mass:
        xi = HBAR / (2 * mass * mu0) ** 0.5
    names = quantities.names_in(data.get("density"))
    heavy = any("g" in name for name in names)
    number = attempt("density", lambda: quantities.in_si(data["density"], "mass_density" if heavy else "number_density",
                                                         "{here}"))  # fmt: skip
    return xi, mass, number / mass if number and mass and heavy else number


def _temperatures(
    data: Mapping[str, Any], si: Any, mistakes: list[tuple[str, Mistake]]
) -> tuple[float | None, float | None]:
    """Tc and the temperature below it that the scales are wanted at, in K; xi, lambda, tau are then those of T = 0.

    xi(T) = xi(0) / sqrt(1 - T/Tc), lambda(T) alike: the law of Ginzburg and Landau, drawn on to T = 0.
    """
    tc, temperature = si("Tc", "temperature"), si("temperature", "temperature")
    for key, other in (("Tc", "temperature"), ("temperature", "Tc")):
        if data.get(key) is not None and data.get(other) is None:
            mistakes.append((key, Mistake(f"material: {key} wants {other} beside it")))
    if tc is not None and temperature is not None and temperature >= tc:
        mistakes.append(("temperature", Mistake(f"{{here}} ({temperature:g} K) must be below Tc ({tc:g} K)")))
    elif tc is not None and temperature is not None:
        return tc, temperature
    return None, None


def _refuse_misplaced(data: Mapping[str, Any], dimension: int, mistakes: list[tuple[str, Mistake]]) -> None:
    """Thickness belongs to films and wires, width and cross-section to wires."""
    for key, dimensions, why in (
        ("thickness", (1, 2), "a 3D body has no thickness of its material: its geometry says it all"),
        ("width", (1,), "width is for wires: the geometry says how wide a film or a body is"),
        ("cross_section", (1,), "cross_section is for wires"),
    ):
        if data.get(key) is not None and dimension not in dimensions:
            mistakes.append((key, Mistake(f"material.{key}: {why}")))
    if data.get("cross_section") is not None and data.get("width") is not None:
        mistakes.append(("width", Mistake("material: give cross_section or width (and thickness), not both")))
