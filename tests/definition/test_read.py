"""The reader: what it keeps, what it refuses, and where it says that something is."""

# ruff: noqa: E501 - tables of messages as they are shown

from __future__ import annotations

import cProfile
import gzip
import io
import json
import pstats
import random
import subprocess
import sys
import zipfile
from pathlib import PurePath

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from flow64 import LEAD, Workflow
from flow64.blocks import FindEmail, Webhook
from flow64.definition import (
    EMPTY,
    MAX_BYTES,
    MAX_NESTING,
    Definition,
    Edge,
    FrozenDict,
    Origin,
    Stamp,
    Value,
    WireBlock,
    _json_text,
    _read,
    dumps,
    fingerprint,
    from_data,
    has_more_values,
    id_of,
    loads,
    with_stamp,
)
from flow64.errors import ArgumentError, ReadError
from flow64.report.report import make_report
from flow64.report.subjects import Subject
from flow64.report.writers import as_html, as_markdown, as_text

ID = "6b1d7c1e-4c1f-4f0a-9a55-0d9b1f1f2a01"
A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "bbbbbbbb-0000-4000-8000-000000000002"


def block(block_id=A, kind="webhook", **more):
    data = {"block_id": block_id, "sequence_number": 1, "block_type": "io"}
    return data | {"block_name": kind, "specs": {}} | more


def graph(*blocks, edges=(), **more):
    pairs = [{"from_block_id": a, "to_block_id": b} for a, b in edges]
    return {"blocks": list(blocks), "edges": pairs} | more


def body(definition=None, **more):
    made = {"workflow_name": "n", "workflow_description": "d", "id": ID}
    return made | {"workflow_definition": definition or graph(block())} | more


def answer(definition=None, **more):
    return {
        "id": ID, "user_uuid": "u", "org_id": None, "name": "n", "description": "d",
        "status": "ready", "step": "completed", "created_at": "c", "updated_at": "u",
        "last_run_date": None, "workflow_definition": definition or graph(block()),
    } | more  # fmt: skip


def read(data):
    return loads(json.dumps(data))


def refusal(text, **options):
    with pytest.raises(ReadError) as caught:
        loads(text, **options)
    return str(caught.value)


# -- What is kept ---------------------------------------------------------------------

READ = Definition("n", "d", (WireBlock(A, "webhook", EMPTY, "io", 1),), (), id=ID)


def test_a_create_body_an_update_body_and_an_answer_say_the_same():
    """Code, a file and a GET become the same data."""
    update = body(workflow_description=None)

    assert [read(body()), from_data(body()), read(answer()), read(update)] == [
        READ,
        READ,
        READ,
        Definition("n", "", READ.blocks, (), id=ID),
    ]


def test_bytes_are_utf_8():
    """And text is read as it is."""
    text = json.dumps(body(workflow_name="é🚀"), ensure_ascii=False)

    assert loads(text.encode()) == loads(text)


def test_an_answer_is_known_as_one():
    """The safe rules alone judge it."""
    assert [read(body()).is_answer, read(answer()).is_answer] == [False, True]


def test_unknown_members_are_kept_everywhere():
    """In their order, with their numbers; what only answers have goes."""
    unknown = {"z": [1.0, 10**20, -0.0], "a": {"b": None}}
    made = graph(block(**unknown), edges=[(A, A)], **unknown)
    made["edges"][0] |= {"condition": None} | unknown

    text = dumps(read(answer(made, **unknown)), indent=None)

    written = body(made)
    written |= {"id": written.pop("id")} | unknown
    assert text == json.dumps(written, separators=(",", ":")) + "\n"
    assert dumps(loads(text), indent=None) == text


def test_unknown_kinds_give_the_same_bytes_and_fingerprint():
    """Import and compile is a fixed point for what nobody knows."""
    first = read(body(graph(block(kind="class", specs={"x=1,__import__('os')": [{}]}))))

    again = loads(dumps(first))

    assert (again, dumps(again), fingerprint(again)) == (
        first,
        dumps(first),
        fingerprint(first),
    )


def test_order_and_numbers_are_kept():
    """The service's order is no business of ours."""
    made = graph(block(B, sequence_number=7), block(A, sequence_number=-1))

    found = [(each.id, each.number) for each in read(body(made)).blocks]

    assert found == [(B, 7), (A, -1)]


