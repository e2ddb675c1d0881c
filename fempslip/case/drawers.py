"""The three drawers of delivered files: geometries, cases, postprocess.

They lie beside the package in a checkout, and inside it (``fempslip/_drawers``) in an installed wheel.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def folder(drawer: str) -> Path:
    """The folder of a drawer; it need not exist."""
    shipped = _PACKAGE / "_drawers" / drawer
    return shipped if shipped.is_dir() else _PACKAGE.parent / drawer


@cache
def delivered(drawer: str) -> dict[str, Path]:
    """name -> path of every file in a drawer ("cases", "geometries" or "postprocess"), in alphabetical order."""
    return {path.stem: path for path in sorted(folder(drawer).glob("*.yaml"))}


def label(path: Path) -> str:
    """How messages call a file: ``cases/x.yaml`` for delivered ones, else the path as seen from here."""
    for drawer in ("cases", "geometries", "postprocess"):
        if path.parent == folder(drawer):
            return f"{drawer}/{path.name}"
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
