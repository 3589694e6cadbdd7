"""The forms of a report: nothing in a text acts, and what matters is never cut."""

from __future__ import annotations

import re

import pytest
from attrs import evolve

from flow64 import LEAD, RawBlock, Workflow
from flow64.blocks import Filter, FindEmail, FindPhone, OutgoingWebhook, Webhook
from flow64.report.lines import Subject
from flow64.report.report import make_report
from flow64.report.writers import MOST_BYTES, as_html, as_markdown, as_text
from tests.report.cases import (
    branch_inserted,
    change,
    crm,
    forty_variants,
    host_changed,
    leads,
    regional,
)
from tests.report.hostile import HOSTILE, INVISIBLE, hostile_workflow


def hostile_report(state=""):
    subjects = []
    for number, text in enumerate(HOSTILE):
        before, after = (hostile_workflow(text, value) for value in (text, f"{text}!"))
        more = {"place": text, "was": text, "note": text, "needs": [text]}
        more |= {"not_checked": [text], "unmanaged": [text], "state": state}
        subjects += [
            Subject(f"{text}{number}", before, after, **more),
            Subject(f"{text} new {number}", None, after),
            Subject(f"{text} gone {number}", before, None),
        ]
    return make_report(subjects, label=HOSTILE[0], notes=HOSTILE, needs=HOSTILE)


REPORTS = pytest.mark.parametrize("state", ["", "conflict"])


@REPORTS
def test_text_is_plain_lines(state):
    report = hostile_report(state)

    lines = as_text(report).split("\n")

    assert len(lines) == 2 + len(report.lines)
    assert all(line.isprintable() for line in lines)


@REPORTS
def test_comment_has_one_fence_and_its_graphs(state):
    """Outside of fences no mark of Markdown is left, besides ours."""
    text = as_markdown(hostile_report(state))

    fence = re.search("^`{3,}", text, re.MULTILINE)[0]
    outside, is_inside = [], False
    for line in text.splitlines():
        if re.fullmatch(r"(`{3,})(diff|mermaid)?", line):
            is_inside = not is_inside
        elif not is_inside:
            outside.append(line)
    assert not is_inside
    assert len(fence) > 3
    assert len(text.encode()) <= MOST_BYTES
    for line in outside:
        marks = re.sub(r"\\.|&#\d+;|^\*\*|\*\*$", "", line)
        marks = re.sub(r"<!-- flow64:review -->|</?(details|summary)>", "", marks)
        assert not re.search(r"[`*_\[\]<>@#|~:]", marks)


@pytest.mark.slow
@REPORTS
def test_page_runs_and_loads_nothing(state, tab):
    page = tab()
    page.set_content(as_html(hostile_report(state)))

    assert page.evaluate("window.obeyed") is None
    assert (
        page.evaluate("document.querySelectorAll('script,img,a,base,iframe').length")
        == 0
    )
    assert page.asked == []


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("case", [branch_inserted, forty_variants])
def test_page_fits_and_is_readable(case, width, scheme, tab):
    """No page is wider than its window, and no text has too little contrast."""
    from axe_playwright_python.sync_playwright import Axe

    page = tab(width, color_scheme=scheme)
    page.set_content(as_html(make_report(case(), label="prod")))

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [one["id"] for one in found if one["impact"] != "minor"] == []


def test_what_nobody_sees_is_escaped():
    before, after = (
        change(None, leads() >> RawBlock("odd", specs={"a": text})).after
        for text in ("OK", f"OK{INVISIBLE}")
    )

    text = as_text(make_report([Subject("w", before, after)]))

    assert not set(INVISIBLE) & {*text}
    assert r'"OK" → "OK\u3164\uffa0' in text


# -- What matters first ----------------------------------------------------------------


def prompts(number, word, host="crm.acme.example"):
    """A workflow with a hundred long fields."""
    fields = {f"field{at}": f"{word} " * 50 for at in range(100)}
    raw = RawBlock("odd", specs=fields)
    return change(None, leads() >> raw >> crm(host=host), f"w{number}").after


def test_host_is_in_the_first_lines_beside_six_hundred_long_fields():
    subjects = [
        Subject(
            f"w{at}",
            prompts(at, "one"),
            prompts(at, "two", "evil.example" if at == 5 else "crm.acme.example"),
        )
        for at in range(6)
    ]
    report = make_report(subjects)

    for write in (as_text, as_markdown, as_html):
        head = write(report).partition("@@")[0].partition("<h2>")[0]
        assert "https://evil.example" in head
    assert len(as_markdown(report).encode()) < MOST_BYTES
    assert "and 60 lines more: 60 field" in as_text(report)


