"""The way back: a definition becomes flows and code, which make it again."""

from __future__ import annotations

import ast
import builtins
import json
import subprocess
import sys
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from flow64 import (
    LEAD,
    Project,
    RawBlock,
    Schedule,
    Workflow,
    fan,
    tap,
    value,
    variants,
)
from flow64.blocks import (
    Filter,
    FindEmail,
    GroupBy,
    LeadEnrichment,
    OutgoingWebhook,
    ReadCsv,
    Search,
    Webhook,
)
from flow64.compiler.code import as_code
from flow64.compiler.lifting import lift
from flow64.definition import (
    MAX_DEPTH,
    Stamp,
    bind,
    fingerprint,
    from_data,
    id_of,
    loads,
    with_stamp,
)
from flow64.dsl import Parallel, Series
from flow64.errors import ReadError
from tests.strategies import json_objects, wire_definitions
from tests.wire.workflows import ODD_WORKFLOWS

EXAMPLES = Path(__file__).parents[2] / "examples"
GROWTH = Project("growth", namespace="acme.example")
NODES = "abcdefgh"


def uuid(at):
    return f"{at:08d}-0000-4000-8000-000000000000"


def wired(pairs, nodes="", kinds=None, specs=None, **edge):
    """A definition of raw blocks that are called as they are wired."""
    nodes = sorted({*nodes, *(end for pair in pairs for end in pair)})
    ids = {node: uuid(at) for at, node in enumerate(nodes)}
    blocks = [
        {
            "block_id": ids[node],
            "block_name": (kinds or {}).get(node, str(node)),
            "block_type": "transform",
            "sequence_number": at,
            "specs": specs or {},
        }
        for at, node in enumerate(nodes)
    ]
    edges = [{"from_block_id": ids[a], "to_block_id": ids[b], **edge} for a, b in pairs]
    graph = {"blocks": blocks, "edges": edges}
    return from_data(
        {
            "workflow_name": "W",
            "workflow_description": "",
            "workflow_definition": graph,
        }
    )


def built(source):
    """The workflow that a module makes when it is imported."""
    module = {"__name__": "made"}
    exec(compile(source, "made.py", "exec"), module)
    (workflow,) = [item for item in module.values() if isinstance(item, Workflow)]
    return workflow


def assert_rebuilt(definition, identity=None, **options):
    """The source of a definition, after a look that it makes the same."""
    source = as_code([lift(definition, identity, **options)]).text
    workflow = built(source)
    assert workflow.fingerprint() == fingerprint(definition)
    return source


def inbound(flow=None, **options):
    flow = flow if flow is not None else Webhook(LEAD) >> FindEmail()
    return Workflow("Inbound leads", flow, **{"project": GROWTH, **options})


# -- Graphs ----------------------------------------------------------------------------

SHAPES = {
    "one block": ([], "a", ["a"]),
    "a chain": (["ab", "bc"], "", ["a >> b >> c"]),
    "a diamond": (["ab", "ac", "bd", "cd"], "", ["a >> [b, c] >> d"]),
    "two sources": (["ac", "bc"], "", ["[a, b] >> c"]),
    "everything with everything": (["ac", "ad", "bc", "bd"], "", ["[a, b] >> [c, d]"]),
    "nested": (
        ["ab", "ac", "bd", "be", "df", "ef", "cg", "fg"],
        "",
        ["a >> [b >> [d, e] >> f, c] >> g"],
    ),
    "a long end beside a short one": (
        ["ab", "ac", "cd", "de"],
        "",
        ["a >> [b, c >> d >> e]"],
    ),
    "an edge beside a chain": (["ab", "bc", "ac"], "", ["a >> [b, c]", "b >> c"]),
    "two that share one": (
        ["ac", "ad", "bd", "be", "cf", "df", "ef"],
        "",
        ["a >> [c, d]", "b >> [d, e]", "[c, d, e] >> f"],
    ),
    "apart": (["ac"], "b", ["a >> c", "b"]),
    "twice the same edge": (["ab", "ab"], "", ["a >> b"]),
}


