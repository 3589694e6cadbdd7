"""Restoring: what was live once is live again, stamp, secrets and all (F24, F26)."""

from __future__ import annotations

import pytest

from flow64 import LEAD, Workflow, errors, value
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.deploy import Agreement, plan_restore
from flow64.plan import digest_of

HOOK = "https://hooks.example.com/SENTINEL"
VALUES = {"hook": HOOK}


def restored(place, key="a", at=None, *, env="default", agreed=None, **options):
    facts = {"endpoint": place.url, "values": VALUES, **options}
    plan = place.play(plan_restore, place.history, key, at, env=env, **facts)
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


# -- Secrets that are others by now ----------------------------------------------------

OLD, NEW = HOOK, "https://hooks.example.com/SENTINEL-of-today"


def secret(place, title="S", *, mode="PROFESSIONAL"):
    flow = (
        Webhook(LEAD)
        >> FindEmail(mode=mode)
        >> OutgoingWebhook(url=value("hook", secret=True))
    )
    return Workflow(title, flow, key="a", project=place.project)


def restored_with(place, hook, key="a"):
    """Restored with a secret of today; that of before, which is live, is not saved."""
    agreed = Agreement(force=["a"])
    return restored(place, key, values={"hook": hook}, agreed=agreed)


def deployed(place, workflow, hook):
    plan = place.plan(place.target(workflow, hook=hook))
    agreed = Agreement(force=[step.key for step in plan.refused])
    assert place.apply(plan, agreed=agreed).is_complete


NO_EDIT = {}
BESIDE = {"find_email": {"mode": "NONE"}}
UNMANAGED = {"find_email": {"tier": "high"}}
IN_ITS_PLACE = {"outgoing_webhook": {"url": "https://SENTINEL-2.example.com"}}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("edit", "hooks", "states"),
    [
        (NO_EDIT, (OLD, OLD, OLD), ("unchanged", "update")),
        (NO_EDIT, (OLD, OLD, NEW), ("unchanged", "update")),
        (NO_EDIT, (OLD, NEW, NEW), ("unchanged", "update")),
        (UNMANAGED, (OLD, OLD, NEW), ("unchanged", "update")),
        (UNMANAGED, (OLD, NEW, NEW), ("unchanged", "update")),
        # Nothing of the edit was saved, so that nothing of it comes back.
        (IN_ITS_PLACE, (OLD, OLD, OLD), ("unchanged", "update")),
        (IN_ITS_PLACE, (OLD, OLD, NEW), ("unchanged", "update")),
        (BESIDE, (OLD, OLD, OLD), ("drifted", "conflict")),
        (BESIDE, (OLD, OLD, NEW), ("conflict", "conflict")),
        (BESIDE, (OLD, NEW, NEW), ("conflict", "conflict")),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("is_pruned", [False, True])
def test_plan_after_a_restore_calls_drifted_what_was_edited_and_nothing_else(
    place, edit, hooks, states, is_pruned
):
    """The law of the stamp.

    Whatever secrets were when it was deployed, when it was replaced, and are now.
    """
    first, then, today = hooks
    old, new = secret(place), secret(place, "T")
    deployed(place, old, first)
    workflow_id = old.id()
    if edit:
        place.emulator.edit(workflow_id, specs=edit)
    if is_pruned and then == first and edit is not IN_ITS_PLACE:
        agreed = Agreement(prune=1, force=["a"])
        gone = place.plan(prune=True)
        place.apply(gone, agreed=agreed, values={"hook": then})
    else:
        deployed(place, new, then)

    _, summary = restored_with(place, today, workflow_id)

    assert summary.is_complete, summary.failed
    live = place.live(workflow_id)
    assert live.blocks[2].specs["url"] == today
    assert live.stamp.is_genuine(workflow_id)
    for code, state in zip((old, new), states, strict=True):
        (step,) = place.plan(place.target(code, hook=today)).steps
        assert step.state == state


def test_secret_of_before_is_lost_to_nobody(place):
    """What is live is as its own stamp says, so its text is ours: no force."""
    deployed(place, secret(place), OLD)
    deployed(place, secret(place, "T"), OLD)

    plan, summary = restored(place, values={"hook": NEW})

    (step,) = plan.steps
    assert (step.lost, summary.is_complete) == ((), True)
    assert not any("would be lost" in reason for reason in step.reasons)
    live = place.live(secret(place).id())
    assert (live.name, live.blocks[2].specs["url"]) == ("S", NEW)


# -- What the plan of it says ----------------------------------------------------------
