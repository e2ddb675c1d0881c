"""Films with their own field in time: the clock, energy, charge, order in dt, holes and terminals together."""

import numpy as np
import pytest
from laboratory import FILM, case_from, experiment

from fempslip.mesh import uniform_field
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.fields import electric

DISK = """
geometry:
  dimension: 2
  regions: {{film: {{disk: {{radius: {radius}}}}}}}
material: {{lambda: {kappa}, thickness: 1, gamma: 1}}
model: {{screening: {screening}}}
drive: {{field: {field}}}
mesh: {{size: 0.6}}
time: {{until: {until} tau{fixed}}}
record: {{fields: every {until} tau}}
"""
RAMP = "{ramp: {from: 0, to: %s, over: %s}}"
# A square washer with terminals left and right.
WASHER = """
geometry:
  dimension: 2
  regions: {film: {minus: [{rectangle: {size: [12, 12], center: [0, 0]}}, {rectangle: {size: [4, 4], center: [0, 0]}}]}}
  holes: {hole: {point: [0, 0]}}
  contours: {loop: hole}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
  probes: {a: [-5, 0], b: [5, 0]}
material: {lambda: 1.5, thickness: 1, gamma: 1}
model: {screening: pearl}
drive:
  field: {ramp: {from: 0, to: 0.1, over: 10 tau}}
  current: {from: source, to: drain, density: {ramp: {from: 0, to: 0.05, over: 10 tau}}}
mesh: {size: 0.6}
time: {until: 25 tau}
measure: {between: [a, b]}
postprocess: [voltage, voltage_ledger]
"""


def disk(tmp_path, Lambda=1.0, screening="pearl", field="0.1", radius=5, until=20, dt=None):
    fixed = f", fixed: {dt}" if dt else ""
    values = {"screening": screening, "field": field, "radius": radius, "until": until, "fixed": fixed}
    text = DISK.format(kappa=Lambda**0.5, **values)
    return experiment(case_from(text, tmp_path))


def moment(found):
    """Of supercurrent and normal current, whatever the screening."""
    op = found.problem.operators
    current = LinkEnergy(op, found.problem.epsilon).current(found.state["psi"], found.state["a"])
    return uniform_field(found.problem.mesh, op, 1.0) @ (current + op.M1 @ electric(found.problem, found.state))


def test_the_clock_is_true(tmp_path):
    """Lambda = 1e7 is no screening, to 1e-4 in moment and energy while vortices enter (radius 5, ramp to 0.8 Bc2)."""
    weak = disk(tmp_path, 1e7, field=RAMP % (1.2, "30 tau"))
    none = disk(tmp_path, 1e7, "none", field=RAMP % (1.2, "30 tau"))
    assert moment(weak) == pytest.approx(moment(none), rel=1e-4)
    assert weak.table("series")["energy"][-1] == pytest.approx(none.table("series")["energy"][-1], rel=1e-4)


def test_the_clock_is_true_with_terminals(tmp_path):
    """FILM, with vortices crossing: int V dt at Lambda = 1e10 as without screening."""
    film = FILM.replace("postprocess:", "model: {screening: %s}\npostprocess:")
    weak = film.replace("lambda: 200 nm", "lambda: 2 mm") % "pearl"
    found = [
        experiment(case_from(text, tmp_path)).table("voltage")["a|b impulse"][-1] for text in (film % "none", weak)
    ]
    assert found[1] == pytest.approx(found[0], rel=1e-4)


@pytest.mark.parametrize("Lambda", [0.3, 2.0])
def test_energy_is_accounted_for(tmp_path, Lambda):
    """Supplied = stored + dissipated to 0.1 % of what was supplied: a ramp to 0.4 Bc2 in 20 tau, default step."""
    s = disk(tmp_path, Lambda, field=RAMP % (0.4, "20 tau"), until=30).table("series")
    supplied, dissipated, stored = (np.sum(s[name] * s["dt"]) for name in ("supplied", "dissipated", "stored"))
    assert abs(supplied - dissipated - stored) < 1e-3 * abs(supplied)


@pytest.mark.parametrize("dt", [0.1, 0.4])
def test_the_free_energy_never_rises_in_a_constant_field(tmp_path, dt):
    """1000 steps with vortices entering, Lambda = 1, radius 4, at 0.1 and 0.4 tau; rounding and tolerance allowed."""
    energy = disk(tmp_path, 1.0, field="0.7", radius=4, until=1000 * dt, dt=dt).table("series")["energy"]
    assert energy.size >= 1000
    assert np.diff(energy)[1:].max() < 1e-5 * abs(energy).max()
    assert energy[-1] < energy[0] - 1


def test_second_order_in_dt(tmp_path):
    """Moment at the end of a smooth drive, Lambda = 0.5, steps of 0.4, 0.2, 0.1 tau: differences fall fourfold."""
    drive = "{sine: {amplitude: 0.1, period: 40 tau}}"
    found = [moment(disk(tmp_path, 0.5, field=drive, radius=4, until=12, dt=dt)) for dt in (0.4, 0.2, 0.1)]
    assert abs(found[1] - found[2]) < 0.3 * abs(found[0] - found[1])
    assert found[1] == pytest.approx(found[2], rel=2e-3)


def test_charge_holes_terminals_and_ledger_together(tmp_path):
    found = experiment(case_from(WASHER, tmp_path))
    state, op, problem = found.state, found.problem.operators, found.problem
    current = sum(wave.value(25.0) for wave in problem.drive.currents["source"])
    fed = np.zeros(op.nodes)
    for contact, sign in zip(problem.contacts, (1, -1), strict=True):
        fed[contact.nodes] = sign * current * contact.weights
    np.testing.assert_allclose(op.G.T @ state["current"], -fed, atol=1e-10)
    ohm = state["current"] - op.M1 @ state["e"]
    super_ = LinkEnergy(op, problem.epsilon).current(state["psi"], state["a"])
    assert np.abs(ohm - super_).max() < 2e-3 * np.abs(super_).max()  # a of the new time against the extrapolated one
    assert np.abs(found.table("ledger")["residual"]).max() < 1e-10
    law_energy = state["current"] @ state["a_ind"]
    assert law_energy > 0
