"""The rules: each reads one definition and yields findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from ...definition import Definition
from ...diagnostics import Family, Finding
from ._columns import near_miss_column, unknown_column, unused_input
from ._fields import (
    mixed_logic,
    old_kind_name,
    type_word_as_description,
    unchecked_field,
    unconfirmed_facts,
    unknown_field,
    unknown_kind,
    unknown_type_word,
    wrong_field_type,
)
from ._graph import cycle, dangling_edge, no_blocks, self_edge
from ._keys import (
    ambiguous_default_key,
    block_id_not_uuid,
    duplicate_key,
    key_from_title,
    workflow_id_not_uuid,
)
from ._money import auto_execute, cost_estimate, create_new_notebook, effects
from ._order import (
    company_to_leads_without_people,
    late_deduplicate,
    late_filter,
    mergeable_enrichment,
)
from ._rows import row_kind_mismatch
from ._rule import Family_, Found, Rule, code_of, concerning, run
from ._secrets import secret_in_specs
from ._shape import (
    condition_present,
    first_block_not_webhook,
    isolated_block,
    no_source,
    read_csv_source,
    several_parents,
    several_sources,
    sink_with_successor,
    source_with_predecessor,
)
from ._specs import insecure_url, missing_field, notebook_name_missing, unknown_word

SAFE_RULES: Final[Sequence[Family_]] = (
    ("graph", (no_blocks, dangling_edge, self_edge, cycle)),
    ("keys", (duplicate_key, ambiguous_default_key)),
    ("rows", (row_kind_mismatch,)),
    ("specs", (unknown_word, missing_field, notebook_name_missing, insecure_url)),
)
"""Rules that decide by documented facts alone; every error is one of theirs."""

ADVICE: Final[Sequence[Family_]] = (
    (
        "graph",
        (
            no_source,
            several_sources,
            source_with_predecessor,
            isolated_block,
            sink_with_successor,
            several_parents,
            condition_present,
            first_block_not_webhook,
            read_csv_source,
        ),
    ),
    ("keys", (key_from_title, workflow_id_not_uuid, block_id_not_uuid)),
    ("rows", (company_to_leads_without_people,)),
    ("columns", (unknown_column, near_miss_column, unused_input)),
    (
        "specs",
        (
            old_kind_name,
            unknown_kind,
            unknown_field,
            unchecked_field,
            wrong_field_type,
            unknown_type_word,
            type_word_as_description,
            mixed_logic,
        ),
    ),
    ("values", (secret_in_specs,)),
    ("effects", (auto_execute, create_new_notebook, effects)),
    ("cost", (late_filter, late_deduplicate, mergeable_enrichment, cost_estimate)),
    ("facts", (unconfirmed_facts,)),
)
"""Rules that warn and note; they never stop a compile."""


def errors(definition: Definition) -> list[Finding]:
    """What the safe rules find with severity error: what stops a compile."""
    rules = _safe_rules(frozenset(definition.by_kind), is_sound=_is_sound(definition))
    return [f for f in run(rules, definition) if f.severity == "error"]


@lru_cache(maxsize=1024)
def _safe_rules(kinds: frozenset[str], *, is_sound: bool) -> Sequence[Family_]:
    """The safe rules that may find something."""
    structural = ("graph", "keys") if is_sound else ()
    rules = [(family, r) for family, r in SAFE_RULES if family not in structural]
    return concerning(rules, kinds)


def _is_sound(definition: Definition) -> bool:
    """Whether the structural rules can find nothing, by a test that costs little."""
    blocks, topology = definition.blocks, definition.topology
    return (
        bool(blocks)
        and topology.is_forward
        and len(topology.sources) == len(definition.edges)
        and len({block.id for block in blocks}) == len(blocks)
    )


def findings(definition: Definition) -> list[Finding]:
    """What all rules find."""
    return run((*SAFE_RULES, *ADVICE), definition)


def rules_by_code() -> Mapping[str, tuple[Family, Rule]]:
    """Each rule with its family, by the code of its findings."""
    return {
        code_of(rule): (family, rule)
        for family, rules in (*SAFE_RULES, *ADVICE)
        for rule in rules
    }


__all__ = [
    "ADVICE",
    "SAFE_RULES",
    "Found",
    "Rule",
    "code_of",
    "errors",
    "findings",
    "rules_by_code",
]
