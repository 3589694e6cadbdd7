"""Selecting many in each command: patterns, `--select`, `--exclude`, `--changed`."""

from __future__ import annotations

import json

import pytest

from flow64 import Client

LEADS = """
from flow64 import LEAD, Project, Workflow, variants
from flow64.blocks import LeadEnrichment, Webhook

growth = Project("growth", namespace="acme.example")


def leads(title):
    flow = Webhook(LEAD, input_schema={"email": "string"}) >> LeadEnrichment(
        return_fields={"title": "Job title"}
    )
    return Workflow(title, flow, key="leads", project=growth)


made = variants(
    leads, {"us": {"title": "US"}, "fr": {"title": "FR"}, "jp": {"title": "JP"}}
)
sales = Workflow("Sales", Webhook(LEAD), key="sales", project=growth)
"""

SETTINGS = """
[tool.flow64]
source = "pipelines"

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
"""

ALL = ["leads/us", "leads/fr", "leads/jp", "sales"]


@pytest.fixture
def project(service, tmp_path, namespace):
    """A project with three variants and one more workflow, and one environment."""
    tmp_path.joinpath("pyproject.toml").write_text(SETTINGS, "utf-8")
    tmp_path.joinpath("pipelines").mkdir()
    path = tmp_path / "pipelines" / "leads.py"
    path.write_text(LEADS.replace("acme.example", namespace), "utf-8")
    return path


@pytest.fixture
def deployed(project, flow64):
    """The same, with all of it deployed."""
    assert flow64("deploy", "--yes")[0] == 0
    return project


def retitle(path, old, new):
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def titles():
    with Client(journal=None) as client:
        return sorted(one.name for one in client.workflows.list())


CHOICES = [
    (["leads/*"], ALL[:3]),
    (["pipelines/leads.py:leads/*"], ALL[:3]),
    (["code:leads/*"], ALL[:3]),
    (["--select", "leads/*", "--exclude", "leads/jp"], ALL[:2]),
    (["--select", "sales", "-s", "*/us"], ["leads/us", "sales"]),
    (["pipelines", "--exclude", "leads/*"], ["sales"]),
    (["leads/*", "--exclude", "*/us", "--exclude", "*/fr"], ["leads/jp"]),
]


@pytest.mark.parametrize(("words", "wanted"), CHOICES)
def test_commands_that_compile(project, flow64, words, wanted):
    """Each takes the same addresses and options, and means the same by them."""
    checked = json.loads(flow64("check", *words, "--json")[1])["findings"]
    written = flow64("compile", *words, "-o", "compiled")
    drawn = flow64("graph", *words, "-o", "all.txt")

    assert [*dict.fromkeys(one["key"] for one in checked)] == [
        key for key in wanted if key != "sales"
    ]
    names = [f"compiled/{key.replace('/', '@')}.json" for key in wanted]
    assert sorted(written[1].splitlines()) == sorted(names)
    assert drawn[0] == 0


@pytest.mark.parametrize(("words", "wanted"), CHOICES)
def test_commands_that_plan(project, flow64, words, wanted):
    planned = json.loads(flow64("plan", *words, "--format", "json")[1])
    done = flow64("deploy", *words, "--yes", "--json")[1]

    assert [step["key"] for step in planned["workflows"]] == wanted
    assert [one["key"] for one in json.loads(done)["workflows"]] == wanted
    assert len(titles()) == len(wanted)


@pytest.mark.parametrize("command", ["check", "compile", "graph", "plan", "deploy"])
def test_pattern_that_matches_nothing(project, flow64, command):
    code, printed, told = flow64(command, "--select", "laeds/*")

    assert (code, printed) == (64, "")
    assert "--select: pipelines holds no workflow 'laeds/*' (did you mean" in told


# -- What changed ---------------------------------------------------------------------


