"""Code: what it looks like, that nothing acts, and that the audit bites."""

from __future__ import annotations

import ast
import builtins
import importlib
import json
import keyword
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from flow64 import LEAD, Project, RawBlock, Workflow, fan, tap, value, variants
from flow64.blocks import Filter, FindEmail, LeadEnrichment, OutgoingWebhook, Webhook
from flow64.compiler import as_code, cells, lift, quote_text
from flow64.compiler._audit import METHODS, audit
from flow64.compiler._names import Names
from flow64.definition import fingerprint, from_data, loads
from flow64.errors import CannotLiftError, UnsafeCodeError
from tests.compiler.test_lift import LONG, graphs, uuid, wired
from tests.strategies import json_objects, wire_definitions

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
GROWTH = Project("growth", namespace="acme.example")


def code_of(definition, identity=None, **options):
    """The source of one definition."""
    return as_code([lift(definition, identity, **options)]).text


def built(source):
    """The workflows that a module makes: what importing it would do."""
    module = {"__name__": "made"}
    exec(compile(source, "made.py", "exec"), module)
    return [one for one in module.values() if isinstance(one, Workflow)]


def assert_rebuilt(definition, **options):
    """The source of a definition, after a look that it makes the same."""
    source = code_of(definition, **options)
    (one,) = built(source)
    assert one.fingerprint() == fingerprint(definition)
    return source


def flow_code(*flows):
    """What stands between imports and the workflow."""
    made = Workflow("W", *flows, key="w")._lower(None, None).definition
    *_, flow, _workflow = assert_rebuilt(made).rstrip("\n").split("\n\n")
    return flow


# -- What it looks like ---------------------------------------------------------------


def test_module():
    """One module, with just the imports that it uses."""
    flow = (
        Webhook(LEAD, input_schema={"email": "string"})
        >> LeadEnrichment(return_fields={"title": "Job title"}, tier="low")
        >> Filter.where("title").is_not_empty().and_("email").in_(["a", "b"])
        >> tap(OutgoingWebhook(url=value("hook", secret=True), key="beside"))
        >> [FindEmail(extra={"region": "emea"}, allow=["a"]), RawBlock("new")]
        >> OutgoingWebhook(url="https://crm.acme.example/hooks/leads")
    )
    one = Workflow("Inbound", flow, key="in", project=GROWTH, description="a\nb")

    source = assert_rebuilt(one.compile())

    assert (
        source
        == """\
from flow64 import LEAD, Project, RawBlock, Workflow, tap, value
from flow64.blocks import Filter, FindEmail, LeadEnrichment, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")

flow = (
    Webhook(LEAD, input_schema={"email": "string"})
    >> LeadEnrichment(return_fields={"title": "Job title"}, tier="low")
    >> Filter.where("title").is_not_empty().and_("email").in_(["a", "b"])
    >> tap(OutgoingWebhook(key="beside", url=value("hook", secret=True)))
    >> [FindEmail(extra={"region": "emea"}, allow=["a"]), RawBlock("new")]
    >> OutgoingWebhook(url="https://crm.acme.example/hooks/leads")
)

in_workflow = Workflow("Inbound", flow, key="in", project=growth, description="a\\nb")
"""
    )


def test_several():
    """Workflows of one module share their project, and no name."""
    other = Project("other", namespace="acme.example", allow=["isolated-block"])
    made = variants(
        lambda: Workflow("W", Webhook(LEAD), key="w", project=GROWTH),
        {"us": {}, "u-s": {}},
    )
    more = Workflow("W", Webhook(LEAD), key="w_us", project=other, was="old")
    found = [lift(one.compile(), one.identity) for one in (*made.values(), more)]

    code = as_code(found)

    assert code.variables == ("w_us", "w_u_s", "w_us_2")
    assert code.text.count("Project(") == 2
    assert (
        'other = Project("other", namespace="acme.example", allow=["isol' in code.text
    )
    assert 'w_us = Workflow("W", flow, key="w", project=growth).varied(' in code.text
    assert [one.id() for one in built(code.text)] == [
        one.id() for one in (*made.values(), more)
    ]


DIGEST = "a9606b4369c1f6e001d2889fd65730450b047f938db79fcf61c38d3666c91a64"

LONG_TEXT = (
    "the first line is long enough to be opened, and a bit more\nsecond one here"
)

