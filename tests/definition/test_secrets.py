"""Secrets are filled in for a request alone, and hidden in what comes back."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from attrs import NOTHING
from hypothesis import given
from hypothesis import strategies as st

from flow64.definition import (
    MASK,
    Definition,
    Edge,
    Freezer,
    FrozenDict,
    Hidden,
    Stamp,
    Value,
    Values,
    WireBlock,
    as_body,
    fingerprint,
    hide_secrets,
    name_secrets,
    secret_names,
    secret_places,
    split_stamp,
    stamped_places,
)
from flow64.secrets import spellings

ID, OTHER = (
    "aaaaaaaa-0000-4000-8000-00000000000A",
    "bbbbbbbb-0000-4000-8000-000000000002",
)
TOKEN, HOOK = Value("token", secret=True), Value("hook", secret=True)
SECRETS = {"token": "SENTINEL/tökén", "hook": "https://a.example/SENTINEL?x=1 2"}


def definition(specs, name="n", description="", block_id=ID, **extra):
    block = WireBlock(block_id, "k", Freezer([].append).freeze(specs), "k", 1)
    more = Freezer([].append).freeze(extra)
    return Definition(name, description, (block,), (Edge(ID, ID, more),), id="x")


def filled(code, values=None):
    """What is live of code."""
    body = as_body(code, SECRETS if values is None else values)
    specs = body["workflow_definition"]["blocks"][0]["specs"]
    return definition(specs, body["workflow_name"], body["workflow_description"])


def specs_of(found):
    return found.blocks[0].specs


# -- Places ----------------------------------------------------------------------------

CODE = definition(
    {"url": HOOK, "headers": {"a/b": TOKEN, "c": 1}, "list": [1, [TOKEN]]}
)
SENT = {
    ("url",): "hook",
    ("headers", "a/b"): "token",
    ("list", "1", "0"): "token",
}
PLACES = {(ID.lower(), *path): name for path, name in SENT.items()}


def test_places_of_code_and_of_a_stamp_are_the_same():
    """The stamp goes through the description, as text."""
    stamp = Stamp(
        "ns:x/workflow:y",
        "0" * 16,
        "0" * 16,
        None,
        {"aaaaaaaa": SENT},
    )

    _, again = split_stamp(str(stamp))

    assert secret_places(CODE) == PLACES
    assert again == stamp
    assert stamped_places(CODE, again) == secret_places(CODE)
    assert secret_names(CODE) == {"hook", "token"}


def test_live_is_named_again_whatever_stands_there():
    live = filled(CODE)
    edited = filled(CODE, {"token": 7, "hook": {"deep": "x"}})

    places = secret_places(CODE)

    assert name_secrets(live, places) == name_secrets(edited, places) == CODE
    assert fingerprint(name_secrets(live, places)) == fingerprint(CODE)


def test_text_in_a_place_is_named_if_it_is_the_secret_and_hidden_if_not():
    live = filled(CODE, {**SECRETS, "hook": "https://a.example/EDIT"})

    specs = specs_of(hide_secrets(live, secret_places(CODE), Values(SECRETS)))

    assert specs["url"] == Hidden()
    assert specs["headers"]["a/b"] == specs["list"][1][0] == TOKEN


def test_place_that_is_another_thing_by_now():
    """What is gone stays gone; a text in place of what has the secret is hidden."""
    live = definition({"headers": "by hand", "list": [1]})

    specs = specs_of(name_secrets(live, secret_places(CODE)))

    assert specs == {"headers": Hidden(), "list": [1]}


def test_of_two_names_with_one_text_the_place_decides():
    values = Values({"hook": "SENTINEL", "token": "SENTINEL"})

    specs = specs_of(hide_secrets(filled(CODE, values), secret_places(CODE), values))

    assert (specs["url"], specs["headers"]["a/b"]) == (HOOK, TOKEN)


def test_secret_that_is_not_known_here_is_not_compared():
    live = filled(CODE)

    assert hide_secrets(live, secret_places(CODE), Values()) == CODE


# -- Elsewhere -------------------------------------------------------------------------


def elsewhere(text):
    """A secret in every part of a definition but its place."""
    return definition(
        {"a": f"x{text}x", "b": [text], text: 1, "c": {text: [2]}},
        name=f"T {text}",
        description=f"D {text}",
        more=text,
    )


@pytest.mark.parametrize("text", SECRETS.values())
def test_secret_elsewhere_is_hidden_in_any_spelling(text):
    values = Values(SECRETS, hidden=SECRETS)
    for spelling in spellings(text):
        shown = hide_secrets(elsewhere(spelling), {}, values)

        assert spelling not in json.dumps(as_body(shown), ensure_ascii=False)
        assert (shown.name, shown.description) == (f"T {MASK}", f"D {MASK}")


def test_short_secret_is_hidden_in_its_place_alone():
    code, values = (
        definition({"pin": TOKEN, "other": "ab abc"}),
        Values({"token": "ab"}),
    )

    assert specs_of(
        hide_secrets(filled(code, values), secret_places(code), values)
    ) == {
        "pin": TOKEN,
        "other": "ab abc",
    }


def test_object_that_would_be_read_as_a_value_is_hidden():
    live = definition({})
    block = live.blocks[0]._replace(
        specs=FrozenDict(a=FrozenDict({"flow64:value": "token"}))
    )
    live = Definition("n", "", (block,), ())

    shown = hide_secrets(live, {}, Values())

    assert specs_of(shown) == {"a": Hidden()}


def test_values_that_nothing_makes_secret_stay():
    live = definition({"a": "SENTINEL"})

    assert hide_secrets(live, {}, Values({"plain": "SENTINEL"})) == live


# -- No output -------------------------------------------------------------------------


def test_values_show_their_names_alone():
    values = Values(SECRETS, hidden=["token"])

    assert repr(values) == "<values: token, hook>"
    assert "SENTINEL" not in str(values)
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            write(values)
    assert Values(values).hidden == values.hidden == {"token"}
    assert (values.find("no"), values.has_content("hook")) == (NOTHING, True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["x", "SENTINEL"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner)
    ),
    max_leaves=5,
)
contents = st.text(min_size=1) | json_values
code_values = st.recursive(
    json_values | st.sampled_from([TOKEN, HOOK]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b/!", "é"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    specs=st.dictionaries(st.sampled_from(["url", "b"]), code_values, max_size=2),
    token=contents,
    hook=contents,
)
def test_what_was_filled_in_is_named_again(specs, token, hook):
    """And its fingerprint is that of the code: it tells nothing about a secret."""
    values = Values({"token": token, "hook": hook})
    code = definition(specs)
    live = filled(code, values)

    assert name_secrets(live, secret_places(code), values) == code
    assert fingerprint(name_secrets(live, secret_places(code))) == fingerprint(code)


secret = st.text(
    st.characters(codec="utf-8", exclude_characters="*"), min_size=5, max_size=12
)


@given(
    specs=st.dictionaries(st.sampled_from(["url", "b"]), code_values, max_size=2),
    token=secret,
    edit=st.sampled_from(["{}", "x{}", "{}x", "x {} y"]),
    where=st.sampled_from(["specs", "title", "edge"]),
)
def test_no_secret_is_left_in_what_is_shown(specs, token, edit, where):
    """Whatever was filled in, and wherever somebody wrote it as well."""
    token = f"SECRET{token}"
    values = Values({"token": token, "hook": f"https://{token}"})
    code, text = definition(specs), edit.format(token)
    live = filled(code, values)
    if where == "specs":
        more = FrozenDict({**specs_of(live), "more": text})
        live = Definition("n", "", (live.blocks[0]._replace(specs=more),), ())
    elif where == "title":
        live = Definition(text, text, live.blocks, ())
    else:
        edge = Edge(ID, ID, FrozenDict(x=text))
        live = Definition("n", "", live.blocks, (edge,))

    shown = hide_secrets(live, secret_places(code), Values(values, values))

    body = json.dumps(as_body(shown), ensure_ascii=False)
    assert [form for form in spellings(token) if form in body] == []
