"""The loops of the law of Biot and Savart in a sheet: spreading on a grid, near pairs, exact integrals over triangles.

Vectors of the plane are complex numbers, x + i y.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fempslip.contract import Array

FAR = 2.5  # distance of two triangles, in units of the larger side, beyond which quadrature replaces the exact integral
GAUSS3 = np.array([[2 / 3, 1 / 6, 1 / 6], [1 / 6, 2 / 3, 1 / 6], [1 / 6, 1 / 6, 2 / 3]])  # degree 2, equal weights


def _degree5() -> tuple[Array, Array]:
    """Points (7, 3) and weights (sum 1) of Radon's rule."""
    a, b = (6 - np.sqrt(15)) / 21, (6 + np.sqrt(15)) / 21
    rows = [[1 / 3, 1 / 3, 1 / 3]]
    for p in (a, b):
        rows += [[1 - 2 * p, p, p], [p, 1 - 2 * p, p], [p, p, 1 - 2 * p]]
    weights = [9 / 40] + 3 * [(155 - np.sqrt(15)) / 1200] + 3 * [(155 + np.sqrt(15)) / 1200]
    return np.array(rows), np.array(weights)


GAUSS7, WEIGHT7 = _degree5()


# ------------------------------------------------------------------------------------------- edges and nodes


@njit(cache=True, error_model="numpy")
def gather(current: Array, edges: Array, span: Array, out: Array) -> None:
    """Vector current of each node, J_i = sum over its edges of I_e e/2."""
    out[:] = 0.0
    for e in range(current.size):
        half = 0.5 * current[e] * span[e]
        out[edges[0, e]] += half
        out[edges[1, e]] += half


@njit(cache=True, error_model="numpy")
def scatter(a: Array, edges: Array, span: Array, out: Array) -> None:
    """The transpose of `gather`: circulation e . (A_i + A_j)/2 of each edge."""
    for e in range(out.size):
        s = a[edges[0, e]] + a[edges[1, e]]
        out[e] = 0.5 * (span[e].real * s.real + span[e].imag * s.imag)


# ------------------------------------------------------------------------------------------- the grid


@njit(cache=True, error_model="numpy")
def spline(u: float) -> tuple[float, float, float, float]:
    """Cubic B-spline at the four grid points round a place, u in [0, 1) beyond the second."""
    v = 1.0 - u
    u2, u3 = u * u, u * u * u
    return v * v * v / 6.0, (4.0 - 6.0 * u2 + 3.0 * u3) / 6.0, (1.0 + 3.0 * u + 3.0 * u2 - 3.0 * u3) / 6.0, u3 / 6.0


@njit(cache=True, error_model="numpy")
def spread(current: Array, corner: Array, weight_x: Array, weight_y: Array, grid: Array) -> None:
    """Node currents onto the grid; corner : (2, nodes) first of the 4 x 4 points of each."""
    grid[:] = 0.0
    for i in range(current.size):
        p, q = corner[0, i], corner[1, i]
        for k in range(4):
            c = weight_x[i, k] * current[i]
            for n in range(4):
                grid[p + k, q + n] += c * weight_y[i, n]


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def collect(grid: Array, corner: Array, weight_x: Array, weight_y: Array, out: Array) -> None:
    """Potential of the grid at nodes, by the transpose of `spread`."""
    for i in range(out.size):
        p, q = corner[0, i], corner[1, i]
        x, y = 0.0, 0.0
        for k in range(4):
            for n in range(4):
                c = weight_x[i, k] * weight_y[i, n]
                z = grid[p + k, q + n]
                x += c * z.real
                y += c * z.imag
        out[i] = complex(x, y)


@njit(cache=True, error_model="numpy", fastmath={"reassoc", "contract"})
def add_near(start: Array, other: Array, near: Array, current: Array, out: Array) -> None:
    """Potential of the near pairs, each of them once; rows (start, other) of the nodes j >= i, half the weight at i."""
    for i in range(out.size):
        own, x, y = current[i], 0.0, 0.0
        for s in range(start[i], start[i + 1]):
            j, weight = other[s], near[s]
            x += weight * current[j].real
            y += weight * current[j].imag
            out[j] += complex(weight * own.real, weight * own.imag)
        out[i] += complex(x, y)


