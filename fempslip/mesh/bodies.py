"""Films and bulk pieces meshed by gmsh from drawn regions.

All regions and holes are drawn, broken into the fragments that they make of each other, and every fragment goes to
the last region that covers it, or away with a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from fempslip.contract import Array, Refusal

APT = (
    "gmsh cannot load: a system library is missing ({error}). On Debian or Ubuntu:\n"
    "  apt-get install -y libglu1-mesa libgl1 libxrender1 libxcursor1 libxfixes3 libxext6 libxft2 libxinerama1 "
    "libx11-6 libfontconfig1 libgomp1"
)
SLOPE = 0.3  # growth of the edge length with the distance from a refined place
_FAR = 1e22
MOST_CELLS = 1e7
Drawing = Callable[[Any], list[tuple[int, int]]]  # draws on gmsh's OCC kernel, gives (dimension, tag)


class Trouble(Refusal):
    """The mesher cannot mesh what was drawn."""


@dataclass(frozen=True, eq=False)
class Refined:
    """Edge length `size` within the distance `within` of the points (space, n), growing to `coarse` further out."""

    points: Array
    size: float
    within: float
    coarse: float


@dataclass(frozen=True, eq=False)
class Copied:
    """Surfaces within a box (space,) to (space,) whose vertices are repeated on those that lie further by `way`."""

    low: Array
    high: Array
    way: Array


@dataclass(frozen=True, eq=False)
class Pieces:
    """points : (space, vertices);  cells : (dim + 1, cells);  region : (cells,) number of the region of each."""

    points: Array
    cells: Array
    region: Array


def gmsh_version() -> str:
    """Version of the mesher, without loading its library where that is possible."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("gmsh")
    except PackageNotFoundError:
        return "unknown"


def mesh_pieces(
    dim: int,
    regions: Sequence[Drawing],
    sizes: Sequence[float],
    holes: Sequence[Drawing],
    refined: Sequence[Refined],
    copies: Sequence[Copied] = (),
) -> Pieces:
    """Mesh of the regions (a later one takes its place out of earlier ones) without the holes.

    sizes : edge length of each region.  Raises Trouble where gmsh fails, Refusal where it cannot be loaded.
    """
    with _session() as gmsh:
        try:
            owned = _fragments(gmsh.model.occ, dim, regions, holes)
            _refuse_endless(gmsh.model.occ, dim, owned, sizes)
            _set_sizes(gmsh, dim, owned, sizes, refined)
            for copy in copies:
                _repeat(gmsh, dim, owned, copy)
            gmsh.model.mesh.generate(dim)
        except Refusal:
            raise
        except Exception as error:  # gmsh raises bare Exceptions
            raise Trouble(f"the mesher failed: {error}") from None
        return _read(gmsh, dim, owned)


# ------------------------------------------------------------------------------------------- parts of these


@contextmanager
def _session() -> Iterator[Any]:
    try:
        import gmsh
    except OSError as error:
        raise Refusal(APT.format(error=error)) from None
    ours = not gmsh.isInitialized()
    if ours:
        gmsh.initialize(readConfigFiles=False, interruptible=False)
    try:
        for option, value in _OPTIONS.items():
            gmsh.option.setNumber(option, value)
        gmsh.model.add("fempslip")
        yield gmsh
    finally:
        gmsh.model.remove()
        if ours:
            gmsh.finalize()


_OPTIONS = {
    "General.Terminal": 0,
    "General.NumThreads": 1,  # several threads number the cells differently from run to run
    "Mesh.RandomSeed": 1,
    "Mesh.Algorithm": 6,  # frontal Delaunay: well-shaped triangles
    "Mesh.Algorithm3D": 1,  # Delaunay
    "Mesh.Optimize": 1,
    "Mesh.MeshSizeFromPoints": 0,
    "Mesh.MeshSizeFromCurvature": 0,
    "Mesh.MeshSizeExtendFromBoundary": 0,
}


def _fragments(occ: Any, dim: int, regions: Sequence[Drawing], holes: Sequence[Drawing]) -> list[list[int]]:
    """Tags of the fragments of each region."""
    drawn = [drawing(occ) for drawing in (*regions, *holes)]
    flat = [tag for tags in drawn for tag in tags]
    if not flat:
        raise Trouble("the shapes enclose nothing")
    parts = occ.fragment(flat[:1], flat[1:])[1] if len(flat) > 1 else [flat]
    owner: dict[int, int] = {}
    source = [k for k, tags in enumerate(drawn) for _ in tags]
    for number, made in zip(source, parts, strict=True):
        for d, tag in made:
            if d == dim:
                owner[tag] = max(number, owner.get(tag, -1))
    gone = [(dim, tag) for tag, number in owner.items() if number >= len(regions)]
    if gone:
        occ.remove(gone, recursive=True)
    occ.synchronize()
    return [sorted(tag for tag, number in owner.items() if number == k) for k in range(len(regions))]


