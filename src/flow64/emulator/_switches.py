"""Behaviours that no document states: what the emulator assumes, and the switches."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any, Final, Literal, TypeAlias, get_args, get_origin

from attrs import frozen


@frozen(kw_only=True)
class Switches:
    """Behaviours of the emulator that may differ at the service.

    Attributes:
        speed: Seconds that each block of a run takes; 0 is as fast as possible.
        honour_idempotency: Whether a repeated `Idempotency-Key` returns the first run.
        key_clash: Response to the same key with another body: 409, 422, or the first
            run.
        list_runs_late: How many lists of runs leave out a new run.
        list_runs_late_seconds: For how many seconds lists leave out a new run.
        fill_defaults: Whether saving writes documented defaults into specs, and null as
            an unset `webhook_input`.
        reorder: Whether saving changes the order of blocks, edges and spec keys.
        drop_unknown: Whether saving drops unknown keys of body, graph, block and edge.
        keep_block_ids: Whether saving keeps block ids that are not UUIDs.
        strip_description: Whether saving strips white space around the description.
        max_description: Characters of the longest description; no limit by default.
        bad_graph_status: Status for an invalid graph.
        refuse_condition: Whether an edge with a `condition` is invalid.
        refuse_same_numbers: Whether two blocks with one `sequence_number` are invalid.
        ids_per_organisation: Whether two organisations may have workflows with one id.
        foreign_status: Status for an id of another organisation.
        both_credentials_status: Status for an API key together with a Bearer token.
        rate_limit: Requests per minute for each key; no limit by default.
        retry_after: Whether a 429 has the header `Retry-After`.
        partial_upsert: Whether an update of a missing id may have a partial body.
        check_row_kinds: Whether saving refuses rows of the wrong kind for a block.
        untyped_gives_leads: Whether a webhook without `dataframe_type` gives LEAD rows
            when they are checked.
        require_columns: Whether rows must have every column that `input_schema` lists.
        refuse_empty_payload: Whether an empty `webhook_payload` is refused unless the
            source is a search.
        replace_specs: Whether `specs_override` replaces all specs of the first block.
        unknown_kind_fails: Whether a run fails at a kind that is not listed.
        credits: Credits that an organisation may spend; no limit by default.
        auto_execute_on_update: Whether an update charges searches with `auto_execute`,
            as creating a workflow does.
    """

    speed: float = 0.0
    honour_idempotency: bool = True
    key_clash: Literal["409", "422", "replay"] = "409"
    list_runs_late: int = 0
    list_runs_late_seconds: float = 0.0
    fill_defaults: bool = False
    reorder: bool = False
    drop_unknown: bool = False
    keep_block_ids: bool = False
    strip_description: bool = False
    max_description: int | None = None
    bad_graph_status: Literal[400, 422] = 400
    refuse_condition: bool = False
    refuse_same_numbers: bool = False
    ids_per_organisation: bool = False
    foreign_status: Literal[403, 404] = 404
    both_credentials_status: Literal[400, 401] = 400
    rate_limit: int | None = None
    retry_after: bool = False
    partial_upsert: bool = False
    check_row_kinds: bool = True
    untyped_gives_leads: bool = False
    require_columns: bool = True
    refuse_empty_payload: bool = False
    replace_specs: bool = False
    unknown_kind_fails: bool = False
    credits: float | None = None
    auto_execute_on_update: bool = False


def is_switch_value(hint: Any, value: Any) -> bool:
    """Return True if a value fits the type of a switch. Numbers are 0 or more."""
    options = get_args(hint) or (hint,)
    if get_origin(hint) is Literal:
        return any(value == one and type(value) is type(one) for one in options)
    if type(value) not in (int, float):
        return type(value) in options
    has_type = type(value) in options or float in options
    return has_type and 0 <= value < inf


def describe_switch_type(hint: Any) -> str:
    """Describe the values that a switch takes."""
    options = get_args(hint) or (hint,)
    is_literal = get_origin(hint) is Literal
    return " or ".join(repr(one) if is_literal else _TYPES[one] for one in options)


_TYPES: Final = {
    bool: "true or false",
    int: "a whole number (0 or more)",
    float: "a number (0 or more)",
    type(None): "null",
}


GuessMark: TypeAlias = Literal["C", "I", "U"]
"""C: sources conflict. I: inferred from related facts. U: unknown."""

MARKS: Final[Mapping[str, str]] = {
    "C": "sources conflict",
    "I": "inferred",
    "U": "unknown",
}
"""The marks in words."""


@frozen
class Guess:
    """One behaviour that no document states.

    Attributes:
        name: The behaviour, in kebab-case.
        mark: How much is known.
        known: What the documents say.
        assumed: What the emulator does.
        switch: The field of `Switches` that changes it.
    """

    name: str
    mark: GuessMark
    known: str
    assumed: str
    switch: str | None = None
