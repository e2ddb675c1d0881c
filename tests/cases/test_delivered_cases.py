"""What is delivered works: every case runs, every recipe answers, every row of the support table is true."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
import yaml
from laboratory import case_from

from fempslip import view
from fempslip.case import Case, Evolve, MeshedCase, delivered, load, load_text
from fempslip.contract import Refusal
from fempslip.mesh.meshing import make_mesh
from fempslip.run import support
from fempslip.run.batch import batch
from fempslip.run.check import explain
from fempslip.run.families import FAMILIES, conclude
from fempslip.run.pool import processes
from fempslip.run.recipes import RESULTS, recipe
from fempslip.run.running import report, solve
from fempslip.store import Run

CASES = delivered("cases")
SWEPT = tuple(name for name in CASES if load(name).sweep is not None)
MARCHED = tuple(name for name in CASES if isinstance(load(name), Evolve))
QUICK = (  # run to their end in the fast tests too
    "wire_weak_spot", "wire_normal_ends", "disk_in_field", "grey_soliton",
    "little_parks", "abrikosov_cell", "barrier_wire_current", "barrier_ring_flux", "barrier_vortex_strip",
)  # fmt: skip
# what a recipe may ask to be watched
LARGE = (
    "slab_3d_tilted_field",
    "sphere_meissner",
    "vortex_ring_superfluid",
    "wire_own_field",
)  # seconds for their mesh alone
WATCHED = {
    "maps",
    "currents", "hole_flux", "josephson", "ledger", "magnetization", "moment", "net_winding", "tracks",
    "windings", "zeros",
}  # fmt: skip
SHORT: dict[str, object] = {"time.until": 2, "measure.from": 1, "record.fields": 1}
COARSE: dict[int, dict[str, object]] = {3: {"mesh.size": 0.9}}

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")


# ---------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize("name", delivered("geometries"))
def test_a_geometry_can_be_meshed(name: str) -> None:
    """With every named part that its file promises."""
    plain = load_text(f"geometry: {name}\ntime: {{until: 1 tau}}\n")
    coarse = {1: 0.2, 2: 1.0, 3: 1.0}[plain.geometry.dimension]
    mesh = make_mesh(plain.vary({"mesh.size": coarse}))
    geometry = plain.geometry
    assert mesh.dim == geometry.dimension
    for kind in ("regions", "boundaries", "holes", "probes", "contours"):
        assert set(getattr(mesh, kind)) == set(getattr(geometry, kind))


@pytest.mark.parametrize("name", [n if n not in LARGE else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_a_case_explains_itself(name: str) -> None:
    text = explain(load(name))
    lines = text.splitlines()
    assert lines[0] == f"{name}: {load(name).title}"
    meshed = ("geometry", "material", "contacts", "drive", "mesh") if isinstance(load(name), MeshedCase) else ()
    for section in ("scales", *meshed, "expected", *(("time", "cost") if name in MARCHED else ())):
        assert any(line.startswith(section.ljust(13)) for line in lines), section
    assert max(map(len, lines)) <= 120 and not any(line != line.rstrip() for line in lines)
    assert not re.search(r"\bnan\b", text) and "None" not in text and "warning" not in text


@pytest.mark.parametrize("name", CASES)
def test_the_document_of_a_case_gives_the_same_case(name: str, tmp_path: Path) -> None:
    case = load(name)
    path = tmp_path / "again.yaml"
    path.write_text(case.document(), encoding="utf-8")
    again = load(path)
    assert again == case and again.document() == case.document()


@pytest.mark.parametrize("name", delivered("postprocess"))
def test_a_recipe_names_what_there_is(name: str) -> None:
    written = yaml.safe_load(delivered("postprocess")[name].read_text("utf-8"))
    assert set(written) <= {"title", "watch", "results", "pictures", "family"}
    found = recipe(name)
    assert found.title.endswith("?")
    assert set(found.watch) <= WATCHED
    assert set(found.results) <= set(RESULTS) and set(found.pictures) <= set(view.PICTURES)
    assert set(found.family) <= set(FAMILIES)
    assert found.results or found.pictures or found.family


def test_every_recipe_and_function_is_used() -> None:
    used = {name for case in CASES for name in load(case).postprocess}
    assert used == set(delivered("postprocess"))
    steps = {step for name in used for step in (*recipe(name).results, *recipe(name).pictures)}
    assert steps == set(RESULTS) | set(view.PICTURES)
    known = steps | {step for name in used for step in recipe(name).watch}
    assert set(support.NEEDS) <= known


# ---------------------------------------------------------------------------------------------- runs


@pytest.mark.parametrize("name", MARCHED)
def test_a_case_runs(name: str, tmp_path: Path) -> None:
    case = load(name)
    if case.sweep is not None:
        case = case.vary({"sweep": None, "expect": None})
    run = solve(case.vary(SHORT | COARSE.get(case.geometry.dimension, {})), tmp_path / "run", pictures=False)
    assert run.summary is not None
    assert run.summary["status"] == run.status == "finished" and run.summary["end_time_tau"] == 2.0
    assert list(run.times) == [0.0, 1.0, 2.0]
    with_numbers = {r for r in case.postprocess if recipe(r).results}
    assert set(run.summary["results"]) == with_numbers
    assert [row["name"] for row in run.summary["expect"]] == list(case.expect)
    tables = [name for name in run.tables if name != "line_points"]  # whose velocities are not known at the start
    assert all(math.isfinite(v) for name in tables for column in run.table(name).values() for v in column)
    assert ("pitaevskii1961" if case.model.reactive else "kramer1978") in run.references and run.versions["numpy"]


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES])
def test_a_case_meets_its_expectations(name: str, tmp_path: Path) -> None:
    if name in SWEPT:
        case = load(name)
        with processes(2) as (pool, stop):
            found = conclude(case, batch(case, into=tmp_path / "batch", executor=pool, stop=stop), tmp_path / "batch")
        assert found["status"] == "finished" and found["expect"]
        assert not [row for row in found["expect"] if not row["ok"]]
        return
    run = solve(load(name), tmp_path / "run", pictures=False)
    assert run.summary is not None and run.summary["expect"]
    missed = [row for row in run.summary["expect"] if not row["ok"]]
    assert not missed, report(run)


# ---------------------------------------------------------------------------------------------- the support table

TINY = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [6 xi, 4 xi]}}}
  boundaries: {source: {edge: left}, drain: {edge: right}}
  probes: {a: [-2, 0], b: [2, 0]}
mesh: {size: 0.8 xi}
time: {until: 1 tau}
measure: {between: [a, b]}
record: {fields: 0.5 tau}
postprocess: [voltage, power]
"""