LAYOUTS = {
    "short": (Webhook(LEAD) >> FindEmail(), "flow = Webhook(LEAD) >> FindEmail()"),
    "two that are long": (
        Webhook(LEAD, input_schema={"company_name": "string"})
        >> FindEmail(mode="PROFESSIONAL", key="a-long-key-of-it"),
        """\
webhook = Webhook(LEAD, input_schema={"company_name": "string"})
find_email = FindEmail(key="a-long-key-of-it", mode="PROFESSIONAL")
flow = webhook >> find_email""",
    ),
    "what has nothing to open": (
        RawBlock("x", specs={"k" * 90: {}}),
        f"""\
flow = RawBlock(
    "x",
    specs={{
        "{"k" * 90}": {{}},
    }},
)""",
    ),
    "long scopes": (
        RawBlock("a")
        >> RawBlock("c", key="k" * 70).scoped("t" * 90)
        >> RawBlock("d").scoped("s" * 90),
        f"""\
{"t" * 40} = RawBlock(
    "c",
    key="{"k" * 70}",
)
flow = (
    RawBlock("a")
    >> {"t" * 40}.scoped(
        "{"t" * 90}",
    )
    >> RawBlock("d").scoped(
        "{"s" * 90}",
    )
)""",
    ),
    "a text of lines": (
        RawBlock("x", specs={"prompt": LONG_TEXT, "n": [-1, -0.5, 1e22, True, None]}),
        """\
flow = RawBlock(
    "x",
    specs={
        "prompt": (
            "the first line is long enough to be opened, and a bit more\\n"
            "second one here"
        ),
        "n": [-1, -0.5, 1e22, True, None],
    },
)""",
    ),
    "a filter of many": (
        Webhook(LEAD)
        >> Filter.where("a" * 20, key="f").equals(LONG_TEXT).or_("b").less(3)
        >> FindEmail(),
        """\
flow = (
    Webhook(LEAD)
    >> Filter.where("aaaaaaaaaaaaaaaaaaaa", key="f")
    .equals(
        "the first line is long enough to be opened, and a bit more\\nsecond one here",
    )
    .or_("b")
    .less(3)
    >> FindEmail()
)""",
    ),
    "a filter of one": (
        Filter.where("b").matches("x" * 70),
        f"""\
flow = Filter.where("b").matches(
    "{"x" * 70}",
)""",
    ),
    "a filter alone": (
        Filter.where("b").matches("x" * 70).and_("c").is_empty(),
        f"""\
flow = (
    Filter.where("b")
    .matches("{"x" * 70}")
    .and_("c")
    .is_empty()
)""",
    ),
    "a list that is long": (
        Webhook(LEAD) >> [FindEmail(key=f"{at}" * 20) for at in range(3)],
        """\
webhook = Webhook(LEAD)
flow = webhook >> [
    FindEmail(key="00000000000000000000"),
    FindEmail(key="11111111111111111111"),
    FindEmail(key="22222222222222222222"),
]""",
    ),
    "sources": (
        [RawBlock("a"), RawBlock("b")] >> fan(RawBlock("x"), RawBlock("y")),
        'flow = fan(RawBlock("a"), RawBlock("b")) >> [RawBlock("x"), RawBlock("y")]',
    ),
    "scopes": (
        Webhook(LEAD)
        >> (
            (FindEmail() >> RawBlock("x").scoped("in")).scoped("work")
            >> RawBlock("y").scoped("work")
        )
        >> tap(fan(RawBlock("a"), RawBlock("b")).scoped("side"))
        >> RawBlock("z", key="k" * 50).scoped("other"),
        """\
work = FindEmail() >> RawBlock("x").scoped("in") >> RawBlock("y")
other = RawBlock("z", key="kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk")
flow = (
    Webhook(LEAD)
    >> work.scoped("work")
    >> [
        other.scoped("other"),
        RawBlock("a").scoped("side"),
        RawBlock("b").scoped("side"),
    ]
)""",
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(name):
    flow, expected = LAYOUTS[name]

    assert flow_code(flow) == expected


def test_layout_with_a_line_for_each_argument():
    """Then a longer text changes its own line only."""
    flow = Webhook(LEAD) >> Filter.where("a").equals("b") >> FindEmail(mode="PERSONAL")

    def write(title):
        made = Workflow(title, flow >> [RawBlock("x"), RawBlock("y")], key="w")
        return as_code([lift(made.compile(), made.identity)], is_open=True).text

    short, long = write("W").splitlines(), write("W" * 60).splitlines()
    assert [one for one in short if one not in long] == ['    "W",']
    assert len(short) == len(long)
    assert (
        "\n".join(short[:20])
        == """\
from flow64 import (
    LEAD,
    RawBlock,
    Workflow,
)
from flow64.blocks import (
    Filter,
    FindEmail,
    Webhook,
)

flow = (
    Webhook(LEAD)
    >> Filter.where("a").equals("b")
    >> FindEmail(
        mode="PERSONAL",
    )
    >> [RawBlock("x"), RawBlock("y")]
)
"""
    )
    (one,) = built(write("W"))
    made = Workflow("W", flow >> [RawBlock("x"), RawBlock("y")], key="w")
    assert one.fingerprint() == made.fingerprint()


def test_chains():
    """Blocks that stand in several chains have names."""
    definition = wired(["ac", "ad", "bd", "be", "cf", "df", "ef", "eg", "gh", "hi"])

    source = assert_rebuilt(definition)

    assert (
        source.split("\n\n", 1)[1].split("    key=")[0]
        == """\
c = RawBlock("c")
d = RawBlock("d")
e = RawBlock("e") >> tap(RawBlock("g") >> RawBlock("h") >> RawBlock("i"))

w = Workflow(
    "W",
    RawBlock("a") >> [c, d],
    RawBlock("b") >> [d, e],
    fan(c, d, e) >> RawBlock("f"),
"""
    )


def test_long_side_branch():
    """What is beside a part that has a name gets a name, where it has no room."""
    kinds = {"g": "g" * 60}
    pairs = ["ac", "ad", "bd", "be", "cf", "df", "ef", "eg", "gh"]

    source = assert_rebuilt(wired(pairs, kinds=kinds))

    assert (
        f"""\
raw_block = RawBlock("e")
raw_block_3 = RawBlock("{"g" * 60}")
raw_block_4 = RawBlock("h")
raw_block_2 = raw_block_3 >> raw_block_4
e = raw_block >> tap(raw_block_2)
"""
        in source
    )


def test_deep_and_shared():
    """A part that nests deep and stands in two chains is written once."""
    inner = ["st", "sx", "tu", "tv", "uw", "ua", "wb", "ac", "bc", "cd", "vd", "xe"]
    definition = wired(["fg", "gs", "fs", *inner, "de", "bz"])

    assert assert_rebuilt(definition).count('RawBlock("u")') == 1


# Each kind of filter: whether `where` says all of it.
CONDITIONS = {
    "exact": ([{"column": "a", "operator": "equals", "value": 1}], True),
    "unary": ([{"column": "a", "operator": "is_empty"}], True),
    "a word of Python": ([{"column": "a", "operator": "not_in", "value": []}], True),
    "no value": ([{"column": "a", "operator": "equals"}], False),
    "a value too many": ([{"column": "a", "operator": "is_empty", "value": 1}], False),
    "an unknown operator": ([{"column": "a", "operator": "like", "value": 1}], False),
    "an operator that is none": ([{"column": "a", "operator": [], "value": 1}], False),
    "a column that is no text": ([{"column": 1, "operator": "is_empty"}], False),
    "a long column": ([{"column": "a" * 99, "operator": "is_empty"}], False),
    "logic at first": (
        [{"column": "a", "operator": "is_empty", "logic": "and"}],
        False,
    ),
    "other logic": (
        [
            {"column": "a", "operator": "is_empty"},
            {"column": "a", "operator": "is_empty", "logic": "xor"},
        ],
        False,
    ),
    "no mapping": (["a"], False),
    "nothing": ([], False),
    "no list": ({"column": "a"}, False),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_filters(name):
    """`where` is written where it says all of it, else the list."""
    conditions, is_exact = CONDITIONS[name]

    code = flow_code(RawBlock("filter", specs={"filters": conditions}))

    assert (
        "Filter.where(" in code,
        "Filter(filters=" in code.replace("\n    ", ""),
    ) == (
        is_exact,
        not is_exact,
    )


def test_filter_with_more():
    """What `where` does not take is an argument of the class."""
    condition = {"column": "a", "operator": "is_empty"}

    code = flow_code(RawBlock("filter", specs={"filters": [condition], "x": 1}))

    assert code.startswith("flow = Filter(filters=[{") or "filters=[" in code
    assert 'extra={"x": 1}' in code


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda p: p.stem)
def test_examples(path):
    """D4: what is made of JSON makes the same, and is the same once more."""
    data = json.loads(path.read_bytes())
    for body in (data if isinstance(data, list) else [data])[:2]:
        definition = loads(json.dumps(body))
        source = assert_rebuilt(definition)
        (one,) = built(source)

        assert one.id() == definition.id
        assert code_of(one.compile(), one.identity) == source


def test_examples_with_keys(monkeypatch):
    """Code of code has no pins."""
    monkeypatch.syspath_prepend(EXAMPLES)
    one = importlib.import_module("shared_fragment").workflow

    source = assert_rebuilt(one.compile())

    assert "pins=" not in source
    assert built(source)[0].to_json() == one.to_json()


@given(graphs())
@example(wired(["ab", "ac", "ad", "bc", "bd"]))
def test_graphs(definition):
    """Whatever can be lifted is written, and makes the same."""
    assert_rebuilt(definition)


@pytest.mark.parametrize("name", LONG)
def test_long_graphs(name):
    """No graph nests deeper in code than Python reads."""
    pairs = LONG[name](300)
    nodes = sorted({node for pair in pairs for node in pair})
    blocks = [
        {
            "block_id": uuid(node),
            "block_name": "x",
            "block_type": "x",
            "sequence_number": 1,
            "specs": {},
        }
        for node in nodes
    ]
    edges = [{"from_block_id": uuid(a), "to_block_id": uuid(b)} for a, b in pairs]
    graph = {"blocks": blocks, "edges": edges}

    assert_rebuilt(from_data({"workflow_name": "W", "workflow_definition": graph}))


def test_deep_values():
    """A value that nests deep gets names half-way."""
    deep = [1]
    for _ in range(150):
        deep = {"a": deep}
    body = json.loads(Workflow("W", RawBlock("x", specs=deep), key="w").to_json())

    source = assert_rebuilt(loads(json.dumps(body)))

    assert "nested_3 = " in source


# -- Nothing acts ---------------------------------------------------------------------

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
    "</script>",
]

NAMES = [
    "class",
    "a b",
    'x=1,__import__("os")',
    "__class__",
    "self",
    "None",
    "print",
    "\ufb01lter",
    "\u0441lass",
    "x" * 10_240,
    "Workflow",
    "tap",
    "1",
    "_",
    "flow",
]


def hostile(text, name):
    """A definition that has one text wherever a text can be."""
    ids = [uuid(at) for at in range(4)]
    specs = {
        text: text,
        name: [text, {text: {name: text}}],
        "url": f"https://x.example/{text}",
    }
    fields = {text: {"description": text, "type": text, "enum": [text]}}
    kinds = [text, "outgoing_webhook", "lead_enrichment", name]
    conditions = [{"column": text, "operator": "equals", "value": text}]
    all_specs = [
        specs,
        specs,
        {**specs, "return_fields": fields},
        {**specs, "flow64:value": text},
    ]
    if "flow64:value" in all_specs[3]:
        del all_specs[3]["flow64:value"]
    blocks = [
        {
            "block_id": id_,
            "block_name": kind,
            "block_type": text,
            "sequence_number": at,
            "specs": found,
        }
        for at, (id_, kind, found) in enumerate(zip(ids, kinds, all_specs, strict=True))
    ]
    blocks.append(
        {
            "block_id": text,
            "block_name": "filter",
            "block_type": text,
            "sequence_number": 9,
            "specs": {"filters": conditions},
        }
    )
    edges = [
        {"from_block_id": a, "to_block_id": b}
        for a, b in zip(ids, [*ids[1:], text], strict=True)
    ]
    return from_data(
        {
            "id": text,
            "workflow_name": text,
            "workflow_description": text,
            "workflow_definition": {"blocks": blocks, "edges": edges},
        }
    )


@pytest.fixture
def canary(monkeypatch):
    """A list that code which acts would grow."""
    found = []
    monkeypatch.setattr(builtins, "canary", found, raising=False)
    return found


@pytest.mark.parametrize("text", [*HOSTILE, *NAMES], ids=ascii)
def test_hostile(text, canary):
    """I1, I2, I4: it compiles, executes nothing planted, and makes the same."""
    definition = evolve(hostile(text, NAMES[0]), id=uuid(9), path=None)

    source = assert_rebuilt(definition)

    assert canary == []
    names = [
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)
    ]
    assert all(name.isascii() and len(name) < 60 for name in names)


