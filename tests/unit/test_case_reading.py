"""YAML with places: what is read, what is refused, and where messages point."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fempslip.case.reading import dump, read_text
from fempslip.contract import Refusal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("-2", -2),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("60 nm", "60 nm"),
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("no", "no"),
        ("true", True),
        ("null", None),
        ("", None),
        ("'1e-3'", "1e-3"),
        ("2001-01-01", "2001-01-01"),
        ("12:30", "12:30"),
        (".nan", ".nan"),
    ],
)
def test_scalars_mean_what_they_look_like(text, value):
    read = read_text(f"a: {text}", "x").data["a"]
    assert read == value
    assert type(read) is type(value)


def test_every_key_and_value_knows_its_place():
    written = read_text("a: 1\nb:\n  - {c: 2, d: 3}\n", "file.yaml")
    assert str(written.place(("b", 0, "d"))) == "file.yaml:3:15"
    assert str(written.place(("b", 0, "d"), key=True)) == "file.yaml:3:12"
    assert str(written.place(("b", 0, "unknown"))) == "file.yaml:3:5"


def test_duplicate_keys_are_refused_all_at_once():
    with pytest.raises(Refusal) as caught:
        read_text("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f")
    assert "f:2:1: the key 'a' is written twice (first in line 1)" in str(caught.value)
    assert "f:3:11: the key 'c'" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1", "f:1:4: anchors"),
        ("a: 1\nb: *x", "f:2:4: anchors"),
        ("a: !t 1", "f:1:4: tags"),
        ("a: [1", "f:1:6:"),
        ("[1]: 2", "f:1:1: a key must be a word"),
        ('a: "\\x07"', "f:1:4: control characters"),
        ("\x00", "f:1:1:"),
        ("[" * 30 + "]" * 30, "nested deeper"),
    ],
)
def test_what_a_case_has_no_use_for_is_refused_with_its_place(text, message):
    with pytest.raises(Refusal, match=message.replace("[", r"\[")):
        read_text(text, "f")


def test_the_caret_stands_below_the_place():
    with pytest.raises(Refusal) as caught:
        read_text("ab: 1\ncd: &x 2", "f")
    head, line, caret = str(caught.value).split("\n")
    assert line.index("&x") == caret.index("^")


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**14), 10**14)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=["C"], blacklist_characters="\x85\u2028\u2029")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz019_ ", min_size=1), inner, max_size=4),
    max_leaves=6,
)


@settings(max_examples=40)
@given(PLAIN)
def test_dumped_data_reads_back_the_same(data):
    for flow in (False, True):
        read = read_text(dump({"a": data}, flow), "x").data
        assert read == {"a": data}
        assert str(read) == str({"a": data})  # 1 and 1.0 and True are equal, and not the same
