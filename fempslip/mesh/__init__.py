"""Where it happens: meshes, their discrete operators, cochains and paths on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fempslip.mesh.checks import CoarseMesh, check_flux
from fempslip.mesh.cochains import around, edge_lengths, uniform_field
from fempslip.mesh.copies import face_vertices
from fempslip.mesh.operators import operators
from fempslip.mesh.paths import chain, closed_path, contour, narrowest_section, threading
from fempslip.mesh.periods import hidden_flux, joined
from fempslip.mesh.places import cell_values, distance_to, dual_mean, facet_weights, locate, plane_wave

if TYPE_CHECKING:
    from fempslip.mesh.meshing import make_mesh as make_mesh

__all__ = [
    "CoarseMesh",
    "around",
    "cell_values",
    "chain",
    "check_flux",
    "closed_path",
    "contour",
    "distance_to",
    "dual_mean",
    "edge_lengths",
    "face_vertices",
    "facet_weights",
    "hidden_flux",
    "joined",
    "locate",
    "make_mesh",
    "narrowest_section",
    "operators",
    "plane_wave",
    "threading",
    "uniform_field",
]


def __getattr__(name: str) -> Any:
    """make_mesh alone needs the models of cases: it is imported when it is asked for."""
    if name != "make_mesh":
        raise AttributeError(f"module 'fempslip.mesh' has no attribute {name!r}")
    from fempslip.mesh.meshing import make_mesh

    return make_mesh
