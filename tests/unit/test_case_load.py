"""Loading: delivered cases, errors at their places, overrides, the complete document."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fempslip.case import Case, MeshedCase, delivered, json_schema, load, load_text
from fempslip.case.drawers import folder
from fempslip.case.quantities import Amount
from fempslip.case.waveforms import Constant, Points, Ramp, Sine, Sum
from fempslip.contract import Refusal

FILM = (folder("cases") / "film_vortex_flow.yaml").read_text()


def refused(*args, **kwargs):
    with pytest.raises(Refusal) as caught:
        load(*args, **kwargs) if not args[0].count("\n") else load_text(*args, **kwargs)
    return str(caught.value)


# ---------------------------------------------------------------------------------------------- what is delivered


@pytest.mark.parametrize("name", delivered("cases"))
def test_delivered_cases_load_explain_themselves_and_expect_something(name):
    case = load(name)
    assert case.name == name
    assert case.title
    assert case.expect
    assert all(wanted.tolerance >= 0 for wanted in case.expect.values())
    assert any(wanted.tolerance > 0 for wanted in case.expect.values())
    assert delivered("cases")[name].read_text().startswith("# ")


@pytest.mark.parametrize("name", delivered("cases"))
def test_the_document_is_complete_and_gives_an_equal_case(name, tmp_path):
    case = load(name)
    path = tmp_path / "case.yaml"
    path.write_text(case.document())
    again = load(path)
    assert again == case
    if isinstance(case, MeshedCase):
        assert again.drive == case.drive
        assert again.material == case.material
    assert again.scales == case.scales
    assert again.document() == case.document()
    if case.task == "evolve":
        assert "tolerance: 0.0003" in case.document()


VALUES = {
    "time.until": st.floats(300, 1e4),
    "time.tolerance": st.floats(1e-9, 1e-1),
    "mesh.size": st.sampled_from(["0.3 xi", "5 nm", 0.25]),
    "geometry.length": st.sampled_from(["2 width", "61 xi", "700 nm", 55.5]),
    "material.u": st.floats(1e-3, 1e3),
    "material.epsilon": st.sampled_from(
        [0.5, {"gaussian": {"depth": 0.5, "width": "2 xi", "center": ["0.1 length", 0]}}]
    ),
    "material": st.just({"everywhere": {"xi": "20 nm", "lambda": "9 xi", "tau": "0.1 ps"}, "film": {"epsilon": 0.7}}),
    "drive.field": st.sampled_from(
        [
            "0.1 Bc2",
            {"sine": {"amplitude": 0.1, "period": "7 tau"}},
            {"sum": [0.1, "0.2 Bc2"]},
            {"points": [[0, 0], ["5 tau", "0.2 Bc2"]]},
            {"pulse": {"height": 1, "length": 3}},
        ]
    ),
    "drive.current": st.sampled_from(
        [
            None,
            {"from": "drain", "to": "source", "value": "0.2 Idep - 1e-3"},
            {"into": {"source": {"ramp": {"to": 1, "over": 5}}, "drain": {"ramp": {"to": -1, "over": 5}}}},
        ]
    ),
    "start": st.sampled_from(
        ["normal", {"vortices": [{"at": [0, "1 xi"], "winding": -2}]}, {"run": "runs/a", "frame": 3}]
    ),
    "title": st.sampled_from(["'1e-3'", "on", "'a: b'", "'# no comment'", "'true'", "ξ"]),
    "measure.from": st.sampled_from(["10 tau", None]),
    "mesh.refine": st.just([{"near": "source", "size": "0.1 xi", "within": "2 xi"}]),
    "expect.voltage.mean": st.sampled_from(["1 +- 0.5", "2e-3 ± 5 %", None]),
    "contacts.source": st.sampled_from(["bank", "free", None]),
}


@settings(max_examples=25)
@given(st.fixed_dictionaries({}, optional=VALUES))
def test_any_varied_case_has_a_document_that_gives_an_equal_case(changes):
    if "material" in changes:
        changes = {path: value for path, value in changes.items() if not path.startswith("material.")}
    case = load("film_vortex_flow", changes)
    again = load_text(case.document())
    assert again == case
    assert again.drive == case.drive
    assert load("film_vortex_flow").vary(changes) == case


# ---------------------------------------------------------------------------------------------- what is understood


def test_film_is_dimensionless():
    case = load("film_vortex_flow")
    assert case.geometry.regions["film"].size == (40.0, 20.0)
    assert case.geometry.probes["upstream"] == (-10.0, 0.0)
    assert case.drive.field == (((0.0, 0.0, 1.0), Constant(0.3)),)
    assert [(c.terminal, c.sign, c.waveform, c.is_density) for c in case.drive.currents] == [
        ("source", 1.0, Constant(0.1), True),
        ("drain", -1.0, Constant(0.1), True),
    ]
    assert case.measure.between == (("upstream", "downstream"),)
    assert case.record.fields == 2.0
    assert case.expect["voltage.mean"] == (0.245, 0.012)
    assert case.scales.current == pytest.approx(case.scales.j0 * 20e-9 * 20e-9)


def test_a_terminal_with_current_is_normal_unless_said():
    assert load("film_vortex_flow", {"contacts": {"drain": "bank"}}).contacts == {"drain": "bank", "source": "normal"}


def test_defaults_follow_the_dimension_and_the_run():
    assert load("wire_weak_spot", {"mesh": None}).mesh.size == 0.1
    assert load("disk_in_field", {"mesh": None, "record": None}).mesh.size == 0.5
    assert load("disk_in_field", {"record": None, "time.until": 400}).record.fields == 2.0


def test_regions_differ_from_the_reference():
    text = """
