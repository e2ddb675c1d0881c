"""Writing a run: rows and frames wait in memory and are committed together with a checkpoint.

The commit, in this order: data into fields.vtkhdf, its counters, the file to the disk; then checkpoint.npz with the
state and the numbers of committed frames and rows, renamed into place.  That rename is the only commit marker: what
it does not count is not shown and is cut off by a resume.
"""

from __future__ import annotations

import errno
import io
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from ..contract import Array, Failure, Mesh, Refusal
from . import examined, lock
from . import layout as lay
from .reader import COMMIT, FIELDS, MARKER, Commit, read_commit, readable, stored_arrays
from .versions import versions
from .waiting import Frames, Rows

FIRST, INTERVAL = 0.2, 1.0  # s of wall time before the first checkpoint, and between later ones
SHARE = 0.05  # of the wall time that writing may take
MEMORY = 1 << 28  # bytes of frames waiting, from which a checkpoint is due at once
ROOM = 1024  # rows reserved for a new table
SPARE = 0.1  # of a file may be room that was not needed when it is finished
LAST = 1 << 16  # bytes of disk held back for what is written when the disk is full: the summary
LEFT = (lock.NAME, f"{FIELDS}.new")  # by a process that was killed before there was a run
WALLS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class RunWriter:
    """The writer of one run folder; a contract.Sink.  Use RunWriter.create or RunWriter.resume."""

    def __init__(self, folder: Path, content: lay.Content, held: int, layout: lay.Layout, commit: Commit) -> None:
        self.folder, self._content, self._lock = folder, content, held
        self._layout, self._commit = layout, commit  # as they are in the file
        self._expected, self._broken = 64, False
        self._nodes = int(content.mesh.node_of_vertex.max(initial=-1)) + 1  # some runs have no mesh
        self._times: list[float] = []
        self._frames: Frames | None = None  # of the first frame on
        self._ahead = 0  # frames that wait in their places in the file already
        self._rows: dict[str, Rows] = {}
        self._cost = 0.0
        self._last, self._first = time.monotonic(), True
        self._last_room = _held_back(folder)
        examined.trust(folder, changing=True)

    # ------------------------------------------------------------------------------------------ opening

    @classmethod
    def create(
        cls,
        folder: str | Path,
        mesh: Mesh,
        case_text: str = "",
        header: Mapping[str, Any] | None = None,
        references: str = "",
        frames: int = 64,
    ) -> RunWriter:
        """Start a run in a new or empty folder.

        header : what else a reader should know, as JSON (name, title, scales ...);  references : BibTeX
        frames : how many are expected, so that room is reserved once (more may come)
        Raises Refusal when the folder is not empty, is being written or cannot be written.
        """
        folder = Path(folder)
        content = lay.Content(mesh, case_text, dict(header or {}), references)
        refuse_taken(folder)
        with _starting(folder):
            folder.mkdir(parents=True, exist_ok=True)
            held = lock.acquire(folder)
            try:
                refuse_taken(folder)
                lay.lay_out(folder / FIELDS, content, lay.Layout(), None, lay.Counts())
                _write_texts(folder, content)
            except BaseException:
                lock.release(held)
                raise
        writer = cls(folder, content, held, lay.Layout(), Commit())
        writer._expected = max(frames, 1)
        return writer

    @classmethod
    def resume(
        cls,
        folder: str | Path,
        case_text: str | None = None,
        header: Mapping[str, Any] | None = None,
        anew: bool = False,
    ) -> RunWriter:
        """Go on with a run: everything behind its last checkpoint is cut off.

        case_text, header : replace the stored ones, when the run is extended.
        anew : all rows and frames are cut off; the arrays of the last checkpoint stay, until the next one.
        Raises Refusal when the folder holds no run, holds a damaged one, or is being written.
        """
        folder = Path(folder)
        if not (folder / FIELDS).is_file():
            raise Refusal(f"{folder} holds no run to go on with (no {FIELDS} in it)")
        with _starting(folder):
            held = lock.acquire(folder)
            try:
                return cls._reopen(folder, held, case_text, header, anew)
            except BaseException:
                lock.release(held)
                raise

    @classmethod
    def _reopen(
        cls, folder: Path, held: int, case_text: str | None, header: Mapping[str, Any] | None, anew: bool
    ) -> RunWriter:
        path = folder / FIELDS
        with readable(path), lay.opened(path) as file:
            old, layout = lay.read_content(file), lay.read_layout(file)
        text = old.case_text if case_text is None else case_text
        content = lay.Content(old.mesh, text, dict(old.header if header is None else header), old.references)
        kept = lay.Counts() if anew else read_commit(folder).kept
        (folder / "summary.json").unlink(missing_ok=True)  # from here on the run is not finished
        writer = cls(folder, content, held, layout.trimmed(kept), Commit(kept, kept))
        if (folder / MARKER).is_file():
            writer._mark(stored_arrays(folder), Commit(kept, kept))
        lay.lay_out(path, content, writer._layout, path, kept)
        _write_texts(folder, content)
        return writer

    # ------------------------------------------------------------------------------------------ the sink

    def row(self, table: str, values: Mapping[str, float]) -> None:
        """Add a row to a table; the first row fixes the columns.  Raises ValueError when columns differ later."""
        self._waiting_rows(table, values).add(values)

    def rows(self, table: str, columns: Mapping[str, Array]) -> None:
        """Add many rows, given as columns of equal length."""
        lengths = {len(values) for values in columns.values()}
        if len(lengths) != 1:
            raise ValueError(f"the columns for table {table!r} have the lengths {sorted(lengths)}")
        (count,) = lengths
        if count:
            self._waiting_rows(table, columns).add_many(columns, count)

    def _waiting_rows(self, table: str, given: Mapping[str, Any]) -> Rows:
        waiting = self._rows.get(table)
        if waiting is None:
            columns = self._layout.tables[table][0] if table in self._layout.tables else tuple(given)
            waiting = Rows(columns)
        if tuple(given) != waiting.columns and set(given) != set(waiting.columns):
            raise ValueError(f"table {table!r} has the columns {list(waiting.columns)}, the row {list(given)}")
        return self._rows.setdefault(table, waiting)

    def frame(self, t: float, fields: Mapping[str, Array], edges: Mapping[str, Array] | None = None) -> None:
        """Add a frame: name -> (nodes,) or (nodes, 3), and name -> (edges,).

        Raises ValueError when names or shapes differ later.
        """
        arrays = {name: np.asarray(values) for name, values in fields.items()}
        beside = {name: np.asarray(values, dtype=float) for name, values in (edges or {}).items()}
        for name, values in arrays.items():
            if values.shape not in ((self._nodes,), (self._nodes, 3)):
                raise ValueError(f"field {name!r} has the shape {values.shape}, not (nodes,) or (nodes, 3)")
        shape = {name: 3 if values.ndim == 2 else 1 for name, values in arrays.items()}
        count = {name: values.size for name, values in beside.items()}
        if self._frames is None:
            known = (self._layout.fields, self._layout.edges) if self._layout.fields else (shape, count)
            self._frames = Frames.of(self._content.mesh, *known)
        if shape != self._frames.fields:
            raise ValueError(f"frames hold the fields {self._frames.fields}, this one {shape}")
        if count != self._frames.edges:
            raise ValueError(f"frames hold the numbers of edges {self._frames.edges}, this one {count}")
        self._times.append(float(t))
        self._frames.add(arrays, beside)
        if self._frames.count >= self._frames.depth:
            self._write_ahead()

    def keep(self, name: str, arrays: Mapping[str, Array]) -> None:
        """Write arrays that do not change, once, as name.npz.  Raises Failure when the disk cannot be written."""
        with self._writing():
            np.savez(self.folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]

    def due(self) -> bool:
        """True when a checkpoint should be written: early, then at most once a second and 5 % of the wall time."""
        waited = time.monotonic() - self._last
        pause = max(FIRST if self._first else INTERVAL, self._cost / SHARE)
        return waited >= pause or (self._frames is not None and self._frames.count * self._frames.size > MEMORY)

    def checkpoint(self, arrays: Mapping[str, Array]) -> None:
        """Commit all rows and frames so far, with these arrays (no objects) as the state to go on from.

        Raises Failure when the disk is full or cannot be written; what was committed before stays.
        """
        begun = time.monotonic()
        with self._writing():
            end = self._append()
            self._mark(arrays, Commit(end, end))
        self._last, self._first = time.monotonic(), False
        self._cost = self._last - begun

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Commit what waits, write summary.json (with its ``status``) and let the run go.

        Rows and frames that came after the last checkpoint are shown, and cut off again by a resume.
        """
        text = json.dumps({"status": "finished", **summary}, indent=2, default=_plain)
        try:
            with self._writing():
                if (self._times or self._rows) and not self._broken:
                    self._mark(stored_arrays(self.folder), Commit(self._append(), self._commit.kept))
                self._trim()
                _write_atomically(self.folder / "summary.json", text)
        finally:
            self.close()

    def close(self) -> None:
        """Let the run go as it was last committed; without a summary it counts as interrupted."""
        self._last_room.close()
        if self._lock >= 0:
            examined.trust(self.folder, changing=False)
            lock.release(self._lock)
            self._lock = -1

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------ the commit

    def _write_ahead(self) -> None:
        """Frames that wait go to their places, where there are some: memory that is used again and again is faster.

        Not counted, they are not there for a reader or a resume before the next commit.
        """
        if self._frames is None or self._commit.shown.frames + len(self._times) > self._layout.frames:
            return
        if any(name not in self._layout.tables for name in self._rows):
            return  # the next commit makes a new file
        with self._writing():
            lay.put_frames(self.folder / FIELDS, self._commit.shown.frames + self._ahead, *self._frames.taken())
        self._ahead += self._frames.count
        self._frames.clear()

    def _append(self) -> lay.Counts:
        """Write what waits behind what is committed; returns the counts that include it."""
        start, path = self._commit.shown, self.folder / FIELDS
        rows = {name: waiting.taken() for name, waiting in self._rows.items()}
        frames, edges = self._frames.taken() if self._frames else ({}, {})
        end = start.plus(len(self._times), {name: len(next(iter(c.values()))) for name, c in rows.items()})
        wanted = self._wanted()
        if wanted == self._layout and wanted.holds(end):
            lay.append(path, start, self._times, frames, edges, rows, self._ahead)
        else:
            wanted = wanted.grown(end)
            with lay.replacing(path) as fresh:
                lay.write_new(fresh, self._content, wanted, path, start, self._ahead)
                lay.append(fresh, start, self._times, frames, edges, rows, self._ahead)
        lay.sync(path)
        self._layout = wanted
        self._times, self._rows, self._ahead = [], {}, 0
        if self._frames:
            self._frames.clear()
        return end

    def _wanted(self) -> lay.Layout:
        """The layout of the file, with room for tables and fields that come for the first time."""
        new = {name: (w.columns, ROOM) for name, w in self._rows.items() if name not in self._layout.tables}
        wanted = replace(self._layout, tables={**self._layout.tables, **new})
        if self._times and self._frames and not wanted.fields:
            wanted = replace(wanted, frames=self._expected, fields=self._frames.fields, edges=self._frames.edges)
        return wanted

    def _trim(self) -> None:
        """Give back the room that was not needed, where it is worth a copy of the file; a full disk may keep it."""
        exact, path = self._layout.trimmed(self._commit.shown), self.folder / FIELDS
        spare = self._layout.table_bytes - exact.table_bytes
        small = self._layout.frames == exact.frames and spare < SPARE * path.stat().st_size
        if exact != self._layout and not self._broken and not small:
            with suppress(OSError, RuntimeError):
                lay.lay_out(path, self._content, exact, path, self._commit.shown)

    def _mark(self, arrays: Mapping[str, Array], commit: Commit) -> None:
        kept = {name: np.asarray(value) for name, value in arrays.items()}
        if any(value.dtype.hasobject for value in kept.values()) or COMMIT in kept:
            raise ValueError(f"a checkpoint holds plain arrays, and none named {COMMIT}")
        with lay.replacing(self.folder / MARKER) as fresh, open(fresh, "wb") as file:
            np.savez(file, allow_pickle=False, **{COMMIT: np.array(commit.text())}, **kept)
        self._commit = commit

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """What the disk says becomes a Failure with advice."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            self._broken = True
            self._last_room.close()
            code, text = getattr(error, "errno", None), str(error)
            full = code in WALLS or any(os.strerror(wall) in text for wall in WALLS)
            what = "the disk is full" if full else f"writing failed ({error})"
            raise Failure(
                f"{self.folder}: {what}. The run is kept up to its last checkpoint; "
                f"make room and go on with: fempslip run --resume {self.folder}"
            ) from error


