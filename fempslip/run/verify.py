"""`fempslip verify`: observed orders of convergence on a manufactured solution, in 1D, 2D and 3D.

A state is put into the equations and what is left over becomes a source.  On the box [0, side]^dim

    psi = R exp(i phi),  R = r0 + r1 c(x) cos t,  phi = p c(x) sin t,  mu = q (c(x) - <c>) cos 2t,  A = sin(t) s(x)
    c = prod cos(k y_d),  s_d = b_d y_d' sin(k y_d) prod_{e != d} cos(k y_e)

so that no current leaves.  y = x, but where coefficients jump, at the middle of x_0: there y_0' is as 1/(d q) on both
sides, so that psi and mu have a kink and the currents d q (grad - iA) psi and d sigma E none (sigma jumps as q does).

P1 elements: the L2 errors of psi and mu fall as h^2, in a uniform medium and in one whose epsilon, beta, u, gamma,
sigma, section d and kinetic weight q all vary; BDF2: as dt^2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

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


@dataclass(frozen=True)
class Medium:
    """Coefficients along x_0: their bases times 1 + swing sin(k x_0 + 0.4), and times `jump` in the right half."""

    name: str
    swing: Mapping[str, float] = field(default_factory=dict)
    jump: Mapping[str, float] = field(default_factory=dict)

    def value(self, name: str, x: Array) -> Array:
        """(...,) of a coefficient at points (dim, ...)."""
        smooth = 1 + self.swing.get(name, 0.0) * np.sin(K * x[0] + 0.4)
        return np.asarray(BASE[name] * smooth * np.where(x[0] > SIDE / 2, self.jump.get(name, 1.0), 1.0))

    def slope(self, name: str, x: Array) -> Array:
        """d value / d x_0, away from the jump."""
        rate = BASE[name] * self.swing.get(name, 0.0) * K * np.cos(K * x[0] + 0.4)
        return np.asarray(rate * np.where(x[0] > SIDE / 2, self.jump.get(name, 1.0), 1.0))

    def product(self, first: str, second: str, x: Array) -> tuple[Array, Array]:
        """(value, slope) of the product of two coefficients."""
        one, two = self.value(first, x), self.value(second, x)
        return one * two, self.slope(first, x) * two + one * self.slope(second, x)

    def stretched(self, x0: Array) -> tuple[Array, Array]:
        """(y_0, y_0') of x_0: as steep as 1/(d q) on both sides of the jump, and from 0 to the side."""
        right = 1 / (self.jump.get("section", 1.0) * self.jump.get("kinetic", 1.0))
        steep = np.array([1.0, right]) * 2 / (1 + right)
        here = np.where(x0 > SIDE / 2, steep[1], steep[0])
        return steep[0] * np.minimum(x0, SIDE / 2) + steep[1] * np.maximum(x0 - SIDE / 2, 0.0), here


BASE = {"epsilon": 1.0, "beta": 1.0, "u": U, "gamma": GAMMA, "sigma": 1.0, "section": 1.0, "kinetic": 1.0}
UNIFORM = Medium("uniform")
SMOOTH = Medium(
    "smooth",
    swing={"epsilon": -0.3, "beta": 0.2, "u": 0.25, "gamma": 0.5, "sigma": 0.4, "section": 0.3, "kinetic": -0.25},
)
LAYERS = Medium(
    "layers",
    jump={"epsilon": 0.7, "beta": 1.3, "u": 1.5, "gamma": 2.0, "sigma": 0.5, "section": 1.4, "kinetic": 0.5},
)


@dataclass(frozen=True, eq=False)
class Shapes:
    """c, s and their derivatives at points x : (dim, ...) of a medium."""

    x: Array
    medium: Medium = UNIFORM

    @cached_property
    def angles(self) -> Array:
        return K * np.array([self.medium.stretched(self.x[0])[0], *self.x[1:]])

    @cached_property
    def steep(self) -> Array:
        """y_d' : (dim, ...)."""
        return np.array([self.medium.stretched(self.x[0])[1], *np.ones_like(self.x[1:])])

    @cached_property
    def cosines(self) -> Array:
        return np.cos(self.angles)

    @cached_property
    def c(self) -> Array:
        return np.prod(self.cosines, axis=0)

    @cached_property
    def balanced(self) -> Array:
        """c less its mean, which only a kinked c of one dimension has: the solver's potentials have mean zero."""
        if self.x.shape[0] > 1:
            return self.c
        middle, steep = self.medium.stretched(np.array([SIDE / 2, SIDE]))
        return self.c - np.sin(K * middle[0]) * (1 / steep[0] - 1 / steep[1]) / (K * SIDE)

    def swept(self) -> Array:
        """y_d' sin(k y_d) prod_{e != d} cos(k y_e) : (dim, ...)."""
        others = np.array([np.prod(np.delete(self.cosines, d, axis=0), axis=0) for d in range(self.x.shape[0])])
        return self.steep * np.sin(self.angles) * others

    @property
    def grad_c(self) -> Array:
        return -K * self.swept()

    @property
    def laplace_c(self) -> Array:
        return -(K**2) * np.sum(self.steep**2, axis=0) * self.c

    @property
    def b(self) -> Array:
        return B[: self.x.shape[0]].reshape(-1, *[1] * (self.x.ndim - 1))

    @property
    def s(self) -> Array:
        return self.b * self.swept()

    @property
    def div_s(self) -> Array:
        return K * np.sum(self.b * self.steep**2, axis=0) * self.c


def exact_psi(x: Array, t: float, medium: Medium = UNIFORM) -> Array:
    c = Shapes(x, medium).c
    return (R0 + R1 * c * np.cos(t)) * np.exp(1j * P * c * np.sin(t))


def exact_mu(x: Array, t: float, medium: Medium = UNIFORM) -> Array:
    return Q * Shapes(x, medium).balanced * np.cos(2 * t)


def left_over(x: Array, t: float, medium: Medium) -> tuple[Array, Array]:
    """(source of psi, source of charge) at points x: what the exact fields leave in the two equations

    d (relaxation of psi) = d (epsilon - beta |psi|^2) psi + (grad - iA) . d q (grad - iA) psi
    0 = div (d q Im[psi* (grad - iA) psi] + d sigma (-grad mu - dA/dt))
    """
    at = Shapes(x, medium)
    d, epsilon, beta, u, gamma = (medium.value(n, x) for n in ("section", "epsilon", "beta", "u", "gamma"))
    dq, dq_slope = medium.product("section", "kinetic", x)
    ds, ds_slope = medium.product("section", "sigma", x)
    r, q = R0 + R1 * at.c * np.cos(t), P * at.grad_c * np.sin(t) - at.s * np.sin(t)
    grad_r, div_q = R1 * at.grad_c * np.cos(t), P * at.laplace_c * np.sin(t) - at.div_s * np.sin(t)
    turn = np.exp(1j * P * at.c * np.sin(t))
    rate_r, rate_phi = -R1 * at.c * np.sin(t), P * at.c * np.cos(t)
    covariant = dq * (
        R1 * at.laplace_c * np.cos(t) - r * np.sum(q**2, axis=0) + 1j * (2 * np.sum(grad_r * q, axis=0) + r * div_q)
    ) + dq_slope * (grad_r[0] + 1j * r * q[0])
    big_a, big_b = relaxation(r, u, gamma)
    v = rate_r + 1j * r * (rate_phi + Q * at.balanced * np.cos(2 * t))
    psi = d * (big_a * v + big_b * v.conj() - (epsilon - beta * r**2) * r) - covariant
    super_ = dq * (2 * r * np.sum(grad_r * q, axis=0) + r**2 * div_q) + dq_slope * r**2 * q[0]
    field = -Q * at.grad_c * np.cos(2 * t) - at.s * np.cos(t)
    normal = ds * (-Q * at.laplace_c * np.cos(2 * t) - at.div_s * np.cos(t)) + ds_slope * field[0]
    return psi * turn, super_ + normal


@dataclass(frozen=True, eq=False)
class Manufactured:
    """contract.Sources, integrated over the dual cells.  volume : (nodes,) of these, without the section

    kept : the time that was asked for last, and what is left over then at the points of the quadrature
    """

    mesh: Mesh
    volume: Array
    medium: Medium
    kept: dict[str, Any] = field(default_factory=dict)

    def integrated(self, f: Callable[[tuple[Array, Array]], Array], t: float) -> Array:
        """f : of the two sources at points."""

        def at(x: Array) -> Array:
            if self.kept.get("t") != t:
                self.kept.update(t=t, left=left_over(x[: self.mesh.dim], t, self.medium))
            return f(self.kept["left"])

        return self.volume * dual_mean(self.mesh, at)

    def order_parameter(self, t: float) -> Array:
        return self.integrated(lambda left: left[0].real, t) + 1j * self.integrated(lambda left: left[0].imag, t)

    def charge(self, t: float) -> Array:
        return self.integrated(lambda left: left[1], t)


def potential_pattern(mesh: Mesh, op: Operators, medium: Medium) -> Array:
    """int_e s . dl by Gauss quadrature, (edges,)."""
    i, j = edge_vertices(mesh, op)
    start, along = mesh.points[: mesh.dim, i], mesh.points[: mesh.dim, j] - mesh.points[: mesh.dim, i]
    total = np.zeros(op.edges.shape[1])
    for node, weight in zip(*GAUSS, strict=True):
        at = Shapes(start + 0.5 * (1 + node) * along, medium)
        total += 0.5 * weight * np.sum(at.s * along, axis=0)
    return total


def box(dim: int, n: int) -> Mesh:
    """[0, SIDE]^dim in n cells a side, inner vertices moved at random (one seed) by up to a tenth of a cell.

    Those in the middle of x_0 stay there: cells have one side of the jump.
    """
    if dim == 1:
        return simple.interval(np.linspace(0, SIDE, n + 1))
    centred = simple.rectangle(n, n, (SIDE, SIDE), 0.1) if dim == 2 else simple.box(n, n, n, (SIDE, SIDE, SIDE), 0.1)
    points = centred.points + SIDE / 2
    points[0] = np.where(np.abs(points[0] - SIDE / 2) < 0.3 * SIDE / n, SIDE / 2, points[0])
    return replace(centred, points=points)


def manufactured(mesh: Mesh, until: float, dt: float, medium: Medium = UNIFORM) -> Problem:
    at_cells = mesh.points[:, mesh.cells].mean(axis=1)
    section, kinetic, sigma = (medium.value(name, at_cells) for name in ("section", "kinetic", "sigma"))
    op = operators(mesh, section, kinetic, sigma)

    def nodal(name: str) -> Array:
        return dual_mean(mesh, lambda x: medium.value(name, x), section)

    drive = Drive(potential_pattern(mesh, op, medium)[None], (SineWave(),), {})
    model = {"dynamics": "tdgl", "screening": "none", "charge": "conserved"}
    return Problem(
        mesh=mesh, operators=op, epsilon=nodal("epsilon"), beta=nodal("beta"), u=nodal("u"), gamma=nodal("gamma"),
        sigma=nodal("sigma"), kinetic=nodal("kinetic"), model=model, contacts=(), drive=drive, probes={},
        clock=Clock(until, fixed=dt, dt_start=dt), psi=exact_psi(mesh.points[: mesh.dim], 0.0, medium),
        sources=Manufactured(mesh, operators(mesh).m, medium),
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


def errors(mesh: Mesh, until: float, dt: float, medium: Medium = UNIFORM) -> tuple[float, float]:
    """L2 errors of psi and mu against the exact fields at the end."""
    problem = manufactured(mesh, until, dt, medium)
    op, x = problem.operators, mesh.points[: mesh.dim]
    psi, mu = solved(problem)
    exact, potential = exact_psi(x, until, medium), exact_mu(x, until, medium)
    mean = np.sum(op.m * (mu - potential)) / op.m.sum()
    return l2(op, less_constant_phase(op, psi, exact) - exact), l2(op, mu - potential - mean)


def order(sizes: Sequence[float], found: Sequence[float]) -> float:
    """Slope of log error against log size (least squares)."""
    return float(np.polyfit(np.log(sizes), np.log(found), 1)[0])


LADDERS = {1: (20, 40, 80), 2: (8, 16, 32), 3: (8, 12, 18)}
STEPS = {1: 2e-3, 2: 5e-3, 3: 1e-2}
UNTIL = 0.5


def orders_in_h(dim: int, medium: Medium = UNIFORM) -> tuple[float, float]:
    """Observed orders of psi and mu in the mesh size."""
    found = [errors(box(dim, n), UNTIL, STEPS[dim], medium) for n in LADDERS[dim]]
    sizes = [SIDE / n for n in LADDERS[dim]]
    return order(sizes, [e[0] for e in found]), order(sizes, [e[1] for e in found])


def order_in_dt(dim: int = 1) -> tuple[float, float]:
    """Observed orders of psi and mu in the step, on one mesh: differences between successive halvings."""
    until, mesh = 1.0, box(dim, LADDERS[dim][0])
    op = operators(mesh)
    steps = [0.1, 0.05, 0.025, 0.0125]
    states = [solved(manufactured(mesh, until, dt)) for dt in steps]
    psi = [l2(op, less_constant_phase(op, a[0], b[0]) - b[0]) for a, b in zip(states, states[1:], strict=False)]
    mu = [l2(op, a[1] - b[1]) for a, b in zip(states, states[1:], strict=False)]
    return order(steps[:-1], psi), order(steps[:-1], mu)


WANTED = {"uniform": 1.9, "smooth": 1.9, "layers": 1.4}


def main() -> int:
    """Print the observed orders; 0 when all reach what is wanted, else 1."""
    print("manufactured solution: observed orders of psi and mu")
    good = True
    for medium in (UNIFORM, SMOOTH, LAYERS):
        for dim in (1, 2, 3):
            psi, mu = orders_in_h(dim, medium)
            good &= min(psi, mu) >= WANTED[medium.name]
            words = f"  {dim}D  in h   psi {psi:.2f}   mu {mu:.2f}"
            print(f"{words}   medium: {medium.name}, wanted >= {WANTED[medium.name]:g}", flush=True)
    for dim in (1, 2):
        psi, mu = order_in_dt(dim)
        good &= min(psi, mu) >= 1.8
        print(f"  {dim}D  in dt  psi {psi:.2f}   mu {mu:.2f}   wanted >= 1.8", flush=True)
    print("all orders reached" if good else "an order was missed")
    return 0 if good else 1
