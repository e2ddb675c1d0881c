"""The file fields.vtkhdf: a temporal VTKHDF unstructured grid, and beside it the group ``/fempslip``.

    /VTKHDF                     mesh once, PointData one frame after another; opens in ParaView and PyVista
    /fempslip/mesh              the exact mesh (float64) with its named parts
    /fempslip/edges/<name>      numbers of edges, (frames, edges) float64, of samples with a field of their own
    /fempslip/tables/<name>     one float64 dataset per column
    /fempslip/case, header      texts

All room is laid out contiguously before anything is appended: appending then fills reserved room and raises two
kinds of counters, and touches no other structure of the file.  So a process killed at any moment leaves a file
that opens.  When the room runs out, a roomier copy is written beside it and renamed over it.

HDF5 can crash the process when the disk is full while it writes.  So disk space is claimed before it is handed any
numbers, and frames and rows are written to their places in the file directly, which also takes a third of the time.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import h5py
import numpy as np
from h5py import h5d, h5p, h5s, h5t

from ..contract import Array, Mesh

CELL_TYPES = {1: 3, 2: 5, 3: 10}  # VTK_LINE, VTK_TRIANGLE, VTK_TETRA
EXACT = ("psi_re", "psi_im", "chi", "turned")  # kept in float64: runs and ledgers start from them; the rest is shown
TEXTS = ("case", "header", "references")
BLOCK = 1 << 18  # numbers copied at a time: memory that is used again
MARGIN, AHEAD = 1.25, 1 << 19  # room is made for so many times the rows a frame of so far, up to so many rows
NUMBER = h5t.py_create(np.dtype(np.float64))  # of columns


@dataclass(frozen=True)
class Counts:
    """How much of the file counts: frames, and rows of each table."""

    frames: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)

    def plus(self, frames: int, rows: Mapping[str, int]) -> Counts:
        total = {name: self.rows.get(name, 0) + rows.get(name, 0) for name in {**self.rows, **rows}}
        return Counts(self.frames + frames, total)


@dataclass(frozen=True)
class Layout:
    """Room in the file.

    fields : name -> components (1 or 3);  edges : name -> edges;  tables : name -> (columns, rows reserved)
    """

    frames: int = 0
    fields: Mapping[str, int] = field(default_factory=dict)
    edges: Mapping[str, int] = field(default_factory=dict)
    tables: Mapping[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)

    def holds(self, counts: Counts) -> bool:
        return counts.frames <= self.frames and all(n <= self.tables[name][1] for name, n in counts.rows.items())

    def grown(self, counts: Counts) -> Layout:
        """Room for counts, for as much again, and for the rows that the frames to come will bring if all goes on like
        this: then copying costs no more than writing did, and often the room need never grow again.
        """
        frames = _roomier(self.frames, counts.frames)
        share = MARGIN * frames / counts.frames if counts.frames else 1.0

        def of(room: int, rows: int) -> int:
            return max(_roomier(room, rows), min(int(share * rows), AHEAD))

        tables = {name: (c, of(room, counts.rows.get(name, 0))) for name, (c, room) in self.tables.items()}
        return replace(self, frames=frames, tables=tables)

    @property
    def table_bytes(self) -> int:
        return 8 * sum(len(columns) * room for columns, room in self.tables.values())

    def trimmed(self, counts: Counts) -> Layout:
        tables = {name: (c, max(1, counts.rows.get(name, 0))) for name, (c, _) in self.tables.items()}
        shown, edges = (self.fields, self.edges) if counts.frames else ({}, {})
        return Layout(counts.frames, shown, edges, tables)


@dataclass(frozen=True, eq=False)
class Content:
    """What is written once: the mesh and the texts."""

    mesh: Mesh
    case_text: str
    header: Mapping[str, Any]
    references: str = ""


def _roomier(room: int, wanted: int) -> int:
    return room if wanted <= room else 2 * wanted


def opened(path: Path, mode: str = "r") -> h5py.File:
    """The file, without HDF5's own locks, so that others may look at it while it grows."""
    if mode == "w":
        return h5py.File(path, mode, locking=False)
    return h5py.File(path, mode, locking=False, rdcc_nbytes=0)


def kind_of(field: str) -> np.dtype[Any]:
    """How the numbers of a field of frames are kept."""
    return np.dtype(np.float64 if field in EXACT else np.float32)


def link(name: str) -> str:
    """A name as HDF5 may hold it: a slash would open a group."""
    return quote(name, safe=" |-+*=()[],:;<>_.^'\"")


