"""Laws of secrets: nothing that is shown or kept has one, or lets it be guessed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow64 import LEAD, Client, Workflow, value
from flow64.blocks import FindEmail, Webhook
from flow64.definition import Values, as_body
from flow64.deploy.history import History
from flow64.deploy.plan import Consents, as_json
from flow64.deploy.target import target_of
from flow64.emulator import Emulator
from flow64.report.writers import as_html, as_markdown, as_text
from tests.deploy.planned import ENDPOINT, KEY, QUICK, Commits, Hours, Service, service
from tests.laws.test_convergence import chains, coded
from tests.service.support import GROWTH

MARK = "SENTINEL"
TEXTS = st.text(st.characters(codec="utf-8"), max_size=6).map(f"{MARK}{{}}".format)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    with service(History(tmp_path_factory.mktemp("history"))) as place:
        yield place


@given(
    versions=st.tuples(chains(), chains()),
    secrets=st.fixed_dictionaries({"v": TEXTS, "w": TEXTS}),
    spelling=st.sampled_from([str, quote, json.dumps]),
    where=st.sampled_from(["title", "field", "name"]),
)
@settings(deadline=None)
def test_no_secret_is_shown_or_kept(here, versions, secrets, spelling, where):
    """Wherever code names it, and wherever somebody has pasted it."""
    here.clear()
    here.values = Values(secrets, hidden=secrets)
    first, second = (
        target_of(coded(chain, "T", ""), "default", here.values, git=Commits())
        for chain in versions
    )
    here.deploy(first)
    pasted = f"see {spelling(secrets['v'])}"
    edits = {
        "title": {"name": pasted},
        "field": {"specs": {"webhook": {"note": [pasted]}}},
        "name": {"specs": {"webhook": {"note": {pasted: 1}}}},
    }
    here.edit(first.id, **edits[where])

    plan = here.plan(second)
    here.apply(plan, Consents(force=["law"]))

    files = [path.read_text("utf-8") for path in here.history.folder.iterdir()]
    (step,) = plan.steps
    shown = [json.dumps(as_body(step.after)), json.dumps(as_body(step.before))]
    reports = [write(plan.report) for write in (as_text, as_markdown, as_html)]
    texts = [str(plan), repr(plan), as_json(plan, {}), *reports, *shown, *files]
    assert [text for text in texts if MARK in text] == []


# -- What cannot be guessed ------------------------------------------------------------

NOW = datetime(2026, 11, 25, tzinfo=UTC)
RANDOM = re.compile(
    r'"at":"[^"]*"|"writer":"[0-9a-f]*"|emulator-[0-9a-f]{12}'  # of the journal
    r"|(?<=Z\.pinned\.)[0-9a-f]{8}"  # of the history
)
"""Times, and ids that are drawn by lot."""


def pinned(title):
    pin = {"pin": value("pin", secret=True)}
    flow = Webhook(LEAD, extra=pin) >> FindEmail(extra=pin)
    return Workflow(title, flow, key="pinned", project=GROWTH)


def kept_of(secret, folder):
    """All that is kept of deploys and a run: stamp, saved plan, history, journal."""
    values = {"pin": secret}
    facts = {"transport": Emulator().transport(), "policy": QUICK}
    journal = folder / "runs.jsonl"
    with Client(KEY, base_url=ENDPOINT, journal=journal, **facts) as client:
        here = Service(None, client, History(folder / "history", now=Hours()))
        here.values = Values(values)
        here.deploy(pinned("One"))
        options = {
            "values": values,
            "specs_override": {"input_schema": {"email": "string"}},
        }
        run = client.run(pinned("One"), [{"email": "a@b.example"}], **options)
        saved = as_json(here.plan(pinned("Two")), {})
        here.deploy(pinned("Two"))
        stamp = client.workflows.list()[0].description
    files = [*sorted((folder / "history").iterdir()), journal]
    texts = [saved, stamp, *(path.read_text("utf-8") for path in files)]
    return RANDOM.sub("RANDOM", "\n".join(texts).replace(run.id, "RUN"))


@pytest.mark.slow
def test_a_secret_of_two_digits_cannot_be_guessed(tmp_path, monkeypatch):
    """All hundred leave the same bytes: also the intent and the idempotency key."""
    monkeypatch.setattr("flow64.emulator.records.Clock.now", lambda _: NOW)
    kept = set()
    for number in range(100):
        (tmp_path / str(number)).mkdir()
        kept.add(kept_of(f"{number:02}", tmp_path / str(number)))

    (text,) = kept
    assert '"flow64:plan"' in text
    assert '"flow64:history"' in text
    assert "[flow64:1 " in text
