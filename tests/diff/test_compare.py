"""Comparing two definitions: which block is which, and which paths differ."""

from __future__ import annotations

import time

import pytest
from attrs import evolve

from flow64 import LEAD, Project, RawBlock, Workflow
from flow64.blocks import (
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import Definition, Edge, FrozenDict, WireBlock
from flow64.diff.compare import MISSING, UNKNOWN, compare_definitions
from flow64.report.lines import Subject
from flow64.report.report import make_report
from flow64.report.writers import as_html, as_markdown, as_text


def built(flow):
    return Workflow("w", flow, key="w").compile()


def compared(before, after):
    return compare_definitions(built(before), built(after))


def paths(comparison, head):
    return [path[1:] for path in comparison.changes if path[0] == head]


START = Webhook(LEAD, input_schema={"email": "string"})
IS_OK = Filter.where("email_status").equals("OK")


def test_field_added_changed_and_removed():
    before = START >> RawBlock("odd", specs={"a": 1, "b": {"c": 1}})
    after = START >> RawBlock("odd", specs={"b": {"c": 2}, "d": [1]})

    changes = compared(before, after).changes

    sides = {path[2:]: (c.before, c.after) for path, c in changes.items()}
    assert sides == {("b", "c"): (1, 2), ("d",): (MISSING, [1]), ("a",): (1, MISSING)}


def test_true_is_not_one():
    before, after = (RawBlock("odd", specs={"n": n}) for n in (1, True))

    assert not compared(START >> before, START >> after).is_equal


def test_unknown_is_never_absent():
    """A block with unknown columns loses none: they are unknown behind it."""
    changes = compared(START >> FindEmail(), START >> FindEmail() >> RawBlock("odd"))

    change = changes.changes["output", "email_status"]
    assert (change.before, change.after) == ("str", UNKNOWN)
    assert paths(changes, "output").count(("*",)) == 1


def test_key_named_like_the_mark_of_any_others():
    """A field called `*` makes no other field unknown."""
    before = START >> RawBlock("odd", specs={"map": {"*": 1, "a": 1}})
    after = START >> RawBlock("odd", specs={"map": {"*": 1}})

    (change,) = compared(before, after).changes.values()
    assert (change.before, change.after) == (1, MISSING)


def test_read_without_a_producer():
    changes = compared(START >> FindEmail() >> IS_OK, START >> FindPhone() >> IS_OK)

    change = changes.changes["reads", "filter", "email_status"]
    assert (change.before, change.after) == (True, False)


ODD = {"url": "http://acme.example", "extra": {"batch": 5}}


@pytest.mark.parametrize("is_plan", [True, False])
@pytest.mark.parametrize(
    ("silent", "rules"),
    [(["insecure-url"], {}), ([], {"insecure-url": "ignore"})],
)
def test_what_the_code_silences_is_no_change(is_plan, silent, rules):
    """JSON says neither what a block silences, nor which fields are `extra=`."""
    flow = START >> OutgoingWebhook(allow=silent, **ODD)
    owner = {"key": "w", "project": Project("growth", namespace="acme.example")}
    code = Workflow("new", flow, **owner).with_rules(rules).compile()
    live = Workflow.from_json(Workflow("old", flow, **owner).to_json()).compile()

    sides = (live, code) if is_plan else (code, live)

    assert [*compare_definitions(*sides).changes] == [("title",)]


@pytest.mark.parametrize("place", ["body", "graph", "block", "edge"])
def test_no_undocumented_key_hides_another(place):
    """A body may have a key called as a block, and a block one called as the next."""
    definition = Workflow("w", START >> FindEmail()).lower().definition

    def build(value):
        values = dict.fromkeys(["body", "graph", "block", "edge"], 0) | {place: value}
        to = {name: FrozenDict({"to": number}) for name, number in values.items()}
        block = FrozenDict({"find_email": to["block"]})
        webhook, find = definition.blocks
        return evolve(
            definition,
            description=str(value),  # or both mean the same
            blocks=(webhook._replace(extra=block), find),
            edges=(definition.edges[0]._replace(extra=to["edge"]),),
            extra=FrozenDict({"webhook": FrozenDict({"find_email": to["body"]})}),
            graph_extra=FrozenDict(
                {"webhook": FrozenDict({"find_email": to["graph"]})}
            ),
        )

    address = "https://evil.example"
    changes = compare_definitions(build(0), build(address)).changes

    assert {path[0] for path in changes} == {"description", "extra", "delivers"}


def test_documented_default_of_an_unset_field():
    mode = ("block", "find_email", "mode")

    change = compared(START >> FindEmail(), START >> FindEmail(mode="PERSONAL"))

    assert change.changes[mode].default == "PROFESSIONAL"
    assert change.changes[mode].sign == "!"


def test_order_of_named_items():
    one = Filter.where("a").equals("1").and_("b").equals("2")
    other = Filter.where("b").equals("2").and_("a").equals("1")

    changes = compared(START >> one, START >> other).changes

    order = changes["order", "filter", "filters"]
    assert (order.before, order.after) == (["a", "b"], ["b", "a"])


def test_condition_of_an_edge():
    before = built(START >> FindEmail())
    edge = before.edges[0]
    after = evolve(before, edges=(edge._replace(extra=FrozenDict(condition="c")),))

    changes = compare_definitions(before, after).changes

    edge = changes["edge", "webhook", "find_email"]
    assert (edge.before, edge.after) == ([None], ["c"])


# -- Which is which --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "old_names"),
    [
        (FindEmail(key="old") >> IS_OK, FindEmail() >> IS_OK, {"find_email": "old"}),
        (FindEmail(), FindEmail().scoped("work"), {"work/find_email": "find_email"}),
        (
            FindEmail(key="a") >> Deduplicate() >> FindEmail(key="b"),
            FindEmail(key="c", mode="PERSONAL") >> Deduplicate() >> FindEmail(key="b"),
            {"c": "a"},
        ),
        (FindEmail(key="was"), FindPhone(key="is"), {}),
    ],
    ids=["key", "scope", "neighbours", "replaced"],
)
def test_blocks_with_other_ids(before, after, old_names):
    assert compared(START >> before, START >> after).old_names == old_names


