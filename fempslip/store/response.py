"""The response of a condensate to a small wave, read off the frames of a run: its frequency beside the formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from fempslip.contract import Array, Refusal
from fempslip.mesh.operators import operators
from fempslip.store.reader import Run

SAMPLED = 1.5  # rad between two frames, at most
PERIODS = 2  # of the wave, at least


@dataclass(frozen=True, eq=False)
class Response:
    """What a small kick does.

    k : wave number;  density : mean |psi|^2;  gap : plasma frequency, 0 of a neutral fluid
    t, c : (frames,) times and the density's component  c = sum m |psi|^2 cos(k s) / sum m cos^2(k s)
    omega : fitted;  fit : (frames,)
    """

    k: float
    density: float
    gap: float
    t: Array
    c: Array
    omega: float
    fit: Array

    @property
    def expected(self) -> float:
        return float(expected_frequency(self.k, self.gap, self.density))

    @property
    def misfit(self) -> float:
        """Rms of c - fit over that of c."""
        return float(np.sqrt(np.mean((self.c - self.fit) ** 2) / np.mean((self.c - self.c.mean()) ** 2)))


def expected_frequency(k: Any, gap: float, density: float = 1.0) -> Any:
    """omega^2 = n wp^2 + 2 n k^2 + k^4: Bogoliubov's sound with wp = 0 (oracle K1), with it the plasmon (K2)."""
    return np.sqrt(density * gap**2 + 2 * density * k**2 + k**4)


def of_run(run: Run, k: float, wave: Array, gap: float, begin: float = 0.0) -> Response:
    """The response in a wave, (nodes,) cos(k s), from the time `begin` on.

    Raises Refusal where the frames are too far apart, or too few.
    """
    m = operators(run.mesh).m
    late = np.flatnonzero(run.times >= begin)
    frames = [run.frame(int(n)) for n in late]
    rho = np.array([frame["psi_re"] ** 2 + frame["psi_im"] ** 2 for frame in frames])
    t, c, n = run.times[late], rho @ (m * wave) / (m @ wave**2), float(rho[0] @ m / m.sum())
    wanted = expected_frequency(k, gap, n)
    apart, span = float(np.diff(t).max(initial=0.0)), float(np.ptp(t))
    if not 0 < apart * wanted < SAMPLED or span * wanted < 2 * np.pi * PERIODS:
        raise Refusal(
            f"the kicked wave has a period of about {2 * np.pi / wanted:.3g} tau: its frequency wants frames at most "
            f"{SAMPLED / wanted:.2g} tau apart (record.fields) over {2 * np.pi * PERIODS / wanted:.3g} tau (time.until)"
        )
    omega, fit = fitted_frequency(t, c)
    return Response(k, n, gap, t, c, omega, fit)


def fitted_frequency(t: Array, c: Array) -> tuple[float, Array]:
    """omega of c = A cos(omega t) + B sin(omega t) + C by least squares, and that curve.

    A, B and C are linear: only omega is sought, first on a grid ten times as fine as the spectrum's, then beside the
    best of it.
    """

    def fit(omega: float) -> Array:
        basis = np.array([np.cos(omega * t), np.sin(omega * t), np.ones_like(t)]).T
        return np.asarray(basis @ np.linalg.lstsq(basis, c, rcond=None)[0])

    def miss(omega: float) -> float:
        return float(np.sum((c - fit(omega)) ** 2) / np.sum((c - c.mean()) ** 2))

    step, highest = 0.2 * np.pi / float(np.ptp(t)), np.pi / float(np.diff(t).max())
    grid = np.arange(5 * step, highest, step)
    peak = float(grid[np.argmin([miss(omega) for omega in grid])])
    near = (peak - step, peak + step)
    omega = float(minimize_scalar(miss, bounds=near, method="bounded", options={"xatol": 1e-9}).x)
    return omega, fit(omega)
