"""Writes docs/verification.md: what every delivered case gives beside what it is expected to give.

    python docs/verification.py            all cases (an hour)
    python docs/verification.py NAME ...   some of them; the lines of the others stay as they are

The expected values come from independent solutions, closed formulas or the literature; each case says which.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import fempslip as fs
from fempslip.case import delivered
from fempslip.run.batch import batch
from fempslip.run.families import conclude

PAGE = Path(__file__).parent / "verification.md"
HEAD = """# What the delivered cases give

Made by `python docs/verification.py`. The orders of convergence in space and time are printed by `fempslip verify`; the
tests in `tests/verification` hold the program to some hundred known results.

| case | result | found | expected |
| --- | --- | --- | --- |
"""
LINE = re.compile(r"\| (\w+) \| .*")


def rows(name: str) -> list[str]:
    """Lines of the table for one case, solved anew."""
    case = fs.load(name)
    with TemporaryDirectory() as folder:
        into = Path(folder) / name
        if case.sweep is not None:
            judged = conclude(case, batch(case, into=into), into)["expect"]
        else:
            judged = (fs.solve(case, into, pictures=False).summary or {})["expect"]
    return [
        f"| {name} | `{row['name']}` | {row['value']:.6g} | {row['wanted']:.6g} ± {row['tolerance']:.2g} |"
        for row in judged
    ]


def main(names: list[str]) -> None:
    kept = [line for line in PAGE.read_text("utf-8").splitlines() if LINE.match(line)] if PAGE.is_file() else []
    table = {name: [line for line in kept if line.startswith(f"| {name} |")] for name in delivered("cases")}
    for name in names or list(table):
        table[name] = rows(name)
        print(*table[name], sep="\n", flush=True)
        PAGE.write_text(HEAD + "".join(f"{line}\n" for lines in table.values() for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
