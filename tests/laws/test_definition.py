"""Laws of the waist: of ids, canonical JSON, fingerprints and stamps."""

from __future__ import annotations

import contextlib
import hashlib
import json
import unicodedata
from copy import deepcopy

import rfc8785 as package
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st

from flow64.definition import (
    Edge,
    Freezer,
    FrozenDict,
    Stamp,
    Value,
    as_body,
    bind,
    block_refs,
    canonical_id,
    dumps,
    fingerprint,
    from_data,
    id_of,
    list_sent,
    loads,
    meaning,
    path_of,
    rfc8785,
    slug,
    split_stamp,
    thaw,
    unbound_names,
    with_stamp,
)
from tests.strategies import (
    floats,
    json_objects,
    json_values,
    keys,
    safe_integers,
    scalars,
    texts,
    uuids,
    wire_definitions,
)

tags = st.sampled_from(["ns", "project", "env", "workflow", "scope", "block"])
paths = st.lists(st.tuples(tags, st.text(max_size=5)), max_size=4)
SECRET = Value("the secret of this test", secret=True)


# -- Ids ------------------------------------------------------------------------------


@given(paths, paths)
@example([("ns", "a"), ("block", "b")], [("ns", "a/block:b")])
@example([("ns", "é")], [("ns", "e\u0301")])
def test_two_paths_read_alike_only_if_they_are_equal_in_nfc(one, other):
    """Tags and escapes make the text of a path unambiguous."""

    def normal(path):
        return [(tag, unicodedata.normalize("NFC", key)) for tag, key in path]

    assert (path_of(one) == path_of(other)) == (normal(one) == normal(other))


@given(st.text())
def test_a_slug_is_its_own_slug(title):
    """And that of every spelling of the title."""
    made = slug(title)

    assert {slug(made), slug(unicodedata.normalize("NFD", title))} == {made}


# -- JSON -----------------------------------------------------------------------------


@given(json_values())
def test_freezing_json_data_finds_nothing(data):
    """What is JSON passes, equal to what it was."""
    problems = []

    made = Freezer(problems.append).freeze(data)

    assert (thaw(made), problems) == (data, [])


@given(json_values(scalars | safe_integers | floats))
def test_the_form_of_rfc_8785_is_that_of_the_package(data):
    """Floats, odd keys and all."""
    assert rfc8785(data) == package.dumps(data)


@given(json_objects)
def test_the_order_of_keys_changes_no_fingerprint(data):
    """Nor does the spelling of whole numbers."""
    backwards = dict(reversed(data.items()))

    assert rfc8785(backwards) == rfc8785(data)


# -- Definitions ----------------------------------------------------------------------


@given(wire_definitions())
def test_reading_what_was_written_gives_the_same(definition):
    """Indented or compact, as text or bytes, or copied: equal, and the same bytes."""
    text = dumps(definition)

    made = [
        loads(text),
        loads(text.encode()),
        loads(dumps(definition, indent=None)),
        from_data(json.loads(text)),
        deepcopy(definition),
    ]

    assert made == [definition] * 5
    assert {dumps(each) for each in made} == {text}
    assert {fingerprint(each) for each in made} == {fingerprint(definition)}


@given(wire_definitions())
def test_an_answer_says_what_its_body_said(definition):
    """What was sent comes back with other names for title and description."""
    body = as_body(definition)
    unknown = {
        key: value
        for key, value in body.items()
        if key not in {"workflow_name", "workflow_description"}
        and key not in {"name", "description", "status", "step", "user_uuid", "org_id"}
        and key not in {"created_at", "updated_at", "last_run_date"}
    }
    answer = unknown | {"name": definition.name, "description": definition.description}

    made = from_data(answer | {"status": "ready", "org_id": None})

    assert (made.id, rfc8785(meaning(made))) == (
        definition.id,
        rfc8785(meaning(definition)),
    )


@given(wire_definitions(), st.randoms(use_true_random=False))
def test_order_numbers_and_labels_mean_nothing(definition, luck):
    """Shuffled, numbered anew and doubled, it has the same fingerprint."""
    blocks = [
        block._replace(number=luck.randrange(9), label="x", extra=FrozenDict(y=1))
        for block in definition.blocks
    ]
    edges = [*definition.edges, *definition.edges]
    luck.shuffle(blocks)
    luck.shuffle(edges)
    other = evolve(definition, blocks=tuple(blocks), edges=tuple(edges), id="other")

    assert fingerprint(other) == fingerprint(definition)


@given(wire_definitions())
def test_a_fingerprint_is_a_digest_of_the_meaning(definition):
    """In the form that the package gives it, but for integers that it refuses."""
    form = rfc8785(meaning(definition))
    with contextlib.suppress(package.IntegerDomainError):
        assert form == package.dumps(meaning(definition))

    assert fingerprint(definition) == hashlib.sha256(form).hexdigest()


