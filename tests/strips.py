"""Strips that close on themselves along y: slabs, half-spaces and walls for tests with self-field.

Along x they are cut as finely as wished, along y they are three or more cells high; the field is along z.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl

from fempslip.case.waveforms import Constant
from fempslip.contract import Array, Clock, Contact, Drive, Mesh, Problem
from fempslip.mesh.cochains import edge_vertices
from fempslip.mesh.operators import operators
from fempslip.mesh.simple import simple_mesh
from fempslip.physics.maxwell import Screening


def strip_mesh(x: Array, height: float, rows: int) -> Mesh:
    """Columns at x : (columns,), `rows` of cells over the height, the top identified with the bottom."""
    from skfem import MeshTri

    m = MeshTri.init_tensor(np.asarray(x, float), np.linspace(0, height, rows + 1))
    mesh = simple_mesh(m.p, m.t, "film", {}, float(np.diff(x).max()))
    px, py = np.round(m.p, 9)
    key = np.stack([px, np.where(np.isclose(py, height), 0.0, py)])
    _, node = np.unique(key, axis=1, return_inverse=True)
    return replace(mesh, node_of_vertex=node.ravel().astype(np.int32))


def strip(
    x: Array,
    kappa: float,
    field: float,
    height: float | None = None,
    rows: int = 3,
    psi: Array | None = None,
    held: tuple[float, ...] = (),
    clock: Clock | None = None,
    gamma: float = 0.0,
) -> Problem:
    """A slab between min x and max x in a field H along z; psi = 0 held at the columns `held`."""
    x = np.asarray(x, float)
    mesh = strip_mesh(x, height or rows * float(np.diff(x).min()), rows)
    op = operators(mesh)
    i, j = edge_vertices(mesh, op)
    p = mesh.points
    a = 0.5 * (p[0, i] + p[0, j]) * (p[1, j] - p[1, i])  # A = (0, x): curl A = 1, the same on every period
    place = columns_of(mesh)
    walls = [np.flatnonzero(np.isclose(place, at)) for at in held]
    contacts = tuple(
        Contact(f"wall{k}", "normal", nodes, np.ones(nodes.size) / nodes.size, 1.0) for k, nodes in enumerate(walls)
    )
    one = np.ones(op.nodes)
    start = (one if psi is None else psi).astype(complex)
    return Problem(
        mesh=mesh, operators=op, epsilon=one, beta=one, u=5.79 * one, gamma=gamma * one, sigma=one, kinetic=one,
        model={"dynamics": "tdgl", "screening": "maxwell", "charge": "conserved"}, contacts=contacts,
        drive=Drive(a[None], (Constant(field),), {}), probes={}, clock=clock or Clock(100.0), psi=start, kappa=kappa,
    )  # fmt: skip


def columns_of(mesh: Mesh) -> Array:
    """x of every node."""
    x = np.empty(mesh.nodes)
    x[mesh.node_of_vertex] = mesh.points[0]
    return x


# ------------------------------------------------------------------------------------------- second variation


def hessian(p: Problem, psi: Array, a: Array) -> sp.csr_array:
    """Half second variation of F in (Re psi, Im psi, a), with everything that is a gauge made stiff.

    Gauge modes (i psi chi, G chi) cost nothing; a penalty on them leaves all modes orthogonal to them as they are.
    """
    op, n = p.operators, p.operators.nodes
    i, j = op.edges
    edge = np.arange(i.size)
    link = np.exp(-1j * a)
    stiff = sp.dia_array(((np.bincount(i, op.w, n) + np.bincount(j, op.w, n))[None], [0]), shape=(n, n))
    k = stiff - sp.coo_array((np.r_[op.w * link, op.w * link.conj()], (np.r_[i, j], np.r_[j, i])), shape=(n, n))
    rho = np.abs(psi) ** 2
    d, c = op.m * (2 * p.beta * rho - p.epsilon), op.m * p.beta * psi**2
    diag = sp.diags_array
    rr = k.real + diag(d + c.real)
    ii = k.real + diag(d - c.real)
    ri = -k.imag + diag(c.imag)
    gi, gj = 1j * op.w * link * psi[j], -1j * op.w * link.conj() * psi[i]
    b = sp.coo_array((np.r_[gi, gj], (np.r_[i, j], np.r_[edge, edge])), shape=(n, i.size)).tocsr()
    aa = Screening.of(p).kS + diag(op.w * np.real(psi[i].conj() * link * psi[j]))
    full = sp.block_array([[rr, ri, b.real], [ri.T, ii, b.imag], [b.real.T, b.imag.T, aa]], format="csr")
    z = sp.block_array([[diag(-psi.imag)], [diag(psi.real)], [op.G]], format="csr")
    mz = metric(p) @ z
    return sp.csr_array(full + 10.0 * mz @ diag(1 / op.m) @ mz.T)


def metric(p: Problem) -> sp.csr_array:
    m = sp.diags_array(p.operators.m)
    return sp.csr_array(sp.block_diag([m, m, p.operators.M1]))


def lowest_mode(p: Problem, psi: Array, a: Array, below: float = -1.0) -> float:
    """Smallest eigenvalue of the second variation per unit of the metric: negative where the state is unstable."""
    values = spl.eigsh(
        sp.csc_array(hessian(p, psi, a)), k=1, M=sp.csc_array(metric(p)), sigma=below, v0=np.ones(2 * psi.size + a.size)
    )[0]
    return float(values[0])


def at_rest(p: Problem, psi: Array, a: Array, steps: int = 30) -> tuple[Array, Array]:
    """The stationary state near (psi, a), by Newton's method on the second variation.  Fails where there is none."""
    s, op, n = Screening.of(p), p.operators, psi.size
    from fempslip.physics.energy import LinkEnergy

    energy = LinkEnergy(op, p.epsilon, p.beta)
    free = np.setdiff1d(np.arange(2 * n + a.size), [k + o for c in p.contacts for k in c.nodes for o in (0, n)])
    for _ in range(steps):
        f = energy.force(psi, a)
        g = np.r_[f.real, f.imag, s.kS @ a - s.applied(0.0) - energy.current(psi, a)]
        if np.abs(g[free]).max() < 1e-9:
            return psi, a
        dx = np.zeros(g.size)
        dx[free] = spl.spsolve(sp.csc_array(hessian(p, psi, a)[free][:, free]), -g[free])
        psi, a = psi + dx[:n] + 1j * dx[n : 2 * n], a + dx[2 * n :]
    raise AssertionError("no state at rest was found")