def test_values_by_name(canary):
    """The name of a value is a literal as well."""
    for text in HOSTILE:
        body = json.loads(Workflow("W", RawBlock("x"), key="w").to_json())
        body["workflow_definition"]["blocks"][0]["specs"] = {
            "a": {"flow64:value": text, "secret": True}
        }

        assert "secret=True" in assert_rebuilt(loads(json.dumps(body)))

    assert canary == []


@pytest.mark.slow
@given(wire_definitions())
def test_wire_definitions(definition):
    """Law: whatever is read is written and makes the same, or is one error."""
    try:
        source = code_of(definition)
    except CannotLiftError:
        return
    (one,) = built(source)
    assert one.fingerprint() == fingerprint(definition)


@given(json_objects)
def test_specs(specs):
    """Law: all specs survive."""
    assert_rebuilt(Workflow("W", RawBlock("x", specs=specs), key="w").compile())


@given(st.text(st.characters()))
@example("".join(map(chr, range(0x300))))
@example("\ud800 '\" \\")
def test_quoted(text):
    """Law: a literal is the text, on one line, and all of it can be seen."""
    literal = quote_text(text)

    assert ast.literal_eval(literal) == text
    assert literal.isprintable()
    assert "\n" not in literal


def test_characters():
    """Which are escaped is the same on every Python, whatever Unicode it knows."""
    text = quote_text("".join(map(chr, range(0x30000))))

    assert sha256(text.encode("ascii", "backslashreplace")).hexdigest() == DIGEST


