"""Workflow: what a user holds, whether it was written or read."""

from __future__ import annotations

import json

import pytest

from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, compare, errors
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.definition import Definition
from flow64.environments import open_client

ID = "11111111-2222-4333-8444-555555555555"
growth = Project("growth", namespace="acme.example")
flow = Webhook(LEAD, input_schema={"email": "string"}) >> FindEmail()
inbound = Workflow("Inbound leads", flow, description="Find\nthem", project=growth)


def test_what_it_is_called():
    """Name and key are at hand; the key is a slug of the name if none is given."""
    named = Workflow("Inbound leads", flow, key="k")

    assert (inbound.name, inbound.key, inbound.project) == (
        "Inbound leads",
        "inbound-leads",
        growth,
    )
    assert (named.key, named.project) == ("k", None)
    assert repr(named) == "Workflow('Inbound leads', key='k')"
    assert repr(inbound) == (
        "Workflow('Inbound leads', key='inbound-leads', project='growth')"
    )


def test_create_body():
    """The JSON is the create body with its id, keys in the documented order."""
    body = json.loads(inbound.to_json())

    assert list(body) == [
        "workflow_name",
        "workflow_description",
        "workflow_definition",
        "id",
    ]
    graph = body["workflow_definition"]
    assert list(graph) == ["blocks", "edges"]
    assert [list(block) for block in graph["blocks"]] == 2 * [
        ["block_id", "sequence_number", "block_type", "block_name", "specs"]
    ]
    assert [list(edge) for edge in graph["edges"]] == [["from_block_id", "to_block_id"]]
    assert body["id"] == inbound.id()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"key": "a" * 513}, "invalid-key"),
        ({"key": ""}, "invalid-key"),
        ({"key": "a", "was": ""}, "invalid-key"),
        ({"key": "a", "id": "b"}, "invalid-id"),
        ({}, "key-needed"),
    ],
)
def test_id_of_faulty_keys(arguments, code):
    """It has no id, since others with such a fault would have the same."""
    faulty = Workflow("?", Webhook(LEAD), project=inbound.project, **arguments)

    with pytest.raises(errors.CompileError) as caught:
        faulty.id()
    assert [one.code for one in caught.value.findings] == [code]


def test_id_of_faulty_texts():
    """A text that is not Unicode is only an error of a check."""
    faulty = Workflow("Leads", flow, key="inbound-leads", project=growth)
    odd = Workflow("Leads\ud800", flow, key="inbound-leads", project=growth)

    assert odd.id() == faulty.id() == inbound.id()


def test_one_newline_at_the_end():
    """Canonical text ends in one newline, compact or not."""
    texts = [inbound.to_json(), inbound.to_json(indent=None), inbound.to_json(indent=4)]

    assert [text.endswith("}\n") for text in texts] == [True, True, True]
    assert [text.count("\n") for text in texts[1:2]] == [1]
    assert len({json.dumps(json.loads(text)) for text in texts}) == 1


def test_compile_stops_at_errors():
    """`compile` and `to_json` raise one error; `check` says the same and goes on."""
    wrong = Workflow("w", Webhook(COMPANY) >> FindEmail())

    with pytest.raises(errors.CompileError) as compiled:
        wrong.compile()
    with pytest.raises(errors.CompileError) as written:
        wrong.to_json()

    checked = wrong.check()
    stopping = [finding for finding in checked if finding.severity == "error"]
    assert list(compiled.value.findings) == list(written.value.findings) == stopping
    assert checked[: len(stopping)] == stopping


def test_check_of_what_is_right():
    """A workflow without a mistake has no finding of severity error."""
    assert [f for f in inbound.check("prod", {"n": 1}) if f.severity == "error"] == []


def test_allow():
    """A code may be silenced at a block or in a project; no graph error can be."""
    url = OutgoingWebhook(url="/hook", allow=("insecure-url",))
    loud = OutgoingWebhook(url="/hook")
    quiet = Project("p", namespace="a.example", allow=["insecure-url", "cycle"])
    a, b = RawBlock("a"), RawBlock("b")

    def codes(flow, project=None):
        found = Workflow("w", flow, project=project).check()
        return [f.code for f in found if f.severity == "error"]

    assert codes(Webhook(LEAD) >> loud) == ["insecure-url"]
    assert codes(Webhook(LEAD) >> url) == []
    assert codes(Webhook(LEAD) >> loud, quiet) == []
    assert codes(Webhook(LEAD) >> a >> b >> a, quiet) == ["cycle"]


