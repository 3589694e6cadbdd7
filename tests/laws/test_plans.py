"""Laws of plans: what one writes empties the next, whatever the server tidies."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flow64 import LEAD, RawBlock, Workflow
from flow64.blocks import Webhook
from flow64.definition import Values, secret_names, unbound_names
from flow64.deploy.history import History
from flow64.deploy.plan import Consents
from flow64.deploy.target import target_of
from tests.deploy.planned import Commits, service, target
from tests.laws.test_compiler import workflows
from tests.wire.workflows import ODD_WORKFLOWS, VALUES

NAMES = ["list", "tap", "scopes", "extra", "values", "secrets", "companies", "search"]
TIDYING = ("fill_defaults", "reorder", "drop_unknown")
SWITCHES = [{}, *({name: True} for name in TIDYING), dict.fromkeys(TIDYING, True)]


@pytest.fixture(
    scope="module", params=[SWITCHES[0], SWITCHES[-1]], ids=["as-is", "tidy"]
)
def here(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("history")
    with service(History(folder), **request.param) as found:
        yield found


def carry_out(here, plan):
    """Apply a plan with all that it needs."""
    keys = [step.key for step in plan.steps]
    result = here.apply(plan, Consents(keys, keys, keys))
    assert result.is_complete, result.errors


def planned(here, *wanted):
    """A plan that can be shown, whatever is in it."""
    plan = here.plan(*wanted)
    assert str(plan)
    assert plan.as_data()["digest"]
    return plan


def targets_of(name):
    """What a workflow wants of an environment that gives its plain values."""
    workflow = ODD_WORKFLOWS[name]
    names = unbound_names(workflow.compile())
    return [target(workflow, **{name: VALUES[name] for name in names})]


@pytest.mark.parametrize(
    "switches", SWITCHES, ids=lambda chosen: "-".join(chosen) or "as-is"
)
@pytest.mark.parametrize("name", NAMES)
def test_plan_after_a_deploy_is_empty_for_each_example(name, switches, tmp_path):
    """F11: defaults filled in, another order, keys dropped: none is a change."""
    wanted = targets_of(name)

    with service(History(tmp_path), secrets_of(wanted), **switches) as here:
        first = planned(here, *wanted)
        carry_out(here, first)
        then = planned(here, *wanted)

    assert {step.state for step in first.steps} == {"new"}
    assert {step.state for step in then.steps} == {"unchanged"}
    assert then.is_empty


def secrets_of(targets):
    """Some text for each secret."""
    names = {name for one in targets for name in secret_names(one.definition)}
    return Values({name: f"https://example.com/{name}" for name in names})


def filled(workflow):
    """A target whose plain values are filled in."""
    names = unbound_names(workflow.compile())
    values = {name: f"what {name} stands for" for name in names}
    return target_of(workflow, "default", values, git=Commits())


@st.composite
def histories(draw):
    """A workflow, and what became of it: another title and flow under the same key."""
    before = draw(workflows())
    after = draw(workflows())
    later = Workflow(
        after.name,
        *after.flows,
        key=before.key,
        project=before.project,
        description=after.identity.description,
    )
    return filled(before), filled(later)


@given(history=histories())
@settings(deadline=None)
def test_plan_after_a_deploy_is_empty(here, history):
    """And an untouched workflow is never called edited, whatever the code did since."""
    here.values = secrets_of(history)
    carry_out(here, planned(here, history[0]))
    assert planned(here, history[0]).is_empty

    plan = planned(here, history[1])
    carry_out(here, plan)

    assert {step.state for step in plan.steps} <= {"update", "unchanged"}
    assert planned(here, history[1]).is_empty


fields = st.dictionaries(
    st.sampled_from(["tier", "mode", "limit"]),
    st.none() | st.booleans() | st.sampled_from(["high", "PERSONAL", 3, 1.5]),
    max_size=3,
)


@given(code=fields, edit=fields)
@example(code={"mode": "PERSONAL"}, edit={"mode": None})
@settings(deadline=None)
def test_edit_is_drift_exactly_where_code_sets_the_field(here, code, edit):
    """What code does not set is listed, sent back, and never a change."""
    made = Workflow("Raw", Webhook(LEAD) >> RawBlock("step", specs=code), key="raw")
    carry_out(here, planned(here, made))
    here.edit(made.id(), specs={"step": edit})

    (step,) = planned(here, made).steps

    is_edited = any(
        edit[name] is not code[name] and (edit[name] != code[name])
        for name in edit.keys() & code.keys()
    )
    assert step.state == ("drifted" if is_edited else "unchanged")
    names = {name.removeprefix("step.") for name in step.unmanaged}
    assert names >= edit.keys() - code.keys()
    # Leave it as code has it, for the next example.
    here.client.workflows.delete(made.id())
