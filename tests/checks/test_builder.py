"""B and D checks that no room holds alone: hostile and huge input to the builder."""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from types import MappingProxyType

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow, fan, tap, value, variants
from flow64.blocks import Filter, FindEmail, LeadEnrichment, OutgoingWebhook, Webhook
from flow64.definition import dumps, fingerprint, loads
from flow64.diagnostics import as_text
from flow64.errors import BuildError, CompileError

HUGE = "x" * 10_000_000


class Loud:
    """Raises whatever it is asked."""

    def __repr__(self):
        raise RuntimeError("asked for its repr")

    def __getattr__(self, name):
        raise RuntimeError(f"asked for {name}")


def after_source(*blocks):
    flow = Webhook(LEAD)
    for block in blocks:
        flow = flow >> block
    return Workflow("Leads", flow, key="leads")


def nested(levels, inside=None):
    made = [] if inside is None else inside
    for _ in range(levels):
        made = [made]
    return made


def errors_of(workflow, **options):
    found = workflow.check(**options)
    return [(f.code, f.message) for f in found if f.severity == "error"]


def test_b1_every_mistake_at_once_with_its_line():
    """Cycle, self-edge, equal keys and wrong words: one error, each with its line.

    A block that nothing joins is a warning, since the service may well run the rest.
    """
    again, itself = FindEmail(key="again"), RawBlock("k", key="itself")
    first = sys._getframe().f_lineno
    wrong = [
        FindEmail(mode="business"),
        OutgoingWebhook(url="ftp://example.com"),
        Filter(filters=[{"column": "a", "operator": "eq", "value": 1}]),
    ]
    twins = RawBlock("k", key="twin"), RawBlock("k", key="twin")
    flow = Webhook(LEAD) >> again >> itself >> itself >> again
    workflow = Workflow(
        "Leads", flow >> fan(*wrong, *twins), RawBlock("k", key="alone")
    )

    with pytest.raises(CompileError) as caught:
        workflow.compile()

    found = {f.code: f.line for f in caught.value.findings}
    words = sorted(f.line for f in caught.value.findings if f.code == "unknown-word")
    assert {f.file for f in caught.value.findings} == {__file__}
    assert (found.keys(), words) == (
        {"cycle", "duplicate-key", "unknown-word", "insecure-url"},
        [first + 2],
    )
    assert (found["insecure-url"], found["duplicate-key"]) == (first + 3, first + 6)
    alone = [f.severity for f in workflow.check() if f.code == "isolated-block"]
    assert alone == ["warning"]


BUILT = {
    "spec": lambda made: after_source(RawBlock("k", specs={"a": [made]})),
    "specs": lambda made: after_source(RawBlock("k", specs=made)),
    "field": lambda made: after_source(FindEmail(mode=made)),
    "extra": lambda made: after_source(FindEmail(extra=made)),
    "allow": lambda made: after_source(FindEmail(allow=made, key="")),
    "key": lambda made: after_source(FindEmail(key=made)),
    "id": lambda made: after_source(FindEmail(id=made)),
    "title": lambda made: Workflow(made, Webhook(LEAD), key="leads"),
    "key of the workflow": lambda made: Workflow("Leads", Webhook(LEAD), key=made),
    "project": lambda made: Workflow(
        "Leads", Webhook(LEAD), project=Project(made, namespace="acme.example")
    ),
    "field map": lambda made: after_source(LeadEnrichment(return_fields=made)),
    "column": lambda made: after_source(Filter.where(made).equals(made)),
}


@pytest.mark.parametrize("place", BUILT)
def test_b5_what_raises_is_a_finding(place):
    """Whatever an object does when it is looked at, `check()` says it and goes on."""
    workflow = BUILT[place](Loud())

    assert errors_of(workflow) != []
    assert as_text(workflow.check()) != ""


def test_b5_values_are_a_mapping():
    """Anything else is a finding as well, also one that raises."""
    workflow = after_source(RawBlock("k", specs={"a": value("x")}))

    for given in ("x", ["x"], Loud()):
        ((code, message),) = errors_of(workflow, values=given)
        assert code == "not-json"
        assert message.startswith("values is of type ")


@pytest.mark.parametrize("depth", [200, 254])
def test_b4_deep_specs_are_written_read_and_judged(depth):
    """Far below the recursion limit of the longest way through."""
    workflow = after_source(RawBlock("k", specs={"a": nested(depth)}))
    text = workflow.to_json(indent=None)

    assert dumps(loads(text), indent=None) == text
    assert fingerprint(loads(text)) == workflow.fingerprint()
    assert errors_of(workflow) == []


def test_b4_bound_values_nest_no_deeper_than_specs():
    """A deep value is a finding by name, and no RecursionError."""
    workflow = after_source(RawBlock("k", specs={"a": value("v")}))

    fits = workflow.compile(values={"v": nested(200)})
    assert dumps(loads(dumps(fits))) == dumps(fits)
    ((code, message),) = errors_of(workflow, values={"v": nested(9_999)})
    assert (code, "value 'v'" in message) == ("too-deep", True)


