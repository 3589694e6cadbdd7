"""`flow64 restore`: what was live comes back, after it was shown and agreed to."""

from __future__ import annotations

import json

import pytest

from tests.cli.pipelines import deployed, id_of, methods, outcomes, written
from tests.service.mishaps import Fault

HOOK = "https://crm.example.com/hooks/not-a-real-token"


@pytest.fixture
def replaced(service, leads, flow64):
    """`Inbound leads` was replaced by `New leads`."""
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Inbound", "New"), "utf-8")
    flow64("deploy", "leads.py", "--yes")
    return service


def test_newest(replaced, flow64):
    """The changes are shown first, and then the file of the old version."""
    code, printed, told = flow64("restore", "inbound", "--yes")

    assert (code, outcomes(printed), deployed()) == (0, ["done"], ["Inbound leads"])
    assert '~ title: "New leads" → "Inbound leads"' in told
    assert "it was live until " in told
    assert "the old version of inbound is in " in told


def test_taken_back(replaced, flow64):
    """A restore is in the history too."""
    flow64("restore", "inbound", "--yes")

    code, *_ = flow64("restore", "inbound", "--yes")

    entries = json.loads(flow64("restore", "--json")[1])["entries"]
    assert (code, deployed()) == (0, ["New leads"])
    assert [one["replaced_by"] for one in entries] == ["restored", "restored", "update"]


def test_at_a_time(replaced, flow64):
    flow64("restore", "inbound", "--yes")
    first = json.loads(flow64("restore", "--json")[1])["entries"][-1]["at"]

    code, *_ = flow64("restore", "inbound", "--at", first[:26], "--yes")

    assert (code, deployed()) == (0, ["Inbound leads"])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["inbuond"], 64, "there is no workflow 'inbuond' (did you mean 'inbound'?)"),
        (["inbound", "--at", "1999"], 1, "nothing begins with '1999'"),
        (["inbound", "--env", "prod"], 1, "nothing of 'inbound' in 'prod' was saved"),
        (["inbound", "--force", "other"], 64, "there is no workflow 'other'"),
        (["inbound"], 3, "there is no terminal to ask at; agree with --yes"),
    ],
    ids=["key", "time", "environment", "consent", "nobody"],
)
def test_refused(replaced, flow64, arguments, code, words):
    before = len(replaced.requests)

    found, _, told = flow64("restore", *arguments)

    assert (found, words in told) == (code, True)
    assert "POST" not in methods(replaced, before)


def test_deleted(replaced, leads, flow64, tmp_path, namespace):
    """A pruned workflow comes back with its id."""
    workflow_id = id_of("leads.py")
    written(tmp_path, namespace, "w = made('w', Webhook(LEAD))", "leads.py")
    assert flow64("deploy", "leads.py", "--yes", "--prune=1")[0] == 0

    code, printed, _ = flow64("restore", workflow_id, "--yes", "--json")

    (one,) = json.loads(printed)["workflows"]
    assert (code, one["done"], one["workflow_id"]) == (0, "create", workflow_id)
    assert deployed() == ["New leads", "w"]


def test_secrets_are_those_of_today(service, flow64, tmp_path, namespace):
    """F26: they are in no file, and no output."""
    flow = "Webhook(LEAD) >> OutgoingWebhook(url=value('hook', secret=True))"
    (tmp_path / "values.json").write_text(json.dumps({"hook": HOOK}), "utf-8")
    options = ("--yes", "--values", "values.json")
    for title in ("one", "two"):
        text = f"w = made('w', {flow}, title={title!r})"
        source = written(tmp_path, namespace, text)
        flow64("deploy", source, *options)

    without = flow64("restore", "w", "--yes")
    done = flow64("restore", "w", *options)

    assert (without[0], "--values FILE" in without[2]) == (1, True)
    assert (done[0], deployed()) == (0, ["one"])
    kept = [path.read_text("utf-8") for path in tmp_path.glob(".flow64/**/*.json")]
    assert [text for text in (*without[1:], *done[1:], *kept) if HOOK in text] == []
    stored = service.edit(id_of("two.py"), name="seen")
    assert HOOK in json.dumps(stored)


def test_texts_of_today_are_named_before_it_is_asked(
    service, flow64, tmp_path, namespace
):
    """A text in the place of a secret was not saved, and does not come back."""
    flow = "Webhook(LEAD) >> OutgoingWebhook(url=value('hook', secret=True))"
    (tmp_path / "values.json").write_text(json.dumps({"hook": HOOK}), "utf-8")
    source = written(tmp_path, namespace, f"w = made('w', {flow})")
    values = ("--values", "values.json")
    flow64("deploy", source, "--yes", *values)
    edit = {"url": "https://example.com/by-hand"}
    service.edit(id_of(source), specs={"outgoing_webhook": edit})
    flow64("deploy", source, "--yes", *values, "--force", "w")

    code, _, told = flow64("restore", "w", *values)

    place = "/workflow_definition/blocks/1/specs/url"
    said = f"the text at {place} was not saved: the value of today takes its place"
    last = f"w was saved without {place}: the current values are filled in instead"
    assert code == 3
    assert (
        told.index(said)
        < told.index(last)
        < told.index("there is no terminal to ask at")
    )


def test_rotated_secret_is_no_edit(service, flow64, tmp_path, namespace):
    """A7: the plan right after says that nothing is to be done."""
    flow = "Webhook(LEAD) >> OutgoingWebhook(url=value('hook', secret=True))"
    values = ("--values", "values.json")

    def hook(text):
        (tmp_path / "values.json").write_text(json.dumps({"hook": text}), "utf-8")

    hook(HOOK)
    for title in ("one", "two"):
        source = written(tmp_path, namespace, f"w = made('w', {flow}, title='{title}')")
        flow64("deploy", source, "--yes", *values)
    hook(f"{HOOK}-of-today")
    written(tmp_path, namespace, f"w = made('w', {flow}, title='one')")

    restored = flow64("restore", "w", "--yes", *values)
    code, planned, _ = flow64("plan", source, "--exit-code", *values)

    assert (restored[0], code) == (0, 0)
    assert "nothing to do" in planned or "1 unchanged" in planned


def test_nothing_was_saved(leads, flow64, service):
    """Its words are for reading: nothing is written, or overwritten."""
    code, printed, told = flow64("restore", "inbound", "--yes")

    assert (code, printed) == (1, "")
    assert "nothing of 'inbound' in 'default' was saved; flow64 restore lists" in told
    assert "overwritten" not in told


def test_failed(replaced, flow64):
    """A failed write is reported, without advice to continue."""
    replaced.faults.add(
        Fault("status_before", status=400, path="/workflows/update_workflow")
    )

    code, printed, told = flow64("restore", "inbound", "--yes")

    assert (code, outcomes(printed)) == (1, ["failed"])
    assert "restore again: what is done by then is not written again" in told
