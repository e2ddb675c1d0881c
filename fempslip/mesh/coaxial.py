"""The space around a body that carries a current: a cylinder between two walls, in which the current comes back.

The body reaches from wall to wall, its terminals lie in them.  Walls conduct perfectly; the current returns as a
uniform sheet on the cylinder, whose own field is nil inside: there is the body's field alone, as if mirrored in the
walls without end.
"""

from __future__ import annotations

import numpy as np

from fempslip.contract import Array, Mesh, Operators, Refusal, Surroundings
from fempslip.mesh.bodies import Trouble
from fempslip.mesh.simplices import column_numbers
from fempslip.mesh.vacuum import OUTER, REACH, Made, everything, filled, joined, size_of, skin

FLAT = 1e-6  # of the extent of a body, that a terminal may be off its plane
FEWEST = 24  # sides of the cylinder


def coaxial(
    mesh: Mesh, op: Operators, first: Array, second: Array, made: Made | None = None, reach: float = REACH
) -> Surroundings:
    """The body in a cylinder `reach` times as wide, without patterns.  first, second : (3, facets) of the terminals

    Raises Refusal where these do not lie in two parallel planes with the body between them, or meshing fails.
    """
    facets = skin(mesh.cells)
    frame, low, high = between_walls(mesh.points, facets, first, second)
    at = frame @ mesh.points[:, np.unique(facets)]
    center = frame.T @ np.r_[0.5 * (at[:2].min(axis=1) + at[:2].max(axis=1)), 0.5 * (low + high)]
    radius = reach * float(np.linalg.norm((at - (frame @ center)[:, None])[:2], axis=0).max())
    terminal = {tuple(sorted(t)) for t in np.concatenate([first, second], axis=1).T.tolist()}
    free = facets[:, [tuple(sorted(t)) not in terminal for t in facets.T.tolist()]]
    given = (free, (first, second), frame, center, (low, high), radius)
    points, cells = made or joined(mesh, enclosed, *given)
    whole, all_op, edges = everything(mesh, op, points, cells)
    height, scale = frame[2] @ points, FLAT * (high - low)
    in_wall = [np.abs(height - level) < scale for level in (low, high)]
    walls = in_wall[0][all_op.edges].all(axis=0) | in_wall[1][all_op.edges].all(axis=0)
    outside = skin(cells)
    rim = outside[:, ~(in_wall[0][outside].all(axis=0) | in_wall[1][outside].all(axis=0))]
    nothing, none = np.zeros((3, 0), dtype=np.int64), np.zeros((0, all_op.edges.shape[1]))
    sheet = returned(points, all_op, rim, frame[2])
    return Surroundings(whole, all_op, edges, radius, center, nothing, none, walls, sheet)


def between_walls(points: Array, facets: Array, first: Array, second: Array) -> tuple[Array, float, float]:
    """Rows of a frame whose third points from the first terminal to the second, and the heights of both.

    Raises Refusal where a terminal is not flat, the two are not parallel, or the body reaches beyond them.
    """
    normals = []
    for terminal in (first, second):
        a, b, c = (points[:, n] for n in terminal)
        normal = np.cross(b - a, c - a, axis=0)
        main = normal[:, np.linalg.norm(normal, axis=0).argmax()]
        total = (normal * np.sign(main @ normal)).sum(axis=1)
        normals.append(total / np.linalg.norm(total))
    way = points[:, second].mean(axis=(1, 2)) - points[:, first].mean(axis=(1, 2))
    axis = normals[0] * np.sign(normals[0] @ way)
    extent = float(np.ptp(points, axis=1).max())
    heights = axis @ points
    levels = [heights[np.unique(terminal)] for terminal in (first, second)]
    if max(float(np.ptp(level)) for level in levels) > FLAT * extent:
        raise Refusal("its two terminals must be flat and parallel to each other, faces of the body that it ends with")
    low, high = (float(level.mean()) for level in levels)
    own = heights[np.unique(facets)]
    if own.min() < low - FLAT * extent or own.max() > high + FLAT * extent:
        raise Refusal("it must lie between the planes of its two terminals, which walls of the space continue")
    touching = {n for terminal in (first, second) for n in np.unique(terminal).tolist()}
    near = np.unique(facets)[(own < low + FLAT * extent) | (own > high - FLAT * extent)]
    if not set(near.tolist()) <= touching:
        raise Refusal("in the planes of its two terminals it must end with these, and nowhere else")
    helper = np.eye(3)[np.abs(axis).argmin()]
    one = np.cross(axis, helper)
    one = one / np.linalg.norm(one)
    return np.array([one, np.cross(axis, one), axis]), low, high


def returned(points: Array, op: Operators, rim: Array, axis: Array) -> Array:
    """I_external of a unit current along -axis in the cylinder's wall, (edges,): the integral of K . v, K uniform.

    On a triangle of area A the integral of Whitney's function of the edge ij is (A/3)(grad l_j - grad l_i).
    rim : (3, triangles)
    """
    a, b, c = (points[:, n] for n in rim)
    normal = np.cross(b - a, c - a, axis=0)
    double = np.linalg.norm(normal, axis=0)
    corner = np.stack([a, b, c])
    gradient = [np.cross(normal, corner[(k + 2) % 3] - corner[(k + 1) % 3], axis=0) / double**2 for k in range(3)]
    height = axis @ points
    width = float(double.sum()) / 2 / (height.max() - height.min())  # of the wall, unrolled
    out = np.zeros(op.edges.shape[1])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        value = -(double / 6) * (axis @ (gradient[j] - gradient[i])) / width
        ends = rim[[i, j]]
        number = column_numbers(op.edges, np.sort(ends, axis=0), op.nodes)
        np.add.at(out, number, np.where(ends[0] < ends[1], value, -value))
    return out


