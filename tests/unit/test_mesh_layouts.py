"""Outlines out of GDSII and DXF files: areas, holes and parts, and what is said of those that cannot be meshed."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from

from fempslip.case.layout_files import outlines, read
from fempslip.case.quantities import Mistake
from fempslip.contract import Mesh, Refusal
from fempslip.mesh import make_mesh
from fempslip.mesh.simplices import volumes
from fempslip.run.running import solve

gdstk = pytest.importorskip("gdstk", reason="pip install 'fempslip[layout]'")
ezdxf = pytest.importorskip("ezdxf", reason="pip install 'fempslip[layout]'")
pytest.importorskip("shapely", reason="pip install 'fempslip[layout]'")

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.CoarseMesh")

# A bridge of 8 x 4 um out of two overlapping rectangles, with a square hole of 1 um; pads on another layer.
CHIP = """
geometry:
  dimension: 2
  regions: {{film: {{layout: {{file: {file}, layer: {layer}, unit: 1 um}}}}}}
  holes: {{window: {{point: [0, 0]}}}}
  boundaries:
    source: {{within: {{layout: {{file: {file}, layer: {pads}, unit: 1 um}}}}, of: film}}
    drain: {{edge: right, of: film}}
  contours: {{loop: window}}
material: {{xi: 0.5 um, gamma: 1}}
contacts: {{source: normal, drain: normal}}
drive: {{current: {{from: source, to: drain, density: 0.05}}}}
mesh: {{size: 0.5}}
time: {{until: 1 tau}}
postprocess: [power]
"""


@pytest.fixture
def gds(tmp_path: Path) -> Path:
    library = gdstk.Library(unit=1e-6, precision=1e-9)
    bridge, top = library.new_cell("BRIDGE"), library.new_cell("TOP")
    whole = [gdstk.rectangle((-4, -2), (1, 2), layer=1), gdstk.rectangle((0, -2), (4, 2), layer=1)]
    window = gdstk.rectangle((-0.5, -0.5), (0.5, 0.5))
    bridge.add(*gdstk.boolean(whole, window, "not", layer=1))  # with keyholes, as the format has no holes
    bridge.add(gdstk.rectangle((-5, -3), (-3.9, 3), layer=2, datatype=7))
    top.add(gdstk.Reference(bridge))
    library.write_gds(tmp_path / "chip.gds")
    return tmp_path / "chip.gds"


@pytest.fixture
def dxf(tmp_path: Path) -> Path:
    """The same bridge: its outline as loose lines, its window as a closed polyline, the pad as a hatch in a block."""
    drawing = ezdxf.new()
    model = drawing.modelspace()
    corners = [(-4, -2), (4, -2), (4, 2), (-4, 2)]
    for k in (0, 2, 1, 3):
        model.add_line(corners[k], corners[(k + 1) % 4], dxfattribs={"layer": "film"})
    window = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
    model.add_lwpolyline(window, close=True, dxfattribs={"layer": "film"})
    pad = drawing.blocks.new("PAD").add_hatch(dxfattribs={"layer": "pads"})
    pad.paths.add_polyline_path([(0, 0), (1.1, 0), (1.1, 6), (0, 6)], is_closed=True)
    model.add_blockref("PAD", (-5, -3))
    model.add_text("a chip", dxfattribs={"layer": "notes"})
    drawing.saveas(tmp_path / "chip.dxf")
    return tmp_path / "chip.dxf"


def meshed(path: Path, layer: str, pads: str) -> Mesh:
    return make_mesh(case_from(CHIP.format(file=path.name, layer=layer, pads=pads), path.parent))


@pytest.mark.parametrize("kind", ["gds", "dxf"])
def test_a_film_with_a_hole_and_a_pad(kind: str, request: pytest.FixtureRequest) -> None:
    """In xi = 0.5 um: 16 x 8 less 2 x 2; the pad covers the left edge, and 0.2 xi of its neighbours; a quantum fits."""
    layers = {"gds": ("1", "2/7"), "dxf": ("film", "pads")}[kind]
    mesh = meshed(request.getfixturevalue(kind), *layers)
    assert np.isclose(volumes(mesh.points, mesh.cells).sum(), 16 * 8 - 4, rtol=1e-12)
    x = mesh.points[:, np.unique(mesh.boundaries["source"])]
    assert np.isclose(x[0].min(), -8) and x[0].max() < -7 and np.isclose(np.ptp(x[1]), 8)
    assert set(mesh.holes) == {"window"} and mesh.contours == {"loop": "window"}


def test_a_case_runs_on_it_from_another_folder(gds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that lies beside the case is found from anywhere, and by the copy of the case that a run keeps."""
    case = case_from(CHIP.format(file=gds.name, layer=1, pads="2/7"), gds.parent)
    monkeypatch.chdir("/")
    run = solve(case, tmp_path / "run", pictures=False)
    assert run.summary is not None and run.summary["status"] == "finished"