@given(wire_definitions().filter(lambda made: made.blocks), st.data())
def test_every_edit_changes_the_fingerprint(definition, data):
    """Of a kind, a spec, an edge, the title or the description."""
    at = data.draw(st.integers(0, len(definition.blocks) - 1))
    blocks = list(definition.blocks)
    edited = data.draw(
        st.sampled_from(
            [
                blocks[at]._replace(kind=blocks[at].kind + "x"),
                blocks[at]._replace(specs=FrozenDict(blocks[at].specs, added="x" * 20)),
            ]
        )
    )
    blocks[at] = edited
    fresh = "00000000-0000-4000-8000-00000000000e"
    others = [
        evolve(definition, blocks=tuple(blocks)),
        evolve(definition, blocks=(*definition.blocks, definition.blocks[0])),
        evolve(definition, edges=(*definition.edges, Edge(fresh, fresh))),
        evolve(definition, name=definition.name + " "),
        evolve(definition, description=definition.description + "x"),
    ]

    assert fingerprint(definition) not in {fingerprint(other) for other in others}


@given(wire_definitions(), json_values())
def test_binding_secrets_changes_nothing_that_is_shown(definition, content):
    """Neither the text nor the unbound fingerprint; the bound one alone has them."""
    marked = evolve(
        definition,
        blocks=tuple(
            block._replace(specs=FrozenDict(block.specs, secret=SECRET))
            for block in definition.blocks
        ),
    )
    secret = bind(marked, {}, [])  # what is secret in one place is so in all

    bound = bind(secret, {SECRET.name: content}, [])

    assert (dumps(bound), fingerprint(bound)) == (dumps(secret), fingerprint(secret))
    assert SECRET.name not in unbound_names(bound)


@given(wire_definitions(), json_values())
def test_binding_is_writing_the_value_oneself(definition, content):
    """Bound, a definition says what one without values would have said."""
    names = unbound_names(definition)
    filled = dict.fromkeys(names, content)

    bound = bind(definition, filled, [])

    literal = loads(json.dumps(as_body(bound)))
    assert unbound_names(bound) == []
    assert fingerprint(bound) == fingerprint(literal)


# -- Stamps ---------------------------------------------------------------------------

hexes = st.text("0123456789abcdef", min_size=16, max_size=16)
refs = st.text("0123456789abcdef", min_size=8, max_size=8) | uuids.map(str.lower)
sent_paths = st.dictionaries(st.tuples(keys), st.just(""), max_size=3) | (
    st.dictionaries(st.tuples(keys) | st.tuples(keys, keys), keys, max_size=3).map(
        lambda sent: {path: name or "hook" for path, name in sent.items()}
    )
)
stamps = st.builds(
    Stamp,
    path=paths.filter(bool).map(path_of),
    unbound=hexes,
    bound=hexes,
    commit=st.none() | st.text("0123456789abcdef", min_size=7, max_size=64),
    sent=st.none() | st.dictionaries(refs, sent_paths, max_size=4),
)
lines = st.lists(
    texts | stamps.map(str) | stamps.map(lambda stamp: f" {stamp}\t"), max_size=4
)
descriptions = st.builds(
    str.join, st.sampled_from(["\n", "\r\n", "\r\r\n", " "]), lines
)


@given(descriptions, stamps)
def test_a_stamp_goes_on_and_comes_off(description, stamp):
    """Whatever the description, with or without stamps of its own."""
    text, _ = split_stamp(description)

    assert split_stamp(with_stamp(description, stamp)) == (text, stamp)


@given(descriptions)
def test_without_its_stamps_a_description_has_none(description):
    """Taking lines out makes no new stamp."""
    text, _ = split_stamp(description)

    assert split_stamp(text) == (text, None)


@given(texts.filter(lambda text: "[flow64:1" not in text), stamps)
def test_an_editor_that_turns_line_feeds_into_cr_lf_hides_no_stamp(text, stamp):
    """Forms on the web do."""
    edited = with_stamp(text, stamp).replace("\r\n", "\n").replace("\n", "\r\n")

    assert split_stamp(edited)[1] == stamp


@given(stamps, uuids)
def test_a_stamp_belongs_to_one_workflow(stamp, other):
    """The one whose id its path computes to, and no copy of it."""
    made = id_of(stamp.path)

    assert [stamp.is_genuine(made), stamp.is_genuine(made.upper())] == [True, True]
    assert stamp.is_genuine(other) == (canonical_id(other) == made)


@given(wire_definitions())
def test_a_deployed_description_means_what_it_meant(definition):
    """The stamp takes no part in the fingerprint that it carries."""
    stamp = Stamp("ns:x/workflow:y", fingerprint(definition)[:16], "0" * 16)
    deployed = evolve(definition, description=with_stamp(definition.description, stamp))

    assert loads(dumps(deployed)).stamp == stamp
    assert fingerprint(loads(dumps(deployed))) == fingerprint(definition)
    assert fingerprint(deployed) == fingerprint(definition)


sent_fields = st.tuples(uuids, st.frozensets(texts, max_size=3))


@given(st.lists(sent_fields, unique_by=lambda pair: pair[0][8:].lower()))
def test_every_block_finds_its_own_fields(pairs):
    """Also where ids begin alike."""
    alike = [(f"b1a5a5a0{block_id[8:]}", names) for block_id, names in pairs]
    sent = dict([*pairs, *alike])
    blocks = block_refs(sent)
    fields = {}
    for block_id, names in sent.items():
        fields[blocks[block_id]] = list_sent(names, {})
    stamp = Stamp("ns:x/workflow:y", "0" * 16, "0" * 16, None, fields)

    assert [stamp.fields_of(block_id) for block_id in sent] == list(sent.values())
