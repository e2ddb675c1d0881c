"""Runs the delivered cases; writes docs/gallery.md, with a picture of each, and docs/verification.md, with its results.

    python docs/gallery.py            all cases (half an hour on two cores)
    python docs/gallery.py NAME ...   some of them; what the pages say of the others stays
    python docs/gallery.py --workers 1

The expected values come from independent solutions, closed formulas or the literature; each case says which.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from concurrent.futures import as_completed
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import fempslip as fs
from fempslip.case import Case, MeshedCase, delivered
from fempslip.cli import usable_cores
from fempslip.run.batch import batch
from fempslip.run.families import conclude
from fempslip.run.pool import processes

HERE = Path(__file__).parent
SHELF, RESULTS = HERE / "gallery", HERE / "verification.json"
WIDTH, HEIGHT = 640, 760  # the most pixels of a picture
MOVING = {"movie", "tracks_movie", "tracks_page"}  # recipes left out: the page stands still
# the picture that stands for a case is the first of these that it makes
COVERS = (
    "iv_curve", "critical", "transition", "fraunhofer", "panel", "phase_diagram", "dispersion", "modulation", "loop",
    "shapiro", "free_energies", "little_parks", "states", "barrier", "nucleation", "lumped", "field_lines",
    "field_above", "flux_jump", "streamlines", "induction", "thermal", "soliton", "motion", "lines", "trails", "tubes",
    "snapshot", "kymograph", "circuit", "winding",
)  # fmt: skip
CHAPTERS = {1: "Wires, rings and networks", 2: "Films", 3: "Bodies"}  # by dimension
ORDER = ("Films", "Bodies", "Wires, rings and networks", "The sample's own field", "States and barriers",
         "Superfluids and charged condensates", "Junctions and lumped systems", "Batches")  # fmt: skip


def chapter(case: Case) -> str:
    if case.sweep is not None:
        return "Batches"
    if case.task == "lumped":
        return "Junctions and lumped systems"
    assert isinstance(case, MeshedCase)
    if case.model.dynamics in ("superfluid", "charged"):
        return "Superfluids and charged condensates"
    if case.model.screening != "none" or case.task == "london":
        return "The sample's own field"
    if case.task != "evolve":
        return "States and barriers"
    return CHAPTERS[case.geometry.dimension]


def solved(name: str) -> list[dict[str, Any]]:
    """Solve a case, keep its picture, and return what was judged: name, value, wanted, tolerance, ok."""
    case = fs.load(name)
    wanted = {expected.split(".")[0] for expected in (case.expect or {})}
    still = [recipe for recipe in case.postprocess or () if recipe not in MOVING - wanted]
    case = case.vary({"postprocess": still})
    with TemporaryDirectory() as folder:
        into = Path(folder) / name
        if case.sweep is not None:
            judged = conclude(case, batch(case, into=into), into)["expect"]
        else:
            judged = (fs.solve(case, into).summary or {})["expect"]
        keep(name, into)
    return list(judged)


def keep(name: str, folder: Path) -> None:
    """Put the picture that stands for a case on the shelf, no larger than a page wants it."""
    from PIL import Image

    pictures = sorted(folder.glob("*.png"))
    ranked = [path for cover in COVERS for path in pictures if cover in path.stem] + pictures
    if ranked:
        with Image.open(ranked[0]) as picture:
            small = picture.convert("RGB")
            small.thumbnail((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
            small.quantize(256, dither=Image.Dither.NONE).save(SHELF / f"{name}.png", optimize=True)


def comment(name: str) -> str:
    """What stands above a delivered case."""
    text = delivered("cases")[name].read_text("utf-8")
    lines = re.match(r"(?:#.*\n)*", text)
    assert lines is not None
    return " ".join(line.lstrip("# ") for line in lines[0].splitlines()).replace("|", "\\|")


def write_gallery() -> None:
    cases = {name: fs.load(name) for name in delivered("cases")}
    head = "# Gallery\n\nMade by `python docs/gallery.py`, which runs the delivered cases.\n"
    parts = [head]
    for title in ORDER:
        parts.append(f"\n## {title}\n")
        for name in sorted(name for name, case in cases.items() if chapter(case) == title):
            word = "batch" if cases[name].sweep is not None else "run"
            parts.append(f"\n### {cases[name].title}\n\n`fempslip {word} {name}`\n\n{comment(name)}\n")
            if (SHELF / f"{name}.png").is_file():
                parts.append(f"\n![{name}](gallery/{name}.png)\n")
    (HERE / "gallery.md").write_text("".join(parts), encoding="utf-8")


def write_results(results: dict[str, list[dict[str, Any]]]) -> None:
    head = """# What the delivered cases give

Made by `python docs/gallery.py`. The orders of convergence in space and time are printed by `fempslip verify`; the
tests in `tests/verification` hold the program to some hundred known results.

| case | result | found | expected |
| --- | --- | --- | --- |
"""
    lines = [
        f"| {name} | `{row['name']}` | {row['value']:.6g} | {row['wanted']:.6g} ± {row['tolerance']:.2g} |\n"
        for name in sorted(results)
        for row in results[name]
    ]
    (HERE / "verification.md").write_text(head + "".join(lines), encoding="utf-8")


def main(names: list[str], workers: int) -> int:
    """Returns 1 where an expectation was not met."""
    SHELF.mkdir(exist_ok=True)
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.is_file() else {}
    results = {name: kept.get(name, []) for name in delivered("cases")}
    names, unmet = names or list(results), 0
    with processes(workers) as (pool, _):
        coming = {pool.submit(solved, name): name for name in names}
        for done, answer in enumerate(as_completed(coming), start=1):
            name = coming[answer]
            if (error := answer.exception()) is not None:  # the others go on
                unmet += 1
                print(f"{done} of {len(names)}: {name} FAILED: {error}", flush=True)
                continue
            results[name] = answer.result()
            failed = [row["name"] for row in results[name] if not row["ok"]]
            unmet += len(failed)
            print(f"{done} of {len(names)}: {name} {'NOT MET: ' + ', '.join(failed) if failed else 'met'}", flush=True)
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_gallery()
    write_results(results)
    return int(unmet > 0)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("names", metavar="NAME", nargs="*", help="a delivered case (default: all)")
    words.add_argument("--workers", metavar="N", type=int, default=usable_cores(), help="cases at a time")
    asked = words.parse_args()
    sys.exit(main(asked.names, asked.workers))
