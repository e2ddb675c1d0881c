"""The way of least energy between two states: a string of images (W. E, W. Ren and E. Vanden-Eijnden, J. Chem. Phys.
126, 164103 (2007)), cut behind its pass.

Each round moves every image down by one preconditioned step, aligns its global phase with the image before it, and
spreads the images evenly along the string, in the distance  sum m |d psi|^2 + sum w e^2 (dD)^2.  Where the end lies
lower than the start (a current's work tilts everything by 4 pi I), the string is cut where G first falls below its
start behind the top: else no image is left on the pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array
from fempslip.physics.stationary import Point, Stationary
from fempslip.solver.stationary import Search
from fempslip.solver.symmetric import Factor

SHIFT = 2.0  # of the preconditioner (K_A + 2 m)^-1: K_A + m (3 |psi|^2 - 1) is never more than its inverse
STEADY = 3  # rounds over which the top must not change


@dataclass(frozen=True, eq=False)
class String:
    """Images along a path.  psi : (images, nodes);  flux, value, arc : (images,) D, G and the length so far."""

    psi: Array
    flux: Array
    value: Array
    arc: Array
    rounds: int = 0
    cut: bool = False

    @property
    def top(self) -> int:
        """The highest image between the ends."""
        return 1 + int(np.argmax(self.value[1:-1]))

    def point(self, k: int) -> Point:
        return Point(self.psi[k], float(self.flux[k]))

    def height(self) -> float:
        """G at the vertex of the parabola through the top three images."""
        k = self.top
        x, y = self.arc[k - 1 : k + 2] - self.arc[k], self.value[k - 1 : k + 2]
        c2, c1, c0 = np.polyfit(x, y, 2)
        return float(c0 - c1**2 / (4 * c2)) if c2 < 0 else float(y[1])


def relaxed(
    search: Search,
    psi: Array,
    flux: Array,
    tolerance: float = 1e-3,
    most: int = 300,
    open_end: bool = False,
    told: Callable[[String], None] = lambda string: None,
    cut: bool = False,
) -> String:
    """Relax a path psi : (images, nodes), flux : (images,) whose two ends are states.

    open_end : the last is none, and goes down as the others do;  cut : the path is one that was cut before

    Done when the top has changed by less than `tolerance` of the barrier in three rounds.
    """
    body = search.body
    psi, flux = aligned(body, psi.astype(complex), flux.astype(float))
    down = search.preconditioner(body.links(float(flux.mean())), SHIFT)
    string = even(body, psi, flux, psi.shape[0], cut=cut)
    heights: list[float] = []
    for rounds in range(1, most + 1):
        psi, flux = step(body, down, string, open_end)
        psi, flux = aligned(body, psi, flux)
        string = even(body, psi, flux, psi.shape[0], rounds, string.cut)
        heights.append(string.height())
        told(string)
        last = heights[-1 - STEADY :]
        if len(last) > STEADY and np.ptp(last) <= tolerance * abs(last[-1] - string.value[0]):
            break
    return string


def step(body: Stationary, down: Factor, string: String, open_end: bool = False) -> tuple[Array, Array]:
    """Every image one step down but the ends, the last of a cut or open string excepted."""
    psi, flux = string.psi.copy(), string.flux.copy()
    moving = np.arange(1, len(psi) if string.cut or open_end else len(psi) - 1)
    forces = [body.force(string.point(int(k))) for k in moving]
    nodes = 2 * psi.shape[1]
    psi[moving] -= down.solve(np.array([g[:nodes].view(complex) for g in forces]).T).T
    if body.loop is not None:
        flux[moving] -= 0.5 * np.array([g[-1] for g in forces]) / body.flux_weight
    return psi, flux


def aligned(body: Stationary, psi: Array, flux: Array) -> tuple[Array, Array]:
    """Global phases turned so that each image is nearest to the one before."""
    if not body.turns:
        return psi, flux
    m, psi = body.energy.op.m, psi.copy()
    for k in range(1, len(psi)):
        overlap = np.vdot(psi[k], m * psi[k - 1])
        psi[k] *= overlap / abs(overlap) if overlap else 1.0
    return psi, flux


def lengths(body: Stationary, psi: Array, flux: Array) -> Array:
    """Distance of each image from the first, along the string, (images,)."""
    square = np.abs(np.diff(psi, axis=0)) ** 2 @ body.energy.op.m
    if body.loop is not None:
        square = square + body.flux_weight * np.diff(flux) ** 2
    return np.concatenate([[0.0], np.cumsum(np.sqrt(square))])


def even(body: Stationary, psi: Array, flux: Array, images: int, rounds: int = 0, cut: bool = False) -> String:
    """The images spread evenly, as far as the cut."""
    value = np.array([body.value(Point(p, float(d))) for p, d in zip(psi, flux, strict=True)])
    arc = lengths(body, psi, flux)
    end = arc[-1]
    top = 1 + int(np.argmax(value[1:-1]))
    under = np.flatnonzero(value[top:] < value[0] - 1e-9 * abs(value[0]))
    if under.size:
        k = top + int(under[0])
        share = (value[k - 1] - value[0]) / (value[k - 1] - value[k])
        end = arc[k - 1] + share * (arc[k] - arc[k - 1])
        cut = cut or end < arc[-1]
    wanted = np.linspace(0, end, images)
    place = np.clip(np.searchsorted(arc, wanted, side="right") - 1, 0, len(arc) - 2)
    share = (wanted - arc[place]) / np.maximum(arc[place + 1] - arc[place], 1e-300)
    psi = psi[place] + share[:, None] * (psi[place + 1] - psi[place])
    flux = flux[place] + share * (flux[place + 1] - flux[place])
    psi, flux = aligned(body, psi, flux)
    value = np.array([body.value(Point(p, float(d))) for p, d in zip(psi, flux, strict=True)])
    return String(psi, flux, value, lengths(body, psi, flux), rounds, cut)
