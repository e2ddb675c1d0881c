"""Observed orders of convergence on a manufactured solution (run/verify.py): h^2 for P1 elements, dt^2 for BDF2."""

from __future__ import annotations

import pytest

from fempslip.run import verify

DIMENSIONS = [1, pytest.param(2, marks=pytest.mark.slow), pytest.param(3, marks=pytest.mark.slow)]


@pytest.mark.parametrize("dim", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_psi_and_mu_converge_in_h(dim: int) -> None:
    psi, mu = verify.orders_in_h(dim)
    assert psi >= 1.9
    assert mu >= 1.9


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_psi_and_mu_converge_in_h_where_all_coefficients_vary(dim: int) -> None:
    """epsilon, beta, u, gamma, sigma, section and kinetic weight, each by 20 to 50 % along x: order 2."""
    assert min(verify.orders_in_h(dim, verify.SMOOTH)) >= 1.9


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_psi_and_mu_converge_in_h_where_all_coefficients_jump(dim: int) -> None:
    """The same at the border of two regions, where the fields have kinks: at least 3/2."""
    assert min(verify.orders_in_h(dim, verify.LAYERS)) >= 1.4


def test_a_wrong_weight_would_be_seen() -> None:
    """Without the law of the kink (sigma that jumps otherwise than the kinetic weight) there is no convergence."""
    wrong = verify.Medium("wrong", jump={"kinetic": 0.5})
    assert min(verify.orders_in_h(1, wrong)) < 0.5


def test_psi_and_mu_converge_in_dt() -> None:
    psi, mu = verify.order_in_dt(1)
    assert psi >= 1.8
    assert mu >= 1.8
