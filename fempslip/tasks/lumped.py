"""task: lumped.  A junction in time or over its bias, levels of a ring, the current of a normal one, sounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from fempslip.case.schema import Lumped
from fempslip.contract import Array, Failure, Sink
from fempslip.physics import lumped as ph
from fempslip.physics.two_fluid import TwoFluid, pulse

Note = Callable[[float, str], None]
STEPS_A_PERIOD, LONGEST = 200, 0.05  # of the steps along a curve: in a drive period, and tau
FREE_SPAN = 20.0  # tau, of which `settle` and `count` are counted without an ac drive
PATHS = 64  # in thermal noise
NOISE_STEP = 0.1  # tau
ON_STEP = 1e-3  # of a step of the map, how far <v>/Omega may be from a whole number


@dataclass(frozen=True)
class LumpedTask:
    """contract.Task of a system without extent."""

    case: Lumped

    def run(self, sink: Sink, progress: Note = lambda fraction, text: None) -> Mapping[str, Any]:
        c = self.case
        if c.slip_ring is not None:
            return slip_ring(c, sink)
        if c.normal_ring is not None:
            return normal_ring(c, sink)
        if c.two_fluid is not None:
            return sounds(c, sink, progress)
        found: dict[str, Any] = {}
        if c.time is not None:
            found |= prescribed(c, sink) if c.prescribed else followed(c, sink)
        if c.curve is not None and c.amplitudes is not None:
            found |= mapped(c, sink, progress)
        elif c.curve is not None:
            found |= swept(c, sink)
        return found


def record(sink: Sink, table: str, columns: Mapping[str, Array]) -> None:
    """Add rows to a table.  Raises Failure for numbers that are not finite."""
    first = next(iter(columns))
    for name, values in columns.items():
        bad = np.flatnonzero(~np.isfinite(np.asarray(values, dtype=float)))
        if bad.size:
            where = f"{first} = {columns[first][bad[0]]:g}, row {bad[0]}"
            raise Failure(f"{name} of the table {table} is not finite at {where}: the drive is too large for any step")
    sink.rows(table, {name: np.asarray(values, dtype=float) for name, values in columns.items()})


# ------------------------------------------------------------------------------------------- junctions


def junction_of(case: Lumped) -> ph.Junction:
    assert case.junction is not None
    return ph.Junction(case.junction.inertia, case.junction.coupling)


def followed(case: Lumped, sink: Sink) -> dict[str, Any]:
    """Table `waveform`: t, phase, rate and bias.  Mean rate over whole turns (driven: whole periods), its extremes, the
    area of a turn; of a constant bias also the exact rate, with thermal noise if there is any."""
    assert case.junction is not None and case.bias is not None and case.time is not None
    junction, bias = junction_of(case), case.bias.waveform
    t, phi, rate = ph.waveform(junction, bias, case.time.until, case.time.every)
    record(sink, "waveform", {"t": t, "phase": phi, "rate": rate, "bias": np.array([bias.value(s) for s in t])})
    late = t >= 0.25 * t[-1]
    mean, turns = ph.mean_rate(t[late], phi[late], bias.period)
    found = {"mean": mean, "turns": turns, "largest": float(rate[late].max()), "smallest": float(rate[late].min())}
    found |= area(t[late], phi[late], rate[late]) | {"beta": junction.beta}
    if mean is not None and mean != 0 and bias.period is None:
        found["frequency"] = abs(mean) / ph.TURN
    if mean == 0:
        found["phase"] = float(phi[-1] % ph.TURN)
    level = bias.value(t[-1])
    if bias.period is None and all(bias.value(s) == level for s in (0.0, 0.5 * t[-1])):
        found |= exact(case, level)
    return found | in_si(case, found)


def area(t: Array, phi: Array, rate: Array) -> dict[str, float]:
    """Integral of the rate over one turn, by Simpson: 2 pi, one flux quantum (or a pair of charges)."""
    from scipy.integrate import simpson

    turn = np.flatnonzero(np.diff(np.floor(phi / ph.TURN)))
    if turn.size < 2:
        return {}
    first, last = turn[0], turn[1]
    inside = slice(first, last + 1)
    rest = (ph.TURN - abs(phi[last] - phi[first])) * np.sign(phi[last] - phi[first])
    return {"area": float(simpson(rate[inside], x=t[inside]) + rest)}


def exact(case: Lumped, bias: float) -> dict[str, Any]:
    """Rates under constant bias: exact where there is no inertia, without and with thermal noise; paths in noise."""
    assert case.junction is not None and case.time is not None
    j = case.junction
    found: dict[str, Any] = {}
    if j.inertia == 0:
        found["exact"] = ph.adler_rate(bias, j.coupling)
    if j.temperature > 0 and j.inertia == 0:
        found["noisy"] = ph.rate_with_noise(bias, j.temperature, j.coupling)
    if j.temperature > 0:
        rates, errors = ph.noisy_rates(
            j.inertia, np.array([bias / j.coupling]), j.temperature / j.coupling, case.time.until * j.coupling,
            NOISE_STEP, PATHS, j.seed,
        )  # fmt: skip
        found |= {"paths": float(rates[0] * j.coupling), "paths_error": float(errors[0] * j.coupling)}
    if j.kind in ("rcsj", "dual"):
        found["retrapping"] = ph.retrapping(j.inertia)
    return found


def in_si(case: Lumped, found: Mapping[str, Any]) -> dict[str, Any]:
    """Mean voltage (of a dual junction: current) and frequency in SI."""
    assert case.junction is not None
    unit = case.scales.si("current" if case.junction.kind == "dual" else "voltage")
    hertz, word = case.scales.si("frequency"), "mean_A" if case.junction.kind == "dual" else "mean_V"
    mean, frequency = found.get("mean"), found.get("frequency")
    answer = {word: mean * unit if mean is not None and unit else None}
    answer["frequency_Hz"] = frequency * hertz if frequency is not None and hertz else None
    return {"si": answer}


def prescribed(case: Lumped, sink: Sink) -> dict[str, Any]:
    """A junction under voltage, or a dual one under current: phi' is given, the answer sin phi + phi' + beta phi''.

    Under a constant one it oscillates at phi'/2 pi: the ac Josephson effect, f = 2eV/h, and its dual, the Bloch
    oscillation, f = I/2e.
    """
    assert case.bias is not None and case.time is not None
    wave, beta = case.bias.waveform, junction_of(case).beta
    t = np.linspace(0.0, case.time.until, int(round(case.time.until / case.time.every)) + 1)
    rate = np.array([wave.value(s) for s in t])
    middle = np.array([wave.value(s) for s in 0.5 * (t[1:] + t[:-1])])
    phi = np.concatenate([[0.0], np.cumsum(np.diff(t) * (rate[1:] + rate[:-1] + 4 * middle) / 6)])
    answer = np.sin(phi) + rate + beta * np.array([wave.rate(s) for s in t])
    record(sink, "waveform", {"t": t, "phase": phi, "rate": rate, "bias": answer})
    mean, turns = ph.mean_rate(t, phi, wave.period)
    found: dict[str, Any] = {"mean": mean, "turns": turns, "answer": float(np.trapezoid(answer, t) / t[-1])}
    if mean is not None and wave.period is None:
        found |= {"frequency": abs(mean) / ph.TURN, "josephson": abs(float(rate[-1])) / ph.TURN}
    return found | in_si(case, found)


def rhythm(case: Lumped, omega: float) -> tuple[float, float]:
    """(span, step) along a curve: a drive period, or a stretch of free time."""
    span = ph.TURN / omega if omega else FREE_SPAN
    return span, min(span / STEPS_A_PERIOD, LONGEST)


def swept(case: Lumped, sink: Sink) -> dict[str, Any]:
    """Table `curve`: bias, mean rate and direction.  Where the junction lets go on the way up and is caught again."""
    assert case.curve is not None and case.junction is not None
    s, j = case.curve, junction_of(case)
    amplitude, omega = case.alternating()
    span, step = rhythm(case, omega)
    up = np.linspace(s.from_, s.to, s.points)
    bias = np.concatenate([up, up[::-1]]) if s.back else up
    mean = ph.mean_rates(bias, j.beta, j.coupling, amplitude, omega, span, step, s.settle, s.count)
    direction = np.where(np.arange(bias.size) < s.points, 1.0, -1.0)
    record(sink, "curve", {"bias": bias, "mean": mean, "direction": direction})
    found: dict[str, Any] = {}
    if not omega:
        resting = np.abs(mean[: s.points]) < 1e-6
        found["switching"] = float(up[resting].max()) if resting.any() and not resting.all() else None
        if s.back:
            down = np.abs(mean[s.points :]) < 1e-6
            found["retrapped"] = float(up[::-1][down].max()) if down.any() and not down.all() else None
        found["retrapping"] = ph.retrapping(j.beta)
        return found
    found["steps"] = plateaus(up, mean[: s.points] / omega)
    if j.beta == 0:
        found["edges"] = edges(amplitude, omega, s.to, j.coupling)
    return found


def plateaus(bias: Array, n: Array) -> dict[str, dict[str, float]]:
    """Whole multiples of the drive's frequency on which the mean rate stands."""
    on = np.abs(n - np.rint(n)) < ON_STEP
    found = {}
    for step in np.unique(np.rint(n[on])).astype(int):
        mine = on & (np.rint(n) == step)
        found[str(step)] = {"from": float(bias[mine].min()), "to": float(bias[mine].max()), "points": int(mine.sum())}
    return found


