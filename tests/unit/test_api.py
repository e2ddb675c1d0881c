"""The words of a notebook, as the README writes them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from laboratory import FILM, case_from, problem_of

import fempslip as fs
from fempslip.case import Case
from fempslip.contract import Refusal
from fempslip.physics.applied import potential
from fempslip.store import Run
from fempslip.topology.windings import link_phase

README = Path(__file__).resolve().parents[2] / "README.md"
SHORT = {"time.until": 6, "measure.from": 2}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return case_from(FILM, tmp_path_factory.mktemp("film"), SHORT)


@pytest.fixture(scope="module")
def run(film: Case, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return fs.solve(film, into=tmp_path_factory.mktemp("runs") / "film", pictures=False)


def test_the_lines_of_the_readme_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every python block of the README, word for word, on a short run of a coarse mesh."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert blocks
    load = fs.load
    short = {"time.until": 4, "measure.from": 1, "mesh.size": "1 xi", "postprocess": ["voltage"], "expect": None}
    monkeypatch.setattr(fs, "load", lambda name: load(name, short))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    with pytest.warns(UserWarning, match="coarser than"):
        exec("\n".join(blocks), names)
    case, t, v = names["case"], names["t"], names["V"]
    assert isinstance(case, Case) and isinstance(t, np.ndarray) and isinstance(v, np.ndarray)
    assert case.drive.field[0][1].value(0.0) == pytest.approx(60e-3 / 0.822758, rel=1e-4)
    assert t.shape == v.shape and t[-1] == 4.0 and np.isfinite(v).all()
    assert (tmp_path / "runs" / "film" / "voltage.png").is_file()


def test_the_package_offers_its_words_and_no_others() -> None:
    assert {"load", "check", "solve", "open_run", "voltage", "track", "render", "batch"} <= set(dir(fs))
    assert all(callable(getattr(fs, name)) for name in fs.__all__ if name != "__version__")
    with pytest.raises(AttributeError, match="'fempslip' has no attribute 'slove'"):
        fs.slove  # noqa: B018


def test_a_varied_case_leaves_the_first_as_it_is(film: Case) -> None:
    other = film.vary({"drive.field": "60 mT", "material.gamma": 1, "mesh.size": "0.7 xi"})
    assert (other.material["film"].gamma, film.material["film"].gamma) == (1, 10)
    assert other != film and film == film.vary({})
    for wrong in ({"drive.feild": 1}, {"drive.field": "60 nm"}, {"drive.field": np.nan}):
        with pytest.raises(Refusal):
            film.vary(wrong)


def test_check_takes_a_case_a_name_or_a_file(film: Case, tmp_path: Path) -> None:
    text = fs.check(film)
    assert text.startswith("case") and "current into source: 1.2 j0 xi d = 157.1 uA" in text
    (tmp_path / "mine.yaml").write_text(film.document())
    for name in (tmp_path / "mine.yaml", str(tmp_path / "mine.yaml")):
        assert steady(fs.check(name)) == steady(text)
    assert fs.check("wire_normal_ends").startswith("wire_normal_ends: Contact resistance")
    with pytest.raises(Refusal, match="nearest: wire_normal_ends"):
        fs.check("wire_normal_end")


def steady(text: str) -> str:
    """A checked case without the measured time of a step."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("cost"))


def test_voltages_in_every_unit(run: Run) -> None:
    t, v = fs.voltage(run, "a", "b")
    assert np.array_equal(t, run.table("series")["t"]) and np.array_equal(v, run.table("voltage")["a|b"])
    volt = run.header["scales"]["V0"]
    assert volt == pytest.approx(3.274e-3, rel=1e-3)
    for unit, size in {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "nV": 1e-9}.items():
        assert np.allclose(fs.voltage(run, "a", "b", unit=unit)[1], v * volt / size, rtol=1e-14)
    assert np.array_equal(fs.voltage(run, "b", "a")[1], -v)


def test_voltages_that_are_not_there(run: Run, film: Case, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"between 'a' and 'source' was not measured; measured are: a\|b"):
        fs.voltage(run, "a", "source")
    with pytest.raises(Refusal, match=r"in V0, V, mV, uV, nV, not in 'kV'"):
        fs.voltage(run, "a", "b", unit="kV")
    plain = {"material": {"u": 5.79, "gamma": 10}, "time.until": 2, "measure.from": 1}
    bare = fs.solve(film.vary(plain), tmp_path / "bare", pictures=False)
    assert fs.voltage(bare, "a", "b", unit="V0")[1].size
    with pytest.raises(Refusal, match="dimensionless: give material.xi, lambda and sigma"):
        fs.voltage(bare, "a", "b", unit="uV")
    none: dict[str, object] = {"measure.between": None, "postprocess": [], "time.until": 2, "measure.from": 1}
    mute = fs.solve(film.vary(none), tmp_path / "mute", pictures=False)
    with pytest.raises(Refusal, match=r"holds no voltages: name pairs of probes in measure\.between"):
        fs.voltage(mute, "a", "b")


