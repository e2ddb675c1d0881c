"""Phase slips of a film or a body: what swept its whole section within a moment.

In a thin bar lines come and go within tau_z, several at once and in parts, and some pass the section between two
samples: which line was which means nothing there, the slip is the object.  So crossed edges that lie close to each
other in place and time make one slip, and the part of sum p W that they give, p the spread path between two places
(topology.ledger), is its winding: whole but for what stands half crossed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from fempslip.contract import Array

CLOSE = 3.0  # xi between crossings of one slip
FINE = 8  # cells in the length and the time of which crossings are gathered first
Table = Mapping[str, Array]


def slips(t: Array, place: Array, share: Array, pause: float, close: float = CLOSE) -> dict[str, Array]:
    """Columns t, x, y, z, amount, winding, duration of what crossed together, in order of time; those of winding 0 too.

    t, share : (crossings,) when, and p W;  place : (3, crossings);  pause : time without crossings that ends a slip
    amount : sum of p W;  t, x, y, z : means weighted with |p W|
    """
    names = ("t", "x", "y", "z", "amount", "winding", "duration")
    used = np.flatnonzero(share)
    if not used.size:
        return {name: np.zeros(0) for name in names}
    scaled = np.array([*(place[:, used] / close), t[used] / pause])
    cells, number = np.unique(np.floor(FINE * scaled).astype(np.int64), axis=1, return_inverse=True)
    pairs = cKDTree((cells + 0.5).T / FINE).query_pairs(1.0, output_type="ndarray")
    joined = coo_array((np.ones(len(pairs)), pairs.T), shape=(cells.shape[1],) * 2)
    count, label = connected_components(joined, directed=False)
    group, weight = label[number.ravel()], np.abs(share[used])
    total = np.bincount(group, weight, minlength=count)
    t_of, *xyz = (np.bincount(group, weight * row, minlength=count) / total for row in (t[used], *place[:, used]))
    amount = np.bincount(group, share[used], minlength=count)
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, group, t[used])
    np.maximum.at(last, group, t[used])
    columns = dict(zip(names, (t_of, *xyz, amount, np.rint(amount), last - first), strict=True))
    order = np.argsort(t_of, kind="stable")
    return {name: values[order] for name, values in columns.items()}
