"""The service's own list of blocks: how it is read, compared, and how it judges."""

from __future__ import annotations

import os
import time

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow, value, variants
from flow64.analysis.live import (
    LiveCatalogue,
    describe_field,
    read_fields,
    walk_fields,
)
from flow64.blocks import Filter, FindEmail, OutgoingWebhook, QaAgent, Webhook
from flow64.errors import ReadError
from flow64.generation import compare_catalogues
from tests.analysis.live_answer import ANSWER, DAMAGED, LATER, SECRET

LIVE = ("unlisted-kind", "schema-mismatch", "unusable-schema")
PROJECT = Project("p", namespace="a.example")


def listed(kind="score_lead", *required, **properties):
    """A list with one kind, beside the webhook."""
    schema = {"type": "object", "properties": properties, "required": [*required]}
    return live(schema, kind)


def live(schema, kind="score_lead"):
    entries = [{"block_name": kind, "specs_schema": schema}]
    return LiveCatalogue.of([*entries, {"block_name": "webhook", "specs_schema": {}}])


def messages(blocks, specs=None, kind="score_lead", **more):
    """What the live rules find in a block of a kind."""
    flow = Webhook(LEAD) >> RawBlock(kind, specs=specs or {})
    findings = Workflow("Leads", flow).with_blocks(blocks).check(**more)
    return [f.message for f in findings if f.code in LIVE]


# -- Reading ---------------------------------------------------------------------------


def test_damaged_entries_are_left_out():
    """And named; the others are whole, in the order of the answer."""
    catalogue = LiveCatalogue.of([*ANSWER, "text", {"block_name": ""}, ANSWER[0]])

    assert [*catalogue.blocks] == [entry["block_name"] for entry in ANSWER]
    assert len(catalogue.problems) == len(DAMAGED) + 3
    assert all(catalogue.blocks[kind].specs_schema is None for kind in DAMAGED)


@pytest.mark.parametrize("data", [None, {}, "text", ["text"], [{"block_name": ""}]])
def test_what_is_not_a_list_is_refused(data):
    """With one class of errors."""
    with pytest.raises(ReadError):
        LiveCatalogue.of(data)


def test_saved_list_is_the_same_without_keys(tmp_path):
    """It is sorted, so that a pull request shows what has changed."""
    file = tmp_path / "blocks.json"
    file.write_text(LiveCatalogue.of(ANSWER, date="2026-11-28").as_text(), "utf-8")

    saved = LiveCatalogue.read(file)

    assert SECRET not in file.read_text("utf-8")
    assert (saved.date, [*saved.blocks]) == ("2026-11-28", sorted(saved.blocks))
    assert saved.as_text() == file.read_text("utf-8")