def test_an_integer_of_any_size_is_kept():
    """An answer that holds one can be saved, read again and sent back."""
    made = read(answer(graph(block(specs={"n": 2**70}))))

    assert loads(dumps(made)).blocks[0].specs == {"n": 2**70}


def test_unbound_values_are_read_in_specs():
    """As they are written."""
    specs = {"a": {"flow64:value": "x"}, "b": [{"flow64:value": "y", "secret": True}]}

    made = read(body(graph(block(specs=specs))))

    assert made.blocks[0].specs == {"a": Value("x"), "b": [Value("y", secret=True)]}


def test_in_an_answer_an_unbound_value_is_data():
    """Whoever put it there."""
    specs = {"a": {"flow64:value": "x", "b": 1}}

    assert read(answer(graph(block(specs=specs)))).blocks[0].specs == specs


def test_the_stamp_is_split_off():
    """From a body and from an answer; the genuine one where there are several."""
    path = "ns:x/workflow:y"
    ours = Stamp(path, "0" * 16, "1" * 16)
    text = f"{with_stamp('d', ours)}\n{Stamp('ns:other', '0' * 16, '1' * 16)}"

    for made in (body, answer):
        key = "description" if made is answer else "workflow_description"
        found = read(made(**{key: text, "id": id_of(path)}))
        assert (found.description, found.stamp) == ("d", ours)


# -- Ids ------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [{}, {"id": None}, {"id": ""}])
def test_a_missing_id_is_computed_from_the_title(missing):
    """Under the namespace of workflows without a project."""
    data = body(workflow_name="Some leads")
    del data["id"]

    made = read(data | missing)

    path = "ns:local/workflow:some-leads"
    assert (made.id, made.path) == (id_of(path), path)


def test_a_title_without_a_slug_still_gives_an_id():
    """A file can always be read."""
    made = read({"workflow_definition": graph()})

    assert (made.name, made.path) == ("", "ns:local/workflow:workflow")


def test_an_id_that_was_read_has_no_path():
    """Whatever it looks like: ids of workflows are opaque."""
    made = read(body(id="wf_abc123"))

    assert (made.id, made.path) == ("wf_abc123", None)


def test_a_block_id_that_is_no_uuid_is_a_key():
    """Written as the UUID computed from it, and the edges follow."""
    data = graph(
        block("step 1"), block("1f2c-...", "x"), edges=[("step 1", "1f2c-...")]
    )

    made = read(body(data, id=ID.upper()))

    first, second = (
        id_of(f"ns:local/workflow:{ID}/block:{key}") for key in ("step%201", "1f2c-...")
    )
    assert [made.blocks[0].id, made.blocks[1].id, made.edges] == [
        first,
        second,
        (Edge(first, second),),
    ]


@pytest.mark.parametrize("missing", [{"block_id": None}, {"block_id": ""}])
def test_a_missing_block_id_is_made_from_the_kind(missing):
    """As the key of a block in code is its kind by default."""
    made = read(body(graph(block() | missing)))

    assert made.blocks[0].id == id_of(f"ns:local/workflow:{ID}/block:webhook")


def test_uuids_keep_their_case():
    """And an edge that spells one otherwise names no block that we know of."""
    data = graph(block(A.upper()), edges=[(A.upper(), A)])

    assert read(body(data)).edges == (Edge(A.upper(), A),)


def test_origins_say_where_a_block_was_read():
    """The key where it has one, else the pointer."""
    no_id = block()
    del no_id["block_id"]

    made = read(body(graph(block(), block("step"), no_id)))

    place = "/workflow_definition/blocks/"
    assert [made.origins[at] for at in range(3)] == [
        Origin(pointer=f"{place}0"),
        Origin("step", "step", pointer=f"{place}1"),
        Origin("webhook", "webhook", pointer=f"{place}2", is_default=True),
    ]


# -- What is no JSON ------------------------------------------------------------------

BEYOND = "is beyond what a double holds; write it as text"
TOO_DEEP = (
    "it nests deeper than 264 levels; flatten it, or write inner values as JSON text"
)