# the same for the tasks that ask for states: with a period or hole that a flux or current goes round
STILL = """
geometry:
  dimension: 2
  regions: {film: {rectangle: {size: [16 xi, 6 xi]}}}
  boundaries: {left: {edge: left}, right: {edge: right}, top: {edge: top}}
  periodic: {x: [left, right]}
mesh: {size: 0.8 xi}
material: {gamma: 0}
"""
ASKS: dict[str, dict[str, object]] = {
    "relax": {"drive.field": 0.1},
    "nucleation": {},
    "barrier": {"bias": {"through": "x", "density": 0.1}, "slip": {"vortex": [[0, -3], [0, 3]]}},
    "instanton": {
        "bias": {"through": "x", "density": 0.3},
        "pair": {"at": [0, 0], "apart": 4},
        "stiffness": 2,
    },
}


def as_asked(row: support.Row, folder: Path) -> Case:
    """The smallest case that needs a row of the support table."""
    if row.task == "lumped":
        text = "task: lumped\njunction: {kind: rsj}\nbias: {current: 1.25}\ntime: {until: 100}\npostprocess: [lumped]\n"
        return case_from(text, folder)
    if row.dynamics != "tdgl":
        return reactive(row, folder)
    changes: dict[str, object]
    if row.task == "london":
        changes = {"task": "london", "model.screening": row.screening, "material.lambda": 3, "drive.field": 0.1}
        changes |= {"material.thickness": 1} if row.screening == "pearl" else {}
        if row.holes == "yes":
            changes |= {"geometry.holes": {"hole": {"disk": {"radius": 0.7, "center": [5, 0]}}}}
        return case_from(STILL.replace("  periodic: {x: [left, right]}\n", ""), folder, changes)
    if row.task in ASKS:
        changes = {"task": row.task, "model.charge": row.charge, **ASKS[row.task]}
        if row.task == "barrier" and row.holes == "yes":
            ring = {"geometry": {"use": "ring", "radius": 5}, "bias": {"current": "0.3 Idep"}, "slip": {}}
            return case_from("geometry: ring", folder, changes | ring | {"material.gamma": 0})
        if row.holes == "yes":
            changes |= {"geometry.holes": {"hole": {"disk": {"radius": 0.7, "center": [5, 0]}}}}
        if row.contact != "none":
            changes["contacts"] = {"top": row.contact}
        return case_from(STILL, folder, changes)
    changes = {"task": row.task, "drive.field": 0.1}
    changes |= {f"model.{key}": getattr(row, key) for key in ("dynamics", "screening", "charge")}
    if row.screening != "none":
        changes |= {"material.lambda": 3, "material.thickness": 1}
    if row.contact != "none":
        changes |= {"contacts": {"source": row.contact, "drain": row.contact}}
        changes |= {"drive.current": {"from": "source", "to": "drain", "density": 0.1}}
    if row.circuit == "yes":
        bias = {"current": 0.4, "from": "ground", "to": "top"}
        load = {"resistor": 2, "from": "top", "to": "ground"}
        wired = {"elements": {"bias": bias, "load": load}, "terminals": {"source": "top", "drain": "ground"}}
        changes |= {"drive.current": None, "drive.circuit": wired, "postprocess": ["voltage", "circuit"]}
    if row.noise == "yes":
        changes |= {"noise": {"temperature": 0.01}, "material.gamma": 0, "postprocess": ["thermal_slips"]}
    if row.holes == "yes":
        changes |= {"geometry.holes": {"hole": {"disk": {"radius": 1}}}}
        changes |= {"drive.flux": {"through": "hole", "value": "0.3 Phi0"}}
    return case_from(TINY, folder, changes)


