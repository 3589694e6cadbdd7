"""Laws of redaction: no secret is left, and nothing else is missing."""

from __future__ import annotations

from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from flow64.definition import (
    EMPTY,
    MASK,
    VALUE_KEY,
    BoundSecret,
    Definition,
    Edge,
    FrozenDict,
    FrozenList,
    Value,
    WireBlock,
    bound_secrets,
    pointer,
    redact_for_display,
    redact_for_storage,
    secrets_in,
    secrets_of,
    thaw,
    walk,
)
from flow64.diff import Hidden
from flow64.diff._redaction import SideSecrets, mask_hidden
from flow64.redaction import Secrets, is_aligned, list_spellings, map_json

CONTENTS = {
    "hook": "https://example.com/?key=SENTINEL one",
    "token": "SENTINEL/tökén",
    "tiny": "ab",
    "login": FrozenDict(user="SENTINEL-user", pin="9876-5432", no=7),
    "several": FrozenList(["SENTINEL-first", 7]),
    "number": 424242,
}
BY_NAME = {
    name: BoundSecret(Value(name, secret=True), content)
    for name, content in CONTENTS.items()
}
SECRETS = [*BY_NAME.values()]
PARTS = sorted(
    text for text in Secrets(CONTENTS.values()).texts if text in str(CONTENTS.values())
)
IDS = ["0b6a9d5e-0000-5000-8000-00000000000a", "0B6A9D5E-0000-5000-8000-00000000000B"]

plain_words = st.sampled_from(["", "x", "OK", "***", "ab", "see SENT", "PROFESSIONAL"])
scalars = st.none() | st.sampled_from([True, 1, 7, 1.5, 424242]) | plain_words
parts = st.sampled_from(PARTS)
surrounded = st.builds("{}{}{}".format, plain_words, parts, plain_words)
whole_contents = st.sampled_from([*CONTENTS.values()])
spellings = parts.flatmap(lambda part: st.sampled_from(sorted(list_spellings(part))))
unbound = st.sampled_from(
    [Value("region"), *(Value(name, secret=True) for name in CONTENTS)]
)


