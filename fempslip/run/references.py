"""What to cite for the physics that a run used."""

from __future__ import annotations

from fempslip.case import Case, Evolve, Lumped, MeshedCase

KRAMER = """@article{kramer1978,
  author = {Kramer, L. and Watts-Tobin, R. J.},
  title = {Theory of Dissipative Current-Carrying States in Superconducting Filaments},
  journal = {Phys. Rev. Lett.}, volume = {40}, pages = {1041}, year = {1978},
  note = {the relaxation of the order parameter}
}
"""
CHRISTIANSEN = """@article{christiansen2012,
  author = {Christiansen, Snorre H. and Halvorsen, Tore G.},
  title = {A simplicial gauge theory},
  journal = {J. Math. Phys.}, volume = {53}, pages = {033501}, year = {2012},
  note = {gauge-invariant energy on simplices}
}
"""
ANDERSON = """@article{anderson1966,
  author = {Anderson, P. W.},
  title = {Considerations on the Flow of Superfluid Helium},
  journal = {Rev. Mod. Phys.}, volume = {38}, pages = {298}, year = {1966},
  note = {phase slip and voltage}
}
"""
JOSEPHSON = """@article{josephson1962,
  author = {Josephson, B. D.},
  title = {Possible new effects in superconductive tunnelling},
  journal = {Phys. Lett.}, volume = {1}, pages = {251}, year = {1962}
}
"""
IVLEV = """@article{ivlev1984,
  author = {Ivlev, B. I. and Kopnin, N. B.},
  title = {Electric currents and resistive states in thin superconductors},
  journal = {Adv. Phys.}, volume = {33}, pages = {47}, year = {1984},
  note = {phase-slip centres}
}
"""
SCIKIT_FEM = """@article{skfem2020,
  author = {Gustafsson, Tom and McBain, G. D.},
  title = {scikit-fem: A Python package for finite element assembly},
  journal = {Journal of Open Source Software}, volume = {5}, number = {52}, pages = {2369}, year = {2020}
}
"""
GMSH = """@article{gmsh2009,
  author = {Geuzaine, C. and Remacle, J.-F.},
  title = {Gmsh: a three-dimensional finite element mesh generator with built-in pre- and post-processing facilities},
  journal = {Int. J. Numer. Methods Eng.}, volume = {79}, pages = {1309}, year = {2009}
}
"""
LANGER = """@article{langer1967,
  author = {Langer, J. S. and Ambegaokar, Vinay},
  title = {Intrinsic Resistive Transition in Narrow Superconducting Channels},
  journal = {Phys. Rev.}, volume = {164}, pages = {498}, year = {1967},
  note = {barrier of a thermal phase slip}
}
"""
MCCUMBER = """@article{mccumber1970,
  author = {McCumber, D. E. and Halperin, B. I.},
  title = {Time Scale of Intrinsic Resistive Fluctuations in Thin Superconducting Wires},
  journal = {Phys. Rev. B}, volume = {1}, pages = {1054}, year = {1970},
  note = {rate of thermal phase slips}
}
"""
LANGER_DECAY = """@article{langer1969,
  author = {Langer, J. S.},
  title = {Statistical theory of the decay of metastable states},
  journal = {Ann. Phys.}, volume = {54}, pages = {258}, year = {1969},
  note = {rate over a saddle}
}
"""
STRING = """@article{e2007,
  author = {E, Weinan and Ren, Weiqing and Vanden-Eijnden, Eric},
  title = {Simplified and improved string method for computing the minimum energy paths in barrier-crossing events},
  journal = {J. Chem. Phys.}, volume = {126}, pages = {164103}, year = {2007},
  note = {the way over a barrier}
}
"""
LIU = """@article{liu1989,
  author = {Liu, Dong C. and Nocedal, Jorge},
  title = {On the limited memory {BFGS} method for large scale optimization},
  journal = {Math. Program.}, volume = {45}, pages = {503}, year = {1989},
  note = {descent to stationary states}
}
"""
SAINT_JAMES = """@article{saintjames1963,
  author = {Saint-James, D. and de Gennes, P. G.},
  title = {Onset of superconductivity in decreasing fields},
  journal = {Phys. Lett.}, volume = {7}, pages = {306}, year = {1963},
  note = {nucleation}
}
"""
ZAIKIN = """@article{zaikin1997,
  author = {Zaikin, Andrei D. and Golubev, Dmitri S. and van Otterlo, Anne and Zim{\\'a}nyi, Gergely T.},
  title = {Quantum Phase Slips and Transport in Ultrathin Superconducting Wires},
  journal = {Phys. Rev. Lett.}, volume = {78}, pages = {1552}, year = {1997},
  note = {quantum phase slips as vortices in space and imaginary time}
}
"""
PHILOX = """@inproceedings{salmon2011,
  author = {Salmon, John K. and Moraes, Mark A. and Dror, Ron O. and Shaw, David E.},
  title = {Parallel random numbers: as easy as 1, 2, 3},
  booktitle = {Proc. Int. Conf. High Performance Computing (SC11)}, pages = {16}, year = {2011},
  note = {the generator of the noise}
}
"""
OF_STATES = {
    "relax": [LIU],
    "nucleation": [SAINT_JAMES],
    "barrier": [STRING, LIU, LANGER_DECAY, MCCUMBER],
    "instanton": [STRING, LIU, ZAIKIN],
}