# ------------------------------------------------------------------------------------------- by the mesher


def enclosed(
    points: Array, free: Array, terminals: tuple[Array, Array], frame: Array, center: Array,
    levels: tuple[float, float], radius: float,
) -> Made:  # fmt: skip
    """All vertices (those of the body first) and the tetrahedra of the space.

    free : (3, facets) of the body's skin but its terminals
    """
    sides = max(FEWEST, int(np.ceil(2 * np.pi / OUTER)))
    angle = 2 * np.pi * np.arange(sides) / sides
    turned = radius * np.sqrt(2 * np.pi / (sides * np.sin(2 * np.pi / sides)))  # the polygon's area is the circle's
    ring = turned * np.array([np.cos(angle), np.sin(angle)]) + (frame @ center)[:2, None]
    floors = max(1, round((levels[1] - levels[0]) / (2 * turned * np.sin(np.pi / sides))))
    heights = np.linspace(*levels, floors + 1)
    count = points.shape[1]
    wall = np.concatenate([np.concatenate([ring, np.full((1, sides), h)]) for h in heights], axis=1)
    places = [points, frame.T @ wall]
    shell = [free, count + prism(sides, floors)]
    used = count + wall.shape[1]
    size = size_of(points, free, OUTER * radius)
    for level, terminal, floor in zip(levels, terminals, (0, floors), strict=True):
        loop = outline(terminal)
        outer = count + floor * sides + np.arange(sides)
        flat = np.concatenate([(frame @ points[:, loop])[:2], ring], axis=1)
        new, triangles = plate(flat, loop.size, lambda x, y, h=level: size(frame.T @ np.array([x, y, h])))
        number = np.concatenate([loop, outer, used + np.arange(new.shape[1])])
        shell.append(number[triangles])
        places.append(frame.T @ np.concatenate([new, np.full((1, new.shape[1]), level)]))
        used += new.shape[1]
    return filled(np.concatenate(places, axis=1), [np.concatenate(shell, axis=1)], size)


def prism(sides: int, floors: int) -> Array:
    """Triangles of the wall of a prism with vertices numbered round each floor, (3, 2 sides floors)."""
    k = np.arange(sides)
    right = (k + 1) % sides
    found = []
    for floor in range(floors):
        a, b = floor * sides + k, floor * sides + right
        c, d = a + sides, b + sides
        found += [np.array([a, b, d]), np.array([a, d, c])]
    return np.concatenate(found, axis=1)


def outline(terminal: Array) -> Array:
    """Vertices round a terminal in order.  Raises Trouble for one with a hole or of several pieces."""
    edges = np.sort(np.concatenate([terminal[[0, 1]], terminal[[1, 2]], terminal[[0, 2]]], axis=1), axis=0)
    pairs, times = np.unique(edges, axis=1, return_counts=True)
    beside: dict[int, list[int]] = {}
    for i, j in pairs[:, times == 1].T.tolist():
        beside.setdefault(i, []).append(j)
        beside.setdefault(j, []).append(i)
    way = [next(iter(beside)), -1]
    way[1] = beside[way[0]][0]
    while len(way) <= len(beside):
        one, other = beside[way[-1]]
        following = other if one == way[-2] else one
        if following == way[0]:
            break
        way.append(following)
    if len(way) != len(beside) or any(len(n) != 2 for n in beside.values()):
        raise Trouble("a terminal has a hole or is of several pieces")
    return np.array(way)


def plate(points: Array, inner: int, size: object) -> tuple[Array, Array]:
    """The plane between two closed lines, of the first `inner` points and of the others: new vertices (2, n) and
    triangles (3, m), numbered with these after the given ones, which stay as they are."""
    import gmsh
    from scipy.spatial import cKDTree

    gmsh.initialize([], interruptible=False)
    try:
        gmsh.option.setNumber("General.Terminal", 0)
        gmsh.option.setNumber("Mesh.MeshSizeExtendFromBoundary", 0)
        gmsh.model.add("plate")
        tags = [gmsh.model.geo.addPoint(x, y, 0.0) for x, y in points.T]
        loops = []
        for part in (tags[inner:], tags[:inner]):
            lines = [gmsh.model.geo.addLine(a, b) for a, b in zip(part, part[1:] + part[:1], strict=True)]
            for line in lines:
                gmsh.model.geo.mesh.setTransfiniteCurve(line, 2)
            loops.append(gmsh.model.geo.addCurveLoop(lines))
        surface = gmsh.model.geo.addPlaneSurface(loops)
        gmsh.model.geo.synchronize()
        gmsh.model.mesh.setSizeCallback(lambda dim, tag, x, y, z, given: size(x, y))  # type: ignore[operator]
        gmsh.model.mesh.generate(2)
        tags, places, _ = gmsh.model.mesh.getNodes()
        _, found = gmsh.model.mesh.getElementsByType(2, surface)
    finally:
        gmsh.finalize()
    places = places.reshape(-1, 3)[:, :2]
    distance, nearest = cKDTree(places).query(points.T)
    if distance.max() > 1e-9 * np.ptp(points) or np.unique(nearest).size != points.shape[1]:
        raise Trouble("a wall of the space could not be meshed")
    new = np.setdiff1d(np.arange(len(tags)), nearest)
    number = np.empty(len(tags), dtype=np.int64)
    number[nearest], number[new] = np.arange(points.shape[1]), points.shape[1] + np.arange(new.size)
    order = np.argsort(tags)
    rows = order[np.searchsorted(np.asarray(tags)[order], found)]
    return places[new].T, number[rows].reshape(-1, 3).T
