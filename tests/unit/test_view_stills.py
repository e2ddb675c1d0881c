"""Pictures of states, barriers and nuclei: drawn from runs, and what they show is where it is."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image as image
import numpy as np
import pytest
from laboratory import case_from

from fempslip.contract import Refusal
from fempslip.run.running import solve
from fempslip.store import Run
from fempslip.view import stills

PAIR = """
task: instanton
geometry:
  dimension: 2
  regions: {sheet: {rectangle: {size: [16 xi, 16 xi]}}}
  boundaries: {left: {edge: left}, right: {edge: right}}
  periodic: {x: [left, right]}
bias: {density: 0.25 j0}
pair: {at: [0, 0], apart: 9 xi}
stiffness: 2
mesh: {size: 0.5 xi}
images: 13
postprocess: [barrier_profile]
"""
RING = """
task: relax
geometry: {use: ring, radius: 2 xi}
search: {winding: [0, 1]}
follow: {parameter: flux, from: -1 Phi0, to: 2 Phi0, step: 0.2 Phi0}
mesh: {size: 0.1 xi}
postprocess: [states, free_energies, little_parks]
"""
NUCLEUS = """
task: nucleation
geometry: {use: disk, radius: 2 xi}
mesh: {size: 0.25 xi}
postprocess: [nucleation_mode]
"""


def drawn(path: Path) -> np.ndarray:
    """A picture that is not blank."""
    pixels = image.imread(path)[:, :, :3]
    assert pixels.shape[1] == pytest.approx(1020, abs=2)
    assert np.mean(np.any(pixels < 0.97, axis=2)) > 0.02
    return pixels


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("pair")
    return solve(case_from(PAIR, folder), folder / "run")


def test_the_pass_of_a_pair_has_its_two_zeros(pair: Run) -> None:
    """On the axis, above and below the middle, as far apart as the run says."""
    found = pair.summary["results"]["instanton"]
    assert found["zeros"] == 2
    zeros = np.array(stills.darkest(pair, -1, 2))
    assert np.abs(zeros[:, 0]).max() < 0.6
    assert np.ptp(zeros[:, 1]) == pytest.approx(found["separation"], abs=1.0)
    for name in ("barrier.png", "saddle.png"):
        drawn(pair.folder / name)
    assert len(pair.times) == 14  # the images and the pass


def test_states_and_branches_of_a_ring(tmp_path: Path) -> None:
    run = solve(case_from(RING, tmp_path), tmp_path / "run")
    for name in ("states.png", "free_energies.png", "little_parks.png"):
        drawn(run.folder / name)
    parts, table = stills.branches(run)
    assert len(parts) == 2
    x, y = stills.lower_envelope(parts, table)
    assert np.interp(0.0, x, y) == pytest.approx(-2 * np.pi, rel=1e-3)
    assert stills.label(run.table("states"), 1) == "loop 1"
    with pytest.raises(Refusal, match="holds no table|no table"):
        stills.barrier(run, tmp_path / "no.png")


def test_the_nucleus_of_a_disk(tmp_path: Path) -> None:
    run = solve(case_from(NUCLEUS, tmp_path), tmp_path / "run")
    drawn(run.folder / "nucleation.png")
    assert run.summary["results"]["nucleation"]["vorticity"] == 2
    assert run.frame(0)["psi_abs"].max() == pytest.approx(1)
    with pytest.raises(Refusal, match="holds no sweep"):
        stills.free_energies(run, tmp_path / "no.png")
