"""A circuit as a person writes it: named elements between named nodes, and the terminals of the sample at nodes.

circuit:
  elements:
    bias: {current: 20 uA, from: ground, to: top}      # pushes into `to`
    load: {resistor: 50 ohm, from: top, to: ground}
    source: {voltage: {sine: ..}, from: ground, to: x}  # lifts `to` above `from`
  terminals: {source: top, drain: ground}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictInt, ValidationInfo, WithJsonSchema, model_validator

from fempslip.case import quantities
from fempslip.case.parts import (
    QUANTITY,
    BoundaryName,
    Capacitance,
    Inductance,
    NewName,
    NotNegative,
    Part,
    Positive,
    Resistance,
    reading,
    wrong,
)
from fempslip.case.quantities import Mistake
from fempslip.case.waves import CurrentWave, VoltageWave
from fempslip.contract import Circuit, Element

KINDS = ("resistor", "inductor", "capacitor", "voltage", "current")
BOLTZMANN = 1.380649e-23  # J/K, exact


class ElementSpec(Part):
    """One two-pole: what it is, and between which nodes."""

    resistor: Annotated[Resistance, NotNegative] | None = None
    inductor: Annotated[Inductance, NotNegative] | None = None
    capacitor: Annotated[Capacitance, NotNegative] | None = None
    voltage: VoltageWave | None = None
    current: CurrentWave | None = None
    from_: NewName = Field(alias="from")
    to: NewName

    @model_validator(mode="after")
    def _exactly_one(self) -> ElementSpec:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise wrong(f"{{here}} wants one of {', '.join(KINDS)}, not {' and '.join(given) or 'nothing'}")
        return self

    def compiled(self, name: str) -> Element:
        kind = next(kind for kind in KINDS if getattr(self, kind) is not None)
        value = getattr(self, kind)
        return Element(name, kind, self.from_, self.to, value.waveform() if kind in ("voltage", "current") else value)


def _warmth(written: Any, info: ValidationInfo) -> float:
    """k T in units of F; a bare number is that, a temperature needs the scales."""
    here = reading(info)
    try:
        if not quantities.has_unit(written):
            return quantities.number(written, "number", here.quantities, "{here}")
        kelvin = quantities.in_si(written, "temperature", "{here}")
    except Mistake as mistake:
        raise wrong(str(mistake), mistake.known, mistake.wrote) from None
    current, s = here.scales.current, here.scales
    if current is None or s.V0 is None or s.tau0 is None:
        if here.quantities.broken:
            return 0.0
        raise wrong(
            f"{{here}}: {written!r:.60} needs the scales: give material.xi, lambda, sigma and the cross-section"
        )
    return 2 * BOLTZMANN * kelvin / (current * s.V0 * s.tau0)


class NoiseSpec(Part):
    """Johnson noise of all resistors of the circuit."""

    temperature: Annotated[float, BeforeValidator(_warmth), Positive, WithJsonSchema(QUANTITY)]
    seed: Annotated[StrictInt, Field(ge=0, lt=2**63)] = 0


class CircuitSpec(Part):
    """Elements, terminals and the node whose potential is 0."""

    elements: dict[NewName, ElementSpec]
    terminals: dict[BoundaryName, NewName]
    ground: NewName = "ground"
    noise: NoiseSpec | None = None

    @model_validator(mode="after")
    def _two_terminals(self) -> CircuitSpec:
        if len(self.terminals) < 2:
            raise wrong("{here}: a circuit needs two terminals of the sample or more: terminals: {source: NODE, ..}")
        return self

    def compiled(self) -> Circuit:
        elements = tuple(spec.compiled(name) for name, spec in self.elements.items())
        warm = self.noise.temperature if self.noise else 0.0
        return Circuit(elements, dict(self.terminals), self.ground, warm, self.noise.seed if self.noise else 0)


# ------------------------------------------------------------------------------------------- what cannot be solved


def faults(circuit: Circuit) -> Iterator[tuple[tuple[str, ...], str]]:
    """(path below `circuit`, what is wrong) of circuits that have no solution, or many."""
    sample = list(circuit.terminals.values())
    joins = [(e.begin, e.end) for e in circuit.elements if _ties(e)] + list(zip(sample, sample[1:], strict=False))
    reached = together(joins, circuit.ground)
    floating = [name for name in circuit.nodes if name not in reached]
    if circuit.ground not in {node for e in circuit.elements for node in (e.begin, e.end)} | set(sample):
        words = f"no element and no terminal is at {circuit.ground!r}: name one of the nodes as the ground"
        yield ("ground",), f"{words} ({', '.join(circuit.nodes)})"
        return
    for node in floating:
        at = [("elements", e.name) for e in circuit.elements if node in (e.begin, e.end)]
        at += [("terminals", name) for name, other in circuit.terminals.items() if other == node]
        yield at[0], f"the node {node!r} floats: only current sources tie it to {circuit.ground!r}"
    rigid: list[tuple[str, str]] = []
    for e in circuit.elements:
        if e.begin == e.end:
            yield ("elements", e.name), f"{e.name!r} begins and ends at the same node {e.begin!r}"
        elif e.kind == "voltage" or (e.kind in ("resistor", "inductor") and e.value == 0):
            if e.end in together(rigid, e.begin):
                words = "voltage sources (or elements without resistance), through which any current could flow"
                yield ("elements", e.name), f"{e.name!r} closes a loop of {words}: put a resistor in series"
            rigid.append((e.begin, e.end))


def _ties(e: Element) -> bool:
    """Whether an element says something about the voltage between its nodes."""
    return e.kind != "current" and not (e.kind == "capacitor" and e.value == 0)


def together(joins: Iterable[tuple[str, str]], start: str) -> set[str]:
    """The nodes that can be reached from one."""
    joins, reached, before = list(joins), {start}, 0
    while len(reached) > before:
        before = len(reached)
        reached |= {node for pair in joins if reached & set(pair) for node in pair}
    return reached
