"""A slab in flux flow, beside pytdgl3d on the same box with the same edge length."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

from comparison import bodies
from comparison.report import Asked, Table, ask

BOXES = {"4 k": (10, 10, 5), "16 k": (20, 20, 5), "32 k": (20, 20, 10)}
EDGE, GAMMA = 0.5, 10
STEPS = 1e-2  # dt_max of the peer, its default and near the limit of its explicit step at gamma = 10
# what it says of itself at 128 k sites, measured once: 493 s of factorisation, 8.3 GiB, 2.3 s a step of 0.01 tau0
LARGE = {"sites": 128_000, "cpu": 229.0, "memory": 8.3 * 2**20}
LARGE_BOX = (40, 40, 10)


def measure(asked: Asked) -> Iterator[Table]:
    """The cost of both, in turn; nothing is said of voltages, for the peer's Laplacian is not that of the equations."""
    python = asked.python_of("pytdgl3d")
    rows, parts = [], []
    for name, size in BOXES.items():
        ours, theirs = [], []
        for _ in range(asked.repeat):
            settle = 20 if asked.quick else 60
            question = {"size": size, "h": EDGE, "coarse": 0.9, "settle": settle, "gamma": GAMMA, "record": 2}
            ours.append(bodies.ask({**question, "until": 5 if asked.quick else 12, "after": 3}))
            if python is not None:
                peer = {"size": size, "edge": EDGE, "field": bodies.FIELD, "gamma": GAMMA, "dt_max": STEPS, "warm": 60}
                theirs.append(ask(python, "pytdgl3d_box.py", {**peer, "until": 0.2}))
        rows.append(row(name, ours, theirs))
        parts.append(shares(name, ours))
    rows.append(large(asked))
    yield Table(
        "cost",
        "Slab, b = 0.3, j = 0.1, gamma = 10, edges of 0.5 xi",
        (
            "box", "nodes", "their sites", "mean dt", "CG a step", "CPU ms a step", "CPU s/tau0", "theirs, CPU s/tau0",
            "ratio", "GiB", "theirs, GiB",
        ),
        rows,
        "Flux flow between normal contacts here; theirs without contacts, files and energies, its bare step. The flow "
        "of a coarse mesh is carried to ours and goes on for 3 tau0 before counting. CPU seconds, one thread, medians.",
    )  # fmt: skip
    yield Table(
        "parts",
        "Parts of a step of the slab, CPU ms",
        ("box", "psi", "mu", "rest", "tracking", "ns a node", "tracking/step", "ledger", "frames/step"),
        parts,
        "frames/step: making and handing over a frame every 2 tau0. Checkpoints come by wall time, at most 5 % of it.",
    )


def large(asked: Asked) -> tuple[object, ...]:
    """Ours, once, beside what the peer was quoted with: it would take hours."""
    peer = (f"{LARGE['cpu']:.0f}",)
    memory = f"{LARGE['memory'] / 2**20:.1f}"
    if asked.quick:
        return ("128 k, quoted", "", LARGE["sites"], "", "", "", "", *peer, "", "", memory)
    question = {"size": LARGE_BOX, "h": EDGE, "coarse": 0.9, "settle": 20, "gamma": GAMMA, "record": 2}
    one = bodies.ask({**question, "until": 8, "after": 3})
    own = (f"{one['dt']:.2f}", f"{one['iterations']:.1f}", f"{1e3 * one['step']:.1f}", f"{one['cpu']:.4f}")
    ratio, ours = f"{LARGE['cpu'] / one['cpu']:.0f}", f"{one['memory'] / 2**20:.2f}"
    return ("128 k, theirs quoted", one["nodes"], LARGE["sites"], *own, *peer, ratio, ours, memory)


def row(name: str, ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> tuple[object, ...]:
    one = middle(ours)
    head = (name, one["nodes"])
    own = (f"{one['dt']:.2f}", f"{one['iterations']:.1f}", f"{1e3 * one['step']:.1f}", f"{one['cpu']:.4f}")
    memory = f"{one['memory'] / 2**20:.2f}"
    if not theirs:
        return (*head, "", *own, "", "", memory, "")
    peer = middle(theirs)
    ratio = median(b["cpu"] / a["cpu"] for a, b in zip(ours, theirs, strict=True))
    return (*head, peer["sites"], *own, f"{peer['cpu']:.2f}", f"{ratio:.0f}", memory, f"{peer['memory'] / 2**20:.2f}")


def middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of median cost."""
    return sorted(runs, key=lambda one: one["cpu"])[len(runs) // 2]


def shares(name: str, ours: list[dict[str, Any]]) -> tuple[object, ...]:
    one = middle(ours)
    parts, step = {key: 1e3 * value for key, value in one["parts"].items()}, 1e3 * one["step"]
    return (
        name, f"{parts['psi']:.2f}", f"{parts['mu']:.2f}", f"{parts['rest']:.2f}", f"{parts['tracking']:.2f}",
        f"{1e6 * parts['tracking'] / one['nodes']:.0f}", f"{100 * parts['tracking'] / step:.0f} %",
        f"{parts['ledger']:.2f}", f"{100 * parts.get('frames', 0.0) / step:.0f} %",
    )  # fmt: skip
