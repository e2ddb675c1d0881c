"""Every shape meshed: its measure, its holes, its named boundaries with their size and the way they face, a solve.

A mesh of edge h has its vertices on the true surface.  A chord of an arc of radius R leaves out h^3/12 R of area, so a
film is off by at most (curved perimeter) h^2/12 R; a triangle lies at most h^2/8 R below a curved surface on average,
so a bulk piece is off by (curved surface) h^2/8 R; an arc of wire is short by the share h^2/24 R^2.
"""

from dataclasses import dataclass, field
from math import pi, sqrt

import numpy as np
import pytest
from laboratory import experiment

from fempslip.case import load_text
from fempslip.contract import Refusal
from fempslip.mesh import facet_weights, make_mesh
from fempslip.mesh.boundaries import exterior
from fempslip.mesh.places import cells_behind
from fempslip.mesh.simplices import cell_edges, unique_columns, volumes

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.CoarseMesh")


@dataclass(frozen=True)
class Known:
    """What is known of a shape.  curved : size of its curved surface;  radius : the smallest radius of it.

    euler : pieces minus holes (films), the Euler number;  sides : side -> (size, direction it faces or None)
    """

    dimension: int
    text: str
    measure: float
    curved: float = 0.0
    radius: float = 1.0
    euler: int = 1
    sides: dict = field(default_factory=dict)


