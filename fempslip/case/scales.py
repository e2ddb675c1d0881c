"""The units of a case: what one xi, one tau0, one Bc2 ... are in SI, from its reference material.

    Bc2 = Phi0 / (2 pi xi^2)        tau0 = mu0 sigma lambda^2        j0 = Phi0 / (2 pi mu0 lambda^2 xi)
    V0 = hbar / (2 e tau0) = xi j0 / sigma,    so a phase slip has the area 2 pi V0 tau0 = Phi0
    energy: (Bc^2/mu0) xi^dim times the missing section = (unit of current) Phi0 / (4 pi)

Some published codes carry a factor 4 in j0 and V0; with it a slip would have four flux quanta.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

H = 6.62607015e-34  # J s, exact
E = 1.602176634e-19  # C, exact
KB = 1.380649e-23  # J/K, exact
HBAR = H / (2 * pi)
PHI0 = H / (2 * E)  # Wb, flux quantum
MU0 = 1.25663706127e-6  # T m / A, CODATA 2022
DEPAIRING = 2 / (3 * sqrt(3))  # largest supercurrent density of a uniform state, in j0

# kind of quantity -> the SI unit it is quoted in
SI_UNITS = {
    "length": "m", "time": "s", "field": "T", "density": "A/m^2", "current": "A", "voltage": "V",
    "flux": "Wb", "conductivity": "S/m", "frequency": "Hz", "area": "m^2", "angle": "rad", "temperature": "K",
    "resistance": "ohm", "inductance": "H", "capacitance": "F", "speed": "m/s", "specific heat": "J/kg/K",
    "moment": "A*m^2",
    "energy": "J", "pressure": "Pa", "mass": "kg", "number_density": "m^-3", "mass_density": "kg/m^3",
}  # fmt: skip


@dataclass(frozen=True)
class Scales:
    """SI values of the dimensionless units; None where the material does not say enough.

    xi, lambda_, thickness : m;  sigma : S/m;  tau0 : s;  Bc2 : T;  j0 : A/m^2;  V0 : V;  Phi0 : Wb;  area : m^2
    current : A, one unit of current of this dimension: j0 area (wires), j0 xi thickness (films), j0 xi^2 (bulk)
    kappa : lambda / xi, which a dimensionless material may give too;  film : thickness / xi, likewise
    Tc, temperature : K; the scales hold at this temperature
    mass, number : of a superfluid's particles, kg, and how many in a m^3.  Then tau0 = hbar/mu0 = 2 m xi^2/hbar, and
    what is a voltage in a superconductor is a chemical potential in mu0
    """

    dimension: int
    xi: float | None = None
    lambda_: float | None = None
    sigma: float | None = None
    tau0: float | None = None
    Bc2: float | None = None
    j0: float | None = None
    V0: float | None = None
    current: float | None = None
    thickness: float | None = None
    area: float | None = None
    kappa: float | None = None
    Phi0: float = PHI0
    Tc: float | None = None
    temperature: float | None = None
    needs: str = ""  # what to give, so that SI units can be used, where it is not the material
    film: float | None = None

    mass: float | None = None
    number: float | None = None

    @property
    def mu0(self) -> float | None:
        """The chemical potential hbar/tau0 of a superfluid, J."""
        return HBAR / self.tau0 if self.mass and self.tau0 else None

    @property
    def Lambda(self) -> float | None:
        """lambda^2 / (thickness xi), what a thin film screens by; the Pearl length of most papers is twice that."""
        return self.kappa**2 / self.film if self.kappa and self.film else None

    def si(self, kind: str) -> float | None:
        """SI value of one dimensionless unit of a kind of quantity ("voltage", "field" ...), None if not known."""
        ohm = self.V0 / self.current if self.V0 and self.current else None
        values = {
            "speed": self.xi / self.tau0 if self.xi and self.tau0 else None,
            "resistance": ohm, "inductance": ohm * self.tau0 if ohm and self.tau0 else None,
            "capacitance": self.tau0 / ohm if ohm and self.tau0 else None, "length": self.xi, "time": self.tau0,
            "field": self.Bc2, "density": self.j0, "current": self.current,
            "voltage": None if self.mass else self.V0, "flux": PHI0 / (2 * pi), "conductivity": self.sigma,
            "frequency": 1 / self.tau0 if self.tau0 else None, "area": self.xi**2 if self.xi else None, "angle": 1.0,
            "energy": self.mu0 if self.mass else self.current * PHI0 / (4 * pi) if self.current else None,
            "pressure": self.mu0 * self.number if self.mu0 and self.number else None,
        }  # fmt: skip
        return values[kind]

    def label(self, kind: str) -> str:
        """The symbol of a dimensionless unit, for axes and tables."""
        current = {1: "j0 A", 2: "j0 xi d", 3: "j0 xi^2"}[self.dimension]
        names = {
            "length": "xi", "time": "tau0", "field": "Bc2", "density": "j0", "current": current, "voltage": "V0",
            "flux": "Phi0 / 2 pi", "conductivity": "sigma", "frequency": "1/tau0", "area": "xi^2", "angle": "rad",
            "speed": "xi/tau0", "resistance": f"V0 / ({current})", "inductance": f"V0 tau0 / ({current})",
            "capacitance": f"{current} tau0 / V0",
        }  # fmt: skip
        return names[kind]


def scales(
    dimension: int,
    xi: float | None = None,
    lambda_: float | None = None,
    sigma: float | None = None,
    tau: float | None = None,
    thickness: float | None = None,
    area: float | None = None,
    kappa: float | None = None,
) -> Scales:
    """All scales from a reference material in SI units (m, m, S/m, s, m, m^2); `tau` instead of `sigma`."""
    if lambda_ and xi:
        kappa = lambda_ / xi
    if tau is None and sigma and lambda_:
        tau = MU0 * sigma * lambda_**2
    if sigma is None and tau and lambda_:
        sigma = tau / (MU0 * lambda_**2)
    j0 = PHI0 / (2 * pi * MU0 * lambda_**2 * xi) if xi and lambda_ else None
    section = {1: area, 2: xi * thickness if xi and thickness else None, 3: xi**2 if xi else None}[dimension]
    return Scales(
        dimension, xi, lambda_, sigma, tau,
        Bc2=PHI0 / (2 * pi * xi**2) if xi else None,
        j0=j0,
        V0=PHI0 / (2 * pi * tau) if tau else None,
        current=j0 * section if j0 and section else None,
        thickness=thickness, area=area, kappa=kappa,
    )  # fmt: skip
