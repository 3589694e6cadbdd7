"""The pages of findings: one for each code, made from the rules and from a table."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TypeAlias, get_args

from attrs import frozen

from ..diagnostics import Family, Severity
from ..text import did_you_mean, shortened, wrap_text
from .check import ALWAYS_ERROR, RULES, RuleSetting
from .rule import Rule


@frozen
class CompilerFault:
    """A code that the compiler or the loader gives, before there is a definition.

    Its fields have the meaning of those of a `Rule`.
    """

    code: str
    family: Family
    meaning: str
    advice: str
    example: str = ""
    severities: Sequence[Severity] = ("error",)
    can_be_allowed: bool = False


Page: TypeAlias = Rule | CompilerFault


@cache
def all_pages() -> Mapping[str, Page]:
    """Return the page of each code, in the order of the codes."""
    text = files(__package__).joinpath("faults.toml").read_text("utf-8")
    tables = tomllib.loads(text).items()
    faults = [CompilerFault(code, **table) for code, table in tables]
    pages: Sequence[Page] = [*RULES, *faults]
    return {page.code: page for page in sorted(pages, key=lambda page: page.code)}


def findings_reference() -> str:
    """Return the sections of all findings of workflows, as Markdown."""
    pages = [page for page in all_pages().values() if page.family != "source"]
    return "\n".join(line for page in pages for line in _section(page))


def _section(page: Page) -> Iterator[str]:
    yield f"## {page.code}\n"
    yield f"*{' or '.join(page.severities)}* · family *{page.family}*\n"
    yield f"{page.meaning}\n"
    yield f"**Fix:** {page.advice[:1].upper()}{page.advice[1:]}.\n"
    if page.example:
        yield f"```python\n{page.example}\n```\n"


def explain_finding(code: str, width: int = 80) -> Iterator[str]:
    """Yield the lines of the page of a finding, as plain text.

    Args:
        code: The code of the finding.
        width: The most cells of a line of prose.

    Raises:
        KeyError: No finding has this code.
    """
    page = all_pages()[code]
    yield f"{code}  {' or '.join(page.severities)} · family {page.family}"
    for paragraph in page.meaning.split("\n\n"):
        yield ""
        yield from wrap_text(paragraph.replace("\n", " "), width)
    yield ""
    yield f"fix  {page.advice}"
    if page.example:
        yield ""
        yield "example:"
        yield from (f"  {line}".rstrip() for line in page.example.split("\n"))
    yield ""
    yield from _explain_silencing(page)


def _explain_silencing(page: Page) -> Iterator[str]:
    if {*page.severities} == {"error"}:
        yield "in [tool.flow64.rules] it stays an error"
    else:
        yield "to give it another severity, or to switch it off, in pyproject.toml:"
        yield "  [tool.flow64.rules]"
        yield f'  {page.code} = "ignore"  # or "error", "warning", "note"'
        if "error" in page.severities:
            yield "if it is an error, it stays one there"
    if page.can_be_allowed:
        yield (
            "to switch it off on one block, or in all workflows of a Project: "
            f'allow=["{page.code}"]'
        )
    else:
        yield "nothing switches it off"


def describe_wrong_rule(code: str, setting: object) -> str | None:
    """Describe what is wrong with a rule of a project; None if it is right."""
    pages = all_pages()
    if code not in pages:
        return f"is not the code of a finding{did_you_mean(code, pages)}"
    settings: tuple[str, ...] = get_args(RuleSetting)
    if setting not in settings:
        is_text = isinstance(setting, str)
        near = did_you_mean(str(setting), settings) if is_text else ""
        shown = shortened(setting) if is_text else "not a text"
        return f"is {shown}; write error, warning, note or ignore{near}"
    if {*pages[code].severities} == {"error"} and setting != "error":
        return f"cannot be {setting!r}: {ALWAYS_ERROR}; leave it out"
    return None
