"""A case as text: everything written and every default, the geometry included."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from fempslip.case.drive import DriveSpec, FieldSpec
from fempslip.case.material import Materials
from fempslip.case.reading import dump
from fempslip.case.schema import Case, MeshedCase
from fempslip.case.shapes import Shape


def document(case: Case) -> str:
    """Complete YAML; loading it gives an equal case.  Quantities stay as written; added defaults are dimensionless."""
    raw = {"name": case.name, **case._origin.written.data}
    data = completed(raw, case)
    if isinstance(case, MeshedCase):
        data["contacts"] = dict(case.contacts)
    order = [key for key in type(case).keys() if key in data]
    return f"# {case.name}: complete with defaults\n" + dump({key: data[key] for key in order})


def completed(raw: Any, model: Any) -> Any:
    """What was written, with the values that a model has beyond it."""
    if isinstance(model, Materials):
        return _material(raw, model)
    if isinstance(model, FieldSpec):
        return completed(raw, model.along if model.components is None else model.components)
    if isinstance(model, Shape) and isinstance(raw, dict) and set(raw) == {model.kind}:
        return {model.kind: completed(raw[model.kind], model)} if isinstance(raw[model.kind], dict) else raw
    if isinstance(model, BaseModel) and isinstance(raw, dict):
        return _mapping(raw, model)
    if isinstance(model, dict) and isinstance(raw, dict):
        return {key: completed(value, model.get(key)) for key, value in raw.items()}
    if isinstance(model, tuple) and isinstance(raw, list) and len(raw) == len(model):
        return [completed(r, m) for r, m in zip(raw, model, strict=True)]
    return raw


def _mapping(raw: dict[str, Any], model: BaseModel) -> dict[str, Any]:
    result = dict(raw)
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        value = getattr(model, name)
        if raw.get(key) is not None:
            result[key] = completed(raw[key], value)
        elif plain(value) not in (None, {}, []):
            result[key] = plain(value)
    return {key: value for key, value in result.items() if value is not None}


def _material(raw: Any, model: Materials) -> Any:
    """Flat or by region, as it was written."""
    if not isinstance(raw, dict) or "everywhere" not in raw and not any(name in model.regions for name in raw):
        return _mapping(raw or {}, model.everywhere)
    regions = {name: completed(raw[name], part) for name, part in model.regions.items()}
    return {"everywhere": _mapping(raw.get("everywhere") or {}, model.everywhere), **regions}


def plain(value: Any) -> Any:
    """A default as YAML data."""
    if isinstance(value, Materials):
        return plain(value.everywhere)
    if isinstance(value, DriveSpec):
        return {}
    if isinstance(value, BaseModel):
        return _mapping({}, value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value
