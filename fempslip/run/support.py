"""What is supported with what: data, not prose.  A blank is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fempslip.case import Case, MeshedCase
from fempslip.run.recipes import Recipe, recipe


@dataclass(frozen=True)
class Row:
    """One combination that works.  `*` stands for any value."""

    task: str
    dynamics: str
    screening: str
    charge: str
    contact: str  # kind of every contact, none without contacts
    holes: str  # yes, no
    speed: str  # yes or slow


SUPPORT = tuple(
    Row("evolve", "tdgl", "none", charge, contact, holes, "yes")
    for charge in ("conserved", "off")
    for contact in ("none", "normal", "bank", "free")
    for holes in ("no", "yes")
    if not (charge == "off" and contact != "none")
)

SUPPORT += tuple(
    Row("evolve", "superfluid", "none", "conserved", contact, holes, "yes")
    for contact in ("none", "reservoir", "outlet")
    for holes in ("no", "yes")
)


def asked(case: Case) -> list[Row]:
    """The rows a case needs: one for each kind of contact it has."""
    if not isinstance(case, MeshedCase):
        return [Row(case.task, "none", "none", "none", "none", "no", "yes")]
    kinds = sorted(set(case.contacts.values())) or ["none"]
    holes = "yes" if case.geometry.holes else "no"
    m = case.model
    return [Row(case.task, m.dynamics, m.screening, m.charge, kind, holes, "yes") for kind in kinds]


def refuse_unsupported(case: Case) -> None:
    """Raises Refusal for a combination that is not in the table, by its names."""
    for row in asked(case):
        if row not in SUPPORT:
            words = f"task {row.task} with dynamics {row.dynamics}, screening {row.screening}, charge {row.charge}"
            hint = "a pure relaxation (charge: off) has no currents: remove the contacts" if row.charge == "off" else ""
            raise case.refuse(
                "model", f"{words} and contacts of kind {row.contact} is not supported; {hint}".rstrip("; ")
            )


# ------------------------------------------------------------------------------------------- recipes


@dataclass(frozen=True)
class Need:
    """What a case must have for a step of a recipe, and how to say it."""

    met: Callable[[MeshedCase], bool]
    words: str


PAIR = Need(lambda case: bool(case.measure.between), "a pair to measure between: measure: {between: [probe, probe]}")
CONTOUR = Need(lambda case: bool(case.geometry.contours), "a contour in the geometry: contours: {loop: hole}")
WIRE = Need(lambda case: case.geometry.dimension == 1, "a wire or a ring (dimension: 1)")
FILM = Need(lambda case: case.geometry.dimension == 2, "a film (dimension: 2)")
RELAXING = Need(lambda case: not case.model.reactive, "relaxing dynamics (tdgl): a superfluid keeps its energy")
REACTIVE = Need(lambda case: case.model.reactive, "a superfluid: model: {dynamics: superfluid}")
PAIR_OF_VORTICES = Need(
    lambda case: case.geometry.dimension == 2 and case.model.reactive and len(case.start.vortices) == 2,
    "a superfluid film that starts with two vortices",
)
RING = Need(
    lambda case: case.geometry.dimension == 3 and case.model.reactive and len(case.start.rings) == 1,
    "a superfluid body that starts with one vortex ring",
)
SOLITON = Need(
    lambda case: case.geometry.dimension == 1 and case.model.reactive and len(case.start.solitons) == 1,
    "a superfluid wire that starts with one soliton",
)
FACES = Need(lambda case: case.geometry.dimension > 1, "a film or a bulk piece (dimension: 2 or 3)")

# step of a recipe -> what it needs; steps that are not here can do with any case
NEEDS = {
    "mean_voltage": PAIR,
    "voltage_plot": PAIR,
    "windings": CONTOUR,
    "power_balance": RELAXING,
    "conservation": REACTIVE,
    "josephson_frequency": PAIR,
    "frequency_plot": PAIR,
    "pair_motion": PAIR_OF_VORTICES,
    "ring_motion": RING,
    "soliton_motion": SOLITON,
    "winding_steps": CONTOUR,
    "winding_plot": CONTOUR,
    "kymograph": WIRE,
    "profile": WIRE,
    "zeros": FACES,
    "zero_count": FACES,
    "vortex_tracks": FACES,
    "flux_flow_field": FILM,
    "flux_flow": PAIR,
    "phase_slips": WIRE,
    "ledger": PAIR,
    "voltage_ledger": PAIR,
}


def refuse_unanswerable(case: Case) -> None:
    """Raises Refusal for a recipe whose question this case cannot answer, before anything is solved."""
    for place, name in enumerate(case.postprocess):
        for need in needs(recipe(name)):
            if not (isinstance(case, MeshedCase) and need.met(case)):
                raise case.refuse(f"postprocess.{place}", f"the recipe {name!r} needs {need.words}")
    for wanted in case.expect:
        name = wanted.partition(".")[0]
        if name != case.task and not recipe(name).results:
            raise case.refuse("expect", f"{wanted}: the recipe {name!r} gives no numbers")


def needs(asked: Recipe) -> Iterator[Need]:
    """What all steps of a recipe need."""
    yield from (NEEDS[step] for step in (*asked.watch, *asked.results, *asked.pictures) if step in NEEDS)
