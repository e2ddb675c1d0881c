"""A run that ends when its mean voltage is steady; currents that balance; waveforms in a list."""

import numpy as np
import pytest
from laboratory import WIRE_W, case_from

from fempslip.case import load_text
from fempslip.contract import Refusal
from fempslip.run.check import explain
from fempslip.run.running import report, resume, solve
from fempslip.run.steadiness import Steadiness
from fempslip.tasks.watchers import Voltages

STEADY = {"steady": "voltage", "within": "1 %", "at_most": "400 tau"}


@pytest.fixture(scope="module")
def steady_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steady")
    changes = {"time.until": STEADY, "measure.from": None, "postprocess": ["voltage"], "record.fields": "2 tau"}
    case = case_from(WIRE_W, folder, changes)
    return case, solve(case, folder / "run", pictures=False)


def test_a_run_ends_when_its_voltage_is_steady(steady_run):
    """It slips; every later window would have shown the same within 1 %, so it ends before the latest time."""
    case, run = steady_run
    summary = run.summary
    assert summary["status"] == "finished" and summary["steady"]
    assert summary["results"]["voltage"]["slips"] > 3 and 20 <= summary["end_time_tau"] < 300
    assert run.times[-1] == summary["end_time_tau"]
    assert "is steady" in report(run)
    assert "until the mean voltage is steady within 1 %" in explain(case)
    long = run.table("voltage")
    late = long["t"] > 0.5 * long["t"][-1]
    assert summary["results"]["voltage"]["slips"] == np.ptp(long["source|drain slips"][late])


def test_it_ends_as_soon_as_it_may_and_a_longer_run_agrees(steady_run, tmp_path):
    case, run = steady_run
    fixed = case.vary({"time.until": "400 tau", "measure.from": "200 tau"})
    longer = solve(fixed, tmp_path / "run", pictures=False)
    mean = longer.summary["results"]["voltage"]["mean"]
    assert run.summary["results"]["voltage"]["mean"] == pytest.approx(mean, rel=0.02)


def test_a_run_that_was_cut_short_ends_where_the_undisturbed_one_does(steady_run, tmp_path):
    case, run = steady_run
    short = solve(case.vary({"time.until": "20 tau"}), tmp_path / "run", pictures=False)
    assert short.summary["end_time_tau"] == 20
    watcher = Steadiness(Voltages(()), 0.01, None, 0.0, 1.0)
    watcher.load({"counts": np.zeros(0), "starts": np.zeros(0), "rows": np.arange(8.0).reshape(2, 4)})
    assert np.array_equal(watcher.save()["rows"], np.arange(8.0).reshape(2, 4))
    again = resume(run.folder, pictures=False)  # it goes on for a frame and finds itself steady again
    assert again.summary["steady"] and again.summary["end_time_tau"] <= run.summary["end_time_tau"] + 2


def test_windows_that_disagree_are_not_steady():
    t = np.linspace(0, 100, 1001)
    for growth, steady in ((0.0, True), (0.01, False)):
        v = 0.3 + growth * t
        watcher = Steadiness(Voltages(()), 0.01, None, 0.0, 1.0)
        watcher.rows = list(zip(t, v, 0.3 * t + growth * t**2 / 2, 0 * t, strict=True))
        assert watcher.steady() is steady


@pytest.mark.parametrize(
    ("until", "message"),
    [
        ({"steady": "current", "at_most": "9 tau"}, "none of voltage"),
        ({"steady": "voltage"}, "wants at_most"),
        ({"steady": "voltage", "at_most": "9 nm"}, "wants a time"),
        ({"steady": "voltage", "within": "x %", "at_most": "9 tau"}, "within"),
    ],
)
def test_ends_that_are_refused(until, message, tmp_path):
    with pytest.raises(Refusal, match=message):
        case_from(WIRE_W, tmp_path, {"time.until": until, "measure.from": None})


def test_steady_needs_a_voltage(tmp_path):
    with pytest.raises(Refusal, match="needs measure.between"):
        case_from(WIRE_W, tmp_path, {"time.until": STEADY, "measure": None})


# ---------------------------------------------------------------------------------------------- currents

CROSS = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [8, 8]}}}
  boundaries: {a: {edge: left}, b: {edge: right}, c: {edge: top}}
time: {until: 10 tau}
drive: {current: DRIVE}
"""


def currents(text):
    drive = load_text(CROSS.replace("DRIVE", text)).drive
    return {current.terminal: current.waveform for current in drive.currents}


def test_one_terminal_takes_what_is_left_over():
    found = currents(
        "{into: {a: {ramp: {to: 1, over: 4 tau}}, b: [0.2, {sine: {amplitude: 0.1, period: 3}}]}, balance: c}"
    )
    for t in (0.0, 1.0, 3.7, 9.0):
        assert sum(wave.value(t) for wave in found.values()) == pytest.approx(0, abs=1e-15)
    assert found["c"].value(9.0) == pytest.approx(-1.2 - 0.1 * np.sin(2 * np.pi * 3), abs=1e-12)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{into: {a: 1, b: 2}}", "write balance: TERMINAL"),
        ("{into: {a: 1, c: 2}, balance: c}", "takes what is left over"),
        ("{into: {a: 1}, balance: d}", "there is no boundary 'd'"),
    ],
)
def test_currents_that_do_not_balance(text, message):
    with pytest.raises(Refusal, match=message):
        currents(text)
