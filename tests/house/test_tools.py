"""Lint, format and types: part of the tests, so that one command shows all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = {"lint": "ruff check .", "format": "ruff format --check .", "types": "mypy"}


@pytest.mark.parametrize("tool", TOOLS)
def test_tool_finds_nothing(tool):
    done = subprocess.run([sys.executable, "-m", *TOOLS[tool].split()], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
