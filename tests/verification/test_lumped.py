"""Oracles F1 to F5, E6 and L2 to L4: junctions, dual junctions and rings without extent; sounds of two fluids."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import iv, jv

from fempslip.case.scales import E, H
from fempslip.case.waveforms import Constant, Points, Sine, Sum
from fempslip.physics import lumped as ph
from fempslip.physics.two_fluid import TwoFluid, pulse


@pytest.mark.parametrize(
    ("coupling", "detuning", "rate"),
    [(1, 1.01, 0.141774), (1, 1.25, 0.75), (1, 2, 1.732051), (0.8, 1.1, 0.754983)],
)
def test_f1_adler_rate(coupling: float, detuning: float, rate: float) -> None:
    """F1: sqrt(d^2 - A^2) within 1e-4, by integration over whole turns."""
    t, phi, _ = ph.waveform(ph.Junction(0.0, coupling), Constant(detuning), 400.0, 0.02)
    mean, turns = ph.mean_rate(t, phi)
    assert turns > 5 and mean == pytest.approx(rate, rel=1e-5)
    assert ph.adler_rate(detuning, coupling) == pytest.approx(rate, abs=1e-6)


def test_f1_below_the_threshold_the_phase_is_locked() -> None:
    t, phi, _ = ph.waveform(ph.Junction(0.0, 1.0), Constant(0.6), 60.0, 0.1)
    assert phi[-1] == pytest.approx(np.arcsin(0.6), abs=1e-9)
    assert ph.mean_rate(t[300:], phi[300:]) == (0.0, 0)


def test_f2_waveform_of_a_slip() -> None:
    """F2: phi' = (d^2 - A^2)/(d + A cos(w t + c)), between d - A and d + A, slowest at phi = pi/2; area 2 pi."""
    d, a = 1.25, 1.0
    w = np.sqrt(d * d - a * a)
    t, phi, rate = ph.waveform(ph.Junction(0.0, a), Constant(d), 20.0, 0.01)
    top = 5.0 + t[np.argmax(rate[t >= 5.0])]
    inside = (t > 5) & (t < 5 + 2 * np.pi / w)
    peak = t[inside][np.argmax(rate[inside])]
    sharp = peak - 1e-2 + 2e-2 * np.arange(2001) / 2000
    formula = [np.abs(rate - (d * d - a * a) / (d + a * np.cos(w * (t - s) + np.pi))).max() for s in sharp]
    assert min(formula) < 1e-3 and top > 0
    assert rate.max() == pytest.approx(d + a, abs=1e-3) and rate[inside].min() == pytest.approx(d - a, abs=1e-3)
    assert np.sin(phi[inside][np.argmin(rate[inside])]) == pytest.approx(1.0, abs=1e-3)
    from scipy.integrate import quad

    area, _ = quad(lambda s: np.interp(s, t, rate), peak - np.pi / w, peak + np.pi / w, limit=400)
    assert area == pytest.approx(2 * np.pi, abs=1e-3)


F3 = {
    (1.0, 0.5): {0: (None, 0.48631), 1: (0.5, 1.14294), 2: (1.18484, 1.61593)},
    (1.0, 1.0): {0: (None, 0.78269), 1: (1.0, 1.65372), 2: (2.15151, 2.36347)},
    (2.0, 1.0): {0: (None, 0.32792), 1: (0.60034, 1.61362), 2: (1.93239, 2.53037)},
}


@pytest.mark.parametrize("drive", F3)
def test_f3_edges_of_shapiro_steps(drive: tuple[float, float]) -> None:
    """F3, from the return map: within 2e-5 (the oracle's own digits; its tolerance is 1 %)."""
    for n, (lower, upper) in F3[drive].items():
        found = ph.step_edges(*drive, n)
        assert found is not None and found[1] == pytest.approx(upper, abs=2e-5)
        if lower is not None:
            assert found[0] == pytest.approx(lower, abs=2e-5)


