"""Laws of the language: the algebra of flows, ids, and the fixed point of compiling."""

from __future__ import annotations

import unicodedata

from attrs import frozen
from hypothesis import example, given
from hypothesis import strategies as st

from flow64 import LEAD, Project, RawBlock, Workflow, fan, include_if, tap
from flow64.blocks import (
    AppendToNotebook,
    Deduplicate,
    Filter,
    FindEmail,
    LeadEnrichment,
    OutgoingWebhook,
    Webhook,
)
from flow64.definition import ids
from tests.dsl.support import edges, names
from tests.strategies import json_values, scalars, values

# -- The algebra of flows, beside a model of it ---------------------------------------

POOL = {name: RawBlock("step", key=name) for name in "abcde"}


@frozen
class Model:
    """What a flow is: sets, made by the words of the documentation and nothing else."""

    entries: frozenset = frozenset()
    exits: frozenset = frozenset()
    passes: bool = False
    nodes: frozenset = frozenset()
    edges: frozenset = frozenset()

    def then(self, other):
        joined = {(out, into) for out in self.exits for into in other.entries}
        return Model(
            self.entries | (other.entries if self.passes else frozenset()),
            other.exits | (self.exits if other.passes else frozenset()),
            self.passes and other.passes,
            self.nodes | other.nodes,
            self.edges | other.edges | joined,
        )

    def under(self, name):
        def moved(nodes):
            return frozenset(f"{name}/{node}" for node in nodes)

        pairs = frozenset((f"{name}/{a}", f"{name}/{b}") for a, b in self.edges)
        nodes = moved(self.nodes)
        return Model(moved(self.entries), moved(self.exits), self.passes, nodes, pairs)


def beside(models):
    return Model(
        frozenset().union(*(model.entries for model in models)),
        frozenset().union(*(model.exits for model in models)),
        all(model.passes for model in models),
        frozenset().union(*(model.nodes for model in models)),
        frozenset().union(*(model.edges for model in models)),
    )


def side_branch(model):
    return Model(model.entries, frozenset(), True, model.nodes, model.edges)


def block_and_model(name):
    node = frozenset([name])
    return POOL[name], Model(node, node, False, node)


def one(pair):
    """A list of one, which is what `>>` takes where a flow may be a list."""
    flow, model = pair
    return [flow], model


def several(pairs, make):
    return make([flow for flow, _ in pairs]), beside([model for _, model in pairs])


def series(pairs):
    (left, before), (right, after) = pairs
    return left >> right, before.then(after)


def in_series(inner):
    pairs = st.tuples(inner, inner).map(series)
    # A list may stand on either side of a flow, as long as one side is one.
    on_right = st.tuples(inner, st.lists(inner, min_size=1, max_size=3))
    on_left = on_right.map(
        lambda found: (
            [flow for flow, _ in found[1]] >> found[0][0],
            beside([model for _, model in found[1]]).then(found[0][1]),
        )
    )
    right = on_right.map(
        lambda found: (
            found[0][0] >> tuple(flow for flow, _ in found[1]),
            found[0][1].then(beside([model for _, model in found[1]])),
        )
    )
    return pairs | on_left | right


def larger(inner):
    lists = st.lists(inner, min_size=1, max_size=3)
    return (
        in_series(inner)
        | lists.map(lambda pairs: several(pairs, lambda flows: fan(*flows)))
        | inner.map(lambda pair: (tap(pair[0]), side_branch(pair[1])))
        | lists.map(
            lambda pairs: (
                tap([flow for flow, _ in pairs]),
                side_branch(beside([model for _, model in pairs])),
            )
        )
        | st.tuples(st.booleans(), inner).map(
            lambda found: (
                include_if(found[0], found[1][0]),
                found[1][1] if found[0] else Model(passes=True),
            )
        )
        | st.tuples(st.sampled_from("st"), inner).map(
            lambda found: (found[1][0].scoped(found[0]), found[1][1].under(found[0]))
        )
    )


