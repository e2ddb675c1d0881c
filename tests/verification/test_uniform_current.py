"""Oracles A1 to A3: a superconductor that carries a uniform supercurrent.

With the gauge-invariant phase gradient q the uniform state is |psi|^2 = f^2 = 1 - q^2 and j = q (1 - q^2); all the rest
follows from this curve: its maximum is the depairing current, its slope 1 - 3 q^2 the inverse kinetic inductance.
"""

import numpy as np
import pytest
from laboratory import case_from, experiment, problem_of
from numpy import pi, sqrt
from scipy.optimize import brentq

RADIUS = 5.0
U = 5.79

# A ring needs no contacts: flux phi (in flux quanta) imposes q = (n - phi)/R everywhere, here with n = 0.
RING = """
geometry:
  dimension: 1
  parameters: {radius: 5 xi}
  regions: {ring: {ring: {radius: radius, center: [0, 0]}}}
  holes: {hole: {point: [0, 0]}}
material: {u: 5.79, gamma: 0}
drive: {flux: {through: hole, value: 0 Phi0}}
mesh: {size: 0.1 xi}
time: {until: 100 tau, dt_max: 0.5 tau}
"""

WIRE = """
geometry:
  dimension: 1
  parameters: {length: 20 xi}
  regions: {wire: {segment: {from: [0], to: [length]}}}
  boundaries: {source: {end: first, of: wire}, drain: {end: last, of: wire}}
  probes: {left: [0.25 length], right: [0.75 length]}
material: {u: 5.79, gamma: 0}
contacts: {source: bank, drain: bank}
drive: {current: {from: source, to: drain, density: 0.3 j0}}
mesh: {size: 0.1 xi}
time: {until: 200 tau, dt_max: 0.5 tau}
measure: {between: [left, right]}
"""


def static_q(j):
    """The stable root of q (1 - q^2) = j."""
    return brentq(lambda q: q * (1 - q * q) - j, 0.0, 1 / sqrt(3))


def staircase(levels, hold, rise=1.0):
    """Points that climb from 0 to each level in `rise` and stay there for `hold`; and the times of the stairs' ends."""
    points, ends, t = [[0.0, "0 Phi0"]], [], 0.0
    for level in levels:
        points += [[t + rise, f"{level} Phi0"], [t + rise + hold, f"{level} Phi0"]]
        t += rise + hold
        ends.append(t)
    return points, ends


def around_the_ring(experiment, name):
    """A vector field of all frames, (frames, nodes): its component along the ring, counter-clockwise."""
    x, y = experiment.problem.mesh.points[:2] / RADIUS
    place = experiment.problem.mesh.node_of_vertex
    tangent = np.zeros((experiment.problem.mesh.nodes, 3))
    tangent[place, 0], tangent[place, 1] = -y, x
    return np.array([np.sum(fields[name] * tangent, axis=1) for _, fields in experiment.memory.frames])


# ------------------------------------------------------------------------------------------- A1


@pytest.fixture(scope="module")
def curve(tmp_path_factory):
    """q, f^2 and j of a ring whose flux climbs a staircase; each is read at the end of a stair.

    The largest q is above 1/sqrt 3 and below the limit of stability of this small ring, 0.5831 (oracle C2).
    """
    q = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.56, 0.568, 0.576, 0.581])
    flux, ends = staircase(-RADIUS * q, hold=59.0)
    changes = {"drive.flux.points": flux, "time.until": ends[-1], "record.fields": 60.0}
    text = RING.replace("value: 0 Phi0", "points: [[0, 0], [1, 0]]")
    run = experiment(case_from(text, tmp_path_factory.mktemp("ring"), changes))
    density = np.array([fields["psi_abs"] ** 2 for _, fields in run.memory.frames])
    stairs = slice(-q.size, None)  # without the frame of the start
    return q, density[stairs], around_the_ring(run, "supercurrent")[stairs]


def test_A1_density_and_current_of_an_imposed_phase_gradient(curve):
    q, density, current = curve
    assert density == pytest.approx(np.tile(1 - q**2, (density.shape[1], 1)).T, rel=1e-3)
    assert current == pytest.approx(np.tile(q * (1 - q**2), (current.shape[1], 1)).T, rel=1e-3, abs=1e-6)


def test_A1_depairing_current(curve):
    """The largest current, 2/(3 sqrt 3), flows at q = 1/sqrt 3: the top of a parabola through the last four points."""
    q, _, current = curve
    c2, c1, c0 = np.polyfit(q[-4:], current[-4:].mean(axis=1), 2)
    top = -c1 / (2 * c2)
    assert top == pytest.approx(0.5773503, rel=1e-3)
    assert c0 + c1 * top + c2 * top**2 == pytest.approx(0.3849002, rel=1e-3)


