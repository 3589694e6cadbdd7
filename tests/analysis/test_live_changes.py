"""The differences between two lists of blocks, field by field."""

from __future__ import annotations

import pytest

from flow64.analysis import LiveCatalogue, compare_catalogues
from tests.catalogue.answer import ANSWER, CHANGES, LATER


def listed(schema, **more):
    return LiveCatalogue.of([{"block_name": "new", "specs_schema": schema, **more}])


def messages(before, after):
    """The differences between two schemas of one kind."""
    found = compare_catalogues(
        listed({"properties": before}), listed({"properties": after})
    )
    return [f"{one.field} {one.message}" for kind in found for one in kind.fields]


def test_later():
    """Each change of the later answer is found, and nothing else."""
    found = compare_catalogues(LiveCatalogue.of(ANSWER), LiveCatalogue.of(LATER))

    by_word = {
        word: [one.kind for one in found if one.change == word]
        for word in ("new", "changed", "gone")
    }
    assert by_word == {
        "new": [*CHANGES["new"]],
        "changed": sorted(CHANGES["changed"]),
        "gone": [*CHANGES["gone"]],
    }
    details = {one.kind: [(f.field, f.message) for f in one.fields] for one in found}
    assert details == {
        "post_to_x": [("message", "str · required · maxLength 280")],
        "find_email": [
            ("mode", "no longer takes PERSONAL"),
            ("mode", "has the default 'BOTH' now, and had 'PROFESSIONAL'"),
        ],
        "find_phone": [("", "has the price_per_row 0.25 now, and had 0.3")],
        "find_subdomains": [
            ("", "has a schema that can be used now"),
            ("limit", "new: int · default 50 · minimum 1"),
        ],
        "reddit_search": [
            ("subreddits", "is required now"),
            ("subreddits", "no longer takes null"),
            ("subreddits", "has no default any more; it was null"),
            ("subreddits", "has the minItems 1 now"),
            ("max_results", "has the maximum 1000 now, and had 500"),
        ],
        "score_lead": [
            ("rubric", "is required now"),
            ("scale", "is gone"),
            ("explain", "has another description: Also say why."),
        ],
        "search": [("query", "has the minLength 5 now, and had 3")],
        "send_slack_message": [("thread", "new: str or null · default null")],
        "yc_batches": [],
    }


def test_same():
    """The order of an answer and its date mean nothing."""
    before = LiveCatalogue.of(ANSWER, date="2026-11-28")
    after = LiveCatalogue.of([*reversed(ANSWER)], date="2026-11-29")

    assert compare_catalogues(before, after) == []


def record(**fields):
    return {"type": "object", "title": "It", "properties": fields}


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        (TEXT, {"type": "integer"}, ["it is int now, and was str"]),
        (TEXT, {"enum": ["a"]}, ["it is a now, and was str"]),
        ({"enum": ["a"]}, {"enum": ["a", "b", 5]}, ["it also takes b and 5"]),
        (TEXT, {"type": ["string", "null"]}, ["it also takes null"]),
        (TEXT, {**TEXT, "default": True}, ["it has the default true now"]),
        (
            {"type": "array", "items": record(a=TEXT)},
            {"type": "array", "items": record(b=record(c=TEXT))},
            ["it[*].b new: It", "it[*].a is gone"],
        ),
        (record(a=record(b=TEXT), c=TEXT), record(c=TEXT), ["it.a is gone"]),
        (
            {"allOf": [TEXT]},
            TEXT,
            [" its schema says the same in other words"],
        ),
    ],
)
def test_fields(before, after, wanted):
    assert messages({"it": before}, {"it": after}) == wanted


def test_kind_itself():
    """What is said of the kind itself is compared too."""
    (closed,) = compare_catalogues(
        listed({}), listed({"additionalProperties": False}, category="AI")
    )
    (lost,) = compare_catalogues(listed({}), listed(None))

    assert lost.as_data() == {
        "kind": "new",
        "change": "changed",
        "fields": [{"field": "", "message": "has no schema that can be used any more"}],
    }
    assert [one.message for one in closed.fields] == [
        "has the additionalProperties false now",
        "has the category 'AI' now",
    ]
    assert [one.message for one in lost.fields] == [
        "has no schema that can be used any more"
    ]


def test_canonical():
    """The text to keep is the same for any order of the answer."""
    texts = {
        LiveCatalogue.of(answer, date="2026-11-28").as_text()
        for answer in (ANSWER, [*reversed(ANSWER)])
    }

    assert len(texts) == 1
