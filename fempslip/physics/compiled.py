"""How hot loops are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions

# LLVM's promise that no two arguments share memory.  numba keeps it to its own parallel loops; without it a loop that
# gathers from one array and writes to another is not done several at once, at 2.5 times the time of a product.
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")

SUMS = {"reassoc", "contract", "nsz"}  # a sum may be taken in another order, the same one at every call


def apart(sums: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """A loop none of whose arrays overlaps one that it writes.  a x + b is rounded once.

    sums : also sum in several parts
    """
    return njit(cache=True, error_model="numpy", noalias=True, fastmath=SUMS if sums else {"contract"})
