"""Values: filled in, and kept quiet where they are secret."""

from __future__ import annotations

import pytest

from flow64.definition import (
    MASK,
    VALUE_KEY,
    Definition,
    Edge,
    Freezer,
    FrozenDict,
    FrozenList,
    Value,
    Values,
    WireBlock,
    bind,
    fingerprint,
    from_data,
    unbound_names,
)
from flow64.errors import BuildError, ConfigError, ReadError

ID = "aaaaaaaa-0000-4000-8000-000000000001"
TOKEN = Value("token", secret=True)


def definition(**specs):
    problems = []
    block = WireBlock(ID, "k", Freezer(problems.append).freeze(specs), "k", 1)
    assert problems == []
    return Definition("n", "", (block,), (Edge(ID, ID),), id="x")


def bound(made, problems=None, **values):
    return bind(made, values, [] if problems is None else problems)


def test_words_of_the_wire_are_pinned():
    """They stand in files that people keep."""
    assert (VALUE_KEY, MASK) == ("flow64:value", "***")


def test_values_are_filled_in_wherever_they_stand():
    """As JSON data, frozen; names without an entry stay."""
    made = bound(
        definition(a=Value("x"), b=[{"c": Value("x")}, Value("y")]), x={"k": (1,)}
    )

    assert made.blocks[0].specs == {
        "a": {"k": [1]},
        "b": [{"c": {"k": [1]}}, Value("y")],
    }


def test_names_that_nothing_fills_in():
    """Sorted, each once, but no secrets; an entry of null fills in too."""
    made = definition(a=Value("y"), b=[Value("x"), Value("y"), TOKEN])

    assert [unbound_names(made), unbound_names(bound(made, x=None))] == [
        ["x", "y"],
        ["y"],
    ]


@pytest.mark.parametrize("values", [{}, {"other": object()}])
def test_values_that_nothing_asks_for_are_ignored(values):
    """One environment serves a fleet; what is not used is not judged."""
    made, problems = definition(a=Value("x")), []

    assert (bound(made, problems, **values) is made, problems) == (True, [])


def test_what_is_not_json_is_a_problem_by_name():
    """All of them, in order of the names."""
    problems = []

    bound(definition(a=Value("y"), b=Value("x")), problems, y={"k": b""}, x=2**53)

    assert [problem.path for problem in problems] == [("x",), ("y", "k")]


def test_a_secret_stays_a_name():
    """So no repr, text, copy, pickle or fingerprint can have it."""
    unbound = definition(a=TOKEN, b=FrozenList([FrozenDict(c=TOKEN)]))

    assert bound(unbound, token="s3cret") == unbound
    assert fingerprint(bound(unbound, token="s3cret")) == fingerprint(unbound)


def test_a_name_that_is_secret_once_is_secret_everywhere():
    """In code, or since the settings take it from a variable."""
    marked = bound(definition(a=TOKEN, b=Value("token")), token="s3cret")
    hidden = Values({"token": "s3cret"}, hidden=["token"])
    of_settings = bind(definition(b=Value("token")), hidden, [])

    assert [marked.blocks[0].specs[name] for name in "ab"] == [TOKEN, TOKEN]
    assert of_settings.blocks[0].specs["b"] == TOKEN


def test_a_variable_that_is_not_set_fails_for_plain_values_alone():
    """That of a secret may be set where the secret is needed."""

    class Unset(dict):
        def __getitem__(self, name):
            raise ConfigError(f"{name} is not set")

    unset = Unset(x="", token="")

    assert bind(definition(a=TOKEN), unset, []) == definition(a=TOKEN)
    with pytest.raises(ConfigError):
        bind(definition(a=Value("x")), unset, [])


BLOCK = {"block_name": "new", "block_type": "", "sequence_number": 1}


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ({"flow64:value": "x"}, Value("x")),
        ({"flow64:value": "x", "secret": False}, Value("x")),
        ({"flow64:value": "x", "secret": True}, Value("x", secret=True)),
        ({"flow64:value": ""}, None),
        ({"flow64:value": 1}, None),
        ({"flow64:value": "x", "secret": 1}, None),
        ({"flow64:value": "x", "more": 1}, None),
        ({"secret": True}, None),
    ],
)
def test_the_form_of_an_unbound_value(data, value):
    """Exactly this object, or none."""
    graph = {"blocks": [{**BLOCK, "specs": {"x": data}}], "edges": []}
    body = {"workflow_name": "a", "workflow_definition": graph}

    if value is None and "flow64:value" in data:
        with pytest.raises(ReadError, match="is not an unbound value"):
            from_data(body)
    else:
        found = from_data(body).blocks[0].specs["x"]
        assert found == (data if value is None else value)


@pytest.mark.parametrize(
    "write",
    [
        str,
        "{}".format,
        "%s".__mod__,
    ],
    ids=["str", "format", "%"],
)
def test_a_value_is_no_part_of_a_text(write):
    """It would be sent as its repr; the environment fills in the whole text."""
    with pytest.raises(BuildError, match=r"value\('hook'\) stands for a whole"):
        write(Value("hook"))
