"""Putting a case together before it is validated: its geometry included, overrides set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from fempslip.case.complaints import Complaint, Place, Source, refusal
from fempslip.case.geometry import Geometry
from fempslip.case.reading import DEEPEST, Key, Written, dump, read_file, read_text

# ---------------------------------------------------------------------------------------------- geometry


def inline(written: Written, find: Callable[[str], Path], folder: Path) -> Written:
    """The case with its geometry included: from a name, a path, or {use: name, parameter: value ...}.

    folder : of the case, where files that it names are looked for
    """
    geometry = written.data.get("geometry")
    if isinstance(geometry, dict) and "use" not in geometry:
        return Written({**written.data, "geometry": with_files(geometry, folder)}, written.values, written.keys)
    if geometry is None:
        raise refusal([Complaint(written.place(("geometry",)), "geometry is missing: a name, a path, or a mapping")])
    changes = dict(geometry) if isinstance(geometry, dict) else {"use": geometry}
    word = changes.pop("use")
    if not isinstance(word, str):
        raise refusal([Complaint(written.place(("geometry",)), "geometry wants a name, a path, or a mapping")])
    try:
        path = find(word)
    except Exception as error:
        raise refusal([Complaint(written.place(("geometry",)), str(error))]) from None
    read = read_file(path)
    geometry = Written(with_files(read.data, path.parent), read.values, read.keys)
    return _with_parameters(_graft(written, geometry, path.stem), written, changes)


def with_files(data: Any, folder: Path) -> Any:
    """A geometry whose files (of `import`, `step` and `layout`) are found from anywhere, if they lie beside it."""
    if isinstance(data, list):
        return [with_files(part, folder) for part in data]
    if not isinstance(data, dict):
        return data
    within = {key: with_files(part, folder) for key, part in data.items()}
    named = {key: within[key] for key in ("import", "step", "layout") if isinstance(within.get(key), dict)}
    return within | {key: _found(part, folder) for key, part in named.items()}


def _found(part: dict[str, Any], folder: Path) -> dict[str, Any]:
    name = part.get("file")
    if not isinstance(name, str) or "\0" in name or len(name) > 1000 or not (folder / name).is_file():
        return part
    return {**part, "file": str((folder / name).resolve())}


def _graft(case: Written, geometry: Written, name: str) -> Written:
    """A case with a geometry file in the place of its name; places point to where things are written."""
    if not isinstance(geometry.data, dict):
        raise refusal([Complaint(geometry.place(()), "a geometry is a mapping: dimension, regions, boundaries ...")])
    body = {"name": name, **geometry.data}
    values = {key: place for key, place in case.values.items() if key[:1] != ("geometry",)}
    keys = {key: place for key, place in case.keys.items() if key[:1] != ("geometry",) or len(key) == 1}
    values |= {("geometry", *key): place for key, place in geometry.values.items()}
    keys |= {("geometry", *key): place for key, place in geometry.keys.items()}
    return Written({**case.data, "geometry": body}, values, keys)


def _with_parameters(grafted: Written, case: Written, changes: Mapping[str, Any]) -> Written:
    """Parameters of the geometry as a case sets them."""
    body = grafted.data["geometry"]
    own = body.get("parameters") if isinstance(body.get("parameters"), dict) else {}
    complaints = []
    for name in changes:
        place = case.place(("geometry", name), key=True)
        if name not in own:
            complaints.append(Complaint(place, f"this geometry has no parameter {name!r:.60}", tuple(own), name))
        grafted.keys["geometry", "parameters", name] = place
        grafted.values["geometry", "parameters", name] = case.place(("geometry", name))
    if complaints:
        raise refusal(complaints)
    parameters = {"parameters": {**own, **changes}} if changes else {}
    return Written({**grafted.data, "geometry": {**body, **parameters}}, grafted.values, grafted.keys)


# ---------------------------------------------------------------------------------------------- overrides


def own_parameter(path: str, written: Written) -> str:
    """`geometry.length` means `geometry.parameters.length`, which must exist.  Raises Refusal."""
    parts = path.split(".")
    if parts[0] != "geometry" or len(parts) < 2 or (parts[1] in Geometry.keys() and parts[1:2] != ["parameters"]):
        return path
    name = parts[-1] if len(parts) < 4 else ".".join(parts[2:])
    own = written.data["geometry"].get("parameters")
    known = tuple(own) if isinstance(own, dict) else ()
    if path == "geometry.parameters" or name in known:
        return path if parts[1] == "parameters" else f"geometry.parameters.{name}"
    place = Place(Source.of(f"override of {path}", path))
    keys = () if parts[1] == "parameters" else Geometry.keys()
    raise refusal([Complaint(place, f"this geometry has no parameter {name!r:.60}", (*known, *keys), name)])


def apply(written: Written, overrides: Mapping[str, object]) -> Written:
    """Values set at dotted paths; text is read as YAML, null removes a key.  Raises Refusal."""
    if not overrides:
        return written
    result = Written(deepcopy(written.data), dict(written.values), dict(written.keys))
    complaints: list[Complaint] = []
    for path, value in overrides.items():
        new = _read_value(str(path), value)
        problem = _set(result, str(path), new)
        if problem is not None:
            complaints.append(problem)
    if complaints:
        raise refusal(complaints)
    return result


def _read_value(path: str, value: object) -> Written:
    """The value of an override with places in the text `path=value`."""
    text = value if isinstance(value, str) else dump(_plain(value, path), flow=True)
    read = read_text(text, f"override of {path}")
    flat = text if "\n" not in text else text.splitlines()[0] + " ..."
    source = Source.of(f"override of {path}", f"{path}={flat}")

    def moved(place: Place) -> Place:
        column = len(path) + 1 + place.column if place.line == 0 else 0
        return Place(source, 0, column)

    values = {key: moved(place) for key, place in read.values.items()}
    return Written(read.data, values, {key: moved(place) for key, place in read.keys.items()})


def _plain(value: object, path: str, depth: int = 0) -> Any:
    """Python values as YAML has them: tuples as lists, numpy numbers as numbers."""
    if depth > DEEPEST:
        raise refusal(
            [Complaint(Place(Source.of(f"override of {path}", path)), f"nested deeper than {DEEPEST} levels")]
        )
    if isinstance(value, Mapping):
        return {str(key): _plain(item, path, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, path, depth + 1) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "tolist"):
        return _plain(value.tolist(), path, depth + 1)
    if isinstance(value, float):
        return value
    place = Place(Source.of(f"override of {path}", f"{path}={value!r:.60}"))
    raise refusal([Complaint(place, f"{path} wants a number, text, a list or a mapping, not {type(value).__name__}")])


def _steps(path: str) -> list[str]:
    """The keys of a dotted path; names of results (`expect.voltage.mean`) have a dot of their own."""
    parts = path.split(".")
    if parts[0] == "expect" and len(parts) > 2:
        return ["expect", ".".join(parts[1:])]
    return parts


def _set(written: Written, path: str, new: Written) -> Complaint | None:
    """Sets one value; says what is wrong with its path, if anything."""
    at: Key = ()
    here = written.data
    steps = _steps(path)
    place = new.values[()].source

    def complain(message: str, known: tuple[str, ...] = (), wrote: str | None = None) -> Complaint:
        return Complaint(Place(place), message, known, wrote)

    for i, step in enumerate(steps):
        last = i == len(steps) - 1
        where = ".".join(steps[:i]) or "the case"
        if isinstance(here, list):
            if not (step.isdigit() and len(step) < 9 and int(step) < len(here)):
                return complain(f"{where} is a list of {len(here)}: {step!r:.60} is none of its indices")
            key: str | int = int(step)
        elif isinstance(here, dict):
            key = step
        else:
            return complain(f"{where} is {here!r:.60}, which has no part {step!r:.60}")
        at = (*at, key)
        if last:
            _put(written, here, at, new)
            return None
        if isinstance(here, dict) and here.get(step) is None:
            here[step] = {}
            written.keys.setdefault(at, Place(place))
        here = here[key]  # type: ignore[index]
    return None


def _put(written: Written, parent: Any, path: Key, new: Written) -> None:
    """Replaces the value at a path, and the places of it and below."""
    for places in (written.values, written.keys):
        for key in [k for k in places if k[: len(path)] == path]:
            del places[key]
    if new.data is None and isinstance(parent, dict):
        parent.pop(path[-1], None)
        return
    parent[path[-1]] = new.data
    source = new.values[()].source
    written.keys[path] = Place(source)
    written.values.update({(*path, *key): place for key, place in new.values.items()})
    written.keys.update({(*path, *key): place for key, place in new.keys.items() if key})
