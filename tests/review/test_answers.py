"""The first lines of a review, its last lines, and what is decided in between."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from flow64 import RawBlock
from flow64.analysis import Estimate
from flow64.blocks import Filter, FindEmail
from flow64.diff import TitleChanged, diff
from flow64.plan import Rename, Review, ScheduleRef
from flow64.render.review import (
    Pair,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from tests.review.support import forty_variants, leads, read, step, workflow

NIGHTLY = ScheduleRef("1", "nightly", "0 3 * * *")
NEWER = workflow(leads() >> FindEmail())


def changed(before, after):
    """A review of one workflow."""
    return review_of_diff([Pair("inbound", read(before), read(after))])


def titles(*names):
    """Changes of a title, of which each is unlike the others."""
    return tuple(TitleChanged("old", name) for name in names)


LABELS = [
    "what changes",
    "breaks or is lost",
    "cost per 1,000 input rows",
    "not checked",
    "asked of you",
]


def rename(differs=()):
    """A review of a workflow that may be another one under a new key."""
    old = step("leads", "orphan", title="Leads", id="old-id", schedules=(NIGHTLY,))
    new = step(
        "leads/us",
        "new",
        title="Leads",
        id="new-id",
        action="refuse",
        lifted_by="create",
        differs=differs,
        cost_before=Estimate(50.0, (), ()),
        cost_after=Estimate(50.0, (), ()),
    )
    renames = (Rename("leads/us", "leads", "old-id", "leads"),)
    return Review("plan", [old, new], env="prod", renames=renames)


@pytest.mark.parametrize(
    "review", [forty_variants, rename, lambda: changed(workflow(leads()), NEWER)]
)
def test_the_same_five_answers_come_first(review):
    """In each format, in one order, whatever the change is."""
    made = review()
    text, comment, page = as_text(made), as_markdown(made), as_html(made)

    def places(document, *forms):
        """Where each answer begins, which has to be in order."""
        return [
            document.index(form.format(label)) for label in LABELS for form in forms
        ]

    assert places(text, "{}: ") == sorted(places(text, "{}: "))
    assert places(comment, "- **{}:** ") == sorted(places(comment, "- **{}:** "))
    labels = re.findall("<dt>(.*?)</dt>", page)[:5]
    assert [label[:1].lower() + label[1:] for label in labels] == LABELS


def test_rename_is_one_entry():
    """Both keys are named, and nothing that is there already is said to be new."""
    text, comment, page = (form(rename()) for form in (as_text, as_markdown, as_html))

    assert text.startswith(
        "review of environment prod\n"
        "what changes: leads is no longer in the code, and leads/us is new: one "
        "workflow with a new key, or two?\n"
        "    breaks or is lost: nothing breaks that flow64 can see\n"
        "        as another workflow, leads/us starts without history and schedules, "
        "and leads keeps running\n"
    )
    assert text.count("\n! ") == 1
    assert "\n· leads: " not in text
    ids = "    Leads (old-id; as another workflow new-id)\n"
    assert ids in as_text(rename(), is_plan=True)
    assert "    apart from the key, nothing differs\n" in text
    assert "    1 active schedule: nightly (every day 03:00) of leads\n" in text
    assert (
        "cost per 1,000 input rows: one workflow: unchanged, at most $50; two: at most "
        "$50 each\n"
    ) in text
    assert "#### `!` `leads` → `leads/us` is new or has a new key; this" in comment
    assert "Apart from the key, nothing differs.\n" in comment
    assert "<p>Apart from the key, nothing differs.</p>" in page


def test_rename_says_what_each_choice_does():
    """And what is so if nothing is chosen."""
    assert as_text(rename()).endswith(
        "to decide: leads → leads/us: one workflow or two?\n"
        "    1. one, with a new key: it keeps its id, history and schedules if the "
        "author writes into Workflow(...):\n"
        '        was="leads"\n'
        "    2. two: leads/us gets a new id, without history and schedules. leads "
        "stays on the service and its schedules go on, until somebody deletes it:\n"
        "        flow64 deploy --env prod --create leads/us\n"
        "    3. do nothing: nothing is deployed, and leads stays as it is, with id, "
        "history and schedules\n"
    )


def test_rename_shows_what_differs_besides():
    """A title that changed with the key is a change of the same workflow."""
    made = rename(titles("Leads, US"))
    text, comment, page = (form(made) for form in (as_text, as_markdown, as_html))

    assert (
        '    what differs between the two:\n        ~ title: "old" → "Leads, US"\n'
    ) in text
    assert "What differs between the two:\n" in comment
    assert "<h3>What differs between the two</h3>" in page


def test_rename_without_an_argument():
    """If more than the key differs, no argument is proposed."""
    made = rename()
    apart = evolve(made, renames=(evolve(made.renames[0], was=None),))

    assert "schedules by the argument was=, if only the key differs\n" in as_text(apart)


def test_drifted_workflows_are_one_decision():
    """One command is for both, and each value that gets lost is named."""
    text = as_text(forty_variants(), is_plan=True)

    assert text.startswith(
        "plan for environment default at http://127.0.0.1 (43 requests)\n"
        "what changes: 40 workflows change in the code\n"
        "        2 of them were also edited on the service since the last deploy: "
        "regional/fr and regional/gb\n"
        "        38 workflows: block lead_enrichment now has return_fields.seniority: "
        '"How senior the person is, in one word"\n'
        "        regional/fr: block lead_enrichment now has return_fields.seniority: "
        '"How senior the person is, in one word", and block find_email: mode: '
        '"PERSONAL" (set on the service) → "PROFESSIONAL"\n'
        "        regional/gb: block lead_enrichment now has return_fields.seniority: "
        '"How senior the person is, in one word", and title: '
        '"Leads, GB (paused, ask Ada)" (set on the service) → "Leads, GB"\n'
    )
    assert text.index("\n~ regional/* (38)") < text.index("\n! regional/fr")
    assert text.endswith(
        "to decide: regional/fr and regional/gb were edited on the service since the "
        "last deploy\n"
        "    1. deploy all 40, and overwrite both with the code; flow64 history keeps "
        "a copy, which flow64 restore KEY restores. This is lost on the service:\n"
        '        - regional/fr: mode: "PERSONAL" (block find_email)\n'
        '        - regional/gb: title: "Leads, GB (paused, ask Ada)"\n'
        "        flow64 deploy --env default --force regional/fr --force regional/gb\n"
        "    2. deploy the other 38; these two stay as they are on the service, and "
        "the next deploy asks again:\n"
        "        flow64 deploy --env default --skip-drifted\n"
        "    3. keep what is on the service: the author copies it into the code, and "
        "asks for another review. Nothing is deployed until then. This command saves "
        "both as JSON in the folder live:\n"
        "        flow64 pull default --select regional/fr --select regional/gb -o "
        "live\n"
    )


def test_many_values_are_lost():
    """The first are named and the others counted; of more than two it says all."""
    ones = [
        step(f"k{n}", "drifted", action="refuse", lifted_by="force", changes=found)
        for n, found in enumerate([titles(*"abcdefgh"), titles(*"ijklmno"), ()])
    ]
    text = as_text(Review("plan", ones, env="prod"))

    assert "    1. overwrite all of them with the code; flow64 history" in text
    assert text.count("        - k") == 12
    assert "        - and 3 more values\n" in text
    assert "deploy nothing; these 3 stay as they are on the service" in text


def test_removed_fields_are_lost_too():
    """A block that code does not have is named as one that goes."""
    before = read(workflow(leads() >> RawBlock("k", specs={"a": 1})))
    after = read(workflow(leads() >> RawBlock("k")))
    one = step(
        "x",
        "drifted",
        action="refuse",
        lifted_by="force",
        before=before,
        after=after,
        changes=tuple(diff(before, after)),
    )

    assert "        - x: a: 1 (block k)\n" in as_text(Review("plan", [one]))


def test_text_that_no_history_keeps():
    """An overwrite that loses it says so."""
    one = step("x", "conflict", action="refuse", lifted_by="force", lost=("/a",))

    assert "; flow64 history has no copy of what cannot be saved" in (
        as_text(Review("plan", [one], env="prod"))
    )


def test_too_many_for_one_command():
    """The key stands for each of them."""
    ones = [
        step(f"k{n}", "drifted", action="refuse", lifted_by="force") for n in range(41)
    ]
    spending = [
        step(f"k{n}", "update", action="update", spends=("a",)) for n in range(41)
    ]
    stopped = as_text(Review("plan", ones, env="prod"))
    written = as_text(Review("plan", spending, env="prod"))

    assert "        flow64 deploy --env prod --force KEY\n" in stopped
    assert written.endswith("    flow64 deploy --env prod --allow-spend KEY --yes\n")
    assert "next: if you agree to what it spends, deploy it; until somebody" in written


@pytest.mark.parametrize(
    ("before", "after", "cost", "asked"),
    [
        (50.0, 200.0, "at most $50 → $200 (+$150)", ", and +$150 per 1,000 input rows"),
        (200.0, 50.0, "at most $200 → $50 (-$150)", ""),
        (50.0, 50.0, "unchanged, at most $50", ""),
        (None, 50.0, "at most $50", ", and at most $50 per 1,000 input rows"),
    ],
)
def test_cost_has_one_name(before, after, cost, asked):
    """Who is asked to agree to more is asked for the difference that is shown."""
    costs = [None if one is None else Estimate(one, (), ()) for one in (before, after)]
    one = step(
        "a", "update", action="update", cost_before=costs[0], cost_after=costs[1]
    )
    text = as_text(Review("plan", [one], env="prod"))

    first = (
        f"\n    cost per 1,000 input rows: {cost}, if every row reaches every block\n"
    )
    assert first in text
    assert text.count(f"\n    cost per 1,000 input rows: {cost}\n") == 1
    assert f"    asked of you: approve the change{asked}; until somebody " in text


def costing(key, before, after, **more):
    """A workflow that changes, with its costs."""
    return step(
        key, "update", action="update", cost_before=before, cost_after=after, **more
    )


ONE, TWO = (Estimate(dollars, (), ()) for dollars in (100.0, 200.0))
PARTLY = Estimate(100.0, ("verify_email",), ())


@pytest.mark.parametrize(
    ("steps", "total"),
    [
        (
            [costing("a", ONE, TWO), costing("b", TWO, TWO)],
            "2 workflows together, 1,000 rows each: at most $300 → $400 (+$100)",
        ),
        (
            [costing("a", None, ONE), costing("b", None, TWO)],
            "2 workflows together, 1,000 rows each: at most $300",
        ),
        (
            [costing("a", ONE, ONE), costing("b", PARTLY, ONE)],
            "2 workflows together, 1,000 rows each: at most $200",
        ),
        (
            [costing("a", ONE, ONE), costing("b", ONE, PARTLY)],
            (
                "2 workflows together, 1,000 rows each: not known, since 1 may cost an "
                "unknown amount"
            ),
        ),
        ([costing("a", ONE, TWO), costing("b", ONE, None)], None),
    ],
)
def test_workflows_have_a_total_cost(steps, total):
    """If each is known. A part of a cost that is not known stays unknown."""
    text = as_text(Review("plan", steps, env="prod"))

    found = re.findall(r"^ *(.* workflows? together.*)$", text, re.MULTILINE)
    assert found == ([] if total is None else [total])


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 7 * * *", "every day 07:00"),
        ("5 13 * * 1", "every Monday 13:05"),
        ("30 23 * * 7", "every Sunday 23:30"),
        ("*/5 7 * * *", "*/5 7 * * *"),
        ("0 7 1 * *", "0 7 1 * *"),
        ("0 7 * * 1-5", "0 7 * * 1-5"),
        ("@daily", "@daily"),
    ],
)
def test_schedules_are_in_words(cron, words):
    one = costing("a", ONE, ONE, schedules=(ScheduleRef("1", "first", cron, "UTC"),))
    text = as_text(Review("plan", [one], env="prod"))

    assert f"    1 active schedule: first ({words} UTC)\n" in text
    assert f"will run the changed version: first ({words} UTC)\n" in text


def test_rows_that_a_filter_loses_are_named():
    """In the first lines if a deploy writes it; always in what follows."""
    then, now = (
        read(workflow(leads() >> Filter.where("headcount").greater(limit)))
        for limit in (50, 100)
    )
    review = review_of_diff([Pair("inbound", then, now)])
    back = as_text(review_of_diff([Pair("inbound", now, then)]))
    lost = "rows with headcount above 50 and up to 100 no longer pass filter"
    text, comment = as_text(review), as_markdown(review)

    assert (
        "    breaks or is lost: nothing breaks that flow64 can see\n"
        f"        inbound: {lost}\n"
    ) in text
    assert f"    what follows:\n        rows\n            ~ {lost}\n" in text
    assert (
        "`inbound`: rows with `headcount above 50 and up to 100` no longer pass "
        "`filter`"
    ) in comment
    assert "    breaks or is lost: nothing that flow64 can see\n" in back
    assert "~ rows with headcount above 50 and up to 100 also pass filter now" in back


def test_last_lines_are_the_next_command():
    """With what was agreed to, or that there is nothing to do."""
    given = step("a", "drifted", action="update", given=("force",), spends=("search",))
    gone = step("b", "orphan", action="delete")
    copy = step("c", "copy")

    assert as_text(Review("plan", [given, gone], env="prod")).endswith(
        "    flow64 deploy --env prod --prune=1 --force a --allow-spend a --yes\n"
    )
    assert as_text(Review("plan", [copy], env="prod")).endswith(
        "\nnext: nothing has to be done\n"
    )
    assert "next: " not in as_text(Review("plan", [given], env="prod"), is_applied=True)


def broken():
    """A filter that reads a column of a block that is gone."""
    status = Filter.where("email_status").equals("OK")
    before, after = leads() >> FindEmail() >> status, leads() >> status
    return changed(workflow(before), workflow(after))


def test_broken_read_is_marked_in_the_graph():
    """The block has a sign, says what it reads, and leads to the lines about it."""
    comment, page = as_markdown(broken()), as_html(broken())

    assert re.search(
        r'n\d\["#33; filter<br>.*reads email_status.*"\]:::broken', comment
    )
    assert '<a class="block broken" id="block-1-' in page
    assert 'href="#breaks-1"' in page
    assert 'id="breaks-1"' in page
    assert '<figure id="graph-1"><details open>' in page
    assert "first mend it" not in as_text(broken())


def test_graph_of_a_changed_value_is_closed():
    """It says nothing that the lines do not say."""
    made = changed(NEWER, workflow(leads() >> FindEmail(mode="PERSONAL")))

    assert '<figure id="graph-1"><details>' in as_html(made)
    assert "<details><summary>The graph</summary>" in as_markdown(made)


def test_breaking_plan_is_not_simply_approved():
    """The last lines say what else can be done."""
    (one,) = broken().workflows
    text = as_text(Review("plan", [one], env="prod"))

    assert "    breaks or is lost: inbound: filter reads email_status, but no" in text
    assert "    asked of you: reject the change, or approve it although it" in text
    assert "\n! inbound: will change, and breaks a read\n" in text
    assert (
        "next: first mend it: put back what added email_status before filter, or "
        "change filter so that it does not read it. Only if this is intended, deploy "
        "it; until somebody runs this command, nothing is deployed:\n"
    ) in text
