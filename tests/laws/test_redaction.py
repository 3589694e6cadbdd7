"""One owner hides secrets as the several ones did that it took the place of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow64.definition import (
    VALUE_KEY,
    BoundSecret,
    Definition,
    Edge,
    FrozenDict,
    FrozenList,
    Value,
    WireBlock,
    bound_secrets,
    redact_for_display,
    redact_for_storage,
    secrets_of,
    thaw,
)
from flow64.diff._redaction import (
    SideSecrets,
    mask_hidden,
    put_secrets_in,
    reveal_hidden,
)
from flow64.redaction import Secrets, list_spellings
from flow64.render import redact_pair
from tests.laws import redaction_before as before

CONTENTS = {
    "hook": "https://example.com/?key=SENTINEL one",
    "token": "SENTINEL/tökén",
    "tiny": "ab",
    "login": FrozenDict(user="SENTINEL-user", pin="9876-5432", no=7),
    "several": FrozenList(["SENTINEL-first", 7]),
    "number": 424242,
}
SECRETS = [
    BoundSecret(Value(name, secret=True), content) for name, content in CONTENTS.items()
]
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
def definitions(draw, values, texts=surrounded | plain_words):
    """A definition of up to two blocks; extra keys are anything as well."""
    specs = st.dictionaries(field_names, values, max_size=3).map(FrozenDict)
    extras = st.dictionaries(field_names, values, max_size=1).map(FrozenDict)
    blocks = tuple(
        WireBlock(block_id, "webhook", draw(specs), "", number, draw(extras))
        for number, block_id in enumerate(draw(st.sets(st.sampled_from(IDS))), 1)
    )
    edges = (Edge(*IDS, draw(extras)),) if draw(st.booleans()) else ()
    name, description = draw(texts), draw(texts)
    return Definition(name, description, blocks, edges, graph_extra=draw(extras))


def filled(item):
    """What is live of code: secrets as their text."""
    return thaw(item, lambda leaf: getattr(leaf, "content", leaf))


@st.composite
def faced(draw, live_values=lives, code_values=codes):
    """What is live and the code of it, alike in some fields."""
    code, live = draw(definitions(code_values)), draw(definitions(live_values))
    wanted = {block.id: block.specs for block in code.blocks}
    blocks: list[WireBlock] = []
    for block in live.blocks:
        ours = wanted.get(block.id, {})
        alike = {name for name in ours if draw(st.booleans())}
        copied = {name: frozen_again(filled(ours[name])) for name in alike}
        blocks.append(block._replace(specs=FrozenDict({**block.specs, **copied})))
    return Definition(
        live.name,
        live.description,
        tuple(blocks),
        live.edges,
        graph_extra=live.graph_extra,
    ), code


def frozen_again(item):
    if isinstance(item, dict):
        return FrozenDict({name: frozen_again(inner) for name, inner in item.items()})
    return FrozenList([*map(frozen_again, item)]) if isinstance(item, list) else item


more_secrets = st.lists(st.sampled_from(SECRETS), max_size=3)


def parted(definition):
    """All of a definition, since equality leaves some of it out."""
    return (
        definition.name,
        definition.description,
        [(block, block.extra) for block in definition.blocks],
        [(edge, edge.extra) for edge in definition.edges],
        definition.graph_extra,
    )


@given(faced(), more_secrets)
def test_what_is_live_is_shown_as_before(sides, secrets):
    live, code = sides

    shown = redact_for_display(live, code, secrets)

    assert parted(shown) == parted(before.veiled(live, code, secrets))


@given(st.lists(definitions(codes), max_size=2), more_secrets, surrounded | spellings)
def test_words_about_it_are_redacted_as_before(known, secrets, text):
    veil, old = secrets_of(known, secrets), before.LiveVeil.of(known, secrets)

    assert veil.redact(text) == old.within(text)
    assert veil.hide(text) == old.over(text)


@given(faced(), more_secrets, st.sampled_from([None, lambda item: repr(item)[:1]]))
def test_what_is_live_is_stored_as_before(sides, secrets, stand_in):
    live, code = sides

    stored = redact_for_storage(live, code, secrets, stand_in=stand_in)

    old = before.kept(live, code, secrets, shown=stand_in)
    assert (parted(stored.definition), [*stored.withheld]) == (
        parted(old.definition),
        [*old.withheld],
    )


@given(st.lists(definitions(codes), max_size=2))
def test_secrets_are_found_as_before(known):
    assert bound_secrets(known) == before.secrets_of(known)


@given(faced(plain_lives, plain_codes), st.sampled_from([(), ("before",), ("after",)]))
def test_a_change_hides_as_before(sides, written):
    pair = SideSecrets.pair(*sides, written)
    old_pair = before.Veil.pair(*sides, written)

    for veil, old, side in zip(pair, old_pair, sides, strict=True):
        assert bool(veil.secrets) == old.is_needed
        for block in side.blocks:
            assert veil.hide_block(block) == old.over_block(block)
            for item in block.specs.values():
                for faces in (True, False):
                    hidden = veil.hide(item, faces_secret=faces)
                    assert hidden == old.over(item, faces_secret=faces)
                    assert mask_hidden(hidden) == before.masked(hidden)
                    assert reveal_hidden(hidden) == before.unveiled(hidden) == item


@given(codes, codes)
def test_what_the_other_side_keeps_secret_stands_in_as_before(item, other):
    assert put_secrets_in(item, other) == before.concealed(item, other)


@pytest.mark.parametrize("is_back", [False, True])
@given(faced(plain_lives, plain_codes))
def test_both_sides_of_a_picture_hide_as_before(is_back, sides):
    pair = sides[::-1] if is_back else sides

    shown, old = redact_pair(*pair), before.veiled_pair(*pair)

    assert [*map(parted, shown)] == [*map(parted, old)]
