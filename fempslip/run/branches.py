"""The table of a batch as curves: settings before the folder, results after it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.case.sweep import number_of
from fempslip.contract import Array
from fempslip.run.batch import Table


@dataclass(frozen=True, eq=False)
class Branch:
    """Points of a batch that differ in one value only, in the order in which they were solved.

    label : the other values;  x : (points,) the value;  up : +1 where it rises along the branch, -1 where it falls
    rows : (points,) of the table
    """

    label: str
    x: Array
    up: int
    rows: Array


def branches(table: Table, path: str) -> Iterator[Branch]:
    """Curves over the value at `path`; a chain that turns round gives two (the turning point belongs to both)."""
    others = [name for name in table if "." in name and name != path and not is_result(table, name)]
    groups: dict[tuple[Any, ...], list[int]] = {}
    for row in range(len(table[path])):
        groups.setdefault(tuple(table[name][row] for name in others), []).append(row)
    for key, rows in groups.items():
        label = ", ".join(f"{name.split('.')[-1]}={value}" for name, value in zip(others, key, strict=True))
        x = np.array([number_of(table[path][row]) for row in rows], dtype=float)
        yield from (Branch(label, x[part], up, np.array(rows)[part]) for part, up in runs_of(x))


def is_result(table: Table, name: str) -> bool:
    """A number of the runs: settings come before their folder in the table, results after what became of them."""
    return name not in settings(table) and name not in ("folder", "status", "failure", "after")


def runs_of(x: Array) -> Iterator[tuple[slice, int]]:
    """Stretches in which x rises (+1) or falls (-1); neighbours share the point at which they turn."""
    begin = 0
    for k in range(1, x.size):
        last = k == x.size - 1
        if last or (x[k + 1] - x[k]) * (x[k] - x[k - 1]) < 0:
            yield slice(begin, k + 1), 1 if x[k] > x[begin] else -1
            begin = k
    if x.size == 1:
        yield slice(0, 1), 1


def settings(table: Table) -> list[str]:
    """Names of the columns that were swept."""
    return list(table)[: list(table).index("folder")]


def varied(table: Table, *apart: str) -> list[str]:
    """Settings that take more than one value, but for those named."""
    return [name for name in settings(table) if name not in apart and len(set(map(str, table[name]))) > 1]


PLAIN_WORDS = {"ramp", "to", "from", "value", "points", "constant", "until", "over", "start"}


def word_of(path: str) -> str:
    """How a picture calls a setting: the last word of its path that says what it is."""
    words = [word for word in path.split(".") if not word.isdigit()]
    telling = [word for word in words if word not in PLAIN_WORDS]
    return (telling or words)[-1]


def unit_of(written: Any) -> str:
    """The unit of a swept value ("0.3 j0" -> "j0"), "" for a plain number."""
    return written.split(None, 1)[1] if isinstance(written, str) and " " in written.strip() else ""


def column(table: Table, name: str, rows: Array) -> Array:
    """Numbers of a column, nan where there are none."""
    values = table.get(name) or [None] * (int(rows.max()) + 1)
    return np.array([np.nan if values[row] is None else float(values[row]) for row in rows])


def write_csv(path: Path, rows: Iterable[Sequence[Any]], names: Sequence[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(rows)
