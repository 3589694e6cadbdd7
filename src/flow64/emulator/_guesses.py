"""What the emulator does where the documents are silent or disagree, as data."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from attrs import frozen

Mark: TypeAlias = Literal["C", "I", "U"]
"""C sources conflict; I inferred from neighbouring facts; U unknown."""


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
    mark: Mark
    known: str
    assumed: str
    switch: str | None = None


GUESSES: Final[tuple[Guess, ...]] = (
    # -- Saving
    Guess(
        "bad-graph-status",
        "C",
        "An invalid graph is refused before it is saved, with 400 or with 422.",
        "400 with one sentence.",
        "bad_graph_status",
    ),
    Guess(
        "row-kinds-at-save",
        "C",
        "LEAD rows into a COMPANY block fail, at saving or in the run.",
        "Refused at saving, for blocks whose row kinds are documented.",
        "check_row_kinds",
    ),
    Guess(
        "unknown-keys",
        "I",
        "No schema forbids more keys on a body, graph, block or edge.",
        "They are kept.",
        "drop_unknown",
    ),
    Guess(
        "spec-defaults",
        "U",
        "Whether saving writes defaults into specs is not said.",
        "It does not.",
        "fill_defaults",
    ),
    Guess(
        "stored-order",
        "U",
        "Whether blocks, edges and spec keys keep their order is not said.",
        "They do.",
        "reorder",
    ),
    Guess(
        "duplicate-block-id",
        "U",
        "Two blocks of one id are not mentioned.",
        "Refused as an invalid graph.",
    ),
    Guess(
        "cycle",
        "U",
        "A graph is acyclic; the answer to a cycle is not given.",
        "Refused as an invalid graph.",
    ),
    Guess(
        "webhook-url",
        "I",
        "The URL of an outgoing webhook is checked; https is inferred.",
        "Absolute http and https pass, so that deliveries can go to loopback.",
    ),
    Guess(
        "workflow-id-form",
        "I",
        "A workflow id of one's own must be a UUID.",
        "Another text gets 422 when it would make a workflow.",
    ),
    Guess(
        "partial-update-of-missing",
        "U",
        "An update of a missing id creates it; a partial body is not mentioned.",
        "422 naming what is missing.",
        "partial_upsert",
    ),
    Guess(
        "workflow-status",
        "C",
        "The status is `draft`, `ready` or `active`.",
        "Always `ready`, with the step `completed`.",
    ),
    # -- Access
    Guess(
        "foreign-id",
        "C",
        "An id of another organisation answers 404 or 403.",
        "404.",
        "foreign_status",
    ),
    Guess(
        "both-credentials",
        "U",
        "An API key and a Bearer token together are not allowed.",
        "400.",
        "both_credentials_status",
    ),
    Guess(
        "malformed-json",
        "C",
        "Malformed JSON answers 400, or 422.",
        "400; 413 for a body that is too long; 422 for another content type.",
    ),
    # -- Starting
    Guess(
        "idempotency",
        "I",
        "The answer has `already_started`; the header is not declared on this route.",
        "It is honoured, for ever, per organisation, workflow and key.",
        "honour_idempotency",
    ),
    Guess(
        "idempotency-clash",
        "U",
        "One key with two bodies is not mentioned.",
        "409 for the second.",
        "key_clash",
    ),
    Guess(
        "required-columns",
        "U",
        "Rows without a required column answer 400; which are required is not said.",
        "Every listed column, unless its schema says `required: false`.",
        "require_columns",
    ),
    Guess(
        "specs-override",
        "U",
        "It overrides the specs of the first block; merged or replaced is not said.",
        "Its fields are laid over those of the first block in topological order.",
    ),
    Guess(
        "payload-of-other-sources",
        "C",
        "A payload for another source is 400; an empty list starts a search.",
        "Only a payload with rows is refused.",
    ),
    Guess(
        "several-sources",
        "U",
        "Several sources are not mentioned.",
        "All of them run; every `webhook` gets the payload.",
    ),
    # -- Runs
    Guess(
        "late-list",
        "U",
        "Whether a run is listed at once is not said.",
        "It is.",
        "list_runs_late",
    ),
    Guess(
        "late-list-seconds",
        "U",
        "The same, by time.",
        "It is.",
        "list_runs_late_seconds",
    ),
    Guess(
        "status-filter",
        "U",
        "`running`, `completed`, `cancelled` and `active` are listed.",
        "Any other word filters by that status.",
    ),
    Guess(
        "runs-of-deleted",
        "I",
        "Runs outlive their workflow; an unknown workflow answers 404.",
        "Runs of a deleted workflow can still be asked for by its id.",
    ),
    Guess(
        "speed",
        "U",
        "Blocks take seconds to minutes a row.",
        "No time at all.",
        "speed",
    ),
    Guess(
        "unknown-kind",
        "C",
        "A kind that the service lacks fails with `Unknown block type:`.",
        "A kind that the catalogue lacks may be new: it passes rows on.",
        "unknown_kind_fails",
    ),
    Guess(
        "several-parents",
        "U",
        "A block may have several parents; how their rows meet is not said.",
        "They are concatenated, in the order in which the parents are stored.",
    ),
    Guess(
        "cancelled-block",
        "U",
        "Words for a block are `pending`, `running`, `completed` and `failed`.",
        "The block at work when a run was cancelled stays `running`.",
    ),
    Guess(
        "stage-files",
        "U",
        "Every stage that saved something has a file.",
        "Every block that finished saved one, also before a failure.",
    ),
    Guess(
        "format-not-saved",
        "U",
        "JSON links need a run that saved JSON.",
        "An empty list.",
    ),
    Guess(
        "inline-rows",
        "U",
        "Small files stand inline; the threshold is not given.",
        "Up to 16 KiB.",
    ),
    Guess(
        "csv-dialect",
        "U",
        "Values are text, lists and dicts JSON text.",
        "UTF-8, CRLF, a missing value is empty, true and false as in JSON.",
    ),
    Guess(
        "link-refused",
        "U",
        "Links live 15 minutes; what follows is not said.",
        "403, and no credential is looked at.",
    ),
    # -- Blocks
    Guess(
        "filter-logic",
        "U",
        "Precedence of mixed `and` and `or` is not said.",
        "Conditions are joined from left to right.",
    ),
    Guess(
        "filter-values",
        "U",
        "Comparison, letter case and the flavour of expressions are not said.",
        "Two numbers, or two texts, also where one is written as the other; case "
        "matters; Python's expressions, found anywhere; a missing column is empty, and "
        "neither greater nor less.",
    ),
    Guess(
        "deduplicate",
        "U",
        "Which columns decide, and which row stays, is not said.",
        "All columns; the first stays.",
    ),
    Guess(
        "deduplicate-wrt-notebook",
        "I",
        "Rows that the notebook has are dropped; equality is not said.",
        "Equal in every column; the notebook is `notebook_id`.",
    ),
    Guess(
        "remove-columns",
        "U",
        "The name of the field is not given.",
        "`columns`, a list or one name.",
    ),
    Guess(
        "group-by",
        "U",
        "A column to group by; what a group is, is not said.",
        "Rows with the same value of `column` stand beside each other.",
    ),
    Guess(
        "email-shape",
        "C",
        "The endpoint gives lists of address, status and type.",
        "`email` is plain text, or null; `email_status` is `OK`, or `NOT_FOUND` for "
        "one in eight; a row keeps an address that it has.",
    ),
    Guess(
        "phone-shape",
        "C",
        "A text, or a list of number and region.",
        "`phone` is plain text.",
    ),
    Guess(
        "company-to-leads",
        "U",
        "Where found people are kept, and what a lead has of its company, is not said.",
        "One to three people for each row, with `company` and `company_domain`; none "
        "without `find_people: true` before it.",
    ),
    Guess(
        "search-rows",
        "U",
        "Columns of found rows, and the default number, are not given.",
        "10 rows where `max_results` is unset, at most 5,000, of made-up columns.",
    ),
    Guess(
        "create-new-notebook",
        "U",
        "Whether it makes a notebook once or at each run is not said.",
        "At each run.",
    ),
    Guess(
        "outside-writes",
        "I",
        "An outgoing webhook posts once a run.",
        "Nothing leaves this process: it is kept in the outbox.",
    ),
    Guess(
        "ai-blocks",
        "U",
        "Specs of most AI and web blocks are not given.",
        "A column for each entry of `return_fields` or `struct`.",
    ),
)
"""Every behaviour that no document states."""
