"""Quantities: a number, ``number name``, a name, or a sum of such terms: ``0.3``, ``60 nm``, ``0.5 length - 2 xi``.

A name is a parameter of the geometry, a scale of the reference material (xi, lambda, tau, Bc2, j0, Idep, Phi0, V0) or
a unit.  A bare number is dimensionless, in the unit that belongs there.  pint is loaded when the first unit is met.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import isfinite, pi
from typing import Any

from fempslip.case.scales import KB, SI_UNITS, H, Scales

# kind -> words of it in messages
WORDS = {
    "length": "a length", "time": "a time", "field": "a magnetic field", "density": "a current density",
    "current": "a current", "voltage": "a voltage", "flux": "a magnetic flux", "conductivity": "a conductivity",
    "frequency": "a frequency", "area": "an area", "number": "a number",
    "angle": "an angle", "temperature": "a temperature", "resistance": "a resistance",
    "inductance": "an inductance", "capacitance": "a capacitance", "speed": "a speed",
    "moment": "a magnetic moment",
    "specific heat": "an entropy or a heat capacity of a mass",
    "mass": "a mass", "energy": "an energy",
    "pressure": "a pressure", "number_density": "a number of particles in a volume", "mass_density": "a mass density",
    "head": "a chemical potential (in mu0, J, K or Hz) or a pressure",
}  # fmt: skip

SCALE_NAMES = ("xi", "lambda", "tau", "Bc2", "j0", "Idep", "Phi0", "V0", "mu0")

# kind -> what the material must say before SI units of that kind can be used
_NEEDED = {
    "length": ("xi",), "area": ("xi",), "field": ("xi",), "time": ("lambda", "sigma or tau"),
    "frequency": ("lambda", "sigma or tau"), "voltage": ("lambda", "sigma or tau"), "density": ("xi", "lambda"),
    "speed": ("xi", "lambda", "sigma or tau"),
    "conductivity": ("sigma",), "current": ("xi", "lambda"), "energy": ("xi", "lambda"),
    "resistance": ("xi", "lambda", "sigma or tau"),
    "inductance": ("xi", "lambda", "sigma or tau"), "capacitance": ("xi", "lambda", "sigma or tau"),
}  # fmt: skip

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_NAME = r"[^\W\d]\w*"
_POWER = r"(?:(?:\^|\*\*)-?\d\b)?"
_UNIT = rf"{_NAME}{_POWER}(?:\s*[*/·]\s*{_NAME}{_POWER}){{0,5}}"
_TERM = re.compile(rf"\s*(?P<sign>[-+]?)\s*(?:(?P<number>{_NUMBER})\s*(?P<unit>{_UNIT})?|(?P<name>{_UNIT}))\s*")
_LONGEST = 200  # characters of a quantity
_ENDLESS = {"nan", "inf", "infinity", ".nan", ".inf"}


class Mistake(ValueError):
    """A quantity that cannot be used.  known, wrote : for the nearest match."""

    def __init__(self, message: str, known: tuple[str, ...] = (), wrote: str | None = None) -> None:
        super().__init__(message)
        self.known = known
        self.wrote = wrote


@dataclass(frozen=True)
class Amount:
    """A current that may contain Idep, the depairing current, which only the mesh knows: plain + idep * Idep."""

    plain: float
    idep: float = 0.0

    def at(self, idep: float) -> float:
        return self.plain + self.idep * idep


@dataclass(frozen=True)
class Names:
    """What names mean in a case: its scales and the parameters of its geometry (value in xi, or plain number).

    broken : scales and parameters with an error of their own, which is reported once and not again
    """

    scales: Scales
    parameters: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()

    def known(self) -> tuple[str, ...]:
        return (*self.parameters, *SCALE_NAMES)


def amount(written: object, kind: str, names: Names, what: str) -> Amount:
    """The dimensionless value of a quantity.  `what` names the place in messages.  Raises Mistake."""
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        shown = {dict: "a mapping", list: "a list", bool: "true or false", type(None): "empty"}.get(
            type(written), "this"
        )
        raise Mistake(f"{what} wants {WORDS[kind]}, and this is {shown}")
    if not isinstance(written, str):
        return Amount(_finite(written, what))
    total = Amount(0.0)
    for number, name in _terms(written, what):
        term = _value(number, name, kind, names, what, written)
        total = Amount(total.plain + term.plain, total.idep + term.idep)
    return Amount(_finite(total.plain, what), _finite(total.idep, what))


def number(written: object, kind: str, names: Names, what: str) -> float:
    """As `amount`, where Idep cannot be: a float."""
    return amount(written, kind, names, what).plain


def in_si(written: object, kind: str, what: str) -> float:
    """The SI value of a quantity that must carry a unit ("20 nm" -> 2e-8).  Raises Mistake."""
    if isinstance(written, bool) or not isinstance(written, int | float | str):
        raise Mistake(f"{what} wants {WORDS[kind]}")
    total = 0.0
    for value, name in _terms(str(written), what):
        if not name:
            raise Mistake(f"{what} wants {WORDS[kind]} with its unit, such as {_EXAMPLE[kind]}; {written!r} has none")
        factor, given = _unit(name, (), what)
        if given != kind:
            raise _wrong_kind(what, kind, str(written), given)
        total += value * factor
    return _finite(total, what)


_EXAMPLE = {"length": "'20 nm'", "conductivity": "'2e6 S/m'", "time": "'0.1 ps'", "area": "'100 nm^2'",
            "temperature": "'4.2 K'", "current": "'10 uA'", "voltage": "'1 mV'", "resistance": "'50 ohm'",
            "capacitance": "'1 pF'",
            "inductance": "'1 nH'", "speed": "'230 m/s'", "specific heat": "'300 J/kg/K'",
            "moment": "'1e-15 A*m^2'",
            "mass": "'4.0026 u'", "number_density": "'1e20 m^-3'",
            "mass_density": "'145 kg/m^3'", "head": "'50 nK', '1 kHz' or '1e-30 J'"}  # fmt: skip


def names_in(written: object) -> set[str]:
    """The names in a quantity: {"length", "xi"} of "0.5 length - 2 xi"."""
    return set(re.findall(_NAME, re.sub(_NUMBER, " ", written[:_LONGEST]))) if isinstance(written, str) else set()


def has_unit(written: object) -> bool:
    """Whether a quantity is text with a name in it, and not a bare number."""
    return bool(names_in(written))


def _terms(text: str, what: str) -> list[tuple[float, str]]:
    """(number with sign, name or "") of every term of a sum."""
    if len(text) > _LONGEST:
        raise Mistake(f"{what}: a quantity of {len(text)} characters is too long")
    if text.strip().lstrip("+-").lower() in _ENDLESS:
        raise Mistake(f"{what} wants a finite number; {text!r} is not one")
    terms: list[tuple[float, str]] = []
    at = 0
    while at < len(text) or not terms:
        match = _TERM.match(text, at)
        if not match or (terms and not match["sign"]):
            raise Mistake(
                f"{what}: {text!r} is not a quantity; write a number, a number with a name such as '60 nm' or "
                "'0.5 xi', or a sum of these"
            )
        sign = -1.0 if match["sign"] == "-" else 1.0
        terms.append((sign * float(match["number"] or 1.0), match["unit"] or match["name"] or ""))
        at = match.end()
    return terms


def _value(number: float, name: str, kind: str, names: Names, what: str, written: str) -> Amount:
    """One term of a sum in dimensionless units."""
    if not name:
        return Amount(number)
    if name in names.broken:
        return Amount(1.0)
    if name in names.parameters:
        value, given = names.parameters[name]
        _same_kind(what, kind, written, given if given != "number" else kind)
        return Amount(number * value)
    if name == "Idep":
        _same_kind(what, kind, written, "current")
        return Amount(0.0, number)
    if name in SCALE_NAMES:
        return Amount(number * _scale(name, kind, names, what, written))
    factor, given = _unit(name, names.known(), what)
    if kind == "head":
        return Amount(number * _head(factor, given, names, what, written))
    _same_kind(what, kind, written, given)
    return Amount(number * (factor / unit_of(kind, names, what, written)))


def in_joules(written: object, what: str) -> float:
    """A chemical potential as an energy, a temperature (k_B T) or a frequency (h f), J.  Raises Mistake."""
    names = names_in(written)
    given = _unit(next(iter(names)), (), what)[1] if len(names) == 1 else "head"
    if given not in _ENERGIES:
        raise _wrong_kind(what, "head", str(written), given)
    return _ENERGIES[given] * in_si(written, given, what)


_ENERGIES = {"energy": 1.0, "temperature": KB, "frequency": H}


def _head(factor: float, given: str, names: Names, what: str, written: str) -> float:
    """The dimensionless value of a unit of energy, temperature, frequency or pressure, as a chemical potential.

    A pressure P raises it by P/n, n the number of particles in a volume.
    """
    if names.broken:
        return 1.0
    mu0 = names.scales.mu0
    if mu0 is None or (given == "pressure" and names.scales.number is None):
        missing = "material.density" if mu0 else "material.mass and material.xi (or chemical_potential)"
        raise Mistake(f"{what}: {written!r} has an SI unit, so give {missing} too (or write a bare number, in mu0)")
    if given == "pressure" and names.scales.number:
        return factor / (names.scales.number * mu0)
    if given not in _ENERGIES:
        raise _wrong_kind(what, "head", written, given)
    return _ENERGIES[given] * factor / mu0


def _scale(name: str, kind: str, names: Names, what: str, written: str) -> float:
    """A scale of the reference material in dimensionless units."""
    values: dict[str, tuple[float | None, str]] = {
        "xi": (1.0, "length"), "lambda": (names.scales.kappa, "length"), "tau": (1.0, "time"), "Bc2": (1.0, "field"),
        "j0": (1.0, "density"), "Phi0": (2 * pi, "flux"), "V0": (1.0, "voltage"),
        "mu0": (1.0, "head"),
    }  # fmt: skip
    value, given = values[name]
    _same_kind(what, kind, written, given)
    if value is None:
        raise Mistake(f"{what}: {written!r} needs material.lambda, which is not given")
    return value


def unit_of(kind: str, names: Names, what: str, written: str) -> float:
    """The SI value of the unit of a kind; refuses, with what to add, where the material does not say."""
    value = names.scales.si(kind)
    if value is not None:
        return value
    if names.broken:
        return 1.0
    if names.scales.needs:
        raise Mistake(f"{what}: {written!r} has an SI unit, so give {names.scales.needs} too (or write a bare number)")
    have = {"xi": names.scales.xi, "lambda": names.scales.lambda_, "sigma": names.scales.sigma}
    have["sigma or tau"] = names.scales.tau0
    needed = _NEEDED[kind]
    if kind in ("current", "energy", "resistance", "inductance", "capacitance"):
        needed += {1: ("cross_section (or width and thickness)",), 2: ("thickness",), 3: ()}[names.scales.dimension]
    missing = " and ".join(f"material.{name}" for name in needed if have.get(name) is None)
    raise Mistake(f"{what}: {written!r} has an SI unit, so give {missing} too (or write a bare number)")


def _same_kind(what: str, kind: str, written: str, given: str) -> None:
    if given != kind:
        raise _wrong_kind(what, kind, written, given)


def _wrong_kind(what: str, kind: str, written: str, given: str) -> Mistake:
    hint = "; with a current, write value instead of density" if (kind, given) == ("density", "current") else ""
    hint = "; with a density, write density instead of value" if (kind, given) == ("current", "density") else hint
    return Mistake(f"{what} wants {WORDS[kind]}; {written!r} is {WORDS.get(given, given)}{hint}")


def _finite(value: float, what: str) -> float:
    try:
        result = float(value)
    except OverflowError:
        result = float("inf")
    if not isfinite(result):
        raise Mistake(f"{what} wants a finite number")
    return result


def _unit(name: str, known: tuple[str, ...], what: str) -> tuple[float, str]:
    """SI value and kind of a unit; the kind of an odd unit is its dimensionality in words."""
    found = _pint_unit(name)
    if found is None:
        units = ("nm", "um", "mT", "T", "uA", "mA", "A", "ps", "ns", "uV", "mV", "GHz", "S/m", "ohm", "nH", "pF")
        raise Mistake(f"{what}: {name!r} is no unit, no scale and no parameter of the geometry", (*known, *units), name)
    return found


@cache
def _registry() -> Any:
    import pint

    return pint.UnitRegistry()


@cache
def _pint_unit(name: str) -> tuple[float, str] | None:
    registry = _registry()
    try:
        unit = registry.Quantity(1.0, name.replace("^", "**").replace("·", "*"))
        if registry.Quantity(0.0, unit.units).to_base_units().magnitude != 0:
            return float("nan"), "no multiple of a unit: write K"
        for kind, si in SI_UNITS.items():
            if unit.is_compatible_with(si.replace("^", "**")):
                return float(unit.to(si.replace("^", "**")).magnitude), kind
        return float(unit.to_base_units().magnitude), f"in units of {unit.to_base_units().units:~}"
    except Exception:  # pint raises many kinds of errors for words that are no units
        return None
