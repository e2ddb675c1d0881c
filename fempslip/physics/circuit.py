"""A circuit around the sample: modified nodal analysis (Ho, Ruehli, Brennan, IEEE Trans. CAS 22, 504 (1975)).

    E dx/dt + A x = b(t)

The unknowns x are the potentials of the nodes (ground is 0), the currents of all elements but current sources, from
`begin` to `end`, the currents I_c into the sample at the terminals, and the potential v0 of the sample against ground:

    node           sum of the currents that leave it, into elements and terminals = sources that push into it
    resistor       R i = v_begin - v_end + noise
    inductor       L di/dt = v_begin - v_end
    capacitor      C d(v_begin - v_end)/dt = i
    voltage        v_end - v_begin = V(t)
    terminal       v_node - v0 - sum_c' R_cc' I_c' = V_s,c        the sample as it answers: V = V_s + R I
    sample         sum_c I_c = 0

V_s and R come from the field (contract.Field.response), so the circuit is closed without iteration in 1D, 2D and 3D.
Units: V0, I0 = j0 xi^(dim-1), tau0; so resistances in V0/I0, inductances in V0 tau0/I0, capacitances in I0 tau0/V0.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array, Circuit, Contact, Element, Waveform


def sources(circuit: Circuit | None) -> list[Waveform]:
    """The waveforms of a circuit's sources."""
    return [e.value for e in circuit.elements if e.kind in ("voltage", "current")] if circuit else []


@dataclass(frozen=True, eq=False)
class Equations:
    """E and A of a circuit, the latter without the sample's R.

    node, branch : name -> place in x;  terminals : places in x of I_c;  attached : their numbers among the contacts
    v0 : place of the sample's potential;  kept : places that E differentiates (currents of inductors), and
    across : (capacitors, unknowns) with the voltages that it differentiates
    """

    circuit: Circuit
    E: Array
    A: Array
    node: dict[str, int]
    branch: dict[str, int]
    terminals: Array
    attached: Array
    v0: int
    kept: Array
    across: Array

    @classmethod
    def of(cls, circuit: Circuit, contacts: Sequence[Contact]) -> Equations:
        number = {contact.name: k for k, contact in enumerate(contacts)}
        attached = np.array([number[name] for name in circuit.terminals], dtype=int)
        node = {name: k for k, name in enumerate(circuit.nodes)}
        carrying = [e for e in circuit.elements if e.kind != "current"]
        branch = {e.name: len(node) + k for k, e in enumerate(carrying)}
        first = len(node) + len(branch)
        terminals = first + np.arange(attached.size)
        v0 = first + attached.size
        E, A = np.zeros((2, v0 + 1, v0 + 1))
        across = []
        for e in carrying:
            i = branch[e.name]
            drop = difference(node, e, v0 + 1)
            A[:, i] += np.where(np.arange(v0 + 1) < len(node), drop, 0.0)  # leaves `begin`, enters `end`
            A[i], E[i] = law(e, drop, i)
            if e.kind == "capacitor" and e.value > 0:
                across.append(drop)
        for place, name in zip(terminals, circuit.terminals.values(), strict=True):
            if name != circuit.ground:
                A[node[name], place] += 1.0
                A[place, node[name]] += 1.0
            A[place, v0] = -1.0
        A[v0, terminals] = 1.0
        kept = np.array([branch[e.name] for e in carrying if e.kind == "inductor" and e.value > 0], dtype=int)
        stack = np.array(across).reshape(-1, v0 + 1)
        return cls(circuit, E, A, node, branch, terminals, attached, v0, kept, stack)

    @property
    def size(self) -> int:
        return self.v0 + 1

    def with_sample(self, r: Array) -> Array:
        """A with the sample's resistance matrix, (contacts, contacts)."""
        full = self.A.copy()
        full[np.ix_(self.terminals, self.terminals)] -= r[np.ix_(self.attached, self.attached)]
        return full

    def driven(self, t: float, v_s: Array) -> Array:
        """b(t) : (unknowns,), with the sample's potentials at zero current."""
        b = np.zeros(self.size)
        for e in self.circuit.elements:
            if e.kind == "voltage":
                b[self.branch[e.name]] = e.value.value(t)
            elif e.kind == "current":
                add(b, self.node, e.end, e.value.value(t))
                add(b, self.node, e.begin, -e.value.value(t))
        b[self.terminals] = v_s[self.attached]
        return b

    def currents(self, x: Array, contacts: int) -> Array:
        """(contacts,) currents into the sample."""
        found = np.zeros(contacts)
        found[self.attached] = x[self.terminals]
        return found

    def drop(self, x: Array, e: Element) -> float:
        """v_begin - v_end."""
        return float(difference(self.node, e, self.size) @ x)

    def current(self, x: Array, e: Element, t: float) -> float:
        """From begin to end."""
        return float(e.value.value(t)) if e.kind == "current" else float(x[self.branch[e.name]])

    @property
    def resistors(self) -> list[Element]:
        return [e for e in self.circuit.elements if e.kind == "resistor" and e.value > 0]

    def energy(self, x: Array) -> float:
        """Stored in inductors and capacitors: L i^2/2 + C v^2/2, in J0 V0 tau0 (two units of F)."""
        kept = {"inductor": lambda e: x[self.branch[e.name]], "capacitor": lambda e: self.drop(x, e)}
        return float(sum(0.5 * e.value * kept[e.kind](e) ** 2 for e in self.circuit.elements if e.kind in kept))

    def energy_of(self, kept: Array) -> float:
        """The same from E x: fluxes L i and charges C v."""
        storing = [e for e in self.circuit.elements if e.kind in ("inductor", "capacitor") and e.value > 0]
        return float(sum(0.5 * kept[self.branch[e.name]] ** 2 / e.value for e in storing))

    def into_sample(self, x: Array) -> float:
        """Power that the terminals take up: sum_c v_c I_c."""
        nodes = self.circuit.terminals.values()
        return float(sum(x[self.node[n]] * x[k] for n, k in zip(nodes, self.terminals, strict=True) if n in self.node))

    def power(self, x: Array, t: float, kinds: Iterable[str]) -> float:
        """Power that elements of some kinds take up: (v_begin - v_end) i."""
        chosen = (e for e in self.circuit.elements if e.kind in kinds)
        return sum(self.drop(x, e) * self.current(x, e, t) for e in chosen)


def difference(node: dict[str, int], e: Element, size: int) -> Array:
    """(unknowns,) row of v_begin - v_end."""
    row = np.zeros(size)
    add(row, node, e.begin, 1.0)
    add(row, node, e.end, -1.0)
    return row


def add(b: Array, node: dict[str, int], name: str, value: float) -> None:
    """Add at a node; ground has no place."""
    if name in node:
        b[node[name]] += value


def law(e: Element, drop: Array, i: int) -> tuple[Array, Array]:
    """Rows of A and E that say what an element does; i : the place of its current."""
    current, none = np.zeros(drop.size), np.zeros(drop.size)
    current[i] = 1.0
    if e.kind == "resistor":
        return e.value * current - drop, none
    if e.kind == "inductor":
        return -drop, e.value * current
    if e.kind == "capacitor":
        return -current, e.value * drop
    return -drop, none
