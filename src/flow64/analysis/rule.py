"""A rule: one decorated function that finds a fault and carries its own page."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import dedent
from typing import Final, Literal, NamedTuple, TypeAlias, TypeVar

from attrs import frozen

from ..blocks import CatalogueBlock
from ..definition import Definition
from ..diagnostics import Family, Severity
from ..text import clipped, join_words

T = TypeVar("T")


class Fault(NamedTuple):
    """A result of a rule, from which a finding is made.

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


Trait: TypeAlias = Literal[
    "allow", "both-row-kinds", "cycle", "field-map", "input_schema", "json",
    "live-list", "meeting-rows", "misfit", "must-have", "no-row-kind", "odd-start",
    "own-kind", "reads", "repeated-id", "sink", "unconfirmed", "unknown-field",
    "unknown-kind",
]  # fmt: skip
"""A trait of a definition, which `survey` sees once for all rules.

Some need a word more:

- `json`: edges and numbers were read, and not computed by the compiler.
- `odd-start`: rows do not come from a single webhook.
- `both-row-kinds`: LEAD and COMPANY are named, so they may meet.
- `misfit`, `unknown-field`, `unconfirmed`, `field-map`: the survey has some of these.
- `input_schema`: a block has this field map.
- `must-have`, `reads`: a kind requires fields, or reads columns by name.
- `no-row-kind`: a webhook does not say which rows it gives.
- `allow`: something may be silenced.
"""

STRUCTURAL: Final = frozenset({"graph", "keys"})
"""Families of errors that nothing silences: a definition that is not a graph, or has no
ids, is not a definition."""


@frozen(eq=False)
class Rule:
    """A function that finds a fault, and carries its own page.

    Attributes:
        code: The code of its findings: the name of the function, with hyphens. People
            rely on it, so it stays.
        find: Reads one definition.
        severities: The possible severities of its findings, the usual one first.
        of: Kinds and traits. It is asked about a workflow with one of them. Empty for
            a rule about any workflow.
        meaning: A description of the fault: its docstring, up to `Fix:`.
        advice: How to fix it, in Markdown, as the end of a sentence.
        example: A program that makes `flow` or `workflow` with this fault. Empty if
            only the service's own list of blocks shows it.
    """

    code: str
    find: Callable[[Definition], Iterator[Fault]]
    family: Family
    severities: Sequence[Severity]
    of: frozenset[str]
    meaning: str
    advice: str
    example: str

    @property
    def is_safe(self) -> bool:
        """Whether it may stop a compile."""
        return "error" in self.severities

    @property
    def can_be_allowed(self) -> bool:
        """Whether `allow=` silences all of its findings."""
        return not (self.is_safe and self.family in STRUCTURAL)


def rule(
    family: Family,
    *severities: Severity,
    of: Iterable[type[CatalogueBlock] | Trait] = (),
) -> Callable[[Callable[[Definition], Iterator[Fault]]], Rule]:
    """Make a rule of a function that is named for the fault.

    Args:
        of: Kinds and traits. A workflow without any of them never has the fault, so it
            does not pay for the rule.
    """
    names = frozenset(each if isinstance(each, str) else each.kind for each in of)

    def decorate(find: Callable[[Definition], Iterator[Fault]]) -> Rule:
        text, _, example = (inspect.getdoc(find) or "").partition("\n\nExample:\n")
        meaning, _, advice = text.partition("\n\nFix: ")
        page = meaning, advice.replace("\n", " ").rstrip("."), dedent(example)
        code = find.__name__.replace("_", "-")
        return Rule(code, find, family, severities, names, *page)

    return decorate


# -- What rules share ------------------------------------------------------------------


def once(function: Callable[[Definition], T]) -> Callable[[Definition], T]:
    """Cache the result of a function for the lifetime of the definition.

    The definition itself holds the cache, since two equal ones may come from different
    places. A result must not refer to the definition.
    """

    @functools.wraps(function)
    def ask(definition: Definition) -> T:
        result: T | None = definition.memo.get(ask)
        if result is None:
            result = definition.memo[ask] = function(definition)
        return result

    return ask


# -- Words -----------------------------------------------------------------------------


def name_block(definition: Definition, position: int) -> str:
    """Return the name of a block for people, with its place."""
    origin = definition.origins[position]
    where = origin.place or origin.pointer
    name = origin.path or clipped(definition.blocks[position].kind)
    return f"{name} ({where})" if where else name


def name_blocks(definition: Definition, positions: Sequence[int], most: int) -> str:
    """Return the names of several blocks; of many, the first and how many more."""
    # A wide workflow has thousands of them, and only the first need a name.
    names = [name_block(definition, position) for position in positions[:most]]
    more = [f"{len(positions) - most:,} more"] if len(positions) > most else []
    return join_words([*names, *more], most + 1)
