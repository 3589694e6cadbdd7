"""Verdicts: what the answers of the service say about each assumption."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ..api import ENDED, WAITING, normal
from ..blocks import CATALOGUE, is_built_in, specs_schema
from ..definition import is_uuid
from ..text import join_words, pluralize
from ._assumptions import Evidence, assume
from ._evidence import (
    MOST_WORDS,
    join_plain_words,
    judge_all,
    judge_keys,
    judge_known_words,
    judge_other_keys,
    judge_status,
    judge_truth,
    list_graphs,
    list_ours,
    list_times,
    parse_time,
    skip,
)
from ._kinds import Facts, compare_field, is_plain_name, list_fields, read_catalogue
from ._requests import (
    LIMITS,
    RequestRecords,
    number_of,
    object_of,
    objects_in,
)

PAGE: Final = 100
"""A list with more items than this is taken to have no pages."""

_LIST: Final = "the list of workflows"
_RUNS: Final = "the list of runs"
_WHOLE: Final = "up to three workflows, whole"
_OURS: Final = f"{_WHOLE}, those that flow64 deployed"
_BOTH: Final = f"{_LIST}, and {_WHOLE}"

_FRACTION: Final = re.compile(r"\.(\d+)")
_INSIDE: Final = frozenset(".[]{}")
_NUMBER: Final = "sequence_number"

_NO_WORKFLOW: Final = "there is no workflow"
_NO_WHOLE: Final = "no workflow was asked for"
_NO_OURS: Final = "no workflow of flow64 was asked for"

# -- Workflows -------------------------------------------------------------------------


@assume("missing-workflow", "D", "a workflow of an id that was just made up")
def judge_missing_workflow(replies: RequestRecords) -> Evidence:
    """A workflow that does not exist answers 404."""
    return judge_status(replies["missing-workflow"], 404)


@assume("error-shape", "D", "the same answer")
def judge_error_shape(replies: RequestRecords) -> Evidence:
    """An error says why under `detail`."""
    reply = replies["missing-workflow"]
    if reply.status is None or reply.is_good:
        return skip(reply)
    is_so = isinstance(object_of(reply.data).get("detail"), str)
    return judge_truth(
        is_so=is_so, yes="it has a text", no="its body has another shape"
    )


@assume("id-form", "I", "a workflow called flow64-doctor")
def judge_id_form(replies: RequestRecords) -> Evidence:
    """An id that is not a UUID answers 422, and not 404."""
    return judge_status(replies["no-uuid"], 422)


@assume("list-whole", "D", _LIST)
def judge_list_length(replies: RequestRecords) -> Evidence:
    """The list of workflows is whole: there are no pages."""
    reply = replies["workflows"]
    if not reply.is_good:
        return skip(reply)
    if not isinstance(reply.data, list):
        return "contradicted", "the answer is not a list"
    if reply.answer is not None and "link" in reply.answer.headers:
        return "contradicted", "the answer has a Link header, as lists with pages do"
    count = len(reply.items)
    if count > PAGE:
        return "confirmed", f"{count} came in one answer"
    return "not seen", f"{count} came, which may be one page"


@assume("list-keys", "D", _LIST)
def judge_list_keys(replies: RequestRecords) -> Evidence:
    """Each workflow of the list has its id, name, status and times."""
    return judge_keys(
        replies["workflows"], ("id", "name", "status", "created_at", "updated_at")
    )


@assume("list-without-definitions", "D", _LIST)
def judge_absent_definitions(replies: RequestRecords) -> Evidence:
    """The list leaves definitions out."""
    items = replies["workflows"].items
    lacks = (one.get("workflow_definition") is None for one in items)
    return judge_all(lacks, "there is none", "without one", "some have one")


@assume("organisation", "I", _BOTH)
def judge_organisations(replies: RequestRecords) -> Evidence:
    """Every workflow names its organisation (`org_id`, which may be null)."""
    items = [*replies["workflows"].items, *replies.details]
    ids = (one.get("org_id") for one in items)
    named = (isinstance(org_id, str) and bool(org_id) for org_id in ids)
    return judge_all(named, _NO_WORKFLOW, "it is given", "some do not give it")


@assume("workflow-status", "C", _LIST)
def judge_workflow_status(replies: RequestRecords) -> Evidence:
    """The status of a workflow is draft, ready or active."""
    found = (one.get("status") for one in replies["workflows"].items)
    return judge_known_words(("draft", "ready", "active"), found)


@assume("times", "I", _LIST)
def judge_times(replies: RequestRecords) -> Evidence:
    """Times are ISO 8601."""
    read = (parse_time(text) is not None for text in list_times(replies))
    return judge_all(read, _NO_WORKFLOW, "they can be read", "some cannot be read")


@assume("time-zones", "U", _LIST)
def judge_time_zones(replies: RequestRecords) -> Evidence:
    """Times have a zone."""
    found = [moment for text in list_times(replies) if (moment := parse_time(text))]
    zoned = (moment.tzinfo is not None for moment in found)
    return judge_all(zoned, _NO_WORKFLOW, "each has a zone", "some have no zone")


@assume("time-precision", "U", _LIST)
def judge_precision(replies: RequestRecords) -> Evidence:
    """`updated_at` is more precise than a second."""
    found = [text for text in list_times(replies) if parse_time(text) is not None]
    if not found:
        return "not seen", _NO_WORKFLOW
    fractions = [len(m[1]) for text in found if (m := _FRACTION.search(str(text)))]
    if fractions:
        return "confirmed", f"up to {max(fractions)} digits behind the second"
    return "contradicted", f"none of {len(found)} times has a fraction"


@assume("time-of-both", "I", _BOTH)
def judge_both_times(replies: RequestRecords) -> Evidence:
    """`updated_at` is the same in the list and in a workflow."""
    listed = {
        one.get("id"): one.get("updated_at") for one in replies["workflows"].items
    }
    return judge_all(
        (listed.get(one.get("id")) == one.get("updated_at") for one in replies.details),
        _NO_WHOLE,
        "they are the same",
        "some are not the same (or there was a write meanwhile)",
    )


# -- Stored blocks ---------------------------------------------------------------------


@assume("block-ids", "D", _WHOLE)
def judge_block_ids(replies: RequestRecords) -> Evidence:
    """The ids of stored blocks are UUIDs."""
    ids = [block.get("block_id") for blocks in list_graphs(replies) for block in blocks]
    are_uuids = (isinstance(found, str) and is_uuid(found) for found in ids)
    return judge_all(are_uuids, _NO_WHOLE, "they are", "some are not")


@assume("stored-order", "U", _WHOLE)
def judge_block_order(replies: RequestRecords) -> Evidence:
    """Stored blocks come in the order of their `sequence_number`."""
    numbers = [
        [number for block in blocks if isinstance(number := block.get(_NUMBER), int)]
        for blocks in list_graphs(replies)
    ]
    return judge_all(
        (found == sorted(found) for found in numbers if len(found) > 1),
        "no workflow with several blocks was asked for",
        "they are, in each workflow",
        "they are not, in some workflows",
    )


@assume("block-type", "I", _OURS)
def judge_block_types(replies: RequestRecords) -> Evidence:
    """`block_type` comes back as it was sent."""
    same = [
        block.get("block_type") == known.label
        for one, _ in list_ours(replies)
        for block in one
        if (known := CATALOGUE.get(str(block.get("block_name")))) is not None
    ]
    return judge_all(same, _NO_OURS, "they are", "some are not")


@assume("spec-defaults", "U", _OURS)
def judge_defaults(replies: RequestRecords) -> Evidence:
    """Saving writes no defaults into specs."""
    are_plain: list[bool] = []
    for blocks, stamp in list_ours(replies):
        for block in blocks:
            sent = stamp.fields_of(str(block.get("block_id")))
            if sent is not None:
                are_plain.append(not object_of(block.get("specs")).keys() - sent)
    return judge_all(
        are_plain,
        _NO_OURS,
        "blocks have what was sent",
        "blocks have fields that no deploy sent (filled in, or set by hand)",
    )


# -- The list of blocks ----------------------------------------------------------------


@assume("blocks-keys", "C", "the list of blocks")
def judge_block_keys(replies: RequestRecords) -> Evidence:
    """The list of blocks has `block_name` and `specs_schema`, and nothing else."""
    return judge_other_keys(replies["blocks"], ("block_name", "specs_schema"))


@assume("blocks-known", "D1", "the list of blocks")
def judge_kinds(replies: RequestRecords) -> Evidence:
    """Every kind of the catalogue is listed."""
    listed = [one.get("block_name") for one in replies["blocks"].items]
    if not listed:
        return skip(replies["blocks"])
    missing = [kind for kind in CATALOGUE if kind not in listed]
    new = [
        kind if is_plain_name(kind) else None
        for kind in listed
        if kind not in CATALOGUE
    ]
    also = f"; listed too: {join_plain_words(new)}" if new else ""
    if missing:
        return "contradicted", f"without {join_plain_words(missing)}{also}"
    return "confirmed", f"all {len(CATALOGUE)} are{also}"


@assume("blocks-fields", "I", "the list of blocks")
def judge_fields(replies: RequestRecords) -> Evidence:
    """Every field of the catalogue is in the schema of its kind."""
    found = [*_compare_fields(replies)]
    if not found:
        return skip(replies["blocks"])
    missing = [name for name, ours, theirs in found if ours and not theirs]
    new = [name for name, ours, theirs in found if theirs and not ours]
    also = f"; others are too: {_join_fields(new)}" if new else ""
    if missing:
        return "contradicted", f"without {_join_fields(missing)}{also}"
    return "confirmed", f"all {sum(bool(ours) for _, ours, _ in found)} are{also}"


@assume("blocks-words", "D1", "the list of blocks")
def judge_words(replies: RequestRecords) -> Evidence:
    """A field takes the words of the catalogue, and no others."""
    return _judge_facts(replies, "words")


@assume("blocks-required", "I", "the list of blocks")
def judge_required(replies: RequestRecords) -> Evidence:
    """The same fields are required as in the catalogue."""
    return _judge_facts(replies, "required")


def _judge_facts(replies: RequestRecords, fact: str) -> Evidence:
    """Compare one fact of all fields that both know."""
    both = {
        name: compare_field(ours, theirs)["verdicts"].get(fact)
        for name, ours, theirs in _compare_fields(replies)
        if ours and theirs
    }
    other = [name for name, verdict in both.items() if verdict == "contradicted"]
    same = [name for name, verdict in both.items() if verdict == "confirmed"]
    if not same and not other:
        return skip(replies["blocks"])
    if other:
        return "contradicted", f"not those of {_join_fields(other)}"
    return "confirmed", f"those of {pluralize(len(same), 'field')}"


def _compare_fields(
    replies: RequestRecords,
) -> Iterator[tuple[str, Facts | None, Facts | None]]:
    """Yield each field of a known kind, as flow64 and as the service describe it."""
    listed = read_catalogue(replies)
    blocks = {} if listed is None else listed.blocks
    for kind, cls in CATALOGUE.items():
        block = blocks.get(kind)
        is_ours = is_built_in(cls) and cls.specs_known
        if not is_ours or block is None or block.specs_schema is None:
            continue
        ours = list_fields(specs_schema(cls))
        theirs = list_fields(block.specs_schema)
        for name in dict.fromkeys((*ours, *theirs)):
            if _INSIDE.isdisjoint(name):
                yield f"{kind}.{name}", ours.get(name), theirs.get(name)


def _join_fields(names: Sequence[str]) -> str:
    """Join names of fields. A name that may be about the organisation is not shown."""
    shown = [
        name if is_plain_name(name.partition(".")[2]) else "(a name that is not shown)"
        for name in names
    ]
    return join_words(dict.fromkeys(shown), 20)


# -- Runs ------------------------------------------------------------------------------


@assume("runs-order", "D", _RUNS)
def judge_run_order(replies: RequestRecords) -> Evidence:
    """Runs are listed newest first, by `queued_at`."""
    times = [parse_time(one.get("queued_at")) for one in replies["runs"].items]
    known = [time.timestamp() for time in times if time is not None]
    if len(known) < 2:
        return "not seen", f"queue times: {len(known)}"
    is_sorted, said = known == sorted(known, reverse=True), f"by {len(known)} runs"
    return judge_truth(is_so=is_sorted, yes=said, no=said)


@assume("runs-limit", "D", f"{_RUNS}, once with a limit of 2")
def judge_run_limit(replies: RequestRecords) -> Evidence:
    """A list of runs is no longer than its limit."""
    few, many = replies["few-runs"], replies["runs"]
    if not (few.is_good and many.is_good):
        return skip(many if few.is_good else few)
    if len(few.items) > 2:
        return "contradicted", f"{len(few.items)} came where 2 were asked for"
    if len(many.items) <= 2:
        return "not seen", f"there are only {len(many.items)}"
    return "confirmed", f"of {len(many.items)} at least, {len(few.items)} came"


@assume("runs-too-many", "I", f"{_RUNS} with a limit of 501")
def judge_too_many_runs(replies: RequestRecords) -> Evidence:
    """A limit beyond 500 is refused with 422."""
    return judge_status(replies["too-many-runs"], 422)


@assume("runs-of-missing", "D", "the runs of an id that was just made up")
def judge_runs_of_missing_workflow(replies: RequestRecords) -> Evidence:
    """Runs of a workflow that does not exist answer 404."""
    return judge_status(replies["runs-of-nobody"], 404)


@assume("runs-failed", "U", f"{_RUNS} with it")
def judge_failed_runs(replies: RequestRecords) -> Evidence:
    """`status=failed` lists the runs that failed."""
    reply = replies["failed-runs"]
    if reply.status in (400, 422):
        return "contradicted", f"it is refused with {reply.status}"
    if not reply.is_good:
        return skip(reply)
    words = [one.get("status") for one in reply.items]
    return judge_all(
        (isinstance(word, str) and normal(word) == "failed" for word in words),
        "no run has failed, or the word is not known",
        "they have all failed",
        "there are others",
    )


@assume("runs-without-blocks", "D", _RUNS)
def judge_absent_blocks(replies: RequestRecords) -> Evidence:
    """Listed runs leave their blocks out."""
    lacks = (one.get("blocks") is None for one in replies["runs"].items)
    return judge_all(lacks, "there is no run", "without them", "some have them")


@assume("run-status", "D", _RUNS)
def judge_run_status(replies: RequestRecords) -> Evidence:
    """The status of a run is one of the words that flow64 knows."""
    found = (one.get("status") for one in replies["runs"].items)
    return judge_known_words({*ENDED, *WAITING, "running"} - {""}, found)


@assume("missing-run", "I", "the status of an id that was just made up")
def judge_missing_run(replies: RequestRecords) -> Evidence:
    """A run that does not exist answers 404."""
    return judge_status(replies["missing-run"], 404)


@assume("live-status", "D", "the live status of the newest run")
def judge_live_status(replies: RequestRecords) -> Evidence:
    """The live status has only statuses that flow64 knows."""
    data = replies["live-status"].object
    if not data:
        return skip(replies["live-status"])
    blocks = objects_in(data.get("blocks"))
    found = [data.get("overall_status"), *(one.get("status") for one in blocks)]
    return judge_known_words({*ENDED, *WAITING, "running"} - {""}, found)


# -- The rest --------------------------------------------------------------------------


@assume("balance", "D", "the balance")
def judge_balance(replies: RequestRecords) -> Evidence:
    """The balance is a number of credits."""
    reply = replies["balance"]
    if reply.status in (None, 401, 429):
        return skip(reply)
    is_so = number_of(reply.object.get("credits")) is not None
    no = f"the answer was {reply.status}, without it"
    return judge_truth(is_so=is_so, yes="there is a number", no=no)


@assume("schedules", "D", "the list of schedules")
def judge_schedules(replies: RequestRecords) -> Evidence:
    """Schedules can be listed (one source says: with the Enterprise plan alone)."""
    return judge_status(replies["schedules"], 200)


@assume("discovery", "D", "the document, without a credential")
def judge_discovery(replies: RequestRecords) -> Evidence:
    """The discovery document names the token endpoint."""
    reply = replies["discovery"]
    if reply.status is None:
        return skip(reply)
    names = isinstance(reply.object.get("token_endpoint"), str)
    no = f"the answer was {reply.status}, without one"
    return judge_truth(is_so=names, yes="it names one", no=no)


@assume("rate-headers", "U", "the headers of all answers")
def judge_rate_headers(replies: RequestRecords) -> Evidence:
    """No header is about rate limits."""
    names = [
        name
        for reply in replies.all
        if reply.answer is not None
        for name in reply.answer.headers
        if any(part in name for part in LIMITS) and name != "retry-after"
    ]
    if not any(reply.answer is not None for reply in replies.all):
        return "not seen", "nothing was answered"
    if names:
        shown = ", ".join(sorted({*names})[:MOST_WORDS])[:200]
        return "contradicted", f"there is {shown}"
    return "confirmed", "no answer has one"


@assume("retry-after", "U", "answers of 429, if there are any")
def judge_retry_after(replies: RequestRecords) -> Evidence:
    """A 429 says when to try again."""
    turned_away = [
        "retry-after" in reply.answer.headers
        for reply in replies.all
        if reply.answer is not None and reply.status == 429
    ]
    return judge_all(turned_away, "no answer was 429", "it is said", "it is not said")
