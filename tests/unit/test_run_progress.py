"""The progress line, on a clock that the tests turn."""

from __future__ import annotations

import io

from fempslip.run.progress import Pace, at_work, duration, live_line, plain_lines, progress_line


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_come_every_ten_seconds_and_at_the_end():
    clock, out = Clock(), io.StringIO()
    progress = plain_lines(out, clock=clock)
    for second in range(26):
        clock.now = 100.0 + second
        progress(second / 25, f"t = {second}")
    assert out.getvalue().splitlines() == [
        "  0 %   t = 0",
        " 40 %   t = 10   15 s left",
        " 80 %   t = 20   5 s left",
        "100 %   t = 25",
    ]


def test_time_left_does_not_count_what_came_before_the_first_step():
    """Half a minute of meshing and compiling, a first tiny step, then a hundredth of the work a second."""
    pace = at_work(None, 0.0, 0.0)
    pace = at_work(pace, 0.0, 20.0)
    pace = at_work(pace, 1e-6, 30.0)
    assert pace.left(1e-6, 30.0) is None
    for second in range(1, 4):
        pace = at_work(pace, 0.01 * second, 30.0 + second)
        assert abs(pace.left(0.01 * second, 30.0 + second) - (100 - second)) < 0.1


def test_time_left_of_a_resumed_run_counts_only_the_work_done_since():
    # from 0.5 to 0.6 in 20 s: the other 0.4 take four times as long
    assert abs(Pace(0.5, 0.0).left(0.6, 20.0) - 80.0) < 1e-9
    assert Pace(0.5, 0.0).left(0.5, 20.0) is None


def test_a_quiet_run_writes_nothing():
    out = io.StringIO()
    with progress_line(quiet=True, stream=out) as progress:
        progress(0.0, "start")
        progress(1.0, "end")
    assert out.getvalue() == ""


def test_what_is_no_terminal_gets_plain_lines():
    out = io.StringIO()
    with progress_line(stream=out) as progress:
        progress(0.25, "t = 5 tau0")
    assert out.getvalue() == " 25 %   t = 5 tau0\n"


def test_a_terminal_gets_one_line_with_the_time_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    out = io.StringIO()
    out.isatty = lambda: True
    with progress_line(stream=out) as progress:
        clock = progress.clock = Clock()
        progress(0.0, "t = 0")
        clock.now += 30
        progress(0.2, "t = 4 tau0")
    last = out.getvalue().split("\r")[-1]
    assert " 20 %  t = 4 tau0  2 min 00 s left" in last


def test_a_live_line_is_not_drawn_for_every_step():
    class Bar:
        drawn = 0

        def update(self, *_, **__):
            self.drawn += 1

    clock, bar = Clock(), Bar()
    line = live_line(bar, 0, clock=clock)
    for step in range(1000):
        clock.now = 100.0 + step * 1e-3
        line(step / 1000, "")
    assert 9 <= bar.drawn <= 11


def test_durations_in_words():
    assert [duration(s) for s in (None, 0.4, 59.6, 200, 7500)] == ["?", "0 s", "1 min 00 s", "3 min 20 s", "2 h 05 min"]
