"""Meshes and parts made elsewhere, and a mesher that fails without taking the program with it."""

import os
import random
import time

import meshio
import numpy as np
import pytest
from laboratory import experiment

from fempslip.case import load
from fempslip.contract import Refusal
from fempslip.mesh import facet_weights, make_mesh
from fempslip.mesh.bodies import Trouble
from fempslip.mesh.child import apart
from fempslip.mesh.simplices import volumes

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.CoarseMesh")


def in_gmsh(build, folder, name):
    """A file that gmsh itself writes of what `build` draws."""
    import gmsh

    gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        build(gmsh)
        gmsh.write(str(folder / name))
    finally:
        gmsh.finalize()


def two_films(gmsh):
    """4 x 2 and 2 x 2 nm side by side, with groups."""
    occ = gmsh.model.occ
    parts = [(2, occ.addRectangle(0, 0, 0, 4, 2)), (2, occ.addRectangle(4, 0, 0, 2, 2))]
    occ.fragment(parts[:1], parts[1:])
    occ.synchronize()
    for name, box in (("left part", (0, 4)), ("right part", (4, 6))):
        tags = gmsh.model.getEntitiesInBoundingBox(box[0] - 0.1, -1, -1, box[1] + 0.1, 3, 1, 2)
        gmsh.model.addPhysicalGroup(2, [tag for _, tag in tags], name=name)
    for name, x in (("inlet", 0), ("outlet", 6), ("seam", 4)):
        tags = gmsh.model.getEntitiesInBoundingBox(x - 0.1, -1, -1, x + 0.1, 3, 1, 1)
        gmsh.model.addPhysicalGroup(1, [tag for _, tag in tags], name=name)
    gmsh.option.setNumber("Mesh.MeshSizeMax", 0.4)
    gmsh.model.mesh.generate(2)


def bracket(gmsh):
    """A plate of 6 x 4 x 1 with a hole of radius 1."""
    occ = gmsh.model.occ
    plate, drill = occ.addBox(0, 0, 0, 6, 4, 1), occ.addCylinder(3, 2, -1, 0, 0, 3, 1)
    occ.cut([(3, plate)], [(3, drill)])
    occ.synchronize()


