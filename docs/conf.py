"""How the documentation is built; `make docs` builds it, strictly."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "flow64"
author = "flow64 contributors"
project_copyright = author
version = release = installed_version("flow64")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_parser",
    "sphinx_click",
    "sphinx_copybutton",
    "changes",
    "commands",
    "from_code",
]
# Links to the documentation of other projects need a network, which the gate has not.
if os.environ.get("FLOW64_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {
    "python": ("https://docs.python.org/3", None),
    "attrs": ("https://www.attrs.org/en/stable", None),
    "cattrs": ("https://catt.rs/en/stable", None),
    "pytest": ("https://docs.pytest.org/en/stable", None),
}

exclude_patterns = ["_build", "_ext"]
default_role = "code"  # `x` in a docstring is code, as it is in Markdown

copybutton_prompt_text = "$ "  # of a console only the commands are copied
copybutton_only_copy_prompt_lines = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "flow64"
html_static_path = ["_static"]
html_css_files = ["flow64.css"]
html_js_files = ["flow64.js"]
# Links to edit a page need the address of the repository, as in hatch_build.py. The
# theme knows how these hosts edit a file; with another one there are no links.
repository = os.environ.get("FLOW64_REPOSITORY", "").rstrip("/")
if repository.startswith(
    ("https://github.com/", "https://gitlab.com/", "https://bitbucket.org/")
):
    html_theme_options = {
        "source_repository": repository,
        "source_branch": "main",
        "source_directory": "docs/",
    }

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_use_type_comments = False
napoleon_numpy_docstring = False

smartquotes = False  # an option stays `--like-this` in the help of a command

nitpicky = True
nitpick_ignore_regex = [
    # Other projects' names cannot be looked up without a network.
    ("py:.*", r"(?!flow64\b).*"),
    # Signatures name type variables and helpers of private modules, which have no page.
    ("py:.*", r"flow64\.(.+\.)?_.+"),
]

# A link to the web is not followed; one to a file beside the page is.
linkcheck_ignore = [r"https?://"]


def hide_edit_link(
    _app: Sphinx, pagename: str, _name: str, context: dict[str, Any], _tree: object
) -> None:
    """Leave out the links to edit and view a page that the build writes itself."""
    if pagename == "changelog" or pagename.startswith("commands/"):
        context["page_source_suffix"] = ""


def shorten_types(
    _app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Name the types of attributes without modules, as signatures do."""
    for index, line in enumerate(lines):
        if line.lstrip().startswith(":type:"):
            lines[index] = re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", line)


def shorten_defaults(
    _app: Sphinx,
    _what: str,
    _name: str,
    _obj: Any,
    _options: Any,
    signature: str | None,
    returned: str | None,
) -> tuple[str, str | None] | None:
    """Show defaults that are functions, or are made by functions, as Python."""
    if signature is None:
        return None
    made = re.sub(r"<function [\w.]*<lambda>>|\bNOTHING\b", "...", signature)
    return re.sub(r"<function (\w+)>", r"\1", made), returned


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    # After napoleon, which writes the types.
    app.connect("autodoc-process-docstring", shorten_types, priority=900)
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("html-page-context", hide_edit_link)
