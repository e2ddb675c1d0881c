"""What a part of the command found: counts, losses, and how it is kept and printed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SHOWN = 20  # losses printed of a part


@dataclass
class Figures:
    """tried : how many of `wanted` were done;  counts : outcome -> number;  losses : what must not happen, in words

    facts : other figures (largest memory, longest time);  seconds : CPU time of all processes
    """

    wanted: int
    tried: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    def largest(self, name: str, value: float) -> None:
        self.facts[name] = max(value, self.facts.get(name, 0.0))

    def tell(self, path: Path) -> None:
        """Keep them, so that the part goes on from here."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(vars(self), indent=1), encoding="utf-8")
        fresh.replace(path)

    @classmethod
    def kept(cls, path: Path) -> Figures | None:
        """Those of an earlier call."""
        try:
            known = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return cls(**{**known, "counts": Counter(known["counts"])})


def table(parts: Iterable[tuple[str, Figures]]) -> str:
    """Markdown: a row a part."""
    lines = ["| what | tried | outcomes | losses | largest | CPU, s |", "| --- | --- | --- | --- | --- | --- |"]
    for title, found in parts:
        counts = ", ".join(f"{n} {word}" for word, n in found.counts.most_common())
        facts = ", ".join(f"{name} {value:.3g}" for name, value in found.facts.items())
        lines.append(
            f"| {title} | {found.tried} | {counts} | {len(found.losses)} | {facts} | {found.seconds:.0f} |"
        )  # fmt: skip
    return "\n".join(lines)


def losses(parts: Iterable[tuple[str, Figures]]) -> str:
    """All losses, in words."""
    lines = []
    for title, found in parts:
        lines += [f"{title}: {loss}" for loss in found.losses[:SHOWN]]
        if len(found.losses) > SHOWN:
            lines.append(f"{title}: ... and {len(found.losses) - SHOWN} more")
    return "\n".join(lines)
