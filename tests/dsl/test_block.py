"""Blocks: arguments, places in the code, changes and reprs."""

from __future__ import annotations

import copy
import linecache
import subprocess
import sys
import textwrap

import attrs
import pytest

from flow64 import LEAD, RawBlock, Workflow, errors, value
from flow64.blocks import (
    Filter,
    FindEmail,
    GroupBy,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from flow64.dsl import RESERVED, UNSET, Block, Passthrough, Unset
from tests.dsl.support import compiled

# -- Arguments ------------------------------------------------------------------------

WRONG_CALLS = {
    "unknown": (
        lambda: OutgoingWebhook(url="https://a.example", timeout_secs=1),
        (
            "OutgoingWebhook: it has no argument 'timeout_secs' (did you "
            "mean 'timeout_seconds'?); it takes url, timeout_seconds, key, was, id, "
            "extra, allow"
        ),
    ),
    "unknown, near nothing": (
        lambda: OutgoingWebhook(url="https://a.example", zzz=1),
        (
            "OutgoingWebhook: it has no argument 'zzz' (if the service knows it, write "
            "extra={'zzz': ...}); it takes "
        ),
    ),
    "of a kind with unknown fields": (
        lambda: GroupBy(column="city"),
        (
            "GroupBy: it has no argument 'column' (if the service knows it, write "
            "specs={'column': ...}); it takes specs, "
        ),
    ),
    "in another case": (
        lambda: FindEmail(MODE="PERSONAL"),
        "FindEmail: it has no argument 'MODE' (did you mean 'mode'?)",
    ),
    "a reserved name, misspelt": (
        lambda: FindEmail(kye="x"),
        "FindEmail: it has no argument 'kye' (did you mean 'key'?)",
    ),
    "several": (
        lambda: LeadEnrichment(return_field={}, teir="low"),
        (
            "LeadEnrichment: it has no argument 'return_field' (did you "
            "mean 'return_fields'?); it has no argument 'teir' (did you mean 'tier'?); "
            "missing a required argument: 'return_fields'; it takes "
        ),
    ),
    "without its name": (lambda: FindEmail("PERSONAL"), "FindEmail: "),
    "given twice": (lambda: Webhook(LEAD, dataframe_type=LEAD), "Webhook: "),
    "changed, unknown": (
        lambda: FindEmail().with_(moed="PERSONAL"),
        "FindEmail: it has no argument 'moed' (did you mean 'mode'?)",
    ),
    "of a raw block": (RawBlock, "RawBlock: missing a required argument: 'block_name'"),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_wrong_calls(name):
    """A wrong call is explained at once, with the valid names and the closest one."""
    call, text = WRONG_CALLS[name]

    with pytest.raises(errors.BuildError) as caught:
        call()

    assert str(caught.value).startswith(text)
    assert isinstance(caught.value, TypeError)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize("slots", [True, False])
def test_a_class_of_ones_own(slots):
    """Its defaults are sent, those that are UNSET are not, whatever its class keeps."""

    @attrs.frozen(eq=False, kw_only=True, slots=slots)
    class Own(Passthrough, Block):
        kind = "own"
        depth: int = 3
        mode: str | Unset = UNSET
        url: str

    made = Own(url="a")

    assert (made.depth, made.mode, made.url, made.key) == (3, UNSET, "a", None)
    (block,) = compiled(made).blocks
    assert block.specs == {"depth": 3, "url": "a"}
    assert repr(made) == "Own(depth=3, url='a')"
    with pytest.raises(errors.BuildError, match="'url'"):
        Own()


def test_underscores_at_the_end_are_not_sent():
    """So a spec may have a name that Python or the class uses for something else."""

    @attrs.frozen(eq=False, kw_only=True)
    class Own(Passthrough, Block):
        kind = "own"
        import_: str
        key_: int = 3
        with__: str | Unset = UNSET

    first = Own(import_="a", key="first", allow=("isolated-block",))
    second = Own(import_=5j, with__="b", key="second", extra={"with": 1})

    (block,) = compiled(first).blocks
    assert block.specs == {"import": "a", "key": 3}
    with pytest.raises(errors.CompileError) as caught:
        Workflow("w", second).compile()
    about_json, repeated = caught.value.findings
    assert about_json.message == "/specs/import: complex is not JSON (5j)"
    assert repeated.message.startswith("/extra/with: extra sets 'with'")


BAD_KINDS = {"number": 5, "list": [], "empty": "", "surrogate": "\ud800", "none": None}


@pytest.mark.parametrize("name", BAD_KINDS)
def test_raw_kind_is_text(name):
    """A raw block cannot be without its kind."""
    with pytest.raises(errors.BuildError, match=r"^RawBlock: block_name is "):
        RawBlock(BAD_KINDS[name])


@pytest.mark.parametrize("arguments", [("",), (5,), ("\ud800",), ("x", 1)])
def test_value_names_are_text(arguments):
    """A value has a name, and is secret or is not."""
    secret = {"secret": arguments[1]} if arguments[1:] else {}

    with pytest.raises(errors.BuildError, match=r"^value: "):
        value(arguments[0], **secret)


# -- Frozen ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mode", "key", "kind", "block_name", "new"])
def test_blocks_do_not_change(name):
    """No attribute of a block can be set or removed."""
    block = FindEmail(mode="PERSONAL")

    with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
        setattr(block, name, "x")
    with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
        delattr(block, name)
    assert block.mode == "PERSONAL"


def test_unset_is_not_none():
    """None is a value and is written as null; an unset field is absent."""
    flow = Webhook(LEAD) >> FindEmail(mode=None) >> FindEmail(key="b")
    specs = [block.specs for block in compiled(flow).blocks]

    assert specs[1:] == [{"mode": None}, {}]
    assert (repr(UNSET), bool(UNSET), copy.deepcopy(UNSET)) == ("UNSET", False, UNSET)


# -- with_ and again ------------------------------------------------------------------

FULL = {
    "mode": "PERSONAL",
    "key": "k",
    "was": "w",
    "id": "f705d891-c558-5e46-bec1-54fd430378dc",
    "extra": {"a": 1},
    "allow": ("x",),
}


def arguments(block):
    return {name: getattr(block, name) for name in (*block.spec_names, *RESERVED)}


def test_with_keeps_everything_else():
    """`with_` changes what it names, and so keeps key and id."""
    block = FindEmail(**FULL)

    changed = block.with_(mode="PROFESSIONAL", allow=[])

    assert arguments(changed) == arguments(block) | {
        "mode": "PROFESSIONAL",
        "allow": [],
    }
    assert (type(changed), changed == block) == (FindEmail, False)
    assert block.mode == "PERSONAL"


def test_again_is_a_step_of_its_own():
    """`again` takes over the specs, and nothing that an id is made from."""
    block = FindEmail(**FULL)

    second = block.again(key="second")

    kept = {"key": "second", "was": None, "id": None}
    assert arguments(second) == arguments(block) | kept


def test_again_of_a_raw_block():
    """A raw block keeps its kind."""
    second = RawBlock("new", specs={"a": 1}).again(key="b").with_(specs={"a": 2})

    assert (second.block_name, second.key, second.specs) == ("new", "b", {"a": 2})


def test_kind_of_a_raw_block_is_no_spec():
    """What a raw block is called is written once, and not among its specs."""
    block = Workflow("w", RawBlock("new", specs={"a": 1})).compile().blocks[0]

    assert (block.kind, block.specs) == ("new", {"a": 1})


# -- Places ---------------------------------------------------------------------------


def placed(source, name="block", *, file="leads.py", scope=None):
    """Where a program says that a block of it was made, and the text that is marked."""
    source = textwrap.dedent(source)
    lines = source.splitlines(keepends=True)
    linecache.cache[file] = (len(source), None, lines, file)
    scope = {"LEAD": LEAD, "FindEmail": FindEmail, "Filter": Filter} | (scope or {})
    exec(compile(source, file, "exec"), scope)
    place = scope[name].place
    assert place.file == file
    line = lines[place.line - 1].encode()
    return place.line, line[place.column : place.end_column].decode().rstrip()


PLACES = {
    "created": ("\nblock = FindEmail(key='a')", (2, "FindEmail(key='a')")),
    "inside a line": (
        "flow = FindEmail() >> (block := FindEmail(key='b'))",
        (1, "FindEmail(key='b')"),
    ),
    "over several lines": (
        "block = FindEmail(\n    key='b',\n)",
        (1, "FindEmail("),
    ),
    "behind letters that take several bytes": (
        "é = '日本'; block = FindEmail(key='ü'); ö = 1",
        (1, "FindEmail(key='ü')"),
    ),
    "with_": (
        "block = FindEmail()\nblock = block.with_(key='b')",
        (2, "block.with_(key='b')"),
    ),
    "again": (
        "block = FindEmail()\nblock = block.again(key='b')",
        (2, "block.again(key='b')"),
    ),
    "a condition": (
        "block = Filter.where('a').equals(1)",
        (1, "Filter.where('a').equals(1)"),
    ),
    "a longer condition": (
        "block = Filter.where('a').equals(1).and_('b').is_empty()",
        (1, "Filter.where('a').equals(1).and_('b').is_empty()"),
    ),
    "in a function": (
        "def make():\n    return FindEmail()\nblock = make()",
        (2, "FindEmail()"),
    ),
    "in a comprehension": (
        "block = [\n    FindEmail(key=key)\n    for key in 'ab'\n][-1]",
        (2, "FindEmail(key=key)"),
    ),
    "in a lambda": ("block = (lambda: FindEmail())()", (1, "FindEmail()")),
    "in a class": (
        "class Steps:\n    find = FindEmail()\nblock = Steps.find",
        (2, "FindEmail()"),
    ),
    "with unpacked arguments": (
        "block = FindEmail(**{'key': 'b'})",
        (1, "FindEmail(**{'key': 'b'})"),
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_place(name):
    """A block knows file, line and columns of the call that made it."""
    source, expected = PLACES[name]

    assert placed(source) == expected


def test_place_of_code_without_a_file():
    """Code without a file has a line all the same, and no excerpt."""
    scope = {"FindEmail": FindEmail}
    exec("\n\nblock = FindEmail(mode='PROF')", scope)

    with pytest.raises(errors.CompileError) as caught:
        Workflow("w", scope["block"]).compile()

    assert str(scope["block"].place) == "<string>:3"
    assert "\n<string>:3 error[unknown-word] mode is 'PROF'" in str(caught.value)


def test_place_without_columns():
    """An interpreter that keeps no columns still gives the line."""
    program = (
        "from flow64.blocks import FindEmail\n"
        "block = FindEmail()\n"
        "print(block.place.line, block.place.column, block.place.end_column)"
    )
    command = (sys.executable, "-X", "no_debug_ranges", "-c", program)
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout == "2 None None\n"


def test_place_of_a_subclass():
    """A class of a user's own is a block as those of the catalogue are."""

    class Personal(FindEmail):
        """Always personal."""

        def __init__(self, **fields):
            super().__init__(mode="PERSONAL", **fields)

    assert Personal(key="a").place.file == __file__
    assert repr(Personal(key="a")).startswith("Personal(mode='PERSONAL'")
    assert Personal.kind == "find_email"


# -- Reprs --------------------------------------------------------------------------


class Broken:
    """Something whose repr fails."""

    def __repr__(self):
        raise ValueError


def test_repr_shows_what_is_set():
    """A repr reads like the call, with what every block takes at its end."""
    block = Webhook(LEAD, key="in", extra={"a": None}, allow=["x"])

    assert repr(block) == (
        "Webhook(dataframe_type=LEAD, key='in', extra={'a': None}, allow=['x'])"
    )
    assert repr(FindEmail()) == "FindEmail()"
    assert repr(FindEmail(mode=value("m"))) == (
        "FindEmail(mode=Value(name='m', secret=False))"
    )


def test_repr_is_short():
    """Neither a long text nor a deep one makes a long repr, and none can fail."""
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    block = RawBlock("x", specs=deep, key="k" * 1000, extra=Broken(), allow=object())

    text = repr(block)

    assert len(text) < 200
    assert "specs=<dict>" in text
    assert "extra=<Broken>" in text
    assert text.endswith("allow=<object object>)")
    while deep:  # as C would otherwise recurse to free it
        deep = deep["a"]
