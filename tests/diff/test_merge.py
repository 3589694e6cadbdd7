"""Changes of several workflows as lines: what is the same once, then what differs."""

from __future__ import annotations

from flow64 import LEAD, RawBlock
from flow64.blocks import Filter, LeadEnrichment, Webhook
from flow64.diff import (
    consequences,
    diff,
    format_sections,
    list_shared_lines,
    merge_sections,
)
from tests.diff.support import compiled

START = Webhook(LEAD, input_schema={"email": "string", "seats": "number"})


def merged(before, *afters, find=diff):
    """The merged changes from one flow to others, as lines."""
    old = compiled(before)
    parts = [
        ([name], find(old, compiled(after)))
        for name, after in zip("abcdefgh", afters, strict=False)
    ]
    return [*format_sections(merge_sections(parts))]


def raw(**specs):
    return START >> RawBlock("new_kind", specs=specs)


def test_new_values_are_divided():
    """Of a new field with several values, only those that differ name workflows."""
    new = [
        raw(ask={"name": "Name", "role": role}, most=5) for role in ("Role", "Rolle")
    ]

    assert merged(raw(), *new) == [
        "block new_kind",
        '    + ask.name: "Name"',
        "    + ask.role, for each workflow",
        '        + a: "Role"',
        '        + b: "Rolle"',
        "    + most: 5",
    ]


def test_fields_that_are_gone():
    old = raw(ask="Role")
    parts = [
        (["a"], diff(compiled(old), compiled(raw()))),
        (["b"], diff(compiled(raw(ask="Rolle")), compiled(raw()))),
    ]

    assert [*format_sections(merge_sections(parts))] == [
        "block new_kind",
        "    - ask, for each workflow",
        '        - a: "Role"',
        '        - b: "Rolle"',
    ]


def test_items_of_a_list():
    """An item that all get is one line. Of others each names its workflow."""

    def keep(*emails):
        flow = START
        for email in emails:
            flow >>= (
                Filter.where("email").equals(email)
                if email
                else Filter.where("email").is_not_empty()
            )
        return flow

    assert merged(START, keep("x"), keep("y"))[:4] == [
        "block filter",
        "    + the block is new",
        "        + email equals, for each workflow",
        '            + a: "x"',
    ]
    assert merged(START, keep("x"), keep(None))[2:4] == [
        '        + a: email equals "x"',
        "        + b: email is not empty",
    ]


def test_removed_blocks_need_no_values():
    """A block that is gone is one line, whatever it had."""
    parts = [
        ([name], diff(compiled(START >> enriched), compiled(START)))
        for name, enriched in (
            ("a", LeadEnrichment(return_fields={"x": "X"})),
            ("b", LeadEnrichment(return_fields={"x": "Y"})),
        )
    ]
    assert [*format_sections(merge_sections(parts))][:2] == [
        "block lead_enrichment",
        "    - the block is gone",
    ]


def test_equal_parts_of_long_texts_are_one_line():
    """A change of a word is the same, if each text before it is another one."""

    def prompt(country, word):
        return raw(prompt=f"{country}. {'x' * 300} {word} {'y' * 300}")

    parts = [
        ([name], diff(compiled(prompt(name, "old")), compiled(prompt(name, "new"))))
        for name in "ab"
    ]
    (_, line) = format_sections(merge_sections(parts))
    assert line.startswith("    ~ prompt: …")

    def replaced(country):
        return raw(prompt=f"{'n' * 200}{country}{'n' * 200}")

    texts = merged(raw(prompt="z"), replaced("a"), replaced("b"))
    assert texts[1] == "    ~ prompt, for each workflow"
    assert len(texts) == 4


def test_long_new_values_are_cut_to_what_differs():
    new = [raw(prompt=f"{'x' * 300}{name}{'y' * 300}") for name in ("One", "Two")]

    _, _, first, second = merged(raw(), *new)
    assert first == f"        + a: …{'x' * 24}One{'y' * 24}…"
    assert second == f"        + b: …{'x' * 24}Two{'y' * 24}…"


def test_a_line_of_some_workflows_names_them():
    assert merged(raw(), raw(a=1, b=2), raw(a=1), raw(a=1)) == [
        "block new_kind",
        "    + a: 1",
        "    + a: b: 2",
    ]


def test_limits_of_each_workflow():
    def seats(least):
        return START >> Filter.where("seats").greater(least)

    def find(old, new):
        return consequences(old, new)

    more = merged(seats(50), seats(60), seats(70), find=find)
    assert more[:2] == [
        "rows",
        "    ~ rows between the old and the new limit no longer pass filter",
    ]
    both = merged(seats(50), seats(60), seats(70), seats(40), find=find)
    assert both[1:3] == [
        "    ~ a, b: rows between the old and the new limit no longer pass filter",
        "    ~ c: rows with seats above 40 and up to 50 now pass filter",
    ]


def test_lines_of_all_can_be_taken_alone():
    parts = [
        ([name], diff(compiled(raw(a=0)), compiled(raw(a=n, b=2))))
        for n, name in enumerate("ab", 1)
    ]

    assert [*format_sections(list_shared_lines(merge_sections(parts)))] == [
        "block new_kind",
        "    ~ a, for each workflow",
        "    + b: 2",
    ]
