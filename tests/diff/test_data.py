"""Changes as JSON data: the keys that programs rely on."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from flow64.analysis import Estimate, RowPrice
from flow64.definition import BoundSecret, FrozenDict, Value, WireBlock
from flow64.diagnostics import Finding
from flow64.diff import (
    BlockAdded,
    BlockMoved,
    BlockRef,
    BlockRemoved,
    BlockRenamed,
    Change,
    ColumnAdded,
    ColumnDropped,
    ColumnRetyped,
    Consequence,
    CostChanged,
    DescriptionChanged,
    EdgeAdded,
    EdgeRef,
    EdgeRemoved,
    EffectAppeared,
    EffectVanished,
    FieldAdded,
    FieldChanged,
    FieldRemoved,
    FindingAppeared,
    FindingVanished,
    Hidden,
    ItemAdded,
    ItemChanged,
    ItemMoved,
    ItemRemoved,
    KindChanged,
    ListChanged,
    OtherColumnsChanged,
    PassingChanged,
    ReadBroken,
    RowsChanged,
    TitleChanged,
    Unmanaged,
    as_data,
    as_lines,
)
from flow64.dsl import UNSET

MAIL = BlockRef("1", "find_email", "work/mail")
KEEP = BlockRef("2", "filter")
GONE = BlockRef("3")
MAIL_DATA = {"id": "1", "kind": "find_email", "path": "work/mail"}
KEEP_DATA = {"id": "2", "kind": "filter", "path": None}
EDGE = EdgeRef(MAIL, KEEP)
EDGE_DATA = {"source": MAIL_DATA, "target": KEEP_DATA, "condition": None}
SECRET = BoundSecret(Value("token", secret=True), "not told")
SECRET_DATA = {"flow64:value": "token", "secret": True}
WIRE = WireBlock("1", "find_email", FrozenDict(a=SECRET, b=Hidden(1)), "label", 7)
FINDING = Finding("a-code", "rows", "note", "what", where="mail", block_id="1")

CHANGES = [
    (
        TitleChanged("a", Hidden("b")),
        {"change": "title-changed", "before": "a", "after": "***"},
        '~ title: "a" → "***"',
    ),
    (
        DescriptionChanged("a", "sk_live_" + 9 * "0"),
        {"change": "description-changed", "before": "a", "after": "***"},
        '~ description: "a" → "***"',
    ),
    (
        BlockAdded(MAIL, WIRE),
        {
            "change": "block-added",
            "block": MAIL_DATA,
            "specs": {"a": SECRET_DATA, "b": "***"},
        },
        """\
