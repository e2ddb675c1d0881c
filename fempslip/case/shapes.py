"""The shapes that regions and holes are made of: one small frozen class each, and how a file names them.

A new shape is a class (in wire_shapes, film_shapes, bulk_shapes or combinations) and a word in SHAPES; the mesh room
registers how gmsh draws it (singledispatch).
Lengths in xi; points have 3 coordinates in wires and bulk pieces, 2 in films.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import BeforeValidator, Discriminator, Tag, ValidationInfo

from fempslip.case.bulk_shapes import Box, Cylinder, Extrude, Pipe, Sphere, Step, Torus, Tube
from fempslip.case.combinations import Combination, Common, Group, Minus, Mirror, Moved, Plus, Repeat, Rotate, Translate
from fempslip.case.film_shapes import Annulus, Disk, Ellipse, Layout, Polygon, Rectangle, Sector, Strip
from fempslip.case.parts import reading, wrong
from fempslip.case.shape import ORIGIN, Array, Center, Shape
from fempslip.case.wire_shapes import Arc, Polyline, Ring, Segment

SHAPES: tuple[type[Shape], ...] = (
    Segment, Polyline, Arc, Ring,
    Rectangle, Disk, Ellipse, Annulus, Sector, Polygon, Strip, Layout,
    Box, Cylinder, Tube, Sphere, Torus, Pipe, Extrude, Step,
    Plus, Minus, Common, Translate, Rotate, Mirror, Repeat, Group,
)  # fmt: skip
KINDS = {shape.kind: shape for shape in SHAPES}


def _kind(data: Any) -> str | None:
    return data.kind if isinstance(data, Shape) else next(iter(data))


def _one_known_kind(data: Any) -> Any:
    """`{disk: {...}}`: a mapping with the kind as its only key."""
    if isinstance(data, Shape):
        return data
    if not isinstance(data, dict):
        raise wrong("{here} wants a shape, such as {disk: {radius: 5 xi}}", tuple(KINDS), str(data))
    if len(data) != 1:
        raise wrong("{here} wants one shape; write plus or minus to combine several", tuple(KINDS))
    if next(iter(data)) not in KINDS:
        raise wrong(f"{{here}}: {next(iter(data))!r} is no shape", tuple(KINDS), str(next(iter(data))))
    return data


def _unwrapped(kind: str) -> BeforeValidator:
    def body(data: Any, info: ValidationInfo) -> Any:
        if isinstance(data, Shape):
            return data
        if kind == "group":
            return {"name": str(data[kind]), "of": reading(info).dimension}
        return {"parts": data[kind]} if issubclass(KINDS[kind], Combination) else data[kind]

    return BeforeValidator(body)


if TYPE_CHECKING:
    AnyShape = Shape
else:
    _TYPES = tuple(Annotated[shape, _unwrapped(shape.kind), Tag(shape.kind)] for shape in SHAPES)
    AnyShape = Annotated[Union[_TYPES], Discriminator(_kind), BeforeValidator(_one_known_kind)]  # noqa: UP007

_MODELS: list[type[Shape]] = [Combination, Moved, *SHAPES]
for _shape in _MODELS:
    _shape.model_rebuild(_types_namespace={"AnyShape": AnyShape})

__all__ = [
    "KINDS", "ORIGIN", "SHAPES", "Annulus", "AnyShape", "Arc", "Array", "Box", "Center", "Combination", "Common",
    "Cylinder", "Disk", "Ellipse", "Extrude", "Group", "Layout", "Minus", "Mirror", "Moved", "Pipe", "Plus", "Polygon",
    "Polyline", "Rectangle", "Repeat", "Ring", "Rotate", "Sector", "Segment", "Shape", "Sphere", "Step", "Strip",
    "Torus", "Translate", "Tube",
]  # fmt: skip