flows = st.recursive(
    st.sampled_from(sorted(POOL)).map(block_and_model), larger, max_leaves=12
)


def again(name, *others):
    """A block before a list that has it again, which is a cycle, and its model."""
    members = [block_and_model(other) for other in (name, *others)]
    models = beside([model for _, model in members])
    flow = POOL[name] >> [flow for flow, _ in members]
    return flow, block_and_model(name)[1].then(models)


@given(st.lists(flows, min_size=1, max_size=3))
@example(
    [
        (
            again("b", "c")[0] >> POOL["a"],
            again("b", "c")[1].then(block_and_model("a")[1]),
        )
    ]
)
def test_flow_is_what_its_model_says(pairs):
    """However flows nest, they have the edges and blocks that the model has."""
    model = beside([model for _, model in pairs])
    made = [flow for flow, _ in pairs]

    assert edges(*made) == sorted(model.edges)
    assert sorted(names(*made)) == sorted(model.nodes)


@given(flows, flows, flows)
def test_joining_is_associative(a, b, c):
    """`(a >> b) >> c` is `a >> (b >> c)`."""
    left, right = (a[0] >> b[0]) >> c[0], a[0] >> (b[0] >> c[0])

    assert edges(left) == edges(right)
    assert sorted(names(left)) == sorted(names(right))


@given(flows)
def test_nothing_is_neutral(pair):
    """A step that is left out changes nothing, before or behind a flow."""
    nothing = include_if(False, POOL["a"])

    assert edges(nothing >> pair[0]) == edges(pair[0] >> nothing) == edges(pair[0])


@given(st.lists(flows, min_size=1, max_size=3))
def test_order_of_statements_changes_nothing(pairs):
    """The order in which flows are handed over takes no part in ids or bytes."""
    made = [flow for flow, _ in pairs]
    forwards, backwards = Workflow("w", *made), Workflow("w", *reversed(made))

    assert forwards.lower().definition == (backwards.lower().definition)


# -- Compiling ------------------------------------------------------------------------

keys = st.text(min_size=1, max_size=6).filter(
    lambda text: text.encode("utf-8", "ignore").decode() == text
)
data = json_values(scalars | values)
objects = st.dictionaries(
    keys.filter(lambda key: key != "flow64:value"), data, max_size=3
)


def blocks_of(names):
    """A strategy for one block of any sort for each name."""
    kinds = st.one_of(
        st.builds(lambda s: lambda key: RawBlock("new", specs=s, key=key), objects),
        st.builds(lambda x: lambda key: FindEmail(key=key, extra=x), objects),
        st.builds(
            lambda f: lambda key: LeadEnrichment(return_fields=f, key=key),
            st.dictionaries(keys, keys | st.dictionaries(keys, keys, max_size=2)),
        ),
        st.just(lambda key: Deduplicate(key=key)),
        st.just(lambda key: OutgoingWebhook(url="https://a.example/b", key=key)),
        st.builds(
            lambda v: (
                lambda key: Filter.where("x", key=key).equals(v).or_("y").in_([v])
            ),
            scalars,
        ),
        st.just(lambda key: AppendToNotebook(notebook_id="n", key=key)),
    )
    return st.tuples(*[kinds.map(lambda make, n=name: make(n)) for name in names])


@st.composite
def workflows(draw):
    """Workflows without a mistake: what a person may write, of any shape."""
    names = draw(st.lists(keys, min_size=1, max_size=5, unique_by=normalized))
    flow = Webhook(LEAD, key="first")
    for name, block in zip(names, draw(blocks_of(names)), strict=True):
        match draw(st.integers(0, 3)):
            case 0:
                flow = flow >> block.scoped(draw(keys))
            case 1:
                flow = flow >> tap(block)
            case 2:
                flow = flow >> [block, RawBlock("beside", key="b").scoped("s:" + name)]
            case _:
                flow = flow >> block
    old = st.none() | st.just("b.example/old")
    owners = st.builds(Project, keys, st.just("a.example"), was=old)
    project = draw(st.none() | owners)
    return Workflow(
        draw(st.text(max_size=9).filter(encodable)),
        flow,
        key=draw(keys),
        project=project,
        description=draw(st.text(max_size=9).filter(encodable)),
    )


