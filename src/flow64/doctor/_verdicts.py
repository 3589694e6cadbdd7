"""Verdicts: what the answers of the service say about an assumption."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from ..api import ENDED, WAITING, normal
from ..blocks import CATALOGUE
from ..definition import Stamp, is_uuid, split_stamp
from ._requests import LIMITS, Look, Looks, number_of, object_of, objects_in

Verdict: TypeAlias = Literal["confirmed", "contradicted", "not seen"]

Evidence: TypeAlias = tuple[Verdict, str]
"""A verdict, and the reason for it: without a title, a text, a row or an id."""

PAGE: Final = 100
"""A list with more items than this is taken to have no pages."""

MOST_WORDS: Final = 8
"""The most words that one verdict shows."""


def judge_status(name: str, *expected: int) -> Callable[[Looks], Evidence]:
    """Expect one of some statuses."""

    def judge(looks: Looks) -> Evidence:
        found = looks[name].status
        if found is None or found in (401, 429):
            return _not_seen(looks[name])
        return ("confirmed" if found in expected else "contradicted"), f"it was {found}"

    return judge


def _not_seen(look: Look) -> Evidence:
    said = (
        "it was not asked" if look.status is None else f"the answer was {look.status}"
    )
    return "not seen", said


def _judge_all(
    items: Iterable[bool], nothing: str, fine: str, otherwise: str
) -> Evidence:
    """Expect all items to be True."""
    found = [*items]
    if not found:
        return "not seen", nothing
    wrong = found.count(False)
    if wrong:
        return "contradicted", f"{otherwise}: {wrong} of {len(found)}"
    return "confirmed", f"{fine}: {len(found)}"


def _join_words(texts: Iterable[Any]) -> str:
    """Join words of an answer. Only short ones that could be names are shown."""
    found = dict.fromkeys(
        text
        if isinstance(text, str) and _WORD.fullmatch(text)
        else "(something that is not a plain word)"
        for text in texts
    )
    shown = ", ".join([*found][:MOST_WORDS])
    return shown + (
        f" and {len(found) - MOST_WORDS} more" if len(found) > MOST_WORDS else ""
    )


_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.IGNORECASE)


def _judge_words(known: Iterable[str], found: Iterable[Any]) -> Evidence:
    """Expect only known words."""
    texts = [text for text in found if text is not None]
    if not texts:
        return "not seen", "no answer has one"
    expected = {*known}
    new = [t for t in texts if not isinstance(t, str) or normal(t) not in expected]
    if new:
        return "contradicted", f"there is also {_join_words(new)}"
    return "confirmed", f"there is {_join_words(texts)}"


def judge_list_length(looks: Looks) -> Evidence:
    look = looks["workflows"]
    if not look.is_good:
        return _not_seen(look)
    if not isinstance(look.data, list):
        return "contradicted", "the answer is not a list"
    if look.answer is not None and "link" in look.answer.headers:
        return "contradicted", "the answer has a Link header, as lists with pages do"
    count = len(look.items)
    if count > PAGE:
        return "confirmed", f"{count} came in one answer"
    return "not seen", f"{count} came, which may be one page"


def judge_keys(name: str, needed: Sequence[str]) -> Callable[[Looks], Evidence]:
    """Expect some keys in every item of a list."""

    def judge(looks: Looks) -> Evidence:
        items = looks[name].items
        missing = [key for key in needed if any(key not in one for one in items)]
        if not items:
            return "not seen", "there is none"
        if missing:
            return "contradicted", f"without {_join_words(missing)}"
        return "confirmed", f"in all {len(items)}"

    return judge


def judge_other_keys(name: str, known: Sequence[str]) -> Callable[[Looks], Evidence]:
    """Expect no other keys than the known ones in the items of a list."""

    def judge(looks: Looks) -> Evidence:
        items = looks[name].items
        new = dict.fromkeys(key for one in items for key in one if key not in known)
        if not items:
            return "not seen", "there is none"
        if new:
            return "contradicted", f"there is also {_join_words(new)}"
        return "confirmed", f"in all {len(items)}"

    return judge


def judge_absent_definitions(looks: Looks) -> Evidence:
    items = looks["workflows"].items
    lacks = (one.get("workflow_definition") is None for one in items)
    return _judge_all(lacks, "there is none", "without one", "some have one")


def judge_organisations(looks: Looks) -> Evidence:
    items = [*looks["workflows"].items, *looks.details]
    named = (
        isinstance(one.get("org_id"), str) and bool(one["org_id"]) for one in items
    )
    return _judge_all(
        named, "there is no workflow", "it is given", "some do not give it"
    )


def judge_times(looks: Looks) -> Evidence:
    return _judge_all(
        (_parse_time(text) is not None for text in _list_times(looks)),
        "there is no workflow",
        "they can be read",
        "some cannot be read",
    )


def judge_time_zones(looks: Looks) -> Evidence:
    found = [moment for text in _list_times(looks) if (moment := _parse_time(text))]
    return _judge_all(
        (moment.tzinfo is not None for moment in found),
        "there is no workflow",
        "each has a zone",
        "some have no zone",
    )


def judge_precision(looks: Looks) -> Evidence:
    found = [text for text in _list_times(looks) if _parse_time(text) is not None]
    if not found:
        return "not seen", "there is no workflow"
    fractions = [len(m[1]) for text in found if (m := _FRACTION.search(str(text)))]
    if fractions:
        return "confirmed", f"up to {max(fractions)} digits behind the second"
    return "contradicted", f"none of {len(found)} times has a fraction"


_FRACTION: Final = re.compile(r"\.(\d+)")


def _list_times(looks: Looks) -> Sequence[Any]:
    return [
        one["updated_at"] for one in looks["workflows"].items if "updated_at" in one
    ]


def _parse_time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def judge_both_times(looks: Looks) -> Evidence:
    listed = {one.get("id"): one.get("updated_at") for one in looks["workflows"].items}
    return _judge_all(
        (listed.get(one.get("id")) == one.get("updated_at") for one in looks.details),
        "no workflow was asked for",
        "they are the same",
        "some are not the same (or somebody wrote meanwhile)",
    )


def judge_workflow_status(looks: Looks) -> Evidence:
    found = (one.get("status") for one in looks["workflows"].items)
    return _judge_words(("draft", "ready", "active"), found)


def judge_run_status(looks: Looks) -> Evidence:
    found = (one.get("status") for one in looks["runs"].items)
    return _judge_words({*ENDED, *WAITING, "running"} - {""}, found)


def judge_live_status(looks: Looks) -> Evidence:
    data = looks["live-status"].object
    if not data:
        return _not_seen(looks["live-status"])
    blocks = objects_in(data.get("blocks"))
    found = [data.get("overall_status"), *(one.get("status") for one in blocks)]
    return _judge_words({*ENDED, *WAITING, "running"} - {""}, found)


def judge_run_order(looks: Looks) -> Evidence:
    times = [_parse_time(one.get("queued_at")) for one in looks["runs"].items]
    known = [time.timestamp() for time in times if time is not None]
    if len(known) < 2:
        return "not seen", f"{len(known)} runs say when they were queued"
    is_sorted = known == sorted(known, reverse=True)
    return ("confirmed" if is_sorted else "contradicted"), f"by {len(known)} runs"


def judge_run_limit(looks: Looks) -> Evidence:
    few, many = looks["few-runs"], looks["runs"]
    if not (few.is_good and many.is_good):
        return _not_seen(many if few.is_good else few)
    if len(few.items) > 2:
        return "contradicted", f"{len(few.items)} came where 2 were asked for"
    if len(many.items) <= 2:
        return "not seen", f"there are only {len(many.items)}"
    return "confirmed", f"of {len(many.items)} at least, {len(few.items)} came"


def judge_absent_blocks(looks: Looks) -> Evidence:
    lacks = (one.get("blocks") is None for one in looks["runs"].items)
    return _judge_all(lacks, "there is no run", "without them", "some have them")


def judge_failed_runs(looks: Looks) -> Evidence:
    look = looks["failed-runs"]
    if look.status in (400, 422):
        return "contradicted", f"it is refused with {look.status}"
    if not look.is_good:
        return _not_seen(look)
    words = [one.get("status") for one in look.items]
    return _judge_all(
        (isinstance(word, str) and normal(word) == "failed" for word in words),
        "no run has failed, or the word is not known",
        "they have all failed",
        "there are others",
    )


def judge_error_shape(looks: Looks) -> Evidence:
    look = looks["missing-workflow"]
    if look.status is None or look.is_good:
        return _not_seen(look)
    is_so = isinstance(object_of(look.data).get("detail"), str)
    said = "it has a text" if is_so else "its body has another shape"
    return ("confirmed" if is_so else "contradicted"), said


def judge_kinds(looks: Looks) -> Evidence:
    listed = [one.get("block_name") for one in looks["blocks"].items]
    if not listed:
        return _not_seen(looks["blocks"])
    missing = [kind for kind in CATALOGUE if kind not in listed]
    new = sum(kind not in CATALOGUE for kind in listed)
    also = f"; {new} are listed besides" if new else ""
    if missing:
        return "contradicted", f"without {_join_words(missing)}{also}"
    return "confirmed", f"all {len(CATALOGUE)} are{also}"


def judge_balance(looks: Looks) -> Evidence:
    look = looks["balance"]
    if look.status in (None, 401, 429):
        return _not_seen(look)
    is_so = number_of(look.object.get("credits")) is not None
    said = "there is a number" if is_so else f"the answer was {look.status}, without it"
    return ("confirmed" if is_so else "contradicted"), said


def judge_discovery(looks: Looks) -> Evidence:
    look = looks["discovery"]
    if look.status is None:
        return _not_seen(look)
    names = isinstance(look.object.get("token_endpoint"), str)
    said = "it names one" if names else f"the answer was {look.status}, without one"
    return ("confirmed" if names else "contradicted"), said


def judge_rate_headers(looks: Looks) -> Evidence:
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
        return (
            "contradicted",
            f"there is {', '.join(sorted({*names})[:MOST_WORDS])[:200]}",
        )
    return "confirmed", "no answer has one"


def judge_retry_after(looks: Looks) -> Evidence:
    turned_away = [
        "retry-after" in look.answer.headers
        for look in looks.all
        if look.answer is not None and look.status == 429
    ]
    return _judge_all(turned_away, "no answer was 429", "it is said", "it is not said")


def _list_blocks(looks: Looks) -> Sequence[Sequence[Mapping[str, Any]]]:
    """Return the blocks of the workflows that were requested whole."""
    return [_blocks_of(one) for one in looks.details]


def _blocks_of(one: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return objects_in(object_of(one.get("workflow_definition")).get("blocks"))


def judge_block_ids(looks: Looks) -> Evidence:
    ids = [block.get("block_id") for blocks in _list_blocks(looks) for block in blocks]
    return _judge_all(
        (isinstance(found, str) and is_uuid(found) for found in ids),
        "no workflow was asked for",
        "they are",
        "some are not",
    )


def judge_block_order(looks: Looks) -> Evidence:
    numbers = [
        [number for block in blocks if isinstance(number := block.get(_NUMBER), int)]
        for blocks in _list_blocks(looks)
    ]
    return _judge_all(
        (found == sorted(found) for found in numbers if len(found) > 1),
        "no workflow with several blocks was asked for",
        "they are, in each workflow",
        "they are not, in some workflows",
    )


_NUMBER: Final = "sequence_number"


def judge_block_types(looks: Looks) -> Evidence:
    same = [
        block.get("block_type") == known.label
        for one, _ in _list_ours(looks)
        for block in one
        if (known := CATALOGUE.get(str(block.get("block_name")))) is not None
    ]
    return _judge_all(
        same, "no workflow of flow64 was asked for", "they are", "some are not"
    )


def judge_defaults(looks: Looks) -> Evidence:
    are_plain: list[bool] = []
    for blocks, stamp in _list_ours(looks):
        for block in blocks:
            sent = stamp.fields_of(str(block.get("block_id")))
            if sent is not None:
                are_plain.append(not object_of(block.get("specs")).keys() - sent)
    return _judge_all(
        are_plain,
        "no workflow of flow64 was asked for",
        "blocks have what was sent",
        "blocks have fields that no deploy sent (filled in, or set by hand)",
    )


def _list_ours(looks: Looks) -> Sequence[tuple[Sequence[Mapping[str, Any]], Stamp]]:
    """Return the blocks and stamp of each workflow that flow64 deployed."""
    found: list[tuple[Sequence[Mapping[str, Any]], Stamp]] = []
    for one in looks.details:
        workflow_id = str(one.get("id"))
        stamp = split_stamp(str(one.get("description")), workflow_id)[1]
        if stamp is not None and stamp.is_genuine(workflow_id):
            found.append((_blocks_of(one), stamp))
    return found
