"""Assumptions of flow64 about the service, compared with its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from attrs import frozen

from ._requests import Looks
from ._verdicts import (
    Evidence,
    Verdict,
    judge_absent_blocks,
    judge_absent_definitions,
    judge_balance,
    judge_block_ids,
    judge_block_order,
    judge_block_types,
    judge_both_times,
    judge_defaults,
    judge_discovery,
    judge_error_shape,
    judge_failed_runs,
    judge_keys,
    judge_kinds,
    judge_list_length,
    judge_live_status,
    judge_organisations,
    judge_other_keys,
    judge_precision,
    judge_rate_headers,
    judge_retry_after,
    judge_run_limit,
    judge_run_order,
    judge_run_status,
    judge_status,
    judge_time_zones,
    judge_times,
    judge_workflow_status,
)

Confidence: TypeAlias = Literal["D", "D1", "C", "I", "U"]
"""Documented (D1: once), sources in conflict (C), inferred (I), or unknown (U)."""


@frozen
class Assumption:
    """A fact about the service that flow64 relies on.

    Attributes:
        mark: How well it is known.
        says: The assumption, in words.
        looked: What is requested to see it.
        judge: Compares it with the answers.
    """

    name: str
    mark: Confidence
    says: str
    looked: str
    judge: Callable[[Looks], Evidence]


@frozen
class AssumptionResult:
    """An assumption, and a verdict on it.

    Attributes:
        mark: How well it is known.
        says: The assumption, in words.
        looked: What was requested to see it.
        because: The reason for the verdict.
    """

    name: str
    mark: Confidence
    says: str
    looked: str
    verdict: Verdict
    because: str


def judge_assumptions(looks: Looks) -> Sequence[AssumptionResult]:
    """Compare every assumption with the answers."""
    return [
        AssumptionResult(one.name, one.mark, one.says, one.looked, *one.judge(looks))
        for one in ASSUMPTIONS
    ]


_LIST: Final = "the list of workflows"
_RUNS: Final = "the list of runs"
_WHOLE: Final = "up to three workflows, whole"

ASSUMPTIONS: Final[Sequence[Assumption]] = (
    # -- Workflows
    Assumption(
        "missing-workflow",
        "D",
        "A workflow that does not exist answers 404.",
        "a workflow of an id that was just made up",
        judge_status("missing-workflow", 404),
    ),
    Assumption(
        "error-shape",
        "D",
        "An error says why under `detail`.",
        "the same answer",
        judge_error_shape,
    ),
    Assumption(
        "id-form",
        "I",
        "An id that is not a UUID answers 422, and not 404.",
        "a workflow called flow64-doctor",
        judge_status("no-uuid", 422),
    ),
    Assumption(
        "list-whole",
        "D",
        "The list of workflows is whole: there are no pages.",
        _LIST,
        judge_list_length,
    ),
    Assumption(
        "list-keys",
        "D",
        "Each workflow of the list has its id, name, status and times.",
        _LIST,
        judge_keys("workflows", ("id", "name", "status", "created_at", "updated_at")),
    ),
    Assumption(
        "list-without-definitions",
        "D",
        "The list leaves definitions out.",
        _LIST,
        judge_absent_definitions,
    ),
    Assumption(
        "organisation",
        "I",
        "Every workflow names its organisation (`org_id`, which may be null).",
        f"{_LIST}, and {_WHOLE}",
        judge_organisations,
    ),
    Assumption(
        "workflow-status",
        "C",
        "The status of a workflow is draft, ready or active.",
        _LIST,
        judge_workflow_status,
    ),
    Assumption("times", "I", "Times are ISO 8601.", _LIST, judge_times),
    Assumption("time-zones", "U", "Times have a zone.", _LIST, judge_time_zones),
    Assumption(
        "time-precision",
        "U",
        "`updated_at` is more precise than a second.",
        _LIST,
        judge_precision,
    ),
    Assumption(
        "time-of-both",
        "I",
        "`updated_at` is the same in the list and in a workflow.",
        f"{_LIST}, and {_WHOLE}",
        judge_both_times,
    ),
    # -- What is stored
    Assumption(
        "block-ids",
        "D",
        "The ids of stored blocks are UUIDs.",
        _WHOLE,
        judge_block_ids,
    ),
    Assumption(
        "stored-order",
        "U",
        "Stored blocks come in the order of their `sequence_number`.",
        _WHOLE,
        judge_block_order,
    ),
    Assumption(
        "block-type",
        "I",
        "`block_type` comes back as it was sent.",
        f"{_WHOLE}, those that flow64 deployed",
        judge_block_types,
    ),
    Assumption(
        "spec-defaults",
        "U",
        "Saving writes no defaults into specs.",
        f"{_WHOLE}, those that flow64 deployed",
        judge_defaults,
    ),
    # -- Blocks
    Assumption(
        "blocks-keys",
        "C",
        "The list of blocks has `block_name` and `specs_schema`, and nothing else.",
        "the list of blocks",
        judge_other_keys("blocks", ("block_name", "specs_schema")),
    ),
    Assumption(
        "blocks-known",
        "D1",
        "Every kind of the catalogue is listed.",
        "the list of blocks",
        judge_kinds,
    ),
    # -- Runs
    Assumption(
        "runs-order",
        "D",
        "Runs are listed newest first, by `queued_at`.",
        _RUNS,
        judge_run_order,
    ),
    Assumption(
        "runs-limit",
        "D",
        "A list of runs is no longer than its limit.",
        f"{_RUNS}, once with a limit of 2",
        judge_run_limit,
    ),
    Assumption(
        "runs-too-many",
        "I",
        "A limit beyond 500 is refused with 422.",
        f"{_RUNS} with a limit of 501",
        judge_status("too-many-runs", 422),
    ),
    Assumption(
        "runs-of-missing",
        "D",
        "Runs of a workflow that does not exist answer 404.",
        "the runs of an id that was just made up",
        judge_status("runs-of-nobody", 404),
    ),
    Assumption(
        "runs-failed",
        "U",
        "`status=failed` lists the runs that failed.",
        f"{_RUNS} with it",
        judge_failed_runs,
    ),
    Assumption(
        "runs-without-blocks",
        "D",
        "Listed runs leave their blocks out.",
        _RUNS,
        judge_absent_blocks,
    ),
    Assumption(
        "run-status",
        "D",
        "The status of a run is one of the words that flow64 knows.",
        _RUNS,
        judge_run_status,
    ),
    Assumption(
        "missing-run",
        "I",
        "A run that does not exist answers 404.",
        "the status of an id that was just made up",
        judge_status("missing-run", 404),
    ),
    Assumption(
        "live-status",
        "D",
        "The live status has only statuses that flow64 knows.",
        "the live status of the newest run",
        judge_live_status,
    ),
    # -- The rest
    Assumption(
        "balance",
        "D",
        "The balance is a number of credits.",
        "the balance",
        judge_balance,
    ),
    Assumption(
        "schedules",
        "D",
        "Schedules can be listed (one source says: with the Enterprise plan alone).",
        "the list of schedules",
        judge_status("schedules", 200),
    ),
    Assumption(
        "discovery",
        "D",
        "The discovery document names the token endpoint.",
        "the document, without a credential",
        judge_discovery,
    ),
    Assumption(
        "rate-headers",
        "U",
        "No header is about rate limits.",
        "the headers of all answers",
        judge_rate_headers,
    ),
    Assumption(
        "retry-after",
        "U",
        "A 429 says when to try again.",
        "answers of 429, if there are any",
        judge_retry_after,
    ),
)
"""Every assumption that reads can show, in reading order."""
