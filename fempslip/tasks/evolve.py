"""task: evolve.  The state marches in time under its drive, watched."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import floor, inf
from typing import Any

import numpy as np

from fempslip.contract import Abandoned, Array, Failure, Problem, Refusal, Sink, State, Stepper, Watcher, Waveform
from fempslip.physics.applied import stable_step
from fempslip.physics.circuit import sources
from fempslip.solver.bdf2 import Bdf2
from fempslip.solver.charged import Charged
from fempslip.solver.control import finite, ladder, not_finite
from fempslip.solver.march import Course, Progress, march
from fempslip.solver.strang import Strang
from fempslip.solver.trapezoid import Trapezoid

# (dynamics, with noise) -> what makes a step
STEPPERS: Mapping[tuple[str, bool], Callable[[Problem], Stepper]] = {
    ("tdgl", False): Bdf2.of,
    ("tdgl", True): Trapezoid.of,
    ("superfluid", False): Strang.of,
    ("charged", False): Charged.of,
}


def stepper_of(problem: Problem) -> Stepper:
    return STEPPERS[problem.model["dynamics"], problem.noise is not None](problem)


def evolve(
    problem: Problem,
    watchers: Mapping[str, Watcher],
    sink: Sink,
    every: float,
    checkpoint: Mapping[str, Array] | None = None,
    progress: Progress = lambda state, rejected: None,
    enough: Callable[[State], bool] = lambda state: False,
    keep_start: bool = False,
) -> Course:
    """March the problem to its end, or until `enough`; `checkpoint` continues an earlier march.

    keep_start : commit the start state at once, because the case cannot make it again
    every : interval of recorded frames, on which the clock lands.  A last checkpoint is made at the end, at a
    Failure and at an interruption (which `progress` raises, between two steps).
    """
    problem = replace(problem, clock=replace(problem.clock, dt_max=longest_step(problem)))
    stepper = stepper_of(problem)
    clock, laddered = problem.clock, stepper.ladder and problem.clock.fixed is None
    if laddered:
        clock = replace(clock, growth=2.0)
    if checkpoint is None:
        course = Course(stepper.begin())
    else:
        course = fitting(unpack(checkpoint), problem, stepper)
        for name, watcher in watchers.items():
            watcher.load(part(checkpoint, f"watcher.{name}."))

    def commit() -> None:
        sink.checkpoint(pack(course, watchers))

    if keep_start:
        commit()
    try:
        march(
            stepper,
            course,
            clock,
            timetable(problem, every),
            list(watchers.values()),
            sink,
            commit,
            progress,
            enough,
            ladder(every) if laddered else lambda dt, left: dt,
        )
    except (Failure, KeyboardInterrupt) as cut:
        sound = all(finite(x) for past in course.state.history.values() for x in past)
        if (
            sound and course.seen and not isinstance(cut, Abandoned)
        ):  # between two steps: state, rows and frames belong together
            commit()
        raise
    for watcher in watchers.values():
        watcher.finish(sink)
    commit()
    return course


def timetable(problem: Problem, every: float) -> Callable[[float], tuple[float, bool]]:
    """stops(t): the next time to land on (a kink of the drive, a frame, the end), and whether it is a kink."""
    until = problem.clock.until
    kinks = sorted({k for wave in waveforms(problem) for k in wave.kinks(until) if 0 < k < until})

    def stops(t: float) -> tuple[float, bool]:
        near = 1e-9 * max(1.0, t)
        following = bisect_left(kinks, t + near)
        kink = kinks[following] if following < len(kinks) else inf
        frame = every * (floor((t + near) / every) + 1)
        target = min(kink, frame, until)
        return target, target == kink

    return stops


def waveforms(problem: Problem) -> list[Waveform]:
    warmth = problem.landscape.factors if problem.landscape is not None else ()
    currents = [wave for group in problem.drive.currents.values() for wave in group]
    fluid = problem.fluid
    heads = [*fluid.external.factors, *(r.head for r in fluid.reservoirs)] if fluid is not None else []
    return [*problem.drive.fields, *currents, *sources(problem.drive.circuit), *warmth, *heads]


def longest_step(problem: Problem) -> float:
    """dt_max, a twentieth of the shortest period of the drive, or what is stable: the least."""
    if problem.fluid is not None:
        return problem.clock.dt_max  # its step is fixed and was checked
    periods = [wave.period for wave in waveforms(problem) if wave.period]
    return min([problem.clock.dt_max, stable_step(problem), *(period / 20 for period in periods)])


def pack(course: Course, watchers: Mapping[str, Watcher]) -> dict[str, Array]:
    """All that a resume needs, as named arrays."""
    state = course.state
    arrays = {
        "clock": np.array([state.t, state.next_dt]),
        "counts": np.array([state.step, course.rejected]),
        "steps": np.array(state.steps, dtype=float),
    }
    for name, past in state.history.items():
        arrays |= {f"state.{name}.{k}": value for k, value in enumerate(past)}
    for name, watcher in watchers.items():
        arrays |= {f"watcher.{name}.{key}": np.asarray(value) for key, value in watcher.save().items()}
    return arrays


def unpack(arrays: Mapping[str, Array]) -> Course:
    history: dict[str, dict[int, Array]] = {}
    for key, value in part(arrays, "state.").items():
        name, k = key.rsplit(".", 1)
        history.setdefault(name, {})[int(k)] = value
    past = {name: tuple(values[k] for k in sorted(values)) for name, values in history.items()}
    t, next_dt = arrays["clock"]
    step, rejected = arrays["counts"]
    steps = tuple(float(dt) for dt in arrays["steps"])
    return Course(State(int(step), float(t), float(next_dt), steps, past), int(rejected))


def fitting(course: Course, problem: Problem, stepper: Stepper) -> Course:
    """A course read from a file.  Raises Refusal where its state is not one of this problem."""
    history = course.state.history
    if set(history) != set(stepper.declare()) or history["psi"][0].shape != problem.psi.shape:
        raise Refusal("the stored state does not fit the case and the mesh of the run: it cannot go on")
    for name, past in history.items():
        if not all(map(finite, past)):
            words = not_finite(problem, name, next(x for x in past if not finite(x)), course.state.t)
            raise Refusal(f"the run cannot go on from its last checkpoint: {words}")
    return course


def part(arrays: Mapping[str, Any], prefix: str) -> dict[str, Array]:
    return {key[len(prefix) :]: value for key, value in arrays.items() if key.startswith(prefix)}
