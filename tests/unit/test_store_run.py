"""The store: what is written is read, as it was committed; nothing is written over; bad folders get a plain answer."""

from __future__ import annotations

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from skfem import MeshTet, MeshTri

from fempslip.contract import Failure, Mesh, Refusal
from fempslip.store import RunWriter, open_run


def film(dim: int = 2) -> Mesh:
    axis = np.linspace(0.0, 2.0, 5)
    made = MeshTri.init_tensor(axis, axis) if dim == 2 else MeshTet.init_tensor(axis, axis, axis[:3])
    cells, half = np.arange(made.t.shape[1]), made.t.shape[1] // 2
    return Mesh(
        points=made.p,
        cells=made.t,
        node_of_vertex=np.arange(made.p.shape[1]),
        regions={"right": cells[half:], "left / main": cells[:half]},
        boundaries={"source": made.facets[:, :3]},
        holes={"through": (np.zeros(dim), np.array([0.0, 0.0, 1.0]))},
        probes={"upstream": np.full(dim, 1 / 3)},
        contours={"around": "through"},
        size=0.5,
    )


def ring(n: int = 12) -> Mesh:
    angle = 2 * np.pi * np.arange(n) / n
    points = np.array([np.cos(angle), np.sin(angle), 0 * angle])
    cells = np.array([np.arange(n), (np.arange(n) + 1) % n])
    return Mesh(points, cells, np.arange(n), {"wire": np.arange(n)}, {})


def folded() -> Mesh:
    """A wire whose last vertex is its first unknown."""
    points = np.array([np.arange(5.0), np.zeros(5), np.zeros(5)])
    return Mesh(points, np.array([range(4), range(1, 5)]), np.array([0, 1, 2, 3, 0]), {"wire": np.arange(4)}, {})


def fields(mesh: Mesh, k: float) -> dict[str, np.ndarray]:
    x = np.arange(mesh.nodes) + 0.1 * k
    return {"psi_re": np.cos(x), "psi_im": np.sin(x), "psi_abs": 1 + x, "supercurrent": np.stack([x, -x, 0 * x], 1)}


def write(folder, mesh: Mesh, steps: int = 6, every: int = 2, **options) -> RunWriter:
    writer = RunWriter.create(folder, mesh, "title: a film\n", {"scales": {"xi": 2e-8}}, "@article{a}", **options)
    for k in range(steps):
        writer.row("series", {"t": 0.5 * k, "a|b impulse": k**2, "V/I": -k})
        writer.frame(0.5 * k, fields(mesh, k))
        if k % every == every - 1:
            writer.checkpoint({"psi": np.array([k + 1j]), "t": np.array(0.5 * k)})
    return writer


@pytest.mark.parametrize("mesh", [ring(), film(2), film(3), folded()], ids=["ring", "2D", "3D", "folded"])
def test_a_run_reads_back_equal(tmp_path, mesh):
    write(tmp_path / "run", mesh, frames=1).finish({"status": "finished", "steps": np.int64(6), "v": np.arange(2)})
    run = open_run(tmp_path / "run")
    for name in ("points", "cells", "node_of_vertex"):
        assert np.array_equal(getattr(run.mesh, name), getattr(mesh, name))
        assert getattr(run.mesh, name).dtype == getattr(mesh, name).dtype
    for name in ("regions", "boundaries", "probes"):
        mine, stored = getattr(mesh, name), getattr(run.mesh, name)
        assert list(mine) == list(stored) and all(np.array_equal(mine[k], stored[k]) for k in mine)
    for name, (point, direction) in mesh.holes.items():
        assert np.array_equal(run.mesh.holes[name][0], point) and np.array_equal(run.mesh.holes[name][1], direction)
    assert (run.mesh.contours, run.mesh.size) == (dict(mesh.contours), mesh.size)
    assert run.status == "finished" and run.summary == {"status": "finished", "steps": 6, "v": [0, 1]}
    assert (run.case_text, run.header, run.references) == ("title: a film\n", {"scales": {"xi": 2e-8}}, "@article{a}")
    assert np.array_equal(run.times, 0.5 * np.arange(6)) and run.tables == ("series",)
    assert np.array_equal(run.table("series")["a|b impulse"], np.arange(6.0) ** 2)
    for k in (0, 3, -1):
        wanted, got = fields(mesh, k % 6), run.frame(k)
        assert np.array_equal(got["psi_re"], wanted["psi_re"])  # float64, bit for bit
        assert all(np.allclose(got[name], wanted[name], rtol=1e-7) for name in wanted) and set(got) == set(wanted)
    assert run.checkpoint()["psi"] == [5 + 1j] and run.versions["numpy"] == np.__version__