def outline(flow):
    """A flow of blocks that are called by their kinds, as it would be written."""
    match flow:
        case Series():
            return f"{outline(flow.left)} >> {outline(flow.right)}"
        case Parallel():
            return f"[{', '.join(map(outline, flow.members))}]"
        case _:
            return flow.block_name


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name):
    """Edges become chains and lists."""
    pairs, nodes, expected = SHAPES[name]
    definition = wired(pairs, nodes)

    flows = lift(definition).flows

    assert sorted(map(outline, flows)) == sorted(expected)
    assert_rebuilt(definition)


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
    """Whatever has no cycle becomes code that makes the same."""
    assert_rebuilt(definition)


LONG = {
    "a chain": lambda n: [(at, at + 1) for at in range(n)],
    "a comb": lambda n: [(at, to) for at in range(0, n, 2) for to in (at + 1, at + 2)],
    "a ladder": lambda n: (
        [pair for at in range(0, n, 2) for pair in ((at, at + 2), (at, at + 3))]
        + [(at + 1, at + 3) for at in range(0, n, 2)]
    ),
}


@pytest.mark.parametrize("name", LONG)
def test_long_graphs(name):
    """No graph nests deeper in code than Python reads."""
    assert_rebuilt(wired(LONG[name](600), kinds=dict.fromkeys(range(603), "x")))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda p: p.stem)
def test_examples_as_json(path):
    """Code of JSON makes the same ids, and its code is the same once more."""
    data = json.loads(path.read_bytes())
    for body in (data if isinstance(data, list) else [data])[:2]:
        definition = loads(json.dumps(body))
        source = assert_rebuilt(definition)
        workflow = built(source)

        assert workflow.id() == definition.id
        assert assert_rebuilt(workflow.compile(), workflow.identity) == source


def test_code_of_code():
    """Code of code has no pins."""
    workflow = ODD_WORKFLOWS["scopes"]

    source = assert_rebuilt(workflow.compile())

    assert "pins=" not in source
    assert built(source).to_json() == workflow.to_json()


# -- Keys, ids and pins ----------------------------------------------------------------


def live(workflow, path, workflow_id):
    """The answer of the service after a deploy."""
    data = json.loads(workflow.to_json(env="prod"))
    stamp = Stamp(path, "0" * 16, "0" * 16)
    return from_data(
        {
            "id": workflow_id,
            "name": data["workflow_name"],
            "description": with_stamp("what it does", stamp),
            "workflow_definition": data["workflow_definition"],
        }
    )


IDENTITIES = {
    "a title that gives the key": inbound(),
    "a key": inbound(key="in"),
    "scopes": inbound(
        Webhook(LEAD) >> FindEmail().scoped("w") >> FindEmail().scoped("x").scoped("w")
    ),
    "a variant": variants(lambda: inbound(key="in"), {"us": {}})["us"],
    "a pin": inbound(key="in", pins={"workflow": {"prod": uuid(7)}}),
    "a pinned block": inbound(key="in", pins={"blocks": {"find_email": uuid(8)}}),
}


@pytest.mark.parametrize("name", IDENTITIES)
def test_keys_of_code(name):
    """What code says of its keys is read from the definition alone."""
    workflow = IDENTITIES[name]
    definition = workflow.compile("prod")

    identity = lift(definition).identity

    assert identity.key == workflow.identity.key
    assert identity.id_and_path("prod")[0] == workflow.id("prod")
    blocks = built(assert_rebuilt(definition)).compile("prod").blocks
    assert blocks == definition.blocks


def test_renamed_block():
    """A renamed block has the id of its old key, so it is pinned."""
    workflow = inbound(Webhook(LEAD) >> FindEmail(key="new", was="old"), key="in")
    find_email = workflow.compile().blocks[1].id

    assert lift(workflow.compile()).identity.pins == {"blocks": {"new": find_email}}


