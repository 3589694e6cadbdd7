"""Key paths, ids, slugs and the keys of runs."""

from __future__ import annotations

from uuid import NAMESPACE_URL, UUID, uuid5

import pytest

from flow64.definition import (
    DEFAULT_ENV,
    FLOW64,
    LOCAL,
    ProjectKey,
    canonical_id,
    escape_key,
    id_of,
    is_uuid,
    path_of,
    retry_key,
    run_key,
    slug,
)

WORKFLOW = (("ns", "acme.example"), ("project", "growth"), ("workflow", "inbound"))
ID = "6b1d7c1e-4c1f-4f0a-9a55-0d9b1f1f2a01"


def test_the_namespace_is_itself_computed():
    """The namespace of all ids is the UUIDv5 of a URN, and so anybody can make it."""
    assert uuid5(NAMESPACE_URL, "urn:flow64:ids:1") == FLOW64


def test_names_that_take_part_in_ids_are_pinned():
    """The namespace without a project, and the environment without a segment."""
    assert (LOCAL, DEFAULT_ENV) == ("local", "default")


def test_a_project_key_is_a_value():
    """Two projects of one key and namespace are one."""
    assert ProjectKey("a", "b") == ProjectKey("a", "b")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("find_email", "find_email"),
        ("A-Z.a~0_9", "A-Z.a~0_9"),
        ("", ""),
        ("a b", "a%20b"),
        ("a/b:c", "a%2Fb%3Ac"),
        ("100%", "100%25"),
        ("caf\u00e9", "caf%C3%A9"),
        ("cafe\u0301", "caf%C3%A9"),
        ("\u212b", "%C3%85"),
        ("\ufb01", "%EF%AC%81"),
        ("🚀", "%F0%9F%9A%80"),
        ("a\nb", "a%0Ab"),
    ],
)
def test_a_key_is_escaped_after_nfc(key, text):
    """Compatibility characters stay: the form is NFC and not NFKC."""
    assert escape_key(key) == text


@pytest.mark.parametrize(
    ("segments", "made"),
    [
        (WORKFLOW, "daa12758-7a2b-51fe-b180-da1979d40573"),
        ((*WORKFLOW, ("block", "find_email")), "1764e457-c06d-5b72-9dca-559f82194c50"),
    ],
)
def test_ids_are_pinned(segments, made):
    """These ids are deployed somewhere; more of them are in the specification."""
    assert id_of(path_of(segments)) == made


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("scope", "a"), ("scope", "b")], [("scope", "a/scope:b")]),
        ([("scope", "a"), ("block", "b")], [("scope", "a"), ("scope", "b")]),
        ([("variant", "us")], [("axis", "us")]),
        ([("env", "x"), ("workflow", "y")], [("workflow", "x"), ("workflow", "y")]),
        ([("block", "")], [("block", "%")]),
        ([("block", "é")], [("block", "%C3%A9")]),
        ([("block", "A")], [("block", "a")]),
    ],
)
def test_different_paths_have_different_ids(one, other):
    """Tags and escapes keep apart what joined text would mix."""
    assert id_of(path_of(one)) != id_of(path_of(other))


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("Enrich inbound leads", "enrich-inbound-leads"),
        ("--a--B--", "a-b"),
        ("\t\x00a\x7fb", "a-b"),
        ("É", "É"),
        ("E\u0301a", "Éa"),
        ("İstanbul", "İstanbul"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_a_slug_lowers_ascii_alone(title, key):
    """Lower case beyond ASCII depends on the Unicode version, so it takes no part."""
    assert slug(title) == key


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        (ID, True),
        (ID.upper(), True),
        ("00000000-0000-0000-0000-000000000000", True),
        (ID.replace("-", ""), False),
        (f"{{{ID}}}", False),
        (f"urn:uuid:{ID}", False),
        (f"{ID}\n", False),
        (f" {ID}", False),
        ("1f2c3a4d-...-source", False),
        (ID.replace("6", "\u0666", 1), False),
        ("", False),
        (None, False),
        (UUID(ID), False),
    ],
)
def test_a_uuid_is_its_usual_text(value, is_one):
    """Other spellings are taken for keys, since the service may not know them."""
    assert is_uuid(value) is is_one


def test_only_uuids_lose_their_case():
    """An id of another kind is opaque."""
    assert [canonical_id(ID.upper()), canonical_id("WF_Abc")] == [ID, "WF_Abc"]


RUN = dict(env="staging", workflow_id=ID, intent="2026-11-24", body_digest="0" * 64)


def test_the_key_of_a_run_is_the_id_of_a_path():
    """A program that knows ids knows the keys of runs."""
    path = f"env:staging/run:{ID}/intent:2026-11-24/body:{'0' * 64}"

    assert str(run_key(**RUN)) == id_of(path)


@pytest.mark.parametrize(
    "change",
    [
        {"env": "default"},
        {"workflow_id": ID.replace("6", "7")},
        {"intent": "2026-11-25"},
        {"body_digest": "1" * 64},
    ],
)
def test_each_part_of_a_run_changes_its_key(change):
    """Environment, workflow, intent and body all take part."""
    assert run_key(**RUN | change) != run_key(**RUN)


def test_the_case_of_an_id_buys_nothing_twice():
    """A run or a retry that is named in capitals is the same run."""
    key = run_key(**RUN | {"workflow_id": ID.upper()})

    assert retry_key(key, ID.upper()) == retry_key(run_key(**RUN), ID)


def test_the_segments_of_a_path_keep_their_order():
    """A path is text: tag, colon, escaped key, joined by slashes."""
    assert path_of([("ns", "a/b"), ("block", "c")]) == "ns:a%2Fb/block:c"