def test_vtk_reads_every_frame(tmp_path):
    pv = pytest.importorskip("pyvista")
    mesh = film(2)
    write(tmp_path / "run", mesh).close()  # not finished: room for more frames is still in the file
    reader = pv.get_reader(tmp_path / "run" / "fields.vtkhdf").reader
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == 6
    for k in (0, 5):
        reader.SetStep(k)
        reader.Update()
        grid = pv.wrap(reader.GetOutput())
        assert np.array_equal(grid["psi_re"], fields(mesh, k)["psi_re"]) and grid["supercurrent"].shape == (25, 3)
        assert np.isclose(grid.compute_cell_sizes()["Area"].sum(), 4.0)
        assert np.array_equal(np.bincount(grid["region"]), [16, 16]) and reader.GetTimeValue() == 0.5 * k


def test_only_what_is_committed_is_seen(tmp_path):
    writer = write(tmp_path / "run", film(), steps=5, every=2)
    run = open_run(tmp_path / "run")
    assert (run.status, run.summary, len(run.times), len(run.table("series")["t"])) == ("running", None, 4, 4)
    writer.close()
    assert open_run(tmp_path / "run").status == "interrupted"


def test_resume_cuts_to_the_checkpoint_and_goes_on(tmp_path):
    write(tmp_path / "run", film(), steps=5, every=2).finish({"status": "stopped"})
    run = open_run(tmp_path / "run")
    assert run.status == "stopped" and len(run.times) == 5  # the row after the last checkpoint is shown ...
    writer = RunWriter.resume(tmp_path / "run", case_text="title: longer\n")
    run = open_run(tmp_path / "run")
    assert len(run.times) == len(run.table("series")["t"]) == 4  # ... and computed anew
    assert (run.status, run.summary, run.case_text) == ("running", None, "title: longer\n")
    assert (tmp_path / "run" / "case.yaml").read_text() == "title: longer\n"
    for k in range(4, 4 + 100):
        writer.row("series", {"t": 0.5 * k, "a|b impulse": k**2, "V/I": -k})
        writer.frame(0.5 * k, fields(film(), k))
    writer.row("late", {"t": 1.0})
    writer.checkpoint({"psi": np.ones(1)})
    writer.finish({})
    run = open_run(tmp_path / "run")
    assert np.array_equal(run.times, 0.5 * np.arange(104)) and set(run.tables) == {"series", "late"}
    assert np.array_equal(run.table("series")["t"], run.times)
    assert np.array_equal(run.frame(2)["psi_re"], fields(film(), 2)["psi_re"])
    with h5py.File(tmp_path / "run" / "fields.vtkhdf") as file:  # no spare room in a finished file
        assert file["VTKHDF/PointData/psi_re"].shape == (104 * 25,) and file["VTKHDF/Steps"].attrs["NSteps"] == 104


def test_two_writers_and_full_folders_are_refused(tmp_path):
    writer = write(tmp_path / "run", film())
    for start in (lambda: RunWriter.resume(tmp_path / "run"), lambda: RunWriter.create(tmp_path / "run", film())):
        with pytest.raises(Refusal, match=r"is being written by another process \(pid \d+\)"):
            start()
    writer.finish({})
    before = (tmp_path / "run" / "fields.vtkhdf").read_bytes()
    with pytest.raises(Refusal, match="already holds a run; go on with it by --resume"):
        RunWriter.create(tmp_path / "run", film())
    assert (tmp_path / "run" / "fields.vtkhdf").read_bytes() == before
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("mine")
    with pytest.raises(Refusal, match="is not empty"):
        RunWriter.create(tmp_path / "letters", film())
    assert [p.name for p in (tmp_path / "letters").iterdir()] == ["a.txt"]


def test_folders_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match="cannot be written: Not a directory"):
        RunWriter.create(tmp_path / "file" / "run", film())
    with pytest.raises(Refusal, match="holds no run"):
        RunWriter.resume(tmp_path)
    with pytest.raises(Refusal, match="holds no run"):
        open_run(tmp_path / "nowhere")


def damage_text(folder):
    (folder / "fields.vtkhdf").write_text("once upon a time")


