"""Spoilt case files: each gives a Case or a Refusal with a place, never another exception, and quickly."""

import random
import time

import pytest

from fempslip.case import Case, delivered, load_text
from fempslip.case.reading import DEEPEST, LARGEST
from fempslip.contract import Refusal

TEXTS = {name: path.read_text() for name, path in delivered("cases").items()}
ODD = [
    "nan",
    ".inf",
    "-1",
    "0",
    "1e999",
    "60 nm",
    "60 mT",
    "2 degC",
    "[]",
    "{}",
    "null",
    "true",
    "on",
    "'",
    '"',
    "&a 1",
    "*a",
    "!!python/object:os.system x",
    "? x",
    "<<: 1",
    "- ",
    ": ",
    "%",
    "\t",
    "\x00",
    "\ud7ff",
    "é",
    "9**9**9",
    "1 xi xi",
    "0.3 Idep",
    "1 Phi0",
    "{box: {size: [1, 1, 1]}}",
    "{plus: [1, 2]}",
    "[[[[1]]]]",
    "{use: wire}",
    "../../etc/passwd",
    "2 - ",
]


def spoilt(text: str, dice: random.Random) -> str:
    """A text with one to three changes: of characters, words, lines or values."""
    for _ in range(dice.randint(1, 3)):
        lines = text.split("\n")
        at = dice.randrange(len(lines))
        kind = dice.randrange(7)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[dice.randrange(len(lines))])
        elif kind == 2:
            lines[at] = " " * dice.randint(0, 4) + lines[at].lstrip()
        elif kind == 3 and ":" in lines[at]:
            lines[at] = lines[at].partition(":")[0] + ": " + dice.choice(ODD)
        elif kind == 4 and lines[at]:
            i = dice.randrange(len(lines[at]))
            lines[at] = lines[at][:i] + dice.choice(ODD) + lines[at][i + dice.randint(0, 3) :]
        elif kind == 5:
            words = lines[at].split(" ")
            words[dice.randrange(len(words))] = dice.choice(ODD)
            lines[at] = " ".join(words)
        elif lines[at]:
            i = dice.randrange(len(lines[at]))
            lines[at] = lines[at][:i] + lines[at][i + 1 :]
        text = "\n".join(lines)
    return text


@pytest.mark.parametrize("name", TEXTS)
def test_spoilt_files_are_refused_or_read(name):
    dice = random.Random(name)
    refused = 0
    start = time.process_time()
    for inlined in (False, True):
        text = load_text(TEXTS[name]).document() if inlined else TEXTS[name]
        for _ in range(30):
            try:
                case = load_text(spoilt(text, dice))
            except Refusal as refusal:
                refused += 1
                assert ":" in str(refusal)
                assert "Error" not in str(refusal)
            else:
                assert isinstance(case, Case)
                assert load_text(case.document()) == case
    assert refused > 10
    assert time.process_time() - start < 20


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [1]\nb: *a",
        "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]",
        "a: !!python/object/apply:os.system [ls]",
        "[" * (DEEPEST + 5) + "]" * (DEEPEST + 5),
        "[" * 100_000,
        "{a: " * 50_000,
        "x: " + "y" * LARGEST,
        "a: 1\na: 2",
        "- 1\n- 2",
        "",
        "--- a\n--- b",
        "\x00",
        "? [1, 2]\n: 3",
        "[0" + ", 0" * 60_000 + "]",
        "a: " + "9" * 10_000,
        "time: {until: " + "1 xi + " * 1000 + "1}",
    ],
    ids=range(16),
)
def test_hostile_text_is_refused_quickly(text):
    start = time.process_time()
    with pytest.raises(Refusal):
        load_text(text)
    assert time.process_time() - start < 5
