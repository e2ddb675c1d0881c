"""The field of currents in a sheet, by the law of Biot and Savart: O(n log n), symmetric by construction.

    A(r) = int k(r') / (4 pi |r - r'|) d^2 r'

An edge e = (i -> j) carries the current I_e.  Node i gathers the vector current J_i = sum of I_e e/2 over its edges;
the density is J_i/m_i at nodes, linear between them.  L takes edge currents to edge circulations of A (Lambda = 1):

    J = gather(I),   A_i = sum_j W_ij J_j,   (L I)_e = e . (A_i + A_j)/2,
    W_ij = int int phi_i phi_j / (4 pi |r - r'|) / (m_i m_j)

W = far + near.  Far: hats are spread at their centroids, by cubic B-splines, on a grid twice as large as the sheet and
convolved there by FFT with

    erf(r/(sqrt 2 s))/(4 pi r) + v/(4 pi) r^2/(r^2 + s^2)^(5/2)

v the mean variance of a hat; centroids and variance make it second order on boundaries too.  Near: a sparse matrix, the
exact W_ij of pairs within REACH minus what the grid gives for them (in the spirit of pre-corrected FFT: J. R. Phillips
and J. K. White, IEEE Trans. CAD 16, 1059 (1997)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft
import scipy.sparse as sp
from scipy.spatial import cKDTree
from scipy.special import erf

from fempslip.contract import Array, Mesh, Operators, Refusal
from fempslip.mesh.cochains import edge_vertices
from fempslip.mesh.simplices import volumes
from fempslip.physics import sheet_kernels as kernels

REACH = 3.0  # near pairs: in units of the grid's pitch, or of the local size of the mesh where that is larger
SMOOTHING = 0.7  # s over the pitch
MOST_NEAR = 400  # near pairs a node, on average, above which the mesh is graded too strongly
PITCHES = (1.2, 1.0, 0.8, 0.6, 0.45, 0.3)  # tried, in units of the mean edge
GRID_POINT, NEAR_PAIR = 70.0, 1.7  # ns
BORDER = 3  # grid points round the sheet, for the splines


@dataclass(frozen=True, eq=False)
class Sheet:
    """The plain geometry: points (2, nodes), cells (3, cells), their area and longest side, hats.

    m : (nodes,) integral of each hat;  centre : (2, nodes) its centroid;  variance : (nodes,) a direction, about it
    """

    points: Array
    cells: Array
    area: Array
    side: Array
    m: Array
    centre: Array
    variance: Array

    @classmethod
    def of(cls, mesh: Mesh) -> Sheet:
        if mesh.dim != 2 or not np.array_equal(mesh.node_of_vertex, np.arange(mesh.points.shape[1])):
            raise Refusal("the field of a film's own currents needs a flat film without periodic sides")
        x, cells, area = mesh.points, mesh.cells, volumes(mesh.points, mesh.cells)
        corner = x[:, cells]  # (2, 3, cells)
        side = np.sqrt(((corner - np.roll(corner, 1, axis=1)) ** 2).sum(axis=0)).max(axis=0)

        def at_nodes(values: Array) -> Array:
            return np.bincount(cells.ravel(), values.ravel(), mesh.nodes)

        m = at_nodes(np.tile(area / 3, 3))
        total = corner.sum(axis=1)
        centre = np.array([at_nodes(area / 12 * (corner[k] + total[k])) for k in range(2)]) / m
        # int phi_i |r|^2 = area/60 (3! |r_i|^2 + 2! (sum of the others and mixed) ...), by the degree-3 moments
        square = np.zeros_like(corner[0])
        for k in range(3):
            for p in range(3):
                for q in range(3):
                    factor = {1: 6, 2: 2, 3: 1}[len({k, p, q})]
                    square[k] += factor * area / 60 * (corner[:, p] * corner[:, q]).sum(axis=0)
        variance = 0.5 * (at_nodes(square) / m - (centre**2).sum(axis=0))
        return cls(np.ascontiguousarray(x), cells, area, side, m, centre, variance)


@dataclass(frozen=True, eq=False)
class BiotSavart:
    """L of a sheet.  `circulations` is L; `sheet` the geometry; the rest is made by `of`."""

    sheet: Sheet
    edges: Array
    span: Array  # (edges,) complex, from the first node to the second
    corner: Array
    weight_x: Array
    weight_y: Array
    kernel: Array  # of the doubled grid, in Fourier space
    shape: tuple[int, int]  # of the grid
    pitch: float
    start: Array  # rows of the near pairs, each of them once (kernels.add_near)
    other: Array
    near: Array

    @classmethod
    def of(cls, mesh: Mesh, operators: Operators, pitch: float | None = None) -> BiotSavart:
        sheet = Sheet.of(mesh)
        i, j = edge_vertices(mesh, operators)
        step = mesh.points[:, j] - mesh.points[:, i]
        span = step[0] + 1j * step[1]
        pitch = best_pitch(sheet, float(np.abs(span).mean())) if pitch is None else pitch
        corner, weight_x, weight_y, shape = _splines(sheet.centre, pitch)
        kernel, table = _kernel(shape, pitch, float(sheet.variance.mean()))
        edges = np.ascontiguousarray(operators.edges, dtype=np.uint32)
        start, other = _near_pairs(sheet, pitch)
        near = _near(sheet, corner, weight_x, weight_y, table, start, other)
        once = _once(start, other, near)
        return cls(sheet, edges, span, corner, weight_x, weight_y, kernel, shape, pitch, *once)

    def circulations(self, current: Array) -> Array:
        """L I : (edges,) -> (edges,)."""
        j = np.empty(self.sheet.m.size, dtype=complex)
        kernels.gather(current, self.edges, self.span, j)
        out = np.empty(current.size)
        kernels.scatter(self.potentials(j), self.edges, self.span, out)
        return out

    def at_nodes(self, density: Array) -> Array:
        """(A averaged over each hat) of a density k : (nodes,) complex, x + i y."""
        return self.potentials(density * self.sheet.m)

    def potentials(self, j: Array) -> Array:
        """The same of vector currents J = k m.  Transforms in place, the first and last of the rows that are not 0."""
        nx = self.shape[0]
        grid, out = self.wide, np.empty_like(j)
        kernels.spread(j, self.corner, self.weight_x, self.weight_y, grid)
        _in_place(scipy.fft.fft, grid[:nx], 1)
        _in_place(scipy.fft.fft, grid, 0)
        np.multiply(grid, self.kernel, out=grid)
        _in_place(scipy.fft.ifft, grid, 0)
        _in_place(scipy.fft.ifft, grid[:nx], 1)
        kernels.collect(grid, self.corner, self.weight_x, self.weight_y, out)
        kernels.add_near(self.start, self.other, self.near, j, out)
        return out

    @cached_property
    def wide(self) -> Array:
        """Room for the transforms, the doubled grid."""
        return np.zeros(self.kernel.shape, dtype=complex)

    def smoothing(self, c: float, most: float) -> Callable[[Array], Array]:
        """N : (edges,) -> (edges,), so that 1 - N M is close to the inverse of 1 + c L M: symmetric.

        In an infinite sheet L has the symbol 1/(2 k), and N is c/(2 k + c M); here with `most`, the largest M a unit of
        area, which keeps 1 - N M positive, and on the grid without zeros round it.
        """
        nx, ny = self.shape
        kx, ky = (2 * np.pi * np.fft.fftfreq(n, self.pitch) for n in (nx, ny))
        k = np.hypot(kx[:, None], ky[None, :])
        symbol = c / (2 * k + c * most) / self.pitch**2

        def smooth(current: Array) -> Array:
            j, grid = np.empty(self.sheet.m.size, dtype=complex), np.empty(self.shape, dtype=complex)
            kernels.gather(current, self.edges, self.span, j)
            kernels.spread(j, self.corner, self.weight_x, self.weight_y, grid)
            field = scipy.fft.ifft2(scipy.fft.fft2(grid, overwrite_x=True) * symbol, overwrite_x=True)
            kernels.collect(field, self.corner, self.weight_x, self.weight_y, j)
            out = np.empty(current.size)
            kernels.scatter(j, self.edges, self.span, out)
            return out

        return smooth

    def density(self, current: Array) -> Array:
        """(nodes,) complex sheet current of edge currents."""
        j = np.empty(self.sheet.m.size, dtype=complex)
        kernels.gather(current, self.edges, self.span, j)
        return j / self.sheet.m

    def potential(self, current: Array, place: Array) -> Array:
        """A (count,) complex at places (2 or 3, count), point by point; the sheet is z = 0."""
        s, place = self.sheet, np.asarray(place, dtype=float)
        if place.shape[0] == 2:
            place = np.concatenate([place, np.zeros((1, place.shape[1]))])
        out = np.empty(place.shape[1], dtype=complex)
        kernels.potential_at(place, s.points, s.cells, s.area, s.side, self.density(current), out)
        return out

    def field(self, current: Array, place: Array, step: float | None = None) -> Array:
        """B (3, count) at places (3, count): the curl of A by central differences of `step` (0.01 sides)."""
        d = 1e-2 * float(self.sheet.side.min()) if step is None else step
        moves = d * np.concatenate([np.eye(3), -np.eye(3)])
        a = [self.potential(current, place + move[:, None]) for move in moves]
        dx, dy, dz = ((a[k] - a[k + 3]) / (2 * d) for k in range(3))
        return np.array([-dz.imag, dz.real, dx.imag - dy.real])


def _in_place(transform: Callable[..., Array], values: Array, axis: int) -> None:
    made = transform(values, axis=axis, overwrite_x=True)
    if made is not values:  # a library that made a copy
        values[...] = made


def _once(start: Array, other: Array, near: Array) -> tuple[Array, Array, Array]:
    """Rows of a symmetric matrix as its upper half, the diagonal halved."""
    rows = np.repeat(np.arange(start.size - 1), np.diff(start))
    kept = other >= rows
    first = np.concatenate([[0], np.cumsum(np.bincount(rows[kept], minlength=start.size - 1))])
    weight = np.where(other == rows, 0.5, 1.0) * near
    return first.astype(np.uint32), other[kept].astype(np.uint32), weight[kept].astype(np.float32)


def _splines(centre: Array, pitch: float) -> tuple[Array, Array, Array, tuple[int, int]]:
    low = centre.min(axis=1)
    u = (centre - low[:, None]) / pitch + BORDER
    cell = np.floor(u).astype(np.int64)
    weights = [np.stack(kernels.spline.py_func(u[k] - cell[k]), axis=1) for k in range(2)]
    nx, ny = (int(scipy.fft.next_fast_len(int(n))) for n in cell.max(axis=1) + 2 + BORDER)
    return cell - 1, weights[0], weights[1], (nx, ny)


def _kernel(shape: tuple[int, int], pitch: float, variance: float) -> tuple[Array, Array]:
    """The kernel on the doubled grid: in Fourier space, corrected for the splines, and that in real space."""
    s = SMOOTHING * pitch
    x, y = (pitch * np.minimum(np.arange(2 * n), 2 * n - np.arange(2 * n)) for n in shape)
    r = np.hypot(x[:, None], y[None, :])
    r[0, 0] = 1.0
    smooth = erf(r / (np.sqrt(2) * s)) / r
    smooth[0, 0], r[0, 0] = np.sqrt(2 / np.pi) / s, 0.0
    table = (smooth + variance * r**2 / (r**2 + s**2) ** 2.5) / (4 * np.pi)
    symbol = [((2 * np.cos(2 * np.pi * np.fft.fftfreq(2 * n)) + 4) / 6) ** 2 for n in shape]
    fourier = scipy.fft.fft2(table).real / (symbol[0][:, None] * symbol[1][None, :])
    return fourier, scipy.fft.ifft2(fourier).real


def best_pitch(sheet: Sheet, edge: float) -> float:
    """Of a few pitches the one with the least work, by what a grid point and a near pair cost (measured)."""
    tree, extent = cKDTree(sheet.centre.T), np.ptp(sheet.centre, axis=1)

    def work(pitch: float) -> float:
        pairs = tree.query_ball_point(sheet.centre.T, _reach(sheet, pitch), return_length=True).sum()
        points = np.prod(extent / pitch + 2 * BORDER)
        return float(GRID_POINT * points + NEAR_PAIR * pairs)

    return min((edge * factor for factor in PITCHES), key=work)


def _reach(sheet: Sheet, pitch: float) -> Array:
    """Within it pairs are near; the local size is the side of equal triangles with this share a node."""
    return REACH * np.maximum(pitch, np.sqrt(sheet.m * 2 / np.sqrt(3)))


def _near_pairs(sheet: Sheet, pitch: float) -> tuple[Array, Array]:
    """Rows of the nodes close to each node, itself included; symmetric."""
    reach = _reach(sheet, pitch)
    tree = cKDTree(sheet.centre.T)
    if np.ptp(reach) == 0:
        pairs = tree.query_pairs(reach[0], output_type="ndarray")
    else:
        lists = tree.query_ball_point(sheet.centre.T, reach, return_sorted=False)
        size = np.array([len(one) for one in lists])
        pairs = np.stack([np.repeat(np.arange(size.size), size), np.concatenate(lists)], axis=1)
    n = sheet.m.size
    if pairs.shape[0] > MOST_NEAR * n:
        raise Refusal(
            f"the mesh is graded too strongly for its own field: {pairs.shape[0] // n} neighbours a node lie within "
            "the smoothing of the grid; make mesh.size smaller or the refinement milder"
        )
    i, j = np.concatenate([pairs, pairs[:, ::-1], np.repeat(np.arange(n)[:, None], 2, axis=1)]).T
    pattern = sp.csr_array((np.ones(i.size), (i, j)), shape=(n, n))
    pattern.sum_duplicates()
    pattern.sort_indices()
    return pattern.indptr.astype(np.int64), pattern.indices.astype(np.int64)


def _near(
    sheet: Sheet, corner: Array, weight_x: Array, weight_y: Array, table: Array, start: Array, other: Array
) -> Array:
    """Exact W minus the grid's, for the near pairs, symmetrised."""
    n = sheet.m.size
    count = np.bincount(sheet.cells.ravel(), minlength=n)
    first = np.concatenate([[0], np.cumsum(count)])
    cells_of = np.argsort(sheet.cells.ravel(), kind="stable") % sheet.area.size
    exact, grid = np.zeros(other.size), np.empty(other.size)
    kernels.exact_pairs(
        sheet.points, sheet.cells.astype(np.int64), sheet.area, sheet.side, first, cells_of, start, other, exact
    )
    kernels.grid_pairs(corner, weight_x, weight_y, table, start, other, grid)
    rows = np.repeat(np.arange(n), np.diff(start))
    value = exact / (sheet.m[rows] * sheet.m[other]) - grid
    matrix = sp.csr_array((value, other, start), shape=(n, n))
    both = sp.csr_array((matrix + matrix.T) * 0.5)
    both.sort_indices()
    return both.data
