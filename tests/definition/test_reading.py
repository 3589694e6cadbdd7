"""Definitions as data: what is kept, what is refused, and the place of a refusal."""

from __future__ import annotations

import json
import random

import pytest
from attrs import evolve

from flow64.definition import (
    EMPTY,
    MAX_DEPTH,
    Definition,
    Edge,
    FrozenDict,
    Origin,
    Stamp,
    Value,
    WireBlock,
    as_body,
    dumps,
    from_data,
    id_of,
    loads,
    reading,
    with_stamp,
)
from flow64.errors import ReadError

ID = "6b1d7c1e-4c1f-4f0a-9a55-0d9b1f1f2a01"
A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"
VALUE = {"flow64:value": "x"}


def block(block_id=A, kind="webhook", **more):
    data = {"block_id": block_id, "sequence_number": 1, "block_type": "io"}
    return data | {"block_name": kind, "specs": {}} | more


def graph(*blocks, edges=(), **more):
    pairs = [{"from_block_id": a, "to_block_id": b} for a, b in edges]
    return {"blocks": list(blocks), "edges": pairs} | more


def body(definition=None, **more):
    data = {"workflow_name": "n", "workflow_description": "d", "id": ID}
    return data | {"workflow_definition": definition or graph(block())} | more


def answer(definition=None, **more):
    return {
        "id": ID, "user_uuid": "u", "org_id": None, "name": "n", "description": "d",
        "status": "ready", "step": "completed", "created_at": "c", "updated_at": "u",
        "last_run_date": None, "workflow_definition": definition or graph(block()),
    } | more  # fmt: skip


def read(data):
    return loads(json.dumps(data))


def refusal(text):
    with pytest.raises(ReadError) as caught:
        loads(text)
    return caught.value


# -- What is kept ----------------------------------------------------------------------

READ = Definition("n", "d", (WireBlock(A, "webhook", EMPTY, "io", 1),), (), id=ID)


def test_code_a_file_and_an_answer_are_the_same_data():
    """A body, parsed data and an answer of the service become equal."""
    update = body(workflow_description=None)

    assert [read(body()), from_data(body()), read(answer())] == [READ] * 3
    assert read(update) == evolve(READ, description="")
    assert [read(body()).is_described, read(update).is_described] == [True, False]
    assert [read(body()).is_answer, read(answer()).is_answer] == [False, True]


def test_unknown_members_are_kept_everywhere():
    """They keep their order and numbers; keys that only answers have go."""
    unknown = {"z": [1.0, 10**20, -0.0], "a": {"b": None}}
    data = graph(block(**unknown), edges=[(A, A)], **unknown)
    data["edges"][0] |= {"condition": None} | unknown

    text = dumps(read(answer(data, **unknown)), indent=None)

    written = body(data)
    written |= {"id": written.pop("id")} | unknown
    assert text == json.dumps(written, separators=(",", ":")) + "\n"
    assert dumps(loads(text), indent=None) == text


def test_order_and_numbers_are_kept():
    """The order of the service stays, and so does an integer of any size."""
    data = graph(
        block(B, sequence_number=7), block(A, sequence_number=-1, specs={"n": 2**70})
    )

    definition = read(body(data))

    assert [(one.id, one.number) for one in definition.blocks] == [(B, 7), (A, -1)]
    assert definition.blocks[1].specs == {"n": 2**70}


def test_unbound_values():
    """In a body they are values, and in an answer they are data of a stranger."""
    specs = {"a": VALUE, "b": [{"flow64:value": "y", "secret": True}]}
    data = graph(block(specs=specs))

    assert read(body(data)).blocks[0].specs == {
        "a": Value("x"),
        "b": [Value("y", secret=True)],
    }
    assert read(answer(data)).blocks[0].specs == specs


def test_stamp_is_split_off():
    """The genuine stamp counts if there are several."""
    path = "ns:x/workflow:y"
    ours = Stamp(path, "0" * 16, "1" * 16)
    text = f"{with_stamp('d', ours)}\n{Stamp('ns:other', '0' * 16, '1' * 16)}"

    for data in (
        body(workflow_description=text, id=id_of(path)),
        answer(description=text, id=id_of(path)),
    ):
        definition = read(data)
        assert (definition.description, definition.stamp) == ("d", ours)


