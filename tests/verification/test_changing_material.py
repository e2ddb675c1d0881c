"""Material that changes in time."""

import pytest
from laboratory import WIRE_W, case_from, experiment


def test_B8_slips_outlive_the_weak_spot_that_began_them(tmp_path):
    """A weak spot begins the slips of a wire of 40 xi and is taken away slowly: they go on, with the period 6.90 tau0
    of the uniform wire at gamma = 10 and j = 0.34 j0 (an independent finite-difference solution, 2 %)."""
    spot = {"gaussian": {"depth": 0.5, "width": 1, "base": 0, "center": [20]}}
    fades = {"points": [[0, 1], [80, 1], [100, 0]]}
    changes = {
        "geometry.length": "40 xi",
        "material.gamma": 10,
        "material.epsilon": {"sum": [1, {**spot, "times": fades}]},
        "drive.current.density": {"points": [[0, 0.35], [30, 0.35], [40, 0.34]]},
        "time.until": 400,
        "measure.from": 250,
    }
    found = experiment(case_from(WIRE_W, tmp_path, changes))
    late = found.voltage(250)
    assert late.period == pytest.approx(6.90, rel=0.02)
    assert late.slips > 15
