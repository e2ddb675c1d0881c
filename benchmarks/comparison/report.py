"""What a comparison is asked and what it hands back."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEERS = Path(__file__).parent.parent / "peers"


@dataclass(frozen=True)
class Asked:
    """peers : folder of their environments;  into : of the results;  repeat : paired runs of each comparison."""

    peers: Path | None
    into: Path
    quick: bool
    repeat: int

    def python_of(self, peer: str) -> Path | None:
        """The peer's interpreter, or None where there is none."""
        found = None if self.peers is None else self.peers / peer / "bin" / "python"
        return found if found is not None and found.exists() else None


@dataclass(frozen=True)
class Table:
    """name : of its files;  columns and rows as they are printed;  note : one sentence under it."""

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""

    def markdown(self) -> str:
        lines = [
            self.title,
            "",
            "| " + " | ".join(self.columns) + " |",
            "| " + " | ".join(["---"] * len(self.columns)) + " |",
        ]
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in self.rows]
        return "\n".join(lines + (["", self.note] if self.note else []))

    def write(self, folder: Path, part: str) -> None:
        (folder / f"{part}.{self.name}.md").write_text(self.markdown() + "\n")
        with open(folder / f"{part}.{self.name}.csv", "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([self.columns, *self.rows])


def apart(*line: str) -> list[str]:
    """The command line begun by a shell that stays: a process begun directly counts our own memory as its peak."""
    return ["/bin/sh", "-c", '"$@"; exit $?', "sh", *line]


def ask(python: Path, script: str, question: Mapping[str, Any], threads: int = 1) -> dict[str, Any]:
    """The answer of benchmarks/peers/SCRIPT, run by a peer's interpreter: JSON in a file, the question on its line."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
            environment[name] = str(threads)
        done = subprocess.run(
            apart(str(python), str(PEERS / script), json.dumps(question), str(answer)),
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{script} failed:\n{done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(answer.read_text())
        return found
