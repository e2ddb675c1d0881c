"""Outlines of chips: closed polygons with holes out of GDSII and DXF files.

A file from a stranger is read in a process of its own, with limits on its time and memory; what comes back are plain
numbers.  gdstk reads GDSII, ezdxf reads DXF, shapely joins overlapping polygons and finds their holes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from fempslip.case.quantities import Mistake

Loop = np.ndarray  # (corners, 2), not closed
Outline = tuple[Loop, ...]  # the outer loop of a polygon, then those of its holes

SECONDS, MEMORY = 60.0, 2 << 30  # limits of reading one file
CORNERS = 20_000  # more are no outline of a film
CLOSE = 1e-6  # of the extent: ends nearer than this are one point
SAG = 1e-3  # of the extent of a curve: how far its chords may be off
EXTRA = "pip install 'fempslip[layout]'"


def outlines(file: str, layer: str | None, cell: str | None) -> tuple[Outline, ...]:
    """Polygons of a layer, in units of the file, joined where they overlap or touch.

    layer : "layer/datatype" or "layer" of GDSII, the name of a DXF layer; None where there is only one
    cell : GDSII cell (default: the one at the top) or DXF block (default: the drawing itself)
    Raises Mistake with the names that there are.
    """
    path = Path(file)
    try:
        found = path.stat()
    except OSError:
        raise Mistake(f"{{here}}: there is no file {file:.200}") from None
    return _read_once(str(path), found.st_mtime_ns, found.st_size, layer, cell)


@lru_cache(maxsize=64)
def _read_once(file: str, changed: int, size: int, layer: str | None, cell: str | None) -> tuple[Outline, ...]:
    root = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    try:
        done = subprocess.run(
            [sys.executable, "-c", "from fempslip.case.layout_files import serve; serve()"],
            input=json.dumps([file, layer, cell]).encode(),
            capture_output=True,
            timeout=SECONDS,
            env={**os.environ, "PYTHONPATH": search},
        )
    except subprocess.TimeoutExpired:
        raise Mistake(f"{{here}}: {Path(file).name} was not read within {SECONDS:g} s") from None
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise Mistake(f"{{here}}: {Path(file).name} cannot be read: it is damaged, or too large") from None
    if "mistake" in answer:
        raise Mistake(answer["mistake"], tuple(answer["known"]), answer["wrote"])
    return tuple(tuple(np.array(loop, dtype=float) for loop in polygon) for polygon in answer["polygons"])


def serve() -> None:
    """The process that reads: [file, layer, cell] comes in, polygons or a mistake go out."""
    _limit_memory()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is no answer
    file, layer, cell = json.load(sys.stdin)
    answer: dict[str, Any]
    try:
        answer = {"polygons": read(Path(file), layer, cell)}
    except Mistake as mistake:
        answer = {"mistake": str(mistake), "known": mistake.known, "wrote": mistake.wrote}
    except Exception as error:  # readers raise errors of many kinds
        words = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        answer = {"mistake": f"{{here}}: {Path(file).name} cannot be read: {words}", "known": (), "wrote": None}
    json.dump(answer, answers)
    answers.close()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def read(path: Path, layer: str | None, cell: str | None) -> list[list[list[list[float]]]]:
    """Polygons as lists of loops of [x, y].  The kind of a file is that of its name: .gds, .gds2, .oas or .dxf."""
    kind = path.suffix.lower()
    readers = {".gds": _gds, ".gds2": _gds, ".oas": _gds, ".dxf": _dxf}
    if kind not in readers:
        raise Mistake(f"{{here}}: {path.name} is neither GDSII (.gds, .oas) nor DXF (.dxf)")
    try:
        return _loops(readers[kind](path, layer, cell), path.name)
    except ImportError as error:
        raise Mistake(f"{{here}}: layouts need {error.name}: {EXTRA}") from None


def _loops(whole: Any, name: str) -> list[list[list[list[float]]]]:
    """What shapely found, as plain numbers: outer loops counter-clockwise, holes after theirs."""
    from shapely.geometry.polygon import orient

    parts = [part for part in getattr(whole, "geoms", [whole]) if part.geom_type == "Polygon" and part.area > 0]
    rings = [[part.exterior, *part.interiors] for part in map(orient, parts)]
    corners = sum(len(ring.coords) - 1 for polygon in rings for ring in polygon)
    if corners > CORNERS:
        raise Mistake(f"{{here}}: the outline in {name} has {corners} corners; at most {CORNERS} are meshed")
    if not rings:
        raise Mistake(f"{{here}}: what is drawn on this layer of {name} encloses no area")
    return [[[list(map(float, place[:2])) for place in ring.coords[:-1]] for ring in polygon] for polygon in rings]


def _chosen(what: str, wanted: str | None, there: dict[str, Any], name: str) -> Any:
    """The one that is wanted, or the only one there is."""
    known = tuple(sorted(there))
    listed = ", ".join(known[:20]) + (" .." if len(known) > 20 else "")
    if wanted is None and len(there) == 1:
        return there[known[0]]
    if wanted is None:
        raise Mistake(f"{{here}}: say which {what} of {name}; it has {listed or 'none'}", known)
    if wanted not in there:
        raise Mistake(f"{{here}}: {name} has no {what} {wanted!r:.60}; it has {listed or 'none'}", known, wanted)
    return there[wanted]


# ------------------------------------------------------------------------------------------- GDSII


def _gds(path: Path, layer: str | None, cell: str | None) -> Any:
    import gdstk
    import shapely

    library = (gdstk.read_oas if path.suffix.lower() == ".oas" else gdstk.read_gds)(str(path))
    cells = {c.name: c for c in (library.top_level() if cell is None else library.cells) if hasattr(c, "polygons")}
    chosen = _chosen("cell", cell, cells, path.name)
    chosen = chosen.copy(f"{chosen.name} flat").flatten()
    drawn: dict[str, list[Any]] = {}
    for polygon in chosen.get_polygons():
        drawn.setdefault(f"{polygon.layer}/{polygon.datatype}", []).append(polygon.points)
    wanted = f"{layer}/0" if layer is not None and layer.isdigit() else layer
    loops = _chosen("layer", wanted, drawn, path.name)
    grid = library.precision / library.unit  # corners lie on it: polygons that touch have them in common
    parts = [shapely.make_valid(shapely.Polygon(loop)) for loop in loops if len(loop) > 2]
    return shapely.union_all(shapely.set_precision(parts, grid)).simplify(0.0)


# ------------------------------------------------------------------------------------------- DXF


def _dxf(path: Path, layer: str | None, cell: str | None) -> Any:
    import shapely

    document = _document(path)
    drawing = document.modelspace() if cell is None else _chosen("block", cell, _blocks(document), path.name)
    drawn: dict[str, list[tuple[str, Any]]] = {}
    for entity in _entities(drawing):
        drawn.setdefault(entity.dxf.layer, []).extend(_paths(entity))
    drawn = {name: lines for name, lines in drawn.items() if lines}
    lines = _chosen("layer", layer, drawn, path.name)
    loops = _closed(lines, path.name)
    whole = shapely.Polygon()
    for loop in loops:  # a loop within another is its hole, one in that an island
        whole = whole.symmetric_difference(shapely.make_valid(loop))
    return whole.simplify(0.0)


def _document(path: Path) -> Any:
    import ezdxf
    from ezdxf import recover

    try:
        return ezdxf.readfile(path)  # type: ignore[attr-defined]
    except ezdxf.DXFStructureError:  # type: ignore[attr-defined]
        return recover.readfile(path)[0]


def _blocks(document: Any) -> dict[str, Any]:
    return {block.name: block for block in document.blocks if not block.is_any_layout}


DEEPEST = 20  # blocks within blocks


def _entities(drawing: Any, depth: int = 0) -> Any:
    """All that is drawn, blocks opened."""
    for entity in drawing:
        if entity.dxftype() != "INSERT":
            yield entity
        elif depth < DEEPEST:
            yield from _entities(entity.virtual_entities(), depth + 1)


def _paths(entity: Any) -> list[tuple[str, Any]]:
    """(what it is, its corners (n, 2)) of an entity; nothing for texts, points and dimensions."""
    from ezdxf import path as paths

    if entity.dxftype() == "HATCH":
        found = list(paths.from_hatch(entity))
    else:
        try:
            found = [paths.make_path(entity)]
        except TypeError:  # nothing with a line
            return []
    handle = entity.dxf.handle or "in a block"
    return [(f"{entity.dxftype()} ({handle})", _flat(path)) for path in found if len(path)]


def _flat(path: Any) -> np.ndarray:
    low, high = (np.array(list(corner)[:2]) for corner in _box(path))
    places = path.flattening(SAG * float(np.hypot(*(high - low))) or 1.0, segments=4)
    return np.array([(place.x, place.y) for place in places])


def _box(path: Any) -> tuple[Any, Any]:
    from ezdxf import path as paths

    box = paths.bbox([path])
    return box.extmin, box.extmax


def _closed(lines: list[tuple[str, np.ndarray]], name: str) -> list[Any]:
    """Polygons: of loops, and of open lines that join into loops.  Raises Mistake for those that do not."""
    import shapely

    places = np.concatenate([x for _, x in lines])
    near = CLOSE * float(np.ptp(places, axis=0).max())
    loops, open_lines = [], []
    for what, x in lines:
        if len(x) > 3 and np.linalg.norm(x[0] - x[-1]) <= near:
            loops.append(shapely.Polygon(x[:-1]))
        elif len(x) > 1:
            open_lines.append((what, x))
    rings, left = _joined([x for _, x in open_lines], near)
    if left:
        begin, end = left[0][0], left[0][-1]
        owner = next(w for w, x in open_lines if min(np.linalg.norm(x[[0, -1]] - begin, axis=1)) <= near)
        raise Mistake(
            f"{{here}}: a line of this layer of {name} is open: {owner} from ({begin[0]:g}, {begin[1]:g}) to "
            f"({end[0]:g}, {end[1]:g}), whose ends are {np.linalg.norm(end - begin):g} apart; close it in the drawing"
        )
    return loops + [shapely.Polygon(ring) for ring in rings]


def _joined(lines: list[np.ndarray], near: float) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Lines joined end to end: closed ones, and those that stay open."""
    closed: list[np.ndarray] = []
    left: list[np.ndarray] = []
    waiting = list(lines)
    while waiting:
        x = waiting.pop()
        while np.linalg.norm(x[0] - x[-1]) > near:
            ends = [(k, other) for k, line in enumerate(waiting) for other in (line, line[::-1])]
            match = next((pair for pair in ends if np.linalg.norm(pair[1][0] - x[-1]) <= near), None)
            if match is None:
                break
            waiting.pop(match[0])
            x = np.concatenate([x, match[1][1:]])
        (closed if np.linalg.norm(x[0] - x[-1]) <= near and len(x) > 3 else left).append(x)
    return closed, left
