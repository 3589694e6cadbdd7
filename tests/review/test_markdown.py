"""The comment: nothing in it acts, it stays inside its limit, and says what it cut."""

from __future__ import annotations

import re
from functools import cache

import pytest
from attrs import evolve
from markdown_it import MarkdownIt

from flow64.analysis import Estimate, RowPrice
from flow64.definition import Definition, FrozenDict
from flow64.diff import BlockMoved, BlockRef, FieldChanged, TitleChanged, Unmanaged
from flow64.plan import Rename, Review
from flow64.render.review import (
    Pair,
    as_markdown,
    marker_of,
    review_of_diff,
)
from flow64.render.review._markdown_escape import (
    format_code,
    format_code_block,
    format_prose,
)
from tests.review.support import (
    HOSTILE,
    field_added,
    forty_variants,
    hostile,
    hostile_plan,
    leads,
    step,
    workflow,
)

OURS = re.compile(
    r"(<!-- flow64:review [A-Za-z0-9%_~-]* ?-->|</?details( open)?>"
    r"|<summary>The graph( of the first of them)?</summary>|\n)*"
)
"""The HTML that is ours."""

PLAIN = re.compile(r"[\w ,.;:()'$+→—-]*", re.ASCII)
"""Text that means nothing to GitHub, whatever stands beside it."""


def tokens(text):
    """What Markdown makes of a text, tables and strikethrough included."""
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    waiting = reader.parse(text)
    while waiting:
        token = waiting.pop(0)
        yield token
        waiting = [*(token.children or ()), *waiting]


@pytest.mark.parametrize("review", [hostile, hostile_plan])
def test_nothing_acts(review):
    """Names and values are code, whatever stands in them (CHECKS I1)."""
    found = [*tokens(as_markdown(review(), limit=10_000_000))]

    assert {token.type for token in found} <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close"),
        *("bullet_list_open", "bullet_list_close", "list_item_open"),
        *("list_item_close", "inline", "text", "code_inline", "fence"),
        *("html_block", "softbreak", "strong_open", "strong_close"),
        *("ordered_list_open", "ordered_list_close"),
    }
    assert all(OURS.fullmatch(t.content) for t in found if t.type == "html_block")
    texts = [token.content for token in found if token.type == "text"]
    assert [text for text in texts if not PLAIN.fullmatch(text)] == []
    assert [text for text in texts if re.search(r"@|www|http|GH-", text)] == []
    assert {token.info for token in found if token.type == "fence"} == (
        {"diff", "mermaid"} if review is hostile else {"diff", "sh"}
    )


@pytest.mark.parametrize("review", [hostile, hostile_plan, field_added])
def test_nothing_steers(review):
    """No control character, no bidirectional mark, and no line break of data."""
    text = as_markdown(review())

    assert [c for c in text if not c.isprintable() and c != "\n"] == []


@pytest.mark.parametrize(
    "text", [*HOSTILE, "", " ", "`", " a ", "``a", "a\nb", "\u202e"]
)
def test_code(text):
    """Inline code ends where it ends, whatever is in it."""
    (_, inline, _) = MarkdownIt().parse(f"a {format_code(text)} b")

    assert [token.type for token in inline.children] == ["text", "code_inline", "text"]


@pytest.mark.parametrize("text", [*HOSTILE, "``` \n```", "~~~", "````"])
def test_fenced(text):
    """A block of code too."""
    line = text.replace("\r", " ")
    (fence,) = MarkdownIt().parse(format_code_block(line, "diff"))

    assert (fence.type, fence.info) == ("fence", "diff")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("it was edited on the service", "it was edited on the service"),
        ("spends: find_email, search; and", "spends: `find_email`, search; and"),
        ("see a@b.example now", "see `a@b.example` now"),
        ("1. one", "`1.` one"),
        ("- one", "`-` one"),
        ("the newest 1,000 runs", "the newest 1,000 runs"),
        ("its own x/y z.w", "its own `x/y z.w`"),
        ("a \x1b[31m b", "a `\\x1b[31m` b"),
        (":", "`:`"),
    ],
)
def test_prose(text, told):
    """Plain words stay words; whatever else there is becomes code."""
    assert format_prose(text) == told


@pytest.mark.parametrize(
    ("name", "line"),
    [
        (None, "<!-- flow64:review -->"),
        ("prod", "<!-- flow64:review prod -->"),
        ("a-->b--c.d", "<!-- flow64:review a-%2D%3Eb-%2Dc%2Ed -->"),
        ("é @team", "<!-- flow64:review %C3%A9%20%40team -->"),
    ],
)
def test_marker(name, line):
    """A comment is found again by its first line, which no name can leave."""
    text = as_markdown(field_added(), name=name)

    assert (marker_of(name), text.splitlines()[0]) == (line, line)


def test_marker_of_a_plan():
    """Of a plan it is the environment's."""
    assert as_markdown(forty_variants()).startswith(f"{marker_of('default')}\n")


# -- The limit -------------------------------------------------------------------------