def test_cells():
    """Wide characters take two columns, and marks none."""
    assert [*map(cells, ["ab", "é", "日本", "e\u0301"])] == [2, 1, 4, 1]


@given(st.lists(st.text(max_size=30) | st.sampled_from(keyword.kwlist), max_size=8))
@example(["filter", "Filter", "ﬁlter", "flow64", "1", "", "a" * 90, "a" * 91])
def test_names(words):
    """Law: names are safe, short, and no two are alike."""
    names = Names()

    found = [names.free(word, otherwise="block") for word in words]

    assert len({*found}) == len(found)
    for name in found:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert not hasattr(builtins, name)
        assert len(name) < 60


# -- The audit ------------------------------------------------------------------------

GOOD = """\
from flow64 import LEAD, Workflow
from flow64.blocks import FindEmail, Webhook

flow = Webhook(LEAD) >> FindEmail(mode="PERSONAL")

w = Workflow("W", flow)
"""

ALLOWED = "# These errors would stop a compile, so allow= accepts them below:\n"

BAD = {
    "another import": ("import os\n", 1, "syntax of the kind Import"),
    "another module": ("from os import path\n", 1, "an import of 'path'"),
    "another name": ("from flow64 import Client\n", 1, "an import of 'Client'"),
    "another name for it": ("from flow64 import tap as x\n", 1, "an import of 'tap'"),
    "everything": ("from flow64 import *\n", 1, "an import of '*'"),
    "a relative import": ("from . import x\n", 1, "syntax of the kind ImportFrom"),
    "an import behind": (
        GOOD + "from flow64 import tap\n",
        7,
        "an import behind other statements",
    ),
    "a docstring": ('"""It does."""\n', 1, "syntax of the kind Expr"),
    "a comment": (GOOD + "# it does\n", 7, "the character '#' beside literals"),
    "a comment with codes of our own": (
        GOOD + ALLOWED + "# missing-field, Other\n",
        7,
        "the character '#' beside literals",
    ),
    "a comment without codes": (GOOD + ALLOWED, 7, "the character '#'"),
    "a comment behind code": (
        GOOD + "x = 1 " + ALLOWED + "# missing-field\n",
        7,
        "the character '#' beside literals",
    ),
    "a comment below the codes": (
        GOOD + ALLOWED + "# missing-field\n# more\n",
        9,
        "the character '#' beside literals",
    ),
    "an unfinished text": ('x = "\n', 1, "the character '\"' beside literals"),
    "a text of lines": ('x = """a\n"""\n', 1, "the character '\"' beside literals"),
    "a line that goes on": (
        "x = \\\n1\n",
        1,
        "the character '\\\\' beside literals",
    ),
    "an unfinished bracket": ("x = (\n", None, "text that is not Python"),
    "bad indentation": ("x = 1\n  y = 2\n", None, "text that is not Python"),
    "no Python": ("x = = 1\n", None, "text that is not Python"),
    "a hidden character": ('x = "\u202e"\n', None, "the character '\\u202e'"),
    "a carriage return": ('x = "a"\r\n', None, "the character '\\r'"),
    "a tab": ("x =\t1\n", None, "the character '\\t'"),
    "a call of a built-in": ('x = print("a")\n', 1, "a call of something else"),
    "a call of what was made": (GOOD + "x = flow()\n", 7, "a call of something else"),
    "a name that is nothing": ("x = y\n", 1, "syntax of the kind Name"),
    "a class that is not called": (
        GOOD + "x = FindEmail\n",
        7,
        "syntax of the kind Name",
    ),
    "an attribute": (GOOD + "x = flow.__class__\n", 7, "syntax of the kind Attribute"),
    "another method": (GOOD + "x = w.deploy()\n", 7, "a call of something else"),
    "where of another": (
        GOOD + 'x = FindEmail.where("a")\n',
        7,
        "syntax of the kind Name",
    ),
    "where without the import": (
        'x = Filter.where("a")\n',
        1,
        "syntax of the kind Name",
    ),
    "a lambda": ("x = lambda: 1\n", 1, "syntax of the kind Lambda"),
    "a comprehension": ("x = [y for y in []]\n", 1, "syntax of the kind ListComp"),
    "a formatted text": ('x = f"{1}"\n', 1, "syntax of the kind JoinedStr"),
    "bytes": ('x = b"a"\n', 1, "syntax of the kind Constant"),
    "a set": ("x = {1}\n", 1, "syntax of the kind Set"),
    "another operator": ("x = 1 + 1\n", 1, "syntax of the kind BinOp"),
    "plus": ("x = +1\n", 1, "syntax of the kind UnaryOp"),
    "minus a text": ('x = -"a"\n', 1, "syntax of the kind UnaryOp"),
    "a call inside": ("x = [1, {'a': (2, print())}]\n", 1, "a call of something else"),
    "a key that is none": (
        "x = {1: 2}\n",
        1,
        "a mapping with a key that is not a literal",
    ),
    "a spread mapping": (
        "x = {**{}}\n",
        1,
        "a mapping with a key that is not a literal",
    ),
    "a spread list": (GOOD + "x = Webhook(*[])\n", 7, "syntax of the kind Starred"),
    "spread arguments": (GOOD + "x = Webhook(**{})\n", 7, "the argument None"),
    "another argument": (GOOD + "x = Webhook(was_=1)\n", 7, "the argument 'was_'"),
    "an argument of a chain": (
        GOOD + 'x = flow.scoped("a", was="b")\n',
        7,
        "the argument 'was'",
    ),
    "another meaning": (GOOD + "Webhook = 1\n", 7, "another meaning of Webhook"),
    "a name twice": (GOOD + "flow = 1\n", 7, "another meaning of flow"),
    "a hidden name": ("__all__ = 1\n", 1, "another meaning of __all__"),
    "two at once": ("x = y = 1\n", 1, "syntax of the kind Assign"),
    "an item": ("x = {}\nx['a'] = 1\n", 2, "syntax of the kind Assign"),
    "a ligature": (GOOD + "\ufb02ow = 1\n", 7, "the character '\\ufb02' beside"),
    "a walrus": ("x = (y := 1)\n", 1, "syntax of the kind NamedExpr"),
    "a decision": ("if 1:\n    x = 1\n", 1, "syntax of the kind If"),
}


