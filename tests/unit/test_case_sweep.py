"""The language of sweeps: lists, ranges, combinations, lists side by side, chains; what is wrong is said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fempslip.case import load_text
from fempslip.case.sweep import Sweep, number_of
from fempslip.contract import Refusal

PLAIN = "geometry: wire\ntime: {until: 1 tau}\nsweep:\n"


def sweep_of(text: str) -> Sweep:
    sweep = load_text(PLAIN + text).sweep
    assert sweep is not None
    return sweep


def test_every_combination() -> None:
    sweep = sweep_of("  material.gamma: [0, 10]\n  mesh.size: [0.1 xi, 0.2 xi, 0.3 xi]\n")
    chains = list(sweep.chains())
    assert sweep.count == len(chains) == 6 and all(len(chain) == 1 for chain in chains)
    assert chains[1] == [{"material.gamma": 0, "mesh.size": "0.2 xi"}]


def test_ranges_go_both_ways_in_their_unit_and_hold_their_ends() -> None:
    sweep = sweep_of("  mesh.size: [{from: 0.3 xi, to: 0.1 xi, step: 0.1 xi}, 0.5 xi]\n")
    assert [point["mesh.size"] for [point] in sweep.chains()] == ["0.3 xi", "0.2 xi", "0.1 xi", "0.5 xi"]


@given(st.integers(1, 300), st.sampled_from([0.001, 0.01, 0.1, 1.0]))
def test_a_range_has_as_many_values_as_steps_fit(count: int, step: float) -> None:
    sweep = sweep_of(f"  material.gamma: {{from: 0, to: {count * step:.12g}, step: {step}}}\n")
    assert sweep.count == count + 1


def test_lists_side_by_side_and_a_chain() -> None:
    sweep = sweep_of(
        "  together: {material.gamma: [0, 1], material.u: [1, 2]}\n  mesh.size: [0.1 xi, 0.2 xi]\n  chain: mesh.size\n"
    )
    assert list(sweep.chains()) == [
        [{"material.gamma": g, "material.u": u, "mesh.size": size} for size in ("0.1 xi", "0.2 xi")]
        for g, u in ((0, 1), (1, 2))
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  mesh.size: 0.1 xi\n", "wants a list of values"),
        ("  mesh.size: []\n", "wants a list of values"),
        ("  mesh.size: {from: 0.1 xi, to: 0.3, step: 0.1 xi}\n", "the same unit"),
        ("  mesh.size: {from: 0.1 xi, to: 0.3 xi, step: 0 xi}\n", "must not be 0"),
        ("  mesh.size: {from: 0 xi, to: 1 xi, step: 1e-9 xi}\n", "at most 10000"),
        ("  mesh.size: [0.1]\n  chain: mesh.sise\n", "nearest: mesh.size"),
        ("  together: {mesh.size: [0.1], material.u: [1, 2]}\n", "equal length"),
        ("  chain: mesh.size\n", "paths of the case"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        load_text(PLAIN + text, "mine.yaml")
    assert "mine.yaml:" in str(refused.value)


def test_the_number_of_a_value() -> None:
    assert [number_of(v) for v in ("0.3 j0", 2, "normal", True)] == [0.3, 2.0, None, None]