def test_ids():
    """An id that is missing, or no UUID of a block, is computed from what names it."""
    data = graph(block("step 1"), block("", "x"), edges=[("step 1", A.upper())])

    definition = read(body(data, id=ID.upper()))
    untitled = read({"workflow_definition": graph()})

    owner = f"ns:local/workflow:{ID}"
    step = id_of(f"{owner}/block:step%201")
    assert [one.id for one in definition.blocks] == [step, id_of(f"{owner}/block:x")]
    assert definition.edges == (Edge(step, A.upper()),)
    assert (definition.id, definition.path) == (ID.upper(), None)
    assert untitled.path == "ns:local/workflow:workflow"
    assert untitled.id == id_of(untitled.path)


def test_origins():
    """A block that was read has its key, or its JSON pointer."""
    definition = read(body(graph(block(), block("step"), block(None))))

    place = "/workflow_definition/blocks/"
    assert [definition.origins[at] for at in range(3)] == [
        Origin(pointer=f"{place}0"),
        Origin("step", "step", pointer=f"{place}1"),
        Origin("webhook", "webhook", pointer=f"{place}2", is_default=True),
    ]
    assert [definition.origins[at].where for at in (0, 1)] == [f"{place}0", "step"]


# -- What is refused -------------------------------------------------------------------

NOT_JSON = {
    "empty": ("", 0),
    "truncated": (json.dumps(body())[:-2], 279),
    "yaml": ("workflow_name: x", 0),
    "NaN": ('{"a": NaN}', 6),
    "an infinity": ('{"a": [1e999]}', 7),
    "long digits": ('{"a": ' + "9" * 5_000 + "}", 6),
    "a key twice": ('{"b": {"a": 1, "a": 2}}', 6),
    "a surrogate": ('{"a": "\\ud800"}', 6),
    "a surrogate in a key": ('{"\\ud800": 1}', 0),
    "a list": ("[1]", 0),
    "a value outside of specs": (json.dumps(body(x=VALUE)), 287),
    "a mark": ("\ufeff{}", 0),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), 0),
    "bytes": (b'{"a": "\xff"}', 7),
    "deep": ("[" * 100_000, None),
    "deep in strings": ('{"a": "[[[", "b": ' + '{"b":' * 300 + "1" + "}" * 301, 33),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_not_json(name):
    """The error has the offset, unless a parser gave up."""
    text, offset = NOT_JSON[name]

    assert refusal(text).offset == offset


SHAPES = [
    ({"workflow_definition": None}, "/workflow_definition"),
    ({"workflow_definition": []}, "/workflow_definition"),
    ({"workflow_definition": {"edges": []}}, "/workflow_definition"),
    ({"workflow_definition": graph("x")}, "/workflow_definition/blocks/0"),
    (
        {"workflow_definition": {**graph(), "edges": [1]}},
        "/workflow_definition/edges/0",
    ),
    ({"workflow_name": 5}, "/workflow_name"),
    ({"id": 5}, "/id"),
    (
        {"workflow_definition": graph(block(specs=[]))},
        "/workflow_definition/blocks/0/specs",
    ),
    (
        {"workflow_definition": graph(block(sequence_number=True))},
        "/workflow_definition/blocks/0/sequence_number",
    ),
    (
        {"workflow_definition": graph({"block_id": A})},
        "/workflow_definition/blocks/0",
    ),
    (
        {"workflow_definition": graph(block(specs={"flow64:value": 5}))},
        "/workflow_definition/blocks/0/specs",
    ),
]


@pytest.mark.parametrize(("change", "place"), SHAPES)
def test_no_workflow(change, place):
    """The error has the pointer, and in a text the line."""
    with pytest.raises(ReadError) as of_data:
        from_data(body() | change)
    of_text = refusal(json.dumps(body() | change, indent=1))

    assert (of_data.value.pointer, of_text.pointer) == (place, place)
    assert (of_data.value.line, of_text.line is None) == (None, False)


