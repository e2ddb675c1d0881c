"""Bad input and bad luck: one clear message, the right exit code, no traceback, nothing that looks finished."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from laboratory import FILM, WIRE_W, case_from, problem_of

from fempslip import cli
from fempslip.case import Case
from fempslip.contract import Failure, State, Trial
from fempslip.run.compiling import AboveDepairing
from fempslip.run.running import solve
from fempslip.solver.bdf2 import Bdf2
from fempslip.store import Run, layout, open_run, writer

SHORT = {"time.until": 2, "measure.from": 1}
QUIET = ("--quiet", "--no-pictures")


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case file of a small film, in an empty folder where the test is."""
    monkeypatch.chdir(tmp_path)
    case_from(FILM, tmp_path, SHORT)
    text = FILM.replace("until: 30 tau", "until: 2 tau").replace("from: 10 tau", "from: 1 tau")
    path = tmp_path / "film.yaml"
    path.write_text(text.replace("every 1 tau", "every 0.5 tau").replace("over: 5 tau", "over: 1 tau"))
    (tmp_path / "case.yaml").unlink()
    return path


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    """Exit code of a command and what it wrote on standard error."""
    capsys.readouterr()
    code = cli.main([str(word) for word in words])
    written = capsys.readouterr()
    assert code == 0 or written.out == ""
    assert "Traceback" not in written.err and "bug" not in written.err
    return code, written.err


def headlines(text: str) -> list[str]:
    """The lines that begin a message: neither quoted lines with their caret nor warnings."""
    return [line for line in text.splitlines() if not line.startswith((" ", "warning:"))]


def as_words(changes: Mapping[str, str]) -> list[str]:
    return [word for path, value in changes.items() for word in ("--set", f"{path}={value}")]


# ---------------------------------------------------------------------------------------------- the case is wrong