WRONG_CALLS = {
    "a project": lambda: Workflow("w", flow, project="growth"),
    "a schedule": lambda: Workflow("w", flow, schedules=["0 9 * * 1-5"]),
    "pins": lambda: Workflow("w", flow, pins=ID),
    "pins of an environment": lambda: Workflow("w", flow, pins={"workflow": ID}),
    "JSON": lambda: Workflow.from_json(5),
    "a side": lambda: compare(inbound, "inbound"),
    "the codes of a project": lambda: Project("p", "a.example", allow=5),
    "a client": lambda: inbound.plan("prod"),
    "an environment": lambda: open_client("prod").__enter__(),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_argument_of_another_type(name):
    """The error says what to write instead."""
    with pytest.raises(errors.BuildError) as refused:
        WRONG_CALLS[name]()

    assert refused.value.hint.startswith("write ")


def test_empty_workflow():
    """Nothing but steps that were left out is a workflow without blocks."""
    from flow64 import include_if

    empty = Workflow("w", include_if(False, FindEmail()))

    assert [f.code for f in empty.check() if f.severity == "error"] == ["no-blocks"]


def test_frozen():
    """A workflow does not change."""
    with pytest.raises(AttributeError):
        inbound.flows = ()


# -- Read -----------------------------------------------------------------------------

GRAPH = json.loads(inbound.to_json())["workflow_definition"]
BODIES = {
    "create": {
        "workflow_name": "n",
        "workflow_description": "d",
        "workflow_definition": GRAPH,
        "id": ID,
    },
    "create without an id": {
        "workflow_name": "n",
        "workflow_description": "d",
        "workflow_definition": GRAPH,
    },
    "update": {"workflow_definition": GRAPH},
    "answer": {
        "id": ID,
        "name": "n",
        "description": None,
        "workflow_definition": GRAPH,
        "status": "draft",
        "created_at": "2026-05-01",
    },
}


@pytest.mark.parametrize("name", BODIES)
def test_from_json(name):
    """Create and update bodies and answers are read, and written as create bodies."""
    body = BODIES[name]

    read = Workflow.from_json(json.dumps(body).encode(), source="a.json")

    written = json.loads(read.to_json())
    assert written["workflow_definition"] == GRAPH
    assert (
        written["workflow_name"]
        == read.name
        == body.get("workflow_name", body.get("name", ""))
    )
    assert written["workflow_description"] == (body.get("workflow_description") or "")
    assert set(written) == {
        "workflow_name",
        "workflow_description",
        "workflow_definition",
        "id",
    }
    assert read.id() == read.id("prod") == written["id"]
    assert written["id"] == body.get("id", written["id"])
    assert [f for f in read.check() if f.severity == "error"] == []
    assert Workflow.from_json(read.to_json()).to_json() == read.to_json()


def test_from_json_says_where():
    """What is no workflow is one error with the name of the text."""
    with pytest.raises(errors.ReadError, match=r"^a\.json"):
        Workflow.from_json('{"workflow_name": "n"}', source="a.json")


def test_values_of_what_was_read():
    """Unbound values of a file are filled in like those of code."""
    text = Workflow("w", RawBlock("x", specs={"a": {"b": 1}})).to_json()
    text = text.replace('"b": 1', '"flow64:value": "n"')

    read = Workflow.from_json(text)

    assert read.compile(values={"n": 5}).blocks[0].specs == {"a": 5}
    assert '"flow64:value": "n"' in read.to_json()


def test_from_definition():
    """A definition is held as it is."""
    definition = inbound.compile("prod")

    held = Workflow.from_definition(definition)

    assert isinstance(held.compile(), Definition)
    assert held.compile() == definition
    assert held.fingerprint() == inbound.fingerprint()


# -- Shown ----------------------------------------------------------------------------


def test_pictures():
    """A notebook gets SVG, Mermaid and text, and no address of any service."""
    bundle = inbound._repr_mimebundle_(include=None, exclude=None)

    assert set(bundle) == {"image/svg+xml", "text/vnd.mermaid", "text/plain"}
    assert bundle["image/svg+xml"] == inbound.to_svg()
    assert bundle["text/vnd.mermaid"] == inbound.to_mermaid()
    assert bundle["text/plain"] == inbound.to_text()
    assert "find_email" in inbound.to_mermaid()
    assert "find_email" in inbound.to_text()
    assert "http" not in inbound.to_mermaid() + inbound.to_text()
