"""Work with the mesher in a process of its own, which is started once and serves one call after another.

A geometry that hangs or crashes the mesher takes the child with it and not the program: the next call starts another.
"""

from __future__ import annotations

import atexit
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from fempslip.contract import Refusal
from fempslip.mesh.bodies import Trouble

LIMIT = 600.0  # seconds of one call; $FEMPSLIP_MESH_SECONDS says otherwise


def apart(function: Callable[..., Any], *args: Any) -> Any:
    """function(*args), done by the child.  Raises what it raises, and Trouble where the child crashed or took too long.

    function : known by its name in a module;  args, result : can be pickled
    """
    with _LOCK:
        if _RUNNING and _RUNNING[0].process.poll() is not None:
            _RUNNING.pop()
        if not _RUNNING:
            _RUNNING.append(_Child())
        try:
            kind, result = _RUNNING[0].ask((function, args), limit())
        except BaseException:
            _RUNNING.pop().end()
            raise
    if kind == "raised":
        raise result
    return result


def limit() -> float:
    try:
        return max(0.1, float(os.environ["FEMPSLIP_MESH_SECONDS"]))
    except (KeyError, ValueError):
        return LIMIT


class _Child:
    def __init__(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(part for part in (root, os.environ.get("PYTHONPATH", "")) if part)
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from fempslip.mesh.child import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.answers: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        """Answers, and None when the child has ended."""
        assert self.process.stdout is not None
        while True:
            answer = _receive(self.process.stdout)
            self.answers.put(answer)
            if answer is None:
                return

    def ask(self, question: Any, seconds: float) -> Any:
        assert self.process.stdin is not None
        try:
            _send(self.process.stdin, question)
            answer = self.answers.get(timeout=seconds)
        except queue.Empty:
            raise Trouble(f"the mesher did not finish within {seconds:g} s ($FEMPSLIP_MESH_SECONDS)") from None
        except OSError:
            answer = None
        if answer is None:
            raise Trouble("the mesher crashed on this geometry")
        return answer

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


_LOCK = threading.Lock()
_RUNNING: list[_Child] = []


@atexit.register
def _end() -> None:
    while _RUNNING:
        _RUNNING.pop().end()


def _send(stream: BinaryIO | Any, message: Any) -> None:
    data = pickle.dumps(message)
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def _receive(stream: BinaryIO | Any) -> Any:
    """A message, or None at the end."""
    try:
        head = stream.read(8)
        return pickle.loads(stream.read(struct.unpack("<Q", head)[0])) if len(head) == 8 else None
    except (EOFError, pickle.UnpicklingError, ValueError, OSError):
        return None


def serve() -> None:
    """The child: answers until its input ends.  What libraries print must not mix with the answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    while (question := _receive(sys.stdin.buffer)) is not None:
        function, args = question
        try:
            answer = ("done", function(*args))
        except Refusal as refusal:
            answer = ("raised", refusal)
        except Exception as error:
            answer = ("raised", Trouble(f"the mesher failed: {error}"))
        _send(answers, answer)
