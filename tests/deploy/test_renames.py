"""A rename is never silent, and what the plan says of it keeps the ids."""

from __future__ import annotations

import json
import re

import pytest

from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, FindPhone, OutgoingWebhook, Webhook
from flow64.deploy.plan import Consents
from flow64.errors import ConsentError
from tests.deploy.planned import target
from tests.service.support import GROWTH, flow, leads

ENVIRONMENTS = ["default", "staging", "prod"]


def plan(here, *wanted, projects=(GROWTH,), **options):
    facts = {"projects": projects, "environments": ENVIRONMENTS, **options}
    return here.plan(*wanted, **facts)


def test_new_key_needs_create_and_was_keeps_the_ids(here):
    here.put(leads(key="old"))

    step, orphan = plan(here, leads(key="new")).steps

    assert (step.needs, step.action, orphan.key) == (("create",), "create", "old")
    was = re.search(r"was=(\"\w+\")", step.remedy)[1]
    kept = Workflow("Leads", flow(), key="new", project=GROWTH, was=json.loads(was))
    (quiet,) = plan(here, kept).steps
    assert (quiet.state, quiet.needs) == ("unchanged", ())


def test_of_several_alike_each_orphan_is_named_once(here):
    here.put(leads(key="x"), leads(key="y"))

    steps = plan(here, leads(key="p"), leads(key="q"), leads(key="r")).steps[:3]

    notes = [step.note for step in steps]
    assert sorted(filter(None, notes)) == [
        "perhaps x under another key",
        "perhaps y under another key",
    ]


def test_what_is_not_alike_is_new(here):
    here.put(leads(key="old"))
    other = Workflow("Phones", Webhook(LEAD) >> FindPhone(), key="new", project=GROWTH)

    assert plan(here, other).steps[0].needs == ()


OLD_PROJECT = Project("sales", namespace="acme.example")
OLD_NAMESPACE = Project("growth", namespace="old.example")


@pytest.mark.parametrize("owner", [OLD_PROJECT, OLD_NAMESPACE])
@pytest.mark.parametrize("is_whole", [True, False])
def test_new_project_or_namespace_needs_create(here, owner, is_whole):
    """Everything would be there twice."""
    here.put(leads(project=owner))
    projects = (GROWTH,) if is_whole else None

    found = plan(here, leads(), projects=projects)

    assert found.steps[0].needs == ("create",)
    with pytest.raises(ConsentError, match="--create leads"):
        here.apply(found)
    assert here.apply(found, Consents(create=["leads"])).is_complete


@pytest.mark.parametrize(("old", "needs"), [("stage", ("create",)), ("staging", ())])
def test_new_name_of_an_environment_needs_create(here, old, needs):
    """If the settings know the old one, it is another place and no rename."""
    here.put(leads(), env=old)

    found = plan(here, target(leads(), "prod"), env="prod")

    assert found.steps[0].needs == needs


def test_project_that_is_loaded_too_is_no_old_name(here):
    """Two projects may have workflows of one key."""
    theirs = leads(project=OLD_PROJECT)
    here.put(theirs)
    wanted = [leads(), target(theirs, key="sales:leads")]

    found = plan(here, *wanted, projects=(GROWTH, OLD_PROJECT))

    assert [step.needs for step in found.steps] == [(), ()]


def blocks(first, second):
    return Workflow(
        "B",
        Webhook(LEAD) >> first >> second >> OutgoingWebhook(url="https://a.example"),
        key="b",
        project=GROWTH,
    )


EMAIL, PHONE = FindEmail(), FindPhone(key="phone")
RENAMES = {
    "default key": (FindEmail(key="email"), PHONE),
    "own key": (EMAIL, FindPhone(key="mobile")),
    "scope": (EMAIL.scoped("work"), PHONE),
    "own key and scope": (EMAIL, PHONE.scoped("work")),
}


@pytest.mark.parametrize("name", RENAMES)
def test_what_the_plan_says_of_a_renamed_block_keeps_its_id(here, name):
    """Apply the line, and the next plan has no new id."""
    here.put(blocks(EMAIL, PHONE))

    found = plan(here, blocks(*RENAMES[name]))
    (line,) = re.findall(r"keeps its id by (.*?): b: (.*)", str(found))

    argument, path = line
    word, _, text = argument.partition("=")
    if word == "was":
        assert name == "default key"
        kept = blocks(FindEmail(key="email", was=json.loads(text)), PHONE)
    else:
        first, second = RENAMES[name]
        kept = Workflow(
            "B",
            blocks(first, second).flows[0],
            key="b",
            project=GROWTH,
            pins=json.loads(text),
        )
        assert path in json.loads(text)["blocks"]
    assert not re.findall(r"new id|keeps its id", str(plan(here, kept)))
    here.deploy(kept)
    assert plan(here, kept).is_empty
