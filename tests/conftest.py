"""Settings of the whole test run; they are made before numpy, numba and matplotlib load, which read them only then."""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
os.environ["MPLBACKEND"] = "Agg"

# One mesh cache for all worker processes of this test run, and none of an earlier one: the first process makes it.
_MADE_HERE = "FEMPSLIP_TEST_CACHE" not in os.environ
if _MADE_HERE:
    os.environ["FEMPSLIP_TEST_CACHE"] = tempfile.mkdtemp(prefix="fempslip-tests-")
os.environ["FEMPSLIP_CACHE"] = os.environ["FEMPSLIP_TEST_CACHE"]


def pytest_configure(config: pytest.Config) -> None:
    from hypothesis import settings

    # Compiled kernels make a first example slow, which is no flaw of the example.
    settings.register_profile("house", deadline=None, derandomize=True)
    settings.load_profile("house")


def pytest_unconfigure(config: pytest.Config) -> None:
    if _MADE_HERE:
        shutil.rmtree(os.environ["FEMPSLIP_TEST_CACHE"], ignore_errors=True)
