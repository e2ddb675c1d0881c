"""Content that means harm: every one is refused, quickly, in little memory, with a message that says why."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.reliability.figures import Figures

SECONDS, MEGABYTES = 5.0, 400.0  # that one refusal may take
FILM = """\
geometry:
  dimension: 2
  parameters: {length: 8 xi}
  regions: {film: {rectangle: {size: [length, 5 xi], center: [0, 0]}}}
  boundaries: {source: {edge: left, of: film}, drain: {edge: right, of: film}}
  probes: {a: [-3, 0], b: [3, 0]}
material: {u: 5.79, gamma: 1}
drive: {field: 0.1}
mesh: {size: 0.5 xi}
time: {until: 2 tau}
measure: {from: 1 tau, between: [a, b]}
record: {fields: every 1 tau}
"""


def film(old: str = "", new: str = "") -> str:
    assert old in FILM
    return FILM.replace(old, new, 1)


def laughs(levels: int = 9) -> str:
    """Ten to the nine laughs, in half a kilobyte."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, levels)]
    return "\n".join(lines) + "\n" + FILM


def nested(open_: str, close: str, depth: int) -> str:
    return "title: " + open_ * depth + close * depth + "\n"


# name -> (text of the case, what the refusal says)
TEXTS: Mapping[str, tuple[str, str]] = {
    "billion laughs": (laughs(), r"case\.yaml:1:5: anchors and aliases"),
    "an anchor that holds itself": ("a: &a [*a]\n" + FILM, r"case\.yaml:1:4: anchors and aliases"),
    "merge keys": (film("record:", "<<: *x\nrecord:"), r"case\.yaml:12:5: anchors and aliases"),
    "100 000 brackets": (nested("[", "]", 100_000), r"case\.yaml:1:\d+: nested deeper than 24 levels"),
    "50 000 braces": (nested("{a: ", "}", 50_000), r"case\.yaml:1:\d+: nested deeper than 24 levels"),
    "20 000 dashes": ("a:\n" + "- " * 20_000 + "\n", r"case\.yaml:2:\d+: nested deeper than 24 levels"),
    "a million values": ("a: [" + "1," * 100_000 + "1]\n", r"case\.yaml:1:\d+: more than 20000 values"),
    "a file of 10 MB": (FILM + "#" * 10_000_000, r"case\.yaml: larger than 256 kB"),
    "1e400": (film("field: 0.1", "field: 1e400"), r"case\.yaml:8:16: drive\.field wants a finite number"),
    "10 000 digits": (film("field: 0.1", "field: " + "9" * 10_000), r"case\.yaml:8:16: drive\.field wants a finite"),
    "10**10000": (film("field: 0.1", "field: 10**10000"), r"case\.yaml:8:16: drive\.field"),
    "9**9**9 in a unit": (film("size: 0.5 xi", "size: 1 nm**9**9**9"), r"case\.yaml:9:14: mesh\.size"),
    "powers in a unit": (film("size: 0.5 xi", "size: 1 nm^999999999"), r"case\.yaml:9:14: mesh\.size"),
    "a sum of 1000 terms": (film("until: 2 tau", "until: " + "1 tau + " * 1000 + "1 tau"), r"case\.yaml:10:15: "),
    "code in a tag": ("a: !!python/object/apply:os.system [touch hit]\n" + FILM, r"case\.yaml:1:4: tags"),
    "code in an import tag": ("a: !!python/module:antigravity ''\n", r"case\.yaml:1:4: tags"),
    "code as a value": (film("until: 2 tau", "until: __import__('os').system('touch hit')"), r"case\.yaml:10:15: "),
    "code in a template": (film("field: 0.1", "field: '{0.__class__.__mro__}'"), r"case\.yaml:8:16: "),
    "a name that climbs": ("name: ../../up\n" + FILM, r"case\.yaml:1:7: "),
    "an absolute name": ("name: /tmp/hit\n" + FILM, r"case\.yaml:1:7: "),
    "a region that climbs": (film("{film: {", "{../film: {"), r"case\.yaml:4:13: "),
    "a NUL in a name": (film("{film: {", '{"fi\\0lm": {'), r"case\.yaml:4:13: control characters"),
    "escapes in a title": ('title: "\\e[2J\\e]0;owned\\a"\n' + FILM, r"case\.yaml:1:8: control characters"),
    "text that runs backwards": ('title: "safe\\u202Elmay.exe"\n' + FILM, r"case\.yaml:1:8: control characters"),
    "letters of no width": (film("{film: {", '{"fi\\u200Blm": {'), r"case\.yaml:4:13: "),
    "a Cyrillic a": (film("material:", "m\u0430terial:"), r"case\.yaml:7:1: unknown key(?s:.*)nearest: material"),
    "half a character": ('title: "\\uD800"\n' + FILM, r"case\.yaml:1:\d+: "),
    "a geometry that climbs": ("geometry: ../../../../etc/passwd\n", r"case\.yaml:1:11: there is no geometry"),
    "a geometry from a device": ("geometry: /dev/zero\n", r"case\.yaml:1:11: there is no geometry"),
    "a geometry from a pipe": ("geometry: pipe\n", r"case\.yaml:1:11: there is no geometry"),
    "a geometry in a circle": ("geometry: circle\n", r"case\.yaml:1:11: there is no geometry"),
    "a geometry that is a link to a device": ("geometry: link\n", r"case\.yaml:1:11: there is no geometry"),
    "a geometry of 1 GB": ("geometry: large\n", r"large\.yaml: larger than 256 kB"),
    "a table from a device": (
        film("field: 0.1", "field: {table: {file: /dev/zero}}"), r"case\.yaml:8:\d+: there is no file"
    ),
    "a table from a pipe": (film("field: 0.1", "field: {table: {file: pipe}}"), r"case\.yaml:8:\d+: there is no file"),
    "a mesh from a device": (
        "geometry: {dimension: 2, import: {file: /dev/zero, unit: xi}, regions: {film: {group: film}}}\n"
        + FILM[FILM.index("material:") :].replace("measure: {from: 1 tau, between: [a, b]}\n", ""),
        r"case\.yaml:1:\d+: there is no file /dev/zero",
    ),
    "a start from a device": ("start: {run: /dev/zero}\n" + FILM, r"/dev/zero holds no run"),
    "10^9 points of a sweep": (
        FILM + "sweep:\n" + "".join(
            f"  {path}: {{from: 1, to: 2, step: 0.001}}\n" for path in ("drive.field", "material.gamma", "material.u")
        ),
        r"case\.yaml:14:\d+: sweep has 1003003001 points; at most 10000",
    ),
    "a range of 10^15": (
        FILM + "sweep: {drive.field: {from: 0, to: 1, step: 1e-15}}\n", r"a range of 10{6,}\d* values; at most 10000"
    ),
    "10^12 frames": (film("every 1 tau", "every 1e-12 tau"), r"case\.yaml:12:18: record\.fields keeps 2e\+12 frames"),
    "10^14 cells": (film("length: 8 xi", "length: 1e13 xi"), r"case\.yaml:\d+:\d+: .*about [\d.e+]+ cells"),
    "10^12 copies": (
        film("{film: {rectangle: {size: [length, 5 xi], center: [0, 0]}}}",
             "{film: {repeat: {shape: {disk: {radius: 1}}, counts: [1000000, 1000000], step: [[3, 0], [0, 3]]}}}"),
        r"case\.yaml:4:\d+: ",
    ),
    "a wire of 10^12 cells": (
        "geometry: {use: wire, length: 1e11 xi}\nmaterial: {u: 5.79, gamma: 1}\nmesh: {size: 0.1 xi}\n"
        "time: {until: 1 tau}\nrecord: {fields: every 1 tau}\n",
        r"case\.yaml:\d+:\d+: .*about 1e\+12 cells",
    ),
}  # fmt: skip


