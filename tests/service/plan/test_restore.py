"""Restoring: what was live once is live again, stamp, secrets and all (F24, F26)."""

from __future__ import annotations

import json

import pytest

from flow64 import LEAD, Workflow, errors, value
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.service.plan._agreement import Agreement
from flow64.service.plan._model import digest_of
from flow64.service.plan._restore import restoring

HOOK = "https://hooks.example.com/SENTINEL"
VALUES = {"hook": HOOK}


def restored(place, key="a", at=None, *, env="default", agreed=None, **options):
    facts = {"endpoint": place.url, "values": VALUES, **options}
    plan = place.play(restoring(place.history, key, at, env=env, **facts))
    return plan, place.apply(plan, agreed=agreed)


def test_what_was_overwritten_comes_back_and_what_is_there_is_saved(place):
    """F24: an edit in the editor that was forced over."""
    workflow_id = place.put(place.workflow("a"))
    place.edit(workflow_id, mode="NONE", tier="high")
    before = digest_of(place.live(workflow_id))
    plan = place.plan(place.workflow("a", mode="PERSONAL"))
    place.apply(plan, agreed=Agreement(force=["a"]))

    plan, summary = restored(place)

    assert digest_of(place.live(workflow_id)) == before
    assert summary.done[0].saved.reason == "restored"
    assert plan.steps[0].changes
    (step,) = place.plan(place.workflow("a")).steps
    assert step.state == "drifted"
    # And back again: that too was saved.
    restored(place)
    assert place.mode(workflow_id) == "PERSONAL"


def test_code_that_went_on_is_an_update_again(place):
    """The old stamp comes back as well, so the next plan tells the truth."""
    place.put(place.workflow("a"))
    new = place.workflow("a", mode="PERSONAL")
    place.apply(place.plan(new))
    first = place.history.find("a")

    restored(place, at=first.when)

    assert place.plan(new).steps[0].state == "update"
    assert place.plan(place.workflow("a")).is_empty


def test_what_was_pruned_comes_back_with_its_secrets(place):
    """Although no code says any more what was secret in it."""
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    made = Workflow("S", flow, key="a", project=place.project)
    workflow_id = place.put(place.target(made, hook=HOOK))
    before = digest_of(place.live(workflow_id))
    place.apply(place.plan(), agreed=Agreement(prune=1), values=VALUES)
    assert place.live(workflow_id) is None

    plan, summary = restored(place, key=workflow_id)

    assert (plan.steps[0].action, summary.is_complete) == ("create", True)
    assert digest_of(place.live(workflow_id)) == before
    assert "SENTINEL" not in place.history.find("a").file.read_text()


def test_workflow_without_a_stamp_comes_back_without_one(place):
    """What no code deployed, and was forced over."""
    workflow_id = place.put(place.workflow("a"))
    place.emulator.edit(workflow_id, description="mine", name="Mine")
    plan = place.plan(place.workflow("a"))
    place.apply(plan, agreed=Agreement(force=["a"]))

    restored(place)

    live = place.live(workflow_id)
    assert (live.name, live.description, live.stamp) == ("Mine", "mine", None)


def test_text_that_was_not_saved_is_stood_in_for_by_its_value(place):
    """Where code has a secret; which is said."""
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    made = Workflow("S", flow, key="a", project=place.project)
    workflow_id = place.put(place.target(made, hook=HOOK))
    other = "https://SENTINEL-2.example.com"
    place.emulator.edit(workflow_id, specs={"outgoing_webhook": {"url": other}})
    plan = place.plan(place.target(made, hook=HOOK))
    place.apply(plan, agreed=Agreement(force=["a"]))

    plan, summary = restored(place)

    assert "the value of today takes its place" in plan.steps[0].reasons[1]
    assert place.live(workflow_id).blocks[1].specs["url"] == HOOK
    assert summary.is_complete


def test_text_that_nothing_stands_in_for_stops_it(place):
    """Part of it would not be what it was."""
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    made = Workflow("S", flow, key="a", project=place.project)
    workflow_id = place.put(place.target(made, hook=HOOK))
    place.emulator.edit(workflow_id, specs={"outgoing_webhook": {"b": f"x{HOOK}"}})
    changed = Workflow("T", flow, key="a", project=place.project)
    plan = place.plan(place.target(changed, hook=HOOK))
    place.apply(plan, agreed=Agreement(force=["a"]))

    with pytest.raises(errors.HistoryError, match=r"specs/b of a was not saved"):
        restored(place)


def test_secret_that_is_not_given_stops_it(place):
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    made = Workflow("S", flow, key="a", project=place.project)
    place.put(place.target(made, hook=HOOK))
    changed = Workflow("T", flow, key="a", project=place.project)
    place.apply(place.plan(place.target(changed, hook=HOOK)))

    with pytest.raises(errors.UnboundValueError, match="hook"):
        restored(place, values=None)


def test_entry_of_another_place_is_refused(place):
    place.put(place.workflow("a"))
    place.apply(place.plan(place.workflow("a", mode="PERSONAL")))

    with pytest.raises(errors.HistoryError, match=r"and this is https://b\.example"):
        restored(place, endpoint="https://b.example")
    with pytest.raises(errors.HistoryError, match="nothing of 'a' in 'prod'"):
        restored(place, env="prod")


def test_what_buys_when_it_is_written_needs_consent(place):
    flow = Search(LEAD, query="people", auto_execute=True) >> FindEmail()
    old = Workflow("F", flow, key="a", project=place.project)
    place.apply(place.plan(old), agreed=Agreement(allow_spend=["a"]))
    place.apply(place.plan(place.workflow("a")))

    with pytest.raises(errors.PlanRefusedError, match="--allow-spend a"):
        restored(place)
    assert restored(place, agreed=Agreement(allow_spend=["a"]))[1].is_complete


def test_history_is_plain_json_that_check_and_diff_take(place):
    """The definition in it is a create body."""
    place.put(place.workflow("a"))
    place.apply(place.plan(place.workflow("a", mode="PERSONAL")))

    data = json.loads(place.history.find("a").file.read_text())

    read = Workflow.from_json(json.dumps(data["definition"]))
    assert read.fingerprint() == place.workflow("a").fingerprint()
