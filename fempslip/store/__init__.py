"""A run on disk: the only room that knows the file format.

A run folder holds fields.vtkhdf (mesh, frames and tables; opens in ParaView), checkpoint.npz (the state to go on from
and the commit marker), case.yaml, references.bib, versions.json, and at its end summary.json.
"""

from .reader import Run, open_run
from .writer import RunWriter, refuse_taken

__all__ = ["Run", "RunWriter", "open_run", "refuse_taken"]