def _refuse_endless(occ: Any, dim: int, owned: Sequence[Sequence[int]], sizes: Sequence[float]) -> None:
    """Before the mesher fills the memory: regular simplices of edge h have sqrt(3)/4 h^2, sqrt(2)/12 h^3."""
    share = {2: 3**0.5 / 4, 3: 2**0.5 / 12}[dim]
    count = sum(
        occ.getMass(dim, tag) / (share * size**dim) for tags, size in zip(owned, sizes, strict=True) for tag in tags
    )
    if count > MOST_CELLS:
        raise Trouble(f"the mesh would have about {count:.2g} cells (at most {MOST_CELLS:.2g}): raise mesh.size")


def _set_sizes(
    gmsh: Any, dim: int, owned: Sequence[Sequence[int]], sizes: Sequence[float], refined: Sequence[Refined]
) -> None:
    """The smallest of all wanted sizes, as gmsh's background field."""
    field = gmsh.model.mesh.field
    wanted = []
    for tags, size in zip(owned, sizes, strict=True):
        number = field.add("Constant")
        field.setNumbers(number, {2: "SurfacesList", 3: "VolumesList"}[dim], tags)
        _set(field, number, VIn=size, VOut=_FAR, IncludeBoundary=1)
        wanted.append(number)
    wanted += [_threshold(gmsh, part) for part in refined]
    least = field.add("Min")
    field.setNumbers(least, "FieldsList", wanted)
    field.setAsBackgroundMesh(least)


def _threshold(gmsh: Any, part: Refined) -> int:
    place = np.zeros((3, part.points.shape[1]))
    place[: part.points.shape[0]] = part.points
    tags = [gmsh.model.occ.addPoint(*p) for p in place.T]  # loose points: their vertices belong to no cell
    gmsh.model.occ.synchronize()
    field = gmsh.model.mesh.field
    distance, threshold = field.add("Distance"), field.add("Threshold")
    field.setNumbers(distance, "PointsList", tags)
    far = part.within + max(part.coarse - part.size, 0.0) / SLOPE + 1e-9
    _set(
        field,
        threshold,
        InField=distance,
        SizeMin=part.size,
        SizeMax=part.coarse,
        DistMin=part.within,
        DistMax=far,
        StopAtDistMax=1,
    )
    return threshold


def _repeat(gmsh: Any, dim: int, owned: Sequence[Sequence[int]], copy: Copied) -> None:
    """Edges or faces of the body in the box get the mesh of those that they are copies of."""
    surface = gmsh.model.getBoundary([(dim, tag) for tags in owned for tag in tags], combined=True, oriented=False)
    tags = [tag for _, tag in surface]
    boxes = np.array([gmsh.model.getBoundingBox(dim - 1, tag) for tag in tags])
    slack = 1e-5 * max(float(np.abs(boxes).max()), 1e-6)
    low, high, way = (np.zeros(3) for _ in range(3))
    for whole, given in ((low, copy.low), (high, copy.high), (way, copy.way)):
        whole[:dim] = given
    inside = (boxes[:, :3] >= low - slack).all(axis=1) & (boxes[:, 3:] <= high + slack).all(axis=1)
    matrix = np.eye(4)
    matrix[:3, 3] = way
    for number in np.flatnonzero(inside):
        away = np.abs(boxes - boxes[number] - np.r_[way, way]).max(axis=1)
        if away.min() > slack:
            raise Trouble("a boundary and the one it is joined to are not made of the same pieces")
        gmsh.model.mesh.setPeriodic(dim - 1, [tags[int(away.argmin())]], [tags[number]], matrix.ravel().tolist())


def _set(field: Any, number: int, **options: float) -> None:
    for option, value in options.items():
        field.setNumber(number, option, value)


def _read(gmsh: Any, dim: int, owned: Sequence[Sequence[int]]) -> Pieces:
    kind = {2: 2, 3: 4}[dim]  # gmsh's numbers of the triangle and the tetrahedron
    parts = [gmsh.model.mesh.getElementsByType(kind, tag)[1] for tags in owned for tag in tags]
    number = [k for k, tags in enumerate(owned) for _ in tags]
    counts = [part.size // (dim + 1) for part in parts]
    if not sum(counts):
        raise Trouble("the mesh is empty: the shapes leave no body")
    tags, places, _ = gmsh.model.mesh.getNodes()
    where: Mapping[str, Array] = {"tags": tags.astype(np.int64), "places": places.reshape(-1, 3)}
    corners = np.concatenate(parts).reshape(-1, dim + 1).T.astype(np.int64)
    used, cells = np.unique(corners, return_inverse=True)
    order = np.argsort(where["tags"])
    rows = order[np.searchsorted(where["tags"][order], used)]
    points = np.ascontiguousarray(where["places"][rows, :dim].T)
    return Pieces(points, cells.reshape(corners.shape), np.repeat(number, counts))