ROUND_BEND = 2 + 2 - 2 * 1.5 + 1.5 * pi / 2  # middle line of the L below with corner 1 and width 1
DIAGONAL = "{segment: {from: [0, 0], to: [3, 3]}}"
DOTS = "{minus: [{rectangle: {size: [12, 9]}}, {repeat: {shape: {disk: {radius: 0.5}}, %s}}]}"
WIRES = [
    Known(
        1, "{segment: {from: [0, 0, 0], to: [1, 2, 2]}}", 3, sides={"first": (1, (-1, -2, -2)), "last": (1, (1, 2, 2))}
    ),
    Known(
        1,
        "{polyline: {points: [[0, 0], [2, 0], [2, 1, 0], [2, 1, 3]]}}",
        6,
        sides={"first": (1, (-1, 0, 0)), "last": (1, (0, 0, 1))},
    ),
    Known(
        1,
        "{polyline: {points: [[0, 0], [4, 0], [4, 4]], bend: 1}}",
        6 + pi / 2,
        pi / 2,
        sides={"first": (1, (-1, 0, 0)), "last": (1, (0, 1, 0))},
    ),
    Known(1, "{arc: {radius: 2, from: 0 deg, to: 90 deg}}", pi, pi, 2, sides={"first": (1, None), "last": (1, None)}),
    Known(1, "{arc: {through: [[2, 0, 0], [0, 0, 2], [-2, 0, 0]]}}", 2 * pi, 2 * pi, 2, sides={"last": (1, None)}),
    Known(1, "{ring: {radius: 2}}", 4 * pi, euler=0),
    Known(1, "{rotate: {shape: {ring: {radius: 2}}, angle: 90 deg, axis: [1, 0, 0]}}", 4 * pi, euler=0),
    Known(1, "{repeat: {shape: {segment: {from: 0, to: 1}}, square: {counts: [2, 3], spacing: 2}}}", 6, euler=6),
    Known(
        1,
        "{plus: [{polyline: {points: [[0, 0], [3, 0], [3, 3], [0, 3], [0, 0]]}}, " + DIAGONAL + "]}",
        12 + 3 * sqrt(2),
        euler=-1,
    ),
]
FILMS = [
    Known(2, "{rectangle: {size: [4, 2]}}", 8, sides={"left": (2, (-1, 0)), "top": (4, (0, 1)), "outer": (12, None)}),
    Known(2, "{disk: {radius: 2}}", 4 * pi, 4 * pi, 2, sides={"outer": (4 * pi, None)}),
    Known(2, "{ellipse: {radii: [1, 2]}}", 2 * pi, 9.6885, 0.5, sides={"outer": (9.6885, None)}),
    Known(2, "{ellipse: {radii: [2, 1]}}", 2 * pi, 9.6885, 0.5),
    Known(
        2, "{annulus: {inner: 1, outer: 2}}", 3 * pi, 6 * pi, 1, 0, {"inner": (2 * pi, None), "outer": (4 * pi, None)}
    ),
    Known(
        2,
        "{sector: {radius: 2, from: 0 deg, to: 90 deg}}",
        pi,
        pi,
        2,
        sides={"first": (2, (0, -1)), "last": (2, (-1, 0))},
    ),
    Known(
        2,
        "{sector: {radius: 3, inner: 1, from: -30 deg, to: 240 deg}}",
        6 * pi,
        6 * pi,
        1,
        sides={"first": (2, (-0.5, -sqrt(0.75))), "last": (2, (sqrt(0.75), -0.5))},
    ),
    Known(2, "{polygon: {points: [[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]]}}", 3, sides={"left": (2, (-1, 0))}),
    Known(
        2,
        "{strip: {points: [[0, 0], [2, 0], [2, 2]], width: 1}}",
        4,
        sides={"first": (1, (-1, 0)), "last": (1, (0, 1))},
    ),
    Known(
        2,
        "{strip: {points: [[0, 0], [2, 0], [2, 2]], width: 1, corner: 1}}",
        ROUND_BEND,
        1.5 * pi,
        1,
        sides={"first": (1, (-1, 0)), "last": (1, (0, 1))},
    ),
    Known(
        2,
        "{strip: {points: [[0, 0], [6, 0], [6, 3], [0, 3]], width: 1, corner: 0.5}}",
        15 - 4 + pi,
        2 * pi,
        0.5,
        sides={"first": (1, (-1, 0)), "last": (1, (-1, 0))},
    ),
    Known(2, "{common: [{disk: {radius: 2}}, {rectangle: {size: [9, 9], center: [4.5, 0]}}]}", 2 * pi, 2 * pi, 2),
    Known(2, "{translate: {shape: {rectangle: {size: [4, 2]}}, by: [3, 1]}}", 8, sides={"right": (2, (1, 0))}),
    Known(
        2,
        "{rotate: {shape: {strip: {points: [[0, 0], [4, 0]], width: 2}}, angle: 30 deg, about: [1, 1]}}",
        8,
        sides={"last": (2, (sqrt(0.75), 0.5))},
    ),
    Known(
        2,
        "{mirror: {shape: {strip: {points: [[0, 0], [2, 0], [2, 2]], width: 1, corner: 1}}, normal: [0, 1]}}",
        ROUND_BEND,
        1.5 * pi,
        1,
        sides={"last": (1, (0, -1))},
    ),
    Known(2, "{repeat: {shape: {disk: {radius: 1}}, triangular: {counts: [3, 2], spacing: 3}}}", 6 * pi, 12 * pi, 1, 6),
    Known(
        2,
        DOTS % "square: {counts: [4, 3], spacing: [3, 2.5]}",
        108 - 3 * pi,
        12 * pi,
        0.5,
        -11,
    ),
    Known(
        2,
        DOTS % "random: {count: 10, size: [10, 7], apart: 1.2}",
        108 - 2.5 * pi,
        10 * pi,
        0.5,
        -9,
    ),
]
BODIES = [
    Known(3, "{box: {size: [3, 2, 1]}}", 6, sides={"front": (3, (0, -1, 0)), "top": (6, (0, 0, 1))}),
    Known(
        3, "{cylinder: {radius: 1, height: 2}}", 2 * pi, 4 * pi, sides={"top": (pi, (0, 0, 1)), "side": (4 * pi, None)}
    ),
    Known(3, "{sphere: {radius: 1.5}}", 4.5 * pi, 9 * pi, 1.5, sides={"outer": (9 * pi, None)}),
    Known(3, "{torus: {radius: 2, tube: 0.8}}", 2.56 * pi**2, 6.4 * pi**2, 0.8, 0, {"outer": (6.4 * pi**2, None)}),
    Known(
        3,
        "{torus: {radius: 2, tube: 0.8, axis: [1, 1, 0]}}",
        2.56 * pi**2,
        6.4 * pi**2,
        0.8,
        0,
    ),
    Known(
        3,
        "{tube: {inner: 1, outer: 1.5, height: 2, axis: [1, 0, 0]}}",
        2.5 * pi,
        10 * pi,
        1,
        0,
        {"first": (1.25 * pi, (-1, 0, 0)), "last": (1.25 * pi, (1, 0, 0)), "side": (10 * pi, None)},
    ),
    Known(
        3,
        "{pipe: {along: {polyline: {points: [[0, 0, 0], [3, 0, 0], [3, 3, 0], [3, 3, 3]], bend: 1}}, radius: 0.6}}",
        0.36 * pi * (5 + pi),
        1.2 * pi * (5 + pi),
        0.4,
        sides={"first": (0.36 * pi, (-1, 0, 0)), "last": (0.36 * pi, (0, 0, 1))},
    ),
    Known(
        3,
        "{pipe: {along: {arc: {radius: 2, from: 0 deg, to: 180 deg}}, radius: 0.8, inner: 0.4}}",
        0.48 * pi * 2 * pi,
        2.4 * pi * 2 * pi,
        0.4,
        0,
        {"first": (0.48 * pi, (0, -1, 0)), "last": (0.48 * pi, (0, -1, 0)), "side": (2.4 * pi * 2 * pi, None)},
    ),
    Known(
        3,
        "{extrude: {shape: {strip: {points: [[0, 0], [2, 0], [2, 2]], width: 1, corner: 1}}, height: 0.8}}",
        0.8 * ROUND_BEND,
        0.8 * 1.5 * pi,
        1,
        sides={"first": (0.8, (-1, 0, 0)), "last": (0.8, (0, 1, 0)), "top": (ROUND_BEND, (0, 0, 1))},
    ),
    Known(3, "{extrude: {shape: {annulus: {inner: 1, outer: 2}}, height: 1}}", 3 * pi, 6 * pi, 1, 0),
    Known(
        3,
        "{common: [{sphere: {radius: 1.5}}, {box: {size: [5, 5, 5], center: [2.5, 0, 0]}}]}",
        2.25 * pi,
        4.5 * pi,
        1.5,
    ),
    Known(
        3,
        "{rotate: {shape: {box: {size: [3, 2, 1]}}, angle: 90 deg, axis: [0, 1, 0]}}",
        6,
        sides={"top": (2, (0, 0, 1))},
    ),
    Known(
        3,
        "{mirror: {shape: {box: {size: [1, 1, 1], center: [2, 0, 0]}}, normal: [1, 0, 0]}}",
        1,
        sides={"left": (1, (-1, 0, 0))},
    ),
]
EVERY = WIRES + FILMS + BODIES
SIZE = {1: 0.1, 2: 0.3, 3: 0.4}


