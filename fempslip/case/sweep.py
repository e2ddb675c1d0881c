"""A sweep: one case at many values.  Lists and ranges, every combination of them, or lists side by side; a chain.

sweep:
  material.gamma: [0, 1, 10]
  drive.current.density: [{from: 0.28 j0, to: 0.29 j0, step: 0.001 j0}, {from: 0.29 j0, to: 0.2 j0, step: 0.002 j0}]
  together: {drive.field: [0.1 Bc2, 0.2 Bc2], mesh.size: [0.5 xi, 0.4 xi]}      # side by side: two pairs
  chain: drive.current.density               # each point starts from the end of the one before it
  search: {path: drive.current.density, from: 0.1 j0, to: 0.3 j0, within: 0.01 j0, result: voltage.slips, above: 0}
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import ceil, floor, isfinite, log2
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from fempslip.case.parts import QUANTITY, wrong

Values = Mapping[str, Any]  # path in the case -> value, as written
MOST = 10_000  # points of a sweep
_AMOUNT = re.compile(r"\s*(?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>[^\d\s].*?)?\s*\Z")


@dataclass(frozen=True)
class Axis:
    """Settings that change together: paths, and for each point a value of each."""

    paths: tuple[str, ...]
    values: tuple[tuple[Any, ...], ...]

    def points(self) -> Iterator[dict[str, Any]]:
        yield from (dict(zip(self.paths, chosen, strict=True)) for chosen in self.values)


@dataclass(frozen=True)
class Search:
    """The value at `path` from which on a result exceeds `above` in magnitude, by bisection of low .. high.

    within : width of the last bracket;  unit : of all three;  result : `recipe.result`
    """

    path: str
    low: float
    high: float
    within: float
    unit: str
    result: str
    above: float

    @property
    def most(self) -> int:
        """Runs that it takes at the most: one end may have to be solved too."""
        return max(0, ceil(log2((self.high - self.low) / self.within) - 1e-9)) + 1

    def written(self, number: float) -> Any:
        number = float(f"{number:.12g}")
        return f"{number:.12g} {self.unit}" if self.unit else number

    def next(self, answers: Mapping[float, bool]) -> float | None:
        """What is to be solved next, or None at the end.  answers : value -> whether the result exceeds."""
        low, high = self.bracket(answers)
        if high - low > self.within * (1 + 1e-9):
            return float(f"{0.5 * (low + high):.12g}")
        return next((end for end in (low, high) if end in (self.low, self.high) and end not in answers), None)

    def bracket(self, answers: Mapping[float, bool]) -> tuple[float, float]:
        """(largest value below, smallest above), as far as is known."""
        over = [value for value, yes in answers.items() if yes]
        high = min(over, default=self.high)
        return max((value for value, yes in answers.items() if not yes and value < high), default=self.low), high


@dataclass(frozen=True)
class Sweep:
    """axes : every combination of them is a point;  chain : the axis along which states are handed on, or None;
    search : a value that is looked for at every combination, or None.
    """

    axes: tuple[Axis, ...]
    chain: Axis | None = None
    search: Search | None = None

    def chains(self) -> Iterator[list[dict[str, Any]]]:
        """Points in the order in which they must be solved; without a chain, each alone."""
        for chosen in product(*(axis.points() for axis in self.axes)):
            others = {path: value for part in chosen for path, value in part.items()}
            yield [others | part for part in self.chain.points()] if self.chain else [others]

    @property
    def count(self) -> int:
        total = len(self.chain.values) if self.chain else self.search.most if self.search else 1
        for axis in self.axes:
            total *= len(axis.values)
        return total


def grid(values: Mapping[str, Any]) -> Sweep:
    """Every combination of lists of values (from a notebook)."""
    return Sweep(tuple(Axis((path,), tuple((v,) for v in listed)) for path, listed in values.items()))


# ---------------------------------------------------------------------------------------------- as written


def _sweep(written: Any, info: ValidationInfo) -> Any:
    if written is None or isinstance(written, Sweep):
        return written
    if not isinstance(written, dict) or not set(written) - {"chain"}:  # a search alone will do
        raise wrong("{here} wants paths of the case with their values, such as drive.field: [0.1 Bc2, 0.2 Bc2]")
    words = ("chain", "together", "search")
    axes = [Axis((p,), tuple((v,) for v in _listed(p, w))) for p, w in written.items() if p not in words]
    if "together" in written:
        axes.append(_together(written["together"]))
    chained = [axis for axis in axes if written.get("chain") in axis.paths]
    if "chain" in written and not chained:
        paths = tuple(path for axis in axes for path in axis.paths)
        raise wrong("{here}.chain wants one of the paths that are swept", paths, str(written["chain"]))
    search = _search(written["search"], axes) if "search" in written else None
    if search is not None and chained:
        raise wrong("{here}: a chain goes through listed values and a search chooses its own: take one of them")
    sweep = Sweep(tuple(axis for axis in axes if axis not in chained), chained[0] if chained else None, search)
    if sweep.count > MOST:
        raise wrong(f"{{here}} has {sweep.count} points; at most {MOST} are run as one batch")
    return sweep


SEARCH = ("path", "from", "to", "within", "result", "above")


def _search(written: Any, axes: list[Axis]) -> Search:
    if not isinstance(written, dict) or not {"path", "from", "to", "within"} <= set(written) <= set(SEARCH):
        raise wrong("{here}.search wants path, from, to and within, and may say result and above")
    path, result, above = written["path"], written.get("result", "voltage.slips"), written.get("above", 0)
    if not isinstance(path, str) or any(path in axis.paths for axis in axes):
        raise wrong("{here}.search.path wants a path of the case that is not swept otherwise")
    if not isinstance(result, str) or not all(result.partition(".")):
        raise wrong("{here}.search.result wants recipe.result, such as voltage.mean")
    if not isinstance(above, int | float) or isinstance(above, bool) or not 0 <= above < float("inf"):
        raise wrong("{here}.search.above wants a plain number that is not negative, in the units of the result")
    (low, unit), (high, other), (within, third) = (_amount("search", written[key]) for key in ("from", "to", "within"))
    if len({unit, other, third}) > 1:
        raise wrong("{here}.search: from, to and within want the same unit")
    if not low < high:
        raise wrong(f"{{here}}.search: from ({low:g}) must be below to ({high:g})")
    if not 1e-9 * (high - low) < within <= high - low:
        raise wrong(f"{{here}}.search: within must be positive and no more than {high - low:g} {unit}".rstrip())
    return Search(path, low, high, within, unit, result, float(above))


def _together(written: Any) -> Axis:
    if not isinstance(written, dict) or not written:
        raise wrong("{here}.together wants paths with lists of equal length")
    lists = {path: _listed(path, listed) for path, listed in written.items()}
    lengths = {path: len(listed) for path, listed in lists.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{path} has {n}" for path, n in lengths.items())
        raise wrong(f"{{here}}.together wants lists of equal length; {counts}")
    return Axis(tuple(lists), tuple(zip(*lists.values(), strict=True)))


def _listed(path: str, written: Any) -> list[Any]:
    """Values of one path: a list of values and ranges, or one range."""
    parts = written if isinstance(written, list) else [written]
    if not parts or isinstance(written, str | int | float | None):
        raise wrong(f"{{here}}.{path} wants a list of values, or {{from: ..., to: ..., step: ...}}")
    return [value for part in parts for value in (_range(path, part) if _is_range(part) else [part])]


def _is_range(part: Any) -> bool:
    return isinstance(part, dict) and "step" in part


def _range(path: str, part: dict[str, Any]) -> list[Any]:
    """from, from + step ... to, in the unit in which the step is written (the sign of the step does not count)."""
    if set(part) != {"from", "to", "step"}:
        raise wrong(f"{{here}}.{path}: a range is from, to and step; this has {', '.join(map(str, part))}")
    (begin, unit), (end, other), (step, third) = (_amount(path, part[key]) for key in ("from", "to", "step"))
    if len({unit, other, third}) > 1:
        raise wrong(f"{{here}}.{path}: from, to and step of a range want the same unit")
    if step == 0:
        raise wrong(f"{{here}}.{path}: the step of a range must not be 0")
    count = floor(abs((end - begin) / step) * (1 + 1e-12) + 1e-9)
    if count >= MOST:
        raise wrong(f"{{here}}.{path}: a range of {count + 1} values; at most {MOST} are run as one batch")
    towards = abs(step) if end >= begin else -abs(step)
    numbers = [float(f"{begin + k * towards:.12g}") for k in range(count + 1)]
    return [f"{value:.12g} {unit}" if unit else value for value in numbers]


def _amount(path: str, written: Any) -> tuple[float, str]:
    """(number, unit or "") of a quantity of one term."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        return float(written), ""
    found = _AMOUNT.match(written) if isinstance(written, str) and len(written) < 100 else None
    if not found or not isfinite(float(found["number"])):
        raise wrong(f"{{here}}.{path}: {written!r:.60} is no number with a unit, such as '0.3 j0'")
    return float(found["number"]), found["unit"] or ""


def number_of(written: Any) -> float | None:
    """The number of a swept value ("0.3 j0" -> 0.3), for tables and axes; None where it has none."""
    if isinstance(written, int | float) and not isinstance(written, bool):
        return float(written)
    found = _AMOUNT.match(written) if isinstance(written, str) else None
    return float(found["number"]) if found else None


_LIST = {"type": "array", "items": {}, "minItems": 1}
_RANGE = {
    "type": "object",
    "properties": {key: QUANTITY for key in ("from", "to", "step")},
    "required": ["from", "to", "step"],
    "additionalProperties": False,
}
_SEARCH = {
    "type": "object",
    "properties": {key: QUANTITY for key in ("from", "to", "within")}
    | {"path": {"type": "string"}, "result": {"type": "string"}, "above": {"type": "number"}},
    "required": ["path", "from", "to", "within"],
    "additionalProperties": False,
}
SweepSpec = Annotated[
    Sweep | None,
    BeforeValidator(_sweep),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "chain": {"type": "string"},
                "together": {"type": "object", "additionalProperties": _LIST},
                "search": _SEARCH,
            },
            "additionalProperties": {"anyOf": [_LIST, _RANGE]},
        }
    ),
]
