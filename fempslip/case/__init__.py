"""What a person writes: YAML files become a Case, dimensionless, frozen and checked.

    reading      YAML with places            complaints   errors with file, line, caret, nearest name
    quantities   numbers with names          scales       SI values of the units
    parts        base of all models          shapes, geometry, material, waveforms, drive, settings
    schema       the Case                    outline, assembly, loading, checks, document
"""

from fempslip.case.drawers import delivered
from fempslip.case.loading import load, load_text
from fempslip.case.schema import Case, json_schema

__all__ = ["Case", "delivered", "json_schema", "load", "load_text"]
