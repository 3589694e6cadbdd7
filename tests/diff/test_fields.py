"""Fields and lists: what changed inside of one block."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64.definition import BoundSecret, FrozenDict, Value, fingerprint
from flow64.diff import apply, diff
from tests.analysis.support import wired
from tests.diff.support import told
from tests.strategies import frozen

SECRET = Value("token", secret=True)
NAMED = {"name": "a", "type": "str"}


def of_specs(specs):
    """A definition of one block, as it is read."""
    made = wired(("kind", {}))
    return evolve(made, blocks=(made.blocks[0]._replace(specs=frozen(specs)),))


def nested(depth, leaf):
    for _ in range(depth):
        leaf = [leaf]
    return leaf


CASES = {
    "members, however deep": (
        {"a": {"b": {"c": 1, "d": 2}}},
        {"a": {"b": {"c": 1, "e": 2}}},
        ["- a.b.d: 2", "+ a.b.e: 2"],
    ),
    "another type": ({"a": {"b": 1}}, {"a": [1]}, ['~ a: {"b": 1} → [1]']),
    "true is not one": ({"a": 1, "b": 0}, {"a": True, "b": 0.0}, ["~ a: 1 → true"]),
    "a number in another spelling": ({"a": [1, 2e20]}, {"a": [1.0, 2 * 10**20]}, []),
    "a number that only begins alike": (
        {"a": 2**53 + 1},
        {"a": float(2**53)},
        ["~ a: 9007199254740993 → 9007199254740992.0"],
    ),
    "the value of an environment": ({"a": Value("x")}, {"a": Value("x")}, []),
    "a value and what is written like it": (
        {"a": Value("x"), "b": 1},
        {"a": "x", "b": 1},
        ['~ a: value "x" → "x"'],
    ),
    "texts that came and went": (
        {"a": ["x", "y", "z"]},
        {"a": ["v", "x", "z", "w"]},
        ['- a[1]: "y"', '+ a[0]: "v"', '+ a[3]: "w"'],
    ),
    "the same text more often": (
        {"a": ["x"]},
        {"a": ["x", "x"]},
        ['+ a[1]: "x"'],
    ),
    "texts in another order": (
        {"a": ["x", "y", "z"]},
        {"a": ["y", "z", "x"]},
        ['> a "x": [0] → [2]'],
    ),
    "fields in a list, by name": (
        {"a": [NAMED, {"name": "b"}]},
        {"a": [{"name": "b"}, {**NAMED, "type": "int"}]},
        ['~ a[1].type: "str" → "int"'],
    ),
    "conditions, by column": (
        {
            "filters": [
                {"column": "a", "operator": "equals", "value": 1},
                {"column": "a", "operator": "less", "value": 2},
                {"column": "b", "operator": "is_empty"},
            ]
        },
        {
            "filters": [
                {"column": "a", "operator": "less", "value": 3},
                {"column": "a", "operator": "equals", "value": 1},
                {"column": "b", "operator": "is_not_empty"},
            ]
        },
        [
            "~ filters[0].value: 2 → 3",
            """\
> filters {"column": "a", "operator": "equals", "value": 1}: [0] → [1]""",
            '~ filters[2].operator: "is_empty" → "is_not_empty"',
        ],
    ),
    "objects without a name, by place": (
        {"a": [{"x": 1}, "between", {"x": 2}]},
        {"a": [{"x": 3}, "between", {"x": 4}, {"x": 5}]},
        [
            '- a[2]: {"x": 2}',
            "~ a[0].x: 1 → 3",
            '+ a[2]: {"x": 4}',
            '+ a[3]: {"x": 5}',
        ],
    ),
    "a name that is no text": (
        {"a": [{"name": 1, "x": 1}]},
        {"a": [{"name": 1, "x": 2}]},
        ["~ a[0].x: 1 → 2"],
    ),
    "a name that stands twice": (
        {"a": [{"name": "x", "v": 1}, {"name": "x", "v": 2}]},
        {"a": [{"name": "x", "v": 3}]},
        [
            '- a[0]: {"name": "x", "v": 1}',
            '- a[1]: {"name": "x", "v": 2}',
            '+ a[0]: {"name": "x", "v": 3}',
        ],
    ),
    "lists in lists": (
        {"a": [[1, 2], [3]]},
        {"a": [[1, 2], [4]]},
        ["- a[1][0]: 3", "+ a[1][0]: 4"],
    ),
    "lists in very many lists": (
        {"a": nested(10, 1)},
        {"a": nested(10, 2)},
        [f"~ a{'[0]' * 8}: [[1]] → [[2]]"],
    ),
    "what a secret takes the place of": (
        {"a": "text", "b": ["x", "y"], "c": {"d": "text", "e": 1}, "f": 1},
        {"a": SECRET, "b": [SECRET, "y"], "c": {"g": SECRET, "e": 2}, "f": 2},
        [
            '~ a: "***" → secret "token"',
            '- b[0]: "***"',
            '+ b[0]: secret "token"',
            '- c.d: "***"',
            "~ c.e: 1 → 2",
            '+ c.g: secret "token"',
            "~ f: 1 → 2",
        ],
    ),
    "what takes the place of a secret": (
        {"a": SECRET, "b": [SECRET], "c": {"g": SECRET}},
        {"a": Value("open"), "b": ["x"], "c": {"d": "text"}},
        [
            '~ a: secret "token" → value "open"',
            '- b[0]: secret "token"',
            '+ b[0]: "***"',
            '- c.g: secret "token"',
            '+ c.d: "***"',
        ],
    ),
    "the text of a known secret": (
        {"a": BoundSecret(SECRET, "hush"), "b": 1, "d": {"e": 1}},
        {
            "a": BoundSecret(SECRET, "hush"),
            "b": ["x", "say hush", {"c": 1}],
            "d": {"e": {"f": "hush"}},
        },
        [
            '~ b: 1 → ["x", "***", {"c": 1}]',
            '~ d.e: 1 → {"f": "***"}',
        ],
    ),
    "a text inside of a secret": (
        {"a": BoundSecret(SECRET, FrozenDict(user="me", password="hush"))},
        {"a": BoundSecret(SECRET, FrozenDict(user="me", password="hush")), "b": "hush"},
        ['+ b: "***"'],
    ),
    "a secret that is no text": (
        {"a": BoundSecret(SECRET, 7), "b": 1},
        {"a": BoundSecret(SECRET, 7), "b": 7},
        ['~ b: 1 → "***"'],
    ),
}


@pytest.mark.parametrize(("old", "new", "lines"), CASES.values(), ids=CASES)
def test_fields_and_lists_by_meaning(old, new, lines):
    """Each change at its pointer; applied, they are what is there instead."""
    before, after = of_specs(old), of_specs(new)

    found = told(before, after).splitlines()

    assert [line.removeprefix("    ") for line in found[1:]] == lines
    assert fingerprint(apply(diff(before, after), before)) == fingerprint(after)


def test_a_new_text_of_a_secret_counts_where_texts_are_compared():
    """As with fingerprints."""
    old = {"a": BoundSecret(SECRET, frozen({"b": 1})), "c": {"b": 1}}
    new = {"a": {"b": 1}, "c": BoundSecret(SECRET, frozen({"b": 2}))}
    before, after = of_specs(old), of_specs(new)

    assert told(before, before, bound=True) == ""
    assert told(before, after, bound=True).splitlines()[1:] == [
        '    ~ c: "***" → secret "token"'
    ]
