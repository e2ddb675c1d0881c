"""SIGKILL of runs and of batches: what was shown stays, and the end is that of an undisturbed one, bit for bit."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.reliability.figures import Figures
from benchmarks.reliability.workers import ROOT

PER_SERIES = 4  # kills of one run (or batch), which then comes to its end
HIGHEST = 1500  # call of the store at which a run is killed
LONGEST = 600.0  # s for a process that is not killed
# short runs of every kind of step: film with tracked vortices, own field, thermal noise, circuit, charged condensate
RUNS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "film": (
        "film_vortex_flow",
        {"geometry.length": "14 xi", "geometry.width": "8 xi", "time.until": 60, "measure.from": 20},
    ),
    "wire": ("wire_weak_spot", {"geometry.length": "12 xi", "time.until": 80, "measure.from": 60}),
    "noise": ("thermal_ring", {"time.until": 60, "measure.from": 20, "record.fields": 1}),
    "sound": ("sound_and_plasmon", {"time.until": 20, "record.fields": 0.5}),
    "charged": (
        "sound_and_plasmon",
        {"time.until": 20, "record.fields": 0.5, "model.dynamics": "charged", "material.plasma_frequency": 1},
    ),
    "circuit": ("snspd_wire_with_shunt", {"time.until": 60, "measure.from": 10}),
    "own field": ("square_flux_entry", {"time.until": 20}),
}
BATCH = {
    "drive.current.density": ["0.10 j0", "0.30 j0", "0.34 j0"],
    "material.gamma": [0, 10],
    "chain": "drive.current.density",
}


class Loss(Exception):
    """What must not happen."""


def work(
    kind: str, series: Callable[[Path, int], Iterator[str]], ready: Callable[[Path], None]
) -> Callable[[Figures, Path, int, Any], None]:
    """A part that does series of kills, several at a time; each series yields a word for every kill."""

    def act(found: Figures, kept: Path, workers: int, progress: Any) -> None:
        folder = kept.parent / kind
        folder.mkdir(exist_ok=True)
        progress(found.tried / found.wanted, f"{kind}: undisturbed ones first")
        ready(folder)
        first, last = found.tried // PER_SERIES, -(-found.wanted // PER_SERIES)

        def one(number: int) -> tuple[list[str], list[str]]:
            words, lost = [], []
            try:
                words.extend(series(folder, number))
            except Loss as loss:
                lost.append(f"series {number}: {loss}")
            return words, lost

        with ThreadPoolExecutor(workers) as pool:
            for words, lost in pool.map(one, range(first, last)):
                found.tried += PER_SERIES
                found.counts.update(words)
                found.losses += lost
                found.tell(kept)
                progress(found.tried / found.wanted, f"{kind}: {found.tried} kills, {len(found.losses)} losses")

    return act


# ---------------------------------------------------------------------------------------------- single runs


def ready_runs(folder: Path) -> None:
    """Every case solved undisturbed."""
    from fempslip.case import load

    for name, (case, changes) in RUNS.items():
        place = folder / "undisturbed" / name
        place.parent.mkdir(exist_ok=True)
        if not (place / "summary.json").is_file():
            shutil.rmtree(place, ignore_errors=True)
            text = load(case).vary({**changes, "expect": None, "sweep": None}).document()
            (place.parent / f"{name}.yaml").write_text(text, encoding="utf-8")
            done(["run", place.parent / f"{name}.yaml", "--into", place])


def command(words: list[Any]) -> list[str]:
    return [sys.executable, "-m", "fempslip.cli", *map(str, words), "--quiet"]


def environment() -> dict[str, str]:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return {**os.environ, "PYTHONPATH": path}


def done(words: list[Any]) -> None:
    """A command that comes to its end by itself.  Raises Loss where it does not end well."""
    if words[0] == "run":
        words = [*words, "--no-pictures"]
    ended = subprocess.run(command(words), env=environment(), capture_output=True, text=True, timeout=LONGEST)
    if ended.returncode not in (0, 1):
        raise Loss(f"`fempslip {' '.join(map(str, words))}` ended with {ended.returncode}: {ended.stderr[-600:]}")


def run_series(folder: Path, number: int) -> Iterator[str]:
    """Kills of one case; each next command goes on with what is there."""
    from fempslip.store import open_run

    dice = random.Random(number)
    name = list(RUNS)[number % len(RUNS)]
    whole = open_run(folder / "undisturbed" / name)
    place, kills = folder / f"series {number}", 0
    shutil.rmtree(place, ignore_errors=True)
    reported: dict[str, int] = {}
    while kills < PER_SERIES:
        where = how(place, folder / "undisturbed" / f"{name}.yaml")
        at_write = (kills + number) % 2
        child, word = struck(where, dice) if at_write else timed(where, dice)
        seen = watched(child, place, dice, None if at_write else dice.uniform(0.0, 1.5))
        reported = {table: max(seen.get(table, 0), reported.get(table, 0)) for table in {**seen, **reported}}
        if child.returncode == -signal.SIGKILL:
            kills += 1
            yield word
            shows(place, whole, reported)
        elif child.returncode in (0, 1):  # it was faster
            compare(whole, open_run(place))
            shutil.rmtree(place)
            reported = {}
        else:
            raise Loss(f"{name}: ended with {child.returncode}: {said(place)}")
    done(how(place, folder / "undisturbed" / f"{name}.yaml"))
    compare(whole, open_run(place))
    shutil.rmtree(place)
    said_file(place).unlink(missing_ok=True)


def how(place: Path, case: Path) -> list[Any]:
    """Words that go on with a run, or begin it where there is none yet."""
    return ["run", "--resume", place] if (place / "fields.vtkhdf").is_file() else ["run", case, "--into", place]


def said_file(place: Path) -> Path:
    return place.with_name(place.name + ".err")


def said(place: Path) -> str:
    return said_file(place).read_text("utf-8")[-800:]


def timed(words: list[Any], dice: random.Random) -> tuple[Any, str]:
    """The command as it is, to be killed from outside."""
    return started(command([*words, "--no-pictures"]), words[-1]), "by the clock"


def struck(words: list[Any], dice: random.Random) -> tuple[Any, str]:
    """The command that kills itself at one of its writes."""
    at = int(np.exp(dice.uniform(0.0, np.log(HIGHEST))))
    strike = [sys.executable, "-m", "benchmarks.reliability.strike", at, dice.randrange(1000)]
    return started([*map(str, [*strike, *words]), "--quiet", "--no-pictures"], words[-1]), "at a write"


def started(line: list[str], place: Path) -> Any:
    with said_file(place).open("wb") as err:
        return subprocess.Popen(line, env=environment(), stdout=subprocess.DEVNULL, stderr=err)


def watched(child: Any, place: Path, dice: random.Random, pause: float | None) -> dict[str, int]:
    """Read along until the process ends; with a pause, kill it so long after the first sign of the run.

    Returns table -> rows that a reader was shown.  Now and then the kill comes before there is any sign.
    """
    from fempslip.store.reader import read_commit

    begun, seen = time.monotonic(), {}
    old = stamp(place)
    blind = dice.random() < 0.15
    sign: float | None = begun if blind and pause is not None else None
    while child.poll() is None:
        now = time.monotonic()
        if sign is None and stamp(place) != old:
            sign = now
        if pause is not None and sign is not None and now - sign > pause * (2.0 if blind else 1.0):
            child.kill()
            child.wait()
            break
        if (place / "checkpoint.npz").is_file():
            seen = dict(read_commit(place).shown.rows)
        if now - begun > LONGEST:
            child.kill()
            raise Loss(f"{place} hangs")
        time.sleep(0.01)
    return seen


def stamp(place: Path) -> tuple[int, ...]:
    found = []
    for name in ("fields.vtkhdf", "checkpoint.npz"):
        try:
            found.append((place / name).stat().st_mtime_ns)
        except OSError:
            found.append(0)
    return tuple(found)


def shows(place: Path, whole: Any, reported: Mapping[str, int]) -> None:
    """The killed run opens; rows that were reported are there; all it shows is part of the undisturbed one."""
    from fempslip.contract import Refusal
    from fempslip.store import open_run

    if not (place / "fields.vtkhdf").is_file():
        if reported:
            raise Loss(f"{place}: the fields are gone")
        return
    try:
        run = open_run(place)
    except Refusal as refusal:
        raise Loss(f"it does not open: {refusal}") from None
    for name, rows in reported.items():
        if name not in run.tables or rows > len(next(iter(run.table(name).values()))):
            raise Loss(f"{place}: rows of {name} are gone: {rows} were shown")
    for name in run.tables:
        for column, values in run.table(name).items():
            if not np.array_equal(values, whole.table(name)[column][: len(values)], equal_nan=True):
                raise Loss(f"{place}: {name}.{column} differs from the undisturbed run")
    for k in range(len(run.times)):
        if run.times[k] != whole.times[k] or differing(run.frame(k), whole.frame(k)):
            raise Loss(f"{place}: frame {k} differs from the undisturbed run")


def compare(whole: Any, run: Any) -> None:
    """Bit for bit the same: tables, frames, checkpoint, results."""
    if run.status != "finished" or run.tables != whole.tables or len(run.times) != len(whole.times):
        raise Loss(f"{run.folder}: {run.status} with {run.tables} and {len(run.times)} frames")
    for name in whole.tables:
        if bad := differing(run.table(name), whole.table(name)):
            raise Loss(f"{run.folder}: {name}.{bad} differs from the undisturbed run at the end")
    for k in range(len(run.times)):
        if bad := differing(run.frame(k), whole.frame(k)):
            raise Loss(f"{run.folder}: {bad} of frame {k} differs from the undisturbed run at the end")
    if bad := differing(run.checkpoint(), whole.checkpoint()):
        raise Loss(f"{run.folder}: {bad} of the checkpoint differs from the undisturbed run")
    mine, theirs = ({**r.summary, "wall_seconds": 0} for r in (run, whole))
    if json.dumps(mine) != json.dumps(theirs):
        raise Loss(f"{run.folder}: results differ from the undisturbed run: {mine} {theirs}")


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The name of an array that is not the same in both."""
    if set(one) != set(other):
        return f"the set of names {sorted(set(one) ^ set(other))}"
    return next((name for name in one if not same(one[name], other[name])), "")


