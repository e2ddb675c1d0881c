"""A run in a browser: what is on the stage, and the page itself driven in a headless Chromium."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from laboratory import case_from
from test_view_reels import browser, pixels, share
from test_view_trails import FILM, SLAB

from fempslip.contract import Refusal
from fempslip.run.running import solve
from fempslip.store import Run
from fempslip.view import canvas, stage, web

pytestmark = pytest.mark.filterwarnings("ignore::fempslip.mesh.checks.CoarseMesh")
EVERY = {"record.fields": "every 4 tau"}


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Run:
    folder = tmp_path_factory.mktemp("film")
    return solve(case_from(FILM, folder, EVERY), folder / "run", pictures=False)


def seen(house: web.Theatre, *frame) -> np.ndarray:
    house.show(*frame)
    return canvas.shoot(house.plotter, house.scene.view).astype(int)


def test_the_stage_shows_the_frame_the_field_and_the_vortices_asked_for(film):
    house = web.theatre(film)
    look = house.look("psi_abs")
    with_zeros, without = seen(house, house.last, look, True), seen(house, house.last, look, False)
    assert np.abs(with_zeros - without).max() > 100  # dots on the zeros
    assert np.array_equal(seen(house, house.last, look, False), without)
    assert np.abs(seen(house, 0, look, False) - without).max() > 50
    assert np.abs(seen(house, house.last, house.look("phase"), False) - without).max() > 50
    assert house.words(0).startswith("t = 0")


@pytest.mark.slow
def test_a_body_has_its_lines(tmp_path):
    run = solve(case_from(SLAB, tmp_path, EVERY), tmp_path / "run", pictures=False)
    house = web.theatre(run)
    picture = seen(house, house.last, house.look("psi_abs"), True) / 255
    assert share(picture, stage.CORE, 0.2) > 1e-4
    assert share(seen(house, house.last, house.look("psi_abs"), False) / 255, stage.CORE, 0.2) < 1e-4


def test_a_run_without_frames_has_nothing_to_show(film):
    from dataclasses import replace

    with pytest.raises(Refusal, match="no frames yet"):
        web.theatre(replace(film, times=np.zeros(0)))


def test_a_scale_names_its_ends(film):
    house = web.theatre(film)
    assert web.scale(house.look("phase"))["low"] == "−π"
    words = web.scale(house.look("psi_abs"))
    assert (words["label"], words["low"], words["high"]) == ("|ψ|", "0", "1")


@pytest.fixture
def address(film) -> Iterator[str]:
    """The page of the film, served by the command."""
    pytest.importorskip("playwright", reason="pip install 'fempslip[browser]' to test pages in a browser")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "fempslip.cli", "view", str(film.folder), "--web", "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=os.environ | {"PYTHONUNBUFFERED": "1"}, text=True) as page:
        try:
            assert page.stdout is not None
            while line := page.stdout.readline():
                if "running at" in line:
                    break
            yield f"http://localhost:{port}/index.html"
        finally:
            page.terminate()


def test_the_page_turns_frames_fields_and_gives_a_picture(address, film, tmp_path: Path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1000, "height": 600})
        page.goto(address)
        page.wait_for_selector("text=t = 40 τ₀")
        page.wait_for_function("() => document.querySelector('.v-container img')?.naturalWidth > 100")
        page.screenshot(path=tmp_path / "last.png")
        page.locator("[role=slider]").focus()
        page.keyboard.press("Home")
        page.wait_for_selector("text=t = 0 τ₀")
        page.click("#again")
        page.wait_for_selector("text=t = 40 τ₀")
        page.locator(".v-select").click()
        page.get_by_text("phase", exact=True).click()
        page.wait_for_selector("#scale >> text=arg ψ")
        with page.expect_download() as download:
            page.click("#picture")
        name = download.value.suggested_filename
        download.value.save_as(tmp_path / "frame.png")
        page.locator("[role=slider]").focus()
        page.keyboard.press("Home")
        page.click("#play")
        page.wait_for_selector("text=t = 40 τ₀")
        chromium.close()
    assert name == f"run_{len(film.times) - 1}.png"
    assert pixels(tmp_path / "frame.png").shape[1] > 900
    body = pixels(tmp_path / "last.png")[80:530]
    assert np.ptp(body) > 0.5 and 0.2 < (body.min(axis=-1) < 0.97).mean() < 1
