"""Saved plans: applied exactly, or refused before any write (F15, F16, F26)."""

from __future__ import annotations

import json
import os

import pytest

from flow64 import LEAD, Project, Workflow, errors, value
from flow64.api.calls import create_schedule, delete_workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Search, Webhook
from flow64.deploy import (
    Agreement,
    apply_saved_plan,
    load_plan,
    save_plan,
)
from tests.deploy.planned import digest_quickly
from tests.service.fault_server import Forward, Reply

HOOK = "https://hooks.example.com/SENTINEL"
VALUES = {"hook": HOOK}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The digest of a secret is slow on purpose."""
    digest_quickly(monkeypatch)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "plan.json"


def secret(place, name="S", key="s"):
    flow = Webhook(LEAD) >> OutgoingWebhook(url=value("hook", secret=True))
    return Workflow(name, flow, key=key, project=place.project)


def applied(place, path, *, agreed=None, env="default", endpoint=None, **options):
    """Read it and carry it out."""
    facts = {"values": VALUES, "history": place.history, **options}
    return place.play(
        apply_saved_plan,
        load_plan(path),
        agreed or Agreement(),
        env=env,
        endpoint=endpoint or place.url,
        **facts,
    )


def made(place, path, *workflows, **options):
    """A plan that was saved; gives its step."""
    plan = place.plan(*workflows, **options)
    save_plan(plan, path)
    place.forget()
    return plan


def test_saved_plan_does_what_the_plan_does(place, path):
    """Create, update, stamp, forced, delete: and then the next plan is empty."""
    ids = {key: place.put(place.workflow(key)) for key in ("a", "b", "c", "d", "gone")}
    place.edit(ids["b"], mode="PERSONAL")
    place.edit(ids["c"], mode="NONE", tier="high")
    new = [
        place.target(secret(place), hook=HOOK),
        *[place.workflow(key, mode="PERSONAL") for key in "ab"],
        place.workflow("c"),
        place.workflow("d"),
    ]
    plan = made(place, path, *new, prune=True)

    summary = applied(place, path, agreed=Agreement(force=["c"], prune=1))

    assert [(one.key, one.doing) for one in summary.done] == [
        ("s", "create"),
        ("a", "update"),
        ("b", "stamp"),
        ("c", "update"),
        ("gone", "delete"),
    ]
    assert (len(plan.steps), summary.is_complete) == (6, True)
    assert place.live(ids["c"]).blocks[1].specs["tier"] == "high"
    assert all(step.is_empty for step in place.plan(*new).steps)


def test_no_secret_is_in_the_file_and_only_its_owner_reads_it(place, path):
    """Neither ours nor one that somebody put in its place."""
    workflow_id = place.put(place.target(secret(place), hook=HOOK))
    edit = {"url": "https://SENTINEL-2.example.com", "more": HOOK}
    place.emulator.edit(workflow_id, specs={"outgoing_webhook": edit})
    made(place, path, place.target(secret(place, "T"), hook=HOOK))

    text = path.read_text()
    assert ("SENTINEL" in text, '"flow64:value": "hook"' in text) == (False, True)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(errors.PlanRefusedError, match="--force s"):
        applied(place, path)
    summary = applied(place, path, agreed=Agreement(force=["s"]))
    assert "SENTINEL" not in summary.done[0].saved.file.read_text()


# -- For something else, or edited (F16) ----------------------------------------------


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"env": "prod"}, "it was made for environment 'default', and this is 'prod'"),
        ({"endpoint": "https://b.example"}, "and this is https://b.example"),
        ({"organisation": "org_2"}, "organisation org_1, and this is org_2"),
        ({"project": Project("growth", "b.example")}, "and this is ns:b.example/proj"),
        ({"project": Project("other", "a.example")}, "and this is ns:a.example/proj"),
        ({"values": {"hook": "other"}}, "the secret value 'hook' is another"),
        ({"values": {}}, "s needs the secret values hook"),
        ({"values": None}, "s needs the secret values hook"),
        ({"agreed": Agreement(prune=1)}, "it deletes nothing"),
    ],
)
def test_plan_for_something_else_is_refused(place, path, facts, words):
    plan = place.plan(place.target(secret(place), hook=HOOK))
    save_plan(plan, path, organisation="org_1")
    place.forget()

    with pytest.raises(errors.SavedPlanError, match=words):
        applied(place, path, **facts)
    assert place.emulator.requests == []


def test_plan_for_what_is_meant_is_carried_out(place, path):
    plan = place.plan(place.target(secret(place), hook=HOOK))
    save_plan(plan, path, organisation="org_1")

    summary = applied(place, path, project=place.project, organisation="org_1")

    assert summary.is_complete
    workflow_id = place.put(place.workflow("a"))
    pinned = Workflow("P", place.workflow("a").flows[0], id=workflow_id)
    made(place, path, pinned, is_whole=False)
    taken = Agreement(force=["p"])
    assert applied(place, path, project=place.project, agreed=taken).is_complete


def edits(text):
    data = json.loads(text)
    yield text.replace("PERSONAL", "NONE")
    yield text.replace('"action": "update"', '"action": "create"')
    yield text.replace(data["digest"], "0" * 64)
    yield text.replace(data["salt"], "0" * 32)
    yield text + " "
    yield text[:-1]
    yield json.dumps(data)
    del data["digest"]
    yield json.dumps(data, indent=2) + "\n"


def test_edited_file_is_refused(place, path):
    """Whichever byte it is."""
    place.put(place.workflow("a"))
    made(place, path, place.workflow("a", mode="PERSONAL"))
    text = path.read_text()

    for edit in edits(text):
        assert edit != text
        path.write_text(edit)
        with pytest.raises(errors.SavedPlanError, match="it was edited"):
            applied(place, path)
    assert place.emulator.requests == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is not a saved plan"),
        ("[" * 100_000, "it is not a saved plan"),
        ("[]", "it is not a saved plan"),
        ("{}", "it is not a saved plan"),
        ('{"flow64:plan": 1, "flow64": "0.0.1"}', "made by flow64 '0.0.1', and this"),
        ('{"flow64:plan": 2, "flow64": "9"}', "made by flow64 '9', and this is"),
    ],
)
def test_what_is_no_plan_of_this_release_is_refused(path, text, words):
    path.write_text(text)

    with pytest.raises(errors.SavedPlanError, match=words):
        load_plan(path)


@pytest.mark.parametrize(
    ("text", "is_replaced"),
    [
        ("", True),
        ('{"flow64:plan": 1, "flow64": "0.0.1"}', True),
        ("precious", False),
        ("{}", False),
        ("[" * 100_000, False),
        ("\xff", False),
    ],
    ids=range(6),
)
def test_only_a_plan_is_replaced(place, path, text, is_replaced):
    """Of whatever release; anything else may be somebody's work."""
    plan = place.plan(place.workflow("a"))
    path.write_text(text, "latin-1")
    before = path.read_bytes()

    if is_replaced:
        save_plan(plan, path)
        assert load_plan(path).env == "default"
    else:
        with pytest.raises(errors.SavedPlanError) as caught:
            save_plan(plan, path)
        assert path.read_bytes() == before
        assert str(caught.value) == (
            f"the plan was not saved in {path}: the file there is not a saved plan, "
            "and is not replaced; name another file"
        )