def test_large_comment_is_cut_and_says_what_is_missing():
    subjects = [
        change(
            leads() >> RawBlock("odd", specs={f"a{at}": "x" * 150}),
            leads() >> RawBlock("odd", specs={f"b{at}": "y" * 150}),
            f"w{at}",
        )
        for at in range(200)
    ]

    text = as_markdown(make_report(subjects))

    assert len(text.encode()) <= MOST_BYTES
    assert re.search(r"cut here \(\d+ added, \d+ removed, \d+ group\)", text)


@pytest.mark.parametrize("count", [1, 1_000])
def test_no_line_takes_the_room_of_another_label(count):
    """Neither many lines nor a long one hide what is delivered."""
    subjects = [
        change(
            leads() >> crm(),
            leads()
            >> Filter.where(f"{'x' * 50}{at}").equals(1)
            >> crm(host=f"h{at}.acme.example"),
            f"w{at}",
        )
        for at in range(count)
    ]
    subjects.append(
        change(leads() >> crm(), leads() >> FindEmail() >> crm(host="evil.org"))
    )

    report = make_report(subjects)
    text = as_markdown(report)

    assert any("evil.org" in line.text for line in report.first[:13])
    assert len(text.encode()) <= MOST_BYTES
    assert {"breaks", "delivers", "cost"} <= {
        *re.findall(r"^[a-z]+", text, re.MULTILINE)
    }
    assert "evil.org" in text
    assert ("characters more" in text) == (count > 1)


def test_host_and_type_are_cut_and_no_words_of_a_report():
    hook = crm(host=f"evil.example, unchanged {'`' * 100_000}")
    before, after = leads() >> crm(), leads(more=f"str {'x' * 100_000}") >> hook

    report = make_report([change(before, after)])
    split = make_report([change(None, leads() >> crm(host="evil.example\\@a.example"))])

    assert "no address" in split.first[0].text
    assert "→ 'https://evil.example, unchanged ```" in report.first[0].text
    assert max(len(line.text) for line in report.first) < 1_000
    assert len(as_markdown(report).encode()) < MOST_BYTES


def test_another_path_of_a_host_is_a_delivery_elsewhere():
    paths = [OutgoingWebhook(f"https://x.example/{path}") for path in ("a", "b")]
    before, after = (leads() >> hook for hook in paths)

    report = make_report([change(before, after)])

    assert report.first[0].text.startswith("delivers  ! outgoing_webhook")


def test_address_in_a_field_that_no_document_names_may_be_a_delivery():
    """Also in a new workflow, of which a report lists only the blocks."""
    specs = {
        "reply": [
            "see https://me:pw@evil.example/x, and HTTPS://b.example:8443\\@a.example"
        ]
    }
    flow = leads() >> FindEmail(extra=specs) >> RawBlock("odd", specs={"note": "none"})

    first = make_report([change(None, flow)]).first[0].text

    where = "perhaps https://evil.example, HTTPS://b.example:8443"
    assert first == f"delivers  + find_email.reply: {where}"


def test_unknown_cost_is_not_called_unchanged():
    odd = [RawBlock("odd", specs={"n": number}) for number in (1, 1_000)]

    report = make_report([change(leads() >> odd[0], leads() >> odd[1])])

    assert "unchanged" not in as_text(report)


def test_cost_that_rises_most_is_named():
    prices = {f"odd{at}": at / 10_000 for at in range(1, 5)} | {"odd5": 9}
    subjects = [
        change(leads(), leads() >> RawBlock(f"odd{at}"), f"w{at}{copy}")
        for at in range(1, 6)
        for copy in range(6 - at)
    ]

    report = make_report(subjects, prices=prices)

    assert "→ $9,000" in report.first[-1].text


def test_undocumented_keys_are_shown():
    """They are sent as they were read."""
    before = change(None, leads() >> FindEmail()).after
    edge = before.edges[0]._replace(extra={"weight": 1})
    blocks = [before.blocks[0]._replace(extra={"to": "a"}), *before.blocks[1:]]
    after = evolve(
        before,
        blocks=(*blocks,),
        edges=(edge, *before.edges[1:]),
        extra={"callback": "b"},
        graph_extra={"hook": "c"},
        description="new",
    )

    text = as_text(make_report([Subject("w", before, after)]))

    for name in ("webhook.to", "webhook.find_email.weight", "callback", "hook"):
        assert f"+ extra.{name}: " in text


def test_folder_of_keys_is_quoted():
    keys = [f"0 workflows: nothing delivers elsewhere/{name}" for name in "ab"]

    report = make_report([change(leads(), leads() >> FindEmail(), key) for key in keys])

    assert report.groups[0].title.startswith('2 of "0 workflows')


