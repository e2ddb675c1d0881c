"""Potentials of what stands outside the sample, and their line integrals along edges.

In Bc2 xi, with currents in Bc2 xi/mu0 and moments in Bc2 xi^3/mu0 (J. D. Jackson, Classical Electrodynamics, 3rd ed.,
eqs. 5.55 and 5.37):

    dipole  A = m x R/(4 pi R^3)
    loop    A_phi = I/(pi q) sqrt(R/rho) ((1 - q^2/2) K(q) - E(q)),   q^2 = 4 R rho/((R + rho)^2 + z^2)
    wire    A = -(I/2 pi) n ln rho
    B_z(x, y)    A = (-y, x) int_0^1 s B_z(s x, s y) ds
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import ellipe, ellipk

from fempslip.case.sources import Dipole, FieldTable, Loop
from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.cochains import across, edge_vertices, in_space, padded
from fempslip.mesh.simplices import Vector

Potential = Callable[[Array], Array]  # places (3, count) -> A (3, count)
RAYS = 24  # points along a ray of the potential of B_z


def potential_of(source: Any) -> Potential:
    """Of one of case.sources."""
    if isinstance(source, Dipole):
        return dipole(source.at, source.moment)
    if isinstance(source, Loop):
        return loop(source.center, source.radius, source.normal, source.current)
    if isinstance(source, FieldTable):
        columns = len(source.rows[0]) // 2 if source.gives == "a" else 1
        return table(np.array(source.rows), columns, source.unit, source.field)
    return wire(source.through, source.direction, source.current)


def dipole(at: Vector, moment: Vector) -> Potential:
    m, place = np.asarray(moment, dtype=float), padded(at)

    def a(x: Array) -> Array:
        r = x - place[:, None]
        return np.cross(m[:, None], r, axis=0) / (4 * np.pi * np.linalg.norm(r, axis=0) ** 3)

    return a


def loop(center: Vector, radius: float, normal: Vector, current: float) -> Potential:
    e1, e2 = across(normal)
    e3, middle = np.cross(e1, e2), padded(center)

    def a(x: Array) -> Array:
        r = x - middle[:, None]
        u, v, z = e1 @ r, e2 @ r, e3 @ r
        rho = np.maximum(np.hypot(u, v), 1e-9 * radius)
        q2 = 4 * radius * rho / ((radius + rho) ** 2 + z**2)
        q = np.sqrt(q2)
        size = current / (np.pi * q) * np.sqrt(radius / rho) * ((1 - q2 / 2) * ellipk(q2) - ellipe(q2))
        size = np.where(q2 < 1e-6, current * q * q2 / 32 * np.sqrt(radius / rho), size)  # the difference loses digits
        return size / rho * (e2[:, None] * u - e1[:, None] * v)

    return a


def wire(through: Vector, direction: Vector, current: float) -> Potential:
    e1, e2 = across(direction)
    n, place = np.cross(e1, e2), padded(through)

    def a(x: Array) -> Array:
        r = x - place[:, None]
        return -current / (2 * np.pi) * n[:, None] * np.log(np.hypot(e1 @ r, e2 @ r))

    return a


def table(rows: Array, columns: int, unit: float, field: float) -> Potential:
    """rows : x, y[, z] and `columns` values each: 1 is B_z, 2 or 3 are A."""
    between = table_values(rows, columns, unit, field)

    def of_b(x: Array) -> Array:
        s, weight = leggauss(RAYS)
        s, weight = 0.5 * (s + 1), 0.5 * weight
        size = sum(w * t * between(t * x)[0] for t, w in zip(s, weight, strict=True))
        return np.array([-x[1] * size, x[0] * size, np.zeros(x.shape[1])])

    def of_a(x: Array) -> Array:
        out = np.zeros((3, x.shape[1]))
        out[:columns] = unit * between(x)  # a field times a length
        return out

    return of_b if columns == 1 else of_a


def table_values(rows: Array, columns: int, unit: float, field: float) -> Potential:
    """places -> (columns, count), linear between the points of a table and nearest beyond them."""
    from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

    points, values = rows[:, :-columns] * unit, rows[:, -columns:] * field
    linear, nearest = LinearNDInterpolator(points, values), NearestNDInterpolator(points, values)

    def between(x: Array) -> Array:
        place = x[: points.shape[1]].T
        found = linear(place)
        beyond = np.isnan(found[:, 0])
        found[beyond] = nearest(place[beyond])
        return np.asarray(found.T)

    return between


def circulations(mesh: Mesh, operators: Operators, potential: Potential, count: int = 6) -> Array:
    """Line integrals of A along all edges, (edges,), by Gauss points."""
    i, j = edge_vertices(mesh, operators)
    x = in_space(mesh.points)
    span = x[:, j] - x[:, i]
    total = np.zeros(span.shape[1])
    for s, weight in zip(*leggauss(count), strict=True):
        total += 0.5 * weight * np.einsum("xe,xe->e", potential(x[:, i] + 0.5 * (s + 1) * span), span)
    return total


def curl(potential: Potential, place: Array, step: float = 1e-3) -> Array:
    """B (3, count) at places (3, count), by central differences of A."""
    moves = step * np.concatenate([np.eye(3), -np.eye(3)])
    a = [potential(place + move[:, None]) for move in moves]
    dx, dy, dz = ((a[k] - a[k + 3]) / (2 * step) for k in range(3))
    return np.array([dy[2] - dz[1], dz[0] - dx[2], dx[1] - dy[0]])


def densities(mesh: Mesh, operators: Operators, circulation: Array) -> Array:
    """|B| through every face, (faces,); none in wires."""
    if mesh.dim == 1:
        return np.zeros(0)
    corner = in_space(mesh.points)[:, operators.face_nodes]
    area = 0.5 * np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0], axis=0), axis=0)
    return np.abs(operators.C @ circulation) / area