def test_deepest_text():
    """The depth of code can be read back."""
    deep = []
    for _ in range(MAX_DEPTH - 2):
        deep = [deep]

    assert loads(dumps(read(body(graph(block(specs={"a": deep})))))).blocks


def test_size_is_limited(monkeypatch):
    """A long text is refused before it is parsed."""
    monkeypatch.setattr(reading, "MAX_BYTES", 2**20)

    assert refusal(" " * (2**20 + 1)).offset == 2**20


HOSTILE = {
    "fields": '{"a":{' + ",".join(f'"f{n}":1' for n in range(600_000)) + "}}",
    "numbers": '{"a":[' + "1," * 15_000_000 + "1]}",
    "quotes": '{"a":' + '""' * 10_000_000 + "[," * 600_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_too_many_values_are_not_parsed(name, monkeypatch):
    """Less than 32 MiB of them would take minutes, and gigabytes."""
    monkeypatch.setattr(reading.json, "loads", None)

    assert "it holds more than 500,000" in refusal(HOSTILE[name]).problem


def test_large_prompt():
    """A text of 10 MB with as many commas is one value."""
    text = json.dumps(body(graph(block(specs={"a": "a,[" * 3_000_000}))))

    assert len(loads(text).blocks[0].specs["a"]) == 9_000_000


TOKENS = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u12", b"\\ud800", b"NaN",
    b"1e999", b"\x00", b"\xff", b"null", b'"id":', b'"flow64:value"', b"9" * 500,
]  # fmt: skip


def test_mutated_texts_are_read_or_refused():
    """Bytes are dropped, doubled, moved and replaced; nothing else is raised."""
    full = graph(
        block(specs={"a": [1, 2.5, VALUE], "b": {"c": 'é\n"'}}, x=1),
        block("step"),
        edges=[(A, "step")],
        zoom=1,
    )
    sources = [
        json.dumps(data, ensure_ascii=False).encode()
        for data in (body(full, more=[{}]), answer(full, version=2))
    ]
    luck = random.Random(65)
    for _ in range(4_000):
        text = bytearray(luck.choice(sources))
        for _ in range(luck.randrange(1, 4)):
            start = luck.randrange(len(text) + 1)
            end = min(len(text), start + luck.randrange(12))
            text[start:end] = luck.choice(
                [b"", luck.choice(TOKENS), text[start:end] * 2]
            )
        try:
            definition = loads(bytes(text))
        except ReadError:
            continue
        written = dumps(definition)
        if not definition.is_answer:
            assert (loads(written), dumps(loads(written))) == (definition, written)


# -- Writing ---------------------------------------------------------------------------


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_layout(indent):
    """Keys stand in the order of the documents, with one newline at the end."""
    definition = read(body(graph(block(specs={"a": ['"\\\n\u2028é']}), edges=[(A, A)])))
    separators = (",", ":") if indent is None else None

    text = dumps(definition, indent=indent)

    expected = json.dumps(
        as_body(definition), ensure_ascii=False, indent=indent, separators=separators
    )
    assert text == f"{expected}\n"
    assert [*json.loads(text)] == [
        "workflow_name",
        "workflow_description",
        "workflow_definition",
        "id",
    ]
    assert "id" not in as_body(evolve(definition, id=None))


def test_values_are_filled_in_for_a_request_alone():
    """Without them they are names."""
    specs = FrozenDict({"url": Value("hook", secret=True), "mode": Value("m")})
    definition = evolve(READ, blocks=(READ.blocks[0]._replace(specs=specs),))
    values = {"hook": "https://a.example", "m": FrozenDict(a=1)}

    unbound, filled = (
        as_body(definition, given)["workflow_definition"]["blocks"][0]["specs"]
        for given in (None, values)
    )

    assert unbound == {
        "url": {"flow64:value": "hook", "secret": True},
        "mode": {"flow64:value": "m"},
    }
    assert filled == {"url": "https://a.example", "mode": {"a": 1}}
