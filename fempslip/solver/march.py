"""The loop: clock, attempt, judge, commit, watchers, checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from fempslip.contract import Clock, Failure, Sink, State, Step, Stepper, Trial, Watcher
from fempslip.solver.bdf2 import advance
from fempslip.solver.control import finite, judge, landing, not_finite

Progress = Callable[[State, int], None]
KEPT = "the state was changed from outside, or this is a bug; the run is kept up to its last checkpoint"


@dataclass
class Course:
    """Where a march stands: the state, the steps rejected so far, whether all watchers have seen the last step."""

    state: State
    rejected: int = 0
    seen: bool = True


def march(
    stepper: Stepper,
    course: Course,
    clock: Clock,
    stops: Callable[[float], tuple[float, bool]],
    watchers: Iterable[Watcher],
    sink: Sink,
    checkpoint: Callable[[], None],
    progress: Progress,
    enough: Callable[[State], bool] = lambda state: False,
    rung: Callable[[float, float], float] = lambda dt, left: dt,
) -> Course:
    """March to clock.until, or to a step after which the watchers have seen enough.

    stops(t) -> (next time the clock must land on, True if the drive has a kink there).
    rung(dt, time left to there) -> the step that is taken instead of dt, no longer.
    Raises Failure when the step falls below dt_min; everything up to there has been recorded.
    """
    depth = stepper.declare()
    problem = stepper.problem
    while course.state.t < clock.until * (1 - 1e-12):
        old = course.state
        target, kink = stops(old.t)
        dt, landed = landing(old.t, rung(min(old.next_dt, clock.dt_max), target - old.t), target)
        trial = tried(stepper, old, dt)
        verdict = judge(trial, clock)
        while not verdict.accepted:
            course.rejected += 1
            if verdict.next_dt < clock.dt_min:
                raise Failure(too_small(old.t, trial.errors, clock))
            dt, landed = landing(old.t, rung(verdict.next_dt, target - old.t), target)
            trial = tried(stepper, old, dt)
            verdict = judge(trial, clock)
        new = advance(old, trial, verdict.next_dt, depth)
        if landed:
            new = at(new, target)
        course.seen = False
        course.state = stepper.restart(new) if landed and kink else new
        step = Step(problem, old, new, trial, course.rejected)
        for watcher in watchers:
            watcher.see(step, sink)
        course.seen = True
        if sink.due():
            checkpoint()
        progress(course.state, course.rejected)
        if enough(new):
            break
    return course


def tried(stepper: Stepper, old: State, dt: float) -> Trial:
    """A trial whose arrays are finite, or one with an error that says which is not.

    Raises Failure where the state itself is not finite, and at a fixed step.
    """
    try:
        trial = stepper.attempt(old, dt)
    except Failure:
        refuse_spoilt(stepper, old)
        raise
    broken = next((name for name, x in trial.arrays.items() if not finite(x)), None)
    # watchers read what a step may make anew without looking
    whole = all(finite(past[0]) for name, past in old.history.items() if name != "psi")
    if whole and broken is None and all(map(isfinite, trial.errors.values())):
        return trial
    refuse_spoilt(stepper, old)
    fixed = stepper.problem.clock.fixed
    if fixed is None:
        return trial if broken is None else replace(trial, errors={**trial.errors, broken: np.nan})
    then = old.t + dt
    words = f"numbers are no longer finite at t = {then:g} tau"
    if broken is not None:
        words = not_finite(stepper.problem, broken, trial.arrays[broken], then)
    raise Failure(f"{words}: set time.fixed smaller than {fixed:g} tau")


def refuse_spoilt(stepper: Stepper, state: State) -> None:
    """Raise Failure where a state is not finite: a shorter step is no cure."""
    for name, past in state.history.items():
        for x in past:
            if not finite(x):
                raise Failure(f"{not_finite(stepper.problem, name, x, state.t)}: {KEPT}")


def at(state: State, t: float) -> State:
    """The same state at exactly t (a landing step's sum may be off by rounding)."""
    return State(state.step, t, state.next_dt, state.steps, state.history)


def too_small(t: float, errors: Mapping[str, float], clock: Clock) -> str:
    worst = max(errors, key=lambda part: errors[part])
    return (
        f"the step fell below time.dt_min = {clock.dt_min:g} tau at t = {t:g} tau (estimated error of {worst}: "
        f"{errors[worst]:.2g}, tolerance {clock.tolerance:g}): the state "
        "changes faster than mesh and tolerance can follow; ramp the drive more slowly, refine mesh.size or raise "
        "time.tolerance"
    )
