"""A saved plan is made again and compared; the history brings back the replaced."""

from __future__ import annotations

import json

import pytest

from flow64 import errors, value
from flow64.definition import Values
from flow64.deploy.history import History
from flow64.deploy.make import plan_restore
from flow64.deploy.plan import Consents, as_json, load_plan
from flow64.deploy.target import target_of
from flow64.emulator import Fault
from tests.deploy.planned import ENDPOINT, Hours
from tests.service.support import GROWTH, leads, secret_leads

A, A2 = leads("A", key="a"), leads("A", key="a", mode="PERSONAL")
OLD_HOOK = Values({"hook": "https://example.com/SENTINEL-OLD"})
NEW_HOOK = Values({"hook": "https://example.com/SENTINEL-NEW"})


def save(plan, path):
    path.write_text(as_json(plan, {"source": "."}), "utf-8")
    return load_plan(path)


# -- Saved plans -----------------------------------------------------------------------


def test_saved_plan_is_the_same_until_it_was_applied(here, tmp_path):
    """Also from another commit; once it was applied, nothing is left to do."""
    here.put(A)
    saved = save(here.plan(A2), tmp_path / "plan.json")
    again = here.plan(A2)

    assert saved.require_same(again)
    here.apply(again)
    assert not saved.require_same(here.plan(A2))


def other_code(here):
    return here.plan(leads("B", key="a"))


def old_code(here):
    """Nothing is left to do with it, and it is not what was planned."""
    return here.plan(A)


def other_endpoint(here):
    return here.plan(A2, endpoint="https://api.sixtyfour.ai")


def other_environment(here):
    return here.plan(A2, env="staging")


def other_prices(here):
    return here.plan(A2, prices={"find_email": 9.0})


def other_organisation(here):
    return here.plan(A2, organisation="other")


def more_code(here):
    return here.plan(A2, leads("B", key="b"))


def edited(here):
    here.edit(A.id(), specs={"find_email": {"tier": "high"}})
    return here.plan(A2)


def edited_and_back(here):
    """The same is there, and somebody has written it."""
    here.edit(A.id(), name="By hand")
    here.edit(A.id(), name="A")
    return here.plan(A2)


@pytest.mark.parametrize(
    "change",
    [
        other_code, old_code, other_endpoint, other_environment, other_prices,
        other_organisation, more_code, edited, edited_and_back,
    ],
)  # fmt: skip
def test_saved_plan_is_refused_if_anything_else_would_be_done(here, tmp_path, change):
    here.put(A)
    saved = save(here.plan(A2), tmp_path / "plan.json")

    with pytest.raises(errors.StalePlanError):
        saved.require_same(change(here))


def test_rotated_secret_makes_another_plan(here, tmp_path):
    here.values = OLD_HOOK
    here.deploy(secret_leads())
    saved = save(here.plan(secret_leads(), A), tmp_path / "plan.json")
    here.values = NEW_HOOK

    with pytest.raises(errors.StalePlanError):
        saved.require_same(here.plan(secret_leads(), A))


SPOILED = {
    "empty": lambda _: "",
    "list": lambda _: "[]",
    "object": lambda _: "{}",
    "cut": lambda text: text[:-9],
    "later release": lambda text: text.replace('"flow64:plan": 1', '"flow64:plan": 2'),
    "no digest": lambda text: json.dumps({**json.loads(text), "digest": None}),
}


@pytest.mark.parametrize("name", SPOILED)
def test_file_that_is_no_plan_is_refused(here, tmp_path, name):
    path = tmp_path / "plan.json"
    path.write_text(SPOILED[name](as_json(here.plan(A), {})), "utf-8")

    with pytest.raises(errors.StalePlanError):
        load_plan(path)


# -- History ---------------------------------------------------------------------------


def restore(here, entry):
    plan = plan_restore(here.session, entry, endpoint=ENDPOINT, values=here.values)
    return plan, here.apply(plan)


def test_restore_brings_back_what_was_replaced_with_its_stamp(here):
    """So the next plan says that the code has changed since."""
    here.put(A)
    here.deploy(A2)
    (entry,) = here.history.entries("a")

    _, result = restore(here, entry)

    assert result.is_complete
    assert here.plan(A).is_empty
    assert here.plan(A2).steps[0].state == "update"
    assert len(here.history.entries("a")) == 2


def test_restore_of_what_was_edited_shows_the_edit_again(here):
    workflow_id = here.put(A)
    here.edit(workflow_id, name="By hand", specs={"find_email": {"tier": "high"}})
    here.deploy(A2, consents=Consents(force=["a"]))
    (entry,) = here.history.entries("a")

    restore(here, entry)

    assert here.live(workflow_id).name == "By hand"
    assert here.plan(A).steps[0].state == "drifted"


