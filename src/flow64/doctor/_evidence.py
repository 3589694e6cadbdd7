"""Small judgements about the answers of a service, which verdicts share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ..api import normal
from ..definition import Stamp, genuine_stamp, split_stamp
from ._assumptions import Evidence
from ._requests import (
    RequestRecord,
    RequestRecords,
    object_of,
    objects_in,
)

MOST_WORDS: Final = 8
"""Maximum words that one verdict shows."""

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.IGNORECASE)


def judge_status(reply: RequestRecord, expected: int) -> Evidence:
    """Expect a status."""
    found = reply.status
    if found is None or found in (401, 429):
        return skip(reply)
    said = f"it was {found}"
    return judge_truth(is_so=found == expected, yes=said, no=said)


def judge_truth(*, is_so: bool, yes: str, no: str) -> Evidence:
    """Expect something to be so."""
    return ("confirmed", yes) if is_so else ("contradicted", no)


def skip(reply: RequestRecord) -> Evidence:
    """Give no verdict, since the reply shows nothing."""
    status = reply.status
    return "not seen", f"the answer was {status}" if status else "it was not asked"


def judge_keys(reply: RequestRecord, needed: Sequence[str]) -> Evidence:
    """Expect some keys in every item of a list."""
    missing = [key for key in needed if any(key not in one for one in reply.items)]
    return judge_items(reply, f"without {join_plain_words(missing)}" if missing else "")


def judge_other_keys(reply: RequestRecord, known: Sequence[str]) -> Evidence:
    """Expect no other keys than the known ones in the items of a list."""
    new = dict.fromkeys(key for one in reply.items for key in one if key not in known)
    return judge_items(reply, f"there is also {join_plain_words(new)}" if new else "")


def judge_items(reply: RequestRecord, problem: str) -> Evidence:
    if not reply.items:
        return "not seen", "there is none"
    if problem:
        return "contradicted", problem
    return "confirmed", f"in all {len(reply.items)}"


def judge_all(
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


def judge_known_words(known: Iterable[str], found: Iterable[Any]) -> Evidence:
    """Expect only known words."""
    texts = [text for text in found if text is not None]
    if not texts:
        return "not seen", "no answer has one"
    expected = {*known}
    new = [t for t in texts if not isinstance(t, str) or normal(t) not in expected]
    if new:
        return "contradicted", f"there is also {join_plain_words(new)}"
    return "confirmed", f"there is {join_plain_words(texts)}"


def join_plain_words(texts: Iterable[Any]) -> str:
    """Join words of an answer. Only short ones that could be names are shown."""
    found = dict.fromkeys(
        text
        if isinstance(text, str) and _WORD.fullmatch(text)
        else "(something that is not a plain word)"
        for text in texts
    )
    more = len(found) - MOST_WORDS
    rest = f" and {more} more" if more > 0 else ""
    return ", ".join([*found][:MOST_WORDS]) + rest


def list_times(replies: RequestRecords) -> Sequence[Any]:
    return [
        one["updated_at"] for one in replies["workflows"].items if "updated_at" in one
    ]


def parse_time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def list_graphs(replies: RequestRecords) -> Sequence[Sequence[Mapping[str, Any]]]:
    """Return the blocks of the workflows that were requested whole."""
    return [blocks_of(one) for one in replies.details]


def blocks_of(one: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return objects_in(object_of(one.get("workflow_definition")).get("blocks"))


def list_ours(
    replies: RequestRecords,
) -> Sequence[tuple[Sequence[Mapping[str, Any]], Stamp]]:
    """Return the blocks and stamp of each workflow that flow64 deployed."""
    found: list[tuple[Sequence[Mapping[str, Any]], Stamp]] = []
    for one in replies.details:
        workflow_id = str(one.get("id"))
        left = split_stamp(str(one.get("description")), workflow_id)[1]
        if (stamp := genuine_stamp(left, workflow_id)) is not None:
            found.append((blocks_of(one), stamp))
    return found
