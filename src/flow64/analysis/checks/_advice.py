"""The rules that warn and note; loaded where a workflow is checked, not compiled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
from ._keys import block_id_not_uuid, key_from_title, workflow_id_not_uuid
from ._money import auto_execute, cost_estimate, create_new_notebook, effects
from ._order import (
    company_to_leads_without_people,
    late_deduplicate,
    late_filter,
    mergeable_enrichment,
)
from ._rule import Family_
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
from ._silence import unknown_allow

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
    ("facts", (unconfirmed_facts, unknown_allow)),
)
"""Rules that warn and note; they never stop a compile."""