def test_a_run_opens_again_as_it_was(run: Run) -> None:
    again = fs.open_run(run.folder)
    assert again.summary == run.summary and again.times.tolist() == run.times.tolist()
    assert fs.open_run(str(run.folder)).tables == run.tables
    with pytest.raises(Refusal, match="holds no run"):
        fs.open_run(run.folder / "nowhere")


def test_pictures_of_a_recipe(run: Run) -> None:
    drawn = fs.render(run, "voltage")
    assert [path.name for path in drawn] == ["voltage.png"]
    assert drawn[0].parent == run.folder and drawn[0].read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(Refusal, match="there is no recipe 'vortex_movie'; delivered are: .*movie"):
        fs.render(run, "vortex_movie")
    with pytest.raises(Refusal, match="this picture is of wires and rings"):
        fs.render(run, "kymograph")


def test_progress_says_how_far_it_is(film: Case, tmp_path: Path) -> None:
    told: list[tuple[float, str]] = []
    fs.solve(film, tmp_path / "run", progress=lambda *words: told.append(words), pictures=False)
    fractions = [fraction for fraction, _ in told]
    assert fractions[0] == 0.0 and fractions == sorted(fractions) and fractions[-1] == 1.0
    assert told[0][1] == "meshing" and re.fullmatch(r"t = 6 of 6 tau, step \d+", told[-1][1])


@pytest.mark.slow
def test_a_fresh_interpreter_needs_nothing_but_the_package(tmp_path: Path) -> None:
    """As in a notebook: no variable of the environment, no folder of the tests."""
    lines = (
        "import fempslip as fs; case = fs.load('wire_normal_ends').vary({'time.until': '20 tau', 'measure.from': 10})\n"
        "run = fs.solve(case, into='runs/wire'); t, V = fs.voltage(run, 'begin', 'end', unit='uV'); print(V[-1])"
    )
    done = subprocess.run([sys.executable, "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert float(done.stdout) > 0 and (tmp_path / "runs" / "wire" / "kymograph.png").is_file()


def ring_of_one_turn(x: np.ndarray) -> np.ndarray:
    """psi of a ring round the origin whose phase winds once, (nodes,); x : (3, nodes)."""
    return np.exp(1j * np.arctan2(x[1], x[0]))


def test_a_run_may_start_from_an_array_or_a_function(tmp_path: Path) -> None:
    changes = {"drive.flux.points": [[0, 0], [4000, 0]], "time.until": 5, "record.fields": "every 1 tau", "expect": {}}
    ring = fs.load("ring_flux_ramp").vary(changes)
    run = fs.solve(ring, tmp_path / "function", pictures=False, psi=ring_of_one_turn)
    assert (run.summary or {})["results"]["winding"]["final"] == 1
    again = fs.solve(ring, tmp_path / "array", pictures=False, psi=ring_of_one_turn(run.mesh.points))
    np.testing.assert_array_equal(run.frame(-1)["psi_re"], again.frame(-1)["psi_re"])
    assert run.checkpoint()["clock"][0] == 5.0


@pytest.mark.parametrize(
    ("psi", "words"),
    [(np.ones(7), "shape"), (lambda x: np.full(x.shape[1], np.nan), "not finite")],
)
def test_a_start_that_does_not_fit_is_refused(psi: object, words: str, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=words):
        fs.solve(fs.load("ring_flux_ramp"), tmp_path / "run", pictures=False, psi=psi)
    assert not (tmp_path / "run").exists()


def test_a_frame_continues_in_another_gauge(tmp_path: Path) -> None:
    """Banks put the applied potential into another gauge; the link phases of the frame stay what they were."""
    film = case_from(FILM, tmp_path, {**SHORT, "drive.field": 0.3, "postprocess": []})
    first = fs.solve(film, tmp_path / "first", pictures=False)
    banked = {"contacts": {"source": "bank", "drain": "bank"}, "start": {"run": str(tmp_path / "first"), "frame": -1}}
    one, other = problem_of(film), problem_of(film.vary(banked))
    edges = one.operators.edges
    assert np.abs(one.drive.patterns - other.drive.patterns).max() > 0.1
    frame = first.frame(-1)
    before = link_phase(frame["psi_re"] + 1j * frame["psi_im"], potential(one.drive, 0.0), edges)
    after = link_phase(other.psi, potential(other.drive, 0.0), edges)
    inside = ~np.isin(edges, np.concatenate([c.nodes for c in other.contacts])).any(axis=0)
    np.testing.assert_allclose(after[inside], before[inside], atol=1e-9)
