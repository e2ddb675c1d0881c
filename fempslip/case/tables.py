"""Tables that a case names by a file: their rows take its place, so that a stored case is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fempslip.case.complaints import Complaint, refusal
from fempslip.case.reading import Key, Written

MOST_ROWS = 4000  # with more, the stored case could not be read back


def inline_tables(written: Written, beside: Path | None) -> Written:
    """`{table: {file: name.csv}}` in material and drive becomes `{table: {rows: [..]}}`.  Raises Refusal."""
    found = [key for part in ("material", "drive") for key in _tables(written.data.get(part), (part,))]
    if not found:
        return written
    complaints: list[Complaint] = []
    data = _copied(written.data)
    for path in found:
        table = _at(data, path)
        try:
            rows = _read(table.pop("file"), beside)
        except ValueError as error:
            complaints.append(Complaint(written.place((*path, "file")), str(error)))
            continue
        table["rows"] = rows
    if complaints:
        raise refusal(complaints)
    return Written(data, written.values, written.keys)


def _tables(data: Any, path: Key) -> list[Key]:
    """Paths of all tables with a file."""
    if isinstance(data, list):
        return [key for i, part in enumerate(data) for key in _tables(part, (*path, i))]
    if not isinstance(data, dict):
        return []
    own = [(*path, "table")] if isinstance(data.get("table"), dict) and "file" in data["table"] else []
    return own + [key for name, part in data.items() for key in _tables(part, (*path, name))]


def _copied(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _copied(part) for key, part in data.items()}
    return [_copied(part) for part in data] if isinstance(data, list) else data


def _at(data: Any, path: Key) -> Any:
    for key in path:
        data = data[key]
    return data


def _read(name: Any, beside: Path | None) -> list[list[float]]:
    """Rows of numbers; a first row of words is a header.  Raises ValueError."""
    if not isinstance(name, str) or "\0" in name or len(name) > 1000:
        raise ValueError("file wants the name of a CSV file")
    path = next((p for p in ((beside or Path()) / name, Path(name)) if p.is_file()), None)
    if path is None:
        raise ValueError(f"there is no file {name!r:.100}" + (f" beside {beside}" if beside else ""))
    try:
        if path.stat().st_size > 1_000_000:
            raise ValueError(f"{name} is larger than 1 MB; keep at most {MOST_ROWS} rows")
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} cannot be read: {getattr(error, 'strerror', None) or 'not text in UTF-8'}") from None
    rows: list[list[float]] = []
    for number, line in enumerate(lines, 1):
        words = line.replace(";", ",").split(",") if "," in line or ";" in line else line.split()
        if not any(word.strip() for word in words) or line.lstrip().startswith("#"):
            continue
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            if number > 1:
                raise ValueError(f"{name}:{number}: {line.strip()!r:.60} is no row of numbers") from None
    if not rows or len(rows) > MOST_ROWS:
        raise ValueError(f"{name} has {len(rows)} rows of numbers; a table wants 1 to {MOST_ROWS}")
    return rows
