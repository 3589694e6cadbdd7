"""The reference of findings: one section for each code, made from the rules."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from ..diagnostics import Family, Severity
from ..text import wrap_text
from .checks import rules_by_code
from .checks.rule import Rule


class CompilerFault(NamedTuple):
    """A code that the compiler itself gives, while it makes a definition.

    Its fields have the meaning of those of a `Rule`.
    """

    code: str
    family: Family
    meaning: str
    advice: str
    example: str

    @property
    def severities(self) -> Sequence[Severity]:
        """A compiler fault stops every compile."""
        return ("error",)

    @property
    def can_be_allowed(self) -> bool:
        """Nothing silences a compiler fault: there is nothing to compile with it."""
        return False


def findings_reference() -> str:
    """Return the sections of all findings, as Markdown."""
    pages = pages_by_code()
    return "\n".join(line for code in sorted(pages) for line in _section(pages[code]))


def pages_by_code() -> Mapping[str, Rule | CompilerFault]:
    """Return everything that has a section: the rules, and faults of the compiler."""
    return {**rules_by_code(), **{fault.code: fault for fault in _FAULTS}}


def all_pages() -> Mapping[str, Rule | CompilerFault]:
    """Return the pages of all findings, also of those about a source."""
    return {**pages_by_code(), **{fault.code: fault for fault in SOURCE_FAULTS}}


def example_of(page: Rule | CompilerFault) -> str:
    """Return the example of a page as text: a program, or JSON."""
    example = page.example
    return example if isinstance(example, str) else json.dumps(example, indent=2)


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
    if example := example_of(page):
        yield ""
        yield "example:"
        yield from (f"  {line}".rstrip() for line in example.split("\n"))
    yield ""
    yield from _explain_silencing(code, page)


def _explain_silencing(code: str, page: Rule | CompilerFault) -> Iterator[str]:
    if {*page.severities} != {"error"}:
        yield "to give it another severity, or to switch it off, in pyproject.toml:"
        yield "  [tool.flow64.rules]"
        yield f'  {code} = "ignore"  # or "error", "warning", "note"'
        if "error" in page.severities:
            yield "if it is an error, it stays one there"
    else:
        yield "in [tool.flow64.rules] it stays an error"
    if page.can_be_allowed:
        yield (
            "to switch it off on one block, or in all workflows of a Project: "
            f'allow=["{code}"]'
        )
    else:
        yield "nothing switches it off"


def _section(page: Rule | CompilerFault) -> Iterator[str]:
    yield f"## {page.code}\n"
    yield f"*{' or '.join(page.severities)}* · family *{page.family}*\n"
    yield f"{page.meaning}\n"
    yield f"**Fix:** {page.advice[0].upper()}{page.advice[1:]}.\n"
    if example := example_of(page):
        language = "json" if example.startswith("{") else "python"
        yield f"```{language}\n{example}\n```\n"


SOURCE_FAULTS: Final = (
    CompilerFault(
        "duplicate-workflow",
        "source",
        "Two workflows have one id, so one would overwrite the other.",
        "give one of them another key",
        "",
    ),
    CompilerFault(
        "no-workflow",
        "source",
        "The source has flows, but no `Workflow`. A module of a folder may hold flows "
        "for others, so this is about a whole source.",
        'write `Workflow("Title", flow, key="key")` at the level of the module',
        "",
    ),
    CompilerFault(
        "unloadable-file",
        "source",
        "A module fails while it is imported, or a JSON file is not a workflow.",
        "correct it; the traceback is on stderr",
        "",
    ),
)
"""Findings about a source, which are there before any workflow."""

_FAULTS: Final = (
    CompilerFault(
        "extra-repeats-field",
        "values",
        "`extra=` or `specs=` sets a field that the block sets itself.",
        "set the field itself, and leave it out of `extra` and `specs`",
        'flow = Webhook(LEAD) >> FindEmail(mode="PERSONAL", extra={"mode": None})',
    ),
    CompilerFault(
        "invalid-id",
        "keys",
        "An `id=` or a pin is not a UUID; the service would replace it (documented).",
        "leave `id=` out, or pin the UUID of what was imported",
        'flow = Webhook(LEAD, id="inbound")',
    ),
    CompilerFault(
        "invalid-key",
        "keys",
        "A key, scope name, `was=` or namespace is not a text of 1 to 512 characters.",
        "write a key of 1 to 512 characters",
        'flow = Webhook(LEAD, key="")',
    ),
    CompilerFault(
        "invalid-name",
        "keys",
        "The title or the description is not a text that UTF-8 can hold.",
        "write it as a plain `str`",
        'workflow = Workflow(5, Webhook(LEAD), key="leads")',
    ),
    CompilerFault(
        "key-needed",
        "keys",
        "The title has no letter or digit that makes a key.",
        'name the workflow: `Workflow(..., key="inbound")`',
        'workflow = Workflow("!", Webhook(LEAD))',
    ),
    CompilerFault(
        "not-json",
        "values",
        "A spec holds a value that JSON cannot hold exactly.",
        "convert the value where you write it",
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs={"share": float("nan")})',
    ),
    CompilerFault(
        "reserved-literal",
        "values",
        "A literal looks like a value that an environment fills in.",
        'write `value("name")` for a value that differs by environment',
        'specs = {"region": {"flow64:value": "region"}}\n'
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs=specs)',
    ),
    CompilerFault(
        "too-deep",
        "values",
        "A spec nests deeper than 256 levels.",
        "flatten the value, or send it as JSON text",
        "deep = []\nfor _ in range(300):\n    deep = [deep]\n"
        'flow = Webhook(LEAD) >> RawBlock("new_kind", specs={"deep": deep})',
    ),
    CompilerFault(
        "unknown-pin",
        "keys",
        "`pins=` names a part or a block that does not exist.",
        "pin a block by its key path, such as `work/find_email`",
        'pins = {"blocks": {"gone": "00000000-0000-4000-8000-000000000001"}}\n'
        'workflow = Workflow("Leads", Webhook(LEAD), key="leads", pins=pins)',
    ),
)
