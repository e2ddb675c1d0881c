"""What stands before the camera: films, bodies and networks of wires, drawn by PyVista."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..contract import Array, Mesh
from . import canvas
from .looks import Look, values, vectors

if TYPE_CHECKING:
    import pyvista as pv

CELL_TYPES = {1: 3, 2: 5, 3: 10}
INK, CORE = "#1a1a1a", "#f28e2b"
LEVEL = 0.4  # of |psi|, around the cores of vortices
CONTOURS = (0.2, 0.4, 0.6, 0.8)
DEAD = 1e-6  # |psi| of a node without a phase, as at normal contacts


@dataclass(frozen=True, eq=False)
class Scene:
    """A mesh before the camera.  grid : cells with vertices;  outline : edges of the body;  plane : of the cut."""

    mesh: Mesh
    grid: pv.UnstructuredGrid
    outline: pv.PolyData
    view: canvas.View
    plane: tuple[Array, Array] | None


def scene(mesh: Mesh) -> Scene:
    """The scene of a mesh: a film from above, a body from a corner with one cut, a network of wires from above."""
    import pyvista as pv

    points = np.zeros((mesh.points.shape[1], 3))
    points[:, : mesh.points.shape[0]] = mesh.points.T
    corners, cells = mesh.cells.shape
    table = np.column_stack([np.full(cells, corners), _oriented(mesh).T]).ravel()
    grid = pv.UnstructuredGrid(table, np.full(cells, CELL_TYPES[mesh.dim], np.uint8), points)
    flags: dict[str, Any] = {"manifold_edges": False, "non_manifold_edges": False, "feature_edges": mesh.dim == 3}
    outline = grid.extract_surface(algorithm="dataset_surface") if mesh.dim > 1 else pv.PolyData()
    if mesh.dim > 1:
        outline = outline.extract_feature_edges(feature_angle=35.0, boundary_edges=mesh.dim == 2, **flags)
    if mesh.dim < 3:
        return Scene(mesh, grid, outline, canvas.from_above(points), None)
    return Scene(mesh, grid, outline, canvas.from_a_corner(points), _cut(points))


def _oriented(mesh: Mesh) -> Array:
    """Cells, tetrahedra all of one hand: edges of a body are found by the directions of its faces."""
    if mesh.dim < 3:
        return mesh.cells
    corners = mesh.points[:, mesh.cells]
    hand = np.linalg.det((corners[:, 1:] - corners[:, :1]).transpose(2, 0, 1))
    return np.where(hand > 0, mesh.cells, mesh.cells[[1, 0, 2, 3]])


def _cut(points: Array) -> tuple[Array, Array]:
    """Where |psi| is shown in a body: the bottom of a slab, the middle plane of anything thicker."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    flat = extent[2] < 0.5 * min(extent[:2])
    height = low[2] + 0.02 * extent[2] if flat else (low[2] + high[2]) / 2
    return np.array([*(low + high)[:2] / 2, height]), np.array([0, 0, 1.0])


def draw(
    plotter: pv.Plotter,
    stage: Scene,
    fields: Mapping[str, Array],
    look: Look,
    contours: bool = True,
    arrows: bool = False,
    zeros: Array | None = None,
    cores: bool = True,
) -> None:
    """Put one frame on the stage: fields name -> (nodes,) or (nodes, 3);  zeros : (n, 4) x, y, z, winding.

    cores : in a body, the surface |psi| = 0.4
    """
    plotter.suppress_rendering = True  # else every part added is drawn at once
    plotter.clear_actors()
    thin = plotter.window_size[0] / 260  # a line of print
    grid = stage.grid.copy(deep=False)
    order = stage.mesh.node_of_vertex
    grid.point_data["shown"] = values(fields, look.field)[order].astype(float)
    grid.point_data["density"] = values(fields, "psi_abs")[order].astype(float) ** 2  # |psi| has a tip at a zero
    if "psi_re" in fields:
        grid.point_data["psi_re"], grid.point_data["psi_im"] = fields["psi_re"][order], fields["psi_im"][order]
    if arrows:
        name = look.field if look.field in ("supercurrent", "normal_current") else "current"
        grid.point_data["flow"] = vectors(fields, name)[order].astype(float)
    surface = grid.slice(normal=stage.plane[1], origin=stage.plane[0]) if stage.plane else grid
    _paint(plotter, surface, look, 4 * thin if stage.mesh.dim == 1 else 0)
    if stage.plane and cores:
        _cores(plotter, grid)
    elif contours and stage.mesh.dim == 2 and look.field == "psi_abs":
        _level_lines(plotter, grid, 0.6 * thin)
    if arrows:
        _arrows(plotter, stage, grid, "white" if look.cmap in ("magma", "twilight") else INK)
    if stage.outline.n_points:
        edges = _lifted(stage.outline.strip(join=True), grid)  # whole lines: pieces would leave gaps between them
        plotter.add_mesh(edges, color=INK, line_width=thin * (1.0 if stage.plane else 0.8), lighting=False)
    if zeros is not None and len(zeros):
        _dots(plotter, stage, zeros)
    plotter.suppress_rendering = False


def _paint(plotter: pv.Plotter, surface: pv.DataSet, look: Look, thick: float) -> None:
    """Colours on a surface.  Angles go through a texture that repeats, so that no false line marks the turn."""
    if look.cyclic and not thick and "psi_re" in surface.point_data:
        parts = _unrolled(surface)
        if parts.n_points:
            plotter.add_mesh(parts, texture=_wheel(look.cmap), lighting=False)
        return
    plotter.add_mesh(
        surface,
        scalars="shown",
        cmap=look.cmap,
        clim=(look.low, look.high),
        lighting=False,
        show_scalar_bar=False,
        line_width=thick or 1,
        copy_mesh=False,
    )


