"""Every state of a workflow, and what a deploy of it needs."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import LEAD, Project, RawBlock, Workflow, value
from flow64.blocks import FindEmail, Webhook
from flow64.definition import Values, with_stamp
from flow64.deploy.plan import Consents, as_option
from flow64.deploy.target import require_namespace
from flow64.errors import (
    AnswerError,
    ApiError,
    BuildError,
    ConsentError,
    NotFoundError,
)
from tests.deploy.planned import NEWER, OURS, pulled_of, target
from tests.service.support import GROWTH, leads, searched, secret_leads

OLD, NEW = leads(), leads(mode="PERSONAL")
OTHER_ID = "11111111-1111-4111-8111-111111111111"
OLD_HOOK = "https://example.com/SENTINEL-OLD"
NEW_HOOK = "https://example.com/SENTINEL-NEW"


def pinned(mode="PROFESSIONAL", workflow_id=OTHER_ID):
    """Code of another project that pins an id."""
    project = Project("sales", namespace="acme.example")
    flow = leads(mode=mode).flows[0]
    return Workflow("Leads", flow, key="theirs", project=project, id=workflow_id)


def new(_):
    return OLD


def unchanged(here):
    here.put(OLD)
    return OLD


def unmanaged(here):
    here.edit(here.put(OLD), specs={"find_email": {"tier": "high"}})
    return OLD


def update(here):
    here.put(OLD)
    return NEW


def drifted(here):
    here.edit(here.put(OLD), name="Renamed by hand")
    return OLD


def conflict(here):
    here.edit(here.put(OLD), name="Renamed by hand")
    return NEW


def converged(here):
    """Edited by hand into what the code says."""
    here.edit(here.put(OLD), specs={"find_email": {"mode": "PERSONAL"}})
    return NEW


def adopted(here):
    """No code deployed it, and it is as the code says."""
    here.write(OLD.compile())
    return OLD


def newer(here):
    here.put(NEW, commit=NEWER)
    return OLD


def unknown_commit(here):
    here.put(NEW, commit="c" * 40)
    return OLD


def foreign(here):
    here.write(NEW.compile())
    return OLD


def of_other_code(here):
    """It has a genuine stamp, of other code that pins it."""
    here.put(pinned("PERSONAL", OLD.id()))
    return OLD


def copied_stamp(here):
    """It has the stamp of another workflow."""
    stamp = target(leads("Other", key="other")).stamp
    here.write(evolve(NEW.compile(), description=with_stamp("", stamp)))
    return OLD


def pulled(here):
    here.write(OLD.compile())
    return target(NEW, pulled=pulled_of(OLD))


def buying(_):
    return searched()


def buying_adopted(here):
    """The stamp alone is written, and any write may buy."""
    here.write(searched().compile())
    return searched()


def rotated(here):
    """The environment has another secret by now."""
    here.put(secret_leads(), hook=OLD_HOOK)
    here.values = Values({"hook": NEW_HOOK})
    return secret_leads()


def edited_secret(here):
    """The text of a secret was changed by hand. That looks like the last one."""
    here.edit(
        here.put(secret_leads(), hook=OLD_HOOK),
        specs={"outgoing_webhook": {"url": "https://example.com/SENTINEL-EDIT"}},
    )
    here.values = Values({"hook": OLD_HOOK})
    return secret_leads()


def made_secret(here):
    """A literal of the code became a secret, and its text is the same."""
    here.put(leads(url=OLD_HOOK))
    here.values = Values({"hook": OLD_HOOK})
    return leads(url=value("hook", secret=True))


STATES = {
    new: ("new", "create", ()),
    unchanged: ("unchanged", "none", ()),
    unmanaged: ("unchanged", "none", ()),
    update: ("update", "update", ()),
    drifted: ("drifted", "update", ("force",)),
    conflict: ("conflict", "update", ("force",)),
    converged: ("update", "stamp", ()),
    adopted: ("update", "stamp", ()),
    newer: ("conflict", "update", ("force",)),
    unknown_commit: ("update", "update", ()),
    foreign: ("foreign", "update", ("force",)),
    of_other_code: ("foreign", "update", ("force",)),
    copied_stamp: ("foreign", "update", ("force",)),
    pulled: ("update", "update", ()),
    buying: ("new", "create", ("allow_spend",)),
    buying_adopted: ("update", "stamp", ("allow_spend",)),
    rotated: ("update", "update", ()),
    edited_secret: ("update", "update", ()),
    made_secret: ("update", "stamp", ()),
}


@pytest.mark.parametrize("situation", STATES, ids=lambda found: found.__name__)
def test_state_and_what_it_needs(here, situation):
    """And nothing but reads were sent."""
    wanted = situation(here)
    here.asked()

    (step,) = here.plan(wanted).steps

    assert (step.state, step.action, step.needs) == STATES[situation]
    assert {line.partition(" ")[0] for line in here.asked()} == {"GET"}


@pytest.mark.parametrize("situation", STATES, ids=lambda found: found.__name__)
def test_a_deploy_that_was_agreed_to_empties_the_next_plan(here, situation):
    """Without what it needs, which the plan says, it is refused: nothing is written."""
    wanted = situation(here)
    plan = here.plan(wanted)
    needs = plan.steps[0].needs
    assert all(as_option(need) in str(plan) for need in needs)
    keys = [plan.steps[0].key]
    here.asked()

    if needs:
        with pytest.raises(ConsentError):
            here.apply(plan)
        assert here.writes() == []
    consents = dict.fromkeys(needs, keys)
    assert here.apply(plan, Consents(**consents)).is_complete
    again = here.plan(wanted)

    assert again.is_empty
    assert [step.state for step in again.steps] == ["unchanged"]


def test_skip_drifted_leaves_what_needs_force_and_deploys_the_rest(here):
    other = leads("Other", key="other")
    drifted(here)

    result = here.apply(here.plan(NEW, other), Consents(skip_drifted=True))

    assert [outcome.step.key for outcome in result.outcomes] == ["other"]
    assert here.live(OLD.id()).name == "Renamed by hand"


def test_pin_to_nothing_is_refused_whatever_is_agreed_to(here):
    plan = here.plan(pinned())

    with pytest.raises(ConsentError, match="pinned"):
        here.apply(plan, Consents(force=["theirs"], create=["theirs"]))


def test_unmanaged_field_counts_only_if_it_changes_what_a_run_costs(here):
    plain = Workflow("Plain", Webhook(LEAD) >> FindEmail(), key="p", project=GROWTH)
    workflow_id = here.put(plain)
    here.edit(workflow_id, specs={"find_email": {"tier": "high"}})
    cheap = here.plan(plain)
    here.edit(workflow_id, specs={"find_email": {"mode": "PERSONAL"}})
    dear = here.plan(plain)

    assert cheap.steps[0].unmanaged == ("find_email.tier",)
    assert (cheap.has_changes, dear.has_changes, dear.is_empty) == (False, True, True)
    assert "find_email.mode" in str(dear)


def test_commit_that_is_not_known_is_not_checked(here):
    (step,) = here.plan(unknown_commit(here)).steps

    assert any("newer code" in doubt for doubt in step.not_checked)


def test_secret_that_is_not_set_is_not_checked_and_the_plan_is_not_saved(here):
    here.put(secret_leads(), hook=OLD_HOOK)

    plan = here.plan(secret_leads())

    assert plan.unset == ["hook"]
    assert plan.steps[0].not_checked == ("secret hook: it is not set here",)
    assert plan.as_data()["digest"] is None


def test_secret_that_differs_is_named_and_not_shown(here):
    plan = here.plan(rotated(here))

    assert "secret hook differs" in str(plan)
    assert "SENTINEL" not in f"{plan!r} {plan} {plan.as_data()}"


def test_orphans_are_found_if_the_project_is_whole(here):
    """And are of this project and environment alone; a copy is none."""
    here.put(OLD, leads("Gone", key="gone"))
    here.put(leads("Elsewhere", key="gone"), env="staging")
    here.emulator.copy(OLD.id())

    whole = here.plan(OLD, projects=[GROWTH])
    part = here.plan(OLD)

    assert [(s.key, s.state, s.action, s.needs) for s in whole.steps[1:]] == [
        ("gone", "orphan", "delete", ("prune",))
    ]
    assert len(part.steps) == 1


@pytest.mark.parametrize(
    ("commit", "edit", "needs"),
    [
        (OURS, {}, ("prune",)),
        (NEWER, {}, ("prune", "force")),
        ("c" * 40, {}, ("prune", "force")),
        (OURS, {"name": "By hand"}, ("prune", "force")),
        (OURS, {"specs": {"find_email": {"mode": "PERSONAL"}}}, ("prune", "force")),
        (OURS, {"specs": {"find_email": {"tier": "high"}}}, ("prune",)),
    ],
)
def test_orphan_of_newer_code_or_edited_needs_force(here, commit, edit, needs):
    gone = here.put(leads("Gone", key="gone"), commit=commit)
    if edit:
        here.edit(gone, **edit)

    (step,) = here.plan(projects=[GROWTH]).steps

    assert step.needs == needs


def test_two_targets_of_one_id_or_one_key_are_refused(here):
    with pytest.raises(BuildError, match="one id"):
        here.plan(OLD, target(leads(), key="other"))
    with pytest.raises(BuildError, match="two workflows"):
        here.plan(OLD, target(leads(key="other"), key="leads"))


def test_wrong_endpoint_is_told_apart_from_a_new_workflow(here, monkeypatch):
    """It answers 404 to everything, and so to the list."""
    endpoint = f"{here.session.endpoint}/nowhere"
    monkeypatch.setattr(here.session, "endpoint", endpoint)

    with pytest.raises(NotFoundError, match="path of the endpoint"):
        here.plan(OLD)


def answer(monkeypatch, call, error):
    def refuse(*_args, **_options):
        raise error

    monkeypatch.setattr(f"flow64.api.calls.{call}", refuse)


def test_id_of_another_organisation_cannot_be_overwritten(here, monkeypatch):
    forbidden = ApiError("no", status=403)
    answer(monkeypatch, "read_workflow", forbidden)
    plan = here.plan(OLD)

    with pytest.raises(ConsentError, match="may not see"):
        here.apply(plan, Consents(force=["leads"]))
    answer(monkeypatch, "list_workflows", forbidden)
    with pytest.raises(ApiError):  # this key may read nothing at all
        here.plan(OLD)


def test_answer_without_a_definition_is_none(here, monkeypatch):
    here.put(OLD)
    read = here.client.workflows.get

    def empty(_, workflow_id):
        info = read(workflow_id)
        object.__setattr__(info, "definition", None)
        return info

    monkeypatch.setattr("flow64.api.calls.read_workflow", empty)
    with pytest.raises(AnswerError):
        here.plan(OLD)


def test_namespace_local_is_for_this_machine_alone():
    shared = target(leads(project=None))

    require_namespace(shared, "Leads", "http://127.0.0.1", is_local=True)
    with pytest.raises(ConsentError):
        require_namespace(shared, "Leads", "https://api.sixtyfour.ai", is_local=False)


def test_stamp_without_room_for_fields_still_tells_drift(here):
    """What code sets now stands in for what it has set."""
    many = {f"field_{'x' * 40}_{number}": number for number in range(120)}
    raw = Workflow(
        "Raw",
        Webhook(LEAD) >> RawBlock("new_kind", specs=many),
        key="r",
        project=GROWTH,
    )
    workflow_id = here.put(raw)
    before = here.plan(raw).steps[0]
    here.edit(workflow_id, name="By hand")
    after = here.plan(raw).steps[0]

    assert target(raw).definition is not None
    assert here.live(workflow_id).stamp.sent is None
    assert (before.state, after.state) == ("unchanged", "drifted")
