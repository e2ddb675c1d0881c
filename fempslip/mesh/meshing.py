"""From the geometry of a case to a mesh with named parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from scipy.sparse.csgraph import reverse_cuthill_mckee

from fempslip.case.geometry import Import
from fempslip.case.parts import Part
from fempslip.case.quantities import Mistake
from fempslip.case.shapes import Layout, Step
from fempslip.contract import Array, Mesh, Refusal
from fempslip.mesh import bodies, boundaries, cache, child, imports, periods, solids, wires
from fempslip.mesh.checks import check_size
from fempslip.mesh.cochains import angles, padded, wrap
from fempslip.mesh.places import distance_to, locate
from fempslip.mesh.simplices import cell_edges, graph, unique_columns, volumes

_LAYOUT = 5  # of the cached arrays and of the meshing itself: raise it when either changes


def make_mesh(case: Any) -> Mesh:
    """Mesh of `case.geometry` with the sizes of `case.mesh`, from the cache where it has been made before.

    Warns (checks.CoarseMesh) where it is coarser than the default size.  Raises Refusal, with the place in the
    file, for an empty mesh, a boundary that touches nothing, a probe outside, a hole that is none, a size above xi.
    """
    check_size(case)
    name = cache.key(_LAYOUT, _version(), bodies.gmsh_version(), *_content(case))
    kept = cache.get(name)
    mesh = None if kept is None else _unpacked(kept)
    if mesh is None:
        mesh = _joined(case, _named(case, _bare(case)))
        cache.put(name, _packed(mesh))
    return _with_places(case, mesh)


# ------------------------------------------------------------------------------------------- the cache


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("fempslip")
    except PackageNotFoundError:
        return "source"


def _content(case: Any) -> list[object]:
    """What the vertices, cells and their names depend on; probes and contours are looked up afresh."""
    g, m = case.geometry, case.mesh
    parts = (g.regions, g.holes, g.boundaries, g.periodic)
    files = [g.imported, *(cache.digest(file) for file in _files(g))]
    return [g.dimension, *files, *(list(part.items()) for part in parts), m.size, sorted(m.regions.items()), m.refine]


def _files(part: Any) -> list[str]:
    """Files that a geometry or shape is read from."""
    if isinstance(part, dict):
        return [file for each in part.values() for file in _files(each)]
    if isinstance(part, tuple):
        return [file for each in part for file in _files(each)]
    if not isinstance(part, Part):
        return []
    own = [part.file] if isinstance(part, Import | Step | Layout) else []
    return own + [file for name in type(part).model_fields for file in _files(getattr(part, name))]


def _packed(mesh: Mesh) -> dict[str, Array]:
    arrays = {
        "size": np.array(mesh.size),
        "points": mesh.points,
        "cells": mesh.cells,
        "node_of_vertex": mesh.node_of_vertex,
    }
    arrays |= {f"region {name}": cells for name, cells in mesh.regions.items()}
    arrays |= {f"period {name}": vector for name, vector in mesh.periods.items()}
    return arrays | {f"boundary {name}": facets for name, facets in mesh.boundaries.items()}


def _unpacked(arrays: Mapping[str, Array]) -> Mesh | None:
    def named(kind: str) -> dict[str, Array]:
        return {key.removeprefix(f"{kind} "): value for key, value in arrays.items() if key.startswith(f"{kind} ")}

    try:
        points, cells, node_of_vertex = (arrays[key] for key in ("points", "cells", "node_of_vertex"))
        size = float(arrays["size"])
    except KeyError:
        return None
    bare = Mesh(points, cells, node_of_vertex, named("region"), named("boundary"), size=size)
    return replace(bare, periods=named("period"))


# ------------------------------------------------------------------------------------------- vertices and cells


def _bare(case: Any) -> Mesh:
    if case.geometry.imported is not None:
        return _imported_mesh(case)
    return _wire_mesh(case) if case.geometry.dimension == 1 else _body_mesh(case)


def _groups(case: Any) -> imports.Groups:
    given = case.geometry.imported
    try:
        found: imports.Groups = child.apart(imports.read_groups, given.file, case.geometry.dimension)
    except Refusal as error:
        raise case.refuse("geometry.import.file", str(error)) from None
    return replace(found, points=found.points * given.unit)


def _imported_mesh(case: Any) -> Mesh:
    """Cells of the groups that are regions; a later region has those in several."""
    g, found = case.geometry, _groups(case)
    owner: dict[tuple[int, ...], str] = {}
    for name, shape in g.regions.items():
        if shape.name not in found.cells:
            words = f"the imported mesh has no group {shape.name!r:.60} of dimension {g.dimension}"
            raise case.refuse(f"geometry.regions.{name}", words, tuple(found.cells), shape.name)
        owner |= dict.fromkeys(map(tuple, np.sort(found.cells[shape.name], axis=0).T.tolist()), name)
    corners = np.array(list(owner), dtype=np.int64).T
    used, cells = np.unique(corners, return_inverse=True)
    points = found.points[:, used] if g.dimension != 2 else found.points[:2, used]
    names = np.array(list(owner.values()), dtype=object)
    region = {name: np.flatnonzero(names == name) for name in g.regions}
    mesh = _assembled(case, points, cells.reshape(corners.shape), region)
    ends, _ = unique_columns(cell_edges(mesh.cells), mesh.points.shape[1])
    size = float(np.linalg.norm(mesh.points[:, ends[0]] - mesh.points[:, ends[1]], axis=0).mean())
    if size > 1.0:
        words = f"edges of the imported mesh are {size:.3g} xi long, which does not resolve the core: make it finer"
        raise case.refuse("geometry.import.unit", words)
    return replace(mesh, size=size)


def _group_facets(case: Any, mesh: Mesh, name: str, group: str) -> Array:
    """Vertices of the facets of a group of the imported mesh that lie on the mesh's own surface, (dim, n)."""
    found = _groups(case)
    if group not in found.facets:
        words = f"the imported mesh has no group {group!r:.60} of dimension {mesh.dim - 1}"
        raise case.refuse(f"geometry.boundaries.{name}.group", words, tuple(found.facets), group)
    places = found.points[: mesh.points.shape[0], found.facets[group]]
    numbers = imports.vertices_at(mesh.points, places, 1e-9 * (1.0 + float(np.abs(mesh.points).max())))
    return np.sort(numbers[:, (numbers >= 0).all(axis=0)], axis=0)


