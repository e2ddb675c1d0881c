"""What is wrong with a file, where, and what is known there.

A complaint prints as

    cases/film.yaml:12:3: unknown key 'feild'
        feild: 0.3 Bc2
        ^
      known here: field, flux, current (nearest: field)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from fempslip.contract import Refusal

_SHOWN = 20  # complaints printed of one file
_WIDTH = 110  # characters of a line that are shown


@dataclass(frozen=True, eq=False)
class Source:
    """A text that was read, by the name that messages use."""

    label: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, label: str, text: str) -> Source:
        return cls(label, tuple(text.splitlines()) or ("",))


@dataclass(frozen=True)
class Place:
    """A line and column, both counted from 0, of a source."""

    source: Source
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source.label}:{self.line + 1}:{self.column + 1}"

    def shown(self) -> str:
        """The line with a caret below; long lines are cut around the place."""
        line = self.source.lines[self.line] if self.line < len(self.source.lines) else ""
        start = max(0, self.column - _WIDTH // 2) if len(line) > _WIDTH else 0
        text = line[start : start + _WIDTH]
        before = "".join("\t" if c == "\t" else " " for c in text[: self.column - start])
        return f"    {text}\n    {before}^"


@dataclass(frozen=True)
class Complaint:
    """One thing that is wrong.  known : the names that would have been right;  wrote : the name that was written."""

    place: Place
    message: str
    known: tuple[str, ...] = ()
    wrote: str | None = None

    def __str__(self) -> str:
        parts = [f"{self.place}: {self.message}", self.place.shown()]
        if self.known:
            parts.append(f"  {known_names(self.known, self.wrote)}")
        return "\n".join(parts)


def nearest(wrote: str | None, known: Iterable[str]) -> str | None:
    """The known name closest to what was written, or None."""
    if wrote is None:
        return None
    folded = {name.lower(): name for name in known}
    found = get_close_matches(wrote[:80].lower(), list(folded), n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def known_names(known: Sequence[str], wrote: str | None) -> str:
    """ "known here: a, b, c (nearest: b)"."""
    shown = ", ".join(known[:30]) + (", ..." if len(known) > 30 else "")
    match = nearest(wrote, known)
    return f"known here: {shown}" + (f" (nearest: {match})" if match else "")


def refusal(complaints: Iterable[Complaint]) -> Refusal:
    """One Refusal out of all complaints, in the order of their places and each only once."""
    unique = {(str(c.place), c.message): c for c in complaints}
    ordered = sorted(unique.values(), key=lambda c: (c.place.source.label, c.place.line, c.place.column))
    blocks = [str(c) for c in ordered[:_SHOWN]]
    if len(ordered) > _SHOWN:
        blocks.append(f"... and {len(ordered) - _SHOWN} more")
    return Refusal("\n".join(blocks))
