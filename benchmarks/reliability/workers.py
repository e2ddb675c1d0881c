"""Files are judged in worker processes with limits: of memory for each process, of time for each file.

Parent: `judged` sends seeds, reads one answer for each, and begins another worker where one hangs or dies.
Child: `python -m benchmarks.reliability.workers NAME` answers a line of JSON for every seed.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 4 << 30  # bytes of address space of a worker
CHUNK = 100  # files between two notes
FINE = ("accepted", "refused")

Answer = dict[str, Any]  # seed, outcome, detail; seconds of the file


def judged(name: str, seeds: Iterator[int], workers: int, limit: float, tell: Callable[[list[Answer]], None]) -> None:
    """Judge the file of every seed; `tell` gets the answers of a chunk.  limit : seconds for one file."""
    lock, failed = threading.Lock(), []
    memory = Path("/dev/shm")
    place = tempfile.TemporaryDirectory(prefix="fempslip-", dir=memory if memory.is_dir() else None)

    def serve() -> None:
        child = None
        try:
            while True:
                with lock:
                    chunk = list(islice(seeds, CHUNK))
                if not chunk or failed:
                    return
                child, answers = judge(name, place.name, child, chunk, limit)
                with lock:
                    tell(answers)
        except BaseException as error:
            failed.append(error)
        finally:
            if child is not None:
                ended(child)

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    place.cleanup()
    if failed:
        raise failed[0]


def judge(name: str, place: str, child: Any, chunk: list[int], limit: float) -> tuple[Any, list[Answer]]:
    """(worker, answers): a worker that hangs or dies is an answer too."""
    left, answers = list(chunk), []
    asked = None
    while left:
        if child is None:
            child = started(name, place)
            if line(child, 300.0) != b"ready\n":
                raise RuntimeError("a worker did not start")
        if asked is not child:
            child.stdin.write("".join(f"{seed}\n" for seed in left).encode())
            asked = child
        begun = time.monotonic()
        answer = line(child, limit)
        if answer:
            answers.append(json.loads(answer))
        else:
            child.kill()
            child.wait()
            child, outcome = None, "hang" if answer is None else "crash"
            answers.append({"seed": left[0], "outcome": outcome, "seconds": time.monotonic() - begun})
        del left[0]
    return child, answers


def ended(child: Any) -> None:
    """Let a worker end, and with it the processes that it began."""
    child.stdin.close()
    try:
        child.wait(30)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def line(child: Any, limit: float) -> bytes | None:
    """A line of the worker; empty when it has ended, None when it takes too long."""
    if not select.select([child.stdout], [], [], limit)[0]:
        return None
    return bytes(child.stdout.readline())


def started(name: str, place: str) -> Any:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment |= {"TMPDIR": place, "FEMPSLIP_MESH_SECONDS": "10"}
    command = [sys.executable, "-m", "benchmarks.reliability.workers", name]
    # unbuffered: select must see every line that has come
    return subprocess.Popen(command, bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


# ---------------------------------------------------------------------------------------------- the child

HARMFUL = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "subprocess.Popen", "pty.spawn")
HARMFUL += ("socket.connect", "socket.bind", "os.remove", "os.rename", "os.rmdir", "os.chmod", "shutil.rmtree", "exec")


class Guard:
    """Notes what code of a file would do: start processes, open connections, write or remove files."""

    def __init__(self) -> None:
        self.watching = False
        self.seen: list[str] = []
        sys.addaudithook(self.look)

    def look(self, event: str, args: tuple[Any, ...]) -> None:
        if self.watching and (event in HARMFUL or (event == "open" and writes(args))):
            self.seen.append(f"{event} {str(args)[:100]}")


def writes(args: tuple[Any, ...]) -> bool:
    mode, flags = str(args[1] or ""), int(args[2] or 0)
    return any(c in mode for c in "wax+") or bool(flags & (os.O_WRONLY | os.O_RDWR))


def main(name: str) -> None:
    import resource

    from benchmarks.reliability import judges

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    guard = Guard()
    look = judges.JUDGES[name](guard)
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    answers.write(b"ready\n")
    for text in sys.stdin:
        begun = time.monotonic()
        try:
            outcome, detail = look(int(text))
        except MemoryError:
            outcome, detail = "memory", ""
        if guard.seen:
            outcome, detail = "code", "; ".join(guard.seen[:3])
            guard.seen.clear()
        answer = {"seed": int(text), "outcome": outcome, "detail": detail, "seconds": time.monotonic() - begun}
        answer["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        answers.write(json.dumps(answer).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
