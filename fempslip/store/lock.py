"""One writer for a run: a lock that the system drops when its process ends, however it ends."""

from __future__ import annotations

import os
import time
from pathlib import Path

from ..contract import Refusal

try:
    import fcntl
except ImportError:  # a system without flock: two writers are not told apart there
    fcntl = None  # type: ignore[assignment]

NAME = "run.lock"
PATIENCE = 0.3  # s: a reader that asks for the status holds the lock for an instant


def acquire(folder: Path) -> int:
    """Take the writer's lock of a run folder and note this process in it.

    Returns an open file descriptor, which is the lock.  Raises Refusal when another process writes the run.
    """
    handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o644)
    if not _lock(handle, exclusive=True):
        owner = os.read(handle, 32).decode(errors="replace").strip()
        os.close(handle)
        raise Refusal(f"{folder} is being written by another process (pid {owner or 'unknown'})")
    os.truncate(handle, 0)
    os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
    return handle


def release(handle: int) -> None:
    """Drop the lock.  The file stays: removing it would let two processes lock two files of one name."""
    os.truncate(handle, 0)
    os.close(handle)


def held(folder: Path) -> bool:
    """Whether a living process writes this run."""
    try:
        handle = os.open(folder / NAME, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(handle, exclusive=False)
    finally:
        os.close(handle)


def _lock(handle: int, exclusive: bool) -> bool:
    if fcntl is None:
        return exclusive
    mode = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    for _ in range(6 if exclusive else 1):
        try:
            fcntl.flock(handle, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PATIENCE / 6 if exclusive else 0)
        except OSError:
            return True  # a file system without locks
        else:
            return True
    return False