GROUPS = """
geometry:
  dimension: 2
  import: {file: films.msh, unit: 10 nm}
  regions: {film: {group: left part}, link: {group: right part}}
  boundaries: {source: {group: inlet}, drain: {group: outlet}, top: {edge: top, of: film}}
  probes: {a: [2, 1]}
material: {everywhere: {xi: 10 nm, gamma: 1}, link: {epsilon: 0.5}}
drive: {current: {from: source, to: drain, density: 0.1}}
time: {until: 3 tau}
"""
PART = """
geometry:
  dimension: 3
  regions: {body: {step: {file: part.step, unit: 5 nm}}}
  holes: {bore: {point: [1.5, 1, 0]}}
  boundaries: {source: {face: left}, drain: {face: right}}
material: {xi: 10 nm, gamma: 1}
drive: {current: {from: source, to: drain, density: 0.1}}
mesh: {size: 0.4}
time: {until: 2 tau}
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    in_gmsh(two_films, folder, "films.msh")
    in_gmsh(bracket, folder, "part.step")
    return folder


def case_in(folder, text, changes=None):
    path = folder / "case.yaml"
    path.write_text(text)
    return load(path, changes)


def test_a_mesh_with_groups_becomes_regions_and_terminals(files):
    case = case_in(files, GROUPS)
    mesh = make_mesh(case)
    volume = volumes(mesh.points, mesh.cells)
    assert volume[mesh.regions["film"]].sum() == pytest.approx(8) and volume[
        mesh.regions["link"]
    ].sum() == pytest.approx(4)
    for name, x in (("source", 0), ("drain", 6)):
        assert np.allclose(mesh.points[0, mesh.boundaries[name]], x)
        assert facet_weights(mesh, name)[2] == pytest.approx(2)
    assert facet_weights(mesh, "top")[2] == pytest.approx(4)
    assert 0.2 < mesh.size < 0.5
    again = make_mesh(case)  # out of the cache
    assert again.size == mesh.size and np.array_equal(again.cells, mesh.cells)
    found = experiment(case)
    assert np.abs(found.state["psi"]).max() < 1 and found.state.t == 3


def test_the_arrays_of_a_vtu_file_are_groups(files, tmp_path):
    read = meshio.read(files / "films.msh")
    triangles = read.cells_dict["triangle"]
    part = (read.points[triangles].mean(axis=1)[:, 0] > 4).astype(int)
    meshio.write(
        tmp_path / "films.vtu", meshio.Mesh(read.points, [("triangle", triangles)], cell_data={"part": [part]})
    )
    text = GROUPS.replace("films.msh", "films.vtu").replace("left part", "'part:0'").replace("right part", "'part:1'")
    text = text.replace("{group: inlet}", "{edge: left, of: film}").replace(
        "{group: outlet}", "{edge: right, of: link}"
    )
    mesh = make_mesh(case_in(tmp_path, text))
    assert volumes(mesh.points, mesh.cells)[mesh.regions["link"]].sum() == pytest.approx(4)


def test_a_part_from_a_step_file(files):
    case = case_in(files, PART)
    mesh = make_mesh(case)
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx((24 - np.pi) / 8, rel=0.02)
    assert facet_weights(mesh, "source")[2] == pytest.approx(4 / 4)
    assert "bore" in mesh.holes
    found = experiment(case)
    assert np.abs(found.state["psi"]).max() < 1.01 and found.state.t == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GROUPS.replace("left part", "letf part"), "(?s)no group 'letf part'.*nearest: left part"),
        (GROUPS.replace("{group: inlet}", "{group: inlett}"), "(?s)no group 'inlett'.*nearest: inlet"),
        (GROUPS.replace("{group: inlet}", "{group: seam}"), "'source' touches nothing"),
        (GROUPS.replace("films.msh", "none.msh"), "there is no file"),
        (GROUPS.replace("films.msh", "part.step"), "cannot be read as a mesh"),
        (GROUPS.replace("10 nm, gamma", "1 nm, gamma"), "does not resolve the core"),
        (GROUPS.replace("  import: {file: films.msh, unit: 10 nm}\n", ""), "a group wants"),
        (GROUPS.replace("{group: left part}", "{disk: {radius: 1}}"), "a disk wants group of the imported mesh"),
        (PART.replace("part.step", "films.msh"), "mesher failed|no solid"),
        (PART.replace("part.step", "none.step"), "there is no file"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_its_place(files, text, message):
    with pytest.raises(Refusal, match=message) as caught:
        make_mesh(case_in(files, text))
    assert "case.yaml:" in str(caught.value)


# ---------------------------------------------------------------------------------------------- the child


def test_a_call_that_hangs_or_crashes_is_given_up_and_the_next_one_works(monkeypatch):
    monkeypatch.setenv("FEMPSLIP_MESH_SECONDS", "2")
    with pytest.raises(Trouble, match="did not finish within 2 s"):
        apart(time.sleep, 60)
    monkeypatch.setenv("FEMPSLIP_MESH_SECONDS", "60")  # a busy machine takes a while to begin a process
    with pytest.raises(Trouble, match="crashed"):
        apart(os.abort)
    with pytest.raises(Trouble, match="mesher failed: .*unsupported"):
        apart(sum, "ab")
    assert apart(sum, [1, 2]) == 3


def test_spoilt_parts_are_refused_or_meshed(files, tmp_path, monkeypatch):
    """A STEP file with a few characters changed: a mesh or a Refusal, and never longer than the limit."""
    monkeypatch.setenv("FEMPSLIP_MESH_SECONDS", "20")
    text, dice, refused = (files / "part.step").read_text(), random.Random(1), 0
    for _ in range(25):
        letters = list(text)
        for _ in range(dice.choice([1, 5, 200])):
            letters[dice.randrange(len(letters))] = dice.choice("0123456789#(),.'-EX ")
        (tmp_path / "part.step").write_text("".join(letters)[: dice.choice([len(text), len(text), len(text) // 2])])
        try:
            make_mesh(case_in(tmp_path, PART))
        except Refusal as refusal:
            refused += 1
            assert "case.yaml:" in str(refusal)
    assert refused > 5


def test_a_mesh_that_would_fill_the_memory_is_refused(tmp_path):
    text = PART.replace("{step: {file: part.step, unit: 5 nm}}", "{sphere: {radius: 900}}").replace(
        "boundaries: {source: {face: left}, drain: {face: right}}", "boundaries: {}"
    )
    text = text.replace("drive: {current: {from: source, to: drain, density: 0.1}}", "").replace("  holes", "  #")
    # 4/3 pi 900^3 / (sqrt(2)/12 0.4^3)
    with pytest.raises(Refusal, match=r"about 4e\+11 cells .*raise mesh.size"):
        make_mesh(case_in(tmp_path, text))


WORDS = [
    "0",
    "1e-9",
    "-3",
    "1e6",
    "4",
    "0.5 length",
    "[0, 0]",
    "[4, 0]",
    "[0, 0, 0]",
    "90 deg",
    "1e-12",
    "disk",
    "strip",
]


def spoilt(text: str, dice: random.Random) -> str:
    words = text.split(" ")
    for _ in range(dice.randint(1, 3)):
        at = dice.randrange(len(words))
        if any(c.isdigit() for c in words[at]) or dice.random() < 0.1:
            tail = words[at][len(words[at].rstrip("]},\n")) :]
            words[at] = dice.choice(WORDS) + tail
    return " ".join(words)


ODD = (
    """geometry:
  dimension: 2
  parameters: {length: 8 xi}
  regions:
    a: {rectangle: {size: [ length, 4 ], center: [ 0, 0 ]}}
    b: {strip: {points: [ [0, 0], [3, 0], [3, 3] ], width: 1 , corner: 0.5 }}
  holes:
    h: {repeat: {shape: {disk: {radius: 0.3 , center: [ 0, 0 ]}}, square: {counts: [ 2, 2 ], spacing: 1.5 }}}
  boundaries: {s: {edge: left, of: a}, t: {edge: last, of: b}}
