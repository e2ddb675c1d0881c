"""The JSON Schema of case files, for editors: what a person may write, short forms included.

pydantic gives the schema of the models; a file says the same in shorter words where a validator arranges them first.
Values are checked by loading only: every quantity is a number or text here.
"""

from __future__ import annotations

from typing import Any

from fempslip.case.parts import QUANTITY
from fempslip.case.shapes import KINDS, Combination

Schema = dict[str, Any]
SHAPE = {"$ref": "#/$defs/Shape"}


def as_written(schema: Schema) -> Schema:
    """The schema of the models -> the schema of a file."""
    every = {f"#/$defs/{shape.__name__}" for shape in KINDS.values()}
    found: Schema = _with_shapes(schema, every)
    found.pop("discriminator", None)  # a word of OpenAPI
    parts = found["$defs"]
    for part in parts.values():
        task = part.get("properties", {}).get("task", {})
        if task.get("const", "evolve") != "evolve":  # which is what a case without a task is
            part["required"] = ["task", *(key for key in part.get("required", ()) if key not in ("task", "name"))]
    parts["Shape"] = {"oneOf": [_wrapped(kind) for kind in KINDS]}
    parts["FieldSpec"] = _field(parts.pop("FieldSpec"))
    parts["Geometry"]["properties"]["parameters"]["additionalProperties"] = QUANTITY
    for table in (parts["Table"], parts["FieldTable"]):
        rows, file = table["properties"]["rows"], {"type": "string"}
        table["properties"] |= {"file": file, "rows": rows}
        table["required"] = []
    for part in [found, *(parts[name] for name in parts if "task" in parts[name].get("properties", {}))]:
        if "geometry" in part.get("properties", {}):
            _case(part)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "fempslip case", **found}


def _with_shapes(schema: Any, every: set[str]) -> Any:
    """Every union of all shapes becomes one reference."""
    if isinstance(schema, list):
        return [_with_shapes(part, every) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if {part.get("$ref") for part in schema.get("oneOf", ())} == every:
        return SHAPE
    return {key: _with_shapes(part, every) for key, part in schema.items()}


def _wrapped(kind: str) -> Schema:
    if kind == "group":
        return _only(kind, {"type": "string"})
    if issubclass(KINDS[kind], Combination):
        return _only(kind, {"type": "array", "items": SHAPE, "minItems": 2})
    return _only(kind, {"$ref": f"#/$defs/{KINDS[kind].__name__}"})


def _only(key: str, value: Schema) -> Schema:
    """A mapping with one key."""
    return {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}


def _field(spec: Schema) -> Schema:
    """A waveform, a list of three, a source or a list of sources."""
    properties = dict(spec["properties"])
    sources = {"type": "array", "items": properties.pop("sources")["items"], "minItems": 1}
    choices = [choice for part in properties.values() for choice in part["anyOf"] if choice != {"type": "null"}]
    return {"anyOf": [QUANTITY, *choices, sources["items"], sources]}


def _case(part: Schema) -> None:
    """Geometry by name, material flat or by region; the name of a case is that of its file."""
    properties = part["properties"]
    use = {"type": "object", "properties": {"use": {"type": "string"}}, "required": ["use"]}
    named = {"type": "string", "description": "name of a delivered geometry, or a file"}
    properties["geometry"] = {"anyOf": [{"$ref": "#/$defs/Geometry"}, named, {**use, "additionalProperties": QUANTITY}]}
    everywhere, region = {"$ref": "#/$defs/Everywhere"}, {"$ref": "#/$defs/Region"}
    by_region = {"type": "object", "properties": {"everywhere": everywhere}, "additionalProperties": region}
    properties["material"] = {"anyOf": [everywhere, {**by_region, "minProperties": 1}]}
    part["required"] = [key for key in part.get("required", ()) if key != "name"]
