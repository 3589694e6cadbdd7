"""The review itself: what it is made of, what is alike, and how lines say it."""

from __future__ import annotations

import re
import shlex
from itertools import takewhile
from typing import get_args

import pytest
from attrs import evolve

from flow64 import COMPANY, LEAD, RawBlock, Workflow, value
from flow64.analysis import Estimate, RowPrice
from flow64.blocks import Filter, FindEmail, FindPhone, LeadEnrichment, Search, Webhook
from flow64.definition import BoundSecret, Value, from_data, walk
from flow64.diff import BlockMoved, BlockRef, KindChanged, ListChanged, diff
from flow64.errors import ArgumentError
from flow64.plan import Rename, Review, RunRef, ScheduleRef, State, Touched
from flow64.render import group_alike
from flow64.render.review import (
    Pair,
    as_data,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from tests.review.support import (
    GROWTH,
    SENIORITY,
    TITLE,
    crm,
    forty_variants,
    leads,
    read,
    regional,
    step,
    workflow,
)


def changed(before, after, key="inbound"):
    """A review of one workflow whose JSON is read on both sides."""
    return review_of_diff([Pair(key, read(before), read(after))])


def lines_of(review):
    """The changes of the first workflow as lines of text, under their titles."""
    found = {}
    _, _, text = as_text(review).partition("    what changes:\n")
    for line in takewhile(lambda line: line.startswith(" " * 8), text.splitlines()):
        if line[8] not in "+-~ ":
            title = line.strip()
            found[title] = []
        elif line[8] != " ":
            found.setdefault("", []).append(line[8:])
        else:
            found[title].append(line[12:])
    return [*found.items()]


# -- Two folders -----------------------------------------------------------------------


def test_states():
    """Each workflow is new, changed, the same, or gone."""
    old, new = read(workflow(leads())), read(workflow(leads() >> FindEmail()))
    review = review_of_diff(
        [
            Pair("same", old, old),
            Pair("other", old, new),
            Pair("new", None, new),
            Pair("gone", read(workflow(leads() >> raw() >> crm())), None),
        ]
    )

    assert [(one.state, one.action) for one in review.workflows] == [
        ("unchanged", "none"),
        ("update", "update"),
        ("new", "create"),
        ("removed", "none"),
    ]
    assert [one.key for one in review.notable] == ["other", "new", "gone"]
    assert review.refused == ()


def test_rename_between_folders():
    """It is the same question as against a service: renamed, or a second workflow?"""
    old, new = leads() >> FindEmail() >> crm(), leads() >> FindEmail() >> crm("us")
    review = review_of_diff(
        [
            Pair("leads/us", None, read(workflow(new, "leads/us"))),
            Pair("leads", read(workflow(old, "leads")), None),
        ]
    )
    text = as_text(review)

    assert [(one.key, one.action) for one in review.workflows] == [
        ("leads/us", "refuse"),
        ("leads", "none"),
    ]
    assert (
        "what changes: leads is gone from the code, and leads/us is new: renamed, or a "
        "second workflow?\n"
    ) in text
    assert text.count("\n! ") == 1
    assert '~ url: "https://crm.acme.example/hooks/' in text
    assert "a second workflow: at most $50 for each of the two\n" in text
    assert "    2. a second workflow: leads/us gets a new id, without history" in text
    assert "\n        flow64 deploy --create leads/us\n" in text


def test_several_may_be_renamed_between_folders():
    """Those that fit equally are named, and none of them is compared."""
    a, b, c = (read(workflow(leads() >> FindEmail(), key)) for key in "abc")
    pairs = [Pair("a", a, None), Pair("b", b, None), Pair("c", None, c)]
    review = review_of_diff(pairs)

    (rename,) = review.renames
    assert (rename.key, rename.candidates) == ("c", ("a", "b"))
    assert review.workflows[2].details.differs is None
    assert "a and b are gone from the code, and c is new and otherwise the same: " in (
        as_text(review)
    )


@pytest.mark.parametrize(
    ("keys", "words"),
    [(["a", "a"], "two workflows are called 'a'"), (["a"], "neither there before")],
)
def test_wrong_pairs(keys, words):
    """Keys are told apart, and a pair has a side."""
    side = None if len(keys) == 1 else read(workflow(leads()))
    with pytest.raises(ArgumentError, match=words):
        review_of_diff([Pair(key, side, side) for key in keys])


def test_other_id():
    """Another id is another workflow, which is said even where nothing else differs."""
    before = read(workflow(leads(), "old"))
    after = evolve(before, id=read(workflow(leads(), "new")).id)
    (one,) = review_of_diff([Pair("x", before, after)]).workflows

    assert one.action == "update"
    (reason,) = one.reasons
    assert reason.startswith("its id is another one: a deploy makes a new workflow")


def test_other_block_ids():
    """Blocks that lost their ids are told in one line, and how to keep them."""
    before = workflow(leads() >> FindEmail(), "old")
    after = workflow(leads() >> FindEmail(), "new")
    review = changed(before, after)

    assert "blocks have other ids: was= keeps the old ones" in (
        review.workflows[0].reasons
    )
    assert lines_of(review) == [
        ("", ["~ 2 blocks have other ids: webhook, find_email"])
    ]


def test_prices():
    """Prices of one's own go first; what nobody knows stays unknown."""
    before, after = (read(workflow(leads() >> one)) for one in (FindEmail(), raw()))
    pairs = [Pair("a", before, after)]
    (one,) = review_of_diff(pairs, prices={"find_email": 0.5}).workflows

    assert one.details.cost_before == Estimate(500.0, (), ())
    assert one.details.cost_after == Estimate(None, ("new_kind",), ())
    text = as_text(review_of_diff(pairs))
    assert "    at most $50 → an unknown amount, if every row reaches" in text
    assert "cost per 1,000 input rows: at most $50 → unknown for new_kind\n" in text


def raw(kind="new_kind", **specs):
    return RawBlock(kind, specs=specs)


def test_findings_appear():
    """An error that appears is in the headline, so a faulty side is reviewed too."""
    data = {
        "workflow_name": "a",
        "workflow_definition": {"blocks": [], "edges": []},
    }
    empty = from_data(data)
    review = review_of_diff([Pair("a", read(workflow(leads())), empty)])

    assert "    the output loses the columns email, company\n" in as_text(review)
    assert "    new error in checks: no-blocks\n" in as_text(review)


def test_spends_at_deploy():
    """What buys as soon as it is written is in the headline."""
    flow = Search(LEAD, query="x", auto_execute=True) >> FindEmail()
    review = review_of_diff([Pair("s", None, read(workflow(flow, "s")))])

    assert review.workflows[0].spends == ("search",)
    assert "    s spends at deploy\n" in as_text(review)
    assert "**spends as soon as it is written:** `search`" in as_markdown(review)
    assert '<dd class="spends"><code>search</code>; to allow it, add' in as_html(review)


# -- Secrets ---------------------------------------------------------------------------


def secret_pair():
    """A secret that is filled in, and its plain text in other places."""
    wanted = value("token", secret=True)

    def made(token, more):
        specs = {"token": token, "list": [f"Bearer {more}", 1], "deep": {"x": more}}
        flow = Webhook(LEAD) >> RawBlock("new_kind", specs=specs)
        return Workflow("S", flow, key="s", project=GROWTH)

    before = made("hunter2-hunter2", "plain").compile()
    after = made(wanted, "hunter2-hunter2").compile(None, {"token": "hunter2-hunter2"})
    return before, after


def test_secrets():
    """The text of a secret is in no rendering, nor in what pictures are made of."""
    before, after = secret_pair()
    review = review_of_diff([Pair("s", before, after), Pair("n", None, after)])
    everything = [
        *(as_markdown(review), as_text(review), as_html(review), str(as_data(review))),
        *(repr(one) for one in review.workflows),
    ]
    sides = [(one.details.before, one.details.after) for one in review.workflows]
    kept = [
        item
        for both in sides
        for side in both
        if side is not None
        for block in side.blocks
        for _, item in walk(block.specs)
    ]

    assert [text for text in everything if "hunter2" in text] == []
    assert [item for item in kept if type(item) is BoundSecret] == []
    assert [
        item for item in kept if "hunter2" in str(getattr(item, "name", item))
    ] == []
    assert Value("token", secret=True) in kept


def test_keys_are_masked():
    """What is shaped like a key is masked wherever it stands."""
    key = "sk_live_" + "a1b2c3d4" * 4
    one = step(key, "update", title=key, action="update", reasons=(key,), file=key)
    review = Review("plan", [one], not_checked=(key,))
    texts = [as_text(review), str(as_data(review)), as_html(review)]

    assert [text for text in texts if "a1b2c3d4" in text] == []


def test_keys_are_masked_in_pictures():
    """So are names of blocks and of fields, in the graph too."""
    key = "sk_live_" + "a1b2c3d4" * 4
    before = read(workflow(leads() >> raw(f"{key}x", **{key: 1})))
    after = read(workflow(leads() >> raw(f"{key}x", **{key: 2})))
    review = review_of_diff([Pair("a", before, after), Pair("b", None, after)])
    texts = [as_markdown(review), as_html(review), as_text(review)]

    assert [text for text in texts if "a1b2c3d4" in text] == []
    assert "<svg" in texts[1]


def test_keys_are_masked_in_markdown():
    """And what the marker says."""
    key = "sk_live_" + "a1b2c3d4" * 4
    one = step(key, "update", title=key, action="update", reasons=(key,), file=key)
    review = Review("plan", [one], env=key, not_checked=(key,))

    assert "a1b2c3d4" not in as_markdown(review)


# -- What is alike ---------------------------------------------------------------------


def keys_of(review):
    return [list(group.keys) for group in group_alike(review.notable)]


def variants_pairs(old, new):
    return [
        Pair(f"regional/{region}", read(old[region]), read(made))
        for region, made in new.items()
    ]


def test_forty_variants_without_keys():
    """Ids differ in each variant, and committed JSON has no keys: still one change."""
    review = review_of_diff(
        variants_pairs(regional(TITLE), regional({**TITLE, **SENIORITY}))
    )
    (group,) = group_alike(review.notable)

    assert len(group.keys) == 40
    assert group.label == "regional/*"
    assert len(as_data(review)["workflows"]) == 40
    assert "- **what changes:**\n  - 40 workflows will change\n" in as_markdown(review)


def test_two_apart():
    """The two that were edited are apart, each with all of its changes."""
    most, first, second = group_alike(forty_variants().notable)

    assert (first.keys, second.keys) == (["regional/fr"], ["regional/gb"])
    assert len(most.keys) == 38
    assert (first.like, second.like, most.like) == (None, None, None)
    data = as_data(forty_variants())
    assert data["groups"][1]["like"] is None
    assert [one["key"] for one in data["workflows"]] == [
        f"regional/{region}" for region in regional(TITLE)
    ]


def test_new_ones_are_alike():
    """New workflows of one shape are shown as one, whatever their values."""
    made = regional(TITLE)
    pairs = [Pair(region, None, read(one)) for region, one in made.items()]
    review = review_of_diff(pairs)

    assert len(group_alike(review.notable)) == 1
    assert group_alike(review.notable)[0].label == "ae, ..."


def test_unlike():
    """Another value, another block or another cost is another change."""
    base = leads() >> FindEmail()
    old = read(workflow(base))
    new = [
        workflow(leads() >> FindEmail(mode="PERSONAL")),
        workflow(leads() >> FindEmail(mode="PROFESSIONAL")),
        workflow(base >> FindPhone()),
    ]
    review = review_of_diff([Pair(str(n), old, read(w)) for n, w in enumerate(new)])

    assert keys_of(review) == [["0"], ["1"], ["2"]]


def steps(*names):
    """Changes of kinds, of which each is unlike the others."""
    return tuple(KindChanged(BlockRef("", "old"), "old", name) for name in names)


def test_like_and_without():
    """What differs is told both ways: what is not done, and what is besides."""
    review = Review(
        "plan",
        [
            step("a", "update", action="update", changes=steps("x", "y")),
            step("b", "update", action="update", changes=steps("x", "y")),
            step("c", "update", action="update", changes=steps("x", "z")),
            step("d", "update", action="update", changes=steps("x")),
            step("e", "update", action="update", changes=steps("q")),
            step("f", "drifted", action="update", changes=steps("x", "y")),
        ],
    )
    groups = {group.keys[0]: group for group in group_alike(review.notable)}

    assert {
        key: (group.like is not None, len(group.without), len(group.besides))
        for key, group in groups.items()
    } == {
        "a": (False, 0, 0),
        "c": (True, 1, 1),
        "d": (True, 1, 0),
        "e": (False, 0, 0),
        "f": (True, 0, 0),
    }
    text, page, lines = as_markdown(review), as_html(review), as_text(review)
    assert "The same as `a` and 1 more, without:\n" in text
    assert "And also:\n" in text
    assert "The same as `a` and 1 more.\n" in text
    assert "<code>a</code> and 1 more</a>, without:</p>" in page
    assert '<p class="like">And also:</p>' in page
    assert "    the same as a and 1 more, without:\n" in lines
    assert "    the same as a and 1 more\n" in lines
    assert "    and also:\n" in lines


def test_unmanaged_fields_are_alike():
    """A field that the service sets in each variant does not tell them apart."""
    made = {region: read(one) for region, one in regional(TITLE).items()}
    review = Review(
        "plan",
        [
            step(
                region,
                "update",
                action="update",
                before=one,
                after=one,
                unmanaged=(f"find_email ({one.blocks[2].id[:8]}).tier",),
            )
            for region, one in made.items()
        ],
    )
    (group,) = group_alike(review.notable)

    assert group.first.unmanaged == ["find_email.tier"]
    assert "left as it is, not set by code: find_email.tier" in as_text(review)
    assert "not set by code: `find_email.tier`" in as_markdown(review)
    assert "<code>find_email.tier</code>" in as_html(review)


def test_unknown_blocks_keep_their_names():
    """A field of a block that no side has is told as the plan told it."""
    one = step("a", "update", unmanaged=("x (01234567).tier", "y.tier"))

    assert "set by code: x (01234567).tier, y.tier\n" in as_text(Review("plan", [one]))


def test_block_names():
    """Kinds are names, numbered where there are several; keys go first."""
    twice = leads() >> [FindEmail(key="a"), FindEmail(key="b")]
    made = read(workflow(twice))
    keyed = workflow(twice).compile()

    def blocks(before, after):
        one = step("x", "new", action="create", before=before, after=after)
        return [*group_alike([one])[0].first.blocks]

    assert blocks(None, made) == ["webhook", "find_email 1", "find_email 2"]
    assert blocks(None, keyed) == ["webhook", "a", "b"]
    assert blocks(made, keyed) == ["webhook", "a", "b"]


# -- What is at work -------------------------------------------------------------------


def test_at_work():
    """Schedules and runs are named, with whose they are, and not all of many."""
    schedules = tuple(
        ScheduleRef(str(n), f"s{n}", "0 3 * * *", "UTC") for n in range(5)
    )
    one = step(
        "a",
        "update",
        action="update",
        schedules=(ScheduleRef("1", "nightly", "0 3 * * *"),),
        runs=(RunRef("r1", "running"),),
    )
    alone = as_text(Review("plan", [one]))
    two = [evolve(one, key=key, touched=Touched(schedules)) for key in "ab"]
    many = as_text(Review("plan", two))

    assert "    1 active schedule: nightly (every day 03:00)\n" in alone
    assert "    1 run in flight: r1 (running)\n" in alone
    runs_next = "    1 schedule will run the changed version: nightly (every day"
    assert f"{runs_next} 03:00)\n" in alone
    assert (
        "    10 schedules will run the changed version: s0 (every day 03:00 UTC) "
        "of a and b, s1 (every day 03:00 UTC) of a and b, s2 (every day 03:00 UTC) of "
        "a and b and 4 more\n"
    ) in many
    assert (
        "    10 active schedules: s0 (every day 03:00 UTC) of a and b, s1 (every day "
        "03:00 UTC) of a and b, s2 (every day 03:00 UTC) of a and b and 4 more\n"
    ) in many
    assert "not checked: runs in flight of 2 workflows\n" in many
    assert "\n    how many rows the schedule brings\n" in alone
    assert "\n    how many rows the schedules bring\n" in many


def test_some_of_them():
    """What is true of some of the workflows that are shown as one is counted."""
    ones = [
        step(f"k{n}", "orphan", reasons=("gone", *["edited"] * (n < 2)))
        for n in range(3)
    ]
    review = Review("plan", [evolve(one, not_checked=one.reasons) for one in ones])

    for text in (as_text(review), as_markdown(review), as_html(review)):
        assert "edited (2 of them)" in text
        assert "gone (3 of them)" not in text
        assert re.search(
            r"gone .3 workflows.(\n *(- )?|</p><p>)edited .2 workflows.", text
        )


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (Estimate(52.0, (), ()), "$52"),
        (Estimate(0.0, (), ()), "$0"),
        (Estimate(1234.5, ("x",), ()), "$1,234.50 + an unknown amount"),
        (Estimate(0.0005, (), ()), "$0.0005"),
        (Estimate(None, ("x",), ()), "an unknown amount"),
        (Estimate(None, (), (RowPrice("x", 0.5),)), "an unknown amount"),
        (Estimate(None, (), ()), "an unknown amount"),
    ],
)
def test_brief(estimate, words):
    """What is unknown is never nothing."""
    assert estimate.brief() == words