def lay_out(path: Path, content: Content, layout: Layout, old: Path | None, counts: Counts) -> None:
    """Write a file with the room of layout, holding what counts of the old one; path appears or changes in one step.

    Raises OSError when there is no space for it.
    """
    with replacing(path) as fresh:
        write_new(fresh, content, layout, old, counts)


def write_new(fresh: Path, content: Content, layout: Layout, old: Path | None, counts: Counts, ahead: int = 0) -> None:
    """ahead : frames behind those that count, which are copied with them (their times are not)."""
    reach(fresh, _size(content.mesh, layout, max(layout.frames, 1)))
    claim(fresh, 0, _size(content.mesh, layout, max(counts.frames + ahead, 1)))
    with opened(fresh, "w") as file:
        _write_grid(file, content.mesh, layout)
        _write_own(file, content, layout)
        if old is not None:
            with opened(old) as source:
                _copy(source, file, counts, ahead)


def _size(mesh: Mesh, layout: Layout, frames: int) -> int:
    """A generous guess of the bytes that are written at once (the room for frames to come stays a hole)."""
    fixed = 4 * sum(part.nbytes for part in (mesh.points, mesh.cells, mesh.node_of_vertex, *mesh.regions.values()))
    rows = sum(len(columns) * (room * 8 + 1024) for columns, room in layout.tables.values())
    steps = 8 * layout.frames * (8 + len(layout.fields))
    numbers = mesh.points.shape[1] * sum(layout.fields.values()) + sum(layout.edges.values())
    return 300_000 + int(1.15 * (fixed + rows + steps + frames * 8 * numbers))  # HDF5 keeps lists of its own


def reach(path: Path, size: int) -> None:
    """Make sure that a file may be so long: the room for frames to come is a hole, but counts for limits of a file."""
    with path.open("wb") as file:
        file.truncate(size)


def claim(path: Path, first: int, size: int) -> None:
    """Make sure that size bytes from first can be written.  Raises OSError when they cannot."""
    if not hasattr(os, "posix_fallocate") or not size:
        return  # a system that cannot say beforehand
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        os.posix_fallocate(handle, first, size)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # the file system cannot say
            raise
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside path, handed to the disk and renamed to path when the body ends well."""
    fresh = path.with_name(path.name + ".new")
    try:
        yield fresh
        sync(fresh)
        os.replace(fresh, path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def sync(path: Path) -> None:
    """Hand the file to the disk, so that a power cut cannot undo what the marker counts."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


# ------------------------------------------------------------------------------------------------------- writing


def _hold(group: h5py.Group, name: str, values: Array) -> None:
    """Numbers for good.  As `group[name] = values`, in a third of the time: a file has some fifty of them."""
    values = np.ascontiguousarray(values)
    plist, way = h5p.create(h5p.DATASET_CREATE), h5p.create(h5p.LINK_CREATE)
    plist.set_obj_track_times(False)
    way.set_create_intermediate_group(True)
    kind, space = h5t.py_create(values.dtype, logical=True), h5s.create_simple(values.shape)
    made = h5d.create(group.id, name.encode(), kind, space, plist, way)
    if values.size:
        made.write(h5s.ALL, h5s.ALL, values)


def _reserve(group: h5py.Group, name: str, shape: tuple[int, ...], dtype: Any) -> None:
    """Room for good, allocated now: filling it changes numbers and nothing else."""
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_layout(h5d.CONTIGUOUS)
    plist.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5d.FILL_TIME_NEVER)
    group.create_dataset(name, shape=shape, dtype=dtype, dcpl=plist)


