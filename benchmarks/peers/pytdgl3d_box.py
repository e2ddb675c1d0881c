"""A box in pytdgl3d, run by its own interpreter: pytdgl3d_box.py QUESTION ANSWER, both JSON.

question : size (three lengths in xi), edge, field (along z, Bc2), gamma, dt_max, until (tau0), warm (steps before
counting);  answer : cpu seconds of the steps per tau0 and a step, steps, mean dt, sites, cpu of mesh and factor, memory
(KiB, peak).  No terminals, no files, no free energy: its bare step, which terminals and recording only make dearer.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import tdgl3d
from tdgl3d.solver.solver import TDGLSolver


def main():
    asked = json.loads(sys.argv[1])
    begun = time.process_time()
    surface = tdgl3d.Volume("box", *tdgl3d.cuboid(*asked["size"]))
    layer = tdgl3d.Layer(coherence_length=1.0, london_lambda=10.0, u=5.79, gamma=asked["gamma"])
    device = tdgl3d.Device("box", layer=layer, volume=surface, length_units="um")
    device.make_mesh(max_edge_length=asked["edge"])
    meshed = time.process_time() - begun
    options = tdgl3d.SolverOptions(solve_time=asked["until"], dt_init=1e-4, dt_max=asked["dt_max"])
    begun = time.process_time()
    solver = TDGLSolver(device, options, applied_vector_potential=asked["field"])
    for _ in range(asked["warm"]):
        solver.update()
    ready = time.process_time() - begun
    begun, start, first = time.process_time(), solver.time, solver.step
    while solver.time < start + asked["until"]:
        solver.update()
    cpu, steps, passed = time.process_time() - begun, solver.step - first, solver.time - start
    if not np.isfinite(solver.psi).all():
        raise SystemExit("diverged")
    answer = {
        "cpu": cpu / passed,
        "step": cpu / steps,
        "steps": steps,
        "dt": passed / steps,
        "sites": int(device.mesh.num_sites),
        "mesh_cpu": meshed,
        "ready_cpu": ready,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "psi": float(np.abs(solver.psi).max()),
        "mean_density": float(np.mean(np.abs(solver.psi) ** 2)),
    }
    Path(sys.argv[2]).write_text(json.dumps(answer))


main()
