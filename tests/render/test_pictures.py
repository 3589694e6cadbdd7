"""Text trees and flowcharts of graphs of every shape, and of names that mean harm."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64 import COMPANY, LEAD, RawBlock, Workflow, fan, tap, value
from flow64.blocks import Deduplicate, Filter, FindEmail, OutgoingWebhook, Webhook
from flow64.definition import EMPTY, Definition, Edge, FrozenDict, WireBlock
from flow64.render import draw_mermaid, draw_text

pytestmark = pytest.mark.slow


def step(key):
    return Deduplicate(key=key)


def drawn(flow, *more):
    """The lines of the blocks of a flow, without their kind, specs and rows."""
    text = Workflow("w", flow, *more).to_text()
    lines = [line for line in text.splitlines()[2:] if "→" not in line]
    return [line.replace(" (deduplicate)", "") for line in lines]


def wired(*edges, count=0, kind="deduplicate"):
    """A definition of blocks b0, b1... that was made by hand."""
    size = max([count, *(end + 1 for edge in edges for end in edge)])
    blocks = [WireBlock(f"b{i}", kind, EMPTY, "io", i + 1) for i in range(size)]
    pairs = [Edge(f"b{source}", f"b{target}") for source, target in edges]
    return Definition("w", "", tuple(blocks), tuple(pairs))


A, B, C, D, E = map(step, "abcde")

SHAPES = {
    "chain": (A >> B >> C, ["a", "b", "c"]),
    "fan out": (A >> [B, C], ["a", "├ b", "└ c"]),
    "fan out and in": (A >> [B, C] >> D, ["a", "├ b", "├ c", "d ← b, c"]),
    "long branches": (
        A >> [B >> C, D >> E],
        ["a", "├ b", "│ c", "└ d", "  e"],
    ),
    "side branch": (A >> tap(B) >> C >> D, ["a", "├ b", "c ← a", "d"]),
    "skipped step": (A >> tap(B >> D) >> D, ["a", "├ b", "d ← a, b"]),
    "two sources": (fan(A, B) >> C, ["a", "b ← nothing", "c ← a, b"]),
    "branch in a branch": (
        A >> [B >> [C, D], E],
        ["a", "├ e", "b ← a", "├ c", "└ d"],
    ),
    "scope": (A >> B.scoped("in").scoped("out"), ["a", "out/in/b"]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    """Blocks stand below what feeds them, and `←` tells what their place does not."""
    flow, expected = SHAPES[name]

    assert drawn(flow) == expected


def test_circle():
    """A circle is drawn once, and the edge that closes it is named."""
    lines = draw_text(wired((0, 1), (1, 2), (2, 1), (2, 2))).splitlines()

    blocks = [line for line in lines[2:] if "→" not in line]
    assert blocks == [
        "deduplicate b0",
        "deduplicate b1 ← deduplicate b0, deduplicate b2",
        "deduplicate b2 ← deduplicate b1, deduplicate b2",
    ]


def test_edges_to_nowhere_are_counted():
    """An edge that names a block which is not there is told, and drawn nowhere."""
    definition = Definition("w", "", wired(count=1).blocks, (Edge("b0", "gone"),))

    assert (draw_text(definition).splitlines()[1], draw_mermaid(definition)) == (
        "1 block, 0 edges, 1 to a block that is not there",
        'flowchart TD\n    n1["deduplicate"]\n',
    )


def test_nothing():
    """A definition without blocks has a picture too."""
    empty = Definition("w", "", (), ())

    assert (draw_text(empty), draw_mermaid(empty)) == (
        "w\n0 blocks, 0 edges\n",
        "flowchart TD\n",
    )


def test_columns_are_followed():
    """Rows are told where they change: what is added, what is lost, all at the ends."""
    raw = RawBlock("odd", specs={"a": 1})
    flow = Webhook(LEAD, input_schema={"name": "str"}) >> FindEmail() >> raw

    rows = [line for line in Workflow("w", flow).to_text().splitlines() if "→" in line]

    assert rows == [
        "  → LEAD = name, …",
        "  → LEAD +email, +email_status, …",
        "  → rows = …",
    ]


def test_specs_are_shortened():
    """Specs stand on one line: texts cut, maps as their names, conditions in words."""
    filtered = Filter.where("country").in_(["US", "UK"]).and_("size").greater(5)
    raw = RawBlock(
        "odd",
        specs={
            "text": "x" * 100,
            "list": [1, [2], {"a": 1}, {}, None, True, 1.5, 8],
            "map": {"a": 1, "b": {"c": 2}},
        },
    )
    text = Workflow("w", Webhook(COMPANY) >> filtered >> raw).to_text()

    shown = [line for line in text.splitlines()[3:] if "→" not in line]
    assert [line.replace("x" * 36, "") for line in shown] == [
        "filter filters=[country in […], and size greater 5]",
        'odd text="xxx…" list=[1, […], {…}, {}, null, true, and 2 more] map={a, b}',
    ]


def test_many_specs():
    """Of many specs some are shown; what a value stands for never is."""
    specs = {"of": [value("secret_list", secret=True)], **dict.fromkeys("abcdef", 1)}

    text = Workflow("w", Webhook(LEAD) >> RawBlock("odd", specs=specs)).to_text()

    assert "odd of=[<secret_list>] a=1 b=1 c=1 d=1 e=1 and 1 more" in text


HOSTILE = [
    "end",
    'a"]; click n1 "javascript:alert(1)"',
    '"`**bold**`"',
    "<script>alert(1)</script>",
    "1. one",
    "# heading",
    "two\nlines\r\u2028\u2029",
    "\u202egnp.exe\u2066",
    "\x1b[31mred\x1b]0;title\x07",
    "%%{init: {}}%%",
    "subgraph x",
    "#quot;&lt;",
    "n1 --> n2",
    "@{shape: circle}",
    "x" * 512,
]

# A number, letters, digits, or a joint between them; nothing that begins or ends more.
_LABEL = re.compile(r"(?:#\d+;|[^\W]|[./ -])*")
_LINE = re.compile(
    r"""flowchart\ TD
    |\ +n\d+(?:\(\[|\[\[|\[\(|\[|\{\{)"(?P<label>.*)"(?:\]\)|\]\]|\)\]|\]|\}\})
    |\ +n\d+\ -->\ n\d+
    |\ +subgraph\ s\d+\["(?P<scope>.*)"\]
    |\ +end""",
    re.VERBOSE,
)


def assert_harmless(flowchart):
    for line in flowchart.split("\n")[:-1]:
        found = _LINE.fullmatch(line)
        assert found, line
        for label in (found["label"] or found["scope"] or "").split("<br>"):
            assert _LABEL.fullmatch(label), label
            assert not re.search(r"\bend\b", label), label


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_stay_names(name):
    """No name writes to the terminal, or is more than a label of the flowchart."""
    inner = (RawBlock(name, key=f"k{name[:99]}") >> FindEmail(key=name)).scoped(name)
    workflow = Workflow(
        name, Webhook(LEAD, input_schema={name: name}) >> inner, key="w"
    )

    assert_harmless(workflow.to_mermaid())
    assert all(line.isprintable() for line in workflow.to_text().split("\n"))


names = st.text(max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | names,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def faulty(draw):
    """Definitions with any kinds, names, specs and edges."""
    ids = draw(st.lists(st.sampled_from("abcdefg"), max_size=8))
    kinds = names | st.sampled_from(
        ["webhook", "filter", "find_email", "company_to_leads"]
    )
    keys = names | st.sampled_from(["filters", "return_fields", "input_schema"])
    blocks = [
        WireBlock(
            block_id,
            draw(kinds),
            FrozenDict(draw(st.dictionaries(keys, json_values, max_size=3))),
            "io",
            1,
        )
        for block_id in ids
    ]
    ends = st.sampled_from("abcdefgh")
    edges = draw(st.lists(st.builds(Edge, ends, ends), max_size=16))
    return Definition(draw(names), "", tuple(blocks), tuple(edges))


@given(faulty())
def test_every_definition_has_pictures(definition):
    """However faulty a definition is, every block and edge of it is drawn once."""
    flowchart, text = draw_mermaid(definition), draw_text(definition)

    assert_harmless(flowchart)
    assert flowchart.count(" --> ") == len(definition.topology.sources)
    assert all(line.isprintable() for line in text.split("\n"))
    blocks = [line for line in text.splitlines()[2:] if "  → " not in line]
    assert len(blocks) == len(definition.blocks)
    assert (draw_mermaid(definition), draw_text(definition)) == (flowchart, text)


LARGE = 5_000


@pytest.mark.parametrize(
    "edges",
    [
        [(i, i + 1) for i in range(LARGE)],
        [(0, i) for i in range(1, LARGE)] + [(i, LARGE) for i in range(1, LARGE)],
        # Every block feeds the next one and the last: long ways up to what is common.
        [(i, i + 1) for i in range(LARGE)] + [(i, LARGE) for i in range(0, LARGE, 2)],
        # Each branch branches again, which indents without end.
        [(i, i + 2) for i in range(LARGE)] + [(i, i + 1) for i in range(0, LARGE, 2)],
    ],
    ids=["chain", "wide", "ladder", "comb"],
)
def test_large_graphs(edges):
    """A picture takes neither recursion nor square time, and its size is linear too."""
    definition = wired(*edges)

    started = time.process_time()
    size = len(draw_text(definition)) + len(draw_mermaid(definition))

    assert time.process_time() - started < 5
    assert size < 300 * len(edges)


def test_deep_scopes():
    """Scopes may stand in scopes without end."""
    flow = Webhook(LEAD) >> OutgoingWebhook(url="https://acme.example")
    for _ in range(2_000):
        flow = flow.scoped("s")

    flowchart = Workflow("w", flow).to_mermaid()

    assert flowchart.count("subgraph") == 2_000
    assert_harmless(flowchart)
