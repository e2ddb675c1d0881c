"""Critical currents of a batch: where a result first exceeds a limit, against field, temperature or anything else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.case import Case
from fempslip.case.sweep import number_of
from fempslip.contract import Array, Refusal
from fempslip.run.batch import Table
from fempslip.run.branches import is_result, settings, unit_of, varied, word_of, write_csv


@dataclass(frozen=True)
class Critical:
    """The edge at one combination of the other settings.

    values : of these settings, as written;  low, high : largest point below and smallest above, nan where there is none
    """

    values: tuple[Any, ...]
    low: float
    high: float

    @property
    def value(self) -> float:
        return 0.5 * (self.low + self.high)

    @property
    def error(self) -> float:
        """Half the bracket."""
        return 0.5 * (self.high - self.low)


def critical_current(case: Case, table: Table, folder: Path) -> dict[str, Any]:
    """`critical_current`: the middle of the last bracket and half of it, for each of the other values swept.

    1, 2, ..  : in the order of the sweep, each with value, error and over_first (over that of the first);
    value, error : of the only one;  largest_at : where it is largest but for the first.
    None where the points have none on one side.
    """
    from fempslip.view.families import critical_plot

    path, others = searched(case, table)
    found = list(criticals(case, table, path, others))
    unit = unit_of(table[path][0])
    names = (*others, f"{path} ({unit})" if unit else path, "error", "below", "above")
    write_csv(folder / "critical_current.csv", ((*c.values, c.value, c.error, c.low, c.high) for c in found), names)
    parts = {str(k + 1): part(c, found[0]) for k, c in enumerate(found)}
    answer: dict[str, Any] = dict(parts["1"]) if len(found) == 1 else parts
    axes = [name for name in others if all(number_of(c.values[others.index(name)]) is not None for c in found)]
    if axes and len(found) > 1:
        at = others.index(axes[0])
        x = np.array([number_of(c.values[at]) for c in found])
        critical_plot(grouped(found, others, at), (axes[0], unit_of(found[0].values[at])), (path, unit), folder)
        later = [k for k, c in enumerate(found) if k and np.isfinite(c.value)]
        answer["largest_at"] = float(x[max(later, key=lambda k: found[k].value)]) if later else None
    return answer


def part(c: Critical, first: Critical) -> dict[str, Any]:
    names = {"value": c.value, "error": c.error, "over_first": c.value / first.value if first.value else np.nan}
    return {name: float(v) if np.isfinite(v) else None for name, v in names.items()}


def searched(case: Case, table: Table) -> tuple[str, list[str]]:
    """The path along which the edge lies, and the other settings that vary."""
    search = case.sweep.search if case.sweep is not None else None
    if search is not None:
        return search.path, varied(table, search.path)
    found = [name for name in settings(table) if "current" in name.split(".")]
    if not found:
        raise Refusal("the recipe critical_current needs a search or a swept current: sweep: {search: {path: ..}}")
    return found[0], varied(table, found[0])


def criticals(case: Case, table: Table, path: str, others: list[str]) -> Iterator[Critical]:
    search = case.sweep.search if case.sweep is not None else None
    result, above = (search.result, search.above) if search is not None else ("voltage.slips", 0.0)
    if not any(is_result(table, name) and name == result for name in table):
        raise Refusal(f"no run of the batch has the result {result}")
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row in range(len(table[path])):
        groups.setdefault(tuple(table[name][row] for name in others), []).append(row)
    for values, rows in groups.items():
        rows = [row for row in rows if table["status"][row] == "finished"]
        x = np.array([number_of(table[path][row]) for row in rows], dtype=float)
        over = np.array([exceeds(table[result][row], above) for row in rows], dtype=bool)
        high = float(x[over].min()) if over.any() else np.nan
        below = x[~over & ~(x > high)]
        yield Critical(values, float(below.max()) if below.size else np.nan, high)


def exceeds(value: Any, above: float) -> bool:
    """A mean that is not quoted, for there were too few slips, exceeds any limit."""
    return value is None or abs(float(value)) > above


def grouped(found: list[Critical], others: list[str], at: int) -> list[tuple[str, Array, Array, Array]]:
    """(label, x, value, error) for each combination of the settings that are not the abscissa, in order of x."""
    groups: dict[str, list[tuple[float, float, float]]] = {}
    for c in found:
        rest = [(name, v) for k, (name, v) in enumerate(zip(others, c.values, strict=True)) if k != at]
        label = ", ".join(f"{word_of(name)} = {value}" for name, value in rest)
        groups.setdefault(label, []).append((number_of(c.values[at]) or 0.0, c.value, c.error))
    return [(label, *np.array(sorted(rows)).T) for label, rows in groups.items()]
