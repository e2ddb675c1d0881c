"""Zeros and ledgers of a stored run, made from its frames when nobody watched, or for places that were not measured.

A frame holds psi in the gauge of the applied potential and chi, so that psi and a of the temporal gauge are there
again; where the sample has a field of its own it holds a itself.  Two things are then possible:

* `followed`: the trackers see the frames instead of the steps.  What they record is exact for these samples; which zero
  is which is trusted while no bright node turns by more than 0.8 between two frames.
* `ledger_between`: where zeros were watched, every edge that they crossed is stored, and with each frame the unwrapped
  phases of the nodes.  So both sides of the relation of topology.ledger are exact for any path, from frame to frame.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import cast

import numpy as np

from fempslip import mesh as parts
from fempslip.case import Evolve
from fempslip.contract import Array, Problem, Refusal, State, Step, Trial
from fempslip.mesh.copies import edge_vertices
from fempslip.mesh.simplices import in_space
from fempslip.physics.applied import potential
from fempslip.run.compiling import compile
from fempslip.store import Run
from fempslip.tasks.line_tracking import BodyLines
from fempslip.tasks.tracking import Ledger, Topology
from fempslip.topology import ledger
from fempslip.topology.slips import slips
from fempslip.topology.state import TURN
from fempslip.topology.subcomplex import subcomplex

TRUSTED, LOST = 0.8, 2.5  # largest turn of a bright node between two samples: ids are sure; counts are not
SAMPLES = 2.5  # samples that a hop may take
Place = str | Sequence[float]


class SampledTracks(UserWarning):
    """Zeros that were followed over frames too far apart."""


# ------------------------------------------------------------------------------------------- frames as samples


def refuse_without_links(run: Run) -> None:
    """Raises Refusal where frames do not tell the links of the temporal gauge."""
    from fempslip.run.running import case_of

    case = case_of(run)
    if not isinstance(case, Evolve):
        raise Refusal(f"{run.folder}: the states of task {case.task} do not follow each other in time")
    if "a" not in run.edges and ("chi" not in run.fields or case.model.screening != "none"):
        words = f"its frames do not hold the links that zeros are counted with (screening: {case.model.screening}, "
        words += f"dynamics: {case.model.dynamics})"
        cure = "ask for what is counted before the run: the recipes zeros, vortex_tracks, voltage_ledger, phase_slips"
        raise Refusal(f"{run.folder}: {words}; {cure}")


def problem_of(run: Run) -> Problem:
    """The problem that a stored run solved, with an empty start state."""
    from fempslip.run.running import case_of

    return compile(cast(Evolve, case_of(run)), run.mesh, psi=np.zeros(run.mesh.nodes, dtype=complex))


def sample(run: Run, problem: Problem, k: int) -> State:
    """Frame k as a state: psi and a in temporal gauge."""
    frame = run.frame(k)
    psi = frame["psi_re"] + 1j * frame["psi_im"]
    if "chi" in frame:
        psi *= np.exp(1j * frame["chi"])
    a = links(run, problem, k, frame)
    return State(k, float(run.times[k]), 0.0, (), {"psi": (psi,), "a": (a,)})


def links(run: Run, problem: Problem, k: int, frame: Mapping[str, Array]) -> Array:
    """a of frame k in temporal gauge, (edges,)."""
    if "a" in run.edges:
        return run.on_edges(k)["a"]
    i, j = problem.operators.edges
    return potential(problem.drive, float(run.times[k])) + (frame["chi"][j] - frame["chi"][i])


@dataclass
class Columns:
    """contract.Sink that keeps tables as columns."""

    tables: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def row(self, table: str, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self.tables.setdefault(table, {}).setdefault(name, []).append(float(value))

    def rows(self, table: str, columns: Mapping[str, Array]) -> None:
        for name, values in columns.items():
            self.tables.setdefault(table, {}).setdefault(name, []).extend(np.asarray(values, dtype=float).tolist())

    def frame(self, *frame: object) -> None: ...

    def due(self) -> bool:
        return False

    def checkpoint(self, arrays: Mapping[str, Array]) -> None: ...


@dataclass(frozen=True, eq=False)
class Followed(Run):
    """A run with the tables that its frames gave.  largest : turn of a bright node between two frames"""

    seen: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)
    largest: float = 0.0

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*super().tables, *self.seen)))

    def table(self, name: str) -> dict[str, Array]:
        return dict(self.seen[name]) if name in self.seen else super().table(name)


def followed(run: Run) -> Followed:
    """The run as if its zeros had been watched, by its frames.  Warns (SampledTracks) where these are too far apart.

    Raises Refusal where there are fewer than two frames or these do not hold what is needed.
    """
    refuse_without_links(run)
    if len(run.times) < 2:
        raise Refusal(f"{run.folder} holds {len(run.times)} frames; zeros are followed from one frame to another")
    problem, sink = problem_of(run), Columns()
    topology = Topology.of(problem)
    gap = float(np.diff(run.times).max())
    if isinstance(topology.follower, BodyLines):
        topology.follower.every = 0.5 * float(np.diff(run.times).min())
    book = Ledger.of(problem, topology, every=1) if problem.pairs else None
    old, largest = sample(run, problem, 0), 0.0
    for k in range(1, len(run.times)):
        new = sample(run, problem, k)
        step = Step(problem, old, new, Trial(new.t - old.t, {}, {}, 0.0, 0), 0)
        topology.see(step, sink)
        if book is not None:
            book.see(step, sink)
        largest, old = max(largest, topology.now.largest), new
    topology.check(old.t, sink)
    warn_of_turns(largest, gap)
    seen = {name: {c: np.array(v) for c, v in table.items()} for name, table in sink.tables.items()}
    hops = dict(run.header.get("hops", {}))
    hops["tau_z"] = max(hops.get("tau_z", 0.0), SAMPLES * gap)
    plain = {f.name: getattr(run, f.name) for f in fields(Run)}
    return Followed(**{**plain, "header": {**run.header, "hops": hops}}, seen=seen, largest=largest)


def warn_of_turns(largest: float, gap: float) -> None:
    """Say what can be trusted of zeros that were followed over frames `gap` apart."""
    if largest <= TRUSTED:
        return
    words = f"zeros were followed over frames {gap:.3g} tau apart, between which |psi| > 0.3 turns by {largest:.2g} rad"
    sure = "which zero is which is not sure" if largest <= LOST else "neither identities nor counts can be relied on"
    cure = f"record fields every {0.8 * TRUSTED / largest * gap:.2g} tau, or ask for the recipes before the run"
    warnings.warn(f"{words} (trusted up to {TRUSTED:g}): {sure}; {cure}", SampledTracks, stacklevel=3)


def watched(run: Run, asked: Iterable[str], known: Iterable[str]) -> Run:
    """The run, or what its frames give, where `tracks` or `ledger` are asked that were not known when it was made."""
    return followed(run) if {"tracks", "ledger"} & set(asked) - set(known) else run


# ------------------------------------------------------------------------------------------- any two places


def ledger_between(run: Run, first: Place, second: Place) -> dict[str, dict[str, Array]]:
    """Both sides of int V dt between any two places, frame by frame from the first one on.

    first, second : names of probes or boundaries, or points in xi
    Returns path -> columns t, impulse, crossings, phase, nodes, contact, residual (see tasks.tracking.Ledger).
    Raises Refusal for a run whose zeros were not watched, for places that the body does not join, and for places of a
    superfluid that were not measured: frames tell its phase there, but not how often the phase went round.
    """
    if "turned" not in run.fields:
        words = "the crossings of its zeros were not watched, so there is no ledger for other places"
        raise Refusal(f"{run.folder}: {words}; ask for the recipe voltage_ledger or vortex_tracks before the run")
    refuse_without_links(run)
    problem = problem_of(run)
    measured = {name for pair in problem.pairs for name in pair}
    known_there = all(isinstance(place, str) and place in measured for place in (first, second))
    if problem.model["dynamics"] == "superfluid" and not known_there:
        words = "chemical potentials of a superfluid are counted during the run, and only at measured places"
        known = f" (here: {', '.join(sorted(measured))})" if measured else ""
        raise Refusal(f"{run.folder}: {words}{known}; name the place under measure: between before the run")
    op, tracked = problem.operators, subcomplex(problem)
    b = weights_of(problem, second) - weights_of(problem, first)
    ways = ledger.paths(problem.mesh, op, b)
    chains = ledger.Chains.of(op, tracked.edge_live, list(ways.values()))
    states = np.array([terms(run, problem, chains, k) for k in range(len(run.times))])
    counted = crossed_until(run, chains, run.times)
    found = {}
    for row, name in enumerate(ways):
        links, phase, nodes, rest = (states[:, :, row] - states[0, :, row]).T
        crossings = counted[row] - counted[row, 0]
        columns = {"t": run.times, "impulse": -links - rest, "crossings": crossings, "phase": phase, "nodes": -nodes}
        residual = -links - (TURN * crossings + phase - nodes)
        found[name] = {**columns, "contact": -rest, "residual": residual}
    return found


def slips_between(run: Run, first: Place, second: Place) -> dict[str, Array]:
    """Phase slips of a film or a body between two places: columns of topology.slips.slips.  Raises Refusal as above."""
    if "turned" not in run.fields:
        raise Refusal(f"{run.folder}: crossings were not watched; ask for the recipe body_slips before the run")
    problem = problem_of(run)
    op, mesh = problem.operators, problem.mesh
    table = (
        run.table("crossings")
        if "crossings" in run.tables
        else {name: np.zeros(0) for name in ("t", "edge", "winding")}
    )
    edge = table["edge"].astype(int)
    share = ledger.spread(op, weights_of(problem, second) - weights_of(problem, first))[edge] * table["winding"]
    place = in_space(mesh.points)[:, edge_vertices(mesh, op)[:, edge]].mean(axis=1)
    return slips(table["t"], place, share, 0.5 * run.header["hops"]["tau_z"])


def weights_of(problem: Problem, place: Place) -> Array:
    """(nodes,) weights of a probe, a boundary or a point; their sum is 1."""
    out = np.zeros(problem.operators.nodes)
    if isinstance(place, str):
        if place not in problem.probes:
            raise Refusal(f"there is no probe or boundary {place!r}; there are {', '.join(sorted(problem.probes))}")
        probe = problem.probes[place]
        nodes, weights = probe.nodes, probe.weights
    else:
        nodes, weights = parts.locate(problem.mesh, np.asarray(place, dtype=float), "the probe")
    np.add.at(out, nodes, weights)
    return out


def terms(run: Run, problem: Problem, chains: ledger.Chains, k: int) -> Array:
    """(4, chains) of ledger.Chains.terms, from frame k."""
    frame = run.frame(k)
    i, j = problem.operators.edges
    a = links(run, problem, k, frame)
    turned = frame["turned"]
    phi = turned[j] - turned[i] - a
    phi = phi - TURN * np.rint(phi / TURN)
    return np.array([chains.p @ a, chains.p @ phi, chains.b @ turned, chains.rest @ a])


def crossed_until(run: Run, chains: ledger.Chains, times: Array) -> Array:
    """(chains, times) sum p W of all stored crossings up to each time."""
    if "crossings" not in run.tables:
        return np.zeros((chains.p.shape[0], times.size))
    table = run.table("crossings")
    each = chains.p[:, table["edge"].astype(int)] * table["winding"]
    total = np.concatenate([np.zeros((each.shape[0], 1)), np.cumsum(each, axis=1)], axis=1)
    return total[:, np.searchsorted(table["t"], times * (1 + 1e-12), side="right")]


def with_pair(run: Run, first: Place, second: Place) -> Run:
    """The run with the ledger of one pair of places as its table `ledger`."""
    found = ledger_between(run, first, second)
    columns: dict[str, list[Array]] = {}
    for name, table in found.items():
        size = table["t"].size
        numbers = {"pair": np.zeros(size), "path": np.full(size, float(ledger.PATHS.index(name)))}
        for column, values in {**table, **numbers}.items():
            columns.setdefault(column, []).append(values)
    plain = {f.name: getattr(run, f.name) for f in fields(Run)}
    return Followed(**plain, seen={"ledger": {c: np.concatenate(v) for c, v in columns.items()}})
