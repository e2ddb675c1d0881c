"""Time and iterations of the descent to a vortex state of a disk, from noise: residual 1e-7 and index 0.

    python benchmarks/relax.py [mesh size in xi ...]

R = 8 xi, B = 0.5 Bc2; processor time of the descent, of the check of its curvature, and what came out.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from fempslip.case import load
from fempslip.mesh.meshing import make_mesh
from fempslip.physics.energy import LinkEnergy
from fempslip.physics.stationary import Point, Stationary
from fempslip.run.compiling import compile
from fempslip.solver.stationary import Search
from fempslip.tasks.seeds import noise

SIZES = (0.4, 0.195)  # 1536 and 6287 nodes
SEEDS = (0, 1)


def main() -> None:
    print(f"{'nodes':>6} {'seed':>4} {'steps':>6} {'residual':>9} {'index':>5} {'F':>10} {'cpu s':>6} {'check s':>7}")
    for size in map(float, sys.argv[1:] or SIZES):
        case = load("disk_states").vary({"mesh.size": size, "search": None})
        problem = compile(case, make_mesh(case))
        op = problem.operators
        energy = LinkEnergy(op, problem.epsilon, problem.beta)
        body = Stationary(energy, 0.5 * problem.drive.patterns[0], np.ones(op.nodes, dtype=bool))
        for seed in SEEDS:
            search = Search(body)
            begun = time.process_time()
            found = search.descend(noise(op, problem.epsilon, 0.1, seed))
            between = time.process_time()
            index = search.index(Point(found.psi))
            ended = time.process_time()
            height = body.value(Point(found.psi))
            print(
                f"{op.nodes:6d} {seed:4d} {found.iterations:6d} {found.residual:9.1e} {index:5d} {height:10.4f} "
                f"{between - begun:6.2f} {ended - between:7.2f}"
            )


if __name__ == "__main__":
    main()
