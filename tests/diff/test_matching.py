"""Which block is taken for which, where ids differ."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64.definition import (
    Edge,
    FrozenDict,
    ListedOrigins,
    Origin,
    WireBlock,
    fingerprint,
    id_of,
)
from flow64.diff import BlockRenamed, Hidden, apply, diff
from tests.analysis.support import wired


def named(*blocks, edges=(), prefix=""):
    """A definition of (name, kind, specs) by hand; blocks have no keys."""
    ids = {name: id_of(f"{prefix}{name}") for name, _, _ in blocks}
    made = tuple(
        WireBlock(ids[name], kind, FrozenDict(specs), "", 1)
        for name, kind, specs in blocks
    )
    joined = tuple(Edge(ids[a], ids[b]) for a, b in map(str.split, edges))
    return evolve(wired(), blocks=made, edges=joined)


def with_paths(definition, *paths):
    origins = ListedOrigins([Origin(path=path) for path in paths])
    return evolve(definition, origins=origins)


def partners(before, after):
    """Positions before and now of the blocks whose ids differ, in order."""
    old, new = before.index, after.index
    return sorted(
        (old[change.before.id], new[change.block.id])
        for change in diff(before, after)
        if isinstance(change, BlockRenamed)
    )


CASES = {
    "the same content, once on each side": (
        named(("a", "x", {"n": 1}), ("b", "x", {"n": 2})),
        named(("c", "x", {"n": 2}), ("d", "x", {"n": 1})),
        [(0, 1), (1, 0)],
    ),
    "alone of a kind": (
        named(("a", "x", {"n": 1})),
        named(("b", "x", {"m": 2}), ("c", "y", {})),
        [(0, 0)],
    ),
    "alone of a kind behind the same block": (
        named(
            ("a", "s", {}), ("b", "x", {"n": 1}), ("c", "x", {"n": 2}),
            edges=["a b", "b c"],
        ),
        named(
            ("d", "s", {}), ("e", "x", {"n": 3}), ("f", "x", {"n": 4}),
            edges=["d f", "f e"],
        ),
        [(0, 0), (1, 2), (2, 1)],
    ),
    "alone of a kind before the same block": (
        named(
            ("a", "x", {"n": 1}), ("b", "x", {"n": 2}), ("c", "s", {}),
            edges=["a b", "b c"],
        ),
        named(
            ("d", "x", {"n": 3}), ("e", "x", {"n": 4}), ("f", "s", {}),
            edges=["e d", "d f"],
        ),
        [(0, 1), (1, 0), (2, 2)],
    ),
    "the same content at the same depth": (
        named(
            ("a", "x", {}), ("b", "x", {}), ("c", "x", {}), edges=["a b", "b c"]
        ),
        named(
            ("d", "x", {}), ("e", "x", {}), ("f", "x", {}), edges=["f e", "e d"]
        ),
        [(0, 2), (1, 1), (2, 0)],
    ),
    "the same content as often, in order": (
        named(("a", "x", {}), ("b", "x", {}), ("s", "s", {}), edges=["s a", "s b"]),
        named(("c", "x", {}), ("d", "x", {})),
        [(0, 0), (1, 1)],
    ),
    "the most fields in common": (
        named(
            ("a", "x", {"n": 1, "m": 1, "f": FrozenDict(u=1)}),
            ("b", "x", {"n": 2, "m": 2, "f": FrozenDict(v=1)}),
        ),
        named(
            ("c", "x", {"n": 2, "m": 2, "f": FrozenDict(v=2)}),
            ("d", "x", {"n": 1, "m": 3, "f": FrozenDict(u=2)}),
        ),
        [(0, 1), (1, 0)],
    ),
    "more in common with another": (
        named(
            ("a", "x", {"n": 1, "m": 1, "o": 1}),
            ("b", "x", {"n": 2, "p": 2}),
            ("c", "x", {}),
        ),
        named(
            ("d", "x", {"n": 1, "m": 1, "p": 2}),
            ("e", "x", {"o": 1, "q": 3}),
        ),
        [(0, 0)],
    ),
    "what is left of a content": (
        named(("a", "x", {}), ("b", "x", {})),
        named(
            ("s", "s", {}), ("c", "x", {}), ("d", "x", {}), ("e", "x", {}),
            edges=["s c", "s d", "s e"],
        ),
        [(0, 1), (1, 2)],
    ),
    "as many of a kind, in order": (
        named(("a", "x", {"n": 1}), ("b", "x", {"n": 2})),
        named(("c", "x", {"n": 3}), ("d", "x", {"n": 4})),
        [(0, 0), (1, 1)],
    ),
    "not as many of a kind": (
        named(("a", "x", {"n": 1}), ("b", "x", {"n": 2})),
        named(("c", "x", {"n": 3})),
        [],
    ),
    "the same key": (
        with_paths(named(("a", "x", {"n": 1}), ("b", "x", {"n": 2})), "k", "l"),
        with_paths(named(("c", "x", {"n": 2}), ("d", "x", {"n": 1})), "k", "l"),
        [(0, 0), (1, 1)],
    ),
    "keys of their own, and nothing in common": (
        with_paths(named(("a", "x", {"n": 1})), "k"),
        with_paths(named(("c", "x", {"n": 2})), "l"),
        [],
    ),
    "a circle": (
        named(("a", "x", {}), ("b", "x", {}), edges=["a b", "b a"]),
        named(("c", "x", {}), ("d", "x", {}), edges=["c d", "d c"]),
        [(0, 0), (1, 1)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "pairs"), CASES.values(), ids=CASES)
def test_partners_are_found_by_ever_weaker_signs(before, after, pairs):
    """By key, content, kind and place; each block has one partner at most."""
    assert partners(before, after) == pairs
    assert fingerprint(apply(diff(before, after), before)) == fingerprint(after)


def test_a_block_whose_id_stands_twice_is_not_renamed():
    """What has not changed of it is no change; the rest came or went."""
    twice = named(("a", "x", {"n": 1}), ("a", "x", {"n": 2}), ("a", "x", {"n": 2}))
    other = named(("a", "x", {"n": 2}), ("b", "x", {"n": 1}))

    assert [type(change).__name__ for change in diff(twice, other)] == [
        "BlockRemoved",
        "BlockRemoved",
        "BlockAdded",
    ]
    assert list(diff(twice, twice)) == []


def test_hidden_is_only_itself():
    """It compares by what it hides, and never with that."""
    assert Hidden(1) == Hidden(1)
    assert Hidden(1) != Hidden(2)
    assert Hidden(1) != 1
    assert len({Hidden(1), Hidden(1)}) == 1