def case_of(known: Known):
    key = {1: "end", 2: "edge", 3: "face"}[known.dimension]
    sides = ", ".join(f"{side}: {{{key}: {side}}}" for side in known.sides)
    return load_text(
        f"geometry:\n  dimension: {known.dimension}\n  regions: {{body: {known.text}}}\n  boundaries: {{{sides}}}\n"
        f"material: {{u: 1, gamma: 0}}\nmesh: {{size: {SIZE[known.dimension]}}}\n"
        f"drive: {{field: {[0.1, 0, 0.1] if known.dimension != 2 else 0.1}}}\ntime: {{until: 1 tau, tolerance: 1e-3}}\n"
    )


def kind(known: Known) -> str:
    return known.text[1:30].replace(": ", " ")


def longest(mesh) -> float:
    (i, j), _ = unique_columns(cell_edges(mesh.cells), mesh.points.shape[1])
    return float(np.linalg.norm(mesh.points[:, i] - mesh.points[:, j], axis=0).max())


def allowed(known: Known, mesh) -> float:
    h, r = longest(mesh), known.radius
    return 1.01 * known.curved * {1: h**2 / (24 * r**2), 2: h**2 / (12 * r), 3: h**2 / (8 * r)}[known.dimension] + 1e-9


def euler(mesh) -> int:
    """Vertices - edges + triangles - tetrahedra."""
    (edges, _), cells = unique_columns(cell_edges(mesh.cells), mesh.points.shape[1]), mesh.cells.shape[1]
    faces = {1: 0, 2: cells, 3: 0}[mesh.dim]
    if mesh.dim == 3:  # each inner face belongs to two cells
        faces = (4 * cells + exterior(mesh).shape[1]) // 2 - cells
    return mesh.points.shape[1] - (cells if mesh.dim == 1 else edges.shape[1]) + faces


