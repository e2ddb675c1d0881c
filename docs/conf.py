"""Sphinx: `sphinx-build -W docs docs/_build` (pip install 'fempslip[docs]')."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from reference import write_reference  # noqa: E402 - beside this file

import fempslip  # noqa: E402

project = "fempslip"
author = "fempslip developers"
version = release = fempslip.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "fempslip"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"

write_reference(Path(__file__).parent / "case_reference.md")
