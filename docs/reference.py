"""Writes the reference of the case language from its JSON Schema: `python docs/reference.py`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fempslip.case import json_schema

HEAD = """# Reference of the case language

Made from `fempslip schema`. A *quantity* is a number, text with a unit or a scale (`60 nm`, `0.5 xi`), or a
sum of these. What is **bold** must be written.
"""


def write_reference(path: Path) -> None:
    path.write_text("\n".join([HEAD, *sections(json_schema())]), encoding="utf-8")


def sections(schema: dict[str, Any]) -> Iterator[str]:
    """One table for every mapping that a file may hold, tasks first."""
    parts = schema.get("$defs", {})
    tasks = [name for name, part in parts.items() if "task" in part.get("properties", {})]
    top = {} if tasks else {"Case": schema}
    for name in [*tasks, *(n for n in sorted(parts) if n not in tasks)]:
        top[name] = parts[name]
    for name, part in top.items():
        if name.startswith("Wave_"):  # told in the language of cases
            continue
        yield from section(name, part)


def section(name: str, part: dict[str, Any]) -> Iterator[str]:
    yield f"\n## {name}\n"
    if part.get("description"):
        yield " ".join(part["description"].split()).replace("<", "\\<") + "\n"
    if not part.get("properties"):
        yield f"{words(part)}\n"
        return
    yield "| key | what |\n| --- | --- |"
    needed = part.get("required", ())
    for key, value in part["properties"].items():
        shown = f"**`{key}`**" if key in needed else f"`{key}`"
        yield f"| {shown} | {words(value)} |"


def words(value: dict[str, Any]) -> str:
    """What may be written, in words."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[-1]
        if name.startswith("Wave_"):
            return "a waveform"
        return f"[{name}](#{name.lower()})" if name != "Shape" else "a shape"
    if "enum" in value or "const" in value:
        return " or ".join(f"`{word}`" for word in value.get("enum", [value.get("const")]))
    for several in ("anyOf", "oneOf"):
        if several in value:
            return " or ".join(dict.fromkeys(words(part) for part in value[several] if part.get("type") != "null"))
    kind = value.get("type")
    if kind == ["number", "string"]:
        return "a quantity"
    if kind == "array":
        return f"a list of {words(value['items'])}" if value.get("items") else "a list"
    if kind == "object":
        inner = value.get("additionalProperties")
        return f"names with {words(inner)}" if isinstance(inner, dict) and inner else "a mapping"
    plain = {"string": "text", "number": "a number", "integer": "a whole number", "boolean": "true or false"}
    return plain.get(str(kind), "a value")


if __name__ == "__main__":
    write_reference(Path(__file__).parent / "case_reference.md")
