"""What is read off every accepted step.  Watchers keep plain numbers between steps, so that a run can resume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from fempslip.contract import Array, Failure, Load, Probe, Problem, Sink, State, Step
from fempslip.mesh.cochains import edge_lengths, uniform_field
from fempslip.mesh.paths import chain
from fempslip.physics import kernels
from fempslip.physics.applied import potential_rate
from fempslip.physics.fields import induction, on_edges, visible
from fempslip.physics.graph import graph
from fempslip.physics.maxwell import Kinetics, Screening, everywhere, hole_flux
from fempslip.physics.power import Meter, meter_of
from fempslip.solver.netlist import Netlist, load_of
from fempslip.topology.kernels import along, drop
from fempslip.topology.windings import face_windings, path_winding, zero_positions


class Plain:
    """A watcher with nothing to keep and nothing to do at the end."""

    def save(self) -> Mapping[str, Array]:
        return {}

    def load(self, arrays: Mapping[str, Array]) -> None:
        pass

    def finish(self, sink: Sink) -> None:
        pass


@dataclass
class Series(Plain):
    """Table `series`: one row a step.  Energy in units of F; supplied, dissipated and stored power in F per tau0."""

    meter: Meter
    loads: Load
    before: Array = field(default_factory=lambda: np.full(1, np.nan))  # energy of the last step

    @classmethod
    def of(cls, problem: Problem) -> Series:
        return cls(meter_of(problem), load_of(problem))

    def see(self, step: Step, sink: Sink) -> None:
        old, new = step.old, step.new
        if np.isnan(self.before[0]):
            self.before = np.array([self.meter.stored(old)[0]])
        energy, density = self.meter.stored(new)
        currents = self.loads.during(old, new)
        row = {"t": new.t, "dt": new.t - old.t, "energy": energy, "mean_density": density}
        row |= {"iterations": step.trial.iterations, "rejected": step.rejected, "max_theta": step.trial.max_theta}
        row |= {"supplied": self.meter.supplied(old, new, currents), "dissipated": self.meter.dissipated(old, new)}
        row |= {"stored": (energy - self.before[0]) / (new.t - old.t)}
        if not isfinite(sum(row.values())):
            name = next((name for name, value in row.items() if not isfinite(value)), "the energy")
            raise Failure(f"{name} is not finite at t = {new.t:g} tau: nothing of this step is recorded")
        sink.row("series", row)
        self.before = np.array([energy])

    def save(self) -> Mapping[str, Array]:
        return {"before": self.before}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.before = arrays["before"].copy()


@dataclass
class Currents(Plain):
    """Table `currents`: the current into each contact, its mean over every step."""

    loads: Load

    def see(self, step: Step, sink: Sink) -> None:
        found = self.loads.during(step.old, step.new)
        names = [contact.name for contact in step.problem.contacts]
        sink.row("currents", {"t": step.new.t, "dt": step.new.t - step.old.t, **dict(zip(names, found, strict=True))})


@dataclass
class CircuitTable(Plain):
    """Table `circuit`: potential of every node and current of every element and terminal after each step, in V0 and I0;
    with noise of the sample their means in the step.

    supplied, dissipated, sample : mean power of the sources, of the resistors and into the sample in the step, in I0 V0
    stored : energy of inductors and capacitors, in I0 V0 tau0
    """

    netlist: Netlist

    def see(self, step: Step, sink: Sink) -> None:
        eq, instants = self.netlist.equations, self.netlist.instants(step.old, step.new)
        new, t = instants[-1]
        row = {"t": step.new.t} | {f"V {name}": float(new[k]) for name, k in eq.node.items()}
        row |= {f"I {e.name}": eq.current(new, e, t) for e in eq.circuit.elements}
        row |= {f"I into {name}": float(new[k]) for name, k in zip(eq.circuit.terminals, eq.terminals, strict=True)}

        def mean(*kinds: str) -> float:
            return sum(eq.power(x, t, kinds) for x, t in instants) / len(instants)

        row |= {"supplied": -mean("voltage", "current"), "dissipated": mean("resistor")}
        row |= {"sample": sum(eq.into_sample(x) for x, _ in instants) / len(instants)}
        row |= {"stored": self.netlist.stored(step.new)}
        sink.row("circuit", row)


@dataclass(frozen=True, eq=False)
class PathVoltage:
    """Voltage V = -sum p_e da_e/dt along a chain of edges from one probe to another.

    edges, share : (n,) its edges and their p;  ends : (2, n) their nodes
    live : (n,) False where psi is held at 0 at an end
    """

    name: str
    edges: Array
    share: Array
    ends: Array
    live: Array

    @classmethod
    def of(cls, problem: Problem, first: Probe, second: Probe, tracked: Array) -> PathVoltage:
        op = problem.operators
        b = np.zeros(op.nodes)
        np.add.at(b, first.nodes, first.weights)
        np.add.at(b, second.nodes, -second.weights)
        p = chain(op, edge_lengths(problem.mesh, op), -b)
        edges = np.flatnonzero(p)
        ends = np.ascontiguousarray(op.edges[:, edges])
        return cls(f"{first.name}|{second.name}", edges, p[edges], ends, tracked[ends].all(axis=0))

    def counted(self, old: State, new: State) -> tuple[float, float, float]:
        """Zeros that crossed it in the step, and sum p a before and after."""
        found = along(self.edges, self.ends, self.share, self.live, old["psi"], new["psi"], old["a"], new["a"])
        crossed, before, after = found
        return crossed, before, after

    def voltage(self, problem: Problem, state: State) -> float:
        """sum p_e E_e (physics.fields.electric)."""
        if "e" in state.history:
            return float(self.share @ state["e"][self.edges])
        rate = potential_rate(problem.drive, state.t)
        moved = 0.0 if rate is None else float(self.share @ rate[self.edges])
        return float(drop(self.ends, self.share, state["mu"])) - moved


@dataclass
class Voltages(Plain):
    """Table `voltage`: for each pair the voltage, its integral over time, and the zeros that crossed its path.

    The integral is exact, minus the change of sum p a along the path; a phase slip adds 2 pi.
    """

    paths: tuple[PathVoltage, ...]
    counts: Array = field(default_factory=lambda: np.zeros(0))
    starts: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, problem: Problem) -> Voltages:
        tracked = tracked_nodes(problem)
        pairs = ((problem.probes[a], problem.probes[b]) for a, b in problem.pairs)
        paths = tuple(PathVoltage.of(problem, a, b, tracked) for a, b in pairs)
        return cls(paths, np.zeros(len(paths)), np.full(len(paths), np.nan))

    def see(self, step: Step, sink: Sink) -> None:
        if not self.paths:
            return
        old, new = step.old, step.new
        row: dict[str, float] = {"t": new.t}
        for k, path in enumerate(self.paths):
            crossed, before, after = path.counted(old, new)
            self.counts[k] += crossed
            if np.isnan(self.starts[k]):
                self.starts[k] = before
            row[path.name] = path.voltage(step.problem, new)
            row[f"{path.name} impulse"] = self.starts[k] - after
            row[f"{path.name} slips"] = self.counts[k]
        sink.row("voltage", row)

    def save(self) -> Mapping[str, Array]:
        return {"counts": self.counts, "starts": self.starts}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.counts, self.starts = arrays["counts"].copy(), arrays["starts"].copy()


@dataclass
class Frames(Plain):
    """A frame of fields whenever the clock stands on a multiple of `every`; with zeros, the table of zeros of each.

    phase : gives the unwrapped phases of the nodes, (nodes,), kept as the field `turned`: ledgers of any two frames
    """

    every: float
    zeros: bool
    phase: Callable[[], Array] | None = None
    last: Array = field(default_factory=lambda: np.full(1, -1.0))

    def see(self, step: Step, sink: Sink) -> None:
        old, new = step.old, step.new
        if old.t == 0.0 and self.last[0] < 0:
            self.record(step.problem, None, old, sink)
        number = new.t / self.every
        if abs(number - round(number)) <= 1e-9 * max(1.0, number) and new.t > self.last[0]:
            self.record(step.problem, old, new, sink)

    def record(self, problem: Problem, old: State | None, new: State, sink: Sink) -> None:
        self.last = np.array([new.t])
        fields = dict(visible(problem, old, new))
        if self.phase is not None:
            fields["turned"] = np.angle(new["psi"]) if old is None else self.phase().copy()
        sink.frame(new.t, fields, on_edges(new))
        if self.zeros:
            record_zeros(problem, new, sink)

    def save(self) -> Mapping[str, Array]:
        return {"last": self.last}

    def load(self, arrays: Mapping[str, Array]) -> None:
        self.last = arrays["last"].copy()


@dataclass
class ContourWindings(Plain):
    """Table `winding`: winding number of each contour, and the applied flux through it in units of Phi0."""

    contours: Mapping[str, Array]

    def see(self, step: Step, sink: Sink) -> None:
        if not self.contours:
            return
        psi, a, edges = step.new["psi"], step.new["a"], step.problem.operators.edges
        row = {"t": step.new.t}
        for name, p in self.contours.items():
            path = np.flatnonzero(p)
            row[name] = path_winding(psi, a, edges, path, p[path])
            row[f"{name} flux"] = float(p[path] @ a[path]) / (2 * np.pi)
        sink.row("winding", row)


@dataclass
class JosephsonResidual(Plain):
    """Table `josephson`: largest and rms |d theta/dt + mu| over nodes with |psi| > 0.5 (temporal gauge: |turn|/dt)."""

    def see(self, step: Step, sink: Sink) -> None:
        old, new, dt = step.old["psi"], step.new["psi"], step.new.t - step.old.t
        square, mass, largest = kernels.josephson(old, new, step.problem.operators.m, 0.25)
        rms = np.sqrt(square / mass) / dt if mass else 0.0
        sink.row("josephson", {"t": step.new.t, "rms": rms, "largest": largest / dt})


@dataclass
class Magnetization(Plain):
    """Table `magnetization`: t, the mean applied field, the moment m = 1/2 int r x J in units of current times xi^2
    (films: per length), the magnetization mu0 M = m/(kappa^2 V) in Bc2, the flux through every hole in Phi0, and the
    emf round it, the circulation of E counter-clockwise in V0 (emf = -d flux/dt, with 2 pi a quantum).

    units : (3, edges) potentials of unit fields;  fields : (fields, 3) mean field of each pattern of the drive
    """

    kinetics: Kinetics
    screening: Screening
    units: Array
    fields: Array
    volume: float

    @classmethod
    def of(cls, problem: Problem) -> Magnetization:
        mesh, op = problem.mesh, problem.operators
        units = np.array([uniform_field(mesh, op, unit) for unit in np.eye(3)])
        means = [op.m @ induction(problem, pattern) / op.m.sum() for pattern in problem.drive.patterns]
        fields = np.array(means).reshape(len(means), 3)
        return cls(
            Kinetics.of(problem, graph(op)), Screening.of(problem), units, fields, float(op.m.sum())
        )  # fmt: skip

    def see(self, step: Step, sink: Sink) -> None:
        new, problem = step.new, step.problem
        current = self.kinetics.currents(new["psi"], new["a"]) + problem.operators.M1 @ new["e"]
        moment = self.units @ current
        row = {"t": new.t}
        for name, values in (
            ("field", self.screening.factors(new.t) @ self.fields),
            ("moment", moment),
            ("magnetization", moment / (problem.kappa**2 * self.volume)),
        ):
            row |= {f"{name}_{axis}": float(v) for axis, v in zip("xyz", values, strict=True)}
        a = everywhere(new)
        for name in problem.mesh.holes:
            row[f"flux {name}"] = hole_flux(problem, self.screening, a, name) / (2 * np.pi)
            row[f"emf {name}"] = float(self.screening.rims[name][self.screening.space.inner] @ new["e"])
        sink.row("magnetization", row)


def tracked_nodes(problem: Problem) -> Array:
    """(nodes,) False where psi is held at 0: there the phase means nothing."""
    tracked = np.ones(problem.operators.nodes, dtype=bool)
    for contact in problem.contacts:
        if contact.kind == "normal":
            tracked[contact.nodes] = False
    return tracked


def record_zeros(problem: Problem, new: State, sink: Sink) -> None:
    """Rows of table `zeros`: t, x, y, z, winding of every pierced face."""
    for x, y, z, winding in zeros(problem, new["psi"], new["a"], tracked_nodes(problem)):
        sink.row("zeros", {"t": new.t, "x": x, "y": y, "z": z, "winding": winding})


def zeros(problem: Problem, psi: Array, a: Array, tracked: Array) -> list[tuple[float, float, float, int]]:
    """(x, y, z, winding) of every pierced face (2D: vortices; 3D: points of vortex lines)."""
    hidden = problem.drive.hidden
    n = face_windings(psi, a, problem.operators, tracked, hidden)
    faces = np.flatnonzero(n)
    place = np.zeros((3, faces.size))
    place[: problem.mesh.points.shape[0]] = zero_positions(psi, a, problem.operators, problem.mesh, faces, hidden)
    return [(float(x), float(y), float(z), int(w)) for (x, y, z), w in zip(place.T, n[faces], strict=True)]