def test_full_disk_leaves_the_plan_that_was_there(place, path, monkeypatch):
    made(place, path, place.workflow("a"))
    before = path.read_bytes()

    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(errors.SavedPlanError, match="No space left"):
        save_plan(place.plan(place.workflow("b")), path)
    assert path.read_bytes() == before


# -- Applied twice (F16) --------------------------------------------------------------


def test_plan_is_applied_once(place, path):
    place.put(place.workflow("a"), place.workflow("gone"))
    new = [place.workflow("a", mode="PERSONAL"), place.workflow("b")]
    made(place, path, *new, prune=True)
    applied(place, path, agreed=Agreement(prune=1))
    place.forget()

    with pytest.raises(errors.SavedPlanError, match="it was applied already"):
        applied(place, path, agreed=Agreement(prune=1))
    assert place.writes() == []


def test_plan_that_was_applied_in_part_says_which(faulty, path):
    """A new plan goes on from there."""
    for key in "abc":
        faulty.put(faulty.workflow(key))
    made(faulty, path, *[faulty.workflow(key, mode="PERSONAL") for key in "abc"])
    answers = [Forward(), Forward(), Reply(422, {"detail": "no"})]
    faulty.server.on("POST", "/workflows/update_workflow", *answers)
    assert applied(faulty, path, parallel=1).failed[0].key == "c"

    with pytest.raises(
        errors.SavedPlanError, match="in part: a, b are done already, and c is not"
    ):
        applied(faulty, path)


# -- Stale (F15) ----------------------------------------------------------------------


def edited(place, workflow_id):
    place.edit(workflow_id, mode="NONE")


def removed(place, workflow_id):
    place.direct(delete_workflow, workflow_id)


def created(place, _):
    place.put(place.workflow("new", mode="PROFESSIONAL"))


@pytest.mark.parametrize(
    ("event", "meanwhile", "edit"),
    [
        ("edited", edited, '"PROFESSIONAL" → "NONE"'),
        ("deleted", removed, ""),
        ("created", created, ""),
    ],
)
def test_change_since_the_plan_stops_all_of_it(place, path, event, meanwhile, edit):
    """Edited, deleted or created: their edit and our change stand apart."""
    place.put(place.workflow("b"))
    workflow_id = place.put(place.workflow("a"))
    new = [place.workflow(key, mode="PERSONAL") for key in ("b", "a", "new")]
    made(place, path, *new)
    meanwhile(place, workflow_id)
    place.forget()

    with pytest.raises(errors.StalePlanError, match=f"was {event} since") as caught:
        applied(place, path)
    assert edit in "\n".join(caught.value.edits)
    if event != "created":
        assert '"PROFESSIONAL" → "PERSONAL"' in "\n".join(caught.value.changes)
    assert place.writes() == []


def test_schedule_that_came_since_is_in_the_way_of_a_deletion(place, path):
    """Before the first write."""
    workflow_id = place.put(place.workflow("gone"))
    made(place, path, place.workflow("a"), prune=True)
    place.direct(create_schedule, workflow_id, "Weekly", "0 9 * * 1")
    place.forget()

    with pytest.raises(errors.PruneError, match="schedule Weekly is active"):
        applied(place, path, agreed=Agreement(prune=1))
    assert place.writes() == []


def test_consent_to_spend_is_asked_for_when_it_is_applied(place, path):
    flow = Search(LEAD, query="people", auto_execute=True) >> FindEmail()
    made(place, path, Workflow("F", flow, key="f", project=place.project))

    with pytest.raises(errors.PlanRefusedError, match="--allow-spend f"):
        applied(place, path)
    assert applied(place, path, agreed=Agreement(allow_spend=["f"])).is_complete