def _wire_mesh(case: Any) -> Mesh:
    parts: list[wires.Part] = []
    for name, shape in case.geometry.regions.items():
        try:
            parts += solids.wire(shape, name)
        except Refusal as error:
            raise case.refuse(f"geometry.regions.{name}", str(error)) from None
    if not parts:
        raise case.refuse("geometry.regions", "the mesh is empty: the geometry has no regions")
    try:
        network = wires.divide(parts, _wire_sizes(case))
    except Refusal as error:
        raise case.refuse("mesh.size", str(error)) from None
    region = {name: np.flatnonzero(network.region == name) for name in case.geometry.regions}
    return _assembled(case, network.points, network.cells, region)


def _wire_sizes(case: Any) -> wires.Sizes:
    """Edge length wanted at points of a region, with refinement near the ends of named boundaries."""
    near = [(_ends(case, refine.near), refine) for refine in case.mesh.refine]

    def sizes(x: Array, region: str) -> Array:
        base = case.mesh.regions.get(region, case.mesh.size)
        wanted = np.full(x.shape[1], float(base))
        for ends, refine in near:
            away = np.min([np.linalg.norm(x - end[:, None], axis=0) for end in ends], axis=0)
            wanted = np.minimum(wanted, refine.size + wires.SLOPE * np.maximum(away - refine.within, 0.0))
        return wanted

    return sizes


