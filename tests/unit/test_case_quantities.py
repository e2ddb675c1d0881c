"""Quantities: sums of terms, dimensions, scales, units and what the material must say."""

import subprocess
import sys
from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fempslip.case.quantities import Amount, Mistake, Names, amount, has_unit
from fempslip.case.scales import PHI0, scales

SCALES = scales(2, xi=10e-9, lambda_=200e-9, sigma=2e6, thickness=20e-9)
NAMES = Names(SCALES, {"length": (40.0, "length"), "count": (3.0, "number")})


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (0.3, "field", 0.3),
        ("0.3", "field", 0.3),
        ("0.5 length - 2 xi", "length", 18.0),
        ("-0.25 length", "length", -10.0),
        ("length", "length", 40.0),
        ("-length+2", "length", -38.0),
        ("60 nm", "length", 6.0),
        ("60nm", "length", 6.0),
        ("1e1nm", "length", 1.0),
        ("0.01 um + 1 xi", "length", 2.0),
        ("2 lambda", "length", 40.0),
        ("count xi", None, None),
        ("1 T", "field", 2 * pi * (10e-9) ** 2 / PHI0),
        ("1.5 Phi0", "flux", 3 * pi),
        ("1 Phi0", "flux", 2 * pi),
        (f"{PHI0} Wb", "flux", 2 * pi),
        ("2 count", "number", 6.0),
        ("100 tau", "time", 100.0),
        ("2e6 S/m", "conductivity", 1.0),
        (f"{SCALES.j0} A/m^2", "density", 1.0),
        (f"{SCALES.j0 / 1e4} A/cm**2", "density", 1.0),
        (f"{SCALES.j0 * 10e-9 * 20e-9} A", "current", 1.0),
        (f"{1e-9 / SCALES.tau0} GHz", "frequency", 1.0),
    ],
)
def test_values(text, kind, value):
    if kind is None:
        with pytest.raises(Mistake):
            amount(text, "length", NAMES, "x")
        return
    assert amount(text, kind, NAMES, "x").plain == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("60 nm", "field", "wants a magnetic field; '60 nm' is a length"),
        ("2 xi", "time", "wants a time; '2 xi' is a length"),
        ("15 uA", "density", "is a current; with a current, write value instead of density"),
        ("0.3 Idep", "density", "is a current"),
        ("2 K", "length", "wants a length"),
        ("2 degC", "length", "wants a length"),
        ("2 length", "field", "is a length"),
        ("nan", "length", "finite"),
        (".inf", "length", "finite"),
        ("1e999", "length", "finite"),
        (float("nan"), "length", "finite"),
        ("2 -", "length", "not a quantity"),
        ("2 ** 3", "length", "not a quantity"),
        ("9**9**9", "length", "not a quantity"),
        ("__import__('os')", "length", "not a quantity"),
        ("", "length", "not a quantity"),
        ("2 xi xi", "length", "not a quantity"),
        ("2 lenth", "length", "no unit, no scale and no parameter"),
        (True, "length", "true or false"),
        ([1], "length", "a list"),
        ("1 " * 200, "length", "too long"),
    ],
)
def test_refused(text, kind, message):
    with pytest.raises(Mistake) as caught:
        amount(text, kind, NAMES, "x")
    assert message in str(caught.value)


def test_depairing_current_stays_apart():
    assert amount("0.3 Idep - 2", "current", NAMES, "x") == Amount(-2.0, 0.3)
    assert amount("0.3 Idep - 2", "current", NAMES, "x").at(10.0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("given_scales", "text", "kind", "missing"),
    [
        (scales(2), "60 nm", "length", "material.xi"),
        (scales(2, xi=1e-8), "1 ns", "time", "material.lambda and material.sigma or tau"),
        (scales(2, xi=1e-8, lambda_=1e-7), "1 uA", "current", "material.thickness"),
        (scales(1, xi=1e-8, lambda_=1e-7), "1 uA", "current", "material.cross_section (or width and thickness)"),
        (scales(2, xi=1e-8), "2 lambda", "length", "material.lambda"),
    ],
)
def test_units_say_what_the_material_must_give(given_scales, text, kind, missing):
    with pytest.raises(Mistake) as caught:
        amount(text, kind, Names(given_scales), "x")
    assert missing in str(caught.value)


@given(
    st.lists(
        st.tuples(st.floats(-1e3, 1e3), st.sampled_from(["", " xi", " length", "nm", " lambda"])),
        min_size=1,
        max_size=5,
    )
)
def test_a_sum_is_the_sum_of_its_terms(terms):
    unit = {"": 1.0, " xi": 1.0, " length": 40.0, "nm": 0.1, " lambda": 20.0}
    text = " + ".join(f"{value!r}{name}" for value, name in terms).replace("+ -", "- ")
    wanted = sum(value * unit[name] for value, name in terms)
    assert amount(text, "length", NAMES, "x").plain == pytest.approx(wanted, abs=1e-8)


def test_has_unit():
    assert has_unit("2e6 S/m")
    assert not has_unit("2e6")
    assert not has_unit(3)


def test_pint_is_loaded_for_units_only():
    code = (
        "import sys; from fempslip.case import load; load('ring_flux_ramp'); assert 'pint' not in sys.modules;"
        "load('film_vortex_flow'); assert 'pint' in sys.modules; assert 'gmsh' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
