"""Plans of ids that are not trusted: they are never asked for; what is hidden."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64.definition import MASK
from tests.deploy.planned import NEW, OLD, WHOLE, service, target
from tests.service.clients import BOTH
from tests.service.support import leads

DOUBT = "its key is not trusted, so"


@BOTH
@pytest.mark.parametrize("options", [{}, WHOLE])
@pytest.mark.parametrize("is_there", [False, True])
def test_unseen_is_new_and_never_asked_for(kind, options, is_there):
    """Whatever there is under its id: only a list is read, where one is needed."""
    with service() as here:
        if is_there:
            here.put(OLD)
        here.asked()
        plan = here.plan_by(kind, NEW, **options, unseen=["leads"])
        asked = here.asked()

    (step,) = plan.steps
    assert (step.state, step.action, step.live) == ("new", "create", None)
    assert DOUBT in step.not_checked[0]
    is_listed = bool(options) and is_there
    assert ("was not read" in step.not_checked[0]) is is_listed
    assert asked == (["GET /workflows"] if options else [])


def test_others_are_asked_for():
    """It is about those keys alone, and an orphan that is like one may be it."""
    other = leads("Other", key="other")
    with service() as here:
        here.put(OLD)
        here.put(leads("Leads", key="gone"))
        here.asked()
        plan = here.plan(OLD, target(other), **WHOLE, unseen=["other"])

    assert {step.key: step.state for step in plan.steps} == {
        "leads": "unchanged",
        "other": "new",
        "gone": "orphan",
    }
    assert [(one.key, one.orphan) for one in plan.renames] == [("other", "gone")]


def nameless(live):
    return evolve(live, name=MASK)


@pytest.mark.parametrize(
    ("wanted", "state"),
    [(OLD, "unchanged"), (NEW, "update"), (None, "orphan")],
)
def test_cover(wanted, state):
    """What is live is judged as it is, and shown as the cover leaves it."""
    with service() as here:
        here.put(OLD)
        targets = [] if wanted is None else [wanted]
        plan = here.plan(*targets, **WHOLE, redact=nameless)
        plain = here.plan(*targets, **WHOLE)

    (step,), (other,) = plan.steps, plain.steps
    assert (step.state, other.state) == (state, state)
    assert step.live.definition.name == MASK
    assert other.live.definition.name == "Leads"
    if wanted is None:
        assert (step.name, other.name) == (MASK, "Leads")


def test_cover_of_an_edit():
    """Of what was edited, too, only that is shown."""
    with service() as here:
        here.edit(here.put(OLD), name="Renamed by hand")
        options = {"bases": lambda _: OLD.compile()}
        plan = here.plan(OLD, **options, redact=nameless)
        plain = here.plan(OLD, **options)

    (step,), (other,) = plan.steps, plain.steps
    assert (step.state, other.state) == ("drifted", "drifted")
    assert "Renamed by hand" in str(other.edits)
    assert "Renamed by hand" not in str(step)
