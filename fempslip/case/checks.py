"""What must fit together in a case, beyond what each of its parts can check."""

from __future__ import annotations

from collections.abc import Iterator

from fempslip.case.circuits import faults
from fempslip.case.noise_settings import LONGEST_STEP
from fempslip.case.reading import Key
from fempslip.case.schema import Case, Evolve, MeshedCase
from fempslip.case.settings import TimeSpec

Found = tuple[Key, str]
MOST_FRAMES = 1_000_000


def cross_checks(case: Case) -> Iterator[Found]:
    """(path, message) of everything that does not fit."""
    if isinstance(case, Evolve):
        yield from _times(case)
        yield from _noise(case)
    if isinstance(case, MeshedCase):
        yield from _currents(case)
        yield from _joined_contacts(case)
        yield from _fluids(case)
    yield from _expected_recipes(case)


def _times(case: Evolve) -> Iterator[Found]:
    begin = case.measure.from_
    if begin is not None and not 0 <= begin < case.time.until:
        yield (
            ("measure", "from"),
            f"measure.from ({begin:g} tau) must lie within the run (until {case.time.until:g} tau)",
        )
    if case.time.steady is not None and not case.measure.between:
        yield ("time", "until"), "time.until: steady: voltage needs measure.between: [probe, probe]"
    if case.record.fields > case.time.until:
        yield ("record", "fields"), f"record.fields ({case.record.fields:g} tau) is longer than the run"
    frames = case.time.until / case.record.fields
    if frames > MOST_FRAMES:
        yield ("record", "fields"), f"record.fields keeps {frames:.3g} frames; keep at most {MOST_FRAMES:g}"


def _noise(case: Evolve) -> Iterator[Found]:
    """An error control would choose steps by the noise in them, which biases averages."""
    if case.noise is None:
        return
    written = [
        name
        for name in ("tolerance", "dt_start", "dt_min", "dt_max")
        if getattr(case.time, name) != TimeSpec.model_fields[name].default
    ]
    if written:
        yield ("time", written[0]), f"time.{written[0]}: with noise the step is constant; write time.fixed instead"
    fixed = case.time.fixed
    if fixed is not None and fixed > LONGEST_STEP:
        yield ("time", "fixed"), f"time.fixed ({fixed:g} tau) is too long with noise: at most {LONGEST_STEP:g} tau"
    if case.time.steady is not None:
        yield ("time", "until"), "time.until: with noise no voltage becomes steady; write a time"
    for k, window in enumerate(case.noise.windows):
        if window > case.time.until / 4:
            yield (
                ("noise", "windows", k),
                f"noise.windows[{k}] ({window:g} tau) wants a run at least four times as long",
            )
    if case.noise.renormalise and case.geometry.dimension == 1:
        yield ("noise", "renormalise"), "noise.renormalise: a wire has a continuum limit, nothing is to be renormalised"


def _currents(case: MeshedCase) -> Iterator[Found]:
    circuit = case.drive.circuit
    if case.model.charge == "off" and case.drive.terminals:
        kind = "current" if circuit is None else "circuit"
        yield ("drive", kind), "model.charge: off has no electric potential, so no current can be driven"
    if circuit is None:
        return
    for path, words in faults(circuit):
        yield ("drive", "circuit", *path), words
    if circuit.temperature and isinstance(case, Evolve) and case.time.fixed is None:
        yield ("drive", "circuit", "noise"), "noise needs a fixed step: time: {fixed: 0.05 tau}"


def _joined_contacts(case: MeshedCase) -> Iterator[Found]:
    for period, pair in case.geometry.periodic.items():
        for name in set(pair) & set(case.contacts):
            yield ("contacts", name), f"{name!r} is joined to another boundary (periodic: {period}): it is no terminal"
    for number, wave in enumerate(case.driven.flux):
        if case.geometry.periodic and wave.through not in case.geometry.periodic:
            known = ", ".join(case.geometry.periodic)
            words = f"a flux through the hole {wave.through!r} alone is not periodic; it may thread a period: {known}"
            yield ("drive", "flux", number, "through"), words


ONLY_FLUIDS = ("mass", "density", "chemical_potential")
NOT_FLUIDS = {"u": 5.79, "gamma": 10.0, "sigma": 1.0}


def _fluids(case: MeshedCase) -> Iterator[Found]:
    """What belongs to superfluids alone, and what does not belong to them."""
    material: Key = ("material", "everywhere") if case.materials.regions else ("material",)
    if case.start.rings and case.geometry.dimension != 3:
        yield ("start", "rings"), "start.rings: vortex rings live in bodies (dimension: 3)"
    base, start, reactive = case.materials.everywhere, case.start, case.model.reactive
    if not reactive:
        words = "is for superfluids: model: {dynamics: superfluid}"
        given = [((*material, key), getattr(base, key) is not None) for key in (*ONLY_FLUIDS, "plasma_frequency")]
        given += [((*material, key), getattr(base, key) > 0) for key in ("damping", "conductivity")]
        given += [(("drive", "head"), bool(case.drive.heads))]
        given += [
            (("drive", "potential"), case.drive.potential is not None),
            (("model", "layers"), bool(case.model.layers)),
        ]
        given += [(("start", key), bool(getattr(start, key))) for key in ("solitons", "kick", "heads", "heal")]
        yield from ((path, f"{'.'.join(map(str, path))} {words}") for path, there in given if there)
        return
    for key, default in NOT_FLUIDS.items():
        if getattr(base, key) != default:
            yield (*material, key), f"material.{key} is for tdgl; a superfluid has material.damping (u = damping - i)"
    for key, there in (("field", case.drive.field), ("flux", case.drive.flux), ("current", case.drive.currents)):
        if there and (case.model.dynamics == "superfluid" or key == "current"):
            why = "has no terminals for a current" if key == "current" else "is neutral and feels no magnetic field"
            hint = "drive it by drive.head (reservoirs) or drive.potential"
            yield ("drive", key), f"drive.{key}: a superfluid {why}; {hint}"
    if case.model.charge == "off":
        yield ("model", "charge"), "model.charge is for tdgl: dynamics says whether a superfluid is charged"
    for name in case.drive.heads:
        if case.contacts.get(name) != "reservoir":
            yield ("drive", "head", name), f"a head needs a reservoir: contacts: {{{name}: reservoir}}"
    for name in case.model.layers:
        if case.contacts.get(name) not in ("reservoir", "outlet"):
            yield (
                ("model", "layers", name),
                f"a layer belongs to a reservoir or an outlet: contacts: {{{name}: outlet}}",
            )
    if case.model.dynamics == "charged" and base.damping:
        words = "material.damping is for neutral superfluids; a charged one is damped by material.conductivity"
        yield (*material, "damping"), words
    if case.model.dynamics == "superfluid" and base.conductivity:
        yield (*material, "conductivity"), "material.conductivity is for charged condensates: dynamics: charged"
    if case.model.dynamics == "charged" and base.plasma_frequency is None:
        yield (
            material,
            "a charged condensate wants its plasma frequency: material: {plasma_frequency: 1.7} (in mu0/hbar)",
        )
    if case.model.dynamics == "charged" and case.geometry.dimension > 1 and case.scales.kappa is None:
        yield (
            material,
            "a charged condensate wants material.lambda: the speed of light is lambda times the plasma frequency",
        )


def _expected_recipes(case: Case) -> Iterator[Found]:
    for result in case.expect:
        recipe = result.partition(".")[0]
        if recipe not in (*case.postprocess, case.task):
            yield ("expect", result), f"{result} needs the recipe {recipe!r} in postprocess"
