"""Files from elsewhere are read first in a process of their own, with limits of memory and time.

A damaged or hostile HDF5 file can crash its reader, fill the memory, run in circles or lead to other files of the
machine.  The child walks through all of the file that a run is read from; what it survives is then opened here.  The
child is started once and serves one folder after another; a run that this process writes is not examined.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

from ..contract import Refusal

SECONDS = 60.0  # of one examination; $FEMPSLIP_FILE_SECONDS says otherwise
MEMORY = 256 << 20  # bytes, and SHARE times what the files take on the disk
SHARE = 4
LONGEST = 64 << 20  # bytes of a text in a run folder
MEMBERS = 100_000  # of a file
TEXTS = ("case.yaml", "summary.json", "versions.json", "references.bib")
Identity = tuple[tuple[int, ...], ...]

_KNOWN: dict[Path, Identity | None] = {}  # folder -> its files as they were examined; None: written here just now
_LOCK = threading.Lock()
_RUNNING: list[Any] = []


def trust(folder: Path, changing: bool) -> None:
    """Files of this folder are our own: they change while a run is written, and then stay as they are."""
    _KNOWN[folder.resolve()] = None if changing else identity(folder)


def refuse_unreadable(folder: Path, names: tuple[str, ...]) -> None:
    """Let the child read the run of a folder, unless that was done before.  names : files that it is read from.

    Raises Refusal: what the child says, or that it did not survive.
    """
    where = folder.resolve()
    now = identity(folder)
    if where in _KNOWN and _KNOWN[where] in (None, now):
        return
    size = sum((folder / name).stat().st_blocks * 512 for name in names if (folder / name).is_file())
    with _LOCK:
        said = ask({"at": os.getcwd(), "folder": str(folder), "memory": MEMORY + SHARE * size})
    if said is not None:
        raise Refusal(said)
    _KNOWN[where] = now


def identity(folder: Path) -> Identity:
    """What changes when a file of the folder does."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix in (".vtkhdf", ".npz", ".json", ".yaml", ".bib"):
            s = path.stat()
            found.append((s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns))
    return tuple(found)


# ------------------------------------------------------------------------------------------------ the child


def ask(question: dict[str, Any]) -> str | None:
    """The child's complaint, or None.  Answers are JSON: nothing that a broken child sends is run here."""
    if _RUNNING and _RUNNING[0].poll() is not None:
        _RUNNING.pop()
    if not _RUNNING:
        _RUNNING.append(_started())
    child = _RUNNING[0]
    try:
        child.stdin.write(json.dumps(question).encode() + b"\n")
        child.stdin.flush()
        ready = select.select([child.stdout], [], [], seconds())[0]
        answer = child.stdout.readline() if ready else None
    except OSError:
        answer = b""
    except BaseException:
        _end()
        raise
    if answer:
        return json.loads(answer)["refusal"]
    _end()
    why = "it takes too long to read" if answer is None else "reading it crashes"
    return f"{question['folder']} holds no run of fempslip, or a damaged one ({why})"


def seconds() -> float:
    try:
        return max(0.1, float(os.environ["FEMPSLIP_FILE_SECONDS"]))
    except (KeyError, ValueError):
        return SECONDS


def _started() -> Any:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
    return subprocess.Popen(
        [sys.executable, "-c", "from fempslip.store.examined import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"},
    )


@atexit.register
def _end() -> None:
    while _RUNNING:
        child = _RUNNING.pop()
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def serve() -> None:
    """The child: reads one folder after another until its input ends."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin.buffer:
        question = json.loads(line)
        limit_memory(question["memory"])
        try:
            os.chdir(question["at"])  # so that messages name the folder as it was named here
            examine(Path(question["folder"]))
            refusal = None
        except (Refusal, OSError) as reason:
            refusal = str(reason)
        except MemoryError:
            refusal = f"{question['folder']} holds no run of fempslip, or a damaged one (it would fill the memory)"
        answers.write(json.dumps({"refusal": refusal}).encode() + b"\n")
        answers.flush()


def limit_memory(more: int) -> None:
    """Let this process have so many bytes more than it has now."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
    except (ImportError, OSError, ValueError):
        pass  # a system that cannot limit


def examine(folder: Path) -> None:
    """Read all of a run but its frames, whose places are looked at.  Raises Refusal."""
    from .reader import FIELDS, MARKER, lay, opened_run, readable, stored_arrays

    for name in TEXTS:
        path = folder / name
        if path.is_file() and path.stat().st_size > LONGEST:
            raise Refusal(f"{path} is larger than {LONGEST >> 20} MB: this is no file of fempslip")
    path = folder / FIELDS
    with readable(path), lay.opened(path) as file:
        for complaint in strange(file):
            raise ValueError(complaint)
    path = folder / MARKER
    if path.is_file():
        with readable(path), zipfile.ZipFile(path) as packed:
            if any(member.compress_type != zipfile.ZIP_STORED for member in packed.infolist()):
                raise ValueError("packed numbers")
    run = opened_run(folder)
    for table in run.tables:
        run.table(table)
    if len(run.times):
        run.frame(0), run.frame(-1)
    stored_arrays(folder)
    run.summary, run.versions, run.references  # noqa: B018


def strange(file: Any) -> Iterator[str]:
    """What no file of fempslip has: links, filters, other files, numbers that are not there, more than a tree."""
    from h5py import h5d, h5g, h5l, h5o

    size = os.fstat(file.id.get_vfd_handle()).st_size
    left, seen = [h5g.open(file.id, b"/")], 0
    while left:
        group = left.pop()
        for name in group:
            seen += 1
            said = name.decode("utf-8", "replace")
            if seen > MEMBERS:
                yield f"more than {MEMBERS} members"
                return
            if group.links.get_info(name).type != h5l.TYPE_HARD:
                yield f"{said!r:.60} is a link"
                continue
            member = h5o.open(group, name)
            if h5o.get_info(member).rc != 1:
                yield f"{said!r:.60} is in two places"
            elif isinstance(member, h5g.GroupID):
                left.append(member)
            elif not isinstance(member, h5d.DatasetID):
                yield f"{said!r:.60} holds no numbers"
            elif (problem := odd(member, size)) is not None:
                yield f"{said!r:.60}: {problem}"


def odd(dataset: Any, size: int) -> str | None:
    """What is wrong with where a dataset keeps its numbers.  size : of the file, in bytes."""
    from h5py import h5d, h5t

    plan, kind, shape = dataset.get_create_plist(), dataset.get_type(), dataset.shape
    if plan.get_external_count() or plan.get_layout() == h5d.VIRTUAL:
        return "numbers of another file"
    if plan.get_nfilters():
        return "packed numbers"
    if isinstance(kind, h5t.TypeStringID):
        return None if shape == () and kind.get_size() <= LONGEST else "a list of texts"
    if not isinstance(kind, h5t.TypeIntegerID | h5t.TypeFloatID) or kind.get_size() > 8:
        return "no plain numbers"
    wanted = kind.get_size() * prod(shape)
    if wanted > dataset.get_storage_size():
        return f"{prod(shape)} numbers that are not in the file"
    if wanted and plan.get_layout() == h5d.CONTIGUOUS and (dataset.get_offset() or 0) + wanted > size:
        return "numbers behind the end of the file"
    return None
