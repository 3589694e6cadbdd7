"""The changelog as a page: what is released, and what comes next.

The page is written into `docs/changelog.md` when Sphinx begins, and is not committed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DRAFT = ("-m", "towncrier", "build", "--draft", "--version", "next")


def write_page(app: Sphinx) -> None:
    """Write the page: the changelog, with the fragments of the next release."""
    root = Path(app.srcdir).parent
    released = (root / "CHANGELOG.md").read_text("utf-8")
    made = subprocess.run(  # noqa: S603 - a tool of this environment
        [sys.executable, *DRAFT], cwd=root, capture_output=True, text=True, check=True
    )
    _, _, draft = made.stdout.partition("## next")
    _, _, following = draft.partition("\n")
    head, mark, rest = released.partition("<!-- towncrier release notes start -->\n")
    text = f"{head}{mark}\n## Next\n{following}\n{rest}"
    page = Path(app.srcdir) / "changelog.md"
    if not page.exists() or page.read_text("utf-8") != text:
        page.write_text(text, "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_page)
    return {"parallel_read_safe": True}
