"""Fingerprints: pinned, and what does and does not take part in them."""

from __future__ import annotations

import decimal

import pytest
from attrs import evolve

from flow64.definition import (
    Definition,
    Edge,
    FrozenDict,
    Stamp,
    Value,
    WireBlock,
    bind,
    digest,
    fingerprint,
    meaning,
    rfc8785,
    with_stamp,
)

A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
FIRST = WireBlock(A, "webhook", FrozenDict(dataframe_type="LEAD"), "io", 1)
SECOND = WireBlock(B, "find_email", FrozenDict(mode=Value("mode")), "enrichment", 2)
DEFINITION = Definition("Leads", "text", (FIRST, SECOND), (Edge(A, B),), id="x")
STAMP = Stamp("ns:x/workflow:y", "0" * 16, "0" * 16)


def test_fingerprints_are_pinned():
    """Of every release: an upgrade alone is no change."""
    secret = evolve(
        DEFINITION,
        blocks=(FIRST, SECOND._replace(specs=FrozenDict(mode=Value("m", secret=True)))),
    )
    bound = bind(secret, {"m": "PERSONAL"}, [])

    assert [
        fingerprint(DEFINITION),
        fingerprint(secret),
        fingerprint(bound),
        fingerprint(bind(DEFINITION, {"mode": "PERSONAL"}, [])),
    ] == [
        "5cd3be82118bb5eab510ddf5c79cfe7958afaf9e0f46bc0989298ef58f850ca5",
        "3e1ddc3ca582d8a1777ac89a48055add28a128b7ffd062b6cf0f0bccfebe3ee5",
        "3e1ddc3ca582d8a1777ac89a48055add28a128b7ffd062b6cf0f0bccfebe3ee5",
        "522405b379bc9300e04fc93d3da38152256ae22a2fc5f76aa17490e5b00e7c02",
    ]


def test_a_fingerprint_is_the_digest_of_the_meaning():
    """SHA-256 over RFC 8785."""
    assert digest(meaning(DEFINITION)) == fingerprint(DEFINITION)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "another"},
        {"blocks": (SECOND, FIRST)},
        {"blocks": (FIRST._replace(number=9, label="x"), SECOND)},
        {"blocks": (FIRST._replace(extra=FrozenDict(x=1)), SECOND)},
        {"blocks": (FIRST._replace(id=A.upper()), SECOND)},
        {"edges": (Edge(A, B), Edge(A, B))},
        {"edges": (Edge(A.upper(), B.upper()),)},
        {"edges": (Edge(A, B, FrozenDict(condition=None, more=1)),)},
        {"extra": FrozenDict(x=1), "graph_extra": FrozenDict(y=1)},
        {"description": with_stamp("text", STAMP)},
        {"description": f"{STAMP}\ntext\n{STAMP}"},
        {"stamp": STAMP, "path": "p", "is_answer": True},
    ],
)
def test_what_means_nothing_takes_no_part(change):
    """Order, numbers, labels, unknown keys, stamps, the case of ids."""
    assert fingerprint(evolve(DEFINITION, **change)) == fingerprint(DEFINITION)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Leads "},
        {"description": "text "},
        {"description": "text\n"},
        {"blocks": (FIRST._replace(kind="search"), SECOND)},
        {"blocks": (FIRST._replace(specs=FrozenDict()), SECOND)},
        {"blocks": (FIRST._replace(specs=FrozenDict(FIRST.specs, x=None)), SECOND)},
        {"blocks": (FIRST, FIRST, SECOND)},
        {"blocks": (FIRST._replace(kind="search"), FIRST, SECOND)},
        {"edges": ()},
        {"edges": (Edge(B, A),)},
        {"edges": (Edge(A, B, FrozenDict(condition="")),)},
        {"edges": (Edge(A, B), Edge(A, B, FrozenDict(condition="x")))},
    ],
)
def test_every_change_of_meaning_shows(change):
    """Even one in a block whose id stands twice."""
    assert fingerprint(evolve(DEFINITION, **change)) != fingerprint(DEFINITION)


def test_blocks_of_one_id_stand_together():
    """In an order of their own, so that their places take no part."""
    one = FIRST._replace(specs=FrozenDict(b=1))
    other = FIRST._replace(specs=FrozenDict(a=1))

    made = [
        meaning(evolve(DEFINITION, blocks=blocks))["blocks"]
        for blocks in [(one, other, SECOND), (SECOND, other, one)]
    ]

    assert (
        made[0]
        == made[1]
        == {
            A: [
                {"kind": "webhook", "specs": {"a": 1}},
                {"kind": "webhook", "specs": {"b": 1}},
            ],
            B: {"kind": "find_email", "specs": {"mode": {"flow64:value": "mode"}}},
        }
    )


def test_edges_are_a_sorted_set():
    """Sorted by the bytes of their JSON, whatever their length."""
    edges = (
        Edge("b", "a"),
        Edge("a", "b"),
        Edge("a", "b", FrozenDict(condition="\ue000")),
        Edge("a", "b", FrozenDict(condition="🚀")),
        Edge("b", "a", FrozenDict(condition=None)),
    )

    assert meaning(evolve(DEFINITION, edges=edges))["edges"] == [
        ("a", "b", "\ue000"),
        ("a", "b", "🚀"),
        ("a", "b"),
        ("b", "a"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": [], "a": {}, "": None}, '{"":null,"a":{},"b":[]}'),
        ({"\ue000": 1, "🚀": 2}, '{"🚀":2,"\ue000":1}'),
        (['\x1f\x7f\u2028"\\/'], '["\\u001f\x7f\u2028\\"\\\\/"]'),
        ((True, False), "[true,false]"),
        (2**60 + 1, "1152921504606846977"),
    ],
)
def test_the_form_is_that_of_rfc_8785(value, text):
    """Keys in the order of UTF-16; integers that no double holds keep their digits."""
    assert rfc8785(value) == text.encode()


def test_the_decimal_context_of_the_program_takes_no_part():
    """A program that rounds has the same fingerprints."""
    with decimal.localcontext(prec=3):
        assert rfc8785(3.14159) == b"3.14159"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (float("nan"), ValueError),
        (float("inf"), ValueError),
        ("\ud800", ValueError),
        ({"\ud800": 1}, ValueError),
        ({1}, TypeError),
    ],
)
def test_what_is_no_json_has_no_form(value, error):
    """Nothing is fingerprinted that could not be sent."""
    with pytest.raises(error):
        rfc8785([value])
