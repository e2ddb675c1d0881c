"""The field of a body's currents as pictures show it, with images in walls."""

from __future__ import annotations

import numpy as np
import pytest
from laboratory import case_from

from fempslip.mesh.meshing import make_mesh
from fempslip.run.running import solve
from fempslip.view.magnetic import IMAGES, Walls, applied_at, field_lines, induced, walls_of

WIRE = """
geometry:
  dimension: 3
  regions: {wire: {box: {size: [1 xi, 1 xi, 4 xi], center: [1, 0, 0]}}}
  boundaries: {source: {face: bottom, of: wire}, drain: {face: top, of: wire}}
material: {u: 5.79, gamma: 0, lambda: 2}
model: {screening: maxwell}
contacts: {source: normal, drain: normal}
drive: {current: {from: source, to: drain, value: 0.1}}
mesh: {size: 0.5 xi}
time: {until: 1 tau}
record: {fields: every 1 tau}
"""


def test_a_wire_between_walls_goes_on_in_them(tmp_path):
    """B of a uniform current I = 1 at r = 3 from the axis, in the middle and in a wall: I/(2 pi kappa^2 r) times what
    of an endless wire the images are, (sin b + sin c)/2; 1 %."""
    mesh = make_mesh(case_from(WIRE, tmp_path))
    current = np.tile([0.0, 0.0, 1.0], (mesh.nodes, 1))
    walls = Walls(np.array([0.0, 0.0, 1.0]), -2.0, 2.0)
    places = np.array([[4.0, 0.0, 0.0], [1.0, 3.0, 2.0]])
    found = induced(mesh, current, 2.0, places, walls)
    whole = 4.0 * (2 * IMAGES + 1)
    sines = [(0.5 * whole + z) / np.hypot(0.5 * whole + z, 3.0) for z in (0.0, 2.0, -2.0)]
    wanted = np.array([sines[0], 0.5 * (sines[1] + sines[2])]) / (2 * np.pi * 4 * 3)
    assert found[0] == pytest.approx([0, wanted[0], 0], abs=0.01 * wanted[0])
    assert found[1] == pytest.approx([-wanted[1], 0, 0], abs=0.01 * wanted[1])


def test_currents_across_turn_round_in_a_wall():
    """What flows along the axis goes on through a wall, what flows across turns round; behind two all is as it was."""
    walls = Walls(np.array([0.0, 0.0, 1.0]), 0.0, 3.0)
    place, flow = walls.mirrored(np.array([[0.2, 0.1, 1.0]]), np.array([[1.0, 2.0, 3.0]]))
    assert place.shape == (2 * IMAGES + 1, 3)
    one = np.isclose(place[:, 2], -1.0)  # behind the lower wall
    assert flow[one] == pytest.approx(np.array([[-1.0, -2.0, 3.0]]))
    two = np.isclose(place[:, 2], 7.0)  # behind both
    assert flow[two] == pytest.approx(np.array([[1.0, 2.0, 3.0]]))


@pytest.mark.slow
def test_lines_are_drawn_round_a_wire(tmp_path):
    run = solve(case_from(WIRE, tmp_path), tmp_path / "run", pictures=False)
    walls = walls_of(run)
    assert walls is not None and abs(walls.axis[2]) == pytest.approx(1.0)
    assert sorted([walls.low * walls.axis[2], walls.high * walls.axis[2]]) == pytest.approx([-2.0, 2.0])
    assert walls.axis[2] * (walls.high - walls.low) > 0
    assert not applied_at(run, 1.0).any()
    assert field_lines(run, tmp_path / "lines.png").stat().st_size > 20_000
