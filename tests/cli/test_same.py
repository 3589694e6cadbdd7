"""`flow64 same`: is production what staging ran?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from flow64 import Client
from flow64.environments import load as load_settings
from flow64.environments import open_client
from flow64.loading import load_source

pytestmark = pytest.mark.unmeasured

SETTINGS = """
[tool.flow64.environments.staging]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
suffix = "(staging)"
values.notebook = "that of staging"

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
values.notebook = "that of prod"
"""

CODE = """
from flow64 import LEAD, Project, Workflow, value
from flow64.blocks import FindEmail, LeadEnrichment, Webhook

growth = Project("growth", namespace="acme.example")
rows = Webhook(LEAD, input_schema={"email": "string"})
enrich = LeadEnrichment(return_fields={"a": "b"}, research_plan=value("notebook"))
inbound = Workflow("Inbound", rows >> enrich, key="inbound", project=growth)
other = Workflow("Other", rows >> FindEmail(), key="other", project=growth)
"""


@pytest.fixture
def code(service, leads, namespace):
    """Two workflows, and two environments that are filled in otherwise."""
    leads.with_name("pyproject.toml").write_text(SETTINGS, "utf-8")
    leads.write_text(CODE.replace("acme.example", namespace), "utf-8")
    return leads


@pytest.fixture
def deployed(code):
    """Both in both."""
    deploy(code, "staging")
    deploy(code, "prod")
    return code


def deploy(source, env, *keys):
    with open_client(load_settings().environment(env)) as client:
        for one in load_source(str(source)).workflows:
            if not keys or one.name in keys:
                one.workflow.deploy(client)


def change(file, old, new):
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def verdicts(flow64, *arguments):
    _, printed, _ = flow64("same", *arguments, "--json")
    return {one["key"]: one["verdict"] for one in json.loads(printed)["workflows"]}


def live_id(key, env):
    return load_source(f"leads.py:{key}").only.workflow.id(env)


def test_same(deployed, flow64):
    """Values and suffixes of an environment are not part of the code."""
    code, printed, told = flow64("same", "staging", "prod", "--exit-code")

    assert (code, told) == (0, "")
    assert printed == "same  inbound\nsame  other\n"


def test_no_code_is_read(deployed, flow64):
    """The stamps decide, not the present code."""
    deployed.write_text("raise SystemError", "utf-8")

    assert flow64("same", "staging", "prod", "--exit-code")[0] == 0


def test_other_code(deployed, flow64):
    """Staging has newer code than production."""
    change(deployed, "FindEmail()", "FindEmail(mode='PERSONAL')")
    deploy(deployed, "staging")

    usual = flow64("same", "staging", "prod")
    code, printed, told = flow64("same", "staging", "prod", "--exit-code")

    assert (usual[0], code, usual[1]) == (0, 2, printed)
    assert printed.startswith(
        "same       inbound\ndifferent  other    the code deployed is "
    )
    assert told == "here: staging; there: prod\n"


def test_quiet(deployed, flow64):
    """The verdicts are the result, and which side is which is a message."""
    change(deployed, "FindEmail()", "FindEmail(mode='PERSONAL')")
    deploy(deployed, "staging")

    code, printed, told = flow64("same", "staging", "prod", "--exit-code", "-q")

    loud = flow64("same", "staging", "prod", "--exit-code")
    assert (code, printed, told) == (2, loud[1], "")
    assert loud[2] == "here: staging; there: prod\n"
    assert flow64("same", "staging", "prod", "inbound", "-q")[1:] == (
        "same  inbound\n",
        "",
    )


def test_quiet_without_a_result(code, flow64):
    """Nothing is deployed on either side, which is no error."""
    assert flow64("same", "staging", "prod", "-q") == (0, "", "")
    assert flow64("same", "staging", "prod", "othr", "-q")[0] == 64


def test_picked_keys(deployed, flow64):
    """One that is named is all that is looked at."""
    change(deployed, "FindEmail()", "FindEmail(mode='PERSONAL')")
    deploy(deployed, "staging")

    assert flow64("same", "staging", "prod", "inbound", "--exit-code")[0] == 0
    assert verdicts(flow64, "staging", "prod", "other") == {"other": "different"}


def test_edited(deployed, flow64):
    """An edit made on the service is seen, on whichever side."""
    with Client(journal=None) as client:
        client.workflows.update(live_id("other", "prod"), name="Edited")

    code, printed, _ = flow64("same", "prod", "staging", "--exit-code")

    assert code == 2
    assert "edited on the service since it was deployed: here" in printed


def test_absent_and_foreign(code, flow64):
    """A workflow on one side only differs; one without a stamp is unknown."""
    deploy(code, "staging")
    deploy(code, "prod", "inbound")
    with Client(journal=None) as client:
        client.workflows.update(live_id("inbound", "prod"), description="no stamp")

    _, printed, _ = flow64("same", "staging", "prod", "--json")

    data = json.loads(printed)
    found = {one["key"]: one for one in data["workflows"]}
    assert (data["here"], data["there"], data["same"]) == ("staging", "prod", False)
    assert found["other"]["verdict"] == "different"
    assert found["other"]["there"]["state"] == "absent"
    assert found["inbound"]["verdict"] == "unknown"
    assert found["inbound"]["there"]["state"] == "foreign"
    assert flow64("same", "staging", "prod", "inbound", "--exit-code")[0] == 2


def test_two_projects_with_one_key(deployed, flow64, namespace):
    """Then a workflow is called by its project as well."""
    change(deployed, '"growth"', '"sales"')
    deploy(deployed, "prod", "other")

    found = verdicts(flow64, "staging", "prod")

    assert found == {
        "inbound": "same",
        "growth/other": "same",
        "sales/other": "different",
    }


def test_two_namespaces_with_one_key(deployed, flow64, namespace):
    """Then it is called by its whole path."""
    change(deployed, namespace, f"more.{namespace}")
    deploy(deployed, "prod", "other")

    found = verdicts(flow64, "staging", "prod")

    path = "ns:{}/project:growth/workflow:other"
    assert found == {
        "inbound": "same",
        path.format(namespace): "same",
        path.format(f"more.{namespace}"): "different",
    }


def test_what_was_set_by_hand(deployed, service, flow64):
    """It is the same code, and is listed."""
    specs = {"find_email": {"tier": "high"}}
    service.edit(live_id("other", "prod"), specs=specs)

    code, printed, told = flow64("same", "staging", "prod", "--exit-code")
    _, data, _ = flow64("same", "staging", "prod", "other", "--json")

    assert (code, told) == (0, "here: staging; there: prod\n")
    assert re.search(
        r"^same  other +set by hand there: find_email \(\w{8}\)\.tier$",
        printed,
        re.MULTILINE,
    )
    (one,) = json.loads(data)["workflows"]
    assert len(one["notes"]) == 1
    assert "high" not in data


def test_nothing_is_there(code, flow64):
    code, printed, told = flow64("same", "staging", "prod", "--exit-code")

    assert (code, printed) == (0, "")
    assert told == "your code deployed nothing to either of them\n"


def test_names_steer_no_terminal(code, flow64):
    """T1: a key is shown escaped, and is exact as data."""
    change(code, 'key="other"', 'key="o\\x1b]8;;x"')
    deploy(code, "prod")
    deploy(code, "staging")

    _, printed, _ = flow64("same", "staging", "prod")

    assert "same  o\\x1b]8;;x\n" in printed
    assert "o\x1b]8;;x" in verdicts(flow64, "staging", "prod")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["staging"], "OTHER_ENV is missing"),
        (["staging", "prd"], "there is no environment 'prd' (did you mean 'prod'?)"),
        (["prod", "prod"], "prod is compared with itself"),
        (["staging", "prod", "othr"], "no workflow 'othr' (did you mean 'other'?)"),
    ],
)
def test_mistakes(deployed, flow64, arguments, words):
    code, printed, told = flow64("same", *arguments)

    assert (code, printed, words in told) == (64, "", True)


def test_no_key(code, flow64, monkeypatch):
    monkeypatch.delenv("SIXTYFOUR_API_KEY")

    code, printed, told = flow64("same", "staging", "prod")

    assert (code, printed, "SIXTYFOUR_API_KEY" in told) == (1, "", True)


# -- A key that workflows of two projects have ----------------------------------------


@pytest.fixture
def shared(deployed):
    """Two projects have the key `other` in staging: its ids, and how to be one."""
    settings = deployed.with_name("pyproject.toml")
    settings.write_text(f'[tool.flow64]\nsource = "leads.py"\n{SETTINGS}', "utf-8")
    ids = {"growth": live_id("other", "staging")}
    text = deployed.read_text("utf-8")

    def become(project):
        deployed.write_text(text.replace('"growth"', f'"{project}"'), "utf-8")

    deployed.with_name("rows.csv").write_text("email\nada@example.com\n", "utf-8")
    become("sales")
    deploy(deployed, "staging", "other")
    ids["sales"] = live_id("other", "staging")
    return ids, become


@pytest.mark.parametrize(
    "line",
    [
        "pull other -e staging -o live",
        "pull staging:other -o live",
        "graph staging:other",
        "code staging:other",
        "diff staging:other staging:other",
        "diff leads.py:other staging:other",
        "run staging:other rows.csv --new --yes --no-wait",
    ],
)
@pytest.mark.parametrize("project", ["growth", "sales"])
def test_key_of_the_own_project(line, project, shared, flow64, service):
    """If several have the key, it means the workflow of the project."""
    ids, become = shared
    become(project)
    before = len(service.requests)

    code, _, told = flow64(*line.split())

    asked = " ".join(one.path for one in service.requests[before:])
    assert (code, told if code else "") == (0, "")
    assert [name for name, one in ids.items() if one in asked] == [project]


@pytest.mark.parametrize(
    "line",
    [
        "pull staging:other -o live",
        "graph staging:other",
        "code staging:other",
        "run staging:other rows.csv --new --yes --no-wait",
    ],
)
@pytest.mark.parametrize("text", [None, "raise SystemError", ""])
def test_key_of_other_projects(line, text, shared, flow64, tmp_path):
    """If the project has none there, each is listed by its id, with its project."""
    ids, become = shared
    become("support")
    if text is not None:
        (tmp_path / "leads.py").write_text(text, "utf-8")

    code, printed, told = flow64(*line.split())

    assert (code, printed) == (64, "")
    assert "2 workflows in staging have the key 'other'; name one by its id" in told
    for project, workflow_id in ids.items():
        assert re.search(rf"staging:id:{workflow_id} \(\w+\.example/{project}\)", told)


def test_no_code_is_imported_to_tell_a_key(shared, flow64):
    """Not if it may not be, and not if one workflow has the key."""
    _, become = shared
    become("growth")

    refused = flow64("code", "staging:other", "--no-code")
    with Path("leads.py").open("a", encoding="utf-8") as file:
        file.write("print('imported')\n")
    _, _, alone = flow64("graph", "staging:inbound")
    _, _, several = flow64("graph", "staging:other")

    assert (refused[0], "name one by its id" in refused[2]) == (64, True)
    assert ["imported" in text for text in (alone, several)] == [False, True]