def facing(mesh, name):
    """Mean direction from the cells behind a boundary to it."""
    facets = mesh.boundaries[name]
    behind = mesh.points[:, mesh.cells[:, cells_behind(mesh, facets)]].mean(axis=1)
    return (mesh.points[:, facets].mean(axis=1) - behind).mean(axis=1)


@pytest.mark.parametrize("known", EVERY, ids=kind)
def test_a_shape_is_meshed_with_its_measure_holes_and_sides(known):
    mesh = make_mesh(case_of(known))
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(known.measure, abs=allowed(known, mesh), rel=1e-9)
    assert euler(mesh) == known.euler
    for side, (size, direction) in known.sides.items():
        # the rim of a flat end may be curved, and a curved side is made of chords
        h = longest(mesh)
        share = (h / known.radius) ** 2 / (6 if known.dimension == 3 else 24) if known.curved else 1e-9
        assert facet_weights(mesh, side)[2] == pytest.approx(size, rel=share)
        if direction is not None:
            found = facing(mesh, side)
            cosine = found @ np.array(direction) / np.linalg.norm(found) / np.linalg.norm(direction)
            assert cosine > 0.9


@pytest.mark.parametrize("known", EVERY, ids=kind)
def test_what_a_shape_contains_is_what_is_meshed(known):
    """All cell centres lie inside (chords of holes and bends may cut a corner by h^2/8R), and its box holds them."""
    case = case_of(known)
    shape, mesh = case.geometry.regions["body"], make_mesh(case)
    if known.dimension == 1:
        return
    inside = shape.contains(mesh.points[:, mesh.cells].mean(axis=1))
    assert inside.mean() > (0.97 if known.curved else 0.999999)
    low, high = shape.bounds()
    assert np.all(mesh.points.min(axis=1) >= low - 1e-6) and np.all(mesh.points.max(axis=1) <= high + 1e-6)


def solved(known: Known):
    return experiment(case_of(known))


@pytest.mark.parametrize("known", [*WIRES, *FILMS, *BODIES[1:]], ids=kind)
def test_a_short_solve_relaxes(known):
    """In a constant field the free energy of every shape falls in every step."""
    found = solved(known)
    energy = found.table("series")["energy"]
    assert energy.size > 5
    assert np.all(np.diff(energy) < 1e-6 * abs(energy[0]))
    assert np.abs(found.state["psi"]).max() < 1 + 1e-6


