"""A slab or a film in flux flow, timed part by part in a process of its own: bodies.py QUESTION ANSWER, both JSON.

question : size (lengths in xi), h, coarse (mesh size of the run in which the flow settles), settle, until, after (tau0;
counted from `after` on), gamma, record (tau0 between frames), tracked;  answer : see `measured`
only : "mesh" asks for the mesh alone, and how much it costs
The flow settles on a coarse mesh and is carried to the fine one, gauge and all, where it goes on.  CPU seconds.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fempslip.case.loading import load_text
from fempslip.contract import Array, Problem, Sink, State, Step
from fempslip.mesh import child
from fempslip.mesh.meshing import make_mesh
from fempslip.physics.applied import PrescribedCurrents, injection
from fempslip.physics.energy import LinkEnergy
from fempslip.run.compiling import compile
from fempslip.run.running import header_of, watchers_of
from fempslip.solver import cg, linear, multigrid
from fempslip.store import RunWriter
from fempslip.tasks.evolve import evolve
from fempslip.tasks.watchers import Plain

if TYPE_CHECKING:
    from comparison.report import Asked, Table

TEXT = """
geometry:
  dimension: {dimension}
  regions: {{sample: {shape}}}
  boundaries: {{source: {{{side}: left, of: sample}}, drain: {{{side}: right, of: sample}}}}
  probes: {{a: {a}, b: {b}}}