def edges(amplitude: float, omega: float, top: float, coupling: float) -> dict[str, dict[str, float]]:
    """The exact edges of the steps that begin on the curve, from the return map."""
    found = {}
    for n in range(int(top / omega) + 1):
        ends = ph.step_edges(amplitude, omega, n, coupling)
        if ends is not None and ends[0] < top:
            found[str(n)] = {"from": ends[0], "to": ends[1]}
    return found


def mapped(case: Lumped, sink: Sink, progress: Note) -> dict[str, Any]:
    """Table `map`: amplitude, bias, mean rate over the drive's frequency, for every pair of both."""
    assert case.curve is not None and case.amplitudes is not None
    s, j, omega = case.curve, junction_of(case), case.alternating()[1]
    span, step = rhythm(case, omega)
    bias = np.linspace(s.from_, s.to, s.points)
    amplitudes = np.linspace(case.amplitudes.from_, case.amplitudes.to, case.amplitudes.points)
    widths: dict[str, list[float]] = {}
    for k, amplitude in enumerate(amplitudes):
        progress(k / amplitudes.size, f"amplitude {amplitude:.4g}")
        drive = float(amplitude) or 1e-300  # a drive of nothing is still counted in its periods
        n = ph.mean_rates(bias, j.beta, j.coupling, drive, omega, span, step, s.settle, s.count) / omega
        record(sink, "map", {"amplitude": np.full(bias.size, amplitude), "bias": bias, "n": n})
        for step_, ends in plateaus(bias, n).items():
            widths.setdefault(step_, [0.0] * amplitudes.size)[k] = ends["to"] - ends["from"]
    return {"largest_width": {name: max(values) for name, values in widths.items()}}


