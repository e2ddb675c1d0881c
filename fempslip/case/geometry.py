"""A geometry: regions made of shapes, holes, and named boundaries, probes and contours."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator

from fempslip.case.parts import (
    BoundaryName,
    Direction,
    FileName,
    HoleName,
    Length,
    Listed,
    NewName,
    Part,
    Point,
    Positive,
    RegionName,
    Z,
    one_of,
    reading,
    wrong,
)
from fempslip.case.shapes import AnyShape, Group, Shape

EDGES = ("left", "right", "bottom", "top", "outer", "inner", "first", "last")
ENDS = ("first", "last")
FACES = ("left", "right", "front", "back", "bottom", "top", "side", "outer", "inner", "first", "last")
_WORD_OF_DIMENSION = {1: "end", 2: "edge", 3: "face"}


def _fits(shape: Shape, info: ValidationInfo) -> Shape:
    wanted = reading(info).dimension
    if shape.dimension != wanted:
        raise wrong(f"{{here}}: {shape.kind} is a shape of dimension {shape.dimension}; the geometry has {wanted}")
    return shape


def _fits_around(shape: Shape, info: ValidationInfo) -> Shape:
    space = reading(info).space
    if shape.dimension != space:
        raise wrong(f"{{here}}: within wants a shape of dimension {space} here; {shape.kind} has {shape.dimension}")
    return shape


Body = Annotated[AnyShape, AfterValidator(_fits)]
Surroundings = Annotated[AnyShape, AfterValidator(_fits_around)]


class Import(Part):
    """A mesh that was made elsewhere.  unit : length of one unit of the file"""

    file: FileName
    unit: Annotated[Length, Positive] = 1.0


class PointHole(Part):
    """A hole that no shape has to cut out: a point that a ring or annulus surrounds (direction: 3D, along the hole)."""

    point: Point
    direction: Direction = Z


def _hole(data: Any, info: ValidationInfo) -> Any:
    if isinstance(data, dict) and "point" not in data and reading(info).dimension == 1:
        raise wrong("{here}: a hole that a wire surrounds is given by a point: {point: [0, 0]}")
    return data


def _only_region(name: Any, info: ValidationInfo) -> Any:
    regions = reading(info).names.get("region", ())
    if name is None and info.data.get("group") is not None and regions:
        return regions[0]  # a group is found by itself, whatever its region
    if name is None and len(regions) != 1:
        raise wrong("{here}: say whose boundary it is with of", regions)
    return regions[0] if name is None else name


class BoundarySpec(Part):
    """Part of the surface of a region: one of edge (2D), end (1D), face (3D), or whatever lies within a shape."""

    edge: Annotated[str, one_of(*EDGES)] | None = None
    end: Annotated[str, one_of(*ENDS)] | None = None
    face: Annotated[str, one_of(*FACES)] | None = None
    within: Surroundings | None = None
    group: str | None = None
    of: Annotated[RegionName | None, BeforeValidator(_only_region)] = Field(default=None, validate_default=True)

    @model_validator(mode="after")
    def _one_way(self, info: ValidationInfo) -> BoundarySpec:
        given = [key for key in ("edge", "end", "face", "within", "group") if getattr(self, key) is not None]
        wanted = _WORD_OF_DIMENSION[reading(info).dimension]
        if len(given) != 1 or given[0] not in (wanted, "within", "group"):
            said = " and ".join(given) or "nothing"
            raise wrong(
                f"{{here}}: a boundary of a {reading(info).dimension}D geometry wants {wanted} or within, not {said}"
            )
        return self

    @property
    def side(self) -> str | None:
        """The named side, or None where a shape says it."""
        return self.edge or self.end or self.face


def _which(data: Any) -> str:
    return "marked" if isinstance(data, PointHole) or (isinstance(data, dict) and "point" in data) else "cut"


Hole = Annotated[
    Annotated[PointHole, Tag("marked")] | Annotated[Body, Tag("cut")],  # type: ignore[operator]
    Discriminator(_which),
    BeforeValidator(_hole),
]


def _values(data: Any, info: ValidationInfo) -> Any:
    """Parameters were read before all else: their values."""
    known = reading(info).quantities.parameters
    return {name: known[name][0] for name in data if name in known} if isinstance(data, dict) else data


JoinedPair = Annotated[tuple[BoundaryName, BoundaryName], Listed]


class Geometry(Part):
    """Named parts; a later region takes its place out of earlier ones, holes are cut out of all.

    parameters : their values in xi, or plain numbers
    periodic : name -> two boundaries that are joined: what leaves by one comes in by the other
    """

    name: NewName = "geometry"
    dimension: Literal[1, 2, 3]
    parameters: Annotated[dict[NewName, float], BeforeValidator(_values)] = Field(default_factory=dict)
    imported: Import | None = Field(default=None, alias="import")
    regions: dict[NewName, Body]
    holes: dict[NewName, Hole] = Field(default_factory=dict)
    boundaries: dict[NewName, BoundarySpec] = Field(default_factory=dict)
    periodic: dict[NewName, JoinedPair] = Field(default_factory=dict)
    probes: dict[NewName, Point] = Field(default_factory=dict)
    contours: dict[NewName, HoleName] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _groups_belong_to_a_file(self) -> Geometry:
        """All regions are groups of the imported mesh, or none is."""
        for name, shape in self.regions.items():
            if isinstance(shape, Group) != (self.imported is not None):
                wanted = (
                    "group of the imported mesh, {group: NAME}" if self.imported else "`import: {file: ..}` beside it"
                )
                raise wrong(f"{{here}}.regions.{name}: a {shape.kind} wants {wanted}")
        for name, hole in self.holes.items():
            if self.imported is not None and isinstance(hole, Shape):
                raise wrong(f"{{here}}.holes.{name}: an imported mesh has its holes; name one by a point")
        for name, boundary in self.boundaries.items():
            if boundary.group is not None and self.imported is None:
                raise wrong(f"{{here}}.boundaries.{name}: a group wants `import: {{file: ..}}` in the geometry")
        return self

    @model_validator(mode="after")
    def _joined_once(self) -> Geometry:
        """A boundary belongs to one period, whose name is no hole's: both are threaded by a flux."""
        taken: dict[str, str] = {}
        for name, pair in self.periodic.items():
            if name in self.holes:
                raise wrong(f"{{here}}.periodic.{name}: a hole has this name already")
            for boundary in pair:
                if taken.setdefault(boundary, name) != name or pair[0] == pair[1]:
                    raise wrong(f"{{here}}.periodic.{name}: {boundary!r} is joined already: name two other boundaries")
        return self

    @model_validator(mode="after")
    def _sides_exist(self) -> Geometry:
        for name, boundary in self.boundaries.items():
            shape = self.regions.get(boundary.of or "")
            if shape is not None and boundary.side is not None and boundary.side not in shape.sides:
                has = ", ".join(shape.sides) or "no ends"
                raise wrong(f"{{here}}.boundaries.{name}: a {shape.kind} has {has}", shape.sides, boundary.side)
        return self