def test_each_of_forty_hosts_is_named():
    (line,) = [one for one in make_report(host_changed()).first if "evil" in one.text]

    assert line.text.count("acme.example (") == 4


def test_buying_at_creation_is_in_the_first_lines():
    from flow64.blocks import Search

    search = Search(LEAD, query="Heads of finance", auto_execute=True)

    report = make_report([change(None, search >> FindEmail())])

    assert "buys" in report.first[0].text


def test_at_most_stands_only_before_a_whole_cost():
    whole = change(leads(), leads() >> FindEmail())
    other = change(leads(), leads() >> RawBlock("odd"))

    costs = [
        next(line.text for line in make_report([one]).first if "cost" in line.text)
        for one in (whole, other)
    ]

    assert ["at most" in cost for cost in costs] == [True, False]


# -- States ----------------------------------------------------------------------------


def test_nothing_changed():
    same = change(leads(), leads())
    report = make_report([same, evolve(same, key="b")], label="origin/main")

    assert as_text(report) == "origin/main: 2 equal\n"
    assert "```" not in as_markdown(report)
    assert not report.has_changes


def test_first_report_names_three():
    subjects = [change(None, leads(), f"regional/{at}") for at in range(41)]

    text = as_text(make_report(subjects, notes=["--base REV compares a branch"]))

    assert "@@ 41 of regional/* (0, 1, 2, 38 more): new @@\n+ webhook\n" in text
    assert "--base" in text


def test_conflict_with_a_known_base():
    """Only what was edited on the service is shown from both sides."""
    base = regional("fr", {"title": "a"})
    live = regional("fr", {"title": "a"}, mode="PERSONAL")
    code = regional("fr", {"title": "b"})
    subject = Subject("fr", live, code, state="conflict", base=base)

    text = as_text(make_report([subject]))

    assert text.count("on the service, lost with --force") == 1
    assert '! lead_enrichment.return_fields.title: "a" → "b"' in text
    assert make_report([subject]).data["workflows"][0]["edited"]


def test_variants_that_differ_in_more_than_values_are_apart():
    """A new block that stands elsewhere is no value."""
    out = OutgoingWebhook(url="https://a.example")
    start = Webhook(LEAD, input_schema={"email": "string"})
    subjects = [
        Subject(key, *(Workflow("w", one, key=key).compile() for one in pair))
        for key, pair in {
            "a": (start >> out, start >> FindEmail() >> out),
            "b": (start >> out, start >> [FindEmail(), out]),
        }.items()
    ]

    assert len(make_report(subjects).groups) == 2


def test_condition_is_named_by_its_operator():
    """Of a condition that came, column and operator are in the label alone."""

    def flow(*conditions):
        return leads() >> Filter(filters=[*conditions]) >> crm()

    def condition(column, operator, value):
        return {"column": column, "operator": operator, "value": value}

    staff, age = condition("staff", "greater", 80), condition("age", "less", 9)
    flows = {
        "value": flow(condition("staff", "greater", 90)),
        "operator": flow(condition("staff", "less", 80)),
        "new": flow(staff, age),
        "twice": flow(staff, condition("staff", "less", 99)),
    }

    subjects = [change(flow(staff), after, key) for key, after in flows.items()]
    text = as_text(make_report(subjects))

    assert [line for line in text.splitlines() if "filter.filters" in line] == [
        "! filter.filters[staff >]: 80 → 90",
        '! filter.filters[staff].operator: "greater" → "less"',
        "+ filter.filters[age <]: 9",
        "+ filter.filters[0: staff >]: 80",
        "+ filter.filters[1: staff <]: 99",
        "- filter.filters[staff >]: 80",
    ]


def test_output_is_delivered_if_all_rows_are():
    """A branch that ends elsewhere is no delivery."""
    after = leads() >> [crm(), FindPhone()]

    text = as_text(make_report([change(leads() >> crm(), after)]))

    assert "+ output phone\n" in text


def test_new_edge_beside_a_new_block_is_shown():
    """It closes no gap, so the line of the block does not say it."""
    start, a, b, out = leads(), FindEmail(key="a"), FindEmail(key="b"), crm()
    flows = [start >> [a, out]], [start >> [a, out], a >> b >> out, a >> out]
    sides = [Workflow("w", *flow, key="w").compile() for flow in flows]

    text = as_text(make_report([Subject("w", *sides)]))

    assert "+ b (find_email): a >> b >> outgoing_webhook\n" in text
    assert "+ a >> outgoing_webhook\n" in text
