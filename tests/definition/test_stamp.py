"""The stamp: written, found again, believed only where it belongs."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64.definition import (
    MAX_FIELDS,
    Stamp,
    block_refs,
    id_of,
    split_stamp,
    with_stamp,
)

PATH = "ns:acme.example/project:growth/workflow:inbound"
PINNED = "6b1d7c1e-4c1f-4f0a-9a55-0d9b1f1f2a01"
SENT = {"1764e457": {("mode",): "", ("a b",): ""}, "daa12758": {}}
STAMP = Stamp(PATH, "0123456789abcdef", "f" * 16, "0a1b2c3", SENT)
OTHER = Stamp("ns:x/workflow:y", "1" * 16, "2" * 16)
TEXT = (
    f"[flow64:1 {PATH} 0123456789abcdef ffffffffffffffff 0a1b2c3 "
    "=daa12758;a%20b,mode=1764e457]"
)


def test_changes_in_no_commit_are_marked():
    dirty = evolve(STAMP, commit="0a1b2c3+")

    assert split_stamp(TEXT.replace("0a1b2c3", "0a1b2c3+")) == ("", dirty)
    assert split_stamp(with_stamp("text", dirty)) == ("text", dirty)


def test_the_text_of_a_stamp_is_pinned():
    """It stands in descriptions that were deployed."""
    assert str(STAMP) == TEXT


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("", ""),
        ("Webhook → enrich", "Webhook → enrich"),
        ("two\nlines", "two\nlines"),
        ("ends in a break\n", "ends in a break\n"),
        ("windows\r\nlines\r\n", "windows\r\nlines\r\n"),
        ("carriage return\r", "carriage return\r"),
        ("\n", "\n"),
        (f"had one\n{OTHER}", "had one"),
        (str(OTHER), ""),
        (f"{OTHER}\n{OTHER}\nhad two", "had two"),
    ],
)
def test_a_stamp_goes_on_and_comes_off(description, text):
    """What is left is the description, to the character, without other stamps."""
    assert split_stamp(with_stamp(description, STAMP)) == (text, STAMP)


@pytest.mark.parametrize(
    ("description", "text"),
    [
        (f"edited\r\n{TEXT}", "edited"),
        (f"edited\r\n{TEXT}\r\nbelow", "edited\r\nbelow"),
        (f"{TEXT}\nbelow", "below"),
        (f"{TEXT}\r\nbelow", "below"),
        (f"above\n  {TEXT}\t \nbelow", "above\nbelow"),
        (f"above\n\n{TEXT}\n\n", "above\n\n\n"),
        (f"twice\n{TEXT}\n{TEXT}", "twice"),
        (f"above\n{TEXT}\r", "above"),
    ],
)
def test_a_stamp_is_found_on_any_line_of_its_own(description, text):
    """An editor may write below it, or turn line feeds into CR LF."""
    assert split_stamp(description) == (text, STAMP)


@pytest.mark.parametrize(
    "description",
    [
        "",
        "[flow64]",
        f"behind words {TEXT}",
        f"{TEXT} before words",
        f"> {TEXT}",
        TEXT.replace("flow64:1", "flow64:2"),
        TEXT.replace("0123456789abcdef", "0123456789ABCDEF"),
        TEXT.replace("0123456789abcdef", "0123456789abcde"),
        TEXT.replace("0a1b2c3", "0a1b2"),
        TEXT.replace("0a1b2c3", "main"),
        TEXT.replace("0a1b2c3", "0a1b2c3++"),
        TEXT.replace("0a1b2c3", "+"),
        TEXT.replace("0a1b2c3", "-+"),
        TEXT.replace("ns:acme", "ns: acme"),
        TEXT.replace("=daa12758;", ";"),
        TEXT.replace("daa12758", "daa1275"),
        TEXT.replace("a%20b", "a%2b"),
        TEXT.replace("mode=1764e457]", "]"),
        TEXT.replace(" ", "\u00a0"),
        TEXT.replace(" ", "  "),
        f"above\x0b{TEXT}",
        f"above\u2028{TEXT}",
        f"above\r{TEXT}",
    ],
)
def test_what_is_no_stamp_is_text(description):
    """A line is a stamp to the letter, or a part of the description."""
    assert split_stamp(description) == (description, None)


@pytest.mark.parametrize(
    ("workflow_id", "stamp"),
    [(None, OTHER), (id_of(PATH), STAMP), (id_of(PATH).upper(), STAMP), ("x", OTHER)],
)
def test_of_several_stamps_the_genuine_one_counts(workflow_id, stamp):
    """A stamp that was pasted below hides nothing; without a genuine one the last."""
    assert split_stamp(f"a\n{STAMP}\nb\n{OTHER}", workflow_id) == ("a\nb", stamp)


@pytest.mark.parametrize(
    ("path", "workflow_id", "is_genuine"),
    [
        (PATH, id_of(PATH), True),
        (PATH, id_of(PATH).upper(), True),
        (PATH, PINNED, False),
        (f"{PATH}/pin:{PINNED}", PINNED, True),
        (f"{PATH}/pin:{PINNED.upper()}", PINNED, True),
        (f"{PATH}/pin:{PINNED}", id_of(PATH), False),
        (f"{PATH}/pin:{PINNED}", id_of(f"{PATH}/pin:{PINNED}"), False),
        (f"pin:{PINNED}", PINNED, True),
        (f"{PATH}/pin:wf%5Fabc", "wf_abc", True),
        (f"{PATH}/pin:wf_abc", "WF_ABC", False),
        (f"ns:x/workflow:pin%3A{PINNED}", PINNED, False),
        (PATH, "", False),
    ],
)
def test_a_stamp_is_genuine_only_on_its_own_workflow(path, workflow_id, is_genuine):
    """A copy made in the editor carries the text, and another id."""
    stamp = Stamp(path, "0" * 16, "0" * 16)

    assert stamp.is_genuine(workflow_id) is is_genuine


def test_too_many_fields_are_left_out():
    """Up to the limit they are written, above it `-` stands for them."""
    longest = MAX_FIELDS - len("=00000000")
    fits = Stamp(PATH, "0" * 16, "0" * 16, None, {"0" * 8: {("x" * longest,): ""}})
    over = Stamp(
        PATH, "0" * 16, "0" * 16, None, {"0" * 8: {("x" * (longest + 1),): ""}}
    )

    assert [split_stamp(str(stamp))[1].sent for stamp in (fits, over)] == [
        fits.sent,
        None,
    ]


ONE = "b1a5a5a0-0000-4000-8000-000000000001"
TWO = "B1A5A5A0-0000-4000-8000-000000000002"
THREE = "c1a5a5a0-0000-4000-8000-000000000003"


def test_blocks_whose_ids_begin_alike_are_named_in_full():
    """Ids that people make up often differ at the end alone."""
    assert block_refs([ONE, TWO, THREE, THREE]) == {
        ONE: ONE,
        TWO: TWO.lower(),
        THREE: "c1a5a5a0",
    }


@pytest.mark.parametrize(
    ("block_id", "fields"),
    [
        (ONE, {"a"}),
        (TWO, {"b"}),
        (THREE, {"c"}),
        (THREE.upper(), {"c"}),
        (ONE.replace("1", "2"), None),
        (f"{ONE[:-1]}9", None),
    ],
)
def test_the_fields_of_a_block_are_looked_up_by_its_id(block_id, fields):
    """Neither case nor a neighbour's prefix leads astray."""
    names = zip((ONE, TWO, THREE), "abc", strict=True)
    refs = block_refs([ONE, TWO, THREE])
    sent = {refs[each]: {(name,): ""} for each, name in names}
    stamp = Stamp(PATH, "0" * 16, "0" * 16, None, sent)

    assert stamp.fields_of(block_id) == fields


def test_without_a_record_no_fields_are_known():
    """`-` says nothing of any block."""
    assert OTHER.fields_of(ONE) is None


def test_a_field_that_stands_twice_is_read_once():
    """Groups that name one block are put together."""
    text = TEXT.replace("=daa12758;", "x=1764e457;")

    _, stamp = split_stamp(text)

    assert stamp.fields_of("1764e457-x") == {"a b", "mode", "x"}
