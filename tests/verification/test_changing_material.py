"""Oracles B8 and B9: a weak spot or a normal stretch that is taken away in time, in a uniform wire.

Reference values are those of an independent finite-difference code; wires between banks, mesh 0.1 xi, tolerance 3e-4.
"""

import numpy as np
import pytest
from laboratory import WIRE_W, case_from, experiment

slow = pytest.mark.slow


def uniform_wire(folder, gamma, current, length, spot, fades, until):
    """A wire that becomes uniform: the spot (a gaussian in the middle) times the points in `fades` is taken off."""
    gaussian = {"gaussian": {"base": 0, "center": [length / 2]} | spot, "times": {"points": fades}}
    changes = {
        "geometry.length": f"{length} xi",
        "material.gamma": gamma,
        "material.epsilon": {"sum": [1, gaussian]},
        "drive.current.density": {"points": current},
        "time.until": until,
        "measure.from": until - 150,
        "record.fields": 5,
    }
    return experiment(case_from(WIRE_W, folder, changes))


def slips_after_the_spot(folder, gamma, current, off=(80, 100), until=400):
    spot = {"depth": 0.5, "width": 1}
    return uniform_wire(folder, gamma, current, 40, spot, [[0, 1], [off[0], 1], [off[1], 0]], until)


@pytest.mark.parametrize(
    ("gamma", "current", "until", "period"),
    [
        (10, [[0, 0.35], [30, 0.35], [40, 0.34]], 400, 6.90),
        (10, [[0, 0.35], [100, 0.35], [120, 0.30]], 400, 10.23),
        (0, [[0, 0.33]], 700, 12.02),
    ],
)
def test_B8_slips_outlive_the_weak_spot_that_began_them(gamma, current, until, period, tmp_path):
    """The weak spot begins the slips of a wire of 40 xi and is taken away: they go on, with their own period (2 %)."""
    late = slips_after_the_spot(tmp_path, gamma, current, until=until).voltage(until - 150)
    assert late.period == pytest.approx(period, rel=0.02)
    assert late.slips > 10


@slow
@pytest.mark.parametrize(
    ("gamma", "lives", "dies", "off", "until"),
    [
        (0, 0.328, 0.325, (80, 100), 400),  # oracle: 0.326 to 0.327
        (1, 0.326, 0.319, (80, 100), 400),  # 0.320 to 0.325
        (10, 0.2605, 0.250, (200, 300), 800),  # 0.25 to 0.26
    ],
)
def test_B8_lowest_current_that_keeps_slips_going(gamma, lives, dies, off, until, tmp_path):
    """Slips begun at 0.33 j0 (0.34 at gamma = 10) go on above j_min in a uniform wire, and end below it."""
    begun = 0.34 if gamma == 10 else 0.33
    for current, alive in ((lives, True), (dies, False)):
        found = slips_after_the_spot(tmp_path, gamma, [[0, begun], [100, begun], [120, current]], off, until)
        v = found.table("voltage")
        late = v["t"] > until - 100
        slips = v["source|drain slips"][late]
        assert (slips[-1] > slips[0] + 0.9) == alive, current


# ------------------------------------------------------------------------------------------- B9


def front_speed(folder, gamma, current, until=300):
    """xi/tau0 by which superconductor grows into the normal middle: half the rate at which that stretch shrinks.

    epsilon < 0 in the middle 21 of 80 xi makes it normal until 40 tau0, and is gone at 50; |psi| = 0.3 is the front.
    """
    spot = {"depth": 4, "width": 9}
    found = uniform_wire(folder, gamma, [[0, current]], 80, spot, [[0, 1], [40, 1], [50, 0]], until)
    x = found.problem.mesh.points[0]
    times, widths = [], []
    for t, fields in found.memory.frames:
        if t >= 2 * until / 3:
            size = fields["psi_abs"]
            dark = np.flatnonzero(size < 0.3)
            a, b = dark[0], dark[-1]
            left = np.interp(-0.3, -size[a - 1 : a + 1], x[a - 1 : a + 1])
            times.append(t)
            widths.append(np.interp(0.3, size[b : b + 2], x[b : b + 2]) - left)
    return -0.5 * np.polyfit(times, widths, 1)[0]


@pytest.mark.parametrize(("current", "speed"), [(0.30, 0.0373), (0.35, -0.0240)])
def test_B9_speed_of_the_front_between_superconductor_and_normal_metal(current, speed, tmp_path):
    assert front_speed(tmp_path, 0, current) == pytest.approx(speed, rel=0.01)


@pytest.mark.parametrize(("gamma", "j2"), [(0, 0.33272), pytest.param(1, 0.33650, marks=slow)])
def test_B9_current_at_which_the_front_stands(gamma, j2, tmp_path):
    """By a straight line between speeds 0.8 % below and above it; 0.5 %."""
    below, above = 0.992 * j2, 1.008 * j2
    v = [front_speed(tmp_path, gamma, current) for current in (below, above)]
    assert v[0] > 0 > v[1]
    assert below + (above - below) * v[0] / (v[0] - v[1]) == pytest.approx(j2, rel=5e-3)
