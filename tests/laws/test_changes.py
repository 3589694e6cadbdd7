"""Laws of the diff: it is empty for what means the same, and makes one of the other."""

from __future__ import annotations

import json
import pickle
from random import Random

from attrs import evolve
from hypothesis import assume, given
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
    BoundSecret,
    Definition,
    Edge,
    FrozenDict,
    ListedOrigins,
    Origin,
    Value,
    WireBlock,
    as_body,
    fingerprint,
    from_data,
    id_of,
)
from flow64.diff import (
    Hidden,
    KindChanged,
    Unmanaged,
    apply,
    as_data,
    as_lines,
    consequences,
    diff,
)
from flow64.dsl import UNSET
from tests.strategies import (
    frozen,
    json_values,
    keys,
    scalars,
    texts,
    values,
    wire_definitions,
)

SENTINEL = "the sentinel of this test"
SECRET_FILLED = BoundSecret(Value("token", secret=True), SENTINEL)
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
        origins = ListedOrigins([Origin()] * len(blocks))
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


@given(pairs(), st.booleans())
def test_applying_a_diff_gives_the_fingerprint(pair, bound):
    """Whatever the two have to do with each other; the diff is empty if it is there."""
    before, after = pair

    changes = list(diff(before, after, bound=bound))

    made = apply(changes, before)
    wanted = fingerprint(after, bound=bound)
    assert fingerprint(made, bound=bound) == wanted
    assert bool(changes) == (fingerprint(before, bound=bound) != wanted)


@given(definitions)
def test_a_definition_does_not_differ_from_itself(definition):
    """Nor from one that is written in another order, with other numbers and labels."""
    blocks = tuple(
        block._replace(
            number=7, label="other", specs=FrozenDict(reversed(block.specs.items()))
        )
        for block in reversed(definition.blocks)
    )
    other = evolve(definition, blocks=blocks, edges=tuple(reversed(definition.edges)))

    assert list(diff(definition, definition)) == []
    assert list(diff(definition, other)) == []
    assert apply([], definition) == definition


@given(pairs())
def test_any_change_is_shown(pair):
    """Every change and what follows from it is JSON and text, and says something."""
    before, after = pair
    found = [*diff(before, after), *consequences(before, after)]

    data = [as_data(change) for change in found]

    assert json.loads(json.dumps(data)) == data
    lines = list(as_lines(found))
    assert bool(lines) == bool(found)
    assert all(line.isprintable() and line.strip() for line in lines)


def holding(definition, secret):
    """A definition with a secret, or its text, in one field of each block."""
    blocks = tuple(
        block._replace(specs=FrozenDict({**block.specs, "url": secret}))
        for block in definition.blocks
    )
    return evolve(definition, blocks=blocks)


@given(pairs(), st.booleans(), st.booleans())
def test_no_change_tells_a_secret(pair, bound, is_back):
    """Where one side has a secret, its text on the other is not told either."""
    live, code = holding(pair[0], SENTINEL), holding(pair[1], SECRET_FILLED)
    assume(code.blocks)
    before, after = (code, live) if is_back else (live, code)

    changes = list(diff(before, after, bound=bound))

    found = [*changes, *consequences(before, after)]
    told = [repr(found), *as_lines(found), *(json.dumps(as_data(c)) for c in found)]
    assert not any(SENTINEL in text for text in told)
    assert SENTINEL.encode() not in pickle.dumps(found)
    made = apply(changes, before)
    assert fingerprint(made, bound=bound) == fingerprint(after, bound=bound)


@given(pairs(), st.data())
def test_what_is_unmanaged_stays_and_is_no_change(pair, data):
    """Whatever code manages, other fields are listed apart, and `apply` keeps them."""
    before, after = pair
    assume(len({b.id.lower() for b in before.blocks}) == len(before.blocks))
    managed = {
        block.id: frozenset(data.draw(st.sets(st.sampled_from(sorted(block.specs)))))
        for block in after.blocks
        if block.specs
    }

    changes = list(diff(before, after, managed=managed))

    others = {c.block.id for c in changes if isinstance(c, KindChanged)}
    fields = [c for c in changes if hasattr(c, "path") and c.block.id not in others]
    for change in fields:
        is_ours = change.path[0] in managed.get(change.block.id, ())
        assert is_ours != isinstance(change, Unmanaged)
    made = apply(changes, before)
    for change in fields:
        if isinstance(change, Unmanaged):
            specs = made.blocks[made.index[change.block.id]].specs
            kept = change.before
            kept = kept.content if isinstance(kept, Hidden) else kept
            assert specs.get(change.path[0], UNSET) == kept
