"""Pictures of synthetic runs: the colours stand for the numbers, and what cannot be drawn is said plainly."""

from __future__ import annotations

import numpy as np
import pytest
from skfem import MeshTet, MeshTri

from fempslip import view
from fempslip.contract import Failure, Mesh, Refusal
from fempslip.store import RunWriter, open_run
from fempslip.view import canvas, looks, stage, wires
from fempslip.view.plots import slip_centre

HEADER = {"title": "synthetic", "scales": {"xi": 20e-9, "tau0": 3e-12, "V0": 4e-4}}


def film(length=24.0, width=12.0, h=0.5) -> Mesh:
    made = MeshTri.init_tensor(*(np.linspace(-s / 2, s / 2, round(s / h) + 1) for s in (length, width)))
    return Mesh(made.p, made.t, np.arange(made.p.shape[1]), {"film": np.arange(made.t.shape[1])}, {})


def slab(sides=(12.0, 8.0, 3.0), h=0.5) -> Mesh:
    made = MeshTet.init_tensor(*(np.linspace(-s / 2, s / 2, round(s / h) + 1) for s in sides))
    return Mesh(made.p, made.t, np.arange(made.p.shape[1]), {"slab": np.arange(made.t.shape[1])}, {})


def wire(length=40.0, h=0.25) -> Mesh:
    x = np.linspace(-length / 2, length / 2, round(length / h) + 1)
    points, n = np.stack([x, 0 * x, 0 * x]), len(x)
    return Mesh(points, np.array([range(n - 1), range(1, n)]), np.arange(n), {"wire": np.arange(n - 1)}, {})


def vortices(points: np.ndarray, places: list[tuple[float, float, int]], tilt: float = 0.0) -> dict[str, np.ndarray]:
    """psi = prod tanh(r / 1.1) exp(i n angle), and its current |psi|^2 grad theta; lines lean by tilt along x."""
    x, y, z = (*points, *np.zeros((3 - len(points), points.shape[1])))
    psi, flow = np.ones(x.size, complex), np.zeros((x.size, 3))
    for x0, y0, n in places:
        dx, dy = x - x0 - tilt * z, y - y0
        r = np.hypot(dx, dy) + 1e-12
        psi *= np.tanh(r / 1.1) * np.exp(1j * n * np.arctan2(dy, dx))
        flow += n * np.stack([-dy, dx, 0 * r], axis=1) / (r**2)[:, None]
    current = (np.abs(psi) ** 2)[:, None] * flow + [0.1, 0, 0]
    names = {"psi_re": psi.real, "psi_im": psi.imag, "psi_abs": np.abs(psi), "phase": np.angle(psi)}
    return names | {"mu": -0.02 * x, "supercurrent": current, "normal_current": np.full_like(flow, 0.01)}


def slipping(x: np.ndarray, t: float, period: float = 20.0) -> dict[str, np.ndarray]:
    """A phase-slip centre at 0: the pairs' potential steps there by V, the quasiparticles' bends over a length of 5."""
    v = 2 * np.pi / period
    dip = 1 - 0.95 * np.cos(np.pi * (t / period - 0.5)) ** 8 * np.exp(-((x / 1.5) ** 2))
    turns = v * t * np.where(x > 0, 0.5, -0.5)
    amplitude = dip * np.tanh((np.abs(x).max() - np.abs(x)) / 1.4)
    mu = -0.5 * v * np.tanh(x / 5) * (1 + 0.4 * np.cos(2 * np.pi * t / period))
    psi = amplitude * np.exp(1j * turns)
    current = np.stack([0.2 * amplitude**2, 0 * x, 0 * x], axis=1)
    return {"psi_re": psi.real, "psi_im": psi.imag, "psi_abs": amplitude, "mu": mu, "supercurrent": current,
            "normal_current": 0.2 - current}  # fmt: skip


def film_run(folder, frames=4):
    mesh = film()
    with RunWriter.create(folder, mesh, header=HEADER) as writer:
        for k in range(frames):
            places = [(-6.0 + k, 3.0 - k, 1), (5.0, -1.0 + 0.5 * k, 1), (0.0, -3.0, -1)]
            writer.frame(100.0 * k, vortices(mesh.points, places))
            for x, y, n in places:
                writer.row("zeros", {"t": 100.0 * k, "x": x, "y": y, "z": 0.0, "winding": n})
        writer.checkpoint({})
        writer.finish({})
    return open_run(folder)


def slab_run(folder, frames=2):
    mesh = slab()
    with RunWriter.create(folder, mesh, header={}) as writer:
        for k in range(frames):
            writer.frame(2.0 * k, vortices(mesh.points, [(-3.0 + k, 0.5, 1), (2.5 + k, -1.5, 1)], tilt=0.4))
        writer.checkpoint({})
        writer.finish({})
    return open_run(folder)


def wire_run(folder, frames=101, header=HEADER, mesh=None):
    mesh = mesh or wire()
    with RunWriter.create(folder, mesh, header=header) as writer:
        for t in np.linspace(0.0, 100.0, frames):
            writer.frame(t, slipping(mesh.points[0], t))
        for t in np.linspace(0.05, 100.0, 2000):
            v = 2 * np.pi / 20 * (1 + 0.7 * np.cos(2 * np.pi * t / 20) ** 3) + 3 * np.exp(-t)
            writer.row("voltage", {"t": t, "up|down": v, "up|down impulse": np.pi * t / 10, "up|down slips": t // 20})
        writer.checkpoint({})
        writer.finish({"results": {"voltage": {"mean": 0.3142}}})
    return open_run(folder)