def test_f3_the_mean_rate_stands_on_the_steps_and_not_between() -> None:
    """<v> = n Omega within the edges, over whole periods; and neither just below nor just above."""
    amplitude, omega = 1.0, 0.5
    bias = np.array([0.3, 0.55, 0.8, 1.10, 1.3, 1.6, 0.494, 1.16, 1.63])
    steps = int(2 * np.pi / omega / 0.02)
    n = ph.mean_rates(bias, 0.0, 1.0, amplitude, omega, 2 * np.pi / omega, 2 * np.pi / omega / steps, 40, 200) / omega
    assert np.abs(n[:6] - [0, 1, 1, 1, 2, 2]).max() < 1e-6
    assert (np.abs(n[6:] - np.rint(n[6:])) > 0.01).all()
    t, phi, _ = ph.waveform(ph.Junction(), Sum((Constant(0.8), Sine(1.0, omega / (2 * np.pi)))), 400.0, 0.05)
    assert ph.mean_rate(t[t > 100], phi[t > 100], 2 * np.pi / omega)[0] == pytest.approx(omega, abs=1e-6)


def test_f4_steps_under_alternating_voltage() -> None:
    """F4: full widths at a = 2 within 1e-6; half widths |J_n(a)| at others."""
    for n, width in enumerate((0.447782, 1.153450, 0.705668, 0.257886)):
        assert 2 * ph.voltage_step(n, 2.0) == pytest.approx(width, abs=1e-6)
        assert ph.voltage_step(n, 0.7) == pytest.approx(abs(jv(n, 0.7)), abs=1e-9)


F5 = {1: 0.964329, 2: 0.789866, 4: 0.597385, 10: 0.392683, 25: 0.252129}


@pytest.mark.parametrize("beta", F5)
def test_f5_retrapping(beta: float) -> None:
    """F5: by the orbit between two saddles, within 2e-5 (tolerance 0.5 %)."""
    assert ph.retrapping(beta) == pytest.approx(F5[beta], rel=2e-5)


def test_f5_retrapping_on_a_down_sweep() -> None:
    """F5 by brute force: beta = 4, the junction carried on in steps of 0.002 from the running state."""
    down = np.arange(0.7, 0.55, -0.002)
    bias = np.concatenate([[1.5], down])
    mean = ph.mean_rates(bias, 4.0, 1.0, 0.0, 0.0, 20.0, 0.05, 10, 20)[1:]
    lowest = down[mean > 0].min()
    assert lowest == pytest.approx(F5[4], rel=5e-3)


def test_a_small_capacitor_gives_no_hysteresis() -> None:
    assert ph.retrapping(0.0) == 1.0 and ph.retrapping(0.3) == 1.0


E6 = {(0.5, 0.2): 0.0248339, (0.9, 0.1): 0.2101098, (1.0, 0.1): 0.3689532, (0.5, 0.5): 0.1755934}


@pytest.mark.parametrize("point", E6)
def test_e6_rate_with_noise(point: tuple[float, float]) -> None:
    """E6 to its digits, and the Bessel form sinh(pi i/T) T/pi / |I_(i i/T)(1/T)|^2 evaluated by its own series."""
    i, temperature = point
    assert ph.rate_with_noise(i, temperature) == pytest.approx(E6[point], abs=1e-7)


def test_e6_scales_with_the_coupling() -> None:
    """phi' = d - A sin phi + xi with <xi xi> = 2 T: times A, of the unit coupling at d/A and T/A."""
    assert ph.rate_with_noise(0.9 * 3, 0.1 * 3, 3.0) == pytest.approx(3 * E6[0.9, 0.1], abs=1e-6)


@pytest.mark.slow
def test_e6_by_paths() -> None:
    """64 paths to t = 2000 by stochastic Heun, seeded: within three standard errors (each < 4 %)."""
    rates, errors = ph.noisy_rates(0.0, np.array([0.9, 1.0]), 0.1, 2000.0, 0.1, 64, 1)
    wanted = np.array([E6[0.9, 0.1], E6[1.0, 0.1]])
    assert (np.abs(rates - wanted) < 3 * errors).all() and (errors < 0.04 * wanted).all()


