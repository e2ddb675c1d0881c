"""A batch: one case at many values.  Each point is a run of its own, in a folder named by its values.

    folder/manifest.json     the points: values, folder, identity (a hash of the case at that point)
    folder/table.csv         settings and results, one row a point
    folder/<values>/         the runs

The same call again goes on: a point that is finished and whose identity is the same is left as it is, one that was
cut short is resumed, one that failed is tried again.  Points of a chain are solved one after the other, each from the
last state of the one before it; those of a search are chosen by what came out of the ones before.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fempslip.case import Case
from fempslip.case.sweep import grid
from fempslip.contract import Failure, Refusal
from fempslip.run.points import Chain, Point, planned, status, summary_of
from fempslip.run.running import Note, quiet, resume, solve
from fempslip.store import lock

Table = dict[str, list[Any]]
MANIFEST, TABLE = "manifest.json", "table.csv"
JUST_SHORT = 0.999  # of the work, while the last process has not answered
POLL = 0.5  # s between two looks at how far the runs are


# ------------------------------------------------------------------------------------------- run them


def batch(
    case: Case,
    values: Mapping[str, Sequence[object]] | None = None,
    into: str | Path = "",
    executor: Executor | None = None,
    progress: Note = quiet,
    replace: bool = False,
    stop: Callable[[], None] = lambda: None,
) -> Table:
    """Solve a case at every point of its sweep, or of `values`; returns a table, one row a point.

    values : path in the case -> list of values, e.g. {"drive.current.density": ["0.2 j0", "0.3 j0"]}
    into : folder of the batch;  executor : any concurrent.futures executor, None runs one after the other
    replace : points whose case has changed since are solved anew in place of the old ones, instead of a Refusal
    stop : called once when the batch is interrupted, to stop the runs in other processes

    Columns: the paths, `folder`, `status`, `failure`, and the numbers of each recipe as `recipe.result`.  A run that
    fails keeps its row, with its message.  Raises Refusal, before anything runs, where a combination is wrong or the
    folder holds another batch.

    >>> import fempslip as fs
    >>> short = {"time.until": "20 tau", "measure.from": "10 tau", "expect": None, "postprocess": ["voltage"]}
    >>> case = fs.load("wire_weak_spot").vary(short)
    >>> table = fs.batch(case, {"material.gamma": [0, 10]}, into="runs/family")
    >>> table["status"]
    ['finished', 'finished']
    """
    sweep = grid(values) if values is not None else case.sweep
    if sweep is None:
        raise Refusal(f"{case.name} has no sweep: give values, or sweep: {{path: [value, ...]}} in the case")
    chains = planned(case, sweep)
    folder = Path(into or f"runs/{case.name}")
    refuse_other(folder, chains, replace)
    folder.mkdir(parents=True, exist_ok=True)
    held = lock.acquire(folder)
    try:
        write_manifest(folder, case, chains)
        jobs = [(chain, str(folder.resolve())) for chain in chains if unfinished(chain, folder)]
        if executor is None:
            alone(jobs, chains, folder, progress)
        else:
            together(jobs, chains, folder, executor, progress, stop)
    finally:
        write_manifest(folder, case, chains)
        found = table(folder, chains)
        write_table(folder, found)
        lock.release(held)
    return found


Job = tuple[Chain, str]  # and the folder of the batch


def unfinished(chain: Chain, folder: Path) -> bool:
    return any(status(folder / point.name) != "finished" for point in chain.walk(folder))


def alone(jobs: Sequence[Job], chains: Sequence[Chain], folder: Path, progress: Note) -> None:
    total = sum(chain.most for chain in chains)

    def told() -> None:
        count = tally(folder, chains)
        progress(count.done / total, count.words(total))

    for job in jobs:
        solved_chain(job, told)
    told()


def together(
    jobs: Sequence[Job],
    chains: Sequence[Chain],
    folder: Path,
    executor: Executor,
    progress: Note,
    stop: Callable[[], None],
) -> None:
    """All chains on an executor; an interruption stops the runs where they are."""
    total = sum(chain.most for chain in chains)
    waiting: set[Future[None]] = {executor.submit(solved_chain, job) for job in jobs}
    try:
        while waiting:
            done, waiting = wait(waiting, timeout=POLL)
            count = tally(folder, chains)
            progress(min(count.done / total, JUST_SHORT), count.words(total))
            for future in done:
                future.result()
    except BrokenExecutor:
        raise Failure(
            "a worker process was ended from outside (out of memory?); what it had recorded is kept: run the same "
            "command again to go on, with fewer --workers if memory was short"
        ) from None
    except BaseException:
        stop()
        executor.shutdown(wait=True, cancel_futures=True)
        raise
    progress(1.0, tally(folder, chains).words(total))


def solved_chain(job: Job, told: Callable[[], None] = lambda: None) -> None:
    """Solve the points of a chain one after the other; what is finished is left.  Runs in worker processes too."""
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    chain, into = job
    failed: str | None = None
    for point in chain.walk(Path(into)):
        folder, before = Path(into) / point.name, point.before
        if failed is not None:
            note_failure(folder, f"not tried, because {failed} failed, which it was to start from")
        elif status(folder) != "finished":
            try:
                solve_point(point.document, folder, None if before is None else Path(into) / before)
            except (Failure, Refusal) as reason:
                note_failure(folder, str(reason))
                failed = point.name if chain.most > 1 else None
        told()


def solve_point(document: str, folder: Path, before: Path | None) -> None:
    """One run: resumed where it was cut short, begun anew where it failed or never began."""
    from fempslip.case.loading import load_text

    if status(folder) == "cut short":
        try:
            resume(folder, progress=obeying, pictures=False)
            return
        except Refusal:  # nothing in it to go on with
            pass
    shutil.rmtree(folder, ignore_errors=True)
    case = load_text(document, f"{folder}/case.yaml")
    if before is not None:
        case = case.vary({"start": {"run": str(before)}})
    solve(case, folder, obeying, pictures=False)


def obeying(fraction: float, text: str) -> None:
    """The progress of a run in a worker process: raises KeyboardInterrupt, between two steps, when it has to stop."""
    from fempslip.run.pool import asked_to_stop

    if asked_to_stop():
        raise KeyboardInterrupt


def note_failure(folder: Path, message: str) -> None:
    """A failure that left no run behind is kept beside what there is."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = folder / "summary.json"
    if not summary.is_file() or json.loads(summary.read_text("utf-8")).get("status") != "failed":
        summary.write_text(json.dumps({"status": "failed", "failure": message}, indent=2), encoding="utf-8")


