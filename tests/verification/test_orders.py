"""Observed orders of convergence on a manufactured solution (run/verify.py): h^2 for P1 elements, dt^2 for BDF2."""

from __future__ import annotations

import pytest

from fempslip.run import verify


@pytest.mark.parametrize("dim", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_psi_and_mu_converge_in_h(dim: int) -> None:
    psi, mu = verify.orders_in_h(dim)
    assert psi >= 1.9
    assert mu >= 1.9


def test_psi_and_mu_converge_in_dt() -> None:
    psi, mu = verify.order_in_dt(1)
    assert psi >= 1.8
    assert mu >= 1.8
