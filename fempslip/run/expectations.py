"""What a case expects of its results, and whether it got it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fempslip.case import Case


def judged(case: Case, results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row for each expectation: name, value, wanted, tolerance, ok.  A missing value is not met."""
    rows = []
    for name, expected in case.expect.items():
        value = found(results, name)
        ok = value is not None and abs(value - expected.value) <= expected.tolerance
        rows.append({"name": name, "value": value, "wanted": expected.value, "tolerance": expected.tolerance, "ok": ok})
    return rows


def found(results: Mapping[str, Any], name: str) -> float | None:
    """`recipe.result`, deeper with more dots."""
    value: Any = results
    for key in name.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return None if value is None else float(value)