def _column(group: h5py.Group, name: str, room: int) -> None:
    """A growing column: one chunk is all its room, so that growing changes its length and nothing else."""
    plist = h5p.create(h5p.DATASET_CREATE)
    plist.set_chunk((max(room, 1),))
    plist.set_fill_time(h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    h5d.create(group.id, name.encode(), NUMBER, h5s.create_simple((0,), (h5s.UNLIMITED,)), plist)


def _extend(column: h5d.DatasetID, first: int, values: Array, handle: int | None = None) -> None:
    """Numbers behind the first ones.  handle : of the file, for writing them to their place in it directly."""
    if handle is not None and column.shape[0]:
        _put(handle, column.get_chunk_info(0).byte_offset + 8 * first, [values])
        column.set_extent((first + len(values),))
    elif len(values):
        column.set_extent((first + len(values),))
        behind = column.get_space()
        behind.select_hyperslab((first,), (len(values),))
        column.write(h5s.create_simple((len(values),)), behind, np.ascontiguousarray(values, dtype=float))


def _write_grid(file: h5py.File, mesh: Mesh, layout: Layout) -> None:
    """The static half of the VTKHDF specification (version 2.2), and reserved room for the frames."""
    root = file.create_group("VTKHDF")
    root.attrs["Version"] = np.array([2, 2])
    root.attrs.create("Type", np.bytes_("UnstructuredGrid"))
    points = np.zeros((mesh.points.shape[1], 3))
    points[:, : mesh.points.shape[0]] = mesh.points.T
    corners, cells = mesh.cells.shape
    one = {"NumberOfPoints": len(points), "NumberOfCells": cells, "NumberOfConnectivityIds": corners * cells}
    for name, value in one.items():
        _hold(root, name, np.array([value], dtype=np.int64))
    _hold(root, "Points", points)
    _hold(root, "Connectivity", np.ascontiguousarray(mesh.cells.T, dtype=np.int64).ravel())
    _hold(root, "Offsets", np.arange(cells + 1, dtype=np.int64) * corners)
    _hold(root, "Types", np.full(cells, CELL_TYPES[mesh.dim], dtype=np.uint8))
    _hold(root, "CellData/region", region_numbers(mesh))
    if layout.frames:
        _write_steps(root, layout, len(points))


def _write_steps(root: h5py.Group, layout: Layout, n: int) -> None:
    """Offsets are known beforehand: the mesh stays (all 0), frame k of a field begins at row k n."""
    steps = root.create_group("Steps")
    steps.attrs["NSteps"] = np.int64(0)
    none, every = np.zeros(layout.frames, dtype=np.int64), np.arange(layout.frames, dtype=np.int64) * n
    for name in ("PartOffsets", "PointOffsets"):
        _hold(steps, name, none)
    for name in ("CellOffsets", "ConnectivityIdOffsets"):
        _hold(steps, name, none[:, None])
    _hold(steps, "NumberOfParts", none + 1)
    _hold(steps, "CellDataOffsets/region", none)
    _column(steps, "Values", layout.frames)
    shown = root.create_group("PointData")
    for name, components in layout.fields.items():
        shape = (layout.frames * n, components) if components > 1 else (layout.frames * n,)
        _reserve(shown, link(name), shape, kind_of(name))
        _hold(steps, f"PointDataOffsets/{link(name)}", every)


def _write_own(file: h5py.File, content: Content, layout: Layout) -> None:
    root = file.create_group("fempslip")
    root["case"], root["header"] = content.case_text, json.dumps(dict(content.header))
    root["references"] = content.references
    root.attrs["digest"] = digest(content.mesh, *(root[name].asstr()[()] for name in TEXTS))
    write_mesh(root.create_group("mesh"), content.mesh)
    edges = root.create_group("edges")
    for name, count in layout.edges.items():
        _reserve(edges, link(name), (layout.frames, count), np.float64)
    tables = root.create_group("tables")
    for name, (columns, room) in layout.tables.items():
        table = tables.create_group(link(name))
        table.attrs["name"], table.attrs["columns"] = name, json.dumps(columns)
        for column in columns:
            _column(table, link(column), room)


def _copy(old: h5py.File, new: h5py.File, counts: Counts, ahead: int) -> None:
    frames = counts.frames + ahead
    if frames:
        n = int(old["VTKHDF/NumberOfPoints"][0])
        for name, source in old["VTKHDF/PointData"].items():
            for block in _blocks(frames * n):
                new[f"VTKHDF/PointData/{name}"][block] = source[block]
        for name, source in old.get("fempslip/edges", {}).items():
            for k in range(frames):
                new[f"fempslip/edges/{name}"][k] = source[k]
    if counts.frames:
        _count_frames(new, counts.frames, old["VTKHDF/Steps/Values"][: counts.frames])
    for name, rows in counts.rows.items():
        group = f"fempslip/tables/{link(name)}"
        for column in old[group]:
            place = f"{group}/{column}".encode()
            _extend(h5d.open(new.id, place), 0, _first(h5d.open(old.id, place), rows))


def _first(column: h5d.DatasetID, rows: int) -> Array:
    """As column[:rows], in a third of the time."""
    out = np.empty(min(rows, column.shape[0]))
    chosen = column.get_space()
    chosen.select_hyperslab((0,), out.shape)
    column.read(h5s.create_simple(out.shape), chosen, out)
    return out


def _blocks(total: int) -> Iterator[slice]:
    return (slice(i, min(i + BLOCK, total)) for i in range(0, total, BLOCK))


def append(
    path: Path,
    start: Counts,
    times: Sequence[float],
    frames: Mapping[str, Sequence[Array]],
    edges: Mapping[str, Sequence[Array]],
    rows: Mapping[str, Mapping[str, Array]],
    ahead: int = 0,
) -> None:
    """Write frames (name -> blocks (frames, vertices[, 3]) and name -> blocks (frames, edges)) and rows (table ->
    column -> values) behind start.  ahead : so many of the frames are in their places already

    Raises OSError when there is no space for them.
    """
    columns = {
        f"fempslip/tables/{link(table)}/{link(c)}": (start.rows.get(table, 0), v)
        for table in rows
        for c, v in rows[table].items()
    }
    with opened(path, "r+") as file, writable(path) as handle:
        for place, blocks in _places(file, frames, edges):
            _put(handle, place + (start.frames + ahead) * blocks[0][0].nbytes, blocks)
        for name, (first, numbers) in columns.items():
            _extend(h5d.open(file.id, name.encode()), first, numbers, handle)
        if times:
            _count_frames(file, start.frames + len(times), np.array(times), handle)


def put_frames(
    path: Path, first: int, frames: Mapping[str, Sequence[Array]], edges: Mapping[str, Sequence[Array]]
) -> None:
    """Frames to the places that are reserved for them; none is shown before `append` counts it."""
    with opened(path) as file:
        places = _places(file, frames, edges)
    with writable(path) as handle:
        for place, blocks in places:
            _put(handle, place + first * blocks[0][0].nbytes, blocks)


def _places(
    file: h5py.File, frames: Mapping[str, Sequence[Array]], edges: Mapping[str, Sequence[Array]]
) -> list[tuple[int, Sequence[Array]]]:
    """Where the first frame of the run begins in the file, of each field and of numbers of edges."""
    parts = [(f"VTKHDF/PointData/{link(name)}", blocks) for name, blocks in frames.items()]
    parts += [(f"fempslip/edges/{link(name)}", blocks) for name, blocks in edges.items()]
    return [(h5d.open(file.id, name.encode()).get_offset(), blocks) for name, blocks in parts]


@contextmanager
def writable(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_WRONLY)
    try:
        yield handle
    finally:
        os.close(handle)


def _put(handle: int, place: int, blocks: Sequence[Array]) -> None:
    """Numbers, as they are in memory, one block after another to a place in the file."""
    for values in blocks:
        left = np.ascontiguousarray(values).data.cast("B")
        while left:
            written = os.pwrite(handle, left, place)
            place, left = place + written, left[written:]


def _count_frames(file: h5py.File, total: int, times: Array, handle: int | None = None) -> None:
    """Raise NSteps, then add the times: VTK's reader overruns its memory where Values is longer than NSteps."""
    file["VTKHDF/Steps"].attrs.modify("NSteps", np.int64(total))
    file.flush()
    _extend(h5d.open(file.id, b"VTKHDF/Steps/Values"), total - len(times), times, handle)


# ---------------------------------------------------------------------------------------------- the mesh, exactly


def region_numbers(mesh: Mesh) -> Array:
    """(cells,) int32: the place of each cell's region in mesh.regions."""
    numbers = np.zeros(mesh.cells.shape[1], dtype=np.int32)
    for i, cells in enumerate(mesh.regions.values()):
        numbers[cells] = i
    return numbers


def _arrays() -> list[str]:
    """The plain arrays of a mesh: points, cells, node_of_vertex."""
    return [f.name for f in fields(Mesh) if f.type == "Array"]


def write_mesh(group: h5py.Group, mesh: Mesh) -> None:
    for name in _arrays():
        _hold(group, name, getattr(mesh, name))
    group["size"] = float(mesh.size)
    parts = {"regions": mesh.regions, "boundaries": mesh.boundaries, "probes": mesh.probes, "periods": mesh.periods}
    holes = {name: np.stack([np.resize(p, 3), np.resize(d, 3)]) for name, (p, d) in mesh.holes.items()}
    lengths = {name: (len(p), len(d)) for name, (p, d) in mesh.holes.items()}
    for kind, members in {**parts, "holes": holes}.items():
        drawer = group.create_group(kind)
        drawer.attrs["names"] = json.dumps(list(members))
        for i, values in enumerate(members.values()):
            _hold(drawer, str(i), np.asarray(values))
    group["holes"].attrs["lengths"] = json.dumps(lengths)
    group.attrs["contours"] = json.dumps(dict(mesh.contours))


def read_mesh(group: h5py.Group) -> Mesh:
    parts: dict[str, Any] = {}
    for kind in ("regions", "boundaries", "probes", "periods", "holes"):
        names = json.loads(group[kind].attrs["names"]) if kind in group else []
        parts[kind] = {name: group[kind][str(i)][()] for i, name in enumerate(names)}
    lengths = json.loads(group["holes"].attrs["lengths"])
    holes = {name: (p[: lengths[name][0]], d[: lengths[name][1]]) for name, (p, d) in parts.pop("holes").items()}
    arrays: dict[str, Any] = {name: group[name][()] for name in _arrays()}
    contours = json.loads(group.attrs["contours"])
    mesh = Mesh(**arrays, **parts, holes=holes, contours=contours, size=float(group["size"][()]))
    refuse_unsound(mesh)
    return mesh


def refuse_unsound(mesh: Mesh) -> None:
    """Raise ValueError for numbers that lead nowhere: compiled kernels would follow them out of their arrays."""
    points, cells, node = mesh.points, mesh.cells, mesh.node_of_vertex
    if points.ndim != 2 or points.dtype.kind != "f" or not np.isfinite(points).all():
        raise ValueError("the mesh has no points")
    if cells.ndim != 2 or not 2 <= len(cells) <= 4 or not _within(cells, points.shape[1]):
        raise ValueError("cells of the mesh have corners that are not there")
    if (
        node.shape != points.shape[1:]
        or not _within(node, node.size)
        or np.unique(node).size != node.max(initial=-1) + 1
    ):
        raise ValueError("vertices of the mesh have nodes that are not there")
    listed = np.concatenate([np.ravel(part) for part in mesh.regions.values()]) if mesh.regions else np.zeros(0, int)
    if not _within(listed, cells.shape[1]) or listed.size != np.unique(listed).size:
        raise ValueError("regions of the mesh have cells that are not there, or share some")
    if any(part.ndim != 2 or not _within(part, points.shape[1]) for part in mesh.boundaries.values()):
        raise ValueError("boundaries of the mesh have corners that are not there")
    places = [*mesh.probes.values(), *mesh.periods.values(), *(part for line in mesh.holes.values() for part in line)]
    if not all(part.ndim == 1 and part.dtype.kind == "f" and np.isfinite(part).all() for part in places):
        raise ValueError("probes, holes or periods of the mesh are no places")


def _within(numbers: Array, count: int) -> bool:
    """Whether all are whole numbers from 0 to count - 1."""
    return numbers.dtype.kind in "iu" and bool(numbers.size == 0 or (numbers.min() >= 0 and numbers.max() < count))


# ------------------------------------------------------------------------------------------------------- reading


def read_layout(file: h5py.File) -> Layout:
    root, tables = file["VTKHDF"], {}
    for table in file["fempslip/tables"].values():
        columns = tuple(json.loads(table.attrs["columns"]))
        room = table[link(columns[0])].chunks[0]
        tables[str(table.attrs["name"])] = (columns, room)
    if "Steps" not in root:
        return Layout(tables=tables)
    counts = {unquote(k): v.shape[1] for k, v in file.get("fempslip/edges", {}).items()}
    components = {unquote(k): 3 if v.ndim == 2 else 1 for k, v in root["PointData"].items()}
    return Layout(root["Steps/Values"].chunks[0], components, counts, tables)


def read_content(file: h5py.File) -> Content:
    root = file["fempslip"]
    text = {name: str(root[name].asstr()[()]) for name in TEXTS}
    mesh = read_mesh(root["mesh"])
    if "digest" in root.attrs and root.attrs["digest"] != digest(mesh, *text.values()):
        raise ValueError("mesh or texts are not those that were written")
    return Content(mesh, text["case"], dict(json.loads(text["header"])), text["references"])


def digest(mesh: Mesh, *texts: str) -> str:
    """A hash of what is written once: a damaged mesh is not taken for the one of the run."""
    made = hashlib.blake2b(digest_size=16)
    parts = {"regions": mesh.regions, "boundaries": mesh.boundaries, "probes": mesh.probes, "periods": mesh.periods}
    named = [(name, getattr(mesh, name)) for name in _arrays()]
    named += [(f"{kind} {name}", x) for kind, members in parts.items() for name, x in members.items()]
    named += [(f"hole {name}", np.concatenate(line)) for name, line in mesh.holes.items()]
    for name, x in named:
        made.update(f"{name}{np.shape(x)}".encode())
        made.update(np.ascontiguousarray(x).tobytes())
    for text in (*texts, json.dumps(dict(mesh.contours)), repr(mesh.size)):
        made.update(text.encode() + b"\0")
    return made.hexdigest()