@njit(cache=True, error_model="numpy")
def grid_pairs(corner: Array, weight_x: Array, weight_y: Array, kernel: Array, start: Array, other: Array,
               out: Array) -> None:  # fmt: skip
    """What the grid gives for each near pair, the transpose of spreading times kernel times spreading.

    kernel : real-space table on the periodic grid
    """
    nx, ny = kernel.shape
    cx, cy = np.empty(7), np.empty(7)
    for i in range(start.size - 1):
        for s in range(start[i], start[i + 1]):
            j = other[s]
            cx[:] = 0.0
            cy[:] = 0.0
            for k in range(4):
                for n in range(4):
                    cx[k - n + 3] += weight_x[i, k] * weight_x[j, n]
                    cy[k - n + 3] += weight_y[i, k] * weight_y[j, n]
            dx, dy = corner[0, i] - corner[0, j], corner[1, i] - corner[1, j]
            total = 0.0
            for k in range(7):
                row = 0.0
                for n in range(7):
                    row += cy[n] * kernel[(dx + k - 3) % nx, (dy + n - 3) % ny]
                total += cx[k] * row
            out[s] = total


# ------------------------------------------------------------------------------------------- triangles


@njit(cache=True, error_model="numpy")
def over_triangle(px: float, py: float, z: float, x: Array, y: Array, out: Array) -> None:
    """Integrals of the three barycentric coordinates over 1/R, R the distance from (px, py, z); x, y : (3,) corners.

    int 1/R = sum over sides of d f - |z| beta,   int (r' - p)/R = sum of n (s2 R2 - s1 R1 + (d^2 + z^2) f)/2,
    f = ln((R2 + s2)/(R1 + s1)), d the distance of p from the side's line, s along it, n its outer normal
    (D. R. Wilton et al., IEEE Trans. Antennas Propag. 32, 276 (1984), eq. 5 and 6).
    """
    area2 = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    turn = 1.0 if area2 > 0 else -1.0
    zero, vx, vy = 0.0, 0.0, 0.0
    h = abs(z)
    for k in range(3):
        m = (k + 1) % 3
        ex, ey = x[m] - x[k], y[m] - y[k]
        length = np.sqrt(ex * ex + ey * ey)
        tx, ty = ex / length, ey / length
        nx, ny = turn * ty, -turn * tx
        ax, ay = x[k] - px, y[k] - py
        d = ax * nx + ay * ny
        s1 = ax * tx + ay * ty
        s2 = s1 + length
        r0 = d * d + z * z
        r1, r2 = np.sqrt(s1 * s1 + r0), np.sqrt(s2 * s2 + r0)
        if r0 < 1e-24 * length * length:
            f = 0.0  # on the line of the side: its terms vanish
        elif s1 + s2 < 0.0:
            f = np.log((r1 - s1) / (r2 - s2))
        else:
            f = np.log((r2 + s2) / (r1 + s1))
        zero += d * f
        if h > 0.0:
            zero -= h * (np.arctan2(d * s2, r0 + h * r2) - np.arctan2(d * s1, r0 + h * r1))
        line = 0.5 * (s2 * r2 - s1 * r1 + r0 * f)
        vx += nx * line
        vy += ny * line
    for k in range(3):
        m, n = (k + 1) % 3, (k + 2) % 3
        gx, gy = (y[m] - y[n]) / area2, (x[n] - x[m]) / area2
        out[k] = (1.0 / 3.0 + gx * (px - (x[0] + x[1] + x[2]) / 3) + gy * (py - (y[0] + y[1] + y[2]) / 3)) * zero
        out[k] += gx * vx + gy * vy


