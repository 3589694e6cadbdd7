"""Pictures: texts, flowcharts and SVG of any graph, whatever its names say."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import external_file

from flow64 import LEAD, RawBlock, Workflow, fan, tap, value
from flow64.blocks import (
    AppendToNotebook,
    Deduplicate,
    Filter,
    FindEmail,
    FindPhone,
    LeadsToCompany,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import EMPTY, Definition, Edge, WireBlock
from flow64.diff.compare import compare_definitions
from flow64.report.graph import (
    draw_mermaid,
    draw_text,
    escape_label,
    graph_between,
    graph_of,
)
from flow64.report.writers import draw_svg
from tests.report.cases import branch_inserted
from tests.report.hostile import HOSTILE, hostile_workflow
from tests.test_examples import NAMES, workflows

GOLDEN = Path(__file__).parent / "golden"
IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"


def built(flow):
    return Workflow("w", flow, key="w").lower().definition


def wired(*edges, count=0):
    """A definition of blocks b0, b1... that was made by hand."""
    size = max([count, *(end + 1 for edge in edges for end in edge)])
    blocks = [WireBlock(f"b{i}", "find_email", EMPTY, "io", i + 1) for i in range(size)]
    pairs = [Edge(f"b{source}", f"b{target}") for source, target in edges]
    return Definition("w", "", tuple(blocks), tuple(pairs))


def compared(number=0):
    subject = branch_inserted()[number]
    return graph_between(compare_definitions(subject.before, subject.after))


# -- Text ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_text_of_each_example(name):
    found = workflows(name)
    text = (found.get("de") or found[""]).to_text()

    assert text == external_file(GOLDEN / "examples" / f"{name}.txt")


def test_text_names_what_feeds_a_block_unless_it_is_above():
    a, b, c, d = (Deduplicate(key=key) for key in "abcd")
    flow = fan(a >> tap(b), c) >> d

    lines = [line for line in draw_text(built(flow)).splitlines() if "→" not in line]

    assert lines[2:] == [
        "a (deduplicate)",
        "b (deduplicate)",
        "c (deduplicate) ← nothing",
        "d (deduplicate) ← a, c",
    ]


def test_text_of_columns():
    raw = RawBlock("odd", specs={"a": 1})
    flow = Webhook(LEAD, input_schema={"name": "str"}) >> FindEmail() >> raw

    rows = [line for line in draw_text(built(flow)).splitlines() if "→" in line]

    assert rows == [
        "  → LEAD = name, …",
        "  → LEAD +email, +email_status, …",
        "  → rows = …",
    ]


def test_text_of_specs():
    keep = Filter.where("country").in_(["US", "UK"]).and_("size").greater(5)
    raw = RawBlock(
        "odd", specs={"text": "x" * 100, "hook": value("hook"), "map": {"a": 1}}
    )

    keep_line, raw_line = (draw_text(built(one)).splitlines()[2] for one in (keep, raw))

    assert keep_line == 'filter filters=[country in ["US", "UK"], and size greater 5]'
    assert raw_line == f'odd text="{"x" * 39}…" hook=<hook> map={{a}}'


# -- Flowcharts ------------------------------------------------------------------------


@given(st.text() | st.sampled_from(HOSTILE))
def test_name_can_only_be_a_label(name):
    """Letters, digits and numbers of characters are all that a label has."""
    label = escape_label(name)

    assert re.fullmatch(r"(\w|#\d+;)*", label)
    assert not re.search("end", label, re.IGNORECASE)


def test_flowchart_of_changes():
    text = draw_mermaid(compared())

    assert 'n5["#43;#32;find_phone"]:::added' in text
    assert "n2 ==> n5" in text
    assert text.count("classDef") == 1


def test_flowchart_shows_changes_of_a_large_graph_first():
    before = wired(*((at, at + 1) for at in range(200)))
    blocks = [*before.blocks]
    blocks[150] = blocks[150]._replace(specs=EMPTY | {"mode": "PERSONAL"})
    after = Definition("w", "", tuple(blocks), before.edges)
    graph = graph_between(compare_definitions(before, after))

    lines = draw_mermaid(graph, most=10).splitlines()

    assert any(":::changed" in line for line in lines)
    assert sum("-->" in line for line in lines) >= 2
    assert 'more["#8230;#32;191#32;more#32;blocks"]' in lines[11]


# -- SVG -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_svg_of_hostile_names(scheme, tab):
    page = tab(color_scheme=scheme)
    for text in HOSTILE:
        page.set_content(draw_svg(graph_of(hostile_workflow(text, "other"))))

        assert page.evaluate("window.obeyed") is None
        assert page.evaluate("document.querySelectorAll('script,img,a').length") == 0
        assert page.evaluate("document.querySelectorAll('svg .name').length") == 4
    assert page.asked == []


def test_svg_marks_changes_and_effects():
    picture = draw_svg(compared())

    assert picture.count('class="added"') == 3  # a block and its edges
    assert picture.count('class="mark-sign"') == 1
    assert picture.count('class="effect-sign"') == 4


def test_svg_of_removed_and_unknown():
    step = Webhook(LEAD) >> LeadsToCompany() >> RawBlock("odd")
    graph = graph_between(compare_definitions(built(step), built(Webhook(LEAD))))

    picture = draw_svg(graph)

    assert picture.count('class="removed"') == 4
    assert 'class="side"' in picture


def test_documentation():
    """The pictures of the documentation are those that are drawn."""
    archive = AppendToNotebook(
        key="archive", notebook_id="0b9f3f0e-52d4-4f0c-8a53-6f6f5b1c2d10"
    )
    flow = (
        Webhook(LEAD, input_schema={"full_name": "string", "company": "string"})
        >> Deduplicate()
        >> tap(archive)
        >> [FindEmail(), FindPhone()]
        >> OutgoingWebhook(url="https://crm.acme.example/hooks/contacts")
    )
    alone = Workflow("Contacts with an archive", flow, key="side-branch").to_svg()

    assert alone == external_file(IMAGES / "graph-alone.svg", format=".txt")
    changed = external_file(IMAGES / "graph-changed.svg", format=".txt")
    assert draw_svg(compared()) == changed


def test_nothing():
    empty = Definition("w", "", (), ())

    assert draw_text(empty) == "w\n0 blocks, 0 edges\n"
    assert draw_mermaid(graph_of(empty)) == "flowchart TD\n"
    assert "<svg" in draw_svg(graph_of(empty))


@pytest.mark.slow
@pytest.mark.parametrize(
    "edges",
    [
        [(at, at + 1) for at in range(19_999)],
        [(0, at) for at in range(1, 20_000)],
        [*((at, at + 1) for at in range(9_999)), *((0, at) for at in range(2, 9_999))],
    ],
    ids=["chain", "star", "skips"],
)
def test_time_is_linear(edges):
    graph = graph_of(wired(*edges))
    start = time.process_time()

    draw_svg(graph)
    draw_mermaid(graph)

    assert time.process_time() - start < 15
