"""Numbers on edges made from fields: the potential of a uniform field, and closed cochains round a hole."""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.copies import edge_vertices
from fempslip.mesh.periods import middle, vertex_phase
from fempslip.mesh.simplices import Vector, in_space, padded


def edge_lengths(mesh: Mesh, operators: Operators) -> Array:
    """Length of every edge, (edges,)."""
    i, j = edge_vertices(mesh, operators)
    return np.linalg.norm(mesh.points[:, j] - mesh.points[:, i], axis=0)


def uniform_field(mesh: Mesh, operators: Operators, vector: Vector | float) -> Array:
    """Circulations a_e = B . (r_i x r_j) / 2 of A = B x r / 2, (edges,).

    vector : B with three components (a number is its z component); films feel B_z only.
    Across a period the phases of the identification are taken off, and r counts from the middle (mesh.periods).
    """
    b = np.asarray(vector, dtype=float)
    if b.ndim == 0:
        b = np.array([0.0, 0.0, float(b)])
    i, j = edge_vertices(mesh, operators)
    r = in_space(mesh.points)
    if mesh.periods:
        r = r - middle(mesh)[:, None]
    a = 0.5 * b @ np.cross(r[:, i], r[:, j], axis=0)
    if mesh.periods:
        chi = vertex_phase(mesh, b)
        a -= chi[j] - chi[i]
    return np.asarray(a)


def around(mesh: Mesh, operators: Operators, point: Vector, direction: Vector) -> Array:
    """Angle that each edge turns round an axis, (edges,): circulation 2 pi round the axis, closed off it.

    point, direction : of the axis, with as many components as they have (missing ones are 0); films and rings in
    the plane: direction is z.
    """
    angle = angles(mesh.points, point, direction)
    i, j = edge_vertices(mesh, operators)
    return wrap(angle[j] - angle[i])


def angles(points: Array, point: Vector, direction: Vector) -> Array:
    """Azimuth of the vertices round an axis, (vertices,), counter-clockwise seen against the direction."""
    e1, e2 = across(direction)
    r = in_space(points) - padded(point)[:, None]
    return np.arctan2(e2 @ r, e1 @ r)


def across(direction: Vector) -> tuple[Array, Array]:
    """Two unit vectors that make a right-handed frame with the direction; x and y for z."""
    n = padded(direction)
    size = np.linalg.norm(n)
    if not size > 0:
        raise ValueError("the direction of an axis must not be zero")
    n = n / size
    start = np.eye(3)[0] if abs(n[0]) < 0.9 else np.eye(3)[1]
    e1 = start - (start @ n) * n
    e1 /= np.linalg.norm(e1)
    return e1, np.cross(n, e1)


def wrap(angle: Array) -> Array:
    """The same angle in (-pi, pi]."""
    return np.pi - (np.pi - angle) % (2 * np.pi)
