"""Draws the pictures of README and docs: `python docs/figures.py` (half a minute)."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import fempslip as fs
from fempslip.view import snapshot

HERE = Path(__file__).parent


def main() -> None:
    with TemporaryDirectory() as folder:
        run = fs.solve(fs.load("film_vortex_flow"), into=Path(folder) / "film", pictures=False)
        snapshot(run, HERE / "film_vortex_flow.png", field=["psi_abs", "supercurrent"])


if __name__ == "__main__":
    main()