material: {{u: 5.79, gamma: {gamma}}}
contacts: {{source: normal, drain: normal}}
drive: {{field: {field}, current: {{from: source, to: drain, density: {density}}}}}
mesh: {{size: {h}}}
time: {{until: {until}}}
measure: {{between: [a, b]}}
record: {{fields: {record}}}
postprocess: {recipes}
"""
FIELD = 0.3


@dataclass
class Clock:
    """CPU seconds by part, counted once `on`."""

    on: bool = False
    spent: dict[str, float] = field(default_factory=dict)

    def add(self, part: str, seconds: float) -> None:
        if self.on:
            self.spent[part] = self.spent.get(part, 0.0) + seconds

    def timing(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            begun = time.process_time()
            found = call(*given)
            self.add(part, time.process_time() - begun)
            return found

        return timed


@dataclass
class TimedSink:
    """A sink whose time is told apart."""

    inner: Any
    clock: Clock
    spent: float = 0.0
    residual: float = 0.0  # of the voltage ledger, the largest

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.inner, name)

        def timed(*given: Any) -> Any:
            if given and given[0] == "ledger":
                self.residual = max(self.residual, abs(given[1]["residual"]))
            begun = time.process_time()
            found = call(*given)
            passed = time.process_time() - begun
            self.spent += passed
            self.clock.add("frames" if name == "frame" else "commits" if name == "checkpoint" else "rows", passed)
            return found

        return timed


@dataclass
class Timed(Plain):
    """A watcher whose time is told apart, without that of the sink."""

    part: str
    inner: Any
    clock: Clock

    def see(self, step: Step, sink: Any) -> None:
        begun, before = time.process_time(), sink.spent
        self.inner.see(step, sink)
        self.clock.add(self.part, time.process_time() - begun - (sink.spent - before))

    def save(self) -> Mapping[str, Array]:
        found: Mapping[str, Array] = self.inner.save()
        return found

    def finish(self, sink: Sink) -> None:
        self.inner.finish(sink)


@dataclass(frozen=True, eq=False)
class TimedSolver:
    """A solver of the potential whose time is told apart, and its iterations."""

    inner: Any
    clock: Clock

    @property
    def iterates(self) -> bool:
        found: bool = self.inner.iterates
        return found

    def __call__(self, b: Array, start: Array) -> Array:
        begun = time.process_time()
        found: Array = self.inner(b, start)
        self.clock.add("mu", time.process_time() - begun)
        return found


PART_OF = {"topology": "tracking", "ledger": "ledger", "frames": "frames"}


class Nowhere:
    def row(self, *given: object) -> None: ...
    def rows(self, *given: object) -> None: ...
    def frame(self, *given: object) -> None: ...
    def checkpoint(self, *given: object) -> None: ...
    def due(self) -> bool:
        return False


def flowing(asked: Mapping[str, Any], h: float, until: float) -> Any:
    """The case: a film or slab in a perpendicular field, current from left to right."""
    film = len(asked["size"]) == 2
    middle = [0.0] * len(asked["size"])
    shape = f"{{{'rectangle' if film else 'box'}: {{size: {list(asked['size'])}, center: {middle}}}}}"
    place = asked["size"][0] / 4
    text = TEXT.format(
        dimension=len(asked["size"]),
        shape=shape,
        side="edge" if film else "face",
        a=[-place, *middle[1:]],
        b=[place, *middle[1:]],
        gamma=asked["gamma"],
        field=FIELD if film else [0, 0, FIELD],
        density=asked.get("density", 0.1),
        h=h,
        until=until,
        record=min(asked.get("record", 2), until),
        recipes="[voltage, vortex_tracks, voltage_ledger]" if asked.get("tracked", True) else "[voltage]",
    )
    return load_text(text, "flowing")


def settled(asked: Mapping[str, Any]) -> tuple[Array, Array]:
    """Points and psi, in the gauge of the applied potential, of the coarse run when it has settled."""
    case = flowing({**asked, "tracked": False}, asked["coarse"], asked["settle"])
    problem = compile(case, make_mesh(case))
    state = evolve(problem, {}, Nowhere(), every=asked["settle"]).state
    return problem.mesh.points, state["psi"] * np.exp(-1j * state["chi"])


def carried(points: Array, psi: Array, to: Array) -> Array:
    """psi at other places: interpolated linearly in a gauge that is regular there.

    A = B x r/2 turns psi by B z.(r_k x r)/2 on the straight way from a vertex r_k to r.
    """
    from scipy.spatial import Delaunay

    grid = Delaunay(points.T)
    dim = points.shape[0]
    inside = to * (1 - 1e-9)
    cell = grid.find_simplex(inside.T, tol=1e-6)
    affine = grid.transform[cell]
    share = np.einsum("nij,nj->ni", affine[:, :dim], inside.T - affine[:, dim])
    share = np.clip(np.column_stack([share, 1 - share.sum(axis=1)]), 0.0, None)
    share /= share.sum(axis=1, keepdims=True)
    corner = grid.simplices[cell]
    x, y = points[0][corner], points[1][corner]
    way = 0.5 * FIELD * (x * to[1][:, None] - y * to[0][:, None])
    found: Array = (share * psi[corner] * np.exp(1j * way)).sum(axis=1)
    return found


def leak(problem: Problem, state: State) -> float:
    """Largest current that a node makes or loses, over the largest edge current: div(I_s + I_n) = source."""
    op = problem.operators
    super_ = LinkEnergy(op, problem.epsilon).current(state["psi"], state["a"])
    currents = super_ - op.M1 @ (op.G @ state["mu"])
    given = PrescribedCurrents(problem).at(state.t) @ injection(problem)
    return float(np.abs(op.G.T @ currents + given).max() / np.abs(currents).max())


def told(words: str) -> None:
    if os.environ.get("TOLD"):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{words}: {time.process_time():.1f} s, {peak:.2f} GiB", flush=True)


def measured(asked: Mapping[str, Any]) -> dict[str, Any]:
    """nodes, entries (of links), steps, dt, iterations (of psi and of mu, a step), cpu (s per tau0, without tracking
    and recording), parts (s a step), compile, ready (s of the set-up), memory (KiB, peak),
    residual of the ledger and leak of charge."""
    warnings.simplefilter("ignore")
    points, psi = settled(asked)
    case = flowing(asked, asked["h"], asked["until"])
    mesh = make_mesh(case)
    told("meshed")
    begun = time.process_time()
    problem = compile(case, mesh)
    held = np.abs(problem.psi) == 0
    problem = replace(problem, psi=np.where(held, 0.0, carried(points, psi, mesh.points)))
    compiled = time.process_time() - begun
    told("compiled")
    clock, counts = Clock(), {"psi": 0, "mu": 0}
    times: list[float] = []
    watchers = {n: Timed(PART_OF.get(n, "tables"), w, clock) for n, w in watchers_of(case, problem).items()}
    marks: dict[str, float] = {}

    def seen(state: State, rejected: int) -> None:
        times.append(state.t)
        now = time.process_time()
        if "first" not in marks:
            told("first step")
        marks.setdefault("first", now)
        if not clock.on and state.t >= asked["after"]:
            clock.on, marks["begun"], marks["t"], marks["step"] = True, now, state.t, state.step
            counts.update(psi=0, mu=0)
        if state.t >= asked["until"] * (1 - 1e-9):
            clock.on = False  # what follows is the last commit
        marks.update(ended=now, t1=state.t, steps=state.step)

    solve, make = cg.solve, linear.poisson_solver

    def counting(*given: Any) -> int:
        found: int = timed_psi(*given)
        counts["psi"] += found
        return found

    timed_psi = clock.timing("psi", solve)
    cg.solve = counting
    linear.poisson_solver = lambda k, dim: TimedSolver(make(k, dim), clock)  # type: ignore[assignment]
    cycle = multigrid.Multigrid.cycle

    def counted(self: multigrid.Multigrid, r: Array) -> Array:
        counts["mu"] += 1
        return cycle(self, r)

    multigrid.Multigrid.cycle = counted  # type: ignore[method-assign]
    told("watched")
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        frames = int(asked["until"] / case.record.fields) + 1
        with RunWriter.create(
            Path(folder) / "run", mesh, case.document(), header_of(case, mesh), frames=frames
        ) as writer:
            sink = TimedSink(writer, clock)
            course = evolve(problem, watchers, sink, case.record.fields, progress=seen)
            steps, span = marks["steps"] - marks["step"], marks["t1"] - marks["t"]
    parts = {name: seconds / steps for name, seconds in clock.spent.items()}
    whole = (marks["ended"] - marks["begun"]) / steps
    parts["rest"] = whole - sum(parts.values())
    step = parts["psi"] + parts["mu"] + parts["rest"]
    return {
        "nodes": problem.operators.nodes,
        "edges": int(problem.operators.edges.shape[1]),
        "steps": steps,
        "dt": span / steps,
        "iterations": counts["psi"] / steps,
        "cycles": counts["mu"] / steps,
        "cpu": step * steps / span,
        "step": step,
        "parts": parts,
        "compile": compiled,
        "ready": marks["first"] - begun,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "residual": sink.residual,
        "leak": leak(problem, course.state),
    }


def meshed(asked: Mapping[str, Any]) -> dict[str, Any]:
    """CPU seconds and memory (KiB, peak) of making the mesh, which is kept for later questions."""
    child.apart = lambda function, *given: function(*given)  # here, where it is counted
    case = flowing(asked, asked["h"], asked["until"])
    begun = time.process_time()
    nodes = make_mesh(case).nodes
    cpu = time.process_time() - begun
    return {"nodes": nodes, "mesh": cpu, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def ask(question: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a process of its own, so that its memory is its own."""
    from comparison.report import apart

    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        subprocess.run(apart(sys.executable, __file__, json.dumps(question), str(answer)), check=True)
        found: dict[str, Any] = json.loads(answer.read_text())
        return found


