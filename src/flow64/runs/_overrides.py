"""Settings of the source block in one run, checked like those in code.

A run sends all settings of that block, those of the code included: whether the service
keeps settings that a run does not name is not documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from attrs import evolve

from ..analysis import findings
from ..blocks import CATALOGUE
from ..definition import (
    BoundSecret,
    Definition,
    FrozenDict,
    Limits,
    Problem,
    WireBlock,
    freeze,
    pointer,
    thaw,
    unbound_names,
)
from ..diagnostics import Finding
from ..errors import OverrideError, shortened
from ..text import join_words

OVERRIDE_LOG: Final = "flow64.overrides"
"""Name of the logger of warnings about settings of one run."""

_DATA: Final = Limits(literals=True)
"""Settings are sent as they are, so no literal stands for a value."""


def override_source(definition: Definition, given: Any) -> tuple[Definition, list[str]]:
    """Return a definition with settings of one run in its source, and warnings.

    Args:
        definition: The workflow, with its values filled in.
        given: The settings that differ, by field; None for none.

    Raises:
        OverrideError: They cannot be used. All problems are listed.
    """
    if given is None:
        return definition, []
    if not isinstance(given, Mapping):
        problem = f"{shortened(given)} is not a mapping of fields to values"
        raise OverrideError([f'{problem}; write specs_override={{"max_results": 50}}'])
    roots = definition.topology.roots
    if len(roots) != 1:
        kinds = join_words(definition.blocks[root].kind for root in roots)
        problem = f"the workflow has {len(roots)} sources ({kinds}), and which one a"
        advice = "set the fields in the code, and deploy it"
        raise OverrideError([f"{problem} run sets is not documented; {advice}"])
    problems: list[Problem] = []
    frozen = freeze(given, (), problems, limits=_DATA)
    if problems:
        raise OverrideError([*map(_describe_problem, problems)])
    source = definition.blocks[roots[0]]
    made = _with_specs(definition, roots[0], {**source.specs, **frozen})
    wrong = [
        f"value({name!r}) is not filled in here; write its content"
        for name in unbound_names(made)
        if name not in unbound_names(definition)
    ]
    known = {(one.code, one.where, one.message) for one in _judge(definition)}
    new = [
        found
        for found in _judge(made)
        if (found.code, found.where, found.message) not in known
    ]
    # As in a constructor, an unknown field is a mistake. `extra=` in code allows it.
    wrong += [
        _describe(found, source)
        for found in new
        if found.severity == "error" or found.code == "unknown-field"
    ]
    if wrong:
        raise OverrideError(wrong)
    doubts = [_describe(found, source) for found in new if found.severity == "warning"]
    if _limit(source) is not None and _limit(made.blocks[roots[0]]) is None:
        doubts.append(f"{source.kind}: it has no known limit of rows then")
    return made, doubts


def _limit(block: WireBlock) -> int | None:
    """Return the most rows that a block brings; None if that is unknown."""
    known = CATALOGUE.get(block.kind)
    return None if known is None else known.most_rows(block.specs)


def _judge(definition: Definition) -> list[Finding]:
    """Return the findings of code: what a run sets was never stored by the service."""
    return findings(evolve(definition, is_answer=False))


def source_specs(definition: Definition) -> dict[str, Any]:
    """Return all settings of the source block, as JSON data to send."""
    specs: dict[str, Any] = thaw(
        definition.blocks[definition.topology.roots[0]].specs,
        lambda item: thaw(item.content) if type(item) is BoundSecret else item,
    )
    return specs


def override_live(live: Definition, sent: Mapping[str, Any]) -> Iterator[Definition]:
    """Yield the two definitions that a run with these settings may have.

    The deployed source has these settings alone, or keeps the others that it has.
    """
    for at in live.topology.roots:
        yield _with_specs(live, at, sent)
        yield _with_specs(live, at, {**live.blocks[at].specs, **sent})


def _with_specs(
    definition: Definition, position: int, specs: Mapping[str, Any]
) -> Definition:
    source, made = definition.blocks[position], FrozenDict(specs)
    return definition.map_specs(lambda at: made if at is source else at.specs)


def _describe_problem(problem: Problem) -> str:
    place = pointer(problem.path).removeprefix("/")
    return f"{place and f'{place}: '}{problem.message}; {problem.help}"


def _describe(finding: Finding, source: WireBlock) -> str:
    place = "" if finding.block_id in (source.id, None) else f"{finding.where}: "
    return f"{place}{finding.message}; {finding.help}"
