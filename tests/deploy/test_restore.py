"""Restoring: what was live once is live again, stamp, secrets and all (F24, F26)."""

from __future__ import annotations

import json

import pytest
from attrs import evolve

from flow64 import LEAD, Workflow, errors, value
from flow64.analysis import effects
from flow64.api.calls import create_schedule
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.deploy import Agreement, as_text, plan_restore
from flow64.diff import CostChanged
from flow64.plan import digest_of
from tests.service.mishaps import Fault

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

    place_of_it = "/workflow_definition/blocks/1/specs/url"
    assert plan.steps[0].reasons[1] == (
        f"the text at {place_of_it} was not saved: the value of today takes its place, "
        "hook"
    )
    saved = place.history.entries("a")[1]
    assert saved.without == f"without {place_of_it}"
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


def test_old_stamp_comes_back_but_for_what_secrets_make(place):
    """The commit, the fields and the unbound fingerprint of what deployed it."""
    deployed(place, secret(place), OLD)
    before = place.live(secret(place).id()).stamp
    deployed(place, secret(place, "T"), OLD)

    restored_with(place, NEW)

    after = place.live(secret(place).id()).stamp
    assert after.bound != before.bound
    assert evolve(after, bound=before.bound) == before


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


@pytest.mark.parametrize("what", ["edited", "beside", "unstamped", "theirs"])
def test_what_is_not_as_its_own_stamp_says_is_not_taken_for_ours(place, what):
    """Nobody knows then who wrote the text in the place of the secret."""
    deployed(place, secret(place), OLD)
    workflow_id = secret(place).id()
    if what == "unstamped":  # what is saved then, and comes back
        place.emulator.edit(workflow_id, description="no stamp")
    new = place.target(secret(place, "T"), hook=OLD)
    if what == "theirs":
        path = f"ns:other.example/project:theirs/workflow:a/pin:{workflow_id}"
        new = evolve(new, stamp=evolve(new.stamp, path=path))
    deployed(place, new, OLD)
    if what == "edited":
        place.emulator.edit(workflow_id, specs=BESIDE)
    if what == "beside":  # text that code does not manage, and that holds a secret
        place.emulator.edit(workflow_id, specs={"find_email": {"note": f"x {NEW}"}})
    facts = {"env": "default", "endpoint": place.url, "values": {"hook": NEW}}

    (step,) = place.play(plan_restore, place.history, "a", **facts).steps

    where = "1/specs/note" if what == "beside" else "2/specs/url"
    assert step.lost == (f"/workflow_definition/blocks/{where}",)


def test_text_that_a_restore_loses_is_said_before(place):
    """What is there now is not saved where somebody may have written it."""
    deployed(place, secret(place), OLD)
    deployed(place, secret(place, "T"), OLD)
    place.emulator.edit(secret(place).id(), specs=IN_ITS_PLACE)
    facts = {"env": "default", "endpoint": place.url, "values": {"hook": NEW}}

    (step,) = place.play(plan_restore, place.history, "a", **facts).steps

    url = "/workflow_definition/blocks/2/specs/url"
    assert step.lost == (url,)
    assert step.reasons[-1].startswith(f"{url} cannot be saved and would be lost")
    with pytest.raises(errors.PlanRefusedError, match="to allow it, add --force a"):
        restored(place, values={"hook": NEW})


def test_stamp_without_room_for_fields(place):
    """Code of that time tells which fields it set."""
    many = {f"field_{number:03}_{'x' * 40}": 1 for number in range(120)}
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True), extra=many)
    made = [Workflow(n, flow, key="a", project=place.project) for n in ("S", "T")]
    deployed(place, made[0], OLD)
    workflow_id = made[0].id()
    assert place.live(workflow_id).stamp.fields is None
    place.emulator.edit(workflow_id, specs={"outgoing_webhook": {"tier": "high"}})
    deployed(place, made[1], OLD)

    restored_with(place, NEW)

    (step,) = place.plan(place.target(made[0], hook=NEW)).steps
    assert step.state == "unchanged"


def test_entry_of_an_earlier_release_keeps_its_stamp(place):
    """Nobody knows whether it was edited, so that it is not said not to be."""
    deployed(place, secret(place), OLD)
    deployed(place, secret(place, "T"), OLD)
    file = place.history.find("a").file
    data = json.loads(file.read_text("utf-8"))
    assert data.pop("deployed") is not None
    file.write_text(json.dumps(data), "utf-8")

    restored_with(place, NEW)

    (step,) = place.plan(place.target(secret(place, "T"), hook=NEW)).steps
    assert step.state == "conflict"


# -- What the plan of it says ----------------------------------------------------------


def test_plan_says_what_a_plan_says(place):
    """What follows, what is at work with it, and which secrets are those of today."""
    deployed(place, secret(place), OLD)
    workflow_id = secret(place).id()
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    deployed(place, Workflow("S", flow, key="a", project=place.project), OLD)
    place.direct(create_schedule, workflow_id, "Weekly", "0 9 * * 1")

    plan = place.play(
        plan_restore,
        place.history,
        "a",
        env="default",
        endpoint=place.url,
        values={"hook": NEW},
        prices={"find_email": 3.0},
    )

    (step,) = plan.steps
    text = as_text(plan)
    assert step.reasons[1] == (
        "the text at /workflow_definition/blocks/2/specs/url is the value of today, "
        "hook"
    )
    assert step.effects == str(effects(secret(place).compile()))
    (cost,) = [one for one in step.consequences if isinstance(one, CostChanged)]
    assert (cost.before.dollars, cost.after.dollars) == (0, 3000)
    assert "what follows:" in text
    assert "1 active schedule: Weekly" in text
    assert "SENTINEL" not in text


def test_blocks_are_called_by_their_kinds(place):
    """The history knows no keys; two of a kind are told apart by their ids."""
    flow = [
        Search(LEAD, query=query, auto_execute=True, key=query)
        >> FindEmail(key=query + "1")
        for query in ("people", "others")
    ]
    made = Workflow("F", *flow, key="a", project=place.project)
    workflow_id = place.target(made).id
    place.apply(place.plan(made), agreed=Agreement(allow_spend=["a"]))
    place.apply(place.plan(), agreed=Agreement(prune=1, force=["a"]))

    where = {"env": "default", "endpoint": place.url}
    (step,) = place.play(plan_restore, place.history, "a", **where).steps

    assert (step.action, step.id) == ("create", workflow_id)
    assert sorted(step.spends) == sorted(
        f"search ({block.id[:8]}) buys at creation"
        for block in made.compile().blocks
        if block.kind == "search"
    )
    assert step.effects


def test_what_is_at_work_may_be_unknown(place):
    place.put(place.workflow("a"))
    place.apply(place.plan(place.workflow("a", mode="PERSONAL")))
    place.emulator.faults.add(Fault("status_before", path="*/schedules*", status=403))
    try:
        where = {"env": "default", "endpoint": place.url}
        (step,) = place.play(plan_restore, place.history, "a", **where).steps
    finally:
        place.emulator.faults.clear()

    assert step.touched.is_idle is None
