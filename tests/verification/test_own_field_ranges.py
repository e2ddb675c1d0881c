"""Any strength of screening at default settings, and bodies that go on in the space they were in."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from, experiment, same

from fempslip.run.running import resume, solve

DISK = """
geometry: {dimension: 2, regions: {film: {disk: {radius: 5}}}}
material: {lambda: 1, thickness: 1, gamma: 1}
model: {screening: pearl}
drive: {field: 0.5}
mesh: {size: 0.6}
time: {until: 20 tau}
"""


@pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
@pytest.mark.parametrize("Lambda", [0.3, 3.0, 1e2, 1e4])
def test_any_lambda_runs_at_default_settings(tmp_path, Lambda):
    """A disk of radius 5 in 0.5 Bc2, constant from the start: F falls all the way but for what the tolerance leaves;
    steps are hardly refused."""
    s = experiment(case_from(DISK, tmp_path, {"material.lambda": Lambda**0.5})).table("series")
    assert s["t"][-1] == pytest.approx(20.0) and s["rejected"][-1] <= 5
    assert np.diff(s["energy"])[1:].max() < 1e-5 * abs(s["energy"]).max()
    assert s["energy"][-1] < s["energy"][0] - 0.1


def test_a_body_goes_on_in_the_space_it_was_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar that carries a current between walls: the mesh around it is read from the run folder, bit for bit."""
    text = """
    geometry:
      dimension: 3
      regions: {bar: {box: {size: [1, 1, 2], center: [0, 0, 0]}}}
      boundaries: {source: {face: bottom, of: bar}, drain: {face: top, of: bar}}
    material: {u: 5.79, gamma: 1, lambda: 1}
    model: {screening: maxwell}
    contacts: {source: normal, drain: normal}
    drive: {current: {from: source, to: drain, value: 0.1}}
    mesh: {size: 0.5 xi}
    time: {until: 2 tau}
    record: {fields: every 0.5 tau}
    """
    case = case_from(text, tmp_path)
    whole = solve(case, tmp_path / "whole", pictures=False)

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(case, tmp_path / "cut", stop, pictures=False)
    monkeypatch.setattr("fempslip.mesh.vacuum.apart", None)  # no mesher
    same(whole, resume(tmp_path / "cut", pictures=False))