def test_headline_names_few():
    """Of many groups with another cost the first are named."""
    ones = [
        step(
            f"k{n}",
            "update",
            action="update",
            cost_before=Estimate(1.0, (), ()),
            cost_after=Estimate(float(n + 2), (), ()),
            spends=(str(n),),
        )
        for n in range(6)
    ]
    text = as_text(Review("plan", ones, not_checked=("a",)))

    assert (
        "k0 at most $1 → $2 (+$1), k1 at most $1 → $3 (+$2), k2 at most $1 → $4 (+$3), "
        "k3 at most $1 → $5 (+$4) and 2 more, if every row reaches every block\n"
        "    6 workflows together, 1,000 rows each: at most $6 → $27 (+$21)\n"
    ) in text
    assert "    k0, k1, k2 and 3 more spend at deploy\n" in text
    assert "\nnot checked:\n    a\n" in text
    assert (
        "asked of you:\n"
        "    approve the change, and the cost per 1,000 input rows: k0 +$1, k1 +$2, k2 "
        "+$3, k3 +$4 and 2 more\n"
        "    agree to what k0, k1, k2, k3 and 2 more spend at deploy\n"
    ) in text
    assert text.endswith(" --allow-spend k4 --allow-spend k5 --yes\n")


def test_broken_reads_come_first():
    """A column that a filter loses stands above the saving; many are counted."""
    source = Webhook(LEAD, input_schema={"full_name": "string"})
    status = Filter.where("email_status").equals("OK")
    old, new = workflow(source >> FindEmail() >> status), workflow(source >> status)
    review = changed(old, new)
    many = [evolve(review.workflows[0], key=f"k{n}", changes=()) for n in range(6)]
    apart = [
        evolve(one, unmanaged=(one.key,)) for one in many
    ]  # so that they are not alike

    lines = as_text(review).splitlines()
    of_many = as_text(Review("diff", apart)).splitlines()

    assert lines[:17] == [
        "asked of you:",
        "    request changes, or approve the change although it breaks something",
        (
            "    approving deploys nothing, and what breaks stops no deploy: after the "
            "merge, a person or a CI job deploys; until then nothing changes on the "
            "service"
        ),
        "what changes:",
        "    1 workflow will change (inbound)",
        "    block find_email is gone",
        "breaks or is lost:",
        (
            "    filter reads email_status, but no block before it adds that column "
            "any more: probably no row passes"
        ),
        "    the output loses the columns email, email_status",
        "cost per 1,000 input rows:",
        "    at most $50 → $0 (-$50), if every row reaches every block",
        "    the deploy itself spends nothing",
        "not checked:",
        "    the service",
        "    what the blocks return (a review starts no run)",
        "",
        "! inbound: will change, and reads a missing column",
    ]
    assert any(line.startswith("    filter reads email_status") for line in of_many)
    assert as_data(review)["workflows"][0]["impact"] == "breaks-read"
    comment = as_markdown(review)
    assert "  - `filter` reads `email_status`, but no block" in comment
    assert "\n! filter reads email_status, but no block" in comment


