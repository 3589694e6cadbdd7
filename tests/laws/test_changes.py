"""Laws of comparing: facts tell what a fingerprint tells, and lines tell all facts."""

from __future__ import annotations

import json
from random import Random

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flow64 import LEAD, Project, Workflow
from flow64.blocks import (
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import (
    Definition,
    Edge,
    FrozenDict,
    ListedOrigins,
    WireBlock,
    as_body,
    fingerprint,
    from_data,
    id_of,
)
from flow64.diff.compare import compare_definitions, compare_facts
from flow64.diff.facts import flatten
from flow64.report.lines import Subject
from flow64.report.report import make_report
from flow64.report.writers import as_html, as_markdown, as_text
from tests.strategies import (
    frozen,
    json_values,
    keys,
    scalars,
    texts,
    values,
    wire_definitions,
)

KINDS = ("webhook", "find_email", "filter", "lead_enrichment", "new_kind")
leaves = scalars | values | st.integers(-3, 3) | st.floats(-3, 3).map(round).map(float)
specs = st.dictionaries(
    keys | st.sampled_from(["mode", "filters", "return_fields"]),
    json_values(leaves, max_leaves=10)
    | st.lists(
        st.fixed_dictionaries(
            {"column": st.sampled_from("ab"), "operator": st.sampled_from("xy")},
            optional={"value": scalars, "name": st.sampled_from("pq")},
        ),
        max_size=4,
    )
    | st.lists(st.sampled_from("abcd"), max_size=5),
    max_size=4,
).map(frozen)


@st.composite
def small_definitions(draw):
    """Graphs of few kinds and few ids, so that two of them have much in common."""
    pool = [id_of(f"b{n}") for n in range(6)]
    ids = draw(st.lists(st.sampled_from(pool), max_size=6, unique=draw(st.booleans())))
    blocks = tuple(
        WireBlock(block_id, draw(st.sampled_from(KINDS)), draw(specs), "", 1)
        for block_id in ids
    )
    ends = st.sampled_from([*pool, "gone"])
    extras = st.sampled_from([FrozenDict(), FrozenDict(condition="c")])
    edges = draw(st.lists(st.builds(Edge, ends, ends, extras), max_size=8))
    name = draw(st.sampled_from(["A", "B"]))
    return Definition(name, draw(texts), blocks, tuple(edges), id=id_of("w"))


@st.composite
def edited(draw, definition):
    """A definition with some edits, as a person or the web editor makes them."""
    random = Random(draw(st.integers(0, 2**32)))
    for edit in draw(st.lists(st.sampled_from(EDITS), max_size=5)):
        blocks, edges = list(definition.blocks), list(definition.edges)
        at = random.randrange(len(blocks)) if blocks else None
        if at is not None:
            edit(random, blocks, edges, at, draw(specs))
        origins = ListedOrigins()
        made = {"blocks": tuple(blocks), "edges": tuple(edges), "origins": origins}
        definition = evolve(definition, **made)
    return definition


def with_fields(random, blocks, edges, at, more):
    kept = {k: v for k, v in blocks[at].specs.items() if random.random() < 0.7}
    blocks[at] = blocks[at]._replace(specs=FrozenDict({**kept, **more}))


def with_kind(random, blocks, edges, at, more):
    blocks[at] = blocks[at]._replace(kind=random.choice(KINDS))


def with_block(random, blocks, edges, at, more):
    new_id = id_of(f"n{random.random()}")
    blocks.append(WireBlock(new_id, random.choice(KINDS), more, "", 1))
    edges.append(Edge(blocks[at].id, new_id))


def without_block(random, blocks, edges, at, more):
    del blocks[at]


def rewired(random, blocks, edges, at, more):
    if edges:
        edges[0] = edges[0]._replace(target=blocks[at].id)


def with_new_ids(random, blocks, edges, at, more):
    new = {block.id: id_of(f"x{block.id}") for block in blocks}
    blocks[:] = [block._replace(id=new[block.id]) for block in blocks]
    edges[:] = [Edge(new.get(s, s), new.get(t, t), extra) for s, t, extra in edges]


def swapped(random, blocks, edges, at, more):
    one, other = blocks[at].id, random.choice(blocks).id
    ends = {one: other, other: one}
    edges[:] = [Edge(ends.get(s, s), ends.get(t, t), extra) for s, t, extra in edges]


def shuffled(random, blocks, edges, at, more):
    random.shuffle(blocks)
    random.shuffle(edges)


def in_capitals(random, blocks, edges, at, more):
    blocks[at] = blocks[at]._replace(id=blocks[at].id.upper())


EDITS = [
    with_fields, with_kind, with_block, without_block, rewired, with_new_ids, shuffled,
    swapped, in_capitals,
]  # fmt: skip


@st.composite
def code_made(draw):
    """What code compiles to: a chain of blocks with keys, some of them side by side."""
    steps = st.sampled_from(["mail", "personal", "enrich", "keep", "once"])
    flow = Webhook(LEAD, input_schema={"email": "string"})
    for number, step in enumerate(draw(st.lists(steps, max_size=5, unique=True))):
        mode = draw(st.sampled_from(["PROFESSIONAL", "PERSONAL"]))
        fields = draw(
            st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), min_size=1)
        )
        block = {
            "mail": FindEmail(key="mail", mode=mode),
            "personal": FindEmail(key="personal", mode="PERSONAL"),
            "enrich": LeadEnrichment(return_fields=fields),
            "keep": Filter.where("email").equals(mode),
            "once": Deduplicate(),
        }[step]
        flow = flow >> (
            [block, OutgoingWebhook(key=f"out{number}", url="https://acme.example/x")]
            if draw(st.booleans())
            else block
        )
    project = Project(draw(st.sampled_from(["one", "two"])), namespace="acme.example")
    return Workflow(
        draw(st.sampled_from(["T", "U"])), flow, key="k", project=project
    ).compile()