def test_changed(deployed, flow64, service):
    """What is new or differs in code; one list tells it, and an edit does not count."""
    retitle(deployed, '"US"', '"USA"')
    with deployed.open("a", encoding="utf-8") as file:
        file.write('new = Workflow("New", Webhook(LEAD), key="new", project=growth)\n')
    with Client(journal=None) as client:
        (info,) = [one for one in client.workflows.list() if one.name == "FR"]
        client.workflows.update(info.id, name="Edited")
    before = len(service.requests)

    checked = flow64("check", "--changed", "--json")
    requests = [(one.method, one.path) for one in service.requests[before:]]
    plan = json.loads(flow64("plan", "--changed", "--format", "json")[1])
    done = flow64("deploy", "--changed", "--yes")

    assert {one["key"] for one in json.loads(checked[1])["findings"]} >= {"leads/us"}
    assert requests == [("GET", "/workflows")]
    assert [step["key"] for step in plan["workflows"]] == ["leads/us", "new"]
    assert (done[0], titles()) == (0, ["Edited", "JP", "New", "Sales", "USA"])
    assert "2 of 5 workflows changed since the last deploy to prod" in done[2]


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["compile"],
        ["compile", "-o", "compiled"],
        ["compile", "-o", "compiled", "--check", "--json"],
        ["graph"],
        ["graph", "-o", "a.svg"],
        ["plan", "--exit-code"],
        ["deploy", "--yes"],
    ],
)
def test_nothing_changed(deployed, flow64, words):
    """A job that has nothing to do succeeds."""
    code, _, told = flow64(*words, "--changed")

    assert code == 0, told
    assert "0 of 4 workflows changed since the last deploy to prod" in told


def test_part_of_a_folder(deployed, flow64, tmp_path):
    """What is compiled of a part leaves the rest of the folder as it is."""
    flow64("compile", "-o", "compiled")
    before = {path.name for path in tmp_path.joinpath("compiled").iterdir()}
    manifest = tmp_path.joinpath("compiled", "flow64.json").read_text("utf-8")

    part = flow64("compile", "leads/us", "-o", "compiled")
    pruned = flow64("compile", "--select", "leads/*", "-o", "compiled", "--prune")

    assert (part[0], part[2]) == (0, "")
    assert (pruned[0], "compile the whole project" in pruned[2]) == (64, True)
    assert {path.name for path in tmp_path.joinpath("compiled").iterdir()} == before
    assert tmp_path.joinpath("compiled", "flow64.json").read_text("utf-8") == manifest


# -- A canary -------------------------------------------------------------------------


def test_canary(deployed, flow64):
    """One workflow first, then the rest. The first deploy deletes nothing."""
    text = deployed.read_text("utf-8").replace("Job title", "Position")
    deployed.write_text(text.split("sales =", maxsplit=1)[0], "utf-8")

    first = flow64("deploy", "leads/us", "--yes")
    second = flow64("plan", "--format", "json")
    rest = flow64("deploy", "--yes", "--prune=1")

    assert (first[0], first[1].split()[:2]) == (0, ["updated", "leads/us"])
    actions = json.loads(second[1])["actions"]
    assert actions == {
        "leads/us": "none",
        "leads/fr": "update",
        "leads/jp": "update",
        "sales": "delete",
    }
    assert (rest[0], titles()) == (0, ["FR", "JP", "US"])


@pytest.mark.parametrize("words", [["leads/us"], ["leads/*"], ["--changed"]])
def test_renamed_key_is_refused_in_a_part_too(deployed, flow64, words):
    """A part creates nothing that a deploy of the whole project would not create."""
    retitle(deployed, 'key="leads"', 'key="people"')
    words = [word.replace("leads", "people") for word in words]

    code, printed, told = flow64("deploy", *words, "--yes")
    plan = json.loads(flow64("plan", *words, "--format", "json")[1])

    assert (code, printed, len(titles())) == (3, "", 4)
    assert 'write was="leads" to keep it' in told
    assert {step["state"] for step in plan["workflows"]} == {"new"}
