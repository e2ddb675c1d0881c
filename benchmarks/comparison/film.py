"""Flux flow in a film of 40 x 20 xi, b = 0.3, j = 0.1, beside tdgl (pyTDGL) on the same mesh from the same start.

The start is psi = 1 in the symmetric gauge centred on the film, 0 at the contacts.  The voltage between two nodes near
x = -10 and 10 xi is averaged over the later part of the run; its error is the distance from a run of the same program
on the same mesh with much shorter steps.  The peer is tuned (dt_init = 1e-4).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from comparison.report import Asked, Table, ask
from fempslip.case.loading import load_text
from fempslip.contract import Array, Problem
from fempslip.mesh.meshing import make_mesh
from fempslip.run.compiling import compile
from fempslip.tasks.evolve import evolve
from fempslip.tasks.watchers import Voltages

CASE = """
geometry:
  dimension: 2
  {mesh}
  boundaries: {{source: {{edge: left, of: film}}, drain: {{edge: right, of: film}}}}
  probes: {{upstream: {probes[0]}, downstream: {probes[1]}}}
material: {{u: 5.79, gamma: {gamma}}}
contacts: {{source: normal, drain: normal}}
drive: {{field: 0.3, current: {{from: source, to: drain, density: 0.1}}}}
time: {{until: {until}}}
measure: {{between: [upstream, downstream]}}
"""
PEER = {"length": 40, "width": 20, "field": 0.3, "density": 0.1, "dt_init": 1e-4, "probes": [-10, 10]}
MESHES = {"16k": {"edge": 0.5}, "4k": {"edge": 1.0, "sites": 3600}}  # what the peer's mesher is asked for
WINDOWS = {10: (60.0, 24.0), 1: (40.0, 10.0)}  # gamma -> end of the run, start of the mean
TIGHT = 3e-5  # tolerance of our reference
SHORT = {10: 2e-3, 1: 5e-3}  # gamma -> longest step of the peer's reference, a quarter and a seventh of its mean one
ASKED = (
    3e-4,
    1e-3,
    3e-3,
)  # tolerances: of a user who says nothing, of one in haste, the loosest with an error below 1 %


@dataclass(frozen=True)
class Run:
    """cpu : seconds of the solve per tau0;  t, v, impulse : of each step;  at : CPU seconds when it was done."""

    cpu: float
    steps: int
    nodes: int
    t: Array
    v: Array
    impulse: Array
    at: Array

    def cost(self, begun: float) -> float:
        """CPU seconds per tau0 from `begun` to the end."""
        return float((self.at[-1] - np.interp(begun, self.t, self.at)) / (self.t[-1] - begun))

    def rate(self, begun: float) -> float:
        """Steps per tau0 from `begun` to the end."""
        return float(self.steps * np.mean(self.t > begun) / (self.t[-1] - begun))

    def mean(self, begun: float) -> float:
        """Mean voltage from `begun` to the end."""
        ends = np.interp([begun, self.t[-1]], self.t, self.impulse)
        return float((ends[1] - ends[0]) / (self.t[-1] - begun))


class Rows:
    """A sink that keeps the rows of the voltage."""

    def __init__(self) -> None:
        self.kept: list[tuple[float, float, float, float]] = []

    def row(self, table: str, values: dict[str, float]) -> None:
        t, v, impulse, _ = values.values()
        self.kept.append((t, v, impulse, time.process_time()))

    def frame(self, t: float, fields: object) -> None: ...
    def due(self) -> bool:
        return False

    def checkpoint(self, arrays: object) -> None: ...


def film(gamma: float, until: float, size: float = 0.5, mesh: Path | None = None, tolerance: float = 3e-4) -> Problem:
    """The film on our own mesh, or on points and triangles of the peer."""
    probes, domain = [[-10, 0], [10, 0]], "regions: {film: {rectangle: {size: [40, 20], center: [0, 0]}}}"
    if mesh is not None:
        probes = np.load(mesh)["probes"].tolist()
        domain = f"import: {{file: {imported_mesh(mesh)}}}\n  regions: {{film: {{group: 'part:1'}}}}"
    text = CASE.format(mesh=domain, gamma=gamma, until=until, probes=probes)
    text += f"mesh: {{size: {size}}}\n" if mesh is None else ""
    case = load_text(text, "film")
    problem = compile(case, make_mesh(case))
    clock = replace(problem.clock, tolerance=tolerance)
    return replace(problem, clock=clock, psi=symmetric(problem))


def imported_mesh(mesh: Path) -> Path:
    import meshio

    kept, file = np.load(mesh), mesh.with_suffix(".vtu")
    if not file.exists():
        points = np.column_stack([kept["points"], np.zeros(len(kept["points"]))])
        part = {"part": [np.ones(len(kept["triangles"]), dtype=np.int32)]}
        meshio.Mesh(points, [("triangle", kept["triangles"])], cell_data=part).write(file)
    return file


def symmetric(problem: Problem) -> Array:
    """psi = 1 in the gauge A = B (-y, x)/2, here in the gauge of the drive: they differ by a function of the nodes."""
    import scipy.sparse.linalg as spl

    op, x = problem.operators, problem.mesh.node_points
    i, j = op.edges
    applied = 0.3 * 0.5 * (x[0, i] * x[1, j] - x[1, i] * x[0, j])
    difference = problem.drive.fields[0].value(0) * problem.drive.patterns[0] - applied
    phase = spl.lsqr(op.G, difference, atol=1e-13, btol=1e-13)[0]
    assert np.abs(op.G @ phase - difference).max() < 1e-6
    psi = np.exp(1j * phase)
    for contact in problem.contacts:
        psi[contact.nodes] = 0
    return psi


def ours(problem: Problem) -> Run:
    rows = Rows()
    watchers = {"voltage": Voltages.of(problem)}
    begun = time.process_time()
    evolve(problem, watchers, rows, every=problem.clock.until)
    cpu = time.process_time() - begun
    t, v, impulse, at = np.array(rows.kept).T
    return Run(cpu / problem.clock.until, t.size, problem.operators.nodes, t, v, impulse, at - begun)


def theirs(python: Path, mesh: Path, wanted: dict[str, Any], gamma: float, until: float) -> Run:
    found = ask(python, "tdgl_film.py", {**PEER, **wanted, "mesh": str(mesh), "gamma": gamma, "until": until})
    t, v, impulse = (np.array(found[name]) for name in ("t", "v", "impulse"))
    at = np.linspace(0.0, found["cpu"], t.size)  # its steps all cost the same
    return Run(found["cpu"] / until, found["steps"], found["sites"], t, v, impulse, at)


def meshed(asked: Asked, python: Path) -> dict[str, Path]:
    """The peer's meshes, kept beside its environment."""
    assert asked.peers is not None
    found = {name: asked.peers / f"film_{name}.npz" for name in MESHES}
    for name, file in found.items():
        ask(python, "tdgl_film.py", {**PEER, **MESHES[name], "mesh": str(file), "gamma": 1, "until": 0})
    return found