def set_up(folder: Path) -> None:
    """What the texts name: a pipe, links in a circle and to a device, a large file."""
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "circle.yaml").symlink_to("circle.yaml")
    (folder / "link.yaml").symlink_to("/dev/zero")
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(1 << 30)


def refusal_of(read: Callable[[], object], folder: Path, message: str) -> str:
    """ "" where what is read is refused in time with such a message, or what happened instead.

    A file named hit in the folder is what its code would leave.
    """
    from benchmarks.reliability.judges import last_lines
    from fempslip.contract import Refusal

    begun = time.process_time()
    try:
        read()
    except Refusal as refusal:
        said = str(refusal)
    except BaseException as error:
        return f"{type(error).__name__}: {last_lines(error)}"
    else:
        return "it is accepted"
    if (folder / "hit").exists():
        return "its code was run"
    if time.process_time() - begun > SECONDS:
        return f"it takes {time.process_time() - begun:.1f} s"
    return "" if re.search(message, said) else f"another message: {said[:300]}"


def refused(folder: Path, name: str) -> str:
    """ "" where a text is refused as it should be, or what happened instead."""
    text, message = TEXTS[name]
    path = folder / "case.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with contextlib.chdir(folder):
        return refusal_of(read_and_mesh, folder, message)


def read_and_mesh() -> None:
    from benchmarks.reliability.judges import checked, meshed
    from fempslip.case import MeshedCase, load

    case = load("case.yaml")
    checked(case)
    if isinstance(case, MeshedCase):
        meshed(case)


