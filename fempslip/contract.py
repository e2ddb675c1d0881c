"""What plugs into what: protocols and frozen dataclasses, nothing else.

Everything here is dimensionless (lengths in xi, times in tau0, fields in Bc2, voltages in V0, currents in
j0 times xi^(dim-1); one flux quantum is 2 pi).  Letters are those of ``docs/equations.md``:

=========  ==========================================================================================
psi        order parameter, (nodes,) complex
a          circulation of the vector potential along an edge i -> j (i < j), (edges,)
mu         electric potential, (nodes,)
chi        accumulated potential phase, d chi/dt = mu, (nodes,)
m, w       lumped node volume (nodes,) and link weight of an edge (edges,)
G, C       incidence node -> edge (gradient) and edge -> face (curl)
M1, M2     edge mass (Nedelec, weighted by the conductivity) and face mass
=========  ==========================================================================================

Sign convention: charges +2e, E = -grad mu - dA/dt, so d(dphi)/dt = -dmu (Josephson and Anderson).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse as sp

Array = np.ndarray


class Failure(Exception):
    """A run that cannot go on: the message says what happened and what to change (exit code 3)."""


class Refusal(Exception):
    """Input that is wrong or not supported: the message says where and what to write instead (exit code 2)."""


class Abandoned(KeyboardInterrupt):
    """A second interrupt, which does not wait for the end of a step: what came after the last checkpoint is lost."""


# ---------------------------------------------------------------------------------------------- where it happens


@dataclass(frozen=True, eq=False)
class Mesh:
    """Simplices with named parts.  Wires (lines), films (triangles), bulk pieces (tetrahedra).

    points : (space, vertices); space = dim in 2D and 3D, always 3 for wires, so that they may live in space
    cells : (dim + 1, cells) vertex numbers
    node_of_vertex : (vertices,) unknown of each vertex (the identity unless vertices are identified)
    regions : name -> (cells,) numbers of its cells; every cell belongs to exactly one region
    boundaries : name -> (dim, facets) vertices of its boundary facets
    holes : name -> (point, direction): a line (3D) or point (2D, wires: direction is z) that the hole surrounds
    probes : name -> (space,) position
    section : (cells,) thickness d/d0 (films) or cross-section (wires); 1 in 3D
    contours : name -> name of the hole that a closed path around it encircles, or of the period that it runs along
    periods : name -> (space,) translation that leaves the body as it is; vertices that it joins are one node
    """

    points: Array
    cells: Array
    node_of_vertex: Array
    regions: Mapping[str, Array]
    boundaries: Mapping[str, Array]
    holes: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)
    probes: Mapping[str, Array] = field(default_factory=dict)
    contours: Mapping[str, str] = field(default_factory=dict)
    periods: Mapping[str, Array] = field(default_factory=dict)
    size: float = 0.0  # the size asked for, in xi

    @property
    def dim(self) -> int:
        return int(self.cells.shape[0]) - 1

    @property
    def nodes(self) -> int:
        return int(self.node_of_vertex.max()) + 1

    @cached_property
    def node_points(self) -> Array:
        """(space, nodes) place of each node: that of its first vertex."""
        return self.points[:, np.unique(self.node_of_vertex, return_index=True)[1]]


class Matrices(Protocol):
    """Makes the matrices of Operators, which keep them: those between edges are long, and few runs need them."""

    def gradient(self) -> sp.csr_array: ...
    def curl(self) -> sp.csr_array: ...
    def edge_mass(self) -> sp.csr_array: ...
    def face_mass(self) -> sp.csr_array | None: ...
    def curl_curl(self) -> sp.csr_array | None: ...
    def conductances(self) -> Array: ...
    def poisson(self) -> sp.csr_array: ...
    def node_vector(self) -> sp.csr_array: ...
    def vectors(self, circulations: Array) -> Array:
        """Vectors at nodes of fields given by their circulations (fields, edges), (fields, nodes, space)."""
        ...


@dataclass(frozen=True, eq=False)
class Operators:
    """The discrete operators of a mesh with given cell weights (section d, kinetic weight q, conductivity).

    edges : (2, edges) node numbers, first < second, sorted
    faces : (3, faces) edge numbers of the edges 01, 12, 02 of each face (2D: the cells; 3D: all faces)
    face_nodes : (3, faces) sorted node numbers; face_sign : (faces,) +1 where sorted nodes run counter-clockwise (2D)
    m : (nodes,) lumped volume, d;   w : (edges,) link weights -K_ij, d q;   K = G^T diag(w) G
    M1 : (edges, edges) Nedelec mass with d * sigma;   K_sigma = G^T M1 G is the Poisson matrix
    M2 : (faces, faces) face mass (2D: 1/area; None in 1D and 3D, where S is assembled)
    S : (edges, edges) curl-curl, C^T M2 C (None in 1D, and in a bulk piece where nothing asks for it)
    node_vector : (space * nodes, edges): edge circulations of a field -> its vectors at nodes, component by component
        (`matrices.vectors` does without it)
    matrices : makes G, C, M1, M2, S, K_sigma and node_vector when they are first asked for
    """

    nodes: int
    edges: Array
    faces: Array
    face_nodes: Array
    face_sign: Array
    m: Array
    w: Array
    matrices: Matrices

    @cached_property
    def G(self) -> sp.csr_array:
        return self.matrices.gradient()

    @cached_property
    def C(self) -> sp.csr_array:
        return self.matrices.curl()

    @cached_property
    def M1(self) -> sp.csr_array:
        return self.matrices.edge_mass()

    @cached_property
    def M2(self) -> sp.csr_array | None:
        return self.matrices.face_mass()

    @cached_property
    def S(self) -> sp.csr_array | None:
        return self.matrices.curl_curl()

    @cached_property
    def conductances(self) -> Array:
        """Link weights of K_sigma, (edges,): x^T K_sigma x is the sum of these times (x_j - x_i)^2."""
        return self.matrices.conductances()

    @cached_property
    def K_sigma(self) -> sp.csr_array:
        """G^T M1 G : (nodes, nodes)."""
        return self.matrices.poisson()

    @cached_property
    def node_vector(self) -> sp.csr_array:
        return self.matrices.node_vector()


# ---------------------------------------------------------------------------------------------- what is solved


class Waveform(Protocol):
    """A declared function of time."""

    def value(self, t: float) -> float: ...
    def rate(self, t: float) -> float:
        """d value / dt, from the right at a kink."""
        ...

    def kinks(self, until: float) -> tuple[float, ...]:
        """Times at which the value or its slope jumps: the clock lands on them."""
        ...

    @property
    def period(self) -> float | None:
        """Shortest period (sines), or None: a step is at most a twentieth of it."""
        ...


@dataclass(frozen=True, eq=False)
class Contact:
    """A terminal.  kind: normal (psi = 0), bank (one equipotential, psi frozen in temporal gauge) or free.

    weights : (nodes of it,) share of the terminal's section at each node, sum 1;  section : its area.
    """

    name: str
    kind: str
    nodes: Array
    weights: Array
    section: float


@dataclass(frozen=True)
class Element:
    """A two-pole of a circuit between two of its nodes.

    kind : resistor, inductor, capacitor (value: a number) or voltage, current (value: a Waveform)
    The current counts from `begin` to `end`; a voltage source lifts `end` above `begin`, a current source pushes there.
    """

    name: str
    kind: str
    begin: str
    end: str
    value: Any


@dataclass(frozen=True)
class Circuit:
    """What is connected to the contacts.  terminals : contact name -> node;  the potential of `ground` is 0.

    temperature : of all resistors, k T in units of F (0: no Johnson noise), drawn from (seed, step number)
    """

    elements: tuple[Element, ...]
    terminals: Mapping[str, str]
    ground: str = "ground"
    temperature: float = 0.0
    seed: int = 0

    @property
    def nodes(self) -> tuple[str, ...]:
        """Nodes other than ground, in the order they are met."""
        met = [node for e in self.elements for node in (e.begin, e.end)] + list(self.terminals.values())
        return tuple(node for node in dict.fromkeys(met) if node != self.ground)


@dataclass(frozen=True, eq=False)
class Drive:
    """Applied potential a_app(t) = sum_k f_k(t) patterns[k] and the current injected at each contact, I_c(t).

    hidden : (faces,) whole flux quanta of the applied field through each face that the sum of a round it leaves out,
    None if there are none.  They do not change in time.  On a cell that is closed in two directions the sum of a round
    all faces is 0, and a few faces (mostly one, at a corner) hide the quanta of the cell:

        flux of a face = (C a)_f + 2 pi hidden_f      n_f = (C k)_f + hidden_f, the winding (topology.windings)
    """

    patterns: Array  # (fields, edges)
    fields: tuple[Waveform, ...]
    currents: Mapping[str, tuple[Waveform, ...]]  # contact name -> waveforms, summed; positive into the sample
    flux_density: float = 0.0  # largest |B| that is ever applied, for the mesh check
    hidden: Array | None = None  # (faces,)
    circuit: Circuit | None = None  # instead of currents

    @property
    def driven(self) -> tuple[str, ...]:
        """Contacts that ever carry a current."""
        return (*self.currents, *(self.circuit.terminals if self.circuit is not None else ()))


@dataclass(frozen=True, eq=False)
class Surroundings:
    """A body in a ball of vacuum, for its own field; between walls in a cylinder where it carries a current.

    mesh, operators : of everything; the vertices of the body come first, in their order
    edges : (edges of the body,) their numbers in everything;  radius, center : of the ball or cylinder
    sphere : (3, faces) sorted vertices of the triangles on the ball, none on a cylinder
    patterns : (fields, edges of everything) of the applied potential
    walls : (edges of everything,) True on edges of walls, None in a ball
    sheet : (edges of everything,) external current that brings a unit of current back from the second contact to the
        first
    """

    mesh: Mesh
    operators: Operators
    edges: Array
    radius: float
    center: Array
    sphere: Array
    patterns: Array
    walls: Array | None = None
    sheet: Array | None = None


@dataclass(frozen=True, eq=False)
class Landscape:
    """epsilon(t) = constant + sum_k f_k(t) patterns[k] : (nodes,), continuous in time."""

    constant: Array  # (nodes,)
    patterns: Array  # (parts, nodes)
    factors: tuple[Waveform, ...]


@dataclass(frozen=True, eq=False)
class Reservoir:
    """A layer that holds a superfluid at a chemical potential: psi is drawn to sqrt(n) exp(-i integral of head dt).

    rate : (nodes,) at which it is drawn there, 0 outside the layer
    """

    name: str
    rate: Array
    head: Waveform


@dataclass(frozen=True, eq=False)
class Fluid:
    """What reactive dynamics adds to a problem.  Lengths in xi = hbar/sqrt(2 m mu0), times in hbar/mu0.

    rate : (nodes,) the complex u of the equation, -i without damping, gamma - i with it
    external : chemical potential from outside, which may change in time
    outlet : (nodes,) surface over volume where sound leaves, 0 at walls
    permittivity : inverse square of the plasma frequency (charged condensates);  conductivity, kappa : see there
    """

    rate: Array
    external: Landscape
    reservoirs: tuple[Reservoir, ...]
    outlet: Array
    permittivity: float = 0.0
    conductivity: float = 0.0
    kappa: float = 0.0


@dataclass(frozen=True, eq=False)
class Noise:
    """Thermal noise of the sample.  temperature : k T in units of F;  seed : draws are a function of it and the step

    conductance : (cells,) conductivity times section, for the Johnson noise of the normal current; None: without
    """

    temperature: float
    seed: int = 0
    conductance: Array | None = None


@dataclass(frozen=True, eq=False)
class Probe:
    """Electric potential at a place = sum weights * mu[nodes] (weights sum to 1)."""

    name: str
    nodes: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Begun:
    """The potential of a start state that comes from another run; psi of the problem is in its gauge.

    a, e : (edges of the sample,) circulations of A and E;  e None: the field is to find its rest beside psi, near a
    """

    a: Array
    e: Array | None = None


@dataclass(frozen=True)
class Clock:
    until: float
    tolerance: float = 3e-4
    dt_start: float = 1e-3
    dt_min: float = 1e-9
    dt_max: float = 10.0
    fixed: float | None = None  # a constant step, without error control
    growth: float = 1.5  # largest ratio of a step to the last


class Sources(Protocol):
    """Sources added to the equations, each integrated over the dual cells, (nodes,): manufactured solutions."""

    def order_parameter(self, t: float) -> Array:
        """In the gauge of the applied potential."""
        ...

    def charge(self, t: float) -> Array: ...


@dataclass(frozen=True, eq=False)
class Problem:
    """A case on a mesh: frozen dimensionless arrays.  Solver and physics see this and no case model.

    epsilon, beta, u, gamma, sigma, kinetic : (nodes,), means over the dual cells (sigma and kinetic only for pictures:
    the operators hold them cell by cell);   model : e.g. {dynamics: tdgl, screening: none, charge: conserved}
    landscape : epsilon where it changes in time, of which `epsilon` is the value at t = 0
    noise : thermal noise, or None;  fluid : of superfluids
    kappa : lambda/xi of the reference material, nan where the material does not say it (only a self-field needs it)
    Lambda : lambda^2/(d xi) of the reference material, nan likewise (only the field of a film needs it)
    psi : (nodes,) start state;   pairs : pairs of probe or contact names whose voltage is measured
    """

    mesh: Mesh
    operators: Operators
    epsilon: Array
    beta: Array
    u: Array
    gamma: Array
    sigma: Array
    kinetic: Array
    model: Mapping[str, str]
    contacts: tuple[Contact, ...]
    drive: Drive
    probes: Mapping[str, Probe]
    clock: Clock
    psi: Array
    pairs: tuple[tuple[str, str], ...] = ()
    sources: Sources | None = None
    landscape: Landscape | None = None
    noise: Noise | None = None
    kappa: float = float("nan")
    cell_kinetic: Array | None = None  # (cells,) kinetic weight q, None: 1
    potential: Array | None = None  # with self-field: a on all edges of the space, close to that of the start
    begun: Begun | None = None  # instead, of a start from a frame
    surroundings: Surroundings | None = None  # of a body whose own field is solved for
    Lambda: float = float("nan")
    fluid: Fluid | None = None


# ---------------------------------------------------------------------------------------------- state and steps


@dataclass(frozen=True, eq=False)
class State:
    """Named arrays, each with its history (newest first), and the clock: all that a resume needs.

    history : name -> tuple of arrays, as deep as declared;   steps : last accepted steps, newest first
    """

    step: int
    t: float
    next_dt: float
    steps: tuple[float, ...]
    history: Mapping[str, tuple[Array, ...]]

    def __getitem__(self, name: str) -> Array:
        return self.history[name][0]

    def past(self, name: str) -> tuple[Array, ...]:
        return self.history[name]


@dataclass(frozen=True, eq=False)
class Trial:
    """A step tried and not yet accepted.

    arrays : name -> new array;   errors : part -> error estimate in units of its tolerance weight
    max_theta : largest turn of a bright node's phase in the step;   iterations : of the linear solver
    """

    dt: float
    arrays: Mapping[str, Array]
    errors: Mapping[str, float]
    max_theta: float
    iterations: int


@dataclass(frozen=True, eq=False)
class Step:
    """An accepted step, as watchers see it."""

    problem: Problem
    old: State
    new: State
    trial: Trial
    rejected: int


class DiscreteEnergy(Protocol):
    def value(self, psi: Array, a: Array) -> float: ...
    def stiffness(self, a: Array) -> sp.csr_array: ...
    def current(self, psi: Array, a: Array) -> Array: ...
    def hessian(self, psi: Array, a: Array, v: Array) -> Array: ...


class Field(Protocol):
    """The electromagnetic side of a step: links before psi, potentials after it."""

    @property
    def ladder(self) -> bool:
        """True where a change of dt is dear (a matrix to factor): steps then keep to powers of 2."""
        ...

    def begin(self, psi: Array, chi: Array, t: float) -> Mapping[str, Array]:
        """Its arrays of the start state."""
        ...

    def declare(self) -> Mapping[str, int]:
        """Name of each array of the state -> how many past values it needs."""
        ...

    def links(self, past: State, t: float, dt: float) -> Mapping[str, Array]:
        """Arrays at t + dt that psi needs, `a` among them."""
        ...

    def frame(self, new: Mapping[str, Array], t: float) -> tuple[Array, Array]:
        """(links, turn): entries w exp(-i a') of K_A and (nodes,) phases, so that psi times turn sees the links a'."""
        ...

    def weight(self, new: Mapping[str, Array]) -> Array | None:
        """(nodes,) what it adds to the diagonal of K_A, or None."""
        ...

    def errors(self, past: State, new: Mapping[str, Array], dt: float) -> Mapping[str, float]:
        """Error estimates of its own unknowns, beside that of psi."""
        ...

    def response(self, framed: Array, link: Array, past: State, t: float) -> tuple[Array, Array, Array]:
        """V_s : (contacts,) potentials at zero current;  R : (contacts, contacts);  the potential at zero current."""
        ...

    def close(self, partial: Array, currents: Array) -> Mapping[str, Array]:
        """Arrays of the new state once the load has decided the currents, `mu` among them."""
        ...


@dataclass(frozen=True, eq=False)
class Closed:
    """What a load decided.  currents : (contacts,) into the sample;  arrays, errors : for new state and trial."""

    currents: Array
    arrays: Mapping[str, Array] = field(default_factory=dict)
    errors: Mapping[str, float] = field(default_factory=dict)


class Load(Protocol):
    """What is connected to the terminals: decides their currents from V = V_s + R I."""

    def declare(self) -> Mapping[str, int]: ...
    def begin(self) -> Mapping[str, Array]:
        """Its arrays of the start state."""
        ...

    def close(self, v_s: Array, r: Array, past: State, t: float) -> Closed:
        """At time t; where t is the time of `past` itself, what belongs to the drive from then on."""
        ...

    def during(self, old: State, new: State) -> Array:
        """(contacts,) currents in the middle of a step."""
        ...


class Stepper(Protocol):
    @property
    def problem(self) -> Problem: ...
    @property
    def ladder(self) -> bool:
        """True where steps should keep to powers of 2."""
        ...

    def declare(self) -> Mapping[str, int]: ...
    def begin(self) -> State:
        """The state at t = 0."""
        ...

    def attempt(self, state: State, dt: float) -> Trial:
        """Try a step; the state stays as it is."""
        ...

    def restart(self, state: State) -> State:
        """The state after a kink or jump of the drive: history forgotten, short next step."""
        ...


class Sink(Protocol):
    """Where rows, frames and checkpoints go: the store, or lists in memory."""

    def row(self, table: str, values: Mapping[str, float]) -> None: ...
    def rows(self, table: str, columns: Mapping[str, Array]) -> None:
        """Many rows at once, column by column, each (rows,)."""
        ...

    def frame(self, t: float, fields: Mapping[str, Array], edges: Mapping[str, Array] | None = None) -> None:
        """fields : name -> (nodes,) or (nodes, 3);  edges : name -> (edges,), what is not shown but gone on from."""
        ...

    def due(self) -> bool:
        """True when enough wall time has passed since the last checkpoint."""
        ...

    def checkpoint(self, arrays: Mapping[str, Array]) -> None:
        """Commit: all rows and frames so far and these arrays become what a reader and a resume see."""
        ...


class Watcher(Protocol):
    """Sees every accepted step; keeps what it needs between steps in plain arrays, so that a run can resume."""

    def see(self, step: Step, sink: Sink) -> None: ...
    def save(self) -> Mapping[str, Array]: ...
    def load(self, arrays: Mapping[str, Array]) -> None: ...
    def finish(self, sink: Sink) -> None: ...


class Task(Protocol):
    """A question that is not a march in time: it is made from its problem and answers once."""

    def run(self, sink: Sink, told: Callable[[float, str], None]) -> Mapping[str, Any]:
        """The answer in plain numbers (nested mappings allowed), for summary.json; states go to the sink as frames,
        lists as tables.  told(fraction, words) says how far it is.  Raises Failure where it cannot be answered.
        """
        ...


@runtime_checkable
class Continuing(Task, Protocol):
    """A task that writes what it has found into its checkpoints, and need not find it again."""

    def after(self, arrays: Mapping[str, Array]) -> Task:
        """This task, from its last checkpoint (which may hold nothing yet).  Rows and frames are all written anew."""
        ...