def reactive(row: support.Row, folder: Path) -> Case:
    """As `as_asked`, for superfluids."""
    changes: dict[str, object] = {"task": row.task, "postprocess": ["voltage", "conservation"]}
    changes |= {f"model.{key}": getattr(row, key) for key in ("dynamics", "screening", "charge")}
    if row.contact != "none":
        changes |= {"contacts": {"source": row.contact}, "model.layers": {"source": 1.5}}
    if row.holes == "yes":
        changes |= {"geometry.holes": {"hole": {"disk": {"radius": 1}}}}
    if row.dynamics == "charged":
        changes |= {"material.plasma_frequency": 1, "material.lambda": 2}
    return case_from(TINY, folder, changes)


@pytest.mark.parametrize("row", support.SUPPORT, ids=lambda row: "-".join(vars(row).values()))
def test_every_yes_runs(row: support.Row, tmp_path: Path) -> None:
    case = as_asked(row, tmp_path)
    assert support.asked(case) == [row]
    assert row.speed in ("yes", "slow")
    run = solve(case, tmp_path / "run", pictures=False)
    if row.task in (*ASKS, "london"):
        assert run.summary is not None and run.status == "finished"
        numbers = run.summary["results"][row.task]
        assert all(math.isfinite(value) for value in numbers.values() if isinstance(value, float))
        assert 0 < max(run.frame(0)["psi_abs"]) < 1.1
        return
    if row.task == "lumped":
        assert run.status == "finished" and abs(run.summary["results"]["lumped"]["mean"] - 0.75) < 1e-4
        return
    assert run.status == "finished" and list(run.times) == [0.0, 0.5, 1.0]
    density = run.table("series")["mean_density"]
    assert (density > 0.05).all() and (density < 1.1).all()


def test_every_blank_is_refused_by_its_names(tmp_path: Path) -> None:
    for contact in ("normal", "bank", "free"):
        with pytest.raises(Refusal) as refused:
            case = case_from(TINY, tmp_path, {"model.charge": "off", "contacts": {"source": contact}})
            support.refuse_unsupported(case)
        for word in ("task evolve", "dynamics tdgl", "screening none", "charge off", f"contacts of kind {contact}"):
            assert word in str(refused.value)


def test_a_row_that_is_taken_out_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the table does not hold: solve and check look there and nowhere else."""
    row = support.SUPPORT[0]
    case = as_asked(row, tmp_path)
    monkeypatch.setattr(support, "SUPPORT", tuple(other for other in support.SUPPORT if other != row))
    for ask in (explain, lambda case: solve(case, tmp_path / "run")):
        with pytest.raises(Refusal, match="is not supported"):
            ask(case)
    assert not (tmp_path / "run").exists()


# ---------------------------------------------------------------------------------------------- what recipes need


@pytest.mark.parametrize("name", delivered("postprocess"))
def test_a_recipe_answers_or_is_refused_before_the_run(name: str, tmp_path: Path) -> None:
    """Over a film that measures nothing and names no contour: what passes the check gives its numbers."""
    case = case_from(TINY, tmp_path, {"measure.between": None, "postprocess": [name]})
    unmet = [need for need in support.needs(recipe(name)) if not need.holds(case)]
    if unmet:
        with pytest.raises(Refusal, match=f"the recipe '{name}' needs"):
            solve(case, tmp_path / "run")
        assert not (tmp_path / "run").exists()
    else:
        run: Run = solve(case, tmp_path / "run", pictures=False)
        assert run.summary is not None and set(run.summary["results"]) == ({name} if recipe(name).results else set())
