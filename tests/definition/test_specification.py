"""The page that others implement from says what the code does, table by table."""

from __future__ import annotations

import json
import re
from functools import reduce
from operator import rshift
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

import pytest

from flow64 import RawBlock, Workflow
from flow64.definition import (
    FLOW64,
    Stamp,
    bind,
    digest,
    dumps,
    fingerprint,
    freeze,
    id_of,
    loads,
    meaning,
    path_of,
    retry_key,
    rfc8785,
    run_key,
    secret_places,
    slug,
    split_stamp,
    with_stamp,
)

PAGE = Path(__file__).parents[2] / "docs" / "specification.md"


def sections():
    """The text under each heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def rows(heading):
    """The rows of the first table of a section, cells without their back quotes."""
    found = re.search(r"(?:^\|.*\n)+", sections()[heading], re.MULTILINE)
    lines = [re.split(r" \| ", line.strip("| ")) for line in found[0].splitlines()]
    return [tuple(cell.strip("`") for cell in cells) for cells in lines[2:]]


def blocks(heading, language):
    """The fenced blocks of a section in some language."""
    fence = re.compile(rf"^```{language}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return fence.findall(sections()[heading])


def table(heading, count):
    """Rows as parameters; `count` holds that none was overlooked."""
    found = rows(heading)
    assert len(found) == count
    return found


EXAMPLE = blocks("Canonical JSON", "json")[0]


def test_the_namespace():
    """The one constant that another program needs."""
    assert UUID(blocks("Ids", "text")[0].strip()) == FLOW64


@pytest.mark.parametrize(("segments", "path", "made"), table("Ids", 14))
def test_ids(segments, path, made):
    """Segments, the text of their path, and its id."""
    assert (path_of(json.loads(segments)), id_of(path)) == (path, made)


@pytest.mark.parametrize(("title", "key"), table("Slugs", 7))
def test_slugs(title, key):
    """Titles and their slugs."""
    assert slug(json.loads(title)) == json.loads(key)


def test_order():
    """The example graph and the order of its blocks."""
    graph, result = blocks("Order and numbers", "text")
    lines = [line.split(" -> ") for line in graph.splitlines()]
    made = {name: step(name) for line in lines for name in line}
    flows = [reduce(rshift, map(made.get, line)) for line in lines]
    workflow = Workflow("Graph", *flows, key="graph")

    names = {id_of(f"ns:local/workflow:graph/{name}"): name for name in made}
    found = workflow._lower(None, None).definition.blocks
    shown = [f"{block.number} {names[block.id]}" for block in found]
    assert shown == result.splitlines()


def step(path):
    """A block with this path below its workflow."""
    *scopes, key = [unquote(part.partition(":")[2]) for part in path.split("/")]
    flow = RawBlock("step", key=key)
    return reduce(lambda inner, name: inner.scoped(name), reversed(scopes), flow)


def test_the_example_is_canonical():
    """Reading and writing it changes no byte."""
    assert dumps(loads(EXAMPLE)) == EXAMPLE


@pytest.mark.parametrize(
    ("number", "in_code", "as_read", "in_fingerprint"),
    table("Numbers", 22),
)
def test_numbers(number, in_code, as_read, in_fingerprint):
    """One number in code, as it was read, and in a fingerprint."""
    value = json.loads(number)
    problems = []
    frozen = freeze(value, (), problems)
    body = EXAMPLE.replace('"text": ', f'"number": {number}, "text": ')

    kept = loads(body).blocks[1].specs["number"]

    assert (
        "a finding" if problems else json.dumps(frozen),
        json.dumps(kept),
        rfc8785(value).decode(),
    ) == (in_code, as_read, in_fingerprint)


@pytest.mark.parametrize("row", table("Reading", 5), ids=range(5))
def test_reading(row):
    """Ids that are missing, and ids that are no UUID."""
    workflow_id, title, block_id, kind, read, block_read = row
    block = {"block_name": kind, "block_type": "", "specs": {}, "sequence_number": 1}
    block["block_id"] = json.loads(block_id)
    body = {
        "workflow_name": json.loads(title),
        "id": json.loads(workflow_id),
        "workflow_definition": {"blocks": [block], "edges": []},
    }

    made = loads(json.dumps(body))

    assert (made.id, made.blocks[0].id) == (read, block_read)


def test_the_forms_of_values():
    """Both are read as unbound values and written like that."""
    forms = blocks("Values", "json")[0].splitlines()
    body = EXAMPLE.replace(
        '"text": ', f'"one": {forms[0]}, "two": {forms[1]}, "text": '
    )

    specs = json.loads(dumps(loads(body)))["workflow_definition"]["blocks"][1]["specs"]

    assert [specs["one"], specs["two"]] == [json.loads(form) for form in forms]


def test_the_meaning():
    """Of the example, as data: its order takes no part."""
    shown = json.loads(blocks("Fingerprints", "json")[0])

    assert rfc8785(meaning(loads(EXAMPLE))) == rfc8785(shown)


def test_the_fingerprints():
    """Of the example, unbound and bound."""
    (_, _, unbound), (_, values, bound) = table("Fingerprints", 2)
    definition = loads(EXAMPLE)
    filled = bind(definition, json.loads(values), [])

    assert (fingerprint(definition), fingerprint(filled)) == (
        unbound,
        bound,
    )


STAMPS = json.loads(blocks("The stamp", "json")[0])


@pytest.mark.parametrize("case", STAMPS, ids=range(len(STAMPS)))
def test_stamps(case):
    """Descriptions, the text without stamps, and the stamp that counts."""
    text, stamp = split_stamp(case["description"], case["id"])

    assert (text, stamp and stamp.path) == (case["text"], case["path"])
    assert (stamp is not None and stamp.is_genuine(case["id"])) is case["genuine"]


def test_the_stamp_of_the_example():
    """The first description is that of the example once it is deployed."""
    first, definition = STAMPS[0], loads(EXAMPLE)
    (_, _, unbound), (_, _, bound) = rows("Fingerprints")
    _, stamp = split_stamp(first["description"])

    made = Stamp(first["path"], unbound[:16], bound[:16], None, {
        block.id[:8]: frozenset(block.specs) for block in definition.blocks
    }, {
        block_id[:8]: names for block_id, names in secret_places(definition).items()
    })  # fmt: skip

    assert with_stamp(definition.description, made) == first["description"]
    assert stamp == made


@pytest.mark.parametrize(("fields", "data"), table("The stamp", 5))
def test_fields(fields, data):
    """Both ways."""
    sent = {ref: frozenset(names) for ref, names in json.loads(data).items()}
    stamp = Stamp("ns:x/workflow:y", "0" * 16, "0" * 16, None, sent)

    assert str(stamp).endswith(f" - {fields}]")
    assert split_stamp(str(stamp)) == ("", stamp)


@pytest.mark.parametrize("row", table("Keys of runs", 5), ids=range(5))
def test_keys_of_runs(row):
    """And of the retry whose job the heading names."""
    env, workflow_id, intent, body_digest, key, retry = row
    job_id = re.search(r"key of the retry of `([^`]+)`", sections()["Keys of runs"])[1]

    made = run_key(
        env=env,
        workflow_id=workflow_id,
        intent=json.loads(intent),
        body_digest=body_digest,
    )

    assert (str(made), str(retry_key(made, job_id))) == (key, retry)


def test_the_digests_of_bodies():
    """Those that the keys of runs were made with."""
    text = sections()["Keys of runs"]
    bodies = re.findall(r"`(\{[^`]*\})`", text)
    digests = [row[3] for row in rows("Keys of runs")]

    assert [digest(json.loads(body)) for body in bodies] == [digests[0], digests[-1]]
