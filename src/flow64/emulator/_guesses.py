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
    Guess(
        "rate-limit",
        "C",
        "500 requests a minute for each key, in another place 1,000.",
        "Any number, so that tests need not wait.",
        "rate_limit",
    ),
    Guess(
        "retry-after",
        "U",
        "No header of a 429 is described.",
        "None; those who come too often are not counted.",
        "retry_after",
    ),
    Guess(
        "token-claims",
        "I",
        "Assertions are RS256; their claims are not listed.",
        "As in RFC 7523: iss and sub the client, aud the token endpoint or the issuer, "
        "exp at most 5 minutes after iat, a jti that is used once.",
    ),
    Guess(
        "token-errors",
        "I",
        "Errors of the token endpoint may be spelled as OAuth spells them.",
        "They are; a field that is missing is 422 in the list form.",
    ),
    Guess(
        "token-answer",
        "U",
        "The answer with a token has no schema, and a token no default lifetime.",
        "As in RFC 6749, for an hour; tokens end with the process.",
    ),
    # -- Files, schedules, signatures
    Guess(
        "upload",
        "U",
        "The upload gives a resource handle id; its form is not shown.",
        "The field `file` of a multipart form, or text/csv as the body: UTF-8, commas, "
        "a header and no row that is shorter or longer, at most 100 MiB.",
    ),
    Guess(
        "balance",
        "U",
        "It answers `credits`; what else, and for whom, is not said.",
        "The credits alone; a million where none run out.",
    ),
    Guess(
        "schedules-start-nothing",
        "U",
        "A schedule runs its workflow.",
        "It is kept and listed, and nothing is started by it.",
    ),
    Guess(
        "schedule-times",
        "U",
        "`next_run_times` is a list; its length and what it is while off is not said.",
        "Five, in UTC; none while it is off. A time that the clocks skip is left out, "
        "one that comes twice counts once unless every hour counts.",
    ),
    Guess(
        "schedule-validation",
        "U",
        "A cron expression has five fields, a time zone is one of the IANA.",
        "Names of days and months, lists, ranges and steps are read; what is wrong "
        "gets 422.",
    ),
    Guess(
        "schedule-changes",
        "U",
        "Fields of a change may be null.",
        "They stay as they are; so do the schedules of a deleted workflow.",
    ),
    Guess(
        "schedule-deleted",
        "C",
        "Deleting answers 200 or 204.",
        "200 with the id.",
    ),
    Guess(
        "signing-admin",
        "I",
        "Secrets are made, rolled and deleted by admins.",
        "Every key is one.",
    ),
    Guess(
        "signing-roll",
        "U",
        "Two secrets sign during an overlap; rolling without one, or a third time, is "
        "not mentioned.",
        "400 without one; the oldest of three is revoked.",
    ),
    Guess(
        "signing-roll-body",
        "C",
        "Rolling needs a body, whose one field has a default.",
        "422 without a body; `{}` takes the default.",
    ),
    Guess(
        "signing-preview",
        "I",
        "A preview is the prefix, dots and the last four characters.",
        "Four dots; the status is `active`.",
    ),
    *RUN_GUESSES,
)
"""Every behaviour that no document states."""