@pytest.mark.slow
def test_noise_of_a_junction_with_a_capacitor_goes_over_into_the_overdamped_one() -> None:
    """beta = 0.1 by BAOAB at i = 1, T = 0.1: within 3 % of E6 (the inertia itself changes the rate by order beta)."""
    rates, errors = ph.noisy_rates(0.06, np.array([1.0]), 0.1, 1500.0, 0.02, 64, 2)
    assert rates[0] == pytest.approx(E6[1.0, 0.1], rel=0.03 + 3 * errors[0] / rates[0])


# ------------------------------------------------------------------------------------------- quantum phase slips


@pytest.mark.parametrize(
    ("energy", "gap", "zero"),
    [(0.1, 0.0999376, 1.0041451), (0.5, 0.4923392, 1.0930408), (1, 0.9424691, 1.2965474), (2, 1.6442978, 1.7568500)],
)
def test_l2_levels_of_a_slip_ring(energy: float, gap: float, zero: float) -> None:
    """L2 within 1e-6 (its digits)."""
    half, none = ph.slip_levels(energy, np.array([0.5, 0.0]), 2)
    assert half[1] - half[0] == pytest.approx(gap, abs=1e-6)
    assert none[1] - none[0] == pytest.approx(zero, abs=1e-6)


def test_l3_the_dual_junction_is_the_relabelled_one() -> None:
    """L3: L q'' + R q' + Vc sin(2 pi q/2e) = V in SI, against beta phi'' + phi' + sin phi = V/Vc relabelled.

    phi = 2 pi q/2e, tau = 2e R/(2 pi Vc), beta = 2 pi Vc L/(2e R^2); mean current sqrt(V^2 - Vc^2)/R where L = 0 (F1).
    """
    vc, r, henry, v = 1e-4, 5e4, 2e-6, 1.3e-4
    tau = 2 * E * r / (2 * np.pi * vc)
    beta = 2 * np.pi * vc * henry / (2 * E * r * r)
    until = 60.0
    t, phi, rate = ph.waveform(ph.Junction(beta), Constant(v / vc), until, 0.1)

    def charge(s: float, y: np.ndarray) -> np.ndarray:
        return np.array([y[1], (v - r * y[1] - vc * np.sin(2 * np.pi * y[0] / (2 * E))) / henry])

    found = solve_ivp(charge, (0, until * tau), [0, 0], "DOP853", t * tau, rtol=1e-11, atol=1e-32, max_step=0.1 * tau)
    assert np.abs(2 * np.pi * found.y[0] / (2 * E) - phi).max() < 1e-5
    assert np.abs(found.y[1] / (vc / r) - rate).max() < 1e-5
    t, phi, _ = ph.waveform(ph.Junction(), Constant(1.25), 400.0, 0.02)
    assert ph.mean_rate(t, phi)[0] * vc / r == pytest.approx(np.sqrt(1.25**2 - 1) * vc / r, rel=1e-4)


def test_kinks_of_the_bias_are_landed_on() -> None:
    """A bias that jumps from 0 to 2 at t = 3: at rest before, and after it as if it had begun there."""
    jump = Points((0.0, 3.0, 3.0, 4.0), (0.0, 0.0, 2.0, 2.0))
    t, phi, _ = ph.waveform(ph.Junction(), jump, 8.0, 0.5)
    plain = ph.waveform(ph.Junction(), Constant(2.0), 5.0, 0.5)[1]
    assert np.abs(phi[t <= 3]).max() < 1e-12
    assert np.abs(phi[t >= 3] - plain).max() < 1e-7


# ------------------------------------------------------------------------------------------- rings and sounds


def test_normal_ring_has_the_period_of_single_electrons() -> None:
    """Odd N at T = 0: I = -2 f (e v_F/L with v_F = N hbar/2 m R), |f| < 1/2; even N: moved by half a quantum."""
    flux = np.linspace(-0.49, 0.49, 99)
    assert np.abs(ph.fermi_ring(7, flux) + 2 * flux).max() < 1e-12
    shifted = ph.fermi_ring(8, flux)
    assert np.abs(shifted[flux > 0.005] - (1 - 2 * flux[flux > 0.005])).max() < 1e-12
    whole = np.linspace(0, 3, 601)
    for n in (7, 8, 12):
        for temperature in (0.0, 0.1, 0.5):
            assert ph.period_of(whole, ph.fermi_ring(n, whole, temperature)) == pytest.approx(1.0)
    assert ph.period_of(whole, ph.super_ring(whole)) == pytest.approx(0.5)


