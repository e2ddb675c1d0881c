"""What a person writes: YAML files become a Case, dimensionless, frozen and checked.

    reading      YAML with places            complaints   errors with file, line, caret, nearest name
    quantities   numbers with names          scales       SI values of the units
    parts        base of all models          shapes, geometry, material, waveforms, drive, settings
    schema       the Case                    outline, assembly, loading, checks, document
    editors      JSON Schema of files        starting     files to begin with

The names below are fetched when they are first used, so that importing this room costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fempslip.case.drawers import delivered as delivered
    from fempslip.case.loading import load as load
    from fempslip.case.loading import load_text as load_text
    from fempslip.case.schema import Case as Case
    from fempslip.case.schema import Evolve as Evolve
    from fempslip.case.schema import Lumped as Lumped
    from fempslip.case.schema import MeshedCase as MeshedCase
    from fempslip.case.schema import json_schema as json_schema

_HOME = {
    "Case": "schema",
    "Evolve": "schema",
    "Lumped": "schema",
    "MeshedCase": "schema",
    "delivered": "drawers",
    "json_schema": "schema",
    "load": "loading",
    "load_text": "loading",
}

__all__ = ["Case", "Evolve", "Lumped", "MeshedCase", "delivered", "json_schema", "load", "load_text"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'fempslip.case' has no attribute {name!r}")
    value = getattr(import_module(f"fempslip.case.{_HOME[name]}"), name)
    globals()[name] = value
    return value
