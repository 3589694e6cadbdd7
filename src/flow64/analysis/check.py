"""All rules, what they find in a definition, and the page of each finding."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from textwrap import wrap
from types import ModuleType
from typing import Final, Literal, TypeAlias, get_args

from attrs import evolve, frozen

from ..definition import Definition, ListedOrigins, Origin
from ..diagnostics import Family, Finding, Severity
from ..text import did_you_mean, shortened
from . import column_rules, fields, graph_rules, live_rules, safety_rules, spec_rules
from .rule import STRUCTURAL, Fault, Rule


def _list_rules(*modules: ModuleType) -> list[Rule]:
    """Return the rules that modules define: those that stop a compile, then by family.

    Those of a family are in reading order.
    """
    families = get_args(Family)
    rules = [
        item
        for module in modules
        for item in vars(module).values()
        if isinstance(item, Rule) and item.find.__module__ == module.__name__
    ]
    return sorted(rules, key=lambda r: (not r.is_safe, families.index(r.family)))


RULES: Final = _list_rules(
    graph_rules, safety_rules, column_rules, spec_rules, live_rules
)


@lru_cache(1000)
def rules_for(traits: frozenset[str], *, may_stop: bool = False) -> Sequence[Rule]:
    """Return the rules to ask about a definition with some kinds and traits.

    Args:
        may_stop: Only those that may stop a compile.
    """
    return [
        rule
        for rule in RULES
        if (rule.is_safe or not may_stop)
        and (not rule.of or not rule.of.isdisjoint(traits))
    ]


_ABOUT: Final = frozenset().union(*(rule.of for rule in RULES))
"""The kinds and traits that rules are about."""


def ask(definition: Definition, *, may_stop: bool = False) -> list[Finding]:
    """Return what rules find, in the order of the rules, except silenced codes.

    Args:
        may_stop: Ask only rules that may stop a compile.
    """
    traits = _ABOUT & fields.survey(definition).traits
    return [
        finding
        for rule in rules_for(traits, may_stop=may_stop)
        for fault in rule.find(definition)
        if (finding := _as_finding(fault, rule, definition)) is not None
    ]


_NO_ORIGIN: Final = Origin()


def _as_finding(fault: Fault, rule: Rule, definition: Definition) -> Finding | None:
    """Return a finding with its place, or None if its code is silenced there."""
    position, message, advice, severity = fault
    severity = severity or rule.severities[0]
    origin = _NO_ORIGIN if position is None else definition.origins[position]
    if severity != "error" or rule.family not in STRUCTURAL:
        if rule.code in definition.allowed or rule.code in origin.allowed:
            return None
        if severity == "error" and definition.is_answer:
            # Whatever the documents say, the service has not refused it.
            severity, message = "warning", f"{message} (but the service has stored it)"
    place = origin.place or definition.place
    if place is not None and origin.pointer is not None and origin.place is None:
        place = place.at_pointer(origin.pointer)
    return Finding(
        rule.code,
        rule.family,
        severity,
        message,
        (rule.advice.replace("`", "") if advice is None else advice) or None,
        where=origin.where,
        block_id=None if position is None else definition.blocks[position].id,
        place=place,
    )


def errors(definition: Definition) -> list[Finding]:
    """Return the findings that stop a compile."""
    return [f for f in ask(definition, may_stop=True) if f.severity == "error"]


def findings(definition: Definition) -> list[Finding]:
    """Return what all rules find, as the rules of the project want it."""
    return apply_rules(ask(definition), definition.rules)


def allow_errors(definition: Definition) -> tuple[Definition, list[str]]:
    """Allow each block of a definition that the service has stored the errors it has.

    Errors of the graph and of keys stay, since nothing can allow them.

    Returns:
        The definition, and the codes of errors that its blocks allow by now.
    """
    origins = [definition.origins[at] for at in range(len(definition.blocks))]
    bare = ListedOrigins([evolve(each, allowed=()) for each in origins].__getitem__)
    allowed: set[str] = set()
    for finding in errors(evolve(definition, origins=bare, is_answer=False)):
        if finding.family in ("specs", "rows"):
            at = definition.index[str(finding.block_id)]
            codes = {*origins[at].allowed, finding.code}
            origins[at] = evolve(origins[at], allowed=tuple(sorted(codes)))
            allowed.add(finding.code)
    changed = ListedOrigins(origins.__getitem__)
    return evolve(definition, origins=changed), sorted(allowed)


# -- The rules of a project ------------------------------------------------------------

RuleSetting: TypeAlias = Literal["error", "warning", "note", "ignore"]
"""What a project makes of a finding, in `[tool.flow64.rules]`."""

ALWAYS_ERROR: Final = (
    "the service is documented to refuse it, or it cannot be compiled, so "
    "[tool.flow64.rules] cannot make it less than an error"
)


def apply_rules(
    listed: Iterable[Finding], rules: Mapping[str, RuleSetting]
) -> list[Finding]:
    """Return findings with the severities that a project gives them.

    Those that it ignores are left out. An error stays one, and says why.
    """
    result: list[Finding] = []
    for finding in listed:
        setting = rules.get(finding.code, finding.severity)
        if setting == finding.severity:
            result.append(finding)
        elif finding.severity == "error":
            message = f"{finding.message} ({ALWAYS_ERROR})"
            result.append(evolve(finding, message=message))
        elif setting != "ignore":
            result.append(evolve(finding, severity=setting))
    return result


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
        yield from wrap(paragraph, width, break_on_hyphens=False)
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
        yield f'to switch it off on a block, or in a Project: allow=["{page.code}"]'
    else:
        yield "nothing switches it off"


def describe_wrong_rule(code: str, setting: object) -> str | None:
    """Describe what is wrong with a rule of a project; None if it is right."""
    pages = all_pages()
    if code not in pages:
        return f"is not the code of a finding{did_you_mean(code, pages)}"
    settings: tuple[str, ...] = get_args(RuleSetting)
    if setting not in settings:
        near = did_you_mean(str(setting), settings)
        return f"is {shortened(setting)}; write error, warning, note or ignore{near}"
    if {*pages[code].severities} == {"error"} and setting != "error":
        return f"cannot be {setting!r}: {ALWAYS_ERROR}; leave it out"
    return None
