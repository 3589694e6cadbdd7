"""Keys and ids: which path a name gives, what it may be, and how an id is kept."""

from __future__ import annotations

import uuid

import pytest

from flow64 import LEAD, Project, RawBlock, Workflow, errors
from flow64.blocks import FindEmail, FindPhone, Webhook
from flow64.definition import FLOW64, id_of
from tests.dsl.support import blocks, compiled, names

growth = Project("growth", namespace="acme.example")
ID = "11111111-2222-4333-8444-555555555555"
OTHER = "abcdef99-2222-4333-8444-555555555555"


def block_id(path):
    """Calculate the id that the standard library gives a path."""
    return str(uuid.uuid5(FLOW64, path))


def found(workflow, **options):
    """Codes, where and lines of what is wrong with the keys of a workflow."""
    findings = workflow.check(**options)
    return [(f.code, f.where, f.message) for f in findings if f.severity == "error"]


# -- Paths ----------------------------------------------------------------------------

flow = Webhook(LEAD) >> FindEmail()
PATHS = {
    "local": (
        Workflow("Enrich inbound leads", flow),
        "default",
        "ns:local/workflow:enrich-inbound-leads",
    ),
    "a key": (Workflow("Leads", flow, key="k"), "default", "ns:local/workflow:k"),
    "a project": (
        Workflow("Leads", flow, project=growth),
        "default",
        "ns:acme.example/project:growth/workflow:leads",
    ),
    "an environment": (
        Workflow("Leads", flow, project=growth),
        "staging",
        "ns:acme.example/project:growth/env:staging/workflow:leads",
    ),
    "an environment without a project": (
        Workflow("Leads", flow),
        "prod",
        "ns:local/env:prod/workflow:leads",
    ),
    "renamed": (
        Workflow("Leads", flow, key="new", was="old"),
        "default",
        "ns:local/workflow:old",
    ),
    "a variant": (
        Workflow("Leads", flow).varied([("variant", "us")]),
        "default",
        "ns:local/workflow:leads/variant:us",
    ),
    "a variant of a variant": (
        Workflow("Leads", flow).varied([("variant", "us")]).varied([("variant", "b")]),
        "default",
        "ns:local/workflow:leads/variant:us/variant:b",
    ),
    "axes": (
        Workflow("Leads", flow, project=growth).varied(
            [
                ("axis", "region"),
                ("variant", "us"),
                ("axis", "size"),
                ("variant", "big"),
            ]
        ),
        "prod",
        (
            "ns:acme.example/project:growth/env:prod/workflow:leads"
            "/axis:region/variant:us/axis:size/variant:big"
        ),
    ),
    "letters outside ASCII": (
        Workflow("Été №1", flow, project=Project("a/b c", namespace="é")),
        "default",
        "ns:%C3%A9/project:a%2Fb%20c/workflow:%C3%89t%C3%A9-%E2%84%961",
    ),
}


@pytest.mark.parametrize("name", PATHS)
def test_workflow_path(name):
    """A workflow's id is that of its path, which names only what a person wrote."""
    workflow, env, path = PATHS[name]

    definition = workflow.compile(env)

    assert definition.path == path
    assert definition.id == workflow.id(env) == block_id(path)
    owner = path.replace(f"/env:{env}", "")
    assert [block.id for block in definition.blocks] == [
        block_id(f"{owner}/block:{kind}") for kind in ("webhook", "find_email")
    ]


def test_scopes_are_segments():
    """A block stands under the scopes around it, outermost first."""
    inner = FindEmail(key="a b").scoped("in/ner")
    workflow = Workflow("w", Webhook(LEAD) >> inner.scoped("outer"))

    definition = workflow.compile()

    path = "ns:local/workflow:w/scope:outer/scope:in%2Fner/block:a%20b"
    assert definition.blocks[1].id == block_id(path)
    assert definition.origins[1].path == "outer/in%2Fner/a b"


def test_ids_are_pinned():
    """These ids are in use: a release that changes one has lost somebody's workflow."""
    workflow = Workflow("Enrich inbound leads", flow, key="inbound", project=growth)

    assert workflow.id() == "daa12758-7a2b-51fe-b180-da1979d40573"
    assert [block.id for block in workflow.compile().blocks] == [
        "56aaf535-b0ae-51c4-997b-9ea8090720c1",
        "1764e457-c06d-5b72-9dca-559f82194c50",
    ]
    assert workflow.fingerprint() == (
        "496dc0251be6b294182eb442a397f1a28f9a37a9403a349710d69456123b166b"
    )