def damage_half(folder):
    whole = (folder / "fields.vtkhdf").read_bytes()
    (folder / "fields.vtkhdf").write_bytes(whole[: len(whole) // 3])


def damage_foreign(folder):
    with h5py.File(folder / "fields.vtkhdf", "w") as file:
        file["VTKHDF/Points"] = np.zeros((3, 3))


def damage_frames(folder):
    with h5py.File(folder / "fields.vtkhdf", "r+") as file:
        file["VTKHDF/Steps/Values"].resize((2,))


def damage_marker(folder):
    (folder / "checkpoint.npz").write_bytes(b"PK\x03\x04 and no more")


@pytest.mark.parametrize("damage", [damage_text, damage_half, damage_foreign, damage_frames, damage_marker])
def test_damaged_and_foreign_files_are_refused(tmp_path, damage):
    write(tmp_path / "run", film()).close()
    damage(tmp_path / "run")
    with pytest.raises(Refusal, match="is not a file of fempslip, or it is damaged"):
        open_run(tmp_path / "run")
    if damage is not damage_frames:  # this one still has its layout
        with pytest.raises(Refusal, match="damaged"):
            RunWriter.resume(tmp_path / "run")


def test_rows_and_frames_keep_their_shape(tmp_path):
    writer = write(tmp_path / "run", film())
    with pytest.raises(ValueError, match="has the columns"):
        writer.row("series", {"t": 1.0})
    with pytest.raises(ValueError, match="frames hold the fields"):
        writer.frame(9.0, {"psi_re": np.zeros(25)})
    with pytest.raises(ValueError, match="shape"):
        writer.frame(9.0, {"psi_re": np.zeros(24)})
    with pytest.raises(ValueError, match="plain arrays"):
        writer.checkpoint({"state": np.array([{}])})
    writer.close()
    with pytest.raises(Refusal, match="no table 'nothing'; it has series"):
        open_run(tmp_path / "run").table("nothing")
    with pytest.raises(Refusal, match="has 6 frames; there is no frame 6"):
        open_run(tmp_path / "run").frame(6)


def test_due_comes_early_and_then_leaves_the_wall_time_alone(tmp_path, monkeypatch):
    import fempslip.store.writer as room

    clock = [100.0]
    monkeypatch.setattr(room.time, "monotonic", lambda: clock[0])
    writer = RunWriter.create(tmp_path / "run", film())
    assert not writer.due()
    clock[0] += 0.25
    assert writer.due()
    writer.checkpoint({})
    clock[0] += 0.9
    assert not writer.due()
    clock[0] += 0.2
    assert writer.due()
    mark = writer._mark

    def slow(*arguments):
        clock[0] += 0.5
        mark(*arguments)

    monkeypatch.setattr(writer, "_mark", slow)
    writer.checkpoint({})  # took 0.5 s: the next may come after 10 s
    clock[0] += 9.0
    assert not writer.due()
    clock[0] += 1.5
    assert writer.due()
    writer.close()


FULL = """
import resource, sys
import numpy as np
sys.path[:0] = {path!r}
from test_store_run import film, fields, RunWriter, open_run
from fempslip.contract import Failure
folder = sys.argv[1]
writer = RunWriter.create(folder, film(), frames=2000)
writer.row("series", dict(t=0.0)); writer.frame(0.0, fields(film(), 0)); writer.checkpoint(dict(psi=np.ones(3)))
limit = (writer.folder / "fields.vtkhdf").stat().st_size
import errno, os
real = os.fsync
def full(handle):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
if sys.argv[2] == "sync":
    os.fsync = full
else:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit // 2, limit))
try:
    for k in range(1, 3000):
        writer.row("series", dict(t=float(k))); writer.frame(float(k), fields(film(), k))
        if k % 500 == 0:
            writer.checkpoint(dict(psi=np.full(3, k)))
    print("no failure")
except Failure as failure:
    print(failure)
os.fsync = real
writer.finish(dict(status="failed"))
print(len(open_run(folder).times))
"""


@pytest.mark.parametrize("how", ["sync", "size"])
def test_a_full_disk_is_a_failure_and_keeps_the_run(tmp_path, how):
    script = FULL.format(path=[str(p) for p in sys.path if p] + [str(__import__("pathlib").Path(__file__).parent)])
    done = subprocess.run([sys.executable, "-c", script, tmp_path / "run", how], capture_output=True, text=True)
    said, frames = done.stdout.strip().splitlines()
    assert done.returncode == 0 and "the disk is full" in said and "--resume" in said, done.stderr
    run = open_run(tmp_path / "run")
    assert run.status == "failed" and len(run.times) == int(frames) >= 1
    assert np.array_equal(run.table("series")["t"], np.arange(len(run.times)))
    RunWriter.resume(tmp_path / "run").close()
    assert len(open_run(tmp_path / "run").times) == int(frames)


def test_the_lock_of_a_dead_process_does_not_hold(tmp_path):
    write(tmp_path / "run", film()).close()
    (tmp_path / "run" / "run.lock").write_text("1\n")  # left by a killed writer
    assert open_run(tmp_path / "run").status == "interrupted"
    RunWriter.resume(tmp_path / "run").finish({})
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["status"] == "finished"
    assert Failure is not Refusal
