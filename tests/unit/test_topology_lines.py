"""Lines of zeros in a body: their order, their ends and their velocity."""

from types import SimpleNamespace

import numpy as np
import pytest
from laboratory import Memory

from fempslip import mesh as parts
from fempslip.contract import State, Step
from fempslip.mesh import simple
from fempslip.tasks.line_tracking import lengths, named
from fempslip.tasks.tracking import Topology
from fempslip.topology import lines
from fempslip.topology.linking import KINDS


def moving(seed: int | None):
    """A slanted straight line that moves with (0.3, -0.2), in a random static gauge; shown 11 samples of 0.1."""
    mesh = simple.box(10, 10, 6, (5.0, 5.0, 3.0), 0.2, 1)
    op = parts.operators(mesh)
    x, y, z = mesh.points
    chi = np.zeros(op.nodes) if seed is None else np.random.default_rng(seed).uniform(-9, 9, op.nodes)
    a, memory, old = op.G @ chi, Memory(), None
    topology = Topology.of(SimpleNamespace(mesh=mesh, operators=op, contacts=()))
    for k in range(11):
        t = 0.1 * k
        psi = ((x - 0.3 * t - 0.1 * z) + 1j * (y + 0.2 * t)) * np.exp(1j * chi)
        new = State(k, t, 0.1, (), {"psi": (psi,), "a": (a,)})
        if old is not None:
            topology.see(Step(None, old, new, None, 0), memory)
        old = new
    return memory


@pytest.mark.parametrize("seed", [None, 3])
def test_a_moving_line_keeps_its_id_and_its_velocity(seed):
    """Exact for a linear psi: no event, the length of the slanted line, the velocity across it."""
    memory = moving(seed)
    table, points = memory.table("lines"), memory.table("line_points")
    assert "events" not in memory.tables and set(table["id"]) == {1} and not table["closed"].any()
    assert table["length"] == pytest.approx(3.0 * np.hypot(1, 0.1), rel=1e-9)
    last = slice(int(table["first"][-1]), int(table["first"][-1] + table["count"][-1]))
    along = np.array([0.1, 0, 1]) / np.hypot(1, 0.1)
    v = np.array([0.3, -0.2, 0])
    across = v - (v @ along) * along
    found = np.array([points[name][last] for name in ("vx", "vy", "vz")])
    assert found == pytest.approx(np.repeat(across[:, None], found.shape[1], axis=1), abs=1e-6)
    z = points["z"][last]
    assert np.all(np.diff(z) * np.sign(z[-1] - z[0]) > 0)


def test_lengths_of_open_and_closed_lines():
    square = np.array([[0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]], dtype=float)
    points = np.concatenate([square, square], axis=1)
    assert lengths(points, np.array([0, 4, 8]), np.array([False, True])) == pytest.approx([3, 4])
    assert lengths(np.zeros((3, 0)), np.array([0]), np.zeros(0, dtype=bool)).size == 0


def test_names_of_events():
    cases = {
        "entry": ([], [2]),
        "nucleation": ([], [0]),
        "exit": ([2], []),
        "collapse": ([0], []),
        "split": ([2], [2, 2]),
        "merge": ([2, 0], [2]),
        "reconnection": ([2, 2], [2, 2]),
        "opening": ([0], [2]),
        "closing": ([2], [0]),
        "compound": ([2, 2], [2, 2, 2]),
    }
    for kind, (before, after) in cases.items():
        assert KINDS[named(np.array(before), np.array(after))] == kind


def test_blocks_put_what_happened_first():
    """Ids 0, 1 go on as lines 1, 2; id 2 splits into 0 and 3."""
    weight = np.array([[0, 5, 0, 0], [0, 0, 4, 0], [2, 0, 0, 3]], dtype=np.int32)
    label = np.empty(7, dtype=np.int64)
    eventful, total = lines.blocks(weight, np.full(3, 2, np.int32), np.full(4, 2, np.int32), label)
    assert (eventful, total) == (1, 3)
    assert label.tolist() == [1, 2, 0, 0, 1, 2, 0]
