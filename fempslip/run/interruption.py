"""Ctrl-C waits for the end of a step, so that state, rows and frames belong together; a second one does not wait."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fempslip.contract import Abandoned


class Interruption:
    """Remembers an interrupt signal until `obey` raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """While inside, SIGINT and SIGTERM are remembered (in the main thread; elsewhere nothing changes)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        kinds = (signal.SIGINT, signal.SIGTERM)
        before = {kind: signal.signal(kind, self._remember) for kind in kinds}
        try:
            yield
        finally:
            for kind, handler in before.items():
                signal.signal(kind, handler)

    def obey(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self.asked:
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise Abandoned
        self.asked = True
