"""The changes between two definitions, their consequences and their words."""

from __future__ import annotations

from ._changes import (
    BlockAdded,
    BlockMoved,
    BlockRef,
    BlockRemoved,
    BlockRenamed,
    Change,
    DescriptionChanged,
    EdgeAdded,
    EdgeRef,
    EdgeRemoved,
    FieldAdded,
    FieldChange,
    FieldChanged,
    FieldRemoved,
    ItemAdded,
    ItemChanged,
    ItemEdit,
    ItemMoved,
    ItemRemoved,
    KindChanged,
    ListChanged,
    TitleChanged,
    Unmanaged,
)
from ._consequences import MISSING_COLUMNS as MISSING_COLUMNS
from ._consequences import (
    ColumnAdded,
    ColumnDropped,
    ColumnRetyped,
    Consequence,
    CostChanged,
    EffectAppeared,
    EffectVanished,
    FindingAppeared,
    FindingVanished,
    Impact,
    OtherColumnsChanged,
    PassingChanged,
    ReadBroken,
    RowsChanged,
    impact_of,
)
from ._costs import COST as COST
from ._costs import PER_ROWS as PER_ROWS
from ._costs import find_cost_difference as find_cost_difference
from ._costs import format_cost_change as format_cost_change
from ._costs import format_cost_difference as format_cost_difference
from ._costs import format_total_cost as format_total_cost
from ._costs import has_upper_bound as has_upper_bound
from ._data import as_data, list_change_names
from ._data import digest_secrets as digest_secrets
from ._diff import diff
from ._find_consequences import NOTHING as NOTHING
from ._find_consequences import consequences
from ._lines import ARROW as ARROW
from ._lines import EDGES as EDGES
from ._lines import THE_BLOCK as THE_BLOCK
from ._lines import Line as Line
from ._lines import Section as Section
from ._lines import Sign as Sign
from ._lines import format_path as format_path
from ._lines import format_sections as format_sections
from ._live_settings import LiveSetting
from ._live_settings import find_settings as find_settings
from ._merge import FOR_EACH as FOR_EACH
from ._merge import OwnLine as OwnLine
from ._merge import list_own_lines as list_own_lines
from ._merge import list_shared_lines as list_shared_lines
from ._merge import merge_sections as merge_sections
from ._merge import outline_change as outline_change
from ._merge import sign_change as sign_change
from ._redaction import Hidden, Written
from ._redaction import fields_of as fields_of
from ._redaction import redact_pair as redact_pair
from ._sections import as_lines
from ._sections import map_blocks as map_blocks
from ._sections import sections as sections

__all__ = [
    "BlockAdded",
    "BlockMoved",
    "BlockRef",
    "BlockRemoved",
    "BlockRenamed",
    "Change",
    "ColumnAdded",
    "ColumnDropped",
    "ColumnRetyped",
    "Consequence",
    "CostChanged",
    "DescriptionChanged",
    "EdgeAdded",
    "EdgeRef",
    "EdgeRemoved",
    "EffectAppeared",
    "EffectVanished",
    "FieldAdded",
    "FieldChange",
    "FieldChanged",
    "FieldRemoved",
    "FindingAppeared",
    "FindingVanished",
    "Hidden",
    "Impact",
    "ItemAdded",
    "ItemChanged",
    "ItemEdit",
    "ItemMoved",
    "ItemRemoved",
    "KindChanged",
    "ListChanged",
    "LiveSetting",
    "OtherColumnsChanged",
    "PassingChanged",
    "ReadBroken",
    "RowsChanged",
    "TitleChanged",
    "Unmanaged",
    "Written",
    "as_data",
    "as_lines",
    "consequences",
    "diff",
    "impact_of",
    "list_change_names",
]
