"""Tracks in motion and pages: mp4 of trails and lines; a page that a browser without a server and a network shows."""

from __future__ import annotations

import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from laboratory import WIRE_W, case_from
from test_view_trails import FILM, SLAB

from fempslip import view
from fempslip.contract import Refusal
from fempslip.run.running import solve
from fempslip.store import Run
from fempslip.view.lines import FIELD, FLOW, TRACE, applied_field, compass, refuse_without_lines
from fempslip.view.trails import POSITIVE

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
DRAW = "--headless --no-sandbox --use-gl=angle --use-angle=swiftshader --enable-unsafe-swiftshader --hide-scrollbars"
pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("film")
    return solve(case_from(FILM, folder), folder / "run", pictures=False)


@pytest.fixture(scope="module")
def slab(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("slab")
    changes = {"record.fields": "every 4 tau"}
    return solve(case_from(SLAB, folder, changes), folder / "run", pictures=False)


def pixels(path: Path) -> np.ndarray:
    from matplotlib.image import imread

    return imread(path)[..., :3]


def share(picture: np.ndarray, colour: str, off: float = 0.06) -> float:
    """Part of a picture that has about this colour."""
    from matplotlib.colors import to_rgb

    return float((np.abs(picture - to_rgb(colour)).max(axis=-1) < off).mean())


@pytest.mark.parametrize("kind", ["film", "slab"])
def test_a_movie_of_tracks_has_a_frame_for_each_time(kind, request, tmp_path):
    import imageio_ffmpeg

    run, told = request.getfixturevalue(kind), []
    path = view.tracks_movie(run, tmp_path / "tracks.mp4", lambda done, total: told.append((done, total)), frames=3)
    reader = imageio_ffmpeg.read_frames(str(path))
    size = next(reader)["size"]
    shown = [np.frombuffer(raw, np.uint8).reshape(size[1], size[0], 3) for raw in reader]
    assert told[-1] == (3, 3) and len(shown) >= 3 and size[0] >= 1200
    assert all(np.ptp(frame) > 200 for frame in shown)
    assert np.abs(shown[0].astype(int) - shown[-1].astype(int)).max() > 100  # something moved


def test_lines_with_trails_marks_and_arrows(slab, tmp_path):
    """J and B arrows in their colours, trails of the last while in orange, B as it is applied."""
    picture = pixels(view.tubes(slab, tmp_path / "lines.png"))
    for colour in (FIELD, FLOW):
        assert share(picture, colour) > 2e-4
    assert share(picture, TRACE, 0.3) > 1e-4
    from fempslip.run.running import case_of

    case = case_of(slab)
    assert applied_field(case, 3.0) == pytest.approx([0.1, 0, 0.4])
    found = compass(slab, -1, case)
    assert found["B"][0] == pytest.approx(np.array([0.1, 0, 0.4]) / np.hypot(0.1, 0.4))
    assert found["J"][0][0] > 0.95


def browser() -> str:
    """A headless browser.  Says loudly when there is none: what a page shows is then not tested."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    words = "NO BROWSER: that pages show anything is NOT TESTED here; install one: apt-get install -y chromium"
    warnings.warn(words, stacklevel=2)
    pytest.skip(words)


@pytest.mark.parametrize("kind", ["film", "slab"])
def test_a_page_is_shown_by_a_browser_without_a_server(kind, request, tmp_path):
    """The picture of the page in a headless browser, without a network: a title, one colour bar, and the zeros."""
    run = request.getfixturevalue(kind)
    path = view.tracks_page(run, tmp_path / "tracks.html")
    text = path.read_text(encoding="utf-8")
    assert "t = 40 τ₀" in text and 'src="http' not in text
    program, shot = browser(), tmp_path / "shot.png"
    words = [program, *DRAW.split(), "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=20000"]
    words += [
        f"--user-data-dir={tmp_path / 'profile'}",
        "--window-size=900,600",
        f"--screenshot={shot}",
        f"file://{path}",
    ]
    subprocess.run(words, check=True, capture_output=True, timeout=120)
    picture = pixels(shot)
    body = picture[60:, 60:700]
    assert 0.02 < (body.min(axis=-1) < 0.97).mean() < 0.9  # the body, not a blank page
    assert (picture[:30, :500].min(axis=-1) < 0.5).mean() > 0.003  # the title
    assert (picture[40:560, 840:].min(axis=-1) < 0.9).mean() > 0.01  # the colour bar
    if kind == "film":
        assert share(body, POSITIVE, 0.15) > 1e-4
    else:
        assert share(body, FIELD, 0.15) > 1e-3 and share(body, FLOW, 0.15) > 1e-3


def test_what_was_not_followed_is_refused(tmp_path):
    changes = {
        "time.until": "2 tau",
        "record.fields": "every 1 tau",
        "postprocess": ["voltage"],
        "measure.from": "1 tau",
    }
    wire = solve(case_from(WIRE_W, tmp_path, changes), tmp_path / "run", pictures=False)
    for draw in (view.tracks_movie, view.tracks_page):
        with pytest.raises(Refusal, match="no vortex lines|no tracks"):
            draw(wire, tmp_path / "x")
    with pytest.raises(Refusal):
        refuse_without_lines(wire)