@pytest.mark.parametrize(
    ("dimension", "shape", "message"),
    [
        (1, "{polyline: {points: [[0, 0]]}}", "2 to 2000 points"),
        (1, "{polyline: {points: [[0, 0], [1, 0], [0, 0]], bend: 0.1}}", "folds back"),
        (1, "{polyline: {points: [[0, 0], [1, 0], [1, 1]], bend: 2}}", "too short"),
        (1, "{arc: {radius: 1, from: 0, to: 400 deg}}", "full turn"),
        (1, "{arc: {through: [0, 1, 2]}}", "must not lie on a line"),
        (1, "{arc: {radius: 1}}", "wants through"),
        (1, "{arc: {radius: 1, from: 0, to: 1 nm}}", "wants an angle"),
        (2, "{ellipse: {radii: [1]}}", "wants 2 values"),
        (2, "{sector: {radius: 1, from: 90 deg, to: 0}}", "must be above"),
        (2, "{strip: {points: [[0, 0], [4, 0], [4, 4], [2, 4], [2, -4]], width: 1}}", "overlaps itself"),
        (2, "{strip: {points: [[0, 0], [1, 0], [1, 1]], width: 1, corner: 3}}", "too short"),
        (2, "{repeat: {shape: {disk: {radius: 1}}}}", "one of square, triangular, random"),
        (2, "{repeat: {shape: {disk: {radius: 1}}, random: {count: 50, size: [3, 3], apart: 2}}}", "of 50 copies fit"),
        (2, "{repeat: {shape: {disk: {radius: 1}}, square: {counts: [900, 900], spacing: 1}}}", "too many"),
        (2, "{mirror: {shape: {disk: {radius: 1}}, normal: [1, 0, 0]}}", "wants 2 components"),
        (2, "{rotate: {shape: {disk: {radius: 1}}, angle: 1, axis: [1, 0, 0]}}", "rotated in its plane"),
        (2, "{strpi: {width: 1}}", "nearest: strip"),
        (3, "{torus: {radius: 1, tube: 2}}", "must be smaller"),
        (3, "{tube: {inner: 2, outer: 1, height: 1}}", "must be smaller"),
        (3, "{pipe: {along: {ring: {radius: 3}}, radius: 1}}", "ring is none"),
        (3, "{pipe: {along: {polyline: {points: [[0, 0, 0], [3, 0, 0], [3, 3, 0]]}}, radius: 1}}", "need a bend"),
        (3, "{pipe: {along: {arc: {radius: 1, from: 0, to: 1}}, radius: 2}}", "not above that of the pipe"),
        (3, "{extrude: {shape: {sphere: {radius: 1}}, height: 1}}", "dimension 2"),
        (3, "{extrude: {shape: {disk: {radius: 1, center: [0, 0, 0]}}, height: 1}}", "2 coordinates in a plane"),
        (3, "{translate: {shape: {box: {size: [1, 1, 1]}}, by: [1, 1]}}", "3 coordinates in 3D"),
    ],
)
def test_what_cannot_be_drawn_is_refused(dimension, shape, message):
    with pytest.raises(Refusal) as caught:
        load_text(f"geometry:\n  dimension: {dimension}\n  regions: {{body: {shape}}}\ntime: {{until: 1 tau}}\n")
    assert message in str(caught.value)


def test_a_wire_that_ends_on_an_arc_is_joined_to_it():
    text = "{plus: [{arc: {radius: 4, from: 0, to: 180 deg}}, {segment: {from: [0, 4], to: [0, 0]}}]}"
    mesh = make_mesh(case_of(Known(1, text, 0)))
    met = np.bincount(mesh.cells.ravel())
    assert sorted(met)[-1] == 3 and (met == 1).sum() == 3


def test_repeated_holes_are_cut_in_their_number():
    text = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [30, 30]}}}
  holes: {antidots: {repeat: {shape: {disk: {radius: 0.7}}, triangular: {counts: [12, 12], spacing: 2.2}}}}
mesh: {size: 0.5}
time: {until: 1 tau}
"""
    mesh = make_mesh(load_text(text))
    assert 1 - euler(mesh) == 144
    point, _ = mesh.holes["antidots"]
    assert np.hypot(*(point[:2] - np.array([-11 * 1.1 - 0.55, -11 * 2.2 * sqrt(0.75) / 2]))) < 0.7
