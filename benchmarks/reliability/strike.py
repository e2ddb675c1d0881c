"""`python -m benchmarks.reliability.strike K SEED run ...`: the command fempslip, which kills itself as it writes.

At the K-th call by which the store changes a file (and, of a long write, in the middle of it) the process gets
SIGKILL.  Checkpoints are written as fast as steps come, so that most moments are those of writing.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Strike:
    """Counts calls and kills at one of them: before it, after it, or half way through."""

    def __init__(self, at: int, dice: random.Random) -> None:
        self.left, self.dice = at, dice

    def around(self, owner: Any, name: str) -> None:
        act = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                self.fall(act, args, kwargs)
            return act(*args, **kwargs)

        setattr(owner, name, counted)

    def fall(self, act: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        when = self.dice.choice(("before", "amid", "after"))
        if when == "after":
            act(*args, **kwargs)
        elif when == "amid" and act is PWRITE:
            handle, content, place = args
            act(handle, content[: len(content) // 2], place)
        os.kill(os.getpid(), signal.SIGKILL)


PWRITE = os.pwrite


def main(at: int, seed: int, words: list[str]) -> int:
    from fempslip import cli

    cli.pin_threads()
    import h5py

    from fempslip.store import layout, lock, writer

    writer.FIRST, writer.INTERVAL, writer.SHARE = 0.0, 0.01, 1e9
    strike = Strike(at, random.Random(seed))
    for name in ("pwrite", "replace", "fsync", "posix_fallocate", "unlink", "mkdir", "truncate"):
        strike.around(os, name)
    for name in ("resize", "__setitem__"):
        strike.around(h5py.Dataset, name)
    strike.around(h5py.Group, "create_dataset")
    for name in ("_column", "_extend"):
        strike.around(layout, name)
    strike.around(h5py.File, "flush")
    strike.around(Path, "write_text")
    strike.around(writer.np, "savez")
    strike.around(lock, "acquire")
    return cli.main(words)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
