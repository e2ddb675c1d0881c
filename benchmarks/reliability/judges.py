"""What is right for a spoilt file: it is accepted, or refused with its place; and nothing else.

A judge is made in a worker process and called with seeds: the seed decides which file is spoilt, and how.
"""

from __future__ import annotations

import random
import re
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.reliability.spoiling import KINDS, spoilt_bytes, spoilt_hdf5, spoilt_text
from fempslip.case import Case, MeshedCase, delivered, load, load_text
from fempslip.contract import Failure, Refusal

Judge = Callable[[int], tuple[str, str]]
PLACED = re.compile(r"\S+:\d+:\d+: |\S+: (not a text file|larger than|cannot be read)|override of ")
MESHED = 100  # of so many accepted files with a body one is meshed
COMPLETED = 10  # of so many accepted files one is written out complete and read again


def last_lines(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)[-3:])[-1000:]


# ---------------------------------------------------------------------------------------------- cases, geometries


def cases(guard: Any) -> Judge:
    """Delivered cases, spoilt; and delivered geometries, spoilt, in a case that uses them."""
    warnings.simplefilter("ignore")
    texts = {name: path.read_text("utf-8") for name, path in delivered("cases").items()}
    shapes = {name: path.read_text("utf-8") for name, path in delivered("geometries").items()}
    users = {name: [text for text in texts.values() if used(name).search(text)] for name in shapes}
    shapes = {name: text for name, text in shapes.items() if users[name]}
    folder = Path(tempfile.mkdtemp())
    for name in texts:  # what is loaded late is loaded now
        checked(load(name))
        load(name).document()

    def judge(seed: int) -> tuple[str, str]:
        dice = random.Random(seed)
        kind = KINDS[seed % len(KINDS)]
        guard.watching = False
        if seed % 10 < 7:
            name = dice.choice(list(texts))
            path = folder / "case.yaml"
            path.write_bytes(spoilt_text(texts[name], list(texts.values()), dice, kind))
        else:
            name = dice.choice(list(shapes))
            (folder / "spoilt.yaml").write_bytes(spoilt_text(shapes[name], list(shapes.values()), dice, kind))
            path = folder / "user.yaml"
            path.write_text(used(name).sub(r"\1spoilt", dice.choice(users[name])), encoding="utf-8")
        guard.watching = True
        try:
            return case_outcome(path, seed, guard)
        finally:
            guard.watching = False

    return judge


def used(geometry: str) -> re.Pattern[str]:
    return re.compile(rf"(\b(?:geometry|use): ){geometry}\b")


def case_outcome(path: Path, seed: int, guard: Any) -> tuple[str, str]:
    try:
        case = load(path)
        checked(case)
        if seed % COMPLETED == 0 and load_text(case.document(), "again.yaml").document() != case.document():
            return "unlike", "the complete case is read back to another one"
        if seed % MESHED == 0 and isinstance(case, MeshedCase):
            guard.watching = False  # the mesher is a process of its own
            meshed(case)
    except (Refusal, Failure) as refusal:
        return said(str(refusal))
    except MemoryError:
        raise
    except BaseException as error:
        return "traceback", last_lines(error)
    return "accepted", ""


def checked(case: Case) -> None:
    from fempslip.run.support import refuse_unanswerable, refuse_unsupported

    refuse_unsupported(case)
    refuse_unanswerable(case)


def meshed(case: MeshedCase) -> None:
    from fempslip.mesh.meshing import make_mesh
    from fempslip.run.compiling import compile

    compile(case, make_mesh(case))


def said(message: str) -> tuple[str, str]:
    """A refusal that names no place is a loss: the person must search."""
    return ("refused", "") if PLACED.match(message) else ("vague", message[:300])


# ---------------------------------------------------------------------------------------------- run folders


def runs(guard: Any) -> Judge:
    """Folders of small runs, their files spoilt: opened, read in full, judged, and now and then gone on with."""
    warnings.simplefilter("ignore")
    folder = Path(tempfile.mkdtemp())
    whole = small_runs(folder)
    for name in whole:
        read_in_full(folder / name)

    def judge(seed: int) -> tuple[str, str]:
        dice = random.Random(seed)
        name = dice.choice(whole)
        spoilt = folder / "spoilt"
        shutil.rmtree(spoilt, ignore_errors=True)
        shutil.copytree(folder / name, spoilt)
        try:
            spoil(spoilt, dice, seed)
        except Exception as error:  # HDF5 does not let every file be spoilt
            return "accepted", f"not spoilt: {error}"
        return run_outcome(spoilt, seed)

    return judge


def spoil(folder: Path, dice: random.Random, seed: int) -> None:
    """The fields in most cases, their structure or their bytes; now and then the checkpoint or a text."""
    if seed % 10 < 4:
        spoilt_hdf5(folder / "fields.vtkhdf", dice)
        return
    others = ("checkpoint.npz", "summary.json", "case.yaml", "versions.json")
    path = folder / ("fields.vtkhdf" if seed % 10 < 7 else dice.choice(others))
    content = path.read_bytes()
    if path.suffix == ".vtkhdf" and dice.random() < 0.6:  # the bytes that describe are few: hit them
        at = dice.choice((0, dice.randrange(len(content)) // 2048 * 2048))
        content = content[:at] + spoilt_bytes(content[at : at + 2048], dice) + content[at + 2048 :]
        path.write_bytes(content)
    else:
        path.write_bytes(spoilt_bytes(content, dice))


def run_outcome(folder: Path, seed: int) -> tuple[str, str]:
    try:
        run = read_in_full(folder)
        if seed % 5 == 0:
            answered(run)
        if seed % 50 == 0:
            gone_on(folder)
    except (Refusal, Failure) as refusal:
        return ("refused", "") if str(refusal).strip() else ("vague", "an empty message")
    except MemoryError:
        raise
    except BaseException as error:
        return "traceback", last_lines(error)
    return "accepted", ""


def read_in_full(folder: Path) -> Any:
    """All that a reader may ask for."""
    from fempslip.store import open_run

    run = open_run(folder)
    for name in run.tables:
        run.table(name)
    for k in range(len(run.times)):
        run.frame(k)
    run.summary, run.versions, run.references, run.status, run.committed  # noqa: B018
    return run


def answered(run: Any) -> None:
    """Its recipes, as `fempslip post` answers them, without pictures."""
    from fempslip.run.recipes import results
    from fempslip.run.running import case_of

    case = case_of(run)
    results(case, run, case.postprocess)


def gone_on(folder: Path) -> None:
    from fempslip.run.running import resume

    resume(folder, until="3.2 tau", pictures=False)


SMALL: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "film": (
        "film_vortex_flow",
        {"geometry.length": "8 xi", "geometry.width": "5 xi", "time.until": 3, "measure.from": 1, "record.fields": 1},
    ),
    "wire": (
        "wire_weak_spot",
        {"geometry.length": "8 xi", "time.until": 3, "measure.from": 1, "record.fields": 1, "mesh.size": 0.3},
    ),
    "junction": ("adler_slip", {}),
}


def small_runs(folder: Path) -> list[str]:
    """Runs of a few frames on a few hundred nodes."""
    from fempslip.run.running import solve

    for name, (case, changes) in SMALL.items():
        solve(load(case).vary({**changes, "expect": None}), folder / name, pictures=False)
    return list(SMALL)


JUDGES: Mapping[str, Callable[[Any], Judge]] = {"cases": cases, "runs": runs}
