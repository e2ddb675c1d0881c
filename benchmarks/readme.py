"""Writes the tables of speed in README.md from what benchmarks/compare.py has measured.

python benchmarks/readme.py
"""

from __future__ import annotations

import csv
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
TABLES = {  # table -> its columns in the README
    "film.flux_flow": (
        "mesh",
        "gamma",
        "program",
        "CPU ms per tau0",
        "steps per tau0",
        "error",
        "both converged",
        "times faster",
        "whole run",
    ),
    "slab.cost": ("box", "nodes", "their sites", "CPU s/tau0", "theirs, CPU s/tau0", "ratio", "GiB", "theirs, GiB"),
}


def table(name: str, columns: tuple[str, ...]) -> str:
    """Some columns of a measured table, in Markdown."""
    with (RESULTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = [[row[column] for column in columns] for row in csv.DictReader(file)]
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    readme = ROOT / "README.md"
    text = readme.read_text("utf-8")
    for name, columns in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, between, after = text.partition(begin)
        assert between and end in after, f"README.md has no place for {name}"
        text = before + begin + table(name, columns) + end + after.partition(end)[2]
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
