"""The gauge of an applied potential that a bank needs: no circulation along its edges.

A bank is one equipotential superconductor: no electric field runs along it, -grad mu - dA/dt = 0.  With one mu for the
whole bank that holds when the applied potential does not change along its edges; a gradient makes it so.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from fempslip.contract import Array, Contact, Operators
from fempslip.solver.linear import factored


def at_rest_on_banks(op: Operators, contacts: tuple[Contact, ...], pattern: Array) -> Array:
    """The pattern of an applied potential, (edges,), plus the gradient that takes it off the edges of banks.

    Along a bank's line the circulation vanishes; on a face pierced by the field what is left is the least possible.
    """
    banks = [c for c in contacts if c.kind == "bank" and c.nodes.size > 1]
    if not banks:
        return pattern
    fixed, value = np.zeros(op.nodes, dtype=bool), np.zeros(op.nodes)
    for bank in banks:
        fixed[bank.nodes] = True
        value[bank.nodes] = least_along(op, bank, pattern)
    return pattern + op.G @ spread_smoothly(op, fixed, value)


def least_along(op: Operators, bank: Contact, pattern: Array) -> Array:
    """f at the bank's nodes, (bank nodes,), that makes pattern + G f least on its edges; its mean is zero."""
    here = np.zeros(op.nodes, dtype=bool)
    here[bank.nodes] = True
    edges = np.flatnonzero(here[op.edges].all(axis=0))
    gradient = op.G[edges][:, bank.nodes].toarray()
    f = np.linalg.lstsq(gradient, -pattern[edges], rcond=None)[0]
    return f - bank.weights @ f


def spread_smoothly(op: Operators, fixed: Array, value: Array) -> Array:
    """The harmonic function with these values at the fixed nodes, (nodes,)."""
    laplace = sp.csr_array(op.G.T @ op.G)
    free = np.flatnonzero(~fixed)
    f = value.copy()
    f[free] = factored(sp.csr_array(laplace[free][:, free]))(-(laplace[free] @ value))
    return f
