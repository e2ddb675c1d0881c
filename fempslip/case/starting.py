"""A geometry and a case to start from, with what may be changed in comments beside it."""

from __future__ import annotations

import json
from pathlib import Path

from fempslip.contract import Refusal

GEOMETRY = """\
# A film with a hole. A quantity is a number, `number name`, or a sum of these; a name is a unit (nm, mT, uA), a scale
# of the material (xi, lambda, tau, Bc2, j0, Idep, Phi0) or one of the parameters below.
dimension: 2                     # 1: wires, 2: films, 3: bulk pieces
parameters: {length: 24 xi, width: 12 xi, radius: 1.5 xi}
regions:                         # a later region takes its place out of earlier ones
  film: {rectangle: {size: [length, width], center: [0, 0]}}
  # other shapes: disk, ellipse, annulus, sector, polygon, strip; plus, minus, common; translate, rotate, mirror, repeat
holes:                           # cut out of all regions
  hole: {disk: {radius: radius, center: [0, 0.2 width]}}
boundaries:                      # what is left unnamed is an insulating surface
  source: {edge: left, of: film}
  drain: {edge: right, of: film}
probes:                          # where voltages are measured
  upstream: [-0.3 length, 0]
  downstream: [0.3 length, 0]
"""

CASE = """\
# yaml-language-server: $schema=case.schema.json
# Vortices in a film, pushed across it by a current and held by a hole. Each crossing slips the phase between the probes
# by 2 pi.
title: A film to start from
geometry: geometry.yaml          # or {use: geometry.yaml, width: 16 xi}: with other parameters
material: {xi: 20 nm, lambda: 200 nm, sigma: 2e6 S/m, thickness: 20 nm, u: 5.79, gamma: 1}
contacts: {source: normal, drain: normal}        # normal (psi = 0), bank (superconducting, one equipotential) or free
drive:
  field: 0.3 Bc2                 # or 60 mT, or {ramp: {from: 0, to: 60 mT, over: 100 tau}}
  current: {from: source, to: drain, density: 0.1 j0}     # or value: 15 uA, or value: 0.3 Idep
mesh: {size: 0.7 xi}             # 0.5 xi is the default, and more accurate
time: {until: 60 tau}
measure: {from: 20 tau, between: [upstream, downstream]}  # averages begin at this time
record: {fields: every 1 tau}
postprocess: [voltage, power, zeros, snapshot]   # `fempslip cases --drawer postprocess` lists the recipes
expect: {power.residual: 0 +- 0.02}              # the run ends with exit code 1 where this is not met
"""


def write(folder: Path) -> list[Path]:
    """Writes geometry.yaml, case.yaml and case.schema.json into a folder.  Raises Refusal if one is there."""
    from fempslip.case.schema import json_schema

    texts = {
        "geometry.yaml": GEOMETRY,
        "case.yaml": CASE,
        "case.schema.json": json.dumps(json_schema(), indent=1) + "\n",
    }
    there = [name for name in texts if (folder / name).exists()]
    if there:
        raise Refusal(f"fempslip init: {folder} has a {there[0]} already; choose another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"fempslip init: {folder} cannot be made: {error.strerror}") from None
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]