definitions = small_definitions() | wire_definitions() | code_made()


@st.composite
def pairs(draw):
    before = draw(definitions)
    after = draw(definitions | edited(before) | st.just(from_data(as_body(before))))
    return before, after


@given(pairs())
def test_changes_are_empty_if_and_only_if_both_mean_the_same(pair):
    before, after = pair

    comparison = compare_definitions(before, after)

    assert comparison.is_equal == (fingerprint(before) == fingerprint(after))


@given(pairs())
def test_equal_facts_have_equal_fingerprints(pair):
    """Even with the names that each side gives its blocks."""
    before, after = pair

    facts = [flatten(side).facts for side in pair]

    if not compare_facts(*facts):
        assert fingerprint(before) == fingerprint(after)


@given(definitions)
def test_order_numbers_and_labels_are_no_change(definition):
    blocks = tuple(
        block._replace(
            number=7, label="other", specs=FrozenDict(reversed(block.specs.items()))
        )
        for block in reversed(definition.blocks)
    )
    other = evolve(definition, blocks=blocks, edges=tuple(reversed(definition.edges)))

    assert compare_definitions(definition, other).is_equal


@given(pairs(), st.sampled_from(["", "conflict", "drifted"]))
def test_any_change_is_shown_in_every_form(pair, state):
    before, after = pair

    report = make_report([Subject("w", before, after, state=state)])

    is_equal = fingerprint(before) == fingerprint(after)
    assert report.has_changes == (bool(state) or not is_equal)
    assert bool(report.data["workflows"][0]["changes"]) != is_equal
    assert json.loads(json.dumps(report.data)) == report.data
    assert bool(report.groups[0].lines if report.groups else ()) != is_equal
    for line in as_text(report).splitlines():
        assert line.isprintable()
    assert as_markdown(report).count("```diff") == bool(report.lines)
    assert "<script" not in as_html(report)
