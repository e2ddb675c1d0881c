"""Each loop of the multigrid against its readable form, matrices and triangular solves, and the cycle as a whole."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve_triangular

from fempslip.mesh import operators, simple
from fempslip.solver import multigrid
from fempslip.solver.multigrid import Level, Multigrid


def body(n: int = 12) -> sp.csr_array:
    return operators(simple.box(n, n - 1, n - 2, (3.0, 2.5, 2.0), shake=0.2), curls=False).K_sigma


def centred(x: np.ndarray) -> np.ndarray:
    return x - x.mean()


@pytest.fixture(scope="module")
def solver() -> Multigrid:
    return Multigrid.of(body(), centred, 1e-10)


def rows(slices: multigrid.Slices, value: np.ndarray, columns: int) -> sp.csr_array:
    """The matrix that lies in slices."""
    found = sp.lil_array((int(slices.row[-1]), columns))
    for first, last, begin, end in zip(slices.row, slices.row[1:], slices.begin, slices.begin[1:], strict=False):
        size = int(last) - int(first)
        for k in range(int(begin), int(end)):
            found[int(first) + (k - int(begin)) % size, slices.column[k]] += value[k]
    return sp.csr_array(found)


def triangles(level: Level) -> tuple[sp.csr_array, sp.csr_array, sp.csr_array]:
    n = level.b.size
    return (
        rows(level.lower, level.low, n),
        sp.csr_array(sp.diags_array(1 / level.inverse)),
        rows(level.upper, level.up, n),
    )


def test_no_neighbours_have_a_colour_in_common() -> None:
    k = body()
    colour = np.empty(k.shape[0], dtype=np.int32)
    multigrid.colours(k.indptr.astype(np.uint32), k.indices.astype(np.uint32), colour)
    i, j = k.nonzero()
    assert np.all(colour[i[i != j]] != colour[j[i != j]]) and colour.min() == 0 and colour.max() < 20


def test_unknowns_of_a_slice_are_not_joined(solver: Multigrid) -> None:
    k, row = body(), solver.levels[0].lower.row.astype(int)
    a = k[solver.order][:, solver.order].toarray()
    for first, last in zip(row, row[1:], strict=False):
        block = a[first:last, first:last]
        assert 0 < last - first <= multigrid.SLICE and np.array_equal(block, np.diag(block.diagonal()))


def test_product_is_that_of_the_matrix(solver: Multigrid) -> None:
    k, rng = body(), np.random.default_rng(1)
    x = rng.standard_normal(k.shape[0])
    q = np.empty_like(x)
    total = solver.product(x[solver.order], q)
    assert np.abs(q - (k @ x)[solver.order]).max() < 1e-12 * np.abs(k).max()
    assert total == pytest.approx(x @ (k @ x), rel=1e-12)


def test_sweeps_are_those_of_gauss_and_seidel(solver: Multigrid) -> None:
    for level in solver.levels:
        low, diagonal, up = triangles(level)
        rng = np.random.default_rng(2)
        level.b[:] = rng.standard_normal(level.b.size)
        multigrid.forward(
            level.lower.row, *level.lower.entries(), level.low, level.inverse, level.b, level.x, level.work
        )
        x = spsolve_triangular(sp.csr_array(low + diagonal), level.b.astype(float), lower=True)
        assert np.allclose(level.x, x, rtol=0, atol=1e-5 * np.abs(x).max())
        multigrid.residual(level.upper.row, *level.upper.entries(), level.up, level.x, level.r, level.work)
        r = level.b - (low + diagonal + up) @ x
        assert np.allclose(level.r, r, rtol=0, atol=1e-5 * np.abs(level.b).max())
        level.x[:] = y = rng.standard_normal(level.b.size)
        multigrid.backward(
            level.lower.row, *level.lower.entries(), level.low, *level.upper.entries(), level.up, level.inverse,
            level.b, level.x, level.work,
        )  # fmt: skip
        x = spsolve_triangular(sp.csr_array(diagonal + up), level.b - low @ y, lower=False)
        assert np.allclose(level.x, x, rtol=0, atol=1e-5 * np.abs(x).max())


def test_prolongation_and_restriction_are_transposed(solver: Multigrid) -> None:
    level = solver.levels[0]
    start, column, value = level.back
    back = sp.csr_array(
        (value.astype(float), column.astype(int), start.astype(int)), shape=(start.size - 1, level.b.size)
    )
    assert abs(rows(level.out, level.out.value, start.size - 1) - back.T).max() == 0
    rng = np.random.default_rng(3)
    x, e = rng.standard_normal(level.b.size).astype(np.float32), rng.standard_normal(start.size - 1).astype(np.float32)
    y, coarse = x.copy(), np.empty_like(e)
    multigrid.add(level.out.row, *level.out.entries(), level.out.value, e, y)
    multigrid.restrict(*level.back, x, coarse)
    assert np.allclose(y, x + back.T @ e, atol=1e-5) and np.allclose(coarse, back @ x, atol=1e-5)


def test_the_cycle_is_symmetric_and_positive(solver: Multigrid) -> None:
    rng = np.random.default_rng(4)
    for _ in range(5):
        a, b = (centred(x) for x in rng.standard_normal((2, solver.order.size)))
        of_a, of_b = solver.cycle(a).astype(float), solver.cycle(b).astype(float)
        assert a @ of_a > 0 and b @ of_b > 0
        assert abs(a @ of_b - b @ of_a) < 1e-5 * np.sqrt((a @ of_a) * (b @ of_b))


def test_few_cycles_are_needed_and_single_precision_costs_no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    k, made = body(18), []
    solver = Multigrid.of(k, centred, 1e-12)
    cycle = Multigrid.cycle

    def counted(self: Multigrid, r: np.ndarray) -> np.ndarray:
        made.append(1)
        return cycle(self, r)

    monkeypatch.setattr(Multigrid, "cycle", counted)
    wanted = centred(np.random.default_rng(5).standard_normal(k.shape[0]))
    b = k @ wanted
    assert np.abs(solver(b, np.zeros_like(b)) - wanted).max() < 1e-10 and len(made) <= 24


def test_a_matrix_too_small_for_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    k = body(5)
    monkeypatch.setattr(multigrid, "COARSEST", k.shape[0])
    solver = Multigrid.of(k, centred, 1e-10)
    wanted = centred(np.random.default_rng(6).standard_normal(k.shape[0]))
    assert not solver.levels and np.abs(solver(k @ wanted, 0 * wanted) - wanted).max() < 1e-11
