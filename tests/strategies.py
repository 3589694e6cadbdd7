"""What Hypothesis makes in more than one test: JSON, keys and wire definitions."""

from __future__ import annotations

from hypothesis import strategies as st

from flow64.definition import (
    EMPTY,
    MAX_INTEGER,
    VALUE_KEY,
    Definition,
    Edge,
    Freezer,
    FrozenDict,
    Value,
    WireBlock,
    is_uuid,
    split_stamp,
)

BODY_KEYS = {"workflow_name", "workflow_description", "workflow_definition", "id"}
BLOCK_KEYS = {"block_id", "sequence_number", "block_type", "block_name", "specs"}

texts = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "é",
        "e\u0301",
        "\u2028",
        "\ufeff",
        '"',
        "\\",
        "\0",
        "\x7f",
        "\r\n",
        "🚀",
        "\ue000",
    ]
)
keys = texts.filter(lambda text: text != VALUE_KEY)
safe_integers = st.integers(-MAX_INTEGER, MAX_INTEGER)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | safe_integers | floats | texts


def json_values(leaves=scalars, *, max_leaves=8):
    """JSON data, as plain dicts and lists."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=max_leaves,
    )


json_objects = st.dictionaries(keys, json_values(), max_size=4)
values = st.builds(Value, texts.filter(bool), st.booleans())
uuids = st.uuids().map(str) | st.uuids().map(lambda made: str(made).upper())


def frozen(data):
    """A frozen copy of what a reader would accept as it is."""
    problems = []
    made = Freezer(problems.append, is_code=False).freeze(data)
    assert problems == []
    return made


def _others(known):
    members = st.dictionaries(keys, json_values(), max_size=2)
    return members.map(
        lambda data: frozen({k: v for k, v in data.items() if k not in known}) or EMPTY
    )


@st.composite
def wire_definitions(draw, *, max_blocks=4):
    """Definitions as they are read: ids, numbers, order and unknown keys are anything.

    Faulty graphs (cycles, dangling edges, ids that stand twice) are among them.
    """
    numbers = safe_integers | st.integers(-(10**30), 10**30)
    leaves = scalars | numbers | values
    specs = st.dictionaries(keys, json_values(leaves), max_size=4).map(frozen)
    made = st.builds(
        WireBlock,
        id=uuids,
        kind=texts,
        specs=specs,
        label=texts,
        number=numbers,
        extra=_others(BLOCK_KEYS),
    )
    blocks = tuple(draw(st.lists(made, max_size=max_blocks)))
    ends = uuids | texts.filter(lambda text: not is_uuid(text))
    if blocks:
        ends = st.sampled_from([block.id for block in blocks]) | ends
    conditions = st.just(EMPTY) | (st.none() | texts).map(
        lambda condition: FrozenDict(condition=condition)
    )
    extras = conditions | _others({"from_block_id", "to_block_id", "condition"})
    edges = draw(st.lists(st.builds(Edge, ends, ends, extras), max_size=4))
    return Definition(
        name=draw(texts),
        description=draw(texts.filter(lambda text: split_stamp(text)[1] is None)),
        blocks=blocks,
        edges=tuple(edges),
        id=draw(uuids | texts.filter(bool)),
        extra=draw(_others(BODY_KEYS)),
        graph_extra=draw(_others({"blocks", "edges"})),
    )
