"""Guesses about runs: how they start, blocks, deliveries, credits."""

from __future__ import annotations

from typing import Final

from ._switches import Guess

RUN_GUESSES: Final[tuple[Guess, ...]] = (
    # -- Starting
    Guess(
        "idempotency",
        "I",
        "The response has `already_started`. The header is not declared here.",
        "It is honoured forever, for each organisation, workflow and key.",
        "honour_idempotency",
    ),
    Guess(
        "idempotency-clash",
        "U",
        "The same key with two bodies is not mentioned.",
        "The second start gets 409.",
        "key_clash",
    ),
    Guess(
        "required-columns",
        "U",
        "Rows without a required column get 400. Which are required is not stated.",
        "Every listed column, unless its schema has `required: false`.",
        "require_columns",
    ),
    Guess(
        "specs-override",
        "U",
        "It overrides the specs of the first block. Whether it merges is not stated.",
        "Its fields replace those of the first block in topological order.",
        "replace_specs",
    ),
    Guess(
        "payload-of-other-sources",
        "C",
        "A payload for another source gets 400. An empty list starts a search.",
        "Only a payload with rows is refused.",
        "refuse_empty_payload",
    ),
    Guess(
        "several-sources",
        "U",
        "Several sources are not mentioned.",
        "All of them run. Every `webhook` gets the payload.",
    ),
    # -- Runs
    Guess(
        "late-list",
        "U",
        "It is not stated whether a run is listed at once.",
        "It is.",
        "list_runs_late",
    ),
    Guess(
        "late-list-seconds",
        "U",
        "It is not stated after which time a run is listed.",
        "At once.",
        "list_runs_late_seconds",
    ),
    Guess(
        "status-filter",
        "U",
        "The documented filters are `running`, `completed`, `cancelled` and `active`.",
        "Any other word filters by that status.",
    ),
    Guess(
        "runs-of-deleted",
        "I",
        "Runs outlive their workflow. An unknown workflow gets 404.",
        "Runs of a deleted workflow can still be listed by its id.",
    ),
    Guess(
        "speed",
        "U",
        "Blocks take seconds to minutes per row.",
        "They take no time.",
        "speed",
    ),
    Guess(
        "unknown-kind",
        "C",
        "A kind that the service does not know fails with `Unknown block type:`.",
        "A kind that is not in the catalogue may be new, so it passes rows on.",
        "unknown_kind_fails",
    ),
    Guess(
        "several-parents",
        "U",
        "A block may have several parents. How their rows are joined is not stated.",
        "They are concatenated in the stored order of the parents.",
    ),
    Guess(
        "cancelled-block",
        "U",
        "The status of a block is `pending`, `running`, `completed` or `failed`.",
        "The current block of a cancelled run stays `running`.",
    ),
    Guess(
        "interrupted-run",
        "U",
        "It is not stated what happens to a run if the service stops.",
        "It continues at its first unfinished block when the emulator starts again.",
    ),
    Guess(
        "stage-files",
        "U",
        "Every stage that saved something has a file.",
        "Every completed block has one, even if a later block failed.",
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
        "Small files are returned inline. The threshold is not stated.",
        "Up to 16 KiB.",
    ),
    Guess(
        "csv-dialect",
        "U",
        "Values are text. Lists and dicts are JSON text.",
        "UTF-8 with CRLF. A missing value is empty. Booleans are as in JSON.",
    ),
    Guess(
        "download-ranges",
        "U",
        "It is not stated whether a range of a file can be requested.",
        "The whole file is returned, with 200.",
    ),
    Guess(
        "link-refused",
        "U",
        "Links are valid for 15 minutes. What follows is not stated.",
        "403. Credentials are ignored.",
    ),
    # -- Blocks
    Guess(
        "filter-operators",
        "U",
        "One source lists eleven operators. It does not say that the list is complete.",
        "A filter with another one is saved. Its block fails in a run.",
    ),
    Guess(
        "email-mode-case",
        "C",
        "A mode is `PERSONAL`, or `Personal` on newer pages.",
        "Both are the same.",
    ),
    Guess(
        "filter-logic",
        "U",
        "The precedence of mixed `and` and `or` is not stated.",
        "Conditions are joined from left to right.",
    ),
    Guess(
        "filter-values",
        "U",
        "Comparison, case and the syntax of regular expressions are not stated.",
        "Two numbers or two texts are compared, even if a number is written as text. "
        "Case matters. Expressions are Python's and may match anywhere. A missing "
        "column is empty, and neither greater nor less.",
    ),
    Guess(
        "deduplicate",
        "U",
        "It is not stated which columns decide, and which row stays.",
        "All columns decide. The first row stays.",
    ),
    Guess(
        "deduplicate-wrt-notebook",
        "I",
        "Rows that the notebook has are dropped. Equality is not defined.",
        "Rows are equal if every column is. The notebook is `notebook_id`.",
    ),
    Guess(
        "remove-columns",
        "U",
        "The name of the field is not stated.",
        "`columns`: a list, or one name.",
    ),
    Guess(
        "group-by",
        "U",
        "There is a column to group by. The result is not described.",
        "Rows with the same value of `column` stand together.",
    ),
    Guess(
        "email-shape",
        "C",
        "The endpoint returns lists of address, status and type.",
        "`email` is plain text or null. `email_status` is `OK`, or `NOT_FOUND` for one "
        "row in eight. A row keeps an address that it has.",
    ),
    Guess(
        "phone-shape",
        "C",
        "It is text, or a list of number and region.",
        "`phone` is plain text.",
    ),
    Guess(
        "company-to-leads",
        "U",
        "Where found people are stored, and the columns of leads, is not stated.",
        "One to three people for each row, with `company` and `company_domain`, but "
        "none without `find_people: true` before.",
    ),
    Guess(
        "search-rows",
        "U",
        "The columns of found rows, and their default number, are not stated.",
        "10 rows if `max_results` is unset, at most 5,000, with synthetic columns.",
    ),
    Guess(
        "create-new-notebook",
        "U",
        "It is not stated whether it creates a notebook once or in each run.",
        "In each run.",
    ),
    Guess(
        "outside-writes",
        "U",
        "Slack messages are sent to a channel.",
        "Nothing leaves this process. Messages stay in the outbox.",
    ),
    Guess(
        "read-csv-handle",
        "U",
        "A handle names an uploaded file. A wrong one is not mentioned.",
        "The run starts, and fails in this block.",
    ),
    Guess(
        "matches-time",
        "U",
        "A time limit for regular expressions is not stated.",
        "The block fails if one takes more than 5 seconds for 500 rows.",
    ),
    # -- Deliveries
    Guess(
        "delivery-hosts",
        "U",
        "It is not stated to which hosts an outgoing webhook may go.",
        "To this machine and to allowed hosts. Otherwise it stays in the outbox.",
    ),
    Guess(
        "delivery-body",
        "U",
        "It has `event_id`, `run_id`, the rows, and sometimes `results_download_url`.",
        "Only these. The rows are `results`.",
    ),
    Guess(
        "delivery-inline",
        "U",
        "A link probably replaces many rows. The threshold is not stated.",
        "Above 256 KiB of rows, `results` is null and the link is valid for 15 "
        "minutes. It leads to JSON if the run saves JSON, or else to CSV.",
    ),
    Guess(
        "delivery-event",
        "I",
        "Event ids serve to drop duplicates. That attempts share one is inferred.",
        "They share it, even if the emulator stopped in between.",
    ),
    Guess(
        "delivery-retries",
        "U",
        "Without a 2xx within 10 seconds it is retried. When is not stated.",
        "5 retries, after 1, 2, 4, 8 and 16 seconds, or 50 times faster if blocks take "
        "no time. Redirects are not followed.",
    ),
    Guess(
        "delivery-timeout",
        "U",
        "`timeout_seconds` has no documented default or limit.",
        "At most 10 seconds, which is also the default.",
    ),
    Guess(
        "delivery-failed",
        "U",
        "It is not stated whether a run fails if its delivery fails.",
        "The run waits for the delivery, and completes in any case.",
    ),
    # -- Credits
    Guess(
        "credits",
        "I",
        "Some prices per row are documented, and one credit is ten cents. A workflow "
        "can start and then fail for lack of credits.",
        "Blocks are charged by row. A block without enough credits fails, and the rows "
        "that it could pay are charged. A block without a known price costs nothing.",
        "credits",
    ),
    Guess(
        "credits-of-cancelled",
        "I",
        "Processed rows are probably charged.",
        "They are charged, in chunks of 500 rows.",
    ),
    Guess(
        "auto-execute-on-update",
        "U",
        "`auto_execute` searches when the workflow is created. An update is not "
        "mentioned.",
        "Only when it is created. A run finds the same rows again.",
        "auto_execute_on_update",
    ),
    Guess(
        "ai-blocks",
        "U",
        "The specs of most AI and web blocks are not documented.",
        "A column for each entry of `return_fields`, `struct` or `output_schema`.",
    ),
)
