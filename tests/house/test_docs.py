"""What README and docs tell a reader to type is understood; what they show runs; the site builds without a warning."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fempslip.case import load_text
from fempslip.case.drawers import delivered
from fempslip.cli import parser

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of every block in a language."""
    return [
        (page.name, text) for page in PAGES for kind, text in BLOCK.findall(page.read_text("utf-8")) if kind == language
    ]


COMMANDS = [(page, line) for page, text in blocks("sh") for line in text.splitlines() if line.startswith("fempslip ")]


def words_of(line: str) -> list[str]:
    words = shlex.split(line, comments=True)[1:]
    return words[: words.index(">")] if ">" in words else words


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_is_understood_and_names_what_there_is(page: str, line: str) -> None:
    words = parser().parse_args(words_of(line))
    case = getattr(words, "case", None)
    assert case is None or case in delivered("cases") or "/" in case or case.startswith("my_"), line


@pytest.mark.slow
@pytest.mark.parametrize(("page", "text"), [pytest.param(*b, id=f"{b[0]}-{k}") for k, b in enumerate(blocks("python"))])
def test_a_block_of_python_runs(page: str, text: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-W", "error::DeprecationWarning", "-c", text], cwd=tmp_path, check=True)


def test_a_whole_case_in_the_docs_loads() -> None:
    whole = [text for _, text in blocks("yaml") if "geometry:" in text and "time:" in text]
    assert whole
    for text in whole:
        load_text(text)


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    pytest.importorskip("sphinx", reason="pip install 'fempslip[docs]' to test the documentation site")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", str(ROOT / "docs"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "index.html").is_file()