def large(blocks, fields):
    """A workflow of many blocks, of which each has another value."""
    (first,) = workflow(leads()).compile().blocks
    wires = [
        first._replace(
            id=f"{n:08x}-0000-4000-8000-000000000000",
            kind=f"kind_{n}",
            specs=FrozenDict({"prompt": f"{fields} {n} " + "words " * 30}),
        )
        for n in range(blocks)
    ]
    return Definition("Large", "", tuple(wires), ())


@cache
def fleet():
    """200 variants of 400 blocks, no two of which change in the same way."""
    before, after = large(400, "old"), large(400, "new")
    changes = tuple(
        FieldChanged(BlockRef(b.id, b.kind), ("prompt",), old.specs["prompt"], b.specs)
        for old, b in zip(before.blocks, after.blocks, strict=True)
    )
    return Review(
        "plan",
        [
            step(
                f"fleet/{number}",
                "update",
                action="update",
                before=before,
                after=after,
                changes=changes[number : number + 40],
                not_checked=(f"thing {number}",),
            )
            for number in range(200)
        ],
        env="prod",
        endpoint="https://api.example",
    )


@pytest.mark.slow
def test_large():
    """A change of 400 blocks in 200 variants fits, and what was cut is counted."""
    text = as_markdown(fleet())

    assert 32_768 < len(text.encode()) <= 65_536
    assert "- **what changes:**\n  - 200 workflows will change\n" in text
    note = text.splitlines()[-1]
    assert note.startswith("**Not shown here, for lack of space:** ")
    counts = {
        words: int(number.replace(",", ""))
        for number, words in re.findall(r"([\d,]+) ([a-z ]+?)(?:,| \()", note)
    }
    shown = text.count("\n#### `")
    pictures = text.count("```mermaid")
    assert shown + counts.get("groups of workflows", 0) == 200
    # What belongs to a group that has no room is not counted again.
    assert pictures + counts["pictures"] == shown
    assert "`fleet/" in note


@pytest.mark.parametrize("limit", [0, 8_192, 10_000, 65_536])
def test_limit(limit):
    """It holds in bytes, with whatever is not ASCII, down to a least one."""
    made = [
        step(f"ключ/{n}", "update", title="é" * 90, action="update", reasons=("ы",))
        for n in range(900)
    ]
    made = [evolve(one, spends=(f"{n}",)) for n, one in enumerate(made)]
    text = as_markdown(Review("plan", made), limit=limit)

    assert len(text.encode()) <= max(limit, 8_192)
    assert "groups of workflows" in text


def test_most_important_first():
    """What stops the deploy has room before what does not, wherever it stands."""
    noise = [
        step(
            f"a{n}",
            "update",
            action="update",
            changes=(TitleChanged("a" * 90, f"{n}" * 90),),
        )
        for n in range(300)
    ]
    stop = step("z", "drifted", action="refuse", lifted_by="force")
    text = as_markdown(Review("plan", [*noise, stop]), limit=9_000)

    assert (
        "`z` was edited on the service since the last deploy; this stops the deploy of "
        "all workflows: choose an option below"
    ) in text
    assert "deploy --force z" in text
    assert "Not shown here" in text


def test_lines_are_cut():
    """Of many lines the first are shown, and the rest is counted."""
    ref = BlockRef("11111111-1111-4111-8111-111111111111", "x", "x")
    changes = tuple(Unmanaged(ref, (str(n),), n, n + 1) for n in range(100))
    one = step("x", "update", action="update", changes=changes)
    text = as_markdown(Review("plan", [one]))

    assert "… and 41 more lines" in text
    assert "Not shown here, for lack of space:** 41 lines of changes (of `x`)." in text


def test_one_line_is_cut():
    """One of a thing is called so."""
    ref = BlockRef("11111111-1111-4111-8111-111111111111", "x", "x")
    changes = tuple(Unmanaged(ref, (str(n),), n, n + 1) for n in range(60))
    one = step("x", "update", action="update", changes=changes)

    text = as_markdown(Review("plan", [one]))
    assert "space:** 1 line of changes (of `x`)." in text


def new(count, **more):
    """Workflows to create, no two of which are alike."""
    return [
        step(f"new{n}", "new", action="create", spends=(f"{n}",), **more)
        for n in range(count)
    ]


def changed(key, action="update", state="update", lines=50):
    """A live workflow with long lines of changes."""
    ref = BlockRef("11111111-1111-4111-8111-111111111111", "x", "x")
    changes = tuple(
        FieldChanged(ref, (f"{key}_{n}",), "before " * 9, "after " * 9)
        for n in range(lines)
    )
    return step(key, state, action=action, changes=changes)