def test_was_keeps_ids():
    """A renamed block, scope or workflow keeps its ids until `was=` is taken out."""
    before = Workflow("w", Webhook(LEAD) >> FindEmail(key="a").scoped("s"), key="k")
    after = Workflow(
        "w",
        Webhook(LEAD, key="in", was="webhook")
        >> FindEmail(key="b", was="a").scoped("t", was="s"),
        key="l",
        was="k",
    )

    assert after.to_json() == before.to_json()
    assert names_of(after) == ["in", "t/b"]


LEADS, EMAIL = Webhook(LEAD), FindEmail()
MOVES = {
    "into a scope": (EMAIL, EMAIL.scoped("work", was="")),
    "scopes into a scope": (
        EMAIL.scoped("a") >> FindPhone().scoped("b"),
        (EMAIL.scoped("a") >> FindPhone().scoped("b")).scoped("work", was=""),
    ),
    "out of a scope": (EMAIL.scoped("work"), FindEmail(was="work/find_email")),
    "to another scope": (
        EMAIL.scoped("work") >> FindPhone().scoped("home"),
        FindEmail(was="work/find_email", key="x").scoped("home")
        >> FindPhone().scoped("home"),
    ),
    "into a scope that is there": (
        EMAIL >> FindPhone().scoped("work"),
        (FindEmail(was="/find_email") >> FindPhone()).scoped("work"),
    ),
    "out of an outer scope": (
        EMAIL.scoped("in").scoped("out"),
        EMAIL.scoped("in", was="out/in"),
    ),
    "an inner scope that was none": (
        EMAIL >> FindPhone().scoped("work"),
        (EMAIL.scoped("deep", was="/") >> FindPhone()).scoped("work"),
    ),
    "escaped": (
        FindEmail(key="a/b=%2F"),
        FindEmail(key="c", was="a%2Fb%3D%252F"),
    ),
}


@pytest.mark.parametrize("name", MOVES)
def test_was_keeps_ids_through_a_move(name):
    """A scope may have been none or another, and a block may have been elsewhere."""
    before, after = (Workflow("w", LEADS >> flow, key="k") for flow in MOVES[name])

    ids = [[block.id for block in flow.compile().blocks] for flow in (before, after)]
    assert sorted(ids[0]) == sorted(ids[1])
    assert before.fingerprint() == after.fingerprint()


def names_of(workflow):
    definition = workflow.lower().definition
    return [definition.origins[at].path for at in range(len(definition.blocks))]


# -- Keys that cannot be --------------------------------------------------------------

BAD_KEYS = {
    "empty": "",
    "too long": "x" * 513,
    "a number": 5,
    "a list": ["x"],
    "a surrogate": "\ud800",
    "bytes": b"x",
}


@pytest.mark.parametrize("argument", ["key", "was"])
@pytest.mark.parametrize("name", BAD_KEYS)
def test_bad_block_keys(name, argument):
    """A key is text of 1 to 512 characters; anything else is a finding at its block."""
    bad = {"key": "a", argument: BAD_KEYS[name]}

    block = FindEmail(**bad)

    findings = Workflow("w", Webhook(LEAD) >> block).check()

    (finding,) = [f for f in findings if f.severity == "error"]
    assert (finding.code, finding.family) == ("invalid-key", "keys")
    assert finding.place == block.place


def test_key_that_equals_a_key():
    """A class of text is no key, also after a workflow with an equal text."""
    equal = type("Name", (str,), {})("step")

    codes = [
        [f.code for f in Workflow("w", Webhook(LEAD) >> FindEmail(key=key)).check()]
        for key in ("step", equal, "step")
    ]

    assert ["invalid-key" in each for each in codes] == [False, True, False]


@pytest.mark.parametrize("argument", ["key", "was"])
@pytest.mark.parametrize("name", BAD_KEYS)
def test_bad_workflow_keys(name, argument):
    """The keys of a workflow are held to the same."""
    bad = {"key": "a", argument: BAD_KEYS[name]}

    assert [code for code, _, _ in found(Workflow("w", flow, **bad))] == ["invalid-key"]


@pytest.mark.parametrize("scope", [("",), ("x" * 513,), ("\ud800",), ("a", "b//c")])
def test_bad_scope_names(scope):
    """A scope's name is a key as well."""
    name, was = (*scope, None)[:2]
    workflow = Workflow("w", Webhook(LEAD) >> FindEmail().scoped(name, was=was))

    assert [code for code, _, _ in found(workflow)] == ["invalid-key"]


