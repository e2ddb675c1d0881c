"""Joined boundaries: nodes, flux through faces, paths and turns along periods; what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fempslip.contract import Refusal
from fempslip.mesh import closed_path, hidden_flux, joined, make_mesh, operators, threading, uniform_field
from fempslip.mesh.copies import face_vertices
from fempslip.mesh.simple import box, interval, rectangle
from fempslip.mesh.simplices import volumes
from fempslip.physics.energy import LinkEnergy
from fempslip.tasks import seeds
from fempslip.topology.windings import branch, face_windings, link_phase, path_winding, zero_positions
from tests.laboratory import case_from, problem_of

Z = np.array([0.0, 0.0, 1.0])
ACROSS, UP = ("left", "right"), ("bottom", "top")


def closed_cell(nx=8, ny=6, size=(4.0, 3.0), quanta=2):
    mesh = joined(rectangle(nx, ny, size, shake=0.2, seed=1), {"x": ACROSS, "y": UP})
    op = operators(mesh)
    field = 2 * np.pi * quanta / (size[0] * size[1]) * Z
    a = uniform_field(mesh, op, field)
    return mesh, op, field, a, np.rint(hidden_flux(mesh, op, field, a) / (2 * np.pi)).astype(int)


def test_a_closed_cell_has_neither_rim_nor_ends():
    """A torus of n x m squares: nm nodes, 3nm edges, 2nm faces (Euler 0), every edge between two faces."""
    mesh, op, *_ = closed_cell()
    assert (op.nodes, op.edges.shape[1], op.faces.shape[1]) == (48, 144, 96)
    assert np.all(np.diff(op.C.tocsc().indptr) == 2)
    assert op.m.sum() == pytest.approx(12.0, rel=1e-14)
    assert np.abs(op.G.T @ (op.w * (op.G @ np.ones(op.nodes)))).max() < 1e-13


def test_the_flux_of_a_closed_cell_is_in_its_faces_and_hidden_quanta():
    """flux of a face = C a + 2 pi hidden; sum C a = 0, so the hidden quanta are all of the cell's."""
    mesh, op, field, a, hidden = closed_cell(quanta=3)
    assert np.abs(op.C @ a + 2 * np.pi * hidden - field[2] * volumes(mesh.points, mesh.cells)).max() < 1e-12
    assert (op.C @ a).sum() == pytest.approx(0.0, abs=1e-12)
    assert hidden.sum() == 3


def test_a_closed_cell_has_as_many_vortices_as_quanta_whatever_psi_is():
    mesh, op, field, a, hidden = closed_cell()
    for seed in range(5):
        psi = np.exp(1j * np.random.default_rng(seed).uniform(0, 6, op.nodes))
        assert face_windings(psi, a, op, hidden=hidden).sum() == 2


def test_a_strip_closed_in_one_direction_hides_nothing_in_any_field():
    mesh = joined(rectangle(8, 5, (4.0, 3.0), shake=0.2), {"round": ACROSS})
    op = operators(mesh)
    a = uniform_field(mesh, op, 0.7317 * Z)
    assert not hidden_flux(mesh, op, 0.7317 * Z, a).any()
    assert np.abs(op.C @ a - 0.7317 * volumes(mesh.points, mesh.cells)).max() < 1e-12


def test_faces_of_a_periodic_body_have_their_flux():
    """Bulk piece closed along x and y with 2 quanta along z: the flux of every triangle is its own."""
    mesh = joined(box(4, 3, 3, (2.0, 1.5, 1.0), shake=0.2), {"x": ACROSS, "y": ("front", "back")})
    op, field = operators(mesh), 2 * np.pi * 2 / 3.0 * Z
    a = uniform_field(mesh, op, field)
    hidden = hidden_flux(mesh, op, field, a) / (2 * np.pi)
    assert np.abs(hidden - np.rint(hidden)).max() < 1e-10 and hidden.any()
    p, q, r = (mesh.points[:, n] for n in face_vertices(mesh, op))
    assert np.abs(op.C @ a + 2 * np.pi * hidden - field @ np.cross(q - p, r - p, axis=0) / 2).max() < 1e-12


def test_a_period_is_threaded_and_followed_by_its_name():
    mesh, op, *_ = closed_cell()
    for name, other in (("x", "y"), ("y", "x")):
        path, turn = closed_path(mesh, op, name), threading(mesh, op, name)
        assert np.abs(op.G.T @ path).max() == 0
        assert path @ turn == pytest.approx(2 * np.pi)
        assert path @ threading(mesh, op, other) == pytest.approx(0.0, abs=1e-12)
        assert np.abs(op.C @ turn).max() < 1e-12


