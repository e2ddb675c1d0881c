"""Ways from one state to another: where the string of a barrier begins.

One slip takes the winding along a loop by one.  In a wire the images interpolate between the two states, whose
phases are turned so that psi vanishes halfway at a chosen place.  In films and bodies that line would follow a whole
row of zeros: there a vortex is led along a path, with the phase of least current at each place (tasks/seeds.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import breadth_first_order

from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh.cochains import across
from fempslip.mesh.copies import edge_vertices
from fempslip.mesh.simplices import in_space, padded
from fempslip.physics.stationary import Point, Stationary
from fempslip.tasks.seeds import phase

TURN = 2 * np.pi


def angle_of(op: Operators, along: Array) -> Array:
    """(nodes,) theta with theta_j - theta_i = 2 pi e_e but for whole turns, e a closed cochain of whole circulation."""
    i, j = op.edges
    number = sp.coo_array((np.arange(i.size) + 1, (i, j)), shape=(op.nodes, op.nodes)).tocsr()
    both = (number + number.T).tocsr()
    theta, seen = np.zeros(op.nodes), np.zeros(op.nodes, dtype=bool)
    while not seen.all():
        order, before = breadth_first_order(both, int(np.argmin(seen)), directed=False)
        for node in order[1:]:
            parent = before[node]
            e = int(both[parent, node]) - 1
            theta[node] = theta[parent] + TURN * along[e] * (1 if i[e] == parent else -1)
        seen[order] = True
    return theta


def slipped(op: Operators, point: Point, along: Array, slip: int, biased: bool, still: int = 0) -> Point:
    """The same state with `slip` more turns of phase along the loop.

    biased : at a given current, where D takes a flux quantum with it, so that nothing else changes
    still : a node where psi keeps its phase
    """
    angle = angle_of(op, along)
    psi = point.psi * np.exp(1j * slip * (angle - angle[still]))
    return Point(psi, point.flux - TURN * slip if biased else point.flux)


def straight(start: Point, end: Point, images: int, node: int | None) -> tuple[Array, Array]:
    """Images on the line between two states, the end turned so that psi vanishes halfway at a node, if one is given."""
    turn = 1.0 if node is None else -np.exp(1j * (np.angle(start.psi[node]) - np.angle(end.psi[node])))
    s = np.linspace(0, 1, images)[:, None]
    psi = (1 - s) * start.psi + s * turn * end.psi
    return psi, start.flux + s[:, 0] * (end.flux - start.flux)


# ------------------------------------------------------------------------------------------- vortices on a path


@dataclass(frozen=True, eq=False)
class Cut:
    """Turns of the phase across a straight cut from `begin` to `end`, in the plane across `direction`.

    There is a vortex at each end of it that lies in the body, of opposite signs.
    """

    mesh: Mesh
    op: Operators
    direction: Array

    def turns(self, begin: Array, end: Array) -> Array:
        """(edges,) 2 pi on edges that cross the cut from its right to its left."""
        i, j = edge_vertices(self.mesh, self.op)
        frame = np.array(across(self.direction))
        p = frame @ in_space(self.mesh.points)
        b, d = frame @ padded(begin), frame @ (padded(end) - padded(begin))
        side = d[0] * (p[1] - b[1]) - d[1] * (p[0] - b[0])  # > 0 on the left
        i_side, j_side = side[i], side[j]
        crosses = (i_side < 0) != (j_side < 0)
        share = np.where(crosses, i_side / np.where(crosses, i_side - j_side, 1.0), 0.0)
        place = p[:, i] + share * (p[:, j] - p[:, i])
        way = d @ (place - b[:, None]) / max(float(d @ d), 1e-300)
        return TURN * np.where(crosses & (way >= 0) & (way < 1), np.where(i_side < 0, 1.0, -1.0), 0.0)

    def distance2(self, place: Array) -> Array:
        """(nodes,) squared distance from a vortex line, periods taken into account."""
        frame = np.array(across(self.direction))
        points = in_space(self.mesh.node_points)
        images = [padded(place)]
        for period in self.mesh.periods.values():
            images = [image + k * padded(period) for image in images for k in (-1, 0, 1)]
        return np.min([np.sum((frame @ (points - image[:, None])) ** 2, axis=0) for image in images], axis=0)


def with_vortices(body: Stationary, mesh: Mesh, size: Array, flux: float, turns: Array, d2: list[Array]) -> Array:
    """psi : (nodes,) of given |psi| far away, with cores at the distances d2 and the phase of least current."""
    op = body.energy.op
    weight = op.w * (size[op.edges[0]] * size[op.edges[1]])
    phi = phase(mesh, op, weight, body.links(flux), turns)
    for square in d2:
        size = size * np.sqrt(square / (square + 2.0))
    return size * np.exp(1j * phi)


def crossing(
    body: Stationary, mesh: Mesh, start: Point, end: Point, path: Array, images: int, slip: int, direction: Array
) -> tuple[Array, Array]:
    """Images of a vortex that enters at the first corner of a path and leaves at its last.

    path : (space, corners);  end : a state with `slip` more turns along the loop than the start
    """
    op = body.energy.op
    cut = Cut(mesh, op, direction)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=1), axis=0))])
    whole = np.sum([cut.turns(path[:, k], path[:, k + 1]) for k in range(path.shape[1] - 1)], axis=0)
    sense = 1 if body.loop is None else orientation(op, whole, body.loop.along)
    psi, flux = [start.psi], [start.flux]
    for share in np.linspace(0, 1, images)[1:-1]:
        way = share * length[-1]
        k = min(int(np.searchsorted(length, way, side="right")) - 1, path.shape[1] - 2)
        place = path[:, k] + (way - length[k]) / (length[k + 1] - length[k]) * (path[:, k + 1] - path[:, k])
        turns = sum((cut.turns(path[:, n], path[:, n + 1]) for n in range(k)), cut.turns(path[:, k], place))
        d = start.flux if body.loop is None else start.flux - TURN * slip * share
        turns = slip * sense * turns
        psi.append(with_vortices(body, mesh, np.abs(start.psi), d, turns, [cut.distance2(place)]))
        flux.append(d)
    return np.array([*psi, end.psi]), np.array([*flux, end.flux])


def exchanged(
    body: Stationary, mesh: Mesh, start: Point, end: Point, path: Array, images: int, sign: int, direction: Array
) -> tuple[Array, Array]:
    """Images between two states of which the end has a vortex (sign 1) or antivortex more, led along a path.

    The vortex of an image is a factor on what lies between start and end, both without it.
    """
    op = body.energy.op
    cut, nothing = Cut(mesh, op, direction), np.zeros(op.edges.shape[1])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=1), axis=0))])

    def led(way: float) -> tuple[Array, Array]:
        """(factor of the phase, squared distance from the vortex) at a length along the path."""
        k = min(int(np.searchsorted(length, way, side="right")) - 1, path.shape[1] - 2)
        place = path[:, k] + (way - length[k]) / (length[k + 1] - length[k]) * (path[:, k + 1] - path[:, k])
        turns = sum((cut.turns(path[:, n], path[:, n + 1]) for n in range(k)), cut.turns(path[:, k], place))
        return np.exp(1j * phase(mesh, op, op.w, nothing, sign * turns)), cut.distance2(place)

    bare = end.psi * led(length[-1])[0].conj()
    overlap = np.vdot(bare, op.m * start.psi)
    bare = bare * (overlap / abs(overlap) if overlap else 1.0)
    psi = [start.psi]
    for share in np.linspace(0, 1, images)[1:-1]:
        turn, square = led(share * length[-1])
        between = (1 - share) * np.abs(start.psi) + share * np.abs(end.psi)
        mean = (1 - share) * start.psi + share * bare
        mean = between * np.exp(1j * np.angle(mean))
        psi.append(np.where(body.free, mean * turn * np.sqrt(square / (square + 2.0)), start.psi))
    return np.array([*psi, end.psi]), np.zeros(images)


def orientation(op: Operators, turns: Array, along: Array) -> int:
    """Sign of the turns met by a way once along the loop."""
    return 1 if float(turns @ (op.w * along)) >= 0 else -1


def pairs(
    body: Stationary,
    mesh: Mesh,
    start: Point,
    middle: Array,
    axis: Array,
    separations: Array,
    sense: int,
    direction: Array,
) -> tuple[Array, Array]:
    """Images of a vortex and an antivortex, at growing separations along an axis."""
    cut = Cut(mesh, body.energy.op, direction)
    psi = [start.psi]
    for r in separations:
        ends = middle - 0.5 * r * axis, middle + 0.5 * r * axis
        d2 = [cut.distance2(place) for place in ends]
        psi.append(with_vortices(body, mesh, np.abs(start.psi), start.flux, sense * cut.turns(*ends), d2))
    return np.array(psi), np.full(len(psi), start.flux)
