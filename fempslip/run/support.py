"""What is supported with what: data, not prose.  A blank is refused by name."""

from __future__ import annotations

from dataclasses import dataclass

from fempslip.case import Case


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


def asked(case: Case) -> list[Row]:
    """The rows a case needs: one for each kind of contact it has."""
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
