"""Pictures of synthetic runs: the colours stand for the numbers, and what cannot be drawn is said plainly."""

from __future__ import annotations

import numpy as np
import pytest
from skfem import MeshTet, MeshTri

from fempslip import view
from fempslip.contract import Failure, Mesh, Refusal
from fempslip.store import RunWriter, open_run
from fempslip.view import canvas, looks, sheets, stage, wires
from fempslip.view.plots import slip_centre

HEADER = {"title": "synthetic", "scales": {"xi": 20e-9, "tau0": 3e-12, "V0": 4e-4}}


def film(length=24.0, width=12.0, h=0.5) -> Mesh:
    made = MeshTri.init_tensor(*(np.linspace(-s / 2, s / 2, round(s / h) + 1) for s in (length, width)))
    return Mesh(made.p, made.t, np.arange(made.p.shape[1]), {"film": np.arange(made.t.shape[1])}, {})


def slab(sides=(12.0, 8.0, 3.0), h=0.5) -> Mesh:
    made = MeshTet.init_tensor(*(np.linspace(-s / 2, s / 2, round(s / h) + 1) for s in sides))
    return Mesh(made.p, made.t, np.arange(made.p.shape[1]), {"slab": np.arange(made.t.shape[1])}, {})


def wire(length=40.0, h=0.25) -> Mesh:
    x = np.linspace(-length / 2, length / 2, round(length / h) + 1)
    points, n = np.stack([x, 0 * x, 0 * x]), len(x)
    return Mesh(points, np.array([range(n - 1), range(1, n)]), np.arange(n), {"wire": np.arange(n - 1)}, {})


def vortices(points: np.ndarray, places: list[tuple[float, float, int]], tilt: float = 0.0) -> dict[str, np.ndarray]:
    """psi = prod tanh(r / 1.1) exp(i n angle), and its current |psi|^2 grad theta; lines lean by tilt along x."""
    x, y, z = (*points, *np.zeros((3 - len(points), points.shape[1])))
    psi, flow = np.ones(x.size, complex), np.zeros((x.size, 3))
    for x0, y0, n in places:
        dx, dy = x - x0 - tilt * z, y - y0
        r = np.hypot(dx, dy) + 1e-12
        psi *= np.tanh(r / 1.1) * np.exp(1j * n * np.arctan2(dy, dx))
        flow += n * np.stack([-dy, dx, 0 * r], axis=1) / (r**2)[:, None]
    current = (np.abs(psi) ** 2)[:, None] * flow + [0.1, 0, 0]
    names = {"psi_re": psi.real, "psi_im": psi.imag, "psi_abs": np.abs(psi), "phase": np.angle(psi)}
    return names | {"mu": -0.02 * x, "supercurrent": current, "normal_current": np.full_like(flow, 0.01)}


def slipping(x: np.ndarray, t: float, period: float = 20.0) -> dict[str, np.ndarray]:
    """A phase-slip centre at 0: the pairs' potential steps there by V, the quasiparticles' bends over a length of 5."""
    v = 2 * np.pi / period
    dip = 1 - 0.95 * np.cos(np.pi * (t / period - 0.5)) ** 8 * np.exp(-((x / 1.5) ** 2))
    turns = v * t * np.where(x > 0, 0.5, -0.5)
    amplitude = dip * np.tanh((np.abs(x).max() - np.abs(x)) / 1.4)
    mu = -0.5 * v * np.tanh(x / 5) * (1 + 0.4 * np.cos(2 * np.pi * t / period))
    psi = amplitude * np.exp(1j * turns)
    current = np.stack([0.2 * amplitude**2, 0 * x, 0 * x], axis=1)
    return {"psi_re": psi.real, "psi_im": psi.imag, "psi_abs": amplitude, "mu": mu, "supercurrent": current,
            "normal_current": 0.2 - current}  # fmt: skip


