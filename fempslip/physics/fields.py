"""What a frame shows: fields at nodes, from a state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from fempslip.contract import Array, Problem, State
from fempslip.mesh.simplices import column_numbers, corner_sums, gradients, pairs, volumes
from fempslip.physics import kernels
from fempslip.physics.applied import framed, potential_rate


def vectors(problem: Problem, circulation: Array) -> Array:
    """(nodes, 3) vectors at nodes of a field given by its circulations along edges (edges,)."""
    (found,) = problem.operators.matrices.vectors(circulation[None])
    out = np.zeros((problem.operators.nodes, 3))
    out[:, : found.shape[1]] = found
    return out


def supercurrent(problem: Problem, state: State) -> Array:
    """J_s = Im[psi* (grad - iA) psi] : (nodes, 3)."""
    return problem.kinetic[:, None] * vectors(problem, flow(problem, state))


def flow(problem: Problem, state: State) -> Array:
    """Im[psi_i* exp(-i a) psi_j] of each edge, (edges,)."""
    out = np.empty(state["a"].size)
    kernels.flow(state["psi"], state["a"], problem.operators.edges, out)
    return out


def electric(problem: Problem, state: State, edges: Array | slice = slice(None)) -> Array:
    """Circulation of E = -grad mu - dA/dt along edges, from the right at a kink of the drive: (edges,).

    A field that steps A itself keeps it in the state, as `e`; else A changes as the applied potential does.
    """
    if "e" in state.history:
        return state["e"][edges]
    ends = problem.operators.edges[:, edges]
    rate, found = potential_rate(problem.drive, state.t), np.empty(ends.shape[1])
    kernels.descent(state["mu"], ends, found)
    return found if rate is None else found - rate[edges]


def pair_potential(old: State, new: State) -> Array:
    """-d theta/dt, the potential of the pairs (nodes,): mu - d(arg psi)/dt in temporal gauge.

    Equal to mu where the Josephson relation holds; the difference is the charge imbalance.
    """
    out = np.empty(new["mu"].size)
    kernels.pair_potential(new["mu"], old["psi"], new["psi"], new.t - old.t, out)
    return out


def induction(problem: Problem, a: Array) -> Array:
    """B = curl A at nodes, (nodes, 3): the constant curl of each cell, averaged by volume.  a : (edges,)."""
    mesh, op = problem.mesh, problem.operators
    volume = volumes(mesh.points, mesh.cells)
    nodes = mesh.node_of_vertex[mesh.cells]
    b = np.zeros((volume.size, 3))
    if mesh.dim == 2:
        b[:, 2] = (op.C @ a) / volume
    else:
        grad = gradients(mesh.points, mesh.cells)
        for i, j in pairs(3):
            ends = np.sort(nodes[[i, j]], axis=0)
            along = np.where(nodes[i] < nodes[j], 1.0, -1.0) * a[column_numbers(op.edges, ends, op.nodes)]
            b += 2 * along[:, None] * np.cross(grad[:, i], grad[:, j])
    found = [corner_sums(nodes, volume * part, op.nodes) for part in b.T]
    return np.stack(found, axis=1) / corner_sums(nodes, volume, op.nodes)[:, None]


def visible(problem: Problem, old: State | None, new: State) -> Mapping[str, Array]:
    """The stored fields of a frame, by name.

    psi is given in the gauge of the applied potential, psi exp(-i chi): there its phase is smooth in space and a frame
    needs no more than the case's applied field to be continued or searched for zeros.  With chi it is psi and a of the
    temporal gauge again.  With a field of its own psi is in the temporal gauge (maxwell, charged) or, without chi, in
    that of the whole field (pearl); `on_edges` holds its potential.
    """
    psi = new["psi"]
    turn = framed(new["chi"]) if "chi" in new.history else np.ones_like(psi)
    names = ("psi_re", "psi_im", "psi_abs", "phase")
    shown = dict(zip(names, np.empty((4, psi.size)), strict=True))
    kernels.polar(psi, turn, *shown.values())
    if "chi" in new.history:
        shown["chi"] = new["chi"]
    if "mu" in new.history:
        shown |= {"mu": new["mu"], "mu_pair": new["mu"] if old is None else pair_potential(old, new)}
    if problem.model.get("screening") == "maxwell":
        shown["induction"] = induction(problem, new["a"])
    if problem.fluid is not None:  # a superfluid has no normal current
        none = np.zeros((problem.operators.nodes, 3))
        return shown | {"supercurrent": supercurrent(problem, new), "normal_current": none}
    both = both_currents(problem, flow(problem, new), electric(problem, new))
    return shown | dict(zip(("supercurrent", "normal_current"), both, strict=True))


def both_currents(problem: Problem, flow: Array, force: Array) -> Array:
    """J_s and J_n, (2, nodes, 3), from Im[psi_i* exp(-i a) psi_j] and the circulation of E along edges.

    The operator is read once for both, and in a body, where it is longer than all others together, not made.
    """
    if problem.mesh.dim == 3:
        out = problem.operators.matrices.vectors(np.stack([flow, force]))
        out[0] *= problem.kinetic[:, None]
        out[1] *= problem.sigma[:, None]
        return out
    matrix, out = problem.operators.node_vector, np.zeros((2, problem.operators.nodes, 3))
    start, column = (np.asarray(part).view(f"u{part.itemsize}") for part in (matrix.indptr, matrix.indices))
    kernels.at_nodes(start, column, matrix.data, flow, force, problem.kinetic, problem.sigma, out)
    return out


def on_edges(state: State) -> Mapping[str, Array]:
    """What a frame holds beside `visible` where the sample has a field of its own: a and E of the temporal gauge."""
    return {name: state[name] for name in ("a", "e")} if "e" in state.history else {}