def test_vortices_of_a_closed_cell_lie_where_they_were_put():
    mesh, op, field, a, hidden = closed_cell(24, 18, (12.0, 9.0))
    places = np.array([[-3.1, -2.2], [3.2, 2.3]])
    lines = [seeds.VortexLine(p, Z, 1) for p in places]
    psi = seeds.uniform(mesh, op, np.ones(op.nodes), a, lines, hidden=hidden)
    n = face_windings(psi, a, op, hidden=hidden)
    faces = np.flatnonzero(n)
    assert list(n[faces]) == [1, 1]
    found = zero_positions(psi, a, op, mesh, faces, hidden).T
    for place in places:
        assert np.linalg.norm(found - place, axis=1).min() < 0.5


def test_a_zero_in_a_face_across_a_period_has_its_place_there():
    """A vortex within half a cell of the joined edge: its place is in the cell, not between both ends of it."""
    mesh, op, field, a, hidden = closed_cell(24, 18, (12.0, 9.0), quanta=1)
    psi = seeds.uniform(mesh, op, np.ones(op.nodes), a, [seeds.VortexLine(np.array([5.9, 1.1]), Z, 1)], hidden=hidden)
    faces = np.flatnonzero(face_windings(psi, a, op, hidden=hidden))
    assert np.abs(zero_positions(psi, a, op, mesh, faces, hidden)[:, 0] - [5.9, 1.1]).max() < 0.5


def test_a_closed_cell_wants_its_vortices():
    mesh, op, field, a, hidden = closed_cell()
    with pytest.raises(Refusal, match="as many vortices as flux quanta, \\+2"):
        seeds.uniform(mesh, op, np.ones(op.nodes), a, [seeds.VortexLine(np.zeros(2), Z, 1)], hidden=hidden)


def test_the_phase_winds_along_a_period_as_the_flux_wants():
    """A wire joined at its ends, threaded by 3.3 quanta: the state of least current winds three times."""
    mesh = joined(interval(np.linspace(0, 10, 61)), {"ring": ("first", "last")})
    op = operators(mesh)
    a = 3.3 * threading(mesh, op, "ring")
    psi = seeds.uniform(mesh, op, np.ones(op.nodes), a)
    path = closed_path(mesh, op, "ring")
    steps = np.flatnonzero(path)
    assert path_winding(psi, a, op.edges, steps, path[steps]) == 3
    assert np.ptp(link_phase(psi, a, op.edges) * path) < 1e-10  # an even current
    assert branch(np.angle(psi), a, op.edges).shape == (60,)


@pytest.mark.parametrize(
    ("mesh", "pairs", "words"),
    [
        (rectangle(2, 5, (1.0, 2.0)), {"x": ACROSS}, "fewer than three cells"),
        (rectangle(4, 5, (1.0, 2.0)), {"x": ("left", "top")}, "no translation takes"),
        (rectangle(4, 5, (1.0, 2.0)), {"x": ACROSS, "y": ("right", "left")}, "depend on each other"),
        (rectangle(4, 5, (1.0, 2.0)), {"x": ("left", "left")}, "same place"),
    ],
)
def test_what_cannot_be_joined_is_refused(mesh, pairs, words):
    with pytest.raises(Refusal, match=words):
        joined(mesh, pairs)


# ------------------------------------------------------------------------------------------- in the case language

CELL = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [8 xi, 6 xi]}}}
  holes: {dot: {disk: {radius: 1 xi}}}
  boundaries:
    left: {edge: left, of: film}
    right: {edge: right, of: film}
    bottom: {edge: bottom, of: film}
    top: {edge: top, of: film}
  periodic: {round: [left, right]}
  contours: {loop: round, edge: dot}
mesh: {size: 0.5 xi}
time: {until: 1 tau}
"""


def test_a_film_is_closed_to_a_cylinder(tmp_path):
    case = case_from(CELL, tmp_path)
    mesh = make_mesh(case)
    op = operators(mesh)
    rim = np.unique(mesh.boundaries["left"]).size
    assert op.nodes == mesh.points.shape[1] - rim
    assert mesh.periods["round"] == pytest.approx([8.0, 0.0])
    assert np.allclose(mesh.points[0, np.unique(mesh.boundaries["right"])], 4.0)
    again = make_mesh(case)  # from the cache
    assert np.array_equal(again.node_of_vertex, mesh.node_of_vertex) and again.periods.keys() == mesh.periods.keys()
    for name in ("round", "dot"):
        assert np.abs(op.G.T @ closed_path(mesh, op, name)).max() == 0


SLAB = """
geometry:
  dimension: 3
  regions: {slab: {box: {size: [3 xi, 2 xi, 2 xi]}}}
  boundaries:
    left: {face: left, of: slab}
    right: {face: right, of: slab}
    front: {face: front, of: slab}
    back: {face: back, of: slab}
  periodic: {x: [left, right], y: [front, back]}