PITAEVSKII = """@article{pitaevskii1961,
  author = {Pitaevskii, L. P.},
  title = {Vortex lines in an imperfect Bose gas},
  journal = {Sov. Phys. JETP}, volume = {13}, pages = {451}, year = {1961}
}
"""
GROSS = """@article{gross1961,
  author = {Gross, E. P.},
  title = {Structure of a quantized vortex in boson systems},
  journal = {Nuovo Cimento}, volume = {20}, pages = {454}, year = {1961}
}
"""
STRANG = """@article{strang1968,
  author = {Strang, Gilbert},
  title = {On the construction and comparison of difference schemes},
  journal = {SIAM J. Numer. Anal.}, volume = {5}, pages = {506}, year = {1968}
}
"""
STEWART = """@article{stewart1968,
  author = {Stewart, W. C.},
  title = {Current-voltage characteristics of Josephson junctions},
  journal = {Appl. Phys. Lett.}, volume = {12}, pages = {277}, year = {1968}
}
"""
ADLER = """@article{adler1946,
  author = {Adler, Robert},
  title = {A study of locking phenomena in oscillators},
  journal = {Proc. IRE}, volume = {34}, pages = {351}, year = {1946}
}
"""
AMBEGAOKAR = """@article{ambegaokar1969,
  author = {Ambegaokar, Vinay and Halperin, B. I.},
  title = {Voltage due to thermal noise in the dc {Josephson} effect},
  journal = {Phys. Rev. Lett.}, volume = {22}, pages = {1364}, year = {1969}
}
"""
MOOIJ = """@article{mooij2006,
  author = {Mooij, J. E. and Nazarov, Yu. V.},
  title = {Superconducting nanowires as quantum phase-slip junctions},
  journal = {Nature Phys.}, volume = {2}, pages = {169}, year = {2006}
}
"""
LANDAU = """@article{landau1941,
  author = {Landau, L. D.},
  title = {Theory of the superfluidity of helium {II}},
  journal = {J. Phys. USSR}, volume = {5}, pages = {71}, year = {1941}
}
"""


def bibliography(case: Case) -> str:
    """BibTeX of the physics and the tools that this case uses."""
    if isinstance(case, Lumped):
        return "\n".join(of_lumped(case))
    assert isinstance(case, MeshedCase)
    reactive = case.model.reactive
    if case.task in OF_STATES:
        tools = [SCIKIT_FEM, GMSH] if case.geometry.dimension > 1 else []
        return "\n".join([CHRISTIANSEN, *OF_STATES[case.task], *tools])
    used = [GROSS, PITAEVSKII, STRANG, CHRISTIANSEN] if reactive else [KRAMER, CHRISTIANSEN]
    if case.measure.between:
        used += [ANDERSON] if reactive else [JOSEPHSON, ANDERSON]
    if case.geometry.dimension > 1:
        used += [SCIKIT_FEM, GMSH]
    elif not reactive:
        used.append(IVLEV)
    if isinstance(case, Evolve) and case.noise is not None:
        used += [LANGER, MCCUMBER, PHILOX] if case.geometry.dimension == 1 else [PHILOX]
    return "\n".join(used)


def of_lumped(case: Lumped) -> list[str]:
    if case.junction is None:
        return [LANDAU] if case.two_fluid is not None else [MOOIJ] if case.slip_ring is not None else []
    kinds = {"adler": [ADLER], "dual": [MOOIJ], "rsj": [JOSEPHSON, STEWART], "rcsj": [JOSEPHSON, STEWART]}
    return kinds[case.junction.kind] + ([AMBEGAOKAR] if case.junction.temperature else [])
