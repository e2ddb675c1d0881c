"""Labels of lengths, times and voltages: in the units of the equations, and in SI where the run knows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
SYMBOLS = {"xi": "ξ", "tau0": "τ₀", "V0": "V₀", "j0": "j₀", "I0": "I₀"}
SI = {"xi": "m", "tau0": "s", "V0": "V", "j0": "A/m²", "I0": "A"}


def si(value: float, unit: str, digits: int = 3) -> str:
    """A number with a prefix: si(2e-8, "m") -> "20 nm"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    power = 3 * math.floor(math.log10(abs(value)) / 3 + 1e-9)
    power = min(max(power, min(PREFIXES)), max(PREFIXES))
    return f"{value / 10.0**power:.{digits}g} {PREFIXES[power]}{unit}"


def scale(header: Mapping[str, Any], name: str) -> float | None:
    """The SI value of a scale, or None where the run is dimensionless."""
    value = (header.get("scales") or {}).get(symbols(header, name)[0])
    return float(value) if value else None


def symbols(header: Mapping[str, Any], name: str) -> tuple[str, str, str, str]:
    """(name, symbol, SI unit, letter of a voltage or "") of a scale as the run has them: superfluids have their own."""
    own = (header.get("symbols") or {}).get(name)
    return tuple(own) if own else (name, SYMBOLS.get(name, name), SI.get(name, ""), "")


def label(header: Mapping[str, Any], symbol: str, name: str) -> str:
    """An axis label: "x (ξ)", or "x (ξ = 20 nm)" when the scale is known."""
    value = scale(header, name)
    _, unit, unit_si, letter = symbols(header, name)
    symbol = letter if letter and symbol == "V" else symbol
    return f"{symbol} ({unit})" if value is None else f"{symbol} ({unit} = {si(value, unit_si)})"


def quantity(header: Mapping[str, Any], number: float, name: str, digits: int = 4) -> str:
    """A value in words: "400 τ₀", or "400 τ₀ = 1.2 ns"."""
    value = scale(header, name)
    _, unit, unit_si, _ = symbols(header, name)
    plain = f"{number:.{digits}g} {unit}"
    return plain if value is None else f"{plain} = {si(number * value, unit_si)}"


def round_length(extent: float) -> float:
    """A round number (1, 2 or 5 times a power of ten) of about a quarter of the extent, for a scale bar."""
    power = 10.0 ** math.floor(math.log10(max(extent, 1e-12) / 4))
    return max(power * step for step in (1, 2, 5) if power * step <= extent / 4 * (1 + 1e-9))
