"""Films that tests of the thin-film field share, and their static London states."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from scipy.special import ellipe, ellipk

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.boundaries import exterior
from fempslip.mesh.operators import operators
from fempslip.mesh.simple import rectangle, simple_mesh
from fempslip.physics.biot_savart import BiotSavart
from fempslip.physics.pearl import London, london, sheath_of, superfluid
from fempslip.solver.linear import poisson_solver


def round_film(radii: Array, sides: Array) -> tuple[Mesh, Operators]:
    """Nodes on rings: a disk (radii[0] = 0) or an annulus.  The outer radii enclose the area of the true circles."""
    from scipy.spatial import Delaunay

    true = np.sqrt((2 * np.pi / sides) / np.sin(2 * np.pi / sides))
    points = [np.zeros((2, 1))] if radii[0] == 0 else []
    for k, (r, n) in enumerate(zip(radii, sides, strict=True)):
        if r > 0:
            angle = 2 * np.pi * (np.arange(n) + 0.5 * (k % 2)) / n
            points.append(r * true[k] * np.array([np.cos(angle), np.sin(angle)]))
    x = np.concatenate(points, axis=1)
    cells = Delaunay(x.T).simplices.T
    if radii[0] > 0:
        inside = np.linalg.norm(x[:, cells].mean(axis=1), axis=0) > radii[0] * np.cos(np.pi / sides[0])
        cells = cells[:, inside]
    mesh = simple_mesh(x, cells.astype(np.int64), "film", {}, float(radii[1] - radii[0]))
    mesh = replace(mesh, boundaries={"rim": exterior(mesh)}, holes={"hole": (np.zeros(2), np.array([0.0, 0.0, 1.0]))})
    return mesh, operators(mesh)


def annulus(inner: float, outer: float, rings: int) -> tuple[Mesh, Operators]:
    radii = np.linspace(inner, outer, rings + 1)
    spacing = (outer - inner) / rings
    return round_film(radii, np.maximum(6, np.round(2 * np.pi * radii * np.sqrt(0.75) / spacing)).astype(int))


def disk(spacing: float, radius: float = 1.0) -> tuple[Mesh, Operators]:
    return annulus(0.0, radius, round(radius / spacing))


def strip(half: int, length: float, rows: int) -> tuple[Mesh, Operators]:
    """Width 2 along x, from -1 to 1; nodes in rows."""
    mesh = rectangle(2 * half, rows, (2.0, length))
    mesh = replace(mesh, points=mesh.points - mesh.points.mean(axis=1, keepdims=True))
    return mesh, operators(mesh)


def static(
    mesh: Mesh, op: Operators, law: BiotSavart, Lambda: float, phases: Array, a: Array, s: Array | None = None
) -> London:
    sheath = sheath_of(law, superfluid(op.w, np.ones(op.w.size)), op.G, lambda k: poisson_solver(sp.csr_array(k), 2))
    return london(sheath, Lambda, phases, a, s)


def loops_of_ring(
    inner: float, outer: float, Lambda: float, field: float, fluxoid: float, n: int = 800
) -> tuple[float, Array, Array]:
    """(width, radii, k) of a ring of loops: Lambda k(r) + int k(r') g(r, r') dr' = fluxoid/r - field r/2.

    g is the potential of a unit current loop, (1/(pi q)) sqrt(r'/r) ((1 - q^2/2) K - E), q^2 = 4 r r'/(r + r')^2; where
    the two meet it is ln(8 r/|r - r'|)/(2 pi) - 1/pi, averaged over the cell.
    """
    h = (outer - inner) / n
    r = inner + h * (np.arange(n) + 0.5)
    q2 = 4 * np.outer(r, r) / (r[:, None] + r[None, :]) ** 2
    np.fill_diagonal(q2, 0.5)
    g = np.sqrt(r[None, :] / r[:, None]) * ((1 - q2 / 2) * ellipk(q2) - ellipe(q2)) / (np.pi * np.sqrt(q2))
    np.fill_diagonal(g, (np.log(16 * r / h) - 1) / (2 * np.pi))
    return h, r, np.linalg.solve(Lambda * np.eye(n) + h * g, Lambda * (fluxoid / r - field * r / 2))