def _ends(case: Any, boundary: str) -> list[Array]:
    """Points of a wire's boundary as the geometry has them, before there is a mesh."""
    spec = case.geometry.boundaries[boundary]
    lines = _open_parts(case, spec.of)
    if spec.end is not None:
        return [lines[0].start if spec.end == "first" else lines[-1].end]
    ends = [end for line in lines for end in (line.start, line.end)]
    return [end for end in ends if spec.within.contains(end[:, None])[0]] or ends


def _open_parts(case: Any, region: str) -> list[wires.Part]:
    """Parts of a wire that have ends: all but rings."""
    parts = solids.wire(case.geometry.regions[region], region)
    return [part for part in parts if isinstance(part, wires.Line) or not part.closed]


def _body_mesh(case: Any) -> Mesh:
    g, m = case.geometry, case.mesh
    sizes = {name: float(m.regions.get(name, m.size)) for name in g.regions}
    if len(set(sizes.values())) == 1 and not m.refine and not g.periodic:
        return _pieces(case, sizes, ())
    # a first, coarse mesh tells where the surfaces of regions and the named boundaries are
    coarse = _named(case, _pieces(case, {name: 2 * size for name, size in sizes.items()}, ()))
    return _pieces(case, sizes, _refinements(case, coarse, sizes), [_copied(case, coarse, name) for name in g.periodic])


def _copied(case: Any, mesh: Mesh, period: str) -> bodies.Copied:
    """Where the first boundary of a period lies, and the way to the second."""
    first, second = case.geometry.periodic[period]
    try:
        way = periods.shift(mesh, first, second)
    except Refusal as error:
        raise case.refuse(f"geometry.periodic.{period}", str(error)) from None
    places = mesh.points[:, np.unique(mesh.boundaries[first])]
    return bodies.Copied(places.min(axis=1), places.max(axis=1), way)


def _refinements(case: Any, coarse: Mesh, sizes: Mapping[str, float]) -> list[bodies.Refined]:
    largest = max(sizes.values())
    found = []
    for name, size in sizes.items():
        if size < largest:
            surface = boundaries.surface(coarse, name)
            found.append(bodies.Refined(_sampled(coarse, surface, size), size, 0.0, largest))
    for refine in case.mesh.refine:
        points = _sampled(coarse, coarse.boundaries[refine.near], refine.size)
        found.append(bodies.Refined(points, refine.size, refine.within + refine.size / 2, largest))
    return found


def _sampled(mesh: Mesh, facets: Array, spacing: float) -> Array:
    """Points on facets, (space, n), no further apart than about `spacing`."""
    corners = mesh.points[:, facets]
    longest = np.linalg.norm(corners[:, 1:] - corners[:, :1], axis=0).max()
    k = int(np.clip(np.ceil(longest / spacing), 1, 12))
    steps = [s for s in np.ndindex(*(k + 1,) * facets.shape[0]) if sum(s) == k]
    points = np.einsum("xkf,sk->xfs", corners, np.array(steps) / k).reshape(mesh.points.shape[0], -1)
    return np.unique(np.round(points, 9), axis=1)


def _pieces(
    case: Any, sizes: Mapping[str, float], refined: Sequence[bodies.Refined], copies: Sequence[bodies.Copied] = ()
) -> Mesh:
    g = case.geometry
    drawn = [partial(solids.draw, shape) for shape in g.regions.values()]
    holes = [partial(solids.draw, shape) for shape in g.holes.values() if hasattr(shape, "kind")]
    _read_layouts(case)
    try:
        pieces = child.apart(bodies.mesh_pieces, g.dimension, drawn, list(sizes.values()), holes, refined, copies)
    except Refusal as error:
        raise case.refuse("geometry.regions", str(error)) from None
    region = {name: np.flatnonzero(pieces.region == k) for k, name in enumerate(g.regions)}
    return _assembled(case, pieces.points, pieces.cells, region)


def _read_layouts(case: Any) -> None:
    """Raises Refusal, at its place in the file, for a layout that cannot be read."""
    for kind, parts in (("regions", case.geometry.regions), ("holes", case.geometry.holes)):
        for name, shape in parts.items():
            if isinstance(shape, Layout):
                try:
                    shape.polygons()
                except Mistake as mistake:
                    place = f"geometry.{kind}.{name}.layout"
                    raise case.refuse(
                        place, str(mistake).replace("{here}", place), mistake.known, mistake.wrote
                    ) from None