def test_stamp():
    """A genuine stamp tells the project, and that of a copy tells nothing."""
    workflow = inbound(key="in", description="what it does")
    path = workflow.compile(env="prod").path

    genuine = lift(live(workflow, path, workflow.id("prod"))).identity
    copied = lift(live(workflow, path, uuid(5)), env="prod").identity

    assert genuine.id_and_path("prod")[0] == workflow.id("prod")
    assert (copied.project, copied.pins["workflow"]) == (None, {"prod": uuid(5)})


def test_schedules():
    listed = [
        Schedule("weekdays", "0 9 * * 1-5", timezone="Europe/Berlin"),
        Schedule('"); import os', "0 9 * * 0", active=False),
    ]
    flow = Webhook(LEAD) >> FindEmail()
    workflow = Workflow("Leads", flow, key="leads", schedules=listed)

    source = assert_rebuilt(workflow.compile())

    assert built(source).compile().schedules == workflow.compile().schedules


def test_kinds_that_stand_twice():
    """Blocks without keys are called by their kind, or by kind and id."""
    kinds = {"a": "x", "b": "x", "c": "y", "d": "z" * 600}
    identity = lift(wired(["ab", "bc", "cd"], kinds=kinds)).identity

    assert identity.pins["blocks"] == {
        "x-00000000": uuid(0),
        "x-00000001": uuid(1),
        "y": uuid(2),
        "block": uuid(3),
    }


# -- Blocks ----------------------------------------------------------------------------

