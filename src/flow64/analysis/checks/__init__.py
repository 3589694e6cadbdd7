"""The rules: each reads one definition and yields findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import evolve

from ...definition import Definition, ListedOrigins
from ...diagnostics import Finding
from ._index import ADVICE, SAFE_RULES
from ._project_rules import (
    RuleSetting,
    apply_rules,
    describe_wrong_rule,
    severities_by_code,
)
from ._rule import Found, Rule, run

if TYPE_CHECKING:
    from ..live import LiveCatalogue


def errors(definition: Definition) -> list[Finding]:
    """Return the findings that stop a compile."""
    if definition.listed is not None:
        from .live import live_errors

        return live_errors(definition)
    found = run(SAFE_RULES, definition)
    return [finding for finding in found if finding.severity == "error"]


def allow_errors(definition: Definition) -> tuple[Definition, Sequence[str]]:
    """Allow each block of a definition that the service has stored the errors it has.

    Errors of the graph and of keys stay, since nothing can allow them.

    Returns:
        The definition, and the codes of errors that its blocks allow by now.
    """
    origins = [definition.origins[at] for at in range(len(definition.blocks))]
    bare = ListedOrigins([evolve(origin, allowed=()) for origin in origins])
    allowed: set[str] = set()
    for finding in errors(evolve(definition, origins=bare, is_answer=False)):
        if finding.family in ("specs", "rows"):
            at = definition.index[str(finding.block_id)]
            codes = {*origins[at].allowed, finding.code}
            origins[at] = evolve(origins[at], allowed=tuple(sorted(codes)))
            allowed.add(finding.code)
    return evolve(definition, origins=ListedOrigins(origins)), sorted(allowed)


def findings(
    definition: Definition, blocks: LiveCatalogue | None = None
) -> list[Finding]:
    """Return what all rules find, as the rules of the project want it.

    Args:
        blocks: The service's own list of blocks, which outranks the catalogue. By
            default that of the definition.
    """
    listed = definition.listed if blocks is None else blocks
    if listed is not None:
        from .live import live_findings

        return apply_rules(live_findings(definition, listed), definition.rules)
    return apply_rules(run(all_rules(), definition), definition.rules)


def all_rules() -> Sequence[Rule]:
    """Return the rules that read a definition alone, the safe ones first."""
    return (*SAFE_RULES, *ADVICE)


def rules_by_code() -> Mapping[str, Rule]:
    """Return all rules by code, also those that read a live catalogue."""
    from .live import LIVE_RULES

    return {rule.code: rule for rule in (*all_rules(), *LIVE_RULES)}


__all__ = [
    "SAFE_RULES",
    "Found",
    "Rule",
    "RuleSetting",
    "all_rules",
    "allow_errors",
    "describe_wrong_rule",
    "errors",
    "findings",
    "rules_by_code",
    "severities_by_code",
]
