"""Worker processes for batches: one thread each, stopped together, none left behind.

A worker is spawned, not forked, so that it settles its threads before numpy loads.  It stops its run between two
steps when the batch is interrupted, and ends at once when the process that began it is gone.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

from fempslip.contract import Refusal

LOOK = 0.5  # s between two looks at whether the parent process is still there

_stop: Any = None  # the event of this worker's batch


def asked_to_stop() -> bool:
    return _stop is not None and _stop.is_set()


def begin(stop: Any, parent: int) -> None:
    """Run first in each worker."""
    global _stop
    _stop = stop
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the batch tells its workers itself
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)  # as if killed: what was recorded is kept


@contextmanager
def processes(workers: int) -> Iterator[tuple[Executor, Callable[[], None]]]:
    """(executor, stop) : a pool of worker processes, and what stops their runs."""
    context = get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(workers, context, begin, (stop, os.getpid())) as pool:
        yield pool, stop.set


@contextmanager
def cluster(address: str) -> Iterator[tuple[Executor, Callable[[], None]]]:
    """(executor, stop) on a running dask scheduler.  Raises Refusal where dask is missing or nobody answers."""
    try:
        from distributed import Client
    except ImportError:
        raise Refusal("--scheduler needs dask: pip install 'fempslip[cluster]'") from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError) as error:
        raise Refusal(f"no dask scheduler answers at {address}: {error}") from None
    with client:
        yield client.get_executor(pure=False, retries=3), client.close
