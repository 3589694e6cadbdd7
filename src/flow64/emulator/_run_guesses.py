"""Guesses about runs: how they start, blocks, deliveries, credits."""

from __future__ import annotations

from typing import Final

from ._switches import Guess

RUN_GUESSES: Final[tuple[Guess, ...]] = (
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
        "refuse_empty_payload",
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
        "interrupted-run",
        "U",
        "What becomes of a run when the service stops is not said.",
        "It goes on at its first unfinished block when the emulator starts again.",
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
        "download-ranges",
        "U",
        "Whether a part of a file can be asked for is not said.",
        "The whole file comes, with 200.",
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
        "U",
        "Slack messages are sent to a channel.",
        "Nothing leaves this process: they are kept in the outbox.",
    ),
    Guess(
        "read-csv-handle",
        "U",
        "A handle names an uploaded file; a wrong one is not mentioned.",
        "The run starts, and fails in the block.",
    ),
    Guess(
        "matches-time",
        "U",
        "Whether an expression may take for ever is not said.",
        "The block fails where it takes more than 5 seconds for 500 rows.",
    ),
    # -- Deliveries
    Guess(
        "delivery-hosts",
        "U",
        "Where an outgoing webhook may go is not said.",
        "To this machine, and to hosts that are allowed; else it stays in the outbox.",
    ),
    Guess(
        "delivery-body",
        "U",
        "It has `event_id`, `run_id`, the rows, and sometimes `results_download_url`.",
        "Those and no more; the rows are `results`.",
    ),
    Guess(
        "delivery-inline",
        "U",
        "Many rows presumably give way to a link; the threshold is not given.",
        "More than 256 KiB of rows: `results` is null, and the link is one of 15 "
        "minutes, to JSON where the run saves it, else to CSV.",
    ),
    Guess(
        "delivery-event",
        "I",
        "An event id is for dropping duplicates; that attempts share it is inferred.",
        "They do, also where the emulator was stopped in between.",
    ),
    Guess(
        "delivery-retries",
        "U",
        "All but a 2xx within 10 seconds is tried again; a schedule is not given.",
        "5 times, after 1, 2, 4, 8 and 16 seconds, 50 times faster where runs take no "
        "time; a redirect is not followed.",
    ),
    Guess(
        "delivery-timeout",
        "U",
        "`timeout_seconds` has no default, and no limit.",
        "10 seconds, or less.",
    ),
    Guess(
        "delivery-failed",
        "U",
        "Whether a run fails with its delivery is not said.",
        "It waits for it, and completes all the same.",
    ),
    # -- Credits
    Guess(
        "credits",
        "I",
        "Some prices a row are documented, and one credit is ten cents; a workflow can "
        "start and then fail for lack of credits.",
        "Blocks pay by row; the one that lacks credits fails, and what it could pay is "
        "spent. What has no known price costs nothing.",
        "credits",
    ),
    Guess(
        "credits-of-cancelled",
        "I",
        "Rows that were processed are presumably billed.",
        "They are, by the 500 that were begun.",
    ),
    Guess(
        "auto-execute-on-update",
        "U",
        "`auto_execute` searches when the workflow is created; an update is not "
        "mentioned.",
        "On create alone; the rows are found again when the workflow runs.",
        "auto_execute_on_update",
    ),
    Guess(
        "ai-blocks",
        "U",
        "Specs of most AI and web blocks are not given.",
        "A column for each entry of `return_fields` or `struct`.",
    ),
)
