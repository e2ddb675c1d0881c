"""A film in tdgl (pyTDGL), run by its own interpreter: tdgl_film.py QUESTION ANSWER, both JSON.

Lengths in xi, times in tau0, fields in Bc2, current densities in j0, voltages in V0.
question : mesh (an .npz file, made if it is not there, of edges up to `edge` and at least `sites` sites), length,
width, field, density, gamma, until (0: no more than the mesh), dt_init, dt_max, probes (two x on y = 0)
answer : cpu and wall-clock seconds of the solve, mesh_cpu, steps, sites, and of each step t, v and impulse = int v dt
"""

import json
import logging
import resource
import sys
import time
from pathlib import Path

import numpy as np
import tdgl
from tdgl.geometry import box
from tdgl.solver.solver import TDGLSolver

logging.disable(logging.INFO)
XI, THICKNESS, LAMBDA = 1.0, 0.1, 2.0  # micrometres; only the ratios enter


def device_of(asked):
    layer = tdgl.Layer(
        coherence_length=XI, london_lambda=LAMBDA, thickness=THICKNESS, u=5.79, gamma=asked["gamma"], conductivity=1.0
    )
    length, width = asked["length"] * XI, asked["width"] * XI
    film = tdgl.Polygon("film", points=box(length, width)).resample(241)
    sliver = 1e-3 * XI
    source = tdgl.Polygon("source", points=box(sliver, width)).translate(dx=-length / 2)
    drain = source.scale(xfact=-1).set_name("drain")
    probes = [(x * XI, 0) for x in asked["probes"]]
    return tdgl.Device(
        "film", layer=layer, film=film, terminals=[source, drain], probe_points=probes, length_units="um"
    )


def meshed(device, asked):
    """The peer's own mesh, kept as points (xi) and triangles for both sides; its CPU time, 0 where it was kept."""
    file, begun = Path(asked["mesh"]), time.process_time()
    if file.exists():
        kept = np.load(file)
        device._create_dimensionless_mesh(kept["points"] * XI, kept["triangles"])
        return 0.0
    device.make_mesh(max_edge_length=asked["edge"] * XI, min_points=asked.get("sites"), smooth=100)
    probes = device.points[device.probe_point_indices] / XI
    np.savez(file, points=device.points / XI, triangles=device.triangles, probes=probes)
    return time.process_time() - begun


def main():
    asked = json.loads(sys.argv[1])
    device = device_of(asked)
    made = meshed(device, asked)
    if not asked["until"]:
        Path(sys.argv[2]).write_text(json.dumps({"mesh_cpu": made, "sites": len(device.points)}))
        return
    width = (asked["width"] * XI) * tdgl.ureg("um")
    current = (asked["density"] * device.K0 / 4 * width).to("uA").magnitude
    field = (asked["field"] * device.Bc2).to("mT").magnitude
    options = tdgl.SolverOptions(
        solve_time=asked["until"],
        dt_init=asked["dt_init"],
        dt_max=asked.get("dt_max", 1e-1),
        save_every=1000,  # fields hardly ever; the potentials of the probes are kept at every step all the same
        field_units="mT",
        current_units="uA",
    )
    solver = TDGLSolver(device, options, field, dict(source=current, drain=-current))
    begun, wall = time.process_time(), time.perf_counter()
    solution = solver.solve()
    cpu, wall = time.process_time() - begun, time.perf_counter() - wall
    found = solution.dynamics
    every = max(1, len(found.time) // 20000)
    impulse = np.cumsum(found.voltage() * found.dt)
    answer = {
        "cpu": cpu,
        "wall": wall,
        "mesh_cpu": made,
        "steps": len(found.dt),
        "sites": len(device.points),
        "t": found.time[::every].tolist(),
        "v": found.voltage()[::every].tolist(),
        "impulse": impulse[::every].tolist(),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    Path(sys.argv[2]).write_text(json.dumps(answer))


main()