# ------------------------------------------------------------------------------------------- what there is


@dataclass(frozen=True)
class Tally:
    finished: int
    running: int
    failed: int

    @property
    def done(self) -> int:
        return self.finished + self.failed

    def words(self, total: int) -> str:
        tail = f", {self.failed} failed" if self.failed else ""
        return f"{self.finished} of {total} runs done, {self.running} running{tail}"


def tally(folder: Path, chains: Sequence[Chain]) -> Tally:
    states = [status(folder / point.name) for point in points_of(folder, chains)]
    return Tally(*(states.count(word) for word in ("finished", "cut short", "failed")))


def points_of(folder: Path, chains: Sequence[Chain]) -> Iterator[Point]:
    """All that are known by now."""
    yield from (point for chain in chains for point in chain.walk(folder))


def table(folder: Path, chains: Sequence[Chain]) -> Table:
    """Settings and results of all points, column by column."""
    rows = [row_of(folder, point) for point in points_of(folder, chains)]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return {name: [row.get(name) for row in rows] for name in columns}


def row_of(folder: Path, point: Point) -> dict[str, Any]:
    found = summary_of(folder / point.name) or {}
    row = {**point.values, "folder": str(folder / point.name), "status": status(folder / point.name)}
    if point.before is not None:
        row["after"] = point.before
    if "failure" in found:
        row["failure"] = found["failure"]
    return {**row, **dict(numbers(found.get("results", {})))}


def numbers(results: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    """Plain numbers of nested results with dotted names."""
    for name, value in results.items():
        if isinstance(value, Mapping):
            yield from numbers(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, int | float):
            yield f"{prefix}{name}", value


# ------------------------------------------------------------------------------------------- files


def write_manifest(folder: Path, case: Case, chains: Sequence[Chain]) -> None:
    points = [
        {"folder": p.name, "values": dict(p.values), "identity": p.identity, "after": p.before}
        for p in points_of(folder, chains)
    ]
    text = json.dumps({"case": case.document(), "points": points}, indent=1)
    fresh = folder / f"{MANIFEST}.new"
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(folder / MANIFEST)


def write_table(folder: Path, found: Table) -> None:
    fresh = folder / f"{TABLE}.new"
    with fresh.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(found)
        writer.writerows(zip(*found.values(), strict=True))
    fresh.replace(folder / TABLE)


def refuse_other(folder: Path, chains: Sequence[Chain], replace: bool) -> None:
    """A folder of something else is left alone; of this batch, points whose case has changed since are not mixed in.

    With `replace`, runs of changed points are removed.
    """
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        known = {p["folder"]: p["identity"] for p in json.loads((folder / MANIFEST).read_text("utf-8"))["points"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise Refusal(f"{folder} is not empty and holds no batch: give another folder") from None
    points = list(points_of(folder, chains))
    changed = [p for p in points if known.get(p.name, p.identity) != p.identity and (folder / p.name).exists()]
    if changed and not replace:
        raise Refusal(
            f"{folder} holds runs of another case: {len(changed)} points have changed since, {changed[0].name} among "
            "them; give another folder (--into), or --replace to solve these anew in their place"
        )
    for point in changed:
        shutil.rmtree(folder / point.name)
