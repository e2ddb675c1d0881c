"""The JSON Schema that editors use agrees with loading; what `init` writes can be run."""

import copy
import json
import re

import pytest
import yaml

from fempslip.case import delivered, json_schema, load
from fempslip.case.drawers import folder
from fempslip.case.starting import write
from fempslip.cli import main
from fempslip.contract import Refusal

SCHEMA = json_schema()
TYPES = {"object": dict, "array": list, "string": str, "number": (int, float), "integer": int, "null": type(None)}
TYPES["boolean"] = bool


def fits(value, schema, root=SCHEMA) -> bool:
    """Whether a value meets the part of JSON Schema that ours uses; other words are an error."""
    known = {
        "$defs", "$ref", "$schema", "additionalProperties", "anyOf", "const", "default", "description", "discriminator",
        "enum",
        "exclusiveMaximum", "items", "maxItems", "maximum", "minItems", "minProperties", "minimum", "oneOf",
        "exclusiveMinimum", "prefixItems", "properties", "required", "title", "type", "propertyNames",
    }  # fmt: skip
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        return fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]])
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    good = not types or any(isinstance(value, TYPES[t]) and isinstance(value, bool) == (t == "boolean") for t in types)
    good &= "const" not in schema or value == schema["const"]
    good &= "enum" not in schema or value in schema["enum"]
    good &= "anyOf" not in schema or any(fits(value, part) for part in schema["anyOf"])
    good &= "oneOf" not in schema or sum(fits(value, part) for part in schema["oneOf"]) == 1
    if isinstance(value, dict) and good:
        others = schema.get("additionalProperties", True)
        own = schema.get("properties", {})
        good &= set(schema.get("required", ())) <= set(value) and len(value) >= schema.get("minProperties", 0)
        for key, part in value.items():
            good &= fits(part, own[key]) if key in own else others if isinstance(others, bool) else fits(part, others)
    if isinstance(value, list) and good:
        first = schema.get("prefixItems", [])
        good &= schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value))
        parts = [*first, *[schema.get("items", {})] * (len(value) - len(first))]
        good &= all(fits(part, rule) for part, rule in zip(value, parts, strict=False))
    return good


def numbers(text: str):
    """YAML as the loader reads it: 1e-3 is a number."""
    read = yaml.safe_load(text)

    def mended(value):
        if isinstance(value, dict):
            return {key: mended(part) for key, part in value.items()}
        if isinstance(value, list):
            return [mended(part) for part in value]
        return float(value) if isinstance(value, str) and re.fullmatch(r"[-+]?\d+(\.\d*)?e[-+]?\d+", value) else value

    return mended(read)


CASES = {name: path.read_text() for name, path in delivered("cases").items()}


@pytest.mark.parametrize("name", CASES)
def test_delivered_cases_and_their_documents_meet_the_schema(name):
    assert fits(numbers(CASES[name]), SCHEMA)
    assert fits(numbers(load(name).document()), SCHEMA)


@pytest.mark.parametrize("name", delivered("geometries"))
def test_delivered_geometries_meet_the_schema(name):
    assert fits(numbers((folder("geometries") / f"{name}.yaml").read_text()), SCHEMA["$defs"]["Geometry"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("drvie",), {}),
        (("drive", "feild"), 1),
        (("drive", "field"), {"ramp": {"too": 1}}),
        (("contacts", "source"), "nromal"),
        (("model",), {"dynamics": "tdlg"}),
        (("time",), {}),
        (("mesh", "size"), [1]),
        (("geometry",), {"dimension": 2, "regions": {"a": {"dsik": {"radius": 1}}}}),
        (("geometry",), {"dimension": 2, "regions": {"a": {"disk": {"raduis": 1}}}}),
        (("geometry",), {"dimension": 2, "regions": {"a": {"disk": {"radius": 1}, "box": {}}}}),
    ],
)
def test_what_loading_refuses_the_schema_refuses_too(path, value):
    written = copy.deepcopy(numbers(CASES["film_vortex_flow"]))
    assert fits(written, SCHEMA)
    at = written
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    assert not fits(written, SCHEMA)


def test_init_writes_what_runs_and_overwrites_nothing(tmp_path, capsys):
    place = tmp_path / "new" / "film"
    paths = write(place)
    assert [path.name for path in paths] == ["geometry.yaml", "case.yaml", "case.schema.json"]
    assert fits(numbers(paths[1].read_text()), SCHEMA) and json.loads(paths[2].read_text()) == SCHEMA
    into = str(tmp_path / "run")
    short = ["--set", "time.until=2 tau", "--set", "measure.from=1 tau", "--no-pictures", "--quiet", "--into", into]
    assert main(["run", str(paths[1]), *short]) == 0
    with pytest.raises(Refusal, match=r"has a geometry.yaml already"):
        write(place)


def test_the_words_schema_and_init(tmp_path, capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
    assert main(["init", str(tmp_path / "a")]) == 0
    assert (tmp_path / "a" / "case.yaml").exists() and "fempslip check" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "a")]) == 2