def normalized(name):
    return unicodedata.normalize("NFC", name)


def encodable(text):
    return text.encode("utf-8", "ignore").decode() == text


@given(workflows(), st.sampled_from([None, "prod"]), st.sampled_from([None, 2]))
def test_compiling_is_a_fixed_point(workflow, env, indent):
    """What was compiled is read and compiled again to the same bytes and ids."""
    text = workflow.to_json(env, indent=indent)

    read = Workflow.from_json(text)

    assert read.to_json(indent=indent) == text == workflow.to_json(env, indent=indent)
    assert read.id() == workflow.compile(env).id
    assert read.compile() == workflow.compile(env)
    assert read.fingerprint() == workflow.fingerprint()


# -- Ids ------------------------------------------------------------------------------

names_of_paths = st.sampled_from(["a", "b", "a/b", "a:b", "a%2Fb", "é", "e\u0301", "-"])
paths = st.tuples(
    names_of_paths,
    names_of_paths,
    st.sampled_from(["default"]) | names_of_paths,
    names_of_paths,
    st.lists(names_of_paths, max_size=2),
)


def path_of(parts):
    namespace, project, env, key, variants = parts
    return tuple(map(normalized, (namespace, project, env, key, *variants)))


def workflow_of(parts):
    namespace, project, env, key, variants = parts
    made = Workflow("w", Webhook(LEAD), key=key, project=Project(project, namespace))
    for variant in variants:
        made = made.varied([("variant", variant)])
    return made.id(env)


@given(paths, paths)
@example(("a", "b", "default", "c", []), ("a", "b/workflow:c", "default", "c", []))
def test_no_two_paths_share_an_id(one, other):
    """Two workflows have one id where their paths are equal, and else never."""
    assert (workflow_of(one) == workflow_of(other)) == (path_of(one) == path_of(other))


segments = st.lists(
    st.tuples(
        st.sampled_from(
            ["ns", "project", "env", "workflow", "variant", "scope", "block"]
        ),
        names_of_paths,
    ),
    min_size=1,
    max_size=4,
)


@given(segments, segments)
def test_tags_tell_paths_apart(one, other):
    """What a segment is called takes part, so no text can pose as two segments."""
    same = [(tag, normalized(key)) for tag, key in one] == [
        (tag, normalized(key)) for tag, key in other
    ]

    assert (ids.id_of(ids.path_of(one)) == ids.id_of(ids.path_of(other))) == same


# -- Whatever is written --------------------------------------------------------------

anything = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.just("\ud800"),
    st.binary(max_size=2),
    st.sets(st.integers(), max_size=2),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2) | st.integers(), st.integers(), max_size=2),
    values,
    st.just(object()),
    st.just(FindEmail),
    st.just(len),
)


@given(
    fields=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            ("key", "was", "id", "extra", "allow", "mode", "specs", "url"), anything
        ),
    ),
    workflow=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("key", "was", "id", "description"), anything)
    ),
    name=anything,
)
def test_check_never_raises(fields, workflow, name):
    """Whatever stands in an argument, `check` answers with findings."""
    known = {k: v for k, v in fields.items() if k not in {"mode", "specs", "url"}}
    flow = (
        Webhook(LEAD)
        >> RawBlock("new", specs=fields.get("specs", {}), **known)
        >> FindEmail(mode=fields.get("mode"), **known)
        >> OutgoingWebhook(url=fields.get("url"), key="b")
    )

    findings = Workflow(name, flow, **workflow).check()

    assert [str(finding) for finding in findings]
