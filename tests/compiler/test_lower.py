"""Lowering: what specs become, what cannot be written, and that all of it is said."""

from __future__ import annotations

import datetime as dt
import json
import math
import pathlib
import re
import time
import tracemalloc

import pytest

from flow64 import COMPANY, LEAD, RawBlock, Workflow, errors, returns, value
from flow64.blocks import (
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    TransformData,
    Webhook,
)
from flow64.definition import Value
from tests.dsl.support import compiled


def specs_of(written, **fields):
    """What a raw block with one spec has in the definition."""
    return compiled(RawBlock("x", specs={"a": written}, **fields)).blocks[0].specs["a"]


def problems_of(*flows):
    """Code and message of each error, with the line of code that it points to."""
    found = Workflow("w", *flows).lower().findings
    return [(f.code, f.message) for f in found]


# -- Values ---------------------------------------------------------------------------

NUMBERS = {
    "one": (1, "1"),
    "a whole float": (1.0, "1"),
    "zero": (0, "0"),
    "minus zero": (-0.0, "0"),
    "a fraction": (0.1, "0.1"),
    "the largest integer": (2**53 - 1, "9007199254740991"),
    "a large whole float": (1e15, "1000000000000000"),
    "a float beyond integers": (1e21, "1e+21"),
    "true": (True, "true"),
    "null": (None, "null"),
    "text": ("é\u2028", '"é\u2028"'),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_one_spelling(name):
    """Numbers that are equal are written alike."""
    written, text = NUMBERS[name]
    workflow = Workflow("w", RawBlock("x", specs={"a": written}))

    assert f'"specs":{{"a":{text}}}' in workflow.to_json(indent=None)


class Number(int):
    """What looks like an integer and may print as anything."""


class Text(str):
    """What looks like text and may compare as anything."""

    __slots__ = ()


NO_JSON = {
    "not a number": math.nan,
    "infinity": -math.inf,
    "a large integer": 2**53,
    "a surrogate": "\ud800",
    "bytes": b"x",
    "a set": {1},
    "a date": dt.date(2026, 5, 1),
    "a subclass of int": Number(1),
    "a subclass of str": Text("x"),
    "a generator": (x for x in "ab"),
    "a class": Number,
    "a block": FindEmail(),
    "a complex number": 1j,
    "a key that is no text": {1: 2},
    "a key with a surrogate": {"\ud800": 1},
    "an unbound value in disguise": {"flow64:value": "x"},
}


@pytest.mark.parametrize("name", NO_JSON)
def test_no_json(name):
    """What is no JSON is a finding with its path, and is never turned into text."""
    block = RawBlock("x", specs={"a": [0, {"b": NO_JSON[name]}]}, key="k")

    (finding,) = Workflow("w", block).lower().findings

    assert (finding.severity, finding.family, finding.where) == ("error", "values", "k")
    assert finding.place == block.place
    assert finding.message.startswith("/specs/a/1/b: ")
    assert finding.help


def test_unbound_value_in_disguise_leaves_the_rest():
    """One mistake is one finding: the other members stay."""
    block = FindEmail(extra={"flow64:value": "x", "a": 1})

    definition, findings = Workflow("w", block).lower()

    assert [finding.code for finding in findings] == ["reserved-literal"]
    assert definition.blocks[0].specs == {"a": 1}


def test_order_of_keys_is_kept():
    """Specs stand in the order of the class, and mappings in the order written."""
    block = LeadEnrichment(tier="low", return_fields={"b": "x", "a": "y"})

    assert json.dumps(compiled(block).blocks[0].specs) == (
        '{"return_fields": {"b": "x", "a": "y"}, "tier": "low"}'
    )


def test_definition_is_a_copy():
    """What is written is copied: a later change of it changes nothing."""
    inner = ["a"]
    specs = {"x": inner, "y": {"z": 1}}
    workflow = Workflow("w", RawBlock("new", specs=specs))
    definition = workflow.compile()
    before = workflow.to_json()

    inner.append("b")
    specs["y"]["z"] = 2

    assert definition.blocks[0].specs == {"x": ["a"], "y": {"z": 1}}
    assert workflow.to_json() == before


def test_dict_that_a_loop_fills_again():
    """Each block keeps what the dict said when the block was made."""
    columns: dict[str, str] = {}
    workflows = []
    for region in ("us", "uk"):
        columns["region"] = region
        flow = Webhook(LEAD, input_schema=columns)
        workflows.append(Workflow("Leads", flow, key=f"leads-{region}"))

    found = [one.compile().blocks[0].specs["input_schema"] for one in workflows]

    assert found == [{"region": "us"}, {"region": "uk"}]


def test_what_the_language_adds_to_json():
    """Row kinds are written as their names, field maps as what they ask for."""

    @returns
    class Asked:
        title: str

    asked = {"title": {"description": "title", "type": "str"}}

    assert specs_of([LEAD, COMPANY, (1, 2), Asked]) == [
        "LEAD",
        "COMPANY",
        [1, 2],
        asked,
    ]
    assert specs_of(1, extra={"rows": LEAD, "asked": Asked}) == 1


# -- Values that differ by environment ------------------------------------------------

hooked = Workflow(
    "w",
    Webhook(LEAD)
    >> RawBlock("x", specs={"a": {"b": [value("n")]}, "c": value("key", secret=True)}),
    key="w",
)


def test_unbound_values():
    """A value that nothing fills in is written by its name."""
    assert hooked.compile().blocks[1].specs == {
        "a": {"b": [Value("n")]},
        "c": Value("key", secret=True),
    }
    assert (
        '"specs":{"a":{"b":[{"flow64:value":"n"}]},'
        '"c":{"flow64:value":"key","secret":true}}'
    ) in hooked.to_json(indent=None)


def test_values_in_two_environments():
    """The unbound fingerprint is the same wherever a workflow goes."""
    prod = hooked.compile("prod", {"n": 1, "key": "x"})
    staging = hooked.compile("staging", {"n": 2, "key": "y"})

    assert prod.id != staging.id
    assert [block.id for block in prod.blocks] == [block.id for block in staging.blocks]
    assert hooked.fingerprint() == Workflow.from_json(hooked.to_json()).fingerprint()


# -- Whole specs and extra ------------------------------------------------------------


def test_extra():
    """Fields that the class does not know follow those that it does."""
    block = FindEmail(mode="PERSONAL", extra={"new": {"a": 1}, "b": None})

    assert list(compiled(block).blocks[0].specs.items()) == [
        ("mode", "PERSONAL"),
        ("new", {"a": 1}),
        ("b", None),
    ]


def test_whole_specs():
    """Specs given whole are the specs, and not a field of that name."""
    block = RawBlock("x", specs={"b": 1, "specs": {"c": 2}}, extra={"a": 3})

    assert compiled(block).blocks[0].specs == {"b": 1, "specs": {"c": 2}, "a": 3}


def test_extra_that_repeats_a_field():
    """`extra` overrides nothing silently."""
    block = FindEmail(mode="PERSONAL", extra={"mode": "PROFESSIONAL"})
    whole = RawBlock("x", specs={"a": 1}, extra={"a": 2})

    assert [code for code, _ in problems_of(block)] == ["extra-repeats-field"]
    assert problems_of(whole) == [
        ("extra-repeats-field", "/extra/a: extra sets 'a', which the block sets itself")
    ]


def test_specs_that_repeat_a_field():
    """Nor do specs that are given whole override a field with a name."""
    fields = {"city": "City"}
    twice = TransformData(output_schema=fields, specs={"output_schema": {}})
    once = TransformData(output_schema=fields, specs={"prompt": "x"})

    assert [code for code, _ in problems_of(twice)] == ["extra-repeats-field"]
    assert compiled(once).blocks[0].specs == {"output_schema": fields, "prompt": "x"}


JUNK = {"number": 5, "text": "x", "list": [1], "value": value("n"), "set": {1}}


@pytest.mark.parametrize("argument", ["extra", "specs"])
@pytest.mark.parametrize("name", JUNK)
def test_fields_are_a_mapping(name, argument):
    """Whatever else stands for fields is a finding at its block."""
    block = RawBlock("x", **{argument: JUNK[name]})

    findings = Workflow("w", block).lower().findings

    assert {finding.code for finding in findings} == {"not-json"}
    assert {finding.place for finding in findings} == {block.place}


def test_no_rule_judges_what_is_not_json():
    """Its one fault is told once."""
    flow = Webhook(LEAD) >> LeadEnrichment(return_fields={"title": {1, 2}})

    codes = [f.code for f in Workflow("w", flow).check() if f.family != "keys"]

    assert "not-json" in codes
    assert "wrong-field-type" not in codes


@pytest.mark.parametrize("name", JUNK)
def test_any_allow(name):
    """What `allow` holds cannot stop the findings from being shown."""
    block = FindEmail(allow=JUNK[name], key=5)

    assert "invalid-key" in [f.code for f in Workflow("w", block).check()]


# -- All of it together ---------------------------------------------------------------


def test_all_mistakes_come_together():
    """One error holds all findings, each with file and line of the user's call."""
    again = FindEmail(key="again")
    flow = (
        Webhook(LEAD)
        >> FindEmail(key="same", mode="PROFESSIONALS")
        >> RawBlock("new", key="same")
        >> again
        >> again
        >> OutgoingWebhook(url="", key="nowhere")
        >> OutgoingWebhook(url="/hook")
    )
    circle = RawBlock("one") >> RawBlock("two", extra={"x": {1}})
    lonely = LeadEnrichment(return_fields={})
    company = Webhook(COMPANY, key="c") >> FindEmail(key="wrong-kind")
    rows = circle.left

    with pytest.raises(errors.CompileError) as caught:
        Workflow("w", flow, circle >> rows, lonely, company).compile()

    codes = sorted(finding.code for finding in caught.value.findings)
    assert codes == [
        "cycle",
        "cycle",
        "duplicate-key",
        "insecure-url",
        "missing-field",
        "not-json",
        "row-kind-mismatch",
        "unknown-word",
    ]
    assert {finding.file for finding in caught.value.findings} == {__file__}
    lines = pathlib.Path(__file__).read_text("utf-8").splitlines()
    marked = {f.code: lines[f.line - 1].strip() for f in caught.value.findings}
    assert marked["unknown-word"] == '>> FindEmail(key="same", mode="PROFESSIONALS")'
    assert marked["duplicate-key"] == '>> RawBlock("new", key="same")'
    text = str(caught.value)
    assert text.startswith("'w' has 8 errors\n\n")
    assert len(re.findall(r"(?m)^\S*test_lower.py:\d+ error", text)) == len(codes)
    assert "did you mean 'PROFESSIONAL'?" in text


# -- Size -----------------------------------------------------------------------------


def test_large_workflow():
    """1,000 blocks, a prompt of 10 MB and specs 200 deep stay in time and memory."""
    deep = "x"
    for _ in range(200):
        deep = {"a": deep} if isinstance(deep, list) else [deep]
    flow = Webhook(LEAD) >> RawBlock("deep", specs={"a": deep})
    for at in range(1000):
        flow = flow >> RawBlock("step", key=f"{at}", specs={"a": at})
    flow = flow >> RawBlock("prompt", specs={"prompt": "é" * 5_000_000})
    workflow = Workflow("w", flow)
    tracemalloc.start()
    start = time.process_time()

    text = workflow.to_json(indent=None)

    seconds, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text.encode()) > 10_000_000
    assert seconds < 5
    assert peak < 100_000_000
    assert Workflow.from_json(text).fingerprint() == workflow.fingerprint()