def same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and one.tobytes() == other.tobytes()


# ---------------------------------------------------------------------------------------------- batches


def ready_batch(folder: Path) -> None:
    from fempslip.case import load

    if (folder / "undisturbed" / "table.csv").is_file() and (folder / "seconds").is_file():
        return
    shutil.rmtree(folder / "undisturbed", ignore_errors=True)
    changes = {"geometry.length": "12 xi", "time.until": 60, "measure.from": 40, "postprocess": ["voltage"]}
    case = load("wire_weak_spot").vary({**changes, "sweep": BATCH, "expect": None})
    (folder / "case.yaml").write_text(case.document(), encoding="utf-8")
    begun = time.monotonic()
    done(["batch", folder / "case.yaml", "--workers", 2, "--into", folder / "undisturbed"])
    (folder / "seconds").write_text(str(time.monotonic() - begun))


def batch_series(folder: Path, number: int) -> Iterator[str]:
    """Kills of one batch with all its workers; the same command goes on."""
    dice = random.Random(1000 + number)
    place, kills = folder / f"series {number}", 0
    words = ["batch", folder / "case.yaml", "--workers", 2, "--into", place]
    usual = float((folder / "seconds").read_text())
    shutil.rmtree(place, ignore_errors=True)
    while kills < PER_SERIES:
        with said_file(place).open("wb") as err:
            child = subprocess.Popen(
                command(words), env=environment(), stdout=subprocess.DEVNULL, stderr=err, start_new_session=True
            )
        try:
            code = child.wait(dice.uniform(0.1, 0.9) * usual)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            kills += 1
            yield "of the whole group"
        else:
            if code != 0:
                raise Loss(f"the batch ended with {code}: {said(place)}")
            compare_batches(folder / "undisturbed", place)
            shutil.rmtree(place)
    done(words)
    compare_batches(folder / "undisturbed", place)
    shutil.rmtree(place)
    said_file(place).unlink(missing_ok=True)


def compare_batches(whole: Path, place: Path) -> None:
    """The same table, and the same runs bit for bit."""
    from fempslip.store import open_run

    one, other = rows(whole), rows(place)
    if one != other:
        raise Loss(f"{place}: another table: {other} instead of {one}")
    for row in one:
        compare(open_run(whole / row["folder"]), open_run(place / row["folder"]))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "table.csv").open(newline="", encoding="utf-8") as file:
        return [{**row, "folder": Path(row["folder"]).name} for row in csv.DictReader(file)]


singles = work("runs", run_series, ready_runs)
batches = work("batches", batch_series, ready_batch)
