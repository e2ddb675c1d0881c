"""What verification tests share: a case written as text, solved with everything kept in memory."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fempslip.case import Case, load
from fempslip.contract import Array, Problem, State, Watcher
from fempslip.mesh.meshing import make_mesh
from fempslip.run.compiling import compile
from fempslip.run.recipes import watchers_for
from fempslip.run.results import Mean, mean_of
from fempslip.run.running import contours_of
from fempslip.store import Run
from fempslip.tasks.evolve import evolve

# Case W of the oracles: a wire of 20 xi between banks with a weak spot in its middle.
WIRE_W = """
geometry:
  dimension: 1
  parameters: {length: 20 xi}
  regions: {wire: {segment: {from: [0], to: [length]}}}
  boundaries: {source: {end: first, of: wire}, drain: {end: last, of: wire}}
material: {u: 5.79, gamma: 1, epsilon: {gaussian: {depth: 0.5, width: 1 xi, center: [0.5 length]}}}
contacts: {source: bank, drain: bank}
drive: {current: {from: source, to: drain, density: 0.3 j0}}
mesh: {size: 0.1 xi}
time: {until: 300 tau}
measure: {from: 150 tau, between: [source, drain]}
"""

# A small film in a field that is switched on: vortices enter and cross within a few tau.
FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [10 xi, 6 xi], center: [0, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
  probes: {a: [-3, 0], b: [3, 0]}
material: {xi: 20 nm, lambda: 200 nm, sigma: 2e6 S/m, u: 5.79, gamma: 10, thickness: 20 nm}
drive:
  field: {ramp: {from: 0, to: 0.4, over: 5 tau}}
  current: {from: source, to: drain, density: 0.2}
mesh: {size: 0.5 xi}
time: {until: 30 tau}
measure: {from: 10 tau, between: [a, b]}
record: {fields: every 1 tau}
postprocess: [voltage, zeros, josephson_residual, vortex_tracks, voltage_ledger]
"""

# An endless tube with a weak sector and its own field: slips come there one at a time.  h = 0.4 xi.
WEAK_TUBE = """
geometry:
  dimension: 2
  regions:
    tube:
      minus:
        - annulus: {inner: 5 xi, outer: 7 xi, center: [0, 0]}
        - rectangle: {size: [3 xi, 2 xi], center: [6, 0]}
    link:
      common:
        - annulus: {inner: 5 xi, outer: 7 xi, center: [0, 0]}
        - rectangle: {size: [3 xi, 2 xi], center: [6, 0]}
  holes: {hole: {point: [0, 0]}}
  contours: {loop: hole}
material: {everywhere: {lambda: 3, u: 5.79, gamma: 0}, link: {epsilon: 0.4}}
model: {screening: maxwell}
drive: {field: {ramp: {from: 0, to: 0.155, over: 20 tau}}}
mesh: {size: 0.4 xi}
time: {until: 150 tau}
record: {fields: every 10 tau}
postprocess: [flux_jump, winding]
"""


@dataclass
class Memory:
    """contract.Sink that keeps rows and frames in lists."""

    tables: dict[str, list[Mapping[str, float]]] = field(default_factory=dict)
    frames: list[tuple[float, Mapping[str, Array]]] = field(default_factory=list)

    def row(self, table: str, values: Mapping[str, float]) -> None:
        self.tables.setdefault(table, []).append(dict(values))

    def rows(self, table: str, columns: Mapping[str, Array]) -> None:
        for values in zip(*(np.asarray(c, dtype=float).tolist() for c in columns.values()), strict=True):
            self.row(table, dict(zip(columns, values, strict=True)))

    def frame(self, t: float, fields: Mapping[str, Array], edges: Mapping[str, Array] | None = None) -> None:
        self.frames.append((t, fields))

    def due(self) -> bool:
        return False

    def checkpoint(self, arrays: Mapping[str, Array]) -> None:
        self.last = arrays

    def table(self, name: str) -> dict[str, Array]:
        rows = self.tables[name]
        return {key: np.array([row[key] for row in rows]) for key in rows[0]}


@dataclass(frozen=True)
class Experiment:
    """A case that was solved: what a test looks at."""

    case: Case
    problem: Problem
    memory: Memory
    state: State

    def table(self, name: str) -> dict[str, Array]:
        return self.memory.table(name)

    def voltage(self, start: float, pair: str | None = None) -> Mean:
        """Mean voltage over whole periods from `start` on, of the first measured pair if none is named."""
        v = self.table("voltage")
        pair = pair or next(name for name in v if name != "t")
        late = v["t"] >= start
        return mean_of(v["t"][late], v[f"{pair} impulse"][late], v[pair][late], v[f"{pair} slips"][late])


def case_from(text: str, folder: Path, changes: Mapping[str, object] | None = None) -> Case:
    """A case from its YAML text, with values changed by path."""
    path = folder / "case.yaml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return load(path, dict(changes or {}))


def problem_of(case: Case) -> Problem:
    return compile(case, make_mesh(case))


def experiment(
    case: Case, psi: Array | None = None, problem: Problem | None = None, also: Mapping[str, Watcher] | None = None
) -> Experiment:
    """Solve a case in memory; psi : (nodes,) another start state; `also` watches besides the case's own watchers."""
    problem = problem or problem_of(case)
    if psi is not None:
        problem = replace(problem, psi=psi)
    memory = Memory()
    watchers = watchers_for(case, problem, contours_of(problem.mesh, problem.operators)) | dict(also or {})
    course = evolve(problem, watchers, memory, case.record.fields)
    return Experiment(case, problem, memory, course.state)


def same(one: Run, other: Run) -> None:
    """Equal, bit for bit, in every table, in the last frame and in the last checkpoint."""
    assert one.tables == other.tables
    for name in one.tables:
        for column, values in one.table(name).items():
            np.testing.assert_array_equal(values, other.table(name)[column], err_msg=f"{name}.{column}")
    np.testing.assert_array_equal(one.times, other.times)
    for name, values in one.frame(-1).items():
        np.testing.assert_array_equal(values, other.frame(-1)[name], err_msg=name)
    assert one.edges == other.edges
    for name, values in one.on_edges(-1).items():
        np.testing.assert_array_equal(values, other.on_edges(-1)[name], err_msg=name)
    last, other_last = one.checkpoint(), other.checkpoint()
    assert set(last) == set(other_last)
    for name, values in last.items():
        np.testing.assert_array_equal(values, other_last[name], err_msg=name)