@pytest.mark.parametrize("j", [0.1, 0.3, 0.37])
def test_A1_density_of_an_imposed_current(tmp_path, j):
    """The middle of a wire between banks, with the current given: q (1 - q^2) = j."""
    run = experiment(case_from(WIRE, tmp_path, {"drive.current.density": j, "time.until": 300.0}))
    x = run.problem.mesh.points[0, np.argsort(run.problem.mesh.node_of_vertex)]
    middle = np.argmin(np.abs(x - 10.0))
    assert np.abs(run.state["psi"][middle]) ** 2 == pytest.approx(1 - static_q(j) ** 2, rel=1e-3)


# ------------------------------------------------------------------------------------------- A2


def test_A2_kinetic_inductance_in_a_current_ramp(tmp_path):
    """dq/dt = E, so a ramp dj/dt has E = (dj/dt)/(dj/dq) = (dj/dt)/(1 - 3 q^2), in the uniform part of the wire."""
    rate = 1e-4
    ramp = {"ramp": {"from": 0, "to": 0.32, "over": 0.32 / rate}}
    changes = {"drive.current.density": ramp, "time.until": 0.3 / rate, "record.fields": 100.0}
    run = experiment(case_from(WIRE, tmp_path, changes))
    v = run.table("voltage")
    for share in (0.25, 0.5, 0.75):
        j = share * 2 / (3 * sqrt(3))
        field = np.interp(j / rate, v["t"], v["left|right"]) / 10.0
        q = static_q(j)
        if share == 0.5:
            assert q == pytest.approx(0.2005116, rel=1e-6)
            assert 1 / (1 - 3 * q * q) == pytest.approx(1.137158, rel=1e-6)
        assert field / rate == pytest.approx(1 / (1 - 3 * q * q), rel=0.01), share


# ------------------------------------------------------------------------------------------- A3


def sigma(omega, q, gamma):
    """Conductivity at frequency omega (e^{-i omega t}) on a static phase gradient q.

    Linearise J = f^2 q + E, E = dq/dt, and  u s df/dt = (1 - q^2) f - f^3, s = sqrt(1 + gamma^2 f^2), about a static
    state:  delta f = -2 q f delta q/(2 f^2 - i omega u s)  and  E = -i omega delta q.
    """
    f2 = 1 - q * q
    s = sqrt(1 + gamma**2 * f2)
    return 1 + (1j / omega) * (f2 - 4 * q**2 * f2 / (2 * f2 - 1j * omega * U * s))


@pytest.mark.parametrize(
    ("q", "gamma", "omega"),
    [(0.0, 0, 0.5), (0.3, 0, 0.1), (0.3, 0, 1.0), (0.45, 0, 0.3), (0.45, 10, 0.03), (0.3, 10, 1.0)],
)
def test_A3_conductivity_at_a_frequency(tmp_path, q, gamma, omega):
    """A ring whose flux swings a little: q + 0.01 cos(omega t); the current all around it is J_s + J_n."""
    period, swing, settle = 2 * pi / omega, 0.01, 60.0
    wave = {"amplitude": f"{-RADIUS * swing} Phi0", "offset": f"{-RADIUS * q} Phi0", "period": period, "phase": pi / 2}
    first = np.ceil(settle / period)
    changes = {"drive.flux.sine": wave, "material.gamma": gamma, "record.fields": period / 40}
    changes |= {"time.until": (first + 2) * period, "time.fixed": period / 400}
    text = RING.replace("value: 0 Phi0", "sine: {amplitude: 0, period: 1}")
    case = case_from(text, tmp_path, changes)
    problem = problem_of(case)
    run = experiment(case, np.full(problem.operators.nodes, sqrt(1 - q * q), dtype=complex), problem)
    t = np.array([t for t, _ in run.memory.frames])
    current = (around_the_ring(run, "supercurrent") + around_the_ring(run, "normal_current")).mean(axis=1)
    late = t > (first + 1e-6) * period
    amplitude = 2 * np.mean(current[late] * np.exp(1j * omega * t[late]))  # of e^{-i omega t}
    found = amplitude / (-1j * omega * swing)
    assert abs(found / sigma(omega, q, gamma) - 1) < 0.01


def test_A3_at_low_frequency_is_the_kinetic_inductance():
    """omega -> 0: sigma -> (i/omega)(1 - 3 q^2), the slope of the curve of A1."""
    assert sigma(1e-9, 0.4, 3.0).imag * 1e-9 == pytest.approx(1 - 3 * 0.4**2, rel=1e-6)
    assert sigma(0.7, 0.0, 3.0) == pytest.approx(1 + 1j / 0.7)
