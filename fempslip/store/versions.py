"""What a run was computed with."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

PACKAGES = ("fempslip", "numpy", "scipy", "scikit-fem", "gmsh", "h5py", "pyamg", "pymetis", "numba", "pydantic")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def versions() -> dict[str, Any]:
    """Package -> version (None: not installed), python, platform and the thread counts asked for."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in PACKAGES},
        "threads": {name: os.environ.get(name) for name in THREADS},
        "cores": os.cpu_count(),
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
