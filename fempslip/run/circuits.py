"""What a sample answers to a circuit or an ac drive: points of I-V curves, plateaus, lines, the balance of energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from fempslip.case import Evolve, MeshedCase
from fempslip.contract import Array, Refusal, Waveform
from fempslip.run.results import ENOUGH, TURN, mean_voltage, times, window
from fempslip.store import Run

HARMONICS = 8  # fitted at most
SETTLING = 0.2  # of a constant bias, not counted
FEWEST = 4  # drive periods from which a mean is quoted
ON_STEP = 0.005  # how far <V>/Omega may be from a multiple of 1/2 on a plateau


def first_pair(case: Evolve, run: Run) -> tuple[str, dict[str, Array]]:
    """Name of the first measured pair, and the table of voltages."""
    if not case.measure.between or "voltage" not in run.tables:
        raise Refusal(f"{run.folder} holds no voltage: name a pair under measure: between")
    return "|".join(case.measure.between[0]), run.table("voltage")


def current_of(case: Evolve, run: Run) -> tuple[str, dict[str, Array]]:
    """The contact whose current is the abscissa of an I-V curve: that of the first pair, else the first."""
    if "currents" not in run.tables:
        raise Refusal(f"{run.folder} holds no currents: ask for the recipe before the run")
    table = run.table("currents")
    names = [name for name in table if name not in ("t", "dt")]
    return next((name for name in case.measure.between[0] if name in names), names[0]), table


# ------------------------------------------------------------------------------------------- a point of the I-V curve


def iv_point(case: Evolve, run: Run) -> dict[str, Any]:
    """`iv_point`: mean current and mean voltage (whole periods where it slips) of the measured time."""
    name, table = current_of(case, run)
    part = window(case, table["t"])
    current = float(table[name][part] @ table["dt"][part] / table["dt"][part].sum())
    voltage = mean_voltage(case, run)
    si = {"current_A": times(current, case.scales.si("current")), "voltage_V": voltage["si"]["mean_V"]}
    return {"current": current, "voltage": voltage["mean"], "error": voltage["error"], "into": name, "si": si}


# ------------------------------------------------------------------------------------------- lines


@dataclass(frozen=True)
class Line:
    """The main line of a signal: signal = mean + slope t + sum_k amplitude_k cos(2 pi k frequency t + phase_k)."""

    frequency: float
    amplitudes: Array  # (harmonics,)
    rest: float  # rms of what the harmonics leave over, relative to the rms of the signal's change


def line_of(t: Array, signal: Array) -> Line | None:
    """The strongest line, its frequency by least squares over all samples; None where there is none to be seen."""
    if t.size < 50 or np.ptp(signal) < 1e-9 * max(1.0, np.abs(signal).max()):
        return None
    length = t[-1] - t[0]
    even = np.linspace(t[0], t[-1], 2 ** int(np.ceil(np.log2(4 * t.size))))
    wave = np.interp(even, t, signal)
    wave -= np.polyval(np.polyfit(even, wave, 1), even)
    power = np.abs(np.fft.rfft(wave * np.hanning(even.size)))
    bin_ = int(np.argmax(power[2:])) + 2
    guess = bin_ / length
    weight = np.sqrt(np.gradient(t))
    count = int(np.clip(0.25 * t.size / length / guess, 1, HARMONICS))

    def left(frequency: float) -> float:
        return fitted(t, signal, weight, frequency, count)[1]

    raster = guess + np.linspace(-1.2, 1.2, 25) / length
    best = raster[int(np.argmin([left(f) for f in raster]))]
    found = minimize_scalar(
        left, bounds=(best - 0.1 / length, best + 0.1 / length), method="bounded", options={"xatol": 1e-9 * best}
    )
    coefficients, rest = fitted(t, signal, weight, float(found.x), count)
    pairs = coefficients[2:].reshape(-1, 2)
    spread = float(np.linalg.norm(weight * (signal - np.average(signal, weights=weight**2))))
    return Line(float(found.x), np.hypot(*pairs.T), rest / max(spread, 1e-300))


def fitted(t: Array, signal: Array, weight: Array, frequency: float, count: int) -> tuple[Array, float]:
    """Coefficients of 1, t, cos and sin of `count` harmonics, and the norm of what is left."""
    angle = TURN * frequency * (t - t[0])
    columns = [np.ones_like(t), t - t[0]]
    for k in range(1, count + 1):
        columns += [np.cos(k * angle), np.sin(k * angle)]
    matrix = np.stack(columns, axis=1) * weight[:, None]
    coefficients, *_ = np.linalg.lstsq(matrix, signal * weight, rcond=None)
    return coefficients, float(np.linalg.norm(matrix @ coefficients - signal * weight))


def signal_of(case: Evolve, run: Run) -> tuple[str, Array, Array]:
    """(name, t, values) of what oscillates: the voltage, or the current where a source holds the voltage."""
    name, table = first_pair(case, run)
    part = window(case, table["t"])
    t, v = table["t"][part], table[name][part]
    if v.size and np.ptp(v) > 1e-6 * max(1.0, np.abs(v).max()):
        return f"V {name.replace('|', ' – ')}", t, v
    if "circuit" not in run.tables:
        return f"V {name.replace('|', ' – ')}", t, v
    circuit = run.table("circuit")
    column = next(c for c in circuit if c.startswith("I into "))
    part = window(case, circuit["t"])
    return column, circuit["t"][part], circuit[column][part]


def spectrum(case: Evolve, run: Run) -> dict[str, Any]:
    """`spectrum`: the main line of V(t), or of I(t) under constant voltage, fitted; beside it the mean V/2 pi."""
    name, t, signal = signal_of(case, run)
    pair, table = first_pair(case, run)
    line = line_of(t, signal)
    answer: dict[str, Any] = {"signal": name, "frequency": None, "josephson": None, "ratio": None, "amplitude": None}
    if line is None:
        return answer
    part = window(case, table["t"])
    weight = np.sqrt(np.gradient(table["t"][part]))
    impulse, _ = fitted(table["t"][part], table[f"{pair} impulse"][part], weight, line.frequency, len(line.amplitudes))
    josephson = abs(float(impulse[1])) / TURN
    hertz = case.scales.si("frequency")
    return answer | {
        "frequency": line.frequency,
        "josephson": josephson,
        "ratio": line.frequency / josephson if josephson > 0 else None,
        "amplitude": float(line.amplitudes[0]),
        "harmonics": [float(a) for a in line.amplitudes],
        "rest": line.rest,
        "si": {"frequency_Hz": times(line.frequency, hertz), "josephson_Hz": times(josephson, hertz)},
    }


# ------------------------------------------------------------------------------------------- Shapiro steps


def drive_waves(case: MeshedCase) -> list[Waveform]:
    """All waveforms of currents and sources, with Idep standing for 1 (only their times count here)."""
    circuit = case.drive.circuit
    found = [current.waveform.at(1.0) for current in case.drive.currents]
    found += [e.value.at(1.0) for e in circuit.elements if e.kind in ("voltage", "current")] if circuit else []
    return [part for wave in found for part in getattr(wave, "parts", (wave,))]


def drive_periods(case: MeshedCase) -> set[float]:
    return {float(wave.period) for wave in drive_waves(case) if wave.period}


def constant_parts(case: Evolve) -> list[tuple[float, float]]:
    """(begin, end) of the times in which nothing but the ac drive changes."""
    until, waves = case.time.until, drive_waves(case)
    start = case.measure.from_ or 0.0
    edges = np.unique([start, until, *(k for wave in waves for k in wave.kinks(until) if start < k < until)])
    steady = [wave for wave in waves if not wave.period]
    pairs = zip(edges[:-1], edges[1:], strict=True)
    return [(float(a), float(b)) for a, b in pairs if all(abs(w.rate(0.5 * (a + b))) < 1e-12 for w in steady)]


def shapiro(case: Evolve, run: Run) -> dict[str, Any]:
    """`shapiro`: <V> over whole drive periods at every constant bias, and the plateaus at multiples of Omega/2.

    A bias counts where it lasts five periods or more; the first fifth of it is not counted.
    """
    (period,) = drive_periods(case)
    name, voltage = first_pair(case, run)
    into, currents = current_of(case, run)
    charge = np.concatenate([[0.0], np.cumsum(currents[into] * currents["dt"])])
    clock = np.concatenate([[currents["t"][0] - currents["dt"][0]], currents["t"]])
    points = []
    for begin, end in constant_parts(case):
        end = min(end, float(voltage["t"][-1]))
        count = int(np.floor((end - begin) * (1 - SETTLING) / period + 1e-9))
        if count < FEWEST:
            continue
        span = np.array([end - count * period, end])
        impulse = np.diff(np.interp(span, voltage["t"], voltage[f"{name} impulse"]))[0]
        current = np.diff(np.interp(span, clock, charge))[0] / (count * period)
        points.append((float(current), float(impulse / TURN / count)))
    bias, n = np.array(points).reshape(-1, 2).T
    return {"omega": TURN / period, "bias": bias.tolist(), "n": n.tolist(), "steps": plateaus(bias, n)}


def plateaus(bias: Array, n: Array) -> dict[str, dict[str, float]]:
    """Multiples of 1/2 that <V>/Omega sits on: name -> mean n, bias from and to, how many points."""
    order = np.argsort(bias)
    bias, n = bias[order], n[order]
    half = np.rint(2 * n).astype(int)
    on = np.abs(n - half / 2) < ON_STEP
    found: dict[str, dict[str, float]] = {}
    for step in np.unique(half[on]):
        mine = on & (half == step)
        title = f"{step // 2}" if step % 2 == 0 else f"{step}/2"
        ends = {"from": float(bias[mine].min()), "to": float(bias[mine].max())}
        width = ends["to"] - ends["from"]
        found[title] = {"mean": float(n[mine].mean()), **ends, "width": width, "points": int(mine.sum())}
    return found


# ------------------------------------------------------------------------------------------- energy


def circuit_energy(case: Evolve, run: Run) -> dict[str, Any]:
    """`circuit_energy`: energy that the sources gave, against what became heat and what is stored, sample included.

    What the circuit gives at the terminals and what the sample takes up there are two sums; their difference is in the
    residual, but where a field or an epsilon does work on the sample too: there it is `others`, that work.
    A sample with noise gives back what it takes: there `sample` is what goes in, the balance the circuit's alone.

    Over the measured time, cut to whole periods of the drive or, without one, of the slips.  In I0 V0 tau0.
    """
    if "circuit" not in run.tables:
        raise Refusal(f"{run.folder} has no circuit")
    circuit, series = run.table("circuit"), run.table("series")
    span = whole_periods(case, run)
    dt = np.diff(circuit["t"], prepend=circuit["t"][0] - series["dt"][0])

    def over(rate: Array) -> float:
        total = np.concatenate([[0.0], np.cumsum(rate * dt)])
        clock = np.concatenate([[circuit["t"][0] - dt[0]], circuit["t"]])
        return float(np.diff(np.interp(span, clock, total))[0])

    supplied, resistors = over(circuit["supplied"]), over(circuit["dissipated"])
    heat, kept = 0.5 * over(series["dissipated"]), 0.5 * over(series["stored"])
    quiet = case.noise is None
    if not quiet:
        heat, kept = over(circuit["sample"]), 0.0
    others = 0.5 * over(series["supplied"]) - over(circuit["sample"]) if quiet and worked_on(case) else 0.0
    charged = float(np.diff(np.interp(span, circuit["t"], circuit["stored"]))[0])
    scale = max(abs(supplied), abs(resistors) + abs(heat), 1e-300)
    residual = (supplied + others - resistors - heat - kept - charged) / scale
    answer = {"supplied": supplied, "others": others, "resistors": resistors, "sample": heat, "stored": charged + kept}
    return {**answer, "residual": residual, "from": float(span[0]), "to": float(span[1])}


def worked_on(case: Evolve) -> bool:
    """Whether something beside the circuit changes in time: a field, a flux, an epsilon."""
    drive, until = case.drive, case.time.until
    waves = [wave for _, wave in (*drive.field, *drive.sources, *drive.flux)]
    steady = all(wave.period is None and len({wave.value(t) for t in (0.0, *wave.kinks(until))}) == 1 for wave in waves)
    warm = [m.epsilon for m in case.material.values() if not isinstance(m.epsilon, int | float)]
    return not steady or any(term.times is not None for profile in warm for term in profile.terms())


def whole_periods(case: Evolve, run: Run) -> Array:
    """(2,) begin and end of the measured time, cut to whole periods of the drive or of the slips."""
    t = run.table("circuit")["t"]
    late = t[window(case, t)]
    begin, end = float(late[0]), float(late[-1])
    period = max(drive_periods(case), default=None)
    if period is None and case.measure.between:
        slips = mean_voltage(case, run)
        period = slips["period"] if slips["slips"] >= ENOUGH else None
    if period is not None and end - begin > period:
        begin = end - period * np.floor((end - begin) / period)
    return np.array([begin, end])


# ------------------------------------------------------------------------------------------- recovery


def recovery(case: Evolve, run: Run) -> dict[str, Any]:
    """`recovery`: I(t) = I_end - a exp(-t/time) of the first terminal, by least squares over the measured time.

    rest : rms of what the fit leaves over, relative to a
    """
    if "circuit" not in run.tables:
        raise Refusal(f"{run.folder} has no circuit")
    table = run.table("circuit")
    part = window(case, table["t"])
    t, current = table["t"][part], table[next(c for c in table if c.startswith("I into "))][part]
    if t.size < 10:
        return dict.fromkeys(("time", "end", "amplitude", "rest"))
    weight, span = np.sqrt(np.gradient(t)), float(t[-1] - t[0])

    def fit(time: float) -> tuple[Array, float]:
        base = np.stack([np.ones_like(t), -np.exp(-(t - t[0]) / time)], axis=1)
        found = np.linalg.lstsq(base * weight[:, None], current * weight, rcond=None)[0]
        return found, float(np.linalg.norm((base @ found - current) * weight))

    tried = span * np.geomspace(0.01, 10, 61)
    k = int(np.argmin([fit(time)[1] for time in tried]))
    around = (float(tried[max(0, k - 1)]), float(tried[min(60, k + 1)]))
    best = minimize_scalar(lambda time: fit(time)[1], bounds=around, method="bounded", options={"xatol": 1e-6 * span})
    (end, amplitude), left = fit(float(best.x))
    rest = left / np.sqrt(span) / abs(amplitude) if amplitude else None
    si = {"time_s": times(float(best.x), case.scales.si("time"))}
    return {"time": float(best.x), "end": float(end), "amplitude": float(amplitude), "rest": rest, "si": si}


RESULTS: Mapping[str, Any] = {
    "recovery": recovery,
    "iv_point": iv_point,
    "spectrum": spectrum,
    "shapiro": shapiro,
    "circuit_energy": circuit_energy,
}
