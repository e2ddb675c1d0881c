"""The loop: clock, attempt, judge, commit, watchers, checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fempslip.contract import Clock, Failure, Sink, State, Step, Stepper, Watcher
from fempslip.solver.bdf2 import advance
from fempslip.solver.control import judge, landing

Progress = Callable[[State, int], None]


@dataclass
class Course:
    """Where a march stands: the state, and the steps rejected so far."""

    state: State
    rejected: int = 0


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
        trial = stepper.attempt(old, dt)
        verdict = judge(trial, clock)
        while not verdict.accepted:
            course.rejected += 1
            if verdict.next_dt < clock.dt_min:
                raise Failure(too_small(old.t, trial.errors, clock))
            dt, landed = landing(old.t, rung(verdict.next_dt, target - old.t), target)
            trial = stepper.attempt(old, dt)
            verdict = judge(trial, clock)
        new = advance(old, trial, verdict.next_dt, depth)
        if landed:
            new = at(new, target)
        course.state = stepper.restart(new) if landed and kink else new
        step = Step(problem, old, new, trial, course.rejected)
        for watcher in watchers:
            watcher.see(step, sink)
        if sink.due():
            checkpoint()
        progress(course.state, course.rejected)
        if enough(new):
            break
    return course


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
