"""What a review says of edits on the service, of losses, and of what breaks."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import RawBlock
from flow64.blocks import Filter, FindEmail, FindPhone
from flow64.diff import FindingAppeared, diff
from flow64.plan import Rename, Review
from flow64.render.review import (
    Pair,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from tests.review.support import leads, read, step, workflow


def specs(**fields):
    """A workflow with one block that has these fields."""
    return read(workflow(leads() >> RawBlock("k", specs=fields)))


def edited(base, live, code, **more):
    """A workflow that was edited on the service."""
    return step(
        "x",
        "conflict",
        title="X",
        action="refuse",
        lifted_by="force",
        base="found",
        edits=tuple(diff(base, live)),
        changes=tuple(diff(live, code)),
        before=live,
        after=code,
        **more,
    )


def plan(*steps, **more):
    return Review("plan", steps, env="prod", **more)


def test_edited_value_has_three_versions():
    """In one line of each form, and no other line repeats the edit."""
    one = edited(specs(a=50, b=1), specs(a=75, b=1), specs(a=100, b=2))
    text, comment, page = (form(plan(one)) for form in (as_text, as_markdown, as_html))

    versions = "a: last deploy 50 · service now 75 · code 100"
    assert (
        f"    the code would change:\n        block k\n            ~ {versions}\n"
        in (text)
    )
    assert "            ~ b: 1 → 2\n" in text
    assert f"\n~ {versions}\n" in comment
    assert f"<span>{versions}</span>" in page
    assert "edited on the service:\n" not in text
    assert "Edited on the service" not in comment + page


def keep(operator, value):
    """A workflow with a filter."""
    return read(workflow(leads() >> Filter.where("size").compare(operator, value)))


@pytest.mark.parametrize(
    ("base", "live", "code", "versions"),
    [
        (
            specs(x=[{"id": "a", "v": 1}]),
            specs(x=[{"id": "b", "v": 7}, {"id": "a", "v": 5}]),
            specs(x=[{"id": "a", "v": 9}]),
            "x[0].v: last deploy 1 · service now 5 · code 9",
        ),
        (
            keep("greater", 50),
            keep("greater", 75),
            keep("less", 100),
            (
                "last deploy size greater than 50 · service now size greater than 75 "
                "· code size less than 100"
            ),
        ),
        (
            keep("greater", 50),
            keep("less", 75),
            keep("equals", 100),
            (
                "last deploy size greater than 50 · service now size less than 75 · "
                "code size equals 100"
            ),
        ),
    ],
)
def test_versions_are_of_one_thing(base, live, code, versions):
    """Also if it stands elsewhere now, or is written in other words."""
    text = as_text(plan(edited(base, live, code)))

    assert f"            ~ {versions}\n" in text


def test_versions_are_not_of_two_things():
    """Two things of one item are shown by themselves."""
    base = specs(x=[{"id": "a", "v": 1, "w": 1}])
    live = specs(x=[{"id": "a", "v": 2, "w": 2}])
    code = specs(x=[{"id": "a", "v": 3, "w": 2}])
    text = as_text(plan(edited(base, live, code)))

    assert "service now" not in text
    assert "            ~ x[0].v: 2 → 3\n    edited on the service:\n" in text


def test_other_edits_are_shown_by_themselves():
    """Such as those that the code has as well, or that no value was replaced by."""
    one = edited(specs(a=1, b=1), specs(a=2, b=1, c=3), specs(a=2, b=1))
    text = as_text(plan(one))

    assert (
        "    edited on the service:\n"
        "        block k\n"
        "            ~ a: 1 → 2\n"
        "            + c: 3\n"
    ) in text
    assert "<h3>Edited on the service</h3>" in as_html(plan(one))
    assert "Edited on the service:\n\n```diff" in as_markdown(plan(one))


@pytest.mark.parametrize(
    ("base", "live", "code", "lost"),
    [
        ({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 2}, "a: 2 (block k)"),
        ({"b": 1}, {"a": 2, "b": 1}, {"b": 2}, "a: 2 (block k)"),
        ({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 1}, "the removal of a: 1 (block k)"),
    ],
)
def test_only_edits_are_lost(base, live, code, lost):
    """A value that the code alone changes is no loss."""
    text = as_text(plan(edited(specs(**base), specs(**live), specs(**code))))

    assert (
        "breaks or is lost:\n"
        f"    if you overwrite x: the service loses {lost}\n"
        "    nothing else breaks that flow64 can see\n"
    ) in text
    assert (
        "    1. overwrite it with the code. flow64 restore x --env prod brings back "
        f"what is overwritten on the service:\n        - x: {lost}\n"
    ) in text


def test_blocks_of_the_service_are_lost():
    """A block that was added there is named, and so is one that comes back."""
    one, two = workflow(leads() >> FindEmail()), workflow(leads() >> FindPhone())
    text = as_text(plan(edited(read(one), read(two), read(one))))

    assert "        - x: block find_phone\n" in text
    assert "        - x: the removal of block find_email\n" in text


def test_without_known_edits_every_replaced_value_is_lost():
    """And what the code only adds is none."""
    one = step(
        "x",
        "behind",
        action="refuse",
        lifted_by="behind",
        changes=tuple(diff(specs(a=1), specs(a=2, b=3))),
    )
    text = as_text(plan(one))

    assert "    if you overwrite x: the service loses a: 1 (" in text
    assert "b: 3" not in text.partition("to decide")[2]


def test_many_losses_are_counted():
    ones = [
        step(
            f"k{n}",
            "drifted",
            action="refuse",
            lifted_by="force",
            changes=tuple(diff(specs(a=n), specs(a=9))),
        )
        for n in range(6)
    ]
    text = as_text(plan(*ones))

    assert (
        "    if you overwrite k3: the service loses a: 3 (block k)\n"
        "    2 more workflows, if you overwrite them\n"
    ) in text


def test_each_edited_workflow_is_named_with_its_change():
    """A group of others is not said to have it, and many are counted."""
    base, code = specs(a=50), specs(a=100)
    written = step(
        "a", "update", action="update", changes=tuple(diff(base, code)), after=code
    )
    others = [evolve(edited(base, specs(a=n), code), key=f"x{n}") for n in range(6)]
    text = as_text(plan(written, *others))

    assert "    a: k: a: 50 → 100\n" in text
    edited_value = "k: a: 0 → 100 (0 was set on the service)"
    assert f"    if you overwrite x0: {edited_value}\n" in text
    assert "    2 more workflows, if you overwrite them\n" in text


def changed(before, after):
    """A deploy of one workflow."""
    made = review_of_diff([Pair("inbound", read(before), read(after))])
    return plan(*made.workflows)


@pytest.mark.parametrize(
    ("flow", "place"),
    [
        (leads() >> FindEmail() >> FindPhone(), ", after find_email"),
        (leads() >> FindPhone() >> FindEmail(), ", between webhook and find_email"),
    ],
)
def test_new_block_says_where(flow, place):
    text = as_text(changed(workflow(leads() >> FindEmail()), workflow(flow)))

    assert f"\n    block find_phone is new{place}\n" in text


def test_lost_columns_break_too():
    """The heading says it, and the last lines say what to do first."""
    text = as_text(changed(workflow(leads() >> FindPhone()), workflow(leads())))

    assert "\n! inbound: will change, and loses output columns\n" in text
    assert "\nbreaks or is lost: the output loses the column phone\n" in text
    assert "next: to fix it: keep phone in the output if something reads" in text


def test_many_renames_are_counted():
    """More than a few are not asked one by one."""
    keys = "abcde"
    renames = tuple(Rename(f"{key}2", key, f"id-{key}", key) for key in keys)
    ones = [
        step(one.key, "new", action="refuse", lifted_by="create") for one in renames
    ]
    text = as_text(plan(*ones, renames=renames))

    assert text.startswith(
        "review of environment prod: needs a decision\n"
        "asked of you:\n"
        "    a2 and 4 more: choose 1 renamed (request changes) or 2 a second workflow "
        "(approve)\n"
    )
    assert "what changes: 5 workflows may be renames, or second workflows\n" in text


def test_edges_of_the_service_are_lost():
    """If no block comes or goes with them."""
    mail, phone = FindEmail(key="mail"), FindPhone(key="phone")
    joined = read(workflow(leads() >> mail >> phone))
    beside = read(workflow(leads() >> [mail, phone]))
    text = as_text(plan(edited(joined, beside, joined)))

    assert " (edges)\n" in text.partition("is overwritten on the service:")[2]


def test_new_error_is_to_be_fixed():
    """A workflow without blocks has one."""
    empty = evolve(read(workflow(leads())), blocks=(), edges=())
    one = changed(workflow(leads() >> FindPhone()), workflow(leads())).workflows[0]
    made = review_of_diff([Pair("a", read(workflow(leads())), empty)]).workflows[0]
    found = [f for f in made.consequences if isinstance(f, FindingAppeared)]
    text = as_text(plan(evolve(one, consequences=tuple(found))))

    assert "\n! inbound: will change, and has a new error\n" in text
    assert "next: to fix it: correct what the checks call an error\n" in text