geometry: {dimension: 2, regions: {film: {disk: {radius: 9}}, spot: {disk: {radius: 1}}}}
material:
  everywhere: {xi: 10 nm, lambda: 100 nm, sigma: 2e6 S/m, thickness: 20 nm, gamma: 3}
  spot: {epsilon: -1, sigma: 1e6 S/m, thickness: 10 nm}
time: {until: 1 ns}
"""
    material = load_text(text).material
    assert (material["film"].sigma, material["film"].thickness, material["film"].epsilon) == (1.0, 1.0, 1.0)
    assert material["spot"].sigma == pytest.approx(0.5)
    assert material["spot"].thickness == pytest.approx(0.5)
    assert (material["spot"].epsilon, material["spot"].gamma) == (-1.0, 3.0)


def test_a_profile_is_a_function_of_place():
    epsilon = load("wire_weak_spot").material["wire"].epsilon
    values = epsilon.value([[10.0, 11.0, 0.0], [0.0] * 3, [0.0] * 3])
    assert values == pytest.approx([0.5, 1 - 0.5 / 2.718281828459045, 1.0])


def test_waveforms_of_a_drive():
    case = load(
        "slab_3d_tilted_field",
        {
            "drive.field": [0, {"ramp": {"to": "1 Bc2", "over": "5 tau"}}, 0.2],
            "drive.current.density": None,
            "drive.current.value": "0.3 Idep",
        },
    )
    assert case.drive.field == (((0.0, 1.0, 0.0), Ramp(0.0, 1.0, 0.0, 5.0)), ((0.0, 0.0, 1.0), Constant(0.2)))
    assert case.drive.currents[0].waveform == Constant(Amount(0.0, 0.3))
    assert case.drive.currents[0].waveform.at(2.0) == Constant(0.6)
    wave = {"sum": [{"sine": {"amplitude": 0.1, "frequency": 2, "phase": 1}}, {"points": [[0, 0], [1, 2]]}]}
    along = load("slab_3d_tilted_field", {"drive.field": {**wave, "direction": [0, 3, 4]}}).drive.field
    assert along == (((0.0, 0.6, 0.8), Sum((Sine(0.1, 2.0, 0.0, 1.0), Points((0.0, 1.0), (0.0, 2.0))))),)


def test_a_geometry_beside_the_case_with_its_parameters(tmp_path):
    (tmp_path / "strip.yaml").write_text((folder("geometries") / "film_two_terminals.yaml").read_text())
    (tmp_path / "mine.yaml").write_text(
        FILM.replace("geometry: film_two_terminals", "geometry: {use: strip.yaml, length: 60 xi}")
    )
    case = load(tmp_path / "mine.yaml")
    assert case.geometry.regions["film"].size == (60.0, 20.0)
    assert (case.name, case.geometry.name) == ("mine", "strip")


# ---------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("field: 0.3 Bc2", "feild: 0.3 Bc2", "9:3", "unknown key 'feild' in drive"),
        ("field: 0.3 Bc2", "field: 60 nm", "9:10", "drive.field wants a magnetic field; '60 nm' is a length"),
        ("field: 0.3 Bc2", "field: [0, 0, 1]", "9:10", "a film takes one number"),
        ("field: 0.3 Bc2", "flux: {through: hole, value: 1 Phi0}", "9:19", "there is no hole 'hole'"),
        ("from: source", "from: sorce", "10:19", "known here: source, drain (nearest: source)"),
        ("to: drain", "to: source", "10:12", "goes from 'source' to itself"),
        ("density: 0.1 j0", "density: 15 uA", "10:47", "write value instead of density"),
        ("density: 0.1 j0", "value: nan", "10:45", "finite"),
        ("drain: normal", "drain: norml", "7:35", "nearest: normal"),
        ("u: 5.79", "u: -1", "5:58", "material.u must be larger than 0"),
        ("xi: 20 nm", "xi: 20", "5:16", "a length with its unit"),
        ("until: 600 tau", "until: 0", "12:15", "must be larger than 0"),
        ("from: 200 tau", "from: 700 tau", "13:17", "must lie within the run (until 600 tau)"),
        ("[upstream, downstream]", "[upstream, downstraem]", "13:46", "nearest: downstream"),
        ("[upstream, downstream]", "[upstream]", "13:35", "two different probes"),
        ("every 2 tau", "every 2 xi", "14:18", "record.fields wants a time"),
        ("voltage.mean: 0", "voltag.mean: 0", "16:23", "needs the recipe 'voltag'"),
        ("voltage.mean: 0", "voltage: 0", "16:10", "write recipe.result"),
        ("0.245 +- 0.012", "0.245", "16:24", "such as '0.245 +- 0.012'"),
        ("[voltage,", "[volts,", "15:15", "nearest: voltage"),
        ("screening: none", "screening: perl", "6:36", "nearest: pearl"),
        ("time: {until: 600 tau}", "", "3:1", "wants time, which is missing"),
        ("title:", "task: evolv\ntitle:", "3:7", "nearest: evolve"),
    ],
)
def test_an_error_names_its_place_and_what_would_be_right(old, new, place, message):
    assert old in FILM
    text = refused(FILM.replace(old, new, 1))
    assert f"case.yaml:{place}: " in text
    assert message in text
    assert "^" in text


def test_all_errors_of_a_file_at_once():
    text = (
        FILM.replace("u: 5.79", "u: x")
        .replace("field:", "feild:")
        .replace("600 tau", "60 nm")
        .replace("20 nm,", "2 T,", 1)
    )
    message = refused(text)
    for place in ("5:16", "5:56", "9:3", "12:15"):
        assert f"case.yaml:{place}: " in message
    assert message.count("case.yaml:") == 4


def test_errors_of_the_geometry_point_to_its_file(tmp_path):
    (tmp_path / "strip.yaml").write_text("dimension: 2\nregions:\n  film: {disk: {radius: 3 T}}\n")
    (tmp_path / "mine.yaml").write_text("geometry: strip\ntime: {until: 1 tau}\nmesh: {size: -1}\n")
    message = refused(str(tmp_path / "mine.yaml"))
    assert "strip.yaml:3:25: geometry.regions.film.disk.radius wants a length; '3 T' is a magnetic field" in message
    assert "mine.yaml:3:14: mesh.size must be larger than 0" in message


@pytest.mark.parametrize(
    ("into", "message"),
    [
        ({"source": 1, "drain": -0.9}, "+0.1 is left over at t = 0 tau"),
        (
            {"source": {"ramp": {"to": 1, "over": 10}}, "drain": {"ramp": {"to": -1, "over": 20}}},
            "+0.5 is left over at t = 10",
        ),
        ({"source": "0.3 Idep", "drain": "-0.2 Idep"}, "+0.1 for Idep = 1 is left over"),
        ({"source": {"sine": {"amplitude": 1, "period": 5}}, "drain": 0}, "do not sum to zero"),
    ],
)
def test_currents_that_do_not_sum_to_zero(into, message):
    assert message in refused("film_vortex_flow", {"drive.current": {"into": into}})


def test_currents_in_si_need_a_section():
    change = {"drive.current": {"from": "source", "to": "drain", "value": "3 uA"}}
    assert "give material.thickness too" in refused("film_vortex_flow", {**change, "material.thickness": None})
    wire = {**change, "material.width": None}
    assert "material.cross_section (or width and thickness)" in refused("wire_weak_spot", wire)
    assert "give material.xi too" in refused("film_vortex_flow", {"material": {"u": 1}, "mesh.size": "3 nm"})


def test_a_later_refusal_points_to_the_file():
    refusal = load("film_vortex_flow").refuse("geometry.probes.upstream", "lies 3 xi outside", ["a"], "upstream")
    assert str(refusal).startswith(
        "geometries/film_two_terminals.yaml:10:13: lies 3 xi outside\n      upstream: [-0.25"
    )


def test_unknown_names_of_files():
    assert "nearest: film_vortex_flow" in refused("film_vortx_flow")
    assert "nearest: disk" in refused("film_vortex_flow", {"geometry": "dsk"})
    assert "there is no case" in refused("no/such/file.yaml")


# ---------------------------------------------------------------------------------------------- overrides


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("drive.feild", 1, "nearest: field"),
        ("tme.until", 1, "unknown key 'tme'"),
        ("material", {"everywhere": {}, "u": 1}, "u belongs under everywhere"),
        ("material", {"everywhere": {}, "flm": {"u": 1}}, "nearest: film"),
        ("geometry.lenth", "3 xi", "nearest: length"),
        ("geometry.parameters.lenth", "3 xi", "nearest: length"),
        ("drive.current.density.value", 1, "has no part 'value'"),
        ("measure.between.2", "upstream", "is a list of 2"),
        ("drive.field", "[1", "override of drive.field:1:"),
        ("drive.field", object(), "not object"),
        ("drive.field", float("nan"), "finite"),
    ],
)
def test_overrides_are_refused_like_what_is_written(path, value, message):
    assert message in refused("film_vortex_flow", {path: value})


def test_overrides_set_create_and_remove():
    base = load("film_vortex_flow")
    case = base.vary(
        {"measure.between.0": "source", "time.dt_max": "1 tau", "drive.current": None, "model.charge": "off"}
    )
    assert case.measure.between == (("source", "downstream"),)
    assert case.time.dt_max == 1.0
    assert case.drive.currents == ()
    assert case.model.charge == "off"
    assert base.time.dt_max == 10.0
    assert base != case
    assert isinstance(case, Case)


def test_schema_is_json():
    import json

    schema = json.loads(json.dumps(json_schema()))
    evolve, relax = schema["$defs"]["Evolve"], schema["$defs"]["Relax"]
    assert {"geometry", "material", "drive", "time"} <= set(evolve["properties"])
    assert "time" not in relax["properties"] and "task" in relax["required"] and "task" not in evolve["required"]
    assert evolve["additionalProperties"] is relax["additionalProperties"] is False


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ("{a: 2 b, b: a}", "a depends on itself"),
        ("{a: 2 T}", "wants a length"),
        ("{xi: 3}", "the name of a scale"),
        ("{a: 2 zz}", "'zz' is no unit, no scale and no parameter"),
    ],
)
def test_parameters_that_cannot_be(parameters, message):
    geometry = f"{{dimension: 2, parameters: {parameters}, regions: {{film: {{disk: {{radius: 1}}}}}}}}"
    assert message in refused(f"geometry: {geometry}\ntime: {{until: 1}}\n")


def test_parameters_use_each_other_in_any_order():
    geometry = (
        "{dimension: 2, parameters: {a: b + 1 xi, b: 2 e, e: d, d: 3 xi, n: 2}, regions: {film: {disk: {radius: a}}}}"
    )
    assert load_text(f"geometry: {geometry}\ntime: {{until: 1}}\n").geometry.parameters == {
        "a": 7,
        "b": 6,
        "d": 3,
        "e": 3,
        "n": 2,
    }