@pytest.mark.parametrize("name", BAD_KEYS)
def test_bad_environments_and_projects(name):
    """Environment, project key and namespace are keys as well."""
    bad = BAD_KEYS[name]
    two = Workflow("w", flow, project=Project(bad, namespace=bad))

    assert [code for code, _, _ in found(Workflow("w", flow), env=bad)] == [
        "invalid-key"
    ]
    assert [code for code, _, _ in found(two)] == ["invalid-key", "invalid-key"]


@pytest.mark.parametrize("title", ["", "!!!", "  ", "---"])
def test_title_without_a_slug(title):
    """A title of nothing but punctuation asks for a key, and with a key it passes."""
    (finding,) = found(Workflow(title, flow))

    assert finding[0] == "key-needed"
    assert found(Workflow(title, flow, key="k")) == []


@pytest.mark.parametrize("text", [5, None, "\ud800", b"x"])
def test_titles_are_text(text):
    """Title and description are Unicode text."""
    workflow = Workflow(text, flow, key="k", description=text)

    assert [code for code, _, _ in found(workflow)] == ["invalid-name", "invalid-name"]


# -- Keys that stand twice ------------------------------------------------------------


def test_equal_keys():
    """Two blocks of one scope with one key are an error that names both lines."""
    first = FindEmail(key="a")
    second = RawBlock("new", key="a")

    (finding,) = [
        f
        for f in Workflow("w", Webhook(LEAD) >> first >> second).check()
        if f.severity == "error"
    ]

    assert finding.code == "duplicate-key"
    assert str(first.place) in finding.message
    assert finding.place == second.place


def test_equal_default_keys():
    """Two blocks of one kind without keys are an error, since a counter moves ids."""
    first, second = FindEmail(), FindEmail()

    (finding,) = [
        f
        for f in Workflow("w", Webhook(LEAD) >> first >> second).check()
        if f.severity == "error"
    ]

    assert finding.code == "ambiguous-default-key"
    assert str(first.place) in finding.message
    assert finding.place == second.place


def test_keys_equal_after_normalization():
    """Composed and decomposed letters are one key, so they are one id or an error."""
    composed, decomposed = "\u00e9t\u00e9", "e\u0301te\u0301"
    ids = {
        Workflow(name, Webhook(LEAD, key=name), key=name, project=Project(name, "x.y"))
        .compile()
        .id
        for name in (composed, decomposed)
    }
    twins = (
        Webhook(LEAD) >> RawBlock("a", key=composed) >> RawBlock("b", key=decomposed)
    )
    scopes = (
        Webhook(LEAD)
        >> RawBlock("a").scoped(composed)
        >> RawBlock("a").scoped(decomposed)
    )

    assert len(ids) == 1
    assert [code for code, _, _ in found(Workflow("w", twins))] == ["duplicate-key"]
    assert [code for code, _, _ in found(Workflow("w", scopes))] == [
        "ambiguous-default-key"
    ]


def test_equal_keys_in_two_scopes():
    """A key need only be the one of its scope."""
    step = FindEmail(key="a")

    workflow = Workflow("w", Webhook(LEAD) >> step >> step.scoped("s"))

    assert found(workflow) == []
    assert names_of(workflow) == ["webhook", "a", "s/a"]


SAME_IDS = [
    (FindEmail(key="new", was="old"), FindPhone(key="old")),
    (FindEmail(key="a", was="old"), FindPhone(key="b", was="old")),
    (FindEmail(key="a"), FindPhone(was="a")),
    (FindEmail(key="a", id=ID), FindPhone(key="b", id=ID.upper())),
    # Ids of their own, and one name: it is said before `was=` is taken out.
    (FindEmail(key="x", was="a"), FindEmail(key="x", was="b")),
    (FindEmail(was="a"), FindEmail()),
    (FindEmail(key="x").scoped("s", was="a"), FindEmail(key="x").scoped("s")),
    (FindEmail(key="x").scoped("s", was=""), FindPhone(key="x")),
    (FindEmail(was="s/x"), FindPhone(key="x").scoped("s")),
    (FindEmail(key="x", id=ID), FindEmail(key="x", id=OTHER)),
]


@pytest.mark.parametrize("pair", SAME_IDS)
def test_renamed_twins(pair):
    """Blocks that a rename or a pin makes one are an error that names both lines."""
    first, second = pair

    with pytest.raises(errors.CompileError) as caught:
        Workflow("w", Webhook(LEAD) >> first >> second, key="w").compile()

    first, second = (getattr(flow, "flow", flow) for flow in pair)  # inside its scope
    (finding,) = caught.value.findings
    assert (finding.code, finding.place) == ("duplicate-key", second.place)
    assert str(first.place) in finding.message