SLAB = (20, 20, 10)  # xi
SIZES = (0.56, 0.37, 0.315, 0.29, 0.217)  # xi: about 20, 60, 100, 130 and 300 thousand nodes


def growth(asked: Asked) -> Iterator[Table]:
    """Time and memory against the number of nodes, in a slab that stays the same; meshes are made here."""
    from comparison.report import Table

    found, meshing = [], []
    kept = os.environ.get("FEMPSLIP_CACHE")
    with tempfile.TemporaryDirectory() as fresh:
        os.environ["FEMPSLIP_CACHE"] = fresh
        for h in SIZES[:2] if asked.quick else SIZES:
            question = {"size": SLAB, "h": h, "coarse": 0.9, "settle": 30, "until": 4, "after": 2}
            meshing.append(ask({**question, "gamma": 10, "only": "mesh"}))
            found.append(ask({**question, "gamma": 10}) | {"mesh": meshing[-1]["mesh"]})
    del os.environ["FEMPSLIP_CACHE"]
    if kept is not None:
        os.environ["FEMPSLIP_CACHE"] = kept
    residual, leak = (max(one[key] for one in found) for key in ("residual", "leak"))
    yield Table(
        "slabs",
        f"Growth with the number of nodes: a slab of {' x '.join(map(str, SLAB))} xi in flux flow, gamma = 10",
        (
            "h, xi", "nodes", "mesh, s", "set-up, s", "mean dt", "CG a step", "cycles a step", "psi, ms", "mu, ms",
            "step, ms", "tracking, ms", "ns a node", "CPU s/tau0", "growth", "GiB",
        ),
        [growth_row(h, one, before) for h, one, before in zip(SIZES, found, [None, *found], strict=False)],
        f"Time per tau0 grows as N^{exponent(found):.2f} over the whole range. Memory is the peak of the process, the "
        f"tracker and the recorder in it; the mesher, a process of its own, takes up to "
        f"{max(one['memory'] for one in meshing) / 2**20:.1f} GiB. Both sides of the ledger differ by at most "
        f"{residual:.0e}, charge leaks by {leak:.0e} of the largest edge current.",
    )  # fmt: skip


def exponent(found: Sequence[dict[str, Any]]) -> float:
    first, last = found[0], found[-1]
    return float(np.log(last["cpu"] / first["cpu"]) / np.log(last["nodes"] / first["nodes"]))


def growth_row(h: float, one: dict[str, Any], before: dict[str, Any] | None) -> tuple[object, ...]:
    parts = {key: 1e3 * value for key, value in one["parts"].items()}
    growth = "" if before is None else f"N^{exponent([before, one]):.2f}"
    return (
        h, one["nodes"], f"{one['mesh']:.1f}", f"{one['compile'] + one['ready']:.1f}", f"{one['dt']:.2f}",
        f"{one['iterations']:.1f}", f"{one['cycles']:.1f}", f"{parts['psi']:.1f}", f"{parts['mu']:.1f}",
        f"{1e3 * one['step']:.1f}", f"{parts['tracking']:.2f}", f"{1e6 * parts['tracking'] / one['nodes']:.0f}",
        f"{one['cpu']:.4f}", growth, f"{one['memory'] / 2**20:.2f}",
    )  # fmt: skip


if __name__ == "__main__":
    answers = {"mesh": meshed}
    given = json.loads(sys.argv[1])
    Path(sys.argv[2]).write_text(json.dumps(answers.get(given.get("only"), measured)(given)))