def measure(asked: Asked) -> Iterator[Table]:
    python = asked.python_of("tdgl")
    if python is None:
        print("tdgl is not there: see --peers")
        return
    meshes = meshed(asked, python)
    ours(film(10, 1.0))  # compiles the kernels
    rows, curves = [], {}
    for gamma, (until, begun) in WINDOWS.items():
        if asked.quick:
            until, begun = until / 5, begun / 5
        found, best, peer_best = {}, {}, {}
        for name, mesh in meshes.items():
            found[name] = [
                Pair(
                    {tolerance: ours(film(gamma, until, mesh=mesh, tolerance=tolerance)) for tolerance in ASKED},
                    {tolerance: ours(film(gamma, until, tolerance=tolerance)) for tolerance in ASKED},
                    theirs(python, mesh, {}, gamma, until),
                )
                for _ in range(asked.repeat)
            ]
            best[name] = ours(film(gamma, until, mesh=mesh, tolerance=TIGHT))
            peer_best[name] = theirs(python, mesh, {"dt_max": SHORT[gamma]}, gamma, until)
            curves[gamma, name] = found[name][-1]
            rows += lines(name, gamma, begun, best[name], peer_best[name], found[name])
        asking = [replace(pair, ours=pair.own) for pair in found["16k"]]
        own = ours(film(gamma, until, tolerance=TIGHT))
        rows += lines("0.5 xi asked", gamma, begun, own, peer_best["16k"], asking)
    picture(curves, asked.into / "film.png")
    yield Table("flux_flow", "Film of 40 x 20 xi, b = 0.3, j = 0.1, beside tdgl 0.9.0", COLUMNS, rows, NOTE)


