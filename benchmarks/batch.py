"""Throughput of a batch on one process and on two: `python benchmarks/batch.py` (a minute).

Sixteen runs of a wire with a weak spot, each with one thread; start-up of the processes is counted.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import fempslip as fs
from fempslip.run.pool import processes

RUNS = 16
SETTINGS = {"time.until": "1500 tau", "measure.from": "1000 tau", "record.fields": "100 tau", "expect": None}


def seconds(workers: int, folder: Path) -> float:
    """Wall time of the batch on so many processes."""
    case = fs.load("wire_weak_spot").vary({**SETTINGS, "postprocess": ["voltage"]})
    gammas = [round(1 + k / RUNS, 4) for k in range(RUNS)]
    begun = time.perf_counter()
    with processes(workers) as (pool, stop):
        table = fs.batch(case, {"material.gamma": gammas}, folder / str(workers), pool, stop=stop)
    assert table["status"] == ["finished"] * RUNS
    return time.perf_counter() - begun


def main() -> None:
    with TemporaryDirectory() as folder:
        one, two = (seconds(workers, Path(folder)) for workers in (1, 2))
    print(f"{RUNS} runs: {one:.1f} s on one process, {two:.1f} s on two: {one / two:.2f} times the throughput")


if __name__ == "__main__":
    main()
