"""Normal parts of films: zeros in them are told apart, and the balance of the bright part is exact."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from laboratory import Memory, case_from, experiment

from fempslip import mesh as parts
from fempslip.contract import State, Step
from fempslip.mesh import simple
from fempslip.tasks.tracking import Topology
from fempslip.topology.contraction import contract
from fempslip.topology.dim import ABOVE, BELOW, EVERY
from fempslip.topology.linking import KINDS

# A square with vortices, in whose middle a hot spot grows until it is normal over some 10 xi, and goes away again.
SPOT = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [24 xi, 20 xi], center: [0, 0]}}}
material:
  u: 5.79
  gamma: 1
  epsilon:
    sum:
      - 1
      - {gaussian: {depth: 3, width: 7 xi, base: 0, center: [1.5, 0.5]}, times: {points: POINTS}}
drive: {field: 0.25}
start: {vortices: [{at: [2, 1]}, {at: [-5, 5]}, {at: [6, -5]}, {at: [-7, -4]}]}
mesh: {size: 0.7 xi}
time: {until: 160 tau}
record: {fields: every 20 tau}
postprocess: [vortex_tracks]
""".replace("POINTS", "[[0, 0], [20, 0], [60, 1], [90, 1], [120, 0], [160, 0]]")


class Checked:
    """A watcher that recounts everything at every step."""

    def __init__(self, topology: Topology) -> None:
        self.topology, self.rows = topology, Memory()

    def see(self, step, sink):
        self.topology.see(step, sink)
        self.topology.check(step.new.t, self.rows)  # raises where a balance does not close

    def save(self):
        return {}

    def load(self, arrays):
        pass

    def finish(self, sink):
        pass


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
def test_a_normal_region_swallows_vortices_and_gives_them_back(tmp_path):
    """It grows over a vortex and shrinks again: the vortex is swallowed and emerges, with its id; the bright balance is
    exact at every step."""
    from laboratory import problem_of

    case = case_from(SPOT, tmp_path)
    problem = problem_of(case)
    watcher = Checked(Topology.of(problem))
    memory = experiment(case, None, problem, also={"checked": watcher}).memory
    checks, zeros, events = watcher.rows.table("checks"), memory.table("zeros"), memory.table("events")
    assert not checks["bright_defect"].any() and not checks["charge_defect"].any() and not checks["defect"].any()
    dim = checks["dim_cells"] / watcher.topology.complex.face_live.sum()
    assert dim[checks["t"] < 20].max() == 0 < 0.08 < dim.max() and dim[-1] == 0
    kinds = [KINDS[int(k)] for k in events["kind"]]
    assert kinds.count("swallowed") >= 1 and kinds.count("emerged") >= 1
    assert zeros["dim"].max() == 1 and zeros["dim"][zeros["t"] > 158].max() == 0
    found = contract(events, memory.table("event_ids"), 5.79 / 2)
    swallowed = {found.persons[k] for node in found.events if KINDS[node.kind] == "swallowed" for k in node.ins}
    emerged = {found.persons[k] for node in found.events if KINDS[node.kind] == "emerged" for k in node.ins}
    assert swallowed & emerged, "one vortex went in and came out again with the same id"


def test_the_bright_balance_closes_on_noise():
    """Random psi, large and tiny by turns and by places: labels change everywhere, and nothing is lost."""
    mesh = simple.rectangle(30, 18, (15.0, 9.0), 0.25, 1)
    op, memory, old = parts.operators(mesh), Memory(), None
    problem = SimpleNamespace(mesh=mesh, operators=op, contacts=())
    topology, rng = Topology.of(problem), np.random.default_rng(0)
    x, y = mesh.points
    for number in range(0, 30 * EVERY):
        size = np.where(np.hypot(x - 6 * np.sin(0.02 * number), y) < 1.5 + 2.5 * rng.random(), 1e-3, 1.0)
        psi = size * (rng.standard_normal(op.nodes) + 1j * rng.standard_normal(op.nodes))
        new = State(number, float(number), 1.0, (), {"psi": (psi,), "a": (rng.uniform(-0.3, 0.3, op.edges.shape[1]),)})
        if old is not None:
            topology.see(Step(problem, old, new, None, 0), memory)
            topology.check(new.t, memory)
        old = new
    checks = memory.table("checks")
    assert not checks["bright_defect"].any() and np.ptp(checks["dim_cells"]) > 50
    kinds = {KINDS[int(k)] for k in memory.table("events")["kind"]}
    assert {"swallowed", "emerged"} <= kinds


def test_a_core_is_never_dim_and_labels_lag():
    """|psi| = r/sqrt(r^2 + 2) round a core is bright; a film at 0.12 keeps the label it had."""
    mesh = simple.rectangle(24, 24, (12.0, 12.0), 0.25, 1)
    op = parts.operators(mesh)
    topology = Topology.of(SimpleNamespace(mesh=mesh, operators=op, contacts=()))
    dim, (x, y) = topology.dim, mesh.points
    r2 = x**2 + y**2
    assert dim.look((x + 1j * y) / np.sqrt(r2 + 2)).size == 0 and not dim.any
    between = np.full(op.nodes, 0.5 * (BELOW + ABOVE), complex)
    assert dim.look(between).size == 0
    assert dim.look(0.4 * between).size == op.faces.shape[1] and dim.cells.all()
    assert dim.look(between).size == 0 and dim.cells.all()
    assert dim.look(2 * between).size == op.faces.shape[1] and not dim.any