def zipped():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.json", "{}")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (gzip.compress(b"{}"), "(offset 0): not UTF-8 JSON: it begins like a gzip file; unpack it first"),
        (zipped(), "(offset 0): not UTF-8 JSON: it begins like a zip file; unpack it first"),
        ("{}".encode("utf-8-sig"), "(offset 0): not UTF-8 JSON: it begins like UTF-8 with a byte order mark; save it without"),
        ("{}".encode("utf-16"), "(offset 0): not UTF-8 JSON: it begins like UTF-16"),
        ("{}".encode("utf-16-be"), "(offset 0): not UTF-8 JSON: it begins like UTF-16 or UTF-32"),
        ("{}".encode("utf-16-le"), "(offset 0): not UTF-8 JSON: it begins like UTF-16"),
        ("{}".encode("utf-32"), "(offset 0): not UTF-8 JSON: it begins like UTF-32"),
        (b"\xfe\xff\x00{", "(offset 0): not UTF-8 JSON: it begins like UTF-16"),
        ("\ufeff{}", "(offset 0): it begins with a byte order mark; save it without"),
        (b'{"a": "\xe9"}', "(offset 7): not UTF-8: invalid continuation byte"),
        (b'"\xed\xa0\x80"', "(offset 1): not UTF-8: invalid continuation byte"),
    ],
    ids=range(11),
)  # fmt: skip
def test_another_format_is_named(text, message):
    """Bytes that are not UTF-8 JSON are not guessed at."""
    assert refusal(text, source="file") == f"file {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<text>:1 (offset 0): not valid JSON: Expecting value (there is no text)"),
        ("{} {}", "<text>:1 (offset 3): not valid JSON: Extra data"),
        (
            '{\n"a": "b',
            "<text>:2 (offset 7): not valid JSON: Unterminated string starting at",
        ),
        ('"\x00"', "<text>:1 (offset 1): not valid JSON: Invalid control character at"),
        (
            "workflow_name: x",
            (
                "<text>:1 (offset 0): not valid JSON: Expecting value (it looks like YAML, "
                "which flow64 never reads)"
            ),
        ),
        (
            "--- !!python/object/apply:os.system ['x']",
            (
                "<text>:1 (offset 0): not valid JSON: Expecting value (it looks like YAML, "
                "which flow64 never reads)"
            ),
        ),
    ],
)
def test_what_is_no_json_has_its_offset(text, message):
    """And its line."""
    assert refusal(text) == message


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[1, NaN]", "/1: NaN is not JSON; write null, or leave the field out"),
        ("Infinity", ": Infinity is not JSON; write null, or leave the field out"),
        ("-Infinity", ": -Infinity is not JSON; write null, or leave the field out"),
        ("1e999", f": the number '1e999' {BEYOND}"),
        ("-1e999", f": the number '-1e999' {BEYOND}"),
        ("9" * 5000, ": a number of 5000 digits; write it as text"),
        (
            f"0.{'1' * 500}",
            f": the number '0.{'1' * 56}… {BEYOND}",
        ),
        ('{"a": 1, "b": 2, "a": 3}', ": the key 'a' stands twice; keep one of them"),
        (r'"\ud800"', ": text with a lone surrogate is not Unicode; mend the text"),
        (
            r'{"\udc00": 1}',
            (
                ": '\\udc00' is text with a lone surrogate, and JSON keys are Unicode "
                "text; write the key as a plain str"
            ),
        ),
        (
            '{"flow64:value": ""}',
            (
                ": {'flow64:value': ''} is not an unbound value; write "
                '{"flow64:value": "name"}, with "secret": true for a secret one'
            ),
        ),
    ],
    ids=range(11),
)
def test_a_value_that_is_refused_has_its_place(value, message):
    """Line, offset and pointer of the value, also behind others."""
    specs = json.dumps({"before": [1.5, {"x": ']}\\"'}], "here": "HERE"}, indent=1)
    text = json.dumps(body(graph(block(specs="SPECS"))))
    text = text.replace('"SPECS"', specs.replace('"HERE"', value))
    line, offset = 8, text.index(value)
    shift = 4 if value.startswith("[1, ") else 0

    assert refusal(text) == (
        f"<text>:{line} (offset {offset + shift}) at "
        f"/workflow_definition/blocks/0/specs/here{message}"
    )


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 500, 900, 980, 5_000, 100_000])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_refused_alike_at_any_depth(opening, depth):
    """At the bracket that opens one level too many, and without a RecursionError."""
    offset = 7 + len(opening) * (MAX_NESTING - 1)

    assert refusal(f'{{"]":\n {opening * depth}') in {
        f"<text>:2 (offset {offset}): {TOO_DEEP}",
        # Where the parser reaches the end first, that is the error.
        f"<text>:2 (offset {7 + len(opening) * depth}): not valid JSON: Expecting value",
    }
    closing = ("]" if opening == "[" else "}") * depth
    assert refusal(f'{{"]":\n {opening * depth}1{closing}}}') == (
        f"<text>:2 (offset {offset}): {TOO_DEEP}"
    )


