"""Linear systems on the edges of a mesh of bodies: curl curl and a mass that may vanish in parts of it.

One factorisation up to a number of edges; above, conjugate gradients preconditioned in auxiliary spaces of functions
at nodes (Hiptmair and Xu, SIAM J. Numer. Anal. 45, 2483 (2007)): gradients G f, and vector fields with components at
nodes, (Pi_k f)_e = (x_j - x_i)_k (f_i + f_j)/2.  One cycle goes through them one after another,

    edges (Gauss-Seidel), G, Pi_x, Pi_y, Pi_z, Pi_y, Pi_x, G, edges (Gauss-Seidel backwards)

each by a V cycle of smoothed aggregation; symmetric.  Where the mass is 0 (vacuum) gradients are in the kernel; the
right side has no component there, conjugate gradients leave them as they start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Failure
from fempslip.solver.linear import factored

OFTEN = 120_000  # edges, for a matrix used often: there a factor takes 10 s and 1 GB to make, and 0.1 s to use
ONCE = 20_000  # edges, for a matrix used a few times
EMPTY = 1e-11  # of the largest diagonal: a node of an auxiliary space where the matrix vanishes
SHIFT = 1e-10  # of the diagonal: keeps what is left singular, constants of a component, from being so to rounding
MOST = 200  # iterations; 8 to 20 are usual

Solver = Callable[[Array, Array], Array]  # (right side, start) -> solution


def edge_solver(
    matrix: sp.csr_array, gradient: sp.csr_array, points: Array, still: Array, tolerance: float, limit: int
) -> Solver:
    """Solver of a symmetric semidefinite matrix, definite up to `limit` edges.

    gradient : (edges, nodes) G;  points : (3, nodes);  still : (nodes,) True where edges are held that are not in the
    matrix;  tolerance : of conjugate gradients, relative in the energy norm
    """
    if matrix.shape[0] <= limit:
        return direct(matrix)
    return EdgeMultigrid.of(matrix, node_spaces(gradient, points, still), tolerance)


def direct(matrix: sp.csr_array) -> Solver:
    """The same by a factor, whatever the size."""
    factor = factored(matrix)
    return lambda b, start: factor(b)


@dataclass(frozen=True, eq=False)
class Auxiliary:
    """P^T A P, solved by a V cycle.  up : P;  down : P^T;  image : A P"""

    up: Any
    down: Any
    image: Any
    cycle: Any

    @classmethod
    def of(cls, matrix: Any, up: sp.csr_array) -> Auxiliary:
        coarse = sp.csr_array(up.T @ (matrix @ up))
        diagonal = coarse.diagonal()
        kept = np.flatnonzero(diagonal > EMPTY * diagonal.max(initial=0.0))
        up = sp.csr_array(up[:, kept])
        coarse = sp.csr_array(coarse[kept][:, kept] + sp.diags_array(SHIFT * diagonal[kept]))
        image = sp.csr_array(matrix @ up)
        return cls(sp.csr_matrix(up), sp.csr_matrix(up.T), sp.csr_matrix(image), v_cycle(coarse))


def v_cycle(matrix: sp.csr_array) -> Any:
    """One V cycle of smoothed aggregation as an operator."""
    import pyamg

    state = np.random.get_state()
    np.random.seed(0)  # pyamg's set-up draws from numpy's global generator; a resumed run must draw the same
    levels = pyamg.smoothed_aggregation_solver(sp.csr_matrix(matrix), B=np.ones((matrix.shape[0], 1)))
    np.random.set_state(state)
    return levels.aspreconditioner(cycle="V")


def node_spaces(gradient: sp.csr_array, points: Array, still: Array) -> list[sp.csr_array]:
    """G, Pi_x, Pi_y, Pi_z : (edges, nodes), empty at nodes that are still."""
    step = gradient @ points.T  # (edges, 3)
    gradient = sp.csr_array(gradient @ sp.diags_array(np.where(still, 0.0, 1.0)))
    half = 0.5 * abs(gradient)
    return [gradient, *(sp.csr_array(sp.diags_array(along) @ half) for along in step.T)]


@dataclass(frozen=True, eq=False)
class EdgeMultigrid:
    """Conjugate gradients with that cycle."""

    matrix: Any
    spaces: tuple[Auxiliary, ...]
    tolerance: float

    @classmethod
    def of(cls, matrix: sp.csr_array, spaces: Sequence[sp.csr_array], tolerance: float) -> EdgeMultigrid:
        """spaces : (edges, nodes) each"""
        A = sp.csr_matrix(matrix)
        A.sort_indices()
        return cls(A, tuple(Auxiliary.of(matrix, space) for space in spaces), tolerance)

    def cycle(self, b: Array) -> Array:
        """An approximate solution, symmetric in b."""
        from pyamg.relaxation.relaxation import gauss_seidel

        x = np.zeros_like(b)
        gauss_seidel(self.matrix, x, b, sweep="forward")
        left = b - self.matrix @ x
        for space in (*self.spaces, *self.spaces[-2::-1]):
            y = space.cycle @ (space.down @ left)
            x += space.up @ y
            left -= space.image @ y
        gauss_seidel(self.matrix, x, b, sweep="backward")
        return x

    def __call__(self, b: Array, start: Array) -> Array:
        """At least one iteration: from a good start the field would coast.  Raises Failure without convergence."""
        x = start.copy()
        left = b - self.matrix @ x
        z = self.cycle(left)
        p, rz = z.copy(), float(left @ z)
        enough = self.tolerance**2 * float(b @ self.cycle(b))
        for _ in range(MOST):
            if rz <= 0.0:
                return x
            q = self.matrix @ p
            step = rz / float(p @ q)
            x += step * p
            left -= step * q
            z = self.cycle(left)
            before, rz = rz, float(left @ z)
            if rz <= enough:
                return x
            p = z + (rz / before) * p
        raise Failure(f"the solver of the field did not converge in {MOST} iterations: check the mesh for slivers")
