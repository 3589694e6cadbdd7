"""`flow64 help findings`: all codes, and what decides how severe a finding is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from ...analysis import all_pages
from ...diagnostics import Family
from ...text import wrap_text


def _list_codes() -> Iterator[str]:
    """Yield lines with the codes of each family."""
    pages = all_pages()
    for family in get_args(Family):
        codes = [code for code, page in pages.items() if page.family == family]
        yield from wrap_text(f"  {family:8}  {', '.join(sorted(codes))}", 78, " " * 12)


NEWLINE: Final = "\n"  # an f-string of Python 3.11 takes no backslash

TEXT: Final = f"""\
`flow64 check` lists findings. An error stops compile, deploy and run too. A warning is
probably a mistake, and a note is worth knowing.

`flow64 help CODE` explains a finding: its meaning, an example, how to fix it, and how
to switch it off.

\b
The codes, by what they are about:
{NEWLINE.join(_list_codes())}

[tool.flow64.rules] of pyproject.toml gives a finding another severity, or switches it
off. With `check --strict` warnings fail too, and with `check --error CODE` this finding
does.

\b
Example:
  flow64 help late-filter
"""
