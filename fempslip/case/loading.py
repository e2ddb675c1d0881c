"""From a file, or its name, to a Case: geometry fetched, overrides applied, everything checked, all errors at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fempslip.case import drawers
from fempslip.case.assembly import apply, inline, own_parameter
from fempslip.case.checks import cross_checks
from fempslip.case.complaints import Complaint, nearest, refusal
from fempslip.case.outline import Outline, outline
from fempslip.case.parts import Reading
from fempslip.case.reading import Key, Written, read_file, read_text
from fempslip.case.scales import Scales
from fempslip.case.schema import TASKS, Case, MeshedCase
from fempslip.case.tables import inline_tables
from fempslip.contract import Refusal

Overrides = Mapping[str, object]


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a case comes from: its data with the geometry included, the places of all values, its scales."""

    written: Written
    path: Path | None
    scales: Scales
    parameters: Mapping[str, tuple[float, str]]

    def refuse(self, path: str, message: str, known: tuple[str, ...], wrote: str | None) -> Refusal:
        keys = tuple(int(part) if part.isdigit() else part for part in path.split(".") if part)
        return refusal([Complaint(self.written.place(keys), message, known, wrote)])


def load(name_or_path: str | Path, overrides: Overrides | None = None) -> Case:
    """A delivered case by its name, or any by its path; `overrides` sets values by dotted paths.

    Raises Refusal with every error of the file: where, what is known there, and the nearest name.

    >>> import fempslip as fs
    >>> fs.load("wire_weak_spot", {"time.until": "500 tau"}).until
    500.0
    """
    path = find(name_or_path, "cases")
    return build(read_file(path), path, overrides, path.stem)


def load_text(text: str, label: str = "case.yaml", overrides: Overrides | None = None) -> Case:
    """As `load`, from text: `label` stands for the file in messages."""
    return build(read_text(text, label), None, overrides, Path(label).stem)


def vary(case: Case, overrides: Overrides) -> Case:
    """A case with other values at dotted paths.  Raises Refusal."""
    origin: Origin = case._origin
    return build(origin.written, origin.path, overrides, case.name)


def find(name_or_path: str | Path, drawer: str, beside: Path | None = None) -> Path:
    """The file of a name in a drawer, or of a path (`beside`: a folder it may be relative to).  Raises Refusal."""
    known = drawers.delivered(drawer)
    word = str(name_or_path)
    if word in known:
        return known[word]
    if "\0" in word or len(word) > 1000:
        raise Refusal("that is no file name")
    candidates = [folder / path for folder in (beside, Path()) if folder for path in (Path(word), Path(word + ".yaml"))]
    candidates += [Path(word), Path(word + ".yaml")]
    if drawer == "geometries":  # a case names them: one from a stranger leads to no other kind of file
        candidates = [path for path in candidates if path.suffix in (".yaml", ".yml")]
    for path in candidates:
        try:
            if path.is_file():
                return path.resolve()
        except OSError:
            continue
    kind = {"cases": "case", "geometries": "geometry"}[drawer]
    match = nearest(Path(word).stem, known)
    hint = f" (nearest: {match})" if match else ""
    raise Refusal(
        f"there is no {kind} {word!r}: neither a file nor delivered; delivered are {', '.join(known) or 'none'}{hint}"
    )


def build(written: Written, path: Path | None, overrides: Overrides | None, name: str) -> Case:
    """A Case out of what was read."""
    written = _mapping(written)
    overrides = dict(overrides or {})
    written = apply(written, {key: overrides.pop(key) for key in [k for k in overrides if k == "geometry"]})
    folder = path.parent if path else Path()
    if written.data.get("task") != "lumped":  # which has no geometry
        written = inline(written, lambda word: find(word, "geometries", path.parent if path else None), folder)
    written = apply(written, {own_parameter(key, written): value for key, value in overrides.items()})
    written = inline_tables(written, path.parent if path else None)
    plan = outline(written.data, name)
    return _validated(written, plan, path, name)