def test_several_states_stop():
    """Each state that stops a deploy is counted."""
    ones = [
        step(f"{state}{n}", state, action="refuse", lifted_by="force")
        for n, state in enumerate(["drifted", "conflict", "conflict"])
    ]
    text = as_text(Review("plan", ones, env="prod"))

    assert (
        "what changes:\n"
        "    1 workflow was edited on the service since the last deploy (drifted0)\n"
        "    2 change in the code, and were also edited on the service "
        "(conflict1 and conflict2)\n"
    ) in text
    assert (
        "! conflict1 and 1 more: conflict: change in the code, and were also edited on "
        "the service; this stops the deploy of all workflows: choose an option below\n"
    ) in text
    assert "    drifted0 and conflict1 and 1 more: choose 1 overwrite all 3 " in text
    assert (
        "        flow64 deploy --env prod --force drifted0 --force conflict1 --force "
        "conflict2\n"
    ) in text


def test_what_is_copied_is_quoted():
    """What people copy into a shell or into code is one word there."""
    key = "a b; $(touch x) 'y'"
    one = step(key, "drifted", action="refuse", lifted_by="force")
    rename = Rename("n", "o", "id", 'x"); import os; ("')
    text = as_text(Review("plan", [one], renames=(rename,)))

    assert f" --force {shlex.quote(key)}\n" in text
    assert r'o → n: was="x\"); import os; (\"" keeps its ids' in text


