"""`>>`: what it joins, what it refuses, and that nesting costs nothing."""

from __future__ import annotations

import copy
import functools
import gc
import sys
import threading
import time
import weakref

import pytest

from flow64 import (
    LEAD,
    Flow,
    Passthrough,
    RawBlock,
    Workflow,
    errors,
    fan,
    include_if,
    tap,
)
from flow64.blocks import Deduplicate, Filter, FindEmail, Webhook
from tests.dsl.support import blocks, compiled, edges, names

a, b, c, d, e = blocks("a", "b", "c", "d", "e")
DEEP = 100_000


def nested(depth):
    """A block in so many lists inside each other."""
    return functools.reduce(lambda inner, _: [inner], range(depth), c)


CIRCULAR = [c]
CIRCULAR.append(CIRCULAR)
GRAPHS = {
    "a chain": (lambda: a >> b >> c, "ab bc"),
    "nested to the right": (lambda: a >> (b >> c), "ab bc"),
    "nested on both sides": (lambda: (a >> b) >> (c >> d), "ab bc cd"),
    "a list forks and rejoins": (lambda: a >> [b, c] >> d, "ab ac bd cd"),
    "a tuple is a list": (lambda: a >> (b, c) >> d, "ab ac bd cd"),
    "a list in front": (lambda: [a, b] >> c, "ac bc"),
    "a tuple in front": (lambda: (a, b) >> c, "ac bc"),
    "lists joined to lists": (lambda: a >> [b, c] >> [d, e], "ab ac bd be cd ce"),
    "chains in a list": (lambda: a >> [b >> c, d] >> e, "ab ad bc ce de"),
    "a list in a list": (lambda: a >> [b, [c, d]] >> e, "ab ac ad be ce de"),
    "a list of one": (lambda: a >> [b] >> c, "ab bc"),
    "fan is a list": (lambda: a >> fan(b, c) >> d, "ab ac bd cd"),
    "fan in front": (lambda: fan(a, b) >> c, "ac bc"),
    "fan takes lists": (lambda: a >> fan([b, c], d), "ab ac ad"),
    "a side branch": (lambda: a >> tap(b) >> c, "ab ac"),
    "a side branch of several": (lambda: a >> tap(b >> c) >> d, "ab ad bc"),
    "a side branch of a list": (lambda: a >> tap([b, c]) >> d, "ab ac ad"),
    "two side branches": (lambda: a >> tap(b) >> tap(c) >> d, "ab ac ad"),
    "a side branch at the end": (lambda: a >> tap(b), "ab"),
    "a side branch in front": (lambda: [a, b] >> (tap(c) >> d), "ac ad bc bd"),
    "a side branch of a side branch": (lambda: a >> tap(tap(b) >> c) >> d, "ab ac ad"),
    "a side branch in a list": (lambda: a >> [tap(b), c] >> d, "ab ac cd"),
    "only side branches in a list": (lambda: a >> [tap(b), tap(c)] >> d, "ab ac ad"),
    "put in": (lambda: a >> include_if(True, b) >> c, "ab bc"),
    "left out": (lambda: a >> include_if(False, b) >> c, "ac"),
    "left out at the end": (lambda: a >> b >> include_if(False, c), "ab"),
    "left out in front": (lambda: include_if(False, a) >> b >> c, "bc"),
    "all of a list left out": (lambda: a >> [include_if(False, b)] >> c, "ac"),
    "one of a list left out": (lambda: a >> [b, include_if(False, c)] >> d, "ab bd"),
    "a list put in": (lambda: a >> include_if(True, [b, c]), "ab ac"),
    "a left-out side branch": (lambda: a >> tap(include_if(False, b)) >> c, "ac"),
    "an edge drawn twice": (lambda: fan(a >> b, a >> b), "ab"),
    "a step named twice in a list": (lambda: a >> [b, b] >> c, "ab bc"),
    "a circle": (lambda: a >> b >> a, "ab ba"),
    "a block that feeds itself": (lambda: a >> a, "aa"),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_graph(name):
    """Every exit of the left joins every entry of the right, each pair once."""
    flow, expected = GRAPHS[name]

    assert [tuple(pair) for pair in expected.split()] == edges(flow())


def test_block_in_several_flows_is_one():
    """Flows of one workflow share the blocks that stand in several of them."""
    assert edges(a >> b, a >> c) == [("a", "b"), ("a", "c")]
    assert names(a >> b, a >> c) == ["a", "b", "c"]


def test_block_in_two_scopes_is_two():
    """A node is a block in a scope, so one fragment may be used under several names."""
    step = b >> c

    assert edges(a >> [step.scoped("x"), (step >> step.scoped("z")).scoped("y")]) == [
        ("a", "x/b"),
        ("a", "y/b"),
        ("x/b", "x/c"),
        ("y/b", "y/c"),
        ("y/c", "y/z/b"),
        ("y/z/b", "y/z/c"),
    ]


def test_one_block_in_two_workflows():
    """Blocks are values: a workflow takes nothing away from another one."""
    first, second = Workflow("one", a >> b), Workflow("two", a >> c)

    assert [block.kind for block in first.compile().blocks] == ["step", "step"]
    assert first.compile().blocks[0].id != second.compile().blocks[0].id


def test_joining_changes_nothing():
    """`>>` returns a new flow and leaves both sides as they were."""
    left, right = a >> b, c >> d

    joined = left >> right

    assert edges(joined) == [("a", "b"), ("b", "c"), ("c", "d")]
    assert (edges(left), edges(right)) == ([("a", "b")], [("c", "d")])


def test_list_may_change_afterwards():
    """A list is copied where it is joined."""
    members = [b]
    flow = a >> members
    members.append(c)

    assert edges(flow) == [("a", "b")]


def test_operator_assignment():
    """`>>=` makes a longer flow under the same name; the shorter one stays."""
    flow = short = a >> b
    flow >>= c

    assert edges(flow) == [("a", "b"), ("b", "c")]
    assert edges(short) == [("a", "b")]


# -- What is no flow ------------------------------------------------------------------


def uncalled():
    """Return a flow, once it is called."""


class Strange:
    """Something that nobody takes for a flow."""


MISTAKES = {
    "string": ("find_email", "RawBlock"),
    "bytes": (b"x", "RawBlock"),
    "none": (None, "include_if"),
    "mapping": ({"x": 1}, "list"),
    "class": (FindEmail, r">> FindEmail\(...\)"),
    "function": (uncalled, r">> uncalled\(\)"),
    "method": (c.again, r">> again\(\)"),
    "workflow": (Workflow("Leads", Webhook(LEAD)), "function"),
    "unfinished filter": (Filter.where("a"), "operator"),
    "empty list": ([], "include_if"),
}
PLACES = {
    "right": lambda other: a >> b >> other,
    "left": lambda other: other >> b,
    "right of a universal block": lambda other: Deduplicate() >> other,
    "inside a list": lambda other: a >> [b, other],
    "inside a tuple in front": lambda other: (b, other) >> a,
    "inside fan": lambda other: fan(b, other),
    "inside tap": tap,
    "put in": lambda other: include_if(True, other),
    "left out": lambda other: include_if(False, other),
    "a workflow's flow": lambda other: Workflow("w", other),
    "a workflow's second flow": lambda other: Workflow("w", a, other),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes(mistake, place):
    """What is often mistaken for a flow is an error that says what to write."""
    other, advice = MISTAKES[mistake]

    with pytest.raises(errors.BuildError, match=advice):
        PLACES[place](other)


def test_lists_in_many_lists():
    """Lists may stand in many others, which changes nothing."""
    assert edges(a >> nested(100)) == edges(a >> c)


STRANGERS = {
    "number": 5,
    "object": Strange(),
    "range": range(3),
    "values": {}.values(),
    "set": {1},
    "iterator": iter([]),
}


@pytest.mark.parametrize("name", STRANGERS)
@pytest.mark.parametrize("place", ["right", "left"])
def test_strangers_are_declined(place, name):
    """Other things may know how to join a flow, so Python is asked to go on looking."""
    with pytest.raises(TypeError, match="unsupported operand") as caught:
        PLACES[place](STRANGERS[name])

    assert not isinstance(caught.value, errors.FlowError)


def test_stranger_that_knows_flows():
    """A class of somebody else may join itself to a flow, on either side."""

    class Knowing:
        def __rshift__(self, other):
            return ("left", other)

        def __rrshift__(self, other):
            return ("right", other)

    assert (("left", a), ("right", a)) == (Knowing() >> a, a >> Knowing())


def test_stranger_in_a_list():
    """Inside a list there is nobody else to ask."""
    with pytest.raises(errors.BuildError, match=r"^5 cannot be joined"):
        a >> [b, 5]


OPERATORS = {
    "a > b": lambda: a > b,
    "a >> b <= c": lambda: (a >> b) <= c,
    "a | b": lambda: a | b,
    "[a] | b": lambda: [a] | b,
    "a & b": lambda: a & b,
    "a + [b]": lambda: a + [b],  # noqa: RUF005 - a slip
    "a << b": lambda: a << b,
}


@pytest.mark.parametrize("text", OPERATORS)
def test_other_operators(text):
    """Any other operator in place of `>>` is an error of Python."""
    with pytest.raises(TypeError):
        OPERATORS[text]()


TRUTHS = {
    "a >> b and c": lambda: a >> b and c,
    "a or b": lambda: a or b,
    "not a": lambda: not a,
    "bool(a >> b)": lambda: bool(a >> b),
    "1 if a else 2": lambda: 1 if a else 2,
}


@pytest.mark.parametrize("text", TRUTHS)
def test_truth(text):
    """`and` would silently drop what stands before it, so a flow has no truth value."""
    with pytest.raises(errors.BuildError):
        TRUTHS[text]()


@pytest.mark.parametrize("cls", [Flow, Passthrough])
def test_bare_flow(cls):
    """A flow without a block is nothing to build with."""
    with pytest.raises(errors.BuildError, match=f"^{cls.__name__}: a flow is made by"):
        cls()


@pytest.mark.parametrize(
    ("name", "was"), [(5, None), (None, None), (["x"], None), ("x", 5)]
)
def test_scope_names_are_text(name, was):
    """A scope's name is text, and is judged where it is written."""
    with pytest.raises(errors.BuildError, match=r"^scoped: .* write a str$"):
        a.scoped(name, was=was)


# -- Identity, copies -----------------------------------------------------------------


def test_flows_are_compared_by_identity():
    """Two blocks that look alike are two steps."""
    one, other = FindEmail(), FindEmail()

    assert one != other
    assert one == one
    assert len({one, other, one}) == 2


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copy_is_itself(copied):
    """A flow never changes, so a copy of it is the same flow."""
    flows = [a, a >> b, fan(a, b), tap(a), a.scoped("x"), include_if(False, a)]

    assert list(map(id, flows)) == [id(copied(flow)) for flow in flows]


# -- Reprs ----------------------------------------------------------------------------


def test_repr():
    """A repr shows the first kinds in reading order."""
    assert repr(Webhook(LEAD) >> [FindEmail(), tap(a)]) == (
        "<flow webhook, find_email, step>"
    )
    assert repr(fan(*[a] * 9).scoped("x")) == f"<flow {', '.join(['step'] * 8)} …>"
    assert repr(include_if(False, a)) == "<flow >"


# -- Size -----------------------------------------------------------------------------


def left_nested(count):
    return functools.reduce(lambda flow, block: flow >> block, chain(count))


def right_nested(count):
    return functools.reduce(lambda flow, block: block >> flow, reversed(chain(count)))


def chain(count):
    return [RawBlock("step", key=str(at)) for at in range(count)]


def nested_lists(count):
    return functools.reduce(lambda flow, _: fan(flow), range(count), a)


def nested_taps(count):
    return a >> functools.reduce(lambda flow, _: tap(flow), range(count), b)


def nested_scopes(count):
    return functools.reduce(lambda flow, _: flow.scoped("x"), range(count), a)


@pytest.mark.slow
@pytest.mark.parametrize("build", [left_nested, right_nested])
def test_deep_chains(build):
    """A chain of 100,000 blocks is built, shown, compiled and thrown away."""
    flow = build(DEEP)

    assert len(repr(flow)) < 100
    definition = compiled(flow)
    assert (len(definition.blocks), len(definition.edges)) == (DEEP, DEEP - 1)
    last = weakref.ref(definition)
    del flow, definition
    gc.collect()
    assert last() is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "depth"),
    [(nested_lists, DEEP), (nested_taps, DEEP), (nested_scopes, 2_000)],
)
def test_deep_nesting(build, depth):
    """Lists, side branches and scopes nest without a limit of recursion."""
    assert depth > sys.getrecursionlimit()
    flow = build(depth)

    assert repr(flow).startswith("<flow ")
    definition = compiled(flow)
    assert definition.blocks


