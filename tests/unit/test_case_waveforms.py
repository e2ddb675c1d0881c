"""Waveforms: values, rates from the right, kinks, and heights in units of the depairing current."""

from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fempslip.case.quantities import Amount
from fempslip.case.waveforms import Constant, Points, Pulse, Ramp, Sine, Sum

WAVES = [
    Constant(2.0),
    Points((1.0, 2.0, 2.0, 5.0), (0.0, 1.0, 3.0, -1.0)),
    Ramp(1.0, 3.0, 2.0, 4.0),
    Ramp(1.0, 3.0, 2.0),
    Sine(2.0, 0.25, 1.0, 0.3),
    Pulse(5.0, 1.0, 3.0, 0.5),
    Pulse(5.0, 1.0, 3.0),
]
WAVES.append(Sum(tuple(WAVES)))


@pytest.mark.parametrize("wave", WAVES, ids=lambda wave: type(wave).__name__)
def test_rate_is_the_slope_on_the_right(wave):
    for t in [0.0, *wave.kinks(10.0), 0.7, 1.9, 3.3, 8.0]:
        slope = (wave.value(t + 1e-6) - wave.value(t)) / 1e-6
        assert wave.rate(t) == pytest.approx(slope, abs=1e-4)


@pytest.mark.parametrize("wave", WAVES, ids=lambda wave: type(wave).__name__)
@given(t=st.floats(0.0, 10.0))
def test_all_jumps_of_the_slope_are_kinks(wave, t):
    if all(abs(t - kink) > 1e-3 for kink in wave.kinks(20.0)) and t > 1e-3:
        assert wave.rate(t - 1e-6) == pytest.approx(wave.rate(t + 1e-6), abs=1e-4)


def test_values():
    assert [WAVES[1].value(t) for t in (0.0, 1.5, 2.0, 3.5, 9.0)] == [0.0, 0.5, 3.0, 1.0, -1.0]
    assert [WAVES[2].value(t) for t in (0.0, 4.0, 9.0)] == [1.0, 2.0, 3.0]
    assert [WAVES[3].value(t) for t in (1.999, 2.0)] == [1.0, 3.0]
    assert [WAVES[5].value(t) for t in (1.0, 1.25, 2.0, 3.75, 4.0)] == [0.0, 2.5, 5.0, 2.5, 0.0]
    assert [WAVES[6].value(t) for t in (0.999, 1.0, 3.999, 4.0)] == [0.0, 5.0, 5.0, 0.0]
    assert Sine(2.0, 0.25).value(1.0) == pytest.approx(2.0)
    assert Sine(2.0, 0.25).rate(0.0) == pytest.approx(pi)


def test_kinks_lie_within_the_run():
    assert WAVES[1].kinks(3.0) == (1.0, 2.0)
    assert Ramp(0.0, 1.0, 0.0, 2.0).kinks(5.0) == (2.0,)
    assert WAVES[-1].period == 4.0
    assert Constant(1.0).period is None


@pytest.mark.parametrize("wave", WAVES, ids=lambda wave: type(wave).__name__)
def test_heights_in_depairing_currents(wave):
    """Every waveform is linear in its heights: (2 + 3 Idep) h at Idep = 4 is 14 h."""
    mixed = wave.mapped(lambda h: Amount(2 * h, 3 * h)).at(4.0)
    upside_down = wave.mapped(lambda h: Amount(2 * h, 3 * h)).negative().at(4.0)
    for t in (0.0, 1.2, 2.5, 7.0):
        assert mixed.value(t) == pytest.approx(14 * wave.value(t))
        assert upside_down.value(t) == pytest.approx(-14 * wave.value(t))