def test_all_states_have_words():
    """A review knows each state of a plan."""
    for state in get_args(State):
        review = Review("plan", [step("a", state, action="refuse", lifted_by="force")])
        assert "stops the deploy" in as_markdown(review)


def test_other_states():
    """What nothing is done about is told by its state."""
    text = as_text(Review("plan", [step("a", "copy"), step("b", "orphan")]))

    assert (
        "what changes:\n"
        "    1 workflow is on the service and no longer in the code (b)\n"
        "    1 is a copy made on the service (a)\n"
    ) in text
    assert "· a: copy: is a copy made on the service\n" in text
    assert (
        "· b: orphan: is on the service and no longer in the code; it stays there\n"
    ) in text
    assert "\nnext: nothing has to be deployed; to delete 1 workflow that is" in text


# -- Lines -----------------------------------------------------------------------------


def test_lines_of_a_change():
    """What changed in a block stands under its name."""
    before = leads() >> raw("k", a=1, b=2)
    after = leads() >> raw("k", b=3, c={"x": 1})
    review = changed(workflow(before), workflow(after, title="Other"))

    assert lines_of(review) == [
        ("", ['~ title: "Enrich inbound leads" → "Other"']),
        ("block k", ["- a: 1", "~ b: 2 → 3", '+ c: {"x": 1}']),
    ]


