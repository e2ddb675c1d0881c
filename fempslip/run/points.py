"""The points of a batch: known from its sweep, or found one after the other by what came out of those before."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from fempslip.case import Case
from fempslip.case.sweep import Search, Sweep
from fempslip.contract import Refusal

LONGEST = 150  # characters of a folder's name
UNNAMED = re.compile(r"[^A-Za-z0-9.+-]+")


@dataclass(frozen=True)
class Point:
    """One run of a batch.

    name : its folder in the batch;  document : its case, complete;  before : name of the point whose last state it
    starts from;  identity : of its case and of all points before it
    """

    name: str
    values: Mapping[str, Any]
    document: str
    before: str | None
    identity: str


class Chain(Protocol):
    """Points that are solved one after the other."""

    @property
    def most(self) -> int:
        """How many there are, or may be."""
        ...

    def walk(self, folder: Path) -> Iterator[Point]:
        """Its points in order, as far as the runs in the folder tell; each is to be solved before the next is asked."""
        ...


@dataclass(frozen=True)
class Listed:
    """Points that are known from the start."""

    points: tuple[Point, ...]

    @property
    def most(self) -> int:
        return len(self.points)

    def walk(self, folder: Path) -> Iterator[Point]:
        yield from self.points


@dataclass(frozen=True)
class Bisection:
    """Points that close in on the value from which on a result exceeds a limit.

    bare : document of the case without a sweep;  others : the values that stay
    """

    bare: str
    others: Mapping[str, Any]
    search: Search

    @property
    def most(self) -> int:
        return self.search.most

    def walk(self, folder: Path) -> Iterator[Point]:
        """Ends at a point that is not finished: only its result tells where to go on."""
        answers: dict[float, bool] = {}
        while (number := self.search.next(answers)) is not None:
            point = self.point(number)
            yield point
            if status(folder / point.name) != "finished":
                return
            answers[number] = self.exceeds(folder / point.name)

    def point(self, number: float) -> Point:
        values = {**self.others, self.search.path: self.search.written(number)}
        document = document_at(self.bare, tuple(values.items()))
        name = folder_name(values)
        if len(name) > LONGEST:
            name = f"{name[:LONGEST]},{short_hash(name)}"
        return Point(name, values, document, None, identity_of(document))

    def exceeds(self, folder: Path) -> bool:
        """A mean voltage that is not quoted, for there were too few slips, exceeds any limit."""
        value = (summary_of(folder) or {}).get("results", {})
        for key in self.search.result.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value is None or abs(float(value)) > self.search.above


@lru_cache(maxsize=4096)
def document_at(bare: str, values: tuple[tuple[str, Any], ...]) -> str:
    """The document of a case at a point."""
    from fempslip.case.loading import load_text

    return load_text(bare, "case.yaml", dict(values)).document()


# ------------------------------------------------------------------------------------------- which points


def planned(case: Case, sweep: Sweep) -> list[Chain]:
    """All points of a sweep, chain by chain.  Raises Refusal where a value is wrong, or two points are the same."""
    bare = case.vary({"sweep": None, "expect": None})
    if sweep.search is not None:
        return [bisection(case, bare, point, sweep.search) for [point] in sweep.chains()]
    chains: list[Chain] = []
    names: set[str] = set()
    for number, values in enumerate(sweep.chains()):
        chain: list[Point] = []
        for point in values:
            document = bare.vary(point).document()
            before = chain[-1] if chain else None
            name = folder_name(point)
            if sweep.chain is not None:
                name = f"{name[:LONGEST]},{len(chain) + 1:03d}"
            if len(name) > LONGEST + 10:
                name = f"{name[:LONGEST]},{number + 1:04d}"
            identity = identity_of(document, before.identity if before else "")
            chain.append(Point(name, point, document, before.name if before else None, identity))
            if name in names:
                raise Refusal(f"a batch runs each point once: there are two with the values {name}")
            names.add(name)
        chains.append(Listed(tuple(chain)))
    return chains


def bisection(case: Case, bare: Case, others: Mapping[str, Any], search: Search) -> Bisection:
    """A search at the other values; both of its ends must make a case."""
    asked = search.result.partition(".")[0]
    if asked not in case.postprocess:
        words = f"the search reads {search.result}: postprocess must have the recipe {asked!r}"
        raise case.refuse("sweep.search", words, case.postprocess, asked)
    for end in (search.low, search.high):
        bare.vary({**others, search.path: search.written(end)})
    return Bisection(bare.document(), dict(others), search)


def identity_of(document: str, before: str = "") -> str:
    return hashlib.sha256(f"{before}\n{document}".encode()).hexdigest()


def short_hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def folder_name(point: Mapping[str, object]) -> str:
    """current.density=0.2_j0,gamma=1: the last two words of each path and its value, safe as a file name."""
    parts = (f"{'.'.join(path.split('.')[-2:])}={UNNAMED.sub('_', str(value))}" for path, value in point.items())
    return ",".join(parts)


# ------------------------------------------------------------------------------------------- how far they are


def status(folder: Path) -> str:
    """waiting, cut short, failed or finished."""
    found = summary_of(folder)
    if found is None:
        return "cut short" if (folder / "fields.vtkhdf").is_file() else "waiting"
    ended = str(found.get("status"))
    return {"stopped": "cut short"}.get(ended, ended)


def summary_of(folder: Path) -> dict[str, Any] | None:
    try:
        read = json.loads((folder / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None
