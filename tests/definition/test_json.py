"""Freezing: what may stand in specs, and what is said of the rest."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import pathlib
import pickle
import re
from collections import OrderedDict, namedtuple
from types import MappingProxyType

import pytest

from flow64.definition import (
    EMPTY,
    MAX_DEPTH,
    MAX_INTEGER,
    FrozenDict,
    FrozenList,
    Limits,
    Problem,
    Value,
    freeze,
    is_plain,
    pointer,
    thaw,
    walk,
)

Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - an untyped one is what is tested
Colour = enum.Enum("Colour", "RED")


class Number(int):
    """An int that is none to JSON: who knows how it prints."""


class Vector:
    """What arrays of numpy and series of pandas look like."""

    def __len__(self):
        return 2

    def item(self):
        raise ValueError

    def tolist(self):
        return [1, 2]

    def __repr__(self):
        return "Vector()"


class Scalar:
    """What numpy's scalars look like."""

    def item(self):
        return 1

    def __repr__(self):
        return "Scalar()"


def frozen(value, **limits):
    problems = []
    return freeze(value, ("specs",), problems, limits=Limits(**limits)), problems


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (None, None),
        (True, True),
        ("é", "é"),
        (MAX_INTEGER, MAX_INTEGER),
        (1.5, 1.5),
        ((1, [2]), [1, [2]]),
        (OrderedDict(b=1, a={}), {"b": 1, "a": {}}),
        (MappingProxyType({"a": ()}), {"a": []}),
        ([Value("x")], [Value("x")]),
    ],
)
def test_json_data_is_copied(value, made):
    """Tuples become lists and mappings dicts; nothing else changes."""
    assert frozen(value) == (made, [])


@pytest.mark.parametrize(
    ("value", "made"),
    [(1.0, "1"), (-0.0, "0"), (2.0**53 - 1, "9007199254740991"), (1e21, "1e+21")],
)
def test_a_whole_float_of_code_is_an_integer(value, made):
    """One spelling for each number, where no digit is lost."""
    assert repr(frozen([value])[0]) == f"[{made}]"


def test_numbers_that_are_read_stay_as_they_are():
    """`whole=False` and `integer=None` are the limits of a reader."""
    made, problems = frozen([1.0, -0.0, 2**60], whole=False, integer=None)

    assert (repr(made), problems) == ("[1.0, -0.0, 1152921504606846976]", [])


def test_the_order_of_keys_is_kept():
    """Bytes come in the order written, also where values nest."""
    made, _ = frozen({"b": {"z": [], "y": 1}, "a": 2})

    assert [pointer(path) for path, _ in walk(made)] == ["", "/b", "/b/z", "/b/y", "/a"]


@pytest.mark.parametrize(
    ("value", "message", "advice"),
    [
        (2**53, "integers beyond 2^53 - 1 lose digits in JSON", "write it as text"),
        (-(2**53), "integers beyond 2^53 - 1 lose digits in JSON", "write it as text"),
        (float("nan"), "nan is not a JSON number", "leave the field out, or use null"),
        (
            float("-inf"),
            "-inf is not a JSON number",
            "leave the field out, or use null",
        ),
        ("\ud800", "text with a lone surrogate is not Unicode", "mend the text"),
        (int, "the class int is not JSON", 'write the type as text: "int"'),
        (b"x", "bytes are not JSON", "decode them: data.decode()"),
        (bytearray(b"x"), "bytes are not JSON", "decode them: data.decode()"),
        (
            {1, 2},
            "a set has no order",
            "write a list, sorted if it comes from a set",
        ),
        (
            frozenset(),
            "a set has no order",
            "write a list, sorted if it comes from a set",
        ),
        (
            dt.date(2026, 1, 2),
            "a datetime.date is not JSON (datetime.date(2026, 1, 2))",
            "convert it where you write it: str(...), or .isoformat()",
        ),
        (
            Colour.RED,
            f"a {__name__}.Colour is not JSON (<Colour.RED: 1>)",
            "convert it where you write it: str(...), or .value",
        ),
        (
            Scalar(),
            f"a {__name__}.Scalar is not JSON (Scalar())",
            "convert it where you write it: str(...), or .item()",
        ),
        (
            Vector(),
            f"a {__name__}.Vector is not JSON (Vector())",
            "convert it where you write it: str(...), or .tolist()",
        ),
        (
            re.compile("a"),
            "a re.Pattern is not JSON (re.compile('a'))",
            "convert it where you write it: str(...), or .pattern",
        ),
        (
            pathlib.PurePosixPath("/x"),
            "a pathlib.PurePosixPath is not JSON (PurePosixPath('/x'))",
            "convert it where you write it: str(...), list(...) or dict(...)",
        ),
        (
            Pair(1, 2),
            f"a {__name__}.Pair is not JSON (Pair(a=1, b=2))",
            "convert it where you write it: str(...), list(...) or dict(...)",
        ),
        (
            Number(1),
            f"a {__name__}.Number is not JSON (1)",
            "convert it where you write it: str(...), list(...) or dict(...)",
        ),
    ],
)
def test_what_is_not_json_is_a_problem_with_its_path(value, message, advice):
    """Nothing is turned into text in silence; null stands in its place."""
    made, problems = frozen({"a": [0, value]})

    place = ("specs", "a", 1)

    assert (made, problems) == (
        {"a": [0, None]},
        [Problem("not-json", place, message, advice)],
    )


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (1, "1 is an int, and JSON keys are Unicode text"),
        (None, "None is a NoneType, and JSON keys are Unicode text"),
        (
            "\ud800",
            "'\\ud800' is text with a lone surrogate, and JSON keys are Unicode text",
        ),
    ],
)
def test_a_key_is_text(key, message):
    """A key that is no text is left out, and said to be."""
    made, problems = frozen({"a": 1, key: 2})

    found = Problem("not-json", ("specs",), message, "write the key as a plain str")
    assert (made, problems) == ({"a": 1}, [found])