def _assembled(case: Any, points: Array, cells: Array, regions: Mapping[str, Array]) -> Mesh:
    for name, part in regions.items():
        if part.size == 0:
            message = f"region {name!r} is empty: holes or later regions take all of its place"
            raise case.refuse(f"geometry.regions.{name}", message)
    volume = volumes(points, cells)
    if volume.min() < 1e-9 * np.median(volume):
        raise case.refuse("geometry.regions", "parts of the mesh have no volume: shapes meet in a sliver or a point")
    if cells.shape[0] > 2:
        points, cells, regions = _renumbered(points, cells, regions)
    return Mesh(
        points=np.ascontiguousarray(points),
        cells=np.ascontiguousarray(cells, dtype=np.int32),
        node_of_vertex=np.arange(points.shape[1], dtype=np.int32),
        regions={name: part.astype(np.int32) for name, part in regions.items()},
        boundaries={},
        size=float(case.mesh.size),
    )


def _renumbered(points: Array, cells: Array, regions: Mapping[str, Array]) -> tuple[Array, Array, dict[str, Array]]:
    """Neighbours get numbers close to each other, vertices and cells: fewer cache misses in every matrix product."""
    count = points.shape[1]
    edges, _ = unique_columns(cell_edges(cells), count)
    order = reverse_cuthill_mckee(graph(count, edges), symmetric_mode=True)
    number = np.empty(count, dtype=np.int64)
    number[order] = np.arange(count)
    cells = number[cells]
    cell_order = np.argsort(cells.min(axis=0), kind="stable")
    cell_number = np.empty(cell_order.size, dtype=np.int64)
    cell_number[cell_order] = np.arange(cell_order.size)
    return points[:, order], cells[:, cell_order], {name: np.sort(cell_number[part]) for name, part in regions.items()}


# ------------------------------------------------------------------------------------------- names


def _named(case: Any, mesh: Mesh) -> Mesh:
    """The mesh with its named boundaries; a boundary without facets is refused."""
    found = {}
    skin = boundaries.exterior(mesh) if mesh.dim > 1 else np.zeros((1, 0), dtype=int)
    for name, spec in case.geometry.boundaries.items():
        if spec.group is not None:
            facets = _group_facets(case, mesh, name, spec.group)
            if mesh.dim > 1:
                facets = boundaries.among(facets, skin)
        else:
            facets = _end(mesh, case, spec) if mesh.dim == 1 else _facets(mesh, case, spec, skin)
        if facets.shape[1] == 0:
            owner = "the body" if spec.group is not None else f"region {spec.of!r}"
            message = f"boundary {name!r} touches nothing: no outer {_FACET[mesh.dim]} of {owner} lies there"
            raise case.refuse(f"geometry.boundaries.{name}", message)
        found[name] = np.ascontiguousarray(facets, dtype=np.int32)
    return replace(mesh, boundaries=found)


def _joined(case: Any, mesh: Mesh) -> Mesh:
    pairs = case.geometry.periodic
    if not pairs:
        return mesh
    try:
        return periods.joined(mesh, pairs)
    except Refusal as error:
        raise case.refuse("geometry.periodic", str(error)) from None


_FACET = {1: "end", 2: "edge", 3: "face"}


def _end(mesh: Mesh, case: Any, spec: Any) -> Array:
    """Vertices of a wire's boundary: the end of a region, or its loose ends within a shape, (1, n)."""
    if spec.end is not None:
        lines = _open_parts(case, spec.of)
        if not lines:
            return np.zeros((1, 0), dtype=int)
        number, distance = wires.nearest_vertex(mesh.points, lines[0].start if spec.end == "first" else lines[-1].end)
        return np.array([[number]]) if distance <= mesh.size else np.zeros((1, 0), dtype=int)
    met = np.bincount(mesh.cells.ravel(), minlength=mesh.points.shape[1])
    own = np.zeros(met.size, dtype=bool)
    own[mesh.cells[:, mesh.regions[spec.of]]] = True
    return np.flatnonzero((met == 1) & own & spec.within.contains(mesh.points))[None]


