"""What more threads would give: to one loop of a step, to the peer, and to runs that go on at once.

A step of fempslip has one thread.  Here its heaviest loop, the product of the linear solve, is compiled a second time
with numba's parallel loops, window by window, to see from which size on threads would pay.  Wall-clock times.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from comparison.report import Asked, Table, ask

PIECES = {  # name -> (cells along each side, lengths in xi)
    "film": (((60, 60), (30.0, 30.0)), ((126, 126), (30.0, 30.0)), ((300, 330), (30.0, 30.0))),
    "slab": (((40, 40, 16), (20.0, 20.0, 8.0)), ((70, 70, 24), (35.0, 35.0, 12.0))),
}
GAMMA, UNTIL = 10, 6.0


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def products(asked: Asked) -> Table:
    """Asked of a process of its own: numba settles its threads when it is loaded."""
    environment = {**os.environ, "NUMBA_NUM_THREADS": str(cores())}
    line = [sys.executable, "-m", "comparison.threads"]
    done = subprocess.run(line, env=environment, cwd=os.path.dirname(os.path.dirname(__file__)), check=True,
                          stdout=subprocess.PIPE, text=True)  # fmt: skip
    rows = []
    for one in json.loads(done.stdout):
        times = [f"{1e6 * t:.0f}" for t in one["parallel"]]
        rows.append([one["piece"], one["nodes"], f"{1e6 * one['plain']:.0f}", *times,
                     f"{one['plain'] / one['parallel'][-1]:.2f}"])  # fmt: skip
    threads = [f"parallel, {t} thread{'s' * (t > 1)}, us" for t in counted()]
    columns = ("piece", "nodes", "as it is, us", *threads, "gain")
    note = "One product q = A p in single precision (solver.cg.product); medians of 200, numba's threads on "
    return Table("products", "Threads in the heaviest loop", columns, rows, note + f"{cores()} cores.")


def counted() -> list[int]:
    """1, 2, 4 ... all cores."""
    doubled = [2**k for k in range(10) if 2**k < cores()]
    return [*doubled, cores()]


def timed() -> list[dict[str, Any]]:
    import numba
    import numpy as np

    from fempslip.mesh import simple
    from fempslip.mesh.operators import operators
    from fempslip.physics.compiled import SUMS
    from fempslip.physics.graph import graph
    from fempslip.solver import cg

    many = numba.njit(error_model="numpy", fastmath=SUMS, parallel=True)(cg.product.py_func)
    found = []
    for piece, sizes in PIECES.items():
        for cells, lengths in sizes:
            op = operators(simple.rectangle(*cells, lengths) if piece == "film" else simple.box(*cells, lengths))
            g = graph(op)
            rows = cg.Rows.of(g.start, g.neighbour, np.ones(op.nodes, dtype=bool))
            rows.room[:], rows.link[:] = 1.0, 0.1
            room = (*rows.room[:3], *rows.room[6:10])
            given = (rows.window, rows.first, rows.begin, rows.column, *rows.link, *room)
            one: dict[str, Any] = {"piece": piece, "nodes": op.nodes, "plain": usual(cg.product, given)}
            one["parallel"] = []
            for threads in counted():
                numba.set_num_threads(threads)
                one["parallel"].append(usual(many, given))
            found.append(one)
    return found


def usual(loop: Callable[..., Any], given: tuple[Any, ...]) -> float:
    """Median wall-clock seconds of a call."""
    taken = []
    for _ in range(201):
        begun = time.perf_counter()
        loop(*given)
        taken.append(time.perf_counter() - begun)
    return median(taken[1:])


def at_once(asked: Asked) -> Table:
    """One-thread runs of the film, alone and one on every core; and the peer with one thread and with all."""
    rows: list[list[object]] = []
    alone = together(1)
    every = together(cores())
    rows.append(["fempslip, one run", 1, f"{1e3 * alone:.1f}", ""])
    rows.append([f"fempslip, {cores()} runs at once", cores(), f"{1e3 * every:.1f}", f"{cores() * alone / every:.2f}"])
    python = asked.python_of("tdgl")
    if python is not None and asked.peers is not None:
        from comparison.film import PEER, meshed

        mesh = meshed(asked, python)["16k"]
        question = {**PEER, "mesh": str(mesh), "gamma": GAMMA, "until": UNTIL}
        one, all_ = (ask(python, "tdgl_film.py", question, threads)["wall"] for threads in (1, cores()))
        rows.append(["tdgl, one run", 1, f"{1e3 * one / UNTIL:.1f}", ""])
        rows.append(["tdgl, one run", cores(), f"{1e3 * all_ / UNTIL:.1f}", f"{one / all_:.2f}"])
    columns = ("what", "threads", "wall-clock ms per tau0 and run", "gain")
    note = (
        f"Film of 40 x 20 xi with 16 k nodes, gamma = {GAMMA}, from the sudden start to {UNTIL:g} tau0. Gain: of all "
    )
    return Table("at_once", "All cores", columns, rows, note + "runs together against one run on one thread.")


RUN = """
import sys, time
from comparison.film import film, ours
problem = film({gamma}, {until}, size=0.243)
ours(film({gamma}, 0.1, size=0.243))
print("ready", flush=True)
sys.stdin.readline()
begun = time.perf_counter()
ours(problem)
print(time.perf_counter() - begun)
"""


def together(runs: int) -> float:
    """Wall-clock seconds per tau0 of each of several runs that begin together: the median."""
    line = [sys.executable, "-c", RUN.format(gamma=GAMMA, until=UNTIL)]
    where = os.path.dirname(os.path.dirname(__file__))
    begun = [
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=where) for _ in range(runs)
    ]
    for one in begun:
        assert one.stdout is not None
        one.stdout.readline()
    for one in begun:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    return median(float(one.communicate()[0]) for one in begun) / UNTIL


def measure(asked: Asked) -> Iterator[Table]:
    yield products(asked)
    yield at_once(asked)


if __name__ == "__main__":
    print(json.dumps(timed()))
