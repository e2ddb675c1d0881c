"""Oracles U1 and U2: the dimensionless units in SI."""

from dataclasses import replace
from math import pi, sqrt

import pytest

from fempslip.case import load_text
from fempslip.case.scales import DEPAIRING, MU0, PHI0, E, H, scales

ONE = scales(2, xi=10e-9, lambda_=200e-9, sigma=2e6, thickness=10e-9)

U1 = {
    "Bc2": (ONE.Bc2, 3.291060),
    "tau0": (ONE.tau0, 1.005310e-13),
    "J0": (ONE.j0, 6.547355e11),
    "K0 = J0 d": (ONE.j0 * 10e-9, 6547.355),
    "V0": (ONE.V0, 3.273678e-3),
    "Jc": (DEPAIRING * ONE.j0, 2.520078e11),
    "Jc, textbook": (PHI0 / (3 * sqrt(3) * pi * MU0 * ONE.lambda_**2 * ONE.xi), 2.520078e11),
    "V0 tau0 2 pi / Phi0": (ONE.V0 * ONE.tau0 * 2 * pi / PHI0, 1.0),
    "R_sq": (1 / (ONE.sigma * ONE.thickness), 50.0),
    "Lk_sq": (MU0 * ONE.lambda_**2 / ONE.thickness, 5.026548e-12),
    "Bc^2/mu0": (ONE.j0 * PHI0 / (4 * pi * ONE.xi), 1.077387e4),
    "V0 = xi j0 / sigma": (ONE.xi * ONE.j0 / ONE.sigma, 3.273678e-3),
}


@pytest.mark.parametrize("row", U1)
def test_U1_si_conversion(row):
    found, wanted = U1[row]
    assert found == pytest.approx(wanted, rel=1e-6)


def test_U1_through_a_case_file():
    """The same numbers where a person meets them; the current unit is j0 xi d."""
    case = load_text(
        """
        geometry: {dimension: 2, regions: {film: {rectangle: {size: [400 nm, 200 nm]}}}}
        material: {xi: 10 nm, lambda: 200 nm, sigma: 2e6 S/m, thickness: 10 nm}
        drive: {field: 3.291060 T}
        time: {until: 0.1005310 ns}
        """
    )
    assert replace(case.scales, film=None) == ONE and case.scales.film == pytest.approx(1.0)
    assert case.scales.current == pytest.approx(6.547355e11 * 10e-9 * 10e-9, rel=1e-6)
    assert case.drive.field[0][1].value(0) == pytest.approx(1.0, rel=1e-6)
    assert case.time.until == pytest.approx(1000.0, rel=1e-6)
    assert case.geometry.regions["film"].size == pytest.approx((40.0, 20.0))


@pytest.mark.parametrize(("dimension", "section"), [(1, 3e-16), (2, 10e-9 * 10e-9), (3, 1e-16)])
def test_U1_unit_of_current(dimension, section):
    """j0 area in wires, j0 xi thickness in films, j0 xi^2 in bulk."""
    found = scales(dimension, xi=10e-9, lambda_=200e-9, sigma=2e6, thickness=10e-9, area=3e-16)
    assert found.current == pytest.approx(6.547355e11 * section, rel=1e-6)


def test_U1_tau_instead_of_sigma():
    assert scales(2, xi=10e-9, lambda_=200e-9, tau=ONE.tau0).sigma == pytest.approx(2e6, rel=1e-12)


def test_U2_josephson_frequency():
    """1 uV is 483.5978 MHz: V / V0 slips per 2 pi tau0, whatever the material."""
    frequency = (1e-6 / ONE.V0) / (2 * pi * ONE.tau0)
    assert frequency == pytest.approx(483.5978e6, rel=1e-6)
    assert frequency == pytest.approx(2 * E * 1e-6 / H, rel=1e-12)


def test_U2_helium():
    """Pressure P drives slips at m4 P / (rho h): 69.18 kHz per Pa at 145 kg/m3."""
    m4 = 6.6464731e-27  # kg
    frequency = m4 / (145 * H)
    assert frequency == pytest.approx(69.18e3, rel=1e-4)
