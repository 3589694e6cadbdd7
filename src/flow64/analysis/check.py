"""All rules, and what they find in a definition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Final, Literal, TypeAlias, get_args

from attrs import evolve

from ..definition import Definition, ListedOrigins
from ..diagnostics import Family, Finding
from . import column_rules, graph_rules, key_rules, live_rules, money_rules, spec_rules
from .live import LiveCatalogue, as_catalogue
from .rule import Rule, run


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
    graph_rules, key_rules, money_rules, column_rules, spec_rules, live_rules
)

_SAFE_RULES: Final = [rule for rule in RULES if rule.is_safe]
"""Rules that may give errors. A compile asks only these."""


def errors(definition: Definition) -> list[Finding]:
    """Return the findings that stop a compile."""
    return [each for each in run(_SAFE_RULES, definition) if each.severity == "error"]


def findings(
    definition: Definition, blocks: LiveCatalogue | None = None
) -> list[Finding]:
    """Return what all rules find, as the rules of the project want it.

    Args:
        blocks: The service's own list of blocks, which outranks the catalogue. By
            default that of the definition.
    """
    if blocks is not None:
        definition = evolve(definition, listed=as_catalogue(blocks))
    return apply_rules(run(RULES, definition), definition.rules)


def allow_errors(definition: Definition) -> tuple[Definition, list[str]]:
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