@pytest.mark.slow
@pytest.mark.parametrize("limit", [8_192, 65_536])
@pytest.mark.parametrize(
    "others",
    [
        new(900),
        [evolve(one, action="refuse", lifted_by="create") for one in new(900)],
        [step(f"left{n}", "orphan", spends=(f"{n}",)) for n in range(900)],
    ],
    ids=["new", "undecided", "orphans"],
)
@pytest.mark.parametrize(
    "live",
    [changed("live"), changed("live", "refuse", "drifted"), changed("live", "stamp")],
    ids=["update", "refused", "stamp"],
)
def test_changes_of_live_workflows_have_room(live, others, limit):
    """However many new ones stand beside them; and what is cut is named."""
    text = as_markdown(Review("plan", [*others, live]), limit=limit)
    lines = text.splitlines()

    assert len(text.encode()) <= limit
    assert sum(line.startswith("- ") and "live_" in line for line in lines) > 15
    assert lines[-1].startswith("**Not shown here, for lack of space:**")
    assert f"(of `{others[-1].key[:3]}" in lines[-1].replace("`live`, ", "")


@pytest.mark.parametrize("limit", [8_192, 65_536])
def test_live_workflows_share_the_room(limit):
    """The lines of one do not push those of another out; the note names both."""
    live = [changed("one"), changed("two", lines=49), changed("three", lines=48)]
    text = as_markdown(Review("plan", [*new(900), *live]), limit=limit)

    assert len(text.encode()) <= limit
    assert min(text.count(f"{one.key}_") for one in live) >= 4
    if limit == 8_192:
        assert "(of `one`, `two`, `three`, " in text.splitlines()[-1]


def test_lists_without_room_are_named():
    """Of very many live workflows the first have their lines, and the rest is named."""
    live = [changed(f"live{n}", lines=3) for n in range(60)]
    text = as_markdown(Review("plan", [*new(900), *live]), limit=8_192)
    note = text.splitlines()[-1]

    assert len(text.encode()) <= 8_192
    assert text.count("live0_") >= 2
    assert "lists of changes" in note
    assert re.search(r"\(of `live\d+`, ", note)
    assert "+ new" not in text


@pytest.mark.parametrize("lines", [1, 40])
def test_what_differs_from_another_group_is_cut_too(lines):
    """A change told by what it is like has its lines, or their count."""
    shared = changed("live", lines=60)
    alike = [evolve(shared, key=f"live/{n}") for n in range(5)]
    less = evolve(shared, key="less", changes=shared.changes[lines:])
    more = evolve(
        less, key="more", changes=(*less.changes, TitleChanged("a" * 90, "b" * 90))
    )
    text = as_markdown(Review("plan", [*alike, less, more]), limit=8_192)

    assert len(text.encode()) <= 8_192
    assert "Not shown here" in text.splitlines()[-1]


def test_renames():
    """Possible renames are told, not all where they are many."""
    renames = [
        Rename(f"new{n}", f"old{n}", "id", "old" if n else None) for n in range(20)
    ]
    text = as_markdown(Review("plan", [], renames=tuple(renames)))

    assert "- `old0` → `new0`\n" in text
    assert '- `old1` → `new1`: `was="old"` keeps its ids\n' in text
    assert "- and 8 more\n" in text


def test_nothing():
    """Nothing is said to be nothing."""
    made = workflow(leads()).compile()
    review = review_of_diff([Pair("a", made, made)])

    assert review.is_empty
    assert "- **what changes:** nothing" in as_markdown(review)


def test_doubts():
    """Of many things that nobody checked the rest is counted."""
    doubts = tuple(f"thing {'x' * n}" for n in range(15))
    one = step("a", "update", action="update", not_checked=doubts)
    text = as_markdown(Review("plan", [one], not_checked=doubts))

    assert text.count("3 more things\n") == 2


def test_absent():
    """What nothing lifts has a way on too."""
    one = step("a", "absent", action="refuse")

    assert "1. Correct the pin, or remove it" in (as_markdown(Review("plan", [one])))


def test_moved():
    """What stands elsewhere is one line, which is neither gone nor new."""
    ref = BlockRef("11111111-1111-4111-8111-111111111111", "x", "x")
    moved = BlockMoved(ref, (), (ref,), (), ())
    one = step("a", "update", action="update", changes=(moved,))

    assert "\n> place: first → after x\n" in as_markdown(Review("plan", [one]))


@pytest.mark.parametrize("character", ["\u202e", "\U0001f980", "`", "x"])
def test_long_names(character):
    """However long its names are, the line to act on is there, and the limit holds."""
    name = character * 1_000
    many = tuple(f"{name}{n}" for n in range(40))
    ones = [
        step(
            f"{name}{n}",
            "update",
            title=name,
            action="update",
            reasons=(name,),
            file=name,
            spends=many,
            unmanaged=many,
            cost_before=Estimate(float(n), (), ()),
            cost_after=Estimate(None, many, tuple(RowPrice(k, 1.0) for k in many)),
            not_checked=many,
        )
        for n in range(9)
    ]
    text = as_markdown(Review("plan", ones, env=name), limit=0)

    assert len(text.encode()) <= 8_192
    assert "**what changes:** 9 workflows will change" in text


def test_marker_of_a_long_name():
    """A marker is short, and tells long names from each other."""
    one, other = (marker_of("é" * 5_000 + end) for end in "ab")

    assert len(one) < 1_000
    assert one != other
