"""What notebooks show: escaped, without secrets, in the colours of the notebook."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from flow64 import LEAD, Client, Project, Workflow
from flow64.api.answers import LiveStatus
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.client import Run
from flow64.diagnostics import (
    MOST_LINES,
    MOST_ROWS,
    Badge,
    Finding,
    Findings,
    HelpText,
    Lines,
    Place,
    as_card,
    as_change_lines,
    as_facts,
    as_table,
)
from flow64.runs.journal import Journal
from flow64.runs.state import RunState
from flow64.runs.typed import ResultRows, structure_for

EVIL = "<script>alert(1)</script> & \x1b[31m"
KEY = "sk_live_not_a_real_key_0123456789"

growth = Project("growth", namespace="acme.example")


def leads(title="Leads", key="leads", mode="PROFESSIONAL"):
    flow = (
        Webhook(LEAD, input_schema={"full_name": "string"})
        >> FindEmail(mode=mode)
        >> OutgoingWebhook(url=f"https://hooks.acme.example/in?token={KEY}")
    )
    return Workflow(title, flow, key=key, project=growth)


@pytest.fixture
def client(emulator):
    with Client("k", base_url=emulator.url, journal=None) as made:
        yield made


def text_of(html):
    """The text of HTML that is sound, and safe in a notebook of any theme."""
    tree = ET.fromstring(html)
    for element in tree.iter():
        style = element.get("style", "")
        assert element.tag in {
            "div",
            "span",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        }
        assert {*element.keys()} <= {"style", "scope"}
        # Text has the colour of the notebook, and nothing covers its background.
        assert set(re.findall(r"(?<![-\w])color:([^;]+)", style)) <= {"inherit"}
        assert set(re.findall(r"background:(\w+)", style)) <= {"none", "rgba"}
    assert KEY not in html
    assert "\x1b" not in html
    return " ".join(" ".join(tree.itertext()).split())


# -- The parts ------------------------------------------------------------------------


def test_everything_is_escaped():
    """Titles, names, cells, badges and lines; control characters are shown."""
    cells = [EVIL, Badge(EVIL), Lines([f"+ {EVIL}"]), HelpText(EVIL, EVIL), KEY]

    html = as_card(
        EVIL,
        as_facts({f"{EVIL}{at}": cell for at, cell in enumerate(cells)}),
        as_table([EVIL] * 5, [cells]),
        as_change_lines([f"~ {EVIL}", KEY]),
    )

    assert "<script>" not in html
    assert "\\x1b[31m" in text_of(html)


def test_empty_facts_and_tables_are_left_out():
    facts = {"a": None, "b": "", "c": Lines([]), "d": 0}

    assert (
        text_of(as_card("title", as_facts(facts), as_table(["x"], []))) == "title d 0"
    )


def test_signs_and_words_are_marked():
    """Only a sign that begins a line, and words that mean something."""
    lines = ["+ added", "    ~ changed", "- gone", "block a", "+1 is a number"]
    html = as_card("", as_change_lines(lines), as_facts({"state": Badge("strange")}))

    tones = re.findall(r"background:rgba\((.*?),\.22\)", html)
    assert tones == ["46,160,67", "210,153,34", "248,81,73", "128,128,128"]


def test_long_tables_are_cut():
    rows = [(number,) for number in range(MOST_ROWS + 2)]
    lines = [f"+ {number}" for number in range(MOST_LINES + 1500)]

    found = text_of(as_card("", as_table(["n"], rows), as_change_lines(lines)))

    assert "and 2 more rows" in found
    assert "and 1,500 more lines" in found


# -- What has HTML --------------------------------------------------------------------


def test_findings():
    """A table with a summary above; a single one is a table too."""
    place = Place("/tmp/ipykernel_1/2.py", 7)
    found = [
        Finding("cycle", "graph", "error", EVIL, f"remove {KEY}", where="a/b"),
        Finding("effects", "effects", "note", "posts", place=place),
        Finding("cost-estimate", "cost", "note", "free"),
    ]

    shown = text_of(Findings(found)._repr_html_())

    assert shown.startswith("1 error, 2 notes code where what error cycle a/b <script>")
    assert "note effects 2.py:7 posts note cost-estimate free" in shown
    assert text_of(found[1]._repr_html_()).startswith("1 note")
    assert text_of(Findings([])._repr_html_()) == "nothing found"


def test_check_gives_findings_for_notebooks():
    """They are a list as before."""
    found = leads().check()

    assert isinstance(found, list)
    assert found == [*found]
    assert "secret-in-specs" in text_of(found._repr_html_())


def test_plan(client, emulator):
    """Its report, as on a terminal."""
    leads().deploy(client)
    emulator.edit(leads().id(), name=EVIL)

    plan = client.plan(leads())

    shown = text_of(plan._repr_html_())
    assert shown.startswith("Plan default: 1 drifted")
    assert "--force leads" in shown


def test_rows():
    """The first of them, with all of their columns, and long cells cut."""
    raw = [{"title": EVIL, "n": n, "key": KEY} for n in range(12)] + [{"list": [1]}]
    raw[0]["long"] = "x" * 1000

    shown = text_of(ResultRows(raw, len(raw), structure_for(None))._repr_html_())

    assert shown.startswith("13 rows, 10 shown title n key long <script>")
    assert shown.count("alert(1)") == 10
    assert len(shown) < 1500
    assert text_of(ResultRows([], None, structure_for(None))._repr_html_()) == (
        "rows, 0 shown"
    )


def test_run(client):
    """Its status."""
    leads().deploy(client)
    run = client.run(leads(), [{"full_name": "Ada"}])
    before = text_of(run._repr_html_())

    after = text_of(run.wait(every=0.01)._repr_html_())

    assert before.startswith(f"Run {run.id} status ")
    assert "status completed" in after


def state_of(**facts):
    return RunState("r1", Journal(None).of("here", "w1"), status="", **facts)


def test_run_that_failed():
    """With the reason."""
    state = state_of(is_presumed=True)
    state.record_look(LiveStatus("failed", "r1", "w1"))
    state.reason = f"no credits {EVIL}"
    owner = Client("k", journal=None)

    shown = text_of(Run(state, owner.session)._repr_html_())

    assert "status failed workflow w1 start presumed why no credits <script>" in shown


def test_run_that_was_not_seen():
    owner = Client("k", journal=None)

    shown = text_of(Run(state_of(), owner.session)._repr_html_())

    assert shown == "Run r1 status not known yet workflow w1"
