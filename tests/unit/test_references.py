"""references.bib of a run: the papers behind what it did, well formed."""

import re

import pytest

from fempslip.case import load
from fempslip.run.references import bibliography

WANTED = {
    "disk_states": {"liu1989", "christiansen2012", "gmsh2009"},
    "hc3_strip": {"saintjames1963", "christiansen2012"},
    "barrier_wire_current": {"e2007", "langer1969", "mccumber1970", "liu1989"},
    "qps_instanton": {"e2007", "zaikin1997"},
    "thermal_wire_lamh": {"kramer1978", "langer1967", "mccumber1970", "salmon2011"},
}


@pytest.mark.parametrize("name", WANTED)
def test_a_run_cites_what_it_used(name):
    text = bibliography(load(name))
    keys = re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys))
    assert WANTED[name] <= set(keys)
    assert ("kramer1978" in keys) == (name == "thermal_wire_lamh")  # states do not relax in time
    assert text.count("{") == text.count("}")
    assert len(re.findall(r"year = \{\d{4}\}", text)) == len(keys)
