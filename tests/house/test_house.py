"""The layout holds what it promises: imports go one way, the command answers at once, files are where people look."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "fempslip"
SKIPPED = {"runs", "build", "dist", "__pycache__"}


def rooms() -> list[str]:
    """The rooms in the order of the map in the package's docstring, lowest first."""
    text = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text("utf-8"))) or ""
    listed = text.split("The rooms of the package", 1)[1].split("\n\n")[1]
    return [line.split()[0] for line in listed.splitlines()]


def room_of(module: str) -> str | None:
    """``fempslip.mesh.paths`` -> ``mesh``; None for the package itself and for other packages."""
    parts = module.split(".")
    return parts[1] if parts[0] == "fempslip" and len(parts) > 1 else None


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(path: Path) -> Iterator[str]:
    """Dotted names that a file imports anywhere, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            # a relative import starts at the file's own package, level - 1 packages up
            package = module_name(path).split(".")[: -node.level] if node.level else []
            source = ".".join([*package, *(node.module or "").split(".")]).strip(".")
            yield from (f"{source}.{name.name}" for name in node.names)


def climbing_imports(package_files: list[Path], order: list[str]) -> list[str]:
    """Imports of a room further down the list, written ``file: importing -> imported``."""
    found = []
    for path in package_files:
        here = room_of(module_name(path))
        for there in filter(None, map(room_of, imported(path))):
            if here in order and there in order and order.index(there) > order.index(here):
                found.append(f"{path.relative_to(ROOT)}: {here} -> {there}")
    return found


def package_files() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py"]


def text_files() -> Iterator[Path]:
    ours = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".cff", ".cfg", ".sh", ""}
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [name for name in inside if name == ".ci" or not (name in SKIPPED or name.startswith("."))]
        yield from (Path(folder, name) for name in names if name != ".git" and Path(name).suffix in ours)  # a worktree


def test_the_map_starts_with_the_contract_and_ends_with_the_words():
    assert rooms()[0] == "contract"
    assert rooms()[-1] == "cli"


def test_every_file_of_the_package_belongs_to_a_room_of_the_map():
    strangers = {room_of(module_name(path)) for path in package_files()} - set(rooms())
    assert not strangers, f"not on the map in fempslip/__init__.py: {sorted(map(str, strangers))}"


def test_imports_go_one_way():
    assert climbing_imports(package_files(), rooms()) == []


@pytest.mark.parametrize(
    "line", ["from fempslip.run import check", "import fempslip.view.scenes", "from ..cli import main"]
)
def test_an_import_against_the_order_is_found(line, monkeypatch, tmp_path):
    bad = tmp_path / "fempslip" / "mesh" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text(f"def f():\n    {line}\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert len(climbing_imports([bad], rooms())) == 1


HEAVY = ("gmsh", "pyvista", "vtk", "vtkmodules", "skfem", "pint", "matplotlib", "numba", "numpy")


@pytest.mark.parametrize("act", ["import fempslip", "from fempslip.cli import parser; parser().format_help()"])
def test_loads_no_large_library(act):
    tell = f"import sys; {act}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("room", ["case", "store", "run.running", "run.check", "run.recipes"])
def test_room_behind_a_word_loads_no_picture_or_mesh_library(room):
    if not list(PACKAGE.glob(f"{room.replace('.', '/')}*")):
        pytest.skip(f"there is no {room} yet")
    late = ("gmsh", "pyvista", "vtk", "vtkmodules", "skfem", "pint", "matplotlib")
    tell = f"import sys, fempslip.{room}; print(*[name for name in {late!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", tell], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


STREET = (
    "pyproject.toml constraints.txt README.md LICENSE CITATION.cff CHANGELOG.md .gitignore .ci/run docs/equations.md "
    "fempslip geometries cases postprocess tests/unit tests/verification tests/cases tests/house benchmarks"
)


@pytest.mark.parametrize("place", STREET.split())
def test_the_street_is_complete(place):
    assert (ROOT / place).exists()


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def command_lines() -> list[str]:
    return [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if "python3 -m venv .venv &&" in line]


def test_the_two_commands_of_the_readme_share_their_set_up():
    (run, tests) = command_lines()
    assert run.rpartition(" && ")[2] == ".venv/bin/fempslip run film_vortex_flow"
    assert tests.rpartition(" && ")[2] == ".venv/bin/pytest"
    assert run.rpartition(" && ")[0] == tests.rpartition(" && ")[0]


def test_every_dependency_is_pinned_without_an_address():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = project["dependencies"] + [name for extra in project["optional-dependencies"].values() for name in extra]
    pins = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", pin)] == []
    pinned = {plain_name(pin) for pin in pins}
    assert [name for name in wanted if plain_name(name) not in pinned] == []


def plain_name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.match(r"[A-Za-z0-9_.-]+", requirement)[0]).lower()


def test_no_file_names_a_place_on_one_machine_or_a_package_host():
    # put together here, so that this file does not name them itself
    words = ["/" + "root/", "/" + "work/", "/" + "opt/", "pypi" + ".org", "python" + "hosted"]
    pattern = re.compile("|".join(map(re.escape, words)) + r"|(?<![\w.])/(?:home|Users)/\w+")
    named = [str(path.relative_to(ROOT)) for path in text_files() if pattern.search(path.read_text("utf-8", "replace"))]
    assert named == []