@pytest.mark.parametrize("fault", ["status_before", "reset_after"])
def test_restore_that_failed_and_is_repeated_ends_at_the_same_version(here, fault):
    """It names the version, and not the newest one, which is what it saved itself."""
    here.put(A)
    here.deploy(A2)
    (entry,) = here.history.entries("a")
    here.emulator.faults.add(Fault(fault, method="POST", status=403, times=1))
    restore(here, entry)
    here.emulator.faults.clear()

    again = here.history.find("a", entry.when)
    plan, result = restore(here, again)
    last, _ = restore(here, again)

    assert result.is_complete
    assert here.plan(A).is_empty
    assert plan.steps[0].state in ("update", "unchanged")
    assert last.is_empty


def test_deleted_workflow_is_restored(here):
    workflow_id = here.put(A)
    here.deploy(projects=[GROWTH], consents=Consents(prune=1))
    (entry,) = here.history.entries()

    restore(here, entry)

    assert str(here.live(workflow_id).id) == workflow_id
    assert here.plan(A).is_empty


def test_history_has_no_secret_and_restore_takes_the_present_one(here):
    here.values = OLD_HOOK
    here.deploy(secret_leads())
    here.values = NEW_HOOK
    here.deploy(secret_leads("Other title"))
    (entry,) = here.history.entries()

    assert "SENTINEL" not in entry.file.read_text("utf-8")
    restore(here, entry)

    url = here.live(entry.workflow_id).blocks[1].specs["url"]
    assert url == NEW_HOOK["hook"]
    assert here.plan(secret_leads()).is_empty


def test_text_with_a_secret_elsewhere_is_left_out_and_cannot_return(here):
    here.values = Values(OLD_HOOK, hidden=["hook"])
    here.put(leads("A", key="a", url=f"{OLD_HOOK['hook']}/more"))
    here.deploy(A)
    (entry,) = here.history.entries()

    assert entry.withheld == ("/workflow_definition/blocks/2/specs/url",)
    with pytest.raises(errors.DeployError, match="secret"):
        restore(here, entry)


def test_restore_needs_the_secret_and_the_endpoint_of_the_entry(here):
    here.values = OLD_HOOK
    here.deploy(secret_leads())
    here.deploy(secret_leads("Other title"))
    (entry,) = here.history.entries()
    here.values = Values()

    with pytest.raises(errors.DeployError, match="hook"):
        restore(here, entry)
    with pytest.raises(errors.DeployError, match="restore it where it was"):
        plan_restore(here.session, entry, endpoint="https://api.sixtyfour.ai")


def test_entries_are_found_by_key_id_environment_and_time(tmp_path, here):
    here.put(A)
    here.deploy(A2)
    here.deploy(leads("B", key="a"))
    newest, oldest = here.history.entries()

    assert here.history.find("a", oldest.when) == oldest
    assert here.history.entries(A.id()) == [newest, oldest]
    assert here.history.entries("a", env="staging") == []
    for key, at in (("b", ""), ("a", "2026-11-25"), ("a", "2027")):
        with pytest.raises(errors.SourceError):
            here.history.find(key, at)


@pytest.mark.parametrize("content", ["", "{}", '{"flow64:history": 2}', "[1]"])
def test_file_that_is_no_entry_is_named(tmp_path, content):
    name = "20261125T000000.000000Z.a.0123abcd.json"
    (tmp_path / name).write_text(content)

    with pytest.raises(errors.DeployError, match=name):
        History(tmp_path, now=Hours()).entries()


def test_key_of_an_entry_is_no_path(here, tmp_path):
    odd = leads("A", key="../../x/é")
    here.put(odd)
    here.deploy(leads("A", key="../../x/é", mode="PERSONAL"))
    (entry,) = here.history.entries("../../x/é")

    assert entry.file.parent == tmp_path / "history"
    assert oct(entry.file.stat().st_mode)[-3:] == "600"


def test_unmarked_value_of_a_variable_is_a_secret_too(here):
    """The settings take it from a variable; the code says nothing of it."""
    here.values = Values(OLD_HOOK, hidden=["hook"])
    wanted = leads("A", key="a", url=value("hook"))
    facts = {"env": "default", "values": here.values}
    plan = here.plan(target_of(wanted, **facts))
    here.apply(plan)

    assert "SENTINEL" not in f"{plan} {plan.as_data()} {plan!r}"
    assert "url!hook" in here.client.workflows.get(wanted.id()).description
    assert here.live(wanted.id()).blocks[2].specs["url"] == OLD_HOOK["hook"]