def test_kept_id_is_no_change():
    before = START >> FindEmail(key="finder")

    assert compared(before, START >> FindEmail(key="email", was="finder")).is_equal


def test_moved_block():
    before = START >> FindEmail() >> Deduplicate() >> FindPhone()
    after = START >> Deduplicate() >> FindPhone() >> FindEmail()

    assert paths(compared(before, after), "moved") == [("find_email",)]


def test_rewiring_moves_nothing():
    before = START >> [FindEmail(), FindPhone()] >> Deduplicate()
    after = START >> FindEmail() >> FindPhone() >> Deduplicate()

    assert paths(compared(before, after), "moved") == []


# -- Time ------------------------------------------------------------------------------

COUNT = 20_000
IDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(2 * COUNT)]


def large(edges, *, mode=None, first=0, has_one_id=False):
    """A webhook and many blocks of a kind; one of them may have a mode."""
    ids = [IDS[0]] * COUNT if has_one_id else IDS[first : first + COUNT]
    blocks = [WireBlock(ids[0], "webhook", FrozenDict(), "", 1)]
    for at in range(1, COUNT):
        specs = FrozenDict(mode=mode) if mode and at == COUNT // 2 else FrozenDict()
        blocks.append(WireBlock(ids[at], "find_email", specs, "", at + 1))
    joined = tuple(Edge(ids[source], ids[target]) for source, target in edges)
    return Definition("w", "", tuple(blocks), joined)


SHAPES = {
    "chain": [(at, at + 1) for at in range(COUNT - 1)],
    "star": [(0, at) for at in range(1, COUNT)],
    "diamonds": [
        edge
        for at in range(0, COUNT - 4, 3)
        for edge in ((at, at + 1), (at, at + 2), (at + 1, at + 3), (at + 2, at + 3))
    ],
}


def wide(value):
    fields = FrozenDict({f"field{at}": f"{value}{at}" for at in range(240_000)})
    return Definition("w", "", (WireBlock(IDS[0], "odd", fields, "", 1),), ())


def long(word):
    text = f"{'one word and more ' * 300_000}{word}{' and more words' * 300_000}"
    block = WireBlock(IDS[0], "odd", FrozenDict(prompt=text), "", 1)
    return Definition("w", "", (block,), ())


LARGE = {
    **{
        f"{shape}-{name}": (
            lambda edges=edges: large(edges),
            lambda edges=edges, more=more: large(edges, **more),
        )
        for shape, edges in SHAPES.items()
        for name, more in {
            "edited": {"mode": "PERSONAL"},
            "with-other-ids": {"mode": "PERSONAL", "first": COUNT},
        }.items()
    },
    "one-id": (
        lambda: large(SHAPES["chain"], has_one_id=True),
        lambda: large(SHAPES["chain"], has_one_id=True, mode="PERSONAL"),
    ),
    "reversed": (
        lambda: large(SHAPES["chain"]),
        lambda: large([edge[::-1] for edge in SHAPES["chain"]]),
    ),
    "fields": (lambda: wide("a"), lambda: wide("b")),
    "text": (lambda: long("this"), lambda: long("that")),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_time_is_linear(name):
    """Comparing and writing 20,000 blocks of any shape takes seconds."""
    before, after = (make() for make in LARGE[name])

    start = time.process_time()
    report = make_report([Subject("w", before, after)])
    for write in (as_text, as_markdown, as_html):
        write(report)

    assert report.has_changes
    assert time.process_time() - start < 15
    assert len(as_text(report).splitlines()) < 60
