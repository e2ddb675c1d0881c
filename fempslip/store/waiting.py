"""Rows and frames that wait in memory for the next commit, already as they will stand in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..contract import Array, Mesh
from . import layout as lay

BLOCK = 1 << 22  # bytes of frames in a block, or one frame


@dataclass
class Rows:
    """Rows of a table in their order: blocks (columns, rows), and behind them single rows."""

    columns: tuple[str, ...]
    blocks: list[Array] = field(default_factory=list)
    single: list[list[float]] = field(default_factory=list)

    def add(self, values: Mapping[str, float]) -> None:
        self.single.append([float(values[name]) for name in self.columns])

    def add_many(self, columns: Mapping[str, Array], count: int) -> None:
        block = np.empty((len(self.columns), count))
        for place, name in zip(block, self.columns, strict=True):
            place[:] = columns[name]
        self.together()
        self.blocks.append(block)

    def together(self) -> None:
        """Single rows become a block."""
        if self.single:
            self.blocks.append(np.array(self.single).T)
            self.single = []

    def taken(self) -> dict[str, Array]:
        """Column -> (rows,)."""
        self.together()
        return dict(zip(self.columns, np.concatenate(self.blocks, axis=1), strict=True))


@dataclass
class Frames:
    """Frames of one shape.  order : vertices -> nodes, None where they are the same;  depth : frames in a block

    fields : name -> components (1 or 3);  edges : name -> edges
    blocks : of name -> (depth, vertices[, 3]) and name -> (depth, edges), written as they are: frames are copied once;
    some more than `count` needs when fewer wait than before
    """

    order: Array | None
    vertices: int
    fields: Mapping[str, int]
    edges: Mapping[str, int]
    depth: int
    size: int
    blocks: list[tuple[dict[str, Array], dict[str, Array]]] = field(default_factory=list)
    count: int = 0

    @classmethod
    def of(cls, mesh: Mesh, fields: Mapping[str, int], edges: Mapping[str, int]) -> Frames:
        order, n = mesh.node_of_vertex, mesh.node_of_vertex.size
        size = n * sum(parts * lay.kind_of(name).itemsize for name, parts in fields.items()) + 8 * sum(edges.values())
        plain = np.array_equal(order, np.arange(n))
        return cls(None if plain else order, n, dict(fields), dict(edges), max(BLOCK // max(size, 1), 1), size)

    def add(self, fields: Mapping[str, Array], edges: Mapping[str, Array]) -> None:
        number, k = divmod(self.count, self.depth)
        if number == len(self.blocks):
            self.blocks.append(self.room())
        shown, beside = self.blocks[number]
        for name, values in fields.items():
            shown[name][k] = values if self.order is None else values[self.order]
        for name, values in edges.items():
            beside[name][k] = values
        self.count += 1

    def room(self) -> tuple[dict[str, Array], dict[str, Array]]:
        shown = {
            name: np.empty((self.depth, self.vertices, 3)[: 3 if parts == 3 else 2], lay.kind_of(name))
            for name, parts in self.fields.items()
        }
        return shown, {name: np.empty((self.depth, size)) for name, size in self.edges.items()}

    def taken(self) -> tuple[dict[str, list[Array]], dict[str, list[Array]]]:
        """Name -> blocks, of fields and of numbers of edges."""
        if not self.count:
            return {}, {}
        full, rest = divmod(self.count, self.depth)
        cut = [slice(None)] * full + [slice(rest)] * (rest > 0)
        shown, beside = (
            {name: [block[part][name][rows] for block, rows in zip(self.blocks, cut, strict=False)] for name in names}
            for part, names in enumerate((self.fields, self.edges))
        )
        return shown, beside

    def clear(self) -> None:
        """Nothing waits; the blocks that were needed are used again."""
        del self.blocks[-(-self.count // self.depth) :]
        self.count = 0
