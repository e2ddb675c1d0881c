"""No room, no right to write, and others at the same place: what the commands say, and that they go on later."""

from __future__ import annotations

import json
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.reliability.figures import Figures
from benchmarks.reliability.kills import Loss, command, compare, environment, ready_runs, shows

NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c"]
Trial = Callable[[Path, random.Random], str]
ADVICE = re.compile(r"^\S.* (the disk is full|No space left on device).*|^\S+ cannot be written: .+", re.M)


def work(trials: tuple[Trial, ...]) -> Callable[[Figures, Path, int, Any], None]:
    """A part that does its trials in turn; each gives a word, or raises Loss."""

    def act(found: Figures, kept: Path, workers: int, progress: Any) -> None:
        folder = kept.parent / "runs"  # those of the kills: the undisturbed ones are shared
        folder.mkdir(exist_ok=True)
        ready_runs(folder)
        while found.tried < found.wanted:
            trial, dice = trials[found.tried % len(trials)], random.Random(found.tried)
            place = kept.parent / kept.stem
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            try:
                found.counts[trial(place, dice)] += 1
            except Loss as loss:
                found.losses.append(f"{trial.__name__} {found.tried}: {loss}")
            shutil.rmtree(place, ignore_errors=True)
            found.tried += 1
            found.tell(kept)
            progress(found.tried / found.wanted, f"{kept.stem}: {trial.__name__}, {len(found.losses)} losses")

    return act


def whole(place: Path, name: str) -> Any:
    from fempslip.store import open_run

    return open_run(place.parent / "runs" / "undisturbed" / name)


def case(place: Path, name: str) -> Path:
    return place.parent / "runs" / "undisturbed" / f"{name}.yaml"


def fempslip(*words: Any, limit: int | None = None) -> tuple[int, str]:
    """(exit code, what it said) of `fempslip run ...`.  limit : bytes that a file may have"""

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    line = command(["run", *words, "--no-pictures"])
    done = subprocess.run(line, env=environment(), capture_output=True, text=True, timeout=600, preexec_fn=limited)
    if "Traceback" in done.stderr:
        raise Loss(f"a traceback: {done.stderr[-800:]}")
    return done.returncode, done.stderr


def need(right: bool, what: str, said: str = "") -> None:
    if not right:
        raise Loss(f"{what} {said[-500:]}")


# ---------------------------------------------------------------------------------------------- full disks


def quota(place: Path, dice: random.Random) -> str:
    """No file may grow beyond a size that is reached on the way; without the limit the run goes on."""
    name = dice.choice(("film", "wire", "noise"))
    full, run = whole(place, name), place / "run"
    size = (full.folder / "fields.vtkhdf").stat().st_size
    limit = int(dice.uniform(0.02, 0.95) * size)
    code, said = fempslip(case(place, name), "--into", run, limit=limit)
    need(code in (2, 3), f"exit code {code}", said)
    need(bool(ADVICE.search(said)), "no plain message:", said)
    need(not list(run.glob("*.new")), f"left over: {list(run.glob('*.new'))}")
    if code == 2:
        need(not (run / "fields.vtkhdf").is_file(), "a refused run has left fields")
        shutil.rmtree(run, ignore_errors=True)
        code, said = fempslip(case(place, name), "--into", run)
        word = "refused, then done"
    else:
        need("fempslip run --resume" in said, "no word on how to go on:", said)
        shows(run, full, {})
        code, said = fempslip("--resume", run)
        word = "full on the way, gone on"
    need(code in (0, 1), f"exit code {code} when there is room", said)
    from fempslip.store import open_run

    compare(full, open_run(run))
    return word


FULL = """
set -u
cd {place}; mkdir disk; mount -t tmpfs -o size={size} tmpfs disk
{first} > out 2> err; echo $? > code
mkdir kept; cp disk/run/* kept 2> /dev/null
mount -o remount,size=200m disk
{again} > out2 2> err2; echo $? > code2
cp -r disk/run after
"""


def small_disk(place: Path, dice: random.Random) -> str:
    """A disk in memory that fills on the way, and then grows."""
    if not mountable():
        return "not tried: no small disk can be mounted"
    name = dice.choice(("film", "noise"))
    full = whole(place, name)
    size = int(dice.uniform(0.3, 0.95) * sum(path.stat().st_size for path in full.folder.iterdir()))
    first = command(["run", case(place, name).resolve(), "--into", "disk/run", "--no-pictures"])
    again = command(["run", "--resume", "disk/run", "--no-pictures"])
    script = FULL.format(place=place.resolve(), size=size, first=" ".join(first), again=" ".join(again))
    subprocess.run([*NAMESPACE, script], env=environment(), check=True, timeout=600)
    said, code = (place / "err").read_text(), int((place / "code").read_text())
    need("Traceback" not in said + (place / "err2").read_text(), "a traceback:", said)
    if code == 2:  # not even the first file had room
        need(bool(ADVICE.search(said)), "no plain message:", said)
        return "refused"
    need(code == 3 and "fempslip run --resume" in said, f"exit code {code}, or no word on how to go on:", said)
    shows(place / "kept", full, {})
    need(int((place / "code2").read_text()) in (0, 1), "it does not go on:", (place / "err2").read_text())
    from fempslip.store import open_run

    compare(full, open_run(place / "after"))
    return "full on the way, gone on"


