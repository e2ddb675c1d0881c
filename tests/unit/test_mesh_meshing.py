"""From a case to a mesh: sizes, named parts, what is refused, the cache."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import yaml
from scipy.sparse.csgraph import connected_components

from fempslip.case import load
from fempslip.contract import Refusal
from fempslip.mesh import CoarseMesh, around, cache, check_flux, contour, facet_weights, make_mesh, operators
from fempslip.mesh.simple import interval, rectangle
from fempslip.mesh.simplices import cell_edges, graph, unique_columns, volumes


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FEMPSLIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def case(tmp_path):
    """Writes a case round a geometry and loads it."""

    def write(dimension, regions, mesh=None, **parts):
        document = {
            "title": "a test",
            "geometry": {"dimension": dimension, "regions": regions, **parts},
            "material": {"u": 5.79, "gamma": 1},
            "time": {"until": 10},
        }
        if mesh:
            document["mesh"] = mesh
        path = tmp_path / "case.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return load(path)

    return write


def lengths(mesh):
    (i, j), _ = unique_columns(cell_edges(mesh.cells), mesh.points.shape[1])
    return np.linalg.norm(mesh.points[:, i] - mesh.points[:, j], axis=0)


def shape_quality(mesh):
    """4 sqrt 3 area / sum of squared sides: 1 for an equilateral triangle."""
    p = mesh.points[:, mesh.cells]
    squares = sum(((p[:, i] - p[:, j]) ** 2).sum(axis=0) for i, j in ((0, 1), (1, 2), (2, 0)))
    return 4 * np.sqrt(3) * volumes(mesh.points, mesh.cells) / squares


FILM = {"film": {"rectangle": {"size": [40, 20]}}}
ENDS = {"source": {"edge": "left"}, "drain": {"edge": "right"}}


# ---------------------------------------------------------------------------------------------- films


def test_a_film_has_the_edge_length_asked_for(case):
    mesh = make_mesh(case(2, FILM, boundaries=ENDS, probes={"up": [-10, 0]}))
    assert 3600 < mesh.nodes < 4200
    assert lengths(mesh).mean() == pytest.approx(0.5, rel=0.05) and lengths(mesh).max() < 0.75
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(800)
    assert shape_quality(mesh).min() > 0.6 and shape_quality(mesh).mean() > 0.95
    for name, x in (("source", -20), ("drain", 20)):
        assert np.all(mesh.points[0, mesh.boundaries[name]] == x)
        assert facet_weights(mesh, name)[2] == pytest.approx(20)
    assert mesh.probes["up"].tolist() == [-10, 0]
    assert mesh.cells.dtype == np.int32
    # neighbours have numbers close to each other: the bandwidth is that of one column of vertices, not of the mesh
    assert np.ptp(mesh.cells, axis=0).max() < 0.1 * mesh.nodes


def test_a_film_meets_its_links_with_hardly_any_negative_weight(case):
    """Delaunay triangles: cotangent weights of inner edges are not negative."""
    ops = operators(make_mesh(case(2, {"film": {"rectangle": {"size": [12, 6]}}})))
    assert np.sum(-ops.w[ops.w < 0]) < 1e-3 * np.sum(np.abs(ops.w))


def test_a_later_region_takes_its_place_out_of_an_earlier_one(case):
    regions = {"film": {"rectangle": {"size": [10, 4]}}, "link": {"rectangle": {"size": [2, 4]}}}
    mesh = make_mesh(case(2, regions, boundaries={"source": {"edge": "left", "of": "film"}}))
    volume = volumes(mesh.points, mesh.cells)
    assert volume[mesh.regions["film"]].sum() == pytest.approx(32)
    assert volume[mesh.regions["link"]].sum() == pytest.approx(8)
    assert np.all(np.abs(mesh.points[0, mesh.cells[:, mesh.regions["link"]]]) <= 1 + 1e-9)
    together = np.sort(np.concatenate(list(mesh.regions.values())))
    assert np.array_equal(together, np.arange(mesh.cells.shape[1]))


def test_size_of_a_region_and_near_a_boundary(case):
    regions = {"film": {"rectangle": {"size": [16, 6]}}, "link": {"rectangle": {"size": [2, 6]}}}
    mesh = make_mesh(
        case(
            2,
            regions,
            mesh={"size": 0.5, "regions": {"link": 0.2}, "refine": [{"near": "source", "size": 0.15, "within": 0.5}]},
            boundaries={"source": {"edge": "left", "of": "film"}},
        )
    )
    x = mesh.points[0, mesh.cells].mean(axis=0)
    side = np.sqrt(volumes(mesh.points, mesh.cells) * 4 / np.sqrt(3))
    assert np.median(side[np.abs(x) < 1]) == pytest.approx(0.2, rel=0.1)
    assert np.median(side[x < -7.6]) == pytest.approx(0.15, rel=0.15)
    assert np.median(side[(x > 3) & (x < 8)]) == pytest.approx(0.5, rel=0.1)
    assert facet_weights(mesh, "source")[0].size > 6 / 0.2


def test_holes_are_cut_and_can_be_encircled(case):
    holes = {"round": {"disk": {"radius": 2, "center": [3, 1]}}, "bent": {"polygon": {"points": BENT}}}
    mesh = make_mesh(case(2, {"film": {"rectangle": {"size": [20, 14]}}}, holes=holes, contours={"way": "round"}))
    bent_area = 5 * 1 + 1.5 * 4
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(280 - bent_area - 4 * np.pi, abs=0.2)
    ops = operators(mesh)
    for name, other in (("round", "bent"), ("bent", "round")):
        p = contour(mesh, ops, *mesh.holes[name])
        assert p @ around(mesh, ops, *mesh.holes[name]) == pytest.approx(2 * np.pi)
        assert p @ around(mesh, ops, *mesh.holes[other]) == pytest.approx(0, abs=1e-12)
    assert mesh.contours == {"way": "round"}


BENT = [[-6, -4], [-1, -4], [-1, -3], [-4.5, -3], [-4.5, 1], [-6, 1]]  # an L: its middle is not in it


def test_outer_and_inner_edges(case):
    edges = {"rim": {"edge": "outer"}, "well": {"edge": "inner"}}
    ring = {"ring": {"annulus": {"inner": 3, "outer": 6}}}
    mesh = make_mesh(case(2, ring, boundaries=edges, holes={"middle": {"point": [0, 0]}}))
    for name, radius in (("rim", 6), ("well", 3)):
        assert np.allclose(np.linalg.norm(mesh.points[:, mesh.boundaries[name]], axis=0), radius)
        assert facet_weights(mesh, name)[2] == pytest.approx(2 * np.pi * radius, rel=5e-3)
    assert mesh.holes["middle"][1].tolist() == [0, 0, 1]


def test_a_terminal_within_a_box(case):
    pad = {"pad": {"within": {"rectangle": {"size": [1, 5], "center": [20, 0]}}}}
    mesh = make_mesh(case(2, FILM, boundaries=pad))
    x, y = mesh.points[:, mesh.boundaries["pad"]]
    assert np.all(x == 20) and abs(y).max() < 2.8 and facet_weights(mesh, "pad")[2] == pytest.approx(5, abs=0.51)


# ---------------------------------------------------------------------------------------------- wires


def test_a_wire_with_a_part_of_its_own(case):
    regions = {"wire": {"segment": {"from": 0, "to": 10}}, "link": {"segment": {"from": 4, "to": 5}}}
    ends = {"source": {"end": "first", "of": "wire"}, "drain": {"end": "last", "of": "wire"}}
    mesh = make_mesh(case(1, regions, mesh={"size": 0.1, "regions": {"link": 0.05}}, boundaries=ends))
    x = mesh.points[0]
    assert np.all(np.diff(x) > 0) and mesh.points.shape == (3, 90 + 20 + 1)
    size = np.diff(x)
    assert size[mesh.regions["link"]] == pytest.approx(np.full(20, 0.05))
    assert size[mesh.regions["wire"]] == pytest.approx(np.full(90, 0.1))
    assert (x[mesh.boundaries["source"]], x[mesh.boundaries["drain"]]) == ([[0.0]], [[10.0]])


def test_a_wire_refined_near_its_end(case):
    ends = {"source": {"end": "first"}, "drain": {"end": "last"}}
    refine = [{"near": "source", "size": 0.02, "within": 0.2}]
    wire = {"wire": {"segment": {"from": 0, "to": 5}}}
    x = make_mesh(case(1, wire, mesh={"size": 0.1, "refine": refine}, boundaries=ends)).points[0]
    size = np.diff(np.sort(x))
    assert size[:9] == pytest.approx(np.full(9, 0.02), rel=0.05) and size[-5:] == pytest.approx(
        np.full(5, 0.1), rel=0.05
    )
    assert np.abs(np.diff(np.log(size))).max() < 0.35  # neighbours differ by a third at most


def test_a_ring_is_a_polygon_with_the_perimeter_of_the_circle(case):
    mesh = make_mesh(case(1, {"ring": {"ring": {"radius": 5}}}, holes={"middle": {"point": [0, 0]}}))
    n = mesh.nodes
    assert n == int(np.ceil(2 * np.pi * 5 / 0.1)) and mesh.cells.shape == (2, n)
    assert volumes(mesh.points, mesh.cells) == pytest.approx(np.full(n, 2 * np.pi * 5 / n), rel=1e-12)
    assert mesh.cells[:, -1].tolist() == [n - 1, 0] and np.all(mesh.points[2] == 0)
    assert np.all(np.diff(np.unwrap(np.arctan2(mesh.points[1], mesh.points[0]))) > 0)


def test_wires_are_joined_where_they_meet(case):
    """Two arms on a ring, and a cross: one piece each, with the right number of loops (edges - nodes + 1)."""
    armed = {
        "ring": {"ring": {"radius": 5}},
        "left": {"segment": {"from": [-8, 0], "to": [-5, 0]}},
        "right": {"segment": {"from": [5, 0], "to": [8, 0]}},
    }
    cross = {"a": {"segment": {"from": [-2, 0], "to": [2, 0]}}, "b": {"segment": {"from": [0, -1], "to": [0, 1]}}}
    for regions, loops in ((armed, 1), (cross, 0)):
        mesh = make_mesh(case(1, regions))
        assert connected_components(graph(mesh.nodes, mesh.cells))[0] == 1
        assert mesh.cells.shape[1] - mesh.nodes + 1 == loops
    assert np.bincount(mesh.cells.ravel()).max() == 4  # the crossing


def test_loose_ends_within_a_box(case):
    net = {"net": {"plus": [{"segment": {"from": [-2, 0], "to": [2, 0]}}, {"segment": {"from": [0, 0], "to": [2, 2]}}]}}
    boundary = {"drains": {"within": {"box": {"size": [1, 9, 9], "center": [2, 0, 0]}}}}
    mesh = make_mesh(case(1, net, boundaries=boundary))
    assert sorted(mesh.points[1, mesh.boundaries["drains"][0]]) == pytest.approx([0, 2])


# ---------------------------------------------------------------------------------------------- bulk pieces


def test_a_bar_has_its_faces(case):
    faces = {name: {"face": name} for name in ("left", "right", "front", "back", "bottom", "top")}
    mesh = make_mesh(case(3, {"bar": {"box": {"size": [8, 3, 2]}}}, boundaries=faces))
    areas = {"left": 6, "right": 6, "front": 16, "back": 16, "bottom": 24, "top": 24}
    middle = {"left": (0, -4), "right": (0, 4), "front": (1, -1.5), "back": (1, 1.5), "bottom": (2, -1), "top": (2, 1)}
    for name, area in areas.items():
        axis, at = middle[name]
        assert facet_weights(mesh, name)[2] == pytest.approx(area)
        assert mesh.points[axis, mesh.boundaries[name]] == pytest.approx(at)
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(48)
    # tetrahedra do not fill space with equal edges: the density of nodes is that of the film's edge length
    assert 0.5 < np.median(lengths(mesh)) < 0.75


def test_a_cylinder_and_a_tube(case):
    rod = {"rod": {"cylinder": {"radius": 2, "height": 8, "axis": [1, 0, 0]}}}
    faces = {"source": {"face": "left"}, "drain": {"face": "right"}, "skin": {"face": "side"}}
    mesh = make_mesh(case(3, rod, boundaries=faces))
    assert facet_weights(mesh, "source")[2] == pytest.approx(4 * np.pi, rel=0.02)
    assert facet_weights(mesh, "skin")[2] == pytest.approx(2 * np.pi * 2 * 8, rel=0.02)
    tube = {"minus": [{"cylinder": {"radius": 4, "height": 3}}, {"cylinder": {"radius": 2, "height": 9}}]}
    mesh = make_mesh(case(3, {"tube": tube}, holes={"bore": {"point": [0, 0, 0]}}))
    ops = operators(mesh)
    p = contour(mesh, ops, *mesh.holes["bore"])
    assert p @ around(mesh, ops, *mesh.holes["bore"]) == pytest.approx(2 * np.pi)


def test_holes_of_a_body_find_their_way_out(case):
    """A shaft along y, given as a box, and a cavity that nothing can go round."""
    holes = {"shaft": {"box": {"size": [1, 9, 1], "center": [-1.5, 0, 0]}}, "cavity": {"box": {"size": [1, 1, 1]}}}
    body = {"body": {"box": {"size": [6, 4, 3]}}}
    mesh = make_mesh(case(3, body, holes=holes))
    assert list(mesh.holes) == ["shaft"] and np.abs(mesh.holes["shaft"][1]).tolist() == [0, 1, 0]
    assert volumes(mesh.points, mesh.cells).sum() == pytest.approx(72 - 4 - 1)
    ops = operators(mesh)
    p = contour(mesh, ops, *mesh.holes["shaft"])
    assert p @ around(mesh, ops, *mesh.holes["shaft"]) == pytest.approx(2 * np.pi)
    with pytest.raises(Refusal, match="hole 'cavity' is none"):
        make_mesh(case(3, body, holes=holes, contours={"round": "cavity"}))


# ---------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    "regions, parts, message",
    [
        ({"a": {"disk": {"radius": 2}}, "b": {"disk": {"radius": 3}}}, {}, "region 'a' is empty"),
        ({"a": {"disk": {"radius": 2}}}, {"holes": {"h": {"disk": {"radius": 3}}}}, "mesh is empty"),
        ({"a": {"minus": [{"disk": {"radius": 2}}, {"disk": {"radius": 3}}]}}, {}, "enclose nothing"),
        ({"a": {"disk": {"radius": 2}}}, {"holes": {"h": {"point": [0.1, 0]}}}, "hole 'h' is none"),
        ({"a": {"disk": {"radius": 2}}}, {"probes": {"far": [2.5, 0]}}, "probe 'far' .*0.5 xi away"),
        (
            {"a": {"disk": {"radius": 2}}},
            {"boundaries": {"source": {"within": {"disk": {"radius": 1}}}}},
            "'source' touches nothing",
        ),
        (
            {"a": {"rectangle": {"size": [2, 2]}}, "b": {"rectangle": {"size": [2, 2], "center": [2, 0]}}},
            {"boundaries": {"source": {"edge": "right", "of": "a"}}},
            "'source' touches nothing",
        ),
    ],
)
def test_what_cannot_be_meshed_is_refused_with_its_place(case, own_cache, regions, parts, message):
    with pytest.raises(Refusal, match=rf"case.yaml:\d+:\d+: .*{message}"):
        make_mesh(case(2, regions, **parts))


def test_sizes_are_checked(case):
    disk = {"disk": {"disk": {"radius": 3}}}
    with pytest.raises(Refusal, match=r"mesh size 1.3 xi does not resolve the core: set mesh.size <= 0.5 xi"):
        make_mesh(case(2, disk, mesh={"size": 1.3}))
    with pytest.warns(CoarseMesh, match="0.8 xi"):
        assert lengths(make_mesh(case(2, disk, mesh={"size": 0.8}))).mean() == pytest.approx(0.8, rel=0.1)
    with pytest.raises(Refusal, match="set mesh.size <= 0.1 xi"):
        make_mesh(case(1, {"wire": {"segment": {"from": 0, "to": 9}}}, mesh={"size": 1.1}))
    with pytest.warns(CoarseMesh, match="coarser than 0.1 xi"):
        make_mesh(case(1, {"wire": {"segment": {"from": 0, "to": 9}}}, mesh={"size": 0.2}))


def test_flux_through_the_largest_face(recwarn):
    mesh = rectangle(4, 4, (4.0, 4.0))  # triangles of area 1/2
    assert check_flux(mesh, 0.3) == pytest.approx(0.5 * 0.3 / (2 * np.pi)) and not recwarn.list
    with pytest.warns(CoarseMesh, match="flux quanta"):
        check_flux(mesh, -2 * np.pi * 0.3)
    with pytest.raises(Refusal, match="mesh.size"):
        check_flux(mesh, 2 * np.pi * 1.1)
    assert check_flux(interval(np.arange(3.0)), 100.0) == 0


def test_a_missing_system_library_is_named(case, monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "gmsh":
                raise OSError("libGLU.so.1: cannot open shared object file")

    monkeypatch.setattr("fempslip.mesh.child.apart", lambda function, *args: function(*args))
    monkeypatch.delitem(sys.modules, "gmsh", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(Refusal, match=r"(?s)libGLU.so.1.*apt-get install -y libglu1-mesa"):
        make_mesh(case(2, FILM))


# ---------------------------------------------------------------------------------------------- the cache


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("points", "cells"))


def test_a_mesh_is_made_once_and_comes_back_whole(case, own_cache, monkeypatch):
    parts = {"boundaries": ENDS, "probes": {"up": [-10, 0]}, "holes": {"dot": {"disk": {"radius": 2}}}}
    first = make_mesh(case(2, FILM, **parts))
    assert len(list(own_cache.iterdir())) == 1
    monkeypatch.setattr("fempslip.mesh.bodies.mesh_pieces", lambda *a: pytest.fail("meshed again"))
    again = make_mesh(case(2, FILM, **parts))
    assert same(first, again) and again.size == first.size
    for mapping in ("regions", "boundaries", "probes"):
        one, other = getattr(first, mapping), getattr(again, mapping)
        assert list(one) == list(other) and all(np.array_equal(one[k], other[k]) for k in one)
    assert np.array_equal(first.holes["dot"][0], again.holes["dot"][0])


def test_meshing_is_deterministic(case, monkeypatch, tmp_path):
    small = {"film": {"rectangle": {"size": [6, 4]}}}
    first = make_mesh(case(2, small))
    monkeypatch.setenv("FEMPSLIP_CACHE", str(tmp_path / "other"))
    assert same(first, make_mesh(case(2, small)))


def test_another_size_is_another_mesh(case, own_cache):
    disk = {"disk": {"disk": {"radius": 3}}}
    one, other = (make_mesh(case(2, disk, mesh={"size": size})) for size in (0.5, 0.4))
    assert one.nodes < other.nodes and len(list(own_cache.iterdir())) == 2


def test_a_broken_or_missing_cache_is_ignored(case, own_cache, tmp_path, monkeypatch):
    disk = {"disk": {"disk": {"radius": 3}}}
    first = make_mesh(case(2, disk))
    (kept,) = own_cache.iterdir()
    for damaged in (kept.read_bytes()[:200], b"", b"nonsense"):
        kept.write_bytes(damaged)
        assert same(first, make_mesh(case(2, disk)))
    np.savez(kept, points=first.points)  # a readable file that is not a mesh
    assert same(first, make_mesh(case(2, disk)))
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("FEMPSLIP_CACHE", str(tmp_path / "file" / "cache"))
    assert same(first, make_mesh(case(2, disk)))


def test_a_failed_write_leaves_nothing(own_cache, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    cache.put("name", {"x": np.arange(3)})
    assert not list(own_cache.iterdir()) and cache.get("name") is None