def _unrolled(surface: pv.DataSet) -> pv.PolyData:
    """Triangles of their own corners with the phase as texture coordinate, continuous inside each triangle.

    A corner where psi vanishes takes the phase of the others; a triangle of three such is left out.
    """
    import pyvista as pv

    flat = surface.extract_surface(algorithm="dataset_surface").triangulate()
    corners = flat.regular_faces
    psi = (flat.point_data["psi_re"] + 1j * flat.point_data["psi_im"])[corners]
    bright = np.abs(psi) > DEAD
    seen = bright.any(axis=1)
    corners, psi, bright = corners[seen], psi[seen], bright[seen]
    psi = np.where(bright, psi, np.sum(psi, axis=1, where=bright, keepdims=True))
    first = np.angle(psi[:, :1])
    phase = first + np.angle(psi * np.exp(-1j * first))
    parts = pv.PolyData.from_regular_faces(flat.points[corners].reshape(-1, 3), np.arange(corners.size).reshape(-1, 3))
    turns = (phase.ravel() + np.pi) / (2 * np.pi)
    parts.active_texture_coordinates = np.stack([turns, np.full_like(turns, 0.5)], axis=1)
    return parts


@cache
def _wheel(cmap: str) -> pv.Texture:
    import matplotlib
    import pyvista as pv

    row = (matplotlib.colormaps[cmap](np.linspace(0, 1, 512, endpoint=False))[:, :3] * 255).astype(np.uint8)
    texture = pv.Texture(np.repeat(row[None], 4, axis=0))
    texture.repeat = True
    texture.interpolate = True
    return texture


def _level_lines(plotter: pv.Plotter, grid: pv.DataSet, width: float) -> None:
    lines = grid.contour([level**2 for level in CONTOURS], scalars="density")
    if lines.n_points:
        plotter.add_mesh(_lifted(lines, grid), color="white", line_width=width, opacity=0.6, lighting=False)


def _lifted(lines: pv.PolyData, grid: pv.DataSet, height: float = 1e-3) -> pv.PolyData:
    return lines.translate((0, 0, height * grid.length))


def _cores(plotter: pv.Plotter, grid: pv.DataSet) -> None:
    """The surface |psi| = 0.4 inside a body: tubes around vortices, sheets at normal contacts."""
    tube = grid.contour([LEVEL**2], scalars="density")
    if tube.n_points:
        tube = tube.smooth_taubin(n_iter=16, pass_band=0.1, boundary_smoothing=False)  # the mesh shows less
        plotter.add_mesh(tube, color=CORE, smooth_shading=True, specular=0.25, ambient=0.25, opacity=1.0)


def _arrows(plotter: pv.Plotter, stage: Scene, grid: pv.DataSet, colour: str, across: int = 26) -> None:
    """Flat arrows on a lattice in the plane of the film or of the cut, of a length that follows the flow."""
    import pyvista as pv

    low, high = np.array(grid.bounds[::2]), np.array(grid.bounds[1::2])
    step = max(high[:2] - low[:2]) / across
    x, y = (np.arange(a + step / 2, b, step) for a, b in zip(low[:2], high[:2], strict=True))
    height = stage.plane[0][2] if stage.plane else 0.0
    places = np.stack([*(part.ravel() for part in np.meshgrid(x, y)), np.full(len(x) * len(y), height)], axis=1)
    found = pv.PolyData(places).sample(grid)
    inside = found.point_data["vtkValidPointMask"].astype(bool)
    flow = np.asarray(found.point_data["flow"])[inside]
    size = np.linalg.norm(flow, axis=1)
    if not inside.any() or size.max() == 0:
        return
    cloud = pv.PolyData(places[inside] + [0, 0, 2e-3 * grid.length])
    length = np.minimum(size / np.percentile(size[size > 0], 95), 1.2)
    cloud["flow"] = flow / np.maximum(size, 1e-300)[:, None] * (length * step * 0.95)[:, None]
    glyphs = cloud.glyph(orient="flow", scale="flow", geom=_arrow())
    plotter.add_mesh(glyphs, color=colour, lighting=False, opacity=0.85)


def _arrow() -> pv.PolyData:
    import pyvista as pv

    x = np.array([-0.5, 0.1, 0.1, 0.5, 0.1, 0.1, -0.5])
    y = np.array([0.06, 0.06, 0.2, 0.0, -0.2, -0.06, -0.06])
    points = np.stack([x, y, 0 * x], axis=1)
    return pv.PolyData(points, faces=[4, 0, 1, 5, 6, 3, 2, 3, 4])


@cache
def _disk(inner: float) -> pv.PolyData:
    import pyvista as pv

    return pv.Disc(inner=inner, outer=1.0, r_res=1, c_res=32)


def _dots(plotter: pv.Plotter, stage: Scene, zeros: Array) -> None:
    """Zeros of psi with their sign: filled dots for +, open ones for -."""
    import pyvista as pv

    r, up = 0.007 * stage.grid.length, 3e-3 * stage.grid.length
    for level, outer, inner, colour in ((1, 1.5, 0.35, INK), (2, 1.1, 0.65, "white")):
        for sign in (1, -1):
            places = zeros[np.sign(zeros[:, 3]) == sign, :3] + [0, 0, level * up]
            if len(places):
                disk = _disk(0.0 if sign > 0 else inner / outer)
                dots = pv.PolyData(places).glyph(geom=disk, orient=False, scale=False, factor=outer * r)
                plotter.add_mesh(dots, color=colour, lighting=False)
