"""What is supported with what: data, not prose.  A blank is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fempslip.case import Case, Evolve, Lumped, MeshedCase
from fempslip.run.circuits import drive_periods
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
    noise: str = "no"
    circuit: str = "no"


SUPPORT = (
    tuple(
        Row("evolve", "tdgl", "none", charge, contact, holes, "yes", noise)
        for noise in ("no", "yes")
        for charge in ("conserved", "off")
        for contact in ("none", "normal", "bank", "free")
        for holes in ("no", "yes")
        if not (charge == "off" and contact != "none")
    )
    + tuple(
        Row("evolve", "tdgl", "maxwell", "conserved", contact, holes, "yes")
        for contact in ("none", "normal", "bank", "free")
        for holes in ("no", "yes")
    )
    + tuple(
        Row("london", "tdgl", screening, "conserved", "none", holes, "yes")
        for screening in ("maxwell", "pearl")
        for holes in ("no", "yes")
    )
    + tuple(
        Row("evolve", "tdgl", "pearl", "conserved", contact, holes, "yes")
        for contact in ("none", "normal", "bank", "free")
        for holes in ("no", "yes")
    )
    + tuple(
        Row("evolve", "tdgl", screening, "conserved", contact, holes, "yes", noise, circuit="yes")
        for noise in ("no", "yes")
        for screening in ("none", "maxwell", "pearl")
        for contact in ("normal", "bank", "free")
        for holes in ("no", "yes")
        if not (noise == "yes" and screening != "none")
    )
)
SUPPORT += (Row("lumped", "none", "none", "none", "none", "no", "yes"),)

# task, charge, kind of contact, holes
STILL = (
    *(("relax", "conserved", contact, holes) for contact in ("none", "normal") for holes in ("no", "yes")),
    *(("nucleation", "conserved", "none", holes) for holes in ("no", "yes")),
    *(("barrier", charge, "none", holes) for charge in ("conserved", "off") for holes in ("no", "yes")),
    ("barrier", "conserved", "bank", "no"),
    ("instanton", "conserved", "none", "no"),
)
SUPPORT += tuple(Row(task, "tdgl", "none", charge, contact, holes, "yes") for task, charge, contact, holes in STILL)
SUPPORT += tuple(
    Row("evolve", "superfluid", "none", "conserved", contact, holes, "yes")
    for contact in ("none", "reservoir", "outlet")
    for holes in ("no", "yes")
)


SUPPORT += tuple(Row("evolve", "charged", "none", "conserved", "none", holes, "yes") for holes in ("no", "yes"))


def asked(case: Case) -> list[Row]:
    """The rows a case needs: one for each kind of contact it has."""
    if not isinstance(case, MeshedCase):
        return [Row(case.task, "none", "none", "none", "none", "no", "yes")]
    kinds = sorted(set(case.contacts.values())) or ["none"]
    holes = "yes" if case.geometry.holes else "no"
    noise = "yes" if isinstance(case, Evolve) and case.noise is not None else "no"
    circuit = "yes" if case.drive.circuit is not None else "no"
    m = case.model
    return [Row(case.task, m.dynamics, m.screening, m.charge, kind, holes, "yes", noise, circuit) for kind in kinds]


def refuse_unsupported(case: Case) -> None:
    """Raises Refusal for a combination that is not in the table, by its names."""
    for row in asked(case):
        if row not in SUPPORT:
            words = f"task {row.task} with dynamics {row.dynamics}, screening {row.screening}, charge {row.charge}"
            words += ", noise" if row.noise == "yes" else ""
            words += ", a circuit" if row.circuit == "yes" else ""
            raise case.refuse(
                "model", f"{words} and contacts of kind {row.contact} is not supported; {hint(row)}".rstrip("; ")
            )
    if isinstance(case, MeshedCase) and case.model.screening == "pearl":
        refuse_thick(case)


def hint(row: Row) -> str:
    """What to write instead."""
    if row.dynamics == "charged" and row.contact != "none":
        return (
            "charge that enters would need a lead with dynamics of its own: drive it by drive.field, start.kick or tdgl"
        )
    if row.dynamics == "superfluid":
        words = "contacts of a superfluid are reservoir or outlet (walls need none), screening none, no noise"
        return f"{words}: a field of its own has dynamics: charged"
    if row.noise == "yes" and row.screening != "none":
        return "noise of the sample is for screening: none"
    return "a pure relaxation (charge: off) has no currents: remove the contacts" if row.charge == "off" else ""


def refuse_thick(case: MeshedCase) -> None:
    """`screening: pearl` is for films, whose Lambda = lambda^2/thickness must be known."""
    if case.geometry.dimension != 2:
        words = (
            f"screening pearl is for thin films (dimension: 2); this geometry has dimension {case.geometry.dimension}"
        )
        raise case.refuse("model.screening", words)
    missing = [key for key, value in (("lambda", case.scales.kappa), ("thickness", case.scales.film)) if not value]
    if missing:
        words = f"screening pearl needs Lambda = lambda^2/thickness: give material.{' and material.'.join(missing)}"
        raise case.refuse("material", words)


# ------------------------------------------------------------------------------------------- recipes


@dataclass(frozen=True)
class Need:
    """What a case must have for a step of a recipe, and how to say it; of : the kind of case it is."""

    met: Callable[[Any], bool]
    words: str
    of: type[Case] = MeshedCase

    def holds(self, case: Case) -> bool:
        return isinstance(case, self.of) and self.met(case)


PAIR = Need(lambda case: bool(case.measure.between), "a pair to measure between: measure: {between: [probe, probe]}")
CONTOUR = Need(lambda case: bool(case.geometry.contours), "a contour in the geometry: contours: {loop: hole}")
WIRE = Need(lambda case: case.geometry.dimension == 1, "a wire or a ring (dimension: 1)")
FILM = Need(lambda case: case.geometry.dimension == 2, "a film (dimension: 2)")
FILM_PAIR = Need(
    lambda case: case.geometry.dimension == 2 and bool(case.measure.between),
    "a film (dimension: 2) with a pair to measure between: measure: {between: [probe, probe]}",
)
FLAT = Need(lambda case: case.geometry.dimension < 3, "a wire or a film (dimension: 1 or 2)")
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
KICKED = Need(
    lambda case: case.model.reactive and case.start.kick is not None and case.materials.everywhere.damping == 0,
    "a superfluid without damping that starts with a small wave: start: {kick: {waves: 2}}",
)
FACES = Need(lambda case: case.geometry.dimension > 1, "a film or a bulk piece (dimension: 2 or 3)")
COUNTED = Need(
    lambda case: bool(case.measure.between or case.geometry.contours),
    "a stretch to count along: measure: {between: [probe, probe]}, or contours: {loop: hole} in the geometry",
)
NOISY = Need(lambda case: isinstance(case, Evolve) and case.noise is not None, "noise: {temperature: ...}")
BALANCED = Need(
    lambda case: (not isinstance(case, Evolve) or case.noise is None) and not case.model.reactive,
    "relaxing dynamics (tdgl) without noise: a superfluid keeps its energy, and noise supplies power of its own",
)
CONTACT = Need(lambda case: bool(case.contacts), "a contact that a current can enter by: contacts: {source: normal}")
CIRCUIT = Need(lambda case: case.drive.circuit is not None, "a circuit: drive: {circuit: {elements: ..}}")
AC = Need(lambda case: len(drive_periods(case)) == 1, "one ac drive: a sine in drive.current or in drive.circuit")
BODY = Need(lambda case: True, "a body: a task with a geometry")
LUMPED = Need(lambda case: True, "a system without extent: task: lumped", Lumped)

HOLE = Need(lambda case: bool(case.geometry.holes), "a hole in the geometry: holes: {name: {point: [x, y]}}")
MAGNETIC = Need(
    lambda case: case.geometry.dimension == 2 and case.scales.kappa is not None,
    "a film (dimension: 2) whose material.lambda is given",
)
SHEET = Need(
    lambda case: case.geometry.dimension == 2 and case.scales.Lambda is not None,
    "a film (dimension: 2) whose material.lambda and material.thickness are given",
)
SCREENED = Need(lambda case: case.model.screening == "maxwell", "the sample's own field: model: {screening: maxwell}")
SCREENED_HOLE = Need(
    lambda case: bool(case.geometry.holes) and case.model.screening == "maxwell",
    "a hole in the geometry (holes: {name: {point: [x, y]}}) and the sample's own field: model: {screening: maxwell}",
)
BULK = Need(lambda case: case.geometry.dimension == 3, "a bulk piece (dimension: 3)")
SWEPT = Need(
    lambda case: getattr(case, "follow", None) is not None, "states that are followed: task: relax with follow: {..}"
)
STATES = Need(lambda case: case.task == "relax", "the states of task: relax")
PASS = Need(lambda case: case.task in ("barrier", "instanton"), "a way over a pass: task: barrier or instanton")
NUCLEUS = Need(lambda case: case.task == "nucleation", "task: nucleation")

# step of a recipe -> what it needs; steps that are not here can do with any body
NEEDS = {
    "power_balance": BALANCED,
    "hole_flux": HOLE,
    "maps": BALANCED,
    "vortex_motion": FILM,
    "vortex_speeds": FILM,
    "structure_factor": FILM,
    "structure_plot": FILM,
    "density_picture": FLAT,
    "dissipation_picture": FLAT,
    "flux_jump": SCREENED_HOLE,
    "flux_jump_plot": SCREENED_HOLE,
    "modulation": PAIR,
    "modulation_plot": PAIR,
    "magnetization_loop": MAGNETIC,
    "loop_plot": MAGNETIC,
    "field_above": SHEET,
    "streamlines": FILM,
    "thermal_slips": NOISY,
    "net_winding": COUNTED,
    "mean_voltage": PAIR,
    "voltage_plot": PAIR,
    "magnetization": SCREENED,
    "magnetization_plot": SCREENED,
    "induction_map": SCREENED,
    "field_lines": BULK,
    "windings": CONTOUR,
    "conservation": REACTIVE,
    "josephson_frequency": PAIR,
    "frequency_plot": PAIR,
    "pair_motion": PAIR_OF_VORTICES,
    "ring_motion": RING,
    "soliton_motion": SOLITON,
    "linear_response": KICKED,
    "response_plot": KICKED,
    "winding_steps": CONTOUR,
    "winding_plot": CONTOUR,
    "kymograph": WIRE,
    "profile": WIRE,
    "zeros": FACES,
    "zero_count": FACES,
    "vortex_tracks": FACES,
    "flux_flow_field": FILM_PAIR,
    "tracks_movie": FACES,
    "tracks_page": FACES,
    "flux_flow": PAIR,
    "phase_slips": WIRE,
    "body_slips": PAIR,
    "ledger": PAIR,
    "voltage_ledger": PAIR,
    "states": STATES,
    "free_energies": SWEPT,
    "little_parks": SWEPT,
    "barrier": PASS,
    "saddle": PASS,
    "nucleation_mode": NUCLEUS,
    "currents": CONTACT,
    "iv_point": PAIR,
    "spectrum": PAIR,
    "shapiro": PAIR,
    "shapiro_plot": AC,
    "circuit_energy": CIRCUIT,
    "recovery": CIRCUIT,
    "lumped_plot": LUMPED,
}


def refuse_unanswerable(case: Case) -> None:
    """Raises Refusal for a recipe whose question this case cannot answer, before anything is solved."""
    for place, name in enumerate(case.postprocess):
        for need in needs(recipe(name)):
            if not need.holds(case):
                raise case.refuse(f"postprocess.{place}", f"the recipe {name!r} needs {need.words}")
    for wanted in case.expect:
        name = wanted.partition(".")[0]
        if name != case.task and not (recipe(name).results or recipe(name).family):
            raise case.refuse("expect", f"{wanted}: the recipe {name!r} gives no numbers")


def needs(asked: Recipe) -> Iterator[Need]:
    """What all steps of a recipe need."""
    yield from (NEEDS.get(step, BODY) for step in (*asked.watch, *asked.results, *asked.pictures))
