"""Materials: temperatures, and epsilon as sums of profiles in space and time."""

import numpy as np
import pytest
from laboratory import case_from, experiment, problem_of

from fempslip.case import load_text
from fempslip.contract import Refusal
from fempslip.run.check import explain

FILM = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [8, 6]}}, spot: {disk: {radius: 1}}}
  boundaries: {source: {edge: left, of: film}}
material: MATERIAL
mesh: {size: 0.5}
time: {until: 4 tau}
"""


def film(material: str, **changes):
    return load_text(FILM.replace("MATERIAL", material), overrides=changes)


def refused(material: str) -> str:
    with pytest.raises(Refusal) as caught:
        problem_of(film(material))
    return str(caught.value)


# ---------------------------------------------------------------------------------------------- temperature


def test_scales_hold_at_the_temperature():
    """xi and lambda grow as (1 - T/Tc)^(-1/2): at T = 3/4 Tc twice those of T = 0; tau0 fourfold."""
    cold = film("{xi: 10 nm, lambda: 100 nm, sigma: 2e6 S/m, thickness: 5 nm}").scales
    warm = film("{xi: 10 nm, lambda: 100 nm, sigma: 2e6 S/m, thickness: 5 nm, Tc: 8 K, temperature: 6 K}")
    s = warm.scales
    assert (s.xi, s.lambda_) == (pytest.approx(2 * cold.xi), pytest.approx(2 * cold.lambda_))
    assert (s.tau0, s.Bc2, s.kappa) == pytest.approx((4 * cold.tau0, cold.Bc2 / 4, cold.kappa))
    assert s.j0 == pytest.approx(cold.j0 / 8) and s.thickness == pytest.approx(5e-9)
    assert "at T = 6 K (Tc = 8 K)" in explain(warm)


def test_regions_with_their_own_critical_temperature():
    """epsilon = (Tc of the region - T of the region) / (Tc - T)."""
    text = "{everywhere: {Tc: 8 K, temperature: 6 K}, spot: {Tc: 5 K}, film: {temperature: 7 K}}"
    material = film(text).material
    assert material["spot"].epsilon == pytest.approx(-0.5) and material["film"].epsilon == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("material", "message"),
    [
        ("{Tc: 8 K}", "Tc wants temperature beside it"),
        ("{Tc: 8 K, temperature: 9 K}", "must be below Tc (8 K)"),
        ("{Tc: 8 nm, temperature: 2 K}", "wants a temperature"),
        ("{Tc: 8 K, temperature: 2 degC}", "write K"),
        ("{spot: {Tc: 5 K}}", "needs those of the reference"),
        ("{everywhere: {Tc: 8 K, temperature: 6 K}, spot: {Tc: 5 K, epsilon: 1}}", "say the same"),
    ],
)
def test_temperatures_that_say_too_little_or_too_much(material, message):
    assert message in refused(material)


# ---------------------------------------------------------------------------------------------- profiles


def profile(text: str, dimension: int = 2):
    shape = {1: "segment: {from: 0, to: 9}", 2: "disk: {radius: 4}", 3: "box: {size: [4, 4, 4]}"}[dimension]
    case = load_text(
        f"geometry: {{dimension: {dimension}, regions: {{a: {{{shape}}}}}}}\nmaterial: {{epsilon: {text}}}\n"
        "time: {until: 1 tau}\n"
    )
    return case.material["a"].epsilon


def test_a_linear_profile():
    found = profile("{linear: {from: 1, to: 0, start: [0, 0], end: [2, 2]}}")
    x = np.array([[-1.0, 0.0, 1.0, 2.0, 2.0, 5.0], [-1.0, 0.0, 1.0, 0.0, 2.0, 5.0]])
    assert found.value(x) == pytest.approx([1, 1, 0.5, 0.5, 0, 0])


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_random_profile_has_its_deviation_and_correlation(dimension):
    """C(r) = exp(-(r/l)^2) between points r apart; over 300 seeds its mean is known to about 1/sqrt(300)."""
    x = np.zeros((dimension, 4))
    x[0] = [0.0, 0.5, 1.0, 2.0]
    text = "{random: {mean: 0.8, deviation: 0.1, correlation: 1, seed: %d}}"
    values = np.array([profile(text % seed, dimension).value(x) for seed in range(300)])
    assert values.mean() == pytest.approx(0.8, abs=3 * 0.1 / np.sqrt(300))
    moved = (values - 0.8) / 0.1
    assert moved.std(axis=0) == pytest.approx(1.0, abs=0.15)
    assert (moved[:, :1] * moved).mean(axis=0) == pytest.approx(np.exp(-(x[0] ** 2)), abs=4 / np.sqrt(300))
    clipped = profile("{random: {deviation: 1, correlation: 1, clip: [0.5, 1]}}", dimension).value(x)
    assert clipped.min() >= 0.5 and clipped.max() <= 1
    again = profile(text % 7, dimension).value(x)
    assert np.array_equal(again, values[7])


def test_a_table_from_a_file(tmp_path):
    rows = [(x, y, 0.1 * x + 0.2 * y) for x in (-50, 0, 50) for y in (-50, 0, 50)]
    lines = ["x,y,epsilon", *(f"{x},{y},{v}" for x, y, v in rows)]
    (tmp_path / "eps.csv").write_text("\n".join(lines) + "\n")
    text = FILM.replace("MATERIAL", "{xi: 10 nm, lambda: 1 um, epsilon: {table: {file: eps.csv, unit: 1 nm}}}")
    case = case_from(text, tmp_path)
    x = np.array([[0.0, 1.0, -2.0], [0.0, 3.0, 2.5]])
    assert case.material["film"].epsilon.value(x) == pytest.approx(x[0] + 2 * x[1])  # 10 nm a xi
    (tmp_path / "eps.csv").unlink()
    again = load_text(case.document())
    assert again == case and again.material["film"].epsilon.value(x) == pytest.approx(x[0] + 2 * x[1])
    (tmp_path / "eps.csv").write_text("1,2,3\n1,x,3\n")
    for name, message in (("none.csv", "there is no file"), ("eps.csv", "eps.csv:2: '1,x,3' is no row of numbers")):
        with pytest.raises(Refusal, match=message):
            case_from(text.replace("eps.csv", name), tmp_path)


def test_a_table_along_a_wire():
    found = profile("{table: {rows: [[0, 1], [4, 0.5], [8, 1]]}}", 1)
    assert found.value(np.array([[0.0, 2.0, 9.0], [0] * 3, [0] * 3])) == pytest.approx([1, 0.75, 1])


@pytest.mark.parametrize(
    ("material", "message"),
    [
        ("{epsilon: {gaussain: {depth: 1, width: 1}}}", "nearest: gaussian"),
        ("{epsilon: {gaussian: {depth: 1, width: 1}, linear: {from: 0, to: 1, start: [0, 0], end: [1, 1]}}}", "one of"),
        ("{epsilon: {sum: []}}", "at least one part"),
        ("{epsilon: {sum: [1], times: 2}}", "belongs to its parts"),
        ("{epsilon: {table: {rows: [[0, 0, 1], [1, 1, 1], [2, 2, 1]]}}}", "on one line"),
        ("{epsilon: {table: {rows: [[0, 0, 1], [1, 1]]}}}", "every row"),
        ("{epsilon: {random: {deviation: -1, correlation: 1}}}", "must not be negative"),
        ("{epsilon: {constant: 1, times: {pulse: {height: 1, start: 1, length: 1}}}}", "jumps at t = 1 tau"),
    ],
)
def test_profiles_that_are_refused(material, message):
    assert message in refused(material)


# ---------------------------------------------------------------------------------------------- in time

SUM = "{epsilon: {sum: [0.9, {gaussian: {depth: 1, width: 1, base: 0}, times: {ramp: {to: 1, over: 2 tau}}}]}}"


def test_a_sum_of_profiles_and_one_that_grows():
    p = problem_of(film(SUM))
    still = problem_of(film("{epsilon: {gaussian: {depth: 1, width: 1, base: 0.9}}}")).epsilon
    assert p.epsilon == pytest.approx(0.9)
    (factor,) = p.landscape.factors
    assert p.landscape.constant + factor.value(2.0) * p.landscape.patterns[0] == pytest.approx(still, abs=1e-12)
    assert "0.9 + gaussian profile changing in time" in explain(film(SUM))


def test_epsilon_that_changes_in_time_gives_the_uniform_solution():
    """Without gradients u psi' = (e - psi^2) psi at gamma = 0.  With y = 1/psi^2: u y' = 2 - 2 e y.

    For e = 1 + t/4 the solution is by an integrating factor, here by fine quadrature.
    """
    ramp = "{epsilon: {constant: 1, times: {ramp: {from: 1, to: 2, over: 4 tau}}}, u: 2, gamma: 0}"
    found = experiment(film(ramp, **{"time.tolerance": 1e-5}))
    t = np.linspace(0, 4, 40001)
    weight = np.exp(t + t**2 / 8)  # y' + e y = 1 at u = 2
    y = (1 + np.sum(0.5 * (weight[1:] + weight[:-1]) * np.diff(t))) / weight[-1]
    assert np.abs(found.state["psi"]) == pytest.approx(1 / np.sqrt(y), abs=1e-4)
    series = found.table("series")
    dt = series["dt"]
    # stored - supplied + dissipated: the heat bath's work is in the balance
    change = series["energy"][-1] - series["energy"][0]
    work = (dt * (series["supplied"] - series["dissipated"]))[1:].sum()
    assert change == pytest.approx(work, rel=2e-3)


def test_a_bank_does_not_follow_a_changing_epsilon():
    with pytest.raises(Refusal, match="'source', a bank"):
        problem_of(film(SUM, **{"contacts.source": "bank", "material.epsilon.sum.1.gaussian.width": 9}))