def test_audit_of_good_code():
    assert audit(GOOD) is None
    assert audit(GOOD + ALLOWED + "# insecure-url, missing-field\n") is None


def test_errors_that_are_stored():
    """Each workflow that needs `allow=` says so above its flow."""
    flow = Webhook(LEAD) >> RawBlock("search", allow=["missing-field"])
    lifted = lift(Workflow("W", flow, key="w").compile())
    other = lift(Workflow("V", Webhook(LEAD), key="v").compile())

    text = as_code([other, evolve(lifted, accepted=("missing-field",))]).text

    before, _, after = text.partition(f"{ALLOWED}# missing-field\n")
    assert before.endswith('\nv = Workflow("V", flow, key="v")\n\n')
    assert after.startswith("flow_2 = Webhook(LEAD) >> RawBlock(")
    assert text.count("#") == 2


@pytest.mark.parametrize("name", BAD)
def test_audit(name):
    """I3: what is not on the list is refused, with its line."""
    source, line, problem = BAD[name]

    with pytest.raises(UnsafeCodeError) as error:
        audit(source)

    assert error.value.line == line
    assert error.value.problem.startswith(problem)
    assert "please report it" in str(error.value)
    assert line is None or f"in line {line} " in str(error.value)


def test_audit_of_depth():
    """What Python cannot read is no code of ours."""
    with pytest.raises(UnsafeCodeError, match="text that is not Python"):
        audit(f"x = {'(' * 5000}1{')' * 5000}\n")