def test_long_texts():
    """Of long texts the part that differs is shown, with a little around it."""
    same = "word " * 100
    (line,) = lines_of(
        changed(
            workflow(leads() >> raw(p=f"{same}old{same}")),
            workflow(leads() >> raw(p=f"{same}new one{same}")),
        )
    )[0][1]

    assert line == (
        "~ p: …ord word word word word oldword word word word word… → "
        "…ord word word word word new oneword word word word word…"
    )


def test_very_long_difference():
    """A difference that is long itself is cut in its middle, which is counted."""
    (line,) = lines_of(
        changed(
            workflow(leads() >> raw(p="a" * 500)),
            workflow(leads() >> raw(p="b")),
        )
    )[0][1]

    assert line.startswith('~ p: "aaaa')
    assert "… 342 more …" in line
    assert line.endswith('→ "b"')


def test_long_value_is_cut():
    """A value that came is cut; JSON has it whole."""
    review = changed(
        workflow(leads() >> raw()), workflow(leads() >> raw(p="x" * 1_000))
    )
    (line,) = lines_of(review)[0][1]

    assert line.endswith("xxx…")
    assert len(line) < 200
    assert "x" * 1_000 in str(as_data(review))


def test_long_name_is_cut():
    """So is a name."""
    (line,) = lines_of(
        changed(
            workflow(leads() >> raw()),
            workflow(leads() >> raw(**{"n" * 1_000: 1})),
        )
    )[0][1]

    assert len(line) < 400


