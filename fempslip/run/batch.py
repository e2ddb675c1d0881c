"""A batch: one case at several values, each point a run of its own in a folder named by its values."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import product
from pathlib import Path
from typing import Any

from fempslip.case import Case
from fempslip.contract import Failure, Refusal
from fempslip.run.running import quiet, solve

Values = Mapping[str, Sequence[object]]
UNNAMED = re.compile(r"[^A-Za-z0-9.+-]+")


def batch(case: Case, values: Values, into: str | Path, executor: Executor | None = None) -> dict[str, list[Any]]:
    """Solve a case at every combination of values; returns a table of settings and results, one row a run.

    values : path in the case -> list of values, e.g. {"drive.current.density": ["0.2 j0", "0.3 j0"]}
    into : folder of the run folders;  executor : any concurrent.futures executor, None runs one after the other
    Columns: the paths, `folder`, `status`, `failure`, and the numbers of each recipe as `recipe.result`.  A run that
    fails keeps its row, with its message.  Raises Refusal, before anything runs, where a combination is wrong.
    """
    points = [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    varied = [case.vary(point) for point in points]
    folders = [Path(into) / folder_name(point) for point in points]
    if len(set(folders)) < len(folders):
        raise Refusal(f"a batch runs each point once: {into} would hold two runs of the same values")
    jobs = [(v.document(), str(folder)) for v, folder in zip(varied, folders, strict=True)]
    found = list(executor.map(solved, jobs) if executor else map(solved, jobs))
    rows = [{**point, "folder": str(f), **r} for point, f, r in zip(points, folders, found, strict=True)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in columns}


def solved(job: tuple[str, str]) -> dict[str, Any]:
    """Solve the case of a document into a folder: status, failure and numbers.  Runs in worker processes too."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    from fempslip.case.loading import load_text

    document, folder = job
    try:
        run = solve(load_text(document, f"{folder}/case.yaml"), folder, quiet, pictures=False)
    except (Failure, Refusal) as stop:
        return {"status": "failed", "failure": str(stop)}
    summary = run.summary or {}
    return {"status": summary.get("status"), **dict(numbers(summary.get("results", {})))}


def numbers(results: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    """Plain numbers of nested results with dotted names."""
    for name, value in results.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, int | float):
            yield f"{prefix}{name}", value


def folder_name(point: Mapping[str, object]) -> str:
    """current.density=0.2_j0,gamma=1: the last two words of each path and its value, safe as a file name."""
    parts = (f"{'.'.join(path.split('.')[-2:])}={UNNAMED.sub('_', str(value))}" for path, value in point.items())
    return ",".join(parts)