@dataclass(frozen=True)
class Pair:
    """Runs in turn: ours by tolerance on the peer's mesh and on our own of 0.5 xi, and the peer's."""

    ours: dict[float, Run]
    own: dict[float, Run]
    peer: Run


COLUMNS = (
    "mesh",
    "gamma",
    "program",
    "sites",
    "CPU ms per tau0",
    "steps per tau0",
    "mean V",
    "error",
    "both converged",
    "times faster",
    "lowest, highest",
    "whole run",
)
NOTE = (
    "One thread each, the peer tuned (dt_init = 1e-4), medians of paired runs in turn on the same mesh from the same "
    "start; CPU time of the solve alone, per tau0 in the window of the mean voltage (whole run: times faster from the "
    "sudden start on). Error: of the mean voltage, against the same program on the same mesh with short steps (ours: "
    "tolerance 3e-5, the peer's: at most 0.002 or 0.005 tau0). Both converged: how far these two are apart, which is "
    "the difference of the discretizations on that mesh. Mesh '0.5 xi asked': what a user gets who asks the peer for a "
    "largest edge of 0.5 xi, and us for mesh size 0.5 xi. The flow is still settling in these windows, sooner or later "
    "by the mesh (at gamma = 10 its voltage falls to a third by 200 tau0): voltages of one mesh can be compared, those "
    "of different meshes cannot."
)


def lines(
    mesh: str, gamma: float, begun: float, our_best: Run, peer_best: Run, pairs: list[Pair]
) -> list[list[object]]:
    """Lines of the table: ours at each tolerance and the peer, medians of the pairs."""
    peer = [pair.peer for pair in pairs]
    sides = {f"fempslip, tolerance {tolerance:g}": [p.ours[tolerance] for p in pairs] for tolerance in ASKED}
    found = []
    for label, runs in (*sides.items(), ("tdgl", peer)):
        v, best = runs[-1].mean(begun), (peer_best if runs is peer else our_best).mean(begun)
        line = [mesh, gamma, label, runs[0].nodes, f"{1e3 * median(r.cost(begun) for r in runs):.2f}"]
        line += [f"{runs[-1].rate(begun):.1f}", f"{v:.4f}", f"{100 * (v / best - 1):+.2f} %"]
        if runs is peer:
            found.append([*line, "", "", "", ""])
            continue
        ratios = sorted(b.cost(begun) / a.cost(begun) for a, b in zip(runs, peer, strict=True))
        whole = median(b.cpu / a.cpu for a, b in zip(runs, peer, strict=True))
        apart = f"{100 * (our_best.mean(begun) / peer_best.mean(begun) - 1):+.2f} %"
        line += [apart if our_best.nodes == peer_best.nodes else "", f"{median(ratios):.0f}"]
        found.append([*line, f"{ratios[0]:.0f}, {ratios[-1]:.0f}", f"{whole:.0f}"])
    return found


def picture(curves: dict[tuple[float, str], Pair], file: Path) -> None:
    """The voltages of both on the same mesh laid over each other."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(2, 2, figsize=(10, 6), sharex="col", sharey=True, layout="constrained")
    for panel, ((gamma, _), pair) in zip(panels.T.flat, curves.items(), strict=True):
        mine, other = pair.ours[ASKED[0]], pair.peer
        panel.plot(other.t, other.v, color="tab:orange", lw=3, alpha=0.6, label="tdgl")
        panel.plot(mine.t, mine.v, color="tab:blue", lw=1, label="fempslip, same mesh")
        panel.set_title(rf"$\gamma$ = {gamma}, {mine.nodes} sites", fontsize=10)
        panel.set_ylim(0, 1.9)
    panels[0, 0].legend(frameon=False, fontsize=9)
    for panel in panels[-1]:
        panel.set_xlabel(r"t / $\tau_0$")
    for panel in panels[:, 0]:
        panel.set_ylabel(r"V / V$_0$")
    figure.savefig(file, dpi=150)
    plt.close(figure)
