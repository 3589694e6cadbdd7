"""Lifting: a definition becomes a flow that means the same, or one error says why."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import flow64.compiler
from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, fan, tap, value, variants
from flow64.blocks import (
    FindEmail,
    GroupBy,
    LeadEnrichment,
    OutgoingWebhook,
    ReadCsv,
    Search,
    Webhook,
)
from flow64.compiler import Lowered, _lift, lift, lower
from flow64.definition import (
    Definition,
    ListedOrigins,
    ProjectKey,
    Stamp,
    bind,
    fingerprint,
    from_data,
    loads,
    with_stamp,
)
from flow64.dsl import outline
from flow64.errors import CannotLiftError, FlowError
from tests.dsl.support import blocks

EXAMPLES = Path(__file__).parents[2] / "examples"
GROWTH = Project("growth", namespace="acme.example")
NODES = "abcdefgh"


def uuid(at):
    return f"{at:08d}-0000-4000-8000-000000000000"


def wired(pairs, nodes="", kinds=None, **more):
    """A definition of raw blocks that are called as they are wired."""
    nodes = sorted({*nodes, *(end for pair in pairs for end in pair)})
    ids = {node: uuid(at) for at, node in enumerate(nodes)}
    made = [
        {
            "block_id": ids[node],
            "block_name": (kinds or {}).get(node, node),
            "block_type": "transform",
            "sequence_number": at,
            "specs": {},
        }
        for at, node in enumerate(nodes)
    ]
    edges = [
        {"from_block_id": ids[a], "to_block_id": ids[b], **more.get("edge", {})}
        for a, b in pairs
    ]
    body = {
        "workflow_name": "W",
        "workflow_description": "",
        "workflow_definition": {"blocks": made, "edges": edges},
    }
    return from_data(body | more.get("body", {}))


def relowered(lifted, env="default"):
    return lower(lifted.flows, lifted.identity.head(env)).definition


def assert_same(definition, **options):
    """What was lifted, after a look that it means the same."""
    lifted = lift(definition, **options)
    assert fingerprint(relowered(lifted)) == fingerprint(definition)
    return lifted


def plain(identity):
    """An identity as far as it can be read from a definition."""
    owner = identity.project
    project = None if owner is None else ProjectKey(owner.key, owner.namespace)
    return identity._replace(
        place=None, project=project, segments=tuple(identity.segments)
    )


def outlines(pairs, nodes=""):
    return [outline(flow) for flow in assert_same(wired(pairs, nodes)).flows]


# -- Graphs ---------------------------------------------------------------------------

SHAPES = {
    "one block": ([], "a", ["a"]),
    "a chain": (["ab", "bc"], "", ["a >> b >> c"]),
    "a diamond": (["ab", "ac", "bd", "cd"], "", ["a >> [b, c] >> d"]),
    "two ends": (["ab", "ac"], "", ["a >> [b, c]"]),
    "two sources": (["ac", "bc"], "", ["[a, b] >> c"]),
    "everything with everything": (["ac", "ad", "bc", "bd"], "", ["[a, b] >> [c, d]"]),
    "branches of two": (
        ["ab", "bc", "ad", "de", "cf", "ef"],
        "",
        ["a >> [b >> c, d >> e] >> f"],
    ),
    "nested": (
        ["ab", "ac", "bd", "be", "df", "ef", "cg", "fg"],
        "",
        ["a >> [b >> [d, e] >> f, c] >> g"],
    ),
    "a long end beside a short one": (
        ["ab", "ac", "cd", "de"],
        "",
        ["a >> tap(b) >> c >> d >> e"],
    ),
    "a side branch inside": (
        ["ab", "ac", "bd", "be", "cf", "ef"],
        "",
        ["a >> [b >> tap(d) >> e, c] >> f"],
    ),
    "an edge beside a chain": (["ab", "bc", "ac"], "", ["a >> [b, c]", "b >> c"]),
    "an N whose one leg ends": (["ac", "ad", "bd"], "", ["[a >> tap(c), b] >> d"]),
    "an edge beside a longer chain": (
        ["ab", "bc", "ac", "cd"],
        "",
        ["a >> [b, c >> d]", "b >> c >> d"],
    ),
    "two that share one": (
        ["ac", "ad", "bd", "be", "cf", "df", "ef"],
        "",
        ["a >> [c, d]", "b >> [d, e]", "[c, d, e] >> f"],
    ),
    "a line through all of it": (
        ["ab", "ac", "bd", "cd", "ad", "de", "ae"],
        "",
        ["a >> [[b, c], d, e]", "[b, c] >> d >> e"],
    ),
    "apart": (["ac"], "b", ["a >> c", "b"]),
    "twice the same edge": (["ab", "ab"], "", ["a >> b"]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    pairs, nodes, expected = SHAPES[name]

    assert sorted(outlines(pairs, nodes)) == sorted(expected)


@st.composite
def graphs(draw):
    """Any graph without a cycle, of few blocks, some with a kind in common."""
    count = draw(st.integers(1, len(NODES)))
    every = [(a, b) for a in range(count) for b in range(a + 1, count)]
    pairs = draw(
        st.lists(st.sampled_from(every), unique=True) if every else st.just([])
    )
    order = draw(st.permutations(NODES[:count]))
    kinds = {node: draw(st.sampled_from(["find_email", node])) for node in order}
    return wired([(order[a], order[b]) for a, b in pairs], NODES[:count], kinds)


@given(graphs())
def test_every_graph(definition):
    """Law: whatever has no cycle is lifted, and means the same."""
    assert_same(definition)


@st.composite
def flows(draw):
    """What the language can say with one chain."""
    names = iter(range(1000))

    def leaf():
        return RawBlock("x", key=f"k{next(names)}")

    def made(depth):
        shape = draw(st.sampled_from(["leaf", "series", "fan", "tapped"]))
        if shape == "leaf" or not depth:
            return leaf()
        if shape == "tapped":
            return leaf() >> tap(made(depth - 1)) >> made(depth - 1)
        several = [made(depth - 1) for _ in range(draw(st.integers(2, 3)))]
        if shape == "fan":
            return fan(*several)
        flow, *rest = several
        for one in rest:
            flow = flow >> one
        return flow

    return leaf() >> made(3) >> leaf()


@given(flows())
def test_what_one_chain_says(flow):
    """Law: what was written as one chain is lifted as one chain."""
    definition = Workflow("W", flow).compile()

    assert len(assert_same(definition).flows) == 1


LONG = {
    "a chain": lambda n: [(at, at + 1) for at in range(n)],
    "a comb": lambda n: [(at, to) for at in range(0, n, 2) for to in (at + 1, at + 2)],
    "nested diamonds": lambda n: [
        pair
        for at in range(0, n, 3)
        for pair in (
            (at, at + 3),
            (at, at + 1),
            (at + 1, at + 2),
            (at + 5 if at + 3 < n else at + 3, at + 2),
        )
    ],
    "a ladder": lambda n: (
        [pair for at in range(0, n, 2) for pair in ((at, at + 2), (at, at + 3))]
        + [(at + 1, at + 3) for at in range(0, n, 2)]
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_long(name):
    """No graph is too deep."""
    pairs = LONG[name](600)
    named = [(f"{a:05d}", f"{b:05d}") for a, b in pairs]
    ids = {node: node for pair in named for node in pair}
    data = [
        {
            "block_id": uuid(int(node)),
            "block_name": "x",
            "block_type": "transform",
            "sequence_number": 1,
            "specs": {},
        }
        for node in ids
    ]
    edges = [
        {"from_block_id": uuid(int(a)), "to_block_id": uuid(int(b))} for a, b in named
    ]
    graph = {"blocks": data, "edges": edges}
    body = {"workflow_name": "W", "workflow_definition": graph}

    assert_same(from_data(body))


def bodies(path):
    data = json.loads(path.read_bytes())
    return [
        loads(json.dumps(body)) for body in (data if isinstance(data, list) else [data])
    ]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda p: p.stem)
def test_examples_as_json(path):
    """Without keys: each block is pinned."""
    for definition in bodies(path)[:3]:
        lifted = assert_same(definition)

        assert relowered(lifted).id == definition.id


@pytest.mark.parametrize(
    "name", ["side_branch", "shared_fragment", "regional_variants"]
)
def test_examples_as_code(name, monkeypatch):
    """With keys: nothing is pinned."""
    monkeypatch.syspath_prepend(EXAMPLES)
    module = importlib.import_module(name)
    one = getattr(module, "workflow", None) or module.workflows["de"]

    lifted = assert_same(one.compile(), identity=one.identity)

    assert plain(lifted.identity) == plain(one.identity)
    assert relowered(lifted) == one.compile()
    assert assert_same(one.compile(env="prod")).identity == plain(one.identity)


# -- What cannot be lifted -------------------------------------------------------------

FAULTS = {
    "no blocks": (wired([]), "it has no blocks"),
    "a cycle": (wired(["ab", "bc", "cb"]), "rows run in a circle"),
    "a self-edge": (wired(["aa"]), "rows run in a circle"),
    "a condition": (
        wired(["ab"], edge={"condition": "x > 1"}),
        "an edge has a condition, which code cannot say",
    ),
    "a large integer": (None, "/specs/n: integers beyond 2^53 - 1 lose digits in JSON"),
    "an edge into nowhere": (None, "an edge names the block 'x', which is not there"),
    "an id twice": (
        None,
        "2 blocks have the id '00000000-0000-4000-8000-000000000000'",
    ),
    "an id of its own": (None, "the block id 'x' is not a UUID"),
    "no kind": (wired([], "a", {"a": ""}), f"the block {uuid(0)!r} has no block_name"),
    "a title that is no text": (
        evolve(wired([], "a"), name="\ud800"),
        "name '\\ud800' is not Unicode text",
    ),
}


def faulty(name):
    definition, _ = FAULTS[name]
    if definition is not None:
        return definition
    whole = wired(["ab"])
    first, second = whole.blocks
    specs = type(first.specs)({"n": 2**53})
    changes = {
        "a large integer": {"blocks": (first._replace(specs=specs), second)},
        "an edge into nowhere": {"edges": (whole.edges[0]._replace(target="x"),)},
        "an id twice": {"blocks": (first, second._replace(id=first.id)), "edges": ()},
        "an id of its own": {"blocks": (first._replace(id="x"), second), "edges": ()},
    }
    return evolve(whole, **changes[name])


@pytest.mark.parametrize("name", FAULTS)
def test_faults(name):
    """One error says all of it."""
    definition = faulty(name)

    with pytest.raises(CannotLiftError) as error:
        lift(definition)

    assert isinstance(error.value, FlowError)
    assert error.value.problems == [FAULTS[name][1]]
    assert str(error.value) == (
        f"{definition.name!r} cannot be written as flow64 code: {FAULTS[name][1]}; "
        "correct that, or keep it as JSON"
    ).replace("'\ud800'", "'\\ud800'")


def test_many_faults():
    """What is too long for a message is counted."""
    found = wired(["ab"])
    edges = [found.edges[0]._replace(target=f"x{at}") for at in range(7)]

    with pytest.raises(CannotLiftError, match="; and 2 more; correct that"):
        lift(evolve(found, edges=tuple(edges)))


def test_what_is_left_out():
    """What the service does not read is named."""
    body = {"folder": 1}
    definition = wired(["ab"], edge={"colour": "red", "condition": None}, body=body)
    first, second = definition.blocks
    noted = first._replace(extra=type(first.extra)({"note": 1}))
    graph = type(first.extra)({"zoom": 2})
    definition = evolve(definition, blocks=(noted, second), graph_extra=graph)

    assert lift(definition).omitted == (
        "of the workflow 'folder'",
        "of the graph 'zoom'",
        "of the block 'a' 'note'",
        "of edges 'colour'",
    )


# -- Keys, ids and pins ---------------------------------------------------------------


def inbound(flow=None, **options):
    flow = flow if flow is not None else Webhook(LEAD) >> FindEmail()
    return Workflow("Inbound leads", flow, **{"project": GROWTH, **options})


def test_keys_of_code():
    """A title that gives the key still does, scopes stay, and nothing is pinned."""
    work = FindEmail().scoped("work") >> FindEmail(key="again").scoped("inner").scoped(
        "x"
    )
    one = inbound(Webhook(LEAD) >> work)

    lifted = assert_same(one.compile())

    assert lifted.identity == plain(one.identity)
    assert [part.scope for part in lifted.parts[0].members] == [
        (),
        ("work",),
        ("x", "inner"),
    ]
    assert not lifted.identity.pins


def test_renamed():
    """A block that was renamed has an id of its old key, so it is pinned."""
    flow = Webhook(LEAD) >> FindEmail(key="new", was="old")
    one = inbound(flow, key="inbound", was="leads")
    ids = {block.kind: block.id for block in one.compile().blocks}

    by_path = assert_same(one.compile()).identity
    by_identity = assert_same(one.compile(), identity=one.identity).identity

    assert by_path.pins == {"blocks": {"new": ids["find_email"]}}
    assert (by_path.key, by_path.was) == ("leads", None)
    assert (by_identity.key, by_identity.was) == ("inbound", "leads")
    assert by_path.head().id == by_identity.head().id == one.id()


def test_pinned():
    """An imported workflow stays the one that it is, in its environment."""
    pins = {"workflow": {"prod": uuid(7)}, "blocks": {"find_email": uuid(8)}}
    one = inbound(key="inbound", pins=pins)

    assert assert_same(one.compile(env="prod")).identity == plain(one.identity)
    local = inbound(key="inbound", pins=pins, project=None)
    assert assert_same(local.compile(env="prod")).identity.pins == pins


def test_variant():
    """A variant keeps its segments."""
    made = variants(lambda: inbound(key="inbound"), {"us": {}})["us"]

    lifted = assert_same(made.compile())

    assert lifted.identity.segments == (("variant", "us"),)
    assert lifted.identity.head().id == made.id()


def live(one, path, workflow_id):
    """What the service answers after a deploy."""
    stamp = Stamp(path, "0" * 16, "0" * 16)
    data = json.loads(one.to_json(env="prod"))
    return from_data(
        {
            "id": workflow_id,
            "name": data["workflow_name"],
            "description": with_stamp("what it does", stamp),
            "workflow_definition": data["workflow_definition"],
        }
    )


def test_stamp():
    """A genuine stamp tells namespace, project and environment."""
    one = inbound(key="inbound", description="what it does")
    definition = live(one, one.compile(env="prod").path, one.id("prod"))

    lifted = assert_same(definition)

    assert lifted.identity == plain(one.identity)
    assert relowered(lifted, "prod").id == one.id("prod")


def test_stamp_in_the_text():
    """A stamp is no part of a description, wherever it was read."""
    stamp = Stamp("ns:local/workflow:w", "0" * 16, "0" * 16)
    definition = evolve(wired([], "a"), description=with_stamp("what it does", stamp))

    assert assert_same(definition).identity.description == "what it does"


def test_stamp_of_another():
    """A copy made in the editor is what it is, and none of ours."""
    one = inbound(key="inbound")
    definition = live(one, one.compile(env="prod").path, uuid(5))

    identity = assert_same(definition, env="prod").identity

    assert identity.project is None
    assert identity.key == "inbound-leads"
    assert identity.pins["workflow"] == {"prod": uuid(5)}


STRANGE = ["pin:{id}", "x:y/pin:{id}", "ns:acme.example/workflow:w/pin:{id}"]


@pytest.mark.parametrize("path", STRANGE)
def test_strange_path(path):
    """A stamp of which no keys can be read tells nothing."""
    definition = live(inbound(key="w"), path.format(id=uuid(5)), uuid(5))

    identity = assert_same(definition, env="prod").identity

    assert (identity.project, identity.key) == (None, "inbound-leads")
    assert identity.pins["workflow"] == {"prod": uuid(5)}


def test_no_title():
    """A workflow without a title still has a key."""
    definition = evolve(wired([], "a"), name="...", path=None, id=None)

    assert assert_same(definition).identity.key == "workflow"


def test_kinds_that_are_there_twice():
    """Blocks without keys are called by their kind, or by kind and id."""
    kinds = {"a": "x", "b": "x", "c": "y", "d": "z" * 600}
    identity = assert_same(wired(["ab", "bc", "cd"], kinds=kinds)).identity

    assert identity.pins["blocks"] == {
        "x-00000000": uuid(0),
        "x-00000001": uuid(1),
        "y": uuid(2),
        "block": uuid(3),
    }


def test_keys_that_look_alike():
    """No two blocks have one path, whatever they were called."""
    ids = [f"00000000-0000-4000-8000-00000000000{at}" for at in range(4)]
    definition = wired(["ab", "bc", "cd"], kinds=dict.fromkeys("abcd", "x"))
    origin = evolve(definition.origins[0], path="x-00000000", key="x")
    made = [
        block._replace(id=id_)
        for block, id_ in zip(definition.blocks, ids, strict=True)
    ]
    origins = [origin, origin, evolve(origin, path=None), evolve(origin, path="")]
    definition = evolve(
        definition, blocks=tuple(made), edges=(), origins=ListedOrigins(origins)
    )

    pins = assert_same(definition).identity.pins["blocks"]

    assert pins == {
        "x-00000000": ids[0],
        **{f"x-{id_}-1": id_ for id_ in ids[1:]},
    }


def test_deep_scope():
    """Of a block in very many scopes only the id is kept."""
    flow = FindEmail()
    for at in range(20):
        flow = flow.scoped(f"s{at}")
    one = inbound(Webhook(LEAD) >> flow)

    assert list(assert_same(one.compile()).identity.pins["blocks"]) == ["find_email"]


# -- Blocks ---------------------------------------------------------------------------


def lifted_block(block):
    """The second block of a workflow, after it was lifted."""
    one = inbound(Webhook(LEAD) >> block)
    lowered = one._lower(None, None).definition
    return assert_same(lowered).parts[0].members[1].block


SPECS = {
    "a block of the catalogue": (
        FindEmail(mode="PERSONAL"),
        "FindEmail(mode='PERSONAL')",
    ),
    "a field it does not know": (
        FindEmail(extra={"region": "emea"}),
        "FindEmail(extra={'region': 'emea'})",
    ),
    "a field that is passed on": (
        FindEmail(extra={"mode": "NEW"}),
        "FindEmail(extra={'mode': 'NEW'})",
    ),
    "one that lacks a field": (
        RawBlock("lead_enrichment", specs={"tier": "low"}),
        "RawBlock(block_name='lead_enrichment', specs={'tier': 'low'})",
    ),
    "a kind of unknown fields": (
        GroupBy(specs={"by": "x"}),
        "GroupBy(specs={'by': 'x'})",
    ),
    "fields called like arguments": (
        RawBlock("find_email", specs={"key": 1, "specs": 2, "class": 3}),
        "FindEmail(extra={'key': 1, 'specs': 2, 'class': 3})",
    ),
    "specs in specs": (
        RawBlock("group_by", specs={"specs": 2}),
        "GroupBy(specs={'specs': 2})",
    ),
    "an unknown kind": (
        RawBlock("new", specs={"x": [1]}, key="k", extra={"y": 2}),
        "RawBlock(block_name='new', specs={'x': [1]}, key='k', extra={'y': 2})",
    ),
    "what it silences": (
        FindEmail(allow=["b", "a"]),
        "FindEmail(allow=('a', 'b'))",
    ),
    "a value": (
        OutgoingWebhook(url=value("hook")),
        "OutgoingWebhook(url=Value(name='hook', secret=False))",
    ),
    "a file of people": (
        RawBlock("read_csv", specs={"dataframe_type": "LEAD"}),
        "ReadCsv(dataframe_type=LEAD)",
    ),
    "a file of companies": (ReadCsv(COMPANY), "ReadCsv(dataframe_type=COMPANY)"),
    "a row kind that is none": (
        RawBlock("read_csv", specs={"dataframe_type": "X"}),
        "ReadCsv(dataframe_type='X')",
    ),
    "a row kind in another place": (
        RawBlock("find_email", specs={"mode": "LEAD"}),
        "FindEmail(mode='LEAD')",
    ),
    "what code would set by itself": (
        RawBlock("search", specs={"dataframe_type": "LEAD", "query": "q"}),
        "RawBlock(block_name='search', specs={'dataframe_type': 'LEAD', 'query': 'q'})",
    ),
    "what code sets": (
        Search(LEAD, query="q", auto_execute=True),
        "Search(dataframe_type=LEAD, query='q', auto_execute=True)",
    ),
}


@pytest.mark.parametrize("name", SPECS)
def test_blocks(name):
    written, expected = SPECS[name]

    assert repr(lifted_block(written)) == expected


def test_secret():
    """A secret that was filled in is lifted by its name."""
    found = inbound(
        Webhook(LEAD) >> LeadEnrichment(return_fields={"a": value("key", secret=True)})
    ).compile()
    bound = bind(found, {"key": "sk_test_not_a_real_key"}, [])

    flow = assert_same(bound).parts[0]

    assert "not_a_real" not in repr(flow.members[1].block)
    assert flow.members[1].block.return_fields == {"a": value("key", secret=True)}


def test_allowed():
    """What a project silences is lifted with it."""
    project = Project("growth", namespace="acme.example", allow=["isolated-block"])

    assert lift(inbound(project=project).compile()).allow == ("isolated-block",)


def test_unknown_name():
    """What the room does not have is an `AttributeError`, as everywhere."""
    with pytest.raises(AttributeError, match="no attribute 'lifted'"):
        flow64.compiler.lifted


def test_made_by_hand():
    """A definition of which nothing is known but the graph."""
    (block,) = blocks("a")
    made = Workflow("W", block).compile()
    bare = Definition("W", "", made.blocks, ())

    assert assert_same(bare).identity.pins["blocks"] == {"step": made.blocks[0].id}


def test_what_would_say_something_else_is_not_given_out(monkeypatch):
    """Whatever mistake is made in lifting, none of it reaches anybody."""
    other = wired(["ab"])
    monkeypatch.setattr(_lift, "lower", lambda *_: Lowered(other))

    with pytest.raises(CannotLiftError, match="it would say something else"):
        lift(wired(["ab", "bc"]))