def test_audited_methods():
    """Nothing that sends, runs or reads is on the list."""
    operators = {
        *("equals", "not_equals", "contains", "not_contains", "greater", "less"),
        *("in_", "not_in", "is_empty", "is_not_empty", "matches", "compare"),
    }

    assert METHODS.keys() == operators | {"scoped", "varied", "where", "and_", "or_"}


def naively(name, text):
    """Code as one who does not think would make it."""
    return (
        "from flow64 import RawBlock, Workflow\n\n"
        f"# {name}\n{name} = RawBlock('{text}', key=\"{text}\")\n"
        f'w = Workflow("""{text}""", {name})\n'
    )


def test_naive_emitter(canary):
    """The audit bites: whatever of it would act is refused."""
    for text in (*HOSTILE, *NAMES, f"', key={CANARY}) #", f'", allow={CANARY}) #'):
        with pytest.raises(UnsafeCodeError):
            audit(naively(text, text))
        with pytest.raises(UnsafeCodeError):
            audit(naively("flow", text))
    assert canary == []


def test_refused(monkeypatch):
    """What the audit refuses is not given out."""
    module = importlib.import_module("flow64.compiler._code")
    monkeypatch.setattr(module, "text_of", lambda _, is_open: "import os\n")

    with pytest.raises(UnsafeCodeError):
        code_of(wired([], "a"))