def test_swapped_names():
    """Blocks may swap keys, since `was=` says which is which."""
    before = Webhook(LEAD) >> FindEmail(key="a") >> FindEmail(key="b")
    after = Webhook(LEAD) >> FindEmail(key="b", was="a") >> FindEmail(key="a", was="b")

    assert Workflow("w", after).to_json() == Workflow("w", before).to_json()


# -- Pins -----------------------------------------------------------------------------


def test_pinned_block():
    """`id=` and `pins=` put an imported id in place of the computed one."""
    by_block = Webhook(LEAD) >> FindEmail(id=ID).scoped("work")
    by_pin = Webhook(LEAD) >> FindEmail().scoped("work")
    pins = {"blocks": {"work/find_email": ID}}

    definition = Workflow("w", by_block).compile()

    assert definition.blocks[1].id == definition.edges[0].target == ID
    assert (
        Workflow("w", by_pin, pins=pins).to_json() == Workflow("w", by_block).to_json()
    )


def test_pinned_workflow():
    """A workflow is pinned for each environment; `id=` is short for `default`."""
    pinned = Workflow("w", flow, id=ID, pins={"workflow": {"prod": OTHER.upper()}})

    assert [pinned.id(env) for env in ("default", "prod", "staging")] == [
        ID,
        OTHER,  # in the spelling that the service gives back
        id_of("ns:local/env:staging/workflow:w"),
    ]
    assert pinned.compile().path == f"ns:local/workflow:w/pin:{ID}"
    assert pinned.compile("staging").path == "ns:local/env:staging/workflow:w"


BAD_PINS = {
    "a block that is not a UUID": (
        lambda: Workflow("w", Webhook(LEAD) >> FindEmail(id="x")),
        "invalid-id",
    ),
    "a block that is no text": (
        lambda: Workflow("w", Webhook(LEAD) >> FindEmail(id=5)),
        "invalid-id",
    ),
    "a pin that is not a UUID": (
        lambda: Workflow("w", flow, pins={"blocks": {"find_email": "x"}}),
        "invalid-id",
    ),
    "a pin of nothing": (
        lambda: Workflow("w", flow, pins={"blocks": {"find_emial": ID}}),
        "unknown-pin",
    ),
    "a part that is none": (
        lambda: Workflow("w", flow, pins={"block": {}}),
        "unknown-pin",
    ),
    "a workflow that is not a UUID": (
        lambda: Workflow("w", flow, id="x"),
        "invalid-id",
    ),
    "a workflow that is no text": (lambda: Workflow("w", flow, id=5), "invalid-id"),
    "two blocks of one id": (
        lambda: Workflow("w", Webhook(LEAD, id=ID) >> FindEmail(id=ID)),
        "duplicate-key",
    ),
}


def test_key_that_is_none_beside_a_renamed_block():
    """It is told once, and no name of anything."""
    workflow = Workflow("w", Webhook(LEAD) >> FindEmail(key=5) >> FindPhone(was="old"))

    assert [code for code, _, _ in found(workflow)] == ["invalid-key"]


@pytest.mark.parametrize("name", BAD_PINS)
def test_bad_pins(name):
    """A pin names what is there, by a UUID."""
    build, code = BAD_PINS[name]

    assert [code for code, _, _ in found(build())] == [code]


# -- Order ----------------------------------------------------------------------------


def test_ties_are_decided_by_path():
    """Blocks that are ready together come by their paths, however they were written."""
    a, b, c, d = blocks("a", "b", "c", "d")

    assert names(a >> [c, b] >> d) == names(a >> [b, c] >> d) == ["a", "b", "c", "d"]
    assert names(d >> [c >> a, b]) == ["d", "b", "c", "a"]
    assert names(d >> [c.scoped("x"), a.scoped("y"), b]) == ["d", "b", "x/c", "y/a"]


def test_block_that_becomes_ready_goes_first():
    """A block that gets ready comes before others whose path is greater."""
    a, b, c, d = blocks("a", "b", "c", "d")

    assert names([b >> a, c], d) == ["b", "a", "c", "d"]


def test_blocks_on_a_circle_come_last():
    """Where blocks feed each other in a circle, those outside it are in order."""
    a, b, c, d = blocks("a", "b", "c", "d")

    assert names(d >> c >> b >> c >> a) == ["d", "a", "b", "c"]


def test_edges_stand_in_the_order_of_blocks():
    """Edges are sorted by where their blocks stand, and numbers count from 1."""
    a, b, c = blocks("a", "b", "c")
    definition = compiled(b >> [c, a])
    name = {block.id: f"{block.number}" for block in definition.blocks}

    assert [block.number for block in definition.blocks] == [1, 2, 3]
    assert [name[e.source] + name[e.target] for e in definition.edges] == ["12", "13"]
