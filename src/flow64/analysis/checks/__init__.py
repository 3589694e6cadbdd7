"""The rules: each reads one definition and yields findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from attrs import evolve

from ...definition import Definition, ListedOrigins
from ...diagnostics import Family, Finding, Severity
from ...text import did_you_mean, shortened
from . import columns, filters, graph, keys, money, specs
from .rule import Rule, run

if TYPE_CHECKING:
    from ..live import LiveCatalogue

RuleSetting: TypeAlias = Literal["error", "warning", "note", "ignore"]
"""What a project makes of a finding, in `[tool.flow64.rules]`."""

_SETTINGS: Final[tuple[RuleSetting, ...]] = get_args(RuleSetting)
_ALWAYS: Final = (
    "the service is documented to refuse it, or it cannot be compiled, so "
    "[tool.flow64.rules] cannot make it less than an error"
)


def _rules_in(*modules: ModuleType) -> list[Rule]:
    """Return the rules that modules define, by family and in reading order."""
    families = get_args(Family)
    rules = [
        item
        for module in modules
        for item in vars(module).values()
        if isinstance(item, Rule) and item.find.__module__ == module.__name__
    ]
    return sorted(rules, key=lambda item: families.index(item.family))


_RULES: Final = _rules_in(graph, keys, money, columns, filters, specs)

SAFE_RULES: Final[Sequence[Rule]] = [rule for rule in _RULES if rule.is_safe]
"""Rules that may give errors. A compile asks only these."""

ADVICE: Final[Sequence[Rule]] = [rule for rule in _RULES if not rule.is_safe]
"""Rules that warn and note. They never stop a compile."""


def errors(definition: Definition) -> list[Finding]:
    """Return the findings that stop a compile."""
    if definition.listed is not None:
        from .live import live_errors

        return live_errors(definition)
    return [one for one in run(SAFE_RULES, definition) if one.severity == "error"]


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


# -- The rules of a project ------------------------------------------------------------


def apply_rules(
    found: Iterable[Finding], rules: Mapping[str, RuleSetting]
) -> list[Finding]:
    """Return findings with the severities that a project gives them.

    Those that it ignores are left out. An error stays one, and says why.
    """
    changed = (_apply(finding, rules.get(finding.code)) for finding in found)
    return [finding for finding in changed if finding is not None]


def _apply(finding: Finding, setting: RuleSetting | None) -> Finding | None:
    if setting is None or setting == finding.severity:
        return finding
    if finding.severity == "error":
        return evolve(finding, message=f"{finding.message} ({_ALWAYS})")
    return None if setting == "ignore" else evolve(finding, severity=setting)


def describe_wrong_rule(code: str, setting: object) -> str | None:
    """Describe what is wrong with a rule of a project; None if it is right."""
    known = severities_by_code()
    if code not in known:
        near = did_you_mean(code, known)
        return f"is not the code of a finding{near}"
    if setting not in _SETTINGS:
        near = did_you_mean(setting, _SETTINGS) if isinstance(setting, str) else ""
        given = shortened(setting) if isinstance(setting, str) else "not a text"
        return f"is {given}; write error, warning, note or ignore{near}"
    if {*known[code]} == {"error"} and setting != "error":
        return f"cannot be {setting!r}: {_ALWAYS}; leave it out"
    return None


def severities_by_code() -> Mapping[str, Iterable[Severity]]:
    """Return the possible severities of each finding, by its code."""
    from ..reference import all_pages

    return {code: page.severities for code, page in all_pages().items()}
