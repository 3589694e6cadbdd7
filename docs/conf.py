"""How the documentation is built; `make docs` builds it, strictly."""

from __future__ import annotations

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
    "from_code",
]
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
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_use_type_comments = False
napoleon_numpy_docstring = False

smartquotes = False  # an option stays `--like-this` in the help of a command

nitpicky = True
nitpick_ignore_regex = [
    # Other projects' names cannot be looked up without a network.
    ("py:.*", r"(?!flow64\b).*"),
    # Signatures name type variables and helpers of modules inside of rooms, which have
    # no page.
    ("py:.*", r"flow64\.\w+\.\w+\..+"),
    ("py:class", r"flow64\.webhooks\.HasItems"),
]


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


def drop_arguments(_app: Sphinx, _ctx: object, lines: list[str]) -> None:
    """Drop the list of arguments: the text of a command explains them."""
    lines.clear()


def format_examples(_app: Sphinx, _ctx: object, lines: list[str]) -> None:
    """Show the examples of a command as commands."""
    examples = [f"   $ {line.strip('| ')}" for line in lines if " flow64 " in line]
    lines[:] = [".. code-block:: console", "", *examples, ""] if examples else []


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("sphinx-click-process-arguments", drop_arguments)
    app.connect("sphinx-click-process-epilog", format_examples)
    # After napoleon, which writes the types.
    app.connect("autodoc-process-docstring", shorten_types, priority=900)
    app.connect("autodoc-process-signature", shorten_defaults)
