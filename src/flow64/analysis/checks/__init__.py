"""The rules: each reads one definition and yields findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ...definition import Definition
from ...diagnostics import Family, Finding
from ._fast_path import is_plainly_right
from ._graph import cycle, dangling_edge, no_blocks, self_edge
from ._keys import ambiguous_default_key, duplicate_key
from ._rows import row_kind_mismatch
from ._rule import Family_, Found, Rule, code_of, run
from ._specs import insecure_url, missing_field, notebook_name_missing, unknown_word

if TYPE_CHECKING:
    from .._live import LiveCatalogue
    from ._live import LiveRule

SAFE_RULES: Final[Sequence[Family_]] = (
    ("graph", (no_blocks, dangling_edge, self_edge, cycle)),
    ("keys", (duplicate_key, ambiguous_default_key)),
    ("rows", (row_kind_mismatch,)),
    ("specs", (unknown_word, missing_field, notebook_name_missing, insecure_url)),
)
"""Rules that decide by documented facts alone; every error is one of theirs."""


def errors(definition: Definition) -> list[Finding]:
    """What the safe rules find with severity error: what stops a compile."""
    if is_plainly_right(definition):
        return []
    return [f for f in run(SAFE_RULES, definition) if f.severity == "error"]


def findings(
    definition: Definition, blocks: LiveCatalogue | None = None
) -> list[Finding]:
    """What all rules find; those that can find nothing are not asked.

    Args:
        definition: What is judged.
        blocks: What the service says of its blocks; it outranks what is built in.

    Raises:
        MissingExtraError: `blocks` was given, and the extra `schemas` is not there.
    """
    from ._rule_index import asked_of  # a compile is done without

    if blocks is not None:
        from ._live import live_findings  # nor is a check with it the common one

        return live_findings(definition, blocks, SAFE_RULES)
    safe = [] if is_plainly_right(definition) else run(SAFE_RULES, definition)
    return [*safe, *run(asked_of(definition), definition)]


def all_rules() -> Sequence[Family_]:
    """All rules that read a definition alone, by family, the safe ones first."""
    from ._advice import ADVICE  # a compile is done without

    return (*SAFE_RULES, *ADVICE)


def rules_by_code() -> Mapping[str, tuple[Family, Rule | LiveRule]]:
    """Each rule with its family, by the code of its findings; live ones too."""
    from ._live import LIVE_RULES  # as above

    rules: list[tuple[Family, Rule | LiveRule]]
    rules = [(family, rule) for family, found in all_rules() for rule in found]
    for rule in LIVE_RULES:
        rules.append(("specs", rule))
    return {code_of(rule): (family, rule) for family, rule in rules}


__all__ = [
    "SAFE_RULES",
    "Found",
    "Rule",
    "all_rules",
    "code_of",
    "errors",
    "findings",
    "rules_by_code",
]
