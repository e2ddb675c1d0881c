"""Time and memory against the number of nodes, in films and slabs that stay the same; meshing and set-up."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from comparison import bodies
from comparison.report import Asked, Table

SIZES: dict[str, tuple[tuple[int, ...], tuple[float, ...], float]] = {
    "film": ((40, 20), (0.31, 0.18, 0.1, 0.057), 0.6),
    "slab": ((20, 20, 10), (0.56, 0.37, 0.29, 0.217), 0.9),
}  # size, mesh sizes, and that of the run in which the flow settles


def measure(asked: Asked) -> Iterator[Table]:
    with TemporaryDirectory() as fresh:
        os.environ["FEMPSLIP_CACHE"] = fresh  # meshes are made here
        for kind, (size, meshes, coarse) in SIZES.items():
            yield grown(asked, kind, size, meshes, coarse)


def grown(asked: Asked, kind: str, size: tuple[int, ...], meshes: tuple[float, ...], coarse: float) -> Table:
    found, meshing = [], []
    for h in meshes[:2] if asked.quick else meshes:
        question = {"size": size, "h": h, "coarse": coarse, "settle": 30, "until": 4, "after": 2}
        meshing.append(bodies.ask({**question, "gamma": 10, "only": "mesh"}))
        found.append(bodies.ask({**question, "gamma": 10}) | {"mesh": meshing[-1]["mesh"]})
    residual, leak = (max(one[key] for one in found) for key in ("residual", "leak"))
    return Table(
        kind,
        f"{kind} of {' x '.join(map(str, size))} xi in flux flow, gamma = 10",
        (
            "h, xi", "nodes", "mesh, s", "set-up, s", "mean dt", "CG a step", "cycles a step", "psi, ms", "mu, ms",
            "step, ms", "tracking, ms", "ns a node", "CPU s/tau0", "growth", "GiB",
        ),
        [row(h, one, before) for h, one, before in zip(meshes, found, [None, *found], strict=False)],
        f"Time per tau0 grows as N^{exponent(found):.2f} over the whole range. Memory is the peak of the process, the "
        f"tracker and the recorder in it; the mesher, a process of its own, takes up to "
        f"{max(one['memory'] for one in meshing) / 2**20:.1f} GiB. Both sides of the ledger differ by at most "
        f"{residual:.0e}, charge leaks by {leak:.0e} of the largest edge current.",
    )  # fmt: skip


def exponent(found: Sequence[dict[str, Any]]) -> float:
    first, last = found[0], found[-1]
    return float(np.log(last["cpu"] / first["cpu"]) / np.log(last["nodes"] / first["nodes"]))


def row(h: float, one: dict[str, Any], before: dict[str, Any] | None) -> tuple[object, ...]:
    parts = {key: 1e3 * value for key, value in one["parts"].items()}
    growth = "" if before is None else f"N^{exponent([before, one]):.2f}"
    return (
        h, one["nodes"], f"{one['mesh']:.1f}", f"{one['compile'] + one['ready']:.1f}", f"{one['dt']:.2f}",
        f"{one['iterations']:.1f}", f"{one['cycles']:.1f}", f"{parts['psi']:.1f}", f"{parts['mu']:.1f}",
        f"{1e3 * one['step']:.1f}", f"{parts['tracking']:.2f}", f"{1e6 * parts['tracking'] / one['nodes']:.0f}",
        f"{one['cpu']:.4f}", growth, f"{one['memory'] / 2**20:.2f}",
    )  # fmt: skip
