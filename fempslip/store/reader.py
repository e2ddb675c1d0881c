"""Reading a run folder: only what the commit marker counts is shown."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import Array, Mesh, Refusal
from . import examined, lock
from . import layout as lay

FIELDS, MARKER, COMMIT = "fields.vtkhdf", "checkpoint.npz", "__committed__"
DAMAGE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


@dataclass(frozen=True)
class Commit:
    """shown : what a reader sees;  kept : what a resume keeps (less, when a run wrote its last rows on ending)."""

    shown: lay.Counts = field(default_factory=lay.Counts)
    kept: lay.Counts = field(default_factory=lay.Counts)

    def text(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, eq=False)
class Run:
    """A stored run.  mesh, tables and frames are as last committed when it was opened.

    folder : its path;  header : what the writer noted (name, title, scales ...);  fields : names in every frame
    edges : names of numbers of edges in every frame, of samples with a field of their own
    times : (frames,) in tau0;  tables : names
    """

    folder: Path
    mesh: Mesh
    case_text: str
    header: Mapping[str, Any]
    times: Array
    fields: tuple[str, ...]
    _columns: Mapping[str, tuple[str, ...]]
    _counts: lay.Counts
    edges: tuple[str, ...] = ()

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(name for name in self._columns if name in self._counts.rows)

    @cached_property
    def _first_vertex(self) -> Array:
        return np.unique(self.mesh.node_of_vertex, return_index=True)[1]

    def table(self, name: str) -> dict[str, Array]:
        """Columns of a table, name -> (rows,).  Raises Refusal when the run has no such table."""
        if name not in self.tables:
            raise Refusal(f"{self.folder} has no table {name!r}; it has {', '.join(self.tables) or 'none'}")
        rows, path = self._counts.rows[name], self.folder / FIELDS
        with readable(path), lay.opened(path) as file:
            group = file[f"fempslip/tables/{lay.link(name)}"]
            return {column: group[lay.link(column)][:rows] for column in self._columns[name]}

    def frame(self, k: int = -1) -> dict[str, Array]:
        """Fields of frame k (negative: from the end), name -> (nodes,) or (nodes, 3).

        Raises Refusal when there is no such frame.
        """
        total, path = len(self.times), self.folder / FIELDS
        if not -total <= k < total:
            raise Refusal(f"{self.folder} has {total} frames; there is no frame {k}")
        n = len(self.mesh.node_of_vertex)
        first = (k % total) * n
        with readable(path), lay.opened(path) as file:
            shown = file["VTKHDF/PointData"]
            return {name: shown[lay.link(name)][first : first + n][self._first_vertex] for name in self.fields}

    def on_edges(self, k: int = -1) -> dict[str, Array]:
        """Numbers of edges of frame k, name -> (edges,)."""
        path = self.folder / FIELDS
        with readable(path), lay.opened(path) as file:
            return {name: file[f"fempslip/edges/{lay.link(name)}"][k % len(self.times)] for name in self.edges}

    @property
    def committed(self) -> bool:
        """Whether there is a checkpoint to go on from (a run cut short at once may show rows and have none)."""
        return bool(stored_arrays(self.folder))

    def checkpoint(self) -> dict[str, Array]:
        """The arrays of the last checkpoint.  Raises Refusal when there is none."""
        arrays = stored_arrays(self.folder)
        if not arrays:
            raise Refusal(f"{self.folder} has no checkpoint yet")
        return arrays

    def kept(self, name: str) -> dict[str, Array]:
        """Arrays that were kept as name.npz, none if there are none."""
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            return {}
        with readable(path), np.load(path, allow_pickle=False) as arrays:
            return {part: arrays[part] for part in arrays.files}

    @property
    def summary(self) -> dict[str, Any] | None:
        """What summary.json says, or None while the run goes on and after it was killed."""
        return self._json("summary.json")

    @property
    def versions(self) -> dict[str, Any]:
        return self._json("versions.json") or {}

    @property
    def references(self) -> str:
        path = self.folder / "references.bib"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    @property
    def status(self) -> str:
        """running (a process holds it), interrupted (killed), or what the summary says: finished, stopped, failed."""
        if lock.held(self.folder):
            return "running"
        return str((self.summary or {}).get("status", "interrupted"))

    def _json(self, name: str) -> dict[str, Any] | None:
        path = self.folder / name
        if not path.is_file():
            return None
        with readable(path):
            return dict(json.loads(path.read_text(encoding="utf-8")))


def open_run(folder: str | Path) -> Run:
    """Open a run folder, finished or growing.  Raises Refusal when it holds no run or a damaged one.

    What this process did not write is first read by another one, with limits of memory and time.

    >>> import fempslip as fs
    >>> fs.open_run("runs/nowhere")
    Traceback (most recent call last):
    fempslip.contract.Refusal: runs/nowhere holds no run (no fields.vtkhdf in it)
    """
    folder = Path(folder)
    if not (folder / FIELDS).is_file():
        raise Refusal(f"{folder} holds no run (no {FIELDS} in it)")
    examined.refuse_unreadable(folder, (FIELDS, MARKER))
    return opened_run(folder)


def opened_run(folder: Path) -> Run:
    """The run of a folder, whose files can be trusted.  Raises Refusal."""
    path = folder / FIELDS
    shown = read_commit(folder).shown  # before the file, which may grow meanwhile
    with readable(path), lay.opened(path) as file:
        content, layout = lay.read_content(file), lay.read_layout(file)
        times = file["VTKHDF/Steps/Values"][: shown.frames] if shown.frames else np.zeros(0)
        columns = {name: c for name, (c, _) in layout.tables.items()}
        for name, rows in shown.rows.items():
            group = file[f"fempslip/tables/{lay.link(name)}"]
            if any(len(group[lay.link(column)]) < rows for column in columns[name]):
                raise ValueError(f"table {name!r} has less than its {rows} committed rows")
        if len(times) < shown.frames:
            raise ValueError(f"{len(times)} of {shown.frames} committed frames")
        if not np.isfinite(times).all() or np.any(np.diff(times) <= 0):
            raise ValueError("times of frames that do not follow each other")
        n = int(file["VTKHDF/NumberOfPoints"][0])
        fields = file["VTKHDF/PointData"].values() if shown.frames else ()
        if n != content.mesh.node_of_vertex.size or any(len(field) < shown.frames * n for field in fields):
            raise ValueError("frames that are not those of the mesh")
    names = tuple(layout.fields)
    return Run(
        folder, content.mesh, content.case_text, content.header, times, names, columns, shown, tuple(layout.edges)
    )  # fmt: skip


def read_commit(folder: Path) -> Commit:
    """What the marker of a run counts; nothing when there is no marker yet."""
    path = folder / MARKER
    if not path.is_file():
        return Commit()
    with readable(path), np.load(path, allow_pickle=False) as arrays:
        stored = json.loads(str(arrays[COMMIT]))
        return Commit(*(lay.Counts(int(part["frames"]), part["rows"]) for part in (stored["shown"], stored["kept"])))


def stored_arrays(folder: Path) -> dict[str, Array]:
    path = folder / MARKER
    if not path.is_file():
        return {}
    with readable(path), np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if name != COMMIT}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What a foreign or damaged file makes libraries say becomes one plain sentence."""
    try:
        yield
    except DAMAGE as error:
        words = str(error).strip().splitlines()
        detail = words[0] if words else type(error).__name__
        raise Refusal(f"{path} is not a file of fempslip, or it is damaged ({detail})") from error
