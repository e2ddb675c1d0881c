"""What README and docs tell a reader to type is understood; what they show runs; the site builds without a warning."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import yaml

import fempslip as fs
from fempslip.case import load_text
from fempslip.case.drawers import delivered
from fempslip.cli import DONE, UNMET, main, parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)
INLINE = re.compile(r"`(fempslip [a-z]+ [^`]*)`")
QUICK = {"cases", "check", "init", "schema"}  # words that solve nothing
ELSEWHERE = {  # commands that other tests run as they stand
    "fempslip batch iv_curve": "tests/cases solves every delivered sweep",
    "fempslip batch iv_curve --scheduler tcp://head:8786": "tests/unit/test_run_batch.py has a scheduler",
    "fempslip verify": "tests/verification/test_orders.py measures the same orders",
}


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of every block in a language."""
    return [
        (page.name, text) for page in PAGES for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language
    ]


def commands(text: str) -> list[str]:
    return [shlex.join(shlex.split(line, comments=True)) for line in text.splitlines() if line.startswith("fempslip ")]


COMMANDS = [(page, line) for page, text in blocks("sh") for line in commands(text)]
NAMED = [
    (page.name, line)
    for page in PAGES
    for line in INLINE.findall(page.read_text("utf-8"))
    if not re.search("[A-Z]{3}", line)
]
TYPED = {page: [line for name, line in COMMANDS if name == page] for page, _ in COMMANDS}


def words_of(line: str) -> tuple[list[str], str | None]:
    """Words after the program's name, and the file that its answer goes to."""
    words = shlex.split(line)[1:]
    return (words[: words.index(">")], words[-1]) if ">" in words else (words, None)


@pytest.mark.parametrize(("page", "line"), COMMANDS + NAMED)
def test_a_command_is_understood_and_names_what_there_is(page: str, line: str) -> None:
    words = parser().parse_args(words_of(line)[0])
    case = getattr(words, "case", None)
    assert case is None or case in delivered("cases") or "/" in case or case.startswith("my_"), line


@pytest.mark.parametrize("page", TYPED)
def test_the_quick_commands_of_a_page_answer(page: str, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for line in TYPED[page]:
        words, into = words_of(line)
        if words[0] in QUICK:
            assert main(words) == DONE, line
            said = capsys.readouterr().out
            assert said
            if into is not None:
                Path(into).write_text(said, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("page", TYPED)
def test_the_commands_of_a_page_run_one_after_the_other(page: str, tmp_path: Path) -> None:
    """In a shell, as a reader types them.  A case that is changed need not meet the expectations of the old one."""
    for line in TYPED[page]:
        if line in ELSEWHERE:
            continue
        program = line.replace("fempslip", f"{sys.executable} -m fempslip.cli", 1).replace("'>'", ">")
        done = subprocess.run(program, shell=True, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode in ({DONE, UNMET} if "--set" in line or "--until" in line else {DONE}), done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("page", "text"), [pytest.param(*b, id=f"{b[0]}-{k}") for k, b in enumerate(blocks("python"))])
def test_a_block_of_python_runs(page: str, text: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "error::DeprecationWarning", "-c", text], cwd=tmp_path, check=True)


def test_a_block_of_yaml_loads() -> None:
    """Whole cases as they are; pieces of one in place of the same parts of a delivered case."""
    wire = yaml.safe_load(delivered("cases")["wire_weak_spot"].read_text("utf-8"))
    found = [yaml.safe_load(text) for _, text in blocks("yaml")]
    assert found
    for piece in found:
        whole = {"geometry", "time"} <= set(piece) or "task" in piece
        load_text(yaml.safe_dump(piece if whole else wire | piece))


@pytest.mark.parametrize("name", sorted(set(fs.__all__) - {"__version__"}))
def test_the_examples_of_the_words_of_a_notebook(name: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    word = getattr(fs, name)
    (example,) = doctest.DocTestFinder(recurse=False).find(word, name, import_module(word.__module__))
    assert example.examples, f"fs.{name} has no example"
    told: list[str] = []
    assert doctest.DocTestRunner().run(example, out=told.append).failed == 0, "".join(told)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="pip install 'fempslip[docs]' to test the documentation site")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()