def test_the_deepest_text_that_is_read():
    """And the deepest parsed data; one level more has a pointer."""
    data = body(more=json.loads("[" * (MAX_NESTING - 1) + "]" * (MAX_NESTING - 1)))
    assert loads(dumps(read(data))) == from_data(data)

    with pytest.raises(ReadError) as caught:
        from_data(body(more=[data["more"]]))

    assert str(caught.value) == (
        "<answer> at /more/0/0/0: values nest deeper than 264 levels; "
        "flatten the value, or send it as JSON text"
    )


def test_a_long_text_is_refused_before_it_is_parsed(monkeypatch):
    """By its size alone, bytes and text alike."""
    assert MAX_BYTES == 32 * 2**20
    monkeypatch.setattr(_json_text, "MAX_BYTES", 2**20)
    longest = json.dumps(body()).ljust(2**20)
    message = "<text> (offset 1048576): it is longer than 1 MiB, the most that is read"

    assert loads(longest) == READ
    assert [refusal(f"{longest} "), refusal(b"\xff" * (2**20 + 1))] == [message] * 2


# -- Limits on counts ------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(alphabet='a,"\\\\[]{}: \n\u00e9'),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(alphabet='a,"\\\\[{'), inner)
    ),
)


def count_of(data):
    """How many JSON values there are, one by one."""
    inner = data.values() if isinstance(data, dict) else data
    is_more = isinstance(data, dict | list)
    return 1 + (sum(map(count_of, inner)) if is_more else 0)


@hypothesis_given(data=JSON, more=JSON, indent=st.none() | st.integers(0, 2))
def test_values_are_counted_without_parsing(data, more, indent):
    """Whatever stands in strings, and of several texts together."""
    texts = [json.dumps(one, indent=indent).encode() for one in (data, more)]
    count = count_of(data) + count_of(more)

    found = [has_more_values(texts, most) for most in (count - 1, count)]

    assert found == [True, False]


def test_values_are_counted_through_long_texts():
    """A string may begin in one piece that is looked at, and end in another."""
    data = ['a,"\\[{' * 5, "", "}]" * 7] * 20_000
    text = json.dumps(data).encode()

    assert len(text) > 10 * _json_text._PIECE
    assert [has_more_values([text], most) for most in (60_000, 60_001)] == [True, False]


