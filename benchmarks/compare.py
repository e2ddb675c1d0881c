"""The same physical problems here and in the peers, and what a run costs: one command.

    python benchmarks/compare.py --peers DIR [--only PART ...] [--quick] [--repeat 3]

DIR holds one virtual environment a peer, outside the repository, made once with

    python -m venv DIR/tdgl     && DIR/tdgl/bin/pip install tdgl==0.9.0
    python -m venv DIR/pytdgl3d && DIR/pytdgl3d/bin/pip install --ignore-requires-python pytdgl3d==0.3.0 pytest

(pytdgl3d asks for Python 3.14 and runs with 3.11; it imports pytest.)  A peer that is not there is left out.
Everything runs in turn, on one thread but where threads are the question, and is timed in CPU seconds.  Each part
prints its tables and writes them to benchmarks/results (--into) as PART.TABLE.csv and PART.TABLE.md.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import argparse
import time
from importlib import import_module
from pathlib import Path

from comparison.report import Asked

# part -> what it answers; each is a module of benchmarks/comparison with measure(asked) -> iterator of tables
PARTS = {
    "film": "flux flow in a film, beside tdgl (pyTDGL)",
    "slab": "a slab, beside pytdgl3d",
    "cost": "parts of a step, its bytes against the memory's bandwidth, tracking, recording, start-up",
    "threads": "what more threads would give",
    "growth": "time and memory against the number of nodes, in films and slabs; meshing",
}
HERE = Path(__file__).parent


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--peers", type=Path, default=None, help="folder of the peers' virtual environments")
    words.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="the parts to measure")
    words.add_argument("--quick", action="store_true", help="short runs, one of each: for development")
    words.add_argument("--repeat", type=int, default=3, help="paired runs, of which the median is taken")
    words.add_argument("--into", type=Path, default=HERE / "results", help="folder of the tables and pictures")
    given = words.parse_args()
    asked = Asked(given.peers, given.into, given.quick, 1 if given.quick else given.repeat)
    given.into.mkdir(parents=True, exist_ok=True)
    for part in given.only:
        if not (HERE / "comparison" / f"{part}.py").exists():
            continue
        begun = time.perf_counter()
        print(f"\n## {PARTS[part]}", flush=True)
        for table in import_module(f"comparison.{part}").measure(asked):
            table.write(given.into, part)
            print(f"\n{table.markdown()}", flush=True)
        print(f"\n({part}: {time.perf_counter() - begun:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
