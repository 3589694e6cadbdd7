"""Guesses: what the emulator does where the documents are silent or disagree."""

from __future__ import annotations

from typing import Final

from ._run_guesses import RUN_GUESSES
from ._switches import Guess

GUESSES: Final[tuple[Guess, ...]] = (
    # -- Saving
    Guess(
        "bad-graph-status",
        "C",
        "An invalid graph is refused before it is saved, with 400 or 422.",
        "400 with one sentence.",
        "bad_graph_status",
    ),
    Guess(
        "row-kinds-at-save",
        "C",
        "LEAD rows into a COMPANY block fail, when saving or in the run.",
        "They are refused when saving, if the row kinds are documented.",
        "check_row_kinds",
    ),
    Guess(
        "unknown-keys",
        "I",
        "No schema forbids additional keys in a body, graph, block or edge.",
        "They are kept.",
        "drop_unknown",
    ),
    Guess(
        "spec-defaults",
        "U",
        "It is not stated whether saving writes defaults into specs.",
        "It does not.",
        "fill_defaults",
    ),
    Guess(
        "stored-order",
        "U",
        "It is not stated whether blocks, edges and spec keys keep their order.",
        "They keep it.",
        "reorder",
    ),
    Guess(
        "duplicate-block-id",
        "U",
        "Two blocks with the same id are not mentioned.",
        "It is refused as an invalid graph.",
    ),
    Guess(
        "block-id-form",
        "C",
        "A block id that is missing or not a UUID is replaced. One example has others.",
        "It is replaced, and edges are rewritten to match.",
        "keep_block_ids",
    ),
    Guess(
        "duplicate-number",
        "U",
        "Two blocks with the same sequence number are not mentioned.",
        "They are saved.",
        "refuse_same_numbers",
    ),
    Guess(
        "condition",
        "U",
        "The condition of an edge is reserved. Whether it is refused is not stated.",
        "It is kept, and ignored.",
        "refuse_condition",
    ),
    Guess(
        "untyped-webhook",
        "C",
        "A webhook needs `dataframe_type`, or works without it before any block.",
        "Its rows are of no kind, so no block after it is refused.",
        "untyped_gives_leads",
    ),
    Guess(
        "description-text",
        "U",
        "It is not stated whether a description is changed when it is saved.",
        "It is kept byte for byte.",
        "strip_description",
    ),
    Guess(
        "description-length",
        "U",
        "No limit is stated for a description.",
        "There is none.",
        "max_description",
    ),
    Guess(
        "cycle",
        "U",
        "A graph is acyclic. The response to a cycle is not stated.",
        "It is refused as an invalid graph.",
    ),
    Guess(
        "webhook-url",
        "I",
        "The URL of an outgoing webhook is checked. That it must be https is inferred.",
        "Absolute http and https URLs pass, so that deliveries can go to loopback.",
    ),
    Guess(
        "workflow-id-form",
        "I",
        "A workflow id that the client chooses must be a UUID.",
        "Any other text gets 422 if it would create a workflow.",
    ),
    Guess(
        "partial-update-of-missing",
        "U",
        "An update of a missing id creates it. A partial body is not mentioned.",
        "422 that names the missing fields.",
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
        "An id of another organisation gets 404 or 403.",
        "404.",
        "foreign_status",
    ),
    Guess(
        "id-scope",
        "U",
        "It is not stated whether two organisations may use one workflow id.",
        "They may not: the second gets 409, or the response for a foreign id.",
        "ids_per_organisation",
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
        "Malformed JSON gets 400 or 422.",
        "400. A body that is too long gets 413, another content type 422.",
    ),
    Guess(
        "rate-limit",
        "C",
        "500 requests per minute for each key, or 1,000 in another place.",
        "No limit, so that tests need not wait.",
        "rate_limit",
    ),
    Guess(
        "retry-after",
        "U",
        "The headers of a 429 are not described.",
        "It sends no headers for it. Refused requests do not count.",
        "retry_after",
    ),
    Guess(
        "token-claims",
        "I",
        "Assertions are signed with RS256. Their claims are not listed.",
        "As in RFC 7523: iss and sub are the client, aud is the token endpoint or the "
        "issuer, exp is at most 5 minutes after iat, and a jti is used once.",
    ),
    Guess(
        "token-errors",
        "I",
        "Errors of the token endpoint probably have the form of OAuth.",
        "They do. A missing field gets 422 with the usual list.",
    ),
    Guess(
        "token-answer",
        "U",
        "The response has no schema. A default lifetime of tokens is not stated.",
        "As in RFC 6749, with one hour. Tokens are lost when the process ends.",
    ),
    # -- Files, schedules, signatures
    Guess(
        "upload",
        "U",
        "An upload returns a resource handle id. The request is not shown.",
        "The field `file` of a multipart form, or text/csv as the body: UTF-8, commas, "
        "a header, rows of equal length, at most 100 MiB.",
    ),
    Guess(
        "balance",
        "U",
        "It returns `credits`. Other fields and its scope are not stated.",
        "Only the credits of the organisation; a million if there is no limit.",
    ),
    Guess(
        "schedules-start-nothing",
        "U",
        "A schedule runs its workflow.",
        "It is stored and listed, but starts nothing.",
    ),
    Guess(
        "schedule-times",
        "U",
        "`next_run_times` is a list. Its length, also while off, is not stated.",
        "Five times in UTC, or none while off, as Debian's cron has them: a time of "
        "day that the clocks skip is due right after, and one that they repeat once.",
    ),
    Guess(
        "schedule-validation",
        "U",
        "A cron expression has five fields. A time zone has an IANA name.",
        "Names of days and months, lists, ranges and steps are accepted, and `L` and "
        "`#`. Anything else gets 422.",
    ),
    Guess(
        "schedule-changes",
        "U",
        "Fields of a change may be null.",
        "Null changes nothing. Schedules of a deleted workflow stay.",
    ),
    Guess(
        "schedule-deleted",
        "C",
        "Deleting returns 200 or 204.",
        "200 with the id.",
    ),
    Guess(
        "signing-admin",
        "I",
        "Admins create, roll and delete secrets.",
        "Every key belongs to an admin.",
    ),
    Guess(
        "signing-roll",
        "U",
        "Two secrets sign during an overlap. Rolling without a secret, or again during "
        "an overlap, is not mentioned.",
        "Without a secret 400. Of three secrets, the oldest is revoked.",
    ),
    Guess(
        "signing-roll-body",
        "C",
        "Rolling needs a body. Its only field has a default.",
        "422 without a body. `{}` uses the default.",
    ),
    Guess(
        "signing-preview",
        "I",
        "A preview is the prefix, dots and the last four characters.",
        "Four dots. The status is `active`.",
    ),
    *RUN_GUESSES,
)
"""Every behaviour that no document states."""