# -- The same everywhere, and as tools want it ----------------------------------------


def sources():
    """The code of all examples and of hostile ones."""
    for path in sorted(EXAMPLES.glob("*.json")):
        data = json.loads(path.read_bytes())
        for body in (data if isinstance(data, list) else [data])[:1]:
            yield path.stem, code_of(loads(json.dumps(body)))
    for at, text in enumerate([*HOSTILE, *NAMES]):
        definition = evolve(hostile(text, NAMES[1]), id=uuid(9), path=None)
        yield f"hostile_{at}", code_of(definition)
    for name, (flow, _) in LAYOUTS.items():
        made = Workflow("W", flow, key="w")._lower(None, None).definition
        yield f"layout_{name.replace(' ', '_')}", code_of(made)
    yield "apart", code_of(wired([], "ab"))
    yield "chains", code_of(wired(["ac", "ad", "bd", "be", "cf", "df", "ef"]))


@pytest.mark.slow
def test_ruff(tmp_path):
    """`ruff format` leaves it as it is, and its imports are sorted and used."""
    for name, source in sources():
        (tmp_path / f"{name}.py").write_text(source, "utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    flags = ["--isolated", "--no-cache", "."]
    pipe = {"cwd": tmp_path, "capture_output": True, "text": True}

    formatted = subprocess.run([*ruff, "format", "--diff", *flags], check=False, **pipe)
    linted = subprocess.run(
        [*ruff, "check", "--select=I,F", *flags], check=False, **pipe
    )

    assert formatted.stdout == ""
    assert (linted.returncode, linted.stdout) == (0, "All checks passed!\n")


PROGRAM = """
import json, sys
from flow64.compiler import as_code, cells, lift, quote_text
from flow64.definition import loads
found = as_code([lift(loads(sys.stdin.buffer.read()))])
sys.stdout.buffer.write(found.text.encode())
"""


def test_same_bytes():
    """D1: the same source under another hash seed, zone and locale."""
    text = (EXAMPLES / "shared_fragment.json").read_bytes()
    found = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            input=text,
            env={"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert found == {code_of(loads(text)).encode()}