def test_moved_and_list(monkeypatch):
    """Blocks in moves and items of lists are called by name, whatever the ids."""
    good = Filter.where("a").equals("x").and_("b").equals("y")
    less = Filter.where("a").equals("z").and_("b").equals("y")
    found = LeadEnrichment(return_fields=TITLE)
    before = leads() >> found >> FindEmail() >> good >> crm()
    after = leads() >> FindEmail() >> found >> less >> crm()
    made = changed(workflow(before), workflow(after))
    kinds = {type(change) for change in made.workflows[0].changes}

    assert {BlockMoved, ListChanged} <= kinds
    assert ("block filter", ['~ a equals "x" → "z"']) in lines_of(made)
    assert [*diff(made.workflows[0].details.before, made.workflows[0].details.after)]


def test_text_of_what_a_plan_has():
    """Renames, and a refusal that nothing lifts."""
    renames = (Rename("n", "o", "id"), Rename("p", "q", "id", "q"))
    absent = step("a", "absent", action="refuse")
    review = Review("plan", [absent], env="e", endpoint="x", renames=renames)
    text = as_text(review)

    assert text.startswith("review of environment e: needs a decision\n")
    assert as_text(review, is_plan=True).startswith("plan for environment e at x\n")
    assert "    o → n; --create n makes another\n" in text
    assert '    q → p: was="q" keeps its ids; --create p makes another\n' in text
    assert "asked of you:\n    request changes for a\n" in text
    assert "    1. correct the pin, or remove it so that a new workflow" in text
    assert "possibly renamed" in text