CALLS = {
    "FindEmail(mode='PERSONAL')": FindEmail(mode="PERSONAL"),
    "FindEmail(extra={'region': 'emea'})": FindEmail(extra={"region": "emea"}),
    "RawBlock('lead_enrichment', specs={'tier': 'low'})": RawBlock(
        "lead_enrichment", specs={"tier": "low"}
    ),
    "GroupBy(specs={'by': 'x'})": GroupBy(specs={"by": "x"}),
    "GroupBy(specs={'specs': 2})": RawBlock("group_by", specs={"specs": 2}),
    "FindEmail(extra={'key': 1, 'class': 3})": RawBlock(
        "find_email", specs={"key": 1, "class": 3}
    ),
    "RawBlock('new', key='k', specs={'x': [1]}, extra={'y': 2})": RawBlock(
        "new", specs={"x": [1]}, key="k", extra={"y": 2}
    ),
    "FindEmail(allow=['a', 'b'])": FindEmail(allow=["b", "a"]),
    "OutgoingWebhook(url=value('hook', secret=True))": OutgoingWebhook(
        url=value("hook", secret=True)
    ),
    "Webhook()": RawBlock("webhook"),
    "ReadCsv(LEAD)": ReadCsv(LEAD),
    "ReadCsv('X')": RawBlock("read_csv", specs={"dataframe_type": "X"}),
    "FindEmail(mode='LEAD')": RawBlock("find_email", specs={"mode": "LEAD"}),
    "RawBlock('search', specs={'dataframe_type': 'LEAD', 'query': 'q'})": RawBlock(
        "search", specs={"dataframe_type": "LEAD", "query": "q"}
    ),
    "Search(LEAD, query='q', auto_execute=True)": Search(
        LEAD, query="q", auto_execute=True
    ),
    "Filter.where('a', key='k').in_(['x', 'y']).or_('b').is_empty()": (
        Filter.where("a", key="k").in_(["x", "y"]).or_("b").is_empty()
    ),
    "Filter(filters=[{'column': 'a', 'operator': 'new'}])": Filter(
        [{"column": "a", "operator": "new"}]
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_blocks(call):
    """A block is a call of its class, if the class would send the same."""
    definition = Workflow("W", CALLS[call], key="w").lower().definition

    source = assert_rebuilt(evolve(definition, id=None))

    assert call in source


def test_secret():
    """A secret that was filled in is written by its name."""
    fields = {"a": value("key", secret=True)}
    definition = inbound(LeadEnrichment(return_fields=fields)).compile()
    bound = bind(definition, {"key": "sk_test_not_a_real_key"}, [])

    source = assert_rebuilt(bound)

    assert "value('key', secret=True)" in source
    assert "not_a_real" not in source


def test_module():
    """Workflows of one module share their project, and no name."""
    other = Project("other", namespace="acme.example", allow=["isolated-block"])
    workflows = [
        *variants(lambda: inbound(key="w"), {"us": {}, "u-s": {}}).values(),
        inbound(key="w_us", project=other, was="old"),
    ]

    code = as_code([lift(one.compile(), one.identity) for one in workflows])

    module = {}
    exec(code.text, module)
    assert code.variables == ("w_us", "w_u_s", "w_us_2")
    assert [module[name].id() for name in code.variables] == [
        one.id() for one in workflows
    ]
    assert code.text.count("Project(") == 2


@pytest.mark.slow
def test_ruff_lays_it_out(tmp_path):
    """`ruff format` reads the source, whose imports are sorted and used."""
    flow = (
        Webhook(LEAD)
        >> [tap(FindEmail()), fan(RawBlock("a"), RawBlock("b")).scoped("c")]
        >> (FindEmail(key="d") >> Filter.where("a").equals(value("x"))).scoped("e")
    )
    (tmp_path / "source.py").write_text(assert_rebuilt(inbound(flow).compile()))
    ruff = [sys.executable, "-m", "ruff"]
    flags = ["--isolated", "--no-cache", "source.py"]
    for command in (["format"], ["check", "--select=I,F"]):
        subprocess.run([*ruff, *command, *flags], cwd=tmp_path, check=True)

    built((tmp_path / "source.py").read_text())


def test_same_bytes():
    """The source is the same under another hash seed, zone and locale."""
    text = ODD_WORKFLOWS["scopes"].to_json().encode()
    program = (
        "import sys\n"
        "from flow64.compiler.code import as_code\n"
        "from flow64.compiler.lifting import lift\n"
        "from flow64.definition import loads\n"
        "code = as_code([lift(loads(sys.stdin.buffer.read()))])\n"
        "sys.stdout.buffer.write(code.text.encode())\n"
    )
    sources = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=text,
            env={"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert sources == {assert_rebuilt(loads(text)).encode()}


# -- Texts of strangers ----------------------------------------------------------------

CANARY = "__import__('builtins').canary.append(1)"
HOSTILE = [
    "\"'\"\"\"'''",
    f'""" + {CANARY} + """',
    f"\r{CANARY}\r\n{CANARY}\n",
    f'\\"\n{CANARY}\n\\',
    f"{{{CANARY}}} {{0.__class__}} %s %(a)s",
    "\\N{BULLET} \\x41 \\u0041 \\",
    "\x00\x07\x1b[31m\x7f\x85\x9b",
    "\u2028\u2029\u202e\u2066\u200b\u200f\ufeff\u3164\u034f\ufe0f",
    "# -*- coding: utf-7 -*-\n#",
    "é 日本 \U0001f600 e\u0301 \ue000",
    "class",
    "a b",
    'x=1,__import__("os")',
    "None",
    "\ufb01lter",
    "\u0441lass",
    "x" * 10_240,
    "Workflow",
    "tap",
    "1",
    "flow",
]


@pytest.fixture
def canary(monkeypatch):
    """A list that code which acts would grow."""
    calls = []
    monkeypatch.setattr(builtins, "canary", calls, raising=False)
    return calls


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile(text, canary):
    """A text makes up no name, no comment and no statement, wherever it stands."""
    specs = {
        text: [text, {text: {"class": text}}],
        "url": f"https://x.example/{text}",
        "return_fields": {text: {"description": text, "type": text}},
        "filters": [{"column": text, "operator": "equals", "value": text}],
        "value": {"flow64:value": text, "secret": True},
    }
    kinds = dict(
        zip("abcd", [text, "outgoing_webhook", "filter", "class"], strict=True)
    )
    definition = wired(["ab", "bc", "cd"], kinds=kinds, specs=specs)
    named = evolve(definition, name=text, description=text, path=None, id=uuid(9))

    source = assert_rebuilt(named)

    assert canary == []
    nodes = [*ast.walk(ast.parse(source))]
    names = [node.id for node in nodes if isinstance(node, ast.Name)]
    assert all(name.isascii() and len(name) < 60 for name in names)
    assert "\u202e" not in source
    statements = (ast.Module, ast.ImportFrom, ast.alias, ast.Assign)
    assert {type(node) for node in nodes if isinstance(node, ast.stmt)} <= {*statements}


def test_deep_values():
    """Python reads a value that nests as deep as it may."""
    deep = [1]
    for _ in range(MAX_DEPTH - 2):
        deep = {"a": deep}

    assert_rebuilt(Workflow("W", RawBlock("x", specs=deep), key="w").compile())


@given(json_objects)
def test_specs(specs):
    """All specs survive."""
    assert_rebuilt(Workflow("W", RawBlock("x", specs=specs), key="w").compile())


@pytest.mark.slow
@given(wire_definitions())
def test_wire_definitions(definition):
    """Whatever is read becomes code that makes the same, or is one error."""
    try:
        lift(definition)
    except ReadError:
        return
    assert_rebuilt(definition)


# -- What code cannot say --------------------------------------------------------------

FAULTS = {
    "it has no blocks": wired([]),
    "rows run in a circle": wired(["ab", "bc", "cb"]),
    "an edge has a condition, which code cannot say": wired(["ab"], condition="x"),
    "has no block_name": wired([], "a", {"a": ""}),
    "is not Unicode text": evolve(wired([], "a"), name="\ud800"),
    "the workflow id 'leads' is not a UUID": evolve(wired([], "a"), id="leads"),
    "the block id 'x' is not a UUID": evolve(
        wired([], "a"), blocks=(wired([], "a").blocks[0]._replace(id="x"),)
    ),
    "2 blocks have the id": evolve(wired([], "a"), blocks=wired([], "a").blocks * 2),
    "integers beyond 2^53": wired([], "a", specs={"n": 2**53}),
    "an edge names the block": evolve(
        wired(["ab"]), edges=(wired(["ab"]).edges[0]._replace(target="gone"),)
    ),
}


@pytest.mark.parametrize("problem", FAULTS)
def test_faults(problem):
    """One error says all of it."""
    with pytest.raises(ReadError, match=problem.replace("^", r"\^")):
        lift(FAULTS[problem])


def test_left_out():
    """Data that the service does not read, and code cannot say, is named."""
    definition = wired(["ab"], colour="red", condition=None)
    body = {"folder": 1}

    assert lift(evolve(definition, extra=body)).omitted == (
        "of the workflow 'folder'",
        "of the edges 'colour'",
    )


def test_key_of_a_block_without_a_uuid():
    """A block id that is no UUID is a key."""
    data = json.loads(inbound().to_json())
    first, second = data["workflow_definition"]["blocks"]
    first["block_id"], second["block_id"] = "in", "out"
    data["workflow_definition"]["edges"] = [
        {"from_block_id": "in", "to_block_id": "out"}
    ]
    definition = loads(json.dumps(data))

    source = assert_rebuilt(definition)

    assert "key='out'" in source
    assert built(source).compile().blocks[1].id == definition.blocks[1].id
    assert definition.blocks[1].id == id_of(
        f"ns:local/workflow:{definition.id}/block:out"
    )
