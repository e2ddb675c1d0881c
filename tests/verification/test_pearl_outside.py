"""What a film's currents do outside: moments, flux through holes, the field above, all from recipes of a run."""

import numpy as np
import pytest
from films import annulus, static
from laboratory import case_from
from scipy.special import ellipe, ellipk
from test_pearl_statics import loops_of_ring

from fempslip.mesh import around, uniform_field
from fempslip.physics.biot_savart import BiotSavart
from fempslip.physics.pearl import flux, rim
from fempslip.run.running import solve
from fempslip.view.films import plane_above

RING = """
geometry: {use: annulus, inner: 4 xi, outer: 7 xi}
material: {lambda: 2, thickness: 1, gamma: 1}
model: {screening: pearl}
drive: {field: %s}
start: {vortices: [{at: hole, winding: 1}]}
mesh: {size: 0.6}
time: {until: 30 tau}
record: {fields: every 10 tau}
postprocess: [flux, moment, magnetization_loop]
"""


def test_flux_through_a_hole_is_that_of_the_integral_equation():
    """Ring from 1 to 2, Lambda = 0.1, fluxoid 1: Phi = 2 pi A(1), A that of the loops of the integral equation; 1 %."""
    mesh, op = annulus(1.0, 2.0, 24)
    law, none = BiotSavart.of(mesh, op), np.zeros(op.w.size)
    found = static(mesh, op, law, 0.1, around(mesh, op, np.zeros(2), np.array([0, 0, 1.0])), none)
    chain = rim(mesh, op, "hole")
    assert chain @ around(mesh, op, np.zeros(2), np.array([0, 0, 1.0])) == pytest.approx(2 * np.pi)
    total = flux(law, mesh, chain, none, found.current, 0.1)
    h, r, k = loops_of_ring(1.0, 2.0, 0.1, 0.0, 1, 800)
    q2 = 4 * r / (1 + r) ** 2
    a = np.sum(h * k * np.sqrt(r) * ((1 - q2 / 2) * ellipk(q2) - ellipe(q2)) / (np.pi * np.sqrt(q2))) / 0.1
    assert total == pytest.approx(2 * np.pi * a, rel=0.01)


def test_a_ring_keeps_its_fluxoid_and_tells_its_flux(tmp_path):
    """One quantum in the hole, no field: the flux is less than Phi0, the rest of the fluxoid is kinetic."""
    run = solve(case_from(RING % "0", tmp_path), tmp_path / "run", pictures=False)
    found = run.summary["results"]["flux"]
    assert found["fluxoid"] == 1
    assert 0.1 < found["total"] < 0.6 and found["applied"] == 0
    assert run.summary["results"]["moment"]["final"] > 0


def test_resume_of_a_film_with_its_own_field_is_bit_identical(tmp_path):
    from laboratory import same

    from fempslip.run.running import resume

    case = case_from(RING % "{ramp: {from: 0, to: 0.05, over: 20 tau}}", tmp_path)
    whole = solve(case, tmp_path / "whole", pictures=False)
    solve(case.vary({"time.until": "10 tau"}), tmp_path / "parts", pictures=False)
    same(whole, resume(tmp_path / "parts", until="30 tau", pictures=False))


def test_field_above_a_disk(tmp_path):
    """B_z of the plane against the exact integral over the currents, and its moment by the far field."""
    text = RING.replace("start: {vortices: [{at: hole, winding: 1}]}\n", "").replace(
        "[flux, moment, magnetization_loop]", "[moment]"
    )
    run = solve(case_from(text % "0.05", tmp_path), tmp_path / "run", pictures=False)
    plane = plane_above(run, 1.0)
    i, j = (int(np.argmin(np.abs(v))) for v in (plane.x, plane.y))
    assert plane.total[i, j] == pytest.approx(0.05 + plane.own[i, j], abs=1e-12)
    from fempslip.mesh.operators import operators

    mesh = run.mesh
    op = operators(mesh)
    law = BiotSavart.of(mesh, op)
    state = run.checkpoint()
    place = np.array([[0.0, 5.0], [0.0, 0.0], [1.0, 1.0]])
    exact = law.field(state["state.current.0"], place)[2] / 4.0
    spots = [(int(np.argmin(np.abs(plane.x - x))), j) for x in (0.0, 5.0)]
    shown = np.array([plane.own[spot] for spot in spots])
    np.testing.assert_allclose(shown, exact, atol=0.05 * np.abs(exact).max())
    assert uniform_field(mesh, op, 1.0) @ state["state.current.0"] < 0