def _held_back(folder: Path) -> IO[bytes]:
    """A file without a name, which takes room until it is closed; a process that is killed leaves nothing of it."""
    try:
        room = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
    except OSError:
        return io.BytesIO()
    with suppress(OSError):
        room.write(bytes(LAST))
    return room


@contextmanager
def _starting(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refusal(f"{folder} cannot be written: {error.strerror or error}") from error


def refuse_taken(folder: str | Path) -> None:
    """A run is never written over: the folder must be new, or empty but for what a start that was killed leaves.

    Raises Refusal otherwise.
    """
    folder = Path(folder)
    with _starting(folder):
        if not folder.exists() or not any(path.name not in LEFT for path in folder.iterdir()):
            return
    if lock.held(folder):
        lock.release(lock.acquire(folder))  # refuses, and names the process
    holds = "already holds a run" if (folder / FIELDS).exists() else "is not empty"
    raise Refusal(f"{folder} {holds}; go on with it by --resume {folder}, or choose another folder with --into")


def _write_texts(folder: Path, content: lay.Content) -> None:
    _write_atomically(folder / "case.yaml", content.case_text)
    _write_atomically(folder / "references.bib", content.references)
    _write_atomically(folder / "versions.json", json.dumps(versions(), indent=2))


def _write_atomically(path: Path, text: str) -> None:
    with lay.replacing(path) as fresh:
        fresh.write_text(text, encoding="utf-8")


def _plain(value: Any) -> Any:
    """Numpy numbers and arrays as JSON has them."""
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
