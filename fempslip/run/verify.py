"""`fempslip verify`: observed orders of convergence on a manufactured solution, in 1D, 2D and 3D.

A smooth state is put into the equations and what is left over becomes a source.  On the box [0, 1]^dim k-scaled,

    psi = R exp(i phi),  R = r0 + r1 c(x) cos t,  phi = p c(x) sin t,  mu = q c(x) cos 2t,  A = sin(t) s(x)
    c = prod cos(k x_d),  s_d = b_d sin(k x_d) prod_{e != d} cos(k x_e)

so that no current leaves.  P1 elements: the L2 errors of psi and mu fall as h^2; BDF2: as dt^2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from fempslip.contract import Array, Clock, Drive, Mesh, Operators, Problem
from fempslip.mesh import dual_mean, simple
from fempslip.mesh.copies import edge_vertices
from fempslip.mesh.operators import operators
from fempslip.physics.relaxation import relaxation
from fempslip.solver.bdf2 import Bdf2, advance

SIDE = 4.0
K = np.pi / SIDE
R0, R1, P, Q = 0.8, 0.15, 0.6, 0.5
B = np.array([0.5, -0.3, 0.2])
U, GAMMA = 5.79, 1.0
GAUSS = np.polynomial.legendre.leggauss(4)


@dataclass(frozen=True)
class SineWave:
    """sin(t), the waveform of the manufactured vector potential."""

    period: float | None = None

    def value(self, t: float) -> float:
        return float(np.sin(t))

    def rate(self, t: float) -> float:
        return float(np.cos(t))

    def kinks(self, until: float) -> tuple[float, ...]:
        return ()


@dataclass(frozen=True, eq=False)
class Shapes:
    """c, s and their derivatives at points x : (dim, ...)."""

    x: Array

    @cached_property
    def cosines(self) -> Array:
        return np.cos(K * self.x)

    @cached_property
    def c(self) -> Array:
        return np.prod(self.cosines, axis=0)

    def swept(self) -> Array:
        """sin(k x_d) prod_{e != d} cos(k x_e) : (dim, ...)."""
        dim = self.x.shape[0]
        return np.array(
            [np.sin(K * self.x[d]) * np.prod(np.delete(self.cosines, d, axis=0), axis=0) for d in range(dim)]
        )

    @property
    def grad_c(self) -> Array:
        return -K * self.swept()

    @property
    def laplace_c(self) -> Array:
        return -self.x.shape[0] * K**2 * self.c

    @property
    def s(self) -> Array:
        b = B[: self.x.shape[0]].reshape(-1, *[1] * (self.x.ndim - 1))
        return b * self.swept()

    @property
    def div_s(self) -> Array:
        return K * B[: self.x.shape[0]].sum() * self.c


def exact_psi(x: Array, t: float) -> Array:
    c = Shapes(x).c
    return (R0 + R1 * c * np.cos(t)) * np.exp(1j * P * c * np.sin(t))


def exact_mu(x: Array, t: float) -> Array:
    return Q * Shapes(x).c * np.cos(2 * t)


def left_over(x: Array, t: float) -> tuple[Array, Array]:
    """(source of psi, source of charge) at points x: what the exact fields leave in the two equations."""
    at = Shapes(x)
    r, q = R0 + R1 * at.c * np.cos(t), P * at.grad_c * np.sin(t) - at.s * np.sin(t)
    grad_r, div_q = R1 * at.grad_c * np.cos(t), P * at.laplace_c * np.sin(t) - at.div_s * np.sin(t)
    turn = np.exp(1j * P * at.c * np.sin(t))
    rate_r, rate_phi = -R1 * at.c * np.sin(t), P * at.c * np.cos(t)
    covariant = (
        R1 * at.laplace_c * np.cos(t) - r * np.sum(q**2, axis=0) + 1j * (2 * np.sum(grad_r * q, axis=0) + r * div_q)
    )
    big_a, big_b = relaxation(r, np.array(U), np.array(GAMMA))
    v = rate_r + 1j * r * (rate_phi + Q * at.c * np.cos(2 * t))
    psi = big_a * v + big_b * v.conj() - (1 - r**2) * r - covariant
    super_ = 2 * r * np.sum(grad_r * q, axis=0) + r**2 * div_q
    normal = -Q * at.laplace_c * np.cos(2 * t) - at.div_s * np.cos(t)
    return psi * turn, super_ + normal


@dataclass(frozen=True, eq=False)
class Manufactured:
    """contract.Sources, integrated over the dual cells."""

    mesh: Mesh
    op: Operators
    dim: int

    def integrated(self, f: Callable[[Array], Array]) -> Array:
        return self.op.m * dual_mean(self.mesh, lambda x: f(x[: self.dim]))

    def order_parameter(self, t: float) -> Array:
        real = self.integrated(lambda x: left_over(x, t)[0].real)
        imag = self.integrated(lambda x: left_over(x, t)[0].imag)
        return real + 1j * imag

    def charge(self, t: float) -> Array:
        return self.integrated(lambda x: left_over(x, t)[1])


def potential_pattern(mesh: Mesh, op: Operators, dim: int) -> Array:
    """int_e s . dl by Gauss quadrature, (edges,)."""
    i, j = edge_vertices(mesh, op)
    start, along = mesh.points[:dim, i], mesh.points[:dim, j] - mesh.points[:dim, i]
    total = np.zeros(op.edges.shape[1])
    for node, weight in zip(*GAUSS, strict=True):
        total += 0.5 * weight * np.sum(Shapes(start + 0.5 * (1 + node) * along).s * along, axis=0)
    return total


def box(dim: int, n: int) -> Mesh:
    """[0, SIDE]^dim in n cells a side, inner vertices moved at random (one seed) by up to a tenth of a cell."""
    if dim == 1:
        return simple.interval(np.linspace(0, SIDE, n + 1))
    if dim == 2:
        centred = simple.rectangle(n, n, (SIDE, SIDE), shake=0.1)
    else:
        centred = simple.box(n, n, n, (SIDE, SIDE, SIDE), shake=0.1)
    return replace(centred, points=centred.points + SIDE / 2)


def manufactured(mesh: Mesh, dim: int, until: float, dt: float) -> Problem:
    op = operators(mesh)
    one = np.ones(op.nodes)
    drive = Drive(potential_pattern(mesh, op, dim)[None], (SineWave(),), {})
    model = {"dynamics": "tdgl", "screening": "none", "charge": "conserved"}
    return Problem(
        mesh=mesh, operators=op, epsilon=one, beta=one, u=U * one, gamma=GAMMA * one, sigma=one, kinetic=one,
        model=model, contacts=(), drive=drive, probes={}, clock=Clock(until, fixed=dt, dt_start=dt),
        psi=exact_psi(mesh.points[:dim], 0.0), sources=Manufactured(mesh, op, dim),
    )  # fmt: skip


def solved(problem: Problem) -> tuple[Array, Array]:
    """(psi in the gauge of A, mu with mean zero) at the end, by fixed steps."""
    stepper = Bdf2.of(problem)
    state, depth, clock = stepper.begin(), stepper.declare(), problem.clock
    assert clock.fixed is not None
    steps = round(clock.until / clock.fixed)
    for _ in range(steps):
        trial = stepper.attempt(state, clock.until / steps)
        state = advance(state, trial, clock.fixed, depth)
    return state["psi"] * np.exp(-1j * state["chi"]), state["mu"]


def l2(op: Operators, difference: Array) -> float:
    return float(np.sqrt(np.sum(op.m * np.abs(difference) ** 2)))


def less_constant_phase(op: Operators, psi: Array, reference: Array) -> Array:
    """The common phase follows the free constant of mu: taken out before states are compared."""
    overlap = np.sum(op.m * psi * reference.conj())
    return psi * np.exp(-1j * np.angle(overlap))


def errors(dim: int, n: int, until: float, dt: float) -> tuple[float, float]:
    """L2 errors of psi and mu against the exact fields at the end."""
    problem = manufactured(box(dim, n), dim, until, dt)
    op, x = problem.operators, problem.mesh.points[:dim]
    psi, mu = solved(problem)
    exact, potential = exact_psi(x, until), exact_mu(x, until)
    mean = np.sum(op.m * (mu - potential)) / op.m.sum()
    return l2(op, less_constant_phase(op, psi, exact) - exact), l2(op, mu - potential - mean)


def order(sizes: Sequence[float], found: Sequence[float]) -> float:
    """Slope of log error against log size (least squares)."""
    return float(np.polyfit(np.log(sizes), np.log(found), 1)[0])


LADDERS = {1: (20, 40, 80), 2: (8, 16, 32), 3: (8, 12, 18)}
STEPS = {1: 2e-3, 2: 5e-3, 3: 1e-2}
UNTIL = 0.5


def orders_in_h(dim: int) -> tuple[float, float]:
    """Observed orders of psi and mu in the mesh size."""
    ladder = LADDERS[dim]
    found = [errors(dim, n, UNTIL, STEPS[dim]) for n in ladder]
    sizes = [SIDE / n for n in ladder]
    return order(sizes, [e[0] for e in found]), order(sizes, [e[1] for e in found])


def order_in_dt(dim: int = 1) -> tuple[float, float]:
    """Observed orders of psi and mu in the step, on one mesh: differences between successive halvings."""
    n, until = LADDERS[dim][0], 1.0
    mesh = box(dim, n)
    op = operators(mesh)
    steps = [0.1, 0.05, 0.025, 0.0125]
    states = [solved(manufactured(mesh, dim, until, dt)) for dt in steps]
    psi = [l2(op, less_constant_phase(op, a[0], b[0]) - b[0]) for a, b in zip(states, states[1:], strict=False)]
    mu = [l2(op, a[1] - b[1]) for a, b in zip(states, states[1:], strict=False)]
    return order(steps[:-1], psi), order(steps[:-1], mu)


def main() -> int:
    """Print the observed orders; 0 when all reach >= 1.9 in h and >= 1.8 in dt, else 1."""
    print("manufactured solution: observed orders (wanted: >= 1.9 in h, >= 1.8 in dt)")
    good = True
    for dim in (1, 2, 3):
        psi, mu = orders_in_h(dim)
        good &= min(psi, mu) >= 1.9
        print(f"  {dim}D  in h   psi {psi:.2f}   mu {mu:.2f}", flush=True)
    for dim in (1, 2):
        psi, mu = order_in_dt(dim)
        good &= min(psi, mu) >= 1.8
        print(f"  {dim}D  in dt  psi {psi:.2f}   mu {mu:.2f}", flush=True)
    print("all orders reached" if good else "an order was missed")
    return 0 if good else 1
