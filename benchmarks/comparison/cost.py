"""What a step costs, part by part, and how far that is from reading its operators once; what recording, tracking and
starting cost.  The film of `film` on our own mesh; milliseconds are CPU time, on one thread.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from comparison.film import film, ours
from comparison.report import Asked, Table
from fempslip.contract import Problem, State, Trial
from fempslip.physics import kernels
from fempslip.physics.energy import LinkEnergy
from fempslip.solver import cg, linear
from fempslip.solver.bdf2 import Bdf2

SIZES = {"4k": 0.5, "16k": 0.243}
GAMMA, SPAN = 10, (20.0, 30.0)  # of time, after the storm of the sudden start
# what is timed: name of the part -> module or class, function
PARTS = {
    "linear solve of psi (CG)": (cg, "solve"),
    "potential: L and its transpose": (linear, "by_blocks"),
    "terms of the step": (kernels, "terms"),
    "divergence of the supercurrent": (kernels, "divergence"),
    "frame, links, phases": (kernels, "frame", "with_potential", "advance"),
    "acceptance": (kernels, "accept"),
}


def bandwidth() -> float:
    """Bytes per CPU second that one thread reads from memory: the sum of 400 MB."""
    numbers = np.ones(50_000_000)
    best = np.inf
    for _ in range(5):
        begun = time.process_time()
        numbers.sum()
        best = min(best, time.process_time() - begun)
    return numbers.nbytes / best


def operator_bytes(problem: Problem, factor: int) -> int:
    """Links and neighbours, the places of edges, m, epsilon, beta, u, gamma, K_ii of nodes, and L of the potential:
    each once and in double precision.  That links are there a second time in single precision is not counted.
    """
    edges, nodes = problem.operators.edges.shape[1], problem.operators.nodes
    return 2 * edges * (16 + 4) + edges * (8 + 3 * 4) + nodes * (4 + 6 * 8) + 8 * factor


def product_time(problem: Problem) -> float:
    """CPU seconds of one complex product with K_A."""
    matrix = LinkEnergy(problem.operators, problem.epsilon).stiffness(problem.drive.patterns.sum(axis=0))
    begun, count = time.process_time(), 200
    for _ in range(count):
        matrix @ problem.psi
    return (time.process_time() - begun) / count


@contextmanager
def timed(places: dict[str, tuple[Any, ...]], begin: Callable[[], bool] = lambda: True) -> Iterator[dict[str, float]]:
    """CPU seconds spent in functions of modules or classes, part by part, while begin() is true."""
    spent = dict.fromkeys(places, 0.0)
    kept = []

    def watched(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            begun = time.process_time()
            found = function(*given, **named)
            spent[part] += (time.process_time() - begun) if begin() else 0.0
            return found

        return call

    for part, (owner, *names) in places.items():
        for name in names:
            kept.append((owner, name, owner.__dict__[name]))
            setattr(owner, name, watched(part, owner.__dict__[name]))
    try:
        yield spent
    finally:
        for owner, name, function in kept:
            setattr(owner, name, function)


def steps(asked: Asked) -> Table:
    rows: list[list[object]] = []
    speed = bandwidth()
    for name, size in SIZES.items():
        begun, until = SPAN if not asked.quick else (2.0, 4.0)
        problem = film(GAMMA, until, size=size)
        factor = linear.factored(problem_matrix(problem)).value.size
        free = ours(problem)  # without the timers, which cost some microseconds each
        spent = spent_after(begun, problem)
        count = int(np.sum(free.t > begun))
        step, unit = free.cost(begun) * (until - begun) / count, product_time(problem)
        parts = {part: seconds / count for part, seconds in spent.items()}
        parts["the rest: Python, numpy, the voltage"] = step - sum(parts.values())
        for part, seconds in parts.items():
            share = f"{100 * seconds / step:.0f} %"
            rows.append([name, part, f"{1e3 * seconds:.3f}", share, f"{seconds / unit:.1f}", ""])
        size_of = operator_bytes(problem, factor)
        once = size_of / speed
        nodes = problem.operators.nodes
        limit = f"{size_of / 1e6:.2f} MB, {1e3 * once:.2f} ms, {step / once:.1f} times"
        rows.append([name, f"a step of {nodes} nodes", f"{1e3 * step:.3f}", "100 %", f"{step / unit:.1f}", limit])
    note = f"Film at gamma = {GAMMA}. Memory read by one thread: {speed / 1e9:.1f} GB per CPU second (sum of 400 MB)."
    columns = ("mesh", "part", "CPU ms a step", "share", "products with K_A", "operators read once")
    return Table("step", "Parts of a step", columns, rows, note)


def spent_after(begun: float, problem: Problem) -> dict[str, float]:
    """CPU seconds of each part of PARTS in the steps that end after `begun`."""
    clock, attempt = {"t": 0.0}, Bdf2.attempt

    def kept(self: Bdf2, state: State, dt: float) -> Trial:
        clock["t"] = state.t + dt
        return attempt(self, state, dt)

    with timed(PARTS, lambda: clock["t"] > begun) as spent:
        Bdf2.attempt = kept  # type: ignore[method-assign]
        try:
            ours(problem)
        finally:
            Bdf2.attempt = attempt  # type: ignore[method-assign]
    return spent


def problem_matrix(problem: Problem) -> Any:
    import scipy.sparse as sp

    op = problem.operators
    return sp.csr_array((op.G.T @ op.M1 @ op.G)[1:][:, 1:])


RUN_LONG, RUN_SHORT = 600, 200  # tau0, of film_vortex_flow;  its difference has no fixed part: start, first and last


def whole_run(asked: Asked) -> Table:
    """The delivered case film_vortex_flow as a user runs it, without pictures: who spends what.

    Two runs of different length: what does not grow with the run (its file made, and made anew when tables come to it)
    is told apart from what each step and each frame costs.
    """
    import fempslip as fs
    from fempslip.store import layout
    from fempslip.store.writer import RunWriter
    from fempslip.tasks import watchers
    from fempslip.tasks.tracking import Ledger, Topology

    lengths = (60, 20) if asked.quick else (RUN_LONG, RUN_SHORT)
    case = fs.load("film_vortex_flow").vary({"expect": None})
    places = {
        "step": (Bdf2, "attempt"),
        "tracking of zeros": (Topology, "see"),
        "ledger": (Ledger, "see"),
        "voltage": (watchers.Voltages, "see"),
        "energy and power": (watchers.Series, "see"),
        "currents into contacts": (watchers.Currents, "see"),
        "Josephson relation": (watchers.JosephsonResidual, "see"),
        "frames of fields": (watchers.Frames, "see"),
        "writing to disk": (RunWriter, "checkpoint"),
        "the file begun and ended": (layout, "lay_out"),
    }
    spent, steps, frames, whole = [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        fs.solve(case.vary({"time.until": 60, "measure.from": 20}), into=Path(folder) / "warm", pictures=False)
        for until in lengths:
            one = case.vary({"time.until": until, "measure.from": until / 2})
            begun = time.process_time()
            with timed(places) as parts:
                run = fs.solve(one, into=Path(folder) / f"{until}", pictures=False)
            whole.append(time.process_time() - begun)
            spent.append(parts)
            steps.append(len(run.table("series")["t"]))
            frames.append(len(run.times))
        size = sum(file.stat().st_size for file in (Path(folder) / f"{lengths[0]}").rglob("*") if file.is_file())
    long, short = spent
    more = {part: (long[part] - short[part]) / (steps[0] - steps[1]) for part in long}  # s a step
    rows = []
    for part, t in long.items():
        fixed = t - more[part] * steps[0]
        share, grows = (f"{100 * x:.1f} %" for x in (t / long["step"], more[part] / more["step"]))
        rows.append([part, f"{t:.2f}", share, f"{1e3 * more[part]:.3f}", grows, f"{1e3 * fixed:.0f}"])
    rest = whole[0] - sum(long.values())
    rows.append(["all else: mesh, operators, march, recipes", f"{rest:.2f}", "", "", "", ""])
    recording = more["frames of fields"] + more["writing to disk"]
    every = (steps[0] - steps[1]) / (frames[0] - frames[1])
    note = (
        f"Case film_vortex_flow to {lengths[0]} tau0, no pictures; {whole[0]:.1f} CPU s in all, {size / 1e6:.1f} MB on "
        f"disk, {steps[0]} steps, {frames[0]} frames. What a step costs is from the difference to a run to "
        f"{lengths[1]} tau0, the fixed part is the rest. A frame, made and written, costs "
        f"{1e3 * recording * every:.2f} ms and comes every {every:.1f} steps."
    )
    columns = ("part", "CPU s", "of the steps", "ms a step", "of a step", "fixed, ms")
    return Table("run", "A whole run, part by part", columns, rows, note)


def starting() -> Table:
    """Words of the command line, in wall-clock seconds and CPU seconds of a new process: the least of three."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        short = [
            "--set",
            "time.until=0.01",
            "--set",
            "measure.from=0",
            "--set",
            "expect=null",
            "--set",
            "record.fields=0.01",
            "--set",
            "postprocess=[voltage]",
        ]
        words = {
            "fempslip --help": ["--help"],
            "fempslip check film_vortex_flow": ["check", "film_vortex_flow"],
            "fempslip run film_vortex_flow, to its first steps": ["run", "film_vortex_flow", *short],
        }
        for name, given in words.items():
            taken = []
            for number in range(3):
                into = ["--into", f"{folder}/{number}"] if given[0] == "run" else []
                before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
                line = [sys.executable, "-m", "fempslip.cli", *given, *into]
                done = subprocess.run(line, capture_output=True, text=True, check=False)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
                taken.append((time.perf_counter() - begun, cpu, done.returncode))
            wall, cpu, code = min(taken)
            rows.append([name, f"{wall:.2f}", f"{cpu:.2f}", code])
    columns = ("command", "wall-clock s", "CPU s", "exit code")
    return Table("start", "Starting", columns, rows, "With warm caches of meshes and compiled loops.")


def measure(asked: Asked) -> Iterator[Table]:
    ours(replace(film(GAMMA, 1.0)))  # compiles the kernels
    yield steps(asked)
    yield whole_run(asked)
    yield starting()
