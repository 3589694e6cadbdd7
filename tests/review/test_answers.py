"""The first lines of a review, its last lines, and what is decided in between."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from flow64 import RawBlock
from flow64.analysis import Estimate
from flow64.blocks import Filter, FindEmail, FindPhone, LeadEnrichment
from flow64.diff import TitleChanged, diff
from flow64.plan import Rename, Review, ScheduleRef
from flow64.render.review import (
    Pair,
    as_html,
    as_markdown,
    as_text,
    review_of_diff,
)
from tests.review.support import (
    SENIORITY,
    TITLE,
    crm,
    forty_variants,
    leads,
    read,
    step,
    workflow,
)

NIGHTLY = ScheduleRef("1", "nightly", "0 3 * * *")
NEWER = workflow(leads() >> FindEmail())


def changed(before, after):
    """A review of one workflow."""
    return review_of_diff([Pair("inbound", read(before), read(after))])


def titles(*names):
    """Changes of a title, of which each is unlike the others."""
    return tuple(TitleChanged("old", name) for name in names)


LABELS = [
    "asked of you",
    "what changes",
    "breaks or is lost",
    "cost per 1,000 input rows",
    "not checked",
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
    """In one order, whatever the change is: first what is asked."""
    made = review()
    text, comment, page = as_text(made), as_markdown(made), as_html(made)

    def places(document, *forms):
        """Where each answer begins, which has to be in order."""
        return [
            document.index(form.format(label)) for label in LABELS for form in forms
        ]

    assert places(f"\n{text}", "\n{}:") == sorted(places(f"\n{text}", "\n{}:"))
    assert places(comment, "- **{}:**") == sorted(places(comment, "- **{}:**"))
    labels = re.findall("<dt>(.*?)</dt>", page)[:5]
    assert [label[:1].lower() + label[1:] for label in labels] == LABELS


def test_rename_is_one_entry():
    """Both keys are named, and nothing that is there already is said to be new."""
    text, comment, page = (form(rename()) for form in (as_text, as_markdown, as_html))

    assert text.startswith(
        "review of environment prod: needs a decision\n"
        "asked of you:\n"
        "    leads → leads/us: choose 1 renamed (request changes) or 2 a second "
        "workflow (approve)\n"
        "    approving deploys nothing: after the merge, each deploy is refused, in CI "
        "too, until a person runs the command of the approved option\n"
        "what changes: leads is gone from the code, and leads/us is new and otherwise "
        "the same: renamed, or a second workflow?\n"
        "breaks or is lost:\n"
        "    if leads/us is a second workflow: it starts without history and "
        "schedules; leads stays on the service and keeps running\n"
        "    nothing else breaks that flow64 can see\n"
    )
    assert text.count("\n! ") == 1
    assert "\n· leads: " not in text
    ids = "    Leads (old-id; as a second workflow new-id)\n"
    assert ids in as_text(rename(), is_plan=True)
    assert "    apart from the key, nothing differs\n" in text
    assert "    1 active schedule: nightly (every day 03:00) of leads\n" in text
    assert (
        "cost per 1,000 input rows: renamed: unchanged, at most $50; a second "
        "workflow: at most $50 for each of the two\n"
    ) in text
    assert (
        "#### `!` `leads` → `leads/us` may be a rename, or a second workflow" in comment
    )
    assert "Apart from the key, nothing differs.\n" in comment
    assert "<p>Apart from the key, nothing differs.</p>" in page


def test_rename_says_what_each_choice_does():
    """With the code to write, or the command to run."""
    text = as_text(rename())

    assert text.endswith(
        "to decide: leads → leads/us: renamed, or a second workflow?\n"
        "    1. renamed: it keeps its id, history and schedules. Request changes: the "
        "author writes this into Workflow(...), and the next review asks nothing "
        "more:\n"
        '        was="leads"\n'
        "    2. a second workflow: leads/us gets a new id, without history and "
        "schedules. leads stays on the service and its schedules go on:\n"
        "        flow64 deploy --env prod --create leads/us\n"
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

    assert "the author pins the old ids (docs/how-to-rename.md)\n" in as_text(apart)


def test_drifted_workflows_are_one_decision():
    """One command is for both, and each value that gets lost is named."""
    text = as_text(forty_variants(), is_plan=True)

    assert text.startswith(
        "plan for environment default at http://127.0.0.1 (43 requests)\n"
        "asked of you:\n"
        "    regional/fr and regional/gb: choose 1 overwrite both edits, 2 deploy the "
        "other 38 or 3 keep both edits\n"
        "    until then nothing is deployed\n"
        "what changes:\n"
        "    40 workflows change in the code\n"
        "    2 of them were also edited on the service since the last deploy "
        "(drifted): regional/fr and regional/gb\n"
        "    38 workflows: lead_enrichment now has return_fields.seniority: "
        '"How senior the person is, in one word"\n'
        "    38 workflows: the output gains the column seniority; outgoing_webhook "
        "gets it too, and posts to https://crm.acme.example\n"
        "    if you overwrite regional/fr: the same as for the other 38; find_email: "
        'mode: "PERSONAL" → "PROFESSIONAL" (undoes an edit on the service)\n'
        "    if you overwrite regional/gb: the same as for the other 38; title: "
        '"Leads, GB (paused, ask Ada)" → "Leads, GB" (undoes an edit on the service)\n'
    )
    assert text.index("\n~ 38 of regional/*") < text.index("\n! regional/fr")
    assert text.endswith(
        "to decide: regional/fr and regional/gb were edited on the service "
        "(drifted)\n"
        "    1. deploy all 40, and overwrite both with the code. flow64 restore "
        "regional/fr --env default and flow64 restore regional/gb --env default bring "
        "back what is overwritten on the service:\n"
        '        - regional/fr: mode: "PERSONAL" (block find_email)\n'
        '        - regional/gb: title: "Leads, GB (paused, ask Ada)"\n'
        "        flow64 deploy --env default --force regional/fr --force regional/gb\n"
        "    2. deploy the other 38; these two stay as they are on the service. As "
        "long as they do, each deploy without --skip-drifted is refused, in CI too. To "
        "overwrite only one of them, add --force regional/fr or --force regional/gb:\n"
        "        flow64 deploy --env default --skip-drifted\n"
        "    3. keep what is on the service. Copy it into the code, and plan again. "
        "This command saves both as JSON in the folder live:\n"
        '        - regional/fr keeps mode: "PERSONAL" (block find_email), and gets '
        'return_fields.seniority: "How senior the person is, in one word"\n'
        '        - regional/gb keeps title: "Leads, GB (paused, ask Ada)", and gets '
        'return_fields.seniority: "How senior the person is, in one word"\n'
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

    assert (
        "    1. overwrite all 3 with the code. flow64 restore k0 --env prod, " in text
    )
    assert text.count("        - k") == 12
    assert "        - and 3 more\n" in text
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

    assert ". flow64 restore has no copy of what cannot be saved" in (
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
    assert "    agree to what k0 and 40 more spend at deploy\n" in written


@pytest.mark.parametrize(
    ("before", "after", "cost", "asked"),
    [
        (
            50.0,
            200.0,
            "at most $50 → $200 (+$150)",
            ", and at most $150 more per 1,000 input rows",
        ),
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

    assert (
        f"\ncost per 1,000 input rows:\n    {cost}, if every row reaches every block\n"
    ) in text
    assert text.count(f"\n    cost per 1,000 input rows: {cost}\n") == 1
    assert f"\nasked of you:\n    approve the change{asked}\n" in text


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
        f"breaks or is lost:\n    {lost}\n    nothing else breaks that flow64 can see\n"
    ) in text
    assert f"    what follows:\n        rows\n            ~ {lost}\n" in text
    assert (
        "  - rows with headcount above 50 and up to 100 no longer pass `filter`"
    ) in comment
    assert "\nbreaks or is lost: nothing that flow64 can see\n" in back
    assert "not checked:\n    the service\n    how many rows pass filter\n" in text
    more = "rows with headcount above 50 and up to 100 now pass filter"
    assert f"\n    {more}\n" in back
    assert f"            ~ {more}\n" in back


def test_last_lines_are_the_next_command():
    """With what was agreed to, or that there is nothing to do."""
    given = step("a", "drifted", action="update", given=("force",), spends=("search",))
    gone = step("b", "orphan", action="delete")
    copy = step("c", "copy")

    assert as_text(Review("plan", [given, gone], env="prod")).endswith(
        "    flow64 deploy --env prod --prune=1 --force a --allow-spend a --yes\n"
    )
    assert as_text(Review("plan", [copy], env="prod")).endswith(
        "\nnext: nothing has to be deployed\n"
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


def test_graph_of_a_changed_value_is_closed():
    """It says nothing that the lines do not say."""
    made = changed(NEWER, workflow(leads() >> FindEmail(mode="PERSONAL")))

    assert '<figure id="graph-1"><details>' in as_html(made)
    assert "<details><summary>The graph</summary>" in as_markdown(made)


def test_breaking_plan_is_not_simply_approved():
    """The last lines say what else can be done."""
    (one,) = broken().workflows
    text = as_text(Review("plan", [one], env="prod"))

    assert text.startswith("review of environment prod: breaks a workflow\n")
    assert "breaks or is lost:\n    filter reads email_status, but no block" in text
    assert "\n    request changes, or approve the change although it breaks" in text
    assert "\n! inbound: will change, and reads a missing column\n" in text
    assert (
        "next: to fix it: put find_email back, or change filter, which reads "
        "email_status\n"
        "\n"
        "next: to deploy it although it breaks something, after the merge (--yes: "
        "without asking):\n"
    ) in text
    assert "next: to deploy it although it breaks something (--yes: " in (
        as_text(Review("plan", [one], env="prod"), is_plan=True)
    )


VERDICTS = [
    (["none"], "needs no deploy"),
    (["create"], "creates 1 workflow"),
    (["delete", "delete"], "deletes 2 workflows"),
    (["update"], "changes 1 workflow"),
    (["update", "create"], "changes 2 workflows"),
    (["update", "refuse"], "needs a decision"),
]
"""What a deploy does to each workflow, and the end of the heading."""


@pytest.mark.parametrize(("actions", "words"), VERDICTS)
def test_heading_has_the_verdict(actions, words):
    steps = [step(f"k{n}", "orphan", action=action) for n, action in enumerate(actions)]
    made = Review("plan", steps, env="prod")

    assert as_text(made).startswith(f"review of environment prod: {words}\n")
    assert f"\n### flow64 review: `prod`: {words}\n" in as_markdown(made)
    assert f"<h1>flow64 review for <code>prod</code>: {words}</h1>" in as_html(made)


def test_heading_counts_what_breaks():
    """And says that something is to be decided too."""
    (one,) = broken().workflows
    steps = [evolve(one, key="a"), evolve(one, key="b")]
    both = [*steps, step("c", "drifted", action="refuse", lifted_by="force")]

    assert ": breaks 2 workflows\n" in as_text(Review("plan", steps, env="prod"))
    assert ": breaks 2 workflows and needs a decision\n" in (
        as_text(Review("plan", both, env="prod"))
    )


def test_a_column_that_comes_later_is_moved():
    """If another block adds it behind the one that reads it."""
    status = Filter.where("email_status").equals("OK")
    before, after = leads() >> FindEmail() >> status, leads() >> status >> FindEmail()
    text = as_text(changed(workflow(before), workflow(after)))

    assert "next: to fix it: move filter after find_email, or change filter, " in text


def test_new_columns_are_named_with_those_who_get_them():
    """A block that only runs beside them does not get them."""
    found = LeadEnrichment(return_fields={**TITLE, **SENIORITY})
    sent, beside = leads() >> found >> crm(), leads() >> [found, crm()]
    plain = workflow(leads() >> crm())
    both, none = (as_text(changed(plain, workflow(flow))) for flow in (sent, beside))

    gains = "    the output gains the columns title, seniority"
    outside = "outgoing_webhook gets them too, and posts to https://crm.acme.example"
    receiver = (
        "    whether the receiver of outgoing_webhook takes the changed columns\n"
    )
    assert f"{gains}; {outside}\n" in both
    assert f"{gains}\n" in none
    assert (receiver in both, receiver in none) == (True, False)


def test_rows_before_what_costs_are_not_known():
    """A filter that did not change stands before the new block, and is named."""
    status = Filter.where("email_status").equals("OK")
    found = leads() >> FindEmail()
    after, before = found >> status >> FindPhone(), found >> FindPhone() >> status
    old = workflow(found >> status)

    assert "    how many rows pass filter\n" in as_text(changed(old, workflow(after)))
    assert "how many rows pass" not in as_text(changed(old, workflow(before)))


def test_lost_rows_are_no_break():
    """On the page they have another colour than what breaks."""
    then, now = (
        workflow(leads() >> Filter.where("headcount").greater(limit))
        for limit in (50, 100)
    )

    assert '<p class="lost">rows with headcount above' in as_html(changed(then, now))
    page = as_html(broken())
    assert '<p class="bad"><code>filter</code> reads' in page
    assert 'class="lost"' not in page


def test_nothing_reaches_what_sends():
    """If no row passes: where nothing is sent, and that blocks before still spend."""
    status = Filter.where("email_status").equals("OK")
    found, end = LeadEnrichment(return_fields=TITLE), status >> crm()
    before = leads() >> found >> FindEmail() >> end
    text = as_text(changed(workflow(before), workflow(leads() >> found >> end)))
    free = as_text(
        changed(workflow(leads() >> FindEmail() >> end), workflow(leads() >> end))
    )

    sends = "outgoing_webhook, which posts to https://crm.acme.example, probably gets"
    assert f"\n    {sends} no row\n" in text
    assert "email_status; outgoing_webhook no longer gets " in text
    spend = "    blocks before filter still spend, although probably no row passes it\n"
    assert spend in text
    assert spend not in free


def test_what_costs_more_is_in_the_heading():
    """And how much more all workflows cost together."""
    ones = [costing(key, *(Estimate(n, (), ()) for n in (50.0, 80.0))) for key in "abc"]
    text = as_text(Review("plan", ones, env="prod"))

    assert text.startswith(
        "review of environment prod: changes 3 workflows, costs more"
    )
    assert (
        "    approve the change, and at most $30 more per 1,000 input rows for each "
        "workflow ($90 if each of the 3 gets 1,000 rows)\n"
    ) in text


def test_each_decision_has_its_numbers():
    """With more than one decision, the approval names several options."""
    drifted = step("a", "drifted", action="refuse", lifted_by="force")
    both = Review("plan", [drifted, *rename().workflows], env="prod")

    assert "    write the numbers that you choose into your approval\n" in as_text(
        evolve(both, renames=rename().renames)
    )