def test_a_rename_of_one_of_several_names_them_all():
    """In every form, with what to write for each."""
    rename = Rename("n", "a", "id", "a", others=("b", "c", "d"))
    review = Review("plan", [], env="e", endpoint="x", renames=(rename,))
    ways = 'was="a" or was="b" or was="c" or 1 more keeps its ids'

    assert f"    a or b or c or 1 more → n: {ways}; --create" in as_text(review)
    assert "`a` or `b` or `c` or 1 more → `n`: `was=" in as_markdown(review)
    assert as_data(review)["renames"][0]["others"] == ["b", "c", "d"]


def test_rows_of_a_block():
    """Row kinds that change are told at the block where it begins, by its name."""
    before = read(workflow(leads() >> raw()))
    flow = Webhook(COMPANY, input_schema={"company": "string"}) >> raw()
    review = review_of_diff([Pair("a", before, read(workflow(flow)))])

    assert "~ rows of webhook: LEAD → COMPANY" in as_text(review)


def test_text_of_nothing():
    """Where nothing changes, one line says so."""
    same = read(workflow(leads()))

    assert as_text(review_of_diff([Pair("a", same, same)])).startswith(
        "what changes: nothing (1 of 1 unchanged)\n\nnot checked:\n"
    )


def test_orphan_that_is_refused_says_what_deletes_it():
    """It needs a word for each reason."""
    orphan = step(
        "old one",
        "orphan",
        action="refuse",
        lifted_by="behind",
        also=("force",),
        reasons=("it is no longer in the code",),
    )

    text = as_text(Review("plan", [orphan]))

    assert "bring this code up to what deployed it" in text
    assert " --prune=1 --allow-behind 'old one' --force 'old one'\n" in text
    assert "--skip-drifted" not in text


def test_all_that_lifts_a_refusal_is_told():
    """What newer code deployed, and what cannot be saved, need a word each."""
    behind = step(
        "inbound",
        "behind",
        action="refuse",
        lifted_by="behind",
        also=("force",),
    )
    edited = step("inbound", "converged", action="refuse", lifted_by="force")

    both, one = as_text(Review("plan", [behind])), as_text(Review("plan", [edited]))

    assert " --allow-behind inbound --force inbound\n" in both
    assert " --force inbound\n" in one
    assert "--skip-drifted" not in one


def test_code_to_write_is_no_shell():
    """An option that an author writes is a block of its own language."""
    one = step("new", "new", action="refuse", lifted_by="create")
    rename = Rename("new", "old", "id", "old")
    behind = step("late", "behind", action="refuse", lifted_by="behind")

    renamed = as_markdown(Review("plan", [one], env="prod", renames=(rename,)))
    late = as_markdown(Review("plan", [behind], env="prod"))

    assert '   ```python\n   was="old"\n' in renamed
    assert "   ```toml\n   branches = true\n" in late
