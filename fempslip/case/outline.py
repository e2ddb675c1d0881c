"""What has to be known before a case can be validated: dimension, names of parts, parameters, scales.

Nothing here is checked more than needed to understand the rest; the models check everything again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fempslip.case import drawers, lumped_settings, quantities
from fempslip.case.material import REFERENCE, Reference, arranged, read_reference
from fempslip.case.parts import Reading
from fempslip.case.quantities import SCALE_NAMES, Mistake, Names
from fempslip.case.reading import Key
from fempslip.case.scales import Scales
from fempslip.case.schema import TASKS

Found = tuple[Key, str, tuple[str, ...], str | None]  # path, message, known, wrote


@dataclass(frozen=True)
class Outline:
    """The context for validation, the task, and the mistakes met on the way."""

    reading: Reading
    task: str
    mistakes: tuple[Found, ...]


def outline(data: Mapping[str, Any], name: str) -> Outline:
    """Reads what the rest depends on.  data : a case with its geometry included."""
    mistakes: list[Found] = []
    geometry = _dict(data.get("geometry"))
    written = geometry.get("dimension")
    dimension = written if written in (1, 2, 3) and not isinstance(written, bool) else 2
    names = {kind: tuple(_dict(geometry.get(plural))) for kind, plural in (
        ("region", "regions"), ("boundary", "boundaries"), ("hole", "holes"), ("probe", "probes"))}  # fmt: skip
    names["hole"] += tuple(_dict(geometry.get("periodic")))  # a period is threaded by a flux as a hole is
    names["place"] = (*names["probe"], *names["boundary"])  # where a voltage can be measured
    names["recipe"] = tuple(drawers.delivered("postprocess"))
    if data.get("task") == "lumped":
        reference = _junction(_dict(data.get("junction")), mistakes)
    else:
        reference = _reference(data.get("material"), names["region"], dimension, mistakes)
    known = _parameters(_dict(geometry.get("parameters")), reference.scales, mistakes)
    until = _until(data, known)
    return Outline(
        Reading(dimension, known, names, reference.thickness, reference.area, until),
        _task(data, mistakes),
        tuple(mistakes),
    )


def _dict(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _task(data: Mapping[str, Any], mistakes: list[Found]) -> str:
    task = data.get("task", "evolve")
    if isinstance(task, str) and task in TASKS:
        return task
    mistakes.append((("task",), f"there is no task {task!r:.60}", tuple(TASKS), str(task)))
    return "evolve"


def _reference(material: Any, regions: tuple[str, ...], dimension: int, mistakes: list[Found]) -> Reference:
    everywhere = _dict(arranged(material, regions)["everywhere"])
    prefix: Key = ("material",) if everywhere is material else ("material", "everywhere")
    reference = read_reference(everywhere, dimension)
    mistakes += [((*prefix, key), str(m), m.known, m.wrote) for key, m in reference.mistakes]
    return reference


def _junction(data: Mapping[str, Any], mistakes: list[Found]) -> Reference:
    """The scales of a lumped junction."""
    found, wrong = lumped_settings.scales_of(data)
    mistakes += [(("junction", key), str(m), m.known, m.wrote) for key, m in wrong]
    return Reference(found)


def _parameters(data: Mapping[str, Any], scales: Scales, mistakes: list[Found]) -> Names:
    """Parameters, each a length or a plain number; one may use others, in any order."""
    broken = {key for path, *_ in mistakes for key in path if key in REFERENCE}
    values: dict[str, tuple[float, str]] = {}
    for key, written in _ordered(data):
        names = Names(scales, values, frozenset(broken))
        try:
            if key in SCALE_NAMES:
                raise Mistake(f"{key!r} is the name of a scale and cannot be a parameter")
            if quantities.names_in(written) & (set(data) - set(values) - broken):
                raise Mistake("{here} depends on itself, directly or through other parameters")
            kind = "length" if quantities.has_unit(written) and not _is_number(written, names) else "number"
            values[key] = (quantities.number(written, kind, names, "{here}"), kind)
        except Mistake as mistake:
            mistakes.append((("geometry", "parameters", key), str(mistake), mistake.known, mistake.wrote))
            broken.add(key)
    return Names(scales, values, frozenset(broken))


def _ordered(data: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Parameters so that each comes after those it uses; those in a circle last."""
    waiting = dict(data)
    result: list[tuple[str, Any]] = []
    while waiting:
        ready = [key for key, written in waiting.items() if not quantities.names_in(written) & set(waiting)]
        for key in ready or list(waiting):
            result.append((key, waiting.pop(key)))
    return result


def _is_number(written: str, names: Names) -> bool:
    """Whether a quantity is a plain number, though parameters are in it."""
    try:
        quantities.number(written, "number", names, "")
    except Mistake:
        return False
    return True


def _until(data: Mapping[str, Any], names: Names) -> float | None:
    written = _dict(data.get("time")).get("until")
    written = written.get("at_most") if isinstance(written, dict) else written
    try:
        until = quantities.number(written, "time", names, "")
    except Mistake:
        return None
    return until if until > 0 else None
