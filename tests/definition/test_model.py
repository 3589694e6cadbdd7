"""The definition as data: looked up, compared, followed along its edges."""

from __future__ import annotations

import copy
import pickle

import pytest
from attrs import evolve

from flow64.definition import (
    Definition,
    Edge,
    FrozenDict,
    JoinedEdges,
    ListedOrigins,
    Origin,
    Topology,
    WireBlock,
)
from flow64.diagnostics import Place


def definition(names, *pairs):
    """Blocks named by letters, of kind upper, and edges as pairs of letters."""
    blocks = tuple(
        WireBlock(name, name.upper(), FrozenDict(), "", n)
        for n, name in enumerate(names, 1)
    )
    return Definition("n", "", blocks, tuple(Edge(*pair) for pair in pairs))


def test_blocks_are_found_by_kind():
    """With their positions, in order of the kinds asked for."""
    made = definition("aba")

    found = [(position, block.id) for position, block in made.of_kind("B", "A", "C")]

    assert found == [(1, "b"), (0, "a"), (2, "a")]


def test_of_equal_ids_the_first_is_found():
    """Faulty, and yet every lookup says the same."""
    assert definition("aba").index == {"a": 0, "b": 1}


@pytest.mark.parametrize(
    ("graph", "parents", "children", "roots", "order"),
    [
        (("ab", ["ab"]), [[], [0]], [[1], []], [0], [0, 1]),
        (("ab", ["ba"]), [[1], []], [[], [0]], [1], [1, 0]),
        (("ab", []), [[], []], [[], []], [0, 1], [0, 1]),
        (("ab", ["ax", "xb"]), [[], []], [[], []], [0, 1], [0, 1]),
        (
            ("abc", ["ab", "ba", "bc"]),
            [[1], [0], [1]],
            [[1], [0, 2], []],
            [],
            [0, 1, 2],
        ),
        (("ab", ["aa"]), [[0], []], [[0], []], [1], [1, 0]),
        (
            ("abcd", ["cb", "da", "ab", "db"]),
            [[3], [0, 2, 3], [], []],
            [[1], [], [1], [0, 1]],
            [2, 3],
            [2, 3, 0, 1],
        ),
        (("", []), [], [], [], []),
    ],
)
def test_edges_are_followed_both_ways(graph, parents, children, roots, order):
    """Dangling ends are left out; what is on a cycle, or behind it, comes last."""
    names, pairs = graph
    topology = definition(names, *pairs).topology

    assert [
        list(topology.parents),
        list(topology.children),
        list(topology.roots),
        list(topology.order),
    ] == [parents, children, roots, order]


def test_joined_edges_are_edges():
    """By index, by slice, in turn, compared, hashed and shown."""
    plain = (Edge("a", "b"), Edge("b", "c"))
    topology = Topology([0, 1], [1, 2], 3, is_forward=True)
    joined = JoinedEdges(["a", "b", "c"], topology)

    assert [
        len(joined),
        joined[1],
        joined[-1],
        joined[:1],
        tuple(joined),
        joined == plain,
        plain == joined,
        joined == plain[:1],
        joined == list(plain),
        hash(joined),
        repr(joined),
    ] == [
        2, plain[1], plain[1], plain[:1], plain, True, True, False, False,
        hash(plain), repr(plain),
    ]  # fmt: skip


def test_joined_edges_bring_their_topology():
    """Known to lowering, where two blocks may by mistake have one id."""
    topology = Topology([0], [1], 2, is_forward=True)
    made = evolve(definition("aa"), edges=JoinedEdges(["a", "a"], topology))

    assert made.topology is topology


def test_where_it_came_from_takes_no_part_in_equality():
    """Code, a file and an answer are compared as data."""
    one = definition("ab", "ab")
    other = evolve(one, path="p", is_answer=True, allowed=frozenset({"x"}))

    assert (one, hash(one)) == (other, hash(other))


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))]
)
def test_a_definition_is_copied_whole(again):
    """Also once its lookups were made."""
    made = definition("ab", "ab")
    assert made.topology.is_forward

    assert again(made) == made


def test_the_repr_of_a_definition_is_short():
    """It counts blocks and edges."""
    assert repr(definition("ab", "ab")) == (
        "Definition(name='n', description='', blocks=<2>, edges=<1>, id=None, "
        "extra={}, graph_extra={}, stamp=None)"
    )


def test_a_definition_made_by_hand_has_no_origins():
    """And says so of every block."""
    assert definition("a").origins[0] == Origin()


@pytest.mark.parametrize(
    ("origin", "where"),
    [
        (Origin(path="work/a", pointer="/x"), "work/a"),
        (Origin(pointer="/x"), "/x"),
        (Origin(place=Place("f", 1)), None),
    ],
)
def test_a_block_is_called_by_its_path(origin, where):
    """Or by its pointer, where it was read with a UUID."""
    assert origin.where == where


@pytest.mark.parametrize(
    ("extra", "condition"),
    [(FrozenDict(), None), (FrozenDict(condition="x"), "x")],
)
def test_the_condition_of_an_edge(extra, condition):
    """Reserved by the service; kept among the unknown members."""
    assert Edge("a", "b", extra).condition == condition


def test_listed_origins_say_what_they_silence():
    """With the positions of the blocks, others left out."""
    origins = ListedOrigins([Origin(), Origin(key="b", allowed=("a-code",))])

    assert (origins[1].key, list(origins.silenced_codes())) == ("b", [(1, ("a-code",))])