mesh: {size: 0.9 }
time: {until: 1 tau}
""",
    """geometry:
  dimension: 3
  regions:
    a: {plus: [{torus: {radius: 2 , tube: 0.7 }}, {box: {size: [ 2, 2, 1 ], center: [ 2, 0, 0 ]}}]}
    b: {rotate: {shape: {cylinder: {radius: 0.5 , height: 3 }}, angle: 30 deg, about: [ 0, 0, 0 ], axis: [ 1, 0, 0 ]}}
  boundaries: {s: {face: top, of: a}}
mesh: {size: 0.9 }
time: {until: 1 tau}
""",
    """geometry:
  dimension: 2
  parameters: {length: 8 xi}
  regions: {a: {rectangle: {size: [ length, 4 ], center: [ 0, 0 ]}}, b: {disk: {radius: 1 , center: [ 0, 0 ]}}}
  boundaries: {s: {edge: left, of: a}, t: {edge: right, of: a}, u: {edge: top, of: a}, v: {edge: bottom, of: a}}
  periodic: {x: [ s, t ], y: [ v, u ]}
mesh: {size: 0.9 }
time: {until: 1 tau}
""",
)


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.slow)])
def test_spoilt_geometries_are_meshed_or_refused(count, tmp_path, monkeypatch):
    """Each is meshed or refused with its place; a mesher that hangs or crashes is told apart and refused as well."""
    monkeypatch.setenv("FEMPSLIP_MESH_SECONDS", "3")
    dice, meshed, refused = random.Random(2), 0, 0
    for k in range(count):
        text = spoilt(ODD[k % len(ODD)], dice)
        try:
            make_mesh(case_in(tmp_path, text))
            meshed += 1
        except Refusal as refusal:
            refused += 1
            assert ":" in str(refusal) and "case.yaml" in str(refusal), text
    assert meshed > count // 10 and refused > count // 10
