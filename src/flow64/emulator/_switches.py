"""Behaviours that no document states: what the emulator assumes, and the switches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from attrs import frozen


@frozen(kw_only=True)
class Switches:
    """How the emulator behaves where the service could behave otherwise.

    Attributes:
        speed: Seconds that each block of a run takes; 0 is as fast as it can.
        honour_idempotency: Whether a repeated `Idempotency-Key` starts no second run.
        key_clash: What the same key with another body gets: 409, 422, or the first run.
        list_runs_late: From how many lists of runs a run is missing after its start.
        list_runs_late_seconds: How many seconds a run is missing from lists.
        fill_defaults: Whether saving writes documented defaults into specs.
        reorder: Whether saving puts blocks, edges and spec keys into another order.
        drop_unknown: Whether saving drops unknown keys of body, graph, block and edge.
        bad_graph_status: The answer to a graph that is invalid.
        foreign_status: The answer to an id of another organisation.
        both_credentials_status: The answer to an API key and a Bearer token at once.
        rate_limit: Requests a minute that a key may make; None for any number.
        retry_after: Whether the answer to one more says when to come again.
        partial_upsert: Whether an update of a missing id may leave parts of it out.
        check_row_kinds: Whether saving refuses rows of the wrong kind for a block.
        require_columns: Whether rows must have every column that `input_schema` lists.
        refuse_empty_payload: Whether an empty `webhook_payload` starts a search alone.
        unknown_kind_fails: Whether a run fails at a kind that is not in the catalogue.
        credits: Credits that an organisation may spend in all; None for any number.
        auto_execute_on_update: Whether an update lets a search spend that is to run
            when its workflow is created.
    """

    speed: float = 0.0
    honour_idempotency: bool = True
    key_clash: Literal["409", "422", "replay"] = "409"
    list_runs_late: int = 0
    list_runs_late_seconds: float = 0.0
    fill_defaults: bool = False
    reorder: bool = False
    drop_unknown: bool = False
    bad_graph_status: Literal[400, 422] = 400
    foreign_status: Literal[403, 404] = 404
    both_credentials_status: Literal[400, 401] = 400
    rate_limit: int | None = None
    retry_after: bool = False
    partial_upsert: bool = False
    check_row_kinds: bool = True
    require_columns: bool = True
    refuse_empty_payload: bool = False
    unknown_kind_fails: bool = False
    credits: float | None = None
    auto_execute_on_update: bool = False


GuessMark: TypeAlias = Literal["C", "I", "U"]
"""C sources conflict; I inferred from neighbouring facts; U unknown."""

MARKS: Final[Mapping[str, str]] = {
    "C": "sources conflict",
    "I": "inferred",
    "U": "unknown",
}
"""How much is known of a guess, in words."""


@frozen
class Guess:
    """One behaviour that no document states.

    Attributes:
        name: What it is about.
        mark: How much is known.
        known: What the documents say.
        assumed: What the emulator does.
        switch: The field of `Switches` that makes it do otherwise.
    """

    name: str
    mark: GuessMark
    known: str
    assumed: str
    switch: str | None = None