# ---------------------------------------------------------------------------------------------- files of runs


def bomb(path: Path) -> None:
    """A checkpoint of a few kilobytes that unpacks to 100 MB."""
    import zipfile

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("state.psi.0.npy", "w") as member:
        for _ in range(100):
            member.write(bytes(1 << 20))


def endless_array(path: Path) -> None:
    """A checkpoint whose array says that it has 10^15 numbers."""
    import io
    import zipfile

    import numpy as np

    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": (10**15,)})
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("__committed__.npy", head.getvalue())


def pickled(path: Path) -> None:
    """A checkpoint with an object that runs code when it is read."""
    import numpy as np

    class Harm:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.system, (f"touch {path.parent.parent / 'hit'}",)

    np.savez(path, __committed__=np.array([Harm()], dtype=object), allow_pickle=True)


def huge_text(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 33)


def deep_json(path: Path) -> None:
    path.write_text("[" * 1_000_000)


def hdf5(change: str) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        import h5py
        import numpy as np

        with h5py.File(path, "r+") as file:
            points = file["fempslip/mesh/points"]
            shape = points.shape
            del file["fempslip/mesh/points"]
            if change == "virtual":
                layout = h5py.VirtualLayout(shape=shape, dtype="f8")
                layout[:] = h5py.VirtualSource("/etc/hostname", "x", shape=shape)
                file.create_virtual_dataset("fempslip/mesh/points", layout)
            elif change == "external":
                file.create_dataset("fempslip/mesh/points", (4,), "u1", external=[("/etc/passwd", 0, 4)])
            elif change == "link":
                file["fempslip/mesh/points"] = h5py.ExternalLink("/etc/passwd", "/x")
            elif change == "huge":
                file.create_dataset("fempslip/mesh/points", (2, 10**12), "f8", chunks=(1, 10**6))
            elif change == "packed":
                file.create_dataset("fempslip/mesh/points", data=np.zeros((2, 10**8), "i1"), compression="gzip")
            elif change == "circle":
                file["fempslip/mesh/points"] = h5py.SoftLink("/fempslip")
            elif change == "stray cells":
                file["fempslip/mesh/points"] = np.zeros(shape)
                cells = file["fempslip/mesh/cells"]
                cells[0, 0] = 10**6

    return act


# name -> (file, what is done to it, what the refusal says)
FILES: Mapping[str, tuple[str, Callable[[Path], None], str]] = {
    "a packed checkpoint": ("checkpoint.npz", bomb, "packed|damaged"),
    "an array without end": ("checkpoint.npz", endless_array, "damaged"),
    "a pickle": ("checkpoint.npz", pickled, "damaged"),
    "a summary of 8 GB": ("summary.json", huge_text, "larger than 64 MB"),
    "a deep summary": ("summary.json", deep_json, "damaged"),
    "a case of 8 GB": ("case.yaml", huge_text, "larger than"),
    "numbers of another file": ("fields.vtkhdf", hdf5("virtual"), "numbers of another file"),
    "bytes of another file": ("fields.vtkhdf", hdf5("external"), "numbers of another file"),
    "a link to another file": ("fields.vtkhdf", hdf5("link"), "is a link"),
    "numbers that are not there": ("fields.vtkhdf", hdf5("huge"), "numbers that are not in the file"),
    "packed numbers": ("fields.vtkhdf", hdf5("packed"), "packed numbers"),
    "a circle": ("fields.vtkhdf", hdf5("circle"), "is a link"),
    "cells that lead out of the mesh": ("fields.vtkhdf", hdf5("stray cells"), "corners that are not there"),
}


def refused_run(folder: Path, whole: Path, name: str) -> str:
    """ "" where a spoilt run is refused as it should be, or what happened instead."""
    import shutil

    from benchmarks.reliability.judges import read_in_full

    run = folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    shutil.copytree(whole, run)
    file, harm, message = FILES[name]
    harm(run / file)
    return refusal_of(lambda: read_in_full(run), folder, message)


def work(found: Figures, kept: Path, workers: int, progress: Any) -> None:
    import resource

    from fempslip.case import load_text
    from fempslip.run.running import solve

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        set_up(folder)
        solve(load_text(FILM), folder / "whole", pictures=False)
        names = [*TEXTS, *FILES]
        for name in names[found.tried : found.wanted]:
            wrong = refused(folder, name) if name in TEXTS else refused_run(folder, folder / "whole", name)
            found.counts["not refused" if wrong else "refused"] += 1
            found.losses += [f"{name}: {wrong}"] if wrong else []
            found.tried += 1
            progress(found.tried / found.wanted, name)
    found.largest("MB of the process", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