TWO_FILMS = "{film: {rectangle: {size: [4, 6], center: [-3, 0]}}, other: {rectangle: {size: [4, 6], center: [3, 0]}}}"
NO_CURRENT = {"drive.current": "null"}
WRONG = {
    "unknown key": ({"drive.feild": "0.3"}, r"unknown key 'feild' in drive\n.*\n.*\n.*nearest: field"),
    "a field in nm": ({"drive.field": "60 nm"}, r"drive\.field wants a magnetic field; '60 nm' is a length"),
    "a length in tesla": ({"mesh.size": "1 mT"}, r"mesh\.size wants a length; '1 mT' is a magnetic field"),
    "a field that is no number": ({"drive.field": "nan"}, r"drive\.field wants a finite number; 'nan' is not one"),
    "gamma nan": ({"material.gamma": ".nan"}, r"material\.gamma wants a finite number"),
    "endless": ({"time.until": "inf"}, r"time\.until wants a finite number"),
    "too large": ({"drive.field": "1e400"}, r"drive\.field wants a finite number"),
    "u zero": ({"material.u": "0"}, r"material\.u must be larger than 0"),
    "negative time": ({"time.until": "-3 tau"}, r"time\.until must be larger than 0"),
    "tolerance zero": ({"time.tolerance": "0"}, r"time\.tolerance must be larger than 0"),
    "probe outside": (
        {"geometry.probes.a": "[-20 xi, 1]"},
        r"probe 'a' at \(-20, 1\) xi is outside the body, 15 xi away from it; the nearest point is \(-5, 1\)",
    ),
    "terminal that touches nothing": (
        {"geometry.boundaries.source": "{within: {disk: {radius: 1, center: [30, 0]}}}"},
        r"boundary 'source' touches nothing: no outer edge of region 'film' lies there",
    ),
    "terminals that touch": (
        {"geometry.boundaries.drain": "{edge: top}"},
        r"the contacts 'source' and 'drain' touch each other: move them apart",
    ),
    "currents of two terminals": (
        {"drive.current": "{into: {source: 1, drain: -0.9}}"},
        r"the currents do not sum to zero: \+0\.1 is left over at t = ",
    ),
    "currents that part later": (
        {"drive.current": "{into: {source: {ramp: {to: 1, over: 2 tau}}, drain: 0}}"},
        r"the currents do not sum to zero: \+1 is left over at t = 2 tau",
    ),
    "current between two bodies": (
        {"geometry.regions": TWO_FILMS, "geometry.boundaries.drain": "{edge: right, of: other}",
         "geometry.probes": "{a: [-4, 0], b: [-2, 0]}"},
        r"the contacts 'source' and 'drain' are on two bodies that do not touch",
    ),
    "voltage between two bodies": (
        {"geometry.regions": TWO_FILMS, "geometry.boundaries": "{}", **NO_CURRENT},
        r"'a' and 'b' are on two bodies that do not touch",
    ),
    "empty mesh": (
        {"geometry.holes": "{all: {rectangle: {size: [20, 20], center: [0, 0]}}}"},
        r"the mesh is empty: the shapes leave no body",
    ),
    "region taken by another": (
        {"geometry.regions": "{film: {rectangle: {size: [9, 6]}}, other: {rectangle: {size: [10, 6]}}}"},
        r"region 'film' is empty: holes or later regions take all of its place",
    ),
    "coarse mesh": ({"mesh.size": "1.5 xi"}, r"mesh size 1\.5 xi does not resolve the core: set mesh\.size <= 0\.5 xi"),
    "strong field": (
        {"drive.field": "40 Bc2"},
        r"a field of 40 Bc2 puts [\d.]+ flux quanta through one face of the mesh.*: set mesh\.size <= 0\.\d+ xi",
    ),
    "field that becomes strong": (
        {"drive.field": "{ramp: {from: 0, to: 40, over: 1 tau}}"}, r"a field of 40 Bc2 puts",
    ),
    "field that jumps": (
        {"drive.field": "{points: [[0, 0], [1, 0], [1, 0.1], [2, 0.1]]}"},
        r"drive\.field jumps at t = 1 tau, which is an infinite voltage: give it a rise or a ramp",
    ),
    "voltage between nothing": (
        {"measure.between": "null"}, r"the recipe 'voltage' needs a pair to measure between: measure: \{between",
    ),
    "same probe twice": ({"measure.between": "[a, a]"}, r"measure\.between wants two different probes"),
    "winding around nothing": ({"postprocess": "[winding]"}, r"the recipe 'winding' needs a contour in the geometry"),
    "kymograph of a film": ({"postprocess": "[voltage, kymograph]"}, r"the recipe 'kymograph' needs a wire or a ring"),
    "profile of a film": ({"postprocess": "[profile]"}, r"the recipe 'profile' needs a wire or a ring"),
    "no such recipe": ({"postprocess": "[voltag]"}, r"there is no recipe 'voltag'(?s:.*)nearest: voltage"),
    "expected of a picture": (
        {"postprocess": "[movie]", "expect": "{movie.length: 1 +- 1}"}, r"the recipe 'movie' gives no numbers"
    ),
    "measured after the end": ({"measure.from": "3 tau"}, r"measure\.from \(3 tau\) must lie within the run"),
    "too many frames": ({"record.fields": "1e-9 tau"}, r"record\.fields keeps 2e\+09 frames; keep at most"),
    "current without potential": ({"model.charge": "off"}, r"so no current can be driven"),
    "contact without potential": (
        {"model.charge": "off", **NO_CURRENT, "contacts": "{source: normal}"},
        r"charge off and contacts of kind normal is not supported; .*remove the contacts",
    ),
    "vortex outside": ({"start": "{vortices: [{at: [100, 0]}]}"}, r"the vortex at \(100, 0\) xi lies outside the body"),
    "start from no run": ({"start": "{run: nowhere}"}, r"nowhere holds no run"),
    "list without end": ({"postprocess": "[voltage"}, r"override of postprocess:1:\d+: "),
    "path through nothing": ({"drive.field.value.more": "1"}, r"drive\.field"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_case_is_one_message_and_leaves_nothing(
    film: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    changes, message = WRONG[name]
    code, text = said(capsys, "run", film, "--into", "out", *QUIET, *as_words(changes))
    assert code == 2 and len(headlines(text)) == 1, text
    assert re.search(message, text), text
    assert not Path("out").exists()
    again, same = said(capsys, "check", film, *as_words(changes))  # and check says the same
    assert (again, headlines(same)) == (2, headlines(text))


def test_zeros_of_a_wire_and_contours_round_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case_from(WIRE_W, tmp_path)
    (tmp_path / "wire.yaml").write_text(WIRE_W)
    code, text = said(capsys, "check", tmp_path / "wire.yaml", "--set", "postprocess=[zeros]")
    assert code == 2 and "the recipe 'zeros' needs a film or a bulk piece" in text
    loop = {
        "geometry.holes": "{hole: {point: [5, 5]}}",
        "geometry.contours": "{loop: hole}",
        "postprocess": "[winding]",
    }
    code, text = said(capsys, "run", tmp_path / "wire.yaml", "--into", tmp_path / "out", *QUIET, *as_words(loop))
    assert code == 2 and "no closed path of the body surrounds the hole" in text
    assert not (tmp_path / "out").exists()


def test_a_mesh_that_is_only_coarse_is_a_warning(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "run", film, "--into", "out", *QUIET, "--set", "mesh.size=0.9 xi")
    assert code == 0
    assert text.splitlines() == [
        "warning: mesh size 0.9 xi (mesh.size) is coarser than 0.5 xi",
        "film: results go to out",
    ]


def test_all_mistakes_of_a_file_at_once_each_at_its_line(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = film.read_text().replace("u: 5.79", "u: nan").replace("field:", "feild:").replace("[a, b]", "[a, c]")
    film.write_text(text)
    code, answer = said(capsys, "run", film, *QUIET)
    places = [line.split(": ")[0] for line in headlines(answer)]
    assert code == 2 and places == ["film.yaml:7:58", "film.yaml:9:3", "film.yaml:13:37"], answer
    assert not Path("runs").exists()


@pytest.mark.parametrize("content", ["", "a: [", "- 1\n- 2\n", "\x00\x01\x02", "title: a\ntitle: b\n", "just words"])
def test_files_that_are_no_case(film: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    film.write_text(content)
    code, text = said(capsys, "run", film, *QUIET)
    assert code == 2 and text and not Path("runs").exists()


@pytest.mark.parametrize("name", ["film_vortex_flo", "nowhere.yaml", ".", "a\0b"])
def test_cases_that_are_not_there(film: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, text = said(capsys, "run", name, *QUIET)
    assert code == 2 and len(headlines(text)) == 1


def test_a_mesher_that_cannot_load_names_the_packages_to_install(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Broken:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == "gmsh":
                raise OSError("libGLU.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setenv("FEMPSLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("fempslip.mesh.child.apart", lambda function, *args: function(*args))
    monkeypatch.delitem(sys.modules, "gmsh", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    code, text = said(capsys, "run", film, "--into", "out", *QUIET)
    assert code == 2 and "libGLU.so.1" in text and "apt-get install -y libglu1-mesa" in text
    assert not Path("out").exists()


# ---------------------------------------------------------------------------------------------- folders and files


def test_folders_that_are_taken(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("mine")
    code, text = said(capsys, "run", film, "--into", "file/run", *QUIET)
    assert code == 2 and text.startswith("file/run cannot be written: Not a directory")
    Path("letters").mkdir()
    Path("letters/a.txt").write_text("mine")
    code, text = said(capsys, "run", film, "--into", "letters", *QUIET)
    assert code == 2 and text.startswith("letters is not empty") and os.listdir("letters") == ["a.txt"]
    assert said(capsys, "run", film, "--into", "out", *QUIET)[0] == 0
    before = {path: path.read_bytes() for path in Path("out").iterdir()}
    code, text = said(capsys, "run", film, "--into", "out", *QUIET)
    assert code == 2 and text.startswith("out already holds a run; go on with it by --resume out")
    assert {path: path.read_bytes() for path in Path("out").iterdir()} == before


def test_runs_is_a_file(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("runs").write_text("mine")
    code, text = said(capsys, "run", film, *QUIET)
    assert code == 2 and text.startswith("runs/film cannot be written: ") and Path("runs").read_text() == "mine"


@pytest.mark.parametrize("words", [("run", "--resume"), ("view",), ("post",)])
def test_a_folder_without_a_run(film: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    Path("empty").mkdir()
    for folder in ("empty", "nowhere"):
        code, text = said(capsys, *words, folder)
        assert code == 2 and headlines(text) == [f"{folder} holds no run (no fields.vtkhdf in it)"]
    assert not os.listdir("empty") and not Path("nowhere").exists()


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("stored")
    return solve(case_from(FILM, folder, SHORT), folder / "run", pictures=False)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["VTKHDF/Points"] = np.zeros((3, 3))


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def prose(path: Path) -> None:
    path.write_text("once: [upon a time")


DAMAGE = [("fields.vtkhdf", half), ("fields.vtkhdf", foreign), ("fields.vtkhdf", nothing), ("checkpoint.npz", half),
          ("checkpoint.npz", prose), ("case.yaml", prose), ("case.yaml", nothing)]  # fmt: skip


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
def test_a_damaged_run(
    stored: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, damage: Callable[[Path], None]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(stored.folder, folder)
    damage(folder / name)
    for words in (["run", "--resume", folder, "--until", "3 tau", *QUIET], ["post", folder, "voltage"]):
        code, text = said(capsys, *words)
        assert code == 2 and len(headlines(text)) <= 2 and name in text, text
    assert json.loads((folder / "summary.json").read_text()) == stored.summary  # it was not touched


def test_a_recipe_that_a_run_cannot_answer(stored: Run, capsys: pytest.CaptureFixture[str]) -> None:
    for recipe, message in {"winding": "contour", "nothing": "no recipe", "kymograph": "wires"}.items():
        code, text = said(capsys, "post", stored.folder, recipe)
        assert code == 2 and len(headlines(text)) == 1 and message in text


IN_A_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "bash", "-c"]
MOUNT = "mount -t tmpfs tmpfs /mnt"
needs_a_namespace = pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run([*IN_A_NAMESPACE, MOUNT], capture_output=True).returncode != 0,
    reason="mounting a small disk takes user namespaces",
)
FULL = """
set -u; mkdir disk; mount -t tmpfs -o size={size} tmpfs disk
fempslip() {{ {python} -m fempslip.cli "$@" --no-pictures --quiet; echo "exit $?" >> codes; }}
fempslip run film.yaml --into disk/run --until "400 tau" > out 2> err
cp disk/run/summary.json first.json; ls disk/run > first.ls
mount -o remount,size=60m disk
fempslip run --resume disk/run > out2 2> err2
cp disk/run/summary.json second.json
"""


@needs_a_namespace
def test_a_full_disk_keeps_the_run_and_more_room_lets_it_go_on(film: Path) -> None:
    script = FULL.format(size="6m", python=sys.executable)
    subprocess.run([*IN_A_NAMESPACE, script], check=True, timeout=120)
    assert Path("codes").read_text().split("\n")[:2] == ["exit 3", "exit 0"], Path("err").read_text()
    message = [line for line in Path("err").read_text().splitlines() if "disk is full" in line]
    assert len(message) == 1 and "go on with: fempslip run --resume disk/run" in message[0]
    assert "Traceback" not in Path("err").read_text() + Path("err2").read_text()
    first, second = (json.loads(Path(f"{name}.json").read_text()) for name in ("first", "second"))
    assert first["status"] == "failed" and 0 < first["end_time_tau"] < 400
    assert (second["status"], second["end_time_tau"]) == ("finished", 400)
    assert ".new" not in Path("first.ls").read_text()


@needs_a_namespace
def test_folders_on_a_disk_that_is_read_only_or_has_no_room(film: Path) -> None:
    script = f"""
    set -u; mkdir locked tiny; mount -t tmpfs -o ro tmpfs locked; mount -t tmpfs -o size=8k tmpfs tiny
    for disk in locked tiny; do
        {sys.executable} -m fempslip.cli run film.yaml --into $disk/run --no-pictures --quiet > out 2> $disk.err
        echo "exit $?" >> codes
        ls $disk/run >> left 2> /dev/null
    done
    """
    subprocess.run([*IN_A_NAMESPACE, script], check=False, timeout=60)
    assert Path("codes").read_text() == "exit 2\nexit 2\n"
    assert headlines(Path("locked.err").read_text()) == ["locked/run cannot be written: Read-only file system"]
    assert headlines(Path("tiny.err").read_text()) == ["tiny/run cannot be written: No space left on device"]
    assert "summary.json" not in Path("left").read_text()


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that commits after every step."""
    for name in ("FIRST", "INTERVAL"):
        monkeypatch.setattr(writer, name, 0.0)
    monkeypatch.setattr(writer, "SHARE", 1e9)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_while_running(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, eager: None, code: int
) -> None:
    sync, calls = layout.sync, iter(range(1000))

    def fails(path: Path) -> None:
        if next(calls) > 30:
            raise OSError(code, os.strerror(code))
        sync(path)

    monkeypatch.setattr(layout, "sync", fails)
    answer, text = said(capsys, "run", film, "--into", "out", *QUIET)
    monkeypatch.undo()
    monkeypatch.chdir(film.parent)
    assert answer == 3 and ("the disk is full" if code == errno.ENOSPC else "writing failed") in text
    run = open_run("out")
    assert run.status in ("failed", "interrupted") and 0 < run.table("series")["t"][-1] < 2
    assert not list(Path("out").glob("*.new"))
    assert said(capsys, "run", "--resume", "out", *QUIET)[0] == 0
    assert open_run("out").status == "finished"


# ---------------------------------------------------------------------------------------------- numbers


def failed(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[Run, str]:
    """The run of a command that fails on the way, and its message."""
    code, text = said(capsys, "run", *words, "--into", "out", *QUIET)
    assert code == 3
    assert headlines(text)[:2] == ["film: results go to out", "the run up to here is kept in out"]
    assert len(headlines(text)) == 3
    run = open_run("out")
    assert run.summary is not None and run.summary["status"] == run.status == "failed"
    assert "expect" not in run.summary and "results" not in run.summary
    assert run.summary["failure"] == headlines(text)[2]
    return run, headlines(text)[2]


def test_a_step_that_becomes_too_small(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The current jumps; after it no step is short enough that may be taken."""
    jump = "{points: [[0, 0], [1, 0], [1, 500], [2, 500]]}"
    still = {"drive.field": "null", "contacts": "{source: free, drain: free}"}
    words = as_words({**still, "drive.current.density": jump, "time.dt_min": "0.01", "time.dt_start": "0.01"})
    run, message = failed(capsys, film, *words)
    assert message.startswith("the step fell below time.dt_min = 0.01 tau at t = 1") and "time.tolerance" in message
    t = run.table("series")["t"]
    assert run.summary is not None and run.summary["end_time_tau"] == t[-1] >= 1 and len(t) == run.summary["steps"]
    assert run.times[-1] == 1.0 and np.isfinite(run.frame(-1)["psi_re"]).all()


@pytest.mark.parametrize("fixed", [{}, {"time.fixed": "0.02"}])
def test_numbers_that_are_no_longer_finite(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, fixed: dict[str, str]
) -> None:
    attempt = Bdf2.attempt

    def broken(self: Bdf2, state: State, dt: float) -> Trial:
        if state.t > 1.2:
            psi, *past = state.past("psi")
            state = replace(state, history={**state.history, "psi": (psi * np.nan, *past)})
        return attempt(self, state, dt)

    monkeypatch.setattr(Bdf2, "attempt", broken)
    run, message = failed(capsys, film, *as_words(fixed))
    assert ("time.fixed smaller" if fixed else "the step fell below time.dt_min") in message
    assert 1.2 < run.table("series")["t"][-1] < 1.5 and run.times[-1] == 1.0
    assert all(np.isfinite(values).all() for values in run.table("series").values())
    assert np.isfinite(run.checkpoint()["state.psi.0"]).all()


def test_a_failed_run_can_go_on_when_the_reason_is_gone(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = Bdf2.attempt

    def stops(self: Bdf2, state: State, dt: float) -> Trial:
        if state.t > 1.2:
            raise Failure("no more")
        return attempt(self, state, dt)

    monkeypatch.setattr(Bdf2, "attempt", stops)
    failed(capsys, film)
    monkeypatch.undo()
    monkeypatch.chdir(film.parent)
    assert said(capsys, "run", "--resume", "out", *QUIET) == (0, "")
    assert open_run("out").status == "finished"


def test_a_picture_that_fails_is_a_warning(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from fempslip import view

    def broken(run: Run, progress: object) -> list[Path]:
        raise Failure("no screen")

    monkeypatch.setitem(view.PICTURES, "snapshots", broken)
    code, text = said(capsys, "run", film, "--into", "out", "--quiet")
    assert code == 0 and "warning: no picture 'snapshots': no screen" in text
    assert Path("out/voltage.png").is_file() and open_run("out").status == "finished"


# ---------------------------------------------------------------------------------------------- interrupted


def started(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fempslip.cli", "run", *map(str, words), *QUIET]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def committed_time(folder: str) -> float:
    """Time of the last checkpoint of a run that goes on meanwhile."""
    marker = Path(folder, "checkpoint.npz")
    return float(np.load(marker)["clock"][0]) if marker.exists() else 0.0


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_is_kept_and_goes_on(
    film: Path, capsys: pytest.CaptureFixture[str], kind: signal.Signals
) -> None:
    child = started(film, "--into", "out", "--until", "4000 tau")
    while child.poll() is None and committed_time("out") < 5:
        time.sleep(0.01)
    child.send_signal(kind)
    out, err = child.communicate(timeout=30)
    assert child.returncode == 130 and out == "" and "Traceback" not in err
    assert err.splitlines() == [
        "film: results go to out",
        "the run up to here is kept in out; go on with: fempslip run --resume out",
        "interrupted",
    ]
    run = open_run("out")
    assert run.summary is not None and run.summary["status"] == "stopped"
    reached = run.summary["end_time_tau"]
    assert 0 < reached < 4000 and run.table("series")["t"][-1] == reached == run.checkpoint()["clock"][0]
    code, text = said(capsys, "run", "--resume", "out", "--until", f"{reached - 1} tau", *QUIET)
    assert code == 2 and f"is already at t = {reached:g} tau" in text
    assert said(capsys, "run", "--resume", "out", "--until", f"{reached + 1} tau", *QUIET)[0] == 0
    assert open_run("out").status == "finished"


def test_interrupted_before_there_is_a_run(
    film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(case: Case) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fempslip.run.running.make_mesh", interrupted)
    assert said(capsys, "run", film, "--into", "out", *QUIET) == (130, "interrupted\n")
    assert not Path("out").exists()


# ---------------------------------------------------------------------------------------------- from a notebook


def test_a_case_made_in_python_is_checked_too(film: Path) -> None:
    from fempslip.contract import Refusal

    case: Case = case_from(FILM, film.parent, SHORT)
    for value in (float("nan"), float("inf"), "much", [0.1, 0.2], {"ramp": 1}, object()):
        changes: dict[str, Any] = {"drive.field": value}
        with pytest.raises(Refusal):
            case.vary(changes)


def test_a_current_beyond_depairing_is_warned_of(tmp_path: Path) -> None:
    """0.3 j0 is below the depairing density of 0.385 j0, 3 j0 is 7.8 times it."""
    with pytest.warns(AboveDepairing, match="7.79 Idep"):
        problem_of(case_from(WIRE_W, tmp_path, {"drive.current.density": "3 j0"}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        problem_of(case_from(WIRE_W, tmp_path))