def film_run(folder, frames=4):
    mesh = film()
    with RunWriter.create(folder, mesh, header=HEADER) as writer:
        for k in range(frames):
            places = [(-6.0 + k, 3.0 - k, 1), (5.0, -1.0 + 0.5 * k, 1), (0.0, -3.0, -1)]
            writer.frame(100.0 * k, vortices(mesh.points, places))
            for x, y, n in places:
                writer.row("zeros", {"t": 100.0 * k, "x": x, "y": y, "z": 0.0, "winding": n})
        writer.checkpoint({})
        writer.finish({})
    return open_run(folder)


def slab_run(folder, frames=2):
    mesh = slab()
    with RunWriter.create(folder, mesh, header={}) as writer:
        for k in range(frames):
            writer.frame(2.0 * k, vortices(mesh.points, [(-3.0 + k, 0.5, 1), (2.5 + k, -1.5, 1)], tilt=0.4))
        writer.checkpoint({})
        writer.finish({})
    return open_run(folder)


def wire_run(folder, frames=101, header=HEADER, mesh=None):
    mesh = mesh or wire()
    with RunWriter.create(folder, mesh, header=header) as writer:
        for t in np.linspace(0.0, 100.0, frames):
            writer.frame(t, slipping(mesh.points[0], t))
        for t in np.linspace(0.05, 100.0, 2000):
            v = 2 * np.pi / 20 * (1 + 0.7 * np.cos(2 * np.pi * t / 20) ** 3) + 3 * np.exp(-t)
            writer.row("voltage", {"t": t, "up|down": v, "up|down impulse": np.pi * t / 10, "up|down slips": t // 20})
        writer.checkpoint({})
        writer.finish({"results": {"voltage": {"mean": 0.3142}}})
    return open_run(folder)


def pixels(path) -> np.ndarray:
    from matplotlib.image import imread

    return (imread(path)[..., :3] * 255).round().astype(int)


def share(image: np.ndarray, colour: tuple[int, int, int], reach: int = 12) -> float:
    """Part of a picture within reach of a colour."""
    return float((np.abs(image - np.array(colour)).max(axis=-1) <= reach).mean())


def colour(cmap: str, value: float) -> tuple[int, ...]:
    import matplotlib

    return tuple(round(255 * c) for c in matplotlib.colormaps[cmap](value)[:3])


@pytest.fixture(scope="module")
def film_folder(tmp_path_factory):
    return film_run(tmp_path_factory.mktemp("runs") / "film")


@pytest.fixture(scope="module")
def wire_folder(tmp_path_factory):
    return wire_run(tmp_path_factory.mktemp("runs") / "wire")


def test_colours_of_a_film_are_its_numbers(film_folder):
    fields, scene = film_folder.frame(0), stage.scene(film_folder.mesh)
    made = canvas.plotter(scene.view, 500)
    look = looks.look_for("psi_abs", [fields])
    stage.draw(made, scene, fields, look, contours=False)
    image = canvas.shoot(made, scene.view).astype(int)
    x0, x1, y0, y1 = scene.view.extent
    for x, y in ((-11.3, -5.1), (8.0, 4.0), (-6.0, 3.0), (-4.75, 3.0), (5.5, -1.5)):
        node = np.argmin(np.hypot(*(film_folder.mesh.points - np.array([[x], [y]]))))
        place = film_folder.mesh.points[:, node]
        row = round((y1 - place[1]) / (y1 - y0) * image.shape[0] - 0.5)
        column = round((place[0] - x0) / (x1 - x0) * image.shape[1] - 0.5)
        wanted = colour("viridis", float(fields["psi_abs"][node]))
        assert np.abs(image[row, column] - wanted).max() <= 25, (x, y)  # a pixel is 0.05 xi: |psi| differs by 0.05
    inside = 24 * 12 / ((x1 - x0) * (y1 - y0))
    assert abs((image.min(axis=-1) < 250).mean() - inside) < 0.02  # the rest is paper
    stage.draw(made, scene, {**fields, "psi_abs": 0 * fields["psi_abs"]}, look, contours=False)
    assert share(canvas.shoot(made, scene.view).astype(int), colour("viridis", 0.0), 3) > inside - 0.03  # drawn anew
    made.close()


def test_a_phase_that_turns_has_no_false_line(tmp_path):
    """Across the cut of arg psi at +-pi the picture is continuous, away from the zero and the edge."""
    mesh, scene = film(12, 12), stage.scene(film(12, 12))
    fields = vortices(mesh.points, [(0.0, 0.0, 1)])
    made = canvas.plotter(scene.view, 400)
    stage.draw(made, scene, fields, looks.look_for("phase", [fields]))
    image = canvas.shoot(made, scene.view).astype(int)
    made.close()
    n = image.shape[0]
    strip = image[n // 4 : 3 * n // 4, n // 8]  # a line from above to below through the cut at x < 0, y = 0
    assert np.abs(np.diff(strip, axis=0)).max() < 25
    assert np.ptp(strip, axis=0).max() > 40  # and it does turn


def test_a_contact_without_psi_takes_the_phase_beside_it():
    """psi is held at 0 on the left edge, where its phase is noise: no colour of that noise is in the picture."""
    mesh, scene = film(12, 6), stage.scene(film(12, 6))
    psi = 0.7 * np.exp(0.5j) * np.ones(mesh.nodes)
    psi[mesh.points[0] < -5.9] = 1e-17 * np.exp(2.5j)
    fields = {"psi_re": psi.real, "psi_im": psi.imag, "psi_abs": np.abs(psi)}
    made, look = canvas.plotter(scene.view, 400), looks.look_for("phase", [fields])
    stage.draw(made, scene, fields, look)
    image = canvas.shoot(made, scene.view).astype(int)
    colours = [share(image, colour("twilight", (phase + np.pi) / (2 * np.pi)), 4) for phase in (0.5, 2.5)]
    assert colours[0] > 0.8 and colours[1] < 0.001
    stage.draw(made, scene, {name: 0 * field for name, field in fields.items()}, look)
    blank = canvas.shoot(made, scene.view).astype(int)
    assert share(blank, (255, 255, 255)) > 0.9  # all normal: no phase anywhere
    made.close()


def test_numbers_along_edges_of_a_body():
    for low, high, most, wanted in (
        (-8, 8, 6, [-8, -4, 0, 4, 8]), (-5, 5, 3, [-5, 0, 5]), (-10, 10, 7, [-10, -5, 0, 5, 10]),
        (0, 0.5, 2, [0, 0.5]), (-9.3, 9.3, 6, [-8, -4, 0, 4, 8]), (-0.15, 0.15, 3, [-0.1, 0, 0.1]),
    ):  # fmt: skip
        assert np.allclose(sheets._ticks(low, high, most), wanted), (low, high)


def test_four_pixels_make_one():
    one = np.array([[[0, 255, 1], [0, 255, 2]], [[255, 255, 2], [255, 255, 2]], [[9, 9, 9], [9, 9, 9]]], np.uint8)
    assert np.array_equal(canvas.halved(one), [[[128, 255, 2]]])


def test_snapshot_of_a_film(film_folder, tmp_path):
    path = view.snapshot(film_folder, tmp_path / "new" / "film.png", frame=1, field=("psi_abs", "phase", "current"))
    image = pixels(path)
    assert image.shape[1] == 1020 and image.shape[0] > 900  # 3.4 inches at 300 dots
    assert share(image, colour("viridis", 1.0)) > 0.1 and 0.2 < share(image, (255, 255, 255), 0) < 0.7
    zeros = np.asarray(view.scenes.zeros_of(film_folder, 1))
    assert np.array_equal(zeros[:, [0, 1, 3]], [[-5, 2, 1], [5, -0.5, 1], [0, -3, -1]])
    with pytest.raises(Refusal, match=r"no field 'psy'; there are .*current.*psi_abs"):
        view.snapshot(film_folder, tmp_path / "x.png", field="psy")
    with pytest.raises(Refusal, match="there is no frame 9"):
        view.snapshot(film_folder, tmp_path / "x.png", frame=9)
    assert not (tmp_path / "x.png").exists()


def test_snapshot_of_a_body_shows_cores_and_a_cut(tmp_path):
    run = slab_run(tmp_path / "slab")
    scene = stage.scene(run.mesh)
    assert np.isclose(scene.outline.length, np.linalg.norm([12, 8, 3]))  # its edges, and nothing inside
    assert scene.outline.n_cells == 4 * (24 + 16 + 6)
    image = pixels(view.snapshot(run, tmp_path / "slab.png"))
    orange = (image[..., 0] > 150) & (image[..., 2] < 70) & (image[..., 0] - image[..., 1] > 60)
    assert 0.004 < orange.mean() < 0.1 and share(image, colour("viridis", 1.0), 40) > 0.1


def test_movie_moves_and_reports(film_folder, tmp_path):
    reader = pytest.importorskip("imageio_ffmpeg").read_frames
    seen: list[tuple[int, int]] = []
    path = view.movie(film_folder, tmp_path / "film.mp4", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(k, 4) for k in range(1, 5)]
    frames = reader(str(path))
    width, height = next(frames)["size"]
    stack = [np.frombuffer(frame, np.uint8).reshape(height, width, 3).astype(int) for frame in frames]
    assert (width, height % 2, len(stack)) == (1280, 0, 4)
    for one, other in zip(stack[:-1], stack[1:], strict=True):
        assert 1e-3 < (np.abs(one - other).max(axis=-1) > 40).mean() < 0.2  # vortices and the clock, not the axes


def test_movie_of_a_wire(wire_folder, tmp_path):
    path = view.movie(wire_folder, tmp_path / "wire.mp4", frames=6)
    assert path.stat().st_size > 5000


def test_pictures_of_a_wire(wire_folder, tmp_path):
    image = pixels(view.kymograph(wire_folder, tmp_path / "k.png"))
    assert share(image, colour("viridis", 1.0)) > 0.25 and image.shape[1] == 1020
    for draw in (view.voltage_plot, view.snapshot):
        assert share(pixels(draw(wire_folder, tmp_path / "p.png")), (0x1F, 0x5F, 0xA8), 8) > 1e-3
    assert view.voltage_pairs(wire_folder) == ["up|down"]


@pytest.mark.parametrize("given", [True, False], ids=["mu_pair", "phase"])
def test_potentials_of_pairs_and_quasiparticles(tmp_path, given):
    """Pairs: +-V/2 on the two sides of the slip centre; quasiparticles: the same far away, V/2 (1 - 1/e...) near."""
    mesh, v = wire(), 2 * np.pi / 20
    with RunWriter.create(tmp_path / "run", mesh) as writer:
        for t in np.linspace(0.0, 100.0, 101):
            extra = {"mu_pair": -0.5 * v * np.sign(mesh.points[0])} if given else {}
            writer.frame(t, slipping(mesh.points[0], t) | extra)
        writer.checkpoint({})
    run = open_run(tmp_path / "run")
    way, found = view.potentials(run, first=20.0)
    left, right = np.interp([-10, 10], way.x, found["pairs"])
    assert np.allclose([left, right], [v / 2, -v / 2], atol=1e-6)  # period 20: the jump is 2 pi / 20
    assert np.allclose(found["mu"], -0.5 * v * np.tanh(way.x / 5), atol=0.01 * v)
    assert abs(slip_centre(way, found["psi_min"])) < 1e-9
    image = pixels(view.profile(run, tmp_path / "profile.png"))
    assert share(image, (0x1F, 0x5F, 0xA8), 8) > 1e-3 and share(image, (0xC1, 0x44, 0x0E), 8) > 1e-3


def test_the_way_along_rings_and_networks():
    n, radius = 40, 3.0
    angle = 2 * np.pi * np.arange(n) / n
    shuffled = np.random.default_rng(3).permutation(n)
    points = np.empty((3, n))
    points[:, shuffled] = np.array([radius * np.cos(angle), radius * np.sin(angle), 0 * angle])
    cells = np.sort(np.array([shuffled, np.roll(shuffled, -1)]), axis=0)
    way = wires.along(Mesh(points, cells, np.arange(n), {"ring": np.arange(n)}, {}))
    assert way.closed and way.whole and len(way.nodes) == n + 1 and way.nodes[0] == way.nodes[-1]
    assert np.isclose(way.x[-1], 2 * n * radius * np.sin(np.pi / n))
    star = np.array([[0, 1, 2, -1, -2, -3, 0], [0, 0, 0, 0, 0, 0, 1.0], [0] * 7])
    legs = np.array([[0, 1, 0, 3, 4, 0], [1, 2, 3, 4, 5, 6]])
    way = wires.along(Mesh(star, legs, np.arange(7), {"star": np.arange(6)}, {}))
    assert not way.whole and not way.closed and np.array_equal(way.x, [-3, -2, -1, 0, 1, 2])
    with pytest.raises(Refusal, match="of wires and rings"):
        wires.along(film())


def test_a_network_is_drawn_from_above(tmp_path):
    x = np.linspace(-6, 6, 49)
    points = np.concatenate(
        [np.stack([x, 0 * x, 0 * x], 1), np.stack([0 * x[:24], 0.25 + x[:24] + 6, 0 * x[:24]], 1)]
    ).T
    legs = [(k, k + 1) for k in range(48)] + [(24, 49)] + [(k, k + 1) for k in range(49, 72)]
    mesh = Mesh(points, np.array(legs).T, np.arange(73), {"net": np.arange(len(legs))}, {})
    with RunWriter.create(tmp_path / "run", mesh) as writer:
        writer.frame(0.0, {"psi_re": np.ones(73), "psi_im": np.zeros(73), "psi_abs": np.ones(73)})
        writer.checkpoint({})
    image = pixels(view.snapshot(open_run(tmp_path / "run"), tmp_path / "net.png"))
    assert 0.01 < share(image, colour("viridis", 1.0)) < 0.3


def test_show_without_a_screen_writes_files_and_says_so(film_folder, wire_folder, monkeypatch, tmp_path):
    monkeypatch.setattr(canvas, "without_screen", lambda: True)
    (said,) = view.show(film_folder)
    picture, page = (film_folder.folder / name for name in ("view.png", "view.html"))
    assert picture.is_file()  # and a page where the packages for it are installed
    assert said == f"no screen here: wrote {picture}" + (f" and {page}" if page.is_file() else "")
    assert view.show(wire_folder, tmp_path / "w.png") == [
        f"wrote {tmp_path / 'w.png'} and {tmp_path / 'w_kymograph.png'}"
    ]


def test_when_vtk_draws_nothing_it_is_said(film_folder, tmp_path, monkeypatch):
    import pyvista as pv

    blank = np.zeros((40, 80, 3), np.uint8)
    monkeypatch.setattr(pv.Plotter, "screenshot", lambda *a, **k: blank)
    with pytest.raises(Failure, match="apt-get install -y libegl1 libegl-mesa0 libgl1-mesa-dri"):
        view.snapshot(film_folder, tmp_path / "film.png")
    assert not (tmp_path / "film.png").exists()


def test_what_cannot_be_drawn_is_refused(film_folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="the picture cannot be written"):
        view.snapshot(film_folder, tmp_path / "file" / "film.png")
    with pytest.raises(Refusal, match="of wires and rings"):
        view.kymograph(film_folder, tmp_path / "k.png")
    with pytest.raises(Refusal, match="no table of voltages"):
        view.voltage_plot(film_folder, tmp_path / "v.png")
    with RunWriter.create(tmp_path / "empty", film()):
        with pytest.raises(Refusal, match="no frames yet"):
            view.snapshot(open_run(tmp_path / "empty"), tmp_path / "e.png")
        with pytest.raises(Refusal, match="no frames yet"):
            view.movie(open_run(tmp_path / "empty"), tmp_path / "e.mp4")


def test_labels_are_right():
    from fempslip.view import scales

    assert scales.si(2e-8, "m") == "20 nm" and scales.si(3.1e-12, "s") == "3.1 ps" and scales.si(0, "V") == "0 V"
    assert scales.si(-4e-6, "V") == "-4 µV" and scales.si(999.9e-9, "m", 4) == "999.9 nm"
    assert scales.label(HEADER, "x", "xi") == "x (ξ = 20 nm)" and scales.label({}, "x", "xi") == "x (ξ)"
    assert scales.quantity(HEADER, 400, "tau0") == "400 τ₀ = 1.2 ns"
    assert [scales.round_length(e) for e in (40, 24, 12, 7, 1.0)] == [10, 5, 2, 1, 0.2]
