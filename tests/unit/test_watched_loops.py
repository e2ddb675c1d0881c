"""The loops that read a step off are their readable forms; what waits for a commit stands in the file in its order."""

from __future__ import annotations

from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from fempslip import mesh as parts
from fempslip.contract import Mesh
from fempslip.mesh import simple
from fempslip.physics import fields, kernels
from fempslip.physics.angles import largest
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.graph import graph
from fempslip.store import RunWriter, layout, open_run, waiting
from fempslip.topology.ledger import Chains


def states(seed: int, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    old, new = rng.standard_normal((2, nodes)) + 1j * rng.standard_normal((2, nodes))
    old[:3], new[2:5] = 0.0, 0.0
    return old, new


def test_the_josephson_relation_of_bright_nodes() -> None:
    m = np.random.default_rng(1).uniform(0.5, 2.0, 501)
    old, new = states(2, m.size)
    turn = np.where(old * new == 0, 0.0, np.angle(old.conj() * new))  # whatever the signs of zeros
    bright = (np.abs(old) > 0.5) & (np.abs(new) > 0.5)
    square, mass, largest = kernels.josephson(old, new, m, 0.25)
    assert square == pytest.approx(np.sum((m * turn**2)[bright]), rel=1e-13)
    assert mass == pytest.approx(np.sum(m[bright]), rel=1e-13)
    assert largest == pytest.approx(np.abs(turn[bright]).max(), rel=1e-14)
    assert kernels.josephson(0.1 * new, new, m, 1e9) == (0.0, 0.0, 0.0)
    mu, out = np.linspace(-1.0, 1.0, m.size), np.empty(m.size)
    kernels.pair_potential(mu, old, new, 0.3, out)
    np.testing.assert_allclose(out, mu - turn / 0.3, atol=1e-14)


def test_energy_in_the_frame_is_that_of_the_links() -> None:
    op, rng = parts.operators(simple.rectangle(9, 6, (4.0, 2.5), 0.25, 1)), np.random.default_rng(8)
    g, energy = graph(op), LinkEnergy(op, rng.uniform(-1, 1, op.nodes), rng.uniform(0.5, 1.5, op.nodes))
    a, chi, psi = rng.uniform(-9, 9, op.w.size), rng.uniform(-9, 9, op.nodes), states(9, op.nodes)[0]
    link = op.w * np.exp(-1j * a)
    found = kernels.framed_energy(psi, chi, link, g.edges, g.diagonal, op.m, energy.epsilon, energy.beta)
    assert found == pytest.approx((energy.value(psi, a + op.G @ chi), op.m @ np.abs(psi) ** 2), rel=1e-12)


def test_heat_of_a_potential_and_vectors_of_two_fields() -> None:
    mesh = simple.rectangle(9, 6, (4.0, 2.5), 0.25, 1)
    op, rng = parts.operators(mesh), np.random.default_rng(3)
    i, j = op.edges
    chi, one, other = rng.standard_normal(op.nodes), *rng.standard_normal((2, i.size))
    before = rng.standard_normal(op.nodes)
    heat = kernels.gradient_loss(before, before + 0.3 * chi, 0.3, -op.K_sigma[i, j], graph(op).edges)
    assert heat == pytest.approx(2 * chi @ (op.K_sigma @ chi), rel=1e-12)

    q, sigma = rng.uniform(0.5, 2.0, (2, op.nodes))
    problem = SimpleNamespace(mesh=mesh, operators=op, kinetic=q, sigma=sigma)
    for found, flow, factor in zip(fields.both_currents(problem, one, other), (one, other), (q, sigma), strict=True):
        np.testing.assert_allclose(found, factor[:, None] * fields.vectors(problem, flow), rtol=1e-12, atol=1e-13)


def test_psi_in_the_frame_in_parts() -> None:
    psi, turn = states(6, 300)[0], np.exp(1j * np.linspace(-9, 9, 300))
    found = np.empty((4, 300))
    kernels.polar(psi, turn, *found)
    wanted = psi * turn
    for mine, theirs in zip(found, (wanted.real, wanted.imag, np.abs(wanted), np.angle(wanted)), strict=True):
        np.testing.assert_allclose(mine[3:], theirs[3:], rtol=1e-14, atol=1e-15)
    assert not found[:, :3].any()  # where psi is 0


def chain(order: np.ndarray) -> Mesh:
    n = order.size
    x = np.arange(float(n))
    cells = np.array([np.arange(n - 1), np.arange(1, n)])
    return Mesh(np.array([x, 0 * x, 0 * x]), cells, order, {"wire": np.arange(n - 1)}, {})


@pytest.mark.parametrize("order", [np.arange(40), np.r_[np.arange(39), 0]], ids=["plain", "closed"])
def test_frames_of_many_blocks_stand_in_their_order(order, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(waiting, "BLOCK", 3 * (40 * 20 + 240))
    mesh, count = chain(order), 23
    wanted = np.random.default_rng(5).standard_normal((count, mesh.nodes))
    with RunWriter.create(tmp_path / "run", mesh, frames=count) as writer:
        for k, psi in enumerate(wanted):
            lent = psi.copy()
            writer.frame(float(k), {"psi_re": lent, "J": np.stack([lent, 2 * lent, 0 * lent], 1)}, {"a": lent[:30]})
            lent[:] = np.nan  # the writer has its own copy
            if k in (1, 12):
                writer.checkpoint({})
        assert writer._frames is not None and writer._frames.depth == 3
        writer.checkpoint({})
        writer.finish({})
    run = open_run(tmp_path / "run")
    for k, psi in enumerate(wanted):
        assert np.array_equal(run.frame(k)["psi_re"], psi) and np.array_equal(run.on_edges(k)["a"], psi[:30])
        np.testing.assert_allclose(run.frame(k)["J"][:, 1], 2 * psi, rtol=1e-6)


def test_single_rows_and_blocks_keep_their_order(tmp_path) -> None:
    with RunWriter.create(tmp_path / "run", chain(np.arange(5))) as writer:
        for k in range(0, 60, 6):
            writer.row("t", {"a": k, "b": -k})
            writer.row("t", {"b": -k - 1, "a": k + 1})  # by name, not by place
            lent = np.arange(k + 2, k + 6)
            writer.rows("t", {"b": -lent, "a": lent})
            lent[:] = 0
            if k == 30:
                writer.checkpoint({})
        with pytest.raises(ValueError, match="has the columns"):
            writer.rows("t", {"a": np.zeros(2), "c": np.zeros(2)})
        writer.checkpoint({})
        writer.finish({})
    table = open_run(tmp_path / "run").table("t")
    assert np.array_equal(table["a"], np.arange(60)) and np.array_equal(table["b"], -np.arange(60))
    rows = waiting.Rows(("x",))
    rows.add({"x": 1})
    assert np.array_equal(rows.taken()["x"], [1.0])


def test_room_is_made_once_for_what_the_frames_to_come_will_bring(tmp_path, monkeypatch) -> None:
    made = []
    real = layout.write_new
    monkeypatch.setattr(layout, "write_new", lambda *given: made.append(given) or real(*given))
    with RunWriter.create(tmp_path / "run", chain(np.arange(5000)), frames=50) as writer:
        for k in range(50):
            writer.rows("zeros", {"t": np.full(300, k), "x": np.arange(300.0)})
            writer.frame(float(k), {"psi_re": np.full(5000, k)})
            if k % 5 == 4:
                writer.checkpoint({})
        writer.finish({})
    assert len(made) == 2  # at the start, and at the first commit with its table and fields
    run = open_run(tmp_path / "run")
    assert np.array_equal(run.table("zeros")["t"], np.repeat(np.arange(50.0), 300))
    with h5py.File(tmp_path / "run" / "fields.vtkhdf") as file:
        assert 15_000 <= file["fempslip/tables/zeros/t"].chunks[0] <= 20_000


def test_room_that_was_not_needed_is_given_back(tmp_path) -> None:
    with RunWriter.create(tmp_path / "run", chain(np.arange(50)), frames=50) as writer:
        for k in range(3):  # the run ends early
            writer.rows("zeros", {"t": np.full(3000, k)})
            writer.frame(float(k), {"psi_re": np.full(50, k)})
        writer.checkpoint({})
        writer.finish({})
    with h5py.File(tmp_path / "run" / "fields.vtkhdf") as file:
        assert file["fempslip/tables/zeros/t"].chunks == (9000,) and len(file["VTKHDF/PointData/psi_re"]) == 150


def test_terms_of_the_ledger_are_sums_over_chains() -> None:
    op, rng = parts.operators(simple.rectangle(9, 6, (4.0, 2.5), 0.25, 1)), np.random.default_rng(12)
    edges = op.edges.shape[1]
    chains = Chains.of(op, rng.random(edges) < 0.7, list(rng.standard_normal((3, edges))))
    phase, a, k = rng.uniform(-9, 9, op.nodes), rng.uniform(-1, 1, edges), rng.integers(-3, 4, edges).astype(np.int32)
    crossed, amount = np.array([2, 5, 11], np.uint32), np.array([1, -1, 2], np.int32)
    i, j = op.edges
    state = SimpleNamespace(phase=phase, k=k, complex=SimpleNamespace(edges=op.edges), crossed=crossed, amount=amount)
    phi = phase[j] - phase[i] - a + 2 * np.pi * k
    wanted = [chains.p @ a, chains.p @ phi, chains.b @ phase, chains.rest @ a]
    np.testing.assert_allclose(chains.terms(state, a), wanted, rtol=1e-12)
    np.testing.assert_allclose(chains.crossed(state), chains.p[:, crossed] @ amount, rtol=1e-14)


def test_frames_written_ahead_are_not_there_before_their_commit(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(waiting, "BLOCK", 2 * 8 * 40)
    mesh, frames = chain(np.arange(40)), 30
    writer = RunWriter.create(tmp_path / "run", mesh, frames=8)
    wanted = np.random.default_rng(13).standard_normal((frames, 40))
    for k, psi in enumerate(wanted):
        writer.row("series", {"t": k})
        writer.frame(float(k), {"psi_re": psi})
        if k == 1:
            writer.checkpoint({})
        if k == 5:
            assert writer._ahead == 4 and len(open_run(tmp_path / "run").times) == 2
            writer.checkpoint({})
        if k == 7:
            assert writer._ahead == 2
            writer.row("late", {"t": k})  # the next commit makes a new file, with what was written ahead
        if k == 9:
            assert writer._ahead == 2 and writer._frames is not None and writer._frames.count == 2
            writer.checkpoint({})
    assert writer._ahead == 10  # there is room for so many, behind the 10 that count
    writer.close()  # killed, as far as a reader can see
    run = open_run(tmp_path / "run")
    assert len(run.times) == 10 and len(run.table("series")["t"]) == 10
    with RunWriter.resume(tmp_path / "run") as writer:
        for k in range(10, frames):
            writer.row("series", {"t": k})
            writer.frame(float(k), {"psi_re": wanted[k]})
        writer.checkpoint({})
        writer.finish({})
    run = open_run(tmp_path / "run")
    assert np.array_equal([run.frame(k)["psi_re"] for k in range(frames)], wanted)
    assert np.array_equal(run.times, np.arange(frames)) and np.array_equal(run.table("series")["t"], run.times)


def test_the_largest_turn() -> None:
    turns = np.random.default_rng(14).uniform(0, np.pi, 1001)
    turns[::7] = -1.0
    assert largest(turns) == turns.max() and largest(-turns[1:3]) == 0.0 and largest(np.zeros(0)) == 0.0
    assert np.isnan(largest(np.array([0.5, np.nan, 3.0])))


def test_what_contacts_feed_in() -> None:
    rng = np.random.default_rng(15)
    shares, nodes, currents = rng.random((3, 6)), rng.permutation(40)[:6], rng.standard_normal(3)
    old, new = rng.standard_normal((2, 40))
    wanted = currents @ (shares @ (new - old)[nodes])
    assert kernels.fed(currents, shares, nodes, old, new) == pytest.approx(wanted, rel=1e-12)
    assert kernels.fed(currents[:0], shares[:0], nodes[:0], old, new) == 0.0