def test_joining_costs_the_same_however_long():
    """`>>` copies nothing: the last of 100,000 joins is as quick as the first."""

    def joining(flow):
        """The quickest of some tries, which a busy machine disturbs least."""
        tries = []
        for _ in range(20):
            start = time.perf_counter()
            for _ in range(200):
                flow >> a
            tries.append(time.perf_counter() - start)
        return min(tries)

    long = left_nested(DEEP)

    assert joining(long) < 5 * joining(a >> b)


# -- Threads --------------------------------------------------------------------------


def test_threads_do_not_mix():
    """There is no current workflow: eight threads build eight graphs from one block."""
    shared = Webhook(LEAD)
    made = {}
    ready = threading.Barrier(8)

    def build(name):
        ready.wait()
        flow = shared
        for at in range(200):
            flow = flow >> RawBlock("step", key=f"{name}-{at}")
        made[name] = Workflow(name, flow)

    threads = [threading.Thread(target=build, args=(f"w{at}",)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {f"w{at}" for at in range(8)} == set(made)
    for name, workflow in made.items():
        definition = workflow.compile()
        keys = [definition.origins[at].key for at in range(201)]
        assert ["webhook", *(f"{name}-{at}" for at in range(200))] == keys


@pytest.mark.parametrize(
    ("flag", "advice"),
    [("no", 'compare it, as in region == "us"'), (1, r"write bool\("), (None, "write")],
)
def test_a_flag_is_true_or_false(flag, advice):
    """A text from configuration is true whatever it says, so it is not for `bool`."""
    words = f"neither True nor False; {advice}"
    with pytest.raises(errors.BuildError, match=words):
        include_if(flag, FindEmail())
