"""A rule: one decorated function that finds a fault and carries its own page."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from attrs import frozen

from ...definition import EMPTY, Definition
from ...diagnostics import Family, Finding, Severity
from ...text import join_words


class Found(NamedTuple):
    """One result of a rule.

    Attributes:
        position: Position of the block in the definition, or None for the workflow.
        help: How to fix it, if that can be said more exactly than by the advice of the
            rule; empty if nothing needs fixing.
        severity: If it is not the first severity of the rule.
    """

    position: int | None
    message: str
    help: str | None = None
    severity: Severity | None = None


_STRUCTURAL: Final = frozenset({"graph", "keys"})
"""Families of errors that nothing silences: a definition that is not a graph, or has no
ids, is not a definition."""

_UUID: Final = "00000000-0000-4000-8000-00000000000"


@frozen(eq=False)
class Rule:
    """A function that finds a fault, with the contents of its page.

    Attributes:
        find: Reads one definition. Its name is the code in snake case, its docstring
            the meaning.
        severities: The possible severities of its findings, the usual one first.
        advice: How to fix it, in Markdown, as the end of a sentence.
        example: A program that makes `flow` or `workflow` with this fault, or the JSON
            of a workflow. Empty if only the service's own list of blocks shows it.
    """

    find: Callable[..., Iterator[Found]]
    family: Family
    severities: Sequence[Severity]
    advice: str
    example: str | Mapping[str, Any]

    @property
    def code(self) -> str:
        """The code of its findings. People rely on it, so it stays."""
        return self.find.__name__.replace("_", "-")

    @property
    def meaning(self) -> str:
        """A description of the fault."""
        return inspect.getdoc(self.find) or ""

    @property
    def is_safe(self) -> bool:
        """Whether it may stop a compile."""
        return "error" in self.severities

    @property
    def can_be_allowed(self) -> bool:
        """Whether `allow=` silences all of its findings."""
        return not (self.is_safe and self.family in _STRUCTURAL)


def rule(
    family: Family,
    *severities: Severity,
    advice: str,
    example: str | Mapping[str, Any] = "",
) -> Callable[[Callable[..., Iterator[Found]]], Rule]:
    """Make a rule of a function that is named for the fault."""
    return lambda find: Rule(find, family, severities, advice, example)


def small_workflow(
    specs: Mapping[str, Any] = EMPTY,
    *,
    kind: str = "deduplicate",
    block_id: str = f"{_UUID}2",
    number: int = 2,
    edge: Mapping[str, Any] = EMPTY,
    **changes: Any,
) -> Mapping[str, Any]:
    """Return the JSON data of a webhook and one more block, as an example of a rule."""
    blocks = [
        (f"{_UUID}1", 1, "webhook", {"dataframe_type": "LEAD"}),
        (block_id, number, kind, specs),
    ]
    edges = [{"from_block_id": f"{_UUID}1", "to_block_id": f"{_UUID}2", **edge}]
    definition = {
        "blocks": [
            {
                "block_id": block_id,
                "sequence_number": number,
                "block_type": kind,
                "block_name": kind,
                "specs": specs,
            }
            for block_id, number, kind, specs in blocks
        ],
        "edges": edges,
    }
    body = {"workflow_name": "Leads", "workflow_description": ""}
    return {"id": f"{_UUID}0", **body, "workflow_definition": definition, **changes}


def run(rules: Iterable[Rule], definition: Definition, *more: Any) -> list[Finding]:
    """Return the findings of rules, except silenced codes.

    Args:
        rules: They are asked in this order.
        more: Further arguments of the rules.
    """
    return [
        finding
        for asked in rules
        for result in asked.find(definition, *more)
        if (finding := _finding(result, asked, definition)) is not None
    ]


def _finding(result: Found, rule: Rule, definition: Definition) -> Finding | None:
    """Return a finding with its place, or None if its code is silenced there."""
    code, family, message = rule.code, rule.family, result.message
    severity = result.severity or rule.severities[0]
    is_structural = severity == "error" and family in _STRUCTURAL
    if code in definition.allowed and not is_structural:
        return None
    if severity == "error" and definition.is_answer and not is_structural:
        # Whatever the documents say, the service has not refused it.
        severity, message = "warning", f"{message} (but the service has stored it)"
    advice = rule.advice.replace("`", "") if result.help is None else result.help
    place = definition.place
    if result.position is None:
        return Finding(code, family, severity, message, advice or None, place=place)
    origin = definition.origins[result.position]
    if code in origin.allowed and not is_structural:
        return None
    if origin.place is not None:
        place = origin.place
    elif place is not None and origin.pointer is not None:
        place = place.at_pointer(origin.pointer)
    return Finding(
        code,
        family,
        severity,
        message,
        advice or None,
        where=origin.where,
        block_id=definition.blocks[result.position].id,
        place=place,
    )


def name_block(definition: Definition, position: int) -> str:
    """Return the name of a block for people, with its place."""
    origin = definition.origins[position]
    where = origin.place or origin.pointer
    name = origin.path or definition.blocks[position].kind
    return f"{name} ({where})" if where else name


def name_blocks(definition: Definition, positions: Sequence[int], most: int) -> str:
    """Return the names of several blocks; of many, the first and how many more."""
    # A wide workflow has thousands of them, and only the first need a name.
    names = [name_block(definition, position) for position in positions[:most]]
    more = [f"{len(positions) - most:,} more"] if len(positions) > most else []
    return join_words([*names, *more], most + 1)


def texts(items: Iterable[Any]) -> Sequence[str]:
    """Return all texts inside some values, in no order; containers level by level."""
    found: list[str] = []
    while items:
        inner: list[Any] = []
        for item in items:
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        items = inner
    return found