def test_problems_come_in_the_order_written():
    """All of them, together."""
    _, problems = frozen({"a": [b"", {"b": set()}], "c": 2**60})

    assert [pointer(problem.path) for problem in problems] == [
        "/specs/a/0",
        "/specs/a/1/b",
        "/specs/c",
    ]


def nested(depth):
    value = "x"
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


def test_specs_may_nest_to_the_limit():
    """The limit itself is allowed, and thawed again."""
    made, problems = frozen(nested(MAX_DEPTH))

    assert (thaw(made), problems) == (nested(MAX_DEPTH), [])


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 100_000])
def test_deeper_specs_are_one_problem(depth):
    """However deep, and without a RecursionError."""
    _, problems = frozen(nested(depth))

    message = "values nest deeper than 256 levels"
    advice = "flatten the value, or send it as JSON text"
    place = ("specs", *(["k", 0, "k"] if depth % 2 else [0, "k", 0]))
    assert problems == [Problem("too-deep", place, message, advice)]


def test_a_list_that_holds_itself_is_too_deep():
    """A circle ends at the limit."""
    circle = []
    circle.append(circle)

    assert [problem.code for problem in frozen(circle)[1]] == ["too-deep"]


def test_a_literal_that_looks_like_a_value_is_refused():
    """Read back it would be an unbound value."""
    _, problems = frozen({"a": {"flow64:value": "x"}})

    message = (
        "a literal with the key 'flow64:value' would be read back as an unbound value"
    )
    advice = 'write value("name") for a value that differs by environment'
    assert problems == [Problem("reserved-literal", ("specs", "a"), message, advice)]


def test_in_an_answer_such_a_literal_is_data():
    """The service may hold what it likes."""
    made, problems = frozen({"flow64:value": "x"}, literals=True)

    assert (made, problems) == ({"flow64:value": "x"}, [])


def test_conversion_is_asked_first():
    """What the language lets stand in specs is turned into JSON, or into a problem."""
    problems = []

    made = freeze(
        [Colour.RED, {1}],
        (),
        problems,
        lambda item: (
            item.name
            if isinstance(item, Colour)
            else Problem("odd", (), "no", "")
            if isinstance(item, set)
            else item
        ),
    )

    assert (made, problems) == (["RED", None], [Problem("odd", (1,), "no", "")])


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("a", True), ("é", True), ("\ud800", False), (1, True), (2**53, False),
        (True, True), (None, True), (1.5, False), ([], False), (Number(1), False),
    ],
)  # fmt: skip
def test_plain_scalars_need_no_freezing(value, is_one):
    """Exact types only."""
    assert is_plain(value) is is_one


MUTATIONS = [
    lambda d: d.__setitem__("a", 1),
    lambda d: d.__delitem__("a"),
    lambda d: d.__ior__({}),
    lambda d: d.clear(),
    lambda d: d.pop("a"),
    lambda d: d.popitem(),
    lambda d: d.setdefault("b", 1),
    lambda d: d.update(b=1),
]
LIST_MUTATIONS = [
    lambda xs: xs.__setitem__(0, 1),
    lambda xs: xs.__delitem__(0),
    lambda xs: xs.__iadd__([1]),
    lambda xs: xs.__imul__(2),
    lambda xs: xs.append(1),
    lambda xs: xs.clear(),
    lambda xs: xs.extend([1]),
    lambda xs: xs.insert(0, 1),
    lambda xs: xs.pop(),
    lambda xs: xs.remove(1),
    lambda xs: xs.reverse(),
    lambda xs: xs.sort(),
]


@pytest.mark.parametrize(
    ("made", "change"),
    [(FrozenDict(a=1), change) for change in MUTATIONS]
    + [(FrozenList([1]), change) for change in LIST_MUTATIONS],
)
def test_frozen_json_cannot_be_changed(made, change):
    """Every method that would change it says what to do instead."""
    with pytest.raises(TypeError, match="a definition is frozen"):
        change(made)


def test_every_changing_method_is_refused():
    """A new method of dict or list in a later Python does not slip through."""
    shared = {"copy", "count", "fromkeys", "get", "index", "items", "keys", "values"}
    names = {n for n in (*dir(dict), *dir(list)) if not n.startswith("_")} - shared

    assert names == {
        "append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse",
        "setdefault", "sort", "update",
    }  # fmt: skip


@pytest.mark.parametrize(
    "made",
    [EMPTY, FrozenDict(a=FrozenList([1, FrozenDict(b=None)])), FrozenList(["x"])],
)
@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))]
)
def test_copies_stay_frozen(made, again):
    """Copy, deep copy and pickle give the same, of the same type."""
    twin = again(made)

    assert (twin, type(twin), hash(twin)) == (made, type(made), hash(made))


def test_the_order_of_keys_takes_no_part_in_equality():
    """Equal dicts have equal hashes."""
    one, other = FrozenDict(a=1, b=2), FrozenDict(b=2, a=1)

    assert (one, hash(one)) == (other, hash(other))


@pytest.mark.parametrize(
    ("path", "text"), [((), ""), (("a/b", 0, "~"), "/a~1b/0/~0"), (("",), "/")]
)
def test_a_pointer_is_that_of_rfc_6901(path, text):
    """Slash and tilde are escaped."""
    assert pointer(path) == text