HOSTILE = {
    "fields": '{"a":{' + ",".join(f'"f{n}":1' for n in range(600_000)) + "}}",
    "numbers": '{"a":[' + "1," * 15_000_000 + "1]}",
    "lists": '{"a":[' + "[]," * 10_000_000 + "1]}",
    "quotes": '{"a":' + '""' * 10_000_000 + "[," * 600_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_too_many_values_are_not_parsed(name, monkeypatch):
    """Less than 32 MiB of them would take minutes, and gigabytes."""
    monkeypatch.setattr(_read.json, "loads", None)
    problem = "it holds more than 500,000 JSON values, the most that is read; split the"

    assert refusal(HOSTILE[name]) == f"<text>: {problem} workflow"


def test_parsed_data_has_the_same_limit(monkeypatch):
    """As the body of an answer has."""
    data = body(graph(block(specs={"a": [1, [2], {"b": {}}]})))
    monkeypatch.setattr(_read, "MAX_VALUES", count_of(data))
    assert from_data(data) == loads(json.dumps(data))

    monkeypatch.setattr(_read, "MAX_VALUES", count_of(data) - 1)
    with pytest.raises(ReadError, match="<answer>: it holds more than"):
        from_data(data)


@pytest.mark.parametrize(("key", "most"), [("blocks", 20_000), ("edges", 50_000)])
def test_too_many_blocks_and_edges_are_refused(key, most, monkeypatch):
    """Before anything is made of them, in a text and in parsed data."""
    monkeypatch.setattr(_read, "freeze", None)
    data = body({**graph(), key: [{}] * (most + 1)})
    problem = (
        f"at /workflow_definition/{key}: it has {most + 1:,} {key}, and at most "
        f"{most:,} are read; split the workflow"
    )

    assert problem in refusal(json.dumps(data))
    with pytest.raises(ReadError) as caught:
        from_data(data)
    assert str(caught.value) == f"<answer> {problem}"


def test_code_has_no_such_limits(monkeypatch):
    """A person who writes so much means it; reading it back is refused."""
    for name in ("MAX_BLOCKS", "MAX_EDGES"):
        monkeypatch.setattr(_read, name, 1)
    monkeypatch.setattr(_read, "MAX_VALUES", 20)
    flow = Webhook(LEAD) >> FindEmail() >> FindEmail(key="again")

    text = Workflow("n", flow, key="n").to_json()

    assert text.count("block_id") > 3
    assert "it holds more than" in refusal(text)


def calls_of(call):
    """How many calls of functions something takes."""
    profile = cProfile.Profile()
    profile.runcall(call)
    return pstats.Stats(profile).total_calls


MANY = {
    "fields": lambda n: graph(block(specs={f"f{i}": i for i in range(n)})),
    "blocks": lambda n: graph(
        *(block(f"b{i}") for i in range(n)),
        edges=[(f"b{i}", f"b{i + 1}") for i in range(n - 1)],
    ),
    "edges": lambda n: graph(
        *(block(f"b{i}") for i in range(40)),
        edges=[(f"b{i % 40}", f"b{i // 40 % 40}") for i in range(n)],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_work_grows_no_faster_than_the_text(name):
    """Reading, comparing and reviewing: twice as much takes twice as many calls."""
    before = read(body(graph(block(A, "csv_upload"))))

    def work(size):
        after = read(body(MANY[name](size)))
        report = make_report([Subject("x", before, after)])
        return [write(report) for write in (as_text, as_markdown, as_html)]

    work(10)  # what is made once is made here
    once, twice = (calls_of(lambda n=n: work(n)) for n in (80, 160))

    assert twice < 2.5 * once


@pytest.mark.parametrize("given", [None, 5, {"a": 1}, bytearray(b"{}"), PurePath("x")])
def test_what_is_no_text_is_refused(given):
    """A path or parsed data is not guessed at."""
    with pytest.raises(ArgumentError) as caught:
        loads(given)

    assert str(caught.value) == (
        f"from_json: text is {given!r}; give the JSON text, or its UTF-8 bytes"
    )


def test_a_huge_file_costs_nothing():
    """200 MB of zeros that nobody reads."""
    program = (
        "import resource, time; from flow64.definition import loads\n"
        "huge = bytes(200_000_000)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "start = time.perf_counter()\n"
        "try: loads(huge)\n"
        "except ValueError as error: print(error)\n"
        "assert time.perf_counter() - start < 1\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    limit = "it is longer than 32 MiB, the most that is read"
    assert done.stdout == f"<text> (offset 33554432): {limit}\nTrue\n"


def test_a_large_prompt_is_read():
    """10 MB in one string."""
    text = '\\n"é' * 2_500_000
    made = read(body(graph(block(specs={"prompt": text}))))

    assert made.blocks[0].specs["prompt"] == text


def test_many_keys_of_which_the_last_stands_twice():
    """Found in one pass."""
    keys = "".join(f'"{n}":0,' for n in range(200_000))

    assert refusal(f'{{{keys}"199999":0}}') == (
        "<text>:1 (offset 0) at /: the key '199999' stands twice; keep one of them"
    )


# -- What is no workflow --------------------------------------------------------------

NO_GRAPH = (
    "it has no workflow_definition, so there is no graph to read{}; lists of workflows "
    "and bodies that change a name alone carry none"
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "a workflow must be a JSON object, not a list"),
        (None, "a workflow must be a JSON object, not null"),
        (True, "a workflow must be a JSON object, not true"),
        ("x", "a workflow must be a JSON object, not text"),
        (1, "a workflow must be a JSON object, not a whole number"),
        (1.5, "a workflow must be a JSON object, not a number"),
        (
            {"flow64:value": "x"},
            "a workflow must be a JSON object, not an unbound value",
        ),
        ({}, NO_GRAPH.format("")),
        ({"workflow_name": "n"}, NO_GRAPH.format("")),
        (body() | {"workflow_definition": None}, NO_GRAPH.format("")),
        (
            {"workflow_definitions": {}},
            NO_GRAPH.format(" (did you mean 'workflow_definition'?)"),
        ),
        (
            graph(),
            (
                'this is a graph alone; wrap it: {"workflow_name": ..., '
                '"workflow_description": ..., '
                '"workflow_definition": {"blocks": ..., "edges": ...}}'
            ),
        ),
    ],
    ids=range(12),
)
def test_what_is_no_workflow_is_refused(data, message):
    """A body without a graph says so."""
    assert refusal(json.dumps(data)) == f"<text>:1 (offset 0) at /: {message}"


def without(key):
    return {k: v for k, v in block().items() if k != key}


VALUE = {"flow64:value": "x"}
AT = "/workflow_definition"


@pytest.mark.parametrize(
    ("data", "place", "message"),
    [
        (body() | {"workflow_definition": []}, AT, "a graph must be an object, not a list"),
        (body("x"), AT, "a graph must be an object, not text"),
        (body({"edges": []}), AT, "blocks is missing; the service requires it"),
        (
            body({"blocks": [], "edge": []}),
            AT,
            "edges is missing (did you mean 'edge'?); the service requires it",
        ),
        (body({"blocks": {}, "edges": []}), f"{AT}/blocks", "blocks must be a list, not an object"),
        (body({"blocks": [], "edges": None}), f"{AT}/edges", "edges must be a list, not null"),
        (body(graph([])), f"{AT}/blocks/0", "a block must be an object, not a list"),
        (
            body(graph(block(), without("block_name"))),
            f"{AT}/blocks/1",
            "block_name is missing; the service requires it",
        ),
        (
            body(graph(without("block_type") | {"blok_type": ""})),
            f"{AT}/blocks/0",
            "block_type is missing (did you mean 'blok_type'?); the service requires it",
        ),
        (
            body(graph(block(kind=None))),
            f"{AT}/blocks/0/block_name",
            "block_name must be text, not null",
        ),
        (
            body(graph(block(specs=[]))),
            f"{AT}/blocks/0/specs",
            "specs must be an object, not a list",
        ),
        (
            body(graph(block(specs=VALUE))),
            f"{AT}/blocks/0/specs",
            "specs must be an object, not an unbound value",
        ),
        (
            body(graph(block(sequence_number=True))),
            f"{AT}/blocks/0/sequence_number",
            "sequence_number must be a whole number, not true",
        ),
        (
            body(graph(block(sequence_number=1.0))),
            f"{AT}/blocks/0/sequence_number",
            "sequence_number must be a whole number, not a number",
        ),
        (body(graph(block(1))), f"{AT}/blocks/0/block_id", "block_id must be text, not a whole number"),
        (body({"blocks": [], "edges": [[]]}), f"{AT}/edges/0", "an edge must be an object, not a list"),
        (
            body({"blocks": [], "edges": [{"from_block_id": A}]}),
            f"{AT}/edges/0",
            "to_block_id is missing; the service requires it",
        ),
        (
            body(graph(edges=[(A, None)])),
            f"{AT}/edges/0/to_block_id",
            "to_block_id must be text, not null",
        ),
        (
            body({"blocks": [], "edges": [{"from_block_id": A, "to_block_id": A, "condition": 1}]}),
            f"{AT}/edges/0/condition",
            "condition is text or null",
        ),
        (body(workflow_name=1), "/workflow_name", "workflow_name must be text, not a whole number"),
        (body(id=[]), "/id", "id must be text, not a list"),
        (answer(description={}), "/description", "description must be text, not an object"),
        (body(id=VALUE), "/id", "id must be text, not an unbound value"),
        (body(x=[VALUE]), "/x/0", "an unbound value can stand in specs alone"),
        (
            body(graph(x=VALUE)),
            f"{AT}/x",
            "an unbound value can stand in specs alone",
        ),
        (
            body(graph(block(x={"y": VALUE}))),
            f"{AT}/blocks/0/x/y",
            "an unbound value can stand in specs alone",
        ),
        (
            answer(workflow_description="x"),
            "/workflow_description",
            ("workflow_description belongs to a create body, and name to an answer; "
            "write workflow_name, or description"),
        ),
    ],
    ids=range(27),
)  # fmt: skip
def test_a_wrong_shape_is_refused_with_its_place(data, place, message):
    """In a text with the offset, in parsed data with the pointer alone."""
    with pytest.raises(ReadError) as of_text:
        read(data)
    with pytest.raises(ReadError) as of_data:
        from_data(data)

    assert str(of_data.value) == f"<answer> at {place}: {message}"
    value = json.dumps(data)[of_text.value.offset :]
    found = data
    for step in place.split("/")[1:]:
        found = found[int(step) if isinstance(found, list) else step]
    assert value.startswith(json.dumps(found))
    assert str(of_text.value) == (
        f"<text>:1 (offset {of_text.value.offset}) at {place}: {message}"
    )


def test_a_name_in_an_error_cannot_write_to_the_terminal():
    """Control characters of file names and keys are shown escaped."""
    assert refusal('{"\\u001b": NaN}', source="\x1b[2J") == (
        "\\x1b[2J:1 (offset 11) at /\\x1b: NaN is not JSON; "
        "write null, or leave the field out"
    )


# -- Anything at all ------------------------------------------------------------------

JUNK = [
    None, True, -1, 1.5, 10**40, "", "x", "\ud800", [], {}, [[]], {"": None},
    VALUE, {"flow64:value": 1}, ID, body(), "[flow64:1 x]",
]  # fmt: skip
TOKENS = [
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\u12", b"\\ud800", b"NaN", b"1e999",
    b"\x00", b"\xff", b"\xc3", b"null", b'"id":', b'"flow64:value"', b"-", b"0", b"9" * 500,
]  # fmt: skip


def is_read_or_refused(load, material):
    """Whether it is a definition that can be written and read, or a ReadError."""
    try:
        made = load(material)
    except ReadError as error:
        return bool(str(error))
    text = dumps(made)
    return made.is_answer or (loads(text) == made and dumps(loads(text)) == text)


def originals():
    full = graph(
        block(specs={"a": [1, 2.5, VALUE], "b": {"c": 'é\n"'}}, x=1),
        block(B, "new"),
        block("step"),
        edges=[(A, B), (B, "step")],
        zoom=1,
    )
    return [body(full, more=[{}]), answer(full, version=2)]


def test_random_bytes_are_read_or_refused():
    """10 000 of them, and nothing but the documented exception."""
    luck = random.Random(64)
    texts = [luck.randbytes(luck.randrange(60)) for _ in range(5_000)]
    texts += [
        b"".join(luck.choices(TOKENS, k=luck.randrange(20))) for _ in range(5_000)
    ]

    assert [text for text in texts if not is_read_or_refused(loads, text)] == []


def test_mutated_texts_are_read_or_refused():
    """Bytes of real workflows dropped, doubled, moved and replaced."""
    luck = random.Random(65)
    sources = [json.dumps(data, ensure_ascii=False).encode() for data in originals()]
    wrong = []
    for _ in range(3_000):
        text = bytearray(luck.choice(sources))
        for _ in range(luck.randrange(1, 4)):
            start = luck.randrange(len(text) + 1)
            end = min(len(text), start + luck.randrange(12))
            text[start:end] = luck.choice(
                [b"", luck.choice(TOKENS), text[start:end] * 2, text[-end:]]
            )
        if not is_read_or_refused(loads, bytes(text)):
            wrong.append(bytes(text))

    assert wrong == []


def places(data, path=()):
    """Every place in JSON data, as the container and the key in it."""
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in list(items):
        yield data, key
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


@pytest.mark.slow
@pytest.mark.parametrize("load", [from_data, read], ids=["data", "text"])
def test_mutated_data_is_read_or_refused(load):
    """Members of real workflows replaced, renamed and removed."""
    luck = random.Random(66)
    wrong = []
    for _ in range(2_000):
        data = json.loads(json.dumps(luck.choice(originals())))
        for _ in range(luck.randrange(1, 4)):
            container, key = luck.choice(list(places(data)))
            if luck.random() < 0.3:
                del container[key]
            else:
                container[key] = json.loads(json.dumps(luck.choice(JUNK)))
            if not data:
                break
        if not is_read_or_refused(load, data):
            wrong.append(data)

    assert wrong == []


def test_reading_needs_no_yaml():
    """No loader of it is reachable."""
    program = "import sys, flow64.definition; print('yaml' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


def test_frozen_members_are_shared_when_there_are_none():
    """So that a large graph without unknown members costs nothing for them."""
    made = read(body())

    assert made.blocks[0].extra is EMPTY
    assert isinstance(made.blocks[0].specs, FrozenDict)


def test_a_file_name_is_no_text():
    """The commonest slip is to give the name in place of what the file holds."""
    with pytest.raises(ReadError) as caught:
        loads("flows/leads.json")

    assert str(caught.value).endswith(
        "(it looks like a file name; give the text: Path(...).read_text())"
    )