def _facets(mesh: Mesh, case: Any, spec: Any, skin: Array) -> Array:
    own = boundaries.facets_of(mesh, spec.of, skin)
    if spec.within is not None:
        return own[:, spec.within.contains(mesh.points[:, own].mean(axis=1))]
    ends = case.geometry.regions[spec.of].ends()
    if spec.side in ends:
        return own[:, boundaries.on_end(mesh, own, *ends[spec.side])]
    if spec.side in ("first", "last"):
        return own[:, :0]
    if spec.side in ("outer", "inner"):
        outer = boundaries.facets_of(mesh, spec.of, skin[:, boundaries.outer_facets(mesh, skin)])
        return outer if spec.side == "outer" else boundaries.without(own, outer)
    if spec.side == "side" and ends and mesh.dim == 3 and not hasattr(case.geometry.regions[spec.of], "axis"):
        return _without_ends(mesh, case.geometry.regions[spec.of], own)
    if spec.side == "side":
        along = np.abs(getattr(case.geometry.regions[spec.of], "axis", (0.0, 0.0, 1.0)))
        return boundaries.lateral(mesh, spec.of, own, int(np.argmax(along)))
    axis, end = (boundaries.EDGES if mesh.dim == 2 else boundaries.FACES)[spec.side]
    return boundaries.at_extreme(mesh, spec.of, own, axis, end)


def _without_ends(mesh: Mesh, shape: Any, facets: Array) -> Array:
    for end in shape.ends().values():
        facets = facets[:, ~boundaries.on_end(mesh, facets, *end)]
    return facets


def _with_places(case: Any, mesh: Mesh) -> Mesh:
    """Holes, probes and contours, each checked against the body."""
    g = case.geometry
    mesh = replace(mesh, holes=_holes(case, mesh), contours=dict(g.contours))
    space = mesh.points.shape[0]
    for name, place in g.probes.items():
        try:
            locate(mesh, place, f"probe {name!r}")
        except Refusal as error:
            raise case.refuse(f"geometry.probes.{name}", str(error)) from None
    return replace(mesh, probes={name: padded(place)[:space] for name, place in g.probes.items()})


def _holes(case: Any, mesh: Mesh) -> dict[str, tuple[Array, Array]]:
    """Lines through the holes.  A cavity that no line leaves is no hole to go round: it is refused where it is used."""
    found = {}
    used = {*case.geometry.contours.values(), *(name for name, _ in case.drive.flux)}
    for name, hole in case.geometry.holes.items():
        try:
            point, direction = solids.axis(hole)
        except Refusal as error:
            raise case.refuse(f"geometry.holes.{name}", str(error)) from None
        marked = not hasattr(hole, "kind")
        ways = [direction] if marked or mesh.dim < 3 else [direction, *np.eye(3)]
        free = [way for way in ways if not pierced(mesh, point, way)]
        if free:
            found[name] = (point, free[0])
        elif marked or name in used:
            message = f"hole {name!r} is none: its line passes through the body"
            raise case.refuse(f"geometry.holes.{name}", message)
    return found


def pierced(mesh: Mesh, point: Array, direction: Array) -> bool:
    """Whether the line (in a film: the point) lies in the body: the angle round it does not close on some face."""
    if mesh.dim == 1:
        return distance_to(mesh, point) < 1e-6 * max(mesh.size, 1e-6)
    angle = angles(mesh.points, point, direction)
    for i in range(mesh.dim - 1):
        for j in range(i + 1, mesh.dim):
            for k in range(j + 1, mesh.dim + 1):
                a, b, c = angle[mesh.cells[[i, j, k]]]
                if np.any(np.abs(wrap(b - a) + wrap(c - b) + wrap(a - c)) > 1):
                    return True
    return False