def trees(leaves, names):
    """Frozen JSON of some leaves and some names of members."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3).map(FrozenList)
            | st.dictionaries(names, inner, max_size=3).map(FrozenDict)
        ),
        max_leaves=6,
    )


field_names = st.sampled_from(["url", "mode", "query", "list"])
secret_names = field_names | surrounded
any_names = secret_names | spellings | st.just(VALUE_KEY)
lives = trees(scalars | surrounded | spellings | whole_contents, any_names)
plain_lives = trees(scalars | surrounded | whole_contents, field_names)
code_leaves = scalars | surrounded | st.sampled_from(SECRETS) | unbound | whole_contents
codes = trees(code_leaves, secret_names)
plain_codes = trees(code_leaves, field_names)


@st.composite
def definitions(draw, values):
    """A definition of one or two blocks; extra keys are anything as well."""
    specs = st.dictionaries(field_names, values, min_size=1, max_size=3).map(FrozenDict)
    extras = st.dictionaries(field_names, values, max_size=1).map(FrozenDict)
    ids = draw(st.lists(st.sampled_from(IDS), min_size=1, max_size=2, unique=True))
    blocks = tuple(
        WireBlock(block_id, "webhook", draw(specs), "", number, draw(extras))
        for number, block_id in enumerate(ids, 1)
    )
    texts = surrounded | plain_words
    name, description = draw(texts), draw(texts)
    edges = (Edge(*IDS, draw(extras)),)
    return Definition(name, description, blocks, edges, graph_extra=draw(extras))


def filled(item):
    """What is live of code: secrets as their text."""
    return thaw(item, lambda leaf: getattr(leaf, "content", leaf))


def frozen_again(item):
    if isinstance(item, dict):
        return FrozenDict({name: frozen_again(inner) for name, inner in item.items()})
    return FrozenList([*map(frozen_again, item)]) if isinstance(item, list) else item


@st.composite
def near(draw, item, others):
    """What may be live where code has an item: the same, partly so, or another."""
    likeness = draw(st.sampled_from(["same", "partly", "partly", "other"]))
    if likeness == "partly" and isinstance(item, dict):
        inner = {name: draw(near(one, others)) for name, one in item.items()}
        return FrozenDict(
            {**inner, **draw(st.dictionaries(secret_names, others, max_size=1))}
        )
    if likeness == "partly" and isinstance(item, list):
        return FrozenList([draw(near(one, others)) for one in item])
    return draw(others) if likeness == "other" else frozen_again(filled(item))


@st.composite
def faced(draw, live_values=lives, code_values=codes):
    """What is live and the code of it, alike in most places."""
    code, live = draw(definitions(code_values)), draw(definitions(live_values))
    ours = {block.id: block.specs for block in code.blocks}
    blocks = []
    for block in live.blocks:
        items = ours.get(block.id, EMPTY).items()
        alike = {name: draw(near(item, live_values)) for name, item in items}
        blocks.append(block._replace(specs=FrozenDict({**block.specs, **alike})))
    name = draw(st.sampled_from([live.name, code.name]))
    return evolve(live, name=name, blocks=tuple(blocks)), code


more_secrets = st.lists(st.sampled_from(SECRETS), max_size=3)

# -- What the laws speak of -----------------------------------------------------------


def is_secret(item, known):
    """Return True if a value is a secret, contains one, or has one in a name."""
    return known.is_one(item) or (
        isinstance(item, dict) and any(map(known.is_in, item))
    )


def has_bound(value):
    return any(type(item) is BoundSecret for item in secrets_in(value))


def chain(data, path, beside=None):
    """All values on the way to a place, each with its counterpart on another side.

    A counterpart is None if the other side has nothing there, or a list of another
    length.
    """
    yield data, beside
    for step in path:
        both = is_aligned(data, beside)
        data = data[step]
        if isinstance(step, int):
            beside = beside[step] if both else None
        else:
            beside = beside.get(step) if isinstance(beside, dict) else None
        yield data, beside


def at(data, path):
    *_, (found, _) = chain(data, path)
    return found


def decide(found, path, wanted, known):
    """What becomes of a place, and how deep the value is that decides it."""
    for depth, (one, other) in enumerate(chain(found, path, wanted)):
        if one == other and other is not None:
            return "shown", depth
        if known.is_one(one):
            return "masked", depth
        theirs = other if isinstance(other, dict) else {}
        names = one.keys() - theirs.keys() if isinstance(one, dict) else ()
        if any(map(known.is_in, names)):
            return "without names", depth
    return "shown", len(path)


def with_field(item):
    """A definition with one field."""
    specs = FrozenDict(url=item)
    return Definition("", "", (WireBlock(IDS[0], "webhook", specs, "", 1),), ())


def leaves(data):
    return [
        (path, item)
        for path, item in walk(data)
        if not (isinstance(item, dict | list) and item)
    ]


def as_tree(definition):
    """The whole body of a definition, as pointers speak of it."""
    return FrozenDict(
        workflow_name=definition.name,
        workflow_description=definition.description,
        workflow_definition=FrozenDict(
            blocks=FrozenList(
                FrozenDict(specs=block.specs, **block.extra)
                for block in definition.blocks
            ),
            edges=FrozenList(FrozenDict(edge.extra) for edge in definition.edges),
            **definition.graph_extra,
        ),
    )


def specs_of(definition, block_id):
    found = [b.specs for b in definition.blocks if b.id.lower() == block_id.lower()]
    return found[-1] if found else EMPTY


def in_code(live, code):
    """What the code has in the places of a live body."""
    blocks = FrozenList(
        FrozenDict(specs=specs_of(code, block.id)) for block in live.blocks
    )
    return FrozenDict(workflow_definition=FrozenDict(blocks=blocks))


def is_telling(item):
    """Return True if few values are equal by chance."""
    return isinstance(item, dict | list | str) and bool(item)


def fields_beside(live, code, shown):
    """Each title, description and field: live, in code, and as it is shown."""
    yield live.name, code.name, shown.name
    yield live.description, code.description, shown.description
    for before, after in zip(live.blocks, shown.blocks, strict=True):
        assert list(before.specs) == list(after.specs)
        wanted = specs_of(code, before.id)
        for name, item in before.specs.items():
            yield item, wanted.get(name), after.specs[name]


def reveal(hidden):
    return map_json(hidden, lambda item: item.content if type(item) is Hidden else item)


def assert_only_secrets_are_masked(found, made, known):
    """See that no secret is left, and that everything else is."""
    for path, item in walk(made):
        assert not is_secret(item, known), path
    for path, item in leaves(found):
        if not any(is_secret(above, known) for above, _ in chain(found, path)):
            assert at(made, path) == item


# -- Show ------------------------------------------------------------------------------


@given(faced(), more_secrets)
def test_a_live_secret_is_not_shown_unless_code_says_it(sides, secrets):
    """A text with a secret is shown only if the code has that very text there."""
    live, code = sides
    known = secrets_of([code], secrets)

    shown = redact_for_display(live, code, secrets)

    for found, wanted, made in fields_beside(live, code, shown):
        if type(made) is BoundSecret:
            continue
        for path, item in walk(made):
            if known.is_one(item):
                above = chain(found, path, wanted)
                assert any(
                    one == other and not has_bound(other) for one, other in above
                )
            names = item if isinstance(item, dict) else ()
            for name in filter(known.is_in, names):
                *_, (_, other) = chain(found, path, wanted)
                assert name in other


@given(faced(), more_secrets)
@example(
    (with_field(CONTENTS["login"]), with_field(FrozenDict(user="x"))),
    [BY_NAME["login"]],
)
def test_nothing_else_is_masked(sides, secrets):
    """A value stays, unless it or a value around it is secret, here or in code."""
    live, code = sides
    known = secrets_of([code], secrets)

    shown = redact_for_display(live, code, secrets)

    for found, wanted, made in fields_beside(live, code, shown):
        if has_bound(wanted) or type(made) is BoundSecret:
            continue
        for path, item in walk(found):
            fate, depth = decide(found, path, wanted, known)
            if fate == "shown" and not (isinstance(item, dict | list) and item):
                assert at(made, path) == item
            if fate == "masked" and depth == len(path):
                assert at(made, path) == MASK


@given(faced(), more_secrets)
@example(
    (with_field(CONTENTS["hook"]), with_field(BY_NAME["token"])), [BY_NAME["hook"]]
)
@example(
    (with_field(CONTENTS["hook"]), with_field(FrozenDict(a=BY_NAME["token"]))),
    [BY_NAME["hook"]],
)
def test_a_field_with_a_secret_is_named_or_masked(sides, secrets):
    """It is named as in code if it is the same, and masked if it is anything else."""
    live, code = sides
    named = {one.content: one for one in secrets if isinstance(one.content, str)}

    shown = redact_for_display(live, code, secrets)

    for found, wanted, made in fields_beside(live, code, shown):
        if has_bound(wanted):
            assert made == (wanted if filled(wanted) == thaw(found) else MASK)
    for before, after in zip(live.blocks, shown.blocks, strict=True):
        wanted = specs_of(code, before.id)
        for name, item in before.specs.items():
            is_text = isinstance(item, str) and item != wanted.get(name)
            if is_text and item in named and not has_bound(wanted.get(name)):
                assert after.specs[name] == named[item]


# -- Store -----------------------------------------------------------------------------

stand_ins = st.sampled_from([None, lambda item: repr(item)[:1]])


@given(faced(), more_secrets, stand_ins)
def test_no_secret_is_stored(sides, secrets, stand_in):
    """Neither in a text nor in a name, and nothing looks like an unbound value."""
    live, code = sides
    known = secrets_of([code], secrets)
    contents = [thaw(one.content) for one in (*bound_secrets([code]), *secrets)]

    stored = redact_for_storage(live, code, secrets, stand_in=stand_in)

    for _, item in walk(as_tree(stored.definition)):
        assert not (isinstance(item, str) and known.is_in(item))
        if isinstance(item, dict):
            assert VALUE_KEY not in item
            assert not any(map(known.is_in, item))
        if isinstance(item, dict | list):
            assert thaw(item) not in contents


@given(faced(), more_secrets, stand_ins)
def test_the_place_of_a_secret_is_not_stored(sides, secrets, stand_in):
    """Neither is data that is a secret as a whole. It is named, or left out."""
    live, code = sides
    contents = [thaw(one.content) for one in (*bound_secrets([code]), *secrets)]

    stored = redact_for_storage(live, code, secrets, stand_in=stand_in)

    before, after = as_tree(live), as_tree(stored.definition)
    gone = {path for path, _ in walk(before) if pointer(path) in stored.withheld}
    gone |= {path for path, item in walk(after) if type(item) is Value}
    for path, item in walk(before):
        if not any(path[:end] in gone for end in range(len(path))):
            *_, (_, wanted) = chain(before, path, in_code(live, code))
            faces_secret = "specs" in path and secrets_in(wanted)
            is_whole = isinstance(item, dict | list) and thaw(item) in contents
            if is_whole or (faces_secret and not is_aligned(item, wanted)):
                assert path in gone


@given(faced(), more_secrets, stand_ins)
@example((with_field(CONTENTS["number"]), with_field(1)), [BY_NAME["number"]], None)
def test_what_is_stored_can_be_restored(sides, secrets, stand_in):
    """With its values filled in, it is what is live, but for what was left out."""
    live, code = sides
    known = [*bound_secrets([code]), *secrets]

    stored = redact_for_storage(live, code, secrets, stand_in=stand_in)

    before, after = as_tree(live), as_tree(stored.definition)
    withheld = {*stored.withheld}
    for path, item in walk(after):
        if any(pointer(path[:end]) in withheld for end in range(len(path) + 1)):
            continue
        found = at(before, path)
        if type(item) is Value and type(found) is not Value:
            contents = [thaw(one.content) for one in known if one.value == item]
            assert thaw(found) in contents
            *_, (_, wanted) = chain(before, path, in_code(live, code))
            assert is_telling(found) or type(wanted) is BoundSecret
        elif isinstance(item, dict):
            assert list(item) == list(found)
        elif isinstance(item, list):
            assert len(item) == len(found)
        else:
            assert item == found


# -- Compare ---------------------------------------------------------------------------


@given(faced(plain_lives, plain_codes), st.sampled_from([(), ("before",), ("after",)]))
def test_a_change_holds_secrets_hidden(sides, written):
    """What is hidden is a secret, can be read back, and no secret is left open."""
    known = secrets_of(sides)

    for one, side in zip(SideSecrets.pair(*sides, written), sides, strict=True):
        for block in side.blocks:
            hidden = one.hide_block(block)
            for name, item in block.specs.items():
                made = one.hide(item)
                assert hidden.specs[name] == made
                assert reveal(made) == item
                masked = mask_hidden(made)
                assert_only_secrets_are_masked(item, masked, known)
                for path, inner in walk(made):
                    assert type(inner) is not Hidden or at(masked, path) == MASK


@given(faced(plain_lives, plain_codes), st.sampled_from([(), ("before",), ("after",)]))
def test_what_is_live_in_the_place_of_a_secret_is_hidden(sides, written):
    """It may be the secret itself. What is written may be judged by it."""
    pair = SideSecrets.pair(*sides, written)

    for one, side, name in zip(pair, sides, ("before", "after"), strict=True):
        for block in side.blocks:
            for item in block.specs.values():
                made = one.hide(item, faces_secret=True)
                if name in written:
                    assert made == one.hide(item)
                elif isinstance(item, Value | BoundSecret):
                    assert made is item
                else:
                    assert made == Hidden(item)
