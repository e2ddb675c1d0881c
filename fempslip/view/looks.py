"""How each field looks: its label, its colour map and its range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..contract import Array, Refusal
from . import scales


@dataclass(frozen=True)
class Look:
    """A field in a picture.  low, high : range of the colours;  cyclic : an angle."""

    field: str
    label: str
    cmap: str
    low: float = 0.0
    high: float = 1.0
    cyclic: bool = False


LOOKS = {
    look.field: look
    for look in (
        Look("psi_abs", "|ψ|", "viridis"),
        Look("phase", "arg ψ", "twilight", -np.pi, np.pi, cyclic=True),
        Look("supercurrent", "|jₛ| (j₀)", "magma"),
        Look("normal_current", "|jₙ| (j₀)", "magma"),
        Look("current", "|j| (j₀)", "magma"),
        Look("mu", "μ (V₀)", "cividis"),
        Look("induction", "|B| (Bc₂)", "cividis"),
    )
}


def values(fields: Mapping[str, Array], name: str) -> Array:
    """A scalar per node: the field itself, its length where it is a vector, or what follows from psi."""
    if name == "current":
        return np.linalg.norm(vectors(fields, name), axis=1)
    if name == "psi_abs" and name not in fields:
        return np.hypot(fields["psi_re"], fields["psi_im"])
    if name == "phase" and "psi_re" in fields:
        return np.arctan2(fields["psi_im"], fields["psi_re"])
    array = fields[name]
    return np.linalg.norm(array, axis=1) if array.ndim == 2 else array


def vectors(fields: Mapping[str, Array], name: str) -> Array:
    """A vector per node, (nodes, 3); "current" is the sum of all that flow."""
    if name != "current":
        return fields[name]
    parts = [fields[part] for part in ("supercurrent", "normal_current") if part in fields]
    if not parts:
        raise Refusal("the frames of this run hold no currents")
    return np.sum(parts, axis=0)


def known(fields: Iterable[str]) -> list[str]:
    """What can be shown of frames with these fields."""
    names = set(fields)
    extra = {"psi_abs", "phase"} if {"psi_re", "psi_im"} <= names else set()
    if names & {"supercurrent", "normal_current"}:
        extra.add("current")
    return sorted((names | extra) - {"psi_re", "psi_im", "chi", "turned"})


def look_for(name: str, frames: Iterable[Mapping[str, Array]], header: Mapping[str, Any] | None = None) -> Look:
    """The look of a field, its range fitted to some frames.  Raises Refusal for a field that is not there.

    header : of the run, for the units of its labels (a superfluid has its own)
    """
    frames = list(frames)
    choice = known(frames[0])
    if name not in choice:
        raise Refusal(f"the frames of this run hold no field {name!r}; there are {', '.join(choice)}")
    look = LOOKS.get(name, Look(name, name.replace("_", " "), "cividis"))
    for unit in ("j0", "V0"):
        look = replace(look, label=look.label.replace(scales.SYMBOLS[unit], scales.symbols(header or {}, unit)[1]))
    if look.cyclic:
        return look
    found = np.concatenate([values(frame, name) for frame in frames])
    low, high = np.nanpercentile(found, [0.2, 99.8])
    if name == "psi_abs":
        return replace(look, high=1.0 if high < 1.02 else float(high))
    low = 0.0 if look.cmap == "magma" else float(low)
    return replace(look, low=low, high=max(float(high), low + 1e-12))