def test_a_warm_normal_ring_carries_the_current_of_its_free_energy() -> None:
    """I = -dOmega/dflux at the chemical potential that keeps N, by differences of the grand potential."""
    n, temperature, f, step = 9, 0.3, 0.17, 1e-4
    levels, warm = np.arange(-100, 101), temperature * n
    from scipy.optimize import brentq

    mu = brentq(lambda m: ph.fermi((levels - f) ** 2, m, warm).sum() - n, 0, 200)
    omega = [-warm * np.logaddexp(0, (mu - (levels - g) ** 2) / warm).sum() for g in (f - step, f + step)]
    current = -(omega[1] - omega[0]) / (2 * step) / n
    assert ph.fermi_ring(n, np.array([f]), temperature)[0] == pytest.approx(current, rel=1e-6)


HELIUM = TwoFluid(0.834, 234.0, 1.6, 284.0, 1630.0)


@pytest.mark.parametrize("kind", ["first", "second", "fourth"])
def test_pulses_run_at_the_speeds_of_the_two_fluid_model(kind: str) -> None:
    """c1; c2^2 = (rho_s/rho_n) T s^2/c; c4^2 = (rho_s/rho) c1^2 + (rho_n/rho) c2^2; within 1e-4 on 2000 cells."""
    speed = {"first": 234.0, "second": np.sqrt(0.834 / 0.166 * 1.6 * 284.0**2 / 1630.0)}
    speed["fourth"] = np.sqrt(0.834 * 234.0**2 + 0.166 * speed["second"] ** 2)
    sent = pulse(HELIUM, kind, 0.1, 0.003)
    assert sent.speed == pytest.approx(speed[kind], rel=1e-4)


def test_second_sound_moves_no_mass_and_first_sound_no_heat() -> None:
    second = HELIUM.fields("second", *(lambda p: (p.field[3], p.flow[3]))(pulse(HELIUM, "second", 0.1, 0.003)))
    assert (
        np.abs(0.834 * second["superfluid"] + 0.166 * second["normal"]).max() < 1e-12 * np.abs(second["normal"]).max()
    )
    assert np.abs(second["temperature"]).max() > 0.4 and not second["density"].any()
    first = HELIUM.fields("first", *(lambda p: (p.field[3], p.flow[3]))(pulse(HELIUM, "first", 0.1, 0.003)))
    assert (first["superfluid"] == first["normal"]).all() and not first["temperature"].any()


def test_l4_bloch_frequency_and_its_josephson_dual() -> None:
    """L4 and U2: 1 uV gives 483.5978 MHz; 1 nA gives I/2e = 3.1207545 GHz."""
    from fempslip.case import load_text

    josephson = load_text(
        "task: lumped\njunction: {kind: rsj, critical_current: 1 uA, resistance: 1 ohm}\n"
        "bias: {voltage: 1 uV}\ntime: {until: 20 ns, every: 1 ps}\n"
    )
    bloch = load_text(
        "task: lumped\njunction: {kind: dual, critical_voltage: 0.1 mV, resistance: 50 kohm}\n"
        "bias: {current: 1 nA}\ntime: {until: 2 ns, every: 1 ps}\n"
    )
    from fempslip.tasks.lumped import LumpedTask
    from tests.laboratory import Memory

    for case, hertz in ((josephson, 2 * E * 1e-6 / H), (bloch, 1e-9 / (2 * E))):
        found = LumpedTask(case).run(Memory())
        assert found["si"]["frequency_Hz"] == pytest.approx(hertz, rel=1e-6)
        assert found["frequency"] == pytest.approx(found["josephson"], rel=1e-6)


def test_e6_small_bias_is_the_bessel_resistance() -> None:
    """i -> 0: <phi'> = i / I_0(1/T)^2 (Ambegaokar and Halperin)."""
    assert ph.rate_with_noise(1e-4, 0.3) / 1e-4 == pytest.approx(1 / iv(0, 1 / 0.3) ** 2, rel=1e-5)
