"""Net winding N(t) of a stretch of wire or of a contour in thermal noise: what lasts, and how it spreads.

Noise makes zeros that go back at once, many for each slip that lasts, and the phase gradient at the ends of a stretch
fluctuates.  Both add a constant c to the spread of N(t), which otherwise grows with the slips that last:

    S(w) = <(N(t + w) - N(t) - v w)^2> = (c + D w) (1 - w/t_run)    D = slips in both directions per tau0, v = <dN/dt>

for windows w well above the relaxation time; the factor is that of a v measured in the same run.  D is read between
w/4 and w, where c drops out; its relative error is sqrt(2 w/t_run + 1/(D t_run)), the second part for slips that are
few.  It is to be trusted where it does not depend on w.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fempslip.contract import Array

LASTING = 50.0  # tau0: what goes back within it is no slip
PREFERRED = 200.0  # tau0
SAMPLES = 4000  # of N(t) in a run, at least as many as 50 a window


@dataclass(frozen=True)
class Diffusion:
    """Net slips counted over windows: D of each with its standard error, and the drift."""

    windows: Array
    values: Array
    errors: Array
    drift: float

    @property
    def best(self) -> int:
        """The window to quote: the one nearest to PREFERRED."""
        return int(np.argmin(np.abs(np.log(self.windows / PREFERRED))))

    @property
    def plateau(self) -> bool | None:
        """Whether D of all windows from the quoted one on agree within twice their errors; None with one window."""
        k = self.best
        if self.windows.size < k + 2:
            return None
        apart = np.abs(self.values[k:] - self.values[k])
        return bool(np.all(apart <= 2 * np.hypot(self.errors[k:], self.errors[k])))


def diffusion(t: Array, n: Array, windows: Array) -> Diffusion:
    """t : (samples,) equally spaced;  n : (samples,) net winding;  windows in tau0, each rounded to whole samples."""
    step, run = float(t[1] - t[0]), float(t[-1] - t[0])
    drift = float((n[-1] - n[0]) / run)
    counts = np.unique(np.clip(np.rint(windows / step).astype(int), 4, max(4, t.size // 2)))
    length = counts * step

    def spread(samples: int) -> float:
        grown = float(np.mean((n[samples:] - n[:-samples] - drift * step * samples) ** 2))
        return grown / max(1 - samples * step / run, 0.5)

    values = np.array([(spread(c) - spread(c // 4)) / (step * (c - c // 4)) for c in counts])
    least = 1.0 / run  # of a run without any slip: one would have been seen
    seen = np.maximum(values, least)
    return Diffusion(length, values, seen * np.sqrt(2 * length / run + 1 / (seen * run)), drift)


def sampled(t: Array, n: Array, shortest: float) -> tuple[Array, Array]:
    """N at equal times, as far apart as a fiftieth of the shortest window, or closer."""
    count = int(max(SAMPLES, 50 * (t[-1] - t[0]) / shortest))
    at = np.linspace(t[0], t[-1], min(count, t.size))
    return at, n[np.searchsorted(t, at * (1 - 1e-12))]


def lasting(t: Array, n: Array) -> Array:
    """N without what goes back at once: its median over LASTING, (samples,)."""
    from scipy.ndimage import median_filter

    if t.size < 3:
        return n
    step = max(float(np.median(np.diff(t))), 1e-12)
    return np.asarray(median_filter(n, min(max(3, int(LASTING / step) | 1), t.size), mode="nearest"))