def mountable() -> bool:
    if not shutil.which("unshare"):
        return False
    return subprocess.run([*NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode == 0


def read_only(place: Path, dice: random.Random) -> str:
    """A disk that is read-only: refused before anything is computed; a run on it can be read."""
    if not mountable():
        return "not tried: no read-only disk can be mounted"
    shutil.copytree(whole(place, "wire").folder, place / "disk" / "run")
    words = " ".join(command(["run", case(place, "wire").resolve(), "--into", "disk/new", "--no-pictures"]))
    resumed = " ".join(command(["run", "--resume", "disk/run", "--until", "90", "--no-pictures"]))
    answered = f"{sys.executable} -m fempslip.cli post --between begin end disk/run --quiet"
    script = (
        f"cd {place.resolve()}; mount --bind disk disk; mount -o remount,ro,bind disk\n"
        f"{words} 2> err; echo $? > code; {resumed} 2> err2; echo $? > code2; {answered} > out3 2> err3\n"
        "echo $? > code3\n"
    )
    subprocess.run([*NAMESPACE, script], env=environment(), check=True, timeout=600)
    for number in ("", "2"):
        said = (place / f"err{number}").read_text()
        need((place / f"code{number}").read_text() == "2\n" and "Read-only file system" in said, "not refused:", said)
        need("Traceback" not in said, "a traceback", said)
    said = (place / "err3").read_text()
    need("Traceback" not in said and (place / "code3").read_text() == "0\n", "it cannot be read:", said)
    return "refused, and readable"


def wrong_place(place: Path, dice: random.Random) -> str:
    """A file in the way, a folder of something else, a run that is there already: nothing is written over."""
    (place / "file").write_text("mine")
    (place / "letters").mkdir()
    (place / "letters" / "a.txt").write_text("mine")
    shutil.copytree(whole(place, "wire").folder, place / "done")
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    for where in (place / "file" / "run", place / "letters", place / "done", place / "file"):
        code, said = fempslip(case(place, "wire"), "--into", where)
        need(code == 2 and len(said.strip().splitlines()) <= 2, f"{where.name}: exit code {code}:", said)
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    need(before == after, "files were changed")
    return "refused"


# ---------------------------------------------------------------------------------------------- others at work


def second_process(place: Path, dice: random.Random) -> str:
    """A run that is being written is left alone by another run, by a resume; it ends as if alone."""
    from fempslip.store import open_run

    run, full = place / "run", whole(place, "film")
    first = subprocess.Popen(
        command(["run", case(place, "film"), "--into", run, "--no-pictures"]),
        env=environment(),
        stderr=subprocess.DEVNULL,
    )
    wait_for(run / "checkpoint.npz", first)
    first.send_signal(signal.SIGSTOP)  # so that it is not over too soon
    try:
        for words in (["--resume", run], [case(place, "film"), "--into", run]):
            code, said = fempslip(*words)
            need(code == 2 and f"another process (pid {first.pid})" in said, f"exit code {code}:", said)
    finally:
        first.send_signal(signal.SIGCONT)
    need(first.wait(600) in (0, 1), "the first one was disturbed")
    compare(full, open_run(run))
    return "second refused"


def same_moment(place: Path, dice: random.Random) -> str:
    """Two begin the same run at the same moment: one of them runs, the other is refused."""
    from fempslip.store import open_run

    run = place / "run"
    line = command(["run", case(place, "wire"), "--into", run, "--no-pictures"])
    both = [subprocess.Popen(line, env=environment(), stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [child.communicate(timeout=600)[1] for child in both]
    codes = sorted(child.returncode for child in both)
    need(codes in ([0, 2], [1, 2]), f"exit codes {codes}:", " ".join(said))
    need("Traceback" not in "".join(said), "a traceback:", " ".join(said))
    compare(whole(place, "wire"), open_run(run))
    return "one refused"


def second_batch(place: Path, dice: random.Random) -> str:
    """A batch that is at work is left alone by the same command; it ends as if alone."""
    from fempslip.case import load

    made = load(case(place, "wire")).vary({"sweep": {"material.gamma": [0, 10]}, "postprocess": ["voltage"]})
    (place / "case.yaml").write_text(made.document(), encoding="utf-8")
    words = command(["batch", place / "case.yaml", "--workers", 1, "--into", place / "family"])
    first = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(place / "family" / "manifest.json", first)
    first.send_signal(signal.SIGSTOP)
    try:
        second = subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=600)
    finally:
        first.send_signal(signal.SIGCONT)
    need(second.returncode == 2 and f"(pid {first.pid})" in second.stderr, "not refused:", second.stderr)
    need(first.wait(600) == 0, "the first one was disturbed")
    states = [json.loads(path.read_text())["status"] for path in (place / "family").glob("*/summary.json")]
    need(states == ["finished"] * 2, f"{states}")
    return "second refused"


def wait_for(path: Path, child: Any) -> None:
    begun = time.monotonic()
    while child.poll() is None and not path.exists():
        time.sleep(0.01)
        need(time.monotonic() - begun < 600, f"{path.name} does not come")


disks = work((quota, small_disk, quota, wrong_place, quota, read_only))
company = work((second_process, same_moment, second_batch))