mesh: {size: 0.5 xi}
time: {until: 1 tau}
"""


def test_a_body_is_closed_in_two_directions(tmp_path):
    mesh = make_mesh(case_from(SLAB, tmp_path))
    op = operators(mesh)
    assert op.m.sum() == pytest.approx(12.0, rel=1e-12)
    assert (mesh.periods["x"], mesh.periods["y"]) == (pytest.approx([3, 0, 0]), pytest.approx([0, 2, 0]))
    for name in ("x", "y"):
        assert closed_path(mesh, op, name) @ threading(mesh, op, name) == pytest.approx(2 * np.pi)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"geometry.periodic": {"dot": ["left", "right"]}}, "a hole has this name already"),
        ({"geometry.periodic": {"a": ["left", "right"], "b": ["top", "right"]}}, "'right' is joined already"),
        ({"geometry.periodic": {"round": ["left", "rihgt"]}}, "no boundary 'rihgt'"),
        ({"contacts": {"left": "normal"}}, "it is no terminal"),
        ({"drive.flux": {"through": "dot", "value": "1 Phi0"}}, "not periodic; it may thread a period: round"),
    ],
)
def test_periods_that_make_no_sense_are_refused_by_the_case(changes, words, tmp_path):
    with pytest.raises(Refusal, match=words):
        case_from(CELL.replace("contours: {loop: round, edge: dot}", ""), tmp_path, changes)


CLOSED = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [8 xi, 6 xi]}}}
  boundaries:
    left: {edge: left, of: film}
    right: {edge: right, of: film}
    bottom: {edge: bottom, of: film}
    top: {edge: top, of: film}
  periodic: {x: [left, right], y: [bottom, top]}
drive: {field: 0.2617993878 Bc2}
start: {vortices: [{at: [-2, -1]}, {at: [2, 2]}]}
mesh: {size: 0.5 xi}
time: {until: 1 tau}
"""


def test_a_closed_cell_takes_whole_quanta_that_do_not_change(tmp_path):
    problem = problem_of(case_from(CLOSED, tmp_path))
    assert problem.drive.hidden.sum() == 2
    with pytest.raises(Refusal, match="1.90986 Phi0 .* set 0.13089969 Bc2 \\(1 Phi0\\) or 0.26179"):
        problem_of(case_from(CLOSED, tmp_path, {"drive.field": "0.25 Bc2"}))
    with pytest.raises(Refusal, match="cannot change"):
        problem_of(case_from(CLOSED, tmp_path, {"drive.field": {"ramp": {"from": 0, "to": 0.26, "over": 1}}}))
    with pytest.raises(Refusal, match="as many vortices as flux quanta"):
        problem_of(case_from(CLOSED, tmp_path, {"start": "uniform"}))


@pytest.mark.parametrize("pairs", [{"x": ACROSS}, {"x": ACROSS, "y": UP}])
def test_a_cell_may_be_drawn_anywhere(pairs):
    """Moved off the origin of the potential: the same energy of the same gauge-invariant state."""
    drawn = rectangle(16, 12, (8.0, 6.0), shake=0.2)
    field, found = 2 * np.pi * 2 / 48 * Z, []
    for moved in ([0.0, 0.0], [3.7, -1.3]):
        mesh = joined(replace(drawn, points=drawn.points + np.array(moved)[:, None]), pairs)
        op = operators(mesh)
        a = uniform_field(mesh, op, field)
        hidden = np.rint(hidden_flux(mesh, op, field, a) / (2 * np.pi)).astype(int)
        lines = [seeds.VortexLine(np.array(p) + moved, Z, 1) for p in ([-2.1, -1.1], [1.9, 1.2])]
        psi = seeds.uniform(mesh, op, np.ones(op.nodes), a, lines, hidden=hidden)
        found.append((LinkEnergy(op, np.ones(op.nodes)).value(psi, a), face_windings(psi, a, op, hidden=hidden)))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-9)
    assert np.array_equal(found[0][1], found[1][1]) and found[0][1].sum() == 2