# ------------------------------------------------------------------------------------------- rings and sounds


def slip_ring(case: Lumped, sink: Sink) -> dict[str, Any]:
    """Table `levels`: the lowest levels over flux.  Their gap at half a quantum, and the distance at none."""
    assert case.slip_ring is not None
    ring = case.slip_ring
    flux = np.linspace(ring.flux.from_, ring.flux.to, ring.flux.points)
    levels = ph.slip_levels(ring.slip_energy, flux)
    record(sink, "levels", {"flux": flux} | {f"E{k}": levels[:, k] for k in range(levels.shape[1])})
    half, none = ph.slip_levels(ring.slip_energy, np.array([0.5, 0.0]), 2)
    return {"gap": float(half[1] - half[0]), "distance_at_zero": float(none[1] - none[0])}


def normal_ring(case: Lumped, sink: Sink) -> dict[str, Any]:
    """Table `ring`: current of a normal ring and of a superconducting one over flux in h/e, and the period of each."""
    assert case.normal_ring is not None
    ring = case.normal_ring
    flux = np.linspace(ring.flux.from_, ring.flux.to, ring.flux.points)
    normal, paired = ph.fermi_ring(ring.electrons, flux, ring.temperature), ph.super_ring(flux)
    record(sink, "ring", {"flux": flux, "normal": normal, "superconducting": paired})
    periods = {"period_normal": ph.period_of(flux, normal), "period_superconducting": ph.period_of(flux, paired)}
    return {**periods, "largest": float(np.abs(normal).max())}


def sounds(case: Lumped, sink: Sink, progress: Note) -> dict[str, Any]:
    """Tables `first_sound`, `second_sound`, `fourth_sound`: profiles of a pulse; speeds."""
    assert case.two_fluid is not None
    spec = case.two_fluid
    fluid = TwoFluid(
        spec.superfluid_share, spec.first_sound, spec.temperature, spec.entropy, spec.heat_capacity
    )  # fmt: skip
    found: dict[str, Any] = {"first": fluid.first_sound, "second": fluid.second_sound, "fourth": fluid.fourth_sound}
    for k, kind in enumerate(("first", "second", "fourth")):
        progress(k / 3, f"{kind} sound")
        sent = pulse(fluid, kind, spec.length, spec.pulse_width or 0.03 * spec.length)
        for t, field, flow in zip(sent.t, sent.field, sent.flow, strict=True):
            columns = {"t": np.full(sent.x.size, t), "x": sent.x, **fluid.fields(kind, field, flow)}
            record(sink, f"{kind}_sound", columns)
        found[f"{kind}_pulse"] = sent.speed
    return found
