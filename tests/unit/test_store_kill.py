"""A run killed at any moment opens, shows every committed step and goes on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np

from fempslip.store import RunWriter, open_run

CHILD = """
import os, sys
sys.path[:0] = {path!r}
import numpy as np
from pathlib import Path
from fempslip.contract import Mesh
from fempslip.store import RunWriter, open_run
folder = Path(sys.argv[1])
x, cells = np.arange(25.0), np.array([np.arange(24), np.arange(1, 25)])
mesh = Mesh(np.array([x, 0 * x, 0 * x]), cells, np.arange(25), dict(wire=np.arange(24)), dict())
writer = RunWriter.resume(folder) if folder.exists() else RunWriter.create(folder, mesh, frames=3)
k = int(writer._commit.kept.rows.get("series", 0))
os.write(1, b"go\\n")
while True:
    writer.row("series", dict(t=float(k), V=2.0 * k))
    writer.frame(float(k), dict(psi_re=np.full(25, float(k)), J=np.full((25, 3), k)))
    if k % 50 == 49:
        writer.row(f"table {{k}}", dict(t=float(k)))
    k += 1
    if k % 3 == 0:
        writer.checkpoint(dict(psi=np.full(1000, float(k))))
        os.write(1, b"%d\\n" % k)
"""
LOOK = """
import sys, pyvista as pv
reader = pv.get_reader(sys.argv[1]).reader
reader.UpdateInformation()
last = reader.GetNumberOfSteps() - 1
reader.SetStep(last)
reader.Update()
print(last + 1, pv.wrap(reader.GetOutput())["psi_re"][7])
"""


def killed(folder: Path, pause: float) -> int:
    """Let a child write for a moment and kill it; returns the last step whose commit it had reported."""
    here = [*(p for p in sys.path if p), os.getcwd()]
    child = subprocess.Popen([sys.executable, "-c", CHILD.format(path=here), folder], stdout=subprocess.PIPE)
    assert child.stdout is not None and child.stdout.readline() == b"go\n"
    time.sleep(pause)
    child.kill()
    said = [line for line in child.stdout.read().split(b"\n")[:-1] if line]  # a last broken line is not counted
    child.wait()
    child.stdout.close()
    return int(said[-1]) if said else 0


def test_ten_kills(tmp_path):
    chance, folder, committed = random.Random(7), tmp_path / "run", 0
    for _ in range(10):
        reported = max(killed(folder, chance.uniform(0.01, 0.2)), committed)
        run = open_run(folder)
        assert run.status == "interrupted" and len(run.times) >= reported and len(run.times) % 3 == 0
        committed = len(run.times)
        steps = np.arange(float(committed))
        assert np.array_equal(run.times, steps) and np.array_equal(run.table("series")["V"], 2 * steps)
        if committed:
            assert run.frame()["J"][3, 1] == committed - 1 and run.checkpoint()["psi"][0] == committed
        with h5py.File(folder / "fields.vtkhdf", "r", locking=False) as file:
            assert file["VTKHDF/Steps"].attrs["NSteps"] >= committed
            assert list(file["VTKHDF/PointData/psi_re"][: 25 * committed : 25]) == list(steps)
    assert committed > 30
    seen = subprocess.run([sys.executable, "-c", LOOK, folder / "fields.vtkhdf"], capture_output=True, text=True)
    steps, value = seen.stdout.split()
    assert int(steps) >= committed and float(value) == int(steps) - 1
    with RunWriter.resume(folder) as writer:
        writer.finish({})
    assert len(open_run(folder).times) == committed and open_run(folder).status == "finished"