@njit(cache=True, error_model="numpy")
def by_quadrature(px: float, py: float, z: float, x: Array, y: Array, area: float, out: Array) -> None:
    """The same by seven points, for a triangle that is not near."""
    out[:] = 0.0
    for g in range(7):
        l0, l1, l2 = GAUSS7[g, 0], GAUSS7[g, 1], GAUSS7[g, 2]
        dx = l0 * x[0] + l1 * x[1] + l2 * x[2] - px
        dy = l0 * y[0] + l1 * y[1] + l2 * y[2] - py
        c = WEIGHT7[g] * area / np.sqrt(dx * dx + dy * dy + z * z)
        out[0] += l0 * c
        out[1] += l1 * c
        out[2] += l2 * c


@njit(cache=True, error_model="numpy")
def exact_pairs(points: Array, cells: Array, area: Array, side: Array, first: Array, cells_of: Array, start: Array,
                other: Array, out: Array) -> None:  # fmt: skip
    """int int phi_i phi_j / (4 pi |r - r'|) of each near pair; the outer integral by three points.

    first, cells_of : rows of the cells of each node;  side : (cells,) longest side
    """
    nodes, count = start.size - 1, area.size
    place = np.full((3, nodes), -1)
    seen = np.full(count, -1)
    found = np.empty(count, dtype=np.int64)
    xs, ys, inner = np.empty(3), np.empty(3), np.empty(3)
    for t in range(count):
        many = 0
        for k in range(3):
            i = cells[k, t]
            for s in range(start[i], start[i + 1]):
                j = other[s]
                place[k, j] = s
                for c in range(first[j], first[j + 1]):
                    cell = cells_of[c]
                    if seen[cell] != t:
                        seen[cell] = t
                        found[many] = cell
                        many += 1
        tx = points[0, cells[0, t]] + points[0, cells[1, t]] + points[0, cells[2, t]]
        ty = points[1, cells[0, t]] + points[1, cells[1, t]] + points[1, cells[2, t]]
        for f in range(many):
            u = found[f]
            for k in range(3):
                xs[k], ys[k] = points[0, cells[k, u]], points[1, cells[k, u]]
            away = np.hypot(xs.sum() - tx, ys.sum() - ty) / 3
            close = away < FAR * max(side[t], side[u])
            for g in range(3):
                px, py = 0.0, 0.0
                for k in range(3):
                    px += GAUSS3[g, k] * points[0, cells[k, t]]
                    py += GAUSS3[g, k] * points[1, cells[k, t]]
                if close:
                    over_triangle(px, py, 0.0, xs, ys, inner)
                else:
                    by_quadrature(px, py, 0.0, xs, ys, area[u], inner)
                for k in range(3):
                    c = GAUSS3[g, k] * area[t] / (12.0 * np.pi)
                    for n in range(3):
                        s = place[k, cells[n, u]]
                        if s >= 0:
                            out[s] += c * inner[n]
        for k in range(3):
            i = cells[k, t]
            for s in range(start[i], start[i + 1]):
                place[k, other[s]] = -1


@njit(cache=True, error_model="numpy")
def potential_at(place: Array, points: Array, cells: Array, area: Array, side: Array, density: Array,
                 out: Array) -> None:  # fmt: skip
    """A = int k / (4 pi R) at places (3, count) of a density linear in each triangle, (nodes,) complex."""
    xs, ys, inner = np.empty(3), np.empty(3), np.empty(3)
    for p in range(place.shape[1]):
        px, py, pz = place[0, p], place[1, p], place[2, p]
        total = 0.0 + 0.0j
        for t in range(area.size):
            for k in range(3):
                xs[k], ys[k] = points[0, cells[k, t]], points[1, cells[k, t]]
            away = np.sqrt((xs.sum() / 3 - px) ** 2 + (ys.sum() / 3 - py) ** 2 + pz * pz)
            if away < 4.0 * side[t]:
                over_triangle(px, py, pz, xs, ys, inner)
            else:
                by_quadrature(px, py, pz, xs, ys, area[t], inner)
            for k in range(3):
                total += inner[k] * density[cells[k, t]]
        out[p] = total / (4.0 * np.pi)