def _mapping(written: Written) -> Written:
    if not isinstance(written.data, dict):
        raise refusal([Complaint(written.place(()), "a case is a mapping: title, geometry, material, drive, time ...")])
    return written


def _validated(written: Written, plan: Outline, path: Path | None, name: str) -> Case:
    complaints = [Complaint(written.place(key), text.replace("{here}", dotted(key)), known, wrote)
                  for key, text, known, wrote in plan.mistakes]  # fmt: skip
    model = TASKS[plan.task]
    data = {"name": name, **written.data, "task": plan.task}
    try:
        case = model.model_validate(data, context=plan.reading)
    except ValidationError as error:
        complaints += translated(error, written, data, model, plan.reading)
    if complaints:
        raise refusal(complaints)
    if isinstance(case, MeshedCase):
        case = case.model_copy(update={"contacts": _with_defaults(case)})
    case._origin = Origin(written, path, plan.reading.scales, plan.reading.quantities.parameters)
    complaints = [Complaint(written.place(key), text) for key, text in cross_checks(case)]
    if complaints:
        raise refusal(complaints)
    return case


def _with_defaults(case: MeshedCase) -> dict[str, str]:
    """Contacts as written; a terminal that carries a current and is not named there is `normal`."""
    return {**case.contacts, **{name: "normal" for name in case.drive.terminals if name not in case.contacts}}


# ---------------------------------------------------------------------------------------------- pydantic's errors


def dotted(path: Key) -> str:
    """drive.current[0].value"""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "the case"


def translated(
    error: ValidationError, written: Written, data: Any, model: type[Case], reading: Reading
) -> list[Complaint]:
    """pydantic's errors as complaints at the places where the values are written."""
    return [_translated(dict(one), written, data, model, reading) for one in error.errors(include_url=False)]


def _translated(one: dict[str, Any], written: Written, data: Any, model: type[Case], reading: Reading) -> Complaint:
    path = _walk(one["loc"], data)
    context = one.get("ctx", {})
    if one["type"] == "extra_forbidden":
        parent = _at(data, path[:-1])
        known = reading.keys.get(id(parent), model.keys() if len(path) == 1 else ())
        where = f" in {dotted(path[:-1])}" if len(path) > 1 else ""
        key = str(path[-1])
        return Complaint(written.place(path, key=True), f"unknown key {key!r:.60}{where}", known, key)
    if one["type"] == "missing":
        last = one["loc"][-1]
        missing = f"{last + 1} values; the last is missing" if isinstance(last, int) else f"{last}, which is missing"
        return Complaint(written.place(path, key=True), f"{dotted(path)} wants {missing}")
    if one["type"] == "fempslip":
        text = context["text"].replace("{here}", dotted(path))
        is_key = bool(one["loc"]) and one["loc"][-1] == "[key]"
        return Complaint(written.place(path, key=is_key), text, tuple(context["known"]), context["wrote"])
    message = one["msg"][:1].lower() + one["msg"][1:]
    return Complaint(written.place(path), f"{dotted(path)}: {message}")


def _walk(loc: tuple[int | str, ...], data: Any) -> Key:
    """The part of a pydantic location that is written.

    Locations also name what a file does not have: kinds of a union, the list around a single pair or mapping.
    """
    path: Key = ()
    for part, following in zip(loc, (*loc[1:], None)[: len(loc)], strict=True):
        inside = part in data if isinstance(data, dict) else False
        if isinstance(data, list) and isinstance(part, int):
            around = isinstance(following, int) and not isinstance(data[min(part, len(data) - 1)], list | dict)
            inside = 0 <= part < len(data) and not around
        if inside:
            data = data[part]
            path = (*path, part)
    return path


def _at(data: Any, path: Key) -> Any:
    for part in path:
        data = data[part]
    return data
