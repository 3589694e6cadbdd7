"""Canonical JSON: pinned texts, and both layouts of one data."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from flow64.definition import (
    Definition,
    Edge,
    FrozenDict,
    FrozenList,
    JoinedEdges,
    Topology,
    Value,
    WireBlock,
    _canonical,
    as_body,
    bind,
    dumps,
)

A, B = "a" * 8, "b" * 8
DEFINITION = Definition(
    name="Été “1”",
    description='a\n"b"\\',
    blocks=(
        WireBlock(A, "webhook", FrozenDict(), "io", 1),
        WireBlock(
            B,
            "new",
            FrozenDict(
                z=FrozenList([1, 1.0, None, True]),
                a=Value("n"),
                s=Value("t", secret=True),
            ),
            "output",
            7,
            FrozenDict(beside=FrozenDict()),
        ),
    ),
    edges=(Edge(A, B), Edge(B, A, FrozenDict(condition=None, x=1))),
    id="the id",
    extra=FrozenDict(more=FrozenList()),
    graph_extra=FrozenDict(zoom=0.5),
)

COMPACT = (
    '{"workflow_name":"Été “1”","workflow_description":"a\\n\\"b\\"\\\\",'
    '"workflow_definition":{"blocks":['
    '{"block_id":"aaaaaaaa","sequence_number":1,"block_type":"io",'
    '"block_name":"webhook","specs":{}},'
    '{"block_id":"bbbbbbbb","sequence_number":7,"block_type":"output",'
    '"block_name":"new","specs":{"z":[1,1.0,null,true],"a":{"flow64:value":"n"},'
    '"s":{"flow64:value":"t","secret":true}},"beside":{}}],'
    '"edges":[{"from_block_id":"aaaaaaaa","to_block_id":"bbbbbbbb"},'
    '{"from_block_id":"bbbbbbbb","to_block_id":"aaaaaaaa","condition":null,"x":1}],'
    '"zoom":0.5},"id":"the id","more":[]}\n'
)


def test_the_compact_text_is_pinned():
    """Keys in the order of the documents, unknown ones behind them, one line feed."""
    assert dumps(DEFINITION, indent=None) == COMPACT


@pytest.mark.parametrize("indent", [0, 2, 4])
def test_an_indent_changes_the_layout_alone(indent):
    """Each layout is what `json.dumps` makes of the same data."""
    text = json.dumps(json.loads(COMPACT), indent=indent, ensure_ascii=False) + "\n"

    assert dumps(DEFINITION, indent=indent) == text


def test_without_an_id_there_is_none():
    """And nothing stands in its place."""
    bare = Definition("a", "", (), ())

    assert dumps(bare, indent=None) == (
        '{"workflow_name":"a","workflow_description":"",'
        '"workflow_definition":{"blocks":[],"edges":[]}}\n'
    )
    assert list(as_body(bare)) == [
        "workflow_name",
        "workflow_description",
        "workflow_definition",
    ]


def test_edges_by_position_are_written_like_others():
    """What lowering makes, and what a reader makes of its text."""
    plain = evolve(DEFINITION, edges=(Edge(A, B), Edge(B, A)))
    joined = JoinedEdges([A, B], Topology([0, 1], [1, 0], 2, is_forward=False))

    texts = {
        dumps(evolve(plain, edges=edges), indent=None)
        for edges in (plain.edges, joined)
    }

    assert texts == {dumps(plain, indent=None)}


def test_many_edges_by_position_are_written_like_others():
    """Where there are more of them than blocks, each half is made once for a block."""
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1)]
    ids = (A, B)
    plain = evolve(DEFINITION, edges=tuple(Edge(ids[s], ids[t]) for s, t in pairs))
    sources, targets = zip(*pairs, strict=True)
    joined = JoinedEdges(ids, Topology(sources, targets, 2, is_forward=False))

    assert dumps(evolve(plain, edges=joined), indent=None) == dumps(plain, indent=None)


def test_secrets_are_revealed_only_when_asked():
    """The request alone has their text."""
    bound = bind(DEFINITION, {"t": {"deep": ["s3cret"]}, "n": [1]}, [])

    specs = [
        as_body(bound, reveal=reveal)["workflow_definition"]["blocks"][1]["specs"]
        for reveal in (False, True)
    ]

    assert [(each["a"], each["s"]) for each in specs] == [
        ([1], {"flow64:value": "t", "secret": True}),
        ([1], {"deep": ["s3cret"]}),
    ]


def test_revealing_leaves_unbound_values_unbound():
    """What nothing filled in has no other form."""
    body = as_body(DEFINITION, reveal=True)

    specs = body["workflow_definition"]["blocks"][1]["specs"]
    assert specs["a"] == {"flow64:value": "n"}


def test_a_python_without_the_fast_encoder_writes_the_same(monkeypatch):
    """The accelerator is a matter of speed alone."""
    monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    slow = _canonical._encoder()
    monkeypatch.setattr(_canonical, "_pieces", slow)

    assert dumps(DEFINITION, indent=None) == COMPACT


def test_text_is_written_as_it_is():
    """Only quotes, backslashes and control characters below U+0020 are escaped."""
    text = "\x00\x1f\x7f\u2028\ufeff🚀\b\f\t\r"
    made = dumps(evolve(DEFINITION, name=text), indent=None)

    expected = '{"workflow_name":"\\u0000\\u001f\x7f\u2028\ufeff🚀\\b\\f\\t\\r",'
    assert made.startswith(expected)
