"""Stationary states found: minima by descent, any kind by Newton; inertia says which kind it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array
from fempslip.physics.stationary import Line, Point, Stationary
from fempslip.solver.descent import Descent, lbfgs
from fempslip.solver.linear import nested_dissection
from fempslip.solver.symmetric import Factor, Singular, before_last, bordered, factor, lowest

Told = Callable[[int, float], None]
STRIDE = 0.5  # largest |change of psi| in one step of Newton
NOTHING = 1e-10  # mean |psi|^2 below which a state is the normal one


def silent(iteration: int, residual: float) -> None: ...


@dataclass(frozen=True, eq=False)
class Found:
    """A stationary state, or how far Newton came.  index : negative eigenvalues, the free directions left out."""

    point: Point
    residual: float
    iterations: int
    converged: bool
    index: int


@dataclass(frozen=True, eq=False)
class Search:
    """What is looked for is a state of `body`; orders of elimination and the preconditioner are made once."""

    body: Stationary

    @cached_property
    def node_order(self) -> Array:
        """Fill-reducing order of the nodes."""
        op = self.body.energy.op
        return nested_dissection(sp.csr_array(op.G.T @ op.G))

    @cached_property
    def order(self) -> Array:
        """The same for tangent vectors: Re and Im together, D last."""
        pairs = (2 * self.node_order[:, None] + np.arange(2)).ravel()
        return pairs if self.body.loop is None else np.append(pairs, pairs.size)

    def preconditioner(self, a: Array, shift: float = 1.0) -> Factor:
        """(K_A + shift m)^-1 on the free nodes, complex."""
        op, free = self.body.energy.op, self.body.free
        k = self.body.energy.stiffness(a) + sp.diags_array(shift * op.m)
        if not free.all():
            keep = sp.diags_array(free.astype(float))
            k = keep @ k @ keep + sp.diags_array(np.where(free, 0.0, op.m))
        return factor(sp.csr_array(k), self.node_order)

    def on(self, body: Stationary) -> Search:
        """The same search on the same nodes at other links or currents; orders are kept."""
        other = Search(body)
        other.__dict__["node_order"] = self.node_order
        return other

    # ------------------------------------------------------------------------------------------- minima

    def descend(self, psi: Array, tolerance: float = 1e-7, most: int = 20000, told: Told = silent) -> Descent:
        """Down from psi : (nodes,) at fixed links."""
        body, op = self.body, self.body.energy.op
        line = Line(body.energy, body.energy.stiffness(body.a), body.free)
        solve = self.descent_factor.solve
        return lbfgs(
            psi.astype(complex),
            line.start,
            line.descend,
            solve,
            lambda g: float(np.sqrt(np.max((g.real**2 + g.imag**2) / op.m**2))),
            tolerance,
            most,
            told,
        )

    @cached_property
    def descent_factor(self) -> Factor:
        return self.preconditioner(self.body.a)

    def minimum(
        self, psi: Array, tolerance: float = 1e-7, kicks: int = 6, most: int = 20000, told: Told = silent
    ) -> Found:
        """Descend, and off every saddle that is met, along its softest direction, to the lower side.

        converged only if the residual is reached and nothing is left that curves down.
        """
        found = self.descend(psi, tolerance, most, told)
        iterations = found.iterations
        index = self.index(Point(found.psi))
        for _ in range(kicks):
            if index == 0 or normal(found.psi):
                break
            _, vectors = self.lowest(Point(found.psi), 1)
            kick = vectors[:, 0][: 2 * found.psi.size].view(complex)
            kick = 0.2 * kick / np.abs(kick).max()
            sides = [self.descend(found.psi + sign * kick, tolerance, most, told) for sign in (1, -1)]
            iterations += sum(side.iterations for side in sides)
            found = min(sides, key=lambda side: self.body.value(Point(side.psi)))
            index = self.index(Point(found.psi))
        done = found.converged and index == 0
        return Found(Point(found.psi), found.residual, iterations, done, index)

    # ------------------------------------------------------------------------------------------- any kind

    def border(self, point: Point, also: tuple[Array, ...] = ()) -> Array:
        """(unknowns, k) directions that cost nothing, of unit length: the global phase, and others that are given."""
        free = (self.body.turn(point),) if self.body.turns and not normal(point.psi) else ()
        columns = [v / np.linalg.norm(v) for v in (*free, *also)]
        if not columns:
            return np.zeros((self.body.mass.shape[0], 0))
        return np.linalg.qr(np.array(columns).T)[0]

    def bordered(self, point: Point, also: tuple[Array, ...] = ()) -> tuple[Factor, Array]:
        """The factored curvature on the complement of `border`, and the border."""
        z = self.border(point, also)
        hessian = self.body.hessian(point)
        if not z.shape[1]:
            return factor(hessian, self.order), z
        last = 2 if self.body.loop is None else 3
        order = before_last(self.order, z.shape[1], last)
        return factor(bordered(hessian, z), order), z

    def index(self, point: Point, also: tuple[Array, ...] = ()) -> int:
        """Negative eigenvalues of the curvature, orthogonal to the free directions."""
        found, z = self.bordered(point, also)
        return found.negative - z.shape[1]

    def lowest(self, point: Point, count: int) -> tuple[Array, Array]:
        """Lowest eigenvalues of the half curvature (per volume) and their directions; the global phase is lifted."""
        hessian, mass = self.body.hessian(point), self.body.mass
        if self.body.turns and not normal(point.psi):
            return _lifted(self, point, count)
        return lowest(hessian, mass, self.order, count)

    def merit(self, force: Array) -> float:
        """Squared size of a force, per volume."""
        return float(force @ (force / self.body.mass.diagonal()))

    def shortened(self, point: Point, step: Array, before: float) -> Point:
        """The point after as much of a step as makes the force smaller, a 64th at least."""
        share = 1.0
        while True:
            new = self.body.moved(point, share * step)
            if share < 1 / 32 or self.merit(self.body.force(new)) < (1 - 0.2 * share) * before:
                return new
            share *= 0.5

    def newton(
        self,
        point: Point,
        tolerance: float = 1e-8,
        most: int = 40,
        symmetric: Callable[[Point], tuple[Array, ...]] = lambda point: (),
        stride: float = STRIDE,
    ) -> Found:
        """The stationary state near a point; steps of psi are at most `stride`.

        symmetric(point) : more directions that cost nothing (a shift of a uniform wire), which Newton leaves alone
        """
        index, residual, k = -1, np.inf, 0
        for k in range(most + 1):
            also = symmetric(point)
            force = self.body.force(point)
            residual = self.body.residual(force)
            try:
                found, z = self.bordered(point, also)
            except Singular:
                return Found(point, residual, k, False, -1)
            index = found.negative - z.shape[1]
            if residual <= tolerance:
                return Found(point, residual, k, True, index)
            step = -found.solve(np.append(force, np.zeros(z.shape[1])))[: force.size]
            nodes = 2 * point.psi.size
            size = float(np.abs(step[:nodes].view(complex)).max())
            if self.body.loop is not None:
                size = max(size, abs(float(step[-1])) / (2 * np.pi))
            point = self.shortened(point, step * min(1.0, stride / size), self.merit(force))
        return Found(point, residual, k, False, index)


def normal(psi: Array) -> bool:
    return float(np.mean(np.abs(psi) ** 2)) < NOTHING


def _lifted(search: Search, point: Point, count: int) -> tuple[Array, Array]:
    """`lowest` without the global phase, whose eigenvalue is 0: it is found among the others and left out."""
    values, vectors = lowest(search.body.hessian(point), search.body.mass, search.order, count + 1)
    m = search.body.mass.diagonal()
    turn = search.body.turn(point)
    turn = turn / np.sqrt(turn @ (m * turn))
    share = np.abs(vectors.T @ (m * turn))
    kept = np.delete(np.arange(values.size), int(share.argmax())) if share.max() > 0.5 else np.arange(count)
    return values[kept], vectors[:, kept]