block work/mail
    + the block is new, of kind find_email
        + a: secret "token"
        + b: "***\"""",
    ),
    (
        BlockRemoved(KEEP, WIRE),
        {
            "change": "block-removed",
            "block": KEEP_DATA,
            "specs": {"a": SECRET_DATA, "b": "***"},
        },
        "block filter (2)\n    - the block is gone",
    ),
    (
        BlockRenamed(MAIL, KEEP),
        {"change": "block-renamed", "block": MAIL_DATA, "before": KEEP_DATA},
        "~ block work/mail has another id",
    ),
    (
        KindChanged(MAIL, "a", "b"),
        {"change": "kind-changed", "block": MAIL_DATA, "before": "a", "after": "b"},
        'block work/mail\n    ~ kind: "a" → "b"',
    ),
    (
        BlockMoved(MAIL, (), (KEEP,), (EDGE,), ()),
        {
            "change": "block-moved",
            "block": MAIL_DATA,
            "before": [],
            "after": [KEEP_DATA],
            "removed": [EDGE_DATA],
            "added": [],
        },
        """\
block work/mail
    > place: first → after filter (2)
        - edge work/mail >> filter (2)""",
    ),
    (
        EdgeAdded(EdgeRef(GONE, KEEP, "when")),
        {
            "change": "edge-added",
            "edge": {
                "source": {"id": "3", "kind": None, "path": None},
                "target": KEEP_DATA,
                "condition": "when",
            },
        },
        "edges\n    + 3 >> filter (2) if when",
    ),
    (
        EdgeRemoved(EDGE),
        {"change": "edge-removed", "edge": EDGE_DATA},
        "edges\n    - work/mail >> filter (2)",
    ),
    (
        FieldAdded(MAIL, ("a/b", 0), Value("x")),
        {
            "change": "field-added",
            "block": MAIL_DATA,
            "path": "/a~1b/0",
            "value": {"flow64:value": "x"},
        },
        'block work/mail\n    + ["a/b"][0]: value "x"',
    ),
    (
        FieldRemoved(MAIL, ("a",), [1.5, None, True]),
        {
            "change": "field-removed",
            "block": MAIL_DATA,
            "path": "/a",
            "value": [1.5, None, True],
        },
        "block work/mail\n    - a: [1.5, null, true]",
    ),
    (
        FieldChanged(MAIL, ("a",), 1, SECRET),
        {
            "change": "field-changed",
            "block": MAIL_DATA,
            "path": "/a",
            "before": 1,
            "after": SECRET_DATA,
        },
        'block work/mail\n    ~ a: 1 → secret "token"',
    ),
    (
        ListChanged(
            MAIL,
            ("a",),
            (
                ItemRemoved(0, "x"),
                ItemAdded(1, "y"),
                ItemMoved(3, 2, "z"),
                ItemChanged(2, 3, (FieldChanged(MAIL, ("a", 3, "b"), 1, 2),)),
            ),
            after="left out",
        ),
        {
            "change": "list-changed",
            "block": MAIL_DATA,
            "path": "/a",
            "edits": [
                {"edit": "item-removed", "at": 0, "value": "x"},
                {"edit": "item-added", "at": 1, "value": "y"},
                {"edit": "item-moved", "before": 3, "after": 2, "value": "z"},
                {
                    "edit": "item-changed",
                    "before": 2,
                    "after": 3,
                    "changes": [
                        {
                            "change": "field-changed",
                            "block": MAIL_DATA,
                            "path": "/a/3/b",
                            "before": 1,
                            "after": 2,
                        }
                    ],
                },
            ],
        },
        """\
block work/mail
    - a[0]: "x"
    + a[1]: "y"
    > a "z": [3] → [2]
    ~ a[3].b: 1 → 2""",
    ),
    (
        Unmanaged(MAIL, ("a",), UNSET, 1),
        {"change": "unmanaged", "block": MAIL_DATA, "path": "/a", "after": 1},
        "block work/mail\n    ? a: 1 is not managed",
    ),
    (
        ReadBroken(KEEP, "email", MAIL, "probably no row passes"),
        {
            "change": "read-broken",
            "block": KEEP_DATA,
            "name": "email",
            "later": MAIL_DATA,
            "fate": "probably no row passes",
            "is_certain": True,
        },
        (
            "missing columns\n    ! filter (2) reads email, but no block before it "
            "adds that column any more; work/mail adds it later: probably no row passes"
        ),
    ),
    (
        RowsChanged(None, ("LEAD", None), ()),
        {
            "change": "rows-changed",
            "block": None,
            "before": ["LEAD", None],
            "after": [],
        },
        "rows\n    ~ rows out of the workflow: LEAD and unknown → none",
    ),
    (
        PassingChanged(MAIL, "headcount above 1 and up to 2", passes=False),
        {
            "change": "passing-changed",
            "block": MAIL_DATA,
            "rows": "headcount above 1 and up to 2",
            "passes": False,
            "filter": "changed",
        },
        """\
rows
    ~ rows with headcount above 1 and up to 2 no longer pass work/mail""",
    ),
    (
        ColumnAdded("a", "str"),
        {"change": "column-added", "name": "a", "type": "str"},
        "output columns\n    + a: str",
    ),
    (
        ColumnDropped("a", None),
        {"change": "column-dropped", "name": "a", "type": None},
        "output columns\n    - a",
    ),
    (
        ColumnRetyped("a", None, "int"),
        {"change": "column-retyped", "name": "a", "before": None, "after": "int"},
        "output columns\n    ~ a: unknown → int",
    ),
    (
        OtherColumnsChanged(before=True, after=False),
        {"change": "other-columns-changed", "before": True, "after": False},
        "output columns\n    - unknown columns",
    ),
    (
        CostChanged(
            Estimate(0.0, (), ()), Estimate(None, ("x",), (RowPrice("y", 0.5),))
        ),
        {
            "change": "cost-changed",
            "before": {"dollars": 0.0, "unpriced": [], "open": [], "unconfirmed": {}},
            "after": {
                "dollars": None,
                "unpriced": ["x"],
                "open": [{"kind": "y", "dollars": 0.5}],
                "unconfirmed": {},
            },
        },
        """\
~ cost per 1,000 input rows: at most $0 → y $0.50 a row, for an unknown \
number of rows + unknown for x""",
    ),
    (
        EffectAppeared("x", "writes-outside", "posts to it"),
        {
            "change": "effect-appeared",
            "kind": "x",
            "effect": "writes-outside",
            "target": "posts to it",
        },
        "side effects\n    + x leaves something outside at each run: posts to it",
    ),
    (
        EffectVanished("x", None, None),
        {"change": "effect-vanished", "kind": "x", "effect": None, "target": None},
        "side effects\n    - x is gone; its effects were unknown",
    ),
    (
        FindingAppeared(FINDING),
        {"change": "finding-appeared", "finding": FINDING.as_data()},
        "findings\n    + note a-code (mail): what",
    ),
    (
        FindingVanished(Finding("a-code", "rows", "error", "what")),
        {
            "change": "finding-vanished",
            "finding": Finding("a-code", "rows", "error", "what").as_data(),
        },
        "findings\n    - error a-code: what",
    ),
]


@pytest.mark.parametrize(("change", "data", "lines"), CHANGES)
def test_a_change_is_json_and_text(change, data, lines):
    """What is in it, less what only `apply` needs."""
    assert as_data(change) == data
    assert json.loads(json.dumps(as_data(change))) == data
    assert "\n".join(as_lines([change])) == lines


def test_every_change_is_shown_here():
    """Each class of both unions, in their order."""
    shown = [type(change) for change, _, _ in CHANGES]

    assert shown == [*get_args(Change), *get_args(Consequence)]
