"""What must fit together in a case, beyond what each of its parts can check."""

from __future__ import annotations

from collections.abc import Iterator

from fempslip.case.reading import Key
from fempslip.case.schema import Case, Evolve, MeshedCase

Found = tuple[Key, str]
MOST_FRAMES = 1_000_000


def cross_checks(case: Case) -> Iterator[Found]:
    """(path, message) of everything that does not fit."""
    if isinstance(case, Evolve):
        yield from _times(case)
    if isinstance(case, MeshedCase):
        yield from _currents(case)
    yield from _expected_recipes(case)


def _times(case: Evolve) -> Iterator[Found]:
    begin = case.measure.from_
    if begin is not None and not 0 <= begin < case.time.until:
        yield (
            ("measure", "from"),
            f"measure.from ({begin:g} tau) must lie within the run (until {case.time.until:g} tau)",
        )
    if case.time.steady is not None and not case.measure.between:
        yield ("time", "until"), "time.until: steady: voltage needs measure.between: [probe, probe]"
    if case.record.fields > case.time.until:
        yield ("record", "fields"), f"record.fields ({case.record.fields:g} tau) is longer than the run"
    frames = case.time.until / case.record.fields
    if frames > MOST_FRAMES:
        yield ("record", "fields"), f"record.fields keeps {frames:.3g} frames; keep at most {MOST_FRAMES:g}"


def _currents(case: MeshedCase) -> Iterator[Found]:
    if case.model.charge == "off" and case.drive.currents:
        yield ("drive", "current"), "model.charge: off has no electric potential, so no current can be driven"


def _expected_recipes(case: Case) -> Iterator[Found]:
    for result in case.expect:
        recipe = result.partition(".")[0]
        if recipe not in (*case.postprocess, case.task):
            yield ("expect", result), f"{result} needs the recipe {recipe!r} in postprocess"
