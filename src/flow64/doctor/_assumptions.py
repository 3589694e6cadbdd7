"""What flow64 takes to be so, held against answers: facts that reads can show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from ..api import ENDED, WAITING, normal
from ..blocks import CATALOGUE
from ..definition import Stamp, is_uuid, split_stamp
from ._requests import LIMITS, Look, Looks, number_of, object_of, objects_in

Mark: TypeAlias = Literal["D", "D1", "C", "I", "U"]
"""Documented (D1: once), sources in conflict (C), inferred (I), or unknown (U)."""

Verdict: TypeAlias = Literal["confirmed", "contradicted", "not seen"]

Seen: TypeAlias = tuple[Verdict, str]
"""A verdict, and what it rests on: without a title, a text, a row or an id."""

PAGE: Final = 100
"""More than this in one answer is taken for a list without pages."""

MOST: Final = 8
"""How many words one verdict shows."""


@frozen
class Assumption:
    """Something that flow64 takes to be so.

    Attributes:
        name: What it is about.
        mark: How well it is known.
        says: The assumption, in words.
        looked: How it is looked at.
        judge: Holds it against what was answered.
    """

    name: str
    mark: Mark
    says: str
    looked: str
    judge: Callable[[Looks], Seen]


@frozen
class Judgement:
    """An assumption, and what the service says to it.

    Attributes:
        name: What it is about.
        mark: How well it is known.
        says: The assumption, in words.
        looked: How it was looked at.
        verdict: Whether answers confirm it, contradict it, or do not show it.
        because: What the verdict rests on.
    """

    name: str
    mark: Mark
    says: str
    looked: str
    verdict: Verdict
    because: str


def judged(looks: Looks) -> Sequence[Judgement]:
    """Every assumption, as the answers have it."""
    return [
        Judgement(one.name, one.mark, one.says, one.looked, *one.judge(looks))
        for one in ASSUMPTIONS
    ]


# -- How answers are held against it --------------------------------------------------


def _status_is(name: str, *expected: int) -> Callable[[Looks], Seen]:
    """The answer to a look has one of some statuses."""

    def judge(looks: Looks) -> Seen:
        found = looks[name].status
        if found is None or found in (401, 429):
            return _unseen(looks[name])
        return ("confirmed" if found in expected else "contradicted"), f"it was {found}"

    return judge


def _unseen(look: Look) -> Seen:
    said = (
        "it was not asked" if look.status is None else f"the answer was {look.status}"
    )
    return "not seen", said


def _all(items: Iterable[bool], nothing: str, fine: str, otherwise: str) -> Seen:
    """All of some things are as they should be."""
    found = [*items]
    if not found:
        return "not seen", nothing
    wrong = found.count(False)
    if wrong:
        return "contradicted", f"{otherwise}: {wrong} of {len(found)}"
    return "confirmed", f"{fine}: {len(found)}"


def _words(texts: Iterable[Any]) -> str:
    """Words of an answer that may be shown: short ones that could be names."""
    found = dict.fromkeys(
        text
        if isinstance(text, str) and _WORD.fullmatch(text)
        else "(something that is no plain word)"
        for text in texts
    )
    shown = ", ".join([*found][:MOST])
    return shown + (f" and {len(found) - MOST} more" if len(found) > MOST else "")


_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.IGNORECASE)


def _known_words(known: Iterable[str], found: Iterable[Any]) -> Seen:
    """Words are among those that are known."""
    texts = [text for text in found if text is not None]
    if not texts:
        return "not seen", "no answer has one"
    expected = {*known}
    new = [t for t in texts if not isinstance(t, str) or normal(t) not in expected]
    if new:
        return "contradicted", f"there is also {_words(new)}"
    return "confirmed", f"there is {_words(texts)}"


def _listed(looks: Looks) -> Seen:
    look = looks["workflows"]
    if not look.is_good:
        return _unseen(look)
    if not isinstance(look.data, list):
        return "contradicted", "the answer is no list"
    if look.answer is not None and "link" in look.answer.headers:
        return "contradicted", "the answer has a Link header, as lists with pages do"
    count = len(look.items)
    if count > PAGE:
        return "confirmed", f"{count} came in one answer"
    return "not seen", f"{count} came, which may be one page"


def _keys(name: str, needed: Sequence[str]) -> Callable[[Looks], Seen]:
    """Every item of a list has some keys."""

    def judge(looks: Looks) -> Seen:
        items = looks[name].items
        missing = [key for key in needed if any(key not in one for one in items)]
        if not items:
            return "not seen", "there is none"
        if missing:
            return "contradicted", f"without {_words(missing)}"
        return "confirmed", f"in all {len(items)}"

    return judge


def _no_other_keys(name: str, known: Sequence[str]) -> Callable[[Looks], Seen]:
    """No item of a list has keys besides those that are known."""

    def judge(looks: Looks) -> Seen:
        items = looks[name].items
        new = dict.fromkeys(key for one in items for key in one if key not in known)
        if not items:
            return "not seen", "there is none"
        if new:
            return "contradicted", f"there is also {_words(new)}"
        return "confirmed", f"in all {len(items)}"

    return judge


def _without_definitions(looks: Looks) -> Seen:
    items = looks["workflows"].items
    lacks = (one.get("workflow_definition") is None for one in items)
    return _all(lacks, "there is none", "without one", "some have one")


def _organisation(looks: Looks) -> Seen:
    items = [*looks["workflows"].items, *looks.details]
    told = (isinstance(one.get("org_id"), str) and bool(one["org_id"]) for one in items)
    return _all(told, "there is no workflow", "it is said", "some do not say it")


def _times(looks: Looks) -> Seen:
    return _all(
        (_moment(text) is not None for text in _moments(looks)),
        "there is no workflow",
        "they can be read",
        "some cannot be read",
    )


def _zones(looks: Looks) -> Seen:
    found = [moment for text in _moments(looks) if (moment := _moment(text))]
    return _all(
        (moment.tzinfo is not None for moment in found),
        "there is no workflow",
        "each has a zone",
        "some have no zone",
    )


def _precision(looks: Looks) -> Seen:
    found = [text for text in _moments(looks) if _moment(text) is not None]
    if not found:
        return "not seen", "there is no workflow"
    fractions = [len(m[1]) for text in found if (m := _FRACTION.search(str(text)))]
    if fractions:
        return "confirmed", f"up to {max(fractions)} digits behind the second"
    return "contradicted", f"none of {len(found)} times has a fraction"


_FRACTION: Final = re.compile(r"\.(\d+)")


def _moments(looks: Looks) -> Sequence[Any]:
    return [
        one["updated_at"] for one in looks["workflows"].items if "updated_at" in one
    ]


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _same_time(looks: Looks) -> Seen:
    listed = {one.get("id"): one.get("updated_at") for one in looks["workflows"].items}
    return _all(
        (listed.get(one.get("id")) == one.get("updated_at") for one in looks.details),
        "no workflow was asked for",
        "they are the same",
        "some are not the same (or somebody wrote meanwhile)",
    )


def _workflow_words(looks: Looks) -> Seen:
    found = (one.get("status") for one in looks["workflows"].items)
    return _known_words(("draft", "ready", "active"), found)


def _run_words(looks: Looks) -> Seen:
    found = (one.get("status") for one in looks["runs"].items)
    return _known_words({*ENDED, *WAITING, "running"} - {""}, found)


def _live_words(looks: Looks) -> Seen:
    data = looks["live-status"].object
    if not data:
        return _unseen(looks["live-status"])
    blocks = objects_in(data.get("blocks"))
    found = [data.get("overall_status"), *(one.get("status") for one in blocks)]
    return _known_words({*ENDED, *WAITING, "running"} - {""}, found)


def _newest_first(looks: Looks) -> Seen:
    times = [_moment(one.get("queued_at")) for one in looks["runs"].items]
    known = [time.timestamp() for time in times if time is not None]
    if len(known) < 2:
        return "not seen", f"{len(known)} runs say when they were queued"
    is_so = known == sorted(known, reverse=True)
    return ("confirmed" if is_so else "contradicted"), f"by {len(known)} runs"


def _limited(looks: Looks) -> Seen:
    few, many = looks["few-runs"], looks["runs"]
    if not (few.is_good and many.is_good):
        return _unseen(many if few.is_good else few)
    if len(few.items) > 2:
        return "contradicted", f"{len(few.items)} came where 2 were asked for"
    if len(many.items) <= 2:
        return "not seen", f"there are only {len(many.items)}"
    return "confirmed", f"of {len(many.items)} at least, {len(few.items)} came"


def _without_blocks(looks: Looks) -> Seen:
    lacks = (one.get("blocks") is None for one in looks["runs"].items)
    return _all(lacks, "there is no run", "without them", "some have them")


def _failed_ones(looks: Looks) -> Seen:
    look = looks["failed-runs"]
    if look.status in (400, 422):
        return "contradicted", f"it is refused with {look.status}"
    if not look.is_good:
        return _unseen(look)
    words = [one.get("status") for one in look.items]
    return _all(
        (isinstance(word, str) and normal(word) == "failed" for word in words),
        "no run has failed, or the word is not known",
        "they have all failed",
        "there are others",
    )


def _has_detail(looks: Looks) -> Seen:
    look = looks["missing-workflow"]
    if look.status is None or look.is_good:
        return _unseen(look)
    is_so = isinstance(object_of(look.data).get("detail"), str)
    said = "it has a text" if is_so else "its body has another shape"
    return ("confirmed" if is_so else "contradicted"), said


def _kinds(looks: Looks) -> Seen:
    listed = [one.get("block_name") for one in looks["blocks"].items]
    if not listed:
        return _unseen(looks["blocks"])
    missing = [kind for kind in CATALOGUE if kind not in listed]
    new = sum(kind not in CATALOGUE for kind in listed)
    also = f"; {new} are listed besides" if new else ""
    if missing:
        return "contradicted", f"without {_words(missing)}{also}"
    return "confirmed", f"all {len(CATALOGUE)} are{also}"


def _balance(looks: Looks) -> Seen:
    look = looks["balance"]
    if look.status in (None, 401, 429):
        return _unseen(look)
    is_so = number_of(look.object.get("credits")) is not None
    said = "there is a number" if is_so else f"the answer was {look.status}, without it"
    return ("confirmed" if is_so else "contradicted"), said


def _token_here(looks: Looks) -> Seen:
    look = looks["discovery"]
    if look.status is None:
        return _unseen(look)
    names = isinstance(look.object.get("token_endpoint"), str)
    said = "it names one" if names else f"the answer was {look.status}, without one"
    return ("confirmed" if names else "contradicted"), said


def _no_rates(looks: Looks) -> Seen:
    names = [
        name
        for look in looks.all
        if look.answer is not None
        for name in look.answer.headers
        if any(part in name for part in LIMITS) and name != "retry-after"
    ]
    if not any(look.answer is not None for look in looks.all):
        return "not seen", "nothing was answered"
    if names:
        return "contradicted", f"there is {', '.join(sorted({*names})[:MOST])[:200]}"
    return "confirmed", "no answer has one"


def _says_when(looks: Looks) -> Seen:
    turned_away = [
        "retry-after" in look.answer.headers
        for look in looks.all
        if look.answer is not None and look.status == 429
    ]
    return _all(turned_away, "no answer was 429", "it is said", "it is not said")


def _blocks(looks: Looks) -> Sequence[Sequence[Mapping[str, Any]]]:
    """The blocks of the workflows that were looked at whole."""
    return [_blocks_of(one) for one in looks.details]


def _blocks_of(one: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return objects_in(object_of(one.get("workflow_definition")).get("blocks"))


def _uuids(looks: Looks) -> Seen:
    ids = [block.get("block_id") for blocks in _blocks(looks) for block in blocks]
    return _all(
        (isinstance(found, str) and is_uuid(found) for found in ids),
        "no workflow was asked for",
        "they are",
        "some are not",
    )


def _in_order(looks: Looks) -> Seen:
    numbers = [
        [number for block in blocks if isinstance(number := block.get(_NUMBER), int)]
        for blocks in _blocks(looks)
    ]
    return _all(
        (found == sorted(found) for found in numbers if len(found) > 1),
        "no workflow with several blocks was asked for",
        "they are, in each workflow",
        "they are not, in some workflows",
    )


_NUMBER: Final = "sequence_number"


def _labels(looks: Looks) -> Seen:
    kept = [
        block.get("block_type") == known.label
        for one, _ in _ours(looks)
        for block in one
        if (known := CATALOGUE.get(str(block.get("block_name")))) is not None
    ]
    return _all(kept, "no workflow of flow64 was asked for", "they are", "some are not")


def _no_defaults(looks: Looks) -> Seen:
    told: list[bool] = []
    for blocks, stamp in _ours(looks):
        for block in blocks:
            sent = stamp.fields_of(str(block.get("block_id")))
            if sent is not None:
                told.append(not object_of(block.get("specs")).keys() - sent)
    return _all(
        told,
        "no workflow of flow64 was asked for",
        "blocks have what was sent",
        "blocks have fields that no deploy sent (filled in, or set by hand)",
    )


def _ours(looks: Looks) -> Sequence[tuple[Sequence[Mapping[str, Any]], Stamp]]:
    """Blocks and stamp of each workflow that a deploy of flow64 wrote."""
    found: list[tuple[Sequence[Mapping[str, Any]], Stamp]] = []
    for one in looks.details:
        workflow_id = str(one.get("id"))
        stamp = split_stamp(str(one.get("description")), workflow_id)[1]
        if stamp is not None and stamp.is_genuine(workflow_id):
            found.append((_blocks_of(one), stamp))
    return found


_LIST: Final = "the list of workflows"
_RUNS: Final = "the list of runs"
_WHOLE: Final = "up to three workflows, whole"

ASSUMPTIONS: Final[Sequence[Assumption]] = (
    # -- Workflows
    Assumption(
        "missing-workflow",
        "D",
        "A workflow that is not there answers 404.",
        "a workflow of an id that was just made up",
        _status_is("missing-workflow", 404),
    ),
    Assumption(
        "error-shape",
        "D",
        "An error says why under `detail`.",
        "the same answer",
        _has_detail,
    ),
    Assumption(
        "id-form",
        "I",
        "An id that is no UUID answers 422, and not 404.",
        "a workflow called flow64-doctor",
        _status_is("no-uuid", 422),
    ),
    Assumption(
        "list-whole",
        "D",
        "The list of workflows is whole: there are no pages.",
        _LIST,
        _listed,
    ),
    Assumption(
        "list-keys",
        "D",
        "Each workflow of the list has its id, name, status and times.",
        _LIST,
        _keys("workflows", ("id", "name", "status", "created_at", "updated_at")),
    ),
    Assumption(
        "list-without-definitions",
        "D",
        "The list leaves definitions out.",
        _LIST,
        _without_definitions,
    ),
    Assumption(
        "organisation",
        "I",
        "Every workflow says whose it is (`org_id`, which may be null).",
        f"{_LIST}, and {_WHOLE}",
        _organisation,
    ),
    Assumption(
        "workflow-status",
        "C",
        "The status of a workflow is draft, ready or active.",
        _LIST,
        _workflow_words,
    ),
    Assumption("times", "I", "Times are ISO 8601.", _LIST, _times),
    Assumption("time-zones", "U", "Times have a zone.", _LIST, _zones),
    Assumption(
        "time-precision",
        "U",
        "`updated_at` is more precise than a second.",
        _LIST,
        _precision,
    ),
    Assumption(
        "time-of-both",
        "I",
        "`updated_at` is the same in the list and in a workflow.",
        f"{_LIST}, and {_WHOLE}",
        _same_time,
    ),
    # -- What is stored
    Assumption(
        "block-ids",
        "D",
        "The ids of stored blocks are UUIDs.",
        _WHOLE,
        _uuids,
    ),
    Assumption(
        "stored-order",
        "U",
        "Stored blocks come in the order of their `sequence_number`.",
        _WHOLE,
        _in_order,
    ),
    Assumption(
        "block-type",
        "I",
        "`block_type` comes back as it was sent.",
        f"{_WHOLE}, those that flow64 deployed",
        _labels,
    ),
    Assumption(
        "spec-defaults",
        "U",
        "Saving writes no defaults into specs.",
        f"{_WHOLE}, those that flow64 deployed",
        _no_defaults,
    ),
    # -- Blocks
    Assumption(
        "blocks-keys",
        "C",
        "The list of blocks has `block_name` and `specs_schema`, and nothing else.",
        "the list of blocks",
        _no_other_keys("blocks", ("block_name", "specs_schema")),
    ),
    Assumption(
        "blocks-known",
        "D1",
        "Every kind of the catalogue is listed.",
        "the list of blocks",
        _kinds,
    ),
    # -- Runs
    Assumption(
        "runs-order",
        "D",
        "Runs are listed newest first, by `queued_at`.",
        _RUNS,
        _newest_first,
    ),
    Assumption(
        "runs-limit",
        "D",
        "A list of runs is no longer than its limit.",
        f"{_RUNS}, once with a limit of 2",
        _limited,
    ),
    Assumption(
        "runs-too-many",
        "I",
        "A limit beyond 500 is refused with 422.",
        f"{_RUNS} with a limit of 501",
        _status_is("too-many-runs", 422),
    ),
    Assumption(
        "runs-of-missing",
        "D",
        "Runs of a workflow that is not there answer 404.",
        "the runs of an id that was just made up",
        _status_is("runs-of-nobody", 404),
    ),
    Assumption(
        "runs-failed",
        "U",
        "`status=failed` lists the runs that failed.",
        f"{_RUNS} with it",
        _failed_ones,
    ),
    Assumption(
        "runs-without-blocks",
        "D",
        "Listed runs leave their blocks out.",
        _RUNS,
        _without_blocks,
    ),
    Assumption(
        "run-status",
        "D",
        "The status of a run is one of the words that flow64 knows.",
        _RUNS,
        _run_words,
    ),
    Assumption(
        "missing-run",
        "I",
        "A run that is not there answers 404.",
        "the status of an id that was just made up",
        _status_is("missing-run", 404),
    ),
    Assumption(
        "live-status",
        "D",
        "So is that of its blocks, in its live status.",
        "the live status of the newest run",
        _live_words,
    ),
    # -- The rest
    Assumption(
        "balance", "D", "The balance is a number of credits.", "the balance", _balance
    ),
    Assumption(
        "schedules",
        "D",
        "Schedules can be listed (one source says: with the Enterprise plan alone).",
        "the list of schedules",
        _status_is("schedules", 200),
    ),
    Assumption(
        "discovery",
        "D",
        "The discovery document names the token endpoint.",
        "the document, without a credential",
        _token_here,
    ),
    Assumption(
        "rate-headers",
        "U",
        "No header tells of rate limits.",
        "the headers of all answers",
        _no_rates,
    ),
    Assumption(
        "retry-after",
        "U",
        "A 429 says when to come again.",
        "answers of 429, if there are any",
        _says_when,
    ),
)
"""Every assumption that reads can show, in reading order."""
