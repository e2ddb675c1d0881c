"""Rows of the tables that say what happened to zeros, the same for films and bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array, Sink


@dataclass
class EventLog:
    """Tables `events` (number, t0, t1, kind, place, part of boundary, dim) and `event_ids` (number, id, side, winding).

    kind : place in topology.linking.KINDS;  side : -1 for an id before the event, +1 for one after it
    winding : of a film's zero; 0 for lines, which have a direction instead
    """

    number: int = 0

    def row(
        self, sink: Sink, t0: float, t1: float, kind: int, place: tuple[float, ...], boundary: int,
        before: Array, after: Array, dim: bool = False,
    ) -> None:  # fmt: skip
        """One event of a body.  before, after : ids of lines that end and begin;  dim : where psi is nearly normal."""
        x, y, z = place
        self.number += 1
        row = {"number": self.number, "t0": t0, "t1": t1, "kind": kind, "x": x, "y": y, "z": z, "part": boundary}
        row["dim"] = dim
        sink.row("events", row)
        ident = np.concatenate([before, after])
        if ident.size:
            side = np.repeat([-1, 1], [before.size, after.size])
            number, winding = np.full(ident.size, self.number), np.zeros(ident.size, dtype=np.int64)
            sink.rows("event_ids", {"number": number, "id": ident, "side": side, "winding": winding})

    def rows(
        self, sink: Sink, t0: float, t1: float, kinds: Array, places: Array, parts: Array, dim: Array, ids: Array
    ) -> None:
        """Several events of a film at once.

        kinds, parts, dim : (events,);  places : (2, events)
        ids : (4, events) before + and -, after + and -, 0 for none
        """
        count = kinds.size
        if not count:
            return
        number, self.number = self.number + 1 + np.arange(count), self.number + count
        same = {"t0": np.full(count, t0), "t1": np.full(count, t1), "kind": kinds}
        place = {"x": places[0], "y": places[1], "z": np.zeros(count)}
        sink.rows("events", {"number": number, **same, **place, "part": parts, "dim": dim})
        event, slot = np.nonzero(ids.T)
        if event.size:
            side, winding = np.where(slot < 2, -1, 1), np.where(slot % 2, -1, 1)
            sink.rows(
                "event_ids", {"number": number[event], "id": ids.T[event, slot], "side": side, "winding": winding}
            )
