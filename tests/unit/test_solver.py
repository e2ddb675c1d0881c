"""Algebra, coefficients and step control, each against a statement that does not come from the code."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from laboratory import case_from, experiment

from fempslip.contract import Clock, Failure, Trial
from fempslip.mesh import simple
from fempslip.mesh.operators import operators
from fempslip.physics import kernels
from fempslip.physics.graph import graph
from fempslip.solver import linear, multigrid
from fempslip.solver.bdf import bdf, weights
from fempslip.solver.cg import WINDOW, Rows, solve
from fempslip.solver.control import THETA_LIMIT, judge, landing


def laplacian(dim: int) -> sp.csr_array:
    mesh = (
        simple.rectangle(14, 9, (7.0, 4.5), shake=0.2) if dim == 2 else simple.box(6, 5, 4, (3.0, 2.5, 2.0), shake=0.2)
    )
    op = operators(mesh)
    return sp.csr_array(op.G.T @ op.M1 @ op.G)


@pytest.mark.parametrize("dim", [2, 3])
@pytest.mark.parametrize("limit", [10**6, 0], ids=["factored", "multigrid"])
def test_poisson_solvers_leave_no_residual(dim: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(linear.FACTOR_LIMIT, dim, limit)
    k = laplacian(dim)
    b = np.random.default_rng(1).standard_normal(k.shape[0])
    b -= b.mean()
    x = linear.poisson_solver(k, dim)(b, np.zeros_like(b))
    assert np.abs(k @ x - b).max() < 1e-8
    assert abs(x.mean()) < 1e-12


def test_poisson_on_two_pieces_is_neutral_on_each() -> None:
    k = laplacian(2)
    both = sp.csr_array(sp.block_diag([k, 2 * k]))
    n = k.shape[0]
    b = np.random.default_rng(2).standard_normal(2 * n)
    b[:n] -= b[:n].mean()
    b[n:] -= b[n:].mean()
    x = linear.poisson_solver(both, 2)(b, np.zeros_like(b))
    assert np.abs(both @ x - b).max() < 1e-10
    assert abs(x[:n].mean()) < 1e-12 and abs(x[n:].mean()) < 1e-12


def test_multigrid_draws_the_same_numbers_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(linear.FACTOR_LIMIT, 3, 0)
    k = laplacian(3)
    b = np.arange(k.shape[0]) - (k.shape[0] - 1) / 2
    first, second = (linear.poisson_solver(k, 3)(b, np.zeros_like(b)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def small_system(n: int = 12) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """A ring of n nodes with link phases; the same system as a real (2n, 2n) matrix on (Re x, Im x)."""
    rng = np.random.default_rng(3)
    start = np.arange(0, 2 * n + 1, 2, dtype=np.uint32)
    neighbour = np.array([[(i - 1) % n, (i + 1) % n] for i in range(n)], dtype=np.uint32).ravel()
    up = np.exp(1j * rng.uniform(-3, 3, n))  # link i -> i+1
    link = np.array([[up[(i - 1) % n].conjugate(), up[i]] for i in range(n)]).ravel()
    alpha = 3.0 + rng.uniform(0, 1, n)
    beta = 0.5 * np.exp(1j * rng.uniform(-3, 3, n))
    hermitian = np.diag(alpha).astype(complex)
    for i in range(n):
        for k in (2 * i, 2 * i + 1):
            hermitian[i, neighbour[k]] -= link[k]
    plain, conjugate = hermitian, np.diag(beta)
    real = np.block(
        [
            [plain.real + conjugate.real, -plain.imag + conjugate.imag],
            [plain.imag + conjugate.imag, plain.real - conjugate.real],
        ]
    )
    return (start, neighbour, link, alpha, beta), real


def test_cg_solves_the_real_symmetric_system() -> None:
    (start, neighbour, link, alpha, beta), real = small_system()
    n = alpha.size
    np.testing.assert_allclose(real, real.T, atol=1e-14)
    b = np.random.default_rng(4).standard_normal((2, n)) @ np.eye(n)
    rhs = b[0] + 1j * b[1]
    x = np.zeros(n, dtype=complex)
    made = solve(Rows.of(start, neighbour, np.ones(n, dtype=bool)), link, alpha, beta, rhs, x, 1e-12, 200)
    assert 0 < made <= 2 * n + 2
    np.testing.assert_allclose(real @ np.r_[x.real, x.imag], np.r_[rhs.real, rhs.imag], atol=1e-9)


def test_cg_of_next_to_nothing_is_finite() -> None:
    """psi of a normal sample decays for ever: where its squares are no longer numbers, it stays as small as it is."""
    (start, neighbour, link, alpha, beta), _ = small_system()
    rows = Rows.of(start, neighbour, np.ones(alpha.size, dtype=bool))
    for size in (1e-130, 1e-145, 1e-156, 1e-163, 1e-200, 1e-308, 0.0):
        rhs, x = np.full(alpha.size, size * (1 + 0.5j)), np.full(alpha.size, size * (0.3 - 1j))
        assert solve(rows, link, alpha, beta, rhs, x, 1e-8, 2000) >= 0
        assert np.isfinite(x).all() and np.abs(x).max() <= 100 * size


def test_cg_holds_fixed_nodes_and_always_makes_a_step() -> None:
    (start, neighbour, link, alpha, beta), real = small_system()
    n = alpha.size
    free = np.ones(n, dtype=bool)
    free[[0, 5]] = False
    rows, rhs = Rows.of(start, neighbour, free), np.ones(n, dtype=complex)
    x = np.full(n, 0.3 + 0.1j)
    solve(rows, link, alpha, beta, rhs, x, 1e-12, 200)
    assert np.all(x[~free] == 0.3 + 0.1j)
    residual = real @ np.r_[x.real, x.imag] - np.r_[rhs.real, rhs.imag]
    assert np.abs(residual[np.r_[free, free]]).max() < 1e-10
    # From a solution good to 1e-3 a loose tolerance would let it pass unchanged.
    start_again = x + 1e-3
    moved = start_again.copy()
    assert solve(rows, link, alpha, beta, rhs, moved, 0.5, 200) == 1
    assert np.abs(moved - start_again)[free].max() > 0


@pytest.mark.parametrize("dim", [2, 3])
def test_rows_by_diagonals_hold_every_entry_between_free_nodes(dim: int) -> None:
    mesh = simple.rectangle(40, 30, (7.0, 4.5)) if dim == 2 else simple.box(9, 8, 12, (3.0, 2.5, 2.0))
    g = graph(operators(mesh))
    free = np.random.default_rng(5).random(mesh.nodes) > 0.1
    rows = Rows.of(g.start, g.neighbour, free)
    matrix = sp.csr_array((np.arange(1.0, g.neighbour.size + 1), g.neighbour, g.start), shape=(mesh.nodes,) * 2)
    found = np.zeros((rows.node.size,) * 2)
    for w in range(rows.window.size - 1):
        assert rows.window[w + 1] - rows.window[w] <= WINDOW
        for d in range(rows.first[w], rows.first[w + 1]):
            entry = np.arange(rows.begin[d], rows.begin[d + 1])
            row = rows.window[w] + np.arange(entry.size)
            assert row.max() < rows.window[w + 1]
            found[row, rows.column[entry]] = rows.source[entry] + 1.0
    np.testing.assert_array_equal(np.sort(rows.node), np.flatnonzero(free))
    np.testing.assert_array_equal(found, matrix[rows.node][:, rows.node].toarray())


def test_cg_refines_where_single_precision_ends() -> None:
    """To 1e-12 of the right side, of whatever size, though no correction is better than 1e-4."""
    (start, neighbour, link, alpha, beta), real = small_system(300)
    n = alpha.size
    rows = Rows.of(start, neighbour, np.ones(n, dtype=bool))
    rhs = np.random.default_rng(7).standard_normal(n) * (1 - 2j)
    exact = np.linalg.solve(real, np.r_[rhs.real, rhs.imag])
    for size in (1e-60, 1.0, 1e60):
        x = np.zeros(n, dtype=complex)
        assert solve(rows, link, alpha, beta, size * rhs, x, 1e-12, 200) > 0
        np.testing.assert_allclose(np.r_[x.real, x.imag], size * exact, rtol=0, atol=1e-11 * size)
    assert solve(rows, link, alpha, beta, rhs, np.zeros(n, dtype=complex), 1e-12, 3) == -1
    assert solve(rows, link, alpha, beta, rhs * np.nan, np.zeros(n, dtype=complex), 1e-12, 200) == -1


@pytest.mark.parametrize(("size", "wide"), [(1e2, False), (1e4, False), (1e6, True), (1e9, True)])
def test_cg_turns_to_double_precision_where_single_sees_too_little(size: float, wide: bool) -> None:
    """alpha - |beta| down to 1e-9 alpha, as at gamma = 1e5: in single precision it is rounding."""
    (start, neighbour, link, alpha, beta), _ = small_system(300)
    n = alpha.size
    alpha, beta = size + alpha, (size + 0.5) * beta / np.abs(beta)
    wanted = np.random.default_rng(8).standard_normal(n) * (1 + 0.5j)
    links = sp.csr_array((link, neighbour, start), shape=(n, n))
    b, x = alpha * wanted + beta * wanted.conj() - links @ wanted, np.zeros(n, dtype=complex)

    def norm(r: np.ndarray) -> float:
        z = (alpha * r - beta * r.conj()) / (alpha**2 - np.abs(beta) ** 2)
        return float(np.sqrt(np.sum((z.conj() * r).real)))

    rows = Rows.of(start, neighbour, np.ones(n, dtype=bool))
    assert solve(rows, link, alpha, beta, b, x, 1e-11, 2000) > 0
    assert norm(b - alpha * x - beta * x.conj() + links @ x) < 1.5e-11 * norm(b)
    assert ("wide" in rows.last) == wide


def test_cg_stops_where_its_residual_has_fallen_far_enough() -> None:
    (start, neighbour, link, alpha, beta), real = small_system()
    n = alpha.size
    rhs = np.random.default_rng(6).standard_normal(n) + 1j
    rows = Rows.of(start, neighbour, np.ones(n, dtype=bool))
    for room in (rows.room, rows.residual, rows.link):
        room[:] = np.nan  # it need hold nothing
    begun = np.zeros(n, dtype=complex)
    solve(rows, link, alpha, beta, rhs, begun, 1e-3, 200)

    def residual(x: np.ndarray) -> float:
        return float(np.linalg.norm(real @ np.r_[x.real, x.imag] - np.r_[rhs.real, rhs.imag]))

    few, many = begun.copy(), begun.copy()
    made = solve(rows, link, alpha, beta, rhs, few, 1e-13, 200, 1e-2)
    assert 0 < made < solve(rows, link, alpha, beta, rhs, many, 1e-13, 200)
    assert residual(many) < 1e-9 < residual(few) < 0.1 * residual(begun)


@pytest.mark.parametrize("dim", [2, 3])
def test_a_factor_in_blocks_is_the_factor_by_columns(dim: int) -> None:
    factor = linear.factored(sp.csr_array(laplacian(dim)[1:][:, 1:]))
    b = np.random.default_rng(2).standard_normal(factor.order.size)
    by_columns = b[factor.order]
    linear.substitute(factor.start, factor.row, factor.value, factor.inverse, by_columns)
    assert np.diff(factor.blocks.first.astype(int)).max() > 3  # some columns do share their rows
    np.testing.assert_allclose(factor(b)[factor.order], by_columns, rtol=0, atol=1e-12 * np.abs(by_columns).max())


def test_the_frame_is_an_exponential_function() -> None:
    for size in (1.0, 1e2, 1e4, 1e6):
        chi = np.random.default_rng(3).uniform(-size, size, 1001)
        turn = np.empty(chi.size, dtype=complex)
        kernels.frame(chi, turn)
        np.testing.assert_allclose(turn, np.exp(-1j * chi), rtol=0, atol=4e-16)


@given(dt=st.floats(0.1, 2.0), last=st.floats(0.1, 2.0), before=st.floats(0.1, 2.0))
def test_coefficients_are_exact_for_their_polynomials(dt: float, last: float, before: float) -> None:
    times = np.array([0.0, -last, -last - before])
    parabola = 0.7 - 1.3 * times + 0.4 * times**2
    quadratic = weights(dt, (last, before), 3)
    assert np.dot(quadratic, parabola) == pytest.approx(0.7 - 1.3 * dt + 0.4 * dt**2, rel=1e-9)
    cubic = weights(dt, (last, before, 0.3), 4)
    earlier = np.append(times, times[-1] - 0.3)
    assert np.dot(cubic, 0.2 - earlier + 0.5 * earlier**3) == pytest.approx(0.2 - dt + 0.5 * dt**3, rel=1e-9, abs=1e-9)
    assert weights(dt, (last,), 4)[2:] == (0.0, 0.0)
    line = 0.7 - 1.3 * times
    assert np.dot(weights(dt, (last, before), 2), line[:2]) == pytest.approx(0.7 - 1.3 * dt)
    a1, h0, h1 = bdf(dt, last)
    new = 0.7 - 1.3 * dt + 0.4 * dt**2
    assert (a1 * new - h0 * parabola[0] - h1 * parabola[1]) / dt == pytest.approx(-1.3 + 0.8 * dt, abs=1e-8)


def trial(dt: float, error: float, theta: float = 0.0) -> Trial:
    return Trial(dt, {}, {"other": 1e-12, "psi": error}, theta, 1)


def test_the_judge_accepts_by_error_and_by_turn() -> None:
    clock = Clock(until=1.0, tolerance=1e-3)
    assert judge(trial(0.1, 1.4e-3), clock).accepted
    assert not judge(trial(0.1, 1.6e-3), clock).accepted
    assert not judge(trial(0.1, 1e-9, theta=1.01 * THETA_LIMIT), clock).accepted
    # The step grows with the cube root of the error, at most by half.
    assert judge(trial(0.1, 1e-3), clock).next_dt == pytest.approx(0.085)
    assert judge(trial(0.1, 1e-9), clock).next_dt == pytest.approx(0.15)


@pytest.mark.parametrize("error", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_never_accepted(error: float) -> None:
    assert not judge(trial(0.1, error), Clock(until=1.0)).accepted
    with pytest.raises(Failure, match="fixed step"):
        judge(trial(0.1, error), Clock(until=1.0, fixed=0.1))


@given(dt=st.floats(1e-3, 3.0), left=st.floats(1e-2, 10.0))
def test_landing_reaches_the_target_without_a_tiny_last_step(dt: float, left: float) -> None:
    t, smallest = 5.0, np.inf
    target = t + left
    for _ in range(100_000):
        step, landed = landing(t, dt, target)
        smallest = min(smallest, step)
        t += step
        if landed:
            break
    assert t == pytest.approx(target)
    assert smallest >= min(left, 0.49 * dt) * (1 - 1e-9)


def test_a_normal_wire_stays_a_normal_wire(tmp_path) -> None:
    """epsilon = -1: psi falls as exp(-t/u) to 1e-140, where its squares vanish, and nothing goes wrong there."""
    text = """
    geometry:
      dimension: 1
      regions: {wire: {segment: {from: [0], to: [4 xi]}}}
    material: {u: 1, gamma: 0, epsilon: -1}
    mesh: {size: 1 xi}
    time: {until: 450 tau, fixed: 0.1}
    """
    state = experiment(case_from(text, tmp_path)).state
    assert state.t == 450
    assert np.abs(state["psi"]).max() < 1e-139


def test_multigrid_starts_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the solution no cycle is made, from afar the residual falls to 1e-10 of the right side; on two pieces."""
    k = laplacian(3)
    both = sp.csr_array(sp.block_diag([k, 3 * k]))
    b = both @ np.random.default_rng(5).standard_normal(both.shape[0])
    monkeypatch.setitem(linear.FACTOR_LIMIT, 3, 0)
    solver = linear.poisson_solver(both, 3)
    assert solver.iterates
    x = solver(b, np.zeros_like(b))
    assert np.linalg.norm(both @ x - b) < 2e-10 * np.linalg.norm(b)
    monkeypatch.setattr(multigrid.Multigrid, "cycle", None)
    np.testing.assert_allclose(solver(b, x), x, atol=1e-12)


def test_multigrid_of_one_aggregate_keeps_constants_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coarsest level of one unknown is nothing but rounding errors of a singular matrix."""
    monkeypatch.setattr(multigrid, "COARSEST", 1)
    k = laplacian(3)
    solver = multigrid.Multigrid.of(k, lambda x: x - x.mean(), 1e-10)
    assert solver.coarsest.shape[0] == 1 and solver.coarsest[0, 0] == 0.0
    b = k @ np.random.default_rng(6).standard_normal(k.shape[0])
    assert np.linalg.norm(k @ solver(b, np.zeros_like(b)) - b) < 2e-10 * np.linalg.norm(b)


def test_flow_is_the_current_of_a_link() -> None:
    rng = np.random.default_rng(7)
    psi, a = rng.standard_normal(6) + 1j * rng.standard_normal(6), rng.uniform(-9, 9, 5)
    edges, out = np.array([[0, 1, 2, 3, 4], [1, 3, 5, 4, 5]]), np.empty(5)
    kernels.flow(psi, a, edges, out)
    i, j = edges
    np.testing.assert_allclose(out, np.imag(psi[i].conj() * np.exp(-1j * a) * psi[j]), atol=1e-14)
