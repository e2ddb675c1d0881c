"""Physics through shapes and materials of the case language: junctions, networks, corners, field cooling."""

import numpy as np
import pytest
from laboratory import experiment

from fempslip.case import load

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.CoarseMesh")


def through_nodes(found):
    """(excess, largest current): what flows out of every node beyond what contacts inject there, I_s + I_n."""
    p, op, s = found.problem, found.problem.operators, found.state
    i, j = op.edges
    super_ = op.w * np.imag(s["psi"][i].conj() * np.exp(-1j * s["a"]) * s["psi"][j])
    total = super_ - op.M1 @ (op.G @ s["mu"])
    excess = op.G.T @ total
    for contact in p.contacts:
        excess[contact.nodes] = 0.0
    return np.abs(excess).max(), np.abs(total).max()


@pytest.mark.parametrize("name", ["wire_network", "wire_junction"])
def test_kirchhoff_at_every_node(name):
    """Junctions of three wires, and the joint of unequal wires, conserve the current to the solver's tolerance."""
    found = experiment(load(name, {"time.until": 40, "measure.from": 20}))
    excess, largest = through_nodes(found)
    assert largest > 0.05
    assert excess < 1e-8 * largest


def test_the_branches_of_a_network_share_the_current_and_its_loops_hold_whole_fluxoids():
    found = experiment(load("wire_network"))
    windings = found.table("winding")["loop"]
    assert np.all(windings == np.round(windings)) and windings[-1] == 0
    p, s, mesh = found.problem, found.state, found.problem.mesh
    i, j = p.operators.edges
    flow = p.operators.w * np.imag(s["psi"][i].conj() * np.exp(-1j * s["a"]) * s["psi"][j])
    x = mesh.points[0]
    # the cut x = -4 passes the upper and the lower arm; in a lead the supercurrent is all of the 0.1 j0 A
    crossed = (x[i] < -4) != (x[j] < -4)
    assert crossed.sum() == 2
    shares = flow[crossed] * np.sign(x[j] - x[i])[crossed]
    assert shares.sum() == pytest.approx(0.1, rel=1e-3) and shares.min() > 0.03


def slips_at(current, corner, size=0.5):
    """Phase slips behind the corner of the strip in the time after the current has been raised."""
    ramp = {"ramp": {"to": current, "over": 100}}
    changes = {"geometry.corner": corner, "drive.current.density": ramp, "time.until": 220, "mesh.size": size}
    return experiment(load("strip_bend_crowding", changes)).table("voltage")["before|behind slips"][-1]


@pytest.mark.parametrize("size", [0.5, pytest.param(0.25, marks=pytest.mark.slow)])
def test_a_sharper_corner_lets_vortices_in_at_a_lower_current(size):
    """By bisection 0.358 j0 (sharp) and 0.375 j0 (inner radius of a width), the same at 0.5, 0.35 and 0.25 xi."""
    assert slips_at(0.355, 0, size) == 0 and slips_at(0.362, 0, size) > 0
    assert slips_at(0.371, 6, size) == 0 and slips_at(0.379, 6, size) > 0


@pytest.mark.parametrize("seed", [1, *(pytest.param(s, marks=pytest.mark.slow) for s in (2, 3, 4, 5))])
def test_a_film_cooled_in_a_field_keeps_its_flux(seed):
    """Vortices within one of the flux quanta through the square without a rim of 1.5 xi, 0.3 * 21^2 / 2 pi = 21.06."""
    found = experiment(load("field_cooling", {"start.seed": seed})).table("zeros")
    last = found["winding"][found["t"] == found["t"].max()]
    assert np.all(last > 0) and last.sum() == pytest.approx(0.3 * 21**2 / (2 * np.pi), abs=1)


def test_a_region_at_its_own_temperature_is_the_material_it_says():
    """epsilon = (8 - 5)/(8 - 4): by its temperature or by the number, one state."""
    given = {"material.everywhere.Tc": "8 K", "material.everywhere.temperature": "4 K"}
    one = experiment(load("wire_junction", {"time.until": 5} | given | {"material.thick.temperature": "5 K"}))
    two = experiment(load("wire_junction", {"time.until": 5} | given | {"material.thick.epsilon": 0.75}))
    assert np.array_equal(one.state["psi"], two.state["psi"])
