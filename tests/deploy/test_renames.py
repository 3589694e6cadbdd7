"""A rename is never silent, and what the plan says of it keeps the ids."""

from __future__ import annotations

import pytest
from attrs import evolve

from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, FindPhone, OutgoingWebhook, Webhook
from flow64.deploy.plan import Consents
from flow64.diff.advice import Advice
from flow64.errors import BuildError, ConsentError
from tests.deploy.planned import Commits, target
from tests.service.support import GROWTH, flow, leads

ENVIRONMENTS = ["default", "staging", "prod"]


def plan(here, *wanted, projects=(GROWTH,), **options):
    facts = {"projects": projects, "environments": ENVIRONMENTS, **options}
    return here.plan(*wanted, **facts)


def test_new_key_needs_create_and_was_keeps_the_ids(here):
    here.put(leads(key="old"))

    step, orphan = (found := plan(here, leads(key="new"))).steps

    assert (step.needs, step.action, orphan.key) == (("create",), "create", "old")
    (remedy,) = step.advice
    assert 'to keep ids  new: was="old" in workflow new' in str(found)
    with pytest.raises(ConsentError, match="--create new, or write was="):
        here.apply(found)
    kept = Workflow("Leads", flow(), key="new", project=GROWTH, was=remedy.was)
    (quiet,) = plan(here, kept).steps
    assert (quiet.state, quiet.needs) == ("unchanged", ())


def test_of_several_alike_each_orphan_is_named_once(here):
    here.put(leads(key="x"), leads(key="y"))

    steps = plan(here, leads(key="p"), leads(key="q"), leads(key="r")).steps[:3]

    assert [step.note for step in steps].count("perhaps renamed") == 2
    assert sorted(item.was for step in steps for item in step.advice) == ["x", "y"]


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


def test_new_namespace_of_two_projects(here):
    """Each project has its own line, which names its own old one."""
    olds, news = (
        [Project(key, namespace=namespace) for key in ("growth", "sales")]
        for namespace in ("old.example", "new.example")
    )
    here.put(*(leads(key=project.key, project=project) for project in olds))
    moved = [leads(key=project.key, project=project) for project in news]

    steps = plan(here, *moved, projects=news).steps

    advice = [(item.name, item.was) for step in steps for item in step.advice]
    assert advice == [
        ("growth", "old.example/growth"),
        ("sales", "old.example/sales"),
    ]


@pytest.mark.parametrize(("old", "needs"), [("stage", ("create",)), ("staging", ())])
def test_new_name_of_an_environment_needs_create(here, old, needs):
    """If the settings know the old one, it is another place and no rename."""
    here.put(leads(), env=old)

    found = plan(here, target(leads(), "prod"), env="prod")

    assert found.steps[0].needs == needs


def test_several_new_names_of_a_workflow(here):
    """Project, environment and key: a wrong old key hides nothing, all is to write."""
    here.put(leads(project=OLD_PROJECT), env="stage")
    renamed = Workflow("Leads", flow(), key="leads", project=GROWTH, was="leeds")

    found = plan(here, target(renamed, "prod"), env="prod")

    levels = [item.level for item in found.steps[0].advice]
    assert levels == ["project", "environment", "workflow"]
    with pytest.raises(ConsentError, match=r"write was=.*, was=.* and was=.*leads"):
        here.apply(found)


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
    "own key and scope": (EMAIL, FindPhone(key="mobile").scoped("work")),
}
WAS = {
    "default key": [Advice("block", "email", "find_email")],
    "own key": [Advice("pins", "", {"mobile": "ID"})],
    "scope": [Advice("scope", "work", "")],
    "own key and scope": [Advice("pins", "", {"work/mobile": "ID"})],
}
READ = {
    "own key": [Advice("block", "mobile", "phone")],
    "own key and scope": [Advice("block", "work/mobile", "/phone")],
}


@pytest.mark.parametrize("name", RENAMES)
def test_what_keeps_the_id_of_a_block(here, name):
    """`was=` if the old name can be found, else a pin. Git has the old code."""
    here.put(blocks(EMAIL, PHONE))
    old_id = blocks(EMAIL, PHONE).compile().blocks[2].id
    wanted = [
        evolve(item, was=dict.fromkeys(item.was, old_id))
        if item.level == "pins"
        else item
        for item in WAS[name]
    ]

    (step,) = plan(here, blocks(*RENAMES[name])).steps
    commits = Commits(texts=("phone", "b", "Leads"))
    (informed,) = plan(here, blocks(*RENAMES[name]), git=commits).steps

    assert [*step.advice] == wanted
    assert [*informed.advice] == READ.get(name, WAS[name])


def test_renamed_project_is_one_line(here):
    """Not one for each workflow; what else was renamed has its own."""
    here.put(*(leads(key=key, project=OLD_PROJECT) for key in "abc"))
    renamed = Workflow("Leads", flow(), key="d", project=GROWTH)

    found = plan(here, *(leads(key=key) for key in "ab"), renamed)

    lines = [line for line in str(found).splitlines() if line.startswith("to keep ids")]
    assert lines == [
        'to keep ids  a, b, d: was="acme.example/sales" in project growth',
        'to keep ids  d: was="c" in workflow d',
    ]


def test_what_was_deployed_under_the_new_name_is_an_orphan(here):
    """It is there twice until it is deleted, and both are seen."""
    here.put(leads(project=OLD_PROJECT), leads())
    renamed = evolve(GROWTH, was="acme.example/sales")

    first, second = plan(here, leads(project=renamed), projects=[renamed]).steps

    assert (first.state, first.id) == ("unchanged", leads(project=OLD_PROJECT).id())
    assert (second.state, second.id) == ("orphan", leads().id())


def test_two_workflows_of_one_old_path(here):
    """Both lines are named."""
    twins = [Workflow(key, flow(), key=key, project=GROWTH, was="x") for key in "ab"]

    with pytest.raises(BuildError, match=r"'a' \(.*:\d+\) and 'b' \(.*:\d+\)"):
        plan(here, *twins)


def test_advice_takes_no_ids_from_others_of_a_project(here):
    """A workflow that went to another project: was= there is for all of it."""
    sales = Project("sales", GROWTH.namespace)
    facts = {"projects": [GROWTH, sales]}
    other = Workflow("Phones", Webhook(LEAD) >> FindPhone(), key="b", project=sales)
    moved = Workflow("Leads", flow(), key="a", project=sales)
    here.deploy(leads(key="a"), other, **facts)

    step = here.plan(moved, other, **facts).steps[0]

    assert (step.state, step.needs, step.advice) == ("new", ("create",), ())