def test_a_pipe_is_not_waited_for(tmp_path):
    """A link is followed, since its owner names the file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")

    for name in ("pipe", "link"):
        with pytest.raises(ReadError, match="it is not a file"):
            LiveCatalogue.read(tmp_path / name)


# -- Fields ----------------------------------------------------------------------------

DEFS = {"$defs": {"Mode": {"enum": ["a", "b"]}, "Node": {"type": "object"}}}

FIELDS = {
    "str · required": {"type": "string"},
    "int or null · required": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    "a or b · required": {"$ref": "#/$defs/Mode", "description": "Which."},
    "Sequence[a or b] · required": {"type": "array", "items": {"$ref": "#/$defs/Mode"}},
    "Mapping[str, Any] · required": {
        "type": "object",
        "additionalProperties": {"type": "number"},
    },
    "bool · required · default false": {
        "allOf": [{"type": "boolean"}],
        "default": False,
    },
    "str or null · required": {"type": ["string", "null"]},
    "Any · required": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    "Any · required · minimum 1": {"$ref": "https://a.example/x", "minimum": 1},
}


@pytest.mark.parametrize("words", FIELDS)
def test_field_in_words(words):
    """References, null and `allOf` are understood."""
    schema = {"properties": {"a": FIELDS[words]}, "required": ["a"], **DEFS}

    assert describe_field(read_fields(schema)["a"]) == words


def test_fields_inside_others_have_paths():
    """Through lists and mappings, and not for ever through themselves."""
    node = {"properties": {"next": {"$ref": "#/$defs/Node"}, "x": {"type": "integer"}}}
    schema = {
        "properties": {"nodes": {"type": "array", "items": {"$ref": "#/$defs/Node"}}},
        "$defs": {"Node": node},
    }

    paths = [path for path, _ in walk_fields(read_fields(schema))]

    assert paths[:3] == ["nodes", "nodes[*].next", "nodes[*].next.next"]
    assert len(paths) < 20


def test_wide_schema_that_holds_itself_ends():
    """A file of a pull request may hold one."""
    names = {f"f{number}": {"$ref": "#"} for number in range(50)}
    began = time.monotonic()

    assert len([*walk_fields(read_fields({"properties": names}))]) == 500
    assert time.monotonic() - began < 5


def test_list_that_holds_itself_ends():
    """Its items are of any type."""
    nested = {"type": "array", "items": {"$ref": "#/$defs/List"}}
    nested["additionalProperties"] = nested["items"]
    schema = {
        "properties": {"rows": {"$ref": "#/$defs/List"}},
        "$defs": {"List": nested},
    }

    fields = [*walk_fields(read_fields(schema))]

    assert [path for path, _ in fields] == ["rows"]
    assert describe_field(fields[0][1]) == "Sequence[Any]"


# -- Changes ---------------------------------------------------------------------------


def test_changes_between_two_lists():
    """Kind by kind and field by field; the order of an answer means nothing."""
    changes = compare_catalogues(LiveCatalogue.of(ANSWER), LiveCatalogue.of(LATER))
    lines = [str(change) for change in changes]

    assert [line for line in lines if line[0] == "-"] == [
        "- score_lead.scale",
        "- yc_batches",
    ]
    assert "+ post_to_x.message: str · required · maxLength 280" in lines
    assert "+ send_slack_message.thread: str or null · default null" in lines
    assert not compare_catalogues(
        LiveCatalogue.of(ANSWER), LiveCatalogue.of(ANSWER[::-1])
    )


# -- Judging ---------------------------------------------------------------------------

MISMATCHES = [
    ({"model": "fit-9"}, "model is none of 'fit-1' and 'fit-2'"),
    ({"limit": "3"}, "limit is text, and the schema wants integer"),
    ({"limit": 0}, "limit does not fit minimum 1"),
    ({"signals": [{"column": "a"}]}, "signals[0] does not fit: 'weight' is a required"),
    ({"models": "fit-1"}, "models is not in the live schema (did you mean 'model'?)"),
]


@pytest.mark.parametrize(("specs", "message"), MISMATCHES)
def test_mismatch(specs, message):
    """It says where a value is."""
    signal = {"type": "object", "required": ["column", "weight"]}
    blocks = listed(
        model={"enum": ["fit-1", "fit-2"]},
        limit={"type": "integer", "minimum": 1},
        signals={"type": "array", "items": signal},
    )

    (text,) = messages(blocks, specs)

    assert text.startswith(message)


def test_message_shows_no_value():
    """It may be secret."""
    blocks = listed(a={"type": "integer"}, b={"maxLength": 1}, c={"const": 1})
    specs = dict.fromkeys("abc", "hidden-text")

    texts = messages(blocks, specs)

    assert len(texts) == 3
    assert "hidden-text" not in "".join(texts)


def test_live_schema_outranks_the_catalogue():
    """A word that only the list has compiles; one that it lacks is a warning."""
    blocks = listed("find_email", mode={"enum": ["BOTH", "PERSONAL"]})
    project = Project("p", namespace="a.example", blocks=blocks)

    def check(mode):
        flow = Webhook(LEAD) >> FindEmail(mode=mode)
        workflow = Workflow("Leads", flow, key="leads", project=project)
        return [f.code for f in workflow.check() if f.severity != "note"]

    assert check("BOTH") == []
    assert check("PROFESSIONAL") == ["schema-mismatch"]
    Workflow(
        "Leads", Webhook(LEAD) >> FindEmail(mode="BOTH"), project=project
    ).compile()


def test_live_schema_outranks_the_words_of_conditions():
    """And what the endpoint of a kind takes: one judge finds a fault once."""
    condition = {"properties": {"operator": {"enum": ["above"]}}}
    filters = listed("filter", filters={"type": "array", "items": condition})
    struct = listed("qa_agent", struct={"type": "object"})
    objects = QaAgent(struct={"size": {"description": "Employees", "type": "int"}})

    def check(block, blocks):
        workflow = Workflow("Leads", Webhook(LEAD) >> block, project=PROJECT)
        findings = workflow.with_blocks(blocks).check()
        return [f.code for f in findings if f.severity != "note"]

    assert check(Filter([{"operator": "above", "value": 1}]), filters) == []
    assert check(Filter.where("a").less(1), filters) == ["schema-mismatch"]
    assert check(objects, struct) == []


def test_schema_of_many_variants_is_judged_once():
    """Each of them took ten times as long with a list as without."""
    blocks = LiveCatalogue.of(ANSWER)

    def build(number):
        flow = Webhook(LEAD) >> FindEmail() >> Filter.where("a").equals(number)
        return Workflow("Leads", flow, key="leads", project=PROJECT)

    table = {str(number): {"number": number} for number in range(200)}
    workflows = [w.with_blocks(blocks) for w in variants(build, table).values()]
    start = time.process_time()

    for workflow in workflows:
        workflow.check()

    assert time.process_time() - start < 1


def test_requirement_that_the_list_dropped():
    """No error either."""
    blocks = listed("outgoing_webhook", url={"type": "string"})
    flow = Webhook(LEAD) >> OutgoingWebhook(url="")
    project = Project("p", namespace="a.example", blocks=blocks)

    assert Workflow("Leads", flow, project=project).compile()


def test_unlisted_kind():
    """With the nearest name, once for all blocks of the kind."""
    flow = Webhook(LEAD) >> RawBlock("find_phones", key="a") >> RawBlock("find_phones")

    findings = Workflow("Leads", flow).with_blocks(listed("find_phone")).check()

    (message,) = (f.message for f in findings if f.code == "unlisted-kind")
    assert message.endswith("(did you mean 'find_phone'?) (2 blocks)")
    assert "unknown-kind" not in {f.code for f in findings}


def test_values_are_judged_when_they_are_filled_in():
    """A secret one never is."""
    blocks = listed(
        "score_lead", "limit", limit={"type": "integer"}, hook={"type": "integer"}
    )
    specs = {"limit": value("limit"), "hook": value("hook", secret=True)}

    assert messages(blocks, specs) == []
    assert messages(blocks, specs, values={"limit": 3, "hook": "s3cret"}) == []
    (text,) = messages(blocks, specs, values={"limit": "x", "hook": "s3cret"})
    assert text.startswith("limit is")


def test_open_value_decides_nothing_around_it():
    """What it becomes may put a mismatch of its parent right."""
    blocks = listed(a={"enum": [{"b": 1}]}, c={"anyOf": [{"minProperties": 9}]})

    assert messages(blocks, {"a": {"b": value("b")}, "c": {"d": value("d")}}) == []


# -- Hostile schemas -------------------------------------------------------------------


def endless(levels):
    """A schema of a few lines that leads to its end along 2 ** levels ways."""
    ways = [{"$ref": f"#/$defs/a{level + 1}"} for level in range(levels)]
    defs = {f"a{level}": {"allOf": [way, way]} for level, way in enumerate(ways)}
    return {
        "properties": {"x": {"$ref": "#/$defs/a0"}},
        "$defs": {**defs, f"a{levels}": {}},
    }


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"properties": {"x": {"type": "text"}}}, "it is broken"),
        ({"properties": {"x": {"$ref": "https://a.example/x"}}}, "does not hold"),
        ({"properties": {"x": {"$ref": "#/$defs/gone"}}}, "does not hold"),
        ({"properties": {"x": {}}, "$ref": "#"}, "without end"),
        (endless(60), "without end"),
    ],
)
def test_unusable_schema(schema, reason):
    """One finding, nothing is fetched, and our class judges in its place."""
    began = time.monotonic()

    (text,) = messages(live(schema), {"x": 1})

    assert "cannot be used" in text
    assert reason in text
    assert time.monotonic() - began < 5


def test_kind_of_unusable_schema_is_judged_by_its_class():
    """As if there were no list."""
    blocks = live({"properties": {"mode": {"$ref": "x"}}}, "find_email")

    findings = (
        Workflow("Leads", Webhook(LEAD) >> FindEmail(mode="X"))
        .with_blocks(blocks)
        .check()
    )

    assert "unknown-word" in {f.code for f in findings}


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"pattern": "(a+)+$"}}},
        {"properties": {"y": {}}, "patternProperties": {"(a+)+$": {}}},
        {
            "properties": {"y": {}},
            "patternProperties": {"(a+)+$": {}},
            "additionalProperties": False,
        },
        {
            "properties": {"y": {}},
            "patternProperties": {"(a+)+$": {}},
            "unevaluatedProperties": False,
        },
        {"properties": {"y": {}}, "propertyNames": {"pattern": "(a+)+$"}},
        {"properties": {"y": {"pattern": "("}}},
    ],
)
def test_patterns_are_not_judged(schema):
    """One that takes for ever costs nothing, and a broken one breaks nothing."""
    long = "a" * 50 + "!"

    assert messages(live(schema), {"x": long, long: 1}) == []


def test_without_jsonschema_the_class_judges(monkeypatch):
    """And a note says so."""
    monkeypatch.setattr("flow64.analysis.live_rules.find_spec", lambda name: None)
    blocks = listed("find_email", mode={"enum": ["BOTH"]})

    findings = (
        Workflow("Leads", Webhook(LEAD) >> FindEmail(mode="BOTH"))
        .with_blocks(blocks)
        .check()
    )

    severities = {f.code: f.severity for f in findings}
    assert severities["unknown-word"] == "error"
    assert severities["unusable-schema"] == "note"
