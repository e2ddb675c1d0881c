"""PyVista as a camera: an orthographic view, drawn off-screen, comes back as an array of pixels.

Axes, labels and colour bars are put around it by Matplotlib, as sharp as print wants them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..contract import Array, Failure

if TYPE_CHECKING:
    import pyvista

NO_PICTURE = (
    "VTK drew nothing: it found no way to draw without a screen. On Debian and Ubuntu: "
    "apt-get install -y libegl1 libegl-mesa0 libgl1-mesa-dri"
)


@dataclass(frozen=True, eq=False)
class View:
    """What the camera sees.  centre, right, up : (3,) with unit vectors;  half : half width and height in xi."""

    centre: Array
    right: Array
    up: Array
    half: tuple[float, float]

    def project(self, points: Array) -> Array:
        """(n, 3) points -> (n, 2) places in the picture, in xi."""
        rel = np.atleast_2d(points) - self.centre
        return np.stack([rel @ self.right, rel @ self.up], axis=1) + self.origin

    @property
    def origin(self) -> Array:
        """The centre in the picture: seen from above it keeps its coordinates x, y."""
        return np.array([self.centre @ self.right, self.centre @ self.up])

    @property
    def extent(self) -> tuple[float, float, float, float]:
        (x, y), (w, h) = self.origin, self.half
        return (x - w, x + w, y - h, y + h)


def from_above(points: Array, margin: float = 0.03) -> View:
    """The plane of a film, with a margin of its larger side."""
    low, high = points.min(axis=0), points.max(axis=0)
    edge = margin * max(high[:2] - low[:2])
    w, h = (high[:2] - low[:2]) / 2 + edge
    return View((low + high) / 2, np.array([1.0, 0, 0]), np.array([0, 1.0, 0]), (float(w), float(h)))


def from_a_corner(points: Array, rise: float = 0.62) -> View:
    """A body from its front, a little from the left and above."""
    to_eye = np.array([-0.42, -1.0, rise])
    to_eye /= np.linalg.norm(to_eye)
    right = np.cross([0, 0, 1.0], to_eye)
    right /= np.linalg.norm(right)
    up = np.cross(to_eye, right)
    low, high = points.min(axis=0), points.max(axis=0)
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    flat = corners @ np.stack([right, up], axis=1)
    centre = corners.mean(axis=0)
    half = np.ptp(flat, axis=0) / 2 * 1.02
    return View(centre, right, up, (float(half[0]), float(half[1])))


def without_screen() -> bool:
    return os.name == "posix" and not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY")


def plotter(view: View, width: int, smooth: bool = True) -> pyvista.Plotter:
    """An off-screen plotter whose window is the view, width pixels wide.  smooth : several samples per pixel."""
    if without_screen():  # VTK would try the X server first and complain
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    import pyvista as pv

    height = max(2, round(width * view.half[1] / view.half[0]))
    made = pv.Plotter(off_screen=True, window_size=[width, height], lighting="three lights")
    made.set_background("white")
    if smooth:
        made.enable_anti_aliasing("msaa", multi_samples=8)
    else:
        made.disable_anti_aliasing()
    return made


def aim(made: pyvista.Plotter, view: View, perspective: bool = False) -> None:
    """Point the camera; in perspective, as pages of browsers want it, from as far as the view needs."""
    camera, reach = made.camera, (4.6 if perspective else 10) * (max(view.half) if perspective else sum(view.half))
    camera.focal_point = view.centre
    camera.position = view.centre + reach * np.cross(view.right, view.up)
    camera.up = view.up
    camera.parallel_projection = not perspective
    camera.parallel_scale = view.half[1]
    made.renderer.ResetCameraClippingRange()


def shoot(made: pyvista.Plotter, view: View) -> Array:
    """(height, width, 3) uint8.  Raises Failure when VTK drew nothing, which it does not say by itself."""
    try:
        aim(made, view)
        made.render()  # once: a picture taken without it would be the one before
        pixels = np.asarray(made.screenshot(return_img=True))[..., :3]
    except (RuntimeError, AttributeError, OSError) as error:
        raise Failure(NO_PICTURE) from error
    if pixels.size == 0 or np.ptp(pixels) == 0:
        raise Failure(NO_PICTURE)
    return pixels


def halved(pixels: Array) -> Array:
    """Half as many pixels each way, each the mean of four."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    rows = np.add(pixels[:height:2, :width], pixels[1:height:2, :width], dtype=np.uint16)
    return ((rows[:, ::2] + rows[:, 1::2] + 2) >> 2).astype(np.uint8)