HUGE_PLACES = {
    "prompt": lambda: after_source(LeadEnrichment(return_fields={"a": HUGE})),
    "title": lambda: Workflow(HUGE, Webhook(LEAD), key="leads"),
    "key": lambda: after_source(FindEmail(key=HUGE)),
    "word": lambda: after_source(FindEmail(mode=HUGE)),
    "kind": lambda: after_source(RawBlock(HUGE, key="k")),
    "field": lambda: after_source(FindEmail(extra={HUGE: 1})),
    "column": lambda: after_source(Filter.where(HUGE).equals(HUGE)),
    "code": lambda: after_source(FindEmail(allow=[HUGE])),
}


@pytest.mark.parametrize("place", HUGE_PLACES)
def test_b4_ten_megabytes_in_any_place(place):
    """Judged within limits, and never repeated in what is said of it."""
    start = time.process_time()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workflow = HUGE_PLACES[place]()

    text = as_text(workflow.check())

    assert len(text) < 20_000
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


def test_b4_scopes_and_branches_nest_without_a_limit():
    """Thousands of scopes, and a flow that doubles ten times."""
    inner = FindEmail()
    for _ in range(5_000):
        inner = inner.scoped("s")
    doubled = RawBlock("k", key="z")
    for number in range(10):
        doubled = fan(doubled, doubled) if number % 2 else tap([doubled, doubled])

    assert len(after_source(inner, doubled).compile().blocks) == 3


def test_b6_what_is_built_stays():
    """Lists and dicts that went in may change afterwards; what came out does not."""
    columns, specs, fields = ["a"], {"b": {"c": 1}}, {"title": "Job title"}
    workflow = after_source(
        RawBlock("k", specs=specs, extra={"columns": columns}),
        LeadEnrichment(return_fields=MappingProxyType(fields)),
        Filter.where("a").in_(columns),
    )
    made = workflow.compile(values={})
    text = dumps(made)

    columns.append("b")
    fields["city"] = "City"
    specs["b"]["c"] = 2
    specs["d"] = 3

    assert dumps(made) == workflow.to_json() == text
    with pytest.raises(TypeError, match="frozen"):
        made.blocks[1].specs["b"]["c"] = 2


def test_b7_tasks_do_not_mix():
    """Twenty tasks that take turns inside of one flow each."""

    async def build(name):
        flow = Webhook(LEAD)
        for number in range(20):
            flow = flow >> RawBlock("k", key=f"{name}-{number}")
            await asyncio.sleep(0)
        return [block.id for block in Workflow(name, flow).compile().blocks]

    async def all_of_them():
        return await asyncio.gather(*map(build, names))

    names = [f"w{number}" for number in range(20)]
    together = asyncio.run(all_of_them())

    assert together == [asyncio.run(build(name)) for name in names]


def test_b8_a_secret_is_in_nothing_that_is_said():
    """Neither a key written by mistake, nor a value marked secret."""
    sentinel = "sk_live_" + "SENTINEL0123456789"
    written = after_source(RawBlock("k", specs={"a": {sentinel: [sentinel]}}))
    bound = after_source(
        OutgoingWebhook(url=value("url", secret=True)),
        RawBlock("k", specs={"token": value("token", secret=True)}),
    )
    values = {"url": f"http://{sentinel}.example", "token": {sentinel: {1}}}

    said = [as_text(written.check()), as_text(bound.check(values=values))]
    said += [str(f.as_data()) for f in bound.check(values=values)]
    assert [text for text in said if "SENTINEL" in text] == []
    assert "secret-in-specs" in said[0]


def test_control_characters_reach_no_terminal():
    """Not from names, columns, kinds or codes, in whatever shows them."""
    bad = 'a"\x1b[31m\u202e\u2028\r\n\x00]'
    flow = Webhook(LEAD, input_schema={bad: bad}) >> RawBlock(bad, key=bad, allow=[bad])
    workflow = Workflow(bad, flow >> Filter.where(bad).equals(bad).scoped(bad), key=bad)

    shown = [workflow.to_text(), workflow.to_mermaid(), as_text(workflow.check())]
    shown += [repr(workflow), repr(workflow.flows), *map(str, workflow.check())]
    assert [t for t in shown if not t.replace("\n", "").isprintable()] == []
    assert loads(workflow.to_json()).blocks == workflow.compile().blocks


@pytest.mark.parametrize("parameters", [None, "us", ["us"]])
def test_b3_parameters_of_a_variant_are_a_mapping(parameters):
    """Said at once, with what to write."""
    with pytest.raises(BuildError, match="parameters"):
        variants(lambda **_: after_source(), {"us": parameters})
