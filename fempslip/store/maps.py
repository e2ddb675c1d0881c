"""Means over the measured time, node by node: the table `maps`, as last written (an extended run writes it again)."""

from __future__ import annotations

from ..contract import Array, Refusal
from .reader import Run


def maps_of(run: Run) -> dict[str, Array]:
    """Columns density, relaxation, ohmic, share, each (nodes,).  Raises Refusal where nobody watched."""
    if "maps" not in run.tables:
        raise Refusal(f"{run.folder} holds no maps: ask for density_map or dissipation_map before the run")
    table = run.table("maps")
    last = table["t"] == table["t"].max()
    return {name: values[last] for name, values in table.items() if name != "t"}
