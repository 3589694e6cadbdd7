"""What a rule is: a function that reads one definition and yields what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from ...definition import Definition
from ...diagnostics import Family, Finding, Severity
from ...text import join_words


class Found(NamedTuple):
    """One thing that a rule found.

    Attributes:
        severity: What `Finding` says.
        position: Position of the block in the definition, or None for the workflow.
        message: What is wrong.
        help: How to mend it.
    """

    severity: Severity
    position: int | None
    message: str
    help: str | None = None


Rule: TypeAlias = Callable[[Definition], Iterator[Found]]
"""Named for the fault; its code is that name in kebab-case, its docstring its page."""

Family_: TypeAlias = tuple[Family, Sequence[Rule]]

Test: TypeAlias = Callable[[Definition], bool]
"""Whether a rule can speak of a definition, by its shape alone (see `_asked`)."""

_TESTS: Final[dict[Rule, Test]] = {}


def only_where(test: Test) -> Callable[[Rule], Rule]:
    """Say of which definitions a rule can speak: it is not asked of others."""

    def keep(rule: Rule) -> Rule:
        _TESTS[rule] = test
        return rule

    return keep


def of_kinds(*kinds: str) -> Callable[[Rule], Rule]:
    """Say that a rule speaks only where there is a block of one of some kinds."""
    return only_where(
        lambda definition: not definition.by_kind.keys().isdisjoint(kinds)
    )


def is_read(definition: Definition) -> bool:
    """Whether a definition was read or made by hand, and not lowered from a flow."""
    return type(definition.edges) is tuple


def by_shape(rule: Rule) -> Rule:
    """Say that nothing but the shape decides whether a rule finds anything."""
    return only_where(lambda definition: any(True for _ in rule(definition)))(rule)


def can_speak(rule: Rule, definition: Definition) -> bool:
    """Whether a rule can find anything in definitions of this shape."""
    test = _TESTS.get(rule)
    return test is None or test(definition)


def error(position: int | None, message: str, help: str | None = None) -> Found:
    """Something that the service cannot run, by a documented fact."""
    return Found("error", position, message, help)


def warning(position: int | None, message: str, help: str | None = None) -> Found:
    """Something that is probably not what was meant."""
    return Found("warning", position, message, help)


def note(position: int | None, message: str, help: str | None = None) -> Found:
    """Something worth knowing."""
    return Found("note", position, message, help)


def code_of(rule: Callable[..., Iterator[Found]]) -> str:
    """The code of a rule's findings."""
    return rule.__name__.replace("_", "-")


def called(definition: Definition, position: int) -> str:
    """What people call a block, with where it was written."""
    origin = definition.origins[position]
    where = origin.place or origin.pointer
    name = origin.path or definition.blocks[position].kind
    return f"{name} ({where})" if where else name


def all_called(definition: Definition, positions: Sequence[int], most: int) -> str:
    """Names for several blocks; of many, the first and how many more there are."""
    return join_words([called(definition, position) for position in positions], most)


def texts(items: Iterable[Any]) -> Sequence[str]:
    """All texts inside some values, in no order; containers are opened by level."""
    found = []
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


def run(rules: Iterable[Family_], definition: Definition) -> list[Finding]:
    """What some rules find, with the place of each block, silenced codes left out."""
    found = []
    for family, members in rules:
        for rule in members:
            for item in rule(definition):
                finding = _placed(item, code_of(rule), family, definition)
                if finding is not None:
                    found.append(finding)
    return found


def _placed(
    found: Found, code: str, family: Family, definition: Definition
) -> Finding | None:
    if code in definition.allowed and not _is_structural(found, family):
        return None
    if found.position is None:
        return Finding(
            code,
            family,
            found.severity,
            found.message,
            found.help,
            place=definition.place,
        )
    origin = definition.origins[found.position]
    if code in origin.allowed and not _is_structural(found, family):
        return None
    block_id = definition.blocks[found.position].id
    return Finding(
        code,
        family,
        found.severity,
        found.message,
        found.help,
        where=origin.where,
        block_id=block_id,
        place=origin.place,
    )


def _is_structural(found: Found, family: Family) -> bool:
    """What no setting silences: a definition that is no graph, or has no ids."""
    return found.severity == "error" and family in ("graph", "keys")
