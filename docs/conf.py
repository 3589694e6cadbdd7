"""How the documentation is built; `make docs` builds it, strictly."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "flow64"
author = "flow64 contributors"
project_copyright = author
version = release = installed_version("flow64")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_parser",
    "from_code",
    "schemas",
]
exclude_patterns = ["_build", "_ext"]
default_role = "code"  # `x` in a docstring is code, as it is in Markdown

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "flow64"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_use_type_comments = False
add_module_names = False
napoleon_numpy_docstring = False

nitpicky = True
nitpick_ignore_regex = [
    # Other projects' names cannot be looked up without a network.
    ("py:.*", r"(?!flow64\b).*"),
    # Signatures name type variables and helpers of private modules, which have no page.
    ("py:.*", r"flow64\.(.+\.)?_.+"),
]

# A link to the web is not followed; one to a file beside the page is.
linkcheck_ignore = [r"https?://"]
