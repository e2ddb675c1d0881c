"""Shapes: what lies inside them (by their area and volume) and what is refused."""

from math import pi

import numpy as np
import pytest

from fempslip.case import load_text
from fempslip.contract import Refusal


def geometry(dimension, shape, extra=""):
    text = f"geometry:\n  dimension: {dimension}\n  regions: {{body: {shape}}}\n{extra}time: {{until: 1 tau}}\n"
    return load_text(text).geometry


@pytest.mark.parametrize(
    ("dimension", "shape", "measure"),
    [
        (2, "{rectangle: {size: [3, 2], center: [1, 0]}}", 6.0),
        (2, "{disk: {radius: 1.5}}", pi * 1.5**2),
        (2, "{annulus: {inner: 1, outer: 2}}", 3 * pi),
        (2, "{polygon: {points: [[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]]}}", 3.0),
        (2, "{plus: [{disk: {radius: 1, center: [-1, 0]}}, {disk: {radius: 1, center: [1.5, 0]}}]}", 2 * pi),
        (
            2,
            "{minus: [{disk: {radius: 2}}, {rectangle: {size: [1, 1]}}, {disk: {radius: 0.2, center: [1, 1]}}]}",
            4 * pi - 1 - 0.04 * pi,
        ),
        (3, "{box: {size: [3, 2, 1]}}", 6.0),
        (3, "{cylinder: {radius: 1, height: 2, axis: [1, 0, 0]}}", 2 * pi),
        (3, "{cylinder: {radius: 1, height: 2, axis: [1, 1, 0]}}", 2 * pi),
    ],
)
def test_contains_has_the_measure_of_the_shape(dimension, shape, measure):
    """By counting random points; three standard deviations."""
    points, half = 200_000, 3.0
    x = np.random.default_rng(1).uniform(-half, half, (dimension, points))
    share = geometry(dimension, shape).regions["body"].contains(x).mean()
    volume = (2 * half) ** dimension
    error = volume * np.sqrt(share * (1 - share) / points)
    assert share * volume == pytest.approx(measure, abs=3 * error)


def test_a_ring_by_radius_or_length():
    for shape in ("{ring: {radius: 5}}", "{ring: {length: 31.41592653589793}}"):
        assert geometry(1, shape).regions["body"].radius == pytest.approx(5.0)


def test_points_of_wires_live_in_space():
    body = geometry(1, "{segment: {from: 0, to: [3, 4]}}").regions["body"]
    assert (body.from_, body.to) == ((0.0, 0.0, 0.0), (3.0, 4.0, 0.0))


@pytest.mark.parametrize(
    ("dimension", "shape", "message"),
    [
        (2, "{rectangle: {size: [3, -2]}}", "size[1] must be larger than 0"),
        (2, "{annulus: {inner: 2, outer: 1}}", "inner (2 xi) must be smaller than outer (1 xi)"),
        (2, "{polygon: {points: [[0, 0], [1, 1], [1, 0], [0, 1]]}}", "cross or touch"),
        (2, "{polygon: {points: [[0, 0], [1, 0], [0.5, 0]]}}", "cross or touch"),
        (2, "{polygon: {points: [[0, 0], [1, 0]]}}", "3 to 2000 points"),
        (2, "{box: {size: [1, 1, 1]}}", "box is a shape of dimension 3; the geometry has 2"),
        (2, "{disc: {radius: 1}}", "nearest: disk"),
        (2, "{disk: {radius: 1}, box: {}}", "one shape"),
        (2, "{plus: [{disk: {radius: 1}}]}", "at least two"),
        (2, "{disk: {radius: 1, centre: [0, 0]}}", "nearest: center"),
        (3, "{cylinder: {radius: 1, height: 1, axis: [0, 0, 0]}}", "must not be zero"),
        (3, "{box: {size: [1, 1]}}", "box.size wants 3 values; the last is missing"),
        (1, "{ring: {radius: 1, length: 2}}", "one of them"),
        (1, "{segment: {from: 1, to: 1}}", "no length"),
        (4, "{disk: {radius: 1}}", "dimension"),
    ],
)
def test_refused(dimension, shape, message):
    with pytest.raises(Refusal) as caught:
        geometry(dimension, shape)
    assert message in str(caught.value)


def test_boundaries_are_checked_against_the_shape():
    with pytest.raises(Refusal, match="a disk has outer"):
        geometry(2, "{disk: {radius: 1}}", "  boundaries: {source: {edge: left, of: body}}\n")
    with pytest.raises(Refusal, match="wants edge or within, not end"):
        geometry(2, "{disk: {radius: 1}}", "  boundaries: {source: {end: first}}\n")
    found = geometry(2, "{disk: {radius: 1}}", "  boundaries: {rim: {edge: outer}}\n").boundaries["rim"]
    assert (found.side, found.of) == ("outer", "body")
