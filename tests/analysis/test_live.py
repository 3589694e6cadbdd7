"""Checking against a live catalogue: what it says, outranks, and may not do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow, value
from flow64.analysis import LiveCatalogue, findings
from flow64.analysis._patterns import effort_of
from flow64.blocks import (
    CATALOGUE,
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
    specs_schema,
)
from flow64.emulator import Emulator
from flow64.errors import ArgumentError, CompileError, ReadError
from tests.analysis.support import wired
from tests.emulator.support import in_process

LIVE_CODES = {"unlisted-kind", "schema-mismatch", "unusable-schema"}
SECRET = "sk_live_" + "0123456789abcdef"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"


def live(**schemas):
    """A live catalogue of some kinds, by default without a word about their specs."""
    entries = {"webhook": {}, **schemas}
    return LiveCatalogue.of(
        [{"block_name": kind, "specs_schema": s} for kind, s in entries.items()]
    )


def told(specs, schema, **values):
    """What is said of a block of a new kind with some specs and a live schema."""
    flow = Webhook(LEAD) >> RawBlock("new", specs=specs)
    found = Workflow("Leads", flow, key="leads").check(
        values=values or None, blocks=live(new=schema)
    )
    return [f.message for f in found if f.code in LIVE_CODES]


def codes(flow, blocks=None):
    """How often each code is found in a flow."""
    return Counter(f.code for f in Workflow("L", flow, key="l").check(blocks=blocks))


def of_fields(**properties):
    return {"type": "object", "properties": properties}


# -- The catalogue --------------------------------------------------------------------


def test_reads_the_answer_of_the_emulator(tmp_path):
    """Saved as it came, it is read back with every kind and its schema."""
    emulator = Emulator()
    with in_process(emulator, base_url="http://localhost") as http:
        answer = http.get("/workflows/blocks", headers={"x-api-key": "any"})
    emulator.stop()
    file = tmp_path / "blocks.json"
    file.write_bytes(answer.content)

    found = LiveCatalogue.read(file)

    assert list(found.blocks) == list(CATALOGUE)
    assert found.blocks["webhook"].specs_schema == specs_schema(CATALOGUE["webhook"])
    assert found == LiveCatalogue.of(answer.json())
    assert repr(found) == f"LiveCatalogue(blocks=<{len(CATALOGUE)}>, date=None)"


def test_keeps_keys_that_nobody_documents():
    entry = {"block_name": "new", "specs_schema": {"x-a": 1}, "price": {"cents": [5]}}

    (block,) = LiveCatalogue.of([entry]).blocks.values()

    assert (block.specs_schema, block.extra) == ({"x-a": 1}, {"price": {"cents": [5]}})


def test_what_it_holds_cannot_be_changed():
    data = [{"block_name": "new", "specs_schema": {"type": "object"}}]
    found = LiveCatalogue.of(data)

    data[0]["specs_schema"]["type"] = "array"

    assert found.blocks["new"].specs_schema == {"type": "object"}
    with pytest.raises(TypeError):
        found.blocks["new"].specs_schema["type"] = "array"


GOOD = {"block_name": "a", "specs_schema": {}}
OTHER = {"block_name": "b", "specs_schema": {}}
DEEP = {}
for _ in range(70):
    DEEP = {"x": DEEP}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({"blocks": 5}, "it is an object, and not a list of blocks"),
        ("[]", "it is text, and not a list of blocks"),
        (None, "it is null, and not a list of blocks"),
        ([5], "none of its entries can be used: entry 1 is a whole number, and not"),
        ([{"specs_schema": {}}], "entry 1 has the block_name None"),
    ],
)
def test_refuses_what_is_no_answer(data, problem):
    """It says what it found in place of a list."""
    with pytest.raises(ReadError, match=re.escape(problem)):
        LiveCatalogue.of(data)


@pytest.mark.parametrize(
    ("entry", "kinds", "problem"),
    [
        (5, "a", "entry 2 is a whole number, and not an object"),
        (None, "a", "entry 2 is null, and not an object"),
        ({"specs_schema": {}}, "a", "entry 2 has the block_name None"),
        ({**GOOD, "block_name": ""}, "a", "entry 2 has the block_name ''"),
        ({**GOOD, "block_name": "\ud800"}, "a", "entry 2 has the block_name '\\ud800'"),
        (GOOD, "a", "'a' is listed twice"),
        ({"block_name": "b"}, "ab", "'b' has no specs_schema, so nothing is known of"),
        ({**OTHER, "specs_schema": None}, "ab", "'b' has no specs_schema, so"),
        ({**OTHER, "specs_schema": True}, "ab", "'b' has an unusable specs_schema, so"),
        ({**OTHER, "specs_schema": {"x": {1}}}, "ab", "'b' has an unusable specs_sch"),
        ({**OTHER, "specs_schema": DEEP}, "ab", "'b' has an unusable specs_schema, so"),
        ({**OTHER, "x": float("nan")}, "ab", "'b' has other keys that are not JSON"),
    ],
)
def test_damaged_entry_spoils_no_other(entry, kinds, problem):
    """It is used as far as possible, and named."""
    found = LiveCatalogue.of([GOOD, entry])

    assert "".join(found.blocks) == kinds
    assert [one[: len(problem)] for one in found.problems] == [problem]


def test_what_is_kept_is_read_again():
    """In the order of the kinds, with the day, and without what looks like a key."""
    entries = [
        {"block_name": "b", "specs_schema": {"type": "object"}, "pricing": 3},
        {"block_name": "a", "specs_schema": {"description": SECRET}},
    ]
    found = LiveCatalogue.of({"blocks": entries}, date="2026-11-28")

    data = found.as_data()
    again = LiveCatalogue.of(json.loads(json.dumps(data)))

    assert (again.date, [*again.blocks], again.as_data()) == (
        "2026-11-28",
        ["a", "b"],
        data,
    )
    assert again.blocks["b"] == found.blocks["b"]
    assert SECRET not in str(data)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            b'[\n{"block_name": }]',
            r"blocks.json:2 \(offset 17\): not valid JSON: Expecting",
        ),
        (b"\xff", r"\(offset 0\): not UTF-8"),
        (b"\xef\xbb\xbf[]", "byte order mark"),
        (b"[" * 100_000, "nests deeper than"),
        (b"[" + b"9" * 5_000 + b"]", "entry 1 is invalid JSON, and not an object"),
        (b" " * (32 * 2**20 + 1), "longer than 32 MiB"),
    ],
    ids=lambda found: str(found)[:20],
)
def test_refuses_a_text_that_is_no_answer(tmp_path, text, problem):
    """It names the file, and the place in it."""
    file = tmp_path / "blocks.json"
    file.write_bytes(text)

    with pytest.raises(ReadError, match=problem) as caught:
        LiveCatalogue.read(file)

    assert caught.value.source == str(file)


def test_check_takes_a_catalogue_only():
    workflow = Workflow("L", Webhook(LEAD), key="l")

    with pytest.raises(ArgumentError, match=r"LiveCatalogue\.of\(answer\)"):
        workflow.check(blocks=[GOOD])


# -- Kinds ----------------------------------------------------------------------------


def test_a_kind_that_is_not_listed():
    """One finding a kind, with the listed kind that is near, or the current name."""
    unlisted = "the live catalogue does not list"
    flow = (
        Webhook(LEAD)
        >> RawBlock("find_emails", key="a")
        >> RawBlock("find_emails", key="b")
        >> RawBlock("enrich_lead")
    )
    found = Workflow("L", flow, key="l").check(
        blocks=live(find_email={}, lead_enrichment={})
    )

    assert [
        (f.severity, f.where, f.message) for f in found if f.code in LIVE_CODES
    ] == [
        (
            "warning",
            "a",
            f"{unlisted} 'find_emails' (did you mean 'find_email'?) (2 blocks)",
        ),
        (
            "warning",
            "enrich_lead",
            f"{unlisted} 'enrich_lead' (did you mean 'lead_enrichment'?)",
        ),
    ]
    assert "unknown-kind" not in {f.code for f in found}


def test_known_kind_that_is_not_listed():
    """A kind is no suggestion for itself."""
    flow = Webhook(LEAD) >> Deduplicate()

    found = Workflow("L", flow, key="l").check(blocks=live(find_email={}))

    (message,) = [f.message for f in found if f.code == "unlisted-kind"]
    assert message == "the live catalogue does not list 'deduplicate'"


def test_a_kind_that_only_the_service_knows():
    """It is listed, so nothing is said of it."""
    flow = Webhook(LEAD) >> RawBlock("new")

    assert codes(flow)["unknown-kind"] == 1
    assert codes(flow, live(new={})).keys() & {"unknown-kind", *LIVE_CODES} == set()


def test_is_silenced_like_any_other():
    """On a block, and in a project."""
    step = RawBlock("new", allow=["unlisted-kind"])
    calm = Project("p", namespace="acme.example", allow=["schema-mismatch"])
    wrong = Webhook(LEAD) >> RawBlock("new", specs={"a": 1})
    schema = of_fields(a={"type": "string"})

    assert codes(Webhook(LEAD) >> step, live())["unlisted-kind"] == 0
    assert codes(Webhook(LEAD) >> step, live())["unknown-allow"] == 0
    found = Workflow("L", wrong, key="l", project=calm).check(blocks=live(new=schema))
    assert "schema-mismatch" not in {f.code for f in found}


# -- Specs ----------------------------------------------------------------------------

RECORD = {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}


@pytest.mark.parametrize(
    ("specs", "schema", "message"),
    [
        ({"a": 1}, {"a": {"type": "string"}}, "a is a whole number, {wants} text"),
        (
            {"a": True},
            {"a": {"type": "integer"}},
            "a is true or false, {wants} a whole number",
        ),
        (
            {"a": None},
            {"a": {"type": ["array", "number"]}},
            "a is null, {wants} a list or a number",
        ),
        ({"a": []}, {"a": {"type": "object"}}, "a is a list, {wants} an object"),
        ({"a": {}}, {"a": {"type": "null"}}, "a is an object, {wants} null"),
        (
            {"a": 1.5},
            {"a": {"type": "boolean"}},
            "a is a number, {wants} true or false",
        ),
        (
            {"a": "x"},
            {"a": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
            "a is text, {wants} a whole number or null",
        ),
        (
            {"a": [{"b": "x"}, {"b": 1}]},
            {"a": {"items": RECORD}},
            "a[1].b is a whole number, {wants} text",
        ),
        (
            {"a": {"b c": 1}},
            {"a": {"additionalProperties": {"type": "string"}}},
            "a['b c'] is a whole number, {wants} text",
        ),
        (
            {"a": [{}]},
            {"a": {"anyOf": [{"type": "array", "items": RECORD}, {"type": "null"}]}},
            "a[0] lacks 'b', which the live schema requires",
        ),
        (
            {"a": [{"b": 1}]},
            {"a": {"anyOf": [{"type": "array", "items": RECORD}, {"type": "null"}]}},
            "a[0].b is a whole number, {wants} text",
        ),
        (
            {"a": "lov"},
            {"a": {"enum": ["low", "high", 3]}},
            "a is not one of 'low', 'high' and 3, which the live schema takes {near}",
        ),
        (
            {"a": 9},
            {"a": {"enum": [*range(9)]}},
            "a is not one of {many}, which the live schema takes",
        ),
        (
            {"a": "x"},
            {"a": {"const": "y"}},
            "a does not fit const 'y' of the live schema",
        ),
        (
            {"a": "abc"},
            {"a": {"pattern": "^x+$"}},
            "a does not fit pattern '^x+$' of the live schema",
        ),
        (
            {"a": 1},
            {"a": False},
            "new holds something that the live schema does not take",
        ),
        (
            {"a": {"x": 1}},
            {"a": {"anyOf": [{"maxProperties": 0}, {"minProperties": 2}]}},
            "a fits none of the forms that the live schema takes, or several",
        ),
        (
            {"a": 1},
            {"a": {"oneOf": [{"type": "integer"}, {"minimum": 0}]}},
            "a fits none of the forms that the live schema takes, or several",
        ),
        (
            {"a": {"moode": 1}},
            {"a": {"properties": {"mode": {}}, "additionalProperties": False}},
            "a has 'moode', which the live schema does not know (did you mean 'mode'?)",
        ),
        (
            {"a": {"x": 1, "y": 2}},
            {"a": {"unevaluatedProperties": False}},
            "a has 'x' and 'y', which the live schema does not know",
        ),
        (
            {"a": [1]},
            {"a": {"prefixItems": [True], "unevaluatedItems": False, "minItems": 2}},
            "a does not fit minItems 2 of the live schema",
        ),
        (
            {"a": [1, 1]},
            {"a": {"uniqueItems": True}},
            "a does not fit uniqueItems True of the live schema",
        ),
        (
            {"a": ["x", "x"]},
            {"a": {"uniqueItems": True}},
            "a does not fit uniqueItems True of the live schema",
        ),
        (
            {"a": {"xy": 1}},
            {"a": {"patternProperties": {"^x": {"type": "string"}}}},
            "a.xy is a whole number, {wants} text",
        ),
    ],
)
def test_specs_that_do_not_fit(specs, schema, message):
    """Each is one warning, with the path in the specs and without the value."""
    words = {
        "wants": "where the live schema wants",
        "near": "(did you mean 'low'?)",
        "many": "0, 1, 2, 3, 4, 5, 6, 7 and 1 more",
    }

    assert told(specs, of_fields(**schema)) == [message.format(**words)]


@pytest.mark.parametrize(
    ("specs", "schema"),
    [
        ({"a": "x"}, of_fields(a={"type": "string", "pattern": "x"})),
        ({"a": 1.0}, of_fields(a={"type": "integer"})),
        ({"b": 1}, of_fields(a={"type": "string"})),
        ({"a": ["x", "y"]}, of_fields(a={"uniqueItems": True, "format": "no-such"})),
        ({"a": {"x": 1}}, of_fields(a={"patternProperties": {"^x": {}}})),
        ({"a": 1}, {"$ref": "#/$defs/x", "$defs": {"x": of_fields(a=True)}}),
        ({"a": 1}, {"$schema": DRAFT_7, **of_fields(a={"type": "integer"})}),
        ({"a": 1}, {"if": of_fields(a={"const": 2}), "then": False, "else": True}),
    ],
)
def test_specs_that_fit(specs, schema):
    assert told(specs, schema) == []


def test_what_is_required_is_told_of_the_block():
    assert told({}, {"required": ["a", "b"]}) == [
        "new lacks 'a' and 'b', which the live schema requires"
    ]


def test_draft_3_is_a_dialect_too():
    """There `required` stands beside what it requires."""
    schema = {
        "$schema": "http://json-schema.org/draft-03/schema#",
        "properties": {"a": {"type": "string", "required": True}},
    }

    assert told({}, schema) == ["a does not fit required True of the live schema"]


def test_the_findings_of_a_block_come_in_the_order_of_its_specs():
    """And the first twenty of them, whatever the hash seed."""
    names = [f"column_{n}" for n in range(30)]
    specs = {"a": dict.fromkeys(names, 1)}
    schema = of_fields(a={"additionalProperties": {"type": "string"}})

    found = told(specs, schema)

    assert [text.split()[0] for text in found] == [
        *(f"a.{name}" for name in names[:20]),
        "new",
    ]
    assert found[-1] == "new has more that does not fit"
    assert told({"a": dict.fromkeys(names[:20], 1)}, schema) == found[:20]


def test_severity_is_warning_and_nothing_stops_a_compile():
    """What the service may still run is never refused."""
    workflow = Workflow("L", Webhook(LEAD) >> FindEmail(verify_emails=1), key="l")
    schema = {"properties": {"verify_emails": False}}

    (found,) = [
        f
        for f in workflow.check(blocks=live(find_email=schema))
        if f.code == "schema-mismatch"
    ]

    assert (found.severity, found.family, found.where) == (
        "warning",
        "specs",
        "find_email",
    )
    workflow.compile()


# -- Values and secrets ---------------------------------------------------------------


def test_a_value_is_judged_once_it_is_filled_in():
    specs, schema = {"a": value("a")}, of_fields(a={"type": "integer"})

    assert told(specs, schema) == []
    assert told(specs, schema, a=5) == []
    assert told(specs, schema, a="x") == [
        "a is text, where the live schema wants a whole number"
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"not": of_fields(a={"type": "integer"})},
        {"oneOf": [of_fields(a={"type": "integer"}), of_fields(a={"type": "string"})]},
        {"if": of_fields(a={"const": 1}), "then": False},
        {"enum": [{"a": 1}]},
        {"const": {"a": 1}},
    ],
)
@pytest.mark.parametrize("held", [value("v"), {"b": [1, {"c": value("v")}]}])
def test_what_stands_around_an_unbound_value_is_not_judged_too_soon(schema, held):
    """What depends on its content is left until it is filled in."""
    assert told({"x": {"a": held}, "y": 1}, of_fields(x=schema)) == []


def test_what_does_not_depend_on_it_is_judged():
    specs = {"a": [value("v"), 5], "b": 1}
    schema = of_fields(a={"items": {"type": "string"}}, b={"not": {}})

    assert told(specs, schema) == [
        "a[1] is a whole number, where the live schema wants text",
        "b does not fit not {} of the live schema",
    ]


def test_no_secret_is_shown():
    """Neither one that was filled in, nor a literal one, nor one in a name."""
    schema = of_fields(
        a={"type": "integer"},
        b={"enum": ["x"]},
        c={"const": 1, "pattern": "^x$", "maxLength": 1},
        d={"additionalProperties": {"type": "string"}},
        e={"additionalProperties": False},
    )
    specs = {
        "a": value("token", secret=True),
        "b": SECRET,
        "c": SECRET,
        "d": {SECRET: 1},
        "e": {SECRET: 1},
    }

    found = told(specs, schema, token=SECRET)

    assert len(found) == 6
    assert "0123456789" not in "\n".join(found)
    assert "d.*** is a whole number, where the live schema wants text" in found


# -- What it outranks -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "block", "schema"),
    [
        (
            "unknown-field",
            RawBlock("find_email", specs={"moode": 1}),
            of_fields(moode={}),
        ),
        ("unchecked-field", FindEmail(extra={"region": "eu"}), of_fields(region={})),
        (
            "wrong-field-type",
            OutgoingWebhook(url="https://a.example", timeout_seconds="10"),
            of_fields(timeout_seconds={"type": "string"}),
        ),
        (
            "unconfirmed-facts",
            FindEmail(verify_emails=True),
            of_fields(verify_emails={}),
        ),
        (
            "unknown-type-word",
            LeadEnrichment(return_fields={"a": {"description": "x", "type": "money"}}),
            of_fields(
                return_fields={
                    "additionalProperties": of_fields(type={"enum": ["money"]})
                }
            ),
        ),
        (
            "unknown-word",
            Filter(filters=[{"column": "a", "operator": "equals", "logic": "xor"}]),
            of_fields(filters={"items": of_fields(logic={"enum": ["and", "xor"]})}),
        ),
    ],
)
def test_outranks_the_fields_that_are_built_in(code, block, schema):
    """Where the live schema speaks of the field, and there alone."""
    flow = Webhook(LEAD) >> block
    (kind,) = (b.kind for b in Workflow("L", flow, key="l").compile().blocks[1:])

    assert codes(flow)[code] == 1
    assert codes(flow, live(**{kind: schema}))[code] == 0
    assert codes(flow, live(**{kind: of_fields(other={"type": "string"})}))[code] == 1
    assert codes(flow, live(**{kind: {"type": "nonsense"}}))[code] == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/here", "$defs": {"here": of_fields(moode={})}},
        {"allOf": [of_fields(moode={})]},
        {"anyOf": [True, {"oneOf": [of_fields(moode={})]}]},
        {"if": of_fields(mode={}), "then": of_fields(moode={})},
        {"additionalProperties": False},
        {"unevaluatedProperties": False},
    ],
)
def test_speaks_of_a_field_in_many_ways(schema):
    """By reference, by parts, or by letting nothing else in."""
    flow = Webhook(LEAD) >> RawBlock("find_email", specs={"moode": 1})

    assert codes(flow, live(find_email=schema))["unknown-field"] == 0


def test_a_coarse_schema_does_not_hide_what_stands_inside():
    """One that says `object` alone has no say in the words inside."""
    fields = {"a": {"description": "x", "type": "money"}}
    flow = Webhook(LEAD) >> LeadEnrichment(return_fields=fields)
    coarse = live(lead_enrichment=of_fields(return_fields={"type": "object"}))

    assert codes(flow, coarse)["unknown-type-word"] == 1


def errors_of(specs, kind, blocks):
    """The errors of a block, by a check and by a compile of its project."""
    flow = Webhook(LEAD) >> RawBlock(kind, specs=specs)
    project = Project("growth", namespace="acme.example", blocks=blocks)
    workflow = Workflow("L", flow, key="l", project=project)
    found = [f for f in workflow.check() if f.severity == "error"]
    if found:
        with pytest.raises(CompileError) as caught:
            workflow.compile()
        assert [*caught.value.findings] == found
    else:
        workflow.compile()
    return [f"{one.code}: {one.message}" for one in found]


BOTH = ["PROFESSIONAL", "PERSONAL", "BOTH"]


@pytest.mark.parametrize(
    ("kind", "specs", "schema", "codes"),
    [
        ("find_email", {"mode": "BOTH"}, None, ["unknown-word"]),
        ("find_email", {"mode": "BOTH"}, {}, ["unknown-word"]),
        ("find_email", {"mode": "BOTH"}, of_fields(mode={"enum": BOTH}), []),
        ("find_email", {"mode": "NONE"}, of_fields(mode={"enum": BOTH}), []),
        ("outgoing_webhook", {}, None, ["missing-field"]),
        ("outgoing_webhook", {}, of_fields(url={"type": "string"}), []),
        (
            "outgoing_webhook",
            {},
            {**of_fields(url={"type": "string"}), "required": ["url"]},
            ["missing-field"],
        ),
    ],
)
def test_live_catalogue_outranks_what_refuses(kind, specs, schema, codes):
    """It may allow a word and drop a requirement, in a check and in a compile."""
    blocks = None if schema is None else live(**{kind: schema})

    found = errors_of(specs, kind, blocks)

    assert [one.partition(":")[0] for one in found] == codes


def test_definitions_that_were_made_by_hand_are_judged_too():
    definition = wired(("webhook", {}), ("new", {"a": 1}))

    found = findings(definition, live(new=of_fields(a={"type": "string"})))

    assert [f.block_id for f in found if f.code == "schema-mismatch"] == [
        definition.blocks[1].id
    ]


# -- Schemas of others ----------------------------------------------------------------


def nested(levels):
    made = True
    for _ in range(levels):
        made = {"not": made}
    return made


def laughing(**more):
    """Sixty definitions, each of which asks the next one twice."""
    ends = {f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(60)}
    return {"$defs": ends | {"d60": {}}, "allOf": [{"$ref": "#/$defs/d0"}], **more}


def branching():
    """The same by fields that depend on others, which `unevaluatedProperties` asks."""
    ends = {
        f"d{n}": {
            "dependentSchemas": {name: {"$ref": f"#/$defs/d{n + 1}"} for name in "ab"}
        }
        for n in range(60)
    }
    return {
        "unevaluatedProperties": False,
        "$defs": ends | {"d60": {}},
        "$ref": "#/$defs/d0",
    }


TOO_LONG = "judging by it takes too long"
NOWHERE = "leads nowhere; none is fetched"
CIRCLES = "it leads round in circles, or nests too deep"

HOSTILE = {
    "no type": ({"type": 5}, "it is not a JSON Schema at /type"),
    "no list": ({"required": "a"}, "it is not a JSON Schema at /required"),
    "no keyword": ({"not": 1}, "it is not a JSON Schema at /not"),
    "remote": ({"$ref": "https://a.example/x"}, NOWHERE),
    "remote field": (of_fields(a={"$ref": "http://a.example/x"}), NOWHERE),
    "file": (of_fields(a={"$ref": "file:///etc/passwd"}), NOWHERE),
    "relative": ({"$id": "https://a.example/", **of_fields(a={"$ref": "x"})}, NOWHERE),
    "missing": ({"$ref": "#/$defs/x"}, "its reference '/$defs/x' " + NOWHERE),
    "bad id": (
        {"$id": "http://[", **of_fields(a={"$ref": "x"})},
        "the validator fails",
    ),
    "itself": ({"$ref": "#"}, CIRCLES),
    "each other": (
        {
            "allOf": [{"$ref": "#/$defs/a"}],
            "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
        },
        CIRCLES,
    ),
    "dynamic": (
        {
            "$dynamicRef": "#a",
            "$defs": {"x": {"$dynamicAnchor": "a", "$dynamicRef": "#a"}},
        },
        CIRCLES,
    ),
    "laughs": (laughing(), TOO_LONG),
    "laughs in draft 7": (laughing(**{"$schema": DRAFT_7}), TOO_LONG),
    "laughs in a part of another dialect": (
        of_fields(a=laughing(**{"$schema": DRAFT_7, "$id": "https://a.example/"})),
        TOO_LONG,
    ),
    "branches": (branching(), TOO_LONG),
    "no schema": ({"$ref": "#/title", "title": "a"}, "the validator fails on it"),
    "hidden": ({"$ref": "#/x", "x": {"type": "nope"}}, "the validator fails on it"),
    "slow": (of_fields(a={"pattern": "^(a+)+$"}), "'^(a+)+$' may take for ever"),
    "slow name": ({"patternProperties": {"(a|a)*b": {}}}, "may take for ever"),
    "slow on this": (of_fields(long={"pattern": "a*b*c"}), TOO_LONG),
    "slow on this name": (
        of_fields(names={"patternProperties": {"a*b*c*d": {}}}),
        TOO_LONG,
    ),
    "no pattern": (of_fields(a={"pattern": "("}), "'(' is not one that Python knows"),
    "deep": (nested(100_000), "it nests deeper than 64 levels"),
    "large": ({"enum": [*range(20_000)]}, "it holds more than 20000 values"),
    "equal": (
        {"$schema": DRAFT_4, "enum": [{"a": n} for n in range(9_000)]},
        TOO_LONG,
    ),
    "dialect": (
        {"$schema": "https://a.example/9"},
        "'https://a.example/9' is not known",
    ),
    "no dialect": ({"$schema": 5}, "its dialect 5 is not known"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_schema_that_cannot_be_used_is_one_finding(name):
    """No traceback, no request, and an end within seconds."""
    schema, reason = HOSTILE[name]
    specs = {"a": "a" * 40, "b": 1, "long": "a" * 3_000, "names": {"a" * 200: 1}}
    start = time.monotonic()

    (message,) = told(specs, schema)

    assert message.startswith("the live schema of 'new' cannot be used: ")
    assert reason in message
    assert time.monotonic() - start < 20  # `laughs` would take longer than the sun


def test_one_bad_schema_spoils_no_other():
    flow = Webhook(LEAD) >> RawBlock("bad") >> RawBlock("new", specs={"a": 1})
    blocks = live(bad={"$ref": "#"}, new=of_fields(a={"type": "string"}))

    found = codes(flow, blocks)

    assert (found["unusable-schema"], found["schema-mismatch"]) == (1, 1)


def test_the_steps_of_a_whole_check_are_counted():
    """Many schemas that are slow take no longer than some of them."""
    kinds = [f"slow_{n}" for n in range(100)]
    slow = of_fields(a={"pattern": "a*b*c"})
    definition = wired(*((kind, {"a": "a" * 1_000}) for kind in kinds))

    found = findings(definition, live(**dict.fromkeys(kinds, slow)))

    reasons = [f.message for f in found if f.code == "unusable-schema"]
    assert len(reasons) == 100
    assert all(reason.endswith(TOO_LONG) for reason in reasons)


def test_a_schema_is_looked_at_once():
    """What was found out of it serves the next check."""
    blocks = live(new=of_fields(a={"type": "string"}))
    flow = Webhook(LEAD) >> RawBlock("new", specs={"a": 1})

    first, kept = codes(flow, blocks), dict(blocks.memo)

    assert codes(flow, blocks) == first
    assert blocks.memo == kept
    assert {*kept} == {"webhook", "new"}


@pytest.mark.parametrize(
    ("pattern", "effort"),
    [
        ("", (1, 1)),
        ("^a$", (0, 1)),
        (r"\Aa", (0, 1)),
        ("^a|b", (1, 2)),
        ("a+", (2, 1)),
        ("a+?b", (2, 1)),
        ("[]a-z]*", (2, 1)),
        (r"[^\]]*", (2, 1)),
        ("^https?://", (0, 2)),
        ("^(?:a|b|c)$", (1, 3)),
        ("^(?P<name>a)(?=b)(?!c)(?<=d)(?<!e)", (0, 1)),
        (r"^\d{4}-\d{2}$", (0, 1)),
        (r"^\d{1,3}(\.\d{1,3}){3}$", (0, 243)),
        ("^a{,3}$", (0, 4)),
        ("^a{3,}$", (1, 1)),
        ("^a{0,500}$", (1, 1)),
        ("^{x}$", (0, 1)),
        ("^(ab){20}$", (0, 20)),
        ("^(ab)*$", (1, 1)),
        ("^[a-z]+(-[a-z]+)*$", (2, 1)),
        (r"^([a-z0-9]+\.)+[a-z]{2,}$", (2, 1)),
        ("^(-a+){2,}$", (1, 2)),
        (r"^[^@\s]+@[^@\s]+\.[^@\s]+$", (3, 1)),
        # Refused:
        ("(a+)+", None),
        ("(a|a)*", None),
        ("(a*)*b", None),
        ("((a+)-)*", None),
        ("(-a*a*)*", None),
        ("(.-a+)*", None),
        ("(aa+)*", None),
        ("()*", (2, 1)),
        ("(|a)+", None),
        ("a?" * 30 + "a" * 30, None),
        ("a*a*a*a*", None),
        ("^(a|(b+)+)$", None),
        ("(((a?){8}){8}){8}", None),
        ("(?:(?:(?:){8}){8}){8}", None),
        ("(?:){2000,}", None),
        (r"(a)\1", None),
        ("(?i)a", None),
        ("(?>a)", None),
        ("a" * 1_001, None),
    ],
)
def test_effort_of_a_pattern(pattern, effort):
    """The attempts that a search may take: `ways * n ** degree`, or no such bound."""
    assert effort_of(pattern) == effort


@pytest.mark.parametrize("mark", ["-", ".", "a", "@", "1"])
def test_a_pattern_takes_no_longer_than_was_told(mark):
    """Texts that nearly match are what takes a pattern longest."""
    patterns = ["^[a-z]+(-[a-z]+)*$", r"^([a-z0-9]+\.)+[a-z]{2,}$", "(-a*)*$", "a+b"]
    text = ("aaa" + mark) * 100 + "!"
    for pattern in patterns:
        start = time.perf_counter()
        re.search(pattern, text)

        # A microsecond for each attempt is ten times what it takes, and more.
        assert time.perf_counter() - start < effort_of(pattern).of(text) * 1e-6


# -- What it costs and needs ----------------------------------------------------------


def ran(program):
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return done.stdout


CHECK = (
    "import sys\n"
    "from flow64 import LEAD, Workflow\n"
    "from flow64.blocks import Webhook\n"
    "from flow64.analysis import LiveCatalogue, findings_reference\n"
    "live = LiveCatalogue.of([])\n"
    "workflow = Workflow('L', Webhook(LEAD), key='l')\n"
)


def test_a_check_without_a_catalogue_loads_no_validator():
    """Nor does the page of findings, which lists the rules."""
    program = (
        CHECK + "workflow.check(); findings_reference()\n"
        "print(sorted({'jsonschema', 'referencing'} & {*sys.modules}))\n"
        "workflow.check(blocks=live)\n"
        "print(sorted({'jsonschema', 'referencing'} & {*sys.modules}))\n"
    )

    assert ran(program).splitlines() == ["[]", "['jsonschema', 'referencing']"]


@pytest.mark.parametrize("missing", ["jsonschema", "referencing"])
def test_missing_extra_says_what_to_install(missing):
    program = (
        f"{CHECK}sys.modules[{missing!r}] = None\n"
        "from flow64.errors import MissingExtraError\n"
        "try:\n    workflow.check(blocks=live)\n"
        "except MissingExtraError as error:\n    print(error)\n"
    )

    assert "pip install '.[schemas]'" in ran(program)


def test_another_missing_module_is_no_missing_extra():
    """A broken installation is not taken for an extra that is not there."""
    program = (
        f"{CHECK}sys.modules['jsonschema_specifications'] = None\n"
        "try:\n    workflow.check(blocks=live)\n"
        "except ModuleNotFoundError as error:\n    print(type(error).__name__)\n"
    )

    assert ran(program) == "ModuleNotFoundError\n"


def test_the_answer_of_the_emulator_accepts_what_flow64_shows():
    """What the catalogue says of itself agrees with the specs that its docs show."""
    data = [
        {"block_name": kind, "specs_schema": specs_schema(cls)}
        for kind, cls in CATALOGUE.items()
    ]
    flow = (
        Webhook(LEAD, input_schema={"email": "string"})
        >> LeadEnrichment(return_fields={"title": {"description": "x", "type": "str"}})
        >> FindEmail(mode="PERSONAL")
        >> Filter.where("email").is_not_empty()
        >> OutgoingWebhook(url=value("url"), timeout_seconds=10)
    )
    answer = LiveCatalogue.of(json.loads(json.dumps(data)))

    assert codes(flow, answer).keys() & LIVE_CODES == set()


@pytest.mark.parametrize(
    ("kind", "near"),
    [
        ("find_emial", " (did you mean 'find_email'?)"),
        ("scor_lead", " (did you mean 'score_lead'?)"),
        ("find_phone_number", " (did you mean 'find_phone'?)"),
        ("rate_people", ""),
    ],
)
def test_near_kinds(kind, near):
    """A slip of the pen is near a kind of either catalogue, and no other name is."""
    made = Workflow("W", Webhook(LEAD) >> RawBlock(kind), key="w")

    (found,) = [
        one
        for one in made.check(blocks=live(score_lead={}))
        if one.code == "unlisted-kind"
    ]

    assert found.message == f"the live catalogue does not list {kind!r}{near}"
