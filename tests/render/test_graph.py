"""Graphs of two definitions: what is which, and what became of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from flow64 import LEAD, Workflow
from flow64.blocks import Filter, FindEmail, OutgoingWebhook, Search, Webhook
from flow64.definition import Definition, Edge, FrozenDict, WireBlock, id_of, loads
from flow64.diff import diff
from flow64.render import graph_between, graph_of
from tests.diff.support import compiled
from tests.render.pairs import PAIRS, contacts, wired
from tests.strategies import wire_definitions


def blocks(graph):
    """The blocks that differ: sign, path and fields."""
    return [
        " ".join([node.sign, node.label.path, *node.fields])
        for node in graph.nodes
        if node.mark != "unchanged"
    ]


def edges(graph):
    """The edges that differ: mark and ends."""
    signs = {"added": "+", "removed": "-", "changed": "~"}
    return [
        f"{signs[link.mark]} {graph.nodes[link.source].label.path} "
        f"{graph.nodes[link.target].label.path}"
        for link in graph.links
        if link.mark != "unchanged"
    ]


EXPECTED = {
    "field_added": (["~ lead_enrichment +return_fields.linkedin_url"], []),
    "branch_inserted": (
        ["~ find_email +mode", "+ find_phone", "+ filter"],
        [
            "+ deduplicate find_phone",
            "+ find_email filter",
            "- find_email outgoing_webhook",
            "+ find_phone filter",
            "+ filter outgoing_webhook",
        ],
    ),
    "scope_gone": (
        ["- work/find_email", "- work/deduplicate"],
        [
            "- webhook work/find_email",
            "+ webhook outgoing_webhook",
            "- work/find_email work/deduplicate",
            "- work/deduplicate outgoing_webhook",
        ],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_marks(name):
    """Blocks and edges are marked by what became of them."""
    before, after = PAIRS[name]

    graph = graph_between(before, after)

    assert (blocks(graph), edges(graph)) == EXPECTED[name]


def test_moved():
    """What stands elsewhere is told, also of a block that is another, too."""
    graph = graph_between(*PAIRS["step_moved"])

    assert blocks(graph) == [
        "~> find_email +mode",
        "~ unique",
        "- find_phone",
        "+ append_to_notebook",
    ]
    (unique,) = [node for node in graph.nodes if node.label.name == "unique"]
    assert (unique.was, unique.has_new_id, unique.is_moved) == (
        "deduplicate",
        True,
        False,
    )


def test_only_moved():
    """A block that only stands elsewhere is no other block."""
    a = wired((0, 1), (1, 2), (2, 3))
    b = wired((0, 2), (2, 1), (1, 3))

    marks = {node.id: node.mark for node in graph_between(a, b).nodes}

    assert sorted(marks.values()) == ["moved", "unchanged", "unchanged", "unchanged"]


def test_order():
    """What is gone stands behind what it stood behind, or first."""
    before, after = wired(count=5), wired(count=5)
    kept = tuple(block for at, block in enumerate(after.blocks) if at in (1, 4))

    graph = graph_between(before, Definition("w", "", kept, ()))

    assert [node.id for node in graph.nodes] == ["b0", "b1", "b2", "b3", "b4"]
    assert [node.sign for node in graph.nodes] == ["-", "", "-", "-", ""]


def test_nothing_on_one_side():
    """Without one side all of the other one came, or went."""
    definition = contacts(FindEmail())

    come, gone = graph_between(None, definition), graph_between(definition, None)

    assert {node.mark for node in come.nodes} | {link.mark for link in come.links} == {
        "added"
    }
    assert {node.mark for node in gone.nodes} | {link.mark for link in gone.links} == {
        "removed"
    }
    assert come.name == gone.name == "Contacts"
    assert graph_between(None, None).nodes == []


def test_one_alone():
    """Of one definition nothing is marked; rows and effects are told."""
    search = Search(LEAD, query="CTOs", auto_execute=True)
    sent = OutgoingWebhook(url="https://a.example")
    graph = graph_of(Workflow("w", search >> FindEmail() >> sent).compile())

    assert (blocks(graph), edges(graph), graph.is_compared) == ([], [], False)
    assert [node.rows for node in graph.nodes] == ["LEAD"] * 3
    assert [(node.is_spending, node.is_outside) for node in graph.nodes] == [
        (True, False),
        (True, False),
        (False, True),
    ]


def test_conditions():
    """An edge with another condition is another; of several, all count."""
    plain, other = wired((0, 1)), wired((0, 1, "x"))
    both = wired((0, 1), (0, 1, "x"))

    assert [
        edges(graph_between(*pair))
        for pair in ((plain, plain), (plain, other), (other, both), (both, both))
    ] == [
        [],
        ["~ deduplicate b0 deduplicate b1"],
        ["~ deduplicate b0 deduplicate b1"],
        [],
    ]


def test_edges_to_nowhere():
    """An edge that names no block is counted, and drawn nowhere."""
    lost = Definition("w", "", wired(count=1).blocks, (Edge("b0", "gone"),))

    assert (graph_of(lost).lost, graph_of(lost).links) == (1, [])
    assert graph_between(lost, lost).lost == 1


def test_other_ids_and_no_keys():
    """A copy from the editor keeps the names that only the other side knows."""
    after = contacts(FindEmail(key="mail"))
    text = Workflow.from_definition(after).to_json()
    for block in after.blocks:
        text = text.replace(block.id, id_of(f"copy of {block.id}"))

    graph = graph_between(after, loads(text))

    assert [node.label.path for node in graph.nodes] == ["webhook", "mail"]
    assert [node.label.kind for node in graph.nodes] == ["", "find_email"]
    assert {(node.mark, node.has_new_id, node.was) for node in graph.nodes} == {
        ("unchanged", True, None)
    }


def test_kind():
    """A block of another kind says which one it was."""
    before = wired((0, 1))
    second = before.blocks[1]._replace(kind="find_email")
    after = Definition("w", "", (before.blocks[0], second), before.edges)

    (changed,) = [n for n in graph_between(before, after).nodes if n.mark == "changed"]

    assert (changed.kind, changed.fields) == ("find_email", ("was deduplicate",))


def test_fields():
    """Each change of a field is said shortly, and a long one names its field once."""
    long = "y" * 40
    old = FrozenDict(
        {"a": 1, "b": 2, "c": FrozenDict({"x": 1, long: 1, f"{long}2": 1}), "e": long}
    )
    new = FrozenDict({"b": 3, "c": FrozenDict({"x": 2, "z": 1}), "d": 4, "e": "z"})
    before, after = wired(count=1, specs=old), wired(count=1, specs=new)

    (node,) = graph_between(before, after).nodes

    named = ["+c.z", "+d", "-a", "~b: 2 → 3", "~c", "~c.x: 1 → 2", "~e"]
    assert sorted(node.fields) == named


def test_conditions_of_a_filter_are_in_words():
    old, new, more = (
        compiled(Webhook(LEAD) >> one)
        for one in (
            Filter.where("headcount").greater(50),
            Filter.where("headcount").greater(100),
            Filter.where("headcount").greater(100).and_("city").equals("Rome"),
        )
    )

    assert graph_between(old, new).nodes[1].fields == (
        "~headcount greater than 50 → 100",
    )
    assert graph_between(new, more).nodes[1].fields == ('+and city equals "Rome"',)


def test_given_changes():
    """Changes that are at hand are not worked out again; unmanaged ones are none."""
    before, after = PAIRS["branch_inserted"]

    assert graph_between(before, after, diff(before, after)) == graph_between(
        before, after
    )
    managed = {block.id: frozenset() for block in after.blocks}
    changes = [*diff(before, after, managed=managed)]
    assert blocks(graph_between(before, after, changes)) == [
        "+ find_phone",
        "+ filter",
    ]


def test_ids_that_stand_twice():
    """Of two blocks with one id, the one with other content is the one that went."""
    one = WireBlock("x", "filter", FrozenDict({"a": 1}), "io", 1)
    two = WireBlock("x", "filter", FrozenDict({"a": 2}), "io", 2)
    both, second = Definition("w", "", (one, two), ()), Definition("w", "", (two,), ())

    gone, come = graph_between(both, second), graph_between(second, both)

    assert [node.mark for node in gone.nodes] == ["removed", "unchanged"]
    assert [node.mark for node in come.nodes] == ["added", "unchanged"]


@pytest.mark.slow
@settings(max_examples=20)
@given(wire_definitions(), wire_definitions())
def test_every_pair(before, after):
    """Whatever two definitions are, all blocks and edges of both are there once."""
    graph = graph_between(before, after)

    marks = [node.mark for node in graph.nodes]
    assert len(marks) - marks.count("removed") == len(after.blocks)
    assert len(marks) - marks.count("added") == len(before.blocks)
    links = [link for link in graph.links if link.mark != "removed"]
    pairs = zip(after.topology.sources, after.topology.targets, strict=True)
    assert len(links) == len({*pairs})


@settings(max_examples=20)
@given(wire_definitions())
def test_nothing_differs(definition):
    """A definition and itself have no marks."""
    graph = graph_between(definition, definition)

    assert (blocks(graph), edges(graph)) == ([], [])
    assert [node.id for node in graph.nodes] == [b.id for b in definition.blocks]


def test_webhook_alone():
    """A graph may be one block."""
    graph = graph_of(Workflow("w", Webhook(LEAD)).compile())

    assert [(node.label.shape, node.kind) for node in graph.nodes] == [
        ("source", "webhook")
    ]
    assert graph.topology.is_forward
