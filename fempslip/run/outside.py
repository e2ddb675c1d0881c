"""What stands outside the sample, as a pattern of the applied potential on the edges of its mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from fempslip.case import MeshedCase
from fempslip.case.sources import FieldTable
from fempslip.contract import Array, Mesh, Operators
from fempslip.mesh import sources
from fempslip.mesh.simplices import volumes

EXACT = 1e-3  # of the largest circulation, what doubling the points of a line integral may change
CURL = 0.05  # of the largest |B_z|, by which the flux of a face may differ from that of its table, on average


def pattern_of(case: MeshedCase, mesh: Mesh, op: Operators, source: Any) -> Array:
    """Circulations of its potential, (edges,).  Raises Refusal where it stands in the sample or is too coarse."""
    if mesh.periods:
        raise case.refuse("drive.field", "a body with joined boundaries takes a uniform field only")
    potential = sources.potential_of(source)
    with np.errstate(divide="ignore", invalid="ignore"):
        pattern = sources.circulations(mesh, op, potential)
        finer = sources.circulations(mesh, op, potential, 12)
    if isinstance(source, FieldTable):
        if source.gives == "bz":
            refuse_torn(case, mesh, op, source, pattern)
        return finer
    if not np.all(np.isfinite(finer)) or np.abs(finer - pattern).max() > EXACT * np.abs(finer).max():
        kind = type(source).__name__.lower()
        words = f"the {kind} stands in the sample or within a cell of it: move it away by more than {mesh.size:.2g} xi"
        raise case.refuse("drive.field", words)
    return finer


def refuse_torn(case: MeshedCase, mesh: Mesh, op: Operators, source: FieldTable, pattern: Array) -> None:
    """The flux through faces against the table, at their middles."""
    area = volumes(mesh.points, mesh.cells)
    values = sources.table_values(np.array(source.rows), 1, source.unit, source.field)
    wanted = values(mesh.points[:, mesh.cells].mean(axis=1))[0]
    found = (op.C @ pattern) / area
    most = float(np.abs(wanted).max(initial=0.0))
    if most and float(area @ np.abs(found - wanted)) > CURL * most * area.sum():
        raise case.refuse("drive.field", "the table of B_z is too coarse or too ragged for this mesh: give more points")
