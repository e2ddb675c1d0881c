"""The command: `python -m benchmarks.reliability [PART ...]`."""

from __future__ import annotations

import argparse
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

from benchmarks.reliability import hostile, kills, numbers, rooms
from benchmarks.reliability.figures import Figures, losses, table
from benchmarks.reliability.workers import CHUNK, FINE, Answer, judged
from fempslip.run.progress import Progress, progress_line

ROOT = Path(__file__).resolve().parents[2]
Work = Callable[[Figures, Path, int, Progress], None]  # figures to add to, where they are kept, workers


@dataclass(frozen=True)
class Part:
    """title : as the table names it;  full, quick : how many are tried;  work : tries those that are left"""

    title: str
    full: int
    quick: int
    work: Work


def files(name: str, limit: float) -> Work:
    """Spoilt files, judged in workers.  What was lost in an earlier call is tried again, and what it left undone."""

    def work(found: Figures, kept: Path, workers: int, progress: Progress) -> None:
        lost = [(int(seed[:-1]), outcome) for _, seed, outcome, *_ in map(str.split, found.losses)]
        left, done = found.open, found.tried + len(found.open)
        found.tried -= len(lost)
        found.counts -= Counter(outcome for _, outcome in lost)
        found.losses = []

        def seeds() -> Iterator[int]:
            yield from (seed for seed, _ in lost)
            yield from left
            yield from range(done, found.wanted)

        def tell(answers: list[Answer], out: list[int]) -> None:
            found.open = out
            for answer in answers:
                found.tried += 1
                found.counts[answer["outcome"]] += 1
                found.largest("s a file", answer["seconds"])
                found.largest("MB of a process", answer.get("megabytes", 0.0))
                if answer["outcome"] not in FINE:
                    found.losses.append(f"seed {answer['seed']}: {answer['outcome']} {answer.get('detail', '')}")
            found.tell(kept)
            progress(found.tried / found.wanted, f"{name}: {found.tried} of {found.wanted}, {len(found.losses)} losses")

        judged(name, seeds(), workers, limit, tell)

    return work


PARTS = {
    "kills": Part("SIGKILL of single runs", 100, 8, kills.singles),
    "batches": Part("SIGKILL of batches", 20, 4, kills.batches),
    "disks": Part("full and read-only disks, places that are taken", 24, 2, rooms.disks),
    "company": Part("two processes or batches on one folder", 9, 2, rooms.company),
    "numbers": Part("kinds of step, NaN in each array of the state", len(numbers.STEPS) + 1, 3, numbers.work),
    "cases": Part("mutated case and geometry files", 100_000, 3 * CHUNK, files("cases", 180.0)),
    "runs": Part("mutated run folders", 10_000, CHUNK, files("runs", 180.0)),
    "hostile": Part("content that means harm", len(hostile.TEXTS) + len(hostile.FILES), 20, hostile.work),
}


def main() -> int:
    words = parser().parse_args()
    into = words.into / ("quick" if words.quick else "full")
    into.mkdir(parents=True, exist_ok=True)
    names = words.parts or list(PARTS)
    for name in names:
        part, kept = PARTS[name], into / f"{name}.json"
        wanted = words.count or (part.quick if words.quick else part.full)
        found = None if words.anew else Figures.kept(kept)
        if found is None or found.wanted != wanted:
            found = Figures(wanted)
        if found.tried < wanted or found.losses:
            before, cpu = found.seconds, cpu_seconds()
            with progress_line(words.silent) as progress:
                part.work(found, kept, words.workers, progress)
            found.seconds = before + cpu_seconds() - cpu
            found.tell(kept)
    made = {name: Figures.kept(into / f"{name}.json") for name in PARTS}
    rows = [(PARTS[name].title, found) for name, found in made.items() if found is not None]
    print(table(rows))
    if words.page:
        write_page(words.page, table(rows))
    lost = [(title, found) for title, found in rows if found.losses]
    if lost:
        print(losses(lost), file=sys.stderr)
    return 1 if lost else 0


def write_page(page: Path, lines: str) -> None:
    """Put the table between the two marks of a page."""
    begin, end = "<!-- figures -->\n", "<!-- end -->"
    head, _, rest = page.read_text("utf-8").partition(begin)
    page.write_text(f"{head}{begin}\n{lines}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def cpu_seconds() -> float:
    """Of this process and of all that it began and that have ended."""
    return sum(
        time.ru_utime + time.ru_stime
        for time in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:<10} {part.full:>7} {part.title}" for name, part in PARTS.items())
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability",
        description="Kills runs, spoils files, fills disks, and counts what was lost.",
        epilog=f"parts, and how many of each:\n{listed}\n\nThe same command goes on with what was cut short.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []], help="some of the parts (default: all)")
    made.add_argument("--quick", action="store_true", help="few of each (a few minutes)")
    made.add_argument("--count", type=int, help="so many of each part")
    made.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), help="processes at a time")
    made.add_argument("--into", type=Path, default=Path("runs/reliability"), help="where figures are kept")
    made.add_argument("--anew", action="store_true", help="forget the figures of earlier calls")
    made.add_argument("--page", type=Path, help="a page whose table is written anew: docs/reliability.md")
    made.add_argument("--silent", action="store_true", help="no progress line")
    return made


if __name__ == "__main__":
    sys.exit(main())