def test_circles_keep_their_area(tmp_path: Path) -> None:
    """pi r^2 less that of the chords: 2/3 of the sagitta times the circumference, 1e-3 of the diagonal at most."""
    drawing = ezdxf.new()
    drawing.modelspace().add_circle((10, 5), 3, dxfattribs={"layer": "disk"})
    drawing.saveas(tmp_path / "disk.dxf")
    ((loop,),) = read(tmp_path / "disk.dxf", "disk", None)
    x, y = np.transpose(loop)
    area = 0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    lost = 2 / 3 * 1e-3 * np.hypot(6, 6) * 2 * np.pi * 3
    assert np.pi * 9 - lost < area < np.pi * 9


@pytest.mark.parametrize(
    "kind, layer, words",
    [
        ("gds", "3", ["has no layer '3/0'", "it has 1/0, 2/7"]),
        ("dxf", "flim", ["has no layer 'flim'", "it has film, pads", "film"]),
    ],
)
def test_a_layer_that_is_not_there(
    kind: str, layer: str, words: list[str], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with pytest.raises(Refusal) as refused:
        meshed(request.getfixturevalue(kind), layer, "1")
    assert all(word in str(refused.value) for word in [*words, "^"])


def test_a_cell_that_is_not_there(gds: Path) -> None:
    with pytest.raises(Mistake, match="no cell 'TIP'; it has BRIDGE, TOP") as refused:
        read(gds, "1", "TIP")
    assert refused.value.known == ("BRIDGE", "TOP")


def test_an_open_line_is_named(tmp_path: Path) -> None:
    drawing = ezdxf.new()
    line = drawing.modelspace().add_lwpolyline([(0, 0), (4, 0), (4, 3), (0, 2.5)], dxfattribs={"layer": "film"})
    drawing.saveas(tmp_path / "open.dxf")
    with pytest.raises(Mistake) as refused:
        read(tmp_path / "open.dxf", "film", None)
    words = str(refused.value)
    assert f"LWPOLYLINE ({line.dxf.handle})" in words and "(0, 0)" in words and "(0, 2.5)" in words and "2.5" in words


@pytest.mark.parametrize("name", ["chip.gds", "chip.dxf", "chip.oas"])
def test_a_damaged_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(random.Random(1).randbytes(3000))
    with pytest.raises(Mistake):
        outlines(str(tmp_path / name), None, None)


def test_a_file_of_another_kind_or_none(tmp_path: Path) -> None:
    (tmp_path / "chip.svg").write_text("<svg/>")
    with pytest.raises(Mistake, match="neither GDSII"):
        read(tmp_path / "chip.svg", None, None)
    with pytest.raises(Mistake, match="no file"):
        outlines(str(tmp_path / "chip.gds"), None, None)


def test_copies_without_end_are_refused(tmp_path: Path) -> None:
    """An array of 10^9 references takes no more memory or time than is allowed."""
    library = gdstk.Library()
    cell, top = library.new_cell("CELL"), library.new_cell("TOP")
    cell.add(gdstk.rectangle((0, 0), (1, 1)))
    top.add(gdstk.Reference(cell, columns=32000, rows=32000, spacing=(2, 2)))
    library.write_gds(tmp_path / "many.gds")
    with pytest.raises(Mistake, match="many.gds"):
        outlines(str(tmp_path / "many.gds"), "0", "TOP")
